//! The bloat estimate against `pgstattuple`, which reads every page.

use pgmon_lab::{Client, Cluster, wait_until};
use pgmon_tui::model::bloat::{self, Confidence, Estimate, Input, Why};
use pgmon_tui::probe::relation::Relation;
use pgmon_tui::probe::relation_columns::RelationColumns;
use pgmon_tui::probe::relation_stats::RelationStats;

use crate::eye::Eye;
use crate::{cluster, oid};

async fn estimate(cluster: &Cluster, user: &str, table: u32) -> Result<Estimate, Why> {
    let mut eye = Eye::open(cluster, user).await;
    eye.look_at(table);
    let identity = eye.ask::<Relation>().await.unwrap();
    let stats = eye.ask::<RelationStats>().await.unwrap();
    let columns = eye.ask::<RelationColumns>().await;
    bloat::estimate(&Input {
        block: identity.block,
        pages: identity.pages,
        pages_now: identity.size.exact.map(|exact| exact.heap / i64::from(identity.block)),
        tuples: identity.tuples,
        mods: Some(stats.mods),
        fillfactor: bloat::fillfactor(&identity.options).unwrap_or(100),
        columns: &columns,
    })
}

/// What writing the table anew would really win, in percent: a copy of it is made and compared.
async fn truth(client: &Client, table: &str) -> f64 {
    let statements = [
        "DROP TABLE IF EXISTS copy".to_owned(),
        format!("CREATE TABLE copy (LIKE {table} INCLUDING STORAGE)"),
        format!(
            "DO $$ DECLARE o text; BEGIN SELECT 'ALTER TABLE copy SET (' || array_to_string(reloptions, ',') || ')' INTO o \
             FROM pg_class WHERE oid = '{table}'::regclass; IF o IS NOT NULL THEN EXECUTE o; END IF; END $$"
        ),
        format!("INSERT INTO copy SELECT * FROM {table}"),
    ];
    for statement in statements {
        client.simple(&statement).await.unwrap();
    }
    let share = format!("SELECT 100 * (1 - pg_relation_size('copy')::float8 / pg_relation_size('{table}'))");
    client.value(&share).await.unwrap()
}

/// Counters arrive a moment after what they count.
async fn arrived(client: &Client, condition: &str) {
    let condition = format!("SELECT {condition}");
    wait_until("the counters have arrived", pgmon_lab::PATIENCE, async || {
        client.value(&condition).await
    })
    .await;
}

/// Tables of several makes: columns, filled by, options.
const TABLES: [(&str, &str, &str, &str); 5] = [
    ("narrow", "a int, b bigint, c smallint", "g, g, g", ""),
    (
        "mixed",
        "id bigint, name text, price numeric, at timestamptz, note text",
        "g, 'name ' || g, g / 7.0, now(), CASE WHEN g % 3 = 0 THEN repeat('n', g % 90) END",
        "",
    ),
    (
        "reserved",
        "a int, t text",
        "g, repeat('t', g % 60)",
        "WITH (fillfactor = 70)",
    ),
    ("wide", "a int, t text", "g, repeat(md5(g::text), 18)", ""),
    (
        "toasted",
        "a int, t text",
        "g, CASE WHEN g % 2 = 0 THEN (SELECT string_agg(md5((g + i)::text), '') FROM generate_series(1, 99) i) ELSE 't' END",
        "",
    ),
];

