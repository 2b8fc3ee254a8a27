//! The databases of the server beside each other, and the way to another one: the popup of `d`.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::action::Action;
use crate::app::keymap::Keymap;
use crate::known::Freshness;
use crate::model::databases::{self, Rates, Watch};
use crate::pane::{Copy, Place, Reply, View};
use crate::probe::Probe;
use crate::probe::database_list::{Database, DatabaseList, POPUP};
use crate::probe::databases::DatabasesProbe;
use crate::ui::filter::Filter;
use crate::ui::look::{Look, Role};
use crate::ui::table::{self, Align, Cell, Column, Key, Order, Record, Table, Width};
use crate::ui::{format, text};
use crate::world::World;

const ACTIONS: &[Action] = &[
    Action::Up,
    Action::Down,
    Action::PageUp,
    Action::PageDown,
    Action::First,
    Action::Last,
    Action::Left,
    Action::Right,
    Action::SortPrev,
    Action::SortNext,
    Action::Reverse,
    Action::Enter,
];

/// A database as it is listed.
#[derive(Debug)]
struct Row {
    database: Database,
    /// Bytes on disk, as last measured.
    bytes: Option<i64>,
    rates: Option<Rates>,
}

impl Row {
    fn note(&self) -> &'static str {
        match databases::closed(&self.database) {
            _ if self.database.here => "connected",
            Some(why) => why,
            None => "",
        }
    }

    fn connections(&self) -> String {
        let Database {
            connections,
            connection_limit,
            ..
        } = self.database;
        if connection_limit >= 0 {
            format!("{connections}/{connection_limit}")
        } else {
            connections.to_string()
        }
    }
}

impl Record for Row {
    type Id = String;

    fn id(&self) -> String {
        self.database.datname.clone()
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn role(&self) -> Option<Role> {
        let closed = databases::closed(&self.database).is_some();
        (closed && !self.database.here).then_some(Role::Muted)
    }
}

fn rate(row: &Row, value: impl Fn(&Rates) -> Option<String>) -> Cell<'static> {
    let known = row.rates.as_ref().and_then(value);
    known.map_or_else(|| Cell::new("-", Role::Muted), Cell::text)
}

static COLUMNS: &[Column<Row>] = &[
    Column {
        id: "name",
        title: "DATABASE",
        help: "its name",
        width: Width::Fit(8, 24),
        align: Align::Left,
        cell: |row| {
            let role = if row.database.here { Role::Title } else { Role::Text };
            Cell::new(row.database.datname.as_str(), role)
        },
        key: |row| Key::from(row.database.datname.as_str()),
    },
    Column {
        id: "size",
        title: "SIZE",
        help: "bytes on disk, measured rarely",
        width: Width::Fit(6, 9),
        align: Align::Right,
        cell: |row| {
            row.bytes.map_or_else(
                || Cell::new("?", Role::Denied),
                |bytes| Cell::new(format!("≈{}", format::bytes(bytes)), Role::Estimated),
            )
        },
        key: |row| Key::from(row.bytes),
    },
    Column {
        id: "conn",
        title: "CONN",
        help: "backends in it, ours included; of its connection limit if it has one",
        width: Width::Fit(4, 9),
        align: Align::Right,
        cell: |row| Cell::text(row.connections()),
        key: |row| Key::Number(f64::from(row.database.connections)),
    },
    Column {
        id: "tps",
        title: "TX/S",
        help: "transactions per second, rolled back ones included, since the reading before",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| rate(row, |rates| Some(format::rate(rates.transactions))),
        key: |row| row.rates.map_or(Key::None, |rates| Key::Number(rates.transactions)),
    },
    Column {
        id: "hit",
        title: "HIT",
        help: "share of blocks found in shared_buffers since the reading before; - when none was asked for",
        width: Width::Fit(6, 7),
        align: Align::Right,
        cell: |row| rate(row, |rates| rates.hit.map(format::percent)),
        key: |row| Key::from(row.rates.and_then(|rates| rates.hit)),
    },
    Column {
        id: "temp",
        title: "TEMP/S",
        help: "bytes of temporary files per second, counted when they are closed",
        width: Width::Fit(6, 9),
        align: Align::Right,
        cell: |row| rate(row, |rates| Some(format::bytes_per_s(rates.temp_bytes))),
        key: |row| row.rates.map_or(Key::None, |rates| Key::Number(rates.temp_bytes)),
    },
    Column {
        id: "dead",
        title: "DEADL",
        help: "deadlocks since its counters were reset",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| Cell::text(format::count(row.database.deadlocks)),
        key: |row| Key::from(row.database.deadlocks),
    },
    Column {
        id: "xid",
        title: "XID AGE",
        help: "transactions since its oldest unfrozen one: see Wraparound",
        width: Width::Fit(7, 7),
        align: Align::Right,
        cell: |row| Cell::text(format::count(row.database.xid_age)),
        key: |row| Key::from(row.database.xid_age),
    },
    Column {
        id: "note",
        title: "",
        help: "whether it is the connected one, and why it cannot be switched to",
        width: Width::Rest(9),
        align: Align::Left,
        cell: |row| Cell::new(row.note(), Role::Muted),
        key: |row| Key::Text(row.note().into()),
    },
];

