//! The columns of Standbys: bytes first, the times beside them.

use super::role;
use crate::model::concern::Concern;
use crate::model::replay::Delay;
use crate::model::replication::{Kind, Standby};
use crate::probe::replication::Sender;
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Record, Width};

impl Record for Standby {
    /// Pid and start of the walsender, and the name of one that is gone.
    type Id = (i32, i64, String);

    fn id(&self) -> Self::Id {
        let sender = self.sender.as_ref();
        let (pid, start) = sender.map_or((0, 0), |sender| (sender.pid, sender.start));
        let name = if sender.is_some() {
            String::new()
        } else {
            self.name.clone()
        };
        (pid, start, name)
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

    fn role(&self) -> Option<Role> {
        (self.kind == Kind::Hidden).then_some(Role::Denied)
    }
}

/// A number of the sender, if there is one.
fn of<'a, T>(row: &'a Standby, field: impl FnOnce(&'a Sender) -> Option<T>) -> Option<T> {
    row.sender.as_ref().and_then(field)
}

fn bytes(row: &Standby, field: impl FnOnce(&Sender) -> Option<i64>) -> Cell<'static> {
    Cell::maybe(of(row, field).map(format::bytes))
}

fn seconds(row: &Standby, field: impl FnOnce(&Sender) -> Option<f64>) -> Cell<'static> {
    Cell::maybe(of(row, field).map(format::duration))
}

fn state(row: &Standby) -> Cell<'_> {
    match &row.sender {
        None => Cell::new("gone", role(row.concern)),
        Some(_) if row.silent_s.is_some() => Cell::new("silent", Role::Warning),
        Some(sender) => match sender.state.as_deref() {
            Some("streaming") => Cell::text("streaming"),
            Some("backup") => Cell::new("backup", Role::Muted),
            Some(state) => Cell::new(state, Role::Notice),
            None => Cell::new("hidden", Role::Denied),
        },
    }
}

fn replay(row: &Standby) -> Cell<'static> {
    match (&row.sender, &row.slot) {
        (Some(sender), _) => sender.replay_bytes.map_or(Cell::empty(), |bytes| {
            Cell::new(format::bytes(bytes), role(row.concern))
        }),
        // What the slot keeps is what its standby has not flushed.
        (None, Some(slot)) => slot
            .kept_bytes
            .map_or(Cell::empty(), |bytes| Cell::new(format::bytes(bytes), Role::Estimated)),
        (None, None) => Cell::empty(),
    }
}

/// Bytes it has not replayed; of one that is gone what its slot keeps.
pub(super) fn behind(row: &Standby) -> Option<i64> {
    let slot = row.slot.as_ref().and_then(|slot| slot.kept_bytes);
    of(row, |sender| sender.replay_bytes).or(slot)
}

fn delay(row: &Standby) -> Cell<'static> {
    match row.delay {
        Some(Delay::Reported(seconds)) => Cell::new(format::duration(seconds), role(row.concern)),
        Some(Delay::AtLeast(seconds)) => {
            let role = if row.concern == Concern::Calm {
                Role::Text
            } else {
                role(row.concern)
            };
            Cell::new(format!("≥{} stands", format::duration(seconds)), role)
        }
        None => Cell::empty(),
    }
}

