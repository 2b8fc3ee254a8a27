//! `PgBouncer` in front of a cluster.

use std::path::PathBuf;

use crate::process::run;
use crate::supervised::Supervised;
use crate::{Client, Cluster, Error, PATIENCE, Port, Result, cache_dir, wait_for};

/// A pooler on a TCP port of its own; every role of the cluster may use every database through it without a password.
/// Dropped, it ends.
#[derive(Debug)]
pub struct Pooler {
    process: Supervised,
    port: Port,
}

impl Pooler {
    /// Starts `PgBouncer` in this pool mode (`transaction`, `session`, `statement`) with two server connections a pool,
    /// and these further lines of its `[pgbouncer]` section, for example `ignore_startup_parameters = options`.
    ///
    /// # Errors
    /// There is no `pgbouncer` on this machine (scripts/test gets one); what it said when it gave up.
    pub async fn start(cluster: &Cluster, mode: &str, settings: &[&str]) -> Result<Self> {
        let port = Port::reserve()?;
        let (command, libraries) = find()?;
        let mut words = Vec::new();
        if let Some(libraries) = libraries {
            words.push("env".into());
            words.push(format!("LD_LIBRARY_PATH={libraries}").into());
        }
        words.extend([command, "pgbouncer.ini".into()]);
        let process = Supervised::new(&words, |_, _| Ok(()))?;
        let ini = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = users.txt\npool_mode = {mode}\ndefault_pool_size = 2\n{}\n",
            cluster.port(),
            port.number(),
            settings.join("\n")
        );
        process.write("pgbouncer.ini", ini.as_bytes(), 0o600)?;
        process.write("users.txt", users(cluster).await?.as_bytes(), 0o600)?;
        process.start()?;
        let pooler = Self { process, port };
        pooler.up().await?;
        Ok(pooler)
    }

    /// The TCP port, on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// `host=127.0.0.1 port=.. user=.. dbname=..`
    #[must_use]
    pub fn conninfo(&self, user: &str, database: &str) -> String {
        format!("host=127.0.0.1 port={} user={user} dbname={database}", self.port())
    }

    /// A session through the pooler; of [`Client`]'s methods only `simple` and `texts` are safe in transaction mode.
    ///
    /// # Errors
    /// What the pooler or the server said.
    pub async fn client_as(&self, user: &str, database: &str) -> Result<Client> {
        Client::connect(&self.conninfo(user, database)).await
    }

    async fn up(&self) -> Result<()> {
        wait_for("the pooler accepts connections", PATIENCE, async || {
            Ok(self.process.has_ended() || self.client_as("postgres", "postgres").await.is_ok())
        })
        .await
        .map_err(|error| error.context(self.process.log()))?;
        if self.process.has_ended() {
            return Err(Error::new(format!("pgbouncer did not start: {}", self.process.log())));
        }
        Ok(())
    }
}

/// The lines of `auth_file`: a role that is not in it is refused.
async fn users(cluster: &Cluster) -> Result<String> {
    let roles: Vec<String> = cluster
        .client()
        .await?
        .column("SELECT r.rolname::text FROM pg_catalog.pg_roles r WHERE r.rolcanlogin")
        .await?;
    Ok(roles
        .iter()
        .map(|role| format!("\"{role}\" \"\"\n"))
        .collect::<Vec<_>>()
        .concat())
}

/// The program, and the directories of its libraries when it is one that scripts/test has unpacked into the cache.
fn find() -> Result<(PathBuf, Option<String>)> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    if let Some(found) = installed.map(|dir| dir.join("pgbouncer")).find(|file| file.is_file()) {
        return Ok((found, None));
    }
    let unpacked = cache_dir()?.join("pgbouncer");
    let file = unpacked.join("usr/sbin/pgbouncer");
    if !file.is_file() {
        return Err(Error::new(
            "pgbouncer is missing: install it, or run scripts/test, which gets it",
        ));
    }
    let libraries = run(std::process::Command::new("find")
        .arg(&unpacked)
        .args(["-name", "*.so.*", "-printf", "%h\\n"]))?;
    let mut libraries: Vec<&str> = libraries.lines().collect();
    libraries.sort_unstable();
    libraries.dedup();
    Ok((file, Some(libraries.join(":"))))
}
