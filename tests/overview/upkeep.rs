//! Replication, the xmin horizon, sizes.

use pgmon_lab::wait_until;
use pgmon_tui::model::overview;
use pgmon_tui::model::replay::Delay;
use pgmon_tui::probe::activity::Activity;
use pgmon_tui::probe::databases::DatabasesProbe;
use pgmon_tui::probe::horizon::HorizonProbe;
use pgmon_tui::probe::pulse::PulseProbe;
use pgmon_tui::probe::recovery::RecoveryProbe;
use pgmon_tui::probe::replication::ReplicationProbe;
use pgmon_tui::probe::slots::SlotsProbe;
use rstest::rstest;

use crate::{Eye, PATIENCE, cluster, number};

/// Seconds since 1970 by the server's clock.
const CLOCK: &str = "extract(epoch from clock_timestamp())::float8";

#[rstest]
#[tokio::test]
async fn lag_on_both_sides(#[values(12, 13, 14, 15, 16, 17, 18)] major: u32) {
    let primary = cluster(major, &[]).await;
    let standby = primary.standby("dr1", &[]).await.unwrap();
    let (writer, judge) = (primary.client().await.unwrap(), standby.client().await.unwrap());
    judge.rows("SELECT pg_wal_replay_pause()").await.unwrap();
    wait_until("replay is paused", PATIENCE, async || {
        judge.value::<bool>("SELECT pg_is_wal_replay_paused()").await
    })
    .await;
    let began = writer.value::<f64>(&format!("SELECT {CLOCK}")).await.unwrap();
    writer
        .simple("CREATE TABLE t AS SELECT g, repeat('x', 500) FROM generate_series(1, 20000) g")
        .await
        .unwrap();
    let end = number(&writer, "pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')").await;
    let received = "pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')";
    wait_until("the standby has it all", PATIENCE, async || {
        Ok(number(&judge, received).await >= end)
    })
    .await;
    let behind = number(
        &judge,
        "pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())",
    )
    .await;
    assert!(behind > 1_000_000);

    let mut on_standby = Eye::open(&standby, "mon", "postgres").await;
    let pulse = on_standby.ask::<PulseProbe>().await.clone();
    assert!(pulse.in_recovery && pulse.timeline.is_none());
    let recovery = on_standby.ask::<RecoveryProbe>().await;
    assert_eq!(recovery.paused, Some(true));
    assert_eq!(recovery.receiver_status.as_deref(), Some("streaming"));
    assert!(
        recovery.replay_bytes.is_some_and(|bytes| bytes >= behind),
        "{recovery:?}"
    );

    let mut on_primary = Eye::open(&primary, "mon", "postgres").await;
    // Both positions only grow: ours lie between those before and those after.
    let written = "pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')";
    let replayed = "(SELECT pg_wal_lsn_diff(replay_lsn, '0/0') FROM pg_stat_replication)";
    let before = [number(&writer, written).await, number(&writer, replayed).await];
    let senders = on_primary.ask::<ReplicationProbe>().await.clone();
    let after = [number(&writer, written).await, number(&writer, replayed).await];
    let [sender] = senders.as_slice() else {
        panic!("{senders:?}")
    };
    assert_eq!(sender.application_name.as_deref(), Some("dr1"));
    let bytes = sender.replay_bytes.unwrap();
    let (least, most) = (before[0] - after[1], after[0] - before[1]);
    assert!((least..=most).contains(&bytes), "{least} {bytes} {most}");
    // Replay stands still while the standby goes on reporting: at least as far behind as we saw it, not more than it is.
    let mut at_least = 0.0;
    wait_until("reports of a replay that stands still", PATIENCE, async || {
        let senders = on_primary.ask::<ReplicationProbe>().await.clone();
        let more = "SELECT pg_logical_emit_message(true, 'more', 'WAL')";
        writer.simple(more).await.unwrap();
        if let Some(Delay::AtLeast(seconds)) = on_primary.series.replay().delay(&senders[0]) {
            at_least = seconds;
        }
        Ok(at_least > 0.0)
    })
    .await;
    let most = writer.value::<f64>(&format!("SELECT {CLOCK} - {began}")).await.unwrap();
    assert!(at_least <= most, "{at_least} {most}");
    let slots = on_primary.ask::<SlotsProbe>().await.clone();
    assert_eq!(slots.len(), 1);
    assert!(slots[0].active && slots[0].kept_bytes.is_some());
    // A plain role sees that there is one, and that it does not see more.
    let mut plain = Eye::open(&primary, "app", "postgres").await;
    assert!(plain.ask::<ReplicationProbe>().await.iter().all(|sender| sender.hidden));

    judge.rows("SELECT pg_wal_replay_resume()").await.unwrap();
    wait_until("the standby caught up", PATIENCE, async || {
        let recovery = on_standby.ask::<RecoveryProbe>().await;
        Ok(recovery.replay_bytes == Some(0) && recovery.paused == Some(false))
    })
    .await;
    // Promotion: the pulse notices, and nothing is asked of a recovery any more.
    judge.rows("SELECT pg_promote()").await.unwrap();
    wait_until("the standby is promoted", PATIENCE, async || {
        Ok(!on_standby.ask::<PulseProbe>().await.in_recovery)
    })
    .await;
    assert_eq!(on_standby.ask::<PulseProbe>().await.timeline, Some(2));
    assert!(on_standby.ask_id("recovery").await.is_none());
    on_standby.ask_id("replication").await;
    on_standby.ask_id("slots").await;
}

