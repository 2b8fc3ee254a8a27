use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::action::Action;
use crate::pane::Reply;
use crate::pane::testing::{ASKED, answer as sample, failure, screen, standby, world};
use crate::pg::fault::{Fault, FaultKind};
use crate::pg::server::{Extension, Server};
use crate::probe::measure::{Heap, Measure, Measured};
use crate::probe::measure_indexes::{MeasureIndexes, Measured as MeasuredIndex, Tree};
use crate::probe::named::{InTheWay, Named};
use crate::probe::relation::{Exact, Identity, Parent, Size, Toast};
use crate::probe::relation_columns::{Column, RelationColumns, Statistics};
use crate::probe::relation_family::{Family, Member, RelationFamily};
use crate::probe::relation_indexes::{Index, RelationIndexes};
use crate::probe::relation_locks::{Lock, Locks, RelationLocks};
use crate::probe::relation_stats::{RelationStats, Runs, Stats};
use crate::probe::{Mono, Sample};

const OID: u32 = 16_400;
const TOAST: u32 = 16_405;
const PAGES: i64 = 1000;

fn subject() -> Subject {
    Subject::Relation(OID)
}

fn name_of(relation: &str) -> Named {
    Named {
        nspname: "sales".to_owned(),
        relname: relation.to_owned(),
    }
}

fn identity() -> Identity {
    Identity {
        oid: OID,
        name: name_of("orders"),
        kind: "r".to_owned(),
        persistence: "p".to_owned(),
        owner: "shop".to_owned(),
        tablespace: Some("pg_default".to_owned()),
        access_method: Some("heap".to_owned()),
        replica_identity: "d".to_owned(),
        options: vec!["fillfactor=90".to_owned()],
        is_partition: true,
        parent: Some(Parent {
            oid: 16_300,
            name: name_of("all_orders"),
            key: Some("RANGE (ts)".to_owned()),
            children: 12,
        }),
        bound: Some("FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')".to_owned()),
        toast: Some(Toast {
            oid: TOAST,
            name: "pg_toast_16400".to_owned(),
            pages: 100,
            ..Toast::default()
        }),
        size: Size {
            exact: Some(Exact {
                heap: PAGES * 8192,
                maps: 32_768,
                toast: 104 * 8192,
                indexes: 300 * 8192,
            }),
            index_pages: 300,
            indexes: 1,
            busy: None,
        },
        tuples: 100_000.0,
        pages: PAGES,
        visible_pages: 900,
        block: 8192,
        xid_age: Some(171_000_000),
        mxid_age: Some(12),
        now: 1_763_645_520.0,
        ..Identity::default()
    }
}

fn stats() -> Stats {
    Stats {
        oid: OID,
        live: 100_000,
        dead: 34_000,
        mods: 1000,
        updated: 40_000,
        hot_updated: 30_000,
        autovacuum: Runs {
            count: 3,
            last: Some(1_763_645_531.0 - 7200.0),
            total: None,
        },
        ..Stats::default()
    }
}

fn columns() -> Vec<Column> {
    vec![Column {
        attnum: 1,
        name: "id".to_owned(),
        type_name: "integer".to_owned(),
        length: 4,
        align: 4,
        readable: true,
        statistics: Some(Statistics {
            width: 4,
            ..Statistics::default()
        }),
        ..Column::default()
    }]
}

fn index() -> Index {
    Index {
        oid: 16_410,
        name: name_of("orders_pkey"),
        method: "btree".to_owned(),
        is_unique: true,
        is_primary: true,
        is_valid: true,
        is_ready: true,
        bytes: Some(300 * 8192),
        definition: Some("CREATE UNIQUE INDEX orders_pkey ON sales.orders USING btree (id)".to_owned()),
        ..Index::default()
    }
}

fn lock(pid: i32, mode: &str, granted: bool) -> Lock {
    Lock {
        pid: Some(pid),
        start: Some(7),
        locktype: "relation".to_owned(),
        mode: mode.to_owned(),
        granted,
        heap: true,
        indexes: 2,
        state: Some("active".to_owned()),
        ..Lock::default()
    }
}

