//! Ages of databases and relations, and what is left, against SQL of its own.

use std::collections::BTreeSet;

use pgmon_lab::{Client, Cluster, wraparound};
use pgmon_tui::model::wraparound::{Counter, Level, Ways, is_healthy_default};
use pgmon_tui::probe::wraparound_databases::Databases;
use pgmon_tui::probe::wraparound_relations::{Relations, WraparoundRelations};
use rstest::rstest;

use crate::{Eye, number, still};

/// 1.6 billion transactions and 1.5 billion multixacts, as segments begin.
const XID: u32 = 1526 * wraparound::XIDS_PER_SEGMENT;
const MULTIXACT: u32 = 22_889 * wraparound::MULTIXACTS_PER_SEGMENT;

/// Every database with both ages, as another session sees them.
async fn truth(client: &Client) -> BTreeSet<String> {
    let sql = "SELECT concat_ws(' ', datname, age(datfrozenxid), mxid_age(datminmxid)) FROM pg_database";
    client.column::<String>(sql).await.unwrap().into_iter().collect()
}

fn seen(answer: &Databases) -> BTreeSet<String> {
    let databases = answer.databases.iter();
    databases
        .map(|database| format!("{} {} {}", database.datname, database.xid_age, database.mxid_age))
        .collect()
}

async fn old(major: u32) -> Cluster {
    let cluster = still(major).await;
    let client = cluster.client().await.unwrap();
    client
        .simple(
            "CREATE TABLE t (a int, b text) WITH (autovacuum_freeze_max_age = 150000000, autovacuum_enabled = off);
             CREATE TABLE u (a int, b text) WITH (toast.autovacuum_freeze_max_age = 160000000);
             CREATE MATERIALIZED VIEW m AS SELECT 1 AS a;
             CREATE VIEW v AS SELECT 1 AS a",
        )
        .await
        .unwrap();
    cluster.database("closed").await.unwrap();
    client
        .simple("ALTER DATABASE closed ALLOW_CONNECTIONS false")
        .await
        .unwrap();
    wraparound::jump(&cluster, Some(XID), Some(MULTIXACT)).await.unwrap();
    cluster
}

#[rstest]
#[tokio::test]
async fn billions_on_every_version(#[values(12, 13, 14, 15, 16, 17, 18)] major: u32) {
    let cluster = old(major).await;
    let client = cluster.client().await.unwrap();
    for role in ["postgres", "mon", "app"] {
        let mut eye = Eye::open(&cluster, role).await;
        let answer = eye.databases().await;
        assert_eq!(seen(&answer), truth(&client).await, "as {role}");
        distances(&answer, &client, major).await;
        relations(eye.ask::<WraparoundRelations>().await, &client).await;
    }
}

async fn distances(answer: &Databases, client: &Client, major: u32) {
    let template0 = answer.databases.iter().find(|database| database.datname == "template0");
    let template0 = template0.unwrap();
    assert!(!template0.allows_connections && !is_healthy_default(template0, &answer.limits));
    let ways = Ways::of_database(template0, &answer.limits);
    assert_eq!((ways.level(), ways.worse().0), (Level::Warning, Counter::Xid));
    // As the manual has it: in ids from 2^31 on, less a million before 14 and three since.
    let margin = if major < 14 { 1_000_000 } else { 3_000_000 };
    let left = "2::numeric ^ 31 - 1 - (SELECT age(datfrozenxid) FROM pg_database WHERE datname = 'template0')";
    let left = number(client, left).await;
    assert_eq!(ways.xid.left(), left - margin);
    assert_eq!(ways.xid.marks.failsafe.is_some(), major >= 14);
    assert_eq!(
        ways.xid.marks.forced,
        number(client, "current_setting('autovacuum_freeze_max_age')").await
    );
}

async fn relations(answer: &Relations, client: &Client) {
    let all = "(SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'm', 't'))";
    assert_eq!(answer.total, number(client, all).await);
    assert_eq!(answer.relations.len(), 50, "catalogs that are old are listed");
    let oldest = "(SELECT max(age(relfrozenxid)) FROM pg_class WHERE relkind IN ('r', 'm', 't'))";
    assert_eq!(answer.relations[0].xid_age, number(client, oldest).await);
    for relation in &answer.relations {
        let own = format!(
            "SELECT relkind::text || age(relfrozenxid) || '/' || mxid_age(relminmxid) || relpages \
             FROM pg_class WHERE oid = {}",
            relation.oid
        );
        let shown = format!(
            "{}{}/{}{}",
            relation.relkind,
            relation.xid_age,
            relation.mxid_age,
            relation.bytes / 8192
        );
        assert_eq!(shown, client.value::<String>(&own).await.unwrap());
        let owner = format!(
            "(SELECT max(oid::int8) FROM pg_class WHERE reltoastrelid = {})",
            relation.oid
        );
        let owner: Option<i64> = client.value::<Option<i64>>(&format!("SELECT {owner}")).await.unwrap();
        assert_eq!(relation.owner.as_ref().map(|owner| i64::from(owner.0)), owner);
    }
    assert!(answer.relations.iter().any(|relation| relation.relkind == "t"));
    assert!(answer.relations.iter().any(|relation| relation.nspname == "pg_catalog"));
}

