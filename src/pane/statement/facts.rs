//! What is known of one statement, as labelled facts.

use crate::model::clock;
use crate::model::rates::float;
use crate::model::statements::{Between, Growth, Interval, Point, Trust, executions, percentile};
use crate::pane::page::{Fact, Rich};
use crate::pane::queries::{TextOf, milliseconds, span};
use crate::probe::activity::Backend;
use crate::probe::statement::Counted;
use crate::probe::statement_latency::Histogram;
use crate::probe::statements::Key;
use crate::ui::format;
use crate::ui::look::{Glyphs, Role};
use crate::ui::spark::{self, Join};
use crate::world::World;

/// Sessions named at most.
const FEW: usize = 5;
/// From so many milliseconds on seconds, minutes and hours say more.
const LONG_MS: f64 = 60_000.0;
/// Cells of a line over time.
const SPARK: usize = 40;

/// Who it is of, and what it cost in each window.
pub(super) fn windows(key: &Key, names: Option<&Growth>, world: &World) -> Vec<Fact> {
    let mut facts = vec![Fact::new("Run by", run_by(key, names))];
    let workload = &world.workload;
    match workload.last() {
        Ok(last) => facts.push(Fact::new("Last", cost(last, key, world))),
        Err(gap) => facts.push(Fact::new("Last", Rich::new(gap.to_string(), Role::Muted))),
    }
    if let Some(since) = workload.since_mark() {
        facts.push(Fact::new("Marked", cost(since, key, world)));
    }
    if let Some(all) = workload.since_reset() {
        facts.push(Fact::new("All", cost(all, key, world)));
    }
    facts
}

fn run_by(key: &Key, names: Option<&Growth>) -> Rich {
    let name = |name: Option<&str>, oid: u32| name.map_or_else(|| format!("dropped {oid}"), str::to_owned);
    let user = name(names.and_then(|names| names.user.as_deref()), key.user);
    let database = name(names.and_then(|names| names.database.as_deref()), key.database);
    let mut rich = Rich::new(format!("{user} in database {database}"), Role::Text);
    if !key.toplevel {
        rich.fact("within another statement", Role::Text);
    }
    rich
}

/// What it cost in one window.
fn cost(interval: &Interval, key: &Key, world: &World) -> Rich {
    let growth = interval.get(key);
    // Since the reset each entry has a time of its own.
    let seconds = growth.map_or(interval.seconds(), |growth| growth.seconds);
    let mut rich = Rich::new(span(seconds, interval.to, world), Role::Muted);
    let Some(growth) = growth else {
        rich.fact("not executed", Role::Muted);
        return rich;
    };
    let role = match growth.trust {
        Trust::Exact => Role::Text,
        Trust::AtLeast => Role::Estimated,
        Trust::Unknown => {
            rich.fact(
                "its counters fell, or were not asked for before: nothing can be said",
                Role::Notice,
            );
            return rich;
        }
    };
    if growth.trust == Trust::AtLeast {
        rich.fact("at least", Role::Estimated);
    }
    rich.fact(format::counted(growth.counters.calls, "call", "calls"), role);
    if let Some(rate) = growth.per_second(float(growth.counters.calls)) {
        rich.push(format!(" ({}/s)", format::rate(rate)), role);
    }
    if let Some(mean) = growth.mean_ms() {
        rich.fact(format!("{} ms each", milliseconds(mean)), role);
    }
    if interval.total_ms > 0.0 {
        let share = growth.counters.exec_ms / interval.total_ms * 100.0;
        rich.fact(format!("{} of all time", format::percent(share)), role);
    }
    rich
}

/// Lines over time of calls and mean time.
pub(super) fn history(key: &Key, world: &World) -> Vec<Fact> {
    let points: Vec<&Point> = world.workload.history(key).collect();
    if points.len() < 2 {
        return Vec::new();
    }
    let calls: Vec<_> = points.iter().map(|point| point.calls).collect();
    let mean: Vec<_> = points.iter().map(|point| point.mean_ms).collect();
    vec![
        Fact::new("Calls/s", line(&calls, format::rate)),
        Fact::new("Mean", line(&mean, |ms| format!("{} ms", milliseconds(ms)))),
    ]
}

/// A line over time with its largest value.
fn line(points: &[Option<f64>], text: impl Fn(f64) -> String) -> Rich {
    let levels = spark::levels(points, SPARK.min(points.len()), Join::Peak, None);
    let sign = |level: &Option<u8>| {
        let sign = level.and_then(|level| Glyphs::UNICODE.spark.get(usize::from(level)));
        sign.copied().unwrap_or(Glyphs::UNICODE.none)
    };
    let mut rich = Rich::new(levels.iter().map(sign).collect::<String>(), Role::Spark);
    if let Some(most) = points.iter().flatten().copied().reduce(f64::max) {
        rich.push(format!("  at most {}", text(most)), Role::Muted);
    }
    rich
}

