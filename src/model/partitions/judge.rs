//! How far partitions reach beyond now, and how bad that is.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::bound::Bound;
use super::cover::{self, Covered, Range};
use super::point::{Edge, Point};
use super::{Parent, Part, Strategy};

const DAY: f64 = 86_400.0;
/// What nobody has written to for so long is over.
const OVER: f64 = 30.0 * DAY;
/// Rows came into it in the last hour: they still come.
const LATELY: f64 = 3600.0;
/// A table is over no sooner than so many cadences after its last partition.
const AFTER: f64 = 3.0;
/// The newest partitions looked at for signs of life.
const NEWEST: usize = 3;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Over and done with: nobody writes any more.
    Over,
    /// As it should be.
    Fine,
    /// Worth a look.
    Notice,
    /// Act soon.
    Warning,
    /// Act now.
    Critical,
}

/// How far the partitions of a table reach.
#[derive(Clone, Debug, PartialEq)]
pub enum Reach {
    /// There is none: no row can be stored.
    Empty,
    /// There is only the default.
    OnlyDefault,
    /// Not all partitions were asked for.
    PartlyKnown,
    /// To infinity or `MAXVALUE`.
    Open,
    /// So many seconds beyond now.
    Beyond(f64),
    /// Now is in no partition.
    Nothing {
        /// Seconds since the end of the last one before now.
        ended_s: Option<f64>,
        /// Seconds until the beginning of the first one after now.
        begins_s: Option<f64>,
    },
    /// They ended then, long ago, and nothing has been written since.
    Ended(Point),
    /// Of numbers: so many without rows follow the newest one with rows.
    Ahead(usize),
    /// Of numbers: none has rows.
    Unused,
    /// Of other ranges: there is no telling where the next rows belong.
    Ranges(usize),
    /// Of lists: so many values.
    Values(usize),
    /// Of hashes: every key has its partition.
    Whole,
    /// Of hashes: the keys of so many remainders have no partition.
    Missing(usize),
}

/// What the default partition does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Default {
    /// There is none: what belongs nowhere is refused.
    None,
    /// It has no rows.
    Empty,
    /// Neither counters nor ANALYZE tell.
    Unknown,
    /// It has so many rows.
    Holds(f64),
    /// It has so many rows, and got some of them within the last hour.
    Fills(f64),
}

/// What is to be said of a partitioned table now.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// How bad it is.
    pub level: Level,
    /// How far it reaches.
    pub reach: Reach,
    /// What its default partition does.
    pub default: Default,
}

impl Verdict {
    /// Sorts what hurts most first.
    #[must_use]
    pub fn urgency(&self) -> f64 {
        let level = match self.level {
            Level::Critical => 0.0,
            Level::Warning => 1.0,
            Level::Notice => 2.0,
            Level::Fine => 3.0,
            Level::Over => 4.0,
        };
        let beyond = match self.reach {
            Reach::Beyond(seconds) => seconds.clamp(0.0, 1e11),
            Reach::Nothing { .. } | Reach::Missing(_) => 0.0,
            _ => 1e11,
        };
        level * 1e12 + beyond
    }
}

/// A moment as a bound in UTC would have it.
#[must_use]
pub fn moment(epoch: f64) -> Option<DateTime> {
    let micros = (epoch * 1e6).floor();
    if !(-3e17..3e17).contains(&micros) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked above")]
    let moment = jiff::Timestamp::from_microsecond(micros as i64).ok()?;
    Some(moment.to_zoned(TimeZone::UTC).datetime())
}

impl Parent {
    /// What is to be said of it at `now` (seconds since 1970 by the server's clock), where partitions should reach so
    /// many days ahead. The values of `date` and `timestamp` are taken as UTC.
    #[must_use]
    pub fn judge(&self, now: f64, days: u32) -> Verdict {
        let default = self.judge_default(now);
        let reach = self.reach(now, default);
        let level = self.level(&reach, default, now, f64::from(days) * DAY);
        Verdict { level, reach, default }
    }

    fn judge_default(&self, now: f64) -> Default {
        let Some(part) = self.default() else {
            return Default::None;
        };
        let lately = part.grew_at.is_some_and(|grew| now - grew < LATELY);
        match part.rows {
            None => Default::Unknown,
            Some(rows) if lately => Default::Fills(rows),
            Some(rows) if rows > 0.0 => Default::Holds(rows),
            Some(_) => Default::Empty,
        }
    }

    fn reach(&self, now: f64, default: Default) -> Reach {
        if self.parts.is_empty() && self.unasked == 0 {
            return Reach::Empty;
        }
        if self.unasked > 0 {
            return Reach::PartlyKnown;
        }
        if self.default().is_some() && self.parts.len() == 1 {
            return Reach::OnlyDefault;
        }
        match self.strategy {
            Strategy::Range if self.axis().is_time() => self.reach_in_time(now, default),
            Strategy::Range if self.axis().is_number() => self.reach_in_numbers(),
            Strategy::Range => Reach::Ranges(self.ranged().count()),
            Strategy::List => Reach::Values(self.values()),
            Strategy::Hash if self.remainders.is_empty() => Reach::Whole,
            Strategy::Hash => Reach::Missing(self.remainders.len()),
        }
    }

