//! What was seen of the busiest statements in this session, bounded in statements and in points.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::interval::{Growth, Interval, Trust};
use crate::probe::statements::Key;

/// Points kept per statement: an hour of workload rounds.
const POINTS: usize = 240;
/// Statements kept.
const STATEMENTS: usize = 400;
/// Statements of one interval that are taken in whatever is kept already, by time and by calls each; others while there
/// is room: what is calm and quick now may be what gets slow.
const BUSIEST: usize = 100;

/// One interval of a statement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Its end, in seconds since 1970 by the server's clock.
    pub to: f64,
    /// Its length in seconds.
    pub seconds: f64,
    /// Executions per second; `None` if nothing can be said.
    pub calls: Option<f64>,
    /// Milliseconds per execution; `None` if there was none.
    pub mean_ms: Option<f64>,
}

/// What all statements took in one interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Total {
    /// Its end, in seconds since 1970 by the server's clock.
    pub to: f64,
    /// Its length in seconds.
    pub seconds: f64,
    /// Milliseconds spent in executing, hidden statements included.
    pub ms: f64,
}

/// The points of statements.
#[derive(Clone, Debug, Default)]
pub struct History {
    tracks: BTreeMap<Key, Track>,
    totals: VecDeque<Total>,
}

#[derive(Clone, Debug, Default)]
struct Track {
    points: VecDeque<Point>,
    /// When it was among the busiest last.
    busy: f64,
}

impl History {
    /// The points of a statement, oldest first.
    pub fn of(&self, key: &Key) -> impl Iterator<Item = &Point> {
        self.tracks.get(key).into_iter().flat_map(|track| &track.points)
    }

    /// Every statement that is kept, with its points, oldest first.
    pub fn all(&self) -> impl Iterator<Item = (&Key, &VecDeque<Point>)> {
        self.tracks.iter().map(|(key, track)| (key, &track.points))
    }

    /// What all statements took together in the intervals of the points, oldest first.
    #[must_use]
    pub fn totals(&self) -> &VecDeque<Total> {
        &self.totals
    }

    /// How many statements are kept.
    #[cfg(test)]
    pub(super) fn statements(&self) -> usize {
        self.tracks.len()
    }

    /// Takes an interval in.
    pub(in crate::model) fn add(&mut self, interval: &Interval) {
        for key in busiest(interval) {
            self.tracks.entry(key).or_default().busy = interval.to;
        }
        self.fill(interval);
        for (key, track) in &mut self.tracks {
            push(&mut track.points, point(interval.get(key), interval));
        }
        self.make_room();
        let total = Total {
            to: interval.to,
            seconds: interval.seconds().unwrap_or_default(),
            ms: interval.total_ms,
        };
        push(&mut self.totals, total);
    }

    /// Takes in what did anything at all, while there is room.
    fn fill(&mut self, interval: &Interval) {
        let known = interval.rows.iter().filter(|row| row.trust != Trust::Unknown);
        for row in known {
            if self.tracks.len() >= STATEMENTS {
                break;
            }
            self.tracks.entry(row.key).or_default();
        }
    }

    /// The ones that have been calm for longest go.
    fn make_room(&mut self) {
        let Some(most) = self.tracks.len().checked_sub(STATEMENTS).filter(|most| *most > 0) else {
            return;
        };
        let mut calm: Vec<(f64, Key)> = self.tracks.iter().map(|(key, track)| (track.busy, *key)).collect();
        calm.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
        for (_, key) in calm.into_iter().take(most) {
            self.tracks.remove(&key);
        }
    }
}

/// Keeps the newest [`POINTS`].
fn push<T>(points: &mut VecDeque<T>, point: T) {
    points.push_back(point);
    if points.len() > POINTS {
        points.pop_front();
    }
}

fn point(growth: Option<&Growth>, interval: &Interval) -> Point {
    // What did nothing is no row, and neither is what was not asked for, or has gone with what it had done.
    let told = !interval.partial && interval.vanished == 0;
    let calls = match growth {
        None => told.then_some(0.0),
        #[expect(clippy::cast_precision_loss, reason = "a rate for a sparkline")]
        Some(growth) => growth.per_second(growth.counters.calls as f64),
    };
    Point {
        to: interval.to,
        seconds: interval.seconds().unwrap_or_default(),
        calls,
        mean_ms: growth.and_then(Growth::mean_ms),
    }
}

fn busiest(interval: &Interval) -> BTreeSet<Key> {
    let mut rows: Vec<&Growth> = interval.rows.iter().filter(|row| row.trust != Trust::Unknown).collect();
    rows.sort_unstable_by(|a, b| b.counters.exec_ms.total_cmp(&a.counters.exec_ms));
    let mut keys: BTreeSet<Key> = rows.iter().take(BUSIEST).map(|row| row.key).collect();
    rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.counters.calls));
    keys.extend(rows.iter().take(BUSIEST).map(|row| row.key));
    keys
}
