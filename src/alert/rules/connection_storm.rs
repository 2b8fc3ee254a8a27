//! Connections storm: clients that connect anew for every statement, or a pool that has lost its mind.

use std::collections::BTreeMap;
use std::time::Duration;

use super::people;
use crate::alert::{Finding, Jump, Outcome, Reach, Rule, at_once};
use crate::known::Known;
use crate::model::observe::name;
use crate::model::overview;
use crate::probe::Probe as _;
use crate::probe::Ran;
use crate::probe::activity::{Activity, Backend};
use crate::probe::counters::CountersProbe;
use crate::ui::format;

pub(super) static RULE: Rule = Rule {
    id: "connection_storm",
    title: "clients connect all the time",
    pane: "activity",
    needs: &[Activity::SPEC.id, CountersProbe::SPEC.id],
    uses: &[],
    server_wide: true,
    check,
    lasts: at_once,
    settles: 10.0,
    warning: "new connections at {connection_storm_warn_per_s} for half a minute",
    critical: "{connection_storm_crit_per_s}",
    doc: "Every connection costs a new process and a few milliseconds. Hundreds a second are clients without a pool, or a \
          pool whose connections break. PostgreSQL counts new sessions from 14 on; before, only those that are still \
          there when they are looked for can be counted.",
};

/// How long it has to last, in thirds, so that one burst of a pool that starts is none.
const THIRD: Duration = Duration::from_secs(10);
/// Seconds of each third that have to be known.
const KNOWN_S: f64 = 5.0;
/// A session is young for so many seconds.
const YOUNG_S: f64 = 10.0;

fn check(known: &Known) -> Outcome {
    let Some(backends) = known.get::<Activity>() else {
        return Outcome::calm();
    };
    let counted = known
        .latest
        .ran::<CountersProbe>()
        .and_then(|ran| lasting(known, name::SESSIONS, ran));
    let seen = known
        .latest
        .ran::<Activity>()
        .and_then(|ran| lasting(known, name::SESSIONS_SEEN, ran));
    let counts = known.server.as_ref().is_some_and(|server| server.major() >= 14);
    let (Some(rate), true) = (
        counted.into_iter().chain(seen).reduce(f64::max),
        counted.is_some() || !counts,
    ) else {
        return Outcome::not_yet("it needs half a minute of watching");
    };
    let alerts = &known.settings.alerts;
    let reach = Reach::rising(
        rate,
        alerts.connection_storm_warn_per_s,
        alerts.connection_storm_crit_per_s,
    );
    let least = if counts { "" } else { "at least " };
    let sentence = format!("{least}{} new connections per second", format::rate(rate));
    let finding = newcomers(Finding::new("", reach, sentence, Jump::to("activity")), backends);
    let outcome = Outcome::of((reach.warning >= 0.8).then_some(finding));
    if counts {
        outcome
    } else {
        let why = "PostgreSQL counts new sessions from 14 on; those that have gone before the next look are not seen";
        outcome.but_not(why, None)
    }
}

/// What was reached in each third of the last half minute; `None` where one of them is not known.
fn lasting(known: &Known, series: &str, ran: &Ran) -> Option<f64> {
    let now = ran.finished();
    let up_to = |thirds: u32| known.series.total(series, now, THIRD * thirds);
    let mut least = f64::INFINITY;
    for third in 0..3 {
        let (newer, older) = (up_to(third), up_to(third + 1));
        let seconds = older.1 - newer.1;
        if seconds < KNOWN_S {
            return None;
        }
        least = least.min((older.0 - newer.0) / seconds);
    }
    Some(least)
}

/// Who the young sessions are.
fn newcomers(finding: Finding, backends: &[Backend]) -> Finding {
    let young = overview::clients(backends).filter(|backend| backend.backend_s.is_some_and(|age| age < YOUNG_S));
    let mut groups: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    let mut all = 0_usize;
    for backend in young {
        let role = backend.usename.as_deref().unwrap_or_default();
        let application = backend.application_name.as_deref().unwrap_or_default();
        let client = backend.client.as_deref().unwrap_or("a local socket");
        *groups.entry((application, role, client)).or_default() += 1;
        all += 1;
    }
    let Some(((application, role, client), count)) = groups.into_iter().max_by_key(|(_, count)| *count) else {
        return finding.detail("none of the new ones is there any more when it is looked for");
    };
    let who = if application.is_empty() { role } else { application };
    let role = if application.is_empty() {
        String::new()
    } else {
        format!(" ({})", people::clipped(role))
    };
    finding.detail(format!(
        "{count} of {} are {}{role} from {client}",
        format::counted(all, "session younger than 10 s", "sessions younger than 10 s"),
        people::clipped(who),
    ))
}
