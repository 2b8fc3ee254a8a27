//! A statement that takes far longer than it did earlier in this session, and enough of the server's time to matter.

use super::surge::{self, NEAR};
use crate::alert::{Finding, Jump, Outcome, Reach, Rule, Thing, at_once, used};
use crate::known::Known;
use crate::model::regression::{Bounds, Regression, regressions};
use crate::model::statements;
use crate::probe::Probe as _;
use crate::probe::extensions::ExtensionsProbe;
use crate::probe::statements::{Statements, StatementsProbe};
use crate::ui::format;

pub(super) static RULE: Rule = Rule {
    id: "query_regression",
    title: "a statement has become slower",
    pane: "queries",
    needs: &[ExtensionsProbe::SPEC.id],
    uses: &[StatementsProbe::SPEC.id],
    server_wide: true,
    check,
    lasts: at_once,
    settles: 60.0,
    warning: "mean time over two minutes {query_regression_warn_times} and 3 sigma above its own mean of this session, of \
              five executions or more that take a tenth of all time",
    critical: "{query_regression_crit_times}",
    doc: "Measured against ten minutes of this session or more. It waits for locks or disks, or its plan changed: compare \
          EXPLAIN with what it should be, look at when the table was analyzed, and at what it waits for.",
};

fn check(known: &Known) -> Outcome {
    let entries = match used::<StatementsProbe>(known) {
        Ok(Some(statements)) => statements,
        Ok(None) => return without(known),
        Err(unknown) => return unknown,
    };
    let alerts = &known.settings.alerts;
    let (warn, crit) = (alerts.query_regression_warn_times, alerts.query_regression_crit_times);
    let bounds = Bounds {
        times: (warn * NEAR).max(1.0),
        ..Bounds::default()
    };
    match regressions(known.workload.past(), &bounds) {
        Ok(found) => {
            let outcome = Outcome::of(found.iter().map(|one| {
                let reach = Reach::rising(one.now_ms / one.before_ms, warn, crit);
                finding(one, reach, entries, known)
            }));
            if entries.hidden > 0 {
                let why = "statements of other roles are hidden: whether they became slower is not known";
                return outcome.but_not_others(why, Some(known.grant()));
            }
            outcome
        }
        Err(wait) => Outcome::not_yet(format!(
            "whether statements become slower is known in {}",
            format::age(wait)
        )),
    }
}

/// Why there is nothing to look at.
fn without(known: &Known) -> Outcome {
    let advice = known.server.as_deref().zip(known.get::<ExtensionsProbe>());
    let advice = advice.and_then(|(server, extensions)| statements::absent(server, extensions));
    match advice {
        Some(advice) => Outcome::unknown(advice.sentence, Some(advice.remedy)),
        None => Outcome::unknown("pg_stat_statements is not there", None),
    }
}

