//! How old each database is in transactions and multixacts, and what the server does at which age.

use crate::form;
use crate::pg::fault::{Fault, FaultKind};
use crate::pg::rows::{Row, Rows};
use crate::probe::{Probe, Spec, Tier};

/// From this age on, in transactions or multixacts alike, something is wrong: the forced vacuum has not come through.
pub const WARNING_AGE: i64 = 1_500_000_000;

/// The probe.
pub struct WraparoundDatabases;

/// One answer. Ages are counted in transactions (xid) and multixacts (mxid).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Databases {
    /// `clock_timestamp()` in seconds since 1970.
    pub epoch: f64,
    /// `pg_postmaster_start_time()`, likewise.
    pub started: f64,
    /// `pg_is_in_recovery()`.
    pub in_recovery: bool,
    /// The next transaction id, of 32 bits; it may be past 2^32 by the last lap, so only differences mean something.
    pub next_xid: i64,
    /// The next multixact id, likewise.
    pub next_mxid: i64,
    /// The settings that decide what happens at which age.
    pub limits: Limits,
    /// All databases, the oldest first.
    pub databases: Vec<Database>,
}

/// The settings that decide what happens at which age.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// `server_version_num`: the margins before the stop are compiled in.
    pub version_num: i32,
    /// `autovacuum_freeze_max_age`.
    pub freeze_max_age: i64,
    /// `autovacuum_multixact_freeze_max_age`.
    pub multixact_freeze_max_age: i64,
    /// `vacuum_failsafe_age` (14+).
    pub failsafe_age: Option<i64>,
    /// `vacuum_multixact_failsafe_age` (14+).
    pub multixact_failsafe_age: Option<i64>,
}

/// One database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts the catalog states, none of which excludes another"
)]
pub struct Database {
    /// Its oid.
    pub oid: u32,
    /// Its name.
    pub datname: String,
    /// We are connected to it.
    pub here: bool,
    /// `datistemplate`.
    pub template: bool,
    /// `datallowconn`.
    pub allows_connections: bool,
    /// Left over by an interrupted `DROP DATABASE` (`datconnlimit` -2): nobody can connect, and it holds nothing back.
    pub invalid: bool,
    /// The role has CONNECT there.
    pub may_connect: bool,
    /// `age(datfrozenxid)`.
    pub xid_age: i64,
    /// `mxid_age(datminmxid)`.
    pub mxid_age: i64,
}

impl Probe for WraparoundDatabases {
    type Data = Databases;
    const SPEC: Spec = Spec {
        id: "wraparound_databases",
        title: "transaction and multixact age of each database",
        why: "The oldest database stops the whole server, so none is left out: template0 and those that allow no \
              connections count as well. The next ids are the stored ones plus their ages, which needs no snapshot and \
              uses up none; two readings make the burn rate. Takes no lock that waits.",
        tier: Tier::Workload,
        variants: &[form!("wraparound_databases")],
    };

    fn decode(rows: &Rows) -> Result<Databases, Fault> {
        let Some(first) = rows.iter().next() else {
            return Err(Fault::new(FaultKind::Decode, "A server without any database answered."));
        };
        Ok(Databases {
            epoch: first.get("epoch")?,
            started: first.get("started")?,
            in_recovery: first.get("in_recovery")?,
            next_xid: first.get("next_xid")?,
            next_mxid: first.get("next_mxid")?,
            limits: limits(first)?,
            databases: rows.iter().map(database).collect::<Result<_, _>>()?,
        })
    }
}

/// The settings, which every row carries.
pub(super) fn limits(row: Row<'_>) -> Result<Limits, Fault> {
    Ok(Limits {
        version_num: row.get("version_num")?,
        freeze_max_age: row.get("freeze_max_age")?,
        multixact_freeze_max_age: row.get("multixact_freeze_max_age")?,
        failsafe_age: row.get("failsafe_age")?,
        multixact_failsafe_age: row.get("multixact_failsafe_age")?,
    })
}

fn database(row: Row<'_>) -> Result<Database, Fault> {
    Ok(Database {
        oid: row.get("oid")?,
        datname: row.text("datname")?.unwrap_or_default(),
        here: row.get("here")?,
        template: row.get("template")?,
        allows_connections: row.get("allows_connections")?,
        invalid: row.get("invalid")?,
        may_connect: row.get("may_connect")?,
        xid_age: row.get("xid_age")?,
        mxid_age: row.get("mxid_age")?,
    })
}
