//! The columns of Slots.

use super::role;
use crate::model::concern::Concern;
use crate::model::slots::{Judged, Outlook};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Record, Width};

impl Record for Judged {
    type Id = String;

    fn id(&self) -> String {
        self.slot.slot_name.clone()
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn mark(&self) -> Option<Role> {
        super::mark(self.concern)
    }

    fn marked() -> bool {
        true
    }
}

/// What a slot keeps from VACUUM: one that is lost still names it, and keeps nothing.
fn held(row: &Judged, age: Option<i64>) -> Option<i64> {
    age.filter(|_| row.outlook != Outlook::Lost)
}

fn state(row: &Judged) -> Cell<'static> {
    match (row.slot.active, row.slot.inactive_s) {
        (true, _) => Cell::text("active"),
        (false, Some(seconds)) => Cell::new(format!("idle {}", format::duration(seconds)), role(row.concern)),
        (false, None) => Cell::new("inactive", role(row.concern)),
    }
}

fn status(row: &Judged) -> Cell<'_> {
    let role = match row.outlook {
        Outlook::Lost | Outlook::Unreserved => Role::Critical,
        _ if row.slot.wal_status.as_deref() == Some("extended") => Role::Notice,
        _ => Role::Text,
    };
    match (&row.slot.wal_status, row.outlook) {
        (_, Outlook::Lost) => Cell::new("lost", role),
        (Some(status), _) => Cell::new(status.as_str(), role),
        (None, _) if row.slot.kept_bytes.is_some() => Cell::new("needs 13", Role::Denied),
        (None, _) => Cell::new("keeps none", Role::Muted),
    }
}

fn left(row: &Judged) -> Cell<'static> {
    match row.outlook {
        Outlook::LostIn(seconds) => Cell::new(format!("≈{}", format::duration(seconds)), estimate(row)),
        Outlook::Unreserved => Cell::new("now", Role::Critical),
        Outlook::Fills => Cell::new("disk", role(row.concern)),
        Outlook::Lost | Outlook::Steady => Cell::empty(),
    }
}

/// An estimate looks like one, unless it is bad.
fn estimate(row: &Judged) -> Role {
    match row.concern {
        Concern::Calm | Concern::Notice => Role::Estimated,
        concern => role(concern),
    }
}

fn growth(row: &Judged) -> Cell<'static> {
    match row.growth {
        None => Cell::empty(),
        Some(speed) if speed.per_second < 0.0 => {
            Cell::new(format!("-{}", format::bytes_per_s(-speed.per_second)), Role::Muted)
        }
        Some(speed) => Cell::text(format::bytes_per_s(speed.per_second)),
    }
}

