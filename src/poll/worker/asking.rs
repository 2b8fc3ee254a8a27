//! What is asked next and what becomes of the answer; the user's demands are sent once and can be taken back.

use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::stream::StreamExt as _;
use tokio::sync::oneshot;

use super::super::{News, TierHealth};
use super::{Done, Run};
use crate::pg::fault::Fault;
use crate::pg::server::Server;
use crate::pg::session::{Answer, Lane};
use crate::probe::{Ask, Demand, Entry, Focus, Mono, PROBES, Param, Ran, Sample, Subject, Tier, Wanted};

/// How long the server may go on past a statement's timeout or its tier's budget before we cancel it.
const GRACE: Duration = Duration::from_millis(500);

/// One statement that was sent.
pub(super) struct Question {
    entry: &'static Entry,
    params: Vec<Param>,
    subject: Option<Subject>,
    demand: Option<Demand>,
    /// The statement to be planned afterwards.
    explains: Option<Arc<str>>,
    started: Mono,
}

impl Question {
    /// It is what the user asked for, not something asked meanwhile.
    pub(super) fn is_demanded(&self) -> bool {
        self.demand.is_some_and(|demand| demand.probe == self.entry.spec.id)
    }
}

impl Run {
    /// What a probe may look at now.
    fn ask<'a>(&'a self, server: &'a Server, own: &'a [i32]) -> Ask<'a> {
        Ask {
            server,
            settings: &self.worker.settings,
            latest: &self.latest,
            focus: &self.focus,
            own,
        }
    }

    /// Probes that were gated, or were asked about something else, and are wanted now that the focus has moved.
    pub(super) fn ask_what_is_newly_wanted(&mut self, before: &Focus) {
        let Some(server) = &self.server else { return };
        let own = self.own();
        let ask = self.ask(server, &own);
        let gated = |entry: &Entry| (entry.wanted)(&Ask { focus: before, ..ask }) != Wanted::Yes;
        let newly = |entry: &&Entry| match self.asked_with.get(entry.spec.id) {
            Some(last) => {
                let changed = |last: &Vec<Param>| *last != (entry.params)(&ask);
                (entry.wanted)(&ask) == Wanted::Yes && (gated(entry) || last.as_ref().is_none_or(changed))
            }
            // Passed over so far; what no focus gates has its first round before it.
            None => (entry.wanted)(&ask) == Wanted::Yes && gated(entry),
        };
        let ids: Vec<_> = PROBES.iter().filter(newly).map(|entry| entry.spec.id).collect();
        for id in ids {
            self.schedule.now(id);
        }
    }

    /// What is listed now goes into the next question for some lists: that makes it no other question.
    fn keep_params(&mut self, entry: &Entry) {
        let Some(server) = &self.server else { return };
        let params = (entry.params)(&self.ask(server, &self.own()));
        if let Some(Some(last)) = self.asked_with.get_mut(entry.spec.id) {
            *last = params;
        }
    }

    /// Cancels what answers a demand, if anything does.
    pub(super) fn take_back(&mut self) {
        if let Some(stop) = self.stop.take() {
            // What has ended meanwhile needs no end.
            let _ = stop.send(());
        }
    }

    /// Asks the next thing that is due on a free connection.
    pub(super) async fn feed(&mut self, index: usize) {
        if self.held {
            return;
        }
        let Some(server) = self.server.clone() else { return };
        let tiers = self.wires[index].tiers;
        if self.wires[index].lane == Lane::Slow && !self.role_known {
            self.role_known = true;
            if let Some(mut session) = self.wires[index].take() {
                self.jobs.push(Box::pin(async move {
                    let findings = session.privileges().await;
                    Done::Privileges(session, findings)
                }));
            }
            return;
        }
        loop {
            let now = self.now();
            let Some(entry) = self.schedule.next(tiers, &server, now) else {
                return;
            };
            let own = self.own();
            let ask = self.ask(&server, &own);
            match (entry.wanted)(&ask) {
                Wanted::Yes if self.is_answered(entry) => self.passed_over(entry, &server).await,
                Wanted::Yes => {
                    let question = Question {
                        entry,
                        params: (entry.params)(&ask),
                        subject: self.focus.subject.clone(),
                        demand: self.focus.demand,
                        explains: (entry.explains)(&ask),
                        started: now,
                    };
                    self.asked_with.insert(entry.spec.id, Some(question.params.clone()));
                    self.send(index, question);
                    return;
                }
                Wanted::No(reason) => self.skip(entry, reason, &server).await,
                Wanted::Keep => self.passed_over(entry, &server).await,
            }
        }
    }

    /// What the user asked for once is sent once: a failure or the next round of its tier does not repeat it.
    fn is_answered(&self, entry: &Entry) -> bool {
        let demand = self.focus.demand.filter(|demand| demand.probe == entry.spec.id);
        demand.is_some() && self.answering == demand
    }

    async fn skip(&mut self, entry: &'static Entry, reason: &'static str, server: &Server) {
        let first = self.asked_with.insert(entry.spec.id, None) != Some(None);
        self.latest.forget(entry.spec.id);
        if first {
            self.tell(News::Skipped {
                probe: entry.spec.id,
                reason,
            })
            .await;
        }
        self.passed_over(entry, server).await;
    }

    /// A probe that was due was not asked.
    async fn passed_over(&mut self, entry: &'static Entry, server: &Server) {
        if let Some(health) = self.schedule.skipped(entry, server, self.now()) {
            self.round_ended(health).await;
        }
    }

    fn send(&mut self, index: usize, question: Question) {
        let lane = self.wires[index].lane;
        let deadline = self.deadline(question.entry);
        let Some(mut session) = self.wires[index].take() else {
            return;
        };
        if let Some(server) = &self.server {
            session.follow(server);
        }
        self.demanded += usize::from(question.is_demanded());
        let stopped = self.stopped(&question).shared();
        self.jobs.push(Box::pin(async move {
            let mut answer = session
                .ask_until(question.entry, &question.params, deadline, stopped.clone())
                .await;
            if let Some(text) = &question.explains {
                answer = session.explain(answer, text, stopped).await;
            }
            Done::Asked {
                lane,
                session,
                question,
                answer,
            }
        }));
    }

    /// Over when the user takes back what this question answers; never for others.
    fn stopped(&mut self, question: &Question) -> impl Future<Output = ()> + use<> {
        let stop = question.is_demanded().then(|| {
            let (stop, stopped) = oneshot::channel();
            (self.answering, self.stop) = (question.demand, Some(stop));
            stopped
        });
        async move {
            let taken_back = match stop {
                Some(stopped) => stopped.await.is_ok(),
                None => false,
            };
            if !taken_back {
                pending::<()>().await;
            }
        }
    }

    /// When we cancel a statement. The server ends those of the fast connection by itself after `statement_timeout`,
    /// before we do; on the slow one its limit is the longest budget there is, so that a shorter budget is ended from
    /// here. What has a budget of its own is cancelled right then, the others after the grace.
    fn deadline(&self, entry: &Entry) -> Duration {
        if let Some(budget) = (entry.budget)(&self.worker.settings) {
            return budget;
        }
        let tier = self
            .server
            .as_deref()
            .map_or(entry.spec.tier, |server| (entry.tier)(server));
        let own = match tier {
            Tier::Hot | Tier::Workload => self.worker.settings.statement_timeout,
            Tier::Storage | Tier::Hourly => self.worker.settings.pace(tier).budget,
        };
        own + GRACE
    }

    /// Waits until nothing that the user asked for is on its way any more.
    pub(super) async fn see_demanded_through(&mut self) {
        while self.demanded > 0
            && let Some(done) = self.jobs.next().await
        {
            if let Done::Asked { session, question, .. } = done {
                self.demanded -= usize::from(question.is_demanded());
                session.close().await;
            }
        }
    }

    pub(super) async fn answered(&mut self, question: Question, answer: Answer) {
        if question.is_demanded() && question.demand == self.answering {
            self.stop = None;
        }
        let Question {
            entry,
            params,
            subject,
            demand,
            started,
            ..
        } = question;
        self.cost.statements += 1;
        // Waiting for a server that is gone costs it nothing.
        if !answer.result.as_ref().is_err_and(Fault::breaks_connection) {
            self.cost.busy += answer.took;
        }
        let (rows, data, fault) = match answer
            .result
            .and_then(|rows| Ok((rows.len(), (entry.decode)(&self.latest, &rows)?)))
        {
            Ok((rows, data)) => (rows, Some(data), None),
            Err(fault) => (0, None, Some(fault)),
        };
        self.cost.failed += u64::from(fault.is_some());
        let kind = fault.as_ref().map(|fault| fault.kind);
        let ran = Ran {
            probe: entry.spec.id,
            variant: answer.variant,
            sql: answer.sql,
            params,
            subject,
            demand,
            started,
            took: answer.took,
            rows,
            fault,
        };
        let sample = Arc::new(Sample { ran, data });
        self.latest.keep(&sample);
        self.keep_params(entry);
        self.tell(News::Sample(sample)).await;
        self.notice_changes().await;
        if let Some(server) = self.server.clone() {
            let now = self.now();
            // What the user waits for has a budget of its own: it does not make the tier late.
            let own = (entry.budget)(&self.worker.settings).is_some();
            let took = if own { Duration::ZERO } else { answer.took };
            if let Some(health) = self.schedule.asked(entry, &server, took, kind, now) {
                self.round_ended(health).await;
            }
        }
    }

    async fn round_ended(&mut self, health: TierHealth) {
        self.cost.connections = self.open_connections();
        self.tell(News::Tier(health)).await;
        self.tell(News::Cost(self.cost)).await;
    }
}
