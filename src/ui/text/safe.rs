//! What stands on the screen for each grapheme cluster of a text that others wrote.

use std::borrow::Cow;

use ratatui::buffer::CellWidth;
use unicode_segmentation::UnicodeSegmentation;

use super::Charset;

/// At most this many characters that combine with the one before them: more only serve to wreck a line.
pub(super) const COMBINING: usize = 8;

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

/// What the safe clusters of a text show on one line, with white space collapsed.
pub(super) struct OneLine<'a> {
    rest: &'a str,
    charset: Charset,
    held: Option<&'a str>,
    begun: bool,
}

impl<'a> OneLine<'a> {
    pub const fn new(text: &'a str, charset: Charset) -> Self {
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
pub(super) fn shown(cluster: &str, charset: Charset) -> Cow<'_, str> {
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

pub(super) fn cluster_width(cluster: &str) -> usize {
    if cluster.len() == 1 {
        return 1;
    }
    usize::from(cluster.cell_width())
}

pub(super) fn is_plain(text: &str) -> bool {
    text.bytes().all(is_plain_byte)
}

pub(super) const fn is_plain_byte(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

const fn is_plain_char(c: char) -> bool {
    matches!(c, ' '..='~')
}

fn is_space(cluster: &str) -> bool {
    cluster.bytes().all(|byte| matches!(byte, b' ' | b'\t'..=b'\r'))
}

/// True if plain text has neither spaces at its ends nor two in a row.
pub(super) fn is_collapsed(text: &str) -> bool {
    !text.starts_with(' ') && !text.ends_with(' ') && !text.contains("  ")
}
