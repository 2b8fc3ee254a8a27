//! The verdicts of a moment, for a check of Nagios and its kin, for scripts and for people: `pgmon-tui alerts --once`.
//!
//! A condition that a rule wants to see for a while has no such while here: it counts if it held between two answers, and
//! is said to be of now. What takes a longer watch than this is not checked, which is said and no fault.

mod text;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::alert::story::{Story, stories};
use crate::alert::{Alert, Engine, Jump, Reach, Remedy, State, Unchecked};
use crate::known::Known;
use crate::model::concern::Severity;
use crate::pg::server::Server;
use crate::poll::News;
use crate::sink::watch::{End, Seen};

/// The version of the JSON that [`Verdicts`] become: it changes when a field goes or means something else.
const VERSION: u32 = 1;

/// Listens while the server is watched.
#[derive(Debug, Default)]
pub struct Listener {
    engine: Engine,
    /// How often each probe was answered.
    answers: BTreeMap<&'static str, u32>,
}

/// What is said, and all of the JSON. Times are seconds since 1970 by the server's clock, with fractions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdicts {
    /// The version of this form, 1.
    pub version: u32,
    /// The whole in a word.
    pub status: Status,
    /// The whole in a line.
    pub summary: String,
    /// When; `null` if the server's clock was not heard.
    pub generated_at: Option<f64>,
    /// Which server; `null` if none was reached.
    pub server: Option<Identity>,
    /// How many checks there are.
    pub checks: Checks,
    /// What is wrong, the worst first; what belongs to one story stands together.
    pub alerts: Vec<Verdict>,
    /// What could not be checked, or not all of it.
    pub not_checked: Vec<NotChecked>,
}

/// The whole in a word; its exit status is 0 to 3, as Nagios has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// Nothing that counts.
    Ok,
    /// Act soon.
    Warning,
    /// Act now.
    Critical,
    /// Not known.
    Unknown,
}

/// Which server it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// Host name, address or socket directory, as asked for.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The database the session is in: rules about tables are about this one.
    pub database: String,
    /// The role that asked.
    pub role: String,
    /// `16.4`.
    pub version: String,
    /// 160004.
    pub version_num: u32,
    /// A standby.
    pub in_recovery: bool,
}

/// How many checks there are. One may be possible in part: it then counts in two of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checks {
    /// In force: not switched off.
    pub all: usize,
    /// Not possible, or not in whole.
    pub not_possible: usize,
    /// Those that need a longer watch than this.
    pub too_soon: usize,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The rule's id.
    pub id: &'static str,
    /// What it is about, stable from run to run; empty for a rule that is about one thing only.
    pub key: String,
    /// How bad.
    pub severity: Severity,
    /// The rule wants to see it for so many seconds, which nobody waited for; `null` if it needs no more.
    pub wants_s: Option<f64>,
    /// Verdicts with the same number are one story; its first is what it is about.
    pub story: usize,
    /// When it began, as far as that is known.
    pub since: f64,
    /// The evidence in a sentence.
    pub sentence: String,
    /// More evidence, a line each.
    pub details: Vec<String>,
    /// How far it is towards each limit, 1 is at it; `null` where there is nothing between yes and no.
    pub reach: Reach,
    /// Sessions, transactions or rows that suffer; 0 if nobody can say.
    pub victims: u64,
    /// Where to look.
    pub jump: Jump,
    /// What to do about it, the best first.
    pub remedies: Vec<Remedy>,
}

/// A check that could not be made, or not of everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotChecked {
    /// The rule's id.
    pub id: &'static str,
    /// What it would find.
    pub title: &'static str,
    /// Why.
    pub reason: String,
    /// What to type.
    pub remedy: Option<String>,
    /// A longer watch is all it needs.
    pub too_soon: bool,
}

impl Listener {
    /// The worker said that, and `known` has heard it.
    pub fn hear(&mut self, known: &Known, news: &News) {
        let probe = match news {
            News::Sample(sample) if sample.data.is_some() => {
                *self.answers.entry(sample.ran.probe).or_default() += 1;
                sample.ran.probe
            }
            News::Skipped { probe, .. } => probe,
            _ => return,
        };
        // What it tells of is read from the engine at the end.
        let _ = self.engine.observe(known, probe);
    }

