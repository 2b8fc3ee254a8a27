//! From [`Raw`] to [`Settings`]: every range in one place, every refusal with line, key and range.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use toml::Spanned;

use super::alerts::{Alerts, LIMITS, Limit};
use super::error::{ConfigError, Place};
use super::nearest::nearest;
use super::raw::{self, Keys, Raw, Tiers, Time};
use super::{Ascii, Bell, Cluster, Color, Pace, Settings};
use crate::pg::conninfo::{Origin, parse};
use crate::pg::plan::Secret;

/// A range of times.
#[derive(Clone, Copy)]
struct Range {
    least: Duration,
    most: Duration,
}

const fn from_to(least_ms: u64, most_ms: u64) -> Range {
    Range {
        least: Duration::from_millis(least_ms),
        most: Duration::from_millis(most_ms),
    }
}

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

/// The names of the tiers in the file, with the range of their intervals, in [`crate::probe::Tier::ALL`] order.
const TIERS: [(&str, Range); 4] = [
    ("hot_path", from_to(500, MINUTE)),
    ("workload", from_to(1000, HOUR)),
    ("storage", from_to(10_000, 24 * HOUR)),
    ("hourly", from_to(MINUTE, 7 * 24 * HOUR)),
];
const BUDGET: Range = from_to(100, 10 * MINUTE);
const STATEMENT_TIMEOUT: Range = from_to(100, MINUTE);
/// Below `deadlock_timeout`'s default of 1 s, so that waiting for us never starts a deadlock check.
const LOCK_TIMEOUT: Range = from_to(1, 999);
/// Rows of a list: more than these nobody reads, and every one costs.
const ROWS: (u32, u32) = (5, 1000);
const CONNECT_TIMEOUT: Range = from_to(500, 5 * MINUTE);
/// Meanwhile a lock is held that an `ALTER TABLE` queues behind: no longer than somebody watches.
const MEASURE_TIMEOUT: Range = from_to(1000, 10 * MINUTE);

/// The key of `[alerts]` that is no limit.
const DISABLED: &str = "disabled";

/// A text to be checked.
pub(super) struct Check<'a> {
    pub(super) text: &'a str,
    pub(super) file: &'a Path,
    pub(super) private: bool,
}

