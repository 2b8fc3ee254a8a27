//! Indexes that no query has used since the counters began, and that nothing else needs.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::named::{InTheWay, Named};
use crate::probe::{Ask, Param, Probe, Spec, Tier};

/// The probe.
pub struct IndexesUnusedProbe;

/// The largest unused indexes, and how many there are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnusedIndexes {
    /// `clock_timestamp()` of the reading.
    pub epoch: f64,
    /// How many there are in all; those of one partitioned index count as one.
    pub indexes: i64,
    /// Bytes of all of them by `relpages`.
    pub estimated_total: i64,
    /// When the database's counters were last reset, in seconds since 1970; `None` for never.
    pub counters_reset: Option<f64>,
    /// When the server's own counters began: at its first start, after a crash, or when they were reset by hand.
    pub server_reset: Option<f64>,
    /// The largest first.
    pub rows: Vec<UnusedIndex>,
}

/// One of them.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "independent properties of an index")]
pub struct UnusedIndex {
    /// Its oid.
    pub oid: u32,
    /// Its name.
    pub name: Named,
    /// The oid of its table.
    pub table_oid: u32,
    /// The name of its table.
    pub table: Named,
    /// The access method: `btree`.
    pub method: String,
    /// Indexes of partitions that belong to it; 0 for a plain index.
    pub parts: i64,
    /// Bytes by `relpages`.
    pub estimated_bytes: i64,
    /// Bytes on disk; `None` if it was not measured.
    pub bytes: Option<i64>,
    /// The lock that its size would wait for.
    pub lock: Option<InTheWay>,
    /// It is part of a larger partitioned index and goes only with that.
    pub attached: bool,
    /// It has an expression among its keys, of which ANALYZE keeps statistics.
    pub expression: bool,
    /// It has a predicate.
    pub partial: bool,
    /// CLUSTER orders the table by it.
    pub clustered: bool,
    /// A foreign key of its table begins with its columns: a DELETE of the parent would read the whole table without it.
    pub foreign_key: bool,
    /// Times it had to be written since the counters began: inserts and updates that were not HOT; `None` for a
    /// partitioned one.
    pub writes: Option<i64>,
}

impl Probe for IndexesUnusedProbe {
    type Data = UnusedIndexes;
    const SPEC: Spec = Spec {
        id: "indexes_unused",
        title: "indexes without a scan",
        why: "The scan counters over pg_class, without the joins of pg_stat_user_indexes. Indexes that keep rows \
              unique, stand behind a constraint or identify rows for replication are needed without a scan; those of \
              partitions count together, because they can only be dropped together.",
        tier: Tier::Storage,
        variants: &[form!("indexes_unused")],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        vec![Param::Int(i32::try_from(ask.settings.top_indexes).unwrap_or(i32::MAX))]
    }

    fn decode(rows: &Rows) -> Result<UnusedIndexes, Fault> {
        let mut known = UnusedIndexes::default();
        for row in rows.iter() {
            known.epoch = row.get("epoch")?;
            known.indexes = row.get("indexes")?;
            known.estimated_total = row.get("estimated_total")?;
            known.counters_reset = row.get("counters_reset")?;
            known.server_reset = row.get("server_reset")?;
            known.rows.extend(index(row)?);
        }
        Ok(known)
    }
}

fn index(row: Row<'_>) -> Result<Option<UnusedIndex>, Fault> {
    let Some(name) = Named::read(row, "")? else {
        return Ok(None);
    };
    Ok(Some(UnusedIndex {
        oid: row.get("oid")?,
        name,
        table_oid: row.get("table_oid")?,
        table: Named::read(row, "table_")?.unwrap_or_default(),
        method: row.text("method")?.unwrap_or_default(),
        parts: row.get("parts")?,
        estimated_bytes: row.get("estimated_bytes")?,
        bytes: row.get("bytes")?,
        lock: InTheWay::read(row)?,
        attached: row.get("attached")?,
        expression: row.get("expression")?,
        partial: row.get("partial")?,
        clustered: row.get("clustered")?,
        foreign_key: row.get("foreign_key")?,
        writes: row.get("writes")?,
    }))
}
