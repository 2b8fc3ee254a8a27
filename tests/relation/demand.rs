//! The worker and a demand: asked once, ended by its budget, stopped by the user, and never left behind.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pgmon_lab::scene::ENDLESS_MEASUREMENT;
use pgmon_lab::{Client, Cluster, wait_until};
use pgmon_tui::config::Settings;
use pgmon_tui::pg::fault::FaultKind;
use pgmon_tui::poll::worker::Worker;
use pgmon_tui::poll::{News, Order};
use pgmon_tui::probe::relation_locks::RelationLocks;
use pgmon_tui::probe::{Demand, Focus, Probe, Sample, Subject};
use tokio::sync::mpsc;

use crate::{cluster, common, oid};

const PATIENCE: Duration = pgmon_lab::PATIENCE;

struct Polling {
    orders: mpsc::Sender<Order>,
    news: mpsc::Receiver<News>,
    task: tokio::task::JoinHandle<()>,
}

impl Polling {
    fn start(cluster: &Cluster, settings: Settings) -> Self {
        let plan = Arc::new(common::plan(&cluster.conninfo("mon", "postgres")));
        let (orders, for_worker) = mpsc::channel(16);
        let (to_us, news) = mpsc::channel(64);
        let worker = Worker::new(
            plan,
            Arc::new(settings),
            None,
            true,
            Instant::now(),
            (for_worker, to_us),
        );
        let task = tokio::spawn(worker.run(None));
        Self { orders, news, task }
    }

    async fn sample(&mut self, probe: &str) -> Arc<Sample> {
        let search = async {
            loop {
                match self.news.recv().await {
                    Some(News::Sample(sample)) if sample.ran.probe == probe => return sample,
                    Some(_) => {}
                    None => panic!("the task ended before {probe}"),
                }
            }
        };
        tokio::time::timeout(PATIENCE, search)
            .await
            .unwrap_or_else(|_| panic!("no {probe}"))
    }

    /// The next answer to a probe: a round that failed, on a server that stood still for a while, has none.
    async fn answer<P: Probe>(&mut self) -> P::Data
    where
        P::Data: Clone,
    {
        let search = async {
            loop {
                let sample = self.sample(P::SPEC.id).await;
                if let Some(data) = &sample.data {
                    return data.downcast_ref::<P::Data>().unwrap().clone();
                }
            }
        };
        tokio::time::timeout(PATIENCE, search)
            .await
            .unwrap_or_else(|_| panic!("every round of {} fails", P::SPEC.id))
    }

    async fn look(&self, focus: Focus) {
        self.orders.send(Order::Look(focus)).await.unwrap();
    }

    /// Lets the news flow until a condition holds: the worker waits for whoever listens.
    async fn until(&mut self, what: &str, condition: impl AsyncFn() -> bool) {
        let search = async {
            while !condition().await {
                let _ = tokio::time::timeout(Duration::from_millis(20), self.news.recv()).await;
            }
        };
        tokio::time::timeout(PATIENCE, search)
            .await
            .unwrap_or_else(|_| panic!("{what} did not happen"));
    }
}

fn page(table: u32, nth: Option<u32>) -> Focus {
    Focus {
        subject: Some(Subject::Relation(table)),
        keys: nth.map(|_| i64::from(table)).into_iter().collect(),
        demand: nth.map(|nth| Demand { probe: "measure", nth }),
        ..Focus::default()
    }
}

/// The backends of ours that measure now.
async fn measuring(truth: &Client) -> Vec<i32> {
    let running = "SELECT pid FROM pg_stat_activity WHERE usename = 'mon' AND state = 'active' \
                   AND query LIKE 'with busy as%'";
    truth.column(running).await.unwrap()
}

async fn scene(slow: bool) -> (Cluster, Client, u32) {
    let cluster = cluster(18).await;
    let truth = cluster.client().await.unwrap();
    truth.simple("CREATE EXTENSION pgstattuple").await.unwrap();
    if slow {
        for statement in ENDLESS_MEASUREMENT.split_inclusive(";\n") {
            truth.simple(statement).await.unwrap();
        }
    }
    truth.simple("CREATE TABLE t (a int)").await.unwrap();
    let table = oid(&truth, "t").await;
    (cluster, truth, table)
}

