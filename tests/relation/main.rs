//! What the page of a table is made of, on real servers, against other questions from other sessions: its numbers,
//! the bloat estimate against `pgstattuple`, and measuring on demand with its budget and its stop.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../common/mod.rs"]
mod common;
mod demand;
mod estimate;
mod eye;
mod locked;
mod measure;
mod numbers;
mod reindex;
mod vast;

use pgmon_lab::{Client, Cluster};

/// A server with `mon` in `pg_monitor` and a plain role. Nobody looks at tables but the test: autovacuum would change
/// them, and the snapshot of the logical replication launcher, which counts in every database, would keep a VACUUM from
/// finding rows visible to all.
async fn cluster(major: u32) -> Cluster {
    Cluster::builder(major)
        .conf("autovacuum", "off")
        .conf("max_logical_replication_workers", "0")
        .role("mon LOGIN IN ROLE pg_monitor")
        .role("plain LOGIN")
        .start()
        .await
        .unwrap()
}

async fn oid(client: &Client, relation: &str) -> u32 {
    client
        .value(&format!("SELECT '{relation}'::regclass::oid"))
        .await
        .unwrap()
}

/// `int8` out of any integer expression.
async fn number(client: &Client, expression: &str) -> i64 {
    client.value(&format!("SELECT ({expression})::int8")).await.unwrap()
}
