//! What the Overview says of single samples: connections by state, the oldest transactions, waiters, the holder of
//! the xmin horizon, checkpoints over a sensible window.

use std::time::Duration;

use crate::model::observe::name;
use crate::model::series::Series;
use crate::model::waits::Profile;
use crate::probe::activity::{Activity, Backend};
use crate::probe::counters::Counters;
use crate::probe::horizon::Holder;
use crate::probe::locks::{self, Locks};
use crate::probe::{Latest, Mono, Param, Ran};

/// Client connections of one sample by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// All of them; our own are counted here only, not by state.
    pub used: usize,
    /// `active`, and `fastpath function call`.
    pub active: usize,
    /// `idle`.
    pub idle: usize,
    /// `idle in transaction`, aborted ones included.
    pub in_tx: usize,
    /// Those whose state the role may not see; some of them may be parallel workers or logical walsenders, so that
    /// `used` is an estimate.
    pub hidden: usize,
}

/// How many connections of ours the activity sample leaves out: they take slots too.
#[must_use]
pub fn ours(ran: &Ran) -> usize {
    let own = ran.params.iter().find_map(|param| match param {
        Param::Ints(pids) => Some(pids.len()),
        _ => None,
    });
    own.unwrap_or_default().max(1)
}

/// The sessions of clients.
pub fn clients(backends: &[Backend]) -> impl Iterator<Item = &Backend> {
    backends.iter().filter(|backend| is_client(backend))
}

/// Counts client connections; `ours` are not among the backends.
#[must_use]
pub fn connections(backends: &[Backend], ours: usize) -> Connections {
    let mut counted = Connections {
        used: ours,
        ..Connections::default()
    };
    for backend in clients(backends) {
        counted.used += 1;
        match backend.state.as_deref() {
            _ if backend.hidden => counted.hidden += 1,
            Some("active" | "fastpath function call") => counted.active += 1,
            Some("idle") => counted.idle += 1,
            Some(state) if state.starts_with("idle in transaction") => counted.in_tx += 1,
            _ => {}
        }
    }
    counted
}

/// A client's session. A role that may not see the type of a session sees its role and database all the same.
#[must_use]
pub fn is_client(backend: &Backend) -> bool {
    match backend.backend_type.as_deref() {
        Some(kind) => kind == "client backend",
        None => backend.usename.is_some() && backend.datname.is_some(),
    }
}

/// The oldest transaction of a session that somebody can end: not a walsender's, not autovacuum's.
#[must_use]
pub fn oldest_tx(backends: &[Backend]) -> Option<&Backend> {
    let sessions = backends.iter().filter(|backend| {
        !matches!(
            backend.backend_type.as_deref(),
            Some("walsender" | "autovacuum worker" | "parallel worker") | None
        )
    });
    oldest(sessions, |backend| backend.xact_s)
}

/// The prepared transaction that is older than any session's, if there is one. It has no session, and its age counts
/// from `PREPARE TRANSACTION`: its transaction is at least that old.
#[must_use]
pub fn older_prepared<'a>(holders: &'a [Holder], backends: &[Backend]) -> Option<&'a Holder> {
    let age = |holder: &&Holder| holder.age_s.unwrap_or_default();
    let prepared = holders
        .iter()
        .filter(|holder| holder.kind == "prepared transaction")
        .max_by(|a, b| age(a).total_cmp(&age(b)))?;
    let session = oldest_tx(backends).and_then(|backend| backend.xact_s);
    session
        .is_none_or(|session| age(&prepared) > session)
        .then_some(prepared)
}

/// The session that has been idle in its transaction for the longest time.
#[must_use]
pub fn oldest_idle_tx(backends: &[Backend]) -> Option<&Backend> {
    let idle = backends.iter().filter(|backend| {
        let state = backend.state.as_deref();
        state.is_some_and(|state| state.starts_with("idle in transaction"))
    });
    oldest(idle, |backend| backend.state_s)
}

/// The query of a client that has been running for the longest time.
#[must_use]
pub fn oldest_query(backends: &[Backend]) -> Option<&Backend> {
    let active = backends.iter().filter(|backend| {
        backend.state.as_deref() == Some("active") && backend.backend_type.as_deref() == Some("client backend")
    });
    oldest(active, |backend| backend.query_s)
}

/// Backends that wait for a heavyweight lock, as far as the role may see waits.
pub fn waiting_for_locks(backends: &[Backend]) -> impl Iterator<Item = &Backend> {
    backends
        .iter()
        .filter(|backend| backend.wait_event_type.as_deref() == Some("Lock"))
}

/// Sessions that wait for heavyweight locks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Blocked {
    /// How many.
    pub count: usize,
    /// The one that has waited for the longest time.
    pub longest: Option<Waiter>,
}

/// One of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Waiter {
    /// Process id.
    pub pid: i32,
    /// `backend_start` in microseconds since 1970; 0 if hidden.
    pub start: i64,
    /// Role.
    pub usename: Option<String>,
    /// `application_name`.
    pub application_name: Option<String>,
    /// How long it has waited.
    pub seconds: Option<f64>,
    /// `seconds` is an upper bound: the age of its query, since the beginning of the wait is not known.
    pub at_most: bool,
}

