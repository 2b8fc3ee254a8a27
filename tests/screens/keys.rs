//! The key table against what the views say of themselves.

use std::collections::{BTreeMap, BTreeSet};

use pgmon_tui::action::{Action, BINDINGS};
use pgmon_tui::app::keymap::Keymap;
use pgmon_tui::app::update::{Effect, What};
use pgmon_tui::pane::{self, View};
use pgmon_tui::pg::fault::{Fault, FaultKind};
use pgmon_tui::poll::News;
use pgmon_tui::probe;
use rstest::rstest;

use crate::app::App;
use crate::data;

/// Every kind of layer there is, each over a pane of the incident.
const LAYERS: [(&str, &str); 11] = [
    ("backend", "3 g enter"),
    ("statement", "4 g enter"),
    ("table", "6 g enter"),
    ("partitions of a table", "7 g enter"),
    ("databases", "6 d"),
    ("sql", "3 s"),
    ("help", "3 ?"),
    ("messages", "3 m"),
    ("cost", "3 c"),
    ("copy", "3 y"),
    ("sql of a page", "3 g enter s"),
];

fn role_question() -> App {
    let mut app = App::new(80, 24);
    app.connect(data::server(true));
    let fault = Fault::new(FaultKind::Timeout, "The question took longer than 10 s.");
    app.news(News::Role(Err(fault)));
    app
}

fn check(view: &dyn View) {
    for action in view.actions() {
        assert!(action.binding().is_some(), "{}: no key for {action:?}", view.id());
    }
    for id in view.probes() {
        assert!(probe::entry(id).is_some(), "{}: no probe \"{id}\"", view.id());
    }
}

#[test]
fn every_action_of_a_view_has_a_key_and_every_probe_exists() {
    for view in pane::panes() {
        check(view.as_ref());
    }
    for (name, keys) in LAYERS {
        let mut app = App::incident(80, 24);
        app.keys(keys);
        assert!(!app.state.layers.is_empty(), "{name}");
        check(app.state.top().unwrap());
    }
    check(role_question().state.top().unwrap());
}

/// What the footer offers in a situation: the keys before the hints.
fn offered(app: &mut App) -> Vec<(&'static str, Action)> {
    let footer = app.screen().lines().last().unwrap().to_owned();
    let named = |binding: &&pgmon_tui::action::Binding| {
        !binding.hint.is_empty() && footer.contains(&format!(" {} {} ", binding.keys[0], binding.hint))
    };
    BINDINGS
        .iter()
        .filter(named)
        .map(|binding| (binding.keys[0], binding.action))
        .collect()
}

/// Everything a key can change.
fn shape(app: &mut App) -> (String, bool, usize, bool, Vec<Effect>) {
    let screen = app.screen();
    let state = &app.state;
    let effects = app.effects.clone();
    (
        screen,
        state.prompt.is_some(),
        state.layers.len(),
        state.over.is_some(),
        effects,
    )
}

#[rstest]
#[case("1", &["enter", "a", "e", "v", "s", "y", "space", "?", "q", "d"])]
#[case("1 g", &["enter", "esc", "v", "s", "y", "space", "?", "q", "d"])]
#[case("1 G", &["esc", "v", "s", "y", "space", "?", "q", "d"])]
#[case("2", &["enter", "v", "/", "s", "y", "space", "D", "b", "?", "q", "d"])]
#[case("3", &["enter", "e", "t", "/", "s", "y", "space", "?", "q", "d"])]
#[case("3 g enter", &["esc", "s", "y", "space", "?", "q", "d"])]
#[case("3 g enter esc j enter", &["enter", "esc", "s", "y", "space", "?", "q", "d"])]
#[case("4", &["enter", "v", "M", "/", "s", "y", "space", "?", "q", "d"])]
#[case("4 g enter", &["esc", "M", "p", "f", "s", "y", "space", "?", "q", "d"])]
#[case("5", &["enter", "v", "/", "s", "y", "space", "?", "q", "d"])]
#[case("5 v", &["enter", "v", "/", "s", "y", "space", "?", "q", "d"])]
#[case("5 v v", &["enter", "v", "/", "s", "y", "space", "?", "q", "d"])]
#[case("6", &["enter", "v", "/", "s", "y", "space", "?", "q", "d"])]
#[case("6 v", &["enter", "v", "/", "s", "y", "space", "?", "q", "d"])]
#[case("6 g enter", &["esc", "v", "b", "s", "y", "space", "?", "q", "d"])]
#[case("6 g enter v", &["esc", "v", "b", "/", "s", "y", "space", "?", "q", "d"])]
#[case("6 d", &["esc", "/", "s", "y", "space", "?", "q", "d"])]
#[case("7", &["enter", "/", "s", "y", "space", "?", "q", "d"])]
#[case("7 g enter", &["enter", "esc", "/", "s", "y", "space", "?", "q", "d"])]
#[case("8", &["enter", "v", "/", "s", "y", "space", "?", "q", "d"])]
#[case("8 v v", &["v", "/", "s", "y", "space", "?", "q", "d"])]
#[case("9", &["enter", "v", "/", "s", "y", "space", "?", "q", "d"])]
#[case("3 s", &["esc", "s", "y", "space", "?", "q", "d"])]
#[case("3 y", &["esc", "s", "space", "?", "q", "d"])]
#[case("2 ?", &["esc", "s", "space", "?", "q", "d"])]
fn every_hint_of_the_footer_does_something(#[case] keys: &str, #[case] hints: &[&str]) {
    let mut app = App::incident(160, 24);
    app.keys(keys);
    app.details(data::LOOK);
    let offered = offered(&mut app);
    assert_eq!(offered.iter().map(|(key, _)| *key).collect::<Vec<_>>(), hints);
    for (key, action) in offered {
        let mut app = App::incident(160, 24);
        app.keys(keys);
        app.details(data::LOOK);
        let before = shape(&mut app);
        app.keys(key);
        assert!(shape(&mut app) != before, "{keys}: {key} ({action:?}) does nothing");
    }
}

