//! libpq's connection rules as one pure function: arguments, environment, configuration and files become a
//! [`Plan`]. [`plan_of_process`] hands it the running process's own.
//!
//! # Which value wins
//!
//! The first of these that says something about a key, as libpq and psql document it:
//!
//! 1. a connection string (URI or `key=value ...`) given as `DBNAME` or with `-d`; it wins over `-h -p -U`, as in psql
//! 2. `-h`, `-p`, `-U`, and a plain database name (`-d NAME` or the first argument; a second one is the user)
//! 3. our own: the `[cluster.NAME]` of `--cluster`, else `PGMON_DSN`, else the `[cluster.NAME]` of `PGMON_CLUSTER`.
//!    The two variables count only when no connection string was given; a plain database name replaces their `dbname`.
//!    A host from above makes their `hostaddr` and their list of ports void
//! 4. the connection service (`service=` from above, else `PGSERVICE`)
//! 5. the `PG*` variables
//! 6. defaults: the system user, the database of that name, port 5432, the socket in `/var/run/postgresql`
//!    (`/tmp` if that directory is missing), `sslmode=prefer` (`verify-full` with `sslrootcert=system`), and the
//!    files in `~/.postgresql`
//!
//! Where no password was found, the password file (`passfile=`, `PGPASSFILE`, `~/.pgpass`) is asked for each host.
//!
//! # Where this differs from libpq, always on the safe side
//!
//! * `connect_timeout` bounds the whole handshake of a host, and 0 (libpq: wait for ever) means our own default.
//! * What we cannot honour and would weaken security if ignored is refused, not ignored ([`keyword::KEYWORDS`]).
//! * A piece of a password that is not percent-encoded is not taken for a host name ([`uri`]).
//! * A second argument that is a connection string is an error, not a user name.
//! * `PGDATESTYLE`, `PGTZ`, `PGGEQO` and `client_encoding` do not apply: our statements need their own.

mod error;
pub mod keyword;
pub mod parse;
mod passfile;
mod process;
mod service;
mod settle;
pub mod uri;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use error::{ConninfoError, Origin};
pub use process::{Disk, plan_of_process};

use crate::config::Cluster;
use crate::pg::plan::{Plan, Prompt};
use keyword::{KEYWORDS, Values};

/// What the command line says about the server. Without `Debug`: a connection string may have a password.
#[derive(Clone)]
pub struct Args {
    /// `-h`.
    pub host: Option<String>,
    /// `-p`, may be a list.
    pub port: Option<String>,
    /// `-U`.
    pub user: Option<String>,
    /// `-d`: a database name or a connection string.
    pub dbname: Option<String>,
    /// Arguments without an option: the database name or connection string, then the user.
    pub rest: Vec<String>,
    /// `--cluster`.
    pub cluster: Option<String>,
    /// `-w`, `-W`.
    pub prompt: Prompt,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            host: None,
            port: None,
            user: None,
            dbname: None,
            rest: Vec::new(),
            cluster: None,
            prompt: Prompt::IfWanted,
        }
    }
}

/// Everything a plan is made of.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The command line.
    pub args: &'a Args,
    /// The environment.
    pub env: &'a BTreeMap<String, OsString>,
    /// The clusters of the configuration file.
    pub clusters: &'a BTreeMap<String, Cluster>,
    /// The file system.
    pub files: &'a dyn Files,
    /// The name of the user this process runs as.
    pub os_user: Option<&'a str>,
    /// The home directory.
    pub home: Option<&'a Path>,
    /// How long an attempt may take when nothing was said: `timeouts.connect_timeout_s`.
    pub connect_timeout: Duration,
}

/// The files a plan may look at.
pub trait Files {
    /// What a path is; `None` if it is not there.
    fn stat(&self, path: &Path) -> Option<Stat>;

    /// The content of a file.
    ///
    /// # Errors
    /// As the system says.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
}

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// A plain file.
    pub regular: bool,
    /// Its permission bits.
    pub mode: u32,
    /// The owner's user id.
    pub owner: u32,
}

impl Inputs<'_> {
    /// A variable, if it is set (it may be empty).
    fn env(&self, name: &'static str) -> Result<Option<&str>, ConninfoError> {
        let Some(value) = self.env.get(name) else {
            return Ok(None);
        };
        value.to_str().map(Some).ok_or(ConninfoError::NotUtf8 {
            origin: Origin::Env(name),
        })
    }

    /// Fills a key from its variable.
    fn fill_from_env(&self, values: &mut Values, key: &str) -> Result<(), ConninfoError> {
        let Some(variable) = keyword::find(key).and_then(|keyword| keyword.env) else {
            return Ok(());
        };
        if values.get(key).is_some() {
            return Ok(());
        }
        match self.env(variable)? {
            Some(text) => values.fill(key, text, &Origin::Env(variable)),
            None => Ok(()),
        }
    }

    fn in_home(&self, name: &str) -> Option<PathBuf> {
        self.home.map(|home| home.join(name))
    }
}

