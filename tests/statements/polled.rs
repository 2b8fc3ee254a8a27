//! The same through the polling task: extensions that come and go while it polls, texts and plans on demand.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pgmon_lab::{Client, Cluster, PATIENCE, Result, wait_until};
use pgmon_tui::pg::fault::FaultKind;
use pgmon_tui::poll::worker::Worker;
use pgmon_tui::poll::{Link, News, Order};
use pgmon_tui::probe::statement_plan::StatementPlan;
use pgmon_tui::probe::statement_texts::Texts;
use pgmon_tui::probe::statements::Statements;
use pgmon_tui::probe::{Demand, Focus, Probe as _, Sample, Subject};
use tokio::sync::mpsc;

struct Polling {
    orders: mpsc::Sender<Order>,
    news: mpsc::Receiver<News>,
    connections: usize,
}

impl Polling {
    fn start(cluster: &Cluster, user: &str) -> Self {
        Self::paced(cluster, user, Duration::from_secs(1))
    }

    /// Nothing is asked less often than that, but for the slow tiers.
    fn paced(cluster: &Cluster, user: &str, interval: Duration) -> Self {
        let plan = Arc::new(crate::common::plan(&cluster.conninfo(user, "polled")));
        // No measurement: a round over its budget would put off the next one.
        let mut settings = crate::patient::patient();
        for pace in &mut settings.paces {
            (pace.interval, pace.budget) = (interval, PATIENCE);
        }
        // The slow tiers would hide whether something is asked at once.
        settings.paces[2].interval = Duration::from_hours(1);
        settings.paces[3].interval = Duration::from_hours(1);
        let (orders, for_worker) = mpsc::channel(16);
        let (to_us, news) = mpsc::channel(64);
        let pipes = (for_worker, to_us);
        let worker = Worker::new(plan, Arc::new(settings), None, false, Instant::now(), pipes);
        tokio::spawn(worker.run(None));
        Self {
            orders,
            news,
            connections: 0,
        }
    }

    async fn until<T>(&mut self, what: &str, mut pick: impl FnMut(&News) -> Option<T>) -> T {
        let search = async {
            loop {
                let news = self.news.recv().await.unwrap();
                self.connections += usize::from(matches!(news, News::Link(Link::Down { .. })));
                if let Some(found) = pick(&news) {
                    return found;
                }
            }
        };
        let found = tokio::time::timeout(PATIENCE, search).await;
        found.unwrap_or_else(|_| panic!("{what} did not happen"))
    }

    async fn sample(&mut self, probe: &str) -> Arc<Sample> {
        self.until(probe, |news| match news {
            News::Sample(sample) if sample.ran.probe == probe => Some(Arc::clone(sample)),
            _ => None,
        })
        .await
    }

    async fn skipped(&mut self, probe: &str, reason: &str) {
        self.until(reason, |news| match news {
            News::Skipped {
                probe: skipped,
                reason: why,
            } if *skipped == probe && why.contains(reason) => Some(()),
            _ => None,
        })
        .await;
    }
}

