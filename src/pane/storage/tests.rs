use super::*;
use crate::action::Action;
use crate::alert::{Jump, Thing};
use crate::model::concern::Severity;
use crate::pane::Reply;
use crate::pane::testing::{answer, screen, standby, world};
use crate::pg::fault::{Fault, FaultKind};
use crate::poll::Link;
use crate::probe::Subject;
use crate::probe::fk_unindexed::{FkUnindexedProbe, UnindexedKey, UnindexedKeys};
use crate::probe::indexes_invalid::{Build, IndexesInvalidProbe, InvalidIndex};
use crate::probe::indexes_unused::{IndexesUnusedProbe, UnusedIndex, UnusedIndexes};
use crate::probe::named::{InTheWay, Named};
use crate::probe::relations::{Measure, Relation, Relations, RelationsProbe, Size};
use crate::probe::sequences::{Sequence, Sequences, SequencesProbe};
use crate::world::World;

const NOW: f64 = 1_763_645_530.0;

fn named(nspname: &str, relname: &str) -> Named {
    Named {
        nspname: nspname.to_owned(),
        relname: relname.to_owned(),
    }
}

fn relations() -> Relations {
    let orders = Relation {
        oid: 7,
        name: named("public", "orders"),
        filenode: 70,
        size: Some(Size {
            heap: 30 << 30,
            indexes: 10 << 30,
            toast: 1 << 30,
        }),
        live: 1_000_000,
        dead: 400_000,
        blocks_fetched: 1000,
        blocks_hit: 992,
        ..Relation::default()
    };
    let locked = Relation {
        oid: 8,
        name: named("app", "locked"),
        estimated_bytes: 5 << 30,
        lock: Some(InTheWay {
            pid: Some(812),
            granted: true,
        }),
        ..Relation::default()
    };
    let measure = |epoch, bytes| Measure {
        epoch,
        bytes,
        filenode: 70,
    };
    let history = vec![measure(NOW - 600.0, 40 << 30), measure(NOW, 41 << 30)];
    Relations {
        epoch: NOW,
        relations: 105_068,
        rows: vec![orders, locked],
        measured: [(7, history)].into(),
        ..Relations::default()
    }
}

/// The pane with its nth panel chosen.
fn panel(nth: usize, world: &World) -> Box<dyn View> {
    let mut pane = pane();
    pane.derive(world);
    for _ in 0..nth {
        assert_eq!(pane.on(Action::NextView, world), Reply::Taken);
    }
    pane
}

fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn the_largest_tables_with_what_is_not_measured_marked() {
    let world = world(&[answer::<RelationsProbe>(relations(), None)]);
    let mut pane = panel(0, &world);
    let text = screen(pane.as_mut(), &world, 120, 24);
    says(
        &text,
        &[
            "top 2 of 105,068 tables",
            "41 GiB",
            "+1.0 GiB",
            "+6.0 GiB",
            "30 GiB",
            "≈5.0 GiB",
            "28.5 %",
            "99.2 %",
        ],
    );
    says(&text, &["1 table is not measured", "app.locked"]);
    assert_eq!(pane.on(Action::Down, &world), Reply::Moved);
    let text = screen(pane.as_mut(), &world, 120, 24);
    says(&text, &["not measured: pid 812 holds ACCESS EXCLUSIVE"]);
    assert_eq!(pane.on(Action::Enter, &world), Reply::Open(Subject::Relation(8)));
    assert_eq!(pane.badge(), None);
    // The most telling columns are in the first 80 cells.
    let narrow = screen(pane.as_mut(), &world, 80, 24);
    says(
        &narrow,
        &["TABLE", "SIZE", "GROWTH", "PER HOUR", "HEAP", "INDEXES", "TOAST"],
    );
}

/// The counters of rows stay zero on a standby: that is not how many there are.
#[test]
fn a_standby_shows_no_row_counters_of_its_own() {
    let mut known = relations();
    for relation in &mut known.rows {
        (relation.live, relation.dead, relation.modified) = (0, 0, 0);
        relation.reltuples = 2_500.0;
    }
    let world = standby(&[answer::<RelationsProbe>(known, None)]);
    let mut pane = panel(0, &world);
    let text = screen(pane.as_mut(), &world, 200, 24);
    says(&text, &["≈2,500", "are counted on the primary"]);
    assert!(!text.contains("never") && !text.contains("inserted"), "{text}");
}

