//! The one question at the start: the role may write; go on all the same? Shows what was found and the statements
//! that create a role for monitoring.

use std::sync::Arc;

use super::{Row, Text, row};
use crate::action::Action;
use crate::app::keymap::Keymap;
use crate::pane::{Copy, Reply};
use crate::pg::fault::Fault;
use crate::pg::privilege::{self, Findings};
use crate::pg::server::Server;
use crate::ui::look::Role;
use crate::ui::text;
use crate::world::World;

/// The question.
#[derive(Debug)]
pub struct RoleQuestion {
    summary: String,
    findings: Vec<String>,
    advice: Vec<String>,
    /// The keys that answer.
    answers: String,
}

impl RoleQuestion {
    /// The question, if there is one to ask: the role may write, or that could not be found out.
    #[must_use]
    pub fn of(findings: Result<Arc<Findings>, Fault>, server: Option<&Server>, keymap: &Keymap) -> Option<Self> {
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
        let answers = [
            (Action::GoOn, "go on with this role"),
            (Action::Copy, "copy the statements"),
            (Action::Quit, "quit"),
        ];
        let answers = answers
            .iter()
            .filter_map(|(action, means)| Some(format!("{}: {means}", keymap.key(*action)?)));
        Some(Self {
            answers: answers.collect::<Vec<_>>().join("   "),
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
    const HINTS: &'static [(Action, &'static str)] = &[];

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
        rows.extend(wrapped(&self.answers, Role::Title));
        rows
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

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    use super::*;
    use crate::config::Settings;
    use crate::ui::look::Look;

    /// What a superuser is told at the start, in a terminal of 80x24 and in the smallest one.
    #[test]
    fn what_was_found_and_what_to_do() {
        let keymap = Keymap::new(&std::collections::BTreeMap::new()).unwrap();
        let fault = Fault::new(crate::pg::fault::FaultKind::Timeout, "Too slow.");
        let mut question = RoleQuestion::of(Err(fault), None, &keymap).unwrap();
        question.summary = "Role postgres may write to this server.".to_owned();
        question.findings = vec![
            "Role \"postgres\" has the attribute SUPERUSER.".to_owned(),
            "Role \"postgres\" owns 100,000 objects in the schema a_schema_with_a_long_name.".to_owned(),
        ];
        let world = World::new(Arc::new(Settings::default()), "test".to_owned());
        let mut popup = super::super::text(question, &keymap);
        let mut screens = Vec::new();
        for (width, height, action) in [(78, 18, Action::First), (40, 9, Action::First), (40, 9, Action::Last)] {
            let area = Rect::new(0, 0, width, height);
            popup.arrange(area);
            popup.derive(&world);
            popup.on(action, &world);
            let mut buf = Buffer::empty(area);
            popup.draw(&world, &Look::default(), area, &mut buf);
            let line = |y| (0..width).map(|x| buf[(x, y)].symbol()).collect::<String>();
            screens.extend((0..height).map(line));
        }
        insta::assert_snapshot!(screens.join("\n"));
    }
}
