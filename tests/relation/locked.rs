//! A table under an exclusive lock, held or queued: nothing of the page waits behind it, and it says who is in the way.

use pgmon_lab::{Client, Cluster, wait_until};
use pgmon_tui::probe::measure::Measure;
use pgmon_tui::probe::measure_indexes::MeasureIndexes;
use pgmon_tui::probe::named::InTheWay;
use pgmon_tui::probe::relation::Relation;
use pgmon_tui::probe::relation_columns::RelationColumns;
use pgmon_tui::probe::relation_family::RelationFamily;
use pgmon_tui::probe::relation_indexes::RelationIndexes;
use pgmon_tui::probe::relation_locks::RelationLocks;
use pgmon_tui::probe::relation_stats::RelationStats;

use crate::eye::Eye;
use crate::{cluster, oid};

async fn scene(major: u32) -> (Cluster, Client) {
    let cluster = cluster(major).await;
    let client = cluster.client().await.unwrap();
    for statement in [
        "CREATE EXTENSION pgstattuple",
        "CREATE TABLE t (a int PRIMARY KEY, b text)",
        "INSERT INTO t SELECT g, repeat('x', 100) FROM generate_series(1, 1000) g",
        "VACUUM ANALYZE t",
    ] {
        client.simple(statement).await.unwrap();
    }
    // The counters of a session arrive a moment after its statements.
    let counted = "SELECT pg_stat_get_live_tuples('t'::regclass) > 0";
    wait_until("the counters have arrived", pgmon_lab::PATIENCE, async || {
        client.value(counted).await
    })
    .await;
    (cluster, client)
}

/// Asks everything; every answer comes although none could have a lock on the table. Sizes and measurements are
/// refused because of that session.
async fn nothing_waits(cluster: &Cluster, client: &Client, busy: InTheWay) {
    let table = oid(client, "pg_class").await;
    assert_ne!(table, 0);
    let table: u32 = client
        .value("SELECT oid FROM pg_class WHERE relname = 't'")
        .await
        .unwrap();
    let index: u32 = client
        .value("SELECT oid FROM pg_class WHERE relname = 't_pkey'")
        .await
        .unwrap();
    let mut eye = Eye::open(cluster, "mon").await;
    eye.look_at(table);
    let identity = eye.ask::<Relation>().await.unwrap();
    assert_eq!((identity.size.busy, identity.size.exact), (Some(busy), None));
    assert!(identity.pages > 0, "the last VACUUM stands in");
    assert!(eye.ask::<RelationStats>().await.unwrap().live > 0);
    assert_eq!(eye.ask::<RelationColumns>().await.len(), 2);
    assert!(eye.ask::<RelationFamily>().await.members.is_empty());
    let indexes = eye.ask::<RelationIndexes>().await;
    assert_eq!((indexes[0].busy, indexes[0].bytes), (Some(busy), None));
    assert_eq!(indexes[0].definition, None);
    let locks = eye.ask::<RelationLocks>().await;
    let lock = locks
        .locks
        .iter()
        .find(|lock| lock.mode == "AccessExclusiveLock")
        .unwrap();
    assert_eq!((lock.pid, lock.granted), (busy.pid, busy.granted));
    let measured = eye.demand("measure", table).ask::<Measure>().await.unwrap();
    assert_eq!(measured.found, Err(busy));
    // Nobody has locked the index, and pgstatindex needs nothing else.
    let measured = eye.demand("measure_indexes", index).ask::<MeasureIndexes>().await;
    assert!(measured[0].found.is_ok());
}

