//! The cadence of ranges: a month is a month, however many days it has.

use std::collections::HashMap;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span};

use super::point::Point;

/// How far it is from the beginning of a range to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Calendar months.
    Months(i32),
    /// Calendar days.
    Days(i32),
    /// So long, whatever the calendar.
    Time(SignedDuration),
    /// So many, in 1/[`super::point::UNIT`].
    Number(i128),
}

impl Step {
    /// From one point to a later one; moments are taken by the calendar of that zone.
    #[must_use]
    pub fn between(from: &Point, to: &Point, zone: &TimeZone) -> Option<Self> {
        match (from, to) {
            (Point::Time(from), Point::Time(to)) if from < to => Some(Self::of_times(*from, *to, zone)),
            (Point::Number(from), Point::Number(to)) if from < to => Some(Self::Number(to.checked_sub(*from)?)),
            _ => None,
        }
    }

    fn of_times(from: DateTime, to: DateTime, zone: &TimeZone) -> Self {
        let (here, there) = (local(from, zone), local(to, zone));
        if let (Some(here), Some(there)) = (here, there)
            && here.time() == there.time()
            && here < there
        {
            let years = i32::from(there.year()) - i32::from(here.year());
            let months = years * 12 + i32::from(there.month()) - i32::from(here.month());
            if here.day() == there.day() && months > 0 {
                return Self::Months(months);
            }
            return Self::Days(
                i32::try_from(there.duration_since(here).as_hours() / 24)
                    .unwrap_or(i32::MAX)
                    .max(1),
            );
        }
        Self::Time(to.duration_since(from))
    }

    /// The point one step after that one; `None` past the end of all calendars.
    #[must_use]
    pub fn after(self, point: &Point, zone: &TimeZone) -> Option<Point> {
        match (self, point) {
            (Self::Number(step), Point::Number(number)) => number.checked_add(step).map(Point::Number),
            (Self::Time(step), Point::Time(time)) => time.checked_add(step).ok().map(Point::Time),
            (Self::Months(months), Point::Time(time)) => by_calendar(*time, Span::new().try_months(months).ok()?, zone),
            (Self::Days(days), Point::Time(time)) => by_calendar(*time, Span::new().try_days(days).ok()?, zone),
            _ => None,
        }
    }

    /// About how long it is, in seconds; `None` of numbers.
    #[must_use]
    pub fn seconds(self) -> Option<f64> {
        match self {
            Self::Months(months) => Some(f64::from(months) * 30.436_875 * 86_400.0),
            Self::Days(days) => Some(f64::from(days) * 86_400.0),
            Self::Time(step) => Some(step.as_secs_f64()),
            Self::Number(_) => None,
        }
    }
}

/// The step most of these ranges have, if more than half of them have it.
#[must_use]
pub fn cadence<'a>(ranges: impl Iterator<Item = (&'a Point, &'a Point)>, zone: &TimeZone) -> Option<Step> {
    let mut all = 0_usize;
    let mut votes: HashMap<Step, usize> = HashMap::new();
    for (from, to) in ranges {
        all += 1;
        if let Some(step) = Step::between(from, to, zone) {
            *votes.entry(step).or_default() += 1;
        }
    }
    let (step, count) = votes.into_iter().max_by_key(|(_, count)| *count)?;
    (count * 2 > all).then_some(step)
}

/// The zone in which more than half of these moments in UTC are midnight; the earlier zone where several are as good,
/// UTC where none is.
#[must_use]
pub fn zone_of(moments: &[&Point], zones: &[TimeZone]) -> TimeZone {
    let is_midnight = |point: &&&Point, zone: &TimeZone| match point {
        Point::Time(time) => local(*time, zone).is_some_and(|time| time.time() == jiff::civil::Time::midnight()),
        _ => false,
    };
    let midnights = |zone: &TimeZone| moments.iter().filter(|point| is_midnight(point, zone)).count();
    let best = zones.iter().rev().max_by_key(|zone| midnights(zone));
    let best = best.filter(|zone| midnights(zone) * 2 > moments.len());
    best.cloned().unwrap_or(TimeZone::UTC)
}

/// What calendars and clocks show there at a moment in UTC.
#[must_use]
pub fn local(utc: DateTime, zone: &TimeZone) -> Option<DateTime> {
    if *zone == TimeZone::UTC {
        return Some(utc);
    }
    let moment = utc.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(moment.to_zoned(zone.clone()).datetime())
}

