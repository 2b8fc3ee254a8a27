//! The settings of our sessions. They travel as startup `options`, so that a poll is one round trip and leaves no
//! `SET` in anybody's `pg_stat_statements`; behind a pooler that refuses or drops options they travel as
//! `SET LOCAL` in the transaction of each statement. Never as a plain `SET` there: it would leak into the
//! sessions of other clients.

use std::time::Duration;

use super::{Lane, explain};
use crate::config::Settings;
use crate::pg::quote::literal;
use crate::probe::Tier;

/// How long a transaction of ours may sit idle if this program is stopped in the middle of a pooled batch.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(10);

/// First major version with `stats_fetch_consistency`.
const STATS_FETCH_CONSISTENCY: u32 = 15;

/// What opens every transaction of ours.
pub(super) const BEGIN: &str = "BEGIN READ ONLY";

/// Travels with the startup options unless the server's own default is to be seen first.
const READ_ONLY: (&str, &str) = ("default_transaction_read_only", "on");

/// The settings of one connection, by name, in the order they are sent.
pub(super) struct Setup {
    settings: Vec<(&'static str, String)>,
    lock_timeout: Duration,
}

impl Setup {
    /// What a lane wants.
    pub(super) fn new(lane: Lane, settings: &Settings) -> Self {
        let ms = |duration: Duration| duration.as_millis().to_string();
        let list = [
            ("statement_timeout", ms(statement_timeout(lane, settings))),
            ("lock_timeout", ms(settings.lock_timeout)),
            ("idle_in_transaction_session_timeout", ms(IDLE_IN_TRANSACTION)),
            ("max_parallel_workers_per_gather", "0".to_owned()),
            ("jit", "off".to_owned()),
            ("search_path", "pg_catalog".to_owned()),
            ("TimeZone", "UTC".to_owned()),
            ("DateStyle", "ISO".to_owned()),
            ("IntervalStyle", "postgres".to_owned()),
        ];
        Self {
            settings: list.into(),
            lock_timeout: settings.lock_timeout,
        }
    }