#[rstest]
#[tokio::test]
async fn who_holds_the_horizon(#[values(12, 13, 14, 15, 16, 17, 18)] major: u32) {
    // A worker of autovacuum would be one more holder, and so would who looks for subscriptions now and then.
    let conf = [
        ("max_prepared_transactions", "3"),
        ("autovacuum", "off"),
        ("max_logical_replication_workers", "0"),
    ];
    let server = cluster(major, &conf).await;
    let judge = server.client().await.unwrap();
    judge.simple("CREATE TABLE t (v int)").await.unwrap();
    let mut eye = Eye::open(&server, "mon", "postgres").await;
    assert_eq!(eye.ask::<HorizonProbe>().await.len(), 0, "nobody holds anything");

    let holder = server.client_as("app", "postgres").await.unwrap();
    holder
        .simple("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        .await
        .unwrap();
    for _ in 0..50 {
        judge.simple("INSERT INTO t VALUES (1)").await.unwrap();
    }
    judge
        .simple("BEGIN; INSERT INTO t VALUES (2); PREPARE TRANSACTION 'left behind'")
        .await
        .unwrap();
    let holders = eye.ask::<HorizonProbe>().await.clone();
    let oldest = overview::holder(&holders).unwrap();
    assert_eq!((oldest.kind.as_str(), oldest.pid), ("session", Some(holder.pid())));
    let age = number(
        &judge,
        &format!(
            "(SELECT age(backend_xmin) FROM pg_stat_activity WHERE pid = {})",
            holder.pid()
        ),
    )
    .await;
    assert_eq!(oldest.xmin_age, age);
    assert!(oldest.age_s.is_some_and(|age| age >= 0.0));
    assert!(
        holders
            .iter()
            .any(|holder| holder.kind == "prepared transaction" && holder.name == "left behind")
    );

    // It has no session, and yet it is the oldest transaction once the session's is over.
    let backends = eye.ask::<Activity>().await.clone();
    assert_eq!(
        overview::older_prepared(&holders, &backends),
        None,
        "the session is older"
    );
    let none = overview::older_prepared(&holders, &[]).unwrap();
    assert_eq!(none.name, "left behind");

    // A plain role does not see other roles' snapshots, but it sees prepared transactions.
    let judge_only = server.client_as("postgres", "postgres").await.unwrap();
    judge_only
        .simple("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        .await
        .unwrap();
    holder.simple("COMMIT").await.unwrap();
    let mut plain = Eye::open(&server, "app", "postgres").await;
    let seen = plain.ask::<HorizonProbe>().await;
    assert_eq!(
        seen.iter().map(|holder| holder.kind.as_str()).collect::<Vec<_>>(),
        ["prepared transaction"]
    );
    judge.simple("ROLLBACK PREPARED 'left behind'").await.unwrap();
}

#[rstest]
#[tokio::test]
async fn sizes_that_may_be_asked_for(#[values(12, 15, 18)] major: u32) {
    // The first session in a database writes a cache of catalogs into it, one of autovacuum as well.
    let server = cluster(major, &[("autovacuum", "off")]).await;
    server.database("closed").await.unwrap();
    let judge = server.client().await.unwrap();
    judge
        .simple("REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
        .await
        .unwrap();
    for (role, sees) in [("postgres", true), ("mon", true), ("app", false)] {
        let mut eye = Eye::open(&server, role, "postgres").await;
        for database in eye.ask::<DatabasesProbe>().await {
            let size = number(&judge, &format!("pg_database_size({}::oid)", database.oid)).await;
            let expected = (sees || database.datname != "closed").then_some(size);
            assert_eq!(database.bytes, expected, "{} as {role}", database.datname);
            assert_eq!(database.here, database.datname == "postgres");
        }
    }
}
