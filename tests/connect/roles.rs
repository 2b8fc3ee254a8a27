//! Which roles count as able to write.

use pgmon_lab::Cluster;
use pgmon_tui::pg::privilege;
use rstest::rstest;

use crate::{session, to};

/// (role, whether it may write, words that must be in what is said about it)
const ROLES: &[(&str, bool, &str)] = &[
    ("postgres", true, "SUPERUSER"),
    ("mon", false, ""),
    ("plain", false, ""),
    ("maker", true, "CREATEDB"),
    ("chief", true, "CREATEROLE"),
    ("signaller", true, "pg_signal_backend"),
    ("program", true, "pg_execute_server_program"),
    ("owner", true, "owns an object in database postgres"),
    ("elsewhere", true, "owns an object in database other"),
    ("writer", true, "INSERT, UPDATE on public.t"),
    ("member", true, "INSERT, UPDATE on public.t"),
    ("distant", true, "INSERT, UPDATE on public.t"),
    ("columns", true, "UPDATE on column id of public.t"),
    ("reader", false, ""),
    ("creator", true, "may create objects in the schema shop"),
    ("founder", true, "may create schemas in the database postgres"),
];

#[rstest]
#[tokio::test]
async fn what_each_role_could_write(#[values(12, 15, 18)] major: u32) {
    let cluster = Cluster::builder(major)
        .sql("CREATE TABLE t (id int)")
        .sql("CREATE SCHEMA shop")
        .sql("CREATE DATABASE other")
        .role("mon LOGIN IN ROLE pg_monitor")
        .role("plain LOGIN")
        .role("maker LOGIN CREATEDB")
        .role("chief LOGIN CREATEROLE")
        .role("signaller LOGIN IN ROLE pg_signal_backend")
        .role("program LOGIN IN ROLE pg_execute_server_program")
        .role("owner LOGIN")
        .role("elsewhere LOGIN")
        .role("writer LOGIN")
        .role("member LOGIN NOINHERIT IN ROLE writer")
        .role("distant LOGIN IN ROLE member")
        .role("columns LOGIN")
        .role("reader LOGIN")
        .role("creator LOGIN")
        .role("founder LOGIN")
        .sql("CREATE TABLE mine (); ALTER TABLE mine OWNER TO owner")
        .sql("GRANT INSERT, UPDATE ON t TO writer")
        .sql("GRANT UPDATE (id) ON t TO columns")
        .sql("GRANT SELECT ON t TO reader")
        .sql("GRANT CREATE ON SCHEMA shop TO creator")
        .sql("GRANT CREATE ON DATABASE postgres TO founder")
        .start()
        .await
        .unwrap();
    let other = cluster.client_as("postgres", "other").await.unwrap();
    other
        .simple("CREATE TABLE far (); ALTER TABLE far OWNER TO elsewhere")
        .await
        .unwrap();

    for (role, may_write, words) in ROLES {
        let found = session(&to(&cluster, role)).await.privileges().await.unwrap();
        let said = found.sentences().join("\n");
        assert_eq!(found.may_write(), *may_write, "{role}: {said}");
        assert!(said.contains(words), "{role}: {said}");
        // Every role may create tables in public before 15: a warning, no reason to refuse.
        let warned = found
            .warnings()
            .iter()
            .any(|warning| warning.contains("the schema public"));
        assert_eq!(warned, major < 15, "{role}: {:?}", found.warnings());
    }

    // A grant to PUBLIC makes writers of them all, and is said to be everybody's.
    let client = cluster.client().await.unwrap();
    client.simple("GRANT DELETE ON t TO PUBLIC").await.unwrap();
    let found = session(&to(&cluster, "mon")).await.privileges().await.unwrap();
    assert_eq!(found.sentences(), ["Every role has DELETE on public.t."]);
}

/// The statements shown to somebody who connects as a superuser do make a role that passes.
#[rstest]
#[tokio::test]
async fn the_advice_makes_a_role_that_only_reads(#[values(12, 18)] major: u32) {
    let cluster = Cluster::builder(major).start().await.unwrap();
    let client = cluster.client().await.unwrap();
    for statement in privilege::advice("Monitor Me") {
        client.simple(&statement).await.unwrap();
    }
    let mut session = session(&to(&cluster, "Monitor Me")).await;
    assert!(session.server().reads_all_stats);
    assert!(!session.privileges().await.unwrap().may_write());
}
