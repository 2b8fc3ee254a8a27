//! The largest tables: where their bytes are, how they grow, who reads them.

use super::super::common::{Notice, ago_or_never, top_of};
use super::super::list::{List, Piece};
use super::super::page::Rich;
use super::super::{Copy, Reply};
use super::cells;
use crate::action::Action;
use crate::alert::Thing;
use crate::model::rates::{float, share};
use crate::model::storage::growth::{Growth, growth};
use crate::model::storage::{Bytes, bytes};
use crate::probe::databases::DatabasesProbe;
use crate::probe::relations::{Relation, RelationsProbe};
use crate::probe::{Probe as _, Subject};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Order, Record, Width};
use crate::world::World;

/// From this share of dead rows on, in percent, and from so many, a table is worth a look.
const DEAD: (f64, i64) = (20.0, 10_000);

/// The panel.
#[derive(Debug, Default)]
pub(super) struct Relations;

/// One table.
#[derive(Debug)]
pub(super) struct Row {
    relation: Relation,
    name: String,
    bytes: Bytes,
    growth: Growth,
    vacuumed_s: Option<f64>,
    analyzed_s: Option<f64>,
    /// What only the primary counts is not known here.
    standby: bool,
}

impl Row {
    /// A counter that stays zero on a standby.
    fn counted(&self, value: i64) -> Option<i64> {
        (!self.standby).then_some(value)
    }
}

impl List for Relations {
    type Row = Row;
    const ID: &'static str = "relations";
    const TITLE: &'static str = "Relations";
    const PROBES: &'static [&'static str] = &[RelationsProbe::SPEC.id, DatabasesProbe::SPEC.id];
    const SORT: Option<(&'static str, Order)> = Some(("size", Order::Descending));
    const ACTIONS: &'static [Action] = &[Action::Enter];
    const ASKING: &'static str = "Asking for the largest tables.";
    const HELP: &'static [(&'static str, &'static str)] = &[
        (
            "which",
            "the largest tables and materialized views of this database with indexes and TOAST; those that were just \
             filled and not analyzed yet are looked for by their modifications",
        ),
        (
            "catalogs",
            "pg_catalog and information_schema are listed from 100 MiB on, or all with ui.hide_postgres_defaults = false",
        ),
        (
            "≈",
            "not measured, because somebody holds ACCESS EXCLUSIVE or waits for it: the last measurement, or relpages as of \
             the last VACUUM or ANALYZE",
        ),
        (
            "counters",
            "scans, changes and hits since the counters were reset; a crash resets them too; a standby knows its own scans \
             and hits only, and of rows what the last VACUUM or ANALYZE found",
        ),
    ];

    fn rows(&mut self, world: &World) -> Option<Vec<Row>> {
        let known = world.get::<RelationsProbe>()?;
        let now = world.server_now();
        let ago = |at: Option<f64>| Some(now? - at?);
        let standby = world.in_recovery();
        let row = |relation: &Relation| Row {
            name: cells::name(&relation.name),
            bytes: bytes(known, relation),
            growth: growth(known, relation),
            vacuumed_s: ago(relation.last_vacuum),
            analyzed_s: ago(relation.last_analyze),
            standby,
            relation: relation.clone(),
        };
        Some(known.rows.iter().map(row).collect())
    }

    fn head(&self, world: &World, rows: &[Row]) -> Vec<Piece> {
        let Some(known) = world.get::<RelationsProbe>() else {
            return Vec::new();
        };
        let top = top_of(rows.len(), known.relations, "table", "tables");
        let databases = world.get::<DatabasesProbe>();
        let here = databases.and_then(|databases| databases.iter().find(|database| database.here));
        let database = here.map(|database| {
            let size = database.bytes.map(|bytes| format!(" {}", format::bytes(bytes)));
            (format!("{}{}", database.datname, size.unwrap_or_default()), Role::Text)
        });
        let since = known.stats_reset.zip(world.server_now());
        let since = since.map(|(reset, now)| (format!("counters of {}", format::duration(now - reset)), Role::Muted));
        let asked = cells::asked::<RelationsProbe>(world);
        [Some(top), database, asked, since].into_iter().flatten().collect()
    }

    fn nothing(&self, _world: &World) -> Notice {
        Notice::new(
            Role::Muted,
            "No table here is known to have data but small ones PostgreSQL itself brings.",
        )
    }

    fn notice(&self, _world: &World, rows: &[Row]) -> Option<Notice> {
        let skipped = rows.iter().filter(|row| row.relation.lock.is_some()).count();
        (skipped > 0).then(|| {
            let what = format::counted(skipped, "table is", "tables are");
            Notice::new(
                Role::Estimated,
                format!(
                    "{what} not measured: ACCESS EXCLUSIVE is held or waited for there, and a size would wait too."
                ),
            )
        })
    }

    fn about(&self, row: &Row) -> Vec<Rich> {
        let relation = &row.relation;
        let mut what = Rich::new(relation.name.to_string(), Role::Accent);
        if relation.relkind == "m" {
            what.fact("materialized view", Role::Muted);
        }
        if let Some(parent) = &relation.parent {
            what.fact(format!("partition of {}", cells::name(parent)), Role::Muted);
        }
        what.fact(format::counted(relation.indexes, "index", "indexes"), Role::Muted);
        let known = cells::not_measured(relation.lock).map(|why| Rich::new(why, Role::Estimated));
        let changes = if row.standby {
            Rich::new(
                "changes, dead rows, VACUUM and ANALYZE are counted on the primary",
                Role::Muted,
            )
        } else {
            changes(relation)
        };
        [Some(what), known, Some(changes)].into_iter().flatten().collect()
    }

    fn on(&mut self, _action: Action, row: Option<&Row>, _world: &World) -> Reply {
        row.map_or(Reply::Ignored, |row| Reply::Open(Subject::Relation(row.relation.oid)))
    }

    fn is(row: &Row, thing: &Thing) -> bool {
        *thing == Thing::Relation(row.relation.oid)
    }

    fn copies(&self, row: &Row, _world: &World) -> Vec<Copy> {
        vec![Copy::new("name", row.relation.name.sql())]
    }
}

