//! Prepared transactions that nobody ends: no session belongs to them, and they outlive a restart.

use crate::alert::{Blind, Finding, Jump, Reach, Thing, used};
use crate::known::Known;
use crate::model::horizon::{self, Kind};
use crate::model::remedy;
use crate::probe::horizon::{Holder, HorizonProbe};
use crate::ui::format;

use crate::alert::rules::people;

/// Those near the limit, and why there are none to be seen.
pub(super) fn findings(known: &Known) -> (Vec<Finding>, Option<Blind>) {
    let holders = match used::<HorizonProbe>(known) {
        Ok(holders) => holders.map_or(&[][..], Vec::as_slice),
        Err(unknown) => return (Vec::new(), unknown.blind),
    };
    let near = 0.8 * known.settings.alerts.long_txn_warn_s;
    let prepared = holders.iter().filter(|holder| horizon::kind(holder) == Kind::Prepared);
    let old = prepared.filter(|holder| holder.age_s >= Some(near));
    (old.map(|holder| finding(holder, known)).collect(), None)
}

fn finding(holder: &Holder, known: &Known) -> Finding {
    let alerts = &known.settings.alerts;
    let age = holder.age_s.unwrap_or_default();
    let began = known.began::<HorizonProbe>(holder.age_s);
    let owner = holder.detail.as_deref().unwrap_or_default();
    let database = holder.database.as_deref().unwrap_or_default();
    let thing = Thing::Prepared(holder.name.clone());
    Finding::new(
        format!("prepared:{}", holder.name),
        Reach::rising(age, alerts.long_txn_warn_s, alerts.long_txn_crit_s),
        format!(
            "transaction {} is prepared for {} and not ended",
            people::clipped(&holder.name),
            format::age(age)
        ),
        Jump::panel("vacuum", "horizon").row(thing.clone()),
    )
    .since(began)
    .about(thing)
    .detail(format!(
        "prepared by {} in database {}; its locks stay, also over a restart",
        people::clipped(owner),
        people::clipped(database)
    ))
    .detail(format!(
        "VACUUM removes nothing of the last {} transactions there",
        format::count(holder.xmin_age)
    ))
    .remedy(
        "roll the prepared transaction back",
        remedy::rollback_prepared(&holder.name, owner, database, began),
    )
}
