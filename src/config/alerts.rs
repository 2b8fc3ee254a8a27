//! `[alerts]`: the limits of the alert rules. One table says name, default, unit and range of each; the file, its check,
//! the example and the catalogue of rules in the README are made of it.
//!
//! `X_warn…` and `X_crit…` belong together: the critical limit may not be milder than the warning.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share of 1.
    Share,
    /// Percent.
    Percent,
    /// Percentage points below what was usual.
    Points,
    /// Seconds.
    Seconds,
    /// Hours.
    Hours,
    /// Bytes.
    Bytes,
    /// Bytes per second.
    BytesPerSecond,
    /// Transactions, or multixacts.
    Transactions,
    /// Rows.
    Rows,
    /// So many per second.
    PerSecond,
    /// So many per minute.
    PerMinute,
    /// So many per hour.
    PerHour,
    /// So many times what was usual.
    Times,
}

impl Unit {
    /// The unit as the example file and errors say it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Share => "of 1",
            Self::Percent => "percent",
            Self::Points => "percentage points",
            Self::Seconds => "seconds",
            Self::Hours => "hours",
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "bytes per second",
            Self::Transactions => "transactions",
            Self::Rows => "rows",
            Self::PerSecond => "per second",
            Self::PerMinute => "per minute",
            Self::PerHour => "per hour",
            Self::Times => "times the usual",
        }
    }
}

/// One key of `[alerts]`.
pub struct Limit {
    /// Its name.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// What the file may say.
    pub range: RangeInclusive<f64>,
    /// Its value in force.
    pub of: fn(&Alerts) -> f64,
    /// Where its value stands.
    pub at: fn(&mut Alerts) -> &mut f64,
}