impl Check<'_> {
    pub(super) fn settings(&self) -> Result<Settings, ConfigError> {
        let raw: Raw = toml::from_str(self.text).map_err(|error| self.syntax(&error))?;
        let default = Settings::default();
        let timeouts = &raw.timeouts;
        Ok(Settings {
            paces: self.paces(&raw.sample_intervals, &raw.budgets, default.paces)?,
            statement_timeout: self
                .millis(
                    "timeouts.statement_timeout_ms",
                    timeouts.statement_timeout_ms.as_ref(),
                    STATEMENT_TIMEOUT,
                )?
                .unwrap_or(default.statement_timeout),
            lock_timeout: self
                .millis(
                    "timeouts.lock_timeout_ms",
                    timeouts.lock_timeout_ms.as_ref(),
                    LOCK_TIMEOUT,
                )?
                .unwrap_or(default.lock_timeout),
            connect_timeout: self
                .time(
                    "timeouts.connect_timeout_s",
                    timeouts.connect_timeout_s.as_ref(),
                    CONNECT_TIMEOUT,
                )?
                .unwrap_or(default.connect_timeout),
            measure_timeout: self
                .time(
                    "timeouts.measure_timeout_s",
                    timeouts.measure_timeout_s.as_ref(),
                    MEASURE_TIMEOUT,
                )?
                .unwrap_or(default.measure_timeout),
            read_only_enforce: raw.security.read_only_enforce.unwrap_or(default.read_only_enforce),
            redact_sql_text: raw.security.redact_sql_text.unwrap_or(default.redact_sql_text),
            theme: self.theme(raw.ui.theme.as_ref())?.unwrap_or(default.theme),
            theme_dir: self.file.parent().map(|dir| dir.join("themes")),
            hide_postgres_defaults: (raw.ui.hide_postgres_defaults).unwrap_or(default.hide_postgres_defaults),
            top_relations: self
                .number("limits.top_relations", raw.limits.top_relations.as_ref(), ROWS)?
                .unwrap_or(default.top_relations),
            top_indexes: self
                .number("limits.top_indexes", raw.limits.top_indexes.as_ref(), ROWS)?
                .unwrap_or(default.top_indexes),
            top_queries: self
                .number("limits.top_queries", raw.limits.top_queries.as_ref(), ROWS)?
                .unwrap_or(default.top_queries),
            partition_horizon_days: self
                .number(
                    "limits.partition_horizon_days",
                    raw.limits.partition_horizon_days.as_ref(),
                    (0, 3650),
                )?
                .unwrap_or(default.partition_horizon_days),
            alerts: self.alerts(&raw.alerts)?,
            ascii: self
                .word("ui.ascii", raw.ui.ascii.as_ref(), ASCII)?
                .unwrap_or(default.ascii),
            color: self
                .word("ui.color", raw.ui.color.as_ref(), COLOR)?
                .unwrap_or(default.color),
            bell_critical: self
                .word("ui.bell.critical", raw.ui.bell.critical.as_ref(), BELL)?
                .unwrap_or(default.bell_critical),
            bell_warning: self
                .word("ui.bell.warning", raw.ui.bell.warning.as_ref(), BELL)?
                .unwrap_or(default.bell_warning),
            keys: raw
                .keys
                .into_iter()
                .map(|(action, keys)| (action, keys.into_list()))
                .collect(),
            clusters: self.clusters(raw.cluster)?,
            ..default
        })
    }

    fn paces(&self, intervals: &Tiers, budgets: &Tiers, default: [Pace; 4]) -> Result<[Pace; 4], ConfigError> {
        let mut paces = default;
        let times = intervals.in_order().into_iter().zip(budgets.in_order());
        for ((pace, (name, range)), (interval, budget)) in paces.iter_mut().zip(TIERS).zip(times) {
            if let Some(interval) = self.time(&format!("sample_intervals.{name}"), interval, range)? {
                pace.interval = interval;
            }
            if let Some(budget) = self.time(&format!("budgets.{name}"), budget, BUDGET)? {
                pace.budget = budget;
            }
        }
        Ok(paces)
    }

    fn time(&self, key: &str, time: Option<&Spanned<Time>>, range: Range) -> Result<Option<Duration>, ConfigError> {
        let Some(spanned) = time else {
            return Ok(None);
        };
        let time = spanned.get_ref();
        let duration = time.duration().filter(|duration| range.holds(*duration));
        let wrong = || self.value(key, time.written(), range.words(said), spanned);
        duration.map(Some).ok_or_else(wrong)
    }

    fn millis(&self, key: &str, millis: Option<&Spanned<i64>>, range: Range) -> Result<Option<Duration>, ConfigError> {
        let Some(spanned) = millis else {
            return Ok(None);
        };
        let duration = u64::try_from(*spanned.get_ref()).ok().map(Duration::from_millis);
        let wrong = || {
            let expected = range.words(|duration| duration.as_millis().to_string());
            self.value(key, spanned.get_ref().to_string(), expected, spanned)
        };
        let duration = duration.filter(|duration| range.holds(*duration));
        duration.map(Some).ok_or_else(wrong)
    }

    fn number(
        &self,
        key: &str,
        number: Option<&Spanned<i64>>,
        (least, most): (u32, u32),
    ) -> Result<Option<u32>, ConfigError> {
        let Some(spanned) = number else {
            return Ok(None);
        };
        let wrong = || {
            let written = spanned.get_ref().to_string();
            self.value(key, written, format!("{least} to {most}"), spanned)
        };
        let number = u32::try_from(*spanned.get_ref()).ok();
        let number = number.filter(|number| (least..=most).contains(number));
        number.map(Some).ok_or_else(wrong)
    }

    fn word<T: Copy>(
        &self,
        key: &str,
        word: Option<&Spanned<String>>,
        words: &[(&str, T)],
    ) -> Result<Option<T>, ConfigError> {
        let Some(spanned) = word else {
            return Ok(None);
        };
        let word = spanned.get_ref();
        let wrong = || {
            let names: Vec<String> = words.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            self.value(key, format!("\"{word}\""), names.join(", "), spanned)
        };
        let found = words.iter().find(|(name, _)| name == word);
        found.map(|(_, meaning)| Some(*meaning)).ok_or_else(wrong)
    }

    fn alerts(&self, raw: &BTreeMap<Spanned<String>, Spanned<raw::Limit>>) -> Result<Alerts, ConfigError> {
        let mut alerts = Alerts::default();
        for (name, value) in raw {
            let written = match value.get_ref() {
                raw::Limit::Rules(ids) if name.get_ref() == DISABLED => {
                    alerts.disabled = ids.iter().cloned().collect();
                    continue;
                }
                raw::Limit::Rules(_) => None,
                #[expect(clippy::cast_precision_loss, reason = "no limit reaches 2^53")]
                raw::Limit::Whole(number) => Some(*number as f64),
                raw::Limit::Number(number) => Some(*number),
            };
            if name.get_ref() == DISABLED {
                let said = written.map_or_else(String::new, |number| number.to_string());
                return Err(self.value("alerts.disabled", said, "a list of rules".to_owned(), value));
            }
            let limit = self.limit(name)?;
            let wrong = || {
                let said = written.map_or("a list".to_owned(), |number| number.to_string());
                let (least, most) = (limit.range.start(), limit.range.end());
                let expected = format!("{least} to {most} ({})", limit.unit.name());
                self.value(&format!("alerts.{}", limit.name), said, expected, value)
            };
            let number = written
                .filter(|number| limit.range.contains(number))
                .ok_or_else(wrong)?;
            *(limit.at)(&mut alerts) = number;
        }
        self.in_order(&alerts, raw).map(|()| alerts)
    }

    fn limit(&self, name: &Spanned<String>) -> Result<&'static Limit, ConfigError> {
        let known = LIMITS.iter().map(|limit| limit.name).chain([DISABLED]);
        let word = name.get_ref();
        let unknown = || ConfigError::Syntax {
            place: self.place(name.span().start),
            message: format!("alerts.{word} is unknown"),
            hint: nearest(word, known).map(|known| format!("; did you mean \"{known}\"?")),
        };
        LIMITS.iter().find(|limit| limit.name == word).ok_or_else(unknown)
    }

    /// A critical limit that is milder than its warning is a mistake, not a wish.
    fn in_order(
        &self,
        alerts: &Alerts,
        raw: &BTreeMap<Spanned<String>, Spanned<raw::Limit>>,
    ) -> Result<(), ConfigError> {
        let Some(warning) = LIMITS.iter().find(|limit| limit.is_crossed(alerts)) else {
            return Ok(());
        };
        let critical = warning.critical().unwrap_or(warning);
        let places = raw
            .iter()
            .filter(|(name, _)| [warning.name, critical.name].contains(&name.get_ref().as_str()));
        let start = places.map(|(name, _)| name.span().start).min().unwrap_or_default();
        Err(ConfigError::Syntax {
            place: self.place(start),
            message: format!(
                "alerts.{} = {} is milder than alerts.{} = {}: it would be critical before it is a warning",
                critical.name,
                (critical.of)(alerts),
                warning.name,
                (warning.of)(alerts)
            ),
            hint: None,
        })
    }

    /// A theme's name becomes a file name, so it must not be a path.
    fn theme(&self, theme: Option<&Spanned<String>>) -> Result<Option<String>, ConfigError> {
        let Some(spanned) = theme else {
            return Ok(None);
        };
        let name = spanned.get_ref();
        if is_theme_name(name) {
            return Ok(Some(name.clone()));
        }
        let expected = "a theme's name: letters, digits, \"-\" and \"_\"".to_owned();
        Err(self.value("ui.theme", format!("\"{name}\""), expected, spanned))
    }

    fn clusters(&self, raw: BTreeMap<String, raw::Cluster>) -> Result<BTreeMap<String, Cluster>, ConfigError> {
        raw.into_iter()
            .map(|(name, cluster)| {
                let dsn = cluster.dsn.map(|dsn| self.dsn(&name, dsn)).transpose()?;
                let cluster = Cluster {
                    label: cluster.label,
                    dsn,
                    service: cluster.service,
                };
                Ok((name, cluster))
            })
            .collect()
    }

    fn dsn(&self, cluster: &str, dsn: Spanned<String>) -> Result<Secret, ConfigError> {
        let place = self.place(dsn.span().start);
        let dsn = dsn.into_inner();
        let values = parse::connection_string(&dsn, &Origin::Cluster(cluster.to_owned()));
        let values = values.map_err(|error| ConfigError::Dsn {
            place: place.clone(),
            reason: error.to_string(),
        })?;
        let secret = values.text("password").or_else(|| values.text("sslpassword"));
        if secret.is_some() && !self.private {
            let cluster = cluster.to_owned();
            return Err(ConfigError::Exposed { place, cluster });
        }
        Ok(Secret::new(dsn))
    }

    fn value<T>(&self, key: &str, value: String, expected: String, spanned: &Spanned<T>) -> ConfigError {
        ConfigError::Value {
            place: self.place(spanned.span().start),
            key: key.to_owned(),
            value,
            expected,
        }
    }

    /// serde's message for an unknown key is "unknown field `x`, expected one of `a`, `b`": the nearest of them is
    /// what was meant.
    fn syntax(&self, error: &toml::de::Error) -> ConfigError {
        let message = without_text(error.message()).replace('\n', ", ").replace('`', "\"");
        let mut quoted = message.split('"').skip(1).step_by(2);
        let hint = (message.starts_with("unknown field"))
            .then(|| quoted.next())
            .flatten()
            .and_then(|unknown| nearest(unknown, quoted))
            .map(|known| format!("; did you mean \"{known}\"?"));
        ConfigError::Syntax {
            place: self.place(error.span().map_or(0, |span| span.start)),
            message,
            hint,
        }
    }

    fn place(&self, offset: usize) -> Place {
        Place::at(self.file.to_owned(), self.text, offset)
    }
}

