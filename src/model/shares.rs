//! Statements that suddenly take most of the server's time: their share of the time of all statements now against what
//! it was before in this session. A statement need not become slower for that: an application that asks a thousand times
//! where it asked once takes as much.

use super::statements::{History, Point};
use crate::probe::statements::Key;

/// Seconds that are now.
const NOW: f64 = 120.0;
/// From so many seconds ago on it was before; what lies between may be either.
const BEFORE: f64 = 240.0;
/// Seconds that have to be known of before.
const KNOWN: f64 = 600.0;
/// Executions before that it takes to call a statement known.
const CALLS: f64 = 20.0;

/// From when on a share counts as far above what it was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// So many times as large as before.
    pub times: f64,
    /// And so large, 0 to 1: below that it is one of several.
    pub share: f64,
    /// And so many sessions at a time: on an idle server anything has a large share of nothing.
    pub at_once: f64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            times: 5.0,
            share: 0.5,
            at_once: 0.5,
        }
    }
}

/// A statement that takes far more of the time than before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grown {
    /// Which.
    pub key: Key,
    /// Its share before, 0 to 1.
    pub before: f64,
    /// Its share in the last two minutes.
    pub now: f64,
    /// How many sessions were at it at a time in the last two minutes.
    pub at_once: f64,
    /// And before.
    pub at_once_before: f64,
    /// Executions per second before.
    pub calls_before: f64,
    /// Executions per second now.
    pub calls: f64,
}

/// Sums over a stretch.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    seconds: f64,
    calls: f64,
    ms: f64,
}

impl Sums {
    fn add(&mut self, seconds: f64, calls: f64, ms: f64) {
        self.seconds += seconds;
        self.calls += calls;
        self.ms += ms;
    }

    fn at_once(&self) -> f64 {
        self.ms / 1000.0 / self.seconds.max(1.0)
    }

    fn calls_per_second(&self) -> f64 {
        if self.seconds > 0.0 {
            self.calls / self.seconds
        } else {
            0.0
        }
    }
}

/// Before and now.
#[derive(Clone, Copy, Debug, Default)]
struct Both {
    before: Sums,
    now: Sums,
}

impl Both {
    /// The stretch a point that ended so many seconds ago belongs to.
    fn of(&mut self, ago: f64) -> Option<&mut Sums> {
        match ago {
            ago if ago < NOW => Some(&mut self.now),
            ago if ago >= BEFORE => Some(&mut self.before),
            _ => None,
        }
    }
}

/// The statements that take far more of the time than before, the largest share first; none while too little is known.
#[must_use]
pub fn grown(history: &History, bounds: &Bounds) -> Vec<Grown> {
    let Some(newest) = history.totals().back().map(|total| total.to) else {
        return Vec::new();
    };
    let mut all = Both::default();
    for total in history.totals() {
        if let Some(sums) = all.of(newest - total.to) {
            sums.add(total.seconds, 0.0, total.ms);
        }
    }
    if all.before.seconds < KNOWN || all.before.ms <= 0.0 || all.now.ms <= 0.0 {
        return Vec::new();
    }
    let statements = history.all();
    let mut grown: Vec<Grown> = statements
        .map(|(key, points)| judge(*key, points.iter(), newest, &all))
        .filter(|one| is_far_above(one, bounds))
        .collect();
    grown.sort_by(|a, b| b.now.total_cmp(&a.now));
    grown
}

fn judge<'a>(key: Key, points: impl Iterator<Item = &'a Point>, newest: f64, all: &Both) -> Grown {
    let mut own = Both::default();
    for point in points {
        let (Some(sums), Some(rate)) = (own.of(newest - point.to), point.calls) else {
            continue;
        };
        let calls = rate * point.seconds;
        sums.add(point.seconds, calls, calls * point.mean_ms.unwrap_or_default());
    }
    // A statement of which too little is known has no share to be far above.
    let known = own.before.calls >= CALLS && own.before.seconds >= KNOWN;
    Grown {
        key,
        before: if known {
            own.before.ms / all.before.ms
        } else {
            f64::INFINITY
        },
        now: own.now.ms / all.now.ms,
        at_once: own.now.at_once(),
        at_once_before: own.before.at_once(),
        calls_before: own.before.calls_per_second(),
        calls: own.now.calls_per_second(),
    }
}

