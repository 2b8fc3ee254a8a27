//! `pg_stat_statements` forgets: it has no room for all statements, and what it shows since its reset is not all there
//! was.

use crate::alert::{Finding, Jump, Outcome, Reach, Rule, at_once, used};
use crate::known::Known;
use crate::model::rates::float;
use crate::probe::Probe as _;
use crate::probe::extensions::ExtensionsProbe;
use crate::probe::statements::StatementsProbe;
use crate::ui::format;

pub(super) static RULE: Rule = Rule {
    id: "statements_evicted",
    title: "pg_stat_statements evicts entries",
    pane: "queries",
    needs: &[ExtensionsProbe::SPEC.id],
    uses: &[StatementsProbe::SPEC.id],
    server_wide: true,
    check,
    lasts: at_once,
    settles: 0.0,
    warning: "{evictions_per_hour}, which is as good as all entries; a notice for the first in the last hour",
    critical: "",
    doc: "When all pg_stat_statements.max entries are taken, the least used twentieth is dropped with everything it had \
          counted. Where every statement has a text of its own (IN lists before 18, names of temporary tables), room does \
          not help: parametrize them.",
};

fn check(known: &Known) -> Outcome {
    let statements = match used::<StatementsProbe>(known) {
        Ok(Some(statements)) => statements,
        // Not installed or not preloaded: nothing is evicted, and the doctor tells the rest.
        Ok(None) => return Outcome::calm(),
        Err(unknown) => return unknown,
    };
    let evictions = known.workload.evictions();
    if evictions == 0 {
        return Outcome::calm();
    }
    let limit = known.settings.alerts.evictions_per_hour;
    let reach = Reach {
        notice: float(evictions),
        warning: float(evictions) / limit,
        critical: 0.0,
    };
    let max = known
        .fresh::<ExtensionsProbe>()
        .and_then(|extensions| extensions.statements_max);
    let sentence = format!(
        "pg_stat_statements made room {} in the last hour",
        format::counted(evictions, "time", "times")
    );
    let finding = Finding::new("", reach, sentence, Jump::to("queries"));
    let finding = match max {
        Some(max) => finding.detail(format!(
            "{} of {} entries are taken",
            format::count(statements.all),
            format::count(max)
        )),
        None => finding,
    };
    let finding =
        finding.detail("what it shows since its reset is a lower bound; intervals with an eviction are marked ≈");
    Outcome::of([match max {
        Some(max) => finding.remedy(
            "room for twice as many",
            format!(
                "ALTER SYSTEM SET pg_stat_statements.max = {};\n-- then restart the server; an entry takes some 700 bytes \
                 of shared memory",
                max.saturating_mul(2)
            ),
        ),
        None => finding,
    }])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::alert::testing::{BEGIN, Watched};
    use crate::model::concern::Severity;
    use crate::probe::extensions::Extensions;
    use crate::probe::statements::{Counters, Entry, Key, Statements};

    /// A reading every 15 seconds: evictions so far, entries by query id.
    fn watch(watched: &mut Watched, readings: u32, dealloc: impl Fn(u32) -> (Option<i64>, std::ops::Range<i64>)) {
        for nth in 0..readings {
            watched.pass(15.0);
            watched.pulse(|_| ());
            watched.answer::<ExtensionsProbe>(Extensions {
                statements_max: Some(5000),
                ..Extensions::default()
            });
            let (dealloc, queries) = dealloc(nth);
            let entry = |query| Entry {
                key: Key {
                    query,
                    ..Key::default()
                },
                counters: Counters {
                    calls: 1,
                    ..Counters::default()
                },
                ..Entry::default()
            };
            let epoch = watched.known.server_now().unwrap_or(BEGIN);
            let entries: Vec<_> = queries.map(entry).collect();
            watched.answer::<StatementsProbe>(Statements {
                epoch,
                started: BEGIN - 86_400.0,
                all: i64::try_from(entries.len()).unwrap(),
                entries,
                dealloc,
                ..Statements::default()
            });
        }
    }

    #[test]
    fn one_is_a_notice_for_an_hour_and_twenty_are_a_warning() {
        let mut watched = Watched::new();
        watch(&mut watched, 4, |_| (Some(7000), 0..40));
        assert!(watched.raised(&RULE).is_empty(), "it was long ago");
        watch(&mut watched, 4, |_| (Some(7001), 0..40));
        assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Notice)]);
        assert_eq!(
            watched.sentences(&RULE),
            ["pg_stat_statements made room 1 time in the last hour"]
        );
        watch(&mut watched, 30, |nth| (Some(7001 + i64::from(nth)), 0..40));
        assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Warning)]);
        let alert = watched.engine.raised().next().unwrap();
        assert!(
            alert.finding.remedies[0]
                .text
                .starts_with("ALTER SYSTEM SET pg_stat_statements.max = 10000;\n")
        );
        watch(&mut watched, 245, |_| (Some(7030), 0..40));
        assert!(watched.raised(&RULE).is_empty(), "an hour later");
    }

    #[rstest]
    #[case::many_vanish(|nth| (None, if nth < 3 { 0..100 } else { 10..110 }), 1)]
    #[case::a_temporary_role_is_dropped(|nth| (None, if nth < 3 { 0..100 } else { 2..100 }), 0)]
    #[case::new_ones_come(|nth| (None, 0..100 + i64::from(nth)), 0)]
    #[case::reset_by_a_user(|nth| (Some(if nth < 3 { 5 } else { 0 }), 0..100), 0)]
    fn before_1_9_what_vanishes_in_masses_was_evicted(
        #[case] reading: fn(u32) -> (Option<i64>, std::ops::Range<i64>),
        #[case] expected: usize,
    ) {
        let mut watched = Watched::new();
        watch(&mut watched, 6, reading);
        assert_eq!(watched.raised(&RULE).len(), expected);
    }

    #[test]
    fn without_the_extension_there_is_nothing_to_evict() {
        let mut watched = Watched::new();
        watched.known.skip(
            StatementsProbe::SPEC.id,
            "pg_stat_statements is not installed in this database",
        );
        watched.answer::<ExtensionsProbe>(Extensions::default());
        let unchecked: Vec<_> = watched.engine.unchecked(&watched.known).collect();
        assert!(unchecked.iter().all(|one| one.rule.id != "statements_evicted"));
    }
}
