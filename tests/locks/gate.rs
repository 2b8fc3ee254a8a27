//! When the lock table is read, and when not.

use pgmon_lab::{Cluster, Result, scene};
use pgmon_tui::model::locks::beside::beside;
use pgmon_tui::probe::Wanted;
use pgmon_tui::probe::activity::Activity;
use pgmon_tui::probe::locks::Locks;
use pgmon_tui::probe::prepared::PreparedXacts;

use rstest::rstest;

use crate::eye::{Eye, role};

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_waits_for_a_standby_is_no_lock(#[values(12, 18)] major: u32) -> Result<()> {
    let cluster = Cluster::builder(major).start().await?;
    cluster.database("shop").await?;
    let scene = scene::sync_rep(&cluster, "shop").await?;
    let mut eye = Eye::open(&cluster, "postgres", "postgres").await;
    eye.ask::<Activity>().await;
    let beside = beside(eye.latest.get::<Activity>().map_or(&[], Vec::as_slice));
    assert_eq!(beside.len(), 1, "{beside:?}");
    assert_eq!((beside[0].event.as_str(), beside[0].sessions), ("IPC:SyncRep", 1));
    assert_eq!(eye.forest().await.waiting, 0);
    scene.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_are_read_when_somebody_waits() -> Result<()> {
    let cluster = Cluster::builder(18).start().await?;
    let admin = cluster.client().await?;
    role(&admin, "monitor", true).await?;
    role(&admin, "plain", false).await?;
    let mut monitor = Eye::open(&cluster, "monitor", "postgres").await;
    let mut plain = Eye::open(&cluster, "plain", "postgres").await;
    // Nothing is known yet.
    assert_eq!(monitor.wanted::<Locks>(), Wanted::Yes);
    monitor.ask::<Activity>().await;
    plain.ask::<Activity>().await;
    assert!(matches!(monitor.wanted::<Locks>(), Wanted::No(_)));
    assert_eq!(
        plain.wanted::<Locks>(),
        Wanted::Yes,
        "a plain role cannot see that nobody waits"
    );
    assert!(matches!(monitor.wanted::<PreparedXacts>(), Wanted::No(_)));
    monitor.focus.pane = "locks";
    assert_eq!(monitor.wanted::<Locks>(), Wanted::Yes, "the pane is looked at");
    monitor.focus.pane = "overview";

    cluster.database("shop").await?;
    let scene = scene::idle_in_transaction(&cluster, "shop").await?;
    monitor.ask::<Activity>().await;
    assert_eq!(monitor.wanted::<Locks>(), Wanted::Yes);
    assert_eq!(monitor.forest().await.waiting, 1);
    scene.end().await?;
    monitor.ask::<Activity>().await;
    assert_eq!(monitor.forest().await.waiting, 0);
    Ok(())
}
