//! The program itself in a pseudo-terminal: it starts, answers, survives its server and gives the terminal back,
//! whatever ends it.

mod panes;
mod quitting;
mod verdicts;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use pgmon_lab::{Client, Cluster, Ended, PATIENCE, Result, Signal, Terminal, wait_until};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pgmon-tui");
const ROLE: &str = "mon";
const LIVE: &str = "● live";
/// What takes the alternate screen; not written before there is something to show on it.
const ALTERNATE: &[u8] = b"\x1b[?1049h";

async fn cluster() -> Result<Cluster> {
    Cluster::builder(18).role("mon LOGIN IN ROLE pg_monitor").start().await
}

fn words(cluster: &Cluster, role: &str) -> Vec<String> {
    let port = cluster.port().to_string();
    let words = [PROGRAM, "-h", "127.0.0.1", "-p", &port, "-U", role, "postgres"];
    words.map(str::to_owned).to_vec()
}

fn start(cluster: &Cluster) -> Result<Terminal> {
    Terminal::start(&words(cluster, ROLE), 80, 24, &[])
}

/// A running program that shows its first figures.
async fn running(cluster: &Cluster) -> Result<Terminal> {
    let terminal = start(cluster)?;
    terminal.wait_for_text(LIVE).await?;
    Ok(terminal)
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

async fn ends_restored(mut terminal: Terminal) -> Result<()> {
    assert!(matches!(terminal.wait_exit().await?, Ended::Code(0)));
    terminal.restored()
}

/// Our own sessions on the server, by the name they give themselves.
async fn sessions(observer: &Client) -> Result<i64> {
    observer
        .value("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgmon-tui%'")
        .await
}

#[tokio::test]
async fn it_starts_and_each_way_to_quit_gives_the_terminal_back() -> Result<()> {
    let cluster = cluster().await?;
    let observer = cluster.client().await?;
    for key in ["q", "\x03"] {
        let mut terminal = running(&cluster).await?;
        assert!(terminal.in_alternate_screen());
        terminal
            .wait_for("tabs and place", |screen| {
                let parts = ["1 Overview", "2 Act", "9 Wrap", "127.0.0.1"];
                parts.iter().all(|part| screen.contains(part))
            })
            .await?;
        terminal.send(key)?;
        ends_restored(terminal).await?;
        wait_until("its sessions are gone", PATIENCE, async || {
            Ok(sessions(&observer).await? == 0)
        })
        .await;
    }
    Ok(())
}

#[tokio::test]
async fn signals_give_the_terminal_back() -> Result<()> {
    let cluster = cluster().await?;
    for sent in [Signal::TERM, Signal::HUP, Signal::INT] {
        let terminal = running(&cluster).await?;
        terminal.signal(sent);
        ends_restored(terminal).await?;
    }
    Ok(())
}

/// A terminal may answer a question late or never: the program must not ask one.
#[tokio::test]
async fn it_asks_the_terminal_nothing() -> Result<()> {
    let cluster = cluster().await?;
    let mut terminal = running(&cluster).await?;
    terminal.send("2")?;
    terminal.resize(100, 30)?;
    terminal.send("q")?;
    terminal.wait_exit().await?;
    let output = terminal.output();
    for question in [
        &b"\x1b[6n"[..],
        b"\x1b[c",
        b"\x1b[0c",
        b"\x1b[>c",
        b"\x1b[?u",
        b"\x1b]11;?",
    ] {
        assert!(!contains(&output, question), "{:?}", String::from_utf8_lossy(question));
    }
    Ok(())
}

/// Under a shell with job control, as people run it.
#[tokio::test]
async fn ctrl_z_and_back() -> Result<()> {
    let cluster = cluster().await?;
    let script = "\"$@\"; echo in the shell; read -r line; fg; echo over $?";
    let mut shell: Vec<String> = ["bash", "-m", "-c", script, "shell"].map(str::to_owned).to_vec();
    shell.extend(words(&cluster, ROLE));
    let mut terminal = Terminal::start(&shell, 80, 24, &[])?;
    terminal.wait_for_text(LIVE).await?;
    terminal.send("\x1a")?;
    terminal.wait_for_text("in the shell").await?;
    terminal.restored()?;
    terminal.send("\n")?;
    terminal.wait_for_text(LIVE).await?;
    assert!(terminal.in_alternate_screen());
    terminal.send("2")?;
    terminal
        .wait_for("the other pane", |screen| {
            screen.contains("APPLICATION") || screen.contains("USER")
        })
        .await?;
    terminal.send("q")?;
    terminal.wait_for_text("over 0").await?;
    ends_restored(terminal).await
}

#[tokio::test]
async fn it_follows_the_size_of_its_window() -> Result<()> {
    let cluster = cluster().await?;
    let mut terminal = running(&cluster).await?;
    for (cols, rows) in [(120, 40), (40, 12), (300, 100), (80, 24)] {
        terminal.resize(cols, rows)?;
        // The clock is at the right edge of the first line, the footer in the last one.
        let fits = |screen: &str| {
            let mut lines = screen.lines();
            let width = lines.next().map_or(0, |line| line.chars().count());
            usize::from(cols) - width <= 2 && lines.last().is_some_and(|line| line.contains("quit") || cols == 40)
        };
        terminal
            .wait_for(&format!("the screen fills {cols}x{rows}"), fits)
            .await?;
    }
    terminal.resize(20, 4)?;
    terminal.wait_for_text("20x4 is too small").await?;
    terminal.resize(80, 24)?;
    terminal.wait_for_text(LIVE).await?;
    terminal.send("q")?;
    ends_restored(terminal).await
}

/// Nothing is typed after it that could bring it along, and both have come.
#[tokio::test]
async fn a_key_that_comes_with_a_new_size_is_taken() -> Result<()> {
    let cluster = cluster().await?;
    let mut terminal = running(&cluster).await?;
    for nth in 0..200 {
        let (key, head) = [("2", "[all "), ("3", "Nobody waits for a lock")][nth % 2];
        // Another one each time: no signal comes for the same size.
        let width = [80, 100][(nth + 1) % 2];
        terminal.resize(width, 24)?;
        terminal.send(key)?;
        let taken = |screen: &str| {
            let line = screen.lines().next().map_or(0, |line| line.chars().count());
            screen.contains(head) && line.abs_diff(width.into()) <= 2
        };
        terminal.wait_for(&format!("key {key} at {width}"), taken).await?;
    }
    terminal.send("q")?;
    ends_restored(terminal).await
}

#[tokio::test]
async fn it_outlives_a_restart_and_a_crash_of_its_server() -> Result<()> {
    for major in [12, 18] {
        let cluster = Cluster::builder(major)
            .role("mon LOGIN IN ROLE pg_monitor")
            .start()
            .await?;
        let mut terminal = running(&cluster).await?;
        cluster.stop(pgmon_lab::Stop::Fast).await?;
        terminal
            .wait_for("it is stale, and says when it tries again", |screen| {
                screen.contains("stale") && screen.contains("again in") && screen.contains("1 Overview")
            })
            .await?;
        cluster.start_again().await?;
        terminal.wait_for_text(LIVE).await?;
        cluster.kill9().await?;
        terminal.wait_for_text("again in").await?;
        cluster.start_again().await?;
        terminal.wait_for_text(LIVE).await?;
        terminal.send("q")?;
        ends_restored(terminal).await?;
    }
    Ok(())
}

/// A server that stands still: keys are answered, the age of the data is told, and nothing is waited for at the end.
#[tokio::test]
async fn keys_work_while_the_server_is_stopped() -> Result<()> {
    let cluster = cluster().await?;
    let mut terminal = running(&cluster).await?;
    cluster.pause();
    terminal.send("2")?;
    terminal
        .wait_for("the other pane", |screen| screen.contains("PID"))
        .await?;
    terminal.send("?")?;
    terminal.wait_for_text("Help").await?;
    terminal.send("\x1b")?;
    terminal
        .wait_for("the help is closed", |screen| !screen.contains("Help"))
        .await?;
    terminal
        .wait_for("the data is no longer called live", |screen| !screen.contains(LIVE))
        .await?;
    terminal.send("q")?;
    ends_restored(terminal).await?;
    cluster.resume();
    Ok(())
}

#[tokio::test]
async fn without_a_server_it_says_so_and_fails() -> Result<()> {
    let cluster = cluster().await?;
    cluster.stop(pgmon_lab::Stop::Fast).await?;
    let mut terminal = start(&cluster)?;
    assert_eq!(terminal.wait_exit().await?, Ended::Code(1));
    let screen = terminal.screen();
    assert!(
        screen.contains("refused") && screen.contains(&cluster.port().to_string()),
        "{screen}"
    );
    assert!(
        !contains(&terminal.output(), ALTERNATE),
        "a screen for nothing:\n{screen}"
    );
    terminal.restored()
}

/// The log has what was shown as a message, and is nobody else's to read, not even if it was there before.
#[tokio::test]
async fn the_log_file_has_the_messages_and_is_private() -> Result<()> {
    let cluster = cluster().await?;
    let dir = tempfile::tempdir()?;
    let log = dir.path().join("pgmon.log");
    fs::write(&log, "")?;
    fs::set_permissions(&log, fs::Permissions::from_mode(0o644))?;
    let mut words = words(&cluster, ROLE);
    words.push(format!("--log-file={}", log.display()));
    let mut terminal = Terminal::start(&words, 80, 24, &[])?;
    terminal.wait_for_text(LIVE).await?;
    terminal.send("-")?;
    let message = "The hot queries now run every 3 s.";
    terminal.wait_for_text(message).await?;
    terminal.send("q")?;
    ends_restored(terminal).await?;
    let text = fs::read_to_string(&log)?;
    assert!(text.contains(message), "{text}");
    assert_eq!(fs::metadata(&log)?.permissions().mode() & 0o777, 0o600);
    Ok(())
}

#[tokio::test]
async fn without_a_terminal_it_says_so_and_fails() -> Result<()> {
    let cluster = cluster().await?;
    let words = words(&cluster, ROLE);
    let mut command = Command::new(PROGRAM);
    command.args(words.iter().skip(1)).stdin(Stdio::null());
    let output = command.output()?;
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty(), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("needs a terminal"),
        "{output:?}"
    );
    Ok(())
}