macro_rules! limits {
    ($($(#[$doc:meta])+ $name:ident: $unit:ident = $default:expr, $least:expr => $most:expr;)+) => {
        /// The limits of the alert rules, each under the name it has in the file.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Alerts {
            $($(#[$doc])+ pub $name: f64,)+
            /// `alerts.disabled`: ids of rules that are not checked; whether they exist is not checked here.
            pub disabled: BTreeSet<String>,
        }

        impl Default for Alerts {
            fn default() -> Self {
                Self { $($name: $default,)+ disabled: BTreeSet::new() }
            }
        }

        /// Every limit, in the order of the example file.
        pub static LIMITS: &[Limit] = &[
            $(Limit {
                name: stringify!($name),
                unit: Unit::$unit,
                range: $least..=$most,
                of: |alerts| alerts.$name,
                at: |alerts| &mut alerts.$name,
            },)+
        ];
    };
}

const MIB: f64 = 1024.0 * 1024.0;
const GIB: f64 = 1024.0 * MIB;
/// A day in seconds.
const DAY: f64 = 86_400.0;
/// Ids wrap around here.
const XIDS: f64 = 2_147_483_647.0;
/// More bytes than a server has.
const BYTES: f64 = 1024.0 * 1024.0 * GIB;

limits! {
    /// Used share of the connection slots that are not reserved.
    connections_warn: Share = 0.80, 0.01 => 1.0;
    /// Used share of the connection slots that are not reserved.
    connections_crit: Share = 0.95, 0.01 => 1.0;
    /// How long the warning has to last.
    connections_for_s: Seconds = 120.0, 0.0 => DAY;
    /// New connections per second, for half a minute.
    connection_storm_warn_per_s: PerSecond = 50.0, 1.0 => 100_000.0;
    /// New connections per second, for half a minute.
    connection_storm_crit_per_s: PerSecond = 200.0, 1.0 => 100_000.0;
    /// Age of a client's transaction.
    long_txn_warn_s: Seconds = 300.0, 1.0 => 30.0 * DAY;
    /// Age of a client's transaction.
    long_txn_crit_s: Seconds = 1800.0, 1.0 => 30.0 * DAY;
    /// The longest wait behind one root blocker.
    blocked_warn_s: Seconds = 30.0, 1.0 => DAY;
    /// The longest wait behind one root blocker.
    blocked_crit_s: Seconds = 120.0, 1.0 => DAY;
    /// The longest wait of a commit for a synchronous standby.
    syncrep_warn_s: Seconds = 5.0, 1.0 => DAY;
    /// The longest wait of a commit for a synchronous standby.
    syncrep_crit_s: Seconds = 30.0, 1.0 => DAY;
    /// Dead rows of a table in percent of all its rows.
    dead_tuples_warn_percent: Percent = 20.0, 1.0 => 99.0;
    /// Dead rows of a table in percent of all its rows.
    dead_tuples_crit_percent: Percent = 50.0, 1.0 => 99.0;
    /// Dead rows of a table.
    dead_tuples_warn_rows: Rows = 100_000.0, 1.0 => 1e12;
    /// Dead rows of a table.
    dead_tuples_crit_rows: Rows = 1_000_000.0, 1.0 => 1e12;
    /// How long both have to last.
    dead_tuples_for_s: Seconds = 600.0, 0.0 => DAY;
    /// Hours since the last ANALYZE of a table that still changes.
    stats_stale_warn_hours: Hours = 12.0, 0.01 => 8760.0;
    /// Hours since the last ANALYZE of a table that still changes.
    stats_stale_crit_hours: Hours = 24.0, 0.01 => 8760.0;
    /// Hours a table has been over its own threshold without a vacuum.
    autovac_starvation_warn_hours: Hours = 6.0, 0.01 => 8760.0;
    /// Hours a table has been over its own threshold without a vacuum.
    autovac_starvation_crit_hours: Hours = 12.0, 0.01 => 8760.0;
    /// How long every autovacuum worker has been busy while tables wait.
    autovac_saturated_warn_s: Seconds = 900.0, 10.0 => DAY;
    /// How long every autovacuum worker has been busy while tables wait.
    autovac_saturated_crit_s: Seconds = 7200.0, 10.0 => 7.0 * DAY;
    /// Share of checkpoints that were requested.
    checkpoint_ratio_warn: Share = 0.2, 0.01 => 1.0;
    /// Share of checkpoints that were requested.
    checkpoint_ratio_crit: Share = 0.5, 0.01 => 1.0;
    /// Mean time between checkpoints.
    checkpoint_interval_warn_seconds: Seconds = 300.0, 1.0 => DAY;
    /// Mean time between checkpoints.
    checkpoint_interval_crit_seconds: Seconds = 180.0, 1.0 => DAY;
    /// Over how long checkpoints are counted; nothing is said before a quarter of it was seen.
    checkpoint_window_s: Seconds = 3600.0, 4.0 => DAY;
    /// WAL written per second.
    wal_surge_warn_bytes_per_sec: BytesPerSecond = 100.0 * MIB, 1024.0 => BYTES;
    /// WAL written per second.
    wal_surge_crit_bytes_per_sec: BytesPerSecond = 200.0 * MIB, 1024.0 => BYTES;
    /// Temporary files written per second.
    temp_surge_warn_bytes_per_sec: BytesPerSecond = 50.0 * MIB, 1024.0 => BYTES;
    /// Temporary files written per second.
    temp_surge_crit_bytes_per_sec: BytesPerSecond = 100.0 * MIB, 1024.0 => BYTES;
    /// How long a surge of WAL, of temporary files, of rollbacks or of reads has to last.
    surge_for_s: Seconds = 120.0, 0.0 => DAY;
    /// Share of transactions that roll back, where that is more than usual.
    rollback_warn_share: Share = 0.2, 0.01 => 1.0;
    /// Share of transactions that roll back, where that is more than usual.
    rollback_crit_share: Share = 0.5, 0.01 => 1.0;
    /// Deadlocks per minute over five minutes.
    deadlocks_warn_per_min: PerMinute = 1.0, 0.1 => 1e6;
    /// Deadlocks per minute over five minutes.
    deadlocks_crit_per_min: PerMinute = 10.0, 0.1 => 1e6;
    /// Fall of the cache hit ratio below what was usual in this session.
    cache_hit_fall_warn_points: Points = 10.0, 0.1 => 100.0;
    /// Fall of the cache hit ratio below what was usual in this session.
    cache_hit_fall_crit_points: Points = 30.0, 0.1 => 100.0;
    /// Mean time of a statement against its own of this session.
    query_regression_warn_times: Times = 5.0, 1.1 => 1e6;
    /// Mean time of a statement against its own of this session.
    query_regression_crit_times: Times = 20.0, 1.1 => 1e6;
    /// How often in an hour `pg_stat_statements` makes room before that is a warning.
    evictions_per_hour: PerHour = 20.0, 1.0 => 1e6;
    /// Lag of a standby in time.
    repl_warn_s: Seconds = 30.0, 1.0 => 30.0 * DAY;
    /// Lag of a standby in time.
    repl_crit_s: Seconds = 300.0, 1.0 => 30.0 * DAY;
    /// Lag of a standby in bytes of WAL.
    repl_warn_bytes: Bytes = GIB, 1024.0 => BYTES;
    /// Lag of a standby in bytes of WAL.
    repl_crit_bytes: Bytes = 10.0 * GIB, 1024.0 => BYTES;
    /// WAL kept by a slot that has no limit.
    slot_kept_warn_bytes: Bytes = 10.0 * GIB, 1024.0 => BYTES;
    /// WAL kept by a slot that has no limit.
    slot_kept_crit_bytes: Bytes = 50.0 * GIB, 1024.0 => BYTES;
    /// Time until a slot loses WAL it needs, at the pace it grows.
    slot_left_warn_s: Seconds = 3600.0, 1.0 => 30.0 * DAY;
    /// Time until a slot loses WAL it needs, at the pace it grows.
    slot_left_crit_s: Seconds = 600.0, 1.0 => 30.0 * DAY;
    /// How long archiving has failed.
    archive_failing_warn_s: Seconds = 60.0, 1.0 => 30.0 * DAY;
    /// How long archiving has failed.
    archive_failing_crit_s: Seconds = 600.0, 1.0 => 30.0 * DAY;
    /// Transactions since the oldest snapshot that somebody holds.
    horizon_warn_tx_age: Transactions = 10_000_000.0, 1000.0 => XIDS;
    /// Transactions since the oldest snapshot that somebody holds.
    horizon_crit_tx_age: Transactions = 100_000_000.0, 1000.0 => XIDS;
    /// Time since then, where it is known or can be told by the pace of transactions.
    horizon_warn_s: Seconds = 1800.0, 1.0 => 30.0 * DAY;
    /// Time since then, where it is known or can be told by the pace of transactions.
    horizon_crit_s: Seconds = 7200.0, 1.0 => 30.0 * DAY;
    /// Age of a database's oldest transaction id or multixact.
    wraparound_warn_tx_age: Transactions = 1_500_000_000.0, 1e6 => XIDS;
    /// Age of a database's oldest transaction id or multixact.
    wraparound_crit_tx_age: Transactions = 1_800_000_000.0, 1e6 => XIDS;
    /// How long a vacuum against wraparound has been due and cannot do its work.
    wraparound_stuck_for_s: Seconds = 300.0, 0.0 => DAY;
    /// Use of a sequence, or of the column it feeds.
    sequence_warn_percent: Percent = 80.0, 1.0 => 100.0;
    /// Use of a sequence, or of the column it feeds.
    sequence_crit_percent: Percent = 95.0, 1.0 => 100.0;
    /// Footprint of the indexes nobody uses.
    unused_index_warn_bytes: Bytes = 100.0 * MIB, 8192.0 => BYTES;
    /// Footprint of the indexes nobody uses.
    unused_index_crit_bytes: Bytes = 500.0 * MIB, 8192.0 => BYTES;
    /// Hours the scan counters must have run before an index without a scan counts.
    unused_index_after_hours: Hours = 168.0, 0.0 => 8760.0;
    /// Queries per minute that a standby cancels because of conflicts.
    conflicts_warn_per_min: PerMinute = 1.0, 0.01 => 1e6;
    /// Queries per minute that a standby cancels because of conflicts.
    conflicts_crit_per_min: PerMinute = 30.0, 0.01 => 1e6;
    /// How long a tier of our own questions has been over its budget.
    polling_warn_s: Seconds = 60.0, 1.0 => DAY;
}

impl Limit {
    /// The limit that belongs to it at the other severity: the critical one of a warning.
    #[must_use]
    pub fn critical(&self) -> Option<&'static Self> {
        let (before, after) = self.name.split_once("_warn")?;
        let name = format!("{before}_crit{after}");
        LIMITS.iter().find(|limit| limit.name == name)
    }

    /// The critical limit is milder than this warning.
    #[must_use]
    pub fn is_crossed(&self, alerts: &Alerts) -> bool {
        let default = Alerts::default();
        self.critical().is_some_and(|critical| {
            let falls = (critical.of)(&default) < (self.of)(&default);
            let (warn, crit) = ((self.of)(alerts), (critical.of)(alerts));
            if falls { crit > warn } else { crit < warn }
        })
    }
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limit")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_in_its_range_and_no_pair_is_crossed() {
        let alerts = Alerts::default();
        for limit in LIMITS {
            assert!(limit.range.contains(&(limit.of)(&alerts)), "{}", limit.name);
            assert!(!limit.is_crossed(&alerts), "{}", limit.name);
            if limit.name.contains("_warn") && limit.name != "polling_warn_s" {
                let critical = limit
                    .critical()
                    .unwrap_or_else(|| panic!("{} has no partner", limit.name));
                assert_eq!(critical.unit, limit.unit);
            }
        }
    }
}
