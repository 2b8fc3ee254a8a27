//! Who waits behind one root, and what is said of them.

use std::collections::BTreeSet;

use crate::alert::rules::people;
use crate::model::locks::{Forest, Node, Who, is_brief, surely_waited};
use crate::model::sighted::Sighted;
use crate::probe::locks::Tag;
use crate::ui::format;

/// Everybody below a root.
pub(super) struct Queue<'a> {
    /// How many wait, the root of a ring included.
    pub waiters: usize,
    /// How long the longest of them has certainly waited, in seconds.
    pub wait: f64,
    /// How long the longest of them has waited at most, by its statement's age; no more than that is known until 13.
    pub at_most: Option<f64>,
    /// They wait for each other.
    pub ring: bool,
    /// The members of the ring.
    pub members: Vec<&'a Node>,
    /// The waiter the most others queue behind.
    pub first: Option<&'a Node>,
    /// The startup process of a standby is among them.
    replay: bool,
    /// Somebody else is in the way of one of them as well.
    beside: Option<&'a Who>,
}

impl<'a> Queue<'a> {
    /// `None` if nobody waits there.
    pub fn of(root: &'a Node, forest: &'a Forest, sighted: &Sighted<Tag>) -> Option<Self> {
        let below = below(root, forest);
        let waiting = below.iter().copied().chain(root.wait.is_some().then_some(root));
        let waits = waiting.clone().map(|node| surely_waited(node, sighted));
        let inside: BTreeSet<&Who> = below.iter().chain([&root]).map(|node| &node.who).collect();
        let children = || root.children.iter().filter_map(|child| forest.nodes.get(*child));
        Some(Self {
            waiters: waiting.clone().count(),
            wait: waits.reduce(f64::max).filter(|_| !below.is_empty())?,
            at_most: waiting.clone().filter_map(most_waited).reduce(f64::max),
            ring: root.ring,
            members: waiting.clone().filter(|node| node.ring).collect(),
            first: children()
                .filter(|child| child.frees > 0)
                .max_by_key(|child| child.frees),
            replay: waiting.clone().any(is_replay),
            beside: (waiting.clone().flat_map(|node| &node.also_behind)).find(|who| !inside.contains(who)),
        })
    }

    /// Nobody but the startup process of a standby waits.
    pub fn replay_only(&self) -> bool {
        self.replay && self.waiters == 1
    }

    /// The evidence, the most telling first.
    pub fn details(&self, root: &Node, forest: &Forest) -> Vec<String> {
        let heads = if self.ring { Vec::new() } else { heads(root, forest) };
        let ring = self.ring.then(|| {
            let members: Vec<String> = self.members.iter().take(3).map(|node| described(node)).collect();
            format!("{}: after deadlock_timeout one of them is ended", members.join(", "))
        });
        let wanted = heads.is_empty().then(|| wanted(root, forest)).flatten();
        let cut = (forest.all > forest.asked).then(|| {
            format!(
                "the server has {} waits, {} of them are looked at",
                forest.all, forest.asked
            )
        });
        let beside = self.beside.and_then(|who| named(who, forest));
        let beside = beside.map(|name| format!("{name} is in the way as well: both have to end"));
        let first = heads.into_iter().chain(ring).chain(wanted);
        first.chain(beside).chain(of_root(root)).chain(cut).collect()
    }
}

/// How long a session has waited at most, where the server does not say since when.
fn most_waited(node: &Node) -> Option<f64> {
    let since = node.since.filter(|since| since.at_most && since.seconds.is_finite())?;
    let brief = node.wait.as_ref().is_none_or(|wait| is_brief(&wait.tag));
    (!brief).then_some(since.seconds)
}

fn below<'a>(root: &Node, forest: &'a Forest) -> Vec<&'a Node> {
    let mut open: Vec<usize> = root.children.clone();
    let mut found = Vec::new();
    while let Some(node) = open.pop().and_then(|child| forest.nodes.get(child)) {
        found.push(node);
        open.extend(&node.children);
    }
    found
}

/// Waiters that make others wait: an ALTER TABLE and its readers.
fn heads(root: &Node, forest: &Forest) -> Vec<String> {
    let children = root.children.iter().filter_map(|child| forest.nodes.get(*child));
    let heads = children.filter(|child| child.frees > 0).take(2);
    heads
        .map(|head| {
            format!(
                "{} waits for {} on {}, {} behind that",
                described(head),
                head.mode,
                head.object,
                queueing(head, forest)
            )
        })
        .collect()
}

