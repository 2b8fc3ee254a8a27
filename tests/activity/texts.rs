//! Statement texts that were written to be a nuisance.

use pgmon_lab::{Client, Cluster, MAJORS, Result};
use pgmon_tui::probe::activity::Activity;

use crate::eye::Eye;

const DATABASES: [(&str, &str); 6] = [
    ("utf8", "UTF8"),
    ("latin1", "LATIN1"),
    ("ascii", "SQL_ASCII"),
    ("euc", "EUC_JP"),
    ("win", "WIN1252"),
    ("koi", "KOI8R"),
];

async fn databases(cluster: &Cluster) -> Result<()> {
    let admin = cluster.client().await?;
    for (name, encoding) in DATABASES {
        admin
            .simple(&format!(
                "CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0"
            ))
            .await?;
    }
    Ok(())
}

/// A session of that database whose last statement is this.
async fn said(cluster: &Cluster, database: &str, sql: &str) -> Result<Client> {
    let client = cluster.client_as("postgres", database).await?;
    client.simple(sql).await?;
    Ok(client)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_of_any_encoding_takes_the_rows_away() -> Result<()> {
    for major in MAJORS {
        let cluster = Cluster::builder(major).start().await?;
        databases(&cluster).await?;
        let texts = [
            ("latin1", "SELECT 'é', 'ÿ' -- é"),
            ("win", "SELECT '€' -- œ"),
            ("koi", "SELECT 'Ж' -- ж"),
            ("euc", "SELECT 'あ' -- あ"),
            // As LATIN1 this is UTF-8 in disguise, and a backslash behind half a character of EUC_JP.
            ("latin1", "SELECT 'é' -- \u{e3}\u{81}\u{82} \u{c3}"),
            ("ascii", "SELECT 'é' -- \u{1f600}"),
            ("utf8", "SELECT 'é あ Ж' -- \u{1f600}"),
        ];
        let mut sessions = Vec::new();
        for (database, sql) in texts {
            sessions.push((database, sql, said(&cluster, database, sql).await?));
        }
        for (from, _) in DATABASES {
            let mut eye = Eye::open(&cluster, from).await;
            for (database, sql, client) in &sessions {
                let row = eye.row(client.pid()).await;
                let text = row.query.unwrap();
                // Whatever the encodings make of it, the ASCII of the statement is there.
                let ascii = |text: &str| text.chars().filter(char::is_ascii_graphic).collect::<String>();
                assert!(
                    ascii(&text).starts_with("SELECT'"),
                    "{major}, {database} seen from {from}: {text:?}"
                );
                let readable = matches!((*database, from), ("utf8" | "ascii", _) | ("latin1", "latin1"));
                if readable && !(*database != "latin1" && from == "latin1") {
                    assert_eq!(text, *sql, "{major}, {database} seen from {from}");
                }
                eye.look_at(row.pid, row.start);
                let detail = eye.ask::<pgmon_tui::probe::backend::Backend>().await.unwrap();
                assert_eq!(detail.query, Some(text), "{major}, {database} seen from {from}");
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_come_as_they_are() -> Result<()> {
    for major in MAJORS {
        let cluster = Cluster::builder(major).start().await?;
        let sql = "SELECT '\u{1b}[31m\u{9b}2J\u{7f}' -- a\\b \r\n\t, $tag$\u{202e}\u{200b}$tag$ -- \\x41 \\101";
        let client = said(&cluster, "postgres", sql).await?;
        let mut eye = Eye::open(&cluster, "postgres").await;
        assert_eq!(eye.row(client.pid()).await.query.as_deref(), Some(sql), "{major}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_text_is_cut_in_the_list_and_whole_on_the_page() -> Result<()> {
    for major in [12, 18] {
        let cluster = Cluster::builder(major)
            .conf("track_activity_query_size", "20000")
            .start()
            .await?;
        let long = format!("SELECT '{}'", "あ".repeat(4000));
        let client = said(&cluster, "postgres", &long).await?;
        let longer = format!("SELECT '{}'", "あ".repeat(8000));
        let cut = said(&cluster, "postgres", &longer).await?;
        let mut eye = Eye::open(&cluster, "postgres").await;
        let rows = eye.ask::<Activity>().await;
        let of = |pid| rows.iter().find(|row| row.pid == pid).unwrap();
        let text = of(client.pid()).query.clone().unwrap();
        assert!(
            text.len() <= 1000 && text.len() > 990 && long.starts_with(&text),
            "{major}"
        );
        eye.look_at(client.pid(), of(client.pid()).start);
        let detail = eye.ask::<pgmon_tui::probe::backend::Backend>().await.unwrap();
        assert_eq!((detail.query.as_ref(), detail.cut), (Some(&long), false), "{major}");
        eye.look_at(cut.pid(), of(cut.pid()).start);
        let detail = eye.ask::<pgmon_tui::probe::backend::Backend>().await.unwrap();
        let text = detail.query.unwrap();
        assert!(
            detail.cut && longer.starts_with(&text) && text.len() > 19_990,
            "{major}: {}",
            text.len()
        );
    }
    Ok(())
}
