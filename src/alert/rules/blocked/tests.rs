use std::sync::Arc;

use rstest::rstest;

use super::*;
use crate::alert::rules::scenes::{activity, answers, chain, locks, reads, session, waiter};
use crate::alert::testing::Watched;
use crate::model::concern::Severity;
use crate::pg::fault::{Fault, FaultKind};
use crate::probe::locks::{Held, Sample, Session};
use crate::probe::prepared::Prepared;

fn only(watched: &Watched) -> &Finding {
    let mut alerts = watched.engine.alerts().filter(|alert| alert.rule.id == RULE.id);
    let alert = alerts.next().expect("an alert");
    assert!(alerts.next().is_none(), "one");
    &alert.finding
}

fn of(sample: Sample) -> Finding {
    let mut watched = Watched::new();
    answers(&mut watched, sample);
    only(&watched).clone()
}

#[test]
fn the_chain_is_one_finding_with_its_evidence() {
    let finding = of(chain(40, 1860.0, 252.0));
    assert_eq!(
        finding.sentence,
        "41 sessions wait behind pid 700 (shop), idle in transaction"
    );
    assert_eq!(
        finding.details,
        [
            "pid 812 (shop) waits for AccessExclusive on public.orders, 40 readers queue behind that",
            "its transaction is open for 31m, it holds AccessShare on public.orders",
        ]
    );
    assert_eq!(finding.victims, 41);
    let remedies: Vec<_> = finding
        .remedies
        .iter()
        .map(|remedy| remedy.text.split_once(';').unwrap().0)
        .collect();
    assert_eq!(
        remedies,
        ["SELECT pg_terminate_backend(700)", "SELECT pg_cancel_backend(812)"],
        "nothing runs in 700 that could be cancelled"
    );
    let since = finding.since.unwrap() - (crate::alert::testing::BEGIN + 2.0);
    assert!((since + 252.0).abs() < 0.1, "{since}");
}

#[rstest]
#[case(29.0, None)]
#[case(30.0, Some(Severity::Warning))]
#[case(119.0, Some(Severity::Warning))]
#[case(120.0, Some(Severity::Critical))]
fn by_the_longest_wait(#[case] wait: f64, #[case] expected: Option<Severity>) {
    let mut watched = Watched::new();
    answers(&mut watched, chain(3, 600.0, wait));
    let raised = watched.raised(&RULE).pop().map(|(_, severity)| severity);
    assert_eq!(raised, expected);
}

#[test]
fn it_is_over_when_nobody_waits_and_the_probe_is_not_asked_any_more() {
    let mut watched = Watched::new();
    answers(&mut watched, chain(3, 600.0, 60.0));
    assert_eq!(watched.raised(&RULE).len(), 1);
    watched.pass(2.0);
    watched.pulse(|_| ());
    watched.answer::<Activity>(vec![]);
    watched.known.skip(Locks::SPEC.id, "nobody waits");
    let events = watched.engine.observe(&watched.known, Locks::SPEC.id);
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(watched.raised(&RULE).is_empty());
}

#[test]
fn it_is_over_when_nobody_waits_though_the_last_look_at_the_locks_failed() {
    let mut watched = Watched::new();
    answers(&mut watched, chain(3, 600.0, 60.0));
    watched.pass(2.0);
    let ran = crate::probe::Ran {
        started: watched.known.now,
        fault: Some(Fault::new(FaultKind::Timeout, "canceled after 1 s")),
        ..crate::probe::Ran::of(&Locks::SPEC, &watched.known.server.clone().unwrap())
    };
    watched.known.take(&Arc::new(crate::probe::Sample { ran, data: None }));
    watched.pulse(|_| ());
    watched.answer::<Activity>(vec![]);
    assert_eq!(watched.raised(&RULE).len(), 1, "not known");
    watched.known.skip(Locks::SPEC.id, "nobody waits");
    watched.engine.observe(&watched.known, Locks::SPEC.id);
    assert!(watched.raised(&RULE).is_empty());
}

/// Before 14 the server does not say when a wait began: a report of an hour that has only just come to wait for the
/// lock of a commit is no alert, and one that really waits is, from when it was seen first.
#[test]
fn without_waitstart_it_counts_from_the_first_sight() {
    let mut watched = Watched::new();
    let second = |nth: f64, blocker: i32| {
        locks(
            vec![
                session(blocker, "active", 0.1),
                waiter(812, "AccessExclusive", &[blocker], 3600.0 + nth, None),
            ],
            vec![reads(blocker)],
        )
    };
    for nth in 0..15 {
        answers(&mut watched, second(2.0 * f64::from(nth), 700));
        assert!(watched.raised(&RULE).is_empty(), "{nth}");
    }
    answers(&mut watched, second(30.0, 700));
    assert_eq!(watched.raised(&RULE).len(), 1, "30 s after the first sight");
    let since = only(&watched).since.unwrap() - (crate::alert::testing::BEGIN + 2.0);
    assert!(since.abs() < 0.1, "since it was seen first: {since}");
}

