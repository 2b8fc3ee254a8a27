use std::sync::Arc;

use super::*;
use crate::pane::testing::{answer, failure, screen, world};
use crate::pg::fault::{Fault, FaultKind};
use crate::probe::locks::Locks;
use crate::probe::{Sample, locks as probe_locks};

fn client(pid: i32, state: &str, xact_s: Option<f64>, query: &str) -> Backend {
    Backend {
        pid,
        start: i64::from(pid),
        state: Some(state.to_owned()),
        backend_type: Some("client backend".to_owned()),
        datname: Some("app".to_owned()),
        usename: Some("alice".to_owned()),
        application_name: Some("checkout-api".to_owned()),
        client: Some("10.0.3.7".to_owned()),
        xact_s,
        query_s: xact_s,
        state_s: Some(4.0),
        query: Some(query.to_owned()),
        ..Backend::default()
    }
}

fn waits(class: &str, event: &str, backend: Backend) -> Backend {
    Backend {
        wait_event_type: Some(class.to_owned()),
        wait_event: Some(event.to_owned()),
        ..backend
    }
}

fn incident() -> Vec<Backend> {
    let worker = |pid| Backend {
        leader_pid: Some(905),
        backend_type: Some("parallel worker".to_owned()),
        ..client(pid, "active", Some(3.1), "select count(*) from orders")
    };
    vec![
        waits(
            "Client",
            "ClientRead",
            client(
                700,
                "idle in transaction",
                Some(1871.0),
                "select * from orders where id = 4711 for update",
            ),
        ),
        waits(
            "Lock",
            "relation",
            client(812, "active", Some(252.0), "alter table orders\n  add column note text"),
        ),
        waits(
            "Lock",
            "transactionid",
            client(
                901,
                "active",
                Some(251.0),
                "update orders set state = 'paid' where id = 4711",
            ),
        ),
        waits(
            "IO",
            "DataFileRead",
            client(902, "active", Some(0.8), "select \u{1b}[31mred\u{1b}[0m\r\n from t"),
        ),
        client(905, "active", Some(3.2), "select count(*) from orders"),
        worker(906),
        worker(907),
        waits("Client", "ClientRead", client(950, "idle", None, "commit")),
        Backend {
            pid: 960,
            hidden: true,
            datname: Some("app".to_owned()),
            usename: Some("bob".to_owned()),
            ..Backend::default()
        },
        Backend {
            pid: 33,
            backend_type: Some("checkpointer".to_owned()),
            query: Some(String::new()),
            ..Backend::default()
        },
    ]
}

/// The incident with what the locks probe says of it: 700 stands in the way of 812, and both in the way of 901.
fn blocked() -> Vec<Arc<Sample>> {
    let waits = |pid, blockers: &[i32]| probe_locks::Session {
        pid,
        wait: Some(probe_locks::Wait {
            tag: probe_locks::Tag::default(),
            mode: "AccessExclusiveLock".to_owned(),
            seconds: None,
            blockers: blockers.to_vec(),
            names: probe_locks::Names::default(),
        }),
        ..probe_locks::Session::default()
    };
    let sample = probe_locks::Sample {
        waiters: 2,
        sessions: vec![waits(812, &[700]), waits(901, &[700, 812])],
        held: Vec::new(),
    };
    vec![answer::<Probe>(incident(), None), answer::<Locks>(sample, None)]
}

#[test]
fn screens() {
    for (width, height) in [(40, 12), (80, 24), (120, 40), (200, 60)] {
        let world = world(&blocked());
        insta::assert_snapshot!(
            format!("{width}x{height}"),
            screen(&mut Activity::default(), &world, width, height)
        );
    }
}

#[test]
fn too_small_for_anything() {
    let world = world(&blocked());
    for (width, height) in [(0, 0), (1, 1), (2, 1), (1, 9), (9, 2), (12, 4)] {
        screen(&mut Activity::default(), &world, width, height);
    }
}

#[test]
fn the_views_and_their_neighbours() {
    let world = world(&blocked());
    let mut pane = Activity::default();
    let mut screens = Vec::new();
    for _ in 0..4 {
        assert_eq!(pane.on(Action::NextView, &world), Reply::Taken);
        screens.push(screen(&mut pane, &world, 80, 8));
    }
    pane.on(Action::NextView, &world);
    pane.on(Action::Background, &world);
    for _ in 0..3 {
        pane.on(Action::MinDuration, &world);
    }
    screens.push(screen(&mut pane, &world, 80, 9));
    insta::assert_snapshot!("views", screens.join("\n\n"));
}

