//! The pane on fixed data, at the sizes people have; with two alert rules only, so that what is shown of them is known.

mod told;

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::alert::RULES;
use crate::config::Settings;
use crate::pg::fault::{Fault, FaultKind};
use crate::pg::server::Server;
use crate::poll::Link;
use crate::probe::activity::{Activity, Backend};
use crate::probe::counters::{Checkpoints, Counters, CountersProbe, Wal, Work};
use crate::probe::databases::{Database, DatabasesProbe};
use crate::probe::horizon::{Holder, HorizonProbe};
use crate::probe::locks::{self, Held, Locks, Names, Tag, Wait};
use crate::probe::pulse::{Pulse, PulseProbe};
use crate::probe::recovery::{Recovery, RecoveryProbe};
use crate::probe::relation_io::{RelationIo, RelationIoProbe};
use crate::probe::replication::{ReplicationProbe, Sender};
use crate::probe::slots::{Slot, SlotsProbe};
use crate::probe::{Mono, Probe, Ran, Sample, Subject};
use crate::ui::look::{Depth, Glyphs, Role};
use crate::world::World;

/// The server's clock when our session began.
const EPOCH: f64 = 1_795_000_000.0;

fn world(reads_all_stats: bool) -> World {
    let mut settings = Settings::default();
    let others = RULES
        .iter()
        .filter(|rule| !["blocked", "connections"].contains(&rule.id));
    settings.alerts.disabled = others.map(|rule| rule.id.to_owned()).collect();
    let mut world = World::new(Arc::new(settings), "prod".into());
    let server = Arc::new(Server {
        version_num: 160_004,
        database: "app".into(),
        role: "monitor".into(),
        block_size: 8192,
        reads_all_stats,
        ..Server::default()
    });
    world.server = Some(Arc::clone(&server));
    world.link = Link::Up(server);
    world
}

fn ran<P: Probe>(second: u32, fault: Option<Fault>) -> Ran {
    Ran {
        started: Mono(Duration::from_secs(u64::from(second))),
        took: Duration::from_millis(4),
        rows: 1,
        fault,
        ..Ran::of(
            &P::SPEC,
            &Server {
                version_num: 160_000,
                ..Server::default()
            },
        )
    }
}

/// An answer comes in, as the program takes it in.
fn answer<P: Probe>(world: &mut World, second: u32, data: P::Data) {
    let sample = Arc::new(Sample {
        ran: ran::<P>(second, None),
        data: Some(Arc::new(data)),
    });
    world.now = sample.ran.finished();
    world.take(&sample);
}

fn fail<P: Probe>(world: &mut World, second: u32, fault: Fault) {
    let sample = Arc::new(Sample {
        ran: ran::<P>(second, Some(fault)),
        data: None,
    });
    world.take(&sample);
}

fn client(pid: i32, state: &str, wait: Option<&str>) -> Backend {
    Backend {
        pid,
        start: 1_794_999_000_000_000 + i64::from(pid),
        datname: Some("app".into()),
        usename: Some("shop".into()),
        application_name: Some("checkout-api".into()),
        backend_type: Some("client backend".into()),
        state: Some(state.into()),
        wait_event_type: wait.map(Into::into),
        state_s: Some(3.0),
        query_s: Some(3.0),
        ..Backend::default()
    }
}

