//! Every way in which the extension is missing or less than it could be: what is said helps when it is done.

use pgmon_lab::{Cluster, Result};
use pgmon_tui::model::statements::{absent, denied, shortcomings};
use pgmon_tui::pg::fault::FaultKind;
use pgmon_tui::probe::Wanted;
use pgmon_tui::probe::statements::StatementsProbe;

use crate::eye::Eye;

const NOT_INSTALLED: Wanted = Wanted::No("pg_stat_statements is not installed in this database");
const NOT_LOADED: Wanted = Wanted::No("pg_stat_statements is not preloaded by this server");

/// The statements in a remedy.
fn statements(remedy: &str) -> Vec<String> {
    let starts = ["CREATE ", "ALTER ", "GRANT ", "SELECT "];
    let pieces = remedy.split(';').map(str::trim);
    pieces
        .filter_map(|piece| {
            starts
                .iter()
                .find_map(|start| piece.find(start))
                .and_then(|at| piece.get(at..))
        })
        .map(str::to_owned)
        .collect()
}

async fn not_created(major: u32) -> Result<()> {
    let cluster = Cluster::builder(major)
        .role("plain LOGIN")
        .role("monitor LOGIN IN ROLE pg_monitor")
        .start()
        .await?;
    cluster.database("bare").await?;
    for role in ["plain", "monitor", "postgres"] {
        let mut eye = Eye::open(&cluster, role, "bare").await;
        assert_eq!(eye.wanted::<StatementsProbe>(), NOT_INSTALLED);
        let extensions = eye.extensions().await;
        assert_eq!(extensions.preload.is_some(), role != "plain", "{role}");
        let advice = absent(eye.server(), &extensions).unwrap();
        assert!(
            advice.sentence.contains("loaded and counting, but not created"),
            "{role}: {advice:?}"
        );
        let client = cluster.client_as("postgres", "bare").await?;
        for statement in statements(&advice.remedy) {
            client.simple(&statement).await?;
        }
        // Under our feet, without another connection.
        eye.read().await;
        let extensions = eye.extensions().await;
        assert_eq!(absent(eye.server(), &extensions), None, "{role}");
        client.simple("DROP EXTENSION pg_stat_statements").await?;
        eye.extensions().await;
        assert_eq!(eye.wanted::<StatementsProbe>(), NOT_INSTALLED, "{role}: and gone again");
    }
    hidden(&cluster).await
}

async fn hidden(cluster: &Cluster) -> Result<()> {
    let mut eye = Eye::open(cluster, "plain", "postgres").await;
    let client = cluster.client().await?;
    client.rows("SELECT 1 AS somebody_elses").await?;
    let read = eye.read().await;
    assert!(read.hidden > 0 && read.hidden_ms > 0.0, "{read:?}");
    assert!(read.complete(), "what is hidden is known to be there");
    let total: i64 = client.value("SELECT count(*) FROM pg_stat_statements").await?;
    assert!((read.hidden..=total).contains(&read.all), "{} of {total}", read.all);
    assert!(read.entries.iter().all(|entry| entry.user.as_deref() == Some("plain")));
    let hidden = (read.hidden, read.all);
    let extensions = eye.extensions().await;
    let said = shortcomings(eye.server(), &extensions, hidden);
    assert_eq!(said.len(), 1, "{said:?}");
    for statement in statements(&said[0].remedy) {
        client.simple(&statement).await?;
    }
    assert_eq!(eye.read().await.hidden, 0, "after {}", said[0].remedy);
    client.simple("REVOKE pg_monitor FROM plain").await
}

/// A schema that is not for everybody.
#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_its_own_is_said_and_mended() -> Result<()> {
    let cluster = Cluster::builder(18)
        .role("monitor LOGIN IN ROLE pg_monitor")
        .start()
        .await?;
    let client = cluster.client().await?;
    client
        .simple("CREATE SCHEMA \"Tools\"; ALTER EXTENSION pg_stat_statements SET SCHEMA \"Tools\"")
        .await?;
    let mut eye = Eye::open(&cluster, "monitor", "postgres").await;
    eye.extensions().await;
    let fault = eye.try_ask::<StatementsProbe>().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Denied);
    client.simple(&denied(eye.server()).unwrap()).await?;
    eye.read().await;
    Ok(())
}

