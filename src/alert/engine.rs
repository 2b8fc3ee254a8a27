//! Raises, holds and clears.
//!
//! Time is the server's. A limit that is reached starts to count; what counts long enough is raised, and it counts on
//! until the value has left the limit by [`SLACK`], so that noise around a limit neither raises nor clears anything
//! twice. Time during which nothing was seen (no connection, a stale answer, a rule that could not look) does not count:
//! it neither raises nor clears.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Blind, Finding, Outcome, Reach};
use super::{RULES, Rule};
use crate::known::{Freshness, Known};
use crate::model::concern::Severity;
use crate::ui::format;

/// A limit is left when the value is so far below it.
pub const SLACK: f64 = 0.1;
/// Two answers differ by so many seconds about when the same thing began: ages are told at the end of a round trip.
const JITTER_S: f64 = 2.0;
/// So many more or less who suffer change nothing.
const CALM_VICTIMS: u64 = 2;
/// Said of a question whose first answer has not come.
const AWAITED: &str = "its first answer is awaited";
/// Severities, the mildest first.
const SEVERITIES: [Severity; 3] = [Severity::Notice, Severity::Warning, Severity::Critical];
/// Alerts of one rule that are kept; a rule that finds more says so in its sentences.
const KEEP: usize = 200;

/// All alerts.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    watches: BTreeMap<&'static str, Watch>,
}

/// What is known by one rule.
#[derive(Clone, Debug, Default)]
struct Watch {
    /// When it was last checked, by the server's clock, and could see.
    seen: Option<f64>,
    /// Why it could not look, or not at all of it, the last time.
    blind: Option<Blind>,
    alerts: BTreeMap<String, Alert>,
}

/// Something near a limit or beyond it.
#[derive(Clone, Debug)]
pub struct Alert {
    /// By which rule.
    pub rule: &'static Rule,
    /// What it found the last time.
    pub finding: Finding,
    /// Whether it counts.
    pub state: State,
    /// How bad it was when the user took note of it.
    pub acknowledged: Option<Severity>,
    /// When it began: truly if the rule says so, else when its limit was reached first, in seconds since 1970 by the
    /// server's clock. It does not follow a finding that only counts a little differently.
    began: f64,
    /// How many suffer, give or take: see [`Self::weight`].
    weight: u64,
    /// When it was raised.
    raised: Option<f64>,
    /// The last check that saw it, or saw that it is not there.
    seen: f64,
    /// The last check could not see whether it is still there.
    unseen: bool,
    /// For how many seconds each severity has counted; `None` while its limit is left.
    counted: [Option<f64>; 3],
    /// For how many seconds each severity has been left.
    left: [f64; 3],
}

/// Whether an alert counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum State {
    /// A limit is reached, not for long enough yet.
    Pending {
        /// Which.
        severity: Severity,
        /// For how many seconds.
        lasts: f64,
        /// Of so many.
        wants: f64,
    },
    /// It is an alert.
    Raised(Severity),
}

/// A check that could not be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Unchecked {
    /// Which.
    pub rule: &'static Rule,
    /// Why.
    pub blind: Blind,
    /// Since when nothing is known by it, in seconds since 1970; `None` if nothing ever was.
    pub since: Option<f64>,
}

impl Unchecked {
    /// It has not been made for the first time yet, and will be by itself.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.blind.passing && self.since.is_none() && self.blind.why == AWAITED
    }
}

/// Something that happened to an alert, for messages, bells and logs.
#[derive(Clone, Debug)]
pub struct Event {
    /// What.
    pub happened: Happened,
    /// The alert as it was then.
    pub alert: Alert,
}

/// What happened to an alert.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Happened {
    /// It was raised, so bad.
    Raised(Severity),
    /// It became worse.
    Escalated(Severity),
    /// It became milder.
    Eased(Severity),
    /// It is over; it was that bad and lasted so many seconds.
    Cleared(Severity, f64),
}

impl Event {
    /// How bad the news are, and the news in a sentence; `None` where they are good.
    #[must_use]
    pub fn told(&self) -> (Option<Severity>, String) {
        let sentence = &self.alert.finding.sentence;
        match self.happened {
            Happened::Raised(severity) => (Some(severity), format!("{sentence}.")),
            Happened::Escalated(severity) => (Some(severity), format!("Now {}: {sentence}.", named(severity))),
            Happened::Eased(severity) => (None, format!("Now only {}: {sentence}.", named(severity))),
            Happened::Cleared(_, lasted) => (None, format!("Over after {}: {sentence}.", format::age(lasted))),
        }
    }
}