/// So many seconds into an incident: readers queue behind an ALTER behind an idle transaction.
fn incident(second: u32) -> Vec<Backend> {
    let waiters = i32::try_from(second / 15).unwrap();
    let mut backends: Vec<Backend> = (0..90).map(|pid| client(100 + pid, "idle", Some("Client"))).collect();
    let holder = Backend {
        xact_s: Some(1260.0 + f64::from(second)),
        state_s: Some(1250.0 + f64::from(second)),
        ..client(700, "idle in transaction", Some("Client"))
    };
    backends.push(holder);
    backends.push(client(701, "active", None));
    backends.push(client(702, "active", None));
    backends.push(client(703, "active", Some("IO")));
    for nth in 0..waiters {
        backends.push(Backend {
            xact_s: Some(f64::from(second) - 15.0 * f64::from(nth)),
            state_s: Some(f64::from(second) - 15.0 * f64::from(nth)),
            query_s: Some(f64::from(second) - 15.0 * f64::from(nth)),
            query: Some("select * from orders where id = $1".into()),
            ..client(800 + nth, "active", Some("Lock"))
        });
    }
    for pid in [900, 901] {
        backends.push(Backend {
            backend_type: Some("autovacuum worker".into()),
            usename: None,
            application_name: Some(String::new()),
            xact_s: Some(95.0),
            query: Some("autovacuum: VACUUM public.orders".into()),
            ..client(pid, "active", Some("Timeout"))
        });
    }
    backends
}

/// Who waits for whom then.
fn queue(second: u32) -> locks::Sample {
    let tag = Tag {
        locktype: "relation".into(),
        relation: Some(16_400),
        ..Tag::default()
    };
    let names = Names {
        relation: Some("orders".into()),
        ..Names::default()
    };
    let backends = incident(second);
    let waits = |backend: &Backend| {
        let (blocker, mode) = match backend.pid {
            800 => (700, "AccessExclusiveLock"),
            _ => (800, "AccessShareLock"),
        };
        (backend.pid >= 800 && backend.pid < 900).then(|| Wait {
            tag: tag.clone(),
            mode: mode.into(),
            seconds: backend.state_s,
            blockers: vec![blocker],
            names: names.clone(),
        })
    };
    let session = |backend: &Backend| locks::Session {
        pid: backend.pid,
        start: backend.start,
        usename: backend.usename.clone(),
        application_name: backend.application_name.clone(),
        state: backend.state.clone(),
        xact_s: backend.xact_s,
        state_s: backend.state_s,
        wait: waits(backend),
        ..locks::Session::default()
    };
    let sessions: Vec<locks::Session> = backends.iter().map(session).collect();
    let waiters = sessions.iter().filter(|session| session.wait.is_some()).count();
    let involved = |session: &locks::Session| session.wait.is_some() || session.pid == 700;
    let held = Held {
        pid: 700,
        virtualtransaction: "3/7".into(),
        tag,
        mode: "RowExclusiveLock".into(),
        against: vec!["AccessExclusiveLock".into()],
    };
    locks::Sample {
        waiters,
        sessions: sessions
            .into_iter()
            .filter(|session| waiters > 0 && involved(session))
            .collect(),
        held: if waiters > 0 { vec![held] } else { Vec::new() },
    }
}

fn pulse(second: u32, in_recovery: bool) -> Pulse {
    Pulse {
        epoch: EPOCH + f64::from(second),
        started: EPOCH - 1_000_000.0,
        in_recovery,
        timeline: (!in_recovery).then_some(1),
        wal_position: Some(50_000_000_000 + 4_300_000 * i64::from(second) - 2000 * i64::from(second * second)),
        max_connections: 400,
        superuser_reserved: 3,
        reserved: 0,
        autovacuum_max_workers: 3,
        autovacuum: true,
        checkpoint_timeout_s: 300.0,
    }
}

fn counters(second: u32) -> Counters {
    let second = i64::from(second);
    let work = Work {
        reset: Some(EPOCH - 900_000.0),
        commits: 900_000_000 + 700 * second - second * second / 2,
        rollbacks: 4_000_000 + second * 2,
        blocks_read: 1_000_000 + 90 * second,
        blocks_hit: 900_000_000 + 12_000 * second,
        rows_returned: 7_000_000_000 + 40_000 * second,
        rows_inserted: 80_000_000 + 120 * second,
        rows_updated: 50_000_000 + 31 * second,
        rows_deleted: 100,
        temp_files: 500,
        temp_bytes: 90_000_000_000,
        deadlocks: 3,
        sessions: Some(100_000 + 4 * second),
        ..Work::default()
    };
    Counters {
        epoch: EPOCH + crate::model::rates::float(second),
        started: EPOCH - 1_000_000.0,
        databases: 50_000,
        all: work.clone(),
        here: work,
        checkpoints: Checkpoints {
            reset: Some(EPOCH - 900_000.0),
            timed: 2995,
            requested: 12,
        },
        wal: Wal {
            reset: Some(EPOCH - 900_000.0),
            records: Some(1),
            full_pages: Some(1000 + 12 * second),
            bytes: Some(4_300_000 * second),
        },
        ..Counters::default()
    }
}

