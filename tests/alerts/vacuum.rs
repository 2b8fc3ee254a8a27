//! Dead rows, old statistics, autovacuum that does not come or cannot, and who holds the xmin horizon.

use pgmon_lab::{Client, Cluster, PATIENCE, wait_for, wait_until};
use pgmon_tui::alert::{Alert, Thing};
use pgmon_tui::model::concern::Severity;
use rstest::rstest;

use crate::eye::Eye;

/// A server whose autovacuum does nothing, and a session that looks on.
async fn still(major: u32) -> (Cluster, Client) {
    let cluster = Cluster::builder(major).conf("autovacuum", "off").start().await.unwrap();
    let client = cluster.client().await.unwrap();
    (cluster, client)
}

/// Waits until the statistics of a table say so.
async fn until(client: &Client, table: &str, condition: &str) {
    let sql = format!("SELECT {condition} FROM pg_stat_all_tables WHERE relname = '{table}'");
    wait_for(&format!("{table}: {condition}"), PATIENCE, async || {
        client.value::<bool>(&sql).await
    })
    .await
    .unwrap();
}

/// What a user does with a remedy: every line on its own, as psql runs it.
pub async fn paste(cluster: &Cluster, database: &str, text: &str) {
    let mut client = cluster.client_as("postgres", database).await.unwrap();
    for line in text.lines() {
        match line.strip_prefix("\\connect ") {
            Some(database) => client = cluster.client_as("postgres", database).await.unwrap(),
            None => client.simple(line).await.unwrap(),
        }
    }
}

/// The remedies of an alert, as they are pasted.
fn texts(alert: &Alert) -> Vec<&str> {
    alert
        .finding
        .remedies
        .iter()
        .map(|remedy| remedy.text.as_str())
        .collect()
}

async fn oid(client: &Client, table: &str) -> u32 {
    let sql = format!("SELECT oid FROM pg_class WHERE relname = '{table}'");
    client.value(&sql).await.unwrap()
}

#[rstest]
#[tokio::test]
async fn dead_rows_that_a_snapshot_keeps(#[values(12, 14, 15, 18)] major: u32) {
    let (cluster, client) = still(major).await;
    client
        .simple("CREATE TABLE \"Orders\" (id int); INSERT INTO \"Orders\" SELECT generate_series(1, 10000)")
        .await
        .unwrap();
    let mut eye = Eye::open(&cluster, "postgres", "postgres", |limits| {
        limits.dead_tuples_warn_rows = 1000.0;
        limits.dead_tuples_crit_rows = 5000.0;
        limits.dead_tuples_for_s = 0.0;
    })
    .await;
    until(&client, "Orders", "n_live_tup = 10000").await;
    eye.look("dead_tuples").await;
    assert!(eye.raised("dead_tuples").is_empty());

    let holder = cluster.client_named("report", "postgres", "postgres").await.unwrap();
    holder
        .simple("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM \"Orders\"")
        .await
        .unwrap();
    client.simple("DELETE FROM \"Orders\" WHERE id <= 7000").await.unwrap();
    until(&client, "Orders", "n_dead_tup = 7000").await;
    client.simple("VACUUM \"Orders\"").await.unwrap();
    until(&client, "Orders", "last_vacuum IS NOT NULL AND n_dead_tup = 7000").await;

    eye.ask("activity").await;
    let raised = eye.until_raised("dead_tuples", Severity::Critical).await;
    let [alert] = raised.as_slice() else {
        panic!("{raised:#?}")
    };
    assert_eq!(
        alert.finding.sentence,
        "public.Orders has 7,000 dead rows, 70.0 % of all"
    );
    let table = Thing::Relation(oid(&client, "Orders").await);
    assert_eq!(alert.finding.jump.row, Some(table));
    let pid = holder.pid();
    assert!(
        alert
            .finding
            .about
            .iter()
            .any(|thing| matches!(thing, Thing::Backend { pid: its, .. } if *its == pid)),
        "{alert:#?}"
    );
    let [terminate, vacuum, ..] = texts(alert)[..] else {
        panic!("{alert:#?}")
    };
    paste(&cluster, "postgres", terminate).await;
    let gone = format!("SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {pid})");
    wait_until("it is gone", PATIENCE, async || client.value::<bool>(&gone).await).await;
    paste(&cluster, "postgres", vacuum).await;
    eye.until_calm("dead_tuples").await;
    let left: i64 = client
        .value("SELECT n_dead_tup FROM pg_stat_all_tables WHERE relname = 'Orders'")
        .await
        .unwrap();
    assert_eq!(left, 0, "the remedies help");
}

