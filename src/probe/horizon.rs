//! Who holds the xmin horizon back: what VACUUM may not remove, and because of whom.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::{Row, Rows};
use crate::probe::{Ask, Param, Probe, Spec, Tier};

/// Holders asked for.
pub const TOP: u8 = 20;

/// The probe.
pub struct HorizonProbe;

/// One holder; the list comes oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Holder {
    /// `session`, `prepared transaction`, `slot`, `slot catalog`, `standby`.
    pub kind: String,
    /// Role, gid, slot or standby.
    pub name: String,
    /// The process, if one stands behind it.
    pub pid: Option<i32>,
    /// Its `backend_start` in microseconds since 1970.
    pub start: Option<i64>,
    /// Application and state, owner, or kind of slot.
    pub detail: Option<String>,
    /// Its `application_name`.
    pub application: Option<String>,
    /// State of the session or its `backend_type`, type of the slot, state of the standby.
    pub state: Option<String>,
    /// A slot or standby that is connected; `None` for what has no such state.
    pub active: Option<bool>,
    /// The database whose tables it holds; `None` where it holds all of them.
    pub database: Option<String>,
    /// It holds (also) the tables of the connected database.
    pub here: bool,
    /// Age of the oldest xid it needs, in transactions.
    pub xmin_age: i64,
    /// Age of its transaction in seconds.
    pub age_s: Option<f64>,
}

impl Probe for HorizonProbe {
    type Data = Vec<Holder>;
    const SPEC: Spec = Spec {
        id: "horizon",
        title: "who holds the xmin horizon back",
        why: "Dead rows younger than the oldest snapshot stay. Sessions (not VACUUM itself, which others ignore), \
              prepared transactions, slots (not lost ones) and standbys with hot_standby_feedback can hold it.",
        tier: Tier::Workload,
        variants: &[form!("horizon", 13), form!("horizon")],
    };

    fn params(ask: &Ask<'_>) -> Vec<Param> {
        vec![Param::Int(TOP.into()), Param::Ints(ask.own.to_vec())]
    }

    fn decode(rows: &Rows) -> Result<Vec<Holder>, Fault> {
        rows.iter().map(holder).collect()
    }
}

fn holder(row: Row<'_>) -> Result<Holder, Fault> {
    Ok(Holder {
        kind: row.text("kind")?.unwrap_or_default(),
        name: row.text("name")?.unwrap_or_default(),
        pid: row.get("pid")?,
        start: row.get("start_us")?,
        detail: row.text("detail")?,
        application: row.text("application")?,
        state: row.text("state")?,
        active: row.get("active")?,
        database: row.text("database")?,
        here: row.get("here")?,
        xmin_age: row.get("xmin_age")?,
        age_s: row.get("age_s")?,
    })
}
