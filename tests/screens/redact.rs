//! Literals of query texts where they must not be seen: every pane, page and popup with statements full of them, what can
//! be copied there, and what a filter tells of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use crossterm::event::Event as Terminal;
use pgmon_tui::app::update::{Effect, What};
use pgmon_tui::config::Settings;
use pgmon_tui::pane::{Place, View};
use pgmon_tui::pg::fault::{Fault, FaultKind};
use pgmon_tui::probe::activity::Activity;
use pgmon_tui::probe::backend::Backend;
use pgmon_tui::probe::locks::Locks;
use pgmon_tui::probe::progress::ProgressProbe;
use pgmon_tui::probe::relation_locks::RelationLocks;
use pgmon_tui::probe::statement_plan::StatementPlan;
use pgmon_tui::probe::statement_texts::{StatementTexts, Text, Texts};
use pgmon_tui::probe::{Data, PROBES, Probe, Ran, Sample};
use pgmon_tui::world::World;

use crate::app::{App, key_event};
use crate::data::{self, LOOK};
use crate::random::{SAYERS, plain};

/// Cut off in a string; the first words fit where there is little room.
const HOSTILE: &str = "select 'hunter', 31337, note from \"Table 7\" -- hunter\n where a = E'\\'hunter' and b = $q$hunter$q$ \
                       and c = U&'hunter' and /* hunter */ d = 'hunter";
const LITERALS: [&str; 2] = ["hunter", "31337"];

fn leaks(text: &str) -> bool {
    LITERALS.iter().any(|literal| text.contains(literal))
}

/// Fails with the lines that tell a literal.
fn assert_hidden(place: &str, seen: &str) {
    let telling: Vec<&str> = seen.lines().filter(|line| leaks(line)).take(5).collect();
    assert!(telling.is_empty(), "{place}: {telling:#?}");
}

/// Every place to look at, the keys that lead there, and whether texts of statements are seen or copied there.
const PLACES: &[(&str, &str, bool)] = &[
    ("overview", "1", true),
    ("activity", "2", true),
    ("activity, waiting", "2 v v g", true),
    ("locks", "3", true),
    ("queries", "4 >", true),
    ("vacuum", "5", true),
    ("storage", "6", false),
    ("partitions", "7", false),
    ("replication", "8", false),
    ("wraparound", "9", false),
    ("backend", "3 g enter", true),
    ("statement", "4 g j enter", true),
    ("statement set out", "4 g j enter f", true),
    ("table", "6 g enter", false),
    ("locks of a table", "6 g enter v v v", true),
    ("partitions of a table", "7 g enter", false),
    ("databases", "6 d", false),
    ("sql of activity", "2 s", true),
    ("sql of a plan", "4 g j enter p s tab tab tab", true),
    ("plan", "4 g j enter p", true),
    ("help", "4 g j enter ?", true),
    ("messages", "3 m", true),
    ("copy", "2 g y", true),
];

/// What the newest answer of a probe becomes, asked as it was.
fn change<P: Probe<Data: Clone>>(app: &mut App, change: impl FnOnce(&mut P::Data)) {
    let world = &app.state.world;
    let Some((mut data, ran)) = world.get::<P>().cloned().zip(world.latest.ran::<P>().cloned()) else {
        return;
    };
    change(&mut data);
    news(app, ran, Arc::new(data));
}

fn news(app: &mut App, ran: Ran, data: Data) {
    let sample = Sample { ran, data: Some(data) };
    app.news(pgmon_tui::poll::News::Sample(Arc::new(sample)));
}

/// What autovacuum says it does is no statement: it stays as it is.
fn spoil(query: &mut Option<String>, backend_type: Option<&str>) {
    if backend_type != Some("autovacuum worker") {
        *query = Some(HOSTILE.to_owned());
    }
}

