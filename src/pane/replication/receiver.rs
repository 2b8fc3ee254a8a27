//! Receiver: on a standby, where its WAL comes from and how far replay is. On a primary the panel steps out of the way.

use super::badge;
use super::fact::Fact;
use crate::model::concern::Concern;
use crate::model::recovery::{self, Source};
use crate::model::trails::{Speed, What};
use crate::pane::Badge;
use crate::pane::common::{Notice, grant};
use crate::pane::list::{List, Piece};
use crate::pane::page::Rich;
use crate::probe::Probe as _;
use crate::probe::activity::Activity;
use crate::probe::conflicts::{Conflicts, ConflictsProbe};
use crate::probe::recovery::{Prefetch, Recovery, RecoveryProbe};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::Order;
use crate::world::World;

/// The panel.
#[derive(Debug, Default)]
pub(super) struct Receiver;

impl List for Receiver {
    type Row = Fact;
    const ID: &'static str = "receiver";
    const TITLE: &'static str = "Receiver";
    const PROBES: &'static [&'static str] = &[RecoveryProbe::SPEC.id, ConflictsProbe::SPEC.id];
    const SORT: Option<(&'static str, Order)> = None;
    const HELP: &'static [(&'static str, &'static str)] = &[
        (
            "replay",
            "bytes received and not replayed; at least: for how long they have been seen waiting; at most: the age of the newest replayed commit",
        ),
        (
            "conflicts",
            "queries on this standby that replay canceled, since the statistics began; the rate is of the last minutes",
        ),
    ];
    const ASKING: &'static str = "Asking what this standby receives.";

    fn shown(&self, world: &World) -> bool {
        world.server.is_some() && world.in_recovery()
    }

    fn rows(&mut self, world: &World) -> Option<Vec<Fact>> {
        let recovery = world.get::<RecoveryProbe>()?;
        let at_least = world.series.unreplayed().at_least();
        let concern = recovery::concern(recovery, at_least);
        let backends = world.get::<Activity>().map_or(&[][..], Vec::as_slice);
        let mut facts = vec![source(recovery, hidden(recovery)), replay(recovery, at_least, concern)];
        if let Some((event, means)) = recovery::obstacle(backends) {
            let concern = if event == "Timeout:RecoveryApplyDelay" {
                Concern::Calm
            } else {
                concern.max(Concern::Notice)
            };
            facts.push(Fact::new("startup process", event).concern(concern).more(means));
        }
        let conflicts = world.get::<ConflictsProbe>();
        let speed = world.series.trails().speed(What::Conflicts, "");
        facts.extend(conflicts.map(|conflicts| canceled(conflicts, speed)));
        facts.push(queries(recovery));
        facts.extend(recovery.prefetch.as_ref().map(prefetch));
        Some(facts)
    }

    fn head(&self, _world: &World, _rows: &[Fact]) -> Vec<Piece> {
        Vec::new()
    }

    fn nothing(&self, _world: &World) -> Notice {
        Notice::new(Role::Muted, "Nothing is recovered here.")
    }

    fn notice(&self, world: &World, _rows: &[Fact]) -> Option<Notice> {
        let recovery = world.get::<RecoveryProbe>()?;
        hidden(recovery).then(|| Notice::hidden("Where the WAL comes from is", &grant(world)))
    }

    fn about(&self, row: &Fact) -> Vec<Rich> {
        row.about()
    }

    fn badge(&self, rows: &[Fact]) -> Option<Badge> {
        badge(rows.iter().map(|row| row.concern))
    }
}

/// The role sees that there is a receiver, and no more.
fn hidden(recovery: &Recovery) -> bool {
    recovery.receiver_pid.is_some() && recovery.receiver_status.is_none()
}

fn source(recovery: &Recovery, hidden: bool) -> Fact {
    match Source::of(recovery) {
        Source::Receiver if hidden => Fact::new("WAL receiver", "hidden").role(Role::Denied),
        Source::Receiver => receiver(recovery),
        Source::PointInTime => Fact::new("source", "point-in-time recovery")
            .more(format!("to {}", recovery.target.as_deref().unwrap_or_default()))
            .more("there is no WAL receiver"),
        Source::Archive => Fact::new("source", "the archive")
            .more("restore_command fetches WAL; there is no WAL receiver")
            .more("how far the primary is cannot be known here"),
        Source::Nowhere => Fact::new("source", "no WAL receiver")
            .concern(Concern::Warning)
            .more("nothing comes in: the sender is away or refuses, or primary_conninfo is empty; see the server log"),
    }
}

