use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::action::Action;
use crate::known::Freshness;
use crate::model::concern::Severity;
use crate::pane::testing::{answer, screen, standby, world};
use crate::pane::{Badge, Reply};
use crate::probe::Subject;
use crate::probe::activity::{Activity, Backend};
use crate::probe::autovacuum::{AutovacuumProbe, Queue, Setting, Table, Totals};
use crate::probe::horizon::{Holder, HorizonProbe};
use crate::probe::locks::{Held, Locks, Names, Sample, Session, Tag, Wait};
use crate::probe::progress::{Mark, Progress, ProgressProbe};
use crate::world::World;

fn saving() -> Progress {
    Progress {
        pid: 4242,
        start: 1,
        backend_type: Some("autovacuum worker".into()),
        command: Some("VACUUM".into()),
        phase: Some("scanning heap".into()),
        done: Some(61_000),
        total: Some(83_340),
        unit: Some("blocks".into()),
        rounds: Some(0),
        indexes_done: Some(0),
        indexes_total: Some(3),
        dead: Some(512_000),
        dead_bytes: Some(1 << 20),
        dead_room_bytes: Some(64 << 20),
        delay_ms: Some(31_000.0),
        database: Some("app".into()),
        relid: Some(16_384),
        name: Some(("public".into(), "orders".into())),
        epoch: 1_763_645_530.0,
        since_s: Some(62.0),
        wait_event_type: Some("Timeout".into()),
        wait_event: Some("VacuumDelay".into()),
        query: Some("autovacuum: VACUUM public.orders (to prevent wraparound)".into()),
        marks: vec![
            Mark {
                epoch: 1_763_645_470.0,
                done: 1000,
            },
            Mark {
                epoch: 1_763_645_530.0,
                done: 61_000,
            },
        ],
        ..Progress::default()
    }
}

fn commands() -> Vec<Progress> {
    let build = Progress {
        pid: 901,
        start: 1,
        backend_type: Some("client backend".into()),
        command: Some("CREATE INDEX CONCURRENTLY".into()),
        phase: Some("waiting for old snapshots".into()),
        done: Some(1),
        total: Some(3),
        unit: Some("lockers".into()),
        locker_pid: Some(700),
        relid: Some(17_000),
        database: Some("warehouse".into()),
        epoch: 1_763_645_530.0,
        since_s: Some(3700.0),
        query: Some("create index concurrently on events (at)".into()),
        ..Progress::default()
    };
    let still = Progress {
        pid: 905,
        start: 1,
        command: Some("COPY FROM".into()),
        phase: Some("PIPE".into()),
        done: Some(4 << 20),
        unit: Some("bytes".into()),
        name: Some(("public".into(), "import".into())),
        epoch: 1_763_645_530.0,
        since_s: Some(30.0),
        marks: vec![
            Mark {
                epoch: 1_763_645_500.0,
                done: 4 << 20,
            },
            Mark {
                epoch: 1_763_645_530.0,
                done: 4 << 20,
            },
        ],
        ..Progress::default()
    };
    vec![saving(), build, still]
}

/// 812 waits behind the vacuum.
fn locks() -> Sample {
    let tag = Tag {
        locktype: "relation".into(),
        relation: Some(16_384),
        ..Tag::default()
    };
    let waiter = Session {
        pid: 812,
        start: 1,
        wait: Some(Wait {
            tag: tag.clone(),
            mode: "AccessExclusiveLock".into(),
            seconds: Some(20.0),
            blockers: vec![4242],
            names: Names::default(),
        }),
        ..Session::default()
    };
    let holder = Session {
        pid: 4242,
        start: 1,
        ..Session::default()
    };
    Sample {
        waiters: 1,
        sessions: vec![waiter, holder],
        held: vec![Held {
            pid: 4242,
            virtualtransaction: "3/1".into(),
            tag,
            mode: "ShareUpdateExclusiveLock".into(),
            against: vec!["AccessExclusiveLock".into()],
        }],
    }
}

