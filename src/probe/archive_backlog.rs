//! How many WAL files wait for the archiver: one note `*.ready` each in `pg_wal/archive_status`.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::Rows;
use crate::probe::archiver::ArchiverProbe;
use crate::probe::{Ask, Probe, Spec, Tier, Wanted};

/// The probe.
pub struct ArchiveBacklogProbe;

/// What waits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArchiveBacklog {
    /// Seconds since 1970 by the server's clock.
    pub epoch: f64,
    /// Files that wait.
    pub waiting: i64,
    /// Files that are archived and not yet removed.
    pub done: i64,
    /// Since when the oldest one waits, in seconds; `None` when none does.
    pub oldest_s: Option<f64>,
}

impl Probe for ArchiveBacklogProbe {
    type Data = ArchiveBacklog;
    const SPEC: Spec = Spec {
        id: "archive_backlog",
        title: "how many WAL files wait for the archiver",
        why: "The server notes every finished file in a directory; pg_monitor may list it. The file's size is never \
              read, but each entry is looked at once.",
        tier: Tier::Workload,
        variants: &[form!("archive_backlog")],
    };

    fn wanted(ask: &Ask<'_>) -> Wanted {
        match ask.latest.get::<ArchiverProbe>() {
            None => Wanted::No("whether WAL is archived at all is not known yet"),
            Some(archiver) if archiver.mode == "off" => Wanted::No("archive_mode is off: nothing waits"),
            Some(archiver) if !archiver.may_list => {
                Wanted::No("this role may not list pg_wal/archive_status; pg_monitor may")
            }
            Some(_) => Wanted::Yes,
        }
    }

    fn decode(rows: &Rows) -> Result<ArchiveBacklog, Fault> {
        let row = rows.only()?;
        Ok(ArchiveBacklog {
            epoch: row.get("epoch")?,
            waiting: row.get("waiting")?,
            done: row.get("done")?,
            oldest_s: row.get("oldest_s")?,
        })
    }
}
