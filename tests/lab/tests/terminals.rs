//! The lab's terminal sees what a person would, and notices what a program leaves behind.

use pgmon_lab::{Ended, Result, Signal, Terminal};

fn shell(script: &str) -> Result<Terminal> {
    Terminal::start(&["sh", "-c", script], 40, 10, &[("MARK", "given")])
}

#[tokio::test]
async fn keys_screen_size_and_end() -> Result<()> {
    let mut terminal = shell("echo \"$MARK\"; stty size; read -r line; echo got \"$line\"; stty size; exit 3")?;
    terminal
        .wait_for("the size", |screen| screen.contains("given\n10 40"))
        .await?;
    terminal.resize(50, 12)?;
    terminal.send("hello\n")?;
    assert_eq!(terminal.wait_exit().await?, Ended::Code(3));
    assert!(terminal.screen().contains("got hello\n12 50"), "{}", terminal.screen());
    assert!(terminal.bytes() > 20);
    terminal.restored()
}

#[tokio::test]
async fn what_is_left_behind_is_noticed() -> Result<()> {
    let cases = [
        ("printf '\\033[?1049h'", "alternate screen"),
        ("printf '\\033[?25l'", "hidden cursor"),
        ("printf '\\033[?2004h'", "bracketed paste"),
        ("printf '\\033[?1000h'", "mouse reports"),
        ("printf '\\033[31m'", "colours"),
        ("stty raw -echo", "line discipline"),
    ];
    for (script, name) in cases {
        let mut terminal = shell(script)?;
        terminal.wait_exit().await?;
        let error = terminal
            .restored()
            .err()
            .unwrap_or_else(|| panic!("{script} was not noticed"));
        assert!(error.says(name), "{script}: {error}");
    }
    Ok(())
}

#[tokio::test]
async fn signals_stops_and_the_clipboard() -> Result<()> {
    let mut terminal = shell("printf '\\033]52;c;Zm9v\\007'; echo up; exec sleep 600")?;
    terminal.wait_for_text("up").await?;
    assert_eq!(terminal.clipboard(), ["foo"]);
    terminal.signal(Signal::STOP);
    pgmon_lab::wait_until("it is stopped", pgmon_lab::PATIENCE, async || Ok(terminal.is_stopped())).await;
    terminal.signal(Signal::CONT);
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.wait_exit().await?, Ended::Signal("Terminated".to_owned()));
    Ok(())
}
