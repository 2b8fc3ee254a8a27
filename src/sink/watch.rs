//! A server watched for a round or two, by nobody in front of a screen.
//!
//! The tiers whose questions are cheap come around a second time by themselves within two seconds, as on the screen. What
//! is asked every ten minutes or every hour is asked again at once, but for what took long: its answer still holds.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::config::Settings;
use crate::known::Known;
use crate::pg::fault::{Fault, FaultKind};
use crate::pg::plan::{Plan, Secret};
use crate::pg::privilege::Findings;
use crate::pg::session::Session;
use crate::poll::worker::{LEAVING, Worker};
use crate::poll::{Link, News, Order};
use crate::probe::{Mono, Tier};

/// The longest it takes, whatever the server does; Nagios gives a check a minute.
pub const LIMIT: Duration = Duration::from_secs(50);
/// What took longer than this is not asked a second time.
const HOLDS: Duration = Duration::from_millis(250);
/// News on their way here: more than one round of all probes, and bounded.
const NEWS: usize = 64;

/// What a watch is begun with.
pub struct Begin {
    /// Where to connect.
    pub plan: Arc<Plan>,
    /// The settings.
    pub settings: Arc<Settings>,
    /// A password the user typed.
    pub password: Option<Secret>,
    /// A role that may write is not used: there is nobody to ask.
    pub hold: bool,
    /// When the program started.
    pub started: Instant,
    /// Everything twice: rates need it.
    pub twice: bool,
}

/// What was seen.
#[derive(Debug)]
pub struct Seen {
    /// What is known now.
    pub known: Known,
    /// What the role may write; `None` if that was not asked.
    pub role: Option<Result<Arc<Findings>, Fault>>,
    /// How it ended.
    pub end: End,
}

/// How a watch ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Everything was answered, or there was a reason not to ask it.
    Complete,
    /// Time was over; these tiers were not through.
    Late(Vec<Tier>),
    /// The role may write, or that could not be found out, and nobody said to go on all the same.
    Held,
    /// The connection broke.
    Lost(Fault),
    /// A signal asked for the end.
    Stopped,
}

/// Watches the server that `session` is connected to, until `stop` is over at the latest. `on` gets everything the worker
/// says, and what is known with it.
pub async fn watch(
    begin: Begin,
    session: Session,
    stop: impl Future<Output = ()>,
    mut on: impl FnMut(&Known, &News),
) -> Seen {
    let (orders, for_worker) = mpsc::channel(1);
    let (to_us, mut news) = mpsc::channel(NEWS);
    let (started, hold) = (begin.started, begin.hold);
    let mut known = Known::new(Arc::clone(&begin.settings));
    let mut course = Course::new(begin.twice);
    let mut role = None;
    let worker = Worker::new(
        begin.plan,
        begin.settings,
        begin.password,
        hold,
        started,
        (for_worker, to_us),
    );
    let worker = tokio::spawn(worker.run(Some(session)));
    let (mut stop, mut late) = (pin!(stop), pin!(sleep(LIMIT)));
    let end = loop {
        let said = tokio::select! {
            biased;
            () = &mut stop => break End::Stopped,
            () = &mut late => break End::Late(course.unfinished()),
            said = news.recv() => said,
        };
        let Some(said) = said else {
            let why = "The polling task ended unexpectedly.";
            break End::Lost(Fault::new(FaultKind::Other, why));
        };
        known.now = Mono(started.elapsed());
        hear(&mut known, &said);
        on(&known, &said);
        if let News::Role(findings) = &said {
            role = Some(findings.clone());
        }
        match course.step(&known, &said, hold) {
            Step::Wait => {}
            Step::Ask(probes) => {
                // A worker that has ended is heard of by its silence.
                let _ = orders.send(Order::Now(probes)).await;
            }
            Step::End(end) => break end,
        }
    };
    // What is still said goes nowhere, so that the worker comes to hear of the end.
    drop(news);
    let _ = orders.send(Order::Quit).await;
    let _ = timeout(LEAVING, worker).await;
    Seen { known, role, end }
}