#[test]
fn without_waitstart_many_short_waits_are_none() {
    let mut watched = Watched::new();
    for _ in 0..100 {
        // The same lock in every sample, but each time in a statement that is young.
        let convoy = waiter(812, "Exclusive", &[700], 0.3, None);
        answers(&mut watched, locks(vec![session(700, "active", 0.1), convoy], vec![]));
        assert_eq!(watched.engine.alerts().count(), 0);
    }
    for nth in 0..100 {
        // Loading takes an hour; the lock to extend the table is taken and let go all the time.
        let mut load = waiter(812, "Exclusive", &[700], 100.0 + 2.0 * f64::from(nth), None);
        if let Some(wait) = &mut load.wait {
            wait.tag.locktype = "extend".to_owned();
        }
        answers(&mut watched, locks(vec![session(700, "active", 900.0), load], vec![]));
        assert!(watched.raised(&RULE).is_empty());
    }
}

fn root(change: impl FnOnce(&mut Session)) -> Finding {
    let mut holder = session(700, "active", 90.0);
    change(&mut holder);
    let waits = waiter(812, "AccessExclusive", &[700], 60.0, Some(60.0));
    of(locks(vec![holder, waits], vec![reads(700)]))
}

#[test]
fn an_autovacuum_that_gives_way_and_one_that_does_not() {
    let autovacuum = |query: &str| {
        root(|holder| {
            holder.backend_type = Some("autovacuum worker".to_owned());
            holder.usename = None;
            holder.application_name = Some(String::new());
            holder.query = Some(query.to_owned());
        })
    };
    let mild = autovacuum("autovacuum: VACUUM public.orders");
    assert_eq!(mild.sentence, "1 session waits behind autovacuum (pid 700), active");
    assert_eq!(mild.details[1], "autovacuum gives way after deadlock_timeout");
    let firm = autovacuum("autovacuum: VACUUM public.orders (to prevent wraparound)");
    assert_eq!(
        firm.sentence,
        "1 session waits behind autovacuum (pid 700) against wraparound"
    );
    assert!(
        firm.details[1].contains("cancelled, it comes back"),
        "{:?}",
        firm.details
    );
}

#[test]
fn against_wraparound_the_one_who_makes_others_wait_goes_first() {
    let mut sample = chain(5, 60.0, 60.0);
    sample.sessions[0] = Session {
        backend_type: Some("autovacuum worker".to_owned()),
        query: Some("autovacuum: VACUUM public.orders (to prevent wraparound)".to_owned()),
        ..session(700, "active", 60.0)
    };
    let finding = of(sample);
    assert!(finding.remedies[0].text.starts_with("SELECT pg_cancel_backend(812);"));
    assert_eq!(finding.remedies[0].what, "free 5 sessions behind pid 812");
}

#[test]
fn a_prepared_transaction_is_rolled_back() {
    let held = Held {
        pid: 0,
        virtualtransaction: "-1/77".to_owned(),
        ..reads(0)
    };
    let waits = waiter(812, "AccessExclusive", &[0], 60.0, Some(60.0));
    let mut watched = Watched::new();
    watched.answer::<PreparedXacts>(vec![Prepared {
        gid: "it's".to_owned(),
        owner: "app".to_owned(),
        database: "shop".to_owned(),
        age_s: Some(7200.0),
        virtualtransaction: "-1/77".to_owned(),
        ..Prepared::default()
    }]);
    answers(&mut watched, locks(vec![waits], vec![held]));
    let finding = only(&watched);
    assert_eq!(finding.sentence, "1 session waits behind prepared transaction it's");
    assert!(
        finding.details[1].starts_with("prepared 2h00m ago"),
        "{:?}",
        finding.details
    );
    assert!(
        finding.remedies[0]
            .text
            .starts_with("ROLLBACK PREPARED 'it''s'; -- run in database shop, as app")
    );
    assert_eq!(finding.about, [Thing::Prepared("it's".to_owned())]);
}

