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
    /// Show the messages of this session.
    Messages,
    /// Show what this program costs the server.
    Cost,
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
}

/// One row of the key table.
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
