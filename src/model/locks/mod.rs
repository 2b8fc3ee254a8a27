//! The blocking forest: who waits for whom, root cause first.
//!
//! [`forest`] takes one answer of [`crate::probe::locks`] and folds parallel workers under their leader, finds out
//! which prepared transaction a blocker 0 is and whom the startup process of a standby waits for (the server says
//! neither), reduces the edges (`graph`), lifts the waiters for one row to the side of the first of them, and
//! orders roots by the sessions they free, then by the longest wait.

pub mod beside;
mod graph;
pub mod object;
mod sure;
mod units;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::probe::locks::{Sample, Session, Wait};
use crate::probe::prepared::Prepared;
use graph::Edges;
use units::{Unit, Units};

pub use sure::{is_brief, surely_waited};

/// From so many siblings that wait alike on, only the first are shown.
const FOLD_FROM: usize = 4;
/// How many of them stay visible above the fold.
const FOLD_KEEP: usize = 2;

/// The identity of a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Who {
    /// A backend: pid and `backend_start`, which is 0 if it is hidden or gone.
    Backend {
        /// Process id.
        pid: i32,
        /// `backend_start` in microseconds since 1970.
        start: i64,
    },
    /// A prepared transaction by the virtual transaction its locks are listed under.
    Prepared(String),
}

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Since {
    /// Seconds.
    pub seconds: f64,
    /// The true time may be shorter: the server did not say when the wait began.
    pub at_most: bool,
}

/// One session, prepared transaction or parallel group.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Who it is.
    pub who: Who,
    /// What is known of the session; of the leader for a parallel group.
    pub session: Session,
    /// What is known of the prepared transaction.
    pub prepared: Option<Prepared>,
    /// Pids of parallel workers that were folded into it.
    pub workers: Vec<i32>,
    /// What it waits for; of a parallel group, the longest wait.
    pub wait: Option<Wait>,
    /// How long.
    pub since: Option<Since>,
    /// What it waits for in words, or what it holds in somebody's way.
    pub object: String,
    /// The mode it waits for, or the strongest it holds in somebody's way; without `Lock`.
    pub mode: String,
    /// The node it is shown under, an index into [`Forest::nodes`].
    pub parent: Option<usize>,
    /// How deep it lies; 0 for a root.
    pub depth: u16,
    /// Who is in its way besides the parent, nearest only.
    pub also_behind: Vec<Who>,
    /// It waits for somebody who waits for it: a deadlock nobody has looked for yet.
    pub ring: bool,
    /// The nodes shown under it, best first.
    pub children: Vec<usize>,
    /// How many others wait only because of it, directly or through others.
    pub frees: usize,
    /// How many wait right behind it, with whoever else is in their way.
    pub direct: usize,
    /// The fold it disappears in, an index into [`Forest::folds`].
    pub fold: Option<usize>,
}

impl Node {
    /// Idle in an open transaction: it will not go on by itself.
    #[must_use]
    pub fn idle_in_transaction(&self) -> bool {
        (self.session.state.as_deref()).is_some_and(|state| state.starts_with("idle in transaction"))
    }

    /// The table of the connected database that it waits for, or one of whose rows.
    #[must_use]
    pub fn relation(&self) -> Option<u32> {
        let wait = self.wait.as_ref()?;
        let row = wait.names.row.as_ref().filter(|row| row.name.is_some());
        let whole = wait.tag.relation.filter(|_| wait.names.relation.is_some());
        row.map(|row| row.relation).or(whole)
    }

    /// How long it has been in the state it is in: what makes a root old.
    #[must_use]
    pub fn age(&self) -> Option<f64> {
        match &self.prepared {
            Some(prepared) => prepared.age_s,
            None => self.session.xact_s.or(self.session.state_s),
        }
    }
}

impl Forest {
    /// The table a node waits for; of a root, what those behind it wait for.
    #[must_use]
    pub fn relation(&self, node: &Node) -> Option<u32> {
        let behind = || (node.children.iter()).find_map(|child| self.nodes.get(*child)?.relation());
        node.relation().or_else(behind)
    }
}

/// Siblings that wait alike, shown as one line.
#[derive(Clone, Debug, PartialEq)]
pub struct Fold {
    /// Where they hang.
    pub parent: Option<usize>,
    /// What they wait for (or hold), in words.
    pub object: String,
    /// In which mode.
    pub mode: String,
    /// Those that disappear, in order; the ones that stay visible are not among them.
    pub members: Vec<usize>,
}

