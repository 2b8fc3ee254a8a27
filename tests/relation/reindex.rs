//! The REINDEX that is offered does what it says: the server takes it, and builds anew.

use pgmon_lab::Client;
use pgmon_tui::model::relation_sql::{reindex, reindex_table};
use pgmon_tui::probe::named::Named;
use pgmon_tui::probe::relation::Relation;
use pgmon_tui::probe::relation_indexes::{Index, RelationIndexes};

use crate::eye::Eye;
use crate::{cluster, number, oid};

const TABLES: &str = r#"
    CREATE TABLE t (id int PRIMARY KEY, at int4range, EXCLUDE USING gist (at WITH &&));
    CREATE INDEX "Odd" ON t (at);
    INSERT INTO t SELECT g, int4range(g, g + 1) FROM generate_series(1, 100) g"#;

/// An index of a constraint that the server takes for one of exclusion.
const TEMPORAL: &str = "CREATE TABLE temporal (id int4range, at int4range, PRIMARY KEY (id, at WITHOUT OVERLAPS))";

async fn file(client: &Client, index: &Named) -> i64 {
    number(client, &format!("pg_relation_filenode('{}')", index.sql())).await
}

/// Runs what is offered for every index of the table, and `CONCURRENTLY` where it is said to be refused.
async fn index_by_index(client: &Client, indexes: &[Index], concurrently: fn(&Index) -> bool) {
    for index in indexes {
        let text = reindex(&index.name, index.oid, index.is_exclusion);
        assert_eq!(
            text.starts_with("REINDEX INDEX CONCURRENTLY "),
            concurrently(index),
            "{text}"
        );
        if !concurrently(index) {
            let refused = text.replace("REINDEX INDEX", "REINDEX INDEX CONCURRENTLY");
            let error = client.simple(&refused).await.unwrap_err();
            assert!(error.says("concurrent"), "{error}");
        }
        let before = file(client, &index.name).await;
        client.simple(&text).await.unwrap();
        assert_ne!(file(client, &index.name).await, before, "{text}");
    }
}

#[tokio::test]
async fn what_is_offered_runs() {
    for major in [12, 18] {
        let cluster = cluster(major).await;
        let client = cluster.client().await.unwrap();
        client.simple(TABLES).await.unwrap();
        let mut eye = Eye::open(&cluster, "mon").await;

        let indexes = eye.look_at(oid(&client, "t").await).ask::<RelationIndexes>().await;
        assert_eq!(indexes.len(), 3);
        index_by_index(&client, &indexes, |index| !index.is_exclusion).await;
        if major >= 18 {
            client.simple(TEMPORAL).await.unwrap();
            let temporal = oid(&client, "temporal").await;
            let indexes = eye.look_at(temporal).ask::<RelationIndexes>().await;
            assert_eq!(indexes.len(), 1);
            index_by_index(&client, &indexes, |_| false).await;
        }
        let catalog = oid(&client, "pg_class").await;
        let indexes = eye.look_at(catalog).ask::<RelationIndexes>().await;
        index_by_index(&client, &indexes, |_| false).await;

        // All of a table at once: an index of an exclusion constraint stays as it is.
        for (table, concurrently) in [("t", true), ("pg_class", false)] {
            eye.look_at(oid(&client, table).await);
            let known = eye.ask::<Relation>().await.unwrap();
            let indexes = eye.ask::<RelationIndexes>().await;
            let text = reindex_table(&known.name, known.oid);
            assert_eq!(text.starts_with("REINDEX TABLE CONCURRENTLY "), concurrently, "{text}");
            let mut before = Vec::new();
            for index in &indexes {
                before.push(file(&client, &index.name).await);
            }
            client.simple(&text).await.unwrap();
            for (index, before) in indexes.iter().zip(before) {
                let stays = file(&client, &index.name).await == before;
                assert_eq!(stays, index.is_exclusion, "{index:?} on {major}");
            }
        }
    }
}
