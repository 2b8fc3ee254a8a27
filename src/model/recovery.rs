//! How a recovery goes: where its WAL comes from, and how far replay is behind what has come.

use std::collections::VecDeque;

use crate::model::concern::Concern;
use crate::model::rates::{self, Gap, Reading};
use crate::probe::activity::Backend;
use crate::probe::recovery::Recovery;

/// Seconds behind from which it is worth a look, and from which it is a warning.
const BEHIND_S: (f64, f64) = (10.0, 30.0);
/// Samples kept; two hours at the hot tier's pace, after that the steps get coarser.
const KEEP: usize = 3600;

/// Since when this standby has WAL that it has not replayed.
///
/// The age of the newest replayed commit says too much when the primary was idle. What was received by an earlier
/// sample and is not replayed now is a lower bound instead: replay is at least as far behind as that sample is old.
#[derive(Clone, Debug, Default)]
pub struct Unreplayed {
    /// When which position had been received, oldest first; the front is not replayed yet.
    received: VecDeque<(f64, i64)>,
    last: Option<Reading>,
}

impl Unreplayed {
    /// Takes a sample in.
    pub fn observe(&mut self, reading: Reading, recovery: &Recovery) {
        if let Some(last) = self.last {
            match rates::interval(&last, &reading) {
                Ok(_) | Err(Gap::TooSoon) => {}
                Err(_) => self.received.clear(),
            }
        }
        self.last = Some(reading);
        let Some((replayed, bytes)) = recovery.replay_position.zip(recovery.replay_bytes) else {
            self.received.clear();
            return;
        };
        while self.received.front().is_some_and(|(_, received)| *received <= replayed) {
            self.received.pop_front();
        }
        let received = replayed.saturating_add(bytes);
        if bytes > 0 && self.received.back().is_none_or(|(_, before)| *before < received) {
            self.received.push_back((reading.epoch, received));
        }
        if self.received.len() > KEEP {
            let mut nth = 0;
            // The front decides; steps left out make the bound lower, never higher.
            self.received.retain(|_| {
                nth += 1;
                nth % 2 == 1
            });
        }
    }

    /// Replay is at least so many seconds behind; `None` when nothing is left to replay or only one sample is known.
    #[must_use]
    pub fn at_least(&self) -> Option<f64> {
        let (since, _) = self.received.front()?;
        let seconds = self.last?.epoch - since;
        (seconds > 0.0).then_some(seconds)
    }
}

/// Where the WAL comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A WAL receiver.
    Receiver,
    /// Recovery to a target: it ends or stops there.
    PointInTime,
    /// The archive: there is no receiver, and a `restore_command`.
    Archive,
    /// Neither: a standby whose sender is away, or that waits for files in `pg_wal`.
    Nowhere,
}

impl Source {
    /// By receiver and settings.
    #[must_use]
    pub fn of(recovery: &Recovery) -> Self {
        match (recovery.receiver_pid, &recovery.target) {
            (Some(_), _) => Self::Receiver,
            (None, Some(_)) => Self::PointInTime,
            (None, None) if recovery.restores => Self::Archive,
            (None, None) => Self::Nowhere,
        }
    }
}

/// WAL has come through a receiver since the server started, whether there is one now or not.
#[must_use]
pub const fn has_streamed(recovery: &Recovery) -> bool {
    recovery.replay_bytes.is_some()
}

/// Replay is behind by more than it shall be.
#[must_use]
pub fn concern(recovery: &Recovery, at_least: Option<f64>) -> Concern {
    let late = at_least.unwrap_or_default() - recovery.min_apply_delay_s.max(0.0);
    let (notice, warning) = BEHIND_S;
    if late >= warning || Source::of(recovery) == Source::Nowhere {
        Concern::Warning
    } else if late >= notice || recovery.paused == Some(true) {
        Concern::Notice
    } else {
        Concern::Calm
    }
}

