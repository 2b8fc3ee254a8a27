use proptest::prelude::*;

use super::*;
use crate::probe::locks::{Held, Names, RowPlace, Tag};

fn tag(relation: u32) -> Tag {
    Tag {
        locktype: "relation".into(),
        database: Some(5),
        relation: Some(relation),
        ..Tag::default()
    }
}

fn session(pid: i32) -> Session {
    Session {
        pid,
        start: i64::from(pid) * 10,
        ..Session::default()
    }
}

fn wait(tag: Tag, mode: &str, blockers: &[i32], seconds: f64) -> Wait {
    let names = Names {
        relation: tag.relation.map(|oid| format!("public.t{oid}")),
        ..Names::default()
    };
    Wait {
        tag,
        mode: mode.into(),
        seconds: Some(seconds),
        blockers: blockers.to_vec(),
        names,
    }
}

fn waiter(pid: i32, blockers: &[i32], seconds: f64) -> Session {
    Session {
        wait: Some(wait(tag(1), "AccessShareLock", blockers, seconds)),
        ..session(pid)
    }
}

fn held(pid: i32, vxid: &str, mode: &str, against: &[&str]) -> Held {
    Held {
        pid,
        virtualtransaction: vxid.into(),
        tag: tag(1),
        mode: mode.into(),
        against: against.iter().map(ToString::to_string).collect(),
    }
}

fn sample(sessions: Vec<Session>, held: Vec<Held>) -> Sample {
    Sample {
        waiters: sessions.iter().filter(|session| session.wait.is_some()).count(),
        sessions,
        held,
    }
}

fn node(forest: &Forest, pid: i32) -> &Node {
    let is = |node: &&Node| matches!(node.who, Who::Backend { pid: found, .. } if found == pid);
    forest.nodes.iter().find(is).expect("the session is in the forest")
}

fn parent(forest: &Forest, pid: i32) -> Option<i32> {
    node(forest, pid).parent.map(|parent| forest.nodes[parent].session.pid)
}

#[test]
fn nobody_waits() {
    assert_eq!(forest(&Sample::default(), &[]), Forest::default());
}

#[test]
fn siblings_that_wait_alike_fold_and_the_longest_stay() {
    let mut sessions = vec![session(1)];
    sessions.extend((2..12).map(|pid| waiter(pid, &[1], f64::from(pid))));
    let forest = forest(
        &sample(
            sessions,
            vec![held(1, "1/1", "AccessExclusiveLock", &["AccessShareLock"])],
        ),
        &[],
    );
    let root = node(&forest, 1);
    assert_eq!(
        (root.frees, root.object.as_str(), root.mode.as_str()),
        (10, "public.t1", "AccessExclusive")
    );
    let first: Vec<i32> = root
        .children
        .iter()
        .map(|&child| forest.nodes[child].session.pid)
        .take(2)
        .collect();
    assert_eq!(first, [11, 10]);
    assert_eq!(forest.folds[0].members.len(), 8);
    assert_eq!(forest.longest.map(|since| since.seconds), Some(11.0));
}

#[test]
fn a_row_convoy_stands_below_the_holder() {
    let row = RowPlace {
        relation: 1,
        name: Some("public.t1".into()),
        page: 0,
        tuple: 7,
    };
    let xact = Tag {
        locktype: "transactionid".into(),
        transactionid: Some("900".into()),
        ..Tag::default()
    };
    let tuple = Tag {
        locktype: "tuple".into(),
        page: Some(0),
        tuple: Some(7),
        ..tag(1)
    };
    let mut first = session(2);
    first.wait = Some(wait(xact, "ShareLock", &[1], 9.0));
    first.wait.as_mut().unwrap().names.row = Some(row);
    let behind = |pid: i32, blockers: &[i32]| Session {
        wait: Some(wait(tuple.clone(), "ExclusiveLock", blockers, 5.0)),
        ..session(pid)
    };
    let sessions = vec![session(1), first, behind(3, &[2]), behind(4, &[2, 3])];
    let forest = forest(&sample(sessions, vec![]), &[]);
    assert_eq!([2, 3, 4].map(|pid| parent(&forest, pid)), [Some(1); 3]);
    assert!(forest.nodes.iter().all(|node| node.also_behind.is_empty()));
    assert_eq!(node(&forest, 2).object, node(&forest, 4).object);
    assert_eq!(node(&forest, 1).frees, 3);
}

#[test]
fn parallel_workers_fold_into_their_leader() {
    let worker = |pid: i32, seconds: f64| Session {
        leader_pid: Some(20),
        ..waiter(pid, &[1, 1], seconds)
    };
    let sessions = vec![session(1), session(20), worker(21, 3.0), worker(22, 4.0)];
    let forest = forest(&sample(sessions, vec![]), &[]);
    assert_eq!(forest.nodes.len(), 2);
    assert_eq!(node(&forest, 20).workers, [21, 22]);
    assert_eq!(node(&forest, 20).since.map(|since| since.seconds), Some(4.0));
    assert_eq!(node(&forest, 1).frees, 1);
}

