//! What the forest says of built situations, as superuser, `pg_monitor` and plain role.

use std::collections::{BTreeMap, BTreeSet};

use pgmon_lab::{Cluster, Result, Scene, scene, shared};
use pgmon_tui::model::locks::Who;
use pgmon_tui::probe::locks::Sample;
use rstest::rstest;

use crate::eye::{Eye, role, shape};

/// `pg_blocking_pids` for the waiters of one database, asked by somebody else.
async fn truth(scene: &Scene) -> Result<BTreeMap<i32, BTreeSet<i32>>> {
    let sql = "SELECT DISTINCT l.pid::text, b.pid::text \
               FROM pg_locks l JOIN pg_stat_activity a USING (pid) LEFT JOIN unnest(pg_blocking_pids(l.pid)) b(pid) ON true \
               WHERE NOT l.granted AND a.datname = current_database()";
    let mut truth: BTreeMap<i32, BTreeSet<i32>> = BTreeMap::new();
    for row in scene.admin().texts(sql).await? {
        let mut pids = row.into_iter().map(|pid| pid.map(|pid| pid.parse().unwrap()));
        let blockers = truth.entry(pids.next().flatten().unwrap()).or_default();
        blockers.extend(pids.next().flatten());
    }
    Ok(truth)
}

fn ours(sample: &Sample, database: &str) -> BTreeMap<i32, BTreeSet<i32>> {
    let here = sample
        .sessions
        .iter()
        .filter(|session| session.datname.as_deref() == Some(database));
    here.filter_map(|session| Some((session.pid, session.wait.as_ref()?.blockers.iter().copied().collect())))
        .collect()
}

/// Every role sees the same blockers as somebody who asks the server directly, and the same trees.
async fn same_for_all(cluster: &Cluster, database: &str, scene: &Scene, expected: &str) -> Result<()> {
    let (monitor, plain) = (format!("{database}_monitor"), format!("{database}_plain"));
    role(scene.admin(), &monitor, true).await?;
    role(scene.admin(), &plain, false).await?;
    let truth = truth(scene).await?;
    assert!(!truth.is_empty());
    for user in ["postgres", &monitor, &plain] {
        let mut eye = Eye::open(cluster, user, database).await;
        let (sample, _, forest) = eye.look().await;
        assert_eq!(ours(&sample, database), truth, "blockers as {user}");
        assert_eq!(shape(&forest, database), expected, "tree as {user}");
        for node in forest
            .nodes
            .iter()
            .filter(|node| node.session.datname.as_deref() == Some(database))
        {
            assert_eq!(
                node.session.hidden,
                user == plain,
                "what {user} may see of {:?}",
                node.who
            );
            assert_eq!(node.session.query.is_some(), user != plain);
            // The true time of the wait is known to everybody since 14, its bound before to who sees the session.
            if node.wait.is_some() && cluster.major() >= 14 {
                assert!(node.since.is_some_and(|since| !since.at_most));
            } else if node.wait.is_some() {
                assert_eq!(node.since.map(|since| since.at_most), (user != plain).then_some(true));
            }
        }
    }
    Ok(())
}

