//! What every question costs a server with 100,000 tables, beside the plain form of the same question: `scripts/scale`
//! runs this. It starts a server of its own, fills it for minutes, asks and removes everything, or asks one that is
//! there. No test depends on it: speed has no threshold here.

#[path = "../../tests/common/mod.rs"]
mod common;
mod measure;
mod plain;
mod table;

use std::time::Instant;

use pgmon_lab::{Cluster, Error, Result, Scene, scale, scene};

use measure::Target;

const USAGE: &str = "\
usage: scripts/scale [--major N] [--tables N] [--partitions N] [--sessions N] [--only PROBE]
       scripts/scale --port N [--user NAME] [--database NAME] [--only PROBE]
";
/// The role that asks: it may see everything and own nothing.
const ROLE: &str = "mon";
const DATABASE: &str = "scale";

/// What the command line asks for.
struct Options {
    major: u32,
    size: scale::Size,
    sessions: usize,
    /// A server that is there already.
    port: Option<u16>,
    user: String,
    database: String,
    only: Option<String>,
}

impl Options {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self {
            major: 18,
            size: scale::Size {
                tables: 100_000,
                partitions: 5_000,
                statements: 5_000,
            },
            sessions: 500,
            port: None,
            user: ROLE.to_owned(),
            database: DATABASE.to_owned(),
            only: None,
        };
        while let Some(word) = words.next() {
            let mut value = || {
                let missing = || Error::new(format!("{word} wants a value\n{USAGE}"));
                words.next().ok_or_else(missing)
            };
            match word.as_str() {
                "--major" => options.major = number(&value()?)?,
                "--tables" => options.size.tables = number(&value()?)?,
                "--partitions" => options.size.partitions = number(&value()?)?,
                "--sessions" => options.sessions = number(&value()?)?,
                "--port" => options.port = Some(number(&value()?)?),
                "--user" => options.user = value()?,
                "--database" => options.database = value()?,
                "--only" => options.only = Some(value()?),
                other => return Err(Error::new(format!("unknown option {other}\n{USAGE}"))),
            }
        }
        Ok(options)
    }
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N> {
    text.parse()
        .map_err(|_| Error::new(format!("{text:?} is no number that fits here\n{USAGE}")))
}

fn main() -> Result<()> {
    // Cargo adds this to every bench it runs; without anything else it was `cargo bench`, which shall not take minutes.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if words.is_empty() {
        println!("The measurement at 100,000 tables takes minutes: run scripts/scale.");
        return Ok(());
    }
    let words = words.into_iter().filter(|word| word != "run");
    let options = Options::parse(words)?;
    tokio::runtime::Runtime::new()?.block_on(run(&options))
}

async fn run(options: &Options) -> Result<()> {
    if let Some(port) = options.port {
        let conninfo = format!(
            "host=127.0.0.1 port={port} user={} dbname={}",
            options.user, options.database
        );
        return report(&Target::new(&conninfo).await?, options).await;
    }
    let cluster = build(options).await?;
    let crowd = crowd(&cluster, options.sessions).await?;
    report(&Target::new(&cluster.conninfo(ROLE, DATABASE)).await?, options).await?;
    crowd.end().await
}

/// A server with that many tables.
async fn build(options: &Options) -> Result<Cluster> {
    let scale::Size { tables, partitions, .. } = options.size;
    eprintln!(
        "PostgreSQL {}: {tables} tables and {partitions} partitions ..",
        options.major
    );
    let begin = Instant::now();
    let builder = scale::CONF
        .iter()
        .fold(Cluster::builder(options.major), |builder, (name, value)| {
            builder.conf(name, value)
        });
    let cluster = builder
        .role(&format!("{ROLE} LOGIN IN ROLE pg_monitor"))
        .start()
        .await?;
    cluster.database(DATABASE).await?;
    let told = |step: &str| eprintln!("{:>5} s  {step}", begin.elapsed().as_secs());
    scale::fill(&cluster, DATABASE, options.size, told).await?;
    Ok(cluster)
}

/// So many sessions, six of ten waiting for one row.
async fn crowd(cluster: &Cluster, sessions: usize) -> Result<Scene> {
    eprintln!("{sessions} sessions ..");
    let waiting = sessions * 6 / 10;
    let mut scene = scene::hot_row(cluster, DATABASE, waiting).await?;
    scene.sessions("idle", sessions - waiting).await?;
    Ok(scene)
}

async fn report(target: &Target, options: &Options) -> Result<()> {
    let lines = measure::all(target, options.only.as_deref()).await?;
    table::print(target, &lines);
    Ok(())
}
