//! Who receives WAL from this server, who should and does not, and whether commits can be confirmed.

use crate::model::concern::Concern;
use crate::model::replay::{Delay, Replay};
use crate::model::slots;
use crate::probe::replication::Sender;
use crate::probe::slots::Slot;

/// Seconds behind from which a standby is worth a look, and from which it is a warning. A subscriber that nothing is
/// published to reports its position every ten seconds only.
const BEHIND_S: (f64, f64) = (15.0, 30.0);
/// Seconds without a new reply from which a standby is taken for silent: it replies every
/// `wal_receiver_status_interval` (10 s), and to a question of the sender after half of `wal_sender_timeout`.
const SILENT_S: f64 = 60.0;

/// The setting that says which standbys confirm a commit.
pub const SYNC_NAMES: &str = "synchronous_standby_names";

/// How many of which standbys confirm a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The first ones of the list that are connected.
    First,
    /// Any of them.
    Any,
}

/// `synchronous_standby_names`, read as the server reads it (`syncrep_gram.y`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncNames {
    /// Which.
    pub method: Method,
    /// How many have to confirm.
    pub number: usize,
    /// The list; `*` is everybody.
    pub names: Vec<String>,
}

impl SyncNames {
    /// Reads the setting; `None` when it is empty, so that nothing is synchronous.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let tokens = tokens(text);
        let word = |nth: usize| match tokens.get(nth) {
            Some(Token::Name(name)) => Some(name.as_str()),
            _ => None,
        };
        let method = word(0).and_then(|word| match word.to_ascii_lowercase().as_str() {
            "first" => Some(Method::First),
            "any" => Some(Method::Any),
            _ => None,
        });
        let counted = |nth: usize| match (word(nth)?.parse(), tokens.get(nth + 1)) {
            (Ok(number), Some(Token::Open)) => Some(number),
            _ => None,
        };
        let (method, number, from) = match (method, counted(1), counted(0)) {
            (Some(method), Some(number), _) => (method, number, 3),
            (_, _, Some(number)) => (Method::First, number, 2),
            _ => (Method::First, 1, 0),
        };
        let names = tokens.into_iter().skip(from).filter_map(|token| match token {
            Token::Name(name) => Some(name),
            Token::Open => None,
        });
        let names: Vec<String> = names.collect();
        (!names.is_empty()).then_some(Self { method, number, names })
    }

    /// A standby of that name counts; names differ by more than case.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        let same = |listed: &String| listed == "*" || listed.eq_ignore_ascii_case(name);
        self.names.iter().any(same)
    }
}

/// What the setting is made of; commas and the closing parenthesis tell nothing.
#[derive(Debug, PartialEq)]
enum Token {
    Name(String),
    Open,
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '(' => tokens.push(Token::Open),
            ')' | ',' => {}
            c if c.is_ascii_whitespace() => {}
            '"' => tokens.push(Token::Name(quoted(&mut chars))),
            c => {
                let mut name = String::from(c);
                let ends = |c: &char| !matches!(c, '(' | ')' | ',' | '"') && !c.is_ascii_whitespace();
                while let Some(c) = chars.next_if(ends) {
                    name.push(c);
                }
                tokens.push(Token::Name(name));
            }
        }
    }
    tokens
}

/// The rest of a name in double quotes; two of them are one.
fn quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let mut name = String::new();
    while let Some(c) = chars.next() {
        if c == '"' && chars.next_if_eq(&'"').is_none() {
            break;
        }
        name.push(c);
    }
    name
}

/// What a receiver of WAL is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A standby, or a program like `pg_receivewal`.
    Physical,
    /// A subscriber, or another consumer of logical decoding.
    Logical,
    /// A base backup is being taken.
    Backup,
    /// The role may not see what it is.
    Hidden,
    /// It should be there and is not.
    Gone,
}

impl Kind {
    /// What a sender sends.
    #[must_use]
    pub fn of(sender: &Sender) -> Self {
        match (sender.slot_type.as_deref(), sender.state.as_deref()) {
            (Some("logical"), _) => Self::Logical,
            (_, Some("backup")) => Self::Backup,
            (None, None) => Self::Hidden,
            _ => Self::Physical,
        }
    }

    /// In a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Physical => "physical",
            Self::Logical => "logical",
            Self::Backup => "backup",
            Self::Hidden => "hidden",
            Self::Gone => "gone",
        }
    }
}