/// The popup of `d`.
#[derive(Debug)]
pub struct Databases {
    table: Table<Row>,
    watch: Watch,
    /// Said instead of rows.
    absent: Option<String>,
    title: String,
    foot: String,
    stale: bool,
}

impl Databases {
    /// The list, with that database selected if one is named.
    #[must_use]
    pub fn new(selected: Option<String>, keymap: &Keymap) -> Self {
        let mut table = Table::new(("name", Order::Ascending));
        if let Some(name) = selected {
            table.select(name);
        }
        let hints = [(Action::Enter, "switch to it"), (Action::Back, "close")];
        Self {
            table,
            watch: Watch::default(),
            absent: None,
            title: String::new(),
            foot: super::hints(keymap, &hints),
            stale: false,
        }
    }

    fn rows(&mut self, world: &World) -> Vec<Row> {
        let (Some(reading), Some(ran)) = (world.get::<DatabaseList>(), world.latest.ran::<DatabaseList>()) else {
            return Vec::new();
        };
        self.watch.observe(ran, reading);
        let sizes = world.get::<DatabasesProbe>().map_or(&[][..], Vec::as_slice);
        let row = |database: &Database| Row {
            bytes: sizes
                .iter()
                .find(|size| size.oid == database.oid)
                .and_then(|size| size.bytes),
            rates: self.watch.rates(database.oid),
            database: database.clone(),
        };
        reading.databases.iter().map(row).collect()
    }

    /// Enter on a database.
    fn chosen(&self) -> Reply {
        let Some(row) = self.table.selected() else {
            return Reply::Taken;
        };
        let name = &row.database.datname;
        match databases::closed(&row.database) {
            _ if row.database.here => Reply::Tell(format!("The session is in {name} already.")),
            Some(why) => Reply::Tell(format!("The session cannot go to {name}: {why}.")),
            None => Reply::Switch(name.clone()),
        }
    }
}

/// The title: whose databases, and how old their sizes are.
fn title(world: &World) -> String {
    let sizes = match world.freshness(DatabasesProbe::SPEC.id) {
        Freshness::Fresh(age) | Freshness::Stale(age) => {
            format!("sizes {} old", format::age(age.as_secs_f64()))
        }
        Freshness::Loading | Freshness::Skipped(_) => "sizes are being asked for".to_owned(),
        Freshness::Failed => "sizes unknown".to_owned(),
    };
    format!("Databases of {} · {sizes}", world.label)
}

impl View for Databases {
    fn id(&self) -> &'static str {
        POPUP
    }

    fn title(&self) -> String {
        "Databases".to_owned()
    }

    fn probes(&self) -> Vec<&'static str> {
        vec![DatabaseList::SPEC.id, DatabasesProbe::SPEC.id]
    }

    fn actions(&self) -> Vec<Action> {
        ACTIONS.to_vec()
    }

    fn derive(&mut self, world: &World) {
        self.title = title(world);
        self.stale = matches!(world.freshness(DatabaseList::SPEC.id), Freshness::Stale(_));
        let rows = self.rows(world);
        self.absent = rows.is_empty().then(|| {
            let failed = world.last_ran(DatabaseList::SPEC.id).and_then(|ran| ran.fault.as_ref());
            failed.map_or_else(|| "Asking for the databases.".to_owned(), ToString::to_string)
        });
        self.table.set_rows(rows);
    }

    fn arrange(&mut self, area: Rect) {
        self.table.arrange(inside(area));
    }

    fn on(&mut self, action: Action, _world: &World) -> Reply {
        if action == Action::Enter {
            self.table.choose();
            return self.chosen();
        }
        if self.table.on(action) {
            Reply::Moved
        } else {
            Reply::Ignored
        }
    }

    fn draw(&self, _world: &World, look: &Look, area: Rect, buf: &mut Buffer) {
        super::frame(&self.title, &self.foot, look, area, buf);
        let inner = inside(area);
        if let Some(absent) = &self.absent {
            let style = look.style(Role::Muted);
            text::put(buf, (inner.x, inner.y), inner.width, absent, style, look.glyphs);
            return;
        }
        let options = table::Options {
            stale: self.stale,
            unfocused: false,
        };
        self.table.draw(look, inner, buf, options);
    }

    fn copies(&self, _world: &World) -> Vec<Copy> {
        self.table.copies().into_iter().map(Copy::from).collect()
    }

    fn filter(&self) -> Option<&Filter> {
        Some(self.table.filter())
    }

    fn parse_filter(&self, text: &str) -> Result<Filter, String> {
        Filter::parse(text, &Table::<Row>::column_ids())
    }

    fn set_filter(&mut self, filter: Filter) {
        self.table.set_filter(filter);
    }

    fn help(&self) -> Vec<(String, String)> {
        let columns = COLUMNS.iter().filter(|column| !column.title.is_empty());
        columns
            .map(|column| (column.title.to_owned(), column.help.to_owned()))
            .collect()
    }

    fn place(&self) -> Place {
        Place::Popup(110, 24)
    }
}

/// The room within the frame.
fn inside(area: Rect) -> Rect {
    Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(2),
    }
}
