//! The statements of the incident: readers of `orders` that stop coming back, the hot account, a report that spills, one
//! that runs inside a function, one of a role that is gone.

use std::collections::BTreeMap;

use pgmon_tui::probe::extensions::{Extensions, ExtensionsProbe};
use pgmon_tui::probe::statement::StatementProbe;
use pgmon_tui::probe::statement_plan::StatementPlan;
use pgmon_tui::probe::statement_texts::{StatementTexts, Text, Texts};
use pgmon_tui::probe::statements::{Counters, Entry, Key, Statements, StatementsProbe};

use super::BEGIN;
use crate::app::App;

/// What is known of a statement: its query id, who runs it where, calls a second, milliseconds, rows, blocks found and
/// read and blocks of temporary files for one call, and its text.
struct Kind {
    query: i64,
    who: (&'static str, &'static str),
    calls: f64,
    ms: f64,
    rows: f64,
    blocks: (f64, f64, f64),
    text: &'static str,
}

/// How many more entries there are.
const SMALL: u32 = 120;

const KINDS: [Kind; 6] = [
    Kind {
        query: -7_021_775_434_003_117_001,
        who: ("shop", "app"),
        calls: 210.0,
        ms: 0.9,
        rows: 1.0,
        blocks: (6.0, 0.02, 0.0),
        text: "select id, total from orders where customer_id = $1",
    },
    Kind {
        query: 4_118_202_333_981_224,
        who: ("shop", "app"),
        calls: 31.0,
        ms: 14.2,
        rows: 1.0,
        blocks: (18.0, 0.0, 0.0),
        text: "update accounts set balance = balance - $1 where id = $2",
    },
    Kind {
        query: 88_123,
        who: ("billing", "app"),
        calls: 0.1,
        ms: 4_800.0,
        rows: 410.0,
        blocks: (21_000.0, 190_000.0, 31_000.0),
        text: "select l.sku, sum(l.total), rank() over (order by sum(l.total) desc)\n  from lines l join orders o on o.id = l.order_id\n where o.placed > now() - $1::interval\n group by l.sku",
    },
    Kind {
        query: -55,
        who: ("shop", "app"),
        calls: 420.0,
        ms: 0.04,
        rows: 1.0,
        blocks: (3.0, 0.0, 0.0),
        text: "select * from customers where id = $1",
    },
    Kind {
        query: 3_141_592_653_589_793,
        who: ("etl", "warehouse"),
        calls: 0.02,
        ms: 61_000.0,
        rows: 0.0,
        blocks: (1_100_000.0, 2_400_000.0, 0.0),
        text: "copy facts from stdin with (format csv)",
    },
    Kind {
        query: 77,
        who: ("shop", "データ"),
        calls: 2.0,
        ms: 3.0,
        rows: 12.0,
        blocks: (40.0, 1.0, 0.0),
        text: "select '\u{1b}[2J\u{202e}txt', $1 from \"表\" -- 🐘",
    },
];

#[expect(clippy::cast_possible_truncation, reason = "counters of a few days")]
fn whole(number: f64) -> i64 {
    number.round() as i64
}

/// What has been counted until that second; from 348 on the readers of `orders` wait, so none of their calls ends.
fn counters(kind: &Kind, second: u32) -> Counters {
    let stuck = kind.text.contains("from orders where");
    let second = f64::from(if stuck { second.min(348) } else { second });
    let calls = (kind.calls * (900_000.0 + second)).round();
    let (hit, read, temp) = kind.blocks;
    Counters {
        calls: whole(calls),
        rows: whole(calls * kind.rows),
        exec_ms: calls * kind.ms,
        plan_ms: Some(calls * 0.01),
        hit: whole(calls * hit),
        read: whole(calls * read),
        io_ms: calls * read * 0.02,
        temp: whole(calls * temp),
        wal: Some(if kind.text.starts_with("update") {
            calls * 210.0
        } else {
            0.0
        }),
        jit_ms: Some(0.0),
    }
}

fn entry((n, kind): (u32, &Kind), second: u32) -> Entry {
    Entry {
        key: Key {
            user: 16_384 + n % 3,
            database: 16_401,
            query: kind.query,
            toplevel: true,
        },
        user: Some(kind.who.0.into()),
        database: Some(kind.who.1.into()),
        counters: counters(kind, second),
        since: None,
    }
}

