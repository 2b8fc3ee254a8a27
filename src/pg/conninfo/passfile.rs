//! The password file: `host:port:database:user:password` lines, `*` for anything, `\:` and `\\` for themselves,
//! the first matching line wins. A file that others may read is not used, as in libpq.

use std::path::Path;

use super::Files;
use crate::pg::plan::Secret;

/// What a line must match.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// `host`, or `hostaddr` without one; `localhost` for the default socket directory.
    pub host: &'a str,
    /// Port.
    pub port: u16,
    /// Database.
    pub dbname: &'a str,
    /// Role.
    pub user: &'a str,
}

/// The lines of a password file that may be used.
pub struct Passfile(Vec<u8>);

impl Passfile {
    /// Reads a password file. A missing or unreadable one is the same as an empty one, as in libpq;
    /// an unsafe one is not used and leaves libpq's warning.
    pub fn open(path: &Path, files: &dyn Files, warnings: &mut Vec<String>) -> Option<Self> {
        let stat = files.stat(path)?;
        if !stat.regular {
            warnings.push(format!("password file \"{}\" is not a plain file", path.display()));
            return None;
        }
        if stat.mode & 0o077 != 0 {
            warnings.push(format!(
                "password file \"{0}\" has group or world access; permissions should be u=rw (0600) or less: \
                 it is ignored until you run chmod 0600 {0}",
                path.display()
            ));
            return None;
        }
        files.read(path).ok().map(Self)
    }

    /// The password of the first line that matches; `None` if there is none or it is empty.
    #[must_use]
    pub fn password(&self, wanted: Wanted<'_>) -> Option<Secret> {
        let line = self
            .0
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.starts_with(b"#"))
            .find_map(|line| matching(line, wanted))?;
        // A password that is no UTF-8 cannot be right for SCRAM, which normalizes it as UTF-8.
        let password = String::from_utf8(line).ok()?;
        (!password.is_empty()).then(|| Secret::new(password))
    }
}

/// The password of a line that matches.
fn matching(line: &[u8], wanted: Wanted<'_>) -> Option<Vec<u8>> {
    let line = without_cr(line);
    let port = wanted.port.to_string();
    let mut rest = line;
    for token in [wanted.host, &port, wanted.dbname, wanted.user] {
        let (raw, field, tail) = field(rest);
        if raw != b"*" && field != token.as_bytes() {
            return None;
        }
        rest = tail?;
    }
    Some(field(rest).1)
}

/// The line without the carriage returns of a file from another system.
fn without_cr(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| *byte != b'\r').map_or(0, |last| last + 1);
    line.get(..end).unwrap_or_default()
}

/// The text up to the next unescaped colon as written, the same without escapes, and what follows the colon.
fn field(line: &[u8]) -> (&[u8], Vec<u8>, Option<&[u8]>) {
    let mut text = Vec::new();
    let mut bytes = line.iter().enumerate();
    while let Some((index, byte)) = bytes.next() {
        match byte {
            b':' => {
                let (raw, tail) = line.split_at_checked(index).unwrap_or((line, &[]));
                return (raw, text, tail.get(1..));
            }
            // A backslash at the very end stands for itself.
            b'\\' => text.push(bytes.next().map_or(b'\\', |(_, escaped)| *escaped)),
            byte => text.push(*byte),
        }
    }
    (line, text, None)
}
