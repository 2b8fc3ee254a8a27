//! Text from the server on the screen: safe, measured in terminal cells, cut.
//!
//! Query texts, names and application names are other people's input. What could drive the terminal or hide
//! something is replaced by a mark of known width: controls by their control picture (`␛`), a newline by `⏎`, a
//! tab by `⇥`, C1 controls by `\x9b`, everything invisible (bidi controls, joiners, variation selectors, fillers,
//! separators, private and unassigned characters) by its escape as `PostgreSQL` writes it in `E'..'`: `\u202e`.
//! The result is stable: making safe text safe again changes nothing.
//!
//! Widths are those of grapheme clusters as ratatui's buffer counts them, so that a column computed here is the
//! column drawn there. Letters of right-to-left scripts stay as they are, in logical order, one cell each: the
//! marks that steer the reordering are replaced, and a terminal that reorders letters by itself does so within
//! the run.
//!
//! On a terminal without UTF-8 ([`Charset::Ascii`]) nothing but printable ASCII is written: there the bytes
//! 0x80 to 0x9f of a UTF-8 sequence may be controls. Our own signs have twins of the same width, other
//! characters become one `?` a cell.

mod safe;

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;

use super::look::Glyphs;
use safe::{OneLine, cluster_width, is_collapsed, is_plain, is_plain_byte, shown};

/// What the terminal can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8.
    #[default]
    Unicode,
    /// Printable ASCII only.
    Ascii,
}

/// Tabs of multi-line text reach the next multiple of this.
const TAB: usize = 4;

/// The text with everything visible, on one line, nothing left out.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    visible_in(text, Charset::Unicode)
}

/// [`visible`] for a terminal of that charset.
#[must_use]
pub fn visible_in(text: &str, charset: Charset) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for cluster in text.graphemes(true) {
        out.push_str(&shown(cluster, charset));
    }
    Cow::Owned(out)
}

/// The text as a table cell shows it: safe, runs of white space as one space, none at the ends, at most `cells`
/// wide, with an ellipsis where it was cut. Reads no more of the text than it needs.
#[must_use]
pub fn one_line<'a>(text: &'a str, cells: usize, glyphs: &Glyphs) -> Cow<'a, str> {
    if text.len() <= cells && is_plain(text) && is_collapsed(text) {
        return Cow::Borrowed(text);
    }
    let room = cells.saturating_sub(width(glyphs.ellipsis));
    let (mut out, mut used, mut fits) = (String::new(), 0, 0);
    for piece in OneLine::new(text, glyphs.charset) {
        used += width(&piece);
        if used > cells {
            out.truncate(fits);
            out.push_str(cut(glyphs.ellipsis, cells, ""));
            return Cow::Owned(out);
        }
        out.push_str(&piece);
        if used <= room {
            fits = out.len();
        }
    }
    Cow::Owned(out)
}

/// The text with its lines kept: safe, every line ends in `\n` alone, tabs become spaces.
#[must_use]
pub fn multi_line(text: &str, charset: Charset) -> Cow<'_, str> {
    if text.bytes().all(|byte| is_plain_byte(byte) || byte == b'\n') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut column = 0;
    for cluster in text.graphemes(true) {
        match cluster {
            "\n" | "\r\n" => {
                out.push('\n');
                column = 0;
            }
            "\t" => {
                let fill = TAB - column % TAB;
                out.extend(std::iter::repeat_n(' ', fill));
                column += fill;
            }
            _ => {
                let piece = shown(cluster, charset);
                column += width(&piece);
                out.push_str(&piece);
            }
        }
    }
    Cow::Owned(out)
}

/// Terminal cells that safe text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.graphemes(true).map(cluster_width).sum()
}

