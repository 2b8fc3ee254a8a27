//! Slots on their way to being lost, and what logical decoding spills.

use pgmon_lab::{Client, wait_until};
use pgmon_tui::model::concern::Severity;
use pgmon_tui::model::slots::{Judged, Outlook, lost};
use pgmon_tui::model::trails::What;
use pgmon_tui::probe::slots::{Slot, SlotsProbe};
use rstest::rstest;

use crate::eye::Eye;
use crate::{PATIENCE, builder, number, write};

async fn slot(eye: &mut Eye, name: &str) -> Slot {
    let slots = eye.ask::<SlotsProbe>().await;
    slots.iter().find(|slot| slot.slot_name == name).cloned().unwrap()
}

async fn fill(client: &Client) {
    write(client, 20_000).await;
    client.rows("SELECT pg_switch_wal()").await.unwrap();
}

#[rstest]
#[tokio::test]
async fn a_slot_is_lost(#[values(12, 13, 14, 16, 17, 18)] major: u32) {
    let builder = builder(major).conf("max_wal_size", "64MB").conf("min_wal_size", "32MB");
    let server = if major >= 13 {
        builder.conf("max_slot_wal_keep_size", "64MB")
    } else {
        builder
    };
    let server = server.start().await.unwrap();
    let judge = server.client().await.unwrap();
    judge
        .rows("SELECT pg_create_physical_replication_slot('stuck', true)")
        .await
        .unwrap();
    let mut eye = Eye::open(&server, "mon", "postgres").await;
    eye.look().await;
    let kept = "(SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) FROM pg_replication_slots)";
    let fresh = slot(&mut eye, "stuck").await;
    assert_eq!(fresh.wal_status.as_deref(), (major >= 13).then_some("reserved"));
    assert_eq!(fresh.inactive_s.is_some(), major >= 17);
    fill(&judge).await;
    // The server writes some WAL of its own accord, every now and then.
    let safe = async || match major {
        12 => None,
        _ => Some(number(&judge, "(SELECT safe_wal_size FROM pg_replication_slots)").await),
    };
    let (before, most_safe) = (number(&judge, kept).await, safe().await);
    let held = slot(&mut eye, "stuck").await;
    let (after, least_safe) = (number(&judge, kept).await, safe().await);
    assert!((before..=after).contains(&held.kept_bytes.unwrap()));
    assert!(
        least_safe <= held.safe_bytes && held.safe_bytes <= most_safe,
        "{least_safe:?} {held:?} {most_safe:?}"
    );
    wait_until("it is seen to grow", PATIENCE, async || {
        eye.ask_id("slots").await;
        // Two looks from before it grew make a speed too, of nothing.
        let speed = eye.world.series.trails().speed(What::Kept, "stuck");
        Ok(speed.is_some_and(|growth| growth.per_second > 0.0))
    })
    .await;
    let growth = eye.world.series.trails().speed(What::Kept, "stuck").unwrap();
    let judged = Judged::of(&held, Some(growth), None);
    if major < 13 {
        assert_eq!((held.wal_status.as_deref(), judged.outlook), (None, Outlook::Fills));
        assert!(eye.draw().contains("needs 13"));
        return;
    }
    assert!(matches!(judged.outlook, Outlook::LostIn(_)), "{judged:?}");

    wait_until("it is over the limit", PATIENCE, async || {
        fill(&judge).await;
        let now = slot(&mut eye, "stuck").await;
        Ok(now.wal_status.as_deref() == Some("unreserved") || lost(&now))
    })
    .await;
    eye.screen().await;
    assert_eq!(eye.badge().unwrap().severity, Severity::Critical);
    wait_until("it is lost", PATIENCE, async || {
        fill(&judge).await;
        judge.simple("CHECKPOINT").await?;
        Ok(lost(&slot(&mut eye, "stuck").await))
    })
    .await;
    let gone = slot(&mut eye, "stuck").await;
    assert_eq!(gone.wal_status.as_deref(), Some("lost"));
    assert_eq!(
        gone.invalidation_reason.as_deref(),
        (major >= 17).then_some("wal_removed")
    );
    eye.screen().await;
    eye.on(pgmon_tui::action::Action::NextView);
    let screen = eye.draw();
    assert!(
        screen.contains("1 lost") && screen.contains("its consumer has to begin anew"),
        "{screen}"
    );
    // What is offered gets rid of it.
    let drop = eye.copies().into_iter().next().unwrap();
    judge.simple(&drop).await.unwrap();
    assert!(eye.ask::<SlotsProbe>().await.is_empty());
    assert!(eye.draw().contains("No replication slots"));
}

