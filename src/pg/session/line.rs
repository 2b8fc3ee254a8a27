//! One connection to the driver: the only code in the program that hands it a statement.

use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{Either, join, join3, select};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, SimpleQueryMessage};

use super::route::{Deadline, Route};
use super::wire::{Handover, Heard, Wire, heard};
use crate::pg::fault::{self, Fault, FaultKind, Password, Stage};
use crate::pg::rows::Rows;
use crate::pg::server::{self, Introduction, Server};
use crate::probe::Param;

/// How long the answer to a cancelled statement may take before the connection is given up.
const GRACE: Duration = Duration::from_secs(2);
/// Where a transaction goes back to when a text has turned out to be one statement.
pub(super) const SAVEPOINT: &str = "SAVEPOINT one_statement";
/// Goes back there.
pub(super) const BACK: &str = "ROLLBACK TO SAVEPOINT one_statement";

/// One connection.
pub(super) struct Line {
    client: Client,
    driver: Driver,
    /// How to get there again.
    pub(super) route: Route,
    /// The pid the cancel key is for, as the other side said at login.
    pub(super) key_pid: Option<i32>,
    /// `server_version`, as it said at login.
    pub(super) version: String,
    /// `server_encoding`, as it said at login.
    pub(super) encoding: String,
}

/// The task that reads and writes the socket; it ends with the connection.
struct Driver {
    task: JoinHandle<()>,
    /// What ended the connection. Between two questions nobody waits for an answer, and so nobody else is told.
    why: Arc<OnceLock<Error>>,
}

