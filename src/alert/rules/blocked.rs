//! Sessions wait for a lock behind somebody who does not let go: one finding for each root of the forest.

use crate::alert::{Finding, Jump, Outcome, Reach, Rule, Thing, at_once, used};
use crate::known::Known;
use crate::model::locks::{Forest, Node, Who};
use crate::model::remedy;
use crate::probe::Probe as _;
use crate::probe::activity::Activity;
use crate::probe::locks::Locks;
use crate::probe::prepared::PreparedXacts;
use crate::ui::format;

pub(super) static RULE: Rule = Rule {
    id: "blocked",
    title: "sessions wait for a lock",
    pane: "locks",
    needs: &[Activity::SPEC.id],
    uses: &[Locks::SPEC.id, PreparedXacts::SPEC.id],
    server_wide: true,
    check,
    lasts: at_once,
    settles: 0.0,
    warning: "the longest wait behind one root blocker lasts {blocked_warn_s}",
    critical: "{blocked_crit_s}",
    doc: "The root blocker holds a lock and waits for nobody: only it can end the queue. An ALTER TABLE that waits makes \
          every later reader of the table wait too. Ending the root frees them all; ending the ALTER frees its readers.",
};

fn check(known: &Known) -> Outcome {
    // The lock table is read only while somebody waits.
    let forest = match used::<Locks>(known) {
        Ok(locks) => locks.and(known.forest.as_deref()),
        Err(unknown) => return unknown,
    };
    let Some(forest) = forest else {
        return Outcome::calm();
    };
    let roots = forest.roots.iter().filter_map(|root| forest.nodes.get(*root));
    Outcome::of(roots.filter_map(|root| finding(root, forest, known)))
}

fn finding(root: &Node, forest: &Forest, known: &Known) -> Option<Finding> {
    let alerts = &known.settings.alerts;
    let wait = longest(root, forest)?;
    let (name, thing) = identity(root);
    let sentence = format!(
        "{} behind {}{}",
        format::counted(root.frees, "session waits", "sessions wait"),
        described(root),
        root.session
            .state
            .as_deref()
            .map_or_else(String::new, |state| format!(", {state}"))
    );
    let jump = Jump::to("locks").row(thing.clone());
    let mut finding = Finding::new(
        name,
        Reach::rising(wait, alerts.blocked_warn_s, alerts.blocked_crit_s),
        sentence,
        jump,
    )
    .since(known.began::<Locks>(Some(wait)))
    .victims(root.frees)
    .about(thing);
    let children = root.children.iter().filter_map(|child| forest.nodes.get(*child));
    for child in children.filter(|child| child.frees > 0).take(2) {
        finding = finding.detail(format!(
            "{} waits for {} on {}, {} behind that",
            described(child),
            child.mode,
            child.object,
            format::counted(child.frees, "session queues", "sessions queue")
        ));
    }
    Some(mend(finding, root, known))
}

/// With the statements that end it.
fn mend(mut finding: Finding, root: &Node, known: &Known) -> Finding {
    if let Some(prepared) = &root.prepared {
        let began = known.began::<Locks>(prepared.age_s);
        let text = remedy::rollback_prepared(&prepared.gid, &prepared.owner, &prepared.database, began);
        return finding.remedy("roll the prepared transaction back", text);
    }
    let session = &root.session;
    let who = remedy::Who {
        pid: session.pid,
        user: session.usename.as_deref(),
        database: session.datname.as_deref(),
        application: session.application_name.as_deref(),
        client: session.client.as_deref(),
        state: session.state.as_deref(),
        since: known.began::<Locks>(session.state_s),
    };
    for (what, text) in remedy::copies(&who).into_iter().rev() {
        finding = finding.remedy(what, text);
    }
    finding
}

/// The longest wait of whoever is under that node, in seconds.
fn longest(node: &Node, forest: &Forest) -> Option<f64> {
    let mut open: Vec<usize> = node.children.clone();
    let mut waits = Vec::new();
    while let Some(child) = open.pop().and_then(|child| forest.nodes.get(child)) {
        waits.extend(child.since.map(|since| since.seconds));
        open.extend(&child.children);
    }
    waits.into_iter().reduce(f64::max)
}

fn described(node: &Node) -> String {
    match &node.who {
        Who::Prepared(_) => {
            let gid = node.prepared.as_ref().map_or("?", |prepared| prepared.gid.as_str());
            format!("prepared transaction {gid}")
        }
        Who::Backend { pid, .. } => {
            let name = node.session.application_name.as_deref().filter(|name| !name.is_empty());
            let name = name.or(node.session.usename.as_deref());
            name.map_or_else(|| format!("pid {pid}"), |name| format!("pid {pid} ({name})"))
        }
    }
}

fn identity(node: &Node) -> (String, Thing) {
    match &node.who {
        Who::Backend { pid, start } => (
            format!("{pid}:{start}"),
            Thing::Backend {
                pid: *pid,
                start: *start,
            },
        ),
        Who::Prepared(transaction) => {
            let gid = node.prepared.as_ref().map_or(transaction, |prepared| &prepared.gid);
            (format!("prepared:{gid}"), Thing::Prepared(gid.clone()))
        }
    }
}
