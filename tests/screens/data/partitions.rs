//! Partitioned tables: `metrics` by day with a hole, rows in its default and less than two days ahead; `invoices` by
//! month far ahead; `tickets` by number, nearly at its end; lists, hashes and parts of parts.

use pgmon_tui::probe::partitions::{Key, Partitions, PartitionsProbe, Relation};

use super::BEGIN;
use crate::app::App;

/// Days of `metrics`, and the one that is missing: of 2025-11.
const DAYS: std::ops::RangeInclusive<u32> = 6..=21;
const HOLE: u32 = 14;

fn relation(oid: u32, name: &str) -> Relation {
    Relation {
        oid,
        schema: "public".to_owned(),
        name: name.to_owned(),
        kind: "r".to_owned(),
        ..Relation::default()
    }
}

fn parent(oid: u32, name: &str, strategy: &str, column: (&str, &str, u32), partitions: usize) -> Relation {
    let (column, type_name, class) = column;
    Relation {
        kind: "p".to_owned(),
        key: Some(Key {
            strategy: strategy.to_owned(),
            columns: vec![column.to_owned()],
            types: vec![type_name.to_owned()],
            classes: vec![class],
            expression: None,
            partitions: i64::try_from(partitions).unwrap(),
        }),
        ..relation(oid, name)
    }
}

fn part(oid: u32, name: &str, parent: u32, bound: String, rows: i64) -> Relation {
    Relation {
        parent: Some(parent),
        bound: Some(bound),
        #[expect(clippy::cast_precision_loss, reason = "a few million rows")]
        reltuples: rows as f64,
        heap_bytes: rows * 96,
        live: rows,
        inserted: rows,
        analyzed: Some(BEGIN - 40_000.0),
        ..relation(oid, name)
    }
}

fn metrics() -> Vec<Relation> {
    let days = DAYS.filter(|day| *day != HOLE);
    let mut all: Vec<Relation> = days
        .map(|day| {
            let bound = format!(
                "FOR VALUES FROM ('2025-11-{day:02} 00:00:00+00') TO ('2025-11-{:02} 00:00:00+00')",
                day + 1
            );
            let rows = if day > 20 { 0 } else { 1_900_000 + 7000 * i64::from(day) };
            part(17_000 + day, &format!("metrics_202511{day:02}"), 16_500, bound, rows)
        })
        .collect();
    all.push(part(17_100, "metrics_default", 16_500, "DEFAULT".to_owned(), 84_211));
    all.push(parent(
        16_500,
        "metrics",
        "r",
        ("at", "timestamp with time zone", 1184),
        all.len(),
    ));
    all
}

fn invoices() -> Vec<Relation> {
    let mut all: Vec<Relation> = (1..=12)
        .map(|month| {
            let end = if month == 12 {
                "2026-01-01".to_owned()
            } else {
                format!("2025-{:02}-01", month + 1)
            };
            let bound = format!("FOR VALUES FROM ('2025-{month:02}-01') TO ('{end}')");
            part(
                17_200 + month,
                &format!("invoices_2025{month:02}"),
                16_501,
                bound,
                310_000,
            )
        })
        .collect();
    all.push(parent(16_501, "invoices", "r", ("issued", "date", 1082), all.len()));
    all
}

fn tickets() -> Vec<Relation> {
    let mut all: Vec<Relation> = (0..5)
        .map(|n| {
            let bound = format!("FOR VALUES FROM ({}) TO ({})", n * 100_000, (n + 1) * 100_000);
            let rows = if n == 4 { 91_000 } else { 100_000 };
            part(17_300 + n, &format!("tickets_{n}"), 16_502, bound, rows)
        })
        .collect();
    all.push(parent(16_502, "tickets", "r", ("id", "integer", 23), all.len()));
    all
}

fn others() -> Vec<Relation> {
    let mut all = vec![
        parent(16_503, "visits", "l", ("region", "text", 25), 2),
        part(17_400, "visits_us", 16_503, "FOR VALUES IN ('us')".to_owned(), 50_000),
        parent(16_504, "profiles", "h", ("id", "integer", 23), 4),
    ];
    all.push(Relation {
        parent: Some(16_503),
        bound: Some("FOR VALUES IN ('de', 'fr')".to_owned()),
        ..parent(16_505, "visits_eu", "l", ("city", "text", 25), 0)
    });
    all.extend((0..4).map(|n| {
        let bound = format!("FOR VALUES WITH (modulus 4, remainder {n})");
        part(17_500 + n, &format!("profiles_{n}"), 16_504, bound, 25_000)
    }));
    all
}

fn partitions(relations: Vec<Relation>, second: u32) -> Partitions {
    Partitions {
        relations,
        zone: Some("UTC".to_owned()),
        recovering: false,
        now: BEGIN + f64::from(second),
    }
}

/// The storage tier; twice, since a partition that grows shows in the second answer.
pub fn storage(app: &mut App, second: u32) {
    let mut all: Vec<Relation> = [metrics(), invoices(), tickets(), others()].concat();
    for relation in &mut all {
        if ["metrics_20251120", "metrics_default", "tickets_4"].contains(&relation.name.as_str()) {
            relation.inserted += i64::from(second);
        }
    }
    app.answer::<PartitionsProbe>(all.len(), partitions(all, second));
}

/// A database without partitions.
pub fn quiet(app: &mut App) {
    app.answer::<PartitionsProbe>(0, partitions(Vec::new(), 0));
}
