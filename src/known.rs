//! What is known of the server: the newest answer of every probe, what several of them mean together, the state of
//! the connection, the clock. Panes, alert rules and everything without a terminal read this; it knows nothing of any.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::config::Settings;
use crate::model::locks::{self, Forest, beside};
use crate::model::partitions::{self, Parent};
use crate::model::series::Series;
use crate::model::sighted::Sighted;
use crate::model::statements::Workload;
use crate::pg::fault::Fault;
use crate::pg::privilege;
use crate::pg::server::Server;
use crate::poll::{Link, TierHealth};
use crate::probe::activity::Activity;
use crate::probe::locks::{Locks, Tag};
use crate::probe::partitions::PartitionsProbe;
use crate::probe::prepared::PreparedXacts;
use crate::probe::pulse::{Pulse, PulseProbe};
use crate::probe::statement_texts::StatementTexts;
use crate::probe::statements::StatementsProbe;
use crate::probe::{Demand, Latest, Mono, Probe, Ran, Sample, Tier};

/// What is known of one probe.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The last time it was asked, whether it failed or not.
    pub last: Option<Arc<Sample>>,
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

/// The answers as they came, literals and all: [`Known::redact`] shows them again or takes them out of sight.
#[derive(Clone, Debug, Default)]
struct Originals {
    /// The newest good one of every probe.
    good: Latest,
    /// The last one of every probe.
    last: BTreeMap<&'static str, Arc<Sample>>,
}

/// What is known. Samples are shared, so a clone is cheap.
#[derive(Clone, Debug)]
pub struct Known {
    /// The settings.
    pub settings: Arc<Settings>,
    /// The server, once connected; kept while the connection is down.
    pub server: Option<Arc<Server>>,
    /// The state of the connection.
    pub link: Link,
    /// Now.
    pub now: Mono,
    /// The server's clock.
    pub clock: Option<ServerClock>,
    /// The newest good sample of every probe; without the literals of query texts while [`Self::redacts`].
    pub latest: Latest,
    originals: Originals,
    redacts: bool,
    /// Who waits for whom by the newest answer about locks; built once an answer, read by every view.
    pub forest: Option<Arc<Forest>>,
    /// The partitioned tables by the newest answer; read once an answer, since very many take a while.
    pub partitioned: Option<Arc<Vec<Parent>>>,
    /// Since when sessions have been seen waiting for a lock.
    pub waits: Sighted<Tag>,
    /// Since when commits have been seen waiting for a synchronous standby.
    pub commits: Sighted<()>,
    /// What statements cost: since the reading before, the mark and the reset.
    pub workload: Workload,
    /// What is known of every probe that was due once.
    pub asked: BTreeMap<&'static str, Asked>,
    /// The series behind sparklines and rates.
    pub series: Series,
    /// How the tiers keep their budgets.
    pub tiers: BTreeMap<Tier, TierHealth>,
    /// Why the slow connection is not open, while it is not.
    pub slow_down: Option<Fault>,
}

impl Known {
    /// Nothing, before the first answer. Query texts are redacted as the settings say.
    #[must_use]
    pub fn new(settings: Arc<Settings>) -> Self {
        Self {
            redacts: settings.redact_sql_text,
            originals: Originals::default(),
            settings,
            server: None,
            link: Link::Connecting,
            now: Mono::default(),
            clock: None,
            latest: Latest::default(),
            forest: None,
            partitioned: None,
            waits: Sighted::default(),
            commits: Sighted::default(),
            workload: Workload::default(),
            asked: BTreeMap::new(),
            series: Series::default(),
            tiers: BTreeMap::new(),
            slow_down: None,
        }
    }

    /// The connection is in another state. What was said before about what could not be asked holds no longer.
    pub fn set_link(&mut self, link: Link) {
        if let Link::Up(server) = &link {
            for asked in self.asked.values_mut() {
                asked.skipped = None;
            }
            self.slow_down = None;
            self.server = Some(Arc::clone(server));
        }
        self.link = link;
    }

    /// Query texts are known without their literals.
    #[must_use]
    pub const fn redacts(&self) -> bool {
        self.redacts
    }

    /// Takes the literals of query texts out of everything that is known and of what will come, or puts them back. It
    /// is done here, where answers come in, so that nothing that reads them can forget it.
    pub fn redact(&mut self, redacts: bool) {
        self.redacts = redacts;
        for (probe, original) in &self.originals.last {
            if let Some(asked) = self.asked.get_mut(probe) {
                asked.last = Some(shown(original, redacts));
            }
        }
        for original in self.originals.good.samples() {
            self.latest.keep(&shown(original, redacts));
        }
        self.rebuild(Locks::SPEC.id);
    }

    /// What a view has kept of an older answer, as it is to be shown now: literals that were taken over before go. They
    /// do not come back.
    pub fn cover<P: Probe>(&self, kept: &mut P::Data) {
        if let Some(redacted) = self.redacts.then(|| P::redacted(kept)).flatten() {
            *kept = redacted;
        }
    }

