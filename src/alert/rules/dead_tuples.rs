//! Dead rows pile up in a table: it grows, and every scan reads them.

use super::vacuuming::{self, Around};
use crate::alert::{Finding, Jump, Outcome, Reach, Rule, used};
use crate::known::Known;
use crate::model::concern::Severity;
use crate::model::horizon;
use crate::model::neglect::{self, Backlog};
use crate::model::progress;
use crate::model::rates::float;
use crate::probe::Probe as _;
use crate::probe::autovacuum::AutovacuumProbe;
use crate::probe::horizon::HorizonProbe;
use crate::probe::progress::ProgressProbe;
use crate::probe::pulse::PulseProbe;
use crate::ui::format;

/// From so much of a limit on it is near.
const NEAR: f64 = 0.8;

pub(super) static RULE: Rule = Rule {
    id: "dead_tuples",
    title: "dead rows pile up in a table",
    pane: "vacuum",
    // A standby's tables are counted and vacuumed on its primary: that is calm, not unknown.
    needs: &[PulseProbe::SPEC.id],
    uses: &[AutovacuumProbe::SPEC.id, HorizonProbe::SPEC.id, ProgressProbe::SPEC.id],
    server_wide: false,
    check,
    lasts: |alerts, _| alerts.dead_tuples_for_s,
    settles: 0.0,
    warning: "{dead_tuples_warn_percent} of a table's rows and {dead_tuples_warn_rows} rows are dead for \
              {dead_tuples_for_s}; a notice while a VACUUM that nobody hinders is at it",
    critical: "{dead_tuples_crit_percent} and {dead_tuples_crit_rows} rows",
    doc: "VACUUM makes room of dead rows unless an old snapshot may still see them: end its holder first, or VACUUM \
          does nothing. If nobody holds them, see why autovacuum does not come, and VACUUM by hand.",
};

fn check(known: &Known) -> Outcome {
    let queue = match used::<AutovacuumProbe>(known) {
        Ok(Some(queue)) => queue,
        Ok(None) => return Outcome::calm(),
        Err(unknown) => return unknown,
    };
    let around = Around::of(known, queue);
    let backlogs = neglect::backlogs(queue);
    Outcome::of(backlogs.iter().filter_map(|backlog| finding(backlog, &around)))
}

fn finding(backlog: &Backlog<'_>, around: &Around<'_>) -> Option<Finding> {
    let alerts = &around.known.settings.alerts;
    let percent = backlog.share * 100.0;
    let reach = Reach::rising(
        float(backlog.dead),
        alerts.dead_tuples_warn_rows,
        alerts.dead_tuples_crit_rows,
    )
    .and(Reach::rising(
        percent,
        alerts.dead_tuples_warn_percent,
        alerts.dead_tuples_crit_percent,
    ));
    if reach.warning < NEAR {
        return None;
    }
    let table = backlog.table;
    let sentence = format!(
        "{} has {} dead rows, {} of all",
        vacuuming::called(table),
        format::count(backlog.dead),
        format::percent(percent)
    );
    let jump = Jump::panel("vacuum", "queue").row(crate::alert::Thing::Relation(table.relid));
    let finding = Finding::new(table.relid.to_string(), reach, sentence, jump).about(vacuuming::thing(table));
    Some(explained(finding, backlog, around))
}

/// With why they stay and what helps.
fn explained(mut finding: Finding, backlog: &Backlog<'_>, around: &Around<'_>) -> Finding {
    let table = backlog.table;
    let ago = vacuuming::last(table.vacuum_s, table.autovacuum_s);
    let vacuum = around.vacuum_of(table);
    if let Some(holder) = around.keeper(table) {
        finding = finding.detail(format!(
            "{} may still see them: VACUUM leaves them until it ends",
            horizon::name(holder)
        ));
        finding = vacuuming::end_holder(finding, holder, around.known);
    } else if vacuum.is_some() {
        finding.reach = finding.reach.at_most(Severity::Notice);
    }
    if let Some(vacuum) = vacuum {
        let phase = progress::phase(vacuum).unwrap_or_default();
        let share = vacuum
            .share()
            .map(|share| format!(", {}", format::percent(share * 100.0)));
        return finding.detail(format!(
            "pid {} vacuums it now: {phase}{}",
            vacuum.pid,
            share.unwrap_or_default()
        ));
    }
    if let Some(reason) = around.reason(table) {
        finding = finding.detail(reason);
    }
    finding = finding
        .detail(vacuuming::last_words("vacuum", ago))
        .remedy("vacuum it", around.statement("VACUUM (ANALYZE)", table));
    around.let_it_come(finding, table)
}

#[cfg(test)]
mod tests;
