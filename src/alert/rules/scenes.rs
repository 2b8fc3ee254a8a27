//! Sessions and locks for tests of rules.

use crate::alert::testing::Watched;
use crate::probe::activity::{Activity, Backend};
use crate::probe::locks::{Held, Locks, Names, Sample, Session, Tag, Wait};

/// A session of role `app` and application `shop` in that state, which began everything so many seconds ago.
pub(super) fn backend(pid: i32, state: &str, seconds: f64) -> Backend {
    Backend {
        pid,
        start: i64::from(pid) * 10,
        datname: Some("app".to_owned()),
        usename: Some("app".to_owned()),
        application_name: Some("shop".to_owned()),
        backend_type: Some("client backend".to_owned()),
        state: Some(state.to_owned()),
        backend_s: Some(seconds + 60.0),
        xact_s: (state != "idle").then_some(seconds),
        query_s: Some(seconds),
        state_s: Some(seconds),
        ..Backend::default()
    }
}

/// The same of which the role sees nothing but whose it is.
pub(super) fn hidden(pid: i32) -> Backend {
    Backend {
        pid,
        start: i64::from(pid) * 10,
        datname: Some("app".to_owned()),
        usename: Some("app".to_owned()),
        hidden: true,
        ..Backend::default()
    }
}

/// A session as the lock table's answer has it.
pub(super) fn session(pid: i32, state: &str, seconds: f64) -> Session {
    let of = backend(pid, state, seconds);
    Session {
        pid,
        start: of.start,
        datname: of.datname,
        usename: of.usename,
        application_name: of.application_name,
        backend_type: of.backend_type,
        state: of.state,
        xact_s: of.xact_s,
        query_s: of.query_s,
        state_s: of.state_s,
        ..Session::default()
    }
}

/// A session whose statement runs for so long and waits for `public.orders` in that mode behind those; `wait_s` is not
/// known before 14.
pub(super) fn waiter(pid: i32, mode: &str, behind: &[i32], query_s: f64, wait_s: Option<f64>) -> Session {
    Session {
        wait: Some(Wait {
            tag: orders(),
            mode: format!("{mode}Lock"),
            seconds: wait_s,
            blockers: behind.to_vec(),
            names: Names {
                relation: Some("public.orders".to_owned()),
                ..Names::default()
            },
        }),
        ..session(pid, "active", query_s)
    }
}

/// The lock on that table.
pub(super) fn orders() -> Tag {
    Tag {
        locktype: "relation".to_owned(),
        database: Some(5),
        relation: Some(16_400),
        ..Tag::default()
    }
}

/// That pid reads `public.orders`.
pub(super) fn reads(pid: i32) -> Held {
    Held {
        pid,
        virtualtransaction: format!("{pid}/1"),
        tag: orders(),
        mode: "AccessShareLock".to_owned(),
        against: vec!["AccessExclusiveLock".to_owned()],
    }
}

/// An answer of the lock table.
pub(super) fn locks(sessions: Vec<Session>, held: Vec<Held>) -> Sample {
    Sample {
        waiters: sessions.iter().filter(|session| session.wait.is_some()).count(),
        sessions,
        held,
    }
}

/// The chain of the issue: 700 has read `orders` and is idle in a transaction of `open_s`, 812 waits to alter it, and
/// `readers` sessions from 900 on queue behind that. Everybody waits for `wait_s`.
pub(super) fn chain(readers: i32, open_s: f64, wait_s: f64) -> Sample {
    let mut sessions = vec![
        session(700, "idle in transaction", open_s),
        waiter(812, "AccessExclusive", &[700], wait_s, Some(wait_s)),
    ];
    sessions.extend((900..900 + readers).map(|pid| waiter(pid, "AccessShare", &[812], wait_s, Some(wait_s))));
    locks(sessions, vec![reads(700)])
}

/// What the activity of the sessions of a lock sample is.
pub(super) fn activity(sample: &Sample) -> Vec<Backend> {
    let of = |session: &Session| Backend {
        wait_event_type: session.wait.is_some().then(|| "Lock".to_owned()),
        wait_event: session.wait_event.clone(),
        query: session.query.clone(),
        backend_type: session.backend_type.clone(),
        ..backend(
            session.pid,
            session.state.as_deref().unwrap_or_default(),
            session.xact_s.unwrap_or_default(),
        )
    };
    sample.sessions.iter().map(of).collect()
}

/// Two seconds later the server answers that.
pub(super) fn answers(watched: &mut Watched, sample: Sample) {
    watched.pass(2.0);
    watched.pulse(|_| ());
    watched.answer::<Activity>(activity(&sample));
    watched.answer::<Locks>(sample);
}
