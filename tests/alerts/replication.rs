//! Standbys, slots, the archive and subscriptions, healthy and not.

use pgmon_lab::{Builder, Client, Cluster, PATIENCE, Stop, scene, wait_until};
use pgmon_tui::alert::Thing;
use pgmon_tui::config::Alerts;
use pgmon_tui::model::concern::Severity;
use rstest::rstest;

use crate::eye::Eye;

/// What may be wrong with replication.
const RULES: [&str; 7] = [
    "replication_lag",
    "standby_gone",
    "receiver",
    "archiver",
    "slots",
    "conflicts",
    "subscriptions",
];

fn builder(major: u32) -> Builder {
    Cluster::builder(major)
        .role("mon LOGIN IN ROLE pg_monitor")
        .role("app LOGIN")
}

fn at_once(limits: &mut Alerts) {
    limits.repl_warn_s = 1.0;
    limits.archive_failing_warn_s = 1.0;
}

async fn open(cluster: &Cluster, limits: impl FnOnce(&mut Alerts)) -> Eye {
    Eye::open(cluster, "mon", "postgres", limits).await
}

/// So many kilobytes of WAL, at least, in a transaction of its own.
async fn write(client: &Client, kilobytes: u32) {
    let sql = format!(
        "CREATE TABLE IF NOT EXISTS filler (v text);
         INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, {kilobytes})"
    );
    client.simple(&sql).await.unwrap();
}

async fn seconds(client: &Client) -> f64 {
    client
        .value("SELECT extract(epoch FROM clock_timestamp())::float8")
        .await
        .unwrap()
}