/// serde repeats a text that stands in the wrong place; it may be a connection string.
fn without_text(message: &str) -> String {
    match message.rsplit_once(", expected ") {
        Some((before, expected)) if before.starts_with("invalid type: string") => {
            format!("invalid type: a text, expected {expected}")
        }
        _ => message.to_owned(),
    }
}

const ASCII: &[(&str, Ascii)] = &[("auto", Ascii::Auto), ("on", Ascii::On), ("off", Ascii::Off)];

const BELL: &[(&str, Bell)] = &[
    ("off", Bell::Off),
    ("bell", Bell::Bell),
    ("notify", Bell::Notify),
    ("both", Bell::Both),
];

const COLOR: &[(&str, Color)] = &[
    ("auto", Color::Auto),
    ("truecolor", Color::TrueColor),
    ("256", Color::Ansi256),
    ("16", Color::Ansi16),
    ("never", Color::Never),
];

/// The hot tier's interval as a person types it: seconds, or with a unit.
///
/// # Errors
/// A sentence with the range.
pub fn hot_interval(text: &str) -> Result<Duration, String> {
    let [(_, range), ..] = TIERS;
    duration(text)
        .filter(|duration| range.holds(*duration))
        .ok_or_else(|| range.words(said))
}

/// Whether a text can be the name of a theme, and so of a file without a path.
#[must_use]
pub fn is_theme_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

