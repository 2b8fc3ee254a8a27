//! The locks of one backend, held and awaited, the strongest first.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::backend::{identity, while_open};
use crate::probe::locks::{Names, Tag, tag};
use crate::probe::{Ask, Param, Probe, Spec, Tier, Wanted};

/// Locks fetched for the page; the totals count them all.
const FETCHED: i32 = 60;

/// The probe.
pub struct BackendLocks;

/// The locks of one backend.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Locks {
    /// Awaited ones first, then the strongest; not all where there are very many.
    pub locks: Vec<Lock>,
    /// How many there are.
    pub all: i64,
    /// Of these, awaited.
    pub awaited: i64,
}

/// One lock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lock {
    /// Held; else awaited.
    pub granted: bool,
    /// `AccessExclusiveLock`, ...
    pub mode: String,
    /// 1 for `AccessShareLock` to 8 for `AccessExclusiveLock`.
    pub strength: i32,
    /// What is locked.
    pub tag: Tag,
    /// How to call it.
    pub names: Names,
    /// How long it has been awaited (14+), in seconds.
    pub wait_s: Option<f64>,
}

impl Probe for BackendLocks {
    type Data = Locks;
    const SPEC: Spec = Spec {
        id: "backend_locks",
        title: "locks of one backend",
        why: "Locks held and awaited, the awaited and the strongest first. Names come from the catalog without taking \
              a lock on the object; objects of other databases keep their number.",
        tier: Tier::Hot,
        variants: &[form!("backend_locks", 14), form!("backend_locks")],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        let mut params = identity(ask);
        params.push(Param::Int(FETCHED));
        params
    }

    fn wanted(ask: &Ask<'_>) -> Wanted {
        while_open(ask)
    }

    fn decode(rows: &Rows) -> Result<Locks, Fault> {
        let mut locks = Locks::default();
        for row in rows.iter() {
            locks.all = row.get("total")?;
            locks.awaited = row.get("awaited")?;
            locks.locks.push(lock(row)?);
        }
        Ok(locks)
    }
}

fn lock(row: Row<'_>) -> Result<Lock, Fault> {
    Ok(Lock {
        granted: row.get("granted")?,
        mode: row.text("mode")?.unwrap_or_default(),
        strength: row.get("strength")?,
        tag: tag(row)?,
        names: Names {
            database: row.text("lock_datname")?,
            relation: row.text("relation_name")?,
            class: row.text("class_name")?,
            row: None,
        },
        wait_s: row.get("wait_s")?,
    })
}
