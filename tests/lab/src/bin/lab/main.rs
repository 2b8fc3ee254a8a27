//! The lab by hand: `lab demo` is what scripts/demo runs, `lab fetch` fills the cache for scripts/test.

mod demo;
mod estate;
mod incident;
mod links;
mod traffic;
mod upkeep;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use pgmon_lab::{Error, MAJORS, PATIENCE, Result, cache_dir, postgres, processes_with};

const USAGE: &str = "\
usage: lab fetch [MAJOR ..]              get PostgreSQL server builds into the cache (all of 12 to 18)
       lab cache                         say where the cache is
       lab demo [--major N] [--no-tui] [--no-standby] [--profile release|dev] [-- PROGRAM [ARG ..]]
                                         a server with traffic and an incident, and PROGRAM (pgmon-tui) on it
       lab leftovers DIR                 fail when a process names DIR or DIR is not empty (waits a little for both)
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("lab: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<ExitCode> {
    match arguments.split_first().map(|(command, rest)| (command.as_str(), rest)) {
        Some(("fetch", majors)) => fetch(majors),
        Some(("cache", [])) => {
            println!("{}", cache_dir()?.display());
            Ok(ExitCode::SUCCESS)
        }
        Some(("leftovers", [dir])) => leftovers(dir),
        Some(("demo", options)) => {
            let options = demo::Options::parse(options)?;
            tokio::runtime::Runtime::new()?.block_on(demo::run(options))
        }
        _ => Err(Error::new(format!("what shall it do?\n{USAGE}"))),
    }
}

fn fetch(majors: &[String]) -> Result<ExitCode> {
    let majors = majors
        .iter()
        .map(|major| parse_major(major))
        .collect::<Result<Vec<u32>>>()?;
    for major in if majors.is_empty() { MAJORS.to_vec() } else { majors } {
        postgres(major)?;
    }
    println!("PostgreSQL builds are in {}", cache_dir()?.display());
    Ok(ExitCode::SUCCESS)
}

fn leftovers(dir: &str) -> Result<ExitCode> {
    let list = || -> Result<Vec<String>> {
        let entries = std::fs::read_dir(dir)?.filter_map(|entry| Some(entry.ok()?.path().display().to_string()));
        Ok(processes_with(dir)
            .iter()
            .map(|pid| format!("process {pid}"))
            .chain(entries)
            .collect())
    };
    // A server whose test has just been dropped may still be on its way out.
    let start = Instant::now();
    while !list()?.is_empty() && start.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(100));
    }
    let left = list()?;
    if !left.is_empty() {
        return Err(Error::new(format!("left behind: {}", left.join(", "))));
    }
    println!("nothing");
    Ok(ExitCode::SUCCESS)
}

fn parse_major(text: &str) -> Result<u32> {
    let major = text.parse().ok().filter(|major| MAJORS.contains(major));
    major.ok_or_else(|| Error::new(format!("{text:?} is no supported PostgreSQL major: 12 to 18")))
}
