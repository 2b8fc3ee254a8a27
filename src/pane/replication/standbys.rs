//! Standbys: who receives WAL from this server, how far behind in bytes and in time, and who should be there and is not.

use super::standby_columns::behind;
use super::{badge, open, role};
use crate::action::Action;
use crate::alert::Thing;
use crate::model::concern::Severity;
use crate::model::locks::beside::{self, Beside};
use crate::model::replay::Delay;
use crate::model::replication::{self, Kind, Method, Quorum, SYNC_NAMES, Standby, SyncNames};
use crate::pane::common::{Notice, grant};
use crate::pane::list::{List, Piece};
use crate::pane::page::Rich;
use crate::pane::{Badge, Reply};
use crate::probe::Probe as _;
use crate::probe::activity::Activity;
use crate::probe::replication::{ReplicationProbe, Sender};
use crate::probe::slots::SlotsProbe;
use crate::probe::wal_settings::WalSettingsProbe;
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::Order;
use crate::world::World;

/// The panel.
#[derive(Debug, Default)]
pub(super) struct Standbys {
    names: Option<SyncNames>,
    quorum: Option<Quorum>,
    /// Commits that wait to be confirmed.
    waiting: Option<Beside>,
}

impl List for Standbys {
    type Row = Standby;
    const ID: &'static str = "standbys";
    const TITLE: &'static str = "Standbys";
    const PROBES: &'static [&'static str] = &[
        ReplicationProbe::SPEC.id,
        SlotsProbe::SPEC.id,
        WalSettingsProbe::SPEC.id,
    ];
    const SORT: Option<(&'static str, Order)> = Some(("state", Order::Descending));
    const ACTIONS: &'static [Action] = &[Action::Enter];
    const HELP: &'static [(&'static str, &'static str)] = &[
        (
            "bytes first",
            "from this server's own position to the standby's; times are what the standby reported last, none when idle",
        ),
        (
            "≥4m stands",
            "replay stands still (paused, delayed, or behind a query there): at least so long; the time it reported before means nothing",
        ),
        (
            "gone",
            "synchronous_standby_names or a physical slot counts on it, and it is not connected",
        ),
        (
            "commits wait",
            "fewer synchronous standbys are connected than have to confirm a commit: it waits until one is back",
        ),
    ];
    const ASKING: &'static str = "Asking for the standbys.";

    fn rows(&mut self, world: &World) -> Option<Vec<Standby>> {
        let senders = world.get::<ReplicationProbe>()?;
        let slots = world.get::<SlotsProbe>().map_or(&[][..], Vec::as_slice);
        let settings = world.get::<WalSettingsProbe>();
        // A standby passes WAL on, and confirms nobody's commit.
        let names = settings.filter(|_| !world.in_recovery());
        self.names = names.and_then(|settings| SyncNames::parse(&settings.synchronous_standby_names));
        self.quorum = self.names.as_ref().and_then(|names| Quorum::of(names, senders));
        let backends = world.get::<Activity>().map_or(&[][..], Vec::as_slice);
        let mut beside = beside::beside(backends).into_iter();
        self.waiting = beside.find(|group| group.event == "IPC:SyncRep" && group.hangs());
        let replay = world.series.replay();
        let mut rows = replication::standbys(senders, slots, self.names.as_ref(), replay);
        // Of the equally bad the furthest behind first.
        rows.sort_by_key(|row| std::cmp::Reverse(behind(row)));
        Some(rows)
    }

    fn head(&self, _world: &World, rows: &[Standby]) -> Vec<Piece> {
        let mut head = Vec::new();
        if let Some(waiting) = &self.waiting {
            let longest = waiting.longest.map_or_else(String::new, format::duration);
            let commits = format::counted(waiting.sessions, "commit waits", "commits wait");
            head.push((format!("{commits} for a standby, up to {longest}"), Role::Critical));
        }
        for (kind, one, many) in [
            (Kind::Physical, "standby", "standbys"),
            (Kind::Logical, "logical", "logical"),
            (Kind::Backup, "base backup", "base backups"),
            (Kind::Hidden, "hidden", "hidden"),
            (Kind::Gone, "gone", "gone"),
        ] {
            let count = rows.iter().filter(|row| row.kind == kind).count();
            if count > 0 {
                let worst = rows.iter().filter(|row| row.kind == kind).map(|row| row.concern).max();
                let role = match (kind, worst) {
                    (Kind::Hidden, _) => Role::Denied,
                    (Kind::Gone, Some(worst)) => role(worst),
                    _ => Role::Muted,
                };
                head.push((format::counted(count, one, many), role));
            }
        }
        head.extend(self.synchronous());
        head
    }

    fn nothing(&self, world: &World) -> Notice {
        let text = if world.in_recovery() {
            "Nobody receives WAL from this standby."
        } else {
            "Nobody receives WAL from this server, and nothing counts on a standby."
        };
        Notice::new(Role::Muted, text)
    }

    fn notice(&self, world: &World, rows: &[Standby]) -> Option<Notice> {
        if rows
            .iter()
            .any(|row| row.sender.as_ref().is_some_and(|sender| sender.hidden))
        {
            return Some(Notice::hidden("State and positions are", &grant(world)));
        }
        let short = self.quorum.filter(|quorum| quorum.short())?;
        let role = if self.waiting.is_some() {
            Role::Critical
        } else {
            Role::Warning
        };
        let text = format!(
            "{} of {} synchronous standbys are connected: every commit waits until enough are back, or \
             synchronous_standby_names no longer counts on them.",
            short.there, short.needed
        );
        Some(Notice::new(role, text))
    }

    fn about(&self, row: &Standby) -> Vec<Rich> {
        match &row.sender {
            Some(sender) => about(row, sender),
            None => vec![about_gone(row)],
        }
    }

    fn on(&mut self, _action: Action, row: Option<&Standby>, world: &World) -> Reply {
        let Some(row) = row else { return Reply::Ignored };
        let pid = row.sender.as_ref().map(|sender| sender.pid);
        open(pid, "Nobody is connected: there is no walsender to look at.", world)
    }

    /// A slot is that of its standby; the names the setting counts on are those that are not there.
    fn is(row: &Standby, thing: &Thing) -> bool {
        let sender = row.sender.as_ref();
        match thing {
            Thing::Standby(pid) => sender.is_some_and(|sender| sender.pid == *pid),
            Thing::Slot(name) => {
                let slot = row.slot.as_ref().map(|slot| &slot.slot_name);
                slot.or(sender.and_then(|sender| sender.slot_name.as_ref())) == Some(name)
            }
            Thing::Setting(name) => row.kind == Kind::Gone && row.expected && name == SYNC_NAMES,
            _ => false,
        }
    }

    fn badge(&self, rows: &[Standby]) -> Option<Badge> {
        if self.waiting.is_some() || self.quorum.is_some_and(Quorum::short) {
            let severity = if self.waiting.is_some() {
                Severity::Critical
            } else {
                Severity::Warning
            };
            let count = self.waiting.as_ref().map_or(1, |waiting| waiting.sessions);
            return Some(Badge { severity, count });
        }
        badge(rows.iter().map(|row| row.concern))
    }
}

