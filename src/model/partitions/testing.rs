//! Answers for tests.

use crate::probe::partitions::{Key, Partitions, Relation};

/// 2025-11-20 13:32:11 UTC.
pub const NOW: f64 = 1_763_645_531.0;
pub const DAY: f64 = 86_400.0;

/// `date`, `timestamp`, `timestamptz`, `int8`, `text`.
pub const DATE: u32 = 1082;
pub const TIMESTAMP: u32 = 1114;
pub const TIMESTAMPTZ: u32 = 1184;
pub const INT8: u32 = 20;
pub const TEXT: u32 = 25;

/// A partitioned table `public.name` by columns with types.
pub fn table(oid: u32, name: &str, strategy: &str, columns: &[(&str, u32)]) -> Relation {
    let data_type = |class: u32| match class {
        DATE => "date",
        TIMESTAMP => "timestamp without time zone",
        TIMESTAMPTZ => "timestamp with time zone",
        INT8 => "bigint",
        _ => "text",
    };
    Relation {
        oid,
        schema: "public".to_owned(),
        name: name.to_owned(),
        kind: "p".to_owned(),
        key: Some(Key {
            strategy: strategy.to_owned(),
            columns: columns.iter().map(|(name, _)| (*name).to_owned()).collect(),
            types: columns.iter().map(|(_, class)| data_type(*class).to_owned()).collect(),
            classes: columns.iter().map(|(_, class)| *class).collect(),
            ..Key::default()
        }),
        ..Relation::default()
    }
}

/// A partition with that bound, `FOR VALUES` left out.
pub fn part(oid: u32, parent: u32, name: &str, bound: &str) -> Relation {
    Relation {
        oid,
        schema: "public".to_owned(),
        name: name.to_owned(),
        kind: "r".to_owned(),
        parent: Some(parent),
        bound: Some(match bound {
            "DEFAULT" => "DEFAULT".to_owned(),
            bound => format!("FOR VALUES {bound}"),
        }),
        reltuples: -1.0,
        ..Relation::default()
    }
}

/// A part that is partitioned itself.
pub fn subtable(table: Relation, part: &Relation) -> Relation {
    Relation {
        parent: part.parent,
        bound: part.bound.clone(),
        ..table
    }
}

/// Partitions of `parent` between each two bounds that follow each other, named after the first, with oids from `oid`.
pub fn ranges(oid: u32, parent: u32, prefix: &str, bounds: &[&str]) -> Vec<Relation> {
    let pairs = bounds.iter().zip(bounds.iter().skip(1)).zip(oid..);
    let plain = |bound: &str| -> String { bound.chars().filter(char::is_ascii_alphanumeric).collect() };
    pairs
        .map(|((from, to), oid)| {
            let name = format!("{prefix}{}", plain(from));
            part(oid, parent, &name, &format!("FROM ('{from}') TO ('{to}')"))
        })
        .collect()
}

/// An answer now.
pub fn answer(mut relations: Vec<Relation>) -> Partitions {
    let mut count = std::collections::HashMap::new();
    for relation in &relations {
        *count.entry(relation.parent).or_insert(0) += 1;
    }
    for relation in &mut relations {
        if let Some(key) = &mut relation.key {
            key.partitions = count.get(&Some(relation.oid)).copied().unwrap_or(0);
        }
    }
    Partitions {
        relations,
        now: NOW,
        ..Partitions::default()
    }
}
