//! Every way into a server, and every way in which it fails, on real servers.
#![expect(clippy::unwrap_used, reason = "in a test the place of the panic is the message")]

mod certs;
#[path = "../common/mod.rs"]
mod common;
mod failures;
mod hosts;
mod pooler;
mod roles;
mod session;
mod tls;

use std::time::Duration;

use pgmon_lab::Cluster;
use pgmon_tui::config::Settings;
use pgmon_tui::pg::fault::{Fault, FaultKind};
use pgmon_tui::pg::plan::{Plan, Secret, Target};
use pgmon_tui::pg::session::{Lane, Session};

/// What everything may take before a test gives up; no measurement.
const PATIENCE: Duration = pgmon_lab::PATIENCE;

/// The plan `host=.. port=.. user=.. dbname=postgres` makes.
fn plan(host: &str, port: u16, user: &str) -> Plan {
    common::plan(&format!(
        "host='{host}' port={port} user='{user}' dbname=postgres application_name=pgmon-tui"
    ))
}

/// One place of such a plan.
fn target(host: &str, port: u16) -> Target {
    plan(host, port, "nobody").hosts.remove(0)
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
