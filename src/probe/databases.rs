//! How large each database is, where the role may ask.

use std::time::Duration;

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::Rows;
use crate::probe::{Probe, Spec, Tier};

/// One part in so many of a processor is what looking at all files may cost for long: 0.7 s every half an hour.
const SHARE: u32 = 2500;

/// The probe.
pub struct DatabasesProbe;

/// One database; the list comes largest first, those without a size last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Database {
    /// Its oid.
    pub oid: u32,
    /// Its name.
    pub datname: String,
    /// Bytes on disk; `None` when the role has neither CONNECT there nor `pg_read_all_stats`.
    pub bytes: Option<i64>,
    /// We are connected to it.
    pub here: bool,
}

impl Probe for DatabasesProbe {
    type Data = Vec<Database>;
    const SPEC: Spec = Spec {
        id: "databases",
        title: "size of each database",
        why: "pg_database_size() looks at every file, so it is asked rarely; it refuses a database without CONNECT, so \
              such a one is left out instead of failing the whole list.",
        tier: Tier::Storage,
        variants: &[form!("databases")],
    };

    fn pause(took: Duration) -> Duration {
        took * SHARE
    }

    fn decode(rows: &Rows) -> Result<Vec<Database>, Fault> {
        rows.iter()
            .map(|row| {
                Ok(Database {
                    oid: row.get("oid")?,
                    datname: row.text("datname")?.unwrap_or_default(),
                    bytes: row.get("bytes")?,
                    here: row.get("here")?,
                })
            })
            .collect()
    }
}
