//! What partitions are called: the pattern in the names of the newest ones, and the name it gives to the next.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::cover::Range;
use super::point::{Axis, Edge, Point, UNIT};
use super::step::Step;

/// Partitions whose names are looked at.
const LOOKED_AT: usize = 12;
/// Bytes of a name; the server cuts what is longer, and the cut name may be taken.
const NAME_BYTES: usize = 63;

/// Dates in names, the more exact ones first: `2024_01` is also the beginning of `2024_01_02`.
const DATES: &[&str] = &[
    "%Y%m%d_%H%M%S",
    "%Y%m%d_%H%M",
    "%Y_%m_%d_%H",
    "%Y%m%d_%H",
    "%Y%m%d%H",
    "%Y_%m_%d",
    "%Y-%m-%d",
    "%Y%m%d",
    "%y%m%d",
    "%G_w%V",
    "%Gw%V",
    "%G_%V",
    "%G%V",
    "%Y_q%Q",
    "%Yq%Q",
    "%Y_%m",
    "%Y-%m",
    "%Y%m",
    "%ym%m",
    "%Y",
];

/// The part of a name that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// The beginning of the range, in that form.
    Date(&'static str),
    /// A bound as a number of at least so many digits.
    Number(Which, usize),
    /// A running number of at least so many digits.
    Running(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    /// Where the range begins.
    From,
    /// Where it ends.
    To,
    /// The last number in it.
    Last,
    /// Which range it is, from this number on, if all are as long as this one.
    Nth(i128),
}

/// How partitions of a table are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    before: String,
    part: Part,
    after: String,
}

/// What the names are compared with.
#[derive(Clone, Copy, Debug)]
pub struct Calendar<'a> {
    /// What the bounds are.
    pub axis: Axis,
    /// The zone by whose calendar they are made.
    pub zone: &'a TimeZone,
    /// The cadence.
    pub step: Option<Step>,
}

/// The pattern that the names of most of the newest ranges follow, which come newest first.
#[must_use]
pub fn pattern(newest: &[(&str, &Range)], calendar: Calendar<'_>) -> Option<Pattern> {
    let looked_at = newest.get(..newest.len().min(LOOKED_AT))?;
    let (name, range) = looked_at.first()?;
    let fits = |pattern: &Pattern| {
        let named = |(name, range): &&(&str, &Range)| pattern.name(range, calendar).as_deref() == Some(*name);
        looked_at.iter().filter(named).count() * 2 > looked_at.len()
    };
    candidates(name, range, calendar)
        .into_iter()
        .find(fits)
        .or_else(|| running(looked_at))
}

/// Every way in which this name could come from this range.
fn candidates(name: &str, range: &Range, calendar: Calendar<'_>) -> Vec<Pattern> {
    let mut found = Vec::new();
    let mut propose = |part: Part, text: &str| {
        if let Some((before, after)) = name.rsplit_once(text) {
            let (before, after) = (before.to_owned(), after.to_owned());
            found.push(Pattern { before, part, after });
        }
    };
    if let Some(time) = beginning(range, calendar) {
        let weekly = calendar.step == Some(Step::Days(7));
        for form in DATES.iter().filter(|form| weekly || !form.contains("%V")) {
            propose(Part::Date(form), &date(time, form));
        }
    }
    for which in [Which::From, Which::To, Which::Last, Which::Nth(0), Which::Nth(1)] {
        let Some(number) = which.number(range, calendar).filter(|number| *number >= 0) else {
            continue;
        };
        for digits in last_digits(name).map(str::len) {
            propose(Part::Number(which, digits), &format!("{number:0digits$}"));
        }
        propose(Part::Number(which, 1), &number.to_string());
    }
    found
}

/// The names count up by one.
fn running(newest: &[(&str, &Range)]) -> Option<Pattern> {
    let parts = newest.iter().map(|(name, _)| split(name)).collect::<Option<Vec<_>>>()?;
    let numbers: Vec<i64> = parts
        .iter()
        .map(|(_, digits, _)| digits.parse().ok())
        .collect::<Option<_>>()?;
    let by_one = numbers
        .iter()
        .zip(numbers.iter().skip(1))
        .all(|(newer, older)| newer - older == 1);
    let (before, digits, after) = parts.first()?;
    (numbers.len() > 1 && by_one).then(|| Pattern {
        before: (*before).to_owned(),
        part: Part::Running(digits.len()),
        after: (*after).to_owned(),
    })
}

