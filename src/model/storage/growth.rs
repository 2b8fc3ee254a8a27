//! How fast a relation grows, by what it measured before.

use crate::model::rates::float;
use crate::probe::relations::{Relation, Relations};

/// A rate needs measurements so far apart, in seconds: a table grows in steps.
const SHORTEST_S: f64 = 60.0;

/// How a relation changed since it was last measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Growth {
    /// It was not measured now.
    NotMeasured,
    /// This is the first measurement of it.
    First,
    /// It was truncated or rewritten in between: what it lost or won says nothing about how it grows.
    Rewritten {
        /// Bytes it grew, negative if it shrank.
        bytes: i64,
    },
    /// It was measured before.
    Since {
        /// Bytes it grew, negative if it shrank.
        bytes: i64,
        /// In so many seconds.
        seconds: f64,
        /// Bytes per hour over all that is remembered, an hour at most; `None` if that is too little.
        per_hour: Option<f64>,
    },
}

/// How that relation changed.
#[must_use]
pub fn growth(known: &Relations, row: &Relation) -> Growth {
    let measured = known.measured.get(&row.oid).map_or(&[][..], Vec::as_slice);
    let (Some(_), Some((last, before))) = (row.size, measured.split_last()) else {
        return Growth::NotMeasured;
    };
    let Some(previous) = before.last() else {
        return Growth::First;
    };
    let bytes = last.bytes.saturating_sub(previous.bytes);
    if previous.filenode != last.filenode {
        return Growth::Rewritten { bytes };
    }
    let same = before
        .iter()
        .rev()
        .take_while(|measure| measure.filenode == last.filenode);
    let oldest = same.last().unwrap_or(previous);
    let span = last.epoch - oldest.epoch;
    Growth::Since {
        bytes,
        seconds: last.epoch - previous.epoch,
        per_hour: (span >= SHORTEST_S).then(|| float(last.bytes.saturating_sub(oldest.bytes)) * 3600.0 / span),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::storage::{Bytes, bytes};
    use crate::probe::relations::{Measure, Size};

    fn measured(points: &[(f64, i64, u32)], now: bool) -> (Relations, Relation) {
        let measures = points.iter().map(|(epoch, bytes, filenode)| Measure {
            epoch: *epoch,
            bytes: *bytes,
            filenode: *filenode,
        });
        let last = points.last().copied().unwrap_or_default();
        let row = Relation {
            oid: 7,
            filenode: last.2,
            estimated_bytes: 8192,
            size: now.then_some(Size {
                heap: last.1,
                ..Size::default()
            }),
            ..Relation::default()
        };
        let known = Relations {
            epoch: 10_000.0,
            rows: vec![row.clone()],
            measured: [(7, measures.collect())].into(),
            ..Relations::default()
        };
        (known, row)
    }

    fn of(points: &[(f64, i64, u32)]) -> Growth {
        let (known, row) = measured(points, true);
        growth(&known, &row)
    }

    #[test]
    fn growth_needs_two_measurements_of_the_same_file() {
        assert_eq!(of(&[(0.0, 100, 1)]), Growth::First);
        let since = |bytes, seconds, per_hour| Growth::Since {
            bytes,
            seconds,
            per_hour,
        };
        assert_eq!(of(&[(0.0, 100, 1), (30.0, 130, 1)]), since(30, 30.0, None));
        assert_eq!(of(&[(0.0, 100, 1), (600.0, 160, 1)]), since(60, 600.0, Some(360.0)));
        assert_eq!(of(&[(0.0, 160, 1), (600.0, 100, 1)]), since(-60, 600.0, Some(-360.0)));
        assert_eq!(
            of(&[(0.0, 100, 1), (600.0, 100, 1), (1200.0, 160, 1)]),
            since(60, 600.0, Some(180.0))
        );
    }

    #[test]
    fn a_rewritten_table_has_no_rate() {
        assert_eq!(of(&[(0.0, 100, 1), (600.0, 10, 2)]), Growth::Rewritten { bytes: -90 });
        // After that the rate begins anew.
        let after = of(&[(0.0, 100, 1), (600.0, 10, 2), (1200.0, 20, 2)]);
        assert_eq!(
            after,
            Growth::Since {
                bytes: 10,
                seconds: 600.0,
                per_hour: Some(60.0)
            }
        );
    }

    #[test]
    fn what_is_not_measured_is_remembered_or_estimated() {
        let (known, row) = measured(&[(9_400.0, 100, 1)], false);
        assert_eq!(growth(&known, &row), Growth::NotMeasured);
        assert_eq!(bytes(&known, &row), Bytes::Remembered(100, 600.0));
        let (mut known, row) = measured(&[], false);
        assert_eq!(bytes(&known, &row), Bytes::Estimated(8192));
        known.measured.clear();
        assert_eq!(growth(&known, &row), Growth::NotMeasured);
        // Rewritten since: what it measured then is another file.
        let (known, mut row) = measured(&[(9_400.0, 100, 1)], false);
        row.filenode = 2;
        assert_eq!(bytes(&known, &row), Bytes::Estimated(8192));
    }
}
