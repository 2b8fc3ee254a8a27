//! How fast ids are used up, against ids that are really used up.

use pgmon_lab::wait_until;
use pgmon_tui::model::observe::name;
use pgmon_tui::model::wraparound::consumed;
use rstest::rstest;

use crate::{Eye, PATIENCE, still};

#[rstest]
#[tokio::test]
async fn what_is_used_up_between_two_readings(#[values(12, 18)] major: u32) {
    let cluster = still(major).await;
    let (first, second) = (cluster.client().await.unwrap(), cluster.client().await.unwrap());
    first
        .simple("CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
        .await
        .unwrap();
    let mut eye = Eye::open(&cluster, "app").await;
    let before = eye.databases().await;
    let from: i64 = first.value("SELECT txid_current()").await.unwrap();
    for _ in 0..40 {
        first.simple("SELECT txid_current()").await.unwrap();
    }
    // Two who lock the same row make a multixact of their transactions.
    let share = "BEGIN; SELECT 1 FROM t FOR SHARE";
    for _ in 0..5 {
        for client in [&first, &second] {
            client.simple(share).await.unwrap();
        }
        for client in [&first, &second] {
            client.simple("COMMIT").await.unwrap();
        }
    }
    let to: i64 = first.value("SELECT txid_current()").await.unwrap();
    let mut after = eye.databases().await;
    wait_until("enough time for a rate", PATIENCE, async || {
        after = eye.databases().await;
        Ok(eye.series.last(name::XID_BURN).is_some())
    })
    .await;
    let xids = consumed(before.next_xid, after.next_xid);
    assert_eq!(xids, to - from + 1);
    assert!(xids >= 40);
    assert_eq!(consumed(before.next_mxid, after.next_mxid), 5);
    for (series, expected) in [(name::XID_BURN, to - from + 1), (name::MXID_BURN, 5)] {
        let rate = eye.series.last(series).unwrap();
        let used = rate * eye.series.last_span(series).unwrap();
        #[expect(clippy::cast_precision_loss, reason = "a few dozen")]
        let expected = expected as f64;
        assert!((used - expected).abs() < 1e-6, "{series}: {used} instead of {expected}");
    }
}