/// The texts of everything that is known become hostile.
fn plant(app: &mut App) {
    change::<Activity>(app, |backends| {
        for backend in backends {
            spoil(&mut backend.query, backend.backend_type.as_deref());
        }
    });
    change::<Locks>(app, |locks| {
        for session in &mut locks.sessions {
            spoil(&mut session.query, session.backend_type.as_deref());
        }
    });
    change::<ProgressProbe>(app, |commands| {
        for command in commands {
            spoil(&mut command.query, command.backend_type.as_deref());
        }
    });
    change::<RelationLocks>(app, |locks| {
        for lock in &mut locks.locks {
            lock.backend_type = Some("client backend".to_owned());
            lock.query = Some(HOSTILE.to_owned());
        }
    });
    change::<Backend>(app, |detail| {
        if let Some(detail) = detail {
            spoil(&mut detail.query, detail.backend_type.as_deref());
        }
    });
    plant_texts(app);
    plant_plan(app);
}

fn plant_texts(app: &mut App) {
    let known = app.state.world.workload.since_reset().unwrap();
    let mut texts = Texts::default();
    for row in &known.rows {
        let text = Text {
            text: HOSTILE.into(),
            cut: false,
        };
        texts.insert(row.key.query, Some(text));
    }
    let ran = Ran::of(&StatementTexts::SPEC, &data::server(true));
    news(app, ran, Arc::new(texts));
}

/// Somebody asked for the plan, and this came.
fn plant_plan(app: &mut App) {
    let Some(demand) = app.state.focus.demand else { return };
    let ours = Ran::of(&StatementPlan::SPEC, &data::server(true));
    let ran = Ran {
        sql: format!(
            "{};\n\nEXPLAIN (GENERIC_PLAN) {HOSTILE};\n\nROLLBACK",
            ours.sql.trim_end()
        )
        .into(),
        subject: app.state.focus.subject.clone(),
        demand: Some(demand),
        ..ours
    };
    let plan = [
        "Seq Scan on \"Table 7\"  (cost=0.29..8.31 rows=7 width=8)",
        "  Filter: (a = 'hunter",
        " 31337'::text)",
    ];
    news(app, ran, Arc::new(plan.map(str::to_owned).to_vec()));
}

/// The incident with hostile texts everywhere, seen from that place.
fn at(keys: &str, redacts: bool) -> App {
    let mut app = App::incident(200, 60);
    app.state.world.redact(redacts);
    go(&mut app, keys);
    app
}

fn go(app: &mut App, keys: &str) {
    plant(app);
    for key in keys.split(' ') {
        app.keys(key);
        app.details(LOOK);
        plant(app);
        app.settle();
    }
}

/// Everything that can be seen and copied here.
fn seen(app: &mut App) -> String {
    let mut seen = vec![app.screens()];
    let world = app.state.shown().clone();
    let pane = app.state.panes.get(app.state.current);
    let views = pane.into_iter().chain(&app.state.layers);
    seen.extend(views.flat_map(|view| said(view.as_ref(), &world)));
    seen.extend(menu(app));
    seen.join("\n")
}

fn said(view: &dyn View, world: &World) -> Vec<String> {
    let copies = view.copies(world).into_iter().flat_map(|copy| [copy.what, copy.text]);
    copies.chain([view.title()]).collect()
}

/// What the menu of `y` shows, and puts on the clipboard, one after the other.
fn menu(app: &mut App) -> Vec<String> {
    let is_menu = |app: &App| app.state.top().is_some_and(|top| top.id() == "copy");
    if is_menu(app) {
        return Vec::new();
    }
    press(app, "y");
    let menu = app.state.top().filter(|_| is_menu(app)).map(View::place);
    let Some(Place::Popup(_, rows)) = menu else {
        return Vec::new();
    };
    let mut texts = vec![app.screen()];
    app.effects.clear();
    for nth in 0..rows - 2 {
        (0..nth).for_each(|_| press(app, "down"));
        press(app, "enter");
        press(app, "y");
    }
    press(app, "esc");
    let copied = app.effects.drain(..).filter_map(|effect| match effect {
        Effect::Copy(text) => Some(text),
        _ => None,
    });
    texts.extend(copied);
    assert_eq!(texts.len(), usize::from(rows) - 1);
    texts
}

fn press(app: &mut App, key: &str) {
    app.on(What::Terminal(Terminal::Key(key_event(key))));
}

