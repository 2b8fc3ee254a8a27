//! A database nears the point where the server assigns no new transaction or multixact ids: then every write fails.
//!
//! The vacuum that is forced at 200 million is routine; this is about what that vacuum has not saved.

use super::vacuuming;
use crate::alert::{Finding, Jump, Outcome, Reach, Rule, Thing, at_once};
use crate::known::Known;
use crate::model::horizon;
use crate::model::rates::float;
use crate::model::wraparound::{self, Burn, Counter, Level, Rescue, Way, Ways};
use crate::probe::Probe as _;
use crate::probe::activity::Activity;
use crate::probe::horizon::{Holder, HorizonProbe};
use crate::probe::wraparound_databases::{Database, Databases, WraparoundDatabases};
use crate::probe::wraparound_relations::{Relation, WraparoundRelations};
use crate::ui::format;

/// From so much of a limit on it is near.
const NEAR: f64 = 0.8;

pub(super) static RULE: Rule = Rule {
    id: "wraparound",
    title: "transaction or multixact ids run out",
    pane: "wraparound",
    needs: &[WraparoundDatabases::SPEC.id],
    uses: &[HorizonProbe::SPEC.id, WraparoundRelations::SPEC.id],
    server_wide: true,
    check,
    lasts: at_once,
    settles: 0.0,
    warning: "a database's oldest transaction id or multixact is {wraparound_warn_tx_age} old",
    critical: "{wraparound_crit_tx_age}",
    doc: "At 2.1 billion the server assigns no new ids and every write fails. VACUUM (FREEZE) the oldest tables of that \
          database; where something holds the xmin horizon back, end that first, or VACUUM changes nothing.",
};

fn check(known: &Known) -> Outcome {
    let Some(answer) = known.get::<WraparoundDatabases>() else {
        return Outcome::calm();
    };
    // What an interrupted DROP DATABASE left over holds nothing back.
    let databases = answer.databases.iter().filter(|database| !database.invalid);
    Outcome::of(databases.filter_map(|database| finding(database, answer, known)))
}

fn finding(database: &Database, answer: &Databases, known: &Known) -> Option<Finding> {
    let alerts = &known.settings.alerts;
    let ways = Ways::of_database(database, &answer.limits);
    let reach = ways.both().into_iter().fold(Reach::default(), |reach, (_, way)| {
        let (warn, crit) = (alerts.wraparound_warn_tx_age, alerts.wraparound_crit_tx_age);
        reach.or(Reach::rising(float(way.age), warn, crit))
    });
    if reach.warning < NEAR {
        return None;
    }
    let (counter, way) = ways.worse();
    let name = || Thing::Database(database.datname.clone());
    let jump = Jump::panel("wraparound", "databases").row(name());
    let mut finding = Finding::new(&database.datname, reach, sentence(database, counter, way), jump).about(name());
    if let Some(line) = until(counter, way, known) {
        finding = finding.detail(line);
    }
    let held = held_by(&ways, known);
    if let Some(holder) = held {
        let what = format!(
            "{} holds the xmin horizon {} back: VACUUM saves nothing older until it ends",
            horizon::name(holder),
            format::count(holder.xmin_age)
        );
        finding = vacuuming::end_holder(finding.detail(what), holder, known);
    }
    if let Some(line) = at_it(database, &ways, known) {
        finding = finding.detail(line);
    }
    Some(mend(finding, database, known))
}

fn sentence(database: &Database, counter: Counter, way: &Way) -> String {
    let ids = ids(counter);
    let name = &database.datname;
    let age = format::count(way.age);
    if way.level() == Level::Stopped {
        return format!("database {name}: no new {ids} are assigned any more, the oldest is {age} old");
    }
    let left = format::count(way.left());
    format!("database {name}: {left} {ids} left until writes stop, the oldest is {age} old")
}

/// "at 600 transaction ids a second they last 9d".
fn until(counter: Counter, way: &Way, known: &Known) -> Option<String> {
    let pace = Burn::of_session(&known.series, known.now).of(counter)?;
    let seconds = wraparound::seconds(way.left(), pace).filter(|_| way.level() < Level::Stopped)?;
    Some(format!(
        "at {} {} a second, as now, they last {}",
        format::rate(pace),
        ids(counter),
        format::age(seconds)
    ))
}

/// What is counted, in words.
pub(super) const fn ids(counter: Counter) -> &'static str {
    match counter {
        Counter::Xid => "transaction ids",
        Counter::Multixact => "multixacts",
    }
}

/// Who holds the horizon before a database's oldest transaction id.
pub(super) fn held_by<'a>(ways: &Ways, known: &'a Known) -> Option<&'a Holder> {
    let holders = known.fresh::<HorizonProbe>().map_or(&[][..], Vec::as_slice);
    wraparound::held_back(&ways.xid, wraparound::holder_before(holders, None))
}

/// Who saves it, or that nobody does.
fn at_it(database: &Database, ways: &Ways, known: &Known) -> Option<String> {
    let backends = known.fresh::<Activity>()?;
    match wraparound::rescue_of_database(backends, &database.datname, known.sees_all()) {
        Rescue::Running(pid) => Some(format!("autovacuum is at it, pid {pid}")),
        Rescue::None if ways.level() >= Level::Due => Some("no worker of autovacuum is at it".to_owned()),
        Rescue::None | Rescue::Hidden => None,
    }
}

/// The tables of the connected database that keep it old, the oldest first.
fn oldest(database: &Database, known: &Known) -> Vec<Relation> {
    let answer = known.get::<WraparoundRelations>().filter(|_| database.here);
    let Some(answer) = answer else { return Vec::new() };
    let percent = |relation: &Relation| Ways::of_relation(relation, &answer.limits).worse().1.percent();
    let mut relations: Vec<Relation> = answer.relations.clone();
    relations.sort_by(|a, b| percent(b).total_cmp(&percent(a)));
    relations.truncate(2);
    relations
}

/// With its worst table and the statement that makes it young.
fn mend(mut finding: Finding, database: &Database, known: &Known) -> Finding {
    let oldest = oldest(database, known);
    let told: Vec<String> = oldest.iter().map(told).collect();
    if !told.is_empty() {
        finding = finding.detail(format!("the oldest: {}", told.join(", ")));
    }
    if known.in_recovery() {
        return finding.detail("vacuum it on the primary");
    }
    match oldest.first() {
        Some(relation) if relation.temporary => {
            finding = finding.detail("a temporary table only goes with its session: end that");
        }
        Some(relation) => {
            let text = wraparound::vacuum_relation(relation, &database.datname);
            finding = finding.remedy("freeze its oldest table", text);
        }
        None => {}
    }
    finding.remedy("freeze the whole database", wraparound::vacuum_database(database))
}

fn told(relation: &Relation) -> String {
    let (schema, name) = match &relation.owner {
        Some((_, schema, name)) => (schema, name),
        None => (&relation.nspname, &relation.relname),
    };
    let age = format::count(relation.xid_age.max(relation.mxid_age));
    format!("{schema}.{name} {age}")
}

#[cfg(test)]
pub(super) mod tests;
