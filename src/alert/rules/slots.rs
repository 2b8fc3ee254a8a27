//! A replication slot that is lost, is about to be, or fills the disk.

use crate::alert::{Finding, Jump, Outcome, Reach, Rule, Thing, at_once};
use crate::known::Known;
use crate::model::concern::Severity;
use crate::model::rates::float;
use crate::model::slots::{self, Judged, Outlook};
use crate::model::trails::{Speed, What};
use crate::probe::Probe as _;
use crate::probe::slots::{Slot, SlotsProbe};
use crate::probe::wal_settings::{WalSettings, WalSettingsProbe};
use crate::ui::format;

/// Seconds over which the growth of a slot nobody uses is believed: it goes straight up.
const STRAIGHT_S: f64 = 20.0;
/// The same of one in use: it goes up and down with what its consumer confirms, every 15 seconds or so.
const UP_AND_DOWN_S: f64 = 120.0;
const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

pub(super) static RULE: Rule = Rule {
    id: "slots",
    title: "a replication slot is lost or fills the disk",
    pane: "replication",
    needs: &[SlotsProbe::SPEC.id, WalSettingsProbe::SPEC.id],
    uses: &[],
    server_wide: true,
    check,
    lasts: at_once,
    // Two answers.
    settles: 20.0,
    warning: "loses WAL within {slot_left_warn_s} at its pace; or keeps {slot_kept_warn_bytes} without a limit, unused \
              or growing",
    critical: "within {slot_left_crit_s}, over its limit, or lost; or {slot_kept_crit_bytes}",
    doc: "max_slot_wal_keep_size protects the disk and loses the slot, whose consumer then has to begin anew; without \
          it (and before 13) the slot fills the disk. Let its consumer catch up, or drop a slot nobody needs.",
};

fn check(known: &Known) -> Outcome {
    let (Some(slots), Some(settings)) = (known.get::<SlotsProbe>(), known.get::<WalSettingsProbe>()) else {
        return Outcome::calm();
    };
    let trails = known.series.trails();
    let judged = slots.iter().map(|slot| {
        let growth = trails.speed(What::Kept, &slot.slot_name);
        Judged::of(slot, growth.filter(|speed| believed(slot, *speed)), None)
    });
    Outcome::of(judged.filter_map(|slot| finding(&slot, settings, known)))
}

/// Its consumer reads elsewhere, so that nobody uses it here.
fn is_copy(slot: &Slot) -> bool {
    slot.synced == Some(true)
}

fn believed(slot: &Slot, growth: Speed) -> bool {
    let used = slot.active || is_copy(slot);
    growth.over >= if used { UP_AND_DOWN_S } else { STRAIGHT_S }
}

fn finding(judged: &Judged, settings: &WalSettings, known: &Known) -> Option<Finding> {
    let slot = &judged.slot;
    let name = &slot.slot_name;
    let limits = &known.settings.alerts;
    let kept = slot.kept_bytes.unwrap_or_default();
    let (reach, sentence) = match judged.outlook {
        Outlook::Lost => (Reach::fact(lost(slot)), format!("slot {name} is lost{}", reason(slot))),
        Outlook::Unreserved => (
            Reach::fact(Severity::Critical),
            format!("slot {name} is over its limit: the next checkpoint may lose it"),
        ),
        // One in use comes into danger when it has used up most of what it may keep.
        Outlook::LostIn(left) if !(slot.active || is_copy(slot)) || slot.safe_bytes <= Some(kept) => (
            Reach::falling(left, limits.slot_left_warn_s, limits.slot_left_crit_s),
            format!("slot {name} loses WAL in about {}", format::age(left)),
        ),
        Outlook::LostIn(_) => return None,
        Outlook::Fills | Outlook::Steady => {
            let grows = judged.growth.is_some_and(|speed| speed.per_second >= 1.0);
            let unlimited = settings.max_keep_bytes.is_none() && slot.safe_bytes.is_none();
            if !unlimited || (slot.active || is_copy(slot)) && !grows {
                return None;
            }
            let state = if slot.active { "and falls behind" } else { "for nobody" };
            (
                Reach::rising(float(kept), limits.slot_kept_warn_bytes, limits.slot_kept_crit_bytes),
                format!("slot {name} keeps {} of WAL {state}", format::bytes(kept)),
            )
        }
    };
    let thing = Thing::Slot(name.clone());
    let jump = Jump::panel("replication", "slots").row(thing.clone());
    let finding = Finding::new(name.clone(), reach, sentence, jump).about(thing);
    Some(mend(evidence(finding, judged), judged, settings))
}

/// Whoever asked for idle slots to be invalidated got what was asked for.
fn lost(slot: &Slot) -> Severity {
    if slot.invalidation_reason.as_deref() == Some("idle_timeout") {
        Severity::Warning
    } else {
        Severity::Critical
    }
}

fn reason(slot: &Slot) -> String {
    slot.invalidation_reason
        .as_ref()
        .map_or_else(String::new, |reason| format!(" ({reason})"))
}

fn evidence(mut finding: Finding, judged: &Judged) -> Finding {
    let slot = &judged.slot;
    finding = finding.detail(match judged.outlook {
        Outlook::Lost if is_copy(slot) => "a copy of the primary's: look at it there".to_owned(),
        Outlook::Lost => "its consumer has to begin anew".to_owned(),
        _ => slots::way_out(slot).to_owned(),
    });
    if judged.outlook != Outlook::Lost
        && let Some(kept) = slot.kept_bytes
    {
        let grows = judged.growth.filter(|speed| speed.per_second >= 1.0);
        let grows = grows.map_or_else(String::new, |speed| {
            format!(", {} more a minute", format::bytes(speed.per_second * 60.0))
        });
        let safe = slot.safe_bytes.map_or_else(
            || "no limit but the disk".to_owned(),
            |safe| format!("{} left", format::bytes(safe)),
        );
        finding = finding.detail(format!("keeps {}{grows}; {safe}", format::bytes(kept)));
    }
    let kind = slot.database.as_ref().map_or_else(
        || format!("{} slot", slot.slot_type),
        |database| format!("{} slot of database {database}", slot.slot_type),
    );
    let unused = slot.inactive_s.filter(|_| !slot.active && !is_copy(slot));
    let unused = unused.map_or_else(String::new, |seconds| format!(", unused for {}", format::age(seconds)));
    let failover = if slot.failover == Some(true) {
        ", synchronised to standbys: dropping it drops their copies"
    } else {
        ""
    };
    finding.detail(format!("{kind}{unused}{failover}"))
}

fn mend(mut finding: Finding, judged: &Judged, settings: &WalSettings) -> Finding {
    if judged.outlook != Outlook::Lost
        && let Some(limit) = settings.max_keep_bytes
    {
        let more = (float(limit) * 2.0 / GIB).ceil().max(1.0);
        finding = finding.remedy(
            "let it keep more",
            format!(
                "ALTER SYSTEM SET max_slot_wal_keep_size = '{more:.0}GB'; -- is {}; the disk of pg_wal must have room\n\
                 SELECT pg_reload_conf();",
                format::bytes(limit)
            ),
        );
    }
    match slots::drop_statement(&judged.slot) {
        Some(drop) => finding.remedy("drop it", drop),
        None => finding,
    }
}

#[cfg(test)]
mod tests;
