//! What the Queries pane knows, compared with what was really executed and with what the server says to somebody else,
//! on every supported version and every version of the extension.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../common/mod.rs"]
mod common;
mod evictions;
mod eye;
mod growth;
mod latency;
mod missing;
#[path = "../common/patient.rs"]
mod patient;
mod plans;
mod polled;
mod redact;
mod texts;
mod versions;
