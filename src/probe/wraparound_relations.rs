//! The relations of the connected database that keep it old: tables, materialized views, TOAST and catalogs.

use super::wraparound_databases::{Limits, WARNING_AGE, limits};
use crate::form;
use crate::pg::fault::{Fault, FaultKind};
use crate::pg::rows::{Row, Rows};
use crate::probe::{Ask, Param, Probe, Spec, Tier};

/// The probe.
pub struct WraparoundRelations;

/// One answer. Ages are counted in transactions (xid) and multixacts (mxid).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Relations {
    /// How many relations have an age at all.
    pub total: i64,
    /// How many of `PostgreSQL`'s own were left out because they are healthy.
    pub hidden: i64,
    /// How many are past one of the server's two `freeze_max_age` settings, own settings of relations apart.
    pub due: i64,
    /// The settings that decide what happens at which age.
    pub limits: Limits,
    /// The oldest ones, the oldest first.
    pub relations: Vec<Relation>,
}

/// One relation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relation {
    /// Its oid.
    pub oid: u32,
    /// Its schema.
    pub nspname: String,
    /// Its name.
    pub relname: String,
    /// `relkind`: `r`, `m` or `t`.
    pub relkind: String,
    /// Temporary: only its own session can vacuum it.
    pub temporary: bool,
    /// Shared by all databases.
    pub shared: bool,
    /// Of a TOAST table: the oid, schema and name of the relation it belongs to.
    pub owner: Option<(u32, String, String)>,
    /// `age(relfrozenxid)`.
    pub xid_age: i64,
    /// `mxid_age(relminmxid)`; 0 for one that has none.
    pub mxid_age: i64,
    /// Bytes by `relpages`: an estimate of the last VACUUM or ANALYZE.
    pub bytes: i64,
    /// Its own `autovacuum_freeze_max_age`; a TOAST table without any options has those of its owner.
    pub freeze_max_age: Option<i64>,
    /// Its own `autovacuum_multixact_freeze_max_age`, likewise.
    pub multixact_freeze_max_age: Option<i64>,
    /// Its own `autovacuum_enabled`, likewise; the forced vacuum does not care.
    pub autovacuum: Option<bool>,
}

impl Probe for WraparoundRelations {
    type Data = Relations;
    const SPEC: Spec = Spec {
        id: "wraparound_relations",
        title: "the oldest relations of the connected database",
        why: "Ranked over pg_class alone, without a join and without a lock that waits; sizes are relpages, names and \
              options are looked up for the listed ones only. TOAST tables and catalogs count like any other. While \
              PostgreSQL's own relations (oid below 16384) are hidden ($2), one of them is listed from the age of its \
              forced vacuum on, at the latest from $3 on.",
        tier: Tier::Storage,
        variants: &[form!("wraparound_relations")],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        let int = |value: i64| Param::Int(i32::try_from(value).unwrap_or(i32::MAX));
        vec![
            int(ask.settings.top_relations.into()),
            int(ask.settings.hide_postgres_defaults.into()),
            int(WARNING_AGE),
        ]
    }

    fn decode(rows: &Rows) -> Result<Relations, Fault> {
        let Some(first) = rows.iter().next() else {
            return Err(Fault::new(FaultKind::Decode, "The counts of relations are missing."));
        };
        Ok(Relations {
            total: first.get("total")?,
            hidden: first.get("hidden")?,
            due: first.get("due")?,
            limits: limits(first)?,
            relations: rows
                .iter()
                .filter_map(|row| relation(row).transpose())
                .collect::<Result<_, _>>()?,
        })
    }
}

/// `None` for the row that carries the counts when there is nothing to list.
fn relation(row: Row<'_>) -> Result<Option<Relation>, Fault> {
    let Some(oid) = row.get::<Option<u32>>("oid")? else {
        return Ok(None);
    };
    let text = |column| row.text(column).map(Option::unwrap_or_default);
    let owner = match row.get::<Option<u32>>("owner_oid")? {
        Some(owner) => Some((owner, text("owner_nspname")?, text("owner_relname")?)),
        None => None,
    };
    Ok(Some(Relation {
        oid,
        nspname: text("nspname")?,
        relname: text("relname")?,
        relkind: text("relkind")?,
        temporary: row.get("temporary")?,
        shared: row.get("shared")?,
        owner,
        xid_age: row.get("xid_age")?,
        mxid_age: row.get("mxid_age")?,
        bytes: row.get("bytes")?,
        freeze_max_age: row.get("own_freeze_max_age")?,
        multixact_freeze_max_age: row.get("own_multixact_freeze_max_age")?,
        autovacuum: row.get("autovacuum")?,
    }))
}
