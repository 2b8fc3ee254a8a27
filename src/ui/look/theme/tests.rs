//! The built-in themes are complete, readable and stay apart; mistakes in a file are told with their line.

use super::*;
use crate::ui::look::{Glyphs, Look};

fn built_in(name: &str, depth: Depth) -> Theme {
    Sources::read(None).theme(name, depth).unwrap()
}

/// A theme out of a directory with these files.
fn with_files(files: &[(&str, &str)], name: &str) -> Result<Look, String> {
    let dir = tempfile::tempdir().unwrap();
    for (file, text) in files {
        std::fs::write(dir.path().join(file), text).unwrap();
    }
    let look = Look::new(name, Some(dir.path()), Depth::TrueColor, &Glyphs::UNICODE);
    look.map_err(|error| error.replace(&dir.path().display().to_string(), "DIR"))
}

#[test]
fn every_theme_styles_every_role_that_needs_it() {
    for (name, _) in BUILT_IN {
        for depth in [Depth::TrueColor, Depth::Ansi256, Depth::Ansi16] {
            let theme = built_in(name, depth);
            for (key, role) in Role::KEYS {
                assert!(*name == MONO || theme.styles.contains_key(role), "{name} has no {key}");
            }
            assert_ne!(theme.style(Role::Selected), Style::new(), "{name}");
        }
    }
}

#[test]
fn no_colour_means_no_colour_and_still_a_selection() {
    for (name, _) in BUILT_IN {
        let theme = built_in(name, Depth::None);
        assert_eq!(&theme.name, name);
        assert!(
            theme
                .styles
                .values()
                .all(|style| style.fg.is_none() && style.bg.is_none())
        );
        assert!(theme.style(Role::Selected).add_modifier.contains(Modifier::REVERSED));
    }
}

#[test]
fn sixteen_colours_are_the_terminals_own() {
    for (name, _) in BUILT_IN {
        for style in built_in(name, Depth::Ansi16).styles.values() {
            for color in [style.fg, style.bg].into_iter().flatten() {
                assert!(
                    !matches!(color, Color::Rgb(..) | Color::Indexed(16..)),
                    "{name}: {color:?}"
                );
            }
        }
    }
}

