//! One table in full: the page that Enter opens on Storage, Vacuum, Wraparound and Partitions, and `t` on Locks.

mod air;
mod columns;
mod facts;
mod family;
mod indexes;
mod locks;
mod measuring;
mod summary;

use super::View;
use super::common::answer_about;
use super::list::ListView;
use super::panels::Panels;
use crate::probe::relation::Relation;
use crate::probe::relation_locks::RelationLocks;
use crate::probe::{Probe, Subject};
use crate::world::World;

/// The page of a table.
pub(super) fn page(oid: u32) -> Box<dyn View> {
    let subject = Subject::Relation(oid);
    let panels: Vec<Box<dyn View>> = vec![
        Box::new(summary::Summary::new(oid)),
        Box::new(ListView::of(indexes::Indexes::new(oid))),
        Box::new(ListView::of(columns::Columns::new(oid))),
        Box::new(ListView::of(locks::Locks::new(oid))),
        Box::new(ListView::of(family::Family::new(oid))),
    ];
    let panels = Panels::new("relation", format!("Table {oid}"), "Table", panels);
    Box::new(panels.about(subject).named(name))
}

fn name(subject: &Subject, world: &World) -> Option<String> {
    let identity = answer_about::<Relation>(subject, world)?.as_ref()?;
    Some(identity.name.to_string())
}

/// The newest answer of a probe, if it is about that table.
fn answer<P: Probe>(oid: u32, world: &World) -> Option<&P::Data> {
    answer_about::<P>(&Subject::Relation(oid), world)
}

/// The table was asked for and is not there any more.
fn is_gone(oid: u32, world: &World) -> bool {
    matches!(answer::<Relation>(oid, world), Some(None))
        || answer::<RelationLocks>(oid, world).is_some_and(|locks| !locks.exists)
}

/// What was known last, kept when the table has gone.
#[derive(Clone, Debug)]
struct Last<T> {
    oid: u32,
    known: Option<T>,
}

impl<T> Default for Last<T> {
    fn default() -> Self {
        Self { oid: 0, known: None }
    }
}

impl<T: Clone> Last<T> {
    fn new(oid: u32) -> Self {
        Self { oid, known: None }
    }

    /// The newest answer about the table, or the last one there was.
    fn learn<P: Probe<Data = T>>(&mut self, world: &World) -> Option<&T> {
        if !is_gone(self.oid, world)
            && let Some(answer) = answer::<P>(self.oid, world)
        {
            self.known = Some(answer.clone());
        } else if let Some(known) = &mut self.known {
            world.cover::<P>(known);
        }
        self.known.as_ref()
    }
}

/// A time of the past, in seconds since 1970, as "3h02m ago".
fn ago(at: f64, now: Option<f64>) -> String {
    now.map_or_else(String::new, |now| crate::ui::format::ago(now - at))
}

#[cfg(test)]
mod tests;
