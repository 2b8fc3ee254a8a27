use rstest::rstest;

use super::*;
use crate::alert::testing::{BEGIN, Watched};

const MIB: i64 = 1 << 20;

fn slot(second: u32, kept: i64, active: bool) -> Slot {
    Slot {
        epoch: BEGIN + f64::from(second),
        slot_name: "dr1".to_owned(),
        slot_type: "physical".to_owned(),
        active,
        kept_bytes: Some(kept),
        wal_status: Some("reserved".to_owned()),
        ..Slot::default()
    }
}

/// A sample every 15 seconds.
fn watch(watched: &mut Watched, seconds: std::ops::Range<u32>, limit: Option<i64>, sample: impl Fn(u32) -> Slot) {
    for second in seconds.step_by(15) {
        watched.pass(15.0);
        watched.pulse(|_| ());
        watched.answer::<WalSettingsProbe>(WalSettings {
            max_keep_bytes: limit,
            ..WalSettings::default()
        });
        let slot = sample(second + 15);
        let safe = limit.zip(slot.kept_bytes).map(|(limit, kept)| limit - kept);
        watched.answer::<SlotsProbe>(vec![Slot {
            safe_bytes: safe,
            ..slot
        }]);
    }
}

#[test]
fn a_slot_nobody_reads_is_on_its_way_to_be_lost() {
    let mut watched = Watched::new();
    // 1 MiB a second, and 10 GiB are allowed: an hour is left when 6.5 GiB are kept.
    let grows = |second: u32| slot(second, i64::from(second) * MIB, false);
    watch(&mut watched, 0..6000, Some(10 << 30), grows);
    assert!(watched.raised(&RULE).is_empty());
    watch(&mut watched, 6000..6900, Some(10 << 30), grows);
    assert_eq!(watched.raised(&RULE), [("dr1".to_owned(), Severity::Warning)]);
    assert!(watched.sentences(&RULE)[0].starts_with("slot dr1 loses WAL in about 5"));
    watch(&mut watched, 6900..9900, Some(10 << 30), grows);
    assert_eq!(watched.raised(&RULE)[0].1, Severity::Critical);
    // Its consumer is back and reads.
    watch(&mut watched, 9900..10_800, Some(10 << 30), |second| {
        slot(second, MIB, true)
    });
    assert!(watched.raised(&RULE).is_empty());
    assert_eq!(watched.events.len(), 3, "{:?}", watched.events);
}

/// A logical slot in use goes up at the pace of the WAL, and down with every confirmation.
#[test]
fn a_slot_in_use_goes_up_and_down() {
    let mut watched = Watched::new();
    for limit in [Some(2 << 30), None] {
        watch(&mut watched, 0..1800, limit, |second| {
            slot(second, 50 * MIB * i64::from(second / 15 % 2 * 15 + 1), true)
        });
    }
    assert!(watched.events.is_empty(), "{:?}", watched.events);
}

#[test]
fn a_slot_without_a_limit_fills_the_disk() {
    let mut watched = Watched::new();
    watch(&mut watched, 0..60, None, |second| slot(second, 8 << 30, false));
    assert!(watched.raised(&RULE).is_empty());
    watch(&mut watched, 60..120, None, |second| slot(second, 12 << 30, false));
    assert_eq!(watched.raised(&RULE), [("dr1".to_owned(), Severity::Warning)]);
    assert_eq!(watched.sentences(&RULE), ["slot dr1 keeps 12 GiB of WAL for nobody"]);
    watch(&mut watched, 120..180, None, |second| slot(second, 51 << 30, false));
    assert_eq!(watched.raised(&RULE)[0].1, Severity::Critical);
    // Much, and it is being read.
    let reads = |second: u32| slot(second, (40 << 30) - i64::from(second) * MIB, true);
    watch(&mut watched, 180..1200, None, reads);
    assert!(watched.raised(&RULE).is_empty());
}

#[rstest]
#[case::lost("lost", None, Severity::Critical, "slot dr1 is lost")]
#[case::idle("lost", Some("idle_timeout"), Severity::Warning, "slot dr1 is lost (idle_timeout)")]
#[case::over(
    "unreserved",
    None,
    Severity::Critical,
    "slot dr1 is over its limit: the next checkpoint may lose it"
)]
fn what_the_server_says(
    #[case] status: &str,
    #[case] reason: Option<&str>,
    #[case] severity: Severity,
    #[case] said: &str,
) {
    let mut watched = Watched::new();
    watch(&mut watched, 0..15, Some(1 << 30), |second| Slot {
        wal_status: Some(status.to_owned()),
        invalidation_reason: reason.map(str::to_owned),
        ..slot(second, MIB, false)
    });
    assert_eq!(watched.raised(&RULE), [("dr1".to_owned(), severity)]);
    assert_eq!(watched.sentences(&RULE), [said]);
}

/// What the primary's slot keeps is its consumer's business there.
#[test]
fn the_copy_of_a_failover_slot_is_calm() {
    let mut watched = Watched::new();
    watch(&mut watched, 0..900, None, |second| Slot {
        synced: Some(true),
        failover: Some(true),
        ..slot(second, 20 << 30, false)
    });
    assert!(watched.events.is_empty());
}

#[test]
fn only_what_helps_is_offered() {
    let judged = |slot: Slot| Judged::of(&slot, None, None);
    let settings = |limit| WalSettings {
        max_keep_bytes: limit,
        ..WalSettings::default()
    };
    let offered = |slot: Slot, limit: Option<i64>| -> Vec<String> {
        let finding = Finding::new("", Reach::default(), "", Jump::to("replication"));
        let mended = mend(finding, &judged(slot), &settings(limit));
        mended.remedies.into_iter().map(|remedy| remedy.text).collect()
    };
    assert!(
        offered(slot(0, MIB, true), None).is_empty(),
        "nobody drops a slot in use"
    );
    let raise = offered(slot(0, MIB, true), Some(3 << 30)).remove(0);
    assert!(
        raise.starts_with("ALTER SYSTEM SET max_slot_wal_keep_size = '6GB';"),
        "{raise}"
    );
    let drop = offered(slot(0, MIB, false), None).remove(0);
    assert!(
        drop.starts_with("SELECT pg_drop_replication_slot('dr1'); -- WARNING"),
        "{drop}"
    );
}
