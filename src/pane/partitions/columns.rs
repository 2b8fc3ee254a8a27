//! The columns of the list.

use super::rows::{Row, Shown, Table};
use super::words;
use crate::model::partitions::Level;
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Record, Width};

fn cell<'a>(row: &'a Row, show: impl Fn(&'a Table) -> Cell<'a>) -> Cell<'a> {
    row.table().map_or(Cell::empty(), show)
}

fn shown(shown: &Shown) -> Cell<'_> {
    Cell::new(shown.0.as_str(), shown.1)
}

fn number<N: format::Number>(row: &Row, number: impl Fn(&Table) -> Option<N>) -> Key<'_> {
    Key::from(row.table().and_then(number))
}

fn text<'a>(row: &'a Row, text: impl Fn(&'a Table) -> &'a str) -> Key<'a> {
    Key::from(row.table().map(text).filter(|text| !text.is_empty()))
}

impl Record for Row {
    type Id = (u32, bool);

    fn id(&self) -> Self::Id {
        match self {
            Self::Table(table) => (table.oid, true),
            Self::More { of, .. } => (*of, false),
        }
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn role(&self) -> Option<Role> {
        (self.table()?.level == Level::Over).then_some(Role::Muted)
    }

    fn mark(&self) -> Option<Role> {
        words::role(self.table()?.level)
    }

    fn marked() -> bool {
        true
    }

    fn prefix(&self) -> &str {
        match self.depth() {
            0 => "",
            1 => "└ ",
            2 => "  └ ",
            _ => "    └ ",
        }
    }

    fn depth(&self) -> u16 {
        match self {
            Self::Table(table) => table.depth,
            Self::More { depth, .. } => *depth,
        }
    }

    fn whole(&self) -> Option<Cell<'_>> {
        match self {
            Self::Table(_) => None,
            Self::More { text, .. } => Some(Cell::new(text.as_str(), Role::Muted)),
        }
    }

    fn selectable(&self) -> bool {
        matches!(self, Self::Table(_))
    }
}

const COLUMNS: &[Column<Row>] = &[
    Column {
        id: "table",
        title: "TABLE",
        help: "the partitioned table; below it those of its partitions that are partitioned themselves",
        width: Width::Fit(8, 34),
        align: Align::Left,
        cell: |row| cell(row, |table| Cell::text(table.name.as_str())),
        key: |row| text(row, |table| &table.name),
    },
    Column {
        id: "covers",
        title: "COVERS",
        help: "how far its partitions reach beyond now; sorts what hurts most first",
        width: Width::Fit(8, 18),
        align: Align::Left,
        cell: |row| cell(row, |table| shown(&table.covers)),
        key: |row| number(row, |table| Some(table.urgency)),
    },
    Column {
        id: "holes",
        title: "HOLES",
        help: "gaps between its ranges",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| {
            cell(row, |table| match table.holes {
                0 => Cell::empty(),
                holes => Cell::new(format::count(holes), Role::Notice),
            })
        },
        key: |row| number(row, |table| Some(table.holes)),
    },
    Column {
        id: "default",
        title: "DEFAULT",
        help: "rows of the default partition, and whether it fills; without one such rows are refused",
        width: Width::Fit(7, 14),
        align: Align::Right,
        cell: |row| cell(row, |table| shown(&table.default)),
        key: |row| number(row, |table| table.default_rows),
    },
    Column {
        id: "cadence",
        title: "CADENCE",
        help: "the length of most of its recent ranges",
        width: Width::Fit(7, 16),
        align: Align::Left,
        cell: |row| cell(row, |table| Cell::text(table.cadence.as_str())),
        key: |row| number(row, |table| table.step_s),
    },
    Column {
        id: "parts",
        title: "PARTS",
        help: "its partitions",
        width: Width::Fit(5, 7),
        align: Align::Right,
        cell: |row| cell(row, |table| Cell::text(format::count(table.partitions))),
        key: |row| number(row, |table| Some(table.partitions)),
    },
    Column {
        id: "newest",
        title: "NEWEST",
        help: "where its last range ends",
        width: Width::Fit(6, 19),
        align: Align::Left,
        cell: |row| cell(row, |table| Cell::text(table.newest.as_str())),
        key: |row| text(row, |table| &table.newest),
    },
    Column {
        id: "rows",
        title: "ROWS ≈",
        help: "rows of all its partitions by the counters or the last ANALYZE",
        width: Width::Fit(6, 7),
        align: Align::Right,
        cell: |row| {
            cell(row, |table| {
                let (text, role) = words::rows(table.rows);
                Cell::new(text, role)
            })
        },
        key: |row| number(row, |table| table.rows),
    },
    Column {
        id: "heap",
        title: "HEAP ≈",
        help: "the heaps of all its partitions by the last VACUUM or ANALYZE, without indexes and TOAST",
        width: Width::Fit(6, 7),
        align: Align::Right,
        cell: |row| cell(row, |table| Cell::new(format::bytes(table.heap_bytes), Role::Estimated)),
        key: |row| number(row, |table| Some(table.heap_bytes)),
    },
    Column {
        id: "oldest",
        title: "OLDEST",
        help: "where its first range begins",
        width: Width::Fit(6, 19),
        align: Align::Left,
        cell: |row| cell(row, |table| Cell::text(table.oldest.as_str())),
        key: |row| text(row, |table| &table.oldest),
    },
    Column {
        id: "key",
        title: "KEY",
        help: "strategy and key",
        width: Width::Rest(10),
        align: Align::Left,
        cell: |row| cell(row, |table| Cell::text(table.key.as_str())),
        key: |row| text(row, |table| &table.key),
    },
];