fn table(relid: u32, name: &str, dead: i64) -> Table {
    Table {
        relid,
        nspname: "public".into(),
        relname: name.into(),
        relkind: "r".into(),
        reltuples: 100_000.0,
        relpages: 1000,
        relallfrozen: Some(250),
        enabled: true,
        vacuum_base: 50.0,
        vacuum_scale: 0.2,
        vacuum_max: Some(1e8),
        insert_base: Some(1000.0),
        insert_scale: Some(0.2),
        analyze_base: 50.0,
        analyze_scale: 0.1,
        live: 100_000,
        dead,
        inserted: Some(700),
        modified: dead,
        autovacuum_s: Some(7200.0),
        vacuums: (0, 12),
        analyzes: (1, 15),
        analyze_s: Some(86_400.0),
        autoanalyze_s: Some(7200.0),
        ..Table::default()
    }
}

fn queue() -> Queue {
    let disabled = Table {
        enabled: false,
        ..table(17_001, "audit", 90_000)
    };
    let toast = Table {
        relkind: "t".into(),
        owner: Some((16_384, "public".into(), "orders".into())),
        ..table(17_002, "pg_toast_16384", 22_000)
    };
    let parent = Table {
        relkind: "p".into(),
        leaves: Some(400_000.0),
        modified: 300_000,
        autovacuum_s: None,
        autoanalyze_s: None,
        ..table(17_003, "events", 0)
    };
    Queue {
        epoch: 1_763_645_530.0,
        setting: Setting {
            active: true,
            max_workers: 3,
            worker_slots: Some(16),
            naptime_s: 60.0,
            cost_limit: 200,
            cost_delay_ms: 2.0,
        },
        totals: Totals {
            tables: 105_068,
            dead: 162_000,
            dead_catalog: 300,
            over_vacuum: 3,
            over_insert: 0,
            over_analyze: 2,
            over: 3,
            over_disabled: 1,
        },
        tables: vec![
            disabled,
            parent,
            table(16_384, "orders", 50_000),
            toast,
            table(17_004, "calm", 3000),
        ],
        others: Vec::new(),
    }
}

fn holders() -> Vec<Holder> {
    let holder = |kind: &str, name: &str, xmin_age| Holder {
        kind: kind.into(),
        name: name.into(),
        xmin_age,
        here: true,
        ..Holder::default()
    };
    vec![
        Holder {
            active: Some(false),
            state: Some("logical".into()),
            detail: Some("logical · inactive".into()),
            ..holder("slot catalog", "cdc", 12_000_000)
        },
        Holder {
            pid: Some(700),
            start: Some(7),
            age_s: Some(7201.0),
            database: Some("app".into()),
            application: Some("checkout-api".into()),
            state: Some("idle in transaction".into()),
            detail: Some("checkout-api · idle in transaction".into()),
            ..holder("session", "shop", 1_200_000)
        },
        Holder {
            database: Some("app".into()),
            age_s: Some(60.0),
            detail: Some("bob".into()),
            ..holder("prepared transaction", "tx-1", 900)
        },
    ]
}

fn backends() -> Vec<Backend> {
    let backend = |pid, kind: &str, state: &str| Backend {
        pid,
        start: 7,
        backend_type: Some(kind.into()),
        state: Some(state.into()),
        usename: Some("shop".into()),
        datname: Some("app".into()),
        ..Backend::default()
    };
    let holding = Backend {
        xmin_age: Some(1_200_000),
        ..backend(700, "client backend", "idle in transaction")
    };
    vec![
        holding,
        backend(701, "client backend", "idle in transaction"),
        backend(4242, "autovacuum worker", "active"),
    ]
}

fn busy() -> World {
    world(&[
        answer::<Activity>(backends(), None),
        answer::<Locks>(locks(), None),
        answer::<ProgressProbe>(commands(), None),
        answer::<AutovacuumProbe>(queue(), None),
        answer::<HorizonProbe>(holders(), None),
    ])
}

#[test]
fn each_panel_at_80x24() {
    let mut view = pane();
    for panel in ["running", "queue", "horizon"] {
        insta::assert_snapshot!(format!("{panel}_80x24"), screen(view.as_mut(), &busy(), 80, 24));
        assert_eq!(view.on(Action::NextView, &busy()), Reply::Taken);
    }
}

#[test]
fn all_panels_where_there_is_room() {
    insta::assert_snapshot!("all_120x40", screen(pane().as_mut(), &busy(), 120, 40));
}

