//! What the Overview says, compared with what the server says to somebody else, on every supported version.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod arrivals;
mod checksums;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/patient.rs"]
mod patient;
mod rates;
mod screen;
mod sessions;
mod settings;
mod upkeep;

use std::sync::Arc;
use std::time::{Duration, Instant};

use pgmon_lab::{Client, Cluster};
use pgmon_tui::config::Settings;
use pgmon_tui::model::series::Series;
use pgmon_tui::pg::session::{Lane, Session};
use pgmon_tui::probe::{self, Ask, Focus, Latest, Mono, Param, Probe, Ran, Sample, Wanted};

/// What everything may take before a test gives up; no measurement.
const PATIENCE: Duration = pgmon_lab::PATIENCE;

/// The probes behind the Overview.
const IDS: [&str; 10] = [
    "pulse",
    "activity",
    "locks",
    "counters",
    "replication",
    "recovery",
    "horizon",
    "slots",
    "relation_io",
    "databases",
];

/// The program without its screen: a session, the newest samples and the series.
struct Eye {
    session: Session,
    settings: Settings,
    latest: Latest,
    series: Series,
    birth: Instant,
}

impl Eye {
    async fn open(cluster: &Cluster, role: &str, database: &str) -> Self {
        let settings = patient::patient();
        let plan = common::plan(&cluster.conninfo(role, database));
        let session = Session::open(&plan, Lane::Fast, &settings, None).await.unwrap();
        Self {
            session,
            settings,
            latest: Latest::default(),
            series: Series::default(),
            birth: Instant::now(),
        }
    }

    fn now(&self) -> Mono {
        Mono(self.birth.elapsed())
    }

    /// Asks a probe by its id, as the worker does; `None` if it is not wanted now.
    async fn ask_id(&mut self, id: &str) -> Option<Arc<Sample>> {
        let entry = probe::entry(id).unwrap();
        let server = Arc::clone(self.session.server());
        let focus = Focus::default();
        let ask = Ask {
            server: &server,
            settings: &self.settings,
            latest: &self.latest,
            focus: &focus,
            own: &[],
        };
        if let Wanted::No(_) = (entry.wanted)(&ask) {
            self.latest.forget(entry.spec.id);
            return None;
        }
        let params: Vec<Param> = (entry.params)(&ask);
        let started = self.now();
        let answer = self.session.ask(entry, &params, PATIENCE).await;
        let rows = answer
            .result
            .unwrap_or_else(|fault| panic!("{id} ({}): {fault}", answer.variant.file));
        let sample = Arc::new(Sample {
            ran: Ran {
                params,
                started,
                took: answer.took,
                rows: rows.len(),
                ..Ran::of(entry.spec, &server)
            },
            data: Some((entry.decode)(&self.latest, &rows).unwrap_or_else(|fault| panic!("{id}: {fault}"))),
        });
        self.series.observe(&sample, &self.latest, &server);
        self.latest.keep(&sample);
        Some(sample)
    }

    /// The data of a probe, asked now.
    async fn ask<P: Probe>(&mut self) -> &P::Data {
        assert!(self.ask_id(P::SPEC.id).await.is_some(), "{} is wanted", P::SPEC.id);
        self.latest.get::<P>().unwrap()
    }
}

/// A server with a superuser `postgres`, `mon` in `pg_monitor` and a plain role `app`.
async fn cluster(major: u32, conf: &[(&str, &str)]) -> Cluster {
    let builder = Cluster::builder(major)
        .role("mon LOGIN IN ROLE pg_monitor")
        .role("app LOGIN");
    conf.iter()
        .fold(builder, |builder, (name, value)| builder.conf(name, value))
        .start()
        .await
        .unwrap()
}

/// `int8` out of any integer expression.
async fn number(client: &Client, expression: &str) -> i64 {
    client.value(&format!("SELECT ({expression})::int8")).await.unwrap()
}
