//! The largest tables: sizes, counters, growth, and that none is missed.

use pgmon_lab::{Client, wait_until};
use pgmon_tui::model::storage::growth::{Growth, growth};
use pgmon_tui::probe::relations::{Relation, Relations, RelationsProbe};
use rstest::rstest;

use crate::PATIENCE;
use crate::eye::{Eye, cluster, number};

const TABLES: &str = "
    CREATE TABLE plain (id int PRIMARY KEY, v text);
    INSERT INTO plain SELECT g, 'x' FROM generate_series(1, 20000) g;
    CREATE INDEX ON plain (v, id);
    CREATE TABLE long_values (id int, v text);
    ALTER TABLE long_values ALTER v SET STORAGE EXTERNAL;
    INSERT INTO long_values SELECT g, repeat('y', 9000) FROM generate_series(1, 300) g;
    CREATE MATERIALIZED VIEW seen AS SELECT * FROM plain;
    CREATE UNLOGGED TABLE fleeting AS SELECT g FROM generate_series(1, 5000) g;
    CREATE TABLE events (at int, v text) PARTITION BY RANGE (at);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (100);
    INSERT INTO events SELECT g % 100, 'z' FROM generate_series(1, 9000) g;
    CREATE TABLE empty ();";

fn find<'a>(known: &'a Relations, relname: &str) -> Option<&'a Relation> {
    known.rows.iter().find(|row| row.name.relname == relname)
}

async fn check_size(judge: &Client, row: &Relation) {
    let size = row.size.unwrap();
    let of = |function: &str| format!("{function}({})", row.oid);
    let toast = "coalesce((SELECT pg_total_relation_size(nullif(reltoastrelid, 0)) FROM pg_class WHERE oid = ";
    assert_eq!(
        size.total(),
        number(judge, &of("pg_total_relation_size")).await,
        "{row:?}"
    );
    assert_eq!(size.indexes, number(judge, &of("pg_indexes_size")).await);
    assert_eq!(size.heap + size.toast, number(judge, &of("pg_table_size")).await);
    assert_eq!(size.toast, number(judge, &format!("{toast}{}), 0)", row.oid)).await);
}

#[rstest]
#[tokio::test]
async fn sizes_are_those_of_the_size_functions(#[values(12, 18)] major: u32) {
    let (server, judge) = cluster(major).await;
    judge.simple(TABLES).await.unwrap();
    judge.simple("VACUUM ANALYZE").await.unwrap();
    let mut eye = Eye::open(&server, "mon", "shop").await;
    let known = eye.ask::<RelationsProbe>().await.clone();
    for row in &known.rows {
        check_size(&judge, row).await;
    }
    let tables = "(SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'm'))";
    assert_eq!(known.relations, number(&judge, tables).await);
    let expected: Vec<String> = judge
        .column(
            "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm') \
             AND relname <> 'empty' ORDER BY pg_total_relation_size(oid) DESC, oid",
        )
        .await
        .unwrap();
    let names: Vec<&str> = known.rows.iter().map(|row| row.name.relname.as_str()).collect();
    assert_eq!(names, expected, "the catalogs of a small database are not listed");
    let part = find(&known, "events_1").unwrap();
    assert_eq!(part.parent.as_ref().unwrap().relname, "events");
    assert_eq!(find(&known, "plain").unwrap().indexes, 2);

    // What the catalog tells of more than 16 TiB looks negative there; it is looked at all the same.
    judge
        .simple("UPDATE pg_class SET relpages = -1000000000 WHERE relname = 'empty'")
        .await
        .unwrap();
    let known = eye.ask::<RelationsProbe>().await;
    assert_eq!(find(known, "empty").unwrap().estimated_bytes, 3_294_967_296 * 8192);

    eye.settings.hide_postgres_defaults = false;
    let all = eye.ask::<RelationsProbe>().await;
    assert!(find(all, "pg_proc").is_some());
    assert!(find(all, "plain").is_some());
}

