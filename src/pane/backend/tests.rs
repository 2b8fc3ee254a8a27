use super::*;
use crate::pane::testing::{answer, failure, screen, world};
use crate::pg::fault::{Fault, FaultKind};
use crate::probe::activity::Backend as Row;
use crate::probe::backend::Encryption;
use crate::probe::backend_locks::Lock;
use crate::probe::locks::{self as blocking, Names, Tag};

const SUBJECT: Subject = Subject::Backend { pid: 812, start: 1 };

fn page() -> Backend {
    Backend::new(812, 1)
}

fn detail() -> Detail {
    Detail {
        pid: 812,
        datname: Some("app".to_owned()),
        usename: Some("alice".to_owned()),
        application_name: Some("checkout-api".to_owned()),
        client: Some("10.0.3.7".to_owned()),
        client_port: Some(51_234),
        backend_type: Some("client backend".to_owned()),
        state: Some("active".to_owned()),
        wait_event_type: Some("Lock".to_owned()),
        wait_event: Some("relation".to_owned()),
        backend_start: Some(1_763_640_000.0),
        backend_s: Some(5530.0),
        xact_s: Some(252.5),
        query_s: Some(252.0),
        state_s: Some(252.0),
        now: 1_763_645_530.0,
        xid: Some("4711".to_owned()),
        xid_age: Some(12),
        xmin: Some("4700".to_owned()),
        xmin_age: Some(1_200_023),
        blocked_by: vec![0, 700],
        query: Some("alter table orders\n  add column note text,\n\tadd column \u{1b}[31mx int\r\n".to_owned()),
        encryption: Some(Encryption::Tls {
            version: "TLSv1.3".to_owned(),
            cipher: "TLS_AES_256_GCM_SHA384".to_owned(),
            client_dn: Some("CN=alice".to_owned()),
        }),
        ..Detail::default()
    }
}

fn locks() -> Locks {
    let lock = |granted, mode: &str, strength, relation: Option<&str>, database: &str| Lock {
        granted,
        mode: mode.to_owned(),
        strength,
        tag: Tag {
            locktype: "relation".to_owned(),
            relation: Some(16_384),
            ..Tag::default()
        },
        names: Names {
            database: Some(database.to_owned()),
            relation: relation.map(str::to_owned),
            ..Names::default()
        },
        wait_s: (!granted).then_some(252.0),
    };
    Locks {
        locks: vec![
            lock(false, "AccessExclusiveLock", 8, Some("public.orders"), "app"),
            lock(true, "ShareRowExclusiveLock", 6, Some("public.customers"), "app"),
            lock(true, "AccessShareLock", 1, None, "other"),
        ],
        all: 1204,
        awaited: 1,
    }
}

fn blocker() -> Row {
    Row {
        pid: 700,
        start: 7,
        state: Some("idle in transaction".to_owned()),
        backend_type: Some("client backend".to_owned()),
        xact_s: Some(1871.0),
        usename: Some("bob".to_owned()),
        ..Row::default()
    }
}

fn index() -> Progress {
    Progress {
        command: Some("CREATE INDEX".to_owned()),
        phase: Some("building index: scanning table".to_owned()),
        done: Some(265),
        total: Some(896),
        unit: Some("blocks".to_owned()),
        pid: 812,
        start: 1,
        name: Some(("public".to_owned(), "orders".to_owned())),
        ..Progress::default()
    }
}

fn full() -> World {
    let waits = blocking::Session {
        pid: 901,
        wait: Some(blocking::Wait {
            tag: Tag::default(),
            mode: "AccessShareLock".to_owned(),
            seconds: None,
            blockers: vec![812],
            names: Names::default(),
        }),
        ..blocking::Session::default()
    };
    world(&[
        answer::<Activity>(vec![blocker()], None),
        answer::<blocking::Locks>(
            blocking::Sample {
                waiters: 1,
                sessions: vec![waits],
                held: Vec::new(),
            },
            None,
        ),
        answer::<Probe>(Some(detail()), Some(SUBJECT)),
        answer::<BackendLocks>(locks(), Some(SUBJECT)),
        answer::<ProgressProbe>(vec![index()], None),
    ])
}

#[test]
fn screens() {
    for (width, height) in [(40, 12), (80, 24), (120, 40), (200, 60)] {
        insta::assert_snapshot!(format!("{width}x{height}"), screen(&mut page(), &full(), width, height));
    }
}

