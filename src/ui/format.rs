//! Numbers for people, in units that do not jump about.
//!
//! * Everything is printable ASCII and at most as wide as the `*_WIDTH` constant beside it, for any number.
//! * Two or three significant digits; a value is never rounded up into a unit it has not reached where that would
//!   be a claim: ages are cut, not rounded, and a percentage is `100 %` or `0 %` only when it is exactly that.
//! * What is no number (NaN, infinite) is [`NONE`]; a negative amount, which only clock skew can make, is zero.

/// Shown for what is no number.
pub const NONE: &str = "-";

/// The widest [`duration`]: `99d23h`.
pub const DURATION_WIDTH: usize = 6;
/// The widest [`bytes`]: `999 KiB`.
pub const BYTES_WIDTH: usize = 7;
/// The widest [`bytes_per_s`].
pub const BYTES_PER_S_WIDTH: usize = BYTES_WIDTH + 2;
/// The widest [`count`] and [`rate`]: `99,999`.
pub const COUNT_WIDTH: usize = 6;
/// The widest [`percent`]: `>99.9 %`.
pub const PERCENT_WIDTH: usize = 7;

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3600.0;
const DAY: f64 = 86_400.0;

/// A number of any type that the server sends. Beyond 2^53 the last digits may change, which no form shows.
pub trait Number: Copy {
    /// As a float.
    fn value(self) -> f64;
}

macro_rules! exact_numbers {
    ($($type:ty),*) => {$(
        impl Number for $type {
            fn value(self) -> f64 {
                f64::from(self)
            }
        }
    )*};
}

macro_rules! wide_numbers {
    ($($type:ty),*) => {$(
        impl Number for $type {
            #[expect(clippy::cast_precision_loss, reason = "no form shows more digits than a float has")]
            fn value(self) -> f64 {
                self as f64
            }
        }
    )*};
}

exact_numbers!(u16, i32, u32, f64);
wide_numbers!(i64, u64, usize);

/// A length of time in seconds: `0ms`, `8.2ms`, `850ms`, `4.2s`, `42s`, `4m12s`, `31m`, `6h05m`, `12d3h`, `123d`.
/// Cut to the unit shown, never rounded up.
#[must_use]
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return NONE.to_owned();
    }
    // A microsecond makes up for binary fractions: 0.85 s is 850 ms, not 849.
    let s = seconds.max(0.0) + 1e-9;
    if s < 0.000_1 {
        "0ms".to_owned()
    } else if s < 0.01 {
        format!("{}ms", tenths(s * 1000.0))
    } else if s < 1.0 {
        format!("{:.0}ms", (s * 1000.0).floor())
    } else if s < 10.0 {
        format!("{}s", tenths(s))
    } else if s < MINUTE {
        format!("{:.0}s", s.floor())
    } else if s < 10.0 * MINUTE {
        format!("{:.0}m{:02.0}s", (s / MINUTE).floor(), (s % MINUTE).floor())
    } else if s < HOUR {
        format!("{:.0}m", (s / MINUTE).floor())
    } else if s < DAY {
        format!("{:.0}h{:02.0}m", (s / HOUR).floor(), (s % HOUR / MINUTE).floor())
    } else {
        days(s)
    }
}

/// How long ago that was: `4m12s ago`.
#[must_use]
pub fn ago(seconds: f64) -> String {
    format!("{} ago", age(seconds))
}

/// How long a statement took, to a tenth of a millisecond in any length: `4.2 ms`, `1250.0 ms`; times in one column
/// can be compared.
#[must_use]
pub fn milliseconds(took: std::time::Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1000.0)
}

fn days(seconds: f64) -> String {
    let days = (seconds / DAY).floor();
    if days < 100.0 {
        format!("{days:.0}d{:.0}h", (seconds % DAY / HOUR).floor())
    } else if days < 99_999.0 {
        format!("{days:.0}d")
    } else {
        ">273y".to_owned()
    }
}

/// One decimal, cut.
fn tenths(value: f64) -> String {
    format!("{:.1}", (value * 10.0).floor() / 10.0)
}

/// An amount of bytes in IEC units: `0 B`, `1023 B`, `1.0 KiB`, `41 GiB`.
#[must_use]
pub fn bytes(amount: impl Number) -> String {
    let value = amount.value();
    if !value.is_finite() {
        return NONE.to_owned();
    }
    let value = value.max(0.0);
    if value < 1023.5 {
        return format!("{value:.0} B");
    }
    scaled(value / 1024.0, 1024.0, &["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"])
}

/// Bytes per second: `4.1 MiB/s`.
#[must_use]
pub fn bytes_per_s(amount: impl Number) -> String {
    if amount.value().is_finite() {
        format!("{}/s", bytes(amount))
    } else {
        NONE.to_owned()
    }
}

