//! Where the server really stops, who holds it back, and who comes to save it.

use pgmon_lab::{Client, Cluster, wait_until, wraparound};
use pgmon_tui::model::wraparound::{Level, Rescue, Ways, held_back, holder_before, rescue_of_relation};
use pgmon_tui::probe::activity::Activity;
use pgmon_tui::probe::horizon::HorizonProbe;
use pgmon_tui::probe::wraparound_databases::Databases;
use pgmon_tui::probe::wraparound_relations::{Relation, WraparoundRelations};
use rstest::rstest;

use crate::{Eye, PATIENCE, number, still};

fn worst(answer: &Databases) -> Ways {
    let oldest = answer.databases.first().unwrap();
    Ways::of_database(oldest, &answer.limits)
}

/// Two million transactions before the wraparound, and a slot that holds the catalogs back.
#[rstest]
#[tokio::test]
async fn an_emergency_that_stays(#[values(12, 13, 14, 18)] major: u32) {
    let cluster = Cluster::builder(major)
        .conf("autovacuum_naptime", "1")
        .role("mon LOGIN IN ROLE pg_monitor")
        .role("app LOGIN")
        .sql("CREATE TABLE t (a int)")
        .sql("SELECT pg_create_logical_replication_slot('holdback', 'pgoutput')")
        .start()
        .await
        .unwrap();
    let xid = 2046 * wraparound::XIDS_PER_SEGMENT;
    wraparound::jump(&cluster, Some(xid), None).await.unwrap();
    let client = cluster.client().await.unwrap();
    let refused = client.simple("INSERT INTO t VALUES (1)").await.is_err();
    for role in ["mon", "app"] {
        let mut eye = Eye::open(&cluster, role).await;
        let answer = eye.databases().await;
        let ways = worst(&answer);
        assert_eq!(ways.level() == Level::Stopped, refused, "{ways:?}");
        assert_eq!(refused, major >= 14);
        assert!(ways.level() >= Level::Critical);
        // A slot is seen by everybody. Before 14 autovacuum may use up an id at any time.
        let age = "(SELECT age(catalog_xmin) FROM pg_replication_slots)";
        let least = number(&client, age).await;
        let holders = eye.ask::<HorizonProbe>().await;
        let most = number(&client, age).await;
        let holder = held_back(&ways.xid, holder_before(holders, None)).unwrap();
        assert_eq!(
            (holder.kind.as_str(), holder.name.as_str()),
            ("slot catalog", "holdback")
        );
        assert!((least..=most).contains(&holder.xmin_age), "{least} {holder:?} {most}");
    }
    client
        .simple("SELECT pg_drop_replication_slot('holdback')")
        .await
        .unwrap();
    let mut eye = Eye::open(&cluster, "mon").await;
    wait_until("autovacuum has made all databases young again", PATIENCE, async || {
        Ok(worst(&eye.databases().await).level() == Level::Fine)
    })
    .await;
    // The worker that has made the last database young tells the server so only then.
    wait_until("the server accepts writes again", PATIENCE, async || {
        client.simple("INSERT INTO t VALUES (1)").await.map(|()| true)
    })
    .await;
}

/// 65,436 multixacts before the wraparound: 12 and 13 go on to the last hundred.
#[rstest]
#[tokio::test]
async fn where_multixacts_stop(#[values(12, 13, 14, 18)] major: u32) {
    let cluster = still(major).await;
    let client = cluster.client().await.unwrap();
    client
        .simple("CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
        .await
        .unwrap();
    // Once it is up the server sends for a vacuum, which has to wait for this lock: it is there before the server is.
    client
        .simple("BEGIN; LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE; PREPARE TRANSACTION 'in the way'")
        .await
        .unwrap();
    let multixact = 32_767 * wraparound::MULTIXACTS_PER_SEGMENT;
    wraparound::jump(&cluster, None, Some(multixact)).await.unwrap();
    let holder = cluster.client().await.unwrap();
    holder.simple("BEGIN; SELECT 1 FROM t FOR SHARE").await.unwrap();
    let mut eye = Eye::open(&cluster, "mon").await;
    let ways = worst(&eye.databases().await);
    let second = cluster.client().await.unwrap();
    let refused = second.simple("SELECT 1 FROM t FOR SHARE").await.is_err();
    assert_eq!(ways.multixact.level() == Level::Stopped, refused, "{ways:?}");
    assert_eq!(refused, major >= 14);
    assert_eq!(ways.xid.level(), Level::Fine);
}

/// A table with a limit of its own that is due, and a session in the way of the worker.
async fn stuck(major: u32) -> (Cluster, Client) {
    // Before 15 a vacuum leaves whatever is younger than freeze_min_age as it is, and counts on from there.
    let cluster = Cluster::builder(major)
        .conf("autovacuum_naptime", "1h")
        .role("mon LOGIN IN ROLE pg_monitor")
        .role("app LOGIN")
        .sql(
            "CREATE TABLE \"My t\" (a int) WITH (autovacuum_freeze_max_age = 100000, \
              autovacuum_freeze_min_age = 0, autovacuum_enabled = off)",
        )
        .start()
        .await
        .unwrap();
    wraparound::jump(&cluster, Some(wraparound::XIDS_PER_SEGMENT), None)
        .await
        .unwrap();
    let locker = cluster.client().await.unwrap();
    locker
        .simple("BEGIN; LOCK TABLE \"My t\" IN SHARE UPDATE EXCLUSIVE MODE")
        .await
        .unwrap();
    cluster.set("autovacuum_naptime", "1").await.unwrap();
    (cluster, locker)
}

async fn relation(eye: &mut Eye) -> (Relation, Ways) {
    let answer = eye.ask::<WraparoundRelations>().await;
    let found = answer.relations.iter().find(|relation| relation.relname == "My t");
    let relation = found.unwrap().clone();
    let ways = Ways::of_relation(&relation, &answer.limits);
    (relation, ways)
}

#[rstest]
#[tokio::test]
async fn the_worker_that_comes_for_a_table_that_is_due(#[values(12, 18)] major: u32) {
    let (cluster, locker) = stuck(major).await;
    let client = cluster.client().await.unwrap();
    let workers = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' \
                   AND wait_event_type = 'Lock' AND query LIKE '%to prevent wraparound%'";
    let mut pids = Vec::new();
    wait_until("a worker waits for the table", PATIENCE, async || {
        pids = client.column::<i32>(workers).await?;
        Ok(!pids.is_empty())
    })
    .await;
    let mut eye = Eye::open(&cluster, "mon").await;
    let (relation, ways) = relation(&mut eye).await;
    assert_eq!((ways.level(), relation.autovacuum), (Level::Due, Some(false)));
    let backends = eye.ask::<Activity>().await;
    let rescue = rescue_of_relation((backends, &[]), "postgres", &relation, true);
    assert!(
        matches!(rescue, Rescue::Running(pid) if pids.contains(&pid)),
        "{rescue:?} {pids:?}"
    );
    let mut plain = Eye::open(&cluster, "app").await;
    let backends = plain.ask::<Activity>().await;
    assert_eq!(
        rescue_of_relation((backends, &[]), "postgres", &relation, false),
        Rescue::Hidden
    );
    locker.simple("ROLLBACK").await.unwrap();
    wait_until("the table is young again", PATIENCE, async || {
        Ok(crate::emergency::relation(&mut eye).await.1.level() == Level::Fine)
    })
    .await;
}
