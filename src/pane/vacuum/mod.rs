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
use crate::ui::table::{Cell, Key};

/// The pane.
#[must_use]
pub(super) fn vacuum() -> Panels {
    let panels: Vec<Box<dyn View>> = vec![
        Box::<ListView<running::Running>>::default(),
        Box::<ListView<queue::Queue>>::default(),
        Box::<ListView<horizon::Horizon>>::default(),
    ];
    Panels::new("vacuum", "Vacuum", "Vac", panels).stacked()
}

/// A text, or nothing.
fn text(value: Option<&str>) -> Cell<'_> {
    value.map_or(Cell::empty(), Cell::text)
}

/// A text that is not the point of its row.
fn muted(value: Option<&str>) -> Cell<'_> {
    value.map_or(Cell::empty(), |value| Cell::new(value, Role::Muted))
}

/// Sorts by a number; rows without it come last.
fn number(value: Option<f64>) -> Key<'static> {
    value.map_or(Key::None, Key::Number)
}

/// Sorts by a text; rows without it come last.
fn words(value: Option<&str>) -> Key<'_> {
    value.map_or(Key::None, |value| Key::Text(value.into()))
}
