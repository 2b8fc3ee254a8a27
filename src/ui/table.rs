//! The table every list pane uses: columns as values, sort by any, filter by any, first column frozen under
//! horizontal scrolling, selection by identity.
//!
//! A pane gives it rows in [`Table::set_rows`], hands actions to [`Table::on`], room to [`Table::arrange`] and a
//! buffer to [`Table::draw`]. Sorting, filtering and measuring happen when rows, order or filter change; `arrange`
//! only shares out the room; `draw` only draws the rows on the screen.
//!
//! Cells may hold our own Unicode signs (`≤`, `✖`, `├`): on a terminal without UTF-8 they are drawn as their ASCII
//! twins of the same width, see [`super::text`].
//!
//! Rows with a [`Record::depth`] belong to the nearest row above with a smaller one: they move with it when the
//! table is sorted and keep it when the table is filtered.

mod draw;
mod layout;
mod order;
mod record;

use ratatui::layout::Rect;

use super::filter::Filter;
use crate::action::Action;
use layout::Slot;

pub use draw::Options;
pub use record::{Align, Cell, Column, Key, Record, Width};

/// Which end comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The smallest.
    Ascending,
    /// The largest.
    Descending,
}

impl Order {
    /// The other one.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }
}

/// What a sorted table sorts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sort {
    column: usize,
    order: Order,
}

/// A table with its rows, order, filter, selection and scroll position.
#[derive(Debug)]
pub struct Table<R: Record> {
    rows: Vec<R>,
    /// Indices of the rows that pass the filter, in the order shown.
    shown: Vec<usize>,
    filter: Filter,
    /// `None`: rows keep their order.
    sort: Option<Sort>,
    /// Remembered while its row is away.
    selected: Option<R::Id>,
    /// The user has chosen a row. Until then the first one is selected, whichever that is: a list that nobody has
    /// touched shows its top.
    chosen: bool,
    /// Where the selected row is (or was) among the shown ones.
    cursor: usize,
    /// The first row on the screen.
    top: usize,
    /// Rows on the screen.
    page: usize,
    /// Middle columns scrolled away to the left.
    scrolled: usize,
    /// At most so many rows are shown, the first ones in the order.
    limit: Option<usize>,
    /// What each column would like to have, in cells.
    wanted: Vec<u16>,
    slots: Vec<Slot>,
    /// Columns are hidden to the right.
    more: bool,
}

impl<R: Record> Table<R> {
    /// An empty table sorted by the column with that id.
    #[must_use]
    pub fn new((id, order): (&str, Order)) -> Self {
        let column = R::columns().iter().position(|column| column.id == id);
        Self {
            sort: column.map(|column| Sort { column, order }),
            ..Self::unsorted()
        }
    }

    /// An empty table whose rows keep the order they are given in: trees.
    #[must_use]
    pub const fn unsorted() -> Self {
        Self {
            rows: Vec::new(),
            shown: Vec::new(),
            filter: Filter::EVERYTHING,
            sort: None,
            selected: None,
            chosen: false,
            cursor: 0,
            top: 0,
            page: 0,
            scrolled: 0,
            limit: None,
            wanted: Vec::new(),
            slots: Vec::new(),
            more: false,
        }
    }

