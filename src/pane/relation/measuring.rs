//! Measuring on demand: what it reads and holds is said first, then it runs until it is done, late or stopped.

use crate::action::Action;
use crate::pane::common::Notice;
use crate::pane::{Reply, page::Rich};
use crate::pg::fault::{Fault, FaultKind};
use crate::pg::privilege;
use crate::pg::server::Server;
use crate::probe::measure::EXTENSION;
use crate::probe::named::{InTheWay, Named};
use crate::probe::{Demand, Mono, Subject};
use crate::ui::format;
use crate::ui::look::Role;
use crate::world::World;

/// The version of the extension from which on members of `pg_stat_scan_tables` may measure.
const OPEN_TO_MONITORS: u32 = 105;

/// One thing to measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub oid: u32,
    /// How to call it in a sentence.
    pub name: String,
}

/// What is to be agreed to.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    /// Measured one after the other.
    pub targets: Vec<Target>,
    /// What is read and what is held.
    pub costs: String,
}

/// Where the measuring of a page stands.
#[derive(Debug)]
pub(super) struct Measuring {
    probe: &'static str,
    phase: Phase,
    /// How it ended, or why it did not begin.
    said: Option<Notice>,
}

#[derive(Debug)]
enum Phase {
    Idle,
    Asking(Offer),
    Running {
        /// What is measured, and what comes after it.
        targets: Vec<Target>,
        demand: Demand,
        since: Mono,
        /// The same by the server's clock, for people.
        clock: String,
    },
}

impl Measuring {
    /// For the probe that measures.
    pub fn new(probe: &'static str) -> Self {
        Self {
            probe,
            phase: Phase::Idle,
            said: None,
        }
    }

    /// A question is open, or something runs: Enter, Esc and the key itself mean something else than usual.
    pub fn is_active(&self) -> bool {
        !matches!(self.phase, Phase::Idle)
    }

    /// A question is open.
    pub fn asks(&self) -> bool {
        matches!(self.phase, Phase::Asking(_))
    }

    pub fn demand(&self) -> Option<Demand> {
        match self.phase {
            Phase::Running { demand, .. } => Some(demand),
            _ => None,
        }
    }

    /// What is measured now.
    pub fn target(&self) -> Option<u32> {
        match &self.phase {
            Phase::Running { targets, .. } => targets.first().map(|target| target.oid),
            _ => None,
        }
    }

    /// Takes a key; `offer` is what would be measured, or why nothing can be.
    pub fn on(
        &mut self,
        action: Action,
        world: &World,
        offer: impl FnOnce() -> Result<Offer, Notice>,
    ) -> Option<Reply> {
        match (&self.phase, action) {
            (Phase::Idle, Action::Measure) => match offer() {
                Ok(offer) => {
                    self.said = None;
                    self.phase = Phase::Asking(offer);
                }
                Err(why) => self.said = Some(why),
            },
            (Phase::Asking(offer), Action::Measure | Action::Enter) => {
                let targets = offer.targets.clone();
                self.start(targets, world);
            }
            (Phase::Asking(_), Action::Back) => self.phase = Phase::Idle,
            (Phase::Running { .. }, Action::Measure | Action::Back) => {
                self.said = Some(stopped());
                self.phase = Phase::Idle;
            }
            _ => return None,
        }
        Some(Reply::Taken)
    }

    fn start(&mut self, targets: Vec<Target>, world: &World) {
        self.phase = Phase::Running {
            targets,
            demand: world.next_demand(self.probe),
            since: world.now,
            clock: world.clock_text(),
        };
    }

    /// Takes the answer to what runs; `refused` is who was in the way, by the answer's data.
    pub fn learn(&mut self, subject: &Subject, world: &World, refused: impl FnOnce(u32) -> Option<Outcome>) {
        let Phase::Running {
            targets, demand, since, ..
        } = &self.phase
        else {
            return;
        };
        let Some(ran) = world.last_ran(self.probe) else { return };
        let ours = ran.demand == Some(*demand) && ran.subject.as_ref() == Some(subject) && ran.started >= *since;
        let Some(target) = targets.first().filter(|_| ours) else {
            return;
        };
        let mut rest = targets.clone();
        rest.remove(0);
        self.said = match &ran.fault {
            Some(fault) => Some(failed(fault, world)),
            None => refused(target.oid).map(|outcome| outcome.notice(&target.name)),
        };
        // A failure ends the whole: what was too slow, refused or stopped once is not tried on the next.
        if rest.is_empty() || self.said.is_some() {
            self.phase = Phase::Idle;
        } else {
            self.start(rest, world);
        }
    }

