use std::sync::Arc;

use super::super::testing::{answer, screen, world};
use super::*;
use crate::action::Action;
use crate::alert::{Jump, Thing};
use crate::model::replication::SYNC_NAMES;
use crate::pane::View;
use crate::pg::server::Server;
use crate::probe::activity::Backend;
use crate::probe::archive_backlog::{ArchiveBacklog, ArchiveBacklogProbe};
use crate::probe::archiver::{Archiver, ArchiverProbe};
use crate::probe::conflicts::{Conflicts, ConflictsProbe};
use crate::probe::pulse::{Pulse, PulseProbe};
use crate::probe::recovery::{Prefetch, Recovery, RecoveryProbe};
use crate::probe::replication::{ReplicationProbe, Sender};
use crate::probe::slots::{Decoded, Slot, SlotsProbe};
use crate::probe::subscriptions::{Subscription, SubscriptionsProbe, Unready};
use crate::probe::wal_settings::{WalSettings, WalSettingsProbe};
use crate::probe::{Latest, Mono, Probe, Ran, Sample};

const EPOCH: f64 = 1_763_645_530.0;
const MIB: i64 = 1 << 20;

#[expect(
    clippy::unnecessary_wraps,
    reason = "nearly every column may be NULL; this keeps the rows below readable"
)]
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn sender(name: &str, pid: i32, behind: i64) -> Sender {
    Sender {
        epoch: EPOCH,
        pid,
        start: 1,
        usename: some("repl"),
        application_name: some(name),
        client: some("10.0.9.1"),
        state: some("streaming"),
        sync_state: some("async"),
        sync_priority: Some(0),
        sent_bytes: Some(0),
        write_bytes: Some(behind.min(8192)),
        flush_bytes: Some(behind.min(8192)),
        replay_bytes: Some(behind),
        replay_position: Some(5000),
        write_s: Some(0.000_4),
        flush_s: Some(0.001_2),
        replay_s: Some(0.013),
        reply_age_s: Some(0.4),
        reply_us: Some(7),
        age_s: Some(360_000.0),
        slot_name: some(name),
        slot_type: some("physical"),
        kept_bytes: Some(behind.max(16 * MIB)),
        ..Sender::default()
    }
}

fn senders() -> Vec<Sender> {
    vec![
        Sender {
            sync_state: some("sync"),
            sync_priority: Some(1),
            ..sender("dr1", 950, 16_384)
        },
        Sender {
            xmin_age: Some(1_200_000),
            ..sender("reports", 951, 3100 * MIB)
        },
        Sender {
            slot_type: some("logical"),
            database: some("app"),
            plugin: some("pgoutput"),
            ..sender("warehouse", 952, 240_000)
        },
        Sender {
            state: some("backup"),
            slot_name: None,
            slot_type: None,
            replay_bytes: None,
            ..sender("pg_basebackup", 953, 0)
        },
    ]
}

fn slot(name: &str, kept: i64, pid: Option<i32>) -> Slot {
    Slot {
        epoch: EPOCH,
        slot_name: name.to_owned(),
        slot_type: "physical".to_owned(),
        active: pid.is_some(),
        active_pid: pid,
        kept_bytes: Some(kept),
        wal_status: some("reserved"),
        safe_bytes: Some((20 << 30) - kept),
        ..Slot::default()
    }
}

fn slots() -> Vec<Slot> {
    vec![
        slot("reports", 3100 * MIB, Some(951)),
        Slot {
            inactive_s: Some(86_400.0 * 3.0),
            wal_status: some("extended"),
            ..slot("dr2", 12_000 * MIB, None)
        },
        Slot {
            slot_type: "logical".to_owned(),
            database: some("app"),
            plugin: some("pgoutput"),
            confirmed_bytes: Some(240_000),
            catalog_xmin_age: Some(4021),
            decoded: Some(Decoded {
                spill_txns: 12,
                spill_bytes: 900 * MIB,
                stream_bytes: 0,
                total_bytes: 9000 * MIB,
            }),
            ..slot("warehouse", 16 * MIB, Some(952))
        },
        Slot {
            kept_bytes: None,
            safe_bytes: None,
            wal_status: some("lost"),
            invalidation_reason: some("wal_removed"),
            ..slot("old_cdc", 0, None)
        },
    ]
}

