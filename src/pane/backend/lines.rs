//! Lines of text with a role for each piece, wrapped to the width there is.

use crate::ui::look::Role;
use crate::ui::text::{self, Charset};

/// Safe text and what its pieces mean: the pieces, in order, make up the text.
#[derive(Clone, Debug, Default)]
pub(super) struct Rich {
    text: String,
    /// Where each piece ends, in bytes.
    pieces: Vec<(usize, Role)>,
}

impl Rich {
    /// One piece of raw text, its lines kept.
    pub fn new(raw: &str, role: Role) -> Self {
        Self::default().and(raw, role)
    }

    /// The same with one more piece of raw text.
    #[must_use]
    pub fn and(mut self, raw: &str, role: Role) -> Self {
        self.push(raw, role);
        self
    }

    /// Appends a piece of raw text.
    pub fn push(&mut self, raw: &str, role: Role) {
        self.text.push_str(&text::multi_line(raw, Charset::Unicode));
        self.pieces.push((self.text.len(), role));
    }

    /// Appends a piece with a separator before it, unless it is the first.
    pub fn fact(&mut self, raw: &str, role: Role) {
        if !self.text.is_empty() {
            self.push(" · ", Role::Muted);
        }
        self.push(raw, role);
    }

    /// True if there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Lines of at most so many cells, broken at a space where there is one not too far back.
    pub fn wrap(&self, cells: usize) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut start = 0;
        for line in self.text.split('\n') {
            let mut rest = line;
            let mut at = start;
            loop {
                let head = head(rest, cells.max(2));
                lines.push(self.line(at, head));
                at += head.len();
                rest = rest.get(head.len()..).unwrap_or_default();
                if head.is_empty() || rest.is_empty() {
                    break;
                }
            }
            start += line.len() + 1;
        }
        lines
    }

    /// The pieces of one line that begins at that byte.
    fn line(&self, start: usize, line: &str) -> Line {
        let mut spans = Vec::new();
        let (mut from, end) = (start, start + line.len());
        for (piece_end, role) in &self.pieces {
            let to = (*piece_end).min(end);
            if to > from {
                spans.push((self.text.get(from..to).unwrap_or_default().to_owned(), *role));
                from = to;
            }
        }
        Line { spans }
    }
}

/// One line on the screen: safe texts and what they mean.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Line {
    /// From left to right.
    pub spans: Vec<(String, Role)>,
}

impl Line {
    /// The line after a label and its column.
    #[must_use]
    pub fn after(mut self, label: String, role: Role) -> Self {
        self.spans.insert(0, (label, role));
        self
    }
}

/// The longest start that fits, spaces at the break included.
fn head(line: &str, cells: usize) -> &str {
    let fits = text::cut(line, cells, "");
    if fits.len() == line.len() {
        return line;
    }
    let space = fits.rfind(' ').map(|at| at + 1).filter(|at| *at * 2 > fits.len());
    space.and_then(|at| fits.get(..at)).unwrap_or(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(rich: &Rich, cells: usize) -> Vec<String> {
        let line = |line: Line| line.spans.into_iter().map(|(text, _)| text).collect();
        rich.wrap(cells).into_iter().map(line).collect()
    }

    #[test]
    fn breaks_at_spaces_and_keeps_lines() {
        let rich = Rich::new("select a, b from t\nwhere x", Role::Text);
        assert_eq!(texts(&rich, 12), ["select a, b ", "from t", "where x"]);
        assert_eq!(texts(&Rich::new("aaaaaaaa", Role::Text), 3), ["aaa", "aaa", "aa"]);
        assert_eq!(texts(&Rich::new("a\n\nb", Role::Text), 3), ["a", "", "b"]);
    }

    #[test]
    fn pieces_keep_their_role() {
        let rich = Rich::new("ab", Role::Text).and("cd", Role::Muted);
        let spans: Vec<_> = rich.wrap(3).into_iter().map(|line| line.spans).collect();
        let span = |text: &str, role| (text.to_owned(), role);
        assert_eq!(
            spans,
            [
                vec![span("ab", Role::Text), span("c", Role::Muted)],
                vec![span("d", Role::Muted)]
            ]
        );
    }

    proptest! {
        #[test]
        fn wrapping_loses_nothing(pieces in proptest::collection::vec("\\PC{0,30}|[ \\n\\t\\x1ba]{0,20}", 0..6), cells in 2usize..40) {
            let mut rich = Rich::default();
            for piece in &pieces {
                rich.push(piece, Role::Text);
            }
            let lines = texts(&rich, cells);
            prop_assert_eq!(lines.concat(), rich.text.replace('\n', ""));
            prop_assert!(lines.iter().all(|line| text::width(line) <= cells.max(2)), "{:?}", lines);
        }
    }
}
