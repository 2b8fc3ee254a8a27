//! Connection slots run out: the next client gets "too many clients", and so does whoever comes to help.

use std::collections::HashMap;

use super::people;
use crate::alert::{Finding, Jump, Outcome, Reach, Rule, used};
use crate::config::Alerts;
use crate::known::Known;
use crate::model::concern::Severity;
use crate::model::overview::{self, Connections};
use crate::pg::quote;
use crate::probe::Probe as _;
use crate::probe::activity::{Activity, Backend};
use crate::probe::locks::Locks;
use crate::probe::pulse::{Pulse, PulseProbe};
use crate::ui::format;

pub(super) static RULE: Rule = Rule {
    id: "connections",
    title: "connection slots run out",
    pane: "activity",
    needs: &[Activity::SPEC.id, PulseProbe::SPEC.id],
    uses: &[Locks::SPEC.id],
    server_wide: true,
    check,
    lasts,
    settles: 30.0,
    warning: "{connections_warn} of the usable slots for {connections_for_s}",
    critical: "{connections_crit} at once",
    doc: "Usable slots are max_connections less those reserved for superusers and for pg_use_reserved_connections. \
          When they are used up, every new connection is refused. Look at who holds them, and whether they idle.",
};

/// Idle for so many seconds, a connection is not between two statements: it is kept for nothing.
const LONG_IDLE_S: f64 = 600.0;

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
    if reach.warning < 0.8 {
        return Outcome::calm();
    }
    // Parallel workers cannot be told from clients where the type is hidden.
    let about = if connections.hidden > 0 { "≈" } else { "" };
    let sentence = format!(
        "{about}{} of {usable} usable connection slots are taken ({})",
        connections.used,
        format::percent(share * 100.0)
    );
    let mut finding = Finding::new("", reach, sentence, Jump::to("activity"));
    finding.details = details(&connections, backends, pulse);
    let finding = behind_a_lock(finding, &connections, known);
    Outcome::of([mend(finding, backends, usable)])
}

fn details(connections: &Connections, backends: &[Backend], pulse: &Pulse) -> Vec<String> {
    let mut lines = Vec::new();
    let usable = usize::try_from(pulse.usable()).unwrap_or_default();
    let reserved = usize::try_from(pulse.superuser_reserved.saturating_add(pulse.reserved)).unwrap_or_default();
    if connections.used >= usable {
        let left = (usable + reserved).saturating_sub(connections.used);
        lines.push(format!(
            "new connections are refused; {left} of {reserved} reserved slots are left for superusers"
        ));
    }
    if let Some(most) = Holder::most(backends) {
        let idle = match most.idle {
            _ if most.hidden > 0 => String::new(),
            idle => format!(", {idle} of them idle"),
        };
        lines.push(format!("{} has {} of them{idle}", most.named(), most.count));
    }
    if connections.hidden == 0 {
        lines.push(format!(
            "{} active, {} idle, {} idle in transaction",
            connections.active, connections.idle, connections.in_tx
        ));
    } else {
        lines.push(format!("the state of {} is hidden from this role", connections.hidden));
    }
    lines
}

/// When those who wait behind one root are most of it, it is the root's story.
fn behind_a_lock(mut finding: Finding, connections: &Connections, known: &Known) -> Finding {
    let Ok(Some(_)) = used::<Locks>(known) else {
        return finding;
    };
    let forest = known.forest.as_deref();
    let roots = forest.into_iter().flat_map(|forest| &forest.roots);
    let roots = roots.filter_map(|root| forest?.nodes.get(*root));
    let Some(root) = roots.max_by_key(|root| root.frees) else {
        return finding;
    };
    if root.frees * 2 >= connections.used {
        finding
            .details
            .insert(0, format!("{} of them wait for a lock behind one session", root.frees));
        finding = finding.about(people::thing(root));
    }
    finding.details.truncate(3);
    finding
}

/// With the statements that free slots. A session that works is none of them.
fn mend(mut finding: Finding, backends: &[Backend], usable: i32) -> Finding {
    let Some(most) = Holder::most(backends) else {
        return finding;
    };
    let application = quote::literal(most.application);
    let role = quote::literal(most.role);
    if most.long_idle > 0 {
        let what = format!(
            "end the {} idle for 10 min",
            format::counted(most.long_idle, "session", "sessions")
        );
        let text = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename = \
             {role} AND application_name = {application} AND state = 'idle' AND state_change < now() - interval '10 min'; \
             -- a pool opens them again when it needs them"
        );
        finding = finding.remedy(what, text);
    }
    let limit = (usable / 2).max(1);
    if !most.role.is_empty() && i32::try_from(most.count).is_ok_and(|count| count > limit) {
        let text = format!(
            "ALTER ROLE {} CONNECTION LIMIT {limit}; -- half of the usable slots, from the next connection on; superusers \
             are not bound by it",
            quote::identifier(most.role)
        );
        finding = finding.remedy("leave room for others", text);
    }
    finding
}

/// Whose connections they are.
#[derive(Clone, Copy, Default)]
struct Holder<'a> {
    application: &'a str,
    role: &'a str,
    count: usize,
    idle: usize,
    long_idle: usize,
    hidden: usize,
}

