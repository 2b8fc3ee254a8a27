//! Slots: the WAL they keep, how fast it grows, and how long that can go on.

use super::{badge, open, role};
use crate::action::Action;
use crate::alert::Thing;
use crate::model::concern::Concern;
use crate::model::slots::{self, Judged, Outlook};
use crate::model::trails::What;
use crate::pane::common::Notice;
use crate::pane::list::{List, Piece};
use crate::pane::page::Rich;
use crate::pane::{Badge, Copy, Reply};
use crate::probe::Probe as _;
use crate::probe::slots::{Slot, SlotsProbe};
use crate::probe::wal_settings::{WalSettings, WalSettingsProbe};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::Order;
use crate::world::World;

/// The panel.
#[derive(Debug, Default)]
pub(super) struct Slots {
    settings: Option<WalSettings>,
}

impl List for Slots {
    type Row = Judged;
    const ID: &'static str = "slots";
    const TITLE: &'static str = "Slots";
    const PROBES: &'static [&'static str] = &[SlotsProbe::SPEC.id, WalSettingsProbe::SPEC.id];
    const SORT: Option<(&'static str, Order)> = Some(("state", Order::Descending));
    const ACTIONS: &'static [Action] = &[Action::Enter];
    const HELP: &'static [(&'static str, &'static str)] = &[
        (
            "LEFT",
            "safe bytes by the growth of the last minutes; `disk`: no limit is set, so the disk is (how full it is only a superuser can ask)",
        ),
        (
            "STATUS",
            "reserved, extended: kept; unreserved: the next checkpoint may remove what it needs; lost: its consumer has to begin anew",
        ),
        (
            "y",
            "copies pg_drop_replication_slot() for a slot nobody uses; a slot of a standby that is only away has to stay",
        ),
    ];
    const ASKING: &'static str = "Asking for the slots.";

    fn rows(&mut self, world: &World) -> Option<Vec<Judged>> {
        self.settings = world.get::<WalSettingsProbe>().cloned();
        let trails = world.series.trails();
        let judge = |slot: &Slot| {
            let name = slot.slot_name.as_str();
            Judged::of(slot, trails.speed(What::Kept, name), trails.speed(What::Spilled, name))
        };
        Some(world.get::<SlotsProbe>()?.iter().map(judge).collect())
    }

    fn head(&self, _world: &World, rows: &[Judged]) -> Vec<Piece> {
        if rows.is_empty() {
            return Vec::new();
        }
        let idle = rows.iter().filter(|row| !row.slot.active).count();
        let lost = rows.iter().filter(|row| row.outlook == Outlook::Lost).count();
        let kept = rows.iter().filter_map(|row| row.slot.kept_bytes).max();
        let mut head = Vec::new();
        if lost > 0 {
            head.push((format!("{lost} lost"), Role::Critical));
        }
        let all = self.settings.as_ref().map_or_else(String::new, |settings| {
            format!(" of {}", settings.max_replication_slots)
        });
        head.push((format!("{}{all} slots", rows.len()), Role::Muted));
        if idle > 0 {
            head.push((format!("{idle} inactive"), Role::Notice));
        }
        head.extend(kept.map(|bytes| (format!("{} of WAL kept", format::bytes(bytes)), Role::Muted)));
        head.extend(self.limit());
        head
    }

    fn nothing(&self, _world: &World) -> Notice {
        Notice::new(
            Role::Muted,
            "No replication slots: nothing but wal_keep_size and the archiver keeps WAL.",
        )
    }

    fn about(&self, row: &Judged) -> Vec<Rich> {
        let mut lines = vec![what(row)];
        lines.extend(why(row));
        lines
    }

    fn on(&mut self, _action: Action, row: Option<&Judged>, world: &World) -> Reply {
        let Some(row) = row else { return Reply::Ignored };
        open(
            row.slot.active_pid,
            "Nobody uses this slot: there is no process to look at.",
            world,
        )
    }

    fn is(row: &Judged, thing: &Thing) -> bool {
        matches!(thing, Thing::Slot(name) if *name == row.slot.slot_name)
    }

    fn badge(&self, rows: &[Judged]) -> Option<Badge> {
        badge(rows.iter().map(|row| row.concern))
    }

    fn copies(&self, row: &Judged, _world: &World) -> Vec<Copy> {
        let statement = slots::drop_statement(&row.slot);
        statement
            .map(|text| Copy::new("drop this slot", text))
            .into_iter()
            .collect()
    }
}

