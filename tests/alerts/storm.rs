//! Clients that connect for every transaction are an incident.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pgmon_lab::{Client, Cluster};
use tokio::task::JoinSet;

use crate::eye::Eye;

/// The rules of sessions.
const RULES: [&str; 5] = [
    "connections",
    "connection_storm",
    "long_transaction",
    "blocked",
    "syncrep",
];
const CLIENTS: usize = 8;
/// pgbench's transaction with one branch: all of them wait for one row.
const TRANSACTION: &str = "BEGIN; UPDATE accounts SET v = v + 1 WHERE id = 1 + (random() * 999)::int; \
                           UPDATE branch SET v = v + 1; INSERT INTO history VALUES (1); COMMIT";

async fn setup(major: u32) -> Cluster {
    let cluster = Cluster::builder(major).start().await.unwrap();
    let client = cluster.client().await.unwrap();
    let tables = "CREATE TABLE accounts (id int PRIMARY KEY, v int); INSERT INTO accounts SELECT g, 0 FROM generate_series(1, 1000) g; \
                  CREATE TABLE branch (v int); INSERT INTO branch VALUES (0); CREATE TABLE history (v int)";
    client.simple(tables).await.unwrap();
    cluster
}

/// Clients that work until they are told to stop, connecting anew for every transaction or not.
fn load(cluster: &Cluster, anew: bool) -> (JoinSet<()>, Arc<AtomicBool>, Arc<AtomicU64>) {
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..CLIENTS {
        let conninfo = format!("{} application_name=pgbench", cluster.conninfo("postgres", "postgres"));
        let (stop, done) = (Arc::clone(&stop), Arc::clone(&done));
        tasks.spawn(async move {
            let mut client = Client::connect(&conninfo).await.unwrap();
            while !stop.load(Ordering::Relaxed) {
                if anew {
                    client = Client::connect(&conninfo).await.unwrap();
                }
                client.simple(TRANSACTION).await.unwrap();
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    (tasks, stop, done)
}

async fn look(eye: &mut Eye) {
    for rule in RULES {
        eye.look(rule).await;
    }
}

/// The same clients as anywhere, without their pool.
#[tokio::test]
async fn connecting_for_every_transaction_is_a_storm() {
    let cluster = setup(18).await;
    let mut eye = Eye::open(&cluster, "postgres", "postgres", |limits| {
        limits.connection_storm_warn_per_s = 5.0;
        limits.connection_storm_crit_per_s = 10_000.0;
    })
    .await;
    let sessions = "SELECT sum(sessions)::int8 FROM pg_stat_database";
    let admin = cluster.client().await.unwrap();
    let (before, began) = (admin.value::<i64>(sessions).await.unwrap(), Instant::now());
    let (mut tasks, stop, _) = load(&cluster, true);
    let raised = loop {
        look(&mut eye).await;
        let raised = eye.raised("connection_storm");
        if !raised.is_empty() {
            break raised;
        }
        assert!(began.elapsed() < 2 * pgmon_lab::PATIENCE, "no storm is seen");
    };
    assert!(began.elapsed() >= Duration::from_secs(24), "it has to last");
    stop.store(true, Ordering::Relaxed);
    while tasks.join_next().await.is_some() {}
    let opened = admin.value::<i64>(sessions).await.unwrap() - before;
    #[expect(clippy::cast_precision_loss, reason = "sessions of half a minute")]
    let mean = opened as f64 / began.elapsed().as_secs_f64();
    let finding = &raised[0].finding;
    let told: f64 = finding
        .sentence
        .split(' ')
        .next()
        .unwrap()
        .replace(',', "")
        .parse()
        .unwrap();
    assert!(told > 5.0 && told < mean * 2.0, "{told} at a mean of {mean}");
    assert!(
        finding.details[0].contains("are pgbench (postgres) from "),
        "{finding:#?}"
    );
}
