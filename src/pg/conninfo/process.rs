//! What a plan needs from the running process: environment, files, the user's name and home. The only part of
//! [`super`] that is not pure.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use super::{Args, ConninfoError, Files, Inputs, Stat, plan};
use crate::config::Settings;
use crate::pg::plan::Plan;

/// The plan for this process.
///
/// # Errors
/// As [`plan`].
pub fn plan_of_process(args: &Args, settings: &Settings) -> Result<Plan, ConninfoError> {
    let env = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .collect::<BTreeMap<String, OsString>>();
    let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
    plan(&Inputs {
        args,
        env: &env,
        clusters: &settings.clusters,
        files: &Disk,
        os_user: whoami::account().ok().as_deref(),
        home: home.as_deref(),
        connect_timeout: settings.connect_timeout,
    })
}

/// The file system.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

impl Files for Disk {
    fn stat(&self, path: &Path) -> Option<Stat> {
        let meta = fs::metadata(path).ok()?;
        Some(Stat {
            regular: meta.is_file(),
            mode: meta.permissions().mode() & 0o777,
            owner: meta.uid(),
        })
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }
}
