//! What is due when, pure: no clock of its own, no I/O. A tier runs in rounds; a round that is over its budget
//! stretches the tier's interval, and the next round never starts before the last one ended. A probe that fails
//! backs off by itself, so that it does not fill the server's log.

use std::collections::BTreeMap;
use std::time::Duration;

use super::TierHealth;
use crate::config::Settings;
use crate::pg::fault::FaultKind;
use crate::pg::server::Server;
use crate::probe::{Entry, Mono, PROBES, Tier};

/// An interval is stretched to at most this many times what was asked for.
const MOST_STRETCH: u32 = 16;
/// A rate takes two answers: the second round comes this soon after the first, so that no number is missing for long.
const SECOND_ROUND: Duration = Duration::from_millis(500);
/// The same for the workload tier, whose counters of statements and tables are dearer.
const SECOND_WORKLOAD_ROUND: Duration = Duration::from_secs(2);
/// The longest pause of a failing probe.
const MOST_BACK_OFF: Duration = Duration::from_mins(10);

/// When each tier and probe is due.
#[derive(Debug)]
pub struct Schedule {
    rounds: BTreeMap<Tier, Round>,
    probes: BTreeMap<&'static str, Turn>,
}

#[derive(Debug)]
struct Round {
    interval: Duration,
    budget: Duration,
    stretch: u32,
    /// No round has ended since the (re)connection.
    first: bool,
    /// When the next round starts.
    due: Mono,
    /// When the running round started; `None` between rounds.
    started: Option<Mono>,
    /// How long the statements of the running round took so far.
    spent: Duration,
}

#[derive(Debug, Default)]
struct Turn {
    /// To be asked in the running round.
    pending: bool,
    /// Asked for by the user or by a change of focus: at once, whatever the back-off says.
    now: bool,
    failures: u32,
    /// Not before this, after failures and after dear answers.
    not_before: Mono,
}

impl Schedule {
    /// Everything is due at once, the hot tier first.
    #[must_use]
    pub fn new(settings: &Settings, now: Mono) -> Self {
        let round = |tier| {
            let pace = settings.pace(tier);
            Round {
                interval: pace.interval,
                budget: pace.budget,
                stretch: 1,
                first: true,
                due: now,
                started: None,
                spent: Duration::ZERO,
            }
        };
        Self {
            rounds: Tier::ALL.into_iter().map(|tier| (tier, round(tier))).collect(),
            probes: PROBES.iter().map(|entry| (entry.spec.id, Turn::default())).collect(),
        }
    }

    /// After a (re)connection: everything is due, old failures mean nothing any more.
    pub fn restart(&mut self, now: Mono) {
        for round in self.rounds.values_mut() {
            round.due = now;
            round.first = true;
            round.started = None;
            round.spent = Duration::ZERO;
        }
        for turn in self.probes.values_mut() {
            *turn = Turn::default();
        }
    }

    /// The hot tier's new interval; the round under way is not touched.
    pub fn hot_interval(&mut self, interval: Duration, now: Mono) {
        if let Some(round) = self.rounds.get_mut(&Tier::Hot) {
            round.interval = interval;
            round.due = round.due.min(Mono(now.0 + interval));
        }
    }

    /// Ask this probe as soon as the connection is free. Asking twice is asking once.
    pub fn now(&mut self, probe: &str) {
        if let Some(turn) = self.probes.get_mut(probe) {
            turn.now = true;
        }
    }

    /// The server is not as it was when these failed: what failed is asked again at once.
    pub fn forgive(&mut self) {
        for turn in self.probes.values_mut().filter(|turn| turn.failures > 0) {
            *turn = Turn {
                pending: turn.pending,
                now: true,
                ..Turn::default()
            };
        }
    }

