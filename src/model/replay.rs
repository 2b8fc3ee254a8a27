//! How long a standby's replay has stood still, out of several samples of the primary.
//!
//! `pg_stat_replication.replay_lag` is measured when replay passes a position that was noted before: while replay
//! stands still (paused, or a reader is in its way) it keeps its last, small value. A standby that has still WAL to
//! replay and reports the same position again is at least as far behind as the time between; nothing else is known.

use std::collections::BTreeMap;

use crate::model::rates::{self, Gap, Reading};
use crate::probe::Ran;
use crate::probe::replication::Sender;

/// How far behind a standby is in time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Delay {
    /// Seconds it reported while replay moved.
    Reported(f64),
    /// Replay stands still: at least so many seconds.
    AtLeast(f64),
}

/// The replay positions of all standbys as they were seen.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    standbys: BTreeMap<(i32, i64), Seen>,
}

/// What was seen of one walsender.
#[derive(Clone, Copy, Debug)]
struct Seen {
    position: Option<i64>,
    reply: Option<i64>,
    /// The newest sample.
    last: Reading,
    /// The first sample that had this reply.
    replied: f64,
    /// The first sample that had WAL beyond this position.
    behind: Option<f64>,
    /// Until then the standby has said that it is still there.
    until: f64,
    /// It was elsewhere in the sample before.
    moved: bool,
}

impl Replay {
    /// Takes a sample in; forgets the walsenders that are gone.
    pub fn observe(&mut self, ran: &Ran, senders: &[Sender]) {
        let before = std::mem::take(&mut self.standbys);
        self.standbys = senders
            .iter()
            .map(|sender| {
                let key = (sender.pid, sender.start);
                (key, Seen::next(before.get(&key), sender, ran))
            })
            .collect();
    }

    /// How far behind it is; `None` where one sample, or one report of the standby, does not tell.
    #[must_use]
    pub fn delay(&self, sender: &Sender) -> Option<Delay> {
        let reported = sender.replay_s.map(Delay::Reported);
        if sender.replay_bytes.is_none_or(|bytes| bytes <= 0) {
            return reported;
        }
        let seen = self.standbys.get(&(sender.pid, sender.start))?;
        if seen.moved {
            return reported;
        }
        let seconds = seen.until - seen.behind?;
        (seconds > 0.0).then_some(Delay::AtLeast(seconds))
    }

    /// For how many seconds it was seen without a new reply, by our samples: its own clock may be wrong.
    #[must_use]
    pub fn silent(&self, sender: &Sender) -> Option<f64> {
        let seen = self.standbys.get(&(sender.pid, sender.start))?;
        seen.reply.map(|_| seen.last.epoch - seen.replied)
    }
}

impl Seen {
    fn next(before: Option<&Self>, sender: &Sender, ran: &Ran) -> Self {
        // One incarnation of the server is what a walsender's key stands for already.
        let now = Reading::new(sender.epoch, 0.0, false, ran);
        let here = Self {
            position: sender.replay_position,
            reply: sender.reply_us,
            last: now,
            replied: now.epoch,
            behind: sender.replay_bytes.filter(|bytes| *bytes > 0).map(|_| now.epoch),
            until: now.epoch,
            moved: false,
        };
        let Some(before) = before else { return here };
        match rates::interval(&before.last, &now) {
            Err(Gap::TooSoon) if before.position == here.position => return *before,
            Ok(_) | Err(Gap::TooSoon) => {}
            Err(_) => return here,
        }
        let here = Self {
            replied: if before.reply == here.reply {
                before.replied
            } else {
                here.replied
            },
            ..here
        };
        if before.position != here.position {
            return Self { moved: true, ..here };
        }
        Self {
            behind: here.behind.and(before.behind).or(here.behind),
            // A new report was under way at the earliest when the sample before was taken.
            until: if before.reply == here.reply {
                before.until
            } else {
                before.last.epoch
            },
            ..here
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::*;
    use crate::pg::server::Server;
    use crate::probe::replication::ReplicationProbe;
    use crate::probe::{Mono, Probe};

    /// Second of the sample, replay position, bytes behind it, number of the standby's report.
    type Look = (u32, i64, i64, i64);

    fn sender((second, position, bytes, reply): Look) -> Sender {
        Sender {
            pid: 7,
            start: 1,
            epoch: 1_795_000_000.0 + f64::from(second),
            replay_position: Some(position),
            replay_bytes: Some(bytes),
            reply_us: Some(reply),
            replay_s: Some(0.355),
            ..Sender::default()
        }
    }

    fn ran(second: u32) -> Ran {
        Ran {
            started: Mono(Duration::from_secs(u64::from(second))),
            took: Duration::ZERO,
            rows: 1,
            ..Ran::of(&ReplicationProbe::SPEC, &Server::default())
        }
    }

    fn delay(looks: &[Look]) -> Option<Delay> {
        let mut replay = Replay::default();
        for look in looks {
            replay.observe(&ran(look.0), &[sender(*look)]);
        }
        replay.delay(&sender(*looks.last()?))
    }

    #[test]
    fn silence_is_counted_by_our_samples() {
        let mut replay = Replay::default();
        for look in [(0, 10, 0, 1), (2, 10, 0, 2), (40, 10, 0, 2), (92, 10, 5, 2)] {
            replay.observe(&ran(look.0), &[sender(look)]);
        }
        assert_eq!(replay.silent(&sender((92, 10, 5, 2))), Some(90.0));
    }

    #[rstest]
    #[case::one_sample_tells_nothing(&[(0, 10, 500, 1)], None)]
    #[case::caught_up(&[(0, 10, 0, 1)], Some(Delay::Reported(0.355)))]
    #[case::moving(&[(0, 10, 500, 1), (2, 20, 500, 2)], Some(Delay::Reported(0.355)))]
    #[case::no_report_since(&[(0, 10, 500, 1), (2, 10, 500, 1), (4, 10, 500, 1)], None)]
    #[case::stands(&[(0, 10, 500, 1), (2, 10, 500, 2), (4, 10, 600, 3)], Some(Delay::AtLeast(2.0)))]
    #[case::stands_for_long(&[(0, 9, 0, 1), (2, 10, 9, 2), (4, 10, 9, 3), (60, 10, 9, 4), (62, 10, 9, 5)], Some(Delay::AtLeast(58.0)))]
    #[case::idle_before(&[(0, 10, 0, 1), (3600, 10, 0, 2), (3602, 10, 500, 3), (3604, 10, 500, 4), (3606, 10, 500, 5)], Some(Delay::AtLeast(2.0)))]
    #[case::goes_on(&[(0, 10, 500, 1), (2, 10, 500, 2), (4, 10, 500, 3), (6, 11, 500, 4)], Some(Delay::Reported(0.355)))]
    fn what_is_known_of_a_delay(#[case] looks: &[Look], #[case] expected: Option<Delay>) {
        assert_eq!(delay(looks), expected);
    }
}
