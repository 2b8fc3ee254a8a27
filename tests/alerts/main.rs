//! The alert rules on real servers that are put into the situation: raised with the right evidence, held, cleared, and
//! quiet on what only looks like it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../common/asking.rs"]
mod asking;
#[path = "../common/mod.rs"]
mod common;
mod eye;
mod paste;
#[path = "../common/patient.rs"]
mod patient;

mod busy;
mod damage;
mod partitions;
mod replication;
mod sessions;
mod storage;
mod stories;
mod storm;
mod syncrep;
mod upkeep_calm;
mod vacuum;
mod work;
mod wraparound;
