//! What is said of partitions, in words.

use jiff::tz::TimeZone;

use crate::model::partitions::cover::{End, Range};
use crate::model::partitions::point::{Axis, Edge, Point};
use crate::model::partitions::step::{self, Step};
use crate::model::partitions::{Default, Level, Parent, Part, Reach, Verdict, point};
use crate::pane::page::Rich;
use crate::ui::format;
use crate::ui::look::Role;

/// How a level looks.
pub(super) const fn role(level: Level) -> Option<Role> {
    match level {
        Level::Critical => Some(Role::Critical),
        Level::Warning => Some(Role::Warning),
        Level::Notice => Some(Role::Notice),
        Level::Fine | Level::Over => None,
    }
}

/// How far it reaches, for a cell.
pub(super) fn reach(parent: &Parent, reach: &Reach) -> (String, Role) {
    let count = |count: &usize, one: &str, many: &str| format::counted(*count, one, many);
    let (text, role) = match reach {
        Reach::Empty => ("no partition".to_owned(), Role::Notice),
        Reach::OnlyDefault => ("default only".to_owned(), Role::Muted),
        Reach::PartlyKnown => ("not known".to_owned(), Role::Estimated),
        Reach::Open => ("open end".to_owned(), Role::Text),
        Reach::Beyond(seconds) => (format::duration(*seconds), Role::Text),
        Reach::Nothing { ended_s: Some(s), .. } => (format!("ended {} ago", format::duration(*s)), Role::Critical),
        Reach::Nothing { begins_s: Some(s), .. } => (format!("only in {}", format::duration(*s)), Role::Critical),
        Reach::Nothing { .. } => ("not now".to_owned(), Role::Critical),
        Reach::Ended(point) => (format!("ended {}", short(parent, point)), Role::Muted),
        Reach::Ahead(0) => ("≈ last in use".to_owned(), Role::Estimated),
        Reach::Ahead(empty) => (format!("≈ {} empty", format::count(*empty)), Role::Estimated),
        Reach::Unused => ("no rows yet".to_owned(), Role::Muted),
        Reach::Ranges(ranges) => (count(ranges, "range", "ranges"), Role::Muted),
        Reach::Values(values) => (count(values, "value", "values"), Role::Muted),
        Reach::Whole => ("every key".to_owned(), Role::Muted),
        Reach::Missing(missing) => {
            let modulus = parent.remainders.first().map_or(0, |(modulus, _)| *modulus);
            (
                format!("lacks {} of {}", format::count(*missing), format::count(modulus)),
                Role::Warning,
            )
        }
    };
    (text, role)
}

/// What the default partition does, for a cell.
pub(super) fn default(default: Default) -> (String, Role) {
    match default {
        Default::None => ("none".to_owned(), Role::Muted),
        Default::Empty => ("empty".to_owned(), Role::Muted),
        Default::Unknown => ("?".to_owned(), Role::Estimated),
        Default::Holds(rows) => (format!("≈ {}", format::count(rows)), Role::Estimated),
        Default::Fills(rows) => (format!("fills ≈ {}", format::count(rows)), Role::Critical),
    }
}

/// The cadence: `daily`, `every 6h00m`, `every 10,000`.
pub(super) fn cadence(step: Step) -> String {
    match step {
        Step::Days(1) => "daily".to_owned(),
        Step::Days(7) => "weekly".to_owned(),
        Step::Days(days) => format!("every {days} d"),
        Step::Months(1) => "monthly".to_owned(),
        Step::Months(3) => "quarterly".to_owned(),
        Step::Months(6) => "half-yearly".to_owned(),
        Step::Months(12) => "yearly".to_owned(),
        Step::Months(months) if months % 12 == 0 => format!("every {} y", months / 12),
        Step::Months(months) => format!("every {months} months"),
        Step::Time(time) if time.as_secs() == 3600 && time.subsec_nanos() == 0 => "hourly".to_owned(),
        Step::Time(time) => format!("every {}", format::duration(time.as_secs_f64())),
        Step::Number(number) => format!("every {}", number_text(number)),
    }
}

