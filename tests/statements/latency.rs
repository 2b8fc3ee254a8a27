//! `pg_stat_monitor` cannot be installed here: its view and function are played, with the columns of its version 2.0.

use pgmon_lab::{Result, shared};
use pgmon_tui::pg::server::{Extension, Server};
use pgmon_tui::probe::Wanted;
use pgmon_tui::probe::statement_latency::StatementLatency;
use pgmon_tui::probe::statements::Key;

use crate::eye::Eye;

#[tokio::test(flavor = "multi_thread")]
async fn the_histogram_of_a_statement_is_added_up_over_its_buckets() -> Result<()> {
    let cluster = shared(14).await?;
    let client = cluster.client().await?;
    client
        .simple(
            "CREATE SCHEMA played; \
             CREATE FUNCTION played.get_histogram_timings() RETURNS text LANGUAGE sql \
             AS $$ SELECT '{{0.000 - 1.000}, (1.000 - 2.778}, (2.778 - ...}}'::text $$; \
             CREATE VIEW played.pg_stat_monitor AS SELECT bucket::int8, bucket_start_time, 10::oid AS userid, \
             5::oid AS dbid, queryid::int8, string_to_array(resp_calls, ',') AS resp_calls FROM (VALUES \
             (0, '2025-11-20 13:00:00+00'::timestamptz, 7, '1,20,3'), (1, '2025-11-20 13:01:00+00', 7, '100,0,0'), \
             (1, '2025-11-20 12:00:00+00', 8, '9,9,9')) v (bucket, bucket_start_time, queryid, resp_calls)",
        )
        .await?;
    let mut eye = Eye::open(cluster, "postgres", "postgres").await;
    let subject = |query| {
        Key {
            user: 10,
            database: 5,
            query,
            toplevel: true,
        }
        .into()
    };
    eye.focus.subject = Some(subject(7));
    assert_eq!(
        eye.wanted::<StatementLatency>(),
        Wanted::No("pg_stat_monitor is not installed in this database")
    );
    let played = Extension {
        name: "pg_stat_monitor".to_owned(),
        version: "2.0".to_owned(),
        schema: "played".to_owned(),
    };
    eye.pretend(Server {
        extensions: vec![played],
        ..eye.server().clone()
    });
    let histogram = eye.ask::<StatementLatency>().await.clone();
    assert_eq!(histogram.calls, [101, 20, 3]);
    assert_eq!(histogram.bounds, [1.0, 2.778, f64::INFINITY]);
    assert_eq!(histogram.since, Some(1_763_643_600.0));
    eye.focus.subject = Some(subject(9));
    assert_eq!(eye.ask::<StatementLatency>().await.calls, [0; 0], "never executed");
    client.simple("DROP SCHEMA played CASCADE").await
}
