//! Samples into series: which gauge and which rate goes where. Called once for every good sample.

use crate::model::overview;
use crate::model::rates::{self, Gap, Reading};
use crate::model::series::Series;
use crate::model::waits::{Profile, WaitClass};
use crate::model::wraparound;
use crate::pg::server::Server;
use crate::probe::activity::{Activity, Backend};
use crate::probe::autovacuum::AutovacuumProbe;
use crate::probe::counters::{Counters, CountersProbe, Work};
use crate::probe::horizon::{Holder, HorizonProbe};
use crate::probe::locks::Locks;
use crate::probe::pulse::{Pulse, PulseProbe};
use crate::probe::recovery::RecoveryProbe;
use crate::probe::relation_io::{RelationIo, RelationIoProbe};
use crate::probe::replication::{ReplicationProbe, Sender};
use crate::probe::wraparound_databases::{Databases, WraparoundDatabases};
use crate::probe::{Latest, Mono, Probe, Ran, Sample};

/// Names of the series, in what they count.
pub mod name {
    /// Client connections.
    pub const CONNECTIONS: &str = "connections";
    /// Active sessions, on CPU or waiting.
    pub const ACTIVE: &str = "active";
    /// Sessions that wait for a heavyweight lock.
    pub const BLOCKED: &str = "blocked";
    /// Age of the oldest transaction in seconds, a prepared one included; 0 when there is none.
    pub const OLDEST_TX: &str = "oldest_tx";
    /// Age of the oldest idle transaction in seconds; 0 when there is none.
    pub const OLDEST_IDLE_TX: &str = "oldest_idle_tx";
    /// Busy autovacuum workers.
    pub const AUTOVACUUM: &str = "autovacuum";
    /// Commits per second, all databases.
    pub const COMMITS: &str = "commits";
    /// Rollbacks per second, all databases.
    pub const ROLLBACKS: &str = "rollbacks";
    /// Percent of transactions that rolled back, all databases; a gap when there was none.
    pub const ROLLBACK_SHARE: &str = "rollback_share";
    /// Commits per second, connected database.
    pub const COMMITS_HERE: &str = "commits.here";
    /// Percent of block requests found in `shared_buffers`; a gap when no block was asked for.
    pub const CACHE_HIT: &str = "cache_hit";
    /// Blocks read from outside `shared_buffers` per second.
    pub const BLOCKS_READ: &str = "blocks_read";
    /// Rows returned and fetched per second.
    pub const ROWS_OUT: &str = "rows_out";
    /// Rows inserted, updated and deleted per second.
    pub const ROWS_IN: &str = "rows_in";
    /// Rows inserted per second.
    pub const ROWS_INSERTED: &str = "rows_inserted";
    /// Rows updated per second.
    pub const ROWS_UPDATED: &str = "rows_updated";
    /// Rows deleted per second.
    pub const ROWS_DELETED: &str = "rows_deleted";
    /// Bytes of temporary files per second.
    pub const TEMP_BYTES: &str = "temp_bytes";
    /// Temporary files per second.
    pub const TEMP_FILES: &str = "temp_files";
    /// Deadlocks per second.
    pub const DEADLOCKS: &str = "deadlocks";
    /// New sessions per second (14+).
    pub const SESSIONS: &str = "sessions";
    /// New client sessions per second as the samples show them, on every version: a lower bound, since what came and
    /// went between two samples is not seen.
    pub const SESSIONS_SEEN: &str = "sessions.seen";
    /// Timed checkpoints per second.
    pub const CHECKPOINTS_TIMED: &str = "checkpoints.timed";
    /// Requested checkpoints per second.
    pub const CHECKPOINTS_REQUESTED: &str = "checkpoints.requested";
    /// Bytes of WAL per second by `pg_stat_wal` (14+).
    pub const WAL_BYTES: &str = "wal.bytes";
    /// Full-page images per second (14+).
    pub const WAL_FULL_PAGES: &str = "wal.full_pages";
    /// Bytes of WAL per second by the position: written on a primary, replayed on a standby.
    pub const WAL_POSITION: &str = "wal.position";
    /// Percent of table blocks found in `shared_buffers`, connected database.
    pub const TABLE_HIT: &str = "table_hit";
    /// Percent of index blocks found in `shared_buffers`, connected database.
    pub const INDEX_HIT: &str = "index_hit";
    /// Replay lag in bytes of the standby furthest behind; 0 without one.
    pub const REPLAY_LAG: &str = "replay_lag";
    /// Bytes received and not replayed on this standby.
    pub const STANDBY_LAG: &str = "standby_lag";
    /// Age of the xmin horizon in transactions; 0 when nobody holds it.
    pub const HORIZON: &str = "horizon";
    /// Transaction ids used up per second.
    pub const XID_BURN: &str = "xid.burn";
    /// Multixact ids used up per second.
    pub const MXID_BURN: &str = "mxid.burn";
}

