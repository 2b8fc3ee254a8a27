//! The numbers of the page against other questions, on every version.

use pgmon_lab::{Client, Cluster, MAJORS};
use pgmon_tui::model::{autovacuum, relation_upkeep};
use pgmon_tui::probe::relation::{Identity, Relation};
use pgmon_tui::probe::relation_columns::RelationColumns;
use pgmon_tui::probe::relation_family::RelationFamily;
use pgmon_tui::probe::relation_indexes::RelationIndexes;
use pgmon_tui::probe::relation_locks::RelationLocks;
use pgmon_tui::probe::relation_stats::{RelationStats, Stats};

use crate::eye::Eye;
use crate::{cluster, number, oid};

const TABLES: &str = r#"
    CREATE SCHEMA "Sales";
    CREATE TABLE "Sales"."Order's" (id bigint PRIMARY KEY, code text UNIQUE, note text, doc text, gone int)
      WITH (fillfactor = 80, autovacuum_vacuum_threshold = 7, toast.autovacuum_vacuum_threshold = 9);
    CREATE TABLE lines (order_id bigint REFERENCES "Sales"."Order's");
    CREATE TABLE all_lines (order_id bigint REFERENCES "Sales"."Order's") PARTITION BY RANGE (order_id);
    CREATE TABLE lines_1 PARTITION OF all_lines FOR VALUES FROM (0) TO (1000);
    CREATE TABLE lines_2 PARTITION OF all_lines FOR VALUES FROM (1000) TO (2000);
    CREATE INDEX by_note ON "Sales"."Order's" (note) WITH (fillfactor = 70) WHERE note IS NOT NULL;
    ALTER TABLE "Sales"."Order's" ALTER COLUMN doc SET STORAGE EXTERNAL, ALTER COLUMN note SET STATISTICS 250;
    INSERT INTO "Sales"."Order's"
      SELECT g, 'c' || g, CASE WHEN g % 4 = 0 THEN 'n' || g % 8 END, repeat('x', CASE WHEN g % 50 = 0 THEN 9000 ELSE 9 END)
        FROM generate_series(1, 2000) g;
    ALTER TABLE "Sales"."Order's" DROP COLUMN gone;
    VACUUM ANALYZE "Sales"."Order's";
    UPDATE "Sales"."Order's" SET note = 'new' WHERE id <= 300;
    DELETE FROM "Sales"."Order's" WHERE id > 1900;
    CREATE TABLE parts (at date, v int) PARTITION BY RANGE (at);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
    CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
    CREATE TABLE parts_3 PARTITION OF parts DEFAULT;
"#;
const ORDERS: &str = r#""Sales"."Order''s""#;

async fn scene(major: u32) -> (Cluster, Client) {
    let cluster = cluster(major).await;
    let client = cluster.client().await.unwrap();
    client.simple("CREATE EXTENSION pgstattuple").await.unwrap();
    for statement in TABLES.split_inclusive(";\n") {
        client.simple(statement).await.unwrap();
    }
    (cluster, client)
}

/// The counters of a session arrive a moment after its statements.
async fn counted(client: &Client, table: u32) {
    pgmon_lab::wait_until("the counters have arrived", pgmon_lab::PATIENCE, async || {
        client
            .value::<bool>(&format!("SELECT pg_stat_get_tuples_deleted({table}) = 100"))
            .await
    })
    .await;
}

#[tokio::test]
async fn every_number_is_what_others_say() {
    for major in MAJORS {
        let (cluster, client) = scene(major).await;
        let table = oid(&client, ORDERS).await;
        counted(&client, table).await;
        let mut eye = Eye::open(&cluster, "mon").await;
        eye.look_at(table);
        let identity = eye.ask::<Relation>().await.unwrap();
        its_identity(&client, &identity).await;
        let stats = eye.ask::<RelationStats>().await.unwrap();
        its_counters(&client, &stats, major).await;
        its_thresholds(&client, &identity, &stats, major).await;
        its_indexes(&client, &mut eye).await;
        its_columns(&client, &cluster, table, major).await;
        toast_tables_and_indexes_lead_somewhere(&client, &mut eye, table).await;
        partitions_know_their_family(&client, &mut eye).await;
        what_is_not_there_is_none(&mut eye).await;
    }
}

