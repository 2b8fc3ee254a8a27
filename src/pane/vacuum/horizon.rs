//! Who keeps dead rows from VACUUM: the holders of the xmin horizon, what each keeps, and what helps.

use std::collections::HashMap;

use super::super::common::{Notice, grant, who};
use super::super::list::{List, Piece};
use super::super::page::Rich;
use super::super::{Badge, Copy, Reply};
use super::muted;
use crate::action::Action;
use crate::alert::Thing;
use crate::model::concern::Severity;
use crate::model::horizon::{self, Kind, Reach};
use crate::model::overview;
use crate::model::rates::float;
use crate::model::remedy::Who;
use crate::model::waits::Profile;
use crate::probe::activity::{Activity, Backend};
use crate::probe::autovacuum::AutovacuumProbe;
use crate::probe::horizon::{Holder, HorizonProbe, TOP};
use crate::probe::{Probe as _, Subject};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Order, Record, Width};
use crate::world::World;

/// The panel.
#[derive(Debug, Default)]
pub(super) struct Horizon {
    /// Idle transactions that hold nothing.
    harmless: usize,
    /// Sessions whose snapshot may not be seen.
    hidden: usize,
}

/// A holder's age for the order. A logical slot is often a little older than whoever keeps the rows of tables, and keeps
/// few: it is not to stand in front of them.
fn weight(holder: &Holder) -> f64 {
    let age = float(holder.xmin_age);
    match horizon::reach(holder) {
        Reach::Catalogs => age / 2.0,
        Reach::Everywhere | Reach::Database(_) => age,
    }
}

/// Sessions with the same snapshot that are listed one by one: they wait for one thing, and ending one frees nothing.
const ALIKE: usize = 3;

/// A holder.
#[derive(Clone, Debug)]
pub(super) struct Row {
    holder: Holder,
    /// So many more sessions of that database as old as this one, for which the line stands.
    more: Option<usize>,
    /// There may be others that were not asked for.
    cut: bool,
    old: bool,
    /// The most dead rows of the connected database it can keep.
    kept: Option<i64>,
}

impl Record for Row {
    /// Kind, name, pid, and whether it stands for others.
    type Id = (String, String, Option<i32>, bool);

    fn id(&self) -> Self::Id {
        let Holder { kind, name, pid, .. } = &self.holder;
        (kind.clone(), name.clone(), *pid, self.more.is_some())
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn mark(&self) -> Option<Role> {
        (self.old && self.more.is_none()).then_some(Role::Warning)
    }

    fn depth(&self) -> u16 {
        u16::from(self.more.is_some())
    }

    fn whole(&self) -> Option<Cell<'_>> {
        let at_least = if self.cut { "at least " } else { "" };
        let sessions = format::counted(self.more?, "more session", "more sessions");
        let text = format!("and {at_least}{sessions} as old: XMIN in Activity shows them");
        Some(Cell::new(text, Role::Muted))
    }

    fn selectable(&self) -> bool {
        self.more.is_none()
    }

    fn marked() -> bool {
        true
    }
}

static COLUMNS: &[Column<Row>] = &[
    Column {
        id: "holder",
        title: "HOLDER",
        help: "role of the session, name of the prepared transaction, slot or standby",
        width: Width::Fit(6, 24),
        align: Align::Left,
        cell: |row| Cell::text(row.holder.name.as_str()),
        key: |row| Key::from(row.holder.name.as_str()),
    },
    Column {
        id: "kind",
        title: "KIND",
        help: "session, prepared transaction, slot (feedback of its standby), slot catalog (logical decoding), standby \
               (hot_standby_feedback without a slot)",
        width: Width::Fit(7, 20),
        align: Align::Left,
        cell: |row| Cell::text(row.holder.kind.as_str()),
        key: |row| Key::from(row.holder.kind.as_str()),
    },
    Column {
        id: "xids",
        title: "XIDS",
        help: "how many transactions ago: rows deleted since then stay; in the order, what holds catalogs only counts \
               half",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| {
            let role = if row.old { Role::Warning } else { Role::Text };
            Cell::new(format::count(row.holder.xmin_age), role)
        },
        key: |row| Key::Number(weight(&row.holder)),
    },
    Column {
        id: "since",
        title: "SINCE",
        help: "age of its transaction; slots and standbys have none",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| {
            row.holder
                .age_s
                .map_or(Cell::empty(), |age| Cell::text(format::duration(age)))
        },
        key: |row| Key::from(row.holder.age_s),
    },
    Column {
        id: "holds",
        title: "HOLDS",
        help: "the rows it keeps: those of one database, of all databases, or of system catalogs only",
        width: Width::Fit(5, 20),
        align: Align::Left,
        cell: |row| match horizon::reach(&row.holder) {
            Reach::Everywhere => Cell::text("all databases"),
            Reach::Database(database) => Cell::text(database),
            Reach::Catalogs => Cell::new("catalogs only", Role::Muted),
        },
        key: |row| match horizon::reach(&row.holder) {
            Reach::Database(database) => Key::Text(database.into()),
            Reach::Everywhere | Reach::Catalogs => Key::None,
        },
    },
    Column {
        id: "keeps",
        title: "KEEPS",
        help: "≤ dead rows of the connected database it can keep: all that are counted there; nobody counts which of \
               them were deleted since. Nothing is known of other databases",
        width: Width::Fit(5, 8),
        align: Align::Right,
        cell: |row| match row.kept {
            Some(kept) => Cell::text(format!("≤{}", format::count(kept))),
            None => Cell::empty(),
        },
        key: |row| Key::from(row.kept),
    },
    Column {
        id: "state",
        title: "STATE",
        help: "what the session does, or whether the slot is in use",
        width: Width::Fit(5, 22),
        align: Align::Left,
        cell: state,
        key: |row| Key::from(row.holder.state.as_deref()),
    },
    Column {
        id: "pid",
        title: "PID",
        help: "the process behind it",
        width: Width::Fit(5, 10),
        align: Align::Right,
        cell: |row| row.holder.pid.map_or(Cell::empty(), |pid| Cell::text(pid.to_string())),
        key: |row| Key::from(row.holder.pid),
    },
    Column {
        id: "application",
        title: "APPLICATION",
        help: "application_name",
        width: Width::Fit(11, 40),
        align: Align::Left,
        cell: |row| muted(row.holder.application.as_deref()),
        key: |row| Key::from(row.holder.application.as_deref()),
    },
];

