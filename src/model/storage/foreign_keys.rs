//! Foreign keys without an index: what each deleted parent reads, and the index that ends it.

use super::Text;
use crate::model::rates::float;
use crate::pg::quote::identifier;
use crate::probe::fk_unindexed::UnindexedKey;

/// Bytes that the checks have read so far: the child's size, once for every deleted parent. An upper bound, since a
/// check ends at the first child it finds, and the child was smaller once.
#[must_use]
pub fn read_for_checks(key: &UnindexedKey) -> f64 {
    float(key.estimated_bytes) * float(key.parent_deleted)
}

/// The statement that makes the index. `size` is how large the table is, in words.
#[must_use]
pub fn create_index(key: &UnindexedKey, size: &str) -> Text {
    let columns: Vec<String> = key.columns.iter().map(|column| identifier(column)).collect();
    let how = if key.partitioned { "" } else { "CONCURRENTLY " };
    let create = format!("CREATE INDEX {how}ON {} ({});", key.table.sql(), columns.join(", "));
    let mut facts = vec![format!(
        "for the foreign key {} to {}; the table has {size}",
        identifier(&key.name),
        key.parent.sql()
    )];
    if key.partitioned {
        facts.push(
            "not CONCURRENTLY on a partitioned table: writes to all partitions wait; to avoid that make it ON ONLY, then \
             CONCURRENTLY on each partition and ALTER INDEX ... ATTACH PARTITION"
                .to_owned(),
        );
    }
    (create.clone(), format!("{create} -- {}", facts.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::named::Named;

    #[test]
    fn a_partitioned_table_cannot_be_indexed_concurrently() {
        let named = |relname: &str| Named {
            nspname: "app".to_owned(),
            relname: relname.to_owned(),
        };
        let mut key = UnindexedKey {
            name: "lines_order_fkey".to_owned(),
            table: named("lines"),
            parent: named("orders"),
            columns: vec!["order_id".to_owned(), "Part".to_owned()],
            estimated_bytes: 1 << 30,
            parent_deleted: 3,
            ..UnindexedKey::default()
        };
        let (create, text) = create_index(&key, "1.0 GiB");
        assert_eq!(create, "CREATE INDEX CONCURRENTLY ON app.lines (order_id, \"Part\");");
        assert_eq!(
            text,
            format!("{create} -- for the foreign key lines_order_fkey to app.orders; the table has 1.0 GiB")
        );
        assert!((read_for_checks(&key) - 3.0 * f64::from(1 << 30)).abs() < 1.0);
        key.partitioned = true;
        assert_eq!(
            create_index(&key, "1.0 GiB").0,
            "CREATE INDEX ON app.lines (order_id, \"Part\");"
        );
    }
}
