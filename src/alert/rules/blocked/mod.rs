//! Sessions wait for a lock behind somebody who does not let go: one finding for each root of the forest.

mod queue;
#[cfg(test)]
mod tests;

use super::people;
use crate::alert::{Certain, Finding, Jump, Outcome, Reach, Rule, Thing, at_once, used};
use crate::known::Known;
use crate::model::locks::{Forest, Node};
use crate::model::remedy;
use crate::probe::Probe as _;
use crate::probe::activity::Activity;
use crate::probe::locks::Locks;
use crate::probe::prepared::PreparedXacts;
use crate::ui::format;
use queue::Queue;

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

/// Whose commit waits for a standby holds its locks for as long: the story of that wait.
pub(super) const SYNC: &str = "synchronous_standby_names";

/// From so much of a limit on it is near.
const NEAR: f64 = 0.8;

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
    let queue = Queue::of(root, forest, &known.waits)?;
    let (warning, critical) = (alerts.blocked_warn_s, alerts.blocked_crit_s);
    let at_most = queue.at_most.filter(|most| *most > queue.wait);
    let reach = Reach::rising(at_most.unwrap_or(queue.wait), warning, critical);
    // A busy server has many short waits at any moment: nothing is told of them.
    if reach.warning < NEAR {
        return None;
    }
    let thing = people::thing(root);
    let mut finding = Finding::new(
        key(&thing),
        reach,
        sentence(root, &queue),
        Jump::to("locks").row(thing.clone()),
    )
    .since(known.began::<Locks>(Some(queue.wait)))
    .victims(queue.waiters)
    .about(thing);
    // The root of a ring is one of it.
    for node in queue.members.iter().filter(|node| node.who != root.who) {
        finding = finding.about(people::thing(node));
    }
    if queue::awaits_standby(root) {
        finding = finding.about(Thing::Setting(SYNC.to_owned()));
    }
    finding.certain = at_most.map(|_| Certain {
        seconds: queue.wait,
        warning,
        critical,
    });
    finding.details = queue.details(root, forest);
    finding.details.truncate(3);
    Some(mend(finding, root, &queue, known))
}

fn key(thing: &Thing) -> String {
    match thing {
        Thing::Backend { pid, start } => format!("{pid}:{start}"),
        Thing::Prepared(gid) => format!("prepared:{gid}"),
        other => format!("{other:?}"),
    }
}

fn sentence(root: &Node, queue: &Queue<'_>) -> String {
    if queue.ring {
        let others = queue.waiters.saturating_sub(queue.members.len());
        let behind = match others {
            0 => String::new(),
            others => format!(", {} behind them", format::counted(others, "waits", "wait")),
        };
        return format!(
            "{} sessions wait for each other, a deadlock{behind}",
            queue.members.len()
        );
    }
    let who = if queue.replay_only() {
        "replay waits".to_owned()
    } else {
        format::counted(queue.waiters, "session waits", "sessions wait")
    };
    format!("{who} behind {}{}", queue::described(root), queue::doing(root))
}

/// With the statements that end it.
fn mend(finding: Finding, root: &Node, queue: &Queue<'_>, known: &Known) -> Finding {
    let finding = match &root.prepared {
        Some(prepared) => {
            let began = known.began::<Locks>(prepared.age_s);
            let text = remedy::rollback_prepared(&prepared.gid, &prepared.owner, &prepared.database, began);
            finding.remedy("roll the prepared transaction back", text)
        }
        None if matches!(root.who, crate::model::locks::Who::Prepared(_)) => finding,
        None => people::end(finding, &people::session(&root.session, known)),
    };
    let Some(first) = queue.first else {
        return finding;
    };
    // Whoever queues behind the first waiter goes on without it, and the root is not touched.
    let cancel = remedy::cancel(&people::session(&first.session, known));
    let frees = format::counted(first.frees, "session", "sessions");
    let (at, what) = (
        finding.remedies.len(),
        format!("free {frees} behind pid {}", first.session.pid),
    );
    let mut finding = finding.remedy(what, cancel);
    // What prevents wraparound comes back at once when it is cancelled.
    if queue::prevents_wraparound(root) {
        finding.remedies.rotate_left(at);
    }
    finding
}
