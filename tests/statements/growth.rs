//! The growth between two readings, against what a client really executed.

use std::time::Instant;

use pgmon_lab::{Client, Cluster, MAJORS, Result, shared};
use pgmon_tui::model::statements::Trust;

use crate::eye::Eye;

/// The query id of a statement by a piece of its text.
pub async fn query_id(client: &Client, like: &str) -> i64 {
    let sql = format!("SELECT queryid FROM pg_stat_statements WHERE query LIKE '%{like}%' AND query NOT LIKE '%LIKE%'");
    let ids: Vec<i64> = client.column(&sql).await.unwrap();
    assert_eq!(ids.len(), 1, "{like}: {ids:?}");
    ids[0]
}

async fn clock(client: &Client) -> f64 {
    client
        .value("SELECT extract(epoch from clock_timestamp())::float8")
        .await
        .unwrap()
}

async fn counts(major: u32) -> Result<()> {
    let cluster = shared(major).await?;
    let client = cluster.client().await?;
    // Nothing is reset: other tests look at their own statements on this server.
    client
        .simple("CREATE TABLE growth_t AS SELECT g AS id FROM generate_series(1, 100) g")
        .await?;
    let run = "SELECT id, pg_sleep(0.002) AS growth_rows FROM growth_t WHERE id <= 5";
    client.rows(run).await?;
    let query = query_id(&client, "growth_rows").await;
    let mut eye = Eye::open(cluster, "postgres", "postgres").await;
    let before = clock(&client).await;
    eye.read().await;
    assert!(eye.world.workload.set_mark());
    let after_first = clock(&client).await;

    let busy = Instant::now();
    for _ in 0..20 {
        client.rows(run).await?;
    }
    let busy_ms = busy.elapsed().as_secs_f64() * 1000.0;
    let before_second = clock(&client).await;
    eye.read().await;
    let after = clock(&client).await;

    let growth = eye.growth(query).unwrap();
    assert_eq!((growth.counters.calls, growth.counters.rows), (20, 100), "{major}");
    assert_eq!(growth.trust, Trust::Exact);
    let (at_least, at_most) = (20.0 * 5.0 * 2.0, busy_ms);
    assert!(
        (at_least..=at_most).contains(&growth.counters.exec_ms),
        "{major}: {growth:?}, {at_most}"
    );
    // The server's clock, read by somebody else before and after each reading, bounds the interval.
    let rate = growth.per_second(20.0).unwrap();
    let bounds = 20.0 / (after - before)..=20.0 / (before_second - after_first);
    assert!(bounds.contains(&rate), "{major}: {rate} in {bounds:?}");
    let last = eye.last();
    assert!(
        last.calls >= 20 && !last.reset && last.unknown == 0,
        "{major}: {last:?}"
    );
    assert!(last.total_ms >= growth.counters.exec_ms);

    client.rows(run).await?;
    eye.read().await;
    assert_eq!(
        eye.growth(query).unwrap().counters.calls,
        1,
        "{major}: only the last interval"
    );
    let since_mark = eye.world.workload.since_mark().unwrap();
    let row = since_mark.rows.iter().find(|row| row.key.query == query).unwrap();
    assert_eq!(row.counters.calls, 21, "{major}: since the mark");
    let all = eye.world.workload.since_reset().unwrap();
    let row = all.rows.iter().find(|row| row.key.query == query).unwrap();
    assert_eq!(row.counters.calls, 22, "{major}: everything since the reset");
    client.simple("DROP TABLE growth_t").await
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_rows_times_and_rates_are_those_of_the_client() -> Result<()> {
    for major in MAJORS {
        counts(major).await?;
    }
    Ok(())
}

/// A reset of everything between two readings.
async fn reset_of_everything(major: u32) -> Result<()> {
    let cluster = Cluster::builder(major).start().await?;
    let client = cluster.client().await?;
    let run = "SELECT 1 AS reset_marker";
    for _ in 0..50 {
        client.rows(run).await?;
    }
    let query = query_id(&client, "reset_marker").await;
    let mut eye = Eye::open(&cluster, "postgres", "postgres").await;
    eye.read().await;
    let before_reset = clock(&client).await;
    client.simple("SELECT pg_stat_statements_reset()").await?;
    let after_reset = clock(&client).await;
    for _ in 0..7 {
        client.rows(run).await?;
    }
    eye.read().await;
    let growth = eye.growth(query).unwrap();
    if major >= 14 {
        assert!(eye.last().reset, "{major}");
        assert_eq!((growth.counters.calls, growth.trust), (7, Trust::Exact), "{major}");
        assert!(
            (before_reset..=after_reset).contains(&eye.last().from.unwrap()),
            "{major}: the interval begins at the reset"
        );
    } else {
        assert_eq!((growth.counters.calls, growth.trust), (0, Trust::Unknown), "{major}");
        assert!(eye.last().unknown > 0);
    }
    // What follows is whole again.
    client.rows(run).await?;
    eye.read().await;
    let growth = eye.growth(query).unwrap();
    assert_eq!((growth.counters.calls, growth.trust), (1, Trust::Exact), "{major}");
    assert!(!eye.last().reset);
    if major >= 13 {
        reset_of_one(&mut eye, &client, query).await?;
    }
    Ok(())
}

/// A reset of one entry between two readings: nothing else tells of it.
async fn reset_of_one(eye: &mut Eye, client: &Client, query: i64) -> Result<()> {
    let other = "SELECT 1 AS other_marker, 2 AS two";
    client.rows(other).await?;
    let other_query = query_id(client, "other_marker").await;
    for _ in 0..10 {
        client.rows("SELECT 1 AS reset_marker").await?;
    }
    eye.read().await;
    client
        .simple(&format!("SELECT pg_stat_statements_reset(0, 0, {query})"))
        .await?;
    client.rows("SELECT 1 AS reset_marker").await?;
    client.rows(other).await?;
    eye.read().await;
    let growth = eye.growth(query).unwrap();
    let tells = eye.entry(query).unwrap().since.is_some();
    if tells {
        assert_eq!((growth.counters.calls, growth.trust), (1, Trust::AtLeast));
    } else {
        assert_eq!((growth.counters.calls, growth.trust), (0, Trust::Unknown));
    }
    let other = eye.growth(other_query).unwrap();
    let expected = if tells { Trust::Exact } else { Trust::AtLeast };
    assert_eq!(
        (other.counters.calls, other.trust),
        (1, expected),
        "others may have been reset too"
    );
    assert!(!eye.last().reset);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_in_mid_interval_breaks_it_visibly() -> Result<()> {
    for major in [12, 13, 15, 18] {
        reset_of_everything(major).await?;
    }
    Ok(())
}

/// A restart of the server: counters are kept over it, but after a crash they are not, so nobody compares.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_begins_anew() -> Result<()> {
    let cluster = Cluster::builder(18).start().await?;
    let mut eye = Eye::open(&cluster, "postgres", "postgres").await;
    eye.read().await;
    let first = eye.world.workload.clone();
    cluster.restart().await?;
    let mut again = Eye::open(&cluster, "postgres", "postgres").await;
    again.world.workload = first;
    again.read().await;
    assert_eq!(
        again.world.workload.last().unwrap_err(),
        pgmon_tui::model::rates::Gap::Restarted
    );
    again.read().await;
    assert!(again.world.workload.last().is_ok());
    Ok(())
}
