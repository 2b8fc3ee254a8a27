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
const KNOWN_S: f64 = 8.0;
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
        outcome.but_not_others(why, None)
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::alert::rules::scenes::backend;
    use crate::alert::testing::{BEGIN, Watched};
    use crate::model::concern::Severity;
    use crate::pg::server::Server;
    use crate::probe::counters::{Counters, Work};

    /// A second number of so many sessions opened so far, every two seconds.
    fn watch(watched: &mut Watched, seconds: u32, opened: impl Fn(u32) -> i64, begin: u32) {
        for second in (begin..begin + seconds).step_by(2) {
            let work = Work {
                reset: Some(1.0),
                sessions: Some(opened(second)),
                ..Work::default()
            };
            watched.answer::<CountersProbe>(Counters {
                epoch: BEGIN + f64::from(second),
                started: BEGIN - 86_400.0,
                databases: 7,
                all: work.clone(),
                here: work,
                ..Counters::default()
            });
            let young = (1..=4).map(|pid| Backend {
                backend_s: Some(0.2),
                ..backend(pid, "active", 0.1)
            });
            watched.answer::<Activity>(young.chain([backend(99, "idle", 500.0)]).collect());
            watched.pass(2.0);
            watched.pulse(|_| ());
        }
    }

    #[test]
    fn half_a_minute_of_it_is_a_storm_and_its_end_is_seen() {
        let mut watched = Watched::new();
        watch(&mut watched, 26, |second| i64::from(second) * 60, 0);
        assert_eq!(watched.engine.alerts().count(), 0, "too early");
        watch(&mut watched, 8, |second| i64::from(second) * 60, 26);
        assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Warning)]);
        let finding = &watched.engine.raised().next().unwrap().finding;
        assert_eq!(finding.sentence, "60 new connections per second");
        assert_eq!(
            finding.details,
            ["4 of 4 sessions younger than 10 s are shop (app) from a local socket"]
        );
        watch(&mut watched, 30, |_| 33 * 60, 34);
        assert!(watched.raised(&RULE).is_empty());
    }

    /// A pool that starts opens its thousand connections in two seconds.
    #[test]
    fn a_burst_is_none() {
        let mut watched = Watched::new();
        watch(&mut watched, 120, |second| if second < 60 { 0 } else { 10_000 }, 0);
        assert!(watched.events.is_empty(), "{:?}", watched.events);
    }

    #[test]
    fn a_few_a_second_are_none() {
        let mut watched = Watched::new();
        watch(&mut watched, 120, |second| i64::from(second) * 30, 0);
        assert_eq!(watched.engine.alerts().count(), 0);
    }

    #[test]
    fn before_14_only_those_that_stay_are_seen_and_that_is_said() {
        let mut watched = Watched::new();
        watched.known.server = Some(Arc::new(Server {
            version_num: 120_022,
            reads_all_stats: true,
            ..Server::default()
        }));
        for second in 0..17 {
            watched.answer::<CountersProbe>(Counters::default());
            let young = (0..200).map(|pid| Backend {
                backend_s: Some(0.2),
                ..backend(pid + 1000 * second, "idle", 0.1)
            });
            watched.answer::<Activity>(young.collect());
            watched.pass(2.0);
            watched.pulse(|_| ());
        }
        // They have come within the two seconds between two samples.
        assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Warning)]);
        assert_eq!(watched.sentences(&RULE), ["at least 100 new connections per second"]);
        let blind = watched
            .engine
            .unchecked(&watched.known)
            .find(|one| one.rule.id == RULE.id);
        assert!(
            blind
                .unwrap()
                .blind
                .why
                .starts_with("PostgreSQL counts new sessions from 14 on")
        );
        for _ in 0..30 {
            watched.answer::<CountersProbe>(Counters::default());
            watched.answer::<Activity>(Vec::new());
            watched.pass(2.0);
            watched.pulse(|_| ());
        }
        assert!(watched.raised(&RULE).is_empty(), "its end is seen on 12 as well");
    }
}
