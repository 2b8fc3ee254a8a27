//! One table as autovacuum sees it: its own settings where it has them, the server's where not, for the arithmetic of
//! [`super::autovacuum`].

use crate::probe::autovacuum::Table;
use crate::probe::relation::Identity;
use crate::probe::relation_stats::Stats;

/// The table with the settings in force.
#[must_use]
pub fn table(identity: &Identity, stats: &Stats) -> Table {
    // A TOAST table without options of its own goes by those of its table.
    let options = if identity.kind == "t" && identity.options.is_empty() {
        &identity.toast_of_options
    } else {
        &identity.options
    };
    let in_force = |name: &str| number(options, name).or_else(|| number(&stats.settings, name));
    // -1 switches a limit off.
    let limit = |name: &str| in_force(name).filter(|value| *value >= 0.0);
    let plain = |name: &str| in_force(name).unwrap_or_default();
    Table {
        relid: identity.oid,
        nspname: identity.name.nspname.clone(),
        relname: identity.name.relname.clone(),
        relkind: identity.kind.clone(),
        reltuples: identity.tuples,
        // From 2^31 on the server takes the pages for a negative number, and so for none.
        relpages: i32::try_from(identity.pages).map_or(0, i64::from),
        relallfrozen: stats.frozen_pages,
        enabled: value(options, "autovacuum_enabled").is_none_or(is_on),
        vacuum_base: plain("autovacuum_vacuum_threshold"),
        vacuum_scale: plain("autovacuum_vacuum_scale_factor"),
        vacuum_max: limit("autovacuum_vacuum_max_threshold"),
        insert_base: limit("autovacuum_vacuum_insert_threshold"),
        insert_scale: in_force("autovacuum_vacuum_insert_scale_factor"),
        analyze_base: plain("autovacuum_analyze_threshold"),
        analyze_scale: plain("autovacuum_analyze_scale_factor"),
        live: stats.live,
        dead: stats.dead,
        inserted: stats.inserts,
        modified: stats.mods,
        ..Table::default()
    }
}

/// Autovacuum runs on this server, and the counters it goes by are kept.
#[must_use]
pub fn is_active(stats: &Stats) -> bool {
    let on = |name: &str| value(&stats.settings, name).is_none_or(is_on);
    on("autovacuum") && on("track_counts")
}

/// The value of an option among `name=value`.
fn value<'a>(options: &'a [String], name: &str) -> Option<&'a str> {
    let named = |option: &'a String| option.split_once('=').filter(|(key, _)| *key == name);
    options.iter().find_map(named).map(|(_, value)| value)
}

fn number(options: &[String], name: &str) -> Option<f64> {
    value(options, name)?.parse().ok()
}

/// A boolean as PostgreSQL reads it: any beginning of true, yes, on; 1.
fn is_on(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let begins = |word: &str| !value.is_empty() && word.starts_with(&value);
    value == "1" || begins("true") || begins("yes") || value == "on"
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::model::autovacuum::{insert_at, vacuum_at};

    fn texts(options: &[&str]) -> Vec<String> {
        options.iter().map(|option| (*option).to_owned()).collect()
    }

    fn stats() -> Stats {
        Stats {
            settings: texts(&[
                "autovacuum=on",
                "track_counts=on",
                "autovacuum_vacuum_threshold=50",
                "autovacuum_vacuum_scale_factor=0.2",
                "autovacuum_vacuum_max_threshold=100000000",
                "autovacuum_vacuum_insert_threshold=1000",
                "autovacuum_vacuum_insert_scale_factor=0.2",
                "autovacuum_analyze_threshold=50",
                "autovacuum_analyze_scale_factor=0.1",
            ]),
            ..Stats::default()
        }
    }

    #[test]
    fn the_tables_own_settings_win() {
        let identity = Identity {
            kind: "r".to_owned(),
            tuples: 1000.0,
            options: texts(&[
                "autovacuum_vacuum_scale_factor=0.01",
                "autovacuum_vacuum_insert_threshold=-1",
            ]),
            ..Identity::default()
        };
        let table = table(&identity, &stats());
        assert_eq!((vacuum_at(&table), insert_at(&table)), (60.0, None));
        assert!(table.enabled && is_active(&stats()));
    }

    #[test]
    fn a_toast_table_follows_its_table_unless_it_has_settings() {
        let mut identity = Identity {
            kind: "t".to_owned(),
            toast_of_options: texts(&["autovacuum_enabled=off"]),
            ..Identity::default()
        };
        assert!(!table(&identity, &stats()).enabled);
        identity.options = texts(&["autovacuum_vacuum_threshold=7"]);
        assert!(table(&identity, &stats()).enabled);
    }

    #[rstest]
    #[case("on", true)]
    #[case("TRUE", true)]
    #[case("t", true)]
    #[case("1", true)]
    #[case("off", false)]
    #[case("false", false)]
    #[case("0", false)]
    #[case("no", false)]
    #[case("o", false)]
    fn booleans_as_the_server_reads_them(#[case] text: &str, #[case] on: bool) {
        assert_eq!(is_on(text), on);
    }
}