/// The longest start of safe text that is at most `cells` wide. Where that is not all of it, room for the
/// ellipsis is left, and it is for the caller to append it; see [`clip`].
#[must_use]
pub fn cut<'a>(text: &'a str, cells: usize, ellipsis: &str) -> &'a str {
    if text.len() <= cells {
        return text;
    }
    let room = cells.saturating_sub(width(ellipsis));
    let (mut used, mut fits) = (0, 0);
    for (start, cluster) in text.grapheme_indices(true) {
        used += cluster_width(cluster);
        if used > cells {
            return text.get(..fits).unwrap_or_default();
        }
        if used <= room {
            fits = start + cluster.len();
        }
    }
    text
}

/// Safe text cut to `cells`, ellipsis included. No ellipsis where there is no room for it.
#[must_use]
pub fn clip<'a>(text: &'a str, cells: usize, ellipsis: &str) -> Cow<'a, str> {
    let ellipsis = if width(ellipsis) > cells { "" } else { ellipsis };
    let kept = cut(text, cells, ellipsis);
    if kept.len() == text.len() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("{kept}{ellipsis}"))
    }
}

/// Safe text in exactly `cells`, leaning to the left.
#[must_use]
pub fn pad(text: &str, cells: usize, ellipsis: &str) -> String {
    let mut out = clip(text, cells, ellipsis).into_owned();
    let fill = cells.saturating_sub(width(&out));
    out.extend(std::iter::repeat_n(' ', fill));
    out
}

/// Raw text in lines of at most `cells` (but at least 2), made safe and broken at spaces where that is possible.
#[must_use]
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let safe = multi_line(text, Charset::Unicode);
    let mut lines = Vec::new();
    for line in safe.split('\n') {
        let mut rest = line;
        loop {
            let (head, tail) = break_line(rest, cells);
            lines.push(head.trim_end_matches(' ').to_owned());
            if tail.is_empty() {
                break;
            }
            rest = tail;
        }
    }
    lines
}

/// Cuts what fits into so many cells off a safe line: up to the last space, unless that is too far back. What is cut
/// off is empty only if the line is.
pub(super) fn break_line(line: &str, cells: usize) -> (&str, &str) {
    let fits = cut(line, cells.max(2), "");
    if fits.len() == line.len() {
        return (line, "");
    }
    // Spaces at the break stay with the line they end, even where there is no cell left for them.
    let spaces = |at: usize| {
        line.get(at..)
            .unwrap_or_default()
            .bytes()
            .take_while(|byte| *byte == b' ')
            .count()
    };
    let end = match fits.rfind(' ').map(|at| at + 1) {
        _ if spaces(fits.len()) > 0 => fits.len() + spaces(fits.len()),
        Some(at) if at * 2 > fits.len() => at,
        _ if fits.is_empty() => line.graphemes(true).next().map_or(line.len(), str::len),
        _ => fits.len(),
    };
    line.split_at_checked(end).unwrap_or((line, ""))
}

/// Draws raw text as [`one_line`] shows it, in at most `cells`; returns the cells it took. Outside of the buffer
/// it draws nothing.
pub fn put(buf: &mut Buffer, at: (u16, u16), cells: u16, text: &str, style: Style, glyphs: &Glyphs) -> u16 {
    put_safe(buf, at, cells, &one_line(text, usize::from(cells), glyphs), style)
}

/// Draws one raw line with its spaces as they are, cut with an ellipsis; returns the cells it took. For statements
/// and other text whose indentation says something.
pub fn put_line(buf: &mut Buffer, at: (u16, u16), cells: u16, line: &str, style: Style, glyphs: &Glyphs) -> u16 {
    let safe = visible_in(line, glyphs.charset);
    put_safe(buf, at, cells, &clip(&safe, usize::from(cells), glyphs.ellipsis), style)
}

/// Draws safe text as it is, cut to `cells`; returns the cells it took.
pub fn put_safe(buf: &mut Buffer, at: (u16, u16), cells: u16, text: &str, style: Style) -> u16 {
    if !buf.area.contains(Position::from(at)) {
        return 0;
    }
    let (end, _) = buf.set_stringn(at.0, at.1, text, usize::from(cells), style);
    end.saturating_sub(at.0)
}

#[cfg(test)]
mod tests;
