//! Standbys of a primary and of a standby, and the standbys themselves.

use pgmon_lab::{Client, Stop, scene, wait_until};
use pgmon_tui::action::Action;
use pgmon_tui::model::concern::Concern;
use pgmon_tui::model::concern::Severity;
use pgmon_tui::model::recovery::{self, Source};
use pgmon_tui::model::replication::{Kind, Quorum, SyncNames, standbys};
use pgmon_tui::pane::Reply;
use pgmon_tui::probe::Subject;
use pgmon_tui::probe::activity::Activity;
use pgmon_tui::probe::conflicts::ConflictsProbe;
use pgmon_tui::probe::recovery::RecoveryProbe;
use pgmon_tui::probe::replication::ReplicationProbe;
use pgmon_tui::probe::slots::SlotsProbe;
use pgmon_tui::probe::wal_settings::WalSettingsProbe;
use rstest::rstest;

use crate::eye::Eye;
use crate::{PATIENCE, builder, number, write};

/// Asks for a pause: 14 and later say that it is asked for until the next record comes.
async fn pause(standby: &Client) {
    standby.rows("SELECT pg_wal_replay_pause()").await.unwrap();
    wait_until("a pause is asked for", PATIENCE, async || {
        standby.value::<bool>("SELECT pg_is_wal_replay_paused()").await
    })
    .await;
}

/// As the eye saw it last there is no walsender. One that ends is not listed any more before its slot is free.
fn nobody_receives(eye: &Eye) -> bool {
    let none = eye.world.get::<ReplicationProbe>().is_some_and(Vec::is_empty);
    let slots = eye.world.get::<SlotsProbe>();
    none && slots.is_some_and(|slots| slots.iter().all(|slot| !slot.active))
}

#[rstest]
#[tokio::test]
async fn a_cascade_in_bytes(#[values(12, 13, 14, 15, 18)] major: u32) {
    // A standby lets nobody copy it that has replayed WAL without full pages.
    let primary = builder(major).conf("full_page_writes", "on").start().await.unwrap();
    let middle = primary.standby("dr1", &[]).await.unwrap();
    let last = middle.standby("dr2", &[]).await.unwrap();
    let (writer, between, end) = (
        primary.client().await.unwrap(),
        middle.client().await.unwrap(),
        last.client().await.unwrap(),
    );
    pause(&end).await;
    write(&writer, 2000).await;
    let written = number(&writer, "pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')").await;
    let received = "pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')";
    for standby in [&between, &end] {
        wait_until("all of it has come", PATIENCE, async || {
            Ok(number(standby, received).await >= written)
        })
        .await;
    }
    if major >= 14 {
        let state = "SELECT pg_get_wal_replay_pause_state() = 'paused'";
        wait_until("replay has come to the pause", PATIENCE, async || {
            end.value(state).await
        })
        .await;
    }

    // The standby in the middle tells how far its own standby is, by its own position.
    let mut eye = Eye::open(&middle, "mon", "postgres").await;
    let behind = "(SELECT pg_wal_lsn_diff(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), replay_lsn) \
                  FROM pg_stat_replication)";
    let before = number(&between, behind).await;
    let senders = eye.ask::<ReplicationProbe>().await.clone();
    let after = number(&between, behind).await;
    let [sender] = senders.as_slice() else {
        panic!("{senders:?}")
    };
    let bytes = sender.replay_bytes.unwrap();
    assert!(
        (before.min(after)..=before.max(after)).contains(&bytes),
        "{before} {bytes} {after}"
    );
    assert!(bytes > 1_000_000);
    assert_eq!(
        (sender.slot_name.as_deref(), sender.slot_type.as_deref()),
        (Some("dr2"), Some("physical"))
    );
    assert_eq!(Kind::of(sender), Kind::Physical);
    let screen = eye.screen().await;
    assert!(screen.contains("Receiver") && screen.contains("dr2"), "{screen}");
    // The receiver comes first; the row of its standby opens the walsender.
    eye.on(Action::NextView);
    assert_eq!(
        eye.on(Action::Enter),
        Reply::Open(Subject::Backend {
            pid: sender.pid,
            start: sender.start
        })
    );

    // The last one knows how much it has not replayed, and since when at least.
    let began: f64 = end
        .value("SELECT extract(epoch from clock_timestamp())::float8")
        .await
        .unwrap();
    let mut eye = Eye::open(&last, "mon", "postgres").await;
    let own = "pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())";
    let before = number(&end, own).await;
    let recovery = eye.ask::<RecoveryProbe>().await.clone();
    let after = number(&end, own).await;
    assert!(
        (before..=after).contains(&recovery.replay_bytes.unwrap()),
        "{before} {recovery:?} {after}"
    );
    assert_eq!(
        (recovery.paused, recovery.slot_name.as_deref()),
        (Some(true), Some("dr2"))
    );
    assert_eq!(recovery.pause_state.as_deref(), (major >= 14).then_some("paused"));
    assert_eq!(recovery.prefetch.is_some(), major >= 15);
    assert_eq!(Source::of(&recovery), Source::Receiver);
    eye.ask_id("recovery").await;
    let mut at_least = None;
    wait_until("replay is seen to be behind", PATIENCE, async || {
        eye.ask_id("recovery").await;
        at_least = eye.world.series.unreplayed().at_least();
        Ok(at_least.is_some())
    })
    .await;
    let clock: f64 = end
        .value("SELECT extract(epoch from clock_timestamp())::float8")
        .await
        .unwrap();
    assert!(at_least.unwrap() <= clock - began, "{at_least:?}");
    let screen = eye.screen().await;
    assert!(
        screen.contains("paused: SELECT pg_wal_replay_resume() goes on"),
        "{screen}"
    );

    end.rows("SELECT pg_wal_replay_resume()").await.unwrap();
    wait_until("it has caught up", PATIENCE, async || {
        Ok(eye.ask::<RecoveryProbe>().await.replay_bytes == Some(0))
    })
    .await;
    assert_eq!(eye.world.series.unreplayed().at_least(), None);
    assert!(eye.draw().contains("caught up"));

    // Cut off: the one in the middle stops, and nothing comes in any more.
    middle.stop(Stop::Immediate).await.unwrap();
    wait_until("the receiver is gone", PATIENCE, async || {
        Ok(eye.ask::<RecoveryProbe>().await.receiver_pid.is_none())
    })
    .await;
    let recovery = eye.ask::<RecoveryProbe>().await.clone();
    assert_eq!(Source::of(&recovery), Source::Nowhere);
    assert!(eye.draw().contains("no WAL receiver"));
    // The primary misses the one in the middle: its slot is there and nobody uses it.
    let mut eye = Eye::open(&primary, "mon", "postgres").await;
    wait_until("the walsender is gone", PATIENCE, async || {
        eye.look().await;
        Ok(nobody_receives(&eye))
    })
    .await;
    let screen = eye.draw();
    assert!(screen.contains("1 gone") && screen.contains("dr1"), "{screen}");
    assert!(!screen.contains("Receiver"), "{screen}");
}

