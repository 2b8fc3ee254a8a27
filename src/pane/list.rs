//! What most panels are: a head line, a table, what has to be said beside it, and a few lines about the selected row.
//! A panel implements [`List`]; [`ListView`] makes a [`View`] of it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::common::{self, Notice};
use super::page::Rich;
use super::{Badge, Copy, Reply, View};
use crate::action::Action;
use crate::alert::{Jump, Thing};
use crate::known::Freshness;
use crate::probe::{Demand, Subject};
use crate::ui::filter::Filter;
use crate::ui::format;
use crate::ui::look::{Look, Role};
use crate::ui::table::{self, Order, Record, Table};
use crate::ui::text;
use crate::ui::wrap::{self, Line};
use crate::world::World;

/// Lines for what is said below the rows.
const NOTICE_LINES: usize = 3;
/// From so many lines on there is always room for what is known of the selected row.
const ROOM_FOR_ABOUT: u16 = 12;

/// Lines about the selected row that a panel among others asks for.
const MOST_ABOUT: usize = 6;
/// In less room than this a fact of the head line is whole or not there: the start of a number tells nothing.
const HEAD_SCRAP: u16 = 12;

/// The actions of every table.
const MOVES: &[Action] = &[
    Action::Up,
    Action::Down,
    Action::PageUp,
    Action::PageDown,
    Action::First,
    Action::Last,
    Action::Left,
    Action::Right,
];
/// The actions of a table that can be sorted.
const SORTS: &[Action] = &[Action::SortPrev, Action::SortNext, Action::Reverse];

/// A piece of the head line and what it means.
pub(super) type Piece = (String, Role);

/// What a list is about.
pub(super) trait List: Default + 'static {
    /// One row.
    type Row: Record;
    /// Short, lower case: the id of the view.
    const ID: &'static str;
    /// What it is called.
    const TITLE: &'static str;
    /// What it is called where room is short.
    const SHORT: &'static str = Self::TITLE;
    /// The probes it shows; the first one tells how fresh it is.
    const PROBES: &'static [&'static str];
    /// Column and order it is sorted by at first; `None` for rows that keep their order.
    const SORT: Option<(&'static str, Order)>;
    /// What it takes besides moving and sorting, [`Action::Enter`] included.
    const ACTIONS: &'static [Action] = &[];
    /// Lines of help besides those of its columns.
    const HELP: &'static [(&'static str, &'static str)] = &[];
    /// What is said while the first answer is awaited.
    const ASKING: &'static str;

    /// What it is called now; of a page, what it is about.
    fn title(&self) -> String {
        Self::TITLE.to_owned()
    }

    /// What the page is about, see [`View::subject`].
    fn subject(&self) -> Option<&Subject> {
        None
    }

    /// False where the whole panel has nothing to say and steps out of the way, see [`View::shown`].
    fn shown(&self, _world: &World) -> bool {
        true
    }

    /// The rows by what is known now; `None` if nothing is. Called on new data and after [`Self::on`] took an action.
    fn rows(&mut self, world: &World) -> Option<Vec<Self::Row>>;

    /// True where rows are many and those made last still hold, as what they were made of has not changed: they are not
    /// made and sorted again.
    fn holds(&self, _world: &World) -> bool {
        false
    }

    /// How many of the rows are shown at most, the first ones by the order the user has chosen; all of them if `None`.
    fn limit(&self, _world: &World) -> Option<usize> {
        None
    }

    /// The line above the table: what is shown of how much, and whatever else holds for all of it.
    fn head(&self, world: &World, rows: &[Self::Row]) -> Vec<Piece>;

    /// Said instead of rows when there are none though the question was answered: a calm sentence.
    fn nothing(&self, world: &World) -> Notice;

    /// Said below the rows: what is hidden, skipped or to be kept in mind.
    fn notice(&self, _world: &World, _rows: &[Self::Row]) -> Option<Notice> {
        None
    }

    /// Said instead of everything else, when an answer is there but cannot be had: what is missing and the statement
    /// that mends it. The default tells why the first probe has nothing.
    fn absent(&self, world: &World) -> Notice {
        let probe = Self::PROBES.first().copied().unwrap_or_default();
        Notice::absent_of(probe, world, Self::ASKING)
    }

    /// A few lines about the selected row, shown where there is room.
    fn about(&self, _row: &Self::Row) -> Vec<Rich> {
        Vec::new()
    }

    /// Takes one of [`Self::ACTIONS`]; `row` is the selected one.
    fn on(&mut self, _action: Action, _row: Option<&Self::Row>, _world: &World) -> Reply {
        Reply::Ignored
    }

    /// What is wrong, for the tab.
    fn badge(&self, _rows: &[Self::Row]) -> Option<Badge> {
        None
    }

    /// What `y` offers besides the cells of the row, best first.
    fn copies(&self, _row: &Self::Row, _world: &World) -> Vec<Copy> {
        Vec::new()
    }

    /// The row is what an alert speaks of.
    fn is(_row: &Self::Row, _thing: &Thing) -> bool {
        false
    }

    /// Of which rows in sight more is to be asked, see [`View::keys`].
    fn key(&self, _row: &Self::Row) -> Option<i64> {
        None
    }

    /// See [`View::demand`].
    fn demand(&self) -> Option<Demand> {
        None
    }
}

