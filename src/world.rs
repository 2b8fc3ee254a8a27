//! Everything the program knows and has said, as the panes read it: what is [`Known`] of the server, what it costs to
//! ask, the messages of the session. Changed only by [`crate::app::update`], read by every view.

pub mod message;

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use crate::alert::{Engine, Event, Happened};
use crate::config::Settings;
use crate::known::Known;
use crate::model::clock;
use crate::model::concern::Severity;
use crate::poll::Cost;
use crate::probe::{Mono, Sample, Tier};
use message::{Kind, Messages};

const MINUTE: Duration = Duration::from_mins(1);

/// Everything the program knows. Samples are shared, so a clone (the frozen screen) is cheap.
#[derive(Clone, Debug)]
pub struct World {
    /// What is known of the server.
    pub known: Known,
    /// What is wrong with it.
    pub alerts: Engine,
    /// What the user calls this server: profile or service name, else host.
    pub label: String,
    /// Where we try to connect, until we are: `db1:5432/app as monitor`.
    pub target: String,
    /// What we cost the server.
    pub cost: Cost,
    /// What it was at times of the last minute, oldest first.
    pub costs: VecDeque<(Mono, Cost)>,
    /// The time zone clock times are shown in: the one of this terminal.
    pub zone: jiff::tz::TimeZone,
    /// What happened to alerts since the bell was last asked.
    pub events: Vec<Event>,
    /// What was said in this session.
    pub messages: Messages,
    /// The hot tier's interval, as `+` and `-` have set it.
    pub hot_interval: Duration,
    /// A role that may write is no question: `--allow-privileged-role`, or `read_only_enforce` is off.
    pub privileged_allowed: bool,
    /// The role may write and the user said to go on all the same: shown for ever in the header.
    pub privileged: bool,
}

impl Deref for World {
    type Target = Known;

    fn deref(&self) -> &Known {
        &self.known
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Known {
        &mut self.known
    }
}

impl World {
    /// An empty world, before the first answer.
    #[must_use]
    pub fn new(settings: Arc<Settings>, label: String) -> Self {
        let hot_interval = settings.pace(Tier::Hot).interval;
        Self {
            known: Known::new(settings),
            alerts: Engine::default(),
            label,
            target: String::new(),
            cost: Cost::default(),
            costs: VecDeque::new(),
            zone: jiff::tz::TimeZone::UTC,
            events: Vec::new(),
            messages: Messages::default(),
            hot_interval,
            privileged_allowed: false,
            privileged: false,
        }
    }

    /// An answer came, good or not.
    pub fn take(&mut self, sample: &Arc<Sample>) {
        self.known.take(sample);
        if sample.data.is_some() {
            self.judge(sample.ran.probe);
        }
    }

    /// A probe was due and not asked, for this reason.
    pub fn skip(&mut self, probe: &'static str, reason: &'static str) {
        self.known.skip(probe, reason);
        self.judge(probe);
    }

    /// What that probe's news change about what is wrong; what becomes an alert or is none any more is said.
    fn judge(&mut self, probe: &str) {
        for event in self.alerts.observe(&self.known, probe) {
            let (severity, text) = event.told();
            let kind = match event.happened {
                Happened::Raised(severity) | Happened::Escalated(severity) | Happened::Eased(severity) => {
                    Kind::Alert(severity)
                }
                Happened::Cleared(..) => Kind::Over,
            };
            let when = (self.known.now, self.known.server_now());
            self.messages.tell(kind, severity, text, when);
            self.events.push(event);
        }
    }

    /// The session goes on in another database: what was known was known of the old one, or seen from it. Only what is
    /// about the program and the connection is kept.
    pub fn forget(&mut self) {
        self.known.forget();
        self.alerts.forget();
    }

    /// The server's clock now as `14:03:22`, in this terminal's time zone; empty while it is not known.
    #[must_use]
    pub fn clock_text(&self) -> String {
        let now = self.server_now();
        now.map_or_else(String::new, |_| self.clock_text_of(now))
    }

    /// The server's clock at some moment of this session.
    #[must_use]
    pub fn clock_text_at(&self, at: Mono) -> String {
        self.clock_text_of(self.server_now().map(|now| now - self.now.since(at).as_secs_f64()))
    }

    /// Seconds since 1970 as `14:03:22` in this terminal's time zone.
    #[must_use]
    pub fn clock_text_of(&self, epoch: Option<f64>) -> String {
        clock::time_of_day(epoch, &self.zone)
    }

    /// A new count of what we cost; keeps a minute of them.
    pub fn observe_cost(&mut self, cost: Cost) {
        self.cost = cost;
        self.costs.push_back((self.now, cost));
        while self.costs.len() > 2 && self.costs.get(1).is_some_and(|(at, _)| self.now.since(*at) >= MINUTE) {
            self.costs.pop_front();
        }
    }

    /// Statements, and seconds the server was busy with them, per minute over the last minute; `None` in the first
    /// seconds.
    #[must_use]
    pub fn cost_per_minute(&self) -> Option<(f64, f64)> {
        let ((from, first), (to, last)) = (self.costs.front()?, self.costs.back()?);
        let span = to.since(*from).as_secs_f64();
        if span < 3.0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "statements of one minute")]
        let statements = last.statements.saturating_sub(first.statements) as f64;
        let busy = last.busy.saturating_sub(first.busy).as_secs_f64();
        Some((statements * 60.0 / span, busy * 60.0 / span))
    }

    /// The share of one server processor we keep busy at most, 0 to 1.
    #[must_use]
    pub fn cost_share(&self) -> Option<f64> {
        self.cost_per_minute().map(|(_, busy)| busy / 60.0)
    }

    /// Says something to the user: footer, messages popup, log file.
    pub fn say(&mut self, severity: Option<Severity>, text: impl Into<String>) {
        let clock = self.server_now();
        self.messages.say(severity, text, self.now, clock);
    }
}
