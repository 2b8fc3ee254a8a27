//! Near the end of the ids, and a vacuum against it that cannot do its work.

use pgmon_lab::{Cluster, PATIENCE, wait_until, wraparound};
use pgmon_tui::alert::Thing;
use pgmon_tui::model::concern::Severity;
use rstest::rstest;

use crate::eye::Eye;
use crate::vacuum::paste;

/// 1.6 billion transactions and 1.9 billion multixacts, as segments begin.
const XID: u32 = 1526 * wraparound::XIDS_PER_SEGMENT;
const MULTIXACT: u32 = 28_992 * wraparound::MULTIXACTS_PER_SEGMENT;

#[rstest]
#[tokio::test]
async fn every_database_counts_and_its_remedy_makes_it_young(#[values(12, 15, 18)] major: u32) {
    let cluster = Cluster::builder(major)
        .conf("autovacuum", "off")
        .conf("autovacuum_freeze_max_age", "2000000000")
        .conf("autovacuum_multixact_freeze_max_age", "2000000000")
        .sql("CREATE TABLE \"Orders\" (id int)")
        .start()
        .await
        .unwrap();
    let mut eye = Eye::open(&cluster, "postgres", "postgres", |_| ()).await;
    eye.look("wraparound").await;
    assert!(eye.raised("wraparound").is_empty());
    drop(eye);
    wraparound::jump(&cluster, Some(XID), None).await.unwrap();
    let client = cluster.client().await.unwrap();
    let mut eye = Eye::open(&cluster, "postgres", "postgres", |_| ()).await;
    let raised = eye.until_raised("wraparound", Severity::Warning).await;
    let mut names: Vec<&str> = raised.iter().map(|alert| alert.finding.key.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["postgres", "template0", "template1"]);
    let left: i64 = client
        .value("SELECT (2::numeric ^ 31 - 1 - age(datfrozenxid))::int8 / 1000000 FROM pg_database WHERE datname = 'template0'")
        .await
        .unwrap();
    let margin = if major < 14 { 1 } else { 3 };
    for alert in &raised {
        let words = format!(": {} M transaction ids left until writes stop", left - margin);
        assert!(alert.finding.sentence.contains(&words), "{left} {alert:#?}");
    }
    let here = raised.iter().find(|alert| alert.finding.key == "postgres").unwrap();
    assert!(
        here.finding.remedies[0].text.starts_with("VACUUM (FREEZE, VERBOSE) "),
        "{here:#?}"
    );
    paste(&cluster, "postgres", &here.finding.remedies[0].text).await;
    for alert in &raised {
        let whole = alert.finding.remedies.last().unwrap();
        paste(&cluster, "postgres", &whole.text).await;
    }
    eye.until_calm("wraparound").await;
    assert!(
        !client
            .value::<bool>("SELECT datallowconn FROM pg_database WHERE datname = 'template0'")
            .await
            .unwrap()
    );
}

#[rstest]
#[tokio::test]
async fn multixacts_count_alike(#[values(12, 18)] major: u32) {
    let cluster = Cluster::builder(major)
        .conf("autovacuum", "off")
        .conf("autovacuum_freeze_max_age", "2000000000")
        .conf("autovacuum_multixact_freeze_max_age", "2000000000")
        .start()
        .await
        .unwrap();
    wraparound::jump(&cluster, None, Some(MULTIXACT)).await.unwrap();
    let mut eye = Eye::open(&cluster, "postgres", "postgres", |_| ()).await;
    let raised = eye.until_raised("wraparound", Severity::Critical).await;
    assert!(
        raised
            .iter()
            .all(|alert| alert.finding.sentence.contains(" multixacts left until writes stop")),
        "{raised:#?}"
    );
}

#[rstest]
#[tokio::test]
async fn a_slot_keeps_autovacuum_from_saving_them(#[values(12, 18)] major: u32) {
    let cluster = Cluster::builder(major)
        .conf("autovacuum_naptime", "1")
        .sql("SELECT pg_create_logical_replication_slot('holdback', 'pgoutput')")
        .start()
        .await
        .unwrap();
    wraparound::jump(&cluster, Some(XID), None).await.unwrap();
    let mut eye = Eye::open(&cluster, "postgres", "postgres", |limits| {
        limits.wraparound_stuck_for_s = 0.0;
    })
    .await;
    let raised = eye.until_raised("wraparound_stuck", Severity::Critical).await;
    let slot = Thing::Slot("holdback".to_owned());
    for alert in &raised {
        assert!(alert.finding.about.contains(&slot), "{alert:#?}");
        assert_eq!(
            alert.finding.sentence,
            format!(
                "database {} cannot be frozen: slot holdback holds the xmin horizon",
                alert.finding.key
            )
        );
    }
    // One story, with what else is about the slot.
    eye.look("wraparound").await;
    let stories = pgmon_tui::alert::story::stories(&eye.world.alerts);
    assert_eq!(stories.len(), 1, "{stories:#?}");
    paste(&cluster, "postgres", &raised[0].finding.remedies[0].text).await;
    eye.until_calm("wraparound_stuck").await;
    eye.until_calm("wraparound").await;
}

#[rstest]
#[tokio::test]
async fn somebody_holds_a_lock_against_it(#[values(12, 18)] major: u32) {
    let cluster = Cluster::builder(major)
        .conf("autovacuum_naptime", "1h")
        .sql(
            "CREATE TABLE \"My t\" (a int) WITH (autovacuum_freeze_max_age = 100000, autovacuum_freeze_min_age = 0, \
             autovacuum_enabled = off)",
        )
        .start()
        .await
        .unwrap();
    wraparound::jump(&cluster, Some(wraparound::XIDS_PER_SEGMENT), None)
        .await
        .unwrap();
    let mut eye = Eye::open(&cluster, "postgres", "postgres", |limits| {
        limits.wraparound_stuck_for_s = 0.0;
    })
    .await;
    eye.look("wraparound_stuck").await;
    assert!(eye.raised("wraparound_stuck").is_empty());
    let locker = cluster.client().await.unwrap();
    locker
        .simple("BEGIN; LOCK TABLE \"My t\" IN SHARE UPDATE EXCLUSIVE MODE")
        .await
        .unwrap();
    cluster.set("autovacuum_naptime", "1").await.unwrap();
    let pid = locker.pid();
    let raised = eye
        .until("wraparound_stuck", "the root of its wait", |alerts| {
            alerts.iter().any(|alert| {
                let about = &alert.finding.about;
                about
                    .iter()
                    .any(|thing| matches!(thing, Thing::Backend { pid: its, .. } if *its == pid))
            })
        })
        .await;
    let [alert] = raised.as_slice() else {
        panic!("{raised:#?}")
    };
    assert!(
        alert.finding.sentence.starts_with("public.My t cannot be frozen: pid "),
        "{alert:#?}"
    );
    assert_eq!(
        alert.finding.details[1],
        format!("behind pid {pid}, idle in transaction, which holds it in ShareUpdateExclusive mode")
    );
    assert_eq!(alert.severity(), Some(Severity::Warning));
    paste(&cluster, "postgres", &alert.finding.remedies[0].text).await;
    eye.until_calm("wraparound_stuck").await;
    let client = cluster.client().await.unwrap();
    wait_until("the worker has done its work", PATIENCE, async || {
        client
            .value::<bool>("SELECT age(relfrozenxid) < 100000 FROM pg_class WHERE relname = 'My t'")
            .await
    })
    .await;
}
