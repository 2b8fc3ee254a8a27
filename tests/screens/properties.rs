//! Whatever happens in whatever order: nothing panics, nothing from the server reaches the terminal as it is, the
//! way out is always there, and nothing grows without end.

use std::collections::BTreeSet;
use std::time::Duration;

use crossterm::event::{Event as Terminal, KeyCode, KeyEvent, KeyModifiers};
use pgmon_tui::action::{Action, BINDINGS};
use pgmon_tui::app::update::What;
use pgmon_tui::pane::View;
use pgmon_tui::pg::fault::{Fault, FaultKind};
use pgmon_tui::poll::{Cost, Link, News, TierHealth};
use pgmon_tui::probe::activity::Activity;
use pgmon_tui::probe::backend::{Backend as Page, Detail};
use pgmon_tui::probe::locks::Locks;
use pgmon_tui::probe::{Mono, PROBES, Subject, Tier};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::app::{App, key_event};
use crate::data;
use crate::random::{Raw, SAYERS, raw, text};

#[test]
fn no_probe_is_left_out() {
    let of = |ids: Vec<&'static str>| ids.into_iter().collect::<BTreeSet<_>>();
    let said = of(SAYERS.iter().map(|sayer| sayer.spec.id).collect());
    assert_eq!(said, of(PROBES.iter().map(|entry| entry.spec.id).collect()));
}

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    Key(KeyEvent),
    Bound(usize, usize),
    Paste(String),
    Resize(u16, u16),
    Wait(u64),
    Answer(usize, Vec<Raw>),
    Fail(usize, String),
    Skip(usize),
    Down(String, bool),
    Up(bool, String),
    Tier(usize, u64),
    Cost(u64),
    Role(String),
    Slow(String),
    NotSwitched(String),
    Resumed,
}

fn key() -> impl Strategy<Value = KeyEvent> {
    let code = prop_oneof![
        4 => any::<char>().prop_map(KeyCode::Char),
        4 => (b' '..b'~').prop_map(|byte| KeyCode::Char(char::from(byte))),
        1 => (0..=255u8).prop_map(KeyCode::F),
        1 => Just(KeyCode::Null),
        1 => Just(KeyCode::Backspace),
        1 => Just(KeyCode::Delete),
        1 => Just(KeyCode::Insert),
    ];
    (code, 0..64u8).prop_map(|(code, bits)| KeyEvent::new(code, KeyModifiers::from_bits_truncate(bits)))
}

/// Everything but what ends the program.
fn step() -> impl Strategy<Value = Step> {
    let bound = (0..BINDINGS.len(), 0..3usize);
    prop_oneof![
        30 => bound.prop_map(|(at, key)| Step::Bound(at, key)),
        4 => key().prop_map(Step::Key),
        2 => text().prop_map(Step::Paste),
        3 => (0..=500u16, 0..=100u16).prop_map(|(width, height)| Step::Resize(width, height)),
        2 => Just(Step::Resize(80, 24)),
        3 => (0..400u64).prop_map(Step::Wait),
        20 => (0..SAYERS.len(), vec(raw(), 1..9)).prop_map(|(probe, rows)| Step::Answer(probe, rows)),
        2 => (0..SAYERS.len(), text()).prop_map(|(probe, text)| Step::Fail(probe, text)),
        1 => (0..PROBES.len()).prop_map(Step::Skip),
        1 => (text(), any::<bool>()).prop_map(|(text, since)| Step::Down(text, since)),
        1 => (any::<bool>(), text()).prop_map(|(all, text)| Step::Up(all, text)),
        1 => (0..4usize, 0..100_000u64).prop_map(|(tier, took)| Step::Tier(tier, took)),
        1 => any::<u64>().prop_map(Step::Cost),
        1 => text().prop_map(Step::Role),
        1 => text().prop_map(Step::Slow),
        1 => text().prop_map(Step::NotSwitched),
        1 => Just(Step::Resumed),
    ]
}

fn fault(text: &str) -> Fault {
    Fault::new(FaultKind::Lost, text).with_remedy(text)
}

