//! What several panes say and offer in the same way.

use super::Copy;
use super::list::Piece;
use crate::known::Freshness;
use crate::model::activity::Blocking;
use crate::model::remedy::Who;
use crate::probe::activity::{Activity, Backend};
use crate::probe::{Probe, Subject};
use crate::ui::format;
pub(super) use crate::ui::format::times as times_over;
use crate::ui::look::Role;
use crate::ui::table::{Cell, Record};
use crate::world::World;

/// Said where nothing is known of what was asked for after the connection was lost.
const NO_CONNECTION: &str = "Not asked yet: there is no connection.";

/// A sentence in the body of a pane, instead of rows or beside them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Notice {
    pub role: Role,
    pub text: String,
}

impl Notice {
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self {
            role,
            text: text.into(),
        }
    }

    /// Why a probe has nothing to show; `asking` is said while its first answer is awaited.
    pub fn absent<P: Probe>(world: &World, asking: &str) -> Self {
        Self::absent_of(P::SPEC.id, world, asking)
    }

    /// [`Self::absent`] for the probe with that id.
    pub fn absent_of(probe: &str, world: &World, asking: &str) -> Self {
        match world.freshness(probe) {
            Freshness::Skipped(reason) => Self::new(Role::Muted, format!("Not asked: {reason}.")),
            Freshness::Failed => Self::failed_of(probe, world).unwrap_or_else(|| Self::new(Role::Critical, "")),
            Freshness::Loading if let Some(fault) = world.waits_for_slow(probe) => Self::new(
                Role::Warning,
                format!("Not asked yet: the second connection is not to be had. {fault}"),
            ),
            Freshness::Loading | Freshness::Fresh(_) | Freshness::Stale(_) => Self::awaited(world, asking),
        }
    }

    /// What is said while the first answer is awaited: that, unless nothing can be asked now.
    pub fn awaited(world: &World, asking: &str) -> Self {
        let text = if world.is_down() { NO_CONNECTION } else { asking };
        Self::new(Role::Muted, text)
    }

    /// That something is hidden from our role (`what` with its verb), and the statement that shows it.
    pub fn hidden(what: &str, remedy: &str) -> Self {
        Self::new(Role::Denied, format!("{what} hidden from this role.  {remedy}"))
    }

    /// What went wrong the last time a probe was asked, if that was about this subject.
    pub fn failed_about<P: Probe>(subject: &Subject, world: &World) -> Option<Self> {
        let ran = world.last_ran(P::SPEC.id)?;
        (ran.subject.as_ref() == Some(subject)).then(|| Self::failed::<P>(world))?
    }

    /// What went wrong the last time a probe was asked, if anything.
    pub fn failed<P: Probe>(world: &World) -> Option<Self> {
        Self::failed_of(P::SPEC.id, world)
    }

    /// [`Self::failed`] for the probe with that id.
    pub fn failed_of(probe: &str, world: &World) -> Option<Self> {
        let fault = world.last_ran(probe)?.fault.as_ref()?;
        Some(Self::new(Role::Critical, fault.to_string()))
    }
}

/// The newest answer of a probe, if it is about that subject.
pub(super) fn answer_about<'a, P: Probe>(subject: &Subject, world: &'a World) -> Option<&'a P::Data> {
    let ran = world.latest.ran::<P>()?;
    (ran.subject.as_ref() == Some(subject)).then(|| world.get::<P>())?
}

/// The statement that shows our role what is hidden from it.
pub(super) fn grant(world: &World) -> String {
    world.grant()
}

/// Who waits for whom, as the Locks pane shows it.
pub(super) fn blocking(world: &World) -> Blocking {
    world.forest.as_deref().map(Blocking::of).unwrap_or_default()
}

/// Who a session of the newest sample of sessions is, for a statement that hits it.
pub(super) fn who<'a>(backend: &'a Backend, world: &World) -> Who<'a> {
    Who {
        pid: backend.pid,
        user: backend.usename.as_deref(),
        database: backend.datname.as_deref(),
        application: backend.application_name.as_deref(),
        client: backend.client.as_deref(),
        state: backend.state.as_deref().or(backend.backend_type.as_deref()),
        since: world.began::<Activity>(backend.state_s),
    }
}

/// `top 50 of 105,068 tables`, or how many there are when all of them are shown.
pub(super) fn top_of(shown: usize, all: i64, one: &str, many: &str) -> Piece {
    let shown = i64::try_from(shown).unwrap_or(i64::MAX);
    let known = all.max(shown);
    let noun = if known == 1 { one } else { many };
    let all = format!("{} {noun}", format::exact(known));
    let text = if 0 < shown && shown < known {
        format!("top {} of {all}", format::count(shown))
    } else {
        all
    };
    (text, Role::Text)
}

/// How long ago that was, for a cell.
pub(super) fn ago_or_never(seconds: Option<f64>) -> Cell<'static> {
    seconds.map_or(Cell::new("never", Role::Muted), |seconds| {
        Cell::text(format::duration(seconds))
    })
}

/// The text of a statement, to be copied as it is.
pub(super) fn query_copy(query: Option<&str>) -> Option<Copy> {
    let query = query.filter(|query| !query.is_empty())?;
    Some(Copy::new("query text", query))
}

/// Lines of help.
pub(super) fn help(lines: &[(&str, &str)]) -> Vec<(String, String)> {
    lines.iter().map(|(what, means)| line(what, means)).collect()
}

/// Lines of help, and what the columns of a table mean.
pub(super) fn table_help<R: Record>(lines: &[(&str, &str)]) -> Vec<(String, String)> {
    let columns = R::columns().iter().map(|column| line(column.title, column.help));
    help(lines).into_iter().chain(columns).collect()
}

fn line(what: &str, means: &str) -> (String, String) {
    (what.to_owned(), means.to_owned())
}
