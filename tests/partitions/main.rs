//! What the Partitions pane says, compared with what the server says to somebody else, on real servers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../common/mod.rs"]
mod common;
mod create;
mod life;
mod reach;

use pgmon_lab::{Client, Cluster, PATIENCE, wait_until};
use pgmon_tui::config::Settings;
use pgmon_tui::model::partitions::{self, Parent, Verdict};
use pgmon_tui::pg::session::{Lane, Session};
use pgmon_tui::probe::partitions::{Partitions, PartitionsProbe};
use pgmon_tui::probe::{self, Ask, Focus, Latest, Probe};

/// Days that partitions should reach ahead, as the settings have it.
const DAYS: u32 = 7;

/// The program without its screen.
struct Eye {
    session: Session,
    settings: Settings,
    latest: Latest,
    known: Option<Partitions>,
}

/// What an answer means.
struct Seen {
    now: f64,
    parents: Vec<Parent>,
}

impl Seen {
    fn parent(&self, name: &str) -> &Parent {
        self.parents.iter().find(|parent| parent.name == name).unwrap()
    }

    fn verdict(&self, name: &str) -> Verdict {
        self.parent(name).judge(self.now, DAYS)
    }

    /// The statements for what comes next.
    fn next(&self, name: &str) -> String {
        let parent = self.parent(name);
        let verdict = self.verdict(name);
        parent.create_next(self.now, DAYS, &verdict, &self.parents).unwrap()
    }
}

impl Eye {
    async fn open(cluster: &Cluster, role: &str) -> Self {
        let settings = Settings::default();
        let plan = common::plan(&cluster.conninfo(role, "postgres"));
        Self {
            session: Session::open(&plan, Lane::Slow, &settings, None).await.unwrap(),
            settings,
            latest: Latest::default(),
            known: None,
        }
    }

    /// Asks, as the worker does, and keeps the answer for the next one.
    async fn ask(&mut self) -> Seen {
        let entry = probe::entry(PartitionsProbe::SPEC.id).unwrap();
        let server = std::sync::Arc::clone(self.session.server());
        let params = PartitionsProbe::params(&Ask {
            server: &server,
            settings: &self.settings,
            latest: &self.latest,
            focus: &Focus::default(),
            own: &[],
        });
        let answer = self.session.ask(entry, &params, PATIENCE).await;
        let rows = answer.result.unwrap_or_else(|fault| panic!("{fault}"));
        let answer = PartitionsProbe::decode(&rows).unwrap_or_else(|fault| panic!("{fault}"));
        let answer = PartitionsProbe::fold(self.known.as_ref(), answer);
        let seen = Seen {
            now: answer.now,
            parents: partitions::read(&answer, &jiff::tz::TimeZone::UTC),
        };
        self.known = Some(answer);
        seen
    }
}

/// A server with these objects, a superuser's session and our own as `pg_monitor`. Autovacuum is off: to have analyzed
/// a partition is a sign that rows came. The day (UTC) does not end meanwhile: partitions are made for today and judged
/// a moment later.
async fn stage(major: u32, sql: &str) -> (Cluster, Client, Eye) {
    let cluster = Cluster::builder(major)
        .conf("autovacuum", "off")
        .role("mon LOGIN IN ROLE pg_monitor")
        .conf("max_locks_per_transaction", "256")
        .start()
        .await
        .unwrap();
    let client = cluster.client().await.unwrap();
    let early = "SELECT (clock_timestamp() AT TIME ZONE 'UTC')::time < '23:59:10'";
    wait_until("midnight is over", PATIENCE, async || client.value::<bool>(early).await).await;
    client.simple(sql).await.unwrap();
    let eye = Eye::open(&cluster, "mon").await;
    (cluster, client, eye)
}
