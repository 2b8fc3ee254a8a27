//! What is said of whole tables; the pieces have their own tests.

use jiff::tz::TimeZone;
use rstest::rstest;

use super::testing::*;
use super::*;
use crate::probe::partitions::Relation;

fn read_all(relations: Vec<Relation>) -> Vec<Parent> {
    read(&answer(relations), &TimeZone::UTC)
}

/// One range table on a `date` with these bounds, changed by `change`.
fn dates(bounds: &[&str], change: impl Fn(&mut Relation)) -> Parent {
    let mut relations = ranges(10, 1, "t_", bounds);
    relations.iter_mut().for_each(change);
    relations.push(table(1, "t", "r", &[("d", DATE)]));
    read_all(relations).remove(0)
}

fn judged(parent: &Parent) -> Verdict {
    parent.judge(NOW, 7)
}

#[rstest]
#[case(&["2025-11-01", "2025-12-01", "2026-01-01"], Level::Fine)]
#[case(&["2025-11-01", "2025-11-22"], Level::Warning)]
#[case(&["2025-11-01", "2025-11-27"], Level::Warning)]
#[case(&["2025-11-01", "2025-11-28"], Level::Fine)]
#[case(&["2025-10-01", "2025-11-01"], Level::Critical)]
#[case(&["2025-12-01", "2026-01-01"], Level::Critical)]
#[case(&["2020-01-01", "2020-02-01"], Level::Over)]
#[case(&["2020-01-01", "infinity"], Level::Fine)]
fn how_bad_a_horizon_is(#[case] bounds: &[&str], #[case] level: Level) {
    let parent = dates(bounds, |_| {});
    assert_eq!(judged(&parent).level, level, "{:?}", judged(&parent));
}

#[test]
fn the_horizon_ends_at_the_first_gap() {
    let mut relations = ranges(10, 1, "t_", &["2025-11-01", "2025-11-25"]);
    relations.extend(ranges(20, 1, "t_", &["2025-12-01", "2026-01-01", "2026-02-01"]));
    relations.push(table(1, "t", "r", &[("d", DATE)]));
    let parents = read_all(relations);
    let verdict = judged(&parents[0]);
    let until = 4.0 * DAY + 10.0 * 3600.0 + 27.0 * 60.0 + 49.0;
    assert_eq!((verdict.reach, verdict.level), (Reach::Beyond(until), Level::Warning));
    assert_eq!(parents[0].holes.count(), 1);
}

/// A table whose last partition ended long ago is over, unless there is a sign of life.
#[rstest]
#[case::quiet(None, None, Level::Over)]
#[case::grew(Some(NOW - DAY), None, Level::Critical)]
#[case::analyzed(None, Some(NOW - 3.0 * DAY), Level::Critical)]
#[case::analyzed_long_ago(None, Some(NOW - 90.0 * DAY), Level::Over)]
fn signs_of_life(#[case] grew_at: Option<f64>, #[case] analyzed: Option<f64>, #[case] level: Level) {
    let parent = dates(&["2025-07-01", "2025-08-01"], |part| {
        (part.grew_at, part.analyzed) = (grew_at, analyzed);
    });
    assert_eq!(judged(&parent).level, level);
}

#[test]
fn yearly_partitions_are_over_later_than_monthly_ones() {
    let years = dates(&["2023-01-01", "2024-01-01", "2025-01-01"], |_| {});
    assert_eq!(judged(&years).level, Level::Critical, "not even a year ago");
    let months = dates(&["2024-11-01", "2024-12-01", "2025-01-01"], |_| {});
    assert_eq!(judged(&months).level, Level::Over);
}

#[rstest]
#[case::empty(0, None, Default::Empty, Level::Fine)]
#[case::holds(5, None, Default::Holds(5.0), Level::Notice)]
#[case::fills(5, Some(NOW - 60.0), Default::Fills(5.0), Level::Critical)]
#[case::filled_yesterday(5, Some(NOW - DAY), Default::Holds(5.0), Level::Notice)]
fn the_default(#[case] live: i64, #[case] grew_at: Option<f64>, #[case] default: Default, #[case] level: Level) {
    let mut relations = ranges(10, 1, "t_", &["2025-11-01", "2025-12-01"]);
    relations.push(table(1, "t", "r", &[("d", DATE)]));
    relations.push(Relation {
        live,
        grew_at,
        ..part(9, 1, "t_rest", "DEFAULT")
    });
    let parents = read_all(relations);
    let verdict = judged(&parents[0]);
    assert_eq!((verdict.default, verdict.level), (default, level));
}