#[tokio::test]
async fn the_estimate_is_near_the_truth_on_fresh_and_on_half_empty_tables() {
    for major in [12, 18] {
        let cluster = cluster(major).await;
        let client = cluster.client().await.unwrap();
        client.simple("CREATE EXTENSION pgstattuple").await.unwrap();
        for (name, columns, filled, options) in TABLES {
            let rows = if name == "toasted" { 4000 } else { 30_000 };
            client
                .simple(&format!("CREATE TABLE {name} ({columns}) {options}"))
                .await
                .unwrap();
            client
                .simple(&format!(
                    "INSERT INTO {name} SELECT {filled} FROM generate_series(1, {rows}) g"
                ))
                .await
                .unwrap();
            for half in [false, true] {
                if half {
                    let delete = format!("DELETE FROM {name} WHERE (a_or_id) % 2 = 1");
                    let key = if name == "mixed" { "id" } else { "a" };
                    client.simple(&delete.replace("a_or_id", key)).await.unwrap();
                }
                // What arrives after the ANALYZE would count as changed since.
                let counter = if half { "deleted" } else { "inserted" };
                arrived(
                    &client,
                    &format!("pg_stat_get_tuples_{counter}('{name}'::regclass) > 0"),
                )
                .await;
                client.simple(&format!("VACUUM {name}")).await.unwrap();
                client.simple(&format!("ANALYZE {name}")).await.unwrap();
                arrived(
                    &client,
                    &format!("pg_stat_get_mod_since_analyze('{name}'::regclass) = 0"),
                )
                .await;
                let table = oid(&client, name).await;
                let estimate = estimate(&cluster, "postgres", table).await.unwrap();
                let truth = truth(&client, name).await;
                let what = format!("{name} on {major}, half empty: {half}: {estimate:?}, truly {truth:.1} %");
                assert!((estimate.percent - truth).abs() < 5.0, "{what}");
                if name != "wide" {
                    assert_eq!(estimate.confidence, Confidence::Good, "{what}");
                }
            }
        }
        free_space_agrees(&cluster, &client).await;
        if major >= 18 {
            what_is_computed_takes_no_place(&cluster, &client).await;
        }
        no_number_for_who_may_not_see(&cluster, &client, major).await;
    }
}

/// The same table by `pgstattuple`: what is not live.
async fn free_space_agrees(cluster: &Cluster, client: &Client) {
    let air: f64 = client
        .value("SELECT dead_tuple_percent + free_percent FROM pgstattuple('narrow')")
        .await
        .unwrap();
    let table = oid(client, "narrow").await;
    let estimate = estimate(cluster, "postgres", table).await.unwrap();
    assert!(
        (estimate.percent - air).abs() < 5.0,
        "{estimate:?}, pgstattuple {air} %"
    );
}

/// A virtual column has no statistics and no place in a row but its bit among the NULLs.
async fn what_is_computed_takes_no_place(cluster: &Cluster, client: &Client) {
    for statement in [
        "CREATE TABLE computed (a int, b int GENERATED ALWAYS AS (a + 1) VIRTUAL, c bigint)",
        "INSERT INTO computed (a, c) SELECT g, g FROM generate_series(1, 30000) g",
        "VACUUM ANALYZE computed",
    ] {
        client.simple(statement).await.unwrap();
    }
    let table = oid(client, "computed").await;
    let estimate = estimate(cluster, "postgres", table).await.unwrap();
    assert!(estimate.percent < 1.0, "just written: {estimate:?}");
}

async fn no_number_for_who_may_not_see(cluster: &Cluster, client: &Client, major: u32) {
    let table = oid(client, "mixed").await;
    for role in ["mon", "plain"] {
        assert_eq!(estimate(cluster, role, table).await, Err(Why::Hidden(5, 5)));
    }
    // Four of five columns would make a number, and a wrong one.
    client
        .simple("GRANT SELECT (id, name, price, at) ON mixed TO mon")
        .await
        .unwrap();
    assert_eq!(estimate(cluster, "mon", table).await, Err(Why::Hidden(1, 5)));
    if major >= 14 {
        client.simple("GRANT pg_read_all_data TO plain").await.unwrap();
        assert!(estimate(cluster, "plain", table).await.is_ok());
        // Row security hides statistics from whoever it restrains.
        client
            .simple("ALTER TABLE mixed ENABLE ROW LEVEL SECURITY")
            .await
            .unwrap();
        assert_eq!(estimate(cluster, "plain", table).await, Err(Why::Hidden(5, 5)));
    }
    client
        .simple("CREATE TABLE never AS SELECT g AS a FROM generate_series(1, 20000) g")
        .await
        .unwrap();
    let never = oid(client, "never").await;
    assert_eq!(estimate(cluster, "postgres", never).await, Err(Why::NeverAnalyzed));
}
