//! What the engine promises, with a rule that says what the test says.

use proptest::prelude::*;

use super::*;
use crate::alert::finding::{Certain, Jump};
use crate::alert::testing::{BEGIN, Watched};

/// A minute for a warning, at once when critical.
static RULE: Rule = Rule {
    id: "test",
    title: "a test",
    pane: "activity",
    needs: &["pulse"],
    uses: &[],
    server_wide: true,
    check: |_| Outcome::calm(),
    lasts: |_, severity| if severity == Severity::Critical { 0.0 } else { 60.0 },
    settles: 10.0,
    warning: "",
    critical: "",
    doc: "",
};

struct Bench {
    watched: Watched,
    watch: Watch,
    second: f64,
    events: Vec<Happened>,
}

impl Bench {
    fn new() -> Self {
        Self {
            watched: Watched::new(),
            watch: Watch::default(),
            second: 0.0,
            events: Vec::new(),
        }
    }

    /// So many seconds later the rule says this.
    fn says(&mut self, after: f64, outcome: Outcome) {
        self.second += after;
        let events = self
            .watch
            .take(outcome, &RULE, &self.watched.known, BEGIN + self.second);
        self.events.extend(events.into_iter().map(|event| event.happened));
    }

    /// A value against a warning at 100 and a critical limit at 200.
    fn value(&mut self, after: f64, value: f64) {
        self.says(after, Outcome::of([finding(value)]));
    }

    fn severity(&self) -> Option<Severity> {
        self.watch.alerts.get("one")?.severity()
    }
}

fn finding(value: f64) -> Finding {
    Finding::new(
        "one",
        Reach::rising(value, 100.0, 200.0),
        format!("{value}"),
        Jump::to("activity"),
    )
}

#[test]
fn a_warning_has_to_last_and_critical_does_not() {
    let mut bench = Bench::new();
    for _ in 0..30 {
        bench.value(2.0, 150.0);
        assert_eq!(bench.severity(), None);
    }
    bench.value(2.0, 150.0);
    assert_eq!(bench.severity(), Some(Severity::Warning));
    bench.value(2.0, 200.0);
    assert_eq!(bench.severity(), Some(Severity::Critical));
    assert_eq!(
        bench.events,
        [
            Happened::Raised(Severity::Warning),
            Happened::Escalated(Severity::Critical)
        ]
    );
}

#[test]
fn what_is_over_has_to_settle() {
    let mut bench = Bench::new();
    bench.value(2.0, 250.0);
    for _ in 0..4 {
        bench.value(2.0, 10.0);
        assert_eq!(bench.severity(), Some(Severity::Critical));
    }
    bench.value(2.0, 10.0);
    assert_eq!(bench.severity(), None);
    assert!(matches!(
        bench.events.last(),
        Some(Happened::Cleared(Severity::Critical, _))
    ));
}

#[test]
fn unseen_time_neither_raises_nor_clears() {
    let mut bench = Bench::new();
    bench.value(0.0, 150.0);
    bench.value(3600.0, 150.0);
    assert_eq!(bench.severity(), None, "nobody saw the hour");
    bench.value(2.0, 250.0);
    bench.value(3600.0, 10.0);
    assert_eq!(
        bench.severity(),
        Some(Severity::Critical),
        "it has not been seen to settle"
    );
}

#[test]
fn who_cannot_look_says_nothing_of_what_is_missing() {
    let mut bench = Bench::new();
    bench.value(2.0, 250.0);
    for _ in 0..20 {
        bench.says(2.0, Outcome::unknown("hidden", None));
    }
    assert_eq!(bench.severity(), Some(Severity::Critical));
    let alert = bench.watch.alerts.get("one").unwrap();
    assert_eq!(alert.unknown_since(&bench.watched.known), Some(BEGIN + 2.0));
    for _ in 0..6 {
        bench.says(2.0, Outcome::calm());
    }
    assert_eq!(bench.severity(), None);
}

#[test]
fn changed_numbers_are_the_same_alert_and_worse_ones_wake_again() {
    let mut bench = Bench::new();
    for second in 0..40u32 {
        bench.value(2.0, 150.0 + f64::from(second % 3));
    }
    assert_eq!(bench.events, [Happened::Raised(Severity::Warning)]);
    bench.watch.alerts.get_mut("one").unwrap().acknowledged = Some(Severity::Warning);
    bench.value(2.0, 160.0);
    assert!(bench.watch.alerts["one"].is_acknowledged());
    bench.value(2.0, 210.0);
    assert!(!bench.watch.alerts["one"].is_acknowledged());
}

