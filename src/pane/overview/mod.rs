//! The Overview: what is wrong, the worst first, and below it what a tired person wants to know, one line each, with how
//! it went over the last minutes.
//!
//! What is wrong comes from the alerts (`verdicts`). Numbers come in three groups (`sessions`, `work`, `upkeep`);
//! `layout` decides which rows show all of it, `draw` and `told` only draw. Enter leads to what a line is about.

mod choice;
mod draw;
mod help;
mod layout;
mod line;
mod profile;
mod sessions;
#[cfg(test)]
mod tests;
mod told;
mod upkeep;
mod verdicts;
mod work;

use std::collections::BTreeMap;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::choice::Id;
use self::layout::{Columns, Group, Row};
use self::line::Line;
use self::profile::Profile;
use self::verdicts::{AlertId, Verdicts};
use crate::action::Action;
use crate::model::observe::name;
use crate::pane::{Copy, Reply, View, common};
use crate::probe::Probe as _;
use crate::probe::activity::Activity;
use crate::probe::counters::CountersProbe;
use crate::probe::databases::DatabasesProbe;
use crate::probe::horizon::HorizonProbe;
use crate::probe::locks::Locks;
use crate::probe::pulse::PulseProbe;
use crate::probe::recovery::RecoveryProbe;
use crate::probe::relation_io::RelationIoProbe;
use crate::probe::replication::ReplicationProbe;
use crate::probe::slots::SlotsProbe;
use crate::ui::format;
use crate::ui::look::Look;
use crate::ui::spark::Chart;
use crate::world::World;

/// How far back the trends look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Span {
    /// Ten minutes, or less while the session is younger.
    #[default]
    Recent,
    /// One hour.
    Hour,
    /// Since the program started.
    Session,
}

impl Span {
    /// The length in force, given how long the session has lasted.
    fn length(self, session: Duration) -> Duration {
        let steps: &[u64] = match self {
            Self::Recent => &[1, 2, 5, 10],
            Self::Hour => &[60],
            Self::Session => &[1, 2, 5, 10, 30, 60, 120, 300, 600, 1440, 2880, 7200, 14_400],
        };
        let fits = |minutes: &&u64| Duration::from_mins(**minutes) >= session;
        let minutes = steps.iter().find(fits).or(steps.last()).copied().unwrap_or(10);
        Duration::from_mins(minutes)
    }

    fn next(self) -> Self {
        match self {
            Self::Recent => Self::Hour,
            Self::Hour => Self::Session,
            Self::Session => Self::Recent,
        }
    }
}

/// The actions that move about and change how far back the trends look.
const MOVES: &[Action] = &[
    Action::NextView,
    Action::PrevView,
    Action::Up,
    Action::Down,
    Action::PageUp,
    Action::PageDown,
    Action::First,
    Action::Last,
];

/// The pane.
pub(super) fn pane() -> Box<dyn View> {
    Box::<Overview>::default()
}

/// Lines in the order in which they give way where there is no room for all of them.
const LEAST: &[&str] = &["sizes", "rows_out", "idle_in_tx", "temp", "slots", "checkpoints"];

/// The pane.
#[derive(Debug, Default)]
struct Overview {
    span: Span,
    verdicts: Verdicts,
    lines: Vec<Line>,
    groups: Vec<Group>,
    /// Lines that give way first, the least important first.
    least: Vec<usize>,
    profile: Profile,
    caption: String,
    /// What the user has selected; until then the worst story is, if there is one.
    chosen: Option<Id>,
    /// The story that shows all of its lines.
    unfolded: Option<AlertId>,
    /// All stories are shown.
    all: bool,
    offset: usize,
    // What follows from the room there is.
    rows: Vec<Row>,
    columns: Columns,
    levels: BTreeMap<&'static str, Vec<Option<u8>>>,
    chart: Chart,
    height: usize,
}

