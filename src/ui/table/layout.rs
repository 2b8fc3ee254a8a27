//! Sharing out the width: the first column is frozen, a [`Width::Rest`] column at the end always keeps at least
//! its minimum where there is room for it, and what lies between scrolls.

use super::{Column, Record, Width};
use crate::ui::look::Glyphs;
use crate::ui::text;

/// A column on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// Which column.
    pub column: usize,
    /// Where it begins, in cells from the left end of the table.
    pub x: u16,
    /// How wide it is.
    pub width: u16,
}

/// The columns on the screen.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// From left to right.
    pub slots: Vec<Slot>,
    /// Middle columns scrolled away, no more than makes sense.
    pub scrolled: usize,
    /// Columns are hidden to the right.
    pub more: bool,
}

/// The margin at the left end.
pub(super) const fn margin(marked: bool) -> u16 {
    if marked { 2 } else { 1 }
}

/// What each column would like to have for these rows.
pub(super) fn wanted<R: Record>(rows: &[&R]) -> Vec<u16> {
    let columns = R::columns().iter().enumerate();
    columns
        .map(|(nth, column)| match column.width {
            Width::Rest(min) => min,
            Width::Fit(min, max) => {
                let prefixed = nth == R::prefix_column();
                let cells = rows.iter().filter(|row| row.whole().is_none());
                let widths = cells.map(|row| cell_width(*row, column, max, prefixed));
                widest(widths, max).max(cells_of(column.title)).clamp(min, max.max(min))
            }
        })
        .collect()
}

/// The largest of them; stops where a column gets no wider anyway.
fn widest(widths: impl Iterator<Item = u16>, max: u16) -> u16 {
    let mut widest = 0;
    for width in widths {
        widest = widest.max(width);
        if widest >= max {
            break;
        }
    }
    widest
}

fn cell_width<R: Record>(row: &R, column: &Column<R>, max: u16, prefixed: bool) -> u16 {
    let cell = (column.cell)(row);
    let text = text::one_line(&cell.text, usize::from(max), &Glyphs::UNICODE);
    let prefix = if prefixed { cells_of(row.prefix()) } else { 0 };
    cells_of(&text).saturating_add(prefix)
}

fn cells_of(text: &str) -> u16 {
    u16::try_from(text::width(text)).unwrap_or(u16::MAX)
}

/// Puts the columns into `width` cells with that many of the middle ones scrolled away.
pub(super) fn layout<R>(columns: &[Column<R>], wanted: &[u16], scrolled: usize, width: u16, marked: bool) -> Layout {
    let mut room = Room {
        x: margin(marked),
        end: width,
        gap: 1,
        slots: Vec::new(),
    };
    let all: Vec<(usize, u16)> = wanted.iter().copied().enumerate().collect();
    let Some((first, others)) = all.split_first() else {
        return Layout::default();
    };
    let (middle, rest) = match others.split_last() {
        Some((last, middle)) if is_rest(columns, last.0) && keeps_rest(width, first.1, last.1) => (middle, Some(*last)),
        _ => (others, None),
    };
    let reserved = rest.map_or(0, |(_, min)| min.saturating_add(1).min(width));
    let between = width.saturating_sub(
        room.x
            .saturating_add(first.1)
            .saturating_add(reserved)
            .saturating_add(1),
    );
    let scrolled = scrolled.min(most_scrolled(middle, rest.is_some(), between));
    if scrolled == 0 && fits(&all, width.saturating_sub(room.x), 2) {
        room.gap = 2;
    }
    room.place(*first, 0);
    let mut hidden = false;
    for column in middle.iter().skip(scrolled) {
        hidden = hidden || !room.place(*column, reserved);
        if hidden {
            break;
        }
    }
    if let Some(rest) = rest {
        room.place_rest(rest.0);
    } else if let Some(last) = room.slots.last_mut().filter(|slot| is_rest(columns, slot.column)) {
        last.width = width.saturating_sub(last.x);
    }
    Layout {
        slots: room.slots,
        scrolled,
        more: hidden,
    }
}

fn is_rest<R>(columns: &[Column<R>], index: usize) -> bool {
    columns
        .get(index)
        .is_some_and(|column| matches!(column.width, Width::Rest(_)))
}

/// The last column is kept in sight unless that leaves too little for the ones between.
const fn keeps_rest(width: u16, first: u16, rest: u16) -> bool {
    first as u32 + rest as u32 + 2 <= width as u32 * 3 / 4
}

/// How far the middle columns scroll: all of them away where the last column stays, else until the last is seen.
fn most_scrolled(middle: &[(usize, u16)], rest: bool, room: u16) -> usize {
    let seen = |from: usize| middle.get(from..).is_some_and(|tail| fits(tail, room, 1));
    match (0..middle.len()).find(|from| seen(*from)) {
        Some(from) if !rest || from == 0 => from,
        _ if rest => middle.len(),
        _ => middle.len().saturating_sub(1),
    }
}

/// True if these columns fit into that many cells with that gap between them.
fn fits(columns: &[(usize, u16)], room: u16, gap: u32) -> bool {
    let widths: u32 = columns.iter().map(|(_, width)| u32::from(*width) + gap).sum();
    widths.saturating_sub(gap) <= u32::from(room)
}

/// Where the next column goes.
struct Room {
    x: u16,
    end: u16,
    gap: u16,
    slots: Vec<Slot>,
}

impl Room {
    /// Places a column and leaves `reserved` cells; the first two are cut where they do not fit.
    fn place(&mut self, (column, wanted): (usize, u16), reserved: u16) -> bool {
        let x = self.next_x();
        let room = self.end.saturating_sub(reserved).saturating_sub(x);
        let must = self.slots.is_empty() || (self.slots.len() == 1 && reserved == 0);
        if room == 0 || (wanted > room && !must) {
            return false;
        }
        let width = wanted.min(room);
        self.slots.push(Slot { column, x, width });
        true
    }

    fn place_rest(&mut self, column: usize) {
        let x = self.next_x();
        let width = self.end.saturating_sub(x);
        if width > 0 {
            self.slots.push(Slot { column, x, width });
        }
    }

    fn next_x(&self) -> u16 {
        match self.slots.last() {
            Some(slot) => slot.x.saturating_add(slot.width).saturating_add(self.gap),
            None => self.x,
        }
    }
}
