use super::super::vacuuming::testing::{alerts, count, holder, setting, table, watch};
use super::*;
use crate::alert::Thing;
use crate::alert::testing::Watched;
use crate::probe::autovacuum::{Setting, Table};
use crate::probe::horizon::Holder;
use crate::probe::progress::Progress;

fn dead(dead: i64) -> Table {
    Table {
        dead,
        autovacuum_s: Some(10_800.0),
        ..table()
    }
}

fn the_alert(watched: &Watched) -> crate::alert::Alert {
    alerts(watched, &RULE).remove(0)
}

#[test]
fn it_takes_share_and_number_and_ten_minutes() {
    let mut watched = Watched::new();
    watch(&mut watched, 1200, |_| vec![dead(240_000)]);
    assert!(watched.raised(&RULE).is_empty(), "19 %");
    let few = Table {
        live: 10_000,
        ..dead(90_000)
    };
    watch(&mut watched, 1200, |_| vec![few.clone()]);
    assert!(watched.raised(&RULE).is_empty(), "90 %, but not 100,000");
    watch(&mut watched, 600, |_| vec![dead(400_000)]);
    assert!(watched.raised(&RULE).is_empty(), "not for ten minutes");
    watch(&mut watched, 30, |_| vec![dead(400_000)]);
    assert_eq!(watched.raised(&RULE), [("16400".to_owned(), Severity::Warning)]);
    assert_eq!(
        watched.sentences(&RULE),
        ["public.Orders has 400 k dead rows, 28.5 % of all"]
    );
    let alert = the_alert(&watched);
    assert_eq!(alert.finding.details.last().unwrap(), "last vacuum 3h00m ago");
    assert_eq!(
        alert.finding.remedies[0].text,
        "VACUUM (ANALYZE) public.\"Orders\"; -- in database app"
    );
    watch(&mut watched, 645, |_| vec![dead(3_000_000)]);
    assert_eq!(watched.raised(&RULE), [("16400".to_owned(), Severity::Critical)]);
    watch(&mut watched, 15, |_| vec![dead(1000)]);
    assert!(watched.raised(&RULE).is_empty(), "vacuumed");
    assert_eq!(watched.events.len(), 3);
}

#[test]
fn noise_around_the_limit_is_one_alert() {
    let mut watched = Watched::new();
    let noise = |second: f64| vec![dead(if (second / 15.0) % 2.0 < 1.0 { 245_000 } else { 260_000 })];
    watch(&mut watched, 3600, noise);
    assert_eq!(watched.events.len(), 1, "{:#?}", watched.events);
}

#[test]
fn a_queue_that_is_vacuumed_every_minute_is_no_backlog() {
    let mut watched = Watched::new();
    let busy = |second: f64| {
        vec![Table {
            live: 100_000,
            ..dead(if second % 60.0 < 15.0 { 0 } else { 300_000 })
        }]
    };
    watch(&mut watched, 3600, busy);
    assert!(watched.events.is_empty(), "{:#?}", watched.events);
}

#[test]
fn whoever_keeps_the_rows_comes_first() {
    let mut watched = Watched::new();
    let table = || Table {
        autovacuum_s: Some(20.0),
        ..dead(400_000)
    };
    for _ in 0..45 {
        watched.answer::<HorizonProbe>(vec![holder(5000, 900.0)]);
        watch(&mut watched, 15, |_| vec![table()]);
    }
    let finding = the_alert(&watched).finding;
    assert_eq!(
        finding.details[0],
        "pid 700 (checkout) may still see them: VACUUM leaves them until it ends"
    );
    let texts: Vec<_> = finding.remedies.iter().map(|remedy| remedy.text.as_str()).collect();
    assert!(
        texts[0].starts_with("SELECT pg_terminate_backend(700); -- shop@app"),
        "{texts:?}"
    );
    assert!(texts[1].starts_with("VACUUM"), "{texts:?}");
    assert!(finding.about.contains(&Thing::Backend { pid: 700, start: 7 }));
    assert!(finding.about.contains(&Thing::Relation(16_400)));

    // A transaction younger than the last vacuum has kept it from nothing.
    watched.answer::<HorizonProbe>(vec![holder(5000, 10.0)]);
    let finding = the_alert(&watched).finding;
    assert_eq!(finding.about, [Thing::Relation(16_400)]);
    // Nor has one of another database.
    let elsewhere = Holder {
        here: false,
        ..holder(5000, 900.0)
    };
    watched.answer::<HorizonProbe>(vec![elsewhere]);
    assert_eq!(the_alert(&watched).finding.about, [Thing::Relation(16_400)]);
}

