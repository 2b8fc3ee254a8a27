use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::alert::Jump;
use crate::pane::View;
use crate::pane::testing::{ASKED, answer, failure, screen, world};
use crate::pg::fault::{Fault, FaultKind};
use crate::pg::server::{Extension, Server};
use crate::probe::activity::{Activity, Backend};
use crate::probe::extensions::Extensions;
use crate::probe::statement_texts::{StatementTexts, Text, Texts};
use crate::probe::statements::{self, Counters, Entry, Key, StatementsProbe};
use crate::probe::{Data, Mono, Ran, Sample};

/// The server's clock at the newest reading.
const NEWEST: f64 = 1_763_645_530.0;

pub(in crate::pane) fn key(query: i64) -> Key {
    Key {
        user: 10,
        database: 5,
        query,
        toplevel: query != 3,
    }
}

fn entry(query: i64, calls: i64, exec_ms: f64) -> Entry {
    Entry {
        key: key(query),
        user: Some("shop".into()),
        database: Some("app".into()),
        counters: Counters {
            calls,
            exec_ms,
            rows: calls * 3,
            plan_ms: Some(0.0),
            hit: calls * 90,
            read: calls * 10,
            io_ms: exec_ms / 4.0,
            temp: if query == 2 { calls * 4 } else { 0 },
            wal: Some(if query == 4 { 5e6 } else { 0.0 }),
            jit_ms: Some(0.0),
        },
        since: None,
    }
}

/// A reading so many seconds before the newest one.
pub(in crate::pane) fn reading(before: u64, change: impl FnOnce(&mut statements::Statements)) -> Arc<Sample> {
    let times = i64::try_from(100 - before).unwrap();
    let part = |query: i64, calls: i64, ms: f64| {
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let exec_ms = ms * (calls * times) as f64;
        entry(query, calls * times, exec_ms)
    };
    let mut statements = statements::Statements {
        epoch: NEWEST - Duration::from_secs(before).as_secs_f64(),
        started: 1.0,
        entries: vec![
            part(1, 10, 3.5),
            part(2, 1, 210.0),
            part(3, 400, 0.031),
            part(4, 2, 12.0),
            part(5, 3, 0.4),
        ],
        all: 5,
        dealloc: Some(0),
        reset: Some(NEWEST - 5000.0),
        ..statements::Statements::default()
    };
    change(&mut statements);
    let data: Data = Arc::new(statements);
    let ran = Ran {
        started: Mono(ASKED.saturating_sub(Duration::from_secs(before))),
        ..Ran::of(&StatementsProbe::SPEC, &Server::default())
    };
    Arc::new(Sample { ran, data: Some(data) })
}

fn extensions() -> Extensions {
    Extensions {
        installed: vec![Extension {
            name: statements::EXTENSION.to_owned(),
            version: "1.10".to_owned(),
            schema: "public".to_owned(),
        }],
        statements_default: Some("1.10".to_owned()),
        statements_max: Some(5000),
        statements_track: Some("top".to_owned()),
        track_planning: Some(false),
        track_io_timing: true,
        compute_query_id: Some("auto".to_owned()),
        preload: Some("pg_stat_statements".to_owned()),
    }
}

pub(in crate::pane) fn texts() -> Texts {
    let mut texts = Texts::default();
    for (query, text) in [
        (
            1,
            "select * from orders where customer = $1 order by placed desc limit $2",
        ),
        (
            2,
            "select date_trunc($1, placed), sum(total)\n  from orders group by 1 order by 1",
        ),
        (3, "select 1 from only app.customers x where id = $1 for key share of x"),
        (4, "insert into orders (customer, placed, total) values ($1, $2, $3)"),
    ] {
        let text = Text {
            text: text.into(),
            cut: false,
        };
        texts.insert(query, Some(text));
    }
    texts
}

pub(in crate::pane) fn server() -> Server {
    Server {
        version_num: 160_004,
        version: "16.4".to_owned(),
        role: "monitor".to_owned(),
        database: "app".to_owned(),
        block_size: 8192,
        ..Server::default()
    }
}

