//! TLS as libpq does it: what each `sslmode` tries, what it verifies, and whose certificate it shows.
//!
//! | sslmode | tries | verifies |
//! |---|---|---|
//! | disable | plain | |
//! | allow | plain, then TLS if `pg_hba.conf` refuses | the chain, if a root certificate is there |
//! | prefer | TLS, then plain if the server has none or refuses | the chain, if a root certificate is there |
//! | require | TLS | the chain, if a root certificate is there |
//! | verify-ca | TLS | the chain |
//! | verify-full | TLS | the chain and the host's name |
//!
//! A Unix socket is never encrypted and ignores `sslmode`. `sslrootcert=system` always verifies the name too.

use std::fs;
use std::path::Path;

use native_tls::{Certificate, Identity, Protocol, TlsConnector};
use tokio::sync::OnceCell;

use super::fault::{Fault, FaultKind, one_line};
use super::plan::{Plan, RootCert, Secret, SslMode};

/// What is checked of a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// Nothing: the connection is private, but nobody knows with whom.
    Nothing,
    /// That a known authority signed it.
    Chain,
    /// That, and that it was made for this host.
    Full,
}

/// What a mode verifies with a root certificate or without.
///
/// # Errors
/// [`FaultKind::Certificate`] when the mode verifies and there is nothing to verify against.
pub fn verify(mode: SslMode, root: &RootCert) -> Result<Verify, Fault> {
    match (mode, root) {
        (SslMode::VerifyCa | SslMode::VerifyFull, RootCert::None) => Err(Fault::new(
            FaultKind::Certificate,
            format!(
                "sslmode={} needs a root certificate to check the server's against, and there is none.",
                mode.name()
            ),
        )
        .with_remedy("Give sslrootcert=FILE, put it into ~/.postgresql/root.crt, or use sslrootcert=system.")),
        (_, RootCert::System) | (SslMode::VerifyFull, RootCert::File(_)) => Ok(Verify::Full),
        (_, RootCert::File(_)) => Ok(Verify::Chain),
        (_, RootCert::None) => Ok(Verify::Nothing),
    }
}

/// The connector of a plan, made when the first server agrees to TLS: reading the system's authorities takes OpenSSL
/// some 40 ms, which a server without TLS should not cost.
pub struct Lazy {
    plan: Plan,
    made: OnceCell<TlsConnector>,
}

impl Lazy {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        Self {
            plan: plan.clone(),
            made: OnceCell::new(),
        }
    }

    /// TLS from the first byte.
    #[must_use]
    pub fn direct(&self) -> bool {
        self.plan.ssl_direct
    }

    /// The connector.
    ///
    /// # Errors
    /// See [`connector`].
    pub async fn get(&self) -> Result<TlsConnector, Fault> {
        let make = async || {
            let plan = self.plan.clone();
            let made = tokio::task::spawn_blocking(move || connector(&plan)).await;
            made.unwrap_or_else(|_| Err(Fault::new(FaultKind::Tls, "TLS cannot be set up.")))
        };
        self.made.get_or_try_init(make).await.cloned()
    }
}

/// The connector that carries a plan out. It reads files.
///
/// # Errors
/// [`FaultKind::Certificate`] naming the file that cannot be read or used, or what the mode lacks.
pub fn connector(plan: &Plan) -> Result<TlsConnector, Fault> {
    let mut builder = TlsConnector::builder();
    match verify(plan.sslmode, &plan.root_cert)? {
        Verify::Nothing => builder
            .danger_accept_invalid_certs(true)
            .danger_accept_invalid_hostnames(true),
        Verify::Chain => builder.danger_accept_invalid_hostnames(true),
        Verify::Full => &mut builder,
    };
    if let RootCert::File(path) = &plan.root_cert {
        builder.disable_built_in_roots(true);
        for certificate in roots(path)? {
            builder.add_root_certificate(certificate);
        }
    }
    if let Some(identity) = identity(plan)? {
        builder.identity(identity);
    }
    if let Some(min) = protocol("ssl_min_protocol_version", plan.ssl_min_protocol.as_deref())? {
        builder.min_protocol_version(Some(min));
    }
    if let Some(max) = protocol("ssl_max_protocol_version", plan.ssl_max_protocol.as_deref())? {
        builder.max_protocol_version(Some(max));
    }
    builder.use_sni(plan.ssl_sni);
    if plan.ssl_direct {
        postgres_native_tls::set_postgresql_alpn(&mut builder);
    }
    builder.build().map_err(|error| unbuilt(plan, &error))
}

fn unbuilt(plan: &Plan, error: &native_tls::Error) -> Fault {
    let reason = one_line(&error.to_string());
    match (&plan.ssl_cert, &plan.ssl_key) {
        (Some(cert), Some(key)) => unusable(CERT, cert, &format!("with the key {}: {reason}", key.display()))
            .with_remedy("Check that the key belongs to the certificate."),
        _ => Fault::new(FaultKind::Tls, format!("TLS cannot be set up: {reason}."))
            .with_remedy("Check ssl_min_protocol_version and ssl_max_protocol_version."),
    }
}

