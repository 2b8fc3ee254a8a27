//! The menu of `y`: what can be copied from here, best first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::action::Action;
use crate::app::keymap::Keymap;
use crate::pane::{Copy, Place, Reply, View};
use crate::ui::look::{Look, Role};
use crate::ui::text;
use crate::world::World;

/// The popup of `y`.
#[derive(Debug)]
pub struct CopyMenu {
    copies: Vec<Copy>,
    foot: String,
    selected: usize,
    /// Cells of the column with the names.
    wide: u16,
}

/// A statement needs no name before it.
fn speaks_for_itself(copy: &Copy) -> bool {
    copy.text.starts_with(&copy.what)
}

impl CopyMenu {
    /// A menu of these.
    #[must_use]
    pub fn new(copies: Vec<Copy>, keymap: &Keymap) -> Self {
        let named = copies.iter().filter(|copy| !speaks_for_itself(copy));
        let wide = named.map(|copy| text::width(&text::visible(&copy.what))).max();
        Self {
            wide: u16::try_from(wide.unwrap_or_default().min(16)).unwrap_or_default(),
            copies,
            foot: super::hints(keymap, &[(Action::Enter, "copy"), (Action::Back, "close")]),
            selected: 0,
        }
    }

    fn last(&self) -> usize {
        self.copies.len().saturating_sub(1)
    }
}

impl View for CopyMenu {
    fn id(&self) -> &'static str {
        "copy"
    }

    fn title(&self) -> String {
        "Copy".to_owned()
    }

    fn probes(&self) -> Vec<&'static str> {
        vec![]
    }

    fn actions(&self) -> Vec<Action> {
        vec![
            Action::Up,
            Action::Down,
            Action::First,
            Action::Last,
            Action::Enter,
            Action::Copy,
        ]
    }

    fn derive(&mut self, _world: &World) {}

    fn arrange(&mut self, _area: Rect) {}

    fn on(&mut self, action: Action, _world: &World) -> Reply {
        self.selected = match action {
            Action::Up => self.selected.saturating_sub(1),
            Action::Down => (self.selected + 1).min(self.last()),
            Action::First => 0,
            Action::Last => self.last(),
            Action::Enter | Action::Copy => {
                return self
                    .copies
                    .get(self.selected)
                    .map_or(Reply::Close, |copy| Reply::Copy(copy.clone()));
            }
            _ => return Reply::Ignored,
        };
        Reply::Taken
    }

    fn draw(&self, _world: &World, look: &Look, area: Rect, buf: &mut Buffer) {
        let inner = super::frame("Copy to the terminal's clipboard (OSC 52)", &self.foot, look, area, buf);
        let top = (self.selected + 1).saturating_sub(usize::from(inner.height));
        let shown = self.copies.iter().enumerate().skip(top);
        for (y, (index, copy)) in (inner.y..inner.bottom()).zip(shown) {
            let selected = index == self.selected;
            if selected {
                buf.set_style(Rect { y, height: 1, ..inner }, look.style(Role::Selected));
            }
            let style = |role| look.style(if selected { Role::Selected } else { role });
            let mut x = inner.x;
            if !speaks_for_itself(copy) {
                text::put(buf, (x, y), self.wide, &copy.what, style(Role::Text), look.glyphs);
                x = x.saturating_add(self.wide + 2);
            }
            let room = inner.right().saturating_sub(x);
            text::put(buf, (x, y), room, &copy.text, style(Role::Muted), look.glyphs);
        }
    }

    fn place(&self) -> Place {
        Place::Popup(90, u16::try_from(self.copies.len() + 2).unwrap_or(u16::MAX))
    }
}
