//! Foreign keys whose referencing columns no index begins with.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::named::Named;
use crate::probe::{Ask, Param, Probe, Spec, Tier};

/// The probe.
pub struct FkUnindexedProbe;

/// The dearest ones, and how many there are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnindexedKeys {
    /// How many there are in all.
    pub keys: i64,
    /// Size of the child times deleted parents, the largest first.
    pub rows: Vec<UnindexedKey>,
}

/// One of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnindexedKey {
    /// The oid of the constraint.
    pub oid: u32,
    /// The name of the constraint.
    pub name: String,
    /// The oid of the referencing table.
    pub table_oid: u32,
    /// The referencing table.
    pub table: Named,
    /// That is partitioned.
    pub partitioned: bool,
    /// Its partitions.
    pub parts: i64,
    /// Those of them without an index.
    pub bare: i64,
    /// The referenced table.
    pub parent: Named,
    /// The referencing columns in the order of the constraint.
    pub columns: Vec<String>,
    /// Bytes of the referencing table by `relpages`, without its indexes.
    pub estimated_bytes: i64,
    /// Its rows by `reltuples`; -1 (before 14: 0) when never vacuumed or analyzed.
    pub reltuples: f64,
    /// Rows deleted from the referenced table since the counters began: each read the whole child.
    pub parent_deleted: i64,
    /// Rows updated there: those that changed the key did so too.
    pub parent_updated: i64,
}

impl Probe for FkUnindexedProbe {
    type Data = UnindexedKeys;
    const SPEC: Spec = Spec {
        id: "fk_unindexed",
        title: "foreign keys without an index",
        why: "For every deleted parent the server looks for its children: without an index that begins with the \
              referencing columns it reads the whole child table, while it holds the parent's row. A partial or \
              invalid index is of no help.",
        tier: Tier::Hourly,
        variants: &[form!("fk_unindexed")],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        vec![Param::Int(
            i32::try_from(ask.settings.top_relations).unwrap_or(i32::MAX),
        )]
    }

    fn decode(rows: &Rows) -> Result<UnindexedKeys, Fault> {
        let mut known = UnindexedKeys::default();
        for row in rows.iter() {
            known.keys = row.get("keys")?;
            known.rows.extend(key(row)?);
        }
        Ok(known)
    }
}

fn key(row: Row<'_>) -> Result<Option<UnindexedKey>, Fault> {
    let Some(name) = row.text("conname")? else {
        return Ok(None);
    };
    Ok(Some(UnindexedKey {
        oid: row.get("oid")?,
        name,
        table_oid: row.get("table_oid")?,
        table: Named::read(row, "table_")?.unwrap_or_default(),
        partitioned: row.get("partitioned")?,
        parts: row.get("parts")?,
        bare: row.get("bare")?,
        parent: Named::read(row, "parent_")?.unwrap_or_default(),
        columns: row.texts("columns")?,
        estimated_bytes: row.get("estimated_bytes")?,
        reltuples: row.get("reltuples")?,
        parent_deleted: row.get("parent_deleted")?,
        parent_updated: row.get("parent_updated")?,
    }))
}
