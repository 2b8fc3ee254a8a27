//! The lines about work done: transactions, blocks, rows, WAL, checkpoints, temporary files.

use std::time::Duration;

use super::line::Line;
use crate::known::Freshness;
use crate::model::observe::name;
use crate::model::overview::checkpoint_pace;
use crate::model::rates::{float, share};
use crate::model::series::Fold;
use crate::probe::Probe;
use crate::probe::counters::CountersProbe;
use crate::probe::pulse::PulseProbe;
use crate::probe::relation_io::RelationIoProbe;
use crate::ui::format;
use crate::ui::look::Role;
use crate::world::World;

/// The lines, and those that come only where there is room.
pub fn lines(world: &World, window: Duration) -> (Vec<Line>, Vec<Line>) {
    let lines = vec![
        commits(world, window),
        cache(world, window),
        rows_out(world, window),
        wal(world, window),
        checkpoints(world),
        temp(world, window),
    ];
    let extra = vec![rows_in(world, window), reads(world, window), deadlocks(world, window)];
    (lines, extra)
}

fn commits(world: &World, window: Duration) -> Line {
    Line::of::<CountersProbe>(world, "commits", "Commits/s", |_, line| {
        let last = |series| world.series.last(series);
        let rollbacks = last(name::ROLLBACKS)
            .zip(last(name::COMMITS))
            .and_then(|(rollbacks, commits)| share(rollbacks, commits));
        let line = line
            .newest(world, name::COMMITS, format::rate)
            .trend(world, window, name::COMMITS, Fold::Mean, 1.0)
            .maybe(rollbacks.map(|share| format!("rollbacks {}", format::percent(share))));
        line.maybe(last(name::COMMITS_HERE).map(|rate| format!("here {}", format::rate(rate))))
            .maybe(last(name::SESSIONS).map(|rate| format!("new sessions {}/s", format::rate(rate))))
    })
}

fn cache(world: &World, window: Duration) -> Line {
    let line = Line::of::<CountersProbe>(world, "cache", "Cache hit", |_, line| {
        let idle = world.series.last(name::BLOCKS_READ).is_some();
        let line = match world.series.last(name::CACHE_HIT) {
            // No block was asked for: a ratio of nothing is unknown, not 0 and not 100.
            None if idle => line.value("idle").role(Role::Muted),
            _ => line.newest(world, name::CACHE_HIT, format::percent),
        };
        line.trend(world, window, name::CACHE_HIT, Fold::Mean, 100.0)
    });
    tables_and_indexes(world, line)
}

/// The two ratios of the connected database: since the last reading if there are two, else since the counters' reset.
fn tables_and_indexes(world: &World, line: Line) -> Line {
    let Some(io) = world.get::<RelationIoProbe>() else {
        return match world.freshness(RelationIoProbe::SPEC.id) {
            Freshness::Failed => line.piece(Role::Denied, "tables and indexes not readable"),
            _ => line,
        };
    };
    let last = |series| world.series.last(series);
    let (tables, indexes, span) = match (last(name::TABLE_HIT), last(name::INDEX_HIT)) {
        (None, None) => (
            share(
                float(io.table_hit),
                float(io.table_fetched.saturating_sub(io.table_hit)),
            ),
            share(
                float(io.index_hit),
                float(io.index_fetched.saturating_sub(io.index_hit)),
            ),
            io.reset.map(|reset| io.epoch - reset),
        ),
        (tables, indexes) => (tables, indexes, world.series.last_span(name::TABLE_HIT)),
    };
    let ratio = |share: Option<f64>| share.map_or_else(|| format::NONE.to_owned(), format::percent);
    let span = span.map_or_else(|| "ever".to_owned(), |span| format!("in {}", format::duration(span)));
    line.with(format!("tbl {} idx {} {span}", ratio(tables), ratio(indexes)))
}

fn rows_out(world: &World, window: Duration) -> Line {
    Line::of::<CountersProbe>(world, "rows_out", "Rows out/s", |_, line| {
        line.newest(world, name::ROWS_OUT, format::rate)
            .trend(world, window, name::ROWS_OUT, Fold::Mean, 1.0)
            .maybe(changes(world).map(|changes| format!("in: {changes}")))
    })
}

