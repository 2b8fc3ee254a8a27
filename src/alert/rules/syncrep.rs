//! Commits hang on a synchronous standby that does not confirm: clients see a program that stands still, and no lock.

use super::blocked::SYNC;
use crate::alert::{Finding, Jump, Outcome, Reach, Rule, Thing, at_once, used};
use crate::known::Known;
use crate::model::locks::beside;
use crate::model::replication::{Method, SyncNames};
use crate::pg::quote;
use crate::probe::Probe as _;
use crate::probe::activity::{Activity, Backend};
use crate::probe::replication::{ReplicationProbe, Sender};
use crate::probe::wal_settings::WalSettingsProbe;
use crate::ui::format;

pub(super) static RULE: Rule = Rule {
    id: "syncrep",
    title: "commits wait for a synchronous standby",
    pane: "replication",
    needs: &[Activity::SPEC.id],
    uses: &[WalSettingsProbe::SPEC.id, ReplicationProbe::SPEC.id],
    server_wide: true,
    check,
    lasts: at_once,
    settles: 0.0,
    warning: "a commit is seen waiting for {syncrep_warn_s}",
    critical: "{syncrep_crit_s}",
    doc: "synchronous_standby_names promises that a commit is on a standby before the client hears of it. Without enough \
          standbys every commit waits, for ever. Bring the standby back, or take it off the list and give the promise up.",
};

fn check(known: &Known) -> Outcome {
    let Some(backends) = known.get::<Activity>() else {
        return Outcome::calm();
    };
    let waits: Vec<(&Backend, f64)> = backends
        .iter()
        .filter(|backend| beside::awaits_standby(backend))
        .map(|backend| (backend, waited(backend, known)))
        .collect();
    let longest = waits.iter().map(|(_, seconds)| *seconds).reduce(f64::max);
    let outcome = Outcome::of(longest.map(|longest| finding(&waits, longest, known)));
    if !known.sees_all() && backends.iter().any(|backend| backend.hidden) {
        return outcome.but_not_others("waits of other roles are hidden", Some(known.grant()));
    }
    outcome
}

/// Seconds one wait has been seen, and no longer than its statement and its transaction are old: a procedure commits
/// many times.
fn waited(backend: &Backend, known: &Known) -> f64 {
    let seen = known.commits.seconds(backend.pid, &()).unwrap_or_default();
    let ages = [backend.query_s, backend.state_s, backend.xact_s];
    ages.into_iter().flatten().fold(seen, f64::min)
}

fn finding(waits: &[(&Backend, f64)], longest: f64, known: &Known) -> Finding {
    let alerts = &known.settings.alerts;
    let hanging = waits
        .iter()
        .filter(|(_, seconds)| *seconds >= alerts.syncrep_warn_s / 2.0);
    let hanging = hanging.count().max(1);
    let set = used::<WalSettingsProbe>(known).ok().flatten();
    let names = set.and_then(|set| SyncNames::parse(&set.synchronous_standby_names));
    let senders = used::<ReplicationProbe>(known).ok().flatten();
    let cause = names
        .as_ref()
        .zip(senders)
        .map(|(names, senders)| Cause::of(names, senders));
    let why = cause.as_ref().map_or_else(|| "a standby".to_owned(), Cause::short);
    let sentence = format!("{} for {why}", format::counted(hanging, "commit hangs", "commits hang"));
    let mut finding = Finding::new(
        "",
        Reach::rising(longest, alerts.syncrep_warn_s, alerts.syncrep_crit_s),
        sentence,
        Jump::panel("replication", "standbys"),
    )
    .since(known.began::<Activity>(Some(longest)))
    .victims(waits.len())
    .about(Thing::Setting(SYNC.to_owned()));
    if let Some(set) = set {
        let needed = format!("{SYNC} = '{}'", super::people::clipped(&set.synchronous_standby_names));
        finding = finding.detail(match &cause {
            Some(cause) => format!("{needed}: {} of {} needed there", cause.there.len(), cause.needed),
            None => needed,
        });
    }
    finding = finding
        .detail("they are committed here already, but their clients are not told, and their locks stay".to_owned());
    mend(finding, cause.as_ref(), names.as_ref())
}

/// Why nobody confirms.
struct Cause {
    needed: usize,
    /// Listed standbys that are connected and stream, by name.
    there: Vec<String>,
    /// Listed ones that are not, by name.
    missing: Vec<String>,
    /// How many bytes the slowest of those that are there has not confirmed.
    behind: Option<i64>,
}

impl Cause {
    fn of(names: &SyncNames, senders: &[Sender]) -> Self {
        let confirms = |sender: &&Sender| {
            sender.state.as_deref() == Some("streaming")
                && sender
                    .application_name
                    .as_deref()
                    .is_some_and(|name| names.covers(name))
        };
        let mut there: Vec<String> = senders
            .iter()
            .filter(confirms)
            .filter_map(|sender| sender.application_name.clone())
            .collect();
        there.sort();
        let gone = |name: &&String| *name != "*" && !there.iter().any(|here| here.eq_ignore_ascii_case(name));
        let missing: Vec<String> = names.names.iter().filter(gone).cloned().collect();
        Self {
            needed: names.number,
            behind: senders
                .iter()
                .filter(confirms)
                .filter_map(|sender| sender.flush_bytes)
                .max(),
            there,
            missing,
        }
    }

    fn short(&self) -> String {
        let name = |names: &[String]| names.first().map(|name| super::people::clipped(name));
        if self.there.len() >= self.needed {
            let slow = name(&self.there).filter(|_| self.there.len() == 1);
            let behind = self
                .behind
                .map_or_else(String::new, |bytes| format!(" {} behind", format::bytes(bytes)));
            return match slow {
                Some(slow) => format!("standby {slow}, connected,{behind}")
                    .trim_end_matches(',')
                    .to_owned(),
                None => format!("standbys that are connected,{behind}")
                    .trim_end_matches(',')
                    .to_owned(),
            };
        }
        match (name(&self.missing), self.missing.len()) {
            (Some(missing), 1) => format!("standby {missing}, which is not connected"),
            (Some(missing), count) => format!("standbys: {missing} and {} more are not connected", count - 1),
            (None, _) => "a standby, and none is connected".to_owned(),
        }
    }
}

fn mend(mut finding: Finding, cause: Option<&Cause>, names: Option<&SyncNames>) -> Finding {
    let setting = |value: &str, what: &str| {
        format!(
            "ALTER SYSTEM SET {SYNC} = {}; SELECT pg_reload_conf(); -- {what}",
            quote::literal(value)
        )
    };
    if let Some((cause, names)) = cause
        .zip(names)
        .filter(|(cause, _)| !cause.there.is_empty() && cause.there.len() < cause.needed)
    {
        let method = match names.method {
            Method::First => "FIRST",
            Method::Any => "ANY",
        };
        let listed: Vec<String> = cause.there.iter().map(|name| quote::quoted(name)).collect();
        let value = format!("{method} {} ({})", listed.len(), listed.join(", "));
        finding = finding.remedy(
            "commit with the standbys that are there",
            setting(
                &value,
                "commits are on fewer standbys; put the missing ones back on the list when they are back",
            ),
        );
    }
    finding.remedy(
        "commit without a standby",
        setting(
            "",
            "gives up that commits are on a standby: if this server is lost now, they are lost",
        ),
    )
}

#[cfg(test)]
mod tests;
