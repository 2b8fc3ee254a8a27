//! Every check: first those that are not possible, with the reason and the statement that helps; then those that need
//! more time, those that found something, and the rest.

use super::{Row, Text, row};
use crate::action::Action;
use crate::alert::{RULES, Rule, Unchecked, catalogue};
use crate::model::concern::Severity;
use crate::pane::{self, Copy};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::text;
use crate::world::World;

/// The popup of `w`.
#[derive(Default)]
pub struct Checks {
    remedies: Vec<Copy>,
}

/// Cells before what is said of a check.
const INDENT: usize = 4;

/// What is known of a check.
struct Check<'a> {
    rule: &'static Rule,
    unchecked: Option<&'a Unchecked>,
    /// How many alerts it has raised, and how bad the worst of them is.
    raised: usize,
    worst: Option<Severity>,
    disabled: bool,
}

impl<'a> Check<'a> {
    fn of(rule: &'static Rule, unchecked: &'a [Unchecked], world: &World) -> Self {
        let raised = || world.alerts.raised().filter(|alert| alert.rule == rule);
        Self {
            rule,
            unchecked: unchecked.iter().find(|one| one.rule == rule),
            raised: raised().count(),
            worst: raised().filter_map(crate::alert::Alert::severity).max(),
            disabled: world.settings.alerts.disabled.contains(rule.id),
        }
    }

    /// What is to be read first.
    const fn rank(&self) -> u8 {
        match self.unchecked {
            _ if self.disabled => 4,
            Some(one) if !one.blind.passing => 0,
            Some(_) => 1,
            None if self.raised > 0 => 2,
            None => 3,
        }
    }

    fn mark(&self) -> Role {
        match (self.worst, self.unchecked) {
            _ if self.disabled => Role::Muted,
            (Some(worst), _) => pane::role(worst),
            (None, Some(one)) if !one.blind.passing => Role::Denied,
            (None, Some(_)) => Role::Stale,
            (None, None) => Role::Ok,
        }
    }

    fn told(&self) -> (Role, String) {
        let raised = (self.raised > 0).then(|| format::counted(self.raised, "alert", "alerts"));
        let (role, text) = match self.unchecked {
            _ if self.disabled => return (Role::Muted, "switched off by alerts.disabled".to_owned()),
            Some(one) if one.blind.passing => (Role::Muted, format!("not yet: {}", one.blind.why)),
            Some(one) => (Role::Denied, format!("not possible: {}", one.blind.why)),
            None => return (self.mark(), raised.unwrap_or_else(|| "nothing found".to_owned())),
        };
        let raised = raised.map_or_else(String::new, |raised| format!("{raised}; "));
        (role, format!("{raised}{text}"))
    }

    fn rows(&self, world: &World, width: usize) -> Vec<Row> {
        let mut rows = vec![vec![
            (self.mark(), sign(self.mark()).to_owned()),
            (Role::Text, format!(" {} ", self.rule.title)),
            (Role::Muted, self.rule.id.to_owned()),
        ]];
        let mut say = |role, words: &str| {
            let lines = text::wrap(words, width.saturating_sub(INDENT).max(10));
            rows.extend(lines.into_iter().map(|line| row(role, format!("{:INDENT$}{line}", ""))));
        };
        let (role, told) = self.told();
        say(role, &told);
        if let Some(remedy) = self.unchecked.and_then(|one| one.blind.remedy.as_deref()) {
            say(Role::Key, remedy);
        }
        let critical = match self.rule.critical {
            "" => String::new(),
            words => format!("; critical: {words}"),
        };
        let limits = format!("warns: {}{critical}", self.rule.warning);
        say(Role::Muted, &catalogue::in_force(&limits, &world.settings.alerts));
        rows
    }
}

/// The mark of a check; our own signs have an ASCII twin where they are drawn.
const fn sign(role: Role) -> &'static str {
    match role {
        Role::Critical => "✖",
        Role::Warning => "▲",
        Role::Notice => "◆",
        Role::Ok => "✔",
        Role::Stale => "○",
        _ => "–",
    }
}

impl Text for Checks {
    const ID: &'static str = "checks";
    const SIZE: (u16, u16) = (100, 40);
    const HINTS: &'static [(Action, &'static str)] = &[(Action::Copy, "copy what helps"), (Action::Back, "close")];

    fn title(&self) -> String {
        "What was checked".to_owned()
    }

    fn rows(&mut self, world: &World, width: usize) -> Vec<Row> {
        let unchecked: Vec<Unchecked> = world.alerts.unchecked(world).collect();
        self.remedies = pane::what_helps(&unchecked);
        let mut checks: Vec<Check<'_>> = RULES.iter().map(|rule| Check::of(rule, &unchecked, world)).collect();
        checks.sort_by_key(Check::rank);
        checks.iter().flat_map(|check| check.rows(world, width)).collect()
    }

    fn copies(&self) -> Vec<Copy> {
        self.remedies.clone()
    }
}
