//! Rates against what happened.

use std::time::Duration;

use pgmon_lab::{Stop, wait_until};
use pgmon_tui::model::observe::name;
use pgmon_tui::model::rates::Gap;
use pgmon_tui::probe::counters::CountersProbe;
use pgmon_tui::probe::pulse::PulseProbe;
use pgmon_tui::probe::relation_io::{RelationIo, RelationIoProbe};
use rstest::rstest;

use crate::{Eye, PATIENCE, cluster, number};

/// Longer than any of these tests takes.
const EVER: Duration = Duration::from_hours(1);

const COMMITS: &str = "(SELECT xact_commit FROM pg_stat_database WHERE datname = 'work')";
const INSERTED: &str = "(SELECT sum(tup_inserted) FROM pg_stat_database)";
const POSITION: &str = "pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')";

/// What somebody else saw grow between our two readings, read before and after each of them, encloses our growth.
#[rstest]
#[tokio::test]
async fn rates_amount_to_what_happened(#[values(12, 13, 14, 15, 16, 17, 18)] major: u32) {
    let server = cluster(major, &[("autovacuum", "off")]).await;
    server.database("work").await.unwrap();
    let judge = server.client().await.unwrap();
    let work = async || server.client_as("postgres", "work").await.unwrap();
    work().await.simple("CREATE TABLE t (v int)").await.unwrap();
    let mut eye = Eye::open(&server, "mon", "work").await;

    let mut truth: Vec<[i64; 3]> = Vec::new();
    for round in 0..2 {
        truth.push(look(&judge).await);
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            eye.ask::<CountersProbe>().await;
            eye.ask::<PulseProbe>().await;
            // Two readings in one fifth of a second make no rate yet.
            let known = |series| eye.series.total(series, eye.now(), EVER).1 > 0.0;
            if round == 0 || (known(name::COMMITS_HERE) && known(name::WAL_POSITION)) {
                break;
            }
            assert!(std::time::Instant::now() < deadline, "no rate");
        }
        truth.push(look(&judge).await);
        if round == 0 {
            let before = look(&judge).await;
            let worker = work().await;
            for _ in 0..300 {
                worker
                    .simple("INSERT INTO t SELECT 1 FROM generate_series(1, 10)")
                    .await
                    .unwrap();
            }
            // Before 15 an idle session keeps the counts of its last half second to itself; they come when it goes.
            drop(worker);
            wait_until("the server has counted the commits", PATIENCE, async || {
                let now = look(&judge).await;
                Ok(now[0] >= before[0] + 300 && now[1] >= before[1] + 3000)
            })
            .await;
        }
    }
    for (nth, series) in [name::COMMITS_HERE, name::ROWS_INSERTED, name::WAL_POSITION]
        .into_iter()
        .enumerate()
    {
        let (total, known) = eye.series.total(series, eye.now(), EVER);
        assert!(known > 0.0, "{series}");
        let [least, most] = [(2, 1), (3, 0)]
            .map(|(after, before)| pgmon_tui::model::rates::float(truth[after][nth] - truth[before][nth]));
        assert!(
            total >= least - 0.5 && total <= most + 0.5,
            "{series}: {total} of {least} to {most}"
        );
    }
    // The same by the cluster's own account of WAL, where there is one: not the same number, but not nothing.
    assert_eq!(eye.series.last(name::WAL_BYTES).is_some(), major >= 14);
    assert_eq!(eye.series.last(name::SESSIONS).is_some(), major >= 14);
}

async fn look(judge: &pgmon_lab::Client) -> [i64; 3] {
    [
        number(judge, COMMITS).await,
        number(judge, INSERTED).await,
        number(judge, POSITION).await,
    ]
}

