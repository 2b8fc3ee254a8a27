//! Duplicate and redundant indexes: the truth table.

use pgmon_lab::wait_until;
use pgmon_tui::model::storage::indexes::drop_duplicate;
use pgmon_tui::probe::indexes_duplicate::IndexesDuplicateProbe;
use rstest::rstest;

use crate::PATIENCE;
use crate::eye::{Eye, cluster, number};

/// The first version it is possible on, the schema, the indexes on its `t`, and which goes for which.
type Case = (u32, &'static str, &'static str, &'static [(&'static str, &'static str)]);

const CASES: &[Case] = &[
    (
        12,
        "same",
        "CREATE INDEX a ON t (x); CREATE INDEX b ON t (x)",
        &[("b", "a")],
    ),
    (
        12,
        "three",
        "CREATE INDEX a ON t (x); CREATE INDEX b ON t (x); CREATE INDEX c ON t (x)",
        &[("b", "a"), ("c", "a")],
    ),
    (
        12,
        "prefix",
        "CREATE INDEX a ON t (x); CREATE INDEX b ON t (x, y)",
        &[("a", "b")],
    ),
    (
        12,
        "prefix_direction",
        "CREATE INDEX a ON t (x, y); CREATE INDEX b ON t (y)",
        &[],
    ),
    (
        12,
        "order",
        "CREATE INDEX a ON t (x, y); CREATE INDEX b ON t (y, x)",
        &[],
    ),
    (
        12,
        "descending",
        "CREATE INDEX a ON t (x); CREATE INDEX b ON t (x DESC)",
        &[],
    ),
    (
        12,
        "nulls",
        "CREATE INDEX a ON t (x); CREATE INDEX b ON t (x NULLS FIRST)",
        &[],
    ),
    (
        12,
        "opclass",
        "CREATE INDEX a ON t (v); CREATE INDEX b ON t (v text_pattern_ops)",
        &[],
    ),
    (
        12,
        "collation",
        "CREATE INDEX a ON t (v); CREATE INDEX b ON t (v COLLATE \"C\")",
        &[],
    ),
    (
        12,
        "method",
        "CREATE INDEX a ON t (x); CREATE INDEX b ON t USING hash (x)",
        &[],
    ),
    (
        12,
        "two_hashes",
        "CREATE INDEX a ON t USING hash (x); CREATE INDEX b ON t USING hash (x)",
        &[("b", "a")],
    ),
    (
        12,
        "brin_prefix",
        "CREATE INDEX a ON t USING brin (x); CREATE INDEX b ON t USING brin (x, y)",
        &[],
    ),
    (
        12,
        "brin_options",
        "CREATE INDEX a ON t USING brin (x); CREATE INDEX b ON t USING brin (x) WITH (pages_per_range = 8)",
        &[],
    ),
    (
        12,
        "predicate",
        "CREATE INDEX a ON t (x); CREATE INDEX b ON t (x) WHERE y > 0",
        &[],
    ),
    (
        12,
        "predicates_differ",
        "CREATE INDEX a ON t (x) WHERE y > 1; CREATE INDEX b ON t (x) WHERE y > 0",
        &[],
    ),
    // Of different length, so that the predicate is at another place in the statement.
    (
        12,
        "predicates_alike",
        "CREATE INDEX a ON t (x) WHERE y > 0; CREATE INDEX longer_name ON t (x) WHERE y > 0",
        &[("longer_name", "a")],
    ),
    (
        12,
        "expressions",
        "CREATE INDEX a ON t (lower(v)); CREATE INDEX longer_name ON t (lower(v)); CREATE INDEX c ON t (upper(v))",
        &[("longer_name", "a")],
    ),
    (
        12,
        "expression_prefix",
        "CREATE INDEX a ON t (lower(v)); CREATE INDEX b ON t (lower(v), x)",
        &[],
    ),
    (
        12,
        "include",
        "CREATE INDEX a ON t (x) INCLUDE (y); CREATE INDEX b ON t (x)",
        &[("b", "a")],
    ),
    (
        12,
        "included_key",
        "CREATE INDEX a ON t (x) INCLUDE (y); CREATE INDEX b ON t (x, y)",
        &[("a", "b")],
    ),
    (
        12,
        "included_elsewhere",
        "CREATE INDEX a ON t (x) INCLUDE (z); CREATE INDEX b ON t (x, y)",
        &[],
    ),
    (
        12,
        "unique",
        "CREATE UNIQUE INDEX a ON t (x); CREATE INDEX b ON t (x)",
        &[("b", "a")],
    ),
    (
        12,
        "unique_later",
        "CREATE INDEX a ON t (x); CREATE UNIQUE INDEX b ON t (x)",
        &[("a", "b")],
    ),
    (
        12,
        "unique_prefix",
        "CREATE UNIQUE INDEX a ON t (x); CREATE INDEX b ON t (x, y)",
        &[],
    ),
    (
        12,
        "both_unique",
        "CREATE UNIQUE INDEX a ON t (x); CREATE UNIQUE INDEX b ON t (x)",
        &[("b", "a")],
    ),
    (
        12,
        "unique_include",
        "CREATE UNIQUE INDEX a ON t (x); CREATE UNIQUE INDEX b ON t (x) INCLUDE (y)",
        &[("a", "b")],
    ),
    (
        15,
        "nulls_not_distinct",
        "CREATE UNIQUE INDEX a ON t (x); CREATE UNIQUE INDEX b ON t (x) NULLS NOT DISTINCT",
        &[],
    ),
    (
        12,
        "primary",
        "CREATE INDEX a ON t (x); ALTER TABLE t ADD PRIMARY KEY (x)",
        &[("a", "t_pkey")],
    ),
    (
        12,
        "constraints",
        "ALTER TABLE t ADD PRIMARY KEY (x); ALTER TABLE t ADD UNIQUE (x)",
        &[],
    ),
    (
        12,
        "deferrable",
        "ALTER TABLE t ADD CONSTRAINT a UNIQUE (x) DEFERRABLE; CREATE UNIQUE INDEX b ON t (x)",
        &[],
    ),
    (
        12,
        "identity",
        "CREATE UNIQUE INDEX a ON t (x); CREATE UNIQUE INDEX b ON t (x); ALTER TABLE t REPLICA IDENTITY USING INDEX b",
        &[("a", "b")],
    ),
    (
        12,
        "referenced",
        "CREATE UNIQUE INDEX a ON t (x); CREATE TABLE child (x int REFERENCES t (x)); CREATE UNIQUE INDEX b ON t (x)",
        &[("b", "a")],
    ),
    (
        12,
        "chain",
        "CREATE INDEX a ON t (x); CREATE INDEX b ON t (x, y); CREATE INDEX c ON t (x, y, z); CREATE INDEX d ON t (x, y)",
        &[("a", "c"), ("b", "c"), ("d", "c")],
    ),
    (
        12,
        "invalid",
        "CREATE INDEX a ON t (x); CREATE INDEX b ON t (x); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'b'::regclass",
        &[],
    ),
];

#[rstest]
#[tokio::test]
async fn the_truth_table(#[values(12, 15, 16, 17, 18)] major: u32) {
    let (server, judge) = cluster(major).await;
    let cases: Vec<_> = CASES.iter().filter(|(from, ..)| *from <= major).collect();
    for (_, schema, indexes, _) in &cases {
        judge
            .simple(&format!(
                "CREATE SCHEMA \"{schema}\"; SET search_path = \"{schema}\"; \
                 CREATE TABLE t (x int NOT NULL, y int, z int, v text); {indexes}"
            ))
            .await
            .unwrap();
    }
    let mut eye = Eye::open(&server, "mon", "shop").await;
    let known = eye.ask::<IndexesDuplicateProbe>().await.clone();
    for (_, schema, _, expected) in &cases {
        let rows = known.rows.iter().filter(|row| row.table.nspname == *schema);
        let mut found: Vec<_> = rows
            .map(|row| (row.name.relname.as_str(), row.keeper.relname.as_str()))
            .collect();
        found.sort_unstable();
        assert_eq!(found, *expected, "{schema} on {major}");
    }
    let expected: usize = cases.iter().map(|(.., expected)| expected.len()).sum();
    assert_eq!(usize::try_from(known.indexes).unwrap(), expected);

    // Without those that go nothing superfluous is left, and nothing that is needed went.
    for row in &known.rows {
        judge.simple(&drop_duplicate(row, "large").1).await.unwrap();
    }
    assert_eq!(eye.ask::<IndexesDuplicateProbe>().await.indexes, 0);
}

#[rstest]
#[tokio::test]
async fn a_partitioned_index_goes_as_a_whole(#[values(12, 18)] major: u32) {
    let (server, judge) = cluster(major).await;
    judge
        .simple(
            "CREATE TABLE p (at int, v int) PARTITION BY RANGE (at);
             CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10000);
             CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10000) TO (30000) PARTITION BY RANGE (at);
             CREATE TABLE p21 PARTITION OF p2 FOR VALUES FROM (10000) TO (30000);
             INSERT INTO p SELECT g, g FROM generate_series(0, 29999) g;
             SET enable_seqscan = off; SET enable_bitmapscan = off;
             CREATE INDEX short ON p (at);
             SELECT at FROM p1 WHERE at = 5; SELECT at FROM p21 WHERE at = 20000;
             CREATE INDEX long ON p (at, v);
             SELECT v FROM p21 WHERE at = 20000 AND v = 20000",
        )
        .await
        .unwrap();
    let scans =
        |key: &str| format!("(SELECT sum(idx_scan)::int8 FROM pg_stat_user_indexes WHERE indexrelname LIKE '{key}')");
    let (short, long) = (scans("p%at_idx"), scans("p%at_v_idx"));
    wait_until("the scans are counted", PATIENCE, async || {
        judge.value::<bool>(&format!("SELECT {short} + {long} = 3")).await
    })
    .await;
    let mut eye = Eye::open(&server, "mon", "shop").await;
    let known = eye.ask::<IndexesDuplicateProbe>().await.clone();
    let [row] = known.rows.as_slice() else {
        panic!("{known:?}")
    };
    assert_eq!(
        (row.name.relname.as_str(), row.partitioned, row.same_keys),
        ("short", true, false)
    );
    assert_eq!(
        (row.columns.join(","), row.keeper_columns.join(",")),
        ("at".to_owned(), "at,v".to_owned())
    );
    let counted = (number(&judge, &short).await, number(&judge, &long).await);
    assert_eq!((row.scans, row.keeper_scans), counted);
    assert_eq!(counted, (2, 1));
    let both = "pg_relation_size('p1_at_idx') + pg_relation_size('p21_at_idx')";
    assert_eq!(row.estimated_bytes, number(&judge, both).await);
    judge.simple(&drop_duplicate(row, "large").1).await.unwrap();
    assert_eq!(eye.ask::<IndexesDuplicateProbe>().await.rows, []);
}
