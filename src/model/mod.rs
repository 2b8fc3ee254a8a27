//! What the samples mean, pure: no clock, no I/O, no screen.

pub mod activity;
pub mod locks;
pub mod remedy;
pub mod series;
