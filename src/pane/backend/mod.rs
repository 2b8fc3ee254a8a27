//! One backend in full: the page that Enter opens on Activity and Locks.

mod facts;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::common::{self, Notice, answer_about, blocking, grant, query_copy};
use super::page::{Fact, LABEL, Life, Page, Rich, SCROLLS, after, beside, grow_stale, room};
use super::{Copy, Reply, View};
use crate::action::Action;
use crate::known::Freshness;
use crate::model::activity::Blocking;
use crate::model::clock;
use crate::model::remedy::{self, Who};
use crate::probe::activity::Activity;
use crate::probe::backend::{Backend as Probe, Detail};
use crate::probe::backend_locks::{BackendLocks, Locks};
use crate::probe::locks::Locks as Waits;
use crate::probe::progress::{Progress, ProgressProbe};
use crate::probe::{self, Probe as _, Subject};
use crate::ui::look::{Look, Role};
use crate::ui::wrap::{self, Line};
use crate::world::World;

/// Lines of the statement shown while it is folded.
const FEW_LINES: usize = 8;

/// The page of the backend with that pid and `backend_start` in microseconds since 1970.
pub(super) fn page(pid: i32, start: i64) -> Box<dyn View> {
    Box::new(Backend::new(pid, start))
}

/// The page of one backend.
#[derive(Debug)]
struct Backend {
    subject: Subject,
    pid: i32,
    /// The last that was seen of it.
    detail: Option<Detail>,
    life: Life,
    locks: Option<Locks>,
    progress: Vec<Progress>,
    blockers: Vec<Subject>,
    /// Said above everything else.
    notice: Option<Notice>,
    facts: Vec<Fact>,
    after: Vec<Fact>,
    stale: bool,
    unfolded: bool,
    /// There is something to fold.
    foldable: bool,
    page: Page,
}

impl Backend {
    fn new(pid: i32, start: i64) -> Self {
        Self {
            subject: Subject::Backend { pid, start },
            pid,
            detail: None,
            life: Life::Alive,
            locks: None,
            progress: Vec::new(),
            blockers: Vec::new(),
            notice: None,
            facts: Vec::new(),
            after: Vec::new(),
            stale: false,
            unfolded: false,
            foldable: false,
            page: Page::default(),
        }
    }

