//! How sessions are called in a sentence, and how they are ended.

use crate::alert::{Finding, Thing};
use crate::known::Known;
use crate::model::locks::{Forest, Node, Who};
use crate::model::remedy;
use crate::probe::activity::{Activity, Backend};
use crate::probe::locks::{Locks, Session};

/// Characters of a name in a sentence.
const NAME: usize = 24;

/// `pid 700 (checkout-api)`: by its application, else by its role.
pub(super) fn called(pid: i32, application: Option<&str>, role: Option<&str>) -> String {
    let application = application.filter(|name| !name.trim().is_empty());
    match application.or(role) {
        Some(name) => format!("pid {pid} ({})", clipped(name)),
        None => format!("pid {pid}"),
    }
}

/// A name that leaves room for the rest of the sentence.
pub(super) fn clipped(name: &str) -> String {
    let mut chars = name.chars();
    let mut out: String = chars.by_ref().take(NAME).collect();
    if chars.next().is_some() {
        out.pop();
        out.push('…');
    }
    out
}

/// What a backend is to an alert.
pub(super) const fn backend(pid: i32, start: i64) -> Thing {
    Thing::Backend { pid, start }
}

/// What a node of the forest is to an alert.
pub(super) fn thing(node: &Node) -> Thing {
    match &node.who {
        Who::Backend { pid, start } => backend(*pid, *start),
        Who::Prepared(transaction) => {
            let gid = node.prepared.as_ref().map_or(transaction, |prepared| &prepared.gid);
            Thing::Prepared(gid.clone())
        }
    }
}

/// The root a node waits behind; itself if it waits for nobody.
pub(super) fn root<'a>(node: &'a Node, forest: &'a Forest) -> &'a Node {
    let above = |node: &&Node| forest.nodes.get(node.parent?);
    std::iter::successors(Some(node), above).last().unwrap_or(node)
}

/// What can be done about a session of the forest.
pub(super) fn session<'a>(session: &'a Session, known: &Known) -> remedy::Who<'a> {
    remedy::Who {
        pid: session.pid,
        user: session.usename.as_deref(),
        database: session.datname.as_deref(),
        application: session.application_name.as_deref(),
        client: session.client.as_deref(),
        state: state(session.state.as_deref(), session.backend_type.as_deref()),
        since: known.began::<Locks>(session.state_s),
    }
}

/// What can be done about a backend.
pub(super) fn activity<'a>(backend: &'a Backend, known: &Known) -> remedy::Who<'a> {
    remedy::Who {
        pid: backend.pid,
        user: backend.usename.as_deref(),
        database: backend.datname.as_deref(),
        application: backend.application_name.as_deref(),
        client: backend.client.as_deref(),
        state: state(backend.state.as_deref(), backend.backend_type.as_deref()),
        since: known.began::<Activity>(backend.state_s),
    }
}

/// A process of the server has no state and is told by its type.
fn state<'a>(state: Option<&'a str>, kind: Option<&'a str>) -> Option<&'a str> {
    state.or(kind)
}

/// With the statements that end it, the mildest that helps first.
pub(super) fn end(finding: Finding, who: &remedy::Who<'_>) -> Finding {
    let copies = remedy::copies(who).into_iter();
    copies.fold(finding, |finding, (what, text)| finding.remedy(what, text))
}
