//! The indexes of a table.

use std::collections::BTreeMap;

use super::measuring::{self, Measuring, Offer, Outcome, Target, index_costs};
use super::{Last, ago, answer};
use crate::action::Action;
use crate::model::{bloat, relation_sql};
use crate::pane::common::Notice;
use crate::pane::list::{List, Piece};
use crate::pane::page::Rich;
use crate::pane::{Copy, Reply};
use crate::probe::measure_indexes::{MeasureIndexes, Measured, Tree};
use crate::probe::relation_indexes::{Index, RelationIndexes};
use crate::probe::relation_locks::RelationLocks;
use crate::probe::{Demand, Probe, Subject};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Order, Record, Width};
use crate::world::World;

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
        let name = relation_sql::qualified(&index.name);
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

/// A line.
#[derive(Clone, Debug)]
pub(super) struct Row {
    index: Index,
    measured: Option<Measured>,
    block: u32,
    now: Option<f64>,
}

impl Row {
    fn tree(&self) -> Option<&Tree> {
        self.measured.as_ref()?.found.as_ref().ok()
    }

    fn flags(&self) -> String {
        let index = &self.index;
        let flags = [
            (!index.is_valid, "INVALID"),
            (index.is_primary, "primary key"),
            (index.is_unique && !index.is_primary, "unique"),
            (index.is_exclusion, "exclusion"),
            (index.is_replica_identity, "replica identity"),
            (index.is_clustered, "clustered"),
        ];
        let flags = flags.into_iter().filter_map(|(holds, flag)| holds.then_some(flag));
        flags.collect::<Vec<_>>().join(", ")
    }

    /// Method, columns and condition.
    fn on(&self) -> String {
        let definition = self.index.definition.as_deref();
        let on = definition.and_then(|definition| definition.split_once(" USING "));
        match (on, definition, &self.index.busy) {
            (Some((_, on)), ..) => on.to_owned(),
            (None, Some(definition), _) => definition.to_owned(),
            (None, None, Some(busy)) => format!("{}; not asked: {busy}", self.index.method),
            (None, None, None) => self.index.method.clone(),
        }
    }

    fn size(&self) -> Cell<'_> {
        match (self.index.bytes, self.index.is_partitioned) {
            (_, true) => Cell::empty(),
            (Some(bytes), _) => Cell::text(format::bytes(bytes)),
            (None, _) => Cell::new(
                format!("\u{2248}{}", format::bytes(self.index.planned_bytes)),
                Role::Estimated,
            ),
        }
    }

    fn measurement(&self) -> Option<Rich> {
        let measured = self.measured.as_ref()?;
        let tree = self.tree()?;
        let mut rich = Rich::default();
        let win = bloat::tree_to_win(tree, self.block, None);
        rich.push(format!("{} to win by REINDEX", format::bytes(win)), Role::Text);
        if let Some(density) = tree.density {
            rich.fact(format!("leaf pages {} full", format::percent(density)), Role::Text);
        }
        if let Some(fragmentation) = tree.fragmentation {
            rich.fact(format!("{} out of order", format::percent(fragmentation)), Role::Text);
        }
        let unused = format::counted(
            usize::try_from(tree.empty + tree.deleted).unwrap_or_default(),
            "empty or deleted page",
            "empty or deleted pages",
        );
        rich.fact(unused, Role::Text);
        rich.fact(format!("pgstatindex, {}", ago(measured.at, self.now)), Role::Muted);
        Some(rich)
    }
}

impl Record for Row {
    type Id = u32;