static COLUMNS: &[Column<Judged>] = &[
    Column {
        id: "slot",
        title: "SLOT",
        help: "its name",
        width: Width::Fit(4, 28),
        align: Align::Left,
        cell: |row| Cell::text(row.slot.slot_name.as_str()),
        key: |row| Key::from(row.slot.slot_name.as_str()),
    },
    Column {
        id: "state",
        title: "STATE",
        help: "active: somebody uses it; idle: since when nobody does (17+); the worst sort first",
        width: Width::Fit(6, 12),
        align: Align::Left,
        cell: state,
        key: |row| Key::Number(f64::from(row.concern as u8)),
    },
    Column {
        id: "wal",
        title: "WAL",
        help: "WAL it keeps, from our own position",
        width: Width::Fit(7, 7),
        align: Align::Right,
        cell: |row| {
            row.slot.kept_bytes.map_or(Cell::empty(), |bytes| {
                Cell::new(format::bytes(bytes), role(row.concern))
            })
        },
        key: |row| Key::from(row.slot.kept_bytes),
    },
    Column {
        id: "growth",
        title: "GROWTH",
        help: "change of what it keeps, over the last ten minutes at most",
        width: Width::Fit(7, 10),
        align: Align::Right,
        cell: growth,
        key: |row| Key::from(row.growth.map(|speed| speed.per_second)),
    },
    Column {
        id: "status",
        title: "STATUS",
        help: "wal_status (13+): reserved, extended, unreserved, lost",
        width: Width::Fit(8, 10),
        align: Align::Left,
        cell: status,
        key: |row| Key::Text(status(row).text),
    },
    Column {
        id: "safe",
        title: "SAFE",
        help: "WAL that can still be written before it is in danger (13+, with max_slot_wal_keep_size)",
        width: Width::Fit(7, 7),
        align: Align::Right,
        cell: |row| Cell::maybe(row.slot.safe_bytes.map(format::bytes)),
        key: |row| Key::from(row.slot.safe_bytes),
    },
    Column {
        id: "left",
        title: "LEFT",
        help: "time until it is lost if it goes on like this; `disk`: nothing but the disk limits it",
        width: Width::Fit(4, 7),
        align: Align::Right,
        cell: left,
        key: |row| match row.outlook {
            Outlook::LostIn(seconds) => Key::Number(seconds),
            Outlook::Unreserved => Key::Number(0.0),
            _ => Key::None,
        },
    },
    Column {
        id: "kind",
        title: "KIND",
        help: "physical or logical",
        width: Width::Fit(7, 8),
        align: Align::Left,
        cell: |row| Cell::new(row.slot.slot_type.as_str(), Role::Muted),
        key: |row| Key::from(row.slot.slot_type.as_str()),
    },
    Column {
        id: "confirmed",
        title: "UNCONF",
        help: "WAL the consumer of a logical slot has not confirmed",
        width: Width::Fit(7, 7),
        align: Align::Right,
        cell: |row| Cell::maybe(row.slot.confirmed_bytes.map(format::bytes)),
        key: |row| Key::from(row.slot.confirmed_bytes),
    },
    Column {
        id: "xmin",
        title: "XMIN",
        help: "age in transactions of the rows it keeps from VACUUM",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| Cell::maybe(held(row, row.slot.xmin_age).map(format::count)),
        key: |row| Key::from(held(row, row.slot.xmin_age)),
    },
    Column {
        id: "catalog",
        title: "CATALOG",
        help: "the same for rows of the system catalogs",
        width: Width::Fit(6, 7),
        align: Align::Right,
        cell: |row| Cell::maybe(held(row, row.slot.catalog_xmin_age).map(format::count)),
        key: |row| Key::from(held(row, row.slot.catalog_xmin_age)),
    },
    Column {
        id: "spill",
        title: "SPILL",
        help: "bytes of large transactions written to disk while decoding, in the last minutes (14+)",
        width: Width::Fit(5, 9),
        align: Align::Right,
        cell: |row| Cell::maybe(row.spills.map(|speed| format::bytes_per_s(speed.per_second))),
        key: |row| Key::from(row.spills.map(|speed| speed.per_second)),
    },
    Column {
        id: "pid",
        title: "PID",
        help: "the process that uses it",
        width: Width::Fit(5, 10),
        align: Align::Right,
        cell: |row| Cell::maybe(row.slot.active_pid.map(|pid| pid.to_string())),
        key: |row| Key::from(row.slot.active_pid),
    },
    Column {
        id: "reason",
        title: "REASON",
        help: "why it was invalidated (17+; conflicting: 16)",
        width: Width::Fit(6, 22),
        align: Align::Left,
        cell: |row| match (&row.slot.invalidation_reason, row.slot.conflicting) {
            (Some(reason), _) => Cell::new(reason.as_str(), Role::Critical),
            (None, Some(true)) => Cell::new("conflicts with recovery", Role::Critical),
            _ => Cell::empty(),
        },
        key: |row| Key::from(row.slot.invalidation_reason.as_deref()),
    },
    Column {
        id: "database",
        title: "DATABASE",
        help: "the database of a logical slot, and the plugin",
        width: Width::Fit(4, 24),
        align: Align::Left,
        cell: |row| match (&row.slot.database, &row.slot.plugin) {
            (Some(database), Some(plugin)) => Cell::text(format!("{database} {plugin}")),
            _ => Cell::empty(),
        },
        key: |row| Key::from(row.slot.database.as_deref()),
    },
];
