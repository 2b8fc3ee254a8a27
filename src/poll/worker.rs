//! The one background task: it owns the schedule and both connections, asks what is due, and sends what came back.
//! At most one statement is in flight on each connection, and no connection is opened while another one of the same
//! lane lives.

mod asking;
mod connecting;
mod switch;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use self::asking::Question;
use super::schedule::Schedule;
use super::wire::{State, Wire};
use super::{Cost, Link, News, Order};
use crate::config::Settings;
use crate::pg::fault::Fault;
use crate::pg::plan::{Plan, Secret};
use crate::pg::privilege::Findings;
use crate::pg::server::Server;
use crate::pg::session::{Answer, Lane, Session};
use crate::probe::extensions::ExtensionsProbe;
use crate::probe::pulse::PulseProbe;
use crate::probe::{Demand, Focus, Latest, Mono, Param, Tier};

/// How long what the user asked for may take to end when the program does: to cancel it over TLS takes a connection more.
const STOPPING: Duration = Duration::from_secs(3);

/// How long good-byes may take; a server that does not answer is not waited for.
const PARTING: Duration = Duration::from_millis(300);

/// The longest the worker goes on once it is told to quit.
pub const LEAVING: Duration = STOPPING.saturating_add(PARTING);

/// What the worker is made of.
pub struct Worker {
    plan: Arc<Plan>,
    settings: Arc<Settings>,
    password: Option<Secret>,
    /// Hold everything back until the user agreed to a role that may write.
    hold_privileged: bool,
    started: Instant,
    orders: mpsc::Receiver<Order>,
    news: mpsc::Sender<News>,
}

type Job = Pin<Box<dyn Future<Output = Done> + Send>>;

/// How a job ended.
enum Done {
    Connected(Lane, Result<Box<Session>, Fault>),
    /// At the database that was wanted, on the first connection.
    Arrived(String, Result<Box<Session>, Fault>),
    Privileges(Box<Session>, Result<Findings, Fault>),
    Asked {
        lane: Lane,
        session: Box<Session>,
        question: Question,
        answer: Answer,
    },
}

impl Worker {
    /// A worker for that plan. `password` is what the user typed; `hold_privileged` stops polling
    /// while the user is asked about a role that may write.
    #[must_use]
    pub fn new(
        plan: Arc<Plan>,
        settings: Arc<Settings>,
        password: Option<Secret>,
        hold_privileged: bool,
        started: Instant,
        (orders, news): (mpsc::Receiver<Order>, mpsc::Sender<News>),
    ) -> Self {
        Self {
            plan,
            settings,
            password,
            hold_privileged,
            started,
            orders,
            news,
        }
    }

    /// Runs until [`Order::Quit`] or until nobody listens any more. `first` is a session that is open already.
    pub async fn run(self, first: Option<Session>) {
        Run::new(self).run(first).await;
    }
}

/// The worker at work.
struct Run {
    worker: Worker,
    schedule: Schedule,
    wires: [Wire; 2],
    jobs: FuturesUnordered<Job>,
    server: Option<Arc<Server>>,
    latest: Latest,
    focus: Focus,
    cost: Cost,
    /// The role may write and the user has not answered yet.
    held: bool,
    /// What the role may write was asked for; once a session.
    role_known: bool,
    /// When the fast connection was lost.
    lost: Option<Mono>,
    /// Params each probe was last asked with, or would be now that its answer is known; `None` after it was skipped.
    asked_with: std::collections::BTreeMap<&'static str, Option<Vec<Param>>>,
    /// The demand that was sent last, while it holds: it is not sent again.
    answering: Option<Demand>,
    /// Ends the statement that answers it.
    stop: Option<oneshot::Sender<()>>,
    /// Statements on their way that the user asked for; also one that was taken back and has not ended yet.
    demanded: usize,
    /// The user wants to go on in this database.
    wanted_database: Option<String>,
    /// The plan from the start, once the user has switched to another database.
    before_switch: Option<Arc<Plan>>,
}

impl Run {
    fn new(worker: Worker) -> Self {
        let now = Mono(worker.started.elapsed());
        Self {
            schedule: Schedule::new(&worker.settings, now),
            role_known: false,
            worker,
            wires: [
                Wire::new(Lane::Fast, &[Tier::Hot, Tier::Workload], now),
                Wire::new(Lane::Slow, &[Tier::Storage, Tier::Hourly], now),
            ],
            jobs: FuturesUnordered::new(),
            server: None,
            latest: Latest::default(),
            focus: Focus::default(),
            cost: Cost::default(),
            held: false,
            lost: None,
            asked_with: std::collections::BTreeMap::new(),
            answering: None,
            stop: None,
            demanded: 0,
            wanted_database: None,
            before_switch: None,
        }
    }

    fn now(&self) -> Mono {
        Mono(self.worker.started.elapsed())
    }

    /// Our own backends.
    fn own(&self) -> Vec<i32> {
        self.wires.iter().filter_map(|wire| wire.pid).collect()
    }

    async fn run(mut self, first: Option<Session>) {
        if let Some(session) = first {
            self.connected(Lane::Fast, Ok(Box::new(session))).await;
        }
        loop {
            self.dispatch().await;
            let wake = self.wake();
            tokio::select! {
                biased;
                order = self.worker.orders.recv() => match order {
                    None | Some(Order::Quit) => break,
                    Some(order) => self.obey(order),
                },
                Some(done) = self.jobs.next() => self.done(done).await,
                () = sleep_until(wake, self.worker.started) => {}
            }
            if self.worker.news.is_closed() {
                break;
            }
        }
        self.close().await;
    }