    /// An answer came, good or not.
    pub fn take(&mut self, original: &Arc<Sample>) {
        self.originals.good.keep(original);
        self.originals.last.insert(original.ran.probe, Arc::clone(original));
        let sample = &shown(original, self.redacts);
        let asked = self.asked.entry(sample.ran.probe).or_default();
        asked.skipped = None;
        asked.last = Some(Arc::clone(sample));
        if self.waits_for_slow(sample.ran.probe).is_some() {
            self.slow_down = None;
        }
        self.latest.keep(sample);
        if sample.data.is_some() {
            self.rebuild(sample.ran.probe);
            self.count(original);
            self.set_clock(sample);
            if let Some(server) = &self.server {
                self.series.observe(sample, &self.latest, server);
            }
        }
    }

    /// The pulse carries the server's clock; half of its round trip has passed since it was read.
    fn set_clock(&mut self, sample: &Sample) {
        if let Some(pulse) = sample.data.as_deref().and_then(|data| data.downcast_ref::<Pulse>()) {
            let at = Mono(sample.ran.started.0 + sample.ran.took / 2);
            self.clock = Some(ServerClock { epoch: pulse.epoch, at });
        }
    }

    /// The session goes on in another database: only what is about the connection is kept.
    pub fn forget(&mut self) {
        let old = std::mem::replace(self, Self::new(Arc::clone(&self.settings)));
        *self = Self {
            server: old.server,
            link: old.link,
            now: old.now,
            clock: old.clock,
            tiers: old.tiers,
            redacts: old.redacts,
            ..Self::new(old.settings)
        };
    }

    /// A probe was due and not asked, for this reason: there is nothing to know, and what it said before is forgotten.
    pub fn skip(&mut self, probe: &'static str, reason: &'static str) {
        self.asked.entry(probe).or_default().skipped = Some(reason);
        self.latest.forget(probe);
        self.originals.good.forget(probe);
        self.rebuild(probe);
        if probe == StatementsProbe::SPEC.id {
            self.workload.forget();
        }
    }

    /// Takes what statements cost into account, and their texts where those cannot be asked for.
    fn count(&mut self, sample: &Arc<Sample>) {
        if sample.ran.probe == StatementsProbe::SPEC.id {
            self.workload.observe(sample);
        } else if sample.ran.probe == Activity::SPEC.id
            && self.texts_fail()
            && let Some(backends) = self.originals.good.get::<Activity>()
        {
            self.workload.observe_texts(backends);
        }
    }

    /// The texts of statements could not be read the last time they were asked for.
    #[must_use]
    pub fn texts_fail(&self) -> bool {
        self.last_ran(StatementTexts::SPEC.id)
            .is_some_and(|ran| ran.fault.is_some())
    }

    /// Builds again what comes from that probe's answers.
    fn rebuild(&mut self, probe: &str) {
        if [Locks::SPEC.id, PreparedXacts::SPEC.id].contains(&probe) {
            let prepared = self.get::<PreparedXacts>().map_or(&[][..], Vec::as_slice);
            let forest = self.get::<Locks>().map(|sample| locks::forest(sample, prepared));
            self.forest = forest.map(Arc::new);
        } else if probe == PartitionsProbe::SPEC.id {
            let answer = self.get::<PartitionsProbe>();
            let read = answer.map(|answer| partitions::read(answer, &TimeZone::system()));
            self.partitioned = read.map(Arc::new);
        }
        if probe == Locks::SPEC.id {
            self.sight_waits();
        } else if probe == Activity::SPEC.id {
            self.sight_commits();
        }
    }

    /// Remembers who waits for which lock.
    fn sight_waits(&mut self) {
        let Some((sample, ran)) = self.latest.get::<Locks>().zip(self.latest.ran::<Locks>()) else {
            return self.waits.clear();
        };
        let waiting = sample.sessions.iter();
        let waiting = waiting.filter_map(|session| Some((session.pid, session.start, &session.wait.as_ref()?.tag)));
        self.waits.observe(ran.finished(), waiting);
    }

    /// Remembers whose commit waits for a standby.
    fn sight_commits(&mut self) {
        let Some((backends, ran)) = self.latest.get::<Activity>().zip(self.latest.ran::<Activity>()) else {
            return self.commits.clear();
        };
        let waiting = backends.iter().filter(|backend| beside::awaits_standby(backend));
        self.commits
            .observe(ran.finished(), waiting.map(|backend| (backend.pid, backend.start, &())));
    }

    /// The newest good data of a probe; may be stale, see [`Self::freshness`].
    #[must_use]
    pub fn get<P: Probe>(&self) -> Option<&P::Data> {
        self.latest.get::<P>()
    }

