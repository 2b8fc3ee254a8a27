//! The locks on a table now.

use super::Last;
use crate::action::Action;
use crate::model::concern::Severity;
use crate::model::locks::object;
use crate::pane::common::{Notice, grant, query_copy};
use crate::pane::list::{List, Piece};
use crate::pane::page::Rich;
use crate::pane::{Badge, Copy, Reply};
use crate::probe::named::InTheWay;
use crate::probe::relation_locks::{Lock, Locks as Known, RelationLocks};
use crate::probe::{Probe as _, Subject};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Order, Record, Width};
use crate::world::World;

/// The mode that nothing goes together with.
const EXCLUSIVE: &str = "AccessExclusiveLock";

/// The panel.
#[derive(Debug, Default)]
pub(super) struct Locks {
    last: Last<Known>,
    all: i64,
    awaited: i64,
}

impl Locks {
    /// On that table.
    pub fn new(oid: u32) -> Self {
        Self {
            last: Last::new(oid),
            all: 0,
            awaited: 0,
        }
    }
}

/// Who holds or awaits an exclusive lock on what `on` picks.
pub(super) fn exclusive(locks: &[Lock], on: impl Fn(&Lock) -> bool) -> Option<InTheWay> {
    let lock = locks
        .iter()
        .filter(|lock| lock.mode == EXCLUSIVE && lock.locktype == "relation" && on(lock))
        .max_by_key(|lock| lock.granted)?;
    Some(InTheWay {
        pid: lock.pid,
        granted: lock.granted,
    })
}

/// A line.
#[derive(Clone, Debug)]
pub(super) struct Row(Lock);

impl Row {
    fn pid(&self) -> String {
        self.0.pid.map_or_else(|| "2PC".to_owned(), |pid| pid.to_string())
    }

    fn doing(&self) -> String {
        match (&self.0.state, &self.0.backend_type, self.0.pid) {
            (.., None) => "prepared transaction".to_owned(),
            _ if self.0.hidden => "hidden".to_owned(),
            (Some(state), ..) => state.clone(),
            (None, kind, _) => kind.clone().unwrap_or_default(),
        }
    }

    /// What is locked of the table.
    fn object(&self) -> String {
        let lock = &self.0;
        if let Some((page, tuple)) = lock.place {
            return format!("row ({page},{tuple})");
        }
        let indexes = match (lock.indexes, &lock.index) {
            (0, _) => None,
            (1, Some(index)) => Some(index.clone()),
            (count, _) => Some(format::counted(count, "index", "indexes")),
        };
        let parts = [
            lock.heap.then(|| "table".to_owned()),
            lock.toast.then(|| "TOAST".to_owned()),
            indexes,
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        let what = parts.join(", ");
        if lock.locktype == "relation" {
            what
        } else {
            format!("{} of {what}", lock.locktype)
        }
    }

    fn is_strong(&self) -> bool {
        matches!(
            object::mode(&self.0.mode),
            "ShareRowExclusive" | "Exclusive" | "AccessExclusive" | "Share"
        )
    }
}

impl Record for Row {
    type Id = (Option<i32>, String, bool, String);

