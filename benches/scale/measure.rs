//! Asks each question in a connection of its own, four times, and looks at the backend afterwards.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use pgmon_lab::{Client, Error, Result};
use pgmon_tui::config::Settings;
use pgmon_tui::pane;
use pgmon_tui::pg::plan::Plan;
use pgmon_tui::pg::server::Server;
use pgmon_tui::pg::session::{Lane, Session};
use pgmon_tui::probe::database_list::{DatabaseList, POPUP};
use pgmon_tui::probe::{
    self, Ask, Data, Demand, Entry, Focus, Latest, PROBES, Param, Probe, Ran, Sample, Subject, Tier, Wanted,
};

use crate::common;
use crate::plain::{self, PLAIN};

/// How often a question is asked again after the first time.
pub const AGAIN: usize = 3;
/// Nothing is waited for longer.
const DEADLINE: Duration = Duration::from_mins(1);

/// What a question cost.
pub struct Cost {
    /// The first time in a new connection.
    pub first: Duration,
    /// The median of the next ones.
    pub median: Duration,
    /// Rows of one answer.
    pub rows: usize,
    /// Memory of the backend after all of them, without what it shares with others, in bytes; `None` where the server
    /// is on another machine.
    pub memory: Option<u64>,
}

/// A question and what it cost, or why it was not asked or answered.
pub struct Line {
    /// What was asked.
    pub entry: &'static Entry,
    /// Its cost.
    pub cost: Result<Cost, String>,
    /// The plain form of the same question, and its cost.
    pub plain: Option<(&'static str, Result<Cost, String>)>,
}

/// The server, and what there is on it to ask about.
pub struct Target {
    conninfo: String,
    plan: Plan,
    settings: Settings,
    server: Arc<Server>,
    /// Subjects of detail pages: the largest table, the busiest statement, a backend.
    subjects: Vec<Subject>,
    /// Statements whose texts may be asked for.
    statements: Vec<i64>,
    /// The largest table and its indexes, to be measured.
    relations: Vec<i64>,
    /// Stays open, so that one of the subjects is there.
    _observer: Client,
    /// What a backend takes that has asked nothing.
    pub idle: Option<u64>,
}

impl Target {
    /// # Errors
    /// What the server said.
    pub async fn new(conninfo: &str) -> Result<Self> {
        let (plan, settings) = (common::plan(conninfo), Settings::default());
        let session = open(&plan, Lane::Fast, &settings).await?;
        let (server, idle) = (Arc::clone(session.server()), memory(session.pid()));
        session.close().await;
        let observer = Client::connect(conninfo).await?;
        let (statement, statements) = statements(&observer, &server).await?;
        let (relation, relations) = relation(&observer).await?;
        let mut subjects = vec![relation, backend(&observer).await?];
        subjects.extend(statement);
        Ok(Self {
            conninfo: conninfo.to_owned(),
            plan,
            settings,
            server,
            subjects,
            statements,
            relations,
            _observer: observer,
            idle,
        })
    }