/// How long ago, or how old: a [`duration`] of no more than whole seconds: `0s`, `9s`, `59s`, `4m12s`.
#[must_use]
pub fn age(seconds: f64) -> String {
    if seconds.is_finite() && seconds < 60.0 {
        format!("{:.0}s", (seconds.max(0.0) + 1e-9).floor())
    } else {
        duration(seconds)
    }
}

/// How many: `0`, `12,345`, `123 k`, `1.2 M`, `3.4 G`.
#[must_use]
pub fn count(amount: impl Number) -> String {
    let value = amount.value();
    if !value.is_finite() {
        return NONE.to_owned();
    }
    let value = value.max(0.0);
    if value < 99_999.5 {
        return grouped(&format!("{value:.0}"));
    }
    scaled(value / 1000.0, 1000.0, &["k", "M", "G", "T", "P", "E"])
}

/// How many of what: `1 root`, `12 roots`.
#[must_use]
pub fn counted(count: impl Number, one: &str, many: &str) -> String {
    let count = self::count(count);
    let noun = if count == "1" { one } else { many };
    format!("{count} {noun}")
}

/// How many, every digit: `2,147,483,647`; for detail pages, of any width.
#[must_use]
pub fn exact(amount: i64) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(&amount.unsigned_abs().to_string()))
}

/// How often a second (or any other small real number): `0`, `<0.1`, `4.2`, `312`, then as [`count`].
#[must_use]
pub fn rate(per_second: f64) -> String {
    if !per_second.is_finite() {
        return NONE.to_owned();
    }
    match per_second {
        value if value <= 0.0 => "0".to_owned(),
        value if value < 0.05 => "<0.1".to_owned(),
        value if value < 9.95 => format!("{value:.1}"),
        value => count(value),
    }
}

/// A percentage: `0 %`, `<0.1 %`, `99.2 %`, `>99.9 %`, `100 %`, `118 %`. Cut, so that `99.96` is not `100`.
#[must_use]
pub fn percent(value: f64) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    match value {
        value if value <= 0.0 => "0 %".to_owned(),
        value if value < 0.1 => "<0.1 %".to_owned(),
        value if value > 99.9 && value < 100.0 => ">99.9 %".to_owned(),
        value if value < 100.0 => format!("{} %", tenths(value + 1e-9)),
        value if value < 99_999.5 => format!("{:.0} %", value.floor()),
        _ => ">99999%".to_owned(),
    }
}

/// A share of what it is compared with: a percentage, from ten times on how many times: `96.3 %`, `987 %`, `×400`.
#[must_use]
pub fn times(share: f64) -> String {
    if share.is_finite() && share >= 10.0 {
        format!("×{}", count(share.floor()))
    } else {
        percent(share * 100.0)
    }
}

/// The share of a part in a whole as [`percent`]; [`NONE`] of nothing.
#[must_use]
pub fn share(part: impl Number, whole: impl Number) -> String {
    if whole.value() > 0.0 {
        percent(part.value() / whole.value() * 100.0)
    } else {
        NONE.to_owned()
    }
}

/// One decimal below ten, none above, in the first unit in which it stays below a thousand.
fn scaled(value: f64, base: f64, units: &[&str]) -> String {
    let mut value = value;
    let mut units = units.iter();
    let mut unit = units.next().copied().unwrap_or_default();
    while value >= 999.5 {
        match units.next() {
            Some(next) => {
                unit = next;
                value /= base;
            }
            None => return format!(">999 {}", unit.chars().take(1).collect::<String>()),
        }
    }
    if value < 9.95 {
        format!("{value:.1} {unit}")
    } else {
        format!("{value:.0} {unit}")
    }
}

