//! What Storage says, compared with what the server says to somebody else.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../common/mod.rs"]
mod common;
mod duplicates;
mod eye;
mod foreign_keys;
mod invalid;
mod locked;
mod roles;
mod sequences;
mod sizes;
mod unused;

/// What everything may take before a test gives up; no measurement.
const PATIENCE: std::time::Duration = pgmon_lab::PATIENCE;
