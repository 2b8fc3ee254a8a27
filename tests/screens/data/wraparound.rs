//! Databases and relations by age: `warehouse` is past the failsafe age, because an old snapshot holds it back; the
//! others are on their routine way.

use pgmon_tui::probe::database_list::{Database as Listed, DatabaseList, Reading};
use pgmon_tui::probe::wraparound_databases::{Database, Databases, Limits, WraparoundDatabases};
use pgmon_tui::probe::wraparound_relations::{Relation, Relations, WraparoundRelations};

use super::BEGIN;
use crate::app::App;

const LIMITS: Limits = Limits {
    version_num: 160_004,
    freeze_max_age: 200_000_000,
    multixact_freeze_max_age: 400_000_000,
    failsafe_age: Some(1_600_000_000),
    multixact_failsafe_age: Some(1_600_000_000),
};
/// Transactions and multixacts in a second.
const BURNT: (i64, i64) = (940, 12);

fn database(oid: u32, name: &str, xid_age: i64, mxid_age: i64) -> Database {
    Database {
        oid,
        datname: name.to_owned(),
        here: name == "app",
        template: name.starts_with("template"),
        allows_connections: name != "template0",
        may_connect: name != "template0",
        xid_age,
        mxid_age,
        ..Database::default()
    }
}

pub fn databases(second: u32) -> Databases {
    let (xids, mxids) = (i64::from(second) * BURNT.0, i64::from(second) * BURNT.1);
    let of = |oid, name, xid, mxid| database(oid, name, xid + xids, mxid + mxids);
    Databases {
        epoch: BEGIN + f64::from(second),
        started: BEGIN - 1_000_000.0,
        in_recovery: false,
        next_xid: 2_900_000_000 + xids,
        next_mxid: 41_000_000 + mxids,
        limits: LIMITS,
        databases: vec![
            of(16_400, "warehouse", 1_620_000_000, 38_000_000),
            of(4, "template0", 203_000_000, 900_000),
            of(16_401, "app", 187_000_000, 12_000_000),
            of(1, "template1", 96_000_000, 900_000),
            of(5, "postgres", 95_000_000, 900_000),
        ],
    }
}

fn relation(oid: u32, name: &str, xid_age: i64, bytes: i64) -> Relation {
    Relation {
        oid,
        nspname: "public".to_owned(),
        relname: name.to_owned(),
        relkind: "r".to_owned(),
        xid_age,
        mxid_age: 12_000_000,
        bytes,
        ..Relation::default()
    }
}

fn relations() -> Relations {
    Relations {
        total: 412,
        hidden: 68,
        due: 1,
        limits: LIMITS,
        relations: vec![
            Relation {
                autovacuum: Some(false),
                freeze_max_age: Some(150_000_000),
                ..relation(16_412, "accounts", 187_000_000, 3_100_000_000)
            },
            Relation {
                nspname: "pg_toast".to_owned(),
                relkind: "t".to_owned(),
                owner: Some((16_400, "public".to_owned(), "orders".to_owned())),
                ..relation(16_403, "pg_toast_16400", 162_000_000, 9_800_000_000)
            },
            relation(16_400, "orders", 151_000_000, 12_400_000_000),
            Relation {
                relkind: "m".to_owned(),
                ..relation(16_450, "revenue_by_day", 90_000_000, 41_000_000)
            },
            relation(16_420, "lines", 4_100_000, 10_500_000_000),
        ],
    }
}

/// The workload tier.
pub fn workload(app: &mut App, second: u32) {
    app.answer::<WraparoundDatabases>(5, databases(second));
}

/// The storage tier.
pub fn storage(app: &mut App) {
    app.answer::<WraparoundRelations>(5, relations());
}

/// A server on which nothing has happened since it was made.
pub fn quiet(app: &mut App) {
    let fresh = |database: Database| Database {
        xid_age: 730,
        mxid_age: 0,
        ..database
    };
    let all = databases(0);
    let all = Databases {
        databases: all.databases.into_iter().map(fresh).collect(),
        ..all
    };
    app.answer::<WraparoundDatabases>(5, all);
    let none = Relations {
        total: 412,
        hidden: 412,
        limits: LIMITS,
        ..Relations::default()
    };
    app.answer::<WraparoundRelations>(1, none);
}

fn listed(database: &Database, second: u32) -> Listed {
    let share = if database.here { 100 } else { 7 };
    let busy = i64::from(database.allows_connections) * share * i64::from(second);
    Listed {
        oid: database.oid,
        datname: database.datname.clone(),
        here: database.here,
        allows_connections: database.allows_connections,
        connection_limit: -1,
        may_connect: database.may_connect,
        xid_age: database.xid_age,
        connections: if database.here { 76 } else { 3 },
        stats_reset: Some(BEGIN - 900_000.0),
        commits: 900_000_000 + 7 * busy,
        rollbacks: 4_000_000 + busy / 50,
        blocks_read: 1_000_000 + busy,
        blocks_hit: 900_000_000 + 120 * busy,
        temp_bytes: 90_000_000_000 + 1_400 * busy,
        deadlocks: 3,
        ..Listed::default()
    }
}

/// What is asked while the list of databases is open.
pub fn list(app: &mut App, second: u32) {
    let of = databases(second);
    let all: Vec<Listed> = of.databases.iter().map(|database| listed(database, second)).collect();
    let reading = Reading {
        epoch: of.epoch,
        started: of.started,
        in_recovery: false,
        databases: all,
    };
    app.answer::<DatabaseList>(5, reading);
}