/// Ten minutes of it.
fn busy() -> World {
    let mut world = world(true);
    for second in (0..=600).step_by(2) {
        answer::<PulseProbe>(&mut world, second, pulse(second, false));
        answer::<Activity>(&mut world, second, incident(second));
        answer::<Locks>(&mut world, second, queue(second));
        answer::<CountersProbe>(&mut world, second, counters(second));
        answer::<ReplicationProbe>(&mut world, second, vec![standby(second)]);
        if second % 15 == 0 {
            answer::<HorizonProbe>(&mut world, second, vec![holder(second)]);
            answer::<SlotsProbe>(&mut world, second, slots());
        }
    }
    answer::<RelationIoProbe>(&mut world, 600, relation_io());
    answer::<DatabasesProbe>(&mut world, 600, databases(true));
    world
}

fn standby(second: u32) -> Sender {
    Sender {
        epoch: EPOCH + f64::from(second),
        pid: 950,
        start: 1_794_999_000_000_950,
        application_name: Some("dr1".into()),
        state: Some("streaming".into()),
        sync_state: Some("async".into()),
        replay_bytes: Some(16_384 + i64::from(second % 60) * 20_000),
        replay_position: Some(50_000_000_000 + 4_000_000 * i64::from(second)),
        reply_us: Some(i64::from(second)),
        replay_s: Some(0.012),
        ..Sender::default()
    }
}

fn holder(second: u32) -> Holder {
    Holder {
        kind: "session".into(),
        name: "shop".into(),
        pid: Some(700),
        start: Some(1_794_999_000_000_700),
        detail: Some("checkout-api · idle in transaction".into()),
        database: Some("app".into()),
        xmin_age: 600_000 + 1000 * i64::from(second),
        age_s: Some(1260.0 + f64::from(second)),
        ..Holder::default()
    }
}

fn slots() -> Vec<Slot> {
    let slot = |name: &str, active, kept| Slot {
        slot_name: name.into(),
        slot_type: "physical".into(),
        active,
        kept_bytes: Some(kept),
        wal_status: Some("reserved".into()),
        ..Slot::default()
    };
    vec![slot("old", false, 3_300_000_000), slot("dr1", true, 16_384)]
}

fn relation_io() -> RelationIo {
    RelationIo {
        epoch: EPOCH + 600.0,
        started: EPOCH - 1_000_000.0,
        reset: Some(EPOCH - 900_000.0),
        table_fetched: 1_000_000,
        table_hit: 991_000,
        index_fetched: 1_000_000,
        index_hit: 998_000,
        ..RelationIo::default()
    }
}

fn databases(all: bool) -> Vec<Database> {
    let database = |oid, name: &str, bytes: i64, here| Database {
        oid,
        datname: name.into(),
        bytes: (all || here).then_some(bytes),
        here,
    };
    vec![
        database(16_400, "warehouse", 210_000_000_000, false),
        database(16_401, "app", 41_000_000_000, true),
        database(5, "postgres", 7_900_000, false),
    ]
}

fn screen(world: &World, width: u16, height: u16) -> String {
    screen_after(world, width, height, &[]).0
}

