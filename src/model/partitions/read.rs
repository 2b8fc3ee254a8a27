//! From the rows of an answer to parents with their partitions in order.

use std::collections::HashMap;

use jiff::tz::TimeZone;

use super::bound::{self, Bound};
use super::cover::{self, Holes, Range};
use super::point::{Axis, Point};
use super::step;
use super::{Column, Parent, Part, Strategy};
use crate::model::rates;
use crate::probe::partitions::{Key, Partitions, Relation};

/// Ranges looked at for cadence and calendar: habits change, old ranges do not count.
const RECENT: usize = 60;
/// Zones tried after UTC, the server's and the reader's: somebody made the partitions from a session elsewhere.
const COMMON: &[&str] = &[
    "Europe/Berlin",
    "Europe/London",
    "Europe/Helsinki",
    "Europe/Moscow",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Australia/Sydney",
];
/// Remainders told of one table: a modulus can be large.
const REMAINDERS: i64 = 1000;

/// The partitioned tables of an answer, each before the partitioned tables that are its partitions. `home` is the zone
/// of the reader, tried after UTC and the server's own where the bounds are no midnights there.
#[must_use]
pub fn read(answer: &Partitions, home: &TimeZone) -> Vec<Parent> {
    let mut children: HashMap<Option<u32>, Vec<&Relation>> = HashMap::new();
    for relation in &answer.relations {
        children.entry(relation.parent).or_default().push(relation);
    }
    let server = answer.zone.as_deref().and_then(|name| TimeZone::get(name).ok());
    let mut zones = vec![TimeZone::UTC];
    zones.extend(server);
    zones.push(home.clone());
    zones.extend(COMMON.iter().filter_map(|name| TimeZone::get(name).ok()));
    let reader = Reader {
        children,
        zones,
        recovering: answer.recovering,
    };
    let mut parents = Vec::new();
    let mut roots = reader.children(None);
    roots.sort_by(|one, other| (&one.schema, &one.name).cmp(&(&other.schema, &other.name)));
    for root in roots {
        reader.parent(root, &mut parents);
    }
    parents
}

struct Reader<'a> {
    children: HashMap<Option<u32>, Vec<&'a Relation>>,
    zones: Vec<TimeZone>,
    recovering: bool,
}

impl<'a> Reader<'a> {
    fn children(&self, of: Option<u32>) -> Vec<&'a Relation> {
        self.children.get(&of).cloned().unwrap_or_default()
    }

    /// Adds a partitioned table, then those below it; returns its place.
    fn parent(&self, relation: &Relation, parents: &mut Vec<Parent>) -> Option<usize> {
        let key = relation.key.as_ref()?;
        let strategy = strategy(key)?;
        let relations = self.children(Some(relation.oid));
        let columns = columns(key, strategy, &relations);
        let place = parents.len();
        parents.push(Parent {
            oid: relation.oid,
            schema: relation.schema.clone(),
            name: relation.name.clone(),
            parent: relation.parent,
            strategy,
            columns,
            expression: key.expression.clone(),
            parts: Vec::new(),
            unasked: usize::try_from(key.partitions)
                .unwrap_or(0)
                .saturating_sub(relations.len()),
            rows: None,
            heap_bytes: 0,
            zone: TimeZone::UTC,
            step: None,
            holes: Holes::default(),
            remainders: Vec::new(),
            recovering: self.recovering,
        });
        let axes = parents.get(place)?.axes();
        let mut parts: Vec<Part> = relations.iter().map(|relation| self.part(relation, &axes)).collect();
        for (part, relation) in parts.iter_mut().zip(&relations) {
            let below = self.parent(relation, parents).and_then(|below| parents.get(below));
            if let Some(below) = below {
                take_sums(part, below);
            }
        }
        self.finish(parents.get_mut(place)?, parts);
        Some(place)
    }

    fn part(&self, relation: &Relation, axes: &[Axis]) -> Part {
        let bound = relation.bound.as_deref().and_then(bound::parse);
        let range = match &bound {
            Some(Bound::Range(from, to)) => Some(range(from, to, axes)),
            _ => None,
        };
        Part {
            oid: relation.oid,
            schema: relation.schema.clone(),
            name: relation.name.clone(),
            foreign: relation.kind == "f",
            text: relation.bound.clone().unwrap_or_default(),
            bound,
            range,
            detaching: relation.detaching,
            partitions: None,
            rows: rows(relation, self.recovering),
            heap_bytes: relation.heap_bytes,
            inserted: relation.inserted,
            grew_at: relation.grew_at,
            analyzed: relation.analyzed,
        }
    }

    /// What follows from all partitions together.
    fn finish(&self, parent: &mut Parent, mut parts: Vec<Part>) {
        parts.sort_by(|one, other| sort_key(one).cmp(&sort_key(other)));
        parent.rows = parts.iter().try_fold(0.0, |sum, part| Some(sum + part.rows?));
        parent.heap_bytes = rates::total(parts.iter().map(|part| part.heap_bytes));
        parent.parts = parts;
        if parent.unasked > 0 {
            return;
        }
        match parent.strategy {
            Strategy::Range => self.ranges(parent),
            Strategy::Hash => parent.remainders = remainders(&parent.parts),
            Strategy::List => {}
        }
    }

    fn ranges(&self, parent: &mut Parent) {
        let axes = parent.axes();
        let ranges: Vec<&Range> = parent.ranged().map(|(_, range)| range).collect();
        let holes = cover::holes(&ranges, &axes);
        let recent: Vec<(&Point, &Point)> = recent(&ranges);
        let zone = match parent.axis() {
            Axis::TimestampTz => step::zone_of(&recent.iter().map(|(from, _)| *from).collect::<Vec<_>>(), &self.zones),
            _ => TimeZone::UTC,
        };
        let step = step::cadence(recent.into_iter(), &zone);
        (parent.holes, parent.zone, parent.step) = (holes, zone, step);
    }
}

