use rstest::rstest;

use super::*;
use crate::alert::testing::Watched;
use crate::probe::indexes_invalid::Build;
use crate::probe::named::Named;

fn index(relname: &str) -> InvalidIndex {
    let named = |relname: &str| Named {
        nspname: "app".to_owned(),
        relname: relname.to_owned(),
    };
    InvalidIndex {
        oid: 9,
        name: named(relname),
        table: named("orders"),
        ready: true,
        live: true,
        ..InvalidIndex::default()
    }
}

#[rstest]
#[case::failed(index("i"), Some((Severity::Warning, "index app.i is invalid: its building failed")))]
#[case::reindex(index("i_ccnew"), Some((Severity::Warning, "a REINDEX that failed left app.i_ccnew behind")))]
#[case::building(InvalidIndex { build: Some(Build::default()), ..index("i") }, None)]
#[case::waits_for_parts(InvalidIndex { partitioned: true, ..index("i") }, Some((Severity::Notice, "index app.i lacks the indexes of some partitions")))]
#[case::on_a_standby(InvalidIndex { in_recovery: true, ..index("i") }, None)]
fn what_is_told(#[case] index: InvalidIndex, #[case] expected: Option<(Severity, &str)>) {
    let mut watched = Watched::new();
    let standby = index.in_recovery;
    watched.answer::<IndexesInvalidProbe>(vec![index]);
    let raised = watched.raised(&RULE).into_iter().map(|(_, severity)| severity);
    let told: Vec<_> = raised.zip(watched.sentences(&RULE)).collect();
    let expected: Vec<_> = expected
        .map(|(severity, said)| (severity, said.to_owned()))
        .into_iter()
        .collect();
    assert_eq!(told, expected);
    let unchecked = watched.engine.unchecked(&watched.known);
    assert_eq!(
        unchecked.filter(|unchecked| unchecked.rule == &RULE).count() > 0,
        standby
    );
    // Dropped, or built.
    watched.pass(600.0);
    watched.pulse(|_| ());
    watched.answer::<IndexesInvalidProbe>(Vec::new());
    assert!(watched.raised(&RULE).is_empty());
}