#[test]
fn an_unused_index_is_dropped_by_hand_only() {
    let index = UnusedIndex {
        oid: 9,
        name: named("public", "orders_note"),
        table_oid: 7,
        table: named("public", "orders"),
        bytes: Some(1 << 30),
        foreign_key: true,
        writes: Some(12),
        ..UnusedIndex::default()
    };
    let known = UnusedIndexes {
        epoch: NOW,
        indexes: 3,
        server_reset: Some(NOW - 86_400.0),
        rows: vec![index],
        ..UnusedIndexes::default()
    };
    let world = world(&[answer::<IndexesUnusedProbe>(known, None)]);
    let mut pane = panel(1, &world);
    let text = screen(pane.as_mut(), &world, 80, 24);
    says(
        &text,
        &[
            "top 1 of 3 unused indexes",
            "1.0 GiB",
            "supports a foreign key",
            "Counted for 1d0h only",
            "a standby counts its own",
        ],
    );
    assert_eq!(pane.on(Action::Enter, &world), Reply::Open(Subject::Relation(7)));
    let copy = pane.copies(&world).remove(0);
    assert_eq!(copy.what, "DROP INDEX CONCURRENTLY public.orders_note;");
    says(
        &copy.text,
        &["1.0 GiB on public.orders", "no scan on this server since 2025-11-19"],
    );
}

#[test]
fn only_what_nobody_builds_is_wrong() {
    let index = |relname: &str, build: Option<Build>| InvalidIndex {
        oid: u32::try_from(relname.len()).unwrap(),
        name: named("public", relname),
        live: true,
        build,
        ..InvalidIndex::default()
    };
    let build = Build {
        pid: 99,
        phase: Some("building index".to_owned()),
        percent: Some(40.0),
        ..Build::default()
    };
    let building = index("growing", Some(build));
    let known = world(&[answer::<IndexesInvalidProbe>(vec![building.clone()], None)]);
    assert_eq!(panel(3, &known).badge(), None);
    let known = world(&[answer::<IndexesInvalidProbe>(
        vec![building, index("broken", None)],
        None,
    )]);
    let mut pane = panel(3, &known);
    let badge = pane.badge().unwrap();
    assert_eq!((badge.severity, badge.count), (Severity::Warning, 1));
    let text = screen(pane.as_mut(), &known, 120, 24);
    says(
        &text,
        &[
            "1 to mend",
            "1 being built",
            "pid 99: building index, 40.0 % of its blocks",
        ],
    );
    let first = text.lines().find(|line| line.contains("broken")).unwrap();
    says(first, &["build failed", "REINDEX INDEX CONCURRENTLY public.broken;"]);
}

/// Writes are counted where they are made: zero is not what happened on a standby.
#[test]
fn a_standby_shows_no_zeros_for_what_only_the_primary_counts() {
    let unused = UnusedIndexes {
        indexes: 1,
        rows: vec![UnusedIndex {
            oid: 9,
            name: named("public", "orders_note"),
            table: named("public", "orders"),
            bytes: Some(1 << 20),
            writes: Some(0),
            ..UnusedIndex::default()
        }],
        ..UnusedIndexes::default()
    };
    let keys = UnindexedKeys {
        keys: 1,
        rows: vec![UnindexedKey {
            oid: 10,
            name: "shipments_order_fkey".to_owned(),
            table: named("public", "shipments"),
            parent: named("public", "orders"),
            ..UnindexedKey::default()
        }],
    };
    let samples = [
        answer::<IndexesUnusedProbe>(unused, None),
        answer::<FkUnindexedProbe>(keys, None),
    ];
    for (world, on_standby) in [(world(&samples), false), (standby(&samples), true)] {
        let text = screen(panel(1, &world).as_mut(), &world, 80, 24);
        let row = text.lines().find(|line| line.contains("orders_note")).unwrap();
        assert_eq!(row.contains('?'), on_standby, "{text}");
        let text = screen(panel(4, &world).as_mut(), &world, 80, 24);
        assert_eq!(text.contains("counted on the primary"), on_standby, "{text}");
        assert_eq!(text.contains("0 rows deleted"), !on_standby, "{text}");
    }
}

#[test]
fn nothing_is_being_asked_for_without_a_connection() {
    let mut world = world(&[]);
    let fault = Fault::new(FaultKind::Refused, "gone");
    world.link = Link::Down {
        fault,
        since: None,
        retry_at: None,
        attempts: 1,
    };
    let text = screen(panel(0, &world).as_mut(), &world, 80, 24);
    says(&text, &["Not asked yet: there is no connection."]);
}

