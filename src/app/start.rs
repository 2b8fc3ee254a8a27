//! From the command line to the running program: settings, plan, log, look, the first connection on the plain
//! terminal (that is where a password is asked for), then the screen.

use std::io::{ErrorKind, IsTerminal, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use tokio::signal::unix::{SignalKind, signal};

use super::keymap::Keymap;
use super::run::{self, Start};
use super::state::Over;
use crate::alert;
use crate::cli::Cli;
use crate::config::{self, Settings};
use crate::pg::conninfo;
use crate::pg::fault::{Fault, FaultKind};
use crate::pg::plan::{Plan, Prompt, Secret};
use crate::pg::session::{Lane, Session};
use crate::term;
use crate::ui::look::Look;

/// Wrong arguments, configuration or terminal.
const USAGE: u8 = 2;
/// No connection.
const NO_SERVER: u8 = 1;
/// Ctrl-C before the screen was there; what a shell expects of a program that ended by it.
const INTERRUPTED: u8 = 130;

/// A reason not to start, and the exit status that goes with it.
struct Refusal {
    sentence: String,
    status: u8,
}

impl Refusal {
    fn usage(error: impl std::fmt::Display) -> Self {
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

/// Starts the program and runs it to its end.
pub async fn start(cli: Cli, started: Instant) -> ExitCode {
    match try_start(cli, started).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            tracing::error!("{}", refusal.sentence);
            eprintln!("pgmon-tui: {}", refusal.sentence);
            ExitCode::from(refusal.status)
        }
    }
}

/// Writes to standard output. A reader that has seen enough (`head`, a pager that was quit) is no failure.
fn print(text: &str) -> Result<(), Refusal> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Refusal::usage(format!("Standard output cannot be written: {error}.")))
        }
        _ => Ok(()),
    }
}

async fn try_start(cli: Cli, started: Instant) -> Result<(), Refusal> {
    let settings = config::load(cli.config.as_deref()).map_err(Refusal::usage)?;
    alert::disabled_exist(&settings).map_err(Refusal::usage)?;
    let settings = Arc::new(cli.apply(settings));
    if cli.print_sql {
        return print(&super::print_sql::text(&settings));
    }
    if let Some(file) = &cli.log_file {
        super::log::to_file(file).map_err(Refusal::usage)?;
    }
    let plan = Arc::new(conninfo::plan_of_process(&cli.args(), &settings).map_err(Refusal::usage)?);
    if !term::is_terminal() {
        let sentence = "This is a full-screen program and needs a terminal: run it without pipes or redirections, \
                        over ssh with `ssh -t`.";
        return Err(Refusal::usage(sentence));
    }
    let look = Look::of_environment(&settings).map_err(Refusal::usage)?;
    let keymap = Keymap::new(&settings.keys).map_err(Refusal::usage)?;
    let allow_privileged = cli.allow_privileged_role || !settings.read_only_enforce;
    let mut password = None;
    // From here on Ctrl-C is ours to follow: a question that is ended by it has a terminal to give back.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Refusal::usage)?;
    loop {
        let first = tokio::select! {
            biased;
            _ = interrupt.recv() => return Err(Refusal::interrupted()),
            first = connect(&plan, &settings, &mut password, cli.no_wait) => first,
        };
        let (session, waiting) = first.map_err(|fault| match fault.kind {
            FaultKind::Stopped => Refusal::interrupted(),
            _ => Refusal {
                sentence: fault.to_string(),
                status: NO_SERVER,
            },
        })?;
        let over = run::run(Start {
            plan: Arc::clone(&plan),
            settings: Arc::clone(&settings),
            password: password.clone(),
            session,
            waiting,
            look: look.clone(),
            keymap: keymap.clone(),
            allow_privileged,
            started,
        });
        match over.await.map_err(Refusal::usage)? {
            Over::Quit => return Ok(()),
            // While we waited for a slot nobody had asked for a password: ask on the plain terminal, then go on.
            Over::Failed(fault) if fault.wants_password() && password.is_none() && may_prompt(&plan) => {}
            Over::Failed(fault) => {
                return Err(Refusal {
                    sentence: fault.to_string(),
                    status: NO_SERVER,
                });
            }
        }
    }
}

/// The first session, or why the program starts without one and waits.
async fn connect(
    plan: &Plan,
    settings: &Settings,
    password: &mut Option<Secret>,
    no_wait: bool,
) -> Result<(Option<Session>, Option<Fault>), Fault> {
    if plan.prompt == Prompt::Always && password.is_none() {
        *password = Some(ask_password(plan)?);
    }
    loop {
        match Session::open(plan, Lane::Fast, settings, password.as_ref()).await {
            Ok(session) => return Ok((Some(session), None)),
            Err(fault) if fault.wants_password() && password.is_none() && may_prompt(plan) => {
                // Somebody who has left a password somewhere has to hear that it was refused.
                if plan.hosts.iter().any(|host| host.password.is_some()) {
                    eprintln!("pgmon-tui: {fault}");
                }
                *password = Some(ask_password(plan)?);
            }
            Err(fault) if fault.waits() && !no_wait => return Ok((None, Some(fault))),
            Err(fault) => return Err(fault),
        }
    }
}

fn may_prompt(plan: &Plan) -> bool {
    plan.prompt != Prompt::Never && std::io::stdin().is_terminal()
}

fn ask_password(plan: &Plan) -> Result<Secret, Fault> {
    let question = format!("Password for user {}: ", crate::ui::text::visible(&plan.user));
    // Before the question is there to be answered: rpassword asks first, and shows what is typed at once.
    let _silence = term::Silence::begin();
    rpassword::prompt_password(question).map(Secret::new).map_err(|error| {
        if error.kind() == ErrorKind::Interrupted {
            return Fault::new(FaultKind::Stopped, "The password was not given.");
        }
        // The cursor is still behind the question.
        eprintln!();
        Fault::new(FaultKind::Password, format!("The password could not be read: {error}."))
    })
}
