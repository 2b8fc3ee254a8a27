//! Our own polling is degraded: what the screen shows is older than it should be, and other checks see less.

use std::time::Duration;

use crate::alert::{Finding, Jump, Outcome, Reach, Rule};
use crate::config::Alerts;
use crate::known::Known;
use crate::model::concern::Severity;
use crate::pg::fault::{Fault, FaultKind};
use crate::poll::TierHealth;
use crate::probe::pulse::PulseProbe;
use crate::probe::{self, Probe as _, Sample, Tier};
use crate::ui::format;

pub(super) static RULE: Rule = Rule {
    id: "polling",
    title: "this program's own questions are slow or fail",
    pane: "overview",
    needs: &[PulseProbe::SPEC.id],
    uses: &[],
    server_wide: true,
    check,
    lasts,
    settles: 0.0,
    warning: "a tier of questions is over its budget, or a question gets no answer, for {polling_warn_s}",
    critical: "",
    doc: "A tier over its budget is asked less often, so that this program is never a burden; a question that is cancelled \
          is asked again after a pause that grows. Everything it feeds is older than it should be until then.",
};

/// The slow tiers have rounds so rare that one over budget is a notice only; the second in a row stretches the interval
/// so many times.
const TWICE: u32 = 4;

fn lasts(alerts: &Alerts, _: Severity) -> f64 {
    alerts.polling_warn_s
}

fn check(known: &Known) -> Outcome {
    let tiers = known.tiers.values().filter_map(|health| slow(health, known));
    let asked = known.asked.values().filter(|asked| asked.skipped.is_none());
    // What the user wanted once is not asked again by itself.
    let polled = asked.filter_map(|asked| asked.last.as_deref().filter(|sample| sample.ran.demand.is_none()));
    let failing = polled.filter_map(|sample| fails(sample, known));
    Outcome::of(tiers.chain(failing).chain(second(known)))
}

/// A tier near its budget or over it.
fn slow(health: &TierHealth, known: &Known) -> Option<Finding> {
    let reach = health.took.as_secs_f64() / health.budget.as_secs_f64();
    if reach < 0.8 {
        return None;
    }
    let tier = health.tier.name();
    let wanted = known.settings.pace(health.tier).interval;
    let rare = matches!(health.tier, Tier::Storage | Tier::Hourly) && health.interval < wanted * TWICE;
    let most = if rare { Severity::Notice } else { Severity::Warning };
    let finding = Finding::new(
        format!("tier:{tier}"),
        Reach::measured(reach, 0.0).at_most(most),
        format!(
            "{tier} questions take {} of a budget of {}",
            seconds(health.took),
            seconds(health.budget)
        ),
        Jump::to("overview"),
    );
    let every = format!(
        "asked every {} instead of every {}",
        seconds(health.interval),
        seconds(wanted)
    );
    let finding = if health.interval > wanted {
        finding.detail(every)
    } else {
        finding
    };
    let finding = match dearest(health.tier, known) {
        Some((title, took)) => finding.detail(format!("the dearest: \"{title}\", {}", seconds(took))),
        None => finding,
    };
    Some(finding.remedy(
        "allow it more time",
        format!(
            "[budgets]\n{tier} = {}  # seconds, in this program's configuration",
            (health.took.as_secs_f64() * 1.5).ceil().max(1.0)
        ),
    ))
}

/// The question of that tier that took the longest the last time.
fn dearest(tier: Tier, known: &Known) -> Option<(&'static str, Duration)> {
    let server = known.server.as_deref()?;
    let asked = known.asked.values().filter_map(|asked| asked.last.as_deref());
    let asked = asked.filter_map(|sample| Some((probe::entry(sample.ran.probe)?, sample.ran.took)));
    let of_tier = asked.filter(|(entry, _)| (entry.tier)(server) == tier);
    let (entry, took) = of_tier.max_by_key(|(_, took)| *took)?;
    Some((entry.spec.title, took))
}

/// A question that had no answer the last time. What the role may not read, or is not installed, is no failure of
/// polling: `check` tells of that.
fn fails(sample: &Sample, known: &Known) -> Option<Finding> {
    let fault = sample.ran.fault.as_ref().filter(|fault| is_trouble(fault))?;
    let entry = probe::entry(sample.ran.probe)?;
    let last = known
        .latest
        .ran_of(entry.spec.id)
        .map(|ran| known.now.since(ran.finished()).as_secs_f64());
    let since = last.and_then(|age| Some(known.server_now()? - age));
    let age = last.map_or_else(
        || "never answered".to_owned(),
        |age| format!("last answer {}", format::ago(age)),
    );
    let finding = Finding::new(
        format!("probe:{}", entry.spec.id),
        Reach::fact(Severity::Warning),
        format!("no answer to \"{}\": {}", entry.spec.title, brief(fault)),
        Jump::to("overview"),
    )
    .since(since)
    .detail(format!("{age}; what is shown of it is so old"))
    .detail(fault.sentence.clone());
    Some(match &fault.remedy {
        Some(remedy) => finding.remedy("what may help", remedy.clone()),
        None => finding,
    })
}

/// The second connection cannot be opened, and the slow tiers wait for it.
fn second(known: &Known) -> Option<Finding> {
    let fault = known.slow_down.as_ref()?;
    let finding = Finding::new(
        "second",
        Reach::fact(Severity::Warning),
        "the second connection is not to be had: sizes and bloat wait".to_owned(),
        Jump::to("overview"),
    )
    .detail(fault.sentence.clone());
    Some(match &fault.remedy {
        Some(remedy) => finding.remedy("what may help", remedy.clone()),
        None => finding,
    })
}

const fn is_trouble(fault: &Fault) -> bool {
    matches!(
        fault.kind,
        FaultKind::Timeout | FaultKind::ConnectTimeout | FaultKind::LockTimeout | FaultKind::Decode | FaultKind::Other
    )
}

const fn brief(fault: &Fault) -> &'static str {
    match fault.kind {
        FaultKind::Timeout | FaultKind::ConnectTimeout => "it takes too long",
        FaultKind::LockTimeout => "a lock is in its way",
        _ => "it fails",
    }
}

fn seconds(took: Duration) -> String {
    format::duration(took.as_secs_f64())
}

#[cfg(test)]
mod tests;