#[test]
fn a_default_of_lists_may_have_rows() {
    let mut relations = vec![
        table(1, "t", "l", &[("r", TEXT)]),
        part(2, 1, "t_eu", "IN ('de', 'fr', NULL)"),
    ];
    relations.push(Relation {
        live: 5,
        grew_at: Some(NOW),
        ..part(9, 1, "t_rest", "DEFAULT")
    });
    let verdict = judged(&read_all(relations)[0]);
    assert_eq!((verdict.level, verdict.reach), (Level::Fine, Reach::Values(3)));
}

fn numbers(live: &[i64], change: impl Fn(&mut Relation)) -> Parent {
    let bounds: Vec<String> = (0..=live.len()).map(|nth| (nth * 1000).to_string()).collect();
    let bounds: Vec<&str> = bounds.iter().map(String::as_str).collect();
    let mut relations = ranges(10, 1, "t_", &bounds);
    for (relation, live) in relations.iter_mut().zip(live) {
        (relation.live, relation.inserted) = (*live, *live);
        change(relation);
    }
    relations.push(table(1, "t", "r", &[("id", INT8)]));
    read_all(relations).remove(0)
}

#[test]
fn numbers_reach_as_far_as_there_are_empty_partitions() {
    let reach = |live: &[i64]| judged(&numbers(live, |_| {})).reach;
    assert_eq!(reach(&[1000, 300, 0, 0]), Reach::Ahead(2));
    assert_eq!(reach(&[1000, 0, 300, 0]), Reach::Ahead(1));
    assert_eq!(reach(&[0, 0]), Reach::Unused);
    let last = judged(&numbers(&[1000, 300], |_| {}));
    assert_eq!((last.reach, last.level), (Reach::Ahead(0), Level::Warning));
    let old = judged(&numbers(&[1000, 300], |part| part.analyzed = Some(NOW - 90.0 * DAY)));
    assert_eq!(
        (old.reach, old.level),
        (Reach::Ahead(0), Level::Notice),
        "nobody writes any more"
    );
}

#[test]
fn ranges_are_in_the_order_of_their_values() {
    let mut relations = ranges(10, 1, "t_", &["-5", "2", "10", "100"]);
    relations.reverse();
    relations.push(table(1, "t", "r", &[("id", INT8)]));
    relations.push(part(5, 1, "a_default", "DEFAULT"));
    let parents = read_all(relations);
    let names: Vec<&str> = parents[0].parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, ["t_5", "t_2", "t_10", "a_default"]);
    assert_eq!(parents[0].default().unwrap().name, "a_default");
}

#[test]
fn rows_of_a_tree_are_those_of_its_leaves() {
    let top = table(1, "t", "r", &[("d", DATE)]);
    let bound = part(2, 1, "", "FROM ('2025-11-01') TO ('2026-12-01')");
    let below = subtable(table(2, "t_2025", "h", &[("k", INT8)]), &bound);
    let leaf = |oid, remainder, live| Relation {
        live,
        heap_bytes: 8192,
        grew_at: Some(NOW - f64::from(oid)),
        ..part(oid, 2, "leaf", &format!("WITH (modulus 3, remainder {remainder})"))
    };
    let parents = read_all(vec![leaf(7, 0, 10), leaf(8, 2, 5), below, top]);
    let names: Vec<&str> = parents.iter().map(|parent| parent.name.as_str()).collect();
    assert_eq!(names, ["t", "t_2025"], "a table before those below it");
    assert_eq!((parents[0].rows, parents[0].heap_bytes), (Some(15.0), 16384));
    let part = &parents[0].parts[0];
    assert_eq!((part.partitions, part.grew_at), (Some(2), Some(NOW - 7.0)));
    assert_eq!(parents[1].remainders, [(3, 1)]);
    assert_eq!(judged(&parents[1]).level, Level::Warning);
    assert_eq!(judged(&parents[0]).level, Level::Fine);
}

#[rstest]
#[case(&[(4, 0), (4, 1), (4, 2), (4, 3)], &[])]
#[case(&[(2, 0), (4, 1), (8, 3)], &[(8, 7)])]
#[case(&[(2, 0), (4, 1), (4, 3)], &[])]
#[case(&[(3, 1)], &[(3, 0), (3, 2)])]
fn remainders_of_several_moduli(#[case] taken: &[(i64, i64)], #[case] missing: &[(i64, i64)]) {
    let mut relations = vec![table(1, "t", "h", &[("k", INT8)])];
    for (oid, (modulus, remainder)) in (10..).zip(taken) {
        let bound = format!("WITH (modulus {modulus}, remainder {remainder})");
        relations.push(part(oid, 1, "p", &bound));
    }
    assert_eq!(read_all(relations)[0].remainders, missing);
}

#[test]
fn what_was_not_asked_for_is_not_judged() {
    let mut relations = ranges(10, 1, "t_", &["2020-01-01", "2020-02-01"]);
    relations.push(table(1, "t", "r", &[("d", DATE)]));
    let mut answer = answer(relations);
    for relation in &mut answer.relations {
        if let Some(key) = &mut relation.key {
            key.partitions = 5;
        }
    }
    let parents = read(&answer, &TimeZone::UTC);
    assert_eq!((parents[0].unasked, judged(&parents[0]).reach), (4, Reach::PartlyKnown));
}

