//! The first connection, on the plain terminal: that is where a password is asked for. The screen and the commands
//! without one begin with it.

use std::io::{ErrorKind, IsTerminal};

use super::start::complain;
use crate::config::Settings;
use crate::pg::fault::{Fault, FaultKind};
use crate::pg::plan::{Plan, Prompt, Secret};
use crate::pg::session::{Lane, Session};
use crate::term;

/// The first session; the password that was typed for it stays in `password`.
///
/// # Errors
/// Why there is none, after a password was asked for where one may be.
pub(super) async fn connect(plan: &Plan, settings: &Settings, password: &mut Option<Secret>) -> Result<Session, Fault> {
    if plan.prompt == Prompt::Always && password.is_none() {
        *password = Some(ask_password(plan)?);
    }
    loop {
        match Session::open(plan, Lane::Fast, settings, password.as_ref()).await {
            Err(fault) if fault.wants_password() && password.is_none() && may_prompt(plan) => {
                // Somebody who has left a password somewhere has to hear that it was refused.
                if plan.hosts.iter().any(|host| host.password.is_some()) {
                    complain(&fault.to_string());
                }
                *password = Some(ask_password(plan)?);
            }
            opened => return opened,
        }
    }
}

/// A password may be asked for, and there is somebody to type it.
pub(super) fn may_prompt(plan: &Plan) -> bool {
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
