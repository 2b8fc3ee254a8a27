//! Real PostgreSQL servers, incidents and terminals for the tests and the demo of `pgmon-tui`.
//!
//! # One minute
//!
//! ```no_run
//! # async fn example() -> pgmon_lab::Result<()> {
//! use pgmon_lab::{Cluster, wait_until};
//! use std::time::Duration;
//!
//! // A server of its own: copied from a template, up in about 0.2 s, gone when dropped or when the test is killed.
//! let cluster = Cluster::builder(18).conf("max_connections", "20").role("mon LOGIN IN ROLE pg_monitor").start().await?;
//! let client = cluster.client().await?;
//! client.simple("CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 0)").await?;
//!
//! // Two sessions in each other's way; `spawn` does not wait for the statement's end.
//! let holder = cluster.client().await?;
//! holder.simple("BEGIN; UPDATE t SET v = 1").await?;
//! let waiter = cluster.client().await?;
//! let update = waiter.spawn("UPDATE t SET v = 2");
//!
//! // A condition with a deadline instead of a sleep; independent truth from another session.
//! let blocked = format!("SELECT pg_blocking_pids({}) = ARRAY[{}]", waiter.pid(), holder.pid());
//! wait_until("the second update waits", Duration::from_secs(10), async || client.value::<bool>(&blocked).await).await;
//!
//! holder.simple("COMMIT").await?;
//! update.finish().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is where
//!
//! * [`postgres`]: the server builds of every supported major, fetched once into the user's cache.
//! * [`Cluster`]: one server; [`shared`] is one a test binary's tests may share, each in its own database.
//! * [`Pooler`]: `PgBouncer` before it.
//! * [`Port`]: a port that nobody else is given.
//! * [`Client`]: one session.
//! * [`scene`]: lock trees, convoys, deadlocks and other situations.
//! * [`wraparound`]: a cluster near the end of its ids.
//! * [`scale`]: a database with 100,000 tables.
//! * [`Terminal`]: a program in a pseudo-terminal.
//! * [`wait_until`]: the only way to wait.

mod client;
mod cluster;
mod error;
mod home;
mod install;
mod pooler;
mod port;
mod process;
pub mod scale;
pub mod scene;
mod supervised;
mod terminal;
mod wait;
pub mod wraparound;

pub use client::{Client, Running};
pub use cluster::{Builder, Cluster, Stop, shared};
pub use error::{Error, Result};
pub use install::{Install, MAJORS, cache_dir, postgres};
pub use pooler::Pooler;
pub use port::Port;
pub use process::{children, is_stopped, processes_with, signal as send_signal};
pub use rustix::process::Signal;
pub use scene::Scene;
pub use terminal::{Ended, Terminal};
pub use wait::{wait_for, wait_until};

/// How long anything may take before a test gives up: generous, because machines are shared and a deadline is no measurement.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_mins(1);
