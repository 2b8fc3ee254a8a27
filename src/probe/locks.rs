//! Who waits for whom: every ungranted lock with its blockers, and who holds what is waited for.
//!
//! Waiters come from `pg_locks`, which every role may read, and not from `pg_stat_activity.wait_event_type`,
//! which is hidden from a role without `pg_read_all_stats`: its filter would show that role an empty tree. State, text and
//! ages of the sessions are taken by the same statement, so the pane is consistent in itself.

use std::collections::BTreeMap;

use super::activity;
use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::{Ask, Param, Probe, Spec, Tier, Wanted};

/// The probe.
pub struct Locks;

/// One answer. Empty when nobody waits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// How many locks are waited for in all, also those past `Settings::lock_waiters`.
    pub waiters: usize,
    /// The waiters asked about, the holders in their way, and the leaders of their parallel groups; one row a pid.
    pub sessions: Vec<Session>,
    /// Granted locks that stand in the way of a waiter.
    pub held: Vec<Held>,
}

/// A session that waits, or holds what is waited for. Ages are seconds by the server's clock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Session {
    /// Process id.
    pub pid: i32,
    /// `backend_start` in microseconds since 1970; 0 if hidden or gone.
    pub start: i64,
    /// The leader of its parallel group (13+; hidden with the text).
    pub leader_pid: Option<i32>,
    /// Database.
    pub datname: Option<String>,
    /// Role.
    pub usename: Option<String>,
    /// `application_name`.
    pub application_name: Option<String>,
    /// Client address; `None` for a Unix socket or a background process.
    pub client: Option<String>,
    /// `client backend`, `autovacuum worker`, `startup`, ...
    pub backend_type: Option<String>,
    /// `active`, `idle in transaction`, ...
    pub state: Option<String>,
    /// Class of the wait.
    pub wait_event_type: Option<String>,
    /// The wait.
    pub wait_event: Option<String>,
    /// Age of the transaction.
    pub xact_s: Option<f64>,
    /// Since the current (or last) query started.
    pub query_s: Option<f64>,
    /// Since the state changed.
    pub state_s: Option<f64>,
    /// The query's text, cut to `Settings::query_text` bytes.
    pub query: Option<String>,
    /// The role may not see state and text of this session.
    pub hidden: bool,
    /// What it waits for, if it waits.
    pub wait: Option<Wait>,
}

/// A lock that is waited for.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    /// Of what.
    pub tag: Tag,
    /// The wanted mode, `AccessExclusiveLock`.
    pub mode: String,
    /// How long it waits by `waitstart` (14+; missing for a moment at the start of a wait).
    pub seconds: Option<f64>,
    /// What `pg_blocking_pids` said: soft blockers (ahead in the queue) too, 0 for a prepared transaction.
    pub blockers: Vec<i32>,
    /// How to call it.
    pub names: Names,
}

/// The identity of a lockable thing: the columns of `pg_locks` that say what is locked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag {
    /// `relation`, `tuple`, `transactionid`, `virtualxid`, `advisory`, ...
    pub locktype: String,
    /// Database; 0 for shared objects.
    pub database: Option<u32>,
    /// Relation.
    pub relation: Option<u32>,
    /// Page of the relation.
    pub page: Option<i32>,
    /// Tuple on the page.
    pub tuple: Option<i32>,
    /// Virtual transaction.
    pub virtualxid: Option<String>,
    /// Transaction id.
    pub transactionid: Option<String>,
    /// Catalog of the object, or the upper half of an advisory key.
    pub classid: Option<u32>,
    /// The object, or the lower half of an advisory key.
    pub objid: Option<u32>,
    /// Column of the object; 1 for a bigint advisory key, 2 for two int keys.
    pub objsubid: Option<i32>,
}

/// Names for a [`Tag`], as far as the connected database knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The database of the lock.
    pub database: Option<String>,
    /// The relation, schema-qualified and quoted as needed; `None` in another database.
    pub relation: Option<String>,
    /// The catalog of the object.
    pub class: Option<String>,
    /// The row that a waiter for a transaction wants.
    pub row: Option<RowPlace>,
}

/// The place of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowPlace {
    /// Its table.
    pub relation: u32,
    /// The table's name; `None` in another database.
    pub name: Option<String>,
    /// Page.
    pub page: i32,
    /// Tuple on the page.
    pub tuple: i32,
}

/// A granted lock in the way of some waiter.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Who holds it; 0 for a prepared transaction.
    pub pid: i32,
    /// The virtual transaction it is held under: tells prepared transactions apart.
    pub virtualtransaction: String,
    /// Of what.
    pub tag: Tag,
    /// The mode held.
    pub mode: String,
    /// The modes it conflicts with.
    pub against: Vec<String>,
}

impl Sample {
    /// Who waits behind whom, as `pg_blocking_pids` says it: a prepared transaction is 0.
    #[must_use]
    pub fn blockers(&self) -> BTreeMap<i32, Vec<i32>> {
        let waits = |session: &Session| Some((session.pid, session.wait.as_ref()?.blockers.clone()));
        self.sessions.iter().filter_map(waits).collect()
    }

