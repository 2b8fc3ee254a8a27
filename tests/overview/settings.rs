//! Dangerous settings: each is put into force on a server, seen by those who may, and gone when its remedy was typed.

use pgmon_lab::{Client, Cluster, wait_until};
use pgmon_tui::model::dangers::{Danger, Kind, dangers};
use pgmon_tui::probe::settings::{ServerSettings, SettingsProbe};
use rstest::rstest;

use crate::{Eye, PATIENCE, cluster};

/// Those that a reload puts into force or takes back, with their dangerous value.
const RELOADED: &[(&str, &str)] = &[
    ("autovacuum", "off"),
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("ignore_checksum_failure", "on"),
    ("session_replication_role", "replica"),
    ("synchronous_commit", "off"),
    ("track_activities", "off"),
    ("track_counts", "off"),
    ("zero_damaged_pages", "on"),
];

/// What the lab's servers do without.
const SAFE: &[(&str, &str)] = &[
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("synchronous_commit", "on"),
];

const ROLES: [&str; 3] = ["postgres", "mon", "app"];

/// What is found by a new session of that role: settings of sessions hold for new ones.
async fn found(cluster: &Cluster, role: &str) -> (ServerSettings, Vec<Danger>) {
    let mut eye = Eye::open(cluster, role, "postgres").await;
    let settings = eye.ask::<SettingsProbe>().await.clone();
    let dangers = dangers(&settings, false);
    (settings, dangers)
}

fn names(dangers: &[Danger], kind: Kind) -> Vec<&str> {
    let mut names: Vec<_> = dangers
        .iter()
        .filter(|danger| danger.kind == kind)
        .map(|danger| danger.name.as_str())
        .collect();
    names.sort_unstable();
    names
}

/// Types a remedy as psql would.
async fn typed(client: &Client, remedy: &str) {
    for line in remedy.lines().filter(|line| !line.starts_with("--")) {
        client.simple(line).await.unwrap();
    }
}

/// Waits until a new session of that role finds what it should: a reload reaches every process by and by.
async fn until(cluster: &Cluster, role: &str, expected: &[&str], kind: Kind) {
    wait_until(&format!("{role} finds {expected:?}"), PATIENCE, async || {
        Ok(names(&found(cluster, role).await.1, kind) == expected)
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn every_dangerous_value_is_seen_by_all_and_its_remedy_mends_it(#[values(12, 14, 18)] major: u32) {
    let cluster = cluster(major, SAFE).await;
    let client = cluster.client().await.unwrap();
    for role in ROLES {
        let (settings, dangers) = found(&cluster, role).await;
        assert_eq!(dangers, [], "{role} on {major}");
        assert_eq!(
            settings.get("shared_preload_libraries").is_some(),
            role != "app",
            "{role} on {major}"
        );
        let connections: f64 = client
            .value("SELECT current_setting('max_connections')::float8")
            .await
            .unwrap();
        assert_eq!(settings.number("max_connections"), Some(connections));
        let loaded: f64 = client
            .value("SELECT extract(epoch FROM pg_conf_load_time())::float8")
            .await
            .unwrap();
        assert!((settings.loaded - loaded).abs() < 60.0 && settings.epoch >= settings.loaded);
    }
    for (name, value) in RELOADED {
        client
            .simple(&format!("ALTER SYSTEM SET {name} = '{value}'"))
            .await
            .unwrap();
    }
    client.simple("SELECT pg_reload_conf()").await.unwrap();
    let all: Vec<_> = RELOADED.iter().map(|(name, _)| *name).collect();
    for role in ROLES {
        until(&cluster, role, &all, Kind::Value).await;
    }
    for danger in found(&cluster, "app").await.1 {
        typed(&client, &danger.remedy).await;
    }
    for role in ROLES {
        until(&cluster, role, &[], Kind::Value).await;
    }
}

#[rstest]
#[tokio::test]
async fn what_waits_for_a_restart_is_seen_until_it_is_taken_back(#[values(12, 14, 18)] major: u32) {
    let cluster = cluster(major, SAFE).await;
    let client = cluster.client().await.unwrap();
    client.simple("ALTER SYSTEM SET max_connections = 77").await.unwrap();
    client
        .simple("ALTER SYSTEM SET shared_preload_libraries = 'password=secret'")
        .await
        .unwrap();
    client.simple("SELECT pg_reload_conf()").await.unwrap();
    until(&cluster, "app", &["max_connections"], Kind::PendingRestart).await;
    for role in ["postgres", "mon"] {
        until(
            &cluster,
            role,
            &["max_connections", "shared_preload_libraries"],
            Kind::PendingRestart,
        )
        .await;
    }
    let (settings, dangers) = found(&cluster, "mon").await;
    let now: String = client.value("SELECT current_setting('max_connections')").await.unwrap();
    assert_eq!(
        settings.get("max_connections").unwrap().value.as_deref(),
        Some(now.as_str())
    );
    let danger = dangers.iter().find(|danger| danger.name == "max_connections").unwrap();
    assert!(
        danger.says.contains(&format!("is {now} until the server is restarted")),
        "{}",
        danger.says
    );
    let statement = danger.remedy.lines().next().unwrap();
    let files = client.texts(statement).await.unwrap();
    assert!(
        files.iter().flatten().flatten().any(|text| text == "77"),
        "{statement} tells where it is set: {files:?}"
    );
    client.simple("ALTER SYSTEM RESET ALL").await.unwrap();
    client.simple("SELECT pg_reload_conf()").await.unwrap();
    for role in ROLES {
        until(&cluster, role, &[], Kind::PendingRestart).await;
    }
}

#[rstest]
#[tokio::test]
async fn what_roles_and_databases_were_given_is_seen_by_all(#[values(12, 13, 14, 15, 16, 17, 18)] major: u32) {
    let cluster = cluster(major, SAFE).await;
    let client = cluster.client().await.unwrap();
    client.simple("CREATE ROLE \"Load\" LOGIN").await.unwrap();
    client.simple("CREATE DATABASE shop").await.unwrap();
    for sql in [
        "ALTER ROLE \"Load\" SET session_replication_role = replica",
        "ALTER ROLE \"Load\" SET work_mem = '1GB'",
        "ALTER DATABASE shop SET TRACK_COUNTS = off",
        "ALTER ROLE app IN DATABASE shop SET track_activities = false",
        "ALTER ROLE ALL SET zero_damaged_pages = on",
        "ALTER DATABASE shop SET zero_damaged_pages = off",
        "ALTER ROLE app SET synchronous_commit = off",
    ] {
        client.simple(sql).await.unwrap();
    }
    let expected = [
        ("session_replication_role", "role \"Load\""),
        ("synchronous_commit", "role app"),
        ("track_activities", "role app in database shop"),
        ("track_counts", "database shop"),
        ("zero_damaged_pages", "all roles"),
    ];
    for role in ROLES {
        let (_, dangers) = found(&cluster, role).await;
        let overrides = dangers.iter().filter(|danger| danger.kind == Kind::Override);
        let mut told: Vec<_> = overrides
            .map(|danger| (danger.name.as_str(), danger.scope.as_deref().unwrap()))
            .collect();
        told.sort_unstable();
        assert_eq!(told, expected, "{role} on {major}");
        let values = names(&dangers, Kind::Value);
        assert_eq!(
            values,
            [] as [&str; 0],
            "what our own role was given is not the server's: {role} on {major}"
        );
    }
    for danger in found(&cluster, "mon").await.1 {
        typed(&client, &danger.remedy).await;
    }
    assert_eq!(found(&cluster, "mon").await.1, []);
}
