//! Alerts about the same thing are one story: the worst leads, the others are folded under it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::finding::Thing;
use super::{Alert, Engine};
use crate::model::concern::Severity;

/// From so many alerts of one rule on they are one line.
const MANY: usize = 3;

/// One line of the verdicts: an alert, and what belongs to it.
#[derive(Clone, Debug)]
pub struct Story<'a> {
    /// The worst.
    pub head: &'a Alert,
    /// The others, the worst first.
    pub folded: Vec<&'a Alert>,
}

impl<'a> Story<'a> {
    /// All of its alerts.
    pub fn alerts(&self) -> impl Iterator<Item = &'a Alert> {
        std::iter::once(self.head).chain(self.folded.iter().copied())
    }

    /// The user took note of all of it.
    #[must_use]
    pub fn is_acknowledged(&self) -> bool {
        self.alerts().all(Alert::is_acknowledged)
    }

    /// How bad, if it counts.
    #[must_use]
    pub const fn severity(&self) -> Option<Severity> {
        self.head.severity()
    }
}

/// What comes first: what counts before what is pending, the worst, what hurts most, what is oldest.
fn rank(alert: &Alert) -> impl Ord + use<> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "microseconds since 1970 fit for 290,000 years"
    )]
    let since = (alert.since() * 1e6) as i64;
    (
        Reverse(alert.severity()),
        Reverse(alert.would_be()),
        Reverse(alert.finding.victims),
        since,
        alert.rule.id,
        alert.finding.key.clone(),
    )
}

/// The stories of all alerts: first those nobody took note of, each kind with the worst first.
#[must_use]
pub fn stories(engine: &Engine) -> Vec<Story<'_>> {
    let mut alerts: Vec<&Alert> = engine.alerts().collect();
    alerts.sort_by_cached_key(|alert| rank(alert));
    let mut groups: BTreeMap<usize, Vec<&Alert>> = BTreeMap::new();
    for (alert, group) in alerts.iter().zip(grouped(&alerts)) {
        groups.entry(group).or_default().push(alert);
    }
    // A group's number is the place of its first, and so worst, member: the order stays.
    let stories = groups.into_values().filter_map(|group| {
        let (head, folded) = group.split_first()?;
        Some(Story {
            head,
            folded: folded.to_vec(),
        })
    });
    let mut stories: Vec<Story<'_>> = stories.collect();
    stories.sort_by_key(Story::is_acknowledged);
    stories
}

/// For each alert the place of the first alert of its group.
fn grouped(alerts: &[&Alert]) -> Vec<usize> {
    let mut group: Vec<usize> = (0..alerts.len()).collect();
    let mut of_thing: BTreeMap<&Thing, usize> = BTreeMap::new();
    let mut of_rule: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, alert) in alerts.iter().enumerate() {
        for thing in &alert.finding.about {
            let first = *of_thing.entry(thing).or_insert(place);
            join(&mut group, first, place);
        }
        // What is pending or acknowledged does not hide among what counts.
        if alert.severity().is_some() {
            of_rule.entry(alert.rule.id).or_default().push(place);
        }
    }
    for places in of_rule.into_values().filter(|places| places.len() >= MANY) {
        let first = places.first().copied().unwrap_or_default();
        for place in places {
            join(&mut group, first, place);
        }
    }
    (0..alerts.len()).map(|place| root(&group, place)).collect()
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
