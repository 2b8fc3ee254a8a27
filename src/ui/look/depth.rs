//! What the terminal can show, by its environment, and colours brought down to that.

use ratatui::style::{Color, Style};

use crate::ui::text::Charset;

/// How many colours the terminal has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// No colours: bold, dim, underlined and reversed only.
    #[default]
    None,
    /// The 16 colours that the user chose for the terminal.
    Ansi16,
    /// The 256 colours of xterm.
    Ansi256,
    /// 24 bits.
    TrueColor,
}

impl Depth {
    /// By the environment: `NO_COLOR` (any value but an empty one) and `TERM=dumb` mean none; `COLORTERM` and the
    /// terminals known by name mean 24 bits. GNU screen takes no 24-bit colours whatever it inherited.
    #[must_use]
    pub fn detect(env: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| env(name).unwrap_or_default().to_ascii_lowercase();
        let term = get("TERM");
        if !get("NO_COLOR").is_empty() || term == "dumb" {
            return Self::None;
        }
        if term == "linux" {
            return Self::Ansi16;
        }
        let screen = term.starts_with("screen") && get("TMUX").is_empty();
        let direct = ["truecolor", "24bit"].contains(&get("COLORTERM").as_str())
            || ["direct", "kitty", "alacritty", "wezterm", "foot", "ghostty"]
                .iter()
                .any(|name| term.contains(name))
            || !get("WT_SESSION").is_empty();
        if direct && !screen {
            Self::TrueColor
        } else if screen || term.contains("256color") {
            Self::Ansi256
        } else {
            Self::Ansi16
        }
    }

    /// A style with no more than these colours.
    pub(super) fn bring_down(self, style: Style) -> Style {
        Style {
            fg: style.fg.and_then(|color| self.color(color)),
            bg: style.bg.and_then(|color| self.color(color)),
            ..style
        }
    }

    fn color(self, color: Color) -> Option<Color> {
        match (self, color) {
            (Self::None, _) => None,
            (Self::Ansi256, Color::Rgb(r, g, b)) => Some(Color::Indexed(nearest_indexed([r, g, b]))),
            (Self::Ansi16, Color::Rgb(r, g, b)) => Some(nearest_ansi([r, g, b])),
            (Self::Ansi16, Color::Indexed(index)) if index >= 16 => Some(nearest_ansi(indexed(index))),
            (_, color) => Some(color),
        }
    }
}

/// By the locale: the first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set decides, as POSIX has it. The Linux
/// console's fonts lack most signs.
#[must_use]
pub fn charset(env: impl Fn(&str) -> Option<String>) -> Charset {
    let get = |name: &str| env(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| get(name));
    let locale = locale.unwrap_or_default().to_ascii_lowercase();
    let utf8 = locale.contains("utf-8") || locale.contains("utf8");
    match get("TERM").as_deref() {
        Some("linux" | "dumb") => Charset::Ascii,
        _ if utf8 => Charset::Unicode,
        _ => Charset::Ascii,
    }
}

/// The steps of xterm's colour cube.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// xterm's default for the 16 colours; what the user chose is not known, but rarely far.
const ANSI: [(Color, [u8; 3]); 16] = [
    (Color::Black, [0, 0, 0]),
    (Color::Red, [205, 0, 0]),
    (Color::Green, [0, 205, 0]),
    (Color::Yellow, [205, 205, 0]),
    (Color::Blue, [0, 0, 238]),
    (Color::Magenta, [205, 0, 205]),
    (Color::Cyan, [0, 205, 205]),
    (Color::Gray, [229, 229, 229]),
    (Color::DarkGray, [127, 127, 127]),
    (Color::LightRed, [255, 0, 0]),
    (Color::LightGreen, [0, 255, 0]),
    (Color::LightYellow, [255, 255, 0]),
    (Color::LightBlue, [92, 92, 255]),
    (Color::LightMagenta, [255, 0, 255]),
    (Color::LightCyan, [0, 255, 255]),
    (Color::White, [255, 255, 255]),
];

fn nearest_indexed(rgb: [u8; 3]) -> u8 {
    (16..=255)
        .min_by_key(|index| distance(rgb, indexed(*index)))
        .unwrap_or(15)
}

