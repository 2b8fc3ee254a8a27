//! How far one backend's command is: `VACUUM`, `ANALYZE`, `CREATE INDEX`, `CLUSTER`, `COPY`, a base backup.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::backend::{identity, while_open};
use crate::probe::{Ask, Param, Probe, Spec, Tier, Wanted};

/// The probe. Empty while the backend runs nothing that reports its progress.
pub struct BackendProgress;

/// One line of a `pg_stat_progress_*` view.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// `VACUUM`, `CREATE INDEX CONCURRENTLY`, `COPY FROM`, ...; `None` when hidden by privileges.
    pub command: Option<String>,
    /// The phase in the server's words; `None` when hidden.
    pub phase: Option<String>,
    /// Done in this phase.
    pub done: Option<i64>,
    /// To be done in this phase; `None` or 0 when the server does not know.
    pub total: Option<i64>,
    /// What is counted: `blocks`, `tuples`, `bytes`, ...
    pub unit: Option<String>,
    /// The relation, where it can be named.
    pub relation: Option<String>,
    /// The index it builds or follows, where it can be named.
    pub index: Option<String>,
    /// The session it waits for in this phase.
    pub locker_pid: Option<i32>,
}

impl Progress {
    /// Share of this phase that is done, 0 to 1; `None` when the server does not know the total.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        let (done, total) = (self.done?, self.total.filter(|total| *total > 0)?);
        #[expect(clippy::cast_precision_loss, reason = "a share for people")]
        Some((done as f64 / total as f64).clamp(0.0, 1.0))
    }
}

impl Probe for BackendProgress {
    type Data = Vec<Progress>;
    const SPEC: Spec = Spec {
        id: "backend_progress",
        title: "progress of one backend's command",
        why: "All progress views of this server, for the backend on this page. The share is of the present phase, \
              not of the whole command.",
        tier: Tier::Hot,
        variants: &[
            form!("backend_progress", 17),
            form!("backend_progress", 14),
            form!("backend_progress", 13),
            form!("backend_progress"),
        ],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        identity(ask)
    }

    fn wanted(ask: &Ask<'_>) -> Wanted {
        while_open(ask)
    }

    fn decode(rows: &Rows) -> Result<Vec<Progress>, Fault> {
        rows.iter().map(|row| progress(row)).collect()
    }
}

fn progress(row: Row<'_>) -> Result<Progress, Fault> {
    let number = row.get::<Option<u32>>("relid")?;
    let place = row.text("datname")?;
    let relation = row.text("relation_name")?.or_else(|| {
        let (number, place) = (number?, place?);
        Some(format!("relation {number} of database {place}"))
    });
    Ok(Progress {
        command: row.text("command")?,
        phase: row.text("phase")?,
        done: row.get("done")?,
        total: row.get("total")?,
        unit: row.text("unit")?,
        relation,
        index: row.text("index_name")?,
        locker_pid: row.get("locker_pid")?,
    })
}
