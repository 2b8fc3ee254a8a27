//! Tables nobody looks after: none is hidden behind those nearer to a threshold, and a wait is as long as is proven.

use pgmon_lab::{Client, Cluster, PATIENCE, wait_for};
use pgmon_tui::model::autovacuum::Work;
use pgmon_tui::model::neglect::{self, Neglect};
use pgmon_tui::probe::autovacuum::AutovacuumProbe;
use rstest::rstest;

use crate::eye::Eye;

async fn cluster(major: u32) -> (Cluster, Client) {
    let cluster = Cluster::builder(major).conf("autovacuum", "off").start().await.unwrap();
    let client = cluster.client().await.unwrap();
    (cluster, client)
}

/// Waits until the statistics of a table say so.
async fn until(client: &Client, table: &str, condition: &str) {
    let sql = format!("SELECT {condition} FROM pg_stat_all_tables WHERE relname = '{table}'");
    wait_for(&format!("{table}: {condition}"), PATIENCE, async || {
        client.value::<bool>(&sql).await
    })
    .await
    .unwrap();
}

#[rstest]
#[tokio::test]
async fn a_large_table_is_not_hidden_behind_small_ones(#[values(12, 13, 14, 18)] major: u32) {
    let (cluster, client) = cluster(major).await;
    for nth in 1..=3 {
        let sql = format!("CREATE TABLE small{nth} AS SELECT g FROM generate_series(1, 500) g; DELETE FROM small{nth}");
        client.simple(&sql).await.unwrap();
        until(&client, &format!("small{nth}"), "n_dead_tup = 500").await;
    }
    // Changed and dead far below the thresholds.
    client
        .simple(
            "CREATE TABLE large (id int) WITH (autovacuum_vacuum_scale_factor = 0.9, autovacuum_analyze_threshold = 900000);
             INSERT INTO large SELECT g FROM generate_series(1, 20000) g;
             CREATE TABLE changed (id int) WITH (autovacuum_analyze_threshold = 900000);
             INSERT INTO changed SELECT g FROM generate_series(1, 30000) g;
             CREATE TABLE calm (id int);
             INSERT INTO calm SELECT g FROM generate_series(1, 30000) g",
        )
        .await
        .unwrap();
    for (table, rows) in [("large", 20_000), ("changed", 30_000), ("calm", 30_000)] {
        until(&client, table, &format!("n_mod_since_analyze = {rows}")).await;
        client.simple(&format!("VACUUM ANALYZE {table}")).await.unwrap();
        until(&client, table, "n_mod_since_analyze = 0").await;
    }
    client.simple("DELETE FROM large WHERE id <= 6000").await.unwrap();
    until(&client, "large", "n_dead_tup = 6000").await;
    client.simple("ANALYZE large").await.unwrap();
    until(&client, "large", "n_mod_since_analyze = 0").await;
    client
        .simple("INSERT INTO changed SELECT g FROM generate_series(1, 4000) g")
        .await
        .unwrap();
    until(&client, "changed", "n_mod_since_analyze = 4000").await;

    let mut eye = Eye::open(&cluster, "postgres", "postgres").await.of_top(2);
    let queue = eye.ask::<AutovacuumProbe>().await.clone();
    assert_eq!(queue.tables.len(), 2);
    assert!(
        queue.tables.iter().all(|table| table.relname.starts_with("small")),
        "{:?}",
        queue.tables
    );
    let backlogs = neglect::backlogs(&queue);
    let dead: i64 = client
        .value("SELECT n_dead_tup FROM pg_stat_all_tables WHERE relname = 'large'")
        .await
        .unwrap();
    let first = backlogs.first().unwrap();
    assert_eq!((first.table.relname.as_str(), first.dead), ("large", dead));
    assert!((first.share - 0.3).abs() < 0.01, "{first:?}");
    let mut seen = Neglect::default();
    seen.observe(&queue);
    let stale = seen.stale(&queue);
    let stale: Vec<_> = stale
        .iter()
        .map(|row| (row.table.relname.as_str(), row.table.modified, row.over))
        .collect();
    assert!(stale.contains(&("changed", 4000, false)), "{stale:?}");
    assert!(
        !stale.iter().any(|(name, ..)| *name == "calm" || *name == "large"),
        "{stale:?}"
    );
    let mut oids: Vec<u32> = queue.all().map(|table| table.relid).collect();
    oids.sort_unstable();
    assert!(oids.is_sorted_by(|a, b| a < b), "none is told of twice");
}

#[rstest]
#[tokio::test]
async fn a_wait_lasts_from_the_first_sight_to_the_next_vacuum(#[values(12, 18)] major: u32) {
    let (cluster, client) = cluster(major).await;
    let sql = "CREATE TABLE t (id int); INSERT INTO t SELECT g FROM generate_series(1, 10000) g";
    client.simple(sql).await.unwrap();
    until(&client, "t", "n_mod_since_analyze = 10000").await;
    client.simple("VACUUM ANALYZE t").await.unwrap();
    until(&client, "t", "n_mod_since_analyze = 0").await;
    client.simple("DELETE FROM t WHERE id <= 4000").await.unwrap();
    until(&client, "t", "n_dead_tup = 4000").await;

    let mut eye = Eye::open(&cluster, "postgres", "postgres").await;
    let mut seen = Neglect::default();
    let first = eye.ask::<AutovacuumProbe>().await.clone();
    seen.observe(&first);
    // What is rolled back leaves dead rows and is no change.
    client
        .simple("BEGIN; INSERT INTO t SELECT generate_series(1, 100); ROLLBACK")
        .await
        .unwrap();
    until(&client, "t", "n_dead_tup = 4100 AND n_mod_since_analyze = 4000").await;
    let second = eye.ask::<AutovacuumProbe>().await.clone();
    seen.observe(&second);
    let waiting = seen.waiting(&second);
    let of_t = |work| {
        waiting
            .iter()
            .find(|wait| wait.table.relname == "t" && wait.work == work)
    };
    let wait = of_t(Work::Vacuum).unwrap();
    assert_eq!((wait.since, wait.count, wait.grown), (first.epoch, 4100, 100));
    let vacuumed: f64 = client
        .value("SELECT extract(epoch FROM last_vacuum)::float8 FROM pg_stat_all_tables WHERE relname = 't'")
        .await
        .unwrap();
    assert!((wait.last_run.unwrap() - vacuumed).abs() < 0.01, "{wait:?} {vacuumed}");
    assert_eq!(of_t(Work::Analyze).map(|wait| wait.count), Some(4000));

    client.simple("VACUUM t").await.unwrap();
    until(&client, "t", "n_dead_tup = 0").await;
    let third = eye.ask::<AutovacuumProbe>().await.clone();
    seen.observe(&third);
    let works: Vec<_> = seen
        .waiting(&third)
        .iter()
        .filter(|wait| wait.table.relname == "t")
        .map(|wait| wait.work)
        .collect();
    assert_eq!(works, [Work::Analyze]);
}
