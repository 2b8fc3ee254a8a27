//! An open session: its settings, its deadline, how it ends.

use std::time::Duration;

use pgmon_lab::{Client, Cluster, wait_until};
use pgmon_tui::config::Settings;
use pgmon_tui::pg::fault::{Fault, FaultKind};
use pgmon_tui::pg::rows::Rows;
use pgmon_tui::pg::session::{Lane, Session};
use pgmon_tui::probe::{Entry, Param, Spec, Tier, Variant, Wanted};
use rstest::rstest;

use crate::{PATIENCE, session, to};

/// A question of the test's own.
pub(crate) fn entry(sql: &'static str) -> Entry {
    let variants = Box::leak(Box::new([Variant {
        file: "test",
        extension: None,
        from: 12,
        sql,
    }]));
    let spec = Box::leak(Box::new(Spec {
        id: "test",
        title: "a test's question",
        why: "a test asks it",
        tier: Tier::Hot,
        variants,
    }));
    Entry {
        spec,
        params: |_| Vec::new(),
        wanted: |_| Wanted::Yes,
        tier: |_| Tier::Hot,
        budget: |_| None,
        explains: |_| None,
        pause: |_| Duration::ZERO,
        rest: Duration::ZERO,
        redacted: |_| None,
        decode: |_, _| Err(Fault::new(FaultKind::Decode, "the test decodes it")),
    }
}

pub(crate) async fn rows(session: &mut Session, sql: &'static str) -> Result<Rows, Fault> {
    session.ask(&entry(sql), &[], PATIENCE).await.result
}

/// The column `it` of the only row.
pub(crate) async fn text(session: &mut Session, sql: &'static str) -> String {
    let rows = rows(session, sql).await.unwrap_or_else(|fault| panic!("{fault:?}"));
    rows.only().unwrap().text("it").unwrap().unwrap_or_default()
}

/// How many sessions of ours the server has.
async fn ours(client: &Client) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgmon-tui'";
    client.value(sql).await.unwrap()
}

const SETTINGS: &str = "select pg_catalog.string_agg(s.name || '=' || s.setting, ' ' order by s.name) as it
      from pg_catalog.pg_settings s
     where s.name = any ('{application_name,client_encoding,DateStyle,default_transaction_read_only,
           idle_in_transaction_session_timeout,IntervalStyle,jit,lock_timeout,max_parallel_workers_per_gather,search_path,
           statement_timeout,stats_fetch_consistency,TimeZone,transaction_read_only}')";

#[rstest]
#[tokio::test]
async fn a_session_runs_with_our_settings_whatever_the_role_has(#[values(12, 14, 15, 18)] major: u32) {
    let cluster = Cluster::builder(major)
        .role("mon LOGIN")
        .sql("ALTER ROLE mon SET statement_timeout = '1h'")
        .sql("ALTER ROLE mon SET search_path = public")
        .sql("ALTER ROLE mon SET TimeZone = 'Asia/Tokyo'")
        .start()
        .await
        .unwrap();
    let mut plan = to(&cluster, "mon");
    plan.options = Some("-c lock_timeout=1h -c DateStyle=German".to_owned());
    let consistency = if major >= 15 {
        " stats_fetch_consistency=none"
    } else {
        ""
    };
    let expected = format!(
        "DateStyle=ISO, DMY IntervalStyle=postgres TimeZone=UTC application_name=pgmon-tui client_encoding=UTF8 \
         default_transaction_read_only=on idle_in_transaction_session_timeout=10000 jit=off lock_timeout=200 \
         max_parallel_workers_per_gather=0 search_path=pg_catalog statement_timeout=3000{consistency} transaction_read_only=on"
    );
    let mut session = session(&plan).await;
    assert!(!session.server().pooled);
    assert_eq!(text(&mut session, SETTINGS).await, expected);

    let slow = Session::open(&plan, Lane::Slow, &Settings::default(), None).await;
    let expected = expected.replace("statement_timeout=3000", "statement_timeout=60000");
    assert_eq!(text(&mut slow.unwrap(), SETTINGS).await, expected);

    // What the attribute needs to see is set right afterwards.
    plan.target_session_attrs = pgmon_tui::pg::plan::SessionAttrs::ReadWrite;
    let mut session = crate::session(&plan).await;
    let found = text(&mut session, SETTINGS).await;
    assert!(
        found.contains("default_transaction_read_only=on") && found.contains("transaction_read_only=on"),
        "{found}"
    );
}

