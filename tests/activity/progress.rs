//! How far a command is, against the progress views themselves.

use pgmon_lab::{Client, Cluster, MAJORS, PATIENCE, Result, wait_for};
use pgmon_tui::probe::backend_progress::{BackendProgress, Progress};

use crate::eye::{Eye, start_of};

/// Runs a command in the background and asks for its progress until it is in the wanted phase.
async fn progress(
    cluster: &Cluster,
    view: &str,
    before: &str,
    command: &str,
    phase: &str,
) -> Result<(Client, Progress)> {
    let (admin, worker) = (cluster.client().await?, cluster.client().await?);
    worker.simple(before).await?;
    drop(worker.spawn(command));
    let mut eye = Eye::open(cluster, "postgres").await;
    eye.look_at(worker.pid(), admin.value(&start_of(worker.pid())).await?);
    let truth = format!(
        "SELECT ARRAY[coalesce(max({phase}), '')]::text[] FROM pg_catalog.{view} WHERE pid = {}",
        worker.pid()
    );
    let mut found = None;
    wait_for(&format!("{command:.60} reports"), PATIENCE, async || {
        let before = admin.value::<Vec<String>>(&truth).await?;
        let mut ours = eye.ask::<BackendProgress>().await;
        let after = admin.value::<Vec<String>>(&truth).await?;
        let same = before == after && ours.len() == 1 && ours[0].phase.as_ref() == before.first();
        found = ours
            .pop()
            .filter(|progress| same && progress.done.is_some_and(|done| done > 0));
        Ok(found.is_some())
    })
    .await?;
    Ok((worker, found.unwrap()))
}

async fn end(cluster: &Cluster, worker: &Client) -> Result<()> {
    cluster.client().await?.terminate(worker.pid()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn vacuum_and_create_index_and_copy() -> Result<()> {
    for major in MAJORS {
        let cluster = Cluster::builder(major).conf("autovacuum", "off").start().await?;
        let admin = cluster.client().await?;
        admin
            .simple(
                "CREATE TABLE big AS SELECT g AS a, repeat('x', 200) AS b FROM generate_series(1, 60000) g;
                 DELETE FROM big WHERE a % 2 = 0;
                 CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
                 'BEGIN IF $1 % 1000 = 1 THEN PERFORM pg_sleep(0.2); END IF; RETURN $1; END'",
            )
            .await?;
        let slowly = "SET vacuum_cost_delay = 20; SET vacuum_cost_limit = 20";
        let (worker, vacuum) = progress(&cluster, "pg_stat_progress_vacuum", slowly, "VACUUM big", "phase").await?;
        assert_eq!(vacuum.command.as_deref(), Some("VACUUM"), "{major}");
        assert_eq!(vacuum.relation.as_deref(), Some("public.big"), "{major}");
        let blocks: i64 = admin
            .value("SELECT pg_relation_size('big') / current_setting('block_size')::int")
            .await?;
        assert_eq!(
            (vacuum.total, vacuum.unit.as_deref()),
            (Some(blocks), Some("blocks")),
            "{major}"
        );
        assert!(
            vacuum.share().is_some_and(|share| share > 0.0 && share < 1.0),
            "{major}: {vacuum:?}"
        );
        end(&cluster, &worker).await?;

        let build = "CREATE INDEX big_slow ON big (slow(a))";
        let alone = "SET max_parallel_maintenance_workers = 0";
        let (worker, index) = progress(&cluster, "pg_stat_progress_create_index", alone, build, "phase").await?;
        assert_eq!(index.command.as_deref(), Some("CREATE INDEX"), "{major}");
        assert_eq!(index.relation.as_deref(), Some("public.big"), "{major}");
        assert_eq!(
            index.phase.as_deref(),
            Some("building index: scanning table"),
            "{major}"
        );
        assert_eq!(index.total, Some(blocks), "{major}");
        end(&cluster, &worker).await?;

        if major >= 14 {
            let copy = "COPY (SELECT repeat('x', 100), CASE WHEN g % 100 = 0 THEN pg_sleep(0.2) END \
                        FROM generate_series(1, 100000) g) TO '/dev/null'";
            let (worker, copy) = progress(&cluster, "pg_stat_progress_copy", "", copy, "type").await?;
            assert_eq!(copy.command.as_deref(), Some("COPY TO"), "{major}");
            assert_eq!((copy.share(), copy.unit.as_deref()), (None, Some("bytes")), "{major}");
            end(&cluster, &worker).await?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_waits_names_whom_for() -> Result<()> {
    for major in MAJORS {
        let cluster = Cluster::builder(major).start().await?;
        let scene = pgmon_lab::scene::index_behind_snapshot(&cluster, "postgres").await?;
        let admin = scene.admin();
        let builder: i32 = admin.value("SELECT pid FROM pg_stat_progress_create_index").await?;
        let blocker: Vec<i32> = admin
            .column(&format!("SELECT unnest(pg_blocking_pids({builder}))"))
            .await?;
        let mut eye = Eye::open(&cluster, "postgres").await;
        eye.look_at(builder, admin.value(&start_of(builder)).await?);
        let progress = eye.ask::<BackendProgress>().await;
        assert_eq!(progress.len(), 1);
        assert_eq!(
            progress[0].command.as_deref(),
            Some("CREATE INDEX CONCURRENTLY"),
            "{major}"
        );
        assert_eq!(progress[0].unit.as_deref(), Some("lockers"), "{major}");
        assert_eq!(
            progress[0].locker_pid,
            blocker.first().copied(),
            "{major}: {progress:?}"
        );
        scene.end().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_progress_says_so() -> Result<()> {
    for major in MAJORS {
        let cluster = Cluster::builder(major).role("plain LOGIN").start().await?;
        let scene = pgmon_lab::scene::index_behind_snapshot(&cluster, "postgres").await?;
        let builder: i32 = scene
            .admin()
            .value("SELECT pid FROM pg_stat_progress_create_index")
            .await?;
        let mut eye = Eye::open_as(&cluster, "plain", "postgres").await;
        eye.look_at(builder, 0);
        let progress = eye.ask::<BackendProgress>().await;
        assert_eq!(progress.len(), 1, "{major}");
        assert_eq!(progress[0].phase, None, "{major}: {progress:?}");
        scene.end().await?;
    }
    Ok(())
}
