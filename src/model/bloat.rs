//! How much of a table is air: an estimate from the planner's statistics, which costs nothing, and what a measurement
//! says.
//!
//! The estimate is the arithmetic of `check_postgres` and ioguix: from the average widths of the columns follows how
//! large a row is, from that how many fit on a page, and from the number of rows how many pages they would need. Added
//! to it is the padding between columns, which those leave out. Like them it knows only what the last ANALYZE found.
//! There is no such estimate for indexes: since 13 a B-tree keeps equal keys once, and the arithmetic can be wrong by
//! more than the size of the index.

use std::fmt;

use super::rates::{self, float};
use crate::probe::measure::Heap;
use crate::probe::measure_indexes::Tree;
use crate::probe::relation_columns::Column;

/// Bytes of a page's header.
const PAGE_HEADER: f64 = 24.0;
/// Bytes of the pointer to a row.
const POINTER: f64 = 4.0;
/// Bytes of a row's header without the bitmap of its NULLs.
const ROW_HEADER: f64 = 23.0;
/// A row and its data start at a multiple of so many bytes.
const ALIGN: f64 = 8.0;
/// A value of any length from here on has a long header, which is aligned.
const LONG_VALUE: i32 = 127;
/// Tables of fewer pages are not worth a number.
const FEW_PAGES: i64 = 16;
/// A B-tree fills its leaf pages so far, in percent, unless told otherwise.
const INDEX_FILLFACTOR: u32 = 90;

/// What the estimate rests on.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Bytes of a page.
    pub block: u32,
    /// `relpages`: pages at the last VACUUM or ANALYZE.
    pub pages: i64,
    /// Pages now; `None` if unknown.
    pub pages_now: Option<i64>,
    /// `reltuples`; -1 if there was neither VACUUM nor ANALYZE (14+).
    pub tuples: f64,
    /// Rows changed since the last ANALYZE; `None` if unknown.
    pub mods: Option<i64>,
    /// Percent of a page that INSERT fills.
    pub fillfactor: u32,
    /// All its columns.
    pub columns: &'a [Column],
}

/// How far an estimate can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Much has changed since ANALYZE, or rows are so wide that few fit on a page.
    Low,
    /// Something of that.
    Fair,
    /// Statistics are new and rows are small.
    Good,
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Low => "low",
            Self::Fair => "fair",
            Self::Good => "good",
        })
    }
}

/// What a table would win by being written anew, by its statistics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Bytes beyond what its rows need.
    pub bytes: i64,
    /// The same in percent of the table.
    pub percent: f64,
    /// Bytes of an average row with pointer, header and padding.
    pub row: f64,
    /// How far to trust it.
    pub confidence: Confidence,
    /// Share of the rows that changed since ANALYZE, in percent; `None` if unknown.
    pub changed: Option<f64>,
}

/// Why there is no estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The role may not see the statistics of so many columns out of all.
    Hidden(usize, usize),
    /// There was neither VACUUM nor ANALYZE.
    NeverAnalyzed,
    /// ANALYZE has not seen so many columns out of all.
    NoStatistics(usize, usize),
    /// It is too small to matter.
    Small,
}

/// How much of the table its rows do not need.
///
/// # Errors
/// Why nothing can be said: a number from incomplete statistics would be far off, most of all for a role that may not
/// see them.
pub fn estimate(input: &Input<'_>) -> Result<Estimate, Why> {
    // What is computed when it is read takes no place, and has no statistics.
    let stored = || input.columns.iter().filter(|column| !column.computed);
    let all = stored().count();
    let hidden = stored().filter(|column| !column.readable).count();
    if hidden > 0 {
        return Err(Why::Hidden(hidden, all));
    }
    let missing = stored().filter(|column| column.statistics.is_none()).count();
    let never = missing == all;
    if input.tuples < 0.0 || never && (input.tuples <= 0.0 || all > 0) {
        return Err(Why::NeverAnalyzed);
    }
    if missing > 0 {
        return Err(Why::NoStatistics(missing, all));
    }
    if input.pages.max(input.pages_now.unwrap_or_default()) < FEW_PAGES {
        return Err(Why::Small);
    }
    Ok(reckon(input))
}