/// A world with these readings, the oldest first.
pub(in crate::pane) fn after(readings: &[Arc<Sample>]) -> World {
    let mut world = world(&[
        answer::<ExtensionsProbe>(extensions(), None),
        answer::<StatementTexts>(texts(), None),
    ]);
    world.server = Some(Arc::new(server()));
    for reading in readings {
        world.take(reading);
    }
    world
}

fn busy() -> World {
    after(&[reading(8, |_| ()), reading(0, |_| ())])
}

fn pane() -> ListView<Statements> {
    ListView::default()
}

#[test]
fn the_busiest_statements_of_the_last_interval() {
    let world = busy();
    for (width, height) in [(80, 24), (120, 40), (200, 60), (40, 12)] {
        insta::assert_snapshot!(format!("{width}x{height}"), screen(&mut pane(), &world, width, height));
    }
}

#[test]
fn a_jump_lands_on_the_statement_of_an_alert() {
    let world = busy();
    let mut pane = pane();
    screen(&mut pane, &world, 80, 24);
    for query in [5, 1, 3] {
        assert!(pane.seek(&Jump::to("queries").row(Thing::from(key(query)))));
        let copies = pane.copies(&world);
        assert!(copies.iter().any(|copy| copy.text == query.to_string()), "{copies:?}");
    }
    // What a filter hides is shown again.
    pane.set_filter(pane.parse_filter("insert").unwrap());
    assert!(pane.seek(&Jump::to("queries").row(Thing::from(key(1)))));
    assert!(screen(&mut pane, &world, 80, 24).contains("select * from orders"));
    let other = Key { user: 11, ..key(1) };
    assert!(!pane.seek(&Jump::to("queries").row(Thing::from(other))));
    assert!(!pane.seek(&Jump::to("queries").row(Thing::Index(1))));
}

#[test]
fn windows_take_turns() {
    let mut world = after(&[reading(10, |_| ()), reading(5, |_| ())]);
    let mut pane = pane();
    let mut screens = vec![screen(&mut pane, &world, 80, 6)];
    assert_eq!(pane.on(Action::NextView, &world), Reply::Taken);
    screens.push(screen(&mut pane, &world, 80, 6));
    assert_eq!(pane.on(Action::Mark, &world), Reply::Mark);
    assert!(world.workload.set_mark());
    pane.on(Action::PrevView, &world);
    screens.push(screen(&mut pane, &world, 80, 6));
    world.take(&reading(0, |_| ()));
    screens.push(screen(&mut pane, &world, 80, 6));
    insta::assert_snapshot!("windows", screens.join("\n\n"));
}

#[test]
fn before_the_second_reading_the_totals_say_that_they_are_totals() {
    let world = after(&[reading(0, |_| ())]);
    insta::assert_snapshot!("first", screen(&mut pane(), &world, 100, 8));
}

#[test]
fn breaks_are_seen_and_said() {
    let first = || reading(8, |_| ());
    let breaks: [(&str, Arc<Sample>); 5] = [
        ("reset", reading(0, |now| now.reset = Some(NEWEST - 3.0))),
        ("evicted", reading(0, |now| now.dealloc = Some(12))),
        ("fell", reading(0, |now| now.entries[0].counters.calls = 1)),
        ("hidden", reading(0, |now| (now.hidden, now.all) = (3, 8))),
        ("partial", reading(0, |now| now.all = 20_000)),
    ];
    let screens = breaks.map(|(what, second)| {
        let shown = screen(&mut pane(), &after(&[first(), second]), 100, 12);
        format!("{what}\n{shown}")
    });
    insta::assert_snapshot!("breaks", screens.join("\n\n"));
}

