//! Sessions that take and wait for locks at random: the tree against the plain definition of a parent.

use std::collections::{BTreeMap, BTreeSet};

use pgmon_lab::{Client, Cluster, PATIENCE, Result, wait_for};
use pgmon_tui::model::locks::{Forest, Node};
use rstest::rstest;

use crate::eye::Eye;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// Each free session in turn takes one of a few locks, until only `free` do not wait.
async fn entangle(admin: &Client, sessions: &[Client], dice: &mut Dice, free: usize) -> Result<()> {
    let mut idle: Vec<&Client> = sessions.iter().collect();
    while idle.len() > free {
        let client = idle[dice.below(idle.len())];
        let share = ["", "_shared"][dice.below(2)];
        let running = client.spawn(format!("SELECT pg_advisory_lock{share}({})", dice.below(6)));
        let waits = format!(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid = {})",
            client.pid()
        );
        let mut blocked = false;
        wait_for("the lock is taken or waited for", PATIENCE, async || {
            blocked = admin.value::<bool>(&waits).await?;
            Ok(blocked || running.is_finished())
        })
        .await?;
        if blocked {
            idle.retain(|other| other.pid() != client.pid());
            // It goes on when its blockers are gone.
            drop(running);
        } else {
            running.finish().await?;
        }
    }
    Ok(())
}

type Blockers = BTreeMap<i32, BTreeSet<i32>>;

async fn truth(admin: &Client) -> Result<Blockers> {
    let sql = "SELECT l.pid::text, array_to_string(pg_blocking_pids(l.pid), ' ') FROM pg_locks l WHERE NOT l.granted";
    let mut blockers = Blockers::new();
    for row in admin.texts(sql).await? {
        let [pid, others] = row.as_slice() else {
            panic!("two columns")
        };
        let others = others
            .iter()
            .flat_map(|others| others.split_whitespace())
            .map(|pid| pid.parse().unwrap());
        blockers.insert(pid.as_ref().unwrap().parse().unwrap(), others.collect());
    }
    Ok(blockers)
}

/// Blockers that are not blocked by another blocker of the same waiter; all of them if there is none.
fn parents(blockers: &Blockers, waiter: i32) -> BTreeSet<i32> {
    let own = &blockers[&waiter];
    let behind = |one: &i32| {
        own.iter()
            .any(|other| other != one && blockers.get(one).is_some_and(|above| above.contains(other)))
    };
    let parents: BTreeSet<i32> = own.iter().copied().filter(|one| !behind(one)).collect();
    if parents.is_empty() { own.clone() } else { parents }
}

/// Everybody a waiter can be reached from.
fn above(blockers: &Blockers, waiter: i32) -> BTreeSet<i32> {
    let mut above = BTreeSet::new();
    let mut next = vec![waiter];
    while let Some(pid) = next.pop() {
        for &blocker in blockers.get(&pid).into_iter().flatten() {
            if above.insert(blocker) {
                next.push(blocker);
            }
        }
    }
    above
}

fn check(forest: &Forest, blockers: &Blockers) {
    assert_eq!(forest.waiting, blockers.len());
    let pid = |node: &Node| node.session.pid;
    for node in &forest.nodes {
        let in_ring = above(blockers, pid(node)).contains(&pid(node));
        assert_eq!(node.ring, in_ring, "ring of {}", pid(node));
        match (blockers.get(&pid(node)), node.parent) {
            (None, parent) => assert_eq!(parent, None, "{} does not wait", pid(node)),
            // The head of a ring is the only waiter at the top.
            (Some(_), None) => assert!(in_ring, "{} waits", pid(node)),
            (Some(_), Some(parent)) => {
                let parents = parents(blockers, pid(node));
                assert!(
                    parents.contains(&pid(&forest.nodes[parent])),
                    "parent of {} is in {parents:?}",
                    pid(node)
                );
            }
        }
        // Who can be reached from this root alone, and from no ring, is freed by it and by nobody else.
        if node.wait.is_none() {
            let alone = |waiter: &&i32| {
                let above = above(blockers, **waiter);
                let tops: Vec<&i32> = above.iter().filter(|one| !blockers.contains_key(one)).collect();
                let rings = above.iter().any(|one| self::above(blockers, *one).contains(one));
                tops == [&pid(node)] && !rings && !above.contains(waiter)
            };
            assert_eq!(
                node.frees,
                blockers.keys().filter(alone).count(),
                "freed by {}",
                pid(node)
            );
        }
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn random_waits(#[values(12, 13, 14, 15, 16, 17, 18)] major: u32) -> Result<()> {
    for seed in 1..=2 {
        let cluster = Cluster::builder(major).conf("deadlock_timeout", "1h").start().await?;
        let admin = cluster.client().await?;
        let mut sessions = Vec::new();
        for _ in 0..18 {
            sessions.push(cluster.client().await?);
        }
        let seed = u64::from(major) * 100 + seed;
        entangle(&admin, &sessions, &mut Dice(seed), 2).await?;
        let mut eye = Eye::open(&cluster, "postgres", "postgres").await;
        let forest = eye.forest().await;
        check(&forest, &truth(&admin).await?);
    }
    Ok(())
}
