//! What the backends do, for the Activity pane: which rows a view shows, in what order, and what is said of each.
//!
//! Parallel workers stand under their leader: one statement is one group, and a group is shown or left out as a
//! whole. Nothing here drops a session because its state is hidden: what is unknown is never a reason to hide it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::locks::{Forest, Who};
use crate::probe::activity::Backend;

/// Who waits for whom, as the forest of the Locks pane has it. 0 stands for prepared transactions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blocking {
    /// The waiting pid and the nearest of those in its way; empty where the server names nobody.
    pub by: BTreeMap<i32, Vec<i32>>,
    /// A pid in somebody's way, and how many sessions wait because of it, directly or through others.
    pub blocks: BTreeMap<i32, usize>,
}

impl Blocking {
    /// What a forest says.
    #[must_use]
    pub fn of(forest: &Forest) -> Self {
        let mut blocking = Self::default();
        for node in &forest.nodes {
            let pid = pid_of(&node.who);
            let blocks = node.frees.max(node.direct);
            if blocks > 0 {
                *blocking.blocks.entry(pid).or_default() += blocks;
            }
            if node.wait.is_some() {
                let parent = node
                    .parent
                    .and_then(|parent| forest.nodes.get(parent))
                    .map(|parent| &parent.who);
                let by: Vec<i32> = parent.into_iter().chain(&node.also_behind).map(pid_of).collect();
                let group = node.workers.iter().copied().chain([pid]);
                blocking.by.extend(group.map(|pid| (pid, by.clone())));
            }
        }
        blocking
    }
}

const fn pid_of(who: &Who) -> i32 {
    match who {
        Who::Backend { pid, .. } => *pid,
        Who::Prepared(_) => 0,
    }
}

/// Which sessions are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum View {
    /// Every session.
    #[default]
    All,
    /// Those that run a statement.
    Active,
    /// Those that run a statement and wait within it, and everything that waits for a lock.
    Waiting,
    /// Those that somebody waits for.
    Blocking,
    /// Those that hold a transaction open and run nothing.
    IdleInTransaction,
}

impl View {
    /// All views in the order of the key.
    pub const ALL: [Self; 5] = [
        Self::All,
        Self::Active,
        Self::Waiting,
        Self::Blocking,
        Self::IdleInTransaction,
    ];

    /// Its name on the screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Active => "active",
            Self::Waiting => "waiting",
            Self::Blocking => "blocking",
            Self::IdleInTransaction => "idle in tx",
        }
    }

    /// The view after this one, round again at the end.
    #[must_use]
    pub fn next(self) -> Self {
        self.step(1)
    }

    /// The view before this one.
    #[must_use]
    pub fn prev(self) -> Self {
        self.step(Self::ALL.len() - 1)
    }

    fn step(self, by: usize) -> Self {
        Self::ALL
            .into_iter()
            .cycle()
            .skip_while(|view| *view != self)
            .nth(by)
            .unwrap_or_default()
    }
}

/// The steps of the minimum duration in seconds; 0 is off.
pub const MIN_DURATIONS: [u32; 7] = [0, 1, 5, 30, 60, 300, 1800];

/// The next step of the minimum duration, off again after the last.
#[must_use]
pub fn next_min_duration(seconds: u32) -> u32 {
    MIN_DURATIONS.into_iter().find(|step| *step > seconds).unwrap_or(0)
}

/// What a backend does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Doing {
    /// Runs a statement and waits for nothing: on CPU, as far as the server knows.
    Running,
    /// Runs a statement and waits for something.
    Waiting,
    /// Holds a transaction open and runs nothing.
    IdleInTransaction,
    /// The same, and the transaction has failed already.
    Aborted,
    /// Nothing.
    Idle,
    /// Not known: the role may not see it, or the server does not track it.
    Unknown,
    /// Not a client's session: a process of the server.
    Background,
}

impl Doing {
    /// What a row of `pg_stat_activity` says.
    #[must_use]
    pub fn of(backend: &Backend) -> Self {
        if is_background(backend) {
            return Self::Background;
        }
        match backend.state.as_deref() {
            Some("active" | "fastpath function call") if backend.wait_event.is_some() => Self::Waiting,
            Some("active" | "fastpath function call") => Self::Running,
            Some("idle in transaction") => Self::IdleInTransaction,
            Some("idle in transaction (aborted)") => Self::Aborted,
            Some("idle") => Self::Idle,
            _ => Self::Unknown,
        }
    }

