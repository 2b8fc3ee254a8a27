//! What the server is: version, role, recovery, settings that decide which questions can be asked.

use std::fmt;

use super::fault::{Fault, FaultKind};
use super::rows::{Row, Rows};
use crate::form;
use crate::probe::{Spec, Tier};

/// The question asked once per connection.
pub static SPEC: Spec = Spec {
    id: "server",
    title: "whom we talk to",
    why: "Asked once per connection: the version decides which form of each query is asked, recovery, role and extensions decide which questions make sense.",
    tier: Tier::Hourly,
    variants: &[form!("server")],
};

/// The oldest major version that is supported.
pub const OLDEST: u32 = 12;

/// The server we are connected to, found out once per connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts the server states, none of which excludes another"
)]
pub struct Server {
    /// `server_version_num`, e.g. 160004.
    pub version_num: u32,
    /// `server_version` as people say it, e.g. `16.4`.
    pub version: String,
    /// `pg_is_in_recovery()` at connect; the pulse probe notices when it changes.
    pub in_recovery: bool,
    /// `current_database()`.
    pub database: String,
    /// `pg_postmaster_start_time()` in microseconds since 1970: two sessions with another value are not on one server.
    pub started_us: i64,
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

impl Extension {
    /// Its version as a number to compare: 1.8 is 108; 0 if it is no such version.
    #[must_use]
    pub fn number(&self) -> u32 {
        let mut parts = self.version.split('.');
        let mut part = || parts.next().map_or(Some(0), |part| part.parse::<u32>().ok());
        part()
            .zip(part())
            .map_or(0, |(major, minor)| major.saturating_mul(100).saturating_add(minor))
    }
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

/// What the first question finds out.
#[derive(Clone, Debug)]
pub(super) struct Introduction {
    /// The server; where we reached it and whether there is a pooler is not for the server to say.
    pub(super) server: Server,
    /// `pg_backend_pid()`.
    pub(super) pid: i32,
    /// `lock_timeout` in ms, as the session started.
    pub(super) lock_timeout_ms: i64,
    /// `default_transaction_read_only`, as the session started.
    pub(super) read_only: bool,
}

/// The rows of `queries/server.sql`.
pub(super) fn decode(rows: &Rows) -> Result<Introduction, Fault> {
    let row = rows.only()?;
    let text = |column: &str| row.text(column).map(Option::unwrap_or_default);
    let count = |column: &str| {
        row.get::<i32>(column)
            .map(|number| u32::try_from(number).unwrap_or_default())
    };
    let server = Server {
        version_num: count("version_num")?,
        version: short_version(&text("version")?).to_owned(),
        in_recovery: row.get("in_recovery")?,
        database: text("database")?,
        started_us: row.get("started_us")?,
        encoding: text("encoding")?,
        role: text("role")?,
        tls: row.text("tls")?,
        reads_all_stats: row.get("reads_all_stats")?,
        superuser: row.get("superuser")?,
        block_size: count("block_size")?,
        extensions: extensions(row, ["extension_names", "extension_versions", "extension_schemas"])?,
        ..Server::default()
    };
    Ok(Introduction {
        server,
        pid: row.get("pid")?,
        lock_timeout_ms: row.get("lock_timeout_ms")?,
        read_only: row.get("read_only")?,
    })
}

/// Extensions out of the columns with their names, versions and schemas.
pub(crate) fn extensions(row: Row<'_>, [names, versions, schemas]: [&str; 3]) -> Result<Vec<Extension>, Fault> {
    let names = row.texts(names)?.into_iter();
    let versions = row.texts(versions)?.into_iter();
    let schemas = row.texts(schemas)?.into_iter();
    let all = names.zip(versions).zip(schemas);
    Ok(all
        .map(|((name, version), schema)| Extension { name, version, schema })
        .collect())
}

/// The version without what a distribution adds to it: `16.4 (Debian 16.4-1)` is `16.4`.
fn short_version(version: &str) -> &str {
    version.split_whitespace().next().unwrap_or(version)
}

/// The major version in a `server_version`: `16.4`, `17beta1`, `9.6.24`, `14.5 (EnterpriseDB ..)`.
fn major(version: &str) -> Option<u32> {
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// What the login already tells: the major version and whether the database is `SQL_ASCII`.
pub(super) fn greeting(version: &str, encoding: &str) -> Option<(u32, bool)> {
    Some((major(version)?, encoding == "SQL_ASCII"))
}

/// The fault of a server that is not for us, by the `server_version` it named at login.
pub(super) fn unusable(place: &str, version: &str) -> Option<Fault> {
    if version.ends_with("/bouncer") {
        let sentence = format!("{place} has let us into PgBouncer's own console, which is no database.");
        return Some(Fault::new(FaultKind::NotPostgres, sentence).with_remedy("Name a real database with -d."));
    }
    let major = major(version)?;
    (major < OLDEST).then(|| {
        let sentence = format!(
            "{place} is PostgreSQL {}; this program needs {OLDEST} or later.",
            short_version(version)
        );
        Fault::new(FaultKind::TooOld, sentence).with_remedy(format!(
            "PostgreSQL {} gets no fixes any more: upgrade it.",
            short_version(version)
        ))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("16.4", Some(16))]
    #[case("17beta1", Some(17))]
    #[case("9.6.24", Some(9))]
    #[case("14.5 (EnterpriseDB Advanced Server 14.5.0)", Some(14))]
    #[case("1.18.0/bouncer", Some(1))]
    #[case("", None)]
    #[case("devel", None)]
    fn reads_the_major_version(#[case] version: &str, #[case] expected: Option<u32>) {
        assert_eq!(major(version), expected);
    }

    #[rstest]
    #[case("11.22 (Debian 11.22-1.pgdg110+1)", Some(FaultKind::TooOld))]
    #[case("9.6.24", Some(FaultKind::TooOld))]
    #[case("12.22", None)]
    #[case("18.4", None)]
    #[case("1.18.0/bouncer", Some(FaultKind::NotPostgres))]
    #[case("", None)]
    fn refuses_what_is_too_old(#[case] version: &str, #[case] expected: Option<FaultKind>) {
        assert_eq!(unusable("db:5432", version).map(|fault| fault.kind), expected);
    }
}
