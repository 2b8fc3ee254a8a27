//! Prepared transactions: they hold locks without a process, and `pg_blocking_pids` calls each of them 0.

use super::locks::Locks;
use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::{Ask, Param, Probe, Spec, Tier, Wanted};

/// The probe.
pub struct PreparedXacts;

/// Rows asked for at most: more than this never helps to find the one that blocks.
const LIMIT: i32 = 1000;

/// One prepared transaction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prepared {
    /// Its global identifier, what `ROLLBACK PREPARED` takes.
    pub gid: String,
    /// Its transaction id.
    pub xid: String,
    /// Who prepared it.
    pub owner: String,
    /// In which database: it can be ended only from there.
    pub database: String,
    /// Seconds since it was prepared, by the server's clock.
    pub age_s: Option<f64>,
    /// The virtual transaction its locks are listed under: the original one, `-1/xid` after a restart.
    pub virtualtransaction: String,
    /// How many locks it holds.
    pub locks: i32,
}

impl Probe for PreparedXacts {
    type Data = Vec<Prepared>;
    const SPEC: Spec = Spec {
        id: "prepared",
        title: "which prepared transactions hold locks",
        why: "pg_blocking_pids gives 0 for a prepared transaction; its locks have no pid and are found through the \
              lock on its own transaction id.",
        tier: Tier::Hot,
        variants: &[form!("prepared")],
    };

    fn params(_ask: &Ask<'_>) -> Vec<Param> {
        vec![Param::Int(LIMIT)]
    }

    fn wanted(ask: &Ask<'_>) -> Wanted {
        match ask.latest.get::<Locks>() {
            Some(locks) if locks.has_prepared_blocker() => Wanted::Yes,
            _ => Wanted::No("the newest locks sample has no prepared transaction in anybody's way"),
        }
    }

    fn decode(rows: &Rows) -> Result<Vec<Prepared>, Fault> {
        rows.iter().map(|row| prepared(row)).collect()
    }
}

fn prepared(row: Row<'_>) -> Result<Prepared, Fault> {
    Ok(Prepared {
        gid: row.text("gid")?.unwrap_or_default(),
        xid: row.text("xid")?.unwrap_or_default(),
        owner: row.text("owner")?.unwrap_or_default(),
        database: row.text("database")?.unwrap_or_default(),
        age_s: row.get("age_s")?,
        virtualtransaction: row.text("virtualtransaction")?.unwrap_or_default(),
        locks: row.get("locks")?,
    })
}
