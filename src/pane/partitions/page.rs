//! The partitions of one table in the order of their bounds, the newest first, holes between them.

use std::sync::Arc;

use super::words;
use super::{ASKING, Known};
use crate::action::Action;
use crate::model::partitions::bound::Bound;
use crate::model::partitions::cover;
use crate::model::partitions::judge::moment;
use crate::model::partitions::point::{Edge, Point};
use crate::model::partitions::{Parent, Part, Verdict};
use crate::pane::common::Notice;
use crate::pane::list::{List, Piece};
use crate::pane::page::Rich;
use crate::pane::{Copy, Reply};
use crate::probe::partitions::PartitionsProbe;
use crate::probe::{Mono, Probe as _, Subject};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Order, Record, Width};
use crate::world::World;

/// The list behind the page.
#[derive(Debug, Default)]
pub(super) struct Parts {
    oid: u32,
    subject: Option<Subject>,
    /// Of the table, as far as it was ever known.
    name: Option<String>,
    known: Known,
    built: Option<(Mono, usize)>,
    items: Vec<Arc<Item>>,
}

/// A partition, or what lies between two.
#[derive(Debug)]
struct Item {
    id: (u32, usize),
    /// A partition that is partitioned itself.
    partitioned: bool,
    name: String,
    bound: String,
    rows: Option<f64>,
    heap_bytes: Option<i64>,
    note: (String, Role),
    hole: bool,
}

/// One row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    item: Arc<Item>,
    /// Why it is the one that is written to.
    now: Option<&'static str>,
}

impl Parts {
    pub fn of(oid: u32) -> Self {
        Self {
            oid,
            subject: Some(Subject::Partitioned(oid)),
            ..Self::default()
        }
    }

    fn parent(&self) -> Option<&Parent> {
        self.known.parent(self.oid)
    }

    fn judged(&self) -> Option<(&Parent, Verdict)> {
        let parent = self.parent()?;
        Some((parent, self.known.judge(parent)))
    }

    /// The oid of the partition that takes the rows of now, or the newest one with rows where there is no telling.
    fn current(&self) -> Option<(u32, &'static str)> {
        let parent = self.parent()?;
        let mut ranged = parent.ranged().rev().filter(|(part, _)| !part.detaching);
        if parent.axis().is_number() {
            let (part, _) = ranged.find(|(part, _)| part.rows > Some(0.0))?;
            return Some((part.oid, "newest rows"));
        }
        let now = Edge::At(Point::Time(moment(self.known.now)?));
        let contains = |range: &cover::Range| {
            let (from, to) = range.leading();
            *from <= now && now < *to
        };
        let (part, _) = ranged.find(|(_, range)| parent.axis().is_time() && contains(range))?;
        Some((part.oid, "now"))
    }
}

/// The default, then ranges from the newest on with the holes between them; lists and hashes in their order.
fn items(parent: &Parent) -> Vec<Arc<Item>> {
    let mut items: Vec<Item> = Vec::with_capacity(parent.parts.len() + parent.holes.count());
    let mut holes = parent.holes.placed.iter().peekable();
    let mut place = 0;
    for part in &parent.parts {
        items.push(item(parent, part));
        if part.range.is_none() {
            continue;
        }
        while let Some(hole) = holes.next_if(|hole| hole.after == place) {
            items.push(Item {
                id: (0, hole.after),
                partitioned: false,
                name: "(hole)".to_owned(),
                bound: words::range(parent, &hole.range),
                rows: None,
                heap_bytes: None,
                note: ("no partition".to_owned(), Role::Notice),
                hole: true,
            });
        }
        place += 1;
    }
    if place > 0 {
        items.reverse();
    }
    items.into_iter().map(Arc::new).collect()
}

fn item(parent: &Parent, part: &Part) -> Item {
    let note = if part.detaching {
        ("detach pending".to_owned(), Role::Warning)
    } else if let Some(partitions) = part.partitions {
        (format::counted(partitions, "partition", "partitions"), Role::Muted)
    } else if part.foreign {
        ("foreign table".to_owned(), Role::Muted)
    } else if part.bound == Some(Bound::Default) {
        ("default".to_owned(), Role::Muted)
    } else {
        (String::new(), Role::Muted)
    };
    let name = if part.schema == parent.schema {
        part.name.clone()
    } else {
        format!("{}.{}", part.schema, part.name)
    };
    Item {
        id: (part.oid, 0),
        partitioned: part.partitions.is_some(),
        name,
        bound: words::bound(parent, part),
        rows: part.rows,
        heap_bytes: Some(part.heap_bytes),
        note,
        hole: false,
    }
}

