//! Every quoting, both readings of a backslash, and random statements whose secrets have letters of their own.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

#[rstest]
#[case("select 'a', 'it''s', '' from t", "select ?, ?, ? from t")]
#[case(r"select E'a\'b', e'\\' from t", "select ?, ? from t")]
#[case("select B'01', x'ff', X'FF', N'n', n'n'", "select ?, ?, ?, ?, ?")]
#[case("select U&'d\\0061', u&'!0061' UESCAPE '!'", "select ?, ? UESCAPE ?")]
#[case("select U&\"d\\0061\", U&\"a'b\" from t", "select U&\"d\\0061\", U&\"a'b\" from t")]
#[case(
    "select \"Table 1\", \"a\"\"'b\" from \"1\"",
    "select \"Table 1\", \"a\"\"'b\" from \"1\""
)]
#[case("do $$ begin x := 'y'; end $$", "do ?")]
#[case("select $a$ $b$ x $$ y $b$ $a$, z", "select ?, z")]
#[case("select $a$ $a $b$$a$ z", "select ? z")]
#[case("select $é$ x $é$, $ä", "select ?, $ä")]
#[case(
    "select 1, 1.5, .5, 1., 1e9, 1e-9, 1.5E+10, -1, +2",
    "select ?, ?, ?, ?, ?, ?, ?, -?, +?"
)]
#[case("select 0x1F, 0XaF, 0b101, 0o17, 1_000, 1_0.5_0e1_0", "select ?, ?, ?, ?, ?, ?")]
#[case("select 0x1e-5, 1e, 1e-x", "select ?-?, ?, ?-x")]
#[case("for i in 1..10 loop", "for i in ?..? loop")]
#[case("select a[1:2], a[1], t.5", "select a[?:?], a[?], t?")]
#[case("select 1from t, 123abc, 10.0.0.1", "select ? t, ?, ?")]
#[case(
    "select t1, x_2024, a$1, größe1, _1 from s1.t2",
    "select t1, x_2024, a$1, größe1, _1 from s1.t2"
)]
#[case("select $1, $23 where a = $1+$2", "select $1, $23 where a = $1+$2")]
#[case("select $1$$x$$, 1$$x$$", "select $1?, ??")]
#[case("select a -- secret\n, b", "select a --?\n, b")]
#[case("select a -- secret\r, 'b\nc'", "select a --?\r, ?")]
#[case("/* a /* b */ c */ select /**/ d", "/*?*/ select /*?*/ d")]
#[case("select a*/*x*/b, c@--x\n-1", "select a*/*?*/b, c@--?\n-?")]
#[case("select 'a'\n  'b', 'c' 'd'", "select ?, ? ?")]
#[case("select 'a' -- x\n -- y\n 'b' from t", "select ? from t")]
#[case("select E'a'\n'b\\'c' from t", "select ? from t")]
#[case("select 'a'\n-- it's\n, b", "select ?\n--?\n, b")]
#[case("select name'x', the'y'", "select name?, the?")]
#[case("select j ? 'k', j ?| array['k']", "select j ? ?, j ?| array[?]")]
#[case(
    "select null, true, current_date, interval '1 day'",
    "select null, true, current_date, interval ?"
)]
#[case("alter role bob password 'hunter2'", "alter role bob password ?")]
#[case(
    "create subscription s connection 'host=h password=p'",
    "create subscription s connection ?"
)]
#[case(
    "autovacuum: VACUUM public.orders (to prevent wraparound)",
    "autovacuum: VACUUM public.orders (to prevent wraparound)"
)]
#[case("caf\u{fffd} = '\u{fffd}' \u{fffd}", "caf\u{fffd} = ? \u{fffd}")]
#[case("", "")]
fn literals_go_and_names_stay(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(redact(text), expected);
    assert_eq!(redact(expected), expected);
}

#[rstest]
#[case("select 'hunt", "select ?")]
#[case("select 'hunt\\", "select ?")]
#[case("select E'hunt\\", "select ?")]
#[case("select U&'hunt", "select ?")]
#[case("select $x$ hunt $x", "select ?")]
#[case("select $x", "select $x")]
#[case("select /* hunt /* */", "select /*?*/")]
#[case("select -- hunt", "select --?")]
#[case("select 'a'\n'hunt", "select ?")]
#[case("select 123", "select ?")]
#[case("select 1e-", "select ?-")]
#[case("select \"Table", "select \"Table")]
fn what_is_unfinished_goes_to_the_end(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(redact(text), expected);
    assert_eq!(redact(expected), expected);
}