#[tokio::test]
async fn a_demand_is_answered_once() {
    let (cluster, truth, table) = scene(false).await;
    let mut settings = Settings::default();
    // Rounds of the tier come and go meanwhile.
    settings.paces[2].interval = Duration::from_millis(200);
    let mut polling = Polling::start(&cluster, settings);
    polling.look(page(table, None)).await;
    polling.sample("relation").await;
    polling.look(page(table, Some(1))).await;
    let first = polling.sample("measure").await;
    assert_eq!(first.ran.fault, None);
    assert_eq!(first.ran.subject, Some(Subject::Relation(table)));
    assert_eq!(first.ran.demand.map(|demand| demand.nth), Some(1));
    let statements = "SELECT calls::int8 FROM pg_stat_statements WHERE query LIKE '%pgstattuple_approx(%' \
                      AND query NOT LIKE '%pg_stat_statements%' AND query LIKE 'with%'";
    // Three more rounds of the tier.
    for _ in 0..3 {
        polling.sample("relation").await;
    }
    assert_eq!(truth.value::<i64>(statements).await.unwrap(), 1);
    polling.look(page(table, None)).await;
    polling.look(page(table, Some(1))).await;
    polling.sample("measure").await;
    assert_eq!(
        truth.value::<i64>(statements).await.unwrap(),
        2,
        "taken back and asked for again"
    );
}

#[tokio::test]
async fn taken_back_it_is_cancelled_and_the_session_lives_on() {
    let (cluster, truth, table) = scene(true).await;
    let mut polling = Polling::start(&cluster, Settings::default());
    polling.look(page(table, None)).await;
    polling.sample("relation").await;
    polling.look(page(table, Some(1))).await;
    polling
        .until("the measurement runs", async || !measuring(&truth).await.is_empty())
        .await;
    let pid = measuring(&truth).await[0];
    polling.look(page(table, None)).await;
    let stopped = polling.sample("measure").await;
    assert_eq!(stopped.ran.fault.as_ref().unwrap().kind, FaultKind::Stopped);
    let idle = format!("SELECT state = 'idle' FROM pg_stat_activity WHERE pid = {pid}");
    wait_until("the backend is idle again", PATIENCE, async || truth.value(&idle).await).await;
    // The same backend answers the next question of its lane.
    polling.orders.send(Order::Now(vec!["relation"])).await.unwrap();
    polling.sample("relation").await;
    let same = format!("SELECT count(*) = 2 AND bool_or(pid = {pid}) FROM pg_stat_activity WHERE usename = 'mon'");
    assert!(truth.value::<bool>(&same).await.unwrap(), "no session was opened anew");
}

#[tokio::test]
async fn its_budget_ends_it_and_it_is_not_tried_again() {
    let (cluster, truth, table) = scene(true).await;
    let mut settings = Settings {
        measure_timeout: Duration::from_secs(1),
        ..Settings::default()
    };
    settings.paces[2].interval = Duration::from_millis(200);
    let mut polling = Polling::start(&cluster, settings);
    polling.look(page(table, None)).await;
    polling.sample("relation").await;
    polling.look(page(table, Some(1))).await;
    let late = polling.sample("measure").await;
    assert_eq!(late.ran.fault.as_ref().unwrap().kind, FaultKind::Timeout);
    assert!(late.ran.took >= Duration::from_secs(1));
    // Rounds of its tier go on, and in none of them it is asked for.
    for _ in 0..3 {
        polling.sample("relation").await;
        assert!(measuring(&truth).await.is_empty());
    }
}

#[tokio::test]
async fn who_quits_leaves_no_measurement_behind() {
    let (cluster, truth, table) = scene(true).await;
    let mut polling = Polling::start(&cluster, Settings::default());
    polling.look(page(table, None)).await;
    polling.sample("relation").await;
    polling.look(page(table, Some(1))).await;
    polling
        .until("the measurement runs", async || !measuring(&truth).await.is_empty())
        .await;
    polling.orders.send(Order::Quit).await.unwrap();
    drop(polling.news);
    tokio::time::timeout(PATIENCE, polling.task).await.unwrap().unwrap();
    let gone = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'mon')";
    wait_until("both sessions are gone", PATIENCE, async || truth.value(gone).await).await;
}

#[tokio::test]
async fn a_table_dropped_under_the_open_page_is_noticed_by_the_hot_tier() {
    let (cluster, truth, table) = scene(false).await;
    let mut polling = Polling::start(&cluster, Settings::default());
    polling.look(page(table, None)).await;
    assert!(polling.answer::<RelationLocks>().await.exists);
    truth.simple("DROP TABLE t").await.unwrap();
    let gone = async { while polling.answer::<RelationLocks>().await.exists {} };
    tokio::time::timeout(PATIENCE, gone)
        .await
        .expect("the dropped table is noticed");
    // Measured in spite of that it is an answer, too: there is nothing.
    polling.look(page(table, Some(1))).await;
    let answer = polling.sample("measure").await;
    assert_eq!((answer.ran.rows, &answer.ran.fault), (0, &None));
}

#[tokio::test]
async fn a_page_that_is_opened_again_is_asked_again() {
    let (cluster, _truth, table) = scene(false).await;
    let mut polling = Polling::start(&cluster, Settings::default());
    polling.look(page(table, None)).await;
    let first = polling.sample("relation").await;
    polling.look(Focus::default()).await;
    polling.look(page(table, None)).await;
    // Its tier would come back in ten minutes.
    let second = polling.sample("relation").await;
    assert!(second.ran.started > first.ran.started);
}
