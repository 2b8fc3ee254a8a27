//! Every way into a server, and every way in which it fails, on real servers.
#![expect(clippy::unwrap_used, reason = "in a test the place of the panic is the message")]

mod certs;
mod failures;
mod hosts;
mod pooler;
mod roles;
mod session;
mod tls;

use std::path::Path;
use std::time::Duration;

use pgmon_lab::Cluster;
use pgmon_tui::config::Settings;
use pgmon_tui::pg::fault::{Fault, FaultKind};
use pgmon_tui::pg::plan::{ChannelBinding, Host, Plan, Prompt, RootCert, Secret, SessionAttrs, SslMode, Target};
use pgmon_tui::pg::session::{Lane, Session};

/// What everything may take before a test gives up; no measurement.
const PATIENCE: Duration = pgmon_lab::PATIENCE;

/// The plan `host=.. port=.. user=.. dbname=postgres` makes.
fn plan(host: &str, port: u16, user: &str) -> Plan {
    Plan {
        label: host.to_owned(),
        hosts: vec![target(host, port)],
        user: user.to_owned(),
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
        connect_timeout: PATIENCE,
        tcp_user_timeout: Duration::from_secs(30),
        keepalives_idle: Some(Duration::from_mins(1)),
        keepalives_interval: Some(Duration::from_secs(5)),
        keepalives_count: Some(3),
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

/// A plan for a cluster, by TCP.
fn to(cluster: &Cluster, user: &str) -> Plan {
    plan("127.0.0.1", cluster.port(), user)
}

fn with_password(mut plan: Plan, password: &str) -> Plan {
    for target in &mut plan.hosts {
        target.password = Some(Secret::new(password.to_owned()));
    }
    plan
}

async fn open(plan: &Plan) -> Result<Session, Fault> {
    Session::open(plan, Lane::Fast, &Settings::default(), None).await
}

/// Opens what must open.
async fn session(plan: &Plan) -> Session {
    open(plan).await.unwrap_or_else(|fault| panic!("{fault:?}"))
}

/// The fault of a plan that must fail, checked for what every fault must be.
async fn fault(plan: &Plan) -> Fault {
    let fault = match open(plan).await {
        Err(fault) => fault,
        Ok(session) => panic!("it got in: {:?}", session.server()),
    };
    check(&fault);
    fault
}

/// Every fault is one sentence on one line, says more than the driver's "db error", and names the next step.
fn check(fault: &Fault) {
    let text = fault.to_string();
    assert!(fault.sentence.ends_with('.'), "{text}");
    assert!(!text.contains('\n') && !text.contains("db error"), "{text}");
    assert!(!text.contains("sesame"), "a password is in {text}");
    assert!(fault.remedy.is_some() || fault.kind == FaultKind::Other, "{text}");
}
