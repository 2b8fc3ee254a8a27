//! The arithmetic of autovacuum against autovacuum: what we call due is done, and nothing else is.

use std::collections::{BTreeMap, BTreeSet};

use pgmon_lab::{Client, Cluster, PATIENCE, Result, wait_for};
use pgmon_tui::model::autovacuum::{self, Distance, Present, State, Work};
use pgmon_tui::probe::autovacuum::{AutovacuumProbe, Queue, Table};
use rstest::rstest;

use crate::eye::Eye;

/// A table, what is done to it after it was analyzed, and what it is then due for; the numbers are those of the
/// documentation. The one below and the one above a threshold differ by one row.
struct Case {
    name: &'static str,
    /// Storage options, with the parentheses.
    options: &'static str,
    /// `{t}` is the table.
    changes: &'static str,
    due: Option<Work>,
    /// First version it holds for.
    from: u32,
}

/// Nothing but dead rows makes it due.
const DEAD_ONLY: &str = "WITH (autovacuum_analyze_threshold = 1000000)";

/// 1000 rows, ids 1 to 1000, analyzed; vacuum above 50 + 0.2 × 1000 = 250, analyze above 50 + 0.1 × 1000 = 150,
/// insert above 1000 + 0.2 × 1000 = 1200.
const CASES: &[Case] = &[
    Case {
        name: "dead_below",
        options: DEAD_ONLY,
        changes: "DELETE FROM {t} WHERE id <= 250",
        due: None,
        from: 12,
    },
    Case {
        name: "dead_above",
        options: DEAD_ONLY,
        changes: "DELETE FROM {t} WHERE id <= 251",
        due: Some(Work::Vacuum),
        from: 12,
    },
    Case {
        name: "changed_below",
        options: "",
        changes: "UPDATE {t} SET v = 'new' WHERE id <= 150",
        due: None,
        from: 12,
    },
    Case {
        name: "changed_above",
        options: "",
        changes: "UPDATE {t} SET v = 'new' WHERE id <= 151",
        due: Some(Work::Analyze),
        from: 12,
    },
    Case {
        name: "own_below",
        options: "WITH (autovacuum_vacuum_threshold = 10, autovacuum_vacuum_scale_factor = 0)",
        changes: "DELETE FROM {t} WHERE id <= 10",
        due: None,
        from: 12,
    },
    Case {
        name: "own_above",
        options: "WITH (autovacuum_vacuum_threshold = 10, autovacuum_vacuum_scale_factor = 0)",
        changes: "DELETE FROM {t} WHERE id <= 11",
        due: Some(Work::Vacuum),
        from: 12,
    },
    Case {
        name: "zero",
        options: "WITH (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0)",
        changes: "DELETE FROM {t} WHERE id <= 1",
        due: Some(Work::Vacuum),
        from: 12,
    },
    Case {
        name: "disabled",
        options: "WITH (autovacuum_enabled = off)",
        changes: "DELETE FROM {t}",
        due: Some(Work::Analyze),
        from: 12,
    },
    Case {
        name: "insert_below",
        options: "WITH (autovacuum_analyze_threshold = 1000000)",
        changes: "INSERT INTO {t} SELECT g, 'x' FROM generate_series(1, 1200) g",
        due: None,
        from: 13,
    },
    Case {
        name: "insert_above",
        options: "WITH (autovacuum_analyze_threshold = 1000000)",
        changes: "INSERT INTO {t} SELECT g, 'x' FROM generate_series(1, 1201) g",
        due: Some(Work::Insert),
        from: 13,
    },
    Case {
        name: "insert_never",
        options: "WITH (autovacuum_analyze_threshold = 1000000, autovacuum_vacuum_insert_threshold = -1)",
        changes: "INSERT INTO {t} SELECT g, 'x' FROM generate_series(1, 5000) g",
        due: None,
        from: 13,
    },
    Case {
        name: "capped_below",
        options: "WITH (autovacuum_vacuum_max_threshold = 20, autovacuum_analyze_threshold = 1000000)",
        changes: "DELETE FROM {t} WHERE id <= 20",
        due: None,
        from: 18,
    },
    Case {
        name: "capped_above",
        options: "WITH (autovacuum_vacuum_max_threshold = 20, autovacuum_analyze_threshold = 1000000)",
        changes: "DELETE FROM {t} WHERE id <= 21",
        due: Some(Work::Vacuum),
        from: 18,
    },
];

