//! From the command line to the running program: settings, plan, log, look, the first connection, then the screen, or
//! what is done without one.

use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::connect::{connect, may_prompt};
use super::headless;
use super::keymap::Keymap;
use super::run::{self, Start};
use super::state::Over;
use crate::alert;
use crate::cli::Cli;
use crate::config::{self, Settings};
use crate::pg::conninfo;
use crate::pg::fault::{Fault, FaultKind};
use crate::pg::plan::{Plan, Secret};
use crate::pg::session::Session;
use crate::term;
use crate::ui::look::Look;
use crate::ui::text::{self, Charset};

/// Wrong arguments, configuration or terminal.
const USAGE: u8 = 2;
/// No connection.
const NO_SERVER: u8 = 1;
/// Ctrl-C before the end; what a shell expects of a program that ended by it.
pub(super) const INTERRUPTED: u8 = 130;

/// A reason not to start, and the exit status that goes with it.
pub(super) struct Refusal {
    pub sentence: String,
    pub status: u8,
}

impl Refusal {
    pub fn usage(error: impl std::fmt::Display) -> Self {
        Self {
            sentence: error.to_string(),
            status: USAGE,
        }
    }

    fn interrupted() -> Self {
        Self {
            sentence: "Interrupted before there was a connection.".to_owned(),
            status: INTERRUPTED,
        }
    }
}

/// There is no session, and none is waited for.
impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        match fault.kind {
            FaultKind::Stopped => Self::interrupted(),
            _ => Self {
                sentence: fault.to_string(),
                status: NO_SERVER,
            },
        }
    }
}

/// What every way to run begins with.
pub(super) struct Beginning {
    pub settings: Arc<Settings>,
    pub plan: Arc<Plan>,
    /// A role that may write is fine: no question.
    pub allow_privileged: bool,
    /// The password the user typed.
    pub password: Option<Secret>,
    pub started: Instant,
    pub interrupt: Signal,
}

impl Beginning {
    fn new(cli: &Cli, settings: Arc<Settings>, started: Instant) -> Result<Self, Refusal> {
        let plan = Arc::new(conninfo::plan_of_process(&cli.args(), &settings).map_err(Refusal::usage)?);
        Ok(Self {
            allow_privileged: cli.allow_privileged_role || !settings.read_only_enforce,
            settings,
            plan,
            password: None,
            started,
            // From here on Ctrl-C is ours to follow: a question that is ended by it has a terminal to give back.
            interrupt: signal(SignalKind::interrupt()).map_err(Refusal::usage)?,
        })
    }

    /// The first session. A fault that waiting would mend is returned beside the refusals.
    pub async fn connect(&mut self) -> Result<Result<Session, Fault>, Refusal> {
        let first = tokio::select! {
            biased;
            _ = self.interrupt.recv() => return Err(Refusal::interrupted()),
            first = connect(&self.plan, &self.settings, &mut self.password) => first,
        };
        match first {
            Err(fault) if fault.waits() => Ok(Err(fault)),
            first => Ok(Ok(first?)),
        }
    }
}

/// Starts the program and runs it to its end.
pub async fn start(cli: Cli, started: Instant) -> ExitCode {
    let command = cli.command.clone();
    match try_start(cli, started).await {
        Ok(status) => status,
        Err(refusal) => {
            tracing::error!("{}", refusal.sentence);
            if let Some(command) = &command {
                return headless::refused(command, &refusal);
            }
            complain(&refusal.sentence);
            ExitCode::from(refusal.status)
        }
    }
}

/// Says on standard error what went wrong; a server's words and names in it do not drive the terminal.
pub(super) fn complain(sentence: &str) {
    eprintln!("pgmon-tui: {}", text::multi_line(sentence, Charset::Unicode));
}

/// Writes to standard output. A reader that has seen enough (`head`, a pager that was quit) is no failure.
pub(super) fn print(text: &str) -> Result<(), Refusal> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Refusal::usage(format!("Standard output cannot be written: {error}.")))
        }
        _ => Ok(()),
    }
}

async fn try_start(cli: Cli, started: Instant) -> Result<ExitCode, Refusal> {
    let settings = config::load(cli.config.as_deref()).map_err(Refusal::usage)?;
    alert::disabled_exist(&settings).map_err(Refusal::usage)?;
    let settings = Arc::new(cli.apply(settings));
    if cli.print_sql {
        return print(&super::print_sql::text(&settings)).map(|()| ExitCode::SUCCESS);
    }
    if let Some(file) = &cli.log_file {
        super::log::to_file(file).map_err(Refusal::usage)?;
    }
    let beginning = Beginning::new(&cli, settings, started)?;
    match &cli.command {
        Some(command) => headless::run(command, beginning).await,
        None => screen(beginning, cli.no_wait).await.map(|()| ExitCode::SUCCESS),
    }
}

/// The screen, until the user leaves it.
async fn screen(mut beginning: Beginning, no_wait: bool) -> Result<(), Refusal> {
    if !term::is_terminal() {
        let sentence = "This is a full-screen program and needs a terminal: run it without pipes or redirections, \
                        over ssh with `ssh -t`. Without one there are `pgmon-tui check` and `pgmon-tui alerts --once`.";
        return Err(Refusal::usage(sentence));
    }
    let settings = Arc::clone(&beginning.settings);
    let look = Look::of_environment(&settings).map_err(Refusal::usage)?;
    let keymap = Keymap::new(&settings.keys).map_err(Refusal::usage)?;
    loop {
        let (session, waiting) = match beginning.connect().await? {
            Ok(session) => (Some(session), None),
            Err(fault) if no_wait => return Err(fault.into()),
            Err(fault) => (None, Some(fault)),
        };
        let over = run::run(Start {
            plan: Arc::clone(&beginning.plan),
            settings: Arc::clone(&settings),
            password: beginning.password.clone(),
            session,
            waiting,
            look: look.clone(),
            keymap: keymap.clone(),
            allow_privileged: beginning.allow_privileged,
            started: beginning.started,
        });
        match over.await.map_err(Refusal::usage)? {
            Over::Quit => return Ok(()),
            // While we waited for a slot nobody had asked for a password: ask on the plain terminal, then go on.
            Over::Failed(fault)
                if fault.wants_password() && beginning.password.is_none() && may_prompt(&beginning.plan) => {}
            Over::Failed(fault) => return Err(fault.into()),
        }
    }
}
