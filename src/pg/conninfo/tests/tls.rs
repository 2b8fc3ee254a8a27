//! sslmode, certificates and the files in `~/.postgresql`.

use rstest::rstest;

use super::{Desk, typed, typed_words};
use crate::pg::plan::{RootCert, SslMode};

const ROOT: &str = "/home/me/.postgresql/root.crt";
const CERT: &str = "/home/me/.postgresql/postgresql.crt";
const KEY: &str = "/home/me/.postgresql/postgresql.key";

#[rstest]
#[case("host=a", "", SslMode::Prefer)]
#[case("host=a sslmode=disable", "PGSSLMODE=require", SslMode::Disable)]
#[case("host=a", "PGSSLMODE=allow", SslMode::Allow)]
#[case("host=a", "PGREQUIRESSL=1", SslMode::Require)]
#[case("host=a", "PGREQUIRESSL=0", SslMode::Prefer)]
#[case("host=a", "PGREQUIRESSL=1 PGSSLMODE=disable", SslMode::Disable)]
#[case("host=a requiressl=1", "", SslMode::Require)]
#[case("postgres://a/?ssl=true", "", SslMode::Require)]
#[case("host=a sslrootcert=system", "", SslMode::VerifyFull)]
#[case("host=a", "PGSSLROOTCERT=system", SslMode::VerifyFull)]
#[case("host=a sslrootcert=system sslmode=verify-full", "", SslMode::VerifyFull)]
fn sslmode(#[case] text: &str, #[case] env: &str, #[case] expected: SslMode) {
    assert_eq!(typed_words(&[text]).envs(env).plan().sslmode, expected);
}

#[rstest]
#[case("sslmode=require")]
#[case("sslmode=verify-ca")]
#[case("sslmode=prefer")]
#[case("requiressl=1")]
fn the_systems_authorities_need_verify_full(#[case] text: &str) {
    let error = typed_words(&[&format!("host=a sslrootcert=system {text}")]).error();
    assert!(error.contains("is too weak for sslrootcert=system"), "{error}");
}

#[rstest]
#[case::default_file_if_there("host=a", true, RootCert::File(ROOT.into()))]
#[case::no_default_file("host=a", false, RootCert::None)]
#[case::default_file_verifies("host=a sslmode=verify-full", true, RootCert::File(ROOT.into()))]
#[case::named("host=a sslrootcert=/ca", true, RootCert::File("/ca".into()))]
#[case::system("host=a sslrootcert=system", true, RootCert::System)]
#[case::not_to_a_socket("host=/run sslmode=verify-full", false, RootCert::None)]
#[case::not_without_tls("host=a sslmode=disable", true, RootCert::None)]
fn root_certificate(#[case] text: &str, #[case] default_there: bool, #[case] expected: RootCert) {
    let mut desk = typed_words(&[text]).file("/ca", 0o644, "");
    if default_there {
        desk = desk.file(ROOT, 0o644, "");
    }
    let plan = desk.plan();
    assert_eq!(plan.root_cert, expected);
    assert_eq!(plan.warnings, Vec::<String>::new());
}

#[rstest]
#[case(
    "sslmode=verify-ca",
    "sslmode=verify-ca needs a root certificate, but /home/me/.postgresql/root.crt does not exist"
)]
#[case(
    "sslmode=verify-full sslrootcert=/nope",
    "sslmode=verify-full needs a root certificate, but /nope does not exist"
)]
fn verification_needs_a_root_certificate(#[case] text: &str, #[case] expected: &str) {
    let error = typed_words(&[&format!("host=a {text}")]).error();
    assert!(
        error.contains(expected) && error.contains("sslrootcert=system"),
        "{error}"
    );
}

#[test]
fn a_named_root_certificate_that_is_missing_is_mentioned() {
    let plan = typed_words(&["host=a sslmode=require sslrootcert=/nope"]).plan();
    assert_eq!(plan.root_cert, RootCert::None);
    assert_eq!(
        plan.warnings,
        ["sslrootcert /nope does not exist: with sslmode=require the server's certificate is not verified"]
    );
}