/// Makes the plan.
///
/// # Errors
/// A sentence that names the key and where it came from; never a password or a connection string.
pub fn plan(inputs: &Inputs<'_>) -> Result<Plan, ConninfoError> {
    let words = Words::of(inputs.args)?;
    let mut warnings = words.warnings;
    let (mut values, label) = base(inputs, words.dsn.is_some())?;
    let mut typed = words.options;
    typed.extend(words.dsn.unwrap_or_default());
    values.overlay(typed);
    service::fill(&mut values, inputs)?;
    for keyword in KEYWORDS {
        inputs.fill_from_env(&mut values, keyword.name)?;
    }
    // Per libpq this old variable counts only where sslmode was said nowhere else.
    if inputs.env("PGREQUIRESSL")?.is_some_and(|value| value.starts_with('1')) {
        values.fill("sslmode", "require", &Origin::Env("PGREQUIRESSL"))?;
    }
    settle::settle(&values, inputs, label, &mut warnings)
}

/// The command line, sorted as psql sorts it.
struct Words {
    options: Values,
    dsn: Option<Values>,
    warnings: Vec<String>,
}

impl Words {
    fn of(args: &Args) -> Result<Self, ConninfoError> {
        let mut rest = args.rest.iter();
        let dbname = args.dbname.as_ref().map(|name| (name, Origin::Option("-d")));
        let dbname = dbname.or_else(|| rest.next().map(|name| (name, Origin::Argument)));
        let user = args.user.as_ref().or_else(|| rest.next());
        // psql takes `host=a port=1` without quotes for a string and a user name; nobody means that.
        if args.rest.iter().skip(1).any(|word| parse::is_connection_string(word)) {
            return Err(ConninfoError::Syntax {
                origin: Origin::Argument,
                what: "it is more than one argument: put all of it in one pair of quotes",
            });
        }
        let mut words = Self {
            options: Values::default(),
            dsn: None,
            warnings: Vec::new(),
        };
        if rest.next().is_some() {
            let warning = "arguments after the database and the user name are ignored";
            words.warnings.push(warning.to_owned());
        }
        words.option("host", args.host.as_ref(), "-h")?;
        words.option("port", args.port.as_ref(), "-p")?;
        words.option("user", user, "-U")?;
        match dbname {
            Some((text, _)) if parse::is_connection_string(text) => {
                words.dsn = Some(parse::connection_string(text, &Origin::Argument)?);
            }
            Some((text, origin)) if !text.is_empty() => words.options.set("dbname", text, &origin)?,
            _ => {}
        }
        Ok(words)
    }

    /// As psql, an empty option counts as not given.
    fn option(&mut self, key: &str, text: Option<&String>, option: &'static str) -> Result<(), ConninfoError> {
        match text {
            Some(text) if !text.is_empty() => self.options.set(key, text, &Origin::Option(option)),
            _ => Ok(()),
        }
    }
}

/// What `--cluster`, `PGMON_DSN` or `PGMON_CLUSTER` say, and the cluster's label.
fn base(inputs: &Inputs<'_>, has_dsn: bool) -> Result<(Values, Option<String>), ConninfoError> {
    if let Some(name) = &inputs.args.cluster {
        return cluster(inputs, name, Origin::Option("--cluster"));
    }
    if has_dsn {
        return Ok((Values::default(), None));
    }
    if let Some(dsn) = inputs.env("PGMON_DSN")?.filter(|dsn| !dsn.is_empty()) {
        return Ok((named_database_or_dsn(dsn)?, None));
    }
    match inputs.env("PGMON_CLUSTER")?.filter(|name| !name.is_empty()) {
        Some(name) => cluster(inputs, name, Origin::Env("PGMON_CLUSTER")),
        None => Ok((Values::default(), None)),
    }
}

fn named_database_or_dsn(text: &str) -> Result<Values, ConninfoError> {
    if parse::is_connection_string(text) {
        return parse::connection_string(text, &Origin::PgmonDsn);
    }
    let mut values = Values::default();
    values.set("dbname", text, &Origin::PgmonDsn)?;
    Ok(values)
}

fn cluster(inputs: &Inputs<'_>, name: &str, origin: Origin) -> Result<(Values, Option<String>), ConninfoError> {
    let Some(cluster) = inputs.clusters.get(name) else {
        return Err(ConninfoError::NoCluster {
            name: name.to_owned(),
            origin,
            known: inputs.clusters.keys().cloned().collect(),
        });
    };
    let origin = Origin::Cluster(name.to_owned());
    let mut values = match &cluster.dsn {
        Some(dsn) => parse::connection_string(dsn.reveal(), &origin)?,
        None => Values::default(),
    };
    if let Some(service) = &cluster.service {
        values.set("service", service, &origin)?;
    }
    let label = cluster.label.clone().unwrap_or_else(|| name.to_owned());
    Ok((values, Some(label)))
}