/// What was done to a table since its counters began.
fn changes(relation: &Relation) -> Rich {
    let mut text = Rich::default();
    for (what, rows) in [
        ("inserted", relation.inserted),
        ("updated", relation.updated),
        ("deleted", relation.deleted),
    ] {
        text.fact(format!("{what} {}", format::count(rows)), Role::Text);
        if what == "updated" && rows > 0 {
            text.push(
                format!(" ({} HOT)", format::share(relation.hot_updated, rows)),
                Role::Muted,
            );
        }
    }
    text.fact(
        format!("{} changed since ANALYZE", format::count(relation.modified)),
        Role::Text,
    );
    text
}

/// Dead rows among all of them, in percent.
fn dead_percent(row: &Row) -> Option<f64> {
    share(float(row.relation.dead), float(row.relation.live))
}

fn dead_role(row: &Row) -> Role {
    match dead_percent(row) {
        Some(percent) if percent >= DEAD.0 && row.relation.dead >= DEAD.1 => Role::Notice,
        _ if row.relation.dead == 0 => Role::Muted,
        _ => Role::Text,
    }
}

impl Record for Row {
    type Id = u32;

    fn id(&self) -> u32 {
        self.relation.oid
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }
}

/// A column of numbers.
const fn right(
    (id, title, help): (&'static str, &'static str, &'static str),
    (min, max): (u16, u16),
    cell: fn(&Row) -> Cell<'_>,
    key: fn(&Row) -> Key<'_>,
) -> Column<Row> {
    Column {
        id,
        title,
        help,
        width: Width::Fit(min, max),
        align: Align::Right,
        cell,
        key,
    }
}

static COLUMNS: &[Column<Row>] = &[
    Column {
        id: "table",
        title: "TABLE",
        help: "the table; its schema is left out where that is public",
        width: Width::Fit(14, 36),
        align: Align::Left,
        cell: |row| Cell::text(row.name.as_str()),
        key: |row| Key::from(row.name.as_str()),
    },
    right(
        ("size", "SIZE", "bytes on disk with indexes and TOAST"),
        (8, 8),
        size,
        |row| Key::from(row.bytes.value()),
    ),
    right(
        (
            "growth",
            "GROWTH",
            "change since it was last measured; `new file`: truncated or rewritten in between",
        ),
        (8, 9),
        grown,
        |row| Key::from(grown_bytes(row)),
    ),
    right(
        ("hour", "PER HOUR", "how fast it grows, over the last hour at most"),
        (8, 8),
        per_hour,
        |row| Key::from(rate(row)),
    ),
    right(
        (
            "heap",
            "HEAP",
            "the table itself with its free space and visibility maps",
        ),
        (7, 7),
        |row| part(row.relation.size.map(|size| size.heap)),
        |row| Key::from(row.relation.size.map(|size| size.heap)),
    ),
    right(
        ("indexes", "INDEXES", "all its indexes"),
        (7, 7),
        |row| part(row.relation.size.map(|size| size.indexes)),
        |row| Key::from(row.relation.size.map(|size| size.indexes)),
    ),
    right(
        ("toast", "TOAST", "its TOAST table: values too long for a row"),
        (7, 7),
        |row| part(row.relation.size.map(|size| size.toast)),
        |row| Key::from(row.relation.size.map(|size| size.toast)),
    ),
    right(("rows", "ROWS", "live rows by the statistics"), (6, 7), live, |row| {
        row.counted(row.relation.live)
            .map_or(Key::Number(row.relation.reltuples), Key::from)
    }),
    right(
        ("dead", "DEAD", "dead rows by the statistics"),
        (6, 6),
        |row| {
            row.counted(row.relation.dead)
                .map_or(cells::UNKNOWN, |dead| Cell::new(format::count(dead), dead_role(row)))
        },
        |row| Key::from(row.counted(row.relation.dead)),
    ),
    right(
        ("deadpct", "DEAD %", "dead rows among all"),
        (6, 7),
        |row| {
            dead_percent(row).map_or(Cell::empty(), |percent| {
                Cell::new(format::percent(percent), dead_role(row))
            })
        },
        |row| Key::from(dead_percent(row)),
    ),
    right(
        ("seq", "SEQ", "sequential scans since the counters began"),
        (6, 6),
        |row| cells::count(row.relation.seq_scan),
        |row| Key::from(row.relation.seq_scan),
    ),
    right(
        ("idx", "IDX", "scans of its indexes since the counters began"),
        (6, 6),
        |row| cells::count(row.relation.idx_scan),
        |row| Key::from(row.relation.idx_scan),
    ),
    right(
        (
            "hit",
            "HIT",
            "blocks found in shared_buffers, of table, TOAST and indexes",
        ),
        (6, 7),
        |row| hit(row).map_or(Cell::empty(), |percent| Cell::text(format::percent(percent))),
        |row| Key::from(hit(row)),
    ),
    right(
        (
            "changed",
            "CHANGED",
            "rows changed since the last ANALYZE: the statistics do not know of them",
        ),
        (7, 7),
        |row| row.counted(row.relation.modified).map_or(cells::UNKNOWN, cells::count),
        |row| Key::from(row.counted(row.relation.modified)),
    ),
    right(
        ("vacuum", "VACUUM", "how long ago it was vacuumed, by hand or not"),
        (6, 6),
        |row| when(row, row.vacuumed_s),
        |row| Key::from(row.vacuumed_s),
    ),
    right(
        ("analyze", "ANALYZE", "how long ago it was analyzed, by hand or not"),
        (7, 7),
        |row| when(row, row.analyzed_s),
        |row| Key::from(row.analyzed_s),
    ),
];

fn live(row: &Row) -> Cell<'_> {
    match row.counted(row.relation.live) {
        Some(live) => cells::count(live),
        None if row.relation.reltuples < 0.0 => cells::UNKNOWN,
        None => Cell::new(
            format!("{}{}", cells::ABOUT, format::count(row.relation.reltuples)),
            Role::Estimated,
        ),
    }
}

