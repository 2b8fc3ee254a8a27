//! The databases, all of them: the oldest one stops the whole server.

use super::cells::{self, Around};
use crate::action::Action;
use crate::alert::Thing;
use crate::model::wraparound::{self, Burn, Counter, Level, Rescue, Ways};
use crate::pane::common::Notice;
use crate::pane::list::{List, Piece};
use crate::pane::page::Rich;
use crate::pane::{Badge, Copy, Reply};
use crate::probe::Probe;
use crate::probe::horizon::Holder;
use crate::probe::wraparound_databases::{Database, Limits, WraparoundDatabases};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Order, Record, Width};
use crate::world::World;

/// The list.
#[derive(Debug, Default)]
pub(super) struct Databases {
    /// How many are not listed because they are healthy.
    hidden: usize,
}

/// A database and what is known around it.
#[derive(Debug)]
pub(super) struct Row {
    database: Database,
    ways: Ways,
    burn: Burn,
    rescue: Rescue,
    holder: Option<Holder>,
}

impl Row {
    fn new(database: &Database, limits: &Limits, around: &Around<'_>) -> Self {
        let ways = Ways::of_database(database, limits);
        let holder = wraparound::holder_before(around.holders, None);
        Self {
            rescue: wraparound::rescue_of_database(around.backends, &database.datname, around.sees_all),
            holder: wraparound::held_back(&ways.xid, holder).cloned(),
            burn: around.burn,
            ways,
            database: database.clone(),
        }
    }

    /// How bad it is; what an interrupted DROP left over holds nothing back.
    fn level(&self) -> Level {
        if self.database.invalid {
            Level::Fine
        } else {
            self.ways.level()
        }
    }

    fn note(&self) -> String {
        let database = &self.database;
        let mut facts = cells::doing(self.level(), self.rescue, self.holder.as_ref());
        let mut fact = |is: bool, text: &str| {
            if is {
                facts.push(text.to_owned());
            }
        };
        fact(database.invalid, "left by an interrupted DROP DATABASE, does not count");
        fact(database.here, "connected");
        fact(database.template, "template");
        fact(
            !database.allows_connections && !database.invalid,
            "allows no connections",
        );
        facts.join(" · ")
    }
}

impl Record for Row {
    type Id = u32;

    fn id(&self) -> u32 {
        self.database.oid
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn mark(&self) -> Option<Role> {
        cells::mark(self.level())
    }

    fn marked() -> bool {
        true
    }
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
        id: "way",
        title: "WAY",
        help: "how much of the way to the stop is behind it, by transactions or multixacts, whichever is further",
        width: Width::Fit(6, 7),
        align: Align::Right,
        cell: |row| cells::way(&row.ways),
        key: |row| Key::Number(row.ways.worse().1.percent()),
    },
    Column {
        id: "xid",
        title: "XID AGE",
        help: "transactions since its oldest unfrozen one: age(datfrozenxid)",
        width: Width::Fit(7, 7),
        align: Align::Right,
        cell: |row| cells::age(&row.ways.xid),
        key: |row| Key::from(row.ways.xid.age),
    },
    Column {
        id: "mxid",
        title: "MXID AGE",
        help: "multixacts since its oldest one: mxid_age(datminmxid)",
        width: Width::Fit(8, 8),
        align: Align::Right,
        cell: |row| cells::age(&row.ways.multixact),
        key: |row| Key::from(row.ways.multixact.age),
    },
    Column {
        id: "left",
        title: "LEFT",
        help: "ids that can still be assigned before the stop, of whichever is further on its way",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| Cell::text(format::count(row.ways.worse().1.left())),
        key: |row| Key::from(row.ways.worse().1.left()),
    },
    Column {
        id: "stop",
        title: "STOP IN",
        help: "how long that lasts at the burn rate of this session (its last hour), whichever counter comes first",
        width: Width::Fit(7, 7),
        align: Align::Right,
        cell: |row| cells::stop_in(&row.ways, &row.burn),
        key: |row| Key::from(row.ways.seconds_left(&row.burn)),
    },
    Column {
        id: "forced",
        title: "FORCED",
        help: "how much of the way to its routine forced vacuum is behind it; past 100 % that is due",
        width: Width::Fit(6, 7),
        align: Align::Right,
        cell: |row| cells::forced(&row.ways),
        key: |row| Key::Number(row.ways.percent_of_forced()),
    },
    Column {
        id: "note",
        title: "NOTE",
        help: "who holds it back, whether a forced vacuum runs in it, what kind of database it is",
        width: Width::Rest(16),
        align: Align::Left,
        cell: |row| Cell::new(row.note(), Role::Muted),
        key: |row| Key::Text(row.note().into()),
    },
];