/// How long its executions took; nothing without any.
pub(super) fn latency(histogram: &Histogram, world: &World) -> Option<Fact> {
    let bound = |share| percentile(histogram, share).map(between);
    let mut rich = Rich::new(format!("p95 {}", bound(0.95)?), Role::Text);
    rich.fact(format!("p99 {}", bound(0.99)?), Role::Text);
    let since = clock::time_of_day(histogram.since, &world.zone);
    let calls = format::counted(executions(histogram), "call", "calls");
    rich.fact(format!("{calls} since {since} by pg_stat_monitor"), Role::Muted);
    Some(Fact::new("Latency", rich))
}

fn between(bounds: Between) -> String {
    let above = milliseconds(bounds.above);
    if bounds.upto.is_finite() {
        format!("{above} to {} ms", milliseconds(bounds.upto))
    } else {
        format!("more than {above} ms")
    }
}

/// What stands in the place of a text that is not known.
pub(super) fn no_text(text: &TextOf) -> Rich {
    match text {
        TextOf::None => Rich::new("the extension kept no text of it", Role::Muted),
        TextOf::Failed => Rich::new("its text could not be read", Role::Denied),
        _ => Rich::new("reading its text", Role::Muted),
    }
}

/// Who runs it now.
pub(super) fn running(backends: &[Backend], has_ids: bool) -> Vec<Fact> {
    if !has_ids {
        let text = "not known: query ids of sessions need PostgreSQL 14";
        return vec![Fact::new("Runs now", Rich::new(text, Role::Denied))];
    }
    if backends.is_empty() {
        return vec![Fact::new("Runs now", Rich::new("in no session", Role::Muted))];
    }
    let mut facts: Vec<Fact> = backends
        .iter()
        .take(FEW)
        .map(|backend| Fact::new("", runner(backend)))
        .collect();
    if let Some(first) = facts.first_mut() {
        first.label = "Runs now";
    }
    let more = backends.len().saturating_sub(FEW);
    if more > 0 {
        facts.push(Fact::new(
            "",
            Rich::new(
                format!("and in {}", format::counted(more, "more session", "more sessions")),
                Role::Muted,
            ),
        ));
    }
    facts
}

fn runner(backend: &Backend) -> Rich {
    let mut rich = Rich::new(backend.pid.to_string(), Role::Text);
    if let Some(seconds) = backend.query_s {
        rich.fact(format!("for {}", format::duration(seconds.max(0.0))), Role::Text);
    }
    if let (Some(class), Some(event)) = (&backend.wait_event_type, &backend.wait_event) {
        let role = if class == "Lock" { Role::Warning } else { Role::Text };
        rich.fact(format!("waits for {class}:{event}"), role);
    }
    for name in [&backend.usename, &backend.application_name, &backend.client]
        .into_iter()
        .flatten()
    {
        if !name.is_empty() {
            rich.fact(name.as_str(), Role::Muted);
        }
    }
    rich
}

/// A group of counters: its label, and for each counter its column, how it is called beside the label, and its unit.
type Group = (&'static str, &'static [(&'static str, &'static str, Unit)]);

#[derive(Clone, Copy)]
enum Unit {
    Count,
    Ms,
    Bytes,
    Time,
}