/// The rows under "Keys" of the help popup, first key only.
fn helped(keys: &str) -> BTreeSet<String> {
    let mut app = App::incident(160, 100);
    app.keys(keys);
    app.keys("?");
    let mut rows = BTreeSet::new();
    for _ in 0..3 {
        let screen = app.screen();
        let lines = screen.lines().filter_map(|line| line.split('│').nth(1));
        for line in lines {
            let help = line.trim_end();
            for binding in BINDINGS
                .iter()
                .filter(|binding| help.ends_with(&format!("  {}", binding.help)))
            {
                rows.insert(binding.name.to_owned());
            }
        }
        app.keys("pgdn");
    }
    rows
}

#[rstest]
#[case("1")]
#[case("2")]
#[case("3")]
#[case("3 g enter")]
#[case("4")]
#[case("4 g enter")]
#[case("5")]
#[case("6")]
#[case("6 g enter")]
#[case("7")]
#[case("7 g enter")]
#[case("8")]
#[case("9")]
fn the_help_lists_exactly_the_keys_that_work(#[case] keys: &str) {
    let mut app = App::incident(160, 100);
    app.keys(keys);
    let top = app.state.top().unwrap();
    let panes = app.state.panes.len();
    let works = |action: Action| match action {
        Action::Tab(index) => usize::from(index) < panes,
        Action::Filter => top.filter().is_some(),
        action => action.is_global() || top.actions().contains(&action),
    };
    let expected: BTreeSet<String> = (BINDINGS.iter())
        .filter(|binding| works(binding.action))
        .map(|binding| binding.name.to_owned())
        .collect();
    assert_eq!(helped(keys), expected);
}

/// A popup that was opened before the terminal got another size shows the same as one opened after.
#[test]
fn a_new_size_is_the_same_as_having_started_with_it() {
    let rest = LAYERS
        .iter()
        .map(|(_, keys)| *keys)
        .chain(["1", "2", "3", "3 e", "4", "5", "6", "7", "8", "9"]);
    for keys in rest {
        for (width, height) in [(40, 12), (120, 40), (200, 60)] {
            let mut first = App::incident(width, height);
            first.keys(keys);
            let mut later = App::incident(80, 24);
            later.keys(keys);
            later.resize(width, height);
            assert_eq!(later.screen(), first.screen(), "{keys} at {width}x{height}");
        }
    }
}

/// The key that says yes to the question.
fn is_answer(key: &str) -> bool {
    Action::GoOn
        .binding()
        .is_some_and(|binding| binding.keys.contains(&key))
}

/// While the role question is open nothing but an answer passes.
#[test]
fn the_question_takes_every_key_until_it_is_answered() {
    for binding in BINDINGS {
        for key in binding.keys {
            let mut app = role_question();
            let asked = app.screen();
            app.keys(key);
            match binding.action {
                // What else its key may mean is for other views.
                _ if is_answer(key) => assert!(app.state.layers.is_empty() && app.state.world.privileged),
                Action::Quit => assert!(app.state.over.is_some()),
                Action::Copy => assert_eq!(app.state.top().map(View::id), Some("copy")),
                _ => {
                    assert_eq!(app.state.top().map(View::id), Some("role"), "{key}");
                    assert_eq!(app.state.current, 0, "{key}");
                    assert!(!app.state.world.privileged, "{key}");
                    app.at(20);
                    app.on(What::Tick);
                    let rows = |screen: &str| screen.lines().skip(2).take(12).collect::<Vec<_>>().join("\n");
                    assert_eq!(rows(&app.screen()), rows(&asked), "{key}");
                }
            }
        }
    }
}

/// What a popup says of its keys follows `[keys]`.
#[test]
fn popups_name_the_keys_of_the_configuration() {
    let named = [
        ("back", "x"),
        ("copy", "Y"),
        ("quit", "f10"),
        ("details", "o"),
        ("next-tab", "n"),
        ("go-on", "A"),
    ];
    let overrides: BTreeMap<String, Vec<String>> = (named.iter())
        .map(|(action, key)| ((*action).to_owned(), vec![(*key).to_owned()]))
        .collect();
    let keymap = Keymap::new(&overrides).unwrap();
    for (keys, foot) in [
        ("3 s", "scroll  n next query  Y copy  x close"),
        ("3 ?", "x close"),
        ("3 m", "x close"),
        ("3 c", "x close"),
        ("3 Y", "o copy  x close"),
    ] {
        let mut app = App::incident(80, 24);
        app.state.keymap = keymap.clone();
        app.keys(keys);
        assert!(app.screen().contains(foot), "{keys}: {}", app.screen());
    }
    let mut app = App::new(80, 24);
    app.state.keymap = keymap;
    app.connect(data::server(true));
    app.news(News::Role(Err(Fault::new(FaultKind::Timeout, "Too slow."))));
    let asked = "A: go on with this role   Y: copy the statements   f10: quit";
    assert!(app.screen().contains(asked), "{}", app.screen());
}

/// The question comes while somebody types a filter: the next key answers it.
#[test]
fn the_question_takes_the_keys_from_the_filter_line() {
    let mut app = App::incident(80, 24);
    app.keys("2 /");
    app.news(News::Role(Err(Fault::new(FaultKind::Timeout, "Too slow."))));
    app.keys("q");
    assert!(app.state.over.is_some());
}