/// A severity in a sentence: "a warning".
#[must_use]
pub const fn named(severity: Severity) -> &'static str {
    match severity {
        Severity::Notice => "a notice",
        Severity::Warning => "a warning",
        Severity::Critical => "critical",
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Alert {
    fn new(rule: &'static Rule, finding: Finding, now: f64) -> Self {
        Self {
            rule,
            began: finding.since.unwrap_or(now),
            weight: finding.victims,
            finding,
            state: State::Pending {
                severity: Severity::Notice,
                lasts: 0.0,
                wants: 0.0,
            },
            acknowledged: None,
            raised: None,
            seen: now,
            unseen: false,
            counted: [None; 3],
            left: [0.0; 3],
        }
    }

    /// An alert in that state, for tests of what is made of alerts.
    #[cfg(test)]
    pub(super) fn given(rule: &'static Rule, finding: Finding, state: State, acknowledged: bool) -> Self {
        let mut alert = Self::new(rule, finding, 0.0);
        alert.state = state;
        alert.acknowledged = alert.severity().filter(|_| acknowledged);
        alert
    }

    /// The same with what its rule has found since.
    #[cfg(test)]
    pub(super) fn renewed(mut self, finding: Finding) -> Self {
        self.renew(finding);
        self
    }

    /// How bad, if it counts.
    #[must_use]
    pub const fn severity(&self) -> Option<Severity> {
        match self.state {
            State::Raised(severity) => Some(severity),
            State::Pending { .. } => None,
        }
    }

    /// How bad it is, or would be if it lasted.
    #[must_use]
    pub const fn would_be(&self) -> Severity {
        match self.state {
            State::Raised(severity) | State::Pending { severity, .. } => severity,
        }
    }

    /// When it began: truly if the server says so, else when it was seen first. Seconds since 1970.
    #[must_use]
    pub const fn since(&self) -> f64 {
        self.began
    }

    /// How many suffer, give or take, so that an order by it is calm: it follows their number only when that has changed by half.
    #[must_use]
    pub const fn weight(&self) -> u64 {
        self.weight
    }

    /// What the rule found now, about the same thing.
    fn renew(&mut self, finding: Finding) {
        if let Some(since) = finding.since.filter(|since| (since - self.began).abs() > JITTER_S) {
            self.began = since;
        }
        let calm = (self.weight / 2).max(CALM_VICTIMS);
        if finding.victims.abs_diff(self.weight) > calm {
            self.weight = finding.victims;
        }
        self.finding = finding;
    }

    /// When it was raised, in seconds since 1970; `None` while it is pending.
    #[must_use]
    pub const fn raised(&self) -> Option<f64> {
        self.raised
    }

    /// The user took note of it, and it is no worse since.
    #[must_use]
    pub fn is_acknowledged(&self) -> bool {
        self.acknowledged >= self.severity() && self.acknowledged.is_some()
    }

    /// Its identity in this process: the rule's id and what it is about.
    #[must_use]
    pub fn id(&self) -> (&'static str, &str) {
        (self.rule.id, &self.finding.key)
    }

    /// Since when nothing is known of it, in seconds since 1970: its rule cannot look, or has not seen it again since.
    #[must_use]
    pub fn unknown_since(&self, known: &Known) -> Option<f64> {
        (self.unseen || stale(self.rule, known)).then_some(self.seen)
    }

    /// Takes a check in. `elapsed` seconds have passed since the last one that could see.
    fn meet(&mut self, reach: Reach, now: f64, elapsed: f64, known: &Known) -> Option<Happened> {
        let before = self.severity();
        self.seen = now;
        self.unseen = false;
        for (nth, severity) in SEVERITIES.into_iter().enumerate() {
            let reach = reach.to(severity);
            let held = before.is_some_and(|before| before >= severity);
            let (Some(counted), Some(left)) = (self.counted.get_mut(nth), self.left.get_mut(nth)) else {
                continue;
            };
            if reach < 1.0 - SLACK {
                *left += elapsed;
                // What is raised counts on until it has settled.
                if !held || *left >= self.rule.settles {
                    *counted = None;
                }
            } else {
                *left = 0.0;
                *counted = match *counted {
                    Some(seconds) => Some(seconds + elapsed),
                    None if reach >= 1.0 => Some(0.0),
                    None => None,
                };
            }
        }
        self.decide(reach, before, known);
        let after = self.severity();
        if after.is_some() && before.is_none() {
            self.raised = Some(now);
        }
        if self.acknowledged < after {
            self.acknowledged = None;
        }
        match (before, after) {
            (None, Some(severity)) => Some(Happened::Raised(severity)),
            (Some(before), Some(after)) if after > before => Some(Happened::Escalated(after)),
            (Some(before), Some(after)) if after < before => Some(Happened::Eased(after)),
            (Some(before), None) => Some(Happened::Cleared(before, (now - self.since()).max(0.0))),
            _ => None,
        }
    }

    /// The worst severity that has counted long enough and is reached now, or was raised and has not been left.
    fn decide(&mut self, reach: Reach, before: Option<Severity>, known: &Known) {
        let mut pending = None;
        let severities = SEVERITIES.into_iter().zip(self.counted).rev();
        for (severity, seconds) in severities.filter_map(|(severity, counted)| Some((severity, counted?))) {
            let (lasts, wants) = match self.finding.certain {
                Some(certain) => (certain.seconds, certain.wants(severity)),
                None => (seconds, (self.rule.lasts)(&known.settings.alerts, severity)),
            };
            let held = before.is_some_and(|before| before >= severity);
            if held || lasts >= wants && reach.to(severity) >= 1.0 {
                self.state = State::Raised(severity);
                return;
            }
            pending = pending.or(Some(State::Pending { severity, lasts, wants }));
        }
        self.state = pending.unwrap_or(State::Pending {
            severity: Severity::Notice,
            lasts: 0.0,
            wants: 0.0,
        });
    }

    /// No limit is reached any more, nor was it a moment ago.
    fn is_over(&self) -> bool {
        self.counted.iter().all(Option::is_none)
    }
}

/// The answers without which the rule can say nothing are old or missing.
fn stale(rule: &Rule, known: &Known) -> bool {
    let fresh = |probe: &&str| matches!(known.freshness(probe), Freshness::Fresh(_));
    !rule.needs.iter().all(fresh)
}

impl Engine {
    /// That probe has answered, or will not be asked any more: checks the rules that look at it.
    pub fn observe(&mut self, known: &Known, probe: &str) -> Vec<Event> {
        let Some(now) = known.server_now() else {
            return Vec::new();
        };
        let rules = RULES.iter().filter(|rule| rule.probes().any(|id| id == probe));
        let rules = rules.filter(|rule| !known.settings.alerts.disabled.contains(rule.id));
        rules.flat_map(|rule| self.check(rule, known, now)).collect()
    }

    fn check(&mut self, rule: &'static Rule, known: &Known, now: f64) -> Vec<Event> {
        let watch = self.watches.entry(rule.id).or_default();
        if let Some(blind) = unanswered(rule, known) {
            watch.blind = Some(blind);
            return Vec::new();
        }
        if stale(rule, known) {
            return Vec::new();
        }
        watch.take((rule.check)(known), rule, known, now)
    }

    /// Everything that is near a limit or beyond it, in no order; what only comes near, or has only just left, is not
    /// among it.
    pub fn alerts(&self) -> impl Iterator<Item = &Alert> {
        let alerts = self.watches.values().flat_map(|watch| watch.alerts.values());
        alerts.filter(|alert| !alert.is_over())
    }

    /// Those that count.
    pub fn raised(&self) -> impl Iterator<Item = &Alert> {
        self.alerts().filter(|alert| alert.severity().is_some())
    }

    /// How many rules are in force.
    #[must_use]
    pub fn checks(known: &Known) -> usize {
        RULES
            .iter()
            .filter(|rule| !known.settings.alerts.disabled.contains(rule.id))
            .count()
    }

    /// The rules that could not look, or not at all of it, in the order of [`RULES`].
    pub fn unchecked<'a>(&'a self, known: &'a Known) -> impl Iterator<Item = Unchecked> + 'a {
        let rules = RULES.iter().copied();
        let rules = rules.filter(|rule| !known.settings.alerts.disabled.contains(rule.id));
        rules.filter_map(|rule| {
            let watch = self.watches.get(rule.id);
            let since = watch.and_then(|watch| watch.seen);
            let old = || Blind {
                why: "its questions have had no answer since".to_owned(),
                remedy: None,
                passing: false,
                others: false,
            };
            // An answer that came before the first heartbeat has not been looked at: there was no clock.
            let unlooked = || since.is_none().then(awaited);
            let blind = unanswered(rule, known)
                .or_else(|| stale(rule, known).then(old))
                .or_else(|| watch.and_then(|watch| watch.blind.clone()))
                .or_else(unlooked)?;
            Some(Unchecked { rule, blind, since })
        })
    }

    /// Takes note of these alerts, or of all of them again if that was done before.
    pub fn acknowledge(&mut self, ids: &[(&'static str, String)]) -> bool {
        let all = ids
            .iter()
            .filter_map(|(rule, key)| self.find(rule, key))
            .all(|alert| alert.severity().is_none() || alert.is_acknowledged());
        for (rule, key) in ids {
            let watch = self.watches.get_mut(rule);
            if let Some(alert) = watch.and_then(|watch| watch.alerts.get_mut(key)) {
                alert.acknowledged = alert.severity().filter(|_| !all);
            }
        }
        !all
    }

    fn find(&self, rule: &str, key: &str) -> Option<&Alert> {
        self.watches.get(rule)?.alerts.get(key)
    }

    /// The session goes on in another database: what was about the old one is forgotten.
    pub fn forget(&mut self) {
        self.watches
            .retain(|id, _| super::rule(id).is_some_and(|rule| rule.server_wide));
    }
}

/// Why a rule has nothing to look at.
fn unanswered(rule: &Rule, known: &Known) -> Option<Blind> {
    let missing = rule.needs.iter().find(|probe| known.latest.ran_of(probe).is_none())?;
    Some(why(missing, known))
}

fn awaited() -> Blind {
    Blind {
        why: AWAITED.to_owned(),
        remedy: None,
        passing: true,
        others: false,
    }
}

/// Why that probe has no answer.
pub(super) fn why(probe: &str, known: &Known) -> Blind {
    let (why, remedy, passing) = match known.freshness(probe) {
        Freshness::Skipped(reason) => (reason.to_owned(), None, false),
        Freshness::Failed => {
            let fault = known.last_ran(probe).and_then(|ran| ran.fault.as_ref());
            let why = fault.map_or_else(String::new, |fault| fault.sentence.clone());
            (why, fault.and_then(|fault| fault.remedy.clone()), false)
        }
        Freshness::Stale(_) => ("its last answer is too old".to_owned(), None, false),
        Freshness::Loading | Freshness::Fresh(_) => match known.waits_for_slow(probe) {
            Some(fault) => (fault.sentence.clone(), fault.remedy.clone(), false),
            None => return awaited(),
        },
    };
    Blind {
        why,
        remedy,
        passing,
        others: false,
    }
}

impl Watch {
    fn take(&mut self, outcome: Outcome, rule: &'static Rule, known: &Known, now: f64) -> Vec<Event> {
        let elapsed = self.elapsed(rule, known, now);
        let sees_all = outcome.blind.as_ref().is_none_or(|blind| blind.others);
        if sees_all || !outcome.findings.is_empty() {
            self.seen = Some(now);
        }
        self.blind = outcome.blind;
        let mut events = Vec::new();
        let mut missing: BTreeSet<String> = self.alerts.keys().cloned().collect();
        for finding in self.kept(outcome.findings) {
            missing.remove(&finding.key);
            self.meet(finding, rule, known, (now, elapsed), &mut events);
        }
        for key in missing {
            if let Some(alert) = self.alerts.get_mut(&key) {
                if !sees_all {
                    alert.unseen = true;
                    continue;
                }
                // What a rule that sees everything does not find any more has left every limit.
                let happened = alert.meet(Reach::default(), now, elapsed, known);
                events.extend(happened.map(|happened| Event {
                    happened,
                    alert: alert.clone(),
                }));
            }
        }
        self.alerts.retain(|_, alert| !alert.is_over());
        events
    }

    /// One finding a key, the worse one; of too many the worst, of those the ones that are alerts already.
    fn kept(&self, mut findings: Vec<Finding>) -> Vec<Finding> {
        findings.sort_by_cached_key(|finding| {
            let raised = self.alerts.get(&finding.key).and_then(Alert::severity);
            Reverse((finding.reach.reached().max(raised), raised))
        });
        let mut keys = BTreeSet::new();
        findings.retain(|finding| keys.insert(finding.key.clone()));
        findings.truncate(KEEP);
        findings
    }

    fn meet(
        &mut self,
        finding: Finding,
        rule: &'static Rule,
        known: &Known,
        (now, elapsed): (f64, f64),
        events: &mut Vec<Event>,
    ) {
        let reach = finding.reach;
        let key = finding.key.clone();
        let fresh = || Alert::new(rule, finding.clone(), now);
        let alert = self.alerts.entry(key).or_insert_with(fresh);
        alert.renew(finding);
        let happened = alert.meet(reach, now, elapsed, known);
        events.extend(happened.map(|happened| Event {
            happened,
            alert: alert.clone(),
        }));
    }

    /// Seconds since the last check that could see; none if answers were due in between and did not come.
    fn elapsed(&self, rule: &Rule, known: &Known, now: f64) -> f64 {
        let seconds = self.seen.map_or(0.0, |seen| (now - seen).max(0.0));
        let due = rule.needs.iter().map(|probe| known.late_after(probe));
        let most = due.max().unwrap_or_default().as_secs_f64();
        if seconds > most { 0.0 } else { seconds }
    }
}

#[cfg(test)]
mod tests;
