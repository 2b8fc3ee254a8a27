//! The growth between two readings, entry by entry, and how far it can be trusted.

use std::sync::Arc;

use crate::probe::statements::{Counters, Entry, Key, Statements};

/// What is known of the time before a reset is no basis for a rate when this few seconds have passed since.
const SHORTEST: f64 = 0.2;

/// How far numbers can be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// As counted.
    #[default]
    Exact,
    /// Something was lost: it was at least this.
    AtLeast,
    /// Nothing can be said: the counters fell, or it was not among what was asked for before.
    Unknown,
}

/// The growth of one entry.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Growth {
    /// Which.
    pub key: Key,
    /// The role's name.
    pub user: Option<Arc<str>>,
    /// The database's name.
    pub database: Option<Arc<str>>,
    /// What was added; nothing where the trust is [`Trust::Unknown`].
    pub counters: Counters,
    /// The seconds it took; `None` if they are not known.
    pub seconds: Option<f64>,
    /// How far that can be trusted.
    pub trust: Trust,
}

/// Growths over one stretch of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interval {
    /// Its beginning, in seconds since 1970 by the server's clock; `None` if it is not known.
    pub from: Option<f64>,
    /// Its end.
    pub to: f64,
    /// Entries that did something, or of which it is not known, by key.
    pub rows: Vec<Growth>,
    /// How many entries there are.
    pub all: i64,
    /// How many of them are hidden from the role.
    pub hidden: i64,
    /// Executions of all that is not hidden.
    pub calls: i64,
    /// Milliseconds spent in executing, what is hidden included.
    pub total_ms: f64,
    /// It begins with a reset of everything, later than was asked for.
    pub reset: bool,
    /// Evictions in it; `None` where the extension does not count them (before 1.9).
    pub evictions: Option<i64>,
    /// Entries that were there before and are not now, with whatever they had done.
    pub vanished: usize,
    /// Entries of which nothing can be said.
    pub unknown: usize,
    /// Only the busiest entries were asked for.
    pub partial: bool,
}

impl Interval {
    /// Its length in seconds; `None` if it is not known or too short for a rate.
    #[must_use]
    pub fn seconds(&self) -> Option<f64> {
        let seconds = self.to - self.from?;
        (seconds >= SHORTEST).then_some(seconds)
    }

    /// The growth of that entry.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Growth> {
        let at = self.rows.binary_search_by_key(key, |row| row.key).ok()?;
        self.rows.get(at)
    }

    fn add(&mut self, growth: Growth) {
        self.calls = self.calls.saturating_add(growth.counters.calls);
        self.total_ms += growth.counters.exec_ms;
        self.unknown += usize::from(growth.trust == Trust::Unknown);
        if growth.trust == Trust::Unknown || growth.counters.calls > 0 || growth.counters.exec_ms > 0.0 {
            self.rows.push(growth);
        }
    }
}

impl Growth {
    /// Milliseconds per execution.
    #[must_use]
    pub fn mean_ms(&self) -> Option<f64> {
        self.per_call(self.counters.exec_ms)
    }

    /// So much per execution.
    #[must_use]
    pub fn per_call(&self, amount: f64) -> Option<f64> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "beyond 2^53 calls the last digits do not matter"
        )]
        let calls = self.counters.calls as f64;
        (calls > 0.0).then(|| amount / calls)
    }

    /// So much per second.
    #[must_use]
    pub fn per_second(&self, amount: f64) -> Option<f64> {
        let seconds = self.seconds.filter(|seconds| *seconds >= SHORTEST)?;
        (self.trust != Trust::Unknown).then(|| amount / seconds)
    }
}

/// What was added from `before` to `after`; nothing if a counter fell.
fn growth(before: &Counters, after: &Counters) -> Option<Counters> {
    let whole = |before: i64, after: i64| after.checked_sub(before).filter(|grown| *grown >= 0);
    let real = |before: f64, after: f64| Some(after - before).filter(|grown| *grown >= 0.0);
    let known = |before: Option<f64>, after: Option<f64>| match (before, after) {
        (Some(before), Some(after)) => real(before, after).map(Some),
        // An update of the extension in between: what is new has no beginning.
        _ => Some(None),
    };
    Some(Counters {
        calls: whole(before.calls, after.calls)?,
        rows: whole(before.rows, after.rows)?,
        exec_ms: real(before.exec_ms, after.exec_ms)?,
        plan_ms: known(before.plan_ms, after.plan_ms)?,
        hit: whole(before.hit, after.hit)?,
        read: whole(before.read, after.read)?,
        io_ms: real(before.io_ms, after.io_ms)?,
        temp: whole(before.temp, after.temp)?,
        wal: known(before.wal, after.wal)?,
        jit_ms: known(before.jit_ms, after.jit_ms)?,
    })
}

