//! Sequences: how full each is, what limits it, when it ends; and those that cannot be read.

use pgmon_lab::wait_until;
use pgmon_tui::model::storage::sequences::{Limit, left, limit, widen};
use pgmon_tui::probe::sequences::{Sequence, Sequences, SequencesProbe};
use rstest::rstest;

use crate::PATIENCE;
use crate::eye::{Eye, cluster, number};

const SEQUENCES: &str = "
    CREATE TABLE s (id serial PRIMARY KEY);
    SELECT setval('s_id_seq', 2140000000);
    CREATE SEQUENCE wide;
    CREATE TABLE narrow (id int DEFAULT nextval('wide'));
    ALTER SEQUENCE wide OWNED BY narrow.id;
    SELECT setval('wide', 2000000000);
    CREATE SEQUENCE loose;
    CREATE TABLE borrows (id smallint DEFAULT nextval('loose'));
    SELECT setval('loose', 30000);
    CREATE TABLE i (id bigint GENERATED ALWAYS AS IDENTITY);
    SELECT setval('i_id_seq', 1000);
    CREATE SEQUENCE down AS smallint INCREMENT -1;
    SELECT setval('down', -32000);
    CREATE SEQUENCE bounded MAXVALUE 1000;
    SELECT setval('bounded', 250);
    CREATE SEQUENCE never;
    CREATE SEQUENCE round MAXVALUE 10 CYCLE;
    CREATE DOMAIN whole AS int;
    CREATE DOMAIN small AS whole CHECK (VALUE > 0);
    CREATE SEQUENCE tame;
    CREATE DOMAIN number AS oid;
    CREATE DOMAIN object AS number;
    CREATE SEQUENCE objects;
    CREATE SEQUENCE classes;
    CREATE TABLE unsigned (id object DEFAULT nextval('objects'), class regclass DEFAULT nextval('classes'));
    SELECT setval('objects', 3000000000), setval('classes', 4000000000);
    INSERT INTO unsigned DEFAULT VALUES;
    CREATE TABLE d (id small DEFAULT nextval('tame'), n numeric DEFAULT nextval('i_id_seq'));
    CREATE TEMPORARY SEQUENCE mine;";

fn find<'a>(known: &'a Sequences, relname: &str) -> &'a Sequence {
    known.rows.iter().find(|row| row.name.relname == relname).unwrap()
}

#[rstest]
#[tokio::test]
async fn the_narrowest_of_sequence_and_column_is_the_end(#[values(12, 18)] major: u32) {
    let (server, judge) = cluster(major).await;
    judge.simple(SEQUENCES).await.unwrap();
    let mut eye = Eye::open(&server, "postgres", "shop").await;
    let known = eye.ask::<SequencesProbe>().await.clone();
    let int = i64::from(i32::MAX);
    for (name, last, bound, expected, column) in [
        ("s_id_seq", Some(2_140_000_000), int, Limit::Type, Some("s.id")),
        ("wide", Some(2_000_000_000), int, Limit::Column, Some("narrow.id")),
        ("loose", Some(30_000), 32_767, Limit::Column, Some("borrows.id")),
        ("i_id_seq", Some(1000), i64::MAX, Limit::Type, Some("i.id")),
        ("down", Some(-32_000), -32_768, Limit::Type, None),
        ("bounded", Some(250), 1000, Limit::Bound, None),
        ("tame", None, int, Limit::Column, Some("d.id")),
        (
            "objects",
            Some(3_000_000_001),
            i64::MAX,
            Limit::Type,
            Some("unsigned.id"),
        ),
        (
            "classes",
            Some(4_000_000_001),
            i64::MAX,
            Limit::Type,
            Some("unsigned.class"),
        ),
        ("never", None, i64::MAX, Limit::Type, None),
    ] {
        let row = find(&known, name);
        assert_eq!(
            (row.last_value, row.bound, limit(row)),
            (last, bound, expected),
            "{name}"
        );
        let feeds = row
            .column
            .as_ref()
            .map(|column| format!("{}.{}", column.table.relname, column.name));
        assert_eq!(feeds.as_deref(), column, "{name}");
    }
    assert_eq!((known.rows.len(), known.sequences, known.read), (10, 10, 10));
    let shares: Vec<f64> = known.rows.iter().map(|row| row.share).collect();
    assert!(shares.is_sorted_by(|a, b| a >= b), "{shares:?}");
    let near = |name: &str, expected: f64| assert!((find(&known, name).share - expected).abs() < 1e-3, "{name}");
    near("s_id_seq", 2_140_000_000.0 / 2_147_483_647.0);
    near("down", 31_999.0 / 32_767.0);
    near("bounded", 0.25);
    near("never", 0.0);

    // What is left is what nextval gives before it refuses.
    let row = find(&known, "down");
    let given = format!(
        "(SELECT count(nextval('down')) FROM generate_series(1, {}))",
        left(row).unwrap()
    );
    assert_eq!(Some(number(&judge, &given).await), left(row));
    judge.value::<i64>("SELECT nextval('down')").await.unwrap_err();

    for row in &known.rows {
        for (_, text) in widen(row) {
            judge.simple(&text).await.unwrap();
        }
    }
    let known = eye.ask::<SequencesProbe>().await;
    let bounds: Vec<i64> = known.rows.iter().map(|row| row.bound).collect();
    assert!(
        bounds
            .iter()
            .all(|bound| bound.unsigned_abs() >= i64::MAX.unsigned_abs()),
        "{bounds:?}"
    );
    assert_eq!(known.earlier.get(&find(known, "bounded").oid).unwrap().len(), 2);
}

