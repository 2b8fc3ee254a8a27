//! Connection slots run out: the next client gets "too many clients", and so does whoever comes to help.

use std::collections::BTreeMap;

use crate::alert::{Finding, Jump, Outcome, Reach, Rule};
use crate::config::Alerts;
use crate::known::Known;
use crate::model::concern::Severity;
use crate::model::overview;
use crate::probe::Probe as _;
use crate::probe::activity::{Activity, Backend};
use crate::probe::pulse::PulseProbe;
use crate::ui::format;

pub(super) static RULE: Rule = Rule {
    id: "connections",
    title: "connection slots run out",
    pane: "activity",
    needs: &[Activity::SPEC.id, PulseProbe::SPEC.id],
    uses: &[],
    server_wide: true,
    check,
    lasts,
    settles: 30.0,
    warning: "{connections_warn} of the usable slots for {connections_for_s}",
    critical: "{connections_crit} at once",
    doc: "Usable slots are max_connections less those reserved for superusers and for pg_use_reserved_connections. \
          When they are used up, every new connection is refused. Look at who holds them, and whether they idle.",
};

fn lasts(alerts: &Alerts, severity: Severity) -> f64 {
    match severity {
        Severity::Critical => 0.0,
        Severity::Notice | Severity::Warning => alerts.connections_for_s,
    }
}

fn check(known: &Known) -> Outcome {
    let (Some(backends), Some(pulse), Some(ran)) = (
        known.get::<Activity>(),
        known.get::<PulseProbe>(),
        known.latest.ran::<Activity>(),
    ) else {
        return Outcome::calm();
    };
    let connections = overview::connections(backends, overview::ours(ran));
    let usable = pulse.usable().max(1);
    #[expect(clippy::cast_precision_loss, reason = "connections")]
    let share = connections.used as f64 / f64::from(usable);
    let alerts = &known.settings.alerts;
    let reach = Reach::rising(share, alerts.connections_warn, alerts.connections_crit);
    let sentence = format!(
        "{} of {usable} usable connection slots are taken ({})",
        connections.used,
        format::percent(share * 100.0)
    );
    let mut finding = Finding::new("", reach, sentence, Jump::to("activity"));
    if connections.hidden == 0 {
        finding = finding.detail(format!(
            "{} active, {} idle, {} idle in transaction",
            connections.active, connections.idle, connections.in_tx
        ));
    }
    if let Some((who, count)) = most(backends) {
        finding = finding.detail(format!("{count} of them are {who}'s"));
    }
    Outcome::of([finding])
}

/// The application and role with the most connections, and how many.
fn most(backends: &[Backend]) -> Option<(String, usize)> {
    let mut counted: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for backend in backends {
        if let Some(role) = backend.usename.as_deref() {
            let application = backend.application_name.as_deref().unwrap_or_default();
            *counted.entry((role, application)).or_default() += 1;
        }
    }
    let ((role, application), count) = counted.into_iter().max_by_key(|(_, count)| *count)?;
    let who = if application.is_empty() {
        role.to_owned()
    } else {
        format!("{application} ({role})")
    };
    Some((who, count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::testing::Watched;

    /// A second sample of so many idle sessions every two seconds.
    fn watch(watched: &mut Watched, sessions: usize, seconds: u32) {
        for _ in 0..seconds / 2 {
            watched.pass(2.0);
            watched.pulse(|_| ());
            let backend = |nth: i32| Backend {
                pid: nth,
                usename: Some("app".to_owned()),
                application_name: Some("checkout".to_owned()),
                backend_type: Some("client backend".to_owned()),
                state: Some("idle".to_owned()),
                ..Backend::default()
            };
            // One connection is ours.
            watched.answer::<Activity>((1..).map(backend).take(sessions - 1).collect());
        }
    }

    #[test]
    fn eighty_percent_warn_after_two_minutes_and_less_than_seventy_two_clear() {
        let mut watched = Watched::new();
        // 97 slots are usable: 80 % are 77.6.
        watch(&mut watched, 77, 600);
        assert!(watched.raised(&RULE).is_empty());
        watch(&mut watched, 80, 120);
        assert!(watched.raised(&RULE).is_empty(), "too early");
        watch(&mut watched, 80, 4);
        assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Warning)]);
        assert_eq!(
            watched.sentences(&RULE),
            ["80 of 97 usable connection slots are taken (82.4 %)"]
        );
        watch(&mut watched, 72, 120);
        assert_eq!(watched.raised(&RULE).len(), 1, "74 % are still near");
        watch(&mut watched, 60, 40);
        assert!(watched.raised(&RULE).is_empty());
        assert_eq!(watched.events.len(), 2, "raised once, cleared once");
    }

    #[test]
    fn ninety_five_percent_are_critical_at_once() {
        let mut watched = Watched::new();
        watch(&mut watched, 94, 4);
        assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Critical)]);
    }
}