#[test]
fn nothing_yet_and_nothing_at_all() {
    let first = |world: &World| screen(&mut Activity::default(), world, 80, 6);
    let fault =
        Fault::new(FaultKind::Timeout, "The server did not answer within 1 s.").with_remedy("It is asked again.");
    let quiet = world(&[answer::<Probe>(Vec::new(), None)]);
    let mut old = incident();
    old.truncate(2);
    let stale = world(&[answer::<Probe>(old, None), failure::<Probe>(fault.clone(), None)]);
    let mut filtered = Activity::default();
    let filter = filtered.parse_filter("user:nobody").unwrap();
    filtered.set_filter(filter);
    let screens = [
        first(&world(&[])),
        first(&world(&[failure::<Probe>(fault, None)])),
        first(&quiet),
        first(&stale),
        screen(&mut filtered, &world(&blocked()), 80, 6),
    ];
    insta::assert_snapshot!("empty", screens.join("\n\n"));
}

#[test]
fn hidden_sessions_are_never_an_all_clear() {
    let hidden = Backend {
        pid: 960,
        hidden: true,
        datname: Some("app".to_owned()),
        ..Backend::default()
    };
    let world = world(&[answer::<Probe>(vec![hidden], None)]);
    let mut pane = Activity::default();
    pane.on(Action::NextView, &world);
    let active = screen(&mut pane, &world, 80, 6);
    assert!(
        active.contains("[active 0+]") && active.contains("blocking 0 "),
        "{active}"
    );
    let said = "No session that this role can see runs a statement. 1 of 1 sessions are hidden";
    assert!(
        active.contains(said) && active.contains("GRANT pg_monitor TO monitor;"),
        "{active}"
    );
}

#[test]
fn the_selection_stays_on_its_backend() {
    let mut pane = Activity::default();
    screen(&mut pane, &world(&blocked()), 80, 24);
    pane.on(Action::Down, &world(&[]));
    let there = pane.on(Action::Enter, &world(&[]));
    assert_eq!(there, Reply::Open(Subject::Backend { pid: 812, start: 812 }));
    let mut later = incident();
    later.insert(0, client(100, "active", Some(9999.0), "select 1"));
    screen(&mut pane, &world(&[answer::<Probe>(later, None)]), 80, 24);
    assert_eq!(pane.on(Action::Enter, &world(&[])), there);
}

#[test]
fn what_can_be_copied_names_the_backend() {
    let mut pane = Activity::default();
    let world = world(&blocked());
    screen(&mut pane, &world, 80, 24);
    let copies = pane.copies(&world);
    let text = |what: &str| {
        copies
            .iter()
            .find(|copy| copy.what == what)
            .map(|copy| copy.text.as_str())
    };
    assert_eq!(
        text("SELECT pg_terminate_backend(700);"),
        Some(
            "SELECT pg_terminate_backend(700); -- alice@app, checkout-api, 10.0.3.7, \
             idle in transaction since 2025-11-20 13:32:06 UTC"
        )
    );
    assert_eq!(
        text("query text"),
        Some("select * from orders where id = 4711 for update")
    );
    assert!(
        text("row").is_some_and(|row| row.starts_with("700\t31m\t4.0s\tidle tx\t2 wait\t")),
        "{:?}",
        text("row")
    );
    assert_eq!(text("database"), Some("app"));
}

#[test]
fn the_tab_counts_long_idle_transactions() {
    let mut pane = Activity::default();
    screen(&mut pane, &world(&blocked()), 80, 24);
    assert_eq!(
        pane.badge(),
        Some(Badge {
            severity: Severity::Warning,
            count: 1
        })
    );
    screen(&mut pane, &world(&[answer::<Probe>(Vec::new(), None)]), 80, 24);
    assert_eq!(pane.badge(), None);
}

#[test]
fn every_column_can_be_filtered_and_sorted() {
    let mut pane = Activity::default();
    let world = world(&blocked());
    for column in Row::columns() {
        pane.parse_filter(&format!("{}:x", column.id)).unwrap();
        pane.on(Action::SortNext, &world);
        pane.on(Action::Reverse, &world);
        screen(&mut pane, &world, 80, 24);
    }
    assert!(pane.parse_filter("nonsense:x").is_err());
}

#[test]
fn what_an_alert_speaks_of_is_found_whatever_hides_it() {
    let mut pane = Activity::default();
    let world = world(&[answer::<Probe>(incident(), None)]);
    pane.derive(&world);
    let jump = |pid: i32| {
        Jump::to("activity").row(Thing::Backend {
            pid,
            start: i64::from(pid),
        })
    };
    pane.options = Options {
        view: activity::View::Waiting,
        min_duration: 1800,
        background: false,
    };
    pane.set_filter(pane.parse_filter("nobody").unwrap());
    pane.derive(&world);
    assert_eq!(pane.table.shown_of().0, 0);
    assert!(pane.seek(&jump(700)));
    pane.derive(&world);
    assert_eq!(pane.selected().map(|row| row.backend.pid), Some(700));
    assert!(!pane.seek(&jump(1)), "nobody of that pid is there");
    assert!(pane.seek(&Jump::to("activity")), "no row is asked for");
}
