//! The catalogue of rules for the README: made of the rules and the limits, so that it cannot say anything else.

use std::fmt::Write as _;

use super::{RULES, Rule};
use crate::config::Alerts;
use crate::config::alerts::{LIMITS, Unit};
use crate::ui::format;

/// The catalogue as a table of Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::from("| rule (id) | warning | critical | keys under `[alerts]` |\n|---|---|---|---|\n");
    for rule in RULES {
        let critical = if rule.critical.is_empty() {
            "-".to_owned()
        } else {
            filled(rule.critical)
        };
        let keys: Vec<String> = keys(rule).into_iter().map(|key| format!("`{key}`")).collect();
        let _ = writeln!(
            out,
            "| {} (`{}`) | {} | {critical} | {} |",
            rule.title,
            rule.id,
            filled(rule.warning),
            keys.join(", ")
        );
    }
    out
}

/// The names in braces of a rule's words, in their order.
#[must_use]
pub fn keys(rule: &Rule) -> Vec<&'static str> {
    let words = rule.warning.split(['{', '}']).chain(rule.critical.split(['{', '}']));
    let mut names: Vec<&str> = Vec::new();
    for word in words {
        if LIMITS.iter().any(|limit| limit.name == word) && !names.contains(&word) {
            names.push(word);
        }
    }
    names
}

/// A rule's words with the default limits filled in.
#[must_use]
pub fn filled(words: &str) -> String {
    in_force(words, &Alerts::default())
}

/// A rule's words with these limits filled in.
#[must_use]
pub fn in_force(words: &str, alerts: &Alerts) -> String {
    let mut out = words.to_owned();
    for limit in LIMITS {
        let braced = format!("{{{}}}", limit.name);
        if out.contains(&braced) {
            out = out.replace(&braced, &said(limit.unit, (limit.of)(alerts)));
        }
    }
    out
}

/// A limit as a person says it.
#[must_use]
pub fn said(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Share => format!("{:.0} %", value * 100.0),
        Unit::Percent => format!("{value} %"),
        Unit::Points => format!("{value} points"),
        Unit::Seconds if value % 3600.0 == 0.0 => format!("{} h", value / 3600.0),
        Unit::Seconds if value % 60.0 == 0.0 => format!("{} min", value / 60.0),
        Unit::Seconds => format!("{value} s"),
        Unit::Hours => format!("{value} h"),
        Unit::Bytes => format::bytes(value),
        Unit::BytesPerSecond => format::bytes_per_s(value),
        Unit::Transactions | Unit::Rows => format::count(value),
        Unit::PerSecond => format!("{value}/s"),
        Unit::PerMinute => format!("{value}/min"),
        Unit::PerHour => format!("{value} an hour"),
        Unit::Times => format!("{value} times"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    /// The table stands between these in the README.
    const MARKS: (&str, &str) = ("<!-- rules -->\n", "<!-- end of rules -->");

    /// `UPDATE_README=1` writes it anew.
    #[test]
    fn the_readme_has_the_catalogue() {
        let readme = std::fs::read_to_string(README).unwrap();
        let (before, rest) = readme.split_once(MARKS.0).expect("the mark before the table");
        let (table, after) = rest.split_once(MARKS.1).expect("the mark after the table");
        if std::env::var_os("UPDATE_README").is_some() {
            let readme = format!("{before}{}{}{}{after}", MARKS.0, markdown(), MARKS.1);
            std::fs::write(README, readme).unwrap();
        } else {
            assert_eq!(table, markdown(), "run the tests with UPDATE_README=1");
        }
    }

    #[test]
    fn every_rule_is_whole() {
        let mut ids = BTreeSet::new();
        for rule in RULES {
            assert!(ids.insert(rule.id), "{} twice", rule.id);
            assert!(
                !rule.needs.is_empty() && !rule.warning.is_empty() && !rule.doc.is_empty(),
                "{}",
                rule.id
            );
            for probe in rule.probes() {
                assert!(crate::probe::entry(probe).is_some(), "{} looks at {probe}", rule.id);
            }
            let braces = filled(rule.warning) + &filled(rule.critical);
            assert!(!braces.contains(['{', '}']), "{}: {braces}", rule.id);
        }
    }
}
