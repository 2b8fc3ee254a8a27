//! The rows of the list: partitioned tables, those below them behind them.

use std::collections::HashMap;

use super::words;
use crate::model::partitions::{Level, Parent, Verdict};
use crate::ui::format;
use crate::ui::look::Role;

/// Partitioned partitions that are as they should be, shown below their table.
const FINE_SHOWN: usize = 2;
/// Partitioned partitions with something wrong, shown below their table.
const BAD_SHOWN: usize = 20;

/// What a cell shows and means.
pub(super) type Shown = (String, Role);

/// One row.
#[derive(Clone, Debug)]
pub(super) enum Row {
    /// A partitioned table.
    Table(Box<Table>),
    /// Those of the table above that are not shown.
    More {
        /// Oid of the table above.
        of: u32,
        /// How deep it lies.
        depth: u16,
        /// What it says.
        text: String,
    },
}

/// A partitioned table as it is shown.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub oid: u32,
    pub depth: u16,
    pub name: String,
    pub level: Level,
    /// What it sorts by: that of the worst below it.
    pub urgency: f64,
    pub covers: Shown,
    pub holes: usize,
    pub default: Shown,
    pub default_rows: Option<f64>,
    pub partitions: usize,
    pub cadence: String,
    pub step_s: Option<f64>,
    pub key: String,
    pub newest: String,
    pub oldest: String,
    pub rows: Option<f64>,
    pub heap_bytes: i64,
}

impl Row {
    pub fn is_root(&self) -> bool {
        matches!(self, Self::Table(table) if table.depth == 0)
    }

    pub fn oid(&self) -> Option<u32> {
        match self {
            Self::Table(table) => Some(table.oid),
            Self::More { .. } => None,
        }
    }

    pub fn table(&self) -> Option<&Table> {
        match self {
            Self::Table(table) => Some(table),
            Self::More { .. } => None,
        }
    }
}

type Judged<'a> = (&'a Parent, Verdict);

/// The tables that are no partitions, the most urgent first and so many at most, each with those below it.
pub(super) fn tree(judged: &[Judged<'_>], most: usize) -> Vec<Row> {
    let mut below: HashMap<Option<u32>, Vec<usize>> = HashMap::new();
    for (nth, (parent, _)) in judged.iter().enumerate() {
        below.entry(parent.parent).or_default().push(nth);
    }
    let mut urgency: Vec<f64> = judged.iter().map(|(_, verdict)| verdict.urgency()).collect();
    // Those below a table come after it: from the end on, each hands its urgency up.
    let places: HashMap<u32, usize> = judged
        .iter()
        .enumerate()
        .map(|(nth, (parent, _))| (parent.oid, nth))
        .collect();
    for (nth, (parent, _)) in judged.iter().enumerate().rev() {
        let above = parent.parent.and_then(|oid| places.get(&oid)).copied();
        if let (Some(above), Some(mine)) = (above, urgency.get(nth).copied())
            && let Some(theirs) = urgency.get_mut(above)
        {
            *theirs = theirs.min(mine);
        }
    }
    let forest = Forest { judged, below, urgency };
    let mut rows = Vec::new();
    for nth in forest.sorted(None).into_iter().take(most) {
        forest.add(nth, 0, &mut rows);
    }
    rows
}

struct Forest<'a> {
    judged: &'a [Judged<'a>],
    below: HashMap<Option<u32>, Vec<usize>>,
    urgency: Vec<f64>,
}

impl Forest<'_> {
    fn urgency(&self, nth: usize) -> f64 {
        self.urgency.get(nth).copied().unwrap_or(f64::MAX)
    }

    fn sorted(&self, of: Option<u32>) -> Vec<usize> {
        let mut below = self.below.get(&of).cloned().unwrap_or_default();
        below.sort_by(|one, other| self.urgency(*one).total_cmp(&self.urgency(*other)));
        below
    }

    /// Adds a table and those below it: the worst, and a few of those that are as they should be.
    fn add(&self, nth: usize, depth: u16, rows: &mut Vec<Row>) {
        let Some((parent, verdict)) = self.judged.get(nth) else {
            return;
        };
        rows.push(Row::Table(Box::new(shown(parent, verdict, depth, self.urgency(nth)))));
        let below = self.sorted(Some(parent.oid));
        let is_bad = |nth: &&usize| self.urgency(**nth) < FINE;
        let bad = below.iter().filter(is_bad).count();
        let few = if below.len() == FINE_SHOWN + 1 {
            FINE_SHOWN + 1
        } else {
            FINE_SHOWN
        };
        let kept = bad.min(BAD_SHOWN).max(few.min(below.len()));
        for child in below.iter().take(kept) {
            self.add(*child, depth + 1, rows);
        }
        let more = below.len() - kept;
        if more > 0 {
            let wrong = bad.saturating_sub(kept);
            let text = match wrong {
                0 => format!(
                    "+{} more partitioned partitions, nothing wrong with them",
                    format::count(more)
                ),
                wrong => format!(
                    "+{} more partitioned partitions, {} as bad",
                    format::count(more),
                    format::count(wrong)
                ),
            };
            let (of, depth) = (parent.oid, depth + 1);
            rows.push(Row::More { of, depth, text });
        }
    }
}

/// From this [`Verdict::urgency`] on nothing is wrong.
const FINE: f64 = 3e12;

fn shown(parent: &Parent, verdict: &Verdict, depth: u16, urgency: f64) -> Table {
    let (covers, mut role) = words::reach(parent, &verdict.reach);
    if verdict.level == Level::Warning && role == Role::Text {
        role = Role::Warning;
    }
    let mut ranged = parent.ranged().map(|(_, range)| range);
    let oldest = ranged.next();
    let newest = ranged.next_back().or(oldest);
    Table {
        oid: parent.oid,
        depth,
        name: format!("{}.{}", parent.schema, parent.name),
        level: verdict.level,
        urgency,
        covers: (covers, role),
        holes: parent.holes.count(),
        default: words::default(verdict.default),
        default_rows: parent.default().and_then(|part| part.rows),
        partitions: parent.parts.len() + parent.unasked,
        cadence: parent.step.map(words::cadence).unwrap_or_default(),
        step_s: parent.step.and_then(crate::model::partitions::step::Step::seconds),
        key: format!("{} {}", parent.strategy.name(), parent.key()),
        newest: newest.map(|range| words::end(parent, &range.to)).unwrap_or_default(),
        oldest: oldest.map(|range| words::end(parent, &range.from)).unwrap_or_default(),
        rows: parent.rows,
        heap_bytes: parent.heap_bytes,
    }
}
