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

/// Draws raw text as [`one_line`] shows it, in at most `cells`; returns the cells it took. Outside of the buffer
/// it draws nothing.
pub fn put(buf: &mut Buffer, at: (u16, u16), cells: u16, text: &str, style: Style, glyphs: &Glyphs) -> u16 {
    put_safe(buf, at, cells, &one_line(text, usize::from(cells), glyphs), style)
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
mod tests {
    use proptest::prelude::*;
    use ratatui::layout::Rect;

    use super::*;

    #[test]
    fn what_could_drive_the_terminal_is_a_mark() {
        for (raw, unicode, ascii) in [
            ("plain", "plain", "plain"),
            ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m", "^[[31mred^[[0m"),
            ("a\r\nb\nc\rd", "a⏎b⏎c␍d", "a\\nb\\nc^Md"),
            ("a\tb\0\x7f", "a⇥b␀␡", "a\\tb^@^?"),
            ("\u{9b}31m\u{85}", "\\x9b31m\\x85", "\\x9b31m\\x85"),
            (
                "\u{202e}evil\u{2066}\u{200f}\u{61c}",
                "\\u202eevil\\u2066\\u200f\\u061c",
                "\\u202eevil\\u2066\\u200f\\u061c",
            ),
            ("ad\u{200b}min", "ad\\u200bmin", "ad\\u200bmin"),
            (
                "\u{feff}x\u{2028}\u{2029}\u{ad}",
                "\\ufeffx\\u2028\\u2029\\u00ad",
                "\\ufeffx\\u2028\\u2029\\u00ad",
            ),
            ("❤\u{fe0f}", "❤\\ufe0f", "?\\ufe0f"),
            (
                "\u{e000}\u{10fffd}\u{378}",
                "\\ue000\\U0010fffd\\u0378",
                "\\ue000\\U0010fffd\\u0378",
            ),
            (
                "\u{3164}\u{2800}\u{a0}",
                "\\u3164\\u2800\\u00a0",
                "\\u3164\\u2800\\u00a0",
            ),
            ("\u{301}x", "\\u0301x", "\\u0301x"),
            ("e\u{301} é 日本", "e\u{301} é 日本", "e ? ????"),
            ("שלום", "שלום", "????"),
            ("✖ ├ 38 ≤ 4m12s…", "✖ ├ 38 ≤ 4m12s…", "X | 38 < 4m12s~"),
            ("👩\u{200d}💻", "👩\\u200d💻", "??\\u200d??"),
            ("\u{fffd}", "\u{fffd}", "?"),
        ] {
            assert_eq!(visible(raw), unicode, "{raw:?}");
            assert_eq!(visible_in(raw, Charset::Ascii), ascii, "{raw:?}");
        }
    }

    #[test]
    fn a_pile_of_accents_is_bounded() {
        let raw = format!("e{}", "\u{301}".repeat(100_000));
        let shown = visible(&raw);
        assert!(shown.starts_with(&format!("e{}\\u0301", "\u{301}".repeat(COMBINING))));
        assert!(width(&one_line(&raw, 5, &Glyphs::UNICODE)) <= 5);
    }

    #[test]
    fn cells_show_one_line() {
        for (raw, cells, shown) in [
            ("  select\n\t1 ,  2\r\n", 40, "select 1 , 2"),
            ("select 1", 8, "select 1"),
            ("select 1", 7, "select…"),
            ("日本語テキスト", 5, "日本…"),
            ("日本語テキスト", 4, "日…"),
            ("日本", 1, "…"),
            ("abc", 0, ""),
            ("", 5, ""),
            ("   ", 5, ""),
        ] {
            assert_eq!(one_line(raw, cells, &Glyphs::UNICODE), shown, "{raw:?} in {cells}");
        }
        assert_eq!(one_line("a long name", 6, &Glyphs::ASCII), "a lon~");
    }

    #[test]
    fn lines_are_kept_where_asked() {
        assert_eq!(multi_line("a\r\n\tb\x1b\nxx\ty", Charset::Unicode), "a\n    b␛\nxx  y");
        assert_eq!(multi_line("日\tx", Charset::Unicode), "日  x");
    }

    #[test]
    fn padding_is_exact() {
        assert_eq!(pad("日本", 6, "…"), "日本  ");
        assert_eq!(pad("日本語", 4, "…"), "日… ");
        assert_eq!(lean("12", 5, "…"), "   12");
        assert_eq!(lean("שלום", 6, "…"), "  שלום");
        assert_eq!(clip("abcdef", 3, "…"), "ab…");
        assert_eq!(clip("ab", 0, "…"), "");
    }

    #[test]
    fn drawing_outside_of_the_buffer_is_nothing() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 4, 1));
        assert_eq!(put(&mut buf, (0, 3), 9, "x", Style::new(), &Glyphs::UNICODE), 0);
        assert_eq!(put(&mut buf, (9, 0), 9, "x", Style::new(), &Glyphs::UNICODE), 0);
        assert_eq!(put(&mut buf, (1, 0), 9, "日本", Style::new(), &Glyphs::UNICODE), 2);
        assert_eq!(buf.content()[1].symbol(), "日");
    }

    /// Text with a good share of what is dangerous.
    fn wild() -> impl Strategy<Value = String> {
        let odd = prop::sample::select(vec![
            '\u{1b}',
            '\n',
            '\r',
            '\t',
            '\0',
            '\u{7f}',
            '\u{9b}',
            '\u{202e}',
            '\u{200d}',
            '\u{200b}',
            '\u{fe0f}',
            '\u{301}',
            '\u{903}',
            '\u{1f3fd}',
            '👩',
            '💻',
            '日',
            'ש',
            'ل',
            'ا',
            '\u{1100}',
            '\u{1161}',
            '\u{d4e}',
            '\u{600}',
            '🇩',
            '🇪',
            '\u{e0041}',
            '\u{ff9e}',
            ' ',
            'a',
            '\u{17d2}',
            '\u{1780}',
            '\u{20e3}',
        ]);
        prop::collection::vec(prop_oneof![odd, any::<char>()], 0..40).prop_map(|chars| chars.into_iter().collect())
    }

    fn hides(c: char) -> bool {
        matches!(
            c,
            '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{feff}'
                | '\u{61c}'
                | '\u{fe00}'..='\u{fe0f}'
        )
    }

    proptest! {
        #[test]
        fn nothing_dangerous_is_left(text in wild(), ascii in any::<bool>()) {
            let charset = if ascii { Charset::Ascii } else { Charset::Unicode };
            let safe = visible_in(&text, charset);
            prop_assert!(!safe.chars().any(char::is_control), "{safe:?}");
            prop_assert!(!safe.chars().any(hides));
            if ascii {
                prop_assert!(safe.is_ascii());
            }
            prop_assert_eq!(visible_in(&safe, charset), safe.clone());
            prop_assert!(safe.graphemes(true).all(|cluster| cluster_width(cluster) > 0));
        }

        #[test]
        fn cells_hold_what_they_were_asked_to(text in wild(), cells in 0usize..30, ascii in any::<bool>()) {
            let glyphs = if ascii { &Glyphs::ASCII } else { &Glyphs::UNICODE };
            let line = one_line(&text, cells, glyphs);
            prop_assert!(width(&line) <= cells);
            prop_assert!(!line.chars().any(char::is_control));
            prop_assert_eq!(one_line(&line, cells, glyphs), line.clone());
            prop_assert_eq!(width(&pad(&line, cells, "")), cells);
            prop_assert_eq!(width(&lean(&visible(&text), cells, "…")), cells);
        }

        #[test]
        fn the_buffer_agrees_about_widths(text in wild()) {
            let safe = visible(&text);
            let mut buf = Buffer::empty(Rect::new(0, 0, 900, 1));
            let (end, _) = buf.set_stringn(0, 0, &safe, 900, Style::new());
            prop_assert_eq!(usize::from(end), width(&safe));
        }

        #[test]
        fn lines_have_no_controls(text in wild()) {
            let safe = multi_line(&text, Charset::Unicode);
            prop_assert!(!safe.chars().any(|c| c.is_control() && c != '\n'));
            prop_assert_eq!(multi_line(&safe, Charset::Unicode), safe.clone());
        }
    }
}
