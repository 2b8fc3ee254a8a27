//! The file's rules, and the example file as the proof that its values are the defaults.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rstest::rstest;

use super::alerts::{Alerts, LIMITS, Limit};
use super::{Ascii, Color, ConfigError, Settings, load, parse};
use crate::pg::plan::Secret;
use crate::probe::Tier;

const EXAMPLE: &str = include_str!("../../config.example.toml");

fn read(text: &str) -> Result<Settings, ConfigError> {
    parse(text, Path::new("/c/config.toml"), true)
}

fn good(text: &str) -> Settings {
    read(text).unwrap_or_else(|error| panic!("{error}"))
}

fn bad(text: &str) -> String {
    match read(text) {
        Ok(settings) => panic!("no error, but {settings:?}"),
        Err(error) => error.to_string(),
    }
}

fn defaults() -> Settings {
    Settings {
        theme_dir: Some(PathBuf::from("/c/themes")),
        ..Settings::default()
    }
}

#[test]
fn an_empty_file_is_the_defaults() {
    assert_eq!(good(""), defaults());
}

#[test]
fn the_example_is_the_defaults() {
    assert_eq!(good(EXAMPLE), defaults());
}

/// The example with its commented-out lines switched on: `# key = value` and `# [section]`.
fn example_in_full() -> String {
    let switched_on = EXAMPLE.lines().map(|line| match line.strip_prefix("# ") {
        Some(rest) if rest.contains(" = ") || rest.starts_with('[') => rest,
        _ => line,
    });
    switched_on.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_is_right_to_its_last_comment() {
    let settings = good(&example_in_full());
    assert_eq!(settings.keys["quit"], ["q", "ctrl-c"]);
    assert_eq!(settings.clusters["prod"].label.as_deref(), Some("production"));
}

/// serde lists a section's keys when one is unknown: so the example is compared with what is really read.
#[rstest]
#[case("")]
#[case("sample_intervals")]
#[case("budgets")]
#[case("timeouts")]
#[case("security")]
#[case("limits")]
#[case("ui")]
#[case("ui.bell")]
#[case("cluster.prod")]
fn the_example_names_every_key(#[case] section: &str) {
    let error = bad(&format!(
        "{}\nno_such_key = 1",
        if section.is_empty() {
            String::new()
        } else {
            format!("[{section}]")
        }
    ));
    let table: toml::Table = toml::from_str(&example_in_full()).expect("parsed before");
    let mut names = section.split('.').filter(|name| !name.is_empty());
    let example = names
        .try_fold(&table, |table, name| table.get(name)?.as_table())
        .expect("a section");
    let (_, known) = error.split_once("expected ").expect("serde lists the keys");
    let known: Vec<&str> = known.split('"').skip(1).step_by(2).collect();
    assert!(!known.is_empty());
    for key in known {
        assert!(
            example.contains_key(key),
            "{key} of [{section}] is not in config.example.toml"
        );
    }
}

#[test]
fn the_example_names_every_limit() {
    let table: toml::Table = toml::from_str(EXAMPLE).expect("parsed before");
    let alerts = table["alerts"].as_table().expect("a section");
    for limit in LIMITS {
        assert!(
            alerts.contains_key(limit.name),
            "{} is not in config.example.toml",
            limit.name
        );
    }
}

#[rstest]
#[case("blocked_warn = 3", "alerts.blocked_warn is unknown", Some("blocked_warn_s"))]
#[case("blocked_warn_s = \"long\"", "expected a number", None)]
#[case("blocked_warn_s = [\"x\"]", "alerts.blocked_warn_s = a list is not possible", None)]
#[case("blocked_warn_s = 0", "it takes 1 to 86400 (seconds)", None)]
#[case("connections_crit = nan", "it takes 0.01 to 1 (of 1)", None)]
#[case("connections_warn = 0.99", "alerts.connections_crit = 0.95 is milder", None)]
#[case(
    "checkpoint_interval_warn_seconds = 100",
    "checkpoint_interval_crit_seconds = 180 is milder",
    None
)]
#[case(
    "disabled = 3",
    "alerts.disabled = 3 is not possible: it takes a list of rules",
    None
)]
fn a_bad_limit_is_named(#[case] line: &str, #[case] said: &str, #[case] meant: Option<&str>) {
    let error = bad(&format!("[alerts]\n{line}"));
    assert!(error.contains(":2:"), "{error}");
    assert!(error.contains(said), "{error}");
    if let Some(meant) = meant {
        assert!(error.contains(&format!("did you mean \"{meant}\"?")), "{error}");
    }
}

