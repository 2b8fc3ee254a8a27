//! Sparklines, bars and stacked charts.
//!
//! Points come oldest first, `None` is a gap and stays empty. Where there are fewer points than cells they stand at
//! the right end, the newest last. Where there are more, neighbours share a cell, as [`Join`] says;
//! in a stacked chart they become their mean, so that its area is time spent.
//!
//! Levels and charts are computed in `derive` or `arrange`; [`put`], [`bar`] and [`Chart::draw`] only draw.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::look::{Depth, Look, Role};
use super::text::{self, Charset};

/// What neighbours that share a cell become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// The largest of them: a peak must not vanish.
    Peak,
    /// Their mean: what was spent in that time.
    Mean,
}

impl Join {
    fn of(self, points: &[Option<f64>]) -> Option<f64> {
        match self {
            Self::Peak => largest(points),
            Self::Mean => mean(points),
        }
    }
}

/// Points in exactly `cells` levels for [`put`], from 0 to `max`, or to the largest. Zero is level 0 and anything above
/// it a higher one, so a steady load is a band and never looks like nothing; a gap is `None`.
#[must_use]
pub fn levels(points: &[Option<f64>], cells: usize, join: Join, max: Option<f64>) -> Vec<Option<u8>> {
    let shown = resample(points, cells, join);
    let top = max
        .or_else(|| largest(&shown))
        .filter(|top| top.is_finite() && *top > 0.0);
    let empty = std::iter::repeat_n(None, cells.saturating_sub(shown.len()));
    empty
        .chain(shown.iter().map(|point| Some(level((*point)?, top))))
        .collect()
}

/// Draws levels from the left end of a line, as far as there is room.
pub fn put(buf: &mut Buffer, line: Rect, levels: &[Option<u8>], look: &Look) {
    for (x, level) in (line.left()..line.right()).zip(levels) {
        if let Some(sign) = level.and_then(|level| look.glyphs.spark.get(usize::from(level))) {
            text::put_safe(buf, (x, line.y), 1, sign, look.style(Role::Spark));
        }
    }
}

/// 0 for zero, 1 to 7 above it.
fn level(value: f64, top: Option<f64>) -> u8 {
    match top {
        Some(top) if value > 0.0 => u8::try_from(1 + eighths(value / top * 6.0).min(6)).unwrap_or(7),
        _ => 0,
    }
}

/// A share of eighths, rounded to the nearest.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float is cut to the range by the cast"
)]
const fn eighths(value: f64) -> usize {
    (value + 0.5) as usize
}

/// Brings points down to at most `cells`, shared out evenly; a cell all of whose points are gaps is a gap.
fn resample(points: &[Option<f64>], cells: usize, join: Join) -> Vec<Option<f64>> {
    if points.len() <= cells {
        return points.to_vec();
    }
    let start = |cell: usize| cell * points.len() / cells;
    let shared = (0..cells).map(|cell| points.get(start(cell)..start(cell + 1)).unwrap_or_default());
    shared.map(|points| join.of(points)).collect()
}

fn finite(points: &[Option<f64>]) -> impl Iterator<Item = f64> {
    points.iter().flatten().copied().filter(|value| value.is_finite())
}

fn largest(points: &[Option<f64>]) -> Option<f64> {
    finite(points).reduce(f64::max)
}

fn mean(points: &[Option<f64>]) -> Option<f64> {
    let count = finite(points).count();
    let sum: f64 = finite(points).sum();
    #[expect(clippy::cast_precision_loss, reason = "a few hundred points")]
    (count > 0).then(|| sum / count as f64)
}

/// A part of a bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// How much.
    pub value: f64,
    /// Of what.
    pub role: Role,
}

/// How a segment is filled where colours do not tell it from its neighbour, by its place in the bar.
#[must_use]
pub fn fill(nth: usize, look: &Look) -> &'static str {
    match (look.glyphs.charset, look.depth) {
        (Charset::Unicode, Depth::None) | (Charset::Ascii, _) => pattern(nth, look),
        (Charset::Unicode, _) => look.glyphs.bar,
    }
}

fn pattern(nth: usize, look: &Look) -> &'static str {
    match look.glyphs.charset {
        Charset::Unicode => ["█", "▒", "░", "▓", "▚"][nth % 5],
        Charset::Ascii => ["#", "=", ":", "+", "."][nth % 5],
    }
}

