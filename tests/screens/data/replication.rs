//! Replication of the incident's server: `dr1` keeps up, `old` is a slot that nobody reads any more, the archiver fails,
//! one table of a subscription is not copied.

use pgmon_tui::probe::archive_backlog::{ArchiveBacklog, ArchiveBacklogProbe};
use pgmon_tui::probe::archiver::{Archiver, ArchiverProbe};
use pgmon_tui::probe::conflicts::{Conflicts, ConflictsProbe};
use pgmon_tui::probe::replication::Sender;
use pgmon_tui::probe::slots::{Slot, SlotsProbe};
use pgmon_tui::probe::subscriptions::{Subscription, SubscriptionsProbe, Unready};
use pgmon_tui::probe::wal_settings::{WalSettings, WalSettingsProbe};

use super::{BEGIN, some, start};
use crate::app::App;

const SEGMENT: i64 = 16 << 20;

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
        safe_bytes: Some((8 << 30) - kept),
        ..Slot::default()
    };
    let grown = i64::from(second) * 900_000;
    vec![slot("old", None, 3_300_000_000 + grown), slot("dr1", Some(950), 16_384)]
}

fn archiver(second: u32, all: bool) -> Archiver {
    Archiver {
        epoch: BEGIN + f64::from(second),
        mode: "on".to_owned(),
        has_command: true,
        archived_count: 40_113,
        last_archived_wal: Some("000000010000000B000000A1".to_owned()),
        archived_age_s: Some(1_900.0 + f64::from(second)),
        failed_count: 210 + i64::from(second / 20),
        last_failed_wal: Some("000000010000000B000000A2".to_owned()),
        failed_age_s: Some(f64::from(second % 20)),
        reset: Some(BEGIN - 900_000.0),
        segment_bytes: SEGMENT,
        wal_position: Some(50_000_000_000 + 4_000_000 * i64::from(second)),
        may_list: all,
        ..Archiver::default()
    }
}

fn subscription(second: u32) -> Subscription {
    Subscription {
        epoch: BEGIN + f64::from(second),
        oid: Some(19_451),
        name: "catalogue".to_owned(),
        database: "app".to_owned(),
        here: true,
        owner: Some("postgres".to_owned()),
        enabled: true,
        slot_name: Some("catalogue".to_owned()),
        publications: vec!["catalogue".to_owned()],
        disable_on_error: Some(false),
        apply_errors: Some(0),
        sync_errors: Some(40 + i64::from(second / 5)),
        worker_pid: Some(960),
        message_age_s: Some(1.5),
        latest_end_age_s: Some(1.5),
        received_position: Some(9_000_000 + 4_000 * i64::from(second)),
        sync_workers: 1,
        tables: Some(2),
        ready: Some(1),
        unready: vec![Unready {
            schema: "public".to_owned(),
            table: "currencies".to_owned(),
            state: "d".to_owned(),
        }],
        ..Subscription::default()
    }
}

/// What is asked with the counters of the hot and the workload tier.
pub fn workload(app: &mut App, second: u32, all: bool) {
    app.answer::<SlotsProbe>(2, slots(second));
    app.answer::<ArchiverProbe>(1, archiver(second, all));
    app.answer::<SubscriptionsProbe>(1, vec![subscription(second)]);
    app.answer::<WalSettingsProbe>(
        1,
        WalSettings {
            synchronous_commit: "on".to_owned(),
            wal_level: "logical".to_owned(),
            max_wal_senders: 10,
            max_replication_slots: 10,
            max_keep_bytes: Some(8 << 30),
            ..WalSettings::default()
        },
    );
    app.answer::<ConflictsProbe>(1, Conflicts::default());
    let waiting = 110 + i64::from(second / 4);
    app.answer::<ArchiveBacklogProbe>(
        1,
        ArchiveBacklog {
            epoch: BEGIN + f64::from(second),
            waiting,
            done: 3,
            oldest_s: Some(1_900.0 + f64::from(second)),
        },
    );
}

/// A server alone in the world that archives nothing.
pub fn quiet(app: &mut App) {
    app.answer::<SlotsProbe>(0, vec![]);
    let off = Archiver {
        epoch: BEGIN,
        mode: "off".to_owned(),
        segment_bytes: SEGMENT,
        wal_position: Some(50_000_000_000),
        may_list: true,
        ..Archiver::default()
    };
    app.answer::<ArchiverProbe>(1, off);
    app.answer::<SubscriptionsProbe>(0, vec![]);
    let settings = WalSettings {
        synchronous_commit: "on".to_owned(),
        wal_level: "replica".to_owned(),
        max_wal_senders: 10,
        max_replication_slots: 10,
        ..WalSettings::default()
    };
    app.answer::<WalSettingsProbe>(1, settings);
    app.answer::<ConflictsProbe>(1, Conflicts::default());
    app.answer::<ArchiveBacklogProbe>(1, ArchiveBacklog::default());
}
