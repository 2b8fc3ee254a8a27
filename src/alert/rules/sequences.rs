//! A sequence, or the column it feeds, is near its end: after that every `INSERT` fails.

use crate::alert::{Finding, Jump, Outcome, Reach, Rule, Thing, at_once};
use crate::known::Known;
use crate::model::concern::Severity;
use crate::model::storage::sequences::{self, Limit, Pace};
use crate::probe::Probe as _;
use crate::probe::sequences::{Sequence, Sequences, SequencesProbe};
use crate::ui::format;

pub(super) static RULE: Rule = Rule {
    id: "sequences",
    title: "a sequence ends",
    pane: "storage",
    needs: &[SequencesProbe::SPEC.id],
    uses: &[],
    server_wide: false,
    check,
    lasts: at_once,
    settles: 0.0,
    warning: "{sequence_warn_percent} of its values, or of those its column can hold, are used",
    critical: "{sequence_crit_percent}",
    doc: "When they are used up, every INSERT that takes the default fails. Widening the column rewrites its table, so \
          begin early. Sequences that cycle are none; one that only its own MAXVALUE ends is a warning at most.",
};

fn check(known: &Known) -> Outcome {
    let Some(answer) = known.get::<SequencesProbe>() else {
        return Outcome::calm();
    };
    let outcome = Outcome::of(answer.rows.iter().filter_map(|row| finding(row, answer, known)));
    match &known.server {
        Some(server) if answer.unreadable > 0 => {
            let hidden = format::counted(answer.unreadable, "sequence is", "sequences are");
            let why = format!("the value of {hidden} hidden from this role");
            outcome.but_not_others(why, Some(sequences::grant(answer, server)))
        }
        _ => outcome,
    }
}

fn finding(sequence: &Sequence, answer: &Sequences, known: &Known) -> Option<Finding> {
    let limits = &known.settings.alerts;
    let (last, left) = (sequence.last_value?, sequences::left(sequence)?);
    let percent = sequence.share * 100.0;
    let limit = sequences::limit(sequence);
    let mut reach = Reach::rising(percent, limits.sequence_warn_percent, limits.sequence_crit_percent);
    if limit == Limit::Bound {
        reach = reach.at_most(Severity::Warning);
    }
    let name = sequence.name.to_string();
    let what = match (&sequence.column, limit) {
        (Some(column), Limit::Column) => format!("{}.{} can hold", column.table, column.name),
        _ => format!("sequence {name} can give"),
    };
    let sentence = if left == 0 {
        format!("every value {what} is used: INSERT fails")
    } else {
        format!("{} of the values {what} are used", format::percent(percent))
    };
    let thing = Thing::Sequence(sequence.oid);
    let jump = Jump::panel("storage", "sequences").row(thing.clone());
    let mut finding = Finding::new(sequence.oid.to_string(), reach, sentence, jump).about(thing);
    finding = finding.detail(format!(
        "{name} gave {} of {}, {} are left",
        format::exact(last),
        format::exact(sequence.bound),
        format::exact(left)
    ));
    if let Some(column) = sequence.column.as_ref().filter(|_| limit != Limit::Column) {
        finding = finding.detail(format!("it feeds {}.{}", column.table, column.name));
    }
    if let Pace::Ends(seconds) = sequences::pace(answer, sequence) {
        finding = finding.detail(format!("ends in about {} at its pace", format::age(seconds)));
    }
    for (what, text) in sequences::widen(sequence) {
        finding = finding.remedy(what, text);
    }
    Some(finding)
}

#[cfg(test)]
mod tests;
