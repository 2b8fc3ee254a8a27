//! Sequences near their end.

use super::super::common::{Notice, top_of};
use super::super::list::{List, Piece};
use super::super::page::Rich;
use super::super::{Badge, Copy, Reply};
use super::cells;
use crate::action::Action;
use crate::alert::Thing;
use crate::model::concern::Severity;
use crate::model::rates;
use crate::model::storage::sequences::{self as model, CRITICAL, Limit, Pace, WARNING};
use crate::probe::sequences::{Sequence, Sequences as Known, SequencesProbe};
use crate::probe::{Probe as _, Subject};
use crate::ui::format;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Order, Record, Width};
use crate::world::World;

/// The panel.
#[derive(Debug, Default)]
pub(super) struct Sequences;

/// One sequence.
#[derive(Debug)]
pub(super) struct Row {
    sequence: Sequence,
    name: String,
    column: String,
    limit: &'static str,
    pace: Pace,
}

impl List for Sequences {
    type Row = Row;
    const ID: &'static str = "sequences";
    const TITLE: &'static str = "Sequences";
    const PROBES: &'static [&'static str] = &[SequencesProbe::SPEC.id];
    const SORT: Option<(&'static str, Order)> = Some(("used", Order::Descending));
    const ACTIONS: &'static [Action] = &[Action::Enter];
    const ASKING: &'static str = "Asking for the sequences.";
    const HELP: &'static [(&'static str, &'static str)] = &[
        (
            "used",
            "of the values it can give before it ends, or before the column it feeds is too narrow; after that every \
             INSERT fails",
        ),
        ("badge", "used 80 % and more: a warning; 95 % and more: critical"),
        (
            "ends in",
            "if it goes on as it did between the readings of this session, a day at most",
        ),
        (
            "which",
            "not those that cycle; not those of other sessions' temporary tables",
        ),
        ("y", "copies what widens it"),
    ];

    fn rows(&mut self, world: &World) -> Option<Vec<Row>> {
        let known = world.get::<SequencesProbe>()?;
        Some(known.rows.iter().map(|sequence| row(known, sequence)).collect())
    }

    fn head(&self, world: &World, rows: &[Row]) -> Vec<Piece> {
        let Some(known) = world.get::<SequencesProbe>() else {
            return Vec::new();
        };
        let top = top_of(rows.len(), known.sequences, "sequence", "sequences");
        let near = rows.iter().filter(|row| row.sequence.share >= WARNING).count();
        let near = (near > 0).then(|| (format!("{} used 80 % and more", format::count(near)), Role::Warning));
        let asked = cells::asked::<SequencesProbe>(world);
        [Some(top), near, asked].into_iter().flatten().collect()
    }

    fn nothing(&self, world: &World) -> Notice {
        let known = world.get::<SequencesProbe>();
        if known.is_some_and(|known| known.sequences > 0) {
            Notice::new(Role::Denied, "No sequence could be read.")
        } else {
            Notice::new(
                Role::Muted,
                "There is no sequence in this database, or all of them cycle.",
            )
        }
    }

    fn notice(&self, world: &World, _rows: &[Row]) -> Option<Notice> {
        let known = world.get::<SequencesProbe>()?;
        let server = world.server.as_ref().filter(|_| known.unreadable > 0);
        let hidden = server.map(|server| {
            let unreadable = format::count(known.unreadable);
            let all = format::count(known.read.saturating_add(known.unreadable));
            let what = format!("The values of {unreadable} of {all} sequences are");
            Notice::hidden(&what, &model::grant(known, server))
        });
        let left_out = left_out(known).into_iter().map(|text| Notice::new(Role::Muted, text));
        hidden.into_iter().chain(left_out).reduce(|said, more| Notice {
            text: format!("{}  {}", said.text, more.text),
            ..said
        })
    }

    fn about(&self, row: &Row) -> Vec<Rich> {
        let sequence = &row.sequence;
        let mut what = Rich::new(sequence.name.to_string(), Role::Accent);
        what.fact(sequence.sequence_type.as_str(), Role::Muted);
        if sequence.increment != 1 {
            what.fact(format!("increment {}", format::exact(sequence.increment)), Role::Muted);
        }
        if let Some(last) = sequence.last_value {
            let (last, bound) = (format::exact(last), format::exact(sequence.bound));
            what.fact(format!("{last} of {bound}"), Role::Text);
        }
        let widen = model::widen(sequence).into_iter().filter(|_| sequence.share >= WARNING);
        let widen = widen.map(|(_, text)| Rich::new(text, Role::Text));
        [what].into_iter().chain(widen).collect()
    }

    fn on(&mut self, _action: Action, row: Option<&Row>, _world: &World) -> Reply {
        let column = row.and_then(|row| row.sequence.column.as_ref());
        match (row, column) {
            (_, Some(column)) => Reply::Open(Subject::Relation(column.table_oid)),
            (Some(_), None) => Reply::Tell("No column takes its default from this sequence.".to_owned()),
            (None, None) => Reply::Ignored,
        }
    }

    fn badge(&self, rows: &[Row]) -> Option<Badge> {
        let least = |share| rows.iter().filter(|row| row.sequence.share >= share).count();
        Badge::of(Severity::Critical, least(CRITICAL)).or_else(|| Badge::of(Severity::Warning, least(WARNING)))
    }

    fn is(row: &Row, thing: &Thing) -> bool {
        *thing == Thing::Sequence(row.sequence.oid)
    }

    fn copies(&self, row: &Row, _world: &World) -> Vec<Copy> {
        model::widen(&row.sequence).into_iter().map(Copy::from).collect()
    }
}

