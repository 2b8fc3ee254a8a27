//! The rows of the pane.

use std::collections::{BTreeMap, BTreeSet};

use pgmon_lab::{Client, Cluster, MAJORS, PATIENCE, Result, scene, shared, wait_for, wait_until};
use pgmon_tui::model::activity::{self, Blocking, Doing, Options, Place, View};
use pgmon_tui::model::locks;
use pgmon_tui::probe::activity::{Activity, Backend};
use pgmon_tui::probe::locks::Locks;

use crate::eye::{Eye, start_of};

/// One row as text: pid, database, role, application, type, state, wait, text, leader.
type Truth = BTreeMap<i32, Vec<Option<String>>>;

/// What a role sees of everybody but these pids, by another question.
async fn truth(client: &Client, leader: bool, but: &[i32]) -> Result<Truth> {
    let leader = if leader { "leader_pid::text" } else { "NULL::text" };
    let but: Vec<String> = but.iter().map(ToString::to_string).collect();
    let sql = format!(
        "SELECT pid, datname, usename, application_name, backend_type, state, wait_event_type, wait_event, query, \
         {leader}, host(client_addr), backend_xmin::text IS NOT NULL FROM pg_stat_activity WHERE pid NOT IN ({})",
        but.join(", ")
    );
    let rows = client.texts(&sql).await?;
    let row = |mut row: Vec<Option<String>>| {
        let pid = row.remove(0).unwrap_or_default();
        (pid.parse().unwrap(), row)
    };
    Ok(rows.into_iter().map(row).collect())
}

/// Our rows in the same form.
fn ours(rows: &[Backend]) -> Truth {
    let bool = |value: bool| Some(if value { "t" } else { "f" }.to_owned());
    let row = |row: &Backend| {
        let query = if row.hidden {
            Some("<insufficient privilege>".to_owned())
        } else {
            row.query.clone()
        };
        let values = vec![
            row.datname.clone(),
            row.usename.clone(),
            row.application_name.clone(),
            row.backend_type.clone(),
            row.state.clone(),
            row.wait_event_type.clone(),
            row.wait_event.clone(),
            query,
            row.leader_pid.map(|pid| pid.to_string()),
            row.client.clone(),
            bool(row.xmin_age.is_some()),
        ];
        (row.pid, values)
    };
    rows.iter().map(row).collect()
}

/// Sessions of clients in every state that lasts.
async fn crowd(cluster: &Cluster, database: &str, user: &str) -> Result<Vec<Client>> {
    let open = async |sql: &str| -> Result<Client> {
        let client = cluster.client_named("crowd", user, database).await?;
        client.simple(sql).await?;
        Ok(client)
    };
    let sleeper = cluster.client_named("sleeper", user, database).await?;
    drop(sleeper.spawn("SELECT pg_sleep(600) /* é \u{1f600} */"));
    let failed = cluster.client_named("failed", user, database).await?;
    failed.simple("BEGIN; SELECT 1/0").await.unwrap_err();
    let crowd = vec![
        open("SELECT 'idle'").await?,
        open("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM pg_class LIMIT 1").await?,
        failed,
        sleeper,
    ];
    let sleeping = format!(
        "SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = {}",
        crowd[3].pid()
    );
    let admin = cluster.client().await?;
    wait_for("the sleeper sleeps", PATIENCE, async || {
        Ok(admin.value::<Option<bool>>(&sleeping).await?.unwrap_or_default())
    })
    .await?;
    Ok(crowd)
}

