//! A panic gives the terminal back and then reports itself. Without the test harness, because the test is a program
//! that panics: it runs itself in a pseudo-terminal, where [`MARK`] says which of the two it is.

use pgmon_lab::{Ended, Result, Terminal};
use pgmon_tui::term;

const MARK: &str = "PGMON_TEST_PANICS";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    if std::env::var_os(MARK).is_some() {
        panics()?;
    }
    let program = std::env::current_exe()?;
    let mut terminal = Terminal::start(&[program], 80, 24, &[(MARK, "yes")])?;
    // 101 is how Rust ends after a panic.
    assert_eq!(terminal.wait_exit().await?, Ended::Code(101));
    let output = String::from_utf8_lossy(&terminal.output()).into_owned();
    let parts = ["\x1b[?1049h", "\x1b[?1049l", "out of cheese"].map(|part| output.find(part));
    let [Some(entered), Some(left), Some(report)] = parts else {
        panic!("{parts:?} in {output:?}");
    };
    assert!(
        entered < left && left < report,
        "the report was written over the screen: {output:?}"
    );
    terminal.restored()?;
    println!("test result: ok. 1 passed; 0 failed");
    Ok(())
}

/// As main does it: the hook first, then the terminal.
fn panics() -> Result<()> {
    term::leave_on_panic();
    let _screen = term::enter("a test")?;
    panic!("out of cheese");
}