/// The last digits in a name, with what stands before and after them.
fn split(name: &str) -> Option<(&str, &str, &str)> {
    let end = name.rfind(|c: char| c.is_ascii_digit())? + 1;
    let (head, after) = name.split_at_checked(end)?;
    let start = head.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| {
        at + head
            .get(at..)
            .and_then(|rest| rest.chars().next())
            .map_or(1, char::len_utf8)
    });
    let (before, digits) = head.split_at_checked(start)?;
    Some((before, digits, after))
}

fn last_digits(name: &str) -> impl Iterator<Item = &str> {
    split(name).map(|(_, digits, _)| digits).into_iter()
}

impl Which {
    fn number(self, range: &Range, calendar: Calendar<'_>) -> Option<i128> {
        let (from, to) = range.leading();
        let number = |edge: &Edge| match edge.point() {
            Some(Point::Number(number)) if number % UNIT == 0 => Some(number / UNIT),
            _ => None,
        };
        match self {
            Self::From => number(from),
            Self::To => number(to),
            Self::Last => number(to)?.checked_sub(1),
            Self::Nth(first) => match calendar.step {
                Some(Step::Number(step)) => number(from)?.checked_mul(UNIT)?.checked_div(step)?.checked_add(first),
                _ => None,
            },
        }
    }
}

impl Pattern {
    /// The name of that range; `None` where the pattern has none for it.
    #[must_use]
    pub fn name(&self, range: &Range, calendar: Calendar<'_>) -> Option<String> {
        let text = match &self.part {
            Part::Date(form) => date(beginning(range, calendar)?, form),
            Part::Number(which, digits) => {
                let number = which.number(range, calendar).filter(|number| *number >= 0)?;
                format!("{number:0digits$}")
            }
            Part::Running(_) => return None,
        };
        self.fit(&text)
    }

    /// The name after that one, of names that count up.
    #[must_use]
    pub fn after(&self, name: &str) -> Option<String> {
        let Part::Running(digits) = self.part else {
            return None;
        };
        let number: i64 = split(name)?.1.parse().ok()?;
        self.fit(&format!("{:0digits$}", number.checked_add(1)?))
    }

    fn fit(&self, text: &str) -> Option<String> {
        let name = format!("{}{text}{}", self.before, self.after);
        (name.len() <= NAME_BYTES).then_some(name)
    }
}

/// The beginning of a range as people there write it.
fn beginning(range: &Range, calendar: Calendar<'_>) -> Option<DateTime> {
    match range.leading().0.point()? {
        Point::Time(time) if calendar.axis == Axis::TimestampTz => super::step::local(*time, calendar.zone),
        Point::Time(time) => Some(*time),
        _ => None,
    }
}

fn date(time: DateTime, form: &str) -> String {
    let quarter = (time.month() - 1) / 3 + 1;
    let form = form.replace("%Q", &quarter.to_string());
    time.strftime(&form).to_string()
}

/// A name by the beginning of the range, where names follow no pattern: `orders_from_2024_01_01`.
#[must_use]
pub fn by_beginning(table: &str, beginning: &str) -> String {
    let word: String = beginning
        .to_lowercase()
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("_");
    let more = cut(&format!("_from_{word}"), NAME_BYTES / 2).to_owned();
    format!("{}{more}", cut(table, more.len() + RUNNING))
}

/// Bytes left for a number behind a name that is taken.
const RUNNING: usize = 5;

