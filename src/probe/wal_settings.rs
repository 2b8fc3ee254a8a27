//! What replication is set to: who has to confirm a commit, and how much WAL a slot may keep.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::Rows;
use crate::probe::{Probe, Spec, Tier};

/// The probe.
pub struct WalSettingsProbe;

/// Settings of replication.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WalSettings {
    /// `synchronous_standby_names`, as it was written.
    pub synchronous_standby_names: String,
    /// `synchronous_commit` of a new session of this role.
    pub synchronous_commit: String,
    /// `wal_level`.
    pub wal_level: String,
    /// `max_wal_senders`.
    pub max_wal_senders: i32,
    /// `max_replication_slots`.
    pub max_replication_slots: i32,
    /// `max_slot_wal_keep_size` in bytes (13+); `None` without a limit.
    pub max_keep_bytes: Option<i64>,
    /// `idle_replication_slot_timeout` in seconds (18+); `None` when off.
    pub idle_timeout_s: Option<f64>,
}

impl Probe for WalSettingsProbe {
    type Data = WalSettings;
    const SPEC: Spec = Spec {
        id: "wal_settings",
        title: "what replication is set to",
        why: "A standby that synchronous_standby_names counts on and that is not connected is in no view: the setting \
              has to be compared with who is there. Settings only: no view is read.",
        tier: Tier::Workload,
        variants: &[form!("wal_settings")],
    };

    fn decode(rows: &Rows) -> Result<WalSettings, Fault> {
        let row = rows.only()?;
        let text = |column: &str| row.text(column).map(Option::unwrap_or_default);
        Ok(WalSettings {
            synchronous_standby_names: text("synchronous_standby_names")?,
            synchronous_commit: text("synchronous_commit")?,
            wal_level: text("wal_level")?,
            max_wal_senders: row.get("max_wal_senders")?,
            max_replication_slots: row.get("max_replication_slots")?,
            max_keep_bytes: row.get("max_keep_bytes")?,
            idle_timeout_s: row.get("idle_timeout_s")?,
        })
    }
}
