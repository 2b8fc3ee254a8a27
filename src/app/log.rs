//! The log file of `--log-file`: everything that was shown as a message, for nobody else to read (0600).

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Mutex;

/// Appends the messages of this session to a file.
///
/// # Errors
/// A sentence that names the file.
pub fn to_file(path: &Path) -> Result<(), String> {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .and_then(private)
        .map_err(|error| format!("The log file {} cannot be written: {error}.", path.display()))?;
    tracing_subscriber::fmt()
        .with_writer(Mutex::new(file))
        .with_ansi(false)
        .with_target(false)
        .with_max_level(tracing::Level::INFO)
        .try_init()
        .map_err(|error| format!("The log file {} cannot be used: {error}.", path.display()))
}

/// A file that was there before may be readable for others; what we write is not for them.
fn private(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}
