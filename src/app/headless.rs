//! The commands that need no screen: what they are started with, and how they end.

use std::fmt::Write as _;
use std::future::Future;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::start::{Beginning, INTERRUPTED, Refusal, complain, print};
use crate::cli::Command;
use crate::config::Settings;
use crate::pane::{View, panes};
use crate::pg::quote;
use crate::sink::alerts;
use crate::sink::check::{self, Examined, Pane};
use crate::sink::page::Page;
use crate::sink::watch::{Begin, End, watch};
use crate::ui::look::Look;
use crate::ui::text;

/// Runs a command to its end.
pub(super) async fn run(command: &Command, mut beginning: Beginning) -> Result<ExitCode, Refusal> {
    let look = Look::of_environment(&beginning.settings).map_err(Refusal::usage)?;
    let session = beginning.connect().await??;
    let begin = begin(&beginning, matches!(command, Command::Alerts { .. }));
    let stop = stop(&mut beginning.interrupt)?;
    let mut listener = alerts::Listener::default();
    let seen = watch(begin, session, stop, |known, news| listener.hear(known, news)).await;
    if seen.end == End::Stopped {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let status = match command {
        Command::Check(output) => {
            let report = check::report(&Examined {
                seen: &seen,
                plan: &beginning.plan,
                panes: &asked_by_panes(),
                allowed: beginning.allow_privileged,
            });
            say(output.json, &report, &look, |page| report.write(page))?;
            report.status.exit()
        }
        Command::Alerts { output, .. } => {
            let verdicts = listener.verdicts(&seen);
            say(output.json, &verdicts, &look, |page| verdicts.write(page))?;
            verdicts.status.exit()
        }
    };
    Ok(ExitCode::from(status))
}

/// What the server is watched with. What is printed is for elsewhere (a mail, a ticket, a dashboard): without literals.
fn begin(beginning: &Beginning, twice: bool) -> Begin {
    let settings = Settings {
        redact_sql_text: true,
        ..Settings::clone(&beginning.settings)
    };
    Begin {
        plan: Arc::clone(&beginning.plan),
        settings: Arc::new(settings),
        password: beginning.password.clone(),
        hold: !beginning.allow_privileged,
        started: beginning.started,
        twice,
    }
}

/// Over when a signal asks for the end.
fn stop(interrupt: &mut Signal) -> Result<impl Future<Output = ()> + use<'_>, Refusal> {
    let mut end = signal(SignalKind::terminate()).map_err(Refusal::usage)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = end.recv() => {}
        }
    })
}

/// Prints it in one form or the other.
fn say<T: Serialize>(as_json: bool, what: &T, look: &Look, write: impl FnOnce(&mut Page<'_>)) -> Result<(), Refusal> {
    if as_json {
        return print(&json(what)?);
    }
    let mut page = Page::new(look, std::io::stdout().is_terminal());
    write(&mut page);
    print(&page.finish())
}

fn json(what: &impl Serialize) -> Result<String, Refusal> {
    let text = serde_json::to_string_pretty(what).map_err(Refusal::usage)?;
    Ok(format!("{}\n", inert(&text)))
}

/// The same JSON with what could drive a terminal escaped: JSON itself escapes only what is below a space, which leaves
/// the C1 controls and those that turn the direction of a line. Such stand in strings only.
fn inert(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || quote::visible(c) {
            out.push(c);
        } else {
            // None of these is beyond the first plane. Writing to a String cannot fail.
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        }
    }
    out
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

/// Says why a command was not run, and how that ends: verdicts and JSON go where they are read, the rest to people.
pub(super) fn refused(command: &Command, refusal: &Refusal) -> ExitCode {
    let sentence = &refusal.sentence;
    let (text, status) = match command {
        Command::Check(output) => (
            output.json.then(|| json(&check::refused(sentence))),
            check::Status::Unusable.exit(),
        ),
        Command::Alerts { output, .. } => {
            let verdicts = alerts::refused(sentence);
            let text = if output.json {
                json(&verdicts)
            } else {
                Ok(format!("{}\n", text::visible(&verdicts.summary)))
            };
            (Some(text), verdicts.status.exit())
        }
    };
    match text {
        // There is nothing to be done where nothing can be written.
        Some(text) => drop(text.and_then(|text| print(&text))),
        None => complain(sentence),
    }
    ExitCode::from(if refusal.status == INTERRUPTED {
        INTERRUPTED
    } else {
        status
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_drives_no_terminal_and_means_the_same() {
        let name = "a\u{9b}31m\u{7f}\u{202e}\u{1b}]0;x\u{7}é\n\"";
        let text = json(&[name]).unwrap_or_else(|refusal| panic!("{}", refusal.sentence));
        assert!(text.contains("\\u009b31m\\u007f\\u202e\\u001b"), "{text}");
        assert!(text.chars().all(|c| c == '\n' || quote::visible(c)), "{text:?}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&text).unwrap(), [name]);
    }
}
