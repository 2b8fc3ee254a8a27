//! The standbys that were seen in this session, and since when one of them is missing: `pg_stat_replication` lists who
//! is connected, and nothing tells of who was.
//!
//! A standby is who has streamed and told how far it has replayed: a base backup and `pg_receivewal` never do.

use crate::model::replication::Kind;
use crate::probe::Mono;
use crate::probe::replication::Sender;

/// The name of a standby that was given none: several may share it.
const NAMELESS: &str = "walreceiver";
/// Standbys remembered at most, the newest.
const KEEP: usize = 100;

/// The standbys seen so far.
#[derive(Clone, Debug, Default)]
pub struct Roll {
    seen: Vec<Seen>,
    /// What the server was: after a promotion its standbys belong to another one.
    server: Option<(bool, Option<i32>)>,
}

/// A standby that was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// `application_name`.
    pub name: String,
    /// Its address.
    pub client: Option<String>,
    /// The slot it used.
    pub slot: Option<String>,
    /// The first look that missed it; `None` while it is connected.
    pub missing: Option<Mono>,
}

impl Seen {
    fn of(sender: &Sender) -> Option<Self> {
        let streams = sender.state.as_deref() == Some("streaming");
        (Kind::of(sender) == Kind::Physical && streams && sender.replay_bytes.is_some()).then(|| Self {
            name: sender.application_name.clone().unwrap_or_default(),
            client: sender.client.clone(),
            slot: sender.slot_name.clone(),
            missing: None,
        })
    }

    /// It goes by the name that a standby has which was given none.
    #[must_use]
    pub fn is_nameless(&self) -> bool {
        self.name == NAMELESS
    }

    fn is(&self, other: &Self) -> bool {
        self.name == other.name && self.client == other.client
    }

    /// It is connected: from the same address, under its own name from another one, or to its slot.
    fn is_among(&self, senders: &[Sender]) -> bool {
        senders.iter().any(|sender| {
            let same_name = sender.application_name.as_deref() == Some(self.name.as_str());
            let same_slot = self.slot.is_some() && self.slot == sender.slot_name;
            same_slot || same_name && (!self.is_nameless() || self.client == sender.client)
        })
    }
}

impl Roll {
    /// Takes a look at the walsenders in. `server` is whether it is in recovery, and its timeline.
    pub fn observe(&mut self, at: Mono, senders: &[Sender], server: Option<(bool, Option<i32>)>) {
        if server.is_some() && self.server.is_some() && self.server != server {
            self.seen.clear();
        }
        self.server = server.or(self.server);
        for here in senders.iter().filter_map(Seen::of) {
            // One that comes from elsewhere under the name of a missing one took its place.
            let missing = |seen: &Seen| seen.missing.is_some() && seen.name == here.name;
            let place = self.seen.iter().position(|seen| seen.is(&here));
            match place.or_else(|| self.seen.iter().position(missing)) {
                Some(place) => {
                    self.seen.remove(place);
                }
                None if self.seen.len() >= KEEP => {
                    self.seen.remove(0);
                }
                None => {}
            }
            self.seen.push(here);
        }
        for seen in &mut self.seen {
            seen.missing = if seen.is_among(senders) {
                None
            } else {
                seen.missing.or(Some(at))
            };
        }
    }

    /// Those that are missing.
    pub fn missing(&self) -> impl Iterator<Item = &Seen> {
        self.seen.iter().filter(|seen| seen.missing.is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sender(name: &str, client: &str) -> Sender {
        Sender {
            application_name: Some(name.to_owned()),
            client: Some(client.to_owned()),
            state: Some("streaming".to_owned()),
            replay_bytes: Some(0),
            ..Sender::default()
        }
    }

    fn missing(looks: &[&[Sender]]) -> Vec<(String, u64)> {
        let mut roll = Roll::default();
        for (second, senders) in (0..).zip(looks) {
            roll.observe(Mono(Duration::from_secs(second)), senders, Some((false, Some(1))));
        }
        let told = |seen: &Seen| (seen.name.clone(), seen.missing.unwrap().0.as_secs());
        roll.missing().map(told).collect()
    }

    #[test]
    fn one_that_was_there_is_missing_since_the_first_look_without_it() {
        let both = [sender("dr1", "a"), sender("dr2", "b")];
        let one = [sender("dr2", "b")];
        assert_eq!(missing(&[&both, &one, &one]), [("dr1".to_owned(), 1)]);
        assert!(missing(&[&both, &one, &both]).is_empty(), "it came back");
    }

    #[test]
    fn one_that_comes_from_elsewhere_is_the_same() {
        let moved = [sender("dr1", "z")];
        assert!(missing(&[&[sender("dr1", "a")], &moved]).is_empty());
        let two = [sender("walreceiver", "a"), sender("walreceiver", "b")];
        let one = [sender("walreceiver", "b")];
        let moved = [sender("walreceiver", "b"), sender("walreceiver", "c")];
        assert_eq!(missing(&[&two, &one]).len(), 1, "they have no names of their own");
        assert!(missing(&[&two, &one, &moved]).is_empty());
        let slot = |client: &str, name: &str| Sender {
            slot_name: Some("dr".to_owned()),
            ..sender(name, client)
        };
        assert!(missing(&[&[slot("a", "old")], &[slot("b", "new")]]).is_empty());
    }

    #[test]
    fn a_base_backup_and_pg_receivewal_are_no_standbys() {
        let backup = Sender {
            state: Some("backup".to_owned()),
            replay_bytes: None,
            ..sender("pg_basebackup", "a")
        };
        let receives = Sender {
            replay_bytes: None,
            ..sender("pg_receivewal", "a")
        };
        let logical = Sender {
            slot_type: Some("logical".to_owned()),
            ..sender("sub", "a")
        };
        assert!(missing(&[&[backup, receives, logical], &[]]).is_empty());
    }

    #[test]
    fn after_a_promotion_nobody_is_missed() {
        let mut roll = Roll::default();
        roll.observe(Mono::default(), &[sender("dr1", "a")], Some((true, None)));
        roll.observe(Mono::default(), &[], Some((false, Some(2))));
        assert_eq!(roll.missing().count(), 0);
    }
}
