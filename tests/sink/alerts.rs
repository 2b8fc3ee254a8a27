//! The verdicts of a moment, as text and as JSON, on a calm server and on one that is not.

use std::io::Write as _;

use pgmon_lab::{PATIENCE, Result, scene, wait_until};
use rstest::rstest;
use serde_json::Value;

use crate::{run, run_with, server, sessions};

const NOW: &str = "SELECT extract(epoch FROM clock_timestamp())::float8";

/// A configuration file with these lines.
fn config(lines: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(lines.as_bytes()).unwrap();
    file
}

fn alerts(verdicts: &Value) -> &Vec<Value> {
    verdicts["alerts"].as_array().unwrap()
}

#[rstest]
#[tokio::test]
async fn a_calm_server_is_ok(#[values(12, 18)] major: u32) -> Result<()> {
    let cluster = server(major).role("mon LOGIN IN ROLE pg_monitor").start().await?;
    let observer = cluster.client().await?;
    let said = run("alerts --once", &cluster, "mon", "postgres").await;
    assert_eq!(said.status, Some(0), "{} {}", said.out, said.err);
    let first = said.out.lines().next().unwrap();
    assert!(
        first.starts_with("OK: ") && first.contains(" | critical=0;;0 warning=0;0 "),
        "{first}"
    );
    let said = run("alerts --once --json", &cluster, "mon", "postgres").await;
    let verdicts = said.json();
    assert_eq!((&verdicts["version"], &verdicts["status"]), (&1.into(), &"OK".into()));
    assert_eq!(
        verdicts["server"]["version_num"].as_u64().unwrap() / 10_000,
        u64::from(major)
    );
    let now: f64 = observer.value(NOW).await?;
    let generated = verdicts["generated_at"].as_f64().unwrap();
    assert!(
        (now - generated).abs() < PATIENCE.as_secs_f64(),
        "{generated} is not now, {now}"
    );
    sessions(&observer, 0).await;
    Ok(())
}

/// Readers behind an ALTER behind somebody idle in transaction: one story, by the limits of the file warning or critical.
#[rstest]
#[tokio::test]
async fn a_lock_chain_counts_by_the_limits_of_the_file(#[values(12, 18)] major: u32) -> Result<()> {
    let cluster = server(major).role("mon LOGIN IN ROLE pg_monitor").start().await?;
    cluster.database("shop").await?;
    let scene = scene::queued_exclusive(&cluster, "shop", 3).await?;
    let root = scene.pid("root");
    let observer = cluster.client().await?;
    wait_until("everybody has waited for more than two seconds", PATIENCE, async || {
        observer
            .value("SELECT count(*) = 4 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query_start < clock_timestamp() - interval '2.5 s'")
            .await
    })
    .await;
    let file = config("[alerts]\nblocked_warn_s = 1\nblocked_crit_s = 3600\n");
    let said = run_with(file.path(), "alerts --once", &cluster, "mon", "shop").await;
    assert_eq!(said.status, Some(1), "{} {}", said.out, said.err);
    let first = said.out.lines().next().unwrap();
    let found = first.starts_with("WARNING: 1 warning of ") && first.contains("4 sessions wait behind");
    assert!(found, "{first}");
    let end = format!("pg_terminate_backend({root}");
    assert!(said.out.contains(&end), "{}", said.out);

    let now: f64 = observer.value(NOW).await?;
    let file = config("[alerts]\nblocked_warn_s = 1\nblocked_crit_s = 2\n");
    let said = run_with(file.path(), "alerts --once --json", &cluster, "mon", "shop").await;
    assert_eq!(said.status, Some(2), "{} {}", said.out, said.err);
    let verdicts = said.json();
    assert!(
        verdicts["summary"]
            .as_str()
            .unwrap()
            .starts_with("CRITICAL: 1 critical of "),
        "{verdicts}"
    );
    let blocked = alerts(&verdicts).iter().find(|alert| alert["id"] == "blocked").unwrap();
    assert_eq!(blocked["severity"], "critical");
    assert_eq!(blocked["victims"], 4);
    assert_eq!(blocked["jump"]["pane"], "locks");
    assert_eq!(blocked["jump"]["row"]["kind"], "backend");
    assert_eq!(blocked["jump"]["row"]["id"]["pid"], root);
    let since = blocked["since"].as_f64().unwrap();
    // Until 13 the server does not say since when somebody waits.
    let latest = if major >= 14 {
        now
    } else {
        verdicts["generated_at"].as_f64().unwrap()
    };
    assert!(since < latest, "it began before anybody looked: {since}, {latest}");
    scene.end().await?;
    let said = run_with(file.path(), "alerts --once", &cluster, "mon", "shop").await;
    assert_eq!(said.status, Some(0), "{} {}", said.out, said.err);
    sessions(&observer, 0).await;
    Ok(())
}