/// The text, cut to what a name may have together with so many more bytes.
#[must_use]
pub fn cut(name: &str, more: usize) -> &str {
    let mut end = name.len().min(NAME_BYTES.saturating_sub(more));
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::model::partitions::step;

    /// Names of ranges from bound to bound, oldest first, and the name of the range after them.
    fn next(axis: Axis, bounds: &[&str], names: &[&str]) -> Option<String> {
        let edges: Vec<Edge> = bounds.iter().map(|text| Edge::At(axis.point(text))).collect();
        let ranges: Vec<Range> = edges
            .windows(2)
            .map(|pair| Range {
                from: vec![pair[0].clone()],
                to: vec![pair[1].clone()],
            })
            .collect();
        let points = ranges.iter().filter_map(Range::points);
        let calendar = Calendar {
            axis,
            zone: &TimeZone::UTC,
            step: step::cadence(points.take(names.len()), &TimeZone::UTC),
        };
        let mut newest: Vec<(&str, &Range)> = names.iter().copied().zip(&ranges).collect();
        newest.reverse();
        let pattern = pattern(&newest, calendar)?;
        pattern
            .name(ranges.get(names.len())?, calendar)
            .or_else(|| pattern.after(names.last()?))
    }

    #[rstest]
    #[case(&["2025-10-01", "2025-11-01", "2025-12-01", "2026-01-01"], &["e_2025_10", "e_2025_11"], "e_2025_12")]
    #[case(&["2025-10-01", "2025-11-01", "2025-12-01", "2026-01-01"], &["e_y2025m10", "e_y2025m11"], "e_y2025m12")]
    #[case(&["2025-10-01", "2025-11-01", "2025-12-01", "2026-01-01"], &["e202510x", "e202511x"], "e202512x")]
    #[case(&["2025-01-01", "2025-04-01", "2025-07-01", "2025-10-01"], &["e_2025_q1", "e_2025_q2"], "e_2025_q3")]
    #[case(&["2025-10-30", "2025-10-31", "2025-11-01", "2025-11-02"], &["e_p20251030", "e_p20251031"], "e_p20251101")]
    #[case(&["2025-10-30", "2025-10-31", "2025-11-01", "2025-11-02"], &["e-2025-10-30", "e-2025-10-31"], "e-2025-11-01")]
    #[case(&["2024-12-16", "2024-12-23", "2024-12-30", "2025-01-06"], &["e_2024w51", "e_2024w52"], "e_2025w01")]
    #[case(&["2023-01-01", "2024-01-01", "2025-01-01", "2026-01-01"], &["e_2023", "e_2024"], "e_2025")]
    #[case(&["2024-01-01", "2024-02-01", "2024-03-01"], &["e_202401"], "e_202402")]
    #[case(&["2025-10-01", "2025-11-01", "2025-12-01", "2026-01-01"], &["e_7", "e_8"], "e_9")]
    #[case(&["2025-10-01", "2025-11-01", "2025-12-01", "2026-01-01"], &["e_09", "e_10"], "e_11")]
    fn names_of_moments(#[case] bounds: &[&str], #[case] names: &[&str], #[case] expected: &str) {
        assert_eq!(next(Axis::Date, bounds, names).as_deref(), Some(expected));
    }

    #[rstest]
    #[case(&["0", "5000", "10000", "15000"], &["e_p00000", "e_p05000"], "e_p10000")]
    #[case(&["0", "5000", "10000", "15000"], &["e_5000", "e_10000"], "e_15000")]
    #[case(&["0", "5000", "10000", "15000"], &["e_to_4999", "e_to_9999"], "e_to_14999")]
    #[case(&["0", "5000", "10000", "15000"], &["e0", "e1"], "e2")]
    #[case(&["0", "5000", "10000", "15000"], &["e_001", "e_002"], "e_003")]
    #[case(&["5000", "10000", "15000", "20000"], &["e_1", "e_2"], "e_3")]
    fn names_of_numbers(#[case] bounds: &[&str], #[case] names: &[&str], #[case] expected: &str) {
        assert_eq!(next(Axis::Integer, bounds, names).as_deref(), Some(expected));
    }

    #[test]
    fn names_without_a_pattern() {
        let bounds = ["2025-10-01", "2025-11-01", "2025-12-01", "2026-01-01"];
        assert_eq!(next(Axis::Date, &bounds, &["winter", "spring"]), None);
        assert_eq!(next(Axis::Date, &bounds, &["a_2025_03", "b_2021_11"]), None);
        assert_eq!(next(Axis::Date, &bounds, &["e_1", "e_9"]), None);
    }

    #[test]
    fn what_the_server_would_cut_is_not_offered() {
        let long = "x".repeat(59);
        let bounds = ["9990", "9995", "10000", "10005"];
        let names = [format!("{long}9990"), format!("{long}9995")];
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(next(Axis::Integer, &bounds, &names), None);
        let name = by_beginning(&long, "2025-10-01 00:00:00+00");
        assert!(
            name.len() <= NAME_BYTES - RUNNING && name.ends_with("_from_2025_10_01_00_00_00_00"),
            "{name}"
        );
        assert_eq!(cut("üü", 60), "ü");
    }
}