fn state(row: &Row) -> Cell<'_> {
    match (row.holder.active, horizon::kind(&row.holder)) {
        (Some(false), _) => Cell::new("inactive", Role::Notice),
        (Some(true), Kind::Slot | Kind::SlotCatalog) => Cell::text("in use"),
        _ => Cell::maybe(row.holder.state.as_deref()),
    }
}

/// The rows; of more than a few sessions of one database that are equally old, a line stands for the others.
fn fold(rows: Vec<Row>) -> Vec<Row> {
    let snapshot = |row: &Row| (row.holder.xmin_age, row.holder.database.clone(), row.old);
    let mut alike: HashMap<_, usize> = HashMap::new();
    for row in rows.iter().filter(|row| horizon::kind(&row.holder) == Kind::Session) {
        *alike.entry(snapshot(row)).or_default() += 1;
    }
    // One alone is rather shown than counted.
    alike.retain(|_, sessions| *sessions > ALIKE + 1);
    let mut met: HashMap<_, usize> = HashMap::new();
    let mut listed = Vec::with_capacity(rows.len());
    for row in rows {
        let all = alike
            .get(&snapshot(&row))
            .filter(|_| horizon::kind(&row.holder) == Kind::Session);
        let Some(all) = all else {
            listed.push(row);
            continue;
        };
        let nth = met.entry(snapshot(&row)).or_default();
        *nth += 1;
        if *nth == ALIKE {
            let more = Some(all - ALIKE);
            listed.extend([row.clone(), Row { more, ..row }]);
        } else if *nth < ALIKE {
            listed.push(row);
        }
    }
    listed
}

/// The session behind a holder, as the newest sample of sessions knows it.
fn session<'a>(holder: &Holder, world: &'a World) -> Option<&'a Backend> {
    let (pid, start) = (holder.pid?, holder.start?);
    let backends = world.get::<Activity>()?;
    backends
        .iter()
        .find(|backend| (backend.pid, backend.start) == (pid, start))
}

