//! Who we are there: what the role may see, and that it can change nothing.

use super::{Examined, Level, Point};
use crate::pg::privilege::{self, Findings};
use crate::pg::quote::identifier;
use crate::pg::server::Server;
use crate::probe::extensions::ExtensionsProbe;

/// Makes the role a member of what shows every setting.
fn grant_settings(role: &str) -> String {
    format!("GRANT pg_read_all_settings TO {};", identifier(role))
}

pub(super) fn points(examined: &Examined<'_>) -> Vec<Point> {
    let Some(server) = examined.seen.known.server.as_deref() else {
        return Vec::new();
    };
    [sees(examined, server), writes(examined, server)]
        .into_iter()
        .chain(everybody(examined))
        .collect()
}

/// What the role sees of others.
fn sees(examined: &Examined<'_>, server: &Server) -> Point {
    let role = identifier(&server.role);
    if !server.reads_all_stats {
        let sentence = format!(
            "{role} is no member of pg_monitor: what other roles' sessions do, and the statements of others, are hidden \
             from it."
        );
        return Point::limited(sentence).with(privilege::grant_monitor(&server.role));
    }
    let extensions = examined.seen.known.get::<ExtensionsProbe>();
    if extensions.is_some_and(|extensions| extensions.preload.is_none()) {
        let sentence = format!(
            "{role} is no member of pg_read_all_settings: settings such as shared_preload_libraries are hidden from it, \
             and advice cannot take account of them."
        );
        return Point::note(sentence).with(grant_settings(&server.role));
    }
    Point::ok(format!(
        "{role} sees the sessions, statements and settings of all roles."
    ))
}

/// Whether the role could change anything.
fn writes(examined: &Examined<'_>, server: &Server) -> Point {
    let role = identifier(&server.role);
    match &examined.seen.role {
        Some(Ok(findings)) if !findings.may_write() => Point::ok(format!("{role} can change nothing here.")),
        Some(Ok(findings)) => may_write(
            examined,
            &format!("{role} may write: {}", findings.sentences().join(" ")),
        ),
        Some(Err(fault)) => may_write(
            examined,
            &format!("Whether {role} may write could not be found out. {fault}"),
        ),
        None => Point::note(format!("Whether {role} may write was not asked.")),
    }
}

fn may_write(examined: &Examined<'_>, what: &str) -> Point {
    let mut point = if examined.allowed {
        Point::note(format!(
            "{what} This program only reads, but a monitoring session that cannot write is safer."
        ))
    } else {
        Point::new(
            Level::Unusable,
            format!(
                "{what} This program only reads, but a monitoring session that cannot write is safer, and there is nobody \
                 to ask. Make a role for it, or say --allow-privileged-role."
            ),
        )
    };
    point.remedies.extend(privilege::advice("pgmon"));
    point
}

/// What every role may change here.
fn everybody(examined: &Examined<'_>) -> Option<Point> {
    let findings: &Findings = examined.seen.role.as_ref()?.as_ref().ok()?;
    let warnings = findings.warnings();
    (!warnings.is_empty()).then(|| Point::note(warnings.join(" ")).with("REVOKE CREATE ON SCHEMA public FROM PUBLIC;"))
}
