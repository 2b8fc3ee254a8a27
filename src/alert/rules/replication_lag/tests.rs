use super::*;
use crate::alert::testing::{BEGIN, Watched};

const GIB: i64 = 1 << 30;

fn sender(second: u32, position: i64, bytes: i64, replay_s: f64) -> Sender {
    Sender {
        epoch: BEGIN + f64::from(second),
        pid: 950,
        start: 1,
        application_name: Some("dr1".to_owned()),
        state: Some("streaming".to_owned()),
        replay_position: Some(position),
        replay_bytes: Some(bytes),
        replay_s: Some(replay_s),
        reply_us: Some(i64::from(second)),
        slot_name: Some("dr1".to_owned()),
        slot_type: Some("physical".to_owned()),
        ..Sender::default()
    }
}

/// A sample every two seconds from there to there; `behind` gives position and bytes left.
fn watch(watched: &mut Watched, seconds: std::ops::Range<u32>, sample: impl Fn(u32) -> Sender) {
    for second in seconds.step_by(2) {
        watched.pass(2.0);
        watched.pulse(|_| ());
        watched.known.skip(RecoveryProbe::SPEC.id, "a primary");
        watched.answer::<ReplicationProbe>(vec![sample(second + 2)]);
    }
}

#[test]
fn replay_that_stands_still_is_raised_worsens_and_clears() {
    let mut watched = Watched::new();
    watch(&mut watched, 0..30, |second| sender(second, 10, 5000, 0.001));
    assert!(watched.raised(&RULE).is_empty(), "less than 30 seconds");
    watch(&mut watched, 30..60, |second| sender(second, 10, 5000, 0.001));
    assert_eq!(watched.raised(&RULE), [("slot dr1".to_owned(), Severity::Warning)]);
    let said = watched.sentences(&RULE).remove(0);
    assert!(said.starts_with("standby dr1 has not replayed for "), "{said}");
    watch(&mut watched, 60..340, |second| sender(second, 10, 5000, 0.001));
    assert_eq!(watched.raised(&RULE)[0].1, Severity::Critical);
    watch(&mut watched, 340..360, |second| {
        sender(second, i64::from(second) * 99, 0, 300.0)
    });
    assert!(watched.raised(&RULE).is_empty());
    assert_eq!(watched.events.len(), 3, "{:?}", watched.events);
}

#[test]
fn bytes_alone_are_enough() {
    let mut watched = Watched::new();
    let moves = |bytes: i64| move |second: u32| sender(second, i64::from(second), bytes, 0.2);
    watch(&mut watched, 0..10, moves(2 * GIB));
    assert_eq!(watched.raised(&RULE)[0].1, Severity::Warning);
    assert_eq!(watched.sentences(&RULE), ["standby dr1 is 2.0 GiB behind"]);
    watch(&mut watched, 10..20, moves(10 * GIB));
    assert_eq!(watched.raised(&RULE)[0].1, Severity::Critical);
}

/// After a burst an idle primary's standbys keep the last time they measured, and a record now and then is soon replayed.
#[test]
fn an_idle_primary_is_no_lag() {
    let mut watched = Watched::new();
    watch(&mut watched, 0..600, |second| {
        let record = i64::from(second % 14 == 0);
        sender(second, i64::from(second / 14), record * 120, 412.0)
    });
    assert!(watched.events.is_empty(), "{:?}", watched.events);
}

#[test]
fn who_replays_nothing_is_no_standby() {
    let mut watched = Watched::new();
    let backup = |second| Sender {
        replay_bytes: None,
        replay_position: None,
        state: Some("backup".to_owned()),
        sent_bytes: Some(90 * GIB),
        ..sender(second, 0, 0, 0.0)
    };
    watch(&mut watched, 0..600, backup);
    assert!(watched.events.is_empty());
}

#[test]
fn noise_around_the_limit_does_not_flap() {
    let mut watched = Watched::new();
    watch(&mut watched, 0..600, |second| {
        let noise = if second % 4 == 0 { 29.0 } else { 31.0 };
        sender(second, i64::from(second), 5000, noise)
    });
    assert_eq!(watched.events.len(), 1, "{:?}", watched.events);
}

#[test]
fn a_role_that_sees_nothing_is_told_so() {
    let mut watched = Watched::new();
    watch(&mut watched, 0..10, |second| Sender {
        state: None,
        replay_bytes: None,
        hidden: true,
        ..sender(second, 0, 0, 0.0)
    });
    let unchecked: Vec<_> = watched.engine.unchecked(&watched.known).collect();
    let this = unchecked.iter().find(|unchecked| unchecked.rule == &RULE).unwrap();
    assert_eq!(
        this.blind.why,
        "state and position of 1 standby are hidden from this role"
    );
    assert_eq!(this.blind.remedy.as_deref(), Some("GRANT pg_monitor TO monitor;"));
}

fn replaying(watched: &mut Watched, seconds: std::ops::Range<u32>, recovery: &Recovery) {
    for second in seconds.step_by(2) {
        watched.pass(2.0);
        watched.pulse(|pulse| pulse.in_recovery = true);
        watched.answer::<ReplicationProbe>(Vec::new());
        watched.answer::<RecoveryProbe>(Recovery {
            epoch: BEGIN + f64::from(second + 2),
            in_recovery: true,
            receiver_pid: Some(7),
            replay_position: Some(10),
            ..recovery.clone()
        });
    }
}

#[test]
fn a_delay_on_purpose_does_not_count() {
    let delayed = Recovery {
        replay_bytes: Some(40 * GIB),
        min_apply_delay_s: 120.0,
        ..Recovery::default()
    };
    let mut watched = Watched::new();
    replaying(&mut watched, 0..140, &delayed);
    assert!(watched.raised(&RULE).is_empty());
    replaying(&mut watched, 140..180, &delayed);
    assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Warning)]);
}

#[test]
fn a_pause_is_a_notice_until_something_waits_for_long() {
    let paused = |bytes| Recovery {
        replay_bytes: Some(bytes),
        paused: Some(true),
        ..Recovery::default()
    };
    let mut watched = Watched::new();
    replaying(&mut watched, 0..600, &paused(0));
    assert_eq!(watched.raised(&RULE), [("paused".to_owned(), Severity::Notice)]);
    replaying(&mut watched, 600..640, &paused(5000));
    assert_eq!(watched.raised(&RULE), [("paused".to_owned(), Severity::Warning)]);
    let target = Recovery {
        target: Some("time 2025-11-20".to_owned()),
        ..paused(5000)
    };
    let mut watched = Watched::new();
    for second in (0..600).step_by(2) {
        watched.pass(2.0);
        watched.pulse(|pulse| pulse.in_recovery = true);
        watched.answer::<ReplicationProbe>(Vec::new());
        watched.answer::<RecoveryProbe>(Recovery {
            epoch: BEGIN + f64::from(second + 2),
            in_recovery: true,
            ..target.clone()
        });
    }
    assert_eq!(watched.raised(&RULE)[0].1, Severity::Notice, "it stands at its target");
}
