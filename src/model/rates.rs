//! Two readings of cumulative counters into rates: the only place where that happens.
//!
//! A rate exists only if both readings come from the same incarnation of the server, its clock and ours agree about
//! the time between them, and no counter was reset or fell. Everything else is a [`Gap`], never a number. Nothing
//! happening is a rate of 0, not a gap.

use std::fmt;

use crate::probe::{Mono, Ran};

/// How far the server's clock and ours may disagree about an interval, beyond the time the statements took:
/// slewing clocks are allowed 1 %, and scheduling a tenth of a second.
const DRIFT: f64 = 0.01;
const SLACK: f64 = 0.1;

/// Intervals shorter than this are no basis for a rate: 15 and later publish counters about once a second.
const SHORTEST: f64 = 0.2;

/// Which server said it and when: what decides whether two readings may be compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Seconds since 1970 by the server's clock.
    pub epoch: f64,
    /// `pg_postmaster_start_time()` in seconds since 1970.
    pub started: f64,
    /// `pg_is_in_recovery()`.
    pub in_recovery: bool,
    /// When the statement was sent, by our monotonic clock.
    pub asked: Mono,
    /// When its answer was complete.
    pub answered: Mono,
}

impl Reading {
    /// A reading out of what the server said and how it was asked.
    #[must_use]
    pub fn new(epoch: f64, started: f64, in_recovery: bool, ran: &Ran) -> Self {
        Self {
            epoch,
            started,
            in_recovery,
            asked: ran.started,
            answered: ran.finished(),
        }
    }
}

/// Why there is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// There is only one reading yet.
    First,
    /// Too little time between the readings; the older one stays the base.
    TooSoon,
    /// The server was restarted, or it is another server.
    Restarted,
    /// It was promoted, or another server took its place.
    RoleChanged,
    /// The server's clock was set, or ours stood still.
    ClockJumped,
    /// The counters were reset, or fell.
    Reset,
    /// The databases summed up are not the same.
    Changed,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First | Self::TooSoon => "needs a second reading",
            Self::Restarted => "server restarted",
            Self::RoleChanged => "promoted or failed over",
            Self::ClockJumped => "server clock jumped",
            Self::Reset => "counters were reset",
            Self::Changed => "a database came or went",
        })
    }
}

/// Seconds between two readings by the server's clock.
///
/// # Errors
/// The [`Gap`] that makes them incomparable.
pub fn interval(before: &Reading, after: &Reading) -> Result<f64, Gap> {
    if before.started.to_bits() != after.started.to_bits() {
        return Err(Gap::Restarted);
    }
    if before.in_recovery != after.in_recovery {
        return Err(Gap::RoleChanged);
    }
    // The server read its clock some time between asking and answering, so these bound the true interval.
    let least = after.asked.since(before.answered).as_secs_f64();
    let most = after.answered.since(before.asked).as_secs_f64();
    let seconds = after.epoch - before.epoch;
    let tolerance = SLACK + most * DRIFT;
    if !seconds.is_finite() || seconds < least - tolerance || seconds > most + tolerance {
        return Err(Gap::ClockJumped);
    }
    if seconds < SHORTEST {
        return Err(Gap::TooSoon);
    }
    Ok(seconds)
}

/// How much a counter grew.
///
/// # Errors
/// [`Gap::Reset`] when it fell: reset, crash or wrap.
pub fn growth(before: i64, after: i64) -> Result<f64, Gap> {
    match after.checked_sub(before) {
        Some(grown) if grown >= 0 => Ok(float(grown)),
        _ => Err(Gap::Reset),
    }
}

/// Growth per second; `seconds` as [`interval`] returns it.
///
/// # Errors
/// [`Gap::Reset`] when the counter fell, [`Gap::TooSoon`] when no time passed.
pub fn per_second(before: i64, after: i64, seconds: f64) -> Result<f64, Gap> {
    if !(seconds.is_finite() && seconds > 0.0) {
        return Err(Gap::TooSoon);
    }
    growth(before, after).map(|grown| grown / seconds)
}

/// Checks that the counters were not reset between two readings; `None` means never reset.
///
/// # Errors
/// [`Gap::Reset`].
pub fn same_reset(before: Option<f64>, after: Option<f64>) -> Result<(), Gap> {
    if before.map(f64::to_bits) == after.map(f64::to_bits) {
        Ok(())
    } else {
        Err(Gap::Reset)
    }
}

/// Percent that `part` is of the whole `part + rest`; `None` when both are 0: nothing was asked, so there is no share.
#[must_use]
pub fn share(part: f64, rest: f64) -> Option<f64> {
    let whole = part + rest;
    (whole > 0.0 && whole.is_finite()).then(|| 100.0 * part / whole)
}

/// A count as a float; exact below 2^53.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "counts above 2^53 lose their last digits, which nobody sees"
)]
pub fn float(count: i64) -> f64 {
    count as f64
}

