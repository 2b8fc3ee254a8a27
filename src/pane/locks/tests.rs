use super::*;
use crate::alert::Thing;
use crate::pane::testing::{answer, failure, screen, world};
use crate::pg::fault::{Fault, FaultKind};
use crate::probe::activity::Backend;
use crate::probe::locks::{Held, Names, Sample, Session, Tag, Wait};
use crate::probe::prepared::Prepared;

fn session(pid: i32, state: &str, xact_s: f64, query: &str) -> Session {
    Session {
        pid,
        start: i64::from(pid) * 1000,
        datname: Some("app".to_owned()),
        usename: Some("shop".to_owned()),
        application_name: Some("checkout-api".to_owned()),
        client: Some("10.0.3.7".to_owned()),
        backend_type: Some("client backend".to_owned()),
        state: Some(state.to_owned()),
        xact_s: Some(xact_s),
        query_s: Some(xact_s),
        state_s: Some(xact_s),
        query: Some(query.to_owned()),
        ..Session::default()
    }
}

fn orders() -> Tag {
    Tag {
        locktype: "relation".to_owned(),
        database: Some(5),
        relation: Some(16_400),
        ..Tag::default()
    }
}

fn behind(blockers: &[i32], seconds: f64, mode: &str, session: Session) -> Session {
    Session {
        wait: Some(Wait {
            tag: orders(),
            mode: mode.to_owned(),
            seconds: Some(seconds),
            blockers: blockers.to_vec(),
            names: Names {
                database: Some("app".to_owned()),
                relation: Some("public.orders".to_owned()),
                ..Names::default()
            },
        }),
        ..session
    }
}

fn holds(pid: i32, mode: &str, against: &str) -> Held {
    Held {
        pid,
        virtualtransaction: "4/22".to_owned(),
        tag: orders(),
        mode: mode.to_owned(),
        against: vec![against.to_owned()],
    }
}

fn sample(sessions: Vec<Session>, held: Vec<Held>) -> Sample {
    Sample {
        waiters: sessions.iter().filter(|session| session.wait.is_some()).count(),
        sessions,
        held,
    }
}

/// An idle transaction, an ALTER that waits for it, readers that wait for the ALTER.
fn incident() -> Sample {
    let root = session(
        700,
        "idle in transaction",
        1871.0,
        "select * from orders where id = 4711 for update",
    );
    let alter = session(812, "active", 252.0, "alter table orders\n  add column note text");
    let mut sessions = vec![root, behind(&[700], 252.0, "AccessExclusiveLock", alter)];
    sessions.extend((901..942).map(|pid| {
        let seconds = 251.0 - f64::from(pid - 901) * 6.0;
        let reader = session(pid, "active", seconds, "select \u{1b}[31m* from orders");
        behind(&[812], seconds, "AccessShareLock", reader)
    }));
    sample(sessions, vec![holds(700, "RowExclusiveLock", "AccessExclusiveLock")])
}

fn prepared() -> (Sample, Vec<Prepared>) {
    let waiter = session(812, "active", 90.0, "update orders set state = 'paid'");
    let sample = sample(
        vec![behind(&[0], 90.0, "AccessShareLock", waiter)],
        vec![holds(0, "AccessExclusiveLock", "AccessShareLock")],
    );
    let one = Prepared {
        gid: "o'brien".to_owned(),
        owner: "billing".to_owned(),
        database: "app".to_owned(),
        age_s: Some(7_200.0),
        virtualtransaction: "4/22".to_owned(),
        locks: 3,
        ..Prepared::default()
    };
    (sample, vec![one])
}

fn hangs(event: &str, query_s: f64) -> Backend {
    Backend {
        wait_event_type: Some("IPC".to_owned()),
        wait_event: Some(event.to_owned()),
        query_s: Some(query_s),
        ..Backend::default()
    }
}

fn hanging() -> World {
    let activity = answer::<Activity>(vec![hangs("SyncRep", 12.0), hangs("SyncRep", 3.0)], None);
    world(&[answer::<Probe>(incident(), None), activity])
}

fn shown(pane: &mut Locks, world: &World) -> String {
    screen(pane, world, 80, 20)
}

#[test]
fn the_incident_on_every_size() {
    for (width, height) in [(40, 12), (80, 24), (120, 40)] {
        let screen = screen(&mut Locks::default(), &hanging(), width, height);
        insta::assert_snapshot!(format!("incident_{width}x{height}"), screen);
    }
}

#[test]
fn a_prepared_transaction_is_copied_as_its_rollback() {
    let (sample, prepared) = prepared();
    let world = world(&[answer::<Probe>(sample, None), answer::<PreparedXacts>(prepared, None)]);
    let mut pane = Locks::default();
    insta::assert_snapshot!("prepared", screen(&mut pane, &world, 80, 12));
    let copies = pane.copies(&world);
    assert_eq!(
        copies[0].text,
        "ROLLBACK PREPARED 'o''brien'; -- run in database app, as billing, prepared 2025-11-20 11:32:10 UTC"
    );
    assert!(matches!(pane.on(Action::Enter, &world), Reply::Tell(_)));
}

