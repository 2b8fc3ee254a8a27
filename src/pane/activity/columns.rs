//! The columns of Activity, the most telling first: what does not fit scrolls, the query text always keeps its place
//! at the end.

use crate::model::activity::{Doing, Place, Row};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Record, Width};

/// An open transaction that runs nothing is worth a look after this many seconds, and trouble after the second.
const IDLE_IN_TRANSACTION_S: (f64, f64) = (10.0, 60.0);
/// The same for one that runs a statement.
const ACTIVE_S: (f64, f64) = (60.0, 600.0);

impl Record for Row {
    /// Pid and start.
    type Id = (i32, i64);

    fn id(&self) -> Self::Id {
        (self.backend.pid, self.backend.start)
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn role(&self) -> Option<Role> {
        match self.doing {
            _ if self.backend.hidden => Some(Role::Denied),
            Doing::Idle | Doing::Background => Some(Role::Muted),
            _ => None,
        }
    }

    fn mark(&self) -> Option<Role> {
        severity(self)
    }

    fn marked() -> bool {
        true
    }

    fn prefix(&self) -> &str {
        match self.place {
            Place::Worker { last: true } => "└ ",
            Place::Worker { last: false } => "├ ",
            Place::Alone | Place::Leader(_) => "",
        }
    }

    fn depth(&self) -> u16 {
        u16::from(matches!(self.place, Place::Worker { .. }))
    }
}

/// How bad a row is: others wait for it and it waits for nobody; it waits for a lock, or holds a transaction open
/// for long.
fn severity(row: &Row) -> Option<Role> {
    if row.blocks > 0 && !row.waits_for_lock {
        return Some(Role::Critical);
    }
    let own = if row.waits_for_lock {
        Role::Warning
    } else {
        age_role(row)
    };
    matches!(own, Role::Warning | Role::Notice).then_some(own)
}

/// What the age of a row's transaction means. Processes of the server may take their time.
fn age_role(row: &Row) -> Role {
    let (notice, warning) = match row.doing {
        Doing::IdleInTransaction | Doing::Aborted => IDLE_IN_TRANSACTION_S,
        Doing::Running | Doing::Waiting => ACTIVE_S,
        Doing::Idle | Doing::Unknown | Doing::Background => return Role::Text,
    };
    match row.busy_s() {
        Some(age) if age >= warning => Role::Warning,
        Some(age) if age >= notice => Role::Notice,
        _ => Role::Text,
    }
}

static COLUMNS: &[Column<Row>] = &[
    Column {
        id: "pid",
        title: "PID",
        help: "process id of the backend; parallel workers stand under their leader",
        width: Width::Fit(5, 10),
        align: Align::Left,
        cell: |row| Cell::text(row.backend.pid.to_string()),
        key: |row| Key::Number(f64::from(row.backend.pid)),
    },
    Column {
        id: "xact",
        title: "XACT",
        help: "age of the open transaction",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| seconds(row.backend.xact_s, age_role(row)),
        key: |row| Key::from(row.backend.xact_s),
    },
    Column {
        id: "age",
        title: "QUERY",
        help: "how long the statement has been running; dimmed: how long ago the last one ended",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| match row.doing {
            doing if doing.active() => seconds(row.backend.query_s, Role::Text),
            _ => seconds(row.backend.state_s, Role::Muted),
        },
        key: |row| Key::from(row.backend.query_s.filter(|_| row.doing.active())),
    },
    Column {
        id: "state",
        title: "STATE",
        help: "what it does; `failed tx` is idle in a transaction that can only be rolled back",
        width: Width::Fit(6, 9),
        align: Align::Left,
        cell: state,
        key: |row| Key::Text(state(row).text),
    },
    Column {
        id: "block",
        title: "BLOCK",
        help: "`by 700+2`: waits for a lock of 700 and two more; `40 wait`: so many sessions wait because of it; pid 0 is a \
               prepared transaction",
        width: Width::Fit(5, 10),
        align: Align::Left,
        cell: block,
        key: |row| {
            Key::from(
                u32::try_from(row.blocks)
                    .ok()
                    .filter(|blocks| *blocks > 0)
                    .map(f64::from),
            )
        },
    },
    Column {
        id: "wait",
        title: "WAIT",
        help: "what the statement waits for, class and event; CPU: nothing the server knows of",
        width: Width::Fit(4, 14),
        align: Align::Left,
        cell: wait,
        key: |row| Key::Text(wait(row).text),
    },
    Column {
        id: "user",
        title: "USER",
        help: "the role",
        width: Width::Fit(4, 16),
        align: Align::Left,
        cell: |row| Cell::maybe(row.backend.usename.as_deref()),
        key: |row| Key::from(row.backend.usename.as_deref()),
    },
    Column {
        id: "database",
        title: "DATABASE",
        help: "the database it is connected to",
        width: Width::Fit(4, 16),
        align: Align::Left,
        cell: |row| Cell::maybe(row.backend.datname.as_deref()),
        key: |row| Key::from(row.backend.datname.as_deref()),
    },
    Column {
        id: "application",
        title: "APPLICATION",
        help: "application_name",
        width: Width::Fit(4, 24),
        align: Align::Left,
        cell: |row| Cell::maybe(row.backend.application_name.as_deref()),
        key: |row| Key::from(row.backend.application_name.as_deref()),
    },
    Column {
        id: "client",
        title: "CLIENT",
        help: "address of the client; `local` is a Unix socket",
        width: Width::Fit(5, 39),
        align: Align::Left,
        cell: client,
        key: |row| Key::from(row.backend.client.as_deref()),
    },
    Column {
        id: "xmin",
        title: "XMIN",
        help: "age in transactions of the snapshot it holds: rows deleted since cannot be cleaned up",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| match row.backend.xmin_age {
            Some(age) => Cell::text(format::count(age)),
            None => Cell::empty(),
        },
        key: |row| Key::from(row.backend.xmin_age),
    },
    Column {
        id: "query",
        title: "STATEMENT",
        help: "the running statement; dimmed: the last one",
        width: Width::Rest(22),
        align: Align::Left,
        cell: statement,
        key: |row| Key::from(row.backend.query.as_deref()),
    },
];

fn seconds(age: Option<f64>, role: Role) -> Cell<'static> {
    age.map_or(Cell::empty(), |age| Cell::new(format::duration(age), role))
}

