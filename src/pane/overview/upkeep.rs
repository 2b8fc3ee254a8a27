//! The lines about what keeps a server well: replication, slots, autovacuum, the xmin horizon, sizes.

use std::time::Duration;

use super::line::Line;
use crate::model;
use crate::model::observe::name;
use crate::model::overview;
use crate::model::replay::Delay;
use crate::model::replication::Kind;
use crate::model::series::Fold;
use crate::model::waits::Profile;
use crate::probe::Subject;
use crate::probe::activity::Activity;
use crate::probe::databases::{Database, DatabasesProbe};
use crate::probe::horizon::{Holder, HorizonProbe};
use crate::probe::pulse::PulseProbe;
use crate::probe::recovery::{Recovery, RecoveryProbe};
use crate::probe::replication::{ReplicationProbe, Sender};
use crate::probe::slots::SlotsProbe;
use crate::ui::format;
use crate::ui::look::Role;
use crate::world::World;

/// The lines, and those that come only where there is room.
pub fn lines(world: &World, window: Duration) -> (Vec<Line>, Vec<Line>) {
    let standby = world.get::<PulseProbe>().is_some_and(|pulse| pulse.in_recovery);
    let first = if standby {
        recovery(world, window)
    } else {
        replication(world, window)
    };
    let lines = vec![
        first,
        slots(world),
        autovacuum(world, window),
        horizon(world, window),
        sizes(world),
    ];
    (lines, Vec::new())
}

fn replication(world: &World, window: Duration) -> Line {
    Line::of::<ReplicationProbe>(world, "replication", "Replication", |senders, line| {
        if senders.iter().any(|sender| sender.hidden) {
            return line.denied(world);
        }
        let Some(worst) = senders.iter().max_by_key(|sender| sender.replay_bytes) else {
            return line.value("none").role(Role::Muted).piece(Role::Muted, "no standby");
        };
        let line = match worst.replay_bytes {
            Some(bytes) => line.value(format::bytes(bytes)),
            None => line,
        };
        let line = line
            .trend(world, window, name::REPLAY_LAG, Fold::Peak, 1_048_576.0)
            .with(receivers(senders));
        let lagging = world.series.replay().delay(worst).map(|delay| match delay {
            Delay::Reported(seconds) => format!("{} behind", format::duration(seconds)),
            Delay::AtLeast(seconds) => format!("≥{} behind", format::duration(seconds)),
        });
        line.maybe(lagging)
            .maybe(worst.application_name.clone())
            .maybe(others(senders))
    })
}

/// "2 standbys", "1 logical"; of several kinds "3 receivers": a subscriber is no standby.
fn receivers(senders: &[Sender]) -> String {
    let are = |kind| senders.iter().all(|sender| Kind::of(sender) == kind);
    let (one, many) = if are(Kind::Physical) {
        ("standby", "standbys")
    } else if are(Kind::Logical) {
        ("logical", "logical")
    } else {
        ("receiver", "receivers")
    };
    format::counted(senders.len(), one, many)
}

/// "1 catchup": standbys that do not stream.
fn others(senders: &[Sender]) -> Option<String> {
    let state = |sender: &Sender| sender.state.clone().filter(|state| state != "streaming");
    let first = senders.iter().find_map(state)?;
    let count = senders.iter().filter_map(state).filter(|state| *state == first).count();
    Some(format!("{count} in {first}"))
}

fn recovery(world: &World, window: Duration) -> Line {
    Line::of::<RecoveryProbe>(world, "replication", "Standby", |recovery, line| {
        let line = match recovery.replay_bytes {
            Some(bytes) => line.value(format::bytes(bytes)),
            None => line.value("archive").role(Role::Muted),
        };
        let line = if recovery.paused == Some(true) {
            line.mark(Role::Notice).piece(Role::Notice, "replay is paused")
        } else {
            line
        };
        let below = world.get::<ReplicationProbe>().filter(|senders| !senders.is_empty());
        delay(recovery, line)
            .maybe(receiver(recovery))
            .maybe(below.map(|senders| format!("feeds {}", receivers(senders))))
            .trend(world, window, name::STANDBY_LAG, Fold::Peak, 1_048_576.0)
    })
}

/// The age of the newest replayed commit is a delay only while something is left to replay, and then the most it can
/// be: the primary may have been idle before it wrote what is left.
fn delay(recovery: &Recovery, line: Line) -> Line {
    match (recovery.replay_bytes, recovery.replay_s) {
        (Some(0), _) => line.with("caught up"),
        (_, Some(seconds)) => line.with(format!("≤{} behind", format::duration(seconds))),
        _ => line,
    }
}

fn receiver(recovery: &Recovery) -> Option<String> {
    match (recovery.receiver_pid, &recovery.receiver_status, &recovery.sender_host) {
        (None, ..) => Some("no WAL receiver".to_owned()),
        (Some(_), Some(status), Some(host)) => Some(format!("{status} from {host}")),
        (Some(_), status, _) => status.clone(),
    }
}

