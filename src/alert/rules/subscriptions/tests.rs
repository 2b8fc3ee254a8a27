use super::*;
use crate::alert::testing::{BEGIN, Watched};

fn running() -> Subscription {
    Subscription {
        oid: Some(1),
        name: "orders_in".to_owned(),
        database: "app".to_owned(),
        enabled: true,
        worker_pid: Some(7),
        tables: Some(2),
        ready: Some(2),
        apply_errors: Some(0),
        sync_errors: Some(0),
        ..Subscription::default()
    }
}

fn watch(
    watched: &mut Watched,
    seconds: std::ops::Range<u32>,
    sample: impl Fn(u32) -> Subscription,
    in_recovery: bool,
) {
    for second in seconds.step_by(15) {
        watched.pass(15.0);
        watched.pulse(|pulse| pulse.in_recovery = in_recovery);
        watched.answer::<SubscriptionsProbe>(vec![Subscription {
            epoch: BEGIN + f64::from(second + 15),
            ..sample(second + 15)
        }]);
    }
}

#[test]
fn without_a_worker_it_is_raised_worsens_and_clears() {
    let alone = |_| Subscription {
        worker_pid: None,
        ..running()
    };
    let mut watched = Watched::new();
    watch(&mut watched, 0..60, |_| running(), false);
    watch(&mut watched, 60..75, alone, false);
    assert!(watched.raised(&RULE).is_empty(), "it may be started just now");
    watch(&mut watched, 75..120, alone, false);
    assert_eq!(
        watched.raised(&RULE),
        [("app\0orders_in".to_owned(), Severity::Warning)]
    );
    watch(&mut watched, 120..480, alone, false);
    assert_eq!(watched.raised(&RULE)[0].1, Severity::Critical);
    watch(&mut watched, 480..540, |_| running(), false);
    assert!(watched.raised(&RULE).is_empty());
    // A standby has no workers.
    let mut standby = Watched::new();
    watch(&mut standby, 0..600, alone, true);
    assert!(standby.events.is_empty());
}

#[test]
fn errors_that_keep_coming_are_told_from_one() {
    let mut watched = Watched::new();
    watch(
        &mut watched,
        0..900,
        |second| Subscription {
            apply_errors: Some(100 + i64::from(second > 300)),
            ..running()
        },
        false,
    );
    assert!(watched.events.is_empty(), "one error");
    watch(
        &mut watched,
        900..1200,
        |second| Subscription {
            apply_errors: Some(101 + i64::from(second - 900) / 15),
            ..running()
        },
        false,
    );
    assert_eq!(watched.raised(&RULE)[0].1, Severity::Warning);
}

#[test]
fn disabled_by_an_error_is_told_from_disabled_by_hand() {
    let disabled = |errors| {
        move |_| Subscription {
            enabled: false,
            worker_pid: None,
            disable_on_error: Some(true),
            apply_errors: Some(errors),
            ..running()
        }
    };
    let mut watched = Watched::new();
    watch(&mut watched, 0..120, disabled(1), false);
    assert_eq!(watched.sentences(&RULE), ["an error disabled subscription orders_in"]);
    let remedy = watched
        .engine
        .raised()
        .next()
        .unwrap()
        .finding
        .remedies
        .first()
        .cloned();
    assert!(
        remedy
            .unwrap()
            .text
            .starts_with("ALTER SUBSCRIPTION orders_in ENABLE; -- in database app")
    );
    let mut by_hand = Watched::new();
    watch(&mut by_hand, 0..600, disabled(0), false);
    assert!(by_hand.events.is_empty());
}
