//! What makes autovacuum come, as `relation_needs_vacanalyze` in autovacuum.c decides it: three counters against
//! three thresholds, and what keeps it from coming.

use std::collections::BTreeMap;

use super::rates::float;
use crate::probe::autovacuum::{Queue, Setting, Table};
use crate::probe::progress::Progress;

/// `pg_statistic`: the one table that ANALYZE refuses.
const PG_STATISTIC: u32 = 2619;
/// Vacuumed within so many naptimes and over the threshold again: it will not help to wait.
const AGAIN_NAPTIMES: f64 = 2.0;
/// Over the threshold for so many naptimes with a free worker: something makes autovacuum pass it over.
const STARVED_NAPTIMES: f64 = 5.0;

/// What a threshold starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// VACUUM because of dead rows.
    Vacuum,
    /// VACUUM because of inserted rows (13+).
    Insert,
    /// ANALYZE because of changes.
    Analyze,
}

impl Work {
    /// In a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vacuum => "vacuum",
            Self::Insert => "insert",
            Self::Analyze => "analyze",
        }
    }
}

/// How far a table is on the way to one threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distance {
    /// What it starts.
    pub work: Work,
    /// Rows counted.
    pub count: i64,
    /// Rows that have to be exceeded.
    pub at: f64,
}

impl Distance {
    /// Count by threshold: above 1 exactly when the count is above the threshold, which may be 0.
    #[must_use]
    pub fn share(&self) -> f64 {
        (float(self.count) / self.at.max(0.5)).max(0.0)
    }

    /// The threshold is exceeded.
    #[must_use]
    pub fn over(&self) -> bool {
        float(self.count) > self.at
    }
}

/// Rows by the last VACUUM or ANALYZE; what was never counted counts as 0, as autovacuum does it.
fn tuples(table: &Table) -> f64 {
    table.reltuples.max(0.0)
}

/// The share of pages that are not all-frozen (18+): only they count for the threshold of inserts.
#[must_use]
pub fn unfrozen(table: &Table) -> f64 {
    match table.relallfrozen {
        Some(frozen) if table.relpages > 0 => 1.0 - float(frozen.clamp(0, table.relpages)) / float(table.relpages),
        _ => 1.0,
    }
}

/// The threshold of dead rows.
#[must_use]
pub fn vacuum_at(table: &Table) -> f64 {
    let at = table.vacuum_base + table.vacuum_scale * tuples(table);
    table.vacuum_max.map_or(at, |most| at.min(most))
}

/// The threshold of inserted rows; `None` where inserts alone start nothing.
#[must_use]
pub fn insert_at(table: &Table) -> Option<f64> {
    Some(table.insert_base? + table.insert_scale? * tuples(table) * unfrozen(table))
}

/// The threshold of changed rows.
#[must_use]
pub fn analyze_at(table: &Table) -> f64 {
    table.analyze_base + table.analyze_scale * tuples(table)
}

/// A partitioned table: it has no rows of its own, and autovacuum never analyzes it.
#[must_use]
pub fn is_parent(table: &Table) -> bool {
    table.relkind == "p"
}

/// All thresholds that exist for a table.
#[must_use]
pub fn distances(table: &Table) -> Vec<Distance> {
    let vacuum = Distance {
        work: Work::Vacuum,
        count: table.dead,
        at: vacuum_at(table),
    };
    let insert = table.inserted.zip(insert_at(table)).map(|(count, at)| Distance {
        work: Work::Insert,
        count,
        at,
    });
    let analyze = Distance {
        work: Work::Analyze,
        count: table.modified,
        at: analyze_at(table),
    };
    let analyzed = table.relkind != "t" && table.relid != PG_STATISTIC;
    let vacuums = [Some(vacuum), insert]
        .into_iter()
        .flatten()
        .filter(|_| !is_parent(table));
    vacuums.chain(analyzed.then_some(analyze)).collect()
}

/// The threshold it is nearest to, or farthest beyond.
#[must_use]
pub fn due(table: &Table) -> Option<Distance> {
    distances(table)
        .into_iter()
        .max_by(|a, b| a.share().total_cmp(&b.share()))
}

