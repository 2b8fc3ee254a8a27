//! The indexes of a table.

mod row;

use std::collections::BTreeMap;

use super::measuring::{self, Measuring, Offer, Outcome, Target, index_costs};
use super::{Last, answer};
use crate::action::Action;
use crate::model::{rates, relation_sql};
use crate::pane::common::Notice;
use crate::pane::list::{List, Piece};
use crate::pane::page::Rich;
use crate::pane::{Copy, Reply};
use crate::probe::measure_indexes::{MeasureIndexes, Measured};
use crate::probe::relation_indexes::{Index, RelationIndexes};
use crate::probe::relation_locks::RelationLocks;
use crate::probe::{Demand, Probe, Subject};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::Order;
use crate::world::World;
use row::Row;

/// The panel.
#[derive(Debug)]
pub(super) struct Indexes {
    oid: u32,
    last: Last<Vec<Index>>,
    measuring: Measuring,
    block: u32,
    now: Option<f64>,
    gone: bool,
}

impl Default for Indexes {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Indexes {
    /// Of that table.
    pub fn new(oid: u32) -> Self {
        Self {
            oid,
            last: Last::new(oid),
            measuring: Measuring::new(MeasureIndexes::SPEC.id),
            block: 0,
            now: None,
            gone: false,
        }
    }

    fn offer(&self, row: Option<&Row>, world: &World) -> Result<Offer, Notice> {
        let Some(Row { index, .. }) = row else {
            return Err(Notice::new(Role::Muted, "There is no index to measure."));
        };
        if self.gone {
            return Err(Notice::new(Role::Warning, "The table is not there any more."));
        }
        measuring::ready(world)?;
        if index.is_partitioned {
            let text = "The index of a partitioned table has no pages: measure those of its partitions.";
            return Err(Notice::new(Role::Muted, text));
        }
        if index.method != "btree" || !index.is_valid {
            let text = "Only valid B-tree indexes are measured: of others pgstattuple tells no density.";
            return Err(Notice::new(Role::Muted, text));
        }
        // The locks are asked for every other second, size and name were not: theirs may be over.
        let locks = answer::<RelationLocks>(self.oid, world).map(|locks| locks.locks.as_slice());
        let name = index.name.sql();
        let on_index = |locks: &[_]| super::locks::exclusive(locks, |lock| lock.indexes > 0 && !lock.heap);
        if let Some(busy) = locks.and_then(on_index) {
            return Err(measuring::refused(&name, busy));
        }
        Ok(Offer {
            costs: index_costs(&index.name, index.bytes.unwrap_or(index.planned_bytes)),
            targets: vec![Target { oid: index.oid, name }],
        })
    }
}

impl List for Indexes {
    type Row = Row;
    const ID: &'static str = "relation-indexes";
    const TITLE: &'static str = "Indexes";
    const PROBES: &'static [&'static str] = &[RelationIndexes::SPEC.id, MeasureIndexes::SPEC.id];
    const SORT: Option<(&'static str, Order)> = Some(("size", Order::Descending));
    const ACTIONS: &'static [Action] = &[Action::Measure, Action::Back];
    const HELP: &'static [(&'static str, &'static str)] = &[
        (
            "bloat",
            "no estimate: since 13 equal keys are kept once, which no arithmetic knows; the measure key measures",
        ),
        (
            "scans",
            "counted on this server alone: a standby has its own, and a reset or a crash begins anew",
        ),
    ];
    const ASKING: &'static str = "Asking for the indexes.";

