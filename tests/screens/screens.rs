//! Whole screens at 40x12, 80x24, 120x40 and 200x60: every pane in every situation, every popup.

use std::time::Duration;

use insta::assert_snapshot;
use pgmon_tui::app::update::What;
use pgmon_tui::pg::fault::{Fault, FaultKind};
use pgmon_tui::pg::server::Server;
use pgmon_tui::poll::{News, TierHealth};
use pgmon_tui::probe::{Subject, Tier};
use pgmon_tui::ui::look::{Depth, Glyphs, Look, Role};
use ratatui::buffer::Buffer;
use rstest::rstest;

use crate::app::App;
use crate::data::{self, LOOK};

/// Every pane and the key that shows it.
fn panes() -> impl Iterator<Item = (&'static str, String)> {
    let panes = pgmon_tui::pane::panes().into_iter().zip(1..);
    panes.map(|(pane, key)| (pane.id(), key.to_string()))
}

/// Opens the page of the session that blocks everybody.
fn open_blocker(app: &mut App, second: u32) {
    app.keys("3 g enter");
    assert_eq!(app.state.focus.subject, Some(data::subject(700)));
    app.details(second);
}

#[test]
fn before_the_first_answer() {
    for (pane, key) in panes() {
        let mut app = App::new(80, 24);
        app.connect(data::server(true));
        app.keys(&key);
        assert_snapshot!(format!("{pane}_loading"), app.screens());
    }
    assert_snapshot!("connecting", App::new(80, 24).screen());
}

#[test]
fn nothing_happens() {
    for (pane, key) in panes() {
        let mut app = App::quiet(80, 24);
        app.keys(&key);
        assert_snapshot!(format!("{pane}_empty"), app.screens());
    }
}

#[test]
fn an_incident() {
    for (pane, key) in panes() {
        let mut app = App::incident(80, 24);
        app.keys(&key);
        app.details(LOOK);
        assert_snapshot!(format!("{pane}_normal"), app.screens());
    }
}

#[test]
fn a_role_without_pg_monitor() {
    for (pane, key) in panes() {
        let mut app = App::hidden(80, 24);
        app.keys(&key);
        assert_snapshot!(format!("{pane}_denied"), app.screens());
    }
}

#[test]
fn the_server_is_gone() {
    for (pane, key) in panes() {
        let mut app = App::incident(80, 24);
        app.keys(&key);
        app.details(LOOK);
        app.lose(LOOK + 2);
        // The message of the loss leaves the footer.
        app.at(LOOK + 9);
        app.on(What::Tick);
        assert_snapshot!(format!("{pane}_stale"), app.screens());
    }
}

/// Why nothing comes is said where it is missed, until something comes.
#[test]
fn the_second_connection_is_not_to_be_had() {
    let mut app = App::new(80, 24);
    app.connect(data::server(true));
    app.keys("6");
    assert!(app.screen().contains("Asking for the largest tables."));
    app.news(News::Slow(Fault::new(
        FaultKind::TooManyConnections,
        "One is the limit.",
    )));
    assert!(app.screen().contains("Not asked yet"), "{}", app.screen());
    app.keys("2");
    assert!(
        !app.screen().contains("Not asked yet"),
        "asked on the first one: {}",
        app.screen()
    );
    app.fail::<pgmon_tui::probe::partitions::PartitionsProbe>(Fault::new(FaultKind::Denied, "No."));
    app.keys("6");
    assert!(app.screen().contains("Asking for the largest tables."));
}

/// It was asked, and the reason is better known than that the connection is gone.
#[test]
fn what_was_refused_stays_refused_without_a_connection() {
    let mut app = App::new(80, 24);
    app.connect(data::server(true));
    app.fail::<pgmon_tui::probe::partitions::PartitionsProbe>(Fault::new(
        FaultKind::Denied,
        "The role may not read this.",
    ));
    app.lose(5);
    app.keys("7");
    assert!(app.screen().contains("The role may not read this."), "{}", app.screen());
    app.keys("6");
    assert!(app.screen().contains("there is no connection"), "{}", app.screen());
}

