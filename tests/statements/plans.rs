//! The generic plan: planned and never run, by whom it may, and shown as it ran.

use std::sync::Arc;

use pgmon_lab::{Client, Cluster, Result};
use pgmon_tui::pg::explain;
use pgmon_tui::pg::fault::FaultKind;
use pgmon_tui::probe::statement_plan::StatementPlan;
use pgmon_tui::probe::statement_texts::{StatementTexts, Text, Texts};
use pgmon_tui::probe::{Data, Demand, Probe as _, Ran, Sample, Wanted};

use crate::eye::Eye;
use crate::growth::query_id;

async fn cluster(major: u32) -> Result<(Cluster, Client)> {
    let cluster = Cluster::builder(major)
        .conf("log_statement", "all")
        .role("reader LOGIN IN ROLE pg_monitor, pg_read_all_data")
        .role("monitor LOGIN IN ROLE pg_monitor")
        .role("\"App\" LOGIN")
        .sql("CREATE SCHEMA own; ALTER ROLE \"App\" SET search_path = own, \"$user\"")
        .sql("CREATE TABLE own.plan_t (id int PRIMARY KEY, v text); CREATE TABLE public.elsewhere (id int)")
        .sql("GRANT USAGE ON SCHEMA own TO \"App\"; GRANT ALL ON own.plan_t TO \"App\"")
        .start()
        .await?;
    let client = cluster.client().await?;
    Ok((cluster, client))
}

/// The page of that statement is open, its text is known, and the user asks for its plan.
async fn demand(eye: &mut Eye, query: i64, nth: u32) {
    eye.read().await;
    let key = eye.entry(query).unwrap().key;
    eye.focus.subject = Some(key.into());
    if eye
        .world
        .get::<StatementTexts>()
        .is_none_or(|texts| !texts.knows(query))
    {
        eye.texts(&[query]).await.unwrap();
    }
    eye.focus.demand = Some(Demand {
        probe: StatementPlan::SPEC.id,
        nth,
    });
    assert_eq!(eye.wanted::<StatementPlan>(), Wanted::Yes);
}

/// Another text in the place of the statement's own.
fn forge(eye: &mut Eye, query: i64, text: &str) {
    let mut texts = Texts::default();
    let text = Text {
        text: text.into(),
        cut: false,
    };
    texts.insert(query, Some(text));
    let data: Data = Arc::new(texts);
    let ran = Ran::of(&StatementTexts::SPEC, eye.server());
    eye.world.take(&Arc::new(Sample { ran, data: Some(data) }));
}

async fn planned(major: u32) -> Result<()> {
    let (cluster, client) = cluster(major).await?;
    let app = cluster.client_as("\"App\"", "postgres").await;
    let app = match app {
        Ok(app) => app,
        Err(_) => cluster.client_as("App", "postgres").await?,
    };
    app.simple("SELECT v AS read_marker FROM plan_t WHERE id = 5").await?;
    app.simple("DELETE FROM plan_t WHERE v = 'delete_marker' OR id = 7")
        .await?;
    let read = query_id(&client, "read_marker").await;
    let delete = query_id(&client, "DELETE FROM plan_t").await;

    let mut eye = Eye::open(&cluster, "reader", "postgres").await;
    demand(&mut eye, read, 1).await;
    let sample = eye.sample::<StatementPlan>().await;
    let plan = eye.world.get::<StatementPlan>().cloned().unwrap_or_default();
    assert!(sample.ran.fault.is_none(), "{:?}", sample.ran.fault);
    let text = plan.join("\n");
    assert!(
        text.contains("plan_t") && text.contains("(id = $1)") && text.contains("cost="),
        "{text}"
    );
    assert_eq!(eye.wanted::<StatementPlan>(), Wanted::Keep, "once");
    // What is shown is what the server logged.
    let log = cluster.log();
    for piece in sample.ran.sql.split(";\n\n") {
        let logged = piece.lines().all(|line| log.contains(line.trim_start()));
        assert!(logged, "{piece}\nis not in the log:\n{log}");
    }
    let shown = &sample.ran.sql;
    assert!(
        shown.contains("BEGIN READ ONLY") && shown.ends_with("ROLLBACK"),
        "{shown}"
    );
    assert!(
        shown.contains("set_config('search_path', 'own, \"App\"', true)"),
        "{shown}"
    );

    // Reading everything is not enough to plan what writes.
    demand(&mut eye, delete, 2).await;
    let fault = eye.try_ask::<StatementPlan>().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Denied, "{fault}");
    client
        .simple("GRANT DELETE ON own.plan_t TO reader; GRANT USAGE ON SCHEMA own TO monitor")
        .await?;
    client
        .simple("INSERT INTO own.plan_t VALUES (7, 'x'), (8, 'y')")
        .await?;
    demand(&mut eye, delete, 3).await;
    let plan = eye.ask::<StatementPlan>().await.join("\n");
    assert!(plan.starts_with("Delete on"), "{plan}");
    let rows: i64 = client.value("SELECT count(*) FROM own.plan_t").await?;
    assert_eq!(rows, 2, "nothing was run");

    nothing_else_gets_through(&mut eye, &client, read).await?;
    denied(&cluster, &client, read).await
}

