//! Certificates for the TLS tests: authorities, servers and clients, good and bad, made anew for each run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::symm::Cipher;
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509NameBuilder};

/// A certificate and its key.
pub(crate) struct Pair {
    cert: X509,
    key: Rsa<Private>,
}

/// Days from now a certificate is valid.
const VALID: (i64, i64) = (-2, 30);
/// Days of one that is over.
pub(crate) const EXPIRED: (i64, i64) = (-30, -2);

/// An authority.
pub(crate) fn authority(name: &str) -> Pair {
    make(name, &[], None, VALID, true)
}

impl Pair {
    /// A certificate this authority has signed, for these DNS names.
    pub(crate) fn signs(&self, name: &str, dns: &[&str]) -> Self {
        make(name, dns, Some(self), VALID, false)
    }

    /// One that was valid at another time.
    pub(crate) fn signed(&self, name: &str, dns: &[&str], days: (i64, i64)) -> Self {
        make(name, dns, Some(self), days, false)
    }

    pub(crate) fn cert(&self) -> Vec<u8> {
        self.cert.to_pem().unwrap()
    }

    /// The key as PKCS#1.
    pub(crate) fn key(&self) -> Vec<u8> {
        self.key.private_key_to_pem().unwrap()
    }

    /// The key as PKCS#8.
    pub(crate) fn key_pkcs8(&self) -> Vec<u8> {
        PKey::from_rsa(self.key.clone())
            .unwrap()
            .private_key_to_pem_pkcs8()
            .unwrap()
    }

    /// The key, encrypted.
    pub(crate) fn key_encrypted(&self, password: &str) -> Vec<u8> {
        self.key
            .private_key_to_pem_passphrase(Cipher::aes_256_cbc(), password.as_bytes())
            .unwrap()
    }
}

/// Writes a file for this user's eyes only.
pub(crate) fn file(dir: &Path, name: &str, contents: &[u8]) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, contents).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn make(name: &str, dns: &[&str], issuer: Option<&Pair>, days: (i64, i64), authority: bool) -> Pair {
    let rsa = Rsa::generate(2048).unwrap();
    let key = PKey::from_rsa(rsa.clone()).unwrap();
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    let serial = BigNum::from_slice(&rand_serial()).unwrap();
    builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder
        .set_issuer_name(issuer.map_or(&subject, |issuer| issuer.cert.subject_name()))
        .unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&in_days(days.0)).unwrap();
    builder.set_not_after(&in_days(days.1)).unwrap();
    if authority {
        builder
            .append_extension(BasicConstraints::new().critical().ca().build().unwrap())
            .unwrap();
    }
    if !dns.is_empty() {
        let mut names = SubjectAlternativeName::new();
        for name in dns {
            if name.parse::<std::net::IpAddr>().is_ok() {
                names.ip(name);
            } else {
                names.dns(name);
            }
        }
        let names = names
            .build(&builder.x509v3_context(issuer.map(|issuer| &*issuer.cert), None))
            .unwrap();
        builder.append_extension(names).unwrap();
    }
    let signer = issuer.map_or_else(|| key.clone(), |issuer| PKey::from_rsa(issuer.key.clone()).unwrap());
    builder.sign(&signer, MessageDigest::sha256()).unwrap();
    Pair {
        cert: builder.build(),
        key: rsa,
    }
}

fn in_days(days: i64) -> Asn1Time {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    Asn1Time::from_unix(i64::try_from(now).unwrap() + days * 86_400).unwrap()
}

fn rand_serial() -> [u8; 8] {
    let mut bytes = [0; 8];
    openssl::rand::rand_bytes(&mut bytes).unwrap();
    bytes[0] &= 0x7f;
    bytes
}
