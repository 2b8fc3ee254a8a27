//! The cumulative counters behind every rate: all databases together and the connected one, checkpoints, WAL.
//! They come in one statement with the server's clock, so that two samples make a rate without any other source.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::pg::server::Server;
use crate::probe::{Probe, Spec, Tier};

/// The probe.
pub struct CountersProbe;

/// One reading of all counters. Times are seconds since 1970 by the server's clock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counters {
    /// `clock_timestamp()` of the reading.
    pub epoch: f64,
    /// `pg_postmaster_start_time()`.
    pub started: f64,
    /// `pg_is_in_recovery()`.
    pub in_recovery: bool,
    /// Sum of the databases' oids: another value means that a database came or went, and the sums with it.
    pub databases: i64,
    /// All databases together, shared objects included.
    pub all: Work,
    /// The connected database.
    pub here: Work,
    /// Checkpoints; restartpoints on a standby of 17 and later.
    pub checkpoints: Checkpoints,
    /// `pg_stat_wal`, all `None` before 14.
    pub wal: Wal,
    /// Pages whose checksum was wrong, all databases together; `None` without data checksums.
    pub checksums: Option<Checksums>,
}

/// Pages whose checksum was wrong when they were read, since the counters were reset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checksums {
    /// How many.
    pub failures: i64,
    /// When the last one was found, in seconds since 1970 by the server's clock.
    pub last: Option<f64>,
    /// The database with most of them; `None` if there is none, or it is the objects that all databases share.
    pub database: Option<String>,
}

/// What `pg_stat_database` counts. Blocks are of `block_size`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Work {
    /// When these counters were last reset; `None` for never.
    pub reset: Option<f64>,
    /// Transactions committed.
    pub commits: i64,
    /// Transactions rolled back.
    pub rollbacks: i64,
    /// Blocks read from outside `shared_buffers`.
    pub blocks_read: i64,
    /// Blocks found in `shared_buffers`.
    pub blocks_hit: i64,
    /// Live rows fetched by sequential scans and index entries returned by index scans.
    pub rows_returned: i64,
    /// Live rows fetched by index scans.
    pub rows_fetched: i64,
    /// Rows inserted.
    pub rows_inserted: i64,
    /// Rows updated.
    pub rows_updated: i64,
    /// Rows deleted.
    pub rows_deleted: i64,
    /// Temporary files, counted when they are closed.
    pub temp_files: i64,
    /// Bytes in them.
    pub temp_bytes: i64,
    /// Deadlocks detected.
    pub deadlocks: i64,
    /// Sessions opened (14+).
    pub sessions: Option<i64>,
}

/// Checkpoints since the last reset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoints {
    /// When these counters were last reset.
    pub reset: Option<f64>,
    /// Because `checkpoint_timeout` had passed; those skipped because nothing was written count too.
    pub timed: i64,
    /// Because somebody asked, or `max_wal_size` was reached.
    pub requested: i64,
}

/// What `pg_stat_wal` counts (14+). A backend reports what it wrote at the end of its transaction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wal {
    /// When these counters were last reset.
    pub reset: Option<f64>,
    /// Records.
    pub records: Option<i64>,
    /// Full-page images.
    pub full_pages: Option<i64>,
    /// Bytes.
    pub bytes: Option<i64>,
}

impl Probe for CountersProbe {
    type Data = Counters;
    const SPEC: Spec = Spec {
        id: "counters",
        title: "cumulative counters: transactions, blocks, rows, checkpoints, WAL",
        why: "Two readings make a rate; the server's clock comes with them. Before 15 each read of a statistics view \
              loads the statistics file of the whole database, so it is asked less often there.",
        tier: Tier::Hot,
        variants: &[form!("counters", 17), form!("counters", 14), form!("counters")],
    };

    fn tier(server: &Server) -> Tier {
        if server.major() >= 15 {
            Tier::Hot
        } else {
            Tier::Workload
        }
    }

    fn decode(rows: &Rows) -> Result<Counters, Fault> {
        let row = rows.only()?;
        Ok(Counters {
            epoch: row.get("epoch")?,
            started: row.get("started")?,
            in_recovery: row.get("in_recovery")?,
            databases: row.get("databases")?,
            all: work(row, "all")?,
            here: work(row, "here")?,
            checkpoints: Checkpoints {
                reset: row.get("checkpoints_reset")?,
                timed: row.get("checkpoints_timed")?,
                requested: row.get("checkpoints_requested")?,
            },
            checksums: checksums(row)?,
            wal: Wal {
                reset: row.get("wal_reset")?,
                records: row.get("wal_records")?,
                full_pages: row.get("wal_full_pages")?,
                bytes: row.get("wal_bytes")?,
            },
        })
    }
}

fn checksums(row: Row<'_>) -> Result<Option<Checksums>, Fault> {
    let Some(failures) = row.get("checksum_failures")? else {
        return Ok(None);
    };
    Ok(Some(Checksums {
        failures,
        last: row.get("checksum_last_failure")?,
        database: row.text("checksum_database")?,
    }))
}

fn work(row: Row<'_>, scope: &str) -> Result<Work, Fault> {
    let count = |name: &str| {
        row.get::<Option<i64>>(&format!("{scope}_{name}"))
            .map(Option::unwrap_or_default)
    };
    Ok(Work {
        reset: row.get(&format!("{scope}_reset"))?,
        commits: count("commits")?,
        rollbacks: count("rollbacks")?,
        blocks_read: count("blocks_read")?,
        blocks_hit: count("blocks_hit")?,
        rows_returned: count("rows_returned")?,
        rows_fetched: count("rows_fetched")?,
        rows_inserted: count("rows_inserted")?,
        rows_updated: count("rows_updated")?,
        rows_deleted: count("rows_deleted")?,
        temp_files: count("temp_files")?,
        temp_bytes: count("temp_bytes")?,
        deadlocks: count("deadlocks")?,
        sessions: row.get(&format!("{scope}_sessions"))?,
    })
}
