//! Locks, long transactions, connections.

use pgmon_lab::{Client, Cluster, PATIENCE, Scene, scene, wait_for};
use pgmon_tui::alert::{Alert, Thing};
use pgmon_tui::config::Alerts;
use pgmon_tui::model::concern::Severity;

use crate::eye::Eye;
use crate::paste::paste;

/// Locks that are not granted, as the server counts them.
const WAITERS: &str = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = \
                       (SELECT oid FROM pg_database WHERE datname = current_database())";

fn soon(limits: &mut Alerts) {
    limits.blocked_warn_s = 1.0;
    limits.blocked_crit_s = 2.0;
}

/// The alert about that backend.
fn of_pid(alerts: &[Alert], pid: i32) -> Option<&Alert> {
    let key = format!("{pid}:");
    alerts.iter().find(|alert| alert.finding.key.starts_with(&key))
}

fn texts(alert: &Alert) -> Vec<&str> {
    let remedies = alert.finding.remedies.iter();
    remedies.map(|remedy| remedy.text.as_str()).collect()
}

#[tokio::test]
async fn a_queue_behind_an_idle_transaction() {
    for major in [12, 18] {
        let cluster = pgmon_lab::shared(major).await.unwrap();
        let database = format!("alerts_blocked_{major}");
        cluster.database(&database).await.unwrap();
        let mut eye = Eye::open(cluster, "postgres", &database, soon).await;
        eye.look("blocked").await;
        let scene = scene::queued_exclusive(cluster, &database, 5).await.unwrap();
        let (root, alter) = (scene.pid("root"), scene.pid("alter"));
        let mine =
            |alerts: &[Alert]| of_pid(alerts, root).is_some_and(|alert| alert.severity() == Some(Severity::Critical));
        let raised = eye.until("blocked", "the queue", mine).await;
        let alert = of_pid(&raised, root).unwrap();
        assert!(matches!(alert.finding.jump.row, Some(Thing::Backend { pid, .. }) if pid == root));
        let waiters = scene.admin().value::<i64>(WAITERS).await.unwrap();
        assert_eq!(alert.finding.victims, u64::try_from(waiters).unwrap(), "{alert:#?}");
        assert_eq!(
            alert.finding.sentence,
            format!("6 sessions wait behind pid {root} (root), idle in transaction")
        );
        let queue =
            format!("pid {alter} (alter) waits for AccessExclusive on public.orders, 5 readers queue behind that");
        assert_eq!(alert.finding.details[0], queue);
        // The queue is freed by its head alone, and the root stays.
        let [terminate, cancel] = texts(alert)[..] else {
            panic!("{alert:#?}")
        };
        paste(scene.admin(), cancel).await;
        let mine = |alerts: &[Alert]| of_pid(alerts, root).is_none();
        eye.until("blocked", "the end of the queue", mine).await;
        let there = format!("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {root})");
        assert!(scene.admin().value::<bool>(&there).await.unwrap());
        paste(scene.admin(), terminate).await;
        let gone = format!("SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {root})");
        wait_for("the root is gone", PATIENCE, async || scene.admin().value(&gone).await)
            .await
            .unwrap();
        scene.end().await.unwrap();
    }
}

