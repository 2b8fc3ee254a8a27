//! SQL highlighting that loses no character: the spans joined are the text again, whatever the text is.
//!
//! A lexer after `PostgreSQL`'s own (src/backend/parser/scan.l), lenient where that one fails: a text cut in the
//! middle of a string or a comment is highlighted to its end.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::look::Role;
use crate::pg::lex::block_comment;

/// The text in spans of one meaning; no span is empty.
#[must_use]
pub fn highlight(sql: &str) -> Vec<(Role, &str)> {
    let mut spans: Vec<(Role, &str)> = Vec::new();
    let mut done = 0;
    while let Some(rest) = sql.get(done..).filter(|rest| !rest.is_empty()) {
        let (role, len) = token(rest);
        let end = done + len;
        match spans.last_mut() {
            // Neighbours of one meaning are one span, from where the first began.
            Some((last, text)) if *last == role => {
                *text = sql.get(done - text.len()..end).unwrap_or(text);
            }
            _ => spans.extend(sql.get(done..end).map(|text| (role, text))),
        }
        done = end;
    }
    spans
}

/// What the text begins with and how many bytes of it that is; at least one character.
fn token(rest: &str) -> (Role, usize) {
    let first = rest.chars().next().unwrap_or_default();
    let second = rest.chars().nth(1).unwrap_or_default();
    match (first, second) {
        ('-', '-') => (Role::SqlComment, rest.find('\n').unwrap_or(rest.len())),
        ('/', '*') => (Role::SqlComment, block_comment(rest.as_bytes(), 0)),
        ('\'', _) => (Role::SqlString, quoted(rest, 1, '\'', false)),
        ('e' | 'E', '\'') => (Role::SqlString, quoted(rest, 2, '\'', true)),
        ('b' | 'B' | 'x' | 'X' | 'n' | 'N', '\'') => (Role::SqlString, quoted(rest, 2, '\'', false)),
        ('u' | 'U', '&') if rest.get(2..).is_some_and(|rest| rest.starts_with('\'')) => {
            (Role::SqlString, quoted(rest, 3, '\'', false))
        }
        ('"', _) => (Role::Text, quoted(rest, 1, '"', false)),
        ('$', '0'..='9') => (Role::SqlParam, 1 + run(rest, 1, |c| c.is_ascii_digit())),
        ('$', _) => dollar(rest),
        ('0'..='9', _) | ('.', '0'..='9') => (Role::SqlNumber, number(rest)),
        _ if begins_name(first) => name(rest),
        _ => (Role::Text, first.len_utf8()),
    }
}

/// Bytes from `from` on that hold.
fn run(rest: &str, from: usize, holds: impl Fn(char) -> bool) -> usize {
    let tail = rest.get(from..).unwrap_or_default();
    tail.find(|c| !holds(c)).unwrap_or(tail.len())
}

/// A quoted text whose content begins at `from`: a doubled quote stands for itself, and so may an escaped one.
fn quoted(rest: &str, from: usize, quote: char, escapes: bool) -> usize {
    let mut chars = rest.char_indices().skip_while(|(at, _)| *at < from).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && escapes {
            chars.next();
        } else if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return at + c.len_utf8();
        }
    }
    rest.len()
}

/// `$tag$ .. $tag$`, or a lone dollar.
fn dollar(rest: &str) -> (Role, usize) {
    let tag = run(rest, 1, |c| begins_name(c) || c.is_ascii_digit());
    let Some(open) = rest.get(..tag + 2).filter(|open| open.ends_with('$')) else {
        return (Role::Text, 1);
    };
    let body = rest.get(open.len()..).unwrap_or_default();
    let len = body.find(open).map_or(rest.len(), |at| at + 2 * open.len());
    (Role::SqlString, len)
}

/// `1`, `1_000`, `1.5e-10`, `.5`, `0x1F`.
fn number(rest: &str) -> usize {
    let radix = ["0x", "0X", "0o", "0O", "0b", "0B"]
        .iter()
        .any(|radix| rest.starts_with(radix));
    if radix {
        return 2 + run(rest, 2, |c| c.is_ascii_hexdigit() || c == '_');
    }
    let digit = |c: char| c.is_ascii_digit() || c == '_';
    let mut len = run(rest, 0, digit);
    // `1..10` of a PL/pgSQL loop is two numbers.
    if rest
        .get(len..)
        .is_some_and(|rest| rest.starts_with('.') && !rest.starts_with(".."))
    {
        len += 1 + run(rest, len + 1, digit);
    }
    let exponent = rest.get(len..).unwrap_or_default();
    if let Some(power) = exponent.strip_prefix(['e', 'E']) {
        let unsigned = power.strip_prefix(['+', '-']).unwrap_or(power);
        let digits = run(unsigned, 0, digit);
        if digits > 0 {
            len += exponent.len() - unsigned.len() + digits;
        }
    }
    len
}

/// A keyword, the name of a function (something opens a parenthesis behind it), or another name.
fn name(rest: &str) -> (Role, usize) {
    let len = run(rest, 0, |c| begins_name(c) || c.is_ascii_digit() || c == '$');
    let name = rest.get(..len).unwrap_or_default();
    if is_keyword(name) {
        return (Role::SqlKeyword, len);
    }
    let behind = rest.get(len..).unwrap_or_default();
    if behind.trim_start_matches([' ', '\t']).starts_with('(') {
        (Role::SqlFunction, len)
    } else {
        (Role::Text, len)
    }
}

