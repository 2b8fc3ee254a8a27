use rstest::rstest;

use super::*;
use crate::alert::testing::Watched;
use crate::model::partitions::testing::{DATE, INT8, NOW, answer, part, ranges, subtable, table};
use crate::probe::partitions::{Partitions, Relation};

fn judged(relations: Vec<Relation>) -> Watched {
    of(answer(relations))
}

/// Judged at the time of the answer.
fn of(answer: Partitions) -> Watched {
    let mut watched = Watched::new();
    watched.pass(NOW - crate::alert::testing::BEGIN);
    watched.pulse(|_| ());
    watched.answer::<PartitionsProbe>(answer);
    watched
}

fn told(watched: &Watched) -> Vec<(Severity, String)> {
    let severities = watched.raised(&RULE).into_iter().map(|(_, severity)| severity);
    severities.zip(watched.sentences(&RULE)).collect()
}

fn dates(bounds: &[&str]) -> Vec<Relation> {
    let mut relations = ranges(10, 1, "t_", bounds);
    relations.push(table(1, "t", "r", &[("d", DATE)]));
    relations
}

#[rstest]
#[case::far(&["2025-10-01", "2025-11-01", "2025-12-01"], None)]
#[case::short(&["2025-11-20", "2025-11-21", "2025-11-22"], Some((Severity::Warning, "the partitions of public.t end in 1d10h")))]
#[case::over(&["2025-09-01", "2025-10-01", "2025-11-01"], Some((Severity::Critical, "public.t has no partition for now: the last ended 19d13h ago")))]
#[case::not_yet(&["2025-12-01", "2026-01-01"], Some((Severity::Critical, "public.t has no partition for now: the next begins in 10d10h")))]
#[case::long_over(&["2020-01-01", "2020-02-01"], None)]
fn how_far_they_reach(#[case] bounds: &[&str], #[case] expected: Option<(Severity, &str)>) {
    let expected: Vec<_> = expected
        .map(|(severity, said)| (severity, said.to_owned()))
        .into_iter()
        .collect();
    assert_eq!(told(&judged(dates(bounds))), expected);
}

#[test]
fn the_missing_partitions_are_offered_and_it_clears() {
    let mut watched = judged(dates(&["2025-11-20", "2025-11-21", "2025-11-22"]));
    let remedy = watched.engine.raised().next().unwrap().finding.remedies[0].text.clone();
    let first =
        "CREATE TABLE public.t_20251122 PARTITION OF public.t FOR VALUES FROM ('2025-11-22') TO ('2025-11-23');";
    assert!(remedy.starts_with(first), "{remedy}");
    watched.pass(600.0);
    watched.pulse(|_| ());
    watched.answer::<PartitionsProbe>(answer(dates(&["2025-11-20", "2026-11-21"])));
    assert!(watched.raised(&RULE).is_empty());
}

#[test]
fn a_default_that_fills_is_critical() {
    let mut relations = dates(&["2025-11-01", "2025-12-01", "2026-01-01"]);
    relations.push(Relation {
        live: 5,
        grew_at: Some(NOW - 60.0),
        ..part(9, 1, "t_rest", "DEFAULT")
    });
    let expected = (
        Severity::Critical,
        "rows fill the default partition of public.t (about 5)".to_owned(),
    );
    assert_eq!(told(&judged(relations)), [expected]);
}

/// Months of days: last month's days have ended, next month's have not begun, and this month's end with it.
#[test]
fn a_partitioned_partition_reaches_to_its_own_end() {
    let mut relations = vec![table(1, "t", "r", &[("d", DATE)])];
    for (oid, from, to) in [
        (10, "2025-10-01", "2025-11-01"),
        (20, "2025-11-01", "2025-11-25"),
        (30, "2025-11-25", "2025-12-31"),
    ] {
        let own = part(oid, 1, &format!("t_{oid}"), &format!("FROM ('{from}') TO ('{to}')"));
        relations.push(subtable(table(oid, &own.name, "r", &[("d", DATE)]), &own));
        relations.extend(ranges(oid * 10, oid, &format!("t_{oid}_"), &[from, to]));
    }
    assert!(told(&judged(relations.clone())).is_empty());
    // The one of now lacks its last days.
    relations.retain(|relation| relation.oid != 200);
    relations.extend(ranges(200, 20, "t_20_", &["2025-11-01", "2025-11-22"]));
    assert_eq!(
        told(&judged(relations)),
        [(
            Severity::Warning,
            "the partitions of public.t_20 end in 1d10h".to_owned()
        )]
    );
}

#[test]
fn a_hash_that_lacks_remainders_refuses_rows() {
    let relations = vec![
        table(1, "t", "h", &[("k", INT8)]),
        part(2, 1, "t_0", "WITH (modulus 2, remainder 0)"),
    ];
    assert_eq!(
        told(&judged(relations)),
        [(Severity::Warning, "public.t lacks 1 remainder".to_owned())]
    );
}

#[test]
fn what_was_not_asked_for_is_not_calm() {
    let mut few = answer(dates(&["2025-11-01", "2025-12-01"]));
    for relation in &mut few.relations {
        if let Some(key) = &mut relation.key {
            key.partitions = 5;
        }
    }
    let watched = of(few);
    let mut unchecked = watched.engine.unchecked(&watched.known);
    assert!(unchecked.any(|unchecked| unchecked.rule == &RULE));
}
