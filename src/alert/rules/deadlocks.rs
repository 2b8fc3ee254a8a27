//! Transactions that lock the same things in different orders.

use std::time::Duration;

use super::surge::NEAR;
use crate::alert::{Finding, Jump, Outcome, Reach, Rule, at_once};
use crate::known::Known;
use crate::model::observe::name;
use crate::probe::Probe as _;
use crate::probe::counters::CountersProbe;
use crate::ui::format;

pub(super) static RULE: Rule = Rule {
    id: "deadlocks",
    title: "deadlocks",
    pane: "locks",
    needs: &[CountersProbe::SPEC.id],
    uses: &[],
    server_wide: true,
    check,
    lasts: at_once,
    settles: 0.0,
    warning: "{deadlocks_warn_per_min} over 5 minutes, in all databases together",
    critical: "{deadlocks_crit_per_min}",
    doc: "Each costs its victim the whole transaction, and everybody deadlock_timeout. Single ones are retried by a good \
          application; many come from code that locks the same rows in different orders. Sorting keys before the update, or \
          SELECT ... ORDER BY ... FOR UPDATE first, ends them.",
};

/// Deadlocks are counted over so long; what was not seen of it counts as none, so that one at the start is no storm.
const WINDOW: Duration = Duration::from_mins(5);

fn check(known: &Known) -> Outcome {
    let alerts = &known.settings.alerts;
    let (count, seconds) = known.series.total(name::DEADLOCKS, known.now, WINDOW);
    if seconds <= 0.0 {
        return Outcome::not_yet("deadlocks per minute need a second reading");
    }
    let per_minute = count / WINDOW.as_secs_f64() * 60.0;
    let reach = Reach::rising(per_minute, alerts.deadlocks_warn_per_min, alerts.deadlocks_crit_per_min);
    if reach.warning < NEAR {
        return Outcome::calm();
    }
    let sentence = format!(
        "{} in the last {}",
        format::counted(count.round(), "deadlock", "deadlocks"),
        format::age(seconds.min(WINDOW.as_secs_f64()))
    );
    let finding = Finding::new("", reach, sentence, Jump::to("locks"));
    Outcome::of([finding
        .detail("each rolled one transaction back; its client got error 40P01")
        .detail("the server's log names both statements of each: search it for \"deadlock detected\"")])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::testing::Watched;
    use crate::model::concern::Severity;

    /// Readings every two seconds with so many deadlocks in all by second.
    fn watch(watched: &mut Watched, seconds: u32, total: impl Fn(u32) -> i64) {
        for second in (2..=seconds).step_by(2) {
            watched.pass(2.0);
            watched.pulse(|_| ());
            watched.counters(|counters| counters.all.deadlocks = total(second));
        }
    }

    #[test]
    fn five_in_five_minutes_warn_and_four_do_not() {
        let mut watched = Watched::new();
        watch(&mut watched, 600, |second| i64::from(second.min(40) / 10));
        assert!(watched.raised(&RULE).is_empty(), "four, and they were long ago");
        watch(&mut watched, 60, |second| 4 + i64::from(second / 12));
        assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Warning)]);
        assert_eq!(watched.sentences(&RULE), ["5 deadlocks in the last 5m00s"]);
        watch(&mut watched, 320, |_| 9);
        assert!(watched.raised(&RULE).is_empty());
        assert_eq!(watched.events.len(), 2, "raised once, cleared once");
    }

    #[test]
    fn fifty_in_a_moment_are_critical() {
        let mut watched = Watched::new();
        watch(&mut watched, 10, |second| if second > 6 { 50 } else { 0 });
        assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Critical)]);
    }

    #[test]
    fn one_right_after_the_start_and_an_old_total_are_no_storm() {
        let mut watched = Watched::new();
        watch(&mut watched, 60, |second| if second > 2 { 100_001 } else { 100_000 });
        assert!(watched.raised(&RULE).is_empty());
    }
}
