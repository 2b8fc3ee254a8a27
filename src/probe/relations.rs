//! The largest tables of the connected database: sizes, counters, and what they were when they were last measured.

use std::collections::BTreeMap;

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::named::{InTheWay, Named};
use crate::probe::{Ask, Param, Probe, Spec, Tier};

/// Catalogs are listed from this size on, in bytes: one that large has something wrong with it.
pub const CATALOG_BYTES: i64 = 100 << 20;
/// Measurements older than this are no basis for a rate, in seconds.
const REMEMBERED_S: f64 = 3900.0;
/// How many are kept of one relation, however often it is asked.
const REMEMBERED: usize = 16;

/// The probe.
pub struct RelationsProbe;

/// The largest relations, and how many there are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Relations {
    /// `clock_timestamp()` of the reading.
    pub epoch: f64,
    /// The oid of the database.
    pub database: u32,
    /// Tables, catalogs and materialized views in it, TOAST tables not counted.
    pub relations: i64,
    /// When its counters were last reset, in seconds since 1970; `None` for never.
    pub stats_reset: Option<f64>,
    /// The largest first.
    pub rows: Vec<Relation>,
    /// What was measured of those in the list, by oid, the oldest first.
    pub measured: BTreeMap<u32, Vec<Measure>>,
}

/// A table or materialized view. Counters run since [`Relations::stats_reset`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Relation {
    /// Its oid.
    pub oid: u32,
    /// Its name.
    pub name: Named,
    /// `r` or `m`.
    pub relkind: String,
    /// The partitioned table it is a part of.
    pub parent: Option<Named>,
    /// `relfilenode`: changes when it is rewritten or truncated; 0 for mapped catalogs.
    pub filenode: u32,
    /// Bytes with indexes and TOAST by `relpages`: as old as the last VACUUM or ANALYZE.
    pub estimated_bytes: i64,
    /// Bytes on disk; `None` if they were not asked for because of [`Self::lock`], or it was dropped meanwhile.
    pub size: Option<Size>,
    /// The lock that its size would wait for.
    pub lock: Option<InTheWay>,
    /// `reltuples`: -1 (before 14: 0) when never vacuumed or analyzed.
    pub reltuples: f64,
    /// Live rows by the statistics.
    pub live: i64,
    /// Dead rows by the statistics.
    pub dead: i64,
    /// Rows changed since the last ANALYZE.
    pub modified: i64,
    /// Rows inserted.
    pub inserted: i64,
    /// Rows updated.
    pub updated: i64,
    /// Of these, without a new entry in any index.
    pub hot_updated: i64,
    /// Rows deleted.
    pub deleted: i64,
    /// Sequential scans.
    pub seq_scan: i64,
    /// Scans of its indexes.
    pub idx_scan: i64,
    /// How many indexes it has.
    pub indexes: i64,
    /// Blocks asked for: table, TOAST and indexes.
    pub blocks_fetched: i64,
    /// Of these, found in `shared_buffers`.
    pub blocks_hit: i64,
    /// When it was last vacuumed, by hand or not, in seconds since 1970.
    pub last_vacuum: Option<f64>,
    /// When it was last analyzed, by hand or not, in seconds since 1970.
    pub last_analyze: Option<f64>,
}

/// Bytes on disk, all forks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// The table itself with its free space and visibility maps.
    pub heap: i64,
    /// Its indexes.
    pub indexes: i64,
    /// Its TOAST table with the index of that.
    pub toast: i64,
}

impl Size {
    /// All of it: `pg_total_relation_size`.
    #[must_use]
    pub const fn total(self) -> i64 {
        self.heap.saturating_add(self.indexes).saturating_add(self.toast)
    }
}

/// What one relation once measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    /// Seconds since 1970 by the server's clock.
    pub epoch: f64,
    /// [`Size::total`].
    pub bytes: i64,
    /// Its `relfilenode` then.
    pub filenode: u32,
}

impl Probe for RelationsProbe {
    type Data = Relations;
    const SPEC: Spec = Spec {
        id: "relations",
        title: "the largest tables",
        why: "Ranked by pg_class.relpages, which costs no lock and no look at a file; what was modified most since its \
              last ANALYZE and what was on top last time are added, since relpages may be old. Only those are \
              measured, and none that has an ACCESS EXCLUSIVE lock on it or a request for one: its size would wait.",
        tier: Tier::Storage,
        variants: &[form!("relations")],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        let known = ask.latest.get::<Self>();
        let before = known.map_or_else(Vec::new, |known| known.rows.iter().map(|row| row.oid).collect());
        let catalogs = if ask.settings.hide_postgres_defaults {
            CATALOG_BYTES
        } else {
            0
        };
        let top = i32::try_from(ask.settings.top_relations).unwrap_or(i32::MAX);
        vec![Param::Int(top), Param::Oids(before), Param::Big(catalogs)]
    }

    fn decode(rows: &Rows) -> Result<Relations, Fault> {
        let mut known = Relations::default();
        for row in rows.iter() {
            known.epoch = row.get("epoch")?;
            known.database = row.get("database")?;
            known.relations = row.get("relations")?;
            known.stats_reset = row.get("stats_reset")?;
            known.rows.extend(relation(row)?);
        }
        Ok(known)
    }

