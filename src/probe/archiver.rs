//! Whether WAL is archived, and how that goes.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::Rows;
use crate::probe::{Probe, Spec, Tier};

/// The probe.
pub struct ArchiverProbe;

/// `pg_stat_archiver` and the settings it has to be read with. Ages are seconds by the server's clock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Archiver {
    /// Seconds since 1970 by the server's clock.
    pub epoch: f64,
    /// `archive_mode`: `off`, `on`, `always`.
    pub mode: String,
    /// There is an `archive_command`. Its text is not asked for: it may hold secrets.
    pub has_command: bool,
    /// `archive_library` (15+); `None` when empty.
    pub library: Option<String>,
    /// `archive_timeout` in seconds; 0 when off.
    pub timeout_s: f64,
    /// In recovery.
    pub in_recovery: bool,
    /// Files archived since [`Self::reset`].
    pub archived_count: i64,
    /// The last one.
    pub last_archived_wal: Option<String>,
    /// How long ago that was.
    pub archived_age_s: Option<f64>,
    /// Failures since [`Self::reset`].
    pub failed_count: i64,
    /// The file that failed last.
    pub last_failed_wal: Option<String>,
    /// How long ago that was.
    pub failed_age_s: Option<f64>,
    /// When the counters were reset, in seconds since 1970.
    pub reset: Option<f64>,
    /// `wal_segment_size` in bytes.
    pub segment_bytes: i64,
    /// Bytes of WAL since 0/0: written on a primary, replayed on a standby.
    pub wal_position: Option<i64>,
    /// This role may list the directory with the archiver's notes.
    pub may_list: bool,
}

impl Probe for ArchiverProbe {
    type Data = Archiver;
    const SPEC: Spec = Spec {
        id: "archiver",
        title: "whether WAL is archived, and how that goes",
        why: "Archiving fails while the last failure is newer than the last success. The text of archive_command is \
              not asked for: it may hold secrets.",
        tier: Tier::Workload,
        variants: &[form!("archiver")],
    };

    fn decode(rows: &Rows) -> Result<Archiver, Fault> {
        let row = rows.only()?;
        Ok(Archiver {
            epoch: row.get("epoch")?,
            mode: row.text("mode")?.unwrap_or_default(),
            has_command: row.get("has_command")?,
            library: row.text("library")?,
            timeout_s: row.get("timeout_s")?,
            in_recovery: row.get("in_recovery")?,
            archived_count: row.get("archived_count")?,
            last_archived_wal: row.text("last_archived_wal")?,
            archived_age_s: row.get("archived_age_s")?,
            failed_count: row.get("failed_count")?,
            last_failed_wal: row.text("last_failed_wal")?,
            failed_age_s: row.get("failed_age_s")?,
            reset: row.get("reset")?,
            segment_bytes: row.get("segment_bytes")?,
            wal_position: row.get("wal_position")?,
            may_list: row.get("may_list")?,
        })
    }
}
