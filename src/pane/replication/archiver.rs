//! Archiver: whether finished WAL files get into the archive, and how many wait.

use super::badge;
use super::fact::Fact;
use crate::alert::Thing;
use crate::model::archive::{self, State, Waiting};
use crate::model::concern::Concern;
use crate::model::trails::{Speed, What};
use crate::pane::Badge;
use crate::pane::common::{Notice, grant};
use crate::pane::list::{List, Piece};
use crate::pane::page::Rich;
use crate::probe::Probe as _;
use crate::probe::archive_backlog::{ArchiveBacklog, ArchiveBacklogProbe};
use crate::probe::archiver::{Archiver, ArchiverProbe};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::Order;
use crate::world::World;

/// The fact that alerts about archiving speak of.
const ARCHIVING: &str = "archiving";
/// A count older than this many seconds says so: many files are counted less often.
const LATE_S: f64 = 30.0;

/// The panel.
#[derive(Debug, Default)]
pub(super) struct Archive {
    state: Option<State>,
}

impl List for Archive {
    type Row = Fact;
    const ID: &'static str = "archiver";
    const TITLE: &'static str = "Archiver";
    const PROBES: &'static [&'static str] = &[ArchiverProbe::SPEC.id, ArchiveBacklogProbe::SPEC.id];
    const SORT: Option<(&'static str, Order)> = None;
    const HELP: &'static [(&'static str, &'static str)] = &[
        (
            "fails",
            "the last attempt failed and nothing was archived since; the archiver tries the same file again every minute",
        ),
        (
            "waiting",
            "finished WAL files that are not in the archive yet: they stay in pg_wal; ≈ by the position, where the directory may not be listed",
        ),
    ];
    const ASKING: &'static str = "Asking for the archiver.";

    fn rows(&mut self, world: &World) -> Option<Vec<Fact>> {
        let archiver = world.get::<ArchiverProbe>()?;
        let state = State::of(archiver);
        self.state = Some(state.clone());
        if matches!(state, State::Off | State::OnStandby) {
            return Some(Vec::new());
        }
        let backlog = world.get::<ArchiveBacklogProbe>();
        let waiting = Waiting::of(archiver, backlog);
        let speed = |what| world.series.trails().speed(what, "");
        Some(vec![
            archiving(archiver, &state, archive::concern(&state, None)),
            waits(archiver, backlog, waiting, speed(What::ArchiveWaiting))
                .concern(archive::concern(&state, waiting).min(Concern::Notice)),
            archived(archiver, speed(What::Archived)),
            failed(archiver, speed(What::ArchiveFailed)),
        ])
    }

    fn head(&self, _world: &World, _rows: &[Fact]) -> Vec<Piece> {
        Vec::new()
    }

    fn nothing(&self, _world: &World) -> Notice {
        let text = match self.state {
            Some(State::OnStandby) => {
                "archive_mode is on: this standby archives only after its promotion (always would archive now)."
            }
            _ => "archive_mode is off: WAL is not archived.",
        };
        Notice::new(Role::Muted, text)
    }

    fn notice(&self, world: &World, rows: &[Fact]) -> Option<Notice> {
        if rows.is_empty() {
            return None;
        }
        let archiver = world.get::<ArchiverProbe>()?;
        if !archiver.may_list {
            return Some(Notice::hidden("How many files wait is", &grant(world)));
        }
        Notice::failed_of(ArchiveBacklogProbe::SPEC.id, world)
    }

    fn about(&self, row: &Fact) -> Vec<Rich> {
        row.about()
    }

    fn is(row: &Fact, thing: &Thing) -> bool {
        *thing == Thing::Archiver && row.what == ARCHIVING
    }

    fn badge(&self, rows: &[Fact]) -> Option<Badge> {
        badge(rows.iter().map(|row| row.concern))
    }
}

fn archiving(archiver: &Archiver, state: &State, concern: Concern) -> Fact {
    let value = match state {
        State::Failing(_) => "fails",
        State::NoCommand => "no archive_command",
        State::Idle => "nothing to do yet",
        State::Works(_) | State::Off | State::OnStandby => "works",
    };
    let how = match (&archiver.library, archiver.has_command) {
        (Some(library), _) => format!("archive_library {library}"),
        (None, true) => "by archive_command".to_owned(),
        (None, false) => "every file waits in pg_wal".to_owned(),
    };
    let fact = Fact::new(ARCHIVING, value).concern(concern);
    let fact = match state {
        State::Failing(seconds) => {
            let file = archiver.last_failed_wal.as_deref().unwrap_or_default();
            fact.more(format!("failed {}: see the server log", format::ago(*seconds)))
                .more(file)
        }
        _ => fact,
    };
    let timeout = (archiver.timeout_s > 0.0)
        .then(|| format!("a new file at least every {}", format::duration(archiver.timeout_s)));
    fact.more(how)
        .more(format!("archive_mode {}", archiver.mode))
        .maybe(timeout)
}

fn waits(
    archiver: &Archiver,
    backlog: Option<&ArchiveBacklog>,
    waiting: Option<Waiting>,
    growth: Option<Speed>,
) -> Fact {
    let fact = match waiting {
        Some(Waiting::Counted(files)) => Fact::new("waiting", files_text(files)),
        Some(Waiting::About(files)) => Fact::new("waiting", format!("≈ {}", files_text(files))).role(Role::Estimated),
        None => Fact::new("waiting", "not known").role(Role::Denied),
    };
    let bytes = waiting.map(|waiting| waiting.files().saturating_mul(archiver.segment_bytes));
    let oldest = backlog.and_then(|backlog| backlog.oldest_s);
    let trend = growth
        .filter(|speed| speed.per_second.abs() * 60.0 >= 0.05)
        .map(|speed| {
            let verb = if speed.per_second > 0.0 {
                "grows by"
            } else {
                "shrinks by"
            };
            format!("{verb} {} a minute", format::rate(speed.per_second.abs() * 60.0))
        });
    let counted = backlog.map(|backlog| archiver.epoch - backlog.epoch);
    fact.maybe(bytes.filter(|bytes| *bytes > 0).map(format::bytes))
        .maybe(oldest.map(|seconds| format!("the oldest for {}", format::duration(seconds))))
        .maybe(trend)
        .maybe(
            counted
                .filter(|age| *age > LATE_S)
                .map(|age| format!("counted {}", format::ago(age))),
        )
}

fn files_text(files: i64) -> String {
    format::counted(files, "file", "files")
}

fn per_minute(speed: Option<Speed>) -> Option<String> {
    speed.map(|speed| format!("{} a minute", format::rate(speed.per_second * 60.0)))
}

fn archived(archiver: &Archiver, speed: Option<Speed>) -> Fact {
    Fact::new("archived", files_text(archiver.archived_count))
        .maybe(archiver.last_archived_wal.clone())
        .maybe(archiver.archived_age_s.map(format::ago))
        .maybe(per_minute(speed))
}

fn failed(archiver: &Archiver, speed: Option<Speed>) -> Fact {
    let fact = Fact::new("failed", format::counted(archiver.failed_count, "time", "times"));
    if archiver.failed_count == 0 {
        return fact;
    }
    fact.maybe(archiver.last_failed_wal.clone())
        .maybe(archiver.failed_age_s.map(format::ago))
        .maybe(per_minute(speed))
}