#[test]
fn replay_that_waits_and_replay_that_is_waited_for() {
    let startup = |mut session: Session| {
        session.backend_type = Some("startup".to_owned());
        session.state = None;
        session.usename = None;
        session.application_name = Some(String::new());
        session
    };
    let waits = startup(waiter(5, "AccessExclusive", &[], 60.0, Some(60.0)));
    let behind = of(locks(
        vec![session(700, "idle in transaction", 90.0), waits],
        vec![reads(700)],
    ));
    assert_eq!(
        behind.sentence,
        "replay waits behind pid 700 (shop), idle in transaction"
    );
    let held = Held {
        mode: "AccessExclusiveLock".to_owned(),
        against: vec!["AccessShareLock".to_owned()],
        ..reads(5)
    };
    let reader = waiter(812, "AccessShare", &[5], 60.0, Some(60.0));
    let holds = of(locks(vec![startup(session(5, "", 60.0)), reader], vec![held]));
    assert_eq!(holds.sentence, "1 session waits behind replay (pid 5)");
    assert!(holds.details[1].starts_with("replay holds what a transaction of the primary holds"));
    assert!(holds.remedies.is_empty(), "nobody can end the startup process");
}

#[test]
fn a_deadlock_is_named_as_such() {
    let finding = of(locks(
        vec![
            waiter(1, "Exclusive", &[2], 60.0, Some(60.0)),
            waiter(2, "Exclusive", &[1], 50.0, Some(50.0)),
            waiter(3, "Exclusive", &[1], 40.0, Some(40.0)),
        ],
        vec![],
    ));
    assert_eq!(
        finding.sentence,
        "2 sessions wait for each other, a deadlock, 1 waits behind them"
    );
    assert!(finding.details[0].ends_with("after deadlock_timeout one of them is ended"));
    assert_eq!(finding.about.len(), 2);
}

#[test]
fn two_holders_of_the_same_are_both_named() {
    let finding = of(locks(
        vec![
            session(700, "idle in transaction", 90.0),
            session(701, "idle in transaction", 80.0),
            waiter(812, "AccessExclusive", &[700, 701], 60.0, Some(60.0)),
        ],
        vec![reads(700), reads(701)],
    ));
    assert_eq!(
        finding.sentence,
        "1 session waits behind pid 700 (shop), idle in transaction"
    );
    assert!(
        finding
            .details
            .iter()
            .any(|line| line == "pid 701 (shop) is in the way as well: both have to end"),
        "{:?}",
        finding.details
    );
}

#[test]
fn a_commit_that_waits_for_a_standby_is_that_story() {
    let finding = root(|holder| {
        holder.wait_event_type = Some("IPC".to_owned());
        holder.wait_event = Some("SyncRep".to_owned());
    });
    assert!(
        finding.sentence.ends_with(", whose commit waits for a standby"),
        "{}",
        finding.sentence
    );
    assert!(finding.about.contains(&Thing::Setting(SYNC.to_owned())));
}

#[test]
fn a_hidden_root_is_called_by_its_pid_and_role() {
    let finding = root(|holder| {
        *holder = Session {
            pid: 700,
            usename: Some("app".to_owned()),
            hidden: true,
            ..Session::default()
        };
    });
    assert_eq!(finding.sentence, "1 session waits behind pid 700 (app)");
}

#[test]
fn several_roots_are_several_alerts() {
    let mut sample = chain(3, 600.0, 200.0);
    let mut other = waiter(51, "Share", &[50], 40.0, Some(40.0));
    if let Some(wait) = &mut other.wait {
        wait.tag.relation = Some(7);
    }
    sample.sessions.extend([session(50, "active", 50.0), other]);
    let mut watched = Watched::new();
    answers(&mut watched, sample);
    assert_eq!(
        watched.raised(&RULE),
        [
            ("50:500".to_owned(), Severity::Warning),
            ("700:7000".to_owned(), Severity::Critical)
        ]
    );
    assert_eq!(crate::alert::story::stories(&watched.engine).len(), 2);
}

#[test]
fn a_name_of_a_stranger_does_not_fill_the_line() {
    let finding = root(|holder| holder.application_name = Some("x".repeat(200)));
    assert!(finding.sentence.chars().count() <= 72, "{}", finding.sentence);
}

#[test]
fn nothing_is_known_of_waits_while_the_lock_table_cannot_be_read() {
    let mut watched = Watched::new();
    answers(&mut watched, chain(3, 600.0, 60.0));
    watched.pass(60.0);
    watched.pulse(|_| ());
    watched.answer::<Activity>(activity(&chain(3, 660.0, 120.0)));
    assert_eq!(watched.raised(&RULE).len(), 1, "neither over nor worse");
    let alert = watched.engine.alerts().find(|alert| alert.rule.id == RULE.id);
    assert!(alert.unwrap().unknown_since(&watched.known).is_some());
}
