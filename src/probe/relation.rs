//! One table in full: what it is, where it belongs, how large it is. Asked only while its page is open, as its
//! companions [`relation_stats`](super::relation_stats), [`relation_indexes`](super::relation_indexes),
//! [`relation_columns`](super::relation_columns), [`relation_family`](super::relation_family) and
//! [`relation_locks`](super::relation_locks).

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::named::{InTheWay, Named, named};
use crate::probe::{Ask, Param, Probe, Spec, Subject, Tier, Wanted};

/// The probe. Its data is `None` when there is no such relation any more. Asked with the oid of an index it answers
/// with the index's table.
pub struct Relation;

/// A table, materialized view, partitioned table or TOAST table. Sizes are bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity {
    /// Its oid.
    pub oid: u32,
    /// Its name.
    pub name: Named,
    /// `r`, `p`, `m`, `t`, ... as in `pg_class.relkind`.
    pub kind: String,
    /// `p` permanent, `u` unlogged, `t` temporary.
    pub persistence: String,
    /// The role it belongs to.
    pub owner: String,
    /// Its tablespace.
    pub tablespace: Option<String>,
    /// Its table access method.
    pub access_method: Option<String>,
    /// `d` primary key, `n` nothing, `f` the whole row, `i` an index.
    pub replica_identity: String,
    /// Its own settings, `fillfactor=70`.
    pub options: Vec<String>,
    /// It is a partition of its parent; else its parent is one by inheritance.
    pub is_partition: bool,
    /// The (first) relation it inherits from.
    pub parent: Option<Parent>,
    /// `FOR VALUES ...`.
    pub bound: Option<String>,
    /// Strategy and key of a partitioned table, `RANGE (ts)`.
    pub key: Option<String>,
    /// Relations that inherit from it.
    pub children: i64,
    /// The table whose TOAST table this is.
    pub toast_of: Option<(u32, Named)>,
    /// The settings of that table: a TOAST table without any of its own goes by them.
    pub toast_of_options: Vec<String>,
    /// Its TOAST table.
    pub toast: Option<Toast>,
    /// What it takes on disk, by its indexes and as planned by `pg_class`.
    pub size: Size,
    /// `reltuples`: rows by the last VACUUM or ANALYZE; -1 if there was none (14+).
    pub tuples: f64,
    /// `relpages` then.
    pub pages: i64,
    /// `relallvisible` then: pages that a measurement need not read.
    pub visible_pages: i64,
    /// Bytes of a page.
    pub block: u32,
    /// Age of `relfrozenxid`, in transactions.
    pub xid_age: Option<i64>,
    /// Age of `relminmxid`, in multixacts.
    pub mxid_age: Option<i64>,
    /// The server's clock when this was read, in seconds since 1970.
    pub now: f64,
}

/// What it inherits from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parent {
    /// Its oid.
    pub oid: u32,
    /// Its name.
    pub name: Named,
    /// Strategy and key of a partitioned parent, `RANGE (ts)`.
    pub key: Option<String>,
    /// How many inherit from it.
    pub children: i64,
}

/// A TOAST table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Toast {
    /// Its oid.
    pub oid: u32,
    /// Its name in `pg_toast`.
    pub name: String,
    /// Its own settings.
    pub options: Vec<String>,
    /// `relpages`.
    pub pages: i64,
    /// `relallvisible`.
    pub visible_pages: i64,
    /// Age of its `relfrozenxid`, in transactions.
    pub xid_age: Option<i64>,
    /// Age of its `relminmxid`, in multixacts.
    pub mxid_age: Option<i64>,
}

/// What is on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Measured now; `None` while a lock is in the way, and for what has no storage.
    pub exact: Option<Exact>,
    /// `relpages` of all its indexes.
    pub index_pages: i64,
    /// How many indexes it has.
    pub indexes: i64,
    /// Why nothing was measured.
    pub busy: Option<InTheWay>,
}

/// Bytes on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exact {
    /// The rows.
    pub heap: i64,
    /// Free space map and visibility map.
    pub maps: i64,
    /// The TOAST table with its index.
    pub toast: i64,
    /// All indexes.
    pub indexes: i64,
}

impl Exact {
    /// All of it.
    #[must_use]
    pub fn total(self) -> i64 {
        [self.maps, self.toast, self.indexes]
            .into_iter()
            .fold(self.heap, i64::saturating_add)
    }
}