fn archiver() -> Archiver {
    Archiver {
        epoch: EPOCH,
        mode: "on".to_owned(),
        has_command: true,
        timeout_s: 300.0,
        archived_count: 48_211,
        last_archived_wal: some("0000000100000A2300000041"),
        archived_age_s: Some(1880.0),
        failed_count: 31,
        last_failed_wal: some("0000000100000A2300000042"),
        failed_age_s: Some(24.0),
        segment_bytes: 16 * MIB,
        wal_position: Some(0xA23 * (256 * 16 * MIB) + 0x51 * 16 * MIB),
        may_list: true,
        ..Archiver::default()
    }
}

fn subscription() -> Subscription {
    Subscription {
        epoch: EPOCH,
        oid: Some(16_500),
        name: "orders_in".to_owned(),
        database: "app".to_owned(),
        here: true,
        owner: some("postgres"),
        enabled: true,
        slot_name: some("orders_in"),
        publications: vec!["orders".to_owned()],
        disable_on_error: Some(false),
        apply_errors: Some(0),
        sync_errors: Some(14),
        worker_pid: Some(960),
        message_age_s: Some(1.2),
        latest_end_age_s: Some(1.2),
        sync_workers: 1,
        tables: Some(12),
        ready: Some(11),
        unready: vec![Unready {
            schema: "public".to_owned(),
            table: "order_lines".to_owned(),
            state: "d".to_owned(),
        }],
        ..Subscription::default()
    }
}

fn settings() -> WalSettings {
    WalSettings {
        synchronous_standby_names: "FIRST 1 (dr1, dr2)".to_owned(),
        synchronous_commit: "on".to_owned(),
        wal_level: "logical".to_owned(),
        max_wal_senders: 10,
        max_replication_slots: 10,
        max_keep_bytes: Some(20 << 30),
        idle_timeout_s: None,
    }
}

fn waiting(pid: i32, seconds: f64) -> Backend {
    Backend {
        pid,
        wait_event_type: some("IPC"),
        wait_event: some("SyncRep"),
        query_s: Some(seconds),
        ..Backend::default()
    }
}

fn incident() -> World {
    let backlog = ArchiveBacklog {
        epoch: EPOCH,
        waiting: 15,
        done: 2,
        oldest_s: Some(1860.0),
    };
    let mut world = world(&[
        answer::<ReplicationProbe>(senders(), None),
        answer::<WalSettingsProbe>(settings(), None),
        answer::<SlotsProbe>(slots(), None),
        answer::<ArchiverProbe>(archiver(), None),
        answer::<ArchiveBacklogProbe>(backlog, None),
        answer::<SubscriptionsProbe>(vec![subscription()], None),
    ]);
    // A reader on it has stood in the way of `reports` for four minutes, and `dr2`, which is gone, goes on being waited for.
    for second in [0.0, 252.0, 254.0] {
        let at = |reply| {
            let moved = |sender: Sender| Sender {
                epoch: EPOCH + second,
                reply_us: Some(reply),
                ..sender
            };
            senders().into_iter().map(moved).collect::<Vec<_>>()
        };
        #[expect(clippy::cast_possible_truncation, reason = "a small second")]
        observe::<ReplicationProbe>(&mut world, second, at(second as i64));
        let grown = slots().into_iter().map(|slot| Slot {
            epoch: EPOCH + second,
            #[expect(clippy::cast_possible_truncation, reason = "a small second")]
            kept_bytes: slot.kept_bytes.map(|bytes| bytes + second as i64 * 400_000),
            ..slot
        });
        observe::<SlotsProbe>(&mut world, second, grown.collect());
    }
    world
}

