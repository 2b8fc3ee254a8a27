//! A server's directory: made as a copy of another data directory, and removed with everything that runs in it.
//! [`crate::Cluster`] gives it a configuration and talks to it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::install::{Install, cache_dir, lock, postgres};
use crate::process::{Account, children, run, runs, signal};
use crate::supervised::Supervised;
use crate::wait::wait_blocking;
use crate::{PATIENCE, Result};

/// `data` beside what [`Supervised`] keeps in its directory, and the server's Unix socket.
#[derive(Debug)]
pub(crate) struct Home {
    install: Install,
    server: Supervised,
}

impl Home {
    /// With a fresh data directory of this major, with data checksums or as the major has it by default.
    pub(crate) fn new(major: u32, checksums: bool) -> Result<Self> {
        Self::lay(postgres(major)?, &template(major, checksums)?, |_| false)
    }

    /// With a copy of this one's data directory, except for the paths (within it) that `skip` names.
    pub(crate) fn copy(&self, skip: impl Fn(&Path) -> bool) -> Result<Self> {
        Self::lay(self.install.clone(), &self.data(), skip)
    }

    fn lay(install: Install, source: &Path, skip: impl Fn(&Path) -> bool) -> Result<Self> {
        let command = [install.bin("postgres"), "-D".into(), "data".into()];
        let server = Supervised::new(&command, |dir, account| {
            copy_tree(source, &dir.join("data"), Path::new(""), account, &skip)
        })?;
        Ok(Self { install, server })
    }

    pub(crate) fn major(&self) -> u32 {
        self.install.major
    }

    /// The process, its directory and its log.
    pub(crate) fn server(&self) -> &Supervised {
        &self.server
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.server.dir().join("data")
    }

    /// Writes a file into the data directory, owned by the server's account.
    pub(crate) fn write(&self, name: &str, contents: &[u8], mode: u32) -> Result<()> {
        self.server.write(&format!("data/{name}"), contents, mode)
    }

    /// True when the server accepts connections: the eighth line of postmaster.pid is its own word on it.
    pub(crate) fn is_ready(&self) -> bool {
        let Some(postmaster) = self.server.pid() else {
            return false;
        };
        let text = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let mut lines = text.lines();
        let same = lines.next().and_then(|line| line.parse().ok()) == Some(postmaster);
        same && lines.nth(6).is_some_and(|status| status.trim() == "ready")
    }

    /// Sends a signal to every process of the server, and says which these were.
    pub(crate) fn signal_all(&self, sent: Signal) -> Vec<i32> {
        let Some(postmaster) = self.server.pid() else {
            return Vec::new();
        };
        // Nothing is born of a stopped postmaster: its children now are all there are.
        signal(postmaster, Signal::STOP);
        wait_blocking(PATIENCE, || !runs(postmaster));
        let mut pids = children(postmaster);
        pids.push(postmaster);
        for pid in &pids {
            signal(*pid, sent);
        }
        pids
    }
}

/// An initialized data directory in the cache, to be copied: initdb takes half a second, a copy a tenth of it.
fn template(major: u32, checksums: bool) -> Result<PathBuf> {
    let install = postgres(major)?;
    let account = Account::for_servers()?;
    let cache = cache_dir()?;
    let name = if checksums {
        format!("{}-checksums", install.name())
    } else {
        install.name()
    };
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
    initdb.args(checksums.then_some("-k"));
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