fn news(app: &mut App, step: Step) {
    let now = Mono(app.now);
    match step {
        Step::Answer(probe, rows) => (SAYERS[probe].say)(app, &rows),
        Step::Fail(probe, text) => (SAYERS[probe].fail)(app, fault(&text)),
        Step::Skip(probe) => app.news(News::Skipped {
            probe: PROBES[probe].spec.id,
            reason: "nothing to ask",
        }),
        Step::Down(text, since) => app.news(News::Link(Link::Down {
            fault: fault(&text),
            since: since.then_some(now),
            retry_at: since.then_some(Mono(now.0 + Duration::from_secs(3))),
            attempts: u32::MAX,
        })),
        Step::Up(all, text) => {
            let mut server = data::server(all);
            server.host.clone_from(&text);
            server.database.clone_from(&text);
            server.role.clone_from(&text);
            server.tls = Some(text);
            app.connect(server);
        }
        Step::Tier(tier, took) => app.news(News::Tier(TierHealth {
            tier: Tier::ALL[tier],
            took: Duration::from_millis(took),
            budget: Duration::from_secs(1),
            interval: Duration::from_secs(2),
        })),
        Step::Cost(number) => app.news(News::Cost(Cost {
            statements: number,
            failed: number,
            busy: Duration::from_micros(number),
            connections: 255,
            opened: u32::MAX,
        })),
        Step::Role(text) => app.news(News::Role(Err(fault(&text)))),
        Step::Slow(text) => app.news(News::Slow(fault(&text))),
        Step::NotSwitched(text) => app.news(News::NotSwitched {
            fault: fault(&text),
            database: text,
        }),
        _ => {}
    }
}

fn happen(app: &mut App, step: Step) {
    match step {
        Step::Key(key) if is_end(key) => {}
        Step::Key(key) => app.on(What::Terminal(Terminal::Key(key))),
        Step::Bound(at, key) => {
            let binding = &BINDINGS[at];
            if binding.action != Action::Quit {
                app.on(What::Terminal(Terminal::Key(key_event(
                    binding.keys[key % binding.keys.len()],
                ))));
            }
        }
        Step::Paste(text) => app.on(What::Terminal(Terminal::Paste(text))),
        Step::Resize(width, height) => app.resize(width, height),
        Step::Wait(millis) => {
            app.now += Duration::from_millis(millis * 50);
            app.on(What::Tick);
        }
        Step::Resumed => app.on(What::Resumed),
        other => news(app, other),
    }
}

fn is_end(key: KeyEvent) -> bool {
    matches!(key.code, KeyCode::Char('q' | 'Q' | 'c' | 'C'))
}

/// No cell of the screen may drive the terminal.
fn check_cells(app: &mut App) -> Result<(), TestCaseError> {
    for cell in app.buffer().content() {
        let bad = |letter: char| {
            letter.is_control()
                || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
        };
        prop_assert!(!cell.symbol().chars().any(bad), "{:?}", cell.symbol());
    }
    Ok(())
}

fn check(app: &mut App) -> Result<(), TestCaseError> {
    check_cells(app)?;
    let state = &app.state;
    prop_assert!(state.current < state.panes.len());
    prop_assert!(state.layers.len() <= 40, "{} layers", state.layers.len());
    prop_assert!(state.world.messages.newest_first().len() <= 500);
    prop_assert!(state.over.is_none());
    Ok(())
}

/// Both ways out work from here.
fn check_way_out(app: &mut App) -> Result<(), TestCaseError> {
    if app.state.prompt.is_some() {
        app.keys("q");
        prop_assert!(app.state.over.is_none(), "q is a letter of the filter");
        app.keys("ctrl-c");
    }
    if app.state.over.is_none() {
        app.keys("q");
    }
    prop_assert!(app.state.over.is_some());
    Ok(())
}

