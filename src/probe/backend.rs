//! One backend in full: the detail page's first question. Asked only while the page is open.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::activity::{redacted, text};
use crate::probe::{Ask, Param, Probe, Spec, Subject, Tier, Wanted};

/// The probe. Its data is `None` when there is no such backend any more.
pub struct Backend;

/// All that `pg_stat_activity`, `pg_stat_ssl` and `pg_blocking_pids` say of one backend.
/// Ages are seconds by the server's clock at the time of the query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Detail {
    /// Process id.
    pub pid: i32,
    /// Database.
    pub datname: Option<String>,
    /// Role.
    pub usename: Option<String>,
    /// `application_name`.
    pub application_name: Option<String>,
    /// Client address without netmask; `None` for a Unix socket, a background process or when hidden.
    pub client: Option<String>,
    /// The client's TCP port; -1 for a Unix socket.
    pub client_port: Option<i32>,
    /// The client's host name, where `log_hostname` is on.
    pub client_hostname: Option<String>,
    /// `client backend`, `autovacuum worker`, ...; `None` when hidden.
    pub backend_type: Option<String>,
    /// `active`, `idle in transaction`, ...
    pub state: Option<String>,
    /// Class of the wait.
    pub wait_event_type: Option<String>,
    /// The wait.
    pub wait_event: Option<String>,
    /// When it started, in seconds since 1970.
    pub backend_start: Option<f64>,
    /// Age of the backend.
    pub backend_s: Option<f64>,
    /// Age of the transaction.
    pub xact_s: Option<f64>,
    /// Since the current (or last) query started.
    pub query_s: Option<f64>,
    /// Since the state changed.
    pub state_s: Option<f64>,
    /// The server's clock when this was read, in seconds since 1970.
    pub now: f64,
    /// The transaction id it has written under.
    pub xid: Option<String>,
    /// Age of that id, in transactions.
    pub xid_age: Option<i64>,
    /// The oldest transaction its snapshot still sees as running.
    pub xmin: Option<String>,
    /// Age of that snapshot, in transactions.
    pub xmin_age: Option<i64>,
    /// The leader of its parallel group (13+).
    pub leader_pid: Option<i32>,
    /// The parallel workers it leads (13+).
    pub workers: Vec<i32>,
    /// `query_id` (14+).
    pub query_id: Option<i64>,
    /// The sessions it waits for by `pg_blocking_pids`, each once; 0 is a prepared transaction.
    pub blocked_by: Vec<i32>,
    /// The whole query text the server keeps; `None` when hidden.
    pub query: Option<String>,
    /// The text fills `track_activity_query_size`: the server may have cut it.
    pub cut: bool,
    /// The role may not see state, query and waits of this backend.
    pub hidden: bool,
    /// Its connection's encryption; `None` when unknown or not a client's connection.
    pub encryption: Option<Encryption>,
}

/// How a connection is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all.
    Plain,
    /// By TLS.
    Tls {
        /// `TLSv1.3`.
        version: String,
        /// The cipher.
        cipher: String,
        /// Subject of the client's certificate.
        client_dn: Option<String>,
    },
    /// By GSSAPI.
    Gss,
}

/// `$1` and `$2` of every question about one backend: its pid and its start.
pub(super) fn identity(ask: &Ask<'_>) -> Vec<Param> {
    match ask.focus.subject {
        Some(Subject::Backend { pid, start }) => vec![Param::Int(pid), Param::Big(start)],
        _ => Vec::new(),
    }
}

/// Asked only while a backend's page is open.
pub(super) fn while_open(ask: &Ask<'_>) -> Wanted {
    match ask.focus.subject {
        Some(Subject::Backend { .. }) => Wanted::Yes,
        _ => Wanted::No("asked only while the page of a backend is open"),
    }
}

impl Probe for Backend {
    type Data = Option<Detail>;
    const SPEC: Spec = Spec {
        id: "backend",
        title: "one backend in full",
        why: "The whole query text, ages, snapshot, encryption and blockers of the backend on this page. Pid and \
              start together name it, because the server uses pids again.",
        tier: Tier::Hot,
        variants: &[form!("backend", 14), form!("backend", 13), form!("backend")],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        identity(ask)
    }

    fn wanted(ask: &Ask<'_>) -> Wanted {
        while_open(ask)
    }

    fn redacted(detail: &Option<Detail>) -> Option<Option<Detail>> {
        let mut detail = detail.clone()?;
        redacted(&mut detail.query, detail.backend_type.as_deref());
        Some(Some(detail))
    }

    fn decode(rows: &Rows) -> Result<Option<Detail>, Fault> {
        rows.iter().next().map(|row| detail(row)).transpose()
    }
}

fn detail(row: Row<'_>) -> Result<Detail, Fault> {
    Ok(Detail {
        pid: row.get("pid")?,
        datname: row.text("datname")?,
        usename: row.text("usename")?,
        application_name: row.text("application_name")?,
        client: row.text("client")?,
        client_port: row.get("client_port")?,
        client_hostname: row.text("client_hostname")?,
        backend_type: row.text("backend_type")?,
        state: row.text("state")?,
        wait_event_type: row.text("wait_event_type")?,
        wait_event: row.text("wait_event")?,
        backend_start: row.get("backend_start")?,
        backend_s: row.get("backend_s")?,
        xact_s: row.get("xact_s")?,
        query_s: row.get("query_s")?,
        state_s: row.get("state_s")?,
        now: row.get("now")?,
        xid: row.text("xid")?,
        xid_age: row.get("xid_age")?,
        xmin: row.text("xmin")?,
        xmin_age: row.get("xmin_age")?,
        leader_pid: row.get("leader_pid")?,
        workers: row.get::<Option<Vec<i32>>>("workers")?.unwrap_or_default(),
        query_id: row.get("query_id")?,
        blocked_by: blockers(row)?,
        query: row.get::<Option<Vec<u8>>>("query")?.map(text),
        cut: row.get::<Option<bool>>("cut")?.unwrap_or_default(),
        hidden: row.get::<Option<bool>>("hidden")?.unwrap_or_default(),
        encryption: encryption(row)?,
    })
}

/// A parallel group makes the same leader appear more than once.
fn blockers(row: Row<'_>) -> Result<Vec<i32>, Fault> {
    let mut pids = row.get::<Option<Vec<i32>>>("blocked_by")?.unwrap_or_default();
    pids.sort_unstable();
    pids.dedup();
    Ok(pids)
}

fn encryption(row: Row<'_>) -> Result<Option<Encryption>, Fault> {
    let tls = row.get::<Option<bool>>("ssl")?;
    let gss = row.get::<Option<bool>>("gss_encrypted")?;
    Ok(match (tls, gss) {
        (Some(true), _) => Some(Encryption::Tls {
            version: row.text("ssl_version")?.unwrap_or_default(),
            cipher: row.text("ssl_cipher")?.unwrap_or_default(),
            client_dn: row.text("ssl_client_dn")?,
        }),
        (_, Some(true)) => Some(Encryption::Gss),
        (Some(false), _) => Some(Encryption::Plain),
        (None, _) => None,
    })
}
