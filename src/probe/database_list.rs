//! The databases beside each other, while their list is open: who is connected where, and what each of them does.

use crate::form;
use crate::pg::fault::{Fault, FaultKind};
use crate::pg::rows::{Row, Rows};
use crate::probe::{Ask, Probe, Spec, Tier, Wanted};

/// The id of the popup that shows it.
pub const POPUP: &str = "databases";

/// The probe.
pub struct DatabaseList;

/// One reading of all databases.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// `clock_timestamp()` in seconds since 1970.
    pub epoch: f64,
    /// `pg_postmaster_start_time()`, likewise.
    pub started: f64,
    /// `pg_is_in_recovery()`.
    pub in_recovery: bool,
    /// By name.
    pub databases: Vec<Database>,
}

/// One database. Counters are those of `pg_stat_database`; blocks are of `block_size`.
#[derive(Clone, Debug, Default, PartialEq)]
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
    /// `datallowconn`.
    pub allows_connections: bool,
    /// Left over by an interrupted `DROP DATABASE`.
    pub invalid: bool,
    /// `datconnlimit`; negative for no limit of its own.
    pub connection_limit: i32,
    /// The role has CONNECT there.
    pub may_connect: bool,
    /// `age(datfrozenxid)`.
    pub xid_age: i64,
    /// Backends in it, ours included.
    pub connections: i32,
    /// When the counters were last reset, in seconds since 1970; `None` for never.
    pub stats_reset: Option<f64>,
    /// Transactions committed.
    pub commits: i64,
    /// Transactions rolled back.
    pub rollbacks: i64,
    /// Blocks read from outside `shared_buffers`.
    pub blocks_read: i64,
    /// Blocks found in `shared_buffers`.
    pub blocks_hit: i64,
    /// Bytes of temporary files, counted when they are closed.
    pub temp_bytes: i64,
    /// Deadlocks detected.
    pub deadlocks: i64,
}

impl Probe for DatabaseList {
    type Data = Reading;
    const SPEC: Spec = Spec {
        id: "database_list",
        title: "what each database does",
        why: "Two readings of pg_stat_database make the rates. Before 15 each reading loads the server's statistics \
              file, so it is asked only while the list of databases is open. Sizes are asked elsewhere, and rarely.",
        tier: Tier::Hot,
        variants: &[form!("database_list")],
    };

    fn wanted(ask: &Ask<'_>) -> Wanted {
        if ask.focus.popup == Some(POPUP) {
            Wanted::Yes
        } else {
            Wanted::No("it is asked while the list of databases is open")
        }
    }

    fn decode(rows: &Rows) -> Result<Reading, Fault> {
        let Some(first) = rows.iter().next() else {
            return Err(Fault::new(FaultKind::Decode, "A server without any database answered."));
        };
        Ok(Reading {
            epoch: first.get("epoch")?,
            started: first.get("started")?,
            in_recovery: first.get("in_recovery")?,
            databases: rows.iter().map(database).collect::<Result<_, _>>()?,
        })
    }
}

fn database(row: Row<'_>) -> Result<Database, Fault> {
    let count = |column| row.get::<Option<i64>>(column).map(Option::unwrap_or_default);
    Ok(Database {
        oid: row.get("oid")?,
        datname: row.text("datname")?.unwrap_or_default(),
        here: row.get("here")?,
        allows_connections: row.get("allows_connections")?,
        invalid: row.get("invalid")?,
        connection_limit: row.get("connection_limit")?,
        may_connect: row.get("may_connect")?,
        xid_age: row.get("xid_age")?,
        connections: row.get::<Option<i32>>("connections")?.unwrap_or_default(),
        stats_reset: row.get("stats_reset")?,
        commits: count("commits")?,
        rollbacks: count("rollbacks")?,
        blocks_read: count("blocks_read")?,
        blocks_hit: count("blocks_hit")?,
        temp_bytes: count("temp_bytes")?,
        deadlocks: count("deadlocks")?,
    })
}
