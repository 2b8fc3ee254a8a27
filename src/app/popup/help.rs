//! The help of the view on the screen: how to read it, and every key that works there, from the key table.

use super::{Row, Text, row};
use crate::action::{Action, BINDINGS};
use crate::app::keymap::Keymap;
use crate::app::state::State;
use crate::pane::View;
use crate::ui::look::Role;
use crate::ui::text;
use crate::world::World;

/// The popup of `?`.
pub struct Help {
    of: String,
    about: Vec<(String, String)>,
    keys: Vec<(String, &'static str)>,
}

/// Cells of the column with the keys, at least.
const KEYS: usize = 16;

impl Help {
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
                &here,
                state.panes.len(),
                body.is_some_and(|body| body.filter().is_some()),
            ),
        }
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

impl Text for Help {
    const ID: &'static str = "help";
    const SIZE: (u16, u16) = (100, 45);

    fn title(&self) -> String {
        format!("Help: {}", self.of)
    }

    fn rows(&mut self, _world: &World, width: usize) -> Vec<Row> {
        let mut rows = Vec::new();
        let names = self.about.iter().map(|(name, _)| text::width(name));
        let wide = names.max().unwrap_or(0).clamp(KEYS, 24) + 2;
        for (name, meaning) in &self.about {
            two_columns(&mut rows, name, Role::Header, meaning, wide, width);
        }
        if !self.about.is_empty() {
            rows.push(Row::new());
        }
        rows.push(row(Role::Title, "Keys"));
        for (keys, help) in &self.keys {
            two_columns(&mut rows, keys, Role::Key, help, wide, width);
        }
        rows
    }
}
