//! Tells somebody who looks elsewhere that something is wrong: a bell or a notification, as `[ui] bell` says. Only what is
//! new or worse rings, and never more often than every ten seconds.

use std::time::Duration;

use super::update::Effect;
use crate::alert::{Event, Happened};
use crate::config::{Bell as Ring, Settings};
use crate::model::concern::Severity;
use crate::probe::Mono;

/// Between two rings.
const PAUSE: Duration = Duration::from_secs(10);

/// What rang last, and what waits to ring.
#[derive(Debug, Default)]
pub struct Bell {
    rang: Option<(Mono, Severity)>,
    waiting: Option<(Severity, String)>,
}

impl Bell {
    /// Takes what happened in. While the last ring is a moment ago only something worse is worth another one.
    pub fn hear(&mut self, events: &[Event], now: Mono, settings: &Settings) {
        for event in events {
            let (Happened::Raised(severity) | Happened::Escalated(severity)) = event.happened else {
                continue;
            };
            let covered = self.resting(now).is_some_and(|rang| severity <= rang);
            let worse = self.waiting.as_ref().is_none_or(|(waiting, _)| severity > *waiting);
            if worse && !covered && ring(settings, severity) != Ring::Off {
                self.waiting = Some((severity, event.alert.finding.sentence.clone()));
            }
        }
    }

    /// What is to be done now.
    pub fn ring(&mut self, now: Mono, settings: &Settings) -> Vec<Effect> {
        if self.resting(now).is_some() {
            return Vec::new();
        }
        let Some((severity, sentence)) = self.waiting.take() else {
            return Vec::new();
        };
        self.rang = Some((now, severity));
        match ring(settings, severity) {
            Ring::Off => Vec::new(),
            Ring::Bell => vec![Effect::Bell],
            Ring::Notify => vec![Effect::Notify(sentence)],
            Ring::Both => vec![Effect::Bell, Effect::Notify(sentence)],
        }
    }

    /// How bad it was what rang a moment ago.
    fn resting(&self, now: Mono) -> Option<Severity> {
        let rang = self.rang.filter(|(at, _)| now.since(*at) < PAUSE);
        rang.map(|(_, severity)| severity)
    }
}

const fn ring(settings: &Settings, severity: Severity) -> Ring {
    match severity {
        Severity::Critical => settings.bell_critical,
        Severity::Warning => settings.bell_warning,
        Severity::Notice => Ring::Off,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::story::stories;
    use crate::alert::{Alert, Engine};
    use crate::probe::Probe as _;
    use crate::probe::activity::{Activity, Backend};
    use crate::probe::pulse::{Pulse, PulseProbe};
    use crate::probe::{Ran, Sample};
    use crate::world::World;
    use std::sync::Arc;

    /// An alert as the engine makes it: every connection slot is taken.
    fn alert() -> Alert {
        let mut world = World::new(Arc::new(Settings::default()), "lab".to_owned());
        let server = Arc::new(crate::pg::server::Server::default());
        world.link = crate::poll::Link::Up(Arc::clone(&server));
        world.server = Some(Arc::clone(&server));
        let pulse = Pulse {
            epoch: 1_763_645_000.0,
            max_connections: 2,
            ..Pulse::default()
        };
        let backend = Backend {
            backend_type: Some("client backend".to_owned()),
            ..Backend::default()
        };
        let pulse = (
            Ran::of(&PulseProbe::SPEC, &server),
            Arc::new(pulse) as crate::probe::Data,
        );
        let activity = (
            Ran::of(&Activity::SPEC, &server),
            Arc::new(vec![backend; 5]) as crate::probe::Data,
        );
        for (ran, data) in [pulse, activity] {
            world.take(&Arc::new(Sample { ran, data: Some(data) }));
        }
        let engine: &Engine = &world.alerts;
        stories(engine).first().map(|story| story.head.clone()).unwrap()
    }

    fn raised(severity: Severity) -> Event {
        Event {
            happened: Happened::Raised(severity),
            alert: alert(),
        }
    }

    fn at(seconds: u64) -> Mono {
        Mono(Duration::from_secs(seconds))
    }

    #[test]
    fn it_rings_as_the_settings_say_and_is_off_by_default() {
        let mut settings = Settings::default();
        let heard = |settings: &Settings, severity| {
            let mut bell = Bell::default();
            bell.hear(&[raised(severity)], at(100), settings);
            bell.ring(at(100), settings)
        };
        assert_eq!(heard(&settings, Severity::Critical), []);
        settings.bell_critical = Ring::Both;
        let sentence = alert().finding.sentence;
        assert_eq!(
            heard(&settings, Severity::Critical),
            [Effect::Bell, Effect::Notify(sentence)]
        );
        assert_eq!(heard(&settings, Severity::Warning), []);
        settings.bell_warning = Ring::Bell;
        assert_eq!(heard(&settings, Severity::Warning), [Effect::Bell]);
        assert_eq!(heard(&settings, Severity::Notice), []);
    }

    #[test]
    fn only_what_is_worse_rings_again_and_not_before_ten_seconds() {
        let settings = Settings {
            bell_critical: Ring::Bell,
            bell_warning: Ring::Bell,
            ..Settings::default()
        };
        let mut bell = Bell::default();
        let mut turn = |severity: Option<Severity>, second| {
            let events: Vec<Event> = severity.map(raised).into_iter().collect();
            bell.hear(&events, at(second), &settings);
            bell.ring(at(second), &settings).len()
        };
        assert_eq!(turn(Some(Severity::Warning), 100), 1);
        assert_eq!(turn(Some(Severity::Warning), 103), 0);
        assert_eq!(turn(None, 111), 0, "one ring was enough for both");
        assert_eq!(turn(Some(Severity::Warning), 112), 1);
        assert_eq!(turn(Some(Severity::Critical), 115), 0, "too early");
        assert_eq!(turn(None, 121), 0, "still");
        assert_eq!(turn(None, 122), 1, "and not forgotten");
    }
}
