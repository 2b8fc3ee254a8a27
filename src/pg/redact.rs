//! Query texts without their literals: what may be shown to people who must not see the data.
//!
//! Strings of every quoting, numbers and dollar quotes become `?`; comments, in which applications write what they
//! like, become `/*?*/` and `--?`. Names stay, also quoted ones, and so do keywords (`NULL`, `true`), operators, signs
//! and parameters such as `$1`. A lexer after the server's own (src/backend/parser/scan.l), for texts that no lexer has
//! to accept: cut off anywhere, never parsed, with bytes that are no UTF-8. What is unfinished goes to the end.
//!
//! Whether a backslash escapes a quote in a plain `'..'` is decided by `standard_conforming_strings` of a session that is
//! not ours. So the text is read both ways, and from where the two part until they meet again everything is one `?`:
//! more than the literals where a string ends in a backslash, never less.
//!
//! Ours, because the crates there are either parse the whole text and refuse what is cut off (`pg_query`, `sqlparser`,
//! `sql-redactor`) or settle for one reading of the backslash when the other fails (`libdd-trace-obfuscation`).
//! [`crate::ui::highlight`] is no substitute: it colours one reading and loses nothing by a mistake.

use std::borrow::Cow;

use super::lex::block_comment;

/// The text with every literal and comment replaced. What has none comes back as it is, and so does what this made.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    replace(text, |_, _| false)
}

/// The same for the lines of a plan, which are one text: a string in a condition may go on over several of them. What the
/// planner estimates is no literal.
#[must_use]
pub fn redact_plan(lines: &[String]) -> Vec<String> {
    let text = lines.join("\n");
    let shown = replace(&text, is_estimate);
    shown.split('\n').map(str::to_owned).collect()
}

/// A number of `(cost=0.29..8.31 rows=1 width=4)`, by what stands before it; the server writes its operators with spaces.
fn is_estimate(before: &str, piece: &str) -> bool {
    let digit = |c: char| c.is_ascii_digit() || c == '.';
    let before = before.trim_end_matches(digit);
    piece.chars().all(digit) && ["(cost=", " rows=", " width="].iter().any(|of| before.ends_with(of))
}

/// The text with all literals and comments replaced but those that are to stay, by the text before and their own.
fn replace(text: &str, stays: impl Fn(&str, &str) -> bool) -> Cow<'_, str> {
    let mut out = String::new();
    let (mut at, mut kept) = (0, 0);
    while at < text.len() {
        let token = agreed(text, at);
        let end = token.end;
        let before = text.get(..at).unwrap_or_default();
        let piece = text.get(at..end).unwrap_or_default();
        let instead = token.kind.instead().filter(|instead| piece != *instead);
        if let Some(instead) = instead.filter(|_| !stays(before, piece)) {
            out.push_str(text.get(kept..at).unwrap_or_default());
            out.push_str(instead);
            kept = end;
        }
        at = end;
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(kept..).unwrap_or_default());
    Cow::Owned(out)
}

/// What a piece of the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A name, a parameter, white space, an operator.
    Kept,
    /// A string, a number, or what may be one.
    Literal,
    /// `/* .. */`
    Block,
    /// `-- ..` without the newline.
    Line,
}

impl Kind {
    /// What is shown for it.
    const fn instead(self) -> Option<&'static str> {
        match self {
            Self::Kept => None,
            Self::Literal => Some("?"),
            Self::Block => Some("/*?*/"),
            Self::Line => Some("--?"),
        }
    }
}

/// A piece of the text by the byte behind it. It begins and ends beside an ASCII character or at an end of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Token {
    kind: Kind,
    end: usize,
}

/// What a backslash does in a plain string.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Backslash {
    /// Nothing: `standard_conforming_strings` is on.
    Plain,
    /// It escapes what follows.
    Escapes,
}

/// The piece that begins here, on which both readings agree; where they do not, everything until they meet again. That
/// is where both begin a piece at the same place, since a piece depends on nothing before it.
fn agreed(text: &str, at: usize) -> Token {
    let mut plain = token(text, at, Backslash::Plain);
    // Nothing but a string is read in two ways.
    if plain.kind != Kind::Literal {
        return plain;
    }
    let mut escaped = token(text, at, Backslash::Escapes);
    if plain == escaped {
        return plain;
    }
    while plain.end != escaped.end {
        if plain.end < escaped.end {
            plain = token(text, plain.end, Backslash::Plain);
        } else {
            escaped = token(text, escaped.end, Backslash::Escapes);
        }
    }
    Token {
        kind: Kind::Literal,
        end: plain.end,
    }
}

