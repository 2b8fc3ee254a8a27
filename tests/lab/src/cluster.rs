//! One PostgreSQL server of one's own, for the length of a test.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use tokio::sync::OnceCell;

use crate::home::Home;
use crate::install::MAJORS;
use crate::process::{has_ended, run, runs, signal};
use crate::wait::{wait_blocking, wait_for};
use crate::{Client, Error, PATIENCE, Port, Result};

/// Settings of every cluster; a builder's `conf` comes after them and wins.
const CONF: &str = "\
listen_addresses = '127.0.0.1'
fsync = off
full_page_writes = off
shared_buffers = 32MB
max_connections = 100
max_prepared_transactions = 10
wal_level = logical
max_wal_senders = 10
max_replication_slots = 10
shared_preload_libraries = 'pg_stat_statements'
track_io_timing = on
log_line_prefix = '%m [%p] %q%u@%d '
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = off
";

/// The last lines of every `pg_hba.conf`.
const TRUST: &str = "\
local all all trust
host all all 127.0.0.1/32 trust
local replication all trust
host replication all 127.0.0.1/32 trust
";

/// How a server is told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Waits until every client has left.
    Smart,
    /// Ends the sessions, writes a checkpoint.
    Fast,
    /// Ends everything at once; the next start recovers.
    Immediate,
}

/// What a cluster shall be; see [`Cluster::builder`].
#[derive(Clone, Debug)]
pub struct Builder {
    major: u32,
    conf: Vec<(String, String)>,
    hba: Vec<String>,
    sql: Vec<String>,
    files: Vec<(String, Vec<u8>, u32)>,
    checksums: bool,
}

impl Builder {
    /// With data checksums; 18 has them by default.
    #[must_use]
    pub fn checksums(mut self) -> Self {
        self.checksums = true;
        self
    }

    /// A line of postgresql.conf: the value is quoted here.
    #[must_use]
    pub fn conf(mut self, name: &str, value: &str) -> Self {
        self.conf.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A line of `pg_hba.conf` before the lines that trust everybody on this machine.
    #[must_use]
    pub fn hba(mut self, line: &str) -> Self {
        self.hba.push(line.to_owned());
        self
    }

    /// `CREATE ROLE` with these words once the server is up, for example `"mon LOGIN IN ROLE pg_monitor"`.
    #[must_use]
    pub fn role(self, role: &str) -> Self {
        self.sql(&format!("CREATE ROLE {role}"))
    }

    /// Statements to run as the superuser once the server is up.
    #[must_use]
    pub fn sql(mut self, sql: &str) -> Self {
        self.sql.push(sql.to_owned());
        self
    }

    /// A file in the data directory, for example a server key (mode 0o600), owned by the server's account.
    #[must_use]
    pub fn file(mut self, name: &str, contents: &[u8], mode: u32) -> Self {
        self.files.push((name.to_owned(), contents.to_vec(), mode));
        self
    }

    /// Encryption for who asks for it, with a key and a certificate of its own for `localhost`.
    ///
    /// # Errors
    /// There is no `openssl` on this machine.
    pub fn tls(self) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let words = "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -keyout server.key -out server.crt";
        run(Command::new("openssl").args(words.split(' ')).current_dir(dir.path()))?;
        let made = |name| std::fs::read(dir.path().join(name));
        let (key, cert) = (made("server.key")?, made("server.crt")?);
        Ok(self
            .conf("ssl", "on")
            .file("server.key", &key, 0o600)
            .file("server.crt", &cert, 0o644))
    }

    /// Starts the server and waits until it accepts connections.
    ///
    /// # Errors
    /// No build, no free port, or what the server wrote into its log before it gave up.
    pub async fn start(self) -> Result<Cluster> {
        let (major, checksums) = (self.major, self.checksums);
        let home = tokio::task::spawn_blocking(move || Home::new(major, checksums)).await;
        let home = home.map_err(|error| Error::new(error.to_string()))??;
        let hba: Vec<&str> = self.hba.iter().map(String::as_str).chain([TRUST]).collect();
        home.write("pg_hba.conf", hba.join("\n").as_bytes(), 0o600)?;
        for (name, contents, mode) in &self.files {
            home.write(name, contents, *mode)?;
        }
        let cluster = Cluster::configure(home, self.conf)?;
        cluster.start_again().await?;
        let client = cluster.client().await?;
        client
            .simple("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            .await?;
        for sql in &self.sql {
            client.simple(sql).await?;
        }
        client.end().await?;
        Ok(cluster)
    }
}

/// A server, in a directory of its own under `/tmp` or `$PGMON_LAB_DIR`. Dropped, it stops at once and its directory is
/// removed; when the process that made it dies in any way, the same happens.
#[derive(Debug)]
pub struct Cluster {
    home: Home,
    port: Port,
    conf: Vec<(String, String)>,
}

impl Cluster {
    /// A cluster of this major, with superuser `postgres`, `trust` for everybody on this machine, `pg_stat_statements`
    /// preloaded and created in database `postgres`, and `fsync` off.
    #[must_use]
    pub fn builder(major: u32) -> Builder {
        Builder {
            major,
            conf: Vec::new(),
            hba: Vec::new(),
            sql: Vec::new(),
            files: Vec::new(),
            checksums: false,
        }
    }

