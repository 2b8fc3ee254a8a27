//! What rates have in common: a limit of the user's, and what is ordinary here.
//!
//! A rate beyond its limit is a warning or critical. One that is far above what this session has seen before is a
//! notice, from half of the warning on: unusual is not yet bad, and a server that always writes so much is not unusual
//! however much it writes.

use std::time::Duration;

use crate::alert::{Finding, Jump, Reach, Thing};
use crate::config::Alerts;
use crate::known::Known;
use crate::model::baseline::{Standing, Watch, standing};
use crate::model::concern::Severity;
use crate::model::statements::{Growth, Trust};
use crate::pg::redact::redact;
use crate::probe::statement_texts::StatementTexts;
use crate::probe::statements::StatementsProbe;
use crate::ui::format;

/// A surge is measured over so long.
pub(super) const NOW: Duration = Duration::from_mins(1);
/// What is this near to a limit is told of.
pub(super) const NEAR: f64 = 0.8;
/// Below this share of the warning nothing is unusual.
const FLOOR: f64 = 0.5;
/// Less than this share of it is not worth naming who does it.
const NAMED: f64 = 0.1;
/// Characters of a statement's text.
const TEXT: usize = 70;

/// How long a surge has to last.
pub(super) fn lasts(alerts: &Alerts, _: Severity) -> f64 {
    alerts.surge_for_s
}

/// A rate and how far it reaches.
pub(super) struct Pace {
    /// Per second, over the last minute or as much of it as was seen.
    pub now: f64,
    /// What was ordinary before.
    pub usual: Option<Standing>,
    pub reach: Reach,
}

/// The pace of a series; `None` before there are two readings.
pub(super) fn pace(known: &Known, name: &str, window: Duration, (warn, crit): (f64, f64)) -> Option<Pace> {
    let now = known.series.mean(name, known.now, NOW)?;
    if now < warn * FLOOR * NEAR {
        let reach = Reach::default();
        return Some(Pace {
            now,
            usual: None,
            reach,
        });
    }
    let watch = Watch::surge(window, warn * FLOOR);
    let usual = standing(&known.series, name, known.now, &watch).ok();
    let unusual = usual.filter(|standing| standing.lasts.is_some());
    let unusual = unusual.map_or(0.0, |standing| standing.now / standing.limit);
    let reach = Reach::rising(now, warn, crit).or(Reach {
        notice: unusual,
        ..Reach::default()
    });
    Some(Pace { now, usual, reach })
}

impl Pace {
    /// It is far from any limit.
    pub fn is_calm(&self) -> bool {
        self.reach.notice < NEAR
    }

    /// The finding with what is usual and since when it is not.
    pub fn told(&self, finding: Finding, known: &Known) -> Finding {
        let Some(usual) = &self.usual else {
            return finding;
        };
        let ordinary = format::bytes_per_s(usual.ordinary.mean);
        let Some(lasts) = usual.lasts else {
            return finding.detail(format!("as before: {ordinary} is usual in this session"));
        };
        let since = known.server_now().map(|now| now - lasts.as_secs_f64());
        finding
            .since(since)
            .detail(format!("{ordinary} is usual in this session"))
    }
}

/// The statement that did most of something in the newest interval, and so much of it a second.
pub(super) fn most(known: &Known, amount: impl Fn(&Growth) -> f64) -> Option<(&Growth, f64)> {
    known.fresh::<StatementsProbe>()?;
    let interval = known.workload.last().ok()?;
    let told = interval.rows.iter().filter(|row| row.trust != Trust::Unknown);
    let most = told.max_by(|a, b| amount(a).total_cmp(&amount(b)))?;
    let rate = most.per_second(amount(most))?;
    (rate > 0.0).then_some((most, rate))
}

/// A finding that names the statement which does most of it, if one stands out.
pub(super) fn blamed(
    mut finding: Finding,
    known: &Known,
    who: Option<(&Growth, f64)>,
    all: f64,
    does: &str,
) -> Finding {
    let Some((growth, rate)) = who.filter(|(_, rate)| *rate >= all * NAMED) else {
        return finding;
    };
    finding.jump = Jump::to("queries").row(Thing::from(growth.key));
    let whose = whose(growth.user.as_deref(), growth.database.as_deref());
    let rate = format::bytes_per_s(rate);
    let finding = finding.detail(format!("statement {} of {whose} {does} {rate}", growth.key.query));
    match text(known, growth.key.query) {
        Some(text) => finding.detail(text),
        None => finding,
    }
}

/// Role and database of a statement.
pub(super) fn whose(user: Option<&str>, database: Option<&str>) -> String {
    let user = user.unwrap_or("a dropped role");
    format!("{user} in {}", database.unwrap_or("a dropped database"))
}

/// The beginning of a statement's text on one line without its literals, if it was read.
pub(super) fn text(known: &Known, query: i64) -> Option<String> {
    let kept = known.get::<StatementTexts>().and_then(|texts| texts.get(query));
    let text = kept
        .map(|kept| &kept.text)
        .or_else(|| known.workload.seen(query, true))?;
    let redacted = redact(text);
    let words: Vec<&str> = redacted.split_whitespace().take(TEXT).collect();
    let line = words.join(" ");
    let cut: String = line.chars().take(TEXT).collect();
    Some(if cut.len() < line.len() { cut + "…" } else { line })
}

/// Bytes of a block.
pub(super) fn block(known: &Known) -> f64 {
    f64::from(known.server.as_ref().map_or(8192, |server| server.block_size.max(1)))
}
