//! When we ask: [`schedule`] decides what is due (pure), [`worker`] is the one background task that owns the
//! connections and asks, and these are the messages between it and the program.

pub mod schedule;
mod wire;
pub mod worker;

use std::sync::Arc;
use std::time::Duration;

use crate::pg::fault::Fault;
use crate::pg::privilege::Findings;
use crate::pg::server::Server;
use crate::probe::{Focus, Mono, Sample, Tier};

/// What the program tells the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// What the user looks at has changed; gated probes that are wanted now are asked at once.
    Look(Focus),
    /// Ask these probes now; presses while they are under way do not pile up.
    Now(Vec<&'static str>),
    /// The hot tier's new interval.
    HotInterval(Duration),
    /// The role may write, and the user said to go on all the same.
    GoOn,
    /// Go on in this database of the same server.
    Database(String),
    /// Close the connections and end.
    Quit,
}

/// What the worker tells the program.
#[derive(Clone, Debug)]
pub enum News {
    /// The state of the connection.
    Link(Link),
    /// What the role may write, found out once; polling is held back until [`Order::GoOn`] unless it is nothing.
    Role(Result<Arc<Findings>, Fault>),
    /// The slow connection could not be opened; the storage and hourly tiers wait for it.
    Slow(Fault),
    /// The other database cannot be had, and why; the session goes on in the one it was in.
    NotSwitched {
        /// The database that was asked for.
        database: String,
        /// Why.
        fault: Fault,
    },
    /// An answer, good or bad.
    Sample(Arc<Sample>),
    /// A probe was not asked, and why.
    Skipped {
        /// [`crate::probe::Spec::id`].
        probe: &'static str,
        /// The reason, a sentence.
        reason: &'static str,
    },
    /// How a tier keeps its budget.
    Tier(TierHealth),
    /// What we have cost the server so far.
    Cost(Cost),
}

/// The state of the connection to the server.
#[derive(Clone, Debug)]
pub enum Link {
    /// The first attempt is under way.
    Connecting,
    /// Not connected; `since` is when the last good answer came, `None` if there never was one.
    Down {
        /// Why.
        fault: Fault,
        /// When the connection was lost.
        since: Option<Mono>,
        /// When the next attempt starts; `None` while it is under way.
        retry_at: Option<Mono>,
        /// How many attempts failed.
        attempts: u32,
    },
    /// Connected.
    Up(Arc<Server>),
}

/// How a tier keeps its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierHealth {
    /// Which tier.
    pub tier: Tier,
    /// How long its last complete round took.
    pub took: Duration,
    /// Its budget.
    pub budget: Duration,
    /// The interval it really runs at: stretched while it is over its budget.
    pub interval: Duration,
}

impl TierHealth {
    /// Over its budget, and therefore asked less often.
    #[must_use]
    pub fn degraded(&self) -> bool {
        self.took > self.budget
    }
}

/// What this program has cost the server, as seen from here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Statements sent since the start.
    pub statements: u64,
    /// Of these, failed.
    pub failed: u64,
    /// Time the server was busy with them, network included: an upper bound.
    pub busy: Duration,
    /// Connections held open now.
    pub connections: u8,
    /// Connections opened since the start.
    pub opened: u32,
}