/// Autovacuum sleeps until it is woken.
async fn cluster(major: u32) -> Result<Cluster> {
    Cluster::builder(major)
        .conf("autovacuum", "off")
        .conf("autovacuum_naptime", "1s")
        .role("mon LOGIN IN ROLE pg_monitor")
        .role("plain LOGIN")
        .start()
        .await
}

/// Tables with 1000 vacuumed and analyzed rows, then their changes in one transaction, so that all counters appear
/// at once.
async fn make(client: &Client, major: u32) -> Result<()> {
    let cases = || CASES.iter().filter(|case| case.from <= major);
    for Case { name, options, .. } in cases() {
        let sql = format!(
            "CREATE TABLE {name} (id int, v text) {options};
             INSERT INTO {name} SELECT g, 'x' FROM generate_series(1, 1000) g;"
        );
        client.simple(&sql).await?;
    }
    // Its TOAST table follows the options of the table; the other one has its own.
    for (name, own) in [
        ("fat", ""),
        ("fat_own", ", toast.autovacuum_vacuum_threshold = 1000000"),
    ] {
        let sql = format!(
            "CREATE TABLE {name} (id int, v text) WITH (autovacuum_vacuum_threshold = 10, \
               autovacuum_vacuum_scale_factor = 0, autovacuum_analyze_threshold = 1000000{own});
             ALTER TABLE {name} ALTER v SET STORAGE EXTERNAL;
             INSERT INTO {name} SELECT g, repeat('x', 5000) FROM generate_series(1, 100) g;"
        );
        client.simple(&sql).await?;
    }
    let names = names(client).await?;
    // A count that comes after a VACUUM would be added to what that has just reported.
    let waits = "SELECT pg_catalog.count(*) FROM pg_stat_user_tables WHERE n_mod_since_analyze > 0";
    counted(client, waits, names.len()).await?;
    for name in &names {
        client.simple(&format!("VACUUM ANALYZE {name}")).await?;
    }
    counted(client, waits, 0).await?;
    let mut changes: Vec<String> = cases().map(|case| case.changes.replace("{t}", case.name)).collect();
    changes.extend(["DELETE FROM fat WHERE id <= 10", "DELETE FROM fat_own WHERE id <= 10"].map(str::to_owned));
    client.simple(&format!("BEGIN; {}; COMMIT", changes.join("; "))).await?;
    counted(client, waits, changes.len()).await
}

/// Waits until that query counts so many.
async fn counted(client: &Client, sql: &str, expected: usize) -> Result<()> {
    wait_for("the changes are counted", PATIENCE, async || {
        Ok(usize::try_from(client.value::<i64>(sql).await?).unwrap() == expected)
    })
    .await
}

