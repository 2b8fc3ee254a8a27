//! Statements that have become slower in this session: their mean time now against what it was before.
//!
//! Time is cut into stretches of two minutes, counted back from the newest reading. The newest stretch is now; what came
//! before the slow ones, one stretch left out because nothing begins where a stretch does, is what a statement is
//! measured against. So a statement that has been slow for half an hour is still compared with the time before that.
//! What is slow for longer than its history reaches (see [`History`]) is the new ordinary.

use std::collections::VecDeque;

use super::statements::{History, Point};
use crate::probe::statements::Key;

/// Seconds of a stretch.
const STRETCH: f64 = 120.0;

/// From when on a statement counts as slower.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// So many times as slow as before.
    pub times: f64,
    /// And slower by so many standard deviations of its intervals' means.
    pub sigmas: f64,
    /// And so large a share of the time of all statements, 0 to 1: otherwise nobody cares.
    pub share: f64,
    /// Executions now that it takes to tell.
    pub calls: f64,
    /// Executions before that it takes to tell.
    pub calls_before: f64,
    /// Seconds that have to be known of before.
    pub seconds_before: f64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            times: 5.0,
            sigmas: 3.0,
            share: 0.1,
            calls: 5.0,
            calls_before: 20.0,
            seconds_before: 600.0,
        }
    }
}

/// A statement that has become slower.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Regression {
    /// Which.
    pub key: Key,
    /// Milliseconds per execution before.
    pub before_ms: f64,
    /// The standard deviation of that among the intervals before.
    pub deviation_ms: f64,
    /// Milliseconds per execution in the last two minutes.
    pub now_ms: f64,
    /// Executions in the last two minutes.
    pub calls: f64,
    /// The share of the time of all statements it took in the last two minutes, 0 to 1.
    pub share: f64,
    /// When it began, in seconds since 1970 by the server's clock: the beginning of the first slow interval.
    pub since: f64,
}

/// The statements that have become slower, those that take most time first.
///
/// # Errors
/// How many seconds it takes until this can be told of any statement.
pub fn regressions(history: &History, bounds: &Bounds) -> Result<Vec<Regression>, f64> {
    let known: f64 = history.totals().iter().map(|total| total.seconds).sum();
    let wanted = bounds.seconds_before + 2.0 * STRETCH;
    let Some(newest) = history.totals().back().filter(|_| known >= wanted) else {
        return Err(wanted - known);
    };
    let recent = history
        .totals()
        .iter()
        .filter(|total| stretch(newest.to, total.to) == 0);
    let all_ms: f64 = recent.map(|total| total.ms).sum();
    let mut found: Vec<_> = history
        .all()
        .filter_map(|(key, points)| regression(*key, points, newest.to, all_ms, bounds))
        .collect();
    found.sort_by(|a, b| b.share.total_cmp(&a.share));
    Ok(found)
}

/// Sums over points. Slow ones and quick ones are never subtracted from each other: too little would be left.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    calls: f64,
    ms: f64,
    /// Squares of the intervals' means, each as often as there were calls.
    squares: f64,
    /// Known seconds.
    seconds: f64,
}

impl Sums {
    fn of(point: &Point) -> Self {
        let Some(rate) = point.calls else {
            return Self::default();
        };
        let calls = rate * point.seconds;
        let mean = point.mean_ms.unwrap_or_default();
        Self {
            calls,
            ms: mean * calls,
            squares: mean * mean * calls,
            seconds: point.seconds,
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            calls: self.calls + other.calls,
            ms: self.ms + other.ms,
            squares: self.squares + other.squares,
            seconds: self.seconds + other.seconds,
        }
    }

    fn mean(&self) -> Option<f64> {
        (self.calls > 0.0).then(|| self.ms / self.calls)
    }

    /// The standard deviation of the intervals' means.
    fn deviation(&self) -> Option<f64> {
        let mean = self.mean()?;
        Some((self.squares / self.calls - mean * mean).max(0.0).sqrt())
    }
}