#[test]
fn calm_and_unknown_look_calm_and_unknown() {
    let calm = world(&[
        answer::<Activity>(Vec::new(), None),
        answer::<ProgressProbe>(Vec::new(), None),
        answer::<AutovacuumProbe>(
            Queue {
                tables: Vec::new(),
                totals: Totals {
                    tables: 68,
                    ..Totals::default()
                },
                ..queue()
            },
            None,
        ),
        answer::<HorizonProbe>(Vec::new(), None),
    ]);
    let mut view = pane();
    insta::assert_snapshot!("calm_120x40", screen(view.as_mut(), &calm, 120, 40));
    assert_eq!(view.badge(), None);
    let mut standby = calm;
    standby.skip("autovacuum", "a standby has no autovacuum");
    let shown = screen(pane().as_mut(), &standby, 120, 40);
    assert!(shown.contains("Not asked: a standby has no autovacuum."), "{shown}");
    let before = screen(pane().as_mut(), &world(&[]), 120, 40);
    assert!(before.contains("Asking for running commands."), "{before}");
}

#[test]
fn what_is_hidden_says_so() {
    let hidden = Progress {
        pid: 9,
        database: Some("app".into()),
        relid: None,
        ..Progress::default()
    };
    let unseen = Backend {
        pid: 9,
        usename: Some("shop".into()),
        hidden: true,
        ..Backend::default()
    };
    let world = world(&[
        answer::<Activity>(vec![unseen], None),
        answer::<ProgressProbe>(vec![hidden], None),
        answer::<AutovacuumProbe>(queue(), None),
        answer::<HorizonProbe>(Vec::new(), None),
    ]);
    let shown = screen(pane().as_mut(), &world, 120, 40);
    assert!(
        shown.contains("How far 1 of 1 command got is hidden from this role.  GRANT pg_monitor"),
        "{shown}"
    );
    assert!(!shown.contains("whole server"), "{shown}");
    assert!(shown.contains("?/3 workers busy"), "{shown}");
    assert!(shown.contains("Nobody that this role can see"), "{shown}");
}

#[test]
fn an_answer_is_fresh_for_as_long_as_it_was_dear() {
    let stale_after = |took: u64, later: u64| {
        let mut sample = answer::<AutovacuumProbe>(queue(), None);
        Arc::get_mut(&mut sample).unwrap().ran.took = Duration::from_millis(took);
        let mut world = world(&[sample]);
        world.now.0 += Duration::from_secs(later);
        matches!(world.freshness("autovacuum"), Freshness::Stale(_))
    };
    assert!(!stale_after(300, 300), "asked again after 300 s");
    assert!(stale_after(300, 350));
    assert!(stale_after(1, 60), "a cheap one every 15 s");
}

#[test]
fn the_tab_tells_the_worst() {
    let mut view = pane();
    view.derive(&busy());
    // One disabled table; two old holders.
    let expected = Badge {
        severity: Severity::Warning,
        count: 3,
    };
    assert_eq!(view.badge(), Some(expected));
}

#[test]
fn enter_opens_what_the_row_is_about_and_y_copies_the_remedy() {
    let world = busy();
    let mut view = pane();
    let on = |view: &mut dyn View, actions: &[Action]| {
        screen(view, &world, 80, 24);
        actions.iter().map(|action| view.on(*action, &world)).last().unwrap()
    };
    let backend = |pid, start| Reply::Open(Subject::Backend { pid, start });
    assert_eq!(on(view.as_mut(), &[Action::First, Action::Enter]), backend(901, 1));
    on(view.as_mut(), &[Action::NextView]);
    assert_eq!(
        on(view.as_mut(), &[Action::First, Action::Enter]),
        Reply::Open(Subject::Relation(17_003))
    );
    on(view.as_mut(), &[Action::NextView]);
    let slot = on(view.as_mut(), &[Action::First, Action::Enter]);
    assert_eq!(slot, Reply::Tell("No process stands behind it.".to_owned()));
    let first = |view: &dyn View| view.copies(&world).first().map(|copy| copy.text.clone()).unwrap();
    assert!(first(view.as_ref()).starts_with("SELECT pg_drop_replication_slot('cdc'); -- WARNING"));
    assert_eq!(on(view.as_mut(), &[Action::Down, Action::Enter]), backend(700, 7));
    assert!(
        first(view.as_ref()).starts_with("SELECT pg_terminate_backend(700); -- shop@app"),
        "{}",
        first(view.as_ref())
    );
    on(view.as_mut(), &[Action::Down]);
    assert!(first(view.as_ref()).starts_with("ROLLBACK PREPARED 'tx-1'; -- run in database app, as bob"));
}

