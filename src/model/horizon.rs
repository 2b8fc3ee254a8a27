//! What the holders of the xmin horizon mean: which rows each of them keeps from VACUUM, whether it is old enough to
//! say so, and what helps.

use super::remedy::{self, Who};
use crate::probe::activity::Backend;
use crate::probe::autovacuum::Totals;
use crate::probe::horizon::Holder;

/// A holder older than this is worth a warning: an hour.
const OLD_S: f64 = 3600.0;
/// The same in transactions, for what has no age in time.
const OLD_XIDS: i64 = 10_000_000;

/// What kind of holder it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A session with a snapshot or a transaction id.
    Session,
    /// A prepared transaction.
    Prepared,
    /// A slot's `xmin`: a standby with `hot_standby_feedback`.
    Slot,
    /// A slot's `catalog_xmin`: logical decoding.
    SlotCatalog,
    /// A standby with `hot_standby_feedback` and no slot.
    Standby,
}

/// The rows it keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those of every database.
    Everywhere,
    /// Those of one database (besides shared catalogs).
    Database(String),
    /// Those of system catalogs, in every database.
    Catalogs,
}

/// What kind it is.
#[must_use]
pub fn kind(holder: &Holder) -> Kind {
    match holder.kind.as_str() {
        "prepared transaction" => Kind::Prepared,
        "slot" => Kind::Slot,
        "slot catalog" => Kind::SlotCatalog,
        "standby" => Kind::Standby,
        _ => Kind::Session,
    }
}

/// The rows it keeps: sessions and prepared transactions hold the tables of their own database only
/// (`ComputeXidHorizons` in procarray.c).
#[must_use]
pub fn reach(holder: &Holder) -> Reach {
    match (kind(holder), &holder.database) {
        (Kind::SlotCatalog, _) => Reach::Catalogs,
        (_, Some(database)) => Reach::Database(database.clone()),
        (_, None) => Reach::Everywhere,
    }
}

/// The most dead rows of the connected database that it can keep: all that are counted there. `None` for a holder
/// of another database, and where nothing is counted.
#[must_use]
pub fn kept(holder: &Holder, totals: Option<&Totals>) -> Option<i64> {
    let totals = totals?;
    match reach(holder) {
        Reach::Catalogs => Some(totals.dead_catalog),
        Reach::Everywhere | Reach::Database(_) if holder.here => Some(totals.dead),
        Reach::Everywhere | Reach::Database(_) => None,
    }
}

/// Whoever keeps the dead rows of the connected database's tables for longest; `catalog` for one of its system catalogs.
#[must_use]
pub fn oldest_here(holders: &[Holder], catalog: bool) -> Option<&Holder> {
    let keeps = |holder: &&Holder| match reach(holder) {
        Reach::Catalogs => catalog,
        Reach::Everywhere | Reach::Database(_) => holder.here,
    };
    oldest(holders.iter().filter(keeps))
}

/// The oldest; of several as old as each other the first.
pub fn oldest<'a>(holders: impl IntoIterator<Item = &'a Holder>) -> Option<&'a Holder> {
    let older = |oldest: &'a Holder, holder: &'a Holder| {
        if holder.xmin_age > oldest.xmin_age {
            holder
        } else {
            oldest
        }
    };
    holders.into_iter().reduce(older)
}

/// For how many seconds it has held at most: as long as its transaction lasts. What has no age in time is as old as the
/// transactions since then took at the present pace. `None` if nobody can say.
#[must_use]
pub fn held_s(holder: &Holder, xids_per_second: Option<f64>) -> Option<f64> {
    let by_pace = || {
        let pace = xids_per_second.filter(|pace| *pace > 0.0)?;
        Some(super::rates::float(holder.xmin_age) / pace)
    };
    holder.age_s.or_else(by_pace)
}

/// Who it is, in a few words: `pid 700 (checkout-api)`, `slot cdc`.
#[must_use]
pub fn name(holder: &Holder) -> String {
    match (kind(holder), holder.pid) {
        (Kind::Session, Some(pid)) => {
            let application = holder.application.as_deref().filter(|name| !name.is_empty());
            let called = application.unwrap_or(&holder.name);
            if called.is_empty() {
                format!("pid {pid}")
            } else {
                format!("pid {pid} ({called})")
            }
        }
        (Kind::Slot | Kind::SlotCatalog, _) => format!("slot {}", holder.name),
        _ => format!("{} {}", holder.kind, holder.name),
    }
}

/// Old enough to say so.
#[must_use]
pub fn old(holder: &Holder) -> bool {
    holder.age_s.is_some_and(|age| age > OLD_S) || holder.xmin_age > OLD_XIDS
}

/// Idle transactions that hold neither a transaction id nor a snapshot: they keep nothing from VACUUM.
#[must_use]
pub fn idle_without_snapshot(backends: &[Backend]) -> usize {
    let idle = backends.iter().filter(|backend| {
        let state = backend.state.as_deref();
        state.is_some_and(|state| state.starts_with("idle in transaction"))
    });
    idle.filter(|backend| backend.xid_age.is_none() && backend.xmin_age.is_none())
        .count()
}

