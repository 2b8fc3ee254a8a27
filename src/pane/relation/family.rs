//! The partitions of a table, or the siblings of a partition.

use super::Last;
use crate::action::Action;
use crate::pane::common::Notice;
use crate::pane::list::{List, Piece};
use crate::pane::{Copy, Reply};
use crate::probe::relation_family::{Family as Known, Member, RelationFamily};
use crate::probe::{Probe as _, Subject};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Order, Record, Width};
use crate::world::World;

/// The panel.
#[derive(Debug, Default)]
pub(super) struct Family {
    last: Last<Known>,
    all: i64,
    of_me: bool,
}

impl Family {
    /// Of that table.
    pub fn new(oid: u32) -> Self {
        Self {
            last: Last::new(oid),
            all: 0,
            of_me: false,
        }
    }
}

/// A line.
#[derive(Clone, Debug)]
pub(super) struct Row(Member);

impl Row {
    fn bound(&self) -> String {
        let bound = self.0.bound.as_deref().unwrap_or_default();
        if self.0.detaching {
            format!("being detached; {bound}")
        } else {
            bound.to_owned()
        }
    }

    /// A partition that is itself partitioned, or a foreign table, has no heap.
    fn has_heap(&self) -> bool {
        self.0.kind == "r"
    }
}

impl Record for Row {
    type Id = u32;

    fn id(&self) -> u32 {
        self.0.oid
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn role(&self) -> Option<Role> {
        match (self.0.is_me, self.0.detaching) {
            (true, _) => Some(Role::Accent),
            (false, true) => Some(Role::Warning),
            (false, false) => None,
        }
    }
}

static COLUMNS: &[Column<Row>] = &[
    Column {
        id: "partition",
        title: "PARTITION",
        help: "its name; the one of this page stands out",
        width: Width::Fit(9, 34),
        align: Align::Left,
        cell: |row| Cell::text(row.0.name.relname.as_str()),
        key: |row| Key::from(row.0.name.relname.as_str()),
    },
    Column {
        id: "rows",
        title: "\u{2248} ROWS",
        help: "by the last VACUUM or ANALYZE",
        width: Width::Fit(6, 6),
        align: Align::Right,
        cell: |row| match row.0.tuples {
            tuples if tuples < 0.0 => Cell::new("?", Role::Muted),
            tuples => Cell::new(format::count(tuples), Role::Estimated),
        },
        key: |row| Key::Number(row.0.tuples),
    },
    Column {
        id: "heap",
        title: "\u{2248} HEAP",
        help: "its rows on disk by the last VACUUM or ANALYZE, without indexes and TOAST",
        width: Width::Fit(7, 7),
        align: Align::Right,
        cell: |row| {
            if row.has_heap() {
                Cell::new(format::bytes(row.0.heap_bytes), Role::Estimated)
            } else {
                Cell::empty()
            }
        },
        key: |row| Key::from(row.0.heap_bytes),
    },
    Column {
        id: "bound",
        title: "BOUND",
        help: "what it holds; empty for a child by plain inheritance",
        width: Width::Rest(20),
        align: Align::Left,
        cell: |row| Cell::text(row.bound()),
        key: |row| Key::Text(row.bound().into()),
    },
];

impl List for Family {
    type Row = Row;
    const ID: &'static str = "relation-family";
    const TITLE: &'static str = "Partitions";
    const PROBES: &'static [&'static str] = &[RelationFamily::SPEC.id];
    const SORT: Option<(&'static str, Order)> = Some(("partition", Order::Ascending));
    const ACTIONS: &'static [Action] = &[Action::Enter];
    const HELP: &'static [(&'static str, &'static str)] = &[(
        "which",
        "the partitions or children of this table, or else its siblings; of very many, those around it by name",
    )];
    const ASKING: &'static str = "Asking for partitions.";

    fn rows(&mut self, world: &World) -> Option<Vec<Row>> {
        let known = self.last.learn::<RelationFamily>(world)?;
        let rows = known.members.iter().cloned().map(Row).collect();
        (self.all, self.of_me) = (known.all, known.of_me);
        Some(rows)
    }

    fn head(&self, _world: &World, rows: &[Row]) -> Vec<Piece> {
        if rows.is_empty() {
            return Vec::new();
        }
        let all = format::count(self.all);
        let what = if self.of_me {
            format!("{all} of its own")
        } else {
            let nth = rows.iter().find(|row| row.0.is_me).map_or(0, |row| row.0.nth);
            format!("the {} by name of {all}", ordinal(nth))
        };
        let mut head = vec![(what, Role::Title)];
        let shown = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        if shown < self.all {
            head.push((format!("shows {}", format::count(shown)), Role::Text));
        }
        head
    }

    fn nothing(&self, _world: &World) -> Notice {
        Notice::new(Role::Muted, "This table neither has partitions nor is one.")
    }

    fn on(&mut self, _action: Action, row: Option<&Row>, _world: &World) -> Reply {
        row.map_or(Reply::Ignored, |row| Reply::Open(Subject::Relation(row.0.oid)))
    }

    fn copies(&self, row: &Row, _world: &World) -> Vec<Copy> {
        vec![Copy::new("name", row.0.name.sql())]
    }
}

/// `1st`, `12th`.
fn ordinal(nth: i64) -> String {
    let suffix = match (nth % 10, nth % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{}{suffix}", format::count(nth))
}
