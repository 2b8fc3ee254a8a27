//! From rows to the nodes of the graph: parallel workers fold into their leader, 0 becomes a prepared transaction,
//! and a waiter for whom the server names nobody gets the holders of what it waits for.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::graph::Edges;
use super::{Since, Who, object};
use crate::probe::locks::{Held, Sample, Session, Tag, Wait};
use crate::probe::prepared::Prepared;

/// What becomes a node.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub who: Who,
    pub session: Session,
    pub prepared: Option<Prepared>,
    pub workers: Vec<i32>,
    pub wait: Option<Wait>,
    /// The sessions' bounds for the wait, where the server does not say when it began.
    bound: Option<f64>,
    /// What it holds in somebody's way, what the most wait for first.
    holds: Vec<Hold>,
}

/// A lock in somebody's way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Hold {
    waiters: Reverse<usize>,
    object: String,
    mode: String,
}

/// All nodes and, for each, those in its way.
pub(super) struct Units {
    pub units: Vec<Unit>,
    pub edges: Edges,
}

impl Unit {
    fn new(who: Who) -> Self {
        Self {
            who,
            session: Session::default(),
            prepared: None,
            workers: Vec::new(),
            wait: None,
            bound: None,
            holds: Vec::new(),
        }
    }

    pub fn age(&self) -> Option<f64> {
        match (&self.wait, &self.prepared) {
            (Some(_), _) => self.since().map(|since| since.seconds),
            (None, Some(prepared)) => prepared.age_s,
            (None, None) => self.session.xact_s.or(self.session.state_s),
        }
    }

    /// How long it waits: exact by `waitstart`, else at most since its statement or state began.
    pub fn since(&self) -> Option<Since> {
        let exact = |seconds| Since {
            seconds,
            at_most: false,
        };
        let at_most = |seconds| Since { seconds, at_most: true };
        self.wait
            .as_ref()?
            .seconds
            .map(exact)
            .or_else(|| self.bound.map(at_most))
    }

    /// What it waits for, or what it holds in the way of the most, and how many other things.
    pub fn object(&self) -> String {
        match (&self.wait, self.holds.as_slice()) {
            (Some(wait), _) => object::wanted(wait),
            (None, []) => String::new(),
            (None, [hold]) => hold.object.clone(),
            (None, [hold, others @ ..]) => format!("{} +{}", hold.object, others.len()),
        }
    }

    pub fn mode(&self) -> String {
        let mode = match (&self.wait, self.holds.first()) {
            (Some(wait), _) => &wait.mode,
            (None, Some(hold)) => &hold.mode,
            (None, None) => "",
        };
        object::mode(mode).to_owned()
    }

    /// Takes a waiting member in: its wait is the group's if it is the longest.
    fn take_wait(&mut self, session: &Session) {
        let Some(wait) = &session.wait else { return };
        let bound = match (session.query_s, session.state_s) {
            (Some(query), Some(state)) => Some(query.min(state)),
            (query, state) => query.or(state),
        };
        let longer = |old: &Wait| wait.seconds.or(bound) > old.seconds.or(self.bound);
        if self.wait.as_ref().is_none_or(longer) {
            self.wait = Some(wait.clone());
            self.bound = bound;
        }
    }
}

/// Finds the unit of a pid or of a prepared transaction.
struct Index {
    units: Vec<Unit>,
    by_pid: HashMap<i32, usize>,
    by_transaction: BTreeMap<String, usize>,
}

impl Index {
    fn add(&mut self, unit: Unit) -> usize {
        self.units.push(unit);
        self.units.len() - 1
    }

    /// A blocker that came with no row (it ended in between, or was cut off) is a pid all the same.
    fn of_pid(&mut self, pid: i32) -> usize {
        if let Some(&unit) = self.by_pid.get(&pid) {
            return unit;
        }
        let mut unit = Unit::new(Who::Backend { pid, start: 0 });
        unit.session.pid = pid;
        let unit = self.add(unit);
        self.by_pid.insert(pid, unit);
        unit
    }

    fn of_transaction(&mut self, virtualtransaction: &str, prepared: &[Prepared]) -> usize {
        if let Some(&unit) = self.by_transaction.get(virtualtransaction) {
            return unit;
        }
        let mut unit = Unit::new(Who::Prepared(virtualtransaction.to_owned()));
        let known = |one: &&Prepared| one.virtualtransaction == virtualtransaction;
        unit.prepared = prepared.iter().find(known).cloned();
        let unit = self.add(unit);
        self.by_transaction.insert(virtualtransaction.to_owned(), unit);
        unit
    }
}

pub(super) fn units(sample: &Sample, prepared: &[Prepared]) -> Units {
    let mut index = fold_workers(sample);
    let holders = by_tag(&sample.held);
    let mut edges: Edges = vec![Vec::new(); index.units.len()];
    for session in &sample.sessions {
        let Some(wait) = &session.wait else { continue };
        let waiter = index.of_pid(session.pid);
        let blockers = blockers(wait, &holders, &mut index, prepared);
        edges.resize(index.units.len(), Vec::new());
        if let Some(edges) = edges.get_mut(waiter) {
            edges.extend(blockers);
        }
    }
    name_holds(sample, &mut index);
    involved(index.units, edges)
}