fn is_far_above(one: &Grown, bounds: &Bounds) -> bool {
    one.before.is_finite()
        && one.now >= bounds.share
        && one.now >= one.before * bounds.times
        && one.at_once >= bounds.at_once
        // Its share grows, too, when the others stop.
        && one.at_once >= one.at_once_before * 2.0
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::model::statements::{Growth, Interval};
    use crate::probe::statements::Counters;

    /// Intervals of 15 seconds: calls of 10 ms of statement 1, and of statement 2.
    fn watched(intervals: u32, calls: impl Fn(u32) -> (i64, i64)) -> History {
        let mut history = History::default();
        for nth in 1..=intervals {
            let ran = |query: i64, calls: i64| Growth {
                key: Key {
                    query,
                    ..Key::default()
                },
                counters: Counters {
                    calls,
                    exec_ms: 10.0 * crate::model::rates::float(calls),
                    ..Counters::default()
                },
                seconds: Some(15.0),
                ..Growth::default()
            };
            let (one, other) = calls(nth);
            let rows: Vec<_> = [(1, one), (2, other)]
                .into_iter()
                .filter(|(_, calls)| *calls > 0)
                .map(|(query, calls)| ran(query, calls))
                .collect();
            let to = 1000.0 + 15.0 * f64::from(nth);
            history.add(&Interval {
                from: Some(to - 15.0),
                to,
                total_ms: rows.iter().map(|row| row.counters.exec_ms).sum(),
                rows,
                ..Interval::default()
            });
        }
        history
    }

    #[rstest]
    #[case::a_thousand_questions_instead_of_one(|nth| (if nth > 100 { 3000 } else { 10 }, 1000), Some(1))]
    #[case::all_of_it_grew(|nth| if nth > 100 { (3000, 30_000) } else { (100, 1000) }, None)]
    #[case::the_others_stopped(|nth| (1500, if nth > 100 { 0 } else { 10_000 }), None)]
    #[case::nothing_was_known_of_it(|nth| (if nth > 100 { 3000 } else { 0 }, 1000), None)]
    #[case::it_always_was_most(|nth| (if nth > 100 { 9000 } else { 3000 }, 1000), None)]
    #[case::only_a_third(|nth| (if nth > 100 { 500 } else { 10 }, 1000), None)]
    fn each_bound(#[case] calls: fn(u32) -> (i64, i64), #[case] expected: Option<i64>) {
        let found = grown(&watched(108, calls), &Bounds::default());
        let keys: Vec<i64> = found.iter().map(|one| one.key.query).collect();
        assert_eq!(keys, expected.into_iter().collect::<Vec<_>>(), "{found:?}");
    }

    #[test]
    fn numbers_are_of_two_minutes_and_of_before() {
        let history = watched(108, |nth| (if nth > 100 { 3000 } else { 10 }, 1000));
        let found = grown(&history, &Bounds::default());
        let one = found[0];
        assert!(
            (one.now - 0.75).abs() < 1e-9 && (one.before - 10.0 / 1010.0).abs() < 1e-9,
            "{one:?}"
        );
        assert!(
            (one.at_once - 2.0).abs() < 1e-9 && (one.calls - 200.0).abs() < 1e-9,
            "{one:?}"
        );
        assert!((one.calls_before - 10.0 / 15.0).abs() < 1e-9, "{one:?}");
    }

    #[test]
    fn a_young_session_tells_nothing() {
        let history = watched(50, |nth| (if nth > 45 { 3000 } else { 10 }, 1000));
        assert_eq!(grown(&history, &Bounds::default()), []);
    }
}
