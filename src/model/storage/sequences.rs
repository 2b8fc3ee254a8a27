//! How near a sequence is to its end, when it gets there, and what widens it.

use super::{Text, commented};
use crate::pg::privilege;
use crate::pg::quote::identifier;
use crate::pg::server::Server;
use crate::probe::sequences::{Sequence, Sequences};

/// Used so much, a sequence wants attention.
pub const WARNING: f64 = 0.80;
/// Used so much, it wants it now.
pub const CRITICAL: f64 = 0.95;
/// A forecast needs values so far apart, in seconds.
const SHORTEST_S: f64 = 60.0;

/// What ends first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The column it feeds is narrower than the sequence.
    Column,
    /// The type of the sequence.
    Type,
    /// A MAXVALUE or MINVALUE below what the types allow.
    Bound,
}

/// What ends first for that sequence.
#[must_use]
pub fn limit(sequence: &Sequence) -> Limit {
    let up = sequence.increment > 0;
    let end = |width: i32| match (width, up) {
        (2, true) => i64::from(i16::MAX),
        (2, false) => i64::from(i16::MIN),
        (4, true) => i64::from(i32::MAX),
        (4, false) => i64::from(i32::MIN),
        (_, true) => i64::MAX,
        (_, false) => i64::MIN,
    };
    let own = match sequence.sequence_type.as_str() {
        "smallint" => 2,
        "integer" => 4,
        _ => 8,
    };
    let column = sequence.column.as_ref().map_or(8, |column| column.width);
    if sequence.bound != end(own.min(column)) {
        Limit::Bound
    } else if column < own {
        Limit::Column
    } else {
        Limit::Type
    }
}

/// Values it can still give.
#[must_use]
pub fn left(sequence: &Sequence) -> Option<i64> {
    let range = i128::from(sequence.bound) - i128::from(sequence.last_value?);
    let steps = range.checked_div(i128::from(sequence.increment))?;
    i64::try_from(steps.max(0)).ok()
}

/// What is known of its pace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// It was read once only.
    Unknown,
    /// It did not move.
    Still,
    /// It was set back in between.
    SetBack,
    /// It moves, and ends in so many seconds at that pace.
    Ends(f64),
}

/// When it ends, if it goes on as it did over what is remembered, a day at most.
#[must_use]
pub fn pace(known: &Sequences, sequence: &Sequence) -> Pace {
    let earlier = known.earlier.get(&sequence.oid).map_or(&[][..], Vec::as_slice);
    let (Some((from, first)), Some((to, last))) = (earlier.first(), earlier.last()) else {
        return Pace::Unknown;
    };
    let seconds = to - from;
    if seconds < SHORTEST_S {
        return Pace::Unknown;
    }
    let up = sequence.increment > 0;
    let way = |from: i64, to: i64| if up { distance(from, to) } else { distance(to, from) };
    if earlier
        .windows(2)
        .any(|pair| matches!(pair, [(_, a), (_, b)] if way(*a, *b) < 0.0))
    {
        return Pace::SetBack;
    }
    let per_second = way(*first, *last) / seconds;
    if per_second > 0.0 {
        Pace::Ends(way(*last, sequence.bound).max(0.0) / per_second)
    } else {
        Pace::Still
    }
}

/// How far it is from one value to another, taken before it is rounded: floats of 2^63 are 1024 apart.
#[expect(clippy::cast_precision_loss, reason = "the distance alone is rounded")]
fn distance(from: i64, to: i64) -> f64 {
    (i128::from(to) - i128::from(from)) as f64
}

/// The statements that widen what ends first, in the order they are to be run, each with what it costs.
#[must_use]
pub fn widen(sequence: &Sequence) -> Vec<Text> {
    let name = sequence.name.sql();
    let column = sequence.column.as_ref().filter(|column| column.width < 8);
    let column = column.map(|column| {
        let (table, column) = (column.table.sql(), identifier(&column.name));
        commented(
            format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE bigint;"),
            "rewrites the table and its indexes: nobody reads or writes it meanwhile",
        )
    });
    let own = |change: &str, why: &str| commented(format!("ALTER SEQUENCE {name} {change};"), why);
    match limit(sequence) {
        Limit::Column => column.into_iter().collect(),
        Limit::Type if sequence.sequence_type == "bigint" => Vec::new(),
        Limit::Type => column
            .into_iter()
            .chain([own("AS bigint", "quick: no table is touched")])
            .collect(),
        Limit::Bound if sequence.increment > 0 => {
            vec![own("NO MAXVALUE", "its MAXVALUE is below what its type allows")]
        }
        Limit::Bound => vec![own("NO MINVALUE", "its MINVALUE is above what its type allows")],
    }
}

