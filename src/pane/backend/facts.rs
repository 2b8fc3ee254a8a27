//! What is known of one backend, as labelled facts.

use crate::model::activity::busy_backend;
use crate::model::clock;
use crate::model::locks::object;
use crate::pane::page::{Fact, Rich};
use crate::probe::activity::Backend;
use crate::probe::backend::{Detail, Encryption};
use crate::probe::backend_locks::{Lock, Locks};
use crate::probe::progress::Progress;
use crate::ui::format;
use crate::ui::look::Role;

/// Cells of a progress bar.
const BAR: usize = 20;
/// Locks shown while the statement is folded.
const FEW_LOCKS: usize = 8;

/// State, waits and the transaction.
pub(super) fn doing(detail: &Detail) -> Vec<Fact> {
    if detail.hidden {
        let text = "hidden from this role: state, statement, waits and client";
        return vec![Fact::new("State", Rich::new(text, Role::Denied))];
    }
    let mut facts = vec![Fact::new("State", state(detail))];
    let transaction = transaction(detail);
    if !transaction.is_empty() {
        facts.push(Fact::new("Transaction", transaction));
    }
    facts
}

fn state(detail: &Detail) -> Rich {
    let active = matches!(detail.state.as_deref(), Some("active" | "fastpath function call"));
    let word = detail
        .state
        .as_deref()
        .or(detail.backend_type.as_deref())
        .unwrap_or("unknown");
    let role = match word {
        "active" => Role::Ok,
        word if word.starts_with("idle in transaction") => Role::Warning,
        _ => Role::Text,
    };
    let mut rich = Rich::new(word, role);
    let age = if active { detail.query_s } else { detail.state_s };
    if let Some(age) = age {
        rich.push(format!(" for {}", format::duration(age)), role);
    }
    match (&detail.wait_event_type, &detail.wait_event) {
        (Some(class), Some(event)) => {
            let role = if class == "Lock" { Role::Warning } else { Role::Text };
            rich.fact(format!("waits for {class}:{event}"), role);
        }
        _ if active => rich.fact("on CPU, as far as the server knows", Role::WaitCpu),
        _ => {}
    }
    rich
}

fn transaction(detail: &Detail) -> Rich {
    let mut rich = Rich::default();
    if let Some(age) = detail.xact_s {
        rich.fact(format!("open for {}", format::duration(age)), Role::Text);
    }
    if let Some(xid) = &detail.xid {
        rich.fact(format!("xid {xid}{}", old(detail.xid_age)), Role::Text);
    }
    match &detail.xmin {
        Some(xmin) => rich.fact(format!("xmin {xmin}{}", old(detail.xmin_age)), Role::Text),
        None if detail.xact_s.is_some() => rich.fact("holds no snapshot", Role::Muted),
        None => {}
    }
    rich
}

fn old(age: Option<i64>) -> String {
    age.map_or_else(String::new, |age| format!(" ({} transactions old)", format::exact(age)))
}

/// Who it is and where it comes from.
pub(super) fn session(detail: &Detail) -> Vec<Fact> {
    let mut who = Rich::default();
    match (&detail.usename, &detail.datname) {
        (Some(user), Some(database)) => who.fact(format!("{user} on {database}"), Role::Text),
        (Some(user), None) => who.fact(user.as_str(), Role::Text),
        (None, Some(database)) => who.fact(format!("database {database}"), Role::Text),
        (None, None) => {}
    }
    for text in [&detail.application_name, &detail.backend_type].into_iter().flatten() {
        if !text.is_empty() {
            who.fact(text.as_str(), Role::Text);
        }
    }
    if let Some(start) = detail.backend_start.and_then(clock::utc) {
        who.fact(format!("since {start}"), Role::Muted);
    }
    let mut facts = vec![Fact::new("Session", who)];
    let client = client(detail);
    if !client.is_empty() {
        facts.push(Fact::new("Client", client));
    }
    if let Some(leader) = detail.leader_pid.filter(|leader| *leader != detail.pid) {
        facts.push(Fact::new(
            "Parallel",
            Rich::new(format!("worker of {leader}"), Role::Text),
        ));
    } else if !detail.workers.is_empty() {
        let pids: Vec<String> = detail.workers.iter().map(ToString::to_string).collect();
        facts.push(Fact::new(
            "Parallel",
            Rich::new(format!("leads {}", pids.join(", ")), Role::Text),
        ));
    }
    facts
}

fn client(detail: &Detail) -> Rich {
    let mut rich = Rich::default();
    match (&detail.client, detail.client_port) {
        (Some(address), Some(port)) => rich.fact(format!("{address}, port {port}"), Role::Text),
        (Some(address), None) => rich.fact(address.as_str(), Role::Text),
        (None, Some(_)) => rich.fact("local, by Unix socket", Role::Text),
        (None, None) => return rich,
    }
    if let Some(name) = &detail.client_hostname {
        rich.fact(name.as_str(), Role::Text);
    }
    match &detail.encryption {
        Some(Encryption::Tls {
            version,
            cipher,
            client_dn,
        }) => {
            rich.fact(format!("{version} {cipher}"), Role::Text);
            if let Some(subject) = client_dn {
                rich.fact(format!("certificate {subject}"), Role::Text);
            }
        }
        Some(Encryption::Gss) => rich.fact("encrypted by GSSAPI", Role::Text),
        Some(Encryption::Plain) if detail.client.is_some() => rich.fact("not encrypted", Role::Muted),
        Some(Encryption::Plain) | None => {}
    }
    rich
}

