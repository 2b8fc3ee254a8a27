//! An index as a line of the table.

use crate::model::bloat;
use crate::model::rates::{float, share};
use crate::pane::page::Rich;
use crate::pane::relation::ago;
use crate::probe::measure_indexes::{Measured, Tree};
use crate::probe::relation_indexes::Index;
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Record, Width};

/// A line.
#[derive(Clone, Debug)]
pub(in super::super) struct Row {
    pub index: Index,
    pub measured: Option<Measured>,
    /// Bytes of a page.
    pub block: u32,
    /// The server's clock, in seconds since 1970.
    pub now: Option<f64>,
}

impl Row {
    fn tree(&self) -> Option<&Tree> {
        self.measured.as_ref()?.found.as_ref().ok()
    }

    fn flags(&self) -> String {
        let index = &self.index;
        let flags = [
            (!index.is_valid, "INVALID"),
            (index.is_primary, "primary key"),
            (index.is_unique && !index.is_primary, "unique"),
            (index.is_exclusion, "exclusion"),
            (index.is_replica_identity, "replica identity"),
            (index.is_clustered, "clustered"),
        ];
        let flags = flags.into_iter().filter_map(|(holds, flag)| holds.then_some(flag));
        flags.collect::<Vec<_>>().join(", ")
    }

    /// Method, columns and condition.
    fn on(&self) -> String {
        let definition = self.index.definition.as_deref();
        let on = definition.and_then(|definition| definition.split_once(" USING "));
        match (on, definition, &self.index.busy) {
            (Some((_, on)), ..) => on.to_owned(),
            (None, Some(definition), _) => definition.to_owned(),
            (None, None, Some(busy)) => format!("{}; not asked: {busy}", self.index.method),
            (None, None, None) => self.index.method.clone(),
        }
    }

    fn size(&self) -> Cell<'_> {
        match (self.index.bytes, self.index.is_partitioned) {
            (_, true) => Cell::empty(),
            (Some(bytes), _) => Cell::text(format::bytes(bytes)),
            (None, _) => Cell::new(
                format!("\u{2248}{}", format::bytes(self.index.planned_bytes)),
                Role::Estimated,
            ),
        }
    }

    /// What is counted of it; of the index of a partitioned table nothing is, its partitions' have it.
    fn counted<'a>(&self, cell: impl FnOnce() -> Cell<'a>) -> Cell<'a> {
        if self.index.is_partitioned {
            Cell::empty()
        } else {
            cell()
        }
    }

    /// What was measured, in a line.
    pub fn measurement(&self) -> Option<Rich> {
        let measured = self.measured.as_ref()?;
        let tree = self.tree()?;
        let mut rich = Rich::default();
        let fillfactor = bloat::fillfactor(&self.index.options);
        let win = bloat::tree_to_win(tree, self.block, fillfactor);
        rich.push(format!("{} to win by REINDEX", format::bytes(win)), Role::Text);
        if let Some(density) = tree.density {
            rich.fact(format!("leaf pages {} full", format::percent(density)), Role::Text);
        }
        if let Some(fragmentation) = tree.fragmentation {
            rich.fact(format!("{} out of order", format::percent(fragmentation)), Role::Text);
        }
        let unused = format::counted(
            tree.empty + tree.deleted,
            "empty or deleted page",
            "empty or deleted pages",
        );
        rich.fact(unused, Role::Text);
        rich.fact(format!("pgstatindex, {}", ago(measured.at, self.now)), Role::Muted);
        Some(rich)
    }
}

impl Record for Row {
    type Id = u32;

    fn id(&self) -> u32 {
        self.index.oid
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn role(&self) -> Option<Role> {
        (!self.index.is_valid).then_some(Role::Warning)
    }
}

static COLUMNS: &[Column<Row>] = &[
    Column {
        id: "index",
        title: "INDEX",
        help: "its name",
        width: Width::Fit(8, 32),
        align: Align::Left,
        cell: |row| Cell::text(row.index.name.relname.as_str()),
        key: |row| Key::from(row.index.name.relname.as_str()),
    },
    Column {
        id: "size",
        title: "SIZE",
        help: "on disk; \u{2248} by the last VACUUM, while an exclusive lock is in the way",
        width: Width::Fit(7, 8),
        align: Align::Right,
        cell: Row::size,
        key: |row| Key::from(row.index.bytes.or(Some(row.index.planned_bytes))),
    },
    Column {
        id: "scans",
        title: "SCANS",
        help: "scans since the counters of this database were reset, on this server only",
        width: Width::Fit(5, 6),
        align: Align::Right,
        cell: |row| {
            row.counted(|| match row.index.scans {
                0 => Cell::new("0", Role::Notice),
                scans => Cell::text(format::count(scans)),
            })
        },
        key: |row| Key::from(row.index.scans),
    },
    Column {
        id: "last",
        title: "LAST",
        help: "how long ago it was scanned last (16 and later)",
        width: Width::Fit(4, 6),
        align: Align::Right,
        cell: |row| match row.index.last_scan.zip(row.now) {
            Some((last, now)) => Cell::text(format::duration(now - last)),
            None => Cell::empty(),
        },
        key: |row| match row.index.last_scan.zip(row.now) {
            Some((last, now)) => Key::Number(now - last),
            None => Key::None,
        },
    },
    Column {
        id: "density",
        title: "FULL",
        help: "how full its leaf pages are, once measured; a new B-tree has 90 %",
        width: Width::Fit(4, 7),
        align: Align::Right,
        cell: |row| {
            row.counted(|| match row.tree().and_then(|tree| tree.density) {
                Some(density) => Cell::text(format::percent(density)),
                None => Cell::new("?", Role::Muted),
            })
        },
        key: |row| {
            let density = row.tree().and_then(|tree| tree.density);
            Key::from(density)
        },
    },
    Column {
        id: "flags",
        title: "STANDS FOR",
        help: "primary key, unique, exclusion, replica identity, clustered; INVALID: not used by queries",
        width: Width::Fit(10, 24),
        align: Align::Left,
        cell: |row| Cell::text(row.flags()),
        key: |row| Key::Text(row.flags().into()),
    },
    Column {
        id: "hit",
        title: "HIT",
        help: "share of its blocks that were found in shared buffers",
        width: Width::Fit(3, 7),
        align: Align::Right,
        cell: |row| row.counted(|| Cell::text(format::share(row.index.hits, row.index.blocks))),
        key: |row| Key::from(share(float(row.index.hits), float(row.index.blocks - row.index.hits))),
    },
    Column {
        id: "read",
        title: "ENTRIES",
        help: "index entries that scans returned",
        width: Width::Fit(7, 7),
        align: Align::Right,
        cell: |row| row.counted(|| Cell::text(format::count(row.index.entries_read))),
        key: |row| Key::from(row.index.entries_read),
    },
    Column {
        id: "fetched",
        title: "ROWS",
        help: "live rows that plain index scans fetched; index-only and bitmap scans are not counted",
        width: Width::Fit(4, 6),
        align: Align::Right,
        cell: |row| row.counted(|| Cell::text(format::count(row.index.rows_fetched))),
        key: |row| Key::from(row.index.rows_fetched),
    },
    Column {
        id: "on",
        title: "ON",
        help: "method, columns and condition",
        width: Width::Rest(20),
        align: Align::Left,
        cell: |row| Cell::text(row.on()),
        key: |row| Key::Text(row.on().into()),
    },
];
