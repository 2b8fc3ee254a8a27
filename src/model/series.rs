//! The history behind the sparklines: for every series a bounded list of points over the whole session, with the
//! time each of them stands for, so that "the last 10 minutes" is right whatever the interval was.
//!
//! What goes in is decided by [`super::observe`]; rates come from [`super::rates`] only.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::arrivals::Arrivals;
use super::neglect::Neglect;
use super::rates::{Gap, Reading};
use super::recovery::Unreplayed;
use super::replay::Replay;
use super::roll::Roll;
use super::trails::Trails;
use crate::probe::autovacuum::Queue;
use crate::probe::pulse::PulseProbe;
use crate::probe::recovery::Recovery;
use crate::probe::replication::Sender;
use crate::probe::{Latest, Mono, Ran, Sample};

/// Points kept per series. When it is full, the older half is merged in pairs: the session stays whole, its
/// beginning gets coarser.
pub const KEEP: usize = 900;

/// A gauge counts for the time since its last reading, but not for longer than this: after an outage nobody knows.
const HOLD: Duration = Duration::from_mins(1);

/// A value at a point in time; `None` is a gap.
pub type Point = Option<f64>;

/// A stretch of time and what was measured over it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stretch {
    /// Its end.
    end: f64,
    /// How long it is, in seconds; 0 for a gauge read for the first time.
    span: f64,
    /// The mean over it.
    mean: Point,
    /// The highest value in it.
    peak: f64,
}

impl Stretch {
    fn start(&self) -> f64 {
        self.end - self.span
    }

    /// The same, holding on until `now`, but for no longer than it has held: then the next one is overdue.
    fn held_until(&self, now: f64) -> Self {
        let more = (now - self.end).clamp(0.0, self.span);
        Self {
            end: self.end + more,
            span: self.span + more,
            ..*self
        }
    }

    /// Both as one, if one follows the other and both or none have a value.
    fn join(&self, next: &Self) -> Option<Self> {
        let span = self.span + next.span;
        let touching = (next.start() - self.end).abs() <= 0.5;
        let mean = match (self.mean, next.mean) {
            (Some(a), Some(b)) if span > 0.0 => Some((a * self.span + b * next.span) / span),
            (None, None) => None,
            _ => return None,
        };
        touching.then_some(Self {
            end: next.end,
            span,
            mean,
            peak: self.peak.max(next.peak),
        })
    }

    /// Seconds it shares with a window; at least a sliver if its end lies in there.
    fn overlap(&self, from: f64, to: f64) -> f64 {
        let shared = self.end.min(to) - self.start().max(from);
        let sliver = if self.end > from && self.end <= to { 1e-9 } else { 0.0 };
        shared.max(sliver)
    }
}

/// What is known of a stretch of a series; means are weighted by time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// The mean.
    pub mean: f64,
    /// The standard deviation of the readings. Of the merged points of a long session only their means are left, so
    /// there it is a lower bound: two readings that were merged no longer differ.
    pub deviation: f64,
    /// Seconds that are known.
    pub seconds: f64,
    /// Points that are known, in whole or in part.
    pub readings: usize,
}

/// What a bucket of a sparkline shows of the points in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// Their mean, weighted by time: rates.
    Mean,
    /// The highest: what must not be missed (waiters, ages).
    Peak,
}

/// All series of the session by name.
#[derive(Clone, Debug, Default)]
pub struct Series {
    tracks: BTreeMap<&'static str, VecDeque<Stretch>>,
    /// The last reading of each probe that makes rates.
    before: BTreeMap<&'static str, Sample>,
    /// Why a probe's newest reading gave no rate.
    gaps: BTreeMap<&'static str, Gap>,
    /// Where the replay of each standby stands.
    replay: Replay,
    /// The standbys that were seen.
    roll: Roll,
    /// What this standby has received and not replayed.
    unreplayed: Unreplayed,
    /// How fast slots grow and archives fill.
    trails: Trails,
    /// Which tables wait for autovacuum, and since when.
    neglect: Neglect,
    /// Which sessions are there, to see new ones.
    pub(super) arrivals: Arrivals,
}

impl Series {
    /// Adds a gauge: a value that holds since the last reading, up to a minute back.
    pub fn push(&mut self, name: &'static str, at: Mono, value: Point) {
        let end = at.0.as_secs_f64();
        let span = self
            .tracks
            .get(name)
            .and_then(VecDeque::back)
            .map_or(0.0, |last| (end - last.end).clamp(0.0, HOLD.as_secs_f64()));
        self.add(name, end, span, value);
    }

