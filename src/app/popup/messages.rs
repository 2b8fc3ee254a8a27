//! Everything the program told the user in this session, newest first.

use super::{Row, Text, row};
use crate::pane;
use crate::ui::look::Role;
use crate::ui::text;
use crate::world::World;
use crate::world::message::{Kind, Message};

/// The popup of `m`.
pub struct Messages;

/// Cells of the time.
const STAMP: usize = 10;

/// The sign before a message; our own signs have an ASCII twin where they are drawn.
const fn sign(message: &Message) -> (Role, &'static str) {
    match (message.kind, message.severity) {
        (Kind::Over, _) => (Role::Ok, "✔ "),
        (Kind::Alert(severity), _) | (Kind::Said, Some(severity)) => (pane::role(severity), pane::sign(severity)),
        (Kind::Said, None) => (Role::Text, "  "),
    }
}

fn rows_of(message: &Message, world: &World, width: usize) -> Vec<Row> {
    let role = message.severity.map_or(Role::Text, pane::role);
    let when = world.clock_text_of(message.clock);
    let times = if message.times > 1 {
        format!(" ({} times)", message.times)
    } else {
        String::new()
    };
    let lines = text::wrap(
        &format!("{}{times}", message.text),
        width.saturating_sub(STAMP + 2).max(10),
    );
    let (kind, sign) = sign(message);
    let stamped = |(index, line)| {
        if index == 0 {
            vec![
                (Role::Muted, format!("{when:<STAMP$}")),
                (kind, sign.to_owned()),
                (role, line),
            ]
        } else {
            vec![(role, format!("{:STAMP$}  {line}", ""))]
        }
    };
    lines.into_iter().enumerate().map(stamped).collect()
}

impl Text for Messages {
    const ID: &'static str = "messages";
    const SIZE: (u16, u16) = (100, 30);

    fn title(&self) -> String {
        "Messages of this session".to_owned()
    }

    fn rows(&mut self, world: &World, width: usize) -> Vec<Row> {
        let messages = world.messages.newest_first();
        let rows: Vec<Row> = messages.flat_map(|message| rows_of(message, world, width)).collect();
        if rows.is_empty() {
            return vec![row(Role::Muted, "Nothing has been said yet.")];
        }
        rows
    }
}
