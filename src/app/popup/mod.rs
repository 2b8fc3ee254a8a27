//! Popups: text that scrolls in a frame over the pane. Each computes its lines in `derive` and draws those in view.

pub mod copy;
pub mod cost;
pub mod help;
pub mod messages;
pub mod role;
pub mod sql;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Widget};

use super::action::Action;
use super::keymap::Keymap;
use crate::ui::look::{Look, Role};
use crate::ui::{text, wrap};

/// A line of a popup: pieces of text with their meaning. Server text in it must be made safe when it is drawn.
pub(super) type Row = Vec<(Role, String)>;

/// A row of one meaning.
pub(super) fn row(role: Role, text: impl Into<String>) -> Row {
    vec![(role, text.into())]
}

/// Actions of everything that scrolls.
pub(super) const SCROLLS: &[Action] = &[
    Action::Up,
    Action::Down,
    Action::PageUp,
    Action::PageDown,
    Action::First,
    Action::Last,
];

/// What the foot of a popup says of its keys: `y copy  esc close`.
pub(super) fn foot(keymap: &Keymap, hints: &[(Action, &str)]) -> String {
    let named = hints
        .iter()
        .filter_map(|(action, word)| Some(format!("{} {word}", keymap.key(*action)?)));
    named.collect::<Vec<_>>().join("  ")
}

/// The foot of a popup that can only be closed.
pub(super) fn close(keymap: &Keymap) -> String {
    foot(keymap, &[(Action::Back, "close")])
}

/// Rows with a position in them.
#[derive(Debug, Default)]
pub(super) struct Pager {
    rows: Vec<Row>,
    top: usize,
    height: usize,
}

impl Pager {
    pub(super) fn set(&mut self, rows: Vec<Row>) {
        self.rows = rows;
        self.clamp();
    }

    pub(super) fn rewind(&mut self) {
        self.top = 0;
    }

    /// The room inside the frame.
    pub(super) fn arrange(&mut self, area: Rect) {
        self.height = usize::from(area.height.saturating_sub(2));
        self.clamp();
    }

    fn clamp(&mut self) {
        self.top = self.top.min(self.rows.len().saturating_sub(self.height.max(1)));
    }

    /// Scrolls; false if the action is none of [`SCROLLS`].
    pub(super) fn on(&mut self, action: Action) -> bool {
        let page = self.height.max(1);
        self.top = match action {
            Action::Up => self.top.saturating_sub(1),
            Action::Down => self.top + 1,
            Action::PageUp => self.top.saturating_sub(page),
            Action::PageDown => self.top + page,
            Action::First => 0,
            Action::Last => self.rows.len(),
            _ => return false,
        };
        self.clamp();
        true
    }

    /// The frame with its title and foot, and the rows in view.
    pub(super) fn draw(&self, title: &str, foot: &str, look: &Look, area: Rect, buf: &mut Buffer) {
        let inner = frame(title, foot, look, area, buf);
        for (y, row) in (inner.y..inner.bottom()).zip(self.rows.iter().skip(self.top)) {
            wrap::put(buf, (inner.x, y), inner.width, row, look);
        }
        let hidden = self.rows.len() > self.top + usize::from(inner.height);
        for (more, mark, y) in [
            (self.top > 0, look.glyphs.up, inner.y),
            (hidden, look.glyphs.down, inner.bottom() - 1),
        ] {
            if more {
                text::put(
                    buf,
                    (area.right().saturating_sub(1), y),
                    1,
                    mark,
                    look.style(Role::Accent),
                    look.glyphs,
                );
            }
        }
    }
}

/// Draws a frame and returns the room inside, with a space at both sides.
pub(super) fn frame(title: &str, foot: &str, look: &Look, area: Rect, buf: &mut Buffer) -> Rect {
    let clipped = |label: &str| {
        let safe = text::visible_in(label, look.glyphs.charset);
        text::clip(&safe, usize::from(area.width.saturating_sub(4)), look.glyphs.ellipsis).into_owned()
    };
    let span = |label: &str, role| Line::from(Span::styled(format!(" {} ", clipped(label)), look.style(role)));
    let mut block = Block::bordered()
        .border_set(look.glyphs.border())
        .border_style(look.style(Role::Border))
        .title_top(span(title, Role::Title));
    if !foot.is_empty() {
        block = block.title_bottom(span(foot, Role::Muted));
    }
    let inner = block.inner(area);
    block.render(area, buf);
    Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    }
}