#[tokio::test]
async fn while_every_slot_is_taken_it_waits_and_then_gets_in() -> Result<()> {
    let cluster = Cluster::builder(18)
        .conf("max_connections", "10")
        .conf("superuser_reserved_connections", "3")
        .role("mon LOGIN IN ROLE pg_monitor")
        .role("guest LOGIN")
        .start()
        .await?;
    // A session that has just been left may still take its slot: all of them are to be the guests'.
    let mut guests = Vec::new();
    wait_until("every slot but the superuser's is taken", PATIENCE, async || {
        guests.extend(cluster.client_as("guest", "postgres").await.ok());
        Ok(guests.len() == 7)
    })
    .await;

    let mut impatient = words(&cluster, ROLE);
    impatient.push("--no-wait".to_owned());
    let mut terminal = Terminal::start(&impatient, 80, 24, &[])?;
    assert_eq!(terminal.wait_exit().await?, Ended::Code(1));
    assert!(terminal.screen().contains("slot"), "{}", terminal.screen());

    let mut terminal = start(&cluster)?;
    terminal
        .wait_for("the reason to wait", |screen| {
            screen.contains("slot") && screen.contains("again in")
        })
        .await?;
    drop(guests);
    terminal.wait_for_text(LIVE).await?;
    terminal.send("q")?;
    ends_restored(terminal).await
}

