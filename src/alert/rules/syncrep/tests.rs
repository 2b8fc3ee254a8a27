use rstest::rstest;

use super::*;
use crate::alert::rules::scenes::{backend, hidden};
use crate::alert::testing::Watched;
use crate::model::concern::Severity;
use crate::pg::server::Server;
use crate::probe::wal_settings::WalSettings;

/// A commit that waits, of a statement of that age.
fn commit(pid: i32, seconds: f64) -> Backend {
    Backend {
        wait_event_type: Some("IPC".to_owned()),
        wait_event: Some("SyncRep".to_owned()),
        ..backend(pid, "active", seconds)
    }
}

fn settings(names: &str) -> WalSettings {
    WalSettings {
        synchronous_standby_names: names.to_owned(),
        ..WalSettings::default()
    }
}

fn standby(name: &str) -> Sender {
    Sender {
        application_name: Some(name.to_owned()),
        state: Some("streaming".to_owned()),
        flush_bytes: Some(16 << 20),
        ..Sender::default()
    }
}

/// Seconds of commits that hang, seen every two seconds.
fn hangs(watched: &mut Watched, seconds: u32) {
    for nth in 0..=seconds / 2 {
        let age = f64::from(nth) * 2.0 + 0.1;
        watched.answer::<Activity>(vec![commit(1, age), commit(2, age)]);
        watched.pass(2.0);
        watched.pulse(|_| ());
    }
}

fn with(names: &str, senders: &[&str]) -> Finding {
    let mut watched = Watched::new();
    watched.answer::<WalSettingsProbe>(settings(names));
    watched.answer::<ReplicationProbe>(senders.iter().map(|name| standby(name)).collect());
    hangs(&mut watched, 4);
    watched.answer::<ReplicationProbe>(senders.iter().map(|name| standby(name)).collect());
    watched.answer::<Activity>(vec![commit(1, 8.0), commit(2, 8.0)]);
    watched.engine.alerts().next().expect("an alert").finding.clone()
}

#[test]
fn it_is_raised_and_over() {
    let mut watched = Watched::new();
    hangs(&mut watched, 4);
    assert!(watched.raised(&RULE).is_empty(), "4 s are a slow disk");
    let mut watched = Watched::new();
    hangs(&mut watched, 6);
    assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Warning)]);
    let mut watched = Watched::new();
    hangs(&mut watched, 30);
    assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Critical)]);
    watched.answer::<Activity>(vec![backend(1, "idle", 0.0)]);
    assert!(watched.raised(&RULE).is_empty());
}

/// Every commit of a healthy synchronous primary is seen in the wait, in every sample, by the same sessions.
#[test]
fn a_busy_synchronous_primary_is_healthy() {
    let mut watched = Watched::new();
    for _ in 0..200 {
        watched.answer::<Activity>((1..50).map(|pid| commit(pid, 0.002)).collect());
        watched.pass(2.0);
        watched.pulse(|_| ());
    }
    assert_eq!(watched.engine.alerts().count(), 0);
}

/// A load of an hour, in one statement, that has only just come to commit; a procedure that commits a thousand times.
#[rstest]
#[case::load(3600.0, 3600.0)]
#[case::procedure(3600.0, 0.01)]
fn a_long_statement_that_commits_is_none(#[case] query_s: f64, #[case] xact_s: f64) {
    let mut watched = Watched::new();
    let one = Backend {
        xact_s: Some(xact_s),
        ..commit(1, query_s)
    };
    watched.answer::<Activity>(vec![one.clone()]);
    assert!(watched.raised(&RULE).is_empty());
    if xact_s < 1.0 {
        for _ in 0..100 {
            watched.pass(2.0);
            watched.answer::<Activity>(vec![one.clone()]);
            assert!(watched.raised(&RULE).is_empty());
        }
    }
}

#[rstest]
#[case("dr1", &[], "2 commits hang for standby dr1, which is not connected")]
#[case("FIRST 2 (dr1, dr2)", &["dr1"], "2 commits hang for standby dr2, which is not connected")]
#[case("ANY 2 (a, b, c)", &["a"], "2 commits hang for standbys: b and 1 more are not connected")]
#[case("*", &[], "2 commits hang for a standby, and none is connected")]
#[case("dr1", &["dr1"], "2 commits hang for standby dr1, connected, 16 MiB behind")]
fn who_is_waited_for(#[case] names: &str, #[case] senders: &[&str], #[case] expected: &str) {
    assert_eq!(with(names, senders).sentence, expected);
}

#[test]
fn what_helps_says_what_it_gives_up() {
    let gone = with("dr1", &[]);
    let texts: Vec<&str> = gone.remedies.iter().map(|remedy| remedy.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "ALTER SYSTEM SET synchronous_standby_names = ''; SELECT pg_reload_conf(); -- gives up that commits are on a \
          standby: if this server is lost now, they are lost"
        ]
    );
    let one_left = with("ANY 2 (a, \"B 'x\", c)", &["B 'x"]);
    assert!(
        one_left.remedies[0].text.starts_with(
            "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (\"B ''x\")'; SELECT pg_reload_conf(); -- "
        ),
        "{:?}",
        one_left.remedies
    );
    assert_eq!(one_left.remedies.len(), 2);
    assert_eq!(
        one_left.details[0],
        "synchronous_standby_names = 'ANY 2 (a, \"B 'x\", c)': 1 of 2 needed there"
    );
}

#[test]
fn without_the_setting_it_is_told_all_the_same() {
    let mut watched = Watched::new();
    hangs(&mut watched, 10);
    let finding = &watched.engine.alerts().next().unwrap().finding;
    assert_eq!(finding.sentence, "2 commits hang for a standby");
}

#[test]
fn a_role_that_does_not_see_waits_says_so() {
    let mut watched = Watched::new();
    watched.known.server = Some(std::sync::Arc::new(Server {
        role: "app".to_owned(),
        ..Server::default()
    }));
    watched.answer::<Activity>(vec![hidden(1)]);
    let blind = watched
        .engine
        .unchecked(&watched.known)
        .find(|one| one.rule.id == RULE.id);
    assert_eq!(blind.unwrap().blind.why, "waits of other roles are hidden");
}
