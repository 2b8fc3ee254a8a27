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
    /// Its name.
    pub slot_name: String,
    /// `physical` or `logical`.
    pub slot_type: String,
    /// The database of a logical slot.
    pub database: Option<String>,
    /// Somebody uses it now.
    pub active: bool,
    /// Bytes of WAL it keeps; `None` if it reserves none.
    pub kept_bytes: Option<i64>,
    /// `reserved`, `extended`, `unreserved`, `lost` (13+).
    pub wal_status: Option<String>,
    /// Bytes that can still be written before it is in danger (13+); `None` without `max_slot_wal_keep_size`.
    pub safe_bytes: Option<i64>,
}

impl Probe for SlotsProbe {
    type Data = Vec<Slot>;
    const SPEC: Spec = Spec {
        id: "slots",
        title: "replication slots and the WAL they keep",
        why: "A slot nobody uses keeps WAL until the disk is full. Kept WAL is counted from our own position, which \
              on a standby is what it has received.",
        tier: Tier::Workload,
        variants: &[form!("slots", 13), form!("slots")],
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
        slot_name: row.text("slot_name")?.unwrap_or_default(),
        slot_type: row.text("slot_type")?.unwrap_or_default(),
        database: row.text("database")?,
        active: row.get("active")?,
        kept_bytes: row.get("kept_bytes")?,
        wal_status: row.text("wal_status")?,
        safe_bytes: row.get("safe_bytes")?,
    })
}
