//! Everything the program told the user in this session, newest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Pager, Row, SCROLLS, row};
use crate::app::action::Action;
use crate::app::message::Message;
use crate::app::state::State;
use crate::app::world::World;
use crate::pane::{Place, Reply, Severity, View};
use crate::ui::look::{Look, Role};
use crate::ui::text;

/// The popup of `m`.
#[derive(Debug)]
pub struct MessagesPopup {
    foot: String,
    pager: Pager,
    width: usize,
}

impl MessagesPopup {
    /// The messages so far.
    #[must_use]
    pub fn of(state: &State) -> Self {
        Self {
            foot: super::close(&state.keymap),
            pager: Pager::default(),
            width: 76,
        }
    }
}

fn rows_of(message: &Message, world: &World, width: usize) -> Vec<Row> {
    let role = match message.severity {
        Some(Severity::Critical) => Role::Critical,
        Some(Severity::Warning) => Role::Warning,
        Some(Severity::Notice) => Role::Notice,
        None => Role::Text,
    };
    let when = message
        .clock
        .map_or("--:--:--".to_owned(), |epoch| world.clock_text_of(epoch));
    let times = if message.times > 1 {
        format!(" ({} times)", message.times)
    } else {
        String::new()
    };
    let lines = text::wrap(&format!("{}{times}", message.text), width.saturating_sub(10).max(10));
    let stamped = |(index, line)| {
        let stamp = if index == 0 {
            format!("{when:<10}")
        } else {
            " ".repeat(10)
        };
        vec![(Role::Muted, stamp), (role, line)]
    };
    lines.into_iter().enumerate().map(stamped).collect()
}

impl View for MessagesPopup {
    fn id(&self) -> &'static str {
        "messages"
    }

    fn title(&self) -> String {
        "Messages of this session".to_owned()
    }

    fn probes(&self) -> &'static [&'static str] {
        &[]
    }

    fn actions(&self) -> &'static [Action] {
        SCROLLS
    }

    fn derive(&mut self, world: &World) {
        let mut rows: Vec<Row> = world
            .messages
            .newest_first()
            .flat_map(|message| rows_of(message, world, self.width))
            .collect();
        if rows.is_empty() {
            rows.push(row(Role::Muted, "Nothing has been said yet."));
        }
        self.pager.set(rows);
    }

    fn arrange(&mut self, area: Rect) {
        self.width = usize::from(area.width.saturating_sub(4));
        self.pager.arrange(area);
    }

    fn on(&mut self, action: Action, _world: &World) -> Reply {
        if self.pager.on(action) {
            Reply::Taken
        } else {
            Reply::Ignored
        }
    }

    fn draw(&self, _world: &World, look: &Look, area: Rect, buf: &mut Buffer) {
        self.pager.draw(&self.title(), &self.foot, look, area, buf);
    }

    fn place(&self) -> Place {
        Place::Popup(100, 30)
    }
}
