//! What autovacuum has to do: the tables nearest to their thresholds, and what the thresholds are made of.

use std::time::Duration;

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::pulse::PulseProbe;
use crate::probe::{Ask, Param, Probe, Spec, Tier, Wanted};

/// One part in so many of a processor is what this question may cost for long: 3 ms every 15 s, 0.3 s every 5 minutes.
const SHARE: u32 = 1000;

/// The probe.
pub struct AutovacuumProbe;

/// The whole answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Queue {
    /// The server's clock, in seconds since 1970.
    pub epoch: f64,
    /// How autovacuum is set.
    pub setting: Setting,
    /// Counts over all tables of the connected database, temporary ones left out.
    pub totals: Totals,
    /// The tables nearest to a threshold, the nearest first; from a tenth of the way on.
    pub tables: Vec<Table>,
    /// Those of the tables with most dead rows (from 1,000 on) and with most rows changed since their last ANALYZE that
    /// are not among [`Self::tables`]: a large table with a large threshold can have many of both. Their
    /// [`Table::ratio`] is 0, and since when they wait is not followed.
    pub others: Vec<Table>,
}

impl Queue {
    /// Every table of which the answer tells.
    pub fn all(&self) -> impl Iterator<Item = &Table> {
        self.tables.iter().chain(&self.others)
    }
}

/// How autovacuum is set for the whole server.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Setting {
    /// `autovacuum` and `track_counts`: without either nothing is done but saving tables from wraparound.
    pub active: bool,
    /// `autovacuum_max_workers`.
    pub max_workers: i32,
    /// `autovacuum_worker_slots` (18+).
    pub worker_slots: Option<i32>,
    /// `autovacuum_naptime` in seconds.
    pub naptime_s: f64,
    /// The cost limit all workers share.
    pub cost_limit: i32,
    /// The cost delay in milliseconds; 0 is no limit.
    pub cost_delay_ms: f64,
}

impl Setting {
    /// Workers that can run at the same time.
    #[must_use]
    pub fn workers(&self) -> i32 {
        self.worker_slots
            .map_or(self.max_workers, |slots| slots.min(self.max_workers))
    }
}

/// Counts over all tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Tables, materialized views and TOAST tables.
    pub tables: i64,
    /// Dead rows in all of them, as the statistics count them.
    pub dead: i64,
    /// Of those, dead rows in system catalogs.
    pub dead_catalog: i64,
    /// Tables over their threshold of dead rows.
    pub over_vacuum: i64,
    /// Tables over their threshold of inserted rows (13+).
    pub over_insert: i64,
    /// Tables over their threshold for ANALYZE.
    pub over_analyze: i64,
    /// Tables over any of them.
    pub over: i64,
    /// Of those, tables with `autovacuum_enabled = false`.
    pub over_disabled: i64,
}

