//! How fast numbers of things that come and go change: the WAL a slot keeps, the files that wait for the archiver.
//!
//! Where [`super::series`] has one line a number, here every slot has its own, and only its speed over the last minutes
//! is of interest: what a slot keeps goes up and down with every checkpoint of its consumer, so two neighbouring
//! samples tell little.

use std::collections::{BTreeMap, VecDeque};

use crate::model::rates::{self, Gap, Reading};
use crate::probe::archive_backlog::ArchiveBacklogProbe;
use crate::probe::archiver::ArchiverProbe;
use crate::probe::conflicts::ConflictsProbe;
use crate::probe::pulse::PulseProbe;
use crate::probe::slots::SlotsProbe;
use crate::probe::subscriptions::SubscriptionsProbe;
use crate::probe::{Latest, Probe, Sample};

/// Seconds of samples that a speed is taken over, at most.
const WINDOW: f64 = 600.0;

/// What is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Bytes of WAL a slot keeps, by its name.
    Kept,
    /// Bytes that logical decoding has spilled to disk, by the slot's name.
    Spilled,
    /// Archived files.
    Archived,
    /// Failed attempts to archive.
    ArchiveFailed,
    /// Files that wait for the archiver.
    ArchiveWaiting,
    /// Queries canceled by replay: all, and each kind by its name.
    Conflicts,
    /// Errors of a subscription, by database and name.
    SubscriptionErrors,
}

impl What {
    /// It only grows, so that a smaller number means a reset.
    const fn counts(self) -> bool {
        !matches!(self, Self::Kept | Self::ArchiveWaiting)
    }
}

/// How fast something changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    /// Change per second; of a gauge it can be below zero.
    pub per_second: f64,
    /// Seconds it was seen over.
    pub over: f64,
}

/// What was seen of everything that is followed.
#[derive(Clone, Debug, Default)]
pub struct Trails(BTreeMap<(What, String), VecDeque<(Reading, i64)>>);

impl Trails {
    /// Takes a good sample in; a probe it knows nothing of is none of its business.
    pub fn observe(&mut self, sample: &Sample, latest: &Latest) {
        let Some((epoch, followed, numbers)) = numbers(sample) else {
            return;
        };
        let (started, recovery) = latest
            .get::<PulseProbe>()
            .map_or((0.0, false), |pulse| (pulse.started, pulse.in_recovery));
        // Things that are gone are forgotten: a new slot of that name is another one.
        self.0.retain(|key, _| {
            !followed.contains(&key.0) || numbers.iter().any(|(what, name, _)| (*what, name) == (key.0, &key.1))
        });
        let reading = Reading::new(epoch.unwrap_or_default(), started, recovery, &sample.ran);
        for (what, name, number) in numbers {
            self.push(what, name, reading, number);
        }
    }

    fn push(&mut self, what: What, name: String, reading: Reading, number: i64) {
        let trail = self.0.entry((what, name)).or_default();
        if let Some((last, before)) = trail.back() {
            match rates::interval(last, &reading) {
                Err(Gap::TooSoon) => return,
                Ok(_) if !what.counts() || number >= *before => {}
                _ => trail.clear(),
            }
        }
        trail.push_back((reading, number));
        while trail.len() > 2
            && trail
                .get(1)
                .is_some_and(|(next, _)| reading.epoch - next.epoch >= WINDOW)
        {
            trail.pop_front();
        }
    }

    /// How fast it changed over the last ten minutes, or as long as it was seen; `None` before a second sample.
    #[must_use]
    pub fn speed(&self, what: What, name: &str) -> Option<Speed> {
        let trail = self.0.get(&(what, name.to_owned()))?;
        let ((first, from), (last, to)) = (trail.front()?, trail.back()?);
        let over = last.epoch - first.epoch;
        (over > 0.0).then(|| Speed {
            per_second: (rates::float(*to) - rates::float(*from)) / over,
            over,
        })
    }

    /// The numbers themselves, oldest first.
    #[must_use]
    pub fn points(&self, what: What, name: &str) -> Vec<Option<f64>> {
        let trail = self.0.get(&(what, name.to_owned())).into_iter().flatten();
        trail.map(|(_, number)| Some(rates::float(*number))).collect()
    }
}

/// The name of a subscription among the subscriptions of all databases.
#[must_use]
pub fn subscription_key(database: &str, name: &str) -> String {
    format!("{database}\0{name}")
}

type Numbers = Vec<(What, String, i64)>;