/// A list as a view.
#[derive(Debug)]
pub(super) struct ListView<L: List> {
    list: L,
    table: Table<L::Row>,
    known: bool,
    shown: bool,
    head: Vec<Piece>,
    /// Said instead of rows, or below them.
    notices: Vec<Notice>,
    badge: Option<Badge>,
    stale: bool,
    /// What is said, wrapped to the room there is.
    said: Vec<Line>,
    about: Vec<Line>,
    /// The most lines that have been said of a row: rooms do not change with every step through the rows.
    most_about: usize,
    width: u16,
}

impl<L: List> Default for ListView<L> {
    fn default() -> Self {
        Self::of(L::default())
    }
}

impl<L: List> ListView<L> {
    /// A view of a list that knows what it is about.
    pub fn of(list: L) -> Self {
        Self {
            list,
            table: L::SORT.map_or_else(Table::unsorted, Table::new),
            known: false,
            shown: true,
            head: Vec::new(),
            notices: Vec::new(),
            badge: None,
            stale: false,
            said: Vec::new(),
            about: Vec::new(),
            most_about: 0,
            width: 0,
        }
    }

    /// What the filter leaves over: without it a filtered list would look like all there is.
    fn filtered(&self, world: &World) -> Option<Piece> {
        let filter = self.table.filter();
        if !self.known || filter.is_empty() {
            return None;
        }
        let (shown, all) = self.table.shown_of();
        // More may match than the limit shows.
        let limited = self.list.limit(world).is_some_and(|limit| shown >= limit);
        let of = if limited { "the first " } else { "" };
        let all = format::count(all);
        let text = format!("{of}{} of {all} match {}", format::count(shown), filter.text().trim());
        Some((text, Role::Notice))
    }

    /// What has to be said, the most important first.
    fn notices(&self, world: &World) -> Vec<Notice> {
        if !self.known {
            return vec![self.list.absent(world)];
        }
        let probe = L::PROBES.first().copied().unwrap_or_default();
        let failed = Notice::failed_of(probe, world);
        let said = match self.table.shown_of() {
            (0, 0) => Some(self.list.nothing(world)),
            (0, _) => Some(Notice::new(
                Role::Muted,
                format!("No row matches the filter {}.", self.table.filter().text().trim()),
            )),
            _ => None,
        };
        let more = self.list.notice(world, self.table.rows());
        failed.into_iter().chain(said).chain(more).collect()
    }

    /// Head, table, what is said and what is known of the selected row.
    fn parts(&self, area: Rect) -> [Rect; 4] {
        let mut rest = area;
        let head = Rect {
            height: rest.height.min(u16::from(!self.head.is_empty())),
            ..rest
        };
        rest.y += head.height;
        rest.height -= head.height;
        if self.table.shown_of().0 == 0 {
            let none = Rect { height: 0, ..rest };
            return [head, none, rest, none];
        }
        let mut below = |lines: usize| {
            let lines = u16::try_from(lines).unwrap_or(u16::MAX).min(rest.height);
            rest.height -= lines;
            Rect {
                y: rest.bottom(),
                height: lines,
                ..rest
            }
        };
        let said = below(self.said.len());
        let about = below(self.about.len());
        [head, rest, said, about]
    }

    fn draw_head(&self, look: &Look, area: Rect, buf: &mut Buffer) {
        let mut x = area.x + 1;
        for (fact, role) in &self.head {
            let cells = area.right().saturating_sub(x);
            if cells < HEAD_SCRAP && text::width(fact) > usize::from(cells) {
                return;
            }
            x += text::put(buf, (x, area.y), cells, fact, look.style(*role), look.glyphs) + 3;
        }
    }
}

fn put_lines(lines: &[Line], look: &Look, area: Rect, buf: &mut Buffer) {
    for (row, line) in area.rows().zip(lines) {
        wrap::put(buf, (row.x + 1, row.y), row.width.saturating_sub(1), line, look);
    }
}

