//! What to do when `pg_stat_statements` has nothing to say, or less than it could.

use crate::pg::privilege;
use crate::pg::quote::{identifier, literal};
use crate::pg::server::Server;
use crate::probe::extensions::Extensions;
use crate::probe::statements::EXTENSION;

/// What is the matter and what to type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// A sentence.
    pub sentence: String,
    /// The statement or setting that mends it.
    pub remedy: String,
}

impl Advice {
    fn new(sentence: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            remedy: remedy.into(),
        }
    }
}

/// Why there are no statements at all; `None` if the extension can be asked.
#[must_use]
pub fn absent(server: &Server, extensions: &Extensions) -> Option<Advice> {
    let created = extensions.extension(EXTENSION).is_some();
    let here = identifier(&server.database);
    let create = if server.in_recovery {
        format!("on the primary, in database {here}: CREATE EXTENSION {EXTENSION};")
    } else {
        format!("in database {here}: CREATE EXTENSION {EXTENSION};")
    };
    let load = preload(extensions);
    match (extensions.statements_loaded(), created) {
        (true, true) => None,
        (true, false) => Some(Advice::new(
            "pg_stat_statements is loaded and counting, but not created in this database, so it cannot be read from here.",
            capital(&create),
        )),
        (false, true) => Some(Advice::new(
            "pg_stat_statements is created in this database, but the server has not loaded it, so nothing is counted.",
            format!("{load}; then restart the server."),
        )),
        (false, false) if extensions.statements_default.is_none() => Some(Advice::new(
            "pg_stat_statements is not on the server's machine: its package of additional modules (postgresql-contrib) \
             is missing.",
            format!("Install it. {load}; restart the server; {create}"),
        )),
        (false, false) => Some(Advice::new(
            "pg_stat_statements is neither loaded by the server nor created in this database, so nobody counts what \
             statements cost.",
            format!("{load}; restart the server; {create}"),
        )),
    }
}

/// What helps a role that may not read the extension's view: as a rule it lives in a schema that is not for everybody.
#[must_use]
pub fn denied(server: &Server) -> Option<String> {
    let schema = &server.extension(EXTENSION)?.schema;
    let (schema, role) = (identifier(schema), identifier(&server.role));
    Some(format!("GRANT USAGE ON SCHEMA {schema} TO {role};"))
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// How it gets loaded, besides what is loaded already.
fn preload(extensions: &Extensions) -> String {
    match extensions.preload.as_deref() {
        None => format!("Add {EXTENSION} to shared_preload_libraries"),
        Some(present) => {
            let present = present.split(',').map(|library| library.trim().trim_matches('"'));
            let others = present.filter(|library| !library.is_empty() && *library != EXTENSION);
            let all: Vec<String> = others.chain([EXTENSION]).map(literal).collect();
            format!("ALTER SYSTEM SET shared_preload_libraries = {}", all.join(", "))
        }
    }
}

/// What keeps the extension from telling all it could, the most important first. `hidden` of `all` entries are hidden
/// from the role.
#[must_use]
pub fn shortcomings(server: &Server, extensions: &Extensions, (hidden, all): (i64, i64)) -> Vec<Advice> {
    let silent = silent(extensions);
    let hides = (hidden > 0).then(|| {
        Advice::new(
            format!(
                "{hidden} of {all} statements are other roles' and hidden from {}.",
                identifier(&server.role)
            ),
            privilege::grant_monitor(&server.role),
        )
    });
    silent.into_iter().chain(hides).chain(old(extensions)).collect()
}

/// Nothing new is counted at all.
fn silent(extensions: &Extensions) -> Option<Advice> {
    if extensions.statements_track.as_deref() == Some("none") {
        return Some(Advice::new(
            "Nothing is counted: pg_stat_statements.track is none.",
            "ALTER SYSTEM SET pg_stat_statements.track = 'top'; SELECT pg_reload_conf();",
        ));
    }
    (extensions.compute_query_id.as_deref() == Some("off")).then(|| {
        Advice::new(
            "Nothing is counted: compute_query_id is off.",
            "ALTER SYSTEM SET compute_query_id = 'auto'; SELECT pg_reload_conf();",
        )
    })
}

/// An extension that stayed behind at an upgrade of the server.
fn old(extensions: &Extensions) -> Option<Advice> {
    let installed = extensions.extension(EXTENSION)?;
    let default = extensions.statements_default.as_deref()?;
    let newest = crate::pg::server::Extension {
        version: default.to_owned(),
        ..installed.clone()
    };
    (installed.number() < newest.number()).then(|| {
        Advice::new(
            format!(
                "pg_stat_statements is {} here though the server has {default}: columns are missing.",
                installed.version
            ),
            format!("ALTER EXTENSION {EXTENSION} UPDATE;"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::server::Extension;

    fn extensions(version: Option<&str>, max: Option<i64>, preload: Option<&str>) -> Extensions {
        let installed = version.map(|version| Extension {
            name: EXTENSION.to_owned(),
            version: version.to_owned(),
            schema: "public".to_owned(),
        });
        Extensions {
            installed: installed.into_iter().collect(),
            statements_default: Some("1.10".to_owned()),
            statements_max: max,
            preload: preload.map(str::to_owned),
            ..Extensions::default()
        }
    }

    fn server() -> Server {
        Server {
            database: "App".to_owned(),
            role: "mon".to_owned(),
            ..Server::default()
        }
    }

    #[test]
    fn every_way_to_be_missing_has_its_own_remedy() {
        let remedy = |extensions: &Extensions| absent(&server(), extensions).map(|advice| advice.remedy);
        assert_eq!(remedy(&extensions(Some("1.10"), Some(5000), None)), None);
        assert_eq!(
            remedy(&extensions(None, Some(5000), None)).as_deref(),
            Some("In database \"App\": CREATE EXTENSION pg_stat_statements;")
        );
        assert_eq!(
            remedy(&extensions(Some("1.10"), None, Some("auto_explain, \"pg_cron\""))).as_deref(),
            Some(
                "ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', 'pg_cron', 'pg_stat_statements'; then \
                 restart the server."
            )
        );
        assert_eq!(
            remedy(&extensions(None, None, None)).as_deref(),
            Some(
                "Add pg_stat_statements to shared_preload_libraries; restart the server; in database \"App\": CREATE \
                 EXTENSION pg_stat_statements;"
            )
        );
        let nowhere = Extensions {
            statements_default: None,
            ..extensions(None, None, Some(""))
        };
        assert!(remedy(&nowhere).unwrap().starts_with("Install it. ALTER SYSTEM SET"));
        let standby = Server {
            in_recovery: true,
            ..server()
        };
        let advice = absent(&standby, &extensions(None, Some(5000), None)).unwrap();
        assert!(advice.remedy.starts_with("On the primary, in database"));
    }

    #[test]
    fn what_is_less_than_it_could_be_is_said() {
        let good = extensions(Some("1.10"), Some(5000), None);
        assert_eq!(shortcomings(&server(), &good, (0, 10)), []);
        let old = extensions(Some("1.9"), Some(5000), None);
        let said = shortcomings(&server(), &old, (3, 10));
        assert_eq!(said.len(), 2);
        assert_eq!(said[0].remedy, "GRANT pg_monitor TO mon;");
        assert_eq!(said[1].remedy, "ALTER EXTENSION pg_stat_statements UPDATE;");
        let off = Extensions {
            compute_query_id: Some("off".to_owned()),
            ..good
        };
        assert!(
            shortcomings(&server(), &off, (0, 0))[0]
                .sentence
                .contains("compute_query_id")
        );
    }
}