#[rstest]
#[tokio::test]
async fn a_sequence_somebody_alters_is_left_out(#[values(12, 17, 18)] major: u32) {
    let (server, judge) = cluster(major).await;
    judge
        .simple("CREATE SEQUENCE a; CREATE SEQUENCE b; SELECT nextval('a'), nextval('b')")
        .await
        .unwrap();
    let mut eye = Eye::open(&server, "postgres", "shop").await;
    let read = |known: &Sequences| (known.rows.len(), known.read, known.locked);
    assert_eq!(read(eye.ask::<SequencesProbe>().await), (2, 2, 0));
    for way in [
        "ALTER SEQUENCE a INCREMENT 2",
        "DROP SEQUENCE a",
        "ALTER SEQUENCE a RENAME TO c",
    ] {
        let holder = server.client_as("postgres", "shop").await.unwrap();
        holder.simple(&format!("BEGIN; {way}")).await.unwrap();
        assert_eq!(read(eye.ask::<SequencesProbe>().await), (1, 1, 1), "{way}");
        holder.simple("ROLLBACK").await.unwrap();
    }
    assert_eq!(read(eye.ask::<SequencesProbe>().await), (2, 2, 0));
}

#[rstest]
#[tokio::test]
async fn a_request_for_a_lock_stands_in_the_way_too(#[values(12, 18)] major: u32) {
    let (server, judge) = cluster(major).await;
    judge.simple("CREATE SEQUENCE a; SELECT nextval('a')").await.unwrap();
    let mut eye = Eye::open(&server, "postgres", "shop").await;
    let reader = server.client_as("postgres", "shop").await.unwrap();
    reader.simple("BEGIN; SELECT nextval('a')").await.unwrap();
    let waiter = server.client_as("postgres", "shop").await.unwrap();
    let running = waiter.spawn("DROP SEQUENCE a");
    let waits = format!(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = {} AND NOT granted)",
        waiter.pid()
    );
    wait_until("it waits for the reader", PATIENCE, async || {
        judge.value::<bool>(&waits).await
    })
    .await;
    let known = eye.ask::<SequencesProbe>().await;
    assert_eq!((known.rows.len(), known.read, known.locked), (0, 0, 1));
    reader.simple("COMMIT").await.unwrap();
    running.finish().await.unwrap();
    assert_eq!(eye.ask::<SequencesProbe>().await.sequences, 0);
}

#[rstest]
#[tokio::test]
async fn very_many_are_read_in_turn_and_leave_room_in_the_lock_table(#[values(12, 18)] major: u32) {
    let (server, judge) = cluster(major).await;
    let create = "DO $$ BEGIN FOR n IN 1..1500 LOOP EXECUTE format('CREATE SEQUENCE s%s', n);
                  IF n % 100 = 0 THEN COMMIT; END IF; END LOOP; END $$";
    judge.simple(create).await.unwrap();
    judge.simple("CREATE SEQUENCE last").await.unwrap();
    judge
        .value::<i64>("SELECT setval('last', 4611686018427387904)")
        .await
        .unwrap();
    let settings = "current_setting('max_locks_per_transaction')::int8 * (current_setting('max_connections')::int8 \
                    + current_setting('max_prepared_transactions')::int8)";
    let most = number(&judge, settings).await / 10;
    assert!(most < 1000, "not all at once: {most}");
    let mut eye = Eye::open(&server, "postgres", "shop").await;
    let known = eye.ask::<SequencesProbe>().await;
    assert_eq!(known.sequences, 1501);
    assert!(known.read <= most + 50, "{}", known.read);
    // Nothing tells that the last one is half used: it is found when its turn comes, and stays.
    let mut found = 0;
    for _ in 0..8 {
        let known = eye.ask::<SequencesProbe>().await;
        assert!(known.read <= most + 50, "{}", known.read);
        let first = known.rows[0].name.relname == "last";
        assert!(first || found == 0, "it was known once");
        found += i32::from(first);
    }
    assert!(found > 2, "{found}");
}