#[test]
fn every_limit_is_read() {
    let partner = |one: &Limit, other: &Limit| one.critical().is_some_and(|critical| critical.name == other.name);
    for limit in LIMITS {
        let pair = LIMITS
            .iter()
            .filter(|other| other.name == limit.name || partner(limit, other) || partner(other, limit));
        let halved = |limit: &Limit| ((limit.of)(&Alerts::default()) + limit.range.start()) / 2.0;
        let lines: Vec<String> = pair
            .map(|limit| format!("{} = {}", limit.name, halved(limit)))
            .collect();
        let settings = good(&format!("[alerts]\n{}", lines.join("\n")));
        assert!(
            ((limit.of)(&settings.alerts) - halved(limit)).abs() < 1e-9,
            "{}",
            limit.name
        );
    }
    let settings = good("[alerts]\ndisabled = [\"blocked\"]");
    assert!(settings.alerts.disabled.contains("blocked"));
}

#[test]
fn every_key_is_read() {
    let settings = good(
        r#"
        [sample_intervals]
        hot_path = 0.5
        workload = "30s"
        storage = "1h"
        hourly = "1 d"
        [budgets]
        hot_path = "500ms"
        hourly = 120
        [timeouts]
        statement_timeout_ms = 1000
        lock_timeout_ms = 50
        connect_timeout_s = 2.5
        measure_timeout_s = "2min"
        [security]
        read_only_enforce = false
        redact_sql_text = true
        [ui]
        theme = "my-own_2"
        ascii = "on"
        color = "256"
        [keys]
        quit = "x"
        sql = ["s", "f5"]
        [cluster.a]
        dsn = "host=a password=pw"
        [cluster.b]
        service = "b"
        "#,
    );
    let pace = |tier| {
        let pace = settings.pace(tier);
        (pace.interval.as_millis(), pace.budget.as_millis())
    };
    assert_eq!(pace(Tier::Hot), (500, 500));
    assert_eq!(pace(Tier::Workload), (30_000, 3000));
    assert_eq!(pace(Tier::Storage), (3_600_000, 10_000));
    assert_eq!(pace(Tier::Hourly), (86_400_000, 120_000));
    assert_eq!(settings.statement_timeout, Duration::from_secs(1));
    assert_eq!(settings.lock_timeout, Duration::from_millis(50));
    assert_eq!(settings.connect_timeout, Duration::from_millis(2500));
    assert_eq!(settings.measure_timeout, Duration::from_mins(2));
    assert!(!settings.read_only_enforce);
    assert!(settings.redact_sql_text);
    assert_eq!(
        (settings.theme.as_str(), settings.ascii, settings.color),
        ("my-own_2", Ascii::On, Color::Ansi256)
    );
    assert_eq!(
        (&settings.keys["quit"][..], &settings.keys["sql"][..]),
        (&["x".to_owned()][..], &["s".to_owned(), "f5".to_owned()][..])
    );
    assert_eq!(
        settings.clusters["a"].dsn.as_ref().map(Secret::reveal),
        Some("host=a password=pw")
    );
    assert_eq!(settings.clusters["b"].service.as_deref(), Some("b"));
    assert!(!format!("{settings:?}").contains("pw"));
}

