//! The program without its screen, as scripts run it: the doctor, and the verdicts of a moment.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod alerts;
mod check;
mod ends;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Output, Stdio};

use pgmon_lab::{Builder, Client, Cluster, PATIENCE, Result, wait_until};
use serde_json::Value;
use tokio::process::Command;

/// A home without any file, so that the machine's own configuration and passwords do not count.
const NO_HOME: &str = "/nonexistent";

/// A server as it should be: those of the tests are built to be fast.
fn server(major: u32) -> Builder {
    ["fsync", "full_page_writes", "synchronous_commit"]
        .into_iter()
        .fold(Cluster::builder(major), |builder, name| builder.conf(name, "on"))
}

/// How the program ended and what it said.
struct Said {
    status: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn of(output: Output) -> Self {
        Self {
            status: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {} {}", self.out, self.err))
    }
}

/// The program with these words, and nothing of this machine's settings.
fn program(words: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgmon-tui"));
    command.args(words).env_clear();
    command
        .env("HOME", NO_HOME)
        .env("XDG_CONFIG_HOME", NO_HOME)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// The words of a command (`check --json`) against a database.
fn words(command: &str, cluster: &Cluster, role: &str, database: &str) -> Vec<String> {
    let port = cluster.port().to_string();
    let place = ["-h", "127.0.0.1", "-p", &port, "-U", role, "-d", database];
    command.split(' ').chain(place).map(str::to_owned).collect()
}

/// Runs a command to its end.
async fn run(command: &str, cluster: &Cluster, role: &str, database: &str) -> Said {
    let mut program = program(&words(command, cluster, role, database));
    let output = tokio::time::timeout(PATIENCE * 2, program.output()).await;
    Said::of(output.unwrap().unwrap())
}

/// The same with a configuration file.
async fn run_with(config: &Path, command: &str, cluster: &Cluster, role: &str, database: &str) -> Said {
    run(
        &format!("{command} --config {}", config.display()),
        cluster,
        role,
        database,
    )
    .await
}

/// Waits until the program has so many sessions on the server.
async fn sessions(observer: &Client, count: i64) {
    wait_until(&format!("the program has {count} sessions"), PATIENCE, async || {
        let here: i64 = observer
            .value("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgmon-tui%'")
            .await?;
        Ok(here == count)
    })
    .await;
}

/// Statements out of what is to be typed; what is for people and not for the server is left out.
fn statements(remedy: &str) -> Vec<String> {
    let starts = ["CREATE ", "ALTER ", "GRANT ", "REVOKE ", "SELECT "];
    let pieces = remedy.split(';').map(str::trim);
    let statement = |piece: &str| {
        let begin = starts.iter().filter_map(|start| piece.find(start)).min();
        begin.and_then(|at| piece.get(at..)).map(str::to_owned)
    };
    pieces.filter_map(statement).collect()
}

/// Runs what is to be typed, as a superuser in that database.
async fn mend(cluster: &Cluster, database: &str, remedies: impl IntoIterator<Item = &String>) -> Result<()> {
    let client = cluster.client_as("postgres", database).await?;
    for remedy in remedies {
        for statement in statements(remedy) {
            client.simple(&statement).await?;
        }
    }
    Ok(())
}
