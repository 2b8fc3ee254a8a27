//! Partitioned tables: how far they reach, where they have gaps, and the statements that mend both.
//!
//! [`read()`] does once an answer what depends on the answer alone; [`Parent::judge`] adds the time of day.

pub mod bound;
pub mod cover;
pub mod judge;
pub mod names;
pub mod point;
pub mod read;
pub mod statement;
pub mod step;

use jiff::tz::TimeZone;

use bound::Bound;
use cover::{Holes, Range};
use point::Axis;
use step::Step;

pub use judge::{Default, Level, Reach, Verdict};
pub use read::read;

/// How a table is partitioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// By ranges.
    Range,
    /// By lists of values.
    List,
    /// By the remainder of a hash.
    Hash,
}

impl Strategy {
    /// As SQL names it, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::List => "list",
            Self::Hash => "hash",
        }
    }
}

/// A partition.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its oid.
    pub oid: u32,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// It is a foreign table.
    pub foreign: bool,
    /// Its bound as the server writes it.
    pub text: String,
    /// Its bound; `None` if it is of no form we know.
    pub bound: Option<Bound>,
    /// Its bound, where that is a range.
    pub range: Option<Range>,
    /// `DETACH ... CONCURRENTLY` has begun and not ended: it takes no rows, and nothing can take its place.
    pub detaching: bool,
    /// It is partitioned itself, into so many.
    pub partitions: Option<usize>,
    /// Rows by the counters, else by the last ANALYZE; `None` if neither knows. Of all that is below it.
    pub rows: Option<f64>,
    /// Its heap by the last VACUUM or ANALYZE. Of all that is below it.
    pub heap_bytes: i64,
    /// Rows inserted since the counters began.
    pub inserted: i64,
    /// When it was last seen to grow, or autovacuum last found it changed, in seconds since 1970.
    pub grew_at: Option<f64>,
    /// When autovacuum last analyzed it, in seconds since 1970.
    pub analyzed: Option<f64>,
}

/// A column of a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name; empty for an expression.
    pub name: String,
    /// Its type; empty for an expression.
    pub data_type: String,
    /// What its values are.
    pub axis: Axis,
}

/// A partitioned table with its partitions.
#[derive(Clone, Debug)]
pub struct Parent {
    /// Its oid.
    pub oid: u32,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The partitioned table it is a partition of.
    pub parent: Option<u32>,
    /// How it is partitioned.
    pub strategy: Strategy,
    /// By what.
    pub columns: Vec<Column>,
    /// The whole key as SQL, where it has an expression and that is known.
    pub expression: Option<String>,
    /// Its partitions: ranges in their order, the default last.
    pub parts: Vec<Part>,
    /// Partitions that were not asked for, being too many.
    pub unasked: usize,
    /// Rows of all partitions; `None` if those of one are not known.
    pub rows: Option<f64>,
    /// Heaps of all partitions by the last VACUUM or ANALYZE.
    pub heap_bytes: i64,
    /// The zone by whose calendar its ranges are made; UTC where there is no telling.
    pub zone: TimeZone,
    /// The cadence of its recent ranges.
    pub step: Option<Step>,
    /// The gaps between its ranges; none where only a part of them is known.
    pub holes: Holes,
    /// Remainders of the hash that no partition takes: `(modulus, remainder)` of partitions that would take them.
    pub remainders: Vec<(i64, i64)>,
    /// Its counters say nothing: a standby.
    pub recovering: bool,
}

impl Parent {
    /// The axes of its key.
    #[must_use]
    pub fn axes(&self) -> Vec<Axis> {
        self.columns.iter().map(|column| column.axis).collect()
    }

    /// The axis of its leading column.
    #[must_use]
    pub fn axis(&self) -> Axis {
        self.columns.first().map_or(Axis::Other, |column| column.axis)
    }

    /// The default partition.
    #[must_use]
    pub fn default(&self) -> Option<&Part> {
        self.parts.last().filter(|part| part.bound == Some(Bound::Default))
    }

    /// The partitions with a range, in order.
    #[must_use]
    pub fn ranged(&self) -> impl DoubleEndedIterator<Item = (&Part, &Range)> {
        self.parts.iter().filter_map(|part| Some((part, part.range.as_ref()?)))
    }

    /// Its key for people: `created_at`, `tenant, created_at`, `date_trunc('day', ts)`.
    #[must_use]
    pub fn key(&self) -> String {
        let inner = |text: &str| {
            let inner = text.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
            inner.unwrap_or(text).to_owned()
        };
        self.expression.as_deref().map_or_else(
            || {
                let name = |column: &Column| match column.name.as_str() {
                    "" => "(expression)".to_owned(),
                    name => name.to_owned(),
                };
                self.columns.iter().map(name).collect::<Vec<_>>().join(", ")
            },
            inner,
        )
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
