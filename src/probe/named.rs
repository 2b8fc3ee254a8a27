//! Names of relations as several probes read them: schema and name apart, never a `regclass` text.

use std::fmt;

use crate::pg::fault::Fault;
use crate::pg::quote::qualified;
use crate::pg::rows::Row;

/// A relation by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Its schema.
    pub nspname: String,
    /// Its name in there.
    pub relname: String,
}

impl Named {
    /// Reads `PREFIXnspname` and `PREFIXrelname`; `None` where the name is NULL.
    ///
    /// # Errors
    /// As [`Row::text`].
    pub fn read(row: Row<'_>, prefix: &str) -> Result<Option<Self>, Fault> {
        let Some(relname) = row.text(&format!("{prefix}relname"))? else {
            return Ok(None);
        };
        let nspname = row.text(&format!("{prefix}nspname"))?.unwrap_or_default();
        Ok(Some(Self { nspname, relname }))
    }

    /// As SQL takes it, for statements shown to people.
    #[must_use]
    pub fn sql(&self) -> String {
        qualified(&self.nspname, &self.relname)
    }
}

/// The name of what is always there.
pub(super) fn named(row: Row<'_>, prefix: &str) -> Result<Named, Fault> {
    Ok(Named::read(row, prefix)?.unwrap_or_default())
}

/// `schema.name` as it is, for the screen.
impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.nspname, self.relname)
    }
}

/// Somebody's lock, or request for one, that the size functions would wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InTheWay {
    /// Who; `None` for a prepared transaction.
    pub pid: Option<i32>,
    /// False for a request that itself waits.
    pub granted: bool,
}

impl InTheWay {
    /// Reads `locked`, `lock_pid` and `lock_granted`; `None` where nothing is locked.
    ///
    /// # Errors
    /// As [`Row::get`].
    pub fn read(row: Row<'_>) -> Result<Option<Self>, Fault> {
        if row.get::<Option<bool>>("locked")? != Some(true) {
            return Ok(None);
        }
        Ok(Some(Self {
            pid: row.get("lock_pid")?,
            granted: row.get("lock_granted")?,
        }))
    }
}

/// Who holds the lock or waits for it: `pid 812 holds ACCESS EXCLUSIVE`.
impl fmt::Display for InTheWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "pid {pid}")?,
            None => f.write_str("a prepared transaction")?,
        }
        let does = if self.granted { "holds" } else { "waits for" };
        write!(f, " {does} ACCESS EXCLUSIVE")
    }
}
