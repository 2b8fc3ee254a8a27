//! Whether a series is out of its ordinary: what it does now against what it did before in this session.
//!
//! The ordinary is the mean and the standard deviation of a window that ends before the surge begins. A surge that has
//! lasted for a while must not become its own measure, so the beginning is looked for: the window is moved back, a step
//! at a time, as long as every step since then is out of the ordinary before it. What has lasted as long as the window
//! is wide is no surge any more, it is the new ordinary. Between the steps and the window one step is left out: a surge
//! does not begin where a step does.

use std::time::Duration;

use super::series::{Moments, Series};
use crate::probe::Mono;

/// The share of the window that has to be known.
const KNOWN: f64 = 0.8;
/// Readings it has to hold: as many as come in four fifths of five minutes at one in 15 seconds.
const READINGS: usize = 16;
/// The share of a step that has to be known for the step to count.
const KNOWN_STEP: f64 = 0.5;

/// Which way is out of the ordinary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Above it.
    Rise,
    /// Below it.
    Fall,
}

/// What is compared with what.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Watch {
    /// The length of the window that tells the ordinary.
    pub window: Duration,
    /// How long "now" is; the window ends two of it ago at the latest.
    pub step: Duration,
    /// Standard deviations that are still ordinary.
    pub sigmas: f64,
    /// A difference that is still ordinary, in the unit of the series: what is constant has no deviation, and any
    /// change of it would be out of the ordinary.
    pub floor: f64,
    /// Which way.
    pub way: Way,
}

impl Watch {
    /// Surges above three standard deviations, measured minute by minute.
    #[must_use]
    pub const fn surge(window: Duration, floor: f64) -> Self {
        Self {
            window,
            step: Duration::from_mins(1),
            sigmas: 3.0,
            floor,
            way: Way::Rise,
        }
    }

    /// Falls below three standard deviations, measured minute by minute.
    #[must_use]
    pub const fn fall(window: Duration, floor: f64) -> Self {
        Self {
            way: Way::Fall,
            ..Self::surge(window, floor)
        }
    }

    /// The last value that is ordinary.
    #[must_use]
    pub fn limit(&self, ordinary: &Moments) -> f64 {
        let slack = (ordinary.deviation * self.sigmas).max(self.floor);
        match self.way {
            Way::Rise => ordinary.mean + slack,
            Way::Fall => ordinary.mean - slack,
        }
    }

    /// That value is out of the ordinary.
    #[must_use]
    pub fn beyond(&self, value: f64, limit: f64) -> bool {
        match self.way {
            Way::Rise => value > limit,
            Way::Fall => value < limit,
        }
    }
}

/// What a series does now against its ordinary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// Its mean over the last step.
    pub now: f64,
    /// The ordinary: of before the surge, if there is one.
    pub ordinary: Moments,
    /// The last value that is ordinary, see [`Watch::limit`].
    pub limit: f64,
    /// For how long it has been out of the ordinary, in whole steps, the one it began in included; `None` if it is not.
    pub lasts: Option<Duration>,
}

/// Why nothing can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// Not enough was seen yet: it takes so long, if nothing is missed.
    NotYet(Duration),
    /// Readings are too far apart for this window, or too many are gaps.
    TooFew,
    /// Nothing is known of the last step.
    NoNow,
}

/// What a series does now against its ordinary.
///
/// # Errors
/// Why nothing can be said.
pub fn standing(series: &Series, name: &str, now: Mono, watch: &Watch) -> Result<Standing, Unknown> {
    let latest = step(series, name, now, watch, 0).ok_or(Unknown::NoNow)?;
    let ordinary = ordinary(series, name, now, watch, 2)?;
    let limit = watch.limit(&ordinary);
    let mut standing = Standing {
        now: latest,
        ordinary,
        limit,
        lasts: None,
    };
    // The step nearest to the ordinary of those since the window's end.
    let mut nearest = latest;
    let steps = watch.window.as_secs().div_ceil(watch.step.as_secs().max(1));
    for steps in 1..=u32::try_from(steps).unwrap_or(u32::MAX) {
        let first = step(series, name, now, watch, steps - 1);
        nearest = match watch.way {
            Way::Rise => nearest.min(first.unwrap_or(nearest)),
            Way::Fall => nearest.max(first.unwrap_or(nearest)),
        };
        let Ok(ordinary) = self::ordinary(series, name, now, watch, steps.saturating_add(1)) else {
            break;
        };
        let limit = watch.limit(&ordinary);
        if first.is_some() && watch.beyond(nearest, limit) {
            standing = Standing {
                ordinary,
                limit,
                lasts: Some(watch.step * steps),
                ..standing
            };
        }
    }
    Ok(standing)
}

