//! Locks, long transactions, connections.

use pgmon_lab::scene;
use pgmon_tui::alert::Thing;
use pgmon_tui::model::concern::Severity;

use crate::eye::Eye;

#[tokio::test]
async fn a_queue_behind_an_idle_transaction() {
    for major in [12, 18] {
        let cluster = pgmon_lab::shared(major).await.unwrap();
        let database = format!("alerts_blocked_{major}");
        cluster.database(&database).await.unwrap();
        let mut eye = Eye::open(cluster, "postgres", &database, |limits| {
            limits.blocked_warn_s = 1.0;
            limits.blocked_crit_s = 2.0;
        })
        .await;
        eye.look("blocked").await;
        assert!(eye.raised("blocked").is_empty());
        let scene = scene::queued_exclusive(cluster, &database, 5).await.unwrap();
        let raised = eye.until_raised("blocked", Severity::Critical).await;
        let [alert] = raised.as_slice() else {
            panic!("one root, one alert: {raised:#?}")
        };
        let root = scene.pid("root");
        assert!(matches!(alert.finding.jump.row, Some(Thing::Backend { pid, .. }) if pid == root));
        assert_eq!(alert.finding.victims, 6, "{alert:#?}");
        scene.end().await.unwrap();
        eye.until_calm("blocked").await;
    }
}