/// Not many, since each draws the screen after every step; more with `PROPTEST_CASES`.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").map_or(60, |cases| cases.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens(steps in vec(step(), 1..60), live in any::<bool>()) {
        let mut app = App::new(80, 24);
        app.connect(data::server(live));
        for step in steps {
            happen(&mut app, step);
            check(&mut app)?;
        }
        check_way_out(&mut app)?;
    }

    /// A question cannot be got round: whatever is pressed, it is there until it is answered.
    #[test]
    fn a_question_stays(keys in vec((0..BINDINGS.len(), 0..3usize), 1..40)) {
        let mut app = App::new(80, 24);
        app.connect(data::server(true));
        app.news(News::Role(Err(fault("no time"))));
        for (at, key) in keys {
            let binding = &BINDINGS[at];
            let key = binding.keys[key % binding.keys.len()];
            let answers = Action::GoOn.binding().is_some_and(|yes| yes.keys.contains(&key));
            if answers || binding.action == Action::Quit {
                continue;
            }
            app.keys(key);
            prop_assert!(app.state.layers.iter().any(|layer| layer.modal()));
            prop_assert!(app.state.prompt.is_none() && app.state.current == 0);
            prop_assert!(!app.state.world.privileged);
        }
    }

    /// New rows in another order: the same session is selected as long as it is there.
    #[test]
    fn the_selection_is_a_session(
        down in 0..30usize, gone in vec(any::<bool>(), 80), turn in 0..80usize, pane in 2..4u8, sort in 0..6usize,
    ) {
        let mut app = App::incident(80, 24);
        app.keys(&pane.to_string());
        for _ in 0..down {
            app.keys("j");
        }
        let Some(Subject::Backend { pid, start }) = selected(&mut app) else { return Ok(()) };
        for _ in 0..sort {
            app.keys(">");
        }
        app.at(data::LOOK + 2);
        let mut rows = data::activity(data::LOOK + 2);
        let len = rows.len();
        rows.rotate_left(turn % len);
        let mut n = 0;
        rows.retain(|row| {
            n += 1;
            row.pid == pid || !gone[n % gone.len()]
        });
        app.answer::<Activity>(rows.len(), rows);
        let mut locks = data::locks(data::LOOK + 2);
        let len = locks.sessions.len();
        locks.sessions.rotate_left(turn % len);
        app.answer::<Locks>(len, locks);
        prop_assert_eq!(selected(&mut app), Some(Subject::Backend { pid, start }));
    }
}

/// Whose page Enter opens; the page is closed again. `None` on a group.
fn selected(app: &mut App) -> Option<Subject> {
    app.state.settle();
    let layers = app.state.layers.len();
    app.keys("enter");
    let subject = app.state.top().and_then(View::subject).cloned();
    if app.state.layers.len() > layers {
        app.keys("esc");
    }
    subject
}

/// A chain of pages and popups stays short, however long it is walked.
#[test]
fn layers_do_not_pile_up() {
    let mut app = App::incident(80, 24);
    app.keys("2 g j");
    for _ in 0..200 {
        app.keys("enter");
        app.details(data::LOOK);
        app.keys("s ? m c y y");
    }
    assert!(app.state.layers.len() <= 40, "{}", app.state.layers.len());
}

/// Two sessions that wait for each other: going round leads back to the page that is open already.
#[test]
fn a_ring_of_blockers_does_not_pile_up_pages() {
    let mut app = App::incident(80, 24);
    let rows = data::activity(data::LOOK);
    app.keys("2 g j enter");
    for round in 0..20 {
        let Some(Subject::Backend { pid, .. }) = app.state.focus.subject else {
            panic!("no page after {round} rounds");
        };
        let other = if pid == 700 { 812 } else { 700 };
        app.answer::<Activity>(rows.len(), rows.clone());
        app.answer::<Page>(
            1,
            Some(Detail {
                pid,
                blocked_by: vec![other],
                ..Detail::default()
            }),
        );
        app.state.settle();
        app.keys("enter");
        assert_eq!(app.state.focus.subject, Some(data::subject(other)), "round {round}");
    }
    assert!(app.state.layers.len() <= 2, "{} pages", app.state.layers.len());
}

#[test]
fn messages_do_not_pile_up() {
    let mut app = App::incident(80, 24);
    for number in 0..2_000 {
        app.state.world.say(None, format!("message {number}"));
    }
    assert_eq!(app.state.world.messages.newest_first().len(), 500);
}
