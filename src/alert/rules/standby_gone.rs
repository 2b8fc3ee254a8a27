//! A standby is not connected: one that was seen in this session, that `synchronous_standby_names` counts on, or whose
//! slot nobody uses.

use crate::alert::{Finding, Jump, Outcome, Reach, Rule, Thing};
use crate::known::Known;
use crate::model::concern::Severity;
use crate::model::replication::{self, Kind, Quorum, SYNC_NAMES, Standby, SyncNames};
use crate::model::roll::Seen;
use crate::model::slots;
use crate::probe::Probe as _;
use crate::probe::pulse::PulseProbe;
use crate::probe::replication::ReplicationProbe;
use crate::probe::slots::SlotsProbe;
use crate::probe::wal_settings::WalSettingsProbe;
use crate::ui::format;

pub(super) static RULE: Rule = Rule {
    id: "standby_gone",
    title: "a standby is gone",
    pane: "replication",
    needs: &[
        PulseProbe::SPEC.id,
        ReplicationProbe::SPEC.id,
        SlotsProbe::SPEC.id,
        WalSettingsProbe::SPEC.id,
    ],
    uses: &[],
    server_wide: true,
    check,
    // It may be restarted.
    lasts: |_, _| 5.0,
    settles: 0.0,
    warning: "seen in this session and gone for {repl_warn_s}; or synchronous_standby_names counts on it",
    critical: "gone for {repl_crit_s}; or too few are left to confirm a commit",
    doc: "Nobody receives WAL in its place. Its slot keeps WAL for it, without one it may have to be built anew; with \
          too few synchronous standbys every commit waits. A physical slot that nobody used in this session is a notice.",
};

fn check(known: &Known) -> Outcome {
    let (Some(senders), Some(slots), Some(settings)) = (
        known.get::<ReplicationProbe>(),
        known.get::<SlotsProbe>(),
        known.get::<WalSettingsProbe>(),
    ) else {
        return Outcome::calm();
    };
    // A standby passes WAL on, and confirms nobody's commit.
    let names = SyncNames::parse(&settings.synchronous_standby_names).filter(|_| !known.in_recovery());
    let rows = replication::standbys(senders, slots, names.as_ref(), known.series.replay());
    let gone: Vec<&Standby> = rows.iter().filter(|row| row.kind == Kind::Gone).collect();
    let seen: Vec<&Seen> = known.series.roll().missing().collect();
    let listed = |seen: &&&Seen| !gone.iter().any(|row| same(row, seen));
    let unlisted = seen.iter().filter(listed).map(|seen| finding(None, Some(seen), known));
    let listed = gone.iter().map(|row| {
        let seen = seen.iter().find(|seen| same(row, seen)).copied();
        finding(Some(row), seen, known)
    });
    let quorum = names.as_ref().and_then(|names| Quorum::of(names, senders));
    let short = quorum.filter(|quorum| quorum.short()).map(too_few);
    let outcome = Outcome::of(listed.chain(unlisted).chain(short));
    if names.is_some() && quorum.is_none() {
        let why = "which standbys confirm commits is hidden from this role";
        return outcome.but_not_others(why, Some(known.grant()));
    }
    outcome
}

/// What is listed as gone is the one that was seen.
fn same(row: &Standby, seen: &Seen) -> bool {
    let slot = row.slot.as_ref().map(|slot| slot.slot_name.as_str());
    slot.is_some() && slot == seen.slot.as_deref() || row.expected && row.name.eq_ignore_ascii_case(&seen.name)
}

