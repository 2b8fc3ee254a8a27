//! Suddenly many transactions roll back: something that worked a moment ago does not.

use std::time::Duration;

use super::surge::{self, NEAR, NOW};
use crate::alert::{Finding, Jump, Outcome, Reach, Rule};
use crate::known::Known;
use crate::model::baseline::{Standing, Unknown, Watch, standing};
use crate::model::observe::name;
use crate::model::rates;
use crate::probe::Probe as _;
use crate::probe::counters::CountersProbe;
use crate::ui::format;

pub(super) static RULE: Rule = Rule {
    id: "rollbacks",
    title: "many transactions roll back",
    pane: "activity",
    needs: &[CountersProbe::SPEC.id],
    uses: &[],
    server_wide: true,
    check,
    lasts: surge::lasts,
    settles: 60.0,
    warning: "{rollback_warn_share} of all transactions, and more than mean + 3 sigma of the 15 minutes before, for \
              {surge_for_s}",
    critical: "{rollback_crit_share} for as long",
    doc: "Errors, timeouts, serialization failures and clients that were cut off end in a rollback; the server's log names \
          them. Some drivers and poolers end every transaction that only read with ROLLBACK: what is usual in this session \
          is none of it.",
};

/// What is usual is what these minutes before show.
const WINDOW: Duration = Duration::from_mins(15);
/// Percentage points above the usual that may be chance.
const FLOOR: f64 = 10.0;
/// Fewer rollbacks per second than this concern nobody.
const FEW: f64 = 1.0;

fn check(known: &Known) -> Outcome {
    let mean = |name| known.series.mean(name, known.now, NOW);
    let (Some(rollbacks), Some(commits)) = (mean(name::ROLLBACKS), mean(name::COMMITS)) else {
        return Outcome::not_yet("rollbacks per second need a second reading");
    };
    let share = rates::share(rollbacks, commits).unwrap_or_default() / 100.0;
    let alerts = &known.settings.alerts;
    let reach = Reach::rising(share, alerts.rollback_warn_share, alerts.rollback_crit_share);
    if reach.warning < NEAR || rollbacks < FEW * NEAR {
        return Outcome::calm();
    }
    let watch = Watch::surge(WINDOW, FLOOR);
    let usual = match standing(&known.series, name::ROLLBACK_SHARE, known.now, &watch) {
        Ok(usual) => usual,
        Err(Unknown::NotYet(wait)) => {
            let wait = format::age(wait.as_secs_f64());
            return Outcome::not_yet(format!("whether so many rollbacks are usual is known in {wait}"));
        }
        Err(_) => return Outcome::not_yet("whether so many rollbacks are usual is not known: readings are missing"),
    };
    let Some(lasts) = usual.lasts else {
        return Outcome::calm();
    };
    let reach = reach.and(Reach::measured(rollbacks / FEW, rollbacks / FEW));
    let since = known.server_now().map(|now| now - lasts.as_secs_f64());
    Outcome::of([told(share, rollbacks, &usual, reach).since(since)])
}

fn told(share: f64, rollbacks: f64, usual: &Standing, reach: Reach) -> Finding {
    let sentence = format!(
        "{} of all transactions roll back, {} is usual",
        format::percent(share * 100.0),
        format::percent(usual.ordinary.mean)
    );
    Finding::new("", reach, sentence, Jump::to("activity"))
        .detail(format!(
            "{} rollbacks per second, all databases together",
            format::rate(rollbacks)
        ))
        .detail("the server's log tells the errors behind them")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::testing::Watched;
    use crate::model::concern::Severity;

    /// Readings every two seconds; commits and rollbacks per second by second.
    fn watch(watched: &mut Watched, (done, seconds): (u32, u32), rate: impl Fn(u32) -> (i64, i64)) {
        let total = |until: u32| {
            (0..until).fold((0, 0), |(commits, rollbacks), second| {
                let (more, back) = rate(second);
                (commits + more, rollbacks + back)
            })
        };
        for second in (done + 2..=done + seconds).step_by(2) {
            let (commits, rollbacks) = total(second);
            watched.pass(2.0);
            watched.pulse(|_| ());
            watched.counters(|counters| (counters.all.commits, counters.all.rollbacks) = (commits, rollbacks));
        }
    }

    #[test]
    fn more_than_usual_is_raised_held_and_cleared() {
        let mut watched = Watched::new();
        let rate = |second| match second {
            0..1200 => (99, 1),
            1200..1800 => (70, 30),
            1800..2400 => (30, 70),
            _ => (99, 1),
        };
        watch(&mut watched, (0, 1200), rate);
        assert!(watched.raised(&RULE).is_empty());
        watch(&mut watched, (1200, 140), rate);
        assert!(
            watched.raised(&RULE).is_empty(),
            "not for two minutes yet: the minute before was calm"
        );
        watch(&mut watched, (1340, 60), rate);
        assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Warning)]);
        assert_eq!(
            watched.sentences(&RULE),
            ["30.0 % of all transactions roll back, 1.0 % is usual"]
        );
        watch(&mut watched, (1400, 600), rate);
        assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Critical)]);
        watch(&mut watched, (2000, 600), rate);
        assert!(watched.raised(&RULE).is_empty());
    }

    #[test]
    fn a_driver_that_ends_every_read_with_a_rollback_is_usual() {
        let mut watched = Watched::new();
        // Traffic doubles after 20 minutes, the share stays.
        watch(&mut watched, (0, 1800), |second| {
            if second > 1200 { (80, 120) } else { (40, 60) }
        });
        assert!(watched.raised(&RULE).is_empty());
        assert!(watched.events.is_empty());
    }

    #[test]
    fn nothing_is_said_of_a_young_session_and_of_a_handful() {
        let mut watched = Watched::new();
        watch(&mut watched, (0, 300), |_| (20, 80));
        assert!(watched.raised(&RULE).is_empty());
        let unchecked: Vec<_> = watched.engine.unchecked(&watched.known).collect();
        assert!(
            unchecked
                .iter()
                .any(|one| one.rule.id == "rollbacks" && one.blind.passing)
        );
        let mut watched = Watched::new();
        watch(&mut watched, (0, 1600), |second| {
            (1, i64::from(second > 1300 && second % 4 == 0))
        });
        assert!(watched.raised(&RULE).is_empty(), "one in four seconds");
    }
}
