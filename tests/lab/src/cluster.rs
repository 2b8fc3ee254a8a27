//! One PostgreSQL server of one's own, for the length of a test.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::Mutex;

use rustix::process::Signal;
use tokio::sync::OnceCell;

use crate::install::{Install, MAJORS, cache_dir, lock, postgres};
use crate::process::{Account, children, run, runs, signal};
use crate::wait::{wait_blocking, wait_for};
use crate::{Client, Error, PATIENCE, Result};

const SUPERVISE: &str = include_str!("supervise.sh");

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
}

impl Builder {
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

    /// Starts the server and waits until it accepts connections.
    ///
    /// # Errors
    /// No build, no free port, or what the server wrote into its log before it gave up.
    pub async fn start(self) -> Result<Cluster> {
        let major = self.major;
        let (install, template) = blocking(move || Ok((postgres(major)?, template(major)?))).await?;
        let cluster = Cluster::lay(install, &template, |_| false)?;
        let hba: Vec<&str> = self.hba.iter().map(String::as_str).chain([TRUST]).collect();
        cluster.write("pg_hba.conf", hba.join("\n").as_bytes(), 0o600)?;
        for (name, contents, mode) in &self.files {
            cluster.write(name, contents, *mode)?;
        }
        let cluster = cluster.configured(self.conf)?.up().await?;
        let client = cluster.client().await?;
        client
            .simple("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            .await?;
        for sql in &self.sql {
            client.simple(sql).await?;
        }
        Ok(cluster)
    }
}

/// A server, in a directory of its own under `/tmp` or `$PGMON_LAB_DIR`. Dropped, it stops at once and its directory is removed; when the process that made it dies in any way,
/// the same happens.
#[derive(Debug)]
pub struct Cluster {
    install: Install,
    account: Option<Account>,
    dir: PathBuf,
    port: u16,
    conf: Vec<(String, String)>,
    supervisor: Mutex<(Child, Option<ChildStdin>)>,
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
        }
    }

    /// The server's major version.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.install.major
    }

    /// The TCP port, on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory of the Unix socket.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        &self.dir
    }

    /// The data directory. Owned by the server's account: to be read by root or that account only.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// `host=127.0.0.1 port=.. user=.. dbname=..`
    #[must_use]
    pub fn conninfo(&self, user: &str, database: &str) -> String {
        format!("host=127.0.0.1 port={} user={user} dbname={database}", self.port)
    }

    /// A session of the superuser in database `postgres`.
    ///
    /// # Errors
    /// What the server said.
    pub async fn client(&self) -> Result<Client> {
        self.client_as("postgres", "postgres").await
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
        client.simple(&format!("CREATE DATABASE \"{name}\"")).await
    }

    /// Everything the server has logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(self.dir.join("log"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// The postmaster's pid; `None` when the server is stopped.
    #[must_use]
    pub fn postmaster(&self) -> Option<i32> {
        fs::read_to_string(self.dir.join("run.pid")).ok()?.trim().parse().ok()
    }

    /// Starts a stopped server on the same port and waits until it accepts connections.
    ///
    /// # Errors
    /// What the server wrote into its log before it gave up.
    pub async fn start_again(&self) -> Result<()> {
        self.order_start()?;
        let gave_up = || self.dir.join("run.exit").exists();
        wait_for("a server accepts connections", PATIENCE, async || {
            Ok(gave_up() || self.ready())
        })
        .await?;
        if gave_up() {
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
        self.signal_all(Signal::KILL);
        self.gone().await
    }

    /// Stops all processes of the server with SIGSTOP: connections stay open and nothing answers.
    /// Returns when all of them are stopped.
    pub fn pause(&self) {
        let sent = self.signal_all(Signal::STOP);
        wait_blocking(PATIENCE, || sent.iter().all(|pid| !runs(*pid)));
    }

    /// Undoes [`Cluster::pause`].
    pub fn resume(&self) {
        self.signal_all(Signal::CONT);
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
        .await
    }

    /// A streaming standby of this server, made from a base backup taken while it runs, with a slot and the
    /// `application_name` of this name. Returns when it accepts connections and streams.
    ///
    /// # Errors
    /// What either server said.
    pub async fn standby(&self, name: &str, conf: &[(&str, &str)]) -> Result<Self> {
        let client = self.client().await?;
        let new = self.major() >= 15;
        client
            .rows(&format!(
                "SELECT pg_catalog.pg_create_physical_replication_slot('{name}', true)"
            ))
            .await?;
        let begin = if new {
            "pg_backup_start('lab', true)"
        } else {
            "pg_start_backup('lab', true, false)"
        };
        client.rows(&format!("SELECT pg_catalog.{begin}")).await?;
        // What pg_basebackup leaves out too: slots, the WAL (it is streamed), the running server's own files.
        let skipped = |path: &Path| {
            let inside = |dir: &str| path.parent() == Some(Path::new(dir));
            inside("pg_replslot") || inside("pg_wal") || path.starts_with("postmaster.pid")
        };
        let standby = Self::lay(self.install.clone(), &self.data_dir(), skipped)?;
        let end = if new {
            "pg_backup_stop(false)"
        } else {
            "pg_stop_backup(false, false)"
        };
        let label: String = client
            .value(&format!("SELECT b.labelfile FROM pg_catalog.{end} b"))
            .await?;
        standby.write("backup_label", label.as_bytes(), 0o600)?;
        standby.write("standby.signal", b"", 0o600)?;
        let primary = format!(
            "host={} port={} user=postgres application_name={name}",
            self.dir.display(),
            self.port
        );
        let own = [("primary_conninfo", primary.as_str()), ("primary_slot_name", name)];
        let pairs = own
            .iter()
            .chain(conf)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let standby = standby
            .configured(self.conf.iter().cloned().chain(pairs).collect())?
            .up()
            .await?;
        let streams = format!(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_replication r \
             WHERE r.application_name = '{name}' AND r.state = 'streaming')"
        );
        wait_for("the standby streams", PATIENCE, async || {
            client.value::<bool>(&streams).await
        })
        .await?;
        Ok(standby)
    }

    /// A directory with a copy of `source`, and a supervisor that waits beside it.
    fn lay(install: Install, source: &Path, skip: impl Fn(&Path) -> bool) -> Result<Self> {
        let account = Account::for_servers()?;
        // A Unix socket's path has room for about 100 bytes: TMPDIR may be too deep.
        let base = std::env::var_os("PGMON_LAB_DIR").unwrap_or_else(|| "/tmp".into());
        let dir = tempfile::Builder::new().prefix("pgmon-lab-").tempdir_in(base)?;
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755))?;
        Account::own(account, dir.path())?;
        copy_tree(source, &dir.path().join("data"), Path::new(""), account, &skip)?;
        let mut supervisor = supervise(&install, account, dir.path())?;
        let orders = supervisor.stdin.take();
        let supervisor = Mutex::new((supervisor, orders));
        Ok(Self {
            install,
            account,
            dir: dir.keep(),
            port: 0,
            conf: Vec::new(),
            supervisor,
        })
    }

    fn configured(mut self, conf: Vec<(String, String)>) -> Result<Self> {
        self.port = free_port()?;
        let mut text = format!(
            "{CONF}port = {}\nunix_socket_directories = '{}'\n",
            self.port,
            self.dir.display()
        );
        for (name, value) in &conf {
            let _infallible = writeln!(text, "{name} = '{}'", value.replace('\'', "''"));
        }
        self.write("lab.conf", text.as_bytes(), 0o600)?;
        self.conf = conf;
        Ok(self)
    }

    /// The first start: another process may take the port before the server does.
    async fn up(mut self) -> Result<Self> {
        for _ in 0..5 {
            match self.start_again().await {
                Ok(()) => return Ok(self),
                Err(error) if error.says("Address already in use") => {
                    let conf = std::mem::take(&mut self.conf);
                    self = self.configured(conf)?;
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::new("no free port for a server in five tries"))
    }

    fn order_start(&self) -> Result<()> {
        let mut guard = self
            .supervisor
            .lock()
            .map_err(|_| Error::new("a test panicked while it started a server"))?;
        let _absent = fs::remove_file(self.dir.join("run.exit"));
        let orders = guard
            .1
            .as_mut()
            .ok_or_else(|| Error::new("the server's supervisor is gone"))?;
        Ok(orders.write_all(b"start\n")?)
    }

    /// The eighth line of postmaster.pid is the server's own word on it.
    fn ready(&self) -> bool {
        let Some(postmaster) = self.postmaster() else {
            return false;
        };
        let text = fs::read_to_string(self.data_dir().join("postmaster.pid")).unwrap_or_default();
        let mut lines = text.lines();
        let same = lines.next().and_then(|line| line.parse().ok()) == Some(postmaster);
        same && lines.nth(6).is_some_and(|status| status.trim() == "ready")
    }

    async fn gone(&self) -> Result<()> {
        wait_for("a server is gone", PATIENCE, async || Ok(self.postmaster().is_none())).await
    }

    fn signal_all(&self, sent: Signal) -> Vec<i32> {
        let Some(postmaster) = self.postmaster() else {
            return Vec::new();
        };
        let mut pids = children(postmaster);
        signal(postmaster, sent);
        // Once more: a backend may have been born before the postmaster stopped.
        pids.extend(children(postmaster));
        for backend in &pids {
            signal(*backend, sent);
        }
        pids.push(postmaster);
        pids
    }

    fn write(&self, name: &str, contents: &[u8], mode: u32) -> Result<()> {
        let path = self.data_dir().join(name);
        fs::write(&path, contents)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
        Account::own(self.account, &path)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let Ok(mut guard) = self.supervisor.lock() else { return };
        drop(guard.1.take());
        let ended = wait_blocking(PATIENCE, || matches!(guard.0.try_wait(), Ok(Some(_)) | Err(_)));
        if !ended || self.dir.exists() {
            eprintln!("a server was not removed: {}", self.dir.display());
        }
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

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::new(error.to_string()))?
}

fn supervise(install: &Install, account: Option<Account>, dir: &Path) -> Result<Child> {
    let mut command = Account::command(account, Path::new("/bin/sh"));
    command
        .args(["-c", SUPERVISE, "pgmon-lab"])
        .arg(dir)
        .arg(install.bin("postgres"))
        .arg("-D")
        .arg(dir.join("data"));
    Ok(command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?)
}

/// An initialized data directory in the cache, to be copied: initdb takes half a second, a copy a tenth of it.
fn template(major: u32) -> Result<PathBuf> {
    let install = postgres(major)?;
    let account = Account::for_servers()?;
    let cache = cache_dir()?;
    let name = install.name();
    let target = cache.join(format!("template-{name}-{}", Account::uid(account)));
    if target.is_dir() {
        return Ok(target);
    }
    let _lock = lock(&cache, &format!("template-{name}"))?;
    if target.is_dir() {
        return Ok(target);
    }
    let scratch = tempfile::Builder::new().prefix("initdb-").tempdir_in(&cache)?;
    Account::own(account, scratch.path())?;
    let data = scratch.path().join("data");
    let mut initdb = Account::command(account, &install.bin("initdb"));
    run(initdb
        .args(["-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C", "-N", "-D"])
        .arg(&data))?;
    let conf = data.join("postgresql.conf");
    let text = fs::read_to_string(&conf)?;
    fs::write(&conf, format!("{text}\ninclude 'lab.conf'\n"))?;
    fs::rename(&data, &target)?;
    Ok(target)
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Copies a data directory; of a running server some files vanish meanwhile, which a base backup allows.
fn copy_tree(
    from: &Path,
    to: &Path,
    path: &Path,
    account: Option<Account>,
    skip: &impl Fn(&Path) -> bool,
) -> Result<()> {
    let source = from.join(path);
    let meta = match source.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let target = to.join(path);
    if meta.is_dir() {
        fs::create_dir(&target)?;
        fs::set_permissions(&target, meta.permissions())?;
        Account::own(account, &target)?;
        for entry in fs::read_dir(&source)? {
            let inner = path.join(entry?.file_name());
            if !skip(&inner) {
                copy_tree(from, to, &inner, account, skip)?;
            }
        }
        return Ok(());
    }
    match fs::copy(&source, &target) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Account::own(account, &target),
    }
}
