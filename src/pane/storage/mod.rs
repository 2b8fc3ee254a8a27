//! Storage: what takes room in the connected database, what takes it for nothing, and what runs out.

mod cells;
mod duplicates;
mod foreign_keys;
mod invalid;
mod relations;
mod sequences;
#[cfg(test)]
mod tests;
mod unused;

use super::View;
use super::list::ListView;
use super::panels::Panels;

/// The pane.
pub(super) fn pane() -> Box<dyn View> {
    Box::new(Panels::new(
        "storage",
        "Storage",
        "Sto",
        vec![
            Box::<ListView<relations::Relations>>::default(),
            Box::<ListView<unused::Unused>>::default(),
            Box::<ListView<duplicates::Duplicates>>::default(),
            Box::<ListView<invalid::Invalid>>::default(),
            Box::<ListView<foreign_keys::ForeignKeys>>::default(),
            Box::<ListView<sequences::Sequences>>::default(),
        ],
    ))
}
