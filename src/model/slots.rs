//! What a slot threatens: the disk, or its own consumer.
//!
//! A slot that nobody reads keeps WAL until the disk is full, or, with `max_slot_wal_keep_size`, until it is
//! invalidated and its consumer has to begin anew. How full the disk is no role but a superuser's can be told.

use crate::model::concern::Concern;
use crate::model::remedy;
use crate::model::trails::Speed;
use crate::probe::slots::Slot;

/// Bytes kept by a slot nobody uses from which it is a warning.
const MUCH: i64 = 1 << 30;
/// Bytes below which growth is no worry yet: a few segments, as long as a standby restarts.
const FEW: i64 = 64 << 20;
/// Seconds left from which on it is a warning, and worth a look.
const LEFT_S: (f64, f64) = (3600.0, 86_400.0);

/// What becomes of a slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outlook {
    /// It is lost: the WAL it needs is removed, or it was invalidated.
    Lost,
    /// Over the limit: the next checkpoint may remove what it needs.
    Unreserved,
    /// Lost in about so many seconds, should it go on as in the last minutes.
    LostIn(f64),
    /// It keeps more and more, and nothing limits it but the disk.
    Fills,
    /// It keeps no more than before, or is used up as it should.
    Steady,
}

/// A slot, what it threatens and how bad that is.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The slot.
    pub slot: Slot,
    /// How fast what it keeps grows.
    pub growth: Option<Speed>,
    /// How fast logical decoding spills to disk.
    pub spills: Option<Speed>,
    /// What becomes of it.
    pub outlook: Outlook,
    /// How bad that is.
    pub concern: Concern,
}

impl Judged {
    /// Judges a slot; `growth` is the change of what it keeps.
    #[must_use]
    pub fn of(slot: &Slot, growth: Option<Speed>, spills: Option<Speed>) -> Self {
        let outlook = outlook(slot, growth);
        Self {
            concern: concern(slot, outlook),
            slot: slot.clone(),
            growth,
            spills,
            outlook,
        }
    }
}

/// It cannot be used any more.
#[must_use]
pub fn lost(slot: &Slot) -> bool {
    slot.wal_status.as_deref() == Some("lost") || slot.invalidation_reason.is_some() || slot.conflicting == Some(true)
}

fn outlook(slot: &Slot, growth: Option<Speed>) -> Outlook {
    if lost(slot) {
        return Outlook::Lost;
    }
    if slot.wal_status.as_deref() == Some("unreserved") {
        return Outlook::Unreserved;
    }
    // Less than a byte a second is no trend.
    let grows = growth.filter(|speed| speed.per_second >= 1.0);
    match (grows, slot.safe_bytes) {
        (Some(speed), Some(safe)) => Outlook::LostIn(crate::model::rates::float(safe.max(0)) / speed.per_second),
        (Some(_), None) if !slot.active => Outlook::Fills,
        _ => Outlook::Steady,
    }
}

fn concern(slot: &Slot, outlook: Outlook) -> Concern {
    let much = slot.kept_bytes >= Some(MUCH);
    let (warning, notice) = LEFT_S;
    match outlook {
        Outlook::Lost | Outlook::Unreserved => Concern::Critical,
        Outlook::LostIn(left) if left < warning || !slot.active && left < notice => Concern::Warning,
        _ if !slot.active && much => Concern::Warning,
        Outlook::Fills if slot.kept_bytes >= Some(FEW) => Concern::Warning,
        Outlook::LostIn(left) if !slot.active || left < notice => Concern::Notice,
        _ if !slot.active && !slot.temporary && slot.synced != Some(true) => Concern::Notice,
        _ if much => Concern::Notice,
        _ => Concern::Calm,
    }
}

/// The statement that gets rid of a slot nobody uses; `None` for one in use and for a standby's copy of the primary's,
/// which the server refuses to drop.
#[must_use]
pub fn drop_statement(slot: &Slot) -> Option<String> {
    (!slot.active && slot.synced != Some(true))
        .then(|| remedy::drop_slot(&slot.slot_name, &slot.slot_type, slot.database.as_deref()))
}

