use super::super::vacuuming::testing::{alerts, count, holder, setting};
use super::super::wraparound::tests::{answer, database};
use super::*;
use crate::alert::State;
use crate::alert::testing::Watched;
use crate::probe::autovacuum::Setting;

const M: i64 = 1_000_000;

fn worker(pid: i32, query: &str, waits: bool) -> Backend {
    Backend {
        pid,
        start: 9,
        datname: Some("app".to_owned()),
        backend_type: Some("autovacuum worker".to_owned()),
        query: Some(query.to_owned()),
        xact_s: Some(700.0),
        wait_event_type: waits.then(|| "Lock".to_owned()),
        ..Backend::default()
    }
}

/// Six minutes like this.
fn last(watched: &mut Watched, ages: &[(&str, i64)], backends: &[Backend], holders: &[Holder], setting: Setting) {
    for _ in 0..24 {
        let databases = ages.iter().map(|(name, age)| database(name, *age, 3)).collect();
        answer(watched, databases);
        watched.answer::<HorizonProbe>(holders.to_vec());
        count(watched, Vec::new(), setting);
        for _ in 0..5 {
            watched.pass(3.0);
            watched.pulse(|_| ());
            watched.answer::<Activity>(backends.to_vec());
        }
    }
}

fn told(watched: &Watched) -> Vec<(Option<Severity>, String)> {
    let alerts = alerts(watched, &RULE);
    alerts
        .iter()
        .map(|alert| (alert.severity(), alert.finding.sentence.clone()))
        .collect()
}

#[test]
fn a_nightly_freeze_is_calm_at_work_and_before_it_begins() {
    let mut watched = Watched::new();
    let at_it = worker(812, "autovacuum: VACUUM public.orders (to prevent wraparound)", false);
    last(
        &mut watched,
        &[("app", 230 * M), ("template0", 201 * M)],
        &[at_it],
        &[],
        setting(),
    );
    assert_eq!(told(&watched), []);
    last(&mut watched, &[("app", 201 * M)], &[], &[holder(5, 0.1)], setting());
    assert_eq!(told(&watched), []);
    assert!(watched.events.is_empty());
}

#[test]
fn what_is_held_back_is_no_younger_after_a_vacuum() {
    let mut watched = Watched::new();
    let at_it = worker(812, "autovacuum: VACUUM public.orders (to prevent wraparound)", false);
    let holders = [holder(260 * M, 90_000.0)];
    answer(&mut watched, vec![database("app", 261 * M, 3)]);
    watched.answer::<HorizonProbe>(holders.to_vec());
    watched.answer::<Activity>(vec![at_it.clone()]);
    let pending = alerts(&watched, &RULE).remove(0).state;
    assert!(
        matches!(
            pending,
            State::Pending {
                severity: Severity::Warning,
                ..
            }
        ),
        "{pending:?}"
    );
    last(&mut watched, &[("app", 261 * M)], &[at_it], &holders, setting());
    let sentence = "database app cannot be frozen: pid 700 (checkout) holds the xmin horizon";
    assert_eq!(told(&watched), [(Some(Severity::Warning), sentence.to_owned())]);
    let finding = alerts(&watched, &RULE).remove(0).finding;
    assert!(finding.about.contains(&Thing::Backend { pid: 700, start: 7 }));
    assert!(
        finding.remedies[0]
            .text
            .starts_with("SELECT pg_terminate_backend(700);")
    );
    last(
        &mut watched,
        &[("app", 1600 * M)],
        &[],
        &[holder(1600 * M, 90_000.0)],
        setting(),
    );
    assert_eq!(told(&watched)[0].0, Some(Severity::Critical));
    last(&mut watched, &[("app", 10 * M)], &[], &[], setting());
    assert_eq!(told(&watched), []);
}

#[test]
fn a_worker_that_waits_for_a_lock() {
    let mut watched = Watched::new();
    let waits = worker(812, "autovacuum: VACUUM public.orders (to prevent wraparound)", true);
    // The table is due by its own settings, the database is not.
    last(&mut watched, &[("app", 50 * M)], &[waits], &[], setting());
    let sentence = "public.orders cannot be frozen: pid 812 waits for its lock for 11m";
    assert_eq!(told(&watched), [(Some(Severity::Warning), sentence.to_owned())]);
    // An ordinary one gives way by itself.
    let ordinary = worker(812, "autovacuum: VACUUM public.orders", true);
    last(&mut watched, &[("app", 50 * M)], &[ordinary], &[], setting());
    assert_eq!(told(&watched), []);
}

#[test]
fn nobody_comes() {
    let off = Setting {
        active: false,
        ..setting()
    };
    let elsewhere = |pid| Backend {
        datname: Some("other".to_owned()),
        ..worker(pid, "autovacuum: VACUUM public.orders", false)
    };
    let busy: Vec<Backend> = (1..4).map(elsewhere).collect();
    let cases = [
        (off, Vec::new(), "autovacuum is off, and nobody came"),
        (setting(), busy, "all 3 autovacuum workers are busy elsewhere"),
        (setting(), Vec::new(), "no autovacuum worker has come"),
    ];
    for (setting, backends, expected) in cases {
        let mut watched = Watched::new();
        last(&mut watched, &[("app", 221 * M)], &backends, &[], setting);
        let sentence = format!("database app is not frozen: {expected}");
        assert_eq!(told(&watched), [(Some(Severity::Warning), sentence)]);
    }
}

#[test]
fn hidden_workers_are_not_known() {
    let mut watched = Watched::new();
    let server = watched.known.server.as_deref().cloned().unwrap();
    watched.known.server = Some(std::sync::Arc::new(crate::pg::server::Server {
        reads_all_stats: false,
        ..server
    }));
    let hidden = Backend {
        hidden: true,
        ..Backend::default()
    };
    last(&mut watched, &[("app", 221 * M)], &[hidden], &[], setting());
    assert_eq!(told(&watched), []);
    let mut unchecked = watched.engine.unchecked(&watched.known);
    let unchecked = unchecked.find(|unchecked| unchecked.rule.id == RULE.id);
    assert!(unchecked.is_some_and(|unchecked| unchecked.blind.remedy.is_some()));
}