fn screen_after(world: &World, width: u16, height: u16, actions: &[Action]) -> (String, Overview) {
    let mut pane = Overview::default();
    let area = Rect::new(0, 0, width, height);
    pane.derive(world);
    pane.arrange(area);
    for action in actions {
        assert_eq!(pane.on(*action, world), Reply::Taken);
        pane.derive(world);
        pane.arrange(area);
    }
    let mut buffer = Buffer::empty(area);
    pane.draw(world, &look(), area, &mut buffer);
    (text(&buffer), pane)
}

fn look() -> Look {
    Look::default()
}

fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut out = String::new();
    for y in area.top()..area.bottom() {
        let row: String = (area.left()..area.right()).map(|x| buffer[(x, y)].symbol()).collect();
        out.push_str(row.trim_end());
        out.push('\n');
    }
    out
}

#[test]
fn an_incident_at_80x24() {
    insta::assert_snapshot!(screen(&busy(), 80, 21));
}

#[test]
fn an_incident_at_120x40() {
    insta::assert_snapshot!(screen(&busy(), 120, 37));
}

#[test]
fn an_incident_at_200x60() {
    insta::assert_snapshot!(screen(&busy(), 200, 57));
}

#[test]
fn an_incident_at_40x12_scrolls() {
    let (text, _) = screen_after(&busy(), 40, 8, &[Action::Last]);
    insta::assert_snapshot!(format!("{}-- Last --\n{text}", screen(&busy(), 40, 8)));
}

#[test]
fn before_the_first_answer() {
    insta::assert_snapshot!(screen(&world(true), 80, 21));
}

/// One reading of everything, on an idle server.
fn calm(mut world: World) -> World {
    answer::<PulseProbe>(&mut world, 0, pulse(0, false));
    answer::<Activity>(&mut world, 0, vec![client(101, "idle", Some("Client"))]);
    world.skip(Locks::SPEC.id, "nobody waits for a lock");
    answer::<CountersProbe>(&mut world, 0, counters(0));
    answer::<ReplicationProbe>(&mut world, 0, vec![]);
    answer::<HorizonProbe>(&mut world, 0, vec![]);
    answer::<SlotsProbe>(&mut world, 0, vec![]);
    answer::<RelationIoProbe>(&mut world, 0, relation_io());
    answer::<DatabasesProbe>(&mut world, 0, databases(true));
    world
}

#[test]
fn the_first_answer_has_no_rates_yet() {
    insta::assert_snapshot!(screen(&calm(world(true)), 80, 21));
}

#[test]
fn nothing_happening_is_zero_not_a_gap() {
    let mut world = calm(world(true));
    for second in [2, 4] {
        let still = Counters {
            epoch: EPOCH + f64::from(second),
            ..counters(0)
        };
        answer::<CountersProbe>(&mut world, second, still);
        answer::<PulseProbe>(
            &mut world,
            second,
            Pulse {
                epoch: EPOCH + f64::from(second),
                ..pulse(0, false)
            },
        );
    }
    insta::assert_snapshot!(screen(&world, 80, 21));
}

#[test]
fn a_restart_leaves_a_gap_that_says_so() {
    let mut world = busy();
    let counters = Counters {
        started: EPOCH + 601.0,
        ..counters(602)
    };
    answer::<CountersProbe>(&mut world, 602, counters);
    answer::<PulseProbe>(
        &mut world,
        602,
        Pulse {
            started: EPOCH + 601.0,
            ..pulse(602, false)
        },
    );
    let text = screen(&world, 80, 21);
    let line = |label: &str| text.lines().find(|line| line.contains(label)).unwrap().to_owned();
    for label in ["Commits/s", "Rows out/s", "WAL", "Temp files", "Cache hit"] {
        assert!(line(label).contains("server restarted"), "{}", line(label));
    }
}

