//! The demo's links to other servers: a slot whose consumer never came back, an archiver that fails, and a subscription
//! of which one table never gets its copy.

use std::time::{SystemTime, UNIX_EPOCH};

use pgmon_lab::{Cluster, Error, PATIENCE, Result, wait_for};

/// WAL the slot may keep before it is lost (13 and later).
pub const MOST_KEPT: &str = "256MB";

/// Within one server the slot has to be there before the subscription, which would wait for itself.
const PUBLICATION: [&str; 2] = [
    "CREATE PUBLICATION catalogue FOR TABLE price_list, currencies",
    "SELECT pg_create_logical_replication_slot('catalogue', 'pgoutput')",
];

/// `currencies` cannot be copied: the row it begins with is there already.
const COPIES: &str = "
    CREATE TABLE price_list (sku text PRIMARY KEY, price int NOT NULL);
    CREATE TABLE currencies (code text PRIMARY KEY, rate numeric NOT NULL);
    INSERT INTO currencies VALUES ('EUR', 1)";

/// Every quarter of an hour the archive takes what has piled up, so that a demo somebody forgot does not fill the disk.
const ARCHIVE_S: (u64, u64) = (900, 840);

/// Makes the slot and the subscription and lets the archiver fail.
///
/// # Errors
/// What the server said; the prices are not copied within a minute.
pub async fn prepare(cluster: &Cluster) -> Result<()> {
    let (app, reports) = (
        cluster.client_as("postgres", "app").await?,
        cluster.client_as("postgres", "reports").await?,
    );
    app.rows("SELECT pg_create_physical_replication_slot('old_replica', true)")
        .await?;
    for sql in PUBLICATION {
        reports.simple(sql).await?;
    }
    app.simple(COPIES).await?;
    let connection = format!(
        "host={} port={} dbname=reports user=postgres",
        cluster.socket_dir().display(),
        cluster.port()
    );
    app.simple(&format!(
        "CREATE SUBSCRIPTION catalogue CONNECTION '{connection}' PUBLICATION catalogue \
         WITH (create_slot = false, slot_name = 'catalogue')"
    ))
    .await?;
    let begin = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(|error| Error::new(error.to_string()))?;
    let (period, failing) = ARCHIVE_S;
    // The server reads %% as one per cent sign.
    let command = format!(
        "test $(( ($(date +%%s) - {}) %% {period} )) -ge {failing}",
        begin.as_secs()
    );
    cluster.set("archive_command", &command).await?;
    let copied = "SELECT EXISTS (SELECT FROM pg_subscription_rel r \
                  WHERE r.srrelid = 'price_list'::regclass AND r.srsubstate = 'r')";
    wait_for("a subscription runs", PATIENCE, async || app.value(copied).await).await
}
