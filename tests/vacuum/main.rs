//! What the Vacuum pane says, against what autovacuum then does and what the server says to somebody else.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../common/mod.rs"]
mod common;
mod eye;
mod horizon;
mod neglect;
#[path = "../common/patient.rs"]
mod patient;
mod running;
mod thresholds;
