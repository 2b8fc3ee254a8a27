//! The polling task on real servers: what it asks, what it holds back, how it loses the server and finds it again,
//! and that it never takes more than two connections.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod common;
#[path = "polling/databases.rs"]
mod databases;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use pgmon_lab::{Client, Cluster, Stop, wait_until};
use pgmon_tui::config::Settings;
use pgmon_tui::pg::fault::FaultKind;
use pgmon_tui::poll::worker::Worker;
use pgmon_tui::poll::{Link, News, Order};
use pgmon_tui::probe::{Focus, PROBES, Sample, Subject, Tier};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

const PATIENCE: Duration = pgmon_lab::PATIENCE;

/// The polling task, its orders and what it said.
struct Polling {
    orders: mpsc::Sender<Order>,
    news: mpsc::Receiver<News>,
    task: tokio::task::JoinHandle<()>,
}

impl Polling {
    fn start(cluster: &Cluster, user: &str, settings: Settings) -> Self {
        Self::connect(&cluster.conninfo(user, "postgres"), settings)
    }

    fn connect(connection: &str, settings: Settings) -> Self {
        let plan = Arc::new(common::plan(connection));
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

    /// The first piece of news that `pick` takes.
    async fn until<T>(&mut self, what: &str, mut pick: impl FnMut(News) -> Option<T>) -> T {
        let search = async {
            loop {
                let news = self
                    .news
                    .recv()
                    .await
                    .unwrap_or_else(|| panic!("the task ended before {what}"));
                if let Some(found) = pick(news) {
                    return found;
                }
            }
        };
        let found = tokio::time::timeout(PATIENCE, search).await;
        found.unwrap_or_else(|_| panic!("{what} did not happen"))
    }

    async fn sample(&mut self, probe: &str) -> Arc<Sample> {
        self.until(probe, |news| match news {
            News::Sample(sample) if sample.ran.probe == probe => Some(sample),
            _ => None,
        })
        .await
    }

    async fn up(&mut self) {
        self.until("a connection", |news| {
            matches!(news, News::Link(Link::Up(_))).then_some(())
        })
        .await;
    }

    async fn down(&mut self) -> FaultKind {
        self.until("the loss of the connection", |news| match news {
            News::Link(Link::Down { fault, .. }) => Some(fault.kind),
            _ => None,
        })
        .await
    }

    async fn quit(self) {
        self.orders.send(Order::Quit).await.unwrap();
        // Nobody reads the news any more: the task must end all the same.
        drop(self.news);
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }
}

async fn cluster(major: u32) -> Cluster {
    Cluster::builder(major)
        .role("monitor LOGIN IN ROLE pg_monitor")
        .start()
        .await
        .unwrap()
}

const OURS: &str = "select count(*)::int8 from pg_stat_activity where usename = 'monitor'";

async fn connections(truth: &Client) -> i64 {
    truth.value(OURS).await.unwrap()
}

#[tokio::test]
async fn at_the_start_every_tier_is_asked_and_two_connections_are_all_it_takes() {
    let cluster = cluster(18).await;
    let truth = cluster.client().await.unwrap();
    let mut polling = Polling::start(&cluster, "monitor", Settings::default());
    let (mut answered, mut order) = (BTreeSet::new(), Vec::new());
    while answered.len() < PROBES.len() {
        polling
            .until("an answer or a reason for every probe", |news| match news {
                News::Sample(sample) => {
                    order.push(sample.ran.probe);
                    answered.insert(sample.ran.probe);
                    Some(())
                }
                News::Skipped { probe, .. } => {
                    answered.insert(probe);
                    Some(())
                }
                _ => None,
            })
            .await;
    }
    assert_eq!(order.first(), Some(&"pulse"), "the hot tier comes first: {order:?}");
    assert_eq!(connections(&truth).await, 2);
    polling.quit().await;
    wait_until("both connections are gone", PATIENCE, async || {
        Ok(connections(&truth).await == 0)
    })
    .await;
}

#[tokio::test]
async fn what_an_answer_changes_in_its_question_asks_it_no_second_time() {
    let cluster = cluster(18).await;
    let truth = cluster.client().await.unwrap();
    let tables = "CREATE TABLE t (a serial); INSERT INTO t DEFAULT VALUES; GRANT SELECT ON t, t_a_seq TO monitor";
    truth.simple(tables).await.unwrap();
    let mut polling = Polling::start(&cluster, "monitor", Settings::default());
    polling
        .until("the end of the first hourly round", |news| match news {
            News::Tier(health) if health.tier == Tier::Hourly => Some(()),
            _ => None,
        })
        .await;
    // The listed tables and sequences go into the next question for them: that is no reason to ask it now.
    let focus = Focus {
        pane: "vacuum",
        ..Focus::default()
    };
    polling.orders.send(Order::Look(focus)).await.unwrap();
    // Twice, because one of the two would come after it.
    for _ in 0..2 {
        polling.orders.send(Order::Now(vec!["fk_unindexed"])).await.unwrap();
        polling
            .until("the answer to another question", |news| match news {
                News::Sample(sample) => {
                    let probe = sample.ran.probe;
                    assert!(!["relations", "sequences"].contains(&probe), "{probe} is asked again");
                    (probe == "fk_unindexed").then_some(())
                }
                _ => None,
            })
            .await;
    }
    polling.quit().await;
}

#[tokio::test]
async fn what_a_new_extension_makes_possible_is_asked_at_once() {
    let cluster = cluster(18).await;
    let truth = cluster.client().await.unwrap();
    truth.simple("DROP EXTENSION pg_stat_statements").await.unwrap();
    let mut settings = Settings::default();
    settings.paces[1].interval = Duration::from_hours(1);
    let mut polling = Polling::start(&cluster, "monitor", settings);
    // Two rounds come soon after each other, the next one in an hour.
    for _ in 0..2 {
        polling
            .until("the end of a workload round", |news| match news {
                News::Tier(health) if health.tier == Tier::Workload => Some(()),
                _ => None,
            })
            .await;
    }
    truth.simple("CREATE EXTENSION pg_stat_statements").await.unwrap();
    polling.orders.send(Order::Now(vec!["extensions"])).await.unwrap();
    assert_eq!(polling.sample("statements").await.ran.fault, None);
    polling.quit().await;
}

#[tokio::test]
async fn a_restart_is_survived_with_the_reason_and_a_new_session() {
    let cluster = cluster(18).await;
    let mut polling = Polling::start(&cluster, "monitor", Settings::default());
    polling.sample("activity").await;
    cluster.stop(Stop::Immediate).await.unwrap();
    polling.down().await;
    // Who comes in the last moment is hung up on; who comes later is refused.
    let again = polling
        .until("another reason than the loss", |news| match news {
            News::Link(Link::Down { fault, .. }) if fault.kind != FaultKind::Lost => Some(fault.kind),
            _ => None,
        })
        .await;
    assert!(matches!(again, FaultKind::Refused | FaultKind::NotYet), "{again:?}");
    cluster.start_again().await.unwrap();
    polling.up().await;
    polling.sample("activity").await;
    polling.quit().await;
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up_and_found_again() {
    let cluster = cluster(18).await;
    let settings = Settings {
        connect_timeout: Duration::from_secs(2),
        statement_timeout: Duration::from_secs(1),
        ..Settings::default()
    };
    let mut polling = Polling::start(&cluster, "monitor", settings);
    polling.sample("activity").await;
    cluster.pause();
    polling.down().await;
    cluster.resume();
    polling.up().await;
    polling.sample("activity").await;
    let truth = cluster.client().await.unwrap();
    // The backends of the lost sessions notice at their next write; only ours that live count.
    wait_until("two connections", PATIENCE, async || Ok(connections(&truth).await <= 2)).await;
    polling.quit().await;
}

#[tokio::test]
async fn a_terminated_backend_is_replaced() {
    let cluster = cluster(18).await;
    let truth = cluster.client().await.unwrap();
    let mut polling = Polling::start(&cluster, "monitor", Settings::default());
    polling.sample("activity").await;
    let killed = "select count(pg_terminate_backend(pid))::int8 from pg_stat_activity where usename = 'monitor'";
    assert!(truth.value::<i64>(killed).await.unwrap() >= 1);
    assert_eq!(
        polling.down().await,
        FaultKind::Terminated,
        "the reason is the server's own"
    );
    polling.up().await;
    polling.sample("activity").await;
    polling.quit().await;
}

/// Nothing is asked when the reason comes, and the answer to nothing is not read by anybody.
#[tokio::test]
async fn what_ends_a_session_between_two_questions_is_told_as_well() {
    let cluster = cluster(18).await;
    let truth = cluster.client().await.unwrap();
    let mut settings = Settings::default();
    for pace in &mut settings.paces {
        pace.interval = Duration::from_hours(1);
    }
    let mut polling = Polling::start(&cluster, "monitor", settings);
    polling.sample("activity").await;
    let idle = "select count(*) = 2 and bool_and(state = 'idle' and state_change < clock_timestamp() - interval '1 s') \
                from pg_stat_activity where usename = 'monitor'";
    wait_until(
        "both connections are there and nothing is asked",
        PATIENCE,
        async || truth.value(idle).await,
    )
    .await;
    let kill = "select count(pg_terminate_backend(pid, 10000))::int8 from pg_stat_activity where usename = 'monitor'";
    assert_eq!(truth.value::<i64>(kill).await.unwrap(), 2);
    polling.orders.send(Order::Now(vec!["activity"])).await.unwrap();
    assert_eq!(polling.down().await, FaultKind::Terminated);
    polling.up().await;
    polling.quit().await;
}

#[tokio::test]
async fn the_second_connection_goes_where_the_first_one_is_or_nowhere() {
    let limited = "monitor LOGIN CONNECTION LIMIT 1 IN ROLE pg_monitor";
    let first = Cluster::builder(18).role(limited).start().await.unwrap();
    let other = cluster(18).await;
    let hosts = format!(
        "host={},{} port={},{} user=monitor dbname=postgres",
        first.socket_dir().display(),
        other.socket_dir().display(),
        first.port(),
        other.port()
    );
    let mut polling = Polling::connect(&hosts, Settings::default());
    // There is no place for it on the first server: the other one's sizes would be another server's.
    let refused = polling
        .until("the second connection is refused", |news| match news {
            News::Slow(fault) => Some(fault.kind),
            News::Sample(sample) if sample.ran.probe == "databases" => panic!("sizes of another server"),
            _ => None,
        })
        .await;
    assert_eq!(refused, FaultKind::TooManyConnections);
    let truth = other.client().await.unwrap();
    assert_eq!(connections(&truth).await, 0, "on the other server");
    polling.quit().await;
}

/// A virtual address: new connections go to the server it stands for now, old ones stay where they are.
async fn virtual_address(target: Arc<AtomicU16>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let to = target.load(Ordering::SeqCst);
            tokio::spawn(async move {
                if let Ok(mut server) = TcpStream::connect(("127.0.0.1", to)).await {
                    // Either side may hang up at any time.
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn when_an_address_moves_to_another_server_both_connections_move() {
    let (first, other) = (cluster(18).await, cluster(18).await);
    let target = Arc::new(AtomicU16::new(first.port()));
    let port = virtual_address(Arc::clone(&target)).await;
    let mut polling = Polling::connect(
        &format!("host=127.0.0.1 port={port} user=monitor dbname=postgres"),
        Settings::default(),
    );
    polling.sample("databases").await;
    target.store(other.port(), Ordering::SeqCst);
    // Only the first connection is cut; the second one would go on asking the old server.
    let truth = first.client().await.unwrap();
    let cut = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'monitor' order by backend_start limit 1";
    assert!(truth.value::<bool>(cut).await.unwrap());
    polling.down().await;
    polling.up().await;
    polling.sample("databases").await;
    wait_until("nothing of ours is left on the first server", PATIENCE, async || {
        Ok(connections(&truth).await == 0)
    })
    .await;
    let truth = other.client().await.unwrap();
    assert_eq!(connections(&truth).await, 2);
    polling.quit().await;
}

#[tokio::test]
async fn while_every_slot_is_taken_it_waits_and_gets_in_when_one_is_free() {
    let cluster = Cluster::builder(18)
        .conf("max_connections", "5")
        .conf("superuser_reserved_connections", "1")
        .conf("reserved_connections", "0")
        .role("monitor LOGIN IN ROLE pg_monitor")
        .role("app LOGIN")
        .start()
        .await
        .unwrap();
    // A session that has just been left may still take its slot: all of them are to be ours.
    let mut taken = Vec::new();
    wait_until("every slot but the superuser's is taken", PATIENCE, async || {
        taken.extend(cluster.client_as("app", "postgres").await.ok());
        Ok(taken.len() == 4)
    })
    .await;
    let mut polling = Polling::start(&cluster, "monitor", Settings::default());
    assert_eq!(polling.down().await, FaultKind::TooManyConnections);
    assert_eq!(polling.down().await, FaultKind::TooManyConnections, "it keeps trying");
    taken.clear();
    polling.up().await;
    polling.sample("activity").await;
    polling.quit().await;
}

#[tokio::test]
async fn a_role_that_may_write_is_held_until_the_user_agrees() {
    let cluster = cluster(18).await;
    let mut polling = Polling::start(&cluster, "postgres", Settings::default());
    let may_write = polling
        .until("what the role may write", |news| match news {
            News::Role(findings) => Some(findings.unwrap().may_write()),
            _ => None,
        })
        .await;
    assert!(may_write);
    // What was under way ends, and whether it has even begun on the server cannot be told at any one moment; then
    // nothing is asked for longer than two hot intervals, which never happens to who polls on.
    let truth = cluster.client_named("truth", "postgres", "postgres").await.unwrap();
    let quiet = "select count(*) = 2 and bool_and(state = 'idle' and query_start < clock_timestamp() - interval '5 s') \
                 from pg_stat_activity where application_name = 'pgmon-tui'";
    wait_until("nothing is asked before the user agrees", PATIENCE, async || {
        truth.value::<bool>(quiet).await
    })
    .await;
    let last = "select max(query_start)::text from pg_stat_activity where application_name = 'pgmon-tui'";
    let before: String = truth.value(last).await.unwrap();
    polling.orders.send(Order::GoOn).await.unwrap();
    let after = format!(
        "select max(query_start) > '{before}'::timestamptz from pg_stat_activity where application_name = 'pgmon-tui'"
    );
    wait_until("polling goes on", PATIENCE, async || truth.value::<bool>(&after).await).await;
    polling.quit().await;
}

#[tokio::test]
async fn a_connection_lost_while_the_role_is_examined_is_no_finding() {
    let cluster = cluster(18).await;
    let locker = cluster.client().await.unwrap();
    locker
        .simple("begin; lock table pg_catalog.pg_shdepend in access exclusive mode")
        .await
        .unwrap();
    let settings = Settings {
        lock_timeout: PATIENCE,
        ..Settings::default()
    };
    let mut polling = Polling::start(&cluster, "monitor", settings);
    let truth = cluster.client().await.unwrap();
    let waiting =
        "from pg_locks l join pg_stat_activity a on a.pid = l.pid where not l.granted and a.usename = 'monitor'";
    let waits = format!("select exists (select {waiting})");
    wait_until("the question about the role waits", PATIENCE, async || {
        truth.value::<bool>(&waits).await
    })
    .await;
    let cut = format!("select pg_terminate_backend(a.pid) {waiting} limit 1");
    assert!(truth.value::<bool>(&cut).await.unwrap());
    locker.simple("rollback").await.unwrap();
    let may_write = polling
        .until("what the role may write", |news| match news {
            News::Role(findings) => Some(findings.map(|findings| findings.may_write())),
            _ => None,
        })
        .await;
    assert_eq!(may_write, Ok(false));
    polling.quit().await;
}

#[tokio::test]
async fn a_detail_page_is_asked_for_at_once_and_only_while_it_is_open() {
    let cluster = cluster(18).await;
    let looked_at = cluster.client().await.unwrap();
    let start =
        "select (extract(epoch from backend_start) * 1000000)::int8 from pg_stat_activity where pid = pg_backend_pid()";
    let subject = Subject::Backend {
        pid: looked_at.pid(),
        start: looked_at.value(start).await.unwrap(),
    };
    let mut polling = Polling::start(&cluster, "monitor", Settings::default());
    polling.sample("activity").await;
    let focus = Focus {
        pane: "activity",
        subject: Some(subject.clone()),
        ..Focus::default()
    };
    polling.orders.send(Order::Look(focus)).await.unwrap();
    let sample = polling.sample("backend").await;
    assert_eq!(sample.ran.subject, Some(subject));
    assert!(sample.ran.fault.is_none(), "{:?}", sample.ran.fault);
    polling.orders.send(Order::Look(Focus::default())).await.unwrap();
    polling
        .until("the page's probe is left out", |news| {
            matches!(news, News::Skipped { probe: "backend", .. }).then_some(())
        })
        .await;
    polling.quit().await;
}

#[tokio::test]
async fn pressing_refresh_ten_times_asks_no_more_than_pressing_it_twice() {
    let cluster = cluster(18).await;
    let settings = Settings::default();
    let mut polling = Polling::start(&cluster, "monitor", settings);
    // Storage probes are not due again for ten minutes: every further answer was asked for by hand.
    polling.sample("databases").await;
    for _ in 0..10 {
        polling.orders.send(Order::Now(vec!["databases"])).await.unwrap();
    }
    polling.sample("databases").await;
    let mut more = 0;
    let mut rounds = 0;
    while rounds < 2 {
        polling
            .until("the next hot rounds", |news| match news {
                News::Sample(sample) if sample.ran.probe == "databases" => {
                    more += 1;
                    Some(())
                }
                News::Tier(health) if health.tier == Tier::Hot => {
                    rounds += 1;
                    Some(())
                }
                _ => None,
            })
            .await;
    }
    // One may have been under way when the presses came in, and they came in one by one.
    assert!(more < 9, "{more} more answers for ten presses");
    polling.quit().await;
}

#[tokio::test]
async fn a_promotion_is_noticed_without_a_new_connection() {
    let primary = Cluster::builder(18)
        .role("monitor LOGIN IN ROLE pg_monitor")
        .start()
        .await
        .unwrap();
    let standby = primary.standby("standby1", &[]).await.unwrap();
    let mut polling = Polling::start(&standby, "monitor", Settings::default());
    let role = |news| match news {
        News::Link(Link::Up(server)) => Some(server.in_recovery),
        _ => None,
    };
    assert!(polling.until("a standby", role).await);
    polling.sample("recovery").await;
    let admin = standby.client().await.unwrap();
    admin.simple("select pg_promote(false)").await.unwrap();
    assert!(!polling.until("a primary", role).await);
    polling.quit().await;
}
