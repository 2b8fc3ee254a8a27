//! What stands in which row. First what is wrong, in up to half of the room; the numbers below it: everything at 20 rows,
//! more where there is more room; where there is less, the least important lines stand at the end, to be scrolled to.

/// The three groups, with the title of their rule.
pub const GROUPS: [&str; 3] = ["sessions", "work", "upkeep"];

/// What a row shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// How much was checked: a rule above what is wrong, or the calm line instead of it.
    Checks,
    /// The nth story.
    Story(usize),
    /// Under the nth story, its nth line; how many more there are if it is the last one shown.
    Folded(usize, usize, usize),
    /// So many more stories.
    More(usize),
    /// The statement that makes more checks possible.
    Grant,
    /// The rule above all numbers.
    Numbers,
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

/// What is wrong, as far as rows are concerned.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// How many lines are folded under each story.
    pub folded: Vec<usize>,
    /// The first story counts and nobody took note of it: it shows what is under it.
    pub loud: bool,
    /// The story the user has unfolded.
    pub unfolded: Option<usize>,
    /// The selected story.
    pub selected: Option<usize>,
    /// All stories, whatever room they take.
    pub all: bool,
    /// A statement would make more checks possible.
    pub grant: bool,
}

/// Lines that are shown under a story that is not unfolded.
pub const FOLDED: usize = 2;

/// Fewer rows than this are too dear for a rule above them.
const RULED: usize = 10;

/// The least height that makes a chart worth its rows, and the greatest.
const CHART: (usize, usize) = (5, 14);

/// Narrower than this a chart says nothing.
const CHART_WIDTH: u16 = 64;

impl Block {
    /// The rows of what is wrong; at most half of that height, unless the user wants to see more.
    #[must_use]
    pub fn rows(&self, height: u16) -> Vec<Row> {
        let room = (usize::from(height) / 2).max(3);
        let stories = self.folded.len();
        let fixed = 1 + usize::from(self.grant);
        // The worst story keeps its lines, however many others there are.
        let first = if self.loud { self.lines(0, FOLDED) } else { 0 };
        let first = first.min(room.saturating_sub(fixed + 2));
        let fits = room.saturating_sub(fixed + first);
        let shown = match stories {
            stories if self.all || stories <= fits => stories,
            // One row says how many more there are.
            _ => fits.saturating_sub(1).max(1),
        };
        let shown = self
            .selected
            .map_or(shown, |selected| shown.max(selected + 1))
            .min(stories);
        let mut left = room.saturating_sub(fixed + shown + usize::from(shown < stories));
        let mut rows = vec![Row::Checks];
        for story in 0..shown {
            rows.push(Row::Story(story));
            let open = self.unfolded == Some(story);
            let lines = if open {
                self.lines(story, usize::MAX)
            } else if story == 0 && self.loud || self.selected == Some(story) {
                self.lines(story, FOLDED).min(left)
            } else {
                0
            };
            left = left.saturating_sub(lines);
            let more = self.lines(story, usize::MAX) - lines;
            rows.extend((0..lines).map(|line| Row::Folded(story, line, if line + 1 == lines { more } else { 0 })));
        }
        if shown < stories {
            rows.push(Row::More(stories - shown));
        }
        rows.extend(self.grant.then_some(Row::Grant));
        rows
    }

    fn lines(&self, story: usize, most: usize) -> usize {
        self.folded.get(story).copied().unwrap_or_default().min(most)
    }
}