fn reckon(input: &Input<'_>) -> Estimate {
    let row = row(input.columns);
    let block = f64::from(input.block);
    let reserved = block * f64::from(100_u32.saturating_sub(input.fillfactor)) / 100.0;
    let fit = (block - PAGE_HEADER - reserved) / row.bytes;
    // What does not fit any more stays empty: a certain rest if all rows are equal, half a row on average if not.
    let fit = if row.even { fit.floor() } else { fit - 0.5 }.max(1.0);
    let pages = float(input.pages);
    let needed = (input.tuples / fit).ceil().min(pages);
    let spare = pages - needed;
    let changed = input
        .mods
        .map(|mods| (float(mods) / input.tuples.max(1.0) * 100.0).min(100.0));
    Estimate {
        bytes: whole(spare * block),
        percent: if pages > 0.0 { spare / pages * 100.0 } else { 0.0 },
        row: row.bytes,
        confidence: confidence(input, changed, fit),
        changed,
    }
}

fn confidence(input: &Input<'_>, changed: Option<f64>, fit: f64) -> Confidence {
    let now = input.pages_now.map_or(input.pages, |now| now);
    let grown = (float(now) - float(input.pages)).abs() / float(input.pages.max(1)) * 100.0;
    let drift = changed.unwrap_or(100.0).max(grown);
    if drift >= 20.0 || fit < 4.0 {
        Confidence::Low
    } else if drift >= 5.0 || fit < 16.0 {
        Confidence::Fair
    } else {
        Confidence::Good
    }
}

/// An average row.
struct Row {
    bytes: f64,
    /// Every row has this very size.
    even: bool,
}

fn row(columns: &[Column]) -> Row {
    let statistics = |column: &Column| column.statistics.unwrap_or_default();
    let dropped = columns.first().map_or(0, |column| column.dropped);
    let with_nulls = dropped > 0
        || columns
            .iter()
            .any(|column| column.computed || statistics(column).null_frac > 0.0);
    let places = columns.len() + usize::try_from(dropped).unwrap_or_default();
    let bitmap = if with_nulls { places.div_ceil(8) } else { 0 };
    #[expect(clippy::cast_precision_loss, reason = "a table has at most 1600 columns")]
    let header = ((ROW_HEADER + bitmap as f64) / ALIGN).ceil() * ALIGN;
    let mut place = Place::default();
    for column in columns.iter().filter(|column| !column.computed) {
        let known = statistics(column);
        place.put(column, 1.0 - known.null_frac, known.width);
    }
    place.pad(8);
    Row {
        bytes: POINTER + header + place.bytes,
        even: place.even,
    }
}

/// Where the next value of an average row goes.
struct Place {
    bytes: f64,
    /// The place is `rest` beyond a multiple of this: 8 while every value has the same length, 1 if nothing is known.
    of: u32,
    rest: u32,
    /// All rows have been equal so far.
    even: bool,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            bytes: 0.0,
            of: 8,
            rest: 0,
            even: true,
        }
    }
}

impl Place {
    /// A value of that width, there in so large a share of the rows.
    fn put(&mut self, column: &Column, present: f64, width: i32) {
        let fixed = column.length > 0;
        let before = self.bytes;
        self.pad(match column.length {
            1.. => column.align,
            -1 if width >= LONG_VALUE => column.align,
            _ => 1,
        });
        self.bytes = before + (self.bytes - before + f64::from(width)) * present;
        if fixed && present >= 1.0 {
            self.rest = (self.rest + width.unsigned_abs()) % self.of;
        } else if present > 0.0 {
            (self.of, self.rest, self.even) = (1, 0, false);
        }
    }

