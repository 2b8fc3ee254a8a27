//! Which source wins, and where a plan goes: `user [password@]host:port,.../database`.

use std::time::Duration;

use rstest::rstest;

use super::{Desk, typed, typed_words, way};
use crate::pg::plan::{ChannelBinding, Host, Prompt, SessionAttrs};

#[rstest]
#[case::nothing_said("", "", "me /tmp:5432/me")]
#[case::database("app", "", "me /tmp:5432/app")]
#[case::database_and_user("app monitor", "", "monitor /tmp:5432/app")]
#[case::first_word_is_the_user_after_d("-d app monitor", "", "monitor /tmp:5432/app")]
#[case::options("-h db -p 5433 -U monitor app", "", "monitor db:5433/app")]
#[case::empty_options_are_not_given("-h db", "PGPORT=6000", "me db:6000/me")]
#[case::database_defaults_to_user("-U monitor", "", "monitor /tmp:5432/monitor")]
#[case::environment("", "PGHOST=db PGPORT=5433 PGUSER=monitor PGDATABASE=app", "monitor db:5433/app")]
#[case::options_over_environment("-h other -U you", "PGHOST=db PGUSER=monitor", "you other:5432/you")]
#[case::string_over_environment("host=other", "PGHOST=db PGPORT=5433", "me other:5433/me")]
#[case::string_over_options("-h a -p 1 -U x host=b", "", "x b:1/x")]
#[case::uri_over_options("-h a -p 1 -U x postgres://y@b/app", "", "y b:1/app")]
#[case::string_after_d("-d host=b x", "", "x b:5432/x")]
#[case::empty_user_is_the_system_user("\"user='' host=a\"", "PGUSER=monitor", "me a:5432/me")]
#[case::password_from_environment("-h a", "PGPASSWORD=pw", "me pw@a:5432/me")]
#[case::several_hosts("-h a,b,/run -p 1,2,3", "", "me a:1,b:2,/run:3/me")]
#[case::one_port_for_all("-h a,b -p 6000", "", "me a:6000,b:6000/me")]
#[case::empty_port_is_the_default("postgres://a:1,b/d", "", "me a:1,b:5432/d")]
#[case::empty_host_is_the_socket("-h a,", "", "me a:5432,/tmp:5432/me")]
#[case::abstract_socket("-h @pg", "", "me @pg:5432/me")]
#[case::address_only("hostaddr=10.0.0.1", "", "me 10.0.0.1:5432/me")]
#[case::environment_address("-h db", "PGHOSTADDR=10.0.0.1", "me db:5432/me")]
#[case::our_string("", "PGMON_DSN=postgres://m:pw@db/app PGHOST=x", "m pw@db:5432/app")]
#[case::our_string_plain_database("", "PGMON_DSN=app", "me /tmp:5432/app")]
#[case::empty_our_string("", "PGMON_DSN= PGHOST=x", "me x:5432/me")]
#[case::argument_string_not_ours("host=a", "PGMON_DSN=postgres://m:pw@db:1/app", "me a:5432/me")]
#[case::database_over_ours("other", "PGMON_DSN=postgres://m@db/app", "m db:5432/other")]
#[case::host_over_ours("-h x", "PGMON_DSN=postgres://m@db:6000/app", "m x:6000/app")]
#[case::host_over_our_address("-h x", "PGMON_DSN=hostaddr=10.0.0.1", "me x:5432/me")]
#[case::host_over_our_port_list("-h x", "PGMON_DSN=postgres://a:1,b:2/d", "me x:5432/d")]
fn goes_where_libpq_would(#[case] words: &str, #[case] env: &str, #[case] expected: &str) {
    assert_eq!(typed(words).envs(env).goes_to(), expected);
}

const SERVICES: &str = "\
# services
[other]
host=wrong

[prod]
  host=db1,db2
port=6000
host=ignored, since the first line of a key wins
user=monitor
dbname=app
[last]
host=last
";

const CLUSTERS: &str = r#"
    [cluster.prod]
    label = "Production"
    dsn = "postgresql://monitor:pw@db/app"
    [cluster.named]
    service = "prod"
"#;

fn with_files(words: &str) -> Desk {
    typed(words)
        .file("/home/me/.pg_service.conf", 0o644, SERVICES)
        .file("/etc/postgresql-common/pg_service.conf", 0o644, "[system]\nhost=sys\n")
        .file(
            "/srv/etc/pg_service.conf",
            0o644,
            "[system]\nhost=srv\n[prod]\nhost=srvprod\n",
        )
        .file("/srv/services", 0o644, "[mine]\nhost=mine\n[empty]\n")
        .config(CLUSTERS)
}

