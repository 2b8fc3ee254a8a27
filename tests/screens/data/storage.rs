//! Storage: the largest tables, one of them behind a lock and one that grows, and what stands around for nothing.

use std::collections::BTreeMap;

use pgmon_tui::probe::fk_unindexed::{FkUnindexedProbe, UnindexedKey, UnindexedKeys};
use pgmon_tui::probe::indexes_duplicate::{DuplicateIndex, DuplicateIndexes, IndexesDuplicateProbe};
use pgmon_tui::probe::indexes_invalid::{Build, IndexesInvalidProbe, InvalidIndex};
use pgmon_tui::probe::indexes_unused::{IndexesUnusedProbe, UnusedIndex, UnusedIndexes};
use pgmon_tui::probe::named::{InTheWay, Named};
use pgmon_tui::probe::relations::{Measure, Relation, Relations, RelationsProbe, Size};
use pgmon_tui::probe::sequences::{Column, Sequence, Sequences, SequencesProbe};

use super::BEGIN;
use crate::app::App;

fn named(name: &str) -> Named {
    Named {
        nspname: "public".to_owned(),
        relname: name.to_owned(),
    }
}

fn relation(oid: u32, name: &str, gigabytes: i64) -> Relation {
    let heap = gigabytes * 700_000_000;
    Relation {
        oid,
        name: named(name),
        relkind: "r".to_owned(),
        filenode: oid,
        estimated_bytes: gigabytes * 990_000_000,
        size: Some(Size {
            heap,
            indexes: gigabytes * 250_000_000,
            toast: gigabytes * 50_000_000,
        }),
        #[expect(clippy::cast_precision_loss, reason = "a few billion rows")]
        reltuples: heap as f64 / 140.0,
        live: heap / 140,
        dead: heap / 3_000,
        modified: 10_000,
        inserted: 80_000_000,
        updated: 50_000_000,
        hot_updated: 41_000_000,
        deleted: 100_000,
        seq_scan: 12,
        idx_scan: 900_000_000,
        indexes: 3,
        blocks_fetched: 1_000_000_000,
        blocks_hit: 991_000_000,
        last_vacuum: Some(BEGIN - 90_000.0),
        last_analyze: Some(BEGIN - 80_000.0),
        ..Relation::default()
    }
}

fn relations(second: u32) -> Relations {
    let mut lines = relation(16_420, "lines", 15);
    let grown = i64::from(second) * 190_000;
    if let Some(size) = &mut lines.size {
        size.heap += grown;
    }
    let before = lines.size.map_or(0, Size::total) - grown;
    let epoch = BEGIN + f64::from(second);
    let mark = |epoch: f64, bytes| Measure {
        epoch,
        bytes,
        filenode: 16_420,
    };
    let marks = match second {
        0 => vec![mark(BEGIN, before)],
        _ => vec![mark(BEGIN, before), mark(epoch, before + grown)],
    };
    let orders = Relation {
        size: None,
        lock: Some(InTheWay {
            pid: Some(812),
            granted: false,
        }),
        ..relation(16_400, "orders", 12)
    };
    let rows = vec![
        lines,
        orders,
        relation(16_412, "accounts", 3),
        Relation {
            relkind: "m".to_owned(),
            reltuples: -1.0,
            last_analyze: None,
            ..relation(16_450, "revenue_by_day", 1)
        },
        Relation {
            parent: Some(named("metrics")),
            ..relation(17_019, "metrics_20251119", 1)
        },
    ];
    Relations {
        epoch,
        database: 16_401,
        relations: 105_068,
        stats_reset: Some(BEGIN - 900_000.0),
        rows,
        measured: BTreeMap::from([(16_420, marks)]),
    }
}

fn unused(oid: u32, name: &str, bytes: i64) -> UnusedIndex {
    UnusedIndex {
        oid,
        name: named(name),
        table_oid: 16_420,
        table: named("lines"),
        method: "btree".to_owned(),
        estimated_bytes: bytes,
        bytes: Some(bytes),
        writes: Some(4_100_000),
        ..UnusedIndex::default()
    }
}

fn unused_indexes() -> UnusedIndexes {
    UnusedIndexes {
        epoch: BEGIN,
        indexes: 2_041,
        estimated_total: 9_100_000_000,
        counters_reset: Some(BEGIN - 900_000.0),
        server_reset: Some(BEGIN - 1_000_000.0),
        rows: vec![
            unused(18_001, "lines_note_idx", 1_600_000_000),
            UnusedIndex {
                foreign_key: true,
                ..unused(18_002, "lines_order_id_idx", 900_000_000)
            },
            UnusedIndex {
                bytes: None,
                table: named("orders"),
                table_oid: 16_400,
                lock: Some(InTheWay {
                    pid: Some(812),
                    granted: false,
                }),
                ..unused(18_003, "orders_placed_idx", 700_000_000)
            },
        ],
    }
}

