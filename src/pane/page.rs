//! Pages of text that scroll: labelled facts, put together from pieces with a meaning.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::action::Action;
use crate::ui::look::{Look, Role};
use crate::ui::text;
use crate::ui::wrap::{self, Line};

/// Cells of the labels on the left.
pub(super) const LABEL: usize = 12;

/// The actions of everything that scrolls.
pub(super) const SCROLLS: &[Action] = &[
    Action::Up,
    Action::Down,
    Action::PageUp,
    Action::PageDown,
    Action::First,
    Action::Last,
];

/// Raw pieces that follow each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Rich {
    pieces: Vec<(Role, String)>,
}

impl Rich {
    /// One piece.
    pub fn new(raw: impl Into<String>, role: Role) -> Self {
        Self {
            pieces: vec![(role, raw.into())],
        }
    }

    /// Appends a piece.
    pub fn push(&mut self, raw: impl Into<String>, role: Role) {
        self.pieces.push((role, raw.into()));
    }

    /// Appends a piece with a separator before it, unless it is the first.
    pub fn fact(&mut self, raw: impl Into<String>, role: Role) {
        if !self.is_empty() {
            self.push(" · ", Role::Muted);
        }
        self.push(raw, role);
    }

    /// True if there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Lines of at most so many cells.
    pub fn wrap(&self, cells: usize) -> Vec<Line> {
        let pieces: Vec<(Role, &str)> = self.pieces.iter().map(|(role, text)| (*role, text.as_str())).collect();
        wrap::wrap(&pieces, cells)
    }
}

/// A label and what belongs to it.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    /// Short; empty for a further line of the one above.
    pub label: &'static str,
    /// The text.
    pub text: Rich,
}

impl Fact {
    /// That text beside that label.
    pub fn new(label: &'static str, text: Rich) -> Self {
        Self { label, text }
    }

    /// Its lines on a page of that width.
    pub fn lines(&self, width: u16) -> Vec<Line> {
        beside(self.label, self.text.wrap(room(width)))
    }
}

/// Cells beside the labels.
pub(super) fn room(width: u16) -> usize {
    usize::from(width).saturating_sub(LABEL + 2).max(10)
}

/// The lines with a label beside the first of them.
pub(super) fn beside(label: &str, lines: Vec<Line>) -> Vec<Line> {
    let lines = lines.into_iter().enumerate();
    lines
        .map(|(nth, line)| {
            let label = if nth == 0 { label } else { "" };
            after(format!(" {label:<LABEL$}"), Role::Muted, line)
        })
        .collect()
}

/// The line with something before it.
pub(super) fn after(before: String, role: Role, mut line: Line) -> Line {
    line.insert(0, (role, before));
    line
}

/// Not confirmed any more: everything looks so but what warns of that.
pub(super) fn grow_stale(lines: &mut [Line]) {
    let pieces = lines.iter_mut().flatten().filter(|(role, _)| *role != Role::Warning);
    pieces.for_each(|(role, _)| *role = Role::Stale);
}

/// Whether what a page is about is still there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Life {
    /// As far as is known.
    Alive,
    /// It was not there at this time by the server's clock, if that is known.
    Missed(Option<f64>),
}

/// Lines with a position in them.
#[derive(Debug, Default)]
pub(super) struct Page {
    lines: Vec<Line>,
    top: usize,
    height: usize,
}

impl Page {
    /// New lines, and the room there is.
    pub fn set(&mut self, lines: Vec<Line>, height: u16) {
        self.lines = lines;
        self.height = usize::from(height);
        self.scroll(self.top);
    }

    fn scroll(&mut self, top: usize) {
        self.top = top.min(self.lines.len().saturating_sub(self.height));
    }

    /// Scrolls; false if the action is none of [`SCROLLS`].
    pub fn on(&mut self, action: Action) -> bool {
        let step = self.height.saturating_sub(1).max(1);
        match action {
            Action::Up => self.scroll(self.top.saturating_sub(1)),
            Action::Down => self.scroll(self.top + 1),
            Action::PageUp => self.scroll(self.top.saturating_sub(step)),
            Action::PageDown => self.scroll(self.top + step),
            Action::First => self.scroll(0),
            Action::Last => self.scroll(usize::MAX),
            _ => return false,
        }
        true
    }

    /// All lines.
    #[cfg(test)]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Draws the lines in view.
    pub fn draw(&self, look: &Look, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        for (row, line) in area.rows().zip(self.lines.iter().skip(self.top)) {
            wrap::put(buf, (row.x, row.y), row.width, line, look);
        }
        let below = self.lines.len().saturating_sub(self.top + self.height);
        if below > 0 && !area.is_empty() {
            let at = (area.right() - 1, area.bottom() - 1);
            text::put_safe(buf, at, 1, look.glyphs.down, look.style(Role::Accent));
        }
    }
}
