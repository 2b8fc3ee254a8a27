//! Every action with its name, its keys and its description, once: the table feeds dispatch, footer, help and
//! the `[keys]` section of the configuration.

/// What a key can mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Quit.
    Quit,
    /// Go to the nth tab, from 0.
    Tab(u8),
    /// Next tab.
    NextTab,
    /// Previous tab.
    PrevTab,
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// One page up.
    PageUp,
    /// One page down.
    PageDown,
    /// To the first row.
    First,
    /// To the last row.
    Last,
    /// Scroll columns to the left.
    Left,
    /// Scroll columns to the right.
    Right,
    /// Open the details of the selected row.
    Enter,
    /// Close the topmost popup or detail page.
    Back,
    /// Show the SQL of the pane.
    Sql,
    /// Edit the filter.
    Filter,
    /// Sort by the column to the left.
    SortPrev,
    /// Sort by the column to the right.
    SortNext,
    /// Turn the sort order round.
    Reverse,
    /// Freeze the screen.
    Freeze,
    /// Ask more often.
    Faster,
    /// Ask less often.
    Slower,
    /// Ask this pane's queries now.
    Refresh,
    /// Copy by OSC 52.
    Copy,
    /// Next theme.
    Theme,
    /// Query texts without their literals, or with them.
    Redact,
    /// Show the messages of this session.
    Messages,
    /// Show what this program costs the server.
    Cost,
    /// List the databases of the server, to switch to another one.
    Databases,
    /// Show the help of this pane.
    Help,
    /// Suspend, as Ctrl-Z does in a shell.
    Suspend,
    /// Draw the whole screen anew.
    Redraw,
    /// Next view of the pane (Activity: all, active, waiting, ...).
    NextView,
    /// Previous view of the pane.
    PrevView,
    /// Step the minimum duration.
    MinDuration,
    /// Background processes on or off.
    Background,
    /// Open or close the folded group under the selection.
    Fold,
    /// Set the mark that counters are compared with.
    Mark,
    /// Measure the bloat of the relation on the page.
    Measure,
    /// Open the details of the table that the selected row is about.
    Object,
    /// Ask how the server would plan the statement on the page.
    Explain,
    /// The statement on the page as it was written, or set out.
    Format,
    /// Take note of an alert: it is quiet until it gets worse.
    Acknowledge,
    /// List what was checked, and what could not be.
    Checks,
    /// Say yes to the question on the screen.
    GoOn,
}

/// One row of the key table.
#[derive(Debug)]
pub struct Binding {
    /// What it does.
    pub action: Action,
    /// Its name in `[keys]`.
    pub name: &'static str,
    /// Default keys in the notation of the configuration: `q`, `ctrl-c`, `shift-tab`, `f1`, `pgup`, `space`.
    pub keys: &'static [&'static str],
    /// What it does, for the help; starts with a small letter.
    pub help: &'static str,
    /// One or two words for the footer; empty where it needs no hint.
    pub hint: &'static str,
}

const fn row(
    action: Action,
    name: &'static str,
    keys: &'static [&'static str],
    help: &'static str,
    hint: &'static str,
) -> Binding {
    Binding {
        action,
        name,
        keys,
        help,
        hint,
    }
}