/// Looks for some seconds of the server's clock, while `work` goes on: nothing is a warning.
async fn stays_calm(eyes: &mut [&mut Eye], judge: &Client, for_s: f64, work: impl AsyncFn()) {
    let begin = seconds(judge).await;
    while seconds(judge).await - begin < for_s {
        work().await;
        for eye in &mut *eyes {
            for rule in RULES {
                eye.look(rule).await;
                let raised = eye.raised(rule);
                let bad = raised.iter().find(|alert| alert.severity() > Some(Severity::Notice));
                assert!(bad.is_none(), "{bad:#?}");
            }
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_standby_is_paused_and_goes(#[values(12, 18)] major: u32) {
    let primary = builder(major).start().await.unwrap();
    let conf = [
        ("wal_receiver_status_interval", "1s"),
        ("wal_retrieve_retry_interval", "200ms"),
    ];
    let standby = primary.standby("dr1", &conf).await.unwrap();
    let (writer, there) = (primary.client().await.unwrap(), standby.client().await.unwrap());
    let (mut here, mut beyond) = (open(&primary, at_once).await, open(&standby, at_once).await);
    // It streams, it is written to, it is read from.
    stays_calm(&mut [&mut here, &mut beyond], &writer, 3.0, async || {
        write(&writer, 200).await;
        there.rows("SELECT count(*) FROM pg_class").await.unwrap();
    })
    .await;

    // Who may not see how far they are is not told that all is well.
    for (server, rule) in [(&primary, "replication_lag"), (&standby, "receiver")] {
        let mut plain = Eye::open(server, "app", "postgres", at_once).await;
        plain.look(rule).await;
        let mut unchecked = plain.world.alerts.unchecked(&plain.world);
        let unchecked = unchecked.find(|unchecked| unchecked.rule.id == rule).unwrap();
        assert_eq!(
            unchecked.blind.remedy.as_deref(),
            Some("GRANT pg_monitor TO app;"),
            "{rule}"
        );
    }

    there.rows("SELECT pg_wal_replay_pause()").await.unwrap();
    let raised = beyond.until_raised("replication_lag", Severity::Notice).await;
    assert_eq!(raised[0].finding.key, "paused");
    write(&writer, 2000).await;
    beyond.until_raised("replication_lag", Severity::Warning).await;
    let raised = here.until_raised("replication_lag", Severity::Warning).await;
    let pid: i32 = writer.value("SELECT pid FROM pg_stat_replication").await.unwrap();
    assert_eq!(raised[0].finding.jump.row, Some(Thing::Standby(pid)));
    assert!(
        raised[0]
            .finding
            .sentence
            .starts_with("standby dr1 has not replayed for "),
        "{raised:#?}"
    );
    assert!(beyond.raised("receiver").is_empty(), "it receives");
    let resume = &beyond.raised("replication_lag")[0].finding.remedies[0];
    there.simple(&resume.text).await.unwrap();
    beyond.until_calm("replication_lag").await;
    here.until_calm("replication_lag").await;
    // Nobody writes any more, and what was measured last stays in sight for a while.
    stays_calm(&mut [&mut here, &mut beyond], &writer, 8.0, async || ()).await;

    standby.stop(Stop::Fast).await.unwrap();
    let raised = here.until_raised("standby_gone", Severity::Warning).await;
    let [alert] = raised.as_slice() else {
        panic!("{raised:#?}")
    };
    assert_eq!(alert.finding.key, "slot dr1");
    assert!(
        alert.finding.sentence.starts_with("standby dr1 has been gone for "),
        "{alert:#?}"
    );
    if major >= 17 {
        let since: f64 = writer
            .value("SELECT extract(epoch FROM inactive_since)::float8 FROM pg_replication_slots")
            .await
            .unwrap();
        assert!((alert.since() - since).abs() < 1.0, "{alert:#?}");
    }
    standby.start_again().await.unwrap();
    here.until_calm("standby_gone").await;

    // Now the primary goes, and its standby receives nothing.
    let mut beyond = open(&standby, at_once).await;
    beyond.look("receiver").await;
    primary.stop(Stop::Fast).await.unwrap();
    beyond.until_raised("receiver", Severity::Warning).await;
    primary.start_again().await.unwrap();
    beyond.until_calm("receiver").await;
}

#[rstest]
#[tokio::test]
async fn too_few_are_left_to_confirm_a_commit(#[values(12, 18)] major: u32) {
    let server = builder(major).start().await.unwrap();
    let mut eye = open(&server, |_| ()).await;
    eye.look("standby_gone").await;
    server.set("synchronous_standby_names", "nowhere").await.unwrap();
    let raised = eye.until_raised("standby_gone", Severity::Critical).await;
    let keys: Vec<&str> = raised.iter().map(|alert| alert.finding.key.as_str()).collect();
    assert_eq!(keys, ["quorum", "name nowhere"], "{raised:#?}");
    let judge = server.client().await.unwrap();
    for statement in raised[0].finding.remedies[0].text.lines() {
        judge.simple(statement).await.unwrap();
    }
    eye.until_calm("standby_gone").await;
}

#[rstest]
#[tokio::test]
async fn archiving_fails_and_works_again(#[values(12, 18)] major: u32) {
    let server = builder(major)
        .conf("archive_mode", "on")
        .conf("archive_command", "true")
        .start()
        .await
        .unwrap();
    let judge = server.client().await.unwrap();
    let finish = async || {
        write(&judge, 10).await;
        judge.rows("SELECT pg_switch_wal()").await.unwrap();
    };
    let mut eye = open(&server, at_once).await;
    stays_calm(&mut [&mut eye], &judge, 3.0, &finish).await;
    server.set("archive_command", "false").await.unwrap();
    finish().await;
    let raised = eye.until_raised("archiver", Severity::Warning).await;
    let waiting = std::fs::read_dir(server.data_dir().join("pg_wal/archive_status")).unwrap();
    let ready = |name: &std::io::Result<std::fs::DirEntry>| {
        name.as_ref().unwrap().file_name().to_string_lossy().ends_with(".ready")
    };
    let waiting = waiting.filter(ready).count();
    let said = &raised[0].finding.sentence;
    assert!(
        said.starts_with("archiving has failed for ") && said.contains(&format!(": {waiting} file")),
        "{said}"
    );
    assert_eq!(raised[0].finding.jump.row, Some(Thing::Archiver));
    server.set("archive_command", "true").await.unwrap();
    // After its third failure 12 tries again a minute later or when another file is finished.
    finish().await;
    eye.until_calm("archiver").await;
}

#[rstest]
#[tokio::test]
async fn a_slot_without_a_consumer_fills_the_disk(#[values(12, 18)] major: u32) {
    let server = builder(major).start().await.unwrap();
    let judge = server.client().await.unwrap();
    judge
        .rows("SELECT pg_create_physical_replication_slot('stuck', true)")
        .await
        .unwrap();
    let mut eye = open(&server, |limits| {
        limits.slot_kept_warn_bytes = 1_500_000.0;
    })
    .await;
    eye.look("slots").await;
    assert!(eye.raised("slots").is_empty());
    write(&judge, 2000).await;
    let raised = eye.until_raised("slots", Severity::Warning).await;
    let [alert] = raised.as_slice() else {
        panic!("{raised:#?}")
    };
    assert_eq!(alert.finding.jump.row, Some(Thing::Slot("stuck".to_owned())));
    let kept = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::int8 FROM pg_replication_slots";
    let kept: i64 = judge.value(kept).await.unwrap();
    assert!(
        kept > 1_500_000 && alert.finding.sentence.ends_with("for nobody"),
        "{alert:#?}"
    );
    judge.simple(&alert.finding.remedies[0].text).await.unwrap();
    eye.until_calm("slots").await;
}

#[rstest]
#[tokio::test]
async fn a_slot_is_lost(#[values(13, 18)] major: u32) {
    let server = builder(major)
        .conf("max_wal_size", "64MB")
        .conf("min_wal_size", "32MB")
        .conf("max_slot_wal_keep_size", "64MB")
        .start()
        .await
        .unwrap();
    let judge = server.client().await.unwrap();
    judge
        .rows("SELECT pg_create_physical_replication_slot('stuck', true)")
        .await
        .unwrap();
    let mut eye = open(&server, |_| ()).await;
    wait_until("it is lost or about to be", PATIENCE, async || {
        write(&judge, 20_000).await;
        judge.rows("SELECT pg_switch_wal()").await?;
        eye.look("slots").await;
        Ok(eye
            .raised("slots")
            .iter()
            .any(|alert| alert.severity() == Some(Severity::Critical)))
    })
    .await;
    let status: Option<String> = judge
        .value("SELECT wal_status FROM pg_replication_slots")
        .await
        .unwrap();
    let said = &eye.raised("slots")[0].finding.sentence;
    match status.as_deref() {
        Some("lost") => assert!(
            said.contains("slot stuck is lost") || said.contains("over its limit"),
            "{said}"
        ),
        other => assert!(said.contains("over its limit"), "{other:?}: {said}"),
    }
}

#[rstest]
#[tokio::test]
async fn queries_are_canceled_on_a_standby(#[values(12, 18)] major: u32) {
    let primary = builder(major).start().await.unwrap();
    let standby = primary
        .standby("dr1", &[("max_standby_streaming_delay", "6s")])
        .await
        .unwrap();
    let judge = standby.client().await.unwrap();
    let mut eye = open(&standby, |limits| limits.conflicts_warn_per_min = 0.01).await;
    eye.look("conflicts").await;
    let scene = scene::replay_behind_reader(&primary, &standby).await.unwrap();
    eye.look("conflicts").await;
    let raised = eye.until_raised("conflicts", Severity::Warning).await;
    let canceled: i64 = judge
        .value("SELECT sum(confl_lock)::int8 FROM pg_stat_database_conflicts")
        .await
        .unwrap();
    let said = &raised[0].finding.sentence;
    assert!(
        said.contains("replay canceled 1 query here") && said.ends_with(&format!("lock {canceled}")),
        "{said}"
    );
    for statement in raised[0].finding.remedies[0].text.lines() {
        judge.simple(statement).await.unwrap();
    }
    drop(scene);
}

#[rstest]
#[tokio::test]
async fn a_subscription_works_and_fails(#[values(12, 18)] major: u32) {
    let (publisher, subscriber) = (
        builder(major).start().await.unwrap(),
        builder(major).start().await.unwrap(),
    );
    let (source, judge) = (publisher.client().await.unwrap(), subscriber.client().await.unwrap());
    for client in [&source, &judge] {
        client.simple("CREATE TABLE t (v int PRIMARY KEY)").await.unwrap();
    }
    source.simple("CREATE PUBLICATION p FOR TABLE t").await.unwrap();
    let how = if major >= 15 {
        " WITH (disable_on_error = true)"
    } else {
        ""
    };
    let subscribe = format!(
        "CREATE SUBSCRIPTION sub CONNECTION '{}' PUBLICATION p{how}",
        publisher.conninfo("postgres", "postgres")
    );
    judge.simple(&subscribe).await.unwrap();
    wait_until("its table is ready", PATIENCE, async || {
        judge
            .value::<bool>("SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel")
            .await
    })
    .await;
    let (mut there, mut here) = (open(&publisher, at_once).await, open(&subscriber, at_once).await);
    let next = std::cell::Cell::new(0);
    stays_calm(&mut [&mut there, &mut here], &source, 3.0, async || {
        next.set(next.get() + 1);
        source
            .simple(&format!("INSERT INTO t VALUES ({})", next.get()))
            .await
            .unwrap();
    })
    .await;

    // A row that is there already.
    judge.simple("INSERT INTO t VALUES (-1)").await.unwrap();
    source.simple("INSERT INTO t VALUES (-1)").await.unwrap();
    let raised = here.until_raised("subscriptions", Severity::Warning).await;
    let [alert] = raised.as_slice() else {
        panic!("{raised:#?}")
    };
    assert_eq!(
        alert.finding.jump.row,
        Some(Thing::Subscription("postgres.sub".to_owned()))
    );
    judge.simple("DELETE FROM t WHERE v = -1").await.unwrap();
    if major >= 15 {
        assert_eq!(alert.finding.sentence, "an error disabled subscription sub");
        judge.simple(&alert.finding.remedies[0].text).await.unwrap();
    }
    here.until_calm("subscriptions").await;
    assert_eq!(
        judge.value::<i64>("SELECT count(*) FROM t WHERE v = -1").await.unwrap(),
        1
    );
}