/// The rows of the numbers for that room; more than `height` only if the base lines alone do not fit. `least` are base
/// lines, the least important first: they stand at the end where there is no room for all of them.
#[must_use]
pub fn rows(groups: &[Group], least: &[usize], width: u16, height: usize) -> Vec<Row> {
    let base: usize = groups.iter().map(|group| group.base.len()).sum();
    if height < base + groups.len() {
        return crowded(groups, least, height);
    }
    let extras: usize = groups.iter().map(|group| group.extra.len()).sum();
    let spare = height - base - groups.len();
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
        out.push(Row::Rule(nth));
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

/// The base lines without anything between them, the least important ones last if not all of them fit.
fn crowded(groups: &[Group], least: &[usize], height: usize) -> Vec<Row> {
    let mut lines: Vec<usize> = groups.iter().flat_map(|group| group.base.iter().copied()).collect();
    let rule = height >= RULED;
    let over = (lines.len() + usize::from(rule)).saturating_sub(height);
    let back: Vec<usize> = least.iter().copied().take(over).collect();
    lines.retain(|line| !back.contains(line));
    lines.extend(back.iter().rev());
    let rule = rule.then_some(Row::Numbers);
    rule.into_iter().chain(lines.into_iter().map(Row::Line)).collect()
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

    /// The lines of all groups, the least important first.
    const LEAST: &[usize] = &[15, 7, 4, 12];

    #[test]
    fn twenty_rows_show_everything() {
        let rows = rows(&groups(), LEAST, 80, 20);
        assert_eq!(rows.len(), 20);
        assert!(rows.contains(&Row::Bar));
        assert!((0..16).all(|line| rows.contains(&Row::Line(line))));
        assert_eq!(rows.iter().filter(|row| matches!(row, Row::Rule(_))).count(), 3);
    }

    #[test]
    fn room_goes_to_the_chart_and_to_more_lines() {
        let rows = rows(&groups(), LEAST, 120, 36);
        assert!((16..20).all(|line| rows.contains(&Row::Line(line))));
        assert!(rows.contains(&Row::Chart(12)) && !rows.contains(&Row::Bar));
        assert_eq!(rows.len(), 36);
    }

    #[test]
    fn the_least_important_lines_are_scrolled_to() {
        let rows = rows(&groups(), LEAST, 80, 14);
        let lines = |rows: &[Row]| {
            rows.iter()
                .filter_map(|row| match row {
                    Row::Line(line) => Some(*line),
                    _ => None,
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(rows.first(), Some(&Row::Numbers));
        assert_eq!(lines(&rows[..14]), [0, 1, 2, 3, 5, 6, 8, 9, 10, 11, 12, 13, 14]);
        assert_eq!(lines(&rows[14..]), [4, 7, 15]);
    }

    fn block(folded: &[usize]) -> Block {
        Block {
            folded: folded.to_vec(),
            loud: true,
            ..Block::default()
        }
    }

    #[test]
    fn what_is_wrong_takes_half_of_the_room_at_most() {
        let three = block(&[5, 1, 0]);
        let told = vec![
            Row::Checks,
            Row::Story(0),
            Row::Folded(0, 0, 0),
            Row::Folded(0, 1, 3),
            Row::Story(1),
            Row::Story(2),
        ];
        assert_eq!(three.rows(21), told);
        let many = block(&[5; 40]).rows(21);
        assert_eq!(many.len(), 10);
        assert_eq!(many.last(), Some(&Row::More(34)));
        assert!(many.contains(&Row::Folded(0, 1, 3)));
        assert_eq!(block(&[]).rows(21), [Row::Checks]);
    }

    #[test]
    fn what_is_unfolded_is_whole_and_what_is_selected_is_there() {
        let block = Block {
            unfolded: Some(30),
            selected: Some(30),
            grant: true,
            ..block(&[5; 40])
        };
        let rows = block.rows(21);
        assert!(rows.contains(&Row::Folded(30, 4, 0)) && rows.contains(&Row::Grant));
        assert_eq!(rows.iter().filter(|row| matches!(row, Row::Story(_))).count(), 31);
        let all = Block { all: true, ..block };
        assert_eq!(
            all.rows(21).iter().filter(|row| matches!(row, Row::Story(_))).count(),
            40
        );
    }

    proptest! {
        #[test]
        fn every_size_shows_the_base_lines_once(width in 0..400u16, height in 0..120usize) {
            let rows = rows(&groups(), LEAST, width, height);
            for line in 0..16 {
                prop_assert_eq!(rows.iter().filter(|row| **row == Row::Line(line)).count(), 1);
            }
            prop_assert!(rows.len() <= height.max(17));
        }

        #[test]
        fn every_size_shows_the_worst_first_and_leaves_room_for_numbers(
            folded in proptest::collection::vec(0..50usize, 0..30), height in 8..120u16, grant: bool,
        ) {
            let rows = Block { grant, ..block(&folded) }.rows(height);
            prop_assert!(rows.len() <= usize::from(height) / 2);
            let stories: Vec<usize> = rows.iter().filter_map(|row| match row { Row::Story(nth) => Some(*nth), _ => None }).collect();
            prop_assert!(stories.iter().enumerate().all(|(place, story)| place == *story));
            let more = rows.iter().find_map(|row| match row { Row::More(count) => Some(*count), _ => None });
            prop_assert_eq!(stories.len() + more.unwrap_or_default(), folded.len());
            prop_assert!(folded.is_empty() || !stories.is_empty());
        }
    }
}
