//! What is wrong, on the screen.

use super::*;
use crate::alert::Thing;
use crate::pane::overview::verdicts::{self, Verdict};

/// So many sessions, then a second later as many again, with the heartbeat.
fn crowd(world: &mut World, seconds: std::ops::Range<u32>, count: i32) {
    for second in seconds {
        answer::<PulseProbe>(world, second, pulse(second, false));
        let backends = (0..count).map(|nth| client(1000 + nth, "idle", Some("Client")));
        answer::<Activity>(world, second, backends.collect());
    }
}

fn first_lines(world: &World, count: usize) -> Vec<String> {
    let text = screen(world, 80, 21);
    text.lines().take(count).map(str::to_owned).collect()
}

#[test]
fn what_is_pending_is_told_beside_the_calm_line() {
    let mut world = calm(world(true));
    crowd(&mut world, 10..16, 350);
    let [calm, pending, rule] = first_lines(&world, 3).try_into().unwrap();
    assert_eq!(calm, "✔ nothing wrong in 2 checks");
    let expected = "▲    5s 351 of 397 usable connection slots are taken (88.4 %)";
    assert!(
        pending.starts_with(expected) && pending.ends_with("5s of 2m00s 2"),
        "{pending}"
    );
    assert!(rule.contains("sessions"), "{rule}");
}

#[test]
fn before_every_check_was_made_it_is_not_calm() {
    let mut world = world(true);
    assert_eq!(first_lines(&world, 1), ["  looking: 0 of 2 checks made"]);
    answer::<PulseProbe>(&mut world, 1, pulse(1, false));
    assert_eq!(first_lines(&world, 1), ["  looking: 0 of 2 checks made"]);
    world.skip(Locks::SPEC.id, "nobody waits");
    answer::<Activity>(&mut world, 2, vec![]);
    assert_eq!(first_lines(&world, 1), ["✔ nothing wrong in 2 checks"]);
}

#[test]
fn an_answer_that_came_before_the_clock_is_not_taken_for_a_check() {
    let mut world = world(true);
    world.skip(Locks::SPEC.id, "nobody waits");
    answer::<Activity>(&mut world, 1, vec![]);
    answer::<PulseProbe>(&mut world, 2, pulse(2, false));
    // The sessions have not been looked at for lock waits since there is a clock.
    assert_eq!(first_lines(&world, 1), ["  looking: 1 of 2 checks made"]);
}

#[test]
fn without_a_connection_it_is_not_calm() {
    let mut world = calm(world(true));
    world.link = Link::Down {
        fault: Fault::new(FaultKind::Lost, "The server has gone."),
        since: Some(world.now),
        retry_at: None,
        attempts: 1,
    };
    world.now = Mono(Duration::from_secs(30));
    let [line] = first_lines(&world, 1).try_into().unwrap();
    assert!(line.starts_with("○ not known since "), "{line}");
    assert!(line.ends_with(": there is no connection"), "{line}");
}

#[test]
fn an_alert_nobody_can_confirm_says_since_when() {
    let mut world = busy();
    world.now = Mono(Duration::from_secs(640));
    let [rule, alert] = first_lines(&world, 2).try_into().unwrap();
    assert!(rule.contains("2 checks · 2 not known now"), "{rule}");
    assert!(alert.starts_with("✖   10m 40 sessions wait"), "{alert}");
    assert!(alert.contains(" not known since 11:"), "{alert}");
}

#[test]
fn what_somebody_took_note_of_is_quiet_and_at_the_end() {
    let mut world = busy();
    let mut pane = Overview::default();
    pane.derive(&world);
    let Reply::Acknowledge(ids) = pane.on(Action::Acknowledge, &world) else {
        panic!("there is something to take note of")
    };
    assert!(world.alerts.acknowledge(&ids));
    let [rule, alert] = first_lines(&world, 2).try_into().unwrap();
    assert!(rule.contains("2 checks"), "not calm: {rule}");
    assert!(alert.ends_with("noted 3"), "{alert}");
    pane.derive(&world);
    assert_eq!(pane.here(), None, "what is quiet is not selected by itself");
}

#[test]
fn a_role_that_does_not_see_everything_is_told_the_grant_once() {
    let mut verdicts = Verdicts::default();
    verdicts.checks.grant = Some(("8 checks see only a part:".into(), "GRANT pg_monitor TO app;".into()));
    let pane = Overview {
        verdicts,
        ..Overview::default()
    };
    assert_eq!(pane.block().rows(21), [Row::Checks, Row::Grant]);
}

