//! Statements a person may paste into psql: this program never runs them. Each carries a comment that says whom
//! it hits and since when, because the clipboard outlives the screen.
//!
//! Names and application names come from strangers. Inside the comment they are reduced to one line of visible
//! characters, so that nothing in them can end the comment and become a statement of its own.

use crate::model::clock::utc;
use crate::pg::quote::{literal, visible};

/// Characters kept of one stranger's text inside a comment.
const TEXT_MAX: usize = 60;

/// The backend a statement is about.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Who<'a> {
    /// Its process id.
    pub pid: i32,
    /// Role.
    pub user: Option<&'a str>,
    /// Database.
    pub database: Option<&'a str>,
    /// `application_name`.
    pub application: Option<&'a str>,
    /// Client address.
    pub client: Option<&'a str>,
    /// What it does: `idle in transaction`, `active`.
    pub state: Option<&'a str>,
    /// Since when it does that, in seconds since 1970 by the server's clock.
    pub since: Option<f64>,
}

/// Cancels the running statement of a backend; an idle transaction is not touched by it.
#[must_use]
pub fn cancel(who: &Who<'_>) -> String {
    statement("pg_cancel_backend", who)
}

/// Ends a backend, its transaction and its connection.
#[must_use]
pub fn terminate(who: &Who<'_>) -> String {
    statement("pg_terminate_backend", who)
}

/// The statements that do something to it, for a menu: the bare statement as its name, and the text with its comment.
#[must_use]
pub fn copies(who: &Who<'_>) -> Vec<(String, String)> {
    let bare = Who {
        pid: who.pid,
        ..Who::default()
    };
    let cancel = can_cancel(who).then(|| (cancel(&bare), cancel(who)));
    let terminate = can_terminate(who).then(|| (terminate(&bare), terminate(who)));
    cancel.into_iter().chain(terminate).collect()
}

/// False if it runs no statement, so that a cancel request is answered with true and changes nothing.
#[must_use]
pub fn can_cancel(who: &Who<'_>) -> bool {
    can_terminate(who) && !who.state.is_some_and(|state| state.starts_with("idle"))
}

/// False for auxiliary processes: they are in no process array, and both functions refuse them
/// (`BackendPidGetProc` in procarray.c). Their [`Who::state`] is their `backend_type`.
#[must_use]
pub fn can_terminate(who: &Who<'_>) -> bool {
    !matches!(
        who.state,
        Some(
            "startup"
                | "checkpointer"
                | "background writer"
                | "walwriter"
                | "walreceiver"
                | "archiver"
                | "walsummarizer"
                | "io worker"
                | "stats collector"
        )
    )
}

/// Rolls back a prepared transaction; must be run in `database` by its owner or a superuser.
/// `prepared` is in seconds since 1970.
#[must_use]
pub fn rollback_prepared(gid: &str, owner: &str, database: &str, prepared: Option<f64>) -> String {
    let mut facts = vec![
        format!("run in database {}", one_line(database)),
        format!("as {}", one_line(owner)),
    ];
    facts.extend(prepared.and_then(utc).map(|at| format!("prepared {at}")));
    format!("ROLLBACK PREPARED {}; -- {}", literal(gid), facts.join(", "))
}

/// Drops a replication slot that nobody uses, with what that means and what the slot is.
#[must_use]
pub fn drop_slot(name: &str, slot_type: &str, database: Option<&str>) -> String {
    let database = database.map_or_else(String::new, |name| format!(" of database {}", one_line(name)));
    format!(
        "SELECT pg_drop_replication_slot({}); -- WARNING: its consumer has to begin anew, be sure that nobody needs it; \
         {} slot{database}",
        literal(name),
        one_line(slot_type)
    )
}

fn statement(function: &str, who: &Who<'_>) -> String {
    let mut out = format!("SELECT {function}({});", who.pid);
    let facts = facts(who);
    if !facts.is_empty() {
        out.push_str(" -- ");
        out.push_str(&facts.join(", "));
    }
    out
}

fn facts(who: &Who<'_>) -> Vec<String> {
    let shown = |text: Option<&str>| text.map(one_line).filter(|text| !text.is_empty());
    let whose = match (shown(who.user), shown(who.database)) {
        (Some(user), Some(database)) => Some(format!("{user}@{database}")),
        (user, database) => user.or(database),
    };
    let doing = shown(who.state).map(|state| match who.since.and_then(utc) {
        Some(since) => format!("{state} since {since}"),
        None => state,
    });
    [whose, shown(who.application), shown(who.client), doing]
        .into_iter()
        .flatten()
        .collect()
}

/// A stranger's text as one line of visible characters of bounded length.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut chars = text.chars();
    let mut out: String = chars
        .by_ref()
        .take(TEXT_MAX)
        .map(|c| if visible(c) { c } else { '?' })
        .collect();
    if chars.next().is_some() {
        out.push('…');
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn who() -> Who<'static> {
        Who {
            pid: 700,
            user: Some("alice"),
            database: Some("app"),
            application: Some("checkout-api"),
            client: Some("10.0.3.7"),
            state: Some("idle in transaction"),
            since: Some(1_763_645_530.9),
        }
    }

    #[test]
    fn only_statements_that_do_something_are_offered() {
        let offered = |state: &str| {
            let who = Who {
                pid: 7,
                state: Some(state),
                ..Who::default()
            };
            copies(&who).into_iter().map(|(what, _)| what).collect::<Vec<_>>()
        };
        let (cancel, terminate) = ("SELECT pg_cancel_backend(7);", "SELECT pg_terminate_backend(7);");
        assert_eq!(offered("active"), [cancel, terminate]);
        assert_eq!(offered("autovacuum worker"), [cancel, terminate]);
        for idle in ["idle", "idle in transaction", "idle in transaction (aborted)"] {
            assert_eq!(offered(idle), [terminate], "{idle}");
        }
        for auxiliary in ["startup", "checkpointer", "walwriter"] {
            assert!(offered(auxiliary).is_empty(), "{auxiliary}");
        }
    }

    #[test]
    fn says_whom_and_since_when() {
        assert_eq!(
            terminate(&who()),
            "SELECT pg_terminate_backend(700); -- alice@app, checkout-api, 10.0.3.7, \
             idle in transaction since 2025-11-20 13:32:10 UTC"
        );
        assert_eq!(
            cancel(&Who {
                pid: 7,
                ..Who::default()
            }),
            "SELECT pg_cancel_backend(7);"
        );
    }

    #[test]
    fn an_unknown_time_is_left_out() {
        for since in [None, Some(f64::NAN), Some(f64::INFINITY), Some(1e300), Some(-1.0)] {
            let text = cancel(&Who { since, ..who() });
            assert!(text.ends_with(", idle in transaction"), "{text}");
        }
    }

    #[test]
    fn a_prepared_transaction_is_quoted() {
        assert_eq!(
            rollback_prepared("it's", "bob", "app", Some(0.0)),
            "ROLLBACK PREPARED 'it''s'; -- run in database app, as bob, prepared 1970-01-01 00:00:00 UTC"
        );
    }

    proptest! {
        #[test]
        fn nothing_breaks_out_of_the_comment(text in "\\PC*|.*|[\\r\\n\\x1b\u{85}\u{2028}\u{9b}';-]*") {
            let text = text.as_str();
            let who = Who { user: Some(text), database: Some(text), application: Some(text), state: Some(text), ..who() };
            let sql = terminate(&who);
            prop_assert!(sql.starts_with("SELECT pg_terminate_backend(700); -- "));
            prop_assert!(sql.chars().all(visible));
            prop_assert!(sql.chars().count() < 500);
        }
    }
}
