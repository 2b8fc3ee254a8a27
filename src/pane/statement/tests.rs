use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::pane::queries::tests::{after, key, reading, server, texts};
use crate::pane::testing::{ASKED, answer, screen};
use crate::pg::fault::{Fault, FaultKind};
use crate::probe::statement_latency::Histogram;
use crate::probe::statement_plan::StatementPlan;
use crate::probe::statement_texts::{StatementTexts, Text};
use crate::probe::{Data, Mono, Ran, Sample};

const SUBJECT: Key = Key {
    user: 10,
    database: 5,
    query: 2,
    toplevel: true,
};

fn counted() -> Counted {
    let counted = [
        ("calls", "100"),
        ("rows", "1200"),
        ("total_exec_time", "21000.5"),
        ("mean_exec_time", "210.005"),
        ("min_exec_time", "0.031"),
        ("max_exec_time", "1250.75"),
        ("plans", "0"),
        ("total_plan_time", "0"),
        ("shared_blks_hit", "9000"),
        ("shared_blks_read", "1000"),
        ("shared_blk_read_time", "5250.1"),
        ("local_blks_hit", "0"),
        ("temp_blks_written", "400"),
        ("wal_bytes", "5242880"),
        ("jit_functions", "0"),
        ("stats_since", "2025-11-20T12:00:00.123456+00:00"),
        ("from_the_future", "17"),
    ];
    counted.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn backend(pid: i32, query_id: i64, state: &str) -> Backend {
    Backend {
        pid,
        start: 7,
        query_id: Some(query_id),
        state: Some(state.to_owned()),
        query_s: Some(4.2),
        usename: Some("shop".to_owned()),
        application_name: Some("checkout".to_owned()),
        wait_event_type: Some("IO".to_owned()),
        wait_event: Some("DataFileRead".to_owned()),
        ..Backend::default()
    }
}

fn busy() -> World {
    let mut world = after(&[reading(10, |_| ()), reading(5, |_| ()), reading(0, |_| ())]);
    let backends = vec![
        backend(812, 2, "active"),
        backend(813, 2, "idle"),
        backend(814, 1, "active"),
    ];
    world.take(&answer::<Activity>(backends, None));
    world.take(&answer::<StatementProbe>(counted(), Some(SUBJECT.into())));
    world
}

fn page() -> Statement {
    Statement::new(SUBJECT)
}

#[test]
fn everything_that_is_known_of_it() {
    let world = busy();
    for (width, height) in [(80, 24), (120, 40), (40, 12)] {
        insta::assert_snapshot!(format!("{width}x{height}"), screen(&mut page(), &world, width, height));
    }
}

#[test]
fn the_text_is_set_out_and_copied_as_it_is() {
    let world = busy();
    let mut page = page();
    let raw = screen(&mut page, &world, 80, 24);
    assert_eq!(page.on(Action::Format, &world), Reply::Taken);
    let out = screen(&mut page, &world, 80, 24);
    assert!(
        raw.contains("from orders group by 1 order by 1") && !out.contains("from orders group by"),
        "{out}"
    );
    let copies = page.copies(&world);
    assert_eq!(copies[0].text, texts().get(2).unwrap().text.as_ref(), "raw");
    page.on(Action::Format, &world);
    assert_eq!(screen(&mut page, &world, 80, 24), raw);
}

#[test]
fn enter_leads_to_the_session_that_runs_it() {
    let world = busy();
    let mut page = page();
    screen(&mut page, &world, 80, 24);
    assert_eq!(
        page.on(Action::Enter, &world),
        Reply::Open(Subject::Backend { pid: 812, start: 7 })
    );
}

/// The answer to a demand.
fn planned(demand: Option<Demand>, answer: Result<&[&str], Fault>) -> Arc<Sample> {
    let (data, fault) = match answer {
        Ok(lines) => {
            let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            (Some(Arc::new(lines) as Data), None)
        }
        Err(fault) => (None, Some(fault)),
    };
    let ran = Ran {
        demand,
        started: Mono(ASKED),
        fault,
        ..Ran::of(&StatementPlan::SPEC, &server())
    };
    Arc::new(Sample { ran, data })
}

#[test]
fn the_plan_is_asked_for_once_and_can_be_taken_back() {
    let mut world = busy();
    let mut page = page();
    screen(&mut page, &world, 80, 30);
    assert_eq!(page.demand(), None);
    page.on(Action::Explain, &world);
    let first = page.demand();
    assert_eq!(first.map(|demand| demand.nth), Some(1));
    page.on(Action::Explain, &world);
    assert_eq!(page.demand(), None, "taken back");
    page.on(Action::Explain, &world);
    let mut screens = vec![screen(&mut page, &world, 80, 30)];
    let plan = [
        "Sort  (cost=1.0..2.0 rows=3 width=4)",
        "  ->  Seq Scan on orders  (cost=0.0..1.0)",
    ];
    world.take(&planned(first, Ok(&plan)));
    screens.push(screen(&mut page, &world, 80, 30));
    assert_eq!(page.demand(), None, "answered");
    let copies = page.copies(&world);
    assert!(
        copies
            .iter()
            .any(|copy| copy.what == "plan" && copy.text == plan.join("\n"))
    );

    page.on(Action::Explain, &world);
    let second = page.demand();
    assert_eq!(second.map(|demand| demand.nth), Some(2), "another one");
    let fault = Fault::new(
        FaultKind::Denied,
        "Its plan needs the rights the statement itself needs.",
    );
    world.take(&planned(second, Err(fault)));
    screens.push(screen(&mut page, &world, 80, 30));
    assert_eq!(page.demand(), None, "refused");
    insta::assert_snapshot!("plan", screens.join("\n\n"));
}

#[test]
fn what_may_not_be_planned_is_not_asked_for() {
    let refused = |change: &dyn Fn(&mut crate::pg::server::Server)| {
        let mut world = busy();
        let mut server = server();
        change(&mut server);
        world.server = Some(Arc::new(server));
        let mut page = page();
        screen(&mut page, &world, 80, 40);
        page.on(Action::Explain, &world);
        assert_eq!(page.demand(), None);
        screen(&mut page, &world, 120, 40)
    };
    assert!(refused(&|server| server.superuser = true).contains("Not as a superuser"));
    assert!(refused(&|server| server.version_num = 150_000).contains("needs PostgreSQL 16"));
    assert!(refused(&|server| server.database = "other".to_owned()).contains("It ran in database app"));
    let mut world = busy();
    let mut cut = texts();
    let text = Text {
        text: "select 1".into(),
        cut: true,
    };
    cut.insert(2, Some(text));
    world.take(&answer::<StatementTexts>(cut, None));
    let mut page = page();
    screen(&mut page, &world, 80, 40);
    page.on(Action::Explain, &world);
    assert!(screen(&mut page, &world, 120, 40).contains("too long to be fetched whole"));
}

#[test]
fn latency_lies_between_bounds() {
    let mut world = busy();
    let histogram = |calls: &[i64]| Histogram {
        bounds: vec![1.0, 2.5, f64::INFINITY],
        calls: calls.to_vec(),
        since: Some(1_763_645_400.0),
    };
    for (calls, expected) in [
        (
            &[90, 8, 2][..],
            "p95 1.0 to 2.5 ms · p99 more than 2.5 ms · 100 calls since 13:30:00 by pg_stat_monitor",
        ),
        (&[], ""),
    ] {
        world.take(&answer::<StatementLatency>(histogram(calls), Some(SUBJECT.into())));
        let shown = screen(&mut page(), &world, 120, 24);
        assert!(
            shown.contains(expected) && shown.contains("Latency") != expected.is_empty(),
            "{shown}"
        );
    }
}

#[test]
fn an_entry_that_is_gone_keeps_its_last_state() {
    let mut world = busy();
    let mut page = page();
    screen(&mut page, &world, 80, 24);
    world.now = Mono(ASKED + Duration::from_secs(8));
    let later = reading(0, |now| {
        now.epoch += 8.0;
        now.entries.retain(|entry| entry.key != key(2));
        now.all = 4;
    });
    let mut sample = Sample::clone(&later);
    sample.ran.started = Mono(ASKED + Duration::from_secs(8));
    world.take(&Arc::new(sample));
    world.take(&answer::<StatementProbe>(Counted::new(), Some(SUBJECT.into())));
    let gone = screen(&mut page, &world, 80, 24);
    assert!(
        gone.contains("This entry is gone") && gone.contains("max 1,251 ms"),
        "{gone}"
    );
}

#[test]
fn a_statement_whose_text_is_unknown_asks_for_it() {
    let world = busy();
    let mut unknown = Statement::new(key(5));
    let shown = screen(&mut unknown, &world, 80, 24);
    assert!(shown.contains("reading its text"), "{shown}");
    assert_eq!(unknown.keys(), [5]);
    let mut known = page();
    screen(&mut known, &world, 80, 24);
    assert_eq!(known.keys(), [0_i64; 0]);
}
