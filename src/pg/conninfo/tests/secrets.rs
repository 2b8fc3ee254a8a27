//! The password file, and where passwords must not appear.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use proptest::prelude::*;
use rstest::rstest;

use super::{typed, typed_words};

const PASSFILE: &str = "\
# host:port:database:user:password
db:5432:app:monitor:first
db:5432:app:monitor:second
db:*:*:monitor:any database
localhost:5432:*:me:socket
/run/pg:5432:*:me:other socket
col\\:on:5432:*:me:pass\\:word\\\\
10.0.0.1:5432:*:me:by address
empty:*:*:*:
empty:*:*:*:too late
crlf:*:*:*:dos\r
rest:*:*:*:word:and more
broken:*:*
*:6000:*:*:last resort
";

#[rstest]
#[case::first_match("-h db -U monitor app", "monitor first@db:5432/app")]
#[case::wildcard("-h db -U monitor other", "monitor any database@db:5432/other")]
#[case::no_line("-h db -U you app", "you db:5432/app")]
#[case::default_socket_is_localhost("", "me socket@/tmp:5432/me")]
#[case::other_socket_is_its_directory("-h /run/pg", "me other socket@/run/pg:5432/me")]
#[case::escapes("-h col:on", "me pass:word\\@col:on:5432/me")]
#[case::address("hostaddr=10.0.0.1", "me by address@10.0.0.1:5432/me")]
#[case::empty_is_none("-h empty", "me empty:5432/me")]
#[case::carriage_return("-h crlf", "me dos@crlf:5432/me")]
#[case::ends_at_a_colon("-h rest", "me word@rest:5432/me")]
#[case::too_few_fields("-h broken", "me broken:5432/me")]
#[case::each_host_has_its_own("-h x,col:on -p 6000,5432", "me last resort@x:6000,pass:word\\@col:on:5432/me")]
fn password_file(#[case] words: &str, #[case] expected: &str) {
    let desk = typed(words).file("/home/me/.pgpass", 0o600, PASSFILE);
    assert_eq!(desk.goes_to(), expected);
}

#[rstest]
#[case::environment("-h a", "PGPASSWORD=env", "me env@a:5432/me")]
#[case::string("\"host=a password=dsn\"", "PGPASSWORD=env", "me dsn@a:5432/me")]
#[case::empty_password_asks_the_file("\"host=a password=''\"", "", "me file@a:5432/me")]
#[case::other_file("-h a", "PGPASSFILE=/other", "me other@a:5432/me")]
#[case::key_over_variable("\"host=a passfile=/third\"", "PGPASSFILE=/other", "me third@a:5432/me")]
#[case::missing_file("-h a", "PGPASSFILE=/missing", "me a:5432/me")]
fn a_password_is_looked_for_in_order(#[case] words: &str, #[case] env: &str, #[case] expected: &str) {
    let desk = typed(words)
        .envs(env)
        .file("/home/me/.pgpass", 0o600, "*:*:*:*:file")
        .file("/other", 0o400, "*:*:*:*:other")
        .file("/third", 0o600, "*:*:*:*:third");
    assert_eq!(desk.goes_to(), expected);
}

#[rstest]
#[case(0o600, None)]
#[case(0o400, None)]
#[case(0o700, None)]
#[case(0o640, Some("has group or world access; permissions should be u=rw (0600) or less"))]
#[case(0o604, Some("has group or world access"))]
#[case(0o610, Some("has group or world access"))]
fn a_password_file_others_may_read_is_not_used(#[case] mode: u32, #[case] warning: Option<&str>) {
    let plan = typed("-h a").file("/home/me/.pgpass", mode, "*:*:*:*:pw").plan();
    assert_eq!(plan.hosts[0].password.is_some(), warning.is_none());
    match warning {
        Some(text) => assert!(plan.warnings[0].contains(text), "{:?}", plan.warnings),
        None => assert_eq!(plan.warnings, Vec::<String>::new()),
    }
}

#[test]
fn a_directory_is_no_password_file() {
    let plan = typed("-h a").directory("/home/me/.pgpass").plan();
    assert_eq!(
        plan.warnings,
        ["password file \"/home/me/.pgpass\" is not a plain file"]
    );
}

#[test]
fn a_plan_does_not_print_its_passwords() {
    let plan = typed_words(&["host=a password=hunter2 sslpassword=hunter3"]).plan();
    assert!(!format!("{plan:?}").contains("hunter"));
}

#[test]
fn a_variable_that_is_no_utf8_is_refused_by_name() {
    let mut desk = typed("-h a");
    desk.env
        .insert("PGPASSWORD".to_owned(), OsString::from_vec(vec![b'p', 0xff]));
    assert_eq!(
        desk.error(),
        "environment variable PGPASSWORD: the value is not UTF-8, which pgmon-tui needs"
    );
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace(':', "\\:")
}

proptest! {
    #[test]
    fn an_escaped_line_gives_its_password_back(
        host in "[a-z:\\\\*é]{1,8}", user in "[^\0\r\n]{1,8}", password in "[^\0\r\n]{1,12}",
    ) {
        // A socket's directory and a leading # have a meaning of their own; a comma separates hosts.
        prop_assume!(host != "*" && user != "*");
        let line = format!("{}:5432:db:{}:{}\n", escaped(&host), escaped(&user), escaped(&password));
        let desk = typed_words(&["-h", &host, "-U", &user, "-d", "db"]).file("/home/me/.pgpass", 0o600, &line);
        let plan = desk.plan();
        let found = plan.hosts[0].password.as_ref().map(|secret| secret.reveal().to_owned());
        prop_assert_eq!(found, Some(password));
    }

    #[test]
    fn no_file_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut desk = typed("-h a service=x").file("/home/me/.pgpass", 0o600, "").file("/home/me/.pg_service.conf", 0, "");
        for (_, content) in desk.files.0.values_mut() {
            content.clone_from(&bytes);
        }
        let _ = desk.try_plan();
    }

    #[test]
    fn no_error_shows_a_password(
        before in "(host=a |sslmod=x |port=z |user='|)", after in "( sslmode=no| bogus|'| requirepeer=x|)",
    ) {
        let text = format!("{before}password='hun\\'ter2'{after}");
        if let Err(error) = typed_words(&[&text]).try_plan() {
            prop_assert!(!error.to_string().contains("ter2"), "{error}");
            prop_assert!(!format!("{error:?}").contains("ter2"), "{error:?}");
        }
    }
}
