//! A lock that a size would wait for, held or only asked for: the question answers at once and says who.

use pgmon_lab::{Client, Cluster, wait_until};
use pgmon_tui::model::storage::{Bytes, bytes};
use pgmon_tui::probe::indexes_duplicate::IndexesDuplicateProbe;
use pgmon_tui::probe::indexes_invalid::IndexesInvalidProbe;
use pgmon_tui::probe::indexes_unused::IndexesUnusedProbe;
use pgmon_tui::probe::named::InTheWay;
use pgmon_tui::probe::relations::{Relation, Relations, RelationsProbe};
use rstest::rstest;

use crate::PATIENCE;
use crate::eye::{Eye, cluster};

const TABLES: &str = "
    CREATE TABLE locked (id int PRIMARY KEY, v text);
    ALTER TABLE locked ALTER v SET STORAGE EXTERNAL;
    INSERT INTO locked SELECT g, repeat('x', 3000) FROM generate_series(1, 500) g;
    CREATE INDEX locked_v ON locked (left(v, 500), id);
    CREATE INDEX locked_again ON locked (left(v, 500), id);
    CREATE TABLE free AS SELECT g FROM generate_series(1, 50000) g;";

fn find<'a>(known: &'a Relations, relname: &str) -> &'a Relation {
    known.rows.iter().find(|row| row.name.relname == relname).unwrap()
}

/// The statements that take, or wait for, ACCESS EXCLUSIVE on something of the table.
const WAYS: [&str; 4] = [
    "LOCK TABLE locked IN ACCESS EXCLUSIVE MODE",
    "TRUNCATE locked",
    "REINDEX INDEX locked_v",
    "DROP INDEX locked_again",
];

async fn asks_everything(eye: &mut Eye) -> Relations {
    eye.ask::<IndexesUnusedProbe>().await;
    eye.ask::<IndexesDuplicateProbe>().await;
    eye.ask::<IndexesInvalidProbe>().await;
    eye.ask::<RelationsProbe>().await.clone()
}

/// Whoever waits now, waits still when the question is answered: it did not wait behind it, and hit no timeout, which
/// would be an error.
async fn check(eye: &mut Eye, way: &str, expected: InTheWay) {
    let known = asks_everything(eye).await;
    let row = find(&known, "locked");
    assert_eq!((row.size, row.lock), (None, Some(expected)), "{way}");
    assert!(find(&known, "free").size.is_some() && find(&known, "free").lock.is_none());
}

async fn session(server: &Cluster) -> Client {
    server.client_as("postgres", "shop").await.unwrap()
}

#[rstest]
#[tokio::test]
async fn held_or_queued_it_is_skipped_and_named(#[values(12, 14, 15, 18)] major: u32) {
    let (server, judge) = cluster(major).await;
    judge.simple(TABLES).await.unwrap();
    judge.simple("VACUUM ANALYZE").await.unwrap();
    let mut eye = Eye::open(&server, "mon", "shop").await;
    let known = asks_everything(&mut eye).await;
    let measured = find(&known, "locked").size.unwrap().total();
    assert_eq!(bytes(&known, find(&known, "locked")), Bytes::Measured(measured));

    for way in WAYS {
        let holder = session(&server).await;
        holder.simple(&format!("BEGIN; {way}")).await.unwrap();
        let pid = Some(holder.pid());
        check(&mut eye, way, InTheWay { pid, granted: true }).await;
        holder.simple("ROLLBACK").await.unwrap();
    }
    let known = asks_everything(&mut eye).await;
    assert_eq!(find(&known, "locked").size.unwrap().total(), measured);

    for way in ["LOCK TABLE locked IN ACCESS EXCLUSIVE MODE", "DROP INDEX locked_again"] {
        let reader = session(&server).await;
        reader
            .simple("BEGIN; SET LOCAL enable_seqscan = off; SELECT id FROM locked WHERE left(v, 500) = 'x'")
            .await
            .unwrap();
        let waiter = session(&server).await;
        let pid = Some(waiter.pid());
        let running = waiter.spawn(format!("BEGIN; {way}"));
        let waits = format!(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = {} AND NOT granted)",
            waiter.pid()
        );
        wait_until("it waits for the reader", PATIENCE, async || {
            judge.value::<bool>(&waits).await
        })
        .await;
        check(&mut eye, way, InTheWay { pid, granted: false }).await;
        let known = eye.ask::<RelationsProbe>().await;
        let Bytes::Remembered(remembered, age) = bytes(known, find(known, "locked")) else {
            panic!("it was measured before")
        };
        assert!(remembered == measured && age > 0.0);
        reader.simple("ROLLBACK").await.unwrap();
        running.finish().await.unwrap();
        waiter.simple("ROLLBACK").await.unwrap();
    }
    let ours = format!("[{}]", eye.pid());
    let noise: Vec<String> = server
        .log()
        .lines()
        .filter(|line| line.contains(&ours))
        .map(str::to_owned)
        .collect();
    assert!(noise.is_empty(), "{noise:?}");
}

#[rstest]
#[tokio::test]
async fn a_lock_from_the_beginning_leaves_an_estimate(#[values(12, 18)] major: u32) {
    let (server, judge) = cluster(major).await;
    judge.simple(TABLES).await.unwrap();
    judge.simple("VACUUM ANALYZE").await.unwrap();
    judge
        .simple("BEGIN; LOCK TABLE locked IN ACCESS EXCLUSIVE MODE; PREPARE TRANSACTION 'left alone'")
        .await
        .unwrap();
    let mut eye = Eye::open(&server, "mon", "shop").await;
    let known = eye.ask::<RelationsProbe>().await;
    let row = find(known, "locked");
    let lock = InTheWay {
        pid: None,
        granted: true,
    };
    assert_eq!((row.size, row.lock), (None, Some(lock)));
    assert_eq!(bytes(known, row), Bytes::Estimated(row.estimated_bytes));
    judge.simple("ROLLBACK PREPARED 'left alone'").await.unwrap();
    let known = eye.ask::<RelationsProbe>().await;
    let row = find(known, "locked");
    let (estimate, measured) = (row.estimated_bytes, row.size.unwrap().total());
    // Free space and visibility maps are not in relpages.
    assert!(
        estimate <= measured && measured - estimate < 200_000,
        "{estimate} {measured}"
    );
}
