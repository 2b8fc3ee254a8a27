use rstest::rstest;

use super::*;
use crate::probe::activity::Backend;
use crate::probe::horizon::Holder;
use crate::probe::progress::Progress;

fn limits(version_num: i32) -> Limits {
    let failsafe = (version_num >= 140_000).then_some(1_600_000_000);
    Limits {
        version_num,
        freeze_max_age: 200_000_000,
        multixact_freeze_max_age: 400_000_000,
        failsafe_age: failsafe,
        multixact_failsafe_age: failsafe,
    }
}

fn database(xid_age: i64, mxid_age: i64) -> Database {
    Database {
        datname: "app".to_owned(),
        xid_age,
        mxid_age,
        ..Database::default()
    }
}

fn ways(version_num: i32, xid_age: i64, mxid_age: i64) -> Ways {
    Ways::of_database(&database(xid_age, mxid_age), &limits(version_num))
}

/// The limits as `SetTransactionIdLimit` and `SetMultiXactIdLimit` of each version compute them.
#[rstest]
#[case(120_022, 2_146_483_647, 2_136_483_647, 2_147_483_547, 2_137_483_547)]
#[case(130_023, 2_146_483_647, 2_136_483_647, 2_147_483_547, 2_137_483_547)]
#[case(140_023, 2_144_483_647, 2_107_483_647, 2_144_483_647, 2_107_483_647)]
#[case(180_004, 2_144_483_647, 2_107_483_647, 2_144_483_647, 2_107_483_647)]
fn where_the_server_warns_and_stops(
    #[case] version_num: i32,
    #[case] xid_stop: i64,
    #[case] xid_warning: i64,
    #[case] mxid_stop: i64,
    #[case] mxid_warning: i64,
) {
    let ways = ways(version_num, 0, 0);
    let of = |way: Way| (way.marks.stop, way.marks.warning);
    assert_eq!(of(ways.xid), (xid_stop, xid_warning));
    assert_eq!(of(ways.multixact), (mxid_stop, mxid_warning));
}

#[rstest]
#[case::young(171_000_000, 0, Level::Fine)]
#[case::the_forced_vacuum_is_routine(200_000_001, 0, Level::Due)]
#[case::not_yet_forced(200_000_000, 0, Level::Fine)]
#[case::multixacts_have_limits_of_their_own(0, 400_000_001, Level::Due)]
#[case::alarming(1_500_000_000, 0, Level::Warning)]
#[case::alarming_multixacts(0, 1_500_000_000, Level::Warning)]
#[case::urgent(1_800_000_000, 1_500_000_000, Level::Critical)]
#[case::last_id(2_144_483_646, 0, Level::Critical)]
#[case::no_more_ids(2_144_483_647, 0, Level::Stopped)]
fn how_bad_an_age_is(#[case] xid_age: i64, #[case] mxid_age: i64, #[case] expected: Level) {
    assert_eq!(ways(160_004, xid_age, mxid_age).level(), expected);
}

#[test]
fn the_worse_of_both_is_the_one_further_on_its_way() {
    assert_eq!(ways(160_004, 5, 7).worse().0, Counter::Multixact);
    assert_eq!(ways(160_004, 7, 7).worse().0, Counter::Xid);
    // On 12 a stop of the transactions is nearer than one of the multixacts.
    assert_eq!(ways(120_022, 7_000_000, 7_000_000).worse().0, Counter::Xid);
    let half = ways(160_004, 1_072_241_824, 0);
    assert!((half.xid.percent() - 50.0).abs() < 0.001);
    assert_eq!(half.xid.left(), 1_072_241_823);
}

#[test]
fn a_relation_can_only_lower_the_limit_and_the_failsafe_has_a_floor() {
    let own = |own| Marks::of(Counter::Xid, &limits(160_004), Some(own)).forced;
    assert_eq!((own(100_000), own(900_000_000)), (100_000, 200_000_000));
    let high = Limits {
        freeze_max_age: 2_000_000_000,
        ..limits(160_004)
    };
    let marks = Marks::of(Counter::Xid, &high, None);
    assert_eq!(marks.failsafe, Some(2_100_000_000));
    assert_eq!(Marks::of(Counter::Xid, &limits(130_000), None).failsafe, None);
}

#[test]
fn the_time_left_is_that_of_whichever_comes_first() {
    let ways = ways(160_004, 144_483_647, 2_143_483_647);
    let burn = |xid, multixact| Burn { xid, multixact };
    assert_eq!(ways.seconds_left(&burn(None, None)), None);
    assert_eq!(ways.seconds_left(&burn(Some(0.0), Some(0.0))), None);
    assert_eq!(ways.seconds_left(&burn(Some(1000.0), Some(0.0))), Some(2_000_000.0));
    assert_eq!(ways.seconds_left(&burn(Some(1000.0), Some(10.0))), Some(100_000.0));
}

#[rstest]
#[case(700, 700, 0)]
#[case(700, 950, 250)]
#[case::into_the_next_lap(4_294_967_290, 10, 16)]
#[case::the_sum_is_past_the_lap(4_294_967_290, 4_294_967_306, 16)]
fn ids_used_up(#[case] before: i64, #[case] after: i64, #[case] expected: i64) {
    assert_eq!(consumed(before, after), expected);
}

fn relation(nspname: &str, relname: &str) -> Relation {
    Relation {
        nspname: nspname.to_owned(),
        relname: relname.to_owned(),
        relkind: "r".to_owned(),
        ..Relation::default()
    }
}

