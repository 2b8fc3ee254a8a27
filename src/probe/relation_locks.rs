//! The locks on one table, its indexes and its TOAST table: held and awaited, and by whom.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::activity::{redacted, text};
use crate::probe::relation::{identity, while_open};
use crate::probe::{Ask, Param, Probe, Spec, Tier, Wanted};

/// Locks fetched; the totals count them all.
const FETCHED: i32 = 200;

/// The probe.
pub struct RelationLocks;

/// The locks on one table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Locks {
    /// Awaited ones first; not all where there are very many.
    pub locks: Vec<Lock>,
    /// How many there are, one for each session, mode and row.
    pub all: i64,
    /// Of these, awaited.
    pub awaited: i64,
    /// The table is there; asked in the hot tier, this is the first to notice that it has gone.
    pub exists: bool,
}

/// What one session holds or awaits in one mode. Ages are seconds by the server's clock.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts of one lock, none of which excludes another"
)]
pub struct Lock {
    /// Whose; `None` for a prepared transaction.
    pub pid: Option<i32>,
    /// Its `backend_start` in microseconds since 1970.
    pub start: Option<i64>,
    /// `relation`, `tuple`, `extend`, `page`.
    pub locktype: String,
    /// `AccessShareLock`, ...
    pub mode: String,
    /// Held; else awaited.
    pub granted: bool,
    /// Page and tuple of a row.
    pub place: Option<(i32, i32)>,
    /// On the table itself.
    pub heap: bool,
    /// On its TOAST table or that one's index.
    pub toast: bool,
    /// On so many of its indexes.
    pub indexes: i64,
    /// The name of one of them.
    pub index: Option<String>,
    /// How long it has been awaited (14+).
    pub wait_s: Option<f64>,
    /// Role.
    pub usename: Option<String>,
    /// `application_name`.
    pub application_name: Option<String>,
    /// `client backend`, `autovacuum worker`, ...
    pub backend_type: Option<String>,
    /// `active`, `idle in transaction`, ...
    pub state: Option<String>,
    /// Age of the transaction.
    pub xact_s: Option<f64>,
    /// The query's text, cut to `Settings::query_text` bytes.
    pub query: Option<String>,
    /// The role may not see state and text of this session.
    pub hidden: bool,
}

impl Probe for RelationLocks {
    type Data = Locks;
    const SPEC: Spec = Spec {
        id: "relation_locks",
        title: "locks on one table",
        why: "Held and awaited, on the table, its TOAST table and the indexes of both. A session is one row for each \
              mode, however many indexes it has locked. Our own sessions are left out.",
        tier: Tier::Hot,
        variants: &[form!("relation_locks", 14), form!("relation_locks")],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        vec![
            identity(ask),
            Param::Ints(ask.own.to_vec()),
            Param::Int(FETCHED),
            Param::Int(i32::try_from(ask.settings.query_text).unwrap_or(i32::MAX)),
        ]
    }

    fn wanted(ask: &Ask<'_>) -> Wanted {
        while_open(ask)
    }

    fn redacted(locks: &Locks) -> Option<Locks> {
        let mut locks = locks.clone();
        for lock in &mut locks.locks {
            redacted(&mut lock.query, lock.backend_type.as_deref());
        }
        Some(locks)
    }

    fn decode(rows: &Rows) -> Result<Locks, Fault> {
        let mut locks = Locks::default();
        for row in rows.iter() {
            locks.exists = true;
            // The row of a table without locks.
            if row.get::<Option<bool>>("granted")?.is_none() {
                continue;
            }
            locks.all = row.get("total")?;
            locks.awaited = row.get("awaited")?;
            locks.locks.push(lock(row)?);
        }
        Ok(locks)
    }
}

fn lock(row: Row<'_>) -> Result<Lock, Fault> {
    Ok(Lock {
        pid: row.get("pid")?,
        start: row.get("start_us")?,
        locktype: row.text("locktype")?.unwrap_or_default(),
        mode: row.text("mode")?.unwrap_or_default(),
        granted: row.get("granted")?,
        place: row.get::<Option<i32>>("page")?.zip(row.get::<Option<i32>>("tuple")?),
        heap: row.get("heap")?,
        toast: row.get("toast")?,
        indexes: row.get("indexes")?,
        index: row.text("index")?,
        wait_s: row.get("wait_s")?,
        usename: row.text("usename")?,
        application_name: row.text("application_name")?,
        backend_type: row.text("backend_type")?,
        state: row.text("state")?,
        xact_s: row.get("xact_s")?,
        query: row.get::<Option<Vec<u8>>>("query")?.map(text),
        hidden: row.get("hidden")?,
    })
}
