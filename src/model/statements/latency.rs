//! Percentiles out of a histogram: it tells between which bounds they lie, and no more.

use crate::model::rates;
use crate::probe::statement_latency::Histogram;

/// Between which durations a percentile lies, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Between {
    /// It took longer than this.
    pub above: f64,
    /// And at most this; infinite beyond the last bound.
    pub upto: f64,
}

/// How many executions a histogram holds.
#[must_use]
pub fn executions(histogram: &Histogram) -> i64 {
    rates::total(histogram.calls.iter().map(|calls| (*calls).max(0)))
}

/// Where the percentile lies, `share` from 0 to 1: the bounds of the first class up to which at least that share of the
/// executions are. `None` without executions, and where counts and bounds do not belong together.
#[must_use]
pub fn percentile(histogram: &Histogram, share: f64) -> Option<Between> {
    let all = executions(histogram);
    if all <= 0 || histogram.calls.len() != histogram.bounds.len() {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a share of a count")]
    let wanted = share * all as f64;
    let (mut seen, mut above) = (0_i64, 0.0);
    for (calls, upto) in histogram.calls.iter().zip(&histogram.bounds) {
        seen = seen.saturating_add((*calls).max(0));
        #[expect(clippy::cast_precision_loss, reason = "a share of a count")]
        let reached = seen as f64 >= wanted;
        if reached && *calls > 0 {
            return Some(Between { above, upto: *upto });
        }
        above = *upto;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn histogram(calls: &[i64]) -> Histogram {
        Histogram {
            bounds: vec![1.0, 2.0, 4.0, f64::INFINITY],
            calls: calls.to_vec(),
            since: None,
        }
    }

    #[test]
    fn a_percentile_lies_in_the_class_that_reaches_it() {
        let calls = histogram(&[90, 5, 4, 1]);
        let of = |share| percentile(&calls, share).unwrap();
        assert_eq!(of(0.5), Between { above: 0.0, upto: 1.0 });
        assert_eq!(of(0.95), Between { above: 1.0, upto: 2.0 });
        assert_eq!(of(0.99), Between { above: 2.0, upto: 4.0 });
        assert!(of(1.0).upto.is_infinite());
        let none_below = percentile(&histogram(&[0, 0, 7, 0]), 0.0);
        assert_eq!(none_below, Some(Between { above: 2.0, upto: 4.0 }));
        assert_eq!(percentile(&histogram(&[0; 4]), 0.95), None);
        assert_eq!(percentile(&histogram(&[1, 2]), 0.95), None, "made under other bounds");
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_sorted_executions(
            durations in proptest::collection::vec(0.01..8.0f64, 1..200), share in 0.01..1.0f64,
        ) {
            let mut calls = [0_i64; 4];
            let bounds = [1.0, 2.0, 4.0, f64::INFINITY];
            for duration in &durations {
                calls[bounds.iter().position(|bound| duration <= bound).unwrap()] += 1;
            }
            let mut sorted = durations.clone();
            sorted.sort_by(f64::total_cmp);
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few")]
            let nth = ((share * sorted.len() as f64).ceil() as usize).clamp(1, sorted.len());
            let true_one = sorted[nth - 1];
            let found = percentile(&histogram(&calls), share).unwrap();
            prop_assert!(found.above < true_one && true_one <= found.upto, "{found:?} {true_one}");
        }
    }
}
