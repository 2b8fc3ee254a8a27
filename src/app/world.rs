//! Everything the program knows, as the panes read it: the newest samples, what went wrong, the state of the
//! connection, the clock of the server. Changed only by [`super::update`], read by everybody below it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::config::Settings;
use crate::model::series::Series;
use crate::pg::server::Server;
use crate::poll::{Cost, Link, TierHealth};
use crate::probe::{Latest, Mono, Probe, Ran, Tier};

/// What is known of one probe.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The last time it was asked, whether it failed or not.
    pub last: Option<Arc<crate::probe::Sample>>,
    /// Why it was not asked the last time it was due.
    pub skipped: Option<&'static str>,
}

/// The server's clock as we know it: an epoch and when it was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServerClock {
    /// Seconds since 1970 by the server's clock.
    pub epoch: f64,
    /// When that answer came.
    pub at: Mono,
}

/// Everything the program knows.
#[derive(Debug)]
pub struct World {
    /// The settings.
    pub settings: Arc<Settings>,
    /// What the user calls this server: profile or service name, else host.
    pub label: String,
    /// The server, once connected; kept while the connection is down.
    pub server: Option<Arc<Server>>,
    /// The state of the connection.
    pub link: Link,
    /// Now.
    pub now: Mono,
    /// The server's clock.
    pub clock: Option<ServerClock>,
    /// The newest good sample of every probe.
    pub latest: Latest,
    /// What is known of every probe that was due once.
    pub asked: BTreeMap<&'static str, Asked>,
    /// The series behind sparklines and rates.
    pub series: Series,
    /// How the tiers keep their budgets.
    pub tiers: BTreeMap<Tier, TierHealth>,
    /// What we cost the server.
    pub cost: Cost,
    /// The role may write and the user said to go on all the same: shown for ever in the header.
    pub privileged: bool,
}

impl World {
    /// An empty world, before the first answer.
    #[must_use]
    pub fn new(settings: Arc<Settings>, label: String) -> Self {
        Self {
            settings,
            label,
            server: None,
            link: Link::Connecting,
            now: Mono::default(),
            clock: None,
            latest: Latest::default(),
            asked: BTreeMap::new(),
            series: Series::default(),
            tiers: BTreeMap::new(),
            cost: Cost::default(),
            privileged: false,
        }
    }

    /// The newest good data of a probe; may be stale, see [`Self::freshness`].
    #[must_use]
    pub fn get<P: Probe>(&self) -> Option<&P::Data> {
        self.latest.get::<P>()
    }

    /// Seconds since 1970 by the server's clock, now.
    #[must_use]
    pub fn server_now(&self) -> Option<f64> {
        self.clock
            .map(|clock| clock.epoch + self.now.since(clock.at).as_secs_f64())
    }

    /// How much a probe's data can be trusted now.
    #[must_use]
    pub fn freshness(&self, probe: &str) -> Freshness {
        let asked = self.asked.get(probe);
        let failed = asked
            .and_then(|asked| asked.last.as_ref())
            .filter(|sample| sample.ran.fault.is_some());
        match self.latest.ran_of(probe) {
            None => match (failed, asked.and_then(|asked| asked.skipped)) {
                (Some(_), _) => Freshness::Failed,
                (None, Some(reason)) => Freshness::Skipped(reason),
                (None, None) => Freshness::Loading,
            },
            Some(ran) => {
                let age = self.now.since(ran.finished());
                if failed.is_some() || !matches!(self.link, Link::Up(_)) || age > self.late_after(probe) {
                    Freshness::Stale(age)
                } else {
                    Freshness::Fresh(age)
                }
            }
        }
    }

    /// The last time a probe was asked.
    #[must_use]
    pub fn last_ran(&self, probe: &str) -> Option<&Ran> {
        self.asked.get(probe)?.last.as_ref().map(|sample| &sample.ran)
    }

    /// An answer older than this is stale: two intervals and the budget.
    fn late_after(&self, probe: &str) -> Duration {
        let tier = crate::probe::entry(probe).map_or(Tier::Hourly, |entry| match &self.server {
            Some(server) => (entry.tier)(server),
            None => entry.spec.tier,
        });
        let pace = self.settings.pace(tier);
        let interval = self.tiers.get(&tier).map_or(pace.interval, |health| health.interval);
        interval * 2 + pace.budget
    }
}

/// How much a panel's data can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Nothing came yet.
    Loading,
    /// Not asked, and why.
    Skipped(&'static str),
    /// Asked and failed, and there is nothing older to show.
    Failed,
    /// Good, and this old.
    Fresh(Duration),
    /// Good once; this old, and not confirmed since.
    Stale(Duration),
}
