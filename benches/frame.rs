//! From samples to a drawn frame at sizes nobody wants to meet: 10,000 sessions, 5,000 of them waiting.
//!
//! `cargo bench` prints the medians. No test depends on them: speed has no threshold here.

use std::sync::Arc;
use std::time::Duration;

use divan::Bencher;
use pgmon_tui::app::chrome;
use pgmon_tui::app::keymap::Keymap;
use pgmon_tui::app::state::State;
use pgmon_tui::app::update::{Event, What, update};
use pgmon_tui::config::Settings;
use pgmon_tui::model::locks::forest;
use pgmon_tui::pg::server::Server;
use pgmon_tui::poll::{Link, News};
use pgmon_tui::probe::activity::{Activity, Backend};
use pgmon_tui::probe::locks::{Locks, Names, Sample as LockSample, Session, Tag, Wait};
use pgmon_tui::probe::{Mono, Probe, Ran, Sample};
use pgmon_tui::ui::look::Look;
use pgmon_tui::world::World;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

fn main() {
    divan::main();
}

const SESSIONS: i32 = 10_000;

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

/// The blocking forest alone: many short queues, and one long one whose edges grow with its square.
#[divan::bench(args = [(5_000, 50), (500, 500), (1_000, 1_000)])]
fn blocking_forest(bencher: Bencher<'_, '_>, (waiters, queue): (i32, i32)) {
    let sample = waiting(waiters, queue);
    bencher.bench(|| forest(&sample, &[]));
}
