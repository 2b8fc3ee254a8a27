//! Every command that tells how far it is.

use super::super::common::{Notice, blocking, grant};
use super::super::list::{List, Piece};
use super::super::page::Rich;
use super::super::{Badge, Copy, Reply};
use super::muted;
use crate::action::Action;
use crate::alert::Thing;
use crate::model::activity::Blocking;
use crate::model::concern::Severity;
use crate::model::progress::{self, Pace};
use crate::probe::autovacuum::{AutovacuumProbe, Setting};
use crate::probe::locks::Locks;
use crate::probe::progress::{Progress, ProgressProbe};
use crate::probe::{Probe as _, Subject};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Order, Record, Width};
use crate::world::World;

/// The panel.
#[derive(Debug, Default)]
pub(super) struct Running;

/// A running command.
#[derive(Clone, Debug)]
pub(super) struct Row {
    command: Progress,
    kind: String,
    relation: String,
    phase: String,
    pace: Option<Pace>,
    /// How many sessions wait because of it, directly or through others.
    blocks: usize,
    /// Those right behind it.
    victims: Vec<i32>,
    setting: Option<Setting>,
}

impl Row {
    fn new(command: &Progress, blocking: &Blocking, setting: Option<Setting>) -> Self {
        let behind = blocking.by.iter().filter(|(_, by)| by.contains(&command.pid));
        Self {
            kind: progress::kind(command),
            relation: command.relation().unwrap_or_else(|| nameless(command).to_owned()),
            phase: progress::phase(command).unwrap_or_else(|| "hidden from this role".to_owned()),
            pace: progress::pace(command),
            blocks: blocking.blocks.get(&command.pid).copied().unwrap_or_default(),
            victims: behind.map(|(pid, _)| *pid).collect(),
            setting,
            command: command.clone(),
        }
    }

    fn hidden(&self) -> bool {
        is_hidden(&self.command)
    }

    fn amount(&self, amount: i64) -> String {
        match self.command.unit.as_deref() {
            Some("bytes") => format::bytes(amount),
            _ => format::count(amount),
        }
    }

    /// "1,200 of 8,334 blocks"; nothing where nothing is counted.
    fn done(&self) -> Option<String> {
        let done = self.amount(self.command.done?);
        let total = self.command.total.filter(|total| *total > 0);
        let done = total.map_or(done.clone(), |total| format!("{done} of {}", self.amount(total)));
        Some(match self.command.unit.as_deref() {
            None | Some("bytes") => done,
            Some(unit) => format!("{done} {unit}"),
        })
    }

    fn rate(&self) -> Option<String> {
        let per_second = self.pace?.per_second;
        Some(match self.command.unit.as_deref()? {
            "bytes" => format::bytes_per_s(per_second),
            unit => format!("{} {unit}/s", format::rate(per_second)),
        })
    }
}

fn is_hidden(command: &Progress) -> bool {
    command.phase.is_none()
}

/// What stands in the place of the name of what it works on.
fn nameless(command: &Progress) -> &'static str {
    if is_hidden(command) { "hidden" } else { "whole server" }
}

impl Record for Row {
    /// Pid, start, and what it does: a backend may report two commands at once.
    type Id = (i32, i64, Option<String>);

