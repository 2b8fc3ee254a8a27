//! `lab demo`: a server with a life of its own and an incident, a program in the foreground on it, and nothing left
//! when that program ends, whatever ends it.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use pgmon_lab::{Builder, Client, Cluster, Ended, Error, PATIENCE, Result, Terminal, is_stopped, wait_for, wraparound};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};
use tokio::task::JoinSet;

use crate::{estate, incident, links, parse_major, traffic, upkeep};

const MONITOR: &str = "monitor";
const DATABASE: &str = "app";
/// A line or two for every pane.
const GUIDE: &str = include_str!("../../../../../scripts/demo.txt");

/// What the command line asks for.
pub struct Options {
    major: u32,
    tui: bool,
    standby: bool,
    directory: &'static str,
    program: Vec<OsString>,
}

impl Options {
    /// # Errors
    /// An unknown option, a major that is not supported.
    pub fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self {
            major: 18,
            tui: true,
            standby: true,
            directory: "release",
            program: Vec::new(),
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--major" => options.major = parse_major(arguments.next().map_or("", String::as_str))?,
                "--no-tui" => options.tui = false,
                "--no-standby" => options.standby = false,
                "--profile" => options.directory = directory(arguments.next().map_or("", String::as_str))?,
                "--" => options.program = arguments.by_ref().map(OsString::from).collect(),
                other => return Err(Error::new(format!("unknown option of lab demo: {other}"))),
            }
        }
        Ok(options)
    }

    /// The program given, or the build of `pgmon-tui` beside this binary's own directory.
    fn program(&self) -> Result<Vec<OsString>> {
        if !self.program.is_empty() {
            return Ok(self.program.clone());
        }
        let own = std::env::current_exe()?;
        let target = own
            .parent()
            .and_then(std::path::Path::parent)
            .map(PathBuf::from)
            .unwrap_or_default();
        Ok(vec![target.join(self.directory).join("pgmon-tui").into_os_string()])
    }
}

/// Where cargo puts what it has built with a profile.
fn directory(profile: &str) -> Result<&'static str> {
    match profile {
        "release" => Ok("release"),
        "dev" => Ok("debug"),
        other => Err(Error::new(format!("unknown profile {other:?}: release or dev"))),
    }
}

/// # Errors
/// When the servers or the program cannot be started.
pub async fn run(options: Options) -> Result<ExitCode> {
    // Before the first server: from here on a signal ends this function, and leaving it removes everything.
    let mut ending = Ending::new()?;
    tokio::select! {
        stage = Stage::build(&options) => stage?.play(&options, &mut ending).await,
        () = ending.requested() => Ok(ExitCode::FAILURE),
    }
}

/// The signals that ask this process to end. Ctrl-C is not among them while a program has the terminal: it is the
/// program's to answer.
struct Ending {
    interrupt: Signals,
    others: [Signals; 2],
}

impl Ending {
    fn new() -> Result<Self> {
        let others = [signal(SignalKind::terminate())?, signal(SignalKind::hangup())?];
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            others,
        })
    }

    async fn requested(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => (),
            () = Self::demanded(&mut self.others) => (),
        }
    }

    async fn demanded([terminate, hangup]: &mut [Signals; 2]) {
        tokio::select! {
            _ = terminate.recv() => (),
            _ = hangup.recv() => (),
        }
    }
}

/// Everything that is up. Dropped in this order: the traffic first, the servers last.
struct Stage {
    traffic: JoinSet<()>,
    observer: Client,
    _standby: Option<Cluster>,
    primary: Cluster,
}

/// Most of the way to the routine vacuum of `autovacuum_freeze_max_age`, as on a server of some age.
const NEXT_XID: u32 = 180 * wraparound::XIDS_PER_SEGMENT;

/// The standby replays late, for the case that somebody drops the wrong table, and tells what its queries need.
const STANDBY: [(&str, &str); 3] = [
    ("recovery_min_apply_delay", "20s"),
    ("hot_standby_feedback", "on"),
    ("archive_mode", "off"),
];

/// The primary before anything is in it. Autovacuum begins when its work has piled up.
fn server(major: u32) -> Builder {
    let builder = Cluster::builder(major)
        .conf("max_connections", "130")
        // A server that somebody relies on: the incident is not how it is configured.
        .conf("fsync", "on")
        .conf("full_page_writes", "on")
        .conf("shared_buffers", "32MB")
        .conf("checkpoint_timeout", "60s")
        .conf("min_wal_size", "32MB")
        .conf("max_wal_size", "48MB")
        .conf("autovacuum", "off")
        .conf("autovacuum_max_workers", "2")
        .conf("autovacuum_naptime", "10s")
        .conf("archive_mode", "on")
        .conf("archive_command", "true")
        .conf("log_lock_waits", "on")
        .conf("pg_stat_statements.track", "all")
        .role(&format!("{MONITOR} LOGIN IN ROLE pg_monitor"))
        .role("app LOGIN")
        .role("reporting LOGIN");
    match major {
        13.. => builder
            .conf("max_slot_wal_keep_size", links::MOST_KEPT)
            .conf("pg_stat_statements.track_planning", "on"),
        _ => builder,
    }
}

