//! Transactions that are open for too long: they keep locks, and dead rows from VACUUM.

mod prepared;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use super::people;
use crate::alert::{Finding, Jump, Outcome, Reach, Rule, used};
use crate::known::Known;
use crate::model::locks::{Forest, Node, surely_waited};
use crate::model::overview;
use crate::pg::quote;
use crate::probe::Probe as _;
use crate::probe::activity::{Activity, Backend};
use crate::probe::horizon::HorizonProbe;
use crate::probe::locks::Locks;
use crate::ui::format;

pub(super) static RULE: Rule = Rule {
    id: "long_transaction",
    title: "a transaction is open for too long",
    pane: "activity",
    needs: &[Activity::SPEC.id],
    uses: &[Locks::SPEC.id, HorizonProbe::SPEC.id],
    server_wide: true,
    check,
    lasts: |_, _| STILL_THERE_S,
    settles: 0.0,
    warning: "a client's transaction, or a prepared one, is {long_txn_warn_s} old; time spent waiting for locks does not \
              count",
    critical: "{long_txn_crit_s}",
    doc: "While a transaction is open its locks stay, and VACUUM may not remove rows that it could still see. One that is \
          idle was forgotten by its client: end it. A dump or a long report is what it says; let it run where it is known.",
};

/// Two looks: who has waited for ten minutes behind a lock that is gone now is about to end.
const STILL_THERE_S: f64 = 4.0;
/// The oldest that are told of one by one.
const MOST: usize = 20;

fn check(known: &Known) -> Outcome {
    let Some(backends) = known.get::<Activity>() else {
        return Outcome::calm();
    };
    let near = 0.8 * known.settings.alerts.long_txn_warn_s;
    let queue = Queue::of(known);
    let clients = overview::clients(backends).filter(|backend| backend.xact_s >= Some(near) && !vacuums(backend));
    let open = clients.filter_map(|backend| {
        let age = backend.xact_s? - queue.waited(backend);
        (age >= near).then_some(Open { backend, age })
    });
    let mut open: Vec<Open<'_>> = open.collect();
    open.sort_by(|a, b| b.age.total_cmp(&a.age).then(a.backend.pid.cmp(&b.backend.pid)));
    let limit = known.settings.alerts.long_txn_warn_s;
    let over = open.iter().filter(|open| open.age >= limit).count();
    let told = open.iter().take(MOST);
    let mut findings: Vec<Finding> = told.map(|open| finding(open, &queue, known)).collect();
    if let (Some(oldest), Some(more @ 1..)) = (findings.first_mut(), over.checked_sub(MOST)) {
        let more = format::counted(more, "more transaction is", "more transactions are");
        oldest
            .details
            .insert(0, format!("{more} older than {}", format::age(limit)));
    }
    let hidden = !known.sees_all() && backends.iter().any(|backend| backend.hidden);
    let (prepared, unread) = prepared::findings(known);
    findings.extend(prepared);
    for finding in &mut findings {
        finding.details.truncate(3);
    }
    let read = unread.is_none();
    let outcome = Outcome {
        findings,
        blind: unread,
    };
    if hidden && read {
        outcome.but_not_others("transactions of other roles are hidden", Some(known.grant()))
    } else {
        outcome
    }
}

/// A VACUUM takes as long as it takes: its transaction is nobody's, other VACUUMs look past it (`PROC_IN_VACUUM`).
/// `VACUUM FULL` is another matter.
fn vacuums(backend: &Backend) -> bool {
    let words = backend.query.as_deref().unwrap_or_default();
    let mut words = words
        .split(|c: char| !c.is_ascii_alphabetic())
        .filter(|word| !word.is_empty());
    words.next().is_some_and(|word| word.eq_ignore_ascii_case("vacuum"))
        && backend.state.as_deref() == Some("active")
        && !words.any(|word| word.eq_ignore_ascii_case("full"))
}

/// A session and for how many seconds its transaction is open, less what it has waited for a lock.
struct Open<'a> {
    backend: &'a Backend,
    age: f64,
}

