//! More different statements than the extension keeps.

use std::fmt::Write as _;

use pgmon_lab::{Client, Cluster, Result};
use pgmon_tui::model::statements::Trust;

use crate::eye::Eye;
use crate::growth::query_id;

/// Statements of so many different shapes: constants alone make no entry of their own.
async fn shapes(client: &Client, from: usize, to: usize) -> Result<()> {
    let mut sql = String::new();
    for length in from..to {
        let _ = writeln!(sql, "SELECT {};", vec!["1"; length].join(" + "));
    }
    client.simple(&sql).await
}

async fn dealloc(client: &Client) -> Option<i64> {
    let view = client
        .value::<bool>("SELECT to_regclass('pg_stat_statements_info') IS NOT NULL")
        .await
        .unwrap();
    if !view {
        return None;
    }
    Some(
        client
            .value("SELECT dealloc FROM pg_stat_statements_info")
            .await
            .unwrap(),
    )
}

async fn evicted(major: u32) -> Result<()> {
    let cluster = Cluster::builder(major)
        .conf("pg_stat_statements.max", "100")
        .start()
        .await?;
    let client = cluster.client().await?;
    let run = "SELECT 1 AS kept_marker";
    for _ in 0..200 {
        client.rows(run).await?;
    }
    let query = query_id(&client, "kept_marker").await;
    let mut eye = Eye::open(&cluster, "postgres", "postgres").await;
    shapes(&client, 2, 40).await?;
    eye.read().await;
    let before = dealloc(&client).await;
    shapes(&client, 40, 240).await?;
    client.rows(run).await?;
    let after = dealloc(&client).await;
    eye.read().await;

    let last = eye.last();
    assert!(last.vanished > 0, "{major}: {} entries", last.all);
    if let (Some(before), Some(after)) = (before, after) {
        assert!(after > before, "{major}: the scene is set");
        // Our own questions make entries too.
        assert!(last.evictions.unwrap() >= after - before, "{major}: {last:?}");
    } else {
        assert_eq!(last.evictions, None, "{major}: nobody counts");
    }
    let growth = eye.growth(query).unwrap();
    assert_eq!(growth.counters.calls, 1, "{major}: often used ones stay");
    let tells = eye.entry(query).unwrap().since.is_some();
    let expected = if tells { Trust::Exact } else { Trust::AtLeast };
    assert_eq!(growth.trust, expected, "{major}");
    let shaped = last.rows.iter().filter(|row| row.key.query != query);
    let certain: Vec<_> = shaped.filter(|row| row.trust == Trust::Exact).collect();
    let known = certain.iter().all(|row| tells && eye.entry(row.key.query).is_some());
    assert!(known, "{major}: new entries may have lost something: {certain:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn evictions_are_counted_and_make_lower_bounds() -> Result<()> {
    for major in [12, 14, 16, 18] {
        evicted(major).await?;
    }
    Ok(())
}
