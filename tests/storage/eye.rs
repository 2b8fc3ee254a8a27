//! A session of the program that asks single probes, without schedule and screen.

use std::sync::Arc;
use std::time::Instant;

use pgmon_lab::{Client, Cluster};
use pgmon_tui::config::Settings;
use pgmon_tui::pg::session::{Lane, Session};
use pgmon_tui::probe::{self, Ask, Focus, Latest, Mono, Probe, Ran, Sample};

use crate::{PATIENCE, common};

pub struct Eye {
    session: Session,
    pub settings: Settings,
    latest: Latest,
    birth: Instant,
}

impl Eye {
    pub async fn open(cluster: &Cluster, role: &str, database: &str) -> Self {
        let settings = Settings::default();
        let plan = common::plan(&cluster.conninfo(role, database));
        let session = Session::open(&plan, Lane::Slow, &settings, None).await.unwrap();
        Self {
            session,
            settings,
            latest: Latest::default(),
            birth: Instant::now(),
        }
    }

    /// The pid of its backend.
    pub fn pid(&self) -> i32 {
        self.session.pid()
    }

    pub fn server(&self) -> Arc<pgmon_tui::pg::server::Server> {
        Arc::clone(self.session.server())
    }

    /// The data of a probe, asked now and folded into what was known.
    pub async fn ask<P: Probe>(&mut self) -> &P::Data {
        let entry = probe::entry(P::SPEC.id).unwrap();
        let server = self.server();
        let focus = Focus::default();
        let params = (entry.params)(&Ask {
            server: &server,
            settings: &self.settings,
            latest: &self.latest,
            focus: &focus,
            own: &[],
        });
        let started = Mono(self.birth.elapsed());
        let answer = self.session.ask(entry, &params, PATIENCE).await;
        let rows = answer
            .result
            .unwrap_or_else(|fault| panic!("{} ({}): {fault}", P::SPEC.id, answer.variant.file));
        let data = (entry.decode)(&self.latest, &rows).unwrap_or_else(|fault| panic!("{}: {fault}", P::SPEC.id));
        let ran = Ran {
            params,
            started,
            took: answer.took,
            rows: rows.len(),
            ..Ran::of(entry.spec, &server)
        };
        self.latest.keep(&Arc::new(Sample { ran, data: Some(data) }));
        self.latest.get::<P>().unwrap()
    }
}

/// A server with `mon` in `pg_monitor`, a plain role `app`, and a database `shop` that belongs to nobody else.
/// Autovacuum is off: what it does would be a matter of luck.
pub async fn cluster(major: u32) -> (Cluster, Client) {
    let cluster = Cluster::builder(major)
        .conf("autovacuum", "off")
        .role("mon LOGIN IN ROLE pg_monitor")
        .role("app LOGIN")
        .start()
        .await
        .unwrap();
    cluster.database("shop").await.unwrap();
    let judge = cluster.client_as("postgres", "shop").await.unwrap();
    (cluster, judge)
}

/// `int8` out of any integer expression.
pub async fn number(client: &Client, expression: &str) -> i64 {
    client.value(&format!("SELECT ({expression})::int8")).await.unwrap()
}
