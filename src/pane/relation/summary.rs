//! The first panel of a table's page: all that is known of it in facts, and measuring its bloat.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::measuring::{self, Measuring, Offer, Outcome, Target, heap_costs};
use super::{Last, air, answer, facts, is_gone};
use crate::action::Action;
use crate::known::Freshness;
use crate::model::{bloat, clock, relation_sql};
use crate::pane::common::{self, Notice};
use crate::pane::page::{Fact, LABEL, Life, Page, Rich, SCROLLS, after, grow_stale, room};
use crate::pane::{Copy, Reply, View};
use crate::probe::measure::{Measure, Measured};
use crate::probe::relation::{Identity, Relation};
use crate::probe::relation_columns::{Column, RelationColumns};
use crate::probe::relation_locks::RelationLocks;
use crate::probe::relation_stats::{RelationStats, Stats};
use crate::probe::{Demand, Probe, Subject};
use crate::ui::look::{Look, Role};
use crate::ui::wrap::{self, Line};
use crate::world::World;

/// The panel.
#[derive(Debug)]
pub(super) struct Summary {
    oid: u32,
    subject: Subject,
    identity: Option<Identity>,
    stats: Last<Option<Stats>>,
    columns: Last<Vec<Column>>,
    measuring: Measuring,
    /// What was measured on this page or found from an earlier visit, by oid.
    measured: BTreeMap<u32, Measured>,
    life: Life,
    /// When it was there last, by the server's clock.
    seen: Option<f64>,
    stale: bool,
    /// Said above everything else.
    notice: Option<Notice>,
    said: Option<Rich>,
    facts: Vec<Fact>,
    page: Page,
}

impl Summary {
    /// Of that table.
    pub fn new(oid: u32) -> Self {
        Self {
            oid,
            subject: Subject::Relation(oid),
            identity: None,
            stats: Last::new(oid),
            columns: Last::new(oid),
            measuring: Measuring::new(Measure::SPEC.id),
            measured: BTreeMap::new(),
            life: Life::Alive,
            seen: None,
            stale: false,
            notice: None,
            said: None,
            facts: Vec::new(),
            page: Page::default(),
        }
    }

    /// Takes over what is new; what is missing now keeps its last state.
    fn learn(&mut self, world: &World) {
        if let Some(Some(identity)) = answer::<Relation>(self.oid, world) {
            self.identity = Some(identity.clone());
        }
        match (is_gone(self.oid, world), self.life) {
            (true, Life::Alive) => self.life = Life::Missed(world.server_now()),
            (true, Life::Missed(_)) => {}
            (false, _) => {
                self.life = Life::Alive;
                self.seen = seen(self.oid, world).or(self.seen);
            }
        }
        self.stats.learn::<RelationStats>(world);
        self.columns.learn::<RelationColumns>(world);
        let known = world.get::<Measure>().and_then(Option::as_ref);
        let outcome = |oid| match known.filter(|known| known.oid == oid).map(|known| &known.found) {
            Some(Ok(_)) => None,
            Some(Err(busy)) => Some(Outcome::Busy(*busy)),
            None => Some(Outcome::Gone),
        };
        self.measuring.learn(&self.subject, world, outcome);
        if let (Some(known), Some(identity)) = (known.filter(|known| known.found.is_ok()), &self.identity) {
            let toast = identity.toast.as_ref().map(|toast| toast.oid);
            if known.oid == identity.oid || Some(known.oid) == toast {
                self.measured.insert(known.oid, known.clone());
            }
        }
    }

    fn notice(&self, world: &World) -> Option<Notice> {
        // What went wrong with another table's page is not ours.
        let failed = || Notice::failed_about::<Relation>(&self.subject, world);
        match (&self.identity, self.life) {
            (Some(identity), Life::Missed(missed)) => {
                let seen = self.seen.unwrap_or(identity.now);
                Some(Notice::new(Role::Warning, gone(seen, missed)))
            }
            (None, Life::Missed(_)) => Some(Notice::new(
                Role::Warning,
                "There is no such relation in this database (any more).",
            )),
            (Some(_), Life::Alive) => failed(),
            (None, Life::Alive) => failed().or_else(|| Some(Notice::awaited(world, "Asking for this table."))),
        }
    }