impl Range {
    fn holds(self, duration: Duration) -> bool {
        self.least <= duration && duration <= self.most
    }

    fn words(self, say: impl Fn(Duration) -> String) -> String {
        format!("{} to {}", say(self.least), say(self.most))
    }
}

impl Tiers {
    fn in_order(&self) -> [Option<&Spanned<Time>>; 4] {
        [&self.hot_path, &self.workload, &self.storage, &self.hourly].map(Option::as_ref)
    }
}

impl Keys {
    fn into_list(self) -> Vec<String> {
        match self {
            Self::One(key) => vec![key],
            Self::Several(keys) => keys,
        }
    }
}

impl Time {
    fn duration(&self) -> Option<Duration> {
        match self {
            Self::Whole(seconds) => u64::try_from(*seconds).ok().map(Duration::from_secs),
            Self::Seconds(seconds) => Duration::try_from_secs_f64(*seconds).ok(),
            Self::Text(text) => duration(text),
        }
    }

    fn written(&self) -> String {
        match self {
            Self::Whole(seconds) => seconds.to_string(),
            Self::Seconds(seconds) => seconds.to_string(),
            Self::Text(text) => format!("\"{text}\""),
        }
    }
}

/// Units as PostgreSQL writes them.
const UNITS: [(&str, f64); 5] = [("ms", 0.001), ("s", 1.0), ("min", 60.0), ("h", 3600.0), ("d", 86400.0)];

/// `2`, `0.5s`, `500ms`, `10 min`.
fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let scale = match unit {
        "" => 1.0,
        unit => UNITS.iter().find(|(name, _)| *name == unit)?.1,
    };
    let number: f64 = number.trim_end().parse().ok()?;
    Duration::try_from_secs_f64(number * scale).ok()
}

/// A time in the largest unit that makes it a whole number.
fn said(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        _ if duration.subsec_millis() > 0 => format!("{} ms", duration.as_millis()),
        _ if seconds.is_multiple_of(86400) => format!("{} d", seconds / 86400),
        _ if seconds.is_multiple_of(3600) => format!("{} h", seconds / 3600),
        _ if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}
