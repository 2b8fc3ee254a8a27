//! The columns of one table and what the planner knows of them; the bloat estimate rests on their widths.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::relation::{identity, while_open};
use crate::probe::{Ask, Param, Probe, Spec, Tier, Wanted};

/// The probe.
pub struct RelationColumns;

/// One column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Column {
    /// Its number.
    pub attnum: i32,
    /// Its name.
    pub name: String,
    /// Its type as SQL writes it.
    pub type_name: String,
    /// `NOT NULL`.
    pub not_null: bool,
    /// Generated when it is read (18+): a row stores NULL in its place, and ANALYZE passes it over.
    pub computed: bool,
    /// Bytes of a value; negative for types of any length.
    pub length: i32,
    /// A value starts at a multiple of so many bytes.
    pub align: u32,
    /// `p` plain, `e` external, `x` extended, `m` main.
    pub storage: String,
    /// Its own statistics target; `None` for the default.
    pub target: Option<i32>,
    /// `default_statistics_target`.
    pub default_target: i32,
    /// The role may see its statistics.
    pub readable: bool,
    /// What ANALYZE found; `None` if it never ran, or hidden.
    pub statistics: Option<Statistics>,
    /// Dropped columns of the table: their places stay in every row.
    pub dropped: i32,
}

/// A row of `pg_stats`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Statistics {
    /// Share of NULLs, 0 to 1.
    pub null_frac: f64,
    /// Bytes of a value that is not NULL, as stored in the row.
    pub width: i32,
    /// Distinct values; negative for a share of the rows.
    pub distinct: f64,
    /// How far the physical order follows the values, -1 to 1.
    pub correlation: Option<f64>,
}

impl Probe for RelationColumns {
    type Data = Vec<Column>;
    const SPEC: Spec = Spec {
        id: "relation_columns",
        title: "statistics of the columns of one table",
        why: "pg_stats shows a column only to a role that may SELECT it, so it is asked beside the catalog: a column \
              whose statistics are hidden is not one that was never analyzed. Values of the table are not read.",
        tier: Tier::Storage,
        variants: &[form!("relation_columns")],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        vec![identity(ask)]
    }

    fn wanted(ask: &Ask<'_>) -> Wanted {
        while_open(ask)
    }

    fn decode(rows: &Rows) -> Result<Vec<Column>, Fault> {
        rows.iter().map(column).collect()
    }
}

fn column(row: Row<'_>) -> Result<Column, Fault> {
    let target: i32 = row.get("target")?;
    Ok(Column {
        attnum: row.get("attnum")?,
        name: row.text("attname")?.unwrap_or_default(),
        type_name: row.text("type")?.unwrap_or_default(),
        not_null: row.get("not_null")?,
        computed: row.get("computed")?,
        length: row.get("length")?,
        align: match row.text("align")?.as_deref() {
            Some("d") => 8,
            Some("i") => 4,
            Some("s") => 2,
            _ => 1,
        },
        storage: row.text("storage")?.unwrap_or_default(),
        target: (target >= 0).then_some(target),
        default_target: row.get("default_target")?,
        readable: row.get("readable")?,
        statistics: if row.get("analyzed")? {
            Some(statistics(row)?)
        } else {
            None
        },
        dropped: row.get("dropped")?,
    })
}

fn statistics(row: Row<'_>) -> Result<Statistics, Fault> {
    Ok(Statistics {
        null_frac: row.get("null_frac")?,
        width: row.get("avg_width")?,
        distinct: row.get("n_distinct")?,
        correlation: row.get("correlation")?,
    })
}