    /// The next probe to ask among those `tiers` (the connection's), the hottest first; starts rounds that are due.
    pub fn next(&mut self, tiers: &[Tier], server: &Server, now: Mono) -> Option<&'static Entry> {
        for &tier in tiers {
            self.start_if_due(tier, server, now);
        }
        let of = |tier: Tier| PROBES.iter().filter(move |entry| (entry.tier)(server) == tier);
        let wanted = tiers
            .iter()
            .flat_map(|&tier| of(tier))
            .find(|entry| self.turn(entry).is_some_and(|turn| turn.now));
        let next = wanted.or_else(|| {
            tiers
                .iter()
                .flat_map(|&tier| of(tier))
                .find(|entry| self.turn(entry).is_some_and(|turn| turn.pending))
        })?;
        if let Some(turn) = self.probes.get_mut(next.spec.id) {
            turn.pending = false;
            turn.now = false;
        }
        Some(next)
    }

    fn turn(&self, entry: &Entry) -> Option<&Turn> {
        self.probes.get(entry.spec.id)
    }

    fn start_if_due(&mut self, tier: Tier, server: &Server, now: Mono) {
        let Some(round) = self.rounds.get_mut(&tier) else {
            return;
        };
        if round.started.is_some() || now < round.due {
            return;
        }
        let mut any = false;
        for entry in PROBES.iter().filter(|entry| (entry.tier)(server) == tier) {
            if let Some(turn) = self.probes.get_mut(entry.spec.id).filter(|turn| now >= turn.not_before) {
                turn.pending = true;
                any = true;
            }
        }
        if any {
            round.started = Some(now);
            round.spent = Duration::ZERO;
        } else {
            round.due = Mono(now.0 + round.interval);
        }
    }

    /// A probe was not asked because there is nothing to ask now.
    pub fn skipped(&mut self, entry: &Entry, server: &Server, now: Mono) -> Option<TierHealth> {
        self.end_if_complete((entry.tier)(server), server, now)
    }

    /// A probe was asked; the tier's health when that ended its round.
    pub fn asked(
        &mut self,
        entry: &Entry,
        server: &Server,
        took: Duration,
        fault: Option<FaultKind>,
        now: Mono,
    ) -> Option<TierHealth> {
        let tier = (entry.tier)(server);
        let interval = self.rounds.get(&tier).map(|round| round.interval).unwrap_or_default();
        if let Some(turn) = self.probes.get_mut(entry.spec.id) {
            match fault {
                None => {
                    turn.failures = 0;
                    turn.not_before = Mono(now.0 + (entry.pause)(took));
                }
                Some(kind) => {
                    turn.failures = turn.failures.saturating_add(1);
                    turn.not_before = Mono(now.0 + back_off(kind, turn.failures, interval));
                }
            }
        }
        if let Some(round) = self.rounds.get_mut(&tier) {
            round.spent += took;
        }
        self.end_if_complete(tier, server, now)
    }

    fn end_if_complete(&mut self, tier: Tier, server: &Server, now: Mono) -> Option<TierHealth> {
        let pending = PROBES
            .iter()
            .any(|entry| (entry.tier)(server) == tier && self.turn(entry).is_some_and(|turn| turn.pending));
        let round = self.rounds.get_mut(&tier)?;
        let started = round.started?;
        if pending {
            return None;
        }
        round.stretch = if round.spent > round.budget {
            (round.stretch * 2).min(MOST_STRETCH)
        } else {
            (round.stretch / 2).max(1)
        };
        let interval = round.interval * round.stretch;
        round.started = None;
        let first = std::mem::take(&mut round.first) && round.stretch == 1;
        let pause = match tier {
            Tier::Hot if first => SECOND_ROUND.min(interval),
            Tier::Workload if first => SECOND_WORKLOAD_ROUND.min(interval),
            _ => interval,
        };
        round.due = Mono((started.0 + pause).max(now.0));
        Some(TierHealth {
            tier,
            took: round.spent,
            budget: round.budget,
            interval,
        })
    }

    /// When the next round of these tiers starts, for a connection that has nothing to do until then.
    #[must_use]
    pub fn due(&self, tiers: &[Tier]) -> Option<Mono> {
        tiers
            .iter()
            .filter_map(|tier| self.rounds.get(tier))
            .map(|round| round.due)
            .min()
    }
}