#[test]
fn enter_copy_and_sql_are_about_the_selected_story() {
    let world = busy();
    let mut pane = Overview::default();
    pane.derive(&world);
    let Reply::Go(jump) = pane.on(Action::Enter, &world) else {
        panic!("Enter goes nowhere")
    };
    assert_eq!(jump.pane, "locks");
    assert!(matches!(jump.row, Some(Thing::Backend { pid: 700, .. })));
    let copies = pane.copies(&world);
    assert!(copies[0].text.contains("pg_terminate_backend(700)"), "{copies:?}");
    let told = copies.iter().find(|copy| copy.what == "what is wrong").unwrap();
    assert!(
        told.text.starts_with("40 sessions wait behind pid 700"),
        "{}",
        told.text
    );
    assert!(told.text.contains("\n  pid 800"), "{}", told.text);
    assert_eq!(pane.probes()[..2], [Activity::SPEC.id, Locks::SPEC.id]);
    assert!(pane.probes().contains(&CountersProbe::SPEC.id));
}

/// A pane with that many stories of five lines each.
fn many(count: usize) -> Overview {
    let mut pane = Overview::default();
    pane.derive(busy_once());
    let story = pane.verdicts.stories.pop().unwrap();
    let stories = (0..count).map(|nth| Verdict {
        alerts: vec![("blocked", nth.to_string())],
        raised: Vec::new(),
        age: story.age.clone(),
        sentence: format!("story {nth}"),
        tail: String::new(),
        tab: story.tab.clone(),
        jump: story.jump.clone(),
        folded: vec![
            verdicts::Folded {
                mark: None,
                text: format!("under {nth}"),
            };
            5
        ],
        probes: Vec::new(),
        copies: Vec::new(),
        ..story
    });
    pane.verdicts.stories = stories.collect();
    pane
}

fn drawn(pane: &mut Overview, width: u16, height: u16) -> String {
    let area = Rect::new(0, 0, width, height);
    pane.arrange(area);
    let mut buffer = Buffer::empty(area);
    pane.draw(busy_once(), &look(), area, &mut buffer);
    text(&buffer)
}

#[test]
fn many_stories_leave_room_for_the_numbers() {
    let mut pane = many(30);
    insta::assert_snapshot!(drawn(&mut pane, 80, 21));
    let world = busy();
    for _ in 0..40 {
        if pane.here() == Some(Id::More) {
            break;
        }
        pane.on(Action::Down, &world);
        pane.arrange(Rect::new(0, 0, 80, 21));
    }
    assert_eq!(pane.here(), Some(Id::More));
    assert_eq!(pane.on(Action::Enter, &world), Reply::Taken);
    assert!(drawn(&mut pane, 80, 60).contains("story 29"));
}

#[test]
fn a_story_unfolds_whole_and_folds_again() {
    let mut pane = many(3);
    let under = |pane: &mut Overview| drawn(pane, 80, 40).matches("under 0").count();
    assert_eq!(under(&mut pane), 2);
    assert_eq!(pane.on(Action::Fold, busy_once()), Reply::Taken);
    assert_eq!(under(&mut pane), 5);
    assert_eq!(pane.on(Action::Fold, busy_once()), Reply::Taken);
    assert_eq!(under(&mut pane), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// The worst story stands at the top of every screen nobody has touched, and what is selected is in view.
    #[test]
    fn every_size_shows_the_worst_and_the_selected(
        count in 1..30usize, width in 40..200u16, height in 7..57u16, moves in proptest::collection::vec(0..4u8, 0..40),
    ) {
        let mut pane = many(count);
        let shown = drawn(&mut pane, width, height);
        prop_assert!(shown.lines().nth(1).unwrap().contains("story 0"), "{}", shown);
        let world = busy_once();
        for step in moves {
            let action = [Action::Down, Action::Up, Action::Fold, Action::PageDown][usize::from(step)];
            pane.on(action, world);
            pane.arrange(Rect::new(0, 0, width, height));
            let all = pane.shown();
            if let Some(place) = pane.place(&all).filter(|_| pane.chosen.is_some()) {
                let row = all[place].0;
                prop_assert!((pane.offset..pane.offset + usize::from(height)).contains(&row));
            }
        }
    }
}

fn busy_once() -> &'static World {
    static BUSY: std::sync::LazyLock<World> = std::sync::LazyLock::new(busy);
    &BUSY
}
