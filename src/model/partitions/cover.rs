//! Ranges side by side: what lies between them, and how far they reach from a point without a gap.

use super::point::{Axis, Edge, Point};

/// One end of a range: an edge for every key column.
pub type End = Vec<Edge>;

/// From the first, to right before the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first that belongs to it.
    pub from: End,
    /// The first that does not.
    pub to: End,
}

impl Range {
    /// The edges of the leading column.
    #[must_use]
    pub fn leading(&self) -> (&Edge, &Edge) {
        (leading(&self.from), leading(&self.to))
    }

    /// The points of the leading column, if both are values and the other columns are alike at both ends.
    #[must_use]
    pub fn points(&self) -> Option<(&Point, &Point)> {
        let alike = self.from.get(1..) == self.to.get(1..);
        let (from, to) = self.leading();
        Some((from.point()?, to.point()?)).filter(|_| alike)
    }
}

/// The leading column of an end.
#[must_use]
pub fn leading(end: &[Edge]) -> &Edge {
    end.first().unwrap_or(&Edge::Min)
}

/// A gap between two ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hole {
    /// The range before it, by its place.
    pub after: usize,
    /// What has no partition.
    pub range: Range,
}

/// The gaps between ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holes {
    /// Where they are, in order.
    pub placed: Vec<Hole>,
    /// How many there are whose place only the server knows; the others are none then.
    pub unplaced: usize,
}

impl Holes {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.placed.len() + self.unplaced
    }
}

/// The gaps between these ranges, which are in the order of [`Edge`].
#[must_use]
pub fn holes(ranges: &[&Range], axes: &[Axis]) -> Holes {
    let pairs = || ranges.iter().zip(ranges.iter().skip(1));
    if pairs().all(|(one, next)| decidable(&one.from, &next.from) && decidable(&one.to, &next.from)) {
        let gap = |(after, (one, next)): (usize, (&&Range, &&Range))| {
            (!meet(&one.to, &next.from, axes)).then(|| Hole {
                after,
                range: Range {
                    from: one.to.clone(),
                    to: next.from.clone(),
                },
            })
        };
        return Holes {
            placed: pairs().enumerate().filter_map(gap).collect(),
            unplaced: 0,
        };
    }
    // Ranges do not overlap, so each that begins where no other ends is the first of an unbroken row of them.
    let ends: std::collections::HashSet<End> = ranges.iter().map(|range| start_of_rest(&range.to, axes)).collect();
    let rows = ranges
        .iter()
        .filter(|range| !ends.contains(&start_of_rest(&range.from, axes)))
        .count();
    Holes {
        placed: Vec::new(),
        unplaced: rows.saturating_sub(1),
    }
}

/// Our order of these two is the server's.
fn decidable(one: &[Edge], other: &[Edge]) -> bool {
    let differing = one.iter().zip(other).find(|(one, other)| one != other);
    !matches!(
        differing,
        Some((Edge::At(Point::Text(_)), Edge::At(_)) | (Edge::At(_), Edge::At(Point::Text(_))))
    )
}

/// Nothing lies between the end of one range and the beginning of the next.
#[must_use]
pub fn meet(end: &[Edge], start: &[Edge], axes: &[Axis]) -> bool {
    end == start || start_of_rest(end, axes) == start_of_rest(start, axes)
}

/// The same end in one way of writing: after `(10, MAXVALUE)` comes `(11, MINVALUE)`, if the column counts in steps.
fn start_of_rest(end: &[Edge], axes: &[Axis]) -> End {
    let max = end.iter().rev().take_while(|edge| **edge == Edge::Max).count();
    let kept = end.len() - max;
    let mut same = end.to_vec();
    let Some(last) = kept.checked_sub(1).filter(|_| max > 0) else {
        return same;
    };
    let next = match (same.get(last), axes.get(last)) {
        (Some(Edge::At(point)), Some(column)) => column.next(point),
        _ => None,
    };
    if let (Some(next), Some(edge)) = (next, same.get_mut(last)) {
        *edge = Edge::At(next);
        same.iter_mut().skip(kept).for_each(|edge| *edge = Edge::Min);
    }
    same
}

/// How far ranges reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Covered<'a> {
    /// To there, without a gap.
    To(&'a Edge),
    /// The point itself is in no range; where the last one before it ended, and where the next begins.
    Not {
        /// The end of the last range before the point.
        ended: Option<&'a Edge>,
        /// The beginning of the first range after it.
        begins: Option<&'a Edge>,
    },
}

