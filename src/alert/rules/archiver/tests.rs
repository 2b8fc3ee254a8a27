use rstest::rstest;

use super::*;
use crate::alert::testing::{BEGIN, Watched};
use crate::model::concern::Severity;

fn archiver(second: u32, archived: f64, failed: Option<f64>) -> Archiver {
    Archiver {
        epoch: BEGIN + f64::from(second),
        mode: "on".to_owned(),
        has_command: true,
        archived_age_s: Some(archived),
        last_archived_wal: Some("000000010000000000000003".to_owned()),
        failed_age_s: failed,
        last_failed_wal: failed.map(|_| "000000010000000000000004".to_owned()),
        failed_count: 9,
        segment_bytes: 16 << 20,
        wal_position: Some(4 << 24),
        may_list: true,
        ..Archiver::default()
    }
}

/// A sample every 15 seconds; the oldest file waits that long, and none if nothing waits.
fn watch(watched: &mut Watched, seconds: std::ops::Range<u32>, sample: impl Fn(f64) -> (Archiver, Option<f64>)) {
    for second in seconds.clone().step_by(15) {
        watched.pass(15.0);
        watched.pulse(|_| ());
        let (archiver, oldest) = sample(f64::from(second - seconds.start));
        let epoch = archiver.epoch;
        watched.answer::<ArchiverProbe>(archiver);
        watched.answer::<ArchiveBacklogProbe>(ArchiveBacklog {
            epoch,
            waiting: oldest.map_or(0, |_| 12),
            oldest_s: oldest,
            ..ArchiveBacklog::default()
        });
    }
}

#[test]
fn failing_is_raised_worsens_and_clears() {
    let mut watched = Watched::new();
    let fails = |passed| (archiver(0, 7200.0 + passed, Some(3.0)), Some(passed));
    watch(&mut watched, 0..60, fails);
    assert!(
        watched.raised(&RULE).is_empty(),
        "the file waits for less than a minute"
    );
    watch(&mut watched, 0..120, fails);
    assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Warning)]);
    let said = watched.sentences(&RULE).remove(0);
    assert_eq!(said, "archiving has failed for 1m45s: 12 files wait (192 MiB)");
    watch(&mut watched, 0..700, fails);
    assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Critical)]);
    watch(&mut watched, 0..30, |_| (archiver(0, 1.0, Some(9.0)), None));
    assert!(watched.raised(&RULE).is_empty());
}

/// Files of an hour ago wait, and one after the other goes: somebody has mended it.
#[test]
fn working_down_a_backlog_and_a_single_failure_are_calm() {
    let mut watched = Watched::new();
    watch(&mut watched, 0..300, |passed| {
        (archiver(0, 0.4, None), Some(3600.0 + passed))
    });
    watch(&mut watched, 0..15, |_| (archiver(0, 4.0, Some(0.5)), Some(1.0)));
    watch(&mut watched, 0..3000, |passed| (archiver(0, passed, None), None));
    assert!(watched.events.is_empty(), "{:?}", watched.events);
}

#[rstest]
#[case::off(Archiver { mode: "off".to_owned(), ..archiver(0, 9999.0, Some(1.0)) })]
#[case::on_a_standby(Archiver { in_recovery: true, ..archiver(0, 9999.0, Some(1.0)) })]
fn what_does_not_archive_does_not_fail(#[case] archiver: Archiver) {
    let mut watched = Watched::new();
    for _ in 0..10 {
        watched.pass(15.0);
        watched.pulse(|_| ());
        watched.known.skip(ArchiveBacklogProbe::SPEC.id, "archive_mode is off");
        watched.answer::<ArchiverProbe>(archiver.clone());
    }
    assert!(watched.events.is_empty());
}

#[rstest]
#[case::hangs(archiver(0, 90.0, None), Some(80.0), Some(80.0))]
#[case::no_command(Archiver { has_command: false, ..archiver(0, 90.0, None) }, Some(95.0), Some(90.0))]
#[case::nothing_waits(archiver(0, 9000.0, None), None, None)]
fn for_how_long(#[case] archiver: Archiver, #[case] oldest: Option<f64>, #[case] expected: Option<f64>) {
    let backlog = ArchiveBacklog {
        epoch: archiver.epoch,
        oldest_s: oldest,
        ..ArchiveBacklog::default()
    };
    assert_eq!(stuck(&archiver, &State::of(&archiver), Some(&backlog)), expected);
}

/// Who may not list the files knows of failures, and of others by the position.
#[rstest]
#[case::fails(archiver(0, 90.0, Some(1.0)), Some(90.0))]
#[case::never_worked(Archiver { archived_age_s: None, reset: Some(BEGIN - 500.0), ..archiver(0, 0.0, Some(1.0)) }, Some(500.0))]
#[case::works(archiver(0, 90.0, None), None)]
#[case::files_are_finished(Archiver { wal_position: Some(9 << 24), ..archiver(0, 90.0, None) }, Some(90.0))]
fn by_a_role_that_may_not_list(#[case] archiver: Archiver, #[case] expected: Option<f64>) {
    assert_eq!(stuck(&archiver, &State::of(&archiver), None), expected);
}