    fn compose(&self, world: &World) -> Vec<Fact> {
        let Some(identity) = &self.identity else {
            return Vec::new();
        };
        let now = world.server_now();
        let stats = self.stats.known.as_ref().and_then(Option::as_ref);
        let mut facts = facts::identity(identity);
        facts.extend(facts::size(identity));
        if let Some(columns) = &self.columns.known {
            let estimate = bloat::estimate(&air::input(identity, stats, columns));
            facts.extend(air::estimated(identity, &estimate, world));
        }
        let mut measured: Vec<_> = self.measured.values().cloned().collect();
        measured.sort_by_key(|one| one.oid != identity.oid);
        facts.extend(air::measured(identity, &measured, now));
        if let Some(stats) = stats {
            facts.extend(facts::rows(identity, stats));
            facts.extend(facts::upkeep(identity, stats, now));
            facts.extend(facts::thresholds(identity, stats));
        }
        facts.extend(facts::visibility(identity, stats));
        if let Some(stats) = stats {
            facts.extend(facts::reads(identity, stats, now));
        }
        facts.extend(facts::settings(identity));
        facts.extend(stats.iter().flat_map(|stats| facts::counters(stats, now)));
        facts
    }

    fn lay_out(&self, width: u16) -> Vec<Line> {
        let cells = room(width) + LABEL;
        let above = |rich: &Rich| -> Vec<Line> {
            let wrapped = rich.wrap(cells).into_iter();
            wrapped.map(|line| after(" ".to_owned(), Role::Text, line)).collect()
        };
        let mut lines = Vec::new();
        if let Some(Notice { role, text }) = &self.notice {
            let wrapped = wrap::wrap(&[(*role, text)], cells);
            lines.extend(wrapped.into_iter().map(|line| after(" ".to_owned(), *role, line)));
        }
        let mut body: Vec<Line> = self.facts.iter().flat_map(|fact| fact.lines(width)).collect();
        if self.stale {
            grow_stale(&mut body);
        }
        lines.extend(self.said.iter().flat_map(above));
        lines.extend(body);
        lines
    }

    /// What would be measured, or why nothing can be.
    fn offer(&self, world: &World) -> Result<Offer, Notice> {
        let Some(identity) = self.identity.as_ref().filter(|_| self.life == Life::Alive) else {
            return Err(Notice::new(Role::Warning, "There is nothing to measure."));
        };
        measuring::ready(world)?;
        if !facts::has_rows(identity) {
            let text = "It has no rows of its own: measure its partitions.";
            return Err(Notice::new(Role::Muted, text));
        }
        if identity.access_method.as_deref().is_some_and(|method| method != "heap") {
            let text = "pgstattuple measures only tables of the access method heap.";
            return Err(Notice::new(Role::Muted, text));
        }
        let name = identity.name.sql();
        // The locks are asked for every other second; what the sizes ran into may be over.
        let locks = answer::<RelationLocks>(self.oid, world).map(|locks| locks.locks.as_slice());
        if let Some(busy) = locks.and_then(|locks| super::locks::exclusive(locks, |lock| lock.heap)) {
            return Err(measuring::refused(&name, busy));
        }
        let block = i64::from(identity.block);
        let bytes = identity.size.exact.map_or(identity.pages * block, |exact| exact.heap);
        let unseen = |bytes: i64, visible: i64| bytes.saturating_sub(visible.saturating_mul(block)).max(0);
        // Of an empty TOAST table there is one page: its index's first.
        let is_filled = identity.size.exact.is_none_or(|exact| exact.toast > block);
        let toast = identity.toast.as_ref().filter(|_| is_filled);
        let toast_read = toast.map(|toast| unseen(toast.pages * block, toast.visible_pages));
        let costs = heap_costs(
            &identity.name,
            (unseen(bytes, identity.visible_pages), bytes),
            toast_read,
        );
        let mut targets = vec![Target {
            oid: identity.oid,
            name: name.clone(),
        }];
        targets.extend(toast.map(|toast| Target {
            oid: toast.oid,
            name: format!("the TOAST table of {name}"),
        }));
        Ok(Offer { targets, costs })
    }

    /// What it belongs to: Enter opens that.
    fn owner(&self) -> Option<Subject> {
        let identity = self.identity.as_ref()?;
        let toasted = identity.toast_of.as_ref().map(|(oid, _)| *oid);
        let oid = toasted.or(identity.parent.as_ref().map(|parent| parent.oid))?;
        Some(Subject::Relation(oid))
    }
}