#[tokio::test]
async fn the_password_is_asked_for_and_never_shown() -> Result<()> {
    let cluster = Cluster::builder(18)
        .hba("host all guarded 127.0.0.1/32 scram-sha-256")
        .role("guarded LOGIN IN ROLE pg_monitor PASSWORD 'open sesame'")
        .start()
        .await?;
    let mut terminal = Terminal::start(&words(&cluster, "guarded"), 80, 24, &[])?;
    terminal.wait_for_text("Password for user guarded:").await?;
    terminal.send("open sesame\r")?;
    terminal.wait_for_text(LIVE).await?;
    terminal.send("q")?;
    terminal.wait_exit().await?;
    assert!(!contains(&terminal.output(), b"sesame"));
    terminal.restored()?;

    let mut terminal = Terminal::start(&words(&cluster, "guarded"), 80, 24, &[])?;
    terminal.wait_for_text("Password for user guarded:").await?;
    terminal.send("wrong\r")?;
    assert_eq!(terminal.wait_exit().await?, Ended::Code(1));
    assert!(terminal.screen().contains("password"), "{}", terminal.screen());
    terminal.restored()?;

    // Who thinks better of it gets the terminal back as it was.
    let mut terminal = Terminal::start(&words(&cluster, "guarded"), 80, 24, &[])?;
    terminal.wait_for_text("Password for user guarded:").await?;
    terminal.send("half\x03")?;
    assert_eq!(terminal.wait_exit().await?, Ended::Code(130));
    assert!(terminal.screen().contains("Interrupted"), "{}", terminal.screen());
    terminal.restored()
}

