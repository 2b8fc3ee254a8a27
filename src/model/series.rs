//! Counters into rates, and the series behind the sparklines. The only place where two samples become a rate:
//! a reset, a restart, a failover, a clock jump or a wrapped counter gives a gap, never a number.

use std::collections::{BTreeMap, VecDeque};

/// Points kept per series: at 2 s this is half an hour.
pub const KEEP: usize = 900;

/// All series of the session by name.
#[derive(Clone, Debug, Default)]
pub struct Series(BTreeMap<&'static str, VecDeque<Point>>);

/// One point; `None` is a gap.
pub type Point = Option<f64>;

impl Series {
    /// Adds a point.
    pub fn push(&mut self, name: &'static str, value: Point) {
        let points = self.0.entry(name).or_default();
        if points.len() == KEEP {
            points.pop_front();
        }
        points.push_back(value);
    }

    /// The points of a series, oldest first.
    pub fn points(&self, name: &str) -> impl DoubleEndedIterator<Item = Point> + ExactSizeIterator + '_ {
        self.0
            .get(name)
            .map(|points| points.iter().copied())
            .unwrap_or_default()
    }

    /// The newest point.
    #[must_use]
    pub fn last(&self, name: &str) -> Point {
        self.0.get(name)?.back().copied().flatten()
    }
}
