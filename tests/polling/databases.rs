//! The list of databases, and going on in another one: never more than two connections, and never without one for
//! longer than it takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use pgmon_lab::{Client, Cluster, Pooler, wait_until};
use pgmon_tui::config::Settings;
use pgmon_tui::model::databases::{Watch, closed};
use pgmon_tui::pg::fault::FaultKind;
use pgmon_tui::poll::{Link, News, Order};
use pgmon_tui::probe::database_list::{POPUP, Reading};
use pgmon_tui::probe::wraparound_relations::Relations;
use pgmon_tui::probe::{Focus, Sample};
use rstest::rstest;

use super::{OURS, PATIENCE, Polling};

/// A server with databases that can be gone to and such that cannot; `monitor` has room for two sessions. A session that
/// was refused is still going while the next one comes: where that happens `roomy` is used.
async fn cluster(major: u32) -> Cluster {
    let cluster = Cluster::builder(major)
        // Its transactions would be counted, too.
        .conf("autovacuum", "off")
        .role("monitor LOGIN CONNECTION LIMIT 2 IN ROLE pg_monitor")
        .role("roomy LOGIN IN ROLE pg_monitor")
        .start()
        .await
        .unwrap();
    for name in ["other", "closed", "refused", "full"] {
        cluster.database(name).await.unwrap();
    }
    let client = cluster.client().await.unwrap();
    for sql in [
        "ALTER DATABASE closed ALLOW_CONNECTIONS false",
        "REVOKE CONNECT ON DATABASE refused FROM PUBLIC",
        "ALTER DATABASE \"full\" CONNECTION LIMIT 0",
    ] {
        client.simple(sql).await.unwrap();
    }
    let other = cluster.client_as("postgres", "other").await.unwrap();
    other.simple("CREATE TABLE only_in_other (a int)").await.unwrap();
    cluster
}

fn data<T: Clone + 'static>(sample: &Sample) -> T {
    assert!(sample.ran.fault.is_none(), "{:?}", sample.ran.fault);
    sample.data.as_ref().unwrap().downcast_ref::<T>().unwrap().clone()
}

async fn reading(polling: &mut Polling) -> (Arc<Sample>, Reading) {
    let sample = polling.sample("database_list").await;
    let reading = data(&sample);
    (sample, reading)
}

#[rstest]
#[tokio::test]
async fn the_list_says_what_the_server_says(#[values(12, 15, 18)] major: u32) {
    let cluster = cluster(major).await;
    let truth = cluster.client().await.unwrap();
    // Before 15 a database has no counters until somebody's first ones arrive, which then looks like a reset.
    let known = "SELECT xact_commit > 0 FROM pg_stat_database WHERE datname = 'other'";
    wait_until("the other database is counted", PATIENCE, async || {
        truth.value::<bool>(known).await
    })
    .await;
    let mut polling = Polling::start(&cluster, "monitor", Settings::default());
    polling.sample("activity").await;
    let focus = Focus {
        popup: Some(POPUP),
        ..Focus::default()
    };
    polling.orders.send(Order::Look(focus)).await.unwrap();
    let (sample, first) = reading(&mut polling).await;
    let mut watch = Watch::default();
    watch.observe(&sample.ran, &first);
    let told = first.databases.iter().map(|database| {
        let why = closed(database).unwrap_or("open");
        let (name, limit, age) = (&database.datname, database.connection_limit, database.xid_age);
        format!("{name} {limit} {age} {} {why}", database.here)
    });
    let asked = "SELECT concat_ws(' ', datname, datconnlimit, age(datfrozenxid),
                        CASE WHEN datname = 'postgres' THEN 'true' ELSE 'false' END,
                        CASE WHEN NOT datallowconn THEN 'allows no connections'
                             WHEN NOT has_database_privilege('monitor', oid, 'CONNECT') THEN 'no CONNECT privilege'
                             ELSE 'open' END)
                   FROM pg_database ORDER BY datname";
    assert_eq!(told.collect::<Vec<_>>(), truth.column::<String>(asked).await.unwrap());

    // What a session has done is counted at its end, at the latest.
    let busy = cluster.client_as("postgres", "other").await.unwrap();
    for _ in 0..50 {
        busy.simple("SELECT count(*) FROM only_in_other").await.unwrap();
    }
    truth.terminate(busy.pid()).await.unwrap();
    let counted = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = 'other'";
    let transactions = |reading: &Reading| {
        let other = reading
            .databases
            .iter()
            .find(|database| database.datname == "other")
            .unwrap();
        (other.oid, other.commits + other.rollbacks)
    };
    let (oid, before) = transactions(&first);
    let (mut last, mut now) = (sample, first);
    // They may be counted in several parts: a reading that is made between two of them is not the last one.
    wait_until(
        "fifty more transactions, all that the server counts",
        PATIENCE,
        async || {
            (last, now) = reading(&mut polling).await;
            let told = transactions(&now).1;
            Ok(told >= before + 50 && told == truth.value::<i64>(counted).await?)
        },
    )
    .await;
    watch.observe(&last.ran, &now);
    let first_epoch = truth
        .value::<f64>("SELECT extract(epoch from clock_timestamp())::float8")
        .await
        .unwrap();
    let rates = watch.rates(oid).unwrap();
    assert!(rates.transactions > 0.0 && now.epoch <= first_epoch);
    polling.orders.send(Order::Look(Focus::default())).await.unwrap();
    polling
        .until("it is not asked for any more", |news| {
            matches!(
                news,
                News::Skipped {
                    probe: "database_list",
                    ..
                }
            )
            .then_some(())
        })
        .await;
    polling.quit().await;
}

