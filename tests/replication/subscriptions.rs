//! Logical replication between two servers.

use pgmon_lab::wait_until;
use pgmon_tui::action::Action;
use pgmon_tui::model::replication::Kind;
use pgmon_tui::model::subscriptions::State;
use pgmon_tui::pane::Reply;
use pgmon_tui::probe::replication::ReplicationProbe;
use pgmon_tui::probe::subscriptions::{SubscriptionsProbe, Unready};
use rstest::rstest;

use crate::eye::Eye;
use crate::{PATIENCE, builder, number};

#[rstest]
#[tokio::test]
async fn a_table_that_cannot_be_copied(#[values(12, 14, 15, 16, 18)] major: u32) {
    let publisher = builder(major).start().await.unwrap();
    let subscriber = builder(major).start().await.unwrap();
    let (source, judge) = (publisher.client().await.unwrap(), subscriber.client().await.unwrap());
    let tables = "CREATE TABLE good (v int PRIMARY KEY); CREATE TABLE bad (v int PRIMARY KEY)";
    source.simple(tables).await.unwrap();
    judge.simple(tables).await.unwrap();
    source
        .simple("INSERT INTO good VALUES (1); INSERT INTO bad VALUES (1); CREATE PUBLICATION p FOR TABLE good, bad")
        .await
        .unwrap();
    // The row is there already: the copy fails, again and again.
    judge.simple("INSERT INTO bad VALUES (1)").await.unwrap();
    let subscribe = format!(
        "CREATE SUBSCRIPTION sub CONNECTION '{} password=s3cret' PUBLICATION p",
        publisher.conninfo("postgres", "postgres")
    );
    judge.simple(&subscribe).await.unwrap();

    let mut eye = Eye::open(&subscriber, "mon", "postgres").await;
    let ready = "(SELECT count(*) FROM pg_subscription_rel WHERE srsubstate = 'r')";
    wait_until("one of two tables is ready", PATIENCE, async || {
        let one = eye
            .ask::<SubscriptionsProbe>()
            .await
            .iter()
            .any(|row| row.ready == Some(1));
        Ok(one && number(&judge, ready).await == 1)
    })
    .await;
    let subscription = eye.world.get::<SubscriptionsProbe>().unwrap().first().unwrap().clone();
    assert_eq!(State::of(&subscription), State::Copies, "{subscription:?}");
    assert_eq!((subscription.tables, subscription.here), (Some(2), true));
    let state: String = judge
        .value("SELECT srsubstate::text FROM pg_subscription_rel WHERE srrelid = 'bad'::regclass")
        .await
        .unwrap();
    let bad = Unready {
        schema: "public".to_owned(),
        table: "bad".to_owned(),
        state,
    };
    assert_eq!(subscription.unready.len(), 1);
    assert_eq!(
        (&subscription.unready[0].table, &subscription.unready[0].schema),
        (&bad.table, &bad.schema)
    );
    assert_eq!(subscription.publications, ["p"]);
    if major >= 15 {
        let errors = "(SELECT sync_error_count FROM pg_stat_subscription_stats)";
        wait_until("the errors are counted", PATIENCE, async || {
            let counted = number(&judge, errors).await;
            let row = eye.ask::<SubscriptionsProbe>().await.first().unwrap();
            Ok(counted > 0 && row.sync_errors == Some(counted))
        })
        .await;
    }
    let screen = eye.screen().await;
    assert!(screen.contains("1 of 2 ready"), "{screen}");
    assert!(!screen.contains("s3cret"));
    for _ in 0..3 {
        eye.on(Action::NextView);
    }
    let screen = eye.draw();
    assert!(screen.contains("1 of 2 tables not ready · public.bad"), "{screen}");
    let worker = number(&judge, "(SELECT pid FROM pg_stat_subscription WHERE relid IS NULL)").await;
    assert!(
        matches!(eye.on(Action::Enter), Reply::Open(pgmon_tui::probe::Subject::Backend { pid, .. }) if i64::from(pid) == worker)
    );

    // A plain role sees as much; in another database the tables are not known.
    for (role, database, tables) in [("app", "postgres", Some(2)), ("mon", "template1", None)] {
        let mut other = Eye::open(&subscriber, role, database).await;
        let row = other.ask::<SubscriptionsProbe>().await.first().unwrap().clone();
        assert_eq!(
            (row.tables, row.oid.is_some(), row.worker_pid.is_some()),
            (tables, true, true),
            "{role}"
        );
        let screen = other.draw();
        assert!(database == "postgres" || screen.contains("other database"), "{screen}");
    }

    // The publisher sees a walsender of a logical slot, and tells it from a standby.
    let mut eye = Eye::open(&publisher, "mon", "postgres").await;
    let senders = eye.ask::<ReplicationProbe>().await.clone();
    let sender = senders
        .iter()
        .find(|sender| sender.application_name.as_deref() == Some("sub"))
        .unwrap();
    assert_eq!(Kind::of(sender), Kind::Logical);
    assert_eq!(
        (sender.database.as_deref(), sender.plugin.as_deref()),
        (Some("postgres"), Some("pgoutput"))
    );
    // Whoever copies `bad` once more has a walsender too, for a moment every five seconds.
    wait_until("there is one logical walsender", PATIENCE, async || {
        let screen = eye.screen().await;
        let senders = eye.world.get::<ReplicationProbe>().unwrap();
        let logical = senders
            .iter()
            .filter(|sender| Kind::of(sender) == Kind::Logical)
            .count();
        assert!(screen.contains(&format!("{logical} logical")), "{senders:?} {screen}");
        Ok(logical == 1)
    })
    .await;

    // The row in the way goes, and all is well; then somebody disables it.
    judge.simple("DELETE FROM bad").await.unwrap();
    let mut eye = Eye::open(&subscriber, "mon", "postgres").await;
    wait_until("all tables are ready", PATIENCE, async || {
        let row = eye.ask::<SubscriptionsProbe>().await.first().unwrap();
        Ok(State::of(row) == State::Streams)
    })
    .await;
    judge.simple("ALTER SUBSCRIPTION sub DISABLE").await.unwrap();
    wait_until("its worker has ended", PATIENCE, async || {
        let row = eye.ask::<SubscriptionsProbe>().await.first().unwrap();
        Ok(row.worker_pid.is_none())
    })
    .await;
    let row = eye.world.get::<SubscriptionsProbe>().unwrap().first().unwrap();
    assert_eq!(State::of(row), State::Disabled);
}
