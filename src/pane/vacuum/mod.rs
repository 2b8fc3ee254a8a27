//! Vacuum: what runs and how far it is, which tables autovacuum comes to next, and who keeps dead rows from it.

mod horizon;
mod queue;
mod running;
#[cfg(test)]
mod tests;

use super::View;
use super::list::ListView;
use super::panels::Panels;
use crate::ui::look::Role;
use crate::ui::table::Cell;

/// The pane.
pub(super) fn pane() -> Box<dyn View> {
    let panels: Vec<Box<dyn View>> = vec![
        Box::<ListView<running::Running>>::default(),
        Box::<ListView<queue::Queue>>::default(),
        Box::<ListView<horizon::Horizon>>::default(),
    ];
    Box::new(Panels::new("vacuum", "Vacuum", "Vac", panels).stacked().by_badge())
}

/// A text that is not the point of its row.
fn muted(value: Option<&str>) -> Cell<'_> {
    value.map_or(Cell::empty(), |value| Cell::new(value, Role::Muted))
}