/// Each as a server reads it whose strings have no backslashes, and as one reads it whose strings have.
#[rstest]
#[case::nothing_is_escaped(r"select 'C:\dir\file', a", "select ?, a")]
#[case::both_end_it_here(r"select '\\', a", "select ?, a")]
#[case::on_name_off_string(r"select 'a\' hunter 'b'", "select ?")]
#[case::on_string_off_name(r"select 'a\', 'hunter', b", "select ?")]
#[case::they_meet_again(r"select 'a\' b \' c', d, 'e'", "select ?, d, ?")]
#[case::they_never_meet(r"select 'a\', b, 'c\', d", "select ?")]
#[case::escape_clause(r"select a like 'x' escape '\' and b = 'hunter'", "select a like ? escape ?")]
#[case::doubled(r"select 'a\'' hunter ', b", "select ?")]
#[case::national(r"select N'a\' hunter '", "select ?")]
#[case::bits_never_escape(r"select B'1\', 'x', a", "select ?, ?, a")]
#[case::comment_in_one(r"select 'a\' -- ' hunter", "select ?")]
#[case::dollar_in_one(r"select 'a\' $$ ' hunter $$", "select ?")]
#[case::name_in_one("select 'a\\' \"b' hunter", "select ?")]
fn a_backslash_is_read_both_ways(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(redact(text), expected);
    assert_eq!(redact(expected), expected);
}

#[test]
fn tags_with_unknown_letters_never_end() {
    assert_eq!(redact("select $\u{fffd}$ a $\u{fffd}$ b"), "select ?");
}

#[test]
fn what_has_no_literals_is_not_copied() {
    assert!(matches!(redact("select a, $1 from t1 --?"), Cow::Borrowed(_)));
}

#[test]
fn a_plan_keeps_its_estimates() {
    let lines = [
        "Index Scan using t_1 on t  (cost=0.29..8.31 rows=1 width=4)",
        "  Filter: ((rows = 5) AND (a = 'hunter",
        "  (cost=7.77..7.77 rows=7 width=7) hunter'::text) AND f(x => 7))",
        "  Workers Planned: 2 rows='hunter' width=--hunter",
    ];
    let shown = redact_plan(&lines.map(str::to_owned));
    assert_eq!(
        shown,
        [
            "Index Scan using t_1 on t  (cost=0.29..8.31 rows=1 width=4)",
            "  Filter: ((rows = ?) AND (a = ?::text) AND f(x => ?))",
            "  Workers Planned: ? rows=? width=--?",
        ]
    );
    assert_eq!(redact_plan(&shown), shown);
}

#[test]
fn a_large_text_is_no_trouble() {
    let text = "select ('x', $1), /* y */ \\ 'z\\' -- ' \n".repeat(5_000);
    assert!(redact(&text).len() < text.len());
}

/// What stays: letters a to m (no prefix of a string is among them but `b` and `e`), digits 0 to 4, capitals.
fn kept() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-m][a-m0-4_]{0,6}",
        "\"[a-m0-4 ']{0,6}(\"\"[a-m])?\"",
        "U&\"[a-m0-4]{1,4}\"",
        "\\$[1-4]",
        Just("SELECT".to_owned()),
        Just("gäbe".to_owned()),
        Just("\u{fffd}".to_owned()),
    ]
}

/// What stays and is no name. Never a newline alone: behind it a string continues the one before it.
fn between() -> impl Strategy<Value = String> {
    "[ \n\r\t]{0,2}([(+*=,;]|::)[ \n\r\t]{0,2}"
}

