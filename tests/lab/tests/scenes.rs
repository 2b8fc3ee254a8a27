//! Each scene really makes its situation, on every supported major: checked by `pg_blocking_pids` and `pg_locks`.

use pgmon_lab::{Client, Cluster, MAJORS, PATIENCE, Result, Scene, scene, shared, wait_until};

/// Who blocks this backend, without duplicates.
async fn blockers(client: &Client, pid: i32) -> Result<Vec<i32>> {
    client
        .column(&format!(
            "SELECT DISTINCT b FROM unnest(pg_blocking_pids({pid})) b ORDER BY b"
        ))
        .await
}

/// A fresh database on the shared cluster of a major.
async fn stage(major: u32, database: &str) -> Result<&'static Cluster> {
    let cluster = shared(major).await?;
    cluster.database(database).await?;
    Ok(cluster)
}

async fn waits_for(scene: &Scene, waiter: &str) -> Result<(String, String)> {
    let sql = format!(
        "SELECT mode || '|' || locktype FROM pg_locks WHERE NOT granted AND pid = {}",
        scene.pid(waiter)
    );
    let text: String = scene.admin().value(&sql).await?;
    let (mode, kind) = text.split_once('|').unwrap_or_default();
    Ok(pair(mode, kind))
}

fn pair(mode: &str, kind: &str) -> (String, String) {
    (mode.to_owned(), kind.to_owned())
}

