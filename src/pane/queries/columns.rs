//! The columns of Queries, the most telling first: what does not fit scrolls, the text always keeps its place at the
//! end.

use super::row::{Row, TextOf};
use crate::model::rates::float;
use crate::model::statements::Trust;
use crate::probe::statements::{Counters, Key as Identity};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Record, Width};

impl Record for Row {
    type Id = Identity;

    fn id(&self) -> Identity {
        self.growth.key
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn role(&self) -> Option<Role> {
        match self.growth.trust {
            Trust::Exact => None,
            Trust::AtLeast => Some(Role::Estimated),
            Trust::Unknown => Some(Role::Muted),
        }
    }

    fn mark(&self) -> Option<Role> {
        match self.growth.trust {
            Trust::Exact => None,
            Trust::AtLeast => Some(Role::Estimated),
            Trust::Unknown => Some(Role::Notice),
        }
    }

    fn marked() -> bool {
        true
    }
}

/// A column of numbers.
macro_rules! number {
    ($id:literal, $title:literal, $help:literal, $width:literal, $cell:expr, $key:expr) => {
        Column {
            id: $id,
            title: $title,
            help: $help,
            width: Width::Fit($width, $width),
            align: Align::Right,
            cell: $cell,
            key: |row| {
                let key: fn(&Row) -> Option<f64> = $key;
                known(row).and(key(row)).map_or(Key::None, Key::Number)
            },
        }
    };
}

static COLUMNS: &[Column<Row>] = &[
    number!(
        "time",
        "TIME",
        "its share of the time all statements took in this window, those hidden from the role included",
        7,
        |row| shown(row, share(row).map(format::percent)),
        share
    ),
    number!(
        "calls",
        "CALLS/S",
        "executions per second",
        7,
        |row| shown(row, row.growth.per_second(calls(row)).map(format::rate)),
        |row| row.growth.per_second(calls(row))
    ),
    number!(
        "mean",
        "MEAN ms",
        "mean time of one execution, in milliseconds",
        7,
        |row| shown(row, row.growth.mean_ms().map(milliseconds)),
        |row| row.growth.mean_ms()
    ),
    number!(
        "rows",
        "ROWS/C",
        "rows returned or changed by one execution",
        6,
        |row| shown(row, rows(row).map(format::rate)),
        rows
    ),
    number!(
        "hit",
        "HIT",
        "share of blocks found in the shared buffers",
        7,
        |row| shown(row, hit(row).map(format::percent)),
        hit
    ),
    number!(
        "read",
        "READ",
        "read from the system's cache or disk, per second",
        9,
        |row| shown(row, read(row).map(format::bytes_per_s)),
        read
    ),
    number!(
        "io",
        "IO ms/s",
        "milliseconds spent in reading and writing blocks, per second; needs track_io_timing",
        7,
        |row| timed(row, row.io_timing, Some(row.growth.counters.io_ms), ""),
        |row| row.growth.per_second(row.growth.counters.io_ms)
    ),
    number!(
        "temp",
        "TEMP",
        "temporary files read and written, per second",
        9,
        |row| shown(row, temp(row).map(format::bytes_per_s)),
        temp
    ),
    number!(
        "wal",
        "WAL",
        "WAL written, per second; counted by version 1.8 of the extension and later",
        9,
        |row| counted(row, row.growth.counters.wal, "1.8", format::bytes_per_s),
        |row| row.growth.counters.wal.and_then(|wal| row.growth.per_second(wal))
    ),
    number!(
        "plan",
        "PLAN ms/s",
        "milliseconds spent in planning, per second; needs track_planning and version 1.8 of the extension",
        9,
        |row| timed(row, row.planning, row.growth.counters.plan_ms, "1.8"),
        |row| row.growth.counters.plan_ms.and_then(|ms| row.growth.per_second(ms))
    ),
    number!(
        "jit",
        "JIT ms/s",
        "milliseconds spent in just-in-time compilation, per second; version 1.10 of the extension and later",
        8,
        |row| counted(row, row.growth.counters.jit_ms, "1.10", milliseconds),
        |row| row.growth.counters.jit_ms.and_then(|ms| row.growth.per_second(ms))
    ),
    Column {
        id: "user",
        title: "USER",
        help: "the role that ran it",
        width: Width::Fit(4, 16),
        align: Align::Left,
        cell: |row| name(row.growth.user.as_deref(), row.growth.key.user),
        key: |row| Key::Text(row.growth.user.as_deref().unwrap_or_default().into()),
    },
    Column {
        id: "database",
        title: "DATABASE",
        help: "the database it ran in",
        width: Width::Fit(4, 16),
        align: Align::Left,
        cell: |row| name(row.growth.database.as_deref(), row.growth.key.database),
        key: |row| Key::Text(row.growth.database.as_deref().unwrap_or_default().into()),
    },
    Column {
        id: "query",
        title: "STATEMENT",
        help: "its text with $1 for constants; in the colour of estimates as a session ran it; `nested`: run within \
               another statement",
        width: Width::Rest(24),
        align: Align::Left,
        cell: statement,
        key: |row| {
            row.text
                .shown()
                .map_or(Key::None, |text| Key::Text(text.as_ref().into()))
        },
    },
];

fn known(row: &Row) -> Option<()> {
    (row.growth.trust != Trust::Unknown).then_some(())
}

/// A number, unless nothing is known.
fn shown(row: &Row, text: Option<String>) -> Cell<'static> {
    match text.filter(|_| known(row).is_some()) {
        Some(text) => Cell::text(text),
        None => Cell::new(format::NONE, Role::Muted),
    }
}

