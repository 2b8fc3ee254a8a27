//! How far commands are, against the progress views themselves.

use std::io::{Read, Write};
use std::net::TcpStream;

use pgmon_lab::{Client, Cluster, MAJORS, PATIENCE, Result, wait_for};
use pgmon_tui::model::activity::Blocking;
use pgmon_tui::model::locks;
use pgmon_tui::model::progress;
use pgmon_tui::probe::locks::Locks;
use pgmon_tui::probe::progress::{Progress, ProgressProbe};
use rstest::rstest;

use crate::eye::Eye;

/// 60,000 rows, half of them deleted, and a function that makes a command take two minutes for whoever wants it slow.
const BIG: &str = "CREATE TABLE big AS SELECT g AS a, repeat('x', 200) AS b FROM generate_series(1, 60000) g;
    CREATE INDEX big_a ON big (a);
    DELETE FROM big WHERE a % 2 = 0;
    CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
      'BEGIN IF $1 % 500 = 1 AND current_setting(''lab.slow'', true) = ''on'' THEN PERFORM pg_sleep(1); END IF;
       RETURN $1; END'";
/// VACUUM and ANALYZE crawl: they sleep for 0.4 s after each page, so that three questions fit in between.
const SLOWLY: &str = "SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1; SET vacuum_cost_page_hit = 4;
    SET max_parallel_maintenance_workers = 0; SET lab.slow = 'on'";

async fn cluster(major: u32) -> Result<Cluster> {
    Cluster::builder(major)
        .conf("autovacuum", "off")
        .role("mon LOGIN IN ROLE pg_monitor")
        .role("plain LOGIN")
        .sql(BIG)
        .start()
        .await
}

/// A command in the background.
async fn run(cluster: &Cluster, before: &str, command: &str) -> Result<Client> {
    let worker = cluster.client().await?;
    worker.simple(before).await?;
    drop(worker.spawn(command));
    Ok(worker)
}

/// What we say of a pid once it agrees with a view: `columns` (an array of texts) are read before and after.
async fn seen(eye: &mut Eye, admin: &Client, view: &str, columns: &str, pid: i32) -> Result<(Progress, Vec<String>)> {
    let truth = format!("SELECT ARRAY[{columns}]::text[] FROM pg_catalog.{view} WHERE pid = {pid}");
    let mut found = None;
    wait_for(&format!("{view} moves"), PATIENCE, async || {
        let before = admin.column::<Vec<String>>(&truth).await?;
        let ours = eye
            .ask::<ProgressProbe>()
            .await
            .iter()
            .find(|progress| progress.pid == pid)
            .cloned();
        let after = admin.column::<Vec<String>>(&truth).await?;
        found = ours
            .zip(after.first().cloned())
            .filter(|(ours, _)| before == after && ours.done > Some(0));
        Ok(found.is_some())
    })
    .await?;
    Ok(found.unwrap())
}

