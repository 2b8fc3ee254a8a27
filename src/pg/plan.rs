//! The plan of a connection: what [`super::conninfo`] makes of arguments, environment and files, and what
//! [`super::session`] carries out. Total: every field has its libpq meaning and no further source is consulted
//! but the passfile's entries that are already in it.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::server::Server;

/// Everything needed to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What the user calls this server: profile or service name, else host; for the header.
    pub label: String,
    /// Where to try, in this order.
    pub hosts: Vec<Target>,
    /// Role to log in as.
    pub user: String,
    /// Database.
    pub dbname: String,
    /// Whether a password may be asked for on the terminal.
    pub prompt: Prompt,
    /// TLS mode.
    pub sslmode: SslMode,
    /// `sslnegotiation=direct` (17+ servers): TLS without asking first.
    pub ssl_direct: bool,
    /// `sslrootcert`: what server certificates are checked against.
    pub root_cert: RootCert,
    /// `sslcert`, if the file is to be used.
    pub ssl_cert: Option<PathBuf>,
    /// `sslkey`, if the file is to be used.
    pub ssl_key: Option<PathBuf>,
    /// `sslpassword` of that key.
    pub ssl_password: Option<Secret>,
    /// `sslsni`.
    pub ssl_sni: bool,
    /// `ssl_min_protocol_version`, e.g. `TLSv1.2`.
    pub ssl_min_protocol: Option<String>,
    /// `ssl_max_protocol_version`.
    pub ssl_max_protocol: Option<String>,
    /// `channel_binding`.
    pub channel_binding: ChannelBinding,
    /// `target_session_attrs`.
    pub target_session_attrs: SessionAttrs,
    /// `load_balance_hosts=random`.
    pub shuffle: bool,
    /// `options`: the user's own startup options, sent before ours.
    pub options: Option<String>,
    /// `application_name`; ours if nothing was said.
    pub application_name: String,
    /// `connect_timeout` for each host, over the whole handshake.
    pub connect_timeout: Duration,
    /// `tcp_user_timeout`, zero for the system's default.
    pub tcp_user_timeout: Duration,
    /// `keepalives` and `keepalives_idle`; `None` switches them off, zero leaves the time to the system.
    pub keepalives_idle: Option<Duration>,
    /// `keepalives_interval`; `None` for the system's default.
    pub keepalives_interval: Option<Duration>,
    /// `keepalives_count`; `None` for the system's default.
    pub keepalives_count: Option<u32>,
    /// Sentences for the user: a passfile ignored for its permissions, and the like.
    pub warnings: Vec<String>,
}

impl Plan {
    /// Where it leads, for people: `db1:5432/app as monitor`, with several hosts the first and how many more.
    #[must_use]
    pub fn target(&self) -> String {
        let first = self.hosts.first().map(|first| format!("{}:{}", first.host, first.port));
        let more = match self.hosts.len() {
            0 | 1 => String::new(),
            hosts => format!(" (+{})", hosts - 1),
        };
        format!("{}{more}/{} as {}", first.unwrap_or_default(), self.dbname, self.user)
    }

    /// The same plan for the place where that server was found, whatever role it plays now.
    #[must_use]
    pub fn only(&self, server: &Server) -> Self {
        let there = |target: &&Target| target.port == server.port && target.host.to_string() == server.host;
        let hosts = self.hosts.iter().filter(there).cloned().collect();
        Self {
            hosts,
            target_session_attrs: SessionAttrs::Any,
            ..self.clone()
        }
    }

    /// The same plan for another database: the same places, role, passwords and TLS.
    #[must_use]
    pub fn with_database(&self, dbname: &str) -> Self {
        Self {
            dbname: dbname.to_owned(),
            ..self.clone()
        }
    }
}

/// One place to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Name, address or socket directory.
    pub host: Host,
    /// Port.
    pub port: u16,
    /// The password for this place: from the connection string, `PGPASSWORD`, or the passfile's matching line.
    pub password: Option<Secret>,
}

/// A host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// By TCP: the name (for TLS and for people), and `hostaddr` if given (then no name is resolved).
    Tcp {
        /// `host`, or the text of `hostaddr` when only that was given.
        name: String,
        /// `hostaddr`.
        addr: Option<IpAddr>,
    },
    /// By Unix socket: the directory that holds `.s.PGSQL.port`; an abstract one starts with `@`.
    Unix(PathBuf),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { name, .. } => f.write_str(name),
            Self::Unix(dir) => write!(f, "{}", dir.display()),
        }
    }
}

/// When a password may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// `-w`: never.
    Never,
    /// When the server wants one and there is a terminal.
    IfWanted,
    /// `-W`: before the first attempt.
    Always,
}

/// libpq's `sslmode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslMode {
    /// No TLS.
    Disable,
    /// Plain first, TLS if the server insists.
    Allow,
    /// TLS first, plain if the server has none.
    Prefer,
    /// TLS; the certificate is checked only if a root certificate is configured.
    Require,
    /// TLS and a certificate of a known authority.
    VerifyCa,
    /// TLS, a certificate of a known authority, and the host's name in it.
    VerifyFull,
}

impl SslMode {
    /// As it is written after `sslmode=`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// libpq's `sslrootcert`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootCert {
    /// Nothing configured and no default file there.
    None,
    /// This file must be readable.
    File(PathBuf),
    /// `sslrootcert=system`: the system's authorities.
    System,
}

/// libpq's `channel_binding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// If both sides can.
    Prefer,
    /// Or fail.
    Require,
}

/// libpq's `target_session_attrs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionAttrs {
    /// Any server.
    Any,
    /// Writable by default.
    ReadWrite,
    /// Not writable by default.
    ReadOnly,
    /// Not in recovery.
    Primary,
    /// In recovery.
    Standby,
    /// A standby if there is one, else any.
    PreferStandby,
}

/// A password: never shown, not even by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the handshake only.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