impl List for Horizon {
    type Row = Row;
    const ID: &'static str = "horizon";
    const TITLE: &'static str = "Horizon";
    const PROBES: &'static [&'static str] = &[HorizonProbe::SPEC.id, AutovacuumProbe::SPEC.id];
    const SORT: Option<(&'static str, Order)> = Some(("xids", Order::Descending));
    const ACTIONS: &'static [Action] = &[Action::Enter];
    const HELP: &'static [(&'static str, &'static str)] = &[
        (
            "Horizon",
            "VACUUM removes a dead row only when nobody can see it any more: the oldest holder of a database decides",
        ),
        ("yellow mark", "older than an hour, or than ten million transactions"),
        (
            "not listed",
            "sessions idle in a transaction without a transaction id or snapshot, and VACUUM itself: they hold nothing",
        ),
    ];
    const ASKING: &'static str = "Asking who holds the xmin horizon.";

    fn rows(&mut self, world: &World) -> Option<Vec<Row>> {
        let holders = world.get::<HorizonProbe>()?;
        let totals = world.get::<AutovacuumProbe>().map(|queue| &queue.totals);
        let backends = world.get::<Activity>().map(Vec::as_slice).unwrap_or_default();
        let sees_all = world.sees_all();
        self.harmless = horizon::idle_without_snapshot(backends);
        self.hidden = if sees_all { 0 } else { Profile::of(backends).hidden };
        let row = |holder: &Holder| Row {
            more: None,
            cut: holders.len() >= usize::from(TOP),
            old: horizon::old(holder),
            kept: horizon::kept(holder, totals),
            holder: holder.clone(),
        };
        Some(fold(holders.iter().map(row).collect()))
    }

    fn head(&self, world: &World, rows: &[Row]) -> Vec<Piece> {
        let Some(holders) = world.get::<HorizonProbe>() else {
            return Vec::new();
        };
        let mut pieces = Vec::new();
        if let Some(oldest) = overview::holder(holders) {
            let old = rows.iter().any(|row| row.old);
            let role = if old { Role::Warning } else { Role::Text };
            pieces.push((
                format!("tables held {} transactions back", format::count(oldest.xmin_age)),
                role,
            ));
        }
        if let Some(queue) = world.get::<AutovacuumProbe>() {
            let database = world.database();
            let dead = format!("{} dead rows counted in {database}", format::count(queue.totals.dead));
            pieces.push((dead, Role::Text));
        }
        if self.harmless > 0 {
            let sessions = format::counted(self.harmless, "idle transaction holds", "idle transactions hold");
            pieces.push((format!("{sessions} nothing"), Role::Muted));
        }
        pieces
    }

    fn nothing(&self, world: &World) -> Notice {
        if world.in_recovery() && self.hidden == 0 {
            return Notice::new(
                Role::Muted,
                "No session on this standby keeps rows on the primary; who else does is shown there.",
            );
        }
        if self.hidden > 0 {
            return Notice::new(
                Role::Muted,
                "Nobody that this role can see holds the xmin horizon back.",
            );
        }
        Notice::new(
            Role::Muted,
            "Nobody holds the xmin horizon back: VACUUM may remove every dead row.",
        )
    }

    fn notice(&self, world: &World, _rows: &[Row]) -> Option<Notice> {
        (self.hidden > 0).then(|| {
            let sessions = format::counted(self.hidden, "session", "sessions");
            Notice::hidden(&format!("The snapshots of {sessions} are"), &grant(world))
        })
    }

    fn about(&self, row: &Row) -> Vec<Rich> {
        let mut rich = Rich::new(row.holder.kind.as_str(), Role::Text);
        rich.push(format!(" {}", row.holder.name), Role::Text);
        if let Some(detail) = &row.holder.detail {
            rich.fact(detail.as_str(), Role::Muted);
        }
        vec![rich, Rich::new(horizon::advice(&row.holder), Role::Text)]
    }

    fn on(&mut self, action: Action, row: Option<&Row>, _world: &World) -> Reply {
        let subject = row.and_then(|row| row.holder.pid.zip(row.holder.start));
        match (action, subject) {
            (Action::Enter, Some((pid, start))) => Reply::Open(Subject::Backend { pid, start }),
            (Action::Enter, None) => Reply::Tell("No process stands behind it.".to_owned()),
            _ => Reply::Ignored,
        }
    }

    fn is(row: &Row, thing: &Thing) -> bool {
        let holder = &row.holder;
        let kind = horizon::kind(holder);
        match thing {
            // The line that stands for others is not one of them.
            _ if row.more.is_some() => false,
            Thing::Backend { pid, start } => (holder.pid, holder.start) == (Some(*pid), Some(*start)),
            Thing::Prepared(gid) => kind == Kind::Prepared && holder.name == *gid,
            Thing::Slot(name) => matches!(kind, Kind::Slot | Kind::SlotCatalog) && holder.name == *name,
            Thing::Standby(pid) => kind == Kind::Standby && holder.pid == Some(*pid),
            _ => false,
        }
    }

    fn badge(&self, rows: &[Row]) -> Option<Badge> {
        let old = rows.iter().filter(|row| row.old);
        let count = old.map(|row| row.more.unwrap_or(1)).sum();
        Badge::of(Severity::Warning, count)
    }

    fn copies(&self, row: &Row, world: &World) -> Vec<Copy> {
        let known = session(&row.holder, world).map(|backend| who(backend, world));
        let who = known.unwrap_or(Who {
            pid: row.holder.pid.unwrap_or_default(),
            user: Some(&row.holder.name),
            database: row.holder.database.as_deref(),
            application: row.holder.application.as_deref(),
            state: row.holder.state.as_deref(),
            ..Who::default()
        });
        let prepared = world.began::<HorizonProbe>(row.holder.age_s);
        let remedies = horizon::remedies(&row.holder, &who, prepared);
        remedies.into_iter().map(Copy::from).collect()
    }
}
