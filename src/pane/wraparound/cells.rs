//! What both panels show alike: ages, ways, who saves it and who holds it back.

use crate::model::concern::Severity;
use crate::model::horizon::{self, Kind};
use crate::model::wraparound::{Burn, Counter, Level, Rescue, Way, Ways, seconds};
use crate::pane::Badge;
use crate::pane::common::{Notice, grant};
use crate::pane::list::Piece;
use crate::pane::page::Rich;
use crate::probe::Probe;
use crate::probe::activity::{Activity, Backend};
use crate::probe::horizon::{Holder, HorizonProbe};
use crate::probe::progress::{Progress, ProgressProbe};
use crate::probe::wraparound_databases::WraparoundDatabases;
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::Cell;
use crate::world::World;

/// What both panels ask besides their own question.
pub(super) const BESIDE: [&str; 3] = [HorizonProbe::SPEC.id, ProgressProbe::SPEC.id, Activity::SPEC.id];

/// Lines of help for both panels.
pub(super) const HELP: &[(&str, &str)] = &[
    (
        "Forced vacuum",
        "past autovacuum_freeze_max_age autovacuum vacuums a table whatever else is set: routine, nothing is wrong",
    ),
    (
        "Failsafe",
        "from vacuum_failsafe_age on (14+) VACUUM skips indexes and pauses, to be done in time",
    ),
    (
        "Stop",
        "the server assigns no new ids: 3 M before the wraparound (12 and 13: 1 M, for multixacts 100); reading goes on",
    ),
    (
        "Colour",
        "yellow from 1.5 G on, red from 1.8 G on: then the forced vacuum has not come through",
    ),
    (
        "Multixacts",
        "their members have a space of 2^32 of their own that can run out earlier; no view shows it before 19",
    ),
];

/// What an age means: the forced vacuum is routine and has no colour.
pub(super) fn role(level: Level) -> Role {
    match level {
        Level::Fine | Level::Due => Role::Text,
        Level::Warning => Role::Warning,
        Level::Critical | Level::Stopped => Role::Critical,
    }
}

/// The sign in the margin.
pub(super) fn mark(level: Level) -> Option<Role> {
    (level >= Level::Warning).then(|| role(level))
}

/// What is wrong, for the tab.
pub(super) fn badge(levels: impl Iterator<Item = Level>) -> Option<Badge> {
    Badge::of_rows(levels.filter_map(|level| match level {
        Level::Fine | Level::Due => None,
        Level::Warning => Some(Severity::Warning),
        Level::Critical | Level::Stopped => Some(Severity::Critical),
    }))
}

/// The share of the way to the stop, of whichever is further.
pub(super) fn way(ways: &Ways) -> Cell<'static> {
    Cell::new(format::percent(ways.worse().1.percent()), role(ways.level()))
}

/// An age.
pub(super) fn age(way: &Way) -> Cell<'static> {
    Cell::new(format::count(way.age), role(way.level()))
}

/// The share of the way to the forced vacuum.
pub(super) fn forced(ways: &Ways) -> Cell<'static> {
    Cell::text(format::percent(ways.percent_of_forced()))
}

/// How long until the stop.
pub(super) fn stop_in(ways: &Ways, burn: &Burn) -> Cell<'static> {
    match ways.seconds_left(burn) {
        _ if ways.level() == Level::Stopped => Cell::new("now", Role::Critical),
        Some(seconds) => Cell::text(format::duration(seconds)),
        None if burn.xid.is_none() => Cell::new("-", Role::Muted),
        None => Cell::new("never", Role::Muted),
    }
}

/// How many of `PostgreSQL`'s own are not listed.
pub(super) fn hidden(count: i64) -> Option<Piece> {
    let text = || format!("{} healthy defaults hidden", format::exact(count));
    (count > 0).then(|| (text(), Role::Muted))
}

/// What is known of saving and holding back.
pub(super) struct Around<'a> {
    /// Everybody's sessions.
    pub backends: &'a [Backend],
    /// What is being vacuumed.
    pub progress: &'a [Progress],
    /// Who holds the horizon.
    pub holders: &'a [Holder],
    /// The role sees what others do.
    pub sees_all: bool,
    /// How fast ids are used up.
    pub burn: Burn,
    /// The connected database.
    pub datname: &'a str,
}

