//! The lines about sessions: connections, what the active ones do, who waits, the oldest transactions.

use std::time::Duration;

use super::line::Line;
use crate::alert::Alert;
use crate::model::locks::beside::{self, Beside};
use crate::model::locks::{Node, Who};
use crate::model::observe::name;
use crate::model::overview;
use crate::model::series::Fold;
use crate::model::waits::{Profile, WaitClass};
use crate::pane;
use crate::probe::Subject;
use crate::probe::activity::{Activity, Backend};
use crate::probe::horizon::{Holder, HorizonProbe};
use crate::probe::pulse::PulseProbe;
use crate::ui::format;
use crate::ui::look::Role;
use crate::world::World;

/// Active sessions are averaged over this long.
pub const AVERAGE: Duration = Duration::from_mins(1);

/// Fewer average active sessions than this are nobody.
pub const SOMEBODY: f64 = 0.05;

/// Whoever holds something for less than this many seconds is another one at every look, and not worth a name.
const BRIEF: f64 = 1.0;

/// Percent of the usable connections from which the line is marked.
const CROWDED: f64 = 80.0;

/// The lines, and which of them come only where there is room.
pub fn lines(world: &World, window: Duration) -> (Vec<Line>, Vec<Line>) {
    let lines = vec![
        connections(world, window),
        active(world, window),
        blocked(world, window),
        oldest_tx(world, window),
        idle_in_tx(world, window),
    ];
    (lines, vec![longest_query(world)])
}

/// How bad it is by that rule: a number is no worse than the verdict.
fn alarm(world: &World, rule: &str) -> Role {
    let raised = world.alerts.raised().filter(|alert| alert.rule.id == rule);
    raised
        .filter_map(Alert::severity)
        .max()
        .map_or(Role::Notice, pane::role)
}

/// What is hidden of the other sessions, if anything.
fn blind(world: &World, backends: &[Backend]) -> bool {
    let all = world.sees_all();
    !all && Profile::of(backends).hidden > 0
}

fn connections(world: &World, window: Duration) -> Line {
    Line::of::<Activity>(world, "connections", "Connections", |backends, line| {
        let ours = world.latest.ran::<Activity>().map_or(1, overview::ours);
        let counted = overview::connections(backends, ours);
        let usable = world.get::<PulseProbe>().map(crate::probe::pulse::Pulse::usable);
        let value = match usable {
            Some(usable) => format!("{}/{usable}", counted.used),
            None => counted.used.to_string(),
        };
        let full = usable.map_or(1.0, f64::from);
        let share = 100.0 * crate::model::rates::float(i64::try_from(counted.used).unwrap_or(i64::MAX)) / full.max(1.0);
        let crowded = usable.filter(|_| share >= CROWDED).map(|_| alarm(world, "connections"));
        let line = line
            .value(value)
            .trend(world, window, name::CONNECTIONS, Fold::Peak, full);
        let line = match crowded {
            Some(role) => line
                .mark(role)
                .piece(role, format!("{} of usable", format::percent(share))),
            None => line,
        };
        if counted.hidden > 0 {
            return line
                .estimated()
                .piece(Role::Denied, "states hidden")
                .piece(Role::Muted, "some may be parallel workers");
        }
        let line = line
            .with(format!("active {}", counted.active))
            .with(format!("idle {}", counted.idle))
            .with(format!("in tx {}", counted.in_tx));
        if crowded.is_some() || usable.is_none() {
            line
        } else {
            line.piece(Role::Muted, format!("{} of usable", format::percent(share)))
        }
    })
}

fn active(world: &World, window: Duration) -> Line {
    Line::of::<Activity>(world, "active", "Active avg 1m", |backends, line| {
        if blind(world, backends) {
            return line.denied(world);
        }
        let mean = world.series.mean(name::ACTIVE, world.now, AVERAGE).unwrap_or_default();
        let line = line
            .value(format::rate(mean))
            .trend(world, window, name::ACTIVE, Fold::Mean, 1.0);
        let mut classes = by_class(world);
        classes.retain(|(_, mean)| *mean >= SOMEBODY);
        classes.sort_by(|a, b| b.1.total_cmp(&a.1));
        classes.into_iter().fold(line, |line, (class, mean)| {
            line.piece(role(class), format!("{} {}", class.name(), format::rate(mean)))
        })
    })
}

/// Average active sessions by class over the last minute, in the order they are stacked.
pub fn by_class(world: &World) -> Vec<(WaitClass, f64)> {
    let mean = |class: WaitClass| world.series.mean(class.series(), world.now, AVERAGE);
    WaitClass::ALL
        .into_iter()
        .map(|class| (class, mean(class).unwrap_or_default()))
        .collect()
}

/// How a class looks.
pub fn role(class: WaitClass) -> Role {
    match class {
        WaitClass::Cpu => Role::WaitCpu,
        WaitClass::Io => Role::WaitIo,
        WaitClass::LwLock => Role::WaitLwLock,
        WaitClass::Lock => Role::WaitLock,
        WaitClass::Other => Role::WaitOther,
    }
}

