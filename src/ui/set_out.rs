//! A statement set out over lines: shown if it says the same as the text, and never copied in its place.

use sqlformat::{Dialect, FormatOptions, Indent, QueryParams};

use super::highlight::highlight;
use super::look::Role;

/// Longer texts stay as they are: to set them out takes long, and nobody reads them whole.
const LONGEST: usize = 20_000;

/// Texts with more brackets within each other stay as they are: each pair moves what is in it further in, so the spaces
/// before the lines of thousands of them would fill hundreds of megabytes.
const DEEPEST: usize = 100;

/// The text with line breaks and indentation by clause; nothing if that would lose or change anything but white space.
#[must_use]
pub fn set_out(sql: &str) -> Option<String> {
    if sql.len() > LONGEST || depth(sql) > DEEPEST {
        return None;
    }
    let options = FormatOptions {
        indent: Indent::Spaces(2),
        max_inline_block: 60,
        max_inline_arguments: Some(60),
        dialect: Dialect::PostgreSql,
        ..FormatOptions::default()
    };
    let out = sqlformat::format(sql, &QueryParams::None, &options);
    (pieces(&out) == pieces(sql)).then_some(out)
}

/// How many brackets are open at once; those in strings and comments count too.
fn depth(sql: &str) -> usize {
    let mut open = 0_usize;
    let depths = sql.bytes().map(|byte| {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        open
    });
    depths.max().unwrap_or_default()
}

/// What a text says: its pieces without the white space between them; strings and comments keep theirs.
fn pieces(sql: &str) -> Vec<(Role, String)> {
    let mut pieces: Vec<(Role, String)> = Vec::new();
    for (role, text) in highlight(sql) {
        let whole = matches!(role, Role::SqlString | Role::SqlComment);
        let text: String = if whole {
            text.trim_end().to_owned()
        } else {
            text.chars().filter(|c| !c.is_whitespace()).collect()
        };
        match pieces.last_mut() {
            _ if text.is_empty() => {}
            Some((last, before)) if *last == role && !whole => before.push_str(&text),
            _ => pieces.push((role, text)),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn clauses_stand_on_lines_of_their_own() {
        let out =
            set_out("select a, count(*) from t join u on u.id = t.id where b = $1 and c = 'x  y' group by a").unwrap();
        assert!(out.lines().count() > 4, "{out}");
        assert!(out.lines().any(|line| line.trim_start().starts_with("where")), "{out}");
        assert!(out.contains("'x  y'") && out.contains("$1"), "{out}");
    }

    #[test]
    fn what_would_change_stays_as_it_is() {
        let long = format!("select {}", "a, ".repeat(10_000));
        assert_eq!(set_out(&long), None);
        for sql in [
            "select $$ a -- b $$, $x$ 'y' $x$",
            "select 1 -- note\n from t",
            "select a->>'b', c #>> '{d}', e @> f, g::int[] from h where i <@ j",
            "select \"A b\".\"c\"\"d\" from \"E\"",
            "select e'\\'x', u&'\\0041', b'01'",
        ] {
            if let Some(out) = set_out(sql) {
                assert_eq!(pieces(&out), pieces(sql), "{out}");
            }
        }
    }

    /// The server takes some thousands of brackets within each other.
    #[test]
    fn deep_nesting_stays_as_it_is() {
        let nested = |depth: usize| format!("select {}1{}", "(".repeat(depth), ")".repeat(depth));
        assert!(set_out(&nested(DEEPEST)).is_some());
        assert_eq!(set_out(&nested(9_000)), None);
        assert_eq!(set_out(&"(".repeat(LONGEST)), None);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(sql in "\\PC{0,80}|[ -~\\n]{0,120}|(select|from|'|\"|\\$|--|/\\*|\\*/|\\(|\\)|;|a|1| |\\n){0,60}") {
            if let Some(out) = set_out(&sql) {
                let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
                prop_assert_eq!(letters(&out), letters(&sql));
            }
        }
    }
}