#[test]
fn revocation_lists_are_never_ignored_silently() {
    let desk = typed_words(&["host=a sslcrl=/crl"]);
    assert!(desk.error().contains("sslcrl is refused"));
    let desk = typed("-h a")
        .file(ROOT, 0o644, "")
        .file("/home/me/.postgresql/root.crl", 0o644, "");
    assert!(desk.plan().warnings[0].contains("revoked server certificates are not noticed"));
}

#[rstest]
#[case("host=a sslmode=verify-full hostaddr=::1", true)]
#[case("host=a,b sslmode=verify-full hostaddr=::1,::2", true)]
#[case("sslmode=verify-full hostaddr=::1", false)]
#[case("host=a, sslmode=verify-full hostaddr=::1,::2", false)]
#[case("sslmode=verify-ca hostaddr=::1", true)]
fn verify_full_needs_a_name_to_compare_with(#[case] text: &str, #[case] possible: bool) {
    let desk = typed_words(&[text]).file(ROOT, 0o644, "");
    assert_eq!(desk.try_plan().is_ok(), possible);
}

fn with_cert(text: &str, key_mode: u32, key_owner: u32) -> Desk {
    typed_words(&[text])
        .file(CERT, 0o644, "")
        .owned_file(KEY, key_mode, key_owner, "")
}

#[rstest]
#[case("host=a sslmode=require", 0o600, 1000, true)]
#[case("host=a sslmode=require", 0o640, 0, true)]
#[case("host=a", 0o600, 1000, true)]
#[case("host=a sslcertmode=disable", 0o600, 1000, false)]
#[case("host=a sslmode=disable", 0o600, 1000, false)]
#[case("host=/run", 0o600, 1000, false)]
fn client_certificate(#[case] text: &str, #[case] mode: u32, #[case] owner: u32, #[case] used: bool) {
    let plan = with_cert(text, mode, owner).plan();
    assert_eq!(plan.ssl_cert, used.then(|| CERT.into()));
    assert_eq!(plan.ssl_key, used.then(|| KEY.into()));
    assert_eq!(plan.warnings, Vec::<String>::new());
}

#[rstest]
#[case(0o640, 1000)]
#[case(0o644, 0)]
fn a_key_others_may_read_is_refused(#[case] mode: u32, #[case] owner: u32) {
    let error = with_cert("host=a sslmode=require", mode, owner).error();
    assert!(error.contains("has group or world access"), "{error}");
    let plan = with_cert("host=a sslmode=prefer", mode, owner).plan();
    assert_eq!(plan.ssl_cert, None);
    assert!(
        plan.warnings[0].contains("the certificate is not used"),
        "{:?}",
        plan.warnings
    );
}

#[test]
fn a_certificate_needs_its_key_but_may_be_missing() {
    let error = typed_words(&["host=a sslmode=require"]).file(CERT, 0o644, "").error();
    assert!(error.contains(KEY) && error.contains("does not exist"), "{error}");
    let plan = typed_words(&["host=a sslcert=/nope"]).plan();
    assert_eq!(
        plan.warnings,
        ["sslcert /nope does not exist: no client certificate is sent"]
    );
    let error = typed_words(&["host=a sslcertmode=require"]).error();
    assert!(error.contains("sslcertmode is refused"), "{error}");
}

#[rstest]
#[case("", Some("TLSv1.2"), None)]
#[case("ssl_min_protocol_version=tlsv1.3", Some("TLSv1.3"), None)]
#[case(
    "ssl_min_protocol_version='' ssl_max_protocol_version=TLSv1.2",
    None,
    Some("TLSv1.2")
)]
fn tls_versions(#[case] text: &str, #[case] min: Option<&str>, #[case] max: Option<&str>) {
    let plan = typed_words(&[&format!("host=a {text}")]).plan();
    assert_eq!(
        (plan.ssl_min_protocol.as_deref(), plan.ssl_max_protocol.as_deref()),
        (min, max)
    );
}

#[rstest]
#[case("ssl_max_protocol_version=TLSv1.1", "no TLS version is left")]
#[case("ssl_min_protocol_version=SSLv3", "it takes TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3")]
#[case("sslsni=yes", "it takes 0 or 1")]
#[case("sslnegotiation=direct sslmode=prefer", "use sslmode=require")]
fn impossible(#[case] text: &str, #[case] expected: &str) {
    let error = typed_words(&[&format!("host=a {text}")]).error();
    assert!(error.contains(expected), "{error}");
}