#[test]
fn a_blocker_zero_is_the_prepared_transaction_that_holds_the_lock() {
    let sessions = vec![waiter(2, &[0], 5.0)];
    let locks = vec![
        held(0, "3/12", "AccessExclusiveLock", &["AccessShareLock"]),
        held(0, "3/13", "AccessShareLock", &["AccessExclusiveLock"]),
    ];
    let prepared = vec![Prepared {
        gid: "two".into(),
        virtualtransaction: "3/12".into(),
        ..Prepared::default()
    }];
    let forest = forest(&sample(sessions, locks), &prepared);
    let root = &forest.nodes[forest.roots[0]];
    assert_eq!(root.who, Who::Prepared("3/12".into()));
    assert_eq!(
        root.prepared.as_ref().map(|prepared| prepared.gid.as_str()),
        Some("two")
    );
    assert_eq!(forest.nodes.len(), 2);
}

#[test]
fn the_startup_process_waits_for_the_holders() {
    let mut startup = waiter(9, &[], 3.0);
    startup.backend_type = Some("startup".into());
    startup.wait.as_mut().unwrap().mode = "AccessExclusiveLock".into();
    let locks = vec![held(5, "5/1", "AccessShareLock", &["AccessExclusiveLock"])];
    let forest = forest(&sample(vec![session(5), startup], locks), &[]);
    assert_eq!(parent(&forest, 9), Some(5));
}

#[test]
fn a_deadlock_is_shown_as_one() {
    let forest = forest(
        &sample(
            vec![waiter(1, &[2], 5.0), waiter(2, &[1], 6.0), waiter(3, &[1], 1.0)],
            vec![],
        ),
        &[],
    );
    assert_eq!(forest.rings, 1);
    assert_eq!([1, 2, 3].map(|pid| node(&forest, pid).ring), [true, true, false]);
    assert_eq!(forest.roots.len(), 1);
}

#[test]
fn without_waitstart_the_wait_is_an_upper_bound() {
    let mut late = waiter(2, &[1], 0.0);
    late.wait.as_mut().unwrap().seconds = None;
    (late.query_s, late.state_s) = (Some(8.0), Some(6.0));
    let forest = forest(&sample(vec![session(1), late], vec![]), &[]);
    let expected = Since {
        seconds: 6.0,
        at_most: true,
    };
    assert_eq!(node(&forest, 2).since, Some(expected));
}

/// A queue of `count` waiters behind one holder: everybody ahead is a blocker, so edges are about n²/2.
fn one_queue(count: i32) -> Sample {
    let mut sessions = vec![session(1)];
    sessions.extend((2..count + 2).map(|pid| waiter(pid, &(1..pid).collect::<Vec<_>>(), f64::from(count - pid))));
    sample(
        sessions,
        vec![held(1, "1/1", "AccessExclusiveLock", &["AccessShareLock"])],
    )
}

#[test]
fn thousands_in_one_queue_are_one_fold() {
    let input = one_queue(1_000);
    let forest = forest(&input, &[]);
    assert_eq!(forest.nodes[forest.roots[0]].frees, 1_000);
    assert_eq!(
        (forest.roots.len(), forest.folds.len(), forest.folds[0].members.len()),
        (1, 1, 998)
    );
}

#[test]
fn thousands_of_chains_stay_separate() {
    let chain = |root: i32| {
        [
            session(root),
            waiter(root + 1, &[root], 2.0),
            waiter(root + 2, &[root + 1], 1.0),
        ]
    };
    let sessions: Vec<Session> = (0..2_500).flat_map(|index| chain(index * 3 + 1)).collect();
    let forest = forest(&sample(sessions, vec![]), &[]);
    assert_eq!((forest.roots.len(), forest.waiting), (2_500, 5_000));
    assert!(forest.roots.iter().all(|&root| forest.nodes[root].frees == 2));
}

proptest! {
    #[test]
    fn every_session_is_shown_once(
        edges in prop::collection::vec((prop::option::of(1i32..30), prop::collection::vec(0i32..30, 0..6)), 1..30)
    ) {
        let sessions: Vec<Session> = edges.iter().enumerate().map(|(index, (leader, blockers))| {
            let pid = i32::try_from(index).unwrap() + 1;
            let mut session = if blockers.is_empty() { session(pid) } else { waiter(pid, blockers, f64::from(pid % 5)) };
            session.leader_pid = *leader;
            session
        }).collect();
        let input = sample(sessions, vec![held(0, "3/1", "AccessExclusiveLock", &["AccessShareLock"])]);
        let first = forest(&input, &[]);
        prop_assert_eq!(&first, &forest(&input, &[]));
        // A walk from the roots meets every node exactly once.
        let mut met = vec![0; first.nodes.len()];
        let mut stack = first.roots.clone();
        while let Some(index) = stack.pop() {
            met[index] += 1;
            prop_assert!(met[index] == 1);
            stack.extend(&first.nodes[index].children);
        }
        prop_assert!(met.iter().all(|times| *times == 1));
        // Every pid is in exactly one node.
        let mut pids: Vec<i32> = (first.nodes.iter())
            .filter(|node| matches!(node.who, Who::Backend { .. }))
            .flat_map(|node| node.workers.iter().copied().chain([node.session.pid]))
            .collect();
        let count = pids.len();
        pids.sort_unstable();
        pids.dedup();
        prop_assert_eq!(pids.len(), count);
        prop_assert!((input.sessions.iter()).all(|session| session.wait.is_none() || pids.contains(&session.pid)));
        prop_assert!(first.nodes.iter().all(|node| node.frees <= first.waiting));
        // Whoever waits behind a session of the answer hangs somewhere, unless the waiters wait for each other.
        for node in &first.nodes {
            if let Some(parent) = node.parent { prop_assert!(parent < first.nodes.len()); }
        }
    }
}