/// Counts our sessions all the time, for the most there ever were.
fn counting(truth: Client) -> (Arc<AtomicI64>, tokio::task::JoinHandle<()>) {
    let most = Arc::new(AtomicI64::new(0));
    let seen = Arc::clone(&most);
    let task = tokio::spawn(async move {
        while let Ok(count) = truth.value::<i64>(OURS).await {
            seen.fetch_max(count, Ordering::SeqCst);
        }
    });
    (most, task)
}

impl Polling {
    async fn go_to(&self, database: &str) {
        self.orders.send(Order::Database(database.to_owned())).await.unwrap();
    }

    /// Where the session is next; a refused switch and any trouble with a connection ends the test.
    async fn arrived(&mut self) -> String {
        self.until("a connection to a database", |news| match news {
            News::Link(Link::Up(server)) => Some(server.database.clone()),
            News::NotSwitched { fault, .. } | News::Slow(fault) | News::Link(Link::Down { fault, .. }) => {
                panic!("{fault}")
            }
            _ => None,
        })
        .await
    }

    async fn refused(&mut self) -> FaultKind {
        self.until("the other database is refused", |news| match news {
            News::NotSwitched { fault, .. } => Some(fault.kind),
            News::Link(Link::Down { fault, .. }) => panic!("{fault}"),
            _ => None,
        })
        .await
    }
}

/// A user's table, as the storage tier's own connection sees it.
async fn sees_the_table(polling: &mut Polling) -> bool {
    let sample = polling.sample("wraparound_relations").await;
    let relations: Relations = data(&sample);
    let mut names = relations.relations.iter().map(|relation| relation.relname.as_str());
    names.any(|name| name == "only_in_other")
}

#[rstest]
#[tokio::test]
async fn there_and_back(#[values(12, 18)] major: u32) {
    let cluster = cluster(major).await;
    let truth = cluster.client().await.unwrap();
    let (most, task) = counting(cluster.client().await.unwrap());
    let mut polling = Polling::start(&cluster, "monitor", Settings::default());
    assert_eq!(polling.arrived().await, "postgres");
    assert!(!sees_the_table(&mut polling).await);
    for (database, has_it) in [("other", true), ("postgres", false), ("other", true)] {
        polling.go_to(database).await;
        assert_eq!(polling.arrived().await, database);
        polling.sample("activity").await;
        assert_eq!(sees_the_table(&mut polling).await, has_it, "in {database}");
        let there = format!("{OURS} AND datname = '{database}'");
        assert_eq!(truth.value::<i64>(&there).await.unwrap(), 2);
    }
    polling.go_to("other").await;
    polling.sample("activity").await;
    polling.quit().await;
    task.abort();
    assert_eq!(most.load(Ordering::SeqCst), 2, "the most sessions there ever were");
}