fn duplicates() -> DuplicateIndexes {
    let one = |oid, name: &str, columns: &[&str], keeper: &str, more: &[&str]| DuplicateIndex {
        oid,
        name: named(name),
        table_oid: 16_420,
        table: named("lines"),
        method: "btree".to_owned(),
        same_keys: columns.len() == more.len(),
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        keeper: named(keeper),
        keeper_columns: more.iter().map(|column| (*column).to_owned()).collect(),
        estimated_bytes: 600_000_000,
        bytes: Some(611_000_000),
        scans: 40,
        keeper_scans: 81_000_000,
        ..DuplicateIndex::default()
    };
    DuplicateIndexes {
        indexes: 2,
        estimated_total: 1_200_000_000,
        rows: vec![
            one(18_010, "lines_sku_again", &["sku"], "lines_sku", &["sku"]),
            one(
                18_011,
                "lines_order",
                &["order_id"],
                "lines_order_sku",
                &["order_id", "sku"],
            ),
        ],
    }
}

fn invalid() -> Vec<InvalidIndex> {
    let one = |oid, name: &str, table: &str| InvalidIndex {
        oid,
        name: named(name),
        table_oid: 16_425,
        table: named(table),
        ready: true,
        live: true,
        estimated_bytes: 310_000_000,
        ..InvalidIndex::default()
    };
    vec![
        InvalidIndex {
            unique: true,
            ..one(18_020, "customers_email_key", "customers")
        },
        InvalidIndex {
            build: Some(Build {
                pid: 1500,
                command: Some("CREATE INDEX CONCURRENTLY".to_owned()),
                phase: Some("waiting for old snapshots".to_owned()),
                percent: None,
            }),
            ..one(18_021, "customers_email_idx", "customers")
        },
    ]
}

fn keys() -> UnindexedKeys {
    UnindexedKeys {
        keys: 1,
        rows: vec![UnindexedKey {
            oid: 18_030,
            name: "shipments_order_id_fkey".to_owned(),
            table_oid: 16_460,
            table: named("shipments"),
            parent: named("orders"),
            columns: vec!["order_id".to_owned()],
            estimated_bytes: 1_900_000_000,
            reltuples: 14_000_000.0,
            parent_deleted: 4_100,
            ..UnindexedKey::default()
        }],
    }
}

fn sequences(all: bool) -> Sequences {
    let shipments = Sequence {
        oid: 18_040,
        name: named("shipments_id_seq"),
        sequence_type: "integer".to_owned(),
        column: Some(Column {
            table_oid: 16_460,
            table: named("shipments"),
            name: "id".to_owned(),
            width: 4,
        }),
        increment: 1,
        bound: 2_147_483_647,
        last_value: Some(1_997_000_000),
        share: 0.9299,
    };
    Sequences {
        epoch: BEGIN,
        database: 16_401,
        sequences: 24,
        unreadable: if all { 3 } else { 24 },
        unreadable_schema: Some("billing".to_owned()),
        unlogged: 0,
        read: if all { 21 } else { 0 },
        locked: 0,
        rows: if all { vec![shipments] } else { Vec::new() },
        turn: 0,
        earlier: BTreeMap::new(),
    }
}

/// The storage tier.
pub fn storage(app: &mut App, second: u32, all: bool) {
    app.answer::<RelationsProbe>(5, relations(second));
    app.answer::<IndexesUnusedProbe>(3, unused_indexes());
    app.answer::<IndexesDuplicateProbe>(2, duplicates());
    app.answer::<IndexesInvalidProbe>(2, invalid());
    app.answer::<FkUnindexedProbe>(1, keys());
    app.answer::<SequencesProbe>(1, sequences(all));
}

/// A database without a table.
pub fn quiet(app: &mut App) {
    let none = Relations {
        epoch: BEGIN,
        database: 16_401,
        relations: 68,
        ..Relations::default()
    };
    app.answer::<RelationsProbe>(0, none);
    app.answer::<IndexesUnusedProbe>(0, UnusedIndexes::default());
    app.answer::<IndexesDuplicateProbe>(0, DuplicateIndexes::default());
    app.answer::<IndexesInvalidProbe>(0, vec![]);
    app.answer::<FkUnindexedProbe>(0, UnindexedKeys::default());
    app.answer::<SequencesProbe>(0, Sequences::default());
}
