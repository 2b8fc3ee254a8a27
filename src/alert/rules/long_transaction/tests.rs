use rstest::rstest;

use super::*;
use crate::alert::rules::scenes::{activity, answers, backend, chain, hidden, session, waiter};
use crate::alert::story::stories;
use crate::alert::testing::Watched;
use crate::alert::{Alert, Thing};
use crate::model::concern::Severity;
use crate::pg::server::Server;
use crate::probe::horizon::Holder;
use crate::probe::locks::Sample;

fn seen(backends: &[Backend]) -> Watched {
    let mut watched = Watched::new();
    watched.answer::<HorizonProbe>(vec![]);
    watched.known.skip(Locks::SPEC.id, "nobody waits");
    for _ in 0..3 {
        watched.pass(2.0);
        watched.answer::<Activity>(backends.to_vec());
    }
    watched
}

fn first(watched: &Watched) -> &Finding {
    &watched.engine.alerts().next().expect("an alert").finding
}

#[rstest]
#[case(299.0, None)]
#[case(300.0, Some(Severity::Warning))]
#[case(1799.0, Some(Severity::Warning))]
#[case(1800.0, Some(Severity::Critical))]
fn by_its_age(#[case] age: f64, #[case] expected: Option<Severity>) {
    let watched = seen(&[backend(700, "active", age)]);
    let raised = watched.raised(&RULE).pop().map(|(_, severity)| severity);
    assert_eq!(raised, expected);
}

#[test]
fn idle_in_transaction_is_named_as_such() {
    let watched = seen(&[Backend {
        xact_s: Some(1860.0),
        xmin_age: Some(1_200_000),
        ..backend(700, "idle in transaction", 1800.0)
    }]);
    let finding = first(&watched);
    assert_eq!(
        finding.sentence,
        "pid 700 (shop) idle in transaction for 30m, open for 31m"
    );
    assert_eq!(
        finding.details,
        ["its snapshot is 1.2 M transactions old, VACUUM removes nothing newer"]
    );
    let texts: Vec<&str> = finding.remedies.iter().map(|remedy| remedy.text.as_str()).collect();
    assert!(texts[0].starts_with("SELECT pg_terminate_backend(700); -- app@app, shop, idle in transaction since "));
    assert_eq!(
        texts[1],
        "ALTER ROLE app SET idle_in_transaction_session_timeout = '10min'; -- from its next session on"
    );
    let since = finding.since.unwrap() - crate::alert::testing::BEGIN;
    assert!((since - 6.0 + 1860.0).abs() < 0.1, "{since}");
}

#[test]
fn a_dump_is_a_long_transaction_and_says_that_it_is_a_dump() {
    let watched = seen(&[Backend {
        application_name: Some("pg_dump".to_owned()),
        ..backend(700, "active", 2520.0)
    }]);
    assert_eq!(
        first(&watched).sentence,
        "pid 700 (pg_dump) is in a transaction for 42m"
    );
    assert!(
        first(&watched).remedies[0]
            .text
            .starts_with("SELECT pg_cancel_backend(700);")
    );
}

/// What is long and no client's transaction.
#[rstest]
#[case::walsender("walsender", "active", "START_REPLICATION SLOT x")]
#[case::autovacuum("autovacuum worker", "active", "autovacuum: VACUUM public.t (to prevent wraparound)")]
#[case::worker("parallel worker", "active", "select 1")]
#[case::subscriber("logical replication worker", "", "")]
#[case::nightly_freeze("client backend", "active", "VACUUM (FREEZE, VERBOSE) public.orders;")]
#[case::vacuum("client backend", "active", "  vacuum")]
fn others_are_none(#[case] kind: &str, #[case] state: &str, #[case] query: &str) {
    let mut one = backend(700, "active", 9000.0);
    one.backend_type = Some(kind.to_owned());
    one.state = Some(state.to_owned());
    one.query = Some(query.to_owned());
    assert_eq!(seen(&[one]).engine.alerts().count(), 0);
}

#[test]
fn vacuum_full_and_a_word_that_begins_like_it_are_not_left_out() {
    for query in ["VACUUM FULL orders", "vacuum (full, verbose) orders", "vacuumed()", ""] {
        let one = Backend {
            query: Some(query.to_owned()),
            ..backend(700, "active", 9000.0)
        };
        assert_eq!(seen(&[one]).engine.alerts().count(), 1, "{query}");
    }
    let idle = Backend {
        query: Some("VACUUM".to_owned()),
        ..backend(700, "idle in transaction", 9000.0)
    };
    assert_eq!(
        seen(&[idle]).engine.alerts().count(),
        1,
        "it was that of another connection"
    );
}

#[test]
fn the_oldest_are_told_of_and_the_rest_is_counted() {
    let backends: Vec<Backend> = (1..=50)
        .map(|pid| backend(pid, "active", 400.0 + f64::from(pid)))
        .collect();
    let watched = seen(&backends);
    assert_eq!(watched.raised(&RULE).len(), MOST);
    let stories = stories(&watched.engine);
    assert_eq!(stories.len(), 1, "one line");
    assert_eq!(stories[0].head.finding.key, "50:500", "the oldest");
    assert_eq!(
        stories[0].head.finding.details[0],
        "30 more transactions are older than 5m00s"
    );
}

