//! The indexes nobody uses are large, all together.

use crate::alert::{Finding, Jump, Outcome, Reach, Rule, Thing, at_once, used};
use crate::known::Known;
use crate::model::rates::float;
use crate::model::replication::Kind;
use crate::model::storage::{counted_since, indexes};
use crate::probe::Probe as _;
use crate::probe::indexes_unused::{IndexesUnusedProbe, UnusedIndex, UnusedIndexes};
use crate::probe::replication::ReplicationProbe;
use crate::ui::format;

/// The largest that are named.
const NAMED: usize = 3;

pub(super) static RULE: Rule = Rule {
    id: "unused_indexes",
    title: "indexes nobody uses",
    pane: "storage",
    needs: &[IndexesUnusedProbe::SPEC.id],
    uses: &[ReplicationProbe::SPEC.id],
    server_wide: false,
    check,
    lasts: at_once,
    settles: 0.0,
    warning: "{unused_index_warn_bytes} in all, without a scan for {unused_index_after_hours}",
    critical: "{unused_index_crit_bytes}",
    doc: "Every write maintains them, VACUUM reads them, and they crowd the cache. Scan counters begin anew after a \
          reset, a crash or a failover, so young ones tell nothing; a standby that answers queries counts its own, so \
          with one nothing is known here. Indexes that support a foreign key are not counted.",
};

fn check(known: &Known) -> Outcome {
    let Some(answer) = known.get::<IndexesUnusedProbe>() else {
        return Outcome::calm();
    };
    if known.in_recovery() {
        return Outcome::unknown(
            "scans are counted by every server on its own: look on the primary",
            None,
        );
    }
    let wanted = known.settings.alerts.unused_index_after_hours * 3600.0;
    let age = counted_since(answer).map(|since| answer.epoch - since);
    if age.is_none_or(|age| age < wanted) {
        let age = age.map_or_else(|| "an unknown time".to_owned(), format::age);
        return Outcome::not_yet(format!(
            "scans have been counted for {age}, which is less than {}",
            format::duration(wanted)
        ));
    }
    match used::<ReplicationProbe>(known) {
        Err(unknown) => unknown,
        Ok(senders) => {
            let senders = senders.map_or(&[][..], Vec::as_slice);
            // Its oldest snapshot comes with hot_standby_feedback, which is for queries.
            let reads = senders
                .iter()
                .find(|sender| Kind::of(sender) == Kind::Physical && sender.xmin_age.is_some());
            match reads {
                None => Outcome::of(finding(answer, known)),
                Some(reader) => {
                    let name = reader.application_name.as_deref().unwrap_or("a standby");
                    Outcome::unknown(
                        format!("{name} answers queries too (hot_standby_feedback), and its scans are counted there"),
                        None,
                    )
                }
            }
        }
    }
}

fn size(index: &UnusedIndex) -> i64 {
    index.bytes.unwrap_or(index.estimated_bytes)
}

/// Bytes that could be won: those measured, and an estimate of what is not among the largest.
fn footprint(answer: &UnusedIndexes) -> i64 {
    let rows = || answer.rows.iter();
    let listed: i64 = rows().map(|index| index.estimated_bytes).sum();
    let rest = answer.estimated_total.saturating_sub(listed).max(0);
    let won: i64 = rows().filter(|index| !index.foreign_key).map(size).sum();
    won.saturating_add(rest)
}

fn finding(answer: &UnusedIndexes, known: &Known) -> Option<Finding> {
    let limits = &known.settings.alerts;
    let bytes = footprint(answer);
    let counted = || answer.rows.iter().filter(|index| !index.foreign_key);
    let first = counted().next()?;
    let needed = i64::try_from(answer.rows.len() - counted().count()).unwrap_or_default();
    let sentence = format!(
        "{} nobody uses: {} in database {}",
        format::counted(answer.indexes.saturating_sub(needed), "index", "indexes"),
        format::bytes(bytes),
        known.database()
    );
    let reach = Reach::rising(
        float(bytes),
        limits.unused_index_warn_bytes,
        limits.unused_index_crit_bytes,
    );
    let jump = Jump::panel("storage", "unused").row(Thing::Index(first.oid));
    let mut finding = Finding::new("", reach, sentence, jump);
    let largest: Vec<String> = counted()
        .take(NAMED)
        .map(|index| format!("{} {}", index.name, format::bytes(size(index))))
        .collect();
    finding = finding.detail(format!("the largest: {}", largest.join(", ")));
    let age = counted_since(answer).map(|since| format::age(answer.epoch - since));
    finding = finding.detail(format!(
        "no scan on this server for {}; a standby counts its own",
        age.unwrap_or_default()
    ));
    for index in counted().take(NAMED) {
        if let Some((what, text)) = indexes::drop_unused(answer, index, &format::bytes(size(index))) {
            finding = finding.remedy(what, text);
        }
    }
    Some(finding)
}

#[cfg(test)]
mod tests;
