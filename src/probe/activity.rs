//! Who is doing what: one row per backend and background process, ourselves left out.
//!
//! A backend's query text has the bytes of *its* database's encoding. `left()` and `convert_to()` check such bytes
//! and fail on them (which texts, depends on the minor release), and one such text would take the whole pane away.
//! `textsend()` checks nothing where the session converts nothing (a `UTF8` database, or `SQL_ASCII` with the same
//! `client_encoding`) or where every byte converts (`LATIN1`); elsewhere the bytes are taken as they are. The text is
//! cut by bytes and decoded here.

use std::borrow::Cow;

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::redact::redact;
use crate::pg::rows::{Row, Rows};
use crate::probe::{Ask, Param, Probe, Spec, Tier};

/// The probe.
pub struct Activity;

/// One row of `pg_stat_activity`. Ages are seconds by the server's clock at the time of the query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Backend {
    /// Process id.
    pub pid: i32,
    /// `backend_start` in microseconds since 1970: with the pid, the identity; 0 if hidden.
    pub start: i64,
    /// The leader of a parallel group (13+).
    pub leader_pid: Option<i32>,
    /// Database.
    pub datname: Option<String>,
    /// Role.
    pub usename: Option<String>,
    /// `application_name`.
    pub application_name: Option<String>,
    /// Client address without netmask, `None` for a Unix socket or a background process.
    pub client: Option<String>,
    /// `client backend`, `autovacuum worker`, ...; `None` when hidden by privileges.
    pub backend_type: Option<String>,
    /// `active`, `idle in transaction`, ...; `None` for background processes or when hidden.
    pub state: Option<String>,
    /// Class of the wait.
    pub wait_event_type: Option<String>,
    /// The wait.
    pub wait_event: Option<String>,
    /// Age of the backend.
    pub backend_s: Option<f64>,
    /// Age of the transaction.
    pub xact_s: Option<f64>,
    /// Since the current (or last) query started.
    pub query_s: Option<f64>,
    /// Since the state changed.
    pub state_s: Option<f64>,
    /// Age of its transaction id, in transactions.
    pub xid_age: Option<i64>,
    /// Age of the snapshot it holds, in transactions.
    pub xmin_age: Option<i64>,
    /// `query_id` (14+).
    pub query_id: Option<i64>,
    /// The query's text, cut to `Settings::query_text` bytes; empty for background processes, `None` when hidden by
    /// privileges.
    pub query: Option<String>,
    /// The role may not see state, query and waits of this backend.
    pub hidden: bool,
}

impl Probe for Activity {
    type Data = Vec<Backend>;
    const SPEC: Spec = Spec {
        id: "activity",
        title: "who is doing what",
        why: "One row per backend. Ages come from the server's clock; our own sessions are left out.",
        tier: Tier::Hot,
        variants: &[form!("activity", 14), form!("activity", 13), form!("activity")],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        vec![
            Param::Int(i32::try_from(ask.settings.query_text).unwrap_or(i32::MAX)),
            Param::Ints(ask.own.to_vec()),
        ]
    }

    fn redacted(backends: &Vec<Backend>) -> Option<Vec<Backend>> {
        let mut backends = backends.clone();
        for backend in &mut backends {
            redacted(&mut backend.query, backend.backend_type.as_deref());
        }
        Some(backends)
    }

    fn decode(rows: &Rows) -> Result<Vec<Backend>, Fault> {
        rows.iter().map(|row| backend(row)).collect()
    }
}

fn backend(row: Row<'_>) -> Result<Backend, Fault> {
    Ok(Backend {
        pid: row.get("pid")?,
        start: row.get::<Option<i64>>("start_us")?.unwrap_or_default(),
        leader_pid: row.get("leader_pid")?,
        datname: row.text("datname")?,
        usename: row.text("usename")?,
        application_name: row.text("application_name")?,
        client: row.text("client")?,
        backend_type: row.text("backend_type")?,
        state: row.text("state")?,
        wait_event_type: row.text("wait_event_type")?,
        wait_event: row.text("wait_event")?,
        backend_s: row.get("backend_s")?,
        xact_s: row.get("xact_s")?,
        query_s: row.get("query_s")?,
        state_s: row.get("state_s")?,
        xid_age: row.get("xid_age")?,
        xmin_age: row.get("xmin_age")?,
        query_id: row.get("query_id")?,
        query: row.get::<Option<Vec<u8>>>("query")?.map(text),
        hidden: row.get("hidden")?,
    })
}

/// A query text as [`Probe::redacted`] has it. What autovacuum says it does is no statement, and it is read: see
/// [`crate::model::wraparound`].
pub(super) fn redacted(query: &mut Option<String>, backend_type: Option<&str>) {
    if let Some(text) = query.as_mut().filter(|_| backend_type != Some("autovacuum worker"))
        && let Cow::Owned(shown) = redact(text)
    {
        *text = shown;
    }
}

/// Text of unknown encoding, cut anywhere: what is no UTF-8 becomes U+FFFD, a character cut at the end is left out.
pub(super) fn text(mut bytes: Vec<u8>) -> String {
    if let Err(error) = std::str::from_utf8(&bytes)
        && error.error_len().is_none()
    {
        bytes.truncate(error.valid_up_to());
    }
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::{redacted, text};

    /// By its text it is told that a worker prevents wraparound, and where; names in it are not quoted.
    #[test]
    fn what_autovacuum_says_stays() {
        let says = "autovacuum: VACUUM public.2024's (to prevent wraparound)";
        for (backend_type, stays) in [
            (Some("autovacuum worker"), true),
            (Some("client backend"), false),
            (None, false),
        ] {
            let mut query = Some(says.to_owned());
            redacted(&mut query, backend_type);
            assert_eq!(query.as_deref() == Some(says), stays, "{query:?}");
        }
    }

    #[test]
    fn text_survives_any_bytes() {
        assert_eq!(text(b"caf\xc3\xa9".to_vec()), "caf\u{e9}");
        assert_eq!(text(b"caf\xc3".to_vec()), "caf", "cut within a character");
        assert_eq!(text(b"\xf0\x9f\x98".to_vec()), "");
        assert_eq!(text(b"caf\xe9 x".to_vec()), "caf\u{fffd} x", "LATIN1");
        assert_eq!(text(b"\xff\xc3".to_vec()), "\u{fffd}\u{fffd}");
    }
}
