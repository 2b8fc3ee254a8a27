//! Every way into a server, and every way in which it fails, on real servers.

use std::path::Path;
use std::time::Duration;

use pgmon_tui::config::Settings;
use pgmon_tui::pg::fault::{Fault, FaultKind};
use pgmon_tui::pg::plan::{ChannelBinding, Host, Plan, Prompt, RootCert, Secret, SessionAttrs, SslMode, Target};
use pgmon_tui::pg::session::{Lane, Session};
use pgmon_tui::probe::PROBES;

fn plan(host: &str, port: u16) -> Plan {
    Plan {
        label: host.to_owned(),
        hosts: vec![target(host, port)],
        user: "postgres".to_owned(),
        dbname: "postgres".to_owned(),
        prompt: Prompt::Never,
        sslmode: SslMode::Prefer,
        ssl_direct: false,
        root_cert: RootCert::None,
        ssl_cert: None,
        ssl_key: None,
        ssl_password: None,
        ssl_sni: true,
        ssl_min_protocol: None,
        ssl_max_protocol: None,
        channel_binding: ChannelBinding::Prefer,
        target_session_attrs: SessionAttrs::Any,
        shuffle: false,
        options: None,
        application_name: "pgmon-tui".to_owned(),
        connect_timeout: Duration::from_secs(10),
        tcp_user_timeout: Duration::ZERO,
        keepalives_idle: Some(Duration::ZERO),
        warnings: Vec::new(),
    }
}

fn target(host: &str, port: u16) -> Target {
    let host = if host.starts_with('/') {
        Host::Unix(Path::new(host).to_owned())
    } else {
        Host::Tcp {
            name: host.to_owned(),
            addr: None,
        }
    };
    Target {
        host,
        port,
        password: None,
    }
}

async fn open(plan: &Plan) -> Result<Session, Fault> {
    Session::open(plan, Lane::Fast, &Settings::default(), None).await
}

#[tokio::test]
async fn it_gets_in_and_asks() {
    for port in 56012..=56018 {
        let task = tokio::spawn(async move { open(&plan("127.0.0.1", port)).await });
        let mut session = task.await.unwrap().unwrap();
        let server = session.server().clone();
        assert_eq!(server.major(), u32::from(port) - 56000);
        assert!(!server.pooled, "{server:?}");
        eprintln!("{server:?}");
        let answer = session
            .ask(&PROBES[0], &[pgmon_tui::probe::Param::Int(100)], Duration::from_secs(5))
            .await;
        eprintln!(
            "{:?} {:?}",
            answer.took,
            answer.result.as_ref().map(pgmon_tui::pg::rows::Rows::len)
        );
        answer.result.unwrap();
        session.close().await;
    }
}