fn protocol(key: &str, text: Option<&str>) -> Result<Option<Protocol>, Fault> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    match text.to_ascii_lowercase().as_str() {
        "tlsv1" => Ok(Some(Protocol::Tlsv10)),
        "tlsv1.1" => Ok(Some(Protocol::Tlsv11)),
        "tlsv1.2" => Ok(Some(Protocol::Tlsv12)),
        "tlsv1.3" => Ok(Some(Protocol::Tlsv13)),
        _ => Err(
            Fault::new(FaultKind::Tls, format!("{key} \"{text}\" is not a TLS version."))
                .with_remedy("Use TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3."),
        ),
    }
}

fn read(what: What, path: &Path) -> Result<Vec<u8>, Fault> {
    fs::read(path).map_err(|error| {
        unusable(what, path, &error.to_string()).with_remedy(format!(
            "Check the path and that you may read it: ls -l {}",
            path.display()
        ))
    })
}

fn unusable(what: What, path: &Path, reason: &str) -> Fault {
    let sentence = format!("The {} {} cannot be used: {reason}.", what.name, path.display());
    Fault::new(FaultKind::Certificate, sentence).with_remedy(format!("Check what {} names.", what.key))
}

/// A file TLS needs, and the connection parameter that names it.
#[derive(Clone, Copy)]
struct What {
    name: &'static str,
    key: &'static str,
}

const ROOT: What = What {
    name: "root certificate file",
    key: "sslrootcert",
};
const CERT: What = What {
    name: "client certificate",
    key: "sslcert",
};
const KEY: What = What {
    name: "client key",
    key: "sslkey",
};

fn roots(path: &Path) -> Result<Vec<Certificate>, Fault> {
    let what = ROOT;
    let certificates = Certificate::stack_from_pem(&read(what, path)?)
        .map_err(|_| unusable(what, path, "it holds no PEM certificate"))?;
    if certificates.is_empty() {
        return Err(unusable(what, path, "it holds no PEM certificate"));
    }
    Ok(certificates)
}

/// The client certificate and its key, if the plan has them.
fn identity(plan: &Plan) -> Result<Option<Identity>, Fault> {
    let Some(cert) = &plan.ssl_cert else {
        return Ok(None);
    };
    let Some(key) = &plan.ssl_key else {
        return Err(unusable(CERT, cert, "there is no key for it").with_remedy("Give sslkey=FILE."));
    };
    let chain = read(CERT, cert)?;
    check_permissions(key)?;
    let pkcs8 = pkcs8(key, &read(KEY, key)?, plan.ssl_password.as_ref())?;
    Identity::from_pkcs8(&chain, &pkcs8)
        .map(Some)
        .map_err(|_| unusable(CERT, cert, "it holds no PEM certificate"))
}

/// libpq's rule: a key of ours is ours alone (0600 or less), a key of root's may be read by a group (0640 or less).
#[cfg(unix)]
fn check_permissions(key: &Path) -> Result<(), Fault> {
    use std::os::unix::fs::MetadataExt;
    let meta = fs::metadata(key).map_err(|error| unusable(KEY, key, &error.to_string()))?;
    let forbidden = if meta.uid() == 0 { 0o037 } else { 0o077 };
    if !meta.is_file() {
        return Err(unusable(KEY, key, "it is not a regular file"));
    }
    if meta.mode() & forbidden == 0 {
        return Ok(());
    }
    let reason = format!("others may read it (mode {:04o})", meta.mode() & 0o7777);
    Err(unusable(KEY, key, &reason).with_remedy(format!("Type: chmod 600 {}", key.display())))
}

#[cfg(not(unix))]
fn check_permissions(_: &Path) -> Result<(), Fault> {
    Ok(())
}

/// The key as unencrypted PKCS#8, whatever form libpq would take it in.
#[cfg(all(unix, not(target_vendor = "apple")))]
fn pkcs8(path: &Path, pem: &[u8], password: Option<&Secret>) -> Result<Vec<u8>, Fault> {
    use openssl::pkey::PKey;
    // Without a callback OpenSSL would ask for the password on the terminal itself.
    let mut asked = false;
    let key = PKey::private_key_from_pem_callback(pem, |buffer| {
        asked = true;
        let secret = password.map(Secret::reveal).unwrap_or_default().as_bytes();
        Ok(buffer.get_mut(..secret.len()).map_or(0, |room| {
            room.copy_from_slice(secret);
            secret.len()
        }))
    })
    .map_err(|_| match (asked, password) {
        (true, None) => unusable(KEY, path, "it is encrypted").with_remedy("Give its password as sslpassword."),
        (true, Some(_)) => unusable(KEY, path, "sslpassword does not decrypt it"),
        (false, _) => unusable(KEY, path, "it holds no PEM private key"),
    })?;
    key.private_key_to_pem_pkcs8()
        .map_err(|error| unusable(KEY, path, &error.to_string()))
}

#[cfg(not(all(unix, not(target_vendor = "apple"))))]
fn pkcs8(path: &Path, pem: &[u8], _: Option<&Secret>) -> Result<Vec<u8>, Fault> {
    if pem.windows(27).any(|bytes| bytes == b"-----BEGIN PRIVATE KEY-----") {
        return Ok(pem.to_vec());
    }
    Err(unusable(
        "client key",
        path,
        "only unencrypted PKCS#8 keys can be used on this system",
    )
    .with_remedy("Convert it: openssl pkcs8 -topk8 -nocrypt -in KEY -out NEWKEY"))
}
