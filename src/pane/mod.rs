//! What is shown: one folder a pane, listed once in [`panes`]. A pane keeps what it has derived from the
//! [`World`] (sorted, filtered rows) and draws that; it never computes while drawing.

mod activity;
mod backend;
mod common;
mod list;
mod locks;
mod overview;
mod page;
mod panels;
mod partitions;
mod queries;
mod relation;
mod replication;
mod statement;
mod storage;
#[cfg(test)]
mod testing;
mod vacuum;
mod wraparound;

use std::cmp::Ordering;
use std::sync::LazyLock;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::action::Action;
use crate::alert::{Jump, Unchecked};
use crate::model::concern::Severity;
use crate::probe::{Demand, Subject};
use crate::ui::filter::Filter;
use crate::ui::look::{Look, Role};
use crate::world::World;

/// Something that fills the body of the screen (a pane, a detail page) or lies over it (a popup).
pub trait View {
    /// Short name, also the pane's id: `locks`.
    fn id(&self) -> &'static str;

    /// Title for the tab, the popup's border or the head of a detail page.
    fn title(&self) -> String;

    /// The title where room is short.
    fn short_title(&self) -> String {
        self.title()
    }

    /// Ids of the probes it shows, in the order of importance: what `s` explains and `R` asks again.
    fn probes(&self) -> Vec<&'static str>;

    /// Ids of all the probes it can show in one view or another.
    fn all_probes(&self) -> Vec<&'static str> {
        self.probes()
    }

    /// The actions it takes now; the footer shows those of them that have a hint.
    fn actions(&self) -> Vec<Action>;

    /// New data, or a changed sort order, filter or view: compute what `draw` will show.
    fn derive(&mut self, world: &World);

    /// The room there is: keep the selection inside. Called before `draw` whenever something changed.
    fn arrange(&mut self, area: Rect);

    /// Takes an action; [`Reply::Ignored`] hands it on to the view below.
    fn on(&mut self, action: Action, world: &World) -> Reply;

    /// Shows what `derive` computed. Computes nothing itself.
    fn draw(&self, world: &World, look: &Look, area: Rect, buf: &mut Buffer);

    /// What is wrong here, for the tab: a count and how bad.
    fn badge(&self) -> Option<Badge> {
        None
    }

    /// What `y` offers to copy, best first.
    fn copies(&self, _world: &World) -> Vec<Copy> {
        Vec::new()
    }

    /// The filter in force; `None` where nothing can be filtered.
    fn filter(&self) -> Option<&Filter> {
        None
    }

    /// Reads what was typed after `/`.
    ///
    /// # Errors
    /// Why it is no filter: the bad regular expression, the unknown column and the known ones.
    fn parse_filter(&self, _text: &str) -> Result<Filter, String> {
        Err("There is nothing to filter here.".to_owned())
    }

    /// A new filter; `derive` follows.
    fn set_filter(&mut self, _filter: Filter) {}

    /// What this page is about, for the probes that are asked only for it.
    fn subject(&self) -> Option<&Subject> {
        None
    }

    /// Identities in sight of which more is to be asked: see [`crate::probe::Focus::keys`].
    fn keys(&self) -> Vec<i64> {
        Vec::new()
    }

    /// What the user has asked for once and not taken back.
    fn demand(&self) -> Option<Demand> {
        None
    }

    /// Selects the row an alert speaks of, as last derived; false where it is not among the rows.
    fn seek(&mut self, _jump: &Jump) -> bool {
        false
    }

    /// False for a panel that has nothing to say on this server and steps out of the way, as last derived.
    fn shown(&self) -> bool {
        true
    }

    /// True for a panel that lists nothing, though it has been answered.
    fn is_empty(&self) -> bool {
        false
    }

    /// Lines it would fill, as last arranged.
    fn lines(&self) -> u16 {
        u16::MAX
    }

    /// Lines it can use beyond that for what it says of its selected row, as last arranged.
    fn more_lines(&self) -> u16 {
        0
    }

    /// True for a question that has to be answered: nothing below it takes a key.
    fn modal(&self) -> bool {
        false
    }

    /// Lines of help that belong to this view: columns, marks, how to read it.
    fn help(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// How it lies on the screen.
    fn place(&self) -> Place {
        Place::Body
    }
}

/// How a view lies on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The whole body between tab bar and footer.
    Body,
    /// A popup of at most this many columns and rows, centred over the body.
    Popup(u16, u16),
}

