//! Partitions while something happens to them: locks, an interrupted detach, rows that go into the default.

use pgmon_lab::{PATIENCE, wait_until};
use pgmon_tui::model::partitions::statement::finalize;
use pgmon_tui::model::partitions::{Default, Level, Reach};
use rstest::rstest;

use crate::stage;

const DAILY: &str = "
SET TimeZone = 'UTC';
CREATE TABLE events (ts timestamptz) PARTITION BY RANGE (date_trunc('day', ts AT TIME ZONE 'UTC'));
CREATE TABLE plain (ts date) PARTITION BY RANGE (ts);
DO $$ DECLARE d date; BEGIN
  FOR i IN -3 .. 9 LOOP
    d := date_trunc('day', now())::date + i;
    EXECUTE format('CREATE TABLE events_%s PARTITION OF events FOR VALUES FROM (%L) TO (%L)', i + 3, d, d + 1);
    EXECUTE format('CREATE TABLE plain_%s PARTITION OF plain FOR VALUES FROM (%L) TO (%L)', i + 3, d, d + 1);
  END LOOP;
END $$;
";

#[rstest]
#[tokio::test]
async fn nothing_waits_for_access_exclusive(#[values(12, 14, 18)] major: u32) {
    let (cluster, client, mut eye) = stage(major, DAILY).await;
    let free = eye.ask().await;
    assert!(free.parent("events").expression.is_some());
    let holder = cluster.client().await.unwrap();
    holder
        .simple("BEGIN; LOCK TABLE ONLY events, ONLY plain, events_3, plain_3 IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let held = eye.ask().await;
    assert_eq!(held.parent("events").expression, None, "it cannot be had now");
    assert_eq!(held.parent("events").key(), "(expression)");
    for name in ["events", "plain"] {
        assert_eq!(
            held.parent(name).parts,
            free.parent(name).parts,
            "{name}: bounds are there all the same"
        );
        assert_eq!(held.parent(name).step, free.parent(name).step);
    }
    holder.simple("ROLLBACK").await.unwrap();
    // Queued behind a reader, it stops everybody who comes later.
    holder.simple("BEGIN; SELECT count(*) FROM events").await.unwrap();
    let waiter = cluster.client().await.unwrap();
    let waiting = waiter.spawn("ALTER TABLE events ADD COLUMN note text");
    let queued = format!("SELECT cardinality(pg_blocking_pids({})) > 0", waiter.pid());
    wait_until("ALTER TABLE waits", PATIENCE, async || {
        client.value::<bool>(&queued).await
    })
    .await;
    assert_eq!(eye.ask().await.parent("events").expression, None);
    holder.simple("ROLLBACK").await.unwrap();
    waiting.finish().await.unwrap();
    assert!(eye.ask().await.parent("events").expression.is_some());
}

#[rstest]
#[tokio::test]
async fn an_interrupted_detach(#[values(14, 16, 18)] major: u32) {
    let (cluster, client, mut eye) = stage(major, DAILY).await;
    assert_eq!(eye.ask().await.verdict("plain").level, Level::Fine);
    let reader = cluster.client().await.unwrap();
    reader.simple("BEGIN; SELECT count(*) FROM plain").await.unwrap();
    let detacher = cluster.client().await.unwrap();
    // Tomorrow's.
    let detach = detacher.spawn("ALTER TABLE plain DETACH PARTITION plain_4 CONCURRENTLY");
    let pending = "SELECT count(*) = 1 FROM pg_inherits WHERE inhdetachpending";
    wait_until("the detach is pending", PATIENCE, async || {
        client.value::<bool>(pending).await
    })
    .await;
    client.terminate(detacher.pid()).await.unwrap();
    assert!(detach.finish().await.is_err());
    reader.simple("COMMIT").await.unwrap();

    let seen = eye.ask().await;
    let parent = seen.parent("plain");
    let part = parent.parts.iter().find(|part| part.detaching).unwrap();
    assert_eq!(part.name, "plain_4");
    let verdict = seen.verdict("plain");
    assert!(
        matches!(verdict.reach, Reach::Beyond(seconds) if seconds <= 86_400.0),
        "{verdict:?}"
    );
    assert_eq!(verdict.level, Level::Warning);
    // The server agrees: rows of tomorrow are refused, and a partition for them is too.
    let insert = "INSERT INTO plain VALUES ((now() AT TIME ZONE 'UTC')::date + 1)";
    assert!(client.simple(insert).await.is_err());
    assert_eq!(parent.holes.count(), 0, "nothing can take its place yet");

    client.simple(&finalize(parent, part)).await.unwrap();
    let seen = eye.ask().await;
    assert_eq!(
        seen.parent("plain").parts.iter().filter(|part| part.detaching).count(),
        0
    );
    assert_eq!(seen.parent("plain").holes.count(), 1);
    let holes = seen
        .parent("plain")
        .create_holes(&seen.verdict("plain"), &seen.parents)
        .unwrap();
    // The detached table keeps its name, so the one in its place needs another.
    client
        .simple("ALTER TABLE plain_4 RENAME TO plain_4_old")
        .await
        .unwrap();
    client
        .simple(&holes)
        .await
        .unwrap_or_else(|error| panic!("{holes}: {error}"));
    client.simple(insert).await.unwrap();
    assert_eq!(eye.ask().await.verdict("plain").level, Level::Fine);
}

#[rstest]
#[tokio::test]
async fn the_default_fills(#[values(12, 14, 18)] major: u32) {
    let (cluster, client, mut eye) = stage(major, DAILY).await;
    client
        .simple("CREATE TABLE plain_rest PARTITION OF plain DEFAULT")
        .await
        .unwrap();
    assert_eq!(eye.ask().await.verdict("plain").default, Default::Empty);
    client
        .simple("INSERT INTO plain SELECT '2001-01-01'::date FROM generate_series(1, 500)")
        .await
        .unwrap();
    let mut level = Level::Fine;
    wait_until("the counters tell of it", PATIENCE, async || {
        // Before 15 a session tells what it did half a second ago when its next transaction ends.
        client.simple("SELECT 1").await?;
        let seen = eye.ask().await;
        let verdict = seen.verdict("plain");
        level = verdict.level;
        Ok(verdict.default == Default::Fills(500.0))
    })
    .await;
    assert_eq!(level, Level::Critical);
    // To who comes later it just has rows: nobody has seen them come.
    let later = crate::Eye::open(&cluster, "mon").await.ask().await.verdict("plain");
    assert_eq!((later.default, later.level), (Default::Holds(500.0), Level::Notice));
    let refused = eye.ask().await;
    let text = refused.next("plain");
    assert!(text.starts_with("-- The default partition has rows"), "{text}");
}
