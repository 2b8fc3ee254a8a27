//! New sessions per second on every version: `pg_stat_database` counts them from 14 on only, and before 15 rarely.
//!
//! Counted are the client sessions of a sample that were not in the sample before. What came and went in between is
//! seen by nobody, so it is a lower bound: with a pool that opens a connection for each query it is far too low.

use std::collections::BTreeSet;

use super::overview;
use super::rates::{Gap, float};
use crate::probe::Mono;
use crate::probe::activity::Backend;

/// The client sessions of the newest sample.
#[derive(Clone, Debug, Default)]
pub struct Arrivals {
    before: Option<Sample>,
}

#[derive(Clone, Debug)]
struct Sample {
    at: Mono,
    /// When the server was started: after a restart everybody comes anew.
    started: Option<f64>,
    sessions: BTreeSet<(i32, i64)>,
}

/// Client sessions that came between two samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrived {
    /// Seconds between the samples.
    pub seconds: f64,
    /// At least so many per second.
    pub per_second: f64,
}

impl Arrivals {
    /// Takes a sample in; `started` is when the server was started, in seconds since 1970.
    ///
    /// # Errors
    /// Why it cannot be compared with the sample before.
    pub fn observe(&mut self, at: Mono, started: Option<f64>, backends: &[Backend]) -> Result<Arrived, Gap> {
        let clients = backends.iter().filter(|backend| overview::is_client(backend));
        let sample = Sample {
            at,
            started,
            sessions: clients.map(|backend| (backend.pid, backend.start)).collect(),
        };
        let Some(before) = self.before.replace(sample.clone()) else {
            return Err(Gap::First);
        };
        if before.started.map(f64::to_bits) != sample.started.map(f64::to_bits) {
            return Err(Gap::Restarted);
        }
        let seconds = sample.at.since(before.at).as_secs_f64();
        if seconds <= 0.0 {
            return Err(Gap::TooSoon);
        }
        let new = sample.sessions.difference(&before.sessions).count();
        Ok(Arrived {
            seconds,
            per_second: float(i64::try_from(new).unwrap_or(i64::MAX)) / seconds,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono(Duration::from_secs(seconds))
    }

    fn sessions(clients: &[(i32, i64)]) -> Vec<Backend> {
        let kind = |kind: &str, (pid, start)| Backend {
            pid,
            start,
            backend_type: Some(kind.to_owned()),
            ..Backend::default()
        };
        let others = [kind("parallel worker", (900, 900)), kind("walsender", (901, 901))];
        let clients = clients.iter().map(|client| kind("client backend", *client));
        clients.chain(others).collect()
    }

    #[test]
    fn those_that_were_not_there_before_have_come() {
        let mut arrivals = Arrivals::default();
        let mut observe = |seconds, clients: &[(i32, i64)]| {
            let seen = arrivals.observe(at(seconds), Some(1.0), &sessions(clients));
            seen.map(|seen| (seen.seconds, seen.per_second))
        };
        assert_eq!(observe(10, &[(1, 1), (2, 2)]), Err(Gap::First));
        assert_eq!(observe(12, &[(1, 1), (2, 2)]), Ok((2.0, 0.0)));
        assert_eq!(
            observe(14, &[(1, 1), (2, 7), (3, 3), (4, 4)]),
            Ok((2.0, 1.5)),
            "a pid is used again"
        );
        assert_eq!(observe(24, &[]), Ok((10.0, 0.0)));
        assert_eq!(observe(24, &[]), Err(Gap::TooSoon));
    }

    #[test]
    fn after_a_restart_everybody_comes_anew() {
        let mut arrivals = Arrivals::default();
        let mut observe = |seconds, started| arrivals.observe(at(seconds), started, &sessions(&[(1, 1)])).map(|_| ());
        assert_eq!(observe(10, Some(1.0)), Err(Gap::First));
        assert_eq!(observe(12, Some(1.0)), Ok(()));
        assert_eq!(observe(14, Some(13.0)), Err(Gap::Restarted));
        assert_eq!(observe(16, Some(13.0)), Ok(()));
    }

    #[test]
    fn sessions_of_others_count_for_a_role_that_may_not_look_into_them() {
        let hidden = |pid| Backend {
            pid,
            usename: Some("app".to_owned()),
            datname: Some("shop".to_owned()),
            hidden: true,
            ..Backend::default()
        };
        let mut arrivals = Arrivals::default();
        let _ = arrivals.observe(at(0), None, &[hidden(1)]);
        let seen = arrivals
            .observe(at(1), None, &[hidden(1), hidden(2), hidden(3)])
            .unwrap();
        assert!((seen.per_second - 2.0).abs() < 1e-9);
    }
}
