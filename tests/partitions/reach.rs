//! Holes and horizons against an SQL query of another making: bounds cut out by a regular expression and cast.

use pgmon_lab::Client;
use pgmon_tui::model::partitions::{Level, Reach};
use rstest::rstest;

use crate::stage;

/// Daily, weekly, monthly partitions of moments with one gap before now and another after; numbers with one gap.
const KEYS: &str = "
CREATE FUNCTION parts(parent text, typ text, lo timestamptz, step interval, count int, gaps int[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE a timestamptz; b timestamptz;
BEGIN
  FOR i IN 0 .. count - 1 LOOP
    a := lo + i * step; b := lo + (i + 1) * step;
    CONTINUE WHEN i = ANY (gaps);
    EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', parent || '_p' || i, parent,
                   CASE typ WHEN 'timestamptz' THEN a::text ELSE (a AT TIME ZONE 'UTC')::text END,
                   CASE typ WHEN 'timestamptz' THEN b::text ELSE (b AT TIME ZONE 'UTC')::text END);
  END LOOP;
END $$;
SET TimeZone = 'UTC';
CREATE TABLE by_date (k date) PARTITION BY RANGE (k);
SELECT parts('by_date', 'date', date_trunc('day', now()) - interval '10 days', '1 day', 20, '{3,16}');
CREATE TABLE by_ts (k timestamp) PARTITION BY RANGE (k);
SELECT parts('by_ts', 'timestamp', date_trunc('hour', now()) - interval '5 hours', '1 hour', 20, '{2}');
CREATE TABLE by_tz (k timestamptz) PARTITION BY RANGE (k);
SELECT parts('by_tz', 'timestamptz', date_trunc('month', now()) - interval '6 months', '1 month', 20, '{2,9}');
CREATE TABLE by_week (k timestamptz) PARTITION BY RANGE (k);
SELECT parts('by_week', 'timestamptz', date_trunc('week', now()) - interval '3 weeks', '7 days', 5, '{}');
CREATE TABLE by_past (k date) PARTITION BY RANGE (k);
SELECT parts('by_past', 'date', date_trunc('day', now()) - interval '10 days', '1 day', 8, '{}');
CREATE DOMAIN day AS date;
CREATE TABLE by_domain (k day) PARTITION BY RANGE (k);
SELECT parts('by_domain', 'date', date_trunc('day', now()) - interval '2 days', '1 day', 5, '{}');
CREATE TABLE by_expression (k timestamptz) PARTITION BY RANGE (date_trunc('day', k AT TIME ZONE 'UTC'));
SELECT parts('by_expression', 'timestamp', date_trunc('day', now()) - interval '2 days', '1 day', 5, '{}');
";

/// `lo`, `hi` of every range of a table.
fn bounds(table: &str, typ: &str) -> String {
    format!(
        "SELECT (regexp_match(b, '^FOR VALUES FROM \\(''([^'']*)'''))[1]::{typ} AS lo, \
                (regexp_match(b, 'TO \\(''([^'']*)'''))[1]::{typ} AS hi \
           FROM (SELECT pg_get_expr(c.relpartbound, c.oid) AS b \
                   FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
                  WHERE i.inhparent = '{table}'::regclass) x"
    )
}

async fn holes(client: &Client, table: &str, typ: &str) -> i64 {
    let sql = format!(
        "SELECT count(*) FROM (SELECT hi, lead(lo) OVER (ORDER BY lo) AS next FROM ({}) b) g WHERE next <> hi",
        bounds(table, typ)
    );
    client.value(&sql).await.unwrap()
}

/// Seconds from now to the first end that is no beginning; `None` if now is in no range.
async fn horizon(client: &Client, table: &str, typ: &str) -> Option<f64> {
    let now = "clock_timestamp()";
    let now = if typ == "timestamptz" {
        now.to_owned()
    } else {
        format!("({now} AT TIME ZONE 'UTC')")
    };
    let b = bounds(table, typ);
    let sql = format!(
        "WITH b AS ({b}) SELECT extract(epoch FROM min(hi) - {now})::float8 FROM b \
          WHERE hi > {now} AND NOT EXISTS (SELECT FROM b n WHERE n.lo = b.hi) \
            AND EXISTS (SELECT FROM b c WHERE c.lo <= {now} AND c.hi > {now})"
    );
    client.value(&sql).await.unwrap()
}