impl List for Databases {
    type Row = Row;
    const ID: &'static str = "wraparound_databases";
    const TITLE: &'static str = "Databases";
    const PROBES: &'static [&'static str] = &[
        WraparoundDatabases::SPEC.id,
        cells::BESIDE[0],
        cells::BESIDE[1],
        cells::BESIDE[2],
    ];
    const SORT: Option<(&'static str, Order)> = Some(("way", Order::Descending));
    const ACTIONS: &'static [Action] = &[Action::Enter];
    const HELP: &'static [(&'static str, &'static str)] = cells::HELP;
    const ASKING: &'static str = "Asking how old the databases are.";

    fn rows(&mut self, world: &World) -> Option<Vec<Row>> {
        let answer = world.get::<WraparoundDatabases>()?;
        let around = Around::of(world);
        let hides = world.settings.hide_postgres_defaults;
        let hidden = |database: &&Database| hides && wraparound::is_healthy_default(database, &answer.limits);
        self.hidden = answer.databases.iter().filter(hidden).count();
        let shown = answer.databases.iter().filter(|database| !hidden(database));
        Some(
            shown
                .map(|database| Row::new(database, &answer.limits, &around))
                .collect(),
        )
    }

    fn head(&self, world: &World, rows: &[Row]) -> Vec<Piece> {
        let mut head = vec![(format::counted(rows.len(), "database", "databases"), Role::Text)];
        head.extend(cells::hidden(i64::try_from(self.hidden).unwrap_or(i64::MAX)));
        head.push(cells::burn(world));
        head
    }

    fn nothing(&self, _world: &World) -> Notice {
        Notice::new(
            Role::Muted,
            "Only PostgreSQL's own databases are here, and they are healthy.",
        )
    }

    fn notice(&self, world: &World, rows: &[Row]) -> Option<Notice> {
        let Some(stopped) = rows.iter().find(|row| row.level() == Level::Stopped) else {
            return cells::hidden_from_us(world, rows.iter().map(Row::level));
        };
        let (counter, _) = stopped.ways.worse();
        let ids = match counter {
            Counter::Xid => "transaction",
            Counter::Multixact => "multixact",
        };
        let text = format!(
            "The server assigns no new {ids} ids because of database {}: end what holds it back, then VACUUM it \
             (no single-user mode). Reading goes on.",
            stopped.database.datname
        );
        Some(Notice::new(Role::Critical, text))
    }

    fn about(&self, row: &Row) -> Vec<Rich> {
        let lines = row.ways.both().into_iter();
        let mut about: Vec<Rich> = lines
            .map(|(counter, way)| cells::line(counter, way, &row.burn))
            .collect();
        let note = row.note();
        if !note.is_empty() {
            about.push(Rich::new(note, Role::Muted));
        }
        about
    }

    fn on(&mut self, _action: Action, row: Option<&Row>, _world: &World) -> Reply {
        match row {
            Some(row) if row.database.here => Reply::Tell("Its oldest relations are in the other panel: v.".to_owned()),
            Some(row) => Reply::Databases(row.database.datname.clone()),
            None => Reply::Ignored,
        }
    }

    fn is(row: &Row, thing: &Thing) -> bool {
        matches!(thing, Thing::Database(name) if *name == row.database.datname)
    }

    fn badge(&self, rows: &[Row]) -> Option<Badge> {
        cells::badge(rows.iter().map(Row::level))
    }

    fn copies(&self, row: &Row, _world: &World) -> Vec<Copy> {
        vec![Copy::new("VACUUM", wraparound::vacuum_database(&row.database))]
    }
}