#[test]
fn who_waits_is_no_cause() {
    let mut watched = Watched::new();
    watched.answer::<HorizonProbe>(vec![]);
    // All of them are in transactions of ten minutes, and have waited for as long.
    for _ in 0..4 {
        answers(&mut watched, chain(40, 600.0, 599.0));
    }
    let keys: Vec<_> = watched.raised(&RULE).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["700:7000"]);
    let finding = watched.engine.alerts().find(|alert| alert.rule.id == RULE.id).unwrap();
    assert_eq!(finding.finding.details[0], "41 sessions wait behind it");
    assert_eq!(finding.finding.victims, 41);
}

/// One that has worked for ten minutes before it came to wait is a long transaction, in the story of its root.
#[test]
fn who_worked_for_long_and_waits_now_is_in_the_story_of_the_root() {
    let mut waits = waiter(812, "AccessExclusive", &[700], 60.0, Some(60.0));
    waits.xact_s = Some(660.0);
    let mut watched = Watched::new();
    watched.answer::<HorizonProbe>(vec![]);
    let sample = Sample {
        waiters: 1,
        sessions: vec![session(700, "active", 70.0), waits],
        held: vec![],
    };
    for _ in 0..4 {
        answers(&mut watched, sample.clone());
    }
    assert_eq!(watched.raised(&RULE), [("812:8120".to_owned(), Severity::Warning)]);
    let told = stories(&watched.engine);
    let keys: Vec<_> = told[0].alerts().map(Alert::id).collect();
    assert_eq!(keys, [("blocked", "700:7000"), ("long_transaction", "812:8120")]);
}

#[test]
fn the_chain_is_one_story_led_by_those_who_wait() {
    let mut watched = Watched::new();
    watched.answer::<HorizonProbe>(vec![]);
    for _ in 0..4 {
        answers(&mut watched, chain(40, 1860.0, 252.0));
    }
    let told = stories(&watched.engine);
    let keys: Vec<_> = told
        .iter()
        .map(|story| story.alerts().map(Alert::id).collect::<Vec<_>>())
        .collect();
    assert_eq!(keys, [[("blocked", "700:7000"), ("long_transaction", "700:7000")]]);
    assert_eq!(told[0].severity(), Some(Severity::Critical));
}

#[test]
fn a_prepared_transaction_is_one_too() {
    let holder = |kind: &str, age_s| Holder {
        kind: kind.to_owned(),
        name: "order-17".to_owned(),
        detail: Some("app".to_owned()),
        database: Some("shop".to_owned()),
        xmin_age: 5000,
        age_s: Some(age_s),
        ..Holder::default()
    };
    let mut watched = seen(&[]);
    for _ in 0..3 {
        watched.pass(2.0);
        watched.answer::<Activity>(vec![]);
        watched.answer::<HorizonProbe>(vec![holder("prepared transaction", 400.0), holder("session", 9000.0)]);
    }
    assert_eq!(
        watched.raised(&RULE),
        [("prepared:order-17".to_owned(), Severity::Warning)]
    );
    let finding = first(&watched);
    assert_eq!(
        finding.sentence,
        "transaction order-17 is prepared for 6m40s and not ended"
    );
    assert!(
        finding.remedies[0]
            .text
            .starts_with("ROLLBACK PREPARED 'order-17'; -- run in database shop, as app")
    );
    assert_eq!(finding.about, [Thing::Prepared("order-17".to_owned())]);
}

#[test]
fn a_role_that_does_not_see_says_so() {
    let mut watched = Watched::new();
    watched.known.server = Some(std::sync::Arc::new(Server {
        role: "app".to_owned(),
        ..Server::default()
    }));
    watched.answer::<HorizonProbe>(vec![]);
    for _ in 0..3 {
        watched.pass(2.0);
        watched.answer::<Activity>(vec![hidden(1), backend(700, "active", 400.0)]);
    }
    assert_eq!(watched.raised(&RULE).len(), 1, "its own it sees");
    let unchecked = watched
        .engine
        .unchecked(&watched.known)
        .find(|one| one.rule.id == RULE.id);
    let blind = unchecked.unwrap().blind;
    assert_eq!(blind.why, "transactions of other roles are hidden");
    assert_eq!(blind.remedy.as_deref(), Some("GRANT pg_monitor TO app;"));
    watched.pass(2.0);
    watched.answer::<Activity>(vec![hidden(1), backend(700, "idle", 0.0)]);
    assert!(watched.raised(&RULE).is_empty(), "what it has seen it sees end");
}

/// The moment the program starts, or the first of them comes to wait: the lock table is asked after the activity.
#[test]
fn nobody_is_accused_before_it_is_known_who_waits() {
    let mut watched = Watched::new();
    watched.answer::<HorizonProbe>(vec![]);
    for _ in 0..4 {
        watched.pass(2.0);
        watched.answer::<Activity>(activity(&chain(40, 600.0, 599.0)));
    }
    let keys: Vec<_> = watched.raised(&RULE).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["700:7000"]);
}

/// The lock is gone, and one of the forty is seen once on its way out.
#[test]
fn who_was_let_go_a_moment_ago_is_none() {
    let mut watched = seen(&[]);
    watched.pass(2.0);
    watched.answer::<Activity>(vec![backend(900, "active", 600.0)]);
    watched.pass(2.0);
    watched.answer::<Activity>(vec![]);
    assert!(watched.events.is_empty(), "{:?}", watched.events);
}