/// What keeps a slot from being lost. A logical one keeps WAL from the begin of the oldest transaction that was open when
/// it was last confirmed: its consumer may have read everything.
#[must_use]
pub fn way_out(slot: &Slot) -> &'static str {
    if slot.synced == Some(true) {
        return "its consumer reads on the primary, look there";
    }
    if !slot.active {
        return "bring its consumer back, or drop it";
    }
    let read = slot.confirmed_bytes.zip(slot.kept_bytes);
    if read.is_some_and(|(confirmed, kept)| confirmed < kept / 2) {
        "its consumer keeps up, a transaction that stays open holds it: see Horizon in Vacuum"
    } else {
        "its consumer has to catch up"
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn slot() -> Slot {
        Slot {
            slot_name: "dr1".to_owned(),
            slot_type: "physical".to_owned(),
            active: true,
            kept_bytes: Some(16 << 20),
            wal_status: Some("reserved".to_owned()),
            ..Slot::default()
        }
    }

    fn status(status: &str) -> Slot {
        Slot {
            wal_status: Some(status.to_owned()),
            ..slot()
        }
    }

    fn limited(safe: i64, active: bool) -> Slot {
        Slot {
            safe_bytes: Some(safe),
            active,
            ..slot()
        }
    }

    #[rstest]
    #[case::healthy(slot(), 0.0, Outlook::Steady, Concern::Calm)]
    #[case::lost(status("lost"), 0.0, Outlook::Lost, Concern::Critical)]
    #[case::invalidated(Slot { invalidation_reason: Some("idle_timeout".to_owned()), ..slot() }, 0.0, Outlook::Lost, Concern::Critical)]
    #[case::unreserved(status("unreserved"), 0.0, Outlook::Unreserved, Concern::Critical)]
    #[case::an_hour_left(limited(3_599_000, true), 1000.0, Outlook::LostIn(3599.0), Concern::Warning)]
    #[case::weeks_left(limited(3_600_000_000, true), 1000.0, Outlook::LostIn(3_600_000.0), Concern::Calm)]
    #[case::weeks_left_and_idle(limited(3_600_000_000, false), 1000.0, Outlook::LostIn(3_600_000.0), Concern::Notice)]
    #[case::shrinks(limited(1000, true), -1000.0, Outlook::Steady, Concern::Calm)]
    #[case::fills_the_disk(Slot { active: false, kept_bytes: Some(100 << 20), ..slot() }, 1000.0, Outlook::Fills, Concern::Warning)]
    #[case::begins_to_fill_it(Slot { active: false, ..slot() }, 1000.0, Outlook::Fills, Concern::Notice)]
    #[case::catches_up(Slot { kept_bytes: Some(2 << 30), ..slot() }, 1000.0, Outlook::Steady, Concern::Notice)]
    #[case::abandoned(Slot { active: false, kept_bytes: Some(2 << 30), ..slot() }, 0.0, Outlook::Steady, Concern::Warning)]
    #[case::waits_for_its_standby(Slot { active: false, ..slot() }, 0.0, Outlook::Steady, Concern::Notice)]
    #[case::a_copy_on_a_standby(Slot { active: false, synced: Some(true), ..slot() }, 0.0, Outlook::Steady, Concern::Calm)]
    fn what_becomes_of_it(
        #[case] slot: Slot,
        #[case] per_second: f64,
        #[case] outlook: Outlook,
        #[case] concern: Concern,
    ) {
        let growth = Speed { per_second, over: 60.0 };
        let judged = Judged::of(&slot, Some(growth), None);
        assert_eq!((judged.outlook, judged.concern), (outlook, concern));
    }

    #[test]
    fn only_a_slot_nobody_uses_can_be_dropped() {
        assert_eq!(drop_statement(&slot()), None);
        let idle = Slot {
            slot_name: "it's\n".to_owned(),
            database: Some("a\nb".to_owned()),
            active: false,
            ..slot()
        };
        let copy = Slot {
            synced: Some(true),
            ..idle.clone()
        };
        assert_eq!(drop_statement(&copy), None);
        let text = drop_statement(&idle).unwrap();
        assert!(text.starts_with("SELECT pg_drop_replication_slot("), "{text}");
        assert!(text.ends_with("; physical slot of database a?b"), "{text}");
        assert!(text.chars().all(crate::pg::quote::visible), "{text}");
    }

    #[rstest]
    #[case::nobody_reads_it(false, None, "bring its consumer back")]
    #[case::a_standby_behind(true, None, "catch up")]
    #[case::a_subscriber_behind(true, Some(90), "catch up")]
    #[case::an_old_transaction(true, Some(10), "transaction that stays open")]
    fn what_keeps_it_from_being_lost(#[case] active: bool, #[case] confirmed: Option<i64>, #[case] said: &str) {
        let slot = Slot {
            active,
            kept_bytes: Some(100),
            confirmed_bytes: confirmed,
            ..Slot::default()
        };
        assert!(way_out(&slot).contains(said), "{}", way_out(&slot));
        let copy = Slot {
            synced: Some(true),
            ..slot
        };
        assert!(way_out(&copy).contains("on the primary"));
    }
}
