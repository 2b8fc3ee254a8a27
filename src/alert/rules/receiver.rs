//! A standby that receives nothing: it grows old without any lag to be seen, as what it does not know of it is not
//! behind on.

use crate::alert::{Finding, Jump, Outcome, Reach, Rule, used};
use crate::config::Alerts;
use crate::known::Known;
use crate::model::concern::Severity;
use crate::model::recovery::{self, Source};
use crate::probe::Probe as _;
use crate::probe::pulse::PulseProbe;
use crate::probe::recovery::{Recovery, RecoveryProbe};
use crate::ui::format;

pub(super) static RULE: Rule = Rule {
    id: "receiver",
    title: "this standby receives nothing",
    pane: "replication",
    needs: &[PulseProbe::SPEC.id],
    uses: &[RecoveryProbe::SPEC.id],
    server_wide: true,
    check,
    lasts,
    settles: 0.0,
    warning: "no WAL receiver streams for {repl_warn_s}",
    critical: "for {repl_crit_s}",
    doc: "The primary is away, refuses, or primary_conninfo is wrong; the server log says which. A recovery from the \
          archive alone, or to a point in time, is none.",
};

/// Nobody knows since when, so it counts from when it was seen.
pub(super) const fn lasts(limits: &Alerts, severity: Severity) -> f64 {
    match severity {
        Severity::Notice | Severity::Warning => limits.repl_warn_s,
        Severity::Critical => limits.repl_crit_s,
    }
}

fn check(known: &Known) -> Outcome {
    let recovery = match used::<RecoveryProbe>(known) {
        Ok(recovery) => recovery.filter(|recovery| recovery.in_recovery),
        Err(unknown) => return unknown,
    };
    let Some(recovery) = recovery else {
        return Outcome::calm();
    };
    if recovery.receiver_pid.is_some() && recovery.receiver_status.is_none() {
        let why = "what the WAL receiver does is hidden from this role";
        return Outcome::unknown(why, Some(known.grant()));
    }
    Outcome::of(trouble(recovery))
}

fn trouble(recovery: &Recovery) -> Option<Finding> {
    let sentence = match Source::of(recovery) {
        Source::Receiver => {
            let status = recovery
                .receiver_status
                .as_deref()
                .filter(|status| *status != "streaming")?;
            format!("the WAL receiver is {status}, not streaming")
        }
        Source::Nowhere => "no WAL receiver: nothing comes from the primary".to_owned(),
        Source::Archive if recovery::has_streamed(recovery) => {
            "no WAL receiver any more: only the archive is left".to_owned()
        }
        Source::Archive | Source::PointInTime => return None,
    };
    let jump = Jump::panel("replication", "receiver");
    let finding = Finding::new("", Reach::fact(Severity::Critical), sentence, jump);
    let finding = match (&recovery.sender_host, recovery.sender_port) {
        (Some(host), Some(port)) => finding.detail(format!("it received from {host}:{port}")),
        _ => finding,
    };
    let finding = match recovery.replay_s {
        Some(seconds) => finding.detail(format!(
            "the newest commit replayed here is {} old",
            format::duration(seconds)
        )),
        None => finding,
    };
    Some(finding.detail("the server log says why: the sender is away or refuses, or primary_conninfo is wrong"))
}

#[cfg(test)]
mod tests;
