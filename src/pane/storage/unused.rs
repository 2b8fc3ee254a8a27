//! Indexes that no query uses: what dropping each would win, and what speaks against it.

use super::super::common::{Notice, top_of};
use super::super::list::{List, Piece};
use super::super::page::Rich;
use super::super::{Copy, Reply};
use super::cells::{self, UNKNOWN};
use crate::action::Action;
use crate::alert::Thing;
use crate::model::storage::{counted_since, indexes};
use crate::probe::indexes_unused::{IndexesUnusedProbe, UnusedIndex};
use crate::probe::{Probe as _, Subject};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Order, Record, Width};
use crate::world::World;

/// Counters younger than this tell nothing: there are jobs that run once a month.
const TOO_YOUNG_S: f64 = 30.0 * 86_400.0;

/// The panel.
#[derive(Debug, Default)]
pub(super) struct Unused;

/// One index.
#[derive(Debug)]
pub(super) struct Row {
    index: UnusedIndex,
    name: String,
    table: String,
    caveats: String,
    standby: bool,
}

impl Row {
    /// Counted on the primary: on a standby they are zero for ever. Nothing counts those of a partitioned index.
    fn writes(&self) -> Option<i64> {
        self.index.writes.filter(|_| !self.standby)
    }
}

/// Since when scans are counted, and how long that is, in seconds.
fn age(world: &World) -> Option<f64> {
    let since = counted_since(world.get::<IndexesUnusedProbe>()?)?;
    Some(world.server_now()? - since)
}

impl List for Unused {
    type Row = Row;
    const ID: &'static str = "unused";
    const TITLE: &'static str = "Unused";
    const PROBES: &'static [&'static str] = &[IndexesUnusedProbe::SPEC.id];
    const SORT: Option<(&'static str, Order)> = Some(("size", Order::Descending));
    const ACTIONS: &'static [Action] = &[Action::Enter];
    const ASKING: &'static str = "Asking for the indexes without a scan.";
    const HELP: &'static [(&'static str, &'static str)] = &[
        (
            "which",
            "indexes without a scan since the counters began and larger than 64 KiB when they were last vacuumed or \
             analyzed; not those that are unique, stand behind a constraint or are the replica identity",
        ),
        (
            "counters",
            "begin with the server and after a crash, a failover, pg_upgrade or a reset; each server counts its own scans, \
             so look at every standby too",
        ),
        (
            "partitioned",
            "the indexes of all partitions count as one: they can only be dropped together",
        ),
        ("y", "copies the DROP INDEX with what speaks against it"),
    ];

    fn rows(&mut self, world: &World) -> Option<Vec<Row>> {
        let known = world.get::<IndexesUnusedProbe>()?;
        let standby = world.in_recovery();
        let row = |index: &UnusedIndex| Row {
            name: cells::name(&index.name),
            table: cells::name(&index.table),
            caveats: indexes::caveats(index).join(", "),
            index: index.clone(),
            standby,
        };
        Some(known.rows.iter().map(row).collect())
    }

    fn head(&self, world: &World, rows: &[Row]) -> Vec<Piece> {
        let Some(known) = world.get::<IndexesUnusedProbe>() else {
            return Vec::new();
        };
        let top = top_of(rows.len(), known.indexes, "unused index", "unused indexes");
        let total = cells::estimated(known.estimated_total);
        let total = (known.indexes > 0).then(|| (format!("{} in all", total.text), total.role));
        let since = age(world).map(|age| {
            let role = if age < TOO_YOUNG_S { Role::Notice } else { Role::Muted };
            (format!("scans counted for {}", format::duration(age)), role)
        });
        let asked = cells::asked::<IndexesUnusedProbe>(world);
        [Some(top), total, since, asked].into_iter().flatten().collect()
    }

    fn nothing(&self, _world: &World) -> Notice {
        Notice::new(
            Role::Muted,
            "Every index of more than 64 KiB was used since the counters began.",
        )
    }

    fn notice(&self, world: &World, rows: &[Row]) -> Option<Notice> {
        if rows.is_empty() {
            return None;
        }
        let elsewhere = if world.in_recovery() {
            "Only scans on this standby are counted here; the primary and other standbys count their own."
        } else {
            "Only scans on this server are counted; a standby counts its own."
        };
        let young = age(world).filter(|age| *age < TOO_YOUNG_S).map(|age| {
            format!(
                "Counted for {} only: what runs once a month has not been seen. ",
                format::duration(age)
            )
        });
        let role = if young.is_some() { Role::Notice } else { Role::Muted };
        Some(Notice::new(role, format!("{}{elsewhere}", young.unwrap_or_default())))
    }

    fn about(&self, row: &Row) -> Vec<Rich> {
        let index = &row.index;
        let mut what = Rich::new(index.name.to_string(), Role::Accent);
        what.fact(format!("{} on {}", index.method, row.table), Role::Muted);
        if index.parts > 0 {
            what.fact(format::counted(index.parts, "partition", "partitions"), Role::Muted);
        }
        if !row.caveats.is_empty() {
            what.fact(row.caveats.as_str(), Role::Notice);
        }
        let known = cells::not_measured(index.lock).map(|why| Rich::new(why, Role::Estimated));
        [Some(what), known].into_iter().flatten().collect()
    }

    fn on(&mut self, _action: Action, row: Option<&Row>, _world: &World) -> Reply {
        row.map_or(Reply::Ignored, |row| {
            Reply::Open(Subject::Relation(row.index.table_oid))
        })
    }

    fn is(row: &Row, thing: &Thing) -> bool {
        *thing == Thing::Index(row.index.oid)
    }

    fn copies(&self, row: &Row, world: &World) -> Vec<Copy> {
        let Some(known) = world.get::<IndexesUnusedProbe>() else {
            return Vec::new();
        };
        let size = cells::size_in_words(row.index.bytes, row.index.estimated_bytes);
        let drop = indexes::drop_unused(known, &row.index, &size);
        drop.into_iter().map(Copy::from).collect()
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
        help: "the index; its schema is left out where that is public",
        width: Width::Fit(14, 40),
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
        id: "writes",
        title: "WRITES",
        help: "times it had to be written since the counters began: inserts and updates that were not HOT",
        width: Width::Fit(6, 6),
        align: Align::Right,
        cell: |row| match row.writes() {
            Some(writes) => cells::count(writes),
            None if row.standby => UNKNOWN,
            None => Cell::empty(),
        },
        key: |row| Key::from(row.writes()),
    },
    Column {
        id: "table",
        title: "TABLE",
        help: "the table it is on",
        width: Width::Fit(8, 36),
        align: Align::Left,
        cell: |row| Cell::text(row.table.as_str()),
        key: |row| Key::from(row.table.as_str()),
    },
    Column {
        id: "but",
        title: "THINK OF",
        help: "what speaks against dropping it",
        width: Width::Rest(20),
        align: Align::Left,
        cell: |row| Cell::new(row.caveats.as_str(), Role::Notice),
        key: |row| Key::from(row.caveats.as_str()),
    },
];