fn queueing(head: &Node, forest: &Forest) -> String {
    let behind = below(head, forest);
    let all = |mode: &str| behind.iter().all(|node| node.mode == mode);
    let (one, many) = if all("AccessShare") {
        ("reader queues", "readers queue")
    } else if all("RowExclusive") {
        ("writer queues", "writers queue")
    } else {
        ("session queues", "sessions queue")
    };
    format::counted(head.frees, one, many)
}

/// What the most of those right behind the root want.
fn wanted(root: &Node, forest: &Forest) -> Option<String> {
    let children: Vec<&Node> = root
        .children
        .iter()
        .filter_map(|child| forest.nodes.get(*child))
        .collect();
    let alike = |node: &&&Node| {
        let same = |other: &&&Node| other.mode == node.mode && other.object == node.object;
        children.iter().filter(same).count()
    };
    // Siblings that wait alike stand together; the first of a fold speaks for it.
    let most = children.iter().take(50).max_by_key(alike)?;
    let count = alike(&most);
    Some(if count == children.len() {
        format!("waited for: {} on {}", most.mode, most.object)
    } else {
        format!("{count} of them wait for {} on {}", most.mode, most.object)
    })
}

/// What is known of who does not let go.
fn of_root(root: &Node) -> Vec<String> {
    if prevents_wraparound(root) {
        return vec!["it prevents wraparound and does not give way; cancelled, it comes back".to_owned()];
    }
    let kind = root.session.backend_type.as_deref();
    match (kind, root.age()) {
        (Some("autovacuum worker"), _) => vec!["autovacuum gives way after deadlock_timeout".to_owned()],
        (Some("startup"), _) => {
            vec!["replay holds what a transaction of the primary holds: end that one there".to_owned()]
        }
        (_, Some(age)) if root.wait.is_none() => {
            let open = match &root.prepared {
                Some(_) => format!("prepared {}", format::ago(age)),
                None => format!("its transaction is open for {}", format::age(age)),
            };
            let holds = if root.object.is_empty() {
                String::new()
            } else {
                format!(", it holds {} on {}", root.mode, root.object)
            };
            vec![open + &holds]
        }
        _ => Vec::new(),
    }
}

fn named(who: &Who, forest: &Forest) -> Option<String> {
    forest.nodes.iter().find(|node| node.who == *who).map(described)
}

pub(super) fn described(node: &Node) -> String {
    let session = &node.session;
    match (&node.who, session.backend_type.as_deref()) {
        (Who::Prepared(_), _) => node.prepared.as_ref().map_or_else(
            || "a prepared transaction".to_owned(),
            |prepared| format!("prepared transaction {}", people::clipped(&prepared.gid)),
        ),
        (Who::Backend { pid, .. }, Some("autovacuum worker")) => format!("autovacuum (pid {pid})"),
        (Who::Backend { pid, .. }, Some("startup")) => format!("replay (pid {pid})"),
        (Who::Backend { pid, .. }, _) => {
            people::called(*pid, session.application_name.as_deref(), session.usename.as_deref())
        }
    }
}

/// What a root does instead of letting go, as the end of a sentence.
pub(super) fn doing(root: &Node) -> &'static str {
    let session = &root.session;
    match session.state.as_deref() {
        _ if prevents_wraparound(root) => " against wraparound",
        _ if awaits_standby(root) => ", whose commit waits for a standby",
        Some("idle in transaction") => ", idle in transaction",
        Some("idle in transaction (aborted)") => ", idle in a failed transaction",
        // Advisory locks of a session outlive its transactions.
        Some("idle") => ", idle",
        Some("active" | "fastpath function call") if session.wait_event_type.as_deref() == Some("Client") => {
            ", waiting for its client"
        }
        Some("active" | "fastpath function call") => ", active",
        _ => "",
    }
}

pub(super) fn awaits_standby(root: &Node) -> bool {
    root.session.wait_event.as_deref() == Some("SyncRep")
}

/// An autovacuum that does not give way; its text is the server's own.
pub(super) fn prevents_wraparound(root: &Node) -> bool {
    root.session.backend_type.as_deref() == Some("autovacuum worker")
        && (root.session.query.as_deref()).is_some_and(|query| query.ends_with("(to prevent wraparound)"))
}

fn is_replay(node: &Node) -> bool {
    node.session.backend_type.as_deref() == Some("startup")
}
