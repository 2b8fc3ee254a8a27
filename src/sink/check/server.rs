//! Where we are.

use super::{Examined, Level, Point, late};
use crate::pg::plan::{Host, Plan};
use crate::pg::server::Server;
use crate::sink::watch::End;
use crate::ui::format;

pub(super) fn points(examined: &Examined<'_>) -> Vec<Point> {
    let known = &examined.seen.known;
    let Some(server) = known.server.as_deref() else {
        return Vec::new();
    };
    let up = known.server_uptime().map(|up| format!(", up {}", format::duration(up)));
    let place = format!(
        "{server} at {}:{}, database {}, role {}{}.",
        server.host,
        server.port,
        server.database,
        server.role,
        up.unwrap_or_default()
    );
    let slow = known.slow_down.as_ref().map(|fault| {
        Point::limited(format!(
            "The second connection is not to be had, and what is asked every ten minutes or every hour goes unasked. {fault}"
        ))
    });
    let lost = match &examined.seen.end {
        End::Lost(fault) => Some(Point::new(Level::Unusable, fault.to_string())),
        _ => None,
    };
    let warnings = examined.plan.warnings.iter().cloned().map(Point::note);
    let standby = known.in_recovery().then(|| {
        Point::note(
            "It is a standby: GRANT, ALTER ROLE and CREATE EXTENSION are run on its primary, and come here from there.",
        )
    });
    let pooled = server.pooled.then(|| {
        Point::note(
            "There is a transaction pooler before it: every question travels with its own transaction and settings.",
        )
    });
    [Point::ok(place), encryption(server, examined.plan)]
        .into_iter()
        .chain(standby)
        .chain(pooled)
        .chain(warnings)
        .chain(slow)
        .chain(lost)
        .chain(late(&examined.seen.end))
        .collect()
}

/// Whether others can read along.
fn encryption(server: &Server, plan: &Plan) -> Point {
    if let Some(tls) = &server.tls {
        return Point::ok(format!("The connection is encrypted ({tls})."));
    }
    if is_local(server, plan) {
        return Point::ok("The connection does not leave this machine.");
    }
    Point::note("The connection is not encrypted: query texts, and what they have in them, can be read on the way.")
        .with("sslmode=require, or better sslmode=verify-full, in the connection string")
}

/// True for a socket or a loopback address.
fn is_local(server: &Server, plan: &Plan) -> bool {
    let there = plan.hosts.iter().find(|target| {
        let host = target.host.to_string();
        host == server.host && target.port == server.port
    });
    match there.map(|target| &target.host) {
        Some(Host::Unix(_)) => true,
        Some(Host::Tcp { name, addr }) => {
            let addr = addr.or_else(|| name.parse().ok());
            addr.map_or(name == "localhost", |addr| addr.is_loopback())
        }
        None => false,
    }
}
