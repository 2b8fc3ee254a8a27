use super::*;
use proptest::prelude::*;

fn client(pid: i32, state: &str, xact_s: Option<f64>) -> Backend {
    Backend {
        pid,
        state: Some(state.to_owned()),
        backend_type: Some("client backend".to_owned()),
        datname: Some("app".to_owned()),
        xact_s,
        query_s: Some(1.0),
        state_s: Some(f64::from(pid)),
        ..Backend::default()
    }
}

fn waiting(mut backend: Backend, class: &str) -> Backend {
    backend.wait_event_type = Some(class.to_owned());
    backend.wait_event = Some("x".to_owned());
    backend
}

fn worker(pid: i32, leader: i32) -> Backend {
    Backend {
        leader_pid: Some(leader),
        backend_type: Some("parallel worker".to_owned()),
        ..client(pid, "active", Some(1.0))
    }
}

fn process(pid: i32, kind: &str) -> Backend {
    Backend {
        pid,
        backend_type: Some(kind.to_owned()),
        query: Some(String::new()),
        ..Backend::default()
    }
}

fn hidden(pid: i32, datname: Option<&str>) -> Backend {
    Backend {
        pid,
        hidden: true,
        datname: datname.map(str::to_owned),
        ..Backend::default()
    }
}

fn blocking(by: &[(i32, &[i32])], blocks: &[(i32, usize)]) -> Blocking {
    Blocking {
        by: by.iter().map(|(pid, by)| (*pid, by.to_vec())).collect(),
        blocks: blocks.iter().copied().collect(),
    }
}

fn incident() -> (Vec<Backend>, Blocking) {
    let backends = vec![
        client(1, "idle", None),
        client(2, "idle in transaction", Some(1860.0)),
        waiting(client(3, "active", Some(252.0)), "Lock"),
        waiting(client(4, "active", Some(240.0)), "Lock"),
        client(5, "active", Some(2.0)),
        waiting(client(6, "active", Some(3.0)), "IO"),
        worker(70, 5),
        worker(71, 5),
        process(8, "checkpointer"),
        Backend {
            xact_s: Some(60.0),
            ..process(9, "autovacuum worker")
        },
        client(10, "idle in transaction (aborted)", Some(7.0)),
        hidden(11, Some("app")),
        hidden(12, None),
        client(13, "idle", None),
    ];
    (backends, blocking(&[(3, &[2]), (4, &[3, 2])], &[(2, 2), (3, 1)]))
}

fn pids(options: Options) -> Vec<i32> {
    let (backends, blockers) = incident();
    rows(&backends, &blockers, options).iter().map(pid).collect()
}

fn view(view: View) -> Options {
    Options {
        view,
        ..Options::default()
    }
}

#[test]
fn the_order_serves_an_incident() {
    assert_eq!(pids(view(View::All)), [2, 3, 4, 10, 6, 5, 70, 71, 11, 1, 13]);
}

#[test]
fn views() {
    assert_eq!(pids(view(View::Active)), [3, 4, 6, 5, 70, 71]);
    assert_eq!(pids(view(View::Waiting)), [3, 4, 6]);
    assert_eq!(pids(view(View::Blocking)), [2, 3]);
    assert_eq!(pids(view(View::IdleInTransaction)), [2, 10]);
}

#[test]
fn processes_of_the_server_come_last_and_on_demand() {
    let all = Options {
        background: true,
        ..Options::default()
    };
    assert_eq!(pids(all), [2, 3, 4, 10, 6, 5, 70, 71, 11, 1, 13, 9, 8, 12]);
}

#[test]
fn an_entangled_process_of_the_server_is_always_shown() {
    let backends = [
        process(8, "startup"),
        waiting(process(9, "startup"), "Lock"),
        process(10, "autovacuum worker"),
    ];
    let blockers = blocking(&[(77, &[10])], &[(10, 1)]);
    let shown: Vec<i32> = rows(&backends, &blockers, Options::default()).iter().map(pid).collect();
    assert_eq!(shown, [10, 9]);
}

#[test]
fn minimum_duration_keeps_what_is_unknown() {
    let long = Options {
        min_duration: 60,
        ..Options::default()
    };
    assert_eq!(pids(long), [2, 3, 4, 11]);
}