/// Takes what the worker said.
fn hear(known: &mut Known, news: &News) {
    match news {
        News::Link(link) => known.set_link(link.clone()),
        News::Sample(sample) => known.take(sample),
        News::Skipped { probe, reason } => known.skip(probe, reason),
        News::Slow(fault) => known.slow_down = Some(fault.clone()),
        News::Tier(health) => {
            known.tiers.insert(health.tier, *health);
        }
        News::Role(_) | News::Cost(_) | News::NotSwitched { .. } => {}
    }
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Wait,
    /// Ask these once more.
    Ask(Vec<&'static str>),
    End(End),
}

/// How far the rounds are.
struct Course {
    twice: bool,
    /// Rounds that each tier has ended, in [`Tier::ALL`] order.
    ended: [u32; Tier::ALL.len()],
    /// What was asked for once more and has not been answered; `None` before that.
    again: Option<BTreeSet<&'static str>>,
    /// Nobody waits for the second connection.
    no_slow: bool,
}

impl Course {
    fn new(twice: bool) -> Self {
        Self {
            twice,
            ended: [0; Tier::ALL.len()],
            again: None,
            no_slow: false,
        }
    }

    /// Takes what the worker said; `known` has heard it already.
    fn step(&mut self, known: &Known, news: &News, hold: bool) -> Step {
        match news {
            News::Link(Link::Down { fault, .. }) => return Step::End(End::Lost(fault.clone())),
            News::Role(findings) => {
                let harmless = findings.as_ref().is_ok_and(|findings| !findings.may_write());
                if hold && !harmless {
                    return Step::End(End::Held);
                }
            }
            News::Tier(health) => {
                if let Some(ended) = self.ended.get_mut(health.tier as usize) {
                    *ended += 1;
                }
            }
            News::Sample(sample) => self.answered(sample.ran.probe),
            News::Skipped { probe, .. } => self.answered(probe),
            News::Link(_) | News::Slow(_) | News::Cost(_) | News::NotSwitched { .. } => {}
        }
        self.no_slow = known.slow_down.is_some();
        self.next(known)
    }

    fn answered(&mut self, probe: &str) {
        if let Some(again) = &mut self.again {
            again.remove(probe);
        }
    }

    fn next(&mut self, known: &Known) -> Step {
        if Tier::ALL.into_iter().any(|tier| self.lacks(tier, 1)) {
            return Step::Wait;
        }
        if self.twice && self.again.is_none() {
            let again = self.again.insert(worth_again(known));
            if !again.is_empty() && !self.no_slow {
                return Step::Ask(again.iter().copied().collect());
            }
        }
        if self.unfinished().is_empty() {
            Step::End(End::Complete)
        } else {
            Step::Wait
        }
    }

    /// A tier has not ended so many rounds.
    fn lacks(&self, tier: Tier, rounds: u32) -> bool {
        let ended = self.ended.get(tier as usize).copied().unwrap_or_default();
        ended < rounds && !(self.no_slow && is_slow(tier))
    }

    /// Tiers that are not through.
    fn unfinished(&self) -> Vec<Tier> {
        let awaited = self.again.as_ref().is_some_and(|again| !again.is_empty());
        let slow = |tier| self.lacks(tier, 1) || awaited && !self.no_slow;
        let unfinished = |tier: &Tier| {
            if is_slow(*tier) {
                slow(*tier)
            } else {
                self.lacks(*tier, 1 + u32::from(self.twice))
            }
        };
        Tier::ALL.into_iter().filter(unfinished).collect()
    }
}

/// Asked on the second connection, and not soon again by itself.
const fn is_slow(tier: Tier) -> bool {
    matches!(tier, Tier::Storage | Tier::Hourly)
}

/// What the slow tiers answered, but for what took long.
fn worth_again(known: &Known) -> BTreeSet<&'static str> {
    let tier = |probe: &str| {
        let entry = crate::probe::entry(probe)?;
        Some((entry.tier)(known.server.as_deref()?))
    };
    let quick = known.asked.iter().filter(|(probe, asked)| {
        let ran = asked.last.as_ref().map(|sample| &sample.ran);
        tier(probe).is_some_and(is_slow) && ran.is_some_and(|ran| ran.fault.is_none() && ran.took <= HOLDS)
    });
    quick.map(|(probe, _)| *probe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::server::Server;
    use crate::poll::TierHealth;
    use crate::probe::{Probe as _, Ran, Sample, databases, fk_unindexed, sequences};

    fn known() -> Known {
        let mut known = Known::new(Arc::new(Settings::default()));
        known.set_link(Link::Up(Arc::new(Server {
            version_num: 180_000,
            ..Server::default()
        })));
        known
    }

    fn ended(tier: Tier) -> News {
        News::Tier(TierHealth {
            tier,
            took: Duration::ZERO,
            budget: Duration::from_secs(1),
            interval: Duration::from_secs(2),
        })
    }

    fn answered(known: &mut Known, spec: &'static crate::probe::Spec, took: u64, fault: Option<Fault>) -> News {
        let server = known.server.clone().unwrap();
        let ran = Ran {
            took: Duration::from_millis(took),
            fault,
            ..Ran::of(spec, &server)
        };
        let news = News::Sample(Arc::new(Sample { ran, data: None }));
        hear(known, &news);
        news
    }

    #[test]
    fn one_round_of_every_tier_is_enough_for_once() {
        let (known, mut course) = (known(), Course::new(false));
        for tier in [Tier::Hot, Tier::Hot, Tier::Storage, Tier::Hourly] {
            assert_eq!(course.step(&known, &ended(tier), true), Step::Wait);
        }
        assert_eq!(course.unfinished(), [Tier::Workload]);
        let end = course.step(&known, &ended(Tier::Workload), true);
        assert_eq!(end, Step::End(End::Complete));
    }

    #[test]
    fn what_was_dear_or_failed_is_not_asked_a_second_time() {
        let (mut known, mut course) = (known(), Course::new(true));
        let quick = &sequences::SequencesProbe::SPEC;
        answered(&mut known, quick, 200, None);
        answered(&mut known, &fk_unindexed::FkUnindexedProbe::SPEC, 300, None);
        let fault = Fault::new(FaultKind::Timeout, "Too slow.");
        answered(&mut known, &databases::DatabasesProbe::SPEC, 10, Some(fault));
        for tier in [Tier::Hot, Tier::Workload, Tier::Storage] {
            assert_eq!(course.step(&known, &ended(tier), true), Step::Wait);
        }
        let step = course.step(&known, &ended(Tier::Hourly), true);
        assert_eq!(step, Step::Ask(vec![quick.id]));
        for tier in [Tier::Hot, Tier::Workload] {
            assert_eq!(course.step(&known, &ended(tier), true), Step::Wait);
        }
        assert_eq!(
            course.unfinished(),
            [Tier::Storage, Tier::Hourly],
            "the answer is awaited"
        );
        let news = answered(&mut known, quick, 200, None);
        assert_eq!(course.step(&known, &news, true), Step::End(End::Complete));
    }

    #[test]
    fn nobody_waits_for_a_second_connection_that_is_not_to_be_had() {
        let (mut known, mut course) = (known(), Course::new(true));
        let news = News::Slow(Fault::new(FaultKind::TooManyConnections, "All slots are taken."));
        hear(&mut known, &news);
        assert_eq!(course.step(&known, &news, true), Step::Wait);
        for tier in [Tier::Hot, Tier::Workload, Tier::Hot] {
            assert_eq!(course.step(&known, &ended(tier), true), Step::Wait);
        }
        let end = course.step(&known, &ended(Tier::Workload), true);
        assert_eq!(end, Step::End(End::Complete));
    }

    #[test]
    fn a_role_that_may_write_or_is_not_known_ends_it_unless_allowed() {
        for (hold, findings, ends) in [
            (true, Ok(Arc::new(Findings::default())), false),
            (true, Err(Fault::new(FaultKind::Timeout, "Too slow.")), true),
            (false, Err(Fault::new(FaultKind::Timeout, "Too slow.")), false),
        ] {
            let step = Course::new(true).step(&known(), &News::Role(findings), hold);
            assert_eq!(step == Step::End(End::Held), ends, "{step:?}");
        }
    }
}
