//! The one background task: it owns the schedule and both connections, asks what is due, and sends what came back.
//! At most one statement is in flight on each connection, and no connection is opened while another one of the same
//! lane lives.

mod switch;

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::schedule::Schedule;
use super::wire::{State, Wire};
use super::{Cost, Link, News, Order, TierHealth};
use crate::config::Settings;
use crate::pg::fault::{Fault, FaultKind};
use crate::pg::plan::{Plan, Secret};
use crate::pg::privilege::Findings;
use crate::pg::server::Server;
use crate::pg::session::{Answer, Lane, Session};
use crate::probe::extensions::ExtensionsProbe;
use crate::probe::pulse::PulseProbe;
use crate::probe::{Ask, Demand, Entry, Focus, Latest, Mono, Param, Probe as _, Ran, Sample, Subject, Tier, Wanted};

/// How long the server may go on past a statement's own timeout before we cancel it.
const GRACE: Duration = Duration::from_millis(500);
/// How long a statement that nobody wants any more may take to end.
const STOPPING: Duration = Duration::from_secs(3);
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

/// One statement that was sent.
struct Question {
    entry: &'static Entry,
    params: Vec<Param>,
    subject: Option<Subject>,
    demand: Option<Demand>,
    /// The statement to be planned afterwards.
    explains: Option<Arc<str>>,
    started: Mono,
}

impl Question {
    /// It is what the user asked for, not something asked meanwhile.
    fn is_demanded(&self) -> bool {
        self.demand.is_some_and(|demand| demand.probe == self.entry.spec.id)
    }
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
    /// Params each gated probe was last asked with; `None` after it was skipped.
    asked_with: std::collections::BTreeMap<&'static str, Option<Vec<Param>>>,
    /// The demand that was sent last, while it holds: it is not sent again.
    answering: Option<Demand>,
    /// Ends the statement that answers it.
    stop: Option<oneshot::Sender<()>>,
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

    /// Free connections say good-bye; a busy one is dropped with its statement, which the server notices. Not so while
    /// it measures: that statement is cancelled first, since it holds a lock and may run for long.
    async fn close(&mut self) {
        if self.take_back() {
            // Whatever the outcome, the program ends.
            let _ = timeout(STOPPING, self.demanded()).await;
        }
        for wire in &mut self.wires {
            if let State::Idle(session) = std::mem::replace(&mut wire.state, State::Busy) {
                session.close().await;
            }
        }
    }

