//! WAL, temporary files, checkpoints, deadlocks, statements: what the server is busy with.

use std::time::{Duration, Instant};

use pgmon_lab::{Client, Cluster, PATIENCE, wait_until};
use pgmon_tui::alert::{Alert, Thing};
use pgmon_tui::model::concern::Severity;
use pgmon_tui::model::observe::name;
use rstest::rstest;

use crate::eye::Eye;

const KIB: f64 = 1024.0;
/// The statement an alert jumps to.
fn statement(alert: &Alert) -> i64 {
    match alert.finding.jump.row {
        Some(Thing::Statement { query, .. }) => query,
        ref other => panic!("no statement but {other:?}: {alert:#?}"),
    }
}

/// The id of the statement whose text begins so.
async fn query_id(client: &Client, text: &str) -> i64 {
    let sql = format!("SELECT queryid FROM pg_stat_statements WHERE query LIKE '{text}%' ORDER BY calls DESC LIMIT 1");
    client.value(&sql).await.unwrap()
}

/// Runs what a remedy says, a statement after the other as psql does.
pub async fn paste(client: &Client, text: &str) {
    for line in text.lines().filter(|line| !line.starts_with("--")) {
        client
            .simple(line)
            .await
            .unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

#[rstest]
#[tokio::test]
async fn wal_of_a_load_names_the_statement_that_writes_it(#[values(12, 14, 18)] major: u32) {
    // WAL and statements are those of the whole server: no other test may write here.
    let cluster = Cluster::builder(major).start().await.unwrap();
    let client = cluster.client().await.unwrap();
    client
        .simple("CREATE EXTENSION IF NOT EXISTS pg_stat_statements; CREATE TABLE loaded (id bigint, text text)")
        .await
        .unwrap();
    let mut eye = Eye::open(&cluster, "postgres", "postgres", |limits| {
        limits.wal_surge_warn_bytes_per_sec = 50.0 * KIB;
        limits.wal_surge_crit_bytes_per_sec = 100.0 * KIB;
        limits.surge_for_s = 0.0;
    })
    .await;
    eye.look("wal_surge").await;
    let insert = "INSERT INTO loaded SELECT g, repeat('x', 200) FROM generate_series(1, 20000) g";
    let named = |alerts: &[Alert]| {
        let critical = alerts.iter().find(|alert| alert.severity() == Some(Severity::Critical));
        critical.is_some_and(|alert| major == 12 || alert.finding.jump.pane == "queries")
    };
    let deadline = Instant::now() + PATIENCE;
    while !named(&eye.raised("wal_surge")) {
        assert!(Instant::now() < deadline, "{:#?}", eye.raised("wal_surge"));
        eye.ask("extensions").await;
        client.simple(insert).await.unwrap();
        eye.look("wal_surge").await;
    }
    let raised = eye.raised("wal_surge");
    assert!(
        raised[0].finding.sentence.ends_with("/s of WAL is written"),
        "{raised:#?}"
    );
    if major > 12 {
        assert_eq!(statement(&raised[0]), query_id(&client, "INSERT INTO loaded").await);
    }
}

#[rstest]
#[tokio::test]
async fn sorts_on_disk_name_the_statement_and_a_work_mem_that_works(#[values(12, 18)] major: u32) {
    let cluster = Cluster::builder(major)
        .conf("work_mem", "64kB")
        .role("sorter LOGIN")
        .start()
        .await
        .unwrap();
    let admin = cluster.client().await.unwrap();
    let mut eye = Eye::open(&cluster, "postgres", "postgres", |limits| {
        limits.temp_surge_warn_bytes_per_sec = 10.0 * KIB;
        limits.temp_surge_crit_bytes_per_sec = 20.0 * KIB;
        limits.surge_for_s = 0.0;
    })
    .await;
    eye.ask("settings").await;
    let sorter = cluster.client_as("sorter", "postgres").await.unwrap();
    let sort = "SELECT count(*) FROM (SELECT oid, proname FROM pg_proc, generate_series(1, 5) ORDER BY md5(proname)) s";
    let deadline = Instant::now() + PATIENCE;
    let named = |alerts: &[Alert]| alerts.iter().any(|alert| !alert.finding.remedies.is_empty());
    while !named(&eye.raised("temp_surge")) {
        assert!(
            Instant::now() < deadline,
            "{:#?}",
            eye.world.alerts.alerts().collect::<Vec<_>>()
        );
        eye.ask("extensions").await;
        sorter.simple(sort).await.unwrap();
        eye.look("temp_surge").await;
    }
    let raised = eye.raised("temp_surge");
    assert_eq!(raised[0].severity(), Some(Severity::Critical));
    assert_eq!(
        statement(&raised[0]),
        query_id(&admin, "SELECT count(*) FROM (SELECT oid").await
    );
    assert!(
        raised[0].finding.details.contains(&"work_mem is 64 KiB".to_owned()),
        "{raised:#?}"
    );
    // With what the remedy says the same sort writes nothing.
    paste(&admin, &raised[0].finding.remedies[0].text).await;
    let again = cluster.client_as("sorter", "postgres").await.unwrap();
    again.simple("SET log_min_messages = notice").await.ok();
    let plan: Vec<Vec<Option<String>>> = again
        .texts(&format!("EXPLAIN (ANALYZE, TIMING OFF) {sort}"))
        .await
        .unwrap();
    let plan = format!("{plan:?}");
    assert!(plan.contains("Memory:") && !plan.contains("Disk:"), "{plan}");
}

#[rstest]
#[tokio::test]
async fn checkpoints_because_of_wal_and_the_room_that_ends_them(#[values(12, 18)] major: u32) {
    let cluster = Cluster::builder(major)
        .conf("max_wal_size", "32MB")
        .conf("min_wal_size", "32MB")
        .start()
        .await
        .unwrap();
    let client = cluster.client().await.unwrap();
    client
        .simple("CREATE TABLE loaded (id bigint, text text)")
        .await
        .unwrap();
    let mut eye = Eye::open(&cluster, "postgres", "postgres", |limits| {
        limits.checkpoint_window_s = 20.0;
    })
    .await;
    eye.ask("settings").await;
    let count = if major >= 17 {
        "SELECT num_requested FROM pg_stat_checkpointer"
    } else {
        "SELECT checkpoints_req FROM pg_stat_bgwriter"
    };
    let before: i64 = client.value(count).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    while !eye
        .raised("checkpoints")
        .iter()
        .any(|alert| alert.severity() == Some(Severity::Critical))
    {
        assert!(
            Instant::now() < deadline,
            "{:#?}",
            eye.world.alerts.alerts().collect::<Vec<_>>()
        );
        client
            .simple("INSERT INTO loaded SELECT g, repeat('x', 400) FROM generate_series(1, 40000) g; TRUNCATE loaded")
            .await
            .unwrap();
        eye.look("checkpoints").await;
    }
    let after: i64 = client.value(count).await.unwrap();
    let raised = eye.raised("checkpoints");
    let finding = &raised[0].finding;
    let (said, _) = finding.sentence.split_once(' ').unwrap();
    let said: i64 = said.parse().unwrap();
    assert!(
        (10..=after - before).contains(&said),
        "{} of {}",
        finding.sentence,
        after - before
    );
    assert!(
        finding.details[0].starts_with("max_wal_size is 32 MiB, and up to "),
        "{finding:#?}"
    );
    paste(&client, &finding.remedies[0].text).await;
    wait_until("the new size is in force", PATIENCE, async || {
        client
            .value::<bool>("SELECT current_setting('max_wal_size') LIKE '%GB'")
            .await
    })
    .await;
    // One may be on its way still; then what filled the old size several times begins none.
    let newest = "SELECT redo_lsn::text FROM pg_control_checkpoint()";
    wait_until("a load without a checkpoint", PATIENCE, async || {
        let before: String = client.value(newest).await?;
        client
            .simple("INSERT INTO loaded SELECT g, repeat('x', 400) FROM generate_series(1, 100000) g; TRUNCATE loaded")
            .await?;
        Ok(client.value::<String>(newest).await? == before)
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn checkpoints_that_somebody_types_are_told_apart(#[values(12, 18)] major: u32) {
    let cluster = Cluster::builder(major).start().await.unwrap();
    let client = cluster.client().await.unwrap();
    let mut eye = Eye::open(&cluster, "postgres", "postgres", |limits| {
        limits.checkpoint_window_s = 4.0;
    })
    .await;
    eye.ask("settings").await;
    // One is none of anybody's business.
    eye.look("checkpoints").await;
    client.simple("CHECKPOINT").await.unwrap();
    wait_until("more than the quarter of the window is known", PATIENCE, async || {
        eye.look("checkpoints").await;
        let (seen, known) = eye
            .world
            .series
            .total(name::CHECKPOINTS_REQUESTED, eye.world.now, Duration::from_secs(4));
        // A machine that stood still for so long has let the only one pass out of the window.
        if known > 2.0 && seen <= 0.0 {
            client.simple("CHECKPOINT").await?;
        }
        Ok(known > 2.0 && seen > 0.5)
    })
    .await;
    assert!(eye.raised("checkpoints").is_empty());
    let deadline = Instant::now() + PATIENCE;
    while eye.raised("checkpoints").is_empty() {
        assert!(
            Instant::now() < deadline,
            "{:#?}",
            eye.world.alerts.alerts().collect::<Vec<_>>()
        );
        client.simple("CHECKPOINT").await.unwrap();
        eye.look("checkpoints").await;
    }
    let raised = eye.raised("checkpoints");
    assert_eq!(raised[0].severity(), Some(Severity::Warning));
    assert!(
        raised[0].finding.details[0].starts_with("not because of WAL: "),
        "{raised:#?}"
    );
    assert!(raised[0].finding.remedies.is_empty());
}

/// Lets two sessions deadlock; one of them gets the error.
async fn deadlock(cluster: &Cluster, database: &str) {
    let (a, b) = (
        cluster.client_as("postgres", database).await.unwrap(),
        cluster.client_as("postgres", database).await.unwrap(),
    );
    for client in [&a, &b] {
        client.simple("SET deadlock_timeout = '10ms'").await.unwrap();
    }
    a.simple("BEGIN; UPDATE pairs SET v = 1 WHERE id = 1").await.unwrap();
    b.simple("BEGIN; UPDATE pairs SET v = 1 WHERE id = 2").await.unwrap();
    let waits = a.spawn("UPDATE pairs SET v = 2 WHERE id = 2");
    let other = b.spawn("UPDATE pairs SET v = 2 WHERE id = 1");
    // The victim's rollback lets the other one go on.
    let (one, two) = (waits.finish().await, other.finish().await);
    assert!(one.is_err() != two.is_err(), "{one:?} {two:?}");
    drop((a, b));
}

#[rstest]
#[tokio::test]
async fn deadlocks_are_counted(#[values(12, 18)] major: u32) {
    let cluster = Cluster::builder(major).start().await.unwrap();
    let client = cluster.client().await.unwrap();
    client
        .simple("CREATE TABLE pairs (id int PRIMARY KEY, v int); INSERT INTO pairs VALUES (1, 0), (2, 0)")
        .await
        .unwrap();
    let mut eye = Eye::open(&cluster, "postgres", "postgres", |limits| {
        limits.deadlocks_warn_per_min = 0.4;
        limits.deadlocks_crit_per_min = 1.0;
    })
    .await;
    eye.look("deadlocks").await;
    let mut done = 1;
    deadlock(&cluster, "postgres").await;
    let count = "SELECT sum(deadlocks)::int8 FROM pg_stat_database";
    wait_until("the server has counted it", PATIENCE, async || {
        Ok(client.value::<i64>(count).await? == 1)
    })
    .await;
    eye.look("deadlocks").await;
    assert!(eye.raised("deadlocks").is_empty(), "one alone");
    // In a young cluster statistics of a database begin between two readings, which costs one interval.
    for severity in [Severity::Warning, Severity::Critical] {
        let deadline = Instant::now() + PATIENCE;
        while !eye
            .raised("deadlocks")
            .iter()
            .any(|alert| alert.severity() >= Some(severity))
        {
            assert!(
                Instant::now() < deadline,
                "{severity:?}: {:#?}",
                eye.raised("deadlocks")
            );
            deadlock(&cluster, "postgres").await;
            done += 1;
            wait_until("the server has counted it", PATIENCE, async || {
                Ok(client.value::<i64>(count).await? == done)
            })
            .await;
            eye.look("deadlocks").await;
        }
        let raised = eye.raised("deadlocks");
        let said: i64 = raised[0].finding.sentence.split(' ').next().unwrap().parse().unwrap();
        let all: i64 = client.value(count).await.unwrap();
        assert!((2..=all).contains(&said), "{} of {all}", raised[0].finding.sentence);
    }
}

/// Twelve has no counter: there the entries that are gone tell.
#[rstest]
#[tokio::test]
async fn evictions_are_noticed(#[values(12, 14, 18)] major: u32) {
    let cluster = Cluster::builder(major)
        .conf("pg_stat_statements.max", "100")
        .start()
        .await
        .unwrap();
    let client = cluster.client().await.unwrap();
    let mut eye = Eye::open(&cluster, "postgres", "postgres", |limits| {
        limits.evictions_per_hour = 3.0;
    })
    .await;
    eye.look("statements_evicted").await;
    assert!(eye.raised("statements_evicted").is_empty());
    let (mut columns, deadline) = (0, Instant::now() + PATIENCE);
    let warns = |alerts: &[Alert]| alerts.iter().any(|alert| alert.severity() == Some(Severity::Warning));
    while !warns(&eye.raised("statements_evicted")) {
        assert!(
            Instant::now() < deadline,
            "{:#?}",
            eye.world.alerts.alerts().collect::<Vec<_>>()
        );
        for _ in 0..60 {
            columns += 1;
            let list: Vec<String> = (0..columns).map(|nth| nth.to_string()).collect();
            client.simple(&format!("SELECT {}", list.join(", "))).await.unwrap();
        }
        eye.look("statements_evicted").await;
    }
    let raised = eye.raised("statements_evicted");
    let finding = &raised[0].finding;
    assert!(
        finding.details[0].ends_with(" of 100 entries are taken"),
        "{finding:#?}"
    );
    if major > 12 {
        let told: i64 = finding.sentence.split_whitespace().nth(3).unwrap().parse().unwrap();
        let dealloc: i64 = client
            .value("SELECT dealloc FROM pg_stat_statements_info")
            .await
            .unwrap();
        assert!((3..=dealloc).contains(&told), "{} of {dealloc}", finding.sentence);
    }
    paste(&client, &finding.remedies[0].text).await;
    cluster.restart().await.unwrap();
    let client = cluster.client().await.unwrap();
    assert_eq!(
        client.value::<String>("SHOW pg_stat_statements.max").await.unwrap(),
        "200"
    );
}