    /// Free connections say good-bye; a busy one is dropped, and its statement ends within its own time limit. Not so
    /// what the user asked for: that statement is cancelled first, since it may hold a lock and run for long.
    async fn close(&mut self) {
        self.take_back();
        // Whatever the outcome, the program ends.
        let _ = timeout(STOPPING, self.see_demanded_through()).await;
        let idle = self.wires.iter_mut().filter_map(Wire::take);
        let _ = timeout(PARTING, join_all(idle.map(|session| session.close()))).await;
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Look(focus) => {
                let before = std::mem::replace(&mut self.focus, focus);
                if self.answering.is_some() && self.answering != self.focus.demand {
                    self.take_back();
                    self.answering = None;
                }
                self.ask_what_is_newly_wanted(&before);
            }
            Order::Now(probes) => {
                for probe in probes {
                    self.schedule.now(probe);
                }
                self.hurry();
            }
            Order::HotInterval(interval) => self.schedule.hot_interval(interval, self.now()),
            Order::GoOn => {
                self.held = false;
                // The answer holds for the whole session, whatever database it goes on in.
                self.worker.hold_privileged = false;
            }
            Order::Database(database) => self.switch_to(database),
            Order::Quit => {}
        }
    }

    /// Gives every free connection something to do.
    async fn dispatch(&mut self) {
        self.leave();
        for index in 0..self.wires.len() {
            let now = self.now();
            match &self.wires[index].state {
                State::Busy => {}
                State::Down { retry_at } if now < *retry_at => {}
                // The slow connection waits until the fast one is in: it is the one that matters.
                State::Down { .. } if self.wires[index].lane == Lane::Slow && !self.fast_is_in() => {}
                State::Down { .. } => self.connect(index),
                State::Idle(_) => self.feed(index).await,
            }
        }
    }

    async fn done(&mut self, done: Done) {
        match done {
            Done::Connected(lane, session) => self.connected(lane, session).await,
            Done::Arrived(database, session) => self.arrived(database, session).await,
            Done::Privileges(session, findings) => {
                // A connection that broke says nothing about the role, one to another database not enough: the next
                // one is asked.
                self.role_known = session.broken().is_none() && !self.is_elsewhere(&session);
                if self.role_known {
                    self.judge(findings).await;
                }
                self.give_back(Lane::Slow, session).await;
            }
            Done::Asked {
                lane,
                session,
                question,
                answer,
            } => {
                self.demanded -= usize::from(question.is_demanded());
                // What was asked elsewhere, before the first connection moved, is not about here.
                if !self.is_elsewhere(&session) {
                    self.answered(question, answer).await;
                }
                self.give_back(lane, session).await;
            }
        }
    }

    /// What the role may do is known. What cannot be found out is treated as if it could write: the user decides.
    async fn judge(&mut self, findings: Result<Findings, Fault>) {
        let harmless = matches!(&findings, Ok(findings) if !findings.may_write());
        self.held = self.worker.hold_privileged && !harmless;
        self.tell(News::Role(findings.map(Arc::new))).await;
    }

    fn wire(&mut self, lane: Lane) -> &mut Wire {
        &mut self.wires[usize::from(lane == Lane::Slow)]
    }

    /// Neither a promotion nor another extension breaks a connection: from then on the questions are asked that fit.
    async fn notice_changes(&mut self) {
        let Some(server) = self.server.as_deref() else { return };
        let pulse = self.latest.get::<PulseProbe>();
        let in_recovery = pulse.map_or(server.in_recovery, |pulse| pulse.in_recovery);
        let extensions = self.latest.get::<ExtensionsProbe>();
        let extensions = extensions.map_or(&server.extensions, |known| &known.installed);
        if server.in_recovery == in_recovery && server.extensions == *extensions {
            return;
        }
        let server = Arc::new(Server {
            in_recovery,
            extensions: extensions.clone(),
            ..server.clone()
        });
        self.server = Some(Arc::clone(&server));
        self.tell(News::Link(Link::Up(server))).await;
        let focus = self.focus.clone();
        self.ask_what_is_newly_wanted(&focus);
        // What an extension that has moved to another schema made fail would wait for minutes.
        self.schedule.forgive();
        // Whoever hears that forgets why anything was skipped: it is told again.
        self.asked_with.retain(|_, last| last.is_some());
    }

    fn open_connections(&self) -> u8 {
        u8::try_from(
            self.wires
                .iter()
                .filter(|wire| !matches!(wire.state, State::Down { .. }))
                .count(),
        )
        .unwrap_or(u8::MAX)
    }

    /// Waits while the program is slow to read: samples are never piled up, polling slows down instead.
    fn tell(&self, news: News) -> impl Future<Output = ()> + use<> {
        let listener = self.worker.news.clone();
        async move {
            // A closed channel means that the program ends; the run loop notices.
            let _ = listener.send(news).await;
        }
    }

    /// When something is due although nothing happens.
    fn wake(&self) -> Mono {
        let due = |wire: &Wire| match &wire.state {
            State::Busy => None,
            State::Down { .. } if wire.lane == Lane::Slow && !self.fast_is_in() => None,
            State::Down { retry_at } => Some(*retry_at),
            State::Idle(_) if self.held => None,
            State::Idle(_) => self.schedule.due(wire.tiers),
        };
        let far = Mono(self.now().0 + Duration::from_mins(1));
        self.wires
            .iter()
            .filter_map(due)
            .min()
            .map_or(far, |wake| wake.min(far))
    }
}

async fn sleep_until(wake: Mono, started: Instant) {
    tokio::time::sleep_until((started + wake.0).into()).await;
}
