//! What sizes, unused things and ends of ranges mean, and the statements that mend them. Nothing here runs one.

pub mod foreign_keys;
pub mod growth;
pub mod indexes;
pub mod invalid;
pub mod sequences;

use crate::model::clock::utc;
use crate::probe::indexes_unused::UnusedIndexes;
use crate::probe::relations::{Relation, Relations};

/// Something to copy: its name in a menu, and the text.
pub type Text = (String, String);

/// How large a relation is, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bytes {
    /// Measured now.
    Measured(i64),
    /// Not now, because of a lock; so much when it was last measured, that many seconds ago.
    Remembered(i64, f64),
    /// Never measured: by `relpages`, as of the last VACUUM or ANALYZE.
    Estimated(i64),
}

impl Bytes {
    /// The number, right or not.
    #[must_use]
    pub const fn value(self) -> i64 {
        match self {
            Self::Measured(bytes) | Self::Remembered(bytes, _) | Self::Estimated(bytes) => bytes,
        }
    }
}

/// How large a relation is, as far as it is known.
#[must_use]
pub fn bytes(known: &Relations, row: &Relation) -> Bytes {
    if let Some(size) = row.size {
        return Bytes::Measured(size.total());
    }
    let last = known.measured.get(&row.oid).and_then(|measured| measured.last());
    match last.filter(|last| last.filenode == row.filenode) {
        Some(last) => Bytes::Remembered(last.bytes, known.epoch - last.epoch),
        None => Bytes::Estimated(row.estimated_bytes),
    }
}

/// Since when the scan counters of the database run, in seconds since 1970. Without a reset of their own they began
/// with the server's: at its first start, or when a crash or failover wiped them all.
#[must_use]
pub fn counted_since(known: &UnusedIndexes) -> Option<f64> {
    known.counters_reset.or(known.server_reset)
}

/// A moment for a comment: `2026-11-20 14:03:22 UTC`.
fn moment(epoch: Option<f64>) -> String {
    epoch.and_then(utc).unwrap_or_else(|| "an unknown time".to_owned())
}

/// A statement, and why or at what cost as a comment behind it.
fn commented(statement: String, why: &str) -> Text {
    let text = format!("{statement} -- {why}");
    (statement, text)
}
