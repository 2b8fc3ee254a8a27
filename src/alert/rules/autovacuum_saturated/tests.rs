use super::super::vacuuming::testing::{alerts, count, setting, table};
use super::*;
use crate::alert::testing::Watched;
use crate::probe::activity::Backend;
use crate::probe::autovacuum::Table;

fn worker(pid: i32, query: &str, seconds: f64) -> Backend {
    Backend {
        pid,
        backend_type: Some("autovacuum worker".to_owned()),
        query: Some(query.to_owned()),
        xact_s: Some(seconds),
        ..Backend::default()
    }
}

/// So many workers at large tables while a table waits, or not.
fn busy(watched: &mut Watched, workers: usize, seconds: u32, dead: i64, forced: bool) {
    let forced = if forced { " (to prevent wraparound)" } else { "" };
    let query = format!("autovacuum: VACUUM public.events{forced}");
    let backends = |second: u32| {
        (812..)
            .map(|pid| worker(pid, &query, f64::from(second)))
            .take(workers)
            .collect()
    };
    for second in (3..=seconds).step_by(3) {
        watched.pass(3.0);
        watched.pulse(|_| ());
        watched.answer::<Activity>(backends(second));
        if second % 15 == 0 {
            count(watched, vec![Table { dead, ..table() }], setting());
        }
    }
}

#[test]
fn busy_workers_and_a_table_that_waits() {
    let mut watched = Watched::new();
    busy(&mut watched, 3, 900, 300_000, false);
    assert!(watched.raised(&RULE).is_empty(), "14m45s");
    busy(&mut watched, 3, 60, 300_000, false);
    assert_eq!(watched.raised(&RULE), [(String::new(), Severity::Warning)]);
    assert_eq!(
        watched.sentences(&RULE),
        ["3 of 3 autovacuum workers are busy, 1 table waits for up to 15m"]
    );
    let finding = alerts(&watched, &RULE).remove(0).finding;
    assert_eq!(
        finding.details,
        [
            "pid 812 has been at public.events for 1m00s (VACUUM)",
            "pid 813 has been at public.events for 1m00s (VACUUM)",
            "they share a cost limit of 200 with a delay of 2 ms"
        ]
    );
    let texts: Vec<_> = finding.remedies.iter().map(|remedy| remedy.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "ALTER SYSTEM SET autovacuum_vacuum_cost_limit = 2000;\nSELECT pg_reload_conf();",
            "ALTER SYSTEM SET autovacuum_max_workers = 6; -- holds from the next restart on"
        ]
    );
    busy(&mut watched, 3, 7200, 300_000, false);
    assert_eq!(watched.raised(&RULE)[0].1, Severity::Critical);
    busy(&mut watched, 2, 120, 300_000, false);
    assert!(watched.raised(&RULE).is_empty(), "a worker is free");
}

#[test]
fn a_nightly_freeze_that_keeps_all_workers_busy_is_calm_while_nobody_waits() {
    let mut watched = Watched::new();
    busy(&mut watched, 3, 10_800, 0, true);
    assert!(alerts(&watched, &RULE).is_empty());
    busy(&mut watched, 3, 10_800, 300_000, true);
    assert_eq!(watched.raised(&RULE)[0].1, Severity::Warning, "never critical");
}

#[test]
fn a_table_that_nobody_vacuums_on_purpose_does_not_wait() {
    let mut watched = Watched::new();
    busy(&mut watched, 3, 900, 0, false);
    let disabled = Table {
        dead: 300_000,
        enabled: false,
        ..table()
    };
    count(&mut watched, vec![disabled.clone()], setting());
    for second in 1..1500 {
        watched.pass(3.0);
        watched.pulse(|_| ());
        watched.answer::<Activity>((812..815).map(|pid| worker(pid, "", 0.0)).collect());
        if second % 5 == 0 {
            count(&mut watched, vec![disabled.clone()], setting());
        }
    }
    assert!(alerts(&watched, &RULE).is_empty());
}

#[test]
fn from_18_on_more_workers_need_no_restart_while_there_are_slots() {
    let mut watched = Watched::new();
    let server = watched.known.server.as_deref().cloned().unwrap();
    watched.known.server = Some(std::sync::Arc::new(crate::pg::server::Server {
        version_num: 180_000,
        ..server
    }));
    let text = |slots| {
        let setting = Setting {
            worker_slots: Some(slots),
            cost_delay_ms: 0.0,
            ..setting()
        };
        let jump = Jump::to("vacuum");
        let finding = Finding::new("", Reach::fact(Severity::Warning), "", jump);
        let finding = mend(finding, &setting, &watched.known);
        finding
            .remedies
            .iter()
            .map(|remedy| remedy.text.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        text(16),
        ["ALTER SYSTEM SET autovacuum_max_workers = 6;\nSELECT pg_reload_conf();"]
    );
    assert_eq!(
        text(3),
        ["ALTER SYSTEM SET autovacuum_max_workers = 6;\n\
          ALTER SYSTEM SET autovacuum_worker_slots = 6; -- holds from the next restart on"]
    );
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
    count(&mut watched, vec![table()], setting());
    watched.answer::<Activity>(vec![hidden]);
    let unchecked = watched
        .engine
        .unchecked(&watched.known)
        .find(|unchecked| unchecked.rule.id == RULE.id);
    let remedy = unchecked.and_then(|unchecked| unchecked.blind.remedy);
    assert_eq!(remedy.as_deref(), Some("GRANT pg_monitor TO monitor;"));
}