/// Who waits for whom, by pid.
struct Queue<'a> {
    forest: Option<&'a Forest>,
    by_pid: HashMap<i32, &'a Node>,
    known: &'a Known,
}

impl<'a> Queue<'a> {
    fn of(known: &'a Known) -> Self {
        let asked = matches!(used::<Locks>(known), Ok(Some(_)));
        let forest = known.forest.as_deref().filter(|_| asked);
        let nodes = forest.into_iter().flat_map(|forest| &forest.nodes);
        Self {
            forest,
            by_pid: nodes.map(|node| (node.session.pid, node)).collect(),
            known,
        }
    }

    fn node(&self, backend: &Backend) -> Option<&'a Node> {
        self.by_pid.get(&backend.pid).copied()
    }

    /// Who waits is no cause: that time is the root's, and told of it.
    fn waited(&self, backend: &Backend) -> f64 {
        match self.node(backend).filter(|node| node.wait.is_some()) {
            Some(node) => surely_waited(node, &self.known.waits),
            // It waits, and the lock table is not known yet: as long as its statement at the most.
            None if backend.wait_event_type.as_deref() == Some("Lock") => backend.query_s.unwrap_or_default(),
            None => 0.0,
        }
    }
}

fn finding(open: &Open<'_>, queue: &Queue<'_>, known: &Known) -> Finding {
    let Open { backend, age } = open;
    let alerts = &known.settings.alerts;
    let thing = people::backend(backend.pid, backend.start);
    let mut finding = Finding::new(
        format!("{}:{}", backend.pid, backend.start),
        Reach::rising(*age, alerts.long_txn_warn_s, alerts.long_txn_crit_s),
        sentence(backend),
        Jump::to("activity").row(thing.clone()),
    )
    .since(known.began::<Activity>(backend.xact_s))
    .about(thing);
    if let Some((node, forest)) = queue.node(backend).zip(queue.forest) {
        let root = people::root(node, forest);
        let behind = node.frees.max(node.direct);
        finding = finding.victims(behind).about(people::thing(root));
        finding.about.dedup();
        if behind > 0 {
            finding = finding.detail(format!(
                "{} behind it",
                format::counted(behind, "session waits", "sessions wait")
            ));
        }
        if node.wait.is_some() {
            finding = finding.detail(format!("it waits for {} on {} itself", node.mode, node.object));
        }
    }
    finding = finding.detail(kept(backend));
    mend(finding, backend, known)
}

fn sentence(backend: &Backend) -> String {
    let name = people::called(
        backend.pid,
        backend.application_name.as_deref(),
        backend.usename.as_deref(),
    );
    let open = format::age(backend.xact_s.unwrap_or_default());
    let idle = backend
        .state_s
        .map_or_else(String::new, |seconds| format!(" for {}", format::age(seconds)));
    match backend.state.as_deref() {
        Some("idle in transaction") => format!("{name} idle in transaction{idle}, open for {open}"),
        _ => format!("{name} is in a transaction for {open}"),
    }
}

/// What it keeps from VACUUM.
fn kept(backend: &Backend) -> String {
    match (backend.xmin_age.max(backend.xid_age), backend.xid_age) {
        (None, _) => "it keeps its locks, and nothing from VACUUM".to_owned(),
        (Some(age), None) => format!(
            "its snapshot is {} transactions old, VACUUM removes nothing newer",
            format::count(age)
        ),
        (Some(age), Some(_)) => {
            format!(
                "it has changed rows; VACUUM removes nothing of the last {} transactions",
                format::count(age)
            )
        }
    }
}

fn mend(finding: Finding, backend: &Backend, known: &Known) -> Finding {
    let finding = people::end(finding, &people::activity(backend, known));
    let idle = backend
        .state
        .as_deref()
        .is_some_and(|state| state.starts_with("idle in"));
    match backend.usename.as_deref().filter(|_| idle) {
        Some(role) => finding.remedy(
            "end such ones from now on",
            format!(
                "ALTER ROLE {} SET idle_in_transaction_session_timeout = '10min'; -- from its next session on",
                quote::identifier(role)
            ),
        ),
        None => finding,
    }
}