/// Digits in groups of three.
fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_cut_at_every_boundary() {
        for (seconds, text) in [
            (0.0, "0ms"),
            (0.000_099, "0ms"),
            (0.000_4, "0.4ms"),
            (0.008_29, "8.2ms"),
            (0.009_99, "9.9ms"),
            (0.01, "10ms"),
            (0.85, "850ms"),
            (0.999_9, "999ms"),
            (1.0, "1.0s"),
            (9.99, "9.9s"),
            (10.0, "10s"),
            (59.99, "59s"),
            (60.0, "1m00s"),
            (252.0, "4m12s"),
            (599.9, "9m59s"),
            (600.0, "10m"),
            (1860.0, "31m"),
            (3599.9, "59m"),
            (3600.0, "1h00m"),
            (21_900.0, "6h05m"),
            (86_399.0, "23h59m"),
            (86_400.0, "1d0h"),
            (1_047_600.0, "12d3h"),
            (8_639_999.0, "99d23h"),
            (8_640_000.0, "100d"),
            (1e300, ">273y"),
            (-0.5, "0ms"),
            (f64::NAN, "-"),
            (f64::INFINITY, "-"),
        ] {
            assert_eq!(duration(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn ages_have_no_more_than_whole_seconds() {
        for (seconds, text) in [
            (-1.0, "0s"),
            (0.989, "0s"),
            (1.0, "1s"),
            (9.99, "9s"),
            (59.99, "59s"),
            (60.0, "1m00s"),
            (21_900.0, "6h05m"),
            (f64::NAN, "-"),
            (f64::INFINITY, "-"),
        ] {
            assert_eq!(age(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn bytes_at_every_boundary() {
        for (amount, text) in [
            (0.0, "0 B"),
            (1023.0, "1023 B"),
            (1024.0, "1.0 KiB"),
            (10_188.0, "9.9 KiB"),
            (10_189.0, "10 KiB"),
            (1_023_487.0, "999 KiB"),
            (1_023_488.0, "1.0 MiB"),
            (1_048_576.0, "1.0 MiB"),
            (4_299_161.6, "4.1 MiB"),
            (44_023_414_784.0, "41 GiB"),
            (1.2e18, "1.0 EiB"),
            (1e30, ">999 E"),
            (-1.0, "0 B"),
            (f64::NAN, "-"),
        ] {
            assert_eq!(bytes(amount), text, "{amount}");
        }
        assert_eq!(bytes(u64::MAX), "16 EiB");
        assert_eq!(bytes_per_s(0), "0 B/s");
        assert_eq!(bytes_per_s(f64::NAN), "-");
    }

    #[test]
    fn counts_at_every_boundary() {
        for (amount, text) in [
            (0.0, "0"),
            (999.0, "999"),
            (1000.0, "1,000"),
            (12_345.0, "12,345"),
            (99_999.4, "99,999"),
            (99_999.5, "100 k"),
            (999_499.0, "999 k"),
            (999_950.0, "1.0 M"),
            (1_200_000.0, "1.2 M"),
            (171e6, "171 M"),
            (2.147e9, "2.1 G"),
            (-3.0, "0"),
            (f64::NEG_INFINITY, "-"),
        ] {
            assert_eq!(count(amount), text, "{amount}");
        }
        assert_eq!(exact(2_147_483_647), "2,147,483,647");
        assert_eq!(exact(i64::MIN), "-9,223,372,036,854,775,808");
        assert_eq!(exact(-12), "-12");
    }

    #[test]
    fn rates_and_shares() {
        for (value, text) in [
            (0.0, "0"),
            (0.04, "<0.1"),
            (0.05, "0.1"),
            (9.94, "9.9"),
            (9.96, "10"),
            (312.4, "312"),
            (1e7, "10 M"),
        ] {
            assert_eq!(rate(value), text, "{value}");
        }
        for (value, text) in [
            (0.0, "0 %"),
            (0.04, "<0.1 %"),
            (0.4, "0.4 %"),
            (99.2, "99.2 %"),
            (99.96, ">99.9 %"),
            (100.0, "100 %"),
            (118.7, "118 %"),
            (-1.0, "0 %"),
            (1e9, ">99999%"),
            (f64::NAN, "-"),
        ] {
            assert_eq!(percent(value), text, "{value}");
        }
        assert_eq!(share(1, 8), "12.5 %");
        assert_eq!(share(0, 0), "-");
    }

    proptest! {
        #[test]
        fn every_number_keeps_its_width(value in any::<f64>()) {
            prop_assert!(duration(value).len() <= DURATION_WIDTH);
            prop_assert!(age(value).len() <= DURATION_WIDTH);
            prop_assert!(bytes(value).len() <= BYTES_WIDTH);
            prop_assert!(bytes_per_s(value).len() <= BYTES_PER_S_WIDTH);
            prop_assert!(count(value).len() <= COUNT_WIDTH);
            prop_assert!(rate(value).len() <= COUNT_WIDTH);
            prop_assert!(percent(value).len() <= PERCENT_WIDTH);
        }

        #[test]
        fn every_integer_keeps_its_digits(value in any::<i64>()) {
            prop_assert_eq!(exact(value).replace(',', ""), value.to_string());
        }

        #[test]
        fn a_duration_never_shrinks_as_time_passes(seconds in 0.0f64..1e7, more in 0.0f64..1e6) {
            let parse = |text: String| -> f64 {
                let mut total = 0.0;
                let mut digits = String::new();
                let mut chars = text.chars().peekable();
                while let Some(c) = chars.next() {
                    if c.is_ascii_digit() || c == '.' {
                        digits.push(c);
                        continue;
                    }
                    let unit = match (c, chars.peek()) {
                        ('m', Some('s')) => { chars.next(); 0.001 }
                        ('s', _) => 1.0,
                        ('m', _) => 60.0,
                        ('h', _) => 3600.0,
                        _ => 86_400.0,
                    };
                    total += digits.parse::<f64>().unwrap() * unit;
                    digits.clear();
                }
                total
            };
            let (earlier, later) = (parse(duration(seconds)), parse(duration(seconds + more)));
            prop_assert!(earlier <= later + 1e-9);
            prop_assert!(earlier <= seconds + 1e-6);
        }
    }
}
