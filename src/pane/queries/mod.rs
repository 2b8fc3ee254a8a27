//! Queries: what statements cost, by `pg_stat_statements`, in the last interval, since a mark or since the reset.

mod columns;
mod row;
mod words;

use super::common::Notice;
use super::list::{List, ListView, Piece};
use super::page::Rich;
use super::{Copy, Reply, View};
use crate::action::Action;
use crate::alert::Thing;
use crate::model::statements::{Interval, absent};
use crate::probe::Probe as _;
use crate::probe::extensions::ExtensionsProbe;
use crate::probe::statement_texts::StatementTexts;
use crate::probe::statements::StatementsProbe;
use crate::ui::highlight::highlight;
use crate::ui::look::Role;
use crate::ui::table::Order;
use crate::world::World;
use row::{Row, State};

pub(super) use columns::milliseconds;
pub(super) use row::{Source, TextOf};
pub(super) use words::{blocked, span};

/// The pane.
pub(super) fn pane() -> Box<dyn View> {
    Box::<ListView<Statements>>::default()
}

/// Which time the numbers are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Window {
    /// Between the last two readings.
    #[default]
    Last,
    /// Since the mark.
    Mark,
    /// Since the counters were reset.
    Reset,
}

impl Window {
    const ALL: [Self; 3] = [Self::Last, Self::Mark, Self::Reset];

    /// What is known of that time; what has come together since the reset while there is no interval yet.
    fn interval(self, world: &World) -> Option<(Self, &Interval)> {
        let workload = &world.workload;
        let cumulative = || Some((Self::Reset, workload.since_reset()?));
        match self {
            Self::Last => workload.last().ok().map(|last| (self, last)).or_else(cumulative),
            Self::Mark => Some((self, workload.since_mark()?)),
            Self::Reset => cumulative(),
        }
    }
}

/// The statements in one of three windows.
#[derive(Debug, Default)]
struct Statements {
    window: Window,
    /// What the newest rows were made of.
    made_of: Option<Made>,
}

/// What rows are made of: while it stays the same, so do they.
#[derive(Clone, Debug, PartialEq)]
struct Made {
    window: Window,
    from: Option<f64>,
    to: f64,
    source: State,
}

impl Made {
    fn of(window: Window, world: &World) -> Option<Self> {
        if window == Window::Mark && world.workload.marked().is_none() {
            return None;
        }
        let (window, interval) = window.interval(world)?;
        Some(Self {
            window,
            from: interval.from,
            to: interval.to,
            source: Source::of(world).state(),
        })
    }
}

impl Statements {
    /// The next window that can be shown, forwards or backwards.
    fn turn(&mut self, forwards: bool, world: &World) {
        let count = Window::ALL.len();
        let at = Window::ALL
            .iter()
            .position(|window| *window == self.window)
            .unwrap_or_default();
        let mut steps = (1..count).map(|step| if forwards { at + step } else { at + count - step });
        let marked = world.workload.marked().is_some();
        let next = steps.find_map(|at| {
            let window = Window::ALL.get(at % count).copied();
            window.filter(|window| *window != Window::Mark || marked)
        });
        self.window = next.unwrap_or_default();
    }
}