fn state(row: &Row) -> Cell<'_> {
    match row.doing {
        Doing::Running => Cell::new("active", Role::Ok),
        Doing::Waiting => Cell::text("active"),
        Doing::IdleInTransaction => Cell::new("idle tx", Role::Notice),
        Doing::Aborted => Cell::new("failed tx", Role::Warning),
        Doing::Idle => Cell::text("idle"),
        Doing::Background => Cell::text(row.backend.state.as_deref().unwrap_or("server")),
        Doing::Unknown if row.backend.hidden => Cell::new("hidden", Role::Denied),
        Doing::Unknown => Cell::text(row.backend.state.as_deref().unwrap_or("unknown")),
    }
}

fn block(row: &Row) -> Cell<'static> {
    match row.blocked_by.as_slice() {
        [] if row.waits_for_lock => Cell::new("waits", Role::Warning),
        [] if row.blocks > 0 => Cell::new(format!("{} wait", row.blocks), Role::Critical),
        [] => Cell::empty(),
        [one] => Cell::new(format!("by {}", blocker(*one)), Role::Warning),
        [first, more @ ..] => Cell::new(format!("by {}+{}", blocker(*first), more.len()), Role::Warning),
    }
}

/// A blocker by its process id; `pg_blocking_pids` says 0 for a prepared transaction, which has none.
fn blocker(pid: i32) -> String {
    if pid == 0 { "2PC".to_owned() } else { pid.to_string() }
}

fn wait(row: &Row) -> Cell<'_> {
    let (Some(class), Some(event)) = (&row.backend.wait_event_type, &row.backend.wait_event) else {
        return if row.doing == Doing::Running {
            Cell::new("CPU", Role::WaitCpu)
        } else {
            Cell::empty()
        };
    };
    let role = match class.as_str() {
        // Every idle session waits for its client, and every process of the server for something to do.
        "Client" | "Activity" if !row.doing.active() => return Cell::empty(),
        _ if !row.doing.active() && !row.waits_for_lock => Role::Muted,
        "Lock" => Role::WaitLock,
        "LWLock" | "BufferPin" => Role::WaitLwLock,
        "IO" => Role::WaitIo,
        _ => Role::WaitOther,
    };
    Cell::new(format!("{class}:{event}"), role)
}

fn client(row: &Row) -> Cell<'_> {
    match &row.backend.client {
        Some(client) => Cell::text(client.as_str()),
        None if row.doing == Doing::Background || row.backend.hidden || row.depth() > 0 => Cell::empty(),
        None => Cell::new("local", Role::Muted),
    }
}

fn statement(row: &Row) -> Cell<'_> {
    let query = row.backend.query.as_deref().unwrap_or_default();
    match row.doing {
        _ if row.backend.hidden => Cell::new("hidden from this role", Role::Denied),
        Doing::Background => {
            let kind = row.backend.backend_type.as_deref().unwrap_or_default();
            Cell::new(
                if query.is_empty() {
                    kind.to_owned()
                } else {
                    format!("{kind}: {query}")
                },
                Role::Muted,
            )
        }
        doing if doing.active() => Cell::text(query),
        _ => Cell::new(query, Role::Muted),
    }
}