/// Puts the rates between two comparable readings, so many seconds apart, into their series; says why one is missing.
type Rates<D> = fn(&mut Series, Mono, f64, &D, &D) -> Option<Gap>;

impl Series {
    /// Takes a good sample in: its gauges at once, its rates against the reading before.
    ///
    /// A probe it knows nothing of is none of its business.
    pub fn observe(&mut self, sample: &Sample, latest: &Latest, server: &Server) {
        if let Some(backends) = data::<Activity>(sample) {
            self.activity(&sample.ran, backends, latest, server);
        } else if let Some(after) = data::<PulseProbe>(sample) {
            self.rate::<PulseProbe>(sample, after, Self::pulse);
        } else if let Some(after) = data::<CountersProbe>(sample) {
            self.rate::<CountersProbe>(sample, after, Self::counters);
        } else if let Some(after) = data::<RelationIoProbe>(sample) {
            self.rate::<RelationIoProbe>(sample, after, Self::relation_io);
        } else if let Some(senders) = data::<ReplicationProbe>(sample) {
            self.watch_replay(&sample.ran, senders, latest);
            self.replication(sample.ran.finished(), senders);
        } else if let Some(locks) = data::<Locks>(sample) {
            if !server.reads_all_stats {
                let count = overview::blocked_by_locks(locks).count;
                self.push(name::BLOCKED, sample.ran.finished(), Some(whole(count)));
            }
        } else if let Some(recovery) = data::<RecoveryProbe>(sample) {
            let lag = recovery.replay_bytes.map(rates::float);
            self.push(name::STANDBY_LAG, sample.ran.finished(), lag);
            let started = latest.get::<PulseProbe>().map_or(0.0, |pulse| pulse.started);
            let reading = Reading::new(recovery.epoch, started, recovery.in_recovery, &sample.ran);
            self.watch_recovery(reading, recovery);
        } else if let Some(holders) = data::<HorizonProbe>(sample) {
            self.horizon(sample.ran.finished(), holders, latest, server);
        } else if let Some(queue) = data::<AutovacuumProbe>(sample) {
            self.watch_tables(queue);
        } else if let Some(after) = data::<WraparoundDatabases>(sample) {
            self.rate::<WraparoundDatabases>(sample, after, Self::burn);
        } else {
            self.follow(sample, latest);
        }
    }

    fn activity(&mut self, ran: &Ran, backends: &[Backend], latest: &Latest, server: &Server) {
        let at = ran.finished();
        let connections = overview::connections(backends, overview::ours(ran));
        self.push(name::CONNECTIONS, at, Some(whole(connections.used)));
        self.sessions_seen(ran, backends, latest);
        let profile = Profile::of(backends);
        let seen = server.reads_all_stats || profile.hidden == 0;
        for class in WaitClass::ALL {
            self.push(class.series(), at, seen.then(|| whole(profile.count(class))));
        }
        let gauge = |value: f64| seen.then_some(value);
        self.push(name::ACTIVE, at, gauge(whole(profile.active())));
        let holders = latest.get::<HorizonProbe>().map_or(&[][..], Vec::as_slice);
        let prepared = overview::older_prepared(holders, backends).and_then(|holder| holder.age_s);
        let oldest = prepared.or_else(|| overview::oldest_tx(backends)?.xact_s);
        self.push(name::OLDEST_TX, at, gauge(oldest.unwrap_or_default()));
        let idle = overview::oldest_idle_tx(backends).and_then(|backend| backend.state_s);
        self.push(name::OLDEST_IDLE_TX, at, gauge(idle.unwrap_or_default()));
        self.push(
            name::AUTOVACUUM,
            at,
            gauge(whole(overview::autovacuum_workers(backends))),
        );
        // A role that does not see waits gets them from the lock table.
        if server.reads_all_stats {
            let waiting = overview::waiting_for_locks(backends).count();
            self.push(name::BLOCKED, at, Some(whole(waiting)));
        }
    }

