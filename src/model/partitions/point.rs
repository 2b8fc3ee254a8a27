//! Where a bound lies: on a calendar, among numbers, or somewhere only the server can order.

use jiff::civil::DateTime;

use super::bound::Text;

/// What one unit of a [`Point::Number`] is worth: nine decimals are kept.
pub const UNIT: i128 = 1_000_000_000;

/// What the values of a key column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// `date`.
    Date,
    /// `timestamp`.
    Timestamp,
    /// `timestamptz`; bounds are in UTC.
    TimestampTz,
    /// An integer that is written like a date: 20241231.
    Ymd,
    /// `int2`, `int4`, `int8`.
    Integer,
    /// `numeric`.
    Numeric,
    /// `uuid`.
    Uuid,
    /// Anything else: values are equal or not, their order is the server's.
    Other,
}

/// A value of a key column; those of one axis are in order, [`Point::Text`] apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    /// `-infinity`.
    Before,
    /// A moment; of a `timestamptz` in UTC.
    Time(DateTime),
    /// A number, in 1/[`UNIT`].
    Number(i128),
    /// A `uuid`.
    Uuid(u128),
    /// Something only the server can order.
    Text(String),
    /// `infinity`, or a year past 9999.
    After,
}

/// One column of an end of a range.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Edge {
    /// `MINVALUE`.
    Min,
    /// A value.
    At(Point),
    /// `MAXVALUE`.
    Max,
}

impl Edge {
    /// The value, if it is one.
    #[must_use]
    pub const fn point(&self) -> Option<&Point> {
        match self {
            Self::At(point) => Some(point),
            Self::Min | Self::Max => None,
        }
    }

    /// Nothing lies beyond it: `MAXVALUE`, `infinity`.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Max | Self::At(Point::After))
    }
}

impl Axis {
    /// The axis of a type, by the oid of the type its operator class compares.
    #[must_use]
    pub const fn of(class: u32) -> Self {
        match class {
            1082 => Self::Date,
            1114 => Self::Timestamp,
            1184 => Self::TimestampTz,
            20 | 21 | 23 => Self::Integer,
            1700 => Self::Numeric,
            2950 => Self::Uuid,
            _ => Self::Other,
        }
    }

    /// Its values are moments.
    #[must_use]
    pub const fn is_time(self) -> bool {
        matches!(self, Self::Date | Self::Timestamp | Self::TimestampTz | Self::Ymd)
    }

    /// Its values are numbers that count something.
    #[must_use]
    pub const fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Numeric)
    }

    /// The end of a range, of the text it has in the bound.
    #[must_use]
    pub fn edge(self, text: &Text) -> Edge {
        match text {
            Text::Min => Edge::Min,
            Text::Max => Edge::Max,
            Text::Value(text) => Edge::At(self.point(text)),
        }
    }

    /// The value of that text.
    #[must_use]
    pub fn point(self, text: &str) -> Point {
        let read = match self {
            Self::Date | Self::Timestamp | Self::TimestampTz => time(text),
            Self::Ymd => ymd(text),
            Self::Integer | Self::Numeric => number(text),
            Self::Uuid => u128::from_str_radix(&text.replace('-', ""), 16).ok().map(Point::Uuid),
            Self::Other => None,
        };
        read.unwrap_or_else(|| Point::Text(text.to_owned()))
    }

    /// The text of a value as the server takes it.
    #[must_use]
    pub fn text(self, point: &Point) -> String {
        match point {
            Point::Before => "-infinity".to_owned(),
            Point::After => "infinity".to_owned(),
            Point::Time(time) => self.time_text(*time),
            Point::Number(number) => number_text(*number),
            Point::Uuid(id) => uuid_text(*id),
            Point::Text(text) => text.clone(),
        }
    }

    fn time_text(self, time: DateTime) -> String {
        if self == Self::Ymd {
            return time.strftime("%Y%m%d").to_string();
        }
        let (year, era) = match i32::from(time.year()) {
            year if year > 0 => (year, ""),
            year => (1 - year, " BC"),
        };
        let date = format!("{year:04}-{:02}-{:02}", time.month(), time.day());
        let clock = match self {
            Self::Date => String::new(),
            Self::TimestampTz => format!(" {}+00", clock(time)),
            _ => format!(" {}", clock(time)),
        };
        format!("{date}{clock}{era}")
    }

    /// The value right after that one, where there is nothing between them.
    #[must_use]
    pub fn next(self, point: &Point) -> Option<Point> {
        match (self, point) {
            (Self::Integer, Point::Number(number)) => Some(Point::Number(number.checked_add(UNIT)?)),
            (Self::Date, Point::Time(time)) => {
                let day = jiff::Span::new().days(1);
                time.checked_add(day).ok().map(Point::Time)
            }
            (Self::Uuid, Point::Uuid(id)) => Some(Point::Uuid(id.checked_add(1)?)),
            _ => None,
        }
    }
}