#[test]
fn blockers_and_victims() {
    let (backends, blockers) = incident();
    let rows = rows(&backends, &blockers, Options::default());
    let of = |pid| rows.iter().find(|row| row.backend.pid == pid).unwrap();
    assert_eq!((of(2).blocks, of(3).blocks, of(4).blocks), (2, 1, 0));
    assert_eq!(of(4).blocked_by, [3, 2]);
    assert!(of(4).waits_for_lock && !of(6).waits_for_lock);
}

#[test]
fn a_hidden_waiter_is_in_the_waiting_view() {
    let backends = [hidden(5, Some("app"))];
    let blockers = blocking(&[(5, &[6])], &[(6, 1)]);
    assert_eq!(rows(&backends, &blockers, view(View::Waiting)).len(), 1);
    assert_eq!(rows(&backends, &Blocking::default(), view(View::Waiting)).len(), 0);
    assert_eq!(counts(&backends, &blockers).for_locks, 1);
}

#[test]
fn a_worker_without_its_leader_stands_alone() {
    let rows = rows(&[worker(70, 5)], &Blocking::default(), Options::default());
    assert_eq!(rows[0].place, Place::Alone);
}

#[test]
fn a_leader_names_itself_on_the_server() {
    let mut lead = client(5, "active", Some(2.0));
    lead.leader_pid = Some(5);
    let rows = rows(&[worker(70, 5), lead], &Blocking::default(), Options::default());
    assert_eq!(rows.iter().map(pid).collect::<Vec<_>>(), [5, 70]);
    assert_eq!(rows[0].place, Place::Leader(1));
    assert_eq!(rows[1].place, Place::Worker { last: true });
}

#[test]
fn sessions_are_counted_once() {
    let (backends, blockers) = incident();
    let expected = Counts {
        sessions: 9,
        active: 4,
        waiting: 3,
        for_locks: 2,
        blocking: 2,
        idle_in_transaction: 2,
        idle: 2,
        unknown: 1,
        hidden: 1,
        background: 3,
    };
    assert_eq!(counts(&backends, &blockers), expected);
}

#[test]
fn keys_go_round() {
    let mut view = View::All;
    for expected in View::ALL.into_iter().cycle().skip(1).take(7) {
        assert_eq!(view.next().prev(), view);
        view = view.next();
        assert_eq!(view, expected);
    }
    let steps: Vec<u32> = std::iter::successors(Some(0), |step| Some(next_min_duration(*step)))
        .take(8)
        .collect();
    assert_eq!(steps, [0, 1, 5, 30, 60, 300, 1800, 0]);
}

proptest! {
    #[test]
    fn groups_stay_whole_and_nothing_is_shown_twice(
        leaders in proptest::collection::vec((0..40i32, proptest::option::of(0..40i32), 0..5u8), 0..60),
        pick in 0..5usize, background: bool, min_duration in 0..3u32,
    ) {
        let states = ["active", "idle", "idle in transaction", "disabled", "idle in transaction (aborted)"];
        let backends: Vec<Backend> = leaders
            .iter()
            .map(|(pid, leader, state)| Backend {
                leader_pid: *leader,
                ..client(*pid, states[usize::from(*state)], Some(f64::from(*state)))
            })
            .collect();
        let options = Options { view: View::ALL[pick], min_duration, background };
        let rows = rows(&backends, &Blocking::default(), options);
        let mut seen = std::collections::BTreeSet::new();
        let mut open = None;
        for row in &rows {
            prop_assert!(seen.insert(row.backend.pid));
            match row.place {
                Place::Worker { last } => {
                    prop_assert_eq!(open, row.backend.leader_pid);
                    open = row.backend.leader_pid.filter(|_| !last);
                }
                place => {
                    prop_assert_eq!(open, None);
                    open = matches!(place, Place::Leader(_)).then_some(row.backend.pid);
                }
            }
        }
        prop_assert_eq!(open, None);
        if options == (Options { background, ..Options::default() }) {
            let all: std::collections::BTreeSet<i32> = backends.iter().map(|backend| backend.pid).collect();
            prop_assert_eq!(seen, all);
        }
    }
}