#[test]
fn an_alert_leads_to_its_row() {
    use crate::alert::{Jump, Thing};
    let world = busy();
    let mut view = pane();
    screen(view.as_mut(), &world, 80, 24);
    let mut to = |panel: &'static str, thing: Thing| {
        let found = view.seek(&Jump::panel("vacuum", panel).row(thing));
        screen(view.as_mut(), &world, 80, 24);
        let first = view.copies(&world).first().map(|copy| copy.text.clone());
        (found, view.on(Action::Enter, &world), first.unwrap_or_default())
    };
    let backend = |pid, start| Reply::Open(Subject::Backend { pid, start });
    let (found, opened, _) = to("queue", Thing::Relation(17_002));
    assert!(found && opened == Reply::Open(Subject::Relation(17_002)), "{opened:?}");
    let (found, opened, _) = to("horizon", Thing::Backend { pid: 700, start: 7 });
    assert!(found && opened == backend(700, 7), "{opened:?}");
    let (found, _, copied) = to("horizon", Thing::Prepared("tx-1".to_owned()));
    assert!(found && copied.starts_with("ROLLBACK PREPARED 'tx-1'"), "{copied}");
    let (found, _, copied) = to("horizon", Thing::Slot("cdc".to_owned()));
    assert!(
        found && copied.starts_with("SELECT pg_drop_replication_slot('cdc')"),
        "{copied}"
    );
    let (found, opened, _) = to("running", Thing::Backend { pid: 901, start: 1 });
    assert!(found && opened == backend(901, 1), "{opened:?}");
    for nowhere in [
        Thing::Backend { pid: 700, start: 8 },
        Thing::Slot("tx-1".to_owned()),
        Thing::Standby(700),
        Thing::Archiver,
    ] {
        assert!(!to("horizon", nowhere.clone()).0, "{nowhere:?}");
    }
    assert!(!to("queue", Thing::Relation(1)).0);
}

#[test]
fn a_slot_that_keeps_catalog_rows_only_does_not_hide_who_keeps_those_of_tables() {
    let mut all = holders();
    all[0].xmin_age = all[1].xmin_age + 6;
    let world = world(&[answer::<HorizonProbe>(all, None)]);
    let mut view = ListView::<super::horizon::Horizon>::default();
    let shown = screen(&mut view, &world, 80, 24);
    let place = |name: &str| shown.find(name).unwrap();
    assert!(place("shop") < place("cdc") && place("cdc") < place("tx-1"), "{shown}");
}

#[test]
fn a_standby_without_holders_does_not_speak_for_its_primary() {
    let samples = [
        answer::<Activity>(Vec::new(), None),
        answer::<HorizonProbe>(Vec::new(), None),
    ];
    let shown = |world: &World| screen(&mut ListView::<super::horizon::Horizon>::default(), world, 120, 20);
    let on_standby = shown(&standby(&samples));
    assert!(
        on_standby.contains("No session on this standby keeps rows on the primary"),
        "{on_standby}"
    );
    assert!(!shown(&world(&samples)).contains("standby"));
}

/// One that does not commit, sessions that wait for it with its age, and one more of another age.
#[test]
fn sessions_as_old_as_each_other_fill_no_list() {
    let waiting = |pid: i32| Holder {
        kind: "session".into(),
        name: format!("shop{pid}"),
        pid: Some(pid),
        start: Some(7),
        xmin_age: 900,
        age_s: Some(f64::from(1000 - pid)),
        database: Some("app".into()),
        here: true,
        ..Holder::default()
    };
    let prepared = holders().remove(2);
    let other = Holder {
        xmin_age: 800,
        ..waiting(990)
    };
    let listed = |sessions: i32| {
        let all = [prepared.clone()].into_iter().chain((1..=sessions).map(waiting));
        let world = world(&[answer::<HorizonProbe>(all.chain([other.clone()]).collect(), None)]);
        let mut view = ListView::<super::horizon::Horizon>::default();
        let shown = screen(&mut view, &world, 120, 40);
        let names = shown.lines().filter(|line| line.contains("shop")).count();
        (names, shown)
    };
    assert_eq!(listed(4).0, 5, "one alone is not folded");
    let (names, shown) = listed(13);
    assert_eq!(names, 4, "{shown}");
    assert!(shown.contains("and 10 more sessions as old"), "{shown}");
    assert!(shown.contains("shop990"), "{shown}");
    let (_, shown) = listed(18);
    assert!(shown.contains("and at least 15 more sessions as old"), "{shown}");
}