fn receiver(recovery: &Recovery) -> Fact {
    let status = recovery.receiver_status.clone().unwrap_or_default();
    let from = recovery.sender_host.as_ref().map(|host| match recovery.sender_port {
        Some(port) => format!("from {host}:{port}"),
        None => format!("from {host}"),
    });
    let concern = if status == "streaming" {
        Concern::Calm
    } else {
        Concern::Notice
    };
    let missing = recovery.receive_bytes.filter(|bytes| *bytes > 0);
    Fact::new("WAL receiver", status)
        .concern(concern)
        .maybe(from)
        .maybe(recovery.slot_name.as_ref().map(|slot| format!("slot {slot}")))
        .maybe(missing.map(|bytes| format!("{} to come", format::bytes(bytes))))
        .maybe(
            recovery
                .unflushed_bytes
                .filter(|bytes| *bytes > 0)
                .map(|bytes| format!("{} not flushed", format::bytes(bytes))),
        )
        .maybe(
            recovery
                .message_age_s
                .map(|seconds| format!("last message {}", format::ago(seconds))),
        )
        .maybe(recovery.timeline.map(|timeline| format!("timeline {timeline}")))
}

fn replay(recovery: &Recovery, at_least: Option<f64>, concern: Concern) -> Fact {
    let value = match recovery.replay_bytes {
        Some(bytes) if bytes <= 0 => "caught up".to_owned(),
        Some(bytes) => format!("{} behind", format::bytes(bytes)),
        None => "runs".to_owned(),
    };
    // Without a receiver the source tells what is wrong.
    let concern = if recovery.replay_bytes.is_some_and(|bytes| bytes > 0) || recovery.paused == Some(true) {
        concern
    } else {
        Concern::Calm
    };
    let paused = match (recovery.paused, recovery.pause_state.as_deref()) {
        (_, Some("pause requested")) => Some("pause is requested".to_owned()),
        (Some(true), _) => Some("paused: SELECT pg_wal_replay_resume() goes on".to_owned()),
        _ => None,
    };
    let behind = recovery.replay_bytes.is_none_or(|bytes| bytes > 0);
    let newest = recovery.replay_s.map(|seconds| match recovery.replay_bytes {
        Some(bytes) if bytes > 0 => format!("at most {}", format::duration(seconds)),
        _ => format!("newest replayed commit is {} old", format::duration(seconds)),
    });
    let delay = (recovery.min_apply_delay_s > 0.0)
        .then(|| format!("delayed on purpose by {}", format::duration(recovery.min_apply_delay_s)));
    Fact::new("replay", value)
        .concern(concern)
        .maybe(paused)
        .maybe(
            at_least
                .filter(|_| behind)
                .map(|seconds| format!("≥{}", format::duration(seconds))),
        )
        .maybe(newest)
        .maybe(delay)
}

fn canceled(conflicts: &Conflicts, speed: Option<Speed>) -> Fact {
    let rises = speed.is_some_and(|speed| speed.per_second > 0.0);
    let concern = if rises { Concern::Warning } else { Concern::Calm };
    let kinds = conflicts.kinds().into_iter().filter(|(_, count)| *count > 0);
    let kinds = kinds.map(|(kind, count)| format!("{kind} {}", format::count(count)));
    let rate = speed
        .filter(|_| rises)
        .map(|speed| format!("{} a minute", format::rate(speed.per_second * 60.0)));
    let fact = Fact::new("conflicts", format!("{} canceled", format::count(conflicts.all()))).concern(concern);
    kinds.fold(fact.maybe(rate), Fact::more)
}

/// How queries here and replay get along.
fn queries(recovery: &Recovery) -> Fact {
    let waits = if recovery.replay_bytes.is_some() {
        recovery.max_streaming_delay_s
    } else {
        recovery.max_archive_delay_s
    };
    let value = if waits < 0.0 {
        "replay waits for them".to_owned()
    } else {
        format!("canceled after {}", format::duration(waits))
    };
    let feedback = if recovery.hot_standby_feedback {
        "hot_standby_feedback on: the primary keeps rows they may need"
    } else {
        "hot_standby_feedback off"
    };
    Fact::new("queries here", value).more(feedback)
}

fn prefetch(prefetch: &Prefetch) -> Fact {
    Fact::new("prefetch", format!("{} blocks", format::count(prefetch.fetched)))
        .more(format!("{} were in memory", format::count(prefetch.hits)))
        .more(format!("{} left out", format::count(prefetch.skipped)))
        .more(format!("{} ahead", format::bytes(prefetch.distance)))
}
