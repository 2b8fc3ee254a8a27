//! The databases beside each other: rates between two readings, and which of them can be switched to.

use std::collections::BTreeMap;

use crate::model::rates::{self, Gap};
use crate::probe::Ran;
use crate::probe::database_list::{Database, Reading};

/// What a database did between two readings, per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Transactions, committed or rolled back.
    pub transactions: f64,
    /// Bytes of temporary files that were closed.
    pub temp_bytes: f64,
    /// Percent of blocks found in `shared_buffers`; `None` when none was asked for.
    pub hit: Option<f64>,
}

/// The readings while the list is open.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    last: Option<(rates::Reading, Reading)>,
    rates: BTreeMap<u32, Rates>,
    gap: Option<Gap>,
}

impl Watch {
    /// Takes a reading in. The same one again changes nothing.
    pub fn observe(&mut self, ran: &Ran, reading: &Reading) {
        let after = rates::Reading::new(reading.epoch, reading.started, reading.in_recovery, ran);
        let Some((before, was)) = &self.last else {
            self.last = Some((after, reading.clone()));
            self.gap = Some(Gap::First);
            return;
        };
        match rates::interval(before, &after) {
            Err(Gap::TooSoon) => return,
            Ok(seconds) => {
                let pairs = reading.databases.iter().filter_map(|now| {
                    let was = was.databases.iter().find(|was| was.oid == now.oid)?;
                    Some((now.oid, between(was, now, seconds).ok()?))
                });
                self.rates = pairs.collect();
                self.gap = None;
            }
            Err(gap) => {
                self.rates.clear();
                self.gap = Some(gap);
            }
        }
        self.last = Some((after, reading.clone()));
    }

    /// What that database did between the last two readings; `None` if they cannot be compared.
    #[must_use]
    pub fn rates(&self, oid: u32) -> Option<Rates> {
        self.rates.get(&oid).copied()
    }

    /// Why there are no rates.
    #[must_use]
    pub const fn gap(&self) -> Option<Gap> {
        self.gap
    }
}

fn between(was: &Database, now: &Database, seconds: f64) -> Result<Rates, Gap> {
    rates::same_reset(was.stats_reset, now.stats_reset)?;
    let transactions = |database: &Database| database.commits.saturating_add(database.rollbacks);
    let hit = rates::growth(was.blocks_hit, now.blocks_hit)?;
    let read = rates::growth(was.blocks_read, now.blocks_read)?;
    Ok(Rates {
        transactions: rates::per_second(transactions(was), transactions(now), seconds)?,
        temp_bytes: rates::per_second(was.temp_bytes, now.temp_bytes, seconds)?,
        hit: rates::share(hit, read),
    })
}

/// Why a session of our role cannot be opened in that database, if so.
#[must_use]
pub fn closed(database: &Database) -> Option<&'static str> {
    if database.invalid {
        Some("left over by an interrupted DROP DATABASE")
    } else if !database.allows_connections {
        Some("allows no connections")
    } else if !database.may_connect {
        Some("no CONNECT privilege")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::*;
    use crate::pg::server::Server;
    use crate::probe::database_list::DatabaseList;
    use crate::probe::{Mono, Probe};

    fn reading(at: u32, commits: i64, (hit, read): (i64, i64), reset: f64) -> (Ran, Reading) {
        let ran = Ran {
            started: Mono(Duration::from_secs(at.into())),
            ..Ran::of(&DatabaseList::SPEC, &Server::default())
        };
        let database = Database {
            oid: 5,
            commits,
            rollbacks: 2,
            blocks_hit: hit,
            blocks_read: read,
            stats_reset: Some(reset),
            ..Database::default()
        };
        let reading = Reading {
            epoch: 1000.0 + f64::from(at),
            databases: vec![database],
            ..Reading::default()
        };
        (ran, reading)
    }

    #[test]
    fn two_readings_make_rates_and_a_reset_makes_a_gap() {
        let mut watch = Watch::default();
        let (ran, first) = reading(10, 100, (100, 10), 1.0);
        watch.observe(&ran, &first);
        watch.observe(&ran, &first);
        assert_eq!((watch.rates(5), watch.gap()), (None, Some(Gap::First)));
        let (ran, second) = reading(12, 120, (190, 20), 1.0);
        watch.observe(&ran, &second);
        let expected = Rates {
            transactions: 10.0,
            temp_bytes: 0.0,
            hit: Some(90.0),
        };
        assert_eq!(watch.rates(5), Some(expected));
        let (ran, third) = reading(14, 10, (200, 20), 2.0);
        watch.observe(&ran, &third);
        assert_eq!(watch.rates(5), None, "its counters were reset");
        let (ran, fourth) = reading(16, 10, (200, 20), 2.0);
        watch.observe(&ran, &fourth);
        assert_eq!(watch.rates(5).unwrap().hit, None, "no block was asked for");
    }

    #[rstest]
    #[case::open(true, true, false, None)]
    #[case::template0(false, true, false, Some("allows no connections"))]
    #[case::not_for_us(true, false, false, Some("no CONNECT privilege"))]
    #[case::half_dropped(true, true, true, Some("left over by an interrupted DROP DATABASE"))]
    fn which_can_be_switched_to(
        #[case] allows_connections: bool,
        #[case] may_connect: bool,
        #[case] invalid: bool,
        #[case] expected: Option<&str>,
    ) {
        let database = Database {
            allows_connections,
            invalid,
            may_connect,
            ..Database::default()
        };
        assert_eq!(closed(&database), expected);
    }
}