#[test]
fn what_may_have_lasted_long_is_pending_until_that_is_certain() {
    let mut bench = Bench::new();
    let mut may_be = |certain: f64| {
        let mut finding = finding(250.0);
        finding.certain = Some(Certain {
            seconds: certain,
            warning: 30.0,
            critical: 120.0,
        });
        bench.says(2.0, Outcome::of([finding]));
        bench.watch.alerts["one"].state
    };
    let pending = State::Pending {
        severity: Severity::Critical,
        lasts: 2.0,
        wants: 120.0,
    };
    assert_eq!(may_be(2.0), pending);
    assert_eq!(may_be(30.0), State::Raised(Severity::Warning));
    assert_eq!(may_be(120.0), State::Raised(Severity::Critical));
}

#[test]
fn a_clock_that_goes_back_does_no_harm() {
    let mut bench = Bench::new();
    bench.value(2.0, 150.0);
    bench.value(-7200.0, 150.0);
    for _ in 0..31 {
        bench.value(2.0, 150.0);
    }
    assert_eq!(bench.severity(), Some(Severity::Warning));
}

fn fact(key: usize, severity: Severity) -> Finding {
    Finding::new(key.to_string(), Reach::fact(severity), "a fact", Jump::to("activity"))
}

#[test]
fn of_too_many_those_that_count_are_kept_whatever_their_order() {
    let mut bench = Bench::new();
    let all = |first: usize| {
        (first..KEEP + 50)
            .chain(0..first)
            .map(|key| fact(key, Severity::Critical))
    };
    bench.says(2.0, Outcome::of(all(0)));
    assert_eq!(bench.events.len(), KEEP);
    bench.says(2.0, Outcome::of(all(120)));
    assert_eq!(bench.events.len(), KEEP, "none of them is over");
}

#[test]
fn of_too_many_the_worst_are_kept() {
    let mut bench = Bench::new();
    let many = (0..KEEP).map(|key| fact(key, Severity::Notice));
    bench.says(2.0, Outcome::of(many.chain([fact(KEEP, Severity::Critical)])));
    assert_eq!(bench.events, [Happened::Raised(Severity::Critical)]);
}

#[test]
fn one_key_twice_in_an_answer_counts_once() {
    let mut bench = Bench::new();
    for _ in 0..20 {
        bench.says(2.0, Outcome::of([finding(150.0), finding(120.0)]));
    }
    assert_eq!(bench.severity(), None, "38 s of 60");
    assert_eq!(bench.watch.alerts["one"].finding.sentence, "150", "the worse one");
}

proptest! {
    #[test]
    fn noise_around_a_limit_never_flaps(
        noise in proptest::collection::vec(-9.9..9.9f64, 1..400), limit in prop_oneof![Just(100.0), Just(200.0)],
    ) {
        let mut bench = Bench::new();
        for value in noise {
            bench.value(2.0, limit + value * limit / 100.0);
        }
        // It is raised at most once for each severity, and nothing is ever over or milder.
        prop_assert!(bench.events.len() <= 2, "{:?}", bench.events);
        prop_assert!(!bench.events.iter().any(|event| matches!(event, Happened::Cleared(..) | Happened::Eased(_))));
    }

    #[test]
    fn what_happens_is_a_story(
        steps in proptest::collection::vec((0.5..30.0f64, proptest::option::of(0.0..300.0f64)), 1..300),
    ) {
        let mut bench = Bench::new();
        for (after, value) in steps {
            match value {
                Some(value) => bench.value(after, value),
                None => bench.says(after, Outcome::calm()),
            }
        }
        let mut now: Option<Severity> = None;
        for event in bench.events {
            now = match (event, now) {
                (Happened::Raised(severity), None) => Some(severity),
                (Happened::Escalated(severity), Some(before)) if severity > before => Some(severity),
                (Happened::Eased(severity), Some(before)) if severity < before => Some(severity),
                (Happened::Cleared(severity, lasted), Some(before)) if severity == before && lasted >= 0.0 => None,
                (event, now) => return Err(TestCaseError::fail(format!("{event:?} while {now:?}"))),
            };
        }
    }
}
