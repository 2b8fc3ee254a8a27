//! Cells, facts and notices that the panels of Storage have in common.

use std::borrow::Cow;

use super::super::list::Piece;
use crate::probe::Probe;
use crate::probe::named::{InTheWay, Named};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::Cell;
use crate::world::World;

/// Stands before an estimate.
pub const ABOUT: &str = "≈";

/// What a standby does not know.
pub const UNKNOWN: Cell<'static> = Cell {
    text: Cow::Borrowed("?"),
    role: Role::Muted,
};

/// The name of a relation; what is in the schema everybody uses goes without it.
pub fn name(name: &Named) -> String {
    if name.nspname == "public" {
        name.relname.clone()
    } else {
        name.to_string()
    }
}

/// Measured bytes, or the estimate in their place, marked.
pub fn size(bytes: Option<i64>, estimate: i64) -> Cell<'static> {
    match bytes {
        Some(bytes) => Cell::text(format::bytes(bytes)),
        None => estimated(estimate),
    }
}

/// Bytes that are not measured.
pub fn estimated(bytes: i64) -> Cell<'static> {
    Cell::new(format!("{ABOUT}{}", format::bytes(bytes)), Role::Estimated)
}

/// [`size`] in the words of a comment.
pub fn size_in_words(bytes: Option<i64>, estimate: i64) -> String {
    bytes.map_or_else(|| format!("about {}", format::bytes(estimate)), format::bytes)
}

/// How many; nothing is dimmed.
pub fn count(value: i64) -> Cell<'static> {
    let role = if value == 0 { Role::Muted } else { Role::Text };
    Cell::new(format::count(value), role)
}

/// When it was asked and when it will be again: these questions are asked rarely.
pub fn asked<P: Probe>(world: &World) -> Option<Piece> {
    let ran = world.latest.ran::<P>()?;
    let age = format::age(world.now.since(ran.finished()).as_secs_f64());
    let next = world.next_in(P::SPEC.id);
    let next = next.map_or_else(String::new, |next| {
        format!(", again in {}", format::age(next.as_secs_f64()))
    });
    Some((format!("asked {age} ago{next}"), Role::Muted))
}

/// Why its size is not measured.
pub fn not_measured(lock: Option<InTheWay>) -> Option<String> {
    lock.map(|lock| format!("not measured: {lock}, its size would wait"))
}
