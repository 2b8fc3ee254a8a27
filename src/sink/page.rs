//! Lines for a terminal, a pager or a mail: marks with their meaning, at most 80 columns where a line can be broken,
//! nothing from the server that could drive a terminal.

use std::fmt::Write as _;

use ratatui::backend::IntoCrossterm as _;
use ratatui::crossterm::style::ContentStyle;

use crate::ui::look::{Depth, Look, Role};
use crate::ui::text;

/// The width that lines are broken at.
const WIDTH: usize = 80;
/// How far in a point's text and a remedy stand.
const INDENT: usize = 4;

/// A text in the making.
pub struct Page<'a> {
    look: &'a Look,
    colours: bool,
    text: String,
}

impl<'a> Page<'a> {
    /// An empty page; `terminal` says that it is read on one, where colours are understood.
    #[must_use]
    pub fn new(look: &'a Look, terminal: bool) -> Self {
        Self {
            look,
            colours: terminal && look.depth != Depth::None,
            text: String::new(),
        }
    }

    /// The text.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }

    /// A line of its own, however long: what a program may read.
    pub fn line(&mut self, role: Role, text: &str) {
        let safe = text::visible_in(text, self.look.glyphs.charset);
        let styled = self.styled(role, &safe);
        self.put(&styled);
    }

    /// A title with an empty line above it.
    pub fn title(&mut self, title: &str) {
        self.put("");
        self.line(Role::Title, title);
    }

    /// A sentence behind the mark of its meaning.
    pub fn point(&mut self, role: Role, sentence: &str) {
        let mark = self.styled(role, self.look.mark(role));
        for (nth, line) in self.broken(sentence).into_iter().enumerate() {
            let before = if nth == 0 { mark.as_str() } else { " " };
            self.put(&format!("  {before} {line}"));
        }
    }

    /// More about the point above.
    pub fn more(&mut self, sentence: &str) {
        for line in self.broken(sentence) {
            let line = self.styled(Role::Muted, &line);
            self.put(&format!("{:INDENT$}{line}", ""));
        }
    }

    /// A statement for the point above, unbroken, so that it can be copied.
    pub fn remedy(&mut self, statement: &str) {
        let safe = text::visible_in(statement, self.look.glyphs.charset);
        let statement = self.styled(Role::Accent, &safe);
        self.put(&format!("{:INDENT$}  {statement}", ""));
    }

    fn broken(&self, sentence: &str) -> Vec<String> {
        let charset = self.look.glyphs.charset;
        let safe = text::visible_in(sentence, charset);
        text::wrap(&safe, WIDTH - INDENT)
    }

    fn styled(&self, role: Role, safe: &str) -> String {
        if !self.colours {
            return safe.to_owned();
        }
        let style: ContentStyle = self.look.style(role).into_crossterm();
        style.apply(safe).to_string()
    }

    fn put(&mut self, line: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{}", line.trim_end());
    }
}