impl<'a> Around<'a> {
    /// By the newest answers.
    pub fn of(world: &'a World) -> Self {
        Self {
            backends: world.get::<Activity>().map_or(&[], Vec::as_slice),
            progress: world.get::<ProgressProbe>().map_or(&[], Vec::as_slice),
            holders: world.get::<HorizonProbe>().map_or(&[], Vec::as_slice),
            sees_all: world.sees_all(),
            burn: Burn::of_session(&world.series, world.now),
            datname: world.database(),
        }
    }
}

/// "held back by pid 700 (xmin 1.2 M old): 5 Vacuum, Horizon".
pub(super) fn held(holder: &Holder) -> String {
    let (who, what) = match (horizon::kind(holder), holder.pid) {
        (Kind::Session, Some(pid)) => (format!("pid {pid}"), "xmin"),
        (Kind::SlotCatalog, _) => (format!("slot {}", holder.name), "catalog_xmin"),
        _ => (format!("{} {}", holder.kind, holder.name), "xmin"),
    };
    let age = format::count(holder.xmin_age);
    format!("held back by {who} ({what} {age} old): 5 Vacuum, Horizon")
}

/// Said where something is due and the role does not see who saves it or holds it back.
pub(super) fn hidden_from_us(world: &World, mut levels: impl Iterator<Item = Level>) -> Option<Notice> {
    let around = Around::of(world);
    let blind = !around.sees_all && around.backends.iter().any(|backend| backend.hidden);
    (blind && levels.any(|level| level >= Level::Due)).then(|| {
        let what = "Whose snapshot holds it back, and whether a worker is at it, is";
        Notice::hidden(what, &grant(world))
    })
}

/// What happens to it now, for the last column: the most telling first.
pub(super) fn doing(level: Level, rescue: Rescue, holder: Option<&Holder>) -> Vec<String> {
    if level < Level::Due {
        return Vec::new();
    }
    let stopped = (level == Level::Stopped).then(|| "no new ids".to_owned());
    let held = holder.map(held);
    let vacuum = match rescue {
        Rescue::Running(pid) => Some(format!("pid {pid} vacuums it")),
        Rescue::None => Some("forced vacuum due".to_owned()),
        Rescue::Hidden => Some("forced vacuum due; workers hidden".to_owned()),
    };
    [stopped, held, vacuum].into_iter().flatten().collect()
}

/// All that lies before an age, on a line.
pub(super) fn line(counter: Counter, way: &Way, burn: &Burn) -> Rich {
    let what = match counter {
        Counter::Xid => "Transactions",
        Counter::Multixact => "Multixacts",
    };
    let mut line = Rich::new(format!("{what} {}", format::exact(way.age)), role(way.level()));
    let mark = |name: &str, at: i64| match at.saturating_sub(way.age) {
        left if left > 0 => format!("{name} in {}", format::count(left)),
        _ => format!("{name} passed ({})", format::count(at)),
    };
    line.fact(mark("forced vacuum", way.marks.forced), Role::Muted);
    if let Some(failsafe) = way.marks.failsafe {
        line.fact(mark("failsafe", failsafe), Role::Muted);
    }
    line.fact(mark("warnings", way.marks.warning), Role::Muted);
    line.fact(mark("stop", way.marks.stop), Role::Muted);
    if let Some(per_second) = burn.of(counter) {
        let left = seconds(way.left(), per_second).map(|left| format!(", {} left", format::duration(left)));
        let burn = format!("{}/s{}", format::rate(per_second), left.unwrap_or_default());
        line.fact(burn, Role::Muted);
    }
    line
}

/// How fast ids are used up, for the head.
pub(super) fn burn(world: &World) -> Piece {
    let burn = Burn::of_session(&world.series, world.now);
    if let (Some(xid), Some(multixact)) = (burn.xid, burn.multixact) {
        let text = format!("{} xid/s · {} mxid/s", format::rate(xid), format::rate(multixact));
        return (text, Role::Text);
    }
    let gap = world.series.gap(WraparoundDatabases::SPEC.id);
    let why = gap.map_or_else(|| "needs a second reading".to_owned(), |gap| gap.to_string());
    (format!("burn rate: {why}"), Role::Muted)
}