async fn server(major: u32, database: &str) -> Result<&'static Cluster> {
    let cluster = shared(major).await?;
    cluster.database(database).await?;
    Ok(cluster)
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn queued_exclusive(#[values(12, 13, 14, 15, 16, 17, 18)] major: u32) -> Result<()> {
    let cluster = server(major, "queued").await?;
    let scene = scene::queued_exclusive(cluster, "queued", 3).await?;
    let expected = "root: AccessShare public.orders, frees 4\n\
                    \x20 alter: AccessExclusive public.orders, frees 3\n\
                    \x20   reader: AccessShare public.orders, frees 0\n\
                    \x20   reader: AccessShare public.orders, frees 0\n\
                    \x20   reader: AccessShare public.orders, frees 0\n";
    same_for_all(cluster, "queued", &scene, expected).await?;
    scene.end().await
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn idle_in_transaction(#[values(12, 13, 14, 15, 16, 17, 18)] major: u32) -> Result<()> {
    let cluster = server(major, "idle_tx").await?;
    let scene = scene::idle_in_transaction(cluster, "idle_tx").await?;
    let expected = "root: Exclusive row (0,1) of public.accounts, frees 1\n\
                    \x20 waiter: Share row (0,1) of public.accounts, frees 0\n";
    same_for_all(cluster, "idle_tx", &scene, expected).await?;
    let mut eye = Eye::open(cluster, "postgres", "idle_tx").await;
    let forest = eye.forest().await;
    let root = forest
        .nodes
        .iter()
        .find(|node| node.session.pid == scene.pid("root"))
        .unwrap();
    assert!(root.idle_in_transaction());
    scene.end().await
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn hot_row(#[values(12, 13, 14, 15, 16, 17, 18)] major: u32) -> Result<()> {
    let cluster = server(major, "hot").await?;
    let scene = scene::hot_row(cluster, "hot", 6).await?;
    let mut eye = Eye::open(cluster, "postgres", "hot").await;
    let (sample, _, forest) = eye.look().await;
    assert_eq!(ours(&sample, "hot"), truth(&scene).await?);
    let node = |pid: i32| forest.nodes.iter().find(|node| node.session.pid == pid).unwrap();
    // All want the row the holder has: one level, one name, six of them folded or first.
    let holder = node(scene.pid("holder"));
    assert_eq!(holder.frees, 7);
    assert_eq!(holder.children.len(), 7);
    for pid in scene.pids("convoy") {
        assert_eq!(node(pid).object, "row (0,1) of public.hot");
        assert!(node(pid).also_behind.is_empty());
    }
    let fold = forest
        .folds
        .iter()
        .find(|fold| fold.object == "row (0,1) of public.hot")
        .unwrap();
    assert_eq!(fold.members.len(), 4);
    scene.end().await
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn advisory(#[values(12, 13, 14, 15, 16, 17, 18)] major: u32) -> Result<()> {
    let cluster = server(major, "advisory").await?;
    let scene = scene::advisory(cluster, "advisory").await?;
    let expected = "shared: Share advisory key 42, frees 2\n\
                    \x20 exclusive: Exclusive advisory key 42, frees 1\n\
                    \x20   late: Share advisory key 42, frees 0\n";
    same_for_all(cluster, "advisory", &scene, expected).await?;
    scene.end().await
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn advisory_keys(#[values(12, 18)] major: u32) -> Result<()> {
    let cluster = server(major, "keys").await?;
    let mut scene = Scene::open(cluster, "keys").await?;
    let holder = scene.session("holder").await?;
    holder
        .simple("SELECT pg_advisory_lock(-7), pg_advisory_lock(3, -5)")
        .await?;
    scene.waiting("one", "SELECT pg_advisory_lock(-7)").await?;
    scene.waiting("two", "SELECT pg_advisory_lock(3, -5)").await?;
    let mut eye = Eye::open(cluster, "postgres", "keys").await;
    let tree = shape(&eye.forest().await, "keys");
    assert!(tree.contains("one: Exclusive advisory key -7, frees 0"), "{tree}");
    assert!(tree.contains("two: Exclusive advisory keys 3, -5, frees 0"), "{tree}");
    scene.end().await
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn undetected_deadlock(#[values(12, 13, 14, 15, 16, 17, 18)] major: u32) -> Result<()> {
    let cluster = server(major, "ring").await?;
    let scene = scene::deadlock(cluster, "ring").await?;
    // The longest wait is the head of the ring.
    let expected = "a: Share row (0,2) of public.pairs, frees 2 (ring)\n\
                    \x20 victim: Share row (0,3) of public.pairs, frees 0\n\
                    \x20 b: Share row (0,1) of public.pairs, frees 0 (ring)\n";
    let mut eye = Eye::open(cluster, "postgres", "ring").await;
    let (sample, _, forest) = eye.look().await;
    assert_eq!(ours(&sample, "ring"), truth(&scene).await?);
    assert_eq!(forest.rings, 1);
    if major >= 14 {
        // Who waits longer is told by waits of one moment: a server that is slow between two rows changes no order.
        let waits = |name: &str| {
            let pid = scene.pid(name);
            let found = sample.sessions.iter().find(|session| session.pid == pid);
            found.and_then(|session| session.wait.as_ref()?.seconds).unwrap()
        };
        let apart = "SELECT extract(epoch FROM max(waitstart) - min(waitstart))::float8 FROM pg_locks \
                     WHERE NOT granted AND pid";
        for (first, second) in [("a", "b"), ("b", "victim")] {
            let sql = format!("{apart} IN ({}, {})", scene.pid(first), scene.pid(second));
            let apart: f64 = scene.admin().value(&sql).await?;
            let ours = waits(first) - waits(second);
            assert!((ours - apart).abs() < 1.5e-6, "{first} {ours} {apart}");
        }
    }
    let mut lines: Vec<&str> = expected.lines().collect();
    let tree = shape(&forest, "ring");
    let mut found: Vec<&str> = tree.lines().collect();
    lines.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, lines);
    scene.end().await
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn index_behind_snapshot(#[values(12, 13, 14, 15, 16, 17, 18)] major: u32) -> Result<()> {
    let cluster = server(major, "concurrently").await?;
    let scene = scene::index_behind_snapshot(cluster, "concurrently").await?;
    let mut eye = Eye::open(cluster, "postgres", "concurrently").await;
    let (sample, _, forest) = eye.look().await;
    assert_eq!(ours(&sample, "concurrently"), truth(&scene).await?);
    // Other tests' transactions on this server may be old too: the builder waits for one at a time.
    let builder = forest
        .nodes
        .iter()
        .find(|node| node.session.pid == scene.pid("builder"))
        .unwrap();
    assert!(builder.object.starts_with("virtual transaction "), "{}", builder.object);
    assert!(builder.parent.is_some());
    scene.end().await
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn parallel_query(#[values(12, 13, 14, 15, 16, 17, 18)] major: u32) -> Result<()> {
    let cluster = server(major, "parallel").await?;
    let scene = scene::parallel_query(cluster, "parallel").await?;
    let mut eye = Eye::open(cluster, "postgres", "parallel").await;
    let (sample, _, forest) = eye.look().await;
    assert_eq!(ours(&sample, "parallel"), truth(&scene).await?);
    let tree = shape(&forest, "parallel");
    if major >= 13 {
        let expected = "holder: AccessExclusive public.gate, frees 1\n\
                        \x20 leader +2: AccessShare public.gate, frees 0\n";
        assert_eq!(tree, expected);
    } else {
        // 12 does not say who leads whom.
        assert_eq!(tree.lines().count(), 3, "{tree}");
        assert!(
            tree.starts_with("holder: AccessExclusive public.gate, frees 2\n"),
            "{tree}"
        );
    }
    scene.end().await
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn two_share_lockers(#[values(12, 18)] major: u32) -> Result<()> {
    let cluster = server(major, "sharers").await?;
    let mut scene = Scene::open(cluster, "sharers").await?;
    let setup = "CREATE TABLE parts (id int PRIMARY KEY, v int); INSERT INTO parts VALUES (1, 0)";
    scene.admin().simple(setup).await?;
    for name in ["one", "two"] {
        let sharer = scene.session(name).await?;
        sharer.simple("BEGIN; SELECT * FROM parts FOR SHARE").await?;
    }
    scene.waiting("writer", "UPDATE parts SET v = 1").await?;
    let mut eye = Eye::open(cluster, "postgres", "sharers").await;
    let (sample, _, forest) = eye.look().await;
    assert_eq!(ours(&sample, "sharers"), truth(&scene).await?);
    // The server waits for the lockers of a row one after another, and names the one it waits for.
    let expected = "one: Exclusive row (0,1) of public.parts, frees 1\n\
                    \x20 writer: Share row (0,1) of public.parts, frees 0\n";
    assert_eq!(shape(&forest, "sharers"), expected);
    scene.end().await
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn two_holders(#[values(12, 18)] major: u32) -> Result<()> {
    let cluster = server(major, "holders").await?;
    let mut scene = Scene::open(cluster, "holders").await?;
    scene.admin().simple("CREATE TABLE shared (id int)").await?;
    for name in ["one", "two"] {
        scene.session(name).await?.simple("BEGIN; SELECT * FROM shared").await?;
    }
    scene.waiting("alter", "ALTER TABLE shared ADD COLUMN v int").await?;
    scene.waiting("reader", "SELECT * FROM shared").await?;
    let expected = "one: AccessShare public.shared, frees 0\n\
                    \x20 alter: AccessExclusive public.shared, frees 1\n\
                    \x20   reader: AccessShare public.shared, frees 0\n\
                    two: AccessShare public.shared, frees 0\n";
    let mut eye = Eye::open(cluster, "postgres", "holders").await;
    let forest = eye.forest().await;
    assert_eq!(shape(&forest, "holders"), expected);
    let alter = forest
        .nodes
        .iter()
        .find(|node| node.session.pid == scene.pid("alter"))
        .unwrap();
    assert!(matches!(alter.also_behind.as_slice(), [Who::Backend { pid, .. }] if *pid == scene.pid("two")));
    scene.end().await
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn prepared_transaction(#[values(12, 13, 14, 15, 16, 17, 18)] major: u32) -> Result<()> {
    let cluster = Cluster::builder(major)
        .conf("max_prepared_transactions", "5")
        .start()
        .await?;
    cluster.database("shop").await?;
    let admin = cluster.client_as("postgres", "shop").await?;
    let setup = "CREATE TABLE ledger (id int PRIMARY KEY, v int); INSERT INTO ledger VALUES (1, 0), (2, 0)";
    admin.simple(setup).await?;
    let prepare = "BEGIN; UPDATE ledger SET v = 1 WHERE id = 1; PREPARE TRANSACTION 'it''s one'";
    admin.simple(prepare).await?;
    let bystander = "BEGIN; UPDATE ledger SET v = 1 WHERE id = 2; PREPARE TRANSACTION 'another'";
    admin.simple(bystander).await?;
    let mut scene = Scene::open(&cluster, "shop").await?;
    scene.waiting("waiter", "UPDATE ledger SET v = 2 WHERE id = 1").await?;
    let expected = "2PC it's one: Exclusive row (0,1) of public.ledger, frees 1\n\
                    \x20 waiter: Share row (0,1) of public.ledger, frees 0\n";
    same_for_all(&cluster, "shop", &scene, expected).await?;
    drop(scene);
    // Its locks come back under another virtual transaction.
    cluster.restart().await?;
    let mut scene = Scene::open(&cluster, "shop").await?;
    scene.waiting("waiter", "UPDATE ledger SET v = 2 WHERE id = 1").await?;
    let mut eye = Eye::open(&cluster, "postgres", "shop").await;
    let (_, prepared, forest) = eye.look().await;
    assert_eq!(shape(&forest, "shop"), expected);
    let asked = "SELECT gid, owner, database FROM pg_prepared_xacts ORDER BY gid";
    let truth = scene.admin().texts(asked).await?;
    let mut ours: Vec<Vec<Option<String>>> = (prepared.into_iter())
        .map(|one| vec![Some(one.gid), Some(one.owner), Some(one.database)])
        .collect();
    ours.sort();
    assert_eq!(ours, truth);
    scene.end().await
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn replay_behind_reader(#[values(12, 13, 14, 15, 16, 17, 18)] major: u32) -> Result<()> {
    let builder = Cluster::builder(major)
        .conf("wal_level", "replica")
        .conf("max_wal_senders", "4");
    let primary = builder
        .conf("max_replication_slots", "4")
        .conf("hot_standby", "on")
        .start()
        .await?;
    let standby = primary.standby("sb", &[("max_standby_streaming_delay", "-1")]).await?;
    primary.client().await?.simple("CREATE ROLE plain LOGIN").await?;
    let scene = scene::replay_behind_reader(&primary, &standby).await?;
    for user in ["postgres", "plain"] {
        let mut eye = Eye::open(&standby, user, "postgres").await;
        let (sample, _, forest) = eye.look().await;
        // The server names nobody.
        assert!(
            sample
                .sessions
                .iter()
                .filter_map(|session| session.wait.as_ref())
                .all(|wait| wait.blockers.is_empty())
        );
        let tree = shape(&forest, "postgres");
        let (root, replay) = tree.split_once('\n').unwrap();
        assert_eq!(root, "reader: AccessShare public.replayed, frees 1");
        assert!(
            replay.ends_with(": AccessExclusive public.replayed, frees 0\n"),
            "{replay}"
        );
        assert!(user == "plain" || replay.starts_with("  startup:"), "{replay}");
    }
    scene.end().await
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn the_limit_says_what_it_left_out(#[values(12, 18)] major: u32) -> Result<()> {
    let cluster = Cluster::builder(major).start().await?;
    cluster.database("many").await?;
    let scene = scene::queued_exclusive(&cluster, "many", 9).await?;
    let mut eye = Eye::open(&cluster, "postgres", "many").await;
    eye.settings.lock_waiters = 4;
    let forest = eye.forest().await;
    assert_eq!((forest.all, forest.asked, forest.waiting), (10, 4, 4));
    let root = &forest.nodes[forest.roots[0]];
    assert_eq!((forest.roots.len(), root.session.pid), (1, scene.pid("root")));
    scene.end().await
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn names_of_another_database(#[values(12, 18)] major: u32) -> Result<()> {
    let cluster = server(major, "there").await?;
    cluster.database("here").await?;
    let scene = scene::queued_exclusive(cluster, "there", 1).await?;
    let oid: String = scene.admin().value("SELECT 'orders'::regclass::oid::text").await?;
    let mut eye = Eye::open(cluster, "postgres", "here").await;
    let tree = shape(&eye.forest().await, "there");
    assert!(
        tree.contains(&format!("alter: AccessExclusive oid {oid} in there, frees 1")),
        "{tree}"
    );
    scene.end().await
}