/// What autovacuum knows of one table. The options are those in force: the table's own where it has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Its oid.
    pub relid: u32,
    /// Schema.
    pub nspname: String,
    /// Name.
    pub relname: String,
    /// `r`, `m`, `t` (TOAST), `p` (partitioned).
    pub relkind: String,
    /// Oid, schema and name of the table it is the TOAST table of.
    pub owner: Option<(u32, String, String)>,
    /// The rank by the server's arithmetic: the largest share of a threshold.
    pub ratio: f64,
    /// `pg_class.reltuples`; -1 (14+) or 0 before the first VACUUM or ANALYZE.
    pub reltuples: f64,
    /// `pg_class.relpages`.
    pub relpages: i64,
    /// `pg_class.relallfrozen` (18+).
    pub relallfrozen: Option<i64>,
    /// Rows in the leaves of a partitioned table by their `reltuples` (14+).
    pub leaves: Option<f64>,
    /// `autovacuum_enabled`.
    pub enabled: bool,
    /// `autovacuum_vacuum_threshold`.
    pub vacuum_base: f64,
    /// `autovacuum_vacuum_scale_factor`.
    pub vacuum_scale: f64,
    /// `autovacuum_vacuum_max_threshold` (18+); `None` for no limit.
    pub vacuum_max: Option<f64>,
    /// `autovacuum_vacuum_insert_threshold` (13+); `None` if inserts alone start nothing.
    pub insert_base: Option<f64>,
    /// `autovacuum_vacuum_insert_scale_factor` (13+).
    pub insert_scale: Option<f64>,
    /// `autovacuum_analyze_threshold`.
    pub analyze_base: f64,
    /// `autovacuum_analyze_scale_factor`.
    pub analyze_scale: f64,
    /// `n_live_tup`.
    pub live: i64,
    /// `n_dead_tup`.
    pub dead: i64,
    /// `n_ins_since_vacuum` (13+).
    pub inserted: Option<i64>,
    /// `n_mod_since_analyze`; of a partitioned table the difference between [`Self::leaves`] and what its last
    /// ANALYZE counted.
    pub modified: i64,
    /// Seconds since the last VACUUM by hand.
    pub vacuum_s: Option<f64>,
    /// Seconds since the last one by autovacuum.
    pub autovacuum_s: Option<f64>,
    /// Seconds since the last ANALYZE by hand.
    pub analyze_s: Option<f64>,
    /// Seconds since the last one by autovacuum.
    pub autoanalyze_s: Option<f64>,
    /// How often by hand and by autovacuum since the counters were reset: VACUUM.
    pub vacuums: (i64, i64),
    /// The same for ANALYZE.
    pub analyzes: (i64, i64),
    /// When it was first seen over a threshold without a run of autovacuum since, in seconds since 1970.
    pub over_since: Option<f64>,
}

impl Table {
    /// Since when it has been over a threshold, by what was known before: not touched by autovacuum in between.
    fn waits_since(&self, now: f64, before: Option<&Self>) -> Option<f64> {
        if self.ratio <= 1.0 {
            return None;
        }
        let runs = |table: &Self| (table.vacuums.1, table.analyzes.1);
        let since = before
            .filter(|before| runs(before) == runs(self))
            .and_then(|before| before.over_since);
        Some(since.filter(|since| *since <= now).unwrap_or(now))
    }
}

impl Probe for AutovacuumProbe {
    type Data = Queue;
    const SPEC: Spec = Spec {
        id: "autovacuum",
        title: "how near tables are to their autovacuum thresholds",
        why: "One pass over pg_class with three counters a table, details only for the first $1 by their share of a \
              threshold, by dead rows and by changed rows. It takes a millisecond on a small database and 0.3 s with \
              105,000 tables, so the next question waits 1000 times as long as the last answer took: never more than \
              0.1 % of one processor.",
        tier: Tier::Workload,
        variants: &[
            form!("autovacuum", 18),
            form!("autovacuum", 14),
            form!("autovacuum", 13),
            form!("autovacuum"),
        ],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        vec![Param::Int(
            i32::try_from(ask.settings.top_relations).unwrap_or(i32::MAX),
        )]
    }

    fn wanted(ask: &Ask<'_>) -> Wanted {
        let in_recovery = ask
            .latest
            .get::<PulseProbe>()
            .map_or(ask.server.in_recovery, |pulse| pulse.in_recovery);
        if in_recovery {
            Wanted::No("a standby has no autovacuum, its tables are vacuumed and counted on the primary")
        } else {
            Wanted::Yes
        }
    }

    fn pause(took: Duration) -> Duration {
        took * SHARE
    }

    fn decode(rows: &Rows) -> Result<Queue, Fault> {
        let mut queue = Queue::default();
        for row in rows.iter() {
            queue.epoch = row.get("epoch")?;
            queue.setting = setting(row)?;
            queue.totals = totals(row)?;
            // Without any table to tell of there is one row with the settings alone.
            match row.get::<Option<bool>>("near")? {
                Some(true) => queue.tables.push(table(row)?),
                Some(false) => queue.others.push(table(row)?),
                None => {}
            }
        }
        Ok(queue)
    }

    /// Remembers since when each table has been over a threshold.
    fn fold(known: Option<&Queue>, mut answer: Queue) -> Queue {
        let known = known.map(|queue| queue.tables.as_slice()).unwrap_or_default();
        for table in &mut answer.tables {
            let before = known.iter().find(|before| before.relid == table.relid);
            table.over_since = table.waits_since(answer.epoch, before);
        }
        answer
    }
}