fn by_calendar(utc: DateTime, span: Span, zone: &TimeZone) -> Option<Point> {
    let there = local(utc, zone)?.checked_add(span).ok()?;
    if *zone == TimeZone::UTC {
        return Some(Point::Time(there));
    }
    let moment = there.to_zoned(zone.clone()).ok()?.timestamp();
    Some(Point::Time(moment.to_zoned(TimeZone::UTC).datetime()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::model::partitions::point::{Axis, UNIT};

    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    #[rstest]
    #[case("2024-02-01 00:00:00", "2024-03-01 00:00:00", Step::Months(1))]
    #[case("2023-10-01 00:00:00", "2024-01-01 00:00:00", Step::Months(3))]
    #[case("2024-01-15 00:00:00", "2024-02-15 00:00:00", Step::Months(1))]
    #[case("2023-01-01 00:00:00", "2024-01-01 00:00:00", Step::Months(12))]
    #[case("2024-02-28 00:00:00", "2024-02-29 00:00:00", Step::Days(1))]
    #[case("2024-02-26 00:00:00", "2024-03-04 00:00:00", Step::Days(7))]
    #[case(
        "2024-02-26 00:00:00",
        "2024-02-26 06:00:00",
        Step::Time(SignedDuration::from_hours(6))
    )]
    #[case(
        "2024-02-26 00:00:00",
        "2024-02-27 00:00:01",
        Step::Time(SignedDuration::from_secs(86_401))
    )]
    fn steps_of_moments(#[case] from: &str, #[case] to: &str, #[case] step: Step) {
        let (from, to) = (Axis::Timestamp.point(from), Axis::Timestamp.point(to));
        assert_eq!(Step::between(&from, &to, &TimeZone::UTC), Some(step));
        assert_eq!(step.after(&from, &TimeZone::UTC), Some(to));
    }

    /// Midnight in Berlin is 23:00 UTC in winter and 22:00 in summer.
    #[rstest]
    #[case("2024-02-29 23:00:00+00", "2024-03-31 22:00:00+00", Step::Months(1))]
    #[case("2024-03-30 23:00:00+00", "2024-03-31 22:00:00+00", Step::Days(1))]
    #[case("2024-10-26 22:00:00+00", "2024-10-27 23:00:00+00", Step::Days(1))]
    #[case("2023-12-31 23:00:00+00", "2024-12-31 23:00:00+00", Step::Months(12))]
    fn steps_across_a_change_of_clocks(#[case] from: &str, #[case] to: &str, #[case] step: Step) {
        let (from, to) = (Axis::TimestampTz.point(from), Axis::TimestampTz.point(to));
        assert_eq!(Step::between(&from, &to, &berlin()), Some(step));
        assert_eq!(step.after(&from, &berlin()), Some(to));
    }

    #[test]
    fn the_zone_is_the_one_whose_midnights_they_are() {
        let zones = [TimeZone::UTC, berlin(), TimeZone::posix("CET-1").unwrap()];
        let of = |texts: &[&str]| {
            let points: Vec<Point> = texts.iter().map(|text| Axis::TimestampTz.point(text)).collect();
            zone_of(&points.iter().collect::<Vec<_>>(), &zones)
        };
        assert_eq!(of(&["2024-02-29 23:00:00+00", "2024-03-31 22:00:00+00"]), berlin());
        assert_eq!(of(&["2024-03-01 00:00:00+00", "2024-03-31 22:00:00+00"]), TimeZone::UTC);
        assert_eq!(of(&[]), TimeZone::UTC);
    }

    #[test]
    fn the_majority_decides_and_a_tie_decides_nothing() {
        let point = |n: i128| Point::Number(n * UNIT);
        let ranges = |bounds: &[i128]| {
            let points: Vec<Point> = bounds.iter().map(|n| point(*n)).collect();
            cadence(points.iter().zip(points.iter().skip(1)), &TimeZone::UTC)
        };
        assert_eq!(ranges(&[0, 10, 20, 25, 35]), Some(Step::Number(10 * UNIT)));
        assert_eq!(ranges(&[0, 10, 15, 25, 30]), None);
        assert_eq!(ranges(&[0]), None);
    }

    proptest! {
        #[test]
        fn a_step_leads_from_where_it_was_taken_to_where_it_was_taken(
            from in 0i64..4_000_000_000, seconds in 1i64..100_000_000, whole in any::<bool>(), berlin_time in any::<bool>(),
        ) {
            let zone = if berlin_time { berlin() } else { TimeZone::UTC };
            let round = |s: i64| if whole { s / 86_400 * 86_400 } else { s };
            let moment = |s: i64| Point::Time(jiff::Timestamp::from_second(s).unwrap().to_zoned(TimeZone::UTC).datetime());
            let (from, to) = (round(from), round(from + seconds));
            prop_assume!(from < to);
            let (from, to) = (moment(from), moment(to));
            let step = Step::between(&from, &to, &zone).unwrap();
            prop_assert_eq!(step.after(&from, &zone), Some(to));
        }
    }
}