#[rstest]
#[tokio::test]
async fn what_autovacuum_does_not_come_to(#[values(12, 18)] major: u32) {
    let (cluster, client) = still(major).await;
    cluster.set("autovacuum_naptime", "1").await.unwrap();
    client
        .simple("CREATE TABLE hot (id int); INSERT INTO hot SELECT generate_series(1, 1000)")
        .await
        .unwrap();
    until(&client, "hot", "n_mod_since_analyze = 1000").await;
    client.simple("VACUUM ANALYZE hot").await.unwrap();
    until(&client, "hot", "n_mod_since_analyze = 0").await;
    // A second, as hours.
    let hours = 1.0 / 3600.0;
    let mut eye = Eye::open(&cluster, "postgres", "postgres", |limits| {
        limits.stats_stale_warn_hours = hours;
        limits.stats_stale_crit_hours = 2.0 * hours;
        limits.autovac_starvation_warn_hours = hours;
        limits.autovac_starvation_crit_hours = 2.0 * hours;
    })
    .await;
    for rule in ["stats_stale", "autovacuum_starved"] {
        eye.look(rule).await;
        assert!(eye.raised(rule).is_empty(), "{rule}");
    }
    let updates = async || client.simple("UPDATE hot SET id = id").await.unwrap();
    updates().await;
    let mut found = Vec::new();
    wait_until("both rules have found it", PATIENCE, async || {
        updates().await;
        for rule in ["autovacuum_starved", "stats_stale"] {
            eye.look(rule).await;
        }
        found = [eye.raised("autovacuum_starved"), eye.raised("stats_stale")].concat();
        Ok(found
            .iter()
            .filter(|alert| alert.severity() == Some(Severity::Critical))
            .count()
            == 2)
    })
    .await;
    let table = oid(&client, "hot").await;
    let [starved, stale] = found.as_slice() else {
        panic!("{found:#?}")
    };
    for alert in [starved, stale] {
        assert_eq!(alert.finding.key, table.to_string());
        let texts = texts(alert);
        assert!(
            texts.contains(&"ALTER SYSTEM SET autovacuum = on;\nSELECT pg_reload_conf();"),
            "{texts:?}"
        );
        assert!(
            alert
                .finding
                .details
                .iter()
                .any(|line| line == "autovacuum is off for the whole server"),
            "{alert:#?}"
        );
    }
    assert!(
        starved.finding.sentence.contains("of its threshold, last VACUUM"),
        "{starved:#?}"
    );
    for alert in [starved, stale] {
        paste(&cluster, "postgres", texts(alert)[0]).await;
    }
    eye.until_calm("autovacuum_starved").await;
    eye.until_calm("stats_stale").await;
}

/// One worker for all tables.
async fn lonely(major: u32) -> (Cluster, Client) {
    let cluster = Cluster::builder(major)
        .conf("autovacuum_naptime", "1")
        .conf("autovacuum_max_workers", "1")
        .role("app LOGIN")
        .start()
        .await
        .unwrap();
    let client = cluster.client().await.unwrap();
    (cluster, client)
}