#[rstest]
#[case::service("service=prod", "", "monitor db1:6000,db2:6000/app")]
#[case::last_section("service=last", "", "me last:5432/me")]
#[case::from_the_environment("", "PGSERVICE=prod", "monitor db1:6000,db2:6000/app")]
#[case::string_over_service("\"service=prod user=x\"", "", "x db1:6000,db2:6000/app")]
#[case::options_over_service("-p 1 -U x service=prod", "", "x db1:1,db2:1/app")]
#[case::service_over_environment("service=prod", "PGUSER=x PGPORT=1", "monitor db1:6000,db2:6000/app")]
#[case::argument_over_pgservice("service=last", "PGSERVICE=prod", "me last:5432/me")]
#[case::with_options_only("-h x", "PGSERVICE=prod", "monitor x:6000/app")]
#[case::system_file("service=system", "", "me sys:5432/me")]
#[case::sysconfdir("service=system", "PGSYSCONFDIR=/srv/etc", "me srv:5432/me")]
#[case::users_file_first("service=prod", "PGSYSCONFDIR=/srv/etc", "monitor db1:6000,db2:6000/app")]
#[case::servicefile("service=mine", "PGSERVICEFILE=/srv/services", "me mine:5432/me")]
#[case::servicefile_replaces_the_users(
    "service=prod",
    "PGSERVICEFILE=/srv/services PGSYSCONFDIR=/srv/etc",
    "me srvprod:5432/me"
)]
#[case::empty_section("service=empty", "PGSERVICEFILE=/srv/services", "me /tmp:5432/me")]
#[case::cluster("--cluster prod", "", "monitor pw@db:5432/app")]
#[case::cluster_variable("", "PGMON_CLUSTER=prod", "monitor pw@db:5432/app")]
#[case::cluster_and_database("--cluster prod other", "", "monitor pw@db:5432/other")]
#[case::cluster_under_a_string("--cluster prod host=x", "", "monitor pw@x:5432/app")]
#[case::cluster_with_service("--cluster named", "", "monitor db1:6000,db2:6000/app")]
#[case::cluster_over_our_string("--cluster prod", "PGMON_DSN=host=x", "monitor pw@db:5432/app")]
#[case::our_string_over_cluster_variable("", "PGMON_DSN=host=x PGMON_CLUSTER=prod", "me x:5432/me")]
#[case::string_without_cluster_variable("host=x", "PGMON_CLUSTER=prod", "me x:5432/me")]
fn services_and_clusters(#[case] words: &str, #[case] env: &str, #[case] expected: &str) {
    assert_eq!(with_files(words).envs(env).goes_to(), expected);
}

#[rstest]
#[case("service=prod", "prod")]
#[case("--cluster prod", "Production")]
#[case("--cluster named", "named")]
#[case("-h a,b", "a,b")]
#[case("", "/tmp")]
fn label_is_what_the_user_calls_it(#[case] words: &str, #[case] label: &str) {
    assert_eq!(with_files(words).plan().label, label);
}

#[test]
fn packaged_servers_listen_elsewhere() {
    let desk = typed("").directory("/var/run/postgresql");
    assert_eq!(desk.goes_to(), "me /var/run/postgresql:5432/me");
}

#[test]
fn an_address_beside_a_name_is_used_without_looking_the_name_up() {
    let plan = typed_words(&["host=db,x hostaddr=::1,"]).plan();
    let expected = Host::Tcp {
        name: "db".to_owned(),
        addr: Some([0, 0, 0, 0, 0, 0, 0, 1].into()),
    };
    assert_eq!(plan.hosts[0].host, expected);
    assert_eq!(way(&plan), "me db:5432,x:5432/me");
}

