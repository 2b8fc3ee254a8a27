//! One session of a test: `PostgreSQL`'s own words in, values out.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::types::FromSqlOwned;
use tokio_postgres::{NoTls, Row, SimpleQueryMessage};

use crate::process::has_ended;
use crate::{Error, PATIENCE, Result, wait_for};

/// One connection. Cheap to clone: clones are the same session. The session ends when the last clone is dropped,
/// except that a server notices a vanished client only when its statement is over: see [`Client::terminate`].
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    client: tokio_postgres::Client,
    connection: JoinHandle<()>,
    pid: i32,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// A statement that runs in the background.
pub struct Running {
    task: JoinHandle<Result<()>>,
}

impl Running {
    /// Waits for the statement's end.
    ///
    /// # Errors
    /// What the server said.
    pub async fn finish(self) -> Result<()> {
        self.task.await.map_err(|error| Error::new(error.to_string()))?
    }

    /// True when the statement is over.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }
}

impl Client {
    /// Connects without TLS, by the driver's connection string.
    ///
    /// # Errors
    /// What the server or the network said.
    pub async fn connect(conninfo: &str) -> Result<Self> {
        let (client, connection) = tokio_postgres::connect(conninfo, NoTls).await?;
        let connection = tokio::spawn(async move {
            let _ended = connection.await;
        });
        // The simple protocol, because a prepared statement may fail behind a pooler.
        let answer = client.simple_query("SELECT pg_catalog.pg_backend_pid()").await?;
        let pid = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
            _ => None,
        });
        let pid = pid.ok_or_else(|| Error::new("the server has not told the pid of its backend"))?;
        Ok(Self {
            inner: Arc::new(Inner {
                client,
                connection,
                pid,
            }),
        })
    }

    /// The pid of the backend.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.inner.pid
    }

    /// Runs one or more statements; their rows are thrown away.
    ///
    /// # Errors
    /// What the server said.
    pub async fn simple(&self, sql: &str) -> Result<()> {
        self.inner
            .client
            .batch_execute(sql)
            .await
            .map_err(|error| Error::from(error).context(format_args!("{sql:.200}")))
    }

    /// Runs statements in the background; returns at once.
    pub fn spawn(&self, sql: impl Into<String>) -> Running {
        let (client, sql) = (self.clone(), sql.into());
        Running {
            task: tokio::spawn(async move { client.simple(&sql).await }),
        }
    }

    /// The rows of one statement.
    ///
    /// # Errors
    /// What the server said.
    pub async fn rows(&self, sql: &str) -> Result<Vec<Row>> {
        self.inner
            .client
            .query(sql, &[])
            .await
            .map_err(|error| Error::from(error).context(format_args!("{sql:.200}")))
    }

    /// The first column of the only row.
    ///
    /// # Errors
    /// What the server said; not exactly one row; NULL or another type than `T`.
    pub async fn value<T: FromSqlOwned>(&self, sql: &str) -> Result<T> {
        let mut column = self.column(sql).await?;
        match (column.pop(), column.len()) {
            (Some(value), 0) => Ok(value),
            (_, more) => Err(Error::new(format!(
                "{sql:.200}: one row was expected, there are {more} more or none"
            ))),
        }
    }

    /// The first column of every row.
    ///
    /// # Errors
    /// What the server said; NULL or another type than `T`.
    pub async fn column<T: FromSqlOwned>(&self, sql: &str) -> Result<Vec<T>> {
        self.rows(sql)
            .await?
            .iter()
            .map(|row| row.try_get(0).map_err(Error::from))
            .collect()
    }

    /// Every row as the server's text, by the simple protocol; `None` is NULL.
    ///
    /// # Errors
    /// What the server said.
    pub async fn texts(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        let messages = self.inner.client.simple_query(sql).await?;
        Ok(messages
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(
                    (0..row.len())
                        .map(|column| row.get(column).map(str::to_owned))
                        .collect(),
                ),
                _ => None,
            })
            .collect())
    }

    /// Cancels the running statement, as `psql`'s Ctrl-C does.
    ///
    /// # Errors
    /// What the network said.
    pub async fn cancel(&self) -> Result<()> {
        Ok(self.inner.client.cancel_token().cancel_query(NoTls).await?)
    }

    /// Waits until the server has ended this session, whatever the reason.
    pub async fn closed(&self) {
        while !self.inner.client.is_closed() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Ends this session, whatever clones there are, and waits until its backend is gone: nobody sees or counts it any more.
    pub(crate) async fn end(self) -> Result<()> {
        self.inner.connection.abort();
        wait_for("a session has ended", PATIENCE, async || Ok(has_ended(self.pid()))).await
    }

    /// Ends another session and waits until it is gone.
    ///
    /// # Errors
    /// What the server said; the session is still there after a minute.
    pub async fn terminate(&self, pid: i32) -> Result<()> {
        self.value::<bool>(&format!("SELECT pg_catalog.pg_terminate_backend({pid})"))
            .await?;
        let gone = format!("SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.pid = {pid})");
        wait_for("a terminated session is gone", PATIENCE, async || {
            self.value::<bool>(&gone).await
        })
        .await
    }
}