/// The newest ranges from value to value.
fn recent<'a>(ranges: &[&'a Range]) -> Vec<(&'a Point, &'a Point)> {
    let finite = |point: &Point| !matches!(point, Point::Before | Point::After);
    let points = ranges.iter().rev().filter_map(|range| range.points());
    points
        .filter(|(from, to)| finite(from) && finite(to))
        .take(RECENT)
        .collect()
}

fn range(from: &[bound::Text], to: &[bound::Text], axes: &[Axis]) -> Range {
    let end = |texts: &[bound::Text]| {
        let axes = axes.iter().copied().chain(std::iter::repeat(Axis::Other));
        texts.iter().zip(axes).map(|(text, axis)| axis.edge(text)).collect()
    };
    Range {
        from: end(from),
        to: end(to),
    }
}

/// Ranges first and in order, then lists and hashes, then the default; the name where that is alike.
fn sort_key(part: &Part) -> (u8, Option<&cover::End>, Option<(i64, i64)>, &str) {
    let (class, hash) = match &part.bound {
        Some(Bound::Range(..)) => (0, None),
        Some(Bound::List(_)) | None => (1, None),
        Some(Bound::Hash { modulus, remainder }) => (1, Some((*modulus, *remainder))),
        Some(Bound::Default) => (2, None),
    };
    (class, part.range.as_ref().map(|range| &range.from), hash, &part.name)
}

fn strategy(key: &Key) -> Option<Strategy> {
    match key.strategy.as_str() {
        "r" => Some(Strategy::Range),
        "l" => Some(Strategy::List),
        "h" => Some(Strategy::Hash),
        _ => None,
    }
}

fn columns(key: &Key, strategy: Strategy, partitions: &[&Relation]) -> Vec<Column> {
    let text = |texts: &[String], nth: usize| texts.get(nth).cloned().unwrap_or_default();
    let classes = key.classes.iter().enumerate();
    let mut columns: Vec<Column> = classes
        .map(|(nth, class)| Column {
            name: text(&key.columns, nth),
            data_type: text(&key.types, nth),
            axis: Axis::of(*class),
        })
        .collect();
    if let [Column { axis, .. }] = columns.as_mut_slice()
        && *axis == Axis::Integer
        && strategy == Strategy::Range
        && all_dates(partitions)
    {
        *axis = Axis::Ymd;
    }
    columns
}

/// All bounds are integers that read as dates, and there are enough of them for that to be no accident.
fn all_dates(partitions: &[&Relation]) -> bool {
    let mut values = 0;
    let texts = partitions.iter().filter_map(|partition| partition.bound.as_deref());
    for bound in texts.filter_map(bound::parse) {
        let Bound::Range(from, to) = bound else { continue };
        for text in from.iter().chain(&to) {
            let bound::Text::Value(text) = text else { continue };
            if !matches!(Axis::Ymd.point(text), Point::Time(_)) {
                return false;
            }
            values += 1;
        }
    }
    values >= 4
}

/// Rows by the counters, which know what has changed since ANALYZE, else by ANALYZE. Counters are lost in a crash and
/// by a reset, and a standby has its own.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn rows(relation: &Relation, recovering: bool) -> Option<f64> {
    let counted = relation.live.max(0) as f64;
    let known = relation.live > 0 || relation.inserted > 0;
    match relation {
        _ if known => Some(counted),
        _ if relation.reltuples > 0.0 => Some(relation.reltuples),
        _ if relation.heap_bytes > 0 => (relation.reltuples >= 0.0).then_some(0.0),
        _ if recovering || relation.kind == "f" => None,
        _ => Some(0.0),
    }
}

/// A partition that is partitioned has in it what those below it have.
fn take_sums(part: &mut Part, below: &Parent) {
    part.partitions = Some(below.parts.len() + below.unasked);
    part.rows = below.rows;
    part.heap_bytes = below.heap_bytes;
    part.inserted = rates::total(below.parts.iter().map(|part| part.inserted));
    part.grew_at = below.parts.iter().filter_map(|part| part.grew_at).reduce(f64::max);
    part.analyzed = below.parts.iter().filter_map(|part| part.analyzed).reduce(f64::max);
}

/// What is missing of a hash: every modulus divides the largest one, so that decides.
fn remainders(parts: &[Part]) -> Vec<(i64, i64)> {
    let hashes = || {
        parts.iter().filter_map(|part| match part.bound {
            Some(Bound::Hash { modulus, remainder }) if modulus > 0 => Some((modulus, remainder)),
            _ => None,
        })
    };
    let Some(largest) = hashes().map(|(modulus, _)| modulus).max() else {
        return Vec::new();
    };
    let taken: std::collections::HashSet<(i64, i64)> = hashes().collect();
    let mut moduli: Vec<i64> = hashes().map(|(modulus, _)| modulus).collect();
    moduli.sort_unstable();
    moduli.dedup();
    let is_taken = |remainder: i64| {
        moduli
            .iter()
            .any(|modulus| taken.contains(&(*modulus, remainder % modulus)))
    };
    (0..largest.min(REMAINDERS))
        .filter(|remainder| !is_taken(*remainder))
        .map(|remainder| (largest, remainder))
        .collect()
}
