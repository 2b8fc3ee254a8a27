//! What the configuration file says, before it is checked: every key may be missing, none may be unknown.
//! Values keep their place in the file, so that a bad one is shown with line and column.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

/// The whole file.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Raw {
    /// `[sample_intervals]`: how often.
    pub sample_intervals: Tiers,
    /// `[budgets]`: how long a round may take.
    pub budgets: Tiers,
    /// `[timeouts]`.
    pub timeouts: Timeouts,
    /// `[security]`.
    pub security: Security,
    /// `[limits]`.
    pub limits: Limits,
    /// `[alerts]`: names of limits to numbers; `disabled` to names of rules.
    pub alerts: BTreeMap<Spanned<String>, Spanned<Limit>>,
    /// `[ui]`.
    pub ui: Ui,
    /// `[keys]`: action names to keys.
    pub keys: BTreeMap<String, Keys>,
    /// `[cluster.NAME]`.
    pub cluster: BTreeMap<String, Cluster>,
}

/// A time for each tier.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tiers {
    /// [`crate::probe::Tier::Hot`].
    pub hot_path: Option<Spanned<Time>>,
    /// [`crate::probe::Tier::Workload`].
    pub workload: Option<Spanned<Time>>,
    /// [`crate::probe::Tier::Storage`].
    pub storage: Option<Spanned<Time>>,
    /// [`crate::probe::Tier::Hourly`].
    pub hourly: Option<Spanned<Time>>,
}

/// Seconds, or a text with a unit.
#[derive(Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "expected seconds as a number, or a text with a unit such as \"500ms\" or \"10min\""
)]
pub enum Time {
    /// Whole seconds.
    Whole(i64),
    /// Seconds.
    Seconds(f64),
    /// With a unit.
    Text(String),
}

/// `[timeouts]`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// Milliseconds.
    pub statement_timeout_ms: Option<Spanned<i64>>,
    /// Milliseconds.
    pub lock_timeout_ms: Option<Spanned<i64>>,
    /// Seconds.
    pub connect_timeout_s: Option<Spanned<Time>>,
    /// Seconds.
    pub measure_timeout_s: Option<Spanned<Time>>,
}

/// `[security]`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Security {
    /// Ask before running as a role that can write.
    pub read_only_enforce: Option<bool>,
    /// Query texts without their literals.
    pub redact_sql_text: Option<bool>,
}

/// `[limits]`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Rows.
    pub top_relations: Option<Spanned<i64>>,
    /// Rows.
    pub top_indexes: Option<Spanned<i64>>,
    /// Rows.
    pub top_queries: Option<Spanned<i64>>,
    /// Days.
    pub partition_horizon_days: Option<Spanned<i64>>,
}

/// `[ui]`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ui {
    /// A theme's name.
    pub theme: Option<Spanned<String>>,
    /// `auto`, `on`, `off`.
    pub ascii: Option<Spanned<String>>,
    /// `auto`, `truecolor`, `256`, `16`, `never`.
    pub color: Option<Spanned<String>>,
    /// Names of what PostgreSQL brings itself, while it is healthy.
    pub hide_postgres_defaults: Option<bool>,
    /// What rings.
    pub bell: Bells,
}

/// `ui.bell`: for each severity `off`, `bell`, `notify`, `both`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bells {
    /// For critical alerts.
    pub critical: Option<Spanned<String>>,
    /// For warnings.
    pub warning: Option<Spanned<String>>,
}

/// A limit of an alert rule, or the rules that are off.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number, or for \"disabled\" a list of rules")]
pub enum Limit {
    /// A number without a fraction.
    Whole(i64),
    /// A number.
    Number(f64),
    /// Ids of rules.
    Rules(Vec<String>),
}

/// One key or several.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a key such as \"ctrl-k\", or a list of keys")]
pub enum Keys {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

/// `[cluster.NAME]`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cluster {
    /// What the header calls it.
    pub label: Option<String>,
    /// A connection string.
    pub dsn: Option<Spanned<String>>,
    /// A connection service's name.
    pub service: Option<String>,
}