/// The question goes to the old schema before it is known that there is a new one.
#[tokio::test(flavor = "multi_thread")]
async fn an_extension_that_has_moved_is_asked_again_once_that_is_known() -> Result<()> {
    let cluster = Cluster::builder(18)
        .role("reader LOGIN IN ROLE pg_monitor")
        .start()
        .await?;
    cluster.database("polled").await?;
    let client = cluster.client_as("postgres", "polled").await?;
    client.simple("CREATE EXTENSION pg_stat_statements").await?;
    let mut polling = Polling::paced(&cluster, "reader", Duration::from_hours(1));
    let sample = polling.sample("statements").await;
    assert_eq!(sample.ran.fault, None);
    // The second round, which makes the first rates.
    polling.sample("extensions").await;
    polling.sample("statements").await;
    client
        .simple(
            "DROP EXTENSION pg_stat_statements; CREATE SCHEMA elsewhere;
             GRANT USAGE ON SCHEMA elsewhere TO reader;
             CREATE EXTENSION pg_stat_statements SCHEMA elsewhere",
        )
        .await?;
    polling.orders.send(Order::Now(vec!["statements"])).await.unwrap();
    let sample = polling.sample("statements").await;
    let kind = sample.ran.fault.as_ref().map(|fault| fault.kind);
    assert_eq!(kind, Some(FaultKind::Undefined));
    polling.orders.send(Order::Now(vec!["extensions"])).await.unwrap();
    let sample = polling.sample("statements").await;
    assert_eq!(sample.ran.fault, None);
    assert!(sample.ran.sql.contains("\"elsewhere\".pg_stat_statements(false)"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn extensions_texts_and_plans_are_followed_without_another_connection() -> Result<()> {
    let cluster = Cluster::builder(18)
        .role("reader LOGIN IN ROLE pg_monitor, pg_read_all_data")
        .start()
        .await?;
    cluster.database("polled").await?;
    let client = cluster.client_as("postgres", "polled").await?;
    let mut polling = Polling::start(&cluster, "reader");
    polling.skipped("statements", "not installed").await;
    client
        .simple("CREATE SCHEMA \"a b\"; CREATE EXTENSION pg_stat_statements SCHEMA \"a b\" VERSION '1.6'")
        .await?;
    polling
        .until("the news of the extension", |news| match news {
            News::Link(Link::Up(server)) => server.extension("pg_stat_statements").map(|_| ()),
            _ => None,
        })
        .await;
    // Whatever was skipped is told again, because that news made everybody forget it.
    polling.skipped("backend", "page of a backend").await;
    let sample = polling.sample("statements").await;
    assert_eq!((sample.ran.variant.from, sample.ran.fault.clone()), (0, None));
    assert!(sample.ran.sql.contains("\"a b\".pg_stat_statements(false)"));
    client
        .simple("ALTER EXTENSION pg_stat_statements UPDATE; ALTER EXTENSION pg_stat_statements SET SCHEMA public")
        .await?;
    let newer = polling.until("the newer form", |news| match news {
        News::Sample(sample) if sample.ran.probe == "statements" && sample.ran.variant.from > 0 => {
            Some(Arc::clone(sample))
        }
        _ => None,
    });
    let sample = newer.await;
    assert_eq!((sample.ran.variant.from, sample.ran.fault.clone()), (111, None));

    // The text of a statement that comes in sight.
    client
        .rows("SELECT relname AS polled_marker FROM pg_class WHERE oid = 1")
        .await?;
    let query = "SELECT queryid FROM pg_stat_statements WHERE query LIKE 'SELECT relname AS polled%'";
    let query: i64 = client.value(query).await?;
    let key = polling.until("the statement among the others", |news| match news {
        News::Sample(sample) if sample.ran.probe == "statements" => {
            let all = sample.data.as_ref()?.downcast_ref::<Statements>()?;
            all.entries.iter().map(|entry| entry.key).find(|key| key.query == query)
        }
        _ => None,
    });
    let subject: Subject = key.await.into();
    let mut focus = Focus {
        keys: vec![query],
        subject: Some(subject),
        ..Focus::default()
    };
    polling.orders.send(Order::Look(focus.clone())).await.unwrap();
    let sample = polling.sample("statement_texts").await;
    let texts = sample.data.as_ref().unwrap().downcast_ref::<Texts>().unwrap();
    assert!(texts.get(query).unwrap().text.contains("polled_marker"));

    // Its plan, twice.
    for nth in [1, 2] {
        focus.demand = Some(Demand {
            probe: StatementPlan::SPEC.id,
            nth,
        });
        polling.orders.send(Order::Look(focus.clone())).await.unwrap();
        let sample = polling.sample("statement_plan").await;
        assert_eq!((sample.ran.demand, sample.ran.fault.clone()), (focus.demand, None));
        let plan = sample.data.as_ref().unwrap().downcast_ref::<Vec<String>>().unwrap();
        assert!(plan.iter().any(|line| line.contains("pg_class")), "{plan:?}");
    }

    a_plan_is_taken_back(&mut polling, &client, focus).await?;

    client.simple("DROP EXTENSION pg_stat_statements").await?;
    polling.skipped("statements", "not installed").await;
    assert_eq!(polling.connections, 0, "no connection was lost");
    polling.orders.send(Order::Quit).await.unwrap();
    Ok(())
}

/// The plan is a function's value, and the function now takes longer than planning may: it is cancelled before that.
async fn a_plan_is_taken_back(polling: &mut Polling, client: &Client, mut focus: Focus) -> Result<()> {
    let sleep = "CREATE OR REPLACE FUNCTION slow() RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'";
    client.simple(sleep).await?;
    client.rows("SELECT slow() AS slow_marker").await?;
    client
        .simple(&sleep.replace("BEGIN", "BEGIN PERFORM pg_sleep(600);"))
        .await?;
    let query = "SELECT queryid FROM pg_stat_statements WHERE query LIKE 'SELECT slow() AS%'";
    focus.keys = vec![client.value(query).await?];
    focus.subject = Some(match focus.subject {
        Some(Subject::Statement {
            user,
            database,
            toplevel,
            ..
        }) => Subject::Statement {
            user,
            database,
            query: focus.keys[0],
            toplevel,
        },
        other => panic!("{other:?}"),
    });
    focus.demand = None;
    polling.orders.send(Order::Look(focus.clone())).await.unwrap();
    polling.sample("statement_texts").await;
    let planning =
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'EXPLAIN%slow()%')";
    let (deadline, mut nth) = (Instant::now() + PATIENCE, 3);
    loop {
        focus.demand = Some(Demand {
            probe: StatementPlan::SPEC.id,
            nth,
        });
        polling.orders.send(Order::Look(focus.clone())).await.unwrap();
        let late = tokio::select! {
            late = polling.sample("statement_plan") => Some(late),
            () = wait_until("it is planned", PATIENCE, async || client.value(planning).await) => None,
        };
        focus.demand = None;
        polling.orders.send(Order::Look(focus.clone())).await.unwrap();
        let sample = match late {
            Some(late) => late,
            None => polling.sample("statement_plan").await,
        };
        match sample.ran.fault.as_ref().map(|fault| fault.kind) {
            Some(FaultKind::Stopped) => return Ok(()),
            // Whoever looked on stood still for all the time that planning may take: nothing was taken back in time.
            Some(FaultKind::Timeout) if Instant::now() < deadline => nth += 1,
            other => panic!("{other:?}"),
        }
    }
}