/// The sessions it waits for, and those that wait for it.
/// `blocks` is how many wait because of it in all, directly or through others.
pub(super) fn entanglement(blockers: &[i32], victims: &[i32], blocks: usize, all: &[Backend]) -> Vec<Fact> {
    const FEW: usize = 5;
    let list = |label: &'static str, pids: &[i32], role| {
        let first = pids.iter().take(FEW).enumerate().map(move |(nth, pid)| {
            let label = if nth == 0 { label } else { "" };
            Fact::new(label, peer(*pid, all, role))
        });
        let more = pids.len().saturating_sub(FEW);
        let more = (more > 0).then(|| Fact::new("", Rich::new(format!("+{more} more"), Role::Muted)));
        first.chain(more).collect::<Vec<_>>()
    };
    let mut facts = list("Blocked by", blockers, Role::Warning);
    facts.extend(list("Blocks", victims, Role::Critical));
    if blocks > victims.len() {
        let text = format!("{blocks} wait because of it, with those behind them");
        facts.push(Fact::new("", Rich::new(text, Role::Critical)));
    }
    facts
}

/// Another session in a few words.
fn peer(pid: i32, all: &[Backend], role: Role) -> Rich {
    if pid == 0 {
        return Rich::new("a prepared transaction: see Locks", role);
    }
    let mut rich = Rich::new(pid.to_string(), role);
    let Some(backend) = all.iter().find(|backend| backend.pid == pid) else {
        return rich;
    };
    let state = backend
        .state
        .as_deref()
        .or(backend.backend_type.as_deref())
        .unwrap_or("state hidden");
    match busy_backend(backend) {
        Some(age) => rich.push(format!("  {state} {}", format::duration(age)), Role::Text),
        None => rich.push(format!("  {state}"), Role::Text),
    }
    for text in [&backend.usename, &backend.application_name, &backend.client]
        .into_iter()
        .flatten()
    {
        if !text.is_empty() {
            rich.fact(text.as_str(), Role::Muted);
        }
    }
    rich
}

/// How far its command is.
pub(super) fn progress(all: &[Progress]) -> Vec<Fact> {
    all.iter()
        .map(|progress| Fact::new("Progress", one_progress(progress)))
        .collect()
}

fn one_progress(progress: &Progress) -> Rich {
    let (Some(command), Some(phase)) = (&progress.command, &progress.phase) else {
        return Rich::new("hidden from this role", Role::Denied);
    };
    let mut rich = Rich::new(command.as_str(), Role::Text);
    if let Some(relation) = progress.relation() {
        rich.push(format!(" {relation}"), Role::Text);
    }
    if let Some(index) = &progress.index {
        rich.push(format!(" ({index})"), Role::Muted);
    }
    rich.push(format!(", {phase}"), Role::Text);
    if let Some(share) = progress.share() {
        rich.push("  ", Role::Text);
        let full = filled(share);
        rich.push("█".repeat(full), Role::Accent);
        rich.push("░".repeat(BAR - full), Role::Muted);
        rich.push(format!(" {}", format::percent(share * 100.0)), Role::Text);
    }
    if let Some(done) = progress.done {
        let unit = progress.unit.as_deref().unwrap_or_default();
        let amount = |amount: i64| {
            if unit == "bytes" {
                format::bytes(amount)
            } else {
                format::exact(amount)
            }
        };
        let of = progress
            .total
            .filter(|total| *total > 0)
            .map(|total| format!(" of {}", amount(total)));
        let unit = if unit == "bytes" {
            String::new()
        } else {
            format!(" {unit}")
        };
        rich.push(
            format!("  {}{}{unit}", amount(done), of.unwrap_or_default()),
            Role::Muted,
        );
    }
    if let Some(pid) = progress.locker_pid {
        rich.fact(format!("waits for {pid}"), Role::Warning);
    }
    rich
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share from 0 to 1"
)]
#[expect(clippy::cast_precision_loss, reason = "a small constant")]
fn filled(share: f64) -> usize {
    ((share * BAR as f64) as usize).min(BAR)
}

/// More locks than are shown folded.
pub(super) fn has_many(locks: &Locks) -> bool {
    locks.locks.len() > FEW_LOCKS
}

/// Its locks, awaited ones first.
pub(super) fn locks(locks: &Locks, everything: bool) -> Vec<Fact> {
    let held = format::exact(locks.all.saturating_sub(locks.awaited));
    let total = format!("{held} held, {} awaited", format::exact(locks.awaited));
    let shown = if everything {
        locks.locks.len()
    } else {
        FEW_LOCKS.min(locks.locks.len())
    };
    let mut facts = vec![Fact::new("Locks", Rich::new(total, Role::Text))];
    facts.extend(locks.locks.iter().take(shown).map(|held| Fact::new("", lock(held))));
    let more = locks.all.saturating_sub(to_i64(shown));
    if more > 0 {
        facts.push(Fact::new(
            "",
            Rich::new(format!("{} more", format::exact(more)), Role::Muted),
        ));
    }
    facts
}

fn to_i64(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn lock(lock: &Lock) -> Rich {
    let own = matches!(lock.tag.locktype.as_str(), "virtualxid" | "transactionid");
    let role = match (lock.granted, lock.strength) {
        (false, _) => Role::Warning,
        (true, 6..) if !own => Role::Notice,
        _ => Role::Text,
    };
    let verb = if lock.granted { "holds" } else { "waits" };
    let mut rich = Rich::new(format!("{verb}  {:<20}  ", object::mode(&lock.mode)), role);
    rich.push(object::name(&lock.tag, &lock.names), role);
    if let Some(wait) = lock.wait_s {
        rich.push(format!("  for {}", format::duration(wait)), Role::Warning);
    }
    rich
}