#[rstest]
#[tokio::test]
async fn own_limits_and_hidden_defaults(#[values(12, 18)] major: u32) {
    let cluster = still(major).await;
    let client = cluster.client().await.unwrap();
    client
        .simple(
            "CREATE TABLE t (a int, b text) WITH (autovacuum_freeze_max_age = 150000000, autovacuum_enabled = off);
             CREATE TABLE u (a int, b text) WITH (autovacuum_freeze_max_age = 150000000,
                                                  toast.autovacuum_freeze_max_age = 160000000);
             CREATE MATERIALIZED VIEW m AS SELECT 1 AS a;
             CREATE TEMPORARY TABLE mine (a int)",
        )
        .await
        .unwrap();
    let mut eye = Eye::open(&cluster, "mon").await;
    let answer = eye.ask::<WraparoundRelations>().await.clone();
    let own = "(SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'm', 't') AND oid < 16384)";
    assert_eq!(answer.hidden, number(&client, own).await);
    let listed = i64::try_from(answer.relations.len()).unwrap();
    assert_eq!(listed, answer.total - answer.hidden);
    let find = |relname: &str, toast: bool| {
        let mut found = answer.relations.iter().filter(|relation| match &relation.owner {
            Some((_, _, owner)) => toast && owner == relname,
            None => !toast && relation.relname == relname,
        });
        let relation = found.next().unwrap_or_else(|| panic!("{relname}"));
        (
            Ways::of_relation(relation, &answer.limits).xid.marks.forced,
            relation.autovacuum,
        )
    };
    assert_eq!(find("t", false), (150_000_000, Some(false)));
    assert_eq!(
        find("t", true),
        (150_000_000, Some(false)),
        "without options it has its owner's"
    );
    assert_eq!(find("u", true), (160_000_000, None));
    assert_eq!(find("m", false), (2_000_000_000, None));
    assert!(
        answer
            .relations
            .iter()
            .any(|relation| relation.temporary && relation.relname == "mine")
    );
    let databases = eye.databases().await;
    let hidden = databases
        .databases
        .iter()
        .filter(|database| is_healthy_default(database, &databases.limits));
    let hidden: Vec<&str> = hidden.map(|database| database.datname.as_str()).collect();
    assert_eq!(hidden.len(), 2, "the connected one is not: {hidden:?}");
    eye.settings.hide_postgres_defaults = false;
    let everything = eye.ask::<WraparoundRelations>().await;
    assert_eq!((everything.hidden, everything.relations.len()), (0, 50));

    // As the catalog tells of 25 TiB: of equally old ones the largest comes first.
    client
        .simple("UPDATE pg_class SET relpages = -1000000000 WHERE relname = 'pg_depend'")
        .await
        .unwrap();
    let everything = eye.ask::<WraparoundRelations>().await;
    let nth = everything
        .relations
        .iter()
        .position(|relation| relation.relname == "pg_depend");
    let (before, rest) = everything.relations.split_at(nth.unwrap());
    let vast = &rest[0];
    assert_eq!(vast.bytes, 3_294_967_296 * 8192);
    assert!(before.iter().all(|relation| relation.xid_age > vast.xid_age));
}

#[rstest]
#[tokio::test]
async fn a_standby_is_as_old_as_its_primary(#[values(12, 18)] major: u32) {
    let cluster = old(major).await;
    let standby = cluster.standby("dr1", &[]).await.unwrap();
    let judge = standby.client().await.unwrap();
    let mut eye = Eye::open(&standby, "mon").await;
    let answer = eye.databases().await;
    assert!(answer.in_recovery);
    assert_eq!(seen(&answer), truth(&judge).await);
    assert!(answer.databases.iter().all(|database| database.xid_age > 1_600_000_000));
    relations(eye.ask::<WraparoundRelations>().await, &judge).await;
}
