//! Text put together from pieces with a meaning, to be wrapped.

use crate::ui::look::Role;
use crate::ui::wrap::{self, Line};

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