#[rstest]
#[tokio::test]
async fn a_delay_on_purpose_and_a_reader_in_the_way(#[values(12, 18)] major: u32) {
    let primary = builder(major).start().await.unwrap();
    let standby = primary
        .standby("dr1", &[("max_standby_streaming_delay", "15s")])
        .await
        .unwrap();
    let (writer, there) = (primary.client().await.unwrap(), standby.client().await.unwrap());
    let mut eye = Eye::open(&standby, "mon", "postgres").await;
    standby.set("recovery_min_apply_delay", "10min").await.unwrap();
    wait_until("replay waits on purpose", PATIENCE, async || {
        write(&writer, 10).await;
        eye.ask_id("activity").await;
        let startup = eye.world.get::<Activity>().map_or(&[][..], Vec::as_slice);
        Ok(recovery::obstacle(startup).is_some_and(|(event, _)| event == "Timeout:RecoveryApplyDelay"))
    })
    .await;
    let recovery = eye.ask::<RecoveryProbe>().await.clone();
    assert!((recovery.min_apply_delay_s - 600.0).abs() < 1e-9);
    assert_eq!(recovery::concern(&recovery, Some(60.0)), Concern::Calm);
    assert!(eye.screen().await.contains("delayed on purpose by 10m"));
    standby.set("recovery_min_apply_delay", "0").await.unwrap();

    let scene = scene::replay_behind_reader(&primary, &standby).await.unwrap();
    wait_until("replay waits for a lock", PATIENCE, async || {
        eye.ask_id("activity").await;
        let startup = eye.world.get::<Activity>().map_or(&[][..], Vec::as_slice);
        Ok(recovery::obstacle(startup).is_some_and(|(event, _)| event.starts_with("Lock:")))
    })
    .await;
    let screen = eye.screen().await;
    assert!(
        screen.contains("replay waits for a lock that a query on this standby holds"),
        "{screen}"
    );
    assert_eq!(eye.ask::<ConflictsProbe>().await.all(), 0);
    // Its patience ends: the reader is canceled, and counted.
    let counted = "(SELECT sum(confl_lock) FROM pg_stat_database_conflicts)";
    wait_until("the reader is canceled and counted", PATIENCE, async || {
        Ok(number(&there, counted).await > 0)
    })
    .await;
    let conflicts = eye.ask::<ConflictsProbe>().await.clone();
    assert_eq!(conflicts.lock, number(&there, counted).await);
    assert!(eye.draw().contains("lock 1"), "{}", eye.draw());
    drop(scene);
}