#[test]
fn a_vacuum_that_is_at_it_is_no_reason_to_wake_anybody() {
    let mut watched = Watched::new();
    watch(&mut watched, 645, |_| vec![dead(3_000_000)]);
    assert_eq!(watched.raised(&RULE)[0].1, Severity::Critical);
    let vacuum = Progress {
        pid: 812,
        command: Some("VACUUM".to_owned()),
        phase: Some("scanning heap".to_owned()),
        relid: Some(16_400),
        name: Some(("public".to_owned(), "Orders".to_owned())),
        done: Some(43),
        total: Some(100),
        ..Progress::default()
    };
    watched.answer::<ProgressProbe>(vec![vacuum.clone()]);
    assert_eq!(watched.raised(&RULE), [("16400".to_owned(), Severity::Notice)]);
    let finding = the_alert(&watched).finding;
    assert_eq!(finding.details, ["pid 812 vacuums it now: scanning heap, 43.0 %"]);
    assert!(finding.remedies.is_empty());
    // It does not help while its rows are kept.
    for _ in 0..45 {
        watched.answer::<ProgressProbe>(vec![vacuum.clone()]);
        watched.answer::<HorizonProbe>(vec![holder(20_000_000, 900.0)]);
        watch(&mut watched, 15, |_| vec![dead(3_000_000)]);
    }
    assert_eq!(watched.raised(&RULE)[0].1, Severity::Critical);
}

#[test]
fn autovacuum_that_is_off_says_how_it_comes_again() {
    let mut watched = Watched::new();
    let mut last = |table: Table, setting: Setting| {
        for _ in 0..45 {
            watch(&mut watched, 15, |_| vec![table.clone()]);
        }
        count(&mut watched, vec![table.clone()], setting);
        let finding = the_alert(&watched).finding;
        (
            finding.details[0].clone(),
            finding.remedies.last().unwrap().text.clone(),
        )
    };
    let disabled = Table {
        enabled: false,
        ..dead(400_000)
    };
    assert_eq!(
        last(disabled, setting()),
        (
            "autovacuum_enabled = false keeps autovacuum from this table".to_owned(),
            "ALTER TABLE public.\"Orders\" RESET (autovacuum_enabled);".to_owned()
        )
    );
    let off = Setting {
        active: false,
        ..setting()
    };
    assert_eq!(
        last(dead(400_000), off),
        (
            "autovacuum is off for the whole server".to_owned(),
            "ALTER SYSTEM SET autovacuum = on;\nSELECT pg_reload_conf();".to_owned()
        )
    );
    let own = Table {
        vacuum_base: 5e6,
        ..dead(400_000)
    };
    assert_eq!(
        last(own, setting()).0,
        "autovacuum comes only above 5.2 M dead rows of this table"
    );
}

#[test]
fn a_standby_has_nothing_to_vacuum() {
    let mut watched = Watched::new();
    watched
        .known
        .skip(AutovacuumProbe::SPEC.id, "a standby has no autovacuum");
    watched.pulse(|pulse| pulse.in_recovery = true);
    assert!(watched.raised(&RULE).is_empty());
    let unchecked = watched.engine.unchecked(&watched.known);
    assert!(unchecked.into_iter().all(|unchecked| unchecked.rule.id != RULE.id));
}