fn slots(world: &World) -> Line {
    Line::of::<SlotsProbe>(world, "slots", "Slots", |slots, line| {
        if slots.is_empty() {
            return line.value("none").role(Role::Muted);
        }
        let line = line.value(slots.len().to_string());
        let lost = slots.iter().filter(|slot| model::slots::lost(slot)).count();
        let line = if lost > 0 {
            line.mark(Role::Warning).piece(Role::Warning, format!("{lost} lost"))
        } else {
            line
        };
        let inactive = slots.iter().filter(|slot| !slot.active);
        let kept = inactive.clone().filter_map(|slot| slot.kept_bytes).max();
        match (inactive.count(), kept) {
            (0, _) => line.piece(Role::Muted, "all active"),
            (count, Some(bytes)) => line
                .with(format!("{count} inactive"))
                .with(format!("{} kept", format::bytes(bytes))),
            (count, None) => line.with(format!("{count} inactive")),
        }
    })
}

fn autovacuum(world: &World, window: Duration) -> Line {
    Line::of::<Activity>(world, "autovacuum", "Autovacuum", |backends, line| {
        let Some(pulse) = world.get::<PulseProbe>() else {
            return line;
        };
        if pulse.in_recovery {
            return line.piece(Role::Muted, "runs on the primary");
        }
        let line = if pulse.autovacuum {
            line
        } else {
            line.mark(Role::Warning).piece(Role::Warning, "autovacuum = off")
        };
        let Some(busy) = overview::busy_workers(backends, !sees_less(world)) else {
            return line.denied(world);
        };
        let role = if pulse.autovacuum { Role::Text } else { Role::Warning };
        let line = line
            .value(format!("{busy}/{}", pulse.autovacuum_max_workers))
            .role(role)
            .trend(
                world,
                window,
                name::AUTOVACUUM,
                Fold::Peak,
                f64::from(pulse.autovacuum_max_workers),
            );
        match overview::longest_autovacuum(backends) {
            None => line.piece(Role::Muted, "no worker is busy"),
            Some(worker) => line
                .with(format!(
                    "longest {}",
                    format::duration(worker.xact_s.unwrap_or(f64::NAN))
                ))
                .backend(worker)
                .maybe(worker.query.clone()),
        }
    })
}

fn sees_less(world: &World) -> bool {
    !world.sees_all()
}

fn horizon(world: &World, window: Duration) -> Line {
    Line::of::<HorizonProbe>(world, "horizon", "xmin horizon", |holders, line| {
        let others = world
            .get::<Activity>()
            .map_or(1, |backends| Profile::of(backends).hidden);
        let blind = sees_less(world) && others > 0;
        match overview::holder(holders) {
            None if blind => line.denied(world),
            None => line.value("0").piece(Role::Muted, "nobody holds it back"),
            Some(holder) => {
                let line = holds(holder, line.value(format::count(holder.xmin_age))).trend(
                    world,
                    window,
                    name::HORIZON,
                    Fold::Peak,
                    1000.0,
                );
                if blind {
                    line.estimated().piece(Role::Denied, "sessions hidden")
                } else {
                    line
                }
            }
        }
    })
}

fn holds(holder: &Holder, mut line: Line) -> Line {
    let who = match (holder.kind.as_str(), holder.pid) {
        ("session", Some(pid)) => {
            line.jump = holder.start.map(|start| Subject::Backend { pid, start });
            format!("pid {pid}")
        }
        (kind, _) => kind.to_owned(),
    };
    line.with(who)
        .with(holder.name.clone())
        .maybe(holder.detail.clone())
        .maybe(holder.age_s.map(|seconds| format!("for {}", format::duration(seconds))))
        .maybe(holder.database.as_ref().map(|name| format!("in {name}")))
}

fn sizes(world: &World) -> Line {
    Line::of::<DatabasesProbe>(world, "sizes", "Databases", |databases, line| {
        let known: i64 = databases
            .iter()
            .filter_map(|database| database.bytes)
            .fold(0, i64::saturating_add);
        let unknown = databases.iter().filter(|database| database.bytes.is_none()).count();
        let here = databases.iter().find(|database| database.here);
        let size = |database: &Database| Some(format!("{} {}", database.datname, format::bytes(database.bytes?)));
        let line = line.value(format::bytes(known)).maybe(here.and_then(size));
        let line = if unknown > 0 {
            line.estimated()
                .piece(Role::Denied, format!("{unknown} without CONNECT left out"))
        } else {
            line
        };
        let largest = databases.iter().filter(|database| !database.here).take(3);
        largest
            .filter_map(size)
            .fold(line, |line, text| line.piece(Role::Muted, text))
            .age(world)
    })
}