/// The mean of the step that ended so many steps ago.
fn step(series: &Series, name: &str, now: Mono, watch: &Watch, ago: u32) -> Option<f64> {
    let (to, from) = (watch.step * ago, watch.step * ago.saturating_add(1));
    let moments = series.moments(name, now, from, to)?;
    (moments.seconds >= watch.step.as_secs_f64() * KNOWN_STEP).then_some(moments.mean)
}

/// The ordinary of the window that ended so many steps ago.
fn ordinary(series: &Series, name: &str, now: Mono, watch: &Watch, ago: u32) -> Result<Moments, Unknown> {
    let to = watch.step * ago;
    let moments = series.moments(name, now, to + watch.window, to);
    let wanted = watch.window.as_secs_f64() * KNOWN;
    let known = moments.map_or(0.0, |moments| moments.seconds);
    match moments {
        Some(moments) if known >= wanted && moments.readings >= READINGS => Ok(moments),
        _ => {
            let seen = series.reach(name, now).saturating_sub(to);
            let all = watch.window.mul_f64(KNOWN);
            // Once the window lies within the session, waiting does not help.
            match all.checked_sub(seen) {
                Some(wait) if !wait.is_zero() => Err(Unknown::NotYet(wait)),
                _ if known < wanted => Err(missed(watch, wanted - known)),
                _ => Err(Unknown::TooFew),
            }
        }
    }
}

