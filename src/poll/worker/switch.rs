//! The way to another database of the same server: the first connection is closed and opened again there, the second
//! one follows when it is free, and if the other database cannot be had, the old one is returned to. There are never
//! more connections than before.

use std::sync::Arc;

use super::super::News;
use super::super::wire::State;
use super::{Done, Run};
use crate::pg::fault::{Fault, FaultKind};
use crate::pg::session::{Lane, Session};
use crate::probe::Latest;

impl Run {
    /// Takes [`crate::poll::Order::Database`]; the way begins when the first connection is free.
    pub(super) fn switch_to(&mut self, database: String) {
        let here = self.server.as_ref().is_some_and(|server| server.database == database);
        self.wanted_database = (!here).then_some(database);
    }

    /// Leaves for the database that is wanted, unless a statement is still under way.
    pub(super) fn leave(&mut self) {
        let first = self.wire(Lane::Fast);
        if matches!(first.state, State::Busy) {
            return;
        }
        let Some(database) = self.wanted_database.take() else {
            return;
        };
        let first = self.wire(Lane::Fast);
        let session = first.take();
        first.state = State::Busy;
        first.pid = None;
        let there = match &self.server {
            Some(server) => self.worker.plan.only(server),
            None => (*self.worker.plan).clone(),
        };
        let plan = there.with_database(&database);
        let (settings, password) = (Arc::clone(&self.worker.settings), self.worker.password.clone());
        self.jobs.push(Box::pin(async move {
            // Its place may be the last one there is.
            if let Some(session) = session {
                session.close().await;
            }
            let opened = Session::open(&plan, Lane::Fast, &settings, password.as_ref()).await;
            Done::Arrived(database, opened.map(Box::new))
        }));
    }

    /// The other database has let us in or not.
    pub(super) async fn arrived(&mut self, database: String, session: Result<Box<Session>, Fault>) {
        match session {
            Ok(session) => {
                let before = Arc::clone(&self.worker.plan);
                self.settle_in(Arc::new(before.with_database(&database)));
                self.before_switch.get_or_insert(before);
                self.connected(Lane::Fast, Ok(session)).await;
            }
            Err(fault) => {
                let now = self.now();
                self.wire(Lane::Fast).retry(now);
                self.tell(News::NotSwitched { database, fault }).await;
            }
        }
    }

    /// The database that was switched to is gone: the one from the start is returned to. False if it is that one.
    pub(super) async fn returned(&mut self, fault: &Fault) -> bool {
        let gone = fault.kind == FaultKind::UnknownDatabase;
        let Some(start) = self.before_switch.take_if(|_| gone) else {
            return false;
        };
        let database = self.worker.plan.dbname.clone();
        self.settle_in(start);
        let now = self.now();
        self.wire(Lane::Fast).retry(now);
        let fault = fault.clone();
        self.tell(News::NotSwitched { database, fault }).await;
        true
    }

    /// From now on connections go there, and nothing that was known holds any more.
    fn settle_in(&mut self, plan: Arc<crate::pg::plan::Plan>) {
        self.worker.plan = plan;
        self.latest = Latest::default();
        self.take_back();
        self.answering = None;
        // What the role may write differs from database to database.
        self.role_known = false;
        self.held = false;
    }
}
