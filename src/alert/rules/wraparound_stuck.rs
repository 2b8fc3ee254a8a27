//! A vacuum against wraparound is due and cannot do its work: held back, waiting for a lock, or nobody comes.
//!
//! That one is due is routine: a database at 201 million with a worker at it is none of this rule's business.

use super::vacuuming::{self, Around};
use super::wraparound::held_by;
use crate::alert::{Finding, Jump, Outcome, Reach, Rule, Thing};
use crate::known::Known;
use crate::model::autovacuum_workers::{Task, Worker, workers};
use crate::model::concern::Severity;
use crate::model::horizon;
use crate::model::locks::{Forest, Node, Who};
use crate::model::rates::float;
use crate::model::remedy;
use crate::model::wraparound::{self, Level, Rescue, Ways};
use crate::probe::Probe as _;
use crate::probe::activity::{Activity, Backend};
use crate::probe::autovacuum::AutovacuumProbe;
use crate::probe::horizon::{Holder, HorizonProbe};
use crate::probe::locks::Locks;
use crate::probe::wraparound_databases::{Database, WraparoundDatabases};
use crate::ui::format;

/// So far beyond the age of its forced vacuum somebody should have come: workers take one database after the other.
const OVERDUE: f64 = 1.1;

pub(super) static RULE: Rule = Rule {
    id: "wraparound_stuck",
    title: "a vacuum against wraparound cannot run",
    pane: "wraparound",
    needs: &[WraparoundDatabases::SPEC.id, Activity::SPEC.id],
    uses: &[HorizonProbe::SPEC.id, AutovacuumProbe::SPEC.id, Locks::SPEC.id],
    server_wide: true,
    check,
    lasts: |alerts, _| alerts.wraparound_stuck_for_s,
    settles: 0.0,
    warning: "due, and for {wraparound_stuck_for_s} held back by an old snapshot, waiting for a lock, or, 10 % past the \
              age of the forced vacuum, without a worker",
    critical: "the database's age is {wraparound_warn_tx_age} besides",
    doc: "Freezing needs the xmin horizon to move on and a lock on the table that only DDL and other vacuums conflict \
          with. End who holds either; the worker that comes then does the rest.",
};

/// What is in the way.
enum Cause<'a> {
    Held(&'a Holder),
    Locked(Worker<'a>, Task<'a>),
    Busy(i32),
    Off,
    Nobody,
}

fn check(known: &Known) -> Outcome {
    let (Some(answer), Some(backends)) = (known.get::<WraparoundDatabases>(), known.get::<Activity>()) else {
        return Outcome::calm();
    };
    // A standby freezes nothing by itself.
    if known.in_recovery() {
        return Outcome::calm();
    }
    let waits = workers(backends).into_iter().filter(Worker::waits);
    // A table may be due by its own settings long before its database.
    let waits: Vec<_> = waits
        .filter_map(|worker| Some((worker, worker.task.filter(|task| task.forced)?)))
        .collect();
    let mut hidden = false;
    let mut findings = Vec::new();
    for database in answer.databases.iter().filter(|database| !database.invalid) {
        let ways = Ways::of_database(database, &answer.limits);
        match cause(database, &ways, (backends, &waits), known) {
            Ok(Some(cause)) => findings.push(finding(database, &ways, &cause, known)),
            Ok(None) => {}
            Err(Hidden) => hidden = true,
        }
    }
    let outcome = Outcome::of(findings);
    if hidden {
        let why = "whether a worker vacuums what is due against wraparound is hidden from this role";
        return outcome.but_not(why, Some(known.grant()));
    }
    outcome
}

/// Nobody tells this role whether a worker is at it.
struct Hidden;

fn cause<'a>(
    database: &Database,
    ways: &Ways,
    (backends, waits): (&[Backend], &[(Worker<'a>, Task<'a>)]),
    known: &'a Known,
) -> Result<Option<Cause<'a>>, Hidden> {
    if let Some(holder) = held_by(ways, known) {
        return Ok(Some(Cause::Held(holder)));
    }
    let here = |(worker, _): &&(Worker<'_>, _)| worker.backend.datname.as_deref() == Some(database.datname.as_str());
    if let Some((worker, task)) = waits.iter().find(here) {
        return Ok(Some(Cause::Locked(*worker, *task)));
    }
    let overdue = ways
        .both()
        .into_iter()
        .any(|(_, way)| way.level() >= Level::Due && float(way.age) >= OVERDUE * float(way.marks.forced));
    if !overdue {
        return Ok(None);
    }
    match wraparound::rescue_of_database(backends, &database.datname, known.sees_all()) {
        Rescue::Running(_) => Ok(None),
        Rescue::Hidden => Err(Hidden),
        Rescue::None => Ok(Some(missing(known))),
    }
}

/// Why nobody comes.
fn missing(known: &Known) -> Cause<'_> {
    let Some(queue) = known.fresh::<AutovacuumProbe>() else {
        return Cause::Nobody;
    };
    if !queue.setting.active {
        Cause::Off
    } else if Around::of(known, queue).present.saturated(&queue.setting) {
        Cause::Busy(queue.setting.workers())
    } else {
        Cause::Nobody
    }
}