#[tokio::test]
async fn where_nobody_is_let_in_the_session_stays() {
    let cluster = cluster(18).await;
    let truth = cluster.client().await.unwrap();
    let mut polling = Polling::start(&cluster, "roomy", Settings::default());
    polling.sample("wraparound_relations").await;
    for (database, kind) in [
        ("nowhere", FaultKind::UnknownDatabase),
        ("refused", FaultKind::Denied),
        ("full", FaultKind::TooManyConnections),
        ("closed", FaultKind::Other),
    ] {
        polling.go_to(database).await;
        assert_eq!(polling.refused().await, kind, "{database}");
        assert_eq!(polling.arrived().await, "postgres");
        polling.sample("activity").await;
    }
    let ours = OURS.replace("monitor", "roomy");
    wait_until("both connections", PATIENCE, async || {
        Ok(truth.value::<i64>(&ours).await? == 2)
    })
    .await;

    polling.quit().await;
}

#[tokio::test]
async fn a_broken_connection_is_opened_again_where_the_session_was() {
    let cluster = cluster(18).await;
    let truth = cluster.client().await.unwrap();
    let mut polling = Polling::start(&cluster, "monitor", Settings::default());
    polling.sample("wraparound_relations").await;
    polling.go_to("other").await;
    assert_eq!(polling.arrived().await, "other");
    polling.sample("wraparound_relations").await;
    let cut = "SELECT count(pg_terminate_backend(pid))::int8 FROM pg_stat_activity WHERE usename = 'monitor'";
    assert_eq!(truth.value::<i64>(cut).await.unwrap(), 2);
    polling.down().await;
    let again = polling
        .until("the connection to the other database", |news| match news {
            News::Link(Link::Up(server)) => Some(server.database.clone()),
            _ => None,
        })
        .await;
    assert_eq!(again, "other");
    assert!(sees_the_table(&mut polling).await);
    polling.quit().await;
}

#[tokio::test]
async fn when_the_other_database_is_dropped_the_session_returns() {
    let cluster = cluster(18).await;
    let truth = cluster.client().await.unwrap();
    let mut polling = Polling::start(&cluster, "roomy", Settings::default());
    polling.sample("activity").await;
    polling.go_to("other").await;
    assert_eq!(polling.arrived().await, "other");
    polling.sample("wraparound_relations").await;
    truth.simple("DROP DATABASE other WITH (FORCE)").await.unwrap();
    polling.down().await;
    let told = |news| match news {
        News::NotSwitched { database, fault } => Some((database, fault.kind)),
        _ => None,
    };
    let told = polling.until("the database is gone", told).await;
    assert_eq!(told, ("other".to_owned(), FaultKind::UnknownDatabase));
    assert_eq!(polling.arrived().await, "postgres");
    polling.sample("wraparound_relations").await;
    polling.quit().await;
}

#[tokio::test]
async fn what_the_role_may_write_is_examined_in_every_database() {
    let cluster = cluster(18).await;
    let other = cluster.client_as("postgres", "other").await.unwrap();
    other.simple("GRANT INSERT ON only_in_other TO monitor").await.unwrap();
    let mut polling = Polling::start(&cluster, "monitor", Settings::default());
    let role = |news| match news {
        News::Role(findings) => Some(findings.unwrap().may_write()),
        _ => None,
    };
    assert!(!polling.until("what it may write", role).await);
    polling.go_to("other").await;
    assert!(polling.until("what it may write in the other database", role).await);
    // Held until the user agrees, and then for good.
    polling.orders.send(Order::GoOn).await.unwrap();
    polling.sample("activity").await;
    polling.go_to("postgres").await;
    assert_eq!(polling.arrived().await, "postgres");
    polling.sample("activity").await;
    polling.quit().await;
}

#[tokio::test]
async fn behind_a_pooler_it_goes_there_too() {
    let cluster = cluster(18).await;
    let pooler = Pooler::start(&cluster, "transaction", &[]).await.unwrap();
    let mut polling = Polling::connect(&pooler.conninfo("roomy", "postgres"), Settings::default());
    assert_eq!(polling.arrived().await, "postgres");
    polling.sample("activity").await;
    polling.go_to("other").await;
    assert_eq!(polling.arrived().await, "other");
    polling.sample("activity").await;
    polling.quit().await;
}