    /// Goes on to the next multiple; on average, where the place is not known.
    fn pad(&mut self, align: u32) {
        let align = align.clamp(1, 8);
        let step = usize::try_from(self.of.min(align)).unwrap_or(1);
        let places = (self.rest % self.of.min(align)..align).step_by(step);
        let gaps = places.map(|place| f64::from((align - place) % align));
        let (sum, count) = gaps.fold((0.0, 0.0), |(sum, count), gap| (sum + gap, count + 1.0));
        if self.of >= align {
            let gap = (align - self.rest % align) % align;
            self.bytes += f64::from(gap);
            self.rest = (self.rest + gap) % self.of;
        } else {
            self.bytes += sum / f64::max(count, 1.0);
            (self.of, self.rest) = (align, 0);
        }
    }
}

/// Bytes that writing the table anew would win, by a measurement: dead rows and free space, beyond what `fillfactor`
/// would keep free in the new table.
#[must_use]
pub fn to_win(heap: &Heap, fillfactor: u32) -> i64 {
    let rows = heap
        .bytes
        .saturating_sub(rates::total([heap.dead_bytes, heap.free_bytes]));
    let wanted = rows.saturating_mul(100) / i64::from(fillfactor.clamp(10, 100));
    heap.bytes.saturating_sub(wanted).max(0)
}

/// Bytes that `REINDEX` would win, by a measurement: leaf pages less full than a new index has them, and empty and
/// deleted pages.
#[must_use]
pub fn tree_to_win(tree: &Tree, block: u32, fillfactor: Option<u32>) -> i64 {
    let full = f64::from(fillfactor.unwrap_or(INDEX_FILLFACTOR).max(1));
    let density = tree.density.unwrap_or(full).min(full);
    let air = float(tree.leaves) * (1.0 - density / full) + float(tree.empty + tree.deleted);
    whole(air * f64::from(block))
}

/// `fillfactor` among the settings of a relation, `fillfactor=70`.
#[must_use]
pub fn fillfactor(options: &[String]) -> Option<u32> {
    let value = options.iter().find_map(|option| option.strip_prefix("fillfactor="));
    value.and_then(|value| value.parse().ok())
}

