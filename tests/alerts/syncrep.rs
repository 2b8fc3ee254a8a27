//! Commits that hang on a synchronous standby.

use pgmon_lab::{Cluster, PATIENCE, scene, wait_for};
use pgmon_tui::config::Alerts;
use pgmon_tui::model::concern::Severity;

use crate::eye::Eye;
use crate::paste::paste;

fn soon(limits: &mut Alerts) {
    limits.syncrep_warn_s = 1.0;
    limits.syncrep_crit_s = 2.0;
}

#[tokio::test]
async fn a_standby_that_does_not_exist() {
    for major in [12, 18] {
        let cluster = Cluster::builder(major).start().await.unwrap();
        let mut eye = Eye::open(&cluster, "postgres", "postgres", soon).await;
        eye.look("syncrep").await;
        let scene = scene::sync_rep(&cluster, "postgres").await.unwrap();
        let raised = eye.until_raised("syncrep", Severity::Critical).await;
        let finding = &raised[0].finding;
        assert_eq!(
            finding.sentence,
            "1 commit hangs for standby nowhere, which is not connected"
        );
        assert_eq!(
            finding.details[0],
            "synchronous_standby_names = 'nowhere': 0 of 1 needed there"
        );
        let [remedy] = finding.remedies.as_slice() else {
            panic!("{finding:#?}")
        };
        paste(scene.admin(), &remedy.text).await;
        eye.until_calm("syncrep").await;
        scene.end().await.unwrap();
    }
}

/// One of two is there: the commits go on with that one.
#[tokio::test]
async fn one_standby_of_two() {
    for major in [12, 18] {
        let cluster = Cluster::builder(major).start().await.unwrap();
        let standby = cluster.standby("near", &[]).await.unwrap();
        let client = cluster.client().await.unwrap();
        client.simple("CREATE TABLE t (v int)").await.unwrap();
        let mut eye = Eye::open(&cluster, "postgres", "postgres", soon).await;
        cluster
            .set("synchronous_standby_names", "FIRST 2 (near, far)")
            .await
            .unwrap();
        let writer = cluster.client().await.unwrap();
        let hangs = format!(
            "SELECT wait_event IS NOT DISTINCT FROM 'SyncRep' FROM pg_stat_activity WHERE pid = {}",
            writer.pid()
        );
        let mut running = writer.spawn("INSERT INTO t VALUES (1)");
        // Until every process has read the setting, a commit waits for one or for nobody.
        wait_for("a commit hangs", PATIENCE, async || {
            if client.value(&hangs).await? {
                return Ok(true);
            }
            if running.is_finished() {
                running = writer.spawn("INSERT INTO t VALUES (1)");
            }
            Ok(false)
        })
        .await
        .unwrap();
        let raised = eye.until_raised("syncrep", Severity::Warning).await;
        let finding = &raised[0].finding;
        assert_eq!(
            finding.sentence,
            "1 commit hangs for standby far, which is not connected"
        );
        paste(&client, &finding.remedies[0].text).await;
        eye.until_calm("syncrep").await;
        running.finish().await.unwrap();
        let names: String = client.value("SHOW synchronous_standby_names").await.unwrap();
        assert_eq!(names, "FIRST 1 (\"near\")");
        drop(standby);
    }
}