/// Who is blocked: by the lock table if it was read, which every role may, else by the waits of the activity sample;
/// `None` if neither can be known.
#[must_use]
pub fn blocked(latest: &Latest, sees_all: bool) -> Option<Blocked> {
    if let Some(locks) = latest.get::<Locks>() {
        return Some(blocked_by_locks(locks));
    }
    let backends = latest.get::<Activity>()?;
    if !sees_all && Profile::of(backends).hidden > 0 {
        return None;
    }
    let longest = oldest(waiting_for_locks(backends), |backend| backend.state_s).map(|backend| Waiter {
        pid: backend.pid,
        start: backend.start,
        usename: backend.usename.clone(),
        application_name: backend.application_name.clone(),
        seconds: backend.state_s,
        at_most: true,
    });
    Some(Blocked {
        count: waiting_for_locks(backends).count(),
        longest,
    })
}

/// The waiters of a sample of the lock table.
#[must_use]
pub fn blocked_by_locks(locks: &locks::Sample) -> Blocked {
    let waiters = locks.sessions.iter().filter_map(|session| {
        let wait = session.wait.as_ref()?;
        Some(Waiter {
            pid: session.pid,
            start: session.start,
            usename: session.usename.clone(),
            application_name: session.application_name.clone(),
            seconds: wait.seconds.or(session.state_s),
            at_most: wait.seconds.is_none(),
        })
    });
    let known = waiters.clone().count();
    Blocked {
        // Past the limit of the probe there are more waiters than sessions asked about.
        count: if known == 0 { 0 } else { locks.waiters.max(known) },
        longest: waiters.max_by(|a, b| {
            let seconds = |waiter: &Waiter| waiter.seconds.unwrap_or(-1.0);
            seconds(a).total_cmp(&seconds(b))
        }),
    }
}

/// Busy autovacuum workers, as far as the role may see them.
#[must_use]
pub fn autovacuum_workers(backends: &[Backend]) -> usize {
    backends
        .iter()
        .filter(|backend| backend.backend_type.as_deref() == Some("autovacuum worker"))
        .count()
}

/// Busy autovacuum workers; `None` where a process is hidden, since a worker has no role that would tell it apart.
#[must_use]
pub fn busy_workers(backends: &[Backend], sees_all: bool) -> Option<usize> {
    let hidden = !sees_all && backends.iter().any(|backend| backend.hidden);
    (!hidden).then(|| autovacuum_workers(backends))
}

/// The autovacuum worker that has been at its table for the longest time.
#[must_use]
pub fn longest_autovacuum(backends: &[Backend]) -> Option<&Backend> {
    let workers = backends
        .iter()
        .filter(|backend| backend.backend_type.as_deref() == Some("autovacuum worker"));
    oldest(workers, |backend| backend.xact_s)
}

/// Who holds the horizon of user tables: `catalog_xmin` stops VACUUM in system catalogs only.
#[must_use]
pub fn holder(holders: &[Holder]) -> Option<&Holder> {
    holders
        .iter()
        .filter(|holder| holder.kind != "slot catalog")
        // The first of several with the same horizon is the oldest of them.
        .reduce(|best, holder| if holder.xmin_age > best.xmin_age { holder } else { best })
}

fn oldest<'a>(
    backends: impl Iterator<Item = &'a Backend>,
    age: impl Fn(&Backend) -> Option<f64>,
) -> Option<&'a Backend> {
    backends
        .filter_map(|backend| Some((age(backend)?, backend)))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, backend)| backend)
}

/// Checkpoints over a window long enough to judge them by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CheckpointPace {
    /// Because of `checkpoint_timeout`.
    pub timed: f64,
    /// Because of WAL volume or somebody's wish.
    pub requested: f64,
    /// Seconds looked at.
    pub seconds: f64,
    /// Looked at since the counters were reset, because this session is too young.
    pub since_reset: bool,
}

impl CheckpointPace {
    /// Mean seconds from one to the next; `None` if there was none.
    #[must_use]
    pub fn every(&self) -> Option<f64> {
        let count = self.timed + self.requested;
        (count >= 0.5).then(|| self.seconds / count)
    }
}

/// The longest window of this session looked at.
const PACE_WINDOW: Duration = Duration::from_hours(1);

