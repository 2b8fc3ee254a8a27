//! Invalid indexes: those being built, and those that somebody has to mend.

use super::super::common::Notice;
use super::super::list::{List, Piece};
use super::super::page::Rich;
use super::super::{Badge, Copy, Reply};
use super::cells;
use crate::action::Action;
use crate::alert::Thing;
use crate::model::concern::Severity;
use crate::model::storage::invalid::{self, State};
use crate::probe::indexes_invalid::{Build, IndexesInvalidProbe, InvalidIndex};
use crate::probe::{Probe as _, Subject};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Record, Width};
use crate::world::World;

/// The panel.
#[derive(Debug, Default)]
pub(super) struct Invalid;

/// One index.
#[derive(Debug)]
pub(super) struct Row {
    index: InvalidIndex,
    name: String,
    table: String,
    state: State,
    says: String,
}

impl List for Invalid {
    type Row = Row;
    const ID: &'static str = "invalid";
    const TITLE: &'static str = "Invalid";
    const PROBES: &'static [&'static str] = &[IndexesInvalidProbe::SPEC.id];
    const SORT: Option<(&'static str, crate::ui::table::Order)> = None;
    const ACTIONS: &'static [Action] = &[Action::Enter];
    const ASKING: &'static str = "Asking for invalid indexes.";
    const HELP: &'static [(&'static str, &'static str)] = &[
        (
            "invalid",
            "no query uses it, but every write keeps it up to date once it is ready: what a failed CREATE INDEX \
             CONCURRENTLY or REINDEX CONCURRENTLY leaves behind",
        ),
        (
            "being built",
            "by that process; it becomes valid at the end, nothing is to be done",
        ),
        ("y", "copies what mends it"),
    ];

    fn rows(&mut self, world: &World) -> Option<Vec<Row>> {
        let known = world.get::<IndexesInvalidProbe>()?;
        let mut rows: Vec<Row> = known.iter().map(row).collect();
        rows.sort_by_key(|row| !row.state.wants_mending());
        Some(rows)
    }

    fn head(&self, world: &World, rows: &[Row]) -> Vec<Piece> {
        let broken = rows.iter().filter(|row| row.state.wants_mending()).count();
        let building = rows.iter().filter(|row| row.state == State::Building).count();
        let role = if broken > 0 { Role::Warning } else { Role::Text };
        let broken = (format::counted(broken, "to mend", "to mend"), role);
        let building = (building > 0).then(|| (format::counted(building, "being built", "being built"), Role::Text));
        let asked = cells::asked::<IndexesInvalidProbe>(world);
        [Some(broken), building, asked].into_iter().flatten().collect()
    }

    fn nothing(&self, _world: &World) -> Notice {
        Notice::new(Role::Muted, "Every index is valid.")
    }

    fn notice(&self, _world: &World, rows: &[Row]) -> Option<Notice> {
        rows.iter().any(|row| row.state == State::OnStandby).then(|| {
            Notice::new(
                Role::Muted,
                "On a standby it cannot be told whether an index is being built or was left behind: look on the primary.",
            )
        })
    }

    fn about(&self, row: &Row) -> Vec<Rich> {
        let mut what = Rich::new(row.index.name.to_string(), Role::Accent);
        what.fact(row.state.text(), Role::Text);
        if !row.index.ready && row.state != State::Building {
            what.fact("writes do not maintain it", Role::Muted);
        }
        let mend = invalid::mend(&row.index);
        let mend = mend.into_iter().map(|(_, text)| Rich::new(text, Role::Text));
        [what].into_iter().chain(mend).collect()
    }

    fn on(&mut self, _action: Action, row: Option<&Row>, _world: &World) -> Reply {
        row.map_or(Reply::Ignored, |row| {
            Reply::Open(Subject::Relation(row.index.table_oid))
        })
    }

    fn badge(&self, rows: &[Row]) -> Option<Badge> {
        let count = rows.iter().filter(|row| row.state.wants_mending()).count();
        Badge::of(Severity::Warning, count)
    }

    fn is(row: &Row, thing: &Thing) -> bool {
        *thing == Thing::Index(row.index.oid)
    }

    fn copies(&self, row: &Row, _world: &World) -> Vec<Copy> {
        invalid::mend(&row.index).into_iter().map(Copy::from).collect()
    }
}

fn row(index: &InvalidIndex) -> Row {
    let state = invalid::state(index);
    let mended = invalid::mend(index).into_iter().next().map(|(bare, _)| bare);
    let says = index.build.as_ref().map(building).or(mended);
    Row {
        name: cells::name(&index.name),
        table: cells::name(&index.table),
        state,
        says: says.unwrap_or_default(),
        index: index.clone(),
    }
}

/// Who builds it, and how far that is.
fn building(build: &Build) -> String {
    let phase = build.phase.as_deref().unwrap_or("phase hidden from this role");
    let percent = build
        .percent
        .map(|percent| format!(", {} of its blocks", format::percent(percent)));
    format!("pid {}: {phase}{}", build.pid, percent.unwrap_or_default())
}

impl Record for Row {
    type Id = u32;

    fn id(&self) -> u32 {
        self.index.oid
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn mark(&self) -> Option<Role> {
        self.state.wants_mending().then_some(Role::Warning)
    }

    fn marked() -> bool {
        true
    }
}

static COLUMNS: &[Column<Row>] = &[
    Column {
        id: "index",
        title: "INDEX",
        help: "the index; its schema is left out where that is public",
        width: Width::Fit(14, 36),
        align: Align::Left,
        cell: |row| Cell::text(row.name.as_str()),
        key: |row| Key::from(row.name.as_str()),
    },
    Column {
        id: "state",
        title: "STATE",
        help: "being built, or what became of it",
        width: Width::Fit(11, 18),
        align: Align::Left,
        cell: |row| {
            let role = if row.state.wants_mending() {
                Role::Warning
            } else {
                Role::Text
            };
            Cell::new(row.state.text(), role)
        },
        key: |row| Key::from(row.state.text()),
    },
    Column {
        id: "size",
        title: "SIZE",
        help: "bytes by relpages",
        width: Width::Fit(8, 8),
        align: Align::Right,
        cell: |row| cells::estimated(row.index.estimated_bytes),
        key: |row| Key::from(row.index.estimated_bytes),
    },
    Column {
        id: "table",
        title: "TABLE",
        help: "the table it is on",
        width: Width::Fit(8, 30),
        align: Align::Left,
        cell: |row| Cell::text(row.table.as_str()),
        key: |row| Key::from(row.table.as_str()),
    },
    Column {
        id: "says",
        title: "BUILT BY / MENDED BY",
        help: "who builds it and how far, or the statement that mends it",
        width: Width::Rest(24),
        align: Align::Left,
        cell: |row| Cell::text(row.says.as_str()),
        key: |row| Key::from(row.says.as_str()),
    },
];
