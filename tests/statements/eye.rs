//! The program without its screen: a session, and the world its answers go into.

use std::future::pending;
use std::sync::Arc;
use std::time::Instant;

use pgmon_lab::{Cluster, PATIENCE};
use pgmon_tui::model::statements::{Growth, Interval};
use pgmon_tui::pg::fault::Fault;
use pgmon_tui::pg::server::Server;
use pgmon_tui::pg::session::{Lane, Session};
use pgmon_tui::probe::extensions::{Extensions, ExtensionsProbe};
use pgmon_tui::probe::statement_texts::StatementTexts;
use pgmon_tui::probe::statements::{Entry as Statement, Statements, StatementsProbe};
use pgmon_tui::probe::{Ask, Entry, Focus, Mono, Param, Probe, Ran, Sample, Wanted};
use pgmon_tui::world::World;

pub struct Eye {
    session: Session,
    birth: Instant,
    pub world: World,
    pub focus: Focus,
}

impl Eye {
    pub async fn open(cluster: &Cluster, role: &str, database: &str) -> Self {
        let settings = crate::patient::patient();
        let plan = crate::common::plan(&cluster.conninfo(role, database));
        let session = Session::open(&plan, Lane::Fast, &settings, None).await.unwrap();
        let mut world = World::new(Arc::new(settings), "test".to_owned());
        world.server = Some(Arc::clone(session.server()));
        Self {
            session,
            birth: Instant::now(),
            world,
            focus: Focus::default(),
        }
    }

    pub fn server(&self) -> &Server {
        self.world.server.as_deref().unwrap()
    }

    fn with_ask<T>(&self, what: impl FnOnce(&Ask<'_>) -> T) -> T {
        what(&Ask {
            server: self.server(),
            settings: &self.world.settings,
            latest: &self.world.latest,
            focus: &self.focus,
            own: &[],
        })
    }

    pub fn wanted<P: Probe>(&self) -> Wanted {
        self.with_ask(P::wanted)
    }

    /// Asks as the worker does, whether it is wanted or not.
    pub async fn sample<P: Probe>(&mut self) -> Arc<Sample> {
        let params: Vec<Param> = self.with_ask(P::params);
        let explains = self.with_ask(P::explains);
        let entry = Entry::of::<P>();
        let started = Mono(self.birth.elapsed());
        let mut answer = self.session.ask(&entry, &params, PATIENCE).await;
        if let Some(text) = explains {
            answer = self.session.explain(answer, &text, pending()).await;
        }
        let (data, fault) = match answer.result.and_then(|rows| (entry.decode)(&self.world.latest, &rows)) {
            Ok(data) => (Some(data), None),
            Err(fault) => (None, Some(fault)),
        };
        let ran = Ran {
            sql: answer.sql,
            params,
            subject: self.focus.subject.clone(),
            demand: self.focus.demand,
            started,
            took: answer.took,
            fault,
            ..Ran::of(&P::SPEC, self.server())
        };
        let sample = Arc::new(Sample { ran, data });
        self.world.now = Mono(self.birth.elapsed());
        self.world.take(&sample);
        sample
    }

    pub async fn try_ask<P: Probe>(&mut self) -> Result<&P::Data, Fault> {
        let sample = self.sample::<P>().await;
        match &sample.ran.fault {
            Some(fault) => Err(fault.clone()),
            None => Ok(self.world.get::<P>().unwrap()),
        }
    }

    pub async fn ask<P: Probe>(&mut self) -> &P::Data {
        assert_eq!(self.wanted::<P>(), Wanted::Yes, "{}", P::SPEC.id);
        let answer = self.try_ask::<P>().await;
        answer.unwrap_or_else(|fault| panic!("{}: {fault}", P::SPEC.id))
    }

    /// Which extensions there are now; the session follows.
    pub async fn extensions(&mut self) -> Extensions {
        let extensions = self.ask::<ExtensionsProbe>().await.clone();
        self.pretend(Server {
            extensions: extensions.installed.clone(),
            ..self.server().clone()
        });
        extensions
    }

    /// The server is taken for this one.
    pub fn pretend(&mut self, server: Server) {
        self.session.follow(&server);
        self.world.server = Some(Arc::new(server));
    }

    /// A new reading, repeated until it is one: readings that follow each other at once make no interval.
    pub async fn read(&mut self) -> &Statements {
        self.extensions().await;
        let taken = |eye: &Self| eye.world.workload.since_reset().map(|all| all.to);
        let before = taken(self);
        pgmon_lab::wait_until("a reading that makes an interval", PATIENCE, async || {
            self.ask::<StatementsProbe>().await;
            Ok(taken(self) != before)
        })
        .await;
        self.world.get::<StatementsProbe>().unwrap()
    }

    pub fn last(&self) -> &Interval {
        self.world.workload.last().unwrap()
    }

    /// The growth of the statement with that query id.
    pub fn growth(&self, query: i64) -> Option<&Growth> {
        self.last().rows.iter().find(|row| row.key.query == query)
    }

    pub fn entry(&self, query: i64) -> Option<&Statement> {
        let all = self.world.get::<StatementsProbe>()?;
        all.entries.iter().find(|entry| entry.key.query == query)
    }

    /// Asks for the texts of these.
    pub async fn texts(&mut self, queries: &[i64]) -> Result<(), Fault> {
        self.focus.keys = queries.to_vec();
        self.try_ask::<StatementTexts>().await.map(|_| ())
    }
}
