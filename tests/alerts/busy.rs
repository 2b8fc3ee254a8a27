//! With the default limits: what a healthy server does all day is no alert.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pgmon_lab::{Cluster, PATIENCE, wait_until};
use pgmon_tui::alert::RULES;
use pgmon_tui::model::observe::name;
use rstest::rstest;

use crate::eye::Eye;

/// The rules about work.
const WORK: [&str; 8] = [
    "checkpoints",
    "wal_surge",
    "temp_surge",
    "rollbacks",
    "deadlocks",
    "cache_hit",
    "query_regression",
    "statements_evicted",
];

/// What pgbench does, as fast as eight sessions can.
async fn bench(cluster: &Cluster, over: Arc<AtomicBool>, nth: i64) -> i64 {
    let client = cluster.client().await.unwrap();
    let mut done = 0;
    while !over.load(Ordering::Relaxed) {
        let (account, teller, delta) = (
            (done * 7919 + nth * 104_729) % 100_000 + 1,
            (done + nth) % 10 + 1,
            done % 5000,
        );
        client
            .simple(&format!(
                "BEGIN; UPDATE accounts SET balance = balance + {delta} WHERE id = {account}; \
                 SELECT balance FROM accounts WHERE id = {account}; \
                 UPDATE tellers SET balance = balance + {delta} WHERE id = {teller}; \
                 UPDATE branches SET balance = balance + {delta} WHERE id = 1; \
                 INSERT INTO history VALUES ({teller}, {account}, {delta}, now()); END"
            ))
            .await
            .unwrap();
        done += 1;
    }
    done
}

/// With the default limits: eight sessions at full speed, then a CHECKPOINT, then a load, under everything that looks.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_server_is_no_alert(#[values(12, 18)] major: u32) {
    let cluster = Cluster::builder(major)
        .conf("full_page_writes", "on")
        .conf("checkpoint_timeout", "30s")
        .start()
        .await
        .unwrap();
    let client = cluster.client().await.unwrap();
    client
        .simple(
            "CREATE TABLE branches (id int PRIMARY KEY, balance int); INSERT INTO branches VALUES (1, 0); \
             CREATE TABLE tellers (id int PRIMARY KEY, balance int); \
             INSERT INTO tellers SELECT g, 0 FROM generate_series(1, 10) g; \
             CREATE TABLE accounts (id int PRIMARY KEY, balance int, filler char(84)); \
             INSERT INTO accounts SELECT g, 0, '' FROM generate_series(1, 100000) g; \
             CREATE TABLE history (tid int, aid int, delta int, mtime timestamptz)",
        )
        .await
        .unwrap();
    let mut eye = Eye::open(&cluster, "postgres", "postgres", |_| ()).await;
    let cluster = Arc::new(cluster);
    let over = Arc::new(AtomicBool::new(false));
    let sessions: Vec<_> = (0..8)
        .map(|nth| {
            let (cluster, over) = (Arc::clone(&cluster), Arc::clone(&over));
            tokio::spawn(async move { bench(&cluster, over, nth).await })
        })
        .collect();
    let begin = Instant::now();
    let count = if major >= 17 {
        "SELECT num_timed FROM pg_stat_checkpointer"
    } else {
        "SELECT checkpoints_timed FROM pg_stat_bgwriter"
    };
    let timed: i64 = client.value(count).await.unwrap();
    wait_until("a timed checkpoint has passed", PATIENCE, async || {
        look_at_all(&mut eye).await;
        Ok(begin.elapsed() > Duration::from_secs(15) && client.value::<i64>(count).await? > timed)
    })
    .await;
    client.simple("CHECKPOINT").await.unwrap();
    look_at_all(&mut eye).await;
    over.store(true, Ordering::Relaxed);
    let mut done = 0;
    for session in sessions {
        done += session.await.unwrap();
    }
    assert!(done > 1000, "{done} transactions");
    client
        .simple("CREATE TABLE loaded AS SELECT g, repeat('x', 100) FROM generate_series(1, 200000) g")
        .await
        .unwrap();
    look_at_all(&mut eye).await;
}

/// Every rule about work looks, and none of them has anything to say.
async fn look_at_all(eye: &mut Eye) {
    let mut probes: Vec<&str> = RULES
        .iter()
        .filter(|rule| WORK.contains(&rule.id))
        .flat_map(|rule| rule.probes())
        .collect();
    probes.sort_unstable();
    probes.dedup();
    eye.ask("pulse").await;
    for probe in probes {
        eye.ask(probe).await;
    }
    let found: Vec<_> = WORK.iter().flat_map(|rule| eye.raised(rule)).collect();
    assert!(found.is_empty(), "{found:#?}");
}

/// What no test has the time to make true is at least counted right.
#[rstest]
#[tokio::test]
async fn the_share_of_rollbacks_is_what_was_done(#[values(12, 18)] major: u32) {
    let cluster = Cluster::builder(major).conf("autovacuum", "off").start().await.unwrap();
    let mut eye = Eye::open(&cluster, "postgres", "postgres", |_| ()).await;
    let client = cluster.client().await.unwrap();
    let sums = "SELECT array[sum(xact_commit), sum(xact_rollback)]::int8[] FROM pg_stat_database";
    eye.look("rollbacks").await;
    let before: Vec<i64> = client.value(sums).await.unwrap();
    for nth in 0..400 {
        let end = if nth % 4 == 0 { "ROLLBACK" } else { "COMMIT" };
        client.simple(&format!("BEGIN; SELECT 1; {end}")).await.unwrap();
    }
    wait_until("all of them are counted", PATIENCE, async || {
        let after: Vec<i64> = client.value(sums).await?;
        Ok(after[1] - before[1] >= 100)
    })
    .await;
    eye.look("rollbacks").await;
    let share = eye.world.series.last(name::ROLLBACK_SHARE).unwrap();
    // Our own questions and the test's are commits.
    assert!((15.0..=25.0).contains(&share), "{share}");
    assert!(eye.raised("rollbacks").is_empty());
}
