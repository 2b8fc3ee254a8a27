//! Every worker of autovacuum is busy and tables wait: the workers are too few, or too slow for what is changed.

use std::time::Duration;

use super::vacuuming::Around;
use crate::alert::{Finding, Jump, Outcome, Reach, Rule, Thing, at_once, used};
use crate::known::Known;
use crate::model::autovacuum_workers::{Worker, workers};
use crate::model::concern::Severity;
use crate::model::observe::name;
use crate::probe::Probe as _;
use crate::probe::activity::Activity;
use crate::probe::autovacuum::{AutovacuumProbe, Queue, Setting};
use crate::probe::pulse::PulseProbe;
use crate::ui::format;

/// A worker that goes from one table to the next, or is followed by another, is not free for that moment.
const BUSY: f64 = 0.9;
/// Workers that are told of.
const TOLD: usize = 2;
/// The most `autovacuum_vacuum_cost_limit` can be.
const COST_LIMIT_MAX: i32 = 10_000;
/// A cost limit that today's disks bear.
const COST_LIMIT_GOOD: i32 = 2000;

pub(super) static RULE: Rule = Rule {
    id: "autovacuum_saturated",
    title: "autovacuum workers are all busy",
    pane: "vacuum",
    needs: &[Activity::SPEC.id, PulseProbe::SPEC.id],
    uses: &[AutovacuumProbe::SPEC.id],
    server_wide: false,
    check,
    lasts: at_once,
    settles: 60.0,
    warning: "every worker is busy, and a table over its threshold waits for {autovac_saturated_warn_s}",
    critical: "for {autovac_saturated_crit_s}; never while a worker prevents wraparound",
    doc: "All workers share one cost limit: more of them alone only make each slower. Raise the limit first, then the \
          number of workers (a restart before 18). Tables of other databases wait too, but are not seen from here.",
};

fn check(known: &Known) -> Outcome {
    let queue = match used::<AutovacuumProbe>(known) {
        Ok(Some(queue)) => queue,
        Ok(None) => return Outcome::calm(),
        Err(unknown) => return unknown,
    };
    let Some(backends) = known.get::<Activity>() else {
        return Outcome::calm();
    };
    let around = Around::of(known, queue);
    let Some(busy) = around.present.busy else {
        let why = "which autovacuum workers are busy is hidden from this role";
        return Outcome::unknown(why, Some(known.grant()));
    };
    if !around.present.saturated(&queue.setting) || !lasts(known, &queue.setting) {
        return Outcome::calm();
    }
    Outcome::of(finding(&around, &workers(backends), busy))
}

/// All of them have been busy for as long as it takes to say so.
fn lasts(known: &Known, setting: &Setting) -> bool {
    let length = Duration::from_secs_f64(known.settings.alerts.autovac_saturated_warn_s.max(1.0));
    let busy = known.series.mean(name::AUTOVACUUM, known.now, length);
    busy.is_some_and(|busy| busy >= BUSY * f64::from(setting.workers()))
}

fn finding(around: &Around<'_>, workers: &[Worker<'_>], busy: usize) -> Option<Finding> {
    let (known, queue) = (around.known, around.queue);
    let waiting = known.series.neglect().waiting(queue);
    let mut tables: Vec<u32> = Vec::new();
    let mut longest: f64 = 0.0;
    for wait in waiting {
        let served = wait.table.enabled && queue.setting.active;
        if served && !around.present.running.contains_key(&wait.table.relid) {
            longest = longest.max(queue.epoch - wait.since);
            tables.push(wait.table.relid);
        }
    }
    let first = *tables.first()?;
    tables.sort_unstable();
    tables.dedup();
    let alerts = &known.settings.alerts;
    let reach = Reach::rising(
        longest,
        alerts.autovac_saturated_warn_s,
        alerts.autovac_saturated_crit_s,
    );
    let forced = workers.iter().any(|worker| worker.task.is_some_and(|task| task.forced));
    let reach = if forced {
        reach.at_most(Severity::Warning)
    } else {
        reach
    };
    let sentence = format!(
        "{busy} of {} autovacuum workers are busy, {} for up to {}",
        queue.setting.workers(),
        format::counted(tables.len(), "table waits", "tables wait"),
        format::age(longest)
    );
    let jump = Jump::panel("vacuum", "queue").row(Thing::Relation(first));
    let mut finding = Finding::new("", reach, sentence, jump).since(Some(queue.epoch - longest));
    for worker in workers.iter().take(TOLD) {
        finding = finding.detail(told(worker));
    }
    Some(mend(finding.detail(limit(queue)), &queue.setting, known))
}

/// "pid 812 has been at public.events for 2h10m (VACUUM, to prevent wraparound)".
fn told(worker: &Worker<'_>) -> String {
    let pid = worker.backend.pid;
    let Some(task) = worker.task else {
        return format!("pid {pid} is between two tables");
    };
    let forced = if task.forced { ", to prevent wraparound" } else { "" };
    format!(
        "pid {pid} has been at {} for {} ({}{forced})",
        task.target,
        format::age(worker.seconds()),
        task.command
    )
}

fn limit(queue: &Queue) -> String {
    let setting = &queue.setting;
    if setting.cost_delay_ms <= 0.0 {
        return "no cost limit slows them down".to_owned();
    }
    format!(
        "they share a cost limit of {} with a delay of {} ms",
        setting.cost_limit, setting.cost_delay_ms
    )
}

/// With what makes them faster, and more.
fn mend(mut finding: Finding, setting: &Setting, known: &Known) -> Finding {
    const RELOAD: &str = "SELECT pg_reload_conf();";
    let major = known.server.as_ref().map_or(0, |server| server.major());
    if setting.cost_delay_ms > 0.0 && setting.cost_limit < COST_LIMIT_MAX {
        let limit = setting
            .cost_limit
            .saturating_mul(2)
            .clamp(COST_LIMIT_GOOD, COST_LIMIT_MAX);
        let next = if major < 16 {
            " -- for workers at their next table"
        } else {
            ""
        };
        let text = format!("ALTER SYSTEM SET autovacuum_vacuum_cost_limit = {limit};{next}\n{RELOAD}");
        finding = finding.remedy("let them work faster", text);
    }
    let more = setting
        .max_workers
        .saturating_mul(2)
        .max(setting.max_workers.saturating_add(1));
    let workers = format!("ALTER SYSTEM SET autovacuum_max_workers = {more};");
    let text = match setting.worker_slots.filter(|_| major >= 18) {
        Some(slots) if slots >= more => format!("{workers}\n{RELOAD}"),
        Some(_) => {
            format!("{workers}\nALTER SYSTEM SET autovacuum_worker_slots = {more}; -- holds from the next restart on")
        }
        None => format!("{workers} -- holds from the next restart on"),
    };
    finding.remedy("more workers", text)
}

#[cfg(test)]
mod tests;