/// Somebody who receives WAL, or should.
#[derive(Clone, Debug, PartialEq)]
pub struct Standby {
    /// What it is.
    pub kind: Kind,
    /// `application_name`; the name of a slot or the name in `synchronous_standby_names` of one that is gone.
    pub name: String,
    /// The walsender; `None` of one that is gone.
    pub sender: Option<Sender>,
    /// How far behind in time.
    pub delay: Option<Delay>,
    /// Seconds without a new reply, at least; `None` while replies come.
    pub silent_s: Option<f64>,
    /// The slot of one that is gone.
    pub slot: Option<Slot>,
    /// `synchronous_standby_names` counts on it.
    pub expected: bool,
    /// How bad it is.
    pub concern: Concern,
}

impl Standby {
    fn of(sender: &Sender, replay: &Replay, names: Option<&SyncNames>) -> Self {
        let name = sender.application_name.clone().unwrap_or_default();
        let mut standby = Self {
            kind: Kind::of(sender),
            expected: names.is_some_and(|names| names.covers(&name)),
            name,
            delay: replay.delay(sender),
            silent_s: replay.silent(sender).filter(|seconds| *seconds >= SILENT_S),
            sender: Some(sender.clone()),
            slot: None,
            concern: Concern::Calm,
        };
        standby.concern = standby.judge(sender);
        standby
    }

    fn judge(&self, sender: &Sender) -> Concern {
        if matches!(self.kind, Kind::Backup | Kind::Hidden) {
            return Concern::Calm;
        }
        let seconds = match self.delay {
            Some(Delay::Reported(seconds) | Delay::AtLeast(seconds)) if sender.replay_bytes > Some(0) => seconds,
            _ => 0.0,
        };
        let (notice, warning) = BEHIND_S;
        if seconds >= warning || self.silent_s.is_some() {
            Concern::Warning
        } else if seconds >= notice || sender.state.as_deref().is_some_and(|state| state != "streaming") {
            Concern::Notice
        } else {
            Concern::Calm
        }
    }

    fn gone(name: &str, slot: Option<&Slot>, expected: bool) -> Self {
        Self {
            kind: Kind::Gone,
            name: name.to_owned(),
            sender: None,
            delay: None,
            silent_s: None,
            slot: slot.cloned(),
            expected,
            concern: if expected || slot.is_some_and(slots::lost) {
                Concern::Warning
            } else {
                Concern::Notice
            },
        }
    }
}

/// Everybody who receives WAL or should, in no particular order. Who should: the names in `synchronous_standby_names`,
/// and the users of physical slots.
#[must_use]
pub fn standbys(senders: &[Sender], slots: &[Slot], names: Option<&SyncNames>, replay: &Replay) -> Vec<Standby> {
    let mut standbys: Vec<Standby> = senders
        .iter()
        .map(|sender| Standby::of(sender, replay, names))
        .collect();
    let connected = |name: &str| {
        let here = |sender: &Sender| {
            sender
                .application_name
                .as_deref()
                .is_some_and(|here| here.eq_ignore_ascii_case(name))
        };
        senders.iter().any(here)
    };
    // The senders are asked more often than the slots: who is back already is not gone.
    let used = |slot: &Slot| {
        senders
            .iter()
            .any(|sender| sender.slot_name.as_deref() == Some(slot.slot_name.as_str()))
    };
    let kept = |slot: &Slot| slot.slot_type == "physical" && !slot.temporary && slot.synced != Some(true);
    let idle = |slot: &&Slot| kept(slot) && !slot.active && !used(slot);
    let listed = names.map_or(&[][..], |names| names.names.as_slice());
    for name in listed.iter().filter(|name| *name != "*" && !connected(name)) {
        let slot = slots
            .iter()
            .filter(idle)
            .find(|slot| slot.slot_name.eq_ignore_ascii_case(name));
        standbys.push(Standby::gone(name, slot, true));
    }
    for slot in slots.iter().filter(idle) {
        if !listed.iter().any(|name| name.eq_ignore_ascii_case(&slot.slot_name)) {
            standbys.push(Standby::gone(&slot.slot_name, Some(slot), false));
        }
    }
    standbys
}

/// Whether commits can be confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorum {
    /// Standbys that have to confirm.
    pub needed: usize,
    /// Standbys that can.
    pub there: usize,
}

