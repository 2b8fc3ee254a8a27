//! The page of one backend.

use pgmon_lab::{Client, Cluster, MAJORS, PATIENCE, Result, scene, wait_until};
use pgmon_tui::model::locks::object;
use pgmon_tui::model::remedy::{self, Who};
use pgmon_tui::pg::quote;
use pgmon_tui::probe::backend::{Backend, Detail, Encryption};
use pgmon_tui::probe::backend_locks::{BackendLocks, Lock};

use crate::common::plan;
use crate::eye::{Eye, start_of};

async fn page(eye: &mut Eye, admin: &Client, pid: i32) -> Result<Detail> {
    let start = admin.value(&start_of(pid)).await?;
    eye.look_at(pid, start);
    Ok(eye
        .ask::<Backend>()
        .await
        .unwrap_or_else(|| panic!("{pid} is not there")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiter_and_its_blockers() -> Result<()> {
    for major in MAJORS {
        let cluster = Cluster::builder(major).role("plain LOGIN").start().await?;
        let scene = scene::queued_exclusive(&cluster, "postgres", 2).await?;
        let admin = scene.admin();
        let waiters: Vec<i32> = admin
            .column("SELECT pid FROM pg_locks WHERE NOT granted ORDER BY pid")
            .await?;
        assert_eq!(waiters.len(), 3, "{major}");
        let mut eye = Eye::open(&cluster, "postgres").await;
        for pid in waiters {
            let detail = page(&mut eye, admin, pid).await?;
            let mut blockers: Vec<i32> = admin.column(&format!("SELECT unnest(pg_blocking_pids({pid}))")).await?;
            blockers.sort_unstable();
            blockers.dedup();
            assert_eq!(detail.blocked_by, blockers, "{major}");
            let text: String = admin
                .value(&format!("SELECT query FROM pg_stat_activity WHERE pid = {pid}"))
                .await?;
            assert_eq!(detail.query, Some(text), "{major}");
            assert_eq!((detail.cut, detail.hidden), (false, false));
            assert_eq!(detail.wait_event_type.as_deref(), Some("Lock"), "{major}");
            let locks = eye.ask::<BackendLocks>().await;
            let all: i64 = admin
                .value(&format!("SELECT count(*) FROM pg_locks WHERE pid = {pid}"))
                .await?;
            assert_eq!((locks.all, locks.awaited), (all, 1), "{major}");
            assert_eq!(i64::try_from(locks.locks.len()).unwrap(), all, "{major}");
            let awaited: Vec<_> = locks.locks.iter().filter(|lock| !lock.granted).collect();
            let truth = format!(
                "SELECT mode || ' ' || relation::regclass::text FROM pg_locks WHERE pid = {pid} AND NOT granted"
            );
            let truth: String = admin.value(&truth).await?;
            let ours: Vec<_> = awaited
                .iter()
                .map(|lock| format!("{} {}", lock.mode, object::name(&lock.tag, &lock.names)))
                .collect();
            // Our session resolves names with nothing but pg_catalog in its path.
            assert_eq!(ours, [truth.replace(' ', " public.")], "{major}");
            assert_eq!(
                locks.locks.first().map(|lock| lock.granted),
                Some(false),
                "awaited ones first"
            );
            assert_eq!(awaited[0].wait_s.is_some(), major >= 14, "{major}");
            // A role without privileges sees the locks all the same, and that the rest is hidden.
            let mut plain = Eye::open_as(&cluster, "plain", "postgres").await;
            plain.look_at(pid, 0);
            let hidden = plain.ask::<Backend>().await.unwrap();
            assert!(
                hidden.hidden && hidden.query.is_none() && hidden.state.is_none(),
                "{major}"
            );
            assert_eq!(hidden.blocked_by, blockers, "{major}");
            assert_eq!(plain.ask::<BackendLocks>().await.all, all, "{major}");
        }
        scene.end().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_of_every_kind_have_a_name() -> Result<()> {
    for major in MAJORS {
        let cluster = Cluster::builder(major).start().await?;
        let admin = cluster.client().await?;
        admin.simple("CREATE DATABASE elsewhere").await?;
        admin
            .simple("CREATE SCHEMA \"Odd one\"; CREATE TABLE \"Odd one\".\"T\"\"1\" (id int PRIMARY KEY)")
            .await?;
        let held = cluster.client().await?;
        held.simple(
            "BEGIN; LOCK TABLE \"Odd one\".\"T\"\"1\" IN EXCLUSIVE MODE; SELECT pg_advisory_xact_lock(-5); \
             SELECT pg_advisory_xact_lock_shared(7, -8); SELECT txid_current(); \
             COMMENT ON SCHEMA \"Odd one\" IS 'x'; COMMENT ON DATABASE elsewhere IS 'y'",
        )
        .await?;
        let mut eye = Eye::open(&cluster, "postgres").await;
        page(&mut eye, &admin, held.pid()).await?;
        let locks = eye.ask::<BackendLocks>().await;
        let say = |lock: &Lock| format!("{} {}", object::name(&lock.tag, &lock.names), lock.mode);
        let objects: Vec<String> = locks.locks.iter().map(say).collect();
        let xid: String = admin
            .value(&format!(
                "SELECT backend_xid::text FROM pg_stat_activity WHERE pid = {}",
                held.pid()
            ))
            .await?;
        let schema: u32 = admin
            .value("SELECT oid FROM pg_namespace WHERE nspname = 'Odd one'")
            .await?;
        for expected in [
            "\"Odd one\".\"T\"\"1\" ExclusiveLock".to_owned(),
            "advisory key -5 ExclusiveLock".to_owned(),
            "advisory keys 7, -8 ShareLock".to_owned(),
            format!("transaction {xid} ExclusiveLock"),
            format!("pg_namespace oid {schema} ShareUpdateExclusiveLock"),
        ] {
            assert!(
                objects.contains(&expected),
                "{major}: {expected} is not in {objects:#?}"
            );
        }
        // From another database the same locks have numbers, and say whose they are.
        let mut other = Eye::open(&cluster, "elsewhere").await;
        page(&mut other, &admin, held.pid()).await?;
        let locks = other.ask::<BackendLocks>().await;
        let table: u32 = admin.value("SELECT '\"Odd one\".\"T\"\"1\"'::regclass::oid").await?;
        let objects: Vec<String> = locks.locks.iter().map(say).collect();
        let expected = format!("oid {table} in postgres ExclusiveLock");
        assert!(
            objects.contains(&expected),
            "{major}: {expected} is not in {objects:#?}"
        );
        let shared = |lock: &&Lock| lock.names.class.as_deref() == Some("pg_database");
        assert!(
            locks
                .locks
                .iter()
                .find(shared)
                .is_some_and(|lock| lock.names.database.is_none()),
            "{major}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn very_many_locks_are_counted_and_the_strongest_shown() -> Result<()> {
    for major in [12, 18] {
        let cluster = Cluster::builder(major)
            .conf("max_locks_per_transaction", "256")
            .start()
            .await?;
        let admin = cluster.client().await?;
        admin
            .simple("CREATE TABLE p (a int) PARTITION BY LIST (a);
                DO $$BEGIN FOR i IN 1..500 LOOP EXECUTE format('CREATE TABLE p%s PARTITION OF p FOR VALUES IN (%s)', i, i);
                END LOOP; END$$; CREATE TABLE strong ()")
            .await?;
        let held = cluster.client().await?;
        held.simple("BEGIN; SELECT count(*) FROM p; LOCK TABLE strong").await?;
        let mut eye = Eye::open(&cluster, "postgres").await;
        page(&mut eye, &admin, held.pid()).await?;
        let locks = eye.ask::<BackendLocks>().await;
        let all: i64 = admin
            .value(&format!("SELECT count(*) FROM pg_locks WHERE pid = {}", held.pid()))
            .await?;
        assert!(
            all > 500 && locks.all == all && locks.awaited == 0,
            "{major}: {all} {locks:?}"
        );
        assert_eq!(
            locks.locks[0].names.relation.as_deref(),
            Some("public.strong"),
            "{major}"
        );
        assert!(locks.locks.len() < 100, "{major}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_is_gone_and_a_pid_that_is_used_again() -> Result<()> {
    for major in [12, 18] {
        let cluster = Cluster::builder(major).start().await?;
        let admin = cluster.client().await?;
        let held = cluster.client().await?;
        held.simple("CREATE TABLE t (); BEGIN; LOCK TABLE t").await?;
        let mut eye = Eye::open(&cluster, "postgres").await;
        let start: i64 = admin.value(&start_of(held.pid())).await?;
        eye.look_at(held.pid(), start);
        assert!(eye.ask::<Backend>().await.is_some() && eye.ask::<BackendLocks>().await.all > 0);
        // The same pid with another start is another backend.
        eye.look_at(held.pid(), start + 1);
        assert_eq!(eye.ask::<Backend>().await, None, "{major}");
        assert_eq!(eye.ask::<BackendLocks>().await.locks, []);
        eye.look_at(held.pid(), start);
        admin.terminate(held.pid()).await?;
        assert_eq!(eye.ask::<Backend>().await, None, "{major}");
        assert_eq!(eye.ask::<BackendLocks>().await.locks, []);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parallel_leader_names_its_workers() -> Result<()> {
    for major in [12, 13, 18] {
        let cluster = Cluster::builder(major).start().await?;
        let scene = scene::parallel_query(&cluster, "postgres").await?;
        let admin = scene.admin();
        let sql = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'parallel worker' ORDER BY pid";
        let workers: Vec<i32> = admin.column(sql).await?;
        let mut eye = Eye::open(&cluster, "postgres").await;
        let leader = page(&mut eye, admin, scene.pid("leader")).await?;
        let worker = page(&mut eye, admin, workers[0]).await?;
        if major >= 13 {
            assert_eq!(leader.workers, workers, "{major}");
            assert_eq!(worker.leader_pid, Some(scene.pid("leader")), "{major}");
        } else {
            assert_eq!((leader.workers, worker.leader_pid), (vec![], None));
        }
        assert_eq!(worker.blocked_by, [scene.pid("holder")], "{major}");
        scene.end().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_by_tls_or_socket_or_plain() -> Result<()> {
    for major in MAJORS {
        let cluster = Cluster::builder(major).tls()?.start().await?;
        let admin = cluster.client().await?;
        let by_tcp = |name: &str, mode: &str| {
            plan(&format!(
                "host=127.0.0.1 port={} user=postgres application_name={name} sslmode={mode}",
                cluster.port()
            ))
        };
        let _encrypted = Eye::open_by(&by_tcp("by_tls", "require")).await;
        let _plain = Eye::open_by(&by_tcp("by_tcp", "disable")).await;
        let mut eye = Eye::open(&cluster, "postgres").await;
        let pid = async |name: &str| {
            admin
                .value::<i32>(&format!(
                    "SELECT pid FROM pg_stat_activity WHERE application_name = '{name}'"
                ))
                .await
        };
        let tls = pid("by_tls").await?;
        let detail = page(&mut eye, &admin, tls).await?;
        let truth: Vec<String> = admin
            .value(&format!(
                "SELECT ARRAY[version, cipher]::text[] FROM pg_stat_ssl WHERE pid = {tls}"
            ))
            .await?;
        let Some(Encryption::Tls {
            version,
            cipher,
            client_dn,
        }) = detail.encryption
        else {
            panic!("{major}: {:?}", detail.encryption)
        };
        assert_eq!(vec![version, cipher], truth, "{major}");
        assert!(truth[0].starts_with("TLSv1"), "{truth:?}");
        assert_eq!(client_dn, None, "{major}");
        assert_eq!(detail.client.as_deref(), Some("127.0.0.1"));
        let detail = page(&mut eye, &admin, pid("by_tcp").await?).await?;
        assert_eq!(detail.encryption, Some(Encryption::Plain), "{major}");
        let socket = cluster.client().await?;
        let port: i32 = admin
            .value(&format!(
                "SELECT client_port FROM pg_stat_activity WHERE pid = {}",
                socket.pid()
            ))
            .await?;
        let detail = page(&mut eye, &admin, socket.pid()).await?;
        assert_eq!(detail.client_port, Some(port), "{major}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_statements_to_copy_do_what_they_say_and_nothing_else() -> Result<()> {
    let nasty = "x\n; DROP TABLE t; --\r\u{2028}$$' */";
    for major in [12, 18] {
        let cluster = Cluster::builder(major).start().await?;
        let admin = cluster.client().await?;
        admin.simple("CREATE TABLE t ()").await?;
        let victim = cluster.client().await?;
        let running = victim.spawn("SELECT pg_sleep(600)");
        let asleep = format!(
            "SELECT coalesce(wait_event = 'PgSleep', false) FROM pg_stat_activity WHERE pid = {}",
            victim.pid()
        );
        wait_until("it sleeps", PATIENCE, async || admin.value::<bool>(&asleep).await).await;
        let who = Who {
            pid: victim.pid(),
            user: Some(nasty),
            database: Some(nasty),
            application: Some(nasty),
            client: Some(nasty),
            state: Some(nasty),
            since: Some(1.0),
        };
        admin.simple(&remedy::cancel(&who)).await?;
        assert!(running.finish().await.unwrap_err().says("57014"), "{major}");
        victim.simple("SELECT 1").await?;
        admin.simple(&remedy::terminate(&who)).await?;
        let gone = format!(
            "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {})",
            victim.pid()
        );
        wait_until("it is gone", PATIENCE, async || admin.value::<bool>(&gone).await).await;
        assert!(
            admin
                .value::<bool>("SELECT to_regclass('public.t') IS NOT NULL")
                .await?,
            "{major}"
        );
        let literal = format!("SELECT {}", quote::literal(nasty));
        assert_eq!(admin.value::<String>(&literal).await?, nasty, "{major}");
    }
    Ok(())
}