impl Driver {
    fn start<C>(connection: C) -> Self
    where
        C: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let why = Arc::new(OnceLock::new());
        let kept = Arc::clone(&why);
        let task = tokio::spawn(async move {
            let mut connection = pin!(connection);
            if let Err(error) = connection.as_mut().await {
                // Before the connection is dropped: that is how the others hear that it has ended.
                let _ = kept.set(error);
            }
        });
        Self { task, why }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Line {
    /// Connects and logs in.
    pub(super) async fn open(
        mut route: Route,
        config: &tokio_postgres::Config,
        limit: Deadline,
    ) -> Result<Self, Fault> {
        let link = route.connect(limit).await?;
        let (wire, shared) = Wire::new(link);
        let login = limit
            .bound(&route.place, Stage::Login, config.connect_raw(wire, Handover))
            .await;
        let said = heard(&shared);
        route.place.password = match (said.wants_password(), config.get_password().is_some()) {
            (false, _) => Password::NotAsked,
            (true, false) => Password::Missing,
            (true, true) => Password::Sent,
        };
        let login = login.map_err(|late| said_instead(&route, &said).unwrap_or(late))?;
        let (client, connection) = login.map_err(|error| {
            said_instead(&route, &said).unwrap_or_else(|| Fault::from_connect(&route.place, &error))
        })?;
        let parameter = |name| connection.parameter(name).unwrap_or_default().to_owned();
        let (version, encoding) = (parameter("server_version"), parameter("server_encoding"));
        Ok(Self {
            client,
            driver: Driver::start(connection),
            route,
            key_pid: said.key_pid,
            version,
            encoding,
        })
    }

    /// Why the driver has given the connection up, once it has.
    pub(super) fn closed(&self, server: &Server) -> Option<Fault> {
        let why = || match self.driver.why.get() {
            Some(error) => Fault::from_query(server, error),
            None => fault::broke(),
        };
        self.client.is_closed().then(why)
    }

    /// Why a question got no answer: that of a closed connection is what closed it.
    pub(super) fn cause<'a>(&'a self, error: &'a Error) -> &'a Error {
        let closed = self.driver.why.get().filter(|_| error.is_closed());
        closed.unwrap_or(error)
    }

    /// Says goodbye, if the server takes it within the grace.
    pub(super) async fn close(self) {
        let Self { client, mut driver, .. } = self;
        drop(client);
        // Whether or not it took it, the socket is closed when the driver is dropped.
        let _ = timeout(GRACE, &mut driver.task).await;
    }

    /// Who is there.
    pub(super) async fn introduce(&self, begin: Option<&str>) -> Result<Introduction, Fault> {
        let variant = server::SPEC.variant(&Server::default());
        let rows = self
            .statement(begin.map(|begin| (begin, "COMMIT")), variant.sql, &[])
            .await;
        let rows = rows.map_err(|error| Fault::from_connect(&self.route.place, self.cause(&error)))?;
        server::decode(&Rows::new(rows))
    }

    /// Settings of a session that is ours alone.
    #[expect(clippy::disallowed_methods, reason = "this is the one caller of the driver")]
    pub(super) async fn set(&self, settings: &str) -> Result<(), Error> {
        self.client.batch_execute(settings).await
    }

    /// One statement in one round trip; a frame puts it into a transaction of its own: what opens it, what ends it.
    #[expect(clippy::disallowed_methods, reason = "this is the one caller of the driver")]
    async fn statement(
        &self,
        frame: Option<(&str, &str)>,
        sql: &str,
        params: &[Param],
    ) -> Result<Vec<tokio_postgres::Row>, Error> {
        let params: Vec<_> = params.iter().map(typed).collect();
        let query = self.client.query_typed(sql, &params);
        let Some((begin, end)) = frame else {
            return query.await;
        };
        // Polled together, the three are sent together: the driver pipelines them.
        let (opened, rows, _) = join3(self.client.batch_execute(begin), query, self.end(end)).await;
        opened.and(rows)
    }

    /// Ends a transaction. The request to cancel its statement may come late and hit this instead: it is said again
    /// then, or the transaction would be in the way of the next question.
    #[expect(clippy::disallowed_methods, reason = "this is the one caller of the driver")]
    async fn end(&self, end: &str) -> Result<(), Error> {
        match self.client.batch_execute(end).await {
            Err(error) if error.code() == Some(&SqlState::QUERY_CANCELED) => self.client.batch_execute(end).await,
            ended => ended,
        }
    }

    /// The rows of a statement, or a fault. Past `deadline`, or once `stop` is over, it is cancelled; a server that
    /// does not even answer that within the grace is given up.
    pub(super) async fn ask(
        &self,
        frame: Option<(&str, &str)>,
        sql: &str,
        params: &[Param],
        deadline: Duration,
        stop: impl Future<Output = ()>,
        server: &Server,
    ) -> Result<Rows, Fault> {
        let rows = async { self.statement(frame, sql, params).await.map(Rows::new) };
        self.bounded(rows, deadline, stop, server).await
    }

    /// What comes of `work`, see [`Self::ask`].
    async fn bounded<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
        deadline: Duration,
        stop: impl Future<Output = ()>,
        server: &Server,
    ) -> Result<T, Fault> {
        let mut work = pin!(work);
        let told = |done: Result<_, Error>| done.map_err(|error| Fault::from_query(server, self.cause(&error)));
        let stopped = match timeout(deadline, select(work.as_mut(), pin!(stop))).await {
            Ok(Either::Left((done, _))) => return told(done),
            Ok(Either::Right(_)) => true,
            Err(_) => false,
        };
        let mut answered = pin!(timeout(GRACE, work));
        let done = loop {
            // The request is seen through although the answer may come before its end: PgBouncer 1.18 dies of a client
            // that asks it to cancel and leaves while it does so.
            let (done, ()) = join(timeout(GRACE / 4, answered.as_mut()), self.cancel()).await;
            if let Some(done) = done.ok().or_else(|| answered.as_mut().now_or_never()) {
                break done;
            }
            // A request that comes before the server has begun with the statement does nothing.
        };
        match done {
            // What was complete when the cancel request came is good.
            Ok(done) => told(done).map_err(|fault| if stopped { fault.stopped() } else { fault }),
            Err(_) => Err(unanswered(&self.route, deadline)),
        }
    }