    fn id(&self) -> Self::Id {
        (self.command.pid, self.command.start, self.command.command.clone())
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn role(&self) -> Option<Role> {
        self.hidden().then_some(Role::Denied)
    }

    fn mark(&self) -> Option<Role> {
        if self.blocks > 0 {
            Some(Role::Warning)
        } else {
            self.command.prevents_wraparound().then_some(Role::Notice)
        }
    }

    fn marked() -> bool {
        true
    }
}

static COLUMNS: &[Column<Row>] = &[
    Column {
        id: "relation",
        title: "RELATION",
        help: "what it works on; in another database only its number is known",
        width: Width::Fit(8, 26),
        align: Align::Left,
        cell: |row| Cell::text(row.relation.as_str()),
        key: |row| Key::from(row.relation.as_str()),
    },
    Column {
        id: "command",
        title: "COMMAND",
        help: "what runs; `autovacuum !` prevents wraparound and gives way to nobody",
        width: Width::Fit(7, 18),
        align: Align::Left,
        cell: |row| {
            let saving = row.command.prevents_wraparound();
            Cell::new(row.kind.as_str(), if saving { Role::Notice } else { Role::Text })
        },
        key: |row| Key::from(row.kind.as_str()),
    },
    Column {
        id: "share",
        title: "DONE",
        help: "share of the present phase that is done, not of the whole command",
        width: Width::Fit(4, 7),
        align: Align::Right,
        cell: |row| match row.command.share() {
            Some(share) => Cell::text(format::percent(share * 100.0)),
            None => Cell::empty(),
        },
        key: |row| Key::from(row.command.share()),
    },
    Column {
        id: "left",
        title: "LEFT",
        help: "≈ until the end of the phase at the rate of the last minute; `still`: nothing was done for so long",
        width: Width::Fit(4, 12),
        align: Align::Right,
        cell: left,
        key: |row| Key::from(row.pace.and_then(|pace| pace.left_s)),
    },
    Column {
        id: "phase",
        title: "PHASE",
        help: "what it does now, in the server's words; of COPY where the data comes from or goes to",
        width: Width::Fit(6, 22),
        align: Align::Left,
        cell: |row| Cell::text(row.phase.as_str()),
        key: |row| Key::from(row.phase.as_str()),
    },
    Column {
        id: "blocks",
        title: "BLOCKS",
        help: "sessions that wait because of it, directly or through others",
        width: Width::Fit(6, 6),
        align: Align::Right,
        cell: |row| match row.blocks {
            0 => Cell::empty(),
            blocks => Cell::new(format::count(blocks), Role::Warning),
        },
        key: |row| Key::from((row.blocks > 0).then_some(row.blocks)),
    },
    Column {
        id: "since",
        title: "SINCE",
        help: "how long ago the statement began; of autovacuum, how long it has been at this table",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| match row.command.since_s {
            Some(since) => Cell::text(format::duration(since)),
            None => Cell::empty(),
        },
        key: |row| Key::from(row.command.since_s),
    },
    Column {
        id: "amount",
        title: "AMOUNT",
        help: "done in this phase and to be done",
        width: Width::Fit(6, 28),
        align: Align::Right,
        cell: |row| Cell::maybe(row.done()),
        key: |row| Key::from(row.command.done),
    },
    Column {
        id: "rate",
        title: "RATE",
        help: "done per second, over the last minute at most",
        width: Width::Fit(4, 16),
        align: Align::Right,
        cell: |row| Cell::maybe(row.rate()),
        key: |row| Key::from(row.pace.map(|pace| pace.per_second)),
    },
    Column {
        id: "rounds",
        title: "ROUNDS",
        help: "how often VACUUM has gone through all indexes: more than one means too little memory for dead rows",
        width: Width::Fit(6, 6),
        align: Align::Right,
        cell: |row| match row.command.rounds {
            Some(rounds @ 2..) => Cell::new(format::count(rounds), Role::Notice),
            Some(rounds) => Cell::text(format::count(rounds)),
            None => Cell::empty(),
        },
        key: |row| Key::from(row.command.rounds),
    },
    Column {
        id: "pid",
        title: "PID",
        help: "process id of the backend",
        width: Width::Fit(5, 10),
        align: Align::Right,
        cell: |row| Cell::text(row.command.pid.to_string()),
        key: |row| Key::from(row.command.pid),
    },
    Column {
        id: "wait",
        title: "WAIT",
        help: "what it waits for at this moment; VacuumDelay is the cost limit",
        width: Width::Fit(4, 24),
        align: Align::Left,
        cell: |row| wait(row).map_or(Cell::empty(), |wait| Cell::new(wait, Role::Muted)),
        key: |row| Key::from(row.command.wait_event.as_deref()),
    },
    Column {
        id: "index",
        title: "INDEX",
        help: "the index it builds or follows",
        width: Width::Fit(5, 40),
        align: Align::Left,
        cell: |row| muted(row.command.index.as_deref()),
        key: |row| Key::from(row.command.index.as_deref()),
    },
];

fn left(row: &Row) -> Cell<'static> {
    match row.pace {
        Some(Pace {
            still_s: Some(still), ..
        }) => Cell::new(format!("still {}", format::duration(still)), Role::Notice),
        Some(Pace { left_s: Some(left), .. }) => Cell::new(format!("≈{}", format::duration(left)), Role::Text),
        _ => Cell::empty(),
    }
}

