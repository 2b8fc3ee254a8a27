//! How meaning looks: a role is what a piece of text means, a theme (themes/*.toml) gives each role its style,
//! the glyphs have an ASCII twin for terminals without UTF-8. Panes name roles, never colours.

use ratatui::style::Style;

use super::text::Charset;

/// What a piece of text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
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

/// Everything that decides how the screen looks; one value, handed to every `draw`.
#[derive(Clone, Debug)]
pub struct Look {
    /// The theme in force.
    pub theme: super::look::Theme,
    /// Box drawing, block elements and severity marks, or their ASCII twins.
    pub glyphs: &'static Glyphs,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            theme: Theme::default(),
            glyphs: &Glyphs::UNICODE,
        }
    }
}

impl Look {
    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    /// The sign that goes with a severity or with [`Role::Ok`], [`Role::Stale`]; a space for any other role.
    #[must_use]
    pub const fn mark(&self, role: Role) -> &'static str {
        match role {
            Role::Critical => self.glyphs.critical,
            Role::Warning => self.glyphs.warning,
            Role::Notice => self.glyphs.notice,
            Role::Ok => self.glyphs.ok,
            Role::Stale => self.glyphs.stale,
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
        spark: ["_", ".", "-", "-", "=", "=", "#", "#"],
        bar: "#",
        none: "-",
        charset: Charset::Ascii,
    };
}

/// A theme: a style for each role.
#[derive(Clone, Debug, Default)]
pub struct Theme {
    /// Its name.
    pub name: String,
    /// The styles.
    pub styles: std::collections::BTreeMap<Role, Style>,
}

impl Theme {
    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(&role).copied().unwrap_or_default()
    }
}
