//! What stands in which row: everything at 20 rows, more where there is more room, the least important left out and
//! the rest scrolled where there is less.

/// The three groups, with the title of their rule.
pub const GROUPS: [&str; 3] = ["sessions", "work", "upkeep"];

/// What a row shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// The rule above a group.
    Rule(usize),
    /// The nth line.
    Line(usize),
    /// The wait profile of the last minute as one bar.
    Bar,
    /// The nth row of the wait profile over time.
    Chart(usize),
}

/// The lines of a group: those always shown, and those shown where there is room.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Indices of lines.
    pub base: Vec<usize>,
    /// Indices of lines.
    pub extra: Vec<usize>,
}

/// The least height that makes a chart worth its rows, and the greatest.
const CHART: (usize, usize) = (5, 14);

/// Narrower than this a chart says nothing.
const CHART_WIDTH: u16 = 64;

/// The rows for that room; more than `height` only if the base lines alone do not fit.
#[must_use]
pub fn rows(groups: &[Group], width: u16, height: u16) -> Vec<Row> {
    let height = usize::from(height);
    let base: usize = groups.iter().map(|group| group.base.len()).sum();
    let extras: usize = groups.iter().map(|group| group.extra.len()).sum();
    let rules = height > base + groups.len();
    let fixed = base + if rules { groups.len() } else { 0 };
    let spare = height.saturating_sub(fixed);
    // Lines beyond the base first, but never at the cost of the chart's least height.
    let charted = width >= CHART_WIDTH && spare >= CHART.0 + extras.min(3);
    let shown = if charted {
        extras.min(spare - CHART.0)
    } else {
        extras.min(spare.saturating_sub(1))
    };
    let profile = match (charted, spare) {
        (true, _) => (0..(spare - shown).min(CHART.1)).map(Row::Chart).collect(),
        (false, 0) => Vec::new(),
        (false, _) => vec![Row::Bar],
    };
    let mut out = Vec::with_capacity(height);
    let mut extra_left = shown;
    for (nth, group) in groups.iter().enumerate() {
        if rules {
            out.push(Row::Rule(nth));
        }
        for (place, line) in group.base.iter().enumerate() {
            out.push(Row::Line(*line));
            // The profile belongs under the second line, "Active".
            if nth == 0 && place == 1 {
                out.extend(&profile);
            }
        }
        let here = group.extra.len().min(extra_left);
        extra_left -= here;
        out.extend(group.extra.iter().take(here).map(|line| Row::Line(*line)));
    }
    out
}

/// Columns of a line, from the left edge of the area.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Where the value ends.
    pub value_end: u16,
    /// The trend: where it begins and how many cells it has; none where there is no room.
    pub trend: (u16, u16),
    /// Where the details begin.
    pub details: u16,
}

/// Where labels begin: after the mark.
pub const LABEL: u16 = 2;
/// How wide labels are.
pub const LABEL_WIDTH: u16 = 13;
/// How wide values are.
pub const VALUE_WIDTH: u16 = 10;

/// How wide the axis of the chart is.
pub const AXIS: u16 = 7;

impl Columns {
    /// Where the chart begins, after its axis.
    #[must_use]
    pub const fn chart(self) -> u16 {
        self.value_end + AXIS + 1
    }
}

/// The columns for that width.
#[must_use]
pub fn columns(width: u16) -> Columns {
    let value_end = LABEL + LABEL_WIDTH + VALUE_WIDTH;
    let cells = match width {
        0..60 => 0,
        60..100 => 16,
        100..180 => 24,
        _ => 48,
    };
    let details = if cells == 0 {
        value_end + 2
    } else {
        value_end + 4 + cells
    };
    Columns {
        value_end,
        trend: (value_end + 2, cells),
        details,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn groups() -> Vec<Group> {
        let group = |base: std::ops::Range<usize>, extra: std::ops::Range<usize>| Group {
            base: base.collect(),
            extra: extra.collect(),
        };
        vec![group(0..5, 16..17), group(5..11, 17..20), group(11..16, 20..20)]
    }

    #[test]
    fn twenty_rows_show_everything() {
        let rows = rows(&groups(), 80, 20);
        assert_eq!(rows.len(), 20);
        assert!(rows.contains(&Row::Bar));
        assert!((0..16).all(|line| rows.contains(&Row::Line(line))));
        assert_eq!(rows.iter().filter(|row| matches!(row, Row::Rule(_))).count(), 3);
    }

    #[test]
    fn room_goes_to_the_chart_and_to_more_lines() {
        let rows = rows(&groups(), 120, 36);
        assert!((16..20).all(|line| rows.contains(&Row::Line(line))));
        assert!(rows.contains(&Row::Chart(12)) && !rows.contains(&Row::Bar));
        assert_eq!(rows.len(), 36);
    }

    proptest! {
        #[test]
        fn every_size_shows_the_base_lines_once(width in 0..400u16, height in 0..120u16) {
            let rows = rows(&groups(), width, height);
            for line in 0..16 {
                prop_assert_eq!(rows.iter().filter(|row| **row == Row::Line(line)).count(), 1);
            }
            prop_assert!(rows.len() <= usize::from(height).max(16));
        }
    }
}
