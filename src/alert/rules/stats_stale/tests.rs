use super::super::vacuuming::testing::{alerts, table, watch};
use super::*;
use crate::alert::testing::Watched;
use crate::probe::autovacuum::Table;

/// Analyzed so many hours ago, and changed by so many rows since.
fn analyzed(hours: f64, modified: i64) -> Table {
    Table {
        autoanalyze_s: Some(hours * 3600.0),
        modified,
        ..table()
    }
}

/// A thousand changes every fifteen seconds, on top of so many; the first analyze was so many hours ago.
fn changing(watched: &mut Watched, hours: f64, from: i64, seconds: u32) {
    #[expect(clippy::cast_possible_truncation, reason = "seconds")]
    watch(watched, seconds, |second| {
        vec![analyzed(hours + second / 3600.0, from + (second / 15.0) as i64 * 1000)]
    });
}

#[test]
fn old_and_more_than_its_threshold_and_still_changing() {
    let mut watched = Watched::new();
    changing(&mut watched, 11.0, 150_000, 60);
    assert!(watched.raised(&RULE).is_empty(), "11 hours");
    changing(&mut watched, 12.1, 154_000, 60);
    assert_eq!(watched.raised(&RULE), [("16400".to_owned(), Severity::Warning)]);
    assert_eq!(
        watched.sentences(&RULE),
        ["public.Orders: last ANALYZE 12h07m ago, 15.8 % of its rows changed since"]
    );
    let finding = alerts(&watched, &RULE).remove(0).finding;
    assert_eq!(
        finding.details[0],
        "158 k changed rows, its own threshold for ANALYZE is 100 k"
    );
    assert_eq!(
        finding.remedies[0].text,
        "ANALYZE public.\"Orders\"; -- in database app"
    );
    changing(&mut watched, 24.1, 158_000, 60);
    assert_eq!(watched.raised(&RULE)[0].1, Severity::Critical);
    let done = Table {
        analyzes: (0, 1),
        ..analyzed(0.01, 10)
    };
    watch(&mut watched, 15, |_| vec![done.clone()]);
    assert!(watched.raised(&RULE).is_empty());
}

#[test]
fn few_changes_leave_old_statistics_right() {
    let mut watched = Watched::new();
    changing(&mut watched, 5000.0, 0, 1200);
    assert!(alerts(&watched, &RULE).is_empty(), "8 % in 200 days");
    changing(&mut watched, 5000.0, 150_000, 60);
    assert_eq!(watched.raised(&RULE)[0].1, Severity::Critical);
}

#[test]
fn what_changes_no_more_is_done_with() {
    let mut watched = Watched::new();
    let unchecked = |watched: &Watched| {
        let mut unchecked = watched.engine.unchecked(&watched.known);
        unchecked.find(|unchecked| unchecked.rule.id == RULE.id)
    };
    let still = |watched: &mut Watched, seconds| watch(watched, seconds, |_| vec![analyzed(100.0, 150_000)]);
    still(&mut watched, 60);
    assert!(watched.raised(&RULE).is_empty());
    assert!(unchecked(&watched).is_some_and(|unchecked| unchecked.blind.passing));
    still(&mut watched, 3600);
    assert!(unchecked(&watched).is_none(), "it did not change for an hour");
    changing(&mut watched, 100.0, 150_000, 15);
    assert_eq!(watched.raised(&RULE).len(), 1);
    watch(&mut watched, 3000, |_| vec![analyzed(101.0, 151_000)]);
    assert_eq!(watched.raised(&RULE).len(), 1, "within the last hour");
    watch(&mut watched, 900, |_| vec![analyzed(102.0, 151_000)]);
    assert!(watched.raised(&RULE).is_empty());
}

#[test]
fn what_somebody_wants_so_is_a_notice() {
    let disabled = |table: Table| Table {
        enabled: false,
        ..table
    };
    let parent = |table: Table| Table {
        relkind: "p".to_owned(),
        leaves: Some(1e6),
        ..table
    };
    for wanted in [&disabled as &dyn Fn(Table) -> Table, &parent] {
        let mut watched = Watched::new();
        for rows in [150_000, 160_000] {
            watch(&mut watched, 15, |_| vec![wanted(analyzed(100.0, rows))]);
        }
        assert_eq!(watched.raised(&RULE), [("16400".to_owned(), Severity::Notice)]);
    }
}

#[test]
fn an_empty_table_that_was_never_analyzed_is_calm() {
    let mut watched = Watched::new();
    let empty = Table {
        reltuples: -1.0,
        live: 0,
        ..table()
    };
    watch(&mut watched, 120, |_| vec![empty.clone()]);
    let filled = |second: f64| Table {
        reltuples: -1.0,
        modified: if second > 60.0 { 5000 } else { 0 },
        ..table()
    };
    watch(&mut watched, 120, |second| vec![filled(second)]);
    assert!(alerts(&watched, &RULE).is_empty());
    // As pg_database after four new databases, hours after initdb.
    for modified in [4, 8] {
        let catalog = Table {
            live: 5,
            reltuples: 3.0,
            ..analyzed(100.0, modified)
        };
        watch(&mut watched, 15, |_| vec![catalog.clone()]);
    }
    assert!(alerts(&watched, &RULE).is_empty(), "a handful of rows");
}
