//! Which tables nobody looks after: over a threshold of autovacuum and not vacuumed since, with old statistics though
//! they change, full of dead rows.
//!
//! The server tells when a table was last vacuumed, not since when it should be: a table vacuumed eight hours ago may
//! have crossed its threshold a minute ago. Nor do its counters tell: rows changed since the last ANALYZE are no bound
//! for the dead rows since, since what is rolled back makes dead rows and counts as no change. So a wait counts from
//! when it was first seen here, and the last run tells how long it can have lasted at most.

use std::collections::BTreeMap;

use super::autovacuum::{self, Work};
use crate::probe::autovacuum::{Queue, Table};

/// What was seen of the tables over this session; one sample of the tables long, so bounded by its limits.
#[derive(Clone, Debug, Default)]
pub struct Neglect {
    tracks: BTreeMap<u32, Track>,
    /// The server's clock at the newest sample.
    epoch: f64,
}

#[derive(Clone, Debug, Default)]
struct Track {
    /// When this session first saw it.
    first: f64,
    /// How often it was vacuumed and analyzed, by hand or not.
    runs: (i64, i64),
    modified: i64,
    /// When it was last seen to have changed.
    changed: Option<f64>,
    marks: Vec<Mark>,
}

/// When a threshold was first seen exceeded, and by what count.
#[derive(Clone, Copy, Debug)]
struct Mark {
    work: Work,
    since: f64,
    count: i64,
}

/// A table over a threshold, without a run since.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waiting<'a> {
    /// Which.
    pub table: &'a Table,
    /// What the threshold starts.
    pub work: Work,
    /// Rows counted, and rows that have to be exceeded.
    pub count: i64,
    /// The threshold.
    pub at: f64,
    /// When it was first seen over it without a run since, in seconds since 1970 by the server's clock.
    pub since: f64,
    /// When that was last done, by hand or not: it cannot have waited since before. `None` if not since the counters
    /// were reset.
    pub last_run: Option<f64>,
    /// By how many rows the count was seen to grow since this session first saw it over the threshold.
    pub grown: i64,
}

/// Statistics older than what they describe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stale<'a> {
    /// Of which table.
    pub table: &'a Table,
    /// Seconds since its last ANALYZE, by hand or not.
    pub age_s: f64,
    /// Rows changed since then by the rows there are, see [`autovacuum::changed`].
    pub share: f64,
    /// More rows have changed than its threshold for ANALYZE: autovacuum should have come.
    pub over: bool,
    /// When it was last seen to have changed, in seconds since 1970; `None` if not in this session.
    pub changed: Option<f64>,
    /// When this session first saw it, likewise.
    pub first: f64,
}

/// Dead rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backlog<'a> {
    /// Of which table.
    pub table: &'a Table,
    /// How many.
    pub dead: i64,
    /// The share of its rows that are dead, 0 to 1.
    pub share: f64,
}

impl Neglect {
    /// Takes a sample in. What is not in it is forgotten: nobody knows what becomes of it meanwhile.
    pub fn observe(&mut self, queue: &Queue) {
        // A clock that was set back takes all times with it.
        let before = if queue.epoch >= self.epoch {
            std::mem::take(&mut self.tracks)
        } else {
            BTreeMap::new()
        };
        self.epoch = queue.epoch;
        self.tracks = queue
            .all()
            .map(|table| (table.relid, track(table, queue.epoch, before.get(&table.relid))))
            .collect();
    }

    /// The tables over a threshold of theirs that autovacuum should act on, those waiting for longest first; of a table
    /// over several thresholds each.
    #[must_use]
    pub fn waiting<'a>(&self, queue: &'a Queue) -> Vec<Waiting<'a>> {
        let served = queue.all().filter(|table| !autovacuum::is_parent(table));
        let mut waiting: Vec<_> = served.flat_map(|table| self.waits(table, queue.epoch)).collect();
        waiting.sort_by(|a, b| a.since.total_cmp(&b.since));
        waiting
    }

    fn waits<'a>(&self, table: &'a Table, now: f64) -> impl Iterator<Item = Waiting<'a>> {
        let track = self.tracks.get(&table.relid);
        let over = autovacuum::distances(table)
            .into_iter()
            .filter(autovacuum::Distance::over);
        over.map(move |distance| {
            let mark = track.and_then(|track| track.mark(distance.work));
            Waiting {
                table,
                work: distance.work,
                count: distance.count,
                at: distance.at,
                since: mark.map_or(now, |mark| mark.since),
                last_run: last_s(table, distance.work).map(|seconds| now - seconds),
                grown: mark.map_or(0, |mark| distance.count.saturating_sub(mark.count)),
            }
        })
    }

    /// The tables that changed since their last ANALYZE, the oldest statistics first. What was never analyzed is not
    /// among them: it has no statistics that could be old, and if it is large, it is over its threshold.
    #[must_use]
    pub fn stale<'a>(&self, queue: &'a Queue) -> Vec<Stale<'a>> {
        let mut stale: Vec<_> = queue
            .all()
            .filter_map(|table| self.old_statistics(table, queue.epoch))
            .collect();
        stale.sort_by(|a, b| b.age_s.total_cmp(&a.age_s));
        stale
    }

    fn old_statistics<'a>(&self, table: &'a Table, now: f64) -> Option<Stale<'a>> {
        let empty = table.live <= 0 && table.reltuples <= 0.0 && table.leaves.is_none_or(|leaves| leaves <= 0.0);
        if table.modified <= 0 || empty {
            return None;
        }
        let track = self.tracks.get(&table.relid);
        Some(Stale {
            table,
            age_s: last_s(table, Work::Analyze)?,
            share: autovacuum::changed(table)?,
            over: autovacuum::distances(table)
                .iter()
                .any(|distance| distance.work == Work::Analyze && distance.over()),
            changed: track.and_then(|track| track.changed),
            first: track.map_or(now, |track| track.first),
        })
    }
}

