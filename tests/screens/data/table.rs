//! The page of a table: `lines`, large, bloated, vacuumed right now; its indexes, columns, relatives and locks.

use std::time::Duration;

use pgmon_tui::probe::measure::{Heap, Measure, Measured};
use pgmon_tui::probe::measure_indexes::{self, MeasureIndexes, Tree};
use pgmon_tui::probe::named::Named;
use pgmon_tui::probe::relation::{Exact, Identity, Relation, Size, Toast};
use pgmon_tui::probe::relation_columns::{Column, RelationColumns, Statistics};
use pgmon_tui::probe::relation_family::{Family, RelationFamily};
use pgmon_tui::probe::relation_indexes::{Index, RelationIndexes};
use pgmon_tui::probe::relation_locks::{Lock, Locks, RelationLocks};
use pgmon_tui::probe::relation_stats::{Blocks, RelationStats, Runs, Scans, Stats};

use super::{BEGIN, start};
use crate::app::App;

const PAGES: i64 = 1_281_738;
const BLOCK: i64 = 8_192;

/// What the server has where the table has no settings of its own.
const SETTINGS: [&str; 7] = [
    "autovacuum=on",
    "autovacuum_vacuum_threshold=50",
    "autovacuum_vacuum_scale_factor=0.2",
    "autovacuum_vacuum_insert_threshold=1000",
    "autovacuum_vacuum_insert_scale_factor=0.2",
    "autovacuum_analyze_threshold=50",
    "autovacuum_analyze_scale_factor=0.1",
];

fn name(relation: &str) -> Named {
    Named {
        nspname: "public".to_owned(),
        relname: relation.to_owned(),
    }
}

fn identity(oid: u32, second: u32) -> Identity {
    Identity {
        oid,
        name: name("lines"),
        kind: "r".to_owned(),
        persistence: "p".to_owned(),
        owner: "shop".to_owned(),
        access_method: Some("heap".to_owned()),
        replica_identity: "d".to_owned(),
        options: vec![
            "fillfactor=90".to_owned(),
            "autovacuum_vacuum_scale_factor=0.05".to_owned(),
        ],
        toast: Some(Toast {
            oid: 16_422,
            name: "pg_toast_16420".to_owned(),
            pages: 12_000,
            visible_pages: 11_900,
            xid_age: Some(4_100_000),
            mxid_age: Some(12_000_000),
            ..Toast::default()
        }),
        size: Size {
            exact: Some(Exact {
                heap: PAGES * BLOCK,
                maps: 3_000_000,
                toast: 750_000_000,
                indexes: 3_750_000_000,
            }),
            index_pages: 640_000,
            indexes: 3,
            busy: None,
        },
        tuples: 75_000_000.0,
        pages: PAGES,
        visible_pages: 900_000,
        block: 8_192,
        xid_age: Some(4_100_000),
        mxid_age: Some(12_000_000),
        now: BEGIN + f64::from(second),
        ..Identity::default()
    }
}

fn stats(oid: u32, second: u32) -> Stats {
    let ago = |seconds: f64| Some(BEGIN + f64::from(second) - seconds);
    Stats {
        oid,
        live: 75_800_000,
        dead: 9_400_000,
        mods: 1_100_000,
        inserts: Some(700_000),
        inserted: 80_000_000,
        updated: 50_000_000,
        deleted: 100_000,
        hot_updated: 41_000_000,
        newpage_updated: Some(6_000_000),
        seq: Scans {
            count: 12,
            last: ago(8_000.0),
            rows: 250_000_000,
        },
        index: Scans {
            count: 900_000_000,
            last: ago(1.0),
            rows: 1_100_000_000,
        },
        heap: Blocks {
            fetched: 1_000_000_000 + i64::from(second) * 1_000,
            hit: 991_000_000 + i64::from(second) * 980,
        },
        indexes: Blocks {
            fetched: 3_000_000_000,
            hit: 2_994_000_000,
        },
        autovacuum: Runs {
            count: 12,
            last: ago(90_000.0),
            total: None,
        },
        autoanalyze: Runs {
            count: 30,
            last: ago(80_000.0),
            total: None,
        },
        reset: ago(900_000.0),
        settings: SETTINGS.map(str::to_owned).to_vec(),
        now: BEGIN + f64::from(second),
        ..Stats::default()
    }
}