async fn its_identity(client: &Client, identity: &Identity) {
    assert_eq!(identity.name.to_string(), "Sales.Order's");
    assert_eq!((identity.kind.as_str(), identity.owner.as_str()), ("r", "postgres"));
    assert_eq!(identity.options, ["fillfactor=80", "autovacuum_vacuum_threshold=7"]);
    let toast = identity.toast.as_ref().unwrap();
    assert_eq!(toast.options, ["autovacuum_vacuum_threshold=9"]);
    let exact = identity.size.exact.unwrap();
    let table = format!("'{ORDERS}'::regclass");
    assert_eq!(exact.heap, number(client, &format!("pg_relation_size({table})")).await);
    assert_eq!(
        exact.indexes,
        number(client, &format!("pg_indexes_size({table})")).await
    );
    assert_eq!(
        exact.total(),
        number(client, &format!("pg_total_relation_size({table})")).await
    );
    assert_eq!(
        exact.toast,
        number(client, &format!("pg_total_relation_size({})", toast.oid)).await
    );
    assert_eq!(identity.size.indexes, 3);
    let age = format!("(SELECT age(relfrozenxid) FROM pg_class WHERE oid = {table})");
    assert!(identity.xid_age.unwrap() <= number(client, &age).await);
    assert_eq!(identity.visible_pages, identity.pages, "vacuumed");
}

async fn its_counters(client: &Client, stats: &Stats, major: u32) {
    let of = |column: &str| format!("(SELECT {column} FROM pg_stat_user_tables WHERE relname = 'Order''s')");
    for (ours, column) in [
        (stats.live, "n_live_tup"),
        (stats.dead, "n_dead_tup"),
        (stats.mods, "n_mod_since_analyze"),
        (stats.inserted, "n_tup_ins"),
        (stats.updated, "n_tup_upd"),
        (stats.hot_updated, "n_tup_hot_upd"),
        (stats.deleted, "n_tup_del"),
        (stats.seq.count, "seq_scan"),
        (stats.seq.rows, "seq_tup_read"),
        (stats.index.count, "idx_scan"),
        (stats.index.rows, "idx_tup_fetch"),
        (stats.vacuum.count, "vacuum_count"),
        (stats.analyze.count, "analyze_count"),
    ] {
        assert_eq!(ours, number(client, &of(column)).await, "{column} on {major}");
    }
    assert_eq!((stats.deleted, stats.updated), (100, 300));
    assert!(stats.vacuum.last.is_some() && stats.autovacuum.last.is_none());
    match stats.inserts {
        Some(inserts) => assert_eq!(inserts, number(client, &of("n_ins_since_vacuum")).await),
        None => assert!(major < 13),
    }
    assert_eq!(stats.newpage_updated.is_some(), major >= 16);
    assert_eq!(stats.seq.last.is_some(), major >= 16);
    assert_eq!(stats.vacuum.total.is_some(), major >= 18);
    assert_eq!(stats.frozen_pages.is_some(), major >= 18);
}

async fn its_thresholds(client: &Client, identity: &Identity, stats: &Stats, major: u32) {
    let table = relation_upkeep::table(identity, stats);
    let rows: f64 = client
        .value("SELECT reltuples::float8 FROM pg_class WHERE relname = 'Order''s'")
        .await
        .unwrap();
    assert!((autovacuum::vacuum_at(&table) - (7.0 + 0.2 * rows)).abs() < 1e-6);
    assert!((autovacuum::analyze_at(&table) - (50.0 + 0.1 * rows)).abs() < 1e-6);
    assert_eq!(autovacuum::insert_at(&table).is_some(), major >= 13);
    assert!(!relation_upkeep::is_active(stats), "switched off here");
}

async fn its_indexes(client: &Client, eye: &mut Eye) {
    let indexes = eye.ask::<RelationIndexes>().await;
    assert_eq!(indexes.len(), 3);
    for index in &indexes {
        assert_eq!(
            index.bytes,
            Some(number(client, &format!("pg_relation_size({})", index.oid)).await)
        );
        let definition: String = client
            .value(&format!("SELECT pg_get_indexdef({})", index.oid))
            .await
            .unwrap();
        assert_eq!(index.definition, Some(definition));
        let scans = format!(
            "(SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelid = {})",
            index.oid
        );
        assert_eq!(index.scans, number(client, &scans).await);
        assert!(index.is_valid && index.is_ready && index.busy.is_none());
    }
    let named = |name: &str| indexes.iter().find(|index| index.name.relname == name).unwrap();
    let key = named("Order's_pkey");
    assert!(key.is_primary && key.is_unique);
    assert_eq!(
        (key.constraint.as_deref(), key.referenced_by),
        (Some("Order's_pkey"), 2),
        "a key of a partitioned table is one"
    );
    let note = named("by_note");
    assert_eq!(
        (note.is_unique, note.constraint.as_ref(), note.referenced_by),
        (false, None, 0)
    );
    assert_eq!(note.options, ["fillfactor=70"]);
}