/// Share of the rows that are dead, 0 to 1; `None` of an empty table.
#[must_use]
pub fn dead_share(table: &Table) -> Option<f64> {
    let all = table.live.saturating_add(table.dead);
    (all > 0).then(|| float(table.dead) / float(all))
}

/// Rows changed since the last ANALYZE by the rows there are: how stale the statistics are, whatever their age.
/// `None` for what has no statistics.
#[must_use]
pub fn changed(table: &Table) -> Option<f64> {
    if table.relkind == "t" {
        return None;
    }
    let rows = table.leaves.unwrap_or(float(table.live)).max(tuples(table)).max(1.0);
    Some(float(table.modified.max(0)) / rows)
}

/// What comes next for a table, and what is in the way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum State {
    /// Below its thresholds.
    Near,
    /// Some process vacuums or analyzes it now.
    Running(i32),
    /// A partitioned table: only an ANALYZE by hand renews its statistics.
    ByHand,
    /// Autovacuum, or what it counts by, is off for the whole server.
    Off,
    /// `autovacuum_enabled = false`.
    Disabled,
    /// All workers are busy.
    NoWorker,
    /// It was vacuumed just now and is over the threshold again: fast changes, or rows the xmin horizon keeps.
    Again,
    /// A worker is free and nobody has come for so many seconds: a lock on it makes autovacuum skip it, most likely.
    Starved(f64),
    /// Within a naptime or two.
    Next,
}

impl State {
    /// In a few words.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Near => "below".to_owned(),
            Self::Running(pid) => format!("runs, pid {pid}"),
            Self::ByHand => "by hand only".to_owned(),
            Self::Off => "autovacuum off".to_owned(),
            Self::Disabled => "disabled".to_owned(),
            Self::NoWorker => "no free worker".to_owned(),
            Self::Again => "again".to_owned(),
            Self::Starved(_) => "passed over".to_owned(),
            Self::Next => "next".to_owned(),
        }
    }

    /// It is over a threshold and nobody will come.
    #[must_use]
    pub const fn stuck(self) -> bool {
        matches!(self, Self::Off | Self::Disabled | Self::NoWorker | Self::Starved(_))
    }
}

/// What is going on besides the counters.
#[derive(Clone, Debug, Default)]
pub struct Present {
    /// Busy workers; `None` where they are hidden.
    pub busy: Option<usize>,
    /// The pid at work on a relation of the connected database.
    pub running: BTreeMap<u32, i32>,
    /// The server's clock when the tables were counted.
    pub now: Option<f64>,
}

impl Present {
    /// What is known of workers and commands; relations of other databases have no name and are left out.
    #[must_use]
    pub fn of(busy: Option<usize>, commands: &[Progress], now: f64) -> Self {
        let serves =
            |command: &&Progress| matches!(command.command.as_deref(), Some("VACUUM" | "VACUUM FULL" | "ANALYZE"));
        let here = commands.iter().filter(serves).filter(|command| command.name.is_some());
        Self {
            busy,
            now: Some(now),
            running: here.filter_map(|command| Some((command.relid?, command.pid))).collect(),
        }
    }

    /// No worker is left.
    #[must_use]
    pub fn saturated(&self, setting: &Setting) -> bool {
        let most = usize::try_from(setting.workers()).unwrap_or_default();
        self.busy.is_some_and(|busy| busy >= most)
    }
}

/// What comes next for a table.
#[must_use]
pub fn state(table: &Table, setting: &Setting, present: &Present) -> State {
    if let Some(pid) = present.running.get(&table.relid) {
        return State::Running(*pid);
    }
    let Some(due) = due(table).filter(Distance::over) else {
        return State::Near;
    };
    if is_parent(table) {
        return State::ByHand;
    }
    let last = match due.work {
        Work::Vacuum | Work::Insert => table.autovacuum_s,
        Work::Analyze => table.autoanalyze_s,
    };
    if !setting.active {
        State::Off
    } else if !table.enabled {
        State::Disabled
    } else if present.saturated(setting) {
        State::NoWorker
    } else if last.is_some_and(|last| last < setting.naptime_s * AGAIN_NAPTIMES) {
        State::Again
    } else {
        let waits = present.now.zip(table.over_since).map(|(now, since)| now - since);
        waits
            .filter(|waits| *waits > setting.naptime_s * STARVED_NAPTIMES)
            .map_or(State::Next, State::Starved)
    }
}

