//! What statements cost between two readings of `pg_stat_statements`: the last interval, since a mark, since the
//! reset. A break (a reset, an eviction, a counter that fell) is seen and said, never computed over.

mod advice;
mod history;
mod interval;
mod latency;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

pub use advice::{Advice, absent, denied, shortcomings};
pub use history::{History, Point, Total};
pub use interval::{Growth, Interval, Trust, between, since_reset};
pub use latency::{Between, executions, percentile};

use super::rates::{self, Gap, Reading};
use crate::pg::redact::redact;
use crate::probe::activity::Backend;
use crate::probe::statements::{Key, Statements};
use crate::probe::{Ran, Sample};

/// Texts of running sessions that are kept.
const SEEN: usize = 500;

/// Evictions are remembered for so many seconds.
const REMEMBERED: f64 = 3600.0;
/// `pg_stat_statements` makes room for no less than this share of its entries at a time.
const EVICTED: usize = 20;

/// What is known of the statements over this session.
#[derive(Clone, Debug, Default)]
pub struct Workload {
    newest: Option<Arc<Sample>>,
    mark: Option<Arc<Sample>>,
    last: Option<Arc<Interval>>,
    since_mark: Option<Arc<Interval>>,
    since_reset: Option<Arc<Interval>>,
    /// Why the newest reading could not be compared with the one before.
    gap: Option<Gap>,
    /// Why there is no mark any more.
    mark_gap: Option<Gap>,
    history: Arc<History>,
    /// Intervals of the last hour in which entries were evicted: their end and how often.
    evictions: VecDeque<(f64, i64)>,
    /// Texts as sessions ran them, by query id.
    seen: Arc<BTreeMap<i64, Seen>>,
}

/// A text as a session ran it.
#[derive(Clone, Debug)]
struct Seen {
    original: Arc<str>,
    /// The same without its literals.
    redacted: Arc<str>,
}

/// The data of a reading.
fn data(sample: &Sample) -> Option<&Statements> {
    sample.data.as_ref()?.downcast_ref()
}

/// Neither a promotion nor a clean restart changes the counters, but after a restart nobody knows which it was.
fn reading(statements: &Statements, ran: &Ran) -> Reading {
    Reading::new(statements.epoch, statements.started, false, ran)
}

/// The growth between two readings, and why there is none.
fn compare(before: &Sample, after: &Sample) -> Result<Interval, Gap> {
    let (Some(old), Some(new)) = (data(before), data(after)) else {
        return Err(Gap::First);
    };
    rates::interval(&reading(old, &before.ran), &reading(new, &after.ran))?;
    Ok(between(old, new))
}

/// How often entries were evicted. Before 1.9 nobody counts: then many that vanished at once are one eviction.
fn evictions(interval: &Interval) -> i64 {
    let before = usize::try_from(interval.all).unwrap_or_default();
    let many = interval.vanished > 0 && interval.vanished.saturating_mul(EVICTED) >= before;
    interval.evictions.unwrap_or(i64::from(many && !interval.reset))
}

impl Workload {
    /// Takes a new reading in.
    pub fn observe(&mut self, sample: &Arc<Sample>) {
        let Some(statements) = data(sample) else { return };
        let compared = self
            .newest
            .as_deref()
            .map_or(Err(Gap::First), |before| compare(before, sample));
        if compared == Err(Gap::TooSoon) {
            return;
        }
        self.since_reset = Some(Arc::new(since_reset(statements)));
        self.gap = compared.as_ref().err().copied();
        self.last = compared.ok().map(Arc::new);
        if let Some(last) = &self.last {
            Arc::make_mut(&mut self.history).add(last);
            let count = evictions(last);
            if count > 0 {
                self.evictions.push_back((last.to, count));
            }
        }
        let old = |(to, _): &(f64, i64)| *to < statements.epoch - REMEMBERED;
        while self.evictions.front().is_some_and(old) {
            self.evictions.pop_front();
        }
        self.compare_with_mark(sample);
        self.newest = Some(Arc::clone(sample));
    }

    fn compare_with_mark(&mut self, sample: &Sample) {
        let Some(mark) = &self.mark else { return };
        match compare(mark, sample) {
            Ok(interval) => self.since_mark = Some(Arc::new(interval)),
            Err(Gap::TooSoon) => {}
            Err(gap) => {
                (self.mark, self.since_mark) = (None, None);
                self.mark_gap = Some(gap);
            }
        }
    }

    /// The counters are not known any more: the extension is gone.
    pub fn forget(&mut self) {
        *self = Self {
            seen: Arc::clone(&self.seen),
            ..Self::default()
        };
    }

    /// From now on the growth since the newest reading is kept too; false if there is no reading yet.
    pub fn set_mark(&mut self) -> bool {
        self.mark.clone_from(&self.newest);
        (self.since_mark, self.mark_gap) = (None, None);
        self.mark.is_some()
    }

    /// When the mark was set, in seconds since 1970 by the server's clock.
    #[must_use]
    pub fn marked(&self) -> Option<f64> {
        Some(data(self.mark.as_deref()?)?.epoch)
    }

    /// Why the mark was given up, if it was.
    #[must_use]
    pub fn mark_gap(&self) -> Option<Gap> {
        self.mark_gap
    }

    /// The growth between the last two readings.
    ///
    /// # Errors
    /// Why there is none.
    pub fn last(&self) -> Result<&Interval, Gap> {
        self.last.as_deref().ok_or(self.gap.unwrap_or(Gap::First))
    }

    /// The growth since the mark.
    #[must_use]
    pub fn since_mark(&self) -> Option<&Interval> {
        self.since_mark.as_deref()
    }

    /// What has come together since the counters were reset.
    #[must_use]
    pub fn since_reset(&self) -> Option<&Interval> {
        self.since_reset.as_deref()
    }

    /// What was seen of a statement in this session, oldest first.
    pub fn history(&self, key: &Key) -> impl Iterator<Item = &Point> {
        self.history.of(key)
    }

    /// How often in the last hour entries were evicted to make room, as far as this session has seen it; before 1.9 only
    /// that it happened between two readings is known.
    #[must_use]
    pub fn evictions(&self) -> i64 {
        rates::total(self.evictions.iter().map(|(_, count)| *count))
    }

    /// What was seen of all statements that are kept.
    #[must_use]
    pub fn past(&self) -> &History {
        &self.history
    }

    /// Notes the texts of statements that run now.
    pub fn observe_texts(&mut self, backends: &[Backend]) {
        let texts = backends.iter().filter_map(|backend| {
            let text = backend.query.as_deref().filter(|text| !text.is_empty())?;
            Some((backend.query_id?, text))
        });
        for (query, text) in texts {
            if !self.seen.contains_key(&query) && self.seen.len() < SEEN {
                let seen = Seen {
                    original: text.into(),
                    redacted: redact(text).into(),
                };
                Arc::make_mut(&mut self.seen).insert(query, seen);
            }
        }
    }

    /// How many statements' texts were seen in sessions.
    #[must_use]
    pub fn texts_seen(&self) -> usize {
        self.seen.len()
    }

    /// The text of a statement as some session ran it, with its literals or without.
    #[must_use]
    pub fn seen(&self, query: i64, redacted: bool) -> Option<&Arc<str>> {
        let seen = self.seen.get(&query)?;
        Some(if redacted { &seen.redacted } else { &seen.original })
    }
}

#[cfg(test)]
mod tests;
