//! Blocks that used to be found in `shared_buffers` have to be read.

use std::time::Duration;

use super::surge::{self, NEAR, NOW};
use crate::alert::{Finding, Jump, Outcome, Reach, Rule};
use crate::known::Known;
use crate::model::baseline::{Standing, Unknown, Watch, standing};
use crate::model::observe::name;
use crate::model::rates::float;
use crate::probe::Probe as _;
use crate::probe::activity::{Activity, Backend};
use crate::probe::counters::CountersProbe;
use crate::probe::statements::StatementsProbe;
use crate::ui::format;

pub(super) static RULE: Rule = Rule {
    id: "cache_hit",
    title: "the cache hit ratio fell",
    pane: "overview",
    needs: &[CountersProbe::SPEC.id],
    uses: &[Activity::SPEC.id, StatementsProbe::SPEC.id],
    server_wide: true,
    check,
    lasts: surge::lasts,
    settles: 60.0,
    warning: "{cache_hit_fall_warn_points} and 3 sigma below the mean of the 15 minutes before, for {surge_for_s}, while \
              10 MiB/s or more is read",
    critical: "{cache_hit_fall_crit_points} while 100 MiB/s or more is read",
    doc: "Blocks come from the system's cache or from disk instead of shared_buffers. A dump, a report or a query that lost \
          its index reads that much, and so does every query after a restart. A ratio that is low but steady is none of it.",
};

/// What is usual is what these minutes before show.
const WINDOW: Duration = Duration::from_mins(15);
const MIB: f64 = 1024.0 * 1024.0;
/// Less is read than a disk notices.
const READS_WARN: f64 = 10.0 * MIB;
/// So much is read that others may have to wait.
const READS_CRIT: f64 = 100.0 * MIB;

fn check(known: &Known) -> Outcome {
    let Some(blocks) = known.series.mean(name::BLOCKS_READ, known.now, NOW) else {
        return Outcome::not_yet("blocks per second need a second reading");
    };
    let read = blocks * surge::block(known);
    let reads = Reach::measured(read / READS_WARN, read / READS_CRIT);
    if reads.warning < NEAR {
        return Outcome::calm();
    }
    let alerts = &known.settings.alerts;
    let watch = Watch::fall(WINDOW, alerts.cache_hit_fall_warn_points * NEAR);
    let usual = match standing(&known.series, name::CACHE_HIT, known.now, &watch) {
        Ok(usual) => usual,
        Err(Unknown::NotYet(wait)) => {
            let wait = format::age(wait.as_secs_f64());
            return Outcome::not_yet(format!("which cache hit ratio is usual is known in {wait}"));
        }
        Err(_) => return Outcome::not_yet("which cache hit ratio is usual is not known: readings are missing"),
    };
    let Some(lasts) = usual.lasts else {
        return Outcome::calm();
    };
    let fall = usual.ordinary.mean - usual.now;
    let reach = Reach::rising(
        fall,
        alerts.cache_hit_fall_warn_points,
        alerts.cache_hit_fall_crit_points,
    );
    let since = known.server_now().map(|now| now - lasts.as_secs_f64());
    Outcome::of([told(known, &usual, read, reach.and(reads)).since(since)])
}

fn told(known: &Known, usual: &Standing, read: f64, reach: Reach) -> Finding {
    let sentence = format!(
        "cache hit ratio is {}, {} is usual",
        format::percent(usual.now),
        format::percent(usual.ordinary.mean)
    );
    let finding = Finding::new("", reach, sentence, Jump::to("activity")).detail(format!(
        "{} is read from the system's cache or disk",
        format::bytes_per_s(read)
    ));
    let block = surge::block(known);
    let reader = surge::most(known, |growth| float(growth.counters.read) * block);
    let finding = surge::blamed(finding, known, reader, read, "reads");
    match waiting(known) {
        0 => finding,
        waits => finding.victims(waits).detail(format!(
            "{} for a read in this moment",
            format::counted(waits, "session waits", "sessions wait")
        )),
    }
}

/// Sessions that wait for blocks of tables or indexes.
fn waiting(known: &Known) -> usize {
    let waits = |backend: &&Backend| backend.wait_event.as_deref() == Some("DataFileRead");
    known.fresh::<Activity>().into_iter().flatten().filter(waits).count()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::alert::testing::Watched;
    use crate::model::concern::Severity;

    /// Readings every two seconds; hits and reads per second before and after 20 minutes.
    fn watch(before: (i64, i64), after: (i64, i64), seconds: i64) -> Watched {
        let mut watched = Watched::new();
        for second in (2..=1200 + seconds).step_by(2) {
            watched.pass(2.0);
            watched.pulse(|_| ());
            let sum = |(then, now)| then * second.min(1200) + now * (second - 1200).max(0);
            watched.counters(|counters| {
                counters.all.blocks_hit = sum((before.0, after.0));
                counters.all.blocks_read = sum((before.1, after.1));
            });
        }
        watched
    }

    #[rstest]
    #[case::fell_while_much_is_read((99_000, 1000), (85_000, 15_000), Some(Severity::Warning))]
    #[case::fell_far_while_very_much_is_read((99_000, 1000), (40_000, 60_000), Some(Severity::Critical))]
    #[case::fell_far_while_much_is_read((9900, 100), (3000, 2000), Some(Severity::Warning))]
    #[case::low_as_ever((60_000, 40_000), (60_000, 40_000), None)]
    #[case::low_as_ever_twice_as_much((60_000, 40_000), (120_000, 80_000), None)]
    #[case::little_is_read((990, 10), (500, 500), None)]
    #[case::a_little((99_000, 1000), (94_000, 6000), None)]
    #[case::it_rose((60_000, 40_000), (99_000, 2000), None)]
    fn a_fall_counts_by_what_is_read(
        #[case] before: (i64, i64),
        #[case] after: (i64, i64),
        #[case] expected: Option<Severity>,
    ) {
        let watched = watch(before, after, 240);
        let raised: Vec<_> = watched
            .raised(&RULE)
            .into_iter()
            .map(|(_, severity)| severity)
            .collect();
        assert_eq!(raised, expected.into_iter().collect::<Vec<_>>());
        if before == (99_000, 1000) && expected == Some(Severity::Warning) {
            assert_eq!(watched.sentences(&RULE), ["cache hit ratio is 85.0 %, 99.0 % is usual"]);
        }
    }

    #[test]
    fn one_report_of_a_minute_is_none() {
        assert!(watch((99_000, 1000), (40_000, 60_000), 60).events.is_empty());
    }
}
