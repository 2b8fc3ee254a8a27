//! Several hosts, several addresses, and `target_session_attrs`.

use std::sync::Arc;

use pgmon_lab::{Cluster, Port};
use pgmon_tui::pg::fault::FaultKind;
use pgmon_tui::pg::plan::{Host, Plan, SessionAttrs, SslMode};
use pgmon_tui::pg::server::Server;
use rstest::rstest;

use crate::{fault, open, plan, session, target, to};

async fn server(plan: &Plan) -> Arc<Server> {
    let session = session(plan).await;
    let server = Arc::clone(session.server());
    session.close().await;
    server
}

#[tokio::test]
async fn the_next_host_is_tried_when_one_is_down_but_not_when_it_refuses_us() {
    let cluster = Cluster::builder(17).role("mon LOGIN").start().await.unwrap();
    let mut plan = to(&cluster, "mon");
    let unused = Port::reserve().unwrap();
    plan.hosts.insert(0, target("127.0.0.1", unused.number()));
    plan.hosts.insert(0, target("no-such-host.invalid", 5432));
    assert_eq!(server(&plan).await.port, cluster.port());

    let picky = Cluster::builder(17)
        .hba("host all mon 127.0.0.1/32 reject")
        .role("mon LOGIN")
        .start()
        .await
        .unwrap();
    plan.hosts.insert(0, target("127.0.0.1", picky.port()));
    assert_eq!(fault(&plan).await.kind, FaultKind::Hba);
}

#[tokio::test]
async fn all_hosts_down_is_one_fault_that_names_them() {
    let unused = Port::reserve().unwrap();
    let mut plan = plan("127.0.0.1", unused.number(), "me");
    plan.hosts.push(target("no-such-host.invalid", 5432));
    let fault = fault(&plan).await;
    assert_eq!(fault.kind, FaultKind::Resolve);
    assert!(
        fault.sentence.contains("connection refused") && fault.sentence.contains("no-such-host"),
        "{fault}"
    );
}

#[tokio::test]
async fn a_name_with_several_addresses_and_hostaddr() {
    let cluster = Cluster::builder(12).start().await.unwrap();
    // Where localhost is ::1 first, nothing listens there and 127.0.0.1 is next.
    assert_eq!(
        server(&plan("localhost", cluster.port(), "postgres")).await.host,
        "localhost"
    );

    let mut plan = to(&cluster, "postgres");
    plan.hosts[0].host = Host::Tcp {
        name: "db.invalid".to_owned(),
        addr: Some("127.0.0.1".parse().unwrap()),
    };
    plan.shuffle = true;
    assert_eq!(server(&plan).await.host, "db.invalid");
}

#[tokio::test]
async fn a_unix_socket_ignores_sslmode() {
    let cluster = Cluster::builder(18).start().await.unwrap();
    let mut plan = plan(cluster.socket_dir().to_str().unwrap(), cluster.port(), "postgres");
    for mode in [SslMode::Disable, SslMode::Prefer, SslMode::VerifyFull] {
        plan.sslmode = mode;
        let server = server(&plan).await;
        assert_eq!((server.tls.as_deref(), server.pooled), (None, false));
        assert_eq!(server.host, cluster.socket_dir().to_str().unwrap());
    }
}

#[rstest]
#[tokio::test]
async fn target_session_attrs(#[values(12, 13, 18)] major: u32) {
    let primary = Cluster::builder(major)
        .role("mon LOGIN")
        .role("careful LOGIN")
        .sql("ALTER ROLE careful SET default_transaction_read_only = on")
        .start()
        .await
        .unwrap();
    let standby = primary.standby("st", &[]).await.unwrap();
    // Which of the two (or none) each attribute picks, by the order they are named in.
    let both = [&primary, &standby];
    let reversed = [&standby, &primary];
    for (attrs, user, hosts, expected) in [
        (SessionAttrs::Any, "mon", both, Some(&primary)),
        (SessionAttrs::Any, "mon", reversed, Some(&standby)),
        (SessionAttrs::ReadWrite, "mon", reversed, Some(&primary)),
        (SessionAttrs::ReadWrite, "careful", reversed, None),
        (SessionAttrs::ReadOnly, "mon", both, Some(&standby)),
        (SessionAttrs::ReadOnly, "careful", both, Some(&primary)),
        (SessionAttrs::Primary, "mon", reversed, Some(&primary)),
        (SessionAttrs::Primary, "careful", reversed, Some(&primary)),
        (SessionAttrs::Standby, "mon", both, Some(&standby)),
        (SessionAttrs::PreferStandby, "mon", both, Some(&standby)),
        (SessionAttrs::PreferStandby, "mon", [&primary, &primary], Some(&primary)),
    ] {
        let mut plan = to(&primary, user);
        plan.hosts = hosts
            .iter()
            .map(|cluster| target("127.0.0.1", cluster.port()))
            .collect();
        plan.target_session_attrs = attrs;
        let what = format!("{attrs:?} as {user}");
        let found = open(&plan).await;
        match (found, expected) {
            (Ok(session), Some(cluster)) => {
                assert_eq!(session.server().port, cluster.port(), "{what}");
                assert_eq!(
                    session.server().in_recovery,
                    std::ptr::eq(cluster, &raw const standby),
                    "{what}"
                );
                session.close().await;
            }
            (Err(fault), None) => assert_eq!(fault.kind, FaultKind::WrongSessionAttrs, "{what}: {fault}"),
            (Ok(session), None) => panic!("{what}: got into {}", session.server().port),
            (Err(fault), Some(_)) => panic!("{what}: {fault}"),
        }
    }
}

/// A standby with `hot_standby = off` answers, but lets nobody in: worth waiting for.
#[tokio::test]
async fn a_standby_that_takes_no_connections() {
    let primary = Cluster::builder(16).role("mon LOGIN").start().await.unwrap();
    let standby = primary.standby("st", &[]).await.unwrap();
    standby.stop(pgmon_lab::Stop::Fast).await.unwrap();
    std::fs::write(standby.data_dir().join("postgresql.auto.conf"), "hot_standby = off\n").unwrap();
    let again = async { standby.start_again().await };
    let looking = async {
        let mut plan = to(&standby, "mon");
        plan.target_session_attrs = SessionAttrs::Any;
        pgmon_lab::wait_until("the standby answers", crate::PATIENCE, async || {
            Ok(open(&plan).await.is_err_and(|fault| fault.kind == FaultKind::NotYet))
        })
        .await;
        let alone = fault(&plan).await;
        plan.hosts.push(target("127.0.0.1", primary.port()));
        let (next, waits) = (session(&plan).await, alone.waits());
        (next.server().port, waits)
    };
    tokio::select! {
        started = again => panic!("it accepts connections: {started:?}"),
        found = looking => assert_eq!(found, (primary.port(), true)),
    }
}
