//! What can be wrong with the way to a server, as sentences. None of them carries a password, a connection string
//! or a piece of text that may be part of one: what stands where a key should stand can be the rest of a password
//! with a blank in it, so it is not repeated.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An option of the command line, with its dashes.
    Option(&'static str),
    /// The connection string of the command line.
    Argument,
    /// The environment variable `PGMON_DSN`.
    PgmonDsn,
    /// A `[cluster.NAME]` of the configuration file.
    Cluster(String),
    /// A line of a connection service file.
    Service {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// Another environment variable.
    Env(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(option) => write!(f, "option {option}"),
            Self::Argument => f.write_str("connection string on the command line"),
            Self::PgmonDsn => f.write_str("environment variable PGMON_DSN"),
            Self::Cluster(name) => write!(f, "[cluster.{name}] of the configuration file"),
            Self::Service { file, line } => write!(f, "{}:{line}", file.display()),
            Self::Env(name) => write!(f, "environment variable {name}"),
        }
    }
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConninfoError {
    /// A key that libpq does not know either.
    #[error("{origin}: there is no connection key \"{key}\"{}", did_you_mean(*nearest))]
    UnknownKey {
        /// The key as written.
        key: String,
        /// Where it stands.
        origin: Origin,
        /// The known key that looks most like it.
        nearest: Option<&'static str>,
    },
    /// The text is no connection string.
    #[error("{origin}: {what}")]
    Syntax {
        /// Where it stands.
        origin: Origin,
        /// What is wrong, and how it is written.
        what: &'static str,
    },
    /// A known key with a value it does not take.
    #[error("{origin}: {key}{} is not possible: it takes {expected}", shown(value.as_deref()))]
    BadValue {
        /// The key.
        key: &'static str,
        /// Where it stands.
        origin: Origin,
        /// The value, unless it may be secret.
        value: Option<String>,
        /// What the key takes.
        expected: &'static str,
    },
    /// A key that libpq honours and this program cannot: refused rather than ignored.
    #[error("{origin}: {key} is refused: {why}")]
    Unsupported {
        /// The key.
        key: &'static str,
        /// Where it stands.
        origin: Origin,
        /// What would be missing if it were ignored.
        why: &'static str,
    },
    /// The configuration file has no such cluster.
    #[error("{origin}: the configuration file has no [cluster.{name}]{}", known_names(known))]
    NoCluster {
        /// The name that was asked for.
        name: String,
        /// Where it was asked for.
        origin: Origin,
        /// The names there are.
        known: Vec<String>,
    },
    /// No service file defines the service.
    #[error("{origin}: no definition of service \"{name}\" found{}", searched_in(searched))]
    NoService {
        /// The name that was asked for.
        name: String,
        /// Where it was asked for.
        origin: Origin,
        /// The files that were read.
        searched: Vec<PathBuf>,
    },
    /// A service file that cannot be read.
    #[error("service file {} cannot be read: {reason}", path.display())]
    ServiceFile {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// Lists of different lengths.
    #[error("{origin}: {count} {what} do not fit {hosts} host{}: give one, or one for each host", if *hosts == 1 { "" } else { "s" })]
    Count {
        /// `port numbers` or `host names`.
        what: &'static str,
        /// How many of them.
        count: usize,
        /// How many hosts.
        hosts: usize,
        /// Where the list stands.
        origin: Origin,
    },
    /// `sslmode=verify-*` and nothing to verify against.
    #[error(
        "sslmode={mode} needs a root certificate, but {}: name one with sslrootcert=FILE, \
         or use the system's authorities with sslrootcert=system", missing_file(path.as_ref())
    )]
    RootCertMissing {
        /// The mode.
        mode: &'static str,
        /// The file that was looked for.
        path: Option<PathBuf>,
    },
    /// `sslrootcert=system` and a mode that would not check the name.
    #[error(
        "{origin}: sslmode={mode} is too weak for sslrootcert=system, where anybody can get a certificate: \
         use sslmode=verify-full"
    )]
    WeakForSystem {
        /// The mode.
        mode: &'static str,
        /// Where the mode stands.
        origin: Origin,
    },
    /// `sslnegotiation=direct` and a mode that may go on without TLS.
    #[error("{origin}: sslnegotiation=direct needs TLS, but sslmode={mode} does not insist on it: use sslmode=require")]
    WeakForDirect {
        /// The mode.
        mode: &'static str,
        /// Where `sslnegotiation` stands.
        origin: Origin,
    },
    /// `sslmode=verify-full` and only an address.
    #[error("sslmode=verify-full compares the certificate with a host name: give host= beside hostaddr=")]
    HostNameWanted,
    /// A client certificate without a usable key.
    #[error("the client certificate's private key {} {problem}", path.display())]
    ClientKey {
        /// The key file.
        path: PathBuf,
        /// What is wrong with it and what to do.
        problem: &'static str,
    },
    /// `ssl_min_protocol_version` above `ssl_max_protocol_version`.
    #[error("ssl_min_protocol_version is above ssl_max_protocol_version: no TLS version is left")]
    ProtocolRange,
    /// Nobody said as whom to connect and the system does not know either.
    #[error("no user name: the system has none for this process; give one with -U NAME or PGUSER")]
    NoUser,
    /// A value that is no UTF-8.
    #[error("{origin}: the value is not UTF-8, which pgmon-tui needs")]
    NotUtf8 {
        /// Where it stands.
        origin: Origin,
    },
}

fn did_you_mean(nearest: Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |key| format!("; did you mean \"{key}\"?"))
}

fn shown(value: Option<&str>) -> String {
    value.map_or_else(String::new, |value| format!(" = \"{value}\""))
}

fn known_names(known: &[String]) -> String {
    if known.is_empty() {
        return ", nor any other cluster".to_owned();
    }
    format!("; it has {}", known.join(", "))
}

fn searched_in(searched: &[PathBuf]) -> String {
    if searched.is_empty() {
        return ": there is no service file (~/.pg_service.conf, or PGSERVICEFILE)".to_owned();
    }
    let names: Vec<String> = searched.iter().map(|path| path.display().to_string()).collect();
    format!(" in {}", names.join(", "))
}

fn missing_file(path: Option<&PathBuf>) -> String {
    path.map_or_else(
        || "none is configured".to_owned(),
        |path| format!("{} does not exist", path.display()),
    )
}
