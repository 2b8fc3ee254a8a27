//! `pgmon-tui` tells, within a second and without a lie, what is wrong with a PostgreSQL server,
//! and never becomes part of what is wrong with it.
//!
//! # The way of one datum
//!
//! ```text
//! queries/locks.sql                      one question, one file; NAME.pg14.sql serves 14 and later
//!   -> probe::locks                      which form this server gets, its parameters, its rows
//!   -> poll::worker                      is it due? one tokio task owns schedule and connections
//!   -> pg::session::Session::ask         the only caller of the driver
//!   -> Ran { variant, params, took, .. } what really ran travels with its rows
//!   -> decode by column name             text that is no UTF-8 cannot fail
//!   -> Arc<Sample> -> bounded channel -> app::update::update(&mut State, Event) -> Vec<Effect>     pure
//!        |-> Known                       the newest answer of every probe, the series of every rate,
//!        |     model::locks::forest      and what an answer means to more than one reader, built once
//!        |     -> alert::Engine          what is wrong, since when, and what to do about it
//!        |-> pane::View::derive          sorted, filtered rows: never computed while drawing
//!        |-> pane::View::draw(&self)     -> terminal
//! ```
//!
//! # Floors
//!
//! ```text
//! main, app           the loop, update, keys, popups; cli and term are its doors to shell and terminal
//! pane, sink          one room a pane, and what panes share; the same without a terminal, for people and machines
//! world               what is known and was said
//! alert               what is wrong by what is known: rules, and one engine that raises, holds and clears
//! known               what is known of the server, for whoever reads it: panes, rules, a process without a terminal
//! model, poll, ui     what samples mean; when to ask for them; how anything looks. None knows another
//! probe, pg, config   the questions, the server, the settings
//! action              what a key can mean; knows nobody
//! ```
//!
//! An import runs downwards or stays in its room. The exception is the floor of [`probe`], [`pg`] and [`config`], which
//! know each other: a session runs the questions, the questions decode what a session brings, the settings
//! are made of tiers and connection strings.
//!
//! # What never happens
//!
//! * Nothing but [`pg::session`] calls the driver, so the SQL on the screen cannot differ from what ran.
//! * Every question is a compile-time constant from `queries/`; values go in as `$1`. Besides, a session sends only
//!   its own settings and, behind a pooler, the transaction around a question. One text is no constant: when the user
//!   asks for the generic plan of a statement, that statement behind `EXPLAIN` ([`pg::explain`]).
//! * `draw` computes nothing; `update` reads no clock, time comes in with the event, and does no I/O but the log's.
//! * The terminal never waits for the server.
//! * A literal of somebody's query is in no fault and no message; with redaction on it is in nothing that is known
//!   ([`known::Known::redact`]), so no view and no output can forget to hide it.
//! * A selection is an identity (pid and start, oid, queryid), never a row number.
//! * Unknown, denied, stale, skipped and estimated each look different from a value.

pub mod action;
pub mod alert;
pub mod app;
pub mod cli;
pub mod config;
pub mod known;
pub mod model;
pub mod pane;
pub mod pg;
pub mod poll;
pub mod probe;
pub mod sink;
pub mod term;
pub mod ui;
pub mod world;