    fn sessions_seen(&mut self, ran: &Ran, backends: &[Backend], latest: &Latest) {
        let started = latest.get::<PulseProbe>().map(|pulse| pulse.started);
        match self.arrivals.observe(ran.finished(), started, backends) {
            Ok(seen) => self.push_span(name::SESSIONS_SEEN, ran.finished(), seen.seconds, Some(seen.per_second)),
            Err(Gap::First | Gap::TooSoon) => {}
            Err(_) => self.push_span(name::SESSIONS_SEEN, ran.finished(), 0.0, None),
        }
    }

    /// Compares with the reading before and notes why there is no rate, if so.
    fn rate<P>(&mut self, sample: &Sample, after: &P::Data, into: Rates<P::Data>)
    where
        P: Probe,
        P::Data: Incarnation + Clone,
    {
        let before = self
            .before(P::SPEC.id)
            .and_then(|before| Some((data::<P>(before)?.clone(), before.ran.clone())));
        let outcome = before.ok_or(Gap::First).and_then(|(before, ran)| {
            let seconds = rates::interval(&before.reading(&ran), &after.reading(&sample.ran))?;
            Ok((before, seconds))
        });
        let gap = match outcome {
            Ok((before, seconds)) => into(self, sample.ran.finished(), seconds, &before, after),
            Err(gap) => Some(gap),
        };
        self.remember(sample, gap);
        if !matches!(gap, None | Some(Gap::TooSoon)) {
            self.interrupt(P::Data::RATES, sample.ran.finished());
        }
    }