/// What of an interval decides how far its entries can be trusted.
struct Ground<'a> {
    before: &'a Statements,
    /// Every entry there was is known.
    complete: bool,
    /// Entries may have lost what they had counted, without a trace of their own.
    doubtful: bool,
    evicted: bool,
}

impl Ground<'_> {
    fn judge(&self, entry: &Entry) -> (Counters, Trust) {
        let whole = entry.counters;
        let lost = |lost: bool| if lost { Trust::AtLeast } else { Trust::Exact };
        match (self.before.get(&entry.key), entry.since) {
            // It was reset or evicted in between: what it did before that is lost.
            (Some(before), Some(since)) if before.since.is_some_and(|old| since > old) => (whole, Trust::AtLeast),
            (Some(before), since) => match growth(&before.counters, &whole) {
                Some(grown) => (grown, lost(self.doubtful && since.is_none())),
                None => (Counters::default(), Trust::Unknown),
            },
            (None, Some(since)) if self.complete || since >= self.before.epoch => (whole, lost(self.evicted)),
            (None, None) if self.complete => (whole, lost(self.doubtful)),
            (None, _) => (Counters::default(), Trust::Unknown),
        }
    }
}

/// The growth between two readings of one server.
#[must_use]
pub fn between(before: &Statements, after: &Statements) -> Interval {
    let reset = after.reset.filter(|reset| before.reset.is_some_and(|old| *reset > old));
    let nothing = Statements {
        epoch: reset.unwrap_or_default(),
        ..Statements::default()
    };
    let before = if reset.is_some() { &nothing } else { before };
    let evictions = match (before.dealloc, after.dealloc) {
        (Some(old), Some(new)) => Some(new.saturating_sub(old).max(0)),
        // A reset of everything sets the count back.
        (None, Some(new)) if reset.is_some() => Some(new),
        _ => None,
    };
    let (vanished, fell) = losses(before, after);
    let evicted = evictions.is_some_and(|evictions| evictions > 0);
    let ground = Ground {
        before,
        complete: before.complete(),
        doubtful: evicted || fell || evictions.is_none() && vanished > 0,
        evicted,
    };
    let seconds = Some(after.epoch - before.epoch);
    let mut interval = Interval {
        from: Some(before.epoch),
        to: after.epoch,
        total_ms: (after.hidden_ms - before.hidden_ms).max(0.0),
        reset: reset.is_some(),
        evictions,
        vanished,
        ..head(after)
    };
    for entry in &after.entries {
        let (counters, trust) = ground.judge(entry);
        interval.add(row(entry, counters, seconds, trust));
    }
    interval
}

/// How many entries vanished, and whether one fell without telling since when it counts.
fn losses(before: &Statements, after: &Statements) -> (usize, bool) {
    let complete = before.complete() && after.complete();
    let vanished = |entry: &&Entry| after.get(&entry.key).is_none();
    let fell = |entry: &Entry| {
        let new = after.get(&entry.key);
        new.is_some_and(|new| new.since.is_none() && growth(&entry.counters, &new.counters).is_none())
    };
    let count = if complete {
        before.entries.iter().filter(vanished).count()
    } else {
        0
    };
    (count, before.entries.iter().any(fell))
}

/// Everything that was counted since the counters were reset.
#[must_use]
pub fn since_reset(now: &Statements) -> Interval {
    let evicted = now.dealloc.is_some_and(|evictions| evictions > 0);
    let mut interval = Interval {
        from: now.reset,
        to: now.epoch,
        total_ms: now.hidden_ms,
        evictions: now.dealloc,
        ..head(now)
    };
    for entry in &now.entries {
        let seconds = entry.since.or(now.reset).map(|since| now.epoch - since);
        let trust = if evicted && entry.since.is_none() {
            Trust::AtLeast
        } else {
            Trust::Exact
        };
        interval.add(row(entry, entry.counters, seconds, trust));
    }
    interval
}

fn head(now: &Statements) -> Interval {
    Interval {
        all: now.all,
        hidden: now.hidden,
        partial: !now.complete(),
        ..Interval::default()
    }
}

fn row(entry: &Entry, counters: Counters, seconds: Option<f64>, trust: Trust) -> Growth {
    Growth {
        key: entry.key,
        user: entry.user.clone(),
        database: entry.database.clone(),
        counters,
        seconds,
        trust,
    }
}