    /// What is to be said: the question, what runs, or how it ended.
    pub fn notice(&self, world: &World) -> Option<Notice> {
        let budget = format::duration(world.settings.measure_timeout.as_secs_f64());
        match &self.phase {
            Phase::Idle => self.said.clone(),
            Phase::Asking(offer) => Some(Notice::new(
                Role::Accent,
                format!(
                    "{} Ends itself after {budget}. The same key starts it and later stops it; Esc leaves it.",
                    offer.costs
                ),
            )),
            Phase::Running { targets, clock, .. } => {
                let name = targets.first().map_or("", |target| target.name.as_str());
                Some(Notice::new(
                    Role::Accent,
                    format!("Measuring {name} since {clock}, {budget} at most; the same key or Esc stops it."),
                ))
            }
        }
    }

    /// The notice as a line of a page.
    pub fn line(&self, world: &World) -> Option<Rich> {
        self.notice(world).map(|notice| Rich::new(notice.text, notice.role))
    }
}

/// Why an answer has no result.
pub(super) enum Outcome {
    /// Somebody's lock is in the way.
    Busy(InTheWay),
    /// It is not there any more.
    Gone,
}

impl Outcome {
    fn notice(&self, name: &str) -> Notice {
        match self {
            Self::Busy(busy) => refused(name, *busy),
            Self::Gone => Notice::new(Role::Warning, format!("Not measured: {name} is not there any more.")),
        }
    }
}

/// Nothing is measured while somebody holds or awaits an exclusive lock.
pub(super) fn refused(name: &str, busy: InTheWay) -> Notice {
    Notice::new(
        Role::Warning,
        format!("Not measured: {busy} on {name}. The measurement would queue up; try again when that is over."),
    )
}

fn stopped() -> Notice {
    Notice::new(Role::Notice, "Stopped by you: nothing was measured.")
}

fn failed(fault: &Fault, world: &World) -> Notice {
    let text = match fault.kind {
        FaultKind::Stopped => return stopped(),
        FaultKind::Timeout => format!(
            "Not complete after {}: it was cancelled, and nothing is known. timeouts.measure_timeout_s in the \
             configuration gives it longer.",
            format::duration(world.settings.measure_timeout.as_secs_f64())
        ),
        FaultKind::Denied => format!("{} {}", fault.sentence, privilege::grant_scan_tables(world.role())),
        // XX000 is what "could not open relation" has.
        FaultKind::Undefined | FaultKind::Other if is_vanished(fault) => {
            "Not measured: it was dropped or rewritten at that moment.".to_owned()
        }
        _ => fault.to_string(),
    };
    Notice::new(Role::Warning, text)
}

fn is_vanished(fault: &Fault) -> bool {
    matches!(fault.sqlstate.as_deref(), Some("XX000" | "42P01"))
}

/// Whether anything can be measured on this server at all.
///
/// # Errors
/// What is missing and the statement that mends it.
pub(super) fn ready(world: &World) -> Result<(), Notice> {
    let Some(server) = world.server.as_deref() else {
        return Err(Notice::new(Role::Muted, "Not connected yet."));
    };
    let Some(extension) = server.extension(EXTENSION) else {
        return Err(Notice::new(Role::Denied, missing(server)));
    };
    if extension.number() < OPEN_TO_MONITORS && !server.superuser {
        let text = format!(
            "Measuring needs pgstattuple 1.5 or later, this database has {}: ALTER EXTENSION pgstattuple UPDATE;",
            extension.version
        );
        return Err(Notice::new(Role::Denied, text));
    }
    Ok(())
}

fn missing(server: &Server) -> String {
    format!(
        "Measuring needs an extension that the database {} does not have: CREATE EXTENSION {EXTENSION}; Members of \
         pg_stat_scan_tables may measure then, and pg_monitor is one. It is noticed within seconds.",
        server.database
    )
}

/// What measuring a heap costs: `read` of `bytes`, and then the same of its TOAST table.
pub(super) fn heap_costs(name: &Named, heap: (i64, i64), toast: Option<i64>) -> String {
    let (read, bytes) = heap;
    let toast = toast.map_or_else(String::new, |read| format!(", then {} of its TOAST table", about(read)));
    format!(
        "Measure? pgstattuple_approx reads {} of the {} of {}{toast}: the pages that the last VACUUM did not leave \
         all-visible; those changed since come on top. Meanwhile it holds AccessShareLock: an ALTER TABLE would queue \
         behind it, and everything else behind that.",
        about(read),
        format::bytes(bytes),
        name.sql(),
    )
}

/// What measuring an index costs.
pub(super) fn index_costs(name: &Named, bytes: i64) -> String {
    format!(
        "Measure? pgstatindex reads all {} of {} and holds AccessShareLock on it: a DROP INDEX would queue behind it.",
        format::bytes(bytes),
        name.sql(),
    )
}

fn about(bytes: i64) -> String {
    format!("\u{2248} {}", format::bytes(bytes))
}