/// What helps, in a sentence.
#[must_use]
pub fn advice(holder: &Holder) -> String {
    match (kind(holder), holder.active) {
        (Kind::Session, _) if holder.state.as_deref() == Some("autovacuum worker") => {
            "Autovacuum holds it while it analyzes; it ends by itself.".to_owned()
        }
        (Kind::Session, _) => {
            "Commit or end it. idle_in_transaction_session_timeout ends forgotten ones, statement_timeout long ones."
                .to_owned()
        }
        (Kind::Prepared, _) => "No session belongs to it: COMMIT PREPARED or ROLLBACK PREPARED ends it.".to_owned(),
        (Kind::Slot, Some(true)) | (Kind::Standby, _) => {
            "A query on the standby needs these rows: end it there, or set hot_standby_feedback = off on the standby."
                .to_owned()
        }
        (Kind::Slot, _) => {
            "Its standby is away and its feedback stays. Bring it back, or drop the slot if it is gone for good."
                .to_owned()
        }
        (Kind::SlotCatalog, Some(true)) => {
            "The subscriber decodes slowly: see how far it is behind on Replication.".to_owned()
        }
        (Kind::SlotCatalog, _) => {
            "Nobody decodes it. Bring its subscriber back, or drop the slot if it is gone for good.".to_owned()
        }
    }
}

/// The statements that end it, each under its bare form. `who` is what is known of the session, `prepared` when a
/// prepared transaction was prepared, in seconds since 1970.
#[must_use]
pub fn remedies(holder: &Holder, who: &Who<'_>, prepared: Option<f64>) -> Vec<(String, String)> {
    match (kind(holder), holder.active) {
        (Kind::Session, _) => remedy::copies(who),
        (Kind::Prepared, _) => {
            let owner = holder.detail.as_deref().unwrap_or_default();
            let database = holder.database.as_deref().unwrap_or_default();
            let text = remedy::rollback_prepared(&holder.name, owner, database, prepared);
            vec![("ROLLBACK PREPARED".to_owned(), text)]
        }
        // A slot that is in use cannot be dropped.
        (Kind::Slot | Kind::SlotCatalog, Some(true)) | (Kind::Standby, _) => vec![(
            "hot_standby_feedback = off".to_owned(),
            "ALTER SYSTEM SET hot_standby_feedback = off; -- on the standby, then SELECT pg_reload_conf(); \
             queries there may be cancelled by conflicts"
                .to_owned(),
        )]
        .into_iter()
        .filter(|_| kind(holder) != Kind::SlotCatalog)
        .collect(),
        (Kind::Slot | Kind::SlotCatalog, _) => {
            let slot_type = holder.state.as_deref().unwrap_or("replication");
            let text = remedy::drop_slot(&holder.name, slot_type, holder.database.as_deref());
            vec![("drop the slot".to_owned(), text)]
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn holder(kind: &str, database: Option<&str>, here: bool) -> Holder {
        Holder {
            kind: kind.to_owned(),
            name: "x".to_owned(),
            database: database.map(Into::into),
            here,
            ..Holder::default()
        }
    }

    #[rstest]
    #[case::session_here(holder("session", Some("app"), true), Reach::Database("app".into()), Some(500))]
    #[case::session_elsewhere(holder("session", Some("other"), false), Reach::Database("other".into()), None)]
    #[case::prepared(holder("prepared transaction", Some("app"), true), Reach::Database("app".into()), Some(500))]
    #[case::slot(holder("slot", None, true), Reach::Everywhere, Some(500))]
    #[case::standby(holder("standby", None, true), Reach::Everywhere, Some(500))]
    #[case::catalogs(holder("slot catalog", None, true), Reach::Catalogs, Some(7))]
    fn what_each_keeps(#[case] holder: Holder, #[case] expected: Reach, #[case] rows: Option<i64>) {
        let totals = Totals {
            dead: 500,
            dead_catalog: 7,
            ..Totals::default()
        };
        assert_eq!(reach(&holder), expected);
        assert_eq!(kept(&holder, Some(&totals)), rows);
        assert_eq!(kept(&holder, None), None);
    }

    #[rstest]
    #[case::an_hour(Some(3601.0), 5, true)]
    #[case::a_busy_server(Some(20.0), 9_000_000, false)]
    #[case::many_transactions(None, 10_000_001, true)]
    fn when_it_is_old(#[case] age_s: Option<f64>, #[case] xmin_age: i64, #[case] expected: bool) {
        let holder = Holder {
            xmin_age,
            age_s,
            ..holder("session", None, true)
        };
        assert_eq!(old(&holder), expected);
    }

    #[test]
    fn only_idle_transactions_without_a_snapshot_are_harmless() {
        let backend = |state: &str, xid_age, xmin_age| Backend {
            state: Some(state.into()),
            xid_age,
            xmin_age,
            ..Backend::default()
        };
        let backends = [
            backend("idle in transaction", None, None),
            backend("idle in transaction", Some(3), None),
            backend("idle in transaction", None, Some(3)),
            backend("idle", None, None),
            backend("active", None, None),
        ];
        assert_eq!(idle_without_snapshot(&backends), 1);
    }

    #[rstest]
    #[case::session("session", None, &["SELECT pg_cancel_backend(7);", "SELECT pg_terminate_backend(7);"])]
    #[case::slot_in_use("slot", Some(true), &["hot_standby_feedback = off"])]
    #[case::slot_left_behind("slot", Some(false), &["drop the slot"])]
    #[case::logical_in_use("slot catalog", Some(true), &[])]
    #[case::logical_left_behind("slot catalog", Some(false), &["drop the slot"])]
    #[case::standby("standby", Some(true), &["hot_standby_feedback = off"])]
    #[case::prepared("prepared transaction", None, &["ROLLBACK PREPARED"])]
    fn what_helps(#[case] kind: &str, #[case] active: Option<bool>, #[case] expected: &[&str]) {
        let holder = Holder {
            active,
            ..holder(kind, None, true)
        };
        let who = Who {
            pid: 7,
            state: Some("active"),
            ..Who::default()
        };
        let offered: Vec<_> = remedies(&holder, &who, None)
            .into_iter()
            .map(|(what, _)| what)
            .collect();
        assert_eq!(offered, expected);
        assert!(!advice(&holder).is_empty());
    }
}