impl Track {
    fn mark(&self, work: Work) -> Option<&Mark> {
        self.marks.iter().find(|mark| mark.work == work)
    }

    /// How often what resets that count was done.
    const fn runs_of(&self, work: Work) -> i64 {
        match work {
            Work::Vacuum | Work::Insert => self.runs.0,
            Work::Analyze => self.runs.1,
        }
    }
}

/// What is known of a table after a sample.
fn track(table: &Table, now: f64, before: Option<&Track>) -> Track {
    let runs = (
        table.vacuums.0.saturating_add(table.vacuums.1),
        table.analyzes.0.saturating_add(table.analyzes.1),
    );
    let mut track = Track {
        first: before.map_or(now, |before| before.first),
        runs,
        modified: table.modified,
        ..Track::default()
    };
    if let Some(before) = before {
        let rose = before.runs.1 == runs.1 && table.modified > before.modified;
        track.changed = if rose { Some(now) } else { before.changed };
    }
    let over = autovacuum::distances(table)
        .into_iter()
        .filter(autovacuum::Distance::over);
    track.marks = over
        .map(|distance| {
            let held = before.and_then(|before| {
                let same = before.runs_of(distance.work) == track.runs_of(distance.work);
                before.mark(distance.work).filter(|_| same)
            });
            held.copied().unwrap_or(Mark {
                work: distance.work,
                since: now,
                count: distance.count,
            })
        })
        .collect();
    track
}

/// Seconds since that was last done, by hand or not.
fn last_s(table: &Table, work: Work) -> Option<f64> {
    let (by_hand, auto) = match work {
        Work::Vacuum | Work::Insert => (table.vacuum_s, table.autovacuum_s),
        Work::Analyze => (table.analyze_s, table.autoanalyze_s),
    };
    match (by_hand, auto) {
        (Some(by_hand), Some(auto)) => Some(by_hand.min(auto)),
        (one, other) => one.or(other),
    }
}

