use super::*;
use crate::alert::testing::{BEGIN, Watched};
use crate::probe::replication::Sender;
use crate::probe::slots::Slot;
use crate::probe::wal_settings::WalSettings;

fn sender(name: &str) -> Sender {
    Sender {
        epoch: BEGIN,
        pid: 950,
        start: 1,
        application_name: Some(name.to_owned()),
        client: Some("10.0.9.1".to_owned()),
        state: Some("streaming".to_owned()),
        sync_state: Some("sync".to_owned()),
        replay_bytes: Some(0),
        ..Sender::default()
    }
}

fn slot(name: &str) -> Slot {
    Slot {
        slot_name: name.to_owned(),
        slot_type: "physical".to_owned(),
        kept_bytes: Some(16 << 20),
        ..Slot::default()
    }
}

fn watch(watched: &mut Watched, seconds: u32, senders: &[Sender], slots: &[Slot], names: &str) {
    for _ in 0..seconds / 2 {
        watched.pass(2.0);
        watched.pulse(|_| ());
        watched.answer::<ReplicationProbe>(senders.to_vec());
        watched.answer::<SlotsProbe>(slots.to_vec());
        watched.answer::<WalSettingsProbe>(WalSettings {
            synchronous_standby_names: names.to_owned(),
            ..WalSettings::default()
        });
    }
}

#[test]
fn one_that_was_there_is_missed_after_half_a_minute() {
    let mut watched = Watched::new();
    watch(&mut watched, 60, &[sender("dr1")], &[], "");
    watch(&mut watched, 28, &[], &[], "");
    assert!(watched.raised(&RULE).is_empty(), "it may be restarted");
    watch(&mut watched, 12, &[], &[], "");
    assert_eq!(watched.raised(&RULE), [("name dr1".to_owned(), Severity::Warning)]);
    assert!(watched.sentences(&RULE)[0].starts_with("standby dr1 (10.0.9.1) has been gone for 3"));
    watch(&mut watched, 300, &[], &[], "");
    assert_eq!(watched.raised(&RULE)[0].1, Severity::Critical);
    watch(&mut watched, 4, &[sender("dr1")], &[], "");
    assert!(watched.raised(&RULE).is_empty());
}

#[test]
fn two_that_were_given_no_name_are_two() {
    let nameless = |pid: i32, client: &str| Sender {
        pid,
        client: Some(client.to_owned()),
        ..sender("walreceiver")
    };
    let mut watched = Watched::new();
    let both = [nameless(950, "10.0.9.1"), nameless(951, "10.0.9.2")];
    watch(&mut watched, 60, &both, &[], "");
    watch(&mut watched, 40, &[], &[], "");
    assert_eq!(watched.raised(&RULE).len(), 2, "{:?}", watched.sentences(&RULE));
    watch(&mut watched, 4, &both[..1], &[], "");
    let left = watched.sentences(&RULE);
    assert!(left.len() == 1 && left[0].contains("10.0.9.2"), "{left:?}");
}

#[test]
fn what_the_setting_counts_on_is_missed_without_having_been_seen() {
    let mut watched = Watched::new();
    let names = "ANY 1 (dr1, dr2)";
    watch(&mut watched, 20, &[sender("dr1")], &[slot("dr2")], names);
    assert_eq!(watched.raised(&RULE), [("slot dr2".to_owned(), Severity::Warning)]);
    assert_eq!(watched.sentences(&RULE), ["synchronous standby dr2 is not connected"]);
    // The last one goes, too: nobody confirms a commit any more.
    watch(&mut watched, 20, &[], &[slot("dr2")], names);
    let keys = watched.raised(&RULE);
    assert!(keys.contains(&("quorum".to_owned(), Severity::Critical)), "{keys:?}");
    assert!(
        watched
            .sentences(&RULE)
            .contains(&"0 of 1 synchronous standbys are connected: commits wait".to_owned())
    );
    // All of it is one story.
    let stories = crate::alert::story::stories(&watched.engine);
    assert_eq!(stories.len(), 1, "{stories:#?}");
}

#[test]
fn a_slot_nobody_used_in_this_session_is_a_notice() {
    let mut watched = Watched::new();
    watch(&mut watched, 600, &[], &[slot("old")], "");
    assert_eq!(watched.raised(&RULE), [("slot old".to_owned(), Severity::Notice)]);
}

#[test]
fn everybody_there_or_a_base_backup_that_ends_is_calm() {
    let mut watched = Watched::new();
    let backup = Sender {
        replay_bytes: None,
        state: Some("backup".to_owned()),
        ..sender("pg_basebackup")
    };
    watch(&mut watched, 60, &[sender("dr1"), backup], &[], "dr1");
    watch(&mut watched, 600, &[sender("dr1")], &[], "dr1");
    assert!(watched.events.is_empty(), "{:?}", watched.events);
}

#[test]
fn on_a_standby_nothing_is_synchronous() {
    let mut watched = Watched::new();
    for _ in 0..30 {
        watched.pass(2.0);
        watched.pulse(|pulse| pulse.in_recovery = true);
        watched.answer::<ReplicationProbe>(Vec::new());
        watched.answer::<SlotsProbe>(Vec::new());
        watched.answer::<WalSettingsProbe>(WalSettings {
            synchronous_standby_names: "dr1".to_owned(),
            ..WalSettings::default()
        });
    }
    assert!(watched.events.is_empty());
}
