//! A standby is behind: each walsender as this server sees it, and, where this server is a standby, its own replay.
//!
//! A time counts only while something is left to replay: an idle primary leaves its standbys with the last time they
//! measured. What has no replay position is no standby: a base backup, `pg_receivewal`, a table that is copied.

use crate::alert::{Finding, Jump, Outcome, Reach, Rule, Thing, used};
use crate::known::Known;
use crate::model::concern::Severity;
use crate::model::rates::float;
use crate::model::recovery::{self, Source};
use crate::model::remedy;
use crate::model::replay::Delay;
use crate::model::replication::{self, Kind, Standby};
use crate::probe::Probe as _;
use crate::probe::activity::Activity;
use crate::probe::pulse::PulseProbe;
use crate::probe::recovery::{Recovery, RecoveryProbe};
use crate::probe::replication::{ReplicationProbe, Sender};
use crate::ui::format;

pub(super) static RULE: Rule = Rule {
    id: "replication_lag",
    title: "a standby is behind",
    pane: "replication",
    needs: &[PulseProbe::SPEC.id, ReplicationProbe::SPEC.id],
    uses: &[RecoveryProbe::SPEC.id],
    server_wide: true,
    check,
    // A report under way when the primary begins to write again still tells of the time before.
    lasts: |_, _| 5.0,
    settles: 10.0,
    warning: "a standby or subscriber is {repl_warn_s} or {repl_warn_bytes} behind, or replay is paused that long",
    critical: "{repl_crit_s} or {repl_crit_bytes}",
    doc: "What fails over to this standby loses or waits for that much, and queries there see old rows. The time is what \
          the standby reports, or for how long its replay was seen to stand still; recovery_min_apply_delay is known on \
          the standby only, and does not count there.",
};

fn check(known: &Known) -> Outcome {
    let own = match used::<RecoveryProbe>(known) {
        Ok(recovery) => recovery.filter(|recovery| recovery.in_recovery),
        Err(unknown) => return unknown,
    };
    let senders = known.get::<ReplicationProbe>().map_or(&[][..], Vec::as_slice);
    let standbys = replication::standbys(senders, &[], None, known.series.replay());
    let hidden = senders.iter().filter(|sender| sender.hidden).count();
    let behind = standbys.iter().filter_map(|standby| finding(standby, known));
    let outcome = Outcome::of(behind.chain(own.and_then(|recovery| replays(recovery, known))));
    if hidden == 0 {
        return outcome;
    }
    let whose = format::counted(hidden, "standby", "standbys");
    let why = format!("state and position of {whose} are hidden from this role");
    outcome.but_not_others(why, Some(known.grant()))
}

fn reach(seconds: f64, bytes: f64, known: &Known) -> Reach {
    let limits = &known.settings.alerts;
    let by_time = Reach::rising(seconds, limits.repl_warn_s, limits.repl_crit_s);
    by_time.or(Reach::rising(bytes, limits.repl_warn_bytes, limits.repl_crit_bytes))
}

/// A walsender, as far as its receiver replays.
fn finding(standby: &Standby, known: &Known) -> Option<Finding> {
    let sender = standby.sender.as_ref()?;
    let bytes = sender.replay_bytes.filter(|bytes| *bytes > 0)?;
    if !matches!(standby.kind, Kind::Physical | Kind::Logical) {
        return None;
    }
    let silent = standby.silent_s.unwrap_or_default();
    let (seconds, stands) = match standby.delay {
        Some(Delay::AtLeast(seconds)) => (seconds.max(silent), true),
        Some(Delay::Reported(seconds)) => (seconds.max(silent), false),
        None => (silent, false),
    };
    let name = named(standby, sender);
    let amount = format::bytes(bytes);
    let sentence = match (stands, standby.kind) {
        (true, Kind::Logical) => format!("{name} has confirmed nothing for {}, {amount} wait", age(seconds)),
        (true, _) => format!("{name} has not replayed for {}, {amount} wait", age(seconds)),
        _ if seconds >= 1.0 => format!("{name} is {} behind ({amount})", age(seconds)),
        _ => format!("{name} is {amount} behind"),
    };
    let row = Thing::Standby(sender.pid);
    let jump = Jump::panel("replication", "standbys").row(row.clone());
    let slot = sender.slot_name.clone();
    let key = slot.as_ref().map_or_else(
        || format!("{}:{}", sender.pid, sender.start),
        |slot| format!("slot {slot}"),
    );
    let mut finding = Finding::new(key, reach(seconds, float(bytes), known), sentence, jump).about(row);
    if let Some(slot) = slot {
        finding = finding.about(Thing::Slot(slot));
    }
    if stands {
        finding = finding.since(known.began::<ReplicationProbe>(Some(seconds)));
    }
    Some(why(finding, standby, sender, stands))
}