/// A number with its digits in groups, if it is whole.
fn number_text(number: i128) -> String {
    let whole = i64::try_from(number / point::UNIT).ok();
    match whole.filter(|_| number % point::UNIT == 0) {
        Some(whole) => format::exact(whole),
        None => point::number_text(number),
    }
}

/// A value for people: in the zone whose calendar the ranges follow, without a time of day where that is midnight.
pub(super) fn short(parent: &Parent, value: &Point) -> String {
    let axis = parent.axis();
    match value {
        Point::Time(time) => {
            let there = match axis {
                Axis::TimestampTz => step::local(*time, &parent.zone),
                _ => Some(*time),
            };
            let Some(there) = there else { return axis.text(value) };
            if there.time() == jiff::civil::Time::midnight() {
                return Axis::Date.text(&Point::Time(there));
            }
            let text = Axis::Timestamp.text(&Point::Time(there));
            text.strip_suffix(":00").map_or(text.clone(), str::to_owned)
        }
        Point::Number(number) => number_text(*number),
        other => axis.text(other),
    }
}

fn edge(parent: &Parent, (nth, edge): (usize, &Edge)) -> String {
    match edge {
        Edge::Min => "MINVALUE".to_owned(),
        Edge::Max => "MAXVALUE".to_owned(),
        Edge::At(point) if nth == 0 => short(parent, point),
        Edge::At(point) => {
            let axis = parent.columns.get(nth).map_or(Axis::Other, |column| column.axis);
            axis.text(point)
        }
    }
}

/// One end of a range for people; columns that are `MINVALUE` after the first are left out.
pub(super) fn end(parent: &Parent, end: &End) -> String {
    let plain = end.iter().rev().take_while(|edge| **edge == Edge::Min).count();
    let kept = end.len().saturating_sub(plain).max(1);
    let edges = end.iter().take(kept).enumerate();
    edges.map(|nth| edge(parent, nth)).collect::<Vec<_>>().join(", ")
}

/// A range for people: `2024-01-01 .. 2024-02-01`.
pub(super) fn range(parent: &Parent, range: &Range) -> String {
    format!("{} .. {}", end(parent, &range.from), end(parent, &range.to))
}

/// The bound of a partition for people.
pub(super) fn bound(parent: &Parent, part: &Part) -> String {
    match &part.range {
        Some(found) => range(parent, found),
        None => part.text.strip_prefix("FOR VALUES ").unwrap_or(&part.text).to_owned(),
    }
}

/// Rows for people: `≈ 12,345`, `?`.
pub(super) fn rows(rows: Option<f64>) -> (String, Role) {
    match rows {
        None => ("?".to_owned(), Role::Estimated),
        Some(rows) => (format::count(rows), Role::Estimated),
    }
}

/// What is known of the selected table: its key, what comes next, what is missing.
pub(super) fn about(parent: &Parent, verdict: &Verdict, now: f64, days: u32) -> Vec<Rich> {
    let mut lines = vec![key(parent)];
    lines.extend(reach_sentence(parent, verdict, days));
    lines.extend(default_sentence(parent, verdict.default));
    lines.extend(holes(parent));
    let detaching = parent.parts.iter().filter(|part| part.detaching);
    lines.extend(detaching.map(|part| {
        let text = format!(
            "{} is being detached: it takes no rows, and nothing can take its place until that is finished.",
            part.name
        );
        Rich::new(text, Role::Notice)
    }));
    if verdict.level > Level::Over {
        lines.extend(next(parent, verdict, now, days));
    }
    lines
}

fn key(parent: &Parent) -> Rich {
    let mut line = Rich::new(format!("{} ", parent.strategy.name()), Role::Muted);
    line.push(parent.key(), Role::Text);
    let types: Vec<&str> = parent.columns.iter().map(|column| column.data_type.as_str()).collect();
    line.push(format!(" {}", types.join(", ")), Role::Muted);
    if parent.zone != TimeZone::UTC {
        let zone = parent.zone.iana_name().unwrap_or("another zone");
        line.fact(format!("midnights as in {zone}"), Role::Muted);
    }
    line
}