fn wait(row: &Row) -> Option<String> {
    let class = row.command.wait_event_type.as_deref()?;
    Some(format!("{class}:{}", row.command.wait_event.as_deref()?))
}

/// How far it is, with everything that has no room in the row.
fn how_far(row: &Row) -> Rich {
    let mut rich = Rich::new(format!("{}, {}", row.kind, row.phase), Role::Text);
    for piece in [row.done(), row.rate()].into_iter().flatten() {
        rich.fact(piece, Role::Text);
    }
    if let Some((done, total)) = row
        .command
        .parts_done
        .zip(row.command.parts_total)
        .filter(|(_, total)| *total > 0)
    {
        rich.fact(
            format!("part {} of {}", format::count(done), format::count(total)),
            Role::Text,
        );
    }
    if let Some(since) = row.command.since_s {
        rich.fact(format!("for {}", format::duration(since)), Role::Text);
    }
    rich
}

/// What VACUUM has in memory and how the cost limit slows it down.
fn vacuum(row: &Row) -> Rich {
    let mut rich = Rich::default();
    let command = &row.command;
    if let Some(rounds) = command.rounds {
        let indexes = command
            .indexes_done
            .zip(command.indexes_total)
            .filter(|(_, total)| *total > 0);
        let of = indexes.map(|(done, total)| format!(", {done} of {total} indexes in this one"));
        rich.fact(format!("index rounds {rounds}{}", of.unwrap_or_default()), Role::Text);
    }
    if let Some(dead) = command.dead {
        let memory =
            progress::dead_memory(command).map(|share| format!(", {} of the memory", format::percent(share * 100.0)));
        rich.fact(
            format!(
                "{} dead rows in mind{}",
                format::count(dead),
                memory.unwrap_or_default()
            ),
            Role::Text,
        );
    }
    if let (Some(slept), Some(since)) = (command.delay_ms.filter(|ms| *ms > 0.0), command.since_s) {
        let share = format::share(slept / 1000.0, since);
        rich.fact(
            format!("slept {} of it ({share})", format::duration(slept / 1000.0)),
            Role::Text,
        );
    }
    if let Some(setting) = row.setting.filter(|_| command.is_autovacuum()) {
        rich.fact(limits(&setting), Role::Muted);
    }
    rich
}

/// The cost limit of autovacuum in words.
pub(super) fn limits(setting: &Setting) -> String {
    if setting.cost_delay_ms > 0.0 {
        let delay = format::duration(setting.cost_delay_ms / 1000.0);
        format!(
            "cost limit {} for all workers, then {delay} of sleep",
            setting.cost_limit
        )
    } else {
        "no cost limit".to_owned()
    }
}

/// Who waits for it, and whether it gives way.
fn in_the_way(row: &Row) -> Option<Rich> {
    if row.blocks == 0 {
        return None;
    }
    let pids: Vec<String> = row.victims.iter().take(5).map(ToString::to_string).collect();
    let mut rich = Rich::new(
        format!(
            "{} because of it",
            format::counted(row.blocks, "session waits", "sessions wait")
        ),
        Role::Warning,
    );
    if !pids.is_empty() {
        rich.push(format!(", right behind it: {}", pids.join(", ")), Role::Warning);
    }
    if row.command.prevents_wraparound() {
        rich.fact(
            "it saves the table from wraparound and does not give way: let it end",
            Role::Text,
        );
    } else if row.command.is_autovacuum() {
        rich.fact("autovacuum gives way after deadlock_timeout", Role::Text);
    }
    Some(rich)
}

