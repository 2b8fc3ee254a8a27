//! The settings: `raw` is what the file says (every field optional), [`Settings`] is what the program uses
//! (validated, total). A default stands once, next to its field.

use std::time::Duration;

use crate::probe::Tier;

/// Validated settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `[sample_intervals]`: interval and budget of each tier, in [`Tier::ALL`] order.
    pub paces: [Pace; 4],
    /// `timeouts.statement_timeout_ms`: the ceiling for hot and workload probes.
    pub statement_timeout: Duration,
    /// `timeouts.lock_timeout_ms`: below `deadlock_timeout`.
    pub lock_timeout: Duration,
    /// `limits.lock_waiters`: past this many waiters the forest says what it left out.
    pub lock_waiters: u32,
    /// `limits.query_text`: characters of a query text fetched for lists.
    pub query_text: u32,
}

/// Interval and budget of a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How often.
    pub interval: Duration,
    /// How long a round may take.
    pub budget: Duration,
}

impl Settings {
    /// Interval and budget of a tier.
    #[must_use]
    pub fn pace(&self, tier: Tier) -> Pace {
        self.paces[tier as usize]
    }
}

impl Default for Settings {
    fn default() -> Self {
        let pace = |interval, budget| Pace {
            interval: Duration::from_secs(interval),
            budget: Duration::from_secs(budget),
        };
        Self {
            paces: [pace(2, 1), pace(15, 3), pace(600, 10), pace(3600, 60)],
            statement_timeout: Duration::from_secs(3),
            lock_timeout: Duration::from_millis(200),
            lock_waiters: 1000,
            query_text: 1000,
        }
    }
}
