//! The line above the rows: the views with their counts, and what narrows the rows down.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::model::activity::{Counts, Options, View};
use crate::ui::format;
use crate::ui::look::{Look, Role};
use crate::ui::text;

/// What the line shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// Of all sessions; `None` before the first answer.
    pub counts: Option<Counts>,
    /// What is asked for.
    pub options: Options,
    /// Rows that pass the filter, and rows of this view.
    pub shown: (usize, usize),
}

/// A step of the minimum duration: `30s`, `5m`.
pub(super) fn step(seconds: u32) -> String {
    match seconds {
        seconds if seconds >= 60 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

/// Draws the line; where it is too narrow for all views, the others give way to the one in force.
pub(super) fn draw(head: &Head, look: &Look, line: Rect, buf: &mut Buffer) {
    let tabs: Vec<(String, Role)> = View::ALL.into_iter().map(|view| tab(head, view)).collect();
    let note = note(head, look);
    let note_width = text::width(&note);
    let all: usize = tabs.iter().map(|(text, _)| text::width(text) + 2).sum::<usize>() + 1;
    let narrow = all + note_width > usize::from(line.width);
    let mut x = line.x + 1;
    for (text, role) in tabs.iter().filter(|(_, role)| !narrow || *role == Role::Accent) {
        let room = line.right().saturating_sub(x);
        x += text::put_safe(buf, (x, line.y), room, text, look.style(*role)) + 2;
    }
    let room = line.right().saturating_sub(x);
    let width = u16::try_from(note_width).unwrap_or(room).min(room);
    text::put_safe(
        buf,
        (line.right() - width, line.y),
        width,
        &note,
        look.style(Role::Notice),
    );
}

fn tab(head: &Head, view: View) -> (String, Role) {
    let counted = head.counts.map(|counts| count(counts, view));
    let text = match counted {
        Some((count, _)) => {
            // The state of hidden sessions is unknown; how many there are and who blocks whom is not.
            let hidden = head.counts.is_some_and(|counts| counts.hidden > 0);
            let open = hidden && !matches!(view, View::All | View::Blocking);
            format!(
                "{} {}{}",
                view.name(),
                format::count(count),
                if open { "+" } else { "" }
            )
        }
        None => view.name().to_owned(),
    };
    match counted {
        // Brackets besides the colour: which view is in force decides what is missing.
        _ if view == head.options.view => (format!("[{text}]"), Role::Accent),
        Some((1.., Some(wrong))) => (text, wrong),
        _ => (text, Role::Muted),
    }
}

/// How many sessions a view is about, and what it means if there are any.
const fn count(counts: Counts, view: View) -> (usize, Option<Role>) {
    match view {
        View::All => (counts.sessions, None),
        View::Active => (counts.active, None),
        View::Waiting if counts.waiting < counts.for_locks => (counts.for_locks, None),
        View::Waiting => (counts.waiting, None),
        View::Blocking => (counts.blocking, Some(Role::Critical)),
        View::IdleInTransaction => (counts.idle_in_transaction, Some(Role::Notice)),
    }
}

/// What narrows the rows down.
fn note(head: &Head, look: &Look) -> String {
    let mut parts = Vec::new();
    if head.options.min_duration > 0 {
        parts.push(format!("{} or longer", step(head.options.min_duration)));
    }
    if head.options.background {
        parts.push("with server processes".to_owned());
    }
    let (shown, all) = head.shown;
    if shown < all {
        parts.push(format!("{shown} of {all} match"));
    }
    parts.join(&format!(" {} ", look.glyphs.dot))
}
