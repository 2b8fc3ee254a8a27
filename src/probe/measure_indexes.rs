//! Measuring how full the pages of a B-tree index are with `pgstatindex`, once, because the user said so.

use std::time::Duration;

use crate::config::Settings;
use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::measure::{on_demand, targets};
use crate::probe::named::InTheWay;
use crate::probe::{Ask, Param, Probe, Spec, Tier, Wanted};

/// Measurements that are remembered.
const REMEMBERED: usize = 200;

/// The probe. Asked about [`crate::probe::Focus::keys`] when [`crate::probe::Focus::demand`] says so; what was measured
/// before is remembered.
pub struct MeasureIndexes;

/// One measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The index.
    pub oid: u32,
    /// Its table.
    pub relation: u32,
    /// What was found, or who is in the way.
    pub found: Result<Tree, InTheWay>,
    /// When it was complete, in seconds since 1970 by the server's clock.
    pub at: f64,
}

/// What `pgstatindex` found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tree {
    /// The index's size in bytes.
    pub bytes: i64,
    /// Leaf pages.
    pub leaves: i64,
    /// Pages without an entry.
    pub empty: i64,
    /// Deleted pages, which are used again.
    pub deleted: i64,
    /// How full the leaf pages are, in percent; `None` without any.
    pub density: Option<f64>,
    /// Leaf pages whose next one lies before them on disk, in percent.
    pub fragmentation: Option<f64>,
}

impl Probe for MeasureIndexes {
    type Data = Vec<Measured>;
    const SPEC: Spec = Spec {
        id: "measure_indexes",
        title: "measured density of an index",
        why: "Asked once, when you press the key and confirm. pgstatindex reads the whole index and holds \
              AccessShareLock on it meanwhile: a DROP INDEX queues behind that. Refused while somebody holds or awaits \
              an exclusive lock; cancelled after timeouts.measure_timeout_s, or when you take it back.",
        tier: Tier::Storage,
        variants: &[form!("measure_indexes" of "pgstattuple")],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        vec![targets(ask)]
    }

    fn wanted(ask: &Ask<'_>) -> Wanted {
        on_demand(ask, Self::SPEC.id)
    }

    fn budget(settings: &Settings) -> Option<Duration> {
        Some(settings.measure_timeout)
    }

    fn decode(rows: &Rows) -> Result<Vec<Measured>, Fault> {
        rows.iter().map(measured).collect()
    }

    fn fold(known: Option<&Vec<Measured>>, mut answer: Vec<Measured>) -> Vec<Measured> {
        let old = known.into_iter().flatten();
        let old: Vec<_> = old
            .filter(|old| answer.iter().all(|new| new.oid != old.oid))
            .cloned()
            .collect();
        answer.extend(old);
        answer.truncate(REMEMBERED);
        answer
    }
}

fn measured(row: Row<'_>) -> Result<Measured, Fault> {
    let count = |column: &str| Ok::<_, Fault>(row.get::<Option<i64>>(column)?.unwrap_or_default());
    let found = match InTheWay::read(row)? {
        Some(busy) => Err(busy),
        None => Ok(Tree {
            bytes: count("bytes")?,
            leaves: count("leaf_pages")?,
            empty: count("empty_pages")?,
            deleted: count("deleted_pages")?,
            density: row.get("density")?,
            fragmentation: row.get("fragmentation")?,
        }),
    };
    Ok(Measured {
        oid: row.get("oid")?,
        relation: row.get("relation")?,
        found,
        at: row.get("measured")?,
    })
}