#[rstest]
#[tokio::test]
async fn moments_of_every_type(#[values(12, 13, 14, 15, 16, 17, 18)] major: u32) {
    let (_cluster, client, mut eye) = stage(major, KEYS).await;
    for (table, typ) in [
        ("by_date", "date"),
        ("by_ts", "timestamp"),
        ("by_tz", "timestamptz"),
        ("by_week", "timestamptz"),
        ("by_past", "date"),
        ("by_domain", "date"),
        ("by_expression", "timestamp"),
    ] {
        let cast = if typ == "date" { "timestamp" } else { typ };
        let earlier = horizon(&client, table, cast).await;
        let seen = eye.ask().await;
        let later = horizon(&client, table, cast).await;
        let expected = holes(&client, table, cast).await;
        assert_eq!(
            seen.parent(table).holes.count(),
            usize::try_from(expected).unwrap(),
            "{table}"
        );
        match (seen.verdict(table).reach, earlier, later) {
            (Reach::Beyond(seconds), Some(earlier), Some(later)) => {
                assert!(
                    (later..=earlier).contains(&seconds),
                    "{table}: {later} {seconds} {earlier}"
                );
            }
            (Reach::Nothing { .. }, None, None) => {}
            (reach, ..) => panic!("{table}: {reach:?}, {earlier:?}"),
        }
    }
    let seen = eye.ask().await;
    assert_eq!(seen.verdict("by_past").level, Level::Critical);
    assert_eq!(seen.verdict("by_ts").level, Level::Warning);
    let key = seen.parent("by_expression").key();
    assert!(key.contains("date_trunc('day'::text"), "{key}");
}

const OTHERS: &str = "
CREATE TABLE ints (k int) PARTITION BY RANGE (k);
CREATE TABLE ints_0 PARTITION OF ints FOR VALUES FROM (MINVALUE) TO (0);
CREATE TABLE ints_1 PARTITION OF ints FOR VALUES FROM (0) TO (1000);
CREATE TABLE ints_3 PARTITION OF ints FOR VALUES FROM (2000) TO (3000);
CREATE TABLE ints_4 PARTITION OF ints FOR VALUES FROM (3000) TO (4000);
CREATE TABLE ints_5 PARTITION OF ints FOR VALUES FROM (4000) TO (5000);
CREATE TABLE numbers (k numeric) PARTITION BY RANGE (k);
CREATE TABLE numbers_1 PARTITION OF numbers FOR VALUES FROM (-0.50) TO (0.25);
CREATE TABLE numbers_2 PARTITION OF numbers FOR VALUES FROM (0.250) TO (1);
CREATE TABLE numbers_3 PARTITION OF numbers FOR VALUES FROM (1.01) TO (MAXVALUE);
CREATE TABLE uuids (k uuid) PARTITION BY RANGE (k);
CREATE TABLE uuids_1 PARTITION OF uuids FOR VALUES FROM (MINVALUE) TO ('80000000-0000-0000-0000-000000000000');
CREATE TABLE uuids_2 PARTITION OF uuids FOR VALUES FROM ('80000000-0000-0000-0000-000000000001') TO (MAXVALUE);
CREATE TABLE texts (k text) PARTITION BY RANGE (k);
CREATE TABLE texts_1 PARTITION OF texts FOR VALUES FROM ('a') TO ('it''s, (x)');
CREATE TABLE texts_2 PARTITION OF texts FOR VALUES FROM ('it''s, (x)') TO ('k');
CREATE TABLE texts_3 PARTITION OF texts FOR VALUES FROM ('l') TO ('z');
CREATE TABLE pairs (a int, b text) PARTITION BY RANGE (a, b);
CREATE TABLE pairs_1 PARTITION OF pairs FOR VALUES FROM (0, MINVALUE) TO (9, MAXVALUE);
CREATE TABLE pairs_2 PARTITION OF pairs FOR VALUES FROM (10, MINVALUE) TO (20, MINVALUE);
CREATE TABLE pairs_3 PARTITION OF pairs FOR VALUES FROM (30, MINVALUE) TO (40, MINVALUE);
CREATE TYPE mood AS ENUM ('sad', 'ok, fine');
CREATE TABLE moods (k mood) PARTITION BY LIST (k);
CREATE TABLE moods_1 PARTITION OF moods FOR VALUES IN ('sad', 'ok, fine');
CREATE TABLE moods_rest PARTITION OF moods DEFAULT;
CREATE TABLE flags (k bool) PARTITION BY LIST (k);
CREATE TABLE flags_1 PARTITION OF flags FOR VALUES IN (true, NULL);
CREATE TABLE hashes (k int) PARTITION BY HASH (k);
CREATE TABLE hashes_0 PARTITION OF hashes FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE hashes_1 PARTITION OF hashes FOR VALUES WITH (MODULUS 4, REMAINDER 1);
CREATE TABLE open_end (k date) PARTITION BY RANGE (k);
CREATE TABLE open_end_1 PARTITION OF open_end FOR VALUES FROM ('2024-01-01') TO ('infinity');
CREATE TABLE days (k int) PARTITION BY RANGE (k);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (20240101) TO (20240201);
CREATE TABLE days_2 PARTITION OF days FOR VALUES FROM (20240201) TO (20240301);
CREATE TABLE none_yet (k int) PARTITION BY LIST (k);
CREATE TABLE catch_all (k int) PARTITION BY RANGE (k);
CREATE TABLE catch_all_rest PARTITION OF catch_all DEFAULT;
INSERT INTO ints SELECT * FROM generate_series(0, 999);
INSERT INTO ints SELECT * FROM generate_series(2000, 2500);
ANALYZE;
";

