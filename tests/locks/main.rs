//! The blocking forest on real servers of every version, against `pg_blocking_pids` asked by somebody else and
//! against situations whose answer is known because they were built that way.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../common/mod.rs"]
mod common;
mod eye;
mod gate;
#[path = "../common/patient.rs"]
mod patient;
mod random;
mod trees;
