//! What can be wrong with the configuration file, with file, line and column.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

/// A place in the file: line and column, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Place {
    /// The place of a byte offset in a text.
    #[must_use]
    pub fn at(file: PathBuf, text: &str, offset: usize) -> Self {
        let before = text.get(..offset.min(text.len())).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            file,
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// Why there are no settings.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// The file cannot be read, or a named one is not there.
    #[error("configuration file {} cannot be read: {reason}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// Not TOML, an unknown key, or a value of another type.
    #[error("{place}: {message}{}", hint.as_deref().unwrap_or_default())]
    Syntax {
        /// Where.
        place: Place,
        /// What is wrong.
        message: String,
        /// The known key that looks most like an unknown one.
        hint: Option<String>,
    },
    /// A value out of its range.
    #[error("{place}: {key} = {value} is not possible: it takes {expected}")]
    Value {
        /// Where.
        place: Place,
        /// The key with its section.
        key: String,
        /// The value as it was understood.
        value: String,
        /// What the key takes.
        expected: String,
    },
    /// A connection string that is none.
    #[error("{place}: {reason}")]
    Dsn {
        /// Where.
        place: Place,
        /// What is wrong with it, without the string itself.
        reason: String,
    },
    /// A password in a file others may read.
    #[error(
        "{place}: cluster.{cluster}.dsn contains a password, but others may read this file: \
         run chmod 0600 {}, or move the password to ~/.pgpass", place.file.display()
    )]
    Exposed {
        /// Where.
        place: Place,
        /// The cluster's name.
        cluster: String,
    },
}
