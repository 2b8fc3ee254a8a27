//! For how long a session has certainly waited for its lock.

use super::Node;
use crate::model::sighted::Sighted;
use crate::probe::locks::Tag;

/// Locks that are held for a moment only: one waiter after the other, each wait a new one although it looks the same.
const BRIEF: [&str; 3] = ["extend", "page", "spectoken"];

/// Such a lock is held for a moment only: what looks like one long wait are many short ones.
#[must_use]
pub fn is_brief(tag: &Tag) -> bool {
    BRIEF.contains(&tag.locktype.as_str())
}

/// Seconds: by `waitstart` where the server has it, else since this wait was seen first, and never longer than its
/// statement runs. A statement of an hour that has only just come to wait has waited for 0 seconds.
#[must_use]
pub fn surely_waited(node: &Node, sighted: &Sighted<Tag>) -> f64 {
    let Some(wait) = &node.wait else {
        return 0.0;
    };
    if let Some(since) = node.since.filter(|since| !since.at_most) {
        return since.seconds;
    }
    // The statement's age is hidden with its text.
    let most = node.since.map_or(f64::INFINITY, |since| since.seconds);
    if is_brief(&wait.tag) {
        return 0.0;
    }
    let members = std::iter::once(node.session.pid).chain(node.workers.iter().copied());
    let seen = members.filter_map(|pid| sighted.seconds(pid, &wait.tag));
    seen.fold(0.0, f64::max).min(most)
}
