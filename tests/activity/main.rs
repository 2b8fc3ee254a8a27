//! What the Activity pane and the page of one backend are made of, on real servers of every version, against other
//! questions from other sessions.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../common/mod.rs"]
mod common;
mod detail;
mod eye;
mod list;
#[path = "../common/patient.rs"]
mod patient;
mod texts;
