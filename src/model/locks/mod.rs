//! wip
pub mod graph;
pub mod object;
