//! Connection services: `service=NAME` or `PGSERVICE`, looked up as libpq does in the file of `PGSERVICEFILE`,
//! else in `~/.pg_service.conf`, then in the system's `pg_service.conf`.
//!
//! The system's file is in `PGSYSCONFDIR`; without it libpq uses the directory it was built with, so the usual ones
//! of the distributions are tried in turn.

use std::path::{Path, PathBuf};

use super::Inputs;
use super::error::{ConninfoError, Origin};
use super::keyword::Values;
use super::parse::is_space;

/// `pg_config --sysconfdir` of Debian, Red Hat, Alpine, a build from source, Homebrew.
const SYSTEM_DIRS: &[&str] = &[
    "/etc/postgresql-common",
    "/etc/sysconfig/pgsql",
    "/etc/postgresql",
    "/usr/local/pgsql/etc",
    "/usr/local/etc/postgresql",
    "/opt/homebrew/etc/postgresql",
];

/// Fills what is not set yet from the service that is asked for, if one is.
///
/// # Errors
/// No such service, a file that cannot be read, or a line that is no `key=value`.
pub fn fill(values: &mut Values, inputs: &Inputs<'_>) -> Result<(), ConninfoError> {
    inputs.fill_from_env(values, "service")?;
    let Some(service) = values.get("service").cloned() else {
        return Ok(());
    };
    let files = candidates(inputs)?;
    for path in &files {
        let section = Section {
            name: &service.text,
            path,
        };
        if section.fill(values, inputs)? {
            return Ok(());
        }
    }
    Err(ConninfoError::NoService {
        name: service.text,
        origin: service.origin,
        searched: files,
    })
}

/// The files to look into, in order. A file that was named must be there; the usual ones may be missing.
fn candidates(inputs: &Inputs<'_>) -> Result<Vec<PathBuf>, ConninfoError> {
    let exists = |path: &PathBuf| inputs.files.stat(path).is_some();
    let mut files: Vec<PathBuf> = match inputs.env("PGSERVICEFILE")? {
        Some(named) => vec![PathBuf::from(named)],
        None => inputs.in_home(".pg_service.conf").filter(exists).into_iter().collect(),
    };
    let dirs = match inputs.env("PGSYSCONFDIR")? {
        Some(dir) => vec![dir],
        None => SYSTEM_DIRS.to_vec(),
    };
    files.extend(
        dirs.into_iter()
            .map(|dir| Path::new(dir).join("pg_service.conf"))
            .filter(exists),
    );
    Ok(files)
}

struct Section<'a> {
    name: &'a str,
    path: &'a Path,
}

impl Section<'_> {
    /// Fills from the first section of that name; false if the file has none.
    fn fill(&self, values: &mut Values, inputs: &Inputs<'_>) -> Result<bool, ConninfoError> {
        let bytes = inputs
            .files
            .read(self.path)
            .map_err(|error| ConninfoError::ServiceFile {
                path: self.path.to_owned(),
                reason: error.to_string(),
            })?;
        let mut found = false;
        // The first line of a key wins within its section, as in libpq.
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let line = String::from_utf8_lossy(line);
            let line = line.trim_matches(is_space);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.strip_prefix('[') {
                Some(_) if found => return Ok(true),
                Some(header) => found = self.is_mine(header),
                None if found => self.line(line, index + 1, values)?,
                None => {}
            }
        }
        Ok(found)
    }

    fn is_mine(&self, header: &str) -> bool {
        header.strip_prefix(self.name).is_some_and(|rest| rest.starts_with(']'))
    }

    fn line(&self, line: &str, number: usize, values: &mut Values) -> Result<(), ConninfoError> {
        let origin = Origin::Service {
            file: self.path.to_owned(),
            line: number,
        };
        let syntax = |what| ConninfoError::Syntax {
            origin: origin.clone(),
            what,
        };
        if line.starts_with("ldap") {
            return Err(syntax("pgmon-tui does not look services up by LDAP"));
        }
        let (key, value) = line
            .split_once('=')
            .ok_or_else(|| syntax("the line is not written key=value"))?;
        if key == "service" {
            return Err(syntax("a service cannot name another service"));
        }
        if key.ends_with(is_space) {
            return Err(syntax(
                "libpq takes no blank before the \"=\" in a service file; write key=value",
            ));
        }
        if value.contains('\u{fffd}') {
            return Err(ConninfoError::NotUtf8 { origin });
        }
        values.fill(key, value, &origin)
    }
}