/// What the startup process, which replays, waits for, as the server names it, and what that means; `None` if it waits
/// for nothing that is in its way, or for more WAL.
#[must_use]
pub fn obstacle(backends: &[Backend]) -> Option<(String, &'static str)> {
    let startup = backends
        .iter()
        .find(|backend| backend.backend_type.as_deref() == Some("startup"))?;
    let (class, event) = (startup.wait_event_type.as_deref()?, startup.wait_event.as_deref()?);
    let means = match (class, event) {
        ("Lock", _) => "replay waits for a lock that a query on this standby holds: see Locks",
        ("BufferPin", _) | ("IPC", "RecoveryConflictSnapshot" | "RecoveryConflictTablespace") => {
            "replay waits for queries on this standby"
        }
        ("Timeout", "RecoveryApplyDelay") => "replay waits on purpose: recovery_min_apply_delay",
        _ => return None,
    };
    Some((format!("{class}:{event}"), means))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::*;
    use crate::probe::Mono;

    fn reading(second: u32) -> Reading {
        let at = Mono(Duration::from_secs(u64::from(second)));
        Reading {
            epoch: 1e9 + f64::from(second),
            started: 1.0,
            in_recovery: true,
            asked: at,
            answered: at,
        }
    }

    fn recovery(replayed: i64, bytes: i64) -> Recovery {
        Recovery {
            receiver_pid: Some(7),
            replay_position: Some(replayed),
            replay_bytes: Some(bytes),
            ..Recovery::default()
        }
    }

    #[rstest]
    #[case::caught_up(&[(0, 10, 0), (10, 10, 0)], None)]
    #[case::one_sample(&[(0, 10, 5)], None)]
    #[case::stands_still(&[(0, 10, 0), (10, 10, 5), (20, 10, 9), (60, 10, 9)], Some(50.0))]
    #[case::moves_but_lags(&[(0, 10, 100), (10, 50, 100), (20, 109, 91)], Some(20.0))]
    #[case::moves_past_the_first(&[(0, 10, 100), (10, 50, 100), (20, 110, 90), (30, 120, 90)], Some(20.0))]
    #[case::an_idle_primary_before_counts_nothing(&[(0, 10, 0), (3600, 10, 0), (3602, 10, 5), (3604, 10, 5)], Some(2.0))]
    #[case::catches_up(&[(0, 10, 100), (10, 10, 100), (20, 110, 0)], None)]
    fn a_lower_bound_of_the_delay(#[case] samples: &[(u32, i64, i64)], #[case] expected: Option<f64>) {
        let mut unreplayed = Unreplayed::default();
        for (second, replayed, bytes) in samples {
            unreplayed.observe(reading(*second), &recovery(*replayed, *bytes));
        }
        assert_eq!(unreplayed.at_least(), expected);
    }

    #[test]
    fn a_restart_forgets() {
        let mut unreplayed = Unreplayed::default();
        unreplayed.observe(reading(0), &recovery(10, 5));
        let after = Reading {
            started: 2.0,
            ..reading(10)
        };
        unreplayed.observe(after, &recovery(10, 5));
        assert_eq!(unreplayed.at_least(), None);
    }

    #[test]
    fn thinning_out_keeps_the_front() {
        let mut unreplayed = Unreplayed::default();
        for second in 0..5000 {
            unreplayed.observe(reading(second), &recovery(10, i64::from(second) + 1));
        }
        assert!(unreplayed.received.len() <= KEEP);
        assert_eq!(unreplayed.at_least(), Some(4999.0));
    }

    #[test]
    fn a_delay_on_purpose_is_calm() {
        let delayed = Recovery {
            min_apply_delay_s: 600.0,
            ..recovery(10, 5)
        };
        assert_eq!(concern(&delayed, Some(605.0)), Concern::Calm);
        assert_eq!(concern(&delayed, Some(631.0)), Concern::Warning);
        assert_eq!(concern(&recovery(10, 5), Some(12.0)), Concern::Notice);
        let alone = Recovery {
            receiver_pid: None,
            ..recovery(10, 0)
        };
        assert_eq!(
            (Source::of(&alone), concern(&alone, None)),
            (Source::Nowhere, Concern::Warning)
        );
        let archive = Recovery {
            restores: true,
            ..alone
        };
        assert_eq!(
            (Source::of(&archive), concern(&archive, None)),
            (Source::Archive, Concern::Calm)
        );
    }
}