#[test]
fn a_standby_does_not_know_the_rows_of_what_was_never_analyzed() {
    let relation = |reltuples, live| Relation {
        reltuples,
        live,
        ..part(10, 1, "t_1", "FROM ('2025-11-01') TO ('2026-12-01')")
    };
    let rows = |recovering, relation: Relation| {
        let mut answer = answer(vec![table(1, "t", "r", &[("d", DATE)]), relation]);
        answer.recovering = recovering;
        read(&answer, &TimeZone::UTC)[0].rows
    };
    assert_eq!(rows(false, relation(-1.0, 0)), Some(0.0));
    assert_eq!(rows(true, relation(-1.0, 0)), None);
    assert_eq!(rows(true, relation(70.0, 0)), Some(70.0));
    assert_eq!(rows(false, relation(70.0, 90)), Some(90.0), "the counters are newer");
}

fn next(bounds: &[&str], class: u32) -> Vec<String> {
    let mut relations = ranges(10, 1, "t_", bounds);
    relations.push(table(1, "t", "r", &[("k", class)]));
    let parents = read_all(relations);
    let verdict = judged(&parents[0]);
    let sql = parents[0].create_next(NOW, 7, &verdict, &parents).unwrap_or_default();
    sql.lines().map(str::to_owned).collect()
}

#[rstest]
#[case::daily(
    &["2025-11-19", "2025-11-20", "2025-11-21", "2025-11-22"], DATE, 6,
    "CREATE TABLE public.t_20251127 PARTITION OF public.t FOR VALUES FROM ('2025-11-27') TO ('2025-11-28');"
)]
#[case::monthly(
    &["2025-10-01", "2025-11-01", "2025-12-01"], DATE, 1,
    "CREATE TABLE public.t_20251201 PARTITION OF public.t FOR VALUES FROM ('2025-12-01') TO ('2026-01-01');"
)]
#[case::late(
    &["2025-08-01", "2025-09-01", "2025-10-01"], DATE, 2,
    "CREATE TABLE public.t_20251101 PARTITION OF public.t FOR VALUES FROM ('2025-11-01') TO ('2025-12-01');"
)]
#[case::zoned(
    &["2025-10-01 00:00:00+00", "2025-11-01 00:00:00+00", "2025-12-01 00:00:00+00"], TIMESTAMPTZ, 1,
    "CREATE TABLE public.t_2025120100000000 PARTITION OF public.t \
     FOR VALUES FROM ('2025-12-01 00:00:00+00') TO ('2026-01-01 00:00:00+00');"
)]
#[case::numbers(
    &["0", "1000", "2000"], INT8, 1,
    "CREATE TABLE public.t_2000 PARTITION OF public.t FOR VALUES FROM ('2000') TO ('3000');"
)]
#[case::no_cadence(&["0", "1000", "1500"], INT8, 0, "")]
#[case::open(&["2025-10-01", "infinity"], DATE, 0, "")]
fn what_comes_next(#[case] bounds: &[&str], #[case] class: u32, #[case] count: usize, #[case] last: &str) {
    let statements = next(bounds, class);
    assert_eq!(statements.len(), count, "{statements:#?}");
    assert_eq!(statements.last().map_or("", String::as_str), last);
}

#[test]
fn a_hole_is_closed_in_pieces_of_the_cadence() {
    let mut relations = ranges(10, 1, "t_", &["2025-06-01", "2025-07-01", "2025-08-01"]);
    relations.extend(ranges(20, 1, "t_", &["2025-10-01", "2025-11-01", "2025-12-01"]));
    relations.push(table(1, "t", "r", &[("d", DATE)]));
    let parents = read_all(relations);
    let sql = parents[0].create_holes(&judged(&parents[0]), &parents).unwrap();
    let expected = "\
CREATE TABLE public.t_20250801 PARTITION OF public.t FOR VALUES FROM ('2025-08-01') TO ('2025-09-01');
CREATE TABLE public.t_20250901 PARTITION OF public.t FOR VALUES FROM ('2025-09-01') TO ('2025-10-01');";
    assert_eq!(sql, expected);
}

#[test]
fn a_key_is_said_as_sql_says_it() {
    let mut relation = table(1, "t", "r", &[("", TIMESTAMP), ("b", INT8)]);
    let key = |relation: &Relation| read_all(vec![relation.clone()])[0].key();
    assert_eq!(key(&relation), "(expression), b");
    relation.key.as_mut().unwrap().expression = Some("RANGE (date_trunc('day', ts), b)".to_owned());
    assert_eq!(key(&relation), "date_trunc('day', ts), b");
}
