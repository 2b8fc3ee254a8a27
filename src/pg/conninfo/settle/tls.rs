//! The `ssl*` keys, and the files in `~/.postgresql`, with libpq's meaning.

use std::path::{Path, PathBuf};

use super::super::Inputs;
use super::super::error::ConninfoError;
use super::super::keyword::Values;
use super::{bad, one_of};
use crate::pg::plan::{Host, RootCert, SslMode, Target};

/// What the `ssl*` keys ask for.
pub struct Tls {
    /// `sslmode`.
    pub mode: SslMode,
    /// `sslnegotiation=direct`.
    pub direct: bool,
    /// `sslrootcert`.
    pub root_cert: RootCert,
    /// `sslcert`.
    pub cert: Option<PathBuf>,
    /// `sslkey`.
    pub key: Option<PathBuf>,
    /// `sslsni`.
    pub sni: bool,
    /// `ssl_min_protocol_version`.
    pub min_protocol: Option<String>,
    /// `ssl_max_protocol_version`.
    pub max_protocol: Option<String>,
}

const MODES: &[(&str, SslMode)] = &[
    ("disable", SslMode::Disable),
    ("allow", SslMode::Allow),
    ("prefer", SslMode::Prefer),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

/// TLS versions, oldest first.
const PROTOCOLS: [&str; 4] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum CertMode {
    Disable,
    Allow,
    Require,
}

/// Checks them. Files matter only where TLS can be spoken: not to a socket, and not with `sslmode=disable`.
pub fn settle(
    values: &Values,
    inputs: &Inputs<'_>,
    targets: &[Target],
    warnings: &mut Vec<String>,
) -> Result<Tls, ConninfoError> {
    let mode = mode(values)?;
    let direct = one_of(
        values,
        "sslnegotiation",
        &[("postgres", false), ("direct", true)],
        "postgres or direct",
    )?
    .unwrap_or(false);
    if direct && mode < SslMode::Require {
        return Err(weak_for_direct(values, mode));
    }
    let (min_protocol, max_protocol) = protocols(values)?;
    let tcp = targets.iter().any(|target| matches!(target.host, Host::Tcp { .. }));
    let mut files = Files {
        values,
        inputs,
        mode,
        warnings,
    };
    let in_force = tcp && mode != SslMode::Disable;
    let root_cert = if in_force { files.root_cert()? } else { RootCert::None };
    let (cert, key) = files.client_cert(in_force)?;
    if mode == SslMode::VerifyFull {
        check_names(values, targets)?;
    }
    Ok(Tls {
        mode,
        direct,
        root_cert,
        cert,
        key,
        sni: sni(values)?,
        min_protocol,
        max_protocol,
    })
}

/// The mode; `sslrootcert=system` makes `verify-full` the default and allows nothing weaker.
fn mode(values: &Values) -> Result<SslMode, ConninfoError> {
    let system = values.text("sslrootcert") == Some("system");
    let expected = "disable, allow, prefer, require, verify-ca or verify-full";
    let mode = one_of(values, "sslmode", MODES, expected)?;
    match (mode, values.get("sslmode")) {
        (Some(mode), Some(value)) if system && mode != SslMode::VerifyFull => Err(ConninfoError::WeakForSystem {
            mode: mode.name(),
            origin: value.origin.clone(),
        }),
        (Some(mode), _) => Ok(mode),
        (None, _) if system => Ok(SslMode::VerifyFull),
        (None, _) => Ok(SslMode::Prefer),
    }
}

fn weak_for_direct(values: &Values, mode: SslMode) -> ConninfoError {
    let value = values.get("sslnegotiation");
    ConninfoError::WeakForDirect {
        mode: mode.name(),
        origin: value.map_or(super::Origin::Argument, |value| value.origin.clone()),
    }
}

fn sni(values: &Values) -> Result<bool, ConninfoError> {
    Ok(one_of(values, "sslsni", &[("1", true), ("0", false), ("", false)], "0 or 1")?.unwrap_or(true))
}

/// Lowest and highest version. libpq's lowest is 1.2; an empty text leaves it to the library.
fn protocols(values: &Values) -> Result<(Option<String>, Option<String>), ConninfoError> {
    let min = protocol(values, "ssl_min_protocol_version", Some(2))?;
    let max = protocol(values, "ssl_max_protocol_version", None)?;
    if min.zip(max).is_some_and(|(min, max)| min > max) {
        return Err(ConninfoError::ProtocolRange);
    }
    let name = |index: Option<usize>| Some((*PROTOCOLS.get(index?)?).to_owned());
    Ok((name(min), name(max)))
}

/// The index in [`PROTOCOLS`].
fn protocol(values: &Values, key: &'static str, default: Option<usize>) -> Result<Option<usize>, ConninfoError> {
    let Some(value) = values.get(key) else {
        return Ok(default);
    };
    if value.text.is_empty() {
        return Ok(None);
    }
    let found = PROTOCOLS.iter().position(|name| name.eq_ignore_ascii_case(&value.text));
    found
        .map(Some)
        .ok_or_else(|| bad(key, value, "TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3"))
}

/// `verify-full` compares with the host's name; an address given by `hostaddr` alone is none.
fn check_names(values: &Values, targets: &[Target]) -> Result<(), ConninfoError> {
    let names: Vec<&str> = values.text("host").unwrap_or_default().split(',').collect();
    let nameless = targets.iter().enumerate().any(|(index, target)| {
        matches!(target.host, Host::Tcp { addr: Some(_), .. }) && names.get(index).is_none_or(|name| name.is_empty())
    });
    if nameless {
        return Err(ConninfoError::HostNameWanted);
    }
    Ok(())
}

struct Files<'a> {
    values: &'a Values,
    inputs: &'a Inputs<'a>,
    mode: SslMode,
    warnings: &'a mut Vec<String>,
}

