//! Which tables autovacuum comes to next: how near each is to its thresholds, and what is in the way.

use super::super::common::{Notice, ago_or_never, times_over, top_of};
use super::super::list::{List, Piece};
use super::super::page::Rich;
use super::super::{Badge, Reply};
use crate::action::Action;
use crate::alert::Thing;
use crate::model::autovacuum::{self, Distance, Present, State, Work};
use crate::model::concern::Severity;
use crate::model::overview;
use crate::pg::quote;
use crate::probe::activity::Activity;
use crate::probe::autovacuum::{AutovacuumProbe, Setting, Table};
use crate::probe::progress::ProgressProbe;
use crate::probe::{Probe as _, Subject};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Order, Record, Width};
use crate::world::World;

const PERCENT: f64 = 100.0;

/// The panel.
#[derive(Debug, Default)]
pub(super) struct Queue {
    stuck: i64,
    saturated: bool,
}

/// A table.
#[derive(Clone, Debug)]
pub(super) struct Row {
    table: Table,
    name: String,
    distances: Vec<Distance>,
    due: Option<Distance>,
    state: State,
}

impl Row {
    fn new(table: &Table, setting: &Setting, present: &Present) -> Self {
        let name = match &table.owner {
            Some((_, schema, name)) => format!("TOAST of {schema}.{name}"),
            None => format!("{}.{}", table.nspname, table.relname),
        };
        Self {
            name,
            distances: autovacuum::distances(table),
            due: autovacuum::due(table),
            state: autovacuum::state(table, setting, present),
            table: table.clone(),
        }
    }

    fn share(&self, work: Work) -> Option<f64> {
        let distance = self.distances.iter().find(|distance| distance.work == work)?;
        Some(distance.share())
    }

    fn due_share(&self) -> Option<f64> {
        self.due.map(|due| due.share())
    }
}

impl Record for Row {
    type Id = u32;