impl<'a> Holder<'a> {
    /// The application and role with the most connections.
    fn most(backends: &'a [Backend]) -> Option<Self> {
        let mut holders: HashMap<(&str, &str), Self> = HashMap::new();
        for backend in overview::clients(backends) {
            let Some(role) = backend.usename.as_deref() else {
                continue;
            };
            let application = backend.application_name.as_deref().unwrap_or_default();
            let holder = holders.entry((role, application)).or_default();
            let idle = backend.state.as_deref() == Some("idle");
            holder.count += 1;
            holder.hidden += usize::from(backend.hidden);
            holder.idle += usize::from(idle);
            holder.long_idle += usize::from(idle && backend.state_s >= Some(LONG_IDLE_S));
        }
        let named = holders.into_iter().map(|((role, application), holder)| Self {
            application,
            role,
            ..holder
        });
        named.max_by_key(|holder| (holder.count, std::cmp::Reverse((holder.role, holder.application))))
    }

    fn named(&self) -> String {
        if self.application.trim().is_empty() {
            people::clipped(self.role)
        } else {
            format!("{} ({})", people::clipped(self.application), people::clipped(self.role))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::rules::scenes;
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

    /// Sessions 1.., the first of them as given.
    fn of(sessions: Vec<Backend>) -> Finding {
        let mut watched = Watched::new();
        watched.answer::<Activity>(sessions);
        watched.engine.alerts().next().expect("near the limit").finding.clone()
    }

    fn idle(pid: i32, seconds: f64) -> Backend {
        scenes::backend(pid, "idle", seconds)
    }

    #[test]
    fn who_has_them_and_what_frees_them() {
        let sessions = (1..=90).map(|pid| idle(pid, if pid <= 70 { 900.0 } else { 5.0 }));
        let mut others: Vec<Backend> = (91..=98).map(|pid| scenes::backend(pid, "active", 1.0)).collect();
        for other in &mut others {
            other.application_name = Some("report".to_owned());
        }
        let finding = of(sessions.chain(others).collect());
        assert_eq!(finding.sentence, "99 of 97 usable connection slots are taken (102 %)");
        assert_eq!(
            finding.details,
            [
                "new connections are refused; 1 of 3 reserved slots are left for superusers",
                "shop (app) has 90 of them, 90 of them idle",
                "8 active, 90 idle, 0 idle in transaction",
            ]
        );
        assert_eq!(finding.remedies[0].what, "end the 70 sessions idle for 10 min");
        assert_eq!(
            finding.remedies[0].text,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename = \
             'app' AND application_name = 'shop' AND state = 'idle' AND state_change < now() - interval '10 min'; -- a \
             pool opens them again when it needs them"
        );
        assert!(
            finding.remedies[1]
                .text
                .starts_with("ALTER ROLE app CONNECTION LIMIT 48;")
        );
    }

    #[test]
    fn a_stranger_s_names_are_quoted() {
        let sessions = (1..=95).map(|pid| Backend {
            usename: Some("a\"b".to_owned()),
            application_name: Some("x'; drop".to_owned()),
            ..idle(pid, 900.0)
        });
        let finding = of(sessions.collect());
        assert!(
            finding.remedies[0]
                .text
                .contains("usename = 'a\"b' AND application_name = 'x''; drop' AND")
        );
        assert!(
            finding.remedies[1]
                .text
                .starts_with("ALTER ROLE \"a\"\"b\" CONNECTION LIMIT 48;")
        );
    }

    #[test]
    fn walsenders_and_workers_take_none() {
        let mut watched = Watched::new();
        let others = (1..=200).map(|pid| Backend {
            backend_type: Some(
                ["walsender", "parallel worker", "autovacuum worker"][usize::from(pid % 3 == 0)].to_owned(),
            ),
            ..idle(pid, 1.0)
        });
        watched.answer::<Activity>(others.collect());
        assert_eq!(watched.engine.alerts().count(), 0);
    }

    #[test]
    fn what_is_hidden_makes_it_an_estimate() {
        let finding = of((1..=95).map(scenes::hidden).collect());
        assert_eq!(finding.sentence, "≈96 of 97 usable connection slots are taken (98.9 %)");
        assert_eq!(
            finding.details,
            ["app has 95 of them", "the state of 95 is hidden from this role"]
        );
    }

    #[test]
    fn when_most_of_them_wait_behind_one_it_is_its_story() {
        let mut watched = Watched::new();
        for _ in 0..3 {
            scenes::answers(&mut watched, scenes::chain(93, 600.0, 200.0));
        }
        let told = crate::alert::story::stories(&watched.engine);
        assert_eq!(told.len(), 1);
        let rules: Vec<&str> = told[0].alerts().map(|alert| alert.rule.id).collect();
        assert_eq!(rules[0], "blocked", "the cause leads");
        let connections = told[0].alerts().find(|alert| alert.rule.id == RULE.id).expect("folded");
        assert_eq!(
            connections.finding.details[0],
            "94 of them wait for a lock behind one session"
        );
    }
}
