//! Checkpoints that come because WAL has filled up, one after the other, instead of at `checkpoint_timeout`.
//!
//! A timed checkpoint is the server's own plan, so the interval that counts is the one between requested ones: on a
//! server with nothing but timed checkpoints every five minutes there is nothing to mend. A few requested ones are no
//! thrash either: somebody typed CHECKPOINT, took a base backup, created a database.

use std::time::Duration;

use super::surge::{self, NEAR};
use crate::alert::{Finding, Jump, Outcome, Reach, Rule, at_once};
use crate::known::Known;
use crate::model::concern::Severity;
use crate::model::observe::name;
use crate::model::series::Fold;
use crate::probe::Probe as _;
use crate::probe::counters::CountersProbe;
use crate::probe::pulse::PulseProbe;
use crate::probe::settings::SettingsProbe;
use crate::ui::format;

pub(super) static RULE: Rule = Rule {
    id: "checkpoints",
    title: "checkpoints come too often",
    pane: "overview",
    needs: &[CountersProbe::SPEC.id],
    uses: &[PulseProbe::SPEC.id, SettingsProbe::SPEC.id],
    server_wide: true,
    check,
    lasts: at_once,
    settles: 300.0,
    warning: "in the last {checkpoint_window_s} four or more were requested, which is {checkpoint_ratio_warn} of all or one \
              every {checkpoint_interval_warn_seconds}",
    critical: "ten or more, {checkpoint_ratio_crit} of all or one every {checkpoint_interval_crit_seconds}",
    doc: "A checkpoint is requested when WAL since the last one nears max_wal_size. After each, every page is written whole \
          into WAL once more, which fills it faster still. Where there is little WAL between them somebody asks for them: \
          CHECKPOINT, a backup, CREATE DATABASE before 15; then only the interval counts. On a standby this says nothing.",
};

/// So few requested checkpoints are none of anybody's business.
const FEW: f64 = 4.0;
/// So many are not there by chance.
const MANY: f64 = 10.0;
/// The share of the window that has to be known.
const KNOWN: f64 = 0.25;
/// With less than this share of `max_wal_size` between two of them it was not WAL that asked.
const FILLED: f64 = 0.25;
/// Stretches of the window, one of which is the busiest.
const STRETCHES: usize = 12;
const MIB: f64 = 1024.0 * 1024.0;

fn check(known: &Known) -> Outcome {
    if known.in_recovery() {
        return Outcome::calm();
    }
    let alerts = &known.settings.alerts;
    let window = Duration::from_secs_f64(alerts.checkpoint_window_s);
    let Some(paced) = Paced::of(known, window) else {
        let (_, seen) = known.series.total(name::CHECKPOINTS_REQUESTED, known.now, window);
        let wait = format::age(alerts.checkpoint_window_s * KNOWN - seen);
        return Outcome::not_yet(format!("how often checkpoints come is known in {wait}"));
    };
    let interval = Reach::falling(
        paced.every(),
        alerts.checkpoint_interval_warn_seconds,
        alerts.checkpoint_interval_crit_seconds,
    );
    let ratio = Reach::rising(
        paced.requested / (paced.requested + paced.timed),
        alerts.checkpoint_ratio_warn,
        alerts.checkpoint_ratio_crit,
    );
    let reach = if paced.by_wal() {
        interval.or(ratio)
    } else {
        interval.at_most(Severity::Warning)
    };
    let reach = reach.and(Reach::measured(paced.requested / FEW, paced.requested / MANY));
    if reach.warning < NEAR {
        return Outcome::calm();
    }
    Outcome::of([paced.told(reach, known)])
}

/// Checkpoints of the window.
struct Paced {
    timed: f64,
    requested: f64,
    /// Seconds of it that are known.
    seconds: f64,
    /// Bytes of WAL in it.
    wal: f64,
    /// Bytes of WAL per second in the busiest twelfth of it.
    busiest: f64,
    /// `max_wal_size` in bytes.
    max: Option<f64>,
    /// `checkpoint_timeout` in seconds.
    timeout: f64,
}

