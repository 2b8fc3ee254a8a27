//! Foreign keys without an index.

use super::super::common::{Notice, top_of};
use super::super::list::{List, Piece};
use super::super::page::Rich;
use super::super::{Copy, Reply};
use super::cells::{self, UNKNOWN};
use crate::action::Action;
use crate::model::storage::foreign_keys::{create_index, read_for_checks};
use crate::probe::fk_unindexed::{FkUnindexedProbe, UnindexedKey};
use crate::probe::{Probe as _, Subject};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Order, Record, Width};
use crate::world::World;

/// The panel.
#[derive(Debug, Default)]
pub(super) struct ForeignKeys;

/// One foreign key.
#[derive(Debug)]
pub(super) struct Row {
    key: UnindexedKey,
    child: String,
    parent: String,
    columns: String,
    standby: bool,
}

impl Row {
    /// A counter that stays zero on a standby.
    fn counted(&self, value: i64) -> Option<i64> {
        (!self.standby).then_some(value)
    }
}

impl List for ForeignKeys {
    type Row = Row;
    const ID: &'static str = "foreign-keys";
    const TITLE: &'static str = "Foreign keys";
    const PROBES: &'static [&'static str] = &[FkUnindexedProbe::SPEC.id];
    const SORT: Option<(&'static str, Order)> = Some(("read", Order::Descending));
    const ACTIONS: &'static [Action] = &[Action::Enter];
    const ASKING: &'static str = "Asking for foreign keys without an index.";
    const HELP: &'static [(&'static str, &'static str)] = &[
        (
            "why",
            "for every deleted parent, and every one whose key changes, the server looks for its children: without an \
             index it reads the whole child table, and whoever wants the parent's row waits",
        ),
        (
            "which",
            "no valid btree or hash index of the child begins with the referencing columns, in whatever order; partial \
             indexes do not count, nor do keys that are NOT ENFORCED",
        ),
        ("y", "copies the CREATE INDEX"),
    ];

    fn rows(&mut self, world: &World) -> Option<Vec<Row>> {
        let known = world.get::<FkUnindexedProbe>()?;
        let standby = world.in_recovery();
        let row = |key: &UnindexedKey| Row {
            child: cells::name(&key.table),
            parent: cells::name(&key.parent),
            columns: key.columns.join(", "),
            key: key.clone(),
            standby,
        };
        Some(known.rows.iter().map(row).collect())
    }

    fn head(&self, world: &World, rows: &[Row]) -> Vec<Piece> {
        let Some(known) = world.get::<FkUnindexedProbe>() else {
            return Vec::new();
        };
        let top = top_of(
            rows.len(),
            known.keys,
            "foreign key without an index",
            "foreign keys without an index",
        );
        let asked = cells::asked::<FkUnindexedProbe>(world);
        [Some(top), asked].into_iter().flatten().collect()
    }

    fn nothing(&self, _world: &World) -> Notice {
        Notice::new(Role::Muted, "Every foreign key has an index, or there is none.")
    }

    fn about(&self, row: &Row) -> Vec<Rich> {
        let key = &row.key;
        let mut what = Rich::new(key.name.as_str(), Role::Accent);
        what.fact(format!("{} ({}) to {}", row.child, row.columns, row.parent), Role::Text);
        if key.reltuples > 0.0 {
            what.fact(format!("{} rows", format::count(key.reltuples)), Role::Muted);
        }
        if key.partitioned {
            what.fact(
                format!(
                    "{} of {} partitions without",
                    format::count(key.bare),
                    format::count(key.parts)
                ),
                Role::Notice,
            );
        }
        let mut parent = Rich::new(row.parent.as_str(), Role::Muted);
        let changes = if row.standby {
            "deletes and updates are counted on the primary".to_owned()
        } else {
            let (deleted, updated) = (format::count(key.parent_deleted), format::count(key.parent_updated));
            format!("{deleted} rows deleted, {updated} updated")
        };
        let each = format::bytes(key.estimated_bytes);
        parent.push(format!(": {changes}; every DELETE reads up to {each}"), Role::Text);
        vec![what, parent]
    }

    fn on(&mut self, _action: Action, row: Option<&Row>, _world: &World) -> Reply {
        row.map_or(Reply::Ignored, |row| Reply::Open(Subject::Relation(row.key.table_oid)))
    }

    fn copies(&self, row: &Row, _world: &World) -> Vec<Copy> {
        let size = cells::size_in_words(None, row.key.estimated_bytes);
        vec![Copy::from(create_index(&row.key, &size))]
    }
}

impl Record for Row {
    type Id = u32;

    fn id(&self) -> u32 {
        self.key.oid
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }
}

static COLUMNS: &[Column<Row>] = &[
    Column {
        id: "table",
        title: "TABLE",
        help: "the referencing table; its schema is left out where that is public",
        width: Width::Fit(12, 32),
        align: Align::Left,
        cell: |row| Cell::text(row.child.as_str()),
        key: |row| Key::from(row.child.as_str()),
    },
    Column {
        id: "columns",
        title: "COLUMNS",
        help: "its referencing columns",
        width: Width::Fit(8, 24),
        align: Align::Left,
        cell: |row| Cell::text(row.columns.as_str()),
        key: |row| Key::from(row.columns.as_str()),
    },
    Column {
        id: "size",
        title: "SIZE",
        help: "bytes of the referencing table by relpages: what a check reads",
        width: Width::Fit(8, 8),
        align: Align::Right,
        cell: |row| cells::estimated(row.key.estimated_bytes),
        key: |row| Key::from(row.key.estimated_bytes),
    },
    Column {
        id: "deleted",
        title: "DELETED",
        help: "rows deleted from the referenced table since the counters began",
        width: Width::Fit(7, 7),
        align: Align::Right,
        cell: |row| row.counted(row.key.parent_deleted).map_or(UNKNOWN, cells::count),
        key: |row| Key::from(row.counted(row.key.parent_deleted)),
    },
    Column {
        id: "read",
        title: "READ",
        help: "at most so many bytes were read for these: size times deleted",
        width: Width::Fit(8, 8),
        align: Align::Right,
        cell: |row| {
            let read = read_for_checks(&row.key);
            if row.standby {
                UNKNOWN
            } else if read > 0.0 {
                Cell::new(format!("≤{}", format::bytes(read)), Role::Estimated)
            } else {
                Cell::new("0 B", Role::Muted)
            }
        },
        // Of those that nobody paid for yet the largest first.
        key: |row| {
            crate::ui::table::Key::Number(
                read_for_checks(&row.key).max(1e-9 * crate::model::rates::float(row.key.estimated_bytes)),
            )
        },
    },
    Column {
        id: "parent",
        title: "REFERENCES",
        help: "the referenced table",
        width: Width::Fit(10, 32),
        align: Align::Left,
        cell: |row| Cell::text(row.parent.as_str()),
        key: |row| Key::from(row.parent.as_str()),
    },
    Column {
        id: "name",
        title: "CONSTRAINT",
        help: "the name of the foreign key",
        width: Width::Fit(10, 40),
        align: Align::Left,
        cell: |row| Cell::new(row.key.name.as_str(), Role::Muted),
        key: |row| Key::from(row.key.name.as_str()),
    },
];
