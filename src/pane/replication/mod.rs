//! Replication: who receives WAL and how far behind they are, what slots and the archiver keep, what this server takes
//! from others.

mod archiver;
mod fact;
mod receiver;
mod slot_columns;
mod slots;
mod standby_columns;
mod standbys;
mod subscriptions;
#[cfg(test)]
mod tests;

use super::list::ListView;
use super::panels::Panels;
use super::{Badge, Reply};
use crate::model::concern::Concern;
use crate::probe::Subject;
use crate::probe::activity::Activity;
use crate::ui::look::Role;
use crate::ui::table::{Cell, Key};
use crate::world::World;
use crate::world::message::Severity;

/// The pane.
#[must_use]
pub(super) fn pane() -> Panels {
    let panels: Vec<Box<dyn super::View>> = vec![
        Box::<ListView<receiver::Receiver>>::default(),
        Box::<ListView<standbys::Standbys>>::default(),
        Box::<ListView<slots::Slots>>::default(),
        Box::<ListView<archiver::Archive>>::default(),
        Box::<ListView<subscriptions::Subscriptions>>::default(),
    ];
    Panels::new("replication", "Replication", "Repl", panels).stacked()
}

/// The sign of a concern in the margin.
fn mark(concern: Concern) -> Option<Role> {
    match concern {
        Concern::Calm => None,
        Concern::Notice => Some(Role::Notice),
        Concern::Warning => Some(Role::Warning),
        Concern::Critical => Some(Role::Critical),
    }
}

/// What a value means that is as bad as that.
fn role(concern: Concern) -> Role {
    mark(concern).unwrap_or(Role::Text)
}

/// How many rows are a warning or worse, for the tab.
fn badge(concerns: &(impl Iterator<Item = Concern> + Clone)) -> Option<Badge> {
    let of = |concern: Concern, severity| {
        let count = concerns.clone().filter(|each| *each == concern).count();
        (count > 0).then_some(Badge { severity, count })
    };
    of(Concern::Critical, Severity::Critical).or_else(|| of(Concern::Warning, Severity::Warning))
}

/// Opens the page of a process that the Activity probe has seen.
fn open(pid: Option<i32>, nobody: &str, world: &World) -> Reply {
    let Some(pid) = pid else {
        return Reply::Tell(nobody.to_owned());
    };
    let backends = world.get::<Activity>().map_or(&[][..], Vec::as_slice);
    match backends.iter().find(|backend| backend.pid == pid) {
        Some(backend) => Reply::Open(Subject::Backend {
            pid,
            start: backend.start,
        }),
        None => Reply::Tell(format!(
            "pid {pid} is not among the sessions: it has just ended, or just begun."
        )),
    }
}

/// A cell that is empty where there is no value.
fn maybe(text: Option<String>) -> Cell<'static> {
    text.map_or(Cell::empty(), Cell::text)
}

/// A sort key of a number that may be missing.
fn number(value: Option<f64>) -> Key<'static> {
    value.map_or(Key::None, Key::Number)
}

/// A sort key of a whole number that may be missing.
#[expect(clippy::cast_precision_loss, reason = "a sort key")]
fn whole(value: Option<i64>) -> Key<'static> {
    number(value.map(|value| value as f64))
}

/// A sort key of a text that may be missing.
fn text(value: Option<&str>) -> Key<'_> {
    value.map_or(Key::None, |value| Key::Text(value.into()))
}
