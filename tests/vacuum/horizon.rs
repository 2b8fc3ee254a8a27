//! Each kind of holder against questions of our own.

use pgmon_lab::{Client, Cluster, PATIENCE, wait_for};
use pgmon_tui::model::horizon::{self, Kind, Reach};
use pgmon_tui::probe::activity::Activity;
use pgmon_tui::probe::autovacuum::AutovacuumProbe;
use pgmon_tui::probe::horizon::{Holder, HorizonProbe};
use rstest::rstest;

use crate::eye::Eye;

const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t";

async fn number(client: &Client, expression: &str) -> i64 {
    client.value(&format!("SELECT ({expression})::int8")).await.unwrap()
}

/// Waits until so many dead rows are counted in the table.
async fn dead(judge: &Client, rows: i64) {
    let sql = "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 't'";
    wait_for("dead rows are counted", PATIENCE, async || {
        Ok(number(judge, sql).await == rows)
    })
    .await
    .unwrap();
}

async fn cluster(major: u32) -> Cluster {
    Cluster::builder(major)
        .conf("autovacuum", "off")
        // Its launcher has a snapshot, and so holds the horizon, each time it looks for subscriptions.
        .conf("max_logical_replication_workers", "0")
        .role("mon LOGIN IN ROLE pg_monitor")
        .sql("CREATE TABLE t (id int)")
        .start()
        .await
        .unwrap()
}

fn find(holders: &[Holder], kind: Kind) -> Option<Holder> {
    holders.iter().find(|holder| horizon::kind(holder) == kind).cloned()
}

