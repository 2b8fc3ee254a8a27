//! WAL by second.

use super::*;
use crate::alert::testing::Watched;
use crate::config::Settings;
use crate::model::concern::Severity;
use crate::probe::settings::{ServerSettings, Setting};
use crate::probe::statements::{Counters, Entry, Key, Statements};

const MIB: i64 = 1 << 20;

/// Readings every two seconds; MiB of WAL per second by second.
fn watch(watched: &mut Watched, seconds: std::ops::Range<i64>, rate: impl Fn(i64) -> i64) {
    let mut position: i64 = (0..seconds.start).map(&rate).sum::<i64>() * MIB;
    for second in seconds.step_by(2) {
        watched.pass(2.0);
        position += (rate(second) + rate(second + 1)) * MIB;
        watched.pulse(|pulse| {
            pulse.wal_position = Some(position);
            pulse.timeline = Some(1);
        });
    }
}

#[test]
fn the_users_limit_has_to_be_passed_for_two_minutes() {
    let mut watched = Watched::new();
    let rate = |second| match second {
        600..1200 => 120,
        1200..1800 => 250,
        _ => 3,
    };
    // The mean of the last minute is above the limit some 50 seconds after the beginning.
    watch(&mut watched, 0..764, rate);
    assert!(watched.raised(&RULE).is_empty(), "{:?}", watched.events);
    watch(&mut watched, 764..900, rate);
    assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Warning)]);
    assert_eq!(watched.sentences(&RULE), ["120 MiB/s of WAL is written"]);
    watch(&mut watched, 900..1500, rate);
    assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Critical)]);
    watch(&mut watched, 1500..2100, rate);
    assert!(watched.raised(&RULE).is_empty());
}

#[test]
fn far_above_the_ordinary_is_a_notice_until_it_is_ordinary() {
    let mut watched = Watched::new();
    let rate = |second| if second < 1200 { 3 + second % 3 } else { 70 };
    watch(&mut watched, 0..1500, rate);
    assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Notice)]);
    let alert = watched.engine.raised().next().unwrap();
    assert_eq!(alert.finding.details, ["4.0 MiB/s is usual in this session"]);
    let began = alert.since() - crate::alert::testing::BEGIN;
    assert!((1130.0..=1201.0).contains(&began), "{began}");
    watch(&mut watched, 1500..3600, rate);
    assert!(watched.raised(&RULE).is_empty(), "the new ordinary");
}

#[test]
fn busy_all_day_says_that_it_is_usual() {
    let mut watched = Watched::new();
    watch(&mut watched, 0..3600, |_| 120);
    assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Warning)]);
    let alert = watched.engine.raised().next().unwrap();
    assert_eq!(alert.finding.details, ["as before: 120 MiB/s is usual in this session"]);
    // Whose server it is says so.
    let mut settings = Settings::default();
    settings.alerts.wal_surge_warn_bytes_per_sec = 200.0 * 1024.0 * 1024.0;
    settings.alerts.wal_surge_crit_bytes_per_sec = 400.0 * 1024.0 * 1024.0;
    let mut watched = Watched::of(settings);
    watch(&mut watched, 0..3600, |_| 120);
    assert!(watched.events.is_empty());
}

#[test]
fn a_load_below_the_limits_one_burst_and_waves_after_checkpoints_are_none() {
    for rate in [
        (|second: i64| if (1200..1800).contains(&second) { 45 } else { 1 }) as fn(i64) -> i64,
        |second| if (1200..1250).contains(&second) { 300 } else { 3 },
        |second| if second % 300 < 40 { 90 } else { 30 },
    ] {
        let mut watched = Watched::new();
        watch(&mut watched, 0..3600, rate);
        assert!(watched.events.is_empty(), "{:?}", watched.events);
    }
}

#[test]
fn a_standby_that_catches_up_replays_as_fast_as_it_can() {
    let mut watched = Watched::new();
    for second in (0..600).step_by(2) {
        watched.pass(2.0);
        watched.pulse(|pulse| {
            pulse.in_recovery = true;
            pulse.wal_position = Some(second * 500 * MIB);
        });
    }
    assert!(watched.events.is_empty());
}

#[test]
fn who_writes_and_what_of_it_are_full_pages() {
    let mut settings = Settings::default();
    settings.alerts.surge_for_s = 0.0;
    let mut watched = Watched::of(settings);
    for nth in 0..20i64 {
        watched.pass(15.0);
        watched.answer::<SettingsProbe>(ServerSettings {
            rows: vec![Setting {
                name: "wal_compression".to_owned(),
                value: Some("off".to_owned()),
                source: "default".to_owned(),
                ..Setting::default()
            }],
            ..ServerSettings::default()
        });
        watched.counters(|counters| {
            counters.wal.full_pages = Some(nth * 15 * 150 * MIB / 8192 * 3 / 4);
            counters.wal.bytes = Some(nth * 15 * 150 * MIB);
        });
        let epoch = watched.known.server_now().unwrap();
        #[expect(clippy::cast_precision_loss, reason = "a test's number")]
        let entry = |query: i64, mib: i64| Entry {
            key: Key {
                query,
                ..Key::default()
            },
            user: Some("app".into()),
            database: Some("shop".into()),
            counters: Counters {
                calls: 1 + nth,
                wal: Some((nth * 15 * mib * MIB) as f64),
                ..Counters::default()
            },
            ..Entry::default()
        };
        watched.answer::<StatementsProbe>(Statements {
            epoch,
            started: crate::alert::testing::BEGIN - 86_400.0,
            entries: vec![entry(7, 100), entry(8, 20)],
            all: 2,
            ..Statements::default()
        });
        watched.pulse(|pulse| {
            pulse.wal_position = Some(nth * 15 * 150 * MIB);
            pulse.timeline = Some(1);
        });
    }
    let alert = watched.engine.raised().next().expect("150 MiB/s for five minutes");
    assert_eq!(
        alert.finding.details,
        [
            "statement 7 of app in shop writes 100 MiB/s",
            "up to 75.0 % of it are full-page images, which follow a checkpoint"
        ]
    );
    let key = Key {
        query: 7,
        ..Key::default()
    };
    assert_eq!(alert.finding.jump, Jump::to("queries").row(key.into()));
    assert!(
        alert.finding.remedies[0]
            .text
            .starts_with("ALTER SYSTEM SET wal_compression = on;\n")
    );
}
