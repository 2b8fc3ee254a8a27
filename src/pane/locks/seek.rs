//! The row an alert speaks of, wherever it is folded away.

use super::Locks;
use super::rows::{self, Id};
use crate::alert::Thing;
use crate::model::locks::Who;
use crate::ui::filter::Filter;
use crate::ui::table::Record as _;

impl Locks {
    /// Selects it, and opens or takes away what hides it; false if it neither waits nor is waited for.
    pub(super) fn go_to(&mut self, thing: &Thing) -> bool {
        let Some(place) = self.place_of(thing) else {
            return false;
        };
        let Some(id) = self.forest.nodes.get(place).map(|node| Id::Node(node.who.clone())) else {
            return false;
        };
        self.unfold(place);
        self.fill();
        if self.table.shown().all(|row| row.id() != id) {
            self.table.set_filter(Filter::default());
            self.fill();
        }
        self.table.select(id);
        true
    }

    /// The node that is what an alert speaks of: the session itself, or one of its parallel workers.
    fn place_of(&self, thing: &Thing) -> Option<usize> {
        self.forest.nodes.iter().position(|node| match (thing, &node.who) {
            (
                Thing::Backend { pid, start },
                Who::Backend {
                    pid: here,
                    start: began,
                },
            ) => (pid, start) == (here, began) || node.workers.contains(pid),
            (Thing::Prepared(gid), Who::Prepared(_)) => {
                node.prepared.as_ref().is_some_and(|prepared| prepared.gid == *gid)
            }
            _ => false,
        })
    }

    /// Opens whatever hides that node.
    fn unfold(&mut self, place: usize) {
        let mut next = Some(place);
        while let Some(node) = next.and_then(|place| self.forest.nodes.get(place)) {
            if let Some(fold) = node.fold.and_then(|fold| self.forest.folds.get(fold)) {
                self.opened.folds.insert(rows::fold_id(&self.forest, node.parent, fold));
            }
            next = node.parent;
            if let Some(parent) = next.and_then(|parent| self.forest.nodes.get(parent)) {
                self.opened.closed.remove(&parent.who);
            }
        }
    }
}