    fn values(&self) -> usize {
        let values = |part: &Part| match &part.bound {
            Some(Bound::List(values)) => values.len(),
            _ => 0,
        };
        self.parts.iter().map(values).sum()
    }

    /// Its ranges that take rows, in order.
    fn open_ranges(&self) -> Vec<&Range> {
        let ranged = self.ranged().filter(|(part, _)| !part.detaching);
        ranged.map(|(_, range)| range).collect()
    }

    fn reach_in_time(&self, now: f64, default: Default) -> Reach {
        let Some(at) = moment(now) else {
            return Reach::PartlyKnown;
        };
        let since = |point: &Point| match point {
            Point::Time(time) => Some(time.duration_since(at).as_secs_f64()),
            _ => None,
        };
        let distance = |edge: &Edge| edge.point().and_then(since);
        match cover::covered(&self.open_ranges(), &self.axes(), &Point::Time(at)) {
            Covered::To(edge) => distance(edge).map_or(Reach::Open, Reach::Beyond),
            Covered::Not { ended, begins } => {
                let (ended_s, begins_s) = (ended.and_then(distance), begins.and_then(distance));
                match ended.and_then(Edge::point) {
                    Some(point) if begins.is_none() && self.is_over(-ended_s.unwrap_or(0.0), default, now) => {
                        Reach::Ended(point.clone())
                    }
                    _ => Reach::Nothing {
                        ended_s: ended_s.map(|seconds| -seconds),
                        begins_s,
                    },
                }
            }
        }
    }

    /// Nobody seems to write to it any more: its last partition ended long ago and shows no sign of life.
    fn is_over(&self, ended_s: f64, default: Default, now: f64) -> bool {
        let step = self.step.and_then(super::step::Step::seconds).unwrap_or(0.0);
        let newest = self.ranged().rev().take(NEWEST);
        let quiet = newest.into_iter().all(|(part, _)| !written(part, now));
        let refused = match default {
            Default::None | Default::Empty => true,
            Default::Unknown | Default::Fills(_) => false,
            // What is in there may be as old as the rest, if autovacuum has been there and found no reason to return.
            Default::Holds(_) => self
                .default()
                .is_some_and(|part| part.analyzed.is_some() && !written(part, now)),
        };
        ended_s > OVER.max(AFTER * step) && quiet && refused
    }

    fn reach_in_numbers(&self) -> Reach {
        let ranged: Vec<(&Part, &Range)> = self.ranged().filter(|(part, _)| !part.detaching).collect();
        let has_rows = |(part, _): &(&Part, &Range)| part.rows.is_some_and(|rows| rows > 0.0);
        let Some(newest) = ranged.iter().rposition(has_rows) else {
            return Reach::Unused;
        };
        let axes = self.axes();
        let after: Vec<&Range> = ranged.iter().skip(newest).map(|(_, range)| *range).collect();
        let meet = |pair: &(&&Range, &&Range)| cover::meet(&pair.0.to, &pair.1.from, &axes);
        let ahead = after.iter().zip(after.iter().skip(1)).take_while(meet).count();
        let open = |range: &&Range| cover::leading(&range.to).is_open();
        if after.get(ahead).is_some_and(open) {
            return Reach::Open;
        }
        Reach::Ahead(ahead)
    }

    fn level(&self, reach: &Reach, default: Default, now: f64, wanted: f64) -> Level {
        let reach = match reach {
            Reach::Nothing { .. } => Level::Critical,
            Reach::Beyond(seconds) if *seconds < wanted => Level::Warning,
            Reach::Missing(_) => Level::Warning,
            Reach::Ahead(0) if self.is_written_at_its_end(now) => Level::Warning,
            Reach::Empty | Reach::PartlyKnown | Reach::Ahead(0) => Level::Notice,
            Reach::Ended(_) => return Level::Over,
            _ => Level::Fine,
        };
        let default = match default {
            _ if self.strategy != Strategy::Range => Level::Fine,
            Default::Fills(_) if self.parts.len() > 1 => Level::Critical,
            Default::Holds(_) | Default::Fills(_) => Level::Notice,
            Default::None | Default::Empty | Default::Unknown => Level::Fine,
        };
        let detaching = self.parts.iter().any(|part| part.detaching);
        let rest = if self.holes.count() > 0 || detaching {
            Level::Notice
        } else {
            Level::Fine
        };
        reach.max(default).max(rest)
    }

    /// The newest partition with rows still gets some, as far as anybody can tell.
    fn is_written_at_its_end(&self, now: f64) -> bool {
        let has_rows = |(part, _): &(&Part, &Range)| part.rows.is_some_and(|rows| rows > 0.0);
        let newest = self.ranged().rev().find(has_rows);
        let quiet = |part: &Part| part.inserted == 0 || part.analyzed.is_some();
        newest.is_some_and(|(part, _)| self.recovering || written(part, now) || !quiet(part))
    }
}

/// It was seen to grow, or autovacuum found it changed.
fn written(part: &Part, now: f64) -> bool {
    let lately = |at: Option<f64>| at.is_some_and(|at| now - at < OVER);
    lately(part.grew_at) || lately(part.analyzed)
}