impl Paced {
    /// What was seen of the window; `None` if that is not enough.
    fn of(known: &Known, window: Duration) -> Option<Self> {
        let total = |name| known.series.total(name, known.now, window);
        let (requested, seconds) = total(name::CHECKPOINTS_REQUESTED);
        let (timed, _) = total(name::CHECKPOINTS_TIMED);
        let (wal, _) = total(name::WAL_POSITION);
        let stretches = known
            .series
            .window(name::WAL_POSITION, Fold::Mean, known.now, window, STRETCHES);
        // pg_settings counts it in MB.
        let max = known
            .fresh::<SettingsProbe>()
            .and_then(|row| row.number("max_wal_size"));
        let timeout = known.fresh::<PulseProbe>().map(|pulse| pulse.checkpoint_timeout_s);
        (seconds >= window.as_secs_f64() * KNOWN).then(|| Self {
            timed: timed.round(),
            requested: requested.round(),
            seconds,
            wal,
            busiest: stretches.into_iter().flatten().fold(0.0, f64::max),
            max: max.map(|megabytes| megabytes * MIB),
            timeout: timeout.filter(|seconds| *seconds > 0.0).unwrap_or(300.0),
        })
    }

    /// Seconds between two requested ones.
    fn every(&self) -> f64 {
        self.seconds / self.requested
    }

    /// There was enough WAL between them to ask for them.
    fn by_wal(&self) -> bool {
        self.max.is_none_or(|max| self.wal / self.requested >= max * FILLED)
    }

    fn told(&self, reach: Reach, known: &Known) -> Finding {
        let sentence = format!(
            "{} of {} checkpoints in {} were requested, one every {}",
            format::count(self.requested),
            format::count(self.requested + self.timed),
            format::age(self.seconds),
            format::age(self.every())
        );
        let finding = Finding::new("", reach, sentence, Jump::to("overview"));
        if !self.by_wal() {
            let wal = format::bytes(self.wal / self.requested);
            let finding = finding.detail(format!("not because of WAL: there is only {wal} between two of them"));
            return finding.detail("somebody asks for them: CHECKPOINT, a backup, CREATE DATABASE");
        }
        let pace = format::bytes_per_s(self.busiest);
        let finding = match self.max {
            Some(max) => finding.detail(format!(
                "max_wal_size is {}, and up to {pace} of WAL is written",
                format::bytes(max)
            )),
            None => finding.detail(format!("up to {pace} of WAL is written")),
        };
        let finding = match whole_pages(known, self.seconds) {
            Some(share) => finding.detail(format!(
                "up to {} of it are pages written whole after a checkpoint",
                format::percent(share * 100.0)
            )),
            None => finding,
        };
        finding.remedy("room for the WAL of one checkpoint_timeout", self.remedy())
    }

    /// The room that what is written between two timed checkpoints needs: the server begins one when about half of
    /// `max_wal_size` is full, and a fifth more is for what comes on top.
    fn remedy(&self) -> String {
        let needed = (self.busiest * self.timeout * 2.0 * 1.2).max(self.max.unwrap_or_default() * 2.0);
        let gigabytes = (needed / (1024.0 * MIB)).ceil().max(1.0);
        format!(
            "ALTER SYSTEM SET max_wal_size = '{gigabytes:.0}GB';\nSELECT pg_reload_conf();\n-- pg_wal may grow to that size, \
             and recovery after a crash may have to read it"
        )
    }
}

