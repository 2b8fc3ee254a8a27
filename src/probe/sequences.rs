//! Sequences and how much of their range is used: that of the sequence, or of the narrower column it feeds.

use std::collections::BTreeMap;

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::named::Named;
use crate::probe::{Ask, Param, Probe, Spec, Tier};

/// So many are read at most, however large the server's lock table is: each stays in the memory of our backend.
const READ_AT_MOST: i64 = 5000;
/// Values older than this are no basis for a forecast if there is a younger one, in seconds.
const REMEMBERED_S: f64 = 90_000.0;
/// How many are kept of one sequence, however often it is asked.
const REMEMBERED: usize = 32;

/// The probe.
pub struct SequencesProbe;

/// The fullest sequences, and how many there are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequences {
    /// `clock_timestamp()` of the reading.
    pub epoch: f64,
    /// The oid of the database.
    pub database: u32,
    /// All that can end: cycling and temporary ones are not counted.
    pub sequences: i64,
    /// Those that were looked at and whose value our role may not see.
    pub unreadable: i64,
    /// The schema most of these are in.
    pub unreadable_schema: Option<String>,
    /// Unlogged ones, which a standby does not have.
    pub unlogged: i64,
    /// Those that were read.
    pub read: i64,
    /// Those left out because somebody's lock stands in the way.
    pub locked: i64,
    /// The last of those that were read because it was their turn; 0 when all had theirs, or all are read every time.
    pub turn: i64,
    /// The fullest first.
    pub rows: Vec<Sequence>,
    /// Values read earlier, by oid, the oldest first and this one last.
    pub earlier: BTreeMap<u32, Vec<(f64, i64)>>,
}

/// One of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequence {
    /// Its oid.
    pub oid: u32,
    /// Its name.
    pub name: Named,
    /// `smallint`, `integer` or `bigint`.
    pub sequence_type: String,
    /// The narrowest column it feeds.
    pub column: Option<Column>,
    /// What a value is followed by; negative for a descending one.
    pub increment: i64,
    /// The last value it can give that also fits the column.
    pub bound: i64,
    /// The last value it gave; `None` if it never gave one.
    pub last_value: Option<i64>,
    /// Used part of its range, 0 to 1; more than 1 when values no longer fit the column.
    pub share: f64,
}

/// A column that takes its default from a sequence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// The oid of its table.
    pub table_oid: u32,
    /// Its table.
    pub table: Named,
    /// Its name.
    pub name: String,
    /// Bytes of its type: 2, 4, or 8 for everything that is wider.
    pub width: i32,
}

impl Probe for SequencesProbe {
    type Data = Sequences;
    const SPEC: Spec = Spec {
        id: "sequences",
        title: "sequences near their end",
        why: "The last value of each sequence against the narrower of its own type and the column it feeds. Reading one \
              takes ROW EXCLUSIVE on it to the end of the statement: those that somebody alters are left out, and of very \
              many no more are read than fill a tenth of the lock table: the likeliest, the fullest so far, and the others \
              in turn.",
        tier: Tier::Hourly,
        variants: &[form!("sequences")],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        let top = i32::try_from(ask.settings.top_relations).unwrap_or(i32::MAX);
        let known = ask.latest.get::<Self>();
        let before = known.map_or_else(Vec::new, |known| known.rows.iter().map(|row| row.oid).collect());
        let turn = known.map_or(0, |known| known.turn);
        vec![
            Param::Int(top),
            Param::Big(READ_AT_MOST),
            Param::Oids(before),
            Param::Big(turn),
        ]
    }

    fn decode(rows: &Rows) -> Result<Sequences, Fault> {
        let mut known = Sequences::default();
        for row in rows.iter() {
            known.epoch = row.get("epoch")?;
            known.database = row.get("database")?;
            known.sequences = row.get("sequences")?;
            known.unreadable = row.get("unreadable")?;
            known.unreadable_schema = row.text("unreadable_schema")?;
            known.unlogged = row.get("unlogged")?;
            known.read = row.get("read")?;
            known.locked = row.get("locked")?;
            known.turn = row.get("turn")?;
            known.rows.extend(sequence(row)?);
        }
        Ok(known)
    }

    fn fold(known: Option<&Sequences>, mut answer: Sequences) -> Sequences {
        let known = known.filter(|known| known.database == answer.database && known.epoch < answer.epoch);
        for row in &answer.rows {
            let Some(last) = row.last_value else { continue };
            let before = known.and_then(|known| known.earlier.get(&row.oid));
            let before = before.map_or(&[][..], Vec::as_slice);
            let old = |at: &&(f64, i64)| answer.epoch - at.0 > REMEMBERED_S;
            let from = before.iter().take_while(old).count();
            let from = from
                .min(before.len().saturating_sub(1))
                .max((before.len() + 1).saturating_sub(REMEMBERED));
            let values = before.iter().skip(from).copied().chain([(answer.epoch, last)]);
            answer.earlier.insert(row.oid, values.collect());
        }
        answer
    }
}

fn sequence(row: Row<'_>) -> Result<Option<Sequence>, Fault> {
    let Some(name) = Named::read(row, "")? else {
        return Ok(None);
    };
    Ok(Some(Sequence {
        oid: row.get("oid")?,
        name,
        sequence_type: row.text("sequence_type")?.unwrap_or_default(),
        column: column(row)?,
        increment: row.get("increment")?,
        bound: row.get("bound")?,
        last_value: row.get("last_value")?,
        share: row.get("share")?,
    }))
}

fn column(row: Row<'_>) -> Result<Option<Column>, Fault> {
    let Some(table) = Named::read(row, "table_")? else {
        return Ok(None);
    };
    Ok(Some(Column {
        table_oid: row.get("table_oid")?,
        table,
        name: row.text("attname")?.unwrap_or_default(),
        width: row.get("width")?,
    }))
}
