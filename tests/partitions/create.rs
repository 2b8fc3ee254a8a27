//! The statements we offer are run: they close the gap, extend the horizon, and give names like their siblings'.

use pgmon_tui::model::partitions::{Level, Reach};
use rstest::rstest;

use crate::{DAYS, stage};

const TABLES: &str = "
SET TimeZone = 'UTC';
CREATE SCHEMA \"Shop \"\"1\"\"\";
CREATE SCHEMA parts;
CREATE TABLE \"Shop \"\"1\"\"\".\"Order\" (\"At\" timestamptz, id int) PARTITION BY RANGE (\"At\");
DO $$ DECLARE d timestamptz; BEGIN
  FOR i IN -5 .. 1 LOOP
    CONTINUE WHEN i = -3;
    d := date_trunc('day', now()) + i * interval '1 day';
    EXECUTE format('CREATE TABLE parts.%I PARTITION OF \"Shop \"\"1\"\"\".\"Order\" FOR VALUES FROM (%L) TO (%L)',
                   'Order-' || to_char(d, 'YYYY-MM-DD'), d, d + interval '1 day');
  END LOOP;
END $$;
CREATE TABLE months (k date, tenant int, note text) PARTITION BY RANGE (k, tenant);
DO $$ DECLARE d date; BEGIN
  FOR i IN -14 .. 0 LOOP
    d := date_trunc('month', now()) + i * interval '1 month';
    EXECUTE format('CREATE TABLE months_y%s PARTITION OF months FOR VALUES FROM (%L, MINVALUE) TO (%L, MINVALUE)',
                   to_char(d, 'YYYY\"m\"MM'), d, (d + interval '1 month')::date);
  END LOOP;
END $$;
CREATE TABLE ids (id bigint) PARTITION BY RANGE (id);
CREATE TABLE ids_1 PARTITION OF ids FOR VALUES FROM (0) TO (100);
CREATE TABLE ids_2 PARTITION OF ids FOR VALUES FROM (100) TO (200);
CREATE TABLE ids_9 PARTITION OF ids FOR VALUES FROM (400) TO (500);
INSERT INTO ids SELECT * FROM generate_series(400, 450);
CREATE TABLE h (k int) PARTITION BY HASH (k);
CREATE TABLE h_0 PARTITION OF h FOR VALUES WITH (MODULUS 4, REMAINDER 0);
CREATE TABLE h_2 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE deep (k date, \"User\" int, region text) PARTITION BY RANGE (k);
DO $$ DECLARE d date; p text; BEGIN
  FOR i IN -1 .. 1 LOOP
    d := date_trunc('day', now()) + i * interval '1 day';
    p := 'deep_' || to_char(d, 'YYYYMMDD');
    EXECUTE format('CREATE TABLE %s PARTITION OF deep FOR VALUES FROM (%L) TO (%L) PARTITION BY HASH (\"User\")', p, d, d + 1);
    EXECUTE format('CREATE TABLE %s_a PARTITION OF %s FOR VALUES WITH (MODULUS 2, REMAINDER 0)', p, p);
    EXECUTE format('CREATE TABLE %s_b PARTITION OF %s FOR VALUES WITH (MODULUS 2, REMAINDER 1) PARTITION BY LIST (region)', p, p);
    EXECUTE format('CREATE TABLE %s_b_eu PARTITION OF %s_b FOR VALUES IN (''de'', ''it''''s'')', p, p);
    EXECUTE format('CREATE TABLE %s_b_rest PARTITION OF %s_b DEFAULT', p, p);
  END LOOP;
END $$;
ANALYZE;
";

#[rstest]
#[tokio::test]
async fn the_statements_do_what_they_say(#[values(12, 14, 18)] major: u32) {
    let (_cluster, client, mut eye) = stage(major, TABLES).await;
    let before = eye.ask().await;
    for name in ["Order", "months", "ids", "deep"] {
        client
            .simple(&before.next(name))
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    for name in ["Order", "ids"] {
        let parent = before.parent(name);
        assert_eq!(parent.holes.count(), 1, "{name}");
        let holes = parent.create_holes(&before.verdict(name), &before.parents).unwrap();
        client
            .simple(&holes)
            .await
            .unwrap_or_else(|error| panic!("{holes}: {error}"));
    }
    let hash = before.parent("h").create_remainders(&before.parents).unwrap();
    client
        .simple(&hash)
        .await
        .unwrap_or_else(|error| panic!("{hash}: {error}"));

    let after = eye.ask().await;
    for name in ["Order", "months", "deep"] {
        let verdict = after.verdict(name);
        assert!(
            matches!(verdict.reach, Reach::Beyond(seconds) if seconds >= f64::from(DAYS) * 86_400.0),
            "{name}: {verdict:?}"
        );
        assert_eq!(verdict.level, Level::Fine, "{name}");
    }
    assert_eq!(after.verdict("ids").reach, Reach::Ahead(3));
    assert_eq!(after.verdict("h").reach, Reach::Whole);
    for parent in &after.parents {
        assert_eq!(parent.holes.count(), 0, "{}", parent.name);
    }
    // Rows for every day we claim to cover are really taken.
    let insert = format!(
        "INSERT INTO \"Shop \"\"1\"\"\".\"Order\" SELECT now() + i * interval '1 day', 1 FROM generate_series(-5, {DAYS}) i; \
         INSERT INTO months SELECT (now() AT TIME ZONE 'UTC')::date + i, -i, '' FROM generate_series(0, {DAYS}) i; \
         INSERT INTO deep SELECT (now() AT TIME ZONE 'UTC')::date + i, j, 'xx' FROM generate_series(-1, {DAYS}) i, generate_series(1, 9) j; \
         INSERT INTO ids SELECT * FROM generate_series(0, 799); INSERT INTO h SELECT * FROM generate_series(1, 100)"
    );
    client.simple(&insert).await.unwrap();
    // Names go on as they were: the last one of each, as the server formats it.
    let there = |name: &str| format!("SELECT to_regclass({name}) IS NOT NULL");
    let day = "to_char(now() AT TIME ZONE 'UTC' + interval '7 days',";
    for name in [
        format!("'parts.\"Order-' || {day} 'YYYY-MM-DD') || '\"'"),
        format!("'deep_' || {day} 'YYYYMMDD')"),
        format!("'deep_' || {day} 'YYYYMMDD') || '_b_eu'"),
        "'months_y' || to_char(now() AT TIME ZONE 'UTC' + interval '1 month', 'YYYY\"m\"MM')".to_owned(),
        "'h_2'".to_owned(),
    ] {
        assert!(
            client.value::<bool>(&there(&name)).await.unwrap(),
            "{name}: {:?}",
            names(&after)
        );
    }
}

fn names(seen: &crate::Seen) -> Vec<&str> {
    seen.parents
        .iter()
        .flat_map(|parent| &parent.parts)
        .map(|part| part.name.as_str())
        .collect()
}