fn finding(database: &Database, ways: &Ways, cause: &Cause<'_>, known: &Known) -> Finding {
    let name = &database.datname;
    let warn = known.settings.alerts.wraparound_warn_tx_age;
    let age = ways.xid.age.max(ways.multixact.age);
    let reach = Reach {
        critical: float(age) / warn,
        ..Reach::fact(Severity::Warning)
    };
    let thing = || Thing::Database(name.clone());
    let jump = Jump::panel("wraparound", "databases").row(thing());
    let sentence = match cause {
        Cause::Held(holder) => format!(
            "database {name} cannot be frozen: {} holds the xmin horizon",
            horizon::name(holder)
        ),
        Cause::Locked(worker, task) => format!(
            "{} cannot be frozen: pid {} waits for its lock for {}",
            task.target,
            worker.backend.pid,
            format::age(worker.seconds())
        ),
        Cause::Busy(all) => format!("database {name} is not frozen: all {all} autovacuum workers are busy elsewhere"),
        Cause::Off => format!("database {name} is not frozen: autovacuum is off, and nobody came"),
        Cause::Nobody => format!("database {name} is not frozen: no autovacuum worker has come"),
    };
    let (counter, way) = if ways.multixact.percent_of_forced() > ways.xid.percent_of_forced() {
        ("multixact", &ways.multixact)
    } else {
        ("transaction id", &ways.xid)
    };
    let finding = Finding::new(name, reach, sentence, jump).about(thing()).detail(format!(
        "its oldest {counter} is {} old, the forced vacuum is due at {}",
        format::count(way.age),
        format::count(way.marks.forced)
    ));
    mend(finding, database, cause, known)
}

/// With what takes it out of the way.
fn mend(finding: Finding, database: &Database, cause: &Cause<'_>, known: &Known) -> Finding {
    match cause {
        Cause::Held(holder) => {
            let line = format!(
                "what is younger than {} transactions stays",
                format::count(holder.xmin_age)
            );
            vacuuming::end_holder(finding.detail(line), holder, known)
        }
        Cause::Locked(worker, _) => behind(finding, worker, known),
        Cause::Off => {
            let text = "ALTER SYSTEM SET autovacuum = on;\nSELECT pg_reload_conf();";
            let finding = finding.remedy("turn autovacuum on", text);
            finding.remedy("freeze it by hand", wraparound::vacuum_database(database))
        }
        Cause::Busy(_) | Cause::Nobody => {
            let finding = finding.detail("its log tells if a worker fails at it again and again");
            finding.remedy("freeze it by hand", wraparound::vacuum_database(database))
        }
    }
}

/// With who holds the lock the worker waits for.
fn behind(mut finding: Finding, worker: &Worker<'_>, known: &Known) -> Finding {
    let root = known
        .forest
        .as_deref()
        .and_then(|forest| root(forest, worker.backend.pid));
    let Some(root) = root else {
        return finding.detail("see Locks for who holds it");
    };
    let began = known.began::<Locks>(root.session.state_s);
    match (&root.who, &root.prepared) {
        (Who::Prepared(_), Some(prepared)) => {
            let at = known.began::<Locks>(prepared.age_s);
            let text = remedy::rollback_prepared(&prepared.gid, &prepared.owner, &prepared.database, at);
            finding = finding
                .detail(format!("behind prepared transaction {}", prepared.gid))
                .remedy("roll the prepared transaction back", text)
                .about(Thing::Prepared(prepared.gid.clone()));
        }
        (Who::Backend { pid, start }, _) => {
            let session = &root.session;
            let state = session.state.as_deref();
            let who = remedy::Who {
                pid: *pid,
                user: session.usename.as_deref(),
                database: session.datname.as_deref(),
                application: session.application_name.as_deref(),
                client: session.client.as_deref(),
                state,
                since: began,
            };
            let said = state.map(|state| format!(", {state}")).unwrap_or_default();
            finding = finding.detail(format!("behind pid {pid}{said}, which holds it in {} mode", root.mode));
            for (what, text) in remedy::copies(&who) {
                finding = finding.remedy(what, text);
            }
            finding = finding.about(Thing::Backend {
                pid: *pid,
                start: *start,
            });
        }
        (Who::Prepared(_), None) => {}
    }
    finding
}

/// Whoever is at the top of what that process waits for.
fn root(forest: &Forest, pid: i32) -> Option<&Node> {
    let is = |node: &&Node| matches!(node.who, Who::Backend { pid: its, .. } if its == pid);
    let mut node = forest.nodes.iter().find(is)?;
    while let Some(parent) = node.parent.and_then(|parent| forest.nodes.get(parent)) {
        node = parent;
    }
    Some(node).filter(|root| !matches!(root.who, Who::Backend { pid: its, .. } if its == pid))
}

#[cfg(test)]
mod tests;
