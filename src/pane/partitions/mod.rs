//! Partitions: how far partitioned tables reach, and what is missing; behind Enter the partitions of one of them.

mod columns;
mod page;
mod rows;
mod words;

use std::sync::Arc;

use super::common::{Notice, top_of};
use super::list::{List, ListView, Piece};
use super::page::Rich;
use super::{Badge, Copy, Reply, View};
use crate::action::Action;
use crate::alert::Thing;
use crate::model::concern::Severity;
use crate::model::partitions::{self as model, Level, Parent, Verdict};
use crate::probe::partitions::PartitionsProbe;
use crate::probe::{Mono, Probe as _, Subject};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::Order;
use crate::world::World;
use rows::Row;

/// What is said while the first answer is awaited.
const ASKING: &str = "Asking for partitioned tables.";

/// The page of one partitioned table.
pub(super) fn page(oid: u32) -> Box<dyn View> {
    Box::new(ListView::of(page::Parts::of(oid)))
}

/// The pane.
pub(super) fn pane() -> Box<dyn View> {
    Box::new(ListView::<Parents>::default())
}

/// What an answer means.
#[derive(Clone, Debug, Default)]
struct Known {
    /// Which answer that is.
    answer: Option<(Mono, usize)>,
    parents: Arc<Vec<Parent>>,
    /// The server's clock now, in seconds since 1970.
    now: f64,
    /// `limits.partition_horizon_days`.
    days: u32,
}

impl Known {
    /// Takes over what is new; true if there is an answer at all.
    fn learn(&mut self, world: &World) -> bool {
        let answer = world
            .latest
            .ran::<PartitionsProbe>()
            .zip(world.get::<PartitionsProbe>());
        let (Some((ran, answer)), Some(parents)) = (answer, &world.partitioned) else {
            return false;
        };
        self.answer = Some((ran.started, Arc::as_ptr(parents).addr()));
        self.parents = Arc::clone(parents);
        self.now = world.server_now().unwrap_or(answer.now);
        self.days = world.settings.partition_horizon_days;
        true
    }

    fn judge(&self, parent: &Parent) -> Verdict {
        parent.judge(self.now, self.days)
    }

    fn parent(&self, oid: u32) -> Option<&Parent> {
        self.parents.iter().find(|parent| parent.oid == oid)
    }

    /// The statements that help, best first.
    fn statements(&self, parent: &Parent, verdict: &Verdict) -> Vec<Copy> {
        let next = parent.create_next(self.now, self.days, verdict, &self.parents);
        let holes = parent.create_holes(verdict, &self.parents);
        let remainders = parent.create_remainders(&self.parents);
        let named = [
            ("next partitions", next),
            ("partitions for the holes", holes),
            ("partitions for the remainders", remainders),
        ];
        let named = named
            .into_iter()
            .filter_map(|(what, text)| Some(Copy::new(what, text?)));
        let detaching = parent.parts.iter().filter(|part| part.detaching);
        let finalize = detaching.map(|part| Copy::new("finish the detach", model::statement::finalize(parent, part)));
        named.chain(finalize).collect()
    }
}

/// The list of partitioned tables.
#[derive(Debug, Default)]
struct Parents {
    known: Known,
    /// How many are critical and how many have a warning, shown or not.
    bad: (usize, usize),
    /// How many are no partitions themselves.
    roots: usize,
}

