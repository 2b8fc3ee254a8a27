use rstest::rstest;

use super::*;
use crate::alert::testing::Watched;
use crate::probe::named::Named;
use crate::probe::sequences::Column;

fn named(relname: &str) -> Named {
    Named {
        nspname: "app".to_owned(),
        relname: relname.to_owned(),
    }
}

fn sequence(share: f64) -> Sequence {
    #[expect(clippy::cast_possible_truncation, reason = "a part of an integer")]
    let last = (share * f64::from(i32::MAX)) as i64;
    Sequence {
        oid: 7,
        name: named("orders_id_seq"),
        sequence_type: "bigint".to_owned(),
        column: Some(Column {
            table_oid: 1,
            table: named("orders"),
            name: "id".to_owned(),
            width: 4,
        }),
        increment: 1,
        bound: i64::from(i32::MAX),
        last_value: Some(last),
        share,
    }
}

fn answered(watched: &mut Watched, row: Sequence) {
    watched.pass(3600.0);
    watched.pulse(|_| ());
    watched.answer::<SequencesProbe>(Sequences {
        sequences: 1,
        rows: vec![row],
        ..Sequences::default()
    });
}

#[test]
fn a_column_that_fills_up_is_raised_worsens_and_clears() {
    let mut watched = Watched::new();
    answered(&mut watched, sequence(0.79));
    assert!(watched.raised(&RULE).is_empty());
    answered(&mut watched, sequence(0.81));
    assert_eq!(watched.raised(&RULE), [("7".to_owned(), Severity::Warning)]);
    assert_eq!(
        watched.sentences(&RULE),
        ["81.0 % of the values app.orders.id can hold are used"]
    );
    let alert = watched.engine.raised().next().unwrap();
    assert_eq!(
        alert.finding.remedies[0].what,
        "ALTER TABLE app.orders ALTER COLUMN id TYPE bigint;"
    );
    answered(&mut watched, sequence(1.0));
    assert_eq!(watched.raised(&RULE)[0].1, Severity::Critical);
    assert_eq!(
        watched.sentences(&RULE),
        ["every value app.orders.id can hold is used: INSERT fails"]
    );
    // The column is wide now.
    answered(
        &mut watched,
        Sequence {
            bound: i64::MAX,
            share: 0.000_000_2,
            ..sequence(1.0)
        },
    );
    assert!(watched.raised(&RULE).is_empty());
}

#[rstest]
#[case::a_bound_of_its_own(Sequence { bound: 100, last_value: Some(99), column: None, ..sequence(0.99) }, Some(Severity::Warning))]
#[case::never_used(Sequence { last_value: None, ..sequence(0.0) }, None)]
fn others(#[case] row: Sequence, #[case] expected: Option<Severity>) {
    let mut watched = Watched::new();
    answered(&mut watched, row);
    assert_eq!(watched.raised(&RULE).first().map(|(_, severity)| *severity), expected);
}

#[test]
fn what_may_not_be_read_is_not_calm() {
    let mut watched = Watched::new();
    watched.answer::<SequencesProbe>(Sequences {
        sequences: 9,
        unreadable: 9,
        unreadable_schema: Some("app".to_owned()),
        ..Sequences::default()
    });
    let unchecked: Vec<_> = watched.engine.unchecked(&watched.known).collect();
    let this = unchecked.iter().find(|unchecked| unchecked.rule == &RULE).unwrap();
    assert_eq!(this.blind.why, "the value of 9 sequences are hidden from this role");
    assert!(
        this.blind
            .remedy
            .as_ref()
            .unwrap()
            .starts_with("GRANT SELECT ON ALL SEQUENCES IN SCHEMA app")
    );
}