/// The sum of counts; at the end of the range it stays there, since servers have sent counters of every size.
#[must_use]
pub fn total(counts: impl IntoIterator<Item = i64>) -> i64 {
    counts.into_iter().fold(0, i64::saturating_add)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn mono(seconds: f64) -> Mono {
        Mono(Duration::from_secs_f64(seconds))
    }

    /// Asked at `at` by our clock, answered 10 ms later, by the server's clock `epoch`.
    fn reading(at: f64, epoch: f64) -> Reading {
        Reading {
            epoch,
            started: 1000.0,
            in_recovery: false,
            asked: mono(at),
            answered: mono(at + 0.01),
        }
    }

    #[rstest]
    #[case::two_seconds(reading(10.0, 5000.0), reading(12.0, 5002.0), Ok(2.0))]
    #[case::slow_answers_are_no_jump(
        Reading { answered: mono(12.0), ..reading(10.0, 5001.9) }, reading(14.0, 5004.0), Ok(2.100_000_000_000_364))]
    #[case::restart(reading(10.0, 5000.0), Reading { started: 1001.0, ..reading(12.0, 5002.0) }, Err(Gap::Restarted))]
    #[case::promotion(Reading { in_recovery: true, ..reading(10.0, 5000.0) }, reading(12.0, 5002.0), Err(Gap::RoleChanged))]
    #[case::clock_forward(reading(10.0, 5000.0), reading(12.0, 8602.0), Err(Gap::ClockJumped))]
    #[case::clock_back(reading(10.0, 5000.0), reading(12.0, 1402.0), Err(Gap::ClockJumped))]
    #[case::half_a_second_off(reading(10.0, 5000.0), reading(12.0, 5002.5), Err(Gap::ClockJumped))]
    #[case::same_instant(reading(10.0, 5000.0), reading(10.0, 5000.0), Err(Gap::TooSoon))]
    #[case::key_repeat(reading(10.0, 5000.0), reading(10.1, 5000.1), Err(Gap::TooSoon))]
    #[case::not_a_number(reading(10.0, 5000.0), reading(12.0, f64::NAN), Err(Gap::ClockJumped))]
    fn intervals(#[case] before: Reading, #[case] after: Reading, #[case] expected: Result<f64, Gap>) {
        assert_eq!(interval(&before, &after), expected);
    }

    #[rstest]
    #[case::idle_is_zero_not_a_gap(7, 7, 2.0, Ok(0.0))]
    #[case::growing(7, 17, 2.0, Ok(5.0))]
    #[case::fell(7, 6, 2.0, Err(Gap::Reset))]
    #[case::wrapped(i64::MAX, i64::MIN, 2.0, Err(Gap::Reset))]
    #[case::too_far(i64::MIN, i64::MAX, 2.0, Err(Gap::Reset))]
    #[case::no_time(7, 17, 0.0, Err(Gap::TooSoon))]
    #[case::backwards(7, 17, -1.0, Err(Gap::TooSoon))]
    #[case::nan(7, 17, f64::NAN, Err(Gap::TooSoon))]
    fn per_seconds(#[case] before: i64, #[case] after: i64, #[case] seconds: f64, #[case] expected: Result<f64, Gap>) {
        assert_eq!(per_second(before, after, seconds), expected);
    }

    #[rstest]
    #[case::never(None, None, Ok(()))]
    #[case::same(Some(1.5), Some(1.5), Ok(()))]
    #[case::first_reset(None, Some(1.5), Err(Gap::Reset))]
    #[case::again(Some(1.5), Some(2.5), Err(Gap::Reset))]
    fn resets(#[case] before: Option<f64>, #[case] after: Option<f64>, #[case] expected: Result<(), Gap>) {
        assert_eq!(same_reset(before, after), expected);
    }

    #[test]
    fn a_share_of_nothing_is_unknown() {
        assert_eq!(share(0.0, 0.0), None);
        assert_eq!(share(0.0, 4.0), Some(0.0));
        assert_eq!(share(3.0, 1.0), Some(75.0));
    }

    proptest! {
        #[test]
        fn a_rate_is_never_negative_nor_absurd(
            counters in any::<(i64, i64)>(),
            epochs in any::<(f64, f64)>(),
            asked in (0.0..1e6f64, 0.0..1e6f64),
            took in (0.0..30.0f64, 0.0..30.0f64),
        ) {
            let before = Reading { answered: mono(asked.0 + took.0), ..reading(asked.0, epochs.0) };
            let after = Reading { asked: mono(asked.1), answered: mono(asked.1 + took.1), ..reading(0.0, epochs.1) };
            if let Ok(seconds) = interval(&before, &after) {
                prop_assert!(seconds >= SHORTEST && seconds.is_finite());
                if let Ok(rate) = per_second(counters.0, counters.1, seconds) {
                    prop_assert!(rate.is_finite() && rate >= 0.0);
                    prop_assert!(counters.1 >= counters.0);
                }
            }
        }

        #[test]
        fn an_honest_clock_gives_the_true_rate(grown in 0..1_000_000_000i64, seconds in 0.2..86_400.0f64) {
            let dt = interval(&reading(10.0, 5000.0), &reading(10.0 + seconds, 5000.0 + seconds)).unwrap();
            let rate = per_second(4, 4 + grown, dt).unwrap();
            prop_assert!((rate * seconds - float(grown)).abs() <= 1e-3 * float(grown).max(1.0));
        }
    }
}
