//! The settings: [`raw`] is what the file says (every field optional), [`Settings`] is what the program uses
//! (validated, total). A default stands once, in [`Settings::default`]; a range once, in `check`.
//!
//! A missing file at the default place is the same as an empty one; a missing file that was named is an error.

pub mod alerts;
mod check;
mod error;
pub(crate) mod nearest;
pub mod raw;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use alerts::Alerts;
pub use check::{hot_interval, is_theme_name};
pub use error::{ConfigError, Place};

use crate::pg::plan::Secret;
use crate::probe::Tier;

/// Validated settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// `[sample_intervals]`: interval and budget of each tier, in [`Tier::ALL`] order.
    pub paces: [Pace; 4],
    /// `timeouts.statement_timeout_ms`: the ceiling for hot and workload probes.
    pub statement_timeout: Duration,
    /// `timeouts.lock_timeout_ms`: below `deadlock_timeout`.
    pub lock_timeout: Duration,
    /// `timeouts.connect_timeout_s`: for the whole handshake with one host, where the connection string says nothing.
    pub connect_timeout: Duration,
    /// `timeouts.measure_timeout_s`: the budget of a measurement that the user asked for.
    pub measure_timeout: Duration,
    /// `security.read_only_enforce`: a role that can write is not used without a question.
    pub read_only_enforce: bool,
    /// `security.redact_sql_text`: query texts are shown without their literals from the start.
    pub redact_sql_text: bool,
    /// `ui.theme`: a built-in theme, or `NAME.toml` in [`Self::theme_dir`].
    pub theme: String,
    /// Where the user's own themes are: `themes` beside the configuration file.
    pub theme_dir: Option<PathBuf>,
    /// `ui.hide_postgres_defaults`: databases, schemas and relations that PostgreSQL brings itself are not listed while
    /// they are healthy.
    pub hide_postgres_defaults: bool,
    /// `ui.ascii`.
    pub ascii: Ascii,
    /// `ui.color`.
    pub color: Color,
    /// `ui.bell.critical`: what rings when an alert is critical.
    pub bell_critical: Bell,
    /// `ui.bell.warning`: what rings when an alert is a warning.
    pub bell_warning: Bell,
    /// `[keys]`: keys of actions by the action's name; neither is checked here.
    pub keys: BTreeMap<String, Vec<String>>,
    /// `[cluster.NAME]`: known servers by name.
    pub clusters: BTreeMap<String, Cluster>,
    /// `limits.top_relations`: rows of every list of tables.
    pub top_relations: u32,
    /// `limits.top_indexes`: rows of every list of indexes.
    pub top_indexes: u32,
    /// `limits.top_queries`: rows of the list of statements.
    pub top_queries: u32,
    /// `[alerts]`: the limits of the alert rules.
    pub alerts: Alerts,
    /// `limits.partition_horizon_days`: partitions have to reach so far ahead.
    pub partition_horizon_days: u32,
    /// Past this many waiters the forest says what it left out. Fixed: no key of the file.
    pub lock_waiters: u32,
    /// Bytes of a query text fetched for lists. Fixed: no key of the file.
    pub query_text: u32,
}

/// Interval and budget of a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How often.
    pub interval: Duration,
    /// How long a round may take.
    pub budget: Duration,
}

/// Whether to draw with ASCII only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ascii {
    /// When the locale is not UTF-8.
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// How many colours the terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// As `NO_COLOR`, `COLORTERM` and `TERM` say.
    Auto,
    /// 24 bits.
    TrueColor,
    /// The palette of 256.
    Ansi256,
    /// The palette of 16.
    Ansi16,
    /// None.
    Never,
}

/// What tells of a new alert besides the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bell {
    /// Nothing.
    Off,
    /// The terminal's bell.
    Bell,
    /// A notification by the terminal (OSC 9).
    Notify,
    /// Both.
    Both,
}

/// A known server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// What the header calls it; its name if nothing is said.
    pub label: Option<String>,
    /// How to connect: a URI or `key=value ...`. Hidden, since it may have a password in it.
    pub dsn: Option<Secret>,
    /// A connection service.
    pub service: Option<String>,
}

impl Settings {
    /// Interval and budget of a tier.
    #[must_use]
    pub fn pace(&self, tier: Tier) -> Pace {
        self.paces[tier as usize]
    }

    /// The same settings with another interval of the hot tier; [`hot_interval`] checks what a person typed.
    pub fn set_hot_interval(&mut self, interval: Duration) {
        self.paces[Tier::Hot as usize].interval = interval;
    }
}

impl Default for Settings {
    fn default() -> Self {
        let pace = |interval, budget| Pace {
            interval: Duration::from_secs(interval),
            budget: Duration::from_secs(budget),
        };
        Self {
            paces: [pace(2, 1), pace(15, 3), pace(600, 10), pace(3600, 60)],
            statement_timeout: Duration::from_secs(3),
            lock_timeout: Duration::from_millis(200),
            connect_timeout: Duration::from_secs(10),
            measure_timeout: Duration::from_secs(30),
            read_only_enforce: true,
            redact_sql_text: false,
            theme: "dark".to_owned(),
            theme_dir: None,
            ascii: Ascii::Auto,
            color: Color::Auto,
            bell_critical: Bell::Off,
            bell_warning: Bell::Off,
            keys: BTreeMap::new(),
            clusters: BTreeMap::new(),
            hide_postgres_defaults: true,
            top_relations: 50,
            top_indexes: 50,
            top_queries: 50,
            alerts: Alerts::default(),
            partition_horizon_days: 7,
            lock_waiters: 500,
            query_text: 1000,
        }
    }
}

/// Where the configuration file is looked for: `~/.config/pgmon-tui/config.toml` on Linux.
#[must_use]
pub fn default_path() -> Option<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "pgmon-tui")?;
    Some(dirs.config_dir().join("config.toml"))
}

/// The file of the environment variable `PGMON_CONFIG`, if it is set to one.
fn path_of_environment() -> Option<PathBuf> {
    let path = std::env::var_os("PGMON_CONFIG").filter(|path| !path.is_empty())?;
    Some(PathBuf::from(path))
}

/// Reads the named file (`--config`), else that of `PGMON_CONFIG`, else the one at [`default_path`] if it is there.
///
/// # Errors
/// A file that cannot be read, or what [`parse`] finds.
pub fn load(named: Option<&Path>) -> Result<Settings, ConfigError> {
    let named = named.map(Path::to_owned).or_else(path_of_environment);
    let Some(path) = named.clone().or_else(default_path) else {
        return Ok(Settings::default());
    };
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => String::new(),
        read => read.map_err(|error| ConfigError::Read {
            file: path.clone(),
            reason: error.to_string(),
        })?,
    };
    let shared = fs::metadata(&path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0);
    parse(&text, &path, !shared)
}

/// The settings of a text. `file` is where it is from; `private` says that nobody else may read it.
///
/// # Errors
/// The first thing that is wrong, with its line, the key, and what it takes.
pub fn parse(text: &str, file: &Path, private: bool) -> Result<Settings, ConfigError> {
    check::Check { text, file, private }.settings()
}
