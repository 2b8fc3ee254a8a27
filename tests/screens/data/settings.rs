//! Settings of a server that is set as it should be.

use pgmon_tui::probe::settings::{ServerSettings, Setting, SettingsProbe};

use super::BEGIN;
use crate::app::App;

/// Name, value, unit, context.
const ROWS: &[(&str, &str, Option<&str>, &str)] = &[
    ("archive_mode", "on", None, "postmaster"),
    ("autovacuum", "on", None, "sighup"),
    ("autovacuum_freeze_max_age", "200000000", None, "postmaster"),
    ("autovacuum_max_workers", "3", None, "postmaster"),
    ("autovacuum_multixact_freeze_max_age", "400000000", None, "postmaster"),
    ("checkpoint_timeout", "300", Some("s"), "sighup"),
    ("checkpoint_warning", "30", Some("s"), "sighup"),
    ("data_checksums", "on", None, "internal"),
    ("fsync", "on", None, "sighup"),
    ("full_page_writes", "on", None, "sighup"),
    ("max_connections", "200", None, "postmaster"),
    ("max_wal_size", "16384", Some("MB"), "sighup"),
    ("superuser_reserved_connections", "3", None, "postmaster"),
    ("synchronous_commit", "on", None, "user"),
    ("track_activities", "on", None, "superuser"),
    ("track_counts", "on", None, "superuser"),
    ("wal_level", "logical", None, "postmaster"),
];

pub fn workload(app: &mut App, second: u32) {
    let row = |(name, value, unit, context): &(&str, &str, Option<&str>, &str)| Setting {
        name: (*name).to_owned(),
        value: Some((*value).to_owned()),
        unit: unit.map(str::to_owned),
        source: "configuration file".to_owned(),
        context: (*context).to_owned(),
        pending_restart: false,
    };
    let settings = ServerSettings {
        epoch: BEGIN + f64::from(second),
        loaded: BEGIN - 86_400.0,
        rows: ROWS.iter().map(row).collect(),
        overrides: Vec::new(),
    };
    app.answer::<SettingsProbe>(settings.rows.len(), settings);
}
