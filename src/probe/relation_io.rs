//! Block reads and hits of tables and of indexes of the connected database: `pg_stat_database` cannot tell them apart.

use std::time::Duration;

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::Rows;
use crate::probe::{Probe, Spec, Tier};

/// One part in so many of a processor is what looking at all relations may cost for long: 0.3 s every 20 minutes.
const SHARE: u32 = 4000;

/// The probe.
pub struct RelationIoProbe;

/// Counters of blocks since `stats_reset`; TOAST tables count as tables, their indexes as indexes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RelationIo {
    /// `clock_timestamp()` of the reading.
    pub epoch: f64,
    /// `pg_postmaster_start_time()`.
    pub started: f64,
    /// `pg_is_in_recovery()`.
    pub in_recovery: bool,
    /// When the database's counters were last reset; `None` for never.
    pub reset: Option<f64>,
    /// Blocks of tables asked for.
    pub table_fetched: i64,
    /// Of these, found in `shared_buffers`.
    pub table_hit: i64,
    /// Blocks of indexes asked for.
    pub index_fetched: i64,
    /// Of these, found in `shared_buffers`.
    pub index_hit: i64,
}

impl Probe for RelationIoProbe {
    type Data = RelationIo;
    const SPEC: Spec = Spec {
        id: "relation_io",
        title: "cache hits of tables and of indexes",
        why: "The statistics functions over pg_class, without the joins of pg_statio_all_tables; it still looks at \
              every relation, so it is asked rarely. Only the connected database can be seen.",
        tier: Tier::Storage,
        variants: &[form!("relation_io")],
    };

    fn pause(took: Duration) -> Duration {
        took * SHARE
    }

    fn decode(rows: &Rows) -> Result<RelationIo, Fault> {
        let row = rows.only()?;
        Ok(RelationIo {
            epoch: row.get("epoch")?,
            started: row.get("started")?,
            in_recovery: row.get("in_recovery")?,
            reset: row.get("stats_reset")?,
            table_fetched: row.get("table_fetched")?,
            table_hit: row.get("table_hit")?,
            index_fetched: row.get("index_fetched")?,
            index_hit: row.get("index_hit")?,
        })
    }
}