/// Before 14 nobody says when a wait began. A statement that has run for longer than the limit and only then comes to
/// wait is no alert, however late it is looked at.
#[tokio::test]
async fn a_long_statement_that_has_only_just_come_to_wait() {
    for major in [12, 13] {
        let cluster = pgmon_lab::shared(major).await.unwrap();
        let database = format!("alerts_late_{major}");
        cluster.database(&database).await.unwrap();
        let mut eye = Eye::open(cluster, "postgres", &database, |limits| {
            limits.blocked_warn_s = 1.0;
            limits.blocked_crit_s = 600.0;
        })
        .await;
        let mut scene = Scene::open(cluster, &database).await.unwrap();
        scene.admin().simple("CREATE TABLE t (v int)").await.unwrap();
        let root = scene.session("root").await.unwrap();
        root.simple("BEGIN; LOCK TABLE t").await.unwrap();
        let late = "DO $$ BEGIN PERFORM pg_sleep(1.2); LOCK TABLE t; END $$";
        scene.waiting("late", late).await.unwrap();
        eye.look("blocked").await;
        let found: Vec<&Alert> = eye.world.alerts.alerts().collect();
        assert!(of_pid(&eye.raised("blocked"), root.pid()).is_none(), "{found:#?}");
        let mine = |alerts: &[Alert]| of_pid(alerts, root.pid()).is_some();
        let raised = eye.until("blocked", "a wait of a second", mine).await;
        let alert = of_pid(&raised, root.pid()).unwrap();
        let lasts = eye.world.server_now().unwrap() - alert.since();
        let age = format!(
            "SELECT extract(epoch FROM clock_timestamp() - query_start)::float8 FROM pg_stat_activity WHERE pid = {}",
            scene.pid("late")
        );
        let statement = scene.admin().value::<f64>(&age).await.unwrap();
        assert!(
            lasts >= 0.9 && lasts < statement - 1.0,
            "{lasts} of a statement of {statement}"
        );
        scene.end().await.unwrap();
    }
}

#[tokio::test]
async fn a_prepared_transaction_in_the_way() {
    for major in [12, 18] {
        let cluster = pgmon_lab::shared(major).await.unwrap();
        let database = format!("alerts_prepared_{major}");
        cluster.database(&database).await.unwrap();
        let mut eye = Eye::open(cluster, "postgres", &database, |limits| {
            soon(limits);
            limits.long_txn_warn_s = 1.0;
        })
        .await;
        let scene = scene::prepared_transaction(cluster, &database).await.unwrap();
        let gid = format!("prepared:{}{database}", scene::GID_PREFIX);
        let mine = |alerts: &[Alert]| alerts.iter().any(|alert| alert.finding.key == gid);
        eye.until("blocked", "the prepared transaction", mine).await;
        let raised = eye.until("long_transaction", "the prepared transaction", mine).await;
        let told = pgmon_tui::alert::story::stories(&eye.world.alerts);
        let story = told.iter().find(|story| story.head.finding.key == gid).unwrap();
        let rules: Vec<&str> = story.alerts().map(|alert| alert.rule.id).collect();
        assert_eq!(rules, ["blocked", "long_transaction"]);
        let alert = raised.iter().find(|alert| alert.finding.key == gid).unwrap();
        paste(scene.admin(), texts(alert)[0]).await;
        let over = |alerts: &[Alert]| !alerts.iter().any(|alert| alert.finding.key == gid);
        eye.until("blocked", "its end", over).await;
        eye.until("long_transaction", "its end", over).await;
        // What the scene would roll back is gone.
        let client = cluster.client_as("postgres", &database).await.unwrap();
        client
            .simple(&format!(
                "BEGIN; SELECT * FROM ledger; PREPARE TRANSACTION '{}{database}'",
                scene::GID_PREFIX
            ))
            .await
            .unwrap();
        scene.end().await.unwrap();
    }
}