    /// A gap in the series whose newest point is older.
    fn interrupt(&mut self, names: &[&'static str], at: Mono) {
        for name in names {
            if self.end(name) != Some(at) {
                self.push_span(name, at, 0.0, None);
            }
        }
    }

    fn pulse(&mut self, at: Mono, seconds: f64, before: &Pulse, after: &Pulse) -> Option<Gap> {
        if before.timeline != after.timeline {
            return Some(Gap::RoleChanged);
        }
        let (from, to) = (before.wal_position?, after.wal_position?);
        self.put(name::WAL_POSITION, at, seconds, rates::per_second(from, to, seconds))
    }

    fn counters(&mut self, at: Mono, seconds: f64, before: &Counters, after: &Counters) -> Option<Gap> {
        let all = self.all(at, seconds, before, after);
        let (from, to) = (&before.here, &after.here);
        let here =
            rates::same_reset(from.reset, to.reset).and_then(|()| rates::per_second(from.commits, to.commits, seconds));
        self.put(name::COMMITS_HERE, at, seconds, here);
        self.checkpoints(at, seconds, before, after);
        self.wal(at, seconds, before, after);
        all
    }

    fn all(&mut self, at: Mono, seconds: f64, before: &Counters, after: &Counters) -> Option<Gap> {
        let (from, to) = (&before.all, &after.all);
        let comparable = if before.databases == after.databases {
            rates::same_reset(from.reset, to.reset)
        } else {
            Err(Gap::Changed)
        };
        let per_second = |a: i64, b: i64| comparable.and_then(|()| rates::per_second(a, b, seconds));
        let out = |work: &Work| work.rows_returned.saturating_add(work.rows_fetched);
        let changed = |work: &Work| {
            let sum = work.rows_inserted.saturating_add(work.rows_updated);
            sum.saturating_add(work.rows_deleted)
        };
        let (hits, reads) = (
            per_second(from.blocks_hit, to.blocks_hit),
            per_second(from.blocks_read, to.blocks_read),
        );
        let rates = [
            (name::COMMITS, per_second(from.commits, to.commits)),
            (name::ROLLBACKS, per_second(from.rollbacks, to.rollbacks)),
            (name::BLOCKS_READ, reads),
            (name::ROWS_OUT, per_second(out(from), out(to))),
            (name::ROWS_IN, per_second(changed(from), changed(to))),
            (name::ROWS_INSERTED, per_second(from.rows_inserted, to.rows_inserted)),
            (name::ROWS_UPDATED, per_second(from.rows_updated, to.rows_updated)),
            (name::ROWS_DELETED, per_second(from.rows_deleted, to.rows_deleted)),
            (name::TEMP_FILES, per_second(from.temp_files, to.temp_files)),
            (name::TEMP_BYTES, per_second(from.temp_bytes, to.temp_bytes)),
            (name::DEADLOCKS, per_second(from.deadlocks, to.deadlocks)),
        ];
        let gap = rates
            .into_iter()
            .filter_map(|(name, rate)| self.put(name, at, seconds, rate))
            .last();
        let hit = hits
            .ok()
            .zip(reads.ok())
            .and_then(|(hit, read)| rates::share(hit, read));
        self.push_span(name::CACHE_HIT, at, seconds, hit);
        let (commits, rollbacks) = (
            per_second(from.commits, to.commits),
            per_second(from.rollbacks, to.rollbacks),
        );
        let back = rollbacks.ok().zip(commits.ok());
        let back = back.and_then(|(rollbacks, commits)| rates::share(rollbacks, commits));
        self.push_span(name::ROLLBACK_SHARE, at, seconds, back);
        if let Some((a, b)) = from.sessions.zip(to.sessions) {
            self.put(name::SESSIONS, at, seconds, per_second(a, b));
        }
        gap
    }

    fn checkpoints(&mut self, at: Mono, seconds: f64, before: &Counters, after: &Counters) {
        let (from, to) = (&before.checkpoints, &after.checkpoints);
        let same = rates::same_reset(from.reset, to.reset);
        let timed = same.and_then(|()| rates::per_second(from.timed, to.timed, seconds));
        let requested = same.and_then(|()| rates::per_second(from.requested, to.requested, seconds));
        self.put(name::CHECKPOINTS_TIMED, at, seconds, timed);
        self.put(name::CHECKPOINTS_REQUESTED, at, seconds, requested);
    }

    fn wal(&mut self, at: Mono, seconds: f64, before: &Counters, after: &Counters) {
        let (from, to) = (&before.wal, &after.wal);
        let same = rates::same_reset(from.reset, to.reset);
        let per_second = |a: i64, b: i64| same.and_then(|()| rates::per_second(a, b, seconds));
        if let Some((a, b)) = from.bytes.zip(to.bytes) {
            self.put(name::WAL_BYTES, at, seconds, per_second(a, b));
        }
        if let Some((a, b)) = from.full_pages.zip(to.full_pages) {
            self.put(name::WAL_FULL_PAGES, at, seconds, per_second(a, b));
        }
    }

    fn relation_io(&mut self, at: Mono, seconds: f64, before: &RelationIo, after: &RelationIo) -> Option<Gap> {
        let hit = |fetched: (i64, i64), hit: (i64, i64)| -> Result<Option<f64>, Gap> {
            rates::same_reset(before.reset, after.reset)?;
            let (fetched, hit) = (rates::growth(fetched.0, fetched.1)?, rates::growth(hit.0, hit.1)?);
            Ok(rates::share(hit, (fetched - hit).max(0.0)))
        };
        let tables = hit(
            (before.table_fetched, after.table_fetched),
            (before.table_hit, after.table_hit),
        );
        let indexes = hit(
            (before.index_fetched, after.index_fetched),
            (before.index_hit, after.index_hit),
        );
        self.push_span(name::TABLE_HIT, at, seconds, tables.ok().flatten());
        self.push_span(name::INDEX_HIT, at, seconds, indexes.ok().flatten());
        tables.and(indexes).err()
    }

    fn replication(&mut self, at: Mono, senders: &[Sender]) {
        let hidden = senders.iter().any(|sender| sender.hidden);
        let most = senders.iter().filter_map(|sender| sender.replay_bytes).max();
        self.push(name::REPLAY_LAG, at, (!hidden).then(|| rates::float(most.unwrap_or(0))));
    }

    fn horizon(&mut self, at: Mono, holders: &[Holder], latest: &Latest, server: &Server) {
        let hidden = !server.reads_all_stats
            && latest
                .get::<Activity>()
                .is_none_or(|backends| Profile::of(backends).hidden > 0);
        let age = overview::holder(holders).map_or(0, |holder| holder.xmin_age);
        self.push(name::HORIZON, at, (!hidden).then(|| rates::float(age)));
    }

    fn burn(&mut self, at: Mono, seconds: f64, before: &Databases, after: &Databases) -> Option<Gap> {
        let used = |from, to| rates::per_second(0, wraparound::consumed(from, to), seconds);
        let xids = used(before.next_xid, after.next_xid);
        let multixacts = used(before.next_mxid, after.next_mxid);
        self.put(name::XID_BURN, at, seconds, xids)
            .or(self.put(name::MXID_BURN, at, seconds, multixacts))
    }

    /// A rate or a gap into its series; the gap is handed back.
    fn put(&mut self, name: &'static str, at: Mono, seconds: f64, rate: Result<f64, Gap>) -> Option<Gap> {
        self.push_span(name, at, seconds, rate.ok());
        rate.err()
    }
}

/// Data that says which incarnation of the server it came from.
trait Incarnation {
    /// Series that get a gap when two readings cannot be compared at all.
    const RATES: &'static [&'static str];

