//! Foreign keys without an index: which are listed, in which order, and that the index offered ends it.

use pgmon_lab::wait_until;
use pgmon_tui::model::storage::foreign_keys::create_index;
use pgmon_tui::probe::fk_unindexed::FkUnindexedProbe;
use rstest::rstest;

use crate::PATIENCE;
use crate::eye::{Eye, cluster, number};

const TABLES: &str = "
    CREATE TABLE parent (a int, b int, PRIMARY KEY (a, b));
    CREATE TABLE other (a int PRIMARY KEY);
    INSERT INTO parent SELECT g, g FROM generate_series(1, 100) g;
    INSERT INTO other SELECT generate_series(1, 1000);
    CREATE TABLE bare (a int, b int, CONSTRAINT bare FOREIGN KEY (a, b) REFERENCES parent);
    INSERT INTO bare SELECT g % 50 + 1, g % 50 + 1 FROM generate_series(1, 10000) g;
    CREATE TABLE first_only (a int, b int, CONSTRAINT first_only FOREIGN KEY (a, b) REFERENCES parent);
    CREATE INDEX ON first_only (a);
    CREATE TABLE turned (a int, b int, c int, CONSTRAINT turned FOREIGN KEY (a, b) REFERENCES parent);
    CREATE INDEX ON turned (b, a, c);
    CREATE TABLE behind (a int, b int, c int, CONSTRAINT behind FOREIGN KEY (a, b) REFERENCES parent);
    CREATE INDEX ON behind (c, a, b);
    CREATE TABLE included (a int, b int, CONSTRAINT included FOREIGN KEY (a, b) REFERENCES parent);
    CREATE INDEX ON included (a) INCLUDE (b);
    CREATE TABLE partial (a int CONSTRAINT partial REFERENCES other);
    CREATE INDEX ON partial (a) WHERE a > 10;
    INSERT INTO partial SELECT g FROM generate_series(1, 500) g;
    CREATE TABLE hashed (a int CONSTRAINT hashed REFERENCES other);
    CREATE INDEX ON hashed USING hash (a);
    CREATE TABLE ranged (a int CONSTRAINT ranged REFERENCES other);
    CREATE INDEX ON ranged USING brin (a);
    CREATE TABLE broken (a int CONSTRAINT broken REFERENCES other);
    CREATE INDEX broken_a ON broken (a);
    UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken_a'::regclass;
    CREATE TABLE self (id int PRIMARY KEY, up int CONSTRAINT self REFERENCES self);
    CREATE TABLE parts (at int, a int CONSTRAINT parts REFERENCES other) PARTITION BY RANGE (at);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
    CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
    CREATE INDEX ON parts_1 (a);
    INSERT INTO parts SELECT g % 20, g % 100 + 1 FROM generate_series(1, 5000) g;
    CREATE TABLE each (at int, a int CONSTRAINT each REFERENCES other) PARTITION BY RANGE (at);
    CREATE TABLE each_1 PARTITION OF each FOR VALUES FROM (0) TO (10);
    CREATE INDEX ON each_1 (a);
    CREATE TABLE whole (at int, a int CONSTRAINT whole REFERENCES other) PARTITION BY RANGE (at);
    CREATE TABLE whole_1 PARTITION OF whole FOR VALUES FROM (0) TO (10);
    CREATE INDEX ON whole (a);
    CREATE TABLE deep (at int, a int CONSTRAINT deep REFERENCES other) PARTITION BY RANGE (at);
    CREATE TABLE deep_1 PARTITION OF deep FOR VALUES FROM (0) TO (20) PARTITION BY RANGE (at);
    CREATE TABLE deep_11 PARTITION OF deep_1 FOR VALUES FROM (0) TO (10);
    CREATE TABLE deep_12 PARTITION OF deep_1 FOR VALUES FROM (10) TO (20);
    CREATE INDEX ON deep_11 (a);
    INSERT INTO deep SELECT g % 20, g % 100 + 1 FROM generate_series(1, 500) g;
    CREATE TABLE deep_each (at int, a int CONSTRAINT deep_each REFERENCES other) PARTITION BY RANGE (at);
    CREATE TABLE deep_each_1 PARTITION OF deep_each FOR VALUES FROM (0) TO (20) PARTITION BY RANGE (at);
    CREATE TABLE deep_each_11 PARTITION OF deep_each_1 FOR VALUES FROM (0) TO (20);
    CREATE INDEX ON deep_each_11 (a);
    CREATE TABLE apart (a int PRIMARY KEY) PARTITION BY RANGE (a);
    CREATE TABLE apart_1 PARTITION OF apart FOR VALUES FROM (0) TO (10);
    CREATE TABLE apart_2 PARTITION OF apart FOR VALUES FROM (10) TO (20);
    CREATE TABLE twice (at int, a int) PARTITION BY RANGE (at);
    CREATE TABLE twice_1 PARTITION OF twice FOR VALUES FROM (0) TO (10);
    ALTER TABLE twice ADD CONSTRAINT twice FOREIGN KEY (a) REFERENCES apart;
    CREATE TABLE twice_2 PARTITION OF twice FOR VALUES FROM (10) TO (20);
    CREATE INDEX ON twice_1 (a);";

