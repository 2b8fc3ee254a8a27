//! What the server would have to count or load for everything to be shown.

use super::{Examined, Point};
use crate::model::dangers::dangers;
use crate::model::statements::{absent, shortcomings};
use crate::pg::quote::identifier;
use crate::pg::server::Server;
use crate::probe::extensions::{Extensions, ExtensionsProbe};
use crate::probe::measure;
use crate::probe::settings::{ServerSettings, SettingsProbe};
use crate::probe::statement_latency;
use crate::probe::statements::{EXTENSION, StatementsProbe};
use crate::ui::format;

pub(super) fn points(examined: &Examined<'_>) -> Vec<Point> {
    let known = &examined.seen.known;
    let (Some(server), Some(extensions)) = (known.server.as_deref(), known.get::<ExtensionsProbe>()) else {
        return Vec::new();
    };
    let statements = absent(server, extensions).map_or_else(
        || statements(extensions),
        |advice| Point::limited(advice.sentence).with(advice.remedy),
    );
    let hidden = known.get::<StatementsProbe>().map(|known| (known.hidden, known.all));
    let less = shortcomings(server, extensions, hidden.unwrap_or_default()).into_iter();
    let less = less.map(|advice| Point::limited(advice.sentence).with(advice.remedy));
    let less: Vec<Point> = less.filter(|_| absent(server, extensions).is_none()).collect();
    [statements]
        .into_iter()
        .chain(less)
        .chain([measuring(server, extensions), latencies(extensions)])
        .collect()
}

/// What `pg_stat_statements` counts.
fn statements(extensions: &Extensions) -> Point {
    let installed = extensions.extension(EXTENSION);
    let version = installed.map_or("", |extension| &extension.version);
    let schema = installed.map_or("", |extension| &extension.schema);
    let max = extensions.statements_max.map(format::exact).unwrap_or_default();
    let track = extensions.statements_track.as_deref().unwrap_or_default();
    Point::ok(format!(
        "{EXTENSION} {version} in the schema {} is loaded; it counts {max} statements at most (track = {track}).",
        identifier(schema)
    ))
}

/// Whether tables and indexes can be measured.
fn measuring(server: &Server, extensions: &Extensions) -> Point {
    let name = measure::EXTENSION;
    match extensions.extension(name) {
        Some(extension) => Point::ok(format!(
            "{name} {}: tables and indexes can be measured.",
            extension.version
        )),
        None => Point::note(format!(
            "{name} is not in database {}: bloat is estimated, and cannot be measured on the page of a table.",
            identifier(&server.database)
        ))
        .with(format!("CREATE EXTENSION {name};")),
    }
}

/// Whether a statement's latencies are counted one by one.
fn latencies(extensions: &Extensions) -> Point {
    let name = statement_latency::EXTENSION;
    match extensions.extension(name) {
        Some(extension) => Point::ok(format!(
            "{name} {}: statements show how their times spread.",
            extension.version
        )),
        None => Point::note(format!(
            "{name} is not here: the page of a statement has no histogram of its times. Nothing else needs it."
        )),
    }
}

/// Settings without which nothing is told.
const TELLING: [&str; 2] = ["track_activities", "track_counts"];

/// What the server counts and tells by its settings.
pub(super) fn settings(examined: &Examined<'_>) -> Vec<Point> {
    let known = &examined.seen.known;
    let settings = known.get::<SettingsProbe>();
    let telling = settings.map(|settings| telling(settings, known.in_recovery()));
    let cut = settings.and_then(|settings| settings.number("track_activity_query_size"));
    let cut = cut.map(|bytes| {
        Point::ok(format!(
            "track_activity_query_size is {}: longer texts of running statements are cut.",
            format::bytes(bytes)
        ))
    });
    let timing = known.get::<ExtensionsProbe>().map(timing);
    telling.into_iter().flatten().chain(timing).chain(cut).collect()
}

/// What is not counted or not told, and for whose sessions.
fn telling(settings: &ServerSettings, in_recovery: bool) -> Vec<Point> {
    let dangers = dangers(settings, in_recovery).into_iter();
    let dangers = dangers.filter(|danger| TELLING.contains(&danger.name.as_str()));
    let points: Vec<Point> = dangers
        .map(|danger| Point::limited(format!("{}.", danger.says)).with(danger.remedy))
        .collect();
    if points.is_empty() {
        return vec![Point::ok(format!("{} are on.", TELLING.join(" and ")))];
    }
    points
}

/// Whether reads and writes are timed.
fn timing(extensions: &Extensions) -> Point {
    if extensions.track_io_timing {
        return Point::ok("track_io_timing is on: reads and writes are timed.");
    }
    let cost = "track_io_timing is off: how long reads and writes take is not known. Test its cost with pg_test_timing \
                first.";
    Point::note(cost).with("ALTER SYSTEM SET track_io_timing = on; SELECT pg_reload_conf();")
}
