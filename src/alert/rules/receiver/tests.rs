use rstest::rstest;

use super::*;
use crate::alert::testing::Watched;

fn watch(watched: &mut Watched, seconds: u32, recovery: &Recovery) {
    for _ in 0..seconds / 2 {
        watched.pass(2.0);
        watched.pulse(|pulse| pulse.in_recovery = true);
        watched.answer::<RecoveryProbe>(Recovery {
            in_recovery: true,
            ..recovery.clone()
        });
    }
}

fn streaming() -> Recovery {
    Recovery {
        receiver_pid: Some(7),
        receiver_status: Some("streaming".to_owned()),
        replay_bytes: Some(0),
        ..Recovery::default()
    }
}

#[test]
fn nothing_coming_in_is_raised_worsens_and_clears() {
    let mut watched = Watched::new();
    let away = Recovery {
        receiver_pid: None,
        ..streaming()
    };
    watch(&mut watched, 60, &streaming());
    watch(&mut watched, 30, &away);
    assert!(watched.raised(&RULE).is_empty(), "the primary may be restarted");
    watch(&mut watched, 10, &away);
    assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Warning)]);
    watch(&mut watched, 300, &away);
    assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Critical)]);
    watch(&mut watched, 4, &streaming());
    assert!(watched.raised(&RULE).is_empty());
}

#[rstest]
#[case::streams(streaming(), None)]
#[case::waits(Recovery { receiver_status: Some("waiting".to_owned()), ..streaming() }, Some("the WAL receiver is waiting, not streaming"))]
#[case::archive(Recovery { receiver_pid: None, restores: true, replay_bytes: None, ..streaming() }, None)]
#[case::archive_in_its_place(Recovery { receiver_pid: None, restores: true, ..streaming() }, Some("no WAL receiver any more: only the archive is left"))]
#[case::point_in_time(Recovery { receiver_pid: None, target: Some("time".to_owned()), ..streaming() }, None)]
fn what_is_trouble(#[case] recovery: Recovery, #[case] said: Option<&str>) {
    let found = trouble(&recovery);
    assert_eq!(found.map(|finding| finding.sentence).as_deref(), said);
}

#[test]
fn what_is_hidden_is_not_calm() {
    let mut watched = Watched::new();
    let hidden = Recovery {
        receiver_status: None,
        ..streaming()
    };
    watch(&mut watched, 4, &hidden);
    let mut unchecked = watched.engine.unchecked(&watched.known);
    assert!(unchecked.any(|unchecked| unchecked.rule == &RULE && unchecked.blind.remedy.is_some()));
}
