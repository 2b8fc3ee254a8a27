//! Alerts that are one story, end to end.

use pgmon_lab::{Client, Cluster, Scene, scene};
use pgmon_tui::alert::story::{Story, stories};
use pgmon_tui::config::Alerts;
use pgmon_tui::model::concern::Severity;

use crate::eye::Eye;

fn soon(limits: &mut Alerts) {
    limits.blocked_warn_s = 0.5;
    limits.blocked_crit_s = 1.0;
    limits.long_txn_warn_s = 0.5;
    limits.long_txn_crit_s = 1.0;
    limits.connections_for_s = 0.0;
}

const RULES: [&str; 3] = ["blocked", "long_transaction", "connections"];

/// Looks until that is true of the stories.
async fn until(eye: &mut Eye, what: &str, found: impl Fn(&[Story<'_>]) -> bool) {
    until_of(eye, &RULES, what, found).await;
}

/// The same by these rules.
async fn until_of(eye: &mut Eye, rules: &[&str], what: &str, found: impl Fn(&[Story<'_>]) -> bool) {
    let deadline = std::time::Instant::now() + pgmon_lab::PATIENCE;
    loop {
        for rule in rules {
            eye.look(rule).await;
        }
        let told = stories(&eye.world.alerts);
        if found(&told) {
            return;
        }
        assert!(std::time::Instant::now() < deadline, "{what} does not come: {told:#?}");
    }
}

/// Rule and pid of each alert, the head first.
fn told(story: &Story<'_>) -> Vec<(&'static str, String)> {
    let key = |key: &str| key.split(':').next().unwrap_or_default().to_owned();
    story
        .alerts()
        .map(|alert| (alert.rule.id, key(&alert.finding.key)))
        .collect()
}

fn raised(story: &Story<'_>, count: usize) -> bool {
    story
        .alerts()
        .filter(|alert| alert.severity() == Some(Severity::Critical))
        .count()
        == count
}

/// A blocked ALTER queues 40 readers behind a session that is idle in transaction: 42 sessions, one line.
#[tokio::test]
async fn a_blocked_alter_and_forty_readers_are_one_story() {
    for major in [12, 18] {
        let cluster = Cluster::builder(major)
            .conf("max_connections", "200")
            .start()
            .await
            .unwrap();
        let mut eye = Eye::open(&cluster, "postgres", "postgres", soon).await;
        let scene = scene::queued_exclusive(&cluster, "postgres", 40).await.unwrap();
        let (root, alter) = (scene.pid("root"), scene.pid("alter"));
        until(&mut eye, "both alerts", |stories| {
            stories.iter().any(|story| raised(story, 2))
        })
        .await;
        let all = stories(&eye.world.alerts);
        assert_eq!(all.len(), 1, "{all:#?}");
        assert_eq!(
            told(&all[0]),
            [("blocked", root.to_string()), ("long_transaction", root.to_string())]
        );
        let head = &all[0].head.finding;
        assert_eq!(
            head.sentence,
            format!("41 sessions wait behind pid {root} (root), idle in transaction")
        );
        assert_eq!(
            head.details[0],
            format!("pid {alter} (alter) waits for AccessExclusive on public.orders, 40 readers queue behind that")
        );
        scene.end().await.unwrap();
        until(&mut eye, "calm", |stories| stories.is_empty()).await;
    }
}

#[tokio::test]
async fn two_chains_are_two_stories() {
    let cluster = Cluster::builder(17)
        .conf("max_connections", "100")
        .start()
        .await
        .unwrap();
    let mut eye = Eye::open(&cluster, "postgres", "postgres", soon).await;
    let first = scene::queued_exclusive(&cluster, "postgres", 5).await.unwrap();
    let second = scene::idle_in_transaction(&cluster, "postgres").await.unwrap();
    until(&mut eye, "four alerts", |stories| {
        stories.len() == 2 && stories.iter().all(|story| raised(story, 2))
    })
    .await;
    let all = stories(&eye.world.alerts);
    let pids = [first.pid("root").to_string(), second.pid("root").to_string()];
    for (story, pid) in all.iter().zip(pids) {
        assert_eq!(
            told(story),
            [("blocked", pid.clone()), ("long_transaction", pid)],
            "{all:#?}"
        );
    }
    first.end().await.unwrap();
    second.end().await.unwrap();
}

/// Whoever waits holds a connection: slots that run out because of a lock are the lock's story.
#[tokio::test]
async fn connections_that_run_out_because_of_a_lock_and_five_hundred_waiters() {
    let cluster = Cluster::builder(18)
        .conf("max_connections", "520")
        .conf("max_locks_per_transaction", "256")
        .start()
        .await
        .unwrap();
    let mut eye = Eye::open(&cluster, "postgres", "postgres", soon).await;
    let scene = scene::queued_exclusive(&cluster, "postgres", 499).await.unwrap();
    let root = scene.pid("root").to_string();
    until(&mut eye, "three alerts", |stories| {
        stories.iter().any(|story| raised(story, 3))
    })
    .await;
    let all = stories(&eye.world.alerts);
    assert_eq!(all.len(), 1, "{all:#?}");
    let rules: Vec<&str> = all[0].alerts().map(|alert| alert.rule.id).collect();
    assert_eq!(rules, ["blocked", "long_transaction", "connections"]);
    let count: i64 = waiters(scene.admin()).await;
    assert_eq!(count, 500);
    let head = all[0].head;
    assert!(
        head.finding
            .sentence
            .ends_with(&format!("behind pid {root} (root), idle in transaction")),
        "{head:#?}"
    );
    scene.end().await.unwrap();
}

async fn waiters(client: &Client) -> i64 {
    client
        .value("SELECT count(*) FROM pg_locks WHERE NOT granted")
        .await
        .unwrap()
}

/// What suffers from it is not what it is: a session that only waits in a long transaction is no cause.
#[tokio::test]
async fn who_waits_in_a_transaction_is_no_story_of_its_own() {
    let cluster = Cluster::builder(12).start().await.unwrap();
    let mut eye = Eye::open(&cluster, "postgres", "postgres", soon).await;
    let mut scene = Scene::open(&cluster, "postgres").await.unwrap();
    scene.admin().simple("CREATE TABLE t (v int)").await.unwrap();
    let root = scene.session("root").await.unwrap();
    root.simple("BEGIN; LOCK TABLE t").await.unwrap();
    scene.all_waiting("writer", 6, "SELECT * FROM t").await.unwrap();
    until(&mut eye, "both alerts", |stories| {
        stories.iter().any(|story| raised(story, 2))
    })
    .await;
    let all = stories(&eye.world.alerts);
    assert_eq!(all.len(), 1, "{all:#?}");
    let root = root.pid().to_string();
    assert_eq!(told(&all[0]), [("blocked", root.clone()), ("long_transaction", root)]);
    scene.end().await.unwrap();
}

/// Who waits, the transaction they wait for, and what it keeps from VACUUM.
#[tokio::test]
async fn a_forgotten_transaction_is_one_story_up_to_the_horizon() {
    for major in [12, 18] {
        let cluster = Cluster::builder(major).start().await.unwrap();
        let mut eye = Eye::open(&cluster, "postgres", "postgres", |limits| {
            soon(limits);
            (limits.horizon_warn_tx_age, limits.horizon_crit_tx_age) = (1.0, 2.0);
            (limits.horizon_warn_s, limits.horizon_crit_s) = (0.5, 1.0);
        })
        .await;
        let scene = scene::idle_in_transaction(&cluster, "postgres").await.unwrap();
        for _ in 0..5 {
            scene.admin().value::<i64>("SELECT txid_current()").await.unwrap();
        }
        let rules = ["blocked", "long_transaction", "horizon"];
        let all = |stories: &[Story<'_>]| stories.iter().any(|story| raised(story, 3));
        until_of(&mut eye, &rules, "three alerts", all).await;
        let all = stories(&eye.world.alerts);
        assert_eq!(all.len(), 1, "{all:#?}");
        let told: Vec<&str> = all[0].alerts().map(|alert| alert.rule.id).collect();
        assert_eq!(told, rules);
        scene.end().await.unwrap();
    }
}