#[rstest]
#[case(
    "[sample_intervals]\nhot_path = 0.4",
    "/c/config.toml:2:12: sample_intervals.hot_path = 0.4 is not possible: it takes 500 ms to 1 min"
)]
#[case(
    "[sample_intervals]\nhot_path = 61",
    "hot_path = 61 is not possible: it takes 500 ms to 1 min"
)]
#[case(
    "[sample_intervals]\nstorage = \"5s\"",
    "storage = \"5s\" is not possible: it takes 10 s to 1 d"
)]
#[case("[sample_intervals]\nhourly = \"8d\"", "it takes 1 min to 7 d")]
#[case(
    "[sample_intervals]\nworkload = \"5 fortnights\"",
    "workload = \"5 fortnights\" is not possible: it takes 1 s to 1 h"
)]
#[case("[sample_intervals]\nworkload = -1", "workload = -1 is not possible")]
#[case("[sample_intervals]\nworkload = nan", "workload = NaN is not possible")]
#[case("[sample_intervals]\nworkload = inf", "workload = inf is not possible")]
#[case(
    "[sample_intervals]\nworkload = true",
    "/c/config.toml:2:12: expected seconds as a number, or a text with a unit"
)]
#[case(
    "[budgets]\nworkload = 0",
    "budgets.workload = 0 is not possible: it takes 100 ms to 10 min"
)]
#[case(
    "[timeouts]\nlock_timeout_ms = 1000",
    "timeouts.lock_timeout_ms = 1000 is not possible: it takes 1 to 999"
)]
#[case(
    "[timeouts]\nstatement_timeout_ms = 0",
    "timeouts.statement_timeout_ms = 0 is not possible: it takes 100 to 60000"
)]
#[case(
    "[ui]\ncolor = \"always\"",
    "ui.color = \"always\" is not possible: it takes \"auto\", \"truecolor\", \"256\", \"16\", \"never\""
)]
#[case("[ui]\n\n  ascii = \"yes\"", "/c/config.toml:3:11: ui.ascii")]
#[case(
    "[ui]\ntheme = \"../x\"",
    "ui.theme = \"../x\" is not possible: it takes a theme's name"
)]
#[case(
    "[ui]\nthem = \"x\"",
    "/c/config.toml:2:1: unknown field \"them\", expected one of \"theme\", \"ascii\", \"color\", \"hide_postgres_defaults\", \"bell\"; did you mean \"theme\"?"
)]
#[case("[uii]\n", "/c/config.toml:1:2: unknown field \"uii\"")]
#[case("[security]\nread_only_enforced = true", "did you mean \"read_only_enforce\"?")]
#[case(
    "[security]\nread_only_enforce = \"no\"",
    "/c/config.toml:2:21: invalid type: a text, expected a boolean"
)]
#[case("[ui\n", "/c/config.toml:1:")]
#[case("[keys]\nquit = 1", "expected a key such as \"ctrl-k\", or a list of keys")]
#[case(
    "[cluster.a]\nhost = \"x\"",
    "unknown field \"host\", expected one of \"label\", \"dsn\", \"service\""
)]
#[case(
    "[cluster.a]\ndsn = \"hots=x\"",
    "/c/config.toml:2:7: [cluster.a] of the configuration file: there is no connection key \"hots\"; did you mean \"host\"?"
)]
fn errors_have_place_key_and_range(#[case] text: &str, #[case] expected: &str) {
    let error = bad(text);
    assert!(error.contains(expected), "{error}");
}

#[rstest]
#[case("[cluster.a]\ndsn = \"host=a password=hunter2\"")]
#[case("[cluster.a]\ndsn = \"postgres://me:hunter2@a/b\"")]
#[case("[cluster.a]\ndsn = \"host=a sslpassword=hunter2\"")]
fn a_password_needs_a_private_file(#[case] text: &str) {
    let error = parse(text, Path::new("/c/config.toml"), false).expect_err("others may read it");
    let error = error.to_string();
    assert!(
        error.contains("/c/config.toml:2:7: cluster.a.dsn contains a password"),
        "{error}"
    );
    assert!(
        error.contains("chmod 0600 /c/config.toml") && !error.contains("hunter2"),
        "{error}"
    );
    assert!(parse(text, Path::new("/c/config.toml"), true).is_ok());
}

#[rstest]
#[case("[cluster]\na = \"postgres://me:hunter2@a/b\"")]
#[case("cluster = \"postgres://me:hunter2@a, expected b\"")]
#[case("[cluster.a]\ndsn = \"postgres://me:hunter2@a@b\"")]
#[case("[cluster.a]\ndsn = \"postgres://me:hunter2@a")]
fn no_error_shows_a_connection_string(#[case] text: &str) {
    let error = bad(text);
    assert!(!error.contains("hunter2") && !error.contains("postgres://"), "{error}");
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let dir = tempfile::tempdir().expect("a directory");
    let missing = dir.path().join("none.toml");
    let error = load(Some(&missing)).expect_err("missing").to_string();
    assert!(error.contains("none.toml cannot be read: No such file"), "{error}");
}

#[test]
fn permissions_of_the_real_file_count() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("c.toml");
    std::fs::write(&file, "[cluster.a]\ndsn = \"host=a password=pw\"\n").expect("written");
    for (mode, allowed) in [(0o600, true), (0o400, true), (0o640, false), (0o644, false)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("changed");
        assert_eq!(load(Some(&file)).is_ok(), allowed, "{mode:o}");
    }
    let settings = load(Some(&file));
    assert!(matches!(settings, Err(ConfigError::Exposed { .. })));
}

#[rstest]
#[case("2", Some(2000))]
#[case("0.5", Some(500))]
#[case(" 500 ms ", Some(500))]
#[case("1min", Some(60_000))]
#[case("0.4", None)]
#[case("2 m", None)]
#[case("", None)]
#[case("s", None)]
#[case("1e400", None)]
#[case("NaN", None)]
#[case("2é", None)]
fn intervals_as_people_type_them(#[case] text: &str, #[case] millis: Option<u64>) {
    assert_eq!(super::hot_interval(text).ok(), millis.map(Duration::from_millis));
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "(\\[(ui|cluster\\.a|keys|timeouts)\\]|[a-z_]{1,6} ?= ?(1|\"é|'|nan)|\n|é){0,12}") {
        let _ = read(&text);
    }
}
