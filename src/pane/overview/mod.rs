//! The Overview: what a tired person wants to know first, one line each, with how it went over the last minutes.
//!
//! Lines come in three groups (`sessions`, `work`, `upkeep`); `layout` decides which rows show them, `draw`
//! only draws. A line that is about a backend leads there with Enter.

mod draw;
mod layout;
mod line;
mod sessions;
#[cfg(test)]
mod tests;
mod upkeep;
mod work;

use std::collections::BTreeMap;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::layout::{Columns, Group, Row};
use self::line::{Line, Trend};
use crate::action::Action;
use crate::model::observe::name;
use crate::model::series::Fold;
use crate::model::waits::WaitClass;
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
use crate::ui::spark::{self, Chart, Join, Layer, Segment};
use crate::world::World;

/// Buckets of the wait profile: enough for a wide screen, divisible for narrower ones.
const PROFILE: usize = 480;

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

/// The pane.
pub(super) fn pane() -> Box<dyn View> {
    Box::<Overview>::default()
}

/// The pane.
#[derive(Debug, Default)]
struct Overview {
    span: Span,
    lines: Vec<Line>,
    groups: Vec<Group>,
    profile: Profile,
    caption: String,
    selected: Option<&'static str>,
    offset: usize,
    // What follows from the room there is.
    rows: Vec<Row>,
    columns: Columns,
    levels: BTreeMap<&'static str, Vec<Option<u8>>>,
    chart: Chart,
    height: usize,
}

/// What the active sessions do: now as a bar, over time as a chart.
#[derive(Debug, Default)]
struct Profile {
    /// The means of the last minute, the lowest class of the stack first.
    means: Vec<(WaitClass, f64)>,
    /// The same for the bar; what is nobody is zero.
    segments: Vec<Segment>,
    /// Somebody was active; `None` if that is not known.
    busy: Option<bool>,
    /// The classes over time.
    layers: Vec<Layer>,
    /// What the chart's full height stands for.
    top: f64,
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
        vec![
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
        ]
    }

    fn actions(&self) -> Vec<Action> {
        const ALL: &[Action] = &[
            Action::Enter,
            Action::Back,
            Action::NextView,
            Action::PrevView,
            Action::Up,
            Action::Down,
            Action::PageUp,
            Action::PageDown,
            Action::First,
            Action::Last,
        ];
        let without = match self.selected_line() {
            Some(line) if line.jump.is_some() => 0,
            Some(_) => 1,
            None => 2,
        };
        ALL.get(without..).unwrap_or_default().to_vec()
    }

    fn derive(&mut self, world: &World) {
        let session = world.series.reach(name::CONNECTIONS, world.now);
        let window = self.span.length(session);
        self.caption = match self.span {
            Span::Session => format!(" session, {} ", format::duration(window.as_secs_f64())),
            _ => format!(" last {} ", format::duration(window.as_secs_f64())),
        };
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
        self.profile = Profile::of(world, window);
    }

    fn arrange(&mut self, area: Rect) {
        self.height = usize::from(area.height);
        self.rows = layout::rows(&self.groups, area.width, area.height);
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
            Action::Enter => match self.selected_line().and_then(|line| line.jump.clone()) {
                Some(subject) => Reply::Open(subject),
                None => Reply::Ignored,
            },
            Action::Back if self.selected.is_some() => {
                self.selected = None;
                Reply::Taken
            }
            _ => Reply::Ignored,
        }
    }

    fn draw(&self, world: &World, look: &Look, area: Rect, buf: &mut Buffer) {
        self.paint(world, look, area, buf);
    }

    fn copies(&self, _world: &World) -> Vec<Copy> {
        let line = self.selected_line().map(|line| Copy::new("line", plain(line)));
        let all: Vec<String> = self.lines.iter().map(plain).collect();
        line.into_iter()
            .chain([Copy::new("all lines", all.join("\n"))])
            .collect()
    }

    fn help(&self) -> Vec<(String, String)> {
        common::help(HELP)
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

    fn selected_line(&self) -> Option<&Line> {
        self.lines.iter().find(|line| Some(line.id) == self.selected)
    }

    /// The lines in the order they are shown, with their rows.
    fn shown(&self) -> Vec<(usize, &'static str)> {
        let line = |row: &Row| match row {
            Row::Line(nth) => self.lines.get(*nth).map(|line| line.id),
            _ => None,
        };
        self.rows
            .iter()
            .enumerate()
            .filter_map(|(at, row)| Some((at, line(row)?)))
            .collect()
    }

    /// Moves the selection by lines, stopping at either end; the first move selects.
    fn step(&mut self, by: isize) -> Reply {
        let shown = self.shown();
        let Some(last) = shown.len().checked_sub(1) else {
            return Reply::Ignored;
        };
        let now = shown.iter().position(|(_, id)| Some(*id) == self.selected);
        let next = match now {
            Some(now) => now.saturating_add_signed(by).min(last),
            None if by > 1 => last.min(by.unsigned_abs()),
            None => 0,
        };
        self.selected = shown.get(next).map(|(_, id)| *id);
        self.keep_in_view();
        Reply::Taken
    }

    fn keep_in_view(&mut self) {
        let shown = self.shown();
        let at = shown
            .iter()
            .find(|(_, id)| Some(*id) == self.selected)
            .map_or(self.offset, |(at, _)| *at);
        self.offset = self
            .offset
            .max((at + 1).saturating_sub(self.height))
            .min(at)
            .min(self.rows.len().saturating_sub(self.height));
    }
}