impl List for Statements {
    type Row = Row;
    const ID: &'static str = "queries";
    const TITLE: &'static str = "Queries";
    const PROBES: &'static [&'static str] = &[
        StatementsProbe::SPEC.id,
        StatementTexts::SPEC.id,
        ExtensionsProbe::SPEC.id,
    ];
    const SORT: Option<(&'static str, Order)> = Some(("time", Order::Descending));
    const ACTIONS: &'static [Action] = &[Action::Enter, Action::NextView, Action::PrevView, Action::Mark];
    const HELP: &'static [(&'static str, &'static str)] = &[
        (
            "windows",
            "v: between the last two readings, since the mark that M sets, or since the counters were reset; never \
             cumulative unless it says so",
        ),
        (
            "at once",
            "how many statements ran at the same time on average: the time all of them took, by the time that passed",
        ),
        (
            "ours",
            "what pgmon-tui asks is counted like everything else, under the role it connects as: the filter !user:ROLE \
             leaves that out",
        ),
        (
            "breaks",
            "a reset starts the interval anew; a row marked ≈ is a lower bound, because entries were evicted or reset in \
             that time; of a row marked ◆ nothing can be said, because its counters fell",
        ),
        (
            "texts",
            "read once for what is in sight and kept; the filter finds only texts that have been read",
        ),
    ];
    const ASKING: &'static str = "Asking what statements cost.";

    fn rows(&mut self, world: &World) -> Option<Vec<Row>> {
        self.made_of = None;
        if self.window == Window::Mark && world.workload.marked().is_none() {
            self.window = Window::Last;
        }
        let source = Source::of(world);
        if self.window == Window::Mark && world.workload.since_mark().is_none() {
            return world.workload.since_reset().map(|_| Vec::new());
        }
        let (_, interval) = self.window.interval(world)?;
        self.made_of = Made::of(self.window, world);
        Some(
            interval
                .rows
                .iter()
                .map(|growth| source.row(growth, interval))
                .collect(),
        )
    }

    fn holds(&self, world: &World) -> bool {
        self.made_of.is_some() && self.made_of == Made::of(self.window, world)
    }

    fn limit(&self, world: &World) -> Option<usize> {
        usize::try_from(world.settings.top_queries).ok()
    }

    fn head(&self, world: &World, rows: &[Row]) -> Vec<Piece> {
        words::head(self.window, world, rows.len())
    }

    fn nothing(&self, world: &World) -> Notice {
        if self.window == Window::Mark && world.workload.since_mark().is_none() {
            return Notice::new(
                Role::Muted,
                "The mark was set at the newest reading; growth since then comes with the next.",
            );
        }
        // What is hidden may have been executed.
        let hidden = world.get::<StatementsProbe>().is_some_and(|known| known.hidden > 0);
        let seen = if hidden { " that this role can see" } else { "" };
        Notice::new(
            Role::Muted,
            format!("No statement{seen} has been executed in this time."),
        )
    }

    fn notice(&self, world: &World, _rows: &[Row]) -> Option<Notice> {
        words::notice(self.window, world)
    }

    fn absent(&self, world: &World) -> Notice {
        blocked(world).unwrap_or_else(|| Notice::absent::<StatementsProbe>(world, Self::ASKING))
    }

    fn about(&self, row: &Row) -> Vec<Rich> {
        let Some(text) = row.text.shown() else {
            return Vec::new();
        };
        let mut rich = Rich::default();
        for (role, piece) in highlight(text.trim()) {
            rich.push(piece, role);
        }
        vec![rich]
    }

    fn on(&mut self, action: Action, row: Option<&Row>, world: &World) -> Reply {
        match (action, row) {
            (Action::Enter, Some(row)) => Reply::Open(row.growth.key.into()),
            (Action::NextView, _) => {
                self.turn(true, world);
                Reply::Taken
            }
            (Action::PrevView, _) => {
                self.turn(false, world);
                Reply::Taken
            }
            (Action::Mark, _) => Reply::Mark,
            _ => Reply::Ignored,
        }
    }

    fn copies(&self, row: &Row, _world: &World) -> Vec<Copy> {
        let text = row.text.shown().map(|text| Copy::new("query text", text.to_string()));
        text.into_iter()
            .chain([Copy::new("query id", row.growth.key.query.to_string())])
            .collect()
    }

    fn is(row: &Row, thing: &Thing) -> bool {
        *thing == Thing::from(row.growth.key)
    }

    fn key(&self, row: &Row) -> Option<i64> {
        row.asks.then_some(row.growth.key.query)
    }
}

/// Why there are no statements at all, if that is known.
fn advice(world: &World) -> Option<crate::model::statements::Advice> {
    absent(world.server.as_deref()?, world.get::<ExtensionsProbe>()?)
}

#[cfg(test)]
pub(in crate::pane) mod tests;