/// Tables over a threshold to which nobody will come, among all tables; those that are passed over among the listed
/// ones only.
#[must_use]
pub fn stuck(queue: &Queue, present: &Present) -> i64 {
    let totals = &queue.totals;
    if !queue.setting.active || present.saturated(&queue.setting) {
        return totals.over;
    }
    let starved = |table: &&Table| matches!(state(table, &queue.setting, present), State::Starved(_));
    let starved = queue.tables.iter().filter(starved).count();
    totals
        .over_disabled
        .saturating_add(i64::try_from(starved).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::probe::autovacuum::Totals;

    fn table() -> Table {
        Table {
            relid: 16_384,
            relkind: "r".to_owned(),
            reltuples: 100_000.0,
            relpages: 1000,
            enabled: true,
            vacuum_base: 50.0,
            vacuum_scale: 0.2,
            insert_base: Some(1000.0),
            insert_scale: Some(0.2),
            analyze_base: 50.0,
            analyze_scale: 0.1,
            inserted: Some(0),
            ..Table::default()
        }
    }

    fn setting() -> Setting {
        Setting {
            active: true,
            max_workers: 3,
            naptime_s: 60.0,
            ..Setting::default()
        }
    }

    #[test]
    fn thresholds_of_the_documentation() {
        let mut table = table();
        assert_eq!(
            (vacuum_at(&table), insert_at(&table), analyze_at(&table)),
            (20_050.0, Some(21_000.0), 10_050.0)
        );
        table.reltuples = -1.0;
        assert_eq!(
            (vacuum_at(&table), insert_at(&table), analyze_at(&table)),
            (50.0, Some(1000.0), 50.0)
        );
        table.insert_base = None;
        assert_eq!(insert_at(&table), None);
    }

    #[test]
    fn version_18_caps_dead_rows_and_leaves_frozen_pages_out() {
        let huge = Table {
            reltuples: 1e9,
            vacuum_max: Some(100_000_000.0),
            relallfrozen: Some(750),
            ..table()
        };
        assert_eq!(
            (vacuum_at(&huge), insert_at(&huge)),
            (1e8, Some(1000.0 + 0.2 * 1e9 * 0.25))
        );
        let frozen = |relallfrozen, relpages| Table {
            relpages,
            relallfrozen,
            ..table()
        };
        let shares = [(Some(2000), 1000), (Some(1), 0), (None, 10)].map(|(all, pages)| unfrozen(&frozen(all, pages)));
        assert_eq!(shares.map(|share| share > 0.5), [false, true, true], "{shares:?}");
    }

    #[test]
    fn toast_and_pg_statistic_are_never_analyzed_and_a_parent_only_that() {
        let works = |table: &Table| distances(table).iter().map(|d| d.work).collect::<Vec<_>>();
        assert_eq!(works(&table()), [Work::Vacuum, Work::Insert, Work::Analyze]);
        assert_eq!(
            works(&Table {
                relkind: "t".into(),
                ..table()
            }),
            [Work::Vacuum, Work::Insert]
        );
        assert_eq!(
            works(&Table {
                relid: PG_STATISTIC,
                ..table()
            }),
            [Work::Vacuum, Work::Insert]
        );
        assert_eq!(
            works(&Table {
                relkind: "p".into(),
                ..table()
            }),
            [Work::Analyze]
        );
        assert_eq!(
            works(&Table {
                inserted: None,
                ..table()
            }),
            [Work::Vacuum, Work::Analyze],
            "12"
        );
    }

    #[rstest]
    #[case::below(20_050, State::Near)]
    #[case::above(20_051, State::Next)]
    fn over_is_more_than_the_threshold(#[case] dead: i64, #[case] expected: State) {
        let table = Table { dead, ..table() };
        assert_eq!(state(&table, &setting(), &Present::default()), expected);
    }

    #[test]
    fn an_untouched_table_is_calm_whatever_its_age() {
        let table = Table {
            reltuples: -1.0,
            analyze_s: Some(1e9),
            ..table()
        };
        assert_eq!(due(&table).map(|due| due.share()), Some(0.0));
        assert_eq!(state(&table, &Setting::default(), &Present::default()), State::Near);
        assert_eq!(changed(&table), Some(0.0));
    }

    #[test]
    fn what_is_in_the_way() {
        let over = Table {
            dead: 30_000,
            ..table()
        };
        let three = Present::of(Some(3), &[], 1000.0);
        let at = |pid| Present {
            running: [(16_384, pid)].into(),
            ..Present::default()
        };
        let now = |table: &Table, setting: &Setting, present: &Present| state(table, setting, present);
        assert_eq!(now(&over, &Setting::default(), &three), State::Off);
        assert_eq!(
            now(
                &Table {
                    enabled: false,
                    ..over.clone()
                },
                &setting(),
                &three
            ),
            State::Disabled
        );
        assert_eq!(now(&over, &setting(), &three), State::NoWorker);
        assert_eq!(now(&over, &setting(), &at(7)), State::Running(7));
        let again = Table {
            autovacuum_s: Some(70.0),
            ..over.clone()
        };
        assert_eq!(
            now(&again, &setting(), &Present::of(Some(2), &[], 1000.0)),
            State::Again
        );
        let waits = |since| Table {
            over_since: Some(since),
            ..over.clone()
        };
        let free = Present::of(Some(2), &[], 1000.0);
        assert_eq!(now(&waits(700.0), &setting(), &free), State::Next);
        assert_eq!(now(&waits(600.0), &setting(), &free), State::Starved(400.0));
        let parent = Table {
            relkind: "p".into(),
            modified: 20_000,
            ..over
        };
        assert_eq!(now(&parent, &setting(), &three), State::ByHand);
    }

    #[test]
    fn only_vacuum_and_analyze_in_this_database_do_its_work() {
        let command = |pid, command: &str, name: Option<&str>| Progress {
            pid,
            relid: Some(16_384),
            command: Some(command.into()),
            name: name.map(|name| ("public".into(), name.into())),
            ..Progress::default()
        };
        let running = |commands: &[Progress]| Present::of(None, commands, 1000.0).running.get(&16_384).copied();
        assert_eq!(running(&[command(7, "VACUUM", Some("t"))]), Some(7));
        assert_eq!(running(&[command(7, "CREATE INDEX", Some("t"))]), None);
        assert_eq!(
            running(&[command(7, "ANALYZE", None)]),
            None,
            "the same oid in another database"
        );
    }

    #[test]
    fn the_tab_counts_those_to_which_nobody_comes() {
        let queue = |active| Queue {
            epoch: 1000.0,
            setting: Setting { active, ..setting() },
            totals: Totals {
                over: 9,
                over_disabled: 2,
                ..Totals::default()
            },
            ..Queue::default()
        };
        assert_eq!(stuck(&queue(true), &Present::of(Some(2), &[], 1000.0)), 2);
        assert_eq!(stuck(&queue(true), &Present::of(Some(3), &[], 1000.0)), 9);
        assert_eq!(
            stuck(&queue(true), &Present::of(None, &[], 1000.0)),
            2,
            "hidden workers are no proof"
        );
        assert_eq!(stuck(&queue(false), &Present::of(Some(0), &[], 1000.0)), 9);
    }

    proptest! {
        #[test]
        fn a_share_is_above_one_exactly_when_it_is_over(count in 0..1_000_000i64, at in 0.0..1e6f64) {
            let distance = Distance { work: Work::Vacuum, count, at };
            prop_assert_eq!(distance.share() > 1.0, distance.over());
        }
    }
}
