//! The columns of a table and what the planner knows of them.

use super::Last;
use crate::model::relation_sql;
use crate::pane::common::Notice;
use crate::pane::list::{List, Piece};
use crate::probe::Probe as _;
use crate::probe::relation::Relation;
use crate::probe::relation_columns::{Column as Known, RelationColumns, Statistics};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Order, Record, Width};
use crate::world::World;

/// The panel.
#[derive(Debug, Default)]
pub(super) struct Columns {
    oid: u32,
    last: Last<Vec<Known>>,
}

impl Columns {
    /// Of that table.
    pub fn new(oid: u32) -> Self {
        Self {
            oid,
            last: Last::new(oid),
        }
    }

    /// What lets the role see the statistics.
    fn grant(&self, world: &World) -> Option<String> {
        let identity = super::answer::<Relation>(self.oid, world)?.as_ref()?;
        let server = world.server.as_deref()?;
        Some(relation_sql::grant_statistics(
            &identity.name,
            &server.role,
            server.major(),
        ))
    }
}

/// A line.
#[derive(Clone, Debug)]
pub(super) struct Row(Known);

impl Row {
    fn known(&self) -> Option<&Statistics> {
        self.0.statistics.as_ref()
    }

    /// What stands where there are no statistics.
    fn missing(&self) -> Cell<'static> {
        if self.0.computed {
            Cell::empty()
        } else if self.0.readable {
            Cell::new("?", Role::Muted)
        } else {
            Cell::new("hidden", Role::Denied)
        }
    }

    fn or_missing(&self, cell: impl FnOnce(&Statistics) -> Cell<'static>) -> Cell<'static> {
        self.known().map_or_else(|| self.missing(), cell)
    }

    fn state(&self) -> Cell<'static> {
        if self.0.computed {
            return Cell::new("not stored", Role::Muted);
        }
        match (self.0.readable, self.known(), self.0.target) {
            (false, ..) => Cell::new("hidden", Role::Denied),
            (true, None, Some(0)) => Cell::new("switched off", Role::Notice),
            (true, None, _) => Cell::new("never analyzed", Role::Notice),
            (true, Some(_), _) => Cell::new("analyzed", Role::Muted),
        }
    }

    fn target(&self) -> Cell<'static> {
        match self.0.target {
            Some(target) => Cell::text(target.to_string()),
            None => Cell::new(self.0.default_target.to_string(), Role::Muted),
        }
    }
}

/// Distinct values as PostgreSQL says them: a number, or a share of the rows.
fn distinct(known: &Statistics) -> String {
    match known.distinct {
        all if (all + 1.0).abs() < f64::EPSILON => "unique".to_owned(),
        share if share < 0.0 => format!("{} of rows", format::percent(-share * 100.0)),
        number => format::count(number),
    }
}

impl Record for Row {
    type Id = i32;

    fn id(&self) -> i32 {
        self.0.attnum
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }
}

static COLUMNS: &[Column<Row>] = &[
    Column {
        id: "column",
        title: "COLUMN",
        help: "its name",
        width: Width::Fit(8, 24),
        align: Align::Left,
        cell: |row| Cell::text(row.0.name.as_str()),
        key: |row| Key::from(row.0.name.as_str()),
    },
    Column {
        id: "type",
        title: "TYPE",
        help: "its type",
        width: Width::Fit(6, 20),
        align: Align::Left,
        cell: |row| Cell::text(row.0.type_name.as_str()),
        key: |row| Key::from(row.0.type_name.as_str()),
    },
    Column {
        id: "nulls",
        title: "NULLS",
        help: "share of NULLs by the last ANALYZE",
        width: Width::Fit(5, 7),
        align: Align::Right,
        cell: |row| row.or_missing(|known| Cell::text(format::percent(known.null_frac * 100.0))),
        key: |row| row.known().map_or(Key::None, |known| Key::Number(known.null_frac)),
    },
    Column {
        id: "distinct",
        title: "DISTINCT",
        help: "how many values the planner believes in; a share of the rows where it grows with them",
        width: Width::Fit(8, 14),
        align: Align::Right,
        cell: |row| row.or_missing(|known| Cell::text(distinct(known))),
        key: |row| row.known().map_or(Key::None, |known| Key::Number(known.distinct)),
    },
    Column {
        id: "width",
        title: "WIDTH",
        help: "bytes of a value that is not NULL, as stored in the row: 18 for one that is TOASTed",
        width: Width::Fit(5, 7),
        align: Align::Right,
        cell: |row| row.or_missing(|known| Cell::text(format::count(known.width))),
        key: |row| row.known().map_or(Key::None, |known| Key::Number(known.width.into())),
    },
    Column {
        id: "order",
        title: "ORDER",
        help: "how far the order on disk follows the values, -1 to 1: near 0, index scans jump about",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| {
            row.or_missing(|known| {
                known
                    .correlation
                    .map_or_else(Cell::empty, |order| Cell::text(format!("{order:.2}")))
            })
        },
        key: |row| {
            let order = row.known().and_then(|known| known.correlation);
            Key::from(order)
        },
    },
    Column {
        id: "target",
        title: "TARGET",
        help: "statistics target: its own, or default_statistics_target (dimmed)",
        width: Width::Fit(6, 6),
        align: Align::Right,
        cell: Row::target,
        key: |row| Key::Number(row.0.target.unwrap_or(row.0.default_target).into()),
    },
    Column {
        id: "state",
        title: "STATISTICS",
        help: "whether there are any, and whether this role may see them",
        width: Width::Fit(10, 14),
        align: Align::Left,
        cell: Row::state,
        key: |row| Key::Text(row.state().text),
    },
];

impl List for Columns {
    type Row = Row;
    const ID: &'static str = "relation-columns";
    const TITLE: &'static str = "Columns";
    const PROBES: &'static [&'static str] = &[RelationColumns::SPEC.id];
    const SORT: Option<(&'static str, Order)> = None;
    const HELP: &'static [(&'static str, &'static str)] = &[(
        "statistics",
        "what the planner knows of each column; no value of the table is read",
    )];
    const ASKING: &'static str = "Asking for the columns.";

    fn rows(&mut self, world: &World) -> Option<Vec<Row>> {
        let known = self.last.learn::<RelationColumns>(world)?;
        Some(known.iter().cloned().map(Row).collect())
    }

    fn head(&self, _world: &World, rows: &[Row]) -> Vec<Piece> {
        if rows.is_empty() {
            return Vec::new();
        }
        let mut head = vec![(format::counted(rows.len(), "column", "columns"), Role::Title)];
        let never = rows
            .iter()
            .filter(|row| row.0.readable && !row.0.computed && row.known().is_none());
        let never = never.count();
        if never > 0 {
            head.push((format!("{} without statistics", format::count(never)), Role::Notice));
        }
        let dropped = rows.first().map_or(0, |row| row.0.dropped);
        if dropped > 0 {
            head.push((format!("{dropped} dropped, still in every old row"), Role::Muted));
        }
        head
    }

    fn nothing(&self, _world: &World) -> Notice {
        Notice::new(Role::Muted, "This table has no column.")
    }

    fn notice(&self, world: &World, rows: &[Row]) -> Option<Notice> {
        let hidden = rows.iter().filter(|row| !row.0.readable && !row.0.computed).count();
        if hidden == 0 {
            return None;
        }
        let columns = format::counted(hidden, "column", "columns");
        let what = format!("Statistics of {columns}, and with them the bloat estimate, are");
        Some(Notice::hidden(&what, &self.grant(world).unwrap_or_default()))
    }
}