impl Standbys {
    /// "sync 0 of 1: first 1 of dr1, dr2".
    fn synchronous(&self) -> Option<Piece> {
        let names = self.names.as_ref()?;
        let method = match names.method {
            Method::First => "first",
            Method::Any => "any",
        };
        let list = format!("{method} {} of {}", names.number, names.names.join(", "));
        Some(match self.quorum {
            Some(quorum) if quorum.short() => (
                format!("sync {} of {}: {list}", quorum.there, quorum.needed),
                if self.waiting.is_some() {
                    Role::Critical
                } else {
                    Role::Warning
                },
            ),
            _ => (format!("sync {list}"), Role::Muted),
        })
    }
}

/// What is known of one that is connected.
fn about(row: &Standby, sender: &Sender) -> Vec<Rich> {
    let mut who = Rich::new(row.kind.name(), Role::Text);
    who.fact(format!("pid {}", sender.pid), Role::Muted);
    let user = sender.usename.as_deref().unwrap_or("?");
    let client = sender.client.as_deref().unwrap_or("local");
    who.fact(format!("{user} from {client}"), Role::Muted);
    if let Some(age) = sender.age_s {
        who.fact(format!("connected {}", format::duration(age)), Role::Muted);
    }
    if let Some(database) = &sender.database {
        let plugin = sender.plugin.as_deref().unwrap_or("?");
        who.fact(format!("decodes {database} with {plugin}"), Role::Muted);
    }
    match (&sender.slot_name, sender.kept_bytes) {
        (Some(slot), Some(bytes)) => who.fact(format!("slot {slot} keeps {}", format::bytes(bytes)), Role::Muted),
        (Some(slot), None) => who.fact(format!("slot {slot}"), Role::Muted),
        (None, _) if row.kind == Kind::Physical => {
            who.fact("no slot: WAL it still needs may be removed", Role::Muted);
        }
        _ => {}
    }
    if let Some(age) = sender.xmin_age {
        who.fact(
            format!("its snapshot is {} transactions old", format::count(age)),
            Role::Muted,
        );
    }
    let mut lag = Rich::default();
    for (what, bytes, seconds) in [
        ("not sent", sender.sent_bytes, None),
        ("not written", sender.write_bytes, sender.write_s),
        ("not flushed", sender.flush_bytes, sender.flush_s),
        ("not replayed", sender.replay_bytes, None),
    ] {
        if let Some(bytes) = bytes {
            let time = seconds.map_or_else(String::new, |seconds| format!(" ({})", format::duration(seconds)));
            lag.fact(format!("{what} {}{time}", format::bytes(bytes)), Role::Text);
        }
    }
    let mut lines = vec![who, lag];
    if let Some(Delay::AtLeast(_)) = row.delay {
        let reported = sender.replay_s.map_or_else(String::new, |seconds| {
            format!(" The {} it reported were measured before.", format::duration(seconds))
        });
        let text = match row.kind {
            Kind::Logical => {
                "What it has confirmed stands still: nobody applies it, or a large transaction is on its way."
            }
            _ => "Replay stands still: paused, recovery_min_apply_delay, or a query on the standby is in its way.",
        };
        lines.push(Rich::new(format!("{text}{reported}"), Role::Notice));
    }
    if let Some(seconds) = row.silent_s {
        let text = format!(
            "No reply for {} or longer: is it hung, or the network cut?",
            format::duration(seconds)
        );
        lines.push(Rich::new(text, Role::Warning));
    }
    lines
}

fn about_gone(row: &Standby) -> Rich {
    let mut rich = Rich::new("not connected", role(row.concern));
    if row.expected {
        rich.fact("synchronous_standby_names counts on it", Role::Text);
    }
    if let Some(slot) = &row.slot {
        let kept = slot.kept_bytes.map_or_else(|| "nothing".to_owned(), format::bytes);
        rich.fact(format!("slot {} keeps {kept}", slot.slot_name), Role::Text);
        if let Some(seconds) = slot.inactive_s {
            rich.fact(format!("for {}", format::duration(seconds)), Role::Muted);
        }
        if crate::model::slots::lost(slot) {
            rich.fact("lost: it cannot go on from here, build it anew", Role::Critical);
        }
    }
    rich
}
