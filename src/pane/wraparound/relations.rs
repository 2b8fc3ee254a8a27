//! The relations that keep the connected database old.

use super::cells::{self, Around};
use crate::action::Action;
use crate::alert::Thing;
use crate::model::wraparound::{self, Burn, Level, Rescue, Ways};
use crate::pane::common::Notice;
use crate::pane::list::{List, Piece};
use crate::pane::page::Rich;
use crate::pane::{Badge, Copy, Reply};
use crate::probe::horizon::Holder;
use crate::probe::wraparound_relations::{Relation, WraparoundRelations};
use crate::probe::{Probe, Subject};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Order, Record, Width};
use crate::world::World;

/// The list.
#[derive(Debug, Default)]
pub(super) struct Relations;

/// A relation and what is known around it.
#[derive(Debug)]
pub(super) struct Row {
    relation: Relation,
    ways: Ways,
    burn: Burn,
    rescue: Rescue,
    holder: Option<Holder>,
}

impl Row {
    /// `schema.name`; a TOAST table goes by the name of its owner.
    fn name(&self) -> String {
        match &self.relation.owner {
            Some((_, nspname, relname)) => format!("{nspname}.{relname} (TOAST)"),
            None => format!("{}.{}", self.relation.nspname, self.relation.relname),
        }
    }

    fn kind(&self) -> &'static str {
        let system = self.relation.oid < 16_384;
        match (self.relation.relkind.as_str(), system) {
            ("t", _) => "TOAST",
            ("m", _) => "matview",
            (_, true) => "catalog",
            _ if self.relation.temporary => "temporary",
            _ => "table",
        }
    }

    fn note(&self) -> String {
        let relation = &self.relation;
        let mut facts = cells::doing(self.ways.level(), self.rescue, self.holder.as_ref());
        if relation.temporary {
            facts.push("temporary: only its own session can vacuum it".to_owned());
        }
        if relation.autovacuum == Some(false) {
            facts.push("autovacuum off, forced all the same".to_owned());
        }
        let own =
            |what: &str, own: Option<i64>| own.map(|age| format!("own {what}freeze_max_age {}", format::count(age)));
        facts.extend(own("", relation.freeze_max_age));
        facts.extend(own("multixact_", relation.multixact_freeze_max_age));
        facts.join(" · ")
    }
}

impl Record for Row {
    type Id = u32;

