//! What `pg_stat_statements` counts, without the texts: reading the texts of all entries costs the server its whole
//! text file, and one text in a wrong encoding would take every number with it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::extensions::ExtensionsProbe;
use crate::probe::{Ask, Param, Probe, Spec, Subject, Tier, Wanted};

/// The extension.
pub const EXTENSION: &str = "pg_stat_statements";

/// Entries asked for, by time spent. The extension keeps 5,000 by default.
pub const MOST: i32 = 10_000;

/// The probe.
pub struct StatementsProbe;

/// The identity of an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// `userid`.
    pub user: u32,
    /// `dbid`.
    pub database: u32,
    /// `queryid`.
    pub query: i64,
    /// `toplevel` (1.9); true before.
    pub toplevel: bool,
}

impl From<Key> for Subject {
    fn from(key: Key) -> Self {
        Self::Statement {
            user: key.user,
            database: key.database,
            query: key.query,
            toplevel: key.toplevel,
        }
    }
}

/// What is counted. Times in milliseconds, blocks of the server's block size, WAL in bytes; `None` where the
/// extension's version does not count it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counters {
    /// Executions.
    pub calls: i64,
    /// Rows returned or changed.
    pub rows: i64,
    /// Time spent in executing.
    pub exec_ms: f64,
    /// Time spent in planning (1.8).
    pub plan_ms: Option<f64>,
    /// Shared blocks found in the buffers.
    pub hit: i64,
    /// Shared blocks read.
    pub read: i64,
    /// Time spent in reading and writing blocks; of temporary files too from 1.10 on.
    pub io_ms: f64,
    /// Blocks of temporary files read and written.
    pub temp: i64,
    /// WAL written (1.8).
    pub wal: Option<f64>,
    /// Time spent in JIT (1.10).
    pub jit_ms: Option<f64>,
}

/// One entry.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// Which.
    pub key: Key,
    /// The role's name; `None` if it is gone.
    pub user: Option<Arc<str>>,
    /// The database's name; `None` if it is gone.
    pub database: Option<Arc<str>>,
    /// Its counters.
    pub counters: Counters,
    /// Since when it counts (1.11), in seconds since 1970.
    pub since: Option<f64>,
}

/// One reading of all entries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statements {
    /// Seconds since 1970 by the server's clock.
    pub epoch: f64,
    /// `pg_postmaster_start_time()` in seconds since 1970.
    pub started: f64,
    /// Entries that are not hidden, by key; the [`MOST`] with most time spent.
    pub entries: Vec<Entry>,
    /// How many entries there are in all.
    pub all: i64,
    /// How many of them are hidden from the role.
    pub hidden: i64,
    /// Time spent in executing those, in ms.
    pub hidden_ms: f64,
    /// How often entries were evicted to make room (1.9).
    pub dealloc: Option<i64>,
    /// When everything was reset last (1.9), in seconds since 1970.
    pub reset: Option<f64>,
}

impl Statements {
    /// The entry with that key.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Entry> {
        let at = self.entries.binary_search_by_key(key, |entry| entry.key).ok()?;
        self.entries.get(at)
    }

    /// True if every entry there was is among [`Self::entries`] or hidden.
    #[must_use]
    pub fn complete(&self) -> bool {
        i64::try_from(self.entries.len()).is_ok_and(|known| known.saturating_add(self.hidden) >= self.all)
    }
}

/// Why the extension cannot be asked, if it cannot: it is not installed, or not loaded.
pub(super) fn unusable(ask: &Ask<'_>) -> Option<&'static str> {
    if ask.server.extension(EXTENSION).is_none() {
        return Some("pg_stat_statements is not installed in this database");
    }
    let extensions = ask.latest.get::<ExtensionsProbe>()?;
    (!extensions.statements_loaded()).then_some("pg_stat_statements is not preloaded by this server")
}

impl Probe for StatementsProbe {
    type Data = Statements;
    const SPEC: Spec = Spec {
        id: "statements",
        title: "what statements cost",
        why: "Numbers only: with texts the server would load its whole text file, and one text in a wrong encoding would \
              fail everything. What is shown is the growth between two readings.",
        tier: Tier::Workload,
        variants: &[
            form!("statements" of "pg_stat_statements", 1, 11),
            form!("statements" of "pg_stat_statements", 1, 10),
            form!("statements" of "pg_stat_statements", 1, 9),
            form!("statements" of "pg_stat_statements", 1, 8),
            form!("statements" of "pg_stat_statements"),
        ],
    };

    fn params(_ask: &Ask<'_>) -> Vec<Param> {
        vec![Param::Int(MOST)]
    }

    fn wanted(ask: &Ask<'_>) -> Wanted {
        unusable(ask).map_or(Wanted::Yes, Wanted::No)
    }

    fn decode(rows: &Rows) -> Result<Statements, Fault> {
        let mut names = Names::default();
        let mut statements = Statements::default();
        for row in rows.iter() {
            if let Some(epoch) = row.get::<Option<f64>>("epoch")? {
                statements = Statements {
                    entries: std::mem::take(&mut statements.entries),
                    ..head(row, epoch)?
                };
            } else {
                statements.entries.push(entry(row, &mut names)?);
            }
        }
        statements.entries.sort_unstable_by_key(|entry| entry.key);
        Ok(statements)
    }
}

/// Every name once: thousands of entries belong to a few roles and databases.
#[derive(Default)]
struct Names(BTreeSet<Arc<str>>);

impl Names {
    fn intern(&mut self, name: Option<String>) -> Option<Arc<str>> {
        let name = name?;
        if let Some(known) = self.0.get(name.as_str()) {
            return Some(Arc::clone(known));
        }
        let new: Arc<str> = name.into();
        self.0.insert(Arc::clone(&new));
        Some(new)
    }
}

fn head(row: Row<'_>, epoch: f64) -> Result<Statements, Fault> {
    Ok(Statements {
        epoch,
        started: row.get("started")?,
        entries: Vec::new(),
        all: row.get("entries")?,
        hidden: row.get("hidden")?,
        hidden_ms: row.get("hidden_ms")?,
        dealloc: row.get("dealloc")?,
        reset: row.get("reset")?,
    })
}

fn entry(row: Row<'_>, names: &mut Names) -> Result<Entry, Fault> {
    Ok(Entry {
        key: Key {
            user: row.get("userid")?,
            database: row.get("dbid")?,
            query: row.get("queryid")?,
            toplevel: row.get("toplevel")?,
        },
        user: names.intern(row.text("usename")?),
        database: names.intern(row.text("datname")?),
        counters: Counters {
            calls: row.get("calls")?,
            rows: row.get("rows")?,
            exec_ms: row.get("exec_ms")?,
            plan_ms: row.get("plan_ms")?,
            hit: row.get("hit")?,
            read: row.get("read")?,
            io_ms: row.get("io_ms")?,
            temp: row.get("temp")?,
            wal: row.get("wal")?,
            jit_ms: row.get("jit_ms")?,
        },
        since: row.get("since")?,
    })
}
