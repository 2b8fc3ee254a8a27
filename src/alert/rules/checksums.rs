//! Pages that are not what was written: disk, controller, memory or file system changed them.

use crate::alert::{Finding, Jump, Outcome, Reach, Rule, Thing, at_once};
use crate::known::Known;
use crate::model::clock;
use crate::model::concern::Severity;
use crate::pg::quote;
use crate::probe::Probe as _;
use crate::probe::counters::{Checksums, CountersProbe};
use crate::ui::format;

pub(super) static RULE: Rule = Rule {
    id: "checksums",
    title: "pages have wrong checksums",
    pane: "overview",
    needs: &[CountersProbe::SPEC.id],
    uses: &[],
    server_wide: true,
    check,
    lasts: at_once,
    settles: 0.0,
    warning: "a failure was counted in the last 30 days; a notice if the last one is older",
    critical: "in the last 24 hours",
    doc: "Counted when a page is read, by a query or a base backup. The page stays damaged until it is restored, and the \
          count stays until pg_stat_reset(). Find the file and block in the server's log, stop writing to that disk, and \
          restore from a backup or promote a standby: standbys have pages of their own.",
};

const DAY: f64 = 86_400.0;
/// What is older is not news any more; the count may have been forgotten after the page was restored.
const OLD: f64 = 30.0 * DAY;

fn check(known: &Known) -> Outcome {
    let Some(counters) = known.get::<CountersProbe>() else {
        return Outcome::calm();
    };
    match &counters.checksums {
        None => Outcome::unknown(
            "data checksums are off, so a damaged page is not noticed",
            Some("-- stop the server, then: pg_checksums --enable -D $PGDATA".to_owned()),
        ),
        Some(checksums) if checksums.failures > 0 => Outcome::of([finding(checksums, counters.epoch)]),
        Some(_) => Outcome::calm(),
    }
}

fn finding(checksums: &Checksums, now: f64) -> Finding {
    let age = checksums.last.map(|last| now - last);
    let severity = match age {
        Some(age) if age > OLD => Severity::Notice,
        Some(age) if age > DAY => Severity::Warning,
        _ => Severity::Critical,
    };
    let place = checksums.database.as_deref();
    let place = place.map_or_else(|| "shared catalogs".to_owned(), |name| format!("database {name}"));
    let sentence = format!(
        "{} counted in {place}{}",
        format::counted(checksums.failures, "wrong checksum", "wrong checksums"),
        age.map_or_else(String::new, |age| format!(", the last {}", format::ago(age)))
    );
    let mut finding = Finding::new("", Reach::fact(severity), sentence, Jump::to("overview"));
    if let Some(at) = checksums.last.and_then(clock::utc) {
        finding = finding.detail(format!("at {at} a page was read that is not what was written"));
    }
    finding = finding.detail("the server's log names file and block: search it for \"page verification failed\"");
    let Some(name) = &checksums.database else {
        return finding;
    };
    let finding = finding.about(Thing::Database(name.clone()));
    // For a shell, so only a name that needs no quotes there.
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let finding = if plain {
        let text = format!("pg_dump --dbname={name} > /dev/null");
        finding.remedy("read every table once, to see what is damaged", text)
    } else {
        finding
    };
    finding.remedy(
        "forget the count once it is restored",
        format!(
            "-- connected to {}; forgets its other counters too, autovacuum's among them\nSELECT pg_stat_reset();",
            quote::identifier(name)
        ),
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::alert::testing::{BEGIN, Watched};

    fn watch(watched: &mut Watched, failures: i64, age: f64) {
        watched.pass(2.0);
        watched.pulse(|_| ());
        watched.counters(|counters| {
            counters.checksums = Some(Checksums {
                failures,
                last: (failures > 0).then_some(counters.epoch - age),
                database: (failures > 0).then(|| "shop".to_owned()),
            });
        });
    }

    #[rstest]
    #[case(
        3600.0,
        Severity::Critical,
        "2 wrong checksums counted in database shop, the last 1h00m ago"
    )]
    #[case(3.0 * DAY, Severity::Warning, "2 wrong checksums counted in database shop, the last 3d0h ago")]
    #[case(90.0 * DAY, Severity::Notice, "2 wrong checksums counted in database shop, the last 90d0h ago")]
    fn an_old_failure_is_no_new_one(#[case] age: f64, #[case] severity: Severity, #[case] sentence: &str) {
        let mut watched = Watched::new();
        watch(&mut watched, 0, 0.0);
        assert!(watched.raised(&RULE).is_empty());
        watch(&mut watched, 2, age);
        assert_eq!(watched.raised(&RULE), [(String::new(), severity)]);
        assert_eq!(watched.sentences(&RULE), [sentence]);
        watch(&mut watched, 0, 0.0);
        assert!(watched.raised(&RULE).is_empty(), "after pg_stat_reset()");
    }

    #[test]
    fn a_new_failure_is_worse_than_an_old_one_and_is_the_same_alert() {
        let mut watched = Watched::new();
        watch(&mut watched, 1, 40.0 * DAY);
        watch(&mut watched, 2, 1.0);
        assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Critical)]);
        assert_eq!(watched.events.len(), 2, "{:?}", watched.events);
    }

    #[test]
    fn without_checksums_nobody_knows() {
        let mut watched = Watched::new();
        watched.pulse(|pulse| pulse.epoch = BEGIN);
        watched.counters(|_| ());
        let unchecked: Vec<_> = watched.engine.unchecked(&watched.known).collect();
        let one = unchecked.iter().find(|one| one.rule.id == "checksums").unwrap();
        assert!(one.blind.why.starts_with("data checksums are off") && one.blind.remedy.is_some());
    }
}