    fn id(&self) -> Self::Id {
        (self.0.pid, self.0.mode.clone(), self.0.granted, self.object())
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn role(&self) -> Option<Role> {
        match (self.0.hidden, self.0.granted) {
            (true, _) => Some(Role::Denied),
            (false, false) => Some(Role::Warning),
            (false, true) => self.is_strong().then_some(Role::Notice),
        }
    }
}

static COLUMNS: &[Column<Row>] = &[
    Column {
        id: "pid",
        title: "PID",
        help: "process id; 2PC is a prepared transaction",
        width: Width::Fit(6, 8),
        align: Align::Left,
        cell: |row| Cell::text(row.pid()),
        key: |row| row.0.pid.map_or(Key::None, |pid| Key::Number(pid.into())),
    },
    Column {
        id: "held",
        title: "LOCK",
        help: "held, or awaited",
        width: Width::Fit(7, 7),
        align: Align::Left,
        cell: |row| Cell::text(if row.0.granted { "holds" } else { "awaits" }),
        key: |row| Key::Number(row.0.granted.into()),
    },
    Column {
        id: "mode",
        title: "MODE",
        help: "the lock's mode",
        width: Width::Fit(11, 20),
        align: Align::Left,
        cell: |row| Cell::text(object::mode(&row.0.mode)),
        key: |row| Key::from(row.0.mode.as_str()),
    },
    Column {
        id: "waits",
        title: "WAITS",
        help: "how long it has been awaited (14 and later)",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| {
            row.0
                .wait_s
                .map_or_else(Cell::empty, |wait| Cell::text(format::duration(wait)))
        },
        key: |row| Key::from(row.0.wait_s),
    },
    Column {
        id: "xact",
        title: "XACT",
        help: "age of the transaction",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| {
            row.0
                .xact_s
                .map_or_else(Cell::empty, |age| Cell::text(format::duration(age)))
        },
        key: |row| Key::from(row.0.xact_s),
    },
    Column {
        id: "state",
        title: "STATE",
        help: "what the session does",
        width: Width::Fit(6, 22),
        align: Align::Left,
        cell: |row| Cell::text(row.doing()),
        key: |row| Key::Text(row.doing().into()),
    },
    Column {
        id: "object",
        title: "ON",
        help: "the table, its indexes, its TOAST table, or one row",
        width: Width::Fit(5, 24),
        align: Align::Left,
        cell: |row| Cell::text(row.object()),
        key: |row| Key::Text(row.object().into()),
    },
    Column {
        id: "user",
        title: "USER",
        help: "the role of the session",
        width: Width::Fit(4, 14),
        align: Align::Left,
        cell: |row| Cell::text(row.0.usename.as_deref().unwrap_or_default()),
        key: |row| Key::Text(row.0.usename.as_deref().unwrap_or_default().into()),
    },
    Column {
        id: "query",
        title: "QUERY",
        help: "what it runs, or ran last",
        width: Width::Rest(20),
        align: Align::Left,
        cell: |row| Cell::text(row.0.query.as_deref().unwrap_or_default()),
        key: |row| Key::Text(row.0.query.as_deref().unwrap_or_default().into()),
    },
];

impl List for Locks {
    type Row = Row;
    const ID: &'static str = "relation-locks";
    const TITLE: &'static str = "Locks";
    const PROBES: &'static [&'static str] = &[RelationLocks::SPEC.id];
    const SORT: Option<(&'static str, Order)> = None;
    const ACTIONS: &'static [Action] = &[Action::Enter];
    const HELP: &'static [(&'static str, &'static str)] = &[
        (
            "order",
            "awaited locks first, exclusive ones before others, the longest wait first",
        ),
        (
            "one line",
            "what one session holds or awaits in one mode, however many indexes that is",
        ),
    ];
    const ASKING: &'static str = "Asking for the locks.";

    fn rows(&mut self, world: &World) -> Option<Vec<Row>> {
        let known = self.last.learn::<RelationLocks>(world)?;
        let rows = known.locks.iter().cloned().map(Row).collect();
        (self.all, self.awaited) = (known.all, known.awaited);
        Some(rows)
    }

    fn head(&self, _world: &World, rows: &[Row]) -> Vec<Piece> {
        if rows.is_empty() {
            return Vec::new();
        }
        let mut head = vec![(
            format!("{} held", format::count(self.all.saturating_sub(self.awaited))),
            Role::Title,
        )];
        if self.awaited > 0 {
            head.push((format!("{} awaited", format::count(self.awaited)), Role::Warning));
        }
        let shown = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        if shown < self.all {
            let text = format!("shows {} of {}", format::count(shown), format::count(self.all));
            head.push((text, Role::Warning));
        }
        head
    }

    fn nothing(&self, _world: &World) -> Notice {
        Notice::new(Role::Ok, "Nobody holds or awaits a lock on this table.")
    }

    fn notice(&self, world: &World, rows: &[Row]) -> Option<Notice> {
        let hidden = rows.iter().filter(|row| row.0.hidden).count();
        (hidden > 0).then(|| {
            let lines = format::counted(hidden, "line", "lines");
            Notice::hidden(&format!("State and text of {lines} are"), &grant(world))
        })
    }

    fn about(&self, row: &Row) -> Vec<Rich> {
        let lock = &row.0;
        let mut who = Rich::new(format!("{} {}", row.pid(), row.doing()), Role::Header);
        let facts = [&lock.usename, &lock.application_name];
        for fact in facts.into_iter().flatten().filter(|fact| !fact.is_empty()) {
            who.fact(fact.as_str(), Role::Header);
        }
        let query = lock.query.as_deref().filter(|query| !query.is_empty());
        let query = query.map(|query| Rich::new(query.trim_end(), Role::Text));
        std::iter::once(who).chain(query).collect()
    }

    fn on(&mut self, _action: Action, row: Option<&Row>, _world: &World) -> Reply {
        let who = row.and_then(|row| row.0.pid.zip(row.0.start));
        match (who, row) {
            (Some((pid, start)), _) => Reply::Open(Subject::Backend { pid, start }),
            (None, Some(_)) => Reply::Tell("A prepared transaction has no process; see the Locks pane.".to_owned()),
            (None, None) => Reply::Ignored,
        }
    }

    fn badge(&self, _rows: &[Row]) -> Option<Badge> {
        Badge::of(Severity::Warning, usize::try_from(self.awaited).unwrap_or_default())
    }

    fn copies(&self, row: &Row, _world: &World) -> Vec<Copy> {
        query_copy(row.0.query.as_deref()).into_iter().collect()
    }
}