#[tokio::test]
async fn a_held_and_a_queued_lock_make_nothing_wait() {
    for major in [12, 18] {
        let (cluster, client) = scene(major).await;
        let holder = cluster.client().await.unwrap();
        holder
            .simple("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
            .await
            .unwrap();
        let pid = Some(holder.pid());
        nothing_waits(&cluster, &client, InTheWay { pid, granted: true }).await;
        holder.simple("ROLLBACK").await.unwrap();

        let reader = cluster.client().await.unwrap();
        reader.simple("BEGIN; SELECT count(*) FROM t").await.unwrap();
        let altering = holder.spawn("ALTER TABLE t ADD COLUMN c int");
        let queued = format!(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = {} AND NOT granted)",
            holder.pid()
        );
        wait_until("the ALTER TABLE waits", pgmon_lab::PATIENCE, async || {
            client.value(&queued).await
        })
        .await;
        nothing_waits(&cluster, &client, InTheWay { pid, granted: false }).await;
        // Both are on the page: who waits, with what it waits for, and who does not let it.
        let mut eye = Eye::open(&cluster, "mon").await;
        let table = oid(&client, "t").await;
        let locks = eye.look_at(table).ask::<RelationLocks>().await;
        assert_eq!((locks.all, locks.awaited), (2, 1));
        let [first, second] = &locks.locks[..] else {
            panic!("{locks:?}")
        };
        assert_eq!((first.pid, first.granted), (pid, false));
        assert_eq!(first.wait_s.is_some(), major >= 14);
        assert_eq!((second.pid, second.granted), (Some(reader.pid()), true));
        assert_eq!((second.heap, second.indexes), (true, 1));
        assert_eq!(second.state.as_deref(), Some("idle in transaction"));
        reader.simple("ROLLBACK").await.unwrap();
        altering.finish().await.unwrap();
    }
}

#[tokio::test]
async fn a_partition_key_is_not_waited_for() {
    for major in [12, 18] {
        let (cluster, client) = scene(major).await;
        client
            .simple(
                r#"CREATE TABLE p (a int, "B" int, c text) PARTITION BY RANGE ("B", (a + 1), c COLLATE "C");
                 CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0, 0, '') TO (10, 0, '')"#,
            )
            .await
            .unwrap();
        let tables = [oid(&client, "p").await, oid(&client, "p1").await];
        let holder = cluster.client().await.unwrap();
        let mut keys = Vec::new();
        for statement in ["BEGIN", "LOCK TABLE ONLY p IN ACCESS EXCLUSIVE MODE"] {
            holder.simple(statement).await.unwrap();
            let mut eye = Eye::open(&cluster, "mon").await;
            let own = eye.look_at(tables[0]).ask::<Relation>().await.unwrap();
            let of_parent = eye.look_at(tables[1]).ask::<Relation>().await.unwrap();
            keys.push((own.key.unwrap(), of_parent.parent.unwrap().key.unwrap()));
        }
        let free = r#"RANGE ("B", ((a + 1)), c COLLATE "C")"#;
        let locked = concat!(
            r#"RANGE ("B", an expression, c; "#,
            "columns only, while somebody holds or wants ACCESS EXCLUSIVE)"
        );
        assert_eq!(
            keys,
            [free, locked].map(|key| (key.to_owned(), key.to_owned())),
            "on {major}"
        );
        holder.simple("ROLLBACK").await.unwrap();
    }
}

#[tokio::test]
async fn an_index_being_rebuilt_hides_its_size_alone() {
    let (cluster, client) = scene(18).await;
    client.simple("CREATE INDEX other ON t (b)").await.unwrap();
    let holder = cluster.client().await.unwrap();
    holder.simple("BEGIN; REINDEX INDEX other").await.unwrap();
    let table = oid(&client, "t").await;
    let other: u32 = client
        .value("SELECT oid FROM pg_class WHERE relname = 'other'")
        .await
        .unwrap();
    let mut eye = Eye::open(&cluster, "mon").await;
    let indexes = eye.look_at(table).ask::<RelationIndexes>().await;
    let busy = InTheWay {
        pid: Some(holder.pid()),
        granted: true,
    };
    for index in &indexes {
        assert_eq!(index.busy, (index.oid == other).then_some(busy));
        assert_eq!(index.bytes.is_some(), index.oid != other);
    }
    let measured = eye.demand("measure_indexes", other).ask::<MeasureIndexes>().await;
    assert_eq!(measured[0].found, Err(busy));
    holder.simple("ROLLBACK").await.unwrap();
}

#[tokio::test]
async fn a_plain_role_is_told_what_it_may_not_see() {
    let (cluster, client) = scene(18).await;
    let reader = cluster.client().await.unwrap();
    reader.simple("BEGIN; SELECT count(*) FROM t").await.unwrap();
    let table = oid(&client, "t").await;
    let mut eye = Eye::open(&cluster, "plain").await;
    eye.look_at(table);
    let locks = eye.ask::<RelationLocks>().await;
    let [lock] = &locks.locks[..] else { panic!("{locks:?}") };
    assert_eq!((lock.pid, lock.hidden), (Some(reader.pid()), true));
    assert_eq!((&lock.state, &lock.query), (&None, &None));
    assert!(eye.ask::<Relation>().await.unwrap().size.exact.is_some());
}
