//! Long text over several lines, each piece of it with its meaning: query texts, reasons, messages.
//!
//! Wrapping is for `derive` and `arrange`; [`put`] only draws a line.

use ratatui::buffer::Buffer;

use super::highlight::highlight;
use super::look::{Look, Role};
use super::text::{self, Charset};

/// One line on the screen: safe texts and what they mean, from left to right.
pub type Line = Vec<(Role, String)>;

/// Cells by which the rest of a broken line of SQL stands further in.
const HANG: usize = 2;

/// A statement, highlighted, its lines kept, in lines of at most so many cells. The rest of a line that had to be
/// broken hangs below its start.
#[must_use]
pub fn sql(raw: &str, cells: usize) -> Vec<Line> {
    let safe = text::multi_line(raw, Charset::Unicode);
    lines(&highlight(&safe), cells, |line| {
        let indent = line.bytes().take_while(|byte| *byte == b' ').count() + HANG;
        indent.min(cells / 2)
    })
}

/// Raw pieces that follow each other, in lines of at most so many cells (but at least 2), broken at newlines and, where
/// that is possible, at spaces. Nothing is lost but the newlines.
#[must_use]
pub fn wrap(pieces: &[(Role, &str)], cells: usize) -> Vec<Line> {
    lines(pieces, cells, |_| 0)
}

/// [`wrap`] with so many cells before what is left of a line that had to be broken.
fn lines(pieces: &[(Role, &str)], cells: usize, hang: impl Fn(&str) -> usize) -> Vec<Line> {
    let mut whole = String::new();
    let mut ends = Vec::with_capacity(pieces.len());
    for (role, raw) in pieces {
        whole.push_str(&text::multi_line(raw, Charset::Unicode));
        ends.push((whole.len(), *role));
    }
    let mut cutter = Cutter {
        rest: &whole,
        done: 0,
        ends: ends.into_iter().peekable(),
    };
    let mut lines = Vec::new();
    for (nth, line) in whole.split('\n').enumerate() {
        if nth > 0 {
            cutter.take(1);
        }
        let (mut tail, mut indent) = (line, 0);
        loop {
            let (head, rest) = text::break_line(tail, cells.saturating_sub(indent));
            let mut taken = cutter.take(head.len());
            if indent > 0 {
                taken.insert(0, (Role::Text, " ".repeat(indent)));
            }
            lines.push(taken);
            if rest.is_empty() {
                break;
            }
            (tail, indent) = (rest, hang(line));
        }
    }
    lines
}

/// Goes once through a text and the ends of its pieces.
struct Cutter<'a, I: Iterator<Item = (usize, Role)>> {
    rest: &'a str,
    done: usize,
    ends: std::iter::Peekable<I>,
}

impl<I: Iterator<Item = (usize, Role)>> Cutter<'_, I> {
    /// The next so many bytes by meaning.
    fn take(&mut self, len: usize) -> Line {
        let target = self.done + len;
        let mut line = Line::new();
        while self.done < target {
            let Some((end, role)) = self.ends.peek().copied() else {
                break;
            };
            let (piece, rest) = self
                .rest
                .split_at_checked(end.min(target) - self.done)
                .unwrap_or((self.rest, ""));
            if !piece.is_empty() {
                line.push((role, piece.to_owned()));
            }
            self.rest = rest;
            self.done += piece.len();
            if self.done >= end {
                self.ends.next();
            }
        }
        line
    }
}

/// Draws a line with its spaces, cut where there is no room; returns the cells it took.
pub fn put(buf: &mut Buffer, at: (u16, u16), cells: u16, line: &[(Role, String)], look: &Look) -> u16 {
    let mut used = 0;
    for (nth, (role, piece)) in line.iter().enumerate() {
        let at = (at.0.saturating_add(used), at.1);
        let room = cells.saturating_sub(used);
        // The spaces at a break belong to the line they end, but need no cells.
        let last = nth + 1 == line.len() && text::width(piece) > usize::from(room);
        let piece = if last { piece.trim_end_matches(' ') } else { piece };
        used = used.saturating_add(text::put_line(buf, at, room, piece, look.style(*role), look.glyphs));
    }
    used
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::layout::Rect;

    use super::*;

    fn line(pieces: &[(Role, &str)]) -> Line {
        pieces.iter().map(|(role, text)| (*role, (*text).to_owned())).collect()
    }

    #[test]
    fn statements_keep_their_lines_and_their_colours() {
        assert_eq!(
            sql("select 'a\nb'\r\n\tfrom t, u, v", 12),
            [
                line(&[(Role::SqlKeyword, "select"), (Role::Text, " "), (Role::SqlString, "'a")]),
                line(&[(Role::SqlString, "b'")]),
                line(&[(Role::Text, "    "), (Role::SqlKeyword, "from"), (Role::Text, " t, ")]),
                line(&[(Role::Text, "      "), (Role::Text, "u, v")]),
            ]
        );
        assert_eq!(sql("", 10), [Line::new()]);
    }

    #[test]
    fn a_large_statement_is_wrapped_once_through() {
        let raw = "select $1, 'x'\n".repeat(3_000);
        assert_eq!(sql(&raw, 40).len(), 3_001);
    }

    #[test]
    fn drawing_keeps_spaces() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 8, 1));
        let pieces = line(&[(Role::Text, "  a "), (Role::SqlNumber, " 1 2 3")]);
        assert_eq!(put(&mut buf, (0, 0), 8, &pieces, &Look::default()), 8);
        let drawn: String = buf.content().iter().map(ratatui::buffer::Cell::symbol).collect();
        assert_eq!(drawn, "  a  1 …");
    }

    proptest! {
        #[test]
        fn nothing_is_lost(pieces in prop::collection::vec("\\PC{0,20}|[ \\n\\ta'é日$]{0,20}", 0..8), cells in 2usize..30) {
            let pieces: Vec<_> = pieces.iter().enumerate().map(|(nth, piece)| {
                (if nth % 2 == 0 { Role::Text } else { Role::Muted }, piece.as_str())
            }).collect();
            let safe: Vec<_> = pieces.iter().map(|(role, raw)| (*role, text::multi_line(raw, Charset::Unicode))).collect();
            let by_role = |wanted: Role| safe.iter().filter(|(role, _)| *role == wanted).map(|(_, text)| text.replace('\n', "")).collect::<String>();
            let lines = wrap(&pieces, cells);
            for wanted in [Role::Text, Role::Muted] {
                let drawn: String = lines.iter().flatten().filter(|(role, _)| *role == wanted).map(|(_, text)| text.as_str()).collect();
                prop_assert_eq!(drawn, by_role(wanted));
            }
            let newlines: usize = safe.iter().map(|(_, text)| text.matches('\n').count()).sum();
            prop_assert!(lines.len() > newlines);
        }
    }
}
