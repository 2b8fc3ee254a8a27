use super::super::vacuuming::testing::alerts;
use super::*;
use crate::alert::testing::Watched;
use crate::model::concern::Severity;
use crate::probe::wraparound_databases::Limits;
use crate::probe::wraparound_relations::Relations;

pub const LIMITS: Limits = Limits {
    version_num: 160_004,
    freeze_max_age: 200_000_000,
    multixact_freeze_max_age: 400_000_000,
    failsafe_age: Some(1_600_000_000),
    multixact_failsafe_age: Some(1_600_000_000),
};

const M: i64 = 1_000_000;

pub fn database(datname: &str, xid_age: i64, mxid_age: i64) -> Database {
    Database {
        oid: 5,
        datname: datname.to_owned(),
        here: datname == "app",
        allows_connections: datname != "template0",
        may_connect: true,
        xid_age,
        mxid_age,
        ..Database::default()
    }
}

/// A second answer, while 600 transactions a second begin.
pub fn answer(watched: &mut Watched, databases: Vec<Database>) {
    watched.pass(15.0);
    watched.pulse(|_| ());
    let before = watched
        .known
        .get::<WraparoundDatabases>()
        .map_or(0, |answer| answer.next_xid);
    watched.answer::<WraparoundDatabases>(Databases {
        epoch: watched.known.server_now().unwrap(),
        started: 1.0,
        next_xid: before + 9000,
        limits: LIMITS,
        databases,
        ..Databases::default()
    });
}

#[test]
fn either_counter_near_its_end() {
    let mut watched = Watched::new();
    let mut severity = |xid_age, mxid_age| {
        answer(
            &mut watched,
            vec![database("app", xid_age, mxid_age), database("postgres", 3, 3)],
        );
        watched.raised(&RULE)
    };
    let app = |severity| vec![("app".to_owned(), severity)];
    assert!(severity(1499 * M, 1499 * M).is_empty());
    assert_eq!(severity(1501 * M, 0), app(Severity::Warning));
    assert_eq!(severity(1460 * M, 0), app(Severity::Warning), "held");
    assert!(severity(1340 * M, 0).is_empty());
    assert_eq!(severity(0, 1501 * M), app(Severity::Warning));
    assert_eq!(severity(0, 1801 * M), app(Severity::Critical));
    assert!(severity(100 * M, 100 * M).is_empty());
}

#[test]
fn a_nightly_freeze_and_what_a_drop_left_are_calm() {
    let mut watched = Watched::new();
    let left = Database {
        invalid: true,
        ..database("gone", 2000 * M, 3)
    };
    for age in [199, 200, 201, 230] {
        let all = vec![
            database("app", age * M, 3),
            database("template0", age * M, 3),
            left.clone(),
        ];
        answer(&mut watched, all);
        assert!(alerts(&watched, &RULE).is_empty());
    }
}

#[test]
fn it_says_how_long_and_what_to_do() {
    let mut watched = Watched::new();
    let toast = Relation {
        oid: 16_403,
        nspname: "pg_toast".to_owned(),
        relname: "pg_toast_16400".to_owned(),
        relkind: "t".to_owned(),
        owner: Some((16_400, "public".to_owned(), "Orders".to_owned())),
        xid_age: 1900 * M,
        ..Relation::default()
    };
    let young = Relation {
        nspname: "public".to_owned(),
        relname: "young".to_owned(),
        xid_age: 100 * M,
        ..Relation::default()
    };
    watched.answer::<WraparoundRelations>(Relations {
        limits: LIMITS,
        relations: vec![young, toast],
        ..Relations::default()
    });
    for _ in 0..2 {
        answer(
            &mut watched,
            vec![database("app", 1900 * M, 3), database("template0", 1900 * M, 3)],
        );
    }
    watched.answer::<Activity>(Vec::new());
    watched.answer::<HorizonProbe>(Vec::new());
    let found = alerts(&watched, &RULE);
    let finding = |name: &str| &found.iter().find(|alert| alert.finding.key == name).unwrap().finding;
    let app = finding("app");
    assert_eq!(
        app.sentence,
        "database app: 244 M transaction ids left until writes stop, the oldest is 1.9 G old"
    );
    assert_eq!(
        app.details,
        [
            "at 600 transaction ids a second, as now, they last 4d17h",
            "no worker of autovacuum is at it",
            "the oldest: public.Orders 1.9 G, public.young 100 M"
        ]
    );
    assert!(
        app.remedies[0]
            .text
            .starts_with("VACUUM (FREEZE, VERBOSE) public.\"Orders\"; -- in database app")
    );
    assert!(
        app.remedies[1]
            .text
            .starts_with("\\connect app\nVACUUM (FREEZE, VERBOSE);")
    );
    let template0 = finding("template0");
    assert!(
        template0.remedies[0]
            .text
            .contains("ALTER DATABASE template0 ALLOW_CONNECTIONS true;")
    );

    answer(&mut watched, vec![database("app", 2146 * M, 3)]);
    assert_eq!(
        watched.sentences(&RULE),
        ["database app: no new transaction ids are assigned any more, the oldest is 2.1 G old"]
    );
}

#[test]
fn whoever_holds_it_back_comes_first() {
    let mut watched = Watched::new();
    watched.answer::<HorizonProbe>(vec![Holder {
        kind: "slot catalog".to_owned(),
        name: "holdback".to_owned(),
        active: Some(false),
        xmin_age: 1900 * M,
        ..Holder::default()
    }]);
    answer(&mut watched, vec![database("app", 1900 * M, 3)]);
    let finding = alerts(&watched, &RULE).remove(0).finding;
    assert_eq!(
        finding.details[0],
        "slot holdback holds the xmin horizon 1.9 G back: VACUUM saves nothing older until it ends"
    );
    assert!(
        finding.remedies[0]
            .text
            .starts_with("SELECT pg_drop_replication_slot('holdback')")
    );
    assert!(finding.about.contains(&Thing::Slot("holdback".to_owned())));
}

#[test]
fn a_standby_sends_to_its_primary() {
    let mut watched = Watched::new();
    watched.pulse(|pulse| pulse.in_recovery = true);
    let data = Databases {
        limits: LIMITS,
        databases: vec![database("app", 1900 * M, 3)],
        ..Databases::default()
    };
    watched.answer::<WraparoundDatabases>(data);
    let finding = alerts(&watched, &RULE).remove(0).finding;
    assert!(finding.remedies.is_empty());
    assert_eq!(finding.details.last().unwrap(), "vacuum it on the primary");
}