    /// The startup `options`: the user's own first, so that ours win.
    ///
    /// `read_only` is false only while `target_session_attrs` needs to see the server's own default.
    pub(super) fn options(&self, own: Option<&str>, read_only: bool) -> String {
        let ours = self.settings.iter().map(|(name, value)| format!("-c {name}={value}"));
        own.filter(|text| !text.trim().is_empty())
            .map(str::to_owned)
            .into_iter()
            .chain(ours)
            .chain(read_only.then(|| "-c default_transaction_read_only=on".to_owned()))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// What opens the transaction of one statement behind a pooler. `server` is its major version and whether
    /// the database is `SQL_ASCII`, as far as it is known yet.
    pub(super) fn begin(&self, server: Option<(u32, bool)>) -> String {
        let locals = self
            .settings
            .iter()
            .map(|(name, value)| format!("SET LOCAL {name} = {}", literal(value)));
        let late = server.map(|(major, ascii)| late(major, ascii)).unwrap_or_default();
        let late = late
            .into_iter()
            .map(|(name, value)| format!("SET LOCAL {name} = {value}"));
        std::iter::once(BEGIN.to_owned())
            .chain(locals)
            .chain(late)
            .collect::<Vec<_>>()
            .join("; ")
    }

    /// What can only be set once the server is known, in a session that is ours alone; empty if nothing.
    pub(super) fn late(major: u32, ascii: bool, read_only: bool) -> String {
        late(major, ascii)
            .into_iter()
            .chain((!read_only).then_some(READ_ONLY))
            .map(|(name, value)| format!("SET {name} = {value}"))
            .collect::<Vec<_>>()
            .join("; ")
    }

    /// True if the server runs with our `lock_timeout`, given as `pg_settings.setting` (ms): it took the options.
    pub(super) fn took_options(&self, lock_timeout_ms: i64) -> bool {
        i64::try_from(self.lock_timeout.as_millis()) == Ok(lock_timeout_ms)
    }
}

/// Everything a session sends besides the questions of `queries/`: what it is for, and the statements. With names in `<>`
/// where parts of a statement differ.
#[must_use]
pub fn besides(settings: &Settings) -> Vec<(String, String)> {
    let [fast, slow] = [Lane::Fast, Lane::Slow].map(|lane| Setup::new(lane, settings));
    let setting = |(name, value): &(&str, &str)| format!("SET {name} = {value}");
    let since = late(STATS_FETCH_CONSISTENCY, false);
    let ascii = late(0, true);
    let lines = |settings: &[(&'static str, &'static str)]| settings.iter().map(setting).collect::<Vec<_>>().join("; ");
    vec![
        (
            format!(
                "Once a session, from version {STATS_FETCH_CONSISTENCY} on. Its other settings travel as startup options:\n\
                 -- the first connection: {}\n-- the second: {}",
                fast.options(None, true),
                slow.options(None, true)
            ),
            lines(&since),
        ),
        ("Once a session in a SQL_ASCII database".to_owned(), lines(&ascii)),
        (
            "Once a session where target_session_attrs had to see the server's own default".to_owned(),
            lines(&[READ_ONLY]),
        ),
        (
            format!(
                "Around each statement behind a transaction pooler, where none of the above is sent, and around the one that \
                 asks\n-- for the role and the settings in a SQL_ASCII database. The second connection has its own \
                 statement_timeout,\n-- stats_fetch_consistency is set from version {STATS_FETCH_CONSISTENCY} on and \
                 client_encoding for SQL_ASCII only"
            ),
            format!(
                "{};\n<the statement>;\nCOMMIT",
                fast.begin(Some((STATS_FETCH_CONSISTENCY, true)))
            ),
        ),
        (
            "On the page of a statement, on p: its generic plan. Plans, and runs nothing of it".to_owned(),
            explain::form(),
        ),
    ]
}

/// A `SQL_ASCII` database converts nothing, so a text that is no UTF-8 would fail the whole statement under any
/// other `client_encoding`; our own decoding takes every byte.
fn late(major: u32, ascii: bool) -> Vec<(&'static str, &'static str)> {
    let consistency = (major >= STATS_FETCH_CONSISTENCY).then_some(("stats_fetch_consistency", "none"));
    let encoding = ascii.then_some(("client_encoding", "SQL_ASCII"));
    consistency.into_iter().chain(encoding).collect()
}

fn statement_timeout(lane: Lane, settings: &Settings) -> Duration {
    match lane {
        Lane::Fast => settings.statement_timeout,
        Lane::Slow => settings
            .pace(Tier::Storage)
            .budget
            .max(settings.pace(Tier::Hourly).budget)
            .max(settings.measure_timeout),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(lane: Lane) -> Setup {
        Setup::new(lane, &Settings::default())
    }

    #[test]
    fn the_users_options_come_first_so_that_ours_win() {
        let options = setup(Lane::Fast).options(Some("-c geqo=off"), true);
        assert!(
            options.starts_with("-c geqo=off -c statement_timeout=3000 -c lock_timeout=200 "),
            "{options}"
        );
        assert!(options.ends_with(" -c default_transaction_read_only=on"), "{options}");
        assert!(!setup(Lane::Fast).options(None, false).contains("read_only"));
    }

    #[test]
    fn the_slow_lane_may_take_as_long_as_its_longest_budget() {
        assert!(
            setup(Lane::Slow)
                .options(None, true)
                .starts_with("-c statement_timeout=60000 ")
        );
    }

    #[test]
    fn a_pooled_statement_sets_nothing_that_outlives_it() {
        let begin = setup(Lane::Fast).begin(Some((16, true)));
        assert!(
            begin.starts_with("BEGIN READ ONLY; SET LOCAL statement_timeout = '3000'; "),
            "{begin}"
        );
        assert!(
            begin.ends_with("; SET LOCAL stats_fetch_consistency = none; SET LOCAL client_encoding = SQL_ASCII"),
            "{begin}"
        );
        assert!(
            begin.split("; ").skip(1).all(|part| part.starts_with("SET LOCAL ")),
            "{begin}"
        );
    }

    #[test]
    fn late_settings_follow_the_server() {
        assert_eq!(Setup::late(14, false, true), "");
        assert_eq!(Setup::late(15, false, true), "SET stats_fetch_consistency = none");
        assert_eq!(
            Setup::late(12, true, false),
            "SET client_encoding = SQL_ASCII; SET default_transaction_read_only = on"
        );
    }
}
