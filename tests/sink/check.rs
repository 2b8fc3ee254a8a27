//! The doctor's advice is taken: afterwards the point it was about is well.

use std::collections::BTreeSet;

use pgmon_lab::{Cluster, PATIENCE, Pooler, Result, wait_until};
use rstest::rstest;
use serde_json::Value;

use crate::{Said, mend, program, run, sessions};

/// The points of a report that are not well: level, sentence, what to type.
fn points(report: &Value) -> Vec<(String, String, Vec<String>)> {
    let sections = report["sections"].as_array().unwrap();
    let points = sections
        .iter()
        .flat_map(|section| section["points"].as_array().unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    points
        .filter(|point| point["level"] != "ok")
        .map(|point| {
            let remedies = point["remedies"].as_array().map(|all| all.iter().map(text).collect());
            (
                text(&point["level"]),
                text(&point["sentence"]),
                remedies.unwrap_or_default(),
            )
        })
        .collect()
}

/// A role with nothing, in a database with nothing: what is said is done until nothing is left to do.
#[rstest]
#[tokio::test]
async fn what_is_said_helps_when_it_is_done(#[values(12, 13, 18)] major: u32) -> Result<()> {
    let cluster = Cluster::builder(major)
        .conf("track_io_timing", "off")
        .conf("track_activities", "off")
        .role("\"Plain One\" LOGIN")
        .start()
        .await?;
    cluster.database("bare").await?;
    let admin = cluster.client_as("postgres", "bare").await?;
    admin
        .simple("CREATE SCHEMA \"My Shop\"; CREATE SEQUENCE \"My Shop\".tickets")
        .await?;

    let said = run("check --json", &cluster, "Plain One", "bare").await;
    assert_eq!(said.status, Some(1), "{} {}", said.out, said.err);
    let report = said.json();
    assert_eq!((&report["version"], &report["status"]), (&1.into(), &"limited".into()));
    let points = points(&report);
    let limited: Vec<_> = points.iter().filter(|(level, ..)| level == "limited").collect();
    for (_, sentence, remedies) in &limited {
        assert!(!remedies.is_empty(), "nothing to type for: {sentence}");
    }
    // Role, pg_stat_statements twice, six panes by pg_monitor, and the sequence.
    let sentences: Vec<&str> = limited.iter().map(|(_, sentence, _)| sentence.as_str()).collect();
    for pane in [
        "Overview",
        "Activity",
        "Locks",
        "Queries",
        "Vacuum",
        "Storage",
        "Replication",
        "Wraparound",
    ] {
        let told = |sentence: &&str| sentence.starts_with(&format!("{pane}: "));
        assert!(sentences.iter().any(told), "{pane} is missing in {sentences:?}");
    }

    // What mends several things is typed once.
    let remedies: BTreeSet<&String> = points.iter().flat_map(|(_, _, remedies)| remedies).collect();
    mend(&cluster, "bare", remedies).await?;
    wait_until("new sessions have the settings", PATIENCE, async || {
        let session = cluster.client_as("postgres", "bare").await?;
        let on: bool = session.value("SELECT current_setting('track_io_timing')::bool").await?;
        Ok(on)
    })
    .await;
    let after = run("check --json", &cluster, "Plain One", "bare").await;
    let left = self::points(&after.json());
    assert_eq!(after.status, Some(0), "{left:?}");
    let on: String = admin.value("SHOW track_activities").await?;
    assert_eq!(on, "on", "the last thing said was about something that is so");
    // What only another program's package brings.
    let left: Vec<&str> = left.iter().map(|(_, sentence, _)| sentence.as_str()).collect();
    assert!(
        left.iter().all(|sentence| sentence.starts_with("pg_stat_monitor ")),
        "{left:?}"
    );
    sessions(&admin, 0).await;
    Ok(())
}

/// A role that could write is not used: it is told so, and how to make another.
#[rstest]
#[tokio::test]
async fn a_role_that_may_write_is_not_used_unasked(#[values(12, 18)] major: u32) -> Result<()> {
    let cluster = Cluster::builder(major).start().await?;
    let said = run("check --json", &cluster, "postgres", "postgres").await;
    assert_eq!(said.status, Some(2), "{}", said.out);
    let report = said.json();
    assert_eq!(report["status"], "unusable");
    let points = points(&report);
    let (_, sentence, remedies) = points.iter().find(|(level, ..)| level == "unusable").unwrap();
    assert!(
        sentence.contains("SUPERUSER") && sentence.contains("--allow-privileged-role"),
        "{sentence}"
    );

    let allowed = run("check --json --allow-privileged-role", &cluster, "postgres", "postgres").await;
    assert_eq!(allowed.status, Some(0), "{}", allowed.out);
    mend(&cluster, "postgres", remedies).await?;
    let after = run("check", &cluster, "pgmon", "postgres").await;
    assert_eq!(after.status, Some(0), "{} {}", after.out, after.err);
    assert!(
        after.out.starts_with("ok: All 9 panes show everything.\n"),
        "{}",
        after.out
    );
    Ok(())
}

/// An extension in a schema that is closed to the role.
#[tokio::test]
async fn a_schema_that_is_closed_is_opened() -> Result<()> {
    let cluster = Cluster::builder(18)
        .role("mon LOGIN IN ROLE pg_monitor")
        .start()
        .await?;
    cluster.database("shut").await?;
    let admin = cluster.client_as("postgres", "shut").await?;
    admin
        .simple("CREATE SCHEMA \"Ext\"; CREATE EXTENSION pg_stat_statements SCHEMA \"Ext\"")
        .await?;
    let said = run("check --json", &cluster, "mon", "shut").await;
    assert_eq!(said.status, Some(1), "{}", said.out);
    let points = points(&said.json());
    let (_, sentence, remedies) = points.iter().find(|(level, ..)| level == "limited").unwrap();
    assert!(sentence.starts_with("Queries: "), "{sentence}");
    assert_eq!(remedies, &["GRANT USAGE ON SCHEMA \"Ext\" TO mon;"]);
    mend(&cluster, "shut", remedies).await?;
    let after = run("check", &cluster, "mon", "shut").await;
    assert_eq!(after.status, Some(0), "{}", after.out);
    Ok(())
}

/// Text for people: 80 columns but for statements, nothing but ASCII where nothing else can be shown, no colours in a
/// pipe, and names that cannot drive a terminal.
#[tokio::test]
async fn it_reads_well_and_names_are_harmless() -> Result<()> {
    let name = "e\u{1b}[31mvil";
    let cluster = Cluster::builder(18).role(&format!("\"{name}\" LOGIN")).start().await?;
    for ascii in ["check", "check --ascii"] {
        let said = run(ascii, &cluster, name, "postgres").await;
        assert_eq!(said.status, Some(1), "{} {}", said.out, said.err);
        assert!(
            said.out.contains("vil") && !said.out.contains('\u{1b}'),
            "{:?}",
            said.out
        );
        assert_eq!(said.out.is_ascii(), ascii.contains("--ascii"), "{:?}", said.out);
        let statement = |line: &str| line.starts_with("      ");
        for line in said.out.lines().filter(|line| !statement(line)) {
            assert!(line.chars().count() <= 80, "{line:?}");
        }
    }
    Ok(())
}

/// On a standby it says where the statements go.
#[tokio::test]
async fn a_standby_is_told_from_its_primary() -> Result<()> {
    let primary = Cluster::builder(18)
        .role("mon LOGIN IN ROLE pg_monitor")
        .start()
        .await?;
    let standby = primary.standby("one", &[]).await?;
    let said = run("check", &standby, "mon", "postgres").await;
    assert_eq!(said.status, Some(0), "{}", said.out);
    assert!(said.out.contains("It is a standby"), "{}", said.out);
    let said = run("check", &primary, "mon", "postgres").await;
    assert!(!said.out.contains("It is a standby"), "{}", said.out);
    Ok(())
}

/// Behind a pooler everything is asked as well, and nothing is left in the session that others go on with.
#[tokio::test]
async fn a_pooler_is_no_obstacle() -> Result<()> {
    let cluster = Cluster::builder(18)
        .role("mon LOGIN IN ROLE pg_monitor")
        .start()
        .await?;
    let pooler = Pooler::start(&cluster, "transaction", &["default_pool_size = 2"]).await?;
    let place = pooler.conninfo("mon", "postgres");
    for command in [&["check"][..], &["alerts", "--once"]] {
        let words: Vec<&str> = command.iter().copied().chain([place.as_str()]).collect();
        let said = Said::of(program(&words).output().await.unwrap());
        assert_eq!(said.err, "", "{}", said.out);
        if command.len() == 1 {
            assert_eq!(said.status, Some(0), "{}", said.out);
            assert!(
                said.out.contains("There is a transaction pooler before it"),
                "{}",
                said.out
            );
        } else {
            assert!(!said.out.starts_with("UNKNOWN"), "{}", said.out);
        }
    }
    let client = pooler.client_as("mon", "postgres").await?;
    let read_only: String = client
        .value("SELECT current_setting('default_transaction_read_only')")
        .await?;
    assert_eq!(read_only, "off");
    Ok(())
}
