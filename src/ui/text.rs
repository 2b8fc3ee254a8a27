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

use std::borrow::Cow;

use ratatui::buffer::{Buffer, CellWidth};
use ratatui::layout::Position;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;

use super::look::Glyphs;

/// What the terminal can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8.
    #[default]
    Unicode,
    /// Printable ASCII only.
    Ascii,
}

/// At most this many characters that combine with the one before them: more only serve to wreck a line.
const COMBINING: usize = 8;

/// Tabs of multi-line text reach the next multiple of this.
const TAB: usize = 4;

/// Signs of ours and what stands for them, one cell each, on a terminal without UTF-8.
const TWINS: &[(char, char)] = &[
    ('✖', 'X'),
    ('▲', '!'),
    ('◆', '*'),
    ('✔', '+'),
    ('●', '*'),
    ('○', 'o'),
    ('├', '|'),
    ('└', '`'),
    ('│', '|'),
    ('─', '-'),
    ('╭', '+'),
    ('╮', '+'),
    ('╰', '+'),
    ('╯', '+'),
    ('┌', '+'),
    ('┐', '+'),
    ('┘', '+'),
    ('…', '~'),
    ('≤', '<'),
    ('≥', '>'),
    ('≈', '~'),
    ('↑', '^'),
    ('↓', 'v'),
    ('←', '<'),
    ('→', '>'),
    ('▾', 'v'),
    ('▸', '>'),
    ('·', '.'),
    ('–', '-'),
    ('×', 'x'),
    ('↵', '<'),
];

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

/// Safe text in exactly `cells`, leaning to the right.
#[must_use]
pub fn lean(text: &str, cells: usize, ellipsis: &str) -> String {
    let text = clip(text, cells, ellipsis);
    let mut out = " ".repeat(cells.saturating_sub(width(&text)));
    out.push_str(&text);
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

/// What the safe clusters of a text show on one line, with white space collapsed.
struct OneLine<'a> {
    rest: &'a str,
    charset: Charset,
    held: Option<&'a str>,
    begun: bool,
}

impl<'a> OneLine<'a> {
    const fn new(text: &'a str, charset: Charset) -> Self {
        Self {
            rest: text,
            charset,
            held: None,
            begun: false,
        }
    }

    /// The next cluster; a space always on its own, since it may go.
    fn cluster(&mut self) -> Option<&'a str> {
        let cluster = self.rest.graphemes(true).next()?;
        let len = match cluster.find(' ') {
            Some(0) => 1,
            Some(at) => at,
            None => cluster.len(),
        };
        let (cluster, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(cluster)
    }
}

impl<'a> Iterator for OneLine<'a> {
    type Item = Cow<'a, str>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(cluster) = self.held.take() {
            return Some(shown(cluster, self.charset));
        }
        let mut space = false;
        let cluster = loop {
            let cluster = self.cluster()?;
            if !is_space(cluster) {
                break cluster;
            }
            space = true;
        };
        if space && self.begun {
            self.held = Some(cluster);
            return Some(Cow::Borrowed(" "));
        }
        self.begun = true;
        Some(shown(cluster, self.charset))
    }
}

/// What stands on the screen for one grapheme cluster.
fn shown(cluster: &str, charset: Charset) -> Cow<'_, str> {
    if is_plain(cluster) {
        Cow::Borrowed(cluster)
    } else if matches!(cluster, "\r\n" | "\n") {
        Cow::Borrowed(newline(charset))
    } else if is_drawable(cluster) {
        match charset {
            Charset::Unicode => Cow::Borrowed(cluster),
            Charset::Ascii => Cow::Owned(twin(cluster)),
        }
    } else {
        Cow::Owned(marked(cluster, charset))
    }
}

/// A cluster with something in it that must not reach the terminal as it is.
fn marked(cluster: &str, charset: Charset) -> String {
    let mut out = String::new();
    let mut combining = 0;
    for (nth, c) in cluster.chars().enumerate() {
        // A mark in between takes what follows off its base, so from there on nothing combines.
        if nth == combining && combining <= COMBINING && carries(nth, c) {
            combining += 1;
            out.push_str(&ascii_or(c, charset, nth > 0));
        } else if is_plain_char(c) {
            out.push(c);
        } else if is_base(c) {
            out.push_str(&ascii_or(c, charset, false));
        } else {
            out.push_str(&mark(c, charset));
        }
    }
    out
}

/// True if the nth character of a cluster is drawn as part of it.
fn carries(nth: usize, c: char) -> bool {
    if nth == 0 {
        is_base(c) && c != ' '
    } else {
        is_attached(c)
    }
}

/// A drawable character of a cluster in that charset; what combines is dropped in ASCII.
fn ascii_or(c: char, charset: Charset, combines: bool) -> String {
    match charset {
        Charset::Unicode => c.to_string(),
        Charset::Ascii if combines => String::new(),
        Charset::Ascii => twin(c.encode_utf8(&mut [0; 4])),
    }
}