impl Files<'_> {
    fn exists(&self, path: &Path) -> bool {
        self.inputs.files.stat(path).is_some()
    }

    fn named_or_default(&self, key: &str, default: &str) -> Option<PathBuf> {
        let named = self.values.text(key).map(PathBuf::from);
        named.or_else(|| self.inputs.in_home(default))
    }

    /// As libpq: a root certificate that is there is used in every mode, a missing one is an error where the mode
    /// asks for verification. A missing one that was named is worth a warning in the others.
    fn root_cert(&mut self) -> Result<RootCert, ConninfoError> {
        if self.values.text("sslrootcert") == Some("system") {
            return Ok(RootCert::System);
        }
        let path = self.named_or_default("sslrootcert", ".postgresql/root.crt");
        if let Some(path) = path.clone().filter(|path| self.exists(path)) {
            self.mention_revocations();
            return Ok(RootCert::File(path));
        }
        if self.mode >= SslMode::VerifyCa {
            return Err(ConninfoError::RootCertMissing {
                mode: self.mode.name(),
                path,
            });
        }
        if let Some(named) = self.values.text("sslrootcert") {
            self.warnings.push(format!(
                "sslrootcert {named} does not exist: with sslmode={} the server's certificate is not verified",
                self.mode.name()
            ));
        }
        Ok(RootCert::None)
    }

    /// libpq reads this list if it is there; we cannot.
    fn mention_revocations(&mut self) {
        let list = self.inputs.in_home(".postgresql/root.crl");
        if let Some(list) = list.filter(|list| self.exists(list)) {
            self.warnings.push(format!(
                "{} is not read: revoked server certificates are not noticed",
                list.display()
            ));
        }
    }

    /// As libpq: a missing certificate is none; a certificate without its key is an error, or in the modes that
    /// may go on without TLS a warning.
    fn client_cert(&mut self, in_force: bool) -> Result<(Option<PathBuf>, Option<PathBuf>), ConninfoError> {
        if !self.wants_client_cert()? || !in_force {
            return Ok((None, None));
        }
        let cert = self.named_or_default("sslcert", ".postgresql/postgresql.crt");
        let Some(cert) = cert.filter(|path| self.exists(path)) else {
            self.mention_missing_cert();
            return Ok((None, None));
        };
        let Some(key) = self.named_or_default("sslkey", ".postgresql/postgresql.key") else {
            return Ok((None, None));
        };
        match self.key_problem(&key) {
            None => Ok((Some(cert), Some(key))),
            Some(problem) if self.mode >= SslMode::Require => Err(ConninfoError::ClientKey { path: key, problem }),
            Some(problem) => {
                let error = ConninfoError::ClientKey { path: key, problem };
                self.warnings.push(format!("{error}; the certificate is not used"));
                Ok((None, None))
            }
        }
    }

    fn wants_client_cert(&self) -> Result<bool, ConninfoError> {
        let modes = &[
            ("disable", CertMode::Disable),
            ("allow", CertMode::Allow),
            ("require", CertMode::Require),
        ];
        let mode = one_of(self.values, "sslcertmode", modes, "disable, allow or require")?;
        match (mode, self.values.get("sslcertmode")) {
            (Some(CertMode::Require), Some(value)) => Err(ConninfoError::Unsupported {
                key: "sslcertmode",
                origin: value.origin.clone(),
                why: "pgmon-tui cannot see whether the server asked for the certificate; use sslcertmode=allow",
            }),
            (mode, _) => Ok(mode != Some(CertMode::Disable)),
        }
    }

    fn mention_missing_cert(&mut self) {
        if let Some(named) = self.values.text("sslcert") {
            self.warnings
                .push(format!("sslcert {named} does not exist: no client certificate is sent"));
        }
    }

    /// libpq's rule: the owner alone may read the key, or root's group too.
    fn key_problem(&self, key: &Path) -> Option<&'static str> {
        let Some(stat) = self.inputs.files.stat(key) else {
            return Some("does not exist: name it with sslkey=FILE");
        };
        if !stat.regular {
            return Some("is not a plain file: name another with sslkey=FILE");
        }
        let forbidden = if stat.owner == 0 { 0o037 } else { 0o077 };
        (stat.mode & forbidden != 0)
            .then_some("has group or world access, which libpq refuses too: run chmod 0600 on it")
    }
}
