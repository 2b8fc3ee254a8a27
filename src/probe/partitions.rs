//! Partitioned tables and their partitions: bounds, keys, rows, and whether rows still come.

use std::collections::HashMap;

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::{Ask, Param, Probe, Spec, Tier};

/// Partitions asked for in all; past that the rest is counted, and a parent known in part says so.
pub const MOST: i32 = 50_000;

/// The probe.
pub struct PartitionsProbe;

/// Every partitioned table of the connected database, and every partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Partitions {
    /// In no order; a partition comes without its parent only if that was dropped meanwhile.
    pub relations: Vec<Relation>,
    /// The server's own time zone (`log_timezone`); our sessions are in UTC.
    pub zone: Option<String>,
    /// A standby counts no rows that are inserted on its primary.
    pub recovering: bool,
    /// When this was asked, in seconds since 1970 by the server's clock.
    pub now: f64,
}

/// A partitioned table, a partition, or both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Relation {
    /// Its oid.
    pub oid: u32,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// `r`, `f` (foreign) or `p` (partitioned).
    pub kind: String,
    /// The partitioned table it is a partition of.
    pub parent: Option<u32>,
    /// `FOR VALUES ...` or `DEFAULT`, in UTC and ISO.
    pub bound: Option<String>,
    /// `DETACH ... CONCURRENTLY` has begun and not ended (14).
    pub detaching: bool,
    /// Rows by the last VACUUM or ANALYZE; -1 (0 before 14) if there was none.
    pub reltuples: f64,
    /// Its heap by the last VACUUM or ANALYZE.
    pub heap_bytes: i64,
    /// Live rows by the counters.
    pub live: i64,
    /// Rows inserted since the counters began.
    pub inserted: i64,
    /// When autovacuum analyzed it last, in seconds since 1970: rows had changed.
    pub analyzed: Option<f64>,
    /// When an answer last showed more rows inserted than the one before it, in seconds since 1970.
    pub grew_at: Option<f64>,
    /// How it is partitioned, if it is.
    pub key: Option<Key>,
}

/// How a table is partitioned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Key {
    /// `r`, `l` or `h`.
    pub strategy: String,
    /// Names of the columns; an expression is empty.
    pub columns: Vec<String>,
    /// Types of the columns; empty for an expression.
    pub types: Vec<String>,
    /// Oids of the types the operator classes compare: `date` for a domain over it.
    pub classes: Vec<u32>,
    /// The whole key, if there is an expression in it and nobody locks the table.
    pub expression: Option<String>,
    /// Partitions, those not asked for included.
    pub partitions: i64,
}

impl Probe for PartitionsProbe {
    type Data = Partitions;
    const SPEC: Spec = Spec {
        id: "partitions",
        title: "how far partitions reach",
        why: "From the catalogs of partitioned tables down, not over pg_class. A bound has no columns in it, so its \
              text is had without the relation: that opens and locks nothing, where pg_get_expr with the partition \
              waits behind ALTER TABLE. The text of a key with an expression is left out while somebody holds or \
              wants ACCESS EXCLUSIVE. Sizes are those of the last VACUUM or ANALYZE.",
        tier: Tier::Storage,
        variants: &[form!("partitions", 14), form!("partitions")],
    };

    fn params(_ask: &Ask<'_>) -> Vec<Param> {
        vec![Param::Int(MOST)]
    }

    fn decode(rows: &Rows) -> Result<Partitions, Fault> {
        let mut all = Partitions::default();
        for row in rows.iter() {
            all.now = row.get("now")?;
            all.recovering = row.get("recovering")?;
            if all.zone.is_none() {
                all.zone = row.text("zone")?;
            }
            all.relations.push(relation(row)?);
        }
        Ok(all)
    }

    fn fold(known: Option<&Partitions>, mut answer: Partitions) -> Partitions {
        let Some(known) = known else { return answer };
        let before: HashMap<u32, &Relation> = known.relations.iter().map(|known| (known.oid, known)).collect();
        for relation in &mut answer.relations {
            if let Some(before) = before.get(&relation.oid) {
                let grew = relation.inserted > before.inserted;
                relation.grew_at = if grew { Some(answer.now) } else { before.grew_at };
            }
        }
        answer
    }
}

fn relation(row: Row<'_>) -> Result<Relation, Fault> {
    Ok(Relation {
        oid: row.get("oid")?,
        schema: row.text("nspname")?.unwrap_or_default(),
        name: row.text("relname")?.unwrap_or_default(),
        kind: row.text("relkind")?.unwrap_or_default(),
        parent: row.get("parent")?,
        bound: row.text("bound")?,
        detaching: row.get("detaching")?,
        reltuples: row.get("reltuples")?,
        heap_bytes: row.get("heap_bytes")?,
        live: row.get("live")?,
        inserted: row.get("inserted")?,
        analyzed: row.get("analyzed")?,
        grew_at: None,
        key: key(row)?,
    })
}

fn key(row: Row<'_>) -> Result<Option<Key>, Fault> {
    let Some(strategy) = row.text("strategy")? else {
        return Ok(None);
    };
    Ok(Some(Key {
        strategy,
        columns: row.texts("columns")?,
        types: row.texts("types")?,
        classes: row.get::<Option<Vec<u32>>>("classes")?.unwrap_or_default(),
        expression: row.text("expression")?,
        partitions: row.get::<Option<i64>>("partitions")?.unwrap_or_default(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(now: f64, inserted: i64) -> Partitions {
        let relation = Relation {
            oid: 7,
            inserted,
            ..Relation::default()
        };
        Partitions {
            relations: vec![relation],
            now,
            ..Partitions::default()
        }
    }

    #[test]
    fn growth_is_seen_between_two_answers_and_remembered() {
        let grew = |known: Option<&Partitions>, now, inserted| PartitionsProbe::fold(known, answer(now, inserted));
        let first = grew(None, 10.0, 100);
        assert_eq!(first.relations[0].grew_at, None, "one answer shows no growth");
        let more = grew(Some(&first), 20.0, 101);
        assert_eq!(more.relations[0].grew_at, Some(20.0));
        let same = grew(Some(&more), 30.0, 101);
        assert_eq!(same.relations[0].grew_at, Some(20.0));
        let reset = grew(Some(&same), 40.0, 3);
        assert_eq!(
            reset.relations[0].grew_at,
            Some(20.0),
            "counters that began anew say nothing"
        );
    }
}
