//! What the samples mean, pure: no clock, no I/O, no screen.

pub mod locks;
pub mod series;