/// What a statement did in one stretch.
struct Stretch {
    /// How many stretches ago.
    nth: u64,
    sums: Sums,
}

/// How many whole stretches lie between.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a clock that was set back gives 0, and nobody watches for 2^64 stretches"
)]
fn stretch(newest: f64, to: f64) -> u64 {
    ((newest - to) / STRETCH) as u64
}

/// The stretches of points, the newest first, and for each the sums of it and all older ones.
fn stretches<'a>(points: impl Iterator<Item = &'a Point>, newest: f64) -> (Vec<Stretch>, Vec<Sums>) {
    let mut stretches: Vec<Stretch> = Vec::new();
    for point in points {
        let (nth, sums) = (stretch(newest, point.to), Sums::of(point));
        match stretches.last_mut().filter(|last| last.nth == nth) {
            Some(last) => last.sums = last.sums.and(sums),
            None => stretches.push(Stretch { nth, sums }),
        }
    }
    let mut older = Sums::default();
    let mut whole: Vec<Sums> = Vec::with_capacity(stretches.len());
    for stretch in stretches.iter().rev() {
        older = stretch.sums.and(older);
        whole.push(older);
    }
    whole.reverse();
    (stretches, whole)
}

/// The regression of one statement by its points.
fn regression(key: Key, points: &VecDeque<Point>, newest: f64, all_ms: f64, bounds: &Bounds) -> Option<Regression> {
    let (stretches, whole) = stretches(points.iter().rev(), newest);
    let now = stretches.first().filter(|stretch| stretch.nth == 0)?.sums;
    let (now_ms, share) = (now.mean()?, now.ms / all_ms);
    if now.calls < bounds.calls - 1e-6 || share < bounds.share {
        return None;
    }
    let mut quickest = f64::INFINITY;
    let mut found = None;
    for (at, stretch) in stretches.iter().enumerate() {
        let Some(mean) = stretch.sums.mean() else { continue };
        quickest = quickest.min(mean);
        // The stretch before it is left out.
        let gap = stretches.get(at + 1).is_some_and(|next| next.nth > stretch.nth + 1);
        let Some(before) = whole.get(if gap { at + 1 } else { at + 2 }) else {
            break;
        };
        if let Some((limit, before_ms, deviation_ms)) = limit(before, bounds).filter(|(limit, ..)| quickest >= *limit) {
            found = Some(Regression {
                key,
                before_ms,
                deviation_ms,
                now_ms,
                calls: now.calls,
                share,
                since: began(points, newest, stretch.nth + 1, limit),
            });
        }
    }
    found
}

/// From where on a time is slow, with the mean and the deviation it comes from; `None` if too little is known.
fn limit(before: &Sums, bounds: &Bounds) -> Option<(f64, f64, f64)> {
    let enough = before.calls >= bounds.calls_before - 1e-6 && before.seconds >= bounds.seconds_before - 1e-6;
    let (mean, deviation) = (before.mean()?, before.deviation()?);
    let limit = (mean * bounds.times).max(mean + deviation * bounds.sigmas);
    enough.then_some((limit, mean, deviation))
}