/// `$1` of every question about one relation, as an array so that none is nothing found.
pub(super) fn identity(ask: &Ask<'_>) -> Param {
    match ask.focus.subject {
        Some(Subject::Relation(oid)) => Param::Oids(vec![oid]),
        _ => Param::Oids(Vec::new()),
    }
}

/// Asked only while a relation's page is open.
pub(super) fn while_open(ask: &Ask<'_>) -> Wanted {
    match ask.focus.subject {
        Some(Subject::Relation(_)) => Wanted::Yes,
        _ => Wanted::No("asked only while the page of a table is open"),
    }
}

impl Probe for Relation {
    type Data = Option<Identity>;
    const SPEC: Spec = Spec {
        id: "relation",
        title: "one table in full",
        why: "What it is, where it belongs and how large it is. Sizes wait behind an ACCESS EXCLUSIVE lock, held or \
              queued: while there is one on the table, its TOAST table or an index, the pages of the last VACUUM stand \
              in for them. The bound of a partition is read without a lock.",
        tier: Tier::Storage,
        variants: &[form!("relation")],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        vec![identity(ask)]
    }

    fn wanted(ask: &Ask<'_>) -> Wanted {
        while_open(ask)
    }

    fn decode(rows: &Rows) -> Result<Option<Identity>, Fault> {
        rows.iter().next().map(relation).transpose()
    }
}

fn relation(row: Row<'_>) -> Result<Identity, Fault> {
    Ok(Identity {
        oid: row.get("oid")?,
        name: named(row, "")?,
        kind: row.text("relkind")?.unwrap_or_default(),
        persistence: row.text("relpersistence")?.unwrap_or_default(),
        owner: row.text("owner")?.unwrap_or_default(),
        tablespace: row.text("tablespace")?,
        access_method: row.text("access_method")?,
        replica_identity: row.text("replica_identity")?.unwrap_or_default(),
        options: row.texts("options")?,
        is_partition: row.get("is_partition")?,
        parent: parent(row)?,
        bound: row.text("bound")?,
        key: row.text("key")?,
        children: row.get("children")?,
        toast_of: match row.get("toast_of")? {
            Some(oid) => Some((oid, named(row, "toast_of_")?)),
            None => None,
        },
        toast_of_options: row.texts("toast_of_options")?,
        toast: toast(row)?,
        size: size(row)?,
        tuples: row.get("tuples")?,
        pages: row.get("pages")?,
        visible_pages: row.get("visible_pages")?,
        block: block(row)?,
        xid_age: row.get("xid_age")?,
        mxid_age: row.get("mxid_age")?,
        now: row.get("now")?,
    })
}

pub(super) fn block(row: Row<'_>) -> Result<u32, Fault> {
    Ok(u32::try_from(row.get::<i32>("block_size")?).unwrap_or_default())
}

fn parent(row: Row<'_>) -> Result<Option<Parent>, Fault> {
    let Some(oid) = row.get("parent")? else {
        return Ok(None);
    };
    Ok(Some(Parent {
        oid,
        name: named(row, "parent_")?,
        key: row.text("parent_key")?,
        children: row.get("siblings")?,
    }))
}

fn toast(row: Row<'_>) -> Result<Option<Toast>, Fault> {
    let Some(oid) = row.get("toast")? else {
        return Ok(None);
    };
    Ok(Some(Toast {
        oid,
        name: row.text("toast_relname")?.unwrap_or_default(),
        options: row.texts("toast_options")?,
        pages: row.get::<Option<i64>>("toast_pages")?.unwrap_or_default(),
        visible_pages: row.get::<Option<i64>>("toast_visible_pages")?.unwrap_or_default(),
        xid_age: row.get("toast_xid_age")?,
        mxid_age: row.get("toast_mxid_age")?,
    }))
}

fn size(row: Row<'_>) -> Result<Size, Fault> {
    let bytes = |column: &str| row.get::<Option<i64>>(column);
    let (heap, maps, toast, indexes) = (
        bytes("heap_bytes")?,
        bytes("maps_bytes")?,
        bytes("toast_bytes")?,
        bytes("index_bytes")?,
    );
    // A relation that is dropped between its row and its size has none.
    let exact = heap.map(|heap| Exact {
        heap,
        maps: maps.unwrap_or_default(),
        toast: toast.unwrap_or_default(),
        indexes: indexes.unwrap_or_default(),
    });
    Ok(Size {
        exact,
        index_pages: row.get("index_pages")?,
        indexes: row.get("indexes")?,
        busy: InTheWay::read(row)?,
    })
}
