//! The program without a server and without a terminal: fixed data goes in as events, screens come out as text.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod app;
mod data;
mod keys;
mod properties;
mod random;
mod redact;
mod screens;
mod transcripts;