/// What a view says to an action.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// Not mine.
    Ignored,
    /// Taken; derive, arrange and draw again.
    Taken,
    /// Taken, and what `derive` computed still holds; arrange and draw again.
    Moved,
    /// Taken, and this view is to be closed.
    Close,
    /// Open the detail page of this.
    Open(Subject),
    /// Go to the row an alert speaks of.
    Go(Jump),
    /// Take note of these alerts, by rule and key; of all of them a second time: forget it.
    Acknowledge(Vec<(&'static str, String)>),
    /// List what was checked, and what could not be.
    Checks,
    /// List the databases with this one selected, so that the user can switch to it.
    Databases(String),
    /// Go on in this database.
    Switch(String),
    /// Copy this text by OSC 52 and say so.
    Copy(Copy),
    /// Taken, with something to tell the user in the message line.
    Tell(String),
    /// Set the mark that counters are compared with.
    Mark,
    /// The user agreed to go on with a role that may write.
    GoOn,
    /// The user wants to leave.
    Quit,
}

/// One thing that `y` offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// What it is, in a word or two: "row", "query text", "cancel".
    pub what: String,
    /// The text that goes to the clipboard.
    pub text: String,
}

impl Copy {
    /// That text under that name.
    #[must_use]
    pub fn new(what: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            text: text.into(),
        }
    }
}

impl From<(String, String)> for Copy {
    fn from((what, text): (String, String)) -> Self {
        Self { what, text }
    }
}

/// The statements that make checks possible, each once.
#[must_use]
pub fn what_helps(unchecked: &[Unchecked]) -> Vec<Copy> {
    let mut copies: Vec<Copy> = Vec::new();
    for one in unchecked {
        if let Some(remedy) = &one.blind.remedy
            && copies.iter().all(|copy| copy.text != *remedy)
        {
            copies.push(Copy::new(format!("for the check: {}", one.rule.title), remedy.as_str()));
        }
    }
    copies
}

/// What is so bad is shown in this meaning.
#[must_use]
pub const fn role(severity: Severity) -> Role {
    match severity {
        Severity::Critical => Role::Critical,
        Severity::Warning => Role::Warning,
        Severity::Notice => Role::Notice,
    }
}

/// The sign of a severity and a space; a terminal without UTF-8 draws its twin.
#[must_use]
pub const fn sign(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "✖ ",
        Severity::Warning => "▲ ",
        Severity::Notice => "◆ ",
    }
}

/// A mark on a tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Badge {
    /// How bad.
    pub severity: Severity,
    /// How many.
    pub count: usize,
}

impl Badge {
    /// So many that are so bad; nothing where there are none.
    #[must_use]
    pub fn of(severity: Severity, count: usize) -> Option<Self> {
        (count > 0).then_some(Self { severity, count })
    }

    /// The worst of them, those as bad counted together.
    #[must_use]
    pub fn worst(badges: impl IntoIterator<Item = Self>) -> Option<Self> {
        badges
            .into_iter()
            .reduce(|worst, next| match worst.severity.cmp(&next.severity) {
                Ordering::Greater => worst,
                Ordering::Less => next,
                Ordering::Equal => Self {
                    count: worst.count + next.count,
                    ..worst
                },
            })
    }

    /// The worst of what is wrong in single rows.
    #[must_use]
    pub fn of_rows(severities: impl Iterator<Item = Severity>) -> Option<Self> {
        Self::worst(severities.map(|severity| Self { severity, count: 1 }))
    }

    /// As it is shown, and the meaning it is shown in.
    #[must_use]
    pub fn text(self, look: &Look) -> (String, Role) {
        let glyph = match self.severity {
            Severity::Critical => look.glyphs.critical,
            Severity::Warning => look.glyphs.warning,
            Severity::Notice => look.glyphs.notice,
        };
        (format!("{glyph}{}", self.count), role(self.severity))
    }
}

/// Every pane in the order of the tabs. One more pane is one more line here.
#[must_use]
pub fn panes() -> Vec<Box<dyn View>> {
    vec![
        overview::pane(),
        activity::pane(),
        locks::pane(),
        queries::pane(),
        vacuum::pane(),
        storage::pane(),
        partitions::pane(),
        replication::pane(),
        wraparound::pane(),
    ]
}

/// The number of a pane's tab, from 1; empty if there is no such pane.
#[must_use]
pub fn tab(id: &str) -> String {
    static IDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| panes().iter().map(|pane| pane.id()).collect());
    let place = IDS.iter().position(|pane| *pane == id);
    place.map_or_else(String::new, |place| (place + 1).to_string())
}

/// The detail page of a subject.
#[must_use]
pub fn detail(subject: Subject) -> Option<Box<dyn View>> {
    match subject {
        Subject::Backend { pid, start } => Some(backend::page(pid, start)),
        subject @ Subject::Statement { .. } => statement::page(&subject),
        Subject::Relation(oid) => Some(relation::page(oid)),
        Subject::Partitioned(oid) => Some(partitions::page(oid)),
    }
}