/// What this looks at is there to be seen: else nothing here could fail.
#[test]
fn literals_are_seen_where_statements_are() {
    for (place, keys, seen_there) in PLACES {
        let mut app = at(keys, false);
        let seen = seen(&mut app);
        assert_eq!(leaks(&seen), *seen_there, "{place}:\n{}", app.screen());
        assert!(!app.screen().contains(" redacted "), "{place}");
    }
}

#[test]
fn no_literal_is_seen_or_copied() {
    for (place, keys, seen_there) in PLACES {
        let mut app = at(keys, true);
        let seen = seen(&mut app);
        assert_hidden(place, &seen);
        assert!(
            !seen_there || seen.contains("Table 7"),
            "{place}:
{}",
            app.screen()
        );
        assert!(app.screen().contains(" redacted "), "{place}:\n{}", app.screen());
    }
}

/// What a view or a popup has kept goes as well, whatever lies over it, and comes back.
#[test]
fn the_key_hides_what_is_on_the_screen() {
    for (place, keys, _) in PLACES {
        let mut app = at(keys, false);
        let before = app.screen();
        app.keys("X");
        let hidden = seen(&mut app);
        assert_hidden(place, &hidden);
        assert!(app.screen().contains(" redacted "), "{place}");
        app.keys("X");
        let is_page = app.state.layers.len() == at(keys, false).state.layers.len();
        app.now += std::time::Duration::from_mins(1);
        let again = app.screen();
        assert!(!is_page || leaks(&again) == leaks(&before), "{place}:\n{again}");
    }
}

#[test]
fn the_key_hides_what_was_frozen() {
    let mut app = at("2", false);
    app.keys("space X");
    let frozen = seen(&mut app);
    assert_hidden("frozen", &frozen);
    assert!(frozen.contains("FROZEN"));
    app.keys("space");
    assert!(!leaks(&seen(&mut app)));
    app.keys("space X space");
    assert!(leaks(&seen(&mut app)), "it is shown again, frozen or not");
}

/// A backend that has ended, a table that was dropped, a plan after which another one was asked for: what the page has
/// kept of them is in no answer any more.
#[test]
fn what_only_a_page_remembers_goes_too() {
    let mut app = at("3 g enter", false);
    news_of::<Backend>(&mut app, None);
    assert!(leaks(&app.screen()), "{}", app.screen());
    app.keys("X");
    let gone = seen(&mut app);
    assert_hidden("backend", &gone);
    assert!(
        gone.contains("Table 7") && gone.contains("last state"),
        "{}",
        app.screen()
    );

    let mut app = at("6 g enter v v v", false);
    data::table::dropped(&mut app);
    change::<RelationLocks>(&mut app, |locks| {
        *locks = pgmon_tui::probe::relation_locks::Locks::default();
    });
    let before = seen(&mut app);
    assert!(leaks(&before), "{}", app.screen());
    app.keys("X");
    let gone = seen(&mut app);
    assert_hidden("table", &gone);
    assert!(gone.contains("Table 7"), "{}", app.screen());

    let mut app = at("4 g j enter p", false);
    let other = app.state.world.next_demand(StatementPlan::SPEC.id);
    change::<StatementPlan>(&mut app, Vec::clear);
    let mut ran = app.state.world.last_ran(StatementPlan::SPEC.id).cloned().unwrap();
    ran.demand = Some(other);
    news(&mut app, ran, Arc::new(Vec::<String>::new()));
    app.keys("X");
    let page = seen(&mut app);
    assert_hidden("plan", &page);
}

fn news_of<P: Probe>(app: &mut App, data: P::Data) {
    let ran = app.state.world.latest.ran::<P>().cloned().unwrap();
    news(app, ran, Arc::new(data));
}

