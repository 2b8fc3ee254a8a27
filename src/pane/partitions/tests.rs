use std::time::Duration;

use super::*;
use crate::alert::{Jump, Thing};
use crate::model::partitions::testing::{DATE, INT8, TIMESTAMPTZ, answer, part, ranges, subtable, table};
use crate::pane::testing::{answer as sample, failure, screen, world};
use crate::pg::fault::{Fault, FaultKind};
use crate::probe::partitions::{Partitions as Answer, Relation};

/// Everything there is to see: short, late, with a hole, filling, over, numbers, a hash below a range.
fn everything() -> Answer {
    let mut all = vec![
        table(1, "events", "r", &[("at", TIMESTAMPTZ)]),
        table(2, "orders", "r", &[("created", DATE)]),
        table(3, "metrics", "r", &[("at", DATE)]),
        table(4, "ids", "r", &[("id", INT8)]),
        table(5, "legacy", "r", &[("d", DATE)]),
        table(6, "empty", "l", &[("region", 25)]),
    ];
    all.extend(ranges(
        100,
        1,
        "events_",
        &[
            "2025-11-19 00:00:00+00",
            "2025-11-20 00:00:00+00",
            "2025-11-21 00:00:00+00",
            "2025-11-22 00:00:00+00",
        ],
    ));
    all.extend(ranges(200, 2, "orders_", &["2025-08-01", "2025-09-01", "2025-10-01"]));
    all.extend(ranges(210, 2, "orders_", &["2025-11-01", "2025-12-01", "2026-01-01"]));
    all.push(Relation {
        live: 1234,
        ..part(220, 2, "orders_rest", "DEFAULT")
    });
    all.extend(ranges(300, 3, "metrics_", &["2025-09-01", "2025-10-01", "2025-11-01"]));
    let mut ids = ranges(400, 4, "ids_", &["0", "1000000", "2000000", "3000000"]);
    (ids[0].live, ids[1].live) = (1_000_000, 200_000);
    all.extend(ids);
    all.extend(ranges(500, 5, "legacy_", &["2021-01-01", "2021-02-01", "2021-03-01"]));
    answer(all)
}

/// A range of five hashes, one of which lacks a remainder.
fn below() -> Answer {
    let mut all = vec![table(1, "deep", "r", &[("d", DATE)])];
    let bounds = [
        "2025-09-01",
        "2025-10-01",
        "2025-11-01",
        "2025-12-01",
        "2026-01-01",
        "2026-02-01",
    ];
    for (nth, part_of_it) in (0..).zip(ranges(10, 1, "deep_", &bounds)) {
        let hash = table(part_of_it.oid, &part_of_it.name, "h", &[("k", INT8)]);
        all.push(subtable(hash, &part_of_it));
        for remainder in (0..3).filter(|remainder| (nth, *remainder) != (2, 1)) {
            let bound = format!("WITH (modulus 3, remainder {remainder})");
            let name = format!("{}_{remainder}", part_of_it.name);
            all.push(part(100 + 10 * nth + remainder, part_of_it.oid, &name, &bound));
        }
    }
    answer(all)
}

fn seen(answer: Answer) -> World {
    world(&[sample::<PartitionsProbe>(answer, None)])
}

#[test]
fn what_hurts_most_comes_first() {
    let mut pane = pane();
    insta::assert_snapshot!(screen(pane.as_mut(), &seen(everything()), 120, 24));
    let badge = pane.badge().unwrap();
    assert_eq!((badge.severity, badge.count), (Severity::Critical, 1));
    assert_eq!(pane.short_title(), "Part");
}

#[test]
fn eighty_columns_show_what_matters() {
    insta::assert_snapshot!(screen(pane().as_mut(), &seen(everything()), 80, 20));
}

#[test]
fn what_is_below_a_table_stays_with_it() {
    let mut pane = pane();
    let world = seen(below());
    insta::assert_snapshot!(screen(pane.as_mut(), &world, 100, 16));
    pane.on(Action::Reverse, &world);
    let text = screen(pane.as_mut(), &world, 100, 16);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[2].contains("public.deep ") && lines[3].contains("deep_"),
        "{text}"
    );
}

#[test]
fn more_than_the_limit_is_counted() {
    let tables = (1..=60).map(|oid| table(oid, &format!("t{oid:02}"), "r", &[("d", DATE)]));
    let text = screen(pane().as_mut(), &seen(answer(tables.collect())), 100, 70);
    assert!(text.contains("top 50 of 60 partitioned tables"), "{text}");
    assert_eq!(text.matches("public.t").count(), 50);
}

