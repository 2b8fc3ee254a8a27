//! Every pane, some pages and another database, with keys and a real server.

use pgmon_lab::{PATIENCE, Result, wait_until};

use crate::{LIVE, cluster, ends_restored, running, sessions};

/// Something of everything that a pane can show, in the connected database.
const ESTATE: &str = "
    CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
    CREATE TABLE lines (id serial PRIMARY KEY, sku text) WITH (autovacuum_enabled = false);
    INSERT INTO lines (sku) SELECT 'sku-' || g FROM generate_series(1, 20000) g;
    UPDATE lines SET sku = sku || '!';
    CREATE TABLE metrics (at timestamptz NOT NULL) PARTITION BY RANGE (at);
    CREATE TABLE metrics_old PARTITION OF metrics FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
    ANALYZE;
    SELECT pg_create_physical_replication_slot('forgotten', true)";

/// The pane behind each key: its title, and words that only a server's answer brings.
const PANES: [(&str, &str, &str); 9] = [
    ("1", "1 Overview", "Connections"),
    ("2", "2 Activity", "PID"),
    ("3", "3 Locks", "Nobody waits"),
    ("4", "4 Queries", "TIME"),
    ("5", "5 Vacuum", "lines"),
    ("6", "6 Storage", "lines"),
    ("7", "7 Partitions", "metrics"),
    ("8", "8 Replication", "forgotten"),
    ("9", "9 Wraparound", "postgres"),
];

/// As many as the pane with most of them has.
const PANELS: usize = 6;

#[tokio::test]
async fn every_pane_shows_what_the_server_says_and_how_it_was_asked() -> Result<()> {
    let cluster = cluster().await?;
    cluster.client().await?.simple(ESTATE).await?;
    let mut terminal = running(&cluster).await?;
    terminal.resize(120, 40)?;
    for (key, title, words) in PANES {
        terminal.send(key)?;
        let shown = |screen: &str| screen.contains(title) && screen.contains(words) && !screen.contains("loading");
        terminal.wait_for(&format!("{title} with {words}"), shown).await?;
        for _ in 0..PANELS {
            terminal.send("v")?;
            let answered = |screen: &str| !screen.contains(" Asking ");
            terminal
                .wait_for(&format!("{title}: every panel is answered"), answered)
                .await?;
        }
        terminal.send("s")?;
        let asked = |screen: &str| screen.contains("queries/") && screen.contains("pg_catalog.");
        terminal.wait_for(&format!("the SQL of {title}"), asked).await?;
        terminal.send("\x1b")?;
        terminal
            .wait_for("the SQL is closed", |screen| !screen.contains("queries/"))
            .await?;
    }
    terminal.send("q")?;
    ends_restored(terminal).await
}

/// From a list to the page of one of its rows and back, where the row comes from the server.
#[tokio::test]
async fn a_table_and_a_statement_open_on_enter() -> Result<()> {
    let cluster = cluster().await?;
    cluster.client().await?.simple(ESTATE).await?;
    let mut terminal = running(&cluster).await?;
    terminal.resize(120, 40)?;
    for (key, words, page) in [("6", "lines", "→ public.lines"), ("4", "TIME", "Query id ")] {
        terminal.send(key)?;
        terminal.wait_for_text(words).await?;
        terminal.send("\r")?;
        terminal.wait_for_text(page).await?;
        terminal.send("\x1b")?;
        terminal
            .wait_for("the page is closed", |screen| !screen.contains(page))
            .await?;
    }
    terminal.send("q")?;
    ends_restored(terminal).await
}

#[tokio::test]
async fn another_database_without_a_restart() -> Result<()> {
    let cluster = cluster().await?;
    cluster.database("other").await?;
    let observer = cluster.client().await?;
    let mut terminal = running(&cluster).await?;
    terminal.wait_for_text("/postgres").await?;
    terminal.send("d")?;
    terminal
        .wait_for("the list with what cannot be gone to", |screen| {
            screen.contains("DATABASE") && screen.contains("allows no") && screen.contains("other")
        })
        .await?;
    // Sorted by name, the filter leaves the one that is wanted.
    terminal.send("/name:template0\r\r")?;
    terminal.wait_for_text("cannot go to template0").await?;
    terminal.send("/")?;
    for _ in "name:template0".chars() {
        terminal.send("\x7f")?;
    }
    terminal.send("name:other\r")?;
    terminal
        .wait_for("only the other one", |screen| !screen.contains("template1"))
        .await?;
    terminal.send("\r")?;
    terminal
        .wait_for_text(&format!("127.0.0.1:{}/other", cluster.port()))
        .await?;
    terminal.wait_for_text(LIVE).await?;
    let there = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgmon-tui%' AND datname = 'other'";
    wait_until("both sessions are there", PATIENCE, async || {
        Ok(observer.value::<i64>(there).await? == 2)
    })
    .await;
    assert_eq!(sessions(&observer).await?, 2, "and nowhere else");
    terminal.send("q")?;
    ends_restored(terminal).await
}