#[rstest]
#[tokio::test]
async fn other_keys(#[values(12, 14, 18)] major: u32) {
    let (_cluster, client, mut eye) = stage(major, OTHERS).await;
    let seen = eye.ask().await;
    for (table, holes) in [
        ("ints", 1),
        ("numbers", 1),
        ("uuids", 1),
        ("texts", 1),
        ("pairs", 1),
        ("moods", 0),
        ("open_end", 0),
        ("days", 0),
    ] {
        assert_eq!(seen.parent(table).holes.count(), holes, "{table}");
    }
    for (table, reach) in [
        ("ints", Reach::Ahead(2)),
        ("uuids", Reach::Ranges(2)),
        ("numbers", Reach::Unused),
        ("moods", Reach::Values(2)),
        ("flags", Reach::Values(2)),
        ("hashes", Reach::Missing(1)),
        ("open_end", Reach::Open),
        ("none_yet", Reach::Empty),
        ("catch_all", Reach::OnlyDefault),
    ] {
        assert_eq!(seen.verdict(table).reach, reach, "{table}");
    }
    assert!(
        matches!(seen.verdict("days").reach, Reach::Ended(_)),
        "dates written as integers"
    );
    // What the server refuses is what we say is missing.
    assert_eq!(seen.parent("hashes").remainders, vec![(4, 3)]);
    let refused = "SELECT count(*) FROM generate_series(1, 100) g WHERE NOT \
                   (satisfies_hash_partition('hashes'::regclass, 2, 0, g) OR satisfies_hash_partition('hashes'::regclass, 4, 1, g)) \
                   AND NOT satisfies_hash_partition('hashes'::regclass, 4, 3, g)";
    assert_eq!(client.value::<i64>(refused).await.unwrap(), 0);
    assert_eq!(seen.parent("ints").rows, Some(1501.0));
}

#[tokio::test]
async fn two_thousand_partitions() {
    let sql = "CREATE TABLE many (k bigint) PARTITION BY RANGE (k);
               DO $$ BEGIN FOR i IN 0 .. 2000 LOOP
                 CONTINUE WHEN i = 1000;
                 EXECUTE format('CREATE TABLE many_p%s PARTITION OF many FOR VALUES FROM (%s) TO (%s)',
                                lpad(i::text, 5, '0'), i * 10, (i + 1) * 10);
               END LOOP; END $$";
    let (_cluster, client, mut eye) = stage(18, sql).await;
    let seen = eye.ask().await;
    let parent = seen.parent("many");
    assert_eq!((parent.parts.len(), parent.holes.count(), parent.unasked), (2000, 1, 0));
    let counted = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'many'::regclass";
    assert_eq!(client.value::<i64>(counted).await.unwrap(), 2000);
    let names: Vec<&str> = parent.parts.iter().map(|part| part.name.as_str()).collect();
    assert!(names.is_sorted(), "bounds of numbers are in the order of numbers");
    client.simple(&seen.next("many")).await.unwrap();
    assert!(
        client
            .value::<bool>("SELECT to_regclass('many_p02001') IS NOT NULL")
            .await
            .unwrap()
    );
}