    /// The newest answer about this very backend.
    fn answer<'a, P: probe::Probe>(&self, world: &'a World) -> Option<&'a P::Data> {
        answer_about::<P>(&self.subject, world)
    }

    /// Takes over what is new; what is missing now keeps its last state.
    fn learn(&mut self, world: &World) {
        match self.answer::<Probe>(world) {
            Some(Some(detail)) => {
                self.detail = Some(detail.clone());
                self.life = Life::Alive;
                if let Some(locks) = self.answer::<BackendLocks>(world) {
                    self.locks = Some(locks.clone());
                }
                self.progress = self.commands(world);
            }
            Some(None) if self.life == Life::Alive => {
                self.life = Life::Missed(world.server_now());
            }
            Some(None) | None => {}
        }
        world.cover::<Probe>(&mut self.detail);
        world.cover::<ProgressProbe>(&mut self.progress);
    }

    /// What it runs that tells how far it is.
    fn commands(&self, world: &World) -> Vec<Progress> {
        let commands = world.get::<ProgressProbe>().into_iter().flatten();
        let ours = commands.filter(|command| {
            self.subject
                == Subject::Backend {
                    pid: command.pid,
                    start: command.start,
                }
        });
        ours.cloned().collect()
    }

    fn notice(&self, world: &World) -> Option<Notice> {
        // What went wrong with another backend's page is not ours.
        let failed = || Notice::failed_about::<Probe>(&self.subject, world);
        match (&self.detail, self.life) {
            (Some(detail), Life::Missed(missed)) => Some(Notice::new(Role::Warning, ended(detail.now, missed))),
            (None, Life::Missed(_)) => Some(Notice::new(
                Role::Warning,
                "This backend had ended before it could be asked.",
            )),
            (Some(_), Life::Alive) if self.stale => failed(),
            (Some(_), Life::Alive) => None,
            (None, Life::Alive) => failed().or_else(|| Some(Notice::awaited(world, "Asking for this backend."))),
        }
    }

    /// Everything but the statement, in the order of the page.
    fn compose(&mut self, world: &World) {
        let (mut facts, mut after) = (Vec::new(), Vec::new());
        if let Some(detail) = &self.detail {
            let everybody = world.get::<Activity>().map(Vec::as_slice).unwrap_or_default();
            facts.extend(facts::doing(detail));
            let blocking = blocking(world);
            let blocks = blocking.blocks.get(&self.pid).copied().unwrap_or_default();
            let victims = self.victims(&blocking);
            facts.extend(facts::entanglement(&detail.blocked_by, &victims, blocks, everybody));
            facts.extend(facts::progress(&self.progress));
            facts.extend(facts::session(detail));
            after.extend(self.locks.iter().flat_map(|locks| facts::locks(locks, self.unfolded)));
            if self.life == Life::Alive {
                after.extend(remedies(detail));
            }
            if detail.hidden {
                after.push(Fact {
                    label: "To see it",
                    text: Rich::new(grant(world), Role::Text),
                });
            }
        }
        (self.facts, self.after) = (facts, after);
    }

    /// Who waits right behind it.
    fn victims(&self, blocking: &Blocking) -> Vec<i32> {
        let by = blocking.by.iter();
        let behind = by.filter(|(waiter, blockers)| **waiter != self.pid && blockers.contains(&self.pid));
        behind.map(|(waiter, _)| *waiter).collect()
    }

    /// Statement or locks are longer than what is shown of them folded.
    fn folds(&self, width: u16) -> bool {
        let locks = self.locks.as_ref().is_some_and(facts::has_many);
        let query = self.detail.as_ref().and_then(|detail| detail.query.as_deref());
        let lines = |query: &str| Rich::new(query.trim_end(), Role::Text).wrap(room(width)).len();
        locks || query.is_some_and(|query| lines(query) > FEW_LINES + 1)
    }

    fn lay_out(&self, width: u16) -> Vec<Line> {
        let mut lines = Vec::new();
        if let Some(Notice { role, text }) = &self.notice {
            let wrapped = wrap::wrap(&[(*role, text)], room(width) + LABEL);
            lines.extend(wrapped.into_iter().map(|line| after(" ".to_owned(), *role, line)));
        }
        lines.extend(self.facts.iter().flat_map(|fact| fact.lines(width)));
        if let Some(detail) = &self.detail {
            lines.extend(self.statement(detail, width));
        }
        lines.extend(self.after.iter().flat_map(|fact| fact.lines(width)));
        if self.stale {
            grow_stale(&mut lines);
        }
        lines
    }

    /// The whole statement, or its first lines while it is folded.
    fn statement(&self, detail: &Detail, width: u16) -> Vec<Line> {
        let Some(query) = detail.query.as_deref().filter(|query| !query.is_empty()) else {
            return Vec::new();
        };
        let mut lines = beside(statement_label(detail), wrap::sql(query.trim_end(), room(width)));
        let more = lines.len().saturating_sub(FEW_LINES);
        if more > 1 && !self.unfolded {
            lines.truncate(FEW_LINES);
            let text = Rich::new(format!("{more} more lines"), Role::Accent);
            lines.extend(Fact::new("", text).lines(width));
        } else if detail.cut {
            let text = "the server may have cut it here: track_activity_query_size";
            lines.extend(Fact::new("", Rich::new(text, Role::Estimated)).lines(width));
        }
        lines
    }
}

fn ended(last: f64, missed: Option<f64>) -> String {
    let last = clock::utc(last).unwrap_or_default();
    match missed.and_then(clock::utc) {
        Some(missed) => format!("This backend ended between {last} and {missed}. What follows is its last state."),
        None => format!("This backend has ended; it was last seen at {last}. What follows is its last state."),
    }
}

fn remedies(detail: &Detail) -> Vec<Fact> {
    let who = who(detail);
    let fact = |label, text: String, role| Fact {
        label,
        text: Rich::new(text, role),
    };
    if !remedy::can_terminate(&who) {
        let why = "a process of the server: it can be neither canceled nor terminated";
        return vec![fact("To end it", why.to_owned(), Role::Muted)];
    }
    let cancel = if remedy::can_cancel(&who) {
        fact("To cancel", remedy::cancel(&who), Role::Text)
    } else {
        let why = "it runs no statement: a cancel request would change nothing";
        fact("To cancel", why.to_owned(), Role::Muted)
    };
    vec![cancel, fact("To end it", remedy::terminate(&who), Role::Text)]
}