    /// A prepared transaction is in somebody's way.
    #[must_use]
    pub fn has_prepared_blocker(&self) -> bool {
        self.held.iter().any(|held| held.pid == 0)
            || (self.sessions.iter())
                .any(|session| session.wait.as_ref().is_some_and(|wait| wait.blockers.contains(&0)))
    }
}

impl Probe for Locks {
    type Data = Sample;
    const SPEC: Spec = Spec {
        id: "locks",
        title: "who waits for whom",
        why: "Waiters come from ungranted pg_locks rows, so that a role without pg_monitor still sees every wait; \
              pg_blocking_pids is called once per waiter, and the tree is built here. The lock table is read once.",
        tier: Tier::Hot,
        variants: &[form!("locks", 14), form!("locks", 13), form!("locks")],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        let int = |value: u32| Param::Int(i32::try_from(value).unwrap_or(i32::MAX));
        vec![int(ask.settings.lock_waiters), int(ask.settings.query_text)]
    }

    fn wanted(ask: &Ask<'_>) -> Wanted {
        if ask.focus.pane == Self::SPEC.id || !ask.server.reads_all_stats {
            return Wanted::Yes;
        }
        match ask.latest.get::<activity::Activity>() {
            Some(backends) if !backends.iter().any(may_wait) => {
                Wanted::No("the newest activity sample shows no session and no replay that waits for a lock")
            }
            _ => Wanted::Yes,
        }
    }

    fn redacted(sample: &Sample) -> Option<Sample> {
        let mut sample = sample.clone();
        for session in &mut sample.sessions {
            activity::redacted(&mut session.query, session.backend_type.as_deref());
        }
        Some(sample)
    }

    fn decode(rows: &Rows) -> Result<Sample, Fault> {
        let mut sample = Sample::default();
        for row in rows.iter() {
            if row.get::<Option<bool>>("granted")? == Some(true) {
                sample.held.push(held(row)?);
            } else {
                sample.waiters = usize::try_from(row.get::<i32>("waiters")?).unwrap_or_default();
                sample.sessions.push(session(row)?);
            }
        }
        sample.sessions.sort_by_key(|session| session.pid);
        // A waiter that holds more than one row's place in a queue comes once for each.
        sample.sessions.dedup_by_key(|session| session.pid);
        Ok(sample)
    }
}

/// What we cannot see may wait.
fn may_wait(backend: &activity::Backend) -> bool {
    backend.hidden || backend.wait_event_type.as_deref() == Some("Lock")
}

fn session(row: Row<'_>) -> Result<Session, Fault> {
    let waits = row.get::<Option<bool>>("granted")?.is_some();
    Ok(Session {
        pid: row.get("pid")?,
        start: row.get::<Option<i64>>("start_us")?.unwrap_or_default(),
        leader_pid: row.get("leader_pid")?,
        datname: row.text("datname")?,
        usename: row.text("usename")?,
        application_name: row.text("application_name")?,
        client: row.text("client")?,
        backend_type: row.text("backend_type")?,
        state: row.text("state")?,
        wait_event_type: row.text("wait_event_type")?,
        wait_event: row.text("wait_event")?,
        xact_s: row.get("xact_s")?,
        query_s: row.get("query_s")?,
        state_s: row.get("state_s")?,
        query: row.get::<Option<Vec<u8>>>("query")?.map(activity::text),
        hidden: row.get("hidden")?,
        wait: if waits { Some(wait(row)?) } else { None },
    })
}

fn wait(row: Row<'_>) -> Result<Wait, Fault> {
    Ok(Wait {
        tag: tag(row)?,
        mode: row.text("mode")?.unwrap_or_default(),
        seconds: row.get("wait_s")?,
        blockers: row.get::<Option<Vec<i32>>>("blockers")?.unwrap_or_default(),
        names: Names {
            database: row.text("lock_datname")?,
            relation: row.text("relation_name")?,
            class: row.text("class_name")?,
            row: place(row)?,
        },
    })
}

fn place(row: Row<'_>) -> Result<Option<RowPlace>, Fault> {
    let Some(relation) = row.get("row_relation")? else {
        return Ok(None);
    };
    Ok(Some(RowPlace {
        relation,
        name: row.text("row_relation_name")?,
        page: row.get::<Option<i32>>("row_page")?.unwrap_or_default(),
        tuple: row.get::<Option<i32>>("row_tuple")?.unwrap_or_default(),
    }))
}

fn held(row: Row<'_>) -> Result<Held, Fault> {
    Ok(Held {
        pid: row.get("pid")?,
        virtualtransaction: row.text("virtualtransaction")?.unwrap_or_default(),
        tag: tag(row)?,
        mode: row.text("mode")?.unwrap_or_default(),
        against: row.texts("against")?,
    })
}

pub(super) fn tag(row: Row<'_>) -> Result<Tag, Fault> {
    Ok(Tag {
        locktype: row.text("locktype")?.unwrap_or_default(),
        database: row.get("database")?,
        relation: row.get("relation")?,
        page: row.get("page")?,
        tuple: row.get("tuple")?,
        virtualxid: row.text("virtualxid")?,
        transactionid: row.text("transactionid")?,
        classid: row.get("classid")?,
        objid: row.get("objid")?,
        objsubid: row.get("objsubid")?,
    })
}