fn observe<P: Probe>(world: &mut World, second: f64, data: P::Data) {
    let ran = Ran {
        started: Mono(std::time::Duration::from_secs_f64(1000.0 + second)),
        ..Ran::of(&P::SPEC, &Server::default())
    };
    let sample = Sample {
        ran,
        data: Some(Arc::new(data)),
    };
    world.series.observe(&sample, &Latest::default(), &Server::default());
}

fn standby() -> World {
    let pulse = Pulse {
        in_recovery: true,
        ..Pulse::default()
    };
    let recovery = Recovery {
        receiver_pid: Some(77),
        receiver_status: some("streaming"),
        sender_host: some("db1.example.com"),
        sender_port: Some(5432),
        slot_name: some("dr1"),
        timeline: Some(3),
        message_age_s: Some(0.8),
        receive_bytes: Some(0),
        unflushed_bytes: Some(0),
        replay_bytes: Some(310 * MIB),
        replay_position: Some(5000),
        replay_s: Some(251.0),
        paused: Some(false),
        pause_state: some("not paused"),
        prefetch: Some(Prefetch {
            fetched: 120_400,
            hits: 3_010_000,
            skipped: 44_100,
            distance: 52_000,
            reset: None,
        }),
        max_streaming_delay_s: 30.0,
        max_archive_delay_s: 30.0,
        in_recovery: true,
        ..Recovery::default()
    };
    let conflicts = Conflicts {
        epoch: EPOCH,
        snapshot: 14,
        lock: 2,
        ..Conflicts::default()
    };
    let startup = Backend {
        pid: 70,
        backend_type: some("startup"),
        wait_event_type: some("Lock"),
        wait_event: some("relation"),
        ..Backend::default()
    };
    world(&[
        answer::<PulseProbe>(pulse, None),
        answer::<RecoveryProbe>(recovery, None),
        answer::<ConflictsProbe>(conflicts, None),
        answer::<crate::probe::activity::Activity>(vec![startup], None),
        answer::<ReplicationProbe>(vec![sender("dr1a", 980, 0)], None),
        answer::<WalSettingsProbe>(settings(), None),
        answer::<SlotsProbe>(vec![slot("dr1a", 0, Some(980))], None),
        answer::<ArchiverProbe>(
            Archiver {
                in_recovery: true,
                ..archiver()
            },
            None,
        ),
        answer::<SubscriptionsProbe>(Vec::new(), None),
    ])
}

/// The pane one panel after the other.
fn panels(pane: &mut dyn View, world: &World, count: usize) -> String {
    let mut screens = Vec::new();
    for _ in 0..count {
        screens.push(screen(pane, world, 80, 21));
        pane.on(Action::NextView, world);
    }
    screens.join("\n--------\n")
}

#[test]
fn an_incident_at_80x24() {
    insta::assert_snapshot!("incident_80x24", panels(pane().as_mut(), &incident(), 4));
}

#[test]
fn an_incident_at_120x40() {
    insta::assert_snapshot!("incident_120x40", screen(pane().as_mut(), &incident(), 120, 37));
}

#[test]
fn a_standby() {
    insta::assert_snapshot!("standby_80x24", panels(pane().as_mut(), &standby(), 2));
    insta::assert_snapshot!("standby_120x40", screen(pane().as_mut(), &standby(), 120, 37));
}

#[test]
fn a_server_without_replication_is_calm() {
    let off = Archiver {
        mode: "off".to_owned(),
        ..archiver()
    };
    let world = world(&[
        answer::<ReplicationProbe>(Vec::new(), None),
        answer::<WalSettingsProbe>(WalSettings::default(), None),
        answer::<SlotsProbe>(Vec::new(), None),
        answer::<ArchiverProbe>(off, None),
        answer::<SubscriptionsProbe>(Vec::new(), None),
    ]);
    let mut pane = pane();
    insta::assert_snapshot!("calm_120x40", screen(pane.as_mut(), &world, 120, 37));
    assert_eq!(pane.badge(), None);
}

