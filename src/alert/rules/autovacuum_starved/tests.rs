use super::super::vacuuming::testing::{alerts, count, setting, table, watch};
use super::*;
use crate::alert::testing::Watched;
use crate::probe::autovacuum::{Setting, Table};
use crate::probe::progress::Progress;

/// So many dead rows and so many more every fifteen seconds; vacuumed so many hours before the first.
fn filling(watched: &mut Watched, (from, more): (i64, i64), hours: f64, seconds: u32) {
    watch(watched, seconds, |second| vec![filled(second, (from, more), hours)]);
}

fn filled(second: f64, (from, more): (i64, i64), hours: f64) -> Table {
    #[expect(clippy::cast_possible_truncation, reason = "seconds")]
    let steps = (second / 15.0) as i64;
    Table {
        dead: from + steps * more,
        autovacuum_s: Some(hours * 3600.0 + second),
        ..table()
    }
}

const HOUR: u32 = 3600;

#[test]
fn what_was_seen_for_hours_is_certain() {
    let mut watched = Watched::new();
    // A minute after its last vacuum over its threshold already: nothing is told by even growth.
    filling(&mut watched, (201_000, 1), 0.0, 6 * HOUR);
    assert!(watched.raised(&RULE).is_empty());
    filling(&mut watched, (203_000, 1), 6.0, 60);
    assert_eq!(watched.raised(&RULE), [("16400".to_owned(), Severity::Warning)]);
    filling(&mut watched, (204_000, 1), 6.1, 6 * HOUR);
    assert_eq!(watched.raised(&RULE), [("16400".to_owned(), Severity::Critical)]);
    assert!(
        watched.sentences(&RULE)[0].starts_with("public.Orders: 205 k dead rows, 102 % of its threshold, last VACUUM"),
        "{:?}",
        watched.sentences(&RULE)
    );
    let finding = alerts(&watched, &RULE).remove(0).finding;
    assert_eq!(
        finding.details[0],
        "a worker is free and passes it over: somebody holds a lock on it"
    );
    assert!(
        finding.remedies[0]
            .text
            .starts_with("VACUUM (ANALYZE) public.\"Orders\";")
    );
    let done = Table {
        vacuums: (0, 1),
        ..table()
    };
    watch(&mut watched, 15, |_| vec![done.clone()]);
    assert!(watched.raised(&RULE).is_empty());
}

#[test]
fn even_growth_tells_of_the_time_before_and_only_warns() {
    let mut watched = Watched::new();
    // Four thresholds in 20 hours: over the first for 15 of them.
    filling(&mut watched, (800_200, 100), 20.0, 300);
    assert!(watched.raised(&RULE).is_empty(), "autovacuum may come yet");
    let blind = |watched: &Watched| {
        watched
            .engine
            .unchecked(&watched.known)
            .any(|unchecked| unchecked.rule.id == RULE.id)
    };
    assert!(blind(&watched));
    filling(&mut watched, (803_000, 100), 20.1, 60);
    assert_eq!(watched.raised(&RULE), [("16400".to_owned(), Severity::Warning)]);
    assert!(!blind(&watched));
    let detail = alerts(&watched, &RULE)[0].finding.details[1].clone();
    assert!(
        detail.ends_with("; over it for ≈15h06m if it filled up evenly"),
        "{detail}"
    );
}

#[test]
fn what_does_not_rise_waits_for_nothing() {
    let mut watched = Watched::new();
    filling(&mut watched, (800_000, 0), 100.0, 13 * HOUR);
    assert!(alerts(&watched, &RULE).is_empty());
}

#[test]
fn who_crossed_the_threshold_just_now_is_not_starved_however_old_its_last_vacuum() {
    let mut watched = Watched::new();
    filling(&mut watched, (199_000, 100), 2000.0, 1200);
    assert!(watched.raised(&RULE).is_empty(), "{:?}", watched.sentences(&RULE));
}

#[test]
fn a_vacuum_at_work_or_a_wish_is_no_starvation() {
    let mut watched = Watched::new();
    let disabled = |second| Table {
        enabled: false,
        ..filled(second, (800_200, 100), 200.0)
    };
    watch(&mut watched, 360, |second| vec![disabled(second)]);
    assert_eq!(watched.raised(&RULE), [("16400".to_owned(), Severity::Notice)]);

    let mut watched = Watched::new();
    let vacuum = Progress {
        pid: 812,
        command: Some("VACUUM".to_owned()),
        relid: Some(16_400),
        name: Some(("public".to_owned(), "Orders".to_owned())),
        ..Progress::default()
    };
    for step in 0..40 {
        watched.answer::<ProgressProbe>(vec![vacuum.clone()]);
        filling(&mut watched, (800_200 + 100 * step, 100), 200.0, 15);
    }
    assert!(watched.raised(&RULE).is_empty());
}

#[test]
fn autovacuum_that_is_off_is_named() {
    let mut watched = Watched::new();
    filling(&mut watched, (800_200, 100), 200.0, 360);
    let off = Setting {
        active: false,
        ..setting()
    };
    count(&mut watched, vec![filled(400.0, (800_200, 100), 200.0)], off);
    let finding = alerts(&watched, &RULE).remove(0).finding;
    assert_eq!(finding.details[0], "autovacuum is off for the whole server");
    assert!(
        finding.remedies[1]
            .text
            .starts_with("ALTER SYSTEM SET autovacuum = on;")
    );
}
