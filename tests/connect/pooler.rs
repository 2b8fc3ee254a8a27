//! Behind PgBouncer: the pooler's way is found without being asked for, and nothing leaks into other sessions.

use std::time::Duration;

use pgmon_lab::{Client, Cluster, Pooler, wait_until};
use pgmon_tui::pg::fault::FaultKind;
use pgmon_tui::pg::plan::{Plan, SessionAttrs};
use rstest::rstest;

use crate::session::{entry, rows, text};
use crate::{PATIENCE, fault, plan, session};

/// PgBouncer with one server connection, in front of a cluster.
struct Bouncer(Pooler);

impl Bouncer {
    async fn start(cluster: &Cluster, settings: &str) -> Self {
        let settings: Vec<&str> = ["default_pool_size = 1", "admin_users = mon"]
            .into_iter()
            .chain(settings.lines())
            .collect();
        Self(Pooler::start(cluster, "transaction", &settings).await.unwrap())
    }

    fn plan(&self, user: &str) -> Plan {
        plan("127.0.0.1", self.0.port(), user)
    }
}

async fn cluster(major: u32) -> Cluster {
    Cluster::builder(major)
        .role("mon LOGIN IN ROLE pg_monitor")
        .role("app LOGIN")
        .sql("CREATE SEQUENCE s; GRANT USAGE ON SEQUENCE s TO mon")
        .start()
        .await
        .unwrap()
}

const SETTINGS: &str = "select pg_catalog.concat_ws(' ', pg_catalog.current_setting('lock_timeout'),
    pg_catalog.current_setting('statement_timeout'), pg_catalog.current_setting('transaction_read_only'),
    pg_catalog.current_setting('search_path'), pg_catalog.current_setting('TimeZone'),
    pg_catalog.current_setting('stats_fetch_consistency', true)) as it";

#[rstest]
#[case::refused(12, "", "")]
#[case::refused(18, "", " none")]
#[case::dropped(12, "ignore_startup_parameters = options", "")]
#[case::dropped(18, "ignore_startup_parameters = options", " none")]
#[tokio::test]
async fn options_that_are_refused_or_dropped(#[case] major: u32, #[case] settings: &str, #[case] consistency: &str) {
    let cluster = cluster(major).await;
    let bouncer = Bouncer::start(&cluster, settings).await;
    let mut session = session(&bouncer.plan("mon")).await;
    assert!(session.server().pooled);
    assert_eq!(session.server().role, "mon");
    let expected = format!("200ms 3s on pg_catalog UTC{consistency}");
    for _ in 0..3 {
        assert_eq!(text(&mut session, SETTINGS).await, expected);
    }

    // The one server connection of mon's pool, as another client of it finds it: nothing of ours is left.
    let conninfo = bouncer.0.conninfo("mon", "postgres");
    let other = Client::connect(&conninfo).await.unwrap();
    let direct = cluster.client_as("mon", "postgres").await.unwrap();
    let settings = "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings \
        WHERE name NOT IN ('application_name', 'client_encoding')";
    let left: String = other.value(settings).await.unwrap();
    assert_eq!(left, direct.value::<String>(settings).await.unwrap());

    let written = rows(&mut session, "select pg_catalog.nextval('public.s')::text as it")
        .await
        .unwrap_err();
    assert_eq!(written.sqlstate.as_deref(), Some("25006"), "{written}");
    assert_eq!(text(&mut session, SETTINGS).await, expected);
    // The longest statement of all goes the same way.
    let found = session.privileges().await.unwrap();
    assert_eq!(found.sentences(), ["Role \"mon\" has USAGE on public.s."]);
    session.close().await;
}

#[tokio::test]
async fn a_statement_past_its_deadline_is_cancelled_through_the_pooler() {
    let cluster = cluster(15).await;
    let bouncer = Bouncer::start(&cluster, "").await;
    let mut session = session(&bouncer.plan("mon")).await;
    let sleep = entry("select pg_catalog.pg_sleep(3600)::text as it");
    let fault = session
        .ask(&sleep, &[], Duration::from_millis(100))
        .await
        .result
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Timeout, "{fault}");
    assert_eq!(session.broken(), None);
    assert_eq!(text(&mut session, "select 'well'::text as it").await, "well");
}

/// PgBouncer 1.18 ends with "bad client state" when whoever asked it to cancel leaves before it has done so.
#[tokio::test]
async fn the_pooler_outlives_our_cancel_requests() {
    let cluster = cluster(15).await;
    let bouncer = Bouncer::start(&cluster, "").await;
    let mut session = session(&bouncer.plan("mon")).await;
    let sleep = entry("select pg_catalog.pg_sleep(3600)::text as it");
    for nth in 0..60 {
        let answer = session.ask(&sleep, &[], Duration::from_millis(5)).await;
        let fault = answer.result.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Timeout, "{nth}: {fault}");
    }
    assert_eq!(text(&mut session, "select 'well'::text as it").await, "well");
}

#[tokio::test]
async fn a_failed_statement_leaves_no_transaction_open() {
    let cluster = cluster(17).await;
    let bouncer = Bouncer::start(&cluster, "").await;
    let mut session = session(&bouncer.plan("mon")).await;
    assert!(
        rows(&mut session, "select n.it from pg_catalog.no_such_view n")
            .await
            .is_err()
    );
    let direct = cluster.client().await.unwrap();
    let open = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'mon' AND state LIKE 'idle in transaction%'";
    wait_until("no transaction is open", PATIENCE, async || {
        Ok(direct.value::<i64>(open).await? == 0)
    })
    .await;
}

#[tokio::test]
async fn a_session_pooler_is_a_pooler_too() {
    let cluster = cluster(16).await;
    let bouncer = Bouncer::start(&cluster, "pool_mode = session\nignore_startup_parameters = options").await;
    assert!(session(&bouncer.plan("mon")).await.server().pooled);
}

#[tokio::test]
async fn target_session_attrs_through_a_pooler() {
    let cluster = cluster(16).await;
    let bouncer = Bouncer::start(&cluster, "").await;
    let mut plan = bouncer.plan("mon");
    plan.target_session_attrs = SessionAttrs::ReadWrite;
    assert!(session(&plan).await.server().pooled);
    plan.target_session_attrs = SessionAttrs::Standby;
    assert_eq!(fault(&plan).await.kind, FaultKind::WrongSessionAttrs);
}

#[tokio::test]
async fn the_poolers_own_refusals() {
    let cluster = cluster(16).await;
    let bouncer = Bouncer::start(&cluster, "").await;
    let mut console = bouncer.plan("mon");
    console.dbname = "pgbouncer".to_owned();
    let fault = fault(&console).await;
    assert_eq!(fault.kind, FaultKind::NotPostgres);
    assert!(fault.sentence.contains("PgBouncer"), "{fault}");

    let mut nowhere = bouncer.plan("mon");
    nowhere.dbname = "nowhere".to_owned();
    let fault = crate::fault(&nowhere).await;
    assert_ne!(fault.kind, FaultKind::PoolerOptions);
    assert!(fault.sentence.contains("nowhere"), "{fault:?}");

    let fault = crate::fault(&bouncer.plan("stranger")).await;
    assert_ne!(fault.kind, FaultKind::PoolerOptions, "{fault:?}");
}