/// The pace of checkpoints: over the last hour of this session once it has seen three `checkpoint_timeout`s, so
/// that one ordinary checkpoint right after the start is no storm; before that since the counters were reset.
#[must_use]
pub fn checkpoint_pace(
    series: &Series,
    counters: &Counters,
    checkpoint_timeout_s: f64,
    now: Mono,
) -> Option<CheckpointPace> {
    let (timed, seconds) = series.total(name::CHECKPOINTS_TIMED, now, PACE_WINDOW);
    let (requested, _) = series.total(name::CHECKPOINTS_REQUESTED, now, PACE_WINDOW);
    // An hour may be less than three very long timeouts.
    if seconds >= (3.0 * checkpoint_timeout_s).min(PACE_WINDOW.as_secs_f64() * 0.9) {
        return Some(CheckpointPace {
            timed,
            requested,
            seconds,
            since_reset: false,
        });
    }
    let seconds = counters.epoch - counters.checkpoints.reset?;
    (seconds > 0.0).then_some(CheckpointPace {
        timed: super::rates::float(counters.checkpoints.timed),
        requested: super::rates::float(counters.checkpoints.requested),
        seconds,
        since_reset: true,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::probe::counters::Checkpoints;

    const TIMEOUT: f64 = 300.0;

    fn counters() -> Counters {
        Counters {
            epoch: 10_000.0,
            checkpoints: Checkpoints {
                reset: Some(1000.0),
                timed: 25,
                requested: 5,
            },
            ..Counters::default()
        }
    }

    /// A session of so many seconds in which one timed checkpoint ended after 10.
    fn session(seconds: u32) -> (Series, Mono) {
        let mut series = Series::default();
        let mut now = Mono::default();
        for second in (2..=seconds).step_by(2) {
            now = Mono(Duration::from_secs(u64::from(second)));
            let rate = if second == 10 { 0.5 } else { 0.0 };
            series.push_span(name::CHECKPOINTS_TIMED, now, 2.0, Some(rate));
            series.push_span(name::CHECKPOINTS_REQUESTED, now, 2.0, Some(0.0));
        }
        (series, now)
    }

    #[rstest]
    #[case::just_started(0, true, Some(300.0))]
    #[case::one_ordinary_checkpoint_in_a_young_session_is_no_storm(60, true, Some(300.0))]
    #[case::three_timeouts_are_enough(900, false, Some(900.0))]
    #[case::never_more_than_an_hour(7200, false, None)]
    fn pace_of_checkpoints(#[case] seconds: u32, #[case] since_reset: bool, #[case] every: Option<f64>) {
        let (series, now) = session(seconds);
        let pace = checkpoint_pace(&series, &counters(), TIMEOUT, now).unwrap();
        assert_eq!(pace.since_reset, since_reset);
        assert_eq!(pace.every().map(f64::round), every);
        assert!(pace.seconds <= 9000.0);
    }

    #[test]
    fn no_pace_without_any_window() {
        let mut counters = counters();
        counters.checkpoints.reset = None;
        assert_eq!(
            checkpoint_pace(&Series::default(), &counters, TIMEOUT, Mono::default()),
            None
        );
    }

    fn backend(kind: Option<&str>, state: Option<&str>) -> Backend {
        Backend {
            backend_type: kind.map(Into::into),
            state: state.map(Into::into),
            usename: Some("app".into()),
            datname: Some("app".into()),
            hidden: kind.is_none(),
            ..Backend::default()
        }
    }

    #[test]
    fn only_client_backends_take_slots() {
        let client = Some("client backend");
        let counted = connections(
            &[
                backend(client, Some("active")),
                backend(client, Some("fastpath function call")),
                backend(client, Some("idle")),
                backend(client, Some("idle in transaction")),
                backend(client, Some("idle in transaction (aborted)")),
                backend(client, Some("disabled")),
                backend(Some("walsender"), Some("active")),
                backend(Some("parallel worker"), Some("active")),
                backend(Some("autovacuum worker"), Some("active")),
                backend(None, None),
            ],
            2,
        );
        let expected = Connections {
            used: 9,
            active: 2,
            idle: 1,
            in_tx: 2,
            hidden: 1,
        };
        assert_eq!(counted, expected);
    }

    #[rstest]
    #[case::older_than_any_session(Some(50.0), Some("left behind"))]
    #[case::younger(Some(500.0), None)]
    #[case::alone(None, Some("left behind"))]
    fn a_prepared_transaction_counts_without_a_session(#[case] session: Option<f64>, #[case] gid: Option<&str>) {
        let holder = |kind: &str, name: &str, age_s| Holder {
            kind: kind.into(),
            name: name.into(),
            age_s: Some(age_s),
            ..Holder::default()
        };
        let kind = "prepared transaction";
        let holders = [
            holder(kind, "new", 3.0),
            holder(kind, "left behind", 400.0),
            holder("session", "app", 9000.0),
        ];
        let backend = Backend {
            xact_s: session,
            ..backend(Some("client backend"), Some("active"))
        };
        let found = older_prepared(&holders, &[backend]);
        assert_eq!(found.map(|holder| holder.name.as_str()), gid);
    }

    #[test]
    fn a_catalog_xmin_does_not_hold_user_tables_back() {
        let holder = |kind: &str, xmin_age| Holder {
            kind: kind.into(),
            xmin_age,
            ..Holder::default()
        };
        let holders = [holder("slot catalog", 900), holder("session", 5), holder("standby", 70)];
        assert_eq!(super::holder(&holders).map(|holder| holder.xmin_age), Some(70));
        assert_eq!(super::holder(&holders[..1]), None);
    }
}