/// "ins 12 · upd 3 · del 0", a second.
fn changes(world: &World) -> Option<String> {
    let last = |series| world.series.last(series).map(format::rate);
    Some(format!(
        "ins {} · upd {} · del {}",
        last(name::ROWS_INSERTED)?,
        last(name::ROWS_UPDATED)?,
        last(name::ROWS_DELETED)?
    ))
}

fn rows_in(world: &World, window: Duration) -> Line {
    Line::of::<CountersProbe>(world, "rows_in", "Rows in/s", |_, line| {
        line.newest(world, name::ROWS_IN, format::rate)
            .trend(world, window, name::ROWS_IN, Fold::Mean, 1.0)
            .piece(Role::Muted, "inserted, updated and deleted, all databases")
    })
}

fn reads(world: &World, window: Duration) -> Line {
    let block = world.server.as_ref().map_or(8192, |server| server.block_size.max(1));
    Line::of::<CountersProbe>(world, "reads", "Read", |_, line| {
        line.newest(world, name::BLOCKS_READ, |rate| {
            format::bytes_per_s(rate * f64::from(block))
        })
        .trend(world, window, name::BLOCKS_READ, Fold::Mean, 1.0)
        .piece(Role::Muted, "from the system's cache or disk into shared_buffers")
    })
}

fn deadlocks(world: &World, window: Duration) -> Line {
    Line::of::<CountersProbe>(world, "deadlocks", "Deadlocks", |counters, line| {
        let (count, known) = world.series.total(name::DEADLOCKS, world.now, Duration::from_hours(1));
        let line = if known > 0.0 {
            line.value(format!("{count:.0}"))
                .piece(Role::Muted, format!("in {}", format::duration(known)))
        } else {
            line.newest(world, name::DEADLOCKS, format::rate)
        };
        line.trend(world, window, name::DEADLOCKS, Fold::Peak, 0.01).piece(
            Role::Muted,
            format!("{} since reset", format::count(counters.all.deadlocks)),
        )
    })
}

fn wal(world: &World, window: Duration) -> Line {
    let standby = world.get::<PulseProbe>().is_some_and(|pulse| pulse.in_recovery);
    let label = if standby { "WAL replayed" } else { "WAL" };
    Line::of::<PulseProbe>(world, "wal", label, |_, line| {
        let pages = world.series.last(name::WAL_FULL_PAGES).filter(|_| !standby);
        line.newest(world, name::WAL_POSITION, format::bytes_per_s)
            .trend(world, window, name::WAL_POSITION, Fold::Mean, 1.0)
            .maybe(pages.map(|rate| format!("full pages {}/s", format::rate(rate))))
    })
}

fn checkpoints(world: &World) -> Line {
    let standby = world.get::<PulseProbe>().is_some_and(|pulse| pulse.in_recovery);
    let label = if standby { "Restartpoints" } else { "Checkpoints" };
    Line::of::<CountersProbe>(world, "checkpoints", label, |counters, line| {
        let timeout = world
            .get::<PulseProbe>()
            .map_or(300.0, |pulse| pulse.checkpoint_timeout_s);
        let Some(pace) = checkpoint_pace(&world.series, counters, timeout, world.now) else {
            return line.piece(Role::Muted, "counters never reset, session too young");
        };
        let line = match pace.every() {
            Some(seconds) => line.value(format!("per {}", format::duration(seconds))),
            None => line.value("none").role(Role::Muted),
        };
        let line = line
            .with(format!("{:.0} timed", pace.timed))
            .with(format!("{:.0} req", pace.requested))
            .piece(Role::Muted, format!("in {}", format::duration(pace.seconds)));
        if pace.since_reset {
            line.piece(Role::Muted, "since the counters were reset")
        } else {
            line
        }
    })
}

fn temp(world: &World, window: Duration) -> Line {
    Line::of::<CountersProbe>(world, "temp", "Temp files", |_, line| {
        let files = world.series.last(name::TEMP_FILES);
        line.newest(world, name::TEMP_BYTES, format::bytes_per_s)
            .trend(world, window, name::TEMP_BYTES, Fold::Mean, 1.0)
            .maybe(files.map(|rate| format!("{} files/s", format::rate(rate))))
    })
}