    /// Adds a rate: the mean over the `span` seconds that end at `at`.
    pub fn push_span(&mut self, name: &'static str, at: Mono, span: f64, value: Point) {
        self.add(name, at.0.as_secs_f64(), span.max(0.0), value);
    }

    fn add(&mut self, name: &'static str, end: f64, span: f64, value: Point) {
        let track = self.tracks.entry(name).or_default();
        // Time runs forwards: a late answer of the other connection would tear the order.
        if track.back().is_some_and(|last| last.end > end) {
            return;
        }
        if track.len() >= KEEP {
            thin(track);
        }
        let mean = value.filter(|value| value.is_finite());
        track.push_back(Stretch {
            end,
            span,
            mean,
            peak: mean.unwrap_or(f64::NEG_INFINITY),
        });
    }

    /// The values of a series, oldest first, whatever time they stand for.
    #[must_use]
    pub fn points(&self, name: &str) -> impl DoubleEndedIterator<Item = Point> + ExactSizeIterator + '_ {
        self.tracks
            .get(name)
            .map(|track| track.iter())
            .unwrap_or_default()
            .map(|stretch| stretch.mean)
    }

    /// The newest point.
    #[must_use]
    pub fn last(&self, name: &str) -> Point {
        self.tracks.get(name)?.back()?.mean
    }

    /// Seconds the newest point stands for.
    #[must_use]
    pub fn last_span(&self, name: &str) -> Option<f64> {
        Some(self.tracks.get(name)?.back()?.span)
    }

    /// The last `length` before `now` in so many buckets, oldest first; a bucket nothing is known of is `None`.
    ///
    /// The newest point holds for one more interval, so that the end of a line does not blink while the next is awaited.
    /// Buckets begin at whole multiples of their width, so a line moves by whole buckets and does not shimmer.
    #[must_use]
    pub fn window(&self, name: &str, fold: Fold, now: Mono, length: Duration, buckets: usize) -> Vec<Point> {
        let Some(track) = self.tracks.get(name).filter(|_| buckets > 0 && !length.is_zero()) else {
            return vec![None; buckets];
        };
        let width = length.as_secs_f64() / count(buckets);
        let end = (now.0.as_secs_f64() / width).ceil() * width;
        let newest = track.back().map(|stretch| stretch.held_until(now.0.as_secs_f64()));
        let mut newer = 0;
        let mut out: Vec<Point> = (1..=buckets)
            .map(|back| {
                let from = end - width * count(back);
                let to = from + width;
                // What lies wholly after this bucket lies after all older ones too.
                let rest = track.iter().rev().skip(newer);
                newer += rest
                    .take_while(|stretch| stretch.start() >= to && stretch.end > to)
                    .count();
                let held = newest.as_ref().filter(|held| newer == 0 && held.end > from);
                match (folded(track, newer, fold, from, to), held) {
                    // Nothing came yet since this bucket began: the newest point still holds.
                    (None, Some(held)) if held.overlap(from, to) > 0.0 => held.mean,
                    (point, _) => point,
                }
            })
            .collect();
        out.reverse();
        out
    }

    /// The mean over the last `length`, weighted by time; `None` if nothing is known of it.
    #[must_use]
    pub fn mean(&self, name: &str, now: Mono, length: Duration) -> Point {
        let now = now.0.as_secs_f64();
        folded(self.tracks.get(name)?, 0, Fold::Mean, now - length.as_secs_f64(), now)
    }

    /// Mean and standard deviation from so long ago until so long ago; `None` if nothing is known of that time.
    ///
    /// The newest [`KEEP`] / 2 points are never merged: at one in 2 s that is a quarter of an hour.
    #[must_use]
    pub fn moments(&self, name: &str, now: Mono, from: Duration, to: Duration) -> Option<Moments> {
        let ago = |length: Duration| now.0.as_secs_f64() - length.as_secs_f64();
        let (from, to) = (ago(from), ago(to));
        let newest_first = self.tracks.get(name)?.iter().rev();
        let inside = newest_first.take_while(|stretch| stretch.end > from);
        let known = inside.filter_map(|stretch| {
            let seconds = stretch.end.min(to) - stretch.start().max(from);
            stretch.mean.filter(|_| seconds > 0.0).map(|mean| (mean, seconds))
        });
        let (mut seconds, mut mean, mut squares, mut readings) = (0.0, 0.0, 0.0, 0);
        // West's one-pass form: sums of squares of large numbers would cancel.
        for (value, weight) in known {
            seconds += weight;
            readings += 1;
            let off = value - mean;
            mean += off * weight / seconds;
            squares += weight * off * (value - mean);
        }
        (readings > 0).then(|| Moments {
            mean,
            deviation: (squares.max(0.0) / seconds).sqrt(),
            seconds,
            readings,
        })
    }

    /// What a rate amounts to over the last `length`: how much came together, in how many known seconds.
    #[must_use]
    pub fn total(&self, name: &str, now: Mono, length: Duration) -> (f64, f64) {
        let now = now.0.as_secs_f64();
        let from = now - length.as_secs_f64();
        let track = self.tracks.get(name).into_iter().flatten();
        track
            .filter_map(|stretch| stretch.mean.map(|mean| (mean, stretch.overlap(from, now).max(0.0))))
            .fold((0.0, 0.0), |(sum, known), (mean, seconds)| {
                (sum + mean * seconds, known + seconds)
            })
    }

    /// How long ago the first point of a series is.
    #[must_use]
    pub fn reach(&self, name: &str, now: Mono) -> Duration {
        let first = self.tracks.get(name).and_then(VecDeque::front);
        first.map_or(Duration::ZERO, |first| {
            Duration::try_from_secs_f64(now.0.as_secs_f64() - first.start()).unwrap_or_default()
        })
    }

    /// Why the newest reading of that probe gave no rate.
    #[must_use]
    pub fn gap(&self, probe: &str) -> Option<Gap> {
        self.gaps.get(probe).copied()
    }

    /// Where the replay of each standby stands, and since when.
    #[must_use]
    pub fn replay(&self) -> &Replay {
        &self.replay
    }

    /// The standbys that were seen in this session.
    #[must_use]
    pub fn roll(&self) -> &Roll {
        &self.roll
    }

    /// Takes a sample of the standbys in.
    pub(super) fn watch_replay(&mut self, ran: &Ran, senders: &[Sender], latest: &Latest) {
        self.replay.observe(ran, senders);
        let server = latest.get::<PulseProbe>();
        let server = server.map(|pulse| (pulse.in_recovery, pulse.timeline));
        self.roll.observe(ran.finished(), senders, server);
    }

    /// Since when this standby has WAL that it has not replayed.
    #[must_use]
    pub fn unreplayed(&self) -> &Unreplayed {
        &self.unreplayed
    }

    /// Takes a sample of this standby's recovery in.
    pub(super) fn watch_recovery(&mut self, reading: Reading, recovery: &Recovery) {
        self.unreplayed.observe(reading, recovery);
    }

    /// Which tables wait for autovacuum, and since when.
    #[must_use]
    pub fn neglect(&self) -> &Neglect {
        &self.neglect
    }

    /// Takes a sample of the tables in.
    pub(super) fn watch_tables(&mut self, queue: &Queue) {
        self.neglect.observe(queue);
    }

    /// How fast slots grow and archives fill.
    #[must_use]
    pub fn trails(&self) -> &Trails {
        &self.trails
    }

    /// Takes a sample of anything in that may be followed there.
    pub(super) fn follow(&mut self, sample: &Sample, latest: &Latest) {
        self.trails.observe(sample, latest);
    }

    /// When the newest point of a series ends.
    pub(super) fn end(&self, name: &str) -> Option<Mono> {
        let last = self.tracks.get(name)?.back()?;
        Duration::try_from_secs_f64(last.end).ok().map(Mono)
    }

    /// The reading before the newest of a probe that makes rates, and where to note the outcome.
    pub(super) fn before(&self, probe: &str) -> Option<&Sample> {
        self.before.get(probe)
    }

    /// Keeps a reading as the base of the next rate.
    pub(super) fn remember(&mut self, sample: &Sample, gap: Option<Gap>) {
        let probe = sample.ran.probe;
        if gap != Some(Gap::TooSoon) {
            self.before.insert(probe, sample.clone());
        }
        match gap {
            Some(Gap::TooSoon) => {}
            Some(gap) => {
                self.gaps.insert(probe, gap);
            }
            None => {
                self.gaps.remove(probe);
            }
        }
    }
}

