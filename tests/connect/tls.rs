//! libpq's six modes and their meaning, certificates good and bad, client certificates. The expectations of the
//! mode table are what `psql` does with the same settings.

use std::path::{Path, PathBuf};

use pgmon_lab::Cluster;
use pgmon_tui::pg::fault::FaultKind;
use pgmon_tui::pg::plan::{ChannelBinding, Plan, RootCert, Secret, SslMode};
use tempfile::TempDir;

use crate::certs::{EXPIRED, Pair, authority, file};
use crate::session::text;
use crate::{fault, open, plan, session, with_password};

/// Authorities and files for one test.
struct Office {
    dir: TempDir,
    ours: Pair,
    root: PathBuf,
    stranger: PathBuf,
}

impl Office {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ours = authority("our authority");
        let root = file(dir.path(), "root.crt", &ours.cert());
        let stranger = file(dir.path(), "stranger.crt", &authority("a stranger").cert());
        Self {
            dir,
            ours,
            root,
            stranger,
        }
    }

    fn file(&self, name: &str, contents: &[u8]) -> PathBuf {
        file(self.dir.path(), name, contents)
    }

    /// A server with that certificate. `tls` is for encrypted connections only, `plain` for others only, `scram`
    /// wants a password, `cert` a client certificate of its name.
    async fn server(&self, pair: &Pair) -> Cluster {
        Cluster::builder(18)
            .conf("ssl", "on")
            .conf("ssl_cert_file", "server.crt")
            .conf("ssl_key_file", "server.key")
            .conf("ssl_ca_file", "clients.crt")
            .file("server.crt", &pair.cert(), 0o600)
            .file("server.key", &pair.key(), 0o600)
            .file("clients.crt", &self.ours.cert(), 0o600)
            .hba("hostnossl all tls all reject")
            .hba("hostssl all plain all reject")
            .hba("host all scram all scram-sha-256")
            .hba("hostssl all cert all cert")
            .role("mon LOGIN")
            .role("tls LOGIN")
            .role("plain LOGIN")
            .role("scram LOGIN PASSWORD 'open sesame'")
            .role("cert LOGIN")
            .start()
            .await
            .unwrap()
    }
}

/// A plan for the name `localhost`, which the good certificate is for.
fn to(cluster: &Cluster, user: &str, mode: SslMode, root: Option<&Path>) -> Plan {
    let mut plan = plan("localhost", cluster.port(), user);
    plan.sslmode = mode;
    plan.root_cert = root.map_or(RootCert::None, |path| RootCert::File(path.to_owned()));
    plan
}

/// What came out of an attempt.
#[derive(Debug, PartialEq)]
enum Got {
    Plain,
    Tls,
    Fault(FaultKind),
}

use Got::{Plain, Tls};

const TLS: Got = Got::Fault(FaultKind::Tls);
const CERTIFICATE: Got = Got::Fault(FaultKind::Certificate);
const HBA: Got = Got::Fault(FaultKind::Hba);

async fn attempt(plan: &Plan) -> Got {
    match open(plan).await {
        Ok(mut session) => {
            let sql =
                "select s.ssl::text as it from pg_catalog.pg_stat_ssl s where s.pid = pg_catalog.pg_backend_pid()";
            let by_server = text(&mut session, sql).await == "true";
            let by_us = session.server().tls.as_deref();
            assert_eq!(by_us, by_server.then_some("TLSv1.3"));
            if by_server { Got::Tls } else { Got::Plain }
        }
        Err(fault) => {
            crate::check(&fault);
            Got::Fault(fault.kind)
        }
    }
}

const MODES: [SslMode; 6] = [
    SslMode::Disable,
    SslMode::Allow,
    SslMode::Prefer,
    SslMode::Require,
    SslMode::VerifyCa,
    SslMode::VerifyFull,
];

async fn assert_modes(cluster: &Cluster, user: &str, root: Option<&Path>, expected: [Got; 6]) {
    let mut got = Vec::new();
    for mode in MODES {
        got.push(attempt(&to(cluster, user, mode, root)).await);
    }
    let certificate = root.and_then(Path::file_name);
    assert_eq!(got, expected, "{user} with root certificate {certificate:?}");
}

