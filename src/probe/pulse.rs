//! The server's clock, its incarnation and the settings other numbers are measured against: no view is read,
//! so it is asked first and answers even where the statistics views do not.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::Rows;
use crate::probe::{Probe, Spec, Tier};

/// The probe.
pub struct PulseProbe;

/// One beat. Times are seconds since 1970 by the server's clock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pulse {
    /// `clock_timestamp()`: the server's clock.
    pub epoch: f64,
    /// `pg_postmaster_start_time()`: another value is another incarnation of the server.
    pub started: f64,
    /// `pg_is_in_recovery()`.
    pub in_recovery: bool,
    /// The timeline the primary writes; `None` on a standby.
    pub timeline: Option<i32>,
    /// Bytes of WAL since 0/0: written on a primary, replayed on a standby; `None` before anything was replayed.
    pub wal_position: Option<i64>,
    /// `max_connections`.
    pub max_connections: i32,
    /// `superuser_reserved_connections`.
    pub superuser_reserved: i32,
    /// `reserved_connections` (16+), for members of `pg_use_reserved_connections`; 0 before.
    pub reserved: i32,
    /// `autovacuum_max_workers`.
    pub autovacuum_max_workers: i32,
    /// `autovacuum`.
    pub autovacuum: bool,
    /// `checkpoint_timeout` in seconds.
    pub checkpoint_timeout_s: f64,
}

impl Pulse {
    /// Connections an ordinary role can really use: `max_connections` less the reserved ones. Walsenders and
    /// workers have slots of their own.
    #[must_use]
    pub fn usable(&self) -> i32 {
        self.max_connections
            .saturating_sub(self.superuser_reserved)
            .saturating_sub(self.reserved)
            .max(0)
    }
}

impl Probe for PulseProbe {
    type Data = Pulse;
    const SPEC: Spec = Spec {
        id: "pulse",
        title: "the server's clock, incarnation and limits",
        why: "Every age on the screen is counted by the server's clock. The start time and the timeline tell a \
              restart or a failover, after which no rate may be computed. Settings only: no view is read.",
        tier: Tier::Hot,
        variants: &[form!("pulse")],
    };

    fn decode(rows: &Rows) -> Result<Pulse, Fault> {
        let row = rows.only()?;
        Ok(Pulse {
            epoch: row.get("epoch")?,
            started: row.get("started")?,
            in_recovery: row.get("in_recovery")?,
            timeline: row.get("timeline")?,
            wal_position: row.get("wal_position")?,
            max_connections: row.get("max_connections")?,
            superuser_reserved: row.get("superuser_reserved_connections")?,
            reserved: row.get::<Option<i32>>("reserved_connections")?.unwrap_or_default(),
            autovacuum_max_workers: row.get("autovacuum_max_workers")?,
            autovacuum: row.get("autovacuum")?,
            checkpoint_timeout_s: row.get("checkpoint_timeout_s")?,
        })
    }
}