/// Draws a bar of segments from the left end of a line, `total` being its whole width. The bar as a whole is rounded
/// to cells, and what is not zero gets at least one cell while there are any. Where all segments look the same, being
/// stale, patterns tell them apart. Returns the cells taken.
pub fn bar(buf: &mut Buffer, line: Rect, segments: &[Segment], total: f64, look: &Look) -> u16 {
    let same = segments
        .windows(2)
        .all(|pair| pair.first().map(|one| one.role) == pair.last().map(|one| one.role));
    let mut x = line.x;
    for (nth, cells) in shares(segments, total, line.width).into_iter().enumerate() {
        let Some(segment) = segments.get(nth) else { break };
        let style = look.style(segment.role);
        let sign = if same { pattern(nth, look) } else { fill(nth, look) };
        for _ in 0..cells {
            text::put_safe(buf, (x, line.y), 1, sign, style);
            x = x.saturating_add(1);
        }
    }
    x.saturating_sub(line.x)
}

/// Cells for each segment: the ends of the segments are rounded, so that their sum is the rounded sum.
fn shares(segments: &[Segment], total: f64, cells: u16) -> Vec<u16> {
    let mut end = 0.0;
    let mut taken = 0;
    let value = |segment: &Segment| {
        if segment.value.is_finite() {
            segment.value.max(0.0)
        } else {
            0.0
        }
    };
    let sum: f64 = segments.iter().map(value).sum();
    let total = if total.is_finite() { total.max(sum) } else { sum };
    let ends = segments.iter().map(|segment| {
        let value = value(segment);
        end += value;
        let least = if value > 0.0 { taken + 1 } else { taken };
        let rounded = if total > 0.0 {
            eighths(end / total * f64::from(cells))
        } else {
            0
        };
        let upto = u16::try_from(rounded).unwrap_or(cells).max(least).min(cells);
        let share = upto - taken;
        taken = upto;
        share
    });
    ends.collect()
}

/// One class of a [`Chart`] over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// What it is.
    pub role: Role,
    /// Its points, oldest first; all layers of a chart have as many.
    pub points: Vec<Option<f64>>,
}

/// A stacked chart, ready to be drawn: which layer reaches how high in which column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    roles: Vec<Role>,
    /// For each column the upper end of each layer, in eighths of a row from the bottom; empty for a gap.
    columns: Vec<Vec<usize>>,
    /// What the full height stands for.
    top: f64,
}

impl Chart {
    /// Computes a chart of that many columns and rows from 0 to `max`, or to a [`nice`] number above the largest sum, so
    /// that the axis does not jump with every sample. The first layer is
    /// the lowest. A point missing in every layer is a gap; one missing in some counts as zero there.
    #[must_use]
    pub fn new(layers: &[Layer], width: u16, height: u16, max: Option<f64>) -> Self {
        let series: Vec<_> = layers
            .iter()
            .map(|layer| resample(&layer.points, usize::from(width), Join::Mean))
            .collect();
        let count = series.iter().map(Vec::len).max().unwrap_or(0);
        let stacks: Vec<Vec<f64>> = (0..count).map(|nth| stack(&series, nth)).collect();
        let largest = stacks.iter().filter_map(|stack| stack.last().copied()).reduce(f64::max);
        let top = max
            .or(largest)
            .filter(|top| top.is_finite() && *top > 0.0)
            .unwrap_or(1.0);
        let full = usize::from(height) * 8;
        let scale = |value: &f64| eighths(value / top * f64::from(height) * 8.0).min(full);
        Self {
            roles: layers.iter().map(|layer| layer.role).collect(),
            columns: stacks.iter().map(|stack| stack.iter().map(scale).collect()).collect(),
            top,
        }
    }

    /// What the full height stands for, for the label of the axis.
    #[must_use]
    pub const fn top(&self) -> f64 {
        self.top
    }

    /// Draws it, the newest column at the right end.
    pub fn draw(&self, look: &Look, area: Rect, buf: &mut Buffer) {
        let skipped = self.columns.len().saturating_sub(usize::from(area.width));
        let shown = self.columns.len() - skipped;
        let first = area.right().saturating_sub(u16::try_from(shown).unwrap_or(area.width));
        for (x, ends) in (first..area.right()).zip(self.columns.iter().skip(skipped)) {
            for (row, y) in (area.top()..area.bottom()).rev().enumerate() {
                self.draw_cell(ends, row * 8, (x, y), look, buf);
            }
        }
    }