#[rstest]
#[tokio::test]
async fn sessions_hold_their_own_database_and_what_they_keep_is_counted(#[values(12, 14, 18)] major: u32) {
    let server = cluster(major).await;
    server.database("other").await.unwrap();
    let judge = server.client().await.unwrap();
    judge
        .simple("INSERT INTO t SELECT generate_series(1, 1000)")
        .await
        .unwrap();
    let (here, there, idle) = (
        server.client().await.unwrap(),
        server.client_as("postgres", "other").await.unwrap(),
        server.client().await.unwrap(),
    );
    idle.simple("BEGIN; SELECT 1").await.unwrap();
    here.simple(SNAPSHOT).await.unwrap();
    there
        .simple("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        .await
        .unwrap();
    judge.simple("DELETE FROM t WHERE id <= 400").await.unwrap();
    // A count that comes after the VACUUM would be added to what that reports.
    dead(&judge, 400).await;
    judge.simple("VACUUM t").await.unwrap();

    let mut eye = Eye::open(&server, "mon", "postgres").await;
    let own = eye.pid();
    let holders = eye.ask::<HorizonProbe>().await.clone();
    let mut pids: Vec<i32> = holders.iter().filter_map(|holder| holder.pid).collect();
    pids.sort_unstable();
    let sql = format!(
        "SELECT pid FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid NOT IN ({own}, pg_backend_pid()) ORDER BY 1"
    );
    assert_eq!(pids, judge.column::<i32>(&sql).await.unwrap());
    let of = |client: &Client| holders.iter().find(|holder| holder.pid == Some(client.pid())).unwrap();
    assert_eq!(horizon::reach(of(&here)), Reach::Database("postgres".to_owned()));
    assert_eq!(horizon::reach(of(&there)), Reach::Database("other".to_owned()));
    assert_eq!((of(&here).here, of(&there).here), (true, false));
    assert!(
        holders.iter().all(|holder| holder.pid != Some(idle.pid())),
        "it holds nothing"
    );
    let backends = eye.ask::<Activity>().await.clone();
    assert_eq!(horizon::idle_without_snapshot(&backends), 1, "and is counted as such");

    // VACUUM could not remove the deleted rows; our bound for what the holder keeps is no less.
    let vacuumed = "SELECT vacuum_count = 1 FROM pg_stat_user_tables WHERE relname = 't'";
    wait_for("the vacuum is counted", PATIENCE, async || {
        judge.value::<bool>(vacuumed).await
    })
    .await
    .unwrap();
    dead(&judge, 400).await;
    let totals = eye.ask::<AutovacuumProbe>().await.totals;
    let kept = horizon::kept(of(&here), Some(&totals));
    assert_eq!(horizon::kept(of(&there), Some(&totals)), None);
    let all = number(&judge, "SELECT sum(n_dead_tup) FROM pg_stat_all_tables").await;
    assert!((400..=all).contains(&kept.unwrap()), "400 <= {kept:?} <= {all}");
    // Once it is gone VACUUM removes them, though the session in the other database is still there.
    here.simple("COMMIT").await.unwrap();
    judge.simple("VACUUM t").await.unwrap();
    dead(&judge, 0).await;
}

#[rstest]
#[tokio::test]
async fn slots_standbys_and_prepared_transactions(#[values(12, 13, 18)] major: u32) {
    let primary = cluster(major).await;
    let judge = primary.client().await.unwrap();
    judge.simple("INSERT INTO t VALUES (1)").await.unwrap();
    let feedback = [("hot_standby_feedback", "on"), ("wal_receiver_status_interval", "1s")];
    let standby = primary.standby("dr1", &feedback).await.unwrap();
    judge
        .rows("SELECT pg_create_logical_replication_slot('cdc', 'pgoutput')")
        .await
        .unwrap();
    judge
        .simple("BEGIN; INSERT INTO t VALUES (2); PREPARE TRANSACTION 'left behind'")
        .await
        .unwrap();
    let reader = standby.client().await.unwrap();
    reader.simple(SNAPSHOT).await.unwrap();
    let mut eye = Eye::open(&primary, "mon", "postgres").await;
    let mut holders = Vec::new();
    wait_for("the standby's feedback is there", PATIENCE, async || {
        judge.simple("INSERT INTO t VALUES (3)").await?;
        holders = eye.ask::<HorizonProbe>().await.clone();
        Ok(find(&holders, Kind::Slot).is_some())
    })
    .await
    .unwrap();
    let slot = find(&holders, Kind::Slot).unwrap();
    assert_eq!(
        (slot.name.as_str(), slot.active, horizon::reach(&slot)),
        ("dr1", Some(true), Reach::Everywhere)
    );
    let walsender = number(&judge, "SELECT pid FROM pg_stat_replication").await;
    assert_eq!(slot.pid.map(i64::from), Some(walsender));
    assert!(slot.start.is_some(), "Enter opens the walsender");

    let logical = find(&holders, Kind::SlotCatalog).unwrap();
    assert_eq!(
        (logical.name.as_str(), logical.active, horizon::reach(&logical)),
        ("cdc", Some(false), Reach::Catalogs)
    );
    let age = number(
        &judge,
        "SELECT age(catalog_xmin) FROM pg_replication_slots WHERE slot_name = 'cdc'",
    )
    .await;
    assert_eq!(logical.xmin_age, age);
    let prepared = find(&holders, Kind::Prepared).unwrap();
    assert_eq!(horizon::reach(&prepared), Reach::Database("postgres".to_owned()));
    let age = number(&judge, "SELECT age(transaction) FROM pg_prepared_xacts").await;
    assert_eq!(prepared.xmin_age, age);

    // Without the slot the walsender itself carries the feedback.
    standby.set("primary_slot_name", "").await.unwrap();
    if major == 12 {
        standby.restart().await.unwrap();
    }
    let reader = standby.client().await.unwrap();
    reader.simple(SNAPSHOT).await.unwrap();
    judge
        .simple("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
        .await
        .unwrap();
    wait_for("the standby's feedback is with its walsender", PATIENCE, async || {
        judge.simple("INSERT INTO t VALUES (4)").await?;
        holders = eye.ask::<HorizonProbe>().await.clone();
        Ok(find(&holders, Kind::Standby).is_some())
    })
    .await
    .unwrap();
    let walsender = find(&holders, Kind::Standby).unwrap();
    assert_eq!(
        (walsender.name.as_str(), horizon::reach(&walsender)),
        ("dr1", Reach::Everywhere)
    );
    judge.simple("ROLLBACK PREPARED 'left behind'").await.unwrap();
}

#[rstest]
#[tokio::test]
async fn a_vacuum_holds_nothing_and_an_index_build_does(#[values(12, 18)] major: u32) {
    let server = cluster(major).await;
    let judge = server.client().await.unwrap();
    judge
        .simple(
            "INSERT INTO t SELECT generate_series(1, 100000); DELETE FROM t WHERE id % 2 = 0;
             CREATE TABLE u AS SELECT generate_series(1, 10) AS id;
             CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
               'BEGIN PERFORM pg_sleep(60); RETURN $1; END'",
        )
        .await
        .unwrap();
    let (vacuum, build) = (server.client().await.unwrap(), server.client().await.unwrap());
    vacuum
        .simple("SET vacuum_cost_delay = 50; SET vacuum_cost_limit = 1")
        .await
        .unwrap();
    drop(vacuum.spawn("VACUUM t"));
    drop(build.spawn("CREATE INDEX ON u (slow(id))"));
    let mut eye = Eye::open(&server, "mon", "postgres").await;
    let both = "SELECT (SELECT count(*) FROM pg_stat_progress_vacuum WHERE phase = 'scanning heap') = 1 AND
                       (SELECT count(*) FROM pg_stat_progress_create_index) = 1";
    wait_for("both run", PATIENCE, async || judge.value::<bool>(both).await)
        .await
        .unwrap();
    let holders = eye.ask::<HorizonProbe>().await.clone();
    let pids: Vec<_> = holders.iter().filter_map(|holder| holder.pid).collect();
    assert_eq!(pids, [build.pid()]);
    judge.terminate(build.pid()).await.unwrap();
    judge.terminate(vacuum.pid()).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn a_lost_slot_holds_nothing(#[values(13, 14, 18)] major: u32) {
    let server = Cluster::builder(major)
        .conf("wal_level", "logical")
        .conf("autovacuum", "off")
        .conf("max_slot_wal_keep_size", "1MB")
        .conf("max_wal_size", "32MB")
        .conf("min_wal_size", "32MB")
        .role("mon LOGIN IN ROLE pg_monitor")
        .sql("CREATE TABLE t (id int)")
        .start()
        .await
        .unwrap();
    let judge = server.client().await.unwrap();
    judge
        .rows("SELECT pg_create_logical_replication_slot('stuck', 'test_decoding')")
        .await
        .unwrap();
    let mut eye = Eye::open(&server, "mon", "postgres").await;
    assert!(find(eye.ask::<HorizonProbe>().await, Kind::SlotCatalog).is_some());

    let lost = "SELECT (wal_status = 'lost')::int FROM pg_replication_slots";
    wait_for("the slot is lost", PATIENCE, async || {
        judge.simple("INSERT INTO t VALUES (1); SELECT pg_switch_wal()").await?;
        judge.simple("CHECKPOINT").await?;
        Ok(number(&judge, &format!("({lost})")).await == 1)
    })
    .await
    .unwrap();
    // VACUUM freezes what is younger than all the slot still names.
    judge.simple("VACUUM (FREEZE) pg_catalog.pg_am").await.unwrap();
    let frozen = number(
        &judge,
        "(SELECT age(relfrozenxid) FROM pg_class WHERE relname = 'pg_am')",
    )
    .await;
    let named = number(&judge, "(SELECT age(catalog_xmin) FROM pg_replication_slots)").await;
    assert!(frozen < named, "{frozen} {named}");
    assert_eq!(find(eye.ask::<HorizonProbe>().await, Kind::SlotCatalog), None);
}
