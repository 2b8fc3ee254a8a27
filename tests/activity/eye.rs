//! Our own session, and the questions through it as the worker asks them.

use pgmon_lab::Cluster;
use pgmon_tui::config::Settings;
use pgmon_tui::pg::fault::Fault;
use pgmon_tui::pg::plan::Plan;
use pgmon_tui::pg::session::{Lane, Session};
use pgmon_tui::probe::activity::Backend;
use pgmon_tui::probe::{Ask, Entry, Focus, Latest, Probe, Subject, Wanted};

use crate::common::plan;

/// Who looks on.
pub struct Eye {
    session: Session,
    settings: Settings,
    focus: Focus,
    own: Vec<i32>,
}

impl Eye {
    /// A superuser's.
    pub async fn open(cluster: &Cluster, database: &str) -> Self {
        Self::open_as(cluster, "postgres", database).await
    }

    pub async fn open_as(cluster: &Cluster, user: &str, database: &str) -> Self {
        let (dir, port) = (cluster.socket_dir().display(), cluster.port());
        let connection = format!("host={dir} port={port} user={user} dbname={database} application_name=pgmon-tui");
        Self::open_by(&plan(&connection)).await
    }

    pub async fn open_by(plan: &Plan) -> Self {
        let settings = crate::patient::patient();
        let session = Session::open(plan, Lane::Fast, &settings, None).await;
        let session = session.unwrap_or_else(|fault| panic!("{fault:?}"));
        Self {
            session,
            settings,
            focus: Focus::default(),
            own: Vec::new(),
        }
    }

    /// These are our own backends too.
    pub fn owns(&mut self, pids: &[i32]) {
        self.own = pids.to_vec();
    }

    /// The page of this backend is open.
    pub fn look_at(&mut self, pid: i32, start: i64) {
        self.focus.subject = Some(Subject::Backend { pid, start });
    }

    /// Asks as the worker does.
    pub async fn try_ask<P: Probe>(&mut self) -> Result<P::Data, Fault> {
        let ask = Ask {
            server: self.session.server(),
            settings: &self.settings,
            latest: &Latest::default(),
            focus: &self.focus,
            own: &self.own,
        };
        assert_eq!(P::wanted(&ask), Wanted::Yes);
        let params = P::params(&ask);
        let answer = self.session.ask(&Entry::of::<P>(), &params, pgmon_lab::PATIENCE).await;
        P::decode(&answer.result?)
    }

    pub async fn ask<P: Probe>(&mut self) -> P::Data {
        self.try_ask::<P>()
            .await
            .unwrap_or_else(|fault| panic!("{}: {fault:?}", P::SPEC.id))
    }

    /// The row of one backend.
    pub async fn row(&mut self, pid: i32) -> Backend {
        let rows = self.ask::<pgmon_tui::probe::activity::Activity>().await;
        rows.into_iter()
            .find(|row| row.pid == pid)
            .unwrap_or_else(|| panic!("no row for {pid}"))
    }
}

/// `backend_start` as the program keeps it, by another expression than ours.
pub fn start_of(pid: i32) -> String {
    format!(
        "SELECT (to_char(t, 'J')::int8 - 2440588) * 86400000000 + to_char(t, 'SSSS')::int8 * 1000000 \
         + to_char(t, 'US')::int8 FROM (SELECT backend_start AT TIME ZONE 'UTC' AS t FROM pg_stat_activity \
         WHERE pid = {pid}) a"
    )
}