    /// The lines of `EXPLAIN` of a text that is not ours, in a transaction that `begin` opens and that is rolled back.
    /// `again` is set once the text goes a second time, from [`BACK`] on.
    pub(super) async fn explain(
        &self,
        (begin, sql): (&str, &str),
        deadline: Duration,
        stop: impl Future<Output = ()>,
        server: &Server,
        again: &mut bool,
    ) -> Result<Rows, Fault> {
        let lines = async { self.plan(begin, sql, again).await.map(Rows::of_lines) };
        self.bounded(lines, deadline, stop, server).await
    }

    /// Goes by the extended protocol first, which takes one statement only and says so of any other text. That protocol
    /// wants values for a statement's parameters; where they are what is missing, the server's own parser has found one
    /// statement, and the same text goes by the simple protocol, in the same transaction.
    #[expect(clippy::disallowed_methods, reason = "this is the one caller of the driver")]
    async fn plan(&self, begin: &str, sql: &str, again: &mut bool) -> Result<Vec<String>, Error> {
        let opened = format!("{begin}; {SAVEPOINT}");
        let (opened, rows) = join(self.client.batch_execute(&opened), self.client.query_typed(sql, &[])).await;
        let wants_values = |error: &Error| error.code() == Some(&SqlState::PROTOCOL_VIOLATION);
        let lines = match opened.and(rows) {
            Ok(rows) => Ok(rows.iter().map(|row| line(row.try_get(0).ok())).collect()),
            Err(error) if wants_values(&error) => {
                *again = true;
                let (back, rows) = join(self.client.batch_execute(BACK), self.client.simple_query(sql)).await;
                back.and(rows).map(|rows| rows.iter().filter_map(plan_line).collect())
            }
            Err(error) => Err(error),
        };
        let ended = self.end("ROLLBACK").await;
        lines.and_then(|lines| ended.map(|()| lines))
    }

    /// Asks the server to give up what it does for us, over a connection of its own and within the grace.
    pub(super) async fn cancel(&self) {
        let mut route = self.route.clone();
        let token = self.client.cancel_token();
        let work = async {
            let link = route.connect(Deadline::new(GRACE)).await.ok()?;
            token.cancel_query_raw(Wire::for_cancel(link), Handover).await.ok()
        };
        // A server that takes no cancel request shows by not answering the statement.
        let _ = timeout(GRACE, work).await;
    }
}

/// A line of a plan; one that is no UTF-8, from a database that takes any bytes, is left out.
fn line(text: Option<&str>) -> String {
    text.unwrap_or("(a line that is not UTF-8)").to_owned()
}

fn plan_line(message: &SimpleQueryMessage) -> Option<String> {
    match message {
        SimpleQueryMessage::Row(row) => Some(line(row.try_get(0).ok().flatten())),
        _ => None,
    }
}

/// What was heard explains more than the driver's error can.
fn said_instead(route: &Route, said: &Heard) -> Option<Fault> {
    if said.alien {
        return Some(fault::alien(&route.place));
    }
    let text = said.old_error.as_ref()?;
    let place = &route.place;
    Some(
        Fault::new(
            FaultKind::NotYet,
            format!("{place} cannot take another connection: {}.", fault::one_line(text)),
        )
        .with_remedy("The server's machine is out of memory or processes; its log says more."),
    )
}

fn unanswered(route: &Route, deadline: Duration) -> Fault {
    let seconds = deadline.as_secs_f64();
    let place = &route.place;
    Fault::new(
        FaultKind::ConnectTimeout,
        format!(
            "{place} did not answer a query within {seconds} s, nor a cancel request after it: it hangs, or the network does."
        ),
    )
}

fn typed(param: &Param) -> (&(dyn ToSql + Sync), Type) {
    match param {
        Param::Int(value) => (value, Type::INT4),
        Param::Big(value) => (value, Type::INT8),
        Param::Text(value) => (value, Type::TEXT),
        Param::Ints(values) => (values, Type::INT4_ARRAY),
        Param::Bigs(values) => (values, Type::INT8_ARRAY),
        Param::Oids(values) => (values, Type::OID_ARRAY),
    }
}
