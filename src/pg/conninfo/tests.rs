//! The rules as a table: command line, environment and files on the left, where it goes on the right.

mod precedence;
mod secrets;
mod strings;
mod tls;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Args, ConninfoError, Files, Inputs, Stat, plan};
use crate::config::{self, Cluster};
use crate::pg::plan::{Plan, Prompt};

/// A machine: user `me` with home `/home/me`, id 1000, on which nothing is set.
#[derive(Default)]
struct Desk {
    args: Args,
    env: BTreeMap<String, OsString>,
    clusters: BTreeMap<String, Cluster>,
    files: FakeFiles,
}

#[derive(Default)]
struct FakeFiles(BTreeMap<PathBuf, (Stat, Vec<u8>)>);

impl Files for FakeFiles {
    fn stat(&self, path: &Path) -> Option<Stat> {
        self.0.get(path).map(|(stat, _)| *stat)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let file = self.0.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(file.1.clone())
    }
}

/// A machine with this command line, written as in a shell that knows double quotes only.
fn typed(line: &str) -> Desk {
    let mut words = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(part);
        } else {
            words.extend(part.split_whitespace());
        }
    }
    typed_words(&words)
}

fn typed_words(words: &[&str]) -> Desk {
    let mut args = Args::default();
    let mut words = words.iter().map(|word| (*word).to_owned());
    while let Some(word) = words.next() {
        match word.as_str() {
            "-h" => args.host = words.next(),
            "-p" => args.port = words.next(),
            "-U" => args.user = words.next(),
            "-d" => args.dbname = words.next(),
            "-w" => args.prompt = Prompt::Never,
            "-W" => args.prompt = Prompt::Always,
            "--cluster" => args.cluster = words.next(),
            _ => args.rest.push(word),
        }
    }
    Desk {
        args,
        ..Desk::default()
    }
}

impl Desk {
    fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), OsString::from(value));
        self
    }

    /// Variables as a shell takes them before a command: `PGHOST=a PGPORT=1`.
    fn envs(self, assignments: &str) -> Self {
        assignments.split_whitespace().fold(self, |desk, assignment| {
            let (name, value) = assignment.split_once('=').expect("NAME=value");
            desk.env(name, value)
        })
    }

    fn file(self, path: &str, mode: u32, text: &str) -> Self {
        self.owned_file(path, mode, 1000, text)
    }

    fn owned_file(mut self, path: &str, mode: u32, owner: u32, text: &str) -> Self {
        let stat = Stat {
            regular: true,
            mode,
            owner,
        };
        self.files.0.insert(path.into(), (stat, text.as_bytes().to_vec()));
        self
    }

    fn directory(mut self, path: &str) -> Self {
        let stat = Stat {
            regular: false,
            mode: 0o755,
            owner: 0,
        };
        self.files.0.insert(path.into(), (stat, Vec::new()));
        self
    }

    /// With a configuration file that only its owner may read.
    fn config(mut self, text: &str) -> Self {
        let settings = config::parse(text, Path::new("/home/me/config.toml"), true);
        self.clusters = settings.unwrap_or_else(|error| panic!("{error}")).clusters;
        self
    }

    fn try_plan(&self) -> Result<Plan, ConninfoError> {
        plan(&Inputs {
            args: &self.args,
            env: &self.env,
            clusters: &self.clusters,
            files: &self.files,
            os_user: Some("me"),
            home: Some(Path::new("/home/me")),
            connect_timeout: Duration::from_secs(10),
        })
    }

    fn plan(&self) -> Plan {
        self.try_plan().unwrap_or_else(|error| panic!("{error}"))
    }

    /// `user[:password]@host:port,.../database`.
    fn goes_to(&self) -> String {
        way(&self.plan())
    }

    fn error(&self) -> String {
        match self.try_plan() {
            Ok(plan) => panic!("no error, but {plan:?}"),
            Err(error) => error.to_string(),
        }
    }
}

fn way(plan: &Plan) -> String {
    let mut way = String::new();
    for (index, target) in plan.hosts.iter().enumerate() {
        let separator = if index == 0 { "" } else { "," };
        let password = target.password.as_ref().map_or("", |password| password.reveal());
        let at = if password.is_empty() { "" } else { "@" };
        write!(way, "{separator}{password}{at}{}:{}", target.host, target.port).expect("a String takes it");
    }
    format!("{} {way}/{}", plan.user, plan.dbname)
}