    /// Runs a statement.
    #[must_use]
    pub const fn active(self) -> bool {
        matches!(self, Self::Running | Self::Waiting)
    }

    /// Holds a transaction open and runs nothing.
    #[must_use]
    pub const fn idle_in_transaction(self) -> bool {
        matches!(self, Self::IdleInTransaction | Self::Aborted)
    }
}

/// A process of the server rather than a session of a client. Where the type is hidden, only a process without
/// role and database is taken for one.
fn is_background(backend: &Backend) -> bool {
    match backend.backend_type.as_deref() {
        Some("client backend" | "parallel worker") => false,
        Some(_) => true,
        None => backend.hidden && backend.datname.is_none(),
    }
}

/// Where a row stands in its parallel group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Not in a group.
    #[default]
    Alone,
    /// The leader of this many workers.
    Leader(usize),
    /// A worker under its leader.
    Worker {
        /// The last one of the group.
        last: bool,
    },
}

/// One row of the pane.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The backend.
    pub backend: Arc<Backend>,
    /// Where it stands in its group.
    pub place: Place,
    /// What it does.
    pub doing: Doing,
    /// The sessions it waits for, the nearest ones.
    pub blocked_by: Vec<i32>,
    /// It waits for a lock; by the locks sample or its own wait event.
    pub waits_for_lock: bool,
    /// How many sessions wait because of it.
    pub blocks: usize,
}

impl Row {
    /// Age of what it is busy with: see `busy_s`.
    #[must_use]
    pub fn busy_s(&self) -> Option<f64> {
        busy_s(&self.backend, self.doing)
    }
}

/// Seconds since it began what it is busy with: the transaction, or the running statement if there is no
/// transaction age. `None` for idle sessions and where it is hidden.
fn busy_s(backend: &Backend, doing: Doing) -> Option<f64> {
    match doing {
        Doing::Running | Doing::Waiting => backend.xact_s.or(backend.query_s),
        Doing::IdleInTransaction | Doing::Aborted => backend.xact_s.or(backend.state_s),
        Doing::Background => backend.xact_s,
        Doing::Idle | Doing::Unknown => None,
    }
}

/// Seconds since a backend began what it is busy with; `None` for idle ones and where it is hidden.
#[must_use]
pub fn busy_backend(backend: &Backend) -> Option<f64> {
    busy_s(backend, Doing::of(backend))
}

/// What is asked of [`rows`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Which sessions.
    pub view: View,
    /// Leaves out what has been busy for less than this, and idle sessions; 0 is off. In seconds.
    pub min_duration: u32,
    /// Shows processes of the server too. Those that wait for a lock or block somebody are shown always.
    pub background: bool,
}

/// Sessions of clients by what they do; workers and processes of the server are not counted as sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sessions of clients.
    pub sessions: usize,
    /// Of these, running a statement.
    pub active: usize,
    /// Of the active ones, waiting within it.
    pub waiting: usize,
    /// Waiting for a lock, processes of the server included.
    pub for_locks: usize,
    /// Having others wait for them, processes of the server included; prepared transactions are not sessions.
    pub blocking: usize,
    /// Holding a transaction open and running nothing.
    pub idle_in_transaction: usize,
    /// Idle.
    pub idle: usize,
    /// Of unknown state.
    pub unknown: usize,
    /// Hidden from this role.
    pub hidden: usize,
    /// Processes of the server.
    pub background: usize,
}

/// Counts the sessions.
#[must_use]
pub fn counts(backends: &[Backend], blocking: &Blocking) -> Counts {
    let mut counts = Counts {
        blocking: blocking.blocks.keys().filter(|pid| **pid != 0).count(),
        ..Counts::default()
    };
    for backend in backends {
        let doing = Doing::of(backend);
        counts.for_locks += usize::from(waits_for_lock(backend, blocking));
        if doing == Doing::Background {
            counts.background += 1;
            continue;
        }
        if leader_of(backend).is_some() {
            continue;
        }
        counts.sessions += 1;
        counts.hidden += usize::from(backend.hidden);
        counts.active += usize::from(doing.active());
        counts.waiting += usize::from(doing == Doing::Waiting);
        counts.idle_in_transaction += usize::from(doing.idle_in_transaction());
        counts.idle += usize::from(doing == Doing::Idle);
        counts.unknown += usize::from(doing == Doing::Unknown);
    }
    counts
}

