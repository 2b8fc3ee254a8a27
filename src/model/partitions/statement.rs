//! The statements that make the partitions that are missing.

use std::collections::HashSet;

use super::bound::Bound;
use super::cover::{End, Range};
use super::judge::{Default, Reach, Verdict, moment};
use super::names::{self, Calendar, Pattern};
use super::point::{Axis, Edge, Point};
use super::step::Step;
use super::{Column, Parent, Part, Strategy};
use crate::pg::quote;

/// Statements offered at once.
const MOST: usize = 100;
/// Of numbers: so many partitions without rows should be ahead.
const AHEAD: usize = 3;

/// The text of a range as SQL.
#[must_use]
pub fn values(range: &Range, columns: &[Column]) -> String {
    format!("FROM {} TO {}", end(&range.from, columns), end(&range.to, columns))
}

fn end(end: &End, columns: &[Column]) -> String {
    let edge = |(edge, column): (&Edge, &Column)| match edge {
        Edge::Min => "MINVALUE".to_owned(),
        Edge::Max => "MAXVALUE".to_owned(),
        Edge::At(point) => quote::literal(&column.axis.text(point)),
    };
    let edges: Vec<String> = end.iter().zip(columns).map(edge).collect();
    format!("({})", edges.join(", "))
}

/// Makes names and statements for new partitions of one table.
struct Maker<'a> {
    parent: &'a Parent,
    all: &'a [Parent],
    pattern: Option<Pattern>,
    /// Names in use by its partitions, and those given here.
    used: HashSet<String>,
    /// The newest name of those that count up.
    last: Option<String>,
    statements: Vec<String>,
}

impl Parent {
    fn calendar(&self) -> Calendar<'_> {
        Calendar {
            axis: self.axis(),
            zone: &self.zone,
            step: self.step,
        }
    }

    /// The ranges after the last one, as many as it takes to reach so many days beyond now (`verdict` tells of numbers),
    /// at least one, and one only of a table that is over; none where the last one is open or no cadence is known.
    #[must_use]
    pub fn next_ranges(&self, now: f64, days: u32, verdict: &Verdict) -> Vec<Range> {
        let wanted = moment(now + f64::from(days) * 86_400.0).map(Point::Time);
        let numbers = match verdict.reach {
            Reach::Ahead(ahead) => AHEAD.saturating_sub(ahead).max(1),
            _ => 1,
        };
        let mut next: Vec<Range> = Vec::new();
        let mut last = self.ranged().next_back().map(|(_, range)| range.clone());
        while let Some(range) = last.as_ref().and_then(|last| self.following(last)) {
            let reached = match range.leading().0.point() {
                Some(from @ Point::Time(_)) => Some(from) >= wanted.as_ref(),
                _ => next.len() >= numbers,
            };
            let over = matches!(verdict.reach, Reach::Ended(_));
            if next.len() >= MOST || ((reached || over) && !next.is_empty()) {
                break;
            }
            next.push(range.clone());
            last = Some(range);
        }
        next
    }

    /// The range after that one.
    fn following(&self, range: &Range) -> Option<Range> {
        let (_, to) = range.points()?;
        let end = self.step?.after(to, &self.zone)?;
        Some(Range {
            from: range.to.clone(),
            to: std::iter::once(Edge::At(end))
                .chain(range.to.iter().skip(1).cloned())
                .collect(),
        })
    }

    /// The statements for [`Self::next_ranges`]; `all` are the partitioned tables of the same answer.
    #[must_use]
    pub fn create_next(&self, now: f64, days: u32, verdict: &Verdict, all: &[Self]) -> Option<String> {
        self.create(&self.next_ranges(now, days, verdict), verdict, all)
    }

    /// The statements that close its holes; `all` as above.
    #[must_use]
    pub fn create_holes(&self, verdict: &Verdict, all: &[Self]) -> Option<String> {
        let holes = self.holes.placed.iter();
        let ranges: Vec<Range> = holes.flat_map(|hole| self.pieces(&hole.range)).collect();
        self.create(&ranges, verdict, all)
    }

    /// A hole in pieces of the cadence, or as a whole where that does not fit.
    #[must_use]
    pub fn pieces(&self, hole: &Range) -> Vec<Range> {
        let mut pieces: Vec<Range> = Vec::new();
        let mut from = hole.from.clone();
        while from != hole.to {
            let next = self.step.and_then(|step| after(&from, step, self));
            let fits = next.filter(|next| *next <= hole.to && hole.from.get(1..) == hole.to.get(1..));
            let Some(to) = fits.filter(|_| pieces.len() < MOST) else {
                return vec![hole.clone()];
            };
            pieces.push(Range { from, to: to.clone() });
            from = to;
        }
        pieces
    }

    /// The statements for the remainders that are missing.
    #[must_use]
    pub fn create_remainders(&self, all: &[Self]) -> Option<String> {
        let mut maker = Maker::new(self, all);
        for (modulus, remainder) in self.remainders.iter().take(MOST) {
            let name = maker.free(&format!("{}_{remainder}", names::cut(&self.name, 20)));
            let values = format!("FOR VALUES WITH (modulus {modulus}, remainder {remainder})");
            maker.add(&name, &values);
        }
        maker.finish()
    }

    fn create(&self, ranges: &[Range], verdict: &Verdict, all: &[Self]) -> Option<String> {
        let mut maker = Maker::new(self, all);
        for range in ranges {
            let name = maker.name(range);
            maker.add(&name, &format!("FOR VALUES {}", values(range, &self.columns)));
        }
        let text = maker.finish()?;
        Some(match verdict.default {
            Default::Holds(_) | Default::Fills(_) => format!(
                "-- The default partition has rows: it is read under ACCESS EXCLUSIVE, and rows that belong in here \
                 refuse this.\n{text}"
            ),
            Default::None | Default::Empty | Default::Unknown => text,
        })
    }
}