fn text(value: Option<i64>) -> String {
    value.unwrap_or_default().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn vacuum_on_every_version() -> Result<()> {
    for major in MAJORS {
        let cluster = cluster(major).await?;
        let admin = cluster.client().await?;
        let worker = run(&cluster, SLOWLY, "VACUUM big").await?;
        let mut eye = Eye::open(&cluster, "mon", "postgres").await;
        let memory = if major >= 17 {
            "num_dead_item_ids, dead_tuple_bytes, max_dead_tuple_bytes, indexes_total"
        } else {
            "num_dead_tuples, max_dead_tuples"
        };
        let columns = format!("phase, heap_blks_scanned, heap_blks_total, index_vacuum_count, {memory}");
        let (vacuum, truth) = seen(&mut eye, &admin, "pg_stat_progress_vacuum", &columns, worker.pid()).await?;
        let mut ours = vec![
            vacuum.phase.clone().unwrap(),
            text(vacuum.done),
            text(vacuum.total),
            text(vacuum.rounds),
            text(vacuum.dead),
        ];
        if major >= 17 {
            ours.extend([vacuum.dead_bytes, vacuum.dead_room_bytes, vacuum.indexes_total].map(text));
        } else {
            ours.push(text(vacuum.dead_room));
        }
        assert_eq!(ours, truth, "{major}");
        assert_eq!(vacuum.relation().as_deref(), Some("public.big"), "{major}");
        assert_eq!(
            (progress::kind(&vacuum).as_str(), vacuum.unit.as_deref()),
            ("VACUUM", Some("blocks"))
        );
        assert!(progress::dead_memory(&vacuum).is_some(), "{major}");
        let start: i64 = admin.value(&start_of(worker.pid())).await?;
        assert_eq!(vacuum.start, start);
        rate_agrees(&cluster, &admin, worker.pid()).await?;
        // From another database only the number is known.
        cluster.database("other").await?;
        let mut elsewhere = Eye::open(&cluster, "mon", "other").await;
        let oid: u32 = admin.value("SELECT 'big'::regclass::oid").await?;
        let there = elsewhere.ask::<ProgressProbe>().await;
        assert_eq!(there[0].relation(), Some(format!("postgres: {oid}")), "{major}");
        // A plain role sees that there is something, and not what.
        let mut plain = Eye::open(&cluster, "plain", "postgres").await;
        let hidden = plain.ask::<ProgressProbe>().await;
        assert_eq!(
            (hidden.len(), &hidden[0].phase, hidden[0].done),
            (1, &None, None),
            "{major}"
        );
        admin.terminate(worker.pid()).await?;
        assert_eq!(eye.ask::<ProgressProbe>().await.len(), 0, "{major}");
    }
    Ok(())
}

fn start_of(pid: i32) -> String {
    format!("SELECT (extract(epoch from backend_start) * 1000000)::int8 FROM pg_stat_activity WHERE pid = {pid}")
}

/// Our rate, and the end it foretells, against what somebody else reads before and after each of our two readings.
async fn rate_agrees(cluster: &Cluster, admin: &Client, pid: i32) -> Result<()> {
    let sql = format!(
        "SELECT ARRAY[heap_blks_scanned, extract(epoch from clock_timestamp()), heap_blks_total]::float8[]
           FROM pg_stat_progress_vacuum WHERE pid = {pid} AND phase = 'scanning heap'"
    );
    let read = async || admin.value::<Vec<f64>>(&sql).await;
    let mut eye = Eye::open(cluster, "mon", "postgres").await;
    let before_first = read().await?;
    eye.ask::<ProgressProbe>().await;
    let after_first = read().await?;
    let (mut before_last, mut pace) = (Vec::new(), None);
    wait_for("the vacuum has a pace", PATIENCE, async || {
        before_last = read().await?;
        let known = eye.ask::<ProgressProbe>().await;
        pace = known.iter().find(|known| known.pid == pid).and_then(progress::pace);
        Ok(pace.is_some_and(|pace| pace.per_second > 0.0))
    })
    .await?;
    let after_last = read().await?;
    let (pace, total) = (pace.unwrap(), after_last[2]);
    let slowest = (before_last[0] - after_first[0]) / (after_last[1] - before_first[1]);
    let fastest = (after_last[0] - before_first[0]) / (before_last[1] - after_first[1]);
    assert!(
        (slowest..=fastest).contains(&pace.per_second),
        "{slowest} {pace:?} {fastest}"
    );
    let blocks_left = pace.left_s.unwrap() * pace.per_second;
    let (least, most) = (total - after_last[0], total - before_last[0]);
    assert!(
        (least - 1e-6..=most + 1e-6).contains(&blocks_left),
        "{least} {blocks_left} {most}"
    );
    Ok(())
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn analyze_index_builds_cluster_and_copy(#[values(12, 13, 14, 17, 18)] major: u32) -> Result<()> {
    let cluster = cluster(major).await?;
    let admin = cluster.client().await?;
    let mut eye = Eye::open(&cluster, "mon", "postgres").await;
    let blocks: i64 = admin
        .value("SELECT pg_relation_size('big') / current_setting('block_size')::int")
        .await?;

    let build = run(&cluster, SLOWLY, "CREATE INDEX big_slow ON big (slow(a))").await?;
    let columns = "command, phase, blocks_done, blocks_total";
    let (index, truth) = seen(&mut eye, &admin, "pg_stat_progress_create_index", columns, build.pid()).await?;
    assert_eq!(
        truth,
        [
            "CREATE INDEX".into(),
            "building index: scanning table".into(),
            text(index.done),
            text(index.total)
        ]
    );
    assert_eq!(
        (index.total, progress::kind(&index).as_str()),
        (Some(blocks), "CREATE INDEX"),
        "{major}"
    );
    admin.terminate(build.pid()).await?;

    if major >= 13 {
        let analyze = run(&cluster, SLOWLY, "ANALYZE big").await?;
        let columns = "phase, sample_blks_scanned, sample_blks_total";
        let (seen, truth) = seen(&mut eye, &admin, "pg_stat_progress_analyze", columns, analyze.pid()).await?;
        assert_eq!(
            [seen.phase.clone().unwrap(), text(seen.done), text(seen.total)],
            truth[..],
            "{major}"
        );
        assert_eq!(progress::kind(&seen), "ANALYZE");
        admin.terminate(analyze.pid()).await?;
    }

    // An index over the slow function makes the last phase of a rewrite long enough to be seen.
    admin.simple("CREATE INDEX big_slow ON big (slow(a))").await?;
    let rewrite = run(&cluster, SLOWLY, "VACUUM FULL big").await?;
    let columns = "command, phase, index_rebuild_count";
    let (full, truth) = seen(&mut eye, &admin, "pg_stat_progress_cluster", columns, rewrite.pid()).await?;
    assert_eq!(full.command.as_deref(), Some("VACUUM FULL"), "{major}");
    assert_eq!(
        [full.command.clone().unwrap(), full.phase.clone().unwrap()],
        truth[..2],
        "{major}"
    );
    admin.terminate(rewrite.pid()).await?;

    if major >= 14 {
        let copy = "COPY (SELECT repeat('x', 100), CASE WHEN g % 100 = 0 THEN pg_sleep(1) END
                    FROM generate_series(1, 100000) g) TO '/dev/null'";
        let copy = run(&cluster, "", copy).await?;
        let columns = "command, type, bytes_processed";
        let (seen, truth) = seen(&mut eye, &admin, "pg_stat_progress_copy", columns, copy.pid()).await?;
        assert_eq!(truth, ["COPY TO".into(), "FILE".into(), text(seen.done)], "{major}");
        assert_eq!(
            (seen.share(), seen.unit.as_deref()),
            (None, Some("bytes")),
            "no total, no share"
        );
        assert_eq!(progress::phase(&seen).as_deref(), Some("a file"));
        admin.terminate(copy.pid()).await?;
    }
    Ok(())
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_waits_names_whom_for_and_has_no_end(#[values(12, 14, 18)] major: u32) -> Result<()> {
    // Autovacuum would analyze the table: one more command.
    let cluster = Cluster::builder(major).conf("autovacuum", "off").start().await?;
    let scene = pgmon_lab::scene::index_behind_snapshot(&cluster, "postgres").await?;
    let admin = scene.admin();
    let builder: i32 = admin.value("SELECT pid FROM pg_stat_progress_create_index").await?;
    let blockers: Vec<i32> = admin
        .column(&format!("SELECT unnest(pg_blocking_pids({builder}))"))
        .await?;
    let mut eye = Eye::open(&cluster, "postgres", "postgres").await;
    let found = eye.ask::<ProgressProbe>().await.clone();
    let [index] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(index.command.as_deref(), Some("CREATE INDEX CONCURRENTLY"), "{major}");
    assert_eq!(
        (index.unit.as_deref(), index.locker_pid),
        (Some("lockers"), blockers.first().copied()),
        "{major}"
    );
    assert_eq!(progress::pace(index), None);
    scene.end().await
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn autovacuum_and_whom_it_blocks(#[values(12, 15, 18)] major: u32) -> Result<()> {
    let cluster = Cluster::builder(major)
        .conf("autovacuum_naptime", "1s")
        // After that long the waiting session cancels autovacuum.
        .conf("deadlock_timeout", "1h")
        .role("mon LOGIN IN ROLE pg_monitor")
        .start()
        .await?;
    let admin = cluster.client().await?;
    admin
        .simple(
            "CREATE TABLE av WITH (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1,
               autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0, autovacuum_analyze_threshold = 1000000)
             AS SELECT g AS a, repeat('x', 100) AS b FROM generate_series(1, 50000) g",
        )
        .await?;
    admin.simple("DELETE FROM av WHERE a % 2 = 0").await?;
    let worker = "SELECT pid FROM pg_stat_progress_vacuum WHERE relid = 'av'::regclass AND phase = 'scanning heap'";
    wait_for("autovacuum is at the table", PATIENCE, async || {
        Ok(admin.column::<i32>(worker).await?.len() == 1)
    })
    .await?;
    let worker: i32 = admin.value(worker).await?;
    let waiter = cluster.client().await?;
    waiter.simple("BEGIN").await?;
    drop(waiter.spawn("LOCK TABLE av IN SHARE MODE"));
    let waits = format!("SELECT pg_blocking_pids({}) = ARRAY[{worker}]", waiter.pid());
    wait_for("a session waits for autovacuum", PATIENCE, async || {
        admin.value::<bool>(&waits).await
    })
    .await?;

    let mut eye = Eye::open(&cluster, "mon", "postgres").await;
    let forest = locks::forest(eye.ask::<Locks>().await, &[]);
    let blocking = Blocking::of(&forest);
    let found = eye.ask::<ProgressProbe>().await.clone();
    let vacuum = found.iter().find(|progress| progress.pid == worker).unwrap();
    assert!(vacuum.is_autovacuum() && !vacuum.prevents_wraparound(), "{vacuum:?}");
    assert_eq!(
        (progress::kind(vacuum).as_str(), vacuum.relation().as_deref()),
        ("autovacuum", Some("public.av"))
    );
    assert_eq!(blocking.blocks.get(&worker), Some(&1), "{major}: {blocking:?}");
    assert_eq!(blocking.by.get(&waiter.pid()), Some(&vec![worker]));
    admin.terminate(waiter.pid()).await
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_vacuum_that_prevents_wraparound_says_so(#[values(12, 18)] major: u32) -> Result<()> {
    let cluster = Cluster::builder(major)
        .conf("autovacuum", "off")
        .conf("autovacuum_naptime", "1s")
        .conf("autovacuum_freeze_max_age", "100000")
        .role("mon LOGIN IN ROLE pg_monitor")
        .start()
        .await?;
    let admin = cluster.client().await?;
    admin
        .simple(
            "CREATE TABLE old WITH (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)
             AS SELECT g AS a, repeat('x', 100) AS b FROM generate_series(1, 50000) g;
             CREATE PROCEDURE burn() LANGUAGE plpgsql AS
               'BEGIN FOR i IN 1..101000 LOOP PERFORM txid_current(); COMMIT; END LOOP; END';
             SET synchronous_commit = off",
        )
        .await?;
    admin.simple("CALL burn()").await?;
    cluster.set("autovacuum", "on").await?;
    let mut eye = Eye::open(&cluster, "mon", "postgres").await;
    let name = |progress: &Progress| progress.relation().as_deref() == Some("public.old");
    wait_for("autovacuum saves the table", PATIENCE, async || {
        let found = eye.ask::<ProgressProbe>().await;
        Ok(found
            .iter()
            .any(|progress| name(progress) && progress.prevents_wraparound()))
    })
    .await?;
    let found = eye.ask::<ProgressProbe>().await;
    assert!(
        found
            .iter()
            .filter(|progress| name(progress))
            .all(|progress| progress::kind(progress) == "autovacuum !")
    );
    Ok(())
}

/// One message of the protocol: its kind and its body.
fn message(kind: &[u8], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [kind, &length, body].concat()
}

/// A connection that has asked for a base backup and does not read it: the server's walsender stands in the middle.
fn base_backup(cluster: &Cluster) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", cluster.port()))?;
    let startup = [&196_608u32.to_be_bytes()[..], b"user\0postgres\0replication\0true\0\0"].concat();
    stream.write_all(&message(b"", &startup))?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"Z\0\0\0\x05I") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        answer.push(byte[0]);
    }
    let command = if cluster.major() >= 15 {
        &b"BASE_BACKUP (CHECKPOINT 'fast', PROGRESS)\0"[..]
    } else {
        &b"BASE_BACKUP PROGRESS FAST\0"[..]
    };
    stream.write_all(&message(b"Q", command))?;
    Ok(stream)
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_base_backup(#[values(13, 15, 18)] major: u32) -> Result<()> {
    let cluster = cluster(major).await?;
    let admin = cluster.client().await?;
    let stream = base_backup(&cluster).unwrap();
    let running = "SELECT pid FROM pg_stat_progress_basebackup WHERE backup_streamed > 0";
    wait_for("a base backup streams", PATIENCE, async || {
        Ok(admin.column::<i32>(running).await?.len() == 1)
    })
    .await?;
    let walsender: i32 = admin.value(running).await?;
    let mut eye = Eye::open(&cluster, "mon", "postgres").await;
    let columns = "phase, backup_streamed, backup_total, tablespaces_total";
    let (backup, truth) = seen(&mut eye, &admin, "pg_stat_progress_basebackup", columns, walsender).await?;
    let ours = [
        backup.phase.clone().unwrap(),
        text(backup.done),
        text(backup.total),
        text(backup.parts_total),
    ];
    assert_eq!(ours, truth[..], "{major}");
    assert_eq!(
        (progress::kind(&backup).as_str(), backup.relation()),
        ("base backup", None)
    );
    drop(stream);
    admin.terminate(walsender).await
}