fn blocked(world: &World, window: Duration) -> Line {
    Line::of::<Activity>(world, "blocked", "Blocked", |_, line| {
        let sees_all = world.sees_all();
        let Some(blocked) = overview::blocked(&world.latest, sees_all) else {
            return line.denied(world);
        };
        let line = line
            .value(format::count(blocked.count))
            .trend(world, window, name::BLOCKED, Fold::Peak, 1.0);
        match blocked.longest {
            None => match hung(world) {
                Some(group) => (line.mark(Role::Notice))
                    .piece(Role::Notice, format!("{} in {}", group.sessions, group.event))
                    .with(group.means),
                None => line.piece(Role::Muted, "nobody waits for a lock"),
            },
            Some(waiter) => {
                let line = line.mark(alarm(world, "blocked"));
                // Without a single age nobody can be said to have waited the longest.
                if waiter.seconds.is_none() {
                    return line.piece(Role::Denied, "since when is hidden");
                }
                let bound = if waiter.at_most { "≤" } else { "" };
                let line = line.with(format!("longest {bound}{}", age(waiter.seconds)));
                match worst_root(world) {
                    Some(root) => behind(line, root),
                    None => line.who(
                        waiter.pid,
                        waiter.start,
                        waiter.usename.as_deref(),
                        waiter.application_name.as_deref(),
                    ),
                }
            }
        }
    })
}

/// The largest group of sessions that hang on something that is no lock.
fn hung(world: &World) -> Option<Beside> {
    let groups = beside::beside(world.get::<Activity>()?);
    groups.into_iter().find(Beside::hangs)
}

/// The root of the Locks pane that frees the most.
fn worst_root(world: &World) -> Option<&Node> {
    let forest = world.forest.as_deref()?;
    forest.nodes.get(*forest.roots.first()?)
}

/// Who is in the way is what the first screen has to say, rather than who waits.
fn behind(line: Line, root: &Node) -> Line {
    let frees = root.frees.max(root.direct);
    match &root.who {
        Who::Prepared(_) => {
            let gid = root.prepared.as_ref().map(|prepared| prepared.gid.clone());
            line.with(format!("{frees} behind a prepared transaction")).maybe(gid)
        }
        Who::Backend { pid, start } => {
            let mut line = line.with(format!("{frees} behind pid {pid}"));
            if *start != 0 {
                line.jump = Some(Subject::Backend {
                    pid: *pid,
                    start: *start,
                });
            }
            let session = &root.session;
            let kind = session.backend_type.clone().filter(|_| session.usename.is_none());
            let idle = session.state.clone().filter(|_| root.idle_in_transaction());
            line.maybe(session.application_name.clone().filter(|name| !name.is_empty()))
                .maybe(kind)
                .maybe(idle)
        }
    }
}

fn oldest_tx(world: &World, window: Duration) -> Line {
    Line::of::<Activity>(world, "oldest_tx", "Oldest tx", |backends, line| {
        let blind = blind(world, backends);
        let holders = world.get::<HorizonProbe>().map_or(&[][..], Vec::as_slice);
        match overview::oldest_tx(backends) {
            _ if let Some(holder) = overview::older_prepared(holders, backends) => prepared(line, holder, blind),
            _ if blind => return line.denied(world),
            None => line.value("none").role(Role::Muted),
            Some(backend) if brief(backend.xact_s) => line.value(age(backend.xact_s)),
            Some(backend) => line
                .value(age(backend.xact_s))
                .backend(backend)
                .maybe(backend.state.clone()),
        }
        .trend(world, window, name::OLDEST_TX, Fold::Peak, 10.0)
    })
}

/// A prepared transaction: everybody may see it, so that it is the least there is where sessions are hidden.
fn prepared(line: Line, holder: &Holder, blind: bool) -> Line {
    let line = line
        .value(format!("≥{}", age(holder.age_s)))
        .with("prepared transaction")
        .with(holder.name.clone())
        .maybe(holder.database.as_ref().map(|name| format!("in {name}")));
    if blind {
        line.piece(Role::Denied, "sessions hidden")
    } else {
        line
    }
}

fn idle_in_tx(world: &World, window: Duration) -> Line {
    Line::of::<Activity>(world, "idle_in_tx", "Idle in tx", |backends, line| {
        let blind = blind(world, backends);
        match overview::oldest_idle_tx(backends) {
            _ if blind => return line.denied(world),
            None => line.value("none").role(Role::Muted),
            Some(backend) if brief(backend.state_s) => line.value(age(backend.state_s)),
            Some(backend) => line
                .value(age(backend.state_s))
                .backend(backend)
                .with(format!("tx {}", age(backend.xact_s))),
        }
        .trend(world, window, name::OLDEST_IDLE_TX, Fold::Peak, 10.0)
    })
}

fn longest_query(world: &World) -> Line {
    Line::of::<Activity>(
        world,
        "longest_query",
        "Longest query",
        |backends, line| match overview::oldest_query(backends) {
            _ if blind(world, backends) => line.denied(world),
            None => line.value("none").role(Role::Muted),
            Some(backend) if brief(backend.query_s) => line.value(age(backend.query_s)),
            Some(backend) => line
                .value(age(backend.query_s))
                .backend(backend)
                .maybe(backend.query.clone()),
        },
    )
}

fn brief(seconds: Option<f64>) -> bool {
    seconds.is_some_and(|seconds| seconds < BRIEF)
}

fn age(seconds: Option<f64>) -> String {
    format::duration(seconds.unwrap_or(f64::NAN))
}
