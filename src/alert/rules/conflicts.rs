//! Replay cancels queries on this standby.

use crate::alert::{Finding, Jump, Outcome, Reach, Rule, at_once, used};
use crate::known::Known;
use crate::model::trails::{Speed, What};
use crate::probe::Probe as _;
use crate::probe::conflicts::{Conflicts, ConflictsProbe};
use crate::probe::pulse::PulseProbe;
use crate::probe::recovery::RecoveryProbe;
use crate::ui::format;

/// Canceled queries are counted over so many seconds at least: one alone is no rate.
const OVER_S: f64 = 300.0;

pub(super) static RULE: Rule = Rule {
    id: "conflicts",
    title: "replay cancels queries on this standby",
    pane: "replication",
    needs: &[PulseProbe::SPEC.id],
    uses: &[ConflictsProbe::SPEC.id],
    server_wide: true,
    check,
    lasts: at_once,
    settles: 60.0,
    warning: "{conflicts_warn_per_min} over the last five minutes or more",
    critical: "{conflicts_crit_per_min}",
    doc: "Replay removes rows or needs locks that queries here still use, and after max_standby_streaming_delay it \
          cancels them. hot_standby_feedback avoids that for rows, at the price of dead rows on the primary.",
};

fn check(known: &Known) -> Outcome {
    match used::<ConflictsProbe>(known) {
        Ok(Some(conflicts)) => Outcome::of(finding(conflicts, known)),
        Ok(None) => Outcome::calm(),
        Err(unknown) => unknown,
    }
}

/// Canceled since the trail began, and so many a minute.
fn canceled(speed: Speed) -> (f64, f64) {
    let count = (speed.per_second * speed.over).round();
    (count, count * 60.0 / speed.over.max(OVER_S))
}

fn finding(conflicts: &Conflicts, known: &Known) -> Option<Finding> {
    let limits = &known.settings.alerts;
    let trails = known.series.trails();
    let speed = trails.speed(What::Conflicts, "")?;
    let (count, per_minute) = canceled(speed);
    if count < 1.0 {
        return None;
    }
    let kinds = conflicts.kinds().into_iter().filter_map(|(kind, _)| {
        let (count, _) = canceled(trails.speed(What::Conflicts, kind)?);
        (count >= 1.0).then_some((kind, count))
    });
    let kinds: Vec<(&str, f64)> = kinds.collect();
    let by_kind: Vec<String> = kinds
        .iter()
        .map(|(kind, count)| format!("{kind} {}", format::count(*count)))
        .collect();
    let queries = format::counted(count, "query", "queries");
    let sentence = format!(
        "replay canceled {queries} here in {}: {}",
        format::age(speed.over),
        by_kind.join(", ")
    );
    let reach = Reach::rising(per_minute, limits.conflicts_warn_per_min, limits.conflicts_crit_per_min);
    let finding = Finding::new("", reach, sentence, Jump::panel("replication", "receiver"));
    let worst = kinds
        .into_iter()
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(kind, _)| kind);
    Some(mend(finding, worst, known))
}

fn mend(finding: Finding, worst: Option<&str>, known: &Known) -> Finding {
    let recovery = known.get::<RecoveryProbe>();
    let feedback = recovery.is_some_and(|recovery| recovery.hot_standby_feedback);
    let finding = match (worst, recovery.map(|recovery| recovery.max_streaming_delay_s)) {
        (_, Some(delay)) if delay >= 0.0 => finding.detail(format!(
            "queries are canceled after max_standby_streaming_delay {}",
            format::duration(delay)
        )),
        _ => finding,
    };
    let finding = match worst {
        Some("snapshot") if !feedback => finding.remedy(
            "keep the rows they need",
            "ALTER SYSTEM SET hot_standby_feedback = on; -- on this standby; long queries here then hold VACUUM on the primary\n\
             SELECT pg_reload_conf();",
        ),
        Some("logical slot") => finding.detail("logical slots on this standby were invalidated: see Slots"),
        _ => finding,
    };
    finding.remedy(
        "let replay wait longer",
        "ALTER SYSTEM SET max_standby_streaming_delay = '5min'; -- on this standby; replay may be that far behind\n\
         SELECT pg_reload_conf();",
    )
}

#[cfg(test)]
mod tests;