fn clock(time: DateTime) -> String {
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    let whole = format!("{hour:02}:{minute:02}:{second:02}");
    match time.subsec_nanosecond() / 1000 {
        0 => whole,
        micros => format!("{whole}.{micros:06}").trim_end_matches('0').to_owned(),
    }
}

fn uuid_text(id: u128) -> String {
    let hex = format!("{id:032x}");
    let mut text = String::with_capacity(36);
    for (nth, digit) in hex.chars().enumerate() {
        if [8, 12, 16, 20].contains(&nth) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

/// A number as the server writes it.
#[must_use]
pub fn number_text(number: i128) -> String {
    let sign = if number < 0 { "-" } else { "" };
    let (whole, part) = (
        number.unsigned_abs() / UNIT.unsigned_abs(),
        number.unsigned_abs() % UNIT.unsigned_abs(),
    );
    if part == 0 {
        return format!("{sign}{whole}");
    }
    format!("{sign}{whole}.{part:09}").trim_end_matches('0').to_owned()
}

fn number(text: &str) -> Option<Point> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    match digits {
        "Infinity" if sign < 0 => return Some(Point::Before),
        // NaN is past infinity in the order of the server.
        "Infinity" | "NaN" => return Some(Point::After),
        _ => {}
    }
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let part = part.trim_end_matches('0');
    let plain = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || part.len() > 9 || !plain(whole) || !plain(part) {
        return None;
    }
    let whole: i128 = whole.parse().ok()?;
    let part: i128 = format!("{part:0<9}").parse().ok()?;
    let number = whole.checked_mul(UNIT)?.checked_add(part)?;
    Some(Point::Number(sign * number))
}

/// `20241231`, of years in which somebody may have had a database.
fn ymd(text: &str) -> Option<Point> {
    if text.len() != 8 {
        return None;
    }
    let number: i32 = text.parse().ok()?;
    let year = i16::try_from(number / 10_000)
        .ok()
        .filter(|y| (1900..2200).contains(y))?;
    let (month, day) = (i8::try_from(number / 100 % 100).ok()?, i8::try_from(number % 100).ok()?);
    DateTime::new(year, month, day, 0, 0, 0, 0).ok().map(Point::Time)
}

/// `2024-01-01`, `2024-01-01 00:00:00.5`, `2024-01-01 00:00:00+00`, each perhaps with ` BC`.
fn time(text: &str) -> Option<Point> {
    match text {
        "infinity" => return Some(Point::After),
        "-infinity" => return Some(Point::Before),
        _ => {}
    }
    let (text, before_christ) = text.strip_suffix(" BC").map_or((text, false), |text| (text, true));
    let (date, clock) = text.split_once(' ').unwrap_or((text, "00:00:00"));
    let mut date = date.splitn(3, '-');
    let year: i32 = date.next()?.parse().ok()?;
    let year = if before_christ { 1 - year } else { year };
    let (month, day) = (date.next()?.parse().ok()?, date.next()?.parse().ok()?);
    if year > 9999 {
        return Some(Point::After);
    }
    let (clock, offset) = split_offset(clock)?;
    let mut clock = clock.splitn(3, ':');
    let (hour, minute): (i8, i8) = (clock.next()?.parse().ok()?, clock.next()?.parse().ok()?);
    let (second, nanos) = seconds(clock.next()?)?;
    let time = DateTime::new(i16::try_from(year).ok()?, month, day, hour, minute, second, nanos).ok()?;
    time.checked_sub(jiff::SignedDuration::from_secs(offset))
        .ok()
        .map(Point::Time)
}

fn seconds(text: &str) -> Option<(i8, i32)> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let nanos = (part.len() <= 9).then(|| format!("{part:0<9}"))?;
    Some((whole.parse().ok()?, nanos.parse().ok()?))
}

/// `00:00:00+05:30` into the time and the seconds it is ahead of UTC.
fn split_offset(clock: &str) -> Option<(&str, i64)> {
    let (clock, sign, offset) = match (clock.split_once('+'), clock.split_once('-')) {
        (Some((clock, offset)), _) => (clock, 1, offset),
        (None, Some((clock, offset))) => (clock, -1, offset),
        (None, None) => return Some((clock, 0)),
    };
    let mut seconds = 0;
    for (part, worth) in offset.splitn(3, ':').zip([3600, 60, 1]) {
        seconds += part.parse::<u16>().map(i64::from).ok()? * worth;
    }
    Some((clock, sign * seconds))
}