fn finding(one: &Regression, reach: Reach, entries: &Statements, known: &Known) -> Finding {
    let key = one.key;
    let sentence = format!(
        "statement {} takes {} instead of {}",
        key.query,
        format::duration(one.now_ms / 1000.0),
        format::duration(one.before_ms / 1000.0)
    );
    let name = format!("{}:{}:{}:{}", key.user, key.database, key.query, key.toplevel);
    let jump = Jump::to("queries").row(Thing::from(key));
    let entry = entries.get(&key);
    let finding = Finding::new(name, reach, sentence, jump)
        .since(Some(one.since))
        .about(Thing::from(key))
        .detail(format!(
            "{} of all time in the last two minutes, {}",
            format::percent(one.share * 100.0),
            format::counted(one.calls.round(), "execution", "executions")
        ))
        .detail(format!(
            "of {}",
            surge::whose(
                entry.and_then(|entry| entry.user.as_deref()),
                entry.and_then(|entry| entry.database.as_deref())
            )
        ));
    match surge::text(known, key.query) {
        Some(text) => finding.detail(text),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::testing::{BEGIN, Watched};
    use crate::model::concern::Severity;
    use crate::probe::extensions::Extensions;
    use crate::probe::statements::{Counters, Entry, Key};

    fn key(query: i64) -> Key {
        Key {
            user: 10,
            database: 5,
            query,
            toplevel: true,
        }
    }

    /// Statement 1 runs ten times in 15 seconds and takes so long by interval, statement 2 always 1 ms.
    fn watch(watched: &mut Watched, intervals: std::ops::Range<u32>, ms: impl Fn(u32) -> f64, hidden: i64) {
        let entry = |query, calls: i64, exec_ms| Entry {
            key: key(query),
            user: Some("app".into()),
            database: Some("shop".into()),
            counters: Counters {
                calls,
                exec_ms,
                ..Counters::default()
            },
            ..Entry::default()
        };
        for nth in intervals {
            watched.pass(15.0);
            watched.pulse(|_| ());
            watched.answer::<ExtensionsProbe>(Extensions::default());
            let took: f64 = (0..=nth).map(|before| 10.0 * ms(before)).sum();
            watched.answer::<StatementsProbe>(Statements {
                epoch: watched.known.server_now().unwrap_or(BEGIN),
                started: BEGIN - 86_400.0,
                entries: vec![
                    entry(1, 10 * i64::from(nth), took),
                    entry(2, 100 * i64::from(nth), f64::from(100 * nth)),
                ],
                all: 2 + hidden,
                hidden,
                ..Statements::default()
            });
        }
    }

    #[test]
    fn raised_when_it_is_slow_worse_when_slower_and_cleared() {
        let mut watched = Watched::new();
        let ms = |nth| match nth {
            0..80 => 10.0,
            80..110 => 70.0,
            110..140 => 500.0,
            _ => 10.0,
        };
        watch(&mut watched, 0..80, ms, 0);
        assert!(watched.raised(&RULE).is_empty());
        watch(&mut watched, 80..109, ms, 0);
        assert_eq!(watched.raised(&RULE), [("10:5:1:true".to_owned(), Severity::Warning)]);
        assert_eq!(watched.sentences(&RULE), ["statement 1 takes 70ms instead of 10ms"]);
        let alert = watched.engine.raised().next().unwrap();
        assert_eq!(
            alert.finding.details,
            [
                "87.5 % of all time in the last two minutes, 80 executions",
                "of app in shop"
            ]
        );
        watch(&mut watched, 109..135, ms, 0);
        assert_eq!(watched.raised(&RULE), [("10:5:1:true".to_owned(), Severity::Critical)]);
        watch(&mut watched, 135..170, ms, 0);
        assert!(watched.raised(&RULE).is_empty());
    }

    #[test]
    fn more_of_the_same_is_no_regression() {
        let mut watched = Watched::new();
        // It wavers between 5 and 20 ms, as it always did.
        watch(&mut watched, 0..200, |nth| if nth % 3 == 0 { 20.0 } else { 5.0 }, 0);
        assert!(watched.events.is_empty());
    }

    #[test]
    fn a_young_session_hidden_statements_and_no_extension_are_said() {
        let blind = |watched: &Watched| {
            let mut all = watched.engine.unchecked(&watched.known);
            let one = all.find(|one| one.rule.id == "query_regression");
            one.map(|one| (one.blind.passing, one.blind.why))
        };
        let mut watched = Watched::new();
        watch(&mut watched, 0..20, |_| 10.0, 0);
        assert_eq!(
            blind(&watched),
            Some((true, "whether statements become slower is known in 9m15s".to_owned()))
        );
        watch(&mut watched, 20..80, |_| 10.0, 3);
        let (passing, why) = blind(&watched).unwrap();
        assert!(
            !passing && why.starts_with("statements of other roles are hidden"),
            "{why}"
        );
        watch(
            &mut watched,
            80..130,
            |nth| if (80..100).contains(&nth) { 100.0 } else { 10.0 },
            3,
        );
        assert_eq!(
            watched.events.len(),
            2,
            "what is seen of it is over: {:?}",
            watched.events
        );
        watched.known.skip(StatementsProbe::SPEC.id, "not installed");
        watched.answer::<ExtensionsProbe>(Extensions::default());
        let (_, why) = blind(&watched).unwrap();
        assert!(why.contains("pg_stat_statements"), "{why}");
    }
}