/// Where the extension's texts cannot be read, sessions tell them.
#[test]
fn texts_of_sessions_are_hidden_too() {
    for redacts in [false, true] {
        let mut app = App::incident(200, 60);
        app.state.world.redact(redacts);
        let last = app.state.world.workload.last().unwrap();
        let queries: Vec<i64> = last.rows.iter().map(|row| row.key.query).collect();
        app.keys("4");
        app.fail::<StatementTexts>(Fault::new(FaultKind::Other, "bad bytes"));
        change::<Activity>(&mut app, |backends| {
            for (backend, query) in backends.iter_mut().zip(queries.iter().cycle()) {
                (backend.query_id, backend.query) = (Some(*query), Some(HOSTILE.to_owned()));
            }
        });
        app.settle();
        for _ in 0..2 {
            let seen = seen(&mut app);
            let redacts = app.state.world.redacts();
            assert_eq!(leaks(&seen), !redacts, "{}", app.screen());
            assert!(seen.contains("Table 7"), "{}", app.screen());
            app.keys("X");
        }
    }
}

/// A filter on what is hidden would tell it letter by letter: it finds what is shown.
#[test]
fn a_filter_finds_only_what_is_shown() {
    for (pane, seen_there) in [("2", true), ("3", false), ("4", true), ("5", false)] {
        let with = |redacts: bool, text: &str| {
            let mut app = at(pane, redacts);
            app.keys("/");
            app.typed(text);
            app.keys("enter");
            app.screen().replace(text, "what was typed")
        };
        for literal in ["hunter", "31337", "re:hunt.r"] {
            let nothing: String = literal
                .chars()
                .map(|c| if c.is_alphanumeric() { 'z' } else { c })
                .collect();
            let nothing = nothing.replace("zz:", "re:");
            assert_eq!(with(true, literal), with(true, &nothing), "{pane}: {literal}");
            assert!(
                !seen_there || with(false, literal) != with(false, &nothing),
                "{pane}: {literal}"
            );
        }
    }
}

/// What an alert says stays in the messages and goes into the log, whatever is hidden later, and to whoever is told
/// besides: it never quotes a literal.
#[test]
fn no_alert_tells_a_literal() {
    let app = at("1", false);
    let alerts: Vec<_> = app.state.world.alerts.alerts().collect();
    assert!(alerts.len() > 10, "{}", alerts.len());
    for alert in alerts {
        let finding = &alert.finding;
        let remedies = finding.remedies.iter().map(|remedy| &remedy.text);
        for text in std::iter::once(&finding.sentence)
            .chain(&finding.details)
            .chain(remedies)
        {
            assert!(!leaks(text), "{}: {text}", alert.rule.id);
        }
    }
}

/// The settings decide how the program begins, and another database changes nothing.
#[test]
fn the_settings_say_how_it_begins() {
    for redacts in [false, true] {
        let settings = Settings {
            redact_sql_text: redacts,
            ..Settings::default()
        };
        let mut world = World::new(Arc::new(settings), "prod".to_owned());
        assert_eq!(world.redacts(), redacts);
        world.forget();
        assert_eq!(world.redacts(), redacts);
        world.redact(!redacts);
        world.forget();
        assert_eq!(world.redacts(), !redacts, "the key outlives a change of the database");
    }
}

/// What reads a text that somebody else wrote has to say how to redact it.
#[test]
fn every_probe_that_reads_a_query_text_can_redact_it() {
    let reads = |sql: &str| {
        let words = sql.lines().filter(|line| !line.trim_start().starts_with("--"));
        let mut words = words.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && !"_'".contains(c)));
        words.any(|word| word == "query")
    };
    let of = PROBES.iter().map(|entry| entry.spec);
    let of = of.filter(|spec| spec.variants.iter().any(|variant| reads(variant.sql)));
    let mut expected: BTreeSet<&str> = of.map(|spec| spec.id).collect();
    expected.insert(StatementPlan::SPEC.id);
    let redacted: BTreeSet<&str> = SAYERS
        .iter()
        .filter(|sayer| {
            let entry = pgmon_tui::probe::entry(sayer.spec.id).unwrap();
            (entry.redacted)(&(sayer.data)(&[plain(HOSTILE)])).is_some()
        })
        .map(|sayer| sayer.spec.id)
        .collect();
    assert_eq!(redacted, expected);
}
