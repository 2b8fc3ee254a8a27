use rstest::rstest;

use super::*;
use crate::alert::testing::{BEGIN, Watched};
use crate::model::concern::Severity;
use crate::probe::named::Named;
use crate::probe::replication::Sender;

const MIB: i64 = 1 << 20;
const DAY: f64 = 86_400.0;

fn answer(mib: i64, counted_for: f64) -> UnusedIndexes {
    let index = |oid, relname: &str, mib: i64| UnusedIndex {
        oid,
        name: Named {
            nspname: "app".to_owned(),
            relname: relname.to_owned(),
        },
        bytes: Some(mib * MIB),
        estimated_bytes: mib * MIB,
        ..UnusedIndex::default()
    };
    UnusedIndexes {
        epoch: BEGIN,
        indexes: 4,
        estimated_total: (mib + 900 + 1) * MIB,
        server_reset: Some(BEGIN - counted_for),
        rows: vec![
            UnusedIndex {
                foreign_key: true,
                ..index(8, "orders_customer", 900)
            },
            index(9, "orders_note", mib),
        ],
        ..UnusedIndexes::default()
    }
}

fn of(answer: UnusedIndexes, senders: Vec<Sender>) -> Watched {
    let mut watched = Watched::new();
    watched.answer::<ReplicationProbe>(senders);
    watched.answer::<IndexesUnusedProbe>(answer);
    watched
}

#[rstest]
#[case(98, None)]
#[case(99, Some(Severity::Warning))]
#[case(499, Some(Severity::Critical))]
fn the_footprint_of_all_together(#[case] mib: i64, #[case] expected: Option<Severity>) {
    let mut watched = of(answer(mib, 30.0 * DAY), Vec::new());
    assert_eq!(watched.raised(&RULE).first().map(|(_, severity)| *severity), expected);
    if let Some(said) = watched.sentences(&RULE).first() {
        // One of the four supports a foreign key.
        assert!(said.starts_with("3 indexes nobody uses: "), "{said}");
    }
    // They are dropped.
    watched.pass(600.0);
    watched.pulse(|_| ());
    watched.answer::<ReplicationProbe>(Vec::new());
    watched.answer::<IndexesUnusedProbe>(answer(1, 30.0 * DAY));
    assert!(watched.raised(&RULE).is_empty());
}

fn blind(watched: &Watched) -> Option<crate::alert::Blind> {
    assert!(watched.raised(&RULE).is_empty());
    let mut unchecked = watched.engine.unchecked(&watched.known);
    unchecked
        .find(|unchecked| unchecked.rule == &RULE)
        .map(|unchecked| unchecked.blind)
}

#[test]
fn young_counters_tell_nothing() {
    let young = blind(&of(answer(900, 2.0 * DAY), Vec::new())).unwrap();
    assert!(young.passing && young.why.contains("2d0h"), "{young:?}");
}

#[test]
fn a_standby_that_answers_queries_counts_its_own() {
    let standby = |xmin_age| Sender {
        application_name: Some("reports".to_owned()),
        state: Some("streaming".to_owned()),
        xmin_age,
        ..Sender::default()
    };
    let told = blind(&of(answer(900, 30.0 * DAY), vec![standby(Some(4))])).unwrap();
    assert!(told.why.starts_with("reports answers queries"), "{told:?}");
    let quiet = of(answer(900, 30.0 * DAY), vec![standby(None)]);
    assert_eq!(quiet.raised(&RULE).len(), 1, "it only waits to take over");
}

#[test]
fn a_standby_does_not_know() {
    let mut watched = Watched::new();
    watched.pulse(|pulse| pulse.in_recovery = true);
    watched.answer::<ReplicationProbe>(Vec::new());
    watched.answer::<IndexesUnusedProbe>(answer(900, 30.0 * DAY));
    assert!(blind(&watched).unwrap().why.contains("primary"));
}
