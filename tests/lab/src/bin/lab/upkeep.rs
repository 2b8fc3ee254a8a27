//! The demo's neglected housekeeping: both autovacuum workers are busy with slow tables, others have been over their
//! thresholds for a while, a VACUUM by hand and an index build run for minutes, and a forgotten snapshot and a forgotten
//! prepared transaction keep dead rows.

use std::time::Duration;

use pgmon_lab::{Client, Cluster, PATIENCE, Result, wait_for};
use tokio::task::JoinSet;

use crate::traffic::conninfo;

/// Dead rows that a VACUUM may remove, since they are older than the forgotten snapshot.
const WEAR: &str = "
    UPDATE page_views SET page = page + 1;
    UPDATE audit_log SET actor = actor + 1;
    UPDATE ledger SET balance = balance + 1;
    UPDATE job_queue SET state = 'done' WHERE id % 2 = 0;
    INSERT INTO price_history SELECT 'SKU-' || g % 500, now(), g FROM generate_series(1, 20000) g;
    DELETE FROM returns WHERE id % 3 = 0";

/// A coordinator has prepared it and never come back.
const PREPARED: &str = "BEGIN; UPDATE profiles SET name = name WHERE id = 4711; PREPARE TRANSACTION 'payment-4711'";

/// A snapshot that somebody has forgotten.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM customers";

/// What has happened since: transactions that make the snapshot old, and rows that died after it.
const SINCE: [&str; 3] = [
    "SET synchronous_commit = off",
    "DO $$ BEGIN FOR n IN 1..20000 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$",
    "UPDATE ledger SET balance = balance + 1 WHERE id % 2 = 0",
];

/// A VACUUM that nobody shall feel.
const GENTLE: &str = "SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 4";

/// A function that makes the build of an index on it take minutes without work for a processor.
const SLOW: &str = "
    CREATE FUNCTION searchable(title text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
    'BEGIN PERFORM pg_sleep(0.1); RETURN lower(title); END'";

/// Before whoever was terminated comes again.
const PAUSE: Duration = Duration::from_mins(1);

/// Wears the tables out and lets the prepared transaction begin.
///
/// # Errors
/// What the server said.
pub async fn prepare(cluster: &Cluster) -> Result<()> {
    let app = cluster.client_as("postgres", "app").await?;
    for sql in [SLOW, WEAR, PREPARED] {
        app.simple(sql).await?;
    }
    Ok(())
}

/// Starts the forgotten session and what runs for minutes; autovacuum is on from here.
///
/// # Errors
/// What the server said; the snapshot is not taken within a minute.
pub async fn start(cluster: &Cluster, tasks: &mut JoinSet<()>) -> Result<()> {
    let export = conninfo(cluster, "bi-export", "reporting", "app");
    tasks.spawn(again_and_again(export, async |client: Client| {
        client.simple(SNAPSHOT).await?;
        client.closed().await;
        Ok(())
    }));
    let app = cluster.client_as("postgres", "app").await?;
    let taken = "SELECT EXISTS (SELECT FROM pg_stat_activity a WHERE a.application_name = 'bi-export' AND a.state LIKE 'idle in%')";
    wait_for("a snapshot is forgotten", PATIENCE, async || app.value(taken).await).await?;
    for sql in SINCE {
        app.simple(sql).await?;
    }
    // What has been done so far is no workload of anybody's.
    app.rows("SELECT pg_stat_statements_reset()").await?;
    cluster.set("autovacuum", "on").await?;
    let dba = || conninfo(cluster, "maintenance", "postgres", "app");
    tasks.spawn(again_and_again(dba(), async |client: Client| {
        client.simple(GENTLE).await?;
        client.simple("VACUUM returns").await?;
        client.simple("UPDATE returns SET reason = reason || '!'").await
    }));
    tasks.spawn(again_and_again(dba(), async |client: Client| {
        client.simple("DROP INDEX IF EXISTS documents_title").await?;
        client
            .simple("CREATE INDEX CONCURRENTLY documents_title ON documents (searchable(title))")
            .await
    }));
    Ok(())
}

/// Does it, and again some time after it has ended or somebody has ended it.
async fn again_and_again(conninfo: String, work: impl AsyncFn(Client) -> Result<()>) {
    loop {
        if let Ok(client) = Client::connect(&conninfo).await {
            let _ended = work(client).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
}
