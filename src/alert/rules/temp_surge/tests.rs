//! Temporary files by second.

use super::*;
use crate::alert::testing::Watched;
use crate::config::Settings;
use crate::model::concern::Severity;
use crate::probe::settings::{ServerSettings, Setting};
use crate::probe::statements::{Counters, Entry, Key, Statements};

const MIB: i64 = 1 << 20;

/// Readings every two seconds; MiB of temporary files that were closed by second.
fn watch(watched: &mut Watched, seconds: std::ops::Range<i64>, total: impl Fn(i64) -> i64) {
    for second in seconds.step_by(2) {
        watched.pass(2.0);
        watched.pulse(|_| ());
        watched.counters(|counters| counters.all.temp_bytes = total(second + 2) * MIB);
    }
}

#[test]
fn two_minutes_above_the_limit_and_twice_it() {
    let mut watched = Watched::new();
    watch(&mut watched, 0..600, |_| 0);
    watch(&mut watched, 600..900, |second| (second - 600) * 60);
    assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Warning)]);
    assert_eq!(watched.sentences(&RULE), ["60 MiB/s goes into temporary files"]);
    watch(&mut watched, 900..1300, |second| 18_000 + (second - 900) * 130);
    assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Critical)]);
    watch(&mut watched, 1300..1700, |_| 70_000);
    assert!(watched.raised(&RULE).is_empty());
}

#[test]
fn one_large_sort_that_ends_and_small_ones_all_the_time_are_none() {
    for total in [
        (|second: i64| if second > 700 { 40_000 } else { 0 }) as fn(i64) -> i64,
        |second| second * 20,
        // A report every five minutes.
        |second| second / 300 * 5000,
    ] {
        let mut watched = Watched::new();
        watch(&mut watched, 0..3000, total);
        assert!(watched.events.is_empty(), "{:?}", watched.events);
    }
}

#[test]
fn far_above_the_ordinary_of_five_minutes_is_a_notice() {
    let mut watched = Watched::new();
    watch(&mut watched, 0..800, |second| {
        if second < 600 {
            second
        } else {
            600 + (second - 600) * 30
        }
    });
    assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Notice)]);
}

#[test]
fn the_statement_its_role_and_a_work_mem_that_would_do() {
    let mut settings = Settings::default();
    settings.alerts.surge_for_s = 0.0;
    let mut watched = Watched::of(settings);
    for nth in 0..20i64 {
        watched.pass(15.0);
        watched.pulse(|_| ());
        watched.answer::<SettingsProbe>(ServerSettings {
            rows: vec![Setting {
                name: "work_mem".to_owned(),
                value: Some("4096".to_owned()),
                source: "default".to_owned(),
                ..Setting::default()
            }],
            ..ServerSettings::default()
        });
        let epoch = watched.known.server_now().unwrap();
        watched.answer::<StatementsProbe>(Statements {
            epoch,
            started: crate::alert::testing::BEGIN - 86_400.0,
            entries: vec![Entry {
                key: Key {
                    query: 7,
                    ..Key::default()
                },
                user: Some("App".into()),
                database: Some("shop".into()),
                counters: Counters {
                    calls: nth * 100,
                    // 900 MiB written and read again, in calls of 9 MiB.
                    temp: nth * 1800 * MIB / 8192,
                    ..Counters::default()
                },
                ..Entry::default()
            }],
            all: 1,
            ..Statements::default()
        });
        watched.answer::<Activity>(vec![Backend {
            pid: 4711,
            usename: Some("App".to_owned()),
            wait_event: Some("BufFileWrite".to_owned()),
            ..Backend::default()
        }]);
        watched.counters(|counters| counters.all.temp_bytes = nth * 900 * MIB);
    }
    let alert = watched.engine.raised().next().expect("60 MiB/s for five minutes");
    assert_eq!(
        alert.finding.details,
        [
            "statement 7 of App in shop writes 60 MiB/s",
            "1 session waits for such files right now, among them pid 4711 (App)",
            "work_mem is 4.0 MiB"
        ]
    );
    assert!(
        alert.finding.remedies[0]
            .text
            .starts_with("ALTER ROLE \"App\" SET work_mem = '32MB';\n"),
        "{:?}",
        alert.finding.remedies
    );
}