async fn not_loaded(major: u32) -> Result<()> {
    // The lab creates the extension all the same.
    let cluster = Cluster::builder(major)
        .conf("shared_preload_libraries", "")
        .role("monitor LOGIN IN ROLE pg_monitor")
        .start()
        .await?;
    let mut eye = Eye::open(&cluster, "monitor", "postgres").await;
    let extensions = eye.extensions().await;
    assert_eq!(eye.wanted::<StatementsProbe>(), NOT_LOADED);
    // It would fail, and be logged, at every round.
    let fault = eye.try_ask::<StatementsProbe>().await.unwrap_err();
    assert_eq!(fault.sqlstate.as_deref(), Some("55000"));
    let advice = absent(eye.server(), &extensions).unwrap();
    assert!(
        advice
            .sentence
            .contains("created in this database, but the server has not loaded it"),
        "{advice:?}"
    );

    let client = cluster.client().await?;
    client.simple("DROP EXTENSION pg_stat_statements").await?;
    let extensions = eye.extensions().await;
    assert_eq!(eye.wanted::<StatementsProbe>(), NOT_INSTALLED);
    let advice = absent(eye.server(), &extensions).unwrap();
    assert!(advice.sentence.contains("neither loaded"), "{advice:?}");
    let remedy = statements(&advice.remedy);
    let (load, create) = remedy.split_first().unwrap();
    client.simple(load).await?;
    cluster.restart().await?;
    let client = cluster.client().await?;
    for statement in create {
        client.simple(statement).await?;
    }
    let mut eye = Eye::open(&cluster, "monitor", "postgres").await;
    eye.read().await;
    Ok(())
}

async fn silent(major: u32) -> Result<()> {
    let cluster = Cluster::builder(major)
        .conf("pg_stat_statements.track", "none")
        .role("monitor LOGIN IN ROLE pg_monitor")
        .start()
        .await?;
    let client = cluster.client().await?;
    if major >= 14 {
        client.simple("ALTER SYSTEM SET compute_query_id = off").await?;
        client.simple("SELECT pg_reload_conf()").await?;
    }
    client
        .simple("DROP EXTENSION pg_stat_statements; CREATE EXTENSION pg_stat_statements VERSION '1.5'")
        .await?;
    for expected in ["track is none", "compute_query_id is off", "is 1.5 here"] {
        if major < 14 && expected.starts_with("compute") {
            continue;
        }
        let mut eye = Eye::open(&cluster, "monitor", "postgres").await;
        let extensions = eye.extensions().await;
        let said = shortcomings(eye.server(), &extensions, (0, 0));
        let first = said.first().unwrap();
        assert!(first.sentence.contains(expected), "{major}: {said:?}");
        for statement in statements(&first.remedy) {
            client.simple(&statement).await?;
        }
        pgmon_lab::wait_until("the remedy helps", pgmon_lab::PATIENCE, async || {
            let mut eye = Eye::open(&cluster, "monitor", "postgres").await;
            let extensions = eye.extensions().await;
            let said = shortcomings(eye.server(), &extensions, (0, 0));
            Ok(said.first() != Some(first))
        })
        .await;
    }
    let mut eye = Eye::open(&cluster, "monitor", "postgres").await;
    let extensions = eye.extensions().await;
    assert_eq!(shortcomings(eye.server(), &extensions, (0, 0)), [], "{major}");
    client.rows("SELECT 1 AS counted_again").await?;
    eye.read().await;
    crate::growth::query_id(&client, "counted_again").await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn not_created_or_hidden_is_said_and_mended() -> Result<()> {
    for major in [12, 18] {
        not_created(major).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn not_loaded_is_said_and_mended() -> Result<()> {
    for major in [12, 18] {
        not_loaded(major).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_silence_it_and_an_old_version_are_said_and_mended() -> Result<()> {
    for major in [12, 18] {
        silent(major).await?;
    }
    Ok(())
}
