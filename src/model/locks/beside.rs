//! Waits that look like locks to whoever stands before a hanging program, and are not: nobody is in `pg_locks`.

use std::collections::BTreeMap;

use crate::probe::activity::Backend;

/// From so many sessions on, waits for one internal lock are worth a line.
const STORM: usize = 4;
/// Seconds from which on a wait for a standby is no part of a healthy commit.
const HANGS_S: f64 = 5.0;

/// Sessions that wait for the same thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Beside {
    /// Class and name of the wait: `IPC:SyncRep`.
    pub event: String,
    /// How many sessions.
    pub sessions: usize,
    /// The longest of their statements so far, in seconds: the wait is at most as long.
    pub longest: Option<f64>,
    /// What it means.
    pub means: &'static str,
}

impl Beside {
    /// Somebody else has to act before it ends, as with a lock: a standby that is gone, a query in replay's way.
    /// Where replication is synchronous every commit waits for a moment, so that only long waits say something.
    #[must_use]
    pub fn hangs(&self) -> bool {
        match self.event.as_str() {
            "IPC:SyncRep" => self.longest >= Some(HANGS_S),
            event => event.starts_with("IPC:RecoveryConflict"),
        }
    }
}

/// Its commit waits for a synchronous standby.
#[must_use]
pub fn awaits_standby(backend: &Backend) -> bool {
    backend.wait_event_type.as_deref() == Some("IPC") && backend.wait_event.as_deref() == Some("SyncRep")
}

/// The groups, the largest first. Sessions whose waits are hidden are not among them.
#[must_use]
pub fn beside(backends: &[Backend]) -> Vec<Beside> {
    let mut groups: BTreeMap<(&str, &str), Beside> = BTreeMap::new();
    for backend in backends {
        let (Some(class), Some(event)) = (backend.wait_event_type.as_deref(), backend.wait_event.as_deref()) else {
            continue;
        };
        let Some(means) = meaning(class, event) else { continue };
        let group = groups.entry((class, event)).or_insert_with(|| Beside {
            event: format!("{class}:{event}"),
            sessions: 0,
            longest: None,
            means,
        });
        group.sessions += 1;
        if backend.query_s > group.longest {
            group.longest = backend.query_s;
        }
    }
    let storm = |group: &Beside| !group.event.starts_with("LWLock:") || group.sessions >= STORM;
    let mut groups: Vec<Beside> = groups.into_values().filter(storm).collect();
    groups.sort_by(|a, b| b.sessions.cmp(&a.sessions).then_with(|| a.event.cmp(&b.event)));
    groups
}

fn meaning(class: &str, event: &str) -> Option<&'static str> {
    match (class, event) {
        ("IPC", "SyncRep") => Some("commits wait for a synchronous standby"),
        ("IPC", "SafeSnapshot") => Some("deferrable transactions wait for a safe snapshot"),
        ("IPC", "RecoveryConflictSnapshot" | "RecoveryConflictTablespace") => {
            Some("replay waits for queries on this standby")
        }
        ("IPC", "ProcArrayGroupUpdate" | "XactGroupUpdate") => Some("many transactions end at the same time"),
        ("BufferPin", _) => Some("vacuum or replay waits until nobody looks at a page"),
        ("LWLock", _) => Some("contention inside the server"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(class: &str, event: &str, query_s: f64) -> Backend {
        Backend {
            wait_event_type: Some(class.into()),
            wait_event: Some(event.into()),
            query_s: Some(query_s),
            ..Backend::default()
        }
    }

    #[test]
    fn what_is_no_lock_is_grouped_and_single_internal_locks_are_left_out() {
        let backends = [
            waits("IPC", "SyncRep", 3.0),
            waits("IPC", "SyncRep", 12.0),
            waits("LWLock", "WALWrite", 0.1),
            waits("Lock", "relation", 9.0),
            waits("Client", "ClientRead", 99.0),
            Backend::default(),
        ];
        let found = beside(&backends);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].event.as_str(), found[0].sessions, found[0].longest),
            ("IPC:SyncRep", 2, Some(12.0))
        );
        assert!(found[0].hangs());
        assert!(!beside(&[waits("IPC", "SyncRep", 0.1)])[0].hangs(), "a healthy commit");
        let mut replay = waits("IPC", "RecoveryConflictSnapshot", 0.0);
        replay.query_s = None;
        assert!(beside(&[replay])[0].hangs());
    }
}
