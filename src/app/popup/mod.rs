//! Popups: text that scrolls in a frame over the pane. A further one is an implementation of [`Text`]: a title and
//! its rows.

pub mod checks;
pub mod copy;
pub mod cost;
pub mod databases;
pub mod help;
pub mod messages;
pub mod role;
pub mod sql;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Widget};

use super::keymap::Keymap;
use crate::action::Action;
use crate::pane::{Copy, Place, Reply, View};
use crate::ui::look::{Look, Role};
use crate::ui::{self, wrap};
use crate::world::World;

/// A line of a popup: pieces of text with their meaning. Server text in it must be made safe when it is drawn.
pub type Row = Vec<(Role, String)>;

/// A row of one meaning.
fn row(role: Role, text: impl Into<String>) -> Row {
    vec![(role, text.into())]
}

/// Actions of everything that scrolls.
const SCROLLS: &[Action] = &[
    Action::Up,
    Action::Down,
    Action::PageUp,
    Action::PageDown,
    Action::First,
    Action::Last,
];

/// What a popup of text shows.
pub trait Text {
    /// Its id.
    const ID: &'static str;
    /// The columns and rows it takes at most, with its frame.
    const SIZE: (u16, u16);

    /// Title in the frame.
    fn title(&self) -> String;

    /// Its text in rows of at most so many cells.
    fn rows(&mut self, world: &World, width: usize) -> Vec<Row>;

    /// The keys the lower edge of the frame names, each with a word.
    const HINTS: &'static [(Action, &'static str)] = &[(Action::Back, "close")];

    /// The lower edge of the frame, made of those hints.
    fn foot(&self, hints: &str, _look: &Look) -> String {
        hints.to_owned()
    }

    /// The actions it takes; scrolling should be among them.
    fn actions(&self) -> &'static [Action] {
        SCROLLS
    }

    /// Takes an action that is not for scrolling; the text then starts at its first row again.
    fn on(&mut self, _action: Action) -> Reply {
        Reply::Ignored
    }

    /// What `y` offers to copy.
    fn copies(&self) -> Vec<Copy> {
        Vec::new()
    }

    /// True for a question that has to be answered.
    fn modal(&self) -> bool {
        false
    }
}

/// A popup that shows some text.
#[must_use]
pub fn text<T: Text + 'static>(text: T, keymap: &Keymap) -> Box<dyn View> {
    Box::new(TextPopup {
        text,
        hints: hints(keymap, T::HINTS),
        pager: Pager::default(),
        width: 0,
    })
}

/// What a frame says of keys: `y copy  esc close`.
fn hints(keymap: &Keymap, hints: &[(Action, &str)]) -> String {
    let named = hints
        .iter()
        .filter_map(|(action, word)| Some(format!("{} {word}", keymap.key(*action)?)));
    named.collect::<Vec<_>>().join("  ")
}

struct TextPopup<T> {
    text: T,
    hints: String,
    pager: Pager,
    /// Cells of a row.
    width: usize,
}

impl<T: Text> View for TextPopup<T> {
    fn id(&self) -> &'static str {
        T::ID
    }

    fn title(&self) -> String {
        self.text.title()
    }

    fn probes(&self) -> Vec<&'static str> {
        vec![]
    }

    fn actions(&self) -> Vec<Action> {
        self.text.actions().to_vec()
    }

    fn derive(&mut self, world: &World) {
        self.pager.set(self.text.rows(world, self.width));
    }

    fn arrange(&mut self, area: Rect) {
        self.width = usize::from(area.width.saturating_sub(4));
        self.pager.arrange(area);
    }

    fn on(&mut self, action: Action, _world: &World) -> Reply {
        if self.pager.on(action) {
            return Reply::Taken;
        }
        let reply = self.text.on(action);
        if reply != Reply::Ignored {
            self.pager.top = 0;
        }
        reply
    }

    fn draw(&self, _world: &World, look: &Look, area: Rect, buf: &mut Buffer) {
        self.pager
            .draw(&self.text.title(), &self.text.foot(&self.hints, look), look, area, buf);
    }

    fn copies(&self, _world: &World) -> Vec<Copy> {
        self.text.copies()
    }

    fn modal(&self) -> bool {
        self.text.modal()
    }

    fn place(&self) -> Place {
        Place::Popup(T::SIZE.0, T::SIZE.1)
    }
}

/// Rows with a position in them.
#[derive(Debug, Default)]
struct Pager {
    rows: Vec<Row>,
    top: usize,
    height: usize,
}

impl Pager {
    fn set(&mut self, rows: Vec<Row>) {
        self.rows = rows;
        self.clamp();
    }

    /// The room inside the frame.
    fn arrange(&mut self, area: Rect) {
        self.height = usize::from(area.height.saturating_sub(2));
        self.clamp();
    }

    fn clamp(&mut self) {
        self.top = self.top.min(self.rows.len().saturating_sub(self.height.max(1)));
    }

    /// Scrolls; false if the action is none of [`SCROLLS`].
    fn on(&mut self, action: Action) -> bool {
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
    fn draw(&self, title: &str, foot: &str, look: &Look, area: Rect, buf: &mut Buffer) {
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
                ui::text::put(
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
fn frame(title: &str, foot: &str, look: &Look, area: Rect, buf: &mut Buffer) -> Rect {
    let clipped = |label: &str| {
        let safe = ui::text::visible_in(label, look.glyphs.charset);
        ui::text::clip(&safe, usize::from(area.width.saturating_sub(4)), look.glyphs.ellipsis).into_owned()
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