#[rstest]
#[tokio::test]
async fn only_an_index_that_helps_counts(#[values(12, 18)] major: u32) {
    let (server, judge) = cluster(major).await;
    judge.simple(TABLES).await.unwrap();
    if major >= 18 {
        let promise = "CREATE TABLE promise (a int CONSTRAINT promise REFERENCES other NOT ENFORCED)";
        judge.simple(promise).await.unwrap();
    }
    judge.simple("VACUUM ANALYZE").await.unwrap();
    judge.simple("DELETE FROM other WHERE a > 900").await.unwrap();
    judge.simple("DELETE FROM parent WHERE a > 90").await.unwrap();
    judge.simple("UPDATE parent SET b = b WHERE a > 80").await.unwrap();
    let counted = "SELECT sum(n_tup_del) = 110 AND sum(n_tup_upd) = 10 FROM pg_stat_user_tables WHERE relname IN ('other', 'parent')";
    wait_until("the changes are reported", PATIENCE, async || {
        judge.value::<bool>(counted).await
    })
    .await;
    let mut eye = Eye::open(&server, "mon", "shop").await;
    let known = eye.ask::<FkUnindexedProbe>().await.clone();
    let mut names: Vec<&str> = known.rows.iter().map(|row| row.name.as_str()).collect();
    // A DELETE reads all of the child: the largest where most parents were deleted come first.
    assert_eq!(names[0], "parts", "{names:?}");
    names.sort_unstable();
    let expected = [
        "bare",
        "behind",
        "broken",
        "deep",
        "first_only",
        "included",
        "partial",
        "parts",
        "ranged",
        "self",
        "twice",
    ];
    assert_eq!(names, expected);
    assert_eq!(usize::try_from(known.keys).unwrap(), expected.len());
    let find = |name: &str| known.rows.iter().find(|row| row.name == name).unwrap();
    let bare = find("bare");
    assert_eq!((bare.parent_deleted, bare.parent_updated), (10, 10));
    assert_eq!(bare.columns, ["a", "b"]);
    assert_eq!(bare.estimated_bytes, number(&judge, "pg_relation_size('bare')").await);
    let parts = find("parts");
    assert_eq!((parts.partitioned, parts.parts, parts.bare), (true, 2, 1));
    let both = "pg_relation_size('parts_1') + pg_relation_size('parts_2')";
    assert_eq!(parts.estimated_bytes, number(&judge, both).await);
    // What is partitioned in between holds no rows; ANALYZE leaves -1 pages in it (14+).
    let deep = find("deep");
    assert_eq!((deep.partitioned, deep.parts, deep.bare), (true, 2, 1));
    let both = "pg_relation_size('deep_11') + pg_relation_size('deep_12')";
    assert_eq!(deep.estimated_bytes, number(&judge, both).await);
    // Where both sides are partitioned, no trigger belongs to the key itself (12 to 14), only to those of the partitions.
    let twice = find("twice");
    assert_eq!((twice.partitioned, twice.parts, twice.bare), (true, 2, 1));
    for row in &known.rows {
        judge.simple(&create_index(row, "large").1).await.unwrap();
    }
    assert_eq!(eye.ask::<FkUnindexedProbe>().await.keys, 0);
}

#[rstest]
#[tokio::test]
async fn deletes_from_a_partitioned_parent_are_summed_up(#[values(12, 18)] major: u32) {
    let (server, judge) = cluster(major).await;
    judge
        .simple(
            "CREATE TABLE parent (a int PRIMARY KEY) PARTITION BY RANGE (a);
             CREATE TABLE parent_1 PARTITION OF parent FOR VALUES FROM (0) TO (100);
             CREATE TABLE parent_2 PARTITION OF parent FOR VALUES FROM (100) TO (200) PARTITION BY RANGE (a);
             CREATE TABLE parent_21 PARTITION OF parent_2 FOR VALUES FROM (100) TO (200);
             INSERT INTO parent SELECT generate_series(0, 199);
             CREATE TABLE child (a int REFERENCES parent)",
        )
        .await
        .unwrap();
    judge
        .simple("DELETE FROM parent WHERE a BETWEEN 95 AND 104")
        .await
        .unwrap();
    let counted = "SELECT sum(n_tup_del) = 10 FROM pg_stat_user_tables WHERE relname LIKE 'parent\\_%'";
    wait_until("the deletes are reported", PATIENCE, async || {
        judge.value::<bool>(counted).await
    })
    .await;
    let mut eye = Eye::open(&server, "mon", "shop").await;
    let known = eye.ask::<FkUnindexedProbe>().await;
    let [row] = known.rows.as_slice() else {
        panic!("one key, whatever it is made of inside: {known:?}")
    };
    assert_eq!(row.parent_deleted, 10);
}
