//! Our own session, and the questions through it as the worker asks them.

use std::sync::Arc;

use pgmon_lab::Cluster;
use pgmon_tui::config::Settings;
use pgmon_tui::pg::session::{Lane, Session};
use pgmon_tui::probe::{Ask, Entry, Focus, Latest, Probe, Ran, Sample, Wanted};

use crate::common::plan;

/// Who looks on: remembers the newest answers, as the program does.
pub struct Eye {
    session: Session,
    settings: Settings,
    latest: Latest,
}

impl Eye {
    pub async fn open(cluster: &Cluster, user: &str, database: &str) -> Self {
        let settings = Settings {
            top_relations: 1000,
            ..crate::patient::patient()
        };
        let session = Session::open(&plan(&cluster.conninfo(user, database)), Lane::Fast, &settings, None).await;
        Self {
            session: session.unwrap_or_else(|fault| panic!("{fault:?}")),
            settings,
            latest: Latest::default(),
        }
    }

    /// The same, asking for so many tables.
    pub fn of_top(mut self, tables: u32) -> Self {
        self.settings.top_relations = tables;
        self
    }

    pub fn pid(&self) -> i32 {
        self.session.pid()
    }

    /// Whether it would be asked now.
    pub fn wants<P: Probe>(&self) -> bool {
        P::wanted(&self.to_ask(&Focus::default())) == Wanted::Yes
    }

    fn to_ask<'a>(&'a self, focus: &'a Focus) -> Ask<'a> {
        Ask {
            server: self.session.server(),
            settings: &self.settings,
            latest: &self.latest,
            focus,
            own: &[],
        }
    }

    /// Asks whether it is wanted or not.
    pub async fn ask<P: Probe>(&mut self) -> &P::Data {
        let params = P::params(&self.to_ask(&Focus::default()));
        let server = Arc::clone(self.session.server());
        let entry = Entry::of::<P>();
        let answer = self.session.ask(&entry, &params, pgmon_lab::PATIENCE).await;
        let rows = answer
            .result
            .unwrap_or_else(|fault| panic!("{}: {fault:?}", P::SPEC.id));
        let data = (entry.decode)(&self.latest, &rows).unwrap_or_else(|fault| panic!("{}: {fault:?}", P::SPEC.id));
        self.latest.keep(&Arc::new(Sample {
            ran: Ran::of(&P::SPEC, &server),
            data: Some(data),
        }));
        self.latest.get::<P>().unwrap()
    }
}
