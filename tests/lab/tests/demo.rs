//! `lab demo`: the incident is there, and nothing is left whatever ends it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use pgmon_lab::{
    Client, Ended, Error, PATIENCE, Result, Signal, Terminal, children, processes_with, send_signal, wait_until,
};

/// A stand-in for pgmon-tui where nobody looks: has a screen for every key, with the word awaited of that pane and no
/// other's, and ends on `q`.
const SCREEN: &str = "echo app \"$@\"; \
    words=(- Connections checkout-web checkout-api inventory documents order_lines metrics old_replica reports); \
    while read -r -n 1 key; do [ \"$key\" = q ] && exit; printf '\\033[2J\\033[Hpane %s: %s' \"$key\" \"${words[key]}\"; done";

/// Says that it is up and with what, and ends with a line of input.
const PROGRAM: [&str; 4] = ["sh", "-c", "echo up \"$@\"; read -r line; exit 7", "program"];

/// A directory for servers that their account may write to.
fn lab_dir() -> Result<tempfile::TempDir> {
    let base = std::env::var_os("PGMON_LAB_DIR").unwrap_or_else(|| "/tmp".into());
    let dir = tempfile::Builder::new().prefix("pgmon-demo-").tempdir_in(base)?;
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o1777))?;
    Ok(dir)
}

fn is_empty(dir: &Path) -> bool {
    std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none())
}

/// Nothing of the demo is left: no directory, no process.
async fn nothing_left(dir: &Path) {
    let name = dir.to_string_lossy();
    wait_until("nothing is left", PATIENCE, async || {
        Ok(is_empty(dir) && processes_with(&name).is_empty())
    })
    .await;
}

fn in_terminal(dir: &Path, program: &[&str]) -> Result<Terminal> {
    let dir = dir.to_string_lossy();
    let mut words = vec![env!("CARGO_BIN_EXE_lab"), "demo", "--no-standby", "--"];
    words.extend(program);
    let cache = pgmon_lab::cache_dir()?;
    let env = [
        ("PGMON_LAB_DIR", dir.as_ref()),
        ("PGMON_LAB_CACHE", cache.to_str().unwrap_or_default()),
    ];
    Terminal::start(&words, 120, 30, &env)
}

/// The program is up. The demo has waited for one thing after another before, each of which may take [`PATIENCE`].
async fn up(terminal: &Terminal) {
    wait_until("the program is up", 5 * PATIENCE, async || {
        let (screen, start) = (terminal.screen(), "up -h 127.0.0.1 -p ");
        let whole = |line: &str| line.starts_with(start) && line.ends_with(" -U monitor app");
        if screen.lines().any(whole) {
            Ok(true)
        } else {
            Err(Error::new(screen))
        }
    })
    .await;
}

#[tokio::test]
async fn without_a_terminal_it_reports_and_ends() -> Result<()> {
    let dir = lab_dir()?;
    let output = Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(["demo", "--", "bash", "-c", SCREEN, "program"])
        .env("PGMON_LAB_DIR", dir.path())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    for part in [
        "pgmon-tui -h 127.0.0.1 -p ",
        "checkout-api     idle in transaction",
        "migration        active",
        "pane 1: Connections",
        "pane 9: reports",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    nothing_left(dir.path()).await;
    Ok(())
}

#[tokio::test]
async fn the_program_gets_the_server_and_its_end_is_the_end() -> Result<()> {
    let dir = lab_dir()?;
    let mut terminal = in_terminal(dir.path(), &PROGRAM)?;
    up(&terminal).await;
    let screen = terminal.screen();
    let port = screen
        .split_once("-p ")
        .and_then(|(_, rest)| rest.split_whitespace().next())
        .unwrap_or_default();
    let monitor = Client::connect(&format!("host=127.0.0.1 port={port} user=monitor dbname=app")).await?;
    let root = "SELECT DISTINCT b.application_name FROM pg_stat_activity w, \
                pg_stat_activity b WHERE b.pid = ANY (pg_blocking_pids(w.pid)) AND w.application_name = 'migration'";
    // Whoever was reading when the migration came is in its way too, for a moment.
    wait_until("only the root is in the migration's way", PATIENCE, async || {
        Ok(monitor.column::<String>(root).await? == ["checkout-api"])
    })
    .await;
    terminal.send("\n")?;
    assert_eq!(terminal.wait_exit().await?, Ended::Code(7));
    nothing_left(dir.path()).await;
    Ok(())
}

#[tokio::test]
async fn any_signal_leaves_nothing() -> Result<()> {
    for sent in [Signal::TERM, Signal::HUP, Signal::KILL] {
        let dir = lab_dir()?;
        let mut terminal = in_terminal(dir.path(), &PROGRAM)?;
        up(&terminal).await;
        terminal.signal(sent);
        terminal.wait_exit().await?;
        nothing_left(dir.path()).await;
    }
    Ok(())
}

/// The hardest end: the process is killed while its server is stopped and answers nobody.
#[tokio::test]
async fn a_killed_process_with_a_stopped_server_leaves_nothing() -> Result<()> {
    let dir = lab_dir()?;
    let mut terminal = in_terminal(dir.path(), &PROGRAM)?;
    up(&terminal).await;
    let servers: Vec<PathBuf> = std::fs::read_dir(dir.path())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    assert_eq!(servers.len(), 1);
    for server in servers {
        let postmaster = std::fs::read_to_string(server.join("run.pid"))?
            .trim()
            .parse()
            .unwrap_or_default();
        send_signal(postmaster, Signal::STOP);
        for backend in children(postmaster) {
            send_signal(backend, Signal::STOP);
        }
    }
    terminal.signal(Signal::KILL);
    terminal.wait_exit().await?;
    nothing_left(dir.path()).await;
    Ok(())
}

#[tokio::test]
async fn a_stopped_program_stops_the_demo_and_both_come_back() -> Result<()> {
    let dir = lab_dir()?;
    let mut terminal = in_terminal(
        dir.path(),
        &["sh", "-c", "echo up; kill -STOP $$; echo back; read -r line"],
    )?;
    wait_until("the demo is stopped", 5 * PATIENCE, async || Ok(terminal.is_stopped())).await;
    terminal.signal(Signal::CONT);
    terminal.wait_for_text("back").await?;
    terminal.send("\n")?;
    assert_eq!(terminal.wait_exit().await?, Ended::Code(0));
    nothing_left(dir.path()).await;
    Ok(())
}
