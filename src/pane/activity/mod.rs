//! Activity: one row per backend, what it runs, since when and what it waits for.

mod columns;
mod head;

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::common::{self, Notice, blocking, grant, query_copy, who};
use super::{Badge, Copy, Reply, View};
use crate::action::Action;
use crate::alert::{Jump, Thing};
use crate::known::Freshness;
use crate::model::activity::{self, Blocking, Counts, Doing, Options, Row};
use crate::model::concern::Severity;
use crate::model::remedy;
use crate::probe::activity::{Activity as Probe, Backend};
use crate::probe::locks::Locks;
use crate::probe::{Probe as _, Subject};
use crate::ui::filter::Filter;
use crate::ui::look::{Look, Role};
use crate::ui::table::{self, Order, Record, Table};
use crate::ui::wrap::{self, Line};
use crate::world::World;

/// Idle transactions older than this many seconds are counted on the tab.
const BADGE_S: f64 = 300.0;

/// Lines for what is said below the rows.
const NOTICE_LINES: usize = 2;

/// The pane.
pub(super) fn pane() -> Box<dyn View> {
    Box::<Activity>::default()
}

/// The pane.
#[derive(Debug)]
struct Activity {
    table: Table<Row>,
    options: Options,
    counts: Option<Counts>,
    long_idle: usize,
    /// Everybody, also those whom view, minimum or filter hide.
    everybody: BTreeSet<(i32, i64)>,
    /// Said instead of rows, or below them.
    notice: Option<Notice>,
    /// The same, wrapped to the room there is.
    said: Vec<Line>,
    stale: bool,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            // The longest transaction first; sessions without one keep the order of the model.
            table: Table::new(("xact", Order::Descending)),
            options: Options::default(),
            counts: None,
            long_idle: 0,
            everybody: BTreeSet::new(),
            notice: None,
            said: Vec::new(),
            stale: false,
        }
    }
}

impl Activity {
    fn selected(&self) -> Option<&Row> {
        self.table.selected()
    }

    fn load(&mut self, backends: &[Backend], blocking: &Blocking) {
        self.counts = Some(activity::counts(backends, blocking));
        self.long_idle = backends
            .iter()
            .filter(|backend| Doing::of(backend).idle_in_transaction() && backend.xact_s >= Some(BADGE_S))
            .count();
        self.everybody = backends.iter().map(|backend| (backend.pid, backend.start)).collect();
        self.table.set_rows(activity::rows(backends, blocking, self.options));
    }

    /// What has to be said beside the rows.
    fn notice(&self, world: &World) -> Option<Notice> {
        if world.get::<Probe>().is_none() {
            return Some(Notice::absent::<Probe>(world, "Asking for the sessions."));
        }
        if let Some(failed) = Notice::failed::<Probe>(world) {
            return Some(failed);
        }
        match self.table.shown_of() {
            (0, 0) => Some(self.nothing(world)),
            (0, _) => Some(Notice::new(Role::Muted, "No session matches the filter.")),
            _ => self.hidden(world),
        }
    }

    /// Nothing in this view; what is hidden might belong there.
    fn nothing(&self, world: &World) -> Notice {
        let (seen, hidden) = match self.hidden(world) {
            Some(hidden) => (" that this role can see", Some(hidden.text)),
            None => ("", None),
        };
        let view = match self.options.view {
            activity::View::All => "No session but our own".to_owned(),
            activity::View::Active => format!("No session{seen} runs a statement"),
            activity::View::Waiting => format!("No session{seen} waits"),
            activity::View::Blocking => "Nobody waits for a lock of another session".to_owned(),
            activity::View::IdleInTransaction => format!("No session{seen} is idle in a transaction"),
        };
        let long = match self.options.min_duration {
            0 => String::new(),
            seconds => format!(" and is busy for {} or longer", head::step(seconds)),
        };
        let role = if hidden.is_some() { Role::Denied } else { Role::Muted };
        let more = hidden.map(|text| format!(" {text}")).unwrap_or_default();
        Notice::new(role, format!("{view}{long}.{more}"))
    }

    fn hidden(&self, world: &World) -> Option<Notice> {
        let counts = self.counts.filter(|counts| counts.hidden > 0)?;
        let sessions = format!("{} of {} sessions are", counts.hidden, counts.sessions);
        Some(Notice::hidden(&sessions, &grant(world)))
    }
}

impl Activity {
    /// Where rows are shown, what is said takes a few lines at most.
    fn room_for_notice(&self, area: Rect) -> usize {
        let lines = usize::from(area.height.saturating_sub(1));
        if self.table.shown_of().0 == 0 {
            lines
        } else {
            NOTICE_LINES.min(lines / 3)
        }
    }

    /// The room of the table: below the head, above what is said.
    fn body(&self, area: Rect) -> Rect {
        let head = 1.min(area.height);
        let said = if self.table.shown_of().0 == 0 {
            0
        } else {
            self.said.len()
        };
        let said = u16::try_from(said).unwrap_or(u16::MAX);
        Rect {
            y: area.y + head,
            height: area.height.saturating_sub(head.saturating_add(said)),
            ..area
        }
    }
}