impl List for Running {
    type Row = Row;
    const ID: &'static str = "running";
    const TITLE: &'static str = "Running";
    const PROBES: &'static [&'static str] = &[ProgressProbe::SPEC.id, Locks::SPEC.id];
    const SORT: Option<(&'static str, Order)> = Some(("since", Order::Descending));
    const ACTIONS: &'static [Action] = &[Action::Enter];
    const HELP: &'static [(&'static str, &'static str)] = &[
        (
            "Running",
            "VACUUM, ANALYZE (13+), CREATE INDEX, CLUSTER and VACUUM FULL, COPY (14+), base backups (13+), of all databases",
        ),
        (
            "no end",
            "is foretold where the phase has no total, does not move, or counts indexes, which differ in size",
        ),
        ("yellow mark", "sessions wait because of it"),
    ];
    const ASKING: &'static str = "Asking for running commands.";

    fn rows(&mut self, world: &World) -> Option<Vec<Row>> {
        let commands = world.get::<ProgressProbe>()?;
        let blocking = blocking(world);
        let setting = world.get::<AutovacuumProbe>().map(|queue| queue.setting);
        let row = |command| Row::new(command, &blocking, setting);
        Some(commands.iter().map(row).collect())
    }

    fn head(&self, _world: &World, rows: &[Row]) -> Vec<Piece> {
        if rows.is_empty() {
            return Vec::new();
        }
        let mut pieces = vec![(format::counted(rows.len(), "command", "commands"), Role::Text)];
        let auto = rows.iter().filter(|row| row.command.is_autovacuum()).count();
        if auto > 0 {
            pieces.push((format!("{auto} by autovacuum"), Role::Text));
        }
        let saving = rows.iter().filter(|row| row.command.prevents_wraparound()).count();
        if saving > 0 {
            pieces.push((format!("{saving} to prevent wraparound"), Role::Notice));
        }
        let blocks: usize = rows.iter().map(|row| row.blocks).sum();
        if blocks > 0 {
            let waiting = format::counted(blocks, "session waits for them", "sessions wait for them");
            pieces.push((waiting, Role::Warning));
        }
        pieces
    }

    fn nothing(&self, _world: &World) -> Notice {
        Notice::new(
            Role::Muted,
            "Nothing runs that tells how far it is: no VACUUM, ANALYZE, index build, CLUSTER, COPY or base backup.",
        )
    }

    fn notice(&self, world: &World, rows: &[Row]) -> Option<Notice> {
        let hidden = rows.iter().filter(|row| row.hidden()).count();
        (hidden > 0).then(|| {
            let commands = format::counted(rows.len(), "command", "commands");
            Notice::hidden(&format!("How far {hidden} of {commands} got is"), &grant(world))
        })
    }

    fn about(&self, row: &Row) -> Vec<Rich> {
        if row.hidden() {
            return Vec::new();
        }
        let mut lines = vec![how_far(row), vacuum(row)];
        if let Some(pid) = row.command.locker_pid {
            lines.push(Rich::new(
                format!("waits for pid {pid} to end its transaction"),
                Role::Warning,
            ));
        }
        lines.extend(in_the_way(row));
        lines.retain(|line| !line.is_empty());
        lines
    }

    fn on(&mut self, action: Action, row: Option<&Row>, _world: &World) -> Reply {
        match (action, row) {
            (Action::Enter, Some(row)) => Reply::Open(Subject::Backend {
                pid: row.command.pid,
                start: row.command.start,
            }),
            _ => Reply::Ignored,
        }
    }

    fn is(row: &Row, thing: &Thing) -> bool {
        match thing {
            Thing::Backend { pid, start } => (row.command.pid, row.command.start) == (*pid, *start),
            // The same number is another table in another database.
            Thing::Relation(oid) => row.command.name.is_some() && row.command.relid == Some(*oid),
            _ => false,
        }
    }

    fn badge(&self, rows: &[Row]) -> Option<Badge> {
        let count = rows.iter().filter(|row| row.command.prevents_wraparound()).count();
        Badge::of(Severity::Notice, count)
    }

    fn copies(&self, row: &Row, _world: &World) -> Vec<Copy> {
        super::super::common::query_copy(row.command.query.as_deref())
            .into_iter()
            .collect()
    }
}