#[tokio::test]
async fn long_transactions_idle_and_at_work() {
    for major in [12, 18] {
        let cluster = pgmon_lab::shared(major).await.unwrap();
        let database = format!("alerts_long_{major}");
        cluster.database(&database).await.unwrap();
        let mut eye = Eye::open(cluster, "postgres", &database, |limits| {
            limits.long_txn_warn_s = 1.0;
            limits.long_txn_crit_s = 3600.0;
        })
        .await;
        let mut scene = Scene::open(cluster, &database).await.unwrap();
        let role = format!("Alerts-{major}");
        let setup =
            format!("CREATE ROLE \"{role}\" LOGIN; CREATE TABLE t AS SELECT 1 AS v; GRANT ALL ON t TO \"{role}\"");
        scene.admin().simple(&setup).await.unwrap();
        let forgotten = cluster.client_named("shop", &role, &database).await.unwrap();
        forgotten.simple("BEGIN; UPDATE t SET v = 2").await.unwrap();
        let dump = scene.session("pg_dump").await.unwrap();
        scene.run(
            &dump,
            "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT *, pg_sleep(600) FROM t",
        );
        let (idle, works) = (forgotten.pid(), dump.pid());
        let both = |alerts: &[Alert]| of_pid(alerts, idle).is_some() && of_pid(alerts, works).is_some();
        let raised = eye.until("long_transaction", "both", both).await;
        let (idle_alert, dump_alert) = (of_pid(&raised, idle).unwrap(), of_pid(&raised, works).unwrap());
        assert_eq!(idle_alert.severity(), Some(Severity::Warning));
        let sentence = &idle_alert.finding.sentence;
        assert!(
            sentence.starts_with(&format!("pid {idle} (shop) idle in transaction for ")),
            "{sentence}"
        );
        assert!(
            idle_alert.finding.details[0].starts_with("it has changed rows"),
            "{idle_alert:#?}"
        );
        let sentence = &dump_alert.finding.sentence;
        assert!(
            sentence.starts_with(&format!("pid {works} (pg_dump) is in a transaction for ")),
            "{sentence}"
        );
        assert!(
            dump_alert.finding.details[0].starts_with("its snapshot is "),
            "{dump_alert:#?}"
        );
        let began = format!("SELECT extract(epoch FROM xact_start)::float8 FROM pg_stat_activity WHERE pid = {idle}");
        let began = scene.admin().value::<f64>(&began).await.unwrap();
        assert!(
            (idle_alert.since() - began).abs() < 2.0,
            "{} is not {began}",
            idle_alert.since()
        );
        // The mildest that helps: the statement is cancelled, the forgotten one is ended.
        paste(scene.admin(), texts(dump_alert)[0]).await;
        for text in texts(idle_alert) {
            paste(scene.admin(), text).await;
        }
        // A transaction that has failed has let go of everything, and the server says of none that it is old.
        let over = |alerts: &[Alert]| of_pid(alerts, idle).is_none() && of_pid(alerts, works).is_none();
        eye.until("long_transaction", "the end of both", over).await;
        let failed = format!("SELECT state FROM pg_stat_activity WHERE pid = {works}");
        let failed: String = scene.admin().value(&failed).await.unwrap();
        assert_eq!(failed, "idle in transaction (aborted)");
        let again = cluster.client_as(&role, &database).await.unwrap();
        let limit: String = again.value("SHOW idle_in_transaction_session_timeout").await.unwrap();
        assert_eq!(limit, "10min");
        scene.end().await.unwrap();
    }
}

#[tokio::test]
async fn a_role_that_sees_little_is_told_what_it_does_not() {
    for major in [12, 18] {
        let cluster = pgmon_lab::shared(major).await.unwrap();
        let database = format!("alerts_plain_{major}");
        cluster.database(&database).await.unwrap();
        let admin = cluster.client_as("postgres", &database).await.unwrap();
        let role = format!("alerts_plain_{major}");
        admin.simple(&format!("CREATE ROLE {role} LOGIN")).await.unwrap();
        let mut eye = Eye::open(cluster, &role, &database, |limits| {
            soon(limits);
            limits.long_txn_warn_s = 1.0;
        })
        .await;
        let scene = scene::queued_exclusive(cluster, &database, 3).await.unwrap();
        let root = scene.pid("root");
        let mine = |alerts: &[Alert]| of_pid(alerts, root).is_some();
        let raised = eye.until("blocked", "the queue, which every role may see", mine).await;
        let sentence = &of_pid(&raised, root).unwrap().finding.sentence;
        assert_eq!(
            *sentence,
            format!("4 sessions wait behind pid {root} (root)"),
            "no state is seen"
        );
        for rule in ["long_transaction", "syncrep"] {
            eye.look(rule).await;
            let unchecked: Vec<_> = eye.world.alerts.unchecked(&eye.world).collect();
            let one = unchecked.iter().find(|one| one.rule.id == rule).unwrap();
            let grant = one.blind.remedy.as_deref().unwrap();
            assert_eq!(grant, format!("GRANT pg_monitor TO {role};"));
        }
        paste(&admin, &format!("GRANT pg_monitor TO {role};")).await;
        scene.end().await.unwrap();
    }
}