    /// What is to be said.
    #[must_use]
    pub fn verdicts(&self, seen: &Seen) -> Verdicts {
        let known = &seen.known;
        // What was heard before it was known that the role may write is not told.
        let told = if seen.end == End::Held {
            Vec::new()
        } else {
            stories(&self.engine)
        };
        let alerts: Vec<Verdict> = told
            .iter()
            .enumerate()
            .flat_map(|(nth, story)| self.story(nth, story))
            .collect();
        let not_checked: Vec<NotChecked> = self.engine.unchecked(known).map(NotChecked::of).collect();
        let too_soon = not_checked.iter().filter(|check| check.too_soon).count();
        let checks = Checks {
            all: Engine::checks(known),
            not_possible: not_checked.len() - too_soon,
            too_soon,
        };
        let status = status(&alerts, checks, &seen.end);
        Verdicts {
            version: VERSION,
            status,
            summary: text::summary(status, &alerts, checks, seen),
            generated_at: known.server_now(),
            server: known.server.as_deref().map(Identity::of),
            checks,
            alerts,
            not_checked,
        }
    }

    fn story<'a>(&'a self, nth: usize, story: &'a Story<'a>) -> impl Iterator<Item = Verdict> + 'a {
        story.alerts().filter_map(move |alert| self.verdict(nth, alert))
    }

    /// What counts, if it does. What a rule wants to see for a while has to have been there in two answers; where nobody
    /// asked twice, in the one there is.
    fn verdict(&self, story: usize, alert: &Alert) -> Option<Verdict> {
        let (severity, wants) = match alert.state {
            State::Raised(severity) => (severity, None),
            State::Pending { severity, lasts, wants } => {
                let once = |probe: &&str| self.answers.get(*probe).is_none_or(|answers| *answers < 2);
                if lasts <= 0.0 && !alert.rule.needs.iter().any(once) {
                    return None;
                }
                (severity, Some(wants))
            }
        };
        let finding = alert.finding.clone();
        Some(Verdict {
            id: alert.rule.id,
            key: finding.key,
            severity,
            wants_s: wants,
            story,
            since: alert.since(),
            sentence: finding.sentence,
            details: finding.details,
            reach: finding.reach,
            victims: finding.victims,
            jump: finding.jump,
            remedies: finding.remedies,
        })
    }
}

/// What is to be said where nothing could be watched.
#[must_use]
pub fn refused(sentence: &str) -> Verdicts {
    Verdicts {
        version: VERSION,
        status: Status::Unknown,
        summary: text::unknown(sentence),
        generated_at: None,
        server: None,
        checks: Checks::default(),
        alerts: Vec::new(),
        not_checked: Vec::new(),
    }
}

fn status(alerts: &[Verdict], checks: Checks, end: &End) -> Status {
    let is = |grade| alerts.iter().any(|alert| alert.severity == grade);
    if is(Severity::Critical) {
        return Status::Critical;
    }
    // A connection that broke half way is no all-clear.
    let broke = !matches!(end, End::Complete | End::Late(_));
    let nothing = checks.not_possible + checks.too_soon >= checks.all;
    match (is(Severity::Warning), broke || nothing && alerts.is_empty()) {
        (true, _) => Status::Warning,
        (false, true) => Status::Unknown,
        (false, false) => Status::Ok,
    }
}

impl Status {
    /// The status that the program ends with.
    #[must_use]
    pub const fn exit(self) -> u8 {
        self as u8
    }

    /// As Nagios writes it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }
}

impl Identity {
    fn of(server: &Server) -> Self {
        Self {
            host: server.host.clone(),
            port: server.port,
            database: server.database.clone(),
            role: server.role.clone(),
            version: server.version.clone(),
            version_num: server.version_num,
            in_recovery: server.in_recovery,
        }
    }
}

