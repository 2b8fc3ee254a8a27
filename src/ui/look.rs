//! How meaning looks: a role is what a piece of text means, a theme (themes/*.toml) gives each role its style,
//! the glyphs have an ASCII twin for terminals without UTF-8. Panes name roles, never colours.

mod depth;
mod theme;

use std::path::Path;
use std::sync::Arc;

use ratatui::style::Style;
use ratatui::symbols::border;

use super::text::Charset;
use crate::config::{self, Settings};

pub use depth::{Depth, charset};
pub use theme::Theme;

/// What a piece of text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The whole screen before anything is drawn on it; most themes leave it to the terminal.
    Screen,
    /// Plain text.
    Text,
    /// Less important text: units, labels.
    Muted,
    /// The one accent: selected tab, key hints, sort column.
    Accent,
    /// Title of a pane, a popup or a block.
    Title,
    /// Column titles.
    Header,
    /// The selected row.
    Selected,
    /// Lines and borders.
    Border,
    /// Something is well.
    Ok,
    /// Worth a look.
    Notice,
    /// Act soon.
    Warning,
    /// Act now.
    Critical,
    /// Not confirmed any more.
    Stale,
    /// An estimate, not a measurement.
    Estimated,
    /// Hidden by privileges, or not possible on this version.
    Denied,
    /// A key in footer and help.
    Key,
    /// SQL: a keyword.
    SqlKeyword,
    /// SQL: a string.
    SqlString,
    /// SQL: a number.
    SqlNumber,
    /// SQL: a comment.
    SqlComment,
    /// SQL: a `$1`.
    SqlParam,
    /// SQL: a function name.
    SqlFunction,
    /// Wait class: on CPU.
    WaitCpu,
    /// Wait class: Lock.
    WaitLock,
    /// Wait class: LWLock, BufferPin.
    WaitLwLock,
    /// Wait class: IO.
    WaitIo,
    /// Wait class: IPC, Timeout, Extension, Client while active.
    WaitOther,
    /// A sparkline.
    Spark,
}

impl Role {
    /// Every role with its key in themes/*.toml.
    pub const KEYS: &[(&str, Self)] = &[
        ("screen", Self::Screen),
        ("text", Self::Text),
        ("muted", Self::Muted),
        ("accent", Self::Accent),
        ("title", Self::Title),
        ("border", Self::Border),
        ("key", Self::Key),
        ("spark", Self::Spark),
        ("table.header", Self::Header),
        ("table.selected", Self::Selected),
        ("alert.ok", Self::Ok),
        ("alert.notice", Self::Notice),
        ("alert.warning", Self::Warning),
        ("alert.critical", Self::Critical),
        ("data.stale", Self::Stale),
        ("data.estimated", Self::Estimated),
        ("data.denied", Self::Denied),
        ("sql.keyword", Self::SqlKeyword),
        ("sql.string", Self::SqlString),
        ("sql.number", Self::SqlNumber),
        ("sql.comment", Self::SqlComment),
        ("sql.param", Self::SqlParam),
        ("sql.function", Self::SqlFunction),
        ("wait.cpu", Self::WaitCpu),
        ("wait.lock", Self::WaitLock),
        ("wait.lwlock", Self::WaitLwLock),
        ("wait.io", Self::WaitIo),
        ("wait.other", Self::WaitOther),
    ];
}

/// Everything that decides how the screen looks; one value, handed to every `draw`.
#[derive(Clone, Debug)]
pub struct Look {
    /// The theme in force.
    pub theme: super::look::Theme,
    /// Box drawing, block elements and severity marks, or their ASCII twins.
    pub glyphs: &'static Glyphs,
    /// What colours there are.
    pub depth: Depth,
    /// Every theme that can be chosen, by name.
    themes: Arc<[Theme]>,
    complaints: Vec<String>,
}

/// The first theme, without colours, for a terminal with UTF-8: what tests draw with.
impl Default for Look {
    fn default() -> Self {
        Self {
            theme: Theme::default(),
            glyphs: &Glyphs::UNICODE,
            depth: Depth::None,
            themes: Arc::new([]),
            complaints: Vec::new(),
        }
    }
}

impl Look {
    /// The look with that theme, out of the built-in ones and the `*.toml` files of a directory; a file with the
    /// name of a built-in theme takes its place. A directory that does not exist holds no themes.
    ///
    /// # Errors
    /// A sentence: the theme is unknown (with the known ones), or its file has a mistake (with file and line).
    pub fn new(theme: &str, dir: Option<&Path>, depth: Depth, glyphs: &'static Glyphs) -> Result<Self, String> {
        let sources = theme::Sources::read(dir);
        let chosen = sources.theme(theme, depth)?;
        let (mut themes, mut complaints) = (Vec::new(), Vec::new());
        for name in sources.names() {
            match sources.theme(name, depth) {
                Ok(theme) => themes.push(theme),
                Err(complaint) => complaints.push(complaint),
            }
        }
        Ok(Self {
            theme: chosen,
            glyphs,
            depth,
            themes: themes.into(),
            complaints,
        })
    }

    /// The look of the settings on the terminal of this process' environment.
    ///
    /// # Errors
    /// See [`Self::new`].
    pub fn of_environment(settings: &Settings) -> Result<Self, String> {
        Self::of(settings, |name| std::env::var(name).ok())
    }