impl Slots {
    fn limit(&self) -> Option<Piece> {
        let settings = self.settings.as_ref()?;
        let limit = match settings.max_keep_bytes {
            Some(bytes) => format!("max_slot_wal_keep_size {}", format::bytes(bytes)),
            None => "no limit but the disk".to_owned(),
        };
        let idle = settings.idle_timeout_s.map_or_else(String::new, |seconds| {
            format!(", idle slots are lost after {}", format::duration(seconds))
        });
        Some((format!("{limit}{idle}"), Role::Muted))
    }
}

/// What it is.
fn what(row: &Judged) -> Rich {
    let slot = &row.slot;
    let mut rich = Rich::new(format!("{} slot", slot.slot_type), Role::Text);
    if let (Some(database), Some(plugin)) = (&slot.database, &slot.plugin) {
        rich.fact(format!("{plugin} in {database}"), Role::Muted);
    }
    match slot.active_pid {
        Some(pid) => rich.fact(format!("used by pid {pid}"), Role::Muted),
        None => rich.fact("used by nobody", Role::Notice),
    }
    for (is, name) in [
        (Some(slot.temporary), "temporary"),
        (slot.two_phase, "two-phase"),
        (slot.failover, "failover"),
        (slot.synced, "synced from the primary"),
    ] {
        if is == Some(true) {
            rich.fact(name, Role::Muted);
        }
    }
    if let Some(bytes) = slot.confirmed_bytes {
        rich.fact(format!("{} not confirmed", format::bytes(bytes)), Role::Muted);
    }
    if let Some(decoded) = slot.decoded {
        let share = format::share(decoded.spill_bytes, decoded.total_bytes);
        let spilled = format::bytes(decoded.spill_bytes);
        rich.fact(
            format!(
                "spilled {spilled} of {} decoded ({share})",
                format::bytes(decoded.total_bytes)
            ),
            Role::Muted,
        );
        if decoded.stream_bytes > 0 {
            rich.fact(format!("streamed {}", format::bytes(decoded.stream_bytes)), Role::Muted);
        }
    }
    rich
}

/// What becomes of it, in a sentence.
fn why(row: &Judged) -> Option<Rich> {
    let reason = row.slot.invalidation_reason.as_deref();
    let text = match row.outlook {
        Outlook::Lost => {
            let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
            let then = if row.slot.synced == Some(true) {
                "Look at it on the primary"
            } else {
                "Drop it"
            };
            format!("Lost{reason}: it keeps nothing any more and its consumer has to begin anew. {then}.")
        }
        Outlook::Unreserved => {
            "Over max_slot_wal_keep_size: the next checkpoint may remove WAL it needs. Let its consumer catch up now, or \
             raise the limit."
                .to_owned()
        }
        Outlook::Fills => {
            let way_out = slots::way_out(&row.slot);
            format!("Nobody reads it here, and what it keeps grows until the disk is full: {way_out}.")
        }
        Outlook::LostIn(left) if row.concern > Concern::Calm => {
            let left = format::duration(left);
            format!("Lost in \u{2248} {left} if it goes on like this: {}.", slots::way_out(&row.slot))
        }
        Outlook::LostIn(_) | Outlook::Steady => return None,
    };
    Some(Rich::new(text, role(row.concern)))
}
