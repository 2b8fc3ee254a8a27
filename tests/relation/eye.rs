//! Our own session, and the questions through it as the worker asks them.

use pgmon_lab::Cluster;
use pgmon_tui::config::Settings;
use pgmon_tui::pg::fault::Fault;
use pgmon_tui::pg::session::{Lane, Session};
use pgmon_tui::probe::{Ask, Demand, Entry, Focus, Latest, Probe, Subject, Wanted};

use crate::common::plan;

/// Who looks on.
pub struct Eye {
    pub session: Session,
    settings: Settings,
    pub focus: Focus,
}

impl Eye {
    pub async fn open(cluster: &Cluster, user: &str) -> Self {
        let settings = Settings::default();
        let plan = plan(&cluster.conninfo(user, "postgres"));
        let session = Session::open(&plan, Lane::Slow, &settings, None).await;
        Self {
            session: session.unwrap_or_else(|fault| panic!("{fault:?}")),
            settings,
            focus: Focus::default(),
        }
    }

    /// The page of this relation is open.
    pub fn look_at(&mut self, oid: u32) -> &mut Self {
        self.focus.subject = Some(Subject::Relation(oid));
        self
    }

    /// The user has asked for a measurement of this.
    pub fn demand(&mut self, probe: &'static str, oid: u32) -> &mut Self {
        self.focus.keys = vec![i64::from(oid)];
        self.focus.demand = Some(Demand { probe, nth: 1 });
        self
    }

    /// Asks as the worker does.
    pub async fn try_ask<P: Probe>(&mut self) -> Result<P::Data, Fault> {
        let ask = Ask {
            server: self.session.server(),
            settings: &self.settings,
            latest: &Latest::default(),
            focus: &self.focus,
            own: &[self.session.pid()],
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
}
