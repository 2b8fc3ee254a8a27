//! Unused indexes: which are listed, which never, and since when nobody used them.

use pgmon_lab::{Client, wait_until};
use pgmon_tui::model::storage::{counted_since, indexes};
use pgmon_tui::probe::indexes_unused::{IndexesUnusedProbe, UnusedIndex, UnusedIndexes};
use rstest::rstest;

use crate::PATIENCE;
use crate::eye::{Eye, cluster, number};

const TABLES: &str = "
    CREATE TABLE parent (id int PRIMARY KEY);
    CREATE TABLE t (id int PRIMARY KEY, u int UNIQUE, r int NOT NULL, x int4range, c int, d int, f int REFERENCES parent, v text,
                    EXCLUDE USING gist (x WITH &&) WHERE (id > 100));
    INSERT INTO parent SELECT generate_series(1, 10);
    INSERT INTO t SELECT g, g, g, int4range(g, g + 1), g, g, g % 10 + 1, md5(g::text) FROM generate_series(1, 20000) g;
    CREATE INDEX plain ON t (c);
    CREATE INDEX partial ON t (d) WHERE d > 10;
    CREATE INDEX expression ON t (lower(v));
    CREATE INDEX supports ON t (f, c);
    CREATE INDEX includes ON t (c) INCLUDE (f);
    CREATE INDEX used ON t (d, c);
    CREATE UNIQUE INDEX distinct_c ON t (c);
    CREATE UNIQUE INDEX identity ON t (r);
    ALTER TABLE t REPLICA IDENTITY USING INDEX identity;
    CREATE INDEX broken ON t (d, v);
    UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken'::regclass;
    CREATE INDEX tiny ON parent (id);
    CREATE TABLE p (at int, v int) PARTITION BY RANGE (at);
    CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10000);
    CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10000) TO (30000);
    INSERT INTO p SELECT g, g FROM generate_series(0, 29999) g;
    CREATE INDEX p_never ON p (v);
    CREATE INDEX p_once ON p (at, v);
    CREATE TABLE q (at int, v int) PARTITION BY RANGE (at);
    CREATE TABLE q1 PARTITION OF q FOR VALUES FROM (0) TO (10000);
    CREATE TABLE q2 PARTITION OF q FOR VALUES FROM (10000) TO (30000) PARTITION BY RANGE (at);
    CREATE TABLE q21 PARTITION OF q2 FOR VALUES FROM (10000) TO (30000);
    INSERT INTO q SELECT g, g FROM generate_series(0, 29999) g;
    CREATE INDEX q_never ON q (at);
    CREATE INDEX q_deep ON q (v);";

const SCANS: &str = "SET enable_seqscan = off; SET enable_bitmapscan = off;
    SELECT c FROM t WHERE d = 7; SELECT v FROM p WHERE at = 5; SELECT at FROM q21 WHERE v = 20000";

async fn scanned(judge: &Client) {
    judge.simple(SCANS).await.unwrap();
    let counted = "SELECT count(*) = 3 FROM pg_stat_user_indexes
                   WHERE indexrelname IN ('used', 'p1_at_v_idx', 'q21_v_idx') AND idx_scan > 0";
    wait_until("the scans are counted", PATIENCE, async || {
        judge.value::<bool>(counted).await
    })
    .await;
}

fn find<'a>(known: &'a UnusedIndexes, relname: &str) -> &'a UnusedIndex {
    known.rows.iter().find(|row| row.name.relname == relname).unwrap()
}

fn names(known: &UnusedIndexes) -> Vec<&str> {
    let mut names: Vec<&str> = known.rows.iter().map(|row| row.name.relname.as_str()).collect();
    names.sort_unstable();
    names
}

