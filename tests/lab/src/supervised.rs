//! A process that cannot outlive the one that wanted it, in a directory that goes with it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::Mutex;

use crate::process::Account;
use crate::wait::wait_blocking;
use crate::{Error, PATIENCE, Result};

const SUPERVISE: &str = include_str!("supervise.sh");

/// The directory holds `log` and the supervisor's `run.pid` and `run.exit`. Dropped, process and directory are removed;
/// when this process dies in any way, the same happens.
#[derive(Debug)]
pub(crate) struct Supervised {
    account: Option<Account>,
    dir: PathBuf,
    /// The pipe is the supervisor's standard input: a line starts the process, its end ends everything.
    supervisor: Mutex<(Child, Option<ChildStdin>)>,
}

impl Supervised {
    /// A process not yet started, whose working directory is its directory; `fill` puts into that what it needs.
    pub(crate) fn new(command: &[PathBuf], fill: impl FnOnce(&Path, Option<Account>) -> Result<()>) -> Result<Self> {
        let account = Account::for_servers()?;
        // A Unix socket's path has room for about 100 bytes: TMPDIR may be too deep.
        let base = std::env::var_os("PGMON_LAB_DIR").unwrap_or_else(|| "/tmp".into());
        let dir = tempfile::Builder::new().prefix("pgmon-lab-").tempdir_in(base)?;
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755))?;
        Account::own(account, dir.path())?;
        fill(dir.path(), account)?;
        let mut supervisor = supervise(command, account, dir.path())?;
        let orders = supervisor.stdin.take();
        let supervisor = Mutex::new((supervisor, orders));
        Ok(Self {
            account,
            dir: dir.keep(),
            supervisor,
        })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn log(&self) -> String {
        let bytes = fs::read(self.dir.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Writes a file into the directory, owned by the process's account.
    pub(crate) fn write(&self, name: &str, contents: &[u8], mode: u32) -> Result<()> {
        let path = self.dir.join(name);
        fs::write(&path, contents)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
        Account::own(self.account, &path)
    }

    /// Lets the supervisor start the process; see [`Supervised::pid`] and [`Supervised::has_ended`] for what came of it.
    pub(crate) fn start(&self) -> Result<()> {
        let guard = self.supervisor.lock();
        let mut guard = guard.map_err(|_| Error::new("a test panicked while it started a server"))?;
        let _absent = fs::remove_file(self.dir.join("run.exit"));
        let Some(orders) = guard.1.as_mut() else {
            return Err(Error::new("the server's supervisor is gone"));
        };
        Ok(orders.write_all(b"start\n")?)
    }

    /// The process while it runs.
    pub(crate) fn pid(&self) -> Option<i32> {
        let text = fs::read_to_string(self.dir.join("run.pid")).ok()?;
        text.trim().parse().ok()
    }

    /// True when the process that was started last has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.dir.join("run.exit").exists()
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        let Ok(mut guard) = self.supervisor.lock() else { return };
        drop(guard.1.take());
        let ended = wait_blocking(PATIENCE, || matches!(guard.0.try_wait(), Ok(Some(_)) | Err(_)));
        if !ended || self.dir.exists() {
            eprintln!("a server was not removed: {}", self.dir.display());
        }
    }
}

fn supervise(command: &[PathBuf], account: Option<Account>, dir: &Path) -> Result<Child> {
    // A file and not `sh -c`: the list of processes stays readable.
    let script = dir.join("supervise.sh");
    fs::write(&script, SUPERVISE)?;
    let mut supervisor = Account::command(account, Path::new("/bin/sh"));
    supervisor.arg(script).arg(dir).args(command).current_dir(dir);
    supervisor
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Ok(supervisor.spawn()?)
}