#[test]
fn a_plain_role_is_told_what_it_does_not_see() {
    let mut world = calm(world(false));
    let hidden = Backend {
        backend_type: None,
        state: None,
        wait_event_type: None,
        start: 0,
        state_s: None,
        query_s: None,
        hidden: true,
        ..client(102, "", None)
    };
    answer::<Activity>(&mut world, 2, vec![client(101, "idle", Some("Client")), hidden]);
    answer::<ReplicationProbe>(
        &mut world,
        2,
        vec![Sender {
            hidden: true,
            ..Sender::default()
        }],
    );
    answer::<DatabasesProbe>(&mut world, 2, databases(false));
    insta::assert_snapshot!(screen(&world, 80, 21));
}

#[test]
fn a_subscriber_is_no_standby() {
    let logical = |second| Sender {
        slot_type: Some("logical".into()),
        ..standby(second)
    };
    for (senders, said) in [
        (vec![standby(2)], "1 standby"),
        (vec![logical(2), logical(2)], "2 logical"),
        (vec![standby(2), logical(2)], "2 receivers"),
    ] {
        let mut world = calm(world(true));
        answer::<ReplicationProbe>(&mut world, 2, senders);
        let text = screen(&world, 80, 21);
        let line = text.lines().find(|line| line.contains("Replication")).unwrap();
        assert!(line.contains(said), "{said}: {line}");
    }
}

#[test]
fn a_replay_that_stands_still_is_not_as_little_behind_as_it_last_was() {
    let mut world = calm(world(true));
    for second in [0, 2, 4, 6, 8] {
        let stuck = Sender {
            replay_bytes: Some(16 << 20),
            replay_position: Some(50_000_000_000),
            replay_s: Some(0.355),
            ..standby(second)
        };
        answer::<ReplicationProbe>(&mut world, second, vec![stuck]);
    }
    let text = screen(&world, 80, 21);
    let line = text.lines().find(|line| line.contains("Replication")).unwrap();
    assert!(!line.contains("355"), "{line}");
    assert!(line.contains("≥6.0s behind"), "{line}");
}

#[test]
fn the_active_sessions_of_a_minute_are_not_mistaken_for_those_of_now() {
    for (width, height) in [(40, 8), (80, 20), (120, 36)] {
        let text = screen(&busy(), width, height);
        assert!(text.lines().any(|line| line.contains("Active avg 1m")), "{text}");
    }
}

#[test]
fn a_forgotten_prepared_transaction_is_the_oldest() {
    let mut world = busy();
    let forgotten = Holder {
        kind: "prepared transaction".into(),
        name: "order-4711".into(),
        pid: None,
        start: None,
        age_s: Some(9000.0),
        ..holder(600)
    };
    answer::<HorizonProbe>(&mut world, 602, vec![forgotten]);
    let text = screen(&world, 80, 21);
    let line = text.lines().find(|line| line.contains("Oldest tx")).unwrap();
    assert!(line.contains("≥2h30m"), "{line}");
    assert!(line.contains("prepared transaction · order-4711"), "{line}");
}

#[test]
fn a_rate_of_the_slower_tiers_says_when_it_comes() {
    let mut world = world(true);
    let server = Arc::new(Server {
        version_num: 130_014,
        ..(**world.server.as_ref().unwrap()).clone()
    });
    world.server = Some(Arc::clone(&server));
    world.link = Link::Up(server);
    let mut world = calm(world);
    world.now = Mono(Duration::from_secs(4));
    let text = screen(&world, 80, 21);
    let line = |label: &str| text.lines().find(|line| line.contains(label)).unwrap().to_owned();
    let commits = line("Commits/s");
    assert!(commits.contains("needs a second reading, in 11 s"), "{commits}");
    // The position of the WAL is read every time.
    assert!(line("WAL ").ends_with("needs a second reading"), "{}", line("WAL "));
}

