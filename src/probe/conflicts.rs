//! Queries of this standby that replay has canceled, by reason, over all databases. Asked only in recovery.

use crate::form;
use crate::pg::fault::Fault;
use crate::pg::rows::Rows;
use crate::probe::recovery::RecoveryProbe;
use crate::probe::{Ask, Probe, Spec, Tier, Wanted};

/// The probe.
pub struct ConflictsProbe;

/// Canceled queries since the statistics began.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conflicts {
    /// Seconds since 1970 by the server's clock.
    pub epoch: f64,
    /// Because replay removed rows that the query could still see.
    pub snapshot: i64,
    /// Because replay needed a lock that the query held.
    pub lock: i64,
    /// Because the query looked at a page that replay had to clean.
    pub buffer_pin: i64,
    /// Because of a deadlock with replay.
    pub deadlock: i64,
    /// Because a tablespace was dropped.
    pub tablespace: i64,
    /// Logical slots invalidated on this standby (16+).
    pub logical_slot: i64,
}

impl Conflicts {
    /// Every kind with its name in words, the commonest first.
    #[must_use]
    pub fn kinds(&self) -> [(&'static str, i64); 6] {
        [
            ("snapshot", self.snapshot),
            ("lock", self.lock),
            ("buffer pin", self.buffer_pin),
            ("deadlock", self.deadlock),
            ("tablespace", self.tablespace),
            ("logical slot", self.logical_slot),
        ]
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> i64 {
        self.kinds()
            .iter()
            .fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}

impl Probe for ConflictsProbe {
    type Data = Conflicts;
    const SPEC: Spec = Spec {
        id: "conflicts",
        title: "queries canceled because of replay",
        why: "Counted per database; here over all of them. Before 15 this loads the statistics file, so it is not \
              asked in the hot tier.",
        tier: Tier::Workload,
        variants: &[form!("conflicts", 16), form!("conflicts")],
    };

    fn wanted(ask: &Ask<'_>) -> Wanted {
        RecoveryProbe::wanted(ask)
    }

    fn decode(rows: &Rows) -> Result<Conflicts, Fault> {
        let row = rows.only()?;
        let count = |column: &str| row.get::<Option<i64>>(column).map(Option::unwrap_or_default);
        Ok(Conflicts {
            epoch: row.get("epoch")?,
            snapshot: count("snapshot")?,
            lock: count("lock")?,
            buffer_pin: count("buffer_pin")?,
            deadlock: count("deadlock")?,
            tablespace: count("tablespace")?,
            logical_slot: count("logical_slot")?,
        })
    }
}
