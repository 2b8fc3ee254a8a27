//! How far the running commands are: every `pg_stat_progress_*` view this server has.

use std::time::Duration;

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::activity::{redacted, text};
use crate::probe::{Ask, Param, Probe, Spec, Subject, Tier, Wanted};

/// Readings of one phase are kept for so many seconds: long enough for a steady rate, short enough to follow a change.
const WINDOW_S: f64 = 60.0;

/// The panes that show how far something is.
const PANES: [&str; 2] = ["vacuum", "wraparound"];

/// The probe.
pub struct ProgressProbe;

/// One line of a `pg_stat_progress_*` view and what is known of its backend. Ages are seconds by the server's clock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Process id.
    pub pid: i32,
    /// `backend_start` in microseconds since 1970; 0 if hidden.
    pub start: i64,
    /// `client backend`, `autovacuum worker`, `walsender`; `None` when hidden.
    pub backend_type: Option<String>,
    /// `VACUUM`, `CREATE INDEX CONCURRENTLY`, `COPY FROM`, ...; `None` when hidden by privileges.
    pub command: Option<String>,
    /// The phase in the server's words; of a COPY, what it reads or writes (`FILE`, `PIPE`); `None` when hidden.
    pub phase: Option<String>,
    /// Done in this phase.
    pub done: Option<i64>,
    /// To be done in this phase; `None` or 0 when the server does not know.
    pub total: Option<i64>,
    /// What is counted: `blocks`, `tuples`, `bytes`, `indexes`, `lockers`, `statistics`.
    pub unit: Option<String>,
    /// How often VACUUM has gone through the indexes.
    pub rounds: Option<i64>,
    /// Indexes done in this round (17+).
    pub indexes_done: Option<i64>,
    /// Indexes of the table (17+).
    pub indexes_total: Option<i64>,
    /// Dead tuples remembered for the next round.
    pub dead: Option<i64>,
    /// Dead tuples there is room for (until 16).
    pub dead_room: Option<i64>,
    /// Bytes they take (17+).
    pub dead_bytes: Option<i64>,
    /// Bytes there is room for (17+).
    pub dead_room_bytes: Option<i64>,
    /// Milliseconds slept because of the cost limit (18+, with `track_cost_delay_timing`).
    pub delay_ms: Option<f64>,
    /// Partitions, child tables or tablespaces done.
    pub parts_done: Option<i64>,
    /// Partitions, child tables or tablespaces in all; `None` or 0 when there are none.
    pub parts_total: Option<i64>,
    /// The session it waits for in this phase.
    pub locker_pid: Option<i32>,
    /// The database it works in; `None` for a base backup.
    pub database: Option<String>,
    /// The relation.
    pub relid: Option<u32>,
    /// Schema and name of the relation, in the connected database.
    pub name: Option<(String, String)>,
    /// Schema and name of the table it is the TOAST table of.
    pub owner: Option<(String, String)>,
    /// The index it builds or follows, where it can be named.
    pub index: Option<String>,
    /// The server's clock when this was read, in seconds since 1970.
    pub epoch: f64,
    /// Since its statement began; of autovacuum, since it began with this table.
    pub since_s: Option<f64>,
    /// Class of the wait.
    pub wait_event_type: Option<String>,
    /// The wait.
    pub wait_event: Option<String>,
    /// The statement, cut to `Settings::query_text` bytes; `None` when hidden.
    pub query: Option<String>,
    /// This phase as it was read before and now, the oldest first.
    pub marks: Vec<Mark>,
}

/// How far a phase was at some time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// By the server's clock, in seconds since 1970.
    pub epoch: f64,
    /// Done by then.
    pub done: i64,
}

impl Progress {
    /// Share of this phase that is done, 0 to 1; `None` when the server does not know the total.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        let (done, total) = (self.done?, self.total.filter(|total| *total > 0)?);
        #[expect(clippy::cast_precision_loss, reason = "a share for people")]
        Some((done as f64 / total as f64).clamp(0.0, 1.0))
    }

    /// What it works on, as far as it can be named.
    #[must_use]
    pub fn relation(&self) -> Option<String> {
        let qualified = |(schema, name): &(String, String)| format!("{schema}.{name}");
        if let Some(owner) = &self.owner {
            return Some(format!("TOAST of {}", qualified(owner)));
        }
        if let Some(name) = &self.name {
            return Some(qualified(name));
        }
        let (number, place) = (self.relid?, self.database.as_ref()?);
        Some(format!("{place}: {number}"))
    }

    /// Autovacuum's own work.
    #[must_use]
    pub fn is_autovacuum(&self) -> bool {
        self.backend_type.as_deref() == Some("autovacuum worker")
    }

    /// Autovacuum that saves the table from wraparound: it does not give way to a lock request.
    #[must_use]
    pub fn prevents_wraparound(&self) -> bool {
        let query = self.query.as_deref().unwrap_or_default();
        self.is_autovacuum() && query.contains("(to prevent wraparound)")
    }

    /// The same command in the same phase of the same round.
    fn goes_on(&self, before: &Self) -> bool {
        (self.pid, self.start, self.relid, &self.index) == (before.pid, before.start, before.relid, &before.index)
            && (&self.command, &self.phase) == (&before.command, &before.phase)
            && (self.rounds, self.parts_done) == (before.rounds, before.parts_done)
    }

    /// Takes over what was read of this phase before.
    fn remember(&mut self, before: Option<&Self>) {
        let Some(done) = self.done else { return };
        let seen = before.map(|before| before.marks.as_slice()).unwrap_or_default();
        // A count that fell, or a clock that was set back, begins anew.
        let grows = |mark: &&Mark| mark.done <= done && mark.epoch < self.epoch;
        let fits = seen.last().is_none_or(|last| grows(&last));
        let from = seen.iter().rposition(|mark| mark.epoch <= self.epoch - WINDOW_S);
        let kept = seen.iter().skip(from.unwrap_or_default()).filter(|_| fits);
        let now = Mark {
            epoch: self.epoch,
            done,
        };
        self.marks = kept.copied().chain([now]).collect();
    }
}