impl List for Parts {
    type Row = Row;
    const ID: &'static str = "parts";
    const TITLE: &'static str = "Partitions";
    const PROBES: &'static [&'static str] = &[PartitionsProbe::SPEC.id];
    const SORT: Option<(&'static str, Order)> = None;
    const ACTIONS: &'static [Action] = &[Action::Enter];
    const ASKING: &'static str = ASKING;
    const HELP: &'static [(&'static str, &'static str)] = &[
        ("order", "the default first, then from the newest range to the oldest"),
        (
            "(hole)",
            "no partition takes these values; y copies the statement that makes one",
        ),
        (
            "now",
            "the partition that takes the rows of now; of numbers the newest one with rows",
        ),
        (
            "bounds",
            "from the first value that belongs to it to right before the second, by the calendar in the head",
        ),
    ];

    fn title(&self) -> String {
        self.name.clone().unwrap_or_else(|| Self::TITLE.to_owned())
    }

    fn subject(&self) -> Option<&Subject> {
        self.subject.as_ref()
    }

    fn rows(&mut self, world: &World) -> Option<Vec<Row>> {
        if !self.known.learn(world) {
            return None;
        }
        if self.built != self.known.answer {
            self.built = self.known.answer;
            self.items = self.parent().map(items).unwrap_or_default();
            let name = self.parent().map(|parent| format!("{}.{}", parent.schema, parent.name));
            self.name = name.or_else(|| self.name.take());
        }
        let now = self.current();
        let row = |item: &Arc<Item>| Row {
            item: Arc::clone(item),
            now: now.filter(|(oid, _)| *oid == item.id.0).map(|(_, note)| note),
        };
        Some(self.items.iter().map(row).collect())
    }

    fn head(&self, _world: &World, _rows: &[Row]) -> Vec<Piece> {
        let Some((parent, verdict)) = self.judged() else {
            return Vec::new();
        };
        let key = format!("{} {}", parent.strategy.name(), parent.key());
        let count = parent.parts.len();
        let parts = match parent.unasked {
            0 => format::counted(count, "partition", "partitions"),
            more => format!("{} of {} partitions", format::count(count), format::count(count + more)),
        };
        let (covers, role) = words::reach(parent, &verdict.reach);
        let role = words::role(verdict.level).unwrap_or(role);
        let mut head = vec![(key, Role::Title), (parts, Role::Text), (covers, role)];
        head.extend(parent.step.map(|step| (words::cadence(step), Role::Muted)));
        head
    }

    fn nothing(&self, _world: &World) -> Notice {
        match self.parent() {
            Some(_) => Notice::new(Role::Muted, "This table has no partition: every row is refused."),
            None => Notice::new(Role::Warning, "This table is gone, or no partitioned table any more."),
        }
    }

    fn about(&self, _row: &Row) -> Vec<Rich> {
        self.judged().map_or_else(Vec::new, |(parent, verdict)| {
            words::about(parent, &verdict, self.known.now, self.known.days)
        })
    }

    fn on(&mut self, action: Action, row: Option<&Row>, _world: &World) -> Reply {
        match (action, row.map(|row| &row.item)) {
            (Action::Enter, Some(item)) if item.hole => Reply::Tell("There is no partition here.".to_owned()),
            (Action::Enter, Some(item)) if item.partitioned => Reply::Open(Subject::Partitioned(item.id.0)),
            (Action::Enter, Some(item)) => Reply::Open(Subject::Relation(item.id.0)),
            _ => Reply::Ignored,
        }
    }

    fn copies(&self, _row: &Row, _world: &World) -> Vec<Copy> {
        self.judged()
            .map_or_else(Vec::new, |(parent, verdict)| self.known.statements(parent, &verdict))
    }
}

impl Record for Row {
    type Id = (u32, usize);

    fn id(&self) -> Self::Id {
        self.item.id
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn role(&self) -> Option<Role> {
        self.item.hole.then_some(Role::Notice)
    }

    fn mark(&self) -> Option<Role> {
        match self.item.note.1 {
            role @ (Role::Warning | Role::Notice) => Some(role),
            _ if self.now.is_some() => Some(Role::Ok),
            _ => None,
        }
    }

    fn marked() -> bool {
        true
    }
}

const COLUMNS: &[Column<Row>] = &[
    Column {
        id: "partition",
        title: "PARTITION",
        help: "its name, with the schema where that is another than the table's",
        width: Width::Fit(9, 36),
        align: Align::Left,
        cell: |row| Cell::text(row.item.name.as_str()),
        key: |_| Key::None,
    },
    Column {
        id: "bounds",
        title: "BOUNDS",
        help: "what it takes",
        width: Width::Fit(10, 44),
        align: Align::Left,
        cell: |row| Cell::text(row.item.bound.as_str()),
        key: |_| Key::None,
    },
    Column {
        id: "rows",
        title: "ROWS ≈",
        help: "by the counters or the last ANALYZE",
        width: Width::Fit(6, 7),
        align: Align::Right,
        cell: |row| {
            if row.item.hole {
                return Cell::empty();
            }
            let (text, role) = words::rows(row.item.rows);
            Cell::new(text, role)
        },
        key: |_| Key::None,
    },
    Column {
        id: "heap",
        title: "HEAP ≈",
        help: "by the last VACUUM or ANALYZE, without indexes and TOAST",
        width: Width::Fit(6, 7),
        align: Align::Right,
        cell: |row| {
            let heap = row.item.heap_bytes;
            heap.map_or(Cell::empty(), |bytes| Cell::new(format::bytes(bytes), Role::Estimated))
        },
        key: |_| Key::None,
    },
    Column {
        id: "note",
        title: "NOTE",
        help: "now, default, partitioned itself, foreign, being detached",
        width: Width::Rest(4),
        align: Align::Left,
        cell: |row| {
            if let Some(now) = row.now {
                return Cell::new(now, Role::Ok);
            }
            let (text, role) = &row.item.note;
            Cell::new(text.as_str(), *role)
        },
        key: |_| Key::None,
    },
];
