//! `pgmon-tui` tells, within a second and without a lie, what is wrong with a PostgreSQL server,
//! and never becomes part of what is wrong with it.
//!
//! # The way of one datum
//!
//! ```text
//! queries/locks.sql                      one question, one file; NAME.pg14.sql serves 14 and later
//!   -> probe::locks                      which form this server gets, its parameters, its rows
//!   -> poll::worker                      is it due? one tokio task owns schedule and connections
//!   -> pg::session::Session::run         the only caller of the driver
//!   -> Ran { sql, params, took, .. }     what really ran travels with its rows
//!   -> decode by column name             text that is no UTF-8 cannot fail
//!   -> Arc<Sample> -> bounded channel -> app::update(&mut State, Event) -> Vec<Effect>     pure
//!        |-> World                       the latest sample of every probe, the series of every rate
//!        |-> model::locks::forest        what it means, pure
//!        |-> pane::Pane::derive          sorted, filtered rows, computed once a sample
//!        |-> pane::Pane::draw(&self)     -> terminal
//! ```
//!
//! # Floors
//!
//! `main`, [`cli`] -> [`app`] -> [`pane`], [`ui`] -> [`model`] -> [`probe`], [`poll`] -> [`pg`], [`config`].
//! An import runs downwards only.
//!
//! # What never happens
//!
//! * Nothing but [`pg::session`] calls the driver, so the SQL on the screen cannot differ from what ran.
//! * Every statement is a compile-time constant from `queries/`; values go in as `$1`.
//! * `draw` computes nothing and `update` reads no clock and does no I/O: time comes in with the event.
//! * The terminal never waits for the server.
//! * A selection is an identity (pid and start, oid, queryid), never a row number.
//! * Unknown, denied, stale, skipped and estimated each look different from a value.

pub mod app;
pub mod cli;
pub mod config;
pub mod model;
pub mod pane;
pub mod pg;
pub mod poll;
pub mod probe;
pub mod term;
pub mod ui;