/// Leaves out who neither waits nor is in anybody's way: holders that got there in between, workers whose leader
/// is named instead of them.
fn involved(units: Vec<Unit>, edges: Edges) -> Units {
    let mut keep: Vec<bool> = units.iter().map(|unit| unit.wait.is_some()).collect();
    for &blocker in edges.iter().flatten() {
        if let Some(keep) = keep.get_mut(blocker) {
            *keep = true;
        }
    }
    let mut next = 0;
    let moved: Vec<Option<usize>> = (keep.iter())
        .map(|&keep| {
            next += usize::from(keep);
            keep.then(|| next - 1)
        })
        .collect();
    let place = |old: usize| moved.get(old).copied().flatten();
    let kept = |old: &usize| keep.get(*old).copied().unwrap_or_default();
    Units {
        units: (units.into_iter().enumerate().filter(|(old, _)| kept(old)))
            .map(|(_, unit)| unit)
            .collect(),
        edges: (edges.into_iter().enumerate().filter(|(old, _)| kept(old)))
            .map(|(_, blockers)| blockers.into_iter().filter_map(place).collect())
            .collect(),
    }
}

/// One unit per session that is no worker of another one here.
fn fold_workers(sample: &Sample) -> Index {
    let mut index = Index {
        units: Vec::new(),
        by_pid: HashMap::new(),
        by_transaction: BTreeMap::new(),
    };
    let own = |session: &Session| session.leader_pid.filter(|leader| *leader != session.pid);
    let workers: HashSet<i32> = (sample.sessions.iter())
        .filter(|session| own(session).is_some())
        .map(|session| session.pid)
        .collect();
    // A leader that is a worker itself has got its pid from a group that ended while the rows were read.
    let leader = |session: &Session| own(session).filter(|leader| !workers.contains(leader));
    for session in sample.sessions.iter().filter(|session| leader(session).is_none()) {
        let mut unit = Unit::new(Who::Backend {
            pid: session.pid,
            start: session.start,
        });
        unit.session = session.clone();
        unit.take_wait(session);
        let unit = index.add(unit);
        index.by_pid.insert(session.pid, unit);
    }
    for session in &sample.sessions {
        let Some(leader) = leader(session) else { continue };
        let unit = index.of_pid(leader);
        index.by_pid.insert(session.pid, unit);
        if let Some(unit) = index.units.get_mut(unit) {
            unit.workers.push(session.pid);
            unit.take_wait(session);
        }
    }
    index
}

fn by_tag(held: &[Held]) -> HashMap<&Tag, Vec<&Held>> {
    let mut by_tag: HashMap<&Tag, Vec<&Held>> = HashMap::new();
    for held in held {
        by_tag.entry(&held.tag).or_default().push(held);
    }
    by_tag
}

fn blockers(wait: &Wait, holders: &HashMap<&Tag, Vec<&Held>>, index: &mut Index, prepared: &[Prepared]) -> Vec<usize> {
    let mut found = Vec::new();
    let holders = holders.get(&wait.tag).map_or(&[][..], Vec::as_slice);
    let in_the_way: Vec<&&Held> = (holders.iter())
        .filter(|held| held.against.contains(&wait.mode))
        .collect();
    for &pid in &wait.blockers {
        if pid != 0 {
            found.push(index.of_pid(pid));
        }
    }
    if wait.blockers.contains(&0) {
        let before = found.len();
        let transactions = in_the_way.iter().filter(|held| held.pid == 0);
        found.extend(transactions.map(|held| index.of_transaction(&held.virtualtransaction, prepared)));
        if found.len() == before {
            found.push(index.of_transaction("", prepared));
        }
    }
    // The server names nobody for the startup process of a standby.
    if wait.blockers.is_empty() {
        found.extend(in_the_way.iter().map(|held| match held.pid {
            0 => index.of_transaction(&held.virtualtransaction, prepared),
            pid => index.of_pid(pid),
        }));
    }
    found
}

/// Says of every holder what it holds in the way of others, by the name a waiter has for it.
fn name_holds(sample: &Sample, index: &mut Index) {
    let mut wanted: HashMap<&Tag, (usize, String)> = HashMap::new();
    for wait in sample.sessions.iter().filter_map(|session| session.wait.as_ref()) {
        let (waiters, name) = wanted.entry(&wait.tag).or_default();
        *waiters += 1;
        // Only the first in a row's queue knows which row it is about.
        if name.is_empty() || wait.names.row.is_some() {
            *name = object::wanted(wait);
        }
    }
    for held in &sample.held {
        let unit = match held.pid {
            0 => index.by_transaction.get(&held.virtualtransaction),
            pid => index.by_pid.get(&pid),
        };
        let unit = unit.and_then(|&unit| index.units.get_mut(unit));
        if let (Some(unit), Some((waiters, object))) = (unit, wanted.get(&held.tag)) {
            unit.holds.push(Hold {
                waiters: Reverse(*waiters),
                object: object.clone(),
                mode: held.mode.clone(),
            });
        }
    }
    for unit in &mut index.units {
        unit.holds.sort();
        // One object held in several modes is one object.
        unit.holds.dedup_by(|a, b| a.object == b.object);
    }
}
