//! Somebody holds the xmin horizon back: no VACUUM removes a row that was deleted since, in any table it may look at.
//!
//! A horizon's age counts in transactions, and a busy server makes ten million of them in half an hour: a backup of
//! twenty minutes is no incident. So both limits have to be reached, in transactions and in time; what has no age in
//! time (slots, standbys) is as old as its transactions took at the present pace.

use super::vacuuming;
use crate::alert::{Finding, Jump, Outcome, Reach, Rule};
use crate::known::Known;
use crate::model::concern::Severity;
use crate::model::horizon::{self, Kind};
use crate::model::rates::float;
use crate::model::wraparound::Burn;
use crate::probe::Probe as _;
use crate::probe::autovacuum::AutovacuumProbe;
use crate::probe::horizon::{Holder, HorizonProbe};
use crate::probe::wraparound_databases::WraparoundDatabases;
use crate::ui::format;

const KINDS: [Kind; 5] = [
    Kind::Session,
    Kind::Prepared,
    Kind::Slot,
    Kind::SlotCatalog,
    Kind::Standby,
];
/// From so much of a limit on it is near.
const NEAR: f64 = 0.8;
/// The pace of transactions is known from the second answer on.
const PACE_S: f64 = 30.0;

pub(super) static RULE: Rule = Rule {
    id: "horizon",
    title: "the xmin horizon is held back",
    pane: "vacuum",
    needs: &[HorizonProbe::SPEC.id],
    uses: &[AutovacuumProbe::SPEC.id, WraparoundDatabases::SPEC.id],
    server_wide: true,
    check,
    lasts: |alerts, _| PACE_S.min(alerts.horizon_warn_s),
    settles: 0.0,
    warning: "the oldest session, prepared transaction, slot or standby holds it for {horizon_warn_tx_age} transactions \
              and {horizon_warn_s}",
    critical: "{horizon_crit_tx_age} and {horizon_crit_s}; never for what keeps system catalogs only, or for autovacuum",
    doc: "Tables and indexes grow until it is let go, and at 200 million transactions freezing stops as well. End the \
          session, roll the prepared transaction back, bring the standby or subscriber back or drop its slot.",
};

fn check(known: &Known) -> Outcome {
    // What a standby's queries hold back is seen on its primary, and only if the standby sends feedback.
    let Some(holders) = known.get::<HorizonProbe>().filter(|_| !known.in_recovery()) else {
        return Outcome::calm();
    };
    let pace = Burn::of_session(&known.series, known.now).xid;
    let oldest = KINDS.iter().filter_map(|kind| {
        let of_kind = holders.iter().filter(|holder| horizon::kind(holder) == *kind);
        horizon::oldest(of_kind)
    });
    let outcome = Outcome::of(oldest.filter_map(|holder| finding(holder, pace, known)));
    match vacuuming::hidden(known) {
        Some(why) => outcome.but_not_others(why, Some(known.grant())),
        None => outcome,
    }
}

fn finding(holder: &Holder, pace: Option<f64>, known: &Known) -> Option<Finding> {
    let reach = reach(holder, pace, known);
    if reach.warning < NEAR {
        return None;
    }
    let sentence = format!(
        "{} holds the xmin horizon {} transactions back",
        horizon::name(holder),
        format::count(holder.xmin_age)
    );
    let thing = vacuuming::holder_thing(holder);
    let jump = Jump::panel("vacuum", "horizon").row(thing.clone());
    let mut finding = Finding::new(key(holder), reach, sentence, jump).since(known.began::<HorizonProbe>(holder.age_s));
    if let Some(kept) = kept(holder, known) {
        finding = finding.detail(kept);
    }
    finding = finding.detail(lasted(holder, pace)).detail(advice(holder));
    Some(vacuuming::end_holder(finding, holder, known))
}

fn reach(holder: &Holder, pace: Option<f64>, known: &Known) -> Reach {
    let alerts = &known.settings.alerts;
    let by_age = Reach::rising(
        float(holder.xmin_age),
        alerts.horizon_warn_tx_age,
        alerts.horizon_crit_tx_age,
    );
    let seconds = horizon::held_s(holder, pace).unwrap_or(f64::INFINITY);
    let reach = by_age.and(Reach::rising(seconds, alerts.horizon_warn_s, alerts.horizon_crit_s));
    let catalogs = horizon::reach(holder) == horizon::Reach::Catalogs;
    if catalogs || holder.state.as_deref() == Some("autovacuum worker") {
        reach.at_most(Severity::Warning)
    } else {
        reach
    }
}

/// Which it is: nothing that changes.
fn key(holder: &Holder) -> String {
    match (holder.pid, holder.start, horizon::kind(holder)) {
        (Some(pid), Some(start), Kind::Session | Kind::Standby) => format!("{}:{pid}:{start}", holder.kind),
        _ => format!("{}:{}", holder.kind, holder.name),
    }
}

/// "≤1.2 M dead rows of app cannot be removed".
fn kept(holder: &Holder, known: &Known) -> Option<String> {
    let totals = known.fresh::<AutovacuumProbe>().map(|queue| &queue.totals);
    let kept = horizon::kept(holder, totals).filter(|kept| *kept > 0)?;
    let (rows, database) = (format::count(kept), &known.server.as_ref()?.database);
    let catalogs = if horizon::reach(holder) == horizon::Reach::Catalogs {
        "system catalogs of "
    } else {
        ""
    };
    Some(format!(
        "≤{rows} dead rows in {catalogs}{database} cannot be removed while it does"
    ))
}

/// For how long, and what it does.
fn lasted(holder: &Holder, pace: Option<f64>) -> String {
    let whose = match horizon::reach(holder) {
        horizon::Reach::Everywhere => "the tables of all databases".to_owned(),
        horizon::Reach::Database(database) => format!("the tables of {database}"),
        horizon::Reach::Catalogs => "system catalogs only".to_owned(),
    };
    let state = holder
        .state
        .as_deref()
        .map(|state| format!("{state}, "))
        .unwrap_or_default();
    let time = match (holder.age_s, horizon::held_s(holder, pace)) {
        (Some(age), _) => format!("its transaction is {} old", format::age(age)),
        (None, Some(seconds)) => format!("≈{} at the present pace", format::age(seconds)),
        (None, None) => "nobody knows for how long".to_owned(),
    };
    format!("{state}{time}, holds {whose}")
}

fn advice(holder: &Holder) -> String {
    horizon::advice(holder).trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests;