/// One of many that hardly count.
fn small(n: u32) -> Entry {
    let query = -1_000_000_007 * i64::from(n + 2);
    let key = Key {
        user: 16_384,
        database: 16_401,
        query,
        toplevel: true,
    };
    let counters = Counters {
        calls: i64::from(n),
        exec_ms: f64::from(n) * 0.2,
        ..Counters::default()
    };
    Entry {
        key,
        user: Some("shop".into()),
        database: Some("app".into()),
        counters,
        since: None,
    }
}

fn statements(second: u32) -> Statements {
    let mut entries: Vec<Entry> = (0..).zip(&KINDS).map(|kind| entry(kind, second)).collect();
    // The same statement from within a function, and from a role that has been dropped.
    if let Some(first) = entries.first().cloned() {
        let inner = Key {
            toplevel: false,
            ..first.key
        };
        let (user, key) = (
            None,
            Key {
                user: 99_999,
                ..first.key
            },
        );
        entries.push(Entry {
            key: inner,
            ..first.clone()
        });
        entries.push(Entry { key, user, ..first });
    }
    entries.extend((0..SMALL).map(small));
    entries.sort_by_key(|entry| entry.key);
    Statements {
        epoch: BEGIN + f64::from(second),
        started: BEGIN - 1_000_000.0,
        all: i64::try_from(entries.len()).unwrap(),
        hidden: 0,
        hidden_ms: 0.0,
        dealloc: Some(4),
        reset: Some(BEGIN - 900_000.0),
        entries,
    }
}

fn extensions() -> Extensions {
    Extensions {
        installed: super::server(true).extensions,
        statements_default: Some("1.10".to_owned()),
        statements_max: Some(5_000),
        statements_track: Some("all".to_owned()),
        track_planning: Some(true),
        track_io_timing: true,
        compute_query_id: Some("auto".to_owned()),
        preload: Some("pg_stat_statements".to_owned()),
    }
}

/// The workload tier; a role without `pg_monitor` sees only that there are statements.
pub fn workload(app: &mut App, second: u32, all: bool) {
    app.answer::<ExtensionsProbe>(1, extensions());
    let mut statements = statements(second);
    if !all {
        statements.hidden_ms = statements.entries.iter().map(|entry| entry.counters.exec_ms).sum();
        statements.hidden = statements.all;
        statements.entries.clear();
    }
    app.answer::<StatementsProbe>(statements.entries.len(), statements);
}

/// The texts of what is in sight, as they are fetched.
pub fn texts(app: &mut App) {
    let mut texts = Texts::default();
    for kind in &KINDS {
        let text = Text {
            text: kind.text.into(),
            cut: false,
        };
        texts.insert(kind.query, Some(text));
    }
    app.answer::<StatementTexts>(KINDS.len(), texts);
}

/// The page of a statement: what its version of the extension counts.
pub fn page(app: &mut App, query: i64, second: u32) {
    let Some(kind) = KINDS.iter().find(|kind| kind.query == query) else {
        return app.answer::<StatementProbe>(0, BTreeMap::new());
    };
    let counters = counters(kind, second);
    let counted: BTreeMap<String, String> = [
        ("calls", counters.calls.to_string()),
        ("rows", counters.rows.to_string()),
        ("total_exec_time", counters.exec_ms.to_string()),
        ("min_exec_time", "0.021".to_owned()),
        ("max_exec_time", (kind.ms * 9.5).to_string()),
        ("mean_exec_time", kind.ms.to_string()),
        ("stddev_exec_time", "12.25".to_owned()),
        ("shared_blks_hit", counters.hit.to_string()),
        ("shared_blks_read", counters.read.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    app.answer::<StatementProbe>(1, counted);
}

/// What `EXPLAIN (GENERIC_PLAN)` said.
pub fn plan(app: &mut App) {
    let lines = [
        "Update on public.accounts  (cost=0.29..8.31 rows=0 width=0)",
        "  ->  Index Scan using accounts_pkey on public.accounts  (cost=0.29..8.31 rows=1 width=38)",
        "        Output: (balance - $1), ctid",
        "        Index Cond: (accounts.id = $2)",
    ];
    app.answer::<StatementPlan>(lines.len(), lines.map(str::to_owned).to_vec());
}

/// A server that has just been reset.
pub fn quiet(app: &mut App) {
    app.answer::<ExtensionsProbe>(1, extensions());
    let none = Statements {
        epoch: BEGIN,
        started: BEGIN - 1_000_000.0,
        dealloc: Some(0),
        reset: Some(BEGIN - 1.0),
        ..Statements::default()
    };
    app.answer::<StatementsProbe>(0, none);
}
