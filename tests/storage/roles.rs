//! What other roles and a standby are told, and the names in our statements.

use pgmon_lab::wait_until;
use pgmon_tui::model::storage::invalid::{State, state};
use pgmon_tui::model::storage::sequences::grant;
use pgmon_tui::pg::quote::identifier;
use pgmon_tui::probe::fk_unindexed::FkUnindexedProbe;
use pgmon_tui::probe::indexes_duplicate::IndexesDuplicateProbe;
use pgmon_tui::probe::indexes_invalid::IndexesInvalidProbe;
use pgmon_tui::probe::indexes_unused::IndexesUnusedProbe;
use pgmon_tui::probe::relations::RelationsProbe;
use pgmon_tui::probe::sequences::SequencesProbe;
use rstest::rstest;

use crate::PATIENCE;
use crate::eye::{Eye, cluster, number};

const TABLES: &str = "
    CREATE SCHEMA hidden;
    CREATE TABLE hidden.t (id serial PRIMARY KEY, v int);
    INSERT INTO hidden.t (v) SELECT g FROM generate_series(1, 30000) g;
    CREATE INDEX never ON hidden.t (v);
    CREATE INDEX again ON hidden.t (v);
    CREATE TABLE hidden.child (t int REFERENCES hidden.t);
    CREATE INDEX broken ON hidden.child (t);
    UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'hidden.broken'::regclass;";

/// Everything but the values of sequences is for everybody.
async fn sees_all_but_sequences(eye: &mut Eye) {
    let relations = eye.ask::<RelationsProbe>().await;
    let table = relations.rows.iter().find(|row| row.name.relname == "t").unwrap();
    assert!(table.size.is_some() && table.name.nspname == "hidden");
    assert_eq!(eye.ask::<IndexesUnusedProbe>().await.indexes, 2);
    assert_eq!(eye.ask::<IndexesDuplicateProbe>().await.indexes, 1);
    assert_eq!(eye.ask::<IndexesInvalidProbe>().await.len(), 1);
    assert_eq!(eye.ask::<FkUnindexedProbe>().await.keys, 1);
    let sequences = eye.ask::<SequencesProbe>().await;
    assert_eq!((sequences.sequences, sequences.unreadable), (1, 1));
    assert_eq!(sequences.unreadable_schema.as_deref(), Some("hidden"));
    assert_eq!(sequences.rows, []);
}

#[rstest]
#[tokio::test]
async fn sequences_need_a_grant_and_we_name_it(#[values(12, 13, 14, 17, 18)] major: u32) {
    let (server, judge) = cluster(major).await;
    judge.simple(TABLES).await.unwrap();
    for role in ["mon", "app"] {
        let mut eye = Eye::open(&server, role, "shop").await;
        sees_all_but_sequences(&mut eye).await;
        let version = eye.server();
        let sentence = grant(eye.ask::<SequencesProbe>().await, &version);
        assert_eq!(sentence.contains("pg_read_all_data"), major >= 14, "{sentence}");
        // The narrow statement, then the wide one where there is one.
        let statements = sentence.replace("  Or, with all tables: ", "\n");
        let statement = if role == "mon" {
            statements.lines().next()
        } else {
            statements.lines().last()
        };
        judge.simple(statement.unwrap()).await.unwrap();
        let sequences = eye.ask::<SequencesProbe>().await;
        assert_eq!(sequences.unreadable, 0);
        let last = "(SELECT last_value FROM hidden.t_id_seq)";
        assert_eq!(sequences.rows[0].last_value, Some(number(&judge, last).await));
    }
}

#[rstest]
#[tokio::test]
async fn a_standby_answers_for_itself(#[values(12, 15, 18)] major: u32) {
    let (server, judge) = cluster(major).await;
    judge.simple(TABLES).await.unwrap();
    if major >= 15 {
        judge
            .simple("CREATE UNLOGGED SEQUENCE fleeting; SELECT nextval('fleeting')")
            .await
            .unwrap();
    }
    let standby = server.standby("dr1", &[]).await.unwrap();
    let there = standby.client_as("postgres", "shop").await.unwrap();
    let scans = "SET enable_seqscan = off; SELECT v FROM hidden.t WHERE v = 7";
    there.simple(scans).await.unwrap();
    let counted = "SELECT sum(idx_scan) > 0 FROM pg_stat_user_indexes WHERE indexrelname IN ('never', 'again')";
    wait_until("the standby counts its scan", PATIENCE, async || {
        there.value::<bool>(counted).await
    })
    .await;
    let mut here = Eye::open(&server, "postgres", "shop").await;
    assert_eq!(
        here.ask::<IndexesUnusedProbe>().await.indexes,
        2,
        "the primary knows nothing of it"
    );
    let mut eye = Eye::open(&standby, "postgres", "shop").await;
    assert_eq!(eye.ask::<IndexesUnusedProbe>().await.indexes, 1);
    let invalid = eye.ask::<IndexesInvalidProbe>().await;
    assert_eq!(state(&invalid[0]), State::OnStandby);
    let relations = eye.ask::<RelationsProbe>().await;
    let table = relations.rows.iter().find(|row| row.name.relname == "t").unwrap();
    let total = number(&there, "pg_total_relation_size('hidden.t')").await;
    assert_eq!(table.size.unwrap().total(), total);
    assert_eq!(eye.ask::<FkUnindexedProbe>().await.keys, 1);
    assert_eq!(eye.ask::<IndexesDuplicateProbe>().await.indexes, 1);
    let sequences = eye.ask::<SequencesProbe>().await;
    assert_eq!((sequences.read, sequences.unlogged), (1, i64::from(major >= 15)));
    // A standby may be ahead: the primary logs values before it gives them.
    assert!(sequences.rows[0].last_value >= Some(30_000));

    // The primary locks a table; the standby's startup process holds that lock too.
    let holder = server.client_as("postgres", "shop").await.unwrap();
    holder
        .simple("BEGIN; ALTER TABLE hidden.t ADD COLUMN w int")
        .await
        .unwrap();
    judge.simple("SELECT pg_switch_wal()").await.unwrap();
    let locked = "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'hidden.t'::regclass \
                  AND mode = 'AccessExclusiveLock' AND granted)";
    wait_until("the standby has the lock", PATIENCE, async || {
        there.value::<bool>(locked).await
    })
    .await;
    let relations = eye.ask::<RelationsProbe>().await;
    let table = relations.rows.iter().find(|row| row.name.relname == "t").unwrap();
    assert!(table.size.is_none() && table.lock.unwrap().granted);
    holder.simple("ROLLBACK").await.unwrap();
}

#[rstest]
#[tokio::test]
async fn names_are_quoted_where_the_server_quotes_them(#[values(12, 18)] major: u32) {
    let (_server, judge) = cluster(major).await;
    let words = judge
        .rows("SELECT word, quote_ident(word) FROM pg_get_keywords()")
        .await
        .unwrap();
    assert!(words.len() > 300);
    for row in words {
        let (word, quoted): (String, String) = (row.try_get(0).unwrap(), row.try_get(1).unwrap());
        if word != quoted {
            assert_eq!(identifier(&word), quoted);
        }
    }
}
