//! Settings that are dangerous now: what each of them can cost, and the statement that mends it.

use super::concern::Concern;
use crate::pg::quote;
use crate::probe::settings::{Override, ServerSettings, Setting};

/// What is wrong with a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Its value, for the whole server.
    Value,
    /// Its value for the sessions of a role or a database.
    Override,
    /// What the configuration says holds from the next restart on.
    PendingRestart,
}

/// A setting that is dangerous.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Danger {
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub kind: Kind,
    /// Whose sessions, of an override: `role app in database shop`.
    pub scope: Option<String>,
    /// How bad.
    pub concern: Concern,
    /// What is so and what it means, in a sentence without its full stop.
    pub says: String,
    /// What to type, a statement a line.
    pub remedy: String,
}

/// A value that nobody should leave a setting at.
struct Bad {
    name: &'static str,
    /// True of a value that is dangerous.
    is: fn(&str) -> bool,
    /// What it should be.
    good: &'static str,
    concern: Concern,
    /// It does no harm on a standby.
    primary: bool,
    /// What can be lost.
    means: &'static str,
}

/// What is dangerous, the worst first.
const BAD: &[Bad] = &[
    Bad {
        name: "fsync",
        is: off,
        good: "on",
        concern: Concern::Critical,
        primary: false,
        means: "a crash of the machine or a loss of power can destroy the whole cluster beyond repair",
    },
    Bad {
        name: "zero_damaged_pages",
        is: on,
        good: "off",
        concern: Concern::Critical,
        primary: false,
        means: "a damaged page becomes zeros as soon as it is read, and its rows are lost without an error",
    },
    Bad {
        name: "ignore_checksum_failure",
        is: on,
        good: "off",
        concern: Concern::Critical,
        primary: false,
        means: "pages with a wrong checksum are used, so damage is answered with wrong rows and may spread",
    },
    Bad {
        name: "full_page_writes",
        is: off,
        good: "on",
        concern: Concern::Warning,
        primary: true,
        means: "a crash can leave half-written pages that recovery does not mend, unless the file system never tears \
                a page (ZFS)",
    },
    Bad {
        name: "ignore_invalid_pages",
        is: on,
        good: "off",
        concern: Concern::Warning,
        primary: false,
        means: "recovery goes on although pages are missing that should be there, and hides the damage",
    },
    Bad {
        name: "session_replication_role",
        is: |value| value.eq_ignore_ascii_case("replica"),
        good: "origin",
        concern: Concern::Warning,
        primary: true,
        means: "triggers do not fire and foreign keys are not enforced",
    },
    Bad {
        name: "autovacuum",
        is: off,
        good: "on",
        concern: Concern::Warning,
        primary: true,
        means: "dead rows pile up and planner statistics age in every table; only what saves from wraparound still \
                comes",
    },
    Bad {
        name: "track_counts",
        is: off,
        good: "on",
        concern: Concern::Warning,
        primary: true,
        means: "changes are not counted, and autovacuum does not come for what is not counted",
    },
    Bad {
        name: "track_activities",
        is: off,
        good: "on",
        concern: Concern::Warning,
        primary: false,
        means: "sessions tell neither their state nor their query, so nobody sees what runs long or idles in a \
                transaction",
    },
    Bad {
        name: "ignore_system_indexes",
        is: on,
        good: "off",
        concern: Concern::Warning,
        primary: false,
        means: "the catalogs are read without their indexes, which makes every statement slow; it is meant for repair \
                only",
    },
    Bad {
        name: "synchronous_commit",
        is: off,
        good: "on",
        concern: Concern::Notice,
        primary: true,
        means: "a crash can lose the commits of the last moments though they were confirmed; nothing is damaged by it",
    },
];