fn begins_name(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

fn is_keyword(name: &str) -> bool {
    static WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| KEYWORDS.split_whitespace().collect());
    name.len() <= LONGEST_KEYWORD && WORDS.contains(name.to_ascii_lowercase().as_str())
}

/// `current_timestamp`; longer names are not looked up.
const LONGEST_KEYWORD: usize = 17;

/// Words that a reader takes for keywords; not every word that the grammar knows (`name`, `type`, `value`).
const KEYWORDS: &str = "abort add all alter analyze and any array as asc begin between both by call cascade case cast check \
    cluster collate column comment commit concurrently conflict constraint copy create cross current_date \
    current_time current_timestamp current_user cursor database deallocate declare default delete desc discard \
    distinct do drop else end except exclude execute exists explain extension false fetch filter first for \
    foreign from full function grant group grouping having ilike in index inner insert intersect interval into \
    is isolation join key last lateral leading left like limit listen local localtime localtimestamp lock \
    locked materialized merge natural not nothing notify nowait null nulls of offset on only or order \
    ordinality outer over partition prepare prepared primary procedure publication range recursive references \
    refresh reindex release rename repeatable replace reset restrict returning revoke right role rollback row \
    rows savepoint schema select sequence session set share show similar skip some start subscription \
    symmetric table tablesample tablespace temp temporary then to trailing transaction trigger true truncate \
    union unique unlogged update user using vacuum values verbose view when where window with within without";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The spans as `role:text`, plain text left out.
    fn marked(sql: &str) -> Vec<String> {
        let spans = highlight(sql).into_iter().filter(|(role, _)| *role != Role::Text);
        spans
            .map(|(role, text)| {
                let role = match role {
                    Role::SqlKeyword => "k",
                    Role::SqlString => "s",
                    Role::SqlNumber => "n",
                    Role::SqlComment => "c",
                    Role::SqlParam => "p",
                    Role::SqlFunction => "f",
                    _ => "?",
                };
                format!("{role}:{text}")
            })
            .collect()
    }

    #[test]
    fn every_kind_of_token() {
        for (sql, expected) in [
            ("SELECT a FROM t", &["k:SELECT", "k:FROM"][..]),
            ("count (*) max(x) in (1)", &["f:count", "f:max", "k:in", "n:1"]),
            ("'it''s' x", &["s:'it''s'"]),
            (r"E'a\'b' c", &[r"s:E'a\'b'"]),
            (r"'a\' c", &[r"s:'a\'"]),
            ("U&'x' B'01' x'ff' N'n'", &["s:U&'x'", "s:B'01'", "s:x'ff'", "s:N'n'"]),
            ("\"select\" \"a\"\"b\" '", &["s:'"]),
            ("$$ a $x$ b $$ c", &["s:$$ a $x$ b $$"]),
            ("$fn$ $$ $fn$ d", &["s:$fn$ $$ $fn$"]),
            ("$1 + $12 a$1 $ x", &["p:$1", "p:$12"]),
            ("a -- b\nselect", &["c:-- b", "k:select"]),
            ("/* a /* b */ c */ null", &["c:/* a /* b */ c */", "k:null"]),
            (
                "1 1_000 1.5e-10 .5 0x1F 1..10 2e",
                &["n:1", "n:1_000", "n:1.5e-10", "n:.5", "n:0x1F", "n:1", "n:.10", "n:2"],
            ),
            ("größe.wert", &[]),
            ("selected fromage", &[]),
            ("'unfinished", &["s:'unfinished"]),
            ("/* unfinished /*", &["c:/* unfinished /*"]),
            ("$tag$ unfinished", &["s:$tag$ unfinished"]),
            ("", &[]),
        ] {
            assert_eq!(marked(sql), expected, "{sql}");
        }
    }

    #[test]
    fn no_keyword_is_too_long() {
        assert_eq!(KEYWORDS.split_whitespace().map(str::len).max(), Some(LONGEST_KEYWORD));
    }

    #[test]
    fn a_large_text_is_no_trouble() {
        let sql = format!("select {}", "('x', $1), /* y */ ".repeat(5_000));
        assert_eq!(
            highlight(&sql).iter().map(|(_, text)| text.len()).sum::<usize>(),
            sql.len()
        );
    }

    fn sqlish() -> impl Strategy<Value = String> {
        let pieces = prop::sample::select(vec![
            "select", "'", "''", "\"", "$$", "$a$", "$1", "--", "\n", "/*", "*/", "E'", "\\", "1.5", "e", ".", "..",
            "U&'", "é", "日本", "(", " ", "x", "$", "\u{0}", "\u{1b}",
        ]);
        prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn nothing_is_lost(sql in prop_oneof![sqlish(), any::<String>()]) {
            let spans = highlight(&sql);
            prop_assert_eq!(spans.iter().map(|(_, text)| *text).collect::<String>(), sql.as_str());
            prop_assert!(spans.iter().all(|(_, text)| !text.is_empty()));
            prop_assert!(spans.windows(2).all(|pair| pair[0].0 != pair[1].0));
        }
    }
}