/// The tables with dead rows, most of them first.
#[must_use]
pub fn backlogs(queue: &Queue) -> Vec<Backlog<'_>> {
    let with_dead = queue.all().filter(|table| table.dead > 0);
    let mut backlogs: Vec<_> = with_dead
        .filter_map(|table| {
            Some(Backlog {
                table,
                dead: table.dead,
                share: autovacuum::dead_share(table)?,
            })
        })
        .collect();
    backlogs.sort_by_key(|backlog| std::cmp::Reverse(backlog.dead));
    backlogs
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10,000 rows: vacuum above 2,050 dead ones, analyze above 1,050 changes, insert above 3,000.
    fn table(relid: u32, dead: i64, modified: i64) -> Table {
        Table {
            relid,
            relkind: "r".to_owned(),
            reltuples: 10_000.0,
            live: 10_000,
            enabled: true,
            vacuum_base: 50.0,
            vacuum_scale: 0.2,
            insert_base: Some(1000.0),
            insert_scale: Some(0.2),
            analyze_base: 50.0,
            analyze_scale: 0.1,
            inserted: Some(0),
            dead,
            modified,
            ..Table::default()
        }
    }

    fn queue(epoch: f64, tables: Vec<Table>) -> Queue {
        Queue {
            epoch,
            tables,
            ..Queue::default()
        }
    }

    /// What was first seen over its threshold and the growth since, after all of these.
    fn after(samples: &[(f64, Table)]) -> Vec<(Work, f64, i64)> {
        let mut neglect = Neglect::default();
        for (epoch, table) in samples {
            neglect.observe(&queue(*epoch, vec![table.clone()]));
        }
        let (epoch, table) = samples.last().unwrap();
        let last = queue(*epoch, vec![table.clone()]);
        let waiting = neglect.waiting(&last);
        waiting.iter().map(|row| (row.work, row.since, row.grown)).collect()
    }

    #[test]
    fn a_wait_counts_from_the_first_sight() {
        let seen = |epoch, dead| (epoch, table(7, dead, 0));
        assert_eq!(after(&[seen(10.0, 2050)]), []);
        let rising = [seen(10.0, 2000), seen(25.0, 2051), seen(40.0, 2052), seen(55.0, 2060)];
        assert_eq!(after(&rising), [(Work::Vacuum, 25.0, 9)]);
        let again = [seen(10.0, 3000), seen(25.0, 100), seen(40.0, 3000)];
        assert_eq!(after(&again), [(Work::Vacuum, 40.0, 0)], "it was below in between");
        assert_eq!(after(&[seen(40.0, 3000), seen(25.0, 3000)]), [(Work::Vacuum, 25.0, 0)]);
    }

    #[test]
    fn a_run_by_hand_or_not_begins_it_anew_and_each_its_own() {
        let first = table(7, 3000, 2000);
        for vacuums in [(1, 0), (0, 1)] {
            let second = Table {
                vacuums,
                ..first.clone()
            };
            assert_eq!(
                after(&[(10.0, first.clone()), (25.0, second)]),
                [(Work::Analyze, 10.0, 0), (Work::Vacuum, 25.0, 0)]
            );
        }
        let analyzed = Table {
            analyzes: (0, 1),
            ..first.clone()
        };
        assert_eq!(
            after(&[(10.0, first), (25.0, analyzed)]),
            [(Work::Vacuum, 10.0, 0), (Work::Analyze, 25.0, 0)]
        );
    }

    #[test]
    fn what_was_not_seen_in_between_begins_anew_and_leaves_nothing() {
        let mut neglect = Neglect::default();
        for epoch in 0..100u32 {
            let tables = (0..50).map(|nth| table(1000 * (epoch % 3) + nth, 3000, 0)).collect();
            neglect.observe(&queue(f64::from(epoch), tables));
            assert_eq!(neglect.tracks.len(), 50);
        }
        let last = queue(99.0, vec![table(0, 3000, 0)]);
        assert!(neglect.waiting(&last)[0].since > 98.5);
    }

    #[test]
    fn a_partitioned_table_does_not_wait_for_autovacuum() {
        let parent = Table {
            relkind: "p".to_owned(),
            ..table(7, 0, 5000)
        };
        assert_eq!(after(&[(10.0, parent)]), []);
    }

    #[test]
    fn statistics_are_stale_only_of_what_was_analyzed_once_and_changed() {
        let analyzed = |modified| Table {
            autoanalyze_s: Some(90_000.0),
            ..table(7, 0, modified)
        };
        let told = |samples: &[Table]| {
            let mut neglect = Neglect::default();
            let mut queues = (1u32..)
                .zip(samples)
                .map(|(nth, table)| queue(f64::from(nth), vec![table.clone()]));
            let last = queues.by_ref().inspect(|queue| neglect.observe(queue)).last().unwrap();
            let stale = neglect.stale(&last);
            stale.first().map(|row| (row.age_s, row.share, row.over, row.changed))
        };
        assert_eq!(told(&[analyzed(0)]), None, "nothing changed");
        assert_eq!(told(&[table(7, 0, 900)]), None, "never analyzed");
        let empty = Table {
            live: 0,
            reltuples: 0.0,
            ..analyzed(10)
        };
        assert_eq!(told(&[empty]), None);
        assert_eq!(told(&[analyzed(500)]), Some((90_000.0, 0.05, false, None)));
        assert_eq!(
            told(&[analyzed(500), analyzed(500)]),
            Some((90_000.0, 0.05, false, None))
        );
        let rose = [analyzed(500), analyzed(2000), analyzed(2000)];
        assert_eq!(told(&rose), Some((90_000.0, 0.2, true, Some(2.0))));
        let between = Table {
            analyzes: (0, 1),
            autoanalyze_s: Some(3.0),
            ..analyzed(600)
        };
        assert_eq!(
            told(&[analyzed(500), between]),
            Some((3.0, 0.06, false, None)),
            "counted anew: it may have been before"
        );
        let toast = Table {
            relkind: "t".to_owned(),
            ..analyzed(500)
        };
        assert_eq!(told(&[toast]), None);
    }

    #[test]
    fn backlogs_come_from_both_lists() {
        let queue = Queue {
            others: vec![table(8, 30_000, 0)],
            ..queue(1.0, vec![table(7, 2500, 0), table(9, 0, 0)])
        };
        let backlogs: Vec<_> = backlogs(&queue)
            .iter()
            .map(|row| (row.table.relid, row.share))
            .collect();
        assert_eq!(backlogs, [(8, 0.75), (7, 0.2)]);
    }
}