/// The share of WAL that is full-page images, if it is worth telling and known.
fn whole_pages(known: &Known, seconds: f64) -> Option<f64> {
    let window = Duration::try_from_secs_f64(seconds).ok()?;
    let images = known.series.mean(name::WAL_FULL_PAGES, known.now, window)?;
    let wal = known.series.mean(name::WAL_POSITION, known.now, window)?;
    let share = (images * surge::block(known) / wal).min(1.0);
    (share >= 0.1).then_some(share)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::alert::testing::Watched;
    use crate::config::Settings;
    use crate::probe::settings::{ServerSettings, Setting};

    /// Readings every five seconds: timed and requested checkpoints and bytes of WAL by second.
    fn watch(watched: &mut Watched, seconds: std::ops::Range<i64>, at: impl Fn(i64) -> (i64, i64, i64)) {
        for second in seconds.step_by(5) {
            watched.pass(5.0);
            let (timed, requested, wal) = at(second + 5);
            watched.answer::<SettingsProbe>(ServerSettings {
                rows: vec![Setting {
                    name: "max_wal_size".to_owned(),
                    value: Some("1024".to_owned()),
                    source: "default".to_owned(),
                    ..Setting::default()
                }],
                ..ServerSettings::default()
            });
            watched.pulse(|pulse| {
                pulse.wal_position = Some(wal);
                pulse.timeline = Some(1);
                pulse.checkpoint_timeout_s = 300.0;
            });
            watched.counters(|counters| {
                (counters.checkpoints.timed, counters.checkpoints.requested) = (timed, requested);
            });
        }
    }

    const MB: i64 = 1 << 20;

    #[rstest]
    #[case::default_server(|s| (s / 300, 0, s * MB), None)]
    #[case::timed_every_minute_because_somebody_wants_it(|s| (s / 60, 0, s * MB), None)]
    #[case::one_typed(|s| (s / 300, i64::from(s > 1000), s * MB), None)]
    #[case::three_backups(|s| (s / 300, s / 1000, s * MB), None)]
    #[case::a_backup_every_quarter_of_an_hour(|s| (s / 300, s / 900, s * 1000), None)]
    #[case::bulk_load_of_a_minute(|s: i64| (s / 300, (s - 1000).clamp(0, 60) / 30, (s - 1000).clamp(0, 60) * 20 * MB), None)]
    #[case::a_quarter_by_wal(|s| (s / 400, s / 900, s * MB), Some(Severity::Warning))]
    #[case::every_four_minutes(|s| (s / 240, s / 240, s * 2 * MB), Some(Severity::Critical))]
    #[case::every_minute(|s| (0, s / 60, s * 9 * MB), Some(Severity::Critical))]
    #[case::typed_every_minute(|s| (0, s / 60, s * 1000), Some(Severity::Warning))]
    fn what_counts_after_an_hour(#[case] at: fn(i64) -> (i64, i64, i64), #[case] expected: Option<Severity>) {
        let mut watched = Watched::new();
        watch(&mut watched, 0..3600, at);
        let raised: Vec<_> = watched
            .raised(&RULE)
            .into_iter()
            .map(|(_, severity)| severity)
            .collect();
        assert_eq!(raised, expected.into_iter().collect::<Vec<_>>());
        if expected.is_none() {
            assert!(watched.events.is_empty(), "{:?}", watched.events);
        }
    }

    #[test]
    fn the_evidence_and_room_for_what_is_written() {
        let mut watched = Watched::new();
        watch(&mut watched, 0..3600, |s| (s / 600, s / 100, s * 9 * MB));
        assert_eq!(
            watched.sentences(&RULE),
            ["36 of 42 checkpoints in 59m were requested, one every 1m39s"]
        );
        let alert = watched.engine.raised().next().unwrap();
        assert_eq!(
            alert.finding.details,
            ["max_wal_size is 1.0 GiB, and up to 9.0 MiB/s of WAL is written"]
        );
        // 9 MiB/s x 300 s x 2 x 1.2 = 6.3 GiB.
        let text = &alert.finding.remedies[0].text;
        assert!(
            text.starts_with("ALTER SYSTEM SET max_wal_size = '7GB';\nSELECT pg_reload_conf();\n--"),
            "{text}"
        );
    }

    #[test]
    fn a_quarter_of_the_window_has_to_be_seen_and_it_is_over_when_they_are_timed_again() {
        let mut watched = Watched::new();
        watch(&mut watched, 0..890, |s| (0, s / 30, s * 20 * MB));
        assert!(watched.raised(&RULE).is_empty());
        let unchecked: Vec<_> = watched.engine.unchecked(&watched.known).collect();
        assert!(
            unchecked
                .iter()
                .any(|one| one.rule.id == "checkpoints" && one.blind.passing)
        );
        watch(&mut watched, 890..1000, |s| (0, s / 30, s * 20 * MB));
        assert_eq!(watched.raised(&RULE).len(), 1);
        watch(&mut watched, 1000..9000, |s| (s / 300, 33, 20_000 * MB + s * MB));
        assert!(watched.raised(&RULE).is_empty());
        // It got milder on its way out, and came but once.
        let raised = watched
            .events
            .iter()
            .filter(|event| matches!(event.happened, crate::alert::Happened::Raised(_)));
        assert_eq!(raised.count(), 1);
    }

    #[test]
    fn the_window_is_the_users() {
        let mut settings = Settings::default();
        settings.alerts.checkpoint_window_s = 400.0;
        let mut watched = Watched::of(settings);
        watch(&mut watched, 0..200, |s| (0, s / 20, s * 40 * MB));
        assert_eq!(watched.raised(&RULE).len(), 1);
    }

    #[test]
    fn a_standby_has_none_of_its_own() {
        let mut watched = Watched::new();
        for second in (0..3600i64).step_by(10) {
            watched.pass(10.0);
            watched.pulse(|pulse| pulse.in_recovery = true);
            watched.counters(|counters| {
                counters.in_recovery = true;
                counters.checkpoints.requested = second / 20;
            });
        }
        assert!(watched.events.is_empty());
    }
}