#[rstest]
#[tokio::test]
async fn counters_are_those_of_the_views(#[values(12, 18)] major: u32) {
    let (server, judge) = cluster(major).await;
    judge.simple(TABLES).await.unwrap();
    judge.simple("UPDATE plain SET v = 'u' WHERE id <= 50").await.unwrap();
    judge.simple("DELETE FROM plain WHERE id > 19900").await.unwrap();
    // What is reported after an ANALYZE counts as changed since.
    let reported = "SELECT n_tup_ins = 20000 AND n_tup_del = 100 FROM pg_stat_user_tables WHERE relname = 'plain'";
    wait_until("the changes are reported", PATIENCE, async || {
        judge.value::<bool>(reported).await
    })
    .await;
    for statement in [
        "ANALYZE plain",
        "SET enable_seqscan = off",
        "SELECT * FROM plain WHERE id = 7",
        "RESET enable_seqscan",
        "SELECT count(*) FROM plain",
        "INSERT INTO plain SELECT g, 'n' FROM generate_series(30000, 30010) g",
    ] {
        judge.simple(statement).await.unwrap();
    }
    let reported = "SELECT n_tup_ins = 20011 AND n_tup_del = 100 AND idx_scan >= 1 AND n_mod_since_analyze = 11 FROM pg_stat_user_tables \
                    WHERE relname = 'plain'";
    wait_until("the counters are reported", PATIENCE, async || {
        judge.value::<bool>(reported).await
    })
    .await;
    let mut eye = Eye::open(&server, "mon", "shop").await;
    let known = eye.ask::<RelationsProbe>().await;
    let row = find(known, "plain").unwrap();
    let of = |column: &str| format!("(SELECT {column} FROM pg_stat_user_tables WHERE relname = 'plain')");
    for (column, value) in [
        ("n_live_tup", row.live),
        ("n_dead_tup", row.dead),
        ("n_mod_since_analyze", row.modified),
        ("n_tup_ins", row.inserted),
        ("n_tup_upd", row.updated),
        ("n_tup_hot_upd", row.hot_updated),
        ("n_tup_del", row.deleted),
        ("seq_scan", row.seq_scan),
        ("idx_scan", row.idx_scan),
        ("extract(epoch from last_analyze)", whole(row.last_analyze.unwrap())),
    ] {
        assert_eq!(value, number(&judge, &of(column)).await, "{column}");
    }
    assert_eq!((row.modified, row.last_vacuum), (11, None));
    let io = |columns: &str| format!("(SELECT {columns} FROM pg_statio_user_tables WHERE relname = 'plain')");
    let all =
        "heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read + coalesce(toast_blks_hit + toast_blks_read, 0)";
    assert_eq!(row.blocks_fetched, number(&judge, &io(all)).await);
    let hit = "heap_blks_hit + idx_blks_hit + coalesce(toast_blks_hit, 0)";
    assert_eq!(row.blocks_hit, number(&judge, &io(hit)).await);
}

/// As `::int8` rounds.
#[expect(clippy::cast_possible_truncation, reason = "seconds of this century")]
fn whole(epoch: f64) -> i64 {
    epoch.round() as i64
}

#[rstest]
#[tokio::test]
async fn a_table_just_filled_is_found_and_stays(#[values(12, 18)] major: u32) {
    let (server, judge) = cluster(major).await;
    judge
        .simple(
            "DO $$ BEGIN FOR n IN 1..30 LOOP
               EXECUTE format('CREATE TABLE t%s AS SELECT g, repeat(''x'', 100) AS v FROM generate_series(1, 2000) g', n);
             END LOOP; END $$;
             CREATE TABLE fresh (g int, v text)",
        )
        .await
        .unwrap();
    judge.simple("VACUUM ANALYZE").await.unwrap();
    judge
        .simple("INSERT INTO fresh SELECT g, repeat('x', 100) FROM generate_series(1, 50000) g")
        .await
        .unwrap();
    let stale = "(SELECT relpages FROM pg_class WHERE relname = 'fresh')";
    assert_eq!(number(&judge, stale).await, 0, "the catalog does not know of it");
    wait_until("its rows are reported", PATIENCE, async || {
        Ok(number(&judge, "pg_stat_get_mod_since_analyze('fresh'::regclass)").await >= 50_000)
    })
    .await;
    let mut eye = Eye::open(&server, "mon", "shop").await;
    eye.settings.top_relations = 5;
    let known = eye.ask::<RelationsProbe>().await;
    assert_eq!((known.rows.len(), known.rows[0].name.relname.as_str()), (5, "fresh"));

    // Its counters are lost: then it is known from last time.
    judge.simple("SELECT pg_stat_reset()").await.unwrap();
    wait_until("the counters are gone", PATIENCE, async || {
        Ok(number(&judge, "pg_stat_get_mod_since_analyze('fresh'::regclass)").await == 0)
    })
    .await;
    let known = eye.ask::<RelationsProbe>().await;
    assert_eq!(known.rows[0].name.relname, "fresh");
    assert!(known.stats_reset.is_some());
}

#[rstest]
#[tokio::test]
async fn growth_is_the_difference_of_two_sizes(#[values(12, 18)] major: u32) {
    let (server, judge) = cluster(major).await;
    judge.simple(TABLES).await.unwrap();
    let mut eye = Eye::open(&server, "mon", "shop").await;
    let of = |known: &Relations| growth(known, find(known, "plain").unwrap());
    let bytes = "pg_total_relation_size('plain')";
    let before = number(&judge, bytes).await;
    assert_eq!(of(eye.ask::<RelationsProbe>().await), Growth::First);
    judge
        .simple("INSERT INTO plain SELECT g, 'x' FROM generate_series(20001, 60000) g")
        .await
        .unwrap();
    let after = number(&judge, bytes).await;
    let Growth::Since { bytes: grown, .. } = of(eye.ask::<RelationsProbe>().await) else {
        panic!("it was measured twice")
    };
    assert!(grown > 0);
    assert_eq!(grown, after - before);
    judge.simple("TRUNCATE plain; ANALYZE plain").await.unwrap();
    let left = number(&judge, bytes).await;
    assert_eq!(
        of(eye.ask::<RelationsProbe>().await),
        Growth::Rewritten { bytes: left - after }
    );
}
