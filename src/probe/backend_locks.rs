//! The locks of one backend, held and awaited, grouped and the strongest first.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::backend::{identity, while_open};
use crate::probe::{Ask, Param, Probe, Spec, Tier, Wanted};

/// Groups of locks fetched for the page; the totals count them all.
const GROUPS: i32 = 60;

/// The probe.
pub struct BackendLocks;

/// The locks of one backend.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Locks {
    /// Awaited ones first, then the strongest; at most [`GROUPS`].
    pub groups: Vec<Group>,
    /// Groups there are.
    pub all_groups: i64,
    /// Single locks there are.
    pub all_locks: i64,
}

/// Locks of one mode on one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Held; else awaited.
    pub granted: bool,
    /// `relation`, `transactionid`, `advisory`, ... as in `pg_locks`.
    pub locktype: String,
    /// `AccessExclusiveLock`, ...
    pub mode: String,
    /// 1 for `AccessShareLock` to 8 for `AccessExclusiveLock`.
    pub strength: i32,
    /// What is locked.
    pub object: String,
    /// The database of the object, where it is not the connected one: its names cannot be read from here.
    pub elsewhere: Option<String>,
    /// How many locks were folded into this group.
    pub locks: i64,
    /// How long it has been awaited (14+), in seconds.
    pub wait_s: Option<f64>,
}

impl Probe for BackendLocks {
    type Data = Locks;
    const SPEC: Spec = Spec {
        id: "backend_locks",
        title: "locks of one backend",
        why: "Locks held and awaited, grouped by mode and object. Names come from the catalog without taking a lock \
              on the object; objects of other databases keep their number.",
        tier: Tier::Hot,
        variants: &[form!("backend_locks", 14), form!("backend_locks")],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        let mut params = identity(ask);
        params.push(Param::Int(GROUPS));
        params
    }

    fn wanted(ask: &Ask<'_>) -> Wanted {
        while_open(ask)
    }

    fn decode(rows: &Rows) -> Result<Locks, Fault> {
        let mut locks = Locks::default();
        for row in rows.iter() {
            locks.all_groups = row.get("groups")?;
            locks.all_locks = row.get("total")?;
            locks.groups.push(group(row)?);
        }
        Ok(locks)
    }
}

fn group(row: Row<'_>) -> Result<Group, Fault> {
    let here: bool = row.get("here")?;
    Ok(Group {
        granted: row.get("granted")?,
        locktype: row.text("locktype")?.unwrap_or_default(),
        mode: row.text("mode")?.unwrap_or_default(),
        strength: row.get("strength")?,
        object: object(row)?,
        elsewhere: if here { None } else { row.text("datname")? },
        locks: row.get("locks")?,
        wait_s: row.get("wait_s")?,
    })
}

/// The object in words; what each lock type fills is in the documentation of `pg_locks`.
fn object(row: Row<'_>) -> Result<String, Fault> {
    let number = |column| Ok::<_, Fault>(row.get::<Option<u32>>(column)?.unwrap_or_default());
    if let Some(relation) = row.get::<Option<u32>>("relation")? {
        let name = row.text("relation_name")?.unwrap_or_else(|| relation.to_string());
        let page = row.get::<Option<i32>>("page")?;
        return Ok(match (page, row.get::<Option<i32>>("tuple")?) {
            (Some(page), Some(tuple)) => format!("{name}, row ({page},{tuple})"),
            (Some(page), None) => format!("{name}, page {page}"),
            _ => name,
        });
    }
    if let Some(xid) = row.text("transactionid")? {
        return Ok(format!("transaction {xid}"));
    }
    if let Some(virtualxid) = row.text("virtualxid")? {
        return Ok(virtualxid);
    }
    let (class, object) = (number("classid")?, number("objid")?);
    Ok(match row.text("locktype")?.as_deref() {
        // objsubid tells the two kinds of keys apart: 1 is one bigint, 2 is two integers.
        Some("advisory") if row.get::<Option<i32>>("objsubid")? == Some(1) => {
            ((i64::from(class) << 32) | i64::from(object)).to_string()
        }
        Some("advisory") => format!("({}, {})", class.cast_signed(), object.cast_signed()),
        Some("object") => format!("{} {object}", row.text("class")?.unwrap_or_else(|| class.to_string())),
        _ => String::new(),
    })
}