    fn id(&self) -> u32 {
        self.table.relid
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn mark(&self) -> Option<Role> {
        self.state.stuck().then_some(Role::Warning)
    }

    fn marked() -> bool {
        true
    }
}

static COLUMNS: &[Column<Row>] = &[
    Column {
        id: "table",
        title: "TABLE",
        help: "schema and name; a TOAST table stands under the name of its table",
        width: Width::Fit(8, 28),
        align: Align::Left,
        cell: |row| Cell::text(row.name.as_str()),
        key: |row| Key::from(row.name.as_str()),
    },
    Column {
        id: "due",
        title: "DUE",
        help: "rows counted by the threshold it is nearest to: above 100 % autovacuum has something to do, ×400 is 400 \
               thresholds",
        width: Width::Fit(5, 7),
        align: Align::Right,
        cell: |row| share(row.due_share()),
        key: |row| Key::from(row.due_share()),
    },
    Column {
        id: "for",
        title: "FOR",
        help: "what it is due for: vacuum (dead rows), insert (a vacuum for inserted rows, 13+), analyze",
        width: Width::Fit(6, 7),
        align: Align::Left,
        cell: |row| Cell::maybe(row.due.map(|due| due.work.name())),
        key: |row| Key::from(row.due.map(|due| due.work.name())),
    },
    Column {
        id: "state",
        title: "STATE",
        help: "next: within a naptime or two; again: vacuumed just now and over the threshold again (fast changes, or \
               rows the xmin horizon keeps); passed over: due for five naptimes while a worker is free; by hand only: \
               autovacuum never analyzes a partitioned table",
        width: Width::Fit(5, 17),
        align: Align::Left,
        cell: state,
        key: |row| Key::Text(state(row).text),
    },
    Column {
        id: "dead",
        title: "DEAD",
        help: "dead rows by the statistics",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| rows(row, row.table.dead),
        key: |row| Key::from(row.table.dead),
    },
    Column {
        id: "deadshare",
        title: "%DEAD",
        help: "share of the rows that are dead",
        width: Width::Fit(5, 7),
        align: Align::Right,
        cell: |row| percent(autovacuum::dead_share(&row.table).filter(|_| !autovacuum::is_parent(&row.table))),
        key: |row| Key::from(autovacuum::dead_share(&row.table)),
    },
    Column {
        id: "stale",
        title: "STALE",
        help: "rows changed since the last ANALYZE by the rows there are: how far the planner's statistics are off; \
               ≈ of a partitioned table, by what its partitions hold now",
        width: Width::Fit(5, 8),
        align: Align::Right,
        cell: stale,
        key: |row| Key::from(autovacuum::changed(&row.table)),
    },
    Column {
        id: "vacuum",
        title: "VACUUM",
        help: "how long ago it was last vacuumed, by hand or by autovacuum",
        width: Width::Fit(6, 6),
        align: Align::Right,
        cell: |row| ago_or_never(last(row.table.vacuum_s, row.table.autovacuum_s)),
        key: |row| Key::from(last(row.table.vacuum_s, row.table.autovacuum_s)),
    },
    Column {
        id: "analyze",
        title: "ANALYZE",
        help: "how long ago it was last analyzed, by hand or by autovacuum",
        width: Width::Fit(7, 7),
        align: Align::Right,
        cell: |row| ago_or_never(last(row.table.analyze_s, row.table.autoanalyze_s)),
        key: |row| Key::from(last(row.table.analyze_s, row.table.autoanalyze_s)),
    },
    Column {
        id: "byvacuum",
        title: "BY DEAD",
        help: "dead rows by the threshold of vacuum",
        width: Width::Fit(7, 7),
        align: Align::Right,
        cell: |row| share(row.share(Work::Vacuum)),
        key: |row| Key::from(row.share(Work::Vacuum)),
    },
    Column {
        id: "byinsert",
        title: "BY INSERT",
        help: "inserted rows by the threshold of vacuum for inserts (13+)",
        width: Width::Fit(9, 9),
        align: Align::Right,
        cell: |row| share(row.share(Work::Insert)),
        key: |row| Key::from(row.share(Work::Insert)),
    },
    Column {
        id: "byanalyze",
        title: "BY CHANGE",
        help: "changed rows by the threshold of analyze",
        width: Width::Fit(9, 9),
        align: Align::Right,
        cell: |row| share(row.share(Work::Analyze)),
        key: |row| Key::from(row.share(Work::Analyze)),
    },
    Column {
        id: "rows",
        title: "ROWS",
        help: "living rows by the statistics",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| rows(row, row.table.live),
        key: |row| Key::from(row.table.live),
    },
];

fn rows(row: &Row, count: i64) -> Cell<'static> {
    if autovacuum::is_parent(&row.table) {
        Cell::empty()
    } else {
        Cell::text(format::count(count))
    }
}

fn percent(share: Option<f64>) -> Cell<'static> {
    share.map_or(Cell::empty(), |share| Cell::text(format::percent(share * PERCENT)))
}

fn share(share: Option<f64>) -> Cell<'static> {
    match share {
        Some(share) if share > 1.0 => Cell::text(times_over(share)),
        Some(share) => Cell::new(times_over(share), Role::Muted),
        None => Cell::empty(),
    }
}

fn stale(row: &Row) -> Cell<'static> {
    let Some(changed) = autovacuum::changed(&row.table) else {
        return Cell::empty();
    };
    let estimated = if autovacuum::is_parent(&row.table) { "≈" } else { "" };
    let role = if row.share(Work::Analyze).is_some_and(|share| share > 1.0) {
        Role::Text
    } else {
        Role::Muted
    };
    Cell::new(format!("{estimated}{}", times_over(changed)), role)
}

fn state(row: &Row) -> Cell<'static> {
    let role = match row.state {
        State::Off | State::Disabled | State::NoWorker | State::Starved(_) => Role::Warning,
        State::Again | State::ByHand => Role::Notice,
        State::Running(_) => Role::Ok,
        State::Near => Role::Muted,
        State::Next => Role::Text,
    };
    Cell::new(row.state.name(), role)
}