async fn names(client: &Client) -> Result<Vec<String>> {
    client
        .column("SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
        .await
}

/// By name; TOAST tables as `TOAST of ...`, system catalogs left out.
fn by_name(queue: &Queue) -> BTreeMap<String, &Table> {
    let name = |table: &Table| match &table.owner {
        Some((_, schema, name)) => (schema.clone(), format!("TOAST of {name}")),
        None => (table.nspname.clone(), table.relname.clone()),
    };
    let tables = queue.tables.iter().map(|table| (name(table), table));
    tables
        .filter(|((schema, _), _)| schema == "public")
        .map(|((_, name), table)| (name, table))
        .collect()
}

/// What autovacuum has done, TOAST tables included.
async fn done(client: &Client) -> Result<BTreeSet<String>> {
    let sql = "SELECT coalesce('TOAST of ' || o.relname, s.relname) FROM pg_stat_all_tables s
                 LEFT JOIN pg_class o ON o.reltoastrelid = s.relid
                WHERE (s.schemaname = 'public' OR o.relnamespace = 'public'::regnamespace)
                  AND s.autovacuum_count + s.autoanalyze_count > 0";
    Ok(client.column::<String>(sql).await?.into_iter().collect())
}

#[rstest]
#[tokio::test]
async fn what_is_due_is_what_autovacuum_does(#[values(12, 13, 14, 17, 18)] major: u32) {
    let cluster = cluster(major).await.unwrap();
    let client = cluster.client().await.unwrap();
    make(&client, major).await.unwrap();

    let mut eye = Eye::open(&cluster, "mon", "postgres").await;
    let queue = eye.ask::<AutovacuumProbe>().await.clone();
    let tables = by_name(&queue);
    for case in CASES.iter().filter(|case| case.from <= major) {
        // What is far below every threshold is not even listed.
        let due = tables.get(case.name).and_then(|table| autovacuum::due(table));
        let found = due.filter(Distance::over).map(|due| due.work);
        assert_eq!(found, case.due, "{} on {major}: {due:?}", case.name);
    }
    for table in &queue.tables {
        let share = autovacuum::due(table).unwrap().share();
        assert!(
            (share - table.ratio).abs() <= 1e-9 * share.max(1.0),
            "the server ranks {table:?} as we do: {share}"
        );
    }
    assert!(queue.tables.is_sorted_by(|a, b| a.ratio >= b.ratio));
    let over = queue.tables.iter().filter(|table| table.ratio > 1.0);
    assert_eq!(i64::try_from(over.clone().count()).unwrap(), queue.totals.over);
    assert_eq!(queue.totals.over_disabled, 1);
    let present = Present::of(Some(0), &[], queue.epoch);
    let state = |name: &str| autovacuum::state(tables[name], &queue.setting, &present);
    assert_eq!((state("dead_below"), state("dead_above")), (State::Near, State::Off));
    assert!(tables["TOAST of fat"].ratio > 1.0, "{:?}", tables["TOAST of fat"]);

    let will: BTreeSet<String> = tables
        .iter()
        .filter(|(_, table)| table.ratio > 1.0 && table.enabled)
        .map(|(name, _)| name.clone())
        .collect();
    cluster.set("autovacuum", "on").await.unwrap();
    wait_for("autovacuum has done what was due", PATIENCE, async || {
        Ok(done(&client).await?.is_superset(&will))
    })
    .await
    .unwrap();
    // One more round after that: whatever it left aside it has seen and left aside.
    client
        .simple("CREATE TABLE later AS SELECT g FROM generate_series(1, 5000) g")
        .await
        .unwrap();
    wait_for("autovacuum came once more", PATIENCE, async || {
        Ok(done(&client).await?.contains("later"))
    })
    .await
    .unwrap();
    let mut done = done(&client).await.unwrap();
    done.remove("later");
    assert_eq!(done, will, "on {major}");
}

#[tokio::test]
async fn frozen_pages_do_not_count_for_inserts_on_18() {
    let cluster = cluster(18).await.unwrap();
    let client = cluster.client().await.unwrap();
    let options = "autovacuum_vacuum_insert_threshold = 10, autovacuum_analyze_threshold = 1000000";
    let sql = format!("CREATE TABLE frozen (id int) WITH ({options})");
    client.simple(&sql).await.unwrap();
    client
        .simple("INSERT INTO frozen SELECT generate_series(1, 10000)")
        .await
        .unwrap();
    // A count that comes after the VACUUM would make it due by any rule.
    let inserted = "SELECT n_ins_since_vacuum FROM pg_stat_user_tables WHERE relname = 'frozen'";
    counted(&client, inserted, 10_000).await.unwrap();
    client.simple("VACUUM (FREEZE, ANALYZE) frozen").await.unwrap();
    counted(&client, inserted, 0).await.unwrap();
    // By the rule of 17 this would be far below 10 + 0.2 × 10,000.
    client
        .simple("INSERT INTO frozen SELECT generate_series(1, 100)")
        .await
        .unwrap();
    let mut eye = Eye::open(&cluster, "mon", "postgres").await;
    let mut share = 0.0;
    wait_for("the inserts are counted", PATIENCE, async || {
        let queue = eye.ask::<AutovacuumProbe>().await;
        share = by_name(queue)
            .get("frozen")
            .map_or(0.0, |table| autovacuum::due(table).unwrap().share());
        Ok(share > 0.0)
    })
    .await
    .unwrap();
    assert!(share > 1.0, "{share}");
    counted(&client, inserted, 100).await.unwrap();
    cluster.set("autovacuum", "on").await.unwrap();
    wait_for("autovacuum vacuums it", PATIENCE, async || {
        Ok(done(&client).await?.contains("frozen"))
    })
    .await
    .unwrap();
}

#[rstest]
#[tokio::test]
async fn a_partitioned_table_has_stale_statistics_that_nobody_renews(#[values(12, 14, 18)] major: u32) {
    let cluster = cluster(major).await.unwrap();
    let client = cluster.client().await.unwrap();
    client
        .simple(
            "CREATE TABLE p (id int) PARTITION BY RANGE (id);
             CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000) PARTITION BY RANGE (id);
             CREATE TABLE p11 PARTITION OF p1 FOR VALUES FROM (0) TO (1000);
             INSERT INTO p SELECT g % 1000 FROM generate_series(1, 3000) g;
             ANALYZE p11",
        )
        .await
        .unwrap();
    let mut eye = Eye::open(&cluster, "plain", "postgres").await;
    let parent = |queue: &Queue| by_name(queue).get("p").map(|table| (*table).clone());
    let queue = eye.ask::<AutovacuumProbe>().await.clone();
    if major < 14 {
        assert_eq!(parent(&queue), None, "nothing tells when it was analyzed");
        return;
    }
    let table = parent(&queue).unwrap();
    assert_eq!((table.modified, table.leaves), (3000, Some(3000.0)));
    let state = autovacuum::state(&table, &queue.setting, &Present::default());
    assert_eq!(state, State::ByHand);
    client.simple("ANALYZE p").await.unwrap();
    assert_eq!(parent(eye.ask::<AutovacuumProbe>().await), None, "analyzed by hand");
}

