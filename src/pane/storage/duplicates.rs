//! Indexes that another index of the same table makes superfluous.

use super::super::common::{Notice, top_of};
use super::super::list::{List, Piece};
use super::super::page::Rich;
use super::super::{Copy, Reply};
use super::cells;
use crate::action::Action;
use crate::model::storage::indexes;
use crate::probe::indexes_duplicate::{DuplicateIndex, IndexesDuplicateProbe};
use crate::probe::{Probe as _, Subject};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Order, Record, Width};
use crate::world::World;

/// The panel.
#[derive(Debug, Default)]
pub(super) struct Duplicates;

/// One superfluous index.
#[derive(Debug)]
pub(super) struct Row {
    index: DuplicateIndex,
    name: String,
    keeper: String,
    table: String,
}

impl List for Duplicates {
    type Row = Row;
    const ID: &'static str = "duplicates";
    const TITLE: &'static str = "Duplicates";
    const PROBES: &'static [&'static str] = &[IndexesDuplicateProbe::SPEC.id];
    const SORT: Option<(&'static str, Order)> = Some(("size", Order::Descending));
    const ACTIONS: &'static [Action] = &[Action::Enter];
    const ASKING: &'static str = "Asking for duplicate indexes.";
    const HELP: &'static [(&'static str, &'static str)] = &[
        (
            "same keys",
            "the same columns in the same order, with the same operator classes, collations, predicate and INCLUDE columns",
        ),
        (
            "first keys",
            "its keys are the first ones of a longer btree; that one is larger, so scans of it read a little more",
        ),
        (
            "which stays",
            "the unique one, the constraint, the replica identity; of two alike the older",
        ),
        ("y", "copies the DROP INDEX with the index that does its work"),
    ];

    fn rows(&mut self, world: &World) -> Option<Vec<Row>> {
        let known = world.get::<IndexesDuplicateProbe>()?;
        let row = |index: &DuplicateIndex| Row {
            name: cells::name(&index.name),
            keeper: cells::name(&index.keeper),
            table: cells::name(&index.table),
            index: index.clone(),
        };
        Some(known.rows.iter().map(row).collect())
    }

    fn head(&self, world: &World, rows: &[Row]) -> Vec<Piece> {
        let Some(known) = world.get::<IndexesDuplicateProbe>() else {
            return Vec::new();
        };
        let top = top_of(rows.len(), known.indexes, "superfluous index", "superfluous indexes");
        let total = cells::estimated(known.estimated_total);
        let total = (known.indexes > 0).then(|| (format!("{} in all", total.text), total.role));
        let asked = cells::asked::<IndexesDuplicateProbe>(world);
        [Some(top), total, asked].into_iter().flatten().collect()
    }

    fn nothing(&self, _world: &World) -> Notice {
        Notice::new(Role::Muted, "No index does what another one does already.")
    }

    fn about(&self, row: &Row) -> Vec<Rich> {
        let index = &row.index;
        let mut what = Rich::new(row.name.as_str(), Role::Accent);
        what.push(format!(" ({})", index.columns.join(", ")), Role::Text);
        what.fact(format!("{} on {}", index.method, row.table), Role::Muted);
        let kind = match (index.keeper_primary, index.keeper_unique) {
            (true, _) => "primary key ",
            (false, true) => "unique index ",
            (false, false) => "",
        };
        let mut stays = Rich::new("stays: ", Role::Muted);
        stays.push(format!("{kind}{}", row.keeper), Role::Accent);
        stays.push(format!(" ({})", index.keeper_columns.join(", ")), Role::Text);
        stays.fact(
            format!("{} scans of its own", format::count(index.keeper_scans)),
            Role::Muted,
        );
        let known = cells::not_measured(index.lock).map(|why| Rich::new(why, Role::Estimated));
        [Some(what), Some(stays), known].into_iter().flatten().collect()
    }

    fn on(&mut self, _action: Action, row: Option<&Row>, _world: &World) -> Reply {
        row.map_or(Reply::Ignored, |row| {
            Reply::Open(Subject::Relation(row.index.table_oid))
        })
    }

    fn copies(&self, row: &Row, _world: &World) -> Vec<Copy> {
        let size = cells::size_in_words(row.index.bytes, row.index.estimated_bytes);
        vec![Copy::from(indexes::drop_duplicate(&row.index, &size))]
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
}

static COLUMNS: &[Column<Row>] = &[
    Column {
        id: "index",
        title: "INDEX",
        help: "the superfluous one; its schema is left out where that is public",
        width: Width::Fit(14, 36),
        align: Align::Left,
        cell: |row| Cell::text(row.name.as_str()),
        key: |row| Key::from(row.name.as_str()),
    },
    Column {
        id: "size",
        title: "SIZE",
        help: "bytes to win; ≈ by relpages",
        width: Width::Fit(8, 8),
        align: Align::Right,
        cell: |row| cells::size(row.index.bytes, row.index.estimated_bytes),
        key: |row| Key::from(row.index.bytes.unwrap_or(row.index.estimated_bytes)),
    },
    Column {
        id: "keys",
        title: "HAS",
        help: "what it has of the keys of the other one",
        width: Width::Fit(9, 10),
        align: Align::Left,
        cell: |row| Cell::text(keys(row)),
        key: |row| Key::from(keys(row)),
    },
    Column {
        id: "of",
        title: "OF",
        help: "the index that does its work",
        width: Width::Fit(8, 36),
        align: Align::Left,
        cell: |row| Cell::text(row.keeper.as_str()),
        key: |row| Key::from(row.keeper.as_str()),
    },
    Column {
        id: "scans",
        title: "SCANS",
        help: "its scans since the counters began: the other one would do them",
        width: Width::Fit(6, 6),
        align: Align::Right,
        cell: |row| cells::count(row.index.scans),
        key: |row| Key::from(row.index.scans),
    },
    Column {
        id: "table",
        title: "TABLE",
        help: "the table both are on",
        width: Width::Fit(8, 36),
        align: Align::Left,
        cell: |row| Cell::text(row.table.as_str()),
        key: |row| Key::from(row.table.as_str()),
    },
];

fn keys(row: &Row) -> &'static str {
    if row.index.same_keys { "same keys" } else { "first keys" }
}