impl Quorum {
    /// By the sync state of the senders; `None` where the role does not see it.
    #[must_use]
    pub fn of(names: &SyncNames, senders: &[Sender]) -> Option<Self> {
        if senders.iter().any(|sender| sender.hidden) {
            return None;
        }
        let confirms = |sender: &&Sender| matches!(sender.sync_state.as_deref(), Some("sync" | "quorum"));
        Some(Self {
            needed: names.number,
            there: senders.iter().filter(confirms).count(),
        })
    }

    /// Too few: every commit that wants to be confirmed waits.
    #[must_use]
    pub const fn short(self) -> bool {
        self.there < self.needed
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", None)]
    #[case("  ", None)]
    #[case("dr1", Some((Method::First, 1, vec!["dr1"])))]
    #[case("*", Some((Method::First, 1, vec!["*"])))]
    #[case("a, B ,\"c \"\"d\"\"\"", Some((Method::First, 1, vec!["a", "B", "c \"d\""])))]
    #[case("2 (a, b, c)", Some((Method::First, 2, vec!["a", "b", "c"])))]
    #[case("FIRST 2(a,b)", Some((Method::First, 2, vec!["a", "b"])))]
    #[case("any 1 (*)", Some((Method::Any, 1, vec!["*"])))]
    #[case("first, any", Some((Method::First, 1, vec!["first", "any"])))]
    #[case("7", Some((Method::First, 1, vec!["7"])))]
    fn names_are_read_as_the_server_reads_them(
        #[case] text: &str,
        #[case] expected: Option<(Method, usize, Vec<&str>)>,
    ) {
        let read = SyncNames::parse(text).map(|names| (names.method, names.number, names.names));
        let expected = expected
            .map(|(method, number, names)| (method, number, names.into_iter().map(str::to_owned).collect::<Vec<_>>()));
        assert_eq!(read, expected);
    }

    fn sender(name: &str, sync: &str) -> Sender {
        Sender {
            application_name: Some(name.to_owned()),
            state: Some("streaming".to_owned()),
            sync_state: Some(sync.to_owned()),
            ..Sender::default()
        }
    }

    fn slot(name: &str, active: bool) -> Slot {
        Slot {
            slot_name: name.to_owned(),
            slot_type: "physical".to_owned(),
            active,
            ..Slot::default()
        }
    }

    #[test]
    fn who_should_be_there_and_is_not() {
        let names = SyncNames::parse("FIRST 2 (DR1, dr2, dr3)").unwrap();
        let senders = [sender("dr1", "sync")];
        let slots = [slot("dr1", true), slot("dr2", false), slot("old", false)];
        let all = standbys(&senders, &slots, Some(&names), &Replay::default());
        let told: Vec<_> = all
            .iter()
            .map(|standby| {
                (
                    standby.name.as_str(),
                    standby.kind,
                    standby.slot.is_some(),
                    standby.concern,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("dr1", Kind::Physical, false, Concern::Calm),
                ("dr2", Kind::Gone, true, Concern::Warning),
                ("dr3", Kind::Gone, false, Concern::Warning),
                ("old", Kind::Gone, true, Concern::Notice),
            ]
        );
        let back = [Sender {
            slot_name: Some("old".to_owned()),
            ..sender("another name", "async")
        }];
        let all = standbys(&back, &[slot("old", false)], None, &Replay::default());
        assert_eq!(all.len(), 1, "the slot was asked for before it came back");
        let quorum = Quorum::of(&names, &senders).unwrap();
        assert!(quorum.short() && quorum.there == 1);
        let both = [sender("dr1", "sync"), sender("dr2", "sync"), sender("dr3", "potential")];
        assert!(!Quorum::of(&names, &both).unwrap().short());
    }

    #[test]
    fn what_a_receiver_is() {
        let logical = Sender {
            slot_type: Some("logical".to_owned()),
            ..sender("sub", "async")
        };
        let backup = Sender {
            state: Some("backup".to_owned()),
            ..sender("pg_basebackup", "async")
        };
        let hidden = Sender {
            hidden: true,
            ..Sender::default()
        };
        assert_eq!(Kind::of(&logical), Kind::Logical);
        assert_eq!(Kind::of(&backup), Kind::Backup);
        assert_eq!(Kind::of(&hidden), Kind::Hidden);
        assert_eq!(Kind::of(&sender("dr1", "async")), Kind::Physical);
    }
}
