//! What went wrong, as a sentence for a tired person: what happened, what it means, what to type.
//!
//! Faults are decided by SQLSTATE where the server speaks, never by its (translated) message text.
//! No fault carries a password, a DSN or a literal of somebody's query.

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

impl std::error::Error for Fault {}
