//! Measurements against `pgstattuple_approx` and `pgstatindex` asked by somebody else.

use pgmon_lab::Client;
use pgmon_tui::model::bloat;
use pgmon_tui::pg::fault::FaultKind;
use pgmon_tui::probe::measure::Measure;
use pgmon_tui::probe::measure_indexes::MeasureIndexes;
use pgmon_tui::probe::relation::Relation;
use pgmon_tui::probe::relation_stats::RelationStats;
use pgmon_tui::probe::{Ask, Focus, Latest, Probe, Wanted};

use crate::eye::Eye;
use crate::{cluster, number, oid};

async fn fill(client: &Client) {
    for statement in [
        "CREATE TABLE t (a int PRIMARY KEY, b text) WITH (fillfactor = 80)",
        "INSERT INTO t SELECT g, repeat('x', g % 100) FROM generate_series(1, 20000) g",
        "VACUUM t",
        "DELETE FROM t WHERE a % 3 = 0",
        "VACUUM t",
        "DELETE FROM t WHERE a % 3 = 1 AND a < 3000",
    ] {
        client.simple(statement).await.unwrap();
    }
}

#[tokio::test]
async fn a_measurement_is_what_the_extension_says_wherever_it_lives() {
    for (major, schema) in [(12, "public"), (15, "Ext \"1\""), (18, "ext")] {
        let cluster = cluster(major).await;
        let client = cluster.client().await.unwrap();
        let quoted = format!("\"{}\"", schema.replace('"', "\"\""));
        let create = format!("CREATE SCHEMA IF NOT EXISTS {quoted}");
        client.simple(&create).await.unwrap();
        client
            .simple(&format!("CREATE EXTENSION pgstattuple SCHEMA {quoted}"))
            .await
            .unwrap();
        client
            .simple(&format!("GRANT USAGE ON SCHEMA {quoted} TO mon, plain"))
            .await
            .unwrap();
        fill(&client).await;
        let (table, index) = (oid(&client, "t").await, oid(&client, "t_pkey").await);
        let mut eye = Eye::open(&cluster, "mon").await;
        eye.look_at(table);
        let measured = eye.demand("measure", table).ask::<Measure>().await.unwrap();
        let heap = measured.found.unwrap();
        let of = |column: &str| format!("(SELECT {column} FROM {quoted}.pgstattuple_approx('t'))");
        for (ours, column) in [
            (heap.bytes, "table_len"),
            (heap.live, "approx_tuple_count"),
            (heap.live_bytes, "approx_tuple_len"),
            (heap.dead, "dead_tuple_count"),
            (heap.dead_bytes, "dead_tuple_len"),
            (heap.free_bytes, "approx_free_space"),
        ] {
            assert_eq!(ours, number(&client, &of(column)).await, "{column} on {major}");
        }
        assert_eq!(heap.dead, 1000, "deleted and not vacuumed");
        assert!(heap.scanned > 0.0 && heap.scanned < 100.0, "{heap:?}");
        a_rewrite_wins_that_much(&client, bloat::to_win(&heap, 80)).await;

        let measured = eye.demand("measure_indexes", index).ask::<MeasureIndexes>().await;
        let tree = measured[0].found.unwrap();
        let of = |column: &str| format!("(SELECT {column} FROM {quoted}.pgstatindex('t_pkey'))");
        assert_eq!(tree.bytes, number(&client, &of("index_size")).await);
        assert_eq!(tree.leaves, number(&client, &of("leaf_pages")).await);
        let density: f64 = client
            .value(&format!("SELECT avg_leaf_density FROM {quoted}.pgstatindex('t_pkey')"))
            .await
            .unwrap();
        assert_eq!(tree.density, Some(density));
        let promised = bloat::tree_to_win(&tree, 8192, None);
        client.simple("REINDEX INDEX t_pkey").await.unwrap();
        let won = tree.bytes - number(&client, "pg_relation_size('t_pkey')").await;
        assert!(
            (won - promised).abs() * 10 < tree.bytes,
            "{won} of {}, {promised} promised",
            tree.bytes
        );
        let mut plain = Eye::open(&cluster, "plain").await;
        plain.look_at(table).demand("measure", table);
        assert_eq!(plain.try_ask::<Measure>().await.unwrap_err().kind, FaultKind::Denied);
    }
}

/// A copy with the same rows, written anew.
async fn a_rewrite_wins_that_much(client: &Client, promised: i64) {
    for statement in [
        "CREATE TABLE twin (LIKE t) WITH (fillfactor = 80)",
        "INSERT INTO twin SELECT * FROM t",
    ] {
        client.simple(statement).await.unwrap();
    }
    let bytes = number(client, "pg_relation_size('t')").await;
    let won = bytes - number(client, "pg_relation_size('twin')").await;
    assert!(
        (won - promised).abs() * 20 < bytes,
        "{won} of {bytes}, {promised} promised"
    );
}

#[tokio::test]
async fn what_cannot_be_measured_has_an_answer_too() {
    let cluster = cluster(18).await;
    let client = cluster.client().await.unwrap();
    client
        .simple("CREATE TABLE t (a int); CREATE INDEX h ON t USING hash (a)")
        .await
        .unwrap();
    let table = oid(&client, "t").await;
    // Without the extension it is not asked, and the reason is a sentence.
    let eye = Eye::open(&cluster, "mon").await;
    let focus = Focus {
        keys: vec![i64::from(table)],
        ..Focus::default()
    };
    let wanted = Measure::wanted(&Ask {
        server: eye.session.server(),
        settings: &pgmon_tui::config::Settings::default(),
        latest: &Latest::default(),
        focus: &focus,
        own: &[],
    });
    assert!(matches!(wanted, Wanted::No(reason) if reason.contains("pgstattuple")));
    client.simple("CREATE EXTENSION pgstattuple").await.unwrap();
    // An empty table, a table that has gone, an index that is no B-tree.
    let mut eye = Eye::open(&cluster, "mon").await;
    eye.look_at(table);
    let measured = eye.demand("measure", table).ask::<Measure>().await.unwrap();
    assert_eq!(measured.found.unwrap().bytes, 0);
    assert_eq!(eye.demand("measure", u32::MAX).ask::<Measure>().await, None);
    let hash = oid(&client, "h").await;
    let measured = eye.demand("measure_indexes", hash).ask::<MeasureIndexes>().await;
    assert_eq!(measured[0].found.unwrap().density, None);
}

#[tokio::test]
async fn a_standby_measures_and_says_that_it_is_one() {
    for major in [12, 18] {
        let cluster = cluster(major).await;
        let client = cluster.client().await.unwrap();
        client.simple("CREATE EXTENSION pgstattuple").await.unwrap();
        fill(&client).await;
        let standby = cluster.standby("standby1", &[]).await.unwrap();
        let there = standby.client().await.unwrap();
        let (table, index) = (oid(&there, "t").await, oid(&there, "t_pkey").await);
        let mut eye = Eye::open(&standby, "mon").await;
        let stats = eye.look_at(table).ask::<RelationStats>().await.unwrap();
        assert!(stats.in_recovery);
        assert!(eye.ask::<Relation>().await.unwrap().size.exact.is_some());
        let measured = eye.demand("measure", table).ask::<Measure>().await.unwrap();
        let bytes = number(&there, "(SELECT table_len FROM pgstattuple_approx('t'))").await;
        assert_eq!(measured.found.unwrap().bytes, bytes);
        let measured = eye.demand("measure_indexes", index).ask::<MeasureIndexes>().await;
        assert!(measured[0].found.is_ok());
    }
}