#[rstest]
#[case(
    "-h a -p 0",
    "",
    "option -p: port = \"0\" is not possible: it takes a number from 1 to 65535"
)]
#[case(
    "host=a port=5433",
    "",
    "command line: it is more than one argument: put all of it in one pair of quotes"
)]
#[case("-h a -p x", "", "option -p: port = \"x\" is not possible")]
#[case("host=a", "PGPORT=x", "environment variable PGPORT: port = \"x\"")]
#[case("postgres://a:secret/b", "", "command line: port is not possible")]
#[case("-h a -p 65536", "", "port = \"65536\" is not possible")]
#[case("-p 1,2 host=a", "", "option -p: 2 port numbers do not fit 1 host")]
#[case("-h a,b -p 1,2,3", "", "option -p: 3 port numbers do not fit 2 hosts")]
#[case(
    "\"host=a,b hostaddr=::1\"",
    "",
    "connection string on the command line: 2 host names do not fit 1 host"
)]
#[case(
    "hostaddr=db",
    "",
    "hostaddr = \"db\" is not possible: it takes an IPv4 or IPv6 address"
)]
#[case(
    "sslmod=require",
    "",
    "connection string on the command line: there is no connection key \"sslmod\"; did you mean \"sslmode\"?"
)]
#[case(
    "",
    "PGMON_DSN=bogus=1",
    "environment variable PGMON_DSN: there is no connection key \"bogus\""
)]
#[case(
    "",
    "PGSSLMODE=on",
    "environment variable PGSSLMODE: sslmode = \"on\" is not possible: it takes disable, allow,"
)]
#[case("", "PGSSLMODE=", "environment variable PGSSLMODE: sslmode = \"\" is not possible")]
#[case(
    "",
    "PGCONNECT_TIMEOUT=soon",
    "connect_timeout = \"soon\" is not possible: it takes a whole number"
)]
#[case(
    "",
    "PGTARGETSESSIONATTRS=master",
    "it takes any, read-write, read-only, primary, standby or prefer-standby"
)]
#[case(
    "service=none",
    "",
    "connection string on the command line: no definition of service \"none\" found in /home/me/.pg_service.conf, /etc/postgresql-common/pg_service.conf"
)]
#[case(
    "",
    "PGSERVICE=none PGSYSCONFDIR=/nowhere",
    "environment variable PGSERVICE: no definition of service \"none\" found in /home/me/.pg_service.conf"
)]
#[case("service=x", "PGSERVICEFILE=/missing", "service file /missing cannot be read")]
#[case(
    "--cluster none",
    "",
    "option --cluster: the configuration file has no [cluster.none]; it has named, prod"
)]
#[case(
    "",
    "PGMON_CLUSTER=none",
    "environment variable PGMON_CLUSTER: the configuration file has no [cluster.none]"
)]
#[case(
    "require_auth=scram-sha-256",
    "",
    "require_auth is refused: pgmon-tui cannot restrict"
)]
#[case(
    "",
    "PGREQUIREAUTH=none",
    "environment variable PGREQUIREAUTH: require_auth is refused"
)]
#[case("gssencmode=require", "", "gssencmode is refused: pgmon-tui does not speak GSSAPI")]
#[case("replication=database", "", "replication is refused")]
#[case("requirepeer=postgres", "", "requirepeer is refused")]
#[case("channel_binding=maybe", "", "it takes disable, prefer or require")]
#[case(
    "sslnegotiation=direct",
    "",
    "sslnegotiation=direct needs TLS, but sslmode=prefer does not insist on it"
)]
fn errors_name_the_key_and_where_it_stands(#[case] words: &str, #[case] env: &str, #[case] expected: &str) {
    let error = with_files(words).envs(env).error();
    assert!(error.contains(expected), "{error}");
}

