//! A subscription that does not take what it should.

use crate::alert::{Finding, Jump, Outcome, Reach, Rule, Thing};
use crate::known::Known;
use crate::model::concern::Severity;
use crate::model::remedy;
use crate::model::subscriptions::{self, State};
use crate::model::trails::{Speed, What, subscription_key};
use crate::pg::quote::identifier;
use crate::probe::Probe as _;
use crate::probe::subscriptions::{Subscription, SubscriptionsProbe};
use crate::ui::format;

/// Errors within the last minutes from which on they keep coming.
const SEVERAL: f64 = 2.0;

pub(super) static RULE: Rule = Rule {
    id: "subscriptions",
    title: "a subscription does not work",
    pane: "replication",
    needs: &[SubscriptionsProbe::SPEC.id],
    uses: &[],
    server_wide: true,
    check,
    lasts: super::receiver::lasts,
    settles: 30.0,
    warning: "disabled by an error, enabled without a worker, or errors keep coming, for {repl_warn_s}",
    critical: "disabled by an error or without a worker for {repl_crit_s}",
    doc: "Changes are not applied here, and the slot on the publisher keeps WAL for them. The server log has the error; \
          one that somebody disabled is none.",
};

fn check(known: &Known) -> Outcome {
    let all = known.get::<SubscriptionsProbe>().map_or(&[][..], Vec::as_slice);
    let mut unknown = 0;
    let mut findings = Vec::new();
    for subscription in all {
        let state = State::of(subscription);
        let state = if known.in_recovery() { state.on_standby() } else { state };
        unknown += usize::from(state == State::Unknown);
        findings.extend(finding(subscription, state, known));
    }
    let outcome = Outcome::of(findings);
    if unknown == 0 {
        return outcome;
    }
    let why = "two databases have a subscription of one name: before 14 their workers cannot be told apart";
    outcome.but_not_others(why, None)
}

fn finding(subscription: &Subscription, state: State, known: &Known) -> Option<Finding> {
    let name = &subscription.name;
    let key = subscription_key(&subscription.database, name);
    let errors = known.series.trails().speed(What::SubscriptionErrors, &key);
    let (severity, sentence) = match state {
        State::DisabledByError => (Severity::Critical, format!("an error disabled subscription {name}")),
        State::NoWorker => (
            Severity::Critical,
            format!("subscription {name} is enabled and has no worker"),
        ),
        State::Disabled | State::OnPrimary => return None,
        _ => {
            let (count, speed) = counted(errors?)?;
            let over = format::age(speed.over);
            (
                Severity::Warning,
                format!(
                    "subscription {name} had {} in {over}",
                    format::counted(count, "error", "errors")
                ),
            )
        }
    };
    let thing = Thing::Subscription(subscriptions::identity(subscription));
    let jump = Jump::panel("replication", "subscriptions").row(thing.clone());
    let finding = Finding::new(key, Reach::fact(severity), sentence, jump).about(thing);
    Some(evidence(finding, subscription, state))
}

/// As many errors as make several, of the trail's last minutes.
fn counted(speed: Speed) -> Option<(f64, Speed)> {
    let count = (speed.per_second * speed.over).round();
    (count >= SEVERAL).then_some((count, speed))
}

fn evidence(mut finding: Finding, subscription: &Subscription, state: State) -> Finding {
    let errors = subscription.apply_errors.zip(subscription.sync_errors);
    if let Some((apply, sync)) = errors.filter(|(apply, sync)| apply + sync > 0) {
        finding = finding.detail(format!(
            "{} while applying, {} while copying tables; the server log has them",
            format::counted(apply, "error", "errors"),
            format::count(sync)
        ));
    } else {
        finding = finding.detail("the server log says why");
    }
    finding = finding.detail(format!(
        "in database {}, of {}",
        subscription.database,
        subscription.publications.join(", ")
    ));
    if let Some(slot) = &subscription.slot_name {
        finding = finding.detail(format!("the slot {slot} on the publisher keeps WAL for it"));
    }
    if state == State::DisabledByError {
        let database = remedy::one_line(&subscription.database);
        let enable = format!(
            "ALTER SUBSCRIPTION {} ENABLE; -- in database {database}, after what failed is mended",
            identifier(&subscription.name)
        );
        finding = finding.remedy("enable it again", enable);
    }
    finding
}

#[cfg(test)]
mod tests;
