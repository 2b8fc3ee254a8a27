//! What the workers of autovacuum do, by their own words in `pg_stat_activity.query` (`autovac_report_activity` and
//! `autovac_report_workitem` in autovacuum.c).

use crate::probe::activity::Backend;

/// What their words begin and end with.
const BEGIN: &str = "autovacuum: ";
const FORCED: &str = " (to prevent wraparound)";

/// What a worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task<'a> {
    /// `VACUUM`, `VACUUM ANALYZE`, `ANALYZE`, `BRIN summarize`.
    pub command: &'a str,
    /// `schema.name`, without quotes.
    pub target: &'a str,
    /// It is to prevent wraparound: it gives way to nobody.
    pub forced: bool,
}

/// A worker.
#[derive(Clone, Copy, Debug)]
pub struct Worker<'a> {
    /// Its process.
    pub backend: &'a Backend,
    /// What it does; `None` between two tables, and where it is hidden.
    pub task: Option<Task<'a>>,
}

/// What a worker's words say.
#[must_use]
pub fn task(query: &str) -> Option<Task<'_>> {
    let what = query.strip_prefix(BEGIN)?;
    let (what, forced) = match what.strip_suffix(FORCED) {
        Some(what) => (what, true),
        None => (what, false),
    };
    // The longest first: the first word of one is another.
    let commands = ["VACUUM ANALYZE", "VACUUM", "ANALYZE", "BRIN summarize"];
    commands.into_iter().find_map(|command| {
        let target = what.strip_prefix(command)?.strip_prefix(' ')?;
        Some(Task {
            command,
            target,
            forced,
        })
    })
}

/// All workers, whoever has been at its table for longest first.
#[must_use]
pub fn workers(backends: &[Backend]) -> Vec<Worker<'_>> {
    let mut workers: Vec<_> = backends
        .iter()
        .filter(|backend| backend.backend_type.as_deref() == Some("autovacuum worker"))
        .map(|backend| Worker {
            backend,
            task: backend.query.as_deref().and_then(task),
        })
        .collect();
    workers.sort_by(|a, b| b.seconds().total_cmp(&a.seconds()));
    workers
}

impl Worker<'_> {
    /// Seconds it has been at this table; 0 between two.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.backend.xact_s.unwrap_or_default()
    }

    /// It waits for a lock on the table.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.backend.wait_event_type.as_deref() == Some("Lock")
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("autovacuum: VACUUM public.t", Some(("VACUUM", "public.t", false)))]
    #[case("autovacuum: VACUUM ANALYZE public.my t", Some(("VACUUM ANALYZE", "public.my t", false)))]
    #[case("autovacuum: ANALYZE public.t", Some(("ANALYZE", "public.t", false)))]
    #[case("autovacuum: VACUUM a.b (to prevent wraparound)", Some(("VACUUM", "a.b", true)))]
    #[case("autovacuum: BRIN summarize public.t 7", Some(("BRIN summarize", "public.t 7", false)))]
    #[case("VACUUM public.t", None)]
    #[case("autovacuum: ", None)]
    #[case("", None)]
    fn a_workers_own_words(#[case] query: &str, #[case] expected: Option<(&str, &str, bool)>) {
        let told = task(query).map(|task| (task.command, task.target, task.forced));
        assert_eq!(told, expected);
    }
}