    fn reading(&self, ran: &Ran) -> Reading;
}

impl Incarnation for Pulse {
    const RATES: &'static [&'static str] = &[name::WAL_POSITION];

    fn reading(&self, ran: &Ran) -> Reading {
        Reading::new(self.epoch, self.started, self.in_recovery, ran)
    }
}

impl Incarnation for Counters {
    const RATES: &'static [&'static str] = &[
        name::COMMITS,
        name::ROLLBACKS,
        name::ROLLBACK_SHARE,
        name::COMMITS_HERE,
        name::CACHE_HIT,
        name::BLOCKS_READ,
        name::ROWS_OUT,
        name::ROWS_IN,
        name::ROWS_INSERTED,
        name::ROWS_UPDATED,
        name::ROWS_DELETED,
        name::TEMP_FILES,
        name::TEMP_BYTES,
        name::DEADLOCKS,
        name::SESSIONS,
        name::CHECKPOINTS_TIMED,
        name::CHECKPOINTS_REQUESTED,
        name::WAL_BYTES,
        name::WAL_FULL_PAGES,
    ];

    fn reading(&self, ran: &Ran) -> Reading {
        Reading::new(self.epoch, self.started, self.in_recovery, ran)
    }
}

impl Incarnation for RelationIo {
    const RATES: &'static [&'static str] = &[name::TABLE_HIT, name::INDEX_HIT];

    fn reading(&self, ran: &Ran) -> Reading {
        Reading::new(self.epoch, self.started, self.in_recovery, ran)
    }
}

impl Incarnation for Databases {
    const RATES: &'static [&'static str] = &[name::XID_BURN, name::MXID_BURN];

    fn reading(&self, ran: &Ran) -> Reading {
        Reading::new(self.epoch, self.started, self.in_recovery, ran)
    }
}

fn data<P: Probe>(sample: &Sample) -> Option<&P::Data> {
    (sample.ran.probe == P::SPEC.id)
        .then_some(sample.data.as_ref()?)?
        .downcast_ref()
}

