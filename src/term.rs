//! Enter and leave the terminal, whatever happens: quit, panic, SIGTERM, SIGHUP, suspend and back.
//!
//! [`leave`] writes everything that undoes [`enter`], may be called twice and never fails loudly: it also runs in
//! the panic hook, and when the terminal is already gone.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    DisableLineWrap, EnableLineWrap, EnterAlternateScreen, LeaveAlternateScreen, SetTitle, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// A frame is written at once: one write a frame, not one a cell.
const FRAME: usize = 64 * 1024;

/// The longest text that goes to the clipboard; terminals refuse or cut more than about 100 kB of base64.
const CLIPBOARD: usize = 74_000;

static ENTERED: AtomicBool = AtomicBool::new(false);

/// Our terminal.
pub type Screen = Terminal<CrosstermBackend<BufWriter<io::Stdout>>>;

/// True if both the keys and the screen are a terminal.
#[must_use]
pub fn is_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// What is typed is not shown while this lives, and Ctrl-C is a letter.
pub struct Silence(Termios);

impl Silence {
    /// `None` if the keyboard is no terminal: then nothing is shown anyway.
    #[must_use]
    pub fn begin() -> Option<Self> {
        let before = tcgetattr(io::stdin()).ok()?;
        let mut silent = before.clone();
        silent
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ISIG);
        tcsetattr(io::stdin(), OptionalActions::Now, &silent).ok()?;
        Some(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // The terminal may be gone: there is nobody left to tell.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Takes the terminal over: raw mode, the alternate screen, no cursor, pastes as pastes.
///
/// # Errors
/// When the terminal refuses.
pub fn enter(title: &str) -> io::Result<Screen> {
    enable_raw_mode()?;
    ENTERED.store(true, Ordering::SeqCst);
    let mut out = BufWriter::with_capacity(FRAME, io::stdout());
    execute!(
        out,
        EnterAlternateScreen,
        DisableLineWrap,
        Hide,
        EnableBracketedPaste,
        SetTitle(title)
    )?;
    Terminal::new(CrosstermBackend::new(out))
}

/// Gives the terminal back. Does nothing if it was not taken.
pub fn leave() {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    // The terminal may be gone (SIGHUP): there is nobody left to tell.
    let _ = execute!(out, DisableBracketedPaste, Show, EnableLineWrap, LeaveAlternateScreen);
    let _ = disable_raw_mode();
    let _ = out.flush();
}

/// Before the panic is reported, the terminal is given back, so that the report can be read.
pub fn leave_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        leave();
        report(info);
    }));
}

/// Leaves the terminal to the shell, stops this process, and takes the terminal again when it goes on.
///
/// # Errors
/// When the terminal refuses.
pub fn suspend(title: &str) -> io::Result<Screen> {
    leave();
    // SIGSTOP: SIGTSTP is handled by us, and must stop us all the same.
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP)?;
    enter(title)
}

/// Makes the next frame write every cell. `Terminal::clear` would ask the terminal where its cursor is and wait for
/// the answer, which the event stream eats.
///
/// # Errors
/// When the terminal refuses.
pub fn repaint(screen: &mut Screen, size: Rect) -> io::Result<()> {
    screen.resize(size)
}

/// Puts a text on the clipboard of the terminal the user sits at (OSC 52); true if it had to be cut.
///
/// # Errors
/// When the terminal refuses.
pub fn copy(screen: &mut Screen, text: &str) -> io::Result<bool> {
    let end = text.floor_char_boundary(CLIPBOARD);
    let (fits, rest) = text.split_at(end);
    let out = screen.backend_mut();
    queue!(out, CopyToClipboard::to_clipboard_from(fits))?;
    Write::flush(out)?;
    Ok(!rest.is_empty())
}

/// Gives the terminal another title.
///
/// # Errors
/// When the terminal refuses.
pub fn title(screen: &mut Screen, title: &str) -> io::Result<()> {
    let out = screen.backend_mut();
    queue!(out, SetTitle(title))?;
    Write::flush(out)
}

/// Rings the bell.
///
/// # Errors
/// When the terminal refuses.
pub fn ring(screen: &mut Screen) -> io::Result<()> {
    write(screen, "\x07")
}

/// Asks the terminal to notify the user of a raw text (OSC 9); inside tmux, the terminal around it, which takes
/// `allow-passthrough on`.
///
/// # Errors
/// When the terminal refuses.
pub fn notify(screen: &mut Screen, text: &str) -> io::Result<()> {
    let tmux = std::env::var_os("TMUX").is_some_and(|tmux| !tmux.is_empty());
    write(screen, &notification(text, tmux))
}

/// What asks for a notification: nothing of the text drives the terminal.
fn notification(text: &str, tmux: bool) -> String {
    let asked = format!("\x1b]9;{}\x07", crate::ui::text::visible(text));
    if tmux {
        format!("\x1bPtmux;{}\x1b\\", asked.replace('\x1b', "\x1b\x1b"))
    } else {
        asked
    }
}

fn write(screen: &mut Screen, text: &str) -> io::Result<()> {
    let out = screen.backend_mut();
    out.write_all(text.as_bytes())?;
    Write::flush(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_is_one_sequence_whatever_its_text_is() {
        assert_eq!(notification("40 wait", false), "\x1b]9;40 wait\x07");
        let hostile = notification("a\x07\x1b]0;owned\x1b\\\n\u{9b}b", false);
        let inside = hostile
            .strip_prefix("\x1b]9;")
            .and_then(|rest| rest.strip_suffix('\x07'));
        assert!(
            inside.is_some_and(|text| !text.contains(char::is_control)),
            "{hostile:?}"
        );
        assert_eq!(notification("x", true), "\x1bPtmux;\x1b\x1b]9;x\x07\x1b\\");
    }
}