/// When, which kinds the sample tells everything about, and the numbers in it.
fn numbers(sample: &Sample) -> Option<(Option<f64>, &'static [What], Numbers)> {
    if let Some(slots) = data::<SlotsProbe>(sample) {
        let kept = slots
            .iter()
            .filter_map(|slot| Some((What::Kept, slot.slot_name.clone(), slot.kept_bytes?)));
        let spilled = slots
            .iter()
            .filter_map(|slot| Some((What::Spilled, slot.slot_name.clone(), slot.decoded?.spill_bytes)));
        let epoch = slots.first().map(|slot| slot.epoch);
        return Some((epoch, &[What::Kept, What::Spilled], kept.chain(spilled).collect()));
    }
    let own = |what, number| (what, String::new(), number);
    if let Some(archiver) = data::<ArchiverProbe>(sample) {
        let numbers = vec![
            own(What::Archived, archiver.archived_count),
            own(What::ArchiveFailed, archiver.failed_count),
        ];
        return Some((Some(archiver.epoch), &[What::Archived, What::ArchiveFailed], numbers));
    }
    if let Some(backlog) = data::<ArchiveBacklogProbe>(sample) {
        let numbers = vec![own(What::ArchiveWaiting, backlog.waiting)];
        return Some((Some(backlog.epoch), &[What::ArchiveWaiting], numbers));
    }
    if let Some(conflicts) = data::<ConflictsProbe>(sample) {
        let kinds = conflicts.kinds().into_iter();
        let kinds = kinds.map(|(kind, count)| (What::Conflicts, kind.to_owned(), count));
        let numbers = kinds.chain([own(What::Conflicts, conflicts.all())]).collect();
        return Some((Some(conflicts.epoch), &[What::Conflicts], numbers));
    }
    let subscriptions = data::<SubscriptionsProbe>(sample)?;
    let numbers = subscriptions.iter().filter_map(|subscription| {
        let errors = subscription.apply_errors?.saturating_add(subscription.sync_errors?);
        let key = subscription_key(&subscription.database, &subscription.name);
        Some((What::SubscriptionErrors, key, errors))
    });
    let epoch = subscriptions.first().map(|subscription| subscription.epoch);
    Some((epoch, &[What::SubscriptionErrors], numbers.collect()))
}

fn data<P: Probe>(sample: &Sample) -> Option<&P::Data> {
    sample.data.as_ref()?.downcast_ref()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::pg::server::Server;
    use crate::probe::archiver::Archiver;
    use crate::probe::slots::Slot;
    use crate::probe::{Mono, Ran};

    fn sample<P: Probe>(second: u32, data: P::Data) -> Sample {
        Sample {
            ran: Ran {
                started: Mono(Duration::from_secs(u64::from(second))),
                ..Ran::of(&P::SPEC, &Server::default())
            },
            data: Some(Arc::new(data)),
        }
    }

    fn slots(second: u32, kept: &[(&str, i64)]) -> Sample {
        let slot = |(name, kept): &(&str, i64)| Slot {
            epoch: 1e9 + f64::from(second),
            slot_name: (*name).to_owned(),
            kept_bytes: Some(*kept),
            ..Slot::default()
        };
        sample::<SlotsProbe>(second, kept.iter().map(slot).collect())
    }

    fn per_second(trails: &Trails, what: What, name: &str) -> Option<f64> {
        trails.speed(what, name).map(|speed| speed.per_second)
    }

    #[test]
    fn a_speed_is_taken_over_the_window_and_can_be_negative() {
        let (mut trails, latest) = (Trails::default(), Latest::default());
        trails.observe(&slots(0, &[("a", 1000), ("b", 900)]), &latest);
        assert_eq!(trails.speed(What::Kept, "a"), None, "one sample tells nothing");
        trails.observe(&slots(10, &[("a", 2000), ("b", 0)]), &latest);
        assert_eq!(per_second(&trails, What::Kept, "a"), Some(100.0));
        assert_eq!(per_second(&trails, What::Kept, "b"), Some(-90.0));
        trails.observe(&slots(1000, &[("a", 2990)]), &latest);
        assert_eq!(
            per_second(&trails, What::Kept, "a"),
            Some(1.0),
            "the first sample is too old"
        );
        assert_eq!(trails.speed(What::Kept, "b"), None, "gone");
        trails.observe(&slots(1010, &[("a", 2990), ("b", 5)]), &latest);
        assert_eq!(trails.speed(What::Kept, "b"), None, "another slot of that name");
    }

    #[test]
    fn a_reset_counter_begins_anew() {
        let archiver = |second: u32, archived_count| {
            let data = Archiver {
                epoch: 1e9 + f64::from(second),
                archived_count,
                ..Archiver::default()
            };
            sample::<ArchiverProbe>(second, data)
        };
        let (mut trails, latest) = (Trails::default(), Latest::default());
        trails.observe(&archiver(0, 100), &latest);
        trails.observe(&archiver(10, 110), &latest);
        assert_eq!(per_second(&trails, What::Archived, ""), Some(1.0));
        trails.observe(&archiver(20, 2), &latest);
        assert_eq!(trails.speed(What::Archived, ""), None);
        trails.observe(&archiver(30, 4), &latest);
        assert_eq!(per_second(&trails, What::Archived, ""), Some(0.2));
    }

    #[test]
    fn repeated_refreshes_and_clock_jumps_make_no_speed() {
        let (mut trails, latest) = (Trails::default(), Latest::default());
        trails.observe(&slots(0, &[("a", 1000)]), &latest);
        trails.observe(&slots(0, &[("a", 2000)]), &latest);
        assert_eq!(trails.speed(What::Kept, "a"), None);
        let mut jumped = slots(10, &[("a", 3000)]);
        jumped.ran.started = Mono(Duration::from_secs(5000));
        trails.observe(&jumped, &latest);
        assert_eq!(trails.speed(What::Kept, "a"), None);
    }
}