/// The whole forest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forest {
    /// Every session once.
    pub nodes: Vec<Node>,
    /// Indices of those at the top, best first: free the most, wait the longest.
    pub roots: Vec<usize>,
    /// Siblings that wait alike.
    pub folds: Vec<Fold>,
    /// How many nodes wait.
    pub waiting: usize,
    /// How many waiting locks are in the forest.
    pub asked: usize,
    /// How many waiting locks the server had: more than `asked` when the limit cut some off.
    pub all: usize,
    /// Rings found: sets of nodes that wait for each other.
    pub rings: usize,
    /// The longest wait.
    pub longest: Option<Since>,
    /// Sessions whose state and text are hidden from this role.
    pub hidden: usize,
}

/// The forest of one answer. Pure and deterministic: the same answer gives the same forest.
#[must_use]
pub fn forest(sample: &Sample, prepared: &[Prepared]) -> Forest {
    let Units { units, mut edges } = units::units(sample, prepared);
    graph::tidy(&mut edges);
    let rings: Vec<Vec<usize>> = graph::components(&edges)
        .into_iter()
        .filter(|component| component.len() > 1)
        .collect();
    let mut parents = graph::reduce(&edges);
    let nearest = parents.clone();
    lift_rows(&units, &mut parents);
    lift_rows(&units, &mut edges);
    let in_ring: BTreeSet<usize> = rings.iter().flatten().copied().collect();
    let rank = ranks(&units);
    let tree = Tree {
        parent: graph::tree(&parents, &rank),
        frees: graph::frees(&edges, &rank),
        direct: graph::direct(&parents),
    };
    let mut forest = Forest {
        asked: sample.sessions.iter().filter(|session| session.wait.is_some()).count(),
        all: sample.waiters,
        rings: rings.len(),
        hidden: units.iter().filter(|unit| unit.session.hidden).count(),
        ..Forest::default()
    };
    grow(&mut forest, units, &nearest, &tree, &in_ring);
    arrange(&mut forest);
    forest
}

/// What [`graph`] says of each unit.
struct Tree {
    parent: Vec<Option<usize>>,
    frees: Vec<usize>,
    direct: Vec<usize>,
}

/// The first waiter for a row waits for the transaction that changed it, the others queue for the row behind the
/// first. All of them want what the holder has, so they stand side by side below the holder.
fn lift_rows(units: &[Unit], edges: &mut Edges) {
    let before = edges.clone();
    for (node, above) in edges.iter_mut().enumerate() {
        let Some(wait) = wait(units, node).filter(|wait| wait.tag.locktype == "tuple") else {
            continue;
        };
        let lifted: Vec<usize> = (above.iter())
            .flat_map(|&blocker| match before.get(blocker) {
                Some(over) if !over.is_empty() && changes_first(wait, units, blocker) => over.clone(),
                _ => vec![blocker],
            })
            .filter(|&blocker| blocker != node)
            .collect();
        if !lifted.is_empty() {
            *above = lifted;
        }
    }
    graph::tidy(edges);
}

fn wait(units: &[Unit], unit: usize) -> Option<&Wait> {
    units.get(unit)?.wait.as_ref()
}

/// `first` waits to change the row that `waiter` queues for.
fn changes_first(waiter: &Wait, units: &[Unit], first: usize) -> bool {
    let row = wait(units, first).and_then(|first| first.names.row.as_ref());
    row.is_some_and(|row| {
        waiter.tag.relation == Some(row.relation)
            && waiter.tag.page == Some(row.page)
            && waiter.tag.tuple == Some(row.tuple)
    })
}

/// Holders before waiters, the oldest first: of two parents the one more likely to be the cause.
fn ranks(units: &[Unit]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..units.len()).collect();
    order.sort_by(|&a, &b| match (units.get(a), units.get(b)) {
        (Some(a), Some(b)) => (a.wait.is_some().cmp(&b.wait.is_some()))
            .then_with(|| older(b.age(), a.age()))
            .then_with(|| a.who.cmp(&b.who)),
        _ => std::cmp::Ordering::Equal,
    });
    let mut ranks = vec![0; units.len()];
    for (rank, &unit) in order.iter().enumerate() {
        if let Some(slot) = ranks.get_mut(unit) {
            *slot = rank;
        }
    }
    ranks
}

fn older(a: Option<f64>, b: Option<f64>) -> std::cmp::Ordering {
    a.unwrap_or(-1.0).total_cmp(&b.unwrap_or(-1.0))
}