/// Compares until nothing moves between the two questions: background processes come and go and change their waits.
async fn compare(cluster: &Cluster, user: &str) -> Result<Vec<Backend>> {
    let major = cluster.major();
    let mut eye = Eye::open_as(cluster, user, "postgres").await;
    let client = cluster.client_as(user, "postgres").await?;
    let mut last = Vec::new();
    let what = format!("{user} on {major} sees what the view says");
    wait_for(&what, PATIENCE, async || {
        let before = truth(&client, major >= 13, &[client.pid()]).await?;
        let rows = eye.ask::<Activity>().await;
        let after = truth(&client, major >= 13, &[client.pid()]).await?;
        let mut ours = ours(&rows);
        last = rows;
        // Ours alone is missing from our rows, theirs alone from theirs.
        ours.remove(&client.pid());
        let missing: Vec<i32> = before.keys().filter(|pid| !ours.contains_key(pid)).copied().collect();
        let still = |truth: &Truth| {
            let kept = truth.iter().filter(|(pid, _)| !missing.contains(pid));
            kept.map(|(pid, row)| (*pid, row.clone())).collect::<Truth>()
        };
        Ok(missing.len() == 1 && still(&before) == ours && still(&after) == ours)
    })
    .await?;
    Ok(last)
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_those_of_the_view() -> Result<()> {
    for major in MAJORS {
        let cluster = Cluster::builder(major)
            .role("mon LOGIN IN ROLE pg_monitor")
            .role("plain LOGIN")
            .role("other LOGIN")
            .start()
            .await?;
        let crowd = crowd(&cluster, "postgres", "other").await?;
        let pids: BTreeSet<i32> = crowd.iter().map(Client::pid).collect();
        for user in ["postgres", "mon"] {
            let rows = compare(&cluster, user).await?;
            assert!(rows.iter().all(|row| !row.hidden), "{user} on {major}");
            let doing: BTreeSet<Doing> = rows
                .iter()
                .filter(|row| pids.contains(&row.pid))
                .map(Doing::of)
                .collect();
            let expected = [Doing::Waiting, Doing::IdleInTransaction, Doing::Aborted, Doing::Idle];
            assert_eq!(doing, expected.into(), "{user} on {major}");
        }
        let rows = compare(&cluster, "plain").await?;
        let hidden: BTreeSet<i32> = rows.iter().filter(|row| row.hidden).map(|row| row.pid).collect();
        assert!(hidden.is_superset(&pids), "{major}: {hidden:?}");
        let counts = activity::counts(&rows, &Blocking::default());
        assert!(
            counts.hidden >= pids.len() && counts.unknown == counts.hidden,
            "{major}: {counts:?}"
        );
        let shown = activity::rows(&rows, &Blocking::default(), Options::default());
        let shown: BTreeSet<i32> = shown.iter().map(|row| row.backend.pid).collect();
        assert!(shown.is_superset(&pids), "{major}: hidden sessions stay visible");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_on_a_standby() -> Result<()> {
    for major in MAJORS {
        let primary = Cluster::builder(major)
            .role("mon LOGIN IN ROLE pg_monitor")
            .start()
            .await?;
        let standby = primary.standby("eyed", &[]).await?;
        let rows = compare(&standby, "mon").await?;
        let kinds: BTreeSet<_> = rows.iter().filter_map(|row| row.backend_type.as_deref()).collect();
        assert!(
            kinds.contains("startup") && kinds.contains("walreceiver"),
            "{major}: {kinds:?}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ages_are_the_servers() -> Result<()> {
    for major in MAJORS {
        let cluster = shared(major).await?;
        let admin = cluster.client().await?;
        let held = cluster.client_named("aging", "postgres", "postgres").await?;
        held.simple("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT txid_current()")
            .await?;
        let mut eye = Eye::open(cluster, "postgres").await;
        let ages = format!(
            "SELECT ARRAY[extract(epoch FROM clock_timestamp() - backend_start), \
             extract(epoch FROM clock_timestamp() - xact_start), extract(epoch FROM clock_timestamp() - query_start), \
             extract(epoch FROM clock_timestamp() - state_change)]::float8[] FROM pg_stat_activity WHERE pid = {}",
            held.pid()
        );
        let horizon = format!(
            "SELECT ARRAY[age(backend_xid), age(backend_xmin)]::int8[] FROM pg_stat_activity WHERE pid = {}",
            held.pid()
        );
        let (before, xids_before): (Vec<f64>, Vec<i64>) = (admin.value(&ages).await?, admin.value(&horizon).await?);
        let row = eye.row(held.pid()).await;
        let (after, xids_after): (Vec<f64>, Vec<i64>) = (admin.value(&ages).await?, admin.value(&horizon).await?);
        let ours = [row.backend_s, row.xact_s, row.query_s, row.state_s].map(Option::unwrap);
        for ((before, ours), after) in before.iter().zip(ours).zip(&after) {
            assert!(*before <= ours && ours <= *after, "{major}: {before} {ours} {after}");
        }
        let ours = [row.xid_age, row.xmin_age].map(Option::unwrap);
        for ((before, ours), after) in xids_before.iter().zip(ours).zip(&xids_after) {
            assert!(*before <= ours && ours <= *after, "{major}: {before} {ours} {after}");
        }
        assert_eq!(row.start, admin.value::<i64>(&start_of(held.pid())).await?, "{major}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_sessions_are_left_out_and_nobody_elses() -> Result<()> {
    // A server of its own: the other tests' sessions have the same name.
    let cluster = Cluster::builder(18).start().await?;
    let mut first = Eye::open(&cluster, "postgres").await;
    let ours = async |eye: &mut Eye| -> BTreeSet<i32> {
        let rows = eye.ask::<Activity>().await;
        rows.iter()
            .filter(|row| row.application_name.as_deref() == Some("pgmon-tui"))
            .map(|row| row.pid)
            .collect()
    };
    let before = ours(&mut first).await;
    let _second = Eye::open(&cluster, "postgres").await;
    let _third = Eye::open(&cluster, "postgres").await;
    let both: Vec<i32> = ours(&mut first).await.difference(&before).copied().collect();
    assert_eq!(both.len(), 2, "other sessions of the same program are shown");
    first.owns(&both[..1]);
    let left = ours(&mut first).await;
    assert!(!left.contains(&both[0]) && left.contains(&both[1]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parallel_group_is_its_leader_and_its_workers() -> Result<()> {
    for major in MAJORS {
        let cluster = Cluster::builder(major).start().await?;
        let scene = scene::parallel_query(&cluster, "postgres").await?;
        let mut eye = Eye::open(&cluster, "postgres").await;
        let rows = eye.ask::<Activity>().await;
        let workers: BTreeSet<i32> = scene
            .admin()
            .column::<i32>("SELECT pid FROM pg_stat_activity WHERE backend_type = 'parallel worker'")
            .await?
            .into_iter()
            .collect();
        assert_eq!(workers.len(), 2);
        let shown = activity::rows(&rows, &Blocking::default(), Options::default());
        let places: Vec<(i32, Place)> = shown.iter().map(|row| (row.backend.pid, row.place)).collect();
        let leader = places.iter().position(|(pid, _)| *pid == scene.pid("leader")).unwrap();
        if major >= 13 {
            assert_eq!(places[leader].1, Place::Leader(2), "{major}");
            let below: BTreeSet<i32> = places[leader + 1..leader + 3].iter().map(|(pid, _)| *pid).collect();
            assert_eq!(below, workers, "{major}");
        } else {
            // 12 does not say who leads whom.
            assert!(places.iter().all(|(_, place)| *place == Place::Alone));
        }
        let counts = activity::counts(&rows, &Blocking::default());
        let sessions: i64 = scene
            .admin()
            .value("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
            .await?;
        // Ours is not counted; on 12 workers cannot be told from sessions by their leader, but by their type.
        let expected = usize::try_from(sessions).unwrap() - 1 + if major >= 13 { 0 } else { workers.len() };
        assert_eq!(counts.sessions, expected, "{major}");
        scene.end().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn on_cpu_is_active_without_a_wait() -> Result<()> {
    let cluster = shared(17).await?;
    let busy = cluster.client_named("busy", "postgres", "postgres").await?;
    let running = busy.spawn("DO $$BEGIN LOOP PERFORM 1; END LOOP; END$$");
    let mut eye = Eye::open(cluster, "postgres").await;
    wait_until("it is seen on CPU", PATIENCE, async || {
        Ok(Doing::of(&eye.row(busy.pid()).await) == Doing::Running)
    })
    .await;
    busy.cancel().await?;
    running.finish().await.unwrap_err();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_of_blocking_are_true_for_every_role() -> Result<()> {
    for major in MAJORS {
        let cluster = Cluster::builder(major).role("plain LOGIN").start().await?;
        let scene = scene::queued_exclusive(&cluster, "postgres", 3).await?;
        let admin = scene.admin();
        let waiters: BTreeSet<i32> = admin
            .column::<i32>("SELECT pid FROM pg_locks WHERE NOT granted")
            .await?
            .into_iter()
            .collect();
        assert_eq!(waiters.len(), 4, "{major}");
        for user in ["postgres", "plain"] {
            let mut eye = Eye::open_as(&cluster, user, "postgres").await;
            let backends = eye.ask::<Activity>().await;
            let blocking = Blocking::of(&locks::forest(&eye.ask::<Locks>().await, &[]));
            let waiting = Options {
                view: View::Waiting,
                ..Options::default()
            };
            let rows = activity::rows(&backends, &blocking, waiting);
            let shown: BTreeSet<i32> = rows
                .iter()
                .filter(|row| row.waits_for_lock)
                .map(|row| row.backend.pid)
                .collect();
            assert_eq!(shown, waiters, "{user} on {major}");
            let mut behind = BTreeMap::<i32, usize>::new();
            for row in rows.iter().filter(|row| row.waits_for_lock) {
                let pid = row.backend.pid;
                let truth: Vec<i32> = admin.column(&format!("SELECT unnest(pg_blocking_pids({pid}))")).await?;
                assert!(!row.blocked_by.is_empty(), "{user} on {major}: {pid}");
                assert!(
                    row.blocked_by.iter().all(|blocker| truth.contains(blocker)),
                    "{user} on {major}: {pid}"
                );
                *behind.entry(row.blocked_by[0]).or_default() += 1;
            }
            let of_view = Options {
                view: View::Blocking,
                ..Options::default()
            };
            let blockers: BTreeSet<i32> = activity::rows(&backends, &blocking, of_view)
                .iter()
                .map(|row| row.backend.pid)
                .collect();
            assert_eq!(blockers, behind.keys().copied().collect(), "{user} on {major}");
            let root = blockers.difference(&waiters).next().unwrap();
            assert_eq!(
                blocking.blocks[root],
                waiters.len(),
                "{user} on {major}: all of them wait because of {root}"
            );
        }
        scene.end().await?;
    }
    Ok(())
}