#[tokio::test]
async fn the_six_modes() {
    let office = Office::new();
    let good = office.server(&office.ours.signs("server", &["localhost"])).await;
    let [root, stranger] = [&office.root, &office.stranger].map(|path| Some(path.as_path()));
    assert_modes(&good, "mon", None, [Plain, Plain, Tls, Tls, CERTIFICATE, CERTIFICATE]).await;
    assert_modes(&good, "mon", root, [Plain, Plain, Tls, Tls, Tls, Tls]).await;
    assert_modes(
        &good,
        "mon",
        stranger,
        [Plain, Plain, Plain, CERTIFICATE, CERTIFICATE, CERTIFICATE],
    )
    .await;
    assert_modes(&good, "tls", None, [HBA, Tls, Tls, Tls, CERTIFICATE, CERTIFICATE]).await;
    assert_modes(
        &good,
        "tls",
        stranger,
        [HBA, CERTIFICATE, CERTIFICATE, CERTIFICATE, CERTIFICATE, CERTIFICATE],
    )
    .await;
    assert_modes(&good, "plain", root, [Plain, Plain, Plain, HBA, HBA, HBA]).await;

    let other_name = office.server(&office.ours.signs("server", &["db.example.com"])).await;
    assert_modes(&other_name, "mon", root, [Plain, Plain, Tls, Tls, Tls, CERTIFICATE]).await;
    let expired = office
        .server(&office.ours.signed("server", &["localhost"], EXPIRED))
        .await;
    assert_modes(
        &expired,
        "mon",
        None,
        [Plain, Plain, Tls, Tls, CERTIFICATE, CERTIFICATE],
    )
    .await;
    assert_modes(
        &expired,
        "mon",
        root,
        [Plain, Plain, Plain, CERTIFICATE, CERTIFICATE, CERTIFICATE],
    )
    .await;

    let none = Cluster::builder(12).role("mon LOGIN").start().await.unwrap();
    assert_modes(&none, "mon", root, [Plain, Plain, Plain, TLS, TLS, TLS]).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_told_apart() {
    let office = Office::new();
    let root = Some(office.root.as_path());
    let full = |cluster: &Cluster, root| to(cluster, "mon", SslMode::VerifyFull, root);

    let good = office.server(&office.ours.signs("server", &["localhost"])).await;
    let unknown = fault(&full(&good, Some(&office.stranger))).await;
    assert!(
        unknown.sentence.contains("is not signed by an authority we know"),
        "{unknown}"
    );
    assert!(unknown.remedy.unwrap().contains("sslrootcert"));
    let lacking = fault(&full(&good, None)).await;
    assert!(
        lacking
            .sentence
            .contains("sslmode=verify-full needs a root certificate"),
        "{lacking}"
    );
    let mut system = full(&good, None);
    system.root_cert = RootCert::System;
    let system = fault(&system).await;
    assert!(
        system.sentence.contains("is not signed by an authority we know"),
        "{system}"
    );
    let missing = fault(&full(&good, Some(Path::new("/nowhere/root.crt")))).await;
    assert!(missing.sentence.contains("/nowhere/root.crt"), "{missing}");
    let garbage = office.file("garbage.crt", b"no certificate");
    assert!(
        fault(&full(&good, Some(&garbage)))
            .await
            .sentence
            .contains("holds no PEM certificate")
    );

    let other = office.server(&office.ours.signs("server", &["db.example.com"])).await;
    let name = fault(&full(&other, root)).await;
    assert!(name.sentence.contains("was made for another name"), "{name}");
    let by_address = office.server(&office.ours.signs("server", &["127.0.0.1"])).await;
    let mut plan = full(&by_address, root);
    assert!(fault(&plan).await.sentence.contains("another name"));
    plan.hosts = vec![crate::target("127.0.0.1", by_address.port())];
    session(&plan).await.close().await;

    let expired = office
        .server(&office.ours.signed("server", &["localhost"], EXPIRED))
        .await;
    let expired = fault(&full(&expired, root)).await;
    assert!(expired.sentence.ends_with("has expired."), "{expired}");
}

#[tokio::test]
async fn a_server_without_tls_or_with_nothing_else() {
    let none = Cluster::builder(15).role("mon LOGIN").start().await.unwrap();
    let refused = fault(&to(&none, "mon", SslMode::Require, None)).await;
    assert!(
        refused.sentence.contains("has no TLS, and sslmode=require forbids"),
        "{refused}"
    );

    let office = Office::new();
    let server = office.server(&office.ours.signs("server", &["localhost"])).await;
    let demanded = fault(&to(&server, "tls", SslMode::Disable, None)).await;
    assert!(
        demanded.remedy.as_ref().unwrap().contains("sslmode=require"),
        "{demanded}"
    );
}

#[tokio::test]
async fn protocol_versions_and_direct_negotiation() {
    let office = Office::new();
    let server = office.server(&office.ours.signs("server", &["localhost"])).await;
    let mut plan = to(&server, "mon", SslMode::Require, None);
    plan.ssl_max_protocol = Some("TLSv1.2".to_owned());
    assert_eq!(session(&plan).await.server().tls.as_deref(), Some("TLSv1.2"));
    plan.ssl_max_protocol = Some("TLSv9".to_owned());
    assert_eq!(fault(&plan).await.kind, FaultKind::Tls);
    plan.ssl_max_protocol = None;
    plan.ssl_direct = true;
    assert_eq!(session(&plan).await.server().tls.as_deref(), Some("TLSv1.3"));

    server.set("ssl_min_protocol_version", "TLSv1.3").await.unwrap();
    plan.ssl_direct = false;
    plan.ssl_max_protocol = Some("TLSv1.2".to_owned());
    let too_low = fault(&plan).await;
    assert_eq!(too_low.kind, FaultKind::Tls, "{too_low}");
}

#[tokio::test]
async fn channel_binding() {
    let office = Office::new();
    let server = office.server(&office.ours.signs("server", &["localhost"])).await;
    let mut plan = with_password(to(&server, "scram", SslMode::Require, None), "open sesame");
    for binding in [ChannelBinding::Disable, ChannelBinding::Prefer, ChannelBinding::Require] {
        plan.channel_binding = binding;
        session(&plan).await.close().await;
    }
    plan.sslmode = SslMode::Disable;
    let unencrypted = fault(&plan).await;
    assert!(unencrypted.sentence.contains("channel binding"), "{unencrypted}");
    let mut trusting = to(&server, "mon", SslMode::Require, None);
    trusting.channel_binding = ChannelBinding::Require;
    assert!(fault(&trusting).await.sentence.contains("channel binding"));
}

#[tokio::test]
async fn client_certificates() {
    use std::os::unix::fs::PermissionsExt;

    let office = Office::new();
    let server = office.server(&office.ours.signs("server", &["localhost"])).await;
    let client = office.ours.signs("cert", &[]);
    let cert = office.file("client.crt", &client.cert());
    let with_key = |key: &PathBuf, password: Option<&str>| {
        let mut plan = to(&server, "cert", SslMode::VerifyFull, Some(&office.root));
        plan.ssl_cert = Some(cert.clone());
        plan.ssl_key = Some(key.clone());
        plan.ssl_password = password.map(|text| Secret::new(text.to_owned()));
        plan
    };
    let encrypted = office.file("encrypted.key", &client.key_encrypted("open sesame"));
    for (key, password) in [
        (office.file("pkcs1.key", &client.key()), None),
        (office.file("pkcs8.key", &client.key_pkcs8()), None),
        (encrypted.clone(), Some("open sesame")),
    ] {
        session(&with_key(&key, password)).await.close().await;
    }

    let locked = fault(&with_key(&encrypted, None)).await;
    assert!(locked.sentence.contains("it is encrypted"), "{locked}");
    let wrong = fault(&with_key(&encrypted, Some("close sesame"))).await;
    assert!(wrong.sentence.contains("does not decrypt"), "{wrong}");

    let open_key = office.file("open.key", &client.key());
    std::fs::set_permissions(&open_key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let readable = fault(&with_key(&open_key, None)).await;
    assert!(
        readable.sentence.contains("others may read it (mode 0644)"),
        "{readable}"
    );
    assert!(readable.remedy.unwrap().contains("chmod 600"));

    let none = fault(&to(&server, "cert", SslMode::VerifyFull, Some(&office.root))).await;
    assert_eq!(none.kind, FaultKind::Hba, "{none}");

    let forged = authority("a forger").signs("cert", &[]);
    let mut plan = with_key(&office.file("forged.key", &forged.key()), None);
    plan.ssl_cert = Some(office.file("forged.crt", &forged.cert()));
    let refused = fault(&plan).await;
    assert_eq!(refused.kind, FaultKind::Certificate, "{refused}");

    plan.ssl_key = Some(office.file("another.key", &client.key()));
    assert_eq!(fault(&plan).await.kind, FaultKind::Certificate);
}
