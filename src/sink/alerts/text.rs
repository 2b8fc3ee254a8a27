//! The verdicts in words: a first line for machines that show only that, then everything.

use super::{Checks, NotChecked, Status, Verdict, Verdicts};
use crate::model::concern::Severity;
use crate::sink::page::Page;
use crate::sink::watch::{End, LIMIT, Seen};
use crate::ui::format;
use crate::ui::look::Role;

/// What stands for the sign that ends the text of a check and begins its numbers.
const BAR: &str = "/";

/// The first line where nothing is known.
pub(super) fn unknown(why: &str) -> String {
    format!("{}: {why}", Status::Unknown.word()).replace('|', BAR)
}

/// The first line, without the numbers behind it.
pub(super) fn summary(status: Status, alerts: &[Verdict], checks: Checks, seen: &Seen) -> String {
    let count = |grade| alerts.iter().filter(|alert| alert.severity == grade).count();
    let grades = [
        (count(Severity::Critical), "critical", "critical"),
        (count(Severity::Warning), "warning", "warnings"),
        (count(Severity::Notice), "notice", "notices"),
    ];
    let counted = grades.into_iter().filter(|(count, ..)| *count > 0);
    let counted: Vec<String> = counted
        .map(|(count, one, many)| format::counted(count, one, many))
        .collect();
    let found = if counted.is_empty() {
        "nothing wrong in".to_owned()
    } else {
        format!("{} of", counted.join(", "))
    };
    let first = alerts
        .first()
        .map_or_else(String::new, |alert| format!(": {}", alert.sentence));
    let line = match (status, broke(seen)) {
        (Status::Unknown, Some(why)) => unknown(&why),
        (Status::Unknown, None) => format!("{}: nothing could be checked{}", status.word(), missing(checks)),
        (_, why) => {
            let why = why.map_or_else(String::new, |why| format!(". {why}"));
            format!(
                "{}: {found} {} checks{}{first}{why}",
                status.word(),
                checks.all,
                missing(checks)
            )
        }
    };
    line.replace('|', BAR)
}

/// What was not checked, in brackets.
fn missing(checks: Checks) -> String {
    let parts = [
        (checks.not_possible, "not possible"),
        (
            checks.too_soon,
            if checks.too_soon == 1 {
                "needs a longer watch"
            } else {
                "need a longer watch"
            },
        ),
    ];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|(count, what)| format!("{count} {what}")).collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!(" ({})", parts.join(", "))
    }
}

/// Why not everything was seen, if it was not.
fn broke(seen: &Seen) -> Option<String> {
    match &seen.end {
        End::Complete | End::Stopped => None,
        End::Late(_) => {
            let limit = format::duration(LIMIT.as_secs_f64());
            Some(format!("Not everything was answered within {limit}."))
        }
        End::Lost(fault) => Some(fault.to_string()),
        End::Held => Some(held(seen)),
    }
}

/// Why a role is not used.
fn held(seen: &Seen) -> String {
    let role = seen.known.role();
    let what = match &seen.role {
        Some(Ok(findings)) => format!("Role {role} may write: {}", findings.sentences().join(" ")),
        Some(Err(fault)) => format!("Whether role {role} may write could not be found out. {fault}"),
        None => format!("Whether role {role} may write is not known."),
    };
    format!("{what} Make a role that only reads (pgmon-tui check says how), or say --allow-privileged-role.")
}

impl Verdicts {
    /// Writes them down.
    pub fn write(&self, page: &mut Page<'_>) {
        let role = match self.status {
            Status::Ok => Role::Ok,
            Status::Warning => Role::Warning,
            Status::Critical => Role::Critical,
            Status::Unknown => Role::Denied,
        };
        page.line(role, &format!("{} | {}", self.summary, self.numbers()));
        if !self.alerts.is_empty() {
            page.title("Wrong now");
        }
        let mut story = None;
        for verdict in &self.alerts {
            self.write_verdict(page, verdict, story == Some(verdict.story));
            story = Some(verdict.story);
        }
        self.write_unchecked(page, "Not possible", false);
        self.write_unchecked(page, "Needs a longer watch", true);
    }

    /// The numbers that Nagios keeps. A limit there is the highest value that is still well.
    fn numbers(&self) -> String {
        let count = |grade| self.alerts.iter().filter(|alert| alert.severity == grade).count();
        let Checks {
            all,
            not_possible,
            too_soon,
        } = self.checks;
        format!(
            "critical={};;0 warning={};0 notice={} checks={all} not_possible={not_possible} too_soon={too_soon}",
            count(Severity::Critical),
            count(Severity::Warning),
            count(Severity::Notice)
        )
    }

    /// One of them; `folded` is one that belongs to the story above it.
    fn write_verdict(&self, page: &mut Page<'_>, verdict: &Verdict, folded: bool) {
        let (role, word) = match verdict.severity {
            Severity::Critical => (Role::Critical, "critical"),
            Severity::Warning => (Role::Warning, "warning"),
            Severity::Notice => (Role::Notice, "notice"),
        };
        let age = self
            .generated_at
            .map(|now| now - verdict.since)
            .filter(|age| *age >= 1.0);
        let since = match (verdict.wants_s, age) {
            (Some(wants), _) => format!("now; the rule wants {}", format::duration(wants)),
            (None, Some(age)) => format!("for {}", format::age(age)),
            (None, None) => "now".to_owned(),
        };
        let also = if folded { "with it " } else { "" };
        page.point(role, &format!("{also}{word} {since}: {}.", verdict.sentence));
        for detail in &verdict.details {
            page.more(&format!("{detail}."));
        }
        for remedy in &verdict.remedies {
            // Some are known by their statement.
            if remedy.text.starts_with(&remedy.what) {
                page.remedy(&remedy.text);
            } else {
                page.remedy_for(&format!("To {}:", remedy.what), &remedy.text);
            }
        }
    }

    fn write_unchecked(&self, page: &mut Page<'_>, title: &str, too_soon: bool) {
        let checks = self.not_checked.iter().filter(|check| check.too_soon == too_soon);
        let checks: Vec<&NotChecked> = checks.collect();
        if checks.is_empty() {
            return;
        }
        page.title(title);
        for check in checks {
            page.point(
                Role::Muted,
                &format!("{}: {}.", check.title, check.reason.trim_end_matches('.')),
            );
            if let Some(remedy) = &check.remedy {
                page.remedy(remedy);
            }
        }
    }
}