impl Stage {
    async fn build(options: &Options) -> Result<Self> {
        eprintln!(
            "PostgreSQL {}: a server, its databases and their traffic ..",
            options.major
        );
        let primary = server(options.major).start().await?;
        estate::prepare(&primary).await?;
        wraparound::jump(&primary, Some(NEXT_XID), None).await?;
        let standby = if options.standby {
            Some(primary.standby("dr1", &STANDBY).await?)
        } else {
            None
        };
        links::prepare(&primary).await?;
        upkeep::prepare(&primary).await?;
        let observer = primary.client_as(MONITOR, DATABASE).await?;
        let mut traffic = JoinSet::new();
        upkeep::start(&primary, &mut traffic).await?;
        traffic::start(&primary, &mut traffic);
        incident::start(&primary, &mut traffic);
        wait_for("the incident is there", PATIENCE, async || {
            incident::is_there(&observer).await
        })
        .await?;
        Ok(Self {
            traffic,
            observer,
            _standby: standby,
            primary,
        })
    }

    async fn play(mut self, options: &Options, ending: &mut Ending) -> Result<ExitCode> {
        let connect = format!("-h 127.0.0.1 -p {} -U {MONITOR} {DATABASE}", self.primary.port());
        let code = if !options.tui {
            println!("pgmon-tui {connect}\n{GUIDE}Ctrl-C ends the server.");
            ending.requested().await;
            ExitCode::SUCCESS
        } else if std::io::stdout().is_terminal() {
            drop(self.observer);
            // Still there when the program has left its screen.
            eprint!("{GUIDE}");
            foreground(&options.program()?, &connect, ending).await?
        } else {
            println!("pgmon-tui {connect}\n{}", incident::report(&self.observer).await?);
            println!("Standard output is no terminal: run this in one to work with it. What it shows on 120x40:\n");
            show(&options.program()?, &connect).await?;
            ExitCode::SUCCESS
        };
        self.traffic.shutdown().await;
        Ok(code)
    }
}

/// Runs the program on the terminal until it ends or this process is told to.
async fn foreground(program: &[OsString], connect: &str, ending: &mut Ending) -> Result<ExitCode> {
    let Some((name, arguments)) = program.split_first() else {
        return Err(Error::new("no program to run"));
    };
    let mut command = Command::new(name);
    command
        .args(arguments)
        .args(connect.split_whitespace())
        .kill_on_drop(true);
    // The caller's own PostgreSQL environment is for other servers.
    for (variable, _) in std::env::vars_os().filter(|(variable, _)| variable.as_encoded_bytes().starts_with(b"PG")) {
        if !variable.as_encoded_bytes().starts_with(b"PGMON_") {
            command.env_remove(variable);
        }
    }
    let mut child = command
        .spawn()
        .map_err(|error| Error::from(error).context(format_args!("cannot start {}", name.to_string_lossy())))?;
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or_default();
    tokio::select! {
        status = child.wait() => Ok(exit_code(status?)),
        () = Ending::demanded(&mut ending.others) => end(child, pid).await,
        () = follow_stops(pid) => Ok(ExitCode::FAILURE),
    }
}

/// The key of each pane, and a word that is there when its answers are.
const PANES: [(&str, &str); 9] = [
    ("1", "Connections"),
    ("2", "checkout-web"),
    ("3", "checkout-api"),
    ("4", "inventory"),
    ("5", "documents"),
    ("6", "order_lines"),
    ("7", "metrics"),
    ("8", "old_replica"),
    ("9", "reports"),
];
/// Words of a screen that is not complete yet.
const UNKNOWN: [&str; 3] = ["needs a second reading", "reading its text", " Asking "];

/// Prints what the program shows in a terminal that nobody sits at, pane by pane.
async fn show(program: &[OsString], connect: &str) -> Result<()> {
    let words: Vec<OsString> = program
        .iter()
        .cloned()
        .chain(connect.split_whitespace().map(OsString::from))
        .collect();
    let mut terminal = Terminal::start(&words, 120, 40, &[])?;
    terminal.wait_for_text(DATABASE).await?;
    for (key, awaited) in PANES {
        terminal.send(key)?;
        terminal.wait_for_text(awaited).await?;
        let known = |screen: &str| !UNKNOWN.iter().any(|word| screen.contains(word));
        terminal.wait_for("everything is known", known).await?;
        terminal.wait_quiet(Duration::from_millis(500)).await?;
        println!("{}\n", terminal.screen());
    }
    terminal.send("q")?;
    match terminal.wait_exit().await? {
        Ended::Code(0) => Ok(()),
        other => Err(Error::new(format!("the program ended with {other:?}"))),
    }
}

/// Passes the request to end on and gives the program the time to restore the terminal.
async fn end(mut child: Child, pid: i32) -> Result<ExitCode> {
    pgmon_lab::send_signal(pid, pgmon_lab::Signal::TERM);
    let _late = tokio::time::timeout(Duration::from_secs(10), child.wait()).await;
    Ok(ExitCode::FAILURE)
}

/// Stops with the program (Ctrl-Z), so that the shell gets its terminal back; `fg` continues both.
async fn follow_stops(pid: i32) {
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        if is_stopped(pid) {
            let own = i32::try_from(std::process::id()).unwrap_or_default();
            pgmon_lab::send_signal(own, pgmon_lab::Signal::STOP);
            pgmon_lab::send_signal(pid, pgmon_lab::Signal::CONT);
        }
    }
}

fn exit_code(status: std::process::ExitStatus) -> ExitCode {
    status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from)
}
