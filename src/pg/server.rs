//! What the server is: version, role, recovery, settings that decide which questions can be asked.

use std::fmt;

/// The server we are connected to, found out once per connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// `server_version_num`, e.g. 160004.
    pub version_num: u32,
    /// `server_version` as people say it, e.g. `16.4`.
    pub version: String,
    /// `pg_is_in_recovery()` at connect; the pulse probe notices when it changes.
    pub in_recovery: bool,
    /// `current_database()`.
    pub database: String,
    /// `server_encoding` of that database.
    pub encoding: String,
    /// `session_user`.
    pub role: String,
    /// Where we are: host name or socket directory, as asked for.
    pub host: String,
    /// TCP port or the socket's number.
    pub port: u16,
    /// The TLS protocol in use (`TLSv1.3`), `None` without TLS.
    pub tls: Option<String>,
    /// True behind a transaction pooler: every statement travels with its own `SET LOCAL`.
    pub pooled: bool,
    /// The role is a member of `pg_read_all_stats` (or superuser): it sees every backend's text and state.
    pub reads_all_stats: bool,
    /// The role is a superuser.
    pub superuser: bool,
    /// `block_size` in bytes.
    pub block_size: u32,
    /// Extensions of the connected database: name, version, schema.
    pub extensions: Vec<Extension>,
}

/// One installed extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// `extversion`.
    pub version: String,
    /// The schema its objects live in.
    pub schema: String,
}

impl Server {
    /// The major version, 12 to 18 and beyond.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.version_num / 10_000
    }

    /// The installed extension of that name.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.name == name)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgreSQL {}", self.version)
    }
}
