use proptest::prelude::*;

use super::*;
use crate::alert::{Finding, Jump, Outcome, Reach, Rule, State, at_once};

const fn rule(id: &'static str) -> Rule {
    Rule {
        id,
        title: "",
        pane: "activity",
        needs: &["pulse"],
        uses: &[],
        server_wide: true,
        check: |_| Outcome::calm(),
        lasts: at_once,
        settles: 0.0,
        warning: "",
        critical: "",
        doc: "",
    }
}

static BLOCKED: Rule = rule("blocked");
static LONG: Rule = rule("long_transaction");
static HORIZON: Rule = rule("horizon");
static INDEX: Rule = rule("unused_index");
static RULES: [&Rule; 4] = [&BLOCKED, &LONG, &HORIZON, &INDEX];

const WARNING: State = State::Raised(Severity::Warning);
const CRITICAL: State = State::Raised(Severity::Critical);
const PENDING: State = State::Pending {
    severity: Severity::Critical,
    lasts: 1.0,
    wants: 60.0,
};

fn backend(pid: i32) -> Thing {
    Thing::Backend { pid, start: 1 }
}

fn finding(key: &str, since: f64, victims: usize, about: &[Thing]) -> Finding {
    let reach = Reach::fact(Severity::Critical);
    let finding = Finding::new(key, reach, key, Jump::to("activity"))
        .since(Some(since))
        .victims(victims);
    about.iter().cloned().fold(finding, Finding::about)
}

fn alert(rule: &'static Rule, key: &str, state: State, about: &[Thing]) -> Alert {
    Alert::given(rule, finding(key, 1000.0, 0, about), state, false)
}

fn noted(rule: &'static Rule, key: &str, state: State, about: &[Thing]) -> Alert {
    Alert::given(rule, finding(key, 1000.0, 0, about), state, true)
}

/// Each story as the keys of its alerts, the head first.
fn keys(alerts: &[Alert]) -> Vec<Vec<&str>> {
    let alerts: Vec<&Alert> = alerts.iter().collect();
    let told = told(&alerts).into_iter();
    told.map(|story| story.alerts().map(|alert| alert.finding.key.as_str()).collect())
        .collect()
}

#[test]
fn the_cause_leads_what_is_as_bad_about_the_same() {
    let root = [backend(700)];
    let alerts = [
        alert(&HORIZON, "holds", CRITICAL, &root),
        alert(&LONG, "open", CRITICAL, &root),
        alert(&BLOCKED, "waits", CRITICAL, &root),
        alert(&INDEX, "unused", WARNING, &[Thing::Index(5)]),
    ];
    assert_eq!(keys(&alerts), [vec!["waits", "open", "holds"], vec!["unused"]]);
}

#[test]
fn the_worst_leads_whatever_the_cause() {
    let root = [backend(700)];
    let alerts = [
        alert(&BLOCKED, "waits", WARNING, &root),
        alert(&LONG, "open", CRITICAL, &root),
    ];
    assert_eq!(keys(&alerts), [vec!["open", "waits"]]);
}

#[test]
fn two_chains_are_two_stories_and_a_thing_between_them_makes_them_one() {
    let mut alerts = vec![
        alert(&BLOCKED, "a", CRITICAL, &[backend(1)]),
        alert(&LONG, "a open", CRITICAL, &[backend(1)]),
        alert(&BLOCKED, "b", CRITICAL, &[backend(2)]),
        alert(&LONG, "b open", CRITICAL, &[backend(2)]),
    ];
    assert_eq!(keys(&alerts), [["a", "a open"], ["b", "b open"]]);
    alerts.push(alert(&HORIZON, "both", WARNING, &[backend(1), backend(2)]));
    assert_eq!(keys(&alerts), [["a", "b", "a open", "b open", "both"]]);
}

#[test]
fn what_is_pending_never_leads_what_counts() {
    let root = [backend(700)];
    let alerts = [
        alert(&BLOCKED, "waits", PENDING, &root),
        alert(&LONG, "open", WARNING, &root),
        alert(&HORIZON, "alone", PENDING, &[]),
    ];
    assert_eq!(keys(&alerts), [vec!["open", "waits"], vec!["alone"]]);
}

#[test]
fn what_the_user_knows_is_quiet_until_there_is_something_new_in_it() {
    let (one, two) = ([backend(1)], [backend(2)]);
    let known = [
        noted(&BLOCKED, "known", CRITICAL, &one),
        alert(&LONG, "pending", PENDING, &one),
        alert(&INDEX, "new", WARNING, &two),
    ];
    assert_eq!(
        keys(&known),
        [vec!["new"], vec!["known", "pending"]],
        "what is pending wakes nobody"
    );
    let alerts: Vec<&Alert> = known.iter().collect();
    let stories = told(&alerts);
    assert!(!stories[0].is_acknowledged() && stories[1].is_acknowledged());
    assert_eq!(stories[1].severity(), Some(Severity::Critical));

    let woken = [
        noted(&BLOCKED, "known", CRITICAL, &one),
        alert(&LONG, "new", WARNING, &one),
        alert(&INDEX, "other", CRITICAL, &two),
    ];
    assert_eq!(keys(&woken), [vec!["other"], vec!["new", "known"]]);
    let alerts: Vec<&Alert> = woken.iter().collect();
    let stories = told(&alerts);
    assert!(!stories[1].is_acknowledged());
    assert_eq!(stories[1].severity(), Some(Severity::Warning), "of what is new");
}