    /// The ids of the columns, for [`Filter::parse`].
    #[must_use]
    pub fn column_ids() -> Vec<&'static str> {
        R::columns().iter().map(|column| column.id).collect()
    }

    /// New rows. A chosen selection stays on the same row wherever it is now; if that is gone, near its place.
    pub fn set_rows(&mut self, rows: Vec<R>) {
        self.rows = rows;
        self.refresh();
    }

    /// Shows at most so many rows: the first ones that pass the filter, in the order in force. Not for trees.
    pub fn set_limit(&mut self, limit: Option<usize>) {
        self.limit = limit;
    }

    /// All rows, in the order they were given.
    #[must_use]
    pub fn rows(&self) -> &[R] {
        &self.rows
    }

    /// The rows that pass the filter, in the order shown.
    pub fn shown(&self) -> impl Iterator<Item = &R> {
        self.shown.iter().filter_map(|index| self.rows.get(*index))
    }

    /// A new filter, parsed for [`Self::column_ids`].
    pub fn set_filter(&mut self, filter: Filter) {
        self.filter = filter;
        self.rewind();
        self.refresh();
    }

    /// Other rows are to come: from the top, unless the selected one is among them.
    pub fn rewind(&mut self) {
        self.cursor = 0;
        self.top = 0;
    }

    /// The filter in force.
    #[must_use]
    pub const fn filter(&self) -> &Filter {
        &self.filter
    }

    /// What it is sorted by: a column id and the order; `None` if rows keep their order.
    #[must_use]
    pub fn sort(&self) -> Option<(&'static str, Order)> {
        let sort = self.sort?;
        Some((R::columns().get(sort.column)?.id, sort.order))
    }

    /// Sorts by the column with that id; an unknown id changes nothing.
    pub fn sort_by(&mut self, id: &str, order: Order) {
        if let Some(column) = R::columns().iter().position(|column| column.id == id) {
            self.sort = Some(Sort { column, order });
            self.refresh();
        }
    }

    /// The selected row.
    #[must_use]
    pub fn selected(&self) -> Option<&R> {
        self.at(self.cursor).filter(|row| row.selectable())
    }

    /// Selects the row with that identity, now or when it comes.
    pub fn select(&mut self, id: R::Id) {
        self.selected = Some(id);
        self.chosen = true;
        self.locate();
    }

    /// The user does something with the selected row: the selection stays on it from now on.
    pub fn choose(&mut self) {
        self.chosen = true;
    }

    /// How many selectable rows pass the filter, and how many there are.
    #[must_use]
    pub fn shown_of(&self) -> (usize, usize) {
        let count = |rows: &mut dyn Iterator<Item = &R>| rows.filter(|row| row.selectable()).count();
        (count(&mut self.shown()), count(&mut self.rows.iter()))
    }

    /// The first and the last line on the screen, from 1, and how many there are; `None` if there is none.
    #[must_use]
    pub fn position(&self) -> Option<(usize, usize, usize)> {
        let all = self.shown.len();
        // Fewer rows may have come since room was last shared out.
        let top = self.top.min(all.checked_sub(1)?);
        (self.page > 0).then(|| (top + 1, (top + self.page).min(all), all))
    }

    /// What can be copied of the selected row, raw: the row with tabs between its cells, then every cell that is
    /// not empty, each with what it is.
    #[must_use]
    pub fn copies(&self) -> Vec<(String, String)> {
        let Some(row) = self.selected() else {
            return Vec::new();
        };
        let cells = R::columns()
            .iter()
            .map(|column| (column.id.to_owned(), (column.cell)(row).text.into_owned()));
        let cells: Vec<_> = cells.collect();
        let line: Vec<&str> = cells.iter().map(|(_, text)| text.as_str()).collect();
        let mut copies = vec![("row".to_owned(), line.join("\t"))];
        copies.extend(cells.into_iter().filter(|(_, text)| !text.is_empty()));
        copies
    }

    /// Takes the actions that move and sort; false for any other.
    pub fn on(&mut self, action: Action) -> bool {
        self.chosen |= matches!(
            action,
            Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::First | Action::Last
        );
        match action {
            Action::Up => self.step(-1),
            Action::Down => self.step(1),
            Action::PageUp => self.step(-self.page_step()),
            Action::PageDown => self.step(self.page_step()),
            Action::First => self.step(isize::MIN),
            Action::Last => self.step(isize::MAX),
            Action::Left => self.scrolled = self.scrolled.saturating_sub(1),
            Action::Right => self.scroll_right(),
            Action::SortPrev => self.sort_step(-1),
            Action::SortNext => self.sort_step(1),
            Action::Reverse => self.reverse(),
            _ => return false,
        }
        true
    }

    /// Shares out the room, header included, and keeps the selection inside.
    pub fn arrange(&mut self, area: Rect) {
        self.page = usize::from(area.height.saturating_sub(1));
        self.keep_cursor_visible();
        let layout = layout::layout(R::columns(), &self.wanted, self.scrolled, area.width, R::marked());
        self.scrolled = layout.scrolled;
        self.slots = layout.slots;
        self.more = layout.more;
    }

    fn at(&self, position: usize) -> Option<&R> {
        self.rows.get(*self.shown.get(position)?)
    }

    /// Everything that follows from rows, order and filter.
    fn refresh(&mut self) {
        let sort = self
            .sort
            .and_then(|sort| Some((R::columns().get(sort.column)?, sort.order)));
        self.shown = order::shown(&self.rows, sort, &self.filter);
        self.shown.truncate(self.limit.unwrap_or(usize::MAX));
        self.wanted = layout::wanted(&self.shown().collect::<Vec<_>>());
        self.locate();
    }

    /// Puts the cursor on the selected row, or near its place if that is gone.
    fn locate(&mut self) {
        if !self.chosen && !self.shown.is_empty() {
            self.top = 0;
            return self.settle(0);
        }
        let same = |row: &R| row.selectable() && Some(row.id()) == self.selected;
        let found = self.shown().position(same);
        if let Some(cursor) = found {
            self.cursor = cursor;
        } else if !self.shown.is_empty() {
            self.settle(self.cursor.min(self.shown.len() - 1));
        }
    }

    /// Selects the selectable row at that position, or the next one, or the one before.
    fn settle(&mut self, position: usize) {
        let selectable = |position: &usize| self.at(*position).is_some_and(Record::selectable);
        let after = (position..self.shown.len()).find(selectable);
        let found = after.or_else(|| (0..position).rev().find(selectable));
        self.cursor = found.unwrap_or(position);
        self.selected = self.at(self.cursor).map(Record::id);
    }

    /// Moves over so many rows, or to the end.
    fn step(&mut self, by: isize) {
        let last = self.shown.len().saturating_sub(1);
        let target = self.cursor.saturating_add_signed(by).min(last);
        if by < 0 {
            let selectable = |position: &usize| self.at(*position).is_some_and(Record::selectable);
            let before = (0..=target).rev().find(selectable);
            self.settle(before.unwrap_or(target));
        } else {
            let from = self.cursor;
            self.settle(target);
            // Lines that cannot be selected at the end must not throw the cursor back.
            if self.cursor < from {
                self.settle(from);
            }
        }
    }

    fn page_step(&self) -> isize {
        isize::try_from(self.page.saturating_sub(1).max(1)).unwrap_or(isize::MAX)
    }

    fn scroll_right(&mut self) {
        if self.more {
            self.scrolled += 1;
        }
    }

    fn sort_step(&mut self, by: isize) {
        let Some(sort) = self.sort else { return };
        let column = sort
            .column
            .saturating_add_signed(by)
            .min(R::columns().len().saturating_sub(1));
        if column != sort.column {
            // Numbers are asked for their largest first, texts for their alphabet.
            let order = match R::columns().get(column).map(|column| column.align) {
                Some(Align::Right) => Order::Descending,
                _ => Order::Ascending,
            };
            self.sort = Some(Sort { column, order });
            self.refresh();
        }
    }

    fn reverse(&mut self) {
        if let Some(sort) = &mut self.sort {
            sort.order = sort.order.reversed();
            self.refresh();
        }
    }

    fn keep_cursor_visible(&mut self) {
        let room = self.shown.len().saturating_sub(self.page);
        let lowest = (self.cursor + 1).saturating_sub(self.page);
        self.top = self.top.clamp(lowest, self.cursor.max(lowest)).min(room);
        // What stands above the first row that can be selected is seen again from there.
        let above = self.shown().take(self.cursor).any(Record::selectable);
        if !above && self.cursor < self.page {
            self.top = 0;
        }
    }
}

#[cfg(test)]
mod tests;
