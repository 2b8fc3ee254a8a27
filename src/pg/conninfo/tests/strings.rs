//! Connection strings beside libpq's own answers, and as properties.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rstest::rstest;

use crate::pg::conninfo::error::Origin;
use crate::pg::conninfo::keyword::KEYWORDS;
use crate::pg::conninfo::parse::{connection_string, is_connection_string};

/// What libpq 18 answered to each of these strings.
const LIBPQ: &str = include_str!("../../../../tests/conninfo/libpq18.tsv");

fn parsed(text: &str) -> Result<BTreeMap<String, String>, String> {
    let values = connection_string(text, &Origin::Argument).map_err(|error| error.to_string())?;
    let pairs = values.iter().map(|(key, value)| (key.to_owned(), value.text.clone()));
    Ok(pairs.collect())
}

#[test]
fn strings_mean_what_they_mean_to_libpq() {
    let mut seen = 0;
    for line in LIBPQ.lines().filter(|line| !line.starts_with("# ")) {
        let (text, answer) = line.split_once('\t').expect("a tab after the string");
        let ours = parsed(text);
        if answer == "error" {
            assert!(ours.is_err(), "libpq refuses {text:?}, we have {ours:?}");
        } else {
            let pairs = answer.split('\t').filter(|pair| !pair.is_empty());
            let theirs: BTreeMap<String, String> = pairs
                .map(|pair| pair.split_once('=').expect("key=value"))
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect();
            assert_eq!(ours, Ok(theirs), "{text:?}");
        }
        seen += 1;
    }
    assert!(seen > 200, "only {seen} cases");
}

#[rstest]
#[case("app", false)]
#[case("service=prod", true)]
#[case("postgres://", true)]
#[case("postgresql://db", true)]
#[case("postgresql:db", false)]
#[case("a=b", true)]
fn a_database_name_has_no_equals_sign(#[case] text: &str, #[case] expected: bool) {
    assert_eq!(is_connection_string(text), expected);
}

#[rstest]
#[case("postgres://user:p@ss@host/db")]
#[case("postgres://user:pa/ss@host/db")]
#[case("postgres://user:p%ss@host/db")]
#[case("postgres://user:p%00s@host/db")]
#[case("postgres://user:p ss@host/db")]
#[case("postgres://user:p?a=ss@host/d?ss")]
#[case("password=pa ss")]
#[case("password=pa ss=1 host=x")]
#[case("password='pa' ss' host=x")]
#[case("password='pa'ss=1")]
#[case("password='pa ss")]
#[case("user=x sslpassword=pa ss")]
fn errors_do_not_show_pieces_of_a_password(#[case] text: &str) {
    let error = parsed(text).expect_err("broken");
    assert!(
        !error.contains("ss=") && !error.contains("ss@") && !error.contains("\"ss"),
        "{error}"
    );
    assert!(!error.contains("pa "), "{error}");
}

#[test]
fn a_slip_after_a_password_is_named_when_it_is_surely_a_key() {
    let error = parsed("password=pw sslmod=require").expect_err("no such key");
    assert!(error.contains("\"sslmod\""), "{error}");
    let error = parsed("password='pw' bogus=1").expect_err("no such key");
    assert!(error.contains("\"bogus\""), "{error}");
}

fn any_key() -> impl Strategy<Value = &'static str> {
    let names: Vec<&'static str> = KEYWORDS.iter().map(|keyword| keyword.name).collect();
    prop::sample::select(names)
}

/// Any text a C string can hold.
fn any_text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| text.replace('\0', ""))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn percent(text: &str) -> String {
    text.bytes()
        .fold(String::new(), |text, byte| text + &format!("%{byte:02X}"))
}

proptest! {
    #[test]
    fn quoted_values_come_back(pairs in prop::collection::btree_map(any_key(), any_text(), 0..6)) {
        let text: Vec<String> = pairs.iter().map(|(key, value)| format!("{key} = {}", quoted(value))).collect();
        let expected = pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        prop_assert_eq!(parsed(&text.join(" ")), Ok(expected));
    }

    #[test]
    fn percent_encoded_values_come_back(pairs in prop::collection::btree_map(any_key(), any_text(), 0..6)) {
        let query: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={}", percent(value))).collect();
        let expected = pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        prop_assert_eq!(parsed(&format!("postgres:///?{}", query.join("&"))), Ok(expected));
    }

    #[test]
    fn parts_of_a_uri_come_back(
        user in any_text(), password in any_text(), host in any_text(), port in 1u16.., dbname in any_text(),
    ) {
        let uri = format!(
            "postgresql://{}:{}@{}:{port}/{}",
            percent(&user), percent(&password), percent(&host), percent(&dbname),
        );
        let port = port.to_string();
        let parts = [("user", &user), ("password", &password), ("host", &host), ("port", &port), ("dbname", &dbname)];
        let expected = parts
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(key, text)| (key.to_owned(), text.clone()))
            .collect();
        prop_assert_eq!(parsed(&uri), Ok(expected));
    }

    #[test]
    fn no_text_panics(text in any::<String>(), uri in "[a-z0-9:/?&=@%,.\\[\\] ]{0,40}", pairs in "[a-z='\\\\ ]{0,30}") {
        let _ = parsed(&text);
        let _ = parsed(&format!("postgres://{uri}"));
        let _ = parsed(&pairs);
    }
}
