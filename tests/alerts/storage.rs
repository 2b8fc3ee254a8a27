//! Sequences that end, indexes that are invalid or that nobody uses.

use pgmon_lab::{Client, Cluster, PATIENCE, wait_until};
use pgmon_tui::alert::Thing;
use pgmon_tui::config::Alerts;
use pgmon_tui::model::concern::Severity;
use pgmon_tui::ui::format;

use crate::eye::Eye;

async fn stage(major: u32, name: &str, limits: impl FnOnce(&mut Alerts)) -> (&'static Cluster, Client, String, Eye) {
    let cluster = pgmon_lab::shared(major).await.unwrap();
    let database = format!("alerts_{name}_{major}");
    cluster.database(&database).await.unwrap();
    let judge = cluster.client_as("postgres", &database).await.unwrap();
    let eye = Eye::open(cluster, "postgres", &database, limits).await;
    (cluster, judge, database, eye)
}

async fn oid(judge: &Client, name: &str) -> u32 {
    judge.value(&format!("SELECT '{name}'::regclass::oid")).await.unwrap()
}

#[tokio::test]
async fn a_column_runs_out_of_numbers() {
    for major in [12, 18] {
        let (cluster, judge, database, mut eye) = stage(major, "sequences", |_| ()).await;
        judge
            .simple(
                "CREATE TABLE orders (id serial PRIMARY KEY);
                 CREATE SEQUENCE round MAXVALUE 100 CYCLE;
                 SELECT setval('round', 99), setval('orders_id_seq', 1000000)",
            )
            .await
            .unwrap();
        eye.look("sequences").await;
        assert!(eye.raised("sequences").is_empty(), "one that cycles does not end");
        judge
            .simple("SELECT setval('orders_id_seq', 2147483647)")
            .await
            .unwrap();
        let raised = eye.until_raised("sequences", Severity::Critical).await;
        let [alert] = raised.as_slice() else {
            panic!("{raised:#?}")
        };
        let sequence = oid(&judge, "orders_id_seq").await;
        assert_eq!(alert.finding.jump.row, Some(Thing::Sequence(sequence)));
        judge.simple("INSERT INTO orders DEFAULT VALUES").await.unwrap_err();
        for remedy in &alert.finding.remedies {
            judge.simple(&remedy.text).await.unwrap();
        }
        judge.simple("INSERT INTO orders DEFAULT VALUES").await.unwrap();
        eye.until_calm("sequences").await;

        // Who may not read them is not told that all is well, and the statement that is offered helps.
        let role = format!("alerts_plain_{major}");
        judge
            .simple(&format!("DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN"))
            .await
            .unwrap();
        let mut plain = Eye::open(cluster, &role, &database, |_| ()).await;
        plain.look("sequences").await;
        let blind = |eye: &Eye| {
            let mut unchecked = eye.world.alerts.unchecked(&eye.world);
            let unchecked = unchecked.find(|unchecked| unchecked.rule.id == "sequences");
            unchecked.map(|unchecked| unchecked.blind)
        };
        let told = blind(&plain).unwrap();
        assert_eq!(told.why, "the value of 1 sequence is hidden from this role");
        let grant = told.remedy.unwrap();
        judge.simple(grant.split("  ").next().unwrap()).await.unwrap();
        plain.look("sequences").await;
        assert_eq!(blind(&plain), None);
        judge
            .simple(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn an_index_whose_building_failed() {
    for major in [12, 18] {
        let (cluster, judge, database, mut eye) = stage(major, "invalid", |_| ()).await;
        judge
            .simple("CREATE TABLE t (x int, y int); INSERT INTO t SELECT g / 2, g FROM generate_series(1, 5000) g")
            .await
            .unwrap();
        // One that is being built is none.
        let reader = cluster.client_as("postgres", &database).await.unwrap();
        reader
            .simple("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM t")
            .await
            .unwrap();
        let builder = cluster.client_as("postgres", &database).await.unwrap();
        let running = builder.spawn("CREATE INDEX CONCURRENTLY growing ON t (y)");
        wait_until("it is being built", PATIENCE, async || {
            let invalid = "SELECT count(*) = 1 FROM pg_index WHERE NOT indisvalid";
            judge.value::<bool>(invalid).await
        })
        .await;
        eye.look("invalid_indexes").await;
        assert!(eye.raised("invalid_indexes").is_empty());
        reader.simple("COMMIT").await.unwrap();
        running.finish().await.unwrap();

        judge
            .simple("CREATE UNIQUE INDEX CONCURRENTLY failed ON t (x)")
            .await
            .unwrap_err();
        let raised = eye.until_raised("invalid_indexes", Severity::Warning).await;
        let [alert] = raised.as_slice() else {
            panic!("{raised:#?}")
        };
        assert_eq!(
            alert.finding.sentence,
            "index public.failed is invalid: its building failed"
        );
        assert_eq!(alert.finding.jump.row, Some(Thing::Index(oid(&judge, "failed").await)));
        judge.simple("DELETE FROM t WHERE y % 2 = 0").await.unwrap();
        judge.simple(&alert.finding.remedies[0].text).await.unwrap();
        eye.until_calm("invalid_indexes").await;
    }
}

#[tokio::test]
async fn indexes_nobody_uses_and_their_bytes() {
    for major in [12, 18] {
        let (cluster, judge, database, mut eye) = stage(major, "unused", |limits| {
            limits.unused_index_warn_bytes = 200_000.0;
            limits.unused_index_crit_bytes = 1e9;
            limits.unused_index_after_hours = 0.0;
        })
        .await;
        judge
            .simple(
                "CREATE TABLE t (x int PRIMARY KEY, y int);
                 INSERT INTO t SELECT g, g FROM generate_series(1, 20000) g;
                 CREATE INDEX idle ON t (y)",
            )
            .await
            .unwrap();
        judge.simple("VACUUM ANALYZE t").await.unwrap();
        let raised = eye.until_raised("unused_indexes", Severity::Warning).await;
        let [alert] = raised.as_slice() else {
            panic!("{raised:#?}")
        };
        let bytes: i64 = judge.value("SELECT pg_relation_size('idle')").await.unwrap();
        assert_eq!(
            alert.finding.sentence,
            format!("1 index nobody uses: {} in database {database}", format::bytes(bytes))
        );
        assert_eq!(alert.finding.jump.row, Some(Thing::Index(oid(&judge, "idle").await)));
        // By the default a server this young is not judged.
        let mut strict = Eye::open(cluster, "postgres", &database, |limits| {
            limits.unused_index_warn_bytes = 8192.0;
        })
        .await;
        strict.look("unused_indexes").await;
        assert!(strict.raised("unused_indexes").is_empty());
        let unchecked = strict.world.alerts.unchecked(&strict.world);
        assert_eq!(
            unchecked
                .filter(|unchecked| unchecked.rule.id == "unused_indexes")
                .count(),
            1
        );
        judge.simple(&alert.finding.remedies[0].text).await.unwrap();
        eye.until_calm("unused_indexes").await;
    }
}
