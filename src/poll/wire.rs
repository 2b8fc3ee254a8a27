//! One of the worker's connections: whether it is open, busy or free, and when the next attempt starts.

use std::time::Duration;

use crate::pg::fault::Fault;
use crate::pg::session::{Lane, Session};
use crate::probe::{Mono, Tier};

/// The longest pause between two attempts to connect.
const MOST_PAUSE: Duration = Duration::from_secs(10);
/// While only a slot is missing, or the server starts: often enough to get in the moment we can.
const WAITING_PAUSE: Duration = Duration::from_secs(2);

/// What a connection is doing.
pub(super) enum State {
    /// Not open; the next attempt starts then.
    Down { retry_at: Mono },
    /// An attempt, or a statement, is under way.
    Busy,
    /// Free.
    Idle(Box<Session>),
}

/// A connection of the worker.
pub(super) struct Wire {
    pub(super) lane: Lane,
    pub(super) tiers: &'static [Tier],
    pub(super) state: State,
    /// Attempts that failed since it was open last.
    pub(super) attempts: u32,
    /// The backend of the open session.
    pub(super) pid: Option<i32>,
}

impl Wire {
    /// A connection that is to be opened now.
    pub(super) fn new(lane: Lane, tiers: &'static [Tier], now: Mono) -> Self {
        Self {
            lane,
            tiers,
            state: State::Down { retry_at: now },
            attempts: 0,
            pid: None,
        }
    }

    /// The free session, which is busy from now on.
    pub(super) fn take(&mut self) -> Option<Box<Session>> {
        match std::mem::replace(&mut self.state, State::Busy) {
            State::Idle(session) => Some(session),
            other => {
                self.state = other;
                None
            }
        }
    }

    /// A session was opened.
    pub(super) fn up(&mut self, session: &Session) {
        self.attempts = 0;
        self.pid = Some(session.pid());
    }

    /// The session is gone, or an attempt failed; returns when the next one starts.
    pub(super) fn down(&mut self, fault: &Fault, now: Mono) -> Mono {
        self.attempts = self.attempts.saturating_add(1);
        let retry_at = Mono(now.0 + pause(fault, self.attempts));
        self.retry(retry_at);
        retry_at
    }

    /// The next attempt starts then.
    pub(super) fn retry(&mut self, retry_at: Mono) {
        self.pid = None;
        self.state = State::Down { retry_at };
    }
}

/// How long until the next attempt: half a second after a break, then doubling up to ten.
fn pause(fault: &Fault, attempts: u32) -> Duration {
    if fault.waits() {
        return WAITING_PAUSE;
    }
    (Duration::from_millis(250) * (1 << attempts.min(8))).min(MOST_PAUSE)
}