impl NotChecked {
    fn of(unchecked: Unchecked) -> Self {
        Self {
            id: unchecked.rule.id,
            title: unchecked.rule.title,
            reason: unchecked.blind.why,
            remedy: unchecked.blind.remedy,
            too_soon: unchecked.blind.passing,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::Settings;
    use crate::pg::fault::{Fault, FaultKind};
    use crate::poll::Link;
    use crate::probe::Tier;

    fn seen(end: End) -> Seen {
        let mut known = Known::new(Arc::new(Settings::default()));
        known.set_link(Link::Up(Arc::new(Server::default())));
        Seen { known, role: None, end }
    }

    fn verdict(severity: Severity) -> Verdict {
        Verdict {
            id: "blocked",
            key: String::new(),
            severity,
            wants_s: None,
            story: 0,
            since: 0.0,
            sentence: "3 sessions wait behind pid 7|8".to_owned(),
            details: Vec::new(),
            reach: Reach::fact(severity),
            victims: 3,
            jump: Jump::to("locks"),
            remedies: Vec::new(),
        }
    }

    fn checks(not_possible: usize, too_soon: usize) -> Checks {
        Checks {
            all: 9,
            not_possible,
            too_soon,
        }
    }

    #[rstest::rstest]
    #[case(&[], checks(0, 0), End::Complete, Status::Ok)]
    #[case(&[Severity::Notice], checks(0, 0), End::Complete, Status::Ok)]
    #[case(&[Severity::Critical, Severity::Warning], checks(2, 0), End::Complete, Status::Critical)]
    #[case(&[Severity::Warning], checks(2, 7), End::Complete, Status::Warning)]
    #[case(&[], checks(2, 6), End::Late(vec![Tier::Hourly]), Status::Ok)]
    #[case(&[], checks(2, 7), End::Complete, Status::Unknown)]
    #[case(&[], checks(0, 0), End::Held, Status::Unknown)]
    #[case(&[Severity::Warning], checks(0, 0), End::Lost(Fault::new(FaultKind::Lost, "It broke.")), Status::Warning)]
    #[case(&[Severity::Notice], checks(0, 0), End::Lost(Fault::new(FaultKind::Lost, "It broke.")), Status::Unknown)]
    fn the_status_is_the_worst_and_an_all_clear_is_one(
        #[case] severities: &[Severity],
        #[case] checks: Checks,
        #[case] end: End,
        #[case] expected: Status,
    ) {
        let alerts: Vec<Verdict> = severities.iter().copied().map(verdict).collect();
        let status = status(&alerts, checks, &end);
        assert_eq!(status, expected);
        let line = text::summary(status, &alerts, checks, &seen(end));
        assert!(line.starts_with(status.word()) && !line.contains('|'), "{line}");
    }

    #[test]
    fn the_first_line_says_it_all() {
        let line = |severities: &[Severity], checks, end: End| {
            let alerts: Vec<Verdict> = severities.iter().copied().map(verdict).collect();
            text::summary(status(&alerts, checks, &end), &alerts, checks, &seen(end))
        };
        let severities = [Severity::Critical, Severity::Critical, Severity::Warning];
        assert_eq!(
            line(&severities, checks(2, 0), End::Complete),
            "CRITICAL: 2 critical, 1 warning of 9 checks (2 not possible): 3 sessions wait behind pid 7/8"
        );
        assert_eq!(
            line(&[], checks(1, 2), End::Late(Vec::new())),
            "OK: nothing wrong in 9 checks (1 not possible, 2 need a longer watch). Not everything was answered within 50s."
        );
        assert_eq!(
            line(&[], checks(0, 0), End::Lost(Fault::new(FaultKind::Lost, "It broke."))),
            "UNKNOWN: It broke."
        );
        assert_eq!(
            line(&[], checks(9, 0), End::Complete),
            "UNKNOWN: nothing could be checked (9 not possible)"
        );
    }

    #[test]
    fn what_has_no_measure_is_null() {
        let json = serde_json::to_value(verdict(Severity::Warning)).unwrap();
        assert_eq!(json["reach"]["warning"], serde_json::Value::Null);
        assert_eq!(json["reach"]["critical"], 0.0);
        assert_eq!(json["severity"], "warning");
        assert_eq!(json["jump"]["pane"], "locks");
    }
}
