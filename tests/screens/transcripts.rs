//! Keys and screens as a manual: each file in `transcripts/` is a session on a terminal of 80x24, with what is typed
//! after `>` and what is on the screen after it. `UPDATE_TRANSCRIPTS=1` writes the screens anew; read the difference.
//!
//! ```text
//! > keys: 2 v enter       keys, written as in the configuration
//! > type: col:value       letters
//! > data: 602             the next round of answers, so many seconds into the session
//! > wait: 9               so many seconds pass
//! > page                  the answers to what is looked at: a page, texts of statements, the list of databases
//! > workload: 615         the next round of answers with those of the workload tier
//! > plan, measured, index measured
//!                         what was asked for on demand comes
//! > connected to: other   the connection is there, in another database
//! > lost                  the connection breaks
//! > back                  it is there again
//! > show: 1-3 24          only these lines of the screen
//! < copy: ...             what happens outside
//! | ...                   a line of the screen
//! ```

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use pgmon_tui::app::update::{Effect, What};
use pgmon_tui::pg::fault::{Fault, FaultKind};
use pgmon_tui::pg::server::Server;
use pgmon_tui::poll::{News, Order};
use pgmon_tui::ui::look::{Depth, Glyphs, Look};
use rstest::rstest;

use crate::app::App;
use crate::data::{self, LOOK};

/// Before every line of a screen.
const MARGIN: &str = "|";

struct Session {
    app: App,
    second: u32,
}

impl Session {
    fn new() -> Self {
        let look = Look::new("dark", None, Depth::TrueColor, &Glyphs::UNICODE).unwrap();
        let app = App::incident_with(80, 24, look);
        Self { app, second: LOOK }
    }

    /// Does what a line says.
    fn act(&mut self, line: &str) {
        let (what, argument) = line.split_once(": ").unwrap_or((line, ""));
        match what {
            "keys" => self.app.keys(argument),
            "type" => self.app.typed(argument),
            "data" => {
                self.second = argument.parse().unwrap();
                self.app.hot(self.second);
            }
            "wait" => {
                self.app.now += Duration::from_secs(argument.parse().unwrap());
                self.app.on(What::Tick);
            }
            "workload" => {
                self.second = argument.parse().unwrap();
                self.app.hot(self.second);
                self.app.workload(self.second);
            }
            "page" => self.app.details(self.second),
            "plan" => data::statements::plan(&mut self.app),
            "measured" => data::table::measured(&mut self.app),
            "index measured" => data::table::index_measured(&mut self.app),
            "connected to" => self.app.connect(Server {
                database: argument.to_owned(),
                ..data::server(true)
            }),
            "lost" => self.app.lose(self.second),
            "back" => self.app.connect(data::server(true)),
            "start as a role that may write" => {
                self.app = App::new(80, 24);
                self.app.connect(data::server(true));
                let fault = Fault::new(FaultKind::Timeout, "The question took longer than 10 s.");
                self.app.news(News::Role(Err(fault)));
            }
            _ => panic!("\"{line}\" is nothing a transcript can do"),
        }
    }

    fn outside(&mut self) -> String {
        let mut out = String::new();
        for effect in self.app.effects.drain(..) {
            let text = match effect {
                Effect::Copy(text) => format!("copy: {}", text.lines().collect::<Vec<_>>().join(" ⏎ ")),
                Effect::Order(Order::Now(probes)) => format!("ask now: {}", probes.join(", ")),
                Effect::Order(Order::HotInterval(interval)) => format!("hot interval: {interval:?}"),
                Effect::Order(Order::GoOn) => "go on".to_owned(),
                Effect::Order(Order::Database(database)) => format!("connect to: {database}"),
                Effect::Title(title) => format!("title: {title}"),
                Effect::Bell => "bell".to_owned(),
                Effect::Notify(text) => format!("notify: {text}"),
                Effect::Suspend => "suspend".to_owned(),
                Effect::Repaint => "repaint".to_owned(),
                // What is looked at is told with every page; it says nothing to a reader.
                Effect::Order(_) => continue,
            };
            writeln!(out, "< {text}").unwrap();
        }
        if self.app.state.over.is_some() {
            out.push_str("< the program ends\n");
        }
        out
    }
}

/// `1-3 24` as line numbers from 1.
fn picked(ranges: &str) -> Vec<usize> {
    let range = |range: &str| {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        from.parse().unwrap()..=to.parse().unwrap()
    };
    ranges.split(' ').flat_map(range).collect()
}

fn is_answer(line: &str) -> bool {
    line.starts_with(MARGIN) || line.starts_with("< ")
}

/// The transcript as it is when it is played now.
fn play(transcript: &str) -> String {
    let mut session = Session::new();
    let mut out = String::new();
    let mut lines = transcript.lines().filter(|line| !is_answer(line)).peekable();
    let mut show = None;
    while let Some(line) = lines.next() {
        writeln!(out, "{line}").unwrap();
        let Some(command) = line.strip_prefix("> ") else {
            continue;
        };
        match command.strip_prefix("show: ") {
            Some(ranges) => show = Some(picked(ranges)),
            None => session.act(command),
        }
        if lines.peek().is_some_and(|next| next.starts_with("> ")) {
            continue;
        }
        out.push_str(&session.outside());
        let show = show.take();
        for (number, line) in session.app.screen().lines().enumerate() {
            if show.as_ref().is_none_or(|picked| picked.contains(&(number + 1))) {
                writeln!(out, "{}", format!("{MARGIN} {line}").trim_end()).unwrap();
            }
        }
    }
    out
}

#[rstest]
#[case("moving")]
#[case("filter-and-sort")]
#[case("details-and-copy")]
#[case("time")]
#[case("sql-help-messages")]
#[case("role-question")]
#[case("queries")]
#[case("vacuum")]
#[case("storage")]
#[case("partitions")]
#[case("replication")]
#[case("wraparound-and-databases")]
fn reads_as_it_runs(#[case] name: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/screens/transcripts/{name}.txt"));
    let written = fs::read_to_string(&path).unwrap();
    let played = play(&written);
    assert!(
        played.lines().any(|line| line.starts_with(MARGIN)),
        "{name} shows nothing"
    );
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        fs::write(&path, played).unwrap();
        return;
    }
    for (number, (written, played)) in written.lines().zip(played.lines()).enumerate() {
        assert_eq!(written, played, "{name}.txt, line {}", number + 1);
    }
    assert_eq!(written, played, "{name}.txt");
}

/// Every file is played.
#[test]
fn no_transcript_is_left_out() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/screens/transcripts");
    let source = include_str!("transcripts.rs");
    for file in fs::read_dir(dir).unwrap() {
        let name = file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        assert!(source.contains(&format!("#[case(\"{name}\")]")), "{name}");
    }
}