#[rstest]
#[tokio::test]
async fn commits_wait_for_a_standby_that_is_gone(#[values(12, 18)] major: u32) {
    let primary = builder(major).start().await.unwrap();
    let standby = primary.standby("dr1", &[]).await.unwrap();
    let admin = primary.client().await.unwrap();
    admin
        .simple("SET synchronous_commit = local; CREATE TABLE audit (v int)")
        .await
        .unwrap();
    primary.set("synchronous_standby_names", "FIRST 1 (dr1)").await.unwrap();
    let mut eye = Eye::open(&primary, "mon", "postgres").await;
    wait_until("the standby is synchronous", PATIENCE, async || {
        let senders = eye.ask::<ReplicationProbe>().await;
        Ok(senders
            .iter()
            .any(|sender| sender.sync_state.as_deref() == Some("sync")))
    })
    .await;
    let settings = eye.ask::<WalSettingsProbe>().await.clone();
    let names = SyncNames::parse(&settings.synchronous_standby_names).unwrap();
    let screen = eye.screen().await;
    assert!(
        screen.contains("sync 1") && screen.contains("first 1 of dr1"),
        "{screen}"
    );
    assert_eq!(eye.badge(), None, "{screen}");

    standby.stop(Stop::Immediate).await.unwrap();
    let writer = primary.client().await.unwrap();
    let commit = writer.spawn("INSERT INTO audit VALUES (1)");
    wait_until("it is seen that a commit hangs", PATIENCE, async || {
        let screen = eye.screen().await;
        Ok(nobody_receives(&eye) && screen.contains("1 commit waits for a standby"))
    })
    .await;
    assert!(!commit.is_finished());
    let badge = eye.badge().unwrap();
    assert_eq!((badge.severity, badge.count), (Severity::Critical, 1));
    let senders = eye.world.get::<ReplicationProbe>().unwrap().clone();
    assert!(Quorum::of(&names, &senders).unwrap().short());
    let slots = eye.world.get::<SlotsProbe>().unwrap().clone();
    let all = standbys(&senders, &slots, Some(&names), eye.world.series.replay());
    assert!(
        all.iter()
            .any(|row| row.kind == Kind::Gone && row.name == "dr1" && row.expected && row.slot.is_some())
    );

    standby.start_again().await.unwrap();
    commit.finish().await.unwrap();
    wait_until("all is well", PATIENCE, async || {
        eye.look().await;
        eye.draw();
        Ok(eye.badge().is_none())
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn what_a_plain_role_is_told(#[values(12, 18)] major: u32) {
    let primary = builder(major).start().await.unwrap();
    let standby = primary.standby("dr1", &[]).await.unwrap();
    for (cluster, says) in [
        (
            &primary,
            "State and positions are hidden from this role.  GRANT pg_monitor TO app;",
        ),
        (
            &standby,
            "Where the WAL comes from is hidden from this role.  GRANT pg_monitor TO app;",
        ),
    ] {
        let mut eye = Eye::open(cluster, "app", "postgres").await;
        let screen = eye.screen().await;
        assert!(screen.contains(says), "{screen}");
        assert!(screen.contains("archive_mode is off"), "{screen}");
    }
    let mut eye = Eye::open(&primary, "app", "postgres").await;
    let senders = eye.ask::<ReplicationProbe>().await.clone();
    let [sender] = senders.as_slice() else {
        panic!("{senders:?}")
    };
    assert!(sender.hidden && sender.replay_bytes.is_none());
    // What is hidden is not taken for missing: the slot is in use, and nothing is wrong.
    let screen = eye.screen().await;
    assert!(!screen.contains("gone"), "{screen}");
    assert_eq!(eye.badge(), None, "{screen}");
}
