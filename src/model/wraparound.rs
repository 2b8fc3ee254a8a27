//! How far a database or a relation is on its way to wraparound, for transaction ids and multixact ids alike: what
//! happens at which age, what is left until then and for how long, who saves it, and who holds it back.
//!
//! The arithmetic is the server's own (`SetTransactionIdLimit` in varsup.c, `SetMultiXactIdLimit` in multixact.c): an
//! id may be at most 2^31 - 1 younger than the oldest one that is stored. Before that point the server refuses to
//! assign ids, and before that it warns; the margins are compiled in. The forced vacuum of `freeze_max_age` is routine
//! and no reason for alarm.

mod rescue;

use std::time::Duration;

use crate::model::observe::name;
use crate::model::series::Series;
use crate::probe::Mono;
use crate::probe::wraparound_databases::{Database, Limits};
use crate::probe::wraparound_relations::Relation;

pub use crate::probe::wraparound_databases::WARNING_AGE;
pub use rescue::{
    Rescue, held_back, holder_before, rescue_of_database, rescue_of_relation, vacuum_database, vacuum_relation,
};

/// From this age on it is urgent.
pub const CRITICAL_AGE: i64 = 1_800_000_000;
/// The age at which ids would wrap around: 2^31 - 1.
pub const WRAP_AGE: i64 = 2_147_483_647;

/// The burn rate is the mean over so long, or over the session if that is younger.
const BURN_WINDOW: Duration = Duration::from_hours(1);

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// Transaction ids.
    Xid,
    /// Multixact ids.
    Multixact,
}

impl Counter {
    /// The series of its burn rate, in ids per second.
    #[must_use]
    pub const fn series(self) -> &'static str {
        match self {
            Self::Xid => name::XID_BURN,
            Self::Multixact => name::MXID_BURN,
        }
    }
}

/// The ages at which something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// Past this age autovacuum vacuums it whatever else is set: routine.
    pub forced: i64,
    /// Past this age VACUUM leaves out indexes and its pauses (14+).
    pub failsafe: Option<i64>,
    /// From this age on every new id comes with a WARNING.
    pub warning: i64,
    /// From this age on no new ids are assigned.
    pub stop: i64,
}

impl Marks {
    /// The marks by the server's settings; `own` is the relation's own `freeze_max_age`, which can only lower it.
    #[must_use]
    pub fn of(counter: Counter, limits: &Limits, own: Option<i64>) -> Self {
        let (freeze_max_age, failsafe_age) = match counter {
            Counter::Xid => (limits.freeze_max_age, limits.failsafe_age),
            Counter::Multixact => (limits.multixact_freeze_max_age, limits.multixact_failsafe_age),
        };
        let (warning, stop) = margins(counter, limits.version_num / 10_000);
        Self {
            forced: own.map_or(freeze_max_age, |own| own.min(freeze_max_age)),
            // vacuum_xid_failsafe_check: never below 105 % of the forced vacuum's age.
            failsafe: failsafe_age.map(|age| age.max(freeze_max_age.saturating_add(freeze_max_age / 20))),
            warning: WRAP_AGE - warning,
            stop: WRAP_AGE - stop,
        }
    }
}

/// How many ids before the wraparound the server begins to warn, and to refuse.
const fn margins(counter: Counter, major: i32) -> (i64, i64) {
    match (counter, major) {
        (Counter::Xid, ..14) => (11_000_000, 1_000_000),
        (Counter::Multixact, ..14) => (10_000_100, 100),
        _ => (40_000_000, 3_000_000),
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing to do.
    Fine,
    /// Autovacuum has to see to it: routine.
    Due,
    /// Past [`WARNING_AGE`]: the forced vacuum has not come through.
    Warning,
    /// Past [`CRITICAL_AGE`], or the server warns.
    Critical,
    /// The server assigns no new ids.
    Stopped,
}

/// An age and what lies before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// The age.
    pub age: i64,
    /// What happens at which age.
    pub marks: Marks,
}

impl Way {
    /// Ids that can still be assigned; 0 when the server has stopped.
    #[must_use]
    pub fn left(&self) -> i64 {
        self.marks.stop.saturating_sub(self.age).max(0)
    }

    /// The share of the way to the stop that is behind, in percent.
    #[must_use]
    pub fn percent(&self) -> f64 {
        percent(self.age, self.marks.stop)
    }

    /// The share of the way to the forced vacuum, in percent; more than 100 when that is due.
    #[must_use]
    pub fn percent_of_forced(&self) -> f64 {
        percent(self.age, self.marks.forced)
    }