/// What a rule wants to see for two minutes counts when it is so both times, and is said to be of now.
#[tokio::test]
async fn what_should_last_counts_when_it_was_seen_twice() -> Result<()> {
    let cluster = server(18)
        .conf("max_connections", "20")
        .role("mon LOGIN IN ROLE pg_monitor")
        .role("app LOGIN")
        .start()
        .await?;
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(cluster.client_as("app", "postgres").await?);
    }
    let file = config("[alerts]\nconnections_warn = 0.4\nconnections_crit = 1\nconnections_for_s = 600\n");
    let said = run_with(file.path(), "alerts --once", &cluster, "mon", "postgres").await;
    assert_eq!(said.status, Some(1), "{} {}", said.out, said.err);
    assert!(said.out.contains("now; the rule wants 10m"), "{}", said.out);
    let said = run_with(file.path(), "alerts --once --json", &cluster, "mon", "postgres").await;
    let verdicts = said.json();
    let full = alerts(&verdicts)
        .iter()
        .find(|alert| alert["id"] == "connections")
        .unwrap();
    assert_eq!(full["wants_s"], 600.0);
    assert!(full["reach"]["warning"].as_f64().unwrap() >= 1.0, "{full}");
    drop(held);
    Ok(())
}

/// Nothing can be checked: that is no all-clear.
#[tokio::test]
async fn a_role_that_may_write_is_not_known() -> Result<()> {
    let cluster = server(18).start().await?;
    let said = run("alerts --once", &cluster, "postgres", "postgres").await;
    assert_eq!(said.status, Some(3), "{}", said.out);
    assert!(
        said.out.starts_with("UNKNOWN: ") && said.out.contains("--allow-privileged-role"),
        "{}",
        said.out
    );
    let said = run(
        "alerts --once --allow-privileged-role",
        &cluster,
        "postgres",
        "postgres",
    )
    .await;
    assert_eq!(said.status, Some(0), "{}", said.out);
    Ok(())
}

/// Literals of others' statements are in no output, by the defaults and with a configuration that shows them on the screen.
#[tokio::test]
async fn literals_stay_where_they_are() -> Result<()> {
    const SECRET: &str = "swordfish";
    let cluster = server(18).role("mon LOGIN IN ROLE pg_monitor").start().await?;
    cluster.database("shop").await?;
    let mut scene = scene::Scene::open(&cluster, "shop").await?;
    scene
        .admin()
        .simple("CREATE TABLE users (id int PRIMARY KEY, pass text); INSERT INTO users VALUES (1)")
        .await?;
    let change = format!("UPDATE users SET pass = '{SECRET}' WHERE id = 1");
    scene.session("root").await?.simple(&format!("BEGIN; {change}")).await?;
    scene.waiting("waiter", &change).await?;
    let observer = cluster.client().await?;
    wait_until("it has waited for more than a second", PATIENCE, async || {
        observer
            .value("SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query_start < clock_timestamp() - interval '1.5 s'")
            .await
    })
    .await;
    let file = config("[alerts]\nblocked_warn_s = 1\n[security]\nredact_sql_text = false\n");
    for form in ["alerts --once", "alerts --once --json"] {
        let said = run_with(file.path(), form, &cluster, "mon", "shop").await;
        assert_eq!(said.status, Some(1), "{} {}", said.out, said.err);
        assert!(!said.out.contains(SECRET), "{}", said.out);
    }
    scene.end().await
}
