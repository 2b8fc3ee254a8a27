//! Settings that can lose data or blind the server's own upkeep, and what waits for a restart: one finding a setting.

use crate::alert::{Finding, Jump, Outcome, Reach, Rule, Thing, at_once};
use crate::known::Known;
use crate::model::dangers::{Danger, Kind, dangers};
use crate::probe::Probe as _;
use crate::probe::pulse::PulseProbe;
use crate::probe::settings::SettingsProbe;

pub(super) static RULE: Rule = Rule {
    id: "settings",
    title: "a setting is dangerous",
    pane: "overview",
    needs: &[SettingsProbe::SPEC.id],
    uses: &[PulseProbe::SPEC.id],
    server_wide: true,
    check,
    lasts: at_once,
    settles: 0.0,
    warning: "full_page_writes, autovacuum, track_counts or track_activities is off; ignore_invalid_pages, \
              ignore_system_indexes or session_replication_role is set; a notice for synchronous_commit = off and for what \
              waits for a restart",
    critical: "fsync is off; zero_damaged_pages or ignore_checksum_failure is on",
    doc: "For the whole server, or for the sessions of a role or database. What a session of its own sets is not seen by \
          others. Some were meant for one hour of repair or loading and forgotten.",
};

fn check(known: &Known) -> Outcome {
    let Some(settings) = known.get::<SettingsProbe>() else {
        return Outcome::calm();
    };
    Outcome::of(dangers(settings, known.in_recovery()).into_iter().filter_map(finding))
}

fn finding(danger: Danger) -> Option<Finding> {
    let severity = danger.concern.severity()?;
    // What is so, and behind the colon what it means.
    let (so, means) = danger.says.rsplit_once(": ").unwrap_or((&danger.says, ""));
    let scope = danger.scope.as_deref().unwrap_or_default();
    let pending = if danger.kind == Kind::PendingRestart {
        ":pending"
    } else {
        ""
    };
    let key = format!("{}:{scope}{pending}", danger.name);
    let mut finding = Finding::new(key, Reach::fact(severity), so, Jump::to("overview"));
    if !means.is_empty() {
        finding = finding.detail(means);
    }
    let what = match danger.kind {
        Kind::Value | Kind::Override => format!("set {} right", danger.name),
        Kind::PendingRestart => "see what the configuration says".to_owned(),
    };
    Some(finding.remedy(what, danger.remedy).about(Thing::Setting(danger.name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::testing::Watched;
    use crate::model::concern::Severity;
    use crate::probe::settings::{Override, ServerSettings, Setting};

    fn setting(name: &str, value: &str) -> Setting {
        Setting {
            name: name.to_owned(),
            value: Some(value.to_owned()),
            source: "configuration file".to_owned(),
            context: "sighup".to_owned(),
            ..Setting::default()
        }
    }

    fn watch(rows: Vec<Setting>, overrides: Vec<Override>) -> Watched {
        let mut watched = Watched::new();
        watched.answer::<SettingsProbe>(ServerSettings {
            rows,
            overrides,
            ..ServerSettings::default()
        });
        watched
    }

    #[test]
    fn one_finding_a_setting_raised_and_cleared_at_once() {
        let waits = Setting {
            pending_restart: true,
            ..setting("max_connections", "100")
        };
        let mut watched = watch(
            vec![setting("fsync", "off"), setting("autovacuum", "off"), waits],
            Vec::new(),
        );
        let raised = watched.raised(&RULE);
        assert_eq!(
            raised,
            [
                ("autovacuum:".to_owned(), Severity::Warning),
                ("fsync:".to_owned(), Severity::Critical),
                ("max_connections::pending".to_owned(), Severity::Notice),
            ]
        );
        assert_eq!(
            watched.sentences(&RULE),
            [
                "autovacuum is off",
                "fsync is off",
                "max_connections is 100 until the server is restarted"
            ]
        );
        let all: Vec<_> = watched.engine.raised().collect();
        assert!(
            all.iter()
                .all(|alert| alert.finding.details.len() == 1 && alert.finding.remedies.len() == 1)
        );
        watched.pass(15.0);
        watched.answer::<SettingsProbe>(ServerSettings::default());
        assert!(watched.raised(&RULE).is_empty());
    }

    #[test]
    fn two_roles_are_two_findings() {
        let role = |role: &str| Override {
            role: Some(role.to_owned()),
            name: "track_counts".to_owned(),
            value: "off".to_owned(),
            ..Override::default()
        };
        let watched = watch(Vec::new(), vec![role("app"), role("load: er")]);
        assert_eq!(
            watched.sentences(&RULE),
            [
                "track_counts is off for role \"load: er\"",
                "track_counts is off for role app"
            ]
        );
    }

    #[test]
    fn a_server_as_it_should_be_is_calm() {
        let rows = vec![
            setting("fsync", "on"),
            setting("autovacuum", "on"),
            setting("zero_damaged_pages", "off"),
            setting("synchronous_commit", "local"),
        ];
        assert!(watch(rows, Vec::new()).events.is_empty());
    }
}