impl View for Overview {
    fn id(&self) -> &'static str {
        "overview"
    }

    fn title(&self) -> String {
        "Overview".to_owned()
    }

    fn short_title(&self) -> String {
        "Over".to_owned()
    }

    fn probes(&self) -> Vec<&'static str> {
        let mut probes = self.story().map(|story| story.probes.clone()).unwrap_or_default();
        let numbers = [
            PulseProbe::SPEC.id,
            Activity::SPEC.id,
            Locks::SPEC.id,
            CountersProbe::SPEC.id,
            ReplicationProbe::SPEC.id,
            RecoveryProbe::SPEC.id,
            HorizonProbe::SPEC.id,
            SlotsProbe::SPEC.id,
            RelationIoProbe::SPEC.id,
            DatabasesProbe::SPEC.id,
        ];
        let others: Vec<&str> = numbers.into_iter().filter(|probe| !probes.contains(probe)).collect();
        probes.extend(others);
        probes
    }

    fn actions(&self) -> Vec<Action> {
        let here: &[Action] = match self.here() {
            Some(Id::Story(_)) => match self.story() {
                // Without more lines than are shown anyway there is nothing to unfold.
                Some(story) if story.folded.len() <= layout::FOLDED => &[Action::Enter, Action::Acknowledge],
                _ => &[Action::Enter, Action::Fold, Action::Acknowledge],
            },
            Some(Id::Checks) => &[Action::Enter],
            Some(Id::More) => &[Action::Enter, Action::Fold],
            Some(Id::Line(_)) if self.line().is_some_and(|line| line.jump.is_some()) => &[Action::Enter],
            Some(Id::Line(_)) | None => &[],
        };
        let back: &[Action] = if self.chosen.is_some() { &[Action::Back] } else { &[] };
        [here, back, MOVES].concat()
    }

    fn derive(&mut self, world: &World) {
        let session = world.series.reach(name::CONNECTIONS, world.now);
        let window = self.span.length(session);
        self.caption = match self.span {
            Span::Session => format!(" session, {} ", format::duration(window.as_secs_f64())),
            _ => format!(" last {} ", format::duration(window.as_secs_f64())),
        };
        self.verdicts = Verdicts::of(world);
        self.lines.clear();
        self.groups.clear();
        for (base, extra) in [
            sessions::lines(world, window),
            work::lines(world, window),
            upkeep::lines(world, window),
        ] {
            let start = self.lines.len();
            let middle = start + base.len();
            self.lines.extend(base.into_iter().chain(extra));
            self.groups.push(Group {
                base: (start..middle).collect(),
                extra: (middle..self.lines.len()).collect(),
            });
        }
        let place = |id: &&str| self.lines.iter().position(|line| line.id == *id);
        self.least = LEAST.iter().filter_map(place).collect();
        self.profile = Profile::of(world, window);
    }

    fn arrange(&mut self, area: Rect) {
        self.height = usize::from(area.height);
        self.rows = self.block().rows(area.height);
        let room = self.height.saturating_sub(self.rows.len());
        self.rows
            .extend(layout::rows(&self.groups, &self.least, area.width, room));
        self.columns = layout::columns(area.width);
        let cells = usize::from(self.columns.trend.1);
        self.levels = self
            .lines
            .iter()
            .filter_map(|line| {
                let trend = line.trend.as_ref()?;
                Some((line.id, trend.levels(cells)))
            })
            .collect();
        let height = self.rows.iter().filter(|row| matches!(row, Row::Chart(_))).count();
        self.chart = Chart::new(
            &self.profile.layers,
            area.width.saturating_sub(self.columns.chart()),
            u16::try_from(height).unwrap_or(u16::MAX),
            Some(self.profile.top),
        );
        self.keep_in_view();
    }

    fn on(&mut self, action: Action, _world: &World) -> Reply {
        match action {
            Action::Up => self.step(-1),
            Action::Down => self.step(1),
            Action::PageUp => self.step(-self.page()),
            Action::PageDown => self.step(self.page()),
            Action::First => self.step(isize::MIN),
            Action::Last => self.step(isize::MAX),
            Action::NextView => self.look_back(self.span.next()),
            Action::PrevView => self.look_back(self.span.next().next()),
            Action::Enter => self.enter(),
            Action::Fold => self.fold(),
            Action::Acknowledge => {
                let story = self.story();
                story.map_or(Reply::Ignored, |story| Reply::Acknowledge(story.raised.clone()))
            }
            Action::Back if self.chosen.is_some() => {
                self.chosen = None;
                self.all = false;
                Reply::Taken
            }
            _ => Reply::Ignored,
        }
    }

    fn draw(&self, world: &World, look: &Look, area: Rect, buf: &mut Buffer) {
        self.paint(world, look, area, buf);
    }

    fn copies(&self, _world: &World) -> Vec<Copy> {
        let mut copies = self.story().map(|story| story.copies.clone()).unwrap_or_default();
        if matches!(self.here(), Some(Id::Checks) | None) {
            copies.extend(self.verdicts.checks.remedies.iter().cloned());
        }
        copies.extend(self.line().map(|line| Copy::new("line", plain(line))));
        let all: Vec<String> = self.lines.iter().map(plain).collect();
        copies.push(Copy::new("all lines", all.join("\n")));
        copies
    }

    fn help(&self) -> Vec<(String, String)> {
        common::help(help::HELP)
    }
}

impl Overview {
    fn page(&self) -> isize {
        isize::try_from(self.height.max(2) - 1).unwrap_or(1)
    }

    fn look_back(&mut self, span: Span) -> Reply {
        self.span = span;
        Reply::Taken
    }
}

/// A line as text.
fn plain(line: &Line) -> String {
    let pieces: Vec<&str> = line.pieces.iter().map(|piece| piece.text.as_str()).collect();
    let value = line.value.as_deref().unwrap_or("-");
    format!("{}  {value}  {}", line.label, pieces.join(" · "))
}