fn whole(count: usize) -> f64 {
    rates::float(i64::try_from(count).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use rstest::rstest;

    use super::*;
    use crate::probe::counters::{Checkpoints, Wal};

    const START: f64 = 1_795_000_000.0;

    fn sample<P: Probe>(at: f64, data: P::Data) -> Sample {
        Sample {
            ran: Ran {
                started: Mono(Duration::from_secs_f64(at)),
                took: Duration::from_millis(5),
                rows: 1,
                ..Ran::of(&P::SPEC, &Server::default())
            },
            data: Some(Arc::new(data)),
        }
    }

    fn counters(at: f64, commits: i64) -> Counters {
        let work = Work {
            reset: Some(1.0),
            commits,
            blocks_hit: 100,
            sessions: Some(0),
            ..Work::default()
        };
        Counters {
            epoch: START + at,
            started: START,
            databases: 7,
            all: work.clone(),
            here: work,
            checkpoints: Checkpoints {
                reset: Some(1.0),
                ..Checkpoints::default()
            },
            wal: Wal {
                reset: Some(1.0),
                bytes: Some(0),
                ..Wal::default()
            },
            ..Counters::default()
        }
    }

    fn observe<P: Probe>(series: &mut Series, at: f64, data: P::Data) {
        series.observe(&sample::<P>(at, data), &Latest::default(), &Server::default());
    }

    fn commits(series: &Series) -> Vec<Option<f64>> {
        series.points(name::COMMITS).collect()
    }

    #[test]
    fn two_readings_make_a_rate() {
        let mut series = Series::default();
        observe::<CountersProbe>(&mut series, 10.0, counters(10.0, 100));
        assert_eq!(series.gap("counters"), Some(Gap::First));
        observe::<CountersProbe>(&mut series, 12.0, counters(12.0, 700));
        observe::<CountersProbe>(&mut series, 14.0, counters(14.0, 700));
        assert_eq!(commits(&series), [None, Some(300.0), Some(0.0)]);
        assert_eq!(series.gap("counters"), None);
        assert_eq!(series.last(name::CACHE_HIT), None, "no block was asked for");
        assert_eq!(series.last(name::WAL_BYTES), Some(0.0));
    }

    #[rstest]
    #[case::reset(Counters { all: Work { reset: Some(2.0), commits: 800, ..Work::default() }, ..counters(14.0, 0) }, Gap::Reset)]
    #[case::fell(counters(14.0, 3), Gap::Reset)]
    #[case::restart(Counters { started: START + 13.0, ..counters(14.0, 900) }, Gap::Restarted)]
    #[case::promotion(Counters { in_recovery: true, ..counters(14.0, 900) }, Gap::RoleChanged)]
    #[case::clock(counters(3614.0, 900), Gap::ClockJumped)]
    #[case::dropped_database(Counters { databases: 6, ..counters(14.0, 900) }, Gap::Changed)]
    fn what_breaks_the_chain_is_a_gap_and_the_next_rate_is_right(#[case] broken: Counters, #[case] gap: Gap) {
        let mut series = Series::default();
        observe::<CountersProbe>(&mut series, 10.0, counters(10.0, 100));
        observe::<CountersProbe>(&mut series, 12.0, counters(12.0, 700));
        observe::<CountersProbe>(&mut series, 14.0, broken.clone());
        assert_eq!(series.gap("counters"), Some(gap));
        assert_eq!(commits(&series), [None, Some(300.0), None]);
        let mut next = broken;
        next.epoch += 2.0;
        next.all.commits += 20;
        observe::<CountersProbe>(&mut series, 16.0, next);
        assert_eq!(series.last(name::COMMITS), Some(10.0));
        assert_eq!(series.gap("counters"), None);
    }

    #[test]
    fn a_reset_of_one_view_costs_only_its_own_rates() {
        let mut series = Series::default();
        observe::<CountersProbe>(&mut series, 10.0, counters(10.0, 100));
        let mut after = counters(12.0, 300);
        after.wal.reset = Some(9.0);
        observe::<CountersProbe>(&mut series, 12.0, after);
        assert_eq!(series.last(name::COMMITS), Some(100.0));
        assert_eq!(series.last(name::WAL_BYTES), None);
    }

    #[test]
    fn repeated_presses_of_refresh_keep_the_base() {
        let mut series = Series::default();
        observe::<CountersProbe>(&mut series, 10.0, counters(10.0, 100));
        observe::<CountersProbe>(&mut series, 10.1, counters(10.1, 130));
        observe::<CountersProbe>(&mut series, 12.0, counters(12.0, 700));
        assert_eq!(commits(&series), [None, Some(300.0)]);
    }

    #[test]
    fn a_new_timeline_is_another_history() {
        let mut series = Series::default();
        let pulse = |at: f64, timeline, position| Pulse {
            epoch: START + at,
            started: START,
            timeline: Some(timeline),
            wal_position: Some(position),
            ..Pulse::default()
        };
        observe::<PulseProbe>(&mut series, 10.0, pulse(10.0, 1, 1000));
        observe::<PulseProbe>(&mut series, 12.0, pulse(12.0, 1, 3000));
        assert_eq!(series.last(name::WAL_POSITION), Some(1000.0));
        observe::<PulseProbe>(&mut series, 14.0, pulse(14.0, 2, 9000));
        assert_eq!(series.last(name::WAL_POSITION), None);
        assert_eq!(series.gap("pulse"), Some(Gap::RoleChanged));
    }

    #[test]
    fn a_role_that_sees_nothing_gets_gaps_not_zeros() {
        let mut series = Series::default();
        let hidden = Backend {
            usename: Some("app".into()),
            datname: Some("app".into()),
            hidden: true,
            ..Backend::default()
        };
        observe::<Activity>(&mut series, 1.0, vec![hidden]);
        for name in [
            name::ACTIVE,
            name::OLDEST_TX,
            name::OLDEST_IDLE_TX,
            name::AUTOVACUUM,
            "waits.cpu",
        ] {
            assert_eq!(series.points(name).collect::<Vec<_>>(), [None], "{name}");
        }
        assert_eq!(
            series.points(name::BLOCKED).count(),
            0,
            "that comes from the lock table"
        );
        assert_eq!(series.last(name::CONNECTIONS), Some(2.0));
    }
}