#[test]
fn a_standby_shows_its_recovery() {
    let mut world = world(true);
    for second in [0, 2] {
        answer::<PulseProbe>(&mut world, second, pulse(second, true));
        answer::<Activity>(&mut world, second, vec![]);
        let recovery = Recovery {
            receiver_pid: Some(77),
            receiver_status: Some("streaming".into()),
            sender_host: Some("db1.example.com".into()),
            receive_bytes: Some(0),
            replay_bytes: Some(33_000_000),
            replay_s: Some(42.0),
            paused: Some(true),
            in_recovery: true,
            ..Recovery::default()
        };
        answer::<RecoveryProbe>(&mut world, second, recovery);
    }
    let text = screen(&world, 80, 21);
    let line = text.lines().find(|line| line.contains("Autovacuum")).unwrap();
    assert!(line.contains("runs on the primary") && !line.contains("0/3"), "{line}");
    insta::assert_snapshot!(text);
}

#[test]
fn what_failed_says_so_in_its_own_line() {
    let mut world = calm(world(true));
    let fault = Fault::new(FaultKind::Timeout, "canceled after 10 s (storage budget)");
    world.latest.forget(DatabasesProbe::SPEC.id);
    fail::<DatabasesProbe>(&mut world, 2, fault);
    let text = screen(&world, 80, 21);
    let line = text.lines().find(|line| line.contains("Databases")).unwrap();
    assert!(line.contains("canceled after 10 s"), "{line}");
    assert!(text.contains("nobody holds it back"));
}

#[test]
fn a_stale_value_looks_stale() {
    let mut world = busy();
    world.now = Mono(Duration::from_secs(640));
    let mut pane = Overview::default();
    let area = Rect::new(0, 0, 80, 24);
    pane.derive(&world);
    pane.arrange(area);
    let look = Look::new("dark", None, Depth::TrueColor, &Glyphs::UNICODE).unwrap();
    let mut buffer = Buffer::empty(area);
    pane.draw(&world, &look, area, &mut buffer);
    let stale = look.style(Role::Stale).fg;
    let is_stale = |y: u16| (2..80).all(|x| buffer[(x, y)].symbol() == " " || Some(buffer[(x, y)].fg) == stale);
    let shown = text(&buffer);
    let row = |label: &str| {
        let row = shown.lines().position(|line| line.contains(label)).unwrap();
        u16::try_from(row).unwrap()
    };
    // Connections come from the hot tier, the sizes from the storage tier: only the former are late.
    assert!(stale.is_some() && is_stale(row("Connections")));
    assert!(is_stale(row("by wait")), "the bar comes from the hot tier, too");
    assert!(!is_stale(row("Databases")));
}

#[test]
fn enter_leads_to_the_backend_of_a_line() {
    let world = busy();
    let (_, mut pane) = screen_after(&world, 80, 20, &[Action::Down; 4]);
    assert_eq!(pane.here(), Some(Id::Line("oldest_tx")));
    let subject = Subject::Backend {
        pid: 700,
        start: 1_794_999_000_000_700,
    };
    assert_eq!(pane.on(Action::Enter, &world), Reply::Open(subject));
    assert_eq!(pane.on(Action::Back, &world), Reply::Taken);
    // The worst is what is meant while nothing is selected.
    let Reply::Go(jump) = pane.on(Action::Enter, &world) else {
        panic!("nowhere")
    };
    assert_eq!(jump.pane, "locks");
}

#[test]
fn the_views_look_further_back() {
    let world = busy();
    let caption = |actions: &[Action]| {
        let text = screen_after(&world, 80, 21, actions).0;
        let rule = text
            .lines()
            .find(|line| line.ends_with("───") && !line.contains("check"));
        rule.unwrap().to_owned()
    };
    assert!(caption(&[]).contains("last 10m"));
    assert!(caption(&[Action::NextView]).contains("last 1h00m"));
    assert!(caption(&[Action::PrevView]).contains("session"));
}

