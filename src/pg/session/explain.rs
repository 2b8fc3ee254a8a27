//! The generic plan of somebody's statement: the one text this program sends that is no constant of its own.
//!
//! What keeps that harmless: the text was checked by [`explain::refusal`]; it goes behind `EXPLAIN (GENERIC_PLAN)`,
//! which runs nothing; the server's own parser has found by the extended protocol that it is one statement, so nothing
//! can follow it; and it goes in a transaction that is read-only, short and rolled back.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::line::{BACK, SAVEPOINT};
use super::setup::BEGIN;
use super::{Answer, Session};
use crate::pg::explain;
use crate::pg::fault::{Fault, FaultKind};
use crate::pg::privilege;
use crate::pg::quote::literal;
use crate::pg::rows::Rows;
use crate::pg::server::Server;

/// Time for planning.
const PATIENCE: Duration = Duration::from_secs(3);

impl Session {
    /// The generic plan of a statement, after [`Session::ask`] has answered for which role and `search_path`
    /// (`queries/statement_plan.sql`). The answer's rows are the plan's lines, its statement is everything that ran.
    /// Cancelled once `stop` is over, as in [`Session::ask_until`].
    pub async fn explain(&mut self, asked: Answer, text: &Arc<str>, stop: impl Future<Output = ()>) -> Answer {
        let Answer {
            variant,
            sql,
            took,
            result,
        } = asked;
        let (begin, statement) = match result.and_then(|rows| self.script(&rows, text)) {
            Ok(script) => script,
            Err(fault) => {
                return Answer {
                    variant,
                    sql,
                    took,
                    result: Err(fault),
                };
            }
        };
        let started = Instant::now();
        let server = Arc::clone(&self.server);
        self.busy = true;
        let mut again = false;
        let texts = (begin.as_str(), statement.as_str());
        let result = self.line.explain(texts, PATIENCE, stop, &server, &mut again).await;
        self.busy = false;
        self.note(&result);
        Answer {
            variant,
            sql: Cow::Owned(transcript(&sql, texts, again)),
            took: took + started.elapsed(),
            result: result.map_err(|fault| explained(fault, &server)),
        }
    }

    /// What opens the transaction, and the statement.
    fn script(&self, rows: &Rows, text: &str) -> Result<(String, String), Fault> {
        if let Some(refusal) = explain::refusal(&self.server, text) {
            return Err(Fault::new(FaultKind::Other, refusal));
        }
        let Some(row) = rows.iter().next() else {
            return Err(Fault::new(
                FaultKind::Undefined,
                "The role that ran this statement does not exist any more.",
            ));
        };
        if row.get::<Option<bool>>("here")? != Some(true) {
            return Err(elsewhere());
        }
        let quoted = row.text("quoted")?.unwrap_or_default();
        let path = explain::search_path(&row.text("search_path")?.unwrap_or_default(), &quoted);
        let begin = self.begin.as_deref().unwrap_or(BEGIN);
        Ok((opening(begin, &literal(&path)), planned(text)))
    }
}

fn opening(begin: &str, path: &str) -> String {
    let time = PATIENCE.as_millis();
    format!("{begin}; SET LOCAL statement_timeout = {time}; SELECT pg_catalog.set_config('search_path', {path}, true)")
}

fn planned(text: &str) -> String {
    format!("EXPLAIN (GENERIC_PLAN) {text}")
}

/// What is sent around the statement that somebody wants to see planned, with names where its parts go.
pub(super) fn form() -> String {
    let opening = opening(BEGIN, "<search_path of its role>");
    [
        format!("{opening}; {SAVEPOINT}"),
        planned("<the statement>"),
        "ROLLBACK".to_owned(),
    ]
    .join(";\n")
}

/// Everything that was sent.
fn transcript(question: &str, (begin, statement): (&str, &str), again: bool) -> String {
    let mut sent = vec![
        question.trim_end().to_owned(),
        format!("{begin}; {SAVEPOINT}"),
        statement.to_owned(),
    ];
    if again {
        sent.extend([BACK.to_owned(), statement.to_owned()]);
    }
    sent.push("ROLLBACK".to_owned());
    sent.join(";\n\n")
}

fn elsewhere() -> Fault {
    Fault::new(
        FaultKind::Undefined,
        "This statement ran in another database; only a session there can plan it.",
    )
}

/// What the server says of values and of syntax quotes the text, and with it what may be a secret in there: neither the
/// screen nor the log gets that. What it says of names and types is told.
fn told(fault: &Fault) -> String {
    let code = fault.sqlstate.as_deref().unwrap_or_default();
    if fault.kind != FaultKind::Other || code.starts_with("42") && code != "42601" {
        return fault.sentence.clone();
    }
    format!("Its words may quote constants and are left out (SQLSTATE {code}).")
}

/// The server's refusal in the words of this question.
fn explained(fault: Fault, server: &Server) -> Fault {
    let said = told(&fault);
    let (sentence, remedy) = match fault.kind {
        FaultKind::Denied => (
            format!("Its plan needs the rights the statement itself needs. {said}"),
            format!("To plan what reads: {}", privilege::grant_read_all_data(&server.role)),
        ),
        FaultKind::Undefined => (
            format!("The server cannot plan it here. {said}"),
            "Its names were looked up by the search_path that ALTER ROLE and ALTER DATABASE give the statement's role; \
             the application may set another, and temporary tables are its own."
                .to_owned(),
        ),
        FaultKind::Other => (
            format!("The server cannot plan it from its text alone. {said}"),
            "Where the type of a $1 cannot be told, run EXPLAIN with a cast of it in psql.".to_owned(),
        ),
        _ => return fault,
    };
    Fault {
        sentence,
        remedy: Some(remedy),
        ..fault
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("42P18", "could not determine data type of parameter $1", true)]
    #[case("42804", "argument of WHERE must be type boolean, not type integer", true)]
    #[case("22P02", "invalid input syntax for type integer: \"hunter2\"", false)]
    #[case("42601", "syntax error at or near \"'hunter2'\"", false)]
    fn constants_of_the_text_are_told_to_nobody(#[case] code: &str, #[case] said: &str, #[case] is_told: bool) {
        let fault = Fault::new(FaultKind::Other, format!("The server refused the query: {said}.")).with_sqlstate(code);
        let text = explained(fault, &Server::default()).to_string();
        assert_eq!(text.contains(said), is_told, "{text}");
        assert!(text.contains("cannot plan it") && !text.contains("hunter2"), "{text}");
    }
}
