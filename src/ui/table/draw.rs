//! Drawing a table: nothing but the rows on the screen, nothing but what `arrange` computed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::layout::{Slot, margin};
use super::{Align, Order, Record, Table};
use crate::ui::look::{Look, Role};
use crate::ui::text;

/// How a table is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The rows are not confirmed any more: everything in the stale style.
    pub stale: bool,
    /// The selection is not shown, since the keys go elsewhere.
    pub unfocused: bool,
}

impl<R: Record> Table<R> {
    /// Draws the header and the rows on the screen. `area` is the one given to [`Self::arrange`].
    pub fn draw(&self, look: &Look, area: Rect, buf: &mut Buffer, options: Options) {
        let mut lines = area.intersection(buf.area).rows();
        let Some(line) = lines.next() else { return };
        self.draw_header(&mut Pen { look, line, buf });
        let rows = (self.top..self.shown.len()).filter_map(|position| Some((position, self.at(position)?)));
        for (line, (position, row)) in lines.zip(rows) {
            self.draw_row(row, &mut Pen { look, line, buf }, options.stale);
            if position == self.cursor && row.selectable() && !options.unfocused {
                buf.set_style(line, look.style(Role::Selected));
            }
        }
    }

    fn draw_header(&self, pen: &mut Pen<'_>) {
        pen.buf.set_style(pen.line, pen.look.style(Role::Header));
        for slot in &self.slots {
            let Some(column) = R::columns().get(slot.column) else {
                continue;
            };
            let sorted = self.sort.filter(|sort| sort.column == slot.column);
            let role = if sorted.is_some() { Role::Accent } else { Role::Header };
            let end = pen.cell(column.title, role, *slot, column.align);
            if let Some(sort) = sorted {
                let arrow = match sort.order {
                    Order::Ascending => pen.look.glyphs.up,
                    Order::Descending => pen.look.glyphs.down,
                };
                pen.sign(end.min(pen.line.width.saturating_sub(1)), arrow, Role::Accent);
            }
        }
        self.draw_more(pen);
    }

    /// The marks for columns that are scrolled away: to the left in the margin, to the right at the end.
    fn draw_more(&self, pen: &mut Pen<'_>) {
        if self.scrolled > 0 {
            pen.sign(0, pen.look.glyphs.left, Role::Accent);
        }
        if self.more {
            pen.sign(pen.line.width.saturating_sub(1), pen.look.glyphs.right, Role::Accent);
        }
    }

    fn draw_row(&self, row: &R, pen: &mut Pen<'_>, stale: bool) {
        let meant = |role: Role| match row.role() {
            _ if stale => Role::Stale,
            Some(own) if role == Role::Text => own,
            _ => role,
        };
        if let Some(role) = row.mark() {
            pen.sign(0, pen.look.mark(role), if stale { Role::Stale } else { role });
        }
        if let Some(whole) = row.whole() {
            let slot = pen.prefix(row.prefix(), self.whole_slot(pen.line));
            pen.cell(&whole.text, meant(whole.role), slot, Align::Left);
            return;
        }
        for slot in &self.slots {
            let Some(column) = R::columns().get(slot.column) else {
                continue;
            };
            let cell = (column.cell)(row);
            let slot = if slot.column == R::prefix_column() {
                pen.prefix(row.prefix(), *slot)
            } else {
                *slot
            };
            pen.cell(&cell.text, meant(cell.role), slot, column.align);
        }
    }

    /// From the column of the prefix to the end of the line.
    fn whole_slot(&self, line: Rect) -> Slot {
        let column = R::prefix_column();
        let slot = self.slots.iter().find(|slot| slot.column == column);
        let x = slot.map_or(margin(R::marked()), |slot| slot.x);
        Slot {
            column,
            x,
            width: line.width.saturating_sub(x),
        }
    }
}

/// One line of the table on the screen; x counts from its left end.
struct Pen<'a> {
    look: &'a Look,
    line: Rect,
    buf: &'a mut Buffer,
}

impl Pen<'_> {
    /// Draws raw text into a slot; returns where it ends.
    fn cell(&mut self, raw: &str, role: Role, slot: Slot, align: Align) -> u16 {
        let safe = text::one_line(raw, usize::from(slot.width), self.look.glyphs);
        let used = u16::try_from(text::width(&safe)).unwrap_or(slot.width);
        let x = match align {
            Align::Left => slot.x,
            Align::Right => slot.x.saturating_add(slot.width.saturating_sub(used)),
        };
        x.saturating_add(self.put(x, slot.width, &safe, role))
    }

    /// Draws the branches, which unlike other text keep their spaces; returns what is left of the slot.
    fn prefix(&mut self, prefix: &str, slot: Slot) -> Slot {
        let safe = text::visible_in(prefix, self.look.glyphs.charset);
        let used = self.put(slot.x, slot.width, &safe, Role::Border);
        Slot {
            x: slot.x.saturating_add(used),
            width: slot.width.saturating_sub(used),
            ..slot
        }
    }

    fn sign(&mut self, x: u16, sign: &str, role: Role) {
        self.put(x, 1, sign, role);
    }

    fn put(&mut self, x: u16, cells: u16, safe: &str, role: Role) -> u16 {
        let at = (self.line.x.saturating_add(x), self.line.y);
        text::put_safe(self.buf, at, cells, safe, self.look.style(role))
    }
}