#[test]
fn many_of_a_kind_are_one_line_and_other_kinds_stay_out_of_it() {
    let things: Vec<Thing> = (1..10).map(backend).collect();
    let mut alerts: Vec<Alert> = (1..=5)
        .map(|nth: usize| alert(&LONG, &format!("open {nth}"), WARNING, &things[nth..=nth]))
        .collect();
    alerts.push(alert(&BLOCKED, "waits", CRITICAL, &things[1..2]));
    assert_eq!(
        keys(&alerts),
        [vec!["waits", "open 1"], vec!["open 2", "open 3", "open 4", "open 5"]],
        "a transaction that somebody waits for is another matter than four reports"
    );
    alerts.truncate(2);
    assert_eq!(keys(&alerts), [["open 1"], ["open 2"]], "two are two lines");
}

#[test]
fn victims_come_before_age() {
    let alerts = [
        Alert::given(&INDEX, finding("old", 10.0, 0, &[]), CRITICAL, false),
        Alert::given(&BLOCKED, finding("few", 900.0, 5, &[]), CRITICAL, false),
        Alert::given(&HORIZON, finding("many", 990.0, 50, &[]), CRITICAL, false),
    ];
    assert_eq!(keys(&alerts), [["many"], ["few"], ["old"]]);
}

/// What an alert is made of: rule, state, acknowledged, victims, since, things.
type Made = (usize, u8, bool, usize, u16, Vec<i32>);

fn made(made: &[Made]) -> Vec<Alert> {
    let alerts = made.iter().enumerate();
    alerts
        .map(|(nth, (rule, state, noted, victims, since, things))| {
            let state = [PENDING, WARNING, CRITICAL][usize::from(*state)];
            let things: Vec<Thing> = things.iter().copied().map(backend).collect();
            let finding = finding(&nth.to_string(), f64::from(*since) * 10.0, *victims, &things);
            Alert::given(RULES[*rule], finding, state, *noted)
        })
        .collect()
}

fn any_alerts() -> impl Strategy<Value = Vec<Made>> {
    let things = proptest::collection::vec(0..8i32, 0..3);
    let one = (0..RULES.len(), 0..3u8, any::<bool>(), 0..500usize, 0..2000u16, things);
    proptest::collection::vec(one, 0..24)
}

proptest! {
    #[test]
    fn every_alert_is_in_exactly_one_story_and_the_heads_are_right(given in any_alerts()) {
        let alerts = made(&given);
        let all: Vec<&Alert> = alerts.iter().collect();
        let stories = told(&all);
        let mut keys: Vec<&str> = stories.iter().flat_map(Story::alerts).map(|alert| alert.finding.key.as_str()).collect();
        keys.sort_unstable();
        let mut expected: Vec<&str> = alerts.iter().map(|alert| alert.finding.key.as_str()).collect();
        expected.sort_unstable();
        prop_assert_eq!(keys, expected);
        for story in &stories {
            let loud = |alert: &&Alert| alert.severity().is_some() && !alert.is_acknowledged();
            let worst = story.alerts().filter(loud).filter_map(Alert::severity).max();
            if worst.is_some() {
                prop_assert_eq!(story.severity(), worst);
                prop_assert!(!story.is_acknowledged());
            }
            prop_assert!(story.severity().is_some() || story.alerts().all(|alert| alert.severity().is_none()));
        }
        let quiet: Vec<bool> = stories.iter().map(Story::is_acknowledged).collect();
        prop_assert!(quiet.is_sorted(), "what the user knows comes last");
        for (thing, one) in all.iter().flat_map(|alert| alert.finding.about.iter().map(move |thing| (thing, alert))) {
            let of = |alert: &Alert| stories.iter().position(|story| story.alerts().any(|other| other.id() == alert.id()));
            for other in all.iter().filter(|other| other.finding.about.contains(thing)) {
                prop_assert_eq!(of(one), of(other));
            }
        }
    }

    /// Where the selection is kept by its place, or the eye by its line: nothing moves because of other numbers.
    #[test]
    fn changed_numbers_change_no_order(
        given in any_alerts(), noise in proptest::collection::vec((-0.3..0.3f64, -1.9..1.9f64), 24..25),
    ) {
        let before = made(&given);
        let after: Vec<Alert> = before.iter().zip(&noise).map(|(alert, (victims, since))| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 650 victims")]
            let victims = (alert.finding.victims as f64 * (1.0 + victims)) as u64;
            let finding = Finding {
                victims,
                since: alert.finding.since.map(|epoch| epoch + since),
                sentence: "other words".to_owned(),
                ..alert.finding.clone()
            };
            alert.clone().renewed(finding)
        }).collect();
        prop_assert_eq!(keys(&before), keys(&after));
    }
}
