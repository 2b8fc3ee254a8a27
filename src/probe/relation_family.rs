//! The partitions of a table, or the siblings of a partition around it.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::named::{Named, named};
use crate::probe::relation::{identity, while_open};
use crate::probe::{Ask, Param, Probe, Spec, Tier, Wanted};

/// Relatives fetched: those around the table, by name.
const FETCHED: i32 = 200;

/// The probe.
pub struct RelationFamily;

/// The relatives, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Family {
    /// They are its own partitions or children; else it is one of them.
    pub of_me: bool,
    /// How many there are.
    pub all: i64,
    /// Those around it; not all where there are very many.
    pub members: Vec<Member>,
}

/// One of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Member {
    /// Its oid.
    pub oid: u32,
    /// Its name.
    pub name: Named,
    /// `pg_class.relkind`.
    pub kind: String,
    /// `FOR VALUES ...`; `None` by plain inheritance.
    pub bound: Option<String>,
    /// It is being detached (14+).
    pub detaching: bool,
    /// Its heap by `relpages` of the last VACUUM or ANALYZE.
    pub heap_bytes: i64,
    /// `reltuples` then; -1 if there was none (14+).
    pub tuples: f64,
    /// The table of the page.
    pub is_me: bool,
    /// Its place among all of them, from 1.
    pub nth: i64,
}

impl Probe for RelationFamily {
    type Data = Family;
    const SPEC: Spec = Spec {
        id: "relation_family",
        title: "partitions or siblings of one table",
        why: "Ordered by name, the ones around the table. Bounds are read without a lock; sizes and rows are those of \
              the last VACUUM or ANALYZE, so that thousands of partitions cost nothing.",
        tier: Tier::Storage,
        variants: &[form!("relation_family", 14), form!("relation_family")],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        vec![identity(ask), Param::Int(FETCHED)]
    }

    fn wanted(ask: &Ask<'_>) -> Wanted {
        while_open(ask)
    }

    fn decode(rows: &Rows) -> Result<Family, Fault> {
        let mut family = Family::default();
        for row in rows.iter() {
            family.of_me = row.get("of_me")?;
            family.all = row.get("total")?;
            family.members.push(member(row)?);
        }
        Ok(family)
    }
}

fn member(row: Row<'_>) -> Result<Member, Fault> {
    Ok(Member {
        oid: row.get("oid")?,
        name: named(row, "")?,
        kind: row.text("relkind")?.unwrap_or_default(),
        bound: row.text("bound")?,
        detaching: row.get("detaching")?,
        heap_bytes: row.get("heap_bytes")?,
        tuples: row.get("tuples")?,
        is_me: row.get("is_me")?,
        nth: row.get("nth")?,
    })
}