fn grow(forest: &mut Forest, units: Vec<Unit>, nearest: &Edges, tree: &Tree, rings: &BTreeSet<usize>) {
    let who: Vec<Who> = units.iter().map(|unit| unit.who.clone()).collect();
    for (index, unit) in units.into_iter().enumerate() {
        let parent = tree.parent.get(index).copied().flatten();
        let since = unit.since();
        // A lifted waiter is behind its parent through the first in its queue: that is no second cause.
        let near = nearest.get(index).map_or(&[][..], Vec::as_slice);
        let lifted = parent.is_some_and(|parent| !near.contains(&parent));
        let also = near.iter().filter(|&&other| !lifted && Some(other) != parent);
        let also_behind = also.filter_map(|&other| who.get(other).cloned()).collect();
        if unit.wait.is_some() {
            forest.waiting += 1;
            forest.longest = longer(forest.longest, since);
        }
        forest.nodes.push(Node {
            object: unit.object(),
            mode: unit.mode(),
            who: unit.who,
            session: unit.session,
            prepared: unit.prepared,
            workers: unit.workers,
            wait: unit.wait,
            since,
            parent,
            depth: 0,
            also_behind,
            ring: rings.contains(&index),
            children: Vec::new(),
            frees: tree.frees.get(index).copied().unwrap_or_default(),
            direct: tree.direct.get(index).copied().unwrap_or_default(),
            fold: None,
        });
    }
}

fn longer(a: Option<Since>, b: Option<Since>) -> Option<Since> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.seconds > a.seconds { b } else { a }),
        (a, b) => a.or(b),
    }
}

/// Children, their order, depths and folds.
fn arrange(forest: &mut Forest) {
    let mut children: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    for (index, node) in forest.nodes.iter().enumerate() {
        children.entry(node.parent).or_default().push(index);
    }
    let inner: BTreeSet<usize> = children.keys().copied().flatten().collect();
    for (parent, mut below) in children {
        order(&forest.nodes, &inner, &mut below);
        fold(forest, &inner, parent, &below);
        match parent.and_then(|parent| forest.nodes.get_mut(parent)) {
            Some(node) => node.children = below,
            None => forest.roots = below,
        }
    }
    let mut stack: Vec<(usize, u16)> = forest.roots.iter().map(|&root| (root, 0)).collect();
    while let Some((index, depth)) = stack.pop() {
        if let Some(node) = forest.nodes.get_mut(index) {
            node.depth = depth;
            stack.extend(node.children.iter().map(|&child| (child, depth.saturating_add(1))));
        }
    }
}

/// Those with others below them first, by the sessions they free, then the longest wait; leaves that wait alike
/// stand together.
fn order(nodes: &[Node], inner: &BTreeSet<usize>, siblings: &mut [usize]) {
    let mut longest: BTreeMap<(&str, &str), f64> = BTreeMap::new();
    for node in siblings.iter().filter_map(|&index| nodes.get(index)) {
        let longest = longest.entry((&node.object, &node.mode)).or_insert(-1.0);
        *longest = longest.max(waited(node));
    }
    siblings.sort_by(|&a, &b| {
        let (Some(one), Some(other)) = (nodes.get(a), nodes.get(b)) else {
            return std::cmp::Ordering::Equal;
        };
        let kin = |node: &Node| {
            longest
                .get(&(node.object.as_str(), node.mode.as_str()))
                .copied()
                .unwrap_or(-1.0)
        };
        let by_wait = || {
            waited(other)
                .total_cmp(&waited(one))
                .then_with(|| one.who.cmp(&other.who))
        };
        match (inner.contains(&a), inner.contains(&b)) {
            (true, true) => Reverse(one.frees).cmp(&Reverse(other.frees)).then_with(by_wait),
            (false, false) => (kin(other).total_cmp(&kin(one)))
                .then_with(|| one.object.cmp(&other.object))
                .then_with(|| one.mode.cmp(&other.mode))
                .then_with(by_wait),
            (above, _) => above.cmp(&false).reverse(),
        }
    });
}

fn waited(node: &Node) -> f64 {
    match node.since {
        Some(since) => since.seconds,
        None if node.wait.is_none() => node.age().unwrap_or(-1.0),
        None => -1.0,
    }
}

fn fold(forest: &mut Forest, inner: &BTreeSet<usize>, parent: Option<usize>, siblings: &[usize]) {
    let leaves: Vec<usize> = (siblings.iter().copied())
        .filter(|index| !inner.contains(index))
        .collect();
    let like = |a: &usize, b: &usize| match (forest.nodes.get(*a), forest.nodes.get(*b)) {
        (Some(a), Some(b)) => a.object == b.object && a.mode == b.mode,
        _ => false,
    };
    let groups: Vec<Vec<usize>> = (leaves.chunk_by(like))
        .filter(|group| group.len() >= FOLD_FROM)
        .map(|group| group.iter().copied().skip(FOLD_KEEP).collect())
        .collect();
    for members in groups {
        let Some(first) = members.first().and_then(|&first| forest.nodes.get(first)) else {
            continue;
        };
        let fold = Fold {
            parent,
            object: first.object.clone(),
            mode: first.mode.clone(),
            members,
        };
        for &member in &fold.members {
            if let Some(node) = forest.nodes.get_mut(member) {
                node.fold = Some(forest.folds.len());
            }
        }
        forest.folds.push(fold);
    }
}

#[cfg(test)]
mod tests;