fn finding(row: Option<&Standby>, seen: Option<&Seen>, known: &Known) -> Finding {
    let limits = &known.settings.alerts;
    let slot = row.and_then(|row| row.slot.as_ref());
    let missing = seen.and_then(|seen| seen.missing);
    let missing_s = missing.map(|at| known.now.since(at).as_secs_f64());
    let since_slot = known.began::<SlotsProbe>(slot.and_then(|slot| slot.inactive_s));
    let since = since_slot.or_else(|| Some(known.server_now()? - missing_s?));
    let expected = row.is_some_and(|row| row.expected);
    let timed = missing_s.map(|seconds| Reach::rising(seconds, limits.repl_warn_s, limits.repl_crit_s));
    let reach = match (expected, timed) {
        (true, timed) => timed.unwrap_or_default().or(Reach::fact(Severity::Warning)),
        (false, Some(timed)) => timed,
        (false, None) => Reach::fact(Severity::Notice),
    };
    let slot_name = slot
        .map(|slot| &slot.slot_name)
        .or(seen.and_then(|seen| seen.slot.as_ref()));
    let key = slot_name.map_or_else(|| key(row, seen), |slot| format!("slot {slot}"));
    let jump = Jump::panel("replication", "standbys");
    let mut finding = Finding::new(key, reach, sentence(row, seen, since, known), jump).since(since);
    if let Some(slot) = slot_name {
        let thing = Thing::Slot(slot.clone());
        finding.jump = finding.jump.clone().row(thing.clone());
        finding = finding.about(thing);
    }
    if expected {
        let thing = Thing::Setting(SYNC_NAMES.to_owned());
        if slot_name.is_none() {
            finding.jump = finding.jump.clone().row(thing.clone());
        }
        finding = finding.about(thing).detail(format!("{SYNC_NAMES} counts on it"));
    }
    if let Some(slot) = slot {
        finding = finding.detail(if slots::lost(slot) {
            format!("its slot {} is lost: it has to be built anew", slot.slot_name)
        } else {
            let kept = slot.kept_bytes.map_or_else(|| "no".to_owned(), format::bytes);
            format!("its slot {} keeps {kept} of WAL for it", slot.slot_name)
        });
        if seen.is_none()
            && !expected
            && let Some(drop) = slots::drop_statement(slot)
        {
            finding = finding.remedy("drop its slot", drop);
        }
    } else if seen.is_some_and(|seen| seen.slot.is_none()) {
        finding = finding.detail("it has no slot: WAL it still needs may be removed");
    }
    finding
}

/// Which it is, without a slot: those that were given no name are told apart by their addresses.
fn key(row: Option<&Standby>, seen: Option<&Seen>) -> String {
    let name = name(row, seen);
    let client = seen.filter(|seen| seen.is_nameless());
    let client = client.and_then(|seen| seen.client.as_deref());
    client.map_or_else(|| format!("name {name}"), |client| format!("name {name} at {client}"))
}

fn name<'a>(row: Option<&'a Standby>, seen: Option<&'a Seen>) -> &'a str {
    row.map(|row| row.name.as_str())
        .or(seen.map(|seen| seen.name.as_str()))
        .unwrap_or_default()
}

fn sentence(row: Option<&Standby>, seen: Option<&Seen>, since: Option<f64>, known: &Known) -> String {
    let ago = since
        .zip(known.server_now())
        .map(|(since, now)| format::age(now - since));
    let for_so_long = ago.map_or_else(String::new, |ago| format!(" for {ago}"));
    match (seen, row) {
        (Some(seen), _) => {
            let from = seen
                .client
                .as_ref()
                .map_or_else(String::new, |client| format!(" ({client})"));
            format!("standby {}{from} has been gone{for_so_long}", seen.name)
        }
        (None, Some(row)) if row.expected => format!("synchronous standby {} is not connected", row.name),
        _ => format!("nobody has used the slot {}{for_so_long}", name(row, seen)),
    }
}

fn too_few(quorum: Quorum) -> Finding {
    let thing = Thing::Setting(SYNC_NAMES.to_owned());
    let sentence = format!(
        "{} of {} synchronous standbys are connected: commits wait",
        quorum.there, quorum.needed
    );
    let jump = Jump::panel("replication", "standbys").row(thing.clone());
    Finding::new("quorum", Reach::fact(Severity::Critical), sentence, jump)
        .about(thing)
        .detail("until enough are back, or the setting no longer counts on them")
        .remedy(
            "commit without them",
            "ALTER SYSTEM SET synchronous_standby_names = ''; -- commits no longer survive the loss of this server\n\
             SELECT pg_reload_conf();",
        )
}

#[cfg(test)]
mod tests;
