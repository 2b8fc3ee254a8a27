//! The commands that need no screen: what they are started with, and how they end.

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use super::start::{Beginning, INTERRUPTED, Refusal, print};
use crate::cli::Command;
use crate::pane::{View, panes};
use crate::sink::check::{self, Examined, Pane};
use crate::sink::page::Page;
use crate::sink::watch::{Begin, End, watch};
use crate::ui::look::Look;

/// Runs a command to its end.
pub(super) async fn run(command: &Command, mut beginning: Beginning) -> Result<ExitCode, Refusal> {
    let look = Look::of_environment(&beginning.settings).map_err(Refusal::usage)?;
    let session = beginning.connect().await??;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Refusal::usage)?;
    let mut end = signal(SignalKind::terminate()).map_err(Refusal::usage)?;
    let stop = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = end.recv() => {}
        }
    };
    let begin = Begin {
        plan: Arc::clone(&beginning.plan),
        settings: Arc::clone(&beginning.settings),
        password: beginning.password.clone(),
        hold: !beginning.allow_privileged,
        started: beginning.started,
        twice: matches!(command, Command::Alerts { .. }),
    };
    let seen = watch(begin, session, stop, |_, _| ()).await;
    if seen.end == End::Stopped {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    match command {
        Command::Check(output) => {
            let report = check::report(&Examined {
                seen: &seen,
                plan: &beginning.plan,
                panes: &asked_by_panes(),
                allowed: beginning.allow_privileged,
            });
            say(output.json, &report, &look, |page| report.write(page))?;
            Ok(ExitCode::from(report.status.exit()))
        }
        Command::Alerts { .. } => Err(Refusal::usage("no rules yet")),
    }
}

/// Prints it in one form or the other.
fn say<T: Serialize>(json: bool, what: &T, look: &Look, write: impl FnOnce(&mut Page<'_>)) -> Result<(), Refusal> {
    if json {
        let text = serde_json::to_string_pretty(what).map_err(Refusal::usage)?;
        return print(&format!("{text}\n"));
    }
    let mut page = Page::new(look, std::io::stdout().is_terminal());
    write(&mut page);
    print(&page.finish())
}

/// What each pane asks, whichever of its views is shown.
fn asked_by_panes() -> Vec<Pane> {
    let pane = |view: &dyn View| Pane {
        id: view.id(),
        title: view.title(),
        probes: view.all_probes(),
    };
    panes().iter().map(|view| pane(view.as_ref())).collect()
}

/// Says why a command was not run, and how that ends: a machine reads its output, people their terminal.
pub(super) fn refused(command: &Command, refusal: &Refusal) -> ExitCode {
    let interrupted = refusal.status == INTERRUPTED;
    let status = if interrupted { INTERRUPTED } else { 2 };
    match command {
        Command::Check(output) if output.json => {
            let report = check::refused(&refusal.sentence);
            let text = serde_json::to_string_pretty(&report).unwrap_or_default();
            // There is nothing to be done where nothing can be written.
            let _ = print(&format!("{text}\n"));
        }
        _ => eprintln!("pgmon-tui: {}", refusal.sentence),
    }
    ExitCode::from(status)
}