    /// One cell has two colours: what reaches into it from below, and what lies over that.
    fn draw_cell(&self, ends: &[usize], bottom: usize, at: (u16, u16), look: &Look, buf: &mut Buffer) {
        let Some(lower) = ends.iter().position(|end| *end > bottom) else {
            return;
        };
        let reach = ends
            .get(lower)
            .copied()
            .unwrap_or_default()
            .saturating_sub(bottom)
            .min(8);
        let role = |nth: usize| self.roles.get(nth).copied().unwrap_or(Role::Spark);
        let style = look.style(role(lower));
        if look.depth == Depth::None || look.glyphs.charset == Charset::Ascii {
            if reach >= 4 || ends.last().is_some_and(|end| *end >= bottom + 4) {
                text::put_safe(buf, at, 1, fill(lower, look), style);
            }
            return;
        }
        let upper = ends.iter().position(|end| *end > bottom + reach).filter(|_| reach < 8);
        let style = match upper.and_then(|upper| look.style(role(upper)).fg) {
            Some(color) => style.bg(color),
            None => style,
        };
        let sign = look.glyphs.spark.get(reach.saturating_sub(1)).copied().unwrap_or(" ");
        text::put_safe(buf, at, 1, sign, style);
    }
}

/// The least of 1, 2, 5, 10, 20, ... that is not below a number.
#[must_use]
pub fn nice(value: f64) -> f64 {
    let decades = std::iter::successors(Some(1.0), |decade| Some(decade * 10.0)).take(19);
    let mut steps = decades.flat_map(|decade| [decade, 2.0 * decade, 5.0 * decade]);
    steps.find(|step| *step >= value).unwrap_or(value)
}