static COLUMNS: &[Column<Standby>] = &[
    Column {
        id: "standby",
        title: "STANDBY",
        help: "application_name of the receiver; of one that is gone the name that counts on it, or its slot",
        width: Width::Fit(7, 24),
        align: Align::Left,
        cell: |row| Cell::text(row.name.as_str()),
        key: |row| Key::from(row.name.as_str()),
    },
    Column {
        id: "state",
        title: "STATE",
        help: "streaming; catchup: it still reads old WAL; backup; silent: no reply for a minute; gone: not connected; the worst sort first",
        width: Width::Fit(6, 10),
        align: Align::Left,
        cell: state,
        key: |row| Key::Number(f64::from(row.concern as u8)),
    },
    Column {
        id: "sync",
        title: "SYNC",
        help: "sync, quorum: commits wait for it; potential: it takes over; with its place in synchronous_standby_names",
        width: Width::Fit(5, 12),
        align: Align::Left,
        cell: |row| match of(row, |sender| {
            Some((sender.sync_state.as_deref()?, sender.sync_priority?))
        }) {
            Some(("async", _)) => Cell::new("async", Role::Muted),
            Some(("quorum", _)) => Cell::text("quorum"),
            Some((state, priority)) => Cell::text(format!("{state} {priority}")),
            None if row.expected && row.sender.is_none() => Cell::new("missing", role(row.concern)),
            None => Cell::empty(),
        },
        key: |row| Key::from(row.sender.as_ref().and_then(|sender| sender.sync_state.as_deref())),
    },
    Column {
        id: "replay",
        title: "REPLAY",
        help: "bytes from our position to what it has replayed; ≈ what the slot of one that is gone keeps",
        width: Width::Fit(7, 9),
        align: Align::Right,
        cell: replay,
        key: |row| Key::from(behind(row)),
    },
    Column {
        id: "delay",
        title: "DELAY",
        help: "time from our commit to its replay, as it reported last; none when idle; ≥ while replay stands still",
        width: Width::Fit(6, 14),
        align: Align::Right,
        cell: delay,
        key: |row| {
            Key::from(row.delay.map(|delay| match delay {
                Delay::Reported(seconds) | Delay::AtLeast(seconds) => seconds,
            }))
        },
    },
    Column {
        id: "flush",
        title: "FLUSH",
        help: "bytes from our position to what is on its disk: what a failover to it would lose",
        width: Width::Fit(7, 7),
        align: Align::Right,
        cell: |row| bytes(row, |sender| sender.flush_bytes),
        key: |row| Key::from(of(row, |sender| sender.flush_bytes)),
    },
    Column {
        id: "sent",
        title: "UNSENT",
        help: "bytes not sent yet: the network or this server is slow",
        width: Width::Fit(7, 7),
        align: Align::Right,
        cell: |row| bytes(row, |sender| sender.sent_bytes),
        key: |row| Key::from(of(row, |sender| sender.sent_bytes)),
    },
    Column {
        id: "kind",
        title: "KIND",
        help: "physical: a standby; logical: a subscriber or another consumer of a logical slot; backup",
        width: Width::Fit(4, 8),
        align: Align::Left,
        cell: |row| match row.kind {
            Kind::Gone => Cell::empty(),
            kind => Cell::new(kind.name(), Role::Muted),
        },
        key: |row| Key::Text(row.kind.name().into()),
    },
    Column {
        id: "slot",
        title: "SLOT",
        help: "the slot it uses",
        width: Width::Fit(4, 20),
        align: Align::Left,
        cell: |row| Cell::text(slot_name(row).unwrap_or_default()),
        key: |row| Key::from(slot_name(row)),
    },
    Column {
        id: "client",
        title: "CLIENT",
        help: "address; `local` is a Unix socket",
        width: Width::Fit(5, 39),
        align: Align::Left,
        cell: |row| match &row.sender {
            Some(sender) => match &sender.client {
                Some(client) => Cell::text(client.as_str()),
                None if sender.hidden => Cell::empty(),
                None => Cell::new("local", Role::Muted),
            },
            None => Cell::empty(),
        },
        key: |row| Key::from(row.sender.as_ref().and_then(|sender| sender.client.as_deref())),
    },
    Column {
        id: "since",
        title: "SINCE",
        help: "how long it has been connected",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| seconds(row, |sender| sender.age_s),
        key: |row| Key::from(of(row, |sender| sender.age_s)),
    },
    Column {
        id: "write",
        title: "WRITE",
        help: "bytes from our position to what it has written",
        width: Width::Fit(7, 7),
        align: Align::Right,
        cell: |row| bytes(row, |sender| sender.write_bytes),
        key: |row| Key::from(of(row, |sender| sender.write_bytes)),
    },
    Column {
        id: "write_lag",
        title: "W-LAG",
        help: "time until it had written our newest commit, as it reported last",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| seconds(row, |sender| sender.write_s),
        key: |row| Key::from(of(row, |sender| sender.write_s)),
    },
    Column {
        id: "flush_lag",
        title: "F-LAG",
        help: "the same until it was on its disk: what a synchronous commit waits for",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| seconds(row, |sender| sender.flush_s),
        key: |row| Key::from(of(row, |sender| sender.flush_s)),
    },
    Column {
        id: "xmin",
        title: "XMIN",
        help: "age in transactions of the oldest snapshot there: VACUUM here keeps what it may see (hot_standby_feedback)",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| Cell::maybe(of(row, |sender| sender.xmin_age).map(format::count)),
        key: |row| Key::from(of(row, |sender| sender.xmin_age)),
    },
    Column {
        id: "reply",
        title: "REPLY",
        help: "age of its last reply by the standby's own clock",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| seconds(row, |sender| sender.reply_age_s),
        key: |row| Key::from(of(row, |sender| sender.reply_age_s)),
    },
    Column {
        id: "user",
        title: "USER",
        help: "the role it is connected as",
        width: Width::Fit(4, 16),
        align: Align::Left,
        cell: |row| {
            Cell::text(
                row.sender
                    .as_ref()
                    .and_then(|sender| sender.usename.as_deref())
                    .unwrap_or_default(),
            )
        },
        key: |row| Key::from(row.sender.as_ref().and_then(|sender| sender.usename.as_deref())),
    },
    Column {
        id: "pid",
        title: "PID",
        help: "process id of the walsender",
        width: Width::Fit(5, 10),
        align: Align::Right,
        cell: |row| Cell::maybe(row.sender.as_ref().map(|sender| sender.pid.to_string())),
        key: |row| Key::from(row.sender.as_ref().map(|sender| f64::from(sender.pid))),
    },
];

fn slot_name(row: &Standby) -> Option<&str> {
    let own = row.sender.as_ref().and_then(|sender| sender.slot_name.as_deref());
    own.or_else(|| row.slot.as_ref().map(|slot| slot.slot_name.as_str()))
}
