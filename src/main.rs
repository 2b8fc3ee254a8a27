//! Parse, hooks, run, exit code.

use std::process::ExitCode;
use std::time::Instant;

use color_eyre::eyre::WrapErr;
use pgmon_tui::{app, cli, term};

fn main() -> color_eyre::Result<ExitCode> {
    let started = Instant::now();
    color_eyre::install()?;
    term::leave_on_panic();
    let cli = match cli::Cli::parse() {
        Ok(cli) => cli,
        Err(status) => return Ok(status),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .wrap_err("the runtime cannot be started")?;
    let status = runtime.block_on(app::start::start(cli, started));
    // A server that does not answer, or a name that does not resolve, is not waited for.
    runtime.shutdown_background();
    Ok(status)
}
