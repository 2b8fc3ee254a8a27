//! Texts of statements: fetched for what is in sight, and what happens when one of them is poison.

use pgmon_lab::{Client, Cluster, Result, shared};
use pgmon_tui::probe::Wanted;
use pgmon_tui::probe::activity::Activity;
use pgmon_tui::probe::statement_texts::StatementTexts;

use crate::eye::Eye;
use crate::growth::query_id;

#[tokio::test(flavor = "multi_thread")]
async fn texts_come_once_for_what_is_in_sight() -> Result<()> {
    for major in [12, 18] {
        let cluster = shared(major).await?;
        let client = cluster.client().await?;
        client.rows("SELECT 'a' AS text_one,\n  2 AS \"zwei ⏎\"").await?;
        client.rows("SELECT 1, 2, 3 AS text_two").await?;
        let (one, two) = (query_id(&client, "text_one").await, query_id(&client, "text_two").await);
        let mut eye = Eye::open(cluster, "postgres", "postgres").await;
        eye.extensions().await;
        assert!(
            matches!(eye.wanted::<StatementTexts>(), Wanted::No(_)),
            "nothing is in sight"
        );
        let nowhere = 4711;
        eye.texts(&[one, nowhere]).await.unwrap();
        let known = eye.world.get::<StatementTexts>().unwrap();
        let text = known.get(one).unwrap();
        assert_eq!(
            (text.text.as_ref(), text.cut),
            ("SELECT $1 AS text_one,\n  $2 AS \"zwei ⏎\"", false)
        );
        assert!(known.knows(nowhere) && known.get(nowhere).is_none());
        assert_eq!(eye.wanted::<StatementTexts>(), Wanted::Keep, "all of them are known");
        eye.focus.keys = vec![one, two];
        assert_eq!(eye.wanted::<StatementTexts>(), Wanted::Yes);
        let sample = eye.sample::<StatementTexts>().await;
        assert_eq!(
            sample.ran.params.first().unwrap().to_string(),
            format!("[{two}]"),
            "only what is missing"
        );
        let known = eye.world.get::<StatementTexts>().unwrap();
        assert!(known.get(one).is_some() && known.get(two).is_some());
    }
    Ok(())
}

/// A statement with a byte that is no UTF-8, in a database that does not care, counted beside all others.
async fn poison(cluster: &Cluster) -> Result<Client> {
    let admin = cluster.client().await?;
    admin
        .simple("CREATE DATABASE ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
        .await?;
    let client = cluster.client_as("postgres", "ascii").await?;
    client
        .simple("SET pg_stat_statements.track = 'all'; DO $do$ BEGIN EXECUTE 'SELECT 1 AS \"x' || chr(233) || '\"'; END $do$")
        .await?;
    Ok(admin)
}

async fn poisoned(major: u32) -> Result<()> {
    let cluster = Cluster::builder(major).start().await?;
    let admin = poison(&cluster).await?;
    let error = admin.rows("SELECT query FROM pg_stat_statements").await.unwrap_err();
    assert!(
        error.to_string().contains("invalid byte sequence"),
        "the scene is set: {error}"
    );

    let mut eye = Eye::open(&cluster, "postgres", "postgres").await;
    eye.read().await;
    let counted: i64 = admin.value("SELECT count(*) FROM pg_stat_statements(false)").await?;
    assert!(eye.read().await.all >= counted, "the numbers are there");
    let sleeper = cluster.client().await?;
    let running = sleeper.spawn("SELECT pg_sleep(600) AS sleeper");
    pgmon_lab::wait_until("the sleeper sleeps", pgmon_lab::PATIENCE, async || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        Ok(admin.value::<i64>(sql).await? == 1)
    })
    .await;
    let fault = eye.texts(&[1]).await.unwrap_err();
    assert_eq!(fault.sqlstate.as_deref(), Some("22021"), "{fault}");
    assert!(eye.world.texts_fail());
    eye.ask::<Activity>().await;
    if major >= 14 {
        let sql = format!("SELECT query_id FROM pg_stat_activity WHERE pid = {}", sleeper.pid());
        let query: i64 = admin.value(&sql).await?;
        let seen = eye.world.workload.seen(query, false).map(AsRef::as_ref);
        assert_eq!(
            seen,
            Some("SELECT pg_sleep(600) AS sleeper"),
            "a running session tells it"
        );
    }
    admin.terminate(sleeper.pid()).await?;
    running.finish().await.unwrap_err();
    // In a database that converts nothing the texts can be read.
    let ascii = cluster.client_as("postgres", "ascii").await?;
    ascii.simple("CREATE EXTENSION pg_stat_statements").await?;
    let mut there = Eye::open(&cluster, "postgres", "ascii").await;
    there.read().await;
    let all: Vec<i64> = there.read().await.entries.iter().map(|entry| entry.key.query).collect();
    there.texts(&all).await.unwrap();
    let texts = there.world.get::<StatementTexts>().unwrap();
    let bad = all
        .iter()
        .filter_map(|query| texts.get(*query))
        .find(|text| text.text.contains("\"x\u{fffd}"));
    assert!(bad.is_some(), "{major}: the poison itself is shown");
    // A reset takes it away.
    admin.simple("SELECT pg_stat_statements_reset()").await?;
    eye.texts(&[1]).await.unwrap();
    assert!(!eye.world.texts_fail());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisonous_text_costs_texts_and_no_numbers() -> Result<()> {
    for major in [12, 14, 18] {
        poisoned(major).await?;
    }
    Ok(())
}
