//! Replication slots and the WAL they keep.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::{Ask, Param, Probe, Spec, Tier};

/// Slots asked for: more than any sane `max_replication_slots`.
const TOP: i32 = 500;

/// The probe.
pub struct SlotsProbe;

/// One slot; the list comes with the most kept WAL first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slot {
    /// Seconds since 1970 by the server's clock.
    pub epoch: f64,
    /// Its name.
    pub slot_name: String,
    /// `physical` or `logical`.
    pub slot_type: String,
    /// The database of a logical slot.
    pub database: Option<String>,
    /// The output plugin of a logical slot.
    pub plugin: Option<String>,
    /// Gone when the session that made it ends.
    pub temporary: bool,
    /// Somebody uses it now.
    pub active: bool,
    /// The process that does.
    pub active_pid: Option<i32>,
    /// Bytes of WAL it keeps; `None` if it reserves none.
    pub kept_bytes: Option<i64>,
    /// `reserved`, `extended`, `unreserved`, `lost` (13+).
    pub wal_status: Option<String>,
    /// Bytes that can still be written before it is in danger (13+); `None` without `max_slot_wal_keep_size`.
    pub safe_bytes: Option<i64>,
    /// Bytes of WAL the consumer of a logical slot has not confirmed.
    pub confirmed_bytes: Option<i64>,
    /// Age in transactions of the rows it keeps from VACUUM.
    pub xmin_age: Option<i64>,
    /// The same for rows of the system catalogs.
    pub catalog_xmin_age: Option<i64>,
    /// It decodes prepared transactions (14+).
    pub two_phase: Option<bool>,
    /// What logical decoding did (14+).
    pub decoded: Option<Decoded>,
    /// Invalidated by a conflict with recovery (16+, logical slots).
    pub conflicting: Option<bool>,
    /// Since when nobody uses it, in seconds (17+).
    pub inactive_s: Option<f64>,
    /// Why it was invalidated (17+): `wal_removed`, `rows_removed`, `wal_level_insufficient`, `idle_timeout`.
    pub invalidation_reason: Option<String>,
    /// It is to be synchronised to standbys (17+).
    pub failover: Option<bool>,
    /// It was synchronised from the primary (17+).
    pub synced: Option<bool>,
}

/// Totals of `pg_stat_replication_slots`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// Transactions that did not fit into `logical_decoding_work_mem` and went to disk.
    pub spill_txns: i64,
    /// Bytes of them; a transaction can be written more than once.
    pub spill_bytes: i64,
    /// Bytes sent before the transaction was over.
    pub stream_bytes: i64,
    /// Bytes decoded in all.
    pub total_bytes: i64,
}

impl Probe for SlotsProbe {
    type Data = Vec<Slot>;
    const SPEC: Spec = Spec {
        id: "slots",
        title: "replication slots and the WAL they keep",
        why: "A slot nobody uses keeps WAL until the disk is full. Kept WAL is counted from our own position, which \
              on a standby is what it has received.",
        tier: Tier::Workload,
        variants: &[
            form!("slots", 17),
            form!("slots", 16),
            form!("slots", 14),
            form!("slots", 13),
            form!("slots"),
        ],
    };

    fn params(_ask: &Ask<'_>) -> Vec<Param> {
        vec![Param::Int(TOP)]
    }

    fn decode(rows: &Rows) -> Result<Vec<Slot>, Fault> {
        rows.iter().map(slot).collect()
    }
}

fn slot(row: Row<'_>) -> Result<Slot, Fault> {
    Ok(Slot {
        epoch: row.get("epoch")?,
        slot_name: row.text("slot_name")?.unwrap_or_default(),
        slot_type: row.text("slot_type")?.unwrap_or_default(),
        database: row.text("database")?,
        plugin: row.text("plugin")?,
        temporary: row.get("temporary")?,
        active: row.get("active")?,
        active_pid: row.get("active_pid")?,
        kept_bytes: row.get("kept_bytes")?,
        wal_status: row.text("wal_status")?,
        safe_bytes: row.get("safe_bytes")?,
        confirmed_bytes: row.get("confirmed_bytes")?,
        xmin_age: row.get("xmin_age")?,
        catalog_xmin_age: row.get("catalog_xmin_age")?,
        two_phase: row.get("two_phase")?,
        decoded: decoded(row)?,
        conflicting: row.get("conflicting")?,
        inactive_s: row.get("inactive_s")?,
        invalidation_reason: row.text("invalidation_reason")?,
        failover: row.get("failover")?,
        synced: row.get("synced")?,
    })
}

fn decoded(row: Row<'_>) -> Result<Option<Decoded>, Fault> {
    let Some(total_bytes) = row.get::<Option<i64>>("total_bytes")? else {
        return Ok(None);
    };
    Ok(Some(Decoded {
        spill_txns: row.get("spill_txns")?,
        spill_bytes: row.get("spill_bytes")?,
        stream_bytes: row.get("stream_bytes")?,
        total_bytes,
    }))
}
