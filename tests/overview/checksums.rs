//! A damaged page: counted as soon as somebody reads it.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;

use pgmon_lab::{Stop, wait_until};
use pgmon_tui::probe::counters::CountersProbe;
use rstest::rstest;

use crate::{Eye, PATIENCE, cluster};

#[rstest]
#[tokio::test]
async fn without_checksums_nothing_is_known_of_them(#[values(12, 14, 17, 18)] major: u32) {
    let cluster = cluster(major, &[]).await;
    let client = cluster.client().await.unwrap();
    let on: String = client.value("SELECT current_setting('data_checksums')").await.unwrap();
    for role in ["postgres", "mon", "app"] {
        let counters = Eye::open(&cluster, role, "postgres")
            .await
            .ask::<CountersProbe>()
            .await
            .clone();
        let failures = counters
            .checksums
            .map(|known| (known.failures, known.last, known.database));
        let expected = (on == "on").then_some((0, None, None));
        assert_eq!(failures, expected, "{role} on {major}: data_checksums = {on}");
    }
}

#[tokio::test]
async fn a_wrong_checksum_is_counted_with_its_time_and_database() {
    // An ANALYZE by autovacuum would read the damaged page once more.
    let cluster = cluster(18, &[("autovacuum", "off")]).await;
    let client = cluster.client().await.unwrap();
    assert_eq!(
        client
            .value::<String>("SELECT current_setting('data_checksums')")
            .await
            .unwrap(),
        "on"
    );
    client
        .simple("CREATE TABLE hurt AS SELECT g FROM generate_series(1, 100) g")
        .await
        .unwrap();
    let path: String = client.value("SELECT pg_relation_filepath('hurt')").await.unwrap();
    drop(client);
    cluster.stop(Stop::Fast).await.unwrap();
    let file = OpenOptions::new()
        .write(true)
        .open(cluster.data_dir().join(path))
        .unwrap();
    file.write_at(b"damage", 8000).unwrap();
    cluster.start_again().await.unwrap();
    let client = cluster.client().await.unwrap();
    let before: f64 = client
        .value("SELECT extract(epoch FROM clock_timestamp())::float8")
        .await
        .unwrap();
    assert!(client.rows("SELECT * FROM hurt").await.is_err(), "the page is damaged");
    let mut eye = Eye::open(&cluster, "app", "postgres").await;
    // The statistics are published about once a second.
    wait_until("the failure is counted", PATIENCE, async || {
        let sql = "SELECT coalesce(sum(checksum_failures), 0)::int8 > 0 FROM pg_stat_database";
        client.value::<bool>(sql).await
    })
    .await;
    let known = eye.ask::<CountersProbe>().await.checksums.clone().unwrap();
    let count: i64 = client
        .value("SELECT sum(checksum_failures)::int8 FROM pg_stat_database")
        .await
        .unwrap();
    assert_eq!((known.failures, known.database.as_deref()), (count, Some("postgres")));
    assert!(known.last.is_some_and(|last| last >= before), "{known:?} {before}");
}
