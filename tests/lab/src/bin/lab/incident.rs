//! The demo's incident: `checkout-api` sits idle in a transaction that has locked a row of `orders`; a deployment's
//! ALTER TABLE waits for it, and everybody who reads `orders` queues behind. Terminate the root and the shop is well
//! again; a minute later the next deployment comes.

use std::time::Duration;

use pgmon_lab::{Client, Cluster, Result};
use tokio::task::JoinSet;

use crate::traffic::conninfo;

const ROOT: &str = "BEGIN; SELECT * FROM orders WHERE id = 4711 FOR UPDATE";
const ALTER: &str = "ALTER TABLE orders ADD COLUMN IF NOT EXISTS note text";
const RECOVERY: Duration = Duration::from_mins(1);

/// Starts the first incident, and one after each that somebody has ended.
pub fn start(cluster: &Cluster, tasks: &mut JoinSet<()>) {
    let root = conninfo(cluster, "checkout-api", "app", "app");
    let migration = conninfo(cluster, "migration", "app", "app");
    tasks.spawn(async move {
        loop {
            let _ended = once(&root, &migration).await;
            tokio::time::sleep(RECOVERY).await;
        }
    });
}

async fn once(root: &str, migration: &str) -> Result<()> {
    let root = Client::connect(root).await?;
    root.simple(ROOT).await?;
    // Ends when somebody has terminated the root, or the migration itself.
    Client::connect(migration).await?.simple(ALTER).await
}

/// True when the queue behind the ALTER TABLE is long enough to look at.
///
/// # Errors
/// What the server said.
pub async fn is_there(observer: &Client) -> Result<bool> {
    observer
        .value(
            "SELECT count(*) >= 35 FROM pg_catalog.pg_locks l \
             WHERE NOT l.granted AND l.relation = 'public.orders'::pg_catalog.regclass",
        )
        .await
}

/// The incident in a few lines, for where there is no terminal to show it on.
///
/// # Errors
/// What the server said.
pub async fn report(observer: &Client) -> Result<String> {
    let rows = observer
        .texts(
            "SELECT a.application_name, a.state, a.wait_event_type, pg_catalog.count(*) FROM pg_catalog.pg_stat_activity a \
             WHERE a.backend_type = 'client backend' AND a.pid <> pg_catalog.pg_backend_pid() \
             GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3",
        )
        .await?;
    let lines = rows.iter().map(|row| {
        let cell = |column: usize| row.get(column).and_then(Option::as_deref).unwrap_or("-");
        format!("{:>4}  {:<16} {:<22} {}", cell(3), cell(0), cell(1), cell(2))
    });
    let head = format!("{:>4}  {:<16} {:<22} {}", "", "application", "state", "waits for");
    Ok(std::iter::once(head).chain(lines).collect::<Vec<_>>().join("\n"))
}