impl View for Activity {
    fn id(&self) -> &'static str {
        "activity"
    }

    fn title(&self) -> String {
        "Activity".to_owned()
    }

    fn short_title(&self) -> String {
        "Act".to_owned()
    }

    fn probes(&self) -> Vec<&'static str> {
        vec![Probe::SPEC.id, Locks::SPEC.id]
    }

    fn actions(&self) -> Vec<Action> {
        let mut actions = vec![
            Action::Enter,
            Action::NextView,
            Action::PrevView,
            Action::MinDuration,
            Action::Background,
            Action::Up,
            Action::Down,
            Action::PageUp,
            Action::PageDown,
            Action::First,
            Action::Last,
            Action::Left,
            Action::Right,
            Action::SortPrev,
            Action::SortNext,
            Action::Reverse,
        ];
        actions.retain(|action| *action != Action::Enter || self.selected().is_some());
        actions
    }

    fn derive(&mut self, world: &World) {
        self.stale = matches!(world.freshness(Probe::SPEC.id), Freshness::Stale(_));
        if let Some(backends) = world.get::<Probe>() {
            self.load(backends, &blocking(world));
        }
        self.notice = self.notice(world);
    }

    fn arrange(&mut self, area: Rect) {
        let cells = usize::from(area.width.saturating_sub(2));
        let notice = self
            .notice
            .iter()
            .flat_map(|notice| wrap::wrap(&[(notice.role, &notice.text)], cells));
        self.said = notice.take(self.room_for_notice(area)).collect();
        self.table.arrange(self.body(area));
    }

    fn on(&mut self, action: Action, _world: &World) -> Reply {
        match action {
            Action::NextView => self.options.view = self.options.view.next(),
            Action::PrevView => self.options.view = self.options.view.prev(),
            Action::MinDuration => {
                self.options.min_duration = activity::next_min_duration(self.options.min_duration);
            }
            Action::Background => self.options.background = !self.options.background,
            Action::Enter => {
                self.table.choose();
                return self.selected().map_or(Reply::Ignored, |row| {
                    let (pid, start) = row.id();
                    Reply::Open(Subject::Backend { pid, start })
                });
            }
            action if self.table.on(action) => return Reply::Moved,
            _ => return Reply::Ignored,
        }
        // Another view shows other rows.
        self.table.rewind();
        Reply::Taken
    }

    fn seek(&mut self, jump: &Jump) -> bool {
        let Some(Thing::Backend { pid, start }) = jump.row else {
            return jump.row.is_none();
        };
        let id = (pid, start);
        if !self.everybody.contains(&id) {
            return false;
        }
        if self.table.rows().iter().all(|row| row.id() != id) {
            // Its rows are made anew before they are shown.
            self.options = Options {
                background: true,
                ..Options::default()
            };
        }
        if self.table.shown().all(|row| row.id() != id) {
            self.table.set_filter(Filter::default());
        }
        self.table.select(id);
        true
    }

    fn draw(&self, _world: &World, look: &Look, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let head = head::Head {
            counts: self.counts,
            options: self.options,
            shown: self.table.shown_of(),
        };
        head::draw(&head, look, Rect { height: 1, ..area }, buf);
        let (body, options) = (
            self.body(area),
            table::Options {
                stale: self.stale,
                unfocused: false,
            },
        );
        self.table.draw(look, body, buf, options);
        let rows = u16::try_from(self.table.shown_of().0).unwrap_or(u16::MAX);
        let below = if rows == 0 {
            body.y.saturating_add(2)
        } else {
            body.bottom()
        };
        for (y, line) in (below..area.bottom()).zip(&self.said) {
            wrap::put(buf, (area.x + 1, y), area.width.saturating_sub(1), line, look);
        }
    }

    fn badge(&self) -> Option<Badge> {
        Badge::of(Severity::Warning, self.long_idle)
    }

    fn copies(&self, world: &World) -> Vec<Copy> {
        let Some(row) = self.selected() else { return Vec::new() };
        let who = who(&row.backend, world);
        let mut copies: Vec<Copy> = remedy::copies(&who).into_iter().map(Copy::from).collect();
        copies.extend(query_copy(row.backend.query.as_deref()));
        let cells = self.table.copies().into_iter().filter(|(what, _)| what != "query");
        copies.extend(cells.map(Copy::from));
        copies
    }

    fn filter(&self) -> Option<&Filter> {
        Some(self.table.filter())
    }

    fn parse_filter(&self, text: &str) -> Result<Filter, String> {
        Filter::parse(text, &Table::<Row>::column_ids())
    }

    fn set_filter(&mut self, filter: Filter) {
        self.table.set_filter(filter);
    }

    fn help(&self) -> Vec<(String, String)> {
        common::table_help::<Row>(&[
            (
                "views",
                "all, active, waiting (for anything), blocking (somebody waits for it), idle in transaction",
            ),
            ("4+", "at least so many: what hidden sessions do is not known"),
            (
                "order",
                "the longest transaction first; sessions without one below, idle ones last",
            ),
            (
                "red mark",
                "others wait for it and it waits for nobody: a root of the blocking",
            ),
            (
                "minimum",
                "hides what is busy for less, and idle sessions; never what is hidden from this role",
            ),
        ])
    }
}

#[cfg(test)]
mod tests;