#[test]
fn a_plain_role_is_told_what_it_does_not_see() {
    let hidden = Sender {
        pid: 950,
        application_name: some("dr1"),
        usename: some("repl"),
        slot_name: some("dr1"),
        slot_type: some("physical"),
        kept_bytes: Some(16 * MIB),
        hidden: true,
        ..Sender::default()
    };
    let world = world(&[
        answer::<ReplicationProbe>(vec![hidden], None),
        answer::<WalSettingsProbe>(settings(), None),
        answer::<SlotsProbe>(vec![slot("dr1", 16 * MIB, Some(950))], None),
        answer::<ArchiverProbe>(
            Archiver {
                may_list: false,
                ..archiver()
            },
            None,
        ),
        answer::<SubscriptionsProbe>(Vec::new(), None),
    ]);
    insta::assert_snapshot!("plain_120x40", screen(pane().as_mut(), &world, 120, 37));
}

#[test]
fn commits_that_wait_are_critical() {
    let world = world(&[
        answer::<crate::probe::activity::Activity>(vec![waiting(1, 4.0), waiting(2, 12.0)], None),
        answer::<ReplicationProbe>(Vec::new(), None),
        answer::<WalSettingsProbe>(settings(), None),
        answer::<SlotsProbe>(Vec::new(), None),
    ]);
    let mut pane = pane();
    let text = screen(pane.as_mut(), &world, 80, 21);
    assert!(text.contains("2 commits wait for a standby, up to 12s"), "{text}");
    assert!(text.contains("0 of 1 synchronous standbys are connected"), "{text}");
    let badge = pane.badge().unwrap();
    assert_eq!((badge.severity, badge.count), (Severity::Critical, 2));
}

#[test]
fn enter_opens_the_process() {
    let backend = Backend {
        pid: 951,
        start: 42,
        ..Backend::default()
    };
    let mut samples = incident();
    samples.take(&answer::<crate::probe::activity::Activity>(vec![backend], None));
    let mut pane = pane();
    screen(pane.as_mut(), &samples, 80, 21);
    // Nobody is behind the first one: it is gone.
    assert!(matches!(pane.on(Action::Enter, &samples), Reply::Tell(_)));
    pane.on(Action::Down, &samples);
    assert_eq!(
        pane.on(Action::Enter, &samples),
        Reply::Open(Subject::Backend { pid: 951, start: 42 })
    );
    pane.on(Action::NextView, &samples);
    assert!(
        matches!(pane.on(Action::Enter, &samples), Reply::Tell(_)),
        "nobody uses the lost slot"
    );
}

/// An alert jumps to the row it speaks of, whatever panel was looked at before.
#[test]
fn a_jump_lands_on_its_row() {
    let world = incident();
    let mut pane = pane();
    for (panel, thing, selected) in [
        ("standbys", Thing::Standby(951), "reports"),
        ("slots", Thing::Slot("warehouse".to_owned()), "warehouse"),
        ("standbys", Thing::Slot("warehouse".to_owned()), "warehouse"),
        ("standbys", Thing::Slot("old_cdc".to_owned()), "old_cdc"),
        ("standbys", Thing::Setting(SYNC_NAMES.to_owned()), "dr2"),
        ("archiver", Thing::Archiver, "archiving"),
        (
            "subscriptions",
            Thing::Subscription("app.orders_in".to_owned()),
            "orders_in",
        ),
    ] {
        let jump = Jump::panel("replication", panel).row(thing);
        screen(pane.as_mut(), &world, 120, 24);
        assert!(pane.seek(&jump), "{jump:?}");
        let texts: Vec<String> = pane.copies(&world).into_iter().map(|copy| copy.text).collect();
        assert!(texts.iter().any(|text| text == selected), "{jump:?}: {texts:?}");
        let elsewhere = Jump::panel("replication", panel).row(Thing::Slot("nowhere".to_owned()));
        assert!(!pane.seek(&elsewhere));
    }
    let standby = standby();
    let mut pane = super::pane();
    screen(pane.as_mut(), &standby, 120, 24);
    pane.seek(&Jump::panel("replication", "slots"));
    pane.seek(&Jump::panel("replication", "receiver"));
    let text = screen(pane.as_mut(), &standby, 120, 24);
    assert!(text.contains("WAL receiver"), "{text}");
}
