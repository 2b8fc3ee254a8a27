//! A table is over its own threshold, further every minute, and autovacuum does not come.
//!
//! The server says when a table was vacuumed last, not since when it should be. What this session saw is certain; for
//! the time before it a table that fills up evenly was over its threshold for as much of the time since its last vacuum
//! as its count is beyond the threshold, but not for longer than it takes at the pace seen. That estimate never makes
//! anything critical.

use super::vacuuming::{self, Around};
use crate::alert::{Finding, Jump, Outcome, Reach, Rule, Thing, at_once, used};
use crate::known::Known;
use crate::model::autovacuum::Work;
use crate::model::concern::Severity;
use crate::model::neglect::Waiting;
use crate::model::rates::float;
use crate::probe::Probe as _;
use crate::probe::autovacuum::AutovacuumProbe;
use crate::probe::progress::ProgressProbe;
use crate::probe::pulse::PulseProbe;
use crate::ui::format;

/// Autovacuum looks at every table once in a naptime; after so many of them it has passed the table over.
const NAPTIMES: f64 = 5.0;
/// From so much of a limit on it is near.
const NEAR: f64 = 0.8;

pub(super) static RULE: Rule = Rule {
    id: "autovacuum_starved",
    title: "autovacuum does not come to a table",
    pane: "vacuum",
    needs: &[PulseProbe::SPEC.id],
    uses: &[AutovacuumProbe::SPEC.id, ProgressProbe::SPEC.id],
    server_wide: false,
    check,
    lasts: at_once,
    settles: 0.0,
    warning: "over its own threshold and rising for {autovac_starvation_warn_hours}, as seen or, for the time before, as \
              its even growth tells; a notice where autovacuum_enabled is false",
    critical: "for {autovac_starvation_crit_hours}, seen",
    doc: "Autovacuum is off, its workers are busy elsewhere, or something holds a lock on the table whenever a worker \
          comes by: it does not wait for locks. VACUUM by hand does, and shows in Locks who is in the way.",
};

/// For how many seconds a table has waited: seen, and told by its growth.
struct Wait {
    seen: f64,
    likely: f64,
}

fn check(known: &Known) -> Outcome {
    let queue = match used::<AutovacuumProbe>(known) {
        Ok(Some(queue)) => queue,
        Ok(None) => return Outcome::calm(),
        Err(unknown) => return unknown,
    };
    let around = Around::of(known, queue);
    let mut waiting = known.series.neglect().waiting(queue);
    // VACUUM (ANALYZE) does both.
    waiting.sort_by_key(|wait| wait.work == Work::Analyze);
    let mut findings: Vec<Finding> = Vec::new();
    let mut early = 0usize;
    for wait in waiting
        .iter()
        .filter(|wait| !around.present.running.contains_key(&wait.table.relid))
    {
        let (lasted, reach) = judged(wait, &around);
        if reach.notice < NEAR {
            continue;
        }
        if wait.grown <= 0 || lasted.seen < NAPTIMES * queue.setting.naptime_s {
            early += usize::from(lasted.seen < NAPTIMES * queue.setting.naptime_s);
            continue;
        }
        let finding = finding(wait, &lasted, reach, &around);
        // One finding a table.
        if !findings.iter().any(|other| other.key == finding.key) {
            findings.push(finding);
        }
    }
    let mut outcome = Outcome::of(findings);
    if early > 0 {
        let thresholds = format::counted(early, "threshold", "thresholds");
        let naptimes = format::duration(NAPTIMES * queue.setting.naptime_s);
        let why = format!("whether autovacuum comes to tables over {thresholds} shows within {naptimes}");
        outcome = outcome.but_not_yet_others(why);
    }
    outcome
}

fn judged(wait: &Waiting<'_>, around: &Around<'_>) -> (Wait, Reach) {
    let alerts = &around.known.settings.alerts;
    let (warn, crit) = (
        alerts.autovac_starvation_warn_hours * 3600.0,
        alerts.autovac_starvation_crit_hours * 3600.0,
    );
    let now = around.queue.epoch;
    let seen = now - wait.since;
    let likely = likely(wait, now).max(seen);
    let reach = Reach::rising(likely, warn, crit).at_most(Severity::Warning);
    let reach = reach.or(Reach::rising(seen, warn, crit));
    let reach = if around.is_disabled(wait.table) {
        reach.at_most(Severity::Notice)
    } else {
        reach
    };
    (Wait { seen, likely }, reach)
}

/// For how long it was over its threshold if it filled up evenly since its last run, and no slower than now.
fn likely(wait: &Waiting<'_>, now: f64) -> f64 {
    let Some(last) = wait.last_run else { return 0.0 };
    let count = float(wait.count).max(1.0);
    let beyond = (count - wait.at).max(0.0);
    let evenly = beyond / count * (now - last);
    let at_this_pace = beyond / float(wait.grown) * (now - wait.since);
    if wait.grown > 0 {
        evenly.min(at_this_pace)
    } else {
        evenly
    }
}

fn finding(wait: &Waiting<'_>, lasted: &Wait, reach: Reach, around: &Around<'_>) -> Finding {
    let table = wait.table;
    let (rows, command) = match wait.work {
        Work::Vacuum => ("dead", "VACUUM"),
        Work::Insert => ("new", "VACUUM"),
        Work::Analyze => ("changed", "ANALYZE"),
    };
    let last_run = wait.last_run.map(|last| around.queue.epoch - last);
    let sentence = format!(
        "{}: {} {rows} rows, {} of its threshold, {}",
        vacuuming::called(table),
        format::count(wait.count),
        format::times(float(wait.count) / wait.at.max(0.5)),
        vacuuming::last_words(command, last_run)
    );
    let jump = Jump::panel("vacuum", "queue").row(Thing::Relation(table.relid));
    let mut finding = Finding::new(table.relid.to_string(), reach, sentence, jump)
        .since(Some(wait.since))
        .about(vacuuming::thing(table));
    if let Some(reason) = around.reason(table) {
        finding = finding.detail(reason);
    }
    let likely = if lasted.likely > lasted.seen {
        format!("; over it for ≈{} if it filled up evenly", format::age(lasted.likely))
    } else {
        String::new()
    };
    finding = finding.detail(format!(
        "seen waiting for {}, {} more {rows} rows since{likely}",
        format::age(lasted.seen),
        format::count(wait.grown)
    ));
    let command = if wait.work == Work::Analyze {
        "ANALYZE"
    } else {
        "VACUUM (ANALYZE)"
    };
    finding = finding.remedy("do it by hand", around.statement(command, table));
    around.let_it_come(finding, table)
}

#[cfg(test)]
mod tests;
