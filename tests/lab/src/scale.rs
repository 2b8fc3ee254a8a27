//! A database of a size nobody wants to meet: 100,000 tables and 5,000 partitions, as shops with a schema per customer
//! have them. Minutes of work and gigabytes of disk: for measurements, not for tests.

use tokio::task::JoinSet;

use crate::{Client, Cluster, Result};

/// Schemas `app_00`, `app_01`, ... that the tables are spread over.
const SCHEMAS: u32 = 20;
/// Tables made in one transaction: each holds a dozen locks until its end.
const BATCH: u32 = 250;
/// Sessions that make tables at the same time.
const WORKERS: u32 = 2;
/// Tables that get more than a row.
const FILLED: u32 = 600;
/// Letters of each statement's text, most of them in a comment.
const TEXT: usize = 5_000;

/// How much there shall be.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Tables, half of them with a TOAST table, the others with a second index, a fifth with a sequence.
    pub tables: u32,
    /// Daily partitions of `part.events`, from 2010 on.
    pub partitions: u32,
    /// Entries of `pg_stat_statements`; at most `pg_stat_statements.max` remain.
    pub statements: u32,
}

/// A cluster's settings for such a database: nothing is written twice, and one transaction may hold thousands of locks.
pub const CONF: [(&str, &str); 11] = [
    ("shared_buffers", "1GB"),
    ("max_connections", "600"),
    ("max_locks_per_transaction", "1024"),
    ("autovacuum", "off"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("max_replication_slots", "0"),
    ("synchronous_commit", "off"),
    ("max_wal_size", "4GB"),
    ("maintenance_work_mem", "256MB"),
    ("pg_stat_statements.track_utility", "off"),
];

/// Fills an empty database; `told` hears of every step that is done.
///
/// # Errors
/// What the server said.
pub async fn fill(cluster: &Cluster, database: &str, size: Size, told: impl Fn(&str)) -> Result<()> {
    let client = cluster.client_as("postgres", database).await?;
    for extension in ["pg_stat_statements", "pgstattuple"] {
        client
            .simple(&format!("CREATE EXTENSION IF NOT EXISTS {extension}"))
            .await?;
    }
    for schema in 0..SCHEMAS {
        client.simple(&format!("CREATE SCHEMA app_{schema:02}")).await?;
    }
    tables(&cluster.conninfo("postgres", database), size.tables).await?;
    told("tables");
    rows(&client, size.tables).await?;
    told("rows");
    partitions(&client, size.partitions).await?;
    told("partitions");
    client.simple("ANALYZE").await?;
    told("statistics");
    client.rows("SELECT pg_stat_statements_reset()").await?;
    statements(&client, size).await?;
    told("statements");
    client.simple("CHECKPOINT").await
}

/// `app_07.t000127`
fn name(table: u32) -> String {
    format!("app_{:02}.t{table:06}", table % SCHEMAS)
}

async fn tables(conninfo: &str, count: u32) -> Result<()> {
    let mut workers = JoinSet::new();
    for worker in 0..WORKERS {
        let conninfo = conninfo.to_owned();
        workers.spawn(async move {
            let client = Client::connect(&conninfo).await?;
            for from in (0..count)
                .step_by(BATCH as usize)
                .skip(worker as usize)
                .step_by(WORKERS as usize)
            {
                let batch: Vec<String> = (from..count.min(from + BATCH)).map(table).collect();
                client.simple(&batch.join(";")).await?;
            }
            Ok(())
        });
    }
    workers.join_all().await.into_iter().collect()
}

/// The statements that make a table: every second with a text column and so with TOAST, the others with an index more;
/// every fourth has a row, every fifth a sequence, every hundredth a foreign key without an index.
fn table(number: u32) -> String {
    let name = name(number);
    let id = if number.is_multiple_of(5) { "serial" } else { "int" };
    let (payload, index) = match number % 2 {
        0 => (", payload text", String::new()),
        _ => ("", format!("; CREATE INDEX ON {name} (a, b)")),
    };
    let key = match number % 100 {
        0 => format!(", up int REFERENCES {name}"),
        _ => String::new(),
    };
    let row = match number % 4 {
        0 => format!("; INSERT INTO {name} (id, a, b) VALUES (1, 1, 1)"),
        _ => String::new(),
    };
    format!("CREATE TABLE {name} (id {id} PRIMARY KEY, a int, b int, c timestamptz{payload}{key}){index}{row}")
}

/// A hundred to 200,000 rows for some of the tables, small ones more often, with deleted and changed rows and with values
/// that go to TOAST.
async fn rows(client: &Client, tables: u32) -> Result<()> {
    let filled = FILLED.min(tables / 16);
    for turn in 0..filled {
        let number = turn * (tables / filled) + turn % 7;
        // The golden ratio's multiples spread evenly over 0 to 1.
        let share = (f64::from(turn) * 0.618_034).fract();
        let count = 10_f64.powf(2.0 + 3.3 * share).round();
        client.simple(&fill_one(number, turn, count)).await?;
    }
    Ok(())
}

fn fill_one(number: u32, turn: u32, count: f64) -> String {
    let name = name(number);
    let with_text = number.is_multiple_of(2);
    let payload = if with_text { ", repeat('x', g % 50 + 10)" } else { "" };
    let rows =
        format!("INSERT INTO {name} SELECT g, g % 100, g % 1000, now(){payload} FROM generate_series(10, {count}) g");
    let toasted = if with_text && turn.is_multiple_of(10) {
        let count = (count / 200.0).max(50.0).round();
        format!(
            "INSERT INTO {name} SELECT -g, 1, 1, now(), \
             (SELECT string_agg(md5((g * 1000 + k)::text), '') FROM generate_series(1, 200) k) \
             FROM generate_series(1, {count}) g"
        )
    } else {
        String::new()
    };
    let dead = match turn % 3 {
        0 => format!("DELETE FROM {name} WHERE id % 5 = 0"),
        1 => format!("UPDATE {name} SET a = a + 1 WHERE id % 7 = 0"),
        _ => String::new(),
    };
    [rows, toasted, dead].join(";")
}

async fn partitions(client: &Client, count: u32) -> Result<()> {
    client
        .simple(
            "CREATE SCHEMA part;
             CREATE TABLE part.events (ts timestamptz NOT NULL, tenant int NOT NULL, v text) PARTITION BY RANGE (ts);
             CREATE INDEX ON part.events (tenant, ts)",
        )
        .await?;
    let day = |day: u32| format!("(timestamptz '2010-01-01 UTC' + interval '{day} days')");
    for from in (0..count).step_by(BATCH as usize) {
        let batch: Vec<String> = (from..count.min(from + BATCH))
            .map(|n| {
                let (low, high) = (day(n), day(n + 1));
                format!("CREATE TABLE part.events_p{n:05} PARTITION OF part.events FOR VALUES FROM ({low}) TO ({high})")
            })
            .collect();
        client.simple(&batch.join(";")).await?;
    }
    // One row every 37 minutes, as far as there are partitions.
    client
        .simple(&format!(
            "INSERT INTO part.events SELECT timestamptz '2010-01-01 UTC' + g * interval '37 minutes', g % 50, md5(g::text) \
             FROM generate_series(1, {}) g",
            u64::from(count) * 1440 / 37 - 1
        ))
        .await
}

/// Each statement reads another table, since a comment alone makes no new entry; without an alias, by which alone 18
/// tells tables apart.
async fn statements(client: &Client, size: Size) -> Result<()> {
    let comment = "x".repeat(TEXT);
    for number in 0..size.statements.min(size.tables) {
        let sql = format!("SELECT 1 FROM {} WHERE id = 1 /* {comment} */", name(number));
        client.simple(&sql).await?;
    }
    Ok(())
}
