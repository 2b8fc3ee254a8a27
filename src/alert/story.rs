//! Alerts about the same thing are one story: the worst leads, of those the cause; the others are folded under it.
//!
//! The order is calm: it follows what an alert is (its severity, since when, for whom) and not numbers that change with
//! every answer, so that the line under the cursor stays where it is unless something has become worse or better.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::finding::Thing;
use super::{Alert, Engine};
use crate::model::concern::Severity;

/// From so many stories of the same kind on they are one line.
const MANY: usize = 3;

/// Rules that say more of the cause than others about the same thing, the cause first. All others come after these.
const CAUSES: &[&str] = &["syncrep", "blocked", "long_transaction"];

/// One line of the verdicts: an alert, and what belongs to it.
#[derive(Clone, Debug)]
pub struct Story<'a> {
    /// The worst, of several the cause.
    pub head: &'a Alert,
    /// The others, the worst first.
    pub folded: Vec<&'a Alert>,
}

/// How much an alert of a story is to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Voice {
    /// It counts, and nobody took note of it yet.
    Loud,
    /// It does not count yet.
    Pending,
    /// The user took note of it.
    Quiet,
}

impl Voice {
    fn of(alert: &Alert) -> Self {
        match alert.severity() {
            None => Self::Pending,
            Some(_) if alert.is_acknowledged() => Self::Quiet,
            Some(_) => Self::Loud,
        }
    }

    /// In a story what is pending comes last: the user knows the rest of it.
    const fn in_story(self) -> u8 {
        match self {
            Self::Loud => 0,
            Self::Quiet => 1,
            Self::Pending => 2,
        }
    }
}

impl<'a> Story<'a> {
    /// The story of these alerts; `None` if there are none.
    fn of(mut alerts: Vec<&'a Alert>) -> Option<Self> {
        alerts.sort_by_cached_key(|alert| within(alert));
        let (head, folded) = alerts.split_first()?;
        Some(Self {
            head,
            folded: folded.to_vec(),
        })
    }

    /// All of its alerts.
    pub fn alerts(&self) -> impl Iterator<Item = &'a Alert> {
        std::iter::once(self.head).chain(self.folded.iter().copied())
    }

    /// The user took note of everything in it that counts.
    #[must_use]
    pub fn is_acknowledged(&self) -> bool {
        Voice::of(self.head) == Voice::Quiet
    }

    /// How bad, if it counts: of what nobody took note of, if there is such.
    #[must_use]
    pub const fn severity(&self) -> Option<Severity> {
        self.head.severity()
    }

    /// What comes first: what is new before what is pending before what the user took note of, then the worst, what hurts
    /// most, what is oldest.
    fn place(&self) -> impl Ord + use<> {
        let voice = Voice::of(self.head);
        let loud = self.alerts().filter(|alert| Voice::of(alert) == voice);
        let weight = loud.map(Alert::weight).max();
        (
            voice,
            Reverse(self.head.severity()),
            Reverse(self.head.would_be()),
            Reverse(weight),
            microseconds(self.head.since()),
            self.head.rule.id,
            self.head.finding.key.clone(),
        )
    }
}

/// The order in a story: what is loud first, the worst, the cause.
fn within(alert: &Alert) -> impl Ord + use<> {
    let cause = CAUSES.iter().position(|id| *id == alert.rule.id);
    (
        Voice::of(alert).in_story(),
        Reverse(alert.severity()),
        Reverse(alert.would_be()),
        cause.unwrap_or(CAUSES.len()),
        Reverse(alert.weight()),
        microseconds(alert.since()),
        alert.rule.id,
        alert.finding.key.clone(),
    )
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "microseconds since 1970 fit for 290,000 years"
)]
fn microseconds(epoch: f64) -> i64 {
    (epoch * 1e6) as i64
}

/// The stories of all alerts: first those nobody took note of, each kind with the worst first.
#[must_use]
pub fn stories(engine: &Engine) -> Vec<Story<'_>> {
    let alerts: Vec<&Alert> = engine.alerts().collect();
    told(&alerts)
}

fn told<'a>(alerts: &[&'a Alert]) -> Vec<Story<'a>> {
    let groups = alike(about_the_same(alerts));
    let mut stories: Vec<Story<'a>> = groups.into_iter().filter_map(Story::of).collect();
    stories.sort_by_cached_key(Story::place);
    stories
}

/// Groups of alerts that hang together by what they are about.
fn about_the_same<'a>(alerts: &[&'a Alert]) -> Vec<Vec<&'a Alert>> {
    let mut group: Vec<usize> = (0..alerts.len()).collect();
    let mut of_thing: BTreeMap<&Thing, usize> = BTreeMap::new();
    for (place, alert) in alerts.iter().enumerate() {
        for thing in &alert.finding.about {
            let first = *of_thing.entry(thing).or_insert(place);
            join(&mut group, first, place);
        }
    }
    let mut groups: BTreeMap<usize, Vec<&Alert>> = BTreeMap::new();
    for (place, alert) in alerts.iter().enumerate() {
        groups.entry(root(&group, place)).or_default().push(alert);
    }
    groups.into_values().collect()
}

/// Many groups of the same rules are one: fifty unused indexes, or twenty queues with the transaction at the root of each.
/// What is pending, new, or known to the user already does not hide among the others.
fn alike(groups: Vec<Vec<&Alert>>) -> Vec<Vec<&Alert>> {
    let mut kinds: BTreeMap<(Option<Voice>, BTreeSet<&str>), Vec<Vec<&Alert>>> = BTreeMap::new();
    for group in groups {
        let voice = group
            .iter()
            .map(|alert| Voice::of(alert))
            .min_by_key(|voice| voice.in_story());
        let rules = group.iter().map(|alert| alert.rule.id).collect();
        kinds.entry((voice, rules)).or_default().push(group);
    }
    let merged = kinds.into_iter().flat_map(|((voice, _), groups)| {
        if groups.len() >= MANY && voice != Some(Voice::Pending) {
            vec![groups.concat()]
        } else {
            groups
        }
    });
    merged.collect()
}

fn root(group: &[usize], mut place: usize) -> usize {
    while let Some(&up) = group.get(place).filter(|up| **up != place) {
        place = up;
    }
    place
}

/// The earlier of two groups takes the later one in.
fn join(group: &mut [usize], one: usize, other: usize) {
    let (one, other) = (root(group, one), root(group, other));
    if let Some(up) = group.get_mut(one.max(other)) {
        *up = one.min(other);
    }
}

#[cfg(test)]
mod tests;
