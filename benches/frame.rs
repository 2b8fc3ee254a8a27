//! From samples to a drawn frame at sizes nobody wants to meet: 10,000 sessions, 5,000 of them waiting, 10,000
//! statements, 5,000 partitions.
//!
//! `cargo bench` prints the medians. No test depends on them: speed has no threshold here.

use std::sync::Arc;
use std::time::Duration;

use divan::Bencher;
use pgmon_tui::alert::RULES;
use pgmon_tui::app::chrome;
use pgmon_tui::app::keymap::Keymap;
use pgmon_tui::app::state::State;
use pgmon_tui::app::update::{Event, What, update};
use pgmon_tui::config::Settings;
use pgmon_tui::model::locks::forest;
use pgmon_tui::pg::server::{Extension, Server};
use pgmon_tui::poll::{Link, News};
use pgmon_tui::probe::activity::{Activity, Backend};
use pgmon_tui::probe::extensions::{Extensions, ExtensionsProbe};
use pgmon_tui::probe::locks::{Locks, Names, Sample as LockSample, Session, Tag, Wait};
use pgmon_tui::probe::named::Named;
use pgmon_tui::probe::partitions::{Key as PartitionKey, Partitions, PartitionsProbe, Relation as Partition};
use pgmon_tui::probe::pulse::{Pulse, PulseProbe};
use pgmon_tui::probe::relations::{Relation, Relations, RelationsProbe, Size};
use pgmon_tui::probe::statements::{
    Counters, Entry as StatementEntry, Key as StatementKey, Statements, StatementsProbe,
};
use pgmon_tui::probe::{Mono, Probe, Ran, Sample};
use pgmon_tui::ui::look::Look;
use pgmon_tui::world::World;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

fn main() {
    divan::main();
}

const SESSIONS: i32 = 10_000;
const STATEMENTS: i64 = 10_000;
const DAYS: u32 = 5_000;

fn backend(pid: i32) -> Backend {
    Backend {
        pid,
        start: i64::from(pid),
        datname: Some("app".to_owned()),
        usename: Some("app".to_owned()),
        application_name: Some("checkout-web".to_owned()),
        client: Some("10.0.3.7".to_owned()),
        backend_type: Some("client backend".to_owned()),
        state: Some("active".to_owned()),
        wait_event_type: Some("Lock".to_owned()),
        wait_event: Some("relation".to_owned()),
        xact_s: Some(f64::from(pid)),
        query_s: Some(f64::from(pid)),
        query: Some("select o.* from orders o where o.customer_id = 4711 order by o.placed desc".to_owned()),
        ..Backend::default()
    }
}

/// `waiters` sessions behind `roots` holders; in a queue of one object everybody waits for all before.
fn waiting(waiters: i32, queue: i32) -> LockSample {
    let session = |pid: i32| {
        let place = pid % queue;
        let first = pid - place;
        let blockers = (first..pid).collect::<Vec<_>>();
        Session {
            pid,
            start: i64::from(pid),
            state: Some("active".to_owned()),
            query: Some("update orders set note = 'x' where id = 1".to_owned()),
            wait: (place > 0).then(|| Wait {
                tag: Tag {
                    locktype: "relation".to_owned(),
                    database: Some(5),
                    relation: u32::try_from(first).ok(),
                    ..Tag::default()
                },
                mode: "AccessExclusiveLock".to_owned(),
                blockers,
                seconds: Some(f64::from(pid)),
                names: Names::default(),
            }),
            ..Session::default()
        }
    };
    LockSample {
        waiters: usize::try_from(waiters).unwrap_or_default(),
        sessions: (0..waiters).map(session).collect(),
        held: Vec::new(),
    }
}

fn news<P: Probe>(data: P::Data, second: u64) -> News {
    let ran = Ran {
        started: Mono(Duration::from_secs(second)),
        took: Duration::from_millis(20),
        ..Ran::of(&P::SPEC, &Server::default())
    };
    News::Sample(Arc::new(Sample {
        ran,
        data: Some(Arc::new(data)),
    }))
}

fn event(what: What, second: u64) -> Event {
    Event {
        at: Mono(Duration::from_secs(second)),
        what,
    }
}

fn program(pane: usize) -> State {
    let world = World::new(Arc::new(Settings::default()), "bench".to_owned());
    let keymap = Keymap::new(&std::collections::BTreeMap::new()).unwrap_or_else(|error| panic!("{error}"));
    let mut state = State::new(world, Look::default(), keymap, Rect::new(0, 0, 120, 40));
    let server = Arc::new(Server {
        version_num: 180_000,
        reads_all_stats: true,
        extensions: vec![Extension {
            name: "pg_stat_statements".to_owned(),
            version: "1.12".to_owned(),
            schema: "public".to_owned(),
        }],
        ..Server::default()
    });
    update(&mut state, event(What::News(News::Link(Link::Up(server))), 1));
    state.current = pane;
    state
}