fn when(row: &Row, ago: Option<f64>) -> Cell<'_> {
    if row.standby { cells::UNKNOWN } else { ago_or_never(ago) }
}

fn size(row: &Row) -> Cell<'_> {
    match row.bytes {
        Bytes::Measured(bytes) => Cell::text(format::bytes(bytes)),
        Bytes::Remembered(bytes, _) | Bytes::Estimated(bytes) => cells::estimated(bytes),
    }
}

fn part(bytes: Option<i64>) -> Cell<'static> {
    match bytes {
        Some(0) => Cell::new("0 B", Role::Muted),
        Some(bytes) => Cell::text(format::bytes(bytes)),
        None => Cell::new("skipped", Role::Estimated),
    }
}

fn grown_bytes(row: &Row) -> Option<i64> {
    match row.growth {
        Growth::Since { bytes, .. } | Growth::Rewritten { bytes } => Some(bytes),
        Growth::NotMeasured | Growth::First => None,
    }
}

fn rate(row: &Row) -> Option<f64> {
    match row.growth {
        Growth::Since { per_hour, .. } => per_hour,
        _ => None,
    }
}

fn grown(row: &Row) -> Cell<'_> {
    match row.growth {
        Growth::NotMeasured => Cell::new("skipped", Role::Estimated),
        Growth::First => Cell::new(format::NONE, Role::Muted),
        Growth::Rewritten { .. } => Cell::new("new file", Role::Notice),
        Growth::Since { bytes, .. } => signed(float(bytes)),
    }
}

fn per_hour(row: &Row) -> Cell<'_> {
    rate(row).map_or(Cell::new(format::NONE, Role::Muted), signed)
}

/// Bytes with their sign; no change is dimmed.
fn signed(bytes: f64) -> Cell<'static> {
    let sign = match bytes {
        bytes if bytes >= 0.5 => "+",
        bytes if bytes <= -0.5 => "-",
        _ => return Cell::new("0 B", Role::Muted),
    };
    Cell::text(format!("{sign}{}", format::bytes(bytes.abs())))
}

fn hit(row: &Row) -> Option<f64> {
    let missed = row.relation.blocks_fetched.saturating_sub(row.relation.blocks_hit);
    share(float(row.relation.blocks_hit), float(missed.max(0)))
}
