//! Every version of the extension on every version of the server, in a schema with an awkward name.

use pgmon_lab::{Client, Cluster, MAJORS, Result};
use pgmon_tui::probe::Subject;
use pgmon_tui::probe::statement::StatementProbe;

use crate::eye::Eye;

const SCHEMA: &str = "\"Odd \"\"one\"\" $1\"";

/// Every version that can be installed, the oldest first.
async fn versions(client: &Client) -> Vec<String> {
    let sql = "SELECT version FROM pg_available_extension_versions WHERE name = 'pg_stat_statements' \
               ORDER BY split_part(version, '.', 2)::int";
    client.column(sql).await.unwrap()
}

fn minor(version: &str) -> u32 {
    version.split('.').nth(1).unwrap().parse().unwrap()
}

/// What somebody else reads of the statement that was run for this, as text, and its key.
async fn truth(client: &Client, version: &str) -> Vec<Option<String>> {
    let minor = minor(version);
    let old = minor < 8;
    let time = if old { "total_time" } else { "total_exec_time" };
    let io = match minor {
        11.. => {
            "shared_blk_read_time + shared_blk_write_time + local_blk_read_time + local_blk_write_time \
             + temp_blk_read_time + temp_blk_write_time"
        }
        10 => "blk_read_time + blk_write_time + temp_blk_read_time + temp_blk_write_time",
        _ => "blk_read_time + blk_write_time",
    };
    let or_null = |from: u32, column: &str| {
        if minor >= from {
            column.to_owned()
        } else {
            "NULL".to_owned()
        }
    };
    let sql = format!(
        "SELECT queryid, userid, dbid, {}, calls, rows, {time}, {}, shared_blks_hit, shared_blks_read, {io}, \
         temp_blks_read + temp_blks_written, {}, {}, {} \
         FROM {SCHEMA}.pg_stat_statements WHERE query LIKE '%versions_marker%' AND query NOT LIKE '%LIKE%'",
        if minor >= 9 { "toplevel" } else { "true" },
        or_null(8, "total_plan_time"),
        or_null(8, "wal_bytes"),
        or_null(10, "jit_generation_time"),
        or_null(11, "extract(epoch from stats_since)"),
    );
    let mut rows = client.texts(&sql).await.unwrap();
    assert_eq!(rows.len(), 1, "{version}");
    rows.remove(0)
}

async fn agrees(cluster: &Cluster, version: &str) {
    let what = format!("{version} on {}", cluster.major());
    let client = cluster.client_as("postgres", "versions").await.unwrap();
    client
        .simple(&format!(
            "DROP EXTENSION IF EXISTS pg_stat_statements; \
             CREATE EXTENSION pg_stat_statements SCHEMA {SCHEMA} VERSION '{version}'"
        ))
        .await
        .unwrap();
    let mut eye = Eye::open(cluster, "monitor", "versions").await;
    eye.read().await;
    let truth = truth(&client, version).await;
    let text = |at: usize| truth[at].clone().unwrap();
    let number = |at: usize| truth[at].as_ref().map(|value| value.parse::<f64>().unwrap());
    let query: i64 = text(0).parse().unwrap();
    let entry = eye.entry(query).unwrap().clone();
    let key = entry.key;
    assert_eq!(
        (key.user.to_string(), key.database.to_string()),
        (text(1), text(2)),
        "{what}"
    );
    assert_eq!(key.toplevel, ["t", "true"].contains(&text(3).as_str()), "{what}");
    assert_eq!(
        (entry.user.as_deref(), entry.database.as_deref()),
        (Some("postgres"), Some("versions"))
    );
    let counters = entry.counters;
    assert_eq!(
        (counters.calls.to_string(), counters.rows.to_string()),
        (text(4), text(5)),
        "{what}"
    );
    let close = |ours: Option<f64>, at: usize| match (ours, number(at)) {
        (Some(ours), Some(theirs)) => assert!((ours - theirs).abs() < 1e-6, "{what}: {at}: {ours} {theirs}"),
        (ours, theirs) => assert_eq!(ours, theirs, "{what}: {at}"),
    };
    close(Some(counters.exec_ms), 6);
    close(counters.plan_ms, 7);
    assert_eq!(
        (counters.hit.to_string(), counters.read.to_string()),
        (text(8), text(9)),
        "{what}"
    );
    close(Some(counters.io_ms), 10);
    assert_eq!(counters.temp.to_string(), text(11), "{what}");
    assert!(counters.temp > 0, "{what}: it sorted on disk");
    close(counters.wal, 12);
    assert_eq!(counters.jit_ms.is_some(), number(13).is_some(), "{what}");
    match (entry.since, number(14)) {
        (Some(ours), Some(theirs)) => assert!((ours - theirs).abs() < 1e-3, "{what}"),
        (ours, theirs) => assert_eq!(ours, theirs, "{what}"),
    }
    the_page_has_every_column(&mut eye, &client, entry.key.into(), &what).await;
}

/// The page shows every column that this version of the view has, but those that name the entry.
async fn the_page_has_every_column(eye: &mut Eye, client: &Client, subject: Subject, what: &str) {
    eye.focus.subject = Some(subject);
    let ours: Vec<String> = eye.ask::<StatementProbe>().await.keys().cloned().collect();
    let sql = format!(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = '{SCHEMA}.pg_stat_statements'::regclass AND attnum > 0 \
         AND attname NOT IN ('userid', 'dbid', 'queryid', 'query', 'toplevel') ORDER BY attname::text COLLATE \"C\""
    );
    let theirs: Vec<String> = client.column(&sql).await.unwrap();
    assert_eq!(ours, theirs, "{what}");
}

async fn on(major: u32) -> Result<()> {
    let cluster = Cluster::builder(major)
        .conf("work_mem", "64kB")
        .role("monitor LOGIN IN ROLE pg_monitor")
        .start()
        .await?;
    cluster.database("versions").await?;
    let client = cluster.client_as("postgres", "versions").await?;
    client
        .simple(&format!(
            "CREATE SCHEMA {SCHEMA}; GRANT USAGE ON SCHEMA {SCHEMA} TO monitor"
        ))
        .await?;
    // It sorts on disk, plans and does not return.
    let sql = "SELECT md5(g::text) AS versions_marker FROM generate_series(1, 20000) g ORDER BY 1";
    for _ in 0..3 {
        client.rows(sql).await?;
    }
    let versions = versions(&client).await;
    assert_eq!(versions.first().map(String::as_str), Some("1.4"));
    for version in &versions {
        agrees(&cluster, version).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_of_the_extension_is_read_rightly() -> Result<()> {
    for major in MAJORS {
        on(major).await?;
    }
    Ok(())
}