/// Every setting that is dangerous now, the worst first.
#[must_use]
pub fn dangers(settings: &ServerSettings, in_recovery: bool) -> Vec<Danger> {
    let counts = |bad: &&Bad| !(bad.primary && in_recovery);
    let bad = |name: &str| BAD.iter().filter(counts).find(|bad| bad.name == name);
    let values = settings.rows.iter().filter(|row| row.of_the_server());
    let values = values.filter_map(|row| of_value(bad(&row.name)?, row));
    let overrides = settings.overrides.iter();
    let overrides = overrides.filter_map(|row| of_override(bad(&row.name)?, row));
    let pending = settings.rows.iter().filter(|row| row.pending_restart).map(of_pending);
    let mut dangers: Vec<_> = values.chain(overrides).chain(pending).collect();
    dangers.sort_by_key(|danger| std::cmp::Reverse(danger.concern));
    dangers
}

fn of_value(bad: &Bad, row: &Setting) -> Option<Danger> {
    let value = row.value.as_deref().filter(|value| (bad.is)(value))?;
    Some(Danger {
        name: row.name.clone(),
        kind: Kind::Value,
        scope: None,
        concern: bad.concern,
        says: format!("{} is {value}: {}", row.name, bad.means),
        remedy: remedy(bad, row),
    })
}

/// The statements that set a setting of the server right.
fn remedy(bad: &Bad, row: &Setting) -> String {
    let (name, good) = (bad.name, bad.good);
    if matches!(row.source.as_str(), "command line" | "environment variable") {
        return format!(
            "-- {name} is set on the server's {}: take it away there and restart",
            row.source
        );
    }
    let mut lines = vec![format!("ALTER SYSTEM SET {name} = {good};")];
    if row.context == "postmaster" {
        lines.push("-- then restart the server".to_owned());
    } else {
        lines.push("SELECT pg_reload_conf();".to_owned());
    }
    if name == "fsync" {
        // What was written before is still in the memory of the system: the documentation of fsync.
        lines.push("-- then, as the operating system's administrator: sync".to_owned());
    }
    lines.join("\n")
}

fn of_override(bad: &Bad, row: &Override) -> Option<Danger> {
    if !(bad.is)(&row.value) {
        return None;
    }
    let scope = scope(row);
    let role = row.role.as_deref().map_or("ALL".to_owned(), quote::identifier);
    let database = row.database.as_deref().map(quote::identifier);
    let whose = match (&row.role, database) {
        (None, Some(database)) => format!("DATABASE {database}"),
        (_, Some(database)) => format!("ROLE {role} IN DATABASE {database}"),
        (_, None) => format!("ROLE {role}"),
    };
    Some(Danger {
        name: row.name.clone(),
        kind: Kind::Override,
        concern: bad.concern,
        says: format!("{} is {} for {scope}: {}", row.name, row.value, bad.means),
        remedy: format!("ALTER {whose} RESET {};\n-- holds for new sessions", bad.name),
        scope: Some(scope),
    })
}