fn nearest_ansi(rgb: [u8; 3]) -> Color {
    let nearest = ANSI.iter().min_by_key(|(_, ansi)| distance(rgb, *ansi));
    nearest.map_or(Color::Reset, |(color, _)| *color)
}

/// The colour that xterm has at an index of 16 or more; those below are the user's.
fn indexed(index: u8) -> [u8; 3] {
    if index >= 232 {
        return [(index - 232) * 10 + 8; 3];
    }
    let index = usize::from(index.saturating_sub(16));
    [index / 36, index / 6 % 6, index % 6].map(|step| STEPS.get(step).copied().unwrap_or_default())
}

/// Squared distance, weighted as the eye weighs ("redmean", <https://www.compuphase.com/cmetric.htm>).
fn distance(a: [u8; 3], b: [u8; 3]) -> i32 {
    let [ar, ag, ab] = a.map(i32::from);
    let [br, bg, bb] = b.map(i32::from);
    let red = i32::midpoint(ar, br);
    let (dr, dg, db) = (ar - br, ag - bg, ab - bb);
    (512 + red) * dr * dr / 256 + 4 * dg * dg + (767 - red) * db * db / 256
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        |name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn colours_by_environment() {
        for (pairs, depth) in [
            (
                &[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")][..],
                Depth::TrueColor,
            ),
            (&[("TERM", "xterm-256color")], Depth::Ansi256),
            (&[("TERM", "xterm")], Depth::Ansi16),
            (&[("TERM", "xterm-kitty")], Depth::TrueColor),
            (&[("TERM", "tmux-256color"), ("COLORTERM", "24bit")], Depth::TrueColor),
            (
                &[("TERM", "screen-256color"), ("COLORTERM", "truecolor")],
                Depth::Ansi256,
            ),
            (
                &[
                    ("TERM", "screen-256color"),
                    ("COLORTERM", "truecolor"),
                    ("TMUX", "/tmp/t"),
                ],
                Depth::TrueColor,
            ),
            (&[("TERM", "linux"), ("COLORTERM", "truecolor")], Depth::Ansi16),
            (&[("TERM", "dumb"), ("COLORTERM", "truecolor")], Depth::None),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "1")], Depth::None),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "")], Depth::Ansi256),
            (&[], Depth::Ansi16),
        ] {
            assert_eq!(Depth::detect(env(pairs)), depth, "{pairs:?}");
        }
    }

    #[test]
    fn charset_by_environment() {
        for (pairs, expected) in [
            (&[("LANG", "en_US.UTF-8")][..], Charset::Unicode),
            (&[("LANG", "C.utf8")], Charset::Unicode),
            (&[("LANG", "en_US.UTF-8"), ("LC_ALL", "C")], Charset::Ascii),
            (&[("LANG", "C"), ("LC_CTYPE", "de_DE.UTF-8")], Charset::Unicode),
            (&[("LANG", "en_US.UTF-8"), ("LC_ALL", "")], Charset::Unicode),
            (&[("LANG", "en_US.UTF-8"), ("TERM", "linux")], Charset::Ascii),
            (&[("LANG", "de_DE.ISO-8859-1")], Charset::Ascii),
            (&[], Charset::Ascii),
        ] {
            assert_eq!(charset(env(pairs)), expected, "{pairs:?}");
        }
    }

    #[test]
    fn colours_come_down() {
        let red = Style::new().fg(Color::Rgb(255, 0, 0)).bg(Color::Indexed(244));
        assert_eq!(Depth::TrueColor.bring_down(red), red);
        assert_eq!(Depth::Ansi256.bring_down(red).fg, Some(Color::Indexed(196)));
        assert_eq!(Depth::Ansi16.bring_down(red).fg, Some(Color::LightRed));
        assert_eq!(Depth::Ansi16.bring_down(red).bg, Some(Color::DarkGray));
        assert_eq!(Depth::None.bring_down(red), Style::new());
        assert_eq!(indexed(16), [0, 0, 0]);
        assert_eq!(indexed(231), [255, 255, 255]);
        assert_eq!(indexed(232), [8, 8, 8]);
    }
}