#[test]
fn a_filtered_list_does_not_look_like_all_there_is() {
    let world = world(&[answer::<RelationsProbe>(relations(), None)]);
    let mut pane = panel(0, &world);
    let whole = screen(pane.as_mut(), &world, 80, 24);
    assert!(!whole.contains("match"), "{whole}");
    for (filter, said) in [
        ("locked", "1 of 2 match locked"),
        ("nonsense", "No row matches the filter nonsense."),
    ] {
        pane.set_filter(pane.parse_filter(filter).unwrap());
        let text = screen(pane.as_mut(), &world, 80, 24);
        says(&text, &[said, "105,068 tables"]);
    }
}

#[test]
fn hidden_sequences_are_no_all_clear() {
    let sequence = |oid, share| Sequence {
        oid,
        name: named("app", "s"),
        sequence_type: "integer".to_owned(),
        increment: 1,
        bound: i64::from(i32::MAX),
        last_value: Some(1),
        share,
        ..Sequence::default()
    };
    let mut known = Sequences {
        epoch: NOW,
        sequences: 9,
        unreadable: 9,
        unreadable_schema: Some("app".to_owned()),
        ..Sequences::default()
    };
    let hidden = world(&[answer::<SequencesProbe>(known.clone(), None)]);
    let mut pane = panel(5, &hidden);
    let text = screen(pane.as_mut(), &hidden, 80, 24);
    let text = text.replace("\n ", " ");
    says(
        &text,
        &[
            "No sequence could be read.",
            "GRANT SELECT ON ALL SEQUENCES IN SCHEMA app TO monitor;",
        ],
    );

    known.rows = vec![sequence(1, 0.97), sequence(2, 0.81), sequence(3, 0.2)];
    (known.read, known.unreadable) = (9, 0);
    let full = world(&[answer::<SequencesProbe>(known, None)]);
    let mut pane = panel(5, &full);
    let badge = pane.badge().unwrap();
    assert_eq!((badge.severity, badge.count), (Severity::Critical, 1));
    let text = screen(pane.as_mut(), &full, 80, 24);
    says(
        &text,
        &[
            "9 sequences",
            "2 used 80 % and more",
            "97.0 %",
            "integer",
            "ALTER SEQUENCE app.s AS bigint;",
        ],
    );
}

#[test]
fn every_panel_draws_in_any_room() {
    let known = world(&[answer::<RelationsProbe>(relations(), None)]);
    let nothing = world(&[]);
    for world in [&known, &nothing] {
        for nth in 0..6 {
            let mut pane = panel(nth, world);
            for (width, height) in [(0, 0), (1, 1), (20, 5), (80, 24), (300, 60)] {
                screen(pane.as_mut(), world, width, height);
            }
            assert!(!pane.help().is_empty() && !pane.probes().is_empty());
        }
    }
}

/// An alert jumps to the row it speaks of, whatever panel was looked at before.
#[test]
fn a_jump_lands_on_its_row() {
    let unused = |oid, relname: &str| UnusedIndex {
        oid,
        name: named("app", relname),
        table: named("app", "orders"),
        ..UnusedIndex::default()
    };
    let invalid = |oid, relname: &str| InvalidIndex {
        oid,
        name: named("app", relname),
        live: true,
        ..InvalidIndex::default()
    };
    let sequence = |oid, relname: &str| Sequence {
        oid,
        name: named("app", relname),
        increment: 1,
        ..Sequence::default()
    };
    let world = world(&[
        answer::<RelationsProbe>(relations(), None),
        answer::<IndexesUnusedProbe>(
            UnusedIndexes {
                rows: vec![unused(1, "u1"), unused(2, "u2")],
                ..UnusedIndexes::default()
            },
            None,
        ),
        answer::<IndexesInvalidProbe>(vec![invalid(3, "i1"), invalid(4, "i2")], None),
        answer::<SequencesProbe>(
            Sequences {
                rows: vec![sequence(5, "s1"), sequence(6, "s2")],
                ..Sequences::default()
            },
            None,
        ),
    ]);
    let mut pane = pane();
    let last = relations().rows.pop().unwrap();
    for (panel, thing, selected) in [
        ("unused", Thing::Index(2), "app.u2".to_owned()),
        ("invalid", Thing::Index(4), "app.i2".to_owned()),
        ("sequences", Thing::Sequence(6), "app.s2".to_owned()),
        ("relations", Thing::Relation(last.oid), last.name.sql()),
    ] {
        let jump = Jump::panel("storage", panel).row(thing);
        screen(pane.as_mut(), &world, 120, 24);
        assert!(pane.seek(&jump), "{jump:?}");
        let texts: Vec<String> = pane.copies(&world).into_iter().map(|copy| copy.text).collect();
        assert!(texts.contains(&selected), "{jump:?}: {texts:?}");
        assert!(!pane.seek(&Jump::panel("storage", panel).row(Thing::Archiver)));
    }
}
