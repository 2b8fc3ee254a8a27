//! More than 16 TiB: `pg_class` holds pages unsigned and shows them signed, as less than none.

use pgmon_tui::model::{autovacuum, relation_upkeep};
use pgmon_tui::probe::fk_unindexed::FkUnindexedProbe;
use pgmon_tui::probe::indexes_duplicate::IndexesDuplicateProbe;
use pgmon_tui::probe::indexes_invalid::IndexesInvalidProbe;
use pgmon_tui::probe::indexes_unused::IndexesUnusedProbe;
use pgmon_tui::probe::partitions::PartitionsProbe;
use pgmon_tui::probe::relation::Relation;
use pgmon_tui::probe::relation_family::RelationFamily;
use pgmon_tui::probe::relation_indexes::RelationIndexes;
use pgmon_tui::probe::relation_stats::RelationStats;

use crate::eye::Eye;
use crate::{cluster, oid};

const PAGES: i64 = 3_000_000_000;
const BYTES: i64 = PAGES * 8192;

/// A table, and a partitioned one with a partition, all of that size, with indexes of which each is one too many.
const TABLES: &str = "
    CREATE TABLE other (id int PRIMARY KEY);
    CREATE TABLE t (a int REFERENCES other, v text);
    CREATE INDEX first ON t (v);
    CREATE INDEX second ON t (v);
    CREATE INDEX broken ON t (a);
    UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken'::regclass;
    CREATE TABLE parts (a int REFERENCES other, v text) PARTITION BY RANGE (a);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
    CREATE INDEX parts_first ON parts (v);
    CREATE INDEX parts_second ON parts (v);
    ANALYZE parts;
    UPDATE pg_class SET relpages = -1294967296, relallvisible = -1294967296
     WHERE relkind IN ('r', 'i', 't') AND oid >= 16384";

#[tokio::test]
async fn pages_are_not_less_than_none() {
    for major in [12, 15, 18] {
        let cluster = cluster(major).await;
        let client = cluster.client().await.unwrap();
        client.simple(TABLES).await.unwrap();
        if major >= 18 {
            let frozen = "UPDATE pg_class SET relallfrozen = relpages WHERE oid = 't'::regclass";
            client.simple(frozen).await.unwrap();
        }
        let (table, partitioned) = (oid(&client, "t").await, oid(&client, "parts").await);
        let mut eye = Eye::open(&cluster, "mon").await;
        the_page_of_a_table(&mut eye, table, major).await;
        the_page_of_a_partitioned_one(&mut eye, partitioned).await;
        the_lists(&mut eye).await;
    }
}

async fn the_page_of_a_table(eye: &mut Eye, table: u32, major: u32) {
    let known = eye.look_at(table).ask::<Relation>().await.unwrap();
    let toast = known.toast.as_ref().unwrap();
    let pages = [known.pages, known.visible_pages, toast.pages, toast.visible_pages];
    assert_eq!(pages, [PAGES; 4], "on {major}");
    assert_eq!(known.size.index_pages, 3 * PAGES);
    let stats = eye.ask::<RelationStats>().await.unwrap();
    assert_eq!(stats.frozen_pages, (major >= 18).then_some(PAGES));
    // The server reads them signed where it decides on a VACUUM for inserts, and then takes all rows for unfrozen.
    let unfrozen = autovacuum::unfrozen(&relation_upkeep::table(&known, &stats));
    assert!((unfrozen - 1.0).abs() < f64::EPSILON);
    let indexes = eye.ask::<RelationIndexes>().await;
    assert!(indexes.iter().all(|index| index.planned_bytes == BYTES), "{indexes:?}");
}

/// It has no pages, and so have its indexes; the catalog may tell of -1 (14+).
async fn the_page_of_a_partitioned_one(eye: &mut Eye, table: u32) {
    let known = eye.look_at(table).ask::<Relation>().await.unwrap();
    assert!(known.pages <= 0 && known.size.index_pages == 0, "{known:?}");
    let indexes = eye.ask::<RelationIndexes>().await;
    assert!(indexes.iter().all(|index| index.planned_bytes <= 0), "{indexes:?}");
    let family = eye.ask::<RelationFamily>().await;
    assert_eq!(family.members[0].heap_bytes, BYTES);
    let all = eye.ask::<PartitionsProbe>().await;
    for relation in &all.relations {
        match relation.kind.as_str() {
            "p" => assert!(relation.heap_bytes <= 0),
            _ => assert_eq!(relation.heap_bytes, BYTES),
        }
    }
}

async fn the_lists(eye: &mut Eye) {
    let keys = eye.ask::<FkUnindexedProbe>().await;
    let bytes: Vec<i64> = keys.rows.iter().map(|key| key.estimated_bytes).collect();
    assert_eq!(bytes, [BYTES; 2]);
    let invalid = eye.ask::<IndexesInvalidProbe>().await;
    let bytes: Vec<i64> = invalid.iter().map(|index| index.estimated_bytes).collect();
    assert_eq!(bytes, [BYTES]);
    let unused = eye.ask::<IndexesUnusedProbe>().await;
    let bytes: Vec<i64> = unused.rows.iter().map(|index| index.estimated_bytes).collect();
    assert_eq!((bytes, unused.estimated_total), (vec![BYTES; 4], 4 * BYTES));
    let duplicate = eye.ask::<IndexesDuplicateProbe>().await;
    let bytes: Vec<i64> = duplicate.rows.iter().map(|index| index.estimated_bytes).collect();
    assert_eq!((bytes, duplicate.estimated_total), (vec![BYTES; 2], 2 * BYTES));
}