fn after(end: &End, step: Step, parent: &Parent) -> Option<End> {
    let point = step.after(end.first()?.point()?, &parent.zone)?;
    Some(
        std::iter::once(Edge::At(point))
            .chain(end.iter().skip(1).cloned())
            .collect(),
    )
}

impl<'a> Maker<'a> {
    fn new(parent: &'a Parent, all: &'a [Parent]) -> Self {
        let newest: Vec<(&str, &Range)> = parent
            .ranged()
            .rev()
            .map(|(part, range)| (part.name.as_str(), range))
            .collect();
        Self {
            pattern: names::pattern(&newest, parent.calendar()),
            used: parent.parts.iter().map(|part| part.name.clone()).collect(),
            last: newest.first().map(|(name, _)| (*name).to_owned()),
            parent,
            all,
            statements: Vec::new(),
        }
    }

    /// The name its siblings' names suggest, or one that is free.
    fn name(&mut self, range: &Range) -> String {
        let pattern = self.pattern.as_ref();
        let by_range = pattern.and_then(|pattern| pattern.name(range, self.parent.calendar()));
        let by_count = || pattern?.after(self.last.as_deref()?);
        let given = by_range.or_else(by_count).filter(|name| !self.used.contains(name));
        let wanted = given.unwrap_or_else(|| self.by_beginning(range));
        let name = self.free(&wanted);
        self.last = Some(name.clone());
        name
    }

    /// A name for where there is no pattern.
    fn by_beginning(&self, range: &Range) -> String {
        let beginning = match range.leading().0 {
            Edge::At(point @ Point::Time(time)) if time.time() == jiff::civil::Time::midnight() => {
                Axis::Date.text(point)
            }
            Edge::At(point) => self.parent.axis().text(point),
            Edge::Min | Edge::Max => "minvalue".to_owned(),
        };
        names::by_beginning(&self.parent.name, &beginning)
    }

    /// That name, or that with a number after it.
    fn free(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut nth = 1;
        while !self.used.insert(name.clone()) {
            nth += 1;
            name = format!("{wanted}_{nth}");
        }
        name
    }

    /// A partition of the table like its newest one.
    fn add(&mut self, name: &str, values: &str) {
        let newest = self
            .parent
            .parts
            .iter()
            .rev()
            .find(|part| part.bound != Some(Bound::Default));
        let schema = newest.map_or(self.parent.schema.as_str(), |part| part.schema.as_str());
        let parent = quote::qualified(&self.parent.schema, &self.parent.name);
        let template = newest.filter(|part| part.partitions.is_some());
        self.statement((schema, name), &parent, values, template);
    }

    /// The statement, then those for the partitions below, which are like those of the template.
    fn statement(&mut self, (schema, relation): (&str, &str), parent: &str, values: &str, template: Option<&Part>) {
        let new = quote::qualified(schema, relation);
        let below = template.and_then(|template| self.all.iter().find(|parent| parent.oid == template.oid));
        let Some(below) = below else {
            self.statements
                .push(format!("CREATE TABLE {new} PARTITION OF {parent} {values};"));
            return;
        };
        let Some(key) = key(below) else {
            let why = format!("-- {new} has to be partitioned, by a key that could not be read.");
            return self.statements.push(why);
        };
        self.statements.push(format!(
            "CREATE TABLE {new} PARTITION OF {parent} {values} PARTITION BY {key};"
        ));
        if below.strategy == Strategy::Range {
            let why = format!("-- {new} needs partitions of its own, by {key}.");
            self.statements.push(why);
        }
        for (nth, part) in below.parts.iter().enumerate() {
            if part.range.is_some() {
                continue;
            }
            let suffix = part.name.strip_prefix(&below.name).filter(|suffix| !suffix.is_empty());
            let suffix = suffix.map_or_else(|| format!("_{}", nth + 1), str::to_owned);
            let child = self.free(&format!("{}{suffix}", names::cut(relation, suffix.len())));
            let template = Some(part).filter(|part| part.partitions.is_some());
            self.statement((schema, &child), &new, &part.text, template);
        }
    }

    fn finish(self) -> Option<String> {
        (!self.statements.is_empty()).then(|| self.statements.join("\n"))
    }
}

/// `RANGE (created_at)`, as `PARTITION BY` takes it.
fn key(parent: &Parent) -> Option<String> {
    if let Some(expression) = &parent.expression {
        return Some(expression.clone());
    }
    let names: Vec<String> = parent
        .columns
        .iter()
        .map(|column| quote::identifier(&column.name))
        .collect();
    let known = parent.columns.iter().all(|column| !column.name.is_empty());
    let strategy = parent.strategy.name().to_uppercase();
    known.then(|| format!("{strategy} ({})", names.join(", ")))
}

/// The statement that ends a `DETACH ... CONCURRENTLY` that was interrupted.
#[must_use]
pub fn finalize(parent: &Parent, part: &Part) -> String {
    let (parent, part) = (
        quote::qualified(&parent.schema, &parent.name),
        quote::qualified(&part.schema, &part.name),
    );
    format!("ALTER TABLE {parent} DETACH PARTITION {part} FINALIZE;")
}
