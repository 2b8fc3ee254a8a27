//! The way to wraparound on real servers whose ids were moved near the end: what the probes and the model say,
//! compared with what the server says to somebody else and with what it then really does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod ages;
mod burn;
#[path = "../common/mod.rs"]
mod common;
mod emergency;
#[path = "../common/patient.rs"]
mod patient;

use std::time::Instant;

use pgmon_lab::{Client, Cluster};
use pgmon_tui::config::Settings;
use pgmon_tui::model::series::Series;
use pgmon_tui::pg::session::{Lane, Session};
use pgmon_tui::probe::wraparound_databases::{Databases, WraparoundDatabases};
use pgmon_tui::probe::{self, Ask, Focus, Latest, Mono, Probe, Ran, Sample};

/// What everything may take before a test gives up; no measurement.
const PATIENCE: std::time::Duration = pgmon_lab::PATIENCE;

/// The program without its screen: a session, the newest samples and the series.
struct Eye {
    session: Session,
    settings: Settings,
    latest: Latest,
    series: Series,
    birth: Instant,
}

impl Eye {
    async fn open(cluster: &Cluster, role: &str) -> Self {
        let settings = patient::patient();
        let plan = common::plan(&cluster.conninfo(role, "postgres"));
        Self {
            session: Session::open(&plan, Lane::Fast, &settings, None).await.unwrap(),
            settings,
            latest: Latest::default(),
            series: Series::default(),
            birth: Instant::now(),
        }
    }

    fn now(&self) -> Mono {
        Mono(self.birth.elapsed())
    }

    /// The data of a probe, asked now as the worker does it.
    async fn ask<P: Probe>(&mut self) -> &P::Data {
        let entry = probe::entry(P::SPEC.id).unwrap();
        let server = std::sync::Arc::clone(self.session.server());
        let params = (entry.params)(&Ask {
            server: &server,
            settings: &self.settings,
            latest: &self.latest,
            focus: &Focus::default(),
            own: &[],
        });
        let started = self.now();
        let answer = self.session.ask(entry, &params, PATIENCE).await;
        let rows = answer.result.unwrap_or_else(|fault| panic!("{}: {fault}", P::SPEC.id));
        let sample = std::sync::Arc::new(Sample {
            ran: Ran {
                params,
                started,
                took: answer.took,
                rows: rows.len(),
                ..Ran::of(entry.spec, &server)
            },
            data: Some((entry.decode)(&self.latest, &rows).unwrap()),
        });
        self.series.observe(&sample, &self.latest, &server);
        self.latest.keep(&sample);
        self.latest.get::<P>().unwrap()
    }

    async fn databases(&mut self) -> Databases {
        self.ask::<WraparoundDatabases>().await.clone()
    }
}

/// A server that makes nothing younger by itself, with `mon` in `pg_monitor` and a plain role `app`.
async fn still(major: u32) -> Cluster {
    Cluster::builder(major)
        .conf("autovacuum", "off")
        .conf("autovacuum_freeze_max_age", "2000000000")
        .conf("autovacuum_multixact_freeze_max_age", "2000000000")
        .role("mon LOGIN IN ROLE pg_monitor")
        .role("app LOGIN")
        .start()
        .await
        .unwrap()
}

/// `int8` out of any integer expression.
async fn number(client: &Client, expression: &str) -> i64 {
    client.value(&format!("SELECT ({expression})::int8")).await.unwrap()
}
