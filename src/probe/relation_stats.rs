//! What the cumulative statistics say of one table: rows, scans, I/O, and the history of VACUUM and ANALYZE.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::relation::{identity, while_open};
use crate::probe::{Ask, Param, Probe, Spec, Tier, Wanted};

/// The probe. Its data is `None` when there is no such relation any more.
pub struct RelationStats;

/// Counters since the statistics were reset. Times are seconds since 1970 by the server's clock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// The table's oid.
    pub oid: u32,
    /// Live rows, as counted by the statistics.
    pub live: i64,
    /// Dead rows.
    pub dead: i64,
    /// Rows changed since the last ANALYZE.
    pub mods: i64,
    /// Rows inserted since the last VACUUM (13+).
    pub inserts: Option<i64>,
    /// Rows inserted.
    pub inserted: i64,
    /// Rows updated.
    pub updated: i64,
    /// Rows deleted.
    pub deleted: i64,
    /// Of the updated ones, those that needed no new index entries.
    pub hot_updated: i64,
    /// Of the updated ones, those whose new version went to another page (16+).
    pub newpage_updated: Option<i64>,
    /// Sequential scans.
    pub seq: Scans,
    /// Scans of all its indexes.
    pub index: Scans,
    /// Blocks of the heap.
    pub heap: Blocks,
    /// Blocks of all its indexes.
    pub indexes: Blocks,
    /// Runs of VACUUM: by hand.
    pub vacuum: Runs,
    /// Runs of VACUUM: by autovacuum.
    pub autovacuum: Runs,
    /// Runs of ANALYZE: by hand.
    pub analyze: Runs,
    /// Runs of ANALYZE: by autovacuum.
    pub autoanalyze: Runs,
    /// `relallfrozen` (18+).
    pub frozen_pages: Option<i64>,
    /// When the counters of this database were reset.
    pub reset: Option<f64>,
    /// What autovacuum goes by on this server, `autovacuum_vacuum_threshold=50`; only what this version has.
    pub settings: Vec<String>,
    /// A standby: its counters are its own, and nobody vacuums there.
    pub in_recovery: bool,
    /// The server's clock when this was read.
    pub now: f64,
}

/// Scans and the rows they brought.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scans {
    /// How many.
    pub count: i64,
    /// When the last one was (16+).
    pub last: Option<f64>,
    /// Live rows they brought.
    pub rows: i64,
}

/// Blocks asked for and those found in shared buffers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Blocks {
    /// Asked for.
    pub fetched: i64,
    /// Found.
    pub hit: i64,
}

/// Runs of a maintenance command.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Runs {
    /// How many.
    pub count: i64,
    /// When the last one ended.
    pub last: Option<f64>,
    /// Seconds they took in all (18+).
    pub total: Option<f64>,
}

impl Probe for RelationStats {
    type Data = Option<Stats>;
    const SPEC: Spec = Spec {
        id: "relation_stats",
        title: "counters and upkeep of one table",
        why: "Read by oid and not through pg_stat_user_tables, which leaves TOAST tables out and is joined for all \
              tables. Needs no lock on the table. The counters begin anew after a crash and after pg_stat_reset().",
        tier: Tier::Storage,
        variants: &[
            form!("relation_stats", 18),
            form!("relation_stats", 16),
            form!("relation_stats", 13),
            form!("relation_stats"),
        ],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        vec![identity(ask)]
    }

    fn wanted(ask: &Ask<'_>) -> Wanted {
        while_open(ask)
    }

    fn decode(rows: &Rows) -> Result<Option<Stats>, Fault> {
        rows.iter().next().map(stats).transpose()
    }
}

fn stats(row: Row<'_>) -> Result<Stats, Fault> {
    let count = |column: &str| Ok::<_, Fault>(row.get::<Option<i64>>(column)?.unwrap_or_default());
    Ok(Stats {
        oid: row.get("oid")?,
        live: count("live")?,
        dead: count("dead")?,
        mods: count("mods")?,
        inserts: row.get("inserts")?,
        inserted: count("inserted")?,
        updated: count("updated")?,
        deleted: count("deleted")?,
        hot_updated: count("hot_updated")?,
        newpage_updated: row.get("newpage_updated")?,
        seq: Scans {
            count: count("seq_scans")?,
            last: row.get("last_seq_scan")?,
            rows: count("seq_read")?,
        },
        index: Scans {
            count: count("index_scans")?,
            last: row.get("last_index_scan")?,
            rows: count("index_fetched")?,
        },
        heap: Blocks {
            fetched: count("heap_blocks")?,
            hit: count("heap_hits")?,
        },
        indexes: Blocks {
            fetched: count("index_blocks")?,
            hit: count("index_hits")?,
        },
        vacuum: runs(row, ["vacuums", "last_vacuum", "vacuum_ms"])?,
        autovacuum: runs(row, ["autovacuums", "last_autovacuum", "autovacuum_ms"])?,
        analyze: runs(row, ["analyzes", "last_analyze", "analyze_ms"])?,
        autoanalyze: runs(row, ["autoanalyzes", "last_autoanalyze", "autoanalyze_ms"])?,
        frozen_pages: row.get("frozen_pages")?,
        reset: row.get("stats_reset")?,
        settings: row.texts("settings")?,
        in_recovery: row.get("in_recovery")?,
        now: row.get("now")?,
    })
}

fn runs(row: Row<'_>, [count, last, total]: [&str; 3]) -> Result<Runs, Fault> {
    Ok(Runs {
        count: row.get::<Option<i64>>(count)?.unwrap_or_default(),
        last: row.get(last)?,
        total: row.get::<Option<f64>>(total)?.map(|ms| ms / 1000.0),
    })
}
