//! Partitions that end.

use pgmon_tui::alert::Thing;
use pgmon_tui::model::concern::Severity;

use crate::eye::Eye;

/// `short` reaches two days ahead, `over` ended yesterday and gets rows, `far` reaches, `old` ended years ago.
const TABLES: &str = "
SET TimeZone = 'UTC';
CREATE TABLE short (at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE over (at date) PARTITION BY RANGE (at);
CREATE TABLE far (at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE old (at date) PARTITION BY RANGE (at);
DO $$ DECLARE d timestamptz; BEGIN
  FOR i IN -5 .. 40 LOOP
    d := date_trunc('day', now()) + i * interval '1 day';
    IF i < 2 THEN
      EXECUTE format('CREATE TABLE short_%s PARTITION OF short FOR VALUES FROM (%L) TO (%L)',
                     to_char(d, 'YYYYMMDD'), d, d + interval '1 day');
    END IF;
    IF i < -1 THEN
      EXECUTE format('CREATE TABLE over_%s PARTITION OF over FOR VALUES FROM (%L) TO (%L)',
                     to_char(d, 'YYYYMMDD'), d::date, d::date + 1);
    END IF;
    EXECUTE format('CREATE TABLE far_%s PARTITION OF far FOR VALUES FROM (%L) TO (%L)',
                   to_char(d, 'YYYYMMDD'), d, d + interval '1 day');
  END LOOP;
END $$;
CREATE TABLE old_1 PARTITION OF old FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
CREATE TABLE old_2 PARTITION OF old FOR VALUES FROM ('2020-02-01') TO ('2020-03-01');
";

#[tokio::test]
async fn tables_that_end_are_told_and_mended() {
    for major in [12, 18] {
        let cluster = pgmon_lab::shared(major).await.unwrap();
        let database = format!("alerts_partitions_{major}");
        cluster.database(&database).await.unwrap();
        let judge = cluster.client_as("postgres", &database).await.unwrap();
        judge.simple(TABLES).await.unwrap();
        let mut eye = Eye::open(cluster, "postgres", &database, |_| ()).await;
        let raised = eye.until_raised("partition_horizon", Severity::Critical).await;
        let oid = async |name: &str| {
            judge
                .value::<u32>(&format!("SELECT '{name}'::regclass::oid"))
                .await
                .unwrap()
        };
        let (over, short) = (oid("over").await, oid("short").await);
        let told: Vec<_> = raised
            .iter()
            .map(|alert| (alert.severity(), alert.finding.jump.row.clone()))
            .collect();
        assert_eq!(
            told,
            [
                (Some(Severity::Critical), Some(Thing::Relation(over))),
                (Some(Severity::Warning), Some(Thing::Relation(short))),
            ],
            "{major}: {raised:#?}"
        );
        // The server refuses what we say it refuses, and what we offer mends it.
        judge
            .simple("INSERT INTO over VALUES (current_date)")
            .await
            .unwrap_err();
        for alert in &raised {
            judge.simple(&alert.finding.remedies[0].text).await.unwrap();
        }
        judge.simple("INSERT INTO over VALUES (current_date)").await.unwrap();
        eye.until_calm("partition_horizon").await;
    }
}