/// The younger of two ages.
fn last(by_hand: Option<f64>, by_autovacuum: Option<f64>) -> Option<f64> {
    match (by_hand, by_autovacuum) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// "vacuum at 20,050 dead rows (50 + 0.2 × 100,000): 23,641, 117 %".
fn threshold(table: &Table, distance: &Distance) -> Rich {
    let (base, scale, of) = match distance.work {
        Work::Vacuum => (table.vacuum_base, table.vacuum_scale, "dead rows"),
        Work::Insert => (
            table.insert_base.unwrap_or_default(),
            table.insert_scale.unwrap_or_default(),
            "inserted rows",
        ),
        Work::Analyze => (table.analyze_base, table.analyze_scale, "changed rows"),
    };
    let cap = table.vacuum_max.filter(|_| distance.work == Work::Vacuum);
    let cap = cap.map(|most| format!(", {} at most", format::count(most)));
    let unfrozen = autovacuum::unfrozen(table);
    let frozen = (distance.work == Work::Insert && unfrozen < 1.0)
        .then(|| format!(" × {} not frozen", format::percent(unfrozen * PERCENT)));
    let text = format!(
        "{} at {} {of} ({base} + {scale} × {}{}{})",
        distance.work.name(),
        format::count(distance.at),
        format::count(table.reltuples.max(0.0)),
        frozen.unwrap_or_default(),
        cap.unwrap_or_default(),
    );
    let role = if distance.over() { Role::Text } else { Role::Muted };
    let mut rich = Rich::new(text, Role::Muted);
    let now = format!(": {}, {}", format::count(distance.count), times_over(distance.share()));
    rich.push(now, role);
    rich
}

/// When it was last done, by whom and how often.
fn history(table: &Table) -> Rich {
    let mut rich = Rich::default();
    let counts = [
        ("vacuumed", table.vacuum_s, table.autovacuum_s, table.vacuums),
        ("analyzed", table.analyze_s, table.autoanalyze_s, table.analyzes),
    ];
    for (verb, by_hand, by_auto, (hand, auto)) in counts {
        let when = |ago: Option<f64>| ago.map_or("never".to_owned(), format::ago);
        let text = format!(
            "{verb} by autovacuum {} ({}), by hand {} ({})",
            when(by_auto),
            format::count(auto),
            when(by_hand),
            format::count(hand)
        );
        rich.fact(text, Role::Muted);
    }
    rich
}

/// The first disabled table, as a statement names it. A TOAST table may have it from its table or by itself.
fn a_disabled_one(rows: &[Row]) -> Option<String> {
    let row = rows
        .iter()
        .find(|row| row.state == State::Disabled && row.table.owner.is_none())?;
    Some(quote::qualified(&row.table.nspname, &row.table.relname))
}

fn busy(world: &World) -> Option<usize> {
    let sees_all = world.sees_all();
    overview::busy_workers(world.get::<Activity>()?, sees_all)
}

fn workers(setting: &Setting, busy: Option<usize>) -> Piece {
    let most = setting.workers();
    let full = busy.is_some_and(|busy| usize::try_from(most).is_ok_and(|most| busy >= most));
    let busy = busy.map_or("?".to_owned(), |busy| busy.to_string());
    let role = if full { Role::Warning } else { Role::Text };
    (format!("{busy}/{most} workers busy"), role)
}

impl List for Queue {
    type Row = Row;
    const ID: &'static str = "queue";
    const TITLE: &'static str = "Queue";
    const PROBES: &'static [&'static str] = &[AutovacuumProbe::SPEC.id, Activity::SPEC.id];
    const SORT: Option<(&'static str, Order)> = Some(("due", Order::Descending));
    const ACTIONS: &'static [Action] = &[Action::Enter];
    const HELP: &'static [(&'static str, &'static str)] = &[
        (
            "Queue",
            "tables of the connected database from a tenth of a threshold on, by the arithmetic autovacuum itself uses: \
             base + scale × rows, with the table's own options, and those with most dead or changed rows; temporary \
             tables are not its business",
        ),
        (
            "yellow mark",
            "over a threshold and nobody comes: autovacuum is off or disabled for it, or every worker is busy",
        ),
        (
            "stale",
            "means changed since the last ANALYZE; a table nobody changes stays calm however old its statistics are",
        ),
    ];
    const ASKING: &'static str = "Counting how near the tables are to their thresholds.";

    fn rows(&mut self, world: &World) -> Option<Vec<Row>> {
        let queue = world.get::<AutovacuumProbe>()?;
        let commands = world.get::<ProgressProbe>().map(Vec::as_slice).unwrap_or_default();
        let present = Present::of(busy(world), commands, queue.epoch);
        self.stuck = autovacuum::stuck(queue, &present);
        self.saturated = present.saturated(&queue.setting);
        let row = |table| Row::new(table, &queue.setting, &present);
        Some(queue.all().map(row).collect())
    }

    fn head(&self, world: &World, rows: &[Row]) -> Vec<Piece> {
        let Some(queue) = world.get::<AutovacuumProbe>() else {
            return Vec::new();
        };
        let totals = queue.totals;
        let mut pieces = vec![top_of(rows.len(), totals.tables, "table", "tables")];
        pieces.push(workers(&queue.setting, busy(world)));
        if !queue.setting.active {
            pieces.push(("autovacuum or track_counts is off".to_owned(), Role::Warning));
        }
        if totals.over > 0 {
            let text = format!(
                "due: {} vacuum, {} insert, {} analyze",
                format::count(totals.over_vacuum),
                format::count(totals.over_insert),
                format::count(totals.over_analyze)
            );
            pieces.push((text, Role::Text));
        }
        pieces.push((
            format!("naptime {}", format::duration(queue.setting.naptime_s)),
            Role::Muted,
        ));
        pieces.push((super::running::limits(&queue.setting), Role::Muted));
        pieces
    }

    fn nothing(&self, _world: &World) -> Notice {
        Notice::new(
            Role::Muted,
            "No table of this database is anywhere near a threshold of autovacuum.",
        )
    }

    fn notice(&self, world: &World, rows: &[Row]) -> Option<Notice> {
        let queue = world.get::<AutovacuumProbe>()?;
        let disabled = queue.totals.over_disabled;
        if !queue.setting.active {
            let text = "Autovacuum does nothing here but save tables from wraparound.  ALTER SYSTEM SET autovacuum = on; \
                        ALTER SYSTEM SET track_counts = on; SELECT pg_reload_conf();";
            return Some(Notice::new(Role::Warning, text));
        }
        if self.saturated && queue.totals.over > 0 {
            let text = format!(
                "Every worker is busy while {} due. More autovacuum_max_workers share the same cost limit: raise \
                 autovacuum_vacuum_cost_limit too.",
                format::counted(queue.totals.over, "table is", "tables are")
            );
            return Some(Notice::new(Role::Warning, text));
        }
        (disabled > 0).then(|| {
            let tables = format::counted(disabled, "table is", "tables are");
            let text = format!(
                "{tables} due and left out by autovacuum: autovacuum_enabled = false.  ALTER TABLE {} RESET (autovacuum_enabled);",
                a_disabled_one(rows).unwrap_or_else(|| "...".to_owned())
            );
            Notice::new(Role::Warning, text)
        })
    }

    fn about(&self, row: &Row) -> Vec<Rich> {
        let mut lines: Vec<Rich> = row
            .distances
            .iter()
            .map(|distance| threshold(&row.table, distance))
            .collect();
        lines.push(history(&row.table));
        if let State::Starved(seconds) = row.state {
            let text = format!(
                "due for {} or longer while a worker is free: autovacuum skips a table that somebody has locked (Enter \
                 shows the locks)",
                format::duration(seconds)
            );
            lines.insert(0, Rich::new(text, Role::Warning));
        }
        lines
    }

    fn on(&mut self, action: Action, row: Option<&Row>, _world: &World) -> Reply {
        match (action, row) {
            (Action::Enter, Some(row)) => Reply::Open(Subject::Relation(row.table.relid)),
            _ => Reply::Ignored,
        }
    }

    fn is(row: &Row, thing: &Thing) -> bool {
        *thing == Thing::Relation(row.table.relid)
    }

    fn badge(&self, _rows: &[Row]) -> Option<Badge> {
        Badge::of(Severity::Warning, usize::try_from(self.stuck).unwrap_or_default())
    }
}
