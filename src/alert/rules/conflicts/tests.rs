use super::*;
use crate::alert::testing::{BEGIN, Watched};
use crate::model::concern::Severity;

/// A sample every 15 seconds; so many have been canceled for their rows by then, and one for a lock.
fn watch(watched: &mut Watched, seconds: std::ops::Range<u32>, canceled: impl Fn(u32) -> i64) {
    for second in seconds.step_by(15) {
        for _ in 0..5 {
            watched.pass(3.0);
            watched.pulse(|pulse| pulse.in_recovery = true);
        }
        watched.answer::<ConflictsProbe>(Conflicts {
            epoch: BEGIN + f64::from(second + 15),
            snapshot: canceled(second + 15),
            lock: 1,
            ..Conflicts::default()
        });
    }
}

#[test]
fn many_canceled_queries_are_raised_worsen_and_clear() {
    let mut watched = Watched::new();
    let two_a_minute = |second: u32| i64::from(second / 30);
    watch(&mut watched, 0..300, two_a_minute);
    assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Warning)]);
    let said = watched.sentences(&RULE).remove(0);
    assert!(
        said.starts_with("replay canceled ")
            && said.ends_with(&format!("snapshot {}", said.split(' ').nth(2).unwrap())),
        "{said}"
    );
    watch(&mut watched, 300..900, |second| 10 + i64::from(second - 300));
    assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Critical)]);
    watch(&mut watched, 900..1800, |_| 610);
    assert!(watched.raised(&RULE).is_empty(), "{:?}", watched.sentences(&RULE));
}

#[test]
fn one_canceled_query_is_none_and_neither_are_those_of_last_year() {
    let mut watched = Watched::new();
    watch(&mut watched, 0..900, |second| 5000 + i64::from(second > 30));
    assert!(watched.events.is_empty(), "{:?}", watched.events);
}

#[test]
fn a_primary_is_calm() {
    let mut watched = Watched::new();
    watched.known.skip(ConflictsProbe::SPEC.id, "a primary");
    watched.pass(2.0);
    watched.pulse(|_| ());
    let mut unchecked = watched.engine.unchecked(&watched.known);
    assert!(!unchecked.any(|unchecked| unchecked.rule == &RULE));
}