/// The beginning of the first slow interval since so many stretches ago.
fn began(points: &VecDeque<Point>, newest: f64, stretches: u64, limit: f64) -> f64 {
    let newest_first = points.iter().rev();
    newest_first
        .take_while(|point| stretch(newest, point.to) <= stretches)
        .filter(|point| point.mean_ms.is_some_and(|mean| mean >= limit))
        .map(|point| point.to - point.seconds)
        .fold(newest, f64::min)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::model::statements::{Growth, Interval, Trust};
    use crate::probe::statements::Counters;

    fn key(query: i64) -> Key {
        Key {
            query,
            ..Key::default()
        }
    }

    /// A statement in an interval of 15 seconds.
    #[expect(clippy::cast_precision_loss, reason = "a test's small number")]
    fn ran(query: i64, calls: i64, mean_ms: f64) -> Growth {
        Growth {
            key: key(query),
            counters: Counters {
                calls,
                exec_ms: mean_ms * calls as f64,
                ..Counters::default()
            },
            seconds: Some(15.0),
            ..Growth::default()
        }
    }

    /// Intervals of 15 seconds, by their number; the total is what the rows took and what is hidden.
    fn watched(intervals: u32, hidden_ms: f64, rows: impl Fn(u32) -> Vec<Growth>) -> History {
        let mut history = History::default();
        for nth in 1..=intervals {
            let mut rows = rows(nth);
            rows.sort_by_key(|row| row.key);
            let to = 1000.0 + 15.0 * f64::from(nth);
            history.add(&Interval {
                from: Some(to - 15.0),
                to,
                total_ms: hidden_ms + rows.iter().map(|row| row.counters.exec_ms).sum::<f64>(),
                rows,
                ..Interval::default()
            });
        }
        history
    }

    fn found(history: &History) -> Vec<Regression> {
        regressions(history, &Bounds::default()).unwrap()
    }

    /// Quick until the interval of that number, then slow.
    fn slower_from(first: u32, quick: f64, slow: f64) -> impl Fn(u32) -> Vec<Growth> {
        move |nth| vec![ran(1, 10, if nth >= first { slow } else { quick }), ran(2, 100, 1.0)]
    }

    #[test]
    fn a_statement_that_became_slower_is_told_with_before_now_and_since() {
        // 20 minutes at 2 ms, then at 50 ms; what lasts 2, 5, 20 and 40 minutes.
        for slow in [8, 20, 80, 150] {
            let history = watched(80 + slow, 0.0, slower_from(81, 2.0, 50.0));
            let [one] = found(&history)[..] else {
                panic!("{slow}: {:?}", found(&history))
            };
            assert_eq!(one.key, key(1));
            assert!(
                (one.before_ms - 2.0).abs() < 1e-9 && (one.now_ms - 50.0).abs() < 1e-9,
                "{one:?}"
            );
            assert!(
                (one.calls - 80.0).abs() < 1e-6 && (one.share - 500.0 / 600.0).abs() < 1e-9,
                "{one:?}"
            );
            assert!((one.since - (1000.0 + 15.0 * 80.0)).abs() < 1e-9, "{slow}: {one:?}");
        }
    }

    #[test]
    fn it_is_told_without_a_break_from_two_minutes_on_until_it_ends() {
        for slow in 8..160 {
            let history = watched(80 + slow, 0.0, slower_from(81, 2.0, 20.0));
            assert_eq!(found(&history).len(), 1, "after {slow} intervals");
        }
        let over = |nth| if (81..120).contains(&nth) { 20.0 } else { 2.0 };
        let history = watched(128, 0.0, |nth| vec![ran(1, 10, over(nth))]);
        assert_eq!(found(&history), []);
    }

    #[rstest]
    #[case::four_times_as_slow(8.0, 0.0, 10, 10, 0)]
    #[case::five_times(10.0, 0.0, 10, 10, 1)]
    #[case::a_ninth_of_all_time(10.0, 800.0, 10, 10, 1)]
    #[case::less_than_a_tenth(10.0, 910.0, 10, 10, 0)]
    #[case::four_calls(1000.0, 0.0, 10, 0, 0)]
    #[case::nineteen_before(1000.0, 0.0, 0, 10, 0)]
    fn each_bound_by_itself(
        #[case] slow: f64,
        #[case] hidden_ms: f64,
        #[case] calls_before: i64,
        #[case] calls: i64,
        #[case] expected: usize,
    ) {
        // Without calls of its own a phase has too few: 19 before, 4 now.
        let history = watched(100, hidden_ms, |nth| {
            let (calls, mean) = match nth {
                93.. if calls > 0 => (calls, slow),
                97.. => (1, slow),
                93.. => (0, 0.0),
                _ if calls_before > 0 => (calls_before, 2.0),
                ..=19 => (1, 2.0),
                _ => (0, 0.0),
            };
            if calls > 0 {
                vec![ran(1, calls, mean)]
            } else {
                Vec::new()
            }
        });
        assert_eq!(found(&history).len(), expected);
    }

    #[test]
    fn what_varies_by_nature_is_no_regression() {
        // Every tenth interval it takes 100 times as long: as before, so now.
        let history = watched(200, 0.0, |nth| {
            vec![ran(1, 10, if nth % 10 == 0 { 200.0 } else { 2.0 })]
        });
        assert_eq!(found(&history), []);
        // The mean before is 21.8, the deviation 59.4: five times that is not enough, three deviations more are about 200.
        for (slow, expected) in [(120.0, 0), (180.0, 0), (220.0, 1)] {
            let history = watched(180, 0.0, |nth| {
                let before = if nth % 10 == 0 { 200.0 } else { 2.0 };
                vec![ran(1, 10, if nth > 160 { slow } else { before })]
            });
            assert_eq!(found(&history).len(), expected, "{slow}");
        }
    }

    #[test]
    fn a_new_statement_and_one_of_which_nothing_is_known_are_none() {
        let history = watched(
            100,
            0.0,
            |nth| if nth > 90 { vec![ran(1, 10, 500.0)] } else { Vec::new() },
        );
        assert_eq!(found(&history), []);
        let unknown = |nth| Growth {
            trust: if nth < 90 { Trust::Unknown } else { Trust::Exact },
            ..ran(1, 10, if nth < 90 { 0.0 } else { 500.0 })
        };
        assert_eq!(found(&watched(100, 0.0, |nth| vec![unknown(nth)])), []);
    }

    #[test]
    fn nothing_is_told_before_enough_was_seen() {
        let wait = |intervals| regressions(&watched(intervals, 0.0, slower_from(1, 2.0, 2.0)), &Bounds::default());
        assert_eq!(wait(0), Err(840.0));
        assert_eq!(wait(40), Err(240.0));
        assert_eq!(wait(56), Ok(Vec::new()));
    }

    #[test]
    fn the_one_that_takes_most_comes_first() {
        let history = watched(100, 0.0, |nth| {
            let slow = if nth > 90 { 10.0 } else { 1.0 };
            vec![ran(1, 10, slow), ran(2, 30, slow), ran(3, 20, slow)]
        });
        let order: Vec<i64> = found(&history).iter().map(|row| row.key.query).collect();
        assert_eq!(order, [2, 3, 1]);
    }

    proptest! {
        /// Against sums over the points themselves.
        #[test]
        fn before_and_now_are_means_of_the_calls(
            quick in proptest::collection::vec((1..50i64, 1.0..1.2f64), 60..100),
            slow in proptest::collection::vec((1..50i64, 100.0..120.0f64), 8..40),
        ) {
            let all: Vec<(i64, f64)> = quick.iter().chain(&slow).copied().collect();
            let count = u32::try_from(all.len()).unwrap();
            let history = watched(count, 0.0, |nth| {
                let (calls, mean) = all[usize::try_from(nth).unwrap() - 1];
                vec![ran(1, calls, mean)]
            });
            let found = found(&history);
            prop_assert_eq!(found.len(), 1);
            let mean = |points: &[(i64, f64)]| {
                #[expect(clippy::cast_precision_loss, reason = "a test's small number")]
                let sums = points.iter().fold((0.0, 0.0), |(calls, ms), (more, mean)| {
                    (calls + *more as f64, ms + *more as f64 * mean)
                });
                sums.1 / sums.0
            };
            let now = mean(&all[all.len() - 8..]);
            prop_assert!((found[0].now_ms - now).abs() < 1e-6);
            // Up to two stretches before the beginning are left out.
            let least = (0..=16).map(|less| mean(&quick[..quick.len() - less]));
            prop_assert!(least.into_iter().any(|mean| (mean - found[0].before_ms).abs() < 1e-6), "{found:?}");
            let begin = 1000.0 + 15.0 * f64::from(u32::try_from(quick.len()).unwrap());
            prop_assert!((found[0].since - begin).abs() < 1e-6);
        }
    }
}