    /// The server's major version.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.home.major()
    }

    /// The TCP port, on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// The directory of the Unix socket.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        self.home.server().dir()
    }

    /// The data directory. Owned by the server's account: to be read by root or that account only.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.home.data()
    }

    /// Writes a file of the data directory, owned by the server's account.
    ///
    /// # Errors
    /// What the file system said.
    pub fn write(&self, name: &str, contents: &[u8], mode: u32) -> Result<()> {
        self.home.write(name, contents, mode)
    }

    /// `host=127.0.0.1 port=.. user=.. dbname=..`
    #[must_use]
    pub fn conninfo(&self, user: &str, database: &str) -> String {
        format!("host=127.0.0.1 port={} user={user} dbname={database}", self.port())
    }

    /// A session of the superuser in database `postgres`, over the Unix socket: there whatever `pg_hba.conf` says of TCP.
    ///
    /// # Errors
    /// What the server said.
    pub async fn client(&self) -> Result<Client> {
        let host = self.socket_dir().display();
        Client::connect(&format!(
            "host={host} port={} user=postgres dbname=postgres",
            self.port()
        ))
        .await
    }

    /// A session over TCP.
    ///
    /// # Errors
    /// What the server said.
    pub async fn client_as(&self, user: &str, database: &str) -> Result<Client> {
        Client::connect(&self.conninfo(user, database)).await
    }

    /// A session with a name of its own in `pg_stat_activity.application_name`.
    ///
    /// # Errors
    /// What the server said.
    pub async fn client_named(&self, application: &str, user: &str, database: &str) -> Result<Client> {
        Client::connect(&format!(
            "{} application_name='{application}'",
            self.conninfo(user, database)
        ))
        .await
    }

    /// Creates a database, anew if it is there.
    ///
    /// # Errors
    /// What the server said.
    pub async fn database(&self, name: &str) -> Result<()> {
        let client = self.client().await?;
        client.simple(&format!("DROP DATABASE IF EXISTS \"{name}\"")).await?;
        client.simple(&format!("CREATE DATABASE \"{name}\"")).await?;
        client.end().await
    }

    /// Everything the server has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.home.server().log()
    }

    /// The postmaster's pid; `None` when the server is stopped.
    #[must_use]
    pub fn postmaster(&self) -> Option<i32> {
        self.home.server().pid()
    }

    /// Starts a stopped server on the same port and waits until it accepts connections.
    ///
    /// # Errors
    /// What the server wrote into its log before it gave up.
    pub async fn start_again(&self) -> Result<()> {
        self.home.server().start()?;
        wait_for("a server accepts connections", PATIENCE, async || {
            Ok(self.home.server().has_ended() || self.home.is_ready())
        })
        .await?;
        if self.home.server().has_ended() {
            return Err(Error::new(format!(
                "PostgreSQL {} did not start: {}",
                self.major(),
                self.log()
            )));
        }
        Ok(())
    }

    /// Stops the server and waits for its end.
    ///
    /// # Errors
    /// When it is still there after a minute.
    pub async fn stop(&self, how: Stop) -> Result<()> {
        let Some(postmaster) = self.postmaster() else {
            return Ok(());
        };
        signal(
            postmaster,
            match how {
                Stop::Smart => Signal::TERM,
                Stop::Fast => Signal::INT,
                Stop::Immediate => Signal::QUIT,
            },
        );
        self.gone().await
    }

    /// [`Stop::Fast`], then [`Cluster::start_again`].
    ///
    /// # Errors
    /// What either says.
    pub async fn restart(&self) -> Result<()> {
        self.stop(Stop::Fast).await?;
        self.start_again().await
    }

    /// Kills the postmaster and every backend with SIGKILL, as a machine's crash does; the next start recovers.
    ///
    /// # Errors
    /// When a process is still there after a minute.
    pub async fn kill9(&self) -> Result<()> {
        let killed = self.home.signal_all(Signal::KILL);
        // A backend that is still dying holds the shared memory, and the next start would refuse to share it.
        wait_for("every process of a killed server has ended", PATIENCE, async || {
            Ok(killed.iter().all(|pid| has_ended(*pid)))
        })
        .await?;
        self.gone().await
    }

    /// Stops all processes of the server with SIGSTOP: connections stay open and nothing answers.
    /// Returns when all of them are stopped.
    pub fn pause(&self) {
        let sent = self.home.signal_all(Signal::STOP);
        wait_blocking(PATIENCE, || sent.iter().all(|pid| !runs(*pid)));
    }

    /// Undoes [`Cluster::pause`].
    pub fn resume(&self) {
        self.home.signal_all(Signal::CONT);
    }

    /// Sets one configuration parameter for the whole server (`ALTER SYSTEM` and a reload), and waits until it is in force.
    ///
    /// # Errors
    /// What the server said; a parameter that needs a restart never comes in force.
    pub async fn set(&self, name: &str, value: &str) -> Result<()> {
        let client = self.client().await?;
        let before: String = client
            .value("SELECT pg_catalog.to_char(pg_catalog.pg_conf_load_time(), 'YYYYMMDDHH24MISSUS')")
            .await?;
        client.simple(&format!("ALTER SYSTEM SET {name} = '{value}'")).await?;
        client.simple("SELECT pg_catalog.pg_reload_conf()").await?;
        let loaded = "SELECT pg_catalog.to_char(pg_catalog.pg_conf_load_time(), 'YYYYMMDDHH24MISSUS')";
        wait_for("the configuration is loaded again", PATIENCE, async || {
            Ok(client.value::<String>(loaded).await? != before)
        })
        .await?;
        client.end().await
    }

    /// A streaming standby of this server, made from a base backup taken while it runs, with a slot and the
    /// `application_name` of this name. Returns when it accepts connections and streams.
    ///
    /// # Errors
    /// What either server said.
    pub async fn standby(&self, name: &str, conf: &[(&str, &str)]) -> Result<Self> {
        let client = self.client().await?;
        let slot = format!("SELECT pg_catalog.pg_create_physical_replication_slot('{name}', true)");
        client.rows(&slot).await?;
        let home = self.base_backup(&client).await?;
        home.write("standby.signal", b"", 0o600)?;
        let (host, port) = (self.socket_dir().display(), self.port());
        let primary = format!("host={host} port={port} user=postgres application_name={name}");
        let own = [("primary_conninfo", primary.as_str()), ("primary_slot_name", name)];
        let own = own
            .iter()
            .chain(conf)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let conf = self.conf.iter().cloned().chain(own).collect();
        let standby = Self::configure(home, conf)?;
        standby.start_again().await?;
        let streams = format!(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_replication r \
             WHERE r.application_name = '{name}' AND r.state = 'streaming')"
        );
        wait_for("the standby streams", PATIENCE, async || client.value(&streams).await).await?;
        client.end().await?;
        Ok(standby)
    }

    /// A copy of the running server by the low-level interface, there being no `pg_basebackup` in the builds.
    async fn base_backup(&self, client: &Client) -> Result<Home> {
        let (begin, end) = match self.major() {
            15.. => ("pg_backup_start('lab', true)", "pg_backup_stop(false)"),
            _ => ("pg_start_backup('lab', true, false)", "pg_stop_backup(false, false)"),
        };
        client.rows(&format!("SELECT pg_catalog.{begin}")).await?;
        // What pg_basebackup leaves out too: slots, the WAL (it is streamed), the running server's own files.
        let home = self.home.copy(|path| {
            let inside = |dir: &str| path.parent() == Some(Path::new(dir));
            inside("pg_replslot") || inside("pg_wal") || path.starts_with("postmaster.pid")
        })?;
        let label: String = client
            .value(&format!("SELECT b.labelfile FROM pg_catalog.{end} b"))
            .await?;
        home.write("backup_label", label.as_bytes(), 0o600)?;
        Ok(home)
    }

    fn configure(home: Home, conf: Vec<(String, String)>) -> Result<Self> {
        let port = Port::reserve()?;
        let directory = home.server().dir().display();
        let mut text = format!(
            "{CONF}port = {}\nunix_socket_directories = '{directory}'\n",
            port.number()
        );
        for (name, value) in &conf {
            let _infallible = writeln!(text, "{name} = '{}'", value.replace('\'', "''"));
        }
        home.write("lab.conf", text.as_bytes(), 0o600)?;
        Ok(Self { home, port, conf })
    }

    async fn gone(&self) -> Result<()> {
        wait_for("a server is gone", PATIENCE, async || Ok(self.postmaster().is_none())).await
    }
}

/// A cluster that the tests of one process share, with superuser `postgres`; each test makes a database of its own in it.
/// It stops when the process ends.
///
/// # Errors
/// What [`Builder::start`] says.
pub async fn shared(major: u32) -> Result<&'static Cluster> {
    static SHARED: [OnceCell<Cluster>; MAJORS.len()] = [const { OnceCell::const_new() }; MAJORS.len()];
    let place = MAJORS.iter().zip(&SHARED).find(|(supported, _)| **supported == major);
    let Some((_, cell)) = place else {
        return Err(Error::new(format!("PostgreSQL {major} is not supported")));
    };
    cell.get_or_try_init(|| Cluster::builder(major).conf("max_connections", "200").start())
        .await
}