    /// Whom it was asked of.
    pub fn server(&self) -> &Server {
        &self.server
    }
}

async fn open(plan: &Plan, lane: Lane, settings: &Settings) -> Result<Session> {
    let session = Session::open(plan, lane, settings, None).await;
    session.map_err(|fault| Error::new(fault.to_string()))
}

/// The largest table, and it with its indexes.
async fn relation(client: &Client) -> Result<(Subject, Vec<i64>)> {
    let largest = "SELECT c.oid FROM pg_class c WHERE c.relkind = 'r' ORDER BY c.relpages DESC LIMIT 1";
    let table: u32 = client.value(largest).await?;
    let indexes = format!("SELECT i.indexrelid::int8 FROM pg_index i WHERE i.indrelid = {table}");
    let indexes = client.column::<i64>(&indexes).await?;
    let relations = std::iter::once(i64::from(table)).chain(indexes).collect();
    Ok((Subject::Relation(table), relations))
}

async fn backend(client: &Client) -> Result<Subject> {
    let start = "SELECT (extract(epoch FROM a.backend_start) * 1000000)::int8 FROM pg_stat_activity a \
                 WHERE a.pid = pg_backend_pid()";
    Ok(Subject::Backend {
        pid: client.pid(),
        start: client.value(start).await?,
    })
}

/// The busiest statement, and a screen of others.
async fn statements(client: &Client, server: &Server) -> Result<(Option<Subject>, Vec<i64>)> {
    let Some(extension) = server.extension("pg_stat_statements") else {
        return Ok((None, Vec::new()));
    };
    let rows = client
        .texts(&format!(
            "SELECT s.userid, s.dbid, s.queryid FROM \"{}\".pg_stat_statements(false) s \
             WHERE s.queryid IS NOT NULL ORDER BY s.calls DESC LIMIT 50",
            extension.schema
        ))
        .await?;
    let number = |row: &[Option<String>], at: usize| row.get(at)?.as_ref()?.parse::<i64>().ok();
    let keys = rows.iter().filter_map(|row| number(row, 2)).collect();
    let subject = rows.first().and_then(|row| {
        Some(Subject::Statement {
            user: u32::try_from(number(row, 0)?).ok()?,
            database: u32::try_from(number(row, 1)?).ok()?,
            query: number(row, 2)?,
            toplevel: true,
        })
    });
    Ok((subject, keys))
}

/// Every probe, or the one of that id.
///
/// # Errors
/// When the server cannot be reached any more; a plain form of no probe.
pub async fn all(target: &Target, only: Option<&str>) -> Result<Vec<Line>> {
    if let Some(plain) = PLAIN.iter().find(|plain| probe::entry(plain.probe).is_none()) {
        return Err(Error::new(format!("the plain form \"{}\" is of no probe", plain.what)));
    }
    let mut latest = Latest::default();
    let mut lines = Vec::new();
    for entry in PROBES {
        let id = entry.spec.id;
        if only.is_some_and(|only| only != id) {
            continue;
        }
        eprintln!("  {id}");
        let cost = ask(target, entry, &mut latest).await?;
        let plain = match PLAIN.iter().find(|plain| plain.probe == id) {
            Some(plain) => Some((
                plain.what,
                plain::measure(&target.conninfo, target.server(), plain).await?,
            )),
            None => None,
        };
        lines.push(Line { entry, cost, plain });
    }
    Ok(lines)
}

async fn ask(target: &Target, entry: &'static Entry, latest: &mut Latest) -> Result<Result<Cost, String>> {
    let lane = match (entry.tier)(target.server()) {
        Tier::Hot | Tier::Workload => Lane::Fast,
        Tier::Storage | Tier::Hourly => Lane::Slow,
    };
    let mut session = open(&target.plan, lane, &target.settings).await?;
    let (mut took, mut rows) = (Vec::new(), 0);
    for _ in 0..=AGAIN {
        let asked = target.params(entry, latest, session.pid());
        let (params, focus) = match asked {
            Ok(asked) => asked,
            Err(reason) => return Ok(Err(format!("not asked: {reason}"))),
        };
        let answer = session.ask(entry, &params, DEADLINE).await;
        took.push(answer.took);
        let data = answer.result.and_then(|answer| {
            rows = rows.max(answer.len());
            (entry.decode)(latest, &answer)
        });
        match data {
            Ok(data) => keep(latest, entry, target.server(), (params, focus), data),
            Err(fault) => return Ok(Err(fault.to_string())),
        }
    }
    let cost = Cost::of(&took, rows, memory(session.pid()));
    session.close().await;
    Ok(Ok(cost))
}

/// What the next questions may build on.
fn keep(latest: &mut Latest, entry: &'static Entry, server: &Server, (params, focus): (Vec<Param>, Focus), data: Data) {
    let ran = Ran {
        params,
        subject: focus.subject,
        demand: focus.demand,
        ..Ran::of(entry.spec, server)
    };
    latest.keep(&Arc::new(Sample { ran, data: Some(data) }));
}

/// The id of the pane that shows what the probe says; empty for a detail page's.
fn pane_of(entry: &Entry) -> &'static str {
    let panes = pane::panes();
    let shows = panes.iter().find(|pane| pane.probes().contains(&entry.spec.id));
    shows.map_or("", |pane| pane.id())
}

impl Target {
    /// What the probe is asked with while the pane that shows it is looked at, for a detail page with a subject of its
    /// kind; or why it is not asked.
    fn params(&self, entry: &Entry, latest: &Latest, own: i32) -> Result<(Vec<Param>, Focus), &'static str> {
        let focus = |subject: Option<&Subject>| Focus {
            pane: pane_of(entry),
            subject: subject.cloned(),
            popup: Some(POPUP).filter(|_| entry.spec.id == DatabaseList::SPEC.id),
            keys: match subject {
                Some(Subject::Relation(_)) => self.relations.clone(),
                _ => self.statements.clone(),
            },
            demand: Some(Demand {
                probe: entry.spec.id,
                nth: 1,
            }),
        };
        let asked = |focus: Focus| {
            let ask = Ask {
                server: &self.server,
                settings: &self.settings,
                latest,
                focus: &focus,
                own: &[own],
            };
            match (entry.wanted)(&ask) {
                Wanted::No(reason) => Err(reason),
                Wanted::Yes | Wanted::Keep => Ok(((entry.params)(&ask), focus)),
            }
        };
        let bare = asked(focus(None));
        let other = |found: &Result<(Vec<Param>, Focus), _>| match (found, &bare) {
            (Ok((params, _)), Ok((bare, _))) => params != bare,
            (Ok(_), Err(_)) => true,
            (Err(_), _) => false,
        };
        let found = self
            .subjects
            .iter()
            .map(|subject| asked(focus(Some(subject))))
            .find(other);
        found.unwrap_or(bare)
    }
}

impl Cost {
    /// Of the times it took, the first one in a new connection.
    pub fn of(took: &[Duration], rows: usize, memory: Option<u64>) -> Self {
        let (first, rest) = took
            .split_first()
            .map_or((Duration::ZERO, took), |(first, rest)| (*first, rest));
        let mut rest = rest.to_vec();
        rest.sort();
        Self {
            first,
            median: rest.get(rest.len() / 2).copied().unwrap_or(first),
            rows,
            memory,
        }
    }
}

/// What a backend has for itself, in bytes, without shared buffers and the program's own pages.
pub fn memory(pid: i32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}