#[tokio::test]
async fn a_role_that_can_write_is_asked_about() -> Result<()> {
    let cluster = cluster().await?;
    let observer = cluster.client().await?;
    let mut words = words(&cluster, "postgres");
    words.extend(["--interval", "0.5"].map(str::to_owned));
    let mut terminal = Terminal::start(&words, 80, 24, &[])?;
    terminal.wait_for_text("GRANT pg_monitor").await?;
    // Not the observer's own texts, in which this word is a parameter.
    let calls = "SELECT coalesce(sum(calls), 0)::int8 FROM pg_stat_statements WHERE query LIKE '%pg_stat_database%'";
    // What was under way when it came to ask ends; it may not even have begun on the server yet.
    let quiet = "SELECT count(*) = 2 AND bool_and(state = 'idle' AND query_start < clock_timestamp() - interval '2 s')
                   FROM pg_stat_activity WHERE application_name LIKE 'pgmon-tui%'";
    wait_until(
        "both sessions are there and nothing is asked for four intervals",
        PATIENCE,
        async || observer.value::<bool>(quiet).await,
    )
    .await;
    let before: i64 = observer.value(calls).await?;
    terminal.send("a")?;
    terminal
        .wait_for("the question is gone", |screen| !screen.contains("GRANT pg_monitor"))
        .await?;
    wait_until("it polls after the answer", PATIENCE, async || {
        Ok(observer.value::<i64>(calls).await? > before)
    })
    .await;
    terminal.send("q")?;
    ends_restored(terminal).await
}

/// A query text is somebody else's: what drives a terminal in it arrives as visible marks.
#[tokio::test]
async fn text_from_the_server_does_not_drive_the_terminal() -> Result<()> {
    let cluster = cluster().await?;
    let hostile = cluster.client_named("hostile", "postgres", "postgres").await?;
    let asleep = hostile.spawn("SELECT pg_sleep(600) /* \x1b]0;owned\x07\x1b[2J\u{9b}31m\r\n\tend */");
    let mut terminal = running(&cluster).await?;
    terminal.resize(160, 24)?;
    terminal.send("2")?;
    terminal
        .wait_for("the query", |screen| {
            screen.contains("pg_sleep(600)") && screen.contains("owned")
        })
        .await?;
    terminal.wait_quiet(Duration::from_millis(100)).await?;
    let output = terminal.output();
    for driven in [&b"\x1b]0;owned"[..], b"\x1b[2J\xc2\x9b", b"\xc2\x9b"] {
        assert!(!contains(&output, driven), "{:?}", String::from_utf8_lossy(driven));
    }
    terminal.send("q")?;
    ends_restored(terminal).await?;
    assert!(!asleep.is_finished());
    Ok(())
}
