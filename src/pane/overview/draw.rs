//! Cells into the buffer. Nothing is computed here but where a text has to be cut.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::Overview;
use super::choice::Id;
use super::layout::{AXIS, GROUPS, LABEL, LABEL_WIDTH, Row, VALUE_WIDTH};
use super::line::Line;
use super::sessions::role;
use crate::known::Freshness;
use crate::probe::Probe;
use crate::probe::activity::Activity;
use crate::ui::format;
use crate::ui::look::{Look, Role};
use crate::ui::spark::{self, Segment};
use crate::ui::text::{one_line, put, put_safe, width};
use crate::world::World;

/// One row of the screen.
pub(super) struct Strip<'a> {
    pub look: &'a Look,
    pub area: Rect,
    y: u16,
    stale: bool,
    selected: bool,
}

impl Strip<'_> {
    fn style(&self, role: Role) -> Style {
        let role = if self.stale { Role::Stale } else { role };
        let style = self.look.style(role);
        if self.selected {
            style.patch(self.look.style(Role::Selected))
        } else {
            style
        }
    }

    /// Text at a column, within so many cells; returns the column after it.
    pub(super) fn put(&self, buf: &mut Buffer, x: u16, cells: u16, text: &str, role: Role) -> u16 {
        let cells = cells.min(self.area.width.saturating_sub(x));
        let at = (self.area.x.saturating_add(x), self.y);
        x + put(buf, at, cells, text, self.style(role), self.look.glyphs)
    }

    /// So many cells from a column on, inside the area.
    fn cells(&self, x: u16, cells: u16) -> Rect {
        let line = Rect::new(self.area.x.saturating_add(x), self.y, cells, 1);
        line.intersection(self.area)
    }

    /// The whole row, if it is selected.
    pub(super) fn highlight(&self, buf: &mut Buffer) {
        if self.selected {
            let row = Rect::new(self.area.x, self.y, self.area.width, 1);
            buf.set_style(row.intersection(self.area), self.look.style(Role::Selected));
        }
    }

    /// A rule with a title at its left end and a caption at its right end, as far as there is room.
    pub(super) fn rule(&self, title: &str, caption: &str, buf: &mut Buffer) {
        self.highlight(buf);
        for x in 0..self.area.width {
            self.put_sign(buf, x, self.look.glyphs.line, Role::Border);
        }
        let mut x = 2;
        if !title.is_empty() {
            for (piece, role) in [(" ", Role::Border), (title, Role::Title), (" ", Role::Border)] {
                self.put_sign(buf, x, piece, role);
                x += u16::try_from(width(piece)).unwrap_or_default();
            }
        }
        let cells = u16::try_from(width(caption)).unwrap_or(u16::MAX);
        let at = self.area.width.saturating_sub(cells.saturating_add(3));
        if at > x && !caption.is_empty() {
            self.put_sign(buf, at, caption, Role::Muted);
        }
    }

    /// Our own signs at a column, as they are.
    pub(super) fn put_sign(&self, buf: &mut Buffer, x: u16, sign: &str, role: Role) {
        if x < self.area.width {
            put_safe(
                buf,
                (self.area.x + x, self.y),
                self.area.width - x,
                sign,
                self.style(role),
            );
        }
    }
}

fn stale(world: &World, probe: &str) -> bool {
    matches!(world.freshness(probe), Freshness::Stale(_))
}

impl Overview {
    /// Draws the rows in view.
    pub(super) fn paint(&self, world: &World, look: &Look, area: Rect, buf: &mut Buffer) {
        let (here, told) = (self.here(), self.told().map(|(place, _)| place));
        let rows = self.rows.iter().skip(self.offset).take(usize::from(area.height));
        for (row, y) in rows.zip(area.y..area.bottom()) {
            let mut strip = Strip {
                look,
                area,
                y,
                stale: matches!(row, Row::Bar | Row::Chart(_)) && stale(world, Activity::SPEC.id),
                selected: false,
            };
            match *row {
                Row::Checks => {
                    strip.selected = here == Some(Id::Checks);
                    self.checks(&strip, buf);
                }
                Row::Story(nth) => {
                    strip.selected = told == Some(nth);
                    self.story_line(&strip, nth, buf);
                }
                Row::Folded(story, nth, more) => self.folded(&strip, (story, nth, more), buf),
                Row::More(count) => {
                    strip.selected = here == Some(Id::More);
                    strip.more(count, buf);
                }
                Row::Grant => self.grant(&strip, buf),
                Row::Numbers => strip.rule("", &self.caption, buf),
                Row::Rule(group) => {
                    let caption = if group == 0 { self.caption.as_str() } else { "" };
                    strip.rule(GROUPS.get(group).copied().unwrap_or_default(), caption, buf);
                }
                Row::Bar => self.bar(&strip, buf),
                Row::Chart(nth) => self.chart_row(&strip, nth, buf),
                Row::Line(nth) => {
                    let Some(line) = self.lines.get(nth) else { continue };
                    strip.stale = stale(world, line.probe);
                    strip.selected = here == Some(Id::Line(line.id));
                    self.number(&strip, line, buf);
                }
            }
        }
    }