    fn fold(known: Option<&Relations>, mut answer: Relations) -> Relations {
        let known = known.filter(|known| known.database == answer.database && known.epoch < answer.epoch);
        for row in &answer.rows {
            let before = known.and_then(|known| known.measured.get(&row.oid));
            let measured = remembered(before.map_or(&[][..], Vec::as_slice), row, answer.epoch);
            if !measured.is_empty() {
                answer.measured.insert(row.oid, measured);
            }
        }
        answer
    }
}

/// What is kept of one relation: the last measurement before this answer, whatever its age, the younger ones, and this.
fn remembered(before: &[Measure], row: &Relation, epoch: f64) -> Vec<Measure> {
    let young = |measure: &Measure| epoch - measure.epoch <= REMEMBERED_S;
    let old = before.iter().take_while(|measure| !young(measure)).count();
    let from = old
        .min(before.len().saturating_sub(1))
        .max((before.len() + 1).saturating_sub(REMEMBERED));
    let now = row.size.map(|size| Measure {
        epoch,
        bytes: size.total(),
        filenode: row.filenode,
    });
    before.iter().skip(from).copied().chain(now).collect()
}

fn relation(row: Row<'_>) -> Result<Option<Relation>, Fault> {
    let Some(name) = Named::read(row, "")? else {
        return Ok(None);
    };
    Ok(Some(Relation {
        oid: row.get("oid")?,
        name,
        relkind: row.text("relkind")?.unwrap_or_default(),
        parent: Named::read(row, "parent_")?,
        filenode: row.get("relfilenode")?,
        estimated_bytes: row.get("estimated_bytes")?,
        size: size(row)?,
        lock: InTheWay::read(row)?,
        reltuples: row.get("reltuples")?,
        live: row.get("live")?,
        dead: row.get("dead")?,
        modified: row.get("modified")?,
        inserted: row.get("inserted")?,
        updated: row.get("updated")?,
        hot_updated: row.get("hot_updated")?,
        deleted: row.get("deleted")?,
        seq_scan: row.get("seq_scan")?,
        idx_scan: row.get("idx_scan")?,
        indexes: row.get("indexes")?,
        blocks_fetched: row.get("blocks_fetched")?,
        blocks_hit: row.get("blocks_hit")?,
        last_vacuum: row.get("last_vacuum")?,
        last_analyze: row.get("last_analyze")?,
    }))
}

fn size(row: Row<'_>) -> Result<Option<Size>, Fault> {
    let part = |column| row.get::<Option<i64>>(column);
    let (heap, indexes, toast) = (part("heap_bytes")?, part("index_bytes")?, part("toast_bytes")?);
    let whole = heap.zip(indexes).zip(toast);
    Ok(whole.map(|((heap, indexes), toast)| Size { heap, indexes, toast }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(bytes: Option<i64>) -> Relation {
        Relation {
            oid: 7,
            filenode: 70,
            size: bytes.map(|heap| Size {
                heap,
                ..Size::default()
            }),
            ..Relation::default()
        }
    }

    fn answer(epoch: f64, bytes: Option<i64>) -> Relations {
        Relations {
            epoch,
            database: 5,
            rows: vec![row(bytes)],
            ..Relations::default()
        }
    }

    fn after(answers: &[Relations]) -> Vec<(f64, i64)> {
        let folded = answers.iter().fold(None, |known: Option<Relations>, answer| {
            Some(RelationsProbe::fold(known.as_ref(), answer.clone()))
        });
        let measured = folded.unwrap().measured.remove(&7).unwrap_or_default();
        measured.iter().map(|measure| (measure.epoch, measure.bytes)).collect()
    }

    #[test]
    fn the_last_measurement_is_kept_whatever_its_age_and_the_young_ones() {
        assert_eq!(after(&[answer(0.0, Some(1))]), [(0.0, 1)]);
        let hours = [0.0, 600.0, 1200.0, 5000.0].map(|epoch| answer(epoch, Some(1)));
        assert_eq!(after(&hours), [(1200.0, 1), (5000.0, 1)]);
        let skipped = [answer(0.0, Some(1)), answer(9000.0, None), answer(18_000.0, Some(3))];
        assert_eq!(after(&skipped), [(0.0, 1), (18_000.0, 3)]);
        assert_eq!(after(&skipped[..2]), [(0.0, 1)]);
    }

    #[test]
    fn another_database_and_a_clock_set_back_begin_anew() {
        let mut elsewhere = answer(600.0, Some(2));
        elsewhere.database = 6;
        assert_eq!(after(&[answer(0.0, Some(1)), elsewhere]), [(600.0, 2)]);
        assert_eq!(after(&[answer(600.0, Some(1)), answer(0.0, Some(2))]), [(0.0, 2)]);
    }

    #[test]
    fn asking_often_keeps_no_more() {
        let often: Vec<_> = (0..100).map(|second| answer(f64::from(second), Some(1))).collect();
        let kept = after(&often);
        assert_eq!(kept.len(), REMEMBERED);
        assert_eq!(kept.last(), Some(&(99.0, 1)));
    }
}
