//! The indexes of one table: size, use, definition, what they stand for.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::named::{InTheWay, Named, named};
use crate::probe::relation::{block, identity, while_open};
use crate::probe::{Ask, Param, Probe, Spec, Tier, Wanted};

/// The probe.
pub struct RelationIndexes;

/// One index.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of pg_index, none of which excludes another"
)]
pub struct Index {
    /// Its oid.
    pub oid: u32,
    /// Its name.
    pub name: Named,
    /// It is the index of a partitioned table: no storage, its partitions have it.
    pub is_partitioned: bool,
    /// `btree`, `gin`, ...
    pub method: String,
    /// `indisunique`.
    pub is_unique: bool,
    /// `indisprimary`.
    pub is_primary: bool,
    /// `indisexclusion`.
    pub is_exclusion: bool,
    /// `indisvalid`: queries may use it.
    pub is_valid: bool,
    /// `indisready`: writes maintain it.
    pub is_ready: bool,
    /// `indisreplident`.
    pub is_replica_identity: bool,
    /// `indisclustered`.
    pub is_clustered: bool,
    /// The constraint it stands for.
    pub constraint: Option<String>,
    /// Foreign keys of other tables that rest on it.
    pub referenced_by: i64,
    /// Why size and definition were not asked for.
    pub busy: Option<InTheWay>,
    /// Bytes; `None` while a lock is in the way, or without storage.
    pub bytes: Option<i64>,
    /// `CREATE INDEX ...`; `None` while a lock is in the way.
    pub definition: Option<String>,
    /// What is set `WITH (...)`, as `name=value`.
    pub options: Vec<String>,
    /// `relpages` by the last VACUUM or ANALYZE, in bytes.
    pub planned_bytes: i64,
    /// Scans since the statistics were reset.
    pub scans: i64,
    /// The last scan (16+), in seconds since 1970.
    pub last_scan: Option<f64>,
    /// Index entries read.
    pub entries_read: i64,
    /// Live rows fetched by plain index scans.
    pub rows_fetched: i64,
    /// Blocks asked for.
    pub blocks: i64,
    /// Of these, found in shared buffers.
    pub hits: i64,
}

impl Probe for RelationIndexes {
    type Data = Vec<Index>;
    const SPEC: Spec = Spec {
        id: "relation_indexes",
        title: "indexes of one table",
        why: "Size and definition wait behind an ACCESS EXCLUSIVE lock, held or queued, on the table or the index: \
              while there is one they are left out.",
        tier: Tier::Storage,
        variants: &[form!("relation_indexes", 16), form!("relation_indexes")],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        vec![identity(ask)]
    }

    fn wanted(ask: &Ask<'_>) -> Wanted {
        while_open(ask)
    }

    fn decode(rows: &Rows) -> Result<Vec<Index>, Fault> {
        rows.iter().map(index).collect()
    }
}

fn index(row: Row<'_>) -> Result<Index, Fault> {
    let count = |column: &str| Ok::<_, Fault>(row.get::<Option<i64>>(column)?.unwrap_or_default());
    Ok(Index {
        oid: row.get("oid")?,
        name: named(row, "")?,
        is_partitioned: row.text("relkind")?.as_deref() == Some("I"),
        method: row.text("method")?.unwrap_or_default(),
        is_unique: row.get("is_unique")?,
        is_primary: row.get("is_primary")?,
        is_exclusion: row.get("is_exclusion")?,
        is_valid: row.get("is_valid")?,
        is_ready: row.get("is_ready")?,
        is_replica_identity: row.get("is_replica_identity")?,
        is_clustered: row.get("is_clustered")?,
        constraint: row.text("constraint_name")?,
        referenced_by: row.get("referenced_by")?,
        busy: InTheWay::read(row)?,
        bytes: row.get("bytes")?,
        definition: row.text("definition")?,
        options: row.texts("options")?,
        planned_bytes: count("pages")? * i64::from(block(row)?),
        scans: count("scans")?,
        last_scan: row.get("last_scan")?,
        entries_read: count("entries_read")?,
        rows_fetched: count("rows_fetched")?,
        blocks: count("blocks")?,
        hits: count("hits")?,
    })
}