impl Probe for ProgressProbe {
    type Data = Vec<Progress>;
    const SPEC: Spec = Spec {
        id: "progress",
        title: "how far running commands are",
        why: "All progress views of this server; they are read from shared memory and cost a few milliseconds, most of \
              them for planning, so they are asked every 15 seconds while nobody looks. The share is of the present \
              phase, not of the whole command.",
        tier: Tier::Hot,
        variants: &[
            form!("progress", 18),
            form!("progress", 17),
            form!("progress", 14),
            form!("progress", 13),
            form!("progress"),
        ],
    };
    const REST: Duration = Duration::from_secs(15);

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        vec![Param::Int(i32::try_from(ask.settings.query_text).unwrap_or(i32::MAX))]
    }

    fn wanted(ask: &Ask<'_>) -> Wanted {
        let seen = PANES.contains(&ask.focus.pane) || matches!(ask.focus.subject, Some(Subject::Backend { .. }));
        if !seen && ask.rests::<Self>() {
            Wanted::Keep
        } else {
            Wanted::Yes
        }
    }

    fn redacted(commands: &Vec<Progress>) -> Option<Vec<Progress>> {
        let mut commands = commands.clone();
        for command in &mut commands {
            redacted(&mut command.query, command.backend_type.as_deref());
        }
        Some(commands)
    }

    fn decode(rows: &Rows) -> Result<Vec<Progress>, Fault> {
        rows.iter().map(progress).collect()
    }

    /// Keeps how far each phase was before, for its rate.
    fn fold(known: Option<&Vec<Progress>>, mut answer: Vec<Progress>) -> Vec<Progress> {
        let known = known.map(Vec::as_slice).unwrap_or_default();
        for progress in &mut answer {
            let before = known.iter().find(|before| progress.goes_on(before));
            progress.remember(before);
        }
        answer
    }
}

fn progress(row: Row<'_>) -> Result<Progress, Fault> {
    Ok(Progress {
        pid: row.get("pid")?,
        start: row.get::<Option<i64>>("start_us")?.unwrap_or_default(),
        backend_type: row.text("backend_type")?,
        command: row.text("command")?,
        phase: row.text("phase")?,
        done: row.get("done")?,
        total: row.get("total")?,
        unit: row.text("unit")?,
        rounds: row.get("rounds")?,
        indexes_done: row.get("indexes_done")?,
        indexes_total: row.get("indexes_total")?,
        dead: row.get("dead")?,
        dead_room: row.get("dead_room")?,
        dead_bytes: row.get("dead_bytes")?,
        dead_room_bytes: row.get("dead_room_bytes")?,
        delay_ms: row.get("delay_ms")?,
        parts_done: row.get("parts_done")?,
        parts_total: row.get("parts_total")?,
        locker_pid: row.get("locker_pid")?,
        database: row.text("datname")?,
        relid: row.get("relid")?,
        name: row.text("nspname")?.zip(row.text("relname")?),
        owner: row.text("owner_nspname")?.zip(row.text("owner_relname")?),
        index: row.text("index_name")?,
        epoch: row.get("epoch")?,
        since_s: row.get("since_s")?,
        wait_event_type: row.text("wait_event_type")?,
        wait_event: row.text("wait_event")?,
        query: row.get::<Option<Vec<u8>>>("query")?.map(text),
        marks: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(epoch: f64, phase: &str, done: i64) -> Progress {
        Progress {
            pid: 7,
            start: 1,
            relid: Some(16_384),
            phase: Some(phase.to_owned()),
            done: Some(done),
            epoch,
            ..Progress::default()
        }
    }

    fn marks(readings: &[(f64, &str, i64)]) -> Vec<i64> {
        let mut known: Option<Vec<Progress>> = None;
        for (epoch, phase, done) in readings {
            known = Some(ProgressProbe::fold(known.as_ref(), vec![reading(*epoch, phase, *done)]));
        }
        let known = known.unwrap_or_default();
        known[0].marks.iter().map(|mark| mark.done).collect()
    }

    #[test]
    fn a_phase_is_remembered_for_a_minute() {
        assert_eq!(marks(&[(10.0, "a", 1), (12.0, "a", 5), (14.0, "a", 5)]), [1, 5, 5]);
        let long: Vec<_> = (0..100).map(|n| (f64::from(n) * 2.0, "a", i64::from(n))).collect();
        assert_eq!(marks(&long).first(), Some(&69), "the last reading that is a minute old");
        assert_eq!(marks(&long).len(), 31);
    }

    #[test]
    fn another_phase_a_falling_count_and_a_clock_set_back_begin_anew() {
        assert_eq!(marks(&[(10.0, "a", 1), (12.0, "b", 5)]), [5]);
        assert_eq!(marks(&[(10.0, "a", 9), (12.0, "a", 5)]), [5]);
        assert_eq!(marks(&[(10.0, "a", 1), (9.0, "a", 5)]), [5]);
    }
}