#[test]
fn calm_loading_failed_and_not_asked_are_told_apart() {
    let fault = || Fault::new(FaultKind::Timeout, "Canceled after 1 s.");
    // What was known of the incident goes with the reason not to ask.
    let mut skipped = hanging();
    skipped.skip("locks", "the newest activity sample shows nobody");
    let mut old = world(&[answer::<Probe>(Sample::default(), None)]);
    old.now = crate::probe::Mono(std::time::Duration::from_mins(2));
    let first = |world: &World| {
        shown(&mut Locks::default(), world)
            .lines()
            .take(2)
            .collect::<Vec<_>>()
            .join("|")
    };
    assert_eq!(first(&world(&[])), " Asking who waits for a lock.|");
    assert_eq!(
        first(&world(&[answer::<Probe>(Sample::default(), None)])),
        " ✔ Nobody waits for a lock (pg_locks, 1s ago).|"
    );
    assert_eq!(
        first(&world(&[failure::<Probe>(fault(), None)])),
        " Canceled after 1 s.|"
    );
    // No all-clear beside what hangs on something else.
    assert_eq!(
        first(&skipped),
        " Nobody waits for a lock, but for other things:| Not asked: the newest activity sample shows nobody."
    );
    let mut idle = world(&[answer::<Activity>(Vec::new(), None)]);
    idle.skip("locks", "the newest activity sample shows nobody");
    assert!(first(&idle).starts_with(" ✔ Nobody waits for a lock.|"));
    // Nor by the word of a sample that is old.
    idle.now = crate::probe::Mono(std::time::Duration::from_mins(2));
    assert!(first(&idle).starts_with(" ○ Nobody waited for a lock 1m50s ago.|"));
    assert_eq!(first(&old), " ○ Nobody waited for a lock 1m50s ago.|");
}

#[test]
fn a_plain_role_sees_the_tree_and_the_grant() {
    let mut sample = incident();
    for session in &mut sample.sessions {
        *session = Session {
            pid: session.pid,
            datname: session.datname.take(),
            usename: session.usename.take(),
            hidden: true,
            wait: session.wait.take(),
            ..Session::default()
        };
    }
    insta::assert_snapshot!(
        "denied",
        screen(&mut Locks::default(), &world(&[answer::<Probe>(sample, None)]), 80, 16)
    );
}

#[test]
fn folds_open_and_the_selection_stays_on_its_session() {
    let world = hanging();
    let mut pane = Locks::default();
    shown(&mut pane, &world);
    pane.on(Action::Last, &world);
    assert!(matches!(pane.table.selected().map(Record::id), Some(Id::Fold(_))));
    assert_eq!(pane.on(Action::Enter, &world), Reply::Taken);
    assert!(shown(&mut pane, &world).contains("fold these 39 again"));
    pane.on(Action::Last, &world);
    pane.on(Action::Up, &world);
    assert_eq!(
        pane.on(Action::Enter, &world),
        Reply::Open(Subject::Backend {
            pid: 941,
            start: 941_000
        })
    );
    // The same session in the next answer, where everybody stands elsewhere.
    let mut next = incident();
    next.sessions.retain(|session| !(903..930).contains(&session.pid));
    let next = self::world(&[answer::<Probe>(next, None)]);
    shown(&mut pane, &next);
    assert_eq!(pane.node().map(|node| node.session.pid), Some(941));
    // Fold from inside closes the group and selects its line.
    assert_eq!(pane.on(Action::Fold, &next), Reply::Taken);
    assert!(matches!(pane.table.selected().map(Record::id), Some(Id::Fold(_))));
    // A root closes and opens.
    pane.on(Action::First, &next);
    pane.on(Action::Fold, &next);
    assert!(!shown(&mut pane, &next).contains("812"));
    pane.on(Action::Fold, &next);
    assert!(shown(&mut pane, &next).contains("812"));
}

#[test]
fn a_filter_finds_what_is_folded() {
    let world = hanging();
    let mut pane = Locks::default();
    pane.set_filter(pane.parse_filter("pid:930").unwrap());
    let screen = shown(&mut pane, &world);
    assert!(screen.contains("930") && !screen.contains("931"), "{screen}");
}

#[test]
fn statements_fit_what_the_session_does() {
    let world = hanging();
    let mut pane = Locks::default();
    shown(&mut pane, &world);
    let what = |pane: &Locks| {
        pane.copies(&world)
            .into_iter()
            .map(|copy| copy.what)
            .take(3)
            .collect::<Vec<_>>()
    };
    let (cancel, terminate) = ("SELECT pg_cancel_backend", "SELECT pg_terminate_backend");
    // It runs no statement: there is nothing to cancel.
    assert_eq!(
        what(&pane)[..2],
        [format!("{terminate}(700);"), "query text".to_owned()]
    );
    assert_eq!(
        pane.copies(&world)[0].text,
        "SELECT pg_terminate_backend(700); -- shop@app, checkout-api, 10.0.3.7, idle in transaction since 2025-11-20 13:00:59 UTC"
    );
    pane.on(Action::Down, &world);
    assert_eq!(
        what(&pane),
        [
            format!("{cancel}(812);"),
            format!("{terminate}(812);"),
            "query text".to_owned()
        ]
    );
}