fn scope(row: &Override) -> String {
    let role = row
        .role
        .as_deref()
        .map(|role| format!("role {}", quote::identifier(role)));
    let database = row.database.as_deref();
    let database = database.map(|database| format!("database {}", quote::identifier(database)));
    match (role, database) {
        (Some(role), Some(database)) => format!("{role} in {database}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "all roles".to_owned(),
    }
}

fn of_pending(row: &Setting) -> Danger {
    let now = row.value.as_deref().map_or_else(
        || "keeps its value".to_owned(),
        |value| format!("is {value}{}", row.unit.as_deref().map(unit).unwrap_or_default()),
    );
    Danger {
        name: row.name.clone(),
        kind: Kind::PendingRestart,
        scope: None,
        concern: Concern::Notice,
        says: format!(
            "{} {now} until the server is restarted: its configuration says something else",
            row.name
        ),
        remedy: format!(
            "SELECT setting, sourcefile, sourceline FROM pg_file_settings WHERE name = {};\n-- then restart the server, \
             or take the change back and reload",
            quote::literal(&row.name)
        ),
    }
}

/// A unit behind its number: `128 MB`, but `16384 × 8kB`.
fn unit(unit: &str) -> String {
    if unit.starts_with(|c: char| c.is_ascii_digit()) {
        format!(" × {unit}")
    } else {
        format!(" {unit}")
    }
}

/// `parse_bool` of the server takes every beginning of these words that is not one of another.
fn off(value: &str) -> bool {
    spells(value, &["false", "no", "0"]) || value.len() >= 2 && spells(value, &["off"])
}

fn on(value: &str) -> bool {
    spells(value, &["true", "yes", "1"]) || value.len() >= 2 && spells(value, &["on"])
}

fn spells(value: &str, words: &[&str]) -> bool {
    let value = value.to_ascii_lowercase();
    !value.is_empty() && words.iter().any(|word| word.starts_with(&value))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn setting(name: &str, value: &str, source: &str, context: &str) -> Setting {
        Setting {
            name: name.to_owned(),
            value: Some(value.to_owned()),
            source: source.to_owned(),
            context: context.to_owned(),
            ..Setting::default()
        }
    }

    fn of(rows: Vec<Setting>, overrides: Vec<Override>, in_recovery: bool) -> Vec<Danger> {
        let settings = ServerSettings {
            rows,
            overrides,
            ..ServerSettings::default()
        };
        dangers(&settings, in_recovery)
    }

    fn one(row: Setting, in_recovery: bool) -> Option<Danger> {
        let mut all = of(vec![row], Vec::new(), in_recovery);
        assert!(all.len() <= 1, "{all:?}");
        all.pop()
    }

    #[rstest]
    #[case("fsync", "off", Some(Concern::Critical), Some(Concern::Critical))]
    #[case("fsync", "on", None, None)]
    #[case("zero_damaged_pages", "on", Some(Concern::Critical), Some(Concern::Critical))]
    #[case("zero_damaged_pages", "off", None, None)]
    #[case("ignore_checksum_failure", "on", Some(Concern::Critical), Some(Concern::Critical))]
    #[case("full_page_writes", "off", Some(Concern::Warning), None)]
    #[case("ignore_invalid_pages", "on", Some(Concern::Warning), Some(Concern::Warning))]
    #[case("session_replication_role", "replica", Some(Concern::Warning), None)]
    #[case("session_replication_role", "origin", None, None)]
    #[case("autovacuum", "off", Some(Concern::Warning), None)]
    #[case("track_counts", "off", Some(Concern::Warning), None)]
    #[case("track_activities", "off", Some(Concern::Warning), Some(Concern::Warning))]
    #[case("ignore_system_indexes", "on", Some(Concern::Warning), Some(Concern::Warning))]
    #[case("synchronous_commit", "off", Some(Concern::Notice), None)]
    #[case("synchronous_commit", "local", None, None)]
    #[case("synchronous_commit", "remote_apply", None, None)]
    #[case("max_connections", "0", None, None)]
    fn each_value_by_itself(
        #[case] name: &str,
        #[case] value: &str,
        #[case] primary: Option<Concern>,
        #[case] standby: Option<Concern>,
    ) {
        let found = |in_recovery| one(setting(name, value, "configuration file", "sighup"), in_recovery);
        assert_eq!(found(false).map(|danger| danger.concern), primary);
        assert_eq!(found(true).map(|danger| danger.concern), standby);
        if let Some(danger) = found(false) {
            assert!(danger.says.starts_with(&format!("{name} is {value}: ")) && !danger.says.ends_with('.'));
        }
    }

    #[rstest]
    #[case(
        "autovacuum",
        "off",
        "configuration file",
        "sighup",
        "ALTER SYSTEM SET autovacuum = on;\nSELECT pg_reload_conf();"
    )]
    #[case(
        "ignore_invalid_pages",
        "on",
        "configuration file",
        "postmaster",
        "ALTER SYSTEM SET ignore_invalid_pages = off;\n-- then restart the server"
    )]
    #[case(
        "autovacuum",
        "off",
        "command line",
        "sighup",
        "-- autovacuum is set on the server's command line: take it away there and restart"
    )]
    #[case(
        "fsync",
        "off",
        "configuration file",
        "sighup",
        "ALTER SYSTEM SET fsync = on;\nSELECT pg_reload_conf();\n-- then, as the operating system's administrator: sync"
    )]
    fn the_remedy_works_where_the_value_comes_from(
        #[case] name: &str,
        #[case] value: &str,
        #[case] source: &str,
        #[case] context: &str,
        #[case] remedy: &str,
    ) {
        assert_eq!(
            one(setting(name, value, source, context), false).unwrap().remedy,
            remedy
        );
    }

    #[rstest]
    #[case("client")]
    #[case("session")]
    #[case("user")]
    #[case("database")]
    #[case("database user")]
    #[case("global")]
    fn what_holds_only_for_our_session_is_not_of_the_server(#[case] source: &str) {
        assert_eq!(
            one(setting("track_activities", "off", source, "superuser"), false),
            None
        );
    }

    #[rstest]
    #[case(
        Some("App"),
        Some("shop"),
        "role \"App\" in database shop",
        "ALTER ROLE \"App\" IN DATABASE shop RESET track_counts;"
    )]
    #[case(Some("app"), None, "role app", "ALTER ROLE app RESET track_counts;")]
    #[case(None, Some("shop"), "database shop", "ALTER DATABASE shop RESET track_counts;")]
    #[case(None, None, "all roles", "ALTER ROLE ALL RESET track_counts;")]
    fn an_override_names_whose(
        #[case] role: Option<&str>,
        #[case] database: Option<&str>,
        #[case] scope: &str,
        #[case] statement: &str,
    ) {
        let row = |value: &str| Override {
            role: role.map(str::to_owned),
            database: database.map(str::to_owned),
            name: "track_counts".to_owned(),
            value: value.to_owned(),
        };
        for value in ["off", "OFF", "of", "f", "False", "no", "n", "0"] {
            let found = of(Vec::new(), vec![row(value)], false);
            assert_eq!(found[0].scope.as_deref(), Some(scope));
            assert_eq!(found[0].remedy.lines().next(), Some(statement));
            assert!(
                found[0]
                    .says
                    .starts_with(&format!("track_counts is {value} for {scope}: "))
            );
        }
        for value in ["on", "true", "y", "1", "", "o"] {
            assert_eq!(of(Vec::new(), vec![row(value)], false), [], "{value:?}");
        }
        assert_eq!(
            of(Vec::new(), vec![row("off")], true),
            [],
            "on a standby nothing is counted anyway"
        );
    }

    #[test]
    fn what_waits_for_a_restart_is_a_notice_and_shows_no_secret() {
        let waits = |name: &str, value: Option<&str>, unit: Option<&str>| Setting {
            pending_restart: true,
            value: value.map(str::to_owned),
            unit: unit.map(str::to_owned),
            ..setting(name, "", "configuration file", "postmaster")
        };
        let says = |row| one(row, false).map(|danger| (danger.concern, danger.says)).unwrap();
        let rest = "until the server is restarted: its configuration says something else";
        for (row, now) in [
            (waits("max_connections", Some("100"), None), "max_connections is 100"),
            (
                waits("shared_buffers", Some("16384"), Some("8kB")),
                "shared_buffers is 16384 × 8kB",
            ),
            (
                waits("autovacuum_naptime", Some("60"), Some("s")),
                "autovacuum_naptime is 60 s",
            ),
            (
                waits("primary_conninfo", None, None),
                "primary_conninfo keeps its value",
            ),
        ] {
            assert_eq!(says(row), (Concern::Notice, format!("{now} {rest}")));
        }
    }

    #[test]
    fn the_worst_comes_first() {
        let rows = vec![
            setting("synchronous_commit", "off", "configuration file", "user"),
            setting("autovacuum", "off", "configuration file", "sighup"),
            setting("fsync", "off", "configuration file", "sighup"),
        ];
        let names: Vec<_> = of(rows, Vec::new(), false)
            .into_iter()
            .map(|danger| danger.name)
            .collect();
        assert_eq!(names, ["fsync", "autovacuum", "synchronous_commit"]);
    }
}