/// Relative luminance and contrast as WCAG 2.2 defines them.
fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
    let luminance = |rgb: [u8; 3]| {
        let [r, g, b] = rgb.map(|channel| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn rgb(color: Option<Color>) -> Option<[u8; 3]> {
    match color {
        Some(Color::Rgb(r, g, b)) => Some([r, g, b]),
        _ => None,
    }
}

#[test]
fn the_contrast_formula_is_wcags() {
    assert!((contrast([0; 3], [255; 3]) - 21.0).abs() < 0.001);
    // A pair with a published ratio: #767676 on white is the lightest grey that passes AA.
    assert!((contrast([0x76; 3], [255; 3]) - 4.54).abs() < 0.01);
}

#[test]
fn every_text_can_be_read() {
    for (name, background, text, graphic) in [
        ("dark", [0; 3], 4.5, 3.0),
        ("dark", [0x1e, 0x1e, 0x2e], 4.5, 2.5),
        ("light", [255; 3], 4.5, 3.0),
        ("light", [0xfa, 0xf4, 0xe8], 4.5, 2.8),
        ("high-contrast", [0; 3], 7.0, 4.5),
        ("colorblind", [0; 3], 4.5, 3.0),
    ] {
        let theme = built_in(name, Depth::TrueColor);
        for (key, role) in Role::KEYS {
            let Some(color) = rgb(theme.style(*role).fg) else {
                continue;
            };
            let own = rgb(theme.style(*role).bg).unwrap_or(background);
            let needed = if matches!(role, Role::Border | Role::Spark) {
                graphic
            } else {
                text
            };
            let ratio = contrast(color, own);
            assert!(
                ratio >= needed,
                "{name}: {key} has {ratio:.2} on {own:?}, {needed} is needed"
            );
        }
        let selected = theme.style(Role::Selected);
        if selected.fg.is_none() {
            for role in [Role::Critical, Role::Warning, Role::Muted, Role::Denied] {
                let ratio = contrast(rgb(theme.style(role).fg).unwrap(), rgb(selected.bg).unwrap());
                assert!(ratio >= 3.5, "{name}: {role:?} has {ratio:.2} on the selected row");
            }
        }
    }
}

#[test]
fn alerts_and_waits_stay_apart() {
    for name in ["dark", "light", "high-contrast", "colorblind"] {
        for depth in [Depth::TrueColor, Depth::Ansi256, Depth::Ansi16] {
            let theme = built_in(name, depth);
            for group in [
                &[Role::Ok, Role::Notice, Role::Warning, Role::Critical][..],
                &[
                    Role::WaitCpu,
                    Role::WaitLock,
                    Role::WaitLwLock,
                    Role::WaitIo,
                    Role::WaitOther,
                ],
            ] {
                let colors: Vec<_> = group.iter().map(|role| theme.style(*role).fg).collect();
                for (nth, color) in colors.iter().enumerate() {
                    assert!(!colors[..nth].contains(color), "{name} at {depth:?}: {:?}", group[nth]);
                }
            }
        }
    }
}

#[test]
fn a_file_inherits_and_changes_the_palette() {
    let look = with_files(
        &[(
            "mine.toml",
            "inherits = \"dark\"\n[palette]\nred = \"#123456\"\n[muted]\nbold = true\n",
        )],
        "mine",
    );
    let theme = look.unwrap().theme;
    assert_eq!(theme.style(Role::Critical).fg, Some(Color::Rgb(0x12, 0x34, 0x56)));
    assert_eq!(theme.style(Role::Muted), Style::new().add_modifier(Modifier::BOLD));
    assert_eq!(
        theme.style(Role::Accent),
        built_in("dark", Depth::TrueColor).style(Role::Accent)
    );
}

#[test]
fn a_file_may_take_the_place_of_a_built_in_theme() {
    let look = with_files(&[("dark.toml", "inherits = \"dark\"\ntext = 17\n")], "light").unwrap();
    let complaint = look.complaints().first().unwrap();
    assert!(complaint.ends_with("dark.toml, line 2: a table is needed here, or a colour where a style stands."));
    assert_eq!(
        look.theme,
        built_in("light", Depth::TrueColor),
        "built-in themes inherit built-in ones"
    );
    let look = with_files(&[("dark.toml", "inherits = \"dark\"\ntext = \"17\"\n")], "dark").unwrap();
    assert_eq!(look.theme.style(Role::Text).fg, Some(Color::Indexed(17)));
    assert_eq!(look.theme_names().filter(|name| *name == "dark").count(), 1);
}

#[test]
fn mistakes_are_told_with_file_and_line() {
    let error = |text: &str| with_files(&[("x.toml", text)], "x").unwrap_err();
    let starts = |error: String, start: &str| assert!(error.starts_with(start), "{error}");
    starts(
        error("\n[alert]\nfatal = \"red\"\n"),
        "DIR/x.toml, line 3: unknown key \"alert.fatal\"; the keys are inherits",
    );
    starts(
        error("text = { fg = \"red\", blink = true }"),
        "DIR/x.toml, line 1: unknown key \"blink\" of a style",
    );
    starts(
        error("\ntext = \"redish\""),
        "DIR/x.toml, line 2: \"redish\" is no colour; write #rrggbb",
    );
    starts(
        error("text = \"#é12345\""),
        "DIR/x.toml, line 1: \"#é12345\" is no colour",
    );
    starts(
        error("text = { bold = 1 }"),
        "DIR/x.toml, line 1: true or false is needed here.",
    );
    starts(error("\n\nwhat is this"), "DIR/x.toml, line 3: this is no TOML");
    starts(
        error("inherits = \"nope\""),
        "DIR/x.toml: There is no theme \"nope\"; the themes are dark, light",
    );
    starts(error("inherits = \"x\""), "DIR/x.toml: There is no theme \"x\"");
    starts(with_files(&[], "nope").unwrap_err(), "There is no theme \"nope\"");
    let circle = [("a.toml", "inherits = \"b\""), ("b.toml", "inherits = \"a\"")];
    assert!(with_files(&circle, "a").unwrap_err().ends_with("in a circle."));
}

#[test]
fn a_file_that_cannot_be_read_is_no_theme() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("latin.toml"), b"# gr\xfcn").unwrap();
    let look = Look::new("dark", Some(dir.path()), Depth::TrueColor, &Glyphs::UNICODE).unwrap();
    assert!(
        look.complaints()[0].contains("latin.toml cannot be read: "),
        "{:?}",
        look.complaints()
    );
    assert!(Look::new("latin", Some(dir.path()), Depth::TrueColor, &Glyphs::UNICODE).is_err());
}

#[test]
fn the_settings_win_over_the_environment() {
    use crate::config::{Ascii, Color, Settings};
    let env = |name: &str| match name {
        "TERM" => Some("xterm-256color".to_owned()),
        "LANG" => Some("de_DE.UTF-8".to_owned()),
        _ => None,
    };
    let look = |settings: Settings| Look::of(&settings, env).unwrap();
    let auto = look(Settings::default());
    assert_eq!((auto.depth, auto.glyphs), (Depth::Ansi256, &Glyphs::UNICODE));
    assert_eq!(auto.theme.name, "dark");
    let told = look(Settings {
        ascii: Ascii::On,
        color: Color::TrueColor,
        theme: "light".to_owned(),
        ..Settings::default()
    });
    assert_eq!((told.depth, told.glyphs), (Depth::TrueColor, &Glyphs::ASCII));
    assert_eq!(told.theme, built_in("light", Depth::TrueColor));
}

#[test]
fn themes_go_round() {
    let mut look = Look::new("light", None, Depth::TrueColor, &Glyphs::UNICODE).unwrap();
    let mut seen = vec![look.theme.name.clone()];
    for _ in 1..BUILT_IN.len() {
        look.next_theme();
        seen.push(look.theme.name.clone());
    }
    assert_eq!(seen, ["light", "high-contrast", "colorblind", "mono", "dark"]);
    look.next_theme();
    assert_eq!(look.theme.name, "light");
}