/// How long it takes to know what was missed in a session that is old enough; never longer than the window.
fn missed(watch: &Watch, seconds: f64) -> Unknown {
    Duration::try_from_secs_f64(seconds).map_or(Unknown::TooFew, |wait| Unknown::NotYet(wait.min(watch.window)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WATCH: Watch = Watch::surge(Duration::from_mins(15), 10.0);

    fn at(seconds: f64) -> Mono {
        Mono(Duration::from_secs_f64(seconds))
    }

    /// A rate every `every` seconds, from its formula.
    fn rates(until: u32, every: u32, rate: impl Fn(u32) -> Option<f64>) -> Series {
        let mut series = Series::default();
        let mut second = every;
        while second <= until {
            series.push_span("x", at(f64::from(second)), f64::from(every), rate(second));
            second += every;
        }
        series
    }

    fn wavy(second: u32) -> f64 {
        100.0 + 10.0 * f64::from(second % 20 / 10)
    }

    fn lasts(until: u32, every: u32, rate: impl Fn(u32) -> Option<f64>) -> Option<Duration> {
        let series = rates(until, every, rate);
        standing(&series, "x", at(f64::from(until)), &WATCH).unwrap().lasts
    }

    #[test]
    fn a_surge_is_held_until_it_ends_and_tells_since_when() {
        for every in [1, 2, 15] {
            let surge = |second| Some(if second > 3600 { 1000.0 } else { wavy(second) });
            assert_eq!(lasts(3600, every, surge), None);
            for minutes in [1u32, 2, 5, 10, 14] {
                let lasted = lasts(3600 + 60 * minutes, every, surge);
                let least = Duration::from_mins(minutes.into());
                // The points of long ago are merged, across the beginning too.
                let most = least + if every == 1 { WATCH.step } else { Duration::ZERO };
                assert!(
                    lasted.is_some_and(|lasted| lasted >= least && lasted <= most),
                    "every {every} s: {lasted:?}"
                );
            }
            assert_eq!(lasts(3600 + 2400, every, surge), None, "the new ordinary");
            let over = |second| {
                Some(if (3601..=3900).contains(&second) {
                    1000.0
                } else {
                    wavy(second)
                })
            };
            assert_eq!(lasts(3960, every, over), None, "it is over");
        }
    }

    #[test]
    fn a_fall_is_the_same_upside_down() {
        let watch = Watch::fall(Duration::from_mins(15), 5.0);
        let series = rates(3000, 2, |second| Some(if second > 2400 { 60.0 } else { 99.0 }));
        let known = standing(&series, "x", at(3000.0), &watch).unwrap();
        assert_eq!(known.lasts, Some(Duration::from_mins(10)));
        assert_eq!((known.now, known.ordinary.mean, known.limit), (60.0, 99.0, 94.0));
        let series = rates(3000, 2, |second| Some(if second > 2400 { 100.0 } else { 70.0 }));
        assert_eq!(
            standing(&series, "x", at(3000.0), &watch).unwrap().lasts,
            None,
            "a rise"
        );
    }

    #[test]
    fn what_is_constant_needs_the_floor() {
        assert_eq!(
            lasts(2000, 2, |second| Some(if second > 1900 { 9.9 } else { 0.0 })),
            None
        );
        assert!(lasts(2000, 2, |second| Some(if second > 1900 { 10.1 } else { 0.0 })).is_some());
    }

    #[test]
    fn a_surge_is_seen_all_the_time_whenever_it_began() {
        for (window, every) in [(5u64, 2), (5, 15), (15, 2), (15, 15)] {
            let watch = Watch::surge(Duration::from_mins(window), 10.0);
            for seconds in (60..60 * u32::try_from(window).unwrap()).step_by(15) {
                let now = 3600 + seconds;
                let series = rates(now, every, |second| {
                    Some(if second > 3600 { 200.0 } else { wavy(second) })
                });
                let known = standing(&series, "x", at(f64::from(now)), &watch).unwrap();
                let minutes = known.lasts.unwrap_or_default().as_secs() / 60;
                let (whole, begun) = (u64::from(seconds / 60), u64::from(seconds.div_ceil(60)));
                assert!(
                    (whole..=begun).contains(&minutes),
                    "{watch:?} after {seconds} s: {minutes}"
                );
                assert!(known.ordinary.mean < 110.0 && known.limit < 130.0, "{known:?}");
            }
        }
    }

    #[test]
    fn one_peak_is_no_surge_after_its_minute() {
        let peak = |second| {
            Some(if (1981..=1990).contains(&second) {
                5000.0
            } else {
                wavy(second)
            })
        };
        assert!(lasts(2000, 2, peak).is_some());
        assert_eq!(lasts(2060, 2, peak), None);
        assert_eq!(lasts(2120, 2, peak), None);
    }

    #[test]
    fn what_comes_back_every_five_minutes_is_ordinary() {
        // A checkpoint: half a minute of full pages.
        let waves = |second: u32| Some(if second % 300 < 30 { 300.0 } else { 100.0 });
        for until in (2400..4800).step_by(30) {
            assert_eq!(lasts(until, 2, waves), None, "at {until}");
        }
    }

    #[test]
    fn nothing_is_said_before_enough_is_known() {
        let ask = |series: &Series, now: f64| standing(series, "x", at(now), &WATCH);
        assert_eq!(ask(&Series::default(), 5.0), Err(Unknown::NoNow));
        let series = rates(300, 2, |_| Some(1.0));
        assert_eq!(ask(&series, 300.0), Err(Unknown::NotYet(Duration::from_mins(9))));
        assert_eq!(ask(&series, 400.0), Err(Unknown::NoNow), "no answer for 100 s");
        assert!(ask(&rates(838, 2, |_| Some(1.0)), 838.0).is_err());
        assert!(ask(&rates(840, 2, |_| Some(1.0)), 840.0).is_ok());
        let outage = rates(2000, 2, |second| (!(1000..1900).contains(&second)).then_some(1.0));
        assert!(matches!(ask(&outage, 2000.0), Err(Unknown::NotYet(wait)) if wait < WATCH.window));
        let rare = rates(3600, 60, |_| Some(1.0));
        assert_eq!(
            standing(&rare, "x", at(3600.0), &Watch::surge(Duration::from_mins(10), 1.0)),
            Err(Unknown::TooFew)
        );
    }

    #[test]
    fn a_gap_in_a_surge_does_not_end_it() {
        let holes = |second: u32| match second {
            2101..=2160 => None,
            2041.. => Some(1000.0),
            _ => Some(100.0),
        };
        assert_eq!(lasts(2280, 2, holes), Some(Duration::from_mins(4)));
    }

    proptest! {
        #[test]
        fn noise_within_the_floor_is_never_a_surge(
            noise in proptest::collection::vec(0.0..10.0f64, 450..900), base in 0.0..1e6f64,
        ) {
            let mut series = Series::default();
            for (nth, more) in (1u32..).zip(&noise) {
                series.push_span("x", at(f64::from(2 * nth)), 2.0, Some(base + more));
            }
            let end = series.reach("x", Mono::default());
            prop_assert_eq!(end, Duration::ZERO);
            let now = at(2.0 * f64::from(u32::try_from(noise.len()).unwrap()));
            let known = standing(&series, "x", now, &WATCH);
            prop_assert_eq!(known.map(|known| known.lasts), Ok(None));
        }

        #[test]
        fn a_step_far_beyond_is_found_whatever_the_noise(
            noise in proptest::collection::vec(0.0..100.0f64, 600..800), steps in 1..14u32,
        ) {
            let mut series = Series::default();
            let all = u32::try_from(noise.len()).unwrap();
            let begins = 2 * all - 60 * steps;
            for (nth, more) in (1u32..).zip(&noise) {
                let level = if 2 * nth > begins { 10_000.0 } else { 0.0 };
                series.push_span("x", at(f64::from(2 * nth)), 2.0, Some(level + more));
            }
            let known = standing(&series, "x", at(f64::from(2 * all)), &WATCH);
            // So early in a session the window before the beginning may not be known.
            if f64::from(begins) - 60.0 >= 0.8 * 900.0 {
                prop_assert_eq!(known.unwrap().lasts, Some(Duration::from_secs(60 * u64::from(steps))));
            }
        }
    }
}
