//! Lines for a terminal, a pager or a mail: marks with their meaning, at most 80 columns where a line can be broken,
//! nothing from the server that could drive a terminal.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crossterm::style::{ContentStyle, Stylize as _};

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
    /// Remedies that stand there already.
    said: BTreeSet<String>,
}

impl<'a> Page<'a> {
    /// An empty page; `terminal` says that it is read on one, where colours are understood.
    #[must_use]
    pub fn new(look: &'a Look, terminal: bool) -> Self {
        Self {
            look,
            colours: terminal && look.depth != Depth::None,
            text: String::new(),
            said: BTreeSet::new(),
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
        let mark = match self.look.mark(role) {
            " " => self.look.glyphs.none,
            mark => mark,
        };
        let mark = self.styled(role, mark);
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

    /// A remedy under what it is for; nothing of both where it stands there already.
    pub fn remedy_for(&mut self, what: &str, statements: &str) {
        if !self.said.contains(statements) {
            self.more(what);
        }
        self.remedy(statements);
    }

    /// What to type for the point above, its lines unbroken, so that they can be copied. What mends several things stands
    /// at the first of them.
    pub fn remedy(&mut self, statements: &str) {
        if !self.said.insert(statements.to_owned()) {
            return;
        }
        for line in statements.lines() {
            let safe = text::visible_in(line, self.look.glyphs.charset);
            let line = self.styled(Role::Accent, &safe);
            self.put(&format!("{:INDENT$}  {line}", ""));
        }
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
        style(role).apply(safe).to_string()
    }

    fn put(&mut self, line: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{}", line.trim_end());
    }
}

/// The terminal's own colours: a theme's are made for a screen that it fills.
fn style(role: Role) -> ContentStyle {
    let plain = ContentStyle::new();
    match role {
        Role::Critical => plain.red().bold(),
        Role::Warning => plain.yellow().bold(),
        Role::Notice => plain.blue().bold(),
        Role::Ok => plain.green().bold(),
        Role::Title | Role::Accent => plain.bold(),
        Role::Muted | Role::Denied => plain.dim(),
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::look::Glyphs;

    fn page(look: &Look, terminal: bool) -> String {
        let mut page = Page::new(look, terminal);
        page.line(Role::Warning, "WARNING: a\u{9b}31m\nb");
        page.title("Title");
        page.point(Role::Ok, &"word ".repeat(30));
        page.more("more");
        for _ in 0..2 {
            page.remedy(&format!("SELECT '{}';", "x".repeat(90)));
        }
        // It stands there already, and so nothing is said to be for anything.
        page.remedy_for("To drop it:", &format!("SELECT '{}';", "x".repeat(90)));
        page.finish()
    }

    #[test]
    fn sentences_are_broken_and_statements_are_not() {
        let text = page(&Look::default(), true);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..3], ["WARNING: a\\x9b31m⏎b", "", "Title"]);
        assert!(
            lines[3].starts_with("  ✔ word ") && lines[4].starts_with("    word "),
            "{text}"
        );
        assert!(lines[3..6].iter().all(|line| line.chars().count() <= 80), "{text}");
        assert_eq!(lines[lines.len() - 2], "    more");
        assert!(lines[lines.len() - 1].starts_with("      SELECT 'xxx"), "{text}");
        assert!(!text.contains('\u{1b}'), "no colours where the terminal has none");
    }

    #[test]
    fn colours_are_for_a_terminal_that_has_them_and_ascii_for_one_without_signs() {
        let ascii = Glyphs::of(crate::ui::text::Charset::Ascii);
        let look = Look::new("dark", None, Depth::Ansi16, ascii).unwrap();
        assert!(page(&look, true).contains('\u{1b}') && page(&look, true).is_ascii());
        assert!(!page(&look, false).contains('\u{1b}'));
    }
}
