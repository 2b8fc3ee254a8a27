//! One statement in full: what it costs in every window, its text, who runs it now, everything that is counted of it,
//! and on demand how the server would plan it.

mod facts;
mod plan;
mod text;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::common::{self, Notice, answer_about};
use super::page::{Fact, Page, Rich, SCROLLS, grow_stale};
use super::queries::{Source, blocked};
use super::{Copy, Reply, View};
use crate::action::Action;
use crate::known::Freshness;
use crate::model::statements::Growth;
use crate::probe::activity::{Activity, Backend};
use crate::probe::extensions::ExtensionsProbe;
use crate::probe::statement::{Counted, StatementProbe};
use crate::probe::statement_latency::StatementLatency;
use crate::probe::statement_plan::StatementPlan;
use crate::probe::statement_texts::StatementTexts;
use crate::probe::statements::{Key, StatementsProbe};
use crate::probe::{Demand, Probe as _, Subject};
use crate::ui::look::{Glyphs, Look, Role};
use crate::ui::text::one_line;
use crate::ui::wrap::Line;
use crate::world::World;
use plan::Plan;
use text::Body;

/// Cells of a statement's text in the title of its page.
const TITLE: usize = 28;

/// The page of one statement.
#[derive(Debug)]
struct Statement {
    subject: Subject,
    key: Key,
    /// Role and database, as last seen.
    names: Option<Growth>,
    body: Body,
    /// The text is to be asked for.
    asks: bool,
    /// Everything counted of it, as last seen.
    counted: Option<Counted>,
    runners: Vec<Backend>,
    plan: Plan,
    notice: Option<Notice>,
    before: Vec<Fact>,
    after: Vec<Fact>,
    stale: bool,
    page: Page,
}

/// The page of that subject, if it is a statement.
pub(super) fn page(subject: &Subject) -> Option<Box<dyn View>> {
    let Subject::Statement {
        user,
        database,
        query,
        toplevel,
    } = *subject
    else {
        return None;
    };
    Some(Box::new(Statement::new(Key {
        user,
        database,
        query,
        toplevel,
    })))
}

impl Statement {
    fn new(key: Key) -> Self {
        Self {
            subject: key.into(),
            key,
            names: None,
            body: Body::new(),
            asks: false,
            counted: None,
            runners: Vec::new(),
            plan: Plan::default(),
            notice: None,
            before: Vec::new(),
            after: Vec::new(),
            stale: false,
            page: Page::default(),
        }
    }

    /// Takes over what is new; what is missing now keeps its last state.
    fn learn(&mut self, world: &World) {
        let source = Source::of(world);
        self.body.learn(source.text(self.key.query));
        self.asks = source.asks(self.key.query);
        let seen = world
            .workload
            .since_reset()
            .and_then(|interval| interval.get(&self.key));
        if let Some(seen) = seen {
            self.names = Some(seen.clone());
        }
        let counted = answer_about::<StatementProbe>(&self.subject, world);
        if let Some(counted) = counted.filter(|counted| !counted.is_empty()) {
            self.counted = Some(counted.clone());
        }
        let all = world.get::<Activity>().map(Vec::as_slice).unwrap_or_default();
        let runs =
            |backend: &&Backend| backend.query_id == Some(self.key.query) && backend.state.as_deref() == Some("active");
        self.runners = all.iter().filter(runs).cloned().collect();
        self.plan.learn(world);
    }

    fn notice(&self, world: &World) -> Option<Notice> {
        let entries = world.get::<StatementsProbe>();
        let gone = entries.is_some_and(|entries| entries.complete() && entries.get(&self.key).is_none());
        blocked(world)
            .or_else(|| Notice::failed::<StatementsProbe>(world))
            .or_else(|| {
                gone.then(|| {
                    let text = "This entry is gone: evicted, or reset. What follows is what was last seen of it.";
                    Notice::new(Role::Warning, text)
                })
            })
    }

    fn compose(&mut self, world: &World) {
        self.before = facts::windows(&self.key, self.names.as_ref(), world);
        self.before.extend(facts::history(&self.key, world));
        self.before.extend(self.latency(world));
        let has_ids = world.server.as_ref().is_none_or(|server| server.major() >= 14);
        self.after = facts::running(&self.runners, has_ids);
        self.after.extend(self.plan.facts());
        let planning = world
            .get::<ExtensionsProbe>()
            .and_then(|extensions| extensions.track_planning);
        let counted = self.counted.iter();
        self.after
            .extend(counted.flat_map(|counted| facts::counted(counted, planning)));
        let id = Rich::new(self.key.query.to_string(), Role::Muted);
        self.after.push(Fact::new("Query id", id));
    }

