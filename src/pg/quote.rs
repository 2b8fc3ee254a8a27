//! Names and texts as SQL takes them: in statements shown to people, and in the settings of a session behind a pooler.
//! A question needs of this only [`quoted`], for the schema of an extension: its values go to the server as `$1`.

use std::fmt::Write as _;

/// Words that are no names without quotes, or not everywhere: all of `pg_get_keywords()` but the unreserved ones, from
/// 12 to 18, in order.
#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization", "between",
    "bigint", "binary", "bit", "boolean", "both", "case", "cast", "char", "character", "check", "coalesce",
    "collate", "collation", "column", "concurrently", "constraint", "create", "cross", "current_catalog",
    "current_date", "current_role", "current_schema", "current_time", "current_timestamp", "current_user", "dec",
    "decimal", "default", "deferrable", "desc", "distinct", "do", "else", "end", "except", "exists", "extract",
    "false", "fetch", "float", "for", "foreign", "freeze", "from", "full", "grant", "greatest", "group",
    "grouping", "having", "ilike", "in", "initially", "inner", "inout", "int", "integer", "intersect", "interval",
    "into", "is", "isnull", "join", "json", "json_array", "json_arrayagg", "json_exists", "json_object",
    "json_objectagg", "json_query", "json_scalar", "json_serialize", "json_table", "json_value", "lateral",
    "leading", "least", "left", "like", "limit", "localtime", "localtimestamp", "merge_action", "national",
    "natural", "nchar", "none", "normalize", "not", "notnull", "null", "nullif", "numeric", "offset", "on",
    "only", "or", "order", "out", "outer", "overlaps", "overlay", "placing", "position", "precision", "primary",
    "real", "references", "returning", "right", "row", "select", "session_user", "setof", "similar", "smallint",
    "some", "substring", "symmetric", "system_user", "table", "tablesample", "then", "time", "timestamp", "to",
    "trailing", "treat", "trim", "true", "union", "unique", "user", "using", "values", "varchar", "variadic",
    "verbose", "when", "where", "window", "with", "xmlattributes", "xmlconcat", "xmlelement", "xmlexists",
    "xmlforest", "xmlnamespaces", "xmlparse", "xmlpi", "xmlroot", "xmlserialize", "xmltable",
];

/// A name as SQL takes it: quoted unless it is a plain lower-case word and no keyword. Characters that are no part of a line of
/// text become `?`, so the result is for people, not for blind execution.
#[must_use]
pub fn identifier(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain && KEYWORDS.binary_search(&name).is_err() {
        return name.to_owned();
    }
    let shown: String = name.chars().map(|c| if visible(c) { c } else { '?' }).collect();
    format!("\"{}\"", shown.replace('"', "\"\""))
}

/// A relation by its schema and name as SQL takes them, each quoted where it has to be.
#[must_use]
pub fn qualified(schema: &str, relation: &str) -> String {
    format!("{}.{}", identifier(schema), identifier(relation))
}

/// A name as SQL takes it, always quoted and to the letter: the schema of an extension in one of our questions.
#[must_use]
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as an SQL literal that stays on one line, whatever is in it.
#[must_use]
pub fn literal(text: &str) -> String {
    let awkward = text.chars().any(|c| c == '\\' || !visible(c));
    let mut out = String::from(if awkward { "E'" } else { "'" });
    for c in text.chars() {
        match c {
            '\'' => out.push_str("''"),
            '\\' => out.push_str("\\\\"),
            c if visible(c) => out.push(c),
            // Writing to a String cannot fail.
            c => drop(write!(out, "\\U{:08X}", u32::from(c))),
        }
    }
    out.push('\'');
    out
}

/// False for what could end a line, drive a terminal or turn the reading direction round.
#[must_use]
pub fn visible(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("app_1", "app_1")]
    #[case("_a1", "_a1")]
    #[case("App", "\"App\"")]
    #[case("a-b", "\"a-b\"")]
    #[case("order", "\"order\"")]
    #[case("orders", "orders")]
    #[case("1a", "\"1a\"")]
    #[case("Zo\"e\n", "\"Zo\"\"e?\"")]
    #[case("", "\"\"")]
    fn names_are_quoted_where_sql_wants_it(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(identifier(name), expected);
    }

    #[test]
    fn the_keywords_are_in_order() {
        assert!(KEYWORDS.is_sorted());
    }

    #[rstest]
    #[case("it's", "'it''s'")]
    #[case("a\\b\n", "E'a\\\\b\\U0000000A'")]
    fn texts_stay_on_one_line(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(literal(text), expected);
    }

    proptest! {
        #[test]
        fn a_literal_is_one_line_and_reads_back(text in "\\PC*|.*|[\\r\\n\\x1b'\\\\]*") {
            let sql = literal(&text);
            prop_assert!(sql.chars().all(visible));
            let (escaped, body) = match sql.strip_prefix("E'") {
                Some(body) => (true, body),
                None => (false, sql.strip_prefix('\'').unwrap()),
            };
            prop_assert_eq!(read_back(body.strip_suffix('\'').unwrap(), escaped), text);
        }
    }

    /// What the server makes of the inside of a literal.
    fn read_back(body: &str, escaped: bool) -> String {
        let mut out = String::new();
        let mut chars = body.chars();
        while let Some(c) = chars.next() {
            match c {
                '\'' => {
                    assert_eq!(chars.next(), Some('\''));
                    out.push('\'');
                }
                '\\' if escaped => match chars.next() {
                    Some('U') => {
                        let hex: String = chars.by_ref().take(8).collect();
                        out.push(char::from_u32(u32::from_str_radix(&hex, 16).unwrap()).unwrap());
                    }
                    c => out.push(c.unwrap()),
                },
                c => out.push(c),
            }
        }
        out
    }
}