#[rstest]
#[case("host = x\n", "/s:2: libpq takes no blank before the \"=\"")]
#[case(
    "# c\n\nhots=x\n",
    "/s:4: there is no connection key \"hots\"; did you mean \"host\"?"
)]
#[case("host\n", "/s:2: the line is not written key=value")]
#[case("service=y\n", "/s:2: a service cannot name another service")]
#[case("ldap://x\n", "/s:2: pgmon-tui does not look services up by LDAP")]
#[case("requiressl=1\n", "/s:2: there is no connection key \"requiressl\"")]
fn a_service_file_is_read_with_line_numbers(#[case] lines: &str, #[case] expected: &str) {
    let desk = typed("service=x").env("PGSERVICEFILE", "/s");
    let error = desk.file("/s", 0o644, &format!("[x]\n{lines}")).error();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn other_services_in_a_file_may_be_broken() {
    let desk = typed("service=x").env("PGSERVICEFILE", "/s");
    let desk = desk.file("/s", 0o644, "junk\n[y]\nbogus\n[x]\nhost=h\n[z]\nbogus\n");
    assert_eq!(desk.goes_to(), "me h:5432/me");
}

#[test]
fn the_rest_of_a_plan_has_libpqs_defaults() {
    let plan = typed("-h db").plan();
    assert_eq!(plan.prompt, Prompt::IfWanted);
    assert_eq!(plan.channel_binding, ChannelBinding::Prefer);
    assert_eq!(plan.target_session_attrs, SessionAttrs::Any);
    assert!(!plan.shuffle && !plan.ssl_direct && plan.ssl_sni);
    assert_eq!((plan.options, plan.application_name.as_str()), (None, "pgmon-tui"));
    assert_eq!(plan.connect_timeout, Duration::from_secs(10));
    assert_eq!(plan.keepalives_idle, Some(Duration::ZERO));
    assert_eq!((plan.keepalives_interval, plan.keepalives_count), (None, None));
    assert_eq!(plan.tcp_user_timeout, Duration::ZERO);
    assert_eq!(plan.warnings, Vec::<String>::new());
}

#[test]
fn every_key_reaches_the_plan() {
    let plan = typed_words(&[
        "-w",
        "host=db options='-c geqo=off' application_name=a fallback_application_name=b connect_timeout=3 \
         keepalives_idle=30 keepalives_interval=5 keepalives_count=4 tcp_user_timeout=1500 channel_binding=require \
         target_session_attrs=prefer-standby load_balance_hosts=random sslnegotiation=direct sslmode=require sslsni=0 \
         sslpassword=pw",
    ])
    .plan();
    assert_eq!(plan.prompt, Prompt::Never);
    assert_eq!(plan.options.as_deref(), Some("-c geqo=off"));
    assert_eq!(plan.application_name, "a");
    assert_eq!(plan.connect_timeout, Duration::from_secs(3));
    assert_eq!(plan.keepalives_idle, Some(Duration::from_secs(30)));
    assert_eq!(plan.keepalives_interval, Some(Duration::from_secs(5)));
    assert_eq!(plan.keepalives_count, Some(4));
    assert_eq!(plan.tcp_user_timeout, Duration::from_millis(1500));
    assert_eq!(plan.channel_binding, ChannelBinding::Require);
    assert_eq!(plan.target_session_attrs, SessionAttrs::PreferStandby);
    assert!(plan.shuffle && plan.ssl_direct && !plan.ssl_sni);
    assert_eq!(
        plan.ssl_password.map(|secret| secret.reveal().to_owned()).as_deref(),
        Some("pw")
    );
}

#[rstest]
#[case("connect_timeout=0", 10)]
#[case("connect_timeout=-1", 10)]
#[case("connect_timeout=1", 1)]
#[case("connect_timeout=' 7 '", 7)]
fn no_attempt_waits_for_ever(#[case] text: &str, #[case] seconds: u64) {
    assert_eq!(
        typed_words(&[text]).plan().connect_timeout,
        Duration::from_secs(seconds)
    );
}

#[rstest]
#[case("keepalives=0", None)]
#[case("keepalives=''", None)]
#[case("keepalives=1 keepalives_idle=0", Some(0))]
#[case("keepalives_idle=60", Some(60))]
fn keepalives_are_on_unless_switched_off(#[case] text: &str, #[case] idle: Option<u64>) {
    assert_eq!(
        typed_words(&[text]).plan().keepalives_idle,
        idle.map(Duration::from_secs)
    );
}

#[rstest]
#[case("fallback_application_name=b", "", "b")]
#[case("fallback_application_name=b", "PGAPPNAME=c", "c")]
#[case("application_name=''", "", "pgmon-tui")]
fn our_sessions_always_have_a_name(#[case] text: &str, #[case] env: &str, #[case] name: &str) {
    assert_eq!(typed_words(&[text]).envs(env).plan().application_name, name);
}

#[rstest]
#[case("\"host=a client_encoding=LATIN1\"", "", 1)]
#[case("\"host=a krbsrvname=x\"", "", 1)]
#[case("host=a", "PGCLIENTENCODING=LATIN1 PGKRBSRVNAME=x", 0)]
#[case("-d app -U me extra", "", 1)]
#[case("\"host=a gssencmode=prefer requirepeer=x replication=off require_auth=''\"", "", 0)]
fn what_is_ignored_is_mentioned_once_typed(#[case] words: &str, #[case] env: &str, #[case] count: usize) {
    assert_eq!(typed(words).envs(env).plan().warnings.len(), count);
}