#[rstest]
#[tokio::test]
async fn what_decoding_spills(#[values(14, 18)] major: u32) {
    let server = builder(major)
        .conf("logical_decoding_work_mem", "64kB")
        .start()
        .await
        .unwrap();
    let judge = server.client().await.unwrap();
    judge
        .simple("CREATE TABLE t (v int); CREATE PUBLICATION p FOR TABLE t")
        .await
        .unwrap();
    judge
        .rows("SELECT pg_create_logical_replication_slot('sub', 'pgoutput')")
        .await
        .unwrap();
    judge
        .simple("INSERT INTO t SELECT g FROM generate_series(1, 20000) g")
        .await
        .unwrap();
    let read = "SELECT count(*) FROM pg_logical_slot_get_binary_changes('sub', NULL, NULL, \
                'proto_version', '1', 'publication_names', 'p')";
    assert!(judge.value::<i64>(read).await.unwrap() > 20_000);
    let mut eye = Eye::open(&server, "mon", "postgres").await;
    let spilled = "(SELECT spill_bytes FROM pg_stat_replication_slots)";
    wait_until("the statistics have come", PATIENCE, async || {
        Ok(number(&judge, spilled).await > 0)
    })
    .await;
    let slot = slot(&mut eye, "sub").await;
    let decoded = slot.decoded.unwrap();
    assert_eq!(decoded.spill_bytes, number(&judge, spilled).await);
    assert_eq!(
        decoded.total_bytes,
        number(&judge, "(SELECT total_bytes FROM pg_stat_replication_slots)").await
    );
    assert_eq!(
        (slot.plugin.as_deref(), slot.database.as_deref()),
        (Some("pgoutput"), Some("postgres"))
    );
    assert_eq!(slot.two_phase, Some(false));
    assert!(slot.catalog_xmin_age.is_some());
}

/// By the standby's own position: what the server says of it there stands still.
#[rstest]
#[tokio::test]
async fn a_slot_on_a_standby_has_what_its_limit_leaves(#[values(13, 18)] major: u32) {
    const LIMIT: i64 = 1 << 30;
    let primary = builder(major).start().await.unwrap();
    let conf = [("max_slot_wal_keep_size", "1GB")];
    let standby = primary.standby("dr1", &conf).await.unwrap();
    let (writer, judge) = (primary.client().await.unwrap(), standby.client().await.unwrap());
    judge
        .rows("SELECT pg_create_physical_replication_slot('cascade', true)")
        .await
        .unwrap();
    let kept = "pg_wal_lsn_diff(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()),
                  (SELECT restart_lsn FROM pg_replication_slots))";
    fill(&writer).await;
    wait_until("the standby has received it", PATIENCE, async || {
        Ok(number(&judge, kept).await > 16 << 20)
    })
    .await;
    let mut eye = Eye::open(&standby, "mon", "postgres").await;
    let before = number(&judge, kept).await;
    let safe = slot(&mut eye, "cascade").await.safe_bytes.unwrap();
    let after = number(&judge, kept).await;
    assert!(
        (LIMIT - after..=LIMIT - before).contains(&safe),
        "{before} {safe} {after}"
    );
}
