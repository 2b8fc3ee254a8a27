//! The generic plan: asked for once, when the user says so and may.

use crate::model::statements::Growth;
use crate::pane::Copy;
use crate::pane::page::{Fact, Rich};
use crate::pane::queries::TextOf;
use crate::pg::explain;
use crate::pg::fault::{Fault, FaultKind};
use crate::probe::statement_plan::StatementPlan;
use crate::probe::statement_texts::StatementTexts;
use crate::probe::{Demand, Probe as _};
use crate::ui::look::Role;
use crate::world::World;

/// What is known of the plan.
#[derive(Debug, Default)]
pub(super) enum Plan {
    /// Nobody asked.
    #[default]
    None,
    /// It may not be asked for, and why.
    Refused(String),
    /// Under way.
    Asked(Demand),
    /// The answer: to which demand, its lines and when it came.
    Planned(Demand, Vec<String>, String),
    /// The server refused.
    Failed(Fault),
}

impl Plan {
    /// The user asked; a second time takes it back while it is under way.
    pub fn ask(&mut self, text: &TextOf, names: Option<&Growth>, world: &World) {
        if matches!(self, Self::Asked(_)) {
            *self = Self::None;
            return;
        }
        *self = match refusal(text, names, world) {
            Some(why) => Self::Refused(why),
            None => Self::Asked(world.next_demand(StatementPlan::SPEC.id)),
        };
    }

    /// Takes an answer over.
    pub fn learn(&mut self, world: &World) {
        match self {
            Self::Asked(demand) => {
                let demand = *demand;
                self.answered(demand, world);
            }
            Self::Planned(demand, lines, _) => follow(*demand, lines, world),
            Self::None | Self::Refused(_) | Self::Failed(_) => {}
        }
    }

    fn answered(&mut self, demand: Demand, world: &World) {
        let Some(ran) = world.last_ran(StatementPlan::SPEC.id) else {
            return;
        };
        // What was stopped is one that was taken back; it may have had the same number.
        let stopped = (ran.fault.as_ref()).is_some_and(|fault| fault.kind == FaultKind::Stopped);
        if ran.demand != Some(demand) || stopped {
            return;
        }
        *self = match (&ran.fault, world.get::<StatementPlan>()) {
            (Some(fault), _) => Self::Failed(fault.clone()),
            (None, Some(lines)) => Self::Planned(demand, lines.clone(), world.clock_text_at(ran.finished())),
            (None, None) => return,
        };
    }

    /// What is under way.
    pub fn demand(&self) -> Option<Demand> {
        match self {
            Self::Asked(demand) => Some(*demand),
            _ => None,
        }
    }

    /// As it stands on the page.
    pub fn facts(&self) -> Vec<Fact> {
        let one = |text: &str, role| vec![Fact::new("Plan", Rich::new(text, role))];
        match self {
            Self::None => Vec::new(),
            Self::Refused(why) => one(why, Role::Denied),
            Self::Asked(_) => one("asking the server; p takes it back", Role::Muted),
            Self::Failed(fault) => one(&fault.to_string(), Role::Critical),
            Self::Planned(_, lines, at) => {
                let head = format!("generic, for any values of its parameters; asked at {at}, nothing was run");
                let lines = lines
                    .iter()
                    .map(|line| Fact::new("", Rich::new(line.as_str(), Role::Text)));
                one(&head, Role::Muted).into_iter().chain(lines).collect()
            }
        }
    }

    /// The plan as text.
    pub fn copy(&self) -> Option<Copy> {
        match self {
            Self::Planned(_, lines, _) => Some(Copy::new("plan", lines.join("\n"))),
            _ => None,
        }
    }
}

/// The literals in the lines come and go with those of all texts, as long as the world has the answer. Once it has
/// another, they can only go.
fn follow(demand: Demand, lines: &mut Vec<String>, world: &World) {
    let ran = world.latest.ran::<StatementPlan>().and_then(|ran| ran.demand);
    match world.get::<StatementPlan>().filter(|_| ran == Some(demand)) {
        Some(known) => lines.clone_from(known),
        None => world.cover::<StatementPlan>(lines),
    }
}

/// Why it may not be asked for.
fn refusal(text: &TextOf, names: Option<&Growth>, world: &World) -> Option<String> {
    let server = world.server.as_deref()?;
    let TextOf::Kept(text) = text else {
        return Some("Its text could not be read, so it cannot be planned.".to_owned());
    };
    if let Some(why) = explain::refusal(server, text) {
        return Some(why);
    }
    let database = names.and_then(|names| names.database.as_deref());
    if database.is_some_and(|database| database != server.database) {
        return Some(format!(
            "It ran in database {}; only a session there can plan it, and this one is in {}.",
            database.unwrap_or_default(),
            server.database
        ));
    }
    let query = names.map_or(0, |names| names.key.query);
    let cut = world
        .get::<StatementTexts>()
        .and_then(|texts| texts.get(query))
        .is_some_and(|text| text.cut);
    cut.then(|| "Its text is too long to be fetched whole, so it cannot be planned.".to_owned())
}