#[test]
fn what_is_missing_is_said_with_its_remedy() {
    let said = |change: &dyn Fn(&mut Extensions)| {
        let mut known = extensions();
        change(&mut known);
        let mut world = world(&[answer::<ExtensionsProbe>(known, None)]);
        world.server = Some(Arc::new(server()));
        world.skip("statements", "pg_stat_statements is not installed in this database");
        screen(&mut pane(), &world, 80, 6)
    };
    let screens = [
        said(&|known| known.installed.clear()),
        said(&|known| known.statements_max = None),
        said(&|known| {
            known.installed.clear();
            known.statements_max = None;
            known.preload = None;
        }),
        screen(&mut pane(), &world(&[]), 80, 6),
    ];
    insta::assert_snapshot!("missing", screens.join("\n\n"));
}

#[test]
fn old_versions_say_what_they_do_not_count() {
    let old = |before| {
        reading(before, |now| {
            (now.dealloc, now.reset) = (None, None);
            for entry in &mut now.entries {
                (entry.counters.plan_ms, entry.counters.wal, entry.counters.jit_ms) = (None, None, None);
            }
        })
    };
    let world = after(&[old(8), old(0)]);
    let wide = screen(&mut pane(), &world, 140, 6);
    assert!(wide.contains("v1.8+") && wide.contains("v1.10+"), "{wide}");
    let mut cumulative = pane();
    cumulative.on(Action::NextView, &world);
    let shown = screen(&mut cumulative, &world, 100, 6);
    assert!(
        shown.contains("[since reset]") && !shown.contains("calls/s  "),
        "{shown}"
    );
}

#[test]
fn texts_that_cannot_be_read_cost_texts_only() {
    let fault = Fault::new(FaultKind::Other, "invalid byte sequence").with_sqlstate("22021");
    let backend = Backend {
        query_id: Some(1),
        query: Some("select * from orders where customer = 4711".to_owned()),
        ..Backend::default()
    };
    let mut world = world(&[
        answer::<ExtensionsProbe>(extensions(), None),
        failure::<StatementTexts>(fault, None),
        answer::<Activity>(vec![backend], None),
    ]);
    world.take(&reading(8, |_| ()));
    world.take(&reading(0, |_| ()));
    let mut pane = pane();
    insta::assert_snapshot!("poison", screen(&mut pane, &world, 100, 14));
    assert_eq!(pane.keys(), Vec::<i64>::new(), "not again and again");
    world.now = Mono(ASKED + Duration::from_mins(11));
    pane.derive(&world);
    assert_eq!(pane.keys().len(), 5, "but after a while");
}

#[test]
fn texts_are_asked_for_once_and_only_for_what_is_in_sight() {
    let mut pane = pane();
    screen(&mut pane, &busy(), 80, 24);
    assert_eq!(pane.keys(), [5], "the others are known");
}

#[test]
fn the_top_is_by_the_order_in_force() {
    let mut world = busy();
    let mut settings = world.settings.as_ref().clone();
    settings.top_queries = 2;
    world.settings = settings.into();
    let mut pane = pane();
    let by_time = screen(&mut pane, &world, 80, 8);
    assert!(
        by_time.contains("top 2 of 5") && by_time.contains("select * from orders"),
        "{by_time}"
    );
    pane.on(Action::SortNext, &world);
    let by_calls = screen(&mut pane, &world, 80, 8);
    assert!(
        by_calls.contains("nested: select 1") && !by_calls.contains("date_trunc"),
        "{by_calls}"
    );
    let filter = pane.parse_filter("insert").unwrap();
    pane.set_filter(filter);
    let filtered = screen(&mut pane, &world, 80, 8);
    assert!(
        filtered.contains("insert into orders"),
        "the filter looks at all of them: {filtered}"
    );
}

#[test]
fn enter_opens_the_statement_and_its_text_can_be_copied() {
    let world = busy();
    let mut pane = pane();
    screen(&mut pane, &world, 80, 24);
    assert_eq!(pane.on(Action::Enter, &world), Reply::Open(key(2).into()));
    let copies = pane.copies(&world);
    assert_eq!(
        copies[0].text,
        "select date_trunc($1, placed), sum(total)\n  from orders group by 1 order by 1"
    );
    assert_eq!(copies[1].text, "2");
}