/// The panels of a pane one after the other, until the first one comes again.
#[test]
fn every_panel() {
    for (pane, key) in panes() {
        let mut app = App::incident(80, 24);
        app.keys(&key);
        app.details(LOOK);
        let mut panels = vec![app.screen()];
        for _ in 0..8 {
            app.keys("v");
            app.details(LOOK);
            let screen = app.screen();
            if panels.first() == Some(&screen) {
                break;
            }
            panels.push(screen);
        }
        if panels.len() > 1 {
            let body = |screen: &String| screen.lines().skip(2).collect::<Vec<_>>().join("\n");
            let all: Vec<String> = panels.iter().map(body).collect();
            assert_snapshot!(format!("{pane}_panels"), all.join("\n--\n"));
        }
    }
}

/// A detail page: what opens it, and the row it is about.
const PAGES: [(&str, &str); 3] = [
    ("table", "6 g enter"),
    ("statement", "4 g enter"),
    ("partitions_of", "7 g enter"),
];

#[test]
fn the_pages_of_the_other_panes() {
    for (page, keys) in PAGES {
        let mut app = App::incident(80, 24);
        app.keys(keys);
        assert!(
            app.state.focus.subject.is_some() || app.state.seen().subject.is_some(),
            "{page}"
        );
        assert_snapshot!(format!("{page}_loading"), app.screens());
        app.details(LOOK);
        assert_snapshot!(format!("{page}_normal"), app.screens());
        app.lose(LOOK + 2);
        app.at(LOOK + 9);
        app.on(What::Tick);
        assert_snapshot!(format!("{page}_stale"), app.screens());
    }
}

#[test]
fn a_table_for_a_role_without_pg_monitor() {
    let mut app = App::hidden(80, 24);
    app.keys("6 g enter");
    app.details(LOOK);
    assert_snapshot!("table_denied", app.screens());
}

#[test]
fn a_table_that_has_been_measured() {
    let mut app = App::incident(80, 24);
    app.keys("6 g enter");
    app.details(LOOK);
    app.keys("b");
    let asked = app.screen();
    app.keys("enter");
    let measuring = app.screen();
    data::table::measured(&mut app);
    let all = [asked, measuring, app.screen()];
    assert_snapshot!("table_measured", all.join("\n-- then --\n"));
}

#[test]
fn a_table_that_was_dropped() {
    let mut app = App::incident(80, 24);
    app.keys("6 g enter");
    app.details(LOOK);
    data::table::dropped(&mut app);
    assert_snapshot!("table_empty", app.screens());
}

#[test]
fn the_list_of_databases() {
    let mut app = App::incident(80, 24);
    app.keys("6 d");
    assert_snapshot!("popup_databases_loading", app.screen());
    for second in [LOOK, LOOK + 2] {
        app.at(second);
        app.details(second);
    }
    assert_snapshot!("popup_databases", app.screens());
}

#[test]
fn the_page_of_a_backend() {
    let mut app = App::incident(80, 24);
    open_blocker(&mut app, LOOK);
    assert_snapshot!("backend_normal", app.screens());
    app.lose(LOOK + 2);
    app.at(LOOK + 9);
    app.on(What::Tick);
    assert_snapshot!("backend_stale", app.screens());

    let mut app = App::incident(80, 24);
    app.keys("3 g enter");
    assert_snapshot!("backend_loading", app.screens());

    let mut app = App::hidden(80, 24);
    app.keys("2 g enter");
    app.details(LOOK);
    assert_snapshot!("backend_denied", app.screens());
}

#[test]
fn the_page_of_a_backend_that_has_gone() {
    let mut app = App::incident(80, 24);
    open_blocker(&mut app, LOOK);
    app.answer::<pgmon_tui::probe::backend::Backend>(0, None);
    assert_snapshot!("backend_empty", app.screens());
}

#[rstest]
#[case("sql", "3 s")]
#[case("sql_second", "3 s tab")]
#[case("help", "3 ?")]
#[case("help_overview", "1 ?")]
#[case("help_activity", "2 ?")]
#[case("cost", "1 c")]
#[case("copy", "3 y")]
#[case("frozen", "3 space")]
fn popups(#[case] name: &str, #[case] keys: &str) {
    let mut app = App::incident(80, 24);
    app.keys(keys);
    assert_snapshot!(format!("popup_{name}"), app.screens());
}