fn locks(locks: Vec<Lock>) -> Arc<Sample> {
    let all = i64::try_from(locks.len()).unwrap();
    let awaited = i64::try_from(locks.iter().filter(|lock| !lock.granted).count()).unwrap();
    let data = Locks {
        locks,
        all,
        awaited,
        exists: true,
    };
    sample::<RelationLocks>(data, Some(subject()))
}

fn everything() -> Vec<Arc<Sample>> {
    let at = || Some(subject());
    vec![
        sample::<Relation>(Some(identity()), at()),
        sample::<RelationStats>(Some(stats()), at()),
        sample::<RelationColumns>(columns(), at()),
        sample::<RelationIndexes>(vec![index()], at()),
        locks(Vec::new()),
        sample::<RelationFamily>(Family::default(), at()),
    ]
}

fn with_extension(mut world: World) -> World {
    let server = Server {
        block_size: 8192,
        extensions: vec![Extension {
            name: "pgstattuple".to_owned(),
            version: "1.5".to_owned(),
            schema: "public".to_owned(),
        }],
        ..world.server.as_deref().unwrap().clone()
    };
    world.server = Some(Arc::new(server));
    world
}

/// The text in one line, so that a sentence is found wherever it was wrapped.
fn flat(screen: &str) -> String {
    screen.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_first_panel_says_it_all_and_fits() {
    let world = world(&everything());
    let mut page = page(OID);
    let text = screen(page.as_mut(), &world, 80, 24);
    assert_eq!(page.title(), "sales.orders");
    let text = flat(&text);
    for part in [
        "partition · owner shop",
        "of sales.all_orders by RANGE (ts), one of 12",
        "FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')",
        "11 MiB heap 7.8 MiB · 1 index 2.3 MiB · TOAST 832 KiB",
        "dead 34,000 (25.3 %)",
        "HOT 75.0 %",
        "autovacuum 3×, last 2h00m ago",
        "by hand never",
        "90.0 % all-visible",
        "171 M transactions, 12 multixacts",
        "fillfactor=90",
        // 7,350 bytes of a page hold 204 rows of 36 bytes: 491 pages would do.
        "≈ 4.0 MiB, 50.9 % of the heap by the widths of its columns (a row 36 B); confidence good",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[test]
fn a_column_that_is_computed_when_read_misses_nothing() {
    let mut samples = everything();
    let computed = Column {
        attnum: 2,
        name: "twice".to_owned(),
        computed: true,
        statistics: None,
        ..columns().remove(0)
    };
    let all = [columns(), vec![computed]].concat();
    samples.push(sample::<RelationColumns>(all, Some(subject())));
    let world = world(&samples);
    let mut page = page(OID);
    let text = flat(&screen(page.as_mut(), &world, 120, 40));
    assert!(text.contains("the heap by the widths of its columns"), "{text}");
    assert!(!text.contains("no estimate"), "{text}");
}

#[test]
fn autovacuum_never_comes_to_a_temporary_table() {
    let mut samples = everything();
    let temporary = Identity {
        persistence: "t".to_owned(),
        ..identity()
    };
    samples.push(sample::<Relation>(Some(temporary), Some(subject())));
    let text = flat(&screen(page(OID).as_mut(), &world(&samples), 80, 24));
    assert!(text.contains("never comes to a temporary table"), "{text}");
    assert!(!text.contains("vacuum 34,000 of"), "{text}");
}

#[test]
fn the_estimate_is_of_the_heap_that_was_analyzed() {
    let mut samples = everything();
    let mut grown = identity();
    if let Some(exact) = &mut grown.size.exact {
        exact.heap *= 2;
    }
    samples.push(sample::<Relation>(Some(grown), Some(subject())));
    let text = flat(&screen(page(OID).as_mut(), &world(&samples), 80, 24));
    for part in ["heap 16 MiB", "50.9 % of the 7.8 MiB of heap when last counted"] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

/// What only the primary counts is zero on its standbys: that is not what happened to the table.
#[test]
fn a_standby_says_who_counts_what_it_does_not() {
    let mut samples = everything();
    let counted = Stats {
        in_recovery: true,
        oid: OID,
        ..Stats::default()
    };
    samples.push(sample::<RelationStats>(Some(counted), Some(subject())));
    let text = flat(&screen(page(OID).as_mut(), &standby(&samples), 80, 24));
    for part in [
        "\u{2248} 100 k \u{b7} live, dead and changed ones are counted on the primary",
        "VACUUM and ANALYZE run on the primary, which counts them",
        "confidence low: how much has changed since ANALYZE is not known",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    for part in ["dead 0", "inserted 0", "0 changed since", "never"] {
        assert!(!text.contains(part), "{part:?} is in {text}");
    }
}

#[test]
fn hidden_statistics_make_no_number() {
    let mut samples = everything();
    let hidden = Column {
        readable: false,
        statistics: None,
        ..columns()[0].clone()
    };
    samples.push(sample::<RelationColumns>(vec![hidden], Some(subject())));
    let text = flat(&screen(page(OID).as_mut(), &world(&samples), 80, 24));
    assert!(
        text.contains(
            "no estimate: statistics of 1 of 1 columns are hidden from this role. GRANT pg_read_all_data TO \
             monitor; or GRANT SELECT ON sales.orders TO monitor;"
        ),
        "{text}"
    );
    assert!(!text.contains("of the heap"), "{text}");
}

#[test]
fn a_lock_in_the_way_makes_sizes_estimates_and_says_whose() {
    let mut samples = everything();
    let size = Size {
        exact: None,
        busy: Some(InTheWay {
            pid: Some(812),
            granted: true,
        }),
        ..identity().size
    };
    let locked = Identity { size, ..identity() };
    samples.push(sample::<Relation>(Some(locked), Some(subject())));
    let text = flat(&screen(page(OID).as_mut(), &world(&samples), 80, 24));
    for part in [
        "≈ 11 MiB · heap ≈ 7.8 MiB · 1 index ≈ 2.3 MiB",
        "not measured: pid 812 holds ACCESS EXCLUSIVE",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[test]
fn a_dropped_table_keeps_its_last_state_on_every_panel() {
    let known = world(&everything());
    let mut page = page(OID);
    screen(page.as_mut(), &known, 80, 24);
    let at = || Some(subject());
    let gone = Locks::default();
    let gone = world(&[
        sample::<Relation>(Some(identity()), at()),
        sample::<RelationLocks>(gone, at()),
        sample::<RelationIndexes>(Vec::new(), at()),
        sample::<RelationColumns>(Vec::new(), at()),
    ]);
    let text = flat(&screen(page.as_mut(), &gone, 80, 24));
    assert!(
        text.contains(
            "This relation was dropped between 2025-11-20 13:32:10 UTC and 2025-11-20 13:32:11 UTC. What follows \
             is its last state."
        ),
        "{text}"
    );
    assert!(text.contains("partition · owner shop"), "{text}");
    for part in ["orders_pkey", "integer"] {
        page.on(Action::NextView, &gone);
        let text = screen(page.as_mut(), &gone, 80, 24);
        assert!(text.contains(part), "{text}");
    }
    page.on(Action::PrevView, &gone);
    page.on(Action::PrevView, &gone);
    page.on(Action::Measure, &gone);
    assert_eq!(page.demand(), None);
}

#[test]
fn another_tables_answers_are_not_shown() {
    let mut page = page(16_999);
    let text = flat(&screen(page.as_mut(), &world(&everything()), 80, 24));
    assert!(text.contains("Asking for this table."), "{text}");
    assert!(!text.contains("shop"), "{text}");
    assert_eq!(page.title(), "Table 16999");
}

/// The answer to a demand, complete at the end of time.
fn answered(page: &dyn View, mut answer: Arc<Sample>, world: &World) -> Arc<Sample> {
    let sample = Arc::make_mut(&mut answer);
    sample.ran.demand = page.demand();
    sample.ran.started = world.now;
    answer
}

fn measured(oid: u32) -> Arc<Sample> {
    let heap = Heap {
        bytes: PAGES * 8192,
        scanned: 10.0,
        dead_bytes: 100 * 8192,
        free_bytes: 200 * 8192,
        live_bytes: 690 * 8192,
        ..Heap::default()
    };
    let measured = Measured {
        oid,
        found: Ok(heap),
        at: 1_763_645_530.0,
    };
    sample::<Measure>(Some(measured), Some(subject()))
}

/// The leaf pages of the only index.
fn index_measured(fragmentation: Option<f64>) -> Arc<Sample> {
    let tree = Tree {
        leaves: 200,
        density: Some(45.0),
        fragmentation,
        ..Tree::default()
    };
    let measured = MeasuredIndex {
        oid: 16_410,
        relation: OID,
        found: Ok(tree),
        at: 1_763_645_530.0,
    };
    sample::<MeasureIndexes>(vec![measured], Some(subject()))
}

fn ask(page: &mut dyn View, world: &World) {
    page.on(Action::Measure, world);
    let text = flat(&screen(page, world, 80, 24));
    for part in [
        "pgstattuple_approx reads ≈ 800 KiB of the 7.8 MiB of sales.orders, then ≈ 800 KiB of its TOAST table",
        "it holds AccessShareLock: an ALTER TABLE would queue behind it",
        "Ends itself after 30s",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert_eq!(page.demand(), None, "nothing runs before it is agreed to");
    assert!(page.actions().contains(&Action::Back));
    page.on(Action::Measure, world);
}

#[test]
fn the_measuring_key_leads_from_any_panel_to_the_summary() {
    let world = with_extension(world(&everything()));
    let mut page = page(OID);
    screen(page.as_mut(), &world, 80, 30);
    for _ in 0..3 {
        page.on(Action::NextView, &world);
    }
    assert!(page.actions().contains(&Action::Measure));
    assert_eq!(page.on(Action::Measure, &world), Reply::Taken);
    let text = flat(&screen(page.as_mut(), &world, 80, 30));
    assert!(text.contains("Measure? pgstattuple_approx reads"), "{text}");
}

#[test]
fn measuring_asks_first_then_takes_the_heap_and_then_its_toast() {
    let mut world = with_extension(world(&everything()));
    let mut page = page(OID);
    screen(page.as_mut(), &world, 80, 24);
    ask(page.as_mut(), &world);
    let first = page.demand().unwrap();
    assert_eq!((first.probe, page.keys()), ("measure", vec![i64::from(OID)]));
    world.take(&answered(page.as_ref(), measured(OID), &world));
    let text = flat(&screen(page.as_mut(), &world, 80, 30));
    // 700 pages of rows, filled to nine tenths, are 778.
    assert!(
        text.contains("1.7 MiB to win, 22.2 % · dead 10.0 % (0) · free 20.0 %"),
        "{text}"
    );
    assert!(text.contains("pgstattuple_approx, 1s ago"), "{text}");
    let second = page.demand().unwrap();
    assert_ne!(first, second);
    assert_eq!(page.keys(), [i64::from(TOAST)]);
    world.take(&answered(page.as_ref(), measured(TOAST), &world));
    let text = flat(&screen(page.as_mut(), &world, 80, 30));
    assert!(text.contains("TOAST 2.3 MiB to win, 30.0 %"), "{text}");
    assert_eq!((page.demand(), page.keys()), (None, Vec::new()));
    // Opened again, the page still knows.
    let mut again = super::page(OID);
    let text = flat(&screen(again.as_mut(), &world, 80, 30));
    assert!(text.contains("2.3 MiB to win"), "{text}");
}

#[test]
fn it_is_stopped_by_the_same_key_and_by_esc_and_left_by_esc() {
    let world = with_extension(world(&everything()));
    let mut page = page(OID);
    screen(page.as_mut(), &world, 80, 24);
    page.on(Action::Measure, &world);
    assert_eq!(page.on(Action::Back, &world), Reply::Taken);
    assert_eq!(page.demand(), None);
    assert!(!page.actions().contains(&Action::Back), "Esc leaves the page again");
    for stop in [Action::Measure, Action::Back] {
        ask(page.as_mut(), &world);
        assert!(page.demand().is_some());
        page.on(stop, &world);
        assert_eq!(page.demand(), None);
        let text = screen(page.as_mut(), &world, 80, 24);
        assert!(text.contains("Stopped by you"), "{text}");
    }
}

#[test]
fn what_went_wrong_is_said_and_not_tried_again() {
    let busy = Measured {
        oid: OID,
        found: Err(InTheWay {
            pid: Some(812),
            granted: false,
        }),
        at: 0.0,
    };
    let vanished = Fault::new(FaultKind::Other, "could not open relation").with_sqlstate("XX000");
    let at = || Some(subject());
    for (answer, said) in [
        (
            failure::<Measure>(Fault::new(FaultKind::Timeout, "late"), at()),
            "Not complete after 30s",
        ),
        (
            failure::<Measure>(Fault::new(FaultKind::Denied, "May not."), at()),
            "GRANT pg_stat_scan_tables TO monitor;",
        ),
        (
            failure::<Measure>(vanished, at()),
            "dropped or rewritten at that moment",
        ),
        (sample::<Measure>(None, at()), "sales.orders is not there any more"),
        (
            sample::<Measure>(Some(busy), at()),
            "Not measured: pid 812 waits for ACCESS EXCLUSIVE on sales.orders",
        ),
    ] {
        let mut world = with_extension(world(&everything()));
        let mut page = page(OID);
        screen(page.as_mut(), &world, 80, 24);
        ask(page.as_mut(), &world);
        // An older answer, and one about another page, are not the one awaited.
        let mut old = answered(page.as_ref(), answer.clone(), &world);
        Arc::make_mut(&mut old).ran.started = Mono(ASKED.saturating_sub(Duration::from_secs(1)));
        world.take(&old);
        screen(page.as_mut(), &world, 80, 24);
        assert!(page.demand().is_some());
        world.take(&answered(page.as_ref(), answer, &world));
        let text = flat(&screen(page.as_mut(), &world, 80, 24));
        assert!(text.contains(said), "{said:?} is not in {text}");
        assert_eq!(page.demand(), None, "neither again nor on the TOAST table");
    }
}

#[test]
fn what_is_missing_for_a_measurement_is_said_at_once() {
    let bare = world(&everything());
    let mut page = page(OID);
    screen(page.as_mut(), &bare, 80, 24);
    page.on(Action::Measure, &bare);
    let text = flat(&screen(page.as_mut(), &bare, 80, 24));
    assert!(text.contains("CREATE EXTENSION pgstattuple;"), "{text}");
    let mut samples = everything();
    samples.push(locks(vec![lock(812, "AccessExclusiveLock", false)]));
    let locked = with_extension(world(&samples));
    page.on(Action::Measure, &locked);
    let text = flat(&screen(page.as_mut(), &locked, 80, 24));
    assert!(text.contains("pid 812 waits for ACCESS EXCLUSIVE"), "{text}");
    assert_eq!(page.demand(), None);
}

#[test]
fn room_an_index_shall_leave_is_nothing_to_win() {
    let mut samples = everything();
    let roomy = Index {
        options: vec!["fillfactor=45".to_owned()],
        ..index()
    };
    samples.push(sample::<RelationIndexes>(vec![roomy], Some(subject())));
    let mut world = with_extension(world(&samples));
    let mut page = page(OID);
    page.on(Action::NextView, &world);
    screen(page.as_mut(), &world, 80, 24);
    page.on(Action::Measure, &world);
    page.on(Action::Measure, &world);
    world.take(&answered(page.as_ref(), index_measured(None), &world));
    let text = flat(&screen(page.as_mut(), &world, 80, 24));
    assert!(
        text.contains("0 B to win by REINDEX · leaf pages 45.0 % full"),
        "{text}"
    );
}

#[test]
fn nothing_is_counted_of_the_index_of_a_partitioned_table() {
    let mut samples = everything();
    let parent = Index {
        is_partitioned: true,
        scans: 0,
        bytes: None,
        ..index()
    };
    samples.push(sample::<RelationIndexes>(vec![parent], Some(subject())));
    let world = world(&samples);
    let mut page = page(OID);
    page.on(Action::NextView, &world);
    let text = screen(page.as_mut(), &world, 120, 40);
    let line = text.lines().find(|line| line.contains("orders_pkey")).unwrap();
    let cells: Vec<&str> = line.split_whitespace().collect();
    assert!(!cells.contains(&"0") && !cells.contains(&"?"), "{line}");
}

#[test]
fn an_index_is_measured_by_itself() {
    let mut world = with_extension(world(&everything()));
    let mut page = page(OID);
    page.on(Action::NextView, &world);
    let text = screen(page.as_mut(), &world, 80, 24);
    assert!(text.contains("orders_pkey 2.3 MiB"), "{text}");
    assert!(text.contains("btree (id)"), "{text}");
    page.on(Action::Measure, &world);
    let text = flat(&screen(page.as_mut(), &world, 80, 24));
    assert!(text.contains("reads all 2.3 MiB of sales.orders_pkey"), "{text}");
    page.on(Action::Measure, &world);
    let demand = page.demand().unwrap();
    assert_eq!((demand.probe, page.keys()), ("measure_indexes", vec![16_410]));
    page.on(Action::NextView, &world);
    assert_eq!(page.keys(), [16_410], "whichever panel is looked at");
    page.on(Action::PrevView, &world);
    world.take(&answered(page.as_ref(), index_measured(Some(50.0)), &world));
    let text = flat(&screen(page.as_mut(), &world, 80, 24));
    assert!(
        text.contains("800 KiB to win by REINDEX · leaf pages 45.0 % full · 50.0 % out of order"),
        "{text}"
    );
    assert_eq!(page.demand(), None);
    // Nothing is going on: Esc closes the page.
    assert_eq!(page.on(Action::Back, &world), Reply::Ignored);
}

#[test]
fn rows_lead_to_backends_and_to_other_tables() {
    let mut samples = everything();
    samples.push(locks(vec![
        lock(812, "AccessExclusiveLock", false),
        lock(700, "AccessShareLock", true),
    ]));
    let member = |oid, is_me| Member {
        oid,
        name: name_of(&format!("orders_{oid}")),
        kind: "r".to_owned(),
        is_me,
        nth: 1,
        ..Member::default()
    };
    let family = Family {
        of_me: false,
        all: 5000,
        members: vec![member(OID, true), member(16_401, false)],
    };
    samples.push(sample::<RelationFamily>(family, Some(subject())));
    let world = world(&samples);
    let mut page = page(OID);
    screen(page.as_mut(), &world, 80, 24);
    assert_eq!(page.on(Action::Enter, &world), Reply::Open(Subject::Relation(16_300)));
    for _ in 0..3 {
        page.on(Action::NextView, &world);
    }
    let text = screen(page.as_mut(), &world, 80, 24);
    assert!(text.contains("1 held   1 awaited"), "{text}");
    assert!(text.contains("812    awaits"), "{text}");
    let backend = Subject::Backend { pid: 812, start: 7 };
    assert_eq!(page.on(Action::Enter, &world), Reply::Open(backend));
    page.on(Action::NextView, &world);
    let text = screen(page.as_mut(), &world, 80, 24);
    assert!(text.contains("the 1st by name of 5,000   shows 2"), "{text}");
    page.on(Action::Down, &world);
    assert_eq!(page.on(Action::Enter, &world), Reply::Open(Subject::Relation(16_401)));
}

#[test]
fn what_is_copied_can_be_pasted() {
    let world = world(&everything());
    let mut page = page(OID);
    screen(page.as_mut(), &world, 80, 24);
    let copies: Vec<_> = page.copies(&world).into_iter().map(|copy| copy.text).collect();
    assert_eq!(
        copies,
        [
            "sales.orders",
            "VACUUM (VERBOSE, ANALYZE) sales.orders;",
            "ANALYZE (VERBOSE) sales.orders;",
            "REINDEX TABLE CONCURRENTLY sales.orders;",
            "SELECT pg_size_pretty(pg_total_relation_size('sales.orders'));",
        ]
    );
    page.on(Action::NextView, &world);
    let copies = page.copies(&world);
    assert!(
        copies
            .iter()
            .any(|copy| copy.text == "REINDEX INDEX CONCURRENTLY sales.orders_pkey;")
    );
}
