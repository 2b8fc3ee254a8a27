//! What went wrong, as a sentence for a tired person: what happened, what it means, what to type.
//!
//! Faults are decided by SQLSTATE where the server speaks, never by its (translated) message text.
//! No fault carries a password, a DSN or a literal of somebody's query.
//! `connect` words what happens before a session is ours, `query` what happens in one.

mod connect;
mod query;

use std::error::Error;
use std::io;

pub use connect::{Password, Place, Stage};
pub(super) use connect::{alien, certificate, from_io, no_tls, resolve, timeout, unreachable};

use super::server::Server;

/// The class of a fault; what the program does next depends on this, never on the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The host name does not resolve.
    Resolve,
    /// Nothing listens there (ECONNREFUSED, or no such socket file).
    Refused,
    /// The whole handshake, or a running statement's client deadline, took too long.
    ConnectTimeout,
    /// Wrong password (28P01), or a password is wanted and there is none.
    Password,
    /// No `pg_hba.conf` entry, or another refusal of the authentication (28000).
    Hba,
    /// The database does not exist (3D000).
    UnknownDatabase,
    /// The role does not exist or may not log in.
    UnknownRole,
    /// TLS was asked for and the server has none, or the reverse.
    Tls,
    /// The server's certificate was not accepted.
    Certificate,
    /// Every connection slot is taken (53300).
    TooManyConnections,
    /// The server starts up, shuts down or recovers (57P03).
    NotYet,
    /// The server shut us out: terminated by an administrator, crash, restart (57P01, 57P02).
    Terminated,
    /// The server is older than PostgreSQL 12.
    TooOld,
    /// Whatever answered does not speak PostgreSQL's protocol.
    NotPostgres,
    /// A pooler refused the startup options (08P01); the session is then opened in the pooler's way.
    PoolerOptions,
    /// No host of the list has the wanted `target_session_attrs`.
    WrongSessionAttrs,
    /// The connection broke.
    Lost,
    /// `statement_timeout`, or our own deadline followed by a cancel (57014).
    Timeout,
    /// Whoever wanted it took it back while it ran, and it was cancelled.
    Stopped,
    /// `lock_timeout` (55P03): somebody holds or waits for an exclusive lock.
    LockTimeout,
    /// The role may not read this (42501).
    Denied,
    /// A relation, column or function does not exist here (42P01, 42703, 42883, 3F000).
    Undefined,
    /// An extension is installed but not loaded (55000), or not in the expected state.
    NotReady,
    /// The rows are not what was expected.
    Decode,
    /// Anything else; the sentence has the server's own words and its SQLSTATE.
    Other,
}

/// One fault, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What class it is.
    pub kind: FaultKind,
    /// What happened and what it means; one sentence, no trailing newline.
    pub sentence: String,
    /// What to type or change, if there is something.
    pub remedy: Option<String>,
    /// The server's SQLSTATE, where the server spoke.
    pub sqlstate: Option<String>,
}

impl Fault {
    /// A fault with neither remedy nor SQLSTATE.
    pub fn new(kind: FaultKind, sentence: impl Into<String>) -> Self {
        Self {
            kind,
            sentence: sentence.into(),
            remedy: None,
            sqlstate: None,
        }
    }

    /// The same fault with the next step to take.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The same fault with the server's SQLSTATE.
    #[must_use]
    pub fn with_sqlstate(mut self, sqlstate: impl Into<String>) -> Self {
        self.sqlstate = Some(sqlstate.into());
        self
    }

    /// A refusal that stays one after the pooler's way was tried.
    #[must_use]
    pub(super) fn settled(mut self) -> Self {
        if self.kind == FaultKind::PoolerOptions {
            self.kind = FaultKind::Other;
        }
        self
    }

    /// What a cancelled statement says when it was cancelled because nobody wanted it any more.
    #[must_use]
    pub(super) fn stopped(self) -> Self {
        if self.kind == FaultKind::Timeout {
            return Self::new(FaultKind::Stopped, "Stopped by you.");
        }
        self
    }

    /// Waiting helps: every slot is taken, or the server is on its way up or down.
    #[must_use]
    pub fn waits(&self) -> bool {
        matches!(self.kind, FaultKind::TooManyConnections | FaultKind::NotYet)
    }

    /// The connection is of no use any more.
    #[must_use]
    pub fn breaks_connection(&self) -> bool {
        matches!(
            self.kind,
            FaultKind::Lost | FaultKind::Terminated | FaultKind::ConnectTimeout | FaultKind::NotPostgres
        )
    }

    /// The server wants a password, or another one than it got.
    #[must_use]
    pub fn wants_password(&self) -> bool {
        self.kind == FaultKind::Password
    }

    /// A fault while a statement of ours ran on `server`.
    #[must_use]
    pub fn from_query(server: &Server, error: &tokio_postgres::Error) -> Self {
        if let Some(db) = error.as_db_error() {
            return query::from_server(server, db);
        }
        if error.is_closed() || io_error(error).is_some() {
            return broke();
        }
        Self::new(
            FaultKind::Decode,
            format!("The answer cannot be read: {}.", chain(error)),
        )
    }

    /// A fault while connecting to `place`.
    #[must_use]
    pub fn from_connect(place: &Place, error: &tokio_postgres::Error) -> Self {
        if let Some(db) = error.as_db_error() {
            return connect::from_server(place, db);
        }
        if let Some(io) = io_error(error) {
            return connect::from_io(place, io);
        }
        if error.is_closed() {
            return connect::hung_up(place);
        }
        connect::from_driver(place, &chain(error))
    }
}

/// Nothing more is known of the end of a connection.
pub(super) fn broke() -> Fault {
    Fault::new(FaultKind::Lost, "The connection to the server broke.")
}

/// An error and its causes on one line. The driver's own text alone would be "db error".
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in causes(error) {
        let text = one_line(&cause.to_string());
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
    }
    parts.join(": ")
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}

fn io_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// Longest server message that is quoted, in characters.
const LONGEST_QUOTE: usize = 240;

/// A server's message as part of a sentence: one line, no control characters, not endless, no full stop at its end.
#[must_use]
pub fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let line = line.trim_end_matches('.');
    match line.char_indices().nth(LONGEST_QUOTE) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or(line)),
        None => line.to_owned(),
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.sentence)?;
        if let Some(remedy) = &self.remedy {
            write!(f, " {remedy}")?;
        }
        Ok(())
    }
}

impl Error for Fault {}
