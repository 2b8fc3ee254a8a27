//! Connections: opened one a lane and kept, lost and opened again, and never on two servers or in two databases at once.

use std::sync::Arc;

use super::super::wire::State;
use super::super::{Link, News};
use super::{Done, Run};
use crate::pg::fault::{Fault, FaultKind};
use crate::pg::server::Server;
use crate::pg::session::{Lane, Session};
use crate::probe::Probe as _;
use crate::probe::extensions::ExtensionsProbe;

impl Run {
    pub(super) fn fast_is_in(&self) -> bool {
        self.server.is_some() && !matches!(self.wires[0].state, State::Down { .. })
    }

    /// Connections that wait for their next attempt try at once.
    pub(super) fn hurry(&mut self) {
        let now = self.now();
        for wire in &mut self.wires {
            if let State::Down { .. } = wire.state {
                wire.retry(now);
            }
        }
    }

    pub(super) fn connect(&mut self, index: usize) {
        let wire = &mut self.wires[index];
        wire.state = State::Busy;
        let lane = wire.lane;
        let plan = match &self.server {
            // The sizes of one server beside the sessions of another would be a lie.
            Some(server) if lane == Lane::Slow => Arc::new(self.worker.plan.only(server)),
            _ => Arc::clone(&self.worker.plan),
        };
        let (settings, password) = (Arc::clone(&self.worker.settings), self.worker.password.clone());
        self.jobs.push(Box::pin(async move {
            let session = Session::open(&plan, lane, &settings, password.as_ref()).await;
            Done::Connected(lane, session.map(Box::new))
        }));
    }

    pub(super) async fn connected(&mut self, lane: Lane, session: Result<Box<Session>, Fault>) {
        let session = match session {
            Ok(session) => session,
            Err(fault) if lane == Lane::Fast && self.returned(&fault).await => return,
            Err(fault) => return self.down(lane, fault).await,
        };
        self.cost.opened += 1;
        if lane == Lane::Slow {
            return self.slow_connected(session).await;
        }
        let server = Arc::clone(session.server());
        let wire = self.wire(lane);
        wire.up(&session);
        wire.state = State::Idle(session);
        self.server = Some(Arc::clone(&server));
        // It may be another server than the one that told of these.
        self.latest.forget(ExtensionsProbe::SPEC.id);
        self.lost = None;
        let now = self.now();
        self.schedule.restart(now);
        self.asked_with.clear();
        self.tell(News::Link(Link::Up(server))).await;
        if let Some(slow) = self.wire(Lane::Slow).take() {
            self.give_back(Lane::Slow, slow).await;
        }
    }

    async fn slow_connected(&mut self, session: Box<Session>) {
        if self.is_elsewhere(&session) {
            let other_server = self.is_other_server(&session);
            session.close().await;
            if !other_server {
                let now = self.now();
                return self.wire(Lane::Slow).retry(now);
            }
            let why = "The second connection reached another server than the first one.";
            return self.down(Lane::Slow, Fault::new(FaultKind::Lost, why)).await;
        }
        let wire = self.wire(Lane::Slow);
        wire.up(&session);
        wire.state = State::Idle(session);
        // What the first connection asked meanwhile may have counted this one as somebody else's.
        let focus = self.focus.clone();
        self.ask_what_is_newly_wanted(&focus);
    }

    /// A connection is gone, or an attempt failed: say so and try again later.
    pub(super) async fn down(&mut self, lane: Lane, fault: Fault) {
        let now = self.now();
        let wire = self.wire(lane);
        let retry_at = wire.down(&fault, now);
        let attempts = wire.attempts;
        if lane == Lane::Fast {
            if self.server.is_some() {
                self.lost.get_or_insert(now);
            }
            let (since, retry_at) = (self.lost, Some(retry_at));
            self.tell(News::Link(Link::Down {
                fault,
                since,
                retry_at,
                attempts,
            }))
            .await;
        } else if fault.kind != FaultKind::UnknownDatabase {
            self.tell(News::Slow(fault)).await;
        }
        // That a database is gone is for the first connection to say, and to find another one.
    }

    /// A session that is free again: kept, unless it broke or is not where the first connection is.
    pub(super) async fn give_back(&mut self, lane: Lane, session: Box<Session>) {
        if let Some(why) = session.broken() {
            return self.down(lane, why).await;
        }
        if self.is_elsewhere(&session) {
            session.close().await;
            // Not a fault to tell: the next attempt goes where the first connection is.
            let now = self.now();
            return self.wire(lane).retry(now);
        }
        self.wire(lane).state = State::Idle(session);
    }

    /// True for a session on another server than the first connection's, or in another database.
    pub(super) fn is_elsewhere(&self, session: &Session) -> bool {
        let database = &session.server().database;
        let other = |server: &Arc<Server>| server.database != *database;
        self.is_other_server(session) || self.server.as_ref().is_some_and(other)
    }

    /// True for a session on another server than the first connection's, after an address moved or a restart.
    fn is_other_server(&self, session: &Session) -> bool {
        let here = |server: &Arc<Server>| server.started_us == session.server().started_us;
        self.server.as_ref().is_some_and(|server| !here(server))
    }
}
