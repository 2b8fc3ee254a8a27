//! The one question at the start: the role may write; go on all the same? Shows what was found and the statements
//! that create a role for monitoring.

use std::sync::Arc;

use super::{Row, Text, row};
use crate::app::action::Action;
use crate::app::world::World;
use crate::pane::{Copy, Reply};
use crate::pg::fault::Fault;
use crate::pg::privilege::{self, Findings};
use crate::pg::server::Server;
use crate::ui::look::{Look, Role};
use crate::ui::text;

/// The question.
#[derive(Debug)]
pub struct RoleQuestion {
    summary: String,
    findings: Vec<String>,
    advice: Vec<String>,
}

impl RoleQuestion {
    /// The question, if there is one to ask: the role may write, or that could not be found out.
    #[must_use]
    pub fn of(findings: Result<Arc<Findings>, Fault>, server: Option<&Server>) -> Option<Self> {
        let role = server.map_or("this role", |server| server.role.as_str());
        let (summary, findings) = match findings {
            Ok(findings) if !findings.may_write() => return None,
            Ok(findings) => (format!("Role {role} may write to this server."), findings.sentences()),
            Err(fault) => (
                format!("Whether role {role} may write could not be found out."),
                vec![fault.to_string()],
            ),
        };
        let advice = privilege::advice("pgmon").to_vec();
        Some(Self {
            summary,
            findings,
            advice,
        })
    }

    /// The first sentence.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.summary
    }
}

impl Text for RoleQuestion {
    const ID: &'static str = "role";
    const SIZE: (u16, u16) = (78, 24);

    fn title(&self) -> String {
        "May this role write?".to_owned()
    }

    fn rows(&mut self, _world: &World, width: usize) -> Vec<Row> {
        let wrapped = |text: &str, role| text::wrap(text, width).into_iter().map(move |line| row(role, line));
        let mut rows: Vec<Row> = wrapped(&self.summary, Role::Warning).collect();
        rows.push(Row::new());
        for finding in &self.findings {
            let lines = text::wrap(finding, width.saturating_sub(2).max(10));
            let dashed = |(index, line)| vec![(Role::Text, format!("{} {line}", if index == 0 { "-" } else { " " }))];
            rows.extend(lines.into_iter().enumerate().map(dashed));
        }
        rows.push(Row::new());
        let why = "This program only reads, but a monitoring session that cannot write is safer. As a superuser:";
        rows.extend(wrapped(why, Role::Text));
        rows.push(Row::new());
        rows.extend(
            self.advice
                .iter()
                .flat_map(|statement| wrapped(statement, Role::Accent)),
        );
        rows.push(Row::new());
        let keys = "a: go on with this role   y: copy the statements   q: quit";
        rows.extend(wrapped(keys, Role::Title));
        rows
    }

    fn foot(&self, _look: &Look) -> String {
        String::new()
    }

    fn actions(&self) -> &'static [Action] {
        &[
            Action::GoOn,
            Action::Up,
            Action::Down,
            Action::PageUp,
            Action::PageDown,
            Action::First,
            Action::Last,
        ]
    }

    fn on(&mut self, action: Action) -> Reply {
        match action {
            Action::GoOn => Reply::GoOn,
            _ => Reply::Ignored,
        }
    }

    fn copies(&self) -> Vec<Copy> {
        vec![Copy::new("statements", self.advice.join("\n"))]
    }

    fn modal(&self) -> bool {
        true
    }
}