    fn id(&self) -> u32 {
        self.index.oid
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn role(&self) -> Option<Role> {
        (!self.index.is_valid).then_some(Role::Warning)
    }
}

static COLUMNS: &[Column<Row>] = &[
    Column {
        id: "index",
        title: "INDEX",
        help: "its name",
        width: Width::Fit(8, 32),
        align: Align::Left,
        cell: |row| Cell::text(row.index.name.relation.as_str()),
        key: |row| Key::Text(row.index.name.relation.as_str().into()),
    },
    Column {
        id: "size",
        title: "SIZE",
        help: "on disk; \u{2248} by the last VACUUM, while an exclusive lock is in the way",
        width: Width::Fit(7, 8),
        align: Align::Right,
        cell: Row::size,
        key: |row| number(row.index.bytes.or(Some(row.index.planned_bytes))),
    },
    Column {
        id: "scans",
        title: "SCANS",
        help: "scans since the counters of this database were reset, on this server only",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| match row.index.scans {
            0 => Cell::new("0", Role::Notice),
            scans => Cell::text(format::count(scans)),
        },
        key: |row| number(Some(row.index.scans)),
    },
    Column {
        id: "last",
        title: "LAST",
        help: "how long ago it was scanned last (16 and later)",
        width: Width::Fit(4, 6),
        align: Align::Right,
        cell: |row| match row.index.last_scan.zip(row.now) {
            Some((last, now)) => Cell::text(format::duration(now - last)),
            None => Cell::empty(),
        },
        key: |row| match row.index.last_scan.zip(row.now) {
            Some((last, now)) => Key::Number(now - last),
            None => Key::None,
        },
    },
    Column {
        id: "density",
        title: "FULL",
        help: "how full its leaf pages are, once measured; a new B-tree has 90 %",
        width: Width::Fit(4, 7),
        align: Align::Right,
        cell: |row| match row.tree().and_then(|tree| tree.density) {
            Some(density) => Cell::text(format::percent(density)),
            None => Cell::new("?", Role::Muted),
        },
        key: |row| {
            let density = row.tree().and_then(|tree| tree.density);
            density.map_or(Key::None, Key::Number)
        },
    },
    Column {
        id: "flags",
        title: "STANDS FOR",
        help: "primary key, unique, exclusion, replica identity, clustered; INVALID: not used by queries",
        width: Width::Fit(10, 24),
        align: Align::Left,
        cell: |row| Cell::text(row.flags()),
        key: |row| Key::Text(row.flags().into()),
    },
    Column {
        id: "hit",
        title: "HIT",
        help: "share of its blocks that were found in shared buffers",
        width: Width::Fit(3, 7),
        align: Align::Right,
        cell: |row| Cell::text(format::share(row.index.hits, row.index.blocks)),
        key: |row| number((row.index.blocks > 0).then_some(row.index.hits * 1000 / row.index.blocks.max(1))),
    },
    Column {
        id: "read",
        title: "ENTRIES",
        help: "index entries that scans returned",
        width: Width::Fit(7, 7),
        align: Align::Right,
        cell: |row| Cell::text(format::count(row.index.entries_read)),
        key: |row| number(Some(row.index.entries_read)),
    },
    Column {
        id: "fetched",
        title: "ROWS",
        help: "live rows that plain index scans fetched; index-only and bitmap scans are not counted",
        width: Width::Fit(4, 6),
        align: Align::Right,
        cell: |row| Cell::text(format::count(row.index.rows_fetched)),
        key: |row| number(Some(row.index.rows_fetched)),
    },
    Column {
        id: "on",
        title: "ON",
        help: "method, columns and condition",
        width: Width::Rest(20),
        align: Align::Left,
        cell: |row| Cell::text(row.on()),
        key: |row| Key::Text(row.on().into()),
    },
];

#[expect(clippy::cast_precision_loss, reason = "only for the order of rows")]
fn number(value: Option<i64>) -> Key<'static> {
    value.map_or(Key::None, |value| Key::Number(value as f64))
}

impl List for Indexes {
    type Row = Row;
    const ID: &'static str = "relation-indexes";
    const TITLE: &'static str = "Indexes";
    const PROBES: &'static [&'static str] = &["relation_indexes", "measure_indexes"];
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
        let bytes: i64 = rows.iter().filter_map(|row| row.index.bytes).sum();
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
            let keys = usize::try_from(row.index.referenced_by).unwrap_or_default();
            let keys = format::counted(keys, "foreign key rests on it", "foreign keys rest on it");
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

    fn copies(&self, row: &Row, _world: &World) -> Vec<Copy> {
        let mut copies = vec![Copy::new("name", relation_sql::qualified(&row.index.name))];
        copies.extend(
            row.index
                .definition
                .as_ref()
                .map(|definition| Copy::new("definition", definition.as_str())),
        );
        copies.push(Copy::new("REINDEX", relation_sql::reindex(&row.index.name)));
        copies
    }

    fn key(&self, row: &Row) -> Option<i64> {
        (self.measuring.target() == Some(row.index.oid)).then(|| i64::from(row.index.oid))
    }

    fn demand(&self) -> Option<Demand> {
        self.measuring.demand()
    }
}