/// How far these ranges, which are in order, reach from a point of the leading column without a gap.
#[must_use]
pub fn covered<'a>(ranges: &[&'a Range], axes: &[Axis], point: &Point) -> Covered<'a> {
    let at = Edge::At(point.clone());
    let after = ranges.partition_point(|range| *leading(&range.from) <= at);
    let (before, later) = ranges.split_at(after);
    let beyond = |range: &&&Range| {
        let (_, to) = range.leading();
        *to > at || (*to == at && matches!(range.to.get(1), Some(Edge::Max)))
    };
    let Some(current) = before.last().filter(beyond) else {
        return Covered::Not {
            ended: before.last().map(|range| leading(&range.to)),
            begins: later.first().map(|range| leading(&range.from)),
        };
    };
    let mut end = &current.to;
    for range in later {
        if !meet(end, &range.from, axes) {
            break;
        }
        end = &range.to;
    }
    Covered::To(leading(end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::partitions::bound::{self, Bound};

    fn ranges(axes: &[Axis], bounds: &[&str]) -> Vec<Range> {
        let ends = |texts: Vec<bound::Text>| texts.iter().zip(axes).map(|(text, axis)| axis.edge(text)).collect();
        let mut ranges: Vec<Range> = bounds
            .iter()
            .map(|text| match bound::parse(&format!("FOR VALUES {text}")) {
                Some(Bound::Range(from, to)) => Range {
                    from: ends(from),
                    to: ends(to),
                },
                other => panic!("{text}: {other:?}"),
            })
            .collect();
        ranges.sort_by(|one, other| one.from.cmp(&other.from));
        ranges
    }

    fn found(axes: &[Axis], bounds: &[&str]) -> Holes {
        let ranges = ranges(axes, bounds);
        holes(&ranges.iter().collect::<Vec<_>>(), axes)
    }

    #[test]
    fn a_gap_is_found_where_it_is() {
        let holes = found(
            &[Axis::Date],
            &[
                "FROM ('2024-03-01') TO ('2024-04-01')",
                "FROM (MINVALUE) TO ('2024-01-01')",
                "FROM ('2024-01-01') TO ('2024-02-01')",
            ],
        );
        assert_eq!(holes.count(), 1);
        assert_eq!(holes.placed[0].after, 1);
        let (from, to) = holes.placed[0].range.leading();
        assert_eq!(from, &Edge::At(Axis::Date.point("2024-02-01")));
        assert_eq!(to, &Edge::At(Axis::Date.point("2024-03-01")));
    }

    #[test]
    fn several_columns_meet_where_nothing_lies_between() {
        let two = [Axis::Integer, Axis::Other];
        let met = [
            "FROM (1, MINVALUE) TO (10, MAXVALUE)",
            "FROM (11, MINVALUE) TO (20, MINVALUE)",
        ];
        assert_eq!(found(&two, &met).count(), 0, "no integer between 10 and 11");
        assert_eq!(
            found(&[Axis::Numeric, Axis::Other], &met).count(),
            1,
            "10.5 lies between"
        );
        let apart = ["FROM (1, MINVALUE) TO (10, 'k')", "FROM (10, 'l') TO (20, MINVALUE)"];
        let holes = found(&two, &apart);
        assert_eq!(
            (holes.placed.len(), holes.unplaced),
            (0, 1),
            "only the server knows the order of texts"
        );
        let same = ["FROM (1, MINVALUE) TO (10, 'k')", "FROM (10, 'k') TO (20, MINVALUE)"];
        assert_eq!(found(&two, &same).count(), 0);
    }

    #[test]
    fn texts_are_counted_without_an_order() {
        let one = [Axis::Other];
        let alphabet = ["FROM ('a') TO ('h')", "FROM ('h') TO ('Q')", "FROM ('R') TO (MAXVALUE)"];
        assert_eq!(
            found(&one, &alphabet),
            Holes {
                placed: Vec::new(),
                unplaced: 1
            }
        );
    }

    #[test]
    fn how_far_it_reaches() {
        let axes = [Axis::Integer];
        let ranges = ranges(
            &axes,
            &[
                "FROM (0) TO (10)",
                "FROM (10) TO (20)",
                "FROM (30) TO (40)",
                "FROM (40) TO (MAXVALUE)",
            ],
        );
        let ranges: Vec<&Range> = ranges.iter().collect();
        let point = |n: &str| Axis::Integer.point(n);
        let from = |n| covered(&ranges, &axes, &point(n));
        assert_eq!(from("0"), Covered::To(&Edge::At(point("20"))));
        assert_eq!(from("19"), Covered::To(&Edge::At(point("20"))));
        assert_eq!(from("35"), Covered::To(&Edge::Max));
        let (ended, begins) = (Edge::At(point("20")), Edge::At(point("30")));
        let gap = Covered::Not {
            ended: Some(&ended),
            begins: Some(&begins),
        };
        assert_eq!(from("20"), gap);
        let begins = Edge::At(point("0"));
        assert_eq!(
            from("-1"),
            Covered::Not {
                ended: None,
                begins: Some(&begins)
            }
        );
    }

    proptest! {
        /// Against the definition: a number between two ranges that is in none of them.
        #[test]
        fn holes_are_what_no_range_contains(mut bounds in prop::collection::btree_set(0i128..200, 2..20), kept in prop::collection::vec(any::<bool>(), 20)) {
            if bounds.len() % 2 == 1 { bounds.pop_last(); }
            let bounds: Vec<i128> = bounds.into_iter().collect();
            let point = |n: i128| Edge::At(Point::Number(n * crate::model::partitions::point::UNIT));
            let pairs: Vec<(i128, i128)> = bounds.windows(2).map(|pair| (pair[0], pair[1])).zip(kept)
                .filter_map(|(pair, kept)| kept.then_some(pair)).collect();
            prop_assume!(!pairs.is_empty());
            let ranges: Vec<Range> = pairs.iter().map(|(from, to)| Range { from: vec![point(*from)], to: vec![point(*to)] }).collect();
            let found = holes(&ranges.iter().collect::<Vec<_>>(), &[Axis::Integer]);
            let inside = |n: i128| pairs.iter().any(|(from, to)| (*from..*to).contains(&n));
            let (first, last) = (pairs[0].0, pairs[pairs.len() - 1].1);
            let gaps = (first..last).filter(|n| !inside(*n) && inside(*n - 1)).count();
            prop_assert_eq!(found.placed.len(), gaps);
        }
    }
}