/// A line as text.
fn plain(line: &Line) -> String {
    let pieces: Vec<&str> = line.pieces.iter().map(|piece| piece.text.as_str()).collect();
    let value = line.value.as_deref().unwrap_or("-");
    format!("{}  {value}  {}", line.label, pieces.join(" · "))
}

impl Profile {
    fn of(world: &World, window: Duration) -> Self {
        let means = sessions::by_class(world);
        let active = world.series.mean(name::ACTIVE, world.now, sessions::AVERAGE);
        let known = world.series.last(name::ACTIVE).and(active);
        let layers = WaitClass::ALL.map(|class| Layer {
            role: sessions::role(class),
            points: world
                .series
                .window(class.series(), Fold::Mean, world.now, window, PROFILE),
        });
        let total = world
            .series
            .window(name::ACTIVE, Fold::Mean, world.now, window, PROFILE);
        Self {
            segments: means
                .iter()
                .map(|(class, mean)| Segment {
                    value: if *mean < sessions::SOMEBODY { 0.0 } else { *mean },
                    role: sessions::role(*class),
                })
                .collect(),
            means,
            busy: known.map(|active| active >= sessions::SOMEBODY),
            layers: layers.into(),
            top: spark::nice(total.into_iter().flatten().fold(1.0, f64::max)),
        }
    }
}

impl Trend {
    /// Levels for so many cells; what is full, or the highest value if that is more, fills a cell.
    fn levels(&self, cells: usize) -> Vec<Option<u8>> {
        let join = match self.fold {
            Fold::Mean => Join::Mean,
            Fold::Peak => Join::Peak,
        };
        let top = self.points.iter().flatten().copied().fold(self.full, f64::max);
        spark::levels(&self.points, cells, join, Some(top))
    }
}

/// How to read it.
const HELP: &[(&str, &str)] = &[
    (
        "Connections",
        "client backends, ours included, of max_connections less the reserved ones; walsenders and workers have their own slots",
    ),
    (
        "Active avg 1m",
        "average active sessions of the last minute by what they wait for, from the activity samples; CPU is no wait at all",
    ),
    (
        "Blocked",
        "sessions that wait for a heavyweight lock; Locks shows behind whom",
    ),
    (
        "Oldest tx",
        "age of the oldest open transaction, ≥ for a prepared one; Enter leads to its backend",
    ),
    (
        "Idle in tx",
        "the session that has been idle in its transaction for the longest time",
    ),
    (
        "Commits/s",
        "all databases; here: the connected one; rates come from two readings by the server's clock, a gap means reset, restart or failover",
    ),
    (
        "Cache hit",
        "share of block requests found in shared_buffers, now; tbl and idx: tables and indexes of the connected database",
    ),
    ("Rows out/s", "rows read by sequential and index scans"),
    (
        "WAL",
        "from the WAL position, so that an open transaction counts at once; on a standby what is replayed",
    ),
    (
        "Checkpoints",
        "mean time between them over the last hour of this session, or since the counters were reset while it is young",
    ),
    ("Temp files", "bytes spilled per second, counted when a file is closed"),
    (
        "Replication",
        "bytes the standby furthest behind has still to replay; ≥ where its replay stands still",
    ),
    (
        "xmin horizon",
        "age of the oldest snapshot in transactions: rows that died since cannot be removed",
    ),
    (
        "trends",
        "the views show the last 10 minutes, the last hour, the whole session",
    ),
];