/// The key table, in the order of footer and help.
pub static BINDINGS: &[Binding] = &[
    row(Action::GoOn, "go-on", &["a"], "go on all the same", "go on"),
    row(
        Action::Enter,
        "details",
        &["enter"],
        "open the details of the selected row",
        "details",
    ),
    row(
        Action::Back,
        "back",
        &["esc"],
        "close the popup or page on top; clear the filter",
        "back",
    ),
    row(
        Action::Acknowledge,
        "acknowledge",
        &["a"],
        "take note of the selected alert: quiet until it gets worse; again to undo",
        "note",
    ),
    row(Action::Fold, "fold", &["e"], "open or close a folded group", "fold"),
    row(Action::NextView, "next-view", &["v"], "next view of this pane", "view"),
    row(
        Action::PrevView,
        "previous-view",
        &["V"],
        "previous view of this pane",
        "",
    ),
    row(
        Action::Mark,
        "mark",
        &["M"],
        "set the mark: counters are shown since then",
        "mark",
    ),
    row(
        Action::Measure,
        "measure",
        &["b"],
        "measure the bloat of this relation; again to stop",
        "measure",
    ),
    row(
        Action::Object,
        "object",
        &["t"],
        "open the table that the selected row is about",
        "table",
    ),
    row(
        Action::Explain,
        "explain",
        &["p"],
        "ask for the generic plan of this statement (never runs it)",
        "plan",
    ),
    row(
        Action::Format,
        "format",
        &["f"],
        "the statement as written, or set out",
        "set out",
    ),
    row(
        Action::Filter,
        "filter",
        &["/"],
        "filter: text, re:regex, column:text, !not",
        "filter",
    ),
    row(Action::Sql, "sql", &["s"], "show the SQL of what is on screen", "SQL"),
    row(
        Action::Copy,
        "copy",
        &["y"],
        "copy a cell, a row, a query or a statement (OSC 52)",
        "copy",
    ),
    row(
        Action::Freeze,
        "freeze",
        &["space"],
        "freeze the screen; polling goes on",
        "freeze",
    ),
    row(
        Action::MinDuration,
        "min-duration",
        &["D"],
        "step the minimum duration",
        "min age",
    ),
    row(
        Action::Background,
        "background",
        &["b"],
        "show or hide background processes",
        "background",
    ),
    row(
        Action::Refresh,
        "refresh",
        &["R"],
        "ask the queries on screen again now",
        "",
    ),
    row(Action::Help, "help", &["?", "f1"], "help of this pane", "help"),
    row(Action::Quit, "quit", &["q", "ctrl-c"], "quit", "quit"),
    row(
        Action::SortPrev,
        "sort-previous",
        &["<"],
        "sort by the column to the left",
        "",
    ),
    row(
        Action::SortNext,
        "sort-next",
        &[">"],
        "sort by the column to the right",
        "",
    ),
    row(Action::Reverse, "reverse", &["r"], "turn the sort order round", ""),
    row(
        Action::Faster,
        "faster",
        &["+", "="],
        "ask the hot queries more often (down to 0.5 s)",
        "",
    ),
    row(
        Action::Slower,
        "slower",
        &["-"],
        "ask the hot queries less often (up to 60 s)",
        "",
    ),
    row(
        Action::Checks,
        "checks",
        &["w"],
        "what was checked, what could not be and why",
        "",
    ),
    row(Action::Messages, "messages", &["m"], "messages of this session", ""),
    row(Action::Cost, "cost", &["c"], "what this program costs the server", ""),
    row(
        Action::Databases,
        "databases",
        &["d"],
        "databases of this server; switch to another one",
        "databases",
    ),
    row(
        Action::Redact,
        "redact",
        &["X"],
        "hide or show the literals in query texts",
        "",
    ),
    row(Action::Theme, "theme", &["T"], "next theme", ""),
    row(Action::Up, "up", &["up", "k"], "one row up", ""),
    row(Action::Down, "down", &["down", "j"], "one row down", ""),
    row(Action::PageUp, "page-up", &["pgup", "ctrl-b"], "one page up", ""),
    row(Action::PageDown, "page-down", &["pgdn", "ctrl-f"], "one page down", ""),
    row(Action::First, "first", &["g", "home"], "to the first row", ""),
    row(Action::Last, "last", &["G", "end"], "to the last row", ""),
    row(Action::Left, "left", &["left", "h"], "scroll columns to the left", ""),
    row(
        Action::Right,
        "right",
        &["right", "l"],
        "scroll columns to the right",
        "",
    ),
    row(
        Action::NextTab,
        "next-tab",
        &["tab"],
        "next tab; next query in the SQL popup",
        "",
    ),
    row(Action::PrevTab, "previous-tab", &["shift-tab"], "previous tab", ""),
    row(Action::Tab(0), "tab-1", &["1"], "go to the 1st tab", ""),
    row(Action::Tab(1), "tab-2", &["2"], "go to the 2nd tab", ""),
    row(Action::Tab(2), "tab-3", &["3"], "go to the 3rd tab", ""),
    row(Action::Tab(3), "tab-4", &["4"], "go to the 4th tab", ""),
    row(Action::Tab(4), "tab-5", &["5"], "go to the 5th tab", ""),
    row(Action::Tab(5), "tab-6", &["6"], "go to the 6th tab", ""),
    row(Action::Tab(6), "tab-7", &["7"], "go to the 7th tab", ""),
    row(Action::Tab(7), "tab-8", &["8"], "go to the 8th tab", ""),
    row(Action::Tab(8), "tab-9", &["9"], "go to the 9th tab", ""),
    row(Action::Suspend, "suspend", &["ctrl-z"], "suspend; fg comes back", ""),
    row(Action::Redraw, "redraw", &["ctrl-l"], "draw the whole screen anew", ""),
];

impl Action {
    /// True for what the program itself does; the rest is for the view on top.
    #[must_use]
    pub const fn is_global(self) -> bool {
        matches!(
            self,
            Self::Quit
                | Self::Tab(_)
                | Self::NextTab
                | Self::PrevTab
                | Self::Back
                | Self::Sql
                | Self::Filter
                | Self::Freeze
                | Self::Faster
                | Self::Slower
                | Self::Refresh
                | Self::Copy
                | Self::Theme
                | Self::Redact
                | Self::Messages
                | Self::Checks
                | Self::Cost
                | Self::Databases
                | Self::Help
                | Self::Suspend
                | Self::Redraw
        )
    }

    /// Its row in the table.
    #[must_use]
    pub fn binding(self) -> Option<&'static Binding> {
        BINDINGS.iter().find(|binding| binding.action == self)
    }
}
