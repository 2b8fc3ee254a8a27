//! A program in a pseudo-terminal, and what a person in front of it would see.

use std::ffi::OsStr;
use std::io::{ErrorKind, Read, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

use crate::process::{is_stopped, signal};
use crate::{Error, PATIENCE, Result, Signal, wait_for};

/// A running program, the keyboard and the screen of its terminal. Dropped, the program is killed.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    seen: Arc<Mutex<Seen>>,
    modes_before: String,
    home: tempfile::TempDir,
}

struct Seen {
    parser: vt100::Parser<Copied>,
    output: Vec<u8>,
    closed: bool,
}

/// What the program has put into the clipboard (OSC 52), still in base64.
#[derive(Default)]
struct Copied(Vec<Vec<u8>>);

impl vt100::Callbacks for Copied {
    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _kind: &[u8], data: &[u8]) {
        self.0.push(data.to_vec());
    }
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this status.
    Code(u32),
    /// By this signal, in the words of the C library.
    Signal(String),
}

impl Terminal {
    /// Starts `command` (program and arguments) in a terminal of this size.
    ///
    /// The environment is plain, so that nothing of the caller's (`PG*`, `NO_COLOR`, a configuration file) leaks in: `PATH`,
    /// an empty `HOME`, `TERM=xterm-256color`, `COLORTERM=truecolor`, `LANG=C.UTF-8` and then `env`.
    ///
    /// # Errors
    /// No such program, no pseudo-terminal to be had.
    pub fn start<S: AsRef<OsStr>>(command: &[S], cols: u16, rows: u16, env: &[(&str, &str)]) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let pair = native_pty_system().openpty(pty_size(cols, rows)).map_err(pty_error)?;
        let modes_before = modes(pair.master.as_ref());
        let mut builder = CommandBuilder::from_argv(command.iter().map(|word| word.as_ref().to_owned()).collect());
        builder.env_clear();
        builder.cwd(home.path());
        builder.env("HOME", home.path());
        let path = std::env::var_os("PATH").unwrap_or_default();
        builder.env("PATH", path);
        let plain = [
            ("TERM", "xterm-256color"),
            ("COLORTERM", "truecolor"),
            ("LANG", "C.UTF-8"),
        ];
        for (name, value) in plain.iter().chain(env) {
            builder.env(name, value);
        }
        let child = pair.slave.spawn_command(builder).map_err(pty_error)?;
        // With no slave end left here, the reader meets the end when the last process has closed its own.
        drop(pair.slave);
        let keyboard = pair.master.take_writer().map_err(pty_error)?;
        let parser = vt100::Parser::new_with_callbacks(cells(rows), cells(cols), 0, Copied::default());
        let seen = Arc::new(Mutex::new(Seen {
            parser,
            output: Vec::new(),
            closed: false,
        }));
        watch(pair.master.try_clone_reader().map_err(pty_error)?, seen.clone());
        Ok(Self {
            master: pair.master,
            keyboard,
            child,
            seen,
            modes_before,
            home,
        })
    }

    /// Types this. Escape sequences are the caller's: `"\x1b[B"` is the arrow down, `"\x03"` is Ctrl-C.
    ///
    /// # Errors
    /// When the terminal is closed.
    pub fn send(&mut self, keys: &str) -> Result<()> {
        self.keyboard.write_all(keys.as_bytes())?;
        Ok(self.keyboard.flush()?)
    }

    /// The screen, one line a row, without the blanks at the ends of lines.
    #[must_use]
    pub fn screen(&self) -> String {
        let seen = self.seen();
        let screen = seen.parser.screen();
        let (_, cols) = screen.size();
        let rows: Vec<String> = screen
            .rows(0, cols.get())
            .map(|row| row.trim_end().to_owned())
            .collect();
        rows.join("\n")
    }

    /// True if this text of single cells stands anywhere on the screen in bold.
    #[must_use]
    pub fn in_bold(&self, text: &str) -> bool {
        let seen = self.seen();
        let screen = seen.parser.screen();
        let (rows, cols) = screen.size();
        let is = |row, col, wanted: char| {
            let cell = screen.cell(row, col).filter(|cell| cell.bold());
            cell.is_some_and(|cell| cell.contents().chars().eq([wanted]))
        };
        let stands = |row, col| text.chars().zip(col..).all(|(wanted, col)| is(row, col, wanted));
        (0..rows.get()).any(|row| (0..cols.get()).any(|col| stands(row, col)))
    }

    /// Waits until the screen satisfies `condition`.
    ///
    /// # Errors
    /// With `what` and the screen as it was when a minute had passed.
    pub async fn wait_for(&self, what: &str, mut condition: impl FnMut(&str) -> bool) -> Result<()> {
        wait_for(what, PATIENCE, async || Ok(condition(&self.screen())))
            .await
            .map_err(|error| Error::new(format!("{error}; the screen:\n{}", self.screen())))
    }

    /// Waits until the screen contains this text.
    ///
    /// # Errors
    /// With the screen as it was when a minute had passed.
    pub async fn wait_for_text(&self, text: &str) -> Result<()> {
        self.wait_for(&format!("the screen says {text:?}"), |screen| screen.contains(text))
            .await
    }

    /// Waits until nothing has been written for this long: for counting bytes, not for correctness.
    ///
    /// # Errors
    /// When the output does not come to rest within a minute.
    pub async fn wait_quiet(&self, quiet: Duration) -> Result<()> {
        let (mut count, mut since) = (self.bytes(), std::time::Instant::now());
        wait_for("the output comes to rest", PATIENCE, async || {
            if self.bytes() != count {
                (count, since) = (self.bytes(), std::time::Instant::now());
            }
            Ok(since.elapsed() >= quiet)
        })
        .await
    }

    /// Changes the size of the terminal; the program gets a SIGWINCH.
    ///
    /// # Errors
    /// When the terminal is closed.
    pub fn resize(&self, cols: u16, rows: u16) -> Result<()> {
        self.seen().parser.set_size(cells(rows), cells(cols));
        self.master.resize(pty_size(cols, rows)).map_err(pty_error)
    }

    /// The pid of the started program.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.child
            .process_id()
            .and_then(|pid| i32::try_from(pid).ok())
            .unwrap_or_default()
    }

    /// Sends a signal to the started program.
    pub fn signal(&self, sent: Signal) {
        signal(self.pid(), sent);
    }

    /// Waits for the program's end and for the last byte it wrote.
    ///
    /// # Errors
    /// With the screen when it still runs after a minute.
    pub async fn wait_exit(&mut self) -> Result<Ended> {
        let mut status = None;
        let child = &mut self.child;
        let ended = wait_for("the program ends", PATIENCE, async || {
            status = child.try_wait()?;
            Ok(status.is_some())
        });
        if let Err(error) = ended.await {
            return Err(Error::new(format!("{error}; the screen:\n{}", self.screen())));
        }
        wait_for("the terminal is closed", PATIENCE, async || Ok(self.seen().closed)).await?;
        Ok(how(status.as_ref()))
    }

    /// How many bytes the program has written so far.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.seen().output.len()
    }

    /// Everything the program has written so far.
    #[must_use]
    pub fn output(&self) -> Vec<u8> {
        self.seen().output.clone()
    }

    /// Everything the program has put into the clipboard (OSC 52), in order.
    #[must_use]
    pub fn clipboard(&self) -> Vec<String> {
        self.seen()
            .parser
            .callbacks()
            .0
            .iter()
            .map(|data| from_base64(data))
            .collect()
    }

    /// An empty directory that is the program's `HOME` and working directory.
    #[must_use]
    pub fn home(&self) -> &std::path::Path {
        self.home.path()
    }

    /// True while the alternate screen is shown.
    #[must_use]
    pub fn in_alternate_screen(&self) -> bool {
        self.seen().parser.screen().alternate_screen()
    }

    /// Says what the program has left behind that a shell would trip over: the alternate screen, a hidden cursor,
    /// bracketed paste, mouse reports, application keys, colours, or a line discipline other than at the start.
    ///
    /// # Errors
    /// A sentence that names each of them.
    pub fn restored(&self) -> Result<()> {
        let seen = self.seen();
        let screen = seen.parser.screen();
        let plain = screen.fgcolor() == vt100::Color::Default && screen.bgcolor() == vt100::Color::Default;
        let left = [
            ("the alternate screen", screen.alternate_screen()),
            ("a hidden cursor", screen.hide_cursor()),
            ("bracketed paste", screen.bracketed_paste()),
            (
                "mouse reports",
                screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None,
            ),
            ("application cursor keys", screen.application_cursor()),
            (
                "colours or attributes",
                !plain || screen.bold() || screen.inverse() || screen.underline(),
            ),
            (
                "a changed line discipline",
                modes(self.master.as_ref()) != self.modes_before,
            ),
        ];
        let left: Vec<&str> = left.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
        if left.is_empty() {
            Ok(())
        } else {
            Err(Error::new(format!("the program left behind {}", left.join(", "))))
        }
    }

    /// True when the program is stopped (Ctrl-Z, SIGSTOP).
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        is_stopped(self.pid())
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

fn watch(mut reader: Box<dyn Read + Send>, seen: Arc<Mutex<Seen>>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        loop {
            let read = match reader.read(&mut buffer) {
                // A signal is not the end of the output.
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other.unwrap_or(0),
            };
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            let bytes = buffer.get(..read).unwrap_or_default();
            if bytes.is_empty() {
                seen.closed = true;
                return;
            }
            seen.output.extend_from_slice(bytes);
            seen.parser.process(bytes);
        }
    });
}

fn pty_size(cols: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap_or(NonZeroU16::MIN)
}

fn modes(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios())
}

/// portable-pty's errors are of another crate's type: only their text is of use.
fn pty_error(error: impl std::fmt::Display) -> Error {
    Error::new(format!("pseudo-terminal: {error:#}"))
}

fn how(status: Option<&ExitStatus>) -> Ended {
    match status.map(|status| (status.signal(), status.exit_code())) {
        Some((Some(name), _)) => Ended::Signal(name.to_owned()),
        Some((None, code)) => Ended::Code(code),
        None => Ended::Code(u32::MAX),
    }
}

fn from_base64(data: &[u8]) -> String {
    BASE64_STANDARD
        .decode(data)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}
