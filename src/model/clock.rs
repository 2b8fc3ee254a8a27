//! Times of the server's clock for people.

use jiff::tz::TimeZone;

/// Shown for a time that is not known.
pub const NO_TIME: &str = "--:--:--";

/// `2026-11-20 14:03:22 UTC`, of seconds since 1970; `None` for a number that is no time.
#[must_use]
pub fn utc(epoch: f64) -> Option<String> {
    Some(timestamp(epoch)?.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// `14:03:22` in a time zone, of seconds since 1970; [`NO_TIME`] for what is no time.
#[must_use]
pub fn time_of_day(epoch: Option<f64>, zone: &TimeZone) -> String {
    let at = epoch.and_then(timestamp).map(|at| at.to_zoned(zone.clone()));
    at.map_or_else(|| NO_TIME.to_owned(), |at| at.strftime("%H:%M:%S").to_string())
}

/// Cut to whole seconds: they are all a person reads.
fn timestamp(epoch: f64) -> Option<jiff::Timestamp> {
    if !(0.0..=1e11).contains(&epoch) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked above")]
    jiff::Timestamp::from_second(epoch.floor() as i64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_cut_and_what_is_none_is_not_shown() {
        assert_eq!(utc(1_763_645_530.9).as_deref(), Some("2025-11-20 13:32:10 UTC"));
        assert_eq!(time_of_day(Some(1_763_645_530.9), &TimeZone::UTC), "13:32:10");
        for epoch in [f64::NAN, f64::INFINITY, 1e300, -1.0] {
            assert_eq!(utc(epoch), None);
            assert_eq!(time_of_day(Some(epoch), &TimeZone::UTC), NO_TIME);
        }
        assert_eq!(time_of_day(None, &TimeZone::UTC), NO_TIME);
    }
}