/// The inside of a string in which a backslash is one, and of one in which it escapes: what no other token has, but for
/// what could end it too early or begin another one.
fn inside(escapes: bool) -> impl Strategy<Value = String> {
    let any = prop_oneof![
        6 => "[o-z5-9]{1,6}",
        1 => Just("''".to_owned()),
        1 => Just("--".to_owned()),
        1 => Just("/*".to_owned()),
        1 => Just("*/".to_owned()),
        1 => Just("\"".to_owned()),
        1 => Just("$$".to_owned()),
        1 => Just("\n".to_owned()),
        1 => Just("\u{fffd}".to_owned()),
        2 => Just(if escapes { r"\'" } else { "\\" }.to_owned()),
        1 => Just(r"\\".to_owned()),
    ];
    prop::collection::vec(any, 0..5).prop_map(|pieces| pieces.concat())
}

/// A literal or a comment full of what must not be seen.
fn secret(escapes: bool) -> impl Strategy<Value = String> {
    let quoted = |escapes, prefix: &'static str| inside(escapes).prop_map(move |inside| format!("{prefix}'{inside}'"));
    let free = "[o-z5-9 '\"\n]{1,8}";
    prop_oneof![
        4 => quoted(escapes, ""),
        1 => quoted(escapes, "N"),
        2 => quoted(true, "E"),
        1 => quoted(false, "X"),
        1 => quoted(false, "B"),
        1 => (quoted(escapes, ""), inside(escapes)).prop_map(|(first, second)| format!("{first} \n '{second}'")),
        1 => (quoted(true, "e"), inside(true)).prop_map(|(first, second)| format!("{first} -- zzz\n'{second}'")),
        1 => free.prop_map(|inside| format!("$${inside}$$")),
        1 => free.prop_map(|inside| format!("$a1$ $b$ {inside} $$ $a1$")),
        1 => free.prop_map(|inside| format!("/* {inside} /*{inside}*/ {inside} */")),
        1 => "[o-z5-9 ']{1,8}".prop_map(|inside| format!("-- {inside}\n")),
        2 => "[5-9]{1,3}(\\.[5-9]{1,3})?([eE][+-]?[5-9]{1,2})?",
        1 => "\\.[5-9]{1,3}|0x[5-9A-F]{2}|0o[5-7]{2}|[5-9]_[5-9]{3}",
    ]
}

/// A statement as a server reads it whose plain strings have escapes or have not, and the names in it.
fn statement(escapes: bool) -> impl Strategy<Value = (String, Vec<String>)> {
    let part = prop_oneof![
        kept().prop_map(|name| (name, true)),
        secret(escapes).prop_map(|secret| (secret, false)),
    ];
    prop::collection::vec((part, between()), 1..12).prop_map(|parts| {
        let pieces = parts.iter().flat_map(|((part, _), between)| [part.as_str(), between]);
        let text = pieces.collect();
        let names = parts.into_iter().filter(|((_, name), _)| *name);
        (text, names.map(|((name, _), _)| name).collect())
    })
}

/// Wherever it is cut off, nothing is seen of it, and a second time changes nothing.
fn check(text: &str) -> Result<(), TestCaseError> {
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    for end in ends {
        let cut = text.get(..end).unwrap();
        let shown = redact(cut);
        let leak = |c: char| matches!(c, 'o'..='z' | '5'..='9');
        prop_assert!(!shown.contains(leak), "{cut:?} is shown as {shown:?}");
        prop_assert_eq!(redact(&shown), shown.as_ref(), "again, of {:?}", cut);
    }
    Ok(())
}

proptest! {
    #[test]
    fn nothing_leaks_where_backslashes_are_plain((text, names) in statement(false)) {
        check(&text)?;
        if !text.contains('\\') {
            let shown = redact(&text);
            let mut rest = shown.as_ref();
            for name in names {
                let found = rest.split_once(&name);
                prop_assert!(found.is_some(), "{name:?} is lost: {text:?} is shown as {shown:?}");
                rest = found.unwrap().1;
            }
        }
    }

    #[test]
    fn nothing_leaks_where_backslashes_escape((text, _) in statement(true)) {
        check(&text)?;
    }

    #[test]
    fn any_text_is_survived_and_settles(text in "\\PC{0,60}|([eEnNxXuU&'\"\\\\$a1. \n\r/*?-]|--|/\\*|\\*/|\\$\\$){0,40}") {
        let once = redact(&text);
        prop_assert_eq!(redact(&once), once.as_ref());
    }
}
