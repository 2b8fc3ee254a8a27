//! The help of the view on the screen: how to read it, and every key that works there, from the key table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Pager, Row, SCROLLS, row};
use crate::app::action::{Action, BINDINGS};
use crate::app::keymap::Keymap;
use crate::app::state::State;
use crate::app::world::World;
use crate::pane::{Place, Reply, View};
use crate::ui::look::{Look, Role};
use crate::ui::text;

/// The popup of `?`.
#[derive(Debug)]
pub struct HelpPopup {
    of: String,
    about: Vec<(String, String)>,
    keys: Vec<(String, &'static str)>,
    foot: String,
    pager: Pager,
    width: usize,
}

/// Cells of the column with the keys, at least.
const KEYS: usize = 16;

impl HelpPopup {
    /// The help of the view that fills the body.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let body = state.body();
        let here = body.map(View::actions).unwrap_or_default();
        Self {
            of: body.map(View::title).unwrap_or_default(),
            about: body.map(View::help).unwrap_or_default(),
            keys: keys(
                &state.keymap,
                here,
                state.panes.len(),
                body.is_some_and(|body| body.filter().is_some()),
            ),
            foot: super::close(&state.keymap),
            pager: Pager::default(),
            width: 76,
        }
    }

    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        let wide = self
            .about
            .iter()
            .map(|(name, _)| text::width(name))
            .max()
            .unwrap_or(0)
            .clamp(KEYS, 24)
            + 2;
        for (name, meaning) in &self.about {
            two_columns(&mut rows, name, Role::Header, meaning, wide, self.width);
        }
        if !self.about.is_empty() {
            rows.push(Row::new());
        }
        rows.push(row(Role::Title, "Keys"));
        for (keys, help) in &self.keys {
            two_columns(&mut rows, keys, Role::Key, help, wide, self.width);
        }
        rows
    }
}

/// Every key that means something here.
fn keys(keymap: &Keymap, here: &[Action], panes: usize, filters: bool) -> Vec<(String, &'static str)> {
    let works = |action: Action| match action {
        Action::Filter => filters,
        Action::Tab(index) => usize::from(index) < panes,
        action => here.contains(&action) || action.is_global(),
    };
    let named = BINDINGS.iter().filter(|binding| works(binding.action));
    named
        .map(|binding| (keymap.keys(binding.action).join(", "), binding.help))
        .filter(|(keys, _)| !keys.is_empty())
        .collect()
}

fn two_columns(rows: &mut Vec<Row>, name: &str, role: Role, meaning: &str, wide: usize, width: usize) {
    for (index, line) in text::wrap(meaning, width.saturating_sub(wide).max(10))
        .into_iter()
        .enumerate()
    {
        let name = text::pad(if index == 0 { name } else { "" }, wide, "");
        rows.push(vec![(role, name), (Role::Text, line)]);
    }
}

impl View for HelpPopup {
    fn id(&self) -> &'static str {
        "help"
    }

    fn title(&self) -> String {
        format!("Help: {}", self.of)
    }

    fn probes(&self) -> &'static [&'static str] {
        &[]
    }

    fn actions(&self) -> &'static [Action] {
        SCROLLS
    }

    fn derive(&mut self, _world: &World) {
        let rows = self.rows();
        self.pager.set(rows);
    }

    fn arrange(&mut self, area: Rect) {
        let width = usize::from(area.width.saturating_sub(4));
        if width != self.width {
            self.width = width;
            let rows = self.rows();
            self.pager.set(rows);
        }
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
        Place::Popup(100, 45)
    }
}