/// When the newest answer found it, in seconds since 1970 by the server's clock.
fn seen(oid: u32, world: &World) -> Option<f64> {
    answer::<RelationLocks>(oid, world)?;
    let ago = world.now.since(world.latest.ran::<RelationLocks>()?.started);
    Some(world.server_now()? - ago.as_secs_f64())
}

fn gone(last: f64, missed: Option<f64>) -> String {
    let last = clock::utc(last).unwrap_or_default();
    let when = match missed.and_then(clock::utc) {
        Some(missed) => format!("between {last} and {missed}"),
        None => format!("after {last}"),
    };
    format!("This relation was dropped {when}. What follows is its last state.")
}

impl View for Summary {
    fn id(&self) -> &'static str {
        "relation-summary"
    }

    fn title(&self) -> String {
        "Summary".to_owned()
    }

    fn probes(&self) -> Vec<&'static str> {
        vec![
            Relation::SPEC.id,
            RelationStats::SPEC.id,
            RelationColumns::SPEC.id,
            RelationLocks::SPEC.id,
            Measure::SPEC.id,
        ]
    }

    fn actions(&self) -> Vec<Action> {
        let enter = (self.measuring.asks() || self.owner().is_some()).then_some(Action::Enter);
        let back = self.measuring.is_active().then_some(Action::Back);
        let mine = [Some(Action::Measure), enter, back];
        mine.into_iter().flatten().chain(SCROLLS.iter().copied()).collect()
    }

    fn derive(&mut self, world: &World) {
        self.learn(world);
        let freshness = world.freshness(Relation::SPEC.id);
        self.stale = self.life != Life::Alive || matches!(freshness, Freshness::Stale(_));
        self.notice = self.notice(world);
        self.said = self.measuring.line(world);
        self.facts = self.compose(world);
    }

    fn arrange(&mut self, area: Rect) {
        self.page.set(self.lay_out(area.width), area.height);
    }

    fn on(&mut self, action: Action, world: &World) -> Reply {
        let offer = self.offer(world);
        if let Some(reply) = self.measuring.on(action, world, || offer) {
            // The question stands above everything else.
            self.page.on(Action::First);
            return reply;
        }
        match action {
            Action::Enter => self.owner().map_or(Reply::Ignored, Reply::Open),
            action if self.page.on(action) => Reply::Moved,
            _ => Reply::Ignored,
        }
    }

    fn draw(&self, _world: &World, look: &Look, area: Rect, buf: &mut Buffer) {
        self.page.draw(look, area, buf);
    }

    fn copies(&self, world: &World) -> Vec<Copy> {
        let Some(identity) = &self.identity else {
            return Vec::new();
        };
        let name = &identity.name;
        let mut copies = vec![Copy::new("name", name.sql())];
        if facts::has_rows(identity) {
            copies.push(Copy::new("VACUUM", relation_sql::vacuum(name)));
        }
        if identity.kind != "t" {
            copies.push(Copy::new("ANALYZE", relation_sql::analyze(name)));
        }
        let whole = relation_sql::reindexes_partitioned(world.server.as_deref());
        if facts::has_rows(identity) || whole && identity.kind == "p" {
            copies.push(Copy::new("REINDEX", relation_sql::reindex_table(name, identity.oid)));
        }
        copies.push(Copy::new("size", relation_sql::size(name)));
        copies
    }

    fn keys(&self) -> Vec<i64> {
        self.measuring.target().map(i64::from).into_iter().collect()
    }

    fn demand(&self) -> Option<Demand> {
        self.measuring.demand()
    }

    fn help(&self) -> Vec<(String, String)> {
        common::help(&[
            (
                "Bloat",
                "what writing the table anew would win, \u{2248} from the widths of its columns; no lock, no reading",
            ),
            (
                "Measured",
                "the same by pgstattuple_approx: dead rows exact, free space of pages not read estimated",
            ),
            ("to win", "dead rows and free space beyond what fillfactor keeps free"),
            ("HOT", "updates that needed no new index entries: the more, the better"),
            (
                "Pages",
                "all-visible ones need no visit by index-only scans, VACUUM and the measurement",
            ),
            (
                "Enter",
                "opens the table this one is a partition, child or TOAST table of",
            ),
        ])
    }
}