fn reach_sentence(parent: &Parent, verdict: &Verdict, days: u32) -> Option<Rich> {
    let refused = match verdict.default {
        Default::None => "rows of now are refused",
        _ => "rows of now go to the default partition",
    };
    Some(match &verdict.reach {
        Reach::Nothing { begins_s: Some(s), .. } => Rich::new(
            format!(
                "There is no partition for now, the next one begins in {}: {refused}.",
                format::duration(*s)
            ),
            Role::Critical,
        ),
        Reach::Nothing { .. } => Rich::new(format!("There is no partition for now: {refused}."), Role::Critical),
        Reach::Beyond(seconds) if verdict.level >= Level::Warning && *seconds < f64::from(days) * 86_400.0 => {
            Rich::new(
                format!(
                    "Partitions reach {} beyond now, {days} d are wanted.",
                    format::duration(*seconds)
                ),
                Role::Warning,
            )
        }
        Reach::Ahead(0) => Rich::new(
            "The newest partition with rows is the last one; how full it is cannot be told from here.",
            Role::Warning,
        ),
        Reach::Missing(_) => Rich::new(missing(parent), Role::Warning),
        Reach::Empty => Rich::new("It has no partition: every row is refused.", Role::Notice),
        Reach::OnlyDefault => Rich::new(
            "It has no partition but the default, which takes every row.",
            Role::Muted,
        ),
        _ => return None,
    })
}

/// At most so many of a kind are named.
const NAMED: usize = 3;

fn missing(parent: &Parent) -> String {
    let modulus = parent.remainders.first().map_or(0, |(modulus, _)| *modulus);
    let named = parent
        .remainders
        .iter()
        .take(NAMED)
        .map(|(_, remainder)| remainder.to_string());
    let more = if parent.remainders.len() > NAMED { ", .." } else { "" };
    let named = named.collect::<Vec<_>>().join(", ");
    format!("No partition takes remainder {named}{more} of modulus {modulus}: rows with such keys are refused.")
}

fn default_sentence(parent: &Parent, default: Default) -> Option<Rich> {
    let part = parent.default()?;
    match default {
        Default::Fills(_) => {
            let text = format!(
                "Rows have come into the default partition {} within the last hour.",
                part.name
            );
            Some(Rich::new(text, Role::Critical))
        }
        Default::Holds(rows) => {
            let text = format!(
                "The default partition {} holds ≈ {} rows.",
                part.name,
                format::count(rows)
            );
            Some(Rich::new(text, Role::Estimated))
        }
        Default::None | Default::Empty | Default::Unknown => None,
    }
}

fn holes(parent: &Parent) -> Option<Rich> {
    let count = parent.holes.count();
    if count == 0 {
        return None;
    }
    let newest = parent.holes.placed.iter().rev().take(NAMED);
    let named: Vec<String> = newest.map(|hole| range(parent, &hole.range)).collect();
    let more = if parent.holes.placed.len() > NAMED { ", .." } else { "" };
    let text = match named.as_slice() {
        [] => format!(
            "{}; where is for the server to say.",
            format::counted(count, "hole", "holes")
        ),
        named => format!(
            "{}: {}{more}",
            format::counted(count, "hole", "holes"),
            named.join(", ")
        ),
    };
    Some(Rich::new(text, Role::Notice))
}

fn next(parent: &Parent, verdict: &Verdict, now: f64, days: u32) -> Option<Rich> {
    let ranges = parent.next_ranges(now, days, verdict);
    let first = ranges.first()?;
    let mut line = Rich::new("next ", Role::Muted);
    line.push(range(parent, first), Role::Text);
    if let Some(last) = ranges.last().filter(|_| ranges.len() > 1) {
        line.push(
            format!(", and {} more to {}", ranges.len() - 1, end(parent, &last.to)),
            Role::Muted,
        );
    }
    line.push(" (y copies the statements)", Role::Muted);
    Some(line)
}