/// Whatever the text says: one statement, behind EXPLAIN, in a transaction that cannot write.
async fn nothing_else_gets_through(eye: &mut Eye, client: &Client, query: i64) -> Result<()> {
    for (nth, text) in (10..).zip([
        "select 1; delete from own.plan_t",
        "select 1; commit; delete from own.plan_t",
        "(select 1) ; rollback; begin; delete from own.plan_t; commit",
    ]) {
        demand(eye, query, nth).await;
        forge(eye, query, text);
        let fault = eye.try_ask::<StatementPlan>().await.unwrap_err();
        assert!(fault.sqlstate.as_deref() == Some("42601"), "{fault}");
    }
    for (nth, text) in (20..).zip(["vacuum own.plan_t", "analyze select 1", "delete_all()"]) {
        demand(eye, query, nth).await;
        forge(eye, query, text);
        let fault = eye.try_ask::<StatementPlan>().await.unwrap_err();
        assert!(fault.sentence.contains("this is none of them"), "{fault}");
    }
    let rows: i64 = client.value("SELECT count(*) FROM own.plan_t").await?;
    assert_eq!(rows, 2);
    // The session is what it was: read-only, with its own search_path, out of any transaction.
    forge(eye, query, "select $1::int as fine");
    demand(eye, query, 30).await;
    let sample = eye.sample::<StatementPlan>().await;
    assert_eq!(
        sample.ran.sql.matches("EXPLAIN (GENERIC_PLAN)").count(),
        2,
        "{}",
        sample.ran.sql
    );
    forge(eye, query, "select 1 as without_parameters");
    demand(eye, query, 31).await;
    let sample = eye.sample::<StatementPlan>().await;
    assert_eq!(sample.ran.fault, None);
    assert_eq!(
        sample.ran.sql.matches("EXPLAIN (GENERIC_PLAN)").count(),
        1,
        "{}",
        sample.ran.sql
    );
    eye.read().await;
    Ok(())
}

async fn denied(cluster: &Cluster, client: &Client, query: i64) -> Result<()> {
    let mut monitor = Eye::open(cluster, "monitor", "postgres").await;
    demand(&mut monitor, query, 1).await;
    let fault = monitor.try_ask::<StatementPlan>().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Denied, "{fault}");
    assert_eq!(
        fault.remedy.as_deref(),
        Some("To plan what reads: GRANT pg_read_all_data TO monitor;")
    );
    client.simple("GRANT pg_read_all_data TO monitor").await?;
    demand(&mut monitor, query, 2).await;
    monitor.ask::<StatementPlan>().await;

    let mut superuser = Eye::open(cluster, "postgres", "postgres").await;
    demand(&mut superuser, query, 1).await;
    let fault = superuser.try_ask::<StatementPlan>().await.unwrap_err();
    assert!(fault.sentence.starts_with("Not as a superuser"), "{fault}");

    // A table that is gone.
    demand(&mut monitor, query, 3).await;
    client.simple("DROP TABLE own.plan_t").await?;
    let fault = monitor.try_ask::<StatementPlan>().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Undefined, "{fault}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_planned_and_nothing_runs() -> Result<()> {
    for major in [16, 18] {
        planned(major).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn before_16_there_is_no_generic_plan() -> Result<()> {
    let cluster = pgmon_lab::shared(15).await?;
    let eye = Eye::open(cluster, "postgres", "postgres").await;
    let why = explain::refusal(eye.server(), "select 1").unwrap();
    assert!(why.contains("needs PostgreSQL 16"), "{why}");
    let client = cluster.client().await?;
    let error = client.simple("EXPLAIN (GENERIC_PLAN) SELECT 1").await.unwrap_err();
    assert!(error.to_string().contains("unrecognized EXPLAIN option"), "{error}");
    Ok(())
}
