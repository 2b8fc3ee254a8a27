use std::sync::Arc;

use super::*;
use crate::alert::testing::Watched;
use crate::probe::Ran;
use crate::probe::locks::Locks;

fn beats(watched: &mut Watched, seconds: u32) {
    for _ in 0..seconds / 2 {
        watched.pass(2.0);
        watched.pulse(|_| ());
    }
}

fn health(watched: &mut Watched, tier: Tier, took_s: f64, stretch: u32) {
    let pace = watched.known.settings.pace(tier);
    let health = TierHealth {
        tier,
        took: Duration::from_secs_f64(took_s),
        budget: pace.budget,
        interval: pace.interval * stretch,
    };
    watched.known.tiers.insert(tier, health);
}

/// A question that ended like this now.
fn fails_with(watched: &mut Watched, kind: FaultKind) {
    let server = watched.known.server.clone().unwrap();
    let ran = Ran {
        started: watched.known.now,
        fault: Some(Fault::new(kind, "canceled after 1 s").with_remedy("raise the budget")),
        ..Ran::of(&Locks::SPEC, &server)
    };
    watched.known.take(&Arc::new(Sample { ran, data: None }));
}

#[test]
fn a_tier_over_its_budget_for_a_minute() {
    let mut watched = Watched::new();
    health(&mut watched, Tier::Hot, 1.4, 8);
    beats(&mut watched, 60);
    assert!(watched.raised(&RULE).is_empty(), "it has to last");
    beats(&mut watched, 4);
    assert_eq!(watched.raised(&RULE), [("tier:hot_path".to_owned(), Severity::Warning)]);
    let finding = &watched.engine.raised().next().unwrap().finding;
    assert_eq!(finding.sentence, "hot_path questions take 1.4s of a budget of 1.0s");
    assert_eq!(finding.details[0], "asked every 16s instead of every 2.0s");
    assert!(
        finding.remedies[0].text.starts_with("[budgets]\nhot_path = 3"),
        "{:?}",
        finding.remedies
    );
    health(&mut watched, Tier::Hot, 0.95, 8);
    beats(&mut watched, 4);
    assert_eq!(watched.raised(&RULE).len(), 1, "only just within it");
    health(&mut watched, Tier::Hot, 0.2, 4);
    beats(&mut watched, 4);
    assert!(watched.raised(&RULE).is_empty());
}

#[test]
fn one_slow_round_of_a_rare_tier_is_a_notice() {
    let mut watched = Watched::new();
    health(&mut watched, Tier::Storage, 14.0, 2);
    beats(&mut watched, 70);
    assert_eq!(watched.raised(&RULE), [("tier:storage".to_owned(), Severity::Notice)]);
    health(&mut watched, Tier::Storage, 14.0, 4);
    beats(&mut watched, 70);
    assert_eq!(watched.raised(&RULE), [("tier:storage".to_owned(), Severity::Warning)]);
}

#[test]
fn tiers_within_their_budgets_are_none() {
    let mut watched = Watched::new();
    for tier in Tier::ALL {
        let budget = watched.known.settings.pace(tier).budget.as_secs_f64();
        health(&mut watched, tier, budget * 0.7, 1);
    }
    beats(&mut watched, 300);
    assert_eq!(watched.engine.alerts().count(), 0);
}

#[test]
fn a_question_that_is_cancelled_again_and_again() {
    let mut watched = Watched::new();
    watched.answer::<Locks>(crate::probe::locks::Sample::default());
    beats(&mut watched, 10);
    fails_with(&mut watched, FaultKind::Timeout);
    beats(&mut watched, 64);
    assert_eq!(watched.raised(&RULE), [("probe:locks".to_owned(), Severity::Warning)]);
    let finding = watched.engine.raised().next().unwrap().finding.clone();
    assert_eq!(
        finding.sentence,
        "no answer to \"who waits for whom\": it takes too long"
    );
    assert_eq!(
        finding.details[0],
        "last answer 1m14s ago; what is shown of it is so old"
    );
    let since = finding.since.unwrap() - crate::alert::testing::BEGIN;
    assert!(since.abs() < 0.1, "the last answer: {since}");
    watched.answer::<Locks>(crate::probe::locks::Sample::default());
    beats(&mut watched, 2);
    assert!(watched.raised(&RULE).is_empty());
}

#[test]
fn what_the_role_may_not_read_is_no_failure_of_polling() {
    for kind in [
        FaultKind::Denied,
        FaultKind::Undefined,
        FaultKind::NotReady,
        FaultKind::Stopped,
    ] {
        let mut watched = Watched::new();
        fails_with(&mut watched, kind);
        beats(&mut watched, 100);
        assert_eq!(watched.engine.alerts().count(), 0, "{kind:?}");
    }
}

#[test]
fn a_second_connection_that_is_not_to_be_had() {
    let mut watched = Watched::new();
    watched.known.slow_down = Some(Fault::new(FaultKind::TooManyConnections, "every slot is taken"));
    beats(&mut watched, 64);
    assert_eq!(watched.raised(&RULE), [("second".to_owned(), Severity::Warning)]);
}

#[test]
fn a_question_that_failed_and_is_not_asked_any_more_is_over() {
    let mut watched = Watched::new();
    watched.answer::<Locks>(crate::probe::locks::Sample::default());
    fails_with(&mut watched, FaultKind::Timeout);
    beats(&mut watched, 70);
    assert_eq!(watched.raised(&RULE).len(), 1);
    watched.known.skip(Locks::SPEC.id, "nobody waits");
    beats(&mut watched, 4);
    assert!(
        watched.raised(&RULE).is_empty(),
        "it will not be asked before somebody waits"
    );
}

#[test]
fn what_the_user_asked_for_once_is_no_polling() {
    let mut watched = Watched::new();
    let server = watched.known.server.clone().unwrap();
    let ran = Ran {
        started: watched.known.now,
        demand: Some(watched.known.next_demand(Locks::SPEC.id)),
        fault: Some(Fault::new(FaultKind::Timeout, "canceled after 1 s")),
        ..Ran::of(&Locks::SPEC, &server)
    };
    watched.known.take(&Arc::new(Sample { ran, data: None }));
    beats(&mut watched, 120);
    assert_eq!(watched.engine.alerts().count(), 0, "nobody asks it again");
}