    fn rows(&mut self, world: &World) -> Option<Vec<Row>> {
        let measured: BTreeMap<u32, &Measured> = world
            .get::<MeasureIndexes>()
            .into_iter()
            .flatten()
            .map(|one| (one.oid, one))
            .collect();
        let outcome = |oid| match measured.get(&oid).map(|one| &one.found) {
            Some(Ok(_)) => None,
            Some(Err(busy)) => Some(Outcome::Busy(*busy)),
            None => Some(Outcome::Gone),
        };
        self.measuring.learn(&Subject::Relation(self.oid), world, outcome);
        self.gone = super::is_gone(self.oid, world);
        self.block = world.server.as_ref().map_or(8192, |server| server.block_size);
        self.now = world.server_now();
        let (block, now) = (self.block, self.now);
        let indexes = self.last.learn::<RelationIndexes>(world)?;
        let row = |index: &Index| Row {
            measured: measured.get(&index.oid).map(|one| (*one).clone()),
            index: index.clone(),
            block,
            now,
        };
        Some(indexes.iter().map(row).collect())
    }

    fn head(&self, _world: &World, rows: &[Row]) -> Vec<Piece> {
        if rows.is_empty() {
            return Vec::new();
        }
        let bytes = rates::total(rows.iter().filter_map(|row| row.index.bytes));
        let mut head = vec![
            (format::counted(rows.len(), "index", "indexes"), Role::Title),
            (format::bytes(bytes), Role::Text),
        ];
        let idle = rows.iter().filter(|row| row.index.scans == 0).count();
        if idle > 0 {
            head.push((format!("{} never scanned", format::count(idle)), Role::Text));
        }
        head
    }

    fn nothing(&self, _world: &World) -> Notice {
        Notice::new(Role::Muted, "This table has no index.")
    }

    fn notice(&self, world: &World, rows: &[Row]) -> Option<Notice> {
        if let Some(notice) = self.measuring.notice(world) {
            return Some(notice);
        }
        let busy = rows.iter().find_map(|row| row.index.busy)?;
        Some(Notice::new(
            Role::Estimated,
            format!("\u{2248} by the last VACUUM: {busy}. A size would have to wait behind it."),
        ))
    }

    fn about(&self, row: &Row) -> Vec<Rich> {
        let mut lines = Vec::new();
        if let Some(definition) = &row.index.definition {
            lines.push(Rich::new(definition.as_str(), Role::Text));
        }
        let mut rests = Rich::default();
        if let Some(constraint) = &row.index.constraint {
            rests.fact(format!("constraint {constraint}"), Role::Text);
        }
        if row.index.referenced_by > 0 {
            let by = row.index.referenced_by;
            let keys = format::counted(by, "foreign key rests on it", "foreign keys rest on it");
            rests.fact(keys, Role::Text);
        }
        if !row.index.is_valid {
            let why = if row.index.is_ready {
                "invalid: writes maintain it, queries do not use it; a build that failed or still runs"
            } else {
                "invalid and not maintained: a build that failed or still runs"
            };
            rests.fact(why, Role::Warning);
        }
        lines.extend((!rests.is_empty()).then_some(rests));
        lines.extend(row.measurement());
        lines
    }

    fn on(&mut self, action: Action, row: Option<&Row>, world: &World) -> Reply {
        let offer = self.offer(row, world);
        self.measuring.on(action, world, || offer).unwrap_or(Reply::Ignored)
    }

    fn copies(&self, row: &Row, world: &World) -> Vec<Copy> {
        let mut copies = vec![Copy::new("name", row.index.name.sql())];
        copies.extend(
            row.index
                .definition
                .as_ref()
                .map(|definition| Copy::new("definition", definition.as_str())),
        );
        let index = &row.index;
        let whole = relation_sql::reindexes_partitioned(world.server.as_deref());
        if whole || !index.is_partitioned {
            let text = relation_sql::reindex(&index.name, index.oid, index.is_exclusion);
            copies.push(Copy::new("REINDEX", text));
        }
        copies
    }

    fn key(&self, row: &Row) -> Option<i64> {
        (self.measuring.target() == Some(row.index.oid)).then(|| i64::from(row.index.oid))
    }

    fn demand(&self) -> Option<Demand> {
        self.measuring.demand()
    }
}
