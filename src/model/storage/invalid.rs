//! Invalid indexes: being built, left behind, or waiting for their parts; and what mends each.

use super::indexes::drop_index;
use super::{Text, commented};
use crate::probe::indexes_invalid::InvalidIndex;

/// What an invalid index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Somebody builds it.
    Building,
    /// It cannot be told: indexes are built on the primary only.
    OnStandby,
    /// The index of a partitioned table, of which some partition has none yet.
    Incomplete,
    /// A `DROP INDEX CONCURRENTLY` that did not come to its end.
    HalfDropped,
    /// The new index of a `REINDEX CONCURRENTLY` that failed; the old one still serves.
    ReindexFailed,
    /// The old index of a `REINDEX CONCURRENTLY` that succeeded and could not drop it.
    ReindexLeftOver,
    /// A `CREATE INDEX CONCURRENTLY` that failed.
    BuildFailed,
}

impl State {
    /// In a few words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Building => "being built",
            Self::OnStandby => "not valid",
            Self::Incomplete => "partitions missing",
            Self::HalfDropped => "half dropped",
            Self::ReindexFailed => "REINDEX failed",
            Self::ReindexLeftOver => "REINDEX left over",
            Self::BuildFailed => "build failed",
        }
    }

    /// True if somebody has to do something about it.
    #[must_use]
    pub const fn wants_mending(self) -> bool {
        !matches!(self, Self::Building | Self::OnStandby)
    }
}

/// What that index is.
#[must_use]
pub fn state(index: &InvalidIndex) -> State {
    match index {
        _ if index.build.is_some() => State::Building,
        _ if index.in_recovery => State::OnStandby,
        _ if index.partitioned => State::Incomplete,
        _ if !index.live => State::HalfDropped,
        _ if transient(&index.name.relname, "_ccnew") => State::ReindexFailed,
        _ if transient(&index.name.relname, "_ccold") => State::ReindexLeftOver,
        _ => State::BuildFailed,
    }
}

/// A name that `REINDEX CONCURRENTLY` gave: the suffix, and a number if that name was taken.
fn transient(name: &str, suffix: &str) -> bool {
    name.trim_end_matches(|c: char| c.is_ascii_digit()).ends_with(suffix)
}

/// The statements that mend it, best first.
#[must_use]
pub fn mend(index: &InvalidIndex) -> Vec<Text> {
    let name = index.name.sql();
    let drop = |why: &str| commented(drop_index(&name, false), why);
    let reindex = |why: &str| commented(format!("REINDEX INDEX CONCURRENTLY {name};"), why);
    match state(index) {
        State::Building | State::OnStandby => Vec::new(),
        State::Incomplete => vec![commented(
            format!("ALTER INDEX {name} ATTACH PARTITION ...;"),
            "once for the index of every partition; the last one makes it valid",
        )],
        State::HalfDropped => vec![drop("finishes the DROP that was interrupted")],
        State::ReindexFailed => vec![drop(
            "what REINDEX CONCURRENTLY left; the index it was made for is still there",
        )],
        State::ReindexLeftOver => vec![drop("the old index; REINDEX CONCURRENTLY replaced it")],
        State::BuildFailed => {
            let again = if index.unique {
                "builds it again; while there are duplicate keys it fails and leaves one more invalid index"
            } else {
                "builds it again"
            };
            let keep = index.of_constraint || index.attached;
            let drop = (!keep).then(|| drop("gives it up"));
            [reindex(again)].into_iter().chain(drop).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::probe::indexes_invalid::Build;
    use crate::probe::named::Named;

    fn index(relname: &str) -> InvalidIndex {
        InvalidIndex {
            name: Named {
                nspname: "app".to_owned(),
                relname: relname.to_owned(),
            },
            live: true,
            ..InvalidIndex::default()
        }
    }

    #[rstest]
    #[case("i", State::BuildFailed, "REINDEX INDEX CONCURRENTLY app.i;")]
    #[case("i_ccnew", State::ReindexFailed, "DROP INDEX CONCURRENTLY app.i_ccnew;")]
    #[case("i_ccnew12", State::ReindexFailed, "DROP INDEX CONCURRENTLY app.i_ccnew12;")]
    #[case("i_ccold", State::ReindexLeftOver, "DROP INDEX CONCURRENTLY app.i_ccold;")]
    #[case("i_ccnewer", State::BuildFailed, "REINDEX INDEX CONCURRENTLY app.i_ccnewer;")]
    fn each_has_its_remedy(#[case] name: &str, #[case] expected: State, #[case] statement: &str) {
        assert_eq!(state(&index(name)), expected);
        assert_eq!(mend(&index(name)).remove(0).0, statement);
    }

    #[test]
    fn what_goes_on_is_left_alone() {
        let mut building = index("i_ccnew");
        building.build = Some(Build::default());
        assert_eq!(state(&building), State::Building);
        assert!(mend(&building).is_empty() && !State::Building.wants_mending());
        let mut standby = index("i");
        standby.in_recovery = true;
        assert_eq!(state(&standby), State::OnStandby);
    }

    #[test]
    fn the_index_of_a_constraint_is_not_dropped() {
        let mut index = index("i");
        assert_eq!(mend(&index).len(), 2);
        index.of_constraint = true;
        assert_eq!(mend(&index).len(), 1);
    }
}