/// What was not read besides what is hidden.
fn left_out(known: &Known) -> Vec<String> {
    let told = rates::total([known.unreadable, known.unlogged, known.read, known.locked]);
    let rest = known.sequences.saturating_sub(told);
    let said = [
        (known.locked, "not read: somebody's lock stands in the way.".to_owned()),
        (known.unlogged, "unlogged, so not on this standby.".to_owned()),
        (
            rest.max(0),
            "not read this time: no more than fit into a tenth of the lock table; they are read in turn.".to_owned(),
        ),
    ];
    let said = said.into_iter().filter(|(count, _)| *count > 0);
    said.map(|(count, text)| format!("{} {text}", format::count(count)))
        .collect()
}

fn row(known: &Known, sequence: &Sequence) -> Row {
    let column = sequence.column.as_ref();
    let width = column.map_or(8, |column| column.width);
    Row {
        name: cells::name(&sequence.name),
        column: column.map_or_else(String::new, |column| {
            format!("{}.{}", cells::name(&column.table), column.name)
        }),
        limit: match (model::limit(sequence), width, sequence.sequence_type.as_str()) {
            (Limit::Column, 2, _) => "smallint column",
            (Limit::Column, ..) => "integer column",
            (Limit::Bound, ..) if sequence.increment > 0 => "MAXVALUE",
            (Limit::Bound, ..) => "MINVALUE",
            (Limit::Type, _, "smallint") => "smallint",
            (Limit::Type, _, "integer") => "integer",
            (Limit::Type, ..) => "bigint",
        },
        pace: model::pace(known, sequence),
        sequence: sequence.clone(),
    }
}

impl Record for Row {
    type Id = u32;

    fn id(&self) -> u32 {
        self.sequence.oid
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn mark(&self) -> Option<Role> {
        match self.sequence.share {
            share if share >= CRITICAL => Some(Role::Critical),
            share if share >= WARNING => Some(Role::Warning),
            _ => None,
        }
    }

    fn marked() -> bool {
        true
    }
}

static COLUMNS: &[Column<Row>] = &[
    Column {
        id: "sequence",
        title: "SEQUENCE",
        help: "the sequence; its schema is left out where that is public",
        width: Width::Fit(14, 36),
        align: Align::Left,
        cell: |row| Cell::text(row.name.as_str()),
        key: |row| Key::from(row.name.as_str()),
    },
    Column {
        id: "used",
        title: "USED",
        help: "of the values it can give",
        width: Width::Fit(7, 7),
        align: Align::Right,
        cell: |row| {
            Cell::new(
                format::percent(100.0 * row.sequence.share),
                row.mark().unwrap_or(Role::Text),
            )
        },
        key: |row| Key::Number(row.sequence.share),
    },
    Column {
        id: "ends",
        title: "ENDS IN",
        help: "if it goes on like this; -: read once so far",
        width: Width::Fit(7, 8),
        align: Align::Right,
        cell: |row| match row.pace {
            Pace::Ends(seconds) => Cell::text(format::duration(seconds)),
            Pace::Still => Cell::new("still", Role::Muted),
            Pace::SetBack => Cell::new("set back", Role::Notice),
            Pace::Unknown => Cell::new(format::NONE, Role::Muted),
        },
        key: |row| match row.pace {
            Pace::Ends(seconds) => Key::Number(seconds),
            _ => Key::None,
        },
    },
    Column {
        id: "left",
        title: "LEFT",
        help: "values it can still give",
        width: Width::Fit(6, 6),
        align: Align::Right,
        cell: |row| model::left(&row.sequence).map_or(Cell::empty(), |left| Cell::text(format::count(left))),
        key: |row| Key::from(model::left(&row.sequence)),
    },
    Column {
        id: "limit",
        title: "LIMIT",
        help: "what ends first: the column, the sequence's type, or its MAXVALUE",
        width: Width::Fit(8, 15),
        align: Align::Left,
        cell: |row| Cell::text(row.limit),
        key: |row| Key::from(row.limit),
    },
    Column {
        id: "column",
        title: "COLUMN",
        help: "the narrowest column it feeds",
        width: Width::Fit(8, 44),
        align: Align::Left,
        cell: |row| Cell::text(row.column.as_str()),
        key: |row| Key::from(row.column.as_str()),
    },
];
