//! What a `CREATE INDEX CONCURRENTLY` or `REINDEX CONCURRENTLY` that failed has left behind: no query uses it, and every
//! write keeps it up to date.

use crate::alert::{Finding, Jump, Outcome, Reach, Rule, Thing, at_once};
use crate::known::Known;
use crate::model::concern::Severity;
use crate::model::storage::invalid::{self, State};
use crate::probe::Probe as _;
use crate::probe::indexes_invalid::{IndexesInvalidProbe, InvalidIndex};
use crate::ui::format;

pub(super) static RULE: Rule = Rule {
    id: "invalid_indexes",
    title: "an invalid index was left behind",
    pane: "storage",
    needs: &[IndexesInvalidProbe::SPEC.id],
    uses: &[],
    server_wide: false,
    check,
    lasts: at_once,
    settles: 0.0,
    warning: "an index is invalid and nobody builds it",
    critical: "",
    doc: "No query uses it and every write maintains it; a unique one guards nothing. Build it again or drop it. The \
          index of a partitioned table that waits for its parts is a notice.",
};

fn check(known: &Known) -> Outcome {
    let indexes = known.get::<IndexesInvalidProbe>().map_or(&[][..], Vec::as_slice);
    let outcome = Outcome::of(indexes.iter().filter_map(finding));
    if indexes.iter().any(|index| invalid::state(index) == State::OnStandby) {
        let why = "only the primary knows whether an invalid index is being built";
        return outcome.but_not(why, None);
    }
    outcome
}

fn finding(index: &InvalidIndex) -> Option<Finding> {
    let state = invalid::state(index);
    if !state.wants_mending() {
        return None;
    }
    let severity = if state == State::Incomplete {
        Severity::Notice
    } else {
        Severity::Warning
    };
    let name = index.name.to_string();
    let sentence = match state {
        State::Incomplete => format!("index {name} lacks the indexes of some partitions"),
        State::HalfDropped => format!("index {name} is half dropped"),
        State::ReindexFailed => format!("a REINDEX that failed left {name} behind"),
        State::ReindexLeftOver => format!("a REINDEX left the old index {name} behind"),
        _ => format!("index {name} is invalid: its building failed"),
    };
    let thing = Thing::Index(index.oid);
    let jump = Jump::panel("storage", "invalid").row(thing.clone());
    let mut finding = Finding::new(index.oid.to_string(), Reach::fact(severity), sentence, jump).about(thing);
    let cost = if index.ready { ", maintained by every write" } else { "" };
    finding = finding.detail(format!(
        "about {} on {}{cost}, used by no query",
        format::bytes(index.estimated_bytes),
        index.table
    ));
    if index.unique && state == State::BuildFailed {
        finding = finding.detail("unique: duplicates are the likely cause, and nothing keeps new ones out");
    }
    for (what, text) in invalid::mend(index) {
        finding = finding.remedy(what, text);
    }
    Some(finding)
}

#[cfg(test)]
mod tests;
