//! One connection: found, opened and introduced under a deadline, and the only caller of the driver.
//!
//! `dial` finds the host and the way in, `route` connects and encrypts the socket, `wire` is the stream the driver
//! gets, `line` is the driver's connection, `setup` the settings; a [`Session`] asks.

mod dial;
mod explain;
mod line;
mod route;
mod setup;
mod wire;

use std::borrow::Cow;
use std::future::{Future, pending};
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::dial::Dial;
use self::line::Line;
use self::setup::Setup;
pub use self::setup::besides;
#[cfg(doc)]
use super::fault::FaultKind;
use super::fault::{Fault, Place};
use super::plan::{Plan, Secret};
use super::rows::Rows;
use super::server::{Introduction, Server};
use super::tls;
use crate::config::Settings;
use crate::probe::{Entry, Param, Spec, Variant};

/// Which tiers a connection serves: a ten-second storage query must not freeze the blocking chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Hot and workload tiers.
    Fast,
    /// Storage and hourly tiers.
    Slow,
}

/// One answer of the server.
#[derive(Debug)]
pub struct Answer {
    /// The form this server got.
    pub variant: &'static Variant,
    /// The statement as it was sent.
    pub sql: Cow<'static, str>,
    /// From sending to the last row, as seen from here.
    pub took: Duration,
    /// The rows, or why there are none.
    pub result: Result<Rows, Fault>,
}

/// An open connection. Dropped, it closes its socket; [`Session::close`] says goodbye first.
pub struct Session {
    line: Line,
    server: Arc<Server>,
    /// `pg_backend_pid()` at the introduction.
    pid: i32,
    /// Behind a pooler: what opens the transaction of each statement.
    begin: Option<String>,
    /// What is to be set before the first statement; empty behind a pooler.
    late: String,
    /// What broke it.
    broken: Option<Fault>,
    /// A statement is under way; it stays so when whoever asked has lost interest.
    busy: bool,
}

impl Session {
    /// Tries the plan's hosts in their order, each address under `connect_timeout` over the whole handshake, our
    /// first questions included. `password` is one the user typed; it goes before the plan's.
    ///
    /// # Errors
    /// A sentence with the next step. [`Fault::wants_password`]: a (better) password is wanted; [`Fault::waits`]:
    /// trying again later helps.
    pub async fn open(plan: &Plan, lane: Lane, settings: &Settings, password: Option<&Secret>) -> Result<Self, Fault> {
        let dial = Dial {
            plan,
            setup: Setup::new(lane, settings),
            typed: password,
            tls: Arc::new(tls::Lazy::new(plan)),
        };
        dial.open().await
    }

    fn of(line: Line, introduction: Introduction, setup: &Setup, read_only: bool) -> Self {
        let server = introduction.server;
        let (major, ascii) = (server.major(), server.encoding == "SQL_ASCII");
        let begin = server.pooled.then(|| setup.begin(Some((major, ascii))));
        let late = if server.pooled {
            String::new()
        } else {
            Setup::late(major, ascii, read_only)
        };
        Self {
            line,
            server: Arc::new(server),
            pid: introduction.pid,
            begin,
            late,
            broken: None,
            busy: false,
        }
    }

    /// Sets what could not be set before the server was known.
    async fn settle(&self) -> Result<(), Fault> {
        if self.late.is_empty() {
            return Ok(());
        }
        let done = self.line.set(&self.late).await;
        done.map_err(|error| Fault::from_connect(self.place(), self.line.cause(&error)))
    }

    fn place(&self) -> &Place {
        &self.line.route.place
    }

    /// Whom we talk to.
    #[must_use]
    pub fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// Our backend there; behind a pooler it was so when we were introduced.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// One statement, one round trip. Past `deadline` it is cancelled; if the answer does not even come then, the
    /// session is broken.
    pub async fn ask(&mut self, entry: &Entry, params: &[Param], deadline: Duration) -> Answer {
        self.ask_until(entry, params, deadline, pending()).await
    }

    /// [`Session::ask`], cancelled once `stop` is over: the answer is then [`FaultKind::Stopped`], unless it was
    /// complete already.
    pub async fn ask_until(
        &mut self,
        entry: &Entry,
        params: &[Param],
        deadline: Duration,
        stop: impl Future<Output = ()>,
    ) -> Answer {
        self.send(entry.spec, params, deadline, stop).await
    }

    /// [`Session::ask`] for a question that is no probe.
    pub(super) async fn run(&mut self, spec: &Spec, params: &[Param], deadline: Duration) -> Answer {
        self.send(spec, params, deadline, pending()).await
    }

    async fn send(
        &mut self,
        spec: &Spec,
        params: &[Param],
        deadline: Duration,
        stop: impl Future<Output = ()>,
    ) -> Answer {
        let variant = spec.variant(&self.server);
        let sql = variant.text(&self.server);
        let started = Instant::now();
        let frame = self.begin.as_deref().map(|begin| (begin, "COMMIT"));
        let asked = self.line.ask(frame, &sql, params, deadline, stop, &self.server);
        self.busy = true;
        let result = asked.await;
        self.busy = false;
        self.note(&result);
        Answer {
            variant,
            sql,
            took: started.elapsed(),
            result,
        }
    }

    /// Notes what an answer says of the connection.
    fn note(&mut self, result: &Result<Rows, Fault>) {
        let fatal = result.as_ref().err().filter(|fault| fault.breaks_connection());
        self.broken = self.broken.take().or_else(|| fatal.cloned());
    }

    /// What is known of the server by now: a promotion, or other extensions, choose other forms of the questions.
    pub fn follow(&mut self, server: &Server) {
        let known = &self.server;
        if known.in_recovery != server.in_recovery || known.extensions != server.extensions {
            self.server = Arc::new(Server {
                in_recovery: server.in_recovery,
                extensions: server.extensions.clone(),
                ..Server::clone(known)
            });
        }
    }

    /// Why the session is of no use any more and is to be replaced; `None` while it works.
    #[must_use]
    pub fn broken(&self) -> Option<Fault> {
        self.broken.clone().or_else(|| self.line.closed(&self.server))
    }

    /// Says goodbye, within bounded time; a statement nobody waits for any more is cancelled.
    pub async fn close(self) {
        if self.busy {
            self.line.cancel().await;
        }
        self.line.close().await;
    }
}