#[test]
fn what_can_be_said_without_rows() {
    let text = |world: &World| screen(pane().as_mut(), world, 80, 8);
    assert!(text(&world(&[])).contains(ASKING));
    assert!(text(&seen(answer(Vec::new()))).contains("There are no partitioned tables in the database"));
    let fault = failure::<PartitionsProbe>(Fault::new(FaultKind::Decode, "no bounds today"), None);
    assert!(text(&world(&[fault])).contains("no bounds today"));
}

#[test]
fn enter_opens_the_partitions_and_y_offers_the_statements() {
    let mut pane = pane();
    let world = seen(everything());
    screen(pane.as_mut(), &world, 120, 24);
    assert_eq!(pane.on(Action::Enter, &world), Reply::Open(Subject::Partitioned(3)));
    let copies = pane.copies(&world);
    assert_eq!(copies[0].what, "next partitions");
    assert!(
        copies[0]
            .text
            .starts_with("CREATE TABLE public.metrics_20251101 PARTITION OF public.metrics")
    );
    pane.on(Action::Last, &world);
    pane.on(Action::Last, &world);
    assert!(
        matches!(pane.on(Action::Enter, &world), Reply::Open(Subject::Partitioned(5))),
        "the one that is over"
    );
}

#[test]
fn the_page_shows_holes_between_partitions() {
    let mut page = page(2);
    let world = seen(everything());
    insta::assert_snapshot!(screen(page.as_mut(), &world, 100, 20));
    assert_eq!(page.title(), "public.orders");
    assert_eq!(page.subject(), Some(&Subject::Partitioned(2)));
    // The default, two ranges, the hole.
    for _ in 0..3 {
        page.on(Action::Down, &world);
    }
    assert!(matches!(page.on(Action::Enter, &world), Reply::Tell(_)));
    let holes = page
        .copies(&world)
        .into_iter()
        .find(|copy| copy.what == "partitions for the holes")
        .unwrap();
    assert!(
        holes.text.contains("FROM ('2025-10-01') TO ('2025-11-01')"),
        "{}",
        holes.text
    );
    page.on(Action::First, &world);
    assert_eq!(page.on(Action::Enter, &world), Reply::Open(Subject::Relation(220)));
}

#[test]
fn the_page_of_numbers_marks_the_newest_rows() {
    let text = screen(page(4).as_mut(), &seen(everything()), 100, 12);
    let marked: Vec<&str> = text.lines().filter(|line| line.contains("newest rows")).collect();
    assert!(
        marked.len() == 1 && marked[0].contains("1,000,000 .. 2,000,000"),
        "{text}"
    );
}

#[test]
fn enter_goes_down_and_a_dropped_table_is_said_to_be_gone() {
    let world = seen(below());
    let mut page = page(1);
    screen(page.as_mut(), &world, 100, 20);
    assert_eq!(page.on(Action::Enter, &world), Reply::Open(Subject::Partitioned(14)));
    let mut gone = world.clone();
    gone.now.0 += Duration::from_secs(1);
    gone.take(&sample::<PartitionsProbe>(everything(), None));
    let text = screen(super::page(999).as_mut(), &gone, 100, 20);
    assert!(text.contains("This table is gone"), "{text}");
}

#[test]
fn an_interrupted_detach_is_seen_and_can_be_finished() {
    let mut all = ranges(10, 1, "t_", &["2025-10-01", "2025-11-01", "2025-12-01", "2026-01-01"]);
    all[1].detaching = true;
    all.push(table(1, "t", "r", &[("d", DATE)]));
    let world = seen(answer(all));
    let mut pane = pane();
    let text = screen(pane.as_mut(), &world, 100, 20);
    assert!(text.contains("t_20251101 is being detached"), "{text}");
    let finish = pane
        .copies(&world)
        .into_iter()
        .find(|copy| copy.what == "finish the detach")
        .unwrap();
    assert_eq!(
        finish.text,
        "ALTER TABLE public.t DETACH PARTITION public.t_20251101 FINALIZE;"
    );
    let text = screen(page(1).as_mut(), &world, 100, 20);
    assert!(text.contains("detach pending"), "{text}");
}

/// An alert jumps to the row it speaks of, also below another table.
#[test]
fn a_jump_lands_on_its_row() {
    for (answer, oid, selected) in [
        (everything(), 3, "public.metrics"),
        (below(), 12, "public.deep_20251101"),
    ] {
        let world = seen(answer);
        let mut pane = pane();
        screen(pane.as_mut(), &world, 120, 24);
        let jump = |oid| Jump::to("partitions").row(Thing::Relation(oid));
        assert!(pane.seek(&jump(oid)));
        let texts: Vec<String> = pane.copies(&world).into_iter().map(|copy| copy.text).collect();
        assert!(texts.iter().any(|text| text.trim() == selected), "{texts:?}");
        assert!(!pane.seek(&jump(99_999)));
    }
}