#[test]
fn text_that_means_no_good() {
    let mut all = Vec::new();
    for keys in ["", "enter", "y"] {
        let mut app = App::incident(120, 16);
        app.keys("2 /");
        app.typed("pid:1302");
        app.keys("enter");
        if !keys.is_empty() {
            app.keys(keys);
            app.details(LOOK);
        }
        all.push(app.screen());
    }
    assert_snapshot!("hostile", all.join("\n"));
}

#[test]
fn messages() {
    let mut app = App::incident(80, 24);
    app.keys("1 m");
    assert_snapshot!("popup_messages_none", app.screen());
    app.keys("esc - - +");
    let fault = Fault::new(
        FaultKind::LockTimeout,
        "Somebody holds a lock that this query waits for.",
    )
    .with_remedy("It is asked again by itself.");
    app.fail::<pgmon_tui::probe::locks::Locks>(fault);
    app.lose(LOOK + 4);
    app.at(LOOK + 20);
    app.connect(data::server(true));
    app.keys("m");
    assert_snapshot!("popup_messages", app.screens());
}

#[test]
fn the_question_whether_a_role_may_write() {
    let mut app = App::new(80, 24);
    app.connect(Server {
        role: "postgres".to_owned(),
        superuser: true,
        ..data::server(true)
    });
    let fault = Fault::new(FaultKind::Timeout, "The question took longer than 10 s.");
    app.news(News::Role(Err(fault)));
    app.at(30);
    app.on(What::Tick);
    assert_snapshot!("popup_role", app.screens());
}

#[test]
fn the_filter_line() {
    let mut app = App::incident(80, 24);
    app.keys("2 /");
    app.typed("re:orders(");
    assert_snapshot!("filter_error", app.screens());
}

#[test]
fn a_degraded_tier() {
    let mut app = App::incident(80, 24);
    app.news(News::Tier(TierHealth {
        tier: Tier::Hot,
        took: Duration::from_millis(1840),
        budget: Duration::from_secs(1),
        interval: Duration::from_secs(8),
    }));
    let first = app.screen();
    app.at(LOOK + 9);
    app.on(What::Tick);
    assert_snapshot!("degraded", format!("{first}\n-- 9 s later --\n{}", app.screen()));
}

#[test]
fn a_probe_that_fails() {
    let mut app = App::incident(80, 24);
    app.keys("3");
    let fault = Fault::new(FaultKind::Timeout, "The server did not answer within 1 s.")
        .with_remedy("It is asked again, less often.");
    app.fail::<pgmon_tui::probe::locks::Locks>(fault);
    app.at(LOOK + 9);
    app.on(What::Tick);
    assert_snapshot!("failed", app.screen());
}

/// Nothing of it has ever come: the header must not call that live.
#[test]
fn what_has_never_answered_is_not_live() {
    let mut app = App::new(80, 24);
    app.connect(data::server(true));
    app.fail::<pgmon_tui::probe::activity::Activity>(Fault::new(FaultKind::Timeout, "It took too long."));
    let screen = app.screen();
    let header = screen.lines().next().unwrap_or_default();
    assert!(header.ends_with("no answer yet"), "{header}");
}

