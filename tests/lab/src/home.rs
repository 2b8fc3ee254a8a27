//! A server's directory and the processes in it: made as a copy, watched by a supervisor, removed with everything that
//! runs in it. [`crate::Cluster`] gives it a configuration and talks to it.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::Mutex;

use rustix::process::Signal;

use crate::install::{Install, cache_dir, lock, postgres};
use crate::process::{Account, children, run, signal};
use crate::wait::wait_blocking;
use crate::{Error, PATIENCE, Result};

const SUPERVISE: &str = include_str!("supervise.sh");

/// `dir/data`, `dir/log`, the Unix socket in `dir`, and the supervisor's `run.pid` and `run.exit`.
#[derive(Debug)]
pub(crate) struct Home {
    install: Install,
    account: Option<Account>,
    dir: PathBuf,
    /// The pipe is the supervisor's standard input: a line starts the server, its end ends everything.
    supervisor: Mutex<(Child, Option<ChildStdin>)>,
}

impl Home {
    /// With a fresh data directory of this major.
    pub(crate) fn new(major: u32) -> Result<Self> {
        Self::lay(postgres(major)?, &template(major)?, |_| false)
    }

    /// With a copy of this one's data directory, except for the paths (within it) that `skip` names.
    pub(crate) fn copy(&self, skip: impl Fn(&Path) -> bool) -> Result<Self> {
        Self::lay(self.install.clone(), &self.data(), skip)
    }

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
            supervisor,
        })
    }

    pub(crate) fn major(&self) -> u32 {
        self.install.major
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    pub(crate) fn log(&self) -> String {
        let bytes = fs::read(self.dir.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Writes a file into the data directory, owned by the server's account.
    pub(crate) fn write(&self, name: &str, contents: &[u8], mode: u32) -> Result<()> {
        let path = self.data().join(name);
        fs::write(&path, contents)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
        Account::own(self.account, &path)
    }

    /// Lets the supervisor start the server; whether it comes up is for [`Home::is_ready`] and [`Home::gave_up`].
    pub(crate) fn start(&self) -> Result<()> {
        let guard = self.supervisor.lock();
        let mut guard = guard.map_err(|_| Error::new("a test panicked while it started a server"))?;
        let _absent = fs::remove_file(self.dir.join("run.exit"));
        let Some(orders) = guard.1.as_mut() else {
            return Err(Error::new("the server's supervisor is gone"));
        };
        Ok(orders.write_all(b"start\n")?)
    }

    /// True when the server that was started last has ended.
    pub(crate) fn gave_up(&self) -> bool {
        self.dir.join("run.exit").exists()
    }

    pub(crate) fn postmaster(&self) -> Option<i32> {
        let text = fs::read_to_string(self.dir.join("run.pid")).ok()?;
        text.trim().parse().ok()
    }

    /// True when the server accepts connections: the eighth line of postmaster.pid is its own word on it.
    pub(crate) fn is_ready(&self) -> bool {
        let Some(postmaster) = self.postmaster() else {
            return false;
        };
        let text = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let mut lines = text.lines();
        let same = lines.next().and_then(|line| line.parse().ok()) == Some(postmaster);
        same && lines.nth(6).is_some_and(|status| status.trim() == "ready")
    }

    /// Sends a signal to every process of the server, and says which these were.
    pub(crate) fn signal_all(&self, sent: Signal) -> Vec<i32> {
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
}

impl Drop for Home {
    fn drop(&mut self) {
        let Ok(mut guard) = self.supervisor.lock() else { return };
        drop(guard.1.take());
        let ended = wait_blocking(PATIENCE, || matches!(guard.0.try_wait(), Ok(Some(_)) | Err(_)));
        if !ended || self.dir.exists() {
            eprintln!("a server was not removed: {}", self.dir.display());
        }
    }
}

fn supervise(install: &Install, account: Option<Account>, dir: &Path) -> Result<Child> {
    // A file and not `sh -c`: the list of processes stays readable.
    let script = dir.join("supervise.sh");
    fs::write(&script, SUPERVISE)?;
    let mut command = Account::command(account, Path::new("/bin/sh"));
    command.arg(script).arg(dir).arg(install.bin("postgres"));
    command.arg("-D").arg(dir.join("data"));
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Ok(command.spawn()?)
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
    initdb.args(["-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C", "-N"]);
    run(initdb.arg("-D").arg(&data))?;
    let conf = data.join("postgresql.conf");
    let text = fs::read_to_string(&conf)?;
    fs::write(&conf, format!("{text}\ninclude 'lab.conf'\n"))?;
    fs::rename(&data, &target)?;
    Ok(target)
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
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
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
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Account::own(account, &target),
    }
}