/// What a bucket shows, leaving out the `newer` newest points.
fn folded(track: &VecDeque<Stretch>, newer: usize, fold: Fold, from: f64, to: f64) -> Point {
    let mut sum = 0.0;
    let mut known = 0.0;
    let mut peak = f64::NEG_INFINITY;
    // The newest points are at the back, and windows are mostly short.
    let points = track.iter().rev().skip(newer);
    for stretch in points.take_while(|stretch| stretch.end > from) {
        let seconds = stretch.overlap(from, to);
        if let Some(mean) = stretch.mean.filter(|_| seconds > 0.0) {
            sum += mean * seconds;
            known += seconds;
            peak = peak.max(stretch.peak);
        }
    }
    (known > 0.0).then_some(match fold {
        Fold::Mean => sum / known,
        Fold::Peak => peak,
    })
}

/// Makes room: merges neighbours of the older half in pairs, or drops the oldest point if none can be merged.
fn thin(track: &mut VecDeque<Stretch>) {
    let before = track.len();
    let newer = track.split_off(before / 2);
    let mut older = std::mem::take(track).into_iter();
    let mut waiting: Option<Stretch> = older.next();
    for stretch in older {
        let Some(held) = waiting.take() else {
            waiting = Some(stretch);
            continue;
        };
        if let Some(joined) = held.join(&stretch) {
            track.push_back(joined);
        } else {
            track.push_back(held);
            waiting = Some(stretch);
        }
    }
    track.extend(waiting);
    track.extend(newer);
    if track.len() == before {
        track.pop_front();
    }
}