/// The visible mark of a character that is not drawn.
fn mark(c: char, charset: Charset) -> String {
    let code = u32::from(c);
    match (c, charset) {
        ('\n', _) => newline(charset).to_owned(),
        ('\t', Charset::Unicode) => "⇥".to_owned(),
        ('\t', Charset::Ascii) => "\\t".to_owned(),
        ('\0'..='\u{1f}', Charset::Unicode) => char::from_u32(0x2400 + code).unwrap_or('␀').to_string(),
        ('\u{7f}', Charset::Unicode) => "␡".to_owned(),
        ('\0'..='\u{1f}' | '\u{7f}', Charset::Ascii) => format!("^{}", char::from_u32(code ^ 0x40).unwrap_or('?')),
        ('\u{80}'..='\u{9f}', _) => format!("\\x{code:02x}"),
        _ if code > 0xffff => format!("\\U{code:08x}"),
        _ => format!("\\u{code:04x}"),
    }
}

const fn newline(charset: Charset) -> &'static str {
    match charset {
        Charset::Unicode => "⏎",
        Charset::Ascii => "\\n",
    }
}

/// Printable ASCII of the same width.
fn twin(cluster: &str) -> String {
    let mut chars = cluster.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if is_plain_char(c) => c.to_string(),
        (Some(c), None) if block(c).is_some() => block(c).unwrap_or_default().to_owned(),
        (Some(c), None) => match TWINS.iter().find(|(sign, _)| *sign == c) {
            Some((_, twin)) => twin.to_string(),
            None => "?".repeat(cluster_width(cluster)),
        },
        // A plain letter with accents keeps the letter.
        (Some(c), Some(_)) if is_plain_char(c) => {
            format!("{c}{}", "?".repeat(cluster_width(cluster).saturating_sub(1)))
        }
        _ => "?".repeat(cluster_width(cluster)),
    }
}

/// The ASCII twin of a block element.
const fn block(c: char) -> Option<&'static str> {
    match c {
        '▁' | '▂' => Some("_"),
        '▃' | '▄' => Some("-"),
        '▅' | '▆' => Some("="),
        '▇' | '█' => Some("#"),
        '▒' => Some(":"),
        '░' => Some("."),
        _ => None,
    }
}

/// A cluster that can be drawn as it is: something to stand on and a few marks that combine with it.
fn is_drawable(cluster: &str) -> bool {
    let mut chars = cluster.chars();
    chars.next().is_some_and(|c| carries(0, c))
        && chars.clone().nth(COMBINING).is_none()
        && chars.all(is_attached)
        && cluster_width(cluster) > 0
}

/// A printable character with a width of its own, which does not join the one before it.
fn is_base(c: char) -> bool {
    is_plain_char(c)
        || (!c.is_ascii()
            && !is_blank(c)
            && is_printable(c)
            && c.encode_utf8(&mut [0; 4]).cell_width() > 0
            && after_a(c, |text| text.graphemes(true).nth(1).is_some()))
}

/// A character that may follow a base within its cluster.
fn is_attached(c: char) -> bool {
    !c.is_ascii() && !is_blank(c) && is_printable(c)
}

/// Characters without ink that Unicode counts as letters, marks or symbols, and selectors that change widths.
const fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\u{34f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{ffa0}'
            | '\u{1f3fb}'..='\u{1f3ff}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// True for what the standard library would print in a debug string: no control, format, separator, private,
/// surrogate or unassigned character.
fn is_printable(c: char) -> bool {
    if c.is_alphanumeric() {
        return true;
    }
    // Only the first character of a string is escaped for being a combining mark, hence the letter before it.
    after_a(c, |text| text.escape_debug().nth(1) == Some(c))
}

/// What a test says of the character behind a letter.
fn after_a(c: char, holds: impl Fn(&str) -> bool) -> bool {
    let mut bytes = [b'a', 0, 0, 0, 0];
    let (_, rest) = bytes.split_at_mut(1);
    let len = c.encode_utf8(rest).len();
    let text = bytes.get(..=len).and_then(|bytes| std::str::from_utf8(bytes).ok());
    text.is_some_and(holds)
}

fn cluster_width(cluster: &str) -> usize {
    if cluster.len() == 1 {
        return 1;
    }
    usize::from(cluster.cell_width())
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(is_plain_byte)
}

const fn is_plain_byte(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

const fn is_plain_char(c: char) -> bool {
    matches!(c, ' '..='~')
}

fn is_space(cluster: &str) -> bool {
    cluster.bytes().all(|byte| matches!(byte, b' ' | b'\t'..=b'\r'))
}

/// True if plain text has neither spaces at its ends nor two in a row.
fn is_collapsed(text: &str) -> bool {
    !text.starts_with(' ') && !text.ends_with(' ') && !text.contains("  ")
}

#[cfg(test)]
mod tests;
