use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::pg::server::Server;
use crate::probe::statements::{Counters, Entry, StatementsProbe};
use crate::probe::{Data, Mono, Probe as _};

fn key(query: i64) -> Key {
    Key {
        user: 10,
        database: 5,
        query,
        toplevel: true,
    }
}

fn entry(query: i64, calls: i64, exec_ms: f64) -> Entry {
    Entry {
        key: key(query),
        counters: Counters {
            calls,
            exec_ms,
            ..Counters::default()
        },
        ..Entry::default()
    }
}

fn since(entry: Entry, since: f64) -> Entry {
    Entry {
        since: Some(since),
        ..entry
    }
}

/// A reading of the extension's version 1.9 and later, `seconds` after the first.
fn statements(seconds: f64, entries: Vec<Entry>) -> Statements {
    Statements {
        epoch: 1000.0 + seconds,
        started: 1.0,
        all: i64::try_from(entries.len()).unwrap(),
        entries,
        dealloc: Some(0),
        reset: Some(500.0),
        ..Statements::default()
    }
}

fn trusts(interval: &Interval) -> Vec<(i64, i64, Trust)> {
    let rows = interval.rows.iter();
    rows.map(|row| (row.key.query, row.counters.calls, row.trust)).collect()
}

#[test]
fn growth_is_what_was_added() {
    let before = statements(0.0, vec![entry(1, 100, 50.0), entry(2, 7, 1.0), entry(3, 1, 1.0)]);
    let after = statements(10.0, vec![entry(1, 120, 90.0), entry(2, 7, 1.0), entry(4, 5, 10.0)]);
    let interval = between(&before, &after);
    assert_eq!(trusts(&interval), [(1, 20, Trust::Exact), (4, 5, Trust::Exact)]);
    assert_eq!((interval.calls, interval.total_ms), (25, 50.0));
    assert_eq!(interval.seconds(), Some(10.0));
    assert_eq!(
        (interval.vanished, interval.evictions, interval.reset),
        (1, Some(0), false)
    );
    let row = interval.get(&key(1)).unwrap();
    assert_eq!((row.mean_ms(), row.per_second(20.0)), (Some(2.0), Some(2.0)));
}

#[test]
fn a_reset_of_everything_starts_the_interval_anew() {
    let before = statements(0.0, vec![entry(1, 100, 50.0)]);
    let mut after = statements(10.0, vec![entry(1, 120, 60.0)]);
    after.reset = Some(1004.0);
    let interval = between(&before, &after);
    assert!(interval.reset);
    assert_eq!((interval.from, interval.seconds()), (Some(1004.0), Some(6.0)));
    assert_eq!(
        trusts(&interval),
        [(1, 120, Trust::Exact)],
        "all of it is of after the reset"
    );
    assert_eq!(interval.get(&key(1)).unwrap().per_second(120.0), Some(20.0));
}

#[test]
fn right_after_a_reset_there_is_no_rate() {
    let mut after = statements(10.0, vec![entry(1, 120, 60.0)]);
    after.reset = Some(1009.99);
    let interval = between(&statements(0.0, vec![]), &after);
    assert_eq!(interval.seconds(), None);
    assert_eq!(interval.get(&key(1)).unwrap().per_second(120.0), None);
}

#[test]
fn counters_that_fall_are_no_number() {
    let mut before = statements(0.0, vec![entry(1, 100, 50.0), entry(2, 5, 5.0), entry(3, 9, 9.0)]);
    let mut after = statements(10.0, vec![entry(1, 3, 1.0), entry(2, 8, 9.0), entry(3, 12, 8.9)]);
    let interval = between(&before, &after);
    assert_eq!(
        trusts(&interval),
        [(1, 0, Trust::Unknown), (2, 3, Trust::AtLeast), (3, 0, Trust::Unknown)],
        "what fell is unknown; the others may have been reset too"
    );
    assert_eq!((interval.unknown, interval.calls, interval.total_ms), (2, 3, 4.0));
    // With stats_since (1.11) an entry tells by itself.
    for (entry, old) in before.entries.iter_mut().zip([600.0, 600.0, 600.0]) {
        entry.since = Some(old);
    }
    for (entry, new) in after.entries.iter_mut().zip([1005.0, 600.0, 1001.0]) {
        entry.since = Some(new);
    }
    let interval = between(&before, &after);
    assert_eq!(
        trusts(&interval),
        [(1, 3, Trust::AtLeast), (2, 3, Trust::Exact), (3, 12, Trust::AtLeast)]
    );
}

