//! The command line as people see it: transcripts of everything that needs no server.
//! `TRYCMD=overwrite cargo test --test cli` writes them anew.

/// A home without any file, so that the machine's own configuration and passwords do not count.
const NO_HOME: &str = "/nonexistent";

#[test]
fn transcripts() {
    trycmd::TestCases::new()
        .env("HOME", NO_HOME)
        .env("XDG_CONFIG_HOME", NO_HOME)
        .insert_var("[VERSION]", env!("CARGO_PKG_VERSION"))
        .expect("a variable's name")
        .case("tests/cli/*.trycmd");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() -> std::io::Result<()> {
    use std::io::Read as _;
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_pgmon-tui"))
        .arg("--print-sql")
        .env("HOME", NO_HOME)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()?;
    // The text is longer than a pipe holds: it is still being written when the reader leaves.
    drop(program.stdout.take());
    let mut said = String::new();
    program.stderr.take().expect("a pipe").read_to_string(&mut said)?;
    assert_eq!(said, "");
    assert_eq!(program.wait()?.code(), Some(0));
    Ok(())
}

#[test]
fn a_complaint_drives_no_terminal() -> std::io::Result<()> {
    let said = std::process::Command::new(env!("CARGO_BIN_EXE_pgmon-tui"))
        .args(["check", "-w", "-h", "no\u{1b}]0;owned\u{7}\u{9b}31m.invalid"])
        .env("HOME", NO_HOME)
        .output()?;
    let text = String::from_utf8_lossy(&said.stderr);
    assert!(text.contains("owned"), "{text:?}");
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    Ok(())
}
