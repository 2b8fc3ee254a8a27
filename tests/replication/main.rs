//! What the Replication pane says, compared with what the servers say to somebody else: standbys that lag, cascade and
//! are gone, slots that are lost, archives that fail, subscriptions that do not take.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod archiver;
#[path = "../common/asking.rs"]
mod asking;
#[path = "../common/mod.rs"]
mod common;
mod eye;
#[path = "../common/patient.rs"]
mod patient;
mod slots;
mod standbys;
mod subscriptions;

use std::time::Duration;

use pgmon_lab::{Builder, Client, Cluster};

/// What everything may take before a test gives up; no measurement.
const PATIENCE: Duration = pgmon_lab::PATIENCE;

/// A server with a superuser `postgres`, `mon` in `pg_monitor` and a plain role `app`.
fn builder(major: u32) -> Builder {
    Cluster::builder(major)
        .role("mon LOGIN IN ROLE pg_monitor")
        .role("app LOGIN")
}

/// `int8` out of any integer expression.
async fn number(client: &Client, expression: &str) -> i64 {
    client.value(&format!("SELECT ({expression})::int8")).await.unwrap()
}

/// So many kilobytes of WAL, at least, in a transaction of its own.
async fn write(client: &Client, kilobytes: u32) {
    client
        .simple(&format!(
            "CREATE TABLE IF NOT EXISTS filler (v text);
             INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, {kilobytes})"
        ))
        .await
        .unwrap();
}