    /// How long its executions took, where that is known.
    fn latency(&self, world: &World) -> Option<Fact> {
        facts::latency(answer_about::<StatementLatency>(&self.subject, world)?, world)
    }

    fn lay_out(&mut self, width: u16) -> Vec<Line> {
        let mut lines = Vec::new();
        if let Some(Notice { role, text }) = &self.notice {
            lines.extend(Fact::new("", Rich::new(text.as_str(), *role)).lines(width));
        }
        lines.extend(self.before.iter().flat_map(|fact| fact.lines(width)));
        lines.extend(self.body.lines(width));
        lines.extend(self.after.iter().flat_map(|fact| fact.lines(width)));
        if self.stale {
            grow_stale(&mut lines);
        }
        lines
    }
}

/// The first words of a text.
fn opening(text: &str) -> String {
    one_line(text, TITLE, &Glyphs::UNICODE).into_owned()
}

impl View for Statement {
    fn id(&self) -> &'static str {
        "statement"
    }

    fn title(&self) -> String {
        let text = self.body.text.shown();
        text.map_or_else(|| "Statement".to_owned(), |text| opening(text))
    }

    fn probes(&self) -> Vec<&'static str> {
        vec![
            StatementsProbe::SPEC.id,
            StatementProbe::SPEC.id,
            StatementTexts::SPEC.id,
            StatementPlan::SPEC.id,
            Activity::SPEC.id,
        ]
    }

    fn actions(&self) -> Vec<Action> {
        let enter = (!self.runners.is_empty()).then_some(Action::Enter);
        let explain = self.body.text.shown().map(|_| Action::Explain);
        let own = enter.into_iter().chain(self.body.actions()).chain(explain);
        own.chain([Action::Mark]).chain(SCROLLS.iter().copied()).collect()
    }

    fn derive(&mut self, world: &World) {
        self.learn(world);
        self.stale = matches!(world.freshness(StatementsProbe::SPEC.id), Freshness::Stale(_));
        self.notice = self.notice(world);
        self.compose(world);
    }

    fn arrange(&mut self, area: Rect) {
        let lines = self.lay_out(area.width);
        self.page.set(lines, area.height);
    }

    fn on(&mut self, action: Action, world: &World) -> Reply {
        match action {
            Action::Explain => self.plan.ask(&self.body.text, self.names.as_ref(), world),
            Action::Mark => return Reply::Mark,
            Action::Enter => {
                let runner = self.runners.first();
                return runner.map_or(Reply::Ignored, |backend| {
                    Reply::Open(Subject::Backend {
                        pid: backend.pid,
                        start: backend.start,
                    })
                });
            }
            action if self.page.on(action) => return Reply::Moved,
            action if self.body.on(action) => {}
            _ => return Reply::Ignored,
        }
        Reply::Taken
    }

    fn draw(&self, _world: &World, look: &Look, area: Rect, buf: &mut Buffer) {
        self.page.draw(look, area, buf);
    }

    fn copies(&self, _world: &World) -> Vec<Copy> {
        let text = self.body.text.shown();
        let copies = text.map(|text| Copy::new("query text", text.to_string()));
        let explain = text.map(|text| Copy::new("EXPLAIN", format!("EXPLAIN (GENERIC_PLAN) {text};")));
        let id = Copy::new("query id", self.key.query.to_string());
        copies
            .into_iter()
            .chain(self.plan.copy())
            .chain(explain)
            .chain([id])
            .collect()
    }

    fn subject(&self) -> Option<&Subject> {
        Some(&self.subject)
    }

    fn keys(&self) -> Vec<i64> {
        self.asks.then_some(self.key.query).into_iter().collect()
    }

    fn demand(&self) -> Option<Demand> {
        self.plan.demand()
    }

    fn help(&self) -> Vec<(String, String)> {
        common::help(&[
            (
                "Last, Marked",
                "what it cost between the last two readings and since the mark that M sets",
            ),
            (
                "All",
                "since the counters were reset, or since the entry was made: cumulative",
            ),
            (
                "Calls/s, Mean",
                "of this session, one point a reading, the newest at the right end",
            ),
            (
                "Runs now",
                "sessions whose query_id is this one (14 and later); Enter opens the first of them",
            ),
            (
                "Plan",
                "p: EXPLAIN (GENERIC_PLAN) on 16 and later, in a read-only transaction that is rolled back; it plans with \
                 this program's rights, without parallel workers, and runs nothing",
            ),
            (
                "f",
                "sets the text out, if that changes nothing but white space; what is copied is always the text itself",
            ),
        ])
    }
}

#[cfg(test)]
mod tests;