/// The rows of a view, groups together, in the order that serves an incident: first what holds a transaction or
/// runs a statement, the longest first; then sessions of unknown state, those that block first; then idle ones, the latest first; last the
/// processes of the server.
#[must_use]
pub fn rows(backends: &[Backend], blocking: &Blocking, options: Options) -> Vec<Row> {
    let mut groups: Vec<Vec<Row>> = groups(backends, blocking)
        .into_iter()
        .filter(|group| group.iter().any(|row| shown(row, options)))
        .collect();
    groups.sort_by(|a, b| match (a.first(), b.first()) {
        (Some(a), Some(b)) => rank(a)
            .cmp(&rank(b))
            .then_with(|| older(a, b))
            .then_with(|| b.blocks.cmp(&a.blocks))
            .then_with(|| pid(a).cmp(&pid(b))),
        _ => std::cmp::Ordering::Equal,
    });
    groups.into_iter().flatten().collect()
}

fn pid(row: &Row) -> i32 {
    row.backend.pid
}

fn rank(row: &Row) -> u8 {
    match row.doing {
        Doing::Background => 4,
        Doing::Idle => 3,
        // Of what is hidden, locks tell at least who blocks and who waits.
        Doing::Unknown if row.blocks == 0 && !row.waits_for_lock => 2,
        Doing::Unknown => 1,
        _ => 0,
    }
}

/// The longer busy one first; among idle ones the one that became idle last.
fn older(a: &Row, b: &Row) -> std::cmp::Ordering {
    let age = |row: &Row| match row.doing {
        Doing::Idle => -row.backend.state_s.unwrap_or(f64::MAX),
        _ => row.busy_s().unwrap_or(-1.0),
    };
    age(b).total_cmp(&age(a))
}

/// The leader's pid, for a worker.
fn leader_of(backend: &Backend) -> Option<i32> {
    backend.leader_pid.filter(|leader| *leader != backend.pid)
}

/// Backends by parallel group, the leader first. A worker whose leader is not there is a group of its own.
fn groups(backends: &[Backend], blocking: &Blocking) -> Vec<Vec<Row>> {
    let all: BTreeMap<i32, Arc<Backend>> = backends
        .iter()
        .map(|backend| (backend.pid, Arc::new(backend.clone())))
        .collect();
    let mut workers: BTreeMap<i32, Vec<&Arc<Backend>>> = BTreeMap::new();
    let mut leaders = Vec::new();
    for backend in all.values() {
        match leader_of(backend).filter(|pid| all.get(pid).is_some_and(|lead| leader_of(lead).is_none())) {
            Some(leader) => workers.entry(leader).or_default().push(backend),
            None => leaders.push(backend),
        }
    }
    let row = |backend: &Arc<Backend>, place| Row {
        place,
        doing: Doing::of(backend),
        blocked_by: blocking.by.get(&backend.pid).cloned().unwrap_or_default(),
        waits_for_lock: waits_for_lock(backend, blocking),
        blocks: blocking.blocks.get(&backend.pid).copied().unwrap_or_default(),
        backend: Arc::clone(backend),
    };
    leaders
        .into_iter()
        .map(|lead| {
            let led = workers.remove(&lead.pid).unwrap_or_default();
            let place = if led.is_empty() {
                Place::Alone
            } else {
                Place::Leader(led.len())
            };
            let rows = led.iter().enumerate().map(|(n, worker)| {
                row(
                    worker,
                    Place::Worker {
                        last: n + 1 == led.len(),
                    },
                )
            });
            std::iter::once(row(lead, place)).chain(rows).collect()
        })
        .collect()
}

fn waits_for_lock(backend: &Backend, blocking: &Blocking) -> bool {
    backend.wait_event_type.as_deref() == Some("Lock") || blocking.by.contains_key(&backend.pid)
}

fn shown(row: &Row, options: Options) -> bool {
    let entangled = row.waits_for_lock || row.blocks > 0;
    let kind = row.doing != Doing::Background || options.background || entangled;
    let long = options.min_duration == 0
        || row.doing == Doing::Unknown
        || row.busy_s().is_some_and(|busy| busy >= f64::from(options.min_duration));
    kind && long
        && match options.view {
            View::All => true,
            View::Active => row.doing.active() || (row.doing == Doing::Background && row.backend.xact_s.is_some()),
            View::Waiting => row.doing == Doing::Waiting || row.waits_for_lock,
            View::Blocking => row.blocks > 0,
            View::IdleInTransaction => row.doing.idle_in_transaction(),
        }
}

#[cfg(test)]
mod tests;