#[test]
fn the_badge_counts_waiters_and_what_was_left_out() {
    let badge = |sample: Sample| {
        let mut pane = Locks::default();
        pane.derive(&world(&[answer::<Probe>(sample, None)]));
        pane.badge().map(|badge| (badge.severity, badge.count))
    };
    assert_eq!(badge(Sample::default()), None);
    assert_eq!(badge(incident()), Some((Severity::Critical, 42)));
    let mut cut = incident();
    cut.waiters = 5_012;
    assert_eq!(badge(cut), Some((Severity::Critical, 5_012)));
    let brief = behind(&[1], 0.1, "ShareLock", session(2, "active", 0.1, ""));
    assert_eq!(badge(sample(vec![brief], vec![])), Some((Severity::Notice, 1)));
    // Commits that hang on a standby are no locks, and yet what is looked for here.
    let mut pane = Locks::default();
    pane.derive(&world(&[answer::<Activity>(
        vec![hangs("SyncRep", 12.0), hangs("SyncRep", 3.0)],
        None,
    )]));
    let badge = pane.badge().map(|badge| (badge.severity, badge.count));
    assert_eq!(badge, Some((Severity::Warning, 2)));
}

#[test]
fn what_was_left_out_is_said() {
    let mut cut = incident();
    cut.waiters = 5_012;
    let screen = shown(&mut Locks::default(), &world(&[answer::<Probe>(cut, None)]));
    assert!(screen.contains("shows 42 of 5,012 waits"), "{screen}");
}

#[test]
fn a_chain_deeper_than_any_screen_ends_with_a_sentence() {
    let chain = |pid: i32| behind(&[pid - 1], 1.0, "ShareLock", session(pid, "active", 1.0, ""));
    let mut sessions = vec![session(1, "active", 9.0, "")];
    sessions.extend((2..500).map(chain));
    let mut pane = Locks::default();
    let world = world(&[answer::<Probe>(sample(sessions, vec![]), None)]);
    shown(&mut pane, &world);
    pane.on(Action::Last, &world);
    let screen = shown(&mut pane, &world);
    assert!(screen.contains("498 waiting"), "{screen}");
    assert_eq!(pane.table.shown_of().0, 201);
}

#[test]
fn the_table_that_is_waited_for_opens_from_waiter_and_root() {
    let world = hanging();
    let mut pane = Locks::default();
    shown(&mut pane, &world);
    let table = Reply::Open(Subject::Relation(16_400));
    pane.on(Action::First, &world);
    assert_eq!(
        pane.on(Action::Object, &world),
        table,
        "the root, by what those behind it wait for"
    );
    pane.on(Action::Down, &world);
    assert_eq!(pane.on(Action::Object, &world), table);
}

#[test]
fn why_there_is_no_newer_answer_stands_beside_the_last_one() {
    let fault = Fault::new(FaultKind::Timeout, "The server took too long.");
    for last in [incident(), Sample::default()] {
        let world = world(&[answer::<Probe>(last, None), failure::<Probe>(fault.clone(), None)]);
        let shown = screen(pane().as_mut(), &world, 80, 24);
        assert!(shown.contains("The server took too long."), "{shown}");
    }
}

fn thing(pid: i32) -> Thing {
    Thing::Backend {
        pid,
        start: i64::from(pid) * 1000,
    }
}

#[test]
fn what_an_alert_speaks_of_is_found_wherever_it_is_hidden() {
    let mut pane = Locks::default();
    let world = world(&[answer::<Probe>(incident(), None)]);
    screen(&mut pane, &world, 80, 20);
    let jump = |thing: Thing| Jump::to("locks").row(thing);
    assert!(pane.seek(&jump(thing(700))));
    // Folded away among those that wait alike, under a session that was closed, and left out by the filter.
    assert!(pane.table.rows().iter().all(|row| row.id() != Id::Node(node_of(930))));
    pane.opened.closed.insert(node_of(812));
    pane.set_filter(pane.parse_filter("pid:812").unwrap());
    assert!(pane.seek(&jump(thing(930))));
    screen(&mut pane, &world, 80, 20);
    assert_eq!(pane.table.selected().map(Record::id), Some(Id::Node(node_of(930))));
    // Another backend with the same pid is somebody else.
    let other = Thing::Backend { pid: 700, start: 1 };
    assert!(!pane.seek(&jump(other)) && !pane.seek(&jump(thing(4))));
    assert!(pane.seek(&Jump::to("locks")), "no row is asked for");
}

fn node_of(pid: i32) -> Who {
    Who::Backend {
        pid,
        start: i64::from(pid) * 1000,
    }
}
