//! The lab's servers do what a test believes of them, on every supported major.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use pgmon_lab::{Cluster, MAJORS, PATIENCE, Result, Stop, is_stopped, processes_with, shared, wait_until};

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
    let stopped = Command::new("ps")
        .args(["-o", "stat=", "-p", &client.pid().to_string()])
        .output()?;
    assert!(stopped.stdout.starts_with(b"T"), "{stopped:?}");
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

/// What the next test starts and kills: a process with a server that is even stopped by SIGSTOP.
#[tokio::test]
#[ignore = "runs inside dead_process_leaves_nothing"]
async fn hold_a_paused_server() -> Result<()> {
    let cluster = shared(17).await?;
    cluster.pause();
    let sign = PathBuf::from(std::env::var_os("LAB_SIGN").unwrap());
    std::fs::write(sign.with_extension("new"), cluster.socket_dir().to_str().unwrap())?;
    std::fs::rename(sign.with_extension("new"), sign)?;
    std::future::pending().await
}

#[tokio::test]
async fn dead_process_leaves_nothing() -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let sign = scratch.path().join("sign");
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--exact", "hold_a_paused_server", "--ignored"])
        .env("LAB_SIGN", &sign)
        .stdout(Stdio::null())
        .spawn()?;
    wait_until("the other process has a server", PATIENCE, async || Ok(sign.exists())).await;
    let dir = PathBuf::from(std::fs::read_to_string(&sign)?);
    assert!(dir.join("run.pid").exists());
    child.kill()?;
    child.wait()?;
    wait_until("its directory is gone", PATIENCE, async || Ok(!dir.exists())).await;
    assert!(processes_with(dir.to_str().unwrap_or_default()).is_empty());
    Ok(())
}
