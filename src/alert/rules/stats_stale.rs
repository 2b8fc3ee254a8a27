//! The planner's statistics of a table describe what is no longer there: plans go wrong without anybody having changed
//! anything.
//!
//! Old statistics alone are no harm: those of a table that hardly changes are right for years. So it takes more changes
//! than the table's own threshold for ANALYZE, which autovacuum should have answered within minutes, or a fifth of its
//! rows.

use super::vacuuming::{self, Around};
use crate::alert::{Finding, Jump, Outcome, Reach, Rule, Thing, at_once, used};
use crate::known::Known;
use crate::model::autovacuum;
use crate::model::concern::Severity;
use crate::model::neglect::Stale;
use crate::probe::Probe as _;
use crate::probe::autovacuum::AutovacuumProbe;
use crate::probe::progress::ProgressProbe;
use crate::probe::pulse::PulseProbe;
use crate::ui::format;

/// A table that did not change for so long is done with.
const CHANGED_S: f64 = 3600.0;
/// Whatever the table's threshold: with such a share changed, and so many rows, they no longer describe it. Fewer rows
/// may change many times over, as in a catalog, and no plan depends on them.
const MUCH: (f64, i64) = (0.2, 10_000);
/// From so much of a limit on it is near.
const NEAR: f64 = 0.8;

pub(super) static RULE: Rule = Rule {
    id: "stats_stale",
    title: "statistics of a table are out of date",
    pane: "vacuum",
    needs: &[PulseProbe::SPEC.id],
    uses: &[AutovacuumProbe::SPEC.id, ProgressProbe::SPEC.id],
    server_wide: false,
    check,
    lasts: at_once,
    settles: 0.0,
    warning: "last ANALYZE {stats_stale_warn_hours} ago, changed within the last hour, and changed by more than its own \
              threshold or by 20 % and 10,000 rows; a notice for a partitioned table and where autovacuum_enabled is false",
    critical: "{stats_stale_crit_hours}",
    doc: "The planner believes its statistics. ANALYZE reads a sample and hinders nobody. Autovacuum does it after as \
          many changes as autovacuum_analyze_scale_factor says, but never for a partitioned table itself.",
};

fn check(known: &Known) -> Outcome {
    let queue = match used::<AutovacuumProbe>(known) {
        Ok(Some(queue)) => queue,
        Ok(None) => return Outcome::calm(),
        Err(unknown) => return unknown,
    };
    let around = Around::of(known, queue);
    let stale = known.series.neglect().stale(queue);
    let near: Vec<_> = stale
        .iter()
        .filter(|stale| stale.over || stale.share >= MUCH.0 && stale.table.modified >= MUCH.1)
        .filter_map(|stale| Some((stale, reach(stale, &around)?)))
        .collect();
    // A table that was not seen to change may still have, before this session began.
    let open = near
        .iter()
        .filter(|(stale, _)| stale.changed.is_none() && queue.epoch - stale.first < CHANGED_S)
        .count();
    let changed = near.iter().filter(|(stale, _)| {
        let last = stale.changed;
        last.is_some_and(|last| queue.epoch - last <= CHANGED_S)
    });
    let mut outcome = Outcome::of(changed.map(|(stale, reach)| finding(stale, *reach, &around)));
    if open > 0 {
        let tables = format::counted(open, "table", "tables");
        let why = format!("whether {tables} with old statistics still changes shows within an hour");
        outcome = outcome.but_not_yet_others(why);
    }
    outcome
}

fn reach(stale: &Stale<'_>, around: &Around<'_>) -> Option<Reach> {
    let alerts = &around.known.settings.alerts;
    let hours = stale.age_s / 3600.0;
    let reach = Reach::rising(hours, alerts.stats_stale_warn_hours, alerts.stats_stale_crit_hours);
    let wanted = autovacuum::is_parent(stale.table) || around.is_disabled(stale.table);
    let reach = if wanted { reach.at_most(Severity::Notice) } else { reach };
    (reach.notice >= NEAR).then_some(reach)
}

fn finding(stale: &Stale<'_>, reach: Reach, around: &Around<'_>) -> Finding {
    let table = stale.table;
    let sentence = format!(
        "{}: last ANALYZE {}, {} of its rows changed since",
        vacuuming::called(table),
        format::ago(stale.age_s),
        format::times(stale.share)
    );
    let jump = Jump::panel("vacuum", "queue").row(Thing::Relation(table.relid));
    let mut finding = Finding::new(table.relid.to_string(), reach, sentence, jump)
        .since(around.known.began::<AutovacuumProbe>(Some(stale.age_s)))
        .about(vacuuming::thing(table))
        .detail(format!(
            "{} changed rows, its own threshold for ANALYZE is {}",
            format::count(table.modified),
            format::count(autovacuum::analyze_at(table))
        ));
    if let Some(reason) = around.reason(table).filter(|_| stale.over) {
        finding = finding.detail(reason);
    }
    finding = finding.remedy("analyze it", around.statement("ANALYZE", table));
    around.let_it_come(finding, table)
}

#[cfg(test)]
mod tests;
