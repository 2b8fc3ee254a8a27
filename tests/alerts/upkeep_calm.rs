//! What a healthy server does is no alert: everything frozen at once, tables nobody ever analyzed, autovacuum that keeps
//! up with eight writers, databases that are templates.

use std::time::{Duration, Instant};

use pgmon_lab::Cluster;
use pgmon_tui::alert::Rule;
use rstest::rstest;

use crate::eye::Eye;

const RULES: [&str; 7] = [
    "dead_tuples",
    "stats_stale",
    "autovacuum_starved",
    "autovacuum_saturated",
    "horizon",
    "wraparound",
    "wraparound_stuck",
];
/// How long the writers write.
const WRITING: Duration = Duration::from_secs(10);

async fn look(eye: &mut Eye) {
    for rule in RULES {
        eye.look(rule).await;
    }
}

fn assert_calm(eye: &Eye, when: &str) {
    // Eight writers may well leave more than the limit for a moment; none of it lasts, so nobody is told.
    let found: Vec<_> = eye.world.alerts.raised().collect();
    assert!(found.is_empty(), "{when}: {found:#?}");
    let passing = |unchecked: &pgmon_tui::alert::Unchecked| !unchecked.blind.passing;
    let of_these = |rule: &Rule| RULES.contains(&rule.id);
    let unchecked = eye.world.alerts.unchecked(&eye.world).filter(passing);
    let unchecked: Vec<_> = unchecked.filter(|unchecked| of_these(unchecked.rule)).collect();
    assert!(unchecked.is_empty(), "{when}: {unchecked:#?}");
}

#[rstest]
#[tokio::test]
async fn a_healthy_busy_server(#[values(12, 14, 18)] major: u32) {
    let cluster = Cluster::builder(major)
        .conf("autovacuum_naptime", "1")
        .sql("CREATE TABLE empty (id int)")
        .sql("CREATE TABLE accounts (id int PRIMARY KEY, v int)")
        .sql("CREATE TABLE parent (id int) PARTITION BY RANGE (id)")
        .sql("CREATE TABLE child PARTITION OF parent FOR VALUES FROM (0) TO (1000000)")
        .start()
        .await
        .unwrap();
    cluster.database("closed").await.unwrap();
    let client = cluster.client().await.unwrap();
    client
        .simple(
            "ALTER DATABASE closed ALLOW_CONNECTIONS false;
             INSERT INTO accounts SELECT g, 0 FROM generate_series(1, 100000) g;
             INSERT INTO parent SELECT generate_series(1, 100000)",
        )
        .await
        .unwrap();
    let mut eye = Eye::open(&cluster, "postgres", "postgres", |_| ()).await;
    look(&mut eye).await;
    assert_calm(&eye, "at first sight");

    let deadline = Instant::now() + WRITING;
    let mut writers = Vec::new();
    for nth in 0..8 {
        let writer = cluster.client().await.unwrap();
        writers.push(tokio::spawn(async move {
            let mut id = nth * 12_000;
            while Instant::now() < deadline {
                id = (id + 7919) % 100_000;
                let sql = format!("UPDATE accounts SET v = v + 1 WHERE id BETWEEN {id} AND {id} + 20");
                // Two of them may meet in each other's rows.
                drop(writer.simple(&sql).await);
            }
        }));
    }
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        look(&mut eye).await;
        assert_calm(&eye, "eight writers");
    }
    let freeze = client.spawn("VACUUM (FREEZE, ANALYZE)");
    while !freeze.is_finished() {
        look(&mut eye).await;
        assert_calm(&eye, "everything is frozen");
    }
    freeze.finish().await.unwrap();
    look(&mut eye).await;
    assert_calm(&eye, "everything was frozen");
}

#[rstest]
#[tokio::test]
async fn a_standby(#[values(12, 18)] major: u32) {
    let primary = Cluster::builder(major).start().await.unwrap();
    let standby = primary.standby("dr1", &[]).await.unwrap();
    let reader = standby.client().await.unwrap();
    reader
        .simple("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        .await
        .unwrap();
    let mut eye = Eye::open(&standby, "postgres", "postgres", |limits| {
        limits.horizon_warn_tx_age = 1.0;
        limits.horizon_warn_s = 0.0;
    })
    .await;
    let writer = primary.client().await.unwrap();
    for _ in 0..20 {
        writer
            .simple("CREATE TABLE IF NOT EXISTS t (id int); INSERT INTO t VALUES (1)")
            .await
            .unwrap();
    }
    look(&mut eye).await;
    look(&mut eye).await;
    let found: Vec<_> = eye.world.alerts.alerts().collect();
    assert!(found.is_empty(), "{found:#?}");
}