async fn its_columns(client: &Client, cluster: &Cluster, table: u32, major: u32) {
    let mut root = Eye::open(cluster, "postgres").await;
    let columns = root.look_at(table).ask::<RelationColumns>().await;
    let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["id", "code", "note", "doc"]);
    for column in &columns {
        let known = column.statistics.unwrap();
        let of = |what: &str| {
            format!(
                "SELECT {what}::float8 FROM pg_stats WHERE tablename = 'Order''s' AND attname = '{}'",
                column.name
            )
        };
        assert!((known.null_frac - client.value::<f64>(&of("null_frac")).await.unwrap()).abs() < 1e-9);
        assert!((f64::from(known.width) - client.value::<f64>(&of("avg_width")).await.unwrap()).abs() < 1e-9);
        assert_eq!((column.readable, column.dropped), (true, 1));
    }
    assert_eq!((columns[0].length, columns[0].align), (8, 8));
    assert_eq!(columns[2].target, Some(250), "on {major}");
    assert_eq!(columns[1].target, None);
    // A monitoring role sees none of it, and that is told apart from a table that was never analyzed.
    let mut monitor = Eye::open(cluster, "mon").await;
    let hidden = monitor.look_at(table).ask::<RelationColumns>().await;
    assert!(
        hidden
            .iter()
            .all(|column| !column.readable && column.statistics.is_none())
    );
    client
        .simple("GRANT SELECT (id) ON \"Sales\".\"Order's\" TO mon")
        .await
        .unwrap();
    let partly = monitor.ask::<RelationColumns>().await;
    let seen: Vec<_> = partly.iter().map(|column| column.statistics.is_some()).collect();
    assert_eq!(seen, [true, false, false, false]);
}

async fn toast_tables_and_indexes_lead_somewhere(client: &Client, eye: &mut Eye, table: u32) {
    let toast = oid(client, "pg_class").await;
    assert_ne!(toast, table);
    let toast: u32 = client
        .value(&format!("SELECT reltoastrelid FROM pg_class WHERE oid = {table}"))
        .await
        .unwrap();
    let known = eye.look_at(toast).ask::<Relation>().await.unwrap();
    assert_eq!(known.toast_of.map(|(oid, _)| oid), Some(table));
    assert!(known.size.exact.unwrap().heap > 0);
    assert_eq!(known.toast_of_options.len(), 2);
    let index = oid(client, "\"Sales\".by_note").await;
    let known = eye.look_at(index).ask::<Relation>().await.unwrap();
    assert_eq!(known.oid, table, "an index leads to its table");
    assert_eq!(eye.ask::<RelationIndexes>().await.len(), 3);
    assert!(eye.ask::<RelationLocks>().await.exists);
}

async fn partitions_know_their_family(client: &Client, eye: &mut Eye) {
    let (parent, second) = (oid(client, "parts").await, oid(client, "parts_2").await);
    let known = eye.look_at(parent).ask::<Relation>().await.unwrap();
    assert_eq!((known.key.as_deref(), known.children), (Some("RANGE (at)"), 3));
    assert!(known.size.exact.is_none() && known.size.busy.is_none());
    let family = eye.ask::<RelationFamily>().await;
    assert_eq!((family.of_me, family.all), (true, 3));
    let known = eye.look_at(second).ask::<Relation>().await.unwrap();
    let upper = known.parent.unwrap();
    assert_eq!((upper.oid, upper.children), (parent, 3));
    assert_eq!(upper.key.as_deref(), Some("RANGE (at)"));
    let bound = "FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')";
    assert_eq!(known.bound.as_deref(), Some(bound));
    let family = eye.ask::<RelationFamily>().await;
    let members: Vec<_> = family
        .members
        .iter()
        .map(|member| (member.name.relname.as_str(), member.is_me, member.nth))
        .collect();
    assert_eq!(
        members,
        [("parts_1", false, 1), ("parts_2", true, 2), ("parts_3", false, 3)]
    );
    assert_eq!(family.members[1].bound.as_deref(), Some(bound));
    assert_eq!(family.members[2].bound.as_deref(), Some("DEFAULT"));
}

async fn what_is_not_there_is_none(eye: &mut Eye) {
    eye.look_at(u32::MAX);
    assert_eq!(eye.ask::<Relation>().await, None);
    assert_eq!(eye.ask::<RelationStats>().await, None);
    assert!(!eye.ask::<RelationLocks>().await.exists);
    assert!(eye.ask::<RelationFamily>().await.members.is_empty());
}