    /// How bad it is.
    #[must_use]
    pub fn level(&self) -> Level {
        match self.age {
            age if age >= self.marks.stop => Level::Stopped,
            age if age >= CRITICAL_AGE.min(self.marks.warning) => Level::Critical,
            age if age >= WARNING_AGE => Level::Warning,
            age if age > self.marks.forced => Level::Due,
            _ => Level::Fine,
        }
    }
}

fn percent(part: i64, whole: i64) -> f64 {
    let float = super::rates::float;
    if whole > 0 {
        100.0 * float(part) / float(whole)
    } else {
        100.0
    }
}

/// Both ages of a database or relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ways {
    /// By transaction ids.
    pub xid: Way,
    /// By multixact ids.
    pub multixact: Way,
}

impl Ways {
    /// Of a database.
    #[must_use]
    pub fn of_database(database: &Database, limits: &Limits) -> Self {
        Self::of((database.xid_age, None), (database.mxid_age, None), limits)
    }

    /// Of a relation, by its own settings.
    #[must_use]
    pub fn of_relation(relation: &Relation, limits: &Limits) -> Self {
        Self::of(
            (relation.xid_age, relation.freeze_max_age),
            (relation.mxid_age, relation.multixact_freeze_max_age),
            limits,
        )
    }

    fn of(xid: (i64, Option<i64>), multixact: (i64, Option<i64>), limits: &Limits) -> Self {
        let way = |counter, (age, own)| Way {
            age,
            marks: Marks::of(counter, limits, own),
        };
        Self {
            xid: way(Counter::Xid, xid),
            multixact: way(Counter::Multixact, multixact),
        }
    }

    /// Both of them.
    #[must_use]
    pub fn both(&self) -> [(Counter, &Way); 2] {
        [(Counter::Xid, &self.xid), (Counter::Multixact, &self.multixact)]
    }

    /// The one that is further on its way to the stop.
    #[must_use]
    pub fn worse(&self) -> (Counter, &Way) {
        if self.multixact.percent() > self.xid.percent() {
            (Counter::Multixact, &self.multixact)
        } else {
            (Counter::Xid, &self.xid)
        }
    }

    /// How bad the worse one is.
    #[must_use]
    pub fn level(&self) -> Level {
        self.xid.level().max(self.multixact.level())
    }

    /// The share of the way to its forced vacuum, of whichever is nearer to it.
    #[must_use]
    pub fn percent_of_forced(&self) -> f64 {
        self.xid.percent_of_forced().max(self.multixact.percent_of_forced())
    }

    /// Seconds until the stop at these burn rates, of whichever comes first; `None` if none of them burns.
    #[must_use]
    pub fn seconds_left(&self, burn: &Burn) -> Option<f64> {
        let ways = self.both().into_iter();
        ways.filter_map(|(counter, way)| seconds(way.left(), burn.of(counter)?))
            .min_by(f64::total_cmp)
    }
}

/// How long so many ids last; `None` if none are used up.
#[must_use]
pub fn seconds(ids: i64, per_second: f64) -> Option<f64> {
    (per_second > 0.0).then(|| super::rates::float(ids) / per_second)
}

/// How fast ids are used up, per second; `None` before two readings.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Burn {
    /// Transaction ids.
    pub xid: Option<f64>,
    /// Multixact ids.
    pub multixact: Option<f64>,
}

impl Burn {
    /// The means over the last hour of this session.
    #[must_use]
    pub fn of_session(series: &Series, now: Mono) -> Self {
        let mean = |counter: Counter| series.mean(counter.series(), now, BURN_WINDOW);
        Self {
            xid: mean(Counter::Xid),
            multixact: mean(Counter::Multixact),
        }
    }

    /// One of them.
    #[must_use]
    pub const fn of(&self, counter: Counter) -> Option<f64> {
        match counter {
            Counter::Xid => self.xid,
            Counter::Multixact => self.multixact,
        }
    }
}

/// How many ids lie between two next ids of 32 bits.
#[must_use]
pub const fn consumed(before: i64, after: i64) -> i64 {
    after.wrapping_sub(before).rem_euclid(1 << 32)
}

/// True for a database that `PostgreSQL` brings and that needs no look: `ui.hide_postgres_defaults` hides it.
#[must_use]
pub fn is_healthy_default(database: &Database, limits: &Limits) -> bool {
    let brought = matches!(database.datname.as_str(), "postgres" | "template0" | "template1");
    brought && !database.here && Ways::of_database(database, limits).level() == Level::Fine
}

#[cfg(test)]
mod tests;