fn worker(pid: i32, datname: &str, query: &str) -> Backend {
    Backend {
        pid,
        datname: Some(datname.to_owned()),
        query: Some(query.to_owned()),
        backend_type: Some("autovacuum worker".to_owned()),
        ..Backend::default()
    }
}

#[rstest]
#[case::forced("autovacuum: VACUUM public.t (to prevent wraparound)", Rescue::Running(7))]
#[case::and_analyzes("autovacuum: VACUUM ANALYZE public.t (to prevent wraparound)", Rescue::Running(7))]
#[case::an_ordinary_one("autovacuum: VACUUM public.t", Rescue::None)]
#[case::another_table("autovacuum: VACUUM public.t2 (to prevent wraparound)", Rescue::None)]
fn the_worker_at_a_relation(#[case] query: &str, #[case] expected: Rescue) {
    let backends = [worker(7, "app", query)];
    let relation = relation("public", "t");
    assert_eq!(rescue_of_relation((&backends, &[]), "app", &relation, true), expected);
    assert_eq!(
        rescue_of_relation((&backends, &[]), "other", &relation, true),
        Rescue::None
    );
}

#[test]
fn a_worker_that_cannot_be_seen_is_no_worker_that_is_not_there() {
    let hidden = Backend {
        hidden: true,
        datname: Some("app".to_owned()),
        ..Backend::default()
    };
    assert_eq!(rescue_of_database(&[hidden], "app", false), Rescue::Hidden);
    assert_eq!(rescue_of_database(&[], "app", false), Rescue::None);
}

#[test]
fn a_vacuum_by_hand_saves_it_too() {
    let by_hand = Progress {
        pid: 9,
        command: Some("VACUUM".to_owned()),
        database: Some("app".to_owned()),
        relid: Some(16_500),
        ..Progress::default()
    };
    let relation = Relation {
        oid: 16_500,
        ..relation("public", "t")
    };
    let rescue = |datname| rescue_of_relation((&[], std::slice::from_ref(&by_hand)), datname, &relation, true);
    assert_eq!((rescue("app"), rescue("other")), (Rescue::Running(9), Rescue::None));
}

fn holder(kind: &str, database: Option<&str>, xmin_age: i64) -> Holder {
    Holder {
        kind: kind.to_owned(),
        database: database.map(str::to_owned),
        xmin_age,
        ..Holder::default()
    }
}

#[test]
fn who_bounds_what_a_vacuum_can_do() {
    let holders = [
        holder("slot catalog", Some("other"), 900),
        holder("session", Some("other"), 800),
        holder("standby", None, 700),
        holder("prepared transaction", Some("app"), 600),
    ];
    let age = |relation| holder_before(&holders, relation).map(|holder| holder.xmin_age);
    let (table, catalog) = (relation("public", "t"), relation("pg_catalog", "pg_proc"));
    let shared = Relation {
        shared: true,
        ..relation("pg_catalog", "pg_database")
    };
    assert_eq!(age(None), Some(900), "a database waits for all of them");
    assert_eq!(age(Some((&table, "app"))), Some(700));
    assert_eq!(age(Some((&table, "other"))), Some(800));
    assert_eq!(age(Some((&catalog, "app"))), Some(900));
    assert_eq!(
        holder_before(&holders[1..2], Some((&shared, "app"))).map(|holder| holder.xmin_age),
        Some(800)
    );
}

#[rstest]
#[case::nothing_to_do(150_000_000, 149_000_000, false)]
#[case::due_and_the_vacuum_helps(250_000_000, 1_200_000, false)]
#[case::due_and_it_does_not(250_000_000, 201_000_000, true)]
fn held_back_or_not(#[case] age: i64, #[case] xmin_age: i64, #[case] expected: bool) {
    let way = ways(160_004, age, 0).xid;
    let holder = holder("session", None, xmin_age);
    assert_eq!(held_back(&way, Some(&holder)).is_some(), expected);
}

#[test]
fn defaults_are_hidden_only_while_they_are_healthy() {
    let named = |datname: &str, here, xid_age| Database {
        datname: datname.to_owned(),
        here,
        ..database(xid_age, 0)
    };
    let hidden = |database| is_healthy_default(&database, &limits(160_004));
    assert!(hidden(named("template0", false, 5)));
    assert!(!hidden(named("template0", false, 200_000_001)));
    assert!(!hidden(named("postgres", true, 5)), "the connected one");
    assert!(!hidden(named("app", false, 5)));
}

#[test]
fn remedies_name_the_owner_of_a_toast_table_and_open_what_is_closed() {
    let toast = Relation {
        owner: Some((7, "Sales".to_owned(), "orders".to_owned())),
        ..relation("pg_toast", "pg_toast_7")
    };
    assert_eq!(
        vacuum_relation(&toast, "app"),
        "VACUUM (FREEZE, VERBOSE) \"Sales\".orders; -- in database app, with its TOAST table; reads it as a whole"
    );
    let template0 = Database {
        datname: "template0".to_owned(),
        ..Database::default()
    };
    let text = vacuum_database(&template0);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "-- autovacuum does this by itself unless something holds it back",
            "ALTER DATABASE template0 ALLOW_CONNECTIONS true;",
            "\\connect template0",
            "VACUUM (FREEZE, VERBOSE); -- every table of template0; the oldest ones alone may do",
            "\\connect postgres",
            "ALTER DATABASE template0 ALLOW_CONNECTIONS false;",
        ]
    );
}