#[test]
fn evictions_make_lower_bounds_of_what_cannot_tell() {
    let before = statements(0.0, vec![entry(1, 10, 1.0), since(entry(2, 10, 1.0), 600.0)]);
    let mut after = statements(
        10.0,
        vec![entry(1, 12, 2.0), since(entry(2, 12, 2.0), 600.0), entry(3, 1, 1.0)],
    );
    after.dealloc = Some(4);
    let interval = between(&before, &after);
    assert_eq!(interval.evictions, Some(4));
    assert_eq!(
        trusts(&interval),
        [(1, 2, Trust::AtLeast), (2, 2, Trust::Exact), (3, 1, Trust::AtLeast)]
    );
}

#[test]
fn before_1_9_an_entry_that_vanished_casts_doubt() {
    let old = |seconds, entries| Statements {
        dealloc: None,
        reset: None,
        ..statements(seconds, entries)
    };
    let before = old(0.0, vec![entry(1, 10, 1.0), entry(2, 1, 1.0)]);
    let interval = between(&before, &old(10.0, vec![entry(1, 12, 2.0)]));
    assert_eq!(trusts(&interval), [(1, 2, Trust::AtLeast)]);
    assert_eq!((interval.evictions, interval.vanished), (None, 1));
    let interval = between(&before, &old(10.0, vec![entry(1, 12, 2.0), entry(2, 1, 1.0)]));
    assert_eq!(trusts(&interval), [(1, 2, Trust::Exact)]);
}

#[test]
fn an_entry_that_was_not_asked_for_before_is_not_new() {
    let mut before = statements(0.0, vec![entry(1, 10, 1.0)]);
    before.all = 20_000;
    let after = statements(
        10.0,
        vec![
            entry(1, 11, 1.0),
            entry(2, 900, 90.0),
            since(entry(3, 900, 90.0), 700.0),
            since(entry(4, 9, 1.0), 1003.0),
        ],
    );
    let interval = between(&before, &after);
    assert_eq!(
        trusts(&interval),
        [
            (1, 1, Trust::Exact),
            (2, 0, Trust::Unknown),
            (3, 0, Trust::Unknown),
            (4, 9, Trust::Exact)
        ]
    );
}

#[test]
fn what_an_update_of_the_extension_adds_has_no_beginning() {
    let before = statements(0.0, vec![entry(1, 10, 1.0)]);
    let mut new = entry(1, 12, 2.0);
    new.counters.plan_ms = Some(700.0);
    let interval = between(&before, &statements(10.0, vec![new]));
    assert_eq!(interval.rows[0].counters.plan_ms, None);
    assert_eq!(interval.rows[0].counters.calls, 2);
}

#[test]
fn since_the_reset_each_entry_has_its_own_time() {
    let mut now = statements(100.0, vec![entry(1, 600, 60.0), since(entry(2, 10, 60.0), 1090.0)]);
    (now.hidden, now.hidden_ms, now.all) = (3, 80.0, 5);
    let interval = since_reset(&now);
    assert_eq!(interval.seconds(), Some(600.0));
    assert_eq!((interval.total_ms, interval.calls), (200.0, 610));
    assert_eq!(interval.rows[0].per_second(600.0), Some(1.0));
    assert_eq!(interval.rows[1].per_second(10.0), Some(1.0));
    now.reset = None;
    assert_eq!(
        since_reset(&now).rows[0].per_second(600.0),
        None,
        "before 1.9 nobody knows since when"
    );
}

fn sample(at: f64, statements: Statements) -> Arc<Sample> {
    let data: Data = Arc::new(statements);
    let ran = Ran {
        started: Mono(Duration::from_secs_f64(at)),
        ..Ran::of(&StatementsProbe::SPEC, &Server::default())
    };
    Arc::new(Sample { ran, data: Some(data) })
}

#[test]
fn the_workload_keeps_interval_mark_and_history() {
    let mut workload = Workload::default();
    assert!(!workload.set_mark(), "nothing to mark yet");
    assert_eq!(workload.last().unwrap_err(), Gap::First);
    workload.observe(&sample(0.0, statements(0.0, vec![entry(1, 10, 1.0)])));
    assert!(workload.since_reset().is_some() && workload.last().is_err());
    assert!(workload.set_mark());
    assert_eq!(workload.marked(), Some(1000.0));
    workload.observe(&sample(10.0, statements(10.0, vec![entry(1, 30, 2.0)])));
    workload.observe(&sample(20.0, statements(20.0, vec![entry(1, 31, 3.0)])));
    assert_eq!(workload.last().unwrap().calls, 1);
    assert_eq!(workload.since_mark().unwrap().calls, 21);
    let calls: Vec<_> = workload.history(&key(1)).map(|point| point.calls).collect();
    assert_eq!(calls, [Some(2.0), Some(0.1)]);
    // Too soon after the last one: the older one stays the base.
    workload.observe(&sample(20.1, statements(20.1, vec![entry(1, 99, 3.0)])));
    assert_eq!(workload.last().unwrap().calls, 1);

    let restarted = Statements {
        started: 1015.0,
        ..statements(30.0, vec![entry(1, 40, 4.0)])
    };
    workload.observe(&sample(30.0, restarted));
    assert_eq!(workload.last().unwrap_err(), Gap::Restarted);
    assert_eq!((workload.marked(), workload.mark_gap()), (None, Some(Gap::Restarted)));
    workload.forget();
    assert!(workload.since_reset().is_none());
}