#[expect(clippy::cast_precision_loss, reason = "a screen has fewer than 2^53 columns")]
fn count(buckets: usize) -> f64 {
    buckets as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: f64) -> Mono {
        Mono(Duration::from_secs_f64(seconds))
    }

    #[test]
    fn a_window_is_right_whatever_the_interval_was() {
        let mut series = Series::default();
        // 10 s every second at 4, then 20 s in one reading at 8.
        for second in 1..=10 {
            series.push_span("x", at(f64::from(second)), 1.0, Some(4.0));
        }
        series.push_span("x", at(30.0), 20.0, Some(8.0));
        let window = series.window("x", Fold::Mean, at(30.0), Duration::from_secs(40), 8);
        let expected = [
            None,
            None,
            Some(4.0),
            Some(4.0),
            Some(8.0),
            Some(8.0),
            Some(8.0),
            Some(8.0),
        ];
        assert_eq!(window, expected);
    }

    #[test]
    fn buckets_stand_still_while_time_passes_within_one() {
        let mut series = Series::default();
        for second in 0..60u32 {
            series.push("x", at(f64::from(second)), Some(f64::from(second)));
        }
        let one = series.window("x", Fold::Peak, at(51.0), Duration::from_secs(50), 5);
        let other = series.window("x", Fold::Peak, at(59.0), Duration::from_secs(50), 5);
        assert_eq!(one, other);
    }

    #[test]
    fn an_outage_is_a_hole_for_a_gauge() {
        let mut series = Series::default();
        series.push("x", at(10.0), Some(1.0));
        series.push("x", at(20.0), Some(1.0));
        series.push("x", at(320.0), Some(1.0));
        let window = series.window("x", Fold::Mean, at(320.0), Duration::from_secs(320), 4);
        assert_eq!(window, [Some(1.0), None, None, Some(1.0)]);
    }

    #[test]
    fn a_gap_is_not_zero() {
        let mut series = Series::default();
        series.push_span("x", at(10.0), 10.0, None);
        series.push_span("x", at(20.0), 10.0, Some(0.0));
        assert_eq!(
            series.window("x", Fold::Mean, at(20.0), Duration::from_secs(20), 2),
            [None, Some(0.0)]
        );
        assert_eq!(series.last("x"), Some(0.0));
        assert_eq!(series.last("unknown"), None);
        assert_eq!(series.total("x", at(20.0), Duration::from_secs(20)), (0.0, 10.0));
    }

    #[test]
    fn a_single_gauge_shows() {
        let mut series = Series::default();
        series.push("x", at(3.0), Some(5.0));
        assert_eq!(
            series.window("x", Fold::Mean, at(3.0), Duration::from_secs(10), 2),
            [None, Some(5.0)]
        );
    }

    #[test]
    fn the_newest_point_holds_for_one_more_interval() {
        let mut series = Series::default();
        series.push("x", at(15.0), Some(1.0));
        series.push("x", at(30.0), Some(2.0));
        let window = |now| series.window("x", Fold::Peak, at(now), Duration::from_secs(20), 2);
        assert_eq!(window(30.0), [Some(2.0), Some(2.0)]);
        assert_eq!(window(41.0), [Some(2.0), Some(2.0)]);
        assert_eq!(window(51.0), [Some(2.0), None], "overdue");
        assert_eq!(window(91.0), [None, None]);
    }

    #[test]
    fn a_late_answer_does_not_tear_the_order() {
        let mut series = Series::default();
        series.push("x", at(3.0), Some(5.0));
        series.push("x", at(2.0), Some(9.0));
        assert_eq!(series.points("x").collect::<Vec<_>>(), [Some(5.0)]);
    }

    proptest! {
        #[test]
        fn a_long_session_stays_whole_and_bounded(
            rates in proptest::collection::vec(proptest::option::weighted(0.9, 0.0..1e6f64), 1..2500),
        ) {
            let mut series = Series::default();
            let mut sum = 0.0;
            for (second, rate) in (1u32..).zip(&rates) {
                series.push_span("x", at(f64::from(second)), 1.0, *rate);
                sum += rate.unwrap_or_default();
                prop_assert!(series.points("x").len() <= KEEP);
            }
            let now = at(f64::from(u32::try_from(rates.len()).unwrap()));
            let (total, known) = series.total("x", now, Duration::from_secs(10_000));
            let some = rates.iter().flatten().count();
            // Nothing is lost unless gaps and values alternate so often that pairs cannot be joined.
            prop_assert!(known <= count(some) + 1e-6);
            if rates.len() <= 2 * KEEP && known >= count(some) - 1e-6 {
                prop_assert!((total - sum).abs() <= 1e-6 * sum.max(1.0));
            }
        }

        #[test]
        fn moments_are_those_of_the_definition(
            points in proptest::collection::vec((0.5..30.0f64, proptest::option::weighted(0.9, 0.0..1e9f64)), 0..KEEP),
            from in 0.0..10_000.0f64, part in 0.0..1.0f64,
        ) {
            let mut series = Series::default();
            let mut now = 0.0;
            let mut stretches = Vec::new();
            for (span, value) in &points {
                stretches.push((now, now + span, *value));
                now += span;
                series.push_span("x", at(now), *span, *value);
            }
            let (begin, end) = (now - from, now - from * part);
            let known: Vec<(f64, f64)> = stretches.iter().filter_map(|(start, stop, value)| {
                let seconds = stop.min(end) - start.max(begin);
                value.filter(|_| seconds > 1e-6).map(|value| (value, seconds))
            }).collect();
            let all: f64 = known.iter().map(|(_, seconds)| seconds).sum();
            let ago = Duration::from_secs_f64;
            let moments = series.moments("x", at(now), ago(from), ago(from * part));
            if all > 0.1 {
                let mean = known.iter().map(|(value, seconds)| value * seconds).sum::<f64>() / all;
                let squares: f64 = known.iter().map(|(value, seconds)| (value - mean).powi(2) * seconds).sum();
                let moments = moments.unwrap();
                let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * (1.0 + mean);
                prop_assert!(near(moments.mean, mean), "{moments:?} {mean}");
                prop_assert!(near(moments.deviation, (squares / all).sqrt()), "{moments:?}");
                prop_assert!((moments.seconds - all).abs() < 1e-3 && moments.readings >= known.len());
            } else {
                prop_assert!(moments.is_none_or(|moments| moments.seconds < 0.2));
            }
        }

        #[test]
        fn merging_keeps_the_mean_and_lowers_the_deviation(
            rates in proptest::collection::vec(0.0..1e6f64, KEEP + 1..2 * KEEP),
        ) {
            let mut series = Series::default();
            for (second, rate) in (1u32..).zip(&rates) {
                series.push_span("x", at(f64::from(second)), 1.0, Some(*rate));
            }
            let now = at(count(rates.len()));
            let moments = series.moments("x", now, Duration::from_secs(10_000), Duration::ZERO).unwrap();
            let mean = rates.iter().sum::<f64>() / count(rates.len());
            let squares: f64 = rates.iter().map(|rate| (rate - mean).powi(2)).sum();
            prop_assert!((moments.mean - mean).abs() < 1e-3);
            prop_assert!(moments.deviation <= (squares / count(rates.len())).sqrt() + 1e-3);
            let newest = series.moments("x", now, Duration::from_secs(450), Duration::ZERO).unwrap();
            prop_assert_eq!(newest.readings, 450, "the newest are as they came");
        }

        #[test]
        fn a_window_has_its_length_and_stays_within_what_was_seen(
            points in proptest::collection::vec((0.0..100.0f64, proptest::option::of(-5.0..1e9f64)), 0..200),
            length in 1..5000u64, buckets in 0..40usize,
        ) {
            let mut series = Series::default();
            let mut now = 0.0;
            for (step, value) in &points {
                now += step;
                series.push("x", at(now), *value);
            }
            let most = points.iter().filter_map(|point| point.1).fold(f64::NEG_INFINITY, f64::max);
            for fold in [Fold::Mean, Fold::Peak] {
                let window = series.window("x", fold, at(now), Duration::from_secs(length), buckets);
                prop_assert_eq!(window.len(), buckets);
                for value in window.into_iter().flatten() {
                    prop_assert!(value.is_finite() && value <= most + 1e-6 * most.abs());
                }
            }
        }
    }
}