    fn number(&self, strip: &Strip<'_>, line: &Line, buf: &mut Buffer) {
        strip.highlight(buf);
        if let Some(mark) = line.mark {
            strip.put(buf, 0, LABEL, strip.look.mark(mark), mark);
        }
        strip.put(buf, LABEL, LABEL_WIDTH, line.label, Role::Muted);
        let value = line.value.as_deref().unwrap_or(strip.look.glyphs.none);
        let cells = u16::try_from(width(value)).unwrap_or(VALUE_WIDTH).min(VALUE_WIDTH);
        if line.role == Role::Estimated && cells < VALUE_WIDTH {
            let x = self.columns.value_end - cells - 1;
            strip.put_sign(buf, x, strip.look.glyphs.about, line.role);
        }
        strip.put(buf, self.columns.value_end - cells, cells, value, line.role);
        self.trend(strip, line, buf);
        self.details(strip, line, buf);
    }

    fn trend(&self, strip: &Strip<'_>, line: &Line, buf: &mut Buffer) {
        if let Some(levels) = self.levels.get(line.id) {
            let (x, cells) = self.columns.trend;
            spark::put(buf, strip.cells(x, cells), levels, strip.look);
            if strip.stale {
                buf.set_style(strip.cells(x, cells), strip.look.style(Role::Stale));
            }
        }
    }

    /// Details as far as they fit; the first one is cut if it must be, any other is left out.
    fn details(&self, strip: &Strip<'_>, line: &Line, buf: &mut Buffer) {
        let glyphs = strip.look.glyphs;
        let trend = self
            .levels
            .get(line.id)
            .is_some_and(|levels| levels.iter().any(Option::is_some));
        // Where there is neither value nor trend, the reason gets their room.
        let bare = line.value.is_none() && !trend;
        let mut x = if bare {
            self.columns.trend.0
        } else {
            self.columns.details
        };
        for (nth, piece) in line.pieces.iter().enumerate() {
            let room = strip.area.width.saturating_sub(x);
            let gap = if nth == 0 { 0 } else { 3 };
            let text = one_line(&piece.text, usize::from(room.saturating_sub(gap)), glyphs);
            let cut = text.ends_with(glyphs.ellipsis) && !piece.text.ends_with(glyphs.ellipsis);
            let worth = nth == 0 || !cut || room > gap + 16;
            if room <= gap || !worth {
                return;
            }
            if nth > 0 {
                strip.put_sign(buf, x + 1, glyphs.dot, Role::Muted);
            }
            let style = strip.style(piece.role);
            let at = (strip.area.x + x + gap, strip.y);
            x += gap + put_safe(buf, at, room - gap, &text, style);
            if cut {
                return;
            }
        }
    }

    fn bar(&self, strip: &Strip<'_>, buf: &mut Buffer) {
        strip.put(buf, LABEL, LABEL_WIDTH, "  by wait", Role::Muted);
        let x = self.columns.trend.0;
        let room = strip.area.width.saturating_sub(x + 1);
        match self.profile.busy {
            Some(true) => {
                let segments = self.profile.segments.iter().map(|segment| Segment {
                    role: if strip.stale { Role::Stale } else { segment.role },
                    ..*segment
                });
                let segments: Vec<Segment> = segments.collect();
                spark::bar(buf, strip.cells(x, room), &segments, 0.0, strip.look);
            }
            Some(false) => {
                strip.put(buf, x, room, "nobody was active for the last minute", Role::Muted);
            }
            None => strip.put_sign(buf, x, strip.look.glyphs.none, Role::Muted),
        }
    }

    fn chart_row(&self, strip: &Strip<'_>, nth: usize, buf: &mut Buffer) {
        // The legend stands beside the chart in the order of the stack, its values under the other values.
        let place = self.profile.means.len().checked_sub(nth + 1);
        if let Some((place, (class, mean))) = place.and_then(|place| Some((place, self.profile.means.get(place)?))) {
            // The chart is what was, stale or not, and keeps its colours; so do their names in the legend.
            let sign = Strip { stale: false, ..*strip };
            sign.put_sign(buf, LABEL, spark::fill(place, strip.look), role(*class));
            strip.put(buf, LABEL + 2, LABEL_WIDTH, class.name(), Role::Muted);
            let value = format::rate(*mean);
            let cells = u16::try_from(value.len()).unwrap_or(VALUE_WIDTH);
            strip.put(
                buf,
                self.columns.value_end.saturating_sub(cells),
                cells,
                &value,
                Role::Text,
            );
        }
        let height = u16::try_from(self.rows.iter().filter(|row| matches!(row, Row::Chart(_))).count()).unwrap_or(1);
        let axis = if nth == 0 {
            format::rate(self.chart.top())
        } else if nth + 1 == usize::from(height) {
            "0".to_owned()
        } else {
            String::new()
        };
        let cells = u16::try_from(axis.len()).unwrap_or(AXIS).min(AXIS);
        strip.put(buf, self.columns.value_end + AXIS - cells, cells, &axis, Role::Muted);
        if nth == 0 {
            let x = self.columns.chart();
            let line = strip.cells(x, strip.area.width.saturating_sub(x));
            let area = Rect { height, ..line }.intersection(strip.area);
            self.chart.draw(strip.look, area, buf);
        }
    }
}
