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
use super::{Badge, Reply, View};
use crate::model::concern::Concern;
use crate::model::concern::Severity;
use crate::probe::Subject;
use crate::probe::activity::Activity;
use crate::ui::look::Role;
use crate::world::World;

/// The pane.
pub(super) fn pane() -> Box<dyn View> {
    let panels: Vec<Box<dyn View>> = vec![
        Box::<ListView<receiver::Receiver>>::default(),
        Box::<ListView<standbys::Standbys>>::default(),
        Box::<ListView<slots::Slots>>::default(),
        Box::<ListView<archiver::Archive>>::default(),
        Box::<ListView<subscriptions::Subscriptions>>::default(),
    ];
    Box::new(Panels::new("replication", "Replication", "Repl", panels).stacked())
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
fn badge(concerns: impl Iterator<Item = Concern>) -> Option<Badge> {
    Badge::of_rows(concerns.filter_map(|concern| match concern {
        Concern::Calm | Concern::Notice => None,
        Concern::Warning => Some(Severity::Warning),
        Concern::Critical => Some(Severity::Critical),
    }))
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