    /// The newest good data of a probe, unless it is stale.
    #[must_use]
    pub fn fresh<P: Probe>(&self) -> Option<&P::Data> {
        let fresh = matches!(self.freshness(P::SPEC.id), Freshness::Fresh(_));
        fresh.then(|| self.get::<P>())?
    }

    /// When something of that age in the newest answer of a probe began, in seconds since 1970 by the server's clock.
    #[must_use]
    pub fn began<P: Probe>(&self, age: Option<f64>) -> Option<f64> {
        let asked = self.now.since(self.latest.ran::<P>()?.finished());
        Some(self.server_now()? - asked.as_secs_f64() - age?)
    }

    /// The statement that shows our role what is hidden from it.
    #[must_use]
    pub fn grant(&self) -> String {
        privilege::grant_monitor(self.role())
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
            // Whatever came of it the last time: what is passed over now was passed over after that.
            None => match (asked.and_then(|asked| asked.skipped), failed) {
                (Some(reason), _) => Freshness::Skipped(reason),
                (None, Some(_)) => Freshness::Failed,
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

    /// A demand on a probe that differs from the last one it answered.
    #[must_use]
    pub fn next_demand(&self, probe: &'static str) -> Demand {
        let last = self.last_ran(probe).and_then(|ran| ran.demand);
        let nth = last.map_or(0, |last| last.nth).wrapping_add(1);
        Demand { probe, nth }
    }

    /// The database we are connected to; empty before the first connection.
    #[must_use]
    pub fn database(&self) -> &str {
        self.server.as_ref().map_or("", |server| &server.database)
    }

    /// The role we are; empty before the first connection.
    #[must_use]
    pub fn role(&self) -> &str {
        self.server.as_ref().map_or("", |server| &server.role)
    }

    /// The role sees the sessions and statements of all others.
    #[must_use]
    pub fn sees_all(&self) -> bool {
        self.server.as_ref().is_some_and(|server| server.reads_all_stats)
    }

    /// Not connected, after it was or because it never could be.
    #[must_use]
    pub const fn is_down(&self) -> bool {
        matches!(self.link, Link::Down { .. })
    }

    /// Why a probe of the second connection cannot be asked, while that one is not to be had.
    #[must_use]
    pub fn waits_for_slow(&self, probe: &str) -> Option<&Fault> {
        let slow = matches!(self.tier(probe), Tier::Storage | Tier::Hourly);
        self.slow_down.as_ref().filter(|_| slow)
    }

    /// In recovery: by the newest pulse, since a promotion breaks no connection.
    #[must_use]
    pub fn in_recovery(&self) -> bool {
        let known = self.get::<PulseProbe>().map(|pulse| pulse.in_recovery);
        known.unwrap_or_else(|| self.server.as_ref().is_some_and(|server| server.in_recovery))
    }

    /// Seconds since the postmaster started, by the server's clock.
    #[must_use]
    pub fn server_uptime(&self) -> Option<f64> {
        Some((self.server_now()? - self.get::<PulseProbe>()?.started).max(0.0))
    }

    /// An answer older than this is stale: two intervals, the pause it earned itself, its rest and the budget.
    #[must_use]
    pub fn late_after(&self, probe: &str) -> Duration {
        let tier = self.tier(probe);
        let rest = crate::probe::entry(probe).map(|entry| entry.rest).unwrap_or_default();
        self.interval(tier) * 2 + self.pause(probe) + rest + self.settings.pace(tier).budget
    }

    /// The pause after its last good answer.
    fn pause(&self, probe: &str) -> Duration {
        let took = self.latest.ran_of(probe).map(|ran| ran.took);
        let pause = crate::probe::entry(probe)
            .zip(took)
            .map(|(entry, took)| (entry.pause)(took));
        pause.unwrap_or_default()
    }

    /// How long until a probe of the slower tiers is asked again; `None` for the hot tier, where it is at once.
    #[must_use]
    pub fn next_in(&self, probe: &str) -> Option<Duration> {
        let tier = self.tier(probe);
        let asked = self.last_ran(probe).filter(|_| tier != Tier::Hot)?;
        let pause = self.interval(tier).max(self.pause(probe));
        pause.checked_sub(self.now.since(asked.started))
    }

    fn tier(&self, probe: &str) -> Tier {
        crate::probe::entry(probe).map_or(Tier::Hourly, |entry| match &self.server {
            Some(server) => (entry.tier)(server),
            None => entry.spec.tier,
        })
    }

    /// The interval a tier really runs at.
    fn interval(&self, tier: Tier) -> Duration {
        let health = self.tiers.get(&tier);
        health.map_or(self.settings.pace(tier).interval, |health| health.interval)
    }
}

/// A sample as it is to be known.
fn shown(original: &Arc<Sample>, redacts: bool) -> Arc<Sample> {
    let redacted = redacts.then(|| original.redacted()).flatten();
    redacted.map_or_else(|| Arc::clone(original), Arc::new)
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