#[expect(clippy::cast_possible_truncation, reason = "bytes stay far below 2^52")]
fn whole(number: f64) -> i64 {
    number as i64
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::probe::relation_columns::Statistics;

    fn column(length: i32, align: u32, width: i32, null_frac: f64) -> Column {
        Column {
            length,
            align,
            readable: true,
            statistics: Some(Statistics {
                null_frac,
                width,
                ..Statistics::default()
            }),
            ..Column::default()
        }
    }

    fn int() -> Column {
        column(4, 4, 4, 0.0)
    }

    fn big() -> Column {
        column(8, 8, 8, 0.0)
    }

    fn input(columns: &[Column]) -> Input<'_> {
        Input {
            block: 8192,
            pages: 1000,
            pages_now: Some(1000),
            tuples: 226_000.0,
            mods: Some(0),
            fillfactor: 100,
            columns,
        }
    }

    /// `pg_column_size(row)` and the page layout of the documentation, by hand.
    #[rstest]
    #[case::one_int(&[int()], 4.0 + 24.0 + 8.0)]
    #[case::int_big_is_padded(&[int(), big()], 4.0 + 24.0 + 16.0)]
    #[case::big_int(&[big(), int()], 4.0 + 24.0 + 16.0)]
    #[case::int_big_int(&[int(), big(), int()], 4.0 + 24.0 + 24.0)]
    #[case::no_column(&[], 4.0 + 24.0)]
    #[case::nullable(&[column(4, 4, 4, 1.0)], 4.0 + 24.0)]
    #[case::nine_nullable(&[(); 9].map(|()| column(4, 4, 4, 1.0)), 4.0 + 32.0)]
    #[case::text_ends_anywhere(&[int(), column(-1, 4, 33, 0.0)], 4.0 + 24.0 + 4.0 + 33.0 + 3.5)]
    fn a_row_is_as_large_as_it_is(#[case] columns: &[Column], #[case] bytes: f64) {
        assert!((row(columns).bytes - bytes).abs() < 1e-9, "{}", row(columns).bytes);
    }

    #[test]
    fn a_full_table_has_nothing_to_win_and_a_half_empty_one_has_half() {
        // 226 rows of 36 bytes fit on a page.
        let columns = [int()];
        let full = estimate(&input(&columns)).unwrap();
        assert_eq!((full.bytes, full.confidence), (0, Confidence::Good));
        let half = Input {
            tuples: 113_000.0,
            ..input(&columns)
        };
        let half = estimate(&half).unwrap();
        assert_eq!(half.bytes, 500 * 8192);
        assert!((half.percent - 50.0).abs() < 1e-9);
        let reserved = Input {
            tuples: 113_000.0,
            fillfactor: 50,
            ..input(&columns)
        };
        assert_eq!(estimate(&reserved).unwrap().bytes, 0);
    }

    #[test]
    fn no_number_without_the_statistics_it_needs() {
        let hidden = Column {
            readable: false,
            statistics: None,
            ..int()
        };
        let unknown = Column {
            statistics: None,
            ..int()
        };
        let why = |columns: &[Column]| estimate(&input(columns)).unwrap_err();
        assert_eq!(why(&[int(), hidden]), Why::Hidden(1, 2));
        assert_eq!(why(&[int(), unknown.clone()]), Why::NoStatistics(1, 2));
        assert_eq!(why(&[unknown]), Why::NeverAnalyzed);
        let columns = [int()];
        let never = Input {
            tuples: -1.0,
            ..input(&columns)
        };
        assert_eq!(estimate(&never).unwrap_err(), Why::NeverAnalyzed);
        let small = Input {
            pages: 3,
            pages_now: Some(3),
            ..input(&columns)
        };
        assert_eq!(estimate(&small).unwrap_err(), Why::Small);
    }

    #[rstest]
    #[case(Some(1_000), Some(1000), Confidence::Good)]
    #[case(Some(20_000), Some(1000), Confidence::Fair)]
    #[case(Some(100_000), Some(1000), Confidence::Low)]
    #[case(Some(0), Some(1500), Confidence::Low)]
    #[case(None, Some(1000), Confidence::Low)]
    fn old_statistics_are_not_trusted(
        #[case] mods: Option<i64>,
        #[case] pages_now: Option<i64>,
        #[case] expected: Confidence,
    ) {
        let columns = [int()];
        let input = Input {
            pages_now,
            mods,
            ..input(&columns)
        };
        assert_eq!(estimate(&input).unwrap().confidence, expected);
    }

    #[test]
    fn what_a_measurement_wins_leaves_the_reserve_alone() {
        let heap = Heap {
            bytes: 100 * 8192,
            dead_bytes: 10 * 8192,
            free_bytes: 50 * 8192,
            ..Heap::default()
        };
        assert_eq!(to_win(&heap, 100), 60 * 8192);
        // The rows of 40 pages need 50 pages that are filled to four fifths.
        assert_eq!(to_win(&heap, 80), 50 * 8192);
        assert_eq!(to_win(&heap, 30), 0);
        let tree = Tree {
            leaves: 90,
            empty: 1,
            deleted: 9,
            density: Some(45.0),
            ..Tree::default()
        };
        assert_eq!(tree_to_win(&tree, 8192, None), (45 + 10) * 8192);
        assert_eq!(tree_to_win(&tree, 8192, Some(45)), 10 * 8192);
        assert_eq!(tree_to_win(&Tree::default(), 8192, None), 0);
    }

    #[test]
    fn the_fillfactor_is_read_from_the_settings() {
        let options = ["autovacuum_enabled=false".to_owned(), "fillfactor=70".to_owned()];
        assert_eq!(fillfactor(&options), Some(70));
        assert_eq!(fillfactor(&[]), None);
    }
}
