//! The lab's servers do what a test believes of them, on every supported major.

use pgmon_lab::{Cluster, MAJORS, PATIENCE, Result, Stop, is_stopped, wait_until};

const IN_RECOVERY: &str = "SELECT pg_catalog.pg_is_in_recovery()";

#[tokio::test]
async fn every_major_starts_as_it_was_configured() -> Result<()> {
    for major in MAJORS {
        let cluster = Cluster::builder(major)
            .conf("max_connections", "23")
            .role("mon LOGIN IN ROLE pg_monitor")
            .start()
            .await?;
        let client = cluster.client_as("mon", "postgres").await?;
        let number = "SELECT current_setting('server_version_num')::int4 / 10000";
        assert_eq!(client.value::<i32>(number).await?, i32::try_from(major).unwrap());
        assert_eq!(client.value::<String>("SHOW max_connections").await?, "23");
        let statements = "SELECT count(*) > 0 FROM pg_stat_statements";
        assert!(client.value::<bool>(statements).await?);
        assert!(
            client
                .value::<bool>("SELECT pg_has_role('pg_monitor', 'USAGE')")
                .await?
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_standby_streams_on_every_major() -> Result<()> {
    for major in MAJORS {
        let primary = Cluster::builder(major).start().await?;
        let writer = primary.client().await?;
        let standby = primary.standby("sb1", &[("hot_standby_feedback", "on")]).await?;
        writer
            .simple("CREATE TABLE t (v int); INSERT INTO t VALUES (42)")
            .await?;
        let reader = standby.client().await?;
        assert!(reader.value::<bool>(IN_RECOVERY).await?);
        assert!(!writer.value::<bool>(IN_RECOVERY).await?);
        assert_eq!(reader.value::<String>("SHOW hot_standby_feedback").await?, "on");
        wait_until("the row arrives", PATIENCE, async || {
            Ok(reader.value::<i32>("SELECT v FROM t").await? == 42)
        })
        .await;
    }
    Ok(())
}

#[tokio::test]
async fn stop_start_crash_and_pause() -> Result<()> {
    let cluster = Cluster::builder(18).start().await?;
    let client = cluster.client().await?;
    let (before, port) = (cluster.postmaster(), cluster.port());
    cluster.restart().await?;
    assert_ne!(cluster.postmaster(), before);
    assert_eq!(cluster.port(), port);
    assert!(client.simple("SELECT 1").await.is_err(), "a session survived a restart");

    let client = cluster.client().await?;
    cluster.pause();
    let question = client.spawn("SELECT 1");
    assert!(is_stopped(client.pid()));
    assert!(!question.is_finished());
    cluster.resume();
    question.finish().await?;

    cluster.kill9().await?;
    assert_eq!(cluster.postmaster(), None);
    cluster.start_again().await?;
    assert!(cluster.log().contains("was interrupted"), "{}", cluster.log());
    cluster.stop(Stop::Immediate).await?;
    assert!(cluster.client().await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let error = Cluster::builder(18)
        .conf("shared_buffers", "nonsense")
        .start()
        .await
        .err()
        .unwrap();
    assert!(error.says("shared_buffers"), "{error}");
}

#[tokio::test]
async fn a_setting_is_in_force_after_set() -> Result<()> {
    let cluster = Cluster::builder(12).start().await?;
    cluster.set("work_mem", "1234kB").await?;
    assert_eq!(
        cluster.client().await?.value::<String>("SHOW work_mem").await?,
        "1234kB"
    );
    Ok(())
}
