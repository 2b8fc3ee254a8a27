use crate::action::Action;
use crate::pane::testing::{answer, screen};
use crate::pane::{Reply, View};
use crate::pg::server::Server;
use crate::probe::activity::{Activity, Backend};
use crate::probe::horizon::{Holder, HorizonProbe};
use crate::probe::wraparound_databases::{Database, Databases, Limits, WraparoundDatabases};
use crate::probe::wraparound_relations::{Relation, Relations, WraparoundRelations};
use crate::probe::{Sample, Subject};
use crate::world::World;
use std::sync::Arc;

const LIMITS: Limits = Limits {
    version_num: 160_004,
    freeze_max_age: 200_000_000,
    multixact_freeze_max_age: 400_000_000,
    failsafe_age: Some(1_600_000_000),
    multixact_failsafe_age: Some(1_600_000_000),
};

fn database(oid: u32, datname: &str, xid_age: i64, mxid_age: i64) -> Database {
    Database {
        oid,
        datname: datname.to_owned(),
        allows_connections: true,
        may_connect: true,
        xid_age,
        mxid_age,
        ..Database::default()
    }
}

fn databases(databases: Vec<Database>) -> Arc<Sample> {
    let data = Databases {
        limits: LIMITS,
        databases,
        ..Databases::default()
    };
    answer::<WraparoundDatabases>(data, None)
}

/// A routine day: one database is due for its forced vacuum, which runs.
fn routine() -> Vec<Arc<Sample>> {
    let app = Database {
        here: true,
        ..database(5, "app", 201_300_000, 8_100)
    };
    let template0 = Database {
        allows_connections: false,
        template: true,
        ..database(4, "template0", 48_000_000, 3)
    };
    let worker = Backend {
        pid: 812,
        datname: Some("app".to_owned()),
        backend_type: Some("autovacuum worker".to_owned()),
        query: Some("autovacuum: VACUUM public.orders (to prevent wraparound)".to_owned()),
        ..Backend::default()
    };
    vec![
        databases(vec![app, database(7, "postgres", 48_000_000, 3), template0]),
        answer::<WraparoundRelations>(relations(), None),
        answer::<HorizonProbe>(Vec::new(), None),
        answer::<Activity>(vec![worker], None),
    ]
}

fn relation(oid: u32, relname: &str, relkind: &str, xid_age: i64) -> Relation {
    Relation {
        oid,
        nspname: "public".to_owned(),
        relname: relname.to_owned(),
        relkind: relkind.to_owned(),
        xid_age,
        bytes: 4_400_000_000,
        ..Relation::default()
    }
}

fn relations() -> Relations {
    let toast = Relation {
        nspname: "pg_toast".to_owned(),
        owner: Some((16_400, "public".to_owned(), "orders".to_owned())),
        bytes: 0,
        ..relation(16_403, "pg_toast_16400", "t", 150_000_000)
    };
    let own = Relation {
        freeze_max_age: Some(100_000_000),
        autovacuum: Some(false),
        ..relation(16_500, "events", "r", 99_000_000)
    };
    Relations {
        total: 105_187,
        hidden: 120,
        due: 1,
        limits: LIMITS,
        relations: vec![relation(16_400, "orders", "r", 201_300_000), toast, own],
    }
}

/// An incident: a forgotten slot, the oldest database is the one nobody can connect to.
fn incident() -> Vec<Arc<Sample>> {
    let template0 = Database {
        allows_connections: false,
        template: true,
        ..database(4, "template0", 2_145_385_755, 3)
    };
    let app = Database {
        here: true,
        ..database(5, "app", 1_612_000_000, 1_500_000_000)
    };
    let holder = Holder {
        kind: "slot catalog".to_owned(),
        name: "holdback".to_owned(),
        xmin_age: 2_145_385_755,
        ..Holder::default()
    };
    vec![
        databases(vec![template0, app, database(7, "postgres", 48_000_000, 3)]),
        answer::<HorizonProbe>(vec![holder], None),
        answer::<Activity>(Vec::new(), None),
    ]
}

/// Connected to `app`.
fn world(samples: &[Arc<Sample>]) -> World {
    let mut world = crate::pane::testing::world(samples);
    let server = world.server.as_deref().cloned().unwrap_or_default();
    world.server = Some(Arc::new(Server {
        database: "app".to_owned(),
        ..server
    }));
    world
}

fn shown(world: &World, width: u16, height: u16) -> String {
    let mut pane = super::pane();
    screen(pane.as_mut(), world, width, height)
}

#[test]
fn routine_is_calm() {
    insta::assert_snapshot!("routine_80x24", shown(&world(&routine()), 80, 21));
    insta::assert_snapshot!("routine_120x40", shown(&world(&routine()), 120, 37));
}

#[test]
fn an_incident_says_what_holds_it_back() {
    insta::assert_snapshot!("incident_80x24", shown(&world(&incident()), 80, 21));
}

#[test]
fn a_plain_role_is_told_what_it_does_not_see() {
    let mut samples = routine();
    let hidden = Backend {
        hidden: true,
        datname: Some("app".to_owned()),
        ..Backend::default()
    };
    samples.push(answer::<Activity>(vec![hidden], None));
    let shown = shown(&world(&samples), 120, 21);
    assert!(shown.contains("forced vacuum due; workers hidden"), "{shown}");
    assert!(shown.contains("GRANT pg_monitor TO monitor"), "{shown}");
}

#[test]
fn the_tab_counts_what_is_alarming_and_nothing_else() {
    let badge = |samples: &[Arc<Sample>]| {
        let mut pane = super::pane();
        pane.derive(&world(samples));
        pane.badge().map(|badge| (badge.severity, badge.count))
    };
    assert_eq!(badge(&routine()), None);
    assert_eq!(badge(&incident()), Some((crate::model::concern::Severity::Critical, 1)));
}

#[test]
fn enter_leads_to_the_other_database_and_to_the_owner_of_a_toast_table() {
    let incident = world(&incident());
    let mut list = super::super::list::ListView::<super::databases::Databases>::default();
    list.derive(&incident);
    let reply = list.on(Action::Enter, &incident);
    assert_eq!(reply, Reply::Databases("template0".to_owned()));
    let routine = world(&routine());
    let mut list = super::super::list::ListView::<super::relations::Relations>::default();
    list.derive(&routine);
    list.on(Action::Down, &routine);
    let reply = list.on(Action::Enter, &routine);
    assert_eq!(reply, Reply::Open(Subject::Relation(16_400)));
}

#[test]
fn an_alert_leads_to_its_row() {
    use crate::alert::{Jump, Thing};
    let world = world(&incident());
    let mut view = super::pane();
    view.derive(&world);
    let database = |name: &str| Jump::panel("wraparound", "databases").row(Thing::Database(name.to_owned()));
    assert!(view.seek(&database("template0")));
    assert_eq!(view.on(Action::Enter, &world), Reply::Databases("template0".to_owned()));
    assert!(!view.seek(&database("gone")));
    let routine = self::world(&routine());
    view.derive(&routine);
    assert!(view.seek(&Jump::to("wraparound").row(Thing::Relation(16_500))));
    assert_eq!(view.on(Action::Enter, &routine), Reply::Open(Subject::Relation(16_500)));
}