impl<L: List> View for ListView<L> {
    fn id(&self) -> &'static str {
        L::ID
    }

    fn title(&self) -> String {
        self.list.title()
    }

    fn subject(&self) -> Option<&Subject> {
        self.list.subject()
    }

    fn short_title(&self) -> String {
        L::SHORT.to_owned()
    }

    fn probes(&self) -> Vec<&'static str> {
        L::PROBES.to_vec()
    }

    fn actions(&self) -> Vec<Action> {
        let sorts = if L::SORT.is_some() { SORTS } else { &[] };
        let mut actions = [L::ACTIONS, MOVES, sorts].concat();
        // Without a row there is nothing to open.
        actions.retain(|action| *action != Action::Enter || self.table.selected().is_some());
        actions
    }

    fn derive(&mut self, world: &World) {
        let probe = L::PROBES.first().copied().unwrap_or_default();
        self.stale = matches!(world.freshness(probe), Freshness::Stale(_));
        self.shown = self.list.shown(world);
        if !(self.known && self.list.holds(world)) {
            let rows = self.list.rows(world);
            self.known = rows.is_some();
            self.table.set_limit(self.list.limit(world));
            self.table.set_rows(rows.unwrap_or_default());
        }
        // Before anything is known a count would say zero.
        self.head = if self.known {
            self.list.head(world, self.table.rows())
        } else {
            Vec::new()
        };
        self.head.splice(0..0, self.filtered(world));
        self.badge = self.list.badge(self.table.rows());
        self.notices = self.notices(world);
    }

    fn arrange(&mut self, area: Rect) {
        if self.width != area.width {
            self.width = area.width;
            self.most_about = 0;
        }
        let cells = usize::from(area.width.saturating_sub(2));
        let lines = usize::from(area.height).saturating_sub(usize::from(!self.head.is_empty()));
        let rows = self.table.shown_of().0;
        let most = if rows == 0 { lines } else { NOTICE_LINES.min(lines / 3) };
        let said = self.notices.iter();
        self.said = said
            .flat_map(|notice| wrap::wrap(&[(notice.role, &notice.text)], cells))
            .take(most)
            .collect();
        self.about.clear();
        if let Some(row) = self.table.selected() {
            let part = if area.height >= ROOM_FOR_ABOUT {
                area.height / 3
            } else {
                0
            };
            // What no row needs may be used, too.
            let most = area.height.saturating_sub(self.lines()).max(part);
            let about = self.list.about(row);
            let lines = about.iter().flat_map(|rich| rich.wrap(cells));
            self.about = lines.take(usize::from(most)).collect();
            self.most_about = self.most_about.max(self.about.len()).min(MOST_ABOUT);
        }
        let [_, table, ..] = self.parts(area);
        self.table.arrange(table);
    }

    fn on(&mut self, action: Action, world: &World) -> Reply {
        if L::ACTIONS.contains(&action) {
            self.table.choose();
            return self.list.on(action, self.table.selected(), world);
        }
        if L::SORT.is_none() && SORTS.contains(&action) {
            return Reply::Ignored;
        }
        if self.table.on(action) {
            Reply::Moved
        } else {
            Reply::Ignored
        }
    }

    fn draw(&self, _world: &World, look: &Look, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let [head, table, said, about] = self.parts(area);
        self.draw_head(look, head, buf);
        let options = table::Options {
            stale: self.stale,
            unfocused: false,
        };
        if !table.is_empty() {
            self.table.draw(look, table, buf, options);
        }
        put_lines(&self.said, look, said, buf);
        put_lines(&self.about, look, about, buf);
    }

    fn seek(&mut self, jump: &Jump) -> bool {
        let Some(thing) = &jump.row else { return false };
        let row = self.table.rows().iter().find(|row| L::is(row, thing));
        let Some(id) = row.map(Record::id) else { return false };
        if !self.table.shown().any(|row| row.id() == id) {
            self.table.set_filter(Filter::default());
        }
        self.table.select(id);
        true
    }

    fn shown(&self) -> bool {
        self.shown
    }

    fn is_empty(&self) -> bool {
        self.known && self.table.rows().is_empty()
    }

    fn lines(&self) -> u16 {
        let rows = self.table.shown_of().0;
        let rows = if rows == 0 { 0 } else { rows + 1 };
        u16::try_from(usize::from(!self.head.is_empty()) + rows + self.said.len()).unwrap_or(u16::MAX)
    }

    fn more_lines(&self) -> u16 {
        let lines = if self.about.is_empty() { 0 } else { self.most_about };
        u16::try_from(lines).unwrap_or(u16::MAX)
    }

    fn badge(&self) -> Option<Badge> {
        self.badge
    }

    fn copies(&self, world: &World) -> Vec<Copy> {
        let Some(row) = self.table.selected() else {
            return Vec::new();
        };
        let mut copies = self.list.copies(row, world);
        copies.extend(self.table.copies().into_iter().map(Copy::from));
        copies
    }

    fn keys(&self) -> Vec<i64> {
        // What is in sight, and a page beyond it, so that scrolling finds its texts.
        let (first, last) = self
            .table
            .position()
            .map_or((0, 0), |(first, last, _)| (first - 1, last));
        let near = self.table.shown().skip(first).take(2 * (last - first));
        near.filter_map(|row| self.list.key(row)).collect()
    }

    fn demand(&self) -> Option<Demand> {
        self.list.demand()
    }

    fn filter(&self) -> Option<&Filter> {
        Some(self.table.filter())
    }

    fn parse_filter(&self, text: &str) -> Result<Filter, String> {
        Filter::parse(text, &Table::<L::Row>::column_ids())
    }

    fn set_filter(&mut self, filter: Filter) {
        self.table.set_filter(filter);
    }

    fn help(&self) -> Vec<(String, String)> {
        common::table_help::<L::Row>(L::HELP)
    }
}