fn age(seconds: f64) -> String {
    format::age(seconds)
}

fn named(standby: &Standby, sender: &Sender) -> String {
    let what = if standby.kind == Kind::Logical {
        "subscriber"
    } else {
        "standby"
    };
    match (standby.name.as_str(), &sender.client) {
        ("" | "walreceiver", Some(client)) => format!("the {what} at {client}"),
        ("", None) => format!("the {what} of pid {}", sender.pid),
        (name, _) => format!("{what} {name}"),
    }
}

/// Where it stays behind: here, on the way, or there.
fn why(mut finding: Finding, standby: &Standby, sender: &Sender, stands: bool) -> Finding {
    if let Some(seconds) = standby.silent_s {
        finding = finding.detail(format!(
            "no reply for {}: it hangs, or the network is cut",
            age(seconds)
        ));
    }
    let half = sender.replay_bytes.unwrap_or_default() / 2;
    if sender.sent_bytes > Some(half) {
        finding = finding.detail("most of it is not sent yet: the network or the receiver is slow");
    } else if sender.flush_bytes > Some(half) {
        finding = finding.detail("most of it is sent and not flushed there: its disk is slow");
    } else if standby.kind == Kind::Physical {
        finding = finding.detail("it has arrived there: replay is paused, delayed, in a query's way, or slow");
    } else {
        finding = finding.detail("it has arrived there: its worker fails, waits, or applies a large transaction");
    }
    if stands && standby.kind == Kind::Physical {
        let resume = format!(
            "SELECT pg_wal_replay_resume(); -- on {}, if pg_is_wal_replay_paused() there",
            remedy::one_line(&standby.name)
        );
        finding = finding.remedy("resume replay there", resume);
    }
    finding
}

/// The replay of this server.
fn replays(recovery: &Recovery, known: &Known) -> Option<Finding> {
    let delay = recovery.min_apply_delay_s.max(0.0);
    let behind = known.series.unreplayed().at_least().unwrap_or_default();
    let late = (behind - delay).max(0.0);
    let bytes = recovery.replay_bytes.unwrap_or_default().max(0);
    // What waits on purpose tells nothing.
    let counted = if delay > 0.0 { 0 } else { bytes };
    let paused = recovery.paused == Some(true);
    if !paused && bytes == 0 {
        return None;
    }
    let mut reach = reach(late, float(counted), known);
    if paused {
        reach = reach.or(Reach::fact(Severity::Notice));
    }
    if Source::of(recovery) == Source::PointInTime {
        reach = reach.at_most(Severity::Notice);
    }
    let amount = format::bytes(bytes);
    let (key, sentence) = match (paused, bytes) {
        (true, 0) => ("paused", "replay is paused; nothing waits for it".to_owned()),
        (true, _) => (
            "paused",
            format!("replay is paused, {amount} wait for at least {}", age(behind)),
        ),
        (false, _) => (
            "",
            format!("this standby replays {} behind at least ({amount})", age(behind)),
        ),
    };
    let jump = Jump::panel("replication", "receiver");
    let mut finding = Finding::new(key, reach, sentence, jump).since(known.began::<RecoveryProbe>(Some(behind)));
    let backends = known.get::<Activity>().map_or(&[][..], Vec::as_slice);
    if let Some((event, means)) = recovery::obstacle(backends) {
        finding = finding.detail(format!("{means} ({event})"));
    }
    if delay > 0.0 {
        finding = finding.detail(format!(
            "{} of it are recovery_min_apply_delay",
            format::duration(delay)
        ));
    }
    Some(if paused {
        finding.remedy("resume replay", "SELECT pg_wal_replay_resume();")
    } else {
        finding
    })
}

#[cfg(test)]
mod tests;
