//! Who saves what is old: the autovacuum worker at it now, who holds the horizon before it, and what a person can do.

use super::{Level, WARNING_AGE, Way};
use crate::model::autovacuum_workers::task;
use crate::model::horizon::{self, Reach};
use crate::pg::quote::{identifier, qualified};
use crate::probe::activity::Backend;
use crate::probe::horizon::Holder;
use crate::probe::progress::Progress;
use crate::probe::wraparound_databases::Database;
use crate::probe::wraparound_relations::Relation;

/// Whether it is being saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rescue {
    /// This process is at it.
    Running(i32),
    /// Nobody is at it.
    None,
    /// The role may not see what others do.
    Hidden,
}

/// Whether a worker vacuums any relation of a database to prevent wraparound.
#[must_use]
pub fn rescue_of_database(backends: &[Backend], datname: &str, sees_all: bool) -> Rescue {
    find(backends, sees_all, |backend, _| {
        backend.datname.as_deref() == Some(datname)
    })
}

/// Whether this relation of the connected database `datname` is being vacuumed: by anybody who has begun, or by a worker
/// that is to prevent wraparound and still waits for the relation.
#[must_use]
pub fn rescue_of_relation(
    (backends, progress): (&[Backend], &[Progress]),
    datname: &str,
    relation: &Relation,
    sees_all: bool,
) -> Rescue {
    let begun = progress.iter().find(|progress| {
        let here = relation.shared || progress.database.as_deref() == Some(datname);
        here && progress.command.as_deref() == Some("VACUUM") && progress.relid == Some(relation.oid)
    });
    if let Some(begun) = begun {
        return Rescue::Running(begun.pid);
    }
    let name = format!("{}.{}", relation.nspname, relation.relname);
    find(backends, sees_all, |backend, target| {
        target == name && (relation.shared || backend.datname.as_deref() == Some(datname))
    })
}

fn find(backends: &[Backend], sees_all: bool, is_it: impl Fn(&Backend, &str) -> bool) -> Rescue {
    let found = backends.iter().find(|backend| {
        let target = backend.query.as_deref().and_then(forced_target);
        target.is_some_and(|target| is_it(backend, target))
    });
    match found {
        Some(worker) => Rescue::Running(worker.pid),
        None if !sees_all && backends.iter().any(|backend| backend.hidden) => Rescue::Hidden,
        None => Rescue::None,
    }
}

/// What a worker vacuums to prevent wraparound.
fn forced_target(query: &str) -> Option<&str> {
    task(query).filter(|task| task.forced).map(|task| task.target)
}

/// The oldest transaction that a vacuum has to leave: it cannot make anything younger than that.
///
/// A database's age is bounded by every holder, catalogs' included; a relation's by those that can see it: sessions and
/// prepared transactions of its own database, slots and standbys, and a slot's `catalog_xmin` for catalogs only.
#[must_use]
pub fn holder_before<'a>(holders: &'a [Holder], relation: Option<(&Relation, &str)>) -> Option<&'a Holder> {
    let bound = |holder: &&Holder| relation.is_none_or(|(relation, datname)| sees(holder, relation, datname));
    horizon::oldest(holders.iter().filter(bound))
}

/// The holder because of whom the forced vacuum of something that old does not help: what it leaves is due again, or
/// still alarming.
#[must_use]
pub fn held_back<'a>(xid: &Way, holder: Option<&'a Holder>) -> Option<&'a Holder> {
    let enough = xid.marks.forced.min(WARNING_AGE);
    holder.filter(|holder| xid.level() >= Level::Due && holder.xmin_age >= enough)
}

/// It holds the rows of that relation of the database `datname`.
fn sees(holder: &Holder, relation: &Relation, datname: &str) -> bool {
    let owner = relation.owner.as_ref().map(|(_, nspname, _)| nspname);
    match horizon::reach(holder) {
        Reach::Everywhere => true,
        Reach::Database(database) => relation.shared || database == datname,
        Reach::Catalogs => owner.unwrap_or(&relation.nspname) == "pg_catalog",
    }
}

/// The statement that freezes a relation, to be run by its owner or a superuser in that database.
#[must_use]
pub fn vacuum_relation(relation: &Relation, datname: &str) -> String {
    let (nspname, relname) = match &relation.owner {
        Some((_, nspname, relname)) => (nspname, relname),
        None => (&relation.nspname, &relation.relname),
    };
    let toast = if relation.owner.is_some() {
        ", with its TOAST table"
    } else {
        ""
    };
    format!(
        "VACUUM (FREEZE, VERBOSE) {}; -- in database {}{toast}; reads it as a whole",
        qualified(nspname, relname),
        identifier(datname)
    )
}

/// What freezes a whole database, for psql.
#[must_use]
pub fn vacuum_database(database: &Database) -> String {
    let name = identifier(&database.datname);
    let vacuum =
        format!("\\connect {name}\nVACUUM (FREEZE, VERBOSE); -- every table of {name}; the oldest ones alone may do");
    if database.allows_connections {
        return vacuum;
    }
    // Nobody may take its connections away from the database they are in.
    let elsewhere = if database.datname == "postgres" {
        "template1"
    } else {
        "postgres"
    };
    format!(
        "-- autovacuum does this by itself unless something holds it back\n\
         ALTER DATABASE {name} ALLOW_CONNECTIONS true;\n{vacuum}\n\\connect {elsewhere}\n\
         ALTER DATABASE {name} ALLOW_CONNECTIONS false;"
    )
}
