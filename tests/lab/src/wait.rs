//! Waiting for a condition with a deadline; a test never sleeps for a guessed time.

use std::time::{Duration, Instant};

use crate::{Error, Result};

const STEP: Duration = Duration::from_millis(20);

/// Asks `condition` again and again until it holds.
///
/// # Errors
/// A sentence with `what` and the condition's last error when `deadline` has passed.
pub async fn wait_for(what: &str, deadline: Duration, mut condition: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    loop {
        let answer = condition().await;
        if matches!(answer, Ok(true)) {
            return Ok(());
        }
        if start.elapsed() >= deadline {
            let last = answer
                .err()
                .map(|error| format!(" (last error: {error})"))
                .unwrap_or_default();
            return Err(Error::new(format!(
                "waited {} s in vain: {what}{last}",
                deadline.as_secs()
            )));
        }
        tokio::time::sleep(STEP).await;
    }
}

/// [`wait_for`] for tests.
///
/// # Panics
/// With `what` and the condition's last error when `deadline` has passed.
pub async fn wait_until(what: &str, deadline: Duration, condition: impl AsyncFnMut() -> Result<bool>) {
    if let Err(error) = wait_for(what, deadline, condition).await {
        panic!("{error}");
    }
}

/// [`wait_for`] without a runtime, for what happens before there is one or in `Drop`. True when it came to hold.
pub(crate) fn wait_blocking(deadline: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if start.elapsed() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
