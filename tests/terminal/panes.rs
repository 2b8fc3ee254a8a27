//! Every pane, some pages and another database, with keys and a real server.

use std::collections::BTreeSet;

use pgmon_lab::{PATIENCE, Result, Terminal, wait_until};

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

/// The pane behind each key: its title, words that only a server's answer brings, and its panels where it has several.
const PANES: [(&str, &str, &str, &[&str]); 9] = [
    ("1", "1 Overview", "Connections", &[]),
    ("2", "2 Activity", "PID", &[]),
    ("3", "3 Locks", "Nobody waits", &[]),
    ("4", "4 Queries", "TIME", &[]),
    ("5", "5 Vacuum", "lines", &["Running", "Queue", "Horizon"]),
    (
        "6",
        "6 Storage",
        "lines",
        &[
            "Relations",
            "Unused",
            "Duplicates",
            "Invalid",
            "Foreign keys",
            "Sequences",
        ],
    ),
    ("7", "7 Partitions", "metrics", &[]),
    (
        "8",
        "8 Replication",
        "forgotten",
        &["Standbys", "Slots", "Archiver", "Subscriptions"],
    ),
    ("9", "9 Wraparound", "postgres", &["Databases", "Relations"]),
];

/// The panels that are marked: one, but in the middle of a frame.
fn marked(terminal: &Terminal, panels: &[&'static str]) -> Vec<&'static str> {
    panels.iter().copied().filter(|name| terminal.in_bold(name)).collect()
}

#[tokio::test]
async fn every_pane_shows_what_the_server_says_and_how_it_was_asked() -> Result<()> {
    let cluster = cluster().await?;
    cluster.client().await?.simple(ESTATE).await?;
    let mut terminal = running(&cluster).await?;
    terminal.resize(120, 40)?;
    let answered = |screen: &str| ![" Asking ", " Counting "].iter().any(|word| screen.contains(word));
    for (key, title, words, panels) in PANES {
        terminal.send(key)?;
        // The titles of the other panes are on the screen as well.
        let shown = |screen: &str| {
            let here = terminal.in_bold(title) && marked(&terminal, panels).len() == panels.len().min(1);
            here && screen.contains(words) && !screen.contains("loading")
        };
        terminal.wait_for(&format!("{title} with {words}"), shown).await?;
        terminal.wait_for(&format!("{title} is answered"), answered).await?;
        let mut seen = BTreeSet::new();
        // Twice round: until the first key a panel that warns may take the place of the marked one at any moment.
        for _ in 0..2 * panels.len() {
            let before = marked(&terminal, panels);
            terminal.send("v")?;
            let next = |_: &str| {
                let now = marked(&terminal, panels);
                now.len() == 1 && now != before
            };
            terminal
                .wait_for(&format!("{title}: the panel after {before:?}"), next)
                .await?;
            let now = marked(&terminal, panels);
            terminal
                .wait_for(&format!("{title}: {now:?} is answered"), answered)
                .await?;
            seen.extend(now);
        }
        assert_eq!(seen.len(), panels.len(), "{title}: {seen:?} of {panels:?}");
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