/// By the server's own log of all statements, but for those of `queries/`, which go by the extended protocol.
#[rstest]
#[tokio::test]
async fn what_a_session_sends_besides_its_questions_is_told(#[values(12, 18)] major: u32) {
    let cluster = Cluster::builder(major)
        .conf("log_statement", "all")
        .conf("log_line_prefix", "%a|")
        .role("mon LOGIN")
        .sql("CREATE DATABASE ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
        .start()
        .await
        .unwrap();
    let mut plan = to(&cluster, "mon");
    plan.target_session_attrs = pgmon_tui::pg::plan::SessionAttrs::ReadWrite;
    for database in ["postgres", "ascii"] {
        let mut session = session(&plan.with_database(database)).await;
        text(&mut session, SETTINGS).await;
    }
    let told = pgmon_tui::app::print_sql::text(&Settings::default());
    let log = cluster.log();
    let simple: Vec<&str> = log
        .lines()
        .filter_map(|line| line.strip_prefix("pgmon-tui|LOG:  statement: "))
        .flat_map(|sent| sent.split("; "))
        .collect();
    for sent in &simple {
        assert!(told.contains(sent), "{sent} is not told");
    }
    let late = [
        (major >= 15).then_some("SET stats_fetch_consistency = none"),
        Some("SET client_encoding = SQL_ASCII"),
        Some("SET default_transaction_read_only = on"),
    ];
    for sent in late.into_iter().flatten() {
        assert!(simple.contains(&sent), "{sent} was not sent: {simple:?}");
    }
}

#[tokio::test]
async fn the_server_is_described_as_it_describes_itself() {
    let cluster = Cluster::builder(16)
        .role("mon LOGIN IN ROLE pg_monitor")
        .role("plain LOGIN")
        .role("aloof LOGIN NOINHERIT IN ROLE pg_monitor")
        .sql("CREATE SCHEMA ext; CREATE EXTENSION pgstattuple SCHEMA ext")
        .start()
        .await
        .unwrap();
    let client = cluster.client().await.unwrap();
    for (user, reads_all_stats, superuser) in [
        ("postgres", true, true),
        ("mon", true, false),
        ("plain", false, false),
        ("aloof", false, false),
    ] {
        let session = session(&to(&cluster, user)).await;
        let server = session.server();
        assert_eq!(
            (server.reads_all_stats, server.superuser),
            (reads_all_stats, superuser),
            "{user}"
        );
        assert_eq!((server.role.as_str(), server.database.as_str()), (user, "postgres"));
    }
    let session = session(&to(&cluster, "mon")).await;
    let server = session.server();
    let num: String = client.value("SHOW server_version_num").await.unwrap();
    assert_eq!(server.version_num.to_string(), num);
    assert_eq!(
        server.version,
        client.value::<String>("SHOW server_version").await.unwrap()
    );
    assert_eq!((server.encoding.as_str(), server.block_size), ("UTF8", 8192));
    assert_eq!(server.extension("pgstattuple").unwrap().schema, "ext");
    let all: i64 = client.value("SELECT count(*) FROM pg_extension").await.unwrap();
    assert_eq!(server.extensions.len(), usize::try_from(all).unwrap());
}

#[rstest]
#[case(14, &[])]
#[case(18, &["1 SET stats_fetch_consistency"])]
#[tokio::test]
async fn connecting_and_polling_leave_nothing_but_the_questions_in_pg_stat_statements(
    #[case] major: u32,
    #[case] settings: &[&str],
) {
    let cluster = Cluster::builder(major).role("mon LOGIN").start().await.unwrap();
    let mut session = session(&to(&cluster, "mon")).await;
    for _ in 0..3 {
        text(&mut session, "select 'polled'::text as it").await;
    }
    let client = cluster.client().await.unwrap();
    let seen: Vec<String> = client
        .column(
            "SELECT calls || ' ' || left(query, 27) FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid
              WHERE r.rolname = 'mon' ORDER BY calls, query COLLATE \"C\"",
        )
        .await
        .unwrap();
    let questions = ["1 select pg_catalog.current_s", "3 select $1::text as it"];
    assert_eq!(seen, [settings, questions.as_slice()].concat());
}

#[tokio::test]
async fn parameters_of_every_type_arrive() {
    let cluster = Cluster::builder(12).start().await.unwrap();
    let mut session = session(&to(&cluster, "postgres")).await;
    let params = [
        Param::Int(-1),
        Param::Big(1 << 40),
        Param::Text("o'clock".to_owned()),
        Param::Ints(vec![1, 2]),
        Param::Oids(vec![u32::MAX]),
    ];
    let sql = "select pg_catalog.concat_ws(' ', $1, $2, $3, $4::text, $5::text) as it";
    let answer = session.ask(&entry(sql), &params, PATIENCE).await;
    let rows = answer.result.unwrap();
    assert_eq!(
        rows.only().unwrap().text("it").unwrap().unwrap(),
        "-1 1099511627776 o'clock {1,2} {4294967295}"
    );
    assert_eq!(answer.sql, sql);
}

#[rstest]
#[case("SQL_ASCII", "caf\u{fffd}")]
#[case("LATIN1", "café")]
#[case("UTF8", "café")]
#[tokio::test]
async fn text_that_is_no_utf8_is_no_error(#[case] encoding: &str, #[case] expected: &str) {
    let cluster = Cluster::builder(15)
        .sql(&format!(
            "CREATE DATABASE other ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        ))
        .start()
        .await
        .unwrap();
    let mut plan = to(&cluster, "postgres");
    plan.dbname = "other".to_owned();
    let mut session = session(&plan).await;
    assert_eq!(session.server().encoding, encoding);
    assert_eq!(
        text(&mut session, "select 'caf' || pg_catalog.chr(233) as it").await,
        expected
    );
}

#[tokio::test]
async fn past_its_deadline_a_statement_is_cancelled_and_the_session_goes_on() {
    let cluster = Cluster::builder(14).start().await.unwrap();
    let mut session = session(&to(&cluster, "postgres")).await;
    let sleep = entry("select pg_catalog.pg_sleep(3600)::text as it");
    let answer = session.ask(&sleep, &[], Duration::from_millis(100)).await;
    let fault = answer.result.unwrap_err();
    assert_eq!(
        (fault.kind, fault.sqlstate.as_deref()),
        (FaultKind::Timeout, Some("57014"))
    );
    assert_eq!(session.broken(), None);
    assert_eq!(text(&mut session, "select 'well'::text as it").await, "well");
}

#[tokio::test]
async fn the_servers_own_limit_and_a_lock_are_told_apart() {
    let cluster = Cluster::builder(14).sql("CREATE TABLE held ()").start().await.unwrap();
    let settings = Settings {
        statement_timeout: Duration::from_millis(700),
        ..Settings::default()
    };
    let opened = Session::open(&to(&cluster, "postgres"), Lane::Fast, &settings, None).await;
    let mut session = opened.unwrap();
    let slow = rows(&mut session, "select pg_catalog.pg_sleep(3600)::text as it")
        .await
        .unwrap_err();
    assert_eq!(slow.kind, FaultKind::Timeout);
    assert_eq!(session.broken(), None);

    // Where the limit of the statement is so far away that a busy machine does not get there before that of the lock.
    let opened = Session::open(&to(&cluster, "postgres"), Lane::Slow, &Settings::default(), None).await;
    let mut session = opened.unwrap();
    let holder = cluster.client().await.unwrap();
    holder.simple("BEGIN; LOCK TABLE held").await.unwrap();
    let locked = rows(
        &mut session,
        "select pg_catalog.count(*)::text as it from public.held h",
    )
    .await;
    let locked = locked.unwrap_err();
    assert_eq!(
        (locked.kind, locked.sqlstate.as_deref()),
        (FaultKind::LockTimeout, Some("55P03"))
    );
    assert_eq!(session.broken(), None);
}

#[tokio::test]
async fn what_the_role_may_not_read_names_the_grant() {
    let cluster = Cluster::builder(18)
        .role("plain LOGIN")
        .role("mon LOGIN IN ROLE pg_monitor")
        .start()
        .await
        .unwrap();
    let mut session = session(&to(&cluster, "plain")).await;
    let denied = rows(&mut session, "select a.rolpassword as it from pg_catalog.pg_authid a")
        .await
        .unwrap_err();
    assert_eq!(
        (denied.kind, denied.sqlstate.as_deref()),
        (FaultKind::Denied, Some("42501"))
    );
    assert!(denied.remedy.unwrap().contains("GRANT pg_monitor TO plain"));
    let mut member = crate::session(&to(&cluster, "mon")).await;
    let denied = rows(&mut member, "select a.rolpassword as it from pg_catalog.pg_authid a")
        .await
        .unwrap_err();
    assert_eq!((denied.kind, denied.remedy), (FaultKind::Denied, None));
    let missing = rows(&mut session, "select n.it from pg_catalog.no_such_view n")
        .await
        .unwrap_err();
    assert_eq!(missing.kind, FaultKind::Undefined);
    let written = rows(&mut session, "select pg_catalog.lo_create(0)::text as it")
        .await
        .unwrap_err();
    assert_eq!(written.sqlstate.as_deref(), Some("25006"), "{written}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_breaks_the_session() {
    let cluster = Cluster::builder(18).start().await.unwrap();
    let mut session = session(&to(&cluster, "postgres")).await;
    cluster.pause();
    let answer = session
        .ask(&entry("select 1::text as it"), &[], Duration::from_millis(50))
        .await;
    cluster.resume();
    let fault = answer.result.unwrap_err();
    assert_eq!(fault.kind, FaultKind::ConnectTimeout);
    assert!(fault.breaks_connection() && session.broken().is_some());
}

#[tokio::test]
async fn a_session_the_server_ends_is_broken() {
    let cluster = Cluster::builder(17).start().await.unwrap();
    let client = cluster.client().await.unwrap();
    // The server's own limit comes later there than the end.
    let opened = Session::open(&to(&cluster, "postgres"), Lane::Slow, &Settings::default(), None).await;
    let mut session = opened.unwrap();
    let pid: i32 = text(&mut session, "select pg_catalog.pg_backend_pid()::text as it")
        .await
        .parse()
        .unwrap();
    let sleep = entry("select pg_catalog.pg_sleep(3600)::text as it");
    let asked = session.ask(&sleep, &[], PATIENCE);
    let (answer, ended) = tokio::join!(asked, async {
        let runs = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND query LIKE '%pg_sleep%'");
        wait_until("it runs", PATIENCE, async || Ok(client.value::<i64>(&runs).await? == 1)).await;
        client.terminate(pid).await
    });
    ended.unwrap();
    let fault = answer.result.unwrap_err();
    assert_eq!(
        (fault.kind, fault.sqlstate.as_deref()),
        (FaultKind::Terminated, Some("57P01"))
    );
    assert!(session.broken().is_some());

    // An idle session that was ended is noticed too.
    let mut session = crate::session(&to(&cluster, "postgres")).await;
    let pid: i32 = text(&mut session, "select pg_catalog.pg_backend_pid()::text as it")
        .await
        .parse()
        .unwrap();
    client.terminate(pid).await.unwrap();
    wait_until("the end is noticed", PATIENCE, async || Ok(session.broken().is_some())).await;
    assert_eq!(session.broken().map(|fault| fault.kind), Some(FaultKind::Terminated));
    let fault = rows(&mut session, "select 1::text as it").await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Terminated, "{fault}");
}

#[tokio::test]
async fn a_crash_breaks_the_session_and_a_new_one_gets_in_afterwards() {
    let cluster = Cluster::builder(13).start().await.unwrap();
    let mut session = session(&to(&cluster, "postgres")).await;
    cluster.kill9().await.unwrap();
    let fault = rows(&mut session, "select 1::text as it").await.unwrap_err();
    assert!(fault.breaks_connection() && session.broken().is_some(), "{fault}");
    cluster.start_again().await.unwrap();
    crate::session(&to(&cluster, "postgres")).await;
}

#[tokio::test]
async fn no_connection_is_left_behind() {
    let cluster = Cluster::builder(18).start().await.unwrap();
    let client = cluster.client().await.unwrap();
    let first = session(&to(&cluster, "postgres")).await;
    let second = session(&to(&cluster, "postgres")).await;
    let mut third = session(&to(&cluster, "postgres")).await;
    assert_eq!(ours(&client).await, 3);
    first.close().await;
    wait_until(
        "the closed one is gone",
        PATIENCE,
        async || Ok(ours(&client).await == 2),
    )
    .await;
    drop(second);
    wait_until("the dropped one is gone", PATIENCE, async || {
        Ok(ours(&client).await == 1)
    })
    .await;

    // One that is closed while the server still works for it takes the work back.
    let sleep = entry("select pg_catalog.pg_sleep(3600)::text as it");
    let abandoned = tokio::time::timeout(Duration::from_millis(50), third.ask(&sleep, &[], PATIENCE)).await;
    assert!(abandoned.is_err());
    third.close().await;
    wait_until("the busy one is gone", PATIENCE, async || Ok(ours(&client).await == 0)).await;
}
