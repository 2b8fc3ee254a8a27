//! The archiver, working and failing, and what waits for it.

use pgmon_lab::{Client, wait_until};
use pgmon_tui::model::archive::{State, Waiting};
use pgmon_tui::model::concern::Severity;
use pgmon_tui::probe::archive_backlog::ArchiveBacklogProbe;
use pgmon_tui::probe::archiver::ArchiverProbe;
use rstest::rstest;

use crate::eye::Eye;
use crate::{PATIENCE, builder, number, write};

/// A finished WAL file.
async fn finish(client: &Client) {
    write(client, 10).await;
    client.rows("SELECT pg_switch_wal()").await.unwrap();
}

#[rstest]
#[tokio::test]
async fn archiving_fails_and_works_again(#[values(12, 15, 18)] major: u32) {
    let server = builder(major)
        .conf("archive_mode", "on")
        .conf("archive_command", "true")
        .start()
        .await
        .unwrap();
    let judge = server.client().await.unwrap();
    let mut eye = Eye::open(&server, "mon", "postgres").await;
    let mut plain = Eye::open(&server, "app", "postgres").await;
    finish(&judge).await;
    wait_until("a file is archived", PATIENCE, async || {
        Ok(matches!(State::of(eye.ask::<ArchiverProbe>().await), State::Works(_)))
    })
    .await;
    server.set("archive_command", "false").await.unwrap();
    wait_until("archiving fails", PATIENCE, async || {
        finish(&judge).await;
        Ok(matches!(State::of(eye.ask::<ArchiverProbe>().await), State::Failing(_)))
    })
    .await;
    let screen = eye.screen().await;
    assert!(screen.contains("see the server log"), "{screen}");
    let badge = eye.badge().unwrap();
    assert_eq!(badge.severity, Severity::Critical, "{screen}");

    // What waits, by the directory and, for who may not list it, by the position.
    let ready = || {
        let names = std::fs::read_dir(server.data_dir().join("pg_wal/archive_status")).unwrap();
        let ready = names.filter(|name| name.as_ref().unwrap().file_name().to_string_lossy().ends_with(".ready"));
        i64::try_from(ready.count()).unwrap()
    };
    let backlog = eye.ask::<ArchiveBacklogProbe>().await.clone();
    assert_eq!(backlog.waiting, ready());
    assert!(backlog.waiting > 0 && backlog.oldest_s.is_some_and(|seconds| seconds >= 0.0));
    let screen = plain.screen().await;
    assert!(
        screen.contains("How many files wait is hidden from this role.  GRANT pg_monitor TO app;"),
        "{screen}"
    );
    assert!(plain.world.get::<ArchiveBacklogProbe>().is_none());
    let archiver = plain.world.get::<ArchiverProbe>().unwrap();
    assert_eq!(Waiting::of(archiver, None), Some(Waiting::About(ready())));

    server.set("archive_command", "true").await.unwrap();
    // After its third failure 12 tries again a minute later or when another file is finished, whatever is set.
    finish(&judge).await;
    wait_until("nothing waits any more", PATIENCE, async || {
        eye.ask_id("archiver").await;
        Ok(eye.ask::<ArchiveBacklogProbe>().await.waiting == 0)
    })
    .await;
    wait_until("the last attempt is a success", PATIENCE, async || {
        let counted = number(&judge, "(SELECT archived_count FROM pg_stat_archiver)").await;
        let archiver = eye.ask::<ArchiverProbe>().await;
        Ok(matches!(State::of(archiver), State::Works(_)) && archiver.archived_count == counted)
    })
    .await;
    eye.screen().await;
    assert_eq!(eye.badge(), None);
}