/// The upper ends of the layers at one point of time; empty for a gap.
fn stack(series: &[Vec<Option<f64>>], nth: usize) -> Vec<f64> {
    let points: Vec<Option<f64>> = series.iter().map(|points| points.get(nth).copied().flatten()).collect();
    if points.iter().all(Option::is_none) {
        return Vec::new();
    }
    let ends = points.iter().scan(0.0, |end, point| {
        *end += point.unwrap_or(0.0).max(0.0);
        Some(*end)
    });
    ends.collect()
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::ui::look::Glyphs;

    fn colours() -> &'static Look {
        static LOOK: LazyLock<Look> =
            LazyLock::new(|| Look::new("dark", None, Depth::TrueColor, &Glyphs::UNICODE).unwrap());
        &LOOK
    }

    fn ascii() -> Look {
        Look::new("dark", None, Depth::None, &Glyphs::ASCII).unwrap()
    }

    fn line(points: &[f64], cells: usize, join: Join, max: Option<f64>, look: &Look) -> String {
        let points: Vec<_> = points.iter().map(|value| value.is_finite().then_some(*value)).collect();
        let mut buf = Buffer::empty(Rect::new(0, 0, 12, 1));
        put(
            &mut buf,
            Rect::new(0, 0, 12, 1),
            &levels(&points, cells, join, max),
            look,
        );
        row(&buf, 0).trim_end().to_owned()
    }

    #[test]
    fn sparklines() {
        let gap = f64::NAN;
        for (points, cells, expected) in [
            (&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0][..], 7, "▁▃▄▅▆▇█"),
            (&[5.0, 5.0, 5.0], 3, "███"),
            (&[0.0, 0.0], 2, "▁▁"),
            (&[1.0, 2.0], 5, "   ▅█"),
            (&[4.0, gap, 4.0], 3, "█ █"),
            (&[0.0, 0.0, 9.0, 0.0, 0.0, 0.0], 3, "▁█▁"),
            (&[0.0, 9.0, 0.0, 0.0, 0.0], 2, "█▁"),
            (&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 6.0], 4, "▃▅▇█"),
            (&[0.001, 1000.0], 2, "▂█"),
            (&[-1.0, 1.0], 2, "▁█"),
            (&[], 2, ""),
            (&[1.0], 0, ""),
        ] {
            assert_eq!(line(points, cells, Join::Peak, None, colours()), expected, "{points:?}");
        }
        assert_eq!(line(&[9.0, 0.0, 3.0, 3.0], 2, Join::Mean, None, colours()), "█▆");
        assert_eq!(line(&[50.0, 100.0], 2, Join::Peak, Some(100.0), &ascii()), "=#");
        assert_eq!(line(&[500.0], 1, Join::Peak, Some(100.0), colours()), "█");
    }

    fn row(buf: &Buffer, y: u16) -> String {
        (0..buf.area.width).map(|x| buf[(x, y)].symbol()).collect()
    }

    #[test]
    fn bars_add_up() {
        let look = ascii();
        let segments = [
            (40.2, Role::WaitLock),
            (2.1, Role::WaitCpu),
            (1.8, Role::WaitIo),
            (0.0, Role::WaitOther),
        ];
        let segments = segments.map(|(value, role)| Segment { value, role });
        let mut buf = Buffer::empty(Rect::new(0, 0, 24, 1));
        assert_eq!(bar(&mut buf, Rect::new(0, 0, 20, 1), &segments, 44.1, &look), 20);
        assert_eq!(row(&buf, 0), "##################=:    ");
        let mut buf = Buffer::empty(Rect::new(0, 0, 24, 1));
        assert_eq!(bar(&mut buf, Rect::new(0, 0, 20, 1), &segments, 88.2, &look), 11);
        assert_eq!(row(&buf, 0), "#########=:             ");
    }

    #[test]
    fn charts_stack_by_eighths() {
        let layers = [
            Layer {
                role: Role::WaitCpu,
                points: vec![Some(1.0), Some(2.0), None, Some(0.5)],
            },
            Layer {
                role: Role::WaitLock,
                points: vec![Some(1.0), Some(2.0), None, None],
            },
        ];
        let chart = Chart::new(&layers, 6, 2, Some(4.0));
        assert!((chart.top() - 4.0).abs() < 1e-9);
        let look = colours();
        let area = Rect::new(0, 0, 6, 2);
        let mut buf = Buffer::empty(area);
        chart.draw(look, area, &mut buf);
        assert_eq!([row(&buf, 0), row(&buf, 1)], ["   █  ", "  ▄█ ▂"]);
        assert_eq!(buf[(3, 0)].fg, look.style(Role::WaitLock).fg.unwrap());
        assert_eq!(buf[(3, 1)].fg, look.style(Role::WaitCpu).fg.unwrap());
        assert_eq!(buf[(2, 1)].bg, look.style(Role::WaitLock).fg.unwrap());
        let mut buf = Buffer::empty(area);
        chart.draw(&ascii(), area, &mut buf);
        assert_eq!(
            [row(&buf, 0), row(&buf, 1)],
            ["   =  ", "  ## "].map(|line| format!("{line:6}"))
        );
    }

    #[test]
    fn an_axis_is_a_round_number() {
        for (value, expected) in [
            (0.0, 1.0),
            (1.0, 1.0),
            (1.1, 2.0),
            (4.0, 5.0),
            (41.0, 50.0),
            (1e18, 1e18),
            (f64::MAX, f64::MAX),
        ] {
            assert!((nice(value) - expected).abs() <= expected * 1e-9, "{value}");
        }
    }

    #[test]
    fn a_chart_shows_the_mean_of_what_shares_a_column() {
        let layers = [Layer {
            role: Role::WaitCpu,
            points: vec![Some(0.0), Some(8.0), Some(4.0), Some(4.0)],
        }];
        let chart = Chart::new(&layers, 2, 1, Some(8.0));
        assert_eq!(chart.columns, [[4], [4]]);
    }

    proptest! {
        #[test]
        fn a_sparkline_has_exactly_its_cells(points in prop::collection::vec(prop::option::of(any::<f64>()), 0..200), cells in 0usize..40, max in prop::option::of(any::<f64>())) {
            let levels = levels(&points, cells, Join::Mean, max);
            prop_assert_eq!(levels.len(), cells);
            prop_assert!(levels.iter().flatten().all(|level| *level < 8));
        }

        #[test]
        fn a_bar_never_leaves_its_line(values in prop::collection::vec(any::<f64>(), 0..8), total in any::<f64>(), width in 0u16..40) {
            let segments: Vec<_> = values.iter().map(|value| Segment { value: *value, role: Role::WaitIo }).collect();
            let shares = shares(&segments, total, width);
            prop_assert!(shares.iter().map(|share| u32::from(*share)).sum::<u32>() <= u32::from(width));
        }

        #[test]
        fn a_chart_never_panics(points in prop::collection::vec(prop::option::of(any::<f64>()), 0..60), width in 0u16..20, height in 0u16..5, drawn in 0u16..20) {
            let layers = [Layer { role: Role::WaitCpu, points: points.clone() }, Layer { role: Role::WaitIo, points }];
            let chart = Chart::new(&layers, width, height, None);
            let area = Rect::new(0, 0, drawn, height);
            let mut buf = Buffer::empty(area);
            chart.draw(colours(), area, &mut buf);
        }
    }
}
