//! Processes: whose they are, their children, their signals, and the unprivileged account servers run under.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

use crate::{Error, Result};

/// The account a server runs under when the lab itself runs as root, which PostgreSQL refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    /// `None`: not root, servers run as the caller. As root: `postgres` if there is one, else `nobody`.
    pub(crate) fn for_servers() -> Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let passwd = fs::read_to_string("/etc/passwd")?;
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| Self::parse(&passwd, name))
            .map(Some)
            .ok_or_else(|| {
                Error::new("running as root, and there is neither a user postgres nor nobody to run a server as")
            })
    }

    fn parse(passwd: &str, name: &str) -> Option<Self> {
        let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some(Self {
            uid: fields.next()?.parse().ok()?,
            gid: fields.next()?.parse().ok()?,
        })
    }

    /// The uid that will own a server's files: this account's, or the caller's.
    pub(crate) fn uid(account: Option<Self>) -> u32 {
        account.map_or_else(|| rustix::process::geteuid().as_raw(), |account| account.uid)
    }

    /// Gives a path to the account; nothing to do when servers run as the caller.
    pub(crate) fn own(account: Option<Self>, path: &Path) -> Result<()> {
        let Some(account) = account else { return Ok(()) };
        std::os::unix::fs::lchown(path, Some(account.uid), Some(account.gid))
            .map_err(|error| Error::from(error).context(format_args!("chown {}", path.display())))
    }

    /// A command that will run as the account, in a process group of its own and with a plain environment.
    pub(crate) fn command(account: Option<Self>, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("LC_ALL", "C");
        command.current_dir("/").process_group(0);
        if let Some(account) = account {
            command.uid(account.uid).gid(account.gid);
        }
        command
    }
}

/// Sends a signal; a process that is already gone is no error.
pub fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _gone = kill_process(pid, signal);
    }
}

/// A process as the kernel lists it.
struct Listed {
    pid: i32,
    parent: i32,
    /// `R`, `S`, `T` (stopped), `Z` ..
    state: char,
}

/// The children of a process right now.
#[must_use]
pub fn children(parent: i32) -> Vec<i32> {
    listed()
        .into_iter()
        .filter(|process| process.parent == parent)
        .map(|process| process.pid)
        .collect()
}

/// True when the process is stopped (SIGSTOP, Ctrl-Z); false when it runs or is gone.
#[must_use]
pub fn is_stopped(pid: i32) -> bool {
    state(pid) == Some('T')
}

/// True unless the process is stopped, ended or gone.
pub(crate) fn runs(pid: i32) -> bool {
    state(pid).is_some_and(|state| !matches!(state, 'T' | 'Z'))
}

/// True when the process is gone, or only its parent's to bury.
pub(crate) fn has_ended(pid: i32) -> bool {
    matches!(state(pid), None | Some('Z' | 'X'))
}

fn state(pid: i32) -> Option<char> {
    let found = if has_proc() {
        of_stat(pid)
    } else {
        listed_by_ps().into_iter().find(|process| process.pid == pid)
    };
    found.map(|process| process.state)
}

/// The processes whose command line contains `part`, the calling one excepted.
#[must_use]
pub fn processes_with(part: &str) -> Vec<i32> {
    let me = i32::try_from(std::process::id()).unwrap_or_default();
    listed()
        .into_iter()
        .map(|process| process.pid)
        .filter(|pid| *pid != me && command_line(*pid).contains(part))
        .collect()
}

/// Where there is no /proc there is `ps`, which a small container does not have.
fn has_proc() -> bool {
    Path::new("/proc/self/stat").exists()
}

fn listed() -> Vec<Listed> {
    if has_proc() { listed_by_proc() } else { listed_by_ps() }
}

fn listed_by_proc() -> Vec<Listed> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| of_stat(entry.ok()?.file_name().to_str()?.parse().ok()?))
        .collect()
}

fn of_stat(pid: i32) -> Option<Listed> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // "pid (name) state ppid ..", and the name may hold anything, parentheses too.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some(Listed {
        pid,
        state: fields.next()?.chars().next()?,
        parent: fields.next()?.parse().ok()?,
    })
}

fn listed_by_ps() -> Vec<Listed> {
    let text = run(Command::new("ps").args(["-axo", "pid=,ppid=,stat="])).unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let (pid, parent) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
            Some(Listed {
                pid,
                parent,
                state: fields.next()?.chars().next()?,
            })
        })
        .collect()
}

fn command_line(pid: i32) -> String {
    match fs::read(format!("/proc/{pid}/cmdline")) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).replace('\0', " "),
        Err(_) => run(Command::new("ps").args(["-o", "args=", "-p", &pid.to_string()])).unwrap_or_default(),
    }
}

/// Runs a command to its end.
///
/// # Errors
/// When it cannot be started or ends with a non-zero status; with what it wrote.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| Error::from(error).context(format_args!("cannot start {name}")))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    Err(Error::new(format!(
        "{name} failed ({}): {text}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_comes_from_its_line() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533:n:/:/bin/false\n";
        assert_eq!(
            Account::parse(passwd, "nobody"),
            Some(Account { uid: 65534, gid: 65533 })
        );
        assert_eq!(Account::parse(passwd, "postgres"), None);
    }

    #[test]
    fn a_child_is_seen() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let me = i32::try_from(std::process::id()).unwrap();
        assert!(children(me).contains(&pid));
        assert!(processes_with("sleep 60").contains(&pid));
        signal(pid, Signal::STOP);
        assert!(crate::wait::wait_blocking(crate::PATIENCE, || is_stopped(pid)));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!children(me).contains(&pid));
    }
}