fn index(oid: u32, index: &str, bytes: i64, scans: i64) -> Index {
    Index {
        oid,
        name: name(index),
        method: "btree".to_owned(),
        is_valid: true,
        is_ready: true,
        bytes: Some(bytes),
        definition: Some(format!(
            "CREATE INDEX {index} ON public.lines USING btree (order_id, sku)"
        )),
        planned_bytes: bytes,
        scans,
        entries_read: scans * 2,
        rows_fetched: scans,
        blocks: scans * 4,
        hits: scans * 4 - scans / 50,
        ..Index::default()
    }
}

fn columns(readable: bool) -> Vec<Column> {
    let column = |attnum, name: &str, type_name: &str, width: i32| Column {
        attnum,
        name: name.to_owned(),
        type_name: type_name.to_owned(),
        not_null: attnum < 3,
        length: if type_name == "text" { -1 } else { width },
        align: 4,
        storage: if type_name == "text" { "x" } else { "p" }.to_owned(),
        default_target: 100,
        readable,
        statistics: readable.then_some(Statistics {
            null_frac: 0.0,
            width,
            distinct: -0.5,
            correlation: Some(0.92),
        }),
        ..Column::default()
    };
    vec![
        column(1, "id", "bigint", 8),
        column(2, "order_id", "bigint", 8),
        column(3, "sku", "text", 9),
        column(4, "note", "text", 31),
    ]
}

fn locks() -> Locks {
    let lock = Lock {
        pid: Some(1400),
        start: Some(start(1400)),
        locktype: "relation".to_owned(),
        mode: "ShareUpdateExclusiveLock".to_owned(),
        granted: true,
        heap: true,
        backend_type: Some("autovacuum worker".to_owned()),
        state: Some("active".to_owned()),
        xact_s: Some(840.0),
        query: Some("autovacuum: VACUUM ANALYZE public.lines".to_owned()),
        ..Lock::default()
    };
    Locks {
        locks: vec![lock],
        all: 1,
        awaited: 0,
        exists: true,
    }
}

/// What is asked while the page of that table is open.
pub fn page(app: &mut App, oid: u32, second: u32) {
    let all = app.sees_all();
    app.answer::<Relation>(1, Some(identity(oid, second)));
    app.answer::<RelationStats>(1, Some(stats(oid, second)));
    let indexes = vec![
        Index {
            is_primary: true,
            is_unique: true,
            constraint: Some("lines_pkey".to_owned()),
            ..index(18_000, "lines_pkey", 800_000_000, 800_000_000)
        },
        index(18_001, "lines_order_sku", 1_350_000_000, 81_000_000),
        index(18_002, "lines_note_idx", 1_600_000_000, 0),
    ];
    app.answer::<RelationIndexes>(3, indexes);
    app.answer::<RelationColumns>(4, columns(all));
    app.answer::<RelationFamily>(0, Family::default());
    app.answer::<RelationLocks>(1, locks());
}

/// What `b` brings, half a second for each heap: the table and its TOAST table, which is as good as new.
pub fn measured(app: &mut App) {
    let heap = PAGES * BLOCK;
    let worn = Heap {
        bytes: heap,
        scanned: 31.0,
        live: 75_790_000,
        live_bytes: heap / 100 * 63,
        dead: 9_388_120,
        dead_bytes: heap / 100 * 8,
        free_bytes: heap / 100 * 28,
    };
    let toast = Heap {
        bytes: 98_000_000,
        scanned: 0.8,
        live: 49_000,
        live_bytes: 97_000_000,
        ..Heap::default()
    };
    while let Some(oid) = app.state.focus.keys.first().and_then(|key| u32::try_from(*key).ok()) {
        app.now += Duration::from_millis(500);
        let measured = Measured {
            oid,
            found: Ok(if oid == 16_422 { toast } else { worn }),
            at: BEGIN + app.now.as_secs_f64(),
        };
        app.answer::<Measure>(1, Some(measured));
        app.settle();
    }
}

/// What `b` brings over an index.
pub fn index_measured(app: &mut App) {
    app.now += Duration::from_millis(500);
    let tree = Tree {
        bytes: 1_600_000_000,
        leaves: 192_000,
        empty: 0,
        deleted: 1_200,
        density: Some(51.3),
        fragmentation: Some(38.0),
    };
    let index = measure_indexes::Measured {
        oid: 18_002,
        relation: 16_420,
        found: Ok(tree),
        at: BEGIN + app.now.as_secs_f64(),
    };
    app.answer::<MeasureIndexes>(1, vec![index]);
    app.settle();
}

/// A table that was dropped while its page was open.
pub fn dropped(app: &mut App) {
    app.answer::<Relation>(0, None);
}
