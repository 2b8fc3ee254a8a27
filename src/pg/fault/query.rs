//! What goes wrong while a statement runs, by SQLSTATE.

use tokio_postgres::error::{DbError, SqlState};

use super::{Fault, FaultKind, one_line};
use crate::pg::privilege;
use crate::pg::server::Server;

/// The sentence for an error the server sent while a statement of ours ran.
pub(super) fn from_server(server: &Server, db: &DbError) -> Fault {
    let said = one_line(db.message());
    let (kind, sentence, remedy) = match class(db.code()) {
        FaultKind::Timeout => (
            FaultKind::Timeout,
            "The server stopped the query: it ran into its time limit.".to_owned(),
            None,
        ),
        FaultKind::LockTimeout => (
            FaultKind::LockTimeout,
            "Somebody holds or waits for an exclusive lock on what this query reads; it did not queue up behind it."
                .to_owned(),
            Some("Look at the Locks pane: it shows who.".to_owned()),
        ),
        FaultKind::Denied => (
            FaultKind::Denied,
            format!("The role \"{}\" may not read this: {said}.", server.role),
            // A member of pg_monitor gains nothing by becoming one.
            (!server.reads_all_stats).then(|| format!("As a superuser: {}", privilege::grant_monitor(&server.role))),
        ),
        FaultKind::Terminated => (
            FaultKind::Terminated,
            format!("The server ended the session: {said}."),
            None,
        ),
        FaultKind::TooManyConnections => (
            FaultKind::TooManyConnections,
            format!("No connection is free: {said}."),
            None,
        ),
        FaultKind::Undefined => (
            FaultKind::Undefined,
            format!("This server does not have what is asked for: {said}."),
            None,
        ),
        FaultKind::NotReady => (
            FaultKind::NotReady,
            format!("This is not ready to be read: {said}."),
            db.hint().map(one_line),
        ),
        kind => (
            kind,
            format!("The server refused the query: {said} (SQLSTATE {}).", db.code().code()),
            None,
        ),
    };
    Fault {
        kind,
        sentence,
        remedy,
        sqlstate: Some(db.code().code().to_owned()),
    }
}

fn class(code: &SqlState) -> FaultKind {
    match code.code() {
        "57014" => FaultKind::Timeout,
        "55P03" => FaultKind::LockTimeout,
        "42501" => FaultKind::Denied,
        "42P01" | "42703" | "42883" | "3F000" | "42704" => FaultKind::Undefined,
        "55000" => FaultKind::NotReady,
        // 57P05, 25P03 and 25P04 are the timeouts that end the whole session.
        "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03" | "25P04" => FaultKind::Terminated,
        "53300" => FaultKind::TooManyConnections,
        "08006" | "08003" | "08000" => FaultKind::Lost,
        _ => FaultKind::Other,
    }
}