/// The columns of every version of the extension, in the order of the page.
const GROUPS: &[Group] = &[
    (
        "Counted",
        &[
            ("calls", "calls", Unit::Count),
            ("rows", "rows", Unit::Count),
            ("stats_since", "since", Unit::Time),
        ],
    ),
    (
        "Execution",
        &[
            ("total_time", "total", Unit::Ms),
            ("total_exec_time", "total", Unit::Ms),
            ("mean_time", "mean", Unit::Ms),
            ("mean_exec_time", "mean", Unit::Ms),
            ("min_time", "min", Unit::Ms),
            ("min_exec_time", "min", Unit::Ms),
            ("max_time", "max", Unit::Ms),
            ("max_exec_time", "max", Unit::Ms),
            ("stddev_time", "stddev", Unit::Ms),
            ("stddev_exec_time", "stddev", Unit::Ms),
            ("minmax_stats_since", "min and max since", Unit::Time),
        ],
    ),
    (
        "Planning",
        &[
            ("plans", "plans", Unit::Count),
            ("total_plan_time", "total", Unit::Ms),
            ("mean_plan_time", "mean", Unit::Ms),
            ("min_plan_time", "min", Unit::Ms),
            ("max_plan_time", "max", Unit::Ms),
            ("stddev_plan_time", "stddev", Unit::Ms),
        ],
    ),
    (
        "Blocks",
        &[
            ("shared_blks_hit", "hit", Unit::Count),
            ("shared_blks_read", "read", Unit::Count),
            ("shared_blks_dirtied", "dirtied", Unit::Count),
            ("shared_blks_written", "written", Unit::Count),
            ("blk_read_time", "reading", Unit::Ms),
            ("shared_blk_read_time", "reading", Unit::Ms),
            ("blk_write_time", "writing", Unit::Ms),
            ("shared_blk_write_time", "writing", Unit::Ms),
        ],
    ),
    (
        "Local",
        &[
            ("local_blks_hit", "hit", Unit::Count),
            ("local_blks_read", "read", Unit::Count),
            ("local_blks_dirtied", "dirtied", Unit::Count),
            ("local_blks_written", "written", Unit::Count),
            ("local_blk_read_time", "reading", Unit::Ms),
            ("local_blk_write_time", "writing", Unit::Ms),
        ],
    ),
    (
        "Temporary",
        &[
            ("temp_blks_read", "read", Unit::Count),
            ("temp_blks_written", "written", Unit::Count),
            ("temp_blk_read_time", "reading", Unit::Ms),
            ("temp_blk_write_time", "writing", Unit::Ms),
        ],
    ),
    (
        "WAL",
        &[
            ("wal_records", "records", Unit::Count),
            ("wal_fpi", "full pages", Unit::Count),
            ("wal_bytes", "bytes", Unit::Bytes),
            ("wal_buffers_full", "buffers full", Unit::Count),
        ],
    ),
    (
        "JIT",
        &[
            ("jit_functions", "functions", Unit::Count),
            ("jit_generation_time", "generation", Unit::Ms),
            ("jit_inlining_count", "inlined", Unit::Count),
            ("jit_inlining_time", "inlining", Unit::Ms),
            ("jit_optimization_count", "optimized", Unit::Count),
            ("jit_optimization_time", "optimization", Unit::Ms),
            ("jit_emission_count", "emitted", Unit::Count),
            ("jit_emission_time", "emission", Unit::Ms),
            ("jit_deform_count", "deformed", Unit::Count),
            ("jit_deform_time", "deforming", Unit::Ms),
        ],
    ),
    (
        "Parallel",
        &[
            ("parallel_workers_to_launch", "workers wanted", Unit::Count),
            ("parallel_workers_launched", "workers launched", Unit::Count),
        ],
    ),
];

/// Everything that is counted of it, groups in which everything is zero in one line; what a version newer than this
/// program counts stands at the end as it is.
pub(super) fn counted(counted: &Counted, planning: Option<bool>) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut zero = Vec::new();
    for (label, columns) in GROUPS {
        let present = || {
            columns
                .iter()
                .filter_map(|(column, name, unit)| Some((counted.get(*column)?, *name, *unit)))
        };
        let mut rich = Rich::default();
        for (value, name, unit) in present() {
            rich.fact(format!("{name} {}", in_unit(value, unit)), Role::Text);
        }
        if present().all(|(value, ..)| value.parse() == Ok(0.0)) {
            zero.extend((!rich.is_empty()).then(|| zeroed(label, planning)));
        } else {
            facts.push(Fact::new(label, rich));
        }
    }
    if !zero.is_empty() {
        facts.push(Fact::new("At zero", Rich::new(zero.join(", "), Role::Muted)));
    }
    facts.extend(others(counted));
    facts
}

fn zeroed(label: &str, planning: Option<bool>) -> String {
    match label {
        "WAL" | "JIT" => label.to_owned(),
        "Planning" if planning == Some(false) => "planning (pg_stat_statements.track_planning is off)".to_owned(),
        label => label.to_lowercase(),
    }
}

fn others(counted: &Counted) -> Option<Fact> {
    let known = |name: &str| {
        GROUPS
            .iter()
            .any(|(_, columns)| columns.iter().any(|(column, ..)| *column == name))
    };
    let mut others = Rich::default();
    for (name, value) in counted.iter().filter(|(name, _)| !known(name)) {
        others.fact(format!("{name} {value}"), Role::Text);
    }
    (!others.is_empty()).then(|| Fact::new("Others", others))
}

/// Milliseconds, long times as people tell them.
fn time(ms: f64) -> String {
    if ms < LONG_MS {
        format!("{} ms", milliseconds(ms))
    } else {
        format::duration(ms / 1000.0)
    }
}

fn in_unit(value: &str, unit: Unit) -> String {
    let number = || value.parse::<f64>().ok();
    let shown = match unit {
        Unit::Count => value.parse().ok().map(format::exact),
        Unit::Ms => number().map(time),
        Unit::Bytes => number().map(format::bytes),
        Unit::Time => value.parse::<jiff::Timestamp>().ok().and_then(|at| {
            #[expect(clippy::cast_precision_loss, reason = "whole seconds are shown")]
            clock::utc(at.as_second() as f64)
        }),
    };
    shown.unwrap_or_else(|| value.to_owned())
}