/// New samples of activity and locks to the frame on the screen.
#[divan::bench(args = [0, 1, 2])]
fn samples_to_frame(bencher: Bencher<'_, '_>, pane: usize) {
    let activity = Arc::new((1..=SESSIONS).map(backend).collect::<Vec<_>>());
    let locks = Arc::new(waiting(5_000, 50));
    let mut buf = Buffer::empty(Rect::new(0, 0, 120, 40));
    bencher
        .with_inputs(|| {
            let activity = news::<Activity>(activity.as_ref().clone(), 2);
            let locks = news::<Locks>(locks.as_ref().clone(), 2);
            (program(pane), activity, locks)
        })
        .bench_local_values(|(mut state, activity, locks)| {
            update(&mut state, event(What::News(activity), 3));
            update(&mut state, event(What::News(locks), 3));
            state.settle();
            chrome::draw(&state, &mut buf);
            state
        });
}

/// Every statement has grown since the reading before.
fn statements(second: u32) -> Statements {
    let entry = |query: i64| StatementEntry {
        key: StatementKey {
            user: 10,
            database: 5,
            query,
            toplevel: true,
        },
        user: Some("app".into()),
        database: Some("app".into()),
        counters: Counters {
            calls: query * i64::from(second),
            #[expect(clippy::cast_precision_loss, reason = "ten thousand")]
            exec_ms: (query % 977) as f64 * f64::from(second),
            rows: query,
            hit: 10 * query * i64::from(second),
            read: query,
            ..Counters::default()
        },
        since: None,
    };
    let entries: Vec<StatementEntry> = (1..=STATEMENTS).map(entry).collect();
    Statements {
        epoch: f64::from(second),
        all: STATEMENTS,
        dealloc: Some(0),
        reset: Some(0.0),
        entries,
        ..Statements::default()
    }
}

/// A table with a partition for each day since 2010.
fn partitions() -> Partitions {
    let day = |day: u32| {
        let date = |day: u32| format!("{}-{:02}-{:02}", 2010 + day / 336, 1 + day / 28 % 12, 1 + day % 28);
        Partition {
            oid: 20_000 + day,
            schema: "part".to_owned(),
            name: format!("events_p{day:05}"),
            kind: "r".to_owned(),
            parent: Some(16_384),
            bound: Some(format!(
                "FOR VALUES FROM ('{} 00:00:00+00') TO ('{} 00:00:00+00')",
                date(day),
                date(day + 1)
            )),
            reltuples: 40.0,
            heap_bytes: 8_192,
            ..Partition::default()
        }
    };
    let parent = Partition {
        oid: 16_384,
        schema: "part".to_owned(),
        name: "events".to_owned(),
        kind: "p".to_owned(),
        key: Some(PartitionKey {
            strategy: "r".to_owned(),
            columns: vec!["ts".to_owned()],
            types: vec!["timestamp with time zone".to_owned()],
            classes: vec![1184],
            expression: None,
            partitions: i64::from(DAYS),
        }),
        ..Partition::default()
    };
    Partitions {
        relations: (0..DAYS).map(day).chain([parent]).collect(),
        now: 1_700_000_000.0,
        ..Partitions::default()
    }
}

/// As many as `limits.top_relations` asks for.
fn relations() -> Relations {
    let relation = |oid: u32| Relation {
        oid,
        name: Named {
            nspname: "app_00".to_owned(),
            relname: format!("t{oid:06}"),
        },
        relkind: "r".to_owned(),
        size: Some(Size {
            heap: i64::from(oid) * 8_192,
            indexes: i64::from(oid) * 4_096,
            toast: 8_192,
        }),
        ..Relation::default()
    };
    Relations {
        epoch: 1_700_000_000.0,
        relations: 105_068,
        rows: (1..=50).rev().map(relation).collect(),
        ..Relations::default()
    }
}

/// Two readings of all statements to the frame with what grew between them.
#[divan::bench]
fn statements_to_frame(bencher: Bencher<'_, '_>) {
    let readings = [statements(1), statements(16)];
    let mut buf = Buffer::empty(Rect::new(0, 0, 120, 40));
    bencher
        .with_inputs(|| {
            let mut state = program(pane_of(StatementsProbe::SPEC.id));
            let [first, second] = readings.clone();
            update(&mut state, event(What::News(news::<StatementsProbe>(first, 1)), 2));
            (state, news::<StatementsProbe>(second, 16))
        })
        .bench_local_values(|(mut state, second)| {
            update(&mut state, event(What::News(second), 17));
            state.settle();
            chrome::draw(&state, &mut buf);
            state
        });
}