/// What the text is: an idle session keeps the one it ran last.
fn statement_label(detail: &Detail) -> &'static str {
    match detail.state.as_deref() {
        Some(state) if state.starts_with("idle") => "Ran last",
        _ => "Statement",
    }
}

fn who(detail: &Detail) -> Who<'_> {
    Who {
        pid: detail.pid,
        user: detail.usename.as_deref(),
        database: detail.datname.as_deref(),
        application: detail.application_name.as_deref(),
        client: detail.client.as_deref(),
        state: detail.state.as_deref().or(detail.backend_type.as_deref()),
        since: detail.state_s.map(|age| detail.now - age),
    }
}

/// The blockers whose identity is known.
fn known(pids: &[i32], world: &World) -> Vec<Subject> {
    let all = world.get::<Activity>().map(Vec::as_slice).unwrap_or_default();
    let found = pids
        .iter()
        .filter_map(|pid| all.iter().find(|backend| backend.pid == *pid));
    found
        .map(|backend| Subject::Backend {
            pid: backend.pid,
            start: backend.start,
        })
        .collect()
}

impl View for Backend {
    fn id(&self) -> &'static str {
        "backend"
    }

    fn title(&self) -> String {
        format!("Backend {}", self.pid)
    }

    fn probes(&self) -> Vec<&'static str> {
        vec![
            Probe::SPEC.id,
            BackendLocks::SPEC.id,
            ProgressProbe::SPEC.id,
            Waits::SPEC.id,
        ]
    }

    fn actions(&self) -> Vec<Action> {
        // Enter leads to a blocker.
        let enter = (!self.blockers.is_empty()).then_some(Action::Enter);
        let fold = self.foldable.then_some(Action::Fold);
        enter.into_iter().chain(fold).chain(SCROLLS.iter().copied()).collect()
    }

    fn derive(&mut self, world: &World) {
        self.learn(world);
        let freshness = world.freshness(Probe::SPEC.id);
        self.stale = self.life != Life::Alive || matches!(freshness, Freshness::Stale(_));
        self.blockers = self
            .detail
            .as_ref()
            .map(|detail| known(&detail.blocked_by, world))
            .unwrap_or_default();
        self.notice = self.notice(world);
        self.compose(world);
    }

    fn arrange(&mut self, area: Rect) {
        self.page.set(self.lay_out(area.width), area.height);
        self.foldable = self.folds(area.width);
    }

    fn on(&mut self, action: Action, _world: &World) -> Reply {
        match action {
            Action::Fold => self.unfolded = !self.unfolded,
            Action::Enter => {
                return self
                    .blockers
                    .first()
                    .map_or(Reply::Ignored, |blocker| Reply::Open(blocker.clone()));
            }
            action if self.page.on(action) => return Reply::Moved,
            _ => return Reply::Ignored,
        }
        Reply::Taken
    }

    fn draw(&self, _world: &World, look: &Look, area: Rect, buf: &mut Buffer) {
        self.page.draw(look, area, buf);
    }

    fn copies(&self, _world: &World) -> Vec<Copy> {
        let Some(detail) = &self.detail else { return Vec::new() };
        let mut copies = Vec::new();
        // The pid of a backend that has ended may be somebody else's by now.
        if self.life == Life::Alive {
            copies.extend(remedy::copies(&who(detail)).into_iter().map(Copy::from));
        }
        copies.extend(query_copy(detail.query.as_deref()));
        copies
    }

    fn subject(&self) -> Option<&Subject> {
        Some(&self.subject)
    }

    fn help(&self) -> Vec<(String, String)> {
        common::help(&[
            ("Blocked by", "the sessions it waits for; Enter opens the first of them"),
            (
                "Transaction",
                "xid: what it writes under; xmin: rows deleted after it cannot be cleaned up",
            ),
            (
                "Locks",
                "awaited ones first, then the strongest; names of other databases cannot be read from here",
            ),
            ("Progress", "of the present phase, not of the whole command"),
            (
                "To cancel",
                "stops the running statement; an idle transaction stays open",
            ),
            ("To end it", "ends the connection and rolls its transaction back"),
        ])
    }
}

#[cfg(test)]
mod tests;
