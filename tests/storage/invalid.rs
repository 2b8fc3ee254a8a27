//! Invalid indexes: those that failed, and those being built.

use pgmon_lab::{Client, Cluster, wait_until};
use pgmon_tui::model::storage::invalid::{State, mend, state};
use pgmon_tui::probe::indexes_invalid::{IndexesInvalidProbe, InvalidIndex};
use rstest::rstest;

use crate::PATIENCE;
use crate::eye::{Eye, cluster};

const TABLES: &str = "
    CREATE TABLE t (x int, y int);
    INSERT INTO t SELECT g / 2, g FROM generate_series(1, 5000) g;
    CREATE INDEX good ON t (y);";

/// Where a snapshot holds up the building of an index for as long as it is there: the phases before, in which it waits
/// for writers, pass by themselves.
const BLOCKED: &str = "phase = 'waiting for old snapshots'";

async fn states(eye: &mut Eye) -> Vec<(String, State)> {
    let rows = eye.ask::<IndexesInvalidProbe>().await;
    let mut states: Vec<_> = rows.iter().map(|row| (row.name.relname.clone(), state(row))).collect();
    states.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    states
}

/// A session tells its client of an error before it has undone what it did.
async fn settled(eye: &mut Eye, expected: &[(String, State)]) {
    wait_until("the failed statement is undone", PATIENCE, async || {
        Ok(states(eye).await == expected)
    })
    .await;
}

fn of(relname: &str, state: State) -> (String, State) {
    (relname.to_owned(), state)
}

async fn row(eye: &mut Eye, relname: &str) -> InvalidIndex {
    let rows = eye.ask::<IndexesInvalidProbe>().await;
    rows.iter().find(|row| row.name.relname == relname).unwrap().clone()
}

async fn shop(server: &Cluster) -> Client {
    server.client_as("postgres", "shop").await.unwrap()
}

/// Runs every statement that is offered, the first one that succeeds ends it.
async fn mended(judge: &Client, index: &InvalidIndex) -> bool {
    for (_, text) in mend(index) {
        if judge.simple(&text).await.is_ok() {
            return true;
        }
    }
    false
}

#[rstest]
#[tokio::test]
async fn what_failed_is_told_from_what_is_being_built(#[values(12, 14, 18)] major: u32) {
    let (server, judge) = cluster(major).await;
    judge.simple(TABLES).await.unwrap();
    let mut eye = Eye::open(&server, "mon", "shop").await;
    assert_eq!(states(&mut eye).await, []);
    judge
        .simple("CREATE UNIQUE INDEX CONCURRENTLY failed ON t (x)")
        .await
        .unwrap_err();
    settled(&mut eye, &[of("failed", State::BuildFailed)]).await;

    // Somebody's snapshot holds up the building of another one on the same table.
    let reader = shop(&server).await;
    reader
        .simple("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM t")
        .await
        .unwrap();
    let builder = shop(&server).await;
    let running = builder.spawn("CREATE INDEX CONCURRENTLY growing ON t (x, y)");
    let waits = format!("SELECT count(*) = 1 FROM pg_stat_progress_create_index WHERE {BLOCKED} AND index_relid <> 0");
    wait_until("it is being built", PATIENCE, async || {
        judge.value::<bool>(&waits).await
    })
    .await;
    let both = [of("failed", State::BuildFailed), of("growing", State::Building)];
    assert_eq!(states(&mut eye).await, both);
    let growing = row(&mut eye, "growing").await;
    let build = growing.build.clone().unwrap();
    assert_eq!(build.pid, builder.pid());
    let phase: String = judge
        .value("SELECT phase FROM pg_stat_progress_create_index")
        .await
        .unwrap();
    assert_eq!(build.phase.as_deref(), Some(phase.as_str()));
    assert!(mend(&growing).is_empty());

    // A role that may not see what others do sees that it is being built, not how far.
    let mut plain = Eye::open(&server, "app", "shop").await;
    let build = row(&mut plain, "growing").await.build.unwrap();
    assert_eq!((build.pid, build.phase), (builder.pid(), None));

    reader.simple("COMMIT").await.unwrap();
    running.finish().await.unwrap();
    assert_eq!(states(&mut eye).await, [of("failed", State::BuildFailed)]);
    // Building it again fails on the duplicates, so it is given up.
    let failed = row(&mut eye, "failed").await;
    assert!(mended(&judge, &failed).await);
    settled(&mut eye, &[of("failed_ccnew", State::ReindexFailed)]).await;
    let failed = row(&mut eye, "failed_ccnew").await;
    assert!(mended(&judge, &failed).await);
    assert_eq!(states(&mut eye).await, []);
}

#[rstest]
#[tokio::test]
async fn what_reindex_leaves_behind(#[values(12, 18)] major: u32) {
    let (server, judge) = cluster(major).await;
    judge.simple(TABLES).await.unwrap();
    judge.simple("CREATE INDEX second ON t (x)").await.unwrap();
    let mut eye = Eye::open(&server, "mon", "shop").await;
    let reader = shop(&server).await;
    reader
        .simple("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM t")
        .await
        .unwrap();
    let builder = shop(&server).await;
    let running = builder.spawn("REINDEX TABLE CONCURRENTLY t");
    let waits = format!(
        "SELECT count(*) = 1 FROM pg_stat_progress_create_index WHERE {BLOCKED} \
         AND (SELECT count(*) FROM pg_index WHERE NOT indisvalid) = 2"
    );
    wait_until("both are being built", PATIENCE, async || {
        judge.value::<bool>(&waits).await
    })
    .await;
    let building = [of("good_ccnew", State::Building), of("second_ccnew", State::Building)];
    assert_eq!(states(&mut eye).await, building);
    judge
        .value::<bool>(&format!("SELECT pg_cancel_backend({})", builder.pid()))
        .await
        .unwrap();
    running.finish().await.unwrap_err();
    reader.simple("COMMIT").await.unwrap();
    let failed = [
        of("good_ccnew", State::ReindexFailed),
        of("second_ccnew", State::ReindexFailed),
    ];
    settled(&mut eye, &failed).await;
    for relname in ["good_ccnew", "second_ccnew"] {
        let index = row(&mut eye, relname).await;
        assert!(mended(&judge, &index).await);
    }
    assert_eq!(states(&mut eye).await, []);
}

#[rstest]
#[tokio::test]
async fn a_partitioned_index_waits_for_its_parts(#[values(12, 18)] major: u32) {
    let (server, judge) = cluster(major).await;
    judge
        .simple(
            "CREATE TABLE p (at int) PARTITION BY RANGE (at);
             CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10000);
             CREATE INDEX parts ON ONLY p (at);
             CREATE INDEX part ON p1 (at)",
        )
        .await
        .unwrap();
    let mut eye = Eye::open(&server, "mon", "shop").await;
    assert_eq!(states(&mut eye).await, [of("parts", State::Incomplete)]);
    let (statement, _) = mend(&row(&mut eye, "parts").await).remove(0);
    judge.simple(&statement.replace("...", "part")).await.unwrap();
    assert_eq!(states(&mut eye).await, []);
}