/// The piece that begins here; at least one byte, and the end of the text at most.
fn token(text: &str, at: usize, backslash: Backslash) -> Token {
    let bytes = text.as_bytes();
    let ahead = |offset: usize| bytes.get(at + offset).copied().unwrap_or_default();
    let escapes = backslash == Backslash::Escapes;
    let (kind, end) = match (ahead(0), ahead(1)) {
        (b'-', b'-') => (Kind::Line, run(bytes, at, |byte| !newline(byte))),
        (b'/', b'*') => (Kind::Block, block_comment(bytes, at)),
        (b'\'', _) => (Kind::Literal, string(bytes, at + 1, escapes)),
        (b'n' | b'N', b'\'') => (Kind::Literal, string(bytes, at + 2, escapes)),
        (b'e' | b'E', b'\'') => (Kind::Literal, string(bytes, at + 2, true)),
        (b'b' | b'B' | b'x' | b'X', b'\'') => (Kind::Literal, string(bytes, at + 2, false)),
        // Refused where backslashes escape, so that there is no other reading of it.
        (b'u' | b'U', b'&') if ahead(2) == b'\'' => (Kind::Literal, string(bytes, at + 3, false)),
        (b'u' | b'U', b'&') if ahead(2) == b'"' => (Kind::Kept, closing(bytes, at + 3, b'"', false)),
        (b'"', _) => (Kind::Kept, closing(bytes, at + 1, b'"', false)),
        (b'$', b'0'..=b'9') => (Kind::Kept, run(bytes, at + 1, |byte| byte.is_ascii_digit())),
        (b'$', _) => dollar(text, at),
        // `1..10` of a PL/pgSQL loop is two numbers.
        (b'.', b'.') => (Kind::Kept, at + 2),
        (b'0'..=b'9', _) | (b'.', b'0'..=b'9') => (Kind::Literal, number(bytes, at)),
        (first, _) if begins_name(first) => (Kind::Kept, run(bytes, at, |byte| in_name(byte) || byte == b'$')),
        _ => (Kind::Kept, at + 1),
    };
    let end = end.min(bytes.len());
    Token { kind, end }
}

/// The end of the bytes from `at` on that hold.
fn run(bytes: &[u8], at: usize, holds: impl Fn(u8) -> bool) -> usize {
    let tail = bytes.get(at..).unwrap_or_default();
    at + tail.iter().take_while(|byte| holds(**byte)).count()
}

/// The bytes of other scripts are letters to the server, whatever they mean.
const fn begins_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii()
}

const fn in_name(byte: u8) -> bool {
    begins_name(byte) || byte.is_ascii_digit()
}

const fn newline(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Behind a string whose content begins at `at`, and behind those that continue it: they are read as the first one is,
/// also where they look like plain ones.
fn string(bytes: &[u8], mut at: usize, escapes: bool) -> usize {
    loop {
        at = closing(bytes, at, b'\'', escapes);
        match continued(bytes, at) {
            Some(content) => at = content,
            None => return at,
        }
    }
}

/// Behind the quote that ends a content which begins at `at`: a doubled one stands for itself, and so may an escaped one.
fn closing(bytes: &[u8], mut at: usize, quote: u8, escapes: bool) -> usize {
    while let Some(byte) = bytes.get(at) {
        at += match *byte {
            b'\\' if escapes => 2,
            byte if byte != quote => 1,
            _ if bytes.get(at + 1) == Some(&quote) => 2,
            _ => return at + 1,
        };
    }
    bytes.len()
}

/// Where the content goes on of a string that ended before `at`: behind a quote on a later line, with nothing but white
/// space and `--` comments between.
fn continued(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut lines = 0;
    loop {
        match *bytes.get(at)? {
            b'\n' | b'\r' => lines += 1,
            b' ' | b'\t' | b'\x0c' | b'\x0b' => {}
            b'-' if bytes.get(at + 1) == Some(&b'-') => {
                at = run(bytes, at, |byte| !newline(byte));
                continue;
            }
            b'\'' if lines > 0 => return Some(at + 1),
            _ => return None,
        }
        at += 1;
    }
}

/// `$tag$ .. $tag$`, or a lone dollar.
fn dollar(text: &str, at: usize) -> (Kind, usize) {
    let end = run(text.as_bytes(), at + 1, in_name) + 1;
    let Some(open) = text.get(at..end).filter(|open| open.ends_with('$')) else {
        return (Kind::Kept, at + 1);
    };
    // Two tags in another encoding look alike once their letters are unknown.
    let known = !open.contains(char::REPLACEMENT_CHARACTER);
    let body = text.get(end..).filter(|_| known).unwrap_or_default();
    let length = body.find(open).map(|length| length + open.len());
    (Kind::Literal, length.map_or(text.len(), |length| end + length))
}

/// Behind a number of any form: `1`, `1_000`, `.5`, `1.5e-10`, `0x1F`, and behind what hangs on it: before 15 a name may
/// follow without a space, and of what no version takes (`10.0.0.1`, a key without its quotes) nobody knows what it is.
fn number(bytes: &[u8], from: usize) -> usize {
    let radix = bytes.get(from) == Some(&b'0') && bytes.get(from + 1).is_some_and(u8::is_ascii_alphabetic);
    let mut at = from;
    loop {
        let end = run(bytes, at, in_name);
        let exponent = !radix && end > at && matches!(bytes.get(end - 1), Some(b'e' | b'E'));
        let digit = bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        at = match bytes.get(end) {
            Some(b'.') if bytes.get(end + 1) != Some(&b'.') => end + 1,
            Some(b'+' | b'-') if exponent && digit => end + 1,
            _ => return end,
        };
    }
}

#[cfg(test)]
mod tests;