#[tokio::test]
async fn readers_queue_behind_a_queued_exclusive_lock() -> Result<()> {
    for major in MAJORS {
        let cluster = stage(major, "queued").await?;
        let scene = scene::queued_exclusive(cluster, "queued", 5).await?;
        assert_eq!(blockers(scene.admin(), scene.pid("alter")).await?, [scene.pid("root")]);
        assert_eq!(
            waits_for(&scene, "alter").await?,
            pair("AccessExclusiveLock", "relation")
        );
        for reader in scene.pids("reader") {
            assert_eq!(blockers(scene.admin(), reader).await?, [scene.pid("alter")]);
        }
        assert_eq!(scene.pids("reader").len(), 5);
        scene.end().await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_idle_transaction_holds_a_row() -> Result<()> {
    for major in MAJORS {
        let cluster = stage(major, "idle").await?;
        let scene = scene::idle_in_transaction(cluster, "idle").await?;
        assert_eq!(blockers(scene.admin(), scene.pid("waiter")).await?, [scene.pid("root")]);
        assert_eq!(waits_for(&scene, "waiter").await?, pair("ShareLock", "transactionid"));
        let state = format!("SELECT state FROM pg_stat_activity WHERE pid = {}", scene.pid("root"));
        assert_eq!(scene.admin().value::<String>(&state).await?, "idle in transaction");
        let (root, admin) = (scene.pid("root"), scene.admin().clone());
        scene.end().await?;
        let left = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {root}");
        assert_eq!(admin.value::<i64>(&left).await?, 0);
    }
    Ok(())
}

#[tokio::test]
async fn a_prepared_transaction_holds_a_row() -> Result<()> {
    for major in MAJORS {
        let cluster = stage(major, "prepared").await?;
        let scene = scene::prepared_transaction(cluster, "prepared").await?;
        assert_eq!(blockers(scene.admin(), scene.pid("waiter")).await?, [0]);
        let admin = scene.admin().clone();
        let gids = "SELECT count(*) FROM pg_prepared_xacts WHERE gid = 'lab-prepared'";
        assert_eq!(admin.value::<i64>(gids).await?, 1);
        scene.end().await?;
        assert_eq!(admin.value::<i64>(gids).await?, 0);
    }
    Ok(())
}

#[tokio::test]
async fn parallel_workers_wait() -> Result<()> {
    for major in MAJORS {
        let cluster = stage(major, "parallel").await?;
        let scene = scene::parallel_query(cluster, "parallel").await?;
        let workers =
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'parallel worker' AND datname = 'parallel'";
        let workers: Vec<i32> = scene.admin().column(workers).await?;
        assert_eq!(workers.len(), 2);
        for worker in workers {
            assert_eq!(blockers(scene.admin(), worker).await?, [scene.pid("holder")]);
        }
        scene.end().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_deadlock_stays() -> Result<()> {
    for major in MAJORS {
        let cluster = stage(major, "deadlock").await?;
        let scene = scene::deadlock(cluster, "deadlock").await?;
        let (a, b) = (scene.pid("a"), scene.pid("b"));
        assert_eq!(blockers(scene.admin(), a).await?, [b]);
        assert_eq!(blockers(scene.admin(), b).await?, [a]);
        assert_eq!(blockers(scene.admin(), scene.pid("victim")).await?, [a]);
        scene.end().await?;
    }
    Ok(())
}

#[tokio::test]
async fn advisory_locks_queue() -> Result<()> {
    for major in MAJORS {
        let cluster = stage(major, "advisory").await?;
        let scene = scene::advisory(cluster, "advisory").await?;
        assert_eq!(
            blockers(scene.admin(), scene.pid("exclusive")).await?,
            [scene.pid("shared")]
        );
        assert_eq!(
            blockers(scene.admin(), scene.pid("late")).await?,
            [scene.pid("exclusive")]
        );
        scene.end().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_hot_row_makes_a_convoy() -> Result<()> {
    for major in MAJORS {
        let cluster = stage(major, "hot").await?;
        let scene = scene::hot_row(cluster, "hot", 6).await?;
        assert_eq!(
            blockers(scene.admin(), scene.pid("first")).await?,
            [scene.pid("holder")]
        );
        assert_eq!(waits_for(&scene, "first").await?, pair("ShareLock", "transactionid"));
        for waiter in scene.pids("convoy") {
            assert!(blockers(scene.admin(), waiter).await?.contains(&scene.pid("first")));
        }
        assert_eq!(waits_for(&scene, "convoy").await?, pair("ExclusiveLock", "tuple"));
        scene.end().await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_index_build_waits_for_a_snapshot() -> Result<()> {
    for major in MAJORS {
        let cluster = stage(major, "cic").await?;
        let scene = scene::index_behind_snapshot(cluster, "cic").await?;
        assert_eq!(blockers(scene.admin(), scene.pid("builder")).await?, [scene.pid("old")]);
        assert_eq!(waits_for(&scene, "builder").await?, pair("ShareLock", "virtualxid"));
        scene.end().await?;
    }
    Ok(())
}

#[tokio::test]
async fn commits_hang_without_their_standby() -> Result<()> {
    for major in [12, 18] {
        let cluster = Cluster::builder(major).start().await?;
        let scene = scene::sync_rep(&cluster, "postgres").await?;
        let admin = scene.admin().clone();
        scene.end().await?;
        let names = "SELECT current_setting('synchronous_standby_names')";
        wait_until("commits are free again", PATIENCE, async || {
            Ok(admin.value::<String>(names).await?.is_empty())
        })
        .await;
    }
    Ok(())
}

#[tokio::test]
async fn replay_waits_for_a_reader() -> Result<()> {
    for major in [12, 18] {
        let primary = Cluster::builder(major).start().await?;
        let standby = primary.standby("sb1", &[("max_standby_streaming_delay", "-1")]).await?;
        let scene = scene::replay_behind_reader(&primary, &standby).await?;
        let lock = "SELECT mode FROM pg_locks WHERE NOT granted";
        assert_eq!(scene.admin().value::<String>(lock).await?, "AccessExclusiveLock");
        scene.end().await?;
    }
    Ok(())
}

#[tokio::test]
async fn hundreds_of_sessions_and_waiters() -> Result<()> {
    let cluster = Cluster::builder(18).conf("max_connections", "1000").start().await?;
    let crowd = scene::many_sessions(&cluster, "postgres", 500).await?;
    let clients =
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    assert_eq!(crowd.admin().value::<i64>(clients).await?, 500);
    for (name, state) in [
        ("active", "active"),
        ("idle in tx", "idle in transaction"),
        ("idle", "idle"),
    ] {
        let sql =
            format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{name}' AND state = '{state}'");
        let found: i64 = crowd.admin().value(&sql).await?;
        assert_eq!(usize::try_from(found).unwrap(), crowd.pids(name).len(), "{name}");
    }
    let convoy = scene::hot_row(&cluster, "postgres", 450).await?;
    let waiting = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted";
    assert_eq!(crowd.admin().value::<i64>(waiting).await?, 451);
    convoy.end().await?;
    crowd.end().await
}