/// Something per second that older versions of the extension do not count.
fn counted(row: &Row, amount: Option<f64>, since: &'static str, text: fn(f64) -> String) -> Cell<'static> {
    match amount {
        None if known(row).is_some() && row.growth.counters != Counters::default() => {
            Cell::new(format!("v{since}+"), Role::Denied)
        }
        amount => shown(row, amount.and_then(|amount| row.growth.per_second(amount)).map(text)),
    }
}

/// Milliseconds that are counted only where a setting says so.
fn timed(row: &Row, tracked: Option<bool>, amount: Option<f64>, since: &'static str) -> Cell<'static> {
    match (amount, tracked) {
        (Some(amount), Some(false)) if amount <= 0.0 => Cell::new("off", Role::Denied),
        (amount, _) => counted(row, amount, since, milliseconds),
    }
}

/// Milliseconds: `0.031`, `8.2`, `42.1`, `850`, `12,345`.
pub(in crate::pane) fn milliseconds(ms: f64) -> String {
    match ms {
        ms if ms <= 0.0 => "0".to_owned(),
        ms if ms < 0.000_5 => "<0.001".to_owned(),
        ms if ms < 0.999_5 => format!("{ms:.3}"),
        ms if ms < 99.95 => format!("{ms:.1}"),
        ms => format::count(ms),
    }
}

fn share(row: &Row) -> Option<f64> {
    (row.total_ms > 0.0).then(|| row.growth.counters.exec_ms / row.total_ms * 100.0)
}

fn calls(row: &Row) -> f64 {
    float(row.growth.counters.calls)
}

fn rows(row: &Row) -> Option<f64> {
    row.growth.per_call(float(row.growth.counters.rows))
}

fn hit(row: &Row) -> Option<f64> {
    let Counters { hit, read, .. } = row.growth.counters;
    let all = float(hit) + float(read);
    (all > 0.0).then(|| float(hit) / all * 100.0)
}

fn read(row: &Row) -> Option<f64> {
    row.growth.per_second(float(row.growth.counters.read) * row.block)
}

fn temp(row: &Row) -> Option<f64> {
    row.growth.per_second(float(row.growth.counters.temp) * row.block)
}

fn name(name: Option<&str>, oid: u32) -> Cell<'_> {
    name.map_or_else(|| Cell::new(format!("dropped {oid}"), Role::Muted), Cell::text)
}

fn statement(row: &Row) -> Cell<'_> {
    let (text, role) = match &row.text {
        TextOf::Kept(text) => (text.as_ref(), Role::Text),
        TextOf::Seen(text) => (text.as_ref(), Role::Estimated),
        TextOf::Awaited => ("reading its text", Role::Muted),
        TextOf::None => ("no text kept", Role::Muted),
        TextOf::Failed => return Cell::new(format!("query id {}", row.growth.key.query), Role::Denied),
    };
    if row.growth.key.toplevel {
        Cell::new(text, role)
    } else {
        Cell::new(format!("nested: {text}"), role)
    }
}
