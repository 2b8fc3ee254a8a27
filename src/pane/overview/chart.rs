//! Trends and the wait profile as cells: computed when data or room change, drawn as they are.

use crate::model::series::{Fold, Point};
use crate::model::waits::WaitClass;

/// Fewer average active sessions than this are nobody.
pub const SOMEBODY: f64 = 0.05;

/// One cell of the stacked chart: how full (1 to 8) and of which class.
pub type Cell = Option<(u8, WaitClass)>;

/// The wait profile over time, one value per class and bucket.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// For each bucket, oldest first, the mean by class in the order of [`WaitClass::ALL`]; `None` is a gap.
    pub buckets: Vec<Option<[f64; 5]>>,
}

/// The stacked chart as it is drawn.
#[derive(Clone, Debug, Default)]
pub struct Grid {
    /// Rows from the top, each of the same length.
    pub rows: Vec<Vec<Cell>>,
    /// What the full height means.
    pub top: f64,
}

impl Profile {
    /// Stacks it into so many rows and at most so many columns.
    #[must_use]
    pub fn grid(&self, width: usize, height: usize) -> Grid {
        let columns = columns(self.buckets.len(), width);
        let stacks: Vec<Option<[f64; 5]>> = (0..columns).map(|column| self.stack(column, columns)).collect();
        let most = stacks
            .iter()
            .flatten()
            .map(|stack| stack.iter().sum())
            .fold(0.0, f64::max);
        let top = nice(most);
        let unit = top / count(height);
        let rows = (0..height)
            .map(|row| {
                let low = unit * count(height - 1 - row);
                stacks
                    .iter()
                    .map(|stack| cell(stack.as_ref()?, low, unit, row + 1 == height))
                    .collect()
            })
            .collect();
        Grid { rows, top }
    }

    /// The mean of the buckets that become one column.
    fn stack(&self, column: usize, columns: usize) -> Option<[f64; 5]> {
        let per = self.buckets.len() / columns.max(1);
        let known: Vec<&[f64; 5]> = self.buckets.iter().skip(column * per).take(per).flatten().collect();
        let mut mean = [0.0; 5];
        for stack in &known {
            for (mean, value) in mean.iter_mut().zip(*stack) {
                *mean += value / count(known.len());
            }
        }
        (!known.is_empty()).then_some(mean)
    }
}

/// How many columns so many buckets become, all of the same number of buckets.
fn columns(buckets: usize, width: usize) -> usize {
    match width {
        0 => 0,
        width => buckets / buckets.div_ceil(width).max(1),
    }
}

/// What a stack shows between `low` and `low + unit`.
fn cell(stack: &[f64; 5], low: f64, unit: f64, bottom: bool) -> Cell {
    let total: f64 = stack.iter().sum();
    let filled = ((total - low) / unit).min(1.0);
    // Something is never shown as nothing.
    if filled <= 0.0 || (filled < 1.0 / 16.0 && !(bottom && total > 0.0)) {
        return None;
    }
    let middle = low + unit * filled / 2.0;
    let mut sum = 0.0;
    let class = WaitClass::ALL.into_iter().zip(stack).find(|(_, value)| {
        sum += **value;
        sum >= middle
    });
    Some((eighths(filled), class.map_or(WaitClass::Other, |(class, _)| class)))
}

/// A trend in so many cells: levels 1 to 8, `None` where nothing is known. `full` or the highest value fills a cell.
#[must_use]
pub fn levels(points: &[Point], fold: Fold, full: f64, cells: usize) -> Vec<Option<u8>> {
    let columns = columns(points.len(), cells);
    let per = points.len() / columns.max(1);
    let folded: Vec<Point> = points
        .chunks(per.max(1))
        .take(columns)
        .map(|chunk| join(chunk, fold))
        .collect();
    let top = folded.iter().flatten().copied().fold(full, f64::max);
    folded
        .into_iter()
        .map(|point| point.map(|value| if top > 0.0 { eighths(value / top) } else { 1 }))
        .collect()
}

fn join(points: &[Point], fold: Fold) -> Point {
    let known: Vec<f64> = points.iter().flatten().copied().collect();
    match fold {
        _ if known.is_empty() => None,
        Fold::Mean => Some(known.iter().sum::<f64>() / count(known.len())),
        Fold::Peak => known.into_iter().reduce(f64::max),
    }
}

/// A share of 1 as a level from 1 to 8.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 1..=8 before"
)]
fn eighths(share: f64) -> u8 {
    (share * 8.0).round().clamp(1.0, 8.0) as u8
}