/// A new answer to the frame that shows it.
fn answer_to_frame<P: Probe<Data: Clone>>(bencher: Bencher<'_, '_>, data: &P::Data) {
    let mut buf = Buffer::empty(Rect::new(0, 0, 120, 40));
    bencher
        .with_inputs(|| (program(pane_of(P::SPEC.id)), news::<P>(data.clone(), 2)))
        .bench_local_values(|(mut state, answer)| {
            update(&mut state, event(What::News(answer), 3));
            state.settle();
            chrome::draw(&state, &mut buf);
            state
        });
}

#[divan::bench]
fn partitions_to_frame(bencher: Bencher<'_, '_>) {
    answer_to_frame::<PartitionsProbe>(bencher, &partitions());
}

#[divan::bench]
fn relations_to_frame(bencher: Bencher<'_, '_>) {
    answer_to_frame::<RelationsProbe>(bencher, &relations());
}

/// The place of the pane that shows what the probe says.
fn pane_of(probe: &str) -> usize {
    let panes = pgmon_tui::pane::panes();
    let shows = panes.iter().position(|pane| pane.probes().contains(&probe));
    shows.unwrap_or_else(|| panic!("no pane shows {probe}"))
}

/// A key on a full screen: no new data.
#[divan::bench(args = [1, 2])]
fn key_to_frame(bencher: Bencher<'_, '_>, pane: usize) {
    use crossterm::event::{Event as Terminal, KeyCode, KeyEvent};
    let mut state = program(pane);
    let activity = (1..=SESSIONS).map(backend).collect::<Vec<_>>();
    update(&mut state, event(What::News(news::<Activity>(activity, 2)), 3));
    update(&mut state, event(What::News(news::<Locks>(waiting(5_000, 50), 2)), 3));
    state.settle();
    let mut buf = Buffer::empty(Rect::new(0, 0, 120, 40));
    let key = Terminal::Key(KeyEvent::from(KeyCode::Char('j')));
    bencher.bench_local(|| {
        update(&mut state, event(What::Terminal(key.clone()), 3));
        state.settle();
        chrome::draw(&state, &mut buf);
    });
}

/// Alerts: one round of all rules after each has been asked about: 10,000 sessions, 5,000 of them waiting in queues of so
/// many, 10,000 statements, 50 relations, 5,000 partitions.
#[divan::bench(args = [2, 50, 5_000])]
fn alerts_one_round_of_all_rules(bencher: Bencher<'_, '_>, queue: i32) {
    let mut state = program(0);
    let activity = (1..=SESSIONS).map(backend).collect::<Vec<_>>();
    let samples = [
        news::<PulseProbe>(Pulse::default(), 2),
        news::<Activity>(activity, 2),
        news::<Locks>(waiting(5_000, queue), 2),
        news::<ExtensionsProbe>(Extensions::default(), 2),
        news::<StatementsProbe>(statements(1), 1),
        news::<StatementsProbe>(statements(16), 2),
        news::<RelationsProbe>(relations(), 2),
        news::<PartitionsProbe>(partitions(), 2),
    ];
    for sample in samples {
        update(&mut state, event(What::News(sample), 3));
    }
    let known = state.world.known.clone();
    bencher.bench_local(|| {
        RULES
            .iter()
            .map(|rule| (rule.check)(&known).findings.len())
            .sum::<usize>()
    });
}

/// The dearest answer: who waits, and the engine's own work with what is found.
#[divan::bench(args = [2, 50, 5_000])]
fn alerts_after_locks(bencher: Bencher<'_, '_>, queue: i32) {
    let mut state = program(0);
    let activity = (1..=SESSIONS).map(backend).collect::<Vec<_>>();
    let samples = [
        news::<PulseProbe>(Pulse::default(), 2),
        news::<Activity>(activity, 2),
        news::<Locks>(waiting(5_000, queue), 2),
    ];
    for sample in samples {
        update(&mut state, event(What::News(sample), 3));
    }
    let (known, mut engine) = (state.world.known.clone(), state.world.alerts.clone());
    bencher.bench_local(|| engine.observe(&known, Locks::SPEC.id));
}

/// The blocking forest alone: many short queues, and one long one whose edges grow with its square.
#[divan::bench(args = [(5_000, 50), (500, 500), (1_000, 1_000)])]
fn blocking_forest(bencher: Bencher<'_, '_>, (waiters, queue): (i32, i32)) {
    let sample = waiting(waiters, queue);
    bencher.bench(|| forest(&sample, &[]));
}
