//! Vacuum: autovacuum at work on `lines`, an index build that waits for the incident's root, a queue of tables, one of
//! them with autovacuum off, and the holders of the horizon (see [`super::holders`]).

use pgmon_tui::probe::autovacuum::{AutovacuumProbe, Queue, Setting, Table, Totals};
use pgmon_tui::probe::progress::{Mark, Progress, ProgressProbe};

use super::{BEGIN, start};
use crate::app::App;

fn vacuum(second: u32) -> Progress {
    let epoch = BEGIN + f64::from(second);
    Progress {
        pid: 1400,
        start: start(1400),
        backend_type: Some("autovacuum worker".to_owned()),
        command: Some("VACUUM".to_owned()),
        phase: Some("scanning heap".to_owned()),
        done: Some(210_000 + 900 * i64::from(second)),
        total: Some(1_281_738),
        unit: Some("blocks".to_owned()),
        rounds: Some(0),
        dead: Some(8_100_000),
        dead_room: Some(11_184_809),
        database: Some("app".to_owned()),
        relid: Some(16_420),
        name: Some(("public".to_owned(), "lines".to_owned())),
        epoch,
        since_s: Some(240.0 + f64::from(second)),
        wait_event_type: Some("Timeout".to_owned()),
        wait_event: Some("VacuumDelay".to_owned()),
        query: Some("autovacuum: VACUUM ANALYZE public.lines".to_owned()),
        marks: vec![Mark {
            epoch,
            done: 210_000 + 900 * i64::from(second),
        }],
        ..Progress::default()
    }
}

fn build(second: u32) -> Progress {
    let epoch = BEGIN + f64::from(second);
    Progress {
        pid: 1500,
        start: start(1500),
        backend_type: Some("client backend".to_owned()),
        command: Some("CREATE INDEX CONCURRENTLY".to_owned()),
        phase: Some("waiting for old snapshots".to_owned()),
        done: Some(2),
        total: Some(3),
        unit: Some("lockers".to_owned()),
        locker_pid: Some(700),
        database: Some("app".to_owned()),
        relid: Some(16_425),
        name: Some(("public".to_owned(), "customers".to_owned())),
        index: Some("customers_email_idx".to_owned()),
        epoch,
        since_s: Some(900.0 + f64::from(second)),
        query: Some("create index concurrently customers_email_idx on customers (email)".to_owned()),
        marks: vec![Mark { epoch, done: 2 }],
        ..Progress::default()
    }
}

/// A table with the server's own settings.
fn table(relid: u32, name: &str, rows: u32, dead: i64) -> Table {
    let rows = f64::from(rows);
    #[expect(clippy::cast_precision_loss, reason = "a few million rows")]
    let ratio = dead as f64 / (50.0 + 0.2 * rows);
    Table {
        relid,
        nspname: "public".to_owned(),
        relname: name.to_owned(),
        relkind: "r".to_owned(),
        ratio,
        reltuples: rows,
        relpages: 8_000,
        enabled: true,
        vacuum_base: 50.0,
        vacuum_scale: 0.2,
        insert_base: Some(1_000.0),
        insert_scale: Some(0.2),
        analyze_base: 50.0,
        analyze_scale: 0.1,
        #[expect(clippy::cast_possible_truncation, reason = "a few million rows")]
        live: rows as i64,
        dead,
        inserted: Some(100),
        modified: dead / 2,
        autovacuum_s: Some(40_000.0),
        autoanalyze_s: Some(39_000.0),
        vacuums: (0, 12),
        analyzes: (1, 30),
        ..Table::default()
    }
}

fn queue() -> Queue {
    let mut tables = vec![
        Table {
            vacuum_scale: 0.05,
            ratio: 9_400_000.0 / (50.0 + 0.05 * 75_000_000.0),
            ..table(16_420, "lines", 75_000_000, 9_400_000)
        },
        Table {
            enabled: false,
            autovacuum_s: None,
            vacuum_s: Some(2_000_000.0),
            ..table(16_430, "job_queue", 300_000, 121_000)
        },
        table(16_412, "accounts", 1_200_000, 310_000),
        Table {
            relkind: "t".to_owned(),
            nspname: "pg_toast".to_owned(),
            owner: Some((16_400, "public".to_owned(), "orders".to_owned())),
            ..table(16_403, "pg_toast_16400", 900_000, 170_000)
        },
        Table {
            modified: 800_000,
            inserted: Some(790_000),
            ..table(16_440, "price_history", 3_000_000, 1_000)
        },
    ];
    tables.sort_by(|a, b| b.ratio.total_cmp(&a.ratio));
    Queue {
        epoch: 0.0,
        setting: Setting {
            active: true,
            max_workers: 3,
            naptime_s: 60.0,
            cost_limit: 200,
            cost_delay_ms: 2.0,
            ..Setting::default()
        },
        totals: Totals {
            tables: 344,
            dead: 10_041_000,
            dead_catalog: 41_000,
            over_vacuum: 3,
            over_insert: 1,
            over_analyze: 4,
            over: 4,
            over_disabled: 1,
        },
        tables,
        others: Vec::new(),
    }
}

/// What the server tells of a session to a role that may not see it.
fn hide(progress: Progress) -> Progress {
    Progress {
        pid: progress.pid,
        database: progress.database,
        epoch: progress.epoch,
        ..Progress::default()
    }
}

/// The hot tier.
pub fn hot(app: &mut App, second: u32, all: bool) {
    let rows = [vacuum(second), build(second)];
    let rows = if all { rows } else { rows.map(hide) };
    app.answer::<ProgressProbe>(2, rows.to_vec());
}

/// The workload or storage tier, whichever it is on this server.
pub fn queued(app: &mut App) {
    let queue = queue();
    app.answer::<AutovacuumProbe>(queue.tables.len(), queue);
}

/// Nothing runs, nothing waits.
pub fn quiet(app: &mut App) {
    app.answer::<ProgressProbe>(0, vec![]);
    let idle = Queue {
        tables: Vec::new(),
        totals: Totals {
            tables: 344,
            ..Totals::default()
        },
        ..queue()
    };
    app.answer::<AutovacuumProbe>(1, idle);
}