/// The least of 1, 2, 5, 10, 20, ... that is not below: an axis that does not jump with every sample.
#[must_use]
pub fn nice(value: f64) -> f64 {
    let mut decade = 1.0;
    while decade < 1e12 {
        for step in [1.0, 2.0, 5.0] {
            if value <= step * decade {
                return step * decade;
            }
        }
        decade *= 10.0;
    }
    value
}

/// So many cells of a bar of that width for each class, in proportion; a class that is there gets at least one.
#[must_use]
pub fn shares(means: &[(WaitClass, f64)], width: usize) -> Vec<(WaitClass, usize)> {
    let total: f64 = means.iter().map(|(_, mean)| mean).sum();
    if total < SOMEBODY {
        return Vec::new();
    }
    let mut left = width;
    let mut out: Vec<(WaitClass, usize)> = Vec::new();
    for (class, mean) in means.iter().filter(|(_, mean)| *mean >= SOMEBODY) {
        let cells = cells(mean / total, width).clamp(1, left.max(1)).min(left);
        left -= cells;
        out.push((*class, cells));
    }
    // Rounding leaves a cell or two: they go to the largest.
    if let Some(most) = out.iter_mut().max_by_key(|(_, cells)| *cells) {
        most.1 += left;
    }
    out
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a width is a width"
)]
fn cells(share: f64, width: usize) -> usize {
    (share * count(width)).round() as usize
}

#[expect(clippy::cast_precision_loss, reason = "a screen has fewer than 2^53 cells")]
fn count(cells: usize) -> f64 {
    cells as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn levels_tell_zero_from_unknown() {
        let points = [None, Some(0.0), Some(4.0), Some(8.0)];
        assert_eq!(levels(&points, Fold::Mean, 1.0, 4), [None, Some(1), Some(4), Some(8)]);
        assert_eq!(levels(&points, Fold::Peak, 1.0, 2), [Some(1), Some(8)]);
        assert_eq!(levels(&points, Fold::Mean, 16.0, 2), [Some(1), Some(3)]);
        assert!(levels(&points, Fold::Mean, 1.0, 0).is_empty());
        assert_eq!(levels(&[Some(0.0)], Fold::Mean, 0.0, 4), [Some(1)]);
    }

    #[test]
    fn a_stack_shows_its_classes_from_the_bottom() {
        let profile = Profile {
            buckets: vec![None, Some([1.0, 0.0, 0.0, 3.0, 0.0])],
        };
        let grid = profile.grid(2, 5);
        assert!((grid.top - 5.0).abs() < 1e-9);
        let column: Vec<Cell> = grid.rows.iter().map(|row| row[1]).collect();
        let lock = Some((8, WaitClass::Lock));
        assert_eq!(column, [None, lock, lock, lock, Some((8, WaitClass::Cpu))]);
        assert!(grid.rows.iter().all(|row| row[0].is_none()));
    }

    #[test]
    fn axes_are_round() {
        for (value, top) in [
            (0.0, 1.0),
            (1.0, 1.0),
            (1.1, 2.0),
            (3.0, 5.0),
            (44.0, 50.0),
            (51.0, 100.0),
        ] {
            assert!((nice(value) - top).abs() < 1e-9, "{value}");
        }
    }

    #[test]
    fn a_bar_is_filled_to_its_width() {
        let means = [(WaitClass::Cpu, 2.1), (WaitClass::Io, 0.1), (WaitClass::Lock, 40.2)];
        assert_eq!(
            shares(&means, 30),
            [(WaitClass::Cpu, 1), (WaitClass::Io, 1), (WaitClass::Lock, 28)]
        );
        assert!(shares(&[(WaitClass::Cpu, 0.0)], 30).is_empty());
    }

    proptest! {
        #[test]
        fn no_size_breaks_a_chart(
            buckets in proptest::collection::vec(proptest::option::of(proptest::array::uniform5(0.0..1e6f64)), 0..200),
            width in 0..300usize, height in 0..60usize,
        ) {
            let grid = Profile { buckets }.grid(width, height);
            prop_assert_eq!(grid.rows.len(), height);
            for row in grid.rows {
                prop_assert!(row.len() <= width);
                prop_assert!(row.into_iter().flatten().all(|(level, _)| (1..=8).contains(&level)));
            }
        }

        #[test]
        fn a_bar_never_overflows(means in proptest::array::uniform5(0.0..1e6f64), width in 0..300usize) {
            let means: Vec<_> = WaitClass::ALL.into_iter().zip(means).collect();
            let cells: usize = shares(&means, width).iter().map(|(_, cells)| cells).sum();
            prop_assert!(cells <= width);
        }
    }
}
