//! Measuring the bloat of one heap with `pgstattuple_approx`, once, because the user said so.

use std::time::Duration;

use crate::config::Settings;
use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::named::InTheWay;
use crate::probe::{Ask, Param, Probe, Spec, Tier, Wanted};

/// The extension that measures.
pub const EXTENSION: &str = "pgstattuple";

/// The probe. Asked about [`crate::probe::Focus::keys`] when [`crate::probe::Focus::demand`] says so.
pub struct Measure;

/// One measurement. Its data is `None` when there is no such relation any more.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The relation.
    pub oid: u32,
    /// What was found, or who is in the way.
    pub found: Result<Heap, InTheWay>,
    /// When it was complete, in seconds since 1970 by the server's clock.
    pub at: f64,
}

/// What `pgstattuple_approx` found. Bytes are bytes, shares are percent of [`Self::bytes`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Heap {
    /// The heap's size.
    pub bytes: i64,
    /// Share of the pages that were read; the others are all-visible.
    pub scanned: f64,
    /// Live rows, estimated for pages not read.
    pub live: i64,
    /// Bytes of live rows.
    pub live_bytes: i64,
    /// Dead rows, exact.
    pub dead: i64,
    /// Bytes of dead rows, exact.
    pub dead_bytes: i64,
    /// Free space, estimated for pages not read.
    pub free_bytes: i64,
}

/// A demand is answered only for relations that it names.
pub(super) fn on_demand(ask: &Ask<'_>, probe: &str) -> Wanted {
    if ask.server.extension(EXTENSION).is_none() {
        return Wanted::No("measuring needs the extension pgstattuple in this database");
    }
    match ask.focus.demand {
        Some(demand) if demand.probe == probe && !ask.focus.keys.is_empty() => Wanted::Yes,
        _ => Wanted::Keep,
    }
}

/// The relations that are to be measured.
pub(super) fn targets(ask: &Ask<'_>) -> Param {
    Param::Oids(
        ask.focus
            .keys
            .iter()
            .filter_map(|key| u32::try_from(*key).ok())
            .collect(),
    )
}

impl Probe for Measure {
    type Data = Option<Measured>;
    const SPEC: Spec = Spec {
        id: "measure",
        title: "measured bloat of one heap",
        why: "Asked once, when you press the key and confirm. pgstattuple_approx reads every page that is not \
              all-visible and holds AccessShareLock on the table meanwhile: an ALTER TABLE queues behind that, and \
              everything else behind the ALTER TABLE. Refused while somebody holds or awaits an exclusive lock; \
              cancelled after timeouts.measure_timeout_s, or when you take it back.",
        tier: Tier::Storage,
        variants: &[form!("measure" of "pgstattuple")],
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

    fn decode(rows: &Rows) -> Result<Option<Measured>, Fault> {
        rows.iter().next().map(measured).transpose()
    }
}

fn measured(row: Row<'_>) -> Result<Measured, Fault> {
    let count = |column: &str| Ok::<_, Fault>(row.get::<Option<i64>>(column)?.unwrap_or_default());
    let found = match InTheWay::read(row)? {
        Some(busy) => Err(busy),
        None => Ok(Heap {
            bytes: count("bytes")?,
            scanned: row.get::<Option<f64>>("scanned")?.unwrap_or_default(),
            live: count("live")?,
            live_bytes: count("live_bytes")?,
            dead: count("dead")?,
            dead_bytes: count("dead_bytes")?,
            free_bytes: count("free_bytes")?,
        }),
    };
    Ok(Measured {
        oid: row.get("oid")?,
        found,
        at: row.get("measured")?,
    })
}
