//! Replication of the incident's server: `dr1` keeps up, `old` is a slot that nobody reads any more, the archive takes
//! its files, one subscription streams.

use pgmon_tui::probe::archive_backlog::{ArchiveBacklog, ArchiveBacklogProbe};
use pgmon_tui::probe::archiver::{Archiver, ArchiverProbe};
use pgmon_tui::probe::conflicts::{Conflicts, ConflictsProbe};
use pgmon_tui::probe::replication::Sender;
use pgmon_tui::probe::slots::{Slot, SlotsProbe};
use pgmon_tui::probe::subscriptions::{Subscription, SubscriptionsProbe};
use pgmon_tui::probe::wal_settings::{WalSettings, WalSettingsProbe};

use super::{BEGIN, some, start};
use crate::app::App;

/// `dr1`, a little behind.
pub fn standbys(second: u32) -> Vec<Sender> {
    vec![Sender {
        epoch: BEGIN + f64::from(second),
        pid: 950,
        start: start(950),
        usename: some("repl"),
        application_name: some("dr1"),
        client: some("10.0.9.1"),
        state: some("streaming"),
        sync_state: some("async"),
        sync_priority: Some(0),
        sent_bytes: Some(0),
        write_bytes: Some(8_192),
        flush_bytes: Some(8_192),
        replay_bytes: Some(16_384 + i64::from(second % 60) * 20_000),
        replay_position: Some(50_000_000_000 + 4_000_000 * i64::from(second)),
        reply_us: Some(i64::from(second)),
        write_s: Some(0.000_4),
        flush_s: Some(0.001_2),
        replay_s: Some(0.012),
        reply_age_s: Some(0.3),
        age_s: Some(1_000_000.0 + f64::from(second)),
        slot_name: some("dr1"),
        slot_type: some("physical"),
        kept_bytes: Some(16_384),
        ..Sender::default()
    }]
}

fn slots(second: u32) -> Vec<Slot> {
    let slot = |name: &str, pid: Option<i32>, kept| Slot {
        epoch: BEGIN + f64::from(second),
        slot_name: name.to_owned(),
        slot_type: "physical".to_owned(),
        active: pid.is_some(),
        active_pid: pid,
        kept_bytes: Some(kept),
        wal_status: some("reserved"),
        ..Slot::default()
    };
    let grown = i64::from(second) * 20_000;
    vec![slot("old", None, 3_300_000_000 + grown), slot("dr1", Some(950), 16_384)]
}

fn archiver(second: u32, may_list: bool) -> Archiver {
    Archiver {
        epoch: BEGIN + f64::from(second),
        mode: "on".to_owned(),
        has_command: true,
        archived_count: 48_211 + i64::from(second / 60),
        last_archived_wal: some("000000010000000B000000A4"),
        archived_age_s: Some(f64::from(second % 60)),
        segment_bytes: 16 << 20,
        wal_position: Some(0xB * (256 << 24) + (0xA6 << 24)),
        may_list,
        ..Archiver::default()
    }
}

fn subscription(second: u32) -> Subscription {
    Subscription {
        epoch: BEGIN + f64::from(second),
        oid: Some(16_500),
        name: "prices".to_owned(),
        database: "app".to_owned(),
        here: true,
        owner: some("deploy"),
        enabled: true,
        slot_name: some("prices"),
        publications: vec!["prices".to_owned()],
        disable_on_error: Some(false),
        apply_errors: Some(0),
        sync_errors: Some(0),
        worker_pid: Some(960),
        message_age_s: Some(0.7),
        latest_end_age_s: Some(0.7),
        tables: Some(3),
        ready: Some(3),
        ..Subscription::default()
    }
}

fn settings() -> WalSettings {
    WalSettings {
        synchronous_commit: "on".to_owned(),
        wal_level: "logical".to_owned(),
        max_wal_senders: 10,
        max_replication_slots: 10,
        ..WalSettings::default()
    }
}

/// The workload tier.
pub fn workload(app: &mut App, second: u32, sees_all: bool) {
    app.answer::<WalSettingsProbe>(1, settings());
    app.answer::<SlotsProbe>(2, slots(second));
    app.answer::<ArchiverProbe>(1, archiver(second, sees_all));
    let backlog = ArchiveBacklog {
        epoch: BEGIN + f64::from(second),
        waiting: 1,
        done: 1,
        oldest_s: Some(0.2),
    };
    app.answer::<ArchiveBacklogProbe>(1, backlog);
    app.answer::<ConflictsProbe>(1, Conflicts::default());
    app.answer::<SubscriptionsProbe>(1, vec![subscription(second)]);
}

/// A server that replicates nothing.
pub fn quiet(app: &mut App) {
    app.answer::<WalSettingsProbe>(1, settings());
    app.answer::<SlotsProbe>(0, vec![]);
    let off = Archiver {
        mode: "off".to_owned(),
        ..archiver(0, true)
    };
    app.answer::<ArchiverProbe>(1, off);
    app.answer::<ArchiveBacklogProbe>(1, ArchiveBacklog::default());
    app.answer::<ConflictsProbe>(1, Conflicts::default());
    app.answer::<SubscriptionsProbe>(0, vec![]);
}