fn setting(row: Row<'_>) -> Result<Setting, Fault> {
    Ok(Setting {
        active: row.get("active")?,
        max_workers: row.get("max_workers")?,
        worker_slots: row.get("worker_slots")?,
        naptime_s: row.get("naptime_s")?,
        cost_limit: row.get("cost_limit")?,
        cost_delay_ms: row.get("cost_delay_ms")?,
    })
}

fn totals(row: Row<'_>) -> Result<Totals, Fault> {
    Ok(Totals {
        tables: row.get("tables")?,
        dead: row.get("dead_all")?,
        dead_catalog: row.get("dead_catalog")?,
        over_vacuum: row.get("over_vacuum")?,
        over_insert: row.get("over_insert")?,
        over_analyze: row.get("over_analyze")?,
        over: row.get("over_any")?,
        over_disabled: row.get("over_disabled")?,
    })
}

fn table(row: Row<'_>) -> Result<Table, Fault> {
    let owner = row.text("owner_nspname")?.zip(row.text("owner_relname")?);
    let owner = row.get::<Option<u32>>("owner_relid")?.zip(owner);
    Ok(Table {
        relid: row.get("relid")?,
        nspname: row.text("nspname")?.unwrap_or_default(),
        relname: row.text("relname")?.unwrap_or_default(),
        relkind: row.text("relkind")?.unwrap_or_default(),
        owner: owner.map(|(relid, (schema, name))| (relid, schema, name)),
        ratio: row.get("ratio")?,
        reltuples: row.get("reltuples")?,
        relpages: row.get("relpages")?,
        relallfrozen: row.get("relallfrozen")?,
        leaves: row.get("leaves")?,
        enabled: row.get("enabled")?,
        vacuum_base: row.get("vacuum_base")?,
        vacuum_scale: row.get("vacuum_scale")?,
        vacuum_max: row.get("vacuum_max")?,
        insert_base: row.get("insert_base")?,
        insert_scale: row.get("insert_scale")?,
        analyze_base: row.get("analyze_base")?,
        analyze_scale: row.get("analyze_scale")?,
        live: row.get("live")?,
        dead: row.get("dead")?,
        inserted: row.get("inserted")?,
        modified: row.get("modified")?,
        vacuum_s: row.get("vacuum_s")?,
        autovacuum_s: row.get("autovacuum_s")?,
        analyze_s: row.get("analyze_s")?,
        autoanalyze_s: row.get("autoanalyze_s")?,
        vacuums: (row.get("vacuums")?, row.get("autovacuums")?),
        analyzes: (row.get("analyzes")?, row.get("autoanalyzes")?),
        over_since: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(epoch: f64, ratio: f64, runs: i64) -> Queue {
        let table = Table {
            relid: 7,
            ratio,
            vacuums: (0, runs),
            ..Table::default()
        };
        Queue {
            epoch,
            tables: vec![table],
            ..Queue::default()
        }
    }

    fn since(answers: &[(f64, f64, i64)]) -> Option<f64> {
        let mut known = None;
        for (epoch, ratio, runs) in answers {
            known = Some(AutovacuumProbe::fold(known.as_ref(), answer(*epoch, *ratio, *runs)));
        }
        known.and_then(|queue| queue.tables[0].over_since)
    }

    #[test]
    fn a_table_waits_since_it_was_first_seen_over_and_no_run_has_changed_that() {
        assert_eq!(since(&[(10.0, 1.0, 0)]), None, "at the threshold is not over it");
        assert_eq!(since(&[(10.0, 1.2, 0), (25.0, 1.3, 0), (40.0, 1.5, 0)]), Some(10.0));
        assert_eq!(
            since(&[(10.0, 1.2, 0), (25.0, 1.3, 1)]),
            Some(25.0),
            "it was vacuumed in between"
        );
        assert_eq!(since(&[(10.0, 1.2, 0), (25.0, 0.3, 0), (40.0, 1.5, 0)]), Some(40.0));
        assert_eq!(
            since(&[(10.0, 1.2, 0), (5.0, 1.2, 0)]),
            Some(5.0),
            "the clock was set back"
        );
    }
}
