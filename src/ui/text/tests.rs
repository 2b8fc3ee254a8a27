//! What is dangerous is a mark, what is measured is what is drawn.

use proptest::prelude::*;
use ratatui::layout::Rect;

use super::safe::COMBINING;
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
    let raw = format!("e{}", "\u{301}".repeat(10_000));
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
    assert_eq!(clip("abcdef", 3, "…"), "ab…");
    assert_eq!(clip("ab", 0, "…"), "");
}

#[test]
fn lines_break_at_spaces() {
    for (text, cells, lines) in [
        (
            "select a, b from t\nwhere x",
            12,
            &["select a, b", "from t", "where x"][..],
        ),
        ("select a, b from t", 11, &["select a, b", "from t"]),
        ("aaaaaaaa", 3, &["aaa", "aaa", "aa"]),
        ("a\n\nb", 3, &["a", "", "b"]),
        ("日本語", 1, &["日", "本", "語"]),
        ("a     b", 3, &["a", "b"]),
        ("", 5, &[""]),
    ] {
        assert_eq!(wrap(text, cells), lines, "{text:?} in {cells}");
    }
}

#[test]
fn indentation_is_kept_where_it_says_something() {
    let mut buf = Buffer::empty(Rect::new(0, 0, 9, 1));
    assert_eq!(
        put_line(&mut buf, (0, 0), 9, "  a  b\x1b from t", Style::new(), &Glyphs::UNICODE),
        9
    );
    let drawn: String = buf.content().iter().map(ratatui::buffer::Cell::symbol).collect();
    assert_eq!(drawn, "  a  b␛ …");
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
    }

    #[test]
    fn the_buffer_agrees_about_widths(text in wild()) {
        let safe = visible(&text);
        let mut buf = Buffer::empty(Rect::new(0, 0, 900, 1));
        let (end, _) = buf.set_stringn(0, 0, &safe, 900, Style::new());
        prop_assert_eq!(usize::from(end), width(&safe));
    }

    #[test]
    fn wrapped_lines_fit_and_lose_nothing_but_spaces(text in wild(), cells in 2usize..20) {
        let lines = wrap(&text, cells);
        prop_assert!(lines.iter().all(|line| width(line) <= cells || line.graphemes(true).nth(1).is_none()));
        let bare = |text: &str| text.replace([' ', '\n'], "");
        prop_assert_eq!(bare(&lines.concat()), bare(&multi_line(&text, Charset::Unicode)));
    }

    #[test]
    fn lines_have_no_controls(text in wild()) {
        let safe = multi_line(&text, Charset::Unicode);
        prop_assert!(!safe.chars().any(|c| c.is_control() && c != '\n'));
        prop_assert_eq!(multi_line(&safe, Charset::Unicode), safe.clone());
    }
}
