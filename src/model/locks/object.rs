//! What is locked, in words: a table, a row, a transaction, an advisory key.

use crate::probe::locks::{Names, RowPlace, Tag, Wait};

/// What a waiter wants, in a few words: `public.orders`, `row (0,1) of public.orders`, `advisory key 42`.
#[must_use]
pub fn wanted(wait: &Wait) -> String {
    match &wait.names.row {
        Some(place) => row(place, wait.names.database.as_deref()),
        None => name(&wait.tag, &wait.names),
    }
}

/// The row whose place in the queue is waited for or held.
#[must_use]
pub fn row(place: &RowPlace, database: Option<&str>) -> String {
    let table = relation(Some(place.relation), place.name.as_deref(), database);
    format!("row ({},{}) of {table}", place.page, place.tuple)
}

/// A lock tag in words.
#[must_use]
pub fn name(tag: &Tag, names: &Names) -> String {
    let table = || relation(tag.relation, names.relation.as_deref(), names.database.as_deref());
    match tag.locktype.as_str() {
        "relation" => table(),
        "extend" => format!("extension of {}", table()),
        "page" => format!("page {} of {}", tag.page.unwrap_or_default(), table()),
        "tuple" => format!(
            "row ({},{}) of {}",
            tag.page.unwrap_or_default(),
            tag.tuple.unwrap_or_default(),
            table()
        ),
        "transactionid" => format!("transaction {}", tag.transactionid.as_deref().unwrap_or("?")),
        "virtualxid" => format!("virtual transaction {}", tag.virtualxid.as_deref().unwrap_or("?")),
        "advisory" => advisory(tag),
        "object" => object(tag, names),
        other => format!(
            "{other} {}",
            tag.objid
                .or(tag.relation)
                .map_or_else(String::new, |oid| oid.to_string())
        ),
    }
}

fn relation(oid: Option<u32>, name: Option<&str>, database: Option<&str>) -> String {
    let oid = oid.unwrap_or_default();
    match (name, database) {
        // A table made by a transaction that has not committed has no name for us yet, only its number.
        (Some(name), _) if name != oid.to_string() => name.to_owned(),
        (Some(_), _) | (None, None) => format!("oid {oid}"),
        (None, Some(database)) => format!("oid {oid} in {database}"),
    }
}

fn object(tag: &Tag, names: &Names) -> String {
    let oid = tag.objid.unwrap_or_default();
    match &names.class {
        Some(class) => format!("{class} oid {oid}"),
        None => format!("object {oid}"),
    }
}

/// The keys as they were given to `pg_advisory_lock`: one bigint, or two ints.
fn advisory(tag: &Tag) -> String {
    let (high, low) = (tag.classid.unwrap_or_default(), tag.objid.unwrap_or_default());
    if tag.objsubid == Some(2) {
        format!("advisory keys {}, {}", high.cast_signed(), low.cast_signed())
    } else {
        format!(
            "advisory key {}",
            (u64::from(high) << 32 | u64::from(low)).cast_signed()
        )
    }
}

/// `AccessExclusive` of `AccessExclusiveLock`.
#[must_use]
pub fn mode(mode: &str) -> &str {
    mode.strip_suffix("Lock").unwrap_or(mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advisory_tag(classid: u32, objid: u32, objsubid: i32) -> Tag {
        Tag {
            locktype: "advisory".into(),
            classid: Some(classid),
            objid: Some(objid),
            objsubid: Some(objsubid),
            ..Tag::default()
        }
    }

    #[test]
    fn advisory_keys_are_those_that_were_given() {
        assert_eq!(name(&advisory_tag(0, 42, 1), &Names::default()), "advisory key 42");
        assert_eq!(
            name(&advisory_tag(u32::MAX, u32::MAX, 1), &Names::default()),
            "advisory key -1"
        );
        assert_eq!(
            name(&advisory_tag(7, 4_294_967_291, 2), &Names::default()),
            "advisory keys 7, -5"
        );
    }

    #[test]
    fn a_relation_without_a_name_says_where_it_is() {
        assert_eq!(relation(Some(5), Some("public.t"), Some("app")), "public.t");
        assert_eq!(relation(Some(5), Some("5"), Some("app")), "oid 5");
        assert_eq!(relation(Some(5), None, Some("app")), "oid 5 in app");
    }
}