#[test]
fn ascii_terminals_get_ascii() {
    let look = Look::new("mono", None, Depth::None, &Glyphs::ASCII).unwrap();
    let world = busy();
    for (width, height) in [(80, 20), (120, 36)] {
        let mut pane = Overview::default();
        let area = Rect::new(0, 0, width, height);
        pane.derive(&world);
        pane.arrange(area);
        let mut buffer = Buffer::empty(area);
        pane.draw(&world, &look, area, &mut buffer);
        let text = text(&buffer);
        assert!(text.is_ascii(), "{text}");
    }
}

#[test]
fn no_size_breaks_the_pane() {
    let (busy, empty) = (busy(), world(true));
    for world in [&busy, &empty] {
        for width in (0..130).step_by(7).chain([300]) {
            for height in [0, 1, 2, 5, 8, 12, 19, 20, 21, 25, 30, 36, 100] {
                screen_after(world, width, height, &[]);
            }
        }
    }
}

/// Anything the server may say, in any order, at any time. Names have no `N` and no `n`: with one they could be "NaN",
/// which no number of ours may read.
fn whatever() -> impl Strategy<Value = Vec<(u8, u32, i64, bool, String)>> {
    let one = (0..8u8, 0..4000u32, any::<i64>(), any::<bool>(), "[\\PC--[Nn]]{0,40}");
    proptest::collection::vec(one, 0..40)
}

fn say(world: &mut World, (what, second, number, flag, text): (u8, u32, i64, bool, String)) {
    let float = crate::model::rates::float(number);
    match what {
        0 => {
            let pulse = Pulse {
                epoch: float,
                wal_position: Some(number),
                max_connections: i32::try_from(number % 1000).unwrap_or_default(),
                ..pulse(second, flag)
            };
            answer::<PulseProbe>(world, second, pulse);
        }
        1 => {
            let backend = Backend {
                xact_s: Some(float),
                state_s: Some(-float),
                application_name: Some(text),
                hidden: flag,
                ..client(7, "active", flag.then_some("Lock"))
            };
            answer::<Activity>(world, second, vec![backend]);
        }
        2 => {
            let mut counters = counters(second);
            counters.all.commits = number;
            counters.all.blocks_hit = i64::MAX;
            counters.checkpoints.timed = number;
            answer::<CountersProbe>(world, second, counters);
        }
        3 => {
            let sender = Sender {
                replay_bytes: flag.then_some(number),
                application_name: Some(text),
                ..standby(second)
            };
            answer::<ReplicationProbe>(world, second, vec![sender]);
        }
        4 => {
            let holder = Holder {
                xmin_age: number,
                name: text,
                ..holder(second)
            };
            answer::<HorizonProbe>(world, second, vec![holder]);
        }
        5 => {
            let io = RelationIo {
                table_hit: number,
                index_fetched: number,
                ..relation_io()
            };
            answer::<RelationIoProbe>(world, second, io);
        }
        6 => {
            let recovery = Recovery {
                replay_bytes: Some(number),
                replay_s: flag.then_some(float),
                sender_host: Some(text),
                ..Recovery::default()
            };
            answer::<RecoveryProbe>(world, second, recovery);
        }
        _ => {
            let mut databases = databases(flag);
            if let Some(first) = databases.first_mut() {
                first.bytes = Some(number);
                first.datname = text;
            }
            answer::<DatabasesProbe>(world, second, databases);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn nothing_the_server_says_breaks_the_pane(
        said in whatever(), width in 0..200u16, height in 0..60u16, down in 0..30usize,
    ) {
        let mut world = world(true);
        for one in said {
            say(&mut world, one);
        }
        let (text, pane) = screen_after(&world, width, height, &vec![Action::Down; down]);
        prop_assert_eq!(text.lines().count(), usize::from(height));
        prop_assert!(!text.contains("NaN") && !text.contains("inf "));
        // What is selected is in view.
        if height > 0 && down > 0 {
            let shown = pane.shown();
            let at = pane.place(&shown).map(|place| shown[place].0);
            prop_assert!(at.is_some_and(|at| at >= pane.offset && at < pane.offset + usize::from(height)));
        }
    }
}