#[rstest]
#[tokio::test]
async fn rows_of_a_foreign_partition_are_rows_of_its_parent(#[values(14, 18)] major: u32) {
    let cluster = cluster(major).await.unwrap();
    let client = cluster.client().await.unwrap();
    client
        .simple(
            "CREATE EXTENSION file_fdw;
             CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
             CREATE TABLE p (id int) PARTITION BY RANGE (id);
             CREATE TABLE near PARTITION OF p FOR VALUES FROM (0) TO (1000);
             DO $$ DECLARE file text := current_setting('data_directory') || '/far'; BEGIN
               EXECUTE format('COPY (SELECT generate_series(1000, 8999)) TO %L', file);
               EXECUTE format('CREATE FOREIGN TABLE far PARTITION OF p FOR VALUES FROM (1000) TO (9000)
                 SERVER files OPTIONS (filename %L)', file);
             END $$;
             INSERT INTO p SELECT g % 1000 FROM generate_series(1, 3000) g;
             ANALYZE p",
        )
        .await
        .unwrap();
    let seen: f64 = client
        .value("SELECT reltuples::float8 FROM pg_class WHERE relname = 'p'")
        .await
        .unwrap();
    assert!((seen - 11_000.0).abs() < 1.0, "ANALYZE sees both: {seen}");
    let mut eye = Eye::open(&cluster, "plain", "postgres").await;
    let queue = eye.ask::<AutovacuumProbe>().await;
    assert_eq!(by_name(queue).get("p"), None, "just analyzed");
}

#[tokio::test]
async fn a_standby_has_no_queue() {
    let primary = Cluster::builder(18).start().await.unwrap();
    let standby = primary.standby("dr1", &[]).await.unwrap();
    assert!(
        Eye::open(&primary, "postgres", "postgres")
            .await
            .wants::<AutovacuumProbe>()
    );
    let mut eye = Eye::open(&standby, "postgres", "postgres").await;
    assert!(!eye.wants::<AutovacuumProbe>());
    // Whoever asks all the same gets an answer.
    assert!(eye.ask::<AutovacuumProbe>().await.totals.tables > 0);
}

#[rstest]
#[tokio::test]
async fn a_locked_table_is_passed_over(#[values(12, 18)] major: u32) {
    let cluster = cluster(major).await.unwrap();
    let client = cluster.client().await.unwrap();
    client
        .simple("CREATE TABLE locked AS SELECT g AS id FROM generate_series(1, 5000) g")
        .await
        .unwrap();
    // Until 14 an idle session keeps its last counts to itself: it is this one that has to ask.
    let counted_once = "SELECT pg_catalog.count(*) FROM pg_stat_user_tables WHERE n_mod_since_analyze > 0";
    counted(&client, counted_once, 1).await.unwrap();
    let holder = cluster.client().await.unwrap();
    holder
        .simple("BEGIN; LOCK TABLE locked IN SHARE UPDATE EXCLUSIVE MODE")
        .await
        .unwrap();
    cluster.set("autovacuum", "on").await.unwrap();
    let mut eye = Eye::open(&cluster, "mon", "postgres").await;
    let mut state = async || {
        let queue = eye.ask::<AutovacuumProbe>().await;
        let present = Present::of(Some(0), &[], queue.epoch);
        let stuck = autovacuum::stuck(queue, &present);
        let locked = by_name(queue)
            .get("locked")
            .map(|table| autovacuum::state(table, &queue.setting, &present));
        (locked, stuck)
    };
    wait_for("it is passed over", PATIENCE, async || {
        Ok(matches!(state().await, (Some(State::Starved(_)), 1)))
    })
    .await
    .unwrap();
    holder.simple("ROLLBACK").await.unwrap();
    wait_for("autovacuum comes at last", PATIENCE, async || {
        Ok(done(&client).await?.contains("locked"))
    })
    .await
    .unwrap();
    wait_for("it is in nobody's way any more", PATIENCE, async || {
        Ok(state().await.1 == 0)
    })
    .await
    .unwrap();
}
