//! Settings that endanger what is stored, and what has been damaged.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;

use pgmon_lab::{Cluster, Stop};
use pgmon_tui::model::concern::Severity;
use rstest::rstest;

use crate::eye::Eye;
use crate::work::paste;

#[rstest]
#[tokio::test]
async fn dangerous_settings_are_found_and_mended_by_what_is_offered(#[values(12, 14, 18)] major: u32) {
    let cluster = Cluster::builder(major)
        .conf("fsync", "on")
        .conf("full_page_writes", "on")
        .role("mon LOGIN IN ROLE pg_monitor")
        .role("\"odd role\" LOGIN")
        .role("app LOGIN")
        .start()
        .await
        .unwrap();
    let client = cluster.client().await.unwrap();
    for role in ["mon", "app"] {
        let mut eye = Eye::open(&cluster, role, "postgres", |_| ()).await;
        eye.look("settings").await;
        assert!(
            eye.raised("settings").is_empty(),
            "{role}: {:#?}",
            eye.raised("settings")
        );
    }
    let mut eye = Eye::open(&cluster, "mon", "postgres", |_| ()).await;
    for setting in [
        "fsync = off",
        "autovacuum = off",
        "track_counts = off",
        "max_connections = 77",
    ] {
        client.simple(&format!("ALTER SYSTEM SET {setting}")).await.unwrap();
    }
    client
        .simple("ALTER ROLE \"odd role\" SET zero_damaged_pages = on")
        .await
        .unwrap();
    client.simple("SELECT pg_reload_conf()").await.unwrap();
    let raised = eye.until("settings", "five findings", |alerts| alerts.len() == 5).await;
    let mut found: Vec<_> = raised
        .iter()
        .map(|alert| (alert.severity().unwrap(), alert.finding.sentence.as_str()))
        .collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            (Severity::Notice, "max_connections is 100 until the server is restarted"),
            (Severity::Warning, "autovacuum is off"),
            (Severity::Warning, "track_counts is off"),
            (Severity::Critical, "fsync is off"),
            (Severity::Critical, "zero_damaged_pages is on for role \"odd role\""),
        ]
    );
    for alert in &raised {
        paste(&client, &alert.finding.remedies[0].text).await;
    }
    eye.until("settings", "the notice alone", |alerts| alerts.len() == 1)
        .await;
    cluster.restart().await.unwrap();
    let mut eye = Eye::open(&cluster, "mon", "postgres", |_| ()).await;
    eye.until_calm("settings").await;
}

#[rstest]
#[tokio::test]
async fn a_damaged_page_is_critical_until_it_is_forgotten(#[values(12, 18)] major: u32) {
    let cluster = Cluster::builder(major)
        .checksums()
        // An ANALYZE by autovacuum would read the damaged page once more.
        .conf("autovacuum", "off")
        .sql("CREATE DATABASE shop")
        .start()
        .await
        .unwrap();
    let client = cluster.client_as("postgres", "shop").await.unwrap();
    client
        .simple("CREATE TABLE hurt AS SELECT g FROM generate_series(1, 1000) g")
        .await
        .unwrap();
    let path: String = client.value("SELECT pg_relation_filepath('hurt')").await.unwrap();
    drop(client);
    let mut eye = Eye::open(&cluster, "postgres", "postgres", |_| ()).await;
    eye.look("checksums").await;
    assert!(eye.raised("checksums").is_empty());
    cluster.stop(Stop::Fast).await.unwrap();
    let file = OpenOptions::new()
        .write(true)
        .open(cluster.data_dir().join(path))
        .unwrap();
    file.write_at(b"damage", 8000).unwrap();
    cluster.start_again().await.unwrap();
    let client = cluster.client_as("postgres", "shop").await.unwrap();
    assert!(client.rows("SELECT * FROM hurt").await.is_err(), "the page is damaged");
    let mut eye = Eye::open(&cluster, "postgres", "postgres", |_| ()).await;
    let raised = eye.until_raised("checksums", Severity::Critical).await;
    let finding = &raised[0].finding;
    let count: i64 = client
        .value("SELECT checksum_failures FROM pg_stat_database WHERE datname = 'shop'")
        .await
        .unwrap();
    let expected = format!(
        "{count} wrong checksum{} counted in database shop, the last ",
        if count == 1 { "" } else { "s" }
    );
    assert!(finding.sentence.starts_with(&expected), "{finding:#?}");
    assert!(
        cluster.log().contains("page verification failed"),
        "what the advice says to look for"
    );
    paste(&client, &finding.remedies[1].text).await;
    eye.until_calm("checksums").await;
}

#[tokio::test]
async fn without_checksums_it_is_said_that_nobody_would_notice() {
    let cluster = Cluster::builder(12).start().await.unwrap();
    let mut eye = Eye::open(&cluster, "postgres", "postgres", |_| ()).await;
    eye.look("checksums").await;
    let unchecked: Vec<_> = eye.world.alerts.unchecked(&eye.world).collect();
    let one = unchecked.iter().find(|one| one.rule.id == "checksums").unwrap();
    assert!(one.blind.why.starts_with("data checksums are off"), "{one:?}");
}
