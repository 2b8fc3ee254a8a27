//! Indexes that another index of the same table makes superfluous.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::named::{InTheWay, Named};
use crate::probe::{Ask, Param, Probe, Spec, Tier};

/// The probe.
pub struct IndexesDuplicateProbe;

/// The largest superfluous indexes, and how many there are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DuplicateIndexes {
    /// How many there are in all.
    pub indexes: i64,
    /// Bytes of all of them by `relpages`.
    pub estimated_total: i64,
    /// The largest first.
    pub rows: Vec<DuplicateIndex>,
}

/// One of them, and the one that stays.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "independent properties of two indexes")]
pub struct DuplicateIndex {
    /// Its oid.
    pub oid: u32,
    /// Its name.
    pub name: Named,
    /// The oid of their table.
    pub table_oid: u32,
    /// The name of their table.
    pub table: Named,
    /// The access method of both: `btree`.
    pub method: String,
    /// They have the same keys; else its keys are the first ones of the other.
    pub same_keys: bool,
    /// Its keys: column names, or `(expression)`.
    pub columns: Vec<String>,
    /// The name of the one that stays.
    pub keeper: Named,
    /// The keys of that.
    pub keeper_columns: Vec<String>,
    /// That is the primary key.
    pub keeper_primary: bool,
    /// That is unique.
    pub keeper_unique: bool,
    /// It belongs to a partitioned table.
    pub partitioned: bool,
    /// Bytes by `relpages`, those of its partitions' indexes if it is partitioned.
    pub estimated_bytes: i64,
    /// Bytes on disk; `None` if it was not measured.
    pub bytes: Option<i64>,
    /// The lock that its size would wait for.
    pub lock: Option<InTheWay>,
    /// Scans of it since the counters began; the other one would do them.
    pub scans: i64,
    /// Scans of the other one.
    pub keeper_scans: i64,
}

impl Probe for IndexesDuplicateProbe {
    type Data = DuplicateIndexes;
    const SPEC: Spec = Spec {
        id: "indexes_duplicate",
        title: "duplicate and redundant indexes",
        why: "Two indexes of a table with the same access method, operator classes, collations, order, predicate and \
              expressions, where the keys of one are those of the other or, in a btree, the first ones of it, and whose \
              INCLUDE columns the other has. Unique ones, constraints and replica identities stay. Read from the \
              catalog alone: pg_get_indexdef would wait for locks.",
        tier: Tier::Hourly,
        variants: &[form!("indexes_duplicate")],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        vec![Param::Int(i32::try_from(ask.settings.top_indexes).unwrap_or(i32::MAX))]
    }

    fn decode(rows: &Rows) -> Result<DuplicateIndexes, Fault> {
        let mut known = DuplicateIndexes::default();
        for row in rows.iter() {
            known.indexes = row.get("indexes")?;
            known.estimated_total = row.get("estimated_total")?;
            known.rows.extend(index(row)?);
        }
        Ok(known)
    }
}

fn index(row: Row<'_>) -> Result<Option<DuplicateIndex>, Fault> {
    let Some(name) = Named::read(row, "")? else {
        return Ok(None);
    };
    Ok(Some(DuplicateIndex {
        oid: row.get("oid")?,
        name,
        table_oid: row.get("table_oid")?,
        table: Named::read(row, "table_")?.unwrap_or_default(),
        method: row.text("method")?.unwrap_or_default(),
        same_keys: row.get("same_keys")?,
        columns: row.texts("columns")?,
        keeper: Named::read(row, "keeper_")?.unwrap_or_default(),
        keeper_columns: row.texts("keeper_columns")?,
        keeper_primary: row.get("keeper_primary")?,
        keeper_unique: row.get("keeper_unique")?,
        partitioned: row.get("partitioned")?,
        estimated_bytes: row.get("estimated_bytes")?,
        bytes: row.get("bytes")?,
        lock: InTheWay::read(row)?,
        scans: row.get("scans")?,
        keeper_scans: row.get("keeper_scans")?,
    }))
}