#[rstest]
#[tokio::test]
async fn the_only_worker_is_busy(#[values(12, 18)] major: u32) {
    let (cluster, client) = lonely(major).await;
    for (table, rows) in [("large", 300_000), ("small", 1000)] {
        let sql = format!(
            "CREATE TABLE {table} (id int) WITH (autovacuum_enabled = off); \
             INSERT INTO {table} SELECT generate_series(1, {rows}); DELETE FROM {table}"
        );
        client.simple(&sql).await.unwrap();
        until(&client, table, &format!("n_dead_tup = {rows}")).await;
    }
    let mut eye = Eye::open(&cluster, "postgres", "postgres", |limits| {
        limits.autovac_saturated_warn_s = 2.0;
        limits.autovac_saturated_crit_s = 4.0;
    })
    .await;
    eye.look("autovacuum_saturated").await;
    assert!(eye.raised("autovacuum_saturated").is_empty());
    // Minutes for this one.
    let slow = "ALTER TABLE large RESET (autovacuum_enabled); \
                ALTER TABLE large SET (autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_cost_delay = 100)";
    client.simple(slow).await.unwrap();
    let at_it = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' \
                 AND query LIKE 'autovacuum: VACUUM %public.large')";
    wait_until("the worker is at the large table", PATIENCE, async || {
        client.value::<bool>(at_it).await
    })
    .await;
    client
        .simple("ALTER TABLE small RESET (autovacuum_enabled)")
        .await
        .unwrap();
    let raised = eye
        .until("autovacuum_saturated", "critical with its worker named", |alerts| {
            let critical = alerts
                .iter()
                .filter(|alert| alert.severity() == Some(Severity::Critical));
            critical
                .into_iter()
                .any(|alert| alert.finding.details[0].contains("has been at public.large for"))
        })
        .await;
    let [alert] = raised.as_slice() else {
        panic!("{raised:#?}")
    };
    assert!(
        alert
            .finding
            .sentence
            .starts_with("1 of 1 autovacuum workers are busy, "),
        "{alert:#?}"
    );
    assert_eq!(
        alert.finding.details[1],
        "they share a cost limit of 200 with a delay of 2 ms"
    );
    let mut plain = Eye::open(&cluster, "app", "postgres", |_| ()).await;
    plain.look("autovacuum_saturated").await;
    let blind = plain
        .world
        .alerts
        .unchecked(&plain.world)
        .find(|unchecked| unchecked.rule.id == "autovacuum_saturated");
    assert_eq!(
        blind.and_then(|unchecked| unchecked.blind.remedy).as_deref(),
        Some("GRANT pg_monitor TO app;")
    );
    for text in texts(alert) {
        paste(&cluster, "postgres", text).await;
    }
    let set: Vec<String> = client
        .column("SELECT name || ' ' || setting FROM pg_file_settings WHERE sourcefile LIKE '%auto.conf' ORDER BY 1")
        .await
        .unwrap();
    assert_eq!(set, ["autovacuum_max_workers 2", "autovacuum_vacuum_cost_limit 2000"]);
    let usual = "ALTER TABLE large RESET (autovacuum_vacuum_cost_limit, autovacuum_vacuum_cost_delay)";
    client.simple(usual).await.unwrap();
    // The one at work keeps its limits.
    client
        .simple("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'")
        .await
        .unwrap();
    for table in ["large", "small"] {
        until(&client, table, "last_autovacuum IS NOT NULL").await;
    }
}

/// So many transactions go by.
async fn burn(client: &Client, transactions: u32) {
    for _ in 0..transactions {
        client.simple("SELECT txid_current()").await.unwrap();
    }
}

#[rstest]
#[tokio::test]
async fn whoever_holds_the_horizon(#[values(12, 18)] major: u32) {
    let (cluster, client) = still(major).await;
    client
        .simple("CREATE TABLE t (id int); INSERT INTO t SELECT generate_series(1, 100)")
        .await
        .unwrap();
    let mut eye = Eye::open(&cluster, "postgres", "postgres", |limits| {
        limits.horizon_warn_tx_age = 50.0;
        limits.horizon_crit_tx_age = 100.0;
        limits.horizon_warn_s = 0.5;
        limits.horizon_crit_s = 1.0;
    })
    .await;
    eye.look("horizon").await;
    assert!(eye.raised("horizon").is_empty());

    // A slot waits for every transaction that is under way.
    client
        .simple("SELECT pg_create_logical_replication_slot('cdc', 'pgoutput')")
        .await
        .unwrap();
    let report = cluster.client_named("report", "postgres", "postgres").await.unwrap();
    report
        .simple("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        .await
        .unwrap();
    client
        .simple("BEGIN; INSERT INTO t VALUES (0); PREPARE TRANSACTION 'it''s'")
        .await
        .unwrap();
    // Idle in a transaction that holds nothing.
    let harmless = cluster.client_named("harmless", "postgres", "postgres").await.unwrap();
    harmless.simple("BEGIN; SELECT 1").await.unwrap();
    burn(&client, 120).await;
    eye.ask("activity").await;
    let raised = eye
        .until("horizon", "one of each kind", |alerts| {
            let critical = alerts
                .iter()
                .filter(|alert| alert.severity() == Some(Severity::Critical));
            alerts.len() == 3 && critical.count() == 2
        })
        .await;
    let age: i32 = client
        .value(&format!(
            "SELECT age(backend_xmin) FROM pg_stat_activity WHERE pid = {}",
            report.pid()
        ))
        .await
        .unwrap();
    let pid = report.pid();
    let session = raised
        .iter()
        .find(|alert| alert.finding.key.starts_with("session:"))
        .unwrap();
    assert_eq!(
        session.finding.sentence,
        format!("pid {pid} (report) holds the xmin horizon {age} transactions back")
    );
    assert!(matches!(session.finding.jump.row, Some(Thing::Backend { pid: its, .. }) if its == pid));
    for alert in &raised {
        paste(&cluster, "postgres", texts(alert)[0]).await;
    }
    eye.until_calm("horizon").await;
    harmless.simple("COMMIT").await.unwrap();
}