/// What cannot change by waiting (a missing privilege or relation) is asked again after ten minutes only; the rest
/// after its interval doubled with every failure. `R` asks at once.
fn back_off(kind: FaultKind, failures: u32, interval: Duration) -> Duration {
    match kind {
        FaultKind::Denied | FaultKind::Undefined | FaultKind::NotReady | FaultKind::Decode => MOST_BACK_OFF,
        _ => interval.saturating_mul(1 << failures.min(8)).min(MOST_BACK_OFF),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: &[Tier] = &Tier::ALL;

    fn at(seconds: f64) -> Mono {
        Mono(Duration::from_secs_f64(seconds))
    }

    fn server() -> Server {
        Server {
            version_num: 160_000,
            ..Server::default()
        }
    }

    /// Asks everything that is due; each statement takes `took`.
    fn drain(
        schedule: &mut Schedule,
        tiers: &[Tier],
        now: Mono,
        took: Duration,
    ) -> (Vec<&'static str>, Vec<TierHealth>) {
        let (mut asked, mut health) = (Vec::new(), Vec::new());
        while let Some(entry) = schedule.next(tiers, &server(), now) {
            asked.push(entry.spec.id);
            health.extend(schedule.asked(entry, &server(), took, None, now));
        }
        (asked, health)
    }

    #[test]
    fn at_start_everything_is_due_the_hot_tier_first() {
        let mut schedule = Schedule::new(&Settings::default(), at(0.0));
        let (asked, _) = drain(&mut schedule, EVERY, at(0.0), Duration::ZERO);
        assert_eq!(asked.len(), PROBES.len());
        let tiers = asked
            .iter()
            .map(|id| (crate::probe::entry(id).unwrap().tier)(&server()))
            .collect::<Vec<_>>();
        assert!(tiers.is_sorted(), "{tiers:?}");
        assert!(schedule.next(EVERY, &server(), at(0.1)).is_none());
    }

    #[test]
    fn a_round_over_its_budget_stretches_and_recovers() {
        let mut schedule = Schedule::new(&Settings::default(), at(0.0));
        let mut now = 0.0;
        let mut intervals = Vec::new();
        for took in [1200, 1200, 1, 1, 1] {
            let (_, health) = drain(&mut schedule, &[Tier::Hot], at(now), Duration::from_millis(took));
            let health = health.last().unwrap();
            assert_eq!(health.degraded(), took > 1000);
            intervals.push(health.interval.as_secs());
            now += health.interval.as_secs_f64();
        }
        assert_eq!(intervals, [4, 8, 4, 2, 2]);
    }

    #[test]
    fn the_second_hot_round_comes_early_and_only_it() {
        let mut schedule = Schedule::new(&Settings::default(), at(0.0));
        let mut rounds = Vec::new();
        for tenth in 0..60 {
            let now = f64::from(tenth) / 10.0;
            let (asked, _) = drain(&mut schedule, &[Tier::Hot], at(now), Duration::from_millis(1));
            if !asked.is_empty() {
                rounds.push(tenth);
            }
        }
        assert_eq!(rounds, [0, 5, 25, 45]);
    }

    #[test]
    fn the_next_round_waits_for_the_last_one() {
        let mut schedule = Schedule::new(&Settings::default(), at(0.0));
        let first = schedule.next(&[Tier::Hot], &server(), at(0.0)).unwrap();
        // The first statement is still running when the tier would be due again: nothing is asked twice.
        let mut others = Vec::new();
        while let Some(entry) = schedule.next(&[Tier::Hot], &server(), at(5.0)) {
            others.push(entry.spec.id);
        }
        assert!(!others.contains(&first.spec.id), "{others:?}");
    }

    #[test]
    fn a_dear_answer_earns_its_probe_a_pause_and_a_wish_ends_it() {
        let dear = "autovacuum";
        let mut schedule = Schedule::new(&Settings::default(), at(0.0));
        let mut times = Vec::new();
        for second in 0..400 {
            let now = at(f64::from(second));
            while let Some(entry) = schedule.next(&[Tier::Workload], &server(), now) {
                let took = Duration::from_millis(if entry.spec.id == dear { 300 } else { 1 });
                schedule.asked(entry, &server(), took, None, now);
                times.extend((entry.spec.id == dear).then_some(second));
            }
            if second == 20 {
                schedule.now(dear);
            }
        }
        // 1000 times 0.3 s, and then the tier's next round; the wish of second 20 is granted at once.
        assert_eq!(times, [0, 21, 332]);
    }

    #[test]
    fn a_denied_probe_is_asked_again_after_ten_minutes_or_on_demand() {
        let mut schedule = Schedule::new(&Settings::default(), at(0.0));
        let denied = schedule.next(&[Tier::Hot], &server(), at(0.0)).unwrap();
        schedule.asked(denied, &server(), Duration::ZERO, Some(FaultKind::Denied), at(0.0));
        let mut now = 0.0;
        while now < 599.0 {
            let (asked, _) = drain(&mut schedule, &[Tier::Hot], at(now), Duration::ZERO);
            assert!(!asked.contains(&denied.spec.id), "asked at {now}");
            now += 2.0;
        }
        schedule.now(denied.spec.id);
        schedule.now(denied.spec.id);
        let (asked, _) = drain(&mut schedule, &[Tier::Hot], at(599.0), Duration::ZERO);
        assert_eq!(asked.iter().filter(|id| **id == denied.spec.id).count(), 1);
        let (asked, _) = drain(&mut schedule, &[Tier::Hot], at(602.0), Duration::ZERO);
        assert!(asked.contains(&denied.spec.id));
    }

    #[test]
    fn back_off_doubles_and_has_an_end() {
        let interval = Duration::from_secs(2);
        assert_eq!(back_off(FaultKind::Timeout, 1, interval), Duration::from_secs(4));
        assert_eq!(back_off(FaultKind::Timeout, 3, interval), Duration::from_secs(16));
        assert_eq!(back_off(FaultKind::Timeout, 60, interval), Duration::from_secs(512));
        assert_eq!(back_off(FaultKind::Timeout, 60, Duration::from_mins(10)), MOST_BACK_OFF);
    }
}