#[test]
fn texts_of_sessions_are_kept() {
    let mut workload = Workload::default();
    let backend = |query_id, query: &str| Backend {
        query_id,
        query: Some(query.to_owned()),
        ..Backend::default()
    };
    workload.observe_texts(&[backend(Some(1), "select 1"), backend(None, "x"), backend(Some(2), "")]);
    workload.observe_texts(&[backend(Some(1), "select 2")]);
    assert_eq!(workload.seen(1, false).map(AsRef::as_ref), Some("select 1"));
    assert_eq!(workload.seen(2, false), None);
}

#[test]
fn what_is_not_in_an_interval_did_nothing_only_if_all_of_it_is_known() {
    let growth = Growth {
        key: key(1),
        seconds: Some(2.0),
        counters: Counters {
            calls: 4,
            ..Counters::default()
        },
        ..Growth::default()
    };
    let whole = |to: f64, rows| Interval {
        from: Some(to - 2.0),
        to,
        rows,
        ..Interval::default()
    };
    let mut history = History::default();
    history.add(&whole(2.0, vec![growth]));
    history.add(&whole(4.0, Vec::new()));
    history.add(&Interval {
        partial: true,
        ..whole(6.0, Vec::new())
    });
    history.add(&Interval {
        vanished: 1,
        ..whole(8.0, Vec::new())
    });
    let calls: Vec<_> = history.of(&key(1)).map(|point| point.calls).collect();
    assert_eq!(calls, [Some(2.0), Some(0.0), None, None]);
}

proptest! {
    #[test]
    fn no_interval_is_ever_absurd(
        before in proptest::collection::btree_map(0..20i64, (0..1000i64, 0.0..1e6f64, proptest::option::of(0.0..2000.0f64)), 0..20),
        after in proptest::collection::btree_map(0..20i64, (0..1000i64, 0.0..1e6f64, proptest::option::of(0.0..2000.0f64)), 0..20),
        dealloc in proptest::option::of(0..5i64), reset in proptest::option::of(0.0..1010.0f64), all in 0..40i64,
    ) {
        let entries = |entries: &BTreeMap<i64, (i64, f64, Option<f64>)>| -> Vec<Entry> {
            let of = |(query, (calls, ms, since)): (&i64, &(i64, f64, Option<f64>))| Entry {
                since: *since,
                ..entry(*query, *calls, *ms)
            };
            entries.iter().map(of).collect()
        };
        let before = Statements { all, ..statements(0.0, entries(&before)) };
        let after = Statements { dealloc, reset, ..statements(10.0, entries(&after)) };
        let interval = between(&before, &after);
        let (mut calls, mut total) = (0, 0.0);
        for row in &interval.rows {
            let whole = after.get(&row.key).unwrap().counters;
            prop_assert!((0..=whole.calls).contains(&row.counters.calls));
            prop_assert!((0.0..=whole.exec_ms).contains(&row.counters.exec_ms));
            prop_assert!(row.trust != Trust::Unknown || row.counters == Counters::default());
            calls += row.counters.calls;
            total += row.counters.exec_ms;
        }
        prop_assert_eq!(interval.calls, calls);
        prop_assert!((interval.total_ms - total).abs() < 1e-3);
    }

    #[test]
    fn the_history_stays_bounded(rounds in 1..30i64, step in 1..80i64) {
        let mut history = History::default();
        for round in 0..rounds {
            let rows = (0..150).map(|nth| Growth {
                key: key(round * step + nth),
                counters: Counters { calls: nth, exec_ms: 1.0, ..Counters::default() },
                seconds: Some(1.0),
                ..Growth::default()
            });
            #[expect(clippy::cast_precision_loss, reason = "a small number")]
            let to = round as f64;
            history.add(&Interval { from: Some(to - 1.0), to, rows: rows.collect(), ..Interval::default() });
        }
        prop_assert!(history.statements() <= 400);
        let newest = key((rounds - 1) * step + 149);
        prop_assert!(history.of(&newest).last().is_some_and(|point| point.calls == Some(149.0)));
    }
}
