//! Indexes that no query can use: those being built, and those whose building failed.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::named::Named;
use crate::probe::{Ask, Param, Probe, Spec, Tier};

/// The probe.
pub struct IndexesInvalidProbe;

/// One of them; the list comes largest first.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "independent properties of an index")]
pub struct InvalidIndex {
    /// Its oid.
    pub oid: u32,
    /// Its name.
    pub name: Named,
    /// The oid of its table.
    pub table_oid: u32,
    /// The name of its table.
    pub table: Named,
    /// It belongs to a partitioned table.
    pub partitioned: bool,
    /// It is attached to the index of a partitioned table.
    pub attached: bool,
    /// It is unique.
    pub unique: bool,
    /// Queries may use it.
    pub valid: bool,
    /// It is kept up to date: it costs writes.
    pub ready: bool,
    /// False while it is being dropped.
    pub live: bool,
    /// A constraint stands on it, so it cannot be dropped by itself.
    pub of_constraint: bool,
    /// Bytes by `relpages`.
    pub estimated_bytes: i64,
    /// Who builds it.
    pub build: Option<Build>,
    /// On a standby nobody builds indexes, and what the primary builds is not known.
    pub in_recovery: bool,
}

/// The building of an index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Build {
    /// Who.
    pub pid: i32,
    /// `CREATE INDEX CONCURRENTLY`, `REINDEX CONCURRENTLY`; `None` where it is hidden from our role.
    pub command: Option<String>,
    /// What it does now.
    pub phase: Option<String>,
    /// Of the blocks of this phase, in percent.
    pub percent: Option<f64>,
}

impl Probe for IndexesInvalidProbe {
    type Data = Vec<InvalidIndex>;
    const SPEC: Spec = Spec {
        id: "indexes_invalid",
        title: "invalid indexes",
        why: "CREATE INDEX CONCURRENTLY and REINDEX CONCURRENTLY leave an invalid index behind when they fail: it costs \
              writes and serves no query. While they run it is invalid too, so who builds what is looked up by the \
              progress view, and by the locks where that is hidden.",
        tier: Tier::Storage,
        variants: &[form!("indexes_invalid")],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        vec![Param::Int(i32::try_from(ask.settings.top_indexes).unwrap_or(i32::MAX))]
    }

    fn decode(rows: &Rows) -> Result<Vec<InvalidIndex>, Fault> {
        rows.iter().map(index).collect()
    }
}

fn index(row: Row<'_>) -> Result<InvalidIndex, Fault> {
    Ok(InvalidIndex {
        oid: row.get("oid")?,
        name: Named::read(row, "")?.unwrap_or_default(),
        table_oid: row.get("table_oid")?,
        table: Named::read(row, "table_")?.unwrap_or_default(),
        partitioned: row.get("partitioned")?,
        attached: row.get("attached")?,
        unique: row.get("is_unique")?,
        valid: row.get("is_valid")?,
        ready: row.get("is_ready")?,
        live: row.get("is_live")?,
        of_constraint: row.get("of_constraint")?,
        estimated_bytes: row.get("estimated_bytes")?,
        build: build(row)?,
        in_recovery: row.get("in_recovery")?,
    })
}

fn build(row: Row<'_>) -> Result<Option<Build>, Fault> {
    let Some(pid) = row.get("build_pid")? else {
        return Ok(None);
    };
    Ok(Some(Build {
        pid,
        command: row.text("build_command")?,
        phase: row.text("build_phase")?,
        percent: row.get("build_percent")?,
    }))
}
