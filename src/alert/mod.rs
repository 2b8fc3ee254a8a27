//! What is wrong, by what is known: one [`Rule`] a check, and one [`Engine`] that raises, holds and clears.
//!
//! A rule is pure: it looks at [`Known`] and says what is near a limit ([`Finding`]), how far it reaches, and the
//! evidence in a sentence. Whether that is an alert, since when and how bad is for the engine alone: a limit has to be
//! reached for as long as the rule demands, and left by a tenth before it is over. [`story`] puts alerts about the same
//! thing together. One more rule is one file in `rules/` and one line in [`RULES`].

pub mod catalogue;
mod engine;
mod finding;
mod rules;
pub mod story;
#[cfg(test)]
mod testing;

pub use engine::{Alert, Engine, Event, Happened, SLACK, State, Unchecked, named};
pub use finding::{Blind, Certain, Finding, Jump, Outcome, Reach, Remedy, Thing};
pub use rules::RULES;

use crate::config::{Alerts, Settings};
use crate::known::{Freshness, Known};
use crate::model::concern::Severity;
use crate::probe::Probe;

/// One check.
#[derive(Debug)]
pub struct Rule {
    /// Its identity, as `alerts.disabled` and the JSON have it: `long_transaction`.
    pub id: &'static str,
    /// What it finds, in a few words.
    pub title: &'static str,
    /// The id of the pane that shows what it is about.
    pub pane: &'static str,
    /// Ids of the probes without which it can say nothing; it is checked when one of them has answered.
    pub needs: &'static [&'static str],
    /// Ids of the probes it looks at besides, if they have answered.
    pub uses: &'static [&'static str],
    /// What its findings are about outlives a change of the database.
    pub server_wide: bool,
    /// What is found.
    pub check: fn(&Known) -> Outcome,
    /// For how many seconds a severity has to be reached before it counts.
    pub lasts: fn(&Alerts, Severity) -> f64,
    /// For how many seconds it has to be left before it is over.
    pub settles: f64,
    /// When it warns, in words: `{connections_warn}` stands for the limit of that name.
    pub warning: &'static str,
    /// When it is critical; empty if it never is.
    pub critical: &'static str,
    /// What it means and what to do, in a sentence or two.
    pub doc: &'static str,
}

/// What a probe among [`Rule::uses`] says now; `None` if it is not asked because there is nothing to know.
///
/// # Errors
/// That nothing is known: it failed, is awaited, or its answer is too old.
pub fn used<P: Probe>(known: &Known) -> Result<Option<&P::Data>, Outcome> {
    match (known.fresh::<P>(), known.freshness(P::SPEC.id)) {
        (Some(data), _) => Ok(Some(data)),
        (None, Freshness::Skipped(_)) => Ok(None),
        (None, _) => Err(Outcome {
            findings: Vec::new(),
            blind: Some(engine::why(P::SPEC.id, known)),
        }),
    }
}

/// A severity counts at once.
#[must_use]
pub const fn at_once(_: &Alerts, _: Severity) -> f64 {
    0.0
}

impl Rule {
    /// Ids of all probes it looks at.
    pub fn probes(&self) -> impl Iterator<Item = &'static str> {
        self.needs.iter().chain(self.uses).copied()
    }
}

/// The rule of that id.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.id == id)
}

/// Whether every rule that is switched off exists.
///
/// # Errors
/// A sentence that names the first that does not, and the one that was meant.
pub fn disabled_exist(settings: &Settings) -> Result<(), String> {
    let unknown = settings.alerts.disabled.iter().find(|id| rule(id).is_none());
    unknown.map_or(Ok(()), |id| {
        let meant = crate::config::nearest::nearest(id, RULES.iter().map(|rule| rule.id));
        let hint = meant.map_or_else(String::new, |meant| format!(" Did you mean \"{meant}\"?"));
        Err(format!(
            "alerts.disabled names a rule that does not exist: \"{id}\".{hint} The README lists all rules."
        ))
    })
}