#[rstest]
#[tokio::test]
async fn only_what_nobody_needs_is_listed(#[values(12, 18)] major: u32) {
    let (server, judge) = cluster(major).await;
    judge.simple(TABLES).await.unwrap();
    scanned(&judge).await;
    let mut eye = Eye::open(&server, "mon", "shop").await;
    let known = eye.ask::<IndexesUnusedProbe>().await.clone();
    assert_eq!(
        names(&known),
        [
            "expression",
            "includes",
            "p_never",
            "partial",
            "plain",
            "q_never",
            "supports"
        ]
    );
    assert_eq!(known.indexes, 7);
    for row in known.rows.iter().filter(|row| row.parts == 0) {
        assert_eq!(
            row.bytes,
            Some(number(&judge, &format!("pg_relation_size({})", row.oid)).await)
        );
        let writes = "(SELECT n_tup_ins + n_tup_upd - n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 't')";
        assert_eq!(row.writes, Some(number(&judge, writes).await));
    }
    let caveats = |relname: &str| indexes::caveats(find(&known, relname));
    assert_eq!(caveats("plain"), [""; 0]);
    // INCLUDE columns are no keys: they find no child.
    assert_eq!(caveats("includes"), [""; 0]);
    assert_eq!(caveats("supports"), ["supports a foreign key"]);
    assert_eq!(caveats("expression"), ["keeps statistics of an expression"]);
    assert_eq!(caveats("partial"), ["partial"]);
    let all = find(&known, "p_never");
    assert_eq!((all.parts, all.bytes), (2, None));
    let both = "pg_relation_size('p1_v_idx') + pg_relation_size('p2_v_idx')";
    assert_eq!(all.estimated_bytes, number(&judge, both).await);

    // However deep its partitions are: those of q2 have their scans and pages in those of q21.
    let deep = find(&known, "q_never");
    assert_eq!((deep.parts, deep.attached), (2, false));
    let both = "pg_relation_size('q1_at_idx') + pg_relation_size('q21_at_idx')";
    assert_eq!(deep.estimated_bytes, number(&judge, both).await);

    // Our statements do what they say.
    for row in &known.rows {
        let (bare, text) = indexes::drop_unused(&known, row, "large").unwrap();
        assert!(text.starts_with(&bare));
        judge.simple(&text).await.unwrap();
    }
    assert_eq!(eye.ask::<IndexesUnusedProbe>().await.indexes, 0);
}

#[rstest]
#[tokio::test]
async fn the_counters_have_an_age(#[values(12, 14, 15, 18)] major: u32) {
    let (server, judge) = cluster(major).await;
    judge.simple(TABLES).await.unwrap();
    scanned(&judge).await;
    let mut eye = Eye::open(&server, "mon", "shop").await;
    let now = "extract(epoch from clock_timestamp())::float8";
    let known = eye.ask::<IndexesUnusedProbe>().await.clone();
    let began = counted_since(&known).unwrap();
    assert!(began <= known.epoch);

    let before: f64 = judge.value(&format!("SELECT {now}")).await.unwrap();
    judge.simple("SELECT pg_stat_reset()").await.unwrap();
    let reset = "SELECT stats_reset IS NOT NULL AND (SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'used') = 0 \
                 FROM pg_stat_database WHERE datname = 'shop'";
    wait_until("the counters are reset", PATIENCE, async || {
        judge.value::<bool>(reset).await
    })
    .await;
    let known = eye.ask::<IndexesUnusedProbe>().await.clone();
    assert!(counted_since(&known).unwrap() >= before.floor(), "{before} {known:?}");
    assert!(names(&known).contains(&"used"), "nobody used it since");

    // A crash wipes the counters; the database remembers no reset, or the crash itself.
    scanned(&judge).await;
    let before: f64 = judge.value(&format!("SELECT {now}")).await.unwrap();
    server.kill9().await.unwrap();
    server.start_again().await.unwrap();
    let mut eye = Eye::open(&server, "mon", "shop").await;
    let judge = server.client_as("postgres", "shop").await.unwrap();
    wait_until("the server counts again", PATIENCE, async || {
        let known = eye.ask::<IndexesUnusedProbe>().await;
        Ok(counted_since(known).is_some_and(|since| since >= before.floor()))
    })
    .await;
    let wiped = "(SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'used')";
    assert_eq!(number(&judge, wiped).await, 0);
}
