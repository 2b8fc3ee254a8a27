//! Wraparound: how far every database and the oldest relations of the connected one are on their way to the point
//! where the server assigns no more transaction or multixact ids, and what would turn them round.

mod cells;
mod databases;
mod relations;
#[cfg(test)]
mod tests;

use super::View;
use super::list::ListView;
use super::panels::Panels;

/// The pane.
pub(super) fn pane() -> Box<dyn View> {
    let panels: Vec<Box<dyn View>> = vec![
        Box::<ListView<databases::Databases>>::default(),
        Box::<ListView<relations::Relations>>::default(),
    ];
    Box::new(Panels::new("wraparound", "Wraparound", "Wrap", panels).stacked())
}