impl List for Parents {
    type Row = Row;
    const ID: &'static str = "partitions";
    const TITLE: &'static str = "Partitions";
    const SHORT: &'static str = "Part";
    const PROBES: &'static [&'static str] = &[PartitionsProbe::SPEC.id];
    const SORT: Option<(&'static str, Order)> = Some(("covers", Order::Ascending));
    const ACTIONS: &'static [Action] = &[Action::Enter];
    const ASKING: &'static str = ASKING;
    const HELP: &'static [(&'static str, &'static str)] = &[
        (
            "covers",
            "how far beyond now partitions follow each other without a gap; dates without a zone are taken as UTC",
        ),
        (
            "≈ 3 empty",
            "of numbers: partitions without rows after the newest one with rows; how fast they fill is not known",
        ),
        (
            "ended",
            "the last partition ended long ago and shows no sign of being written to",
        ),
        (
            "order",
            "what takes no rows now, what reaches not far enough, holes and filling defaults, the rest",
        ),
        (
            "≈",
            "rows by the counters or the last ANALYZE, bytes of the heap by the last VACUUM or ANALYZE",
        ),
        (
            "y",
            "copies the CREATE TABLE statements for the next partitions and for the holes",
        ),
    ];

    fn rows(&mut self, world: &World) -> Option<Vec<Row>> {
        if !self.known.learn(world) {
            return None;
        }
        let known = &self.known;
        let judged: Vec<(&Parent, Verdict)> = known
            .parents
            .iter()
            .map(|parent| (parent, known.judge(parent)))
            .collect();
        let count = |level| judged.iter().filter(|(_, verdict)| verdict.level == level).count();
        self.bad = (count(Level::Critical), count(Level::Warning));
        self.roots = judged.iter().filter(|(parent, _)| parent.parent.is_none()).count();
        let most = usize::try_from(world.settings.top_relations).unwrap_or(usize::MAX);
        Some(rows::tree(&judged, most))
    }

    fn head(&self, world: &World, rows: &[Row]) -> Vec<Piece> {
        if self.known.answer.is_none() {
            return Vec::new();
        }
        let shown = rows.iter().filter(|row| row.is_root()).count();
        let database = world.database();
        let mut head = vec![(format!("database {database}"), Role::Muted)];
        let roots = i64::try_from(self.roots).unwrap_or(i64::MAX);
        head.push(top_of(shown, roots, "partitioned table", "partitioned tables"));
        let (critical, warning) = self.bad;
        if critical > 0 {
            head.push((format!("{critical} critical"), Role::Critical));
        }
        if warning > 0 {
            head.push((format::counted(warning, "warning", "warnings"), Role::Warning));
        }
        head.push((
            format!("{} d ahead wanted", world.settings.partition_horizon_days),
            Role::Muted,
        ));
        head
    }

    fn nothing(&self, world: &World) -> Notice {
        let database = world.database();
        Notice::new(
            Role::Muted,
            format!("There are no partitioned tables in the database {database}."),
        )
    }

    fn notice(&self, _world: &World, _rows: &[Row]) -> Option<Notice> {
        let unasked: usize = self.known.parents.iter().map(|parent| parent.unasked).sum();
        (unasked > 0).then(|| {
            let text = format!(
                "{} more partitions were not asked for; of their tables holes and horizon are not told.",
                format::count(unasked)
            );
            Notice::new(Role::Notice, text)
        })
    }

    fn about(&self, row: &Row) -> Vec<Rich> {
        let Some((parent, verdict)) = row.oid().and_then(|oid| self.known.parent(oid)).map(|parent| {
            let verdict = self.known.judge(parent);
            (parent, verdict)
        }) else {
            return Vec::new();
        };
        words::about(parent, &verdict, self.known.now, self.known.days)
    }

    fn on(&mut self, action: Action, row: Option<&Row>, _world: &World) -> Reply {
        match (action, row.and_then(Row::oid)) {
            (Action::Enter, Some(oid)) => Reply::Open(Subject::Partitioned(oid)),
            _ => Reply::Ignored,
        }
    }

    fn is(row: &Row, thing: &Thing) -> bool {
        matches!(thing, Thing::Relation(oid) if row.oid() == Some(*oid))
    }

    fn badge(&self, _rows: &[Row]) -> Option<Badge> {
        let (critical, warning) = self.bad;
        Badge::of(Severity::Critical, critical).or_else(|| Badge::of(Severity::Warning, warning))
    }

    fn copies(&self, row: &Row, _world: &World) -> Vec<Copy> {
        let parent = row.oid().and_then(|oid| self.known.parent(oid));
        parent.map_or_else(Vec::new, |parent| {
            let verdict = self.known.judge(parent);
            self.known.statements(parent, &verdict)
        })
    }
}

#[cfg(test)]
mod tests;
