use super::super::vacuuming::testing::{alerts, holder};
use super::*;
use crate::alert::Thing;
use crate::alert::testing::Watched;
use crate::probe::autovacuum::{Queue, Totals};
use crate::probe::wraparound_databases::Databases;

/// These hold it for a minute, while so many transactions a second begin.
fn hold(watched: &mut Watched, holders: &[Holder], per_second: i64) {
    for _ in 0..4 {
        watched.pass(15.0);
        watched.pulse(|_| ());
        let before = watched
            .known
            .get::<WraparoundDatabases>()
            .map_or(0, |answer| answer.next_xid);
        watched.answer::<WraparoundDatabases>(Databases {
            epoch: watched.known.server_now().unwrap(),
            started: 1.0,
            next_xid: before + 15 * per_second,
            ..Databases::default()
        });
        watched.answer::<AutovacuumProbe>(Queue {
            totals: Totals {
                dead: 1_200_000,
                dead_catalog: 900,
                ..Totals::default()
            },
            ..Queue::default()
        });
        watched.answer::<HorizonProbe>(holders.to_vec());
    }
}

const M: i64 = 1_000_000;

#[test]
fn both_transactions_and_time_count() {
    let mut watched = Watched::new();
    let mut severity = |xmin_age, minutes: f64, tps| {
        hold(&mut watched, &[holder(xmin_age, minutes * 60.0)], tps);
        let raised = watched.raised(&RULE);
        raised.first().map(|(_, severity)| *severity)
    };
    assert_eq!(severity(60 * M, 20.0, 50_000), None, "a backup of twenty minutes");
    assert_eq!(severity(M, 600.0, 30), None, "few transactions");
    assert_eq!(severity(15 * M, 50.0, 5000), Some(Severity::Warning));
    assert_eq!(
        severity(110 * M, 100.0, 20_000),
        Some(Severity::Warning),
        "not for two hours"
    );
    assert_eq!(severity(110 * M, 130.0, 20_000), Some(Severity::Critical));
    assert_eq!(severity(5, 0.1, 5000), None);
}

#[test]
fn it_says_what_it_costs_and_how_to_end_it() {
    let mut watched = Watched::new();
    hold(&mut watched, &[holder(15 * M, 3000.0)], 5000);
    let alert = alerts(&watched, &RULE).remove(0);
    let finding = &alert.finding;
    assert_eq!(
        finding.sentence,
        "pid 700 (checkout) holds the xmin horizon 15 M transactions back"
    );
    assert_eq!(
        finding.details[..2],
        [
            "≤1.2 M dead rows in app cannot be removed while it does",
            "idle in transaction, its transaction is 50m old, holds the tables of app"
        ]
    );
    let begin = watched.known.server_now().unwrap() - 3000.0;
    assert!((alert.since() - begin).abs() < 1.0);
    let me = Thing::Backend { pid: 700, start: 7 };
    assert_eq!((&finding.about, &finding.jump.row), (&vec![me.clone()], &Some(me)));
    let texts: Vec<_> = finding.remedies.iter().map(|remedy| remedy.text.as_str()).collect();
    assert!(matches!(texts.as_slice(), [one] if one.starts_with("SELECT pg_terminate_backend(700); -- shop@app")));
}

#[test]
fn one_of_each_kind_is_told_of() {
    let mut watched = Watched::new();
    let of = |kind: &str, name: &str, xmin_age| Holder {
        kind: kind.to_owned(),
        name: name.to_owned(),
        pid: None,
        start: None,
        state: None,
        database: None,
        age_s: None,
        ..holder(xmin_age, 0.0)
    };
    let mut holders: Vec<Holder> = (0..10)
        .map(|nth| Holder {
            pid: Some(700 + nth),
            ..holder(15 * M, 3000.0)
        })
        .collect();
    holders.extend([
        of("slot", "dr1", 20 * M),
        of("slot", "dr2", 19 * M),
        Holder {
            active: Some(false),
            state: Some("logical".to_owned()),
            ..of("slot catalog", "cdc", 400 * M)
        },
        Holder {
            age_s: Some(90_000.0),
            database: Some("app".to_owned()),
            detail: Some("bob".to_owned()),
            ..of("prepared transaction", "it's", 12 * M)
        },
        Holder {
            pid: Some(31),
            ..of("standby", "reports", 15 * M)
        },
    ]);
    hold(&mut watched, &holders, 500);
    let mut raised = watched.raised(&RULE);
    raised.sort();
    let expected = [
        ("prepared transaction:it's", Severity::Warning),
        ("session:700:7", Severity::Warning),
        ("slot catalog:cdc", Severity::Warning),
        ("slot:dr1", Severity::Warning),
        ("standby:reports", Severity::Warning),
    ];
    assert_eq!(raised, expected.map(|(key, severity)| (key.to_owned(), severity)));
    let found = |thing: Thing| {
        let alerts = alerts(&watched, &RULE);
        let mut found = alerts.into_iter().filter(|alert| alert.finding.about.contains(&thing));
        let finding = found.next().unwrap().finding;
        finding
            .remedies
            .first()
            .map(|remedy| remedy.text.clone())
            .unwrap_or_default()
    };
    assert!(found(Thing::Prepared("it's".to_owned())).starts_with("ROLLBACK PREPARED 'it''s'; -- run in database app"));
    assert!(found(Thing::Slot("cdc".to_owned())).starts_with("SELECT pg_drop_replication_slot('cdc'); -- WARNING"));
    assert!(found(Thing::Standby(31)).starts_with("ALTER SYSTEM SET hot_standby_feedback = off; -- on the standby"));
    let catalog = alerts(&watched, &RULE);
    let catalog = catalog
        .iter()
        .find(|alert| alert.finding.key == "slot catalog:cdc")
        .unwrap();
    assert_eq!(
        catalog.finding.details[0],
        "≤900 dead rows in system catalogs of app cannot be removed while it does"
    );
    assert!(
        catalog.finding.details[1].starts_with("logical, ≈9d6h at the present pace"),
        "{:?}",
        catalog.finding.details
    );
}

#[test]
fn a_standbys_queries_are_its_primarys_business() {
    let mut watched = Watched::new();
    let server = watched.known.server.as_deref().cloned().unwrap();
    watched.known.server = Some(std::sync::Arc::new(crate::pg::server::Server {
        in_recovery: true,
        ..server
    }));
    watched.pulse(|pulse| pulse.in_recovery = true);
    watched.answer::<HorizonProbe>(vec![holder(150 * M, 90_000.0)]);
    assert!(alerts(&watched, &RULE).is_empty());
}

#[test]
fn a_role_that_sees_nothing_is_not_told_that_all_is_well() {
    let mut watched = Watched::new();
    let server = watched.known.server.as_deref().cloned().unwrap();
    watched.known.server = Some(std::sync::Arc::new(crate::pg::server::Server {
        reads_all_stats: false,
        ..server
    }));
    let hidden = crate::probe::activity::Backend {
        hidden: true,
        usename: Some("app".to_owned()),
        ..crate::probe::activity::Backend::default()
    };
    watched.answer::<crate::probe::activity::Activity>(vec![hidden]);
    watched.answer::<HorizonProbe>(Vec::new());
    let blind = watched
        .engine
        .unchecked(&watched.known)
        .find(|unchecked| unchecked.rule.id == RULE.id)
        .unwrap()
        .blind;
    assert_eq!(blind.why, "1 session hides its snapshot from this role");
    assert_eq!(blind.remedy.as_deref(), Some("GRANT pg_monitor TO monitor;"));
}
