//! Statements about one relation, for people to paste: names are quoted where SQL wants it.

use crate::pg::privilege;
use crate::pg::quote::{identifier, literal};
use crate::pg::server::Server;
use crate::probe::named::Named;

/// Removes dead rows and renews the statistics; waits for nobody but other maintenance.
#[must_use]
pub fn vacuum(name: &Named) -> String {
    format!("VACUUM (VERBOSE, ANALYZE) {};", name.sql())
}

/// Renews the statistics.
#[must_use]
pub fn analyze(name: &Named) -> String {
    format!("ANALYZE (VERBOSE) {};", name.sql())
}

/// Oids below this are those of system catalogs, their indexes and TOAST tables (`FirstUnpinnedObjectId`).
const FIRST_UNPINNED: u32 = 12_000;

/// Builds an index anew beside the old one, without standing in anybody's way for long, where the server can do that.
/// `exclusion` as the catalog has it: also of a `WITHOUT OVERLAPS` constraint (18).
#[must_use]
pub fn reindex(index: &Named, oid: u32, exclusion: bool) -> String {
    anew(
        "INDEX",
        index,
        oid,
        exclusion.then_some("the index of an exclusion or WITHOUT OVERLAPS constraint"),
    )
}

/// The server builds what is partitioned anew in one go (14+); before, that is done partition by partition.
#[must_use]
pub fn reindexes_partitioned(server: Option<&Server>) -> bool {
    server.is_some_and(|server| server.major() >= 14)
}

/// Builds the indexes of a table anew, one after the other, beside the old ones, where the server can do that. So it
/// leaves out, with a warning, those of exclusion constraints, to which a `WITHOUT OVERLAPS` one (18) belongs.
#[must_use]
pub fn reindex_table(name: &Named, oid: u32) -> String {
    anew("TABLE", name, oid, None)
}

fn anew(what: &str, name: &Named, oid: u32, refused: Option<&str>) -> String {
    let catalog = (oid < FIRST_UNPINNED).then_some("a system catalog");
    match catalog.or(refused) {
        Some(why) => format!(
            "REINDEX {what} {}; -- CONCURRENTLY is refused for {why}: who uses it waits",
            name.sql()
        ),
        None => format!("REINDEX {what} CONCURRENTLY {};", name.sql()),
    }
}

/// What it takes on disk. Waits while somebody holds or awaits an exclusive lock on it.
#[must_use]
pub fn size(name: &Named) -> String {
    format!(
        "SELECT pg_size_pretty(pg_total_relation_size({}));",
        literal(&name.sql())
    )
}

/// Lets a role see the statistics of the columns: of all tables (14+), or of this one.
#[must_use]
pub fn grant_statistics(name: &Named, role: &str, major: u32) -> String {
    let this = format!("GRANT SELECT ON {} TO {};", name.sql(), identifier(role));
    if major >= 14 {
        format!("{} or {this}", privilege::grant_read_all_data(role))
    } else {
        this
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_once_as_identifier_and_once_as_text() {
        let name = Named {
            nspname: "sales".to_owned(),
            relname: "Order's".to_owned(),
        };
        assert_eq!(vacuum(&name), "VACUUM (VERBOSE, ANALYZE) sales.\"Order's\";");
        assert_eq!(
            size(&name),
            "SELECT pg_size_pretty(pg_total_relation_size('sales.\"Order''s\"'));"
        );
        assert_eq!(
            reindex_table(&name, 16_384),
            "REINDEX TABLE CONCURRENTLY sales.\"Order's\";"
        );
        assert!(reindex_table(&name, 1259).starts_with("REINDEX TABLE sales.\"Order's\"; -- "));
        assert!(reindex(&name, 16_384, false).starts_with("REINDEX INDEX CONCURRENTLY sales"));
        assert!(reindex(&name, 16_384, true).starts_with("REINDEX INDEX sales.\"Order's\"; -- "));
        assert_eq!(
            grant_statistics(&name, "mon", 12),
            "GRANT SELECT ON sales.\"Order's\" TO mon;"
        );
        assert!(grant_statistics(&name, "mon", 14).starts_with("GRANT pg_read_all_data TO mon; or GRANT SELECT"));
    }
}