#[test]
fn a_panel_that_warns_takes_the_place_of_an_empty_one_until_somebody_chooses() {
    let calm = || {
        vec![
            answer::<Activity>(Vec::new(), None),
            answer::<ProgressProbe>(Vec::new(), None),
            answer::<HorizonProbe>(Vec::new(), None),
        ]
    };
    let warns = || world(&[calm(), vec![answer::<AutovacuumProbe>(queue(), None)]].concat());
    let id = |view: &dyn View| view.probes().first().copied();
    let mut view = pane();
    view.derive(&world(&calm()));
    assert_eq!(id(view.as_ref()), Some("progress"));
    view.derive(&warns());
    assert_eq!(id(view.as_ref()), Some("autovacuum"), "a disabled table is due");
    view.derive(&world(&calm()));
    assert_eq!(id(view.as_ref()), Some("autovacuum"), "nothing else warns");
    let mut view = pane();
    view.derive(&busy());
    assert_eq!(id(view.as_ref()), Some("progress"), "something runs");
    let mut view = pane();
    screen(view.as_mut(), &world(&calm()), 80, 24);
    assert_eq!(view.on(Action::Down, &world(&calm())), Reply::Moved);
    view.derive(&warns());
    assert_eq!(id(view.as_ref()), Some("progress"), "somebody is at work here");
}

#[test]
fn an_empty_list_offers_nothing_to_open() {
    let offers = |samples: Vec<_>| {
        let mut view = pane();
        screen(view.as_mut(), &world(&samples), 80, 24);
        view.actions().contains(&Action::Enter)
    };
    assert!(offers(vec![answer::<ProgressProbe>(commands(), None)]));
    assert!(!offers(vec![answer::<ProgressProbe>(Vec::new(), None)]));
    assert!(!offers(Vec::new()));
}

proptest! {
    #[test]
    fn nothing_a_server_says_makes_it_fail(
        numbers in proptest::collection::vec(prop_oneof![Just(i64::MIN), Just(i64::MAX), -5..100_000i64], 12),
        reals in proptest::collection::vec(prop_oneof![Just(f64::NAN), Just(f64::INFINITY), -1.0..1e9f64], 8),
        text in "\\PC*|.*",
        kind in prop_oneof![Just("r"), Just("t"), Just("p"), Just("x")],
        size in (1..160u16, 1..60u16),
    ) {
        let marks = |done| Mark { epoch: reals[0], done };
        let command = Progress {
            command: Some(text.clone()),
            phase: Some(text.clone()),
            done: Some(numbers[0]),
            total: Some(numbers[1]),
            unit: Some("blocks".into()),
            rounds: Some(numbers[2]),
            dead: Some(numbers[3]),
            dead_room: Some(numbers[4]),
            delay_ms: Some(reals[1]),
            since_s: Some(reals[2]),
            index: Some(text.clone()),
            marks: vec![marks(numbers[0]), Mark { epoch: reals[3], done: numbers[5] }],
            ..saving()
        };
        let wild = Table {
            relname: text.clone(),
            relkind: kind.into(),
            reltuples: reals[4],
            relpages: numbers[6],
            relallfrozen: Some(numbers[7]),
            vacuum_base: reals[5],
            vacuum_scale: reals[6],
            live: numbers[8],
            dead: numbers[9],
            modified: numbers[10],
            inserted: Some(numbers[11]),
            vacuum_s: Some(reals[7]),
            ..table(1, "", 0)
        };
        let holder = Holder {
            name: text.clone(),
            state: Some(text),
            xmin_age: numbers[0],
            age_s: Some(reals[0]),
            ..holders().remove(1)
        };
        let queue = Queue { tables: vec![wild], ..queue() };
        let world = world(&[
            answer::<ProgressProbe>(vec![command], None),
            answer::<AutovacuumProbe>(queue, None),
            answer::<HorizonProbe>(vec![holder], None),
        ]);
        let mut view = pane();
        for _ in 0..3 {
            screen(view.as_mut(), &world, size.0, size.1);
            view.copies(&world);
            view.on(Action::NextView, &world);
        }
    }
}
