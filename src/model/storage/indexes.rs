//! Unused and superfluous indexes: the statement that drops one, and what speaks against it.

use super::{Text, counted_since, moment};
use crate::pg::quote::identifier;
use crate::probe::indexes_duplicate::DuplicateIndex;
use crate::probe::indexes_unused::{UnusedIndex, UnusedIndexes};

/// What has to be thought of before an unused index is dropped, the gravest first.
#[must_use]
pub fn caveats(index: &UnusedIndex) -> Vec<&'static str> {
    let caveats = [
        (index.attached, "part of a partitioned index"),
        (index.foreign_key, "supports a foreign key"),
        (index.expression, "keeps statistics of an expression"),
        (index.clustered, "CLUSTER orders by it"),
        (index.partial, "partial"),
        (index.parts > 0, "all partitions"),
    ];
    caveats
        .into_iter()
        .filter_map(|(holds, text)| holds.then_some(text))
        .collect()
}

/// The statement that drops it, with since when nobody used it; none for a part of a larger index. `size` is how large
/// it is, in words.
#[must_use]
pub fn drop_unused(known: &UnusedIndexes, index: &UnusedIndex, size: &str) -> Option<Text> {
    if index.attached {
        return None;
    }
    let drop = drop_index(&index.name.sql(), index.parts > 0);
    let mut facts = vec![
        format!("{size} on {}", index.table.sql()),
        format!("no scan on this server since {}", moment(counted_since(known))),
        "every standby counts its own scans".to_owned(),
    ];
    let grave = caveats(index).into_iter().filter(|caveat| *caveat != "partial");
    facts.extend(grave.map(str::to_owned));
    if index.parts > 0 {
        facts.push(
            "a partitioned index cannot be dropped CONCURRENTLY: reads and writes of all partitions wait".to_owned(),
        );
    }
    Some((drop.clone(), format!("{drop} -- {}", facts.join("; "))))
}

/// The statement that drops a superfluous index, with the one that does its work. `size` is how large it is, in words.
#[must_use]
pub fn drop_duplicate(index: &DuplicateIndex, size: &str) -> Text {
    let drop = drop_index(&index.name.sql(), index.partitioned);
    let columns = |columns: &[String]| {
        columns
            .iter()
            .map(|column| identifier(column))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let facts = [
        format!("{size} on {}", index.table.sql()),
        format!(
            "({}) is covered by {} ({})",
            columns(&index.columns),
            index.keeper.sql(),
            columns(&index.keeper_columns)
        ),
        format!("its {} scans go there", index.scans),
    ];
    (drop.clone(), format!("{drop} -- {}", facts.join("; ")))
}

/// `DROP INDEX`, so that nobody waits where that is possible.
pub(super) fn drop_index(name: &str, partitioned: bool) -> String {
    let how = if partitioned { "" } else { "CONCURRENTLY " };
    format!("DROP INDEX {how}{name};")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::named::Named;

    fn named(relname: &str) -> Named {
        Named {
            nspname: "app".to_owned(),
            relname: relname.to_owned(),
        }
    }

    #[test]
    fn the_statement_says_what_speaks_against_it() {
        let known = UnusedIndexes {
            server_reset: Some(1_763_645_530.0),
            ..UnusedIndexes::default()
        };
        let mut index = UnusedIndex {
            name: named("Odd\n; --"),
            table: named("orders"),
            foreign_key: true,
            ..UnusedIndex::default()
        };
        let (bare, text) = drop_unused(&known, &index, "41 MiB").unwrap();
        assert_eq!(bare, "DROP INDEX CONCURRENTLY app.\"Odd?; --\";");
        assert_eq!(
            text,
            "DROP INDEX CONCURRENTLY app.\"Odd?; --\"; -- 41 MiB on app.orders; no scan on this server since \
             2025-11-20 13:32:10 UTC; every standby counts its own scans; supports a foreign key"
        );
        index.parts = 3;
        let (bare, _) = drop_unused(&known, &index, "41 MiB").unwrap();
        assert_eq!(bare, "DROP INDEX app.\"Odd?; --\";");
        index.attached = true;
        assert_eq!(drop_unused(&known, &index, "41 MiB"), None);
    }

    #[test]
    fn a_duplicate_names_the_one_that_stays() {
        let index = DuplicateIndex {
            name: named("a"),
            table: named("orders"),
            keeper: named("ab"),
            columns: vec!["a".to_owned()],
            keeper_columns: vec!["a".to_owned(), "B".to_owned()],
            scans: 12,
            ..DuplicateIndex::default()
        };
        assert_eq!(
            drop_duplicate(&index, "about 8.0 KiB").1,
            "DROP INDEX CONCURRENTLY app.a; -- about 8.0 KiB on app.orders; (a) is covered by app.ab (a, \"B\"); \
             its 12 scans go there"
        );
    }
}