/// The statement that lets our role read what it may not: wide from 14 on, schema by schema before.
#[must_use]
pub fn grant(known: &Sequences, server: &Server) -> String {
    let role = identifier(&server.role);
    let schema = identifier(known.unreadable_schema.as_deref().unwrap_or("public"));
    let schema = format!("GRANT SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role};");
    if server.major() >= 14 {
        format!(
            "{schema}  Or, with all tables: {}",
            privilege::grant_read_all_data(&server.role)
        )
    } else {
        schema
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::probe::named::Named;
    use crate::probe::sequences::Column;

    fn sequence(kind: &str, width: Option<i32>, increment: i64, bound: i64, last: i64) -> Sequence {
        let named = |relname: &str| Named {
            nspname: "app".to_owned(),
            relname: relname.to_owned(),
        };
        Sequence {
            oid: 7,
            name: named("s"),
            sequence_type: kind.to_owned(),
            column: width.map(|width| Column {
                table_oid: 1,
                table: named("t"),
                name: "id".to_owned(),
                width,
            }),
            increment,
            bound,
            last_value: Some(last),
            ..Sequence::default()
        }
    }

    const UP: i64 = i32::MAX as i64;
    const DOWN: i64 = i32::MIN as i64;
    const TABLE: &str = "ALTER TABLE app.t ALTER COLUMN id TYPE bigint;";
    const SEQUENCE: &str = "ALTER SEQUENCE app.s AS bigint;";

    #[rstest]
    #[case("bigint", Some(4), 1, UP, Limit::Column, &[TABLE])]
    #[case("integer", Some(8), 1, UP, Limit::Type, &[SEQUENCE])]
    #[case("integer", Some(4), 1, UP, Limit::Type, &[TABLE, SEQUENCE])]
    #[case("integer", None, -1, DOWN, Limit::Type, &[SEQUENCE])]
    #[case("bigint", Some(8), 1, i64::MAX, Limit::Type, &[])]
    #[case("bigint", Some(8), 1, 100, Limit::Bound, &["ALTER SEQUENCE app.s NO MAXVALUE;"])]
    #[case("bigint", Some(8), -1, -100, Limit::Bound, &["ALTER SEQUENCE app.s NO MINVALUE;"])]
    fn what_ends_first_is_widened(
        #[case] kind: &str,
        #[case] width: Option<i32>,
        #[case] increment: i64,
        #[case] bound: i64,
        #[case] expected: Limit,
        #[case] statements: &[&str],
    ) {
        let sequence = sequence(kind, width, increment, bound, 1);
        assert_eq!(limit(&sequence), expected);
        let bare: Vec<String> = widen(&sequence).into_iter().map(|(bare, _)| bare).collect();
        assert_eq!(bare, statements);
    }

    #[rstest]
    #[case(1, 100, 90, 10)]
    #[case(3, 100, 90, 3)]
    #[case(-1, -100, -90, 10)]
    #[case(-4, -100, -90, 2)]
    #[case(1, 100, 120, 0)]
    #[case(1, i64::MAX, 0, i64::MAX)]
    fn what_is_left_is_counted_in_steps(
        #[case] increment: i64,
        #[case] bound: i64,
        #[case] last: i64,
        #[case] expected: i64,
    ) {
        assert_eq!(left(&sequence("bigint", None, increment, bound, last)), Some(expected));
    }

    #[test]
    fn the_end_is_foretold_from_two_values_at_least() {
        let at = |increment: i64, bound: i64, values: &[(f64, i64)]| {
            let known = Sequences {
                earlier: [(7, values.to_vec())].into(),
                ..Sequences::default()
            };
            pace(
                &known,
                &sequence(
                    "bigint",
                    None,
                    increment,
                    bound,
                    values.last().map_or(0, |value| value.1),
                ),
            )
        };
        assert_eq!(at(1, 100, &[]), Pace::Unknown);
        assert_eq!(at(1, 100, &[(0.0, 50)]), Pace::Unknown);
        assert_eq!(at(1, 100, &[(0.0, 50), (10.0, 60)]), Pace::Unknown);
        assert_eq!(at(1, 100, &[(0.0, 50), (100.0, 60)]), Pace::Ends(400.0));
        assert_eq!(at(-1, -100, &[(0.0, -50), (100.0, -60)]), Pace::Ends(400.0));
        assert_eq!(at(1, 100, &[(0.0, 50), (100.0, 50)]), Pace::Still);
        assert_eq!(at(1, 100, &[(0.0, 50), (50.0, 10), (100.0, 60)]), Pace::SetBack);
        let (most, least) = (i64::MAX, i64::MIN);
        let ends = [
            at(1, most, &[(0.0, most - 200), (100.0, most - 100)]),
            at(-1, least, &[(0.0, least + 200), (100.0, least + 100)]),
        ];
        assert_eq!(ends, [Pace::Ends(100.0); 2]);
    }
}
