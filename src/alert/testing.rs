//! Samples for rules: what is known after answers given in a test, second by second.

use std::sync::Arc;
use std::time::Duration;

use super::{Engine, Event, Rule};
use crate::config::Settings;
use crate::known::Known;
use crate::pg::server::Server;
use crate::poll::Link;
use crate::probe::counters::{Counters, CountersProbe};
use crate::probe::pulse::{Pulse, PulseProbe};
use crate::probe::{Mono, Probe, Ran, Sample};

/// The server's clock at second 0.
pub(super) const BEGIN: f64 = 1_763_645_000.0;

/// A server that is watched, and what is wrong with it.
pub(super) struct Watched {
    pub known: Known,
    pub engine: Engine,
    pub events: Vec<Event>,
    second: f64,
}

impl Watched {
    /// A primary of 16 and a role that sees everything, at second 0.
    pub fn new() -> Self {
        Self::of(Settings::default())
    }

    /// The same with other settings.
    pub fn of(settings: Settings) -> Self {
        let server = Arc::new(Server {
            version_num: 160_004,
            role: "monitor".to_owned(),
            database: "app".to_owned(),
            reads_all_stats: true,
            block_size: 8192,
            ..Server::default()
        });
        let mut known = Known::new(Arc::new(settings));
        known.link = Link::Up(Arc::clone(&server));
        known.server = Some(server);
        let mut this = Self {
            known,
            engine: Engine::default(),
            events: Vec::new(),
            second: 0.0,
        };
        this.pulse(|_| ());
        this
    }

    /// Time passes; nothing is answered.
    pub fn pass(&mut self, seconds: f64) {
        self.second += seconds;
        self.known.now = Mono(Duration::from_secs_f64(1000.0 + self.second));
    }

    /// The server answers a question now.
    pub fn answer<P: Probe>(&mut self, data: P::Data) {
        self.pass(0.0);
        let server = self.known.server.clone().unwrap_or_default();
        let ran = Ran {
            started: self.known.now,
            ..Ran::of(&P::SPEC, &server)
        };
        let sample = Arc::new(Sample {
            ran,
            data: Some(Arc::new(data)),
        });
        self.known.take(&sample);
        self.events.extend(self.engine.observe(&self.known, P::SPEC.id));
    }

    /// The heartbeat, changed as wished; it carries the clock.
    pub fn pulse(&mut self, change: impl FnOnce(&mut Pulse)) {
        let mut pulse = Pulse {
            epoch: BEGIN + self.second,
            started: BEGIN - 86_400.0,
            max_connections: 100,
            superuser_reserved: 3,
            ..Pulse::default()
        };
        change(&mut pulse);
        self.answer::<PulseProbe>(pulse);
    }

    /// The cumulative counters, changed as wished.
    pub fn counters(&mut self, change: impl FnOnce(&mut Counters)) {
        let mut counters = Counters {
            epoch: BEGIN + self.second,
            started: BEGIN - 86_400.0,
            ..Counters::default()
        };
        change(&mut counters);
        self.answer::<CountersProbe>(counters);
    }

    /// The alerts of a rule that count, worst last: key, severity.
    pub fn raised(&self, rule: &Rule) -> Vec<(String, crate::model::concern::Severity)> {
        let raised = self.engine.raised().filter(|alert| alert.rule.id == rule.id);
        raised
            .filter_map(|alert| Some((alert.finding.key.clone(), alert.severity()?)))
            .collect()
    }

    /// The sentences of the alerts of a rule that count.
    pub fn sentences(&self, rule: &Rule) -> Vec<String> {
        let raised = self.engine.raised().filter(|alert| alert.rule.id == rule.id);
        raised.map(|alert| alert.finding.sentence.clone()).collect()
    }
}