#[test]
fn the_statement_is_highlighted() {
    let mut page = page();
    screen(&mut page, &full(), 80, 24);
    let keyword = |(role, text): &(Role, String)| *role == Role::SqlKeyword && text == "alter";
    assert!(
        page.page.lines().iter().flatten().any(keyword),
        "{:?}",
        page.page.lines()
    );
}

#[test]
fn too_small_for_anything() {
    for (width, height) in [(0, 0), (1, 1), (2, 1), (1, 9), (9, 2)] {
        screen(&mut page(), &full(), width, height);
    }
}

#[test]
fn states() {
    let fault =
        Fault::new(FaultKind::Timeout, "The server did not answer within 1 s.").with_remedy("It is asked again.");
    let first = |world: &World| screen(&mut page(), world, 80, 6);
    let other = Some(Subject::Backend { pid: 812, start: 2 });
    let hidden = Detail {
        pid: 812,
        hidden: true,
        usename: Some("bob".to_owned()),
        blocked_by: vec![700],
        ..Detail::default()
    };
    let mut gone = page();
    screen(&mut gone, &full(), 80, 24);
    let screens = [
        first(&world(&[])),
        // What is known of another backend with the same pid is not shown.
        first(&world(&[answer::<Probe>(Some(detail()), other)])),
        first(&world(&[failure::<Probe>(fault.clone(), Some(SUBJECT))])),
        first(&world(&[answer::<Probe>(Some(hidden), Some(SUBJECT))])),
        first(&world(&[answer::<Probe>(None, Some(SUBJECT))])),
        screen(&mut gone, &world(&[answer::<Probe>(None, Some(SUBJECT))]), 80, 24),
        first(&world(&[
            answer::<Probe>(Some(detail()), Some(SUBJECT)),
            failure::<Probe>(fault, Some(SUBJECT)),
        ])),
    ];
    insta::assert_snapshot!("states", screens.join("\n--\n"));
}

#[test]
fn a_long_statement_is_folded_and_scrolls() {
    let query: Vec<String> = (1..=60).map(|n| format!("select {n}")).collect();
    let long = Detail {
        query: Some(query.join("\n")),
        cut: true,
        blocked_by: Vec::new(),
        ..detail()
    };
    let world = world(&[answer::<Probe>(Some(long), Some(SUBJECT))]);
    let mut page = page();
    let folded = screen(&mut page, &world, 80, 24);
    assert!(
        folded.contains("select 8\n") && folded.contains("52 more lines") && !folded.contains("select 9"),
        "{folded}"
    );
    assert!(folded.contains("pg_terminate_backend"), "{folded}");
    assert_eq!(page.on(Action::Fold, &world), Reply::Taken);
    let unfolded = screen(&mut page, &world, 80, 24);
    assert!(
        unfolded.contains("select 9\n") && !unfolded.contains("more lines"),
        "{unfolded}"
    );
    page.on(Action::Last, &world);
    let end = screen(&mut page, &world, 80, 24);
    assert!(
        end.contains("select 60\n") && end.contains("track_activity_query_size"),
        "{end}"
    );
    page.on(Action::First, &world);
    assert_eq!(screen(&mut page, &world, 80, 24), unfolded);
}

#[test]
fn enter_goes_up_the_chain() {
    let mut page = page();
    assert_eq!(page.on(Action::Enter, &full()), Reply::Ignored);
    screen(&mut page, &full(), 80, 24);
    // 0 is a prepared transaction, which has no page.
    assert_eq!(
        page.on(Action::Enter, &full()),
        Reply::Open(Subject::Backend { pid: 700, start: 7 })
    );
    assert!(page.actions().contains(&Action::Enter));
}

#[test]
fn copies() {
    let mut page = page();
    assert_eq!(page.copies(&full()), []);
    screen(&mut page, &full(), 80, 24);
    let copies = page.copies(&full());
    let whats: Vec<&str> = copies.iter().map(|copy| copy.what.as_str()).collect();
    assert_eq!(
        whats,
        [
            "SELECT pg_cancel_backend(812);",
            "SELECT pg_terminate_backend(812);",
            "query text"
        ]
    );
    assert_eq!(
        Some(&copies[2].text),
        detail().query.as_ref(),
        "raw, as it is on the server"
    );
}