    fn id(&self) -> u32 {
        self.relation.oid
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn mark(&self) -> Option<Role> {
        cells::mark(self.ways.level())
    }

    fn marked() -> bool {
        true
    }
}

static COLUMNS: &[Column<Row>] = &[
    Column {
        id: "name",
        title: "RELATION",
        help: "schema and name; a TOAST table goes by the relation it belongs to",
        width: Width::Fit(12, 36),
        align: Align::Left,
        cell: |row| Cell::text(row.name()),
        key: |row| Key::Text(row.name().into()),
    },
    Column {
        id: "way",
        title: "WAY",
        help: "how much of the way to the stop is behind it, by transactions or multixacts, whichever is further",
        width: Width::Fit(6, 7),
        align: Align::Right,
        cell: |row| cells::way(&row.ways),
        key: |row| Key::Number(row.ways.worse().1.percent()),
    },
    Column {
        id: "xid",
        title: "XID AGE",
        help: "transactions since its oldest unfrozen one: age(relfrozenxid)",
        width: Width::Fit(7, 7),
        align: Align::Right,
        cell: |row| cells::age(&row.ways.xid),
        key: |row| Key::from(row.ways.xid.age),
    },
    Column {
        id: "mxid",
        title: "MXID AGE",
        help: "multixacts since its oldest one: mxid_age(relminmxid)",
        width: Width::Fit(8, 8),
        align: Align::Right,
        cell: |row| cells::age(&row.ways.multixact),
        key: |row| Key::from(row.ways.multixact.age),
    },
    Column {
        id: "forced",
        title: "FORCED",
        help: "how much of the way to its forced vacuum is behind it, by its own settings where it has some; past 100 % that is due",
        width: Width::Fit(6, 7),
        align: Align::Right,
        cell: |row| cells::forced(&row.ways),
        key: |row| Key::Number(row.ways.percent_of_forced()),
    },
    Column {
        id: "size",
        title: "SIZE",
        help: "its main fork by the last VACUUM or ANALYZE, ? before the first one: what the forced vacuum may have to read",
        width: Width::Fit(7, 9),
        align: Align::Right,
        cell: |row| match row.relation.bytes {
            0 => Cell::new("?", Role::Muted),
            bytes => Cell::new(format!("≈{}", format::bytes(bytes)), Role::Estimated),
        },
        key: |row| Key::from(row.relation.bytes),
    },
    Column {
        id: "kind",
        title: "KIND",
        help: "table, matview, TOAST, catalog, or temporary",
        width: Width::Fit(5, 9),
        align: Align::Left,
        cell: |row| Cell::new(row.kind(), Role::Muted),
        key: |row| Key::Text(row.kind().into()),
    },
    Column {
        id: "note",
        title: "NOTE",
        help: "who holds it back, whether it is being vacuumed, settings of its own",
        width: Width::Rest(12),
        align: Align::Left,
        cell: |row| Cell::new(row.note(), Role::Muted),
        key: |row| Key::Text(row.note().into()),
    },
];

impl List for Relations {
    type Row = Row;
    const ID: &'static str = "wraparound_relations";
    const TITLE: &'static str = "Relations";
    const PROBES: &'static [&'static str] = &[
        WraparoundRelations::SPEC.id,
        cells::BESIDE[0],
        cells::BESIDE[1],
        cells::BESIDE[2],
    ];
    const SORT: Option<(&'static str, Order)> = Some(("way", Order::Descending));
    const ACTIONS: &'static [Action] = &[Action::Enter];
    const HELP: &'static [(&'static str, &'static str)] = cells::HELP;
    const ASKING: &'static str = "Asking for the oldest relations.";

    fn rows(&mut self, world: &World) -> Option<Vec<Row>> {
        let answer = world.get::<WraparoundRelations>()?;
        let around = Around::of(world);
        let row = |relation: &Relation| {
            let ways = Ways::of_relation(relation, &answer.limits);
            let holder = wraparound::holder_before(around.holders, Some((relation, around.datname)));
            Row {
                rescue: wraparound::rescue_of_relation(
                    (around.backends, around.progress),
                    around.datname,
                    relation,
                    around.sees_all,
                ),
                holder: wraparound::held_back(&ways.xid, holder).cloned(),
                burn: around.burn,
                ways,
                relation: relation.clone(),
            }
        };
        Some(answer.relations.iter().map(row).collect())
    }

    fn head(&self, world: &World, rows: &[Row]) -> Vec<Piece> {
        let Some(answer) = world.get::<WraparoundRelations>() else {
            return Vec::new();
        };
        let database = world.database();
        let total = format::exact(answer.total.saturating_sub(answer.hidden));
        let mut head = vec![(format!("in {database}: top {} of {total}", rows.len()), Role::Text)];
        head.extend(cells::hidden(answer.hidden));
        if answer.due > 0 {
            head.push((
                format!("{} past the forced vacuum's age", format::exact(answer.due)),
                Role::Text,
            ));
        }
        head
    }

    fn nothing(&self, _world: &World) -> Notice {
        Notice::new(
            Role::Muted,
            "This database has no relations but PostgreSQL's own, and they are healthy.",
        )
    }

    fn notice(&self, world: &World, rows: &[Row]) -> Option<Notice> {
        cells::hidden_from_us(world, rows.iter().map(|row| row.ways.level()))
    }

    fn about(&self, row: &Row) -> Vec<Rich> {
        let lines = row.ways.both().into_iter();
        let mut about: Vec<Rich> = lines
            .map(|(counter, way)| cells::line(counter, way, &row.burn))
            .collect();
        let note = row.note();
        if !note.is_empty() {
            about.push(Rich::new(note, Role::Muted));
        }
        about
    }

    fn on(&mut self, _action: Action, row: Option<&Row>, _world: &World) -> Reply {
        row.map_or(Reply::Ignored, |row| {
            let owner = row.relation.owner.as_ref().map(|(oid, ..)| *oid);
            Reply::Open(Subject::Relation(owner.unwrap_or(row.relation.oid)))
        })
    }

    fn is(row: &Row, thing: &Thing) -> bool {
        *thing == Thing::Relation(row.relation.oid)
    }

    fn badge(&self, rows: &[Row]) -> Option<Badge> {
        cells::badge(
            rows.iter()
                .map(|row| row.ways.level())
                .filter(|level| *level > Level::Due),
        )
    }

    fn copies(&self, row: &Row, world: &World) -> Vec<Copy> {
        let database = world.database();
        vec![Copy::new(
            "VACUUM",
            wraparound::vacuum_relation(&row.relation, database),
        )]
    }
}