    /// The look of the settings on a terminal with that environment.
    fn of(settings: &Settings, env: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let charset = match settings.ascii {
            config::Ascii::Auto => charset(&env),
            config::Ascii::On => Charset::Ascii,
            config::Ascii::Off => Charset::Unicode,
        };
        let depth = match settings.color {
            config::Color::Auto => Depth::detect(&env),
            config::Color::TrueColor => Depth::TrueColor,
            config::Color::Ansi256 => Depth::Ansi256,
            config::Color::Ansi16 => Depth::Ansi16,
            config::Color::Never => Depth::None,
        };
        Self::new(
            &settings.theme,
            settings.theme_dir.as_deref(),
            depth,
            Glyphs::of(charset),
        )
    }

    /// The names of the themes that [`Self::next_theme`] goes through.
    pub fn theme_names(&self) -> impl Iterator<Item = &str> {
        self.themes.iter().map(|theme| theme.name.as_str())
    }

    /// What is wrong with theme files that were not asked for, one sentence each.
    #[must_use]
    pub fn complaints(&self) -> &[String] {
        &self.complaints
    }

    /// Goes on to the next theme, after the last one to the first; returns its name.
    pub fn next_theme(&mut self) -> &str {
        let now = self.themes.iter().position(|theme| theme.name == self.theme.name);
        let next = now.map_or(0, |now| now + 1);
        if let Some(theme) = self.themes.get(next).or_else(|| self.themes.first()) {
            self.theme = theme.clone();
        }
        &self.theme.name
    }
}

impl Look {
    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    /// The sign that goes with a severity or with [`Role::Ok`], [`Role::Stale`], [`Role::Estimated`]; a space for any other role.
    #[must_use]
    pub const fn mark(&self, role: Role) -> &'static str {
        match role {
            Role::Critical => self.glyphs.critical,
            Role::Warning => self.glyphs.warning,
            Role::Notice => self.glyphs.notice,
            Role::Ok => self.glyphs.ok,
            Role::Stale => self.glyphs.stale,
            Role::Estimated => self.glyphs.about,
            _ => " ",
        }
    }
}

/// Signs that have an ASCII twin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glyphs {
    /// ✖ or `X`.
    pub critical: &'static str,
    /// ▲ or `!`.
    pub warning: &'static str,
    /// ◆ or `*`.
    pub notice: &'static str,
    /// ✔ or `+`.
    pub ok: &'static str,
    /// ● live.
    pub live: &'static str,
    /// ○ stale.
    pub stale: &'static str,
    /// Tree: ├ and a space.
    pub branch: &'static str,
    /// Tree: └ and a space.
    pub last: &'static str,
    /// Tree: │ and a space.
    pub pipe: &'static str,
    /// ─
    pub line: &'static str,
    /// … where text was cut.
    pub ellipsis: &'static str,
    /// ≤
    pub at_most: &'static str,
    /// ≈
    pub about: &'static str,
    /// ↑ ascending.
    pub up: &'static str,
    /// ↓ descending.
    pub down: &'static str,
    /// ← more columns to the left.
    pub left: &'static str,
    /// → more columns to the right.
    pub right: &'static str,
    /// Between short facts: ·
    pub dot: &'static str,
    /// Sparkline levels, lowest first.
    pub spark: [&'static str; 8],
    /// Bar: full block.
    pub bar: &'static str,
    /// No value (a gap, unknown): –
    pub none: &'static str,
    /// What the terminal can show.
    pub charset: Charset,
}

impl Glyphs {
    /// For a terminal with UTF-8.
    pub const UNICODE: Self = Self {
        critical: "✖",
        warning: "▲",
        notice: "◆",
        ok: "✔",
        live: "●",
        stale: "○",
        branch: "├ ",
        last: "└ ",
        pipe: "│ ",
        line: "─",
        ellipsis: "…",
        at_most: "≤",
        about: "≈",
        up: "↑",
        down: "↓",
        left: "←",
        right: "→",
        dot: "·",
        spark: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
        bar: "█",
        none: "–",
        charset: Charset::Unicode,
    };

    /// For every other terminal.
    pub const ASCII: Self = Self {
        critical: "X",
        warning: "!",
        notice: "*",
        ok: "+",
        live: "*",
        stale: "o",
        branch: "|-",
        last: "`-",
        pipe: "| ",
        line: "-",
        ellipsis: "~",
        at_most: "<",
        about: "~",
        up: "^",
        down: "v",
        left: "<",
        right: ">",
        dot: ".",
        spark: ["_", ".", ":", "-", "=", "+", "*", "#"],
        bar: "#",
        none: "-",
        charset: Charset::Ascii,
    };
}

impl Glyphs {
    /// The lines of a frame, for ratatui's blocks.
    #[must_use]
    pub const fn border(&self) -> border::Set<'static> {
        match self.charset {
            Charset::Unicode => border::ROUNDED,
            Charset::Ascii => border::Set {
                top_left: "+",
                top_right: "+",
                bottom_left: "+",
                bottom_right: "+",
                vertical_left: "|",
                vertical_right: "|",
                horizontal_top: "-",
                horizontal_bottom: "-",
            },
        }
    }

    /// The glyphs for a terminal of that charset.
    #[must_use]
    pub const fn of(charset: Charset) -> &'static Self {
        match charset {
            Charset::Unicode => &Self::UNICODE,
            Charset::Ascii => &Self::ASCII,
        }
    }
}