#[test]
fn too_small() {
    let mut app = App::incident(20, 5);
    assert_snapshot!(app.screen(), @r"
    20x5 is too small
    need 40x10
    ");
}

#[test]
fn a_role_that_may_write_is_marked_for_ever() {
    let mut app = App::new(80, 24);
    app.state.world.privileged_allowed = true;
    let fault = Fault::new(FaultKind::Timeout, "The question took longer than 10 s.");
    app.news(News::Role(Err(fault)));
    app.live(true);
    assert_snapshot!("privileged", app.screens());
}

#[test]
fn ascii_without_colours() {
    let look = Look::new("mono", None, Depth::None, &Glyphs::ASCII).unwrap();
    let mut all = Vec::new();
    for keys in ["1", "2", "3", "3 s", "2 y", "1 ?", "3 space"] {
        let mut app = App::incident_with(80, 24, look.clone());
        app.keys(keys);
        let screen = app.screen();
        assert!(screen.is_ascii(), "{keys}: {screen}");
        all.push(format!("-- {keys} --\n{screen}"));
    }
    assert_snapshot!("ascii", all.join("\n"));
}

/// Which role has which letter in the snapshots of style; what is not in here looks like plain text.
const LETTERS: &[(Role, char)] = &[
    (Role::Accent, 'a'),
    (Role::Title, 'T'),
    (Role::Header, 'H'),
    (Role::Selected, 'S'),
    (Role::Border, 'b'),
    (Role::Ok, 'o'),
    (Role::Notice, 'n'),
    (Role::Warning, 'w'),
    (Role::Critical, 'C'),
    (Role::Stale, 's'),
    (Role::Denied, 'd'),
    (Role::Key, 'k'),
    (Role::Muted, 'm'),
    (Role::Estimated, 'e'),
    (Role::Spark, '~'),
    (Role::WaitCpu, '1'),
    (Role::WaitLock, '2'),
    (Role::WaitLwLock, '3'),
    (Role::WaitIo, '4'),
    (Role::WaitOther, '5'),
];

/// The style of every cell by the letter of the first role that looks like it; `S` also with another role's colour.
fn styles(buf: &Buffer, look: &Look) -> String {
    let letter = |x, y| {
        let cell = &buf[(x, y)];
        let looks = |roles: &[Role]| {
            let mut like = ratatui::buffer::Cell::default();
            for role in [Role::Screen].iter().chain(roles) {
                like.set_style(look.style(*role));
            }
            (like.fg, like.bg, like.modifier) == (cell.fg, cell.bg, cell.modifier)
        };
        let selected = |role| looks(&[role, Role::Selected]) || looks(&[Role::Selected, role]);
        match LETTERS.iter().find(|(role, _)| looks(&[*role])) {
            Some((_, letter)) => *letter,
            None if looks(&[Role::Text]) => '.',
            None if LETTERS.iter().any(|(role, _)| selected(*role)) => 'S',
            None => '?',
        }
    };
    let line = |y| (0..buf.area.width).map(|x| letter(x, y)).collect::<String>();
    (0..buf.area.height).map(line).collect::<Vec<_>>().join("\n")
}

#[rstest]
#[case("dark", Depth::TrueColor)]
#[case("mono", Depth::None)]
fn what_is_emphasised(#[case] theme: &str, #[case] depth: Depth) {
    let look = Look::new(theme, None, depth, &Glyphs::UNICODE).unwrap();
    let mut app = App::incident_with(80, 24, look.clone());
    let mut all = Vec::new();
    for key in ["1", "2", "3"] {
        app.keys(key);
        let buf = app.buffer();
        all.push(format!("-- {key} --\n{}", styles(&buf, &look)));
    }
    assert_snapshot!(format!("styles_{theme}"), all.join("\n"));
}

/// What is not confirmed any more looks it, whatever it means otherwise.
#[test]
fn old_data_is_dimmed() {
    let look = Look::new("dark", None, Depth::TrueColor, &Glyphs::UNICODE).unwrap();
    let mut app = App::incident_with(80, 24, look.clone());
    app.lose(LOOK);
    app.at(LOOK + 9);
    app.on(What::Tick);
    let mut all = Vec::new();
    for keys in ["1", "2", "3"] {
        app.keys(keys);
        let buf = app.buffer();
        all.push(format!("-- {keys} --\n{}", styles(&buf, &look)));
    }
    assert_snapshot!("styles_stale", all.join("\n"));
}

/// The page of a backend tells the probes whom it is about.
#[test]
fn enter_opens_the_page_of_the_selected_row() {
    let mut app = App::incident(80, 24);
    app.keys("2 g");
    app.keys("enter");
    assert!(matches!(app.state.focus.subject, Some(Subject::Backend { .. })));
    app.keys("esc");
    assert_eq!(app.state.focus.subject, None);
}