#[rstest]
#[tokio::test]
async fn resets_and_restarts_are_gaps(#[values(12, 14, 17, 18)] major: u32) {
    // A worker of autovacuum would begin the statistics of one more database.
    let server = cluster(major, &[("autovacuum", "off")]).await;
    let judge = server.client().await.unwrap();
    if major < 15 {
        // Until then the statistics of a database, and those of what all of them share, count as reset when they begin.
        let begun = "(SELECT count(*) FROM pg_stat_database WHERE stats_reset IS NOT NULL)";
        wait_until("the statistics have begun", PATIENCE, async || {
            Ok(number(&judge, begun).await == 2)
        })
        .await;
    }
    let mut eye = Eye::open(&server, "mon", "postgres").await;
    eye.ask::<CountersProbe>().await;
    assert_eq!(eye.series.gap("counters"), Some(Gap::First));
    settled(&mut eye).await;
    assert_eq!(eye.series.gap("counters"), None);

    let reset = "(SELECT coalesce(extract(epoch FROM stats_reset), 0) * 1000000 FROM pg_stat_database WHERE datname = 'postgres')";
    let before = number(&judge, reset).await;
    judge.rows("SELECT pg_stat_reset()").await.unwrap();
    wait_until("the reset is published", PATIENCE, async || {
        Ok(number(&judge, reset).await != before)
    })
    .await;
    let gap = settled(&mut eye).await;
    assert_eq!(gap, Some(Gap::Reset));
    assert_eq!(eye.series.last(name::COMMITS), None);
    settled(&mut eye).await;
    assert!(eye.series.last(name::COMMITS).is_some_and(|rate| rate >= 0.0));

    drop(judge);
    server.stop(Stop::Fast).await.unwrap();
    server.start_again().await.unwrap();
    let again = Eye::open(&server, "mon", "postgres").await;
    eye.session = again.session;
    assert_eq!(settled(&mut eye).await, Some(Gap::Restarted));
    settled(&mut eye).await;
    assert!(eye.series.last(name::COMMITS).is_some_and(|rate| rate >= 0.0));
    assert_eq!(
        eye.series
            .points(name::COMMITS)
            .flatten()
            .filter(|rate| *rate < 0.0)
            .count(),
        0
    );
}

/// Asks until enough time has passed for another rate or gap; that gap.
async fn settled(eye: &mut Eye) -> Option<Gap> {
    let points = eye.series.points(name::COMMITS).len();
    let deadline = std::time::Instant::now() + PATIENCE;
    while eye.series.points(name::COMMITS).len() == points {
        assert!(std::time::Instant::now() < deadline, "no second reading");
        eye.ask::<CountersProbe>().await;
    }
    eye.series.gap("counters")
}

/// The same blocks by the view with its joins, read before and after.
#[rstest]
#[tokio::test]
async fn blocks_of_tables_and_indexes(#[values(12, 15, 18)] major: u32) {
    let server = cluster(major, &[("autovacuum", "off")]).await;
    let judge = server.client().await.unwrap();
    judge
        .simple("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT g, repeat('x', 5000) FROM generate_series(1, 500) g; ANALYZE t")
        .await
        .unwrap();
    judge
        .simple("SET enable_seqscan = off; SELECT count(v) FROM t WHERE id < 400")
        .await
        .unwrap();
    let sum = |columns: &str| format!("(SELECT sum({columns}) FROM pg_statio_all_tables)");
    let columns = [
        sum("coalesce(heap_blks_read, 0) + coalesce(heap_blks_hit, 0)"),
        sum("coalesce(heap_blks_hit, 0)"),
        sum("coalesce(idx_blks_read, 0) + coalesce(idx_blks_hit, 0)"),
        sum("coalesce(idx_blks_hit, 0)"),
    ];
    let indexes = format!("{} > 400", columns[2]);
    wait_until("the scan is counted", PATIENCE, async || {
        judge.value::<bool>(&format!("SELECT {indexes}")).await
    })
    .await;
    let mut eye = Eye::open(&server, "app", "postgres").await;
    let mut truth = Vec::new();
    let mut ours = RelationIo::default();
    for round in 0..2 {
        for column in &columns {
            truth.push(number(&judge, column).await);
        }
        if round == 0 {
            ours = eye.ask::<RelationIoProbe>().await.clone();
        }
    }
    for (nth, value) in [ours.table_fetched, ours.table_hit, ours.index_fetched, ours.index_hit]
        .into_iter()
        .enumerate()
    {
        let (least, most) = (truth[nth], truth[nth + 4]);
        assert!((least..=most).contains(&value), "{nth}: {value} of {least} to {most}");
    }
}

#[rstest]
#[tokio::test]
async fn checkpoints_somebody_asked_for(#[values(12, 16, 17, 18)] major: u32) {
    let server = cluster(major, &[]).await;
    let judge = server.client().await.unwrap();
    let mut eye = Eye::open(&server, "mon", "postgres").await;
    eye.ask::<CountersProbe>().await;
    let before = eye.latest.get::<CountersProbe>().unwrap().checkpoints.requested;
    for _ in 0..3 {
        judge.simple("CHECKPOINT").await.unwrap();
    }
    wait_until("three more are counted", PATIENCE, async || {
        let counters = eye.ask::<CountersProbe>().await;
        Ok(counters.checkpoints.requested >= before + 3)
    })
    .await;
    settled(&mut eye).await;
    let (total, _) = eye.series.total(name::CHECKPOINTS_REQUESTED, eye.now(), EVER);
    assert!((total - 3.0).abs() < 1e-6, "{total}");
}