#[cfg(test)]
mod tests {
    use jiff::civil::datetime;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Axis::Date, "2024-02-29", datetime(2024, 2, 29, 0, 0, 0, 0))]
    #[case(
        Axis::Timestamp,
        "2024-02-29 23:59:59.25",
        datetime(2024, 2, 29, 23, 59, 59, 250_000_000)
    )]
    #[case(Axis::Timestamp, "0044-03-15 12:00:00 BC", datetime(-43, 3, 15, 12, 0, 0, 0))]
    #[case(Axis::TimestampTz, "2024-01-01 00:00:00+00", datetime(2024, 1, 1, 0, 0, 0, 0))]
    #[case(Axis::Ymd, "20241231", datetime(2024, 12, 31, 0, 0, 0, 0))]
    fn moments_are_read_and_written_as_the_server_does(
        #[case] axis: Axis,
        #[case] text: &str,
        #[case] expected: DateTime,
    ) {
        assert_eq!(axis.point(text), Point::Time(expected));
        assert_eq!(axis.text(&Point::Time(expected)), text);
    }

    #[rstest]
    #[case("2024-01-01 00:00:00+05:30", datetime(2023, 12, 31, 18, 30, 0, 0))]
    #[case("2024-01-01 00:00:00-08", datetime(2024, 1, 1, 8, 0, 0, 0))]
    #[case("1890-01-01 00:00:00+00:53:28", datetime(1889, 12, 31, 23, 6, 32, 0))]
    fn other_offsets_are_turned_into_utc(#[case] text: &str, #[case] expected: DateTime) {
        assert_eq!(Axis::TimestampTz.point(text), Point::Time(expected));
    }

    #[rstest]
    #[case(Axis::Integer, "-10", Point::Number(-10 * UNIT))]
    #[case(Axis::Integer, "9223372036854775807", Point::Number(9_223_372_036_854_775_807 * UNIT))]
    #[case(Axis::Numeric, "10.5", Point::Number(10_500_000_000))]
    #[case(Axis::Numeric, "-0.000000001", Point::Number(-1))]
    #[case(Axis::Date, "infinity", Point::After)]
    #[case(Axis::Date, "-infinity", Point::Before)]
    #[case(Axis::Uuid, "80000000-0000-0000-0000-000000000001", Point::Uuid((1 << 127) + 1))]
    #[case(Axis::Other, "o'clock", Point::Text("o'clock".to_owned()))]
    fn values_are_read_and_written(#[case] axis: Axis, #[case] text: &str, #[case] point: Point) {
        assert_eq!(axis.point(text), point);
        assert_eq!(axis.text(&point), text);
    }

    #[rstest]
    #[case(Axis::Numeric, "10.50", Axis::Numeric, "10.5")]
    #[case(Axis::Timestamp, "12024-01-01 00:00:00", Axis::Timestamp, "infinity")]
    #[case(Axis::Numeric, "NaN", Axis::Numeric, "Infinity")]
    fn texts_of_the_same_point(#[case] axis: Axis, #[case] text: &str, #[case] other: Axis, #[case] same: &str) {
        assert_eq!(axis.point(text), other.point(same));
    }

    #[rstest]
    #[case(Axis::Ymd, "20241301")]
    #[case(Axis::Ymd, "20240230")]
    #[case(Axis::Ymd, "00000101")]
    #[case(Axis::Ymd, "2024010")]
    #[case(Axis::Numeric, "1e5")]
    #[case(Axis::Numeric, "0.1234567891")]
    #[case(Axis::Date, "yesterday")]
    #[case(Axis::Timestamp, "2024-02-30 00:00:00")]
    #[case(Axis::Uuid, "x")]
    fn what_cannot_be_placed_stays_a_text(#[case] axis: Axis, #[case] text: &str) {
        assert_eq!(axis.point(text), Point::Text(text.to_owned()));
    }

    #[test]
    fn the_next_value_of_what_is_counted_in_steps() {
        let after = |axis: Axis, text| axis.next(&axis.point(text)).map(|point| axis.text(&point));
        assert_eq!(after(Axis::Integer, "10").as_deref(), Some("11"));
        assert_eq!(after(Axis::Date, "2024-02-29").as_deref(), Some("2024-03-01"));
        assert_eq!(after(Axis::Timestamp, "2024-02-29 00:00:00"), None);
        assert_eq!(after(Axis::Numeric, "1"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_placed_without_a_panic(text in "[-+:0-9. BC]{0,30}|\\PC*") {
            for axis in [Axis::Date, Axis::TimestampTz, Axis::Ymd, Axis::Integer, Axis::Numeric, Axis::Uuid] {
                let _ = axis.point(&text);
            }
        }

        #[test]
        fn numbers_come_back(number in -1_000_000_000_000_000_000_000i128..1_000_000_000_000_000_000_000) {
            prop_assert_eq!(Axis::Numeric.point(&number_text(number)), Point::Number(number));
        }

        #[test]
        fn moments_come_back(year in -4713i16..=9999, days in 0i64..366, micros in 0i64..86_400_000_000) {
            let start = DateTime::new(year, 1, 1, 0, 0, 0, 0).unwrap();
            let time = start
                .checked_add(jiff::Span::new().days(days)).unwrap_or(start)
                .checked_add(jiff::SignedDuration::from_micros(micros)).unwrap_or(start);
            for axis in [Axis::Timestamp, Axis::TimestampTz] {
                prop_assert_eq!(axis.point(&axis.text(&Point::Time(time))), Point::Time(time));
            }
        }
    }
}
