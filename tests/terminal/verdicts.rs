//! From a lock to the verdict on the screen, from there to its row and to the statement that ends it.

use std::fs;

use pgmon_lab::{Cluster, Result, Terminal, scene};

use crate::{ROLE, contains, ends_restored, words};

/// Limits that a test has the patience for; the servers of the tests run without fsync, which is another story.
const CONFIG: &str = "
    [alerts]
    blocked_warn_s = 1
    disabled = [\"settings\"]
    [ui]
    bell = { warning = \"both\" }
";

/// The stories on the screen: lines with a mark at their left end and the number of a tab at their right end.
fn stories(screen: &str) -> Vec<&str> {
    let marked = |line: &&str| line.starts_with(['✖', '▲', '◆']);
    let leads = |line: &&str| {
        let last = line.trim_end().rsplit(' ').next();
        last.is_some_and(|word| word.len() == 1 && word.starts_with(|digit: char| digit.is_ascii_digit()))
    };
    screen.lines().skip(2).filter(marked).filter(leads).collect()
}

#[tokio::test]
async fn forty_readers_behind_an_alter_behind_an_idle_transaction_are_one_story() -> Result<()> {
    let cluster = Cluster::builder(18)
        .role("mon LOGIN IN ROLE pg_monitor")
        .conf("max_connections", "200")
        .start()
        .await?;
    let dir = tempfile::tempdir()?;
    let config = dir.path().join("config.toml");
    fs::write(&config, CONFIG)?;
    let mut words = words(&cluster, ROLE);
    words.push(format!("--config={}", config.display()));
    let mut terminal = Terminal::start(&words, 80, 24, &[("TMUX", "")])?;
    terminal.wait_for_text("✔ nothing wrong in").await?;

    let scene = scene::queued_exclusive(&cluster, "postgres", 40).await?;
    let (root, alter) = (scene.pid("root"), scene.pid("alter"));
    let verdict = format!("41 sessions wait behind pid {root}");
    let folded = format!("└ pid {alter}");
    terminal
        .wait_for("one story with what belongs to it", |screen| {
            let stories = stories(screen);
            stories.len() == 1 && stories.iter().any(|story| story.contains(&verdict)) && screen.contains(&folded)
        })
        .await?;
    let rest = |screen: &str| {
        ["3 Locks▲1", "▲1  ● live", "Replication"]
            .iter()
            .all(|part| screen.contains(part))
    };
    terminal.wait_for("tab, header and the numbers", rest).await?;
    let output = terminal.output();
    assert!(contains(&output, "\x1b]0;▲1 ".as_bytes()), "the title says it");
    let asked = String::from_utf8_lossy(&output);
    let notified = asked.split("\x1b]9;").nth(1).and_then(|rest| rest.split('\x07').next());
    assert!(
        notified.is_some_and(|text| text.contains(&format!("behind pid {root}"))),
        "{notified:?}"
    );

    // Enter leads to the row: what is said of the selected session is about the root.
    terminal.send("\r")?;
    let selected = format!("{root} idle in transaction · ");
    terminal.wait_for_text(&selected).await?;
    // The first thing that is offered to be copied ends it.
    terminal.send("1y\r")?;
    terminal.wait_for_text("to the terminal's clipboard").await?;
    let copied = terminal.clipboard();
    let ends = format!("pg_terminate_backend({root})");
    assert!(copied.last().is_some_and(|text| text.contains(&ends)), "{copied:?}");

    terminal.send("a")?;
    let noted = |screen: &str| screen.contains("noted 3") && !screen.contains("Locks▲") && !screen.contains("▲1  ●");
    terminal.wait_for("it is quiet, and still there", noted).await?;
    terminal.send("a")?;
    let loud = |screen: &str| !screen.contains("noted 3") && screen.contains("3 Locks▲1");
    terminal.wait_for("it counts again", loud).await?;

    scene.end().await?;
    terminal.wait_for_text("✔ nothing wrong in").await?;
    terminal.send("m")?;
    terminal.wait_for_text("✔ Over after").await?;
    terminal.send("w")?;
    terminal.wait_for_text("What was checked").await?;
    terminal.send("q")?;
    ends_restored(terminal).await
}