async fn crowded(major: u32) -> Cluster {
    let builder = Cluster::builder(major)
        .conf("max_connections", "30")
        .conf("superuser_reserved_connections", "4");
    builder.role("shop LOGIN").start().await.unwrap()
}

#[tokio::test]
async fn connections_run_out() {
    for major in [12, 18] {
        let cluster = crowded(major).await;
        let mut eye = Eye::open(&cluster, "postgres", "postgres", |limits| {
            limits.connections_for_s = 0.5;
        })
        .await;
        eye.look("connections").await;
        assert!(eye.raised("connections").is_empty());
        let mut clients: Vec<Client> = Vec::new();
        while clients.len() < 22 {
            clients.push(cluster.client_named("pool", "shop", "postgres").await.unwrap());
        }
        let raised = eye.until_raised("connections", Severity::Warning).await;
        let admin = cluster.client().await.unwrap();
        let used = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'";
        let used = admin.value::<i64>(used).await.unwrap();
        // Our own look is among them, that client was not yet.
        let sentence = &raised[0].finding.sentence;
        assert!(
            sentence.starts_with(&format!("{} of 26 usable connection slots are taken", used - 1)),
            "{sentence}"
        );
        assert_eq!(
            raised[0].finding.details[0],
            "pool (shop) has 22 of them, 22 of them idle"
        );
        // The limit holds for whoever comes.
        paste(&admin, texts(&raised[0])[0]).await;
        assert!(cluster.client_as("shop", "postgres").await.is_err());
        let mut more = Vec::new();
        while let Ok(client) = cluster.client().await {
            more.push(client);
        }
        let raised = eye.until_raised("connections", Severity::Critical).await;
        assert_eq!(
            raised[0].finding.details[0],
            "new connections are refused; 0 of 4 reserved slots are left for superusers"
        );
        drop(more);
        drop(clients);
    }
}

/// What ends idle connections is run with connections that are idle for long only in the statement's eyes.
#[tokio::test]
async fn what_ends_idle_connections_ends_those_only() {
    use pgmon_tui::probe::activity::{Activity, Backend};

    for major in [12, 18] {
        let cluster = crowded(major).await;
        let mut eye = Eye::open(&cluster, "postgres", "postgres", |_| ()).await;
        let mut clients: Vec<Client> = Vec::new();
        while clients.len() < 24 {
            let client = cluster.client_as("shop", "postgres").await.unwrap();
            client.simple("SET application_name = 'it''s \\'").await.unwrap();
            clients.push(client);
        }
        eye.look("connections").await;
        // The same sample an hour later.
        let mut sample: Vec<Backend> = eye.world.get::<Activity>().unwrap().clone();
        for backend in &mut sample {
            backend.state_s = backend.state_s.map(|seconds| seconds + 3600.0);
        }
        eye.give::<Activity>(sample);
        let raised = eye.raised("connections");
        let text = texts(&raised[0])[0].replace("10 min", "1 ms");
        let busy = clients[0].clone();
        busy.simple("BEGIN").await.unwrap();
        let admin = cluster.client().await.unwrap();
        paste(&admin, &text).await;
        let left = "SELECT count(*) = 1 FROM pg_stat_activity WHERE usename = 'shop'";
        wait_for("only who is in a transaction is left", PATIENCE, async || {
            admin.value(left).await
        })
        .await
        .unwrap();
    }
}