    /// Waits until what was demanded is over.
    async fn demanded(&mut self) {
        while let Some(done) = self.jobs.next().await {
            if let Done::Asked { session, question, .. } = done {
                session.close().await;
                if question.is_demanded() {
                    return;
                }
            }
        }
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

    /// Cancels what answers a demand; false if nothing does.
    fn take_back(&mut self) -> bool {
        self.stop.take().is_some_and(|stop| stop.send(()).is_ok())
    }

    /// Connections that wait for their next attempt try at once.
    fn hurry(&mut self) {
        let now = self.now();
        for wire in &mut self.wires {
            if let State::Down { .. } = wire.state {
                wire.retry(now);
            }
        }
    }

    /// Probes that were gated, or were asked about something else, and are wanted now that the focus has moved.
    fn ask_what_is_newly_wanted(&mut self, before: &Focus) {
        let Some(server) = &self.server else { return };
        let own = self.own();
        let ask = Ask {
            own: &own,
            server,
            settings: &self.worker.settings,
            latest: &self.latest,
            focus: &self.focus,
        };
        let gated = |entry: &Entry| (entry.wanted)(&Ask { focus: before, ..ask }) != Wanted::Yes;
        let newly = |entry: &&Entry| match self.asked_with.get(entry.spec.id) {
            Some(last) => {
                let changed = |last: &Vec<Param>| *last != (entry.params)(&ask);
                (entry.wanted)(&ask) == Wanted::Yes && (gated(entry) || last.as_ref().is_none_or(changed))
            }
            // Passed over so far; what no focus gates has its first round before it.
            None => (entry.wanted)(&ask) == Wanted::Yes && gated(entry),
        };
        let ids: Vec<_> = crate::probe::PROBES
            .iter()
            .filter(newly)
            .map(|entry| entry.spec.id)
            .collect();
        for id in ids {
            self.schedule.now(id);
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

    fn fast_is_in(&self) -> bool {
        self.server.is_some() && !matches!(self.wires[0].state, State::Down { .. })
    }

    fn connect(&mut self, index: usize) {
        let wire = &mut self.wires[index];
        wire.state = State::Busy;
        let lane = wire.lane;
        let plan = match &self.server {
            // The sizes of one server beside the sessions of another would be a lie.
            Some(server) if lane == Lane::Slow => Arc::new(self.worker.plan.only(server)),
            _ => Arc::clone(&self.worker.plan),
        };
        let (settings, password) = (Arc::clone(&self.worker.settings), self.worker.password.clone());
        self.jobs.push(Box::pin(async move {
            let session = Session::open(&plan, lane, &settings, password.as_ref()).await;
            Done::Connected(lane, session.map(Box::new))
        }));
    }

    /// Asks the next thing that is due on a free connection.
    async fn feed(&mut self, index: usize) {
        if self.held {
            return;
        }
        let Some(server) = self.server.clone() else { return };
        let tiers = self.wires[index].tiers;
        if self.wires[index].lane == Lane::Slow && !self.role_known {
            self.role_known = true;
            if let Some(mut session) = self.wires[index].take() {
                self.jobs.push(Box::pin(async move {
                    let findings = session.privileges().await;
                    Done::Privileges(session, findings)
                }));
            }
            return;
        }
        loop {
            let now = self.now();
            let Some(entry) = self.schedule.next(tiers, &server, now) else {
                return;
            };
            let own = self.own();
            let ask = Ask {
                own: &own,
                server: &server,
                settings: &self.worker.settings,
                latest: &self.latest,
                focus: &self.focus,
            };
            match (entry.wanted)(&ask) {
                Wanted::Yes if self.is_answered(entry) => self.passed_over(entry, &server).await,
                Wanted::Yes => {
                    let question = Question {
                        entry,
                        params: (entry.params)(&ask),
                        subject: self.focus.subject.clone(),
                        demand: self.focus.demand,
                        explains: (entry.explains)(&ask),
                        started: now,
                    };
                    self.asked_with.insert(entry.spec.id, Some(question.params.clone()));
                    self.send(index, question);
                    return;
                }
                Wanted::No(reason) => self.skip(entry, reason, &server).await,
                Wanted::Keep => self.passed_over(entry, &server).await,
            }
        }
    }

    /// What the user asked for once is sent once: a failure or the next round of its tier does not repeat it.
    fn is_answered(&self, entry: &Entry) -> bool {
        let demand = self.focus.demand.filter(|demand| demand.probe == entry.spec.id);
        demand.is_some() && self.answering == demand
    }

    async fn skip(&mut self, entry: &'static Entry, reason: &'static str, server: &Server) {
        let first = self.asked_with.insert(entry.spec.id, None) != Some(None);
        self.latest.forget(entry.spec.id);
        if first {
            self.tell(News::Skipped {
                probe: entry.spec.id,
                reason,
            })
            .await;
        }
        self.passed_over(entry, server).await;
    }

    /// A probe that was due was not asked.
    async fn passed_over(&mut self, entry: &'static Entry, server: &Server) {
        if let Some(health) = self.schedule.skipped(entry, server, self.now()) {
            self.round_ended(health).await;
        }
    }

    fn send(&mut self, index: usize, question: Question) {
        let lane = self.wires[index].lane;
        let deadline = self.deadline(question.entry);
        let Some(mut session) = self.wires[index].take() else {
            return;
        };
        if let Some(server) = &self.server {
            session.follow(server);
        }
        let stopped = self.stopped(&question);
        self.jobs.push(Box::pin(async move {
            let mut answer = session
                .ask_until(question.entry, &question.params, deadline, stopped)
                .await;
            if let Some(text) = &question.explains {
                answer = session.explain(answer, text).await;
            }
            Done::Asked {
                lane,
                session,
                question,
                answer,
            }
        }));
    }

    /// Over when the user takes back what this question answers; never for others.
    fn stopped(&mut self, question: &Question) -> impl Future<Output = ()> + use<> {
        let stop = question.is_demanded().then(|| {
            let (stop, stopped) = oneshot::channel();
            (self.answering, self.stop) = (question.demand, Some(stop));
            stopped
        });
        async move {
            let taken_back = match stop {
                Some(stopped) => stopped.await.is_ok(),
                None => false,
            };
            if !taken_back {
                pending::<()>().await;
            }
        }
    }

    /// The server ends hot and workload statements by itself after `statement_timeout`; the others after their budget.
    /// What has a budget of its own is cancelled right then.
    fn deadline(&self, entry: &Entry) -> Duration {
        if let Some(budget) = (entry.budget)(&self.worker.settings) {
            return budget;
        }
        let tier = self
            .server
            .as_deref()
            .map_or(entry.spec.tier, |server| (entry.tier)(server));
        let own = match tier {
            Tier::Hot | Tier::Workload => self.worker.settings.statement_timeout,
            Tier::Storage | Tier::Hourly => self.worker.settings.pace(tier).budget,
        };
        own + GRACE
    }

    async fn done(&mut self, done: Done) {
        match done {
            Done::Connected(lane, session) => self.connected(lane, session).await,
            Done::Arrived(database, session) => self.arrived(database, session).await,
            Done::Privileges(session, findings) => {
                let lost = findings
                    .as_ref()
                    .err()
                    .filter(|fault| fault.breaks_connection())
                    .cloned();
                // A connection that broke says nothing about the role, one to another database not enough: the next
                // one is asked.
                self.role_known = lost.is_none() && !self.is_elsewhere(&session);
                if self.role_known {
                    self.judge(findings).await;
                }
                self.give_back(Lane::Slow, session, lost).await;
            }
            Done::Asked {
                lane,
                session,
                question,
                answer,
            } => {
                let why = answer.result.as_ref().err().filter(|fault| fault.breaks_connection());
                let why = why.cloned();
                // What was asked elsewhere, before the first connection moved, is not about here.
                if !self.is_elsewhere(&session) {
                    self.answered(question, answer).await;
                }
                self.give_back(lane, session, why).await;
            }
        }
    }

    /// What the role may do is known. What cannot be found out is treated as if it could write: the user decides.
    async fn judge(&mut self, findings: Result<Findings, Fault>) {
        let harmless = matches!(&findings, Ok(findings) if !findings.may_write());
        self.held = self.worker.hold_privileged && !harmless;
        self.tell(News::Role(findings.map(Arc::new))).await;
    }

    async fn connected(&mut self, lane: Lane, session: Result<Box<Session>, Fault>) {
        let session = match session {
            Ok(session) => session,
            Err(fault) if lane == Lane::Fast && self.returned(&fault).await => return,
            Err(fault) => return self.down(lane, fault).await,
        };
        self.cost.opened += 1;
        if lane == Lane::Slow {
            return self.slow_connected(session).await;
        }
        let server = Arc::clone(session.server());
        let wire = self.wire(lane);
        wire.up(&session);
        wire.state = State::Idle(session);
        self.server = Some(Arc::clone(&server));
        // It may be another server than the one that told of these.
        self.latest.forget(ExtensionsProbe::SPEC.id);
        self.lost = None;
        let now = self.now();
        self.schedule.restart(now);
        self.asked_with.clear();
        self.tell(News::Link(Link::Up(server))).await;
        if let Some(slow) = self.wire(Lane::Slow).take() {
            self.give_back(Lane::Slow, slow, None).await;
        }
    }

    async fn slow_connected(&mut self, session: Box<Session>) {
        if self.is_elsewhere(&session) {
            let other_server = self.is_other_server(&session);
            session.close().await;
            if !other_server {
                let now = self.now();
                return self.wire(Lane::Slow).retry(now);
            }
            let why = "The second connection reached another server than the first one.";
            return self.down(Lane::Slow, Fault::new(FaultKind::Lost, why)).await;
        }
        let wire = self.wire(Lane::Slow);
        wire.up(&session);
        wire.state = State::Idle(session);
        // What the first connection asked meanwhile may have counted this one as somebody else's.
        let focus = self.focus.clone();
        self.ask_what_is_newly_wanted(&focus);
    }

    fn wire(&mut self, lane: Lane) -> &mut Wire {
        &mut self.wires[usize::from(lane == Lane::Slow)]
    }

    /// A connection is gone, or an attempt failed: say so and try again later.
    async fn down(&mut self, lane: Lane, fault: Fault) {
        let now = self.now();
        let wire = self.wire(lane);
        let retry_at = wire.down(&fault, now);
        let attempts = wire.attempts;
        if lane == Lane::Fast {
            if self.server.is_some() {
                self.lost.get_or_insert(now);
            }
            let (since, retry_at) = (self.lost, Some(retry_at));
            self.tell(News::Link(Link::Down {
                fault,
                since,
                retry_at,
                attempts,
            }))
            .await;
        } else if fault.kind != FaultKind::UnknownDatabase {
            self.tell(News::Slow(fault)).await;
        }
        // That a database is gone is for the first connection to say, and to find another one.
    }

    /// A session that is free again: kept, unless it broke (`why` is what its server said last) or is not where the
    /// first connection is.
    async fn give_back(&mut self, lane: Lane, session: Box<Session>, why: Option<Fault>) {
        if session.broken() {
            let why = why.unwrap_or_else(|| Fault::new(FaultKind::Lost, "The connection to the server broke."));
            return self.down(lane, why).await;
        }
        if self.is_elsewhere(&session) {
            session.close().await;
            // Not a fault to tell: the next attempt goes where the first connection is.
            let now = self.now();
            return self.wire(lane).retry(now);
        }
        self.wire(lane).state = State::Idle(session);
    }

    /// True for a session on another server than the first connection's, or in another database.
    fn is_elsewhere(&self, session: &Session) -> bool {
        let database = &session.server().database;
        let other = |server: &Arc<Server>| server.database != *database;
        self.is_other_server(session) || self.server.as_ref().is_some_and(other)
    }

    /// True for a session on another server than the first connection's, after an address moved or a restart.
    fn is_other_server(&self, session: &Session) -> bool {
        let here = |server: &Arc<Server>| server.started_us == session.server().started_us;
        self.server.as_ref().is_some_and(|server| !here(server))
    }

    async fn answered(&mut self, question: Question, answer: Answer) {
        if question.is_demanded() && question.demand == self.answering {
            self.stop = None;
        }
        let Question {
            entry,
            params,
            subject,
            demand,
            started,
            ..
        } = question;
        self.cost.statements += 1;
        // Waiting for a server that is gone costs it nothing.
        if !answer.result.as_ref().is_err_and(Fault::breaks_connection) {
            self.cost.busy += answer.took;
        }
        let (rows, data, fault) = match answer
            .result
            .and_then(|rows| Ok((rows.len(), (entry.decode)(&self.latest, &rows)?)))
        {
            Ok((rows, data)) => (rows, Some(data), None),
            Err(fault) => (0, None, Some(fault)),
        };
        self.cost.failed += u64::from(fault.is_some());
        let kind = fault.as_ref().map(|fault| fault.kind);
        let ran = Ran {
            probe: entry.spec.id,
            variant: answer.variant,
            sql: answer.sql,
            params,
            subject,
            demand,
            started,
            took: answer.took,
            rows,
            fault,
        };
        let sample = Arc::new(Sample { ran, data });
        self.latest.keep(&sample);
        self.tell(News::Sample(sample)).await;
        self.notice_changes().await;
        if let Some(server) = self.server.clone() {
            let now = self.now();
            // What the user waits for has a budget of its own: it does not make the tier late.
            let own = (entry.budget)(&self.worker.settings).is_some();
            let took = if own { Duration::ZERO } else { answer.took };
            if let Some(health) = self.schedule.asked(entry, &server, took, kind, now) {
                self.round_ended(health).await;
            }
        }
    }

    async fn round_ended(&mut self, health: TierHealth) {
        self.cost.connections = self.open_connections();
        self.tell(News::Tier(health)).await;
        self.tell(News::Cost(self.cost)).await;
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
        // Whoever hears that forgets why anything was skipped: it is told again.
        self.asked_with.retain(|_, last| last.is_some());
        let focus = self.focus.clone();
        self.ask_what_is_newly_wanted(&focus);
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
