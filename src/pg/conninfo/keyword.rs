//! Every connection key libpq 18 knows, once: its environment variable and what becomes of it here. A key that
//! weakens security when it is ignored is refused; one that cannot matter is ignored.

use std::collections::BTreeMap;

use super::error::{ConninfoError, Origin};
use crate::config::nearest::nearest;

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It has its libpq meaning; see `settle`.
    Used,
    /// It cannot matter here, for this reason.
    Ignored(&'static str),
    /// It is refused unless its value is one of these, which ask for nothing.
    Refused {
        /// Values that ask for nothing we do not do.
        unless: &'static [&'static str],
        /// What would be missing.
        why: &'static str,
    },
}

/// One connection key.
#[derive(Clone, Copy, Debug)]
pub struct Keyword {
    /// Its name.
    pub name: &'static str,
    /// Its environment variable.
    pub env: Option<&'static str>,
    /// What becomes of it.
    pub fate: Fate,
}

const fn used(name: &'static str, env: &'static str) -> Keyword {
    Keyword {
        name,
        env: if env.is_empty() { None } else { Some(env) },
        fate: Fate::Used,
    }
}

const fn ignored(name: &'static str, env: &'static str, why: &'static str) -> Keyword {
    Keyword {
        fate: Fate::Ignored(why),
        ..used(name, env)
    }
}

const fn refused(name: &'static str, env: &'static str, unless: &'static [&'static str], why: &'static str) -> Keyword {
    Keyword {
        fate: Fate::Refused { unless, why },
        ..used(name, env)
    }
}

const NO_GSS: &str = "pgmon-tui does not speak GSSAPI";
const NO_OAUTH: &str = "pgmon-tui does not speak OAuth";
const NO_CRL: &str = "pgmon-tui does not check revocation lists, so a revoked certificate would be accepted";
const NO_SCRAM_KEYS: &str = "pgmon-tui logs in with a password or a certificate, not with SCRAM keys";

/// All of them, in libpq's order.
pub static KEYWORDS: &[Keyword] = &[
    used("service", "PGSERVICE"),
    used("user", "PGUSER"),
    used("password", "PGPASSWORD"),
    used("passfile", "PGPASSFILE"),
    used("channel_binding", "PGCHANNELBINDING"),
    used("connect_timeout", "PGCONNECT_TIMEOUT"),
    used("dbname", "PGDATABASE"),
    used("host", "PGHOST"),
    used("hostaddr", "PGHOSTADDR"),
    used("port", "PGPORT"),
    ignored("client_encoding", "PGCLIENTENCODING", "pgmon-tui always talks UTF-8"),
    used("options", "PGOPTIONS"),
    used("application_name", "PGAPPNAME"),
    used("fallback_application_name", ""),
    used("keepalives", ""),
    used("keepalives_idle", ""),
    used("keepalives_interval", ""),
    used("keepalives_count", ""),
    used("tcp_user_timeout", ""),
    used("sslmode", "PGSSLMODE"),
    used("sslnegotiation", "PGSSLNEGOTIATION"),
    ignored(
        "sslcompression",
        "PGSSLCOMPRESSION",
        "TLS compression is gone from OpenSSL and servers",
    ),
    used("sslcert", "PGSSLCERT"),
    used("sslkey", "PGSSLKEY"),
    used("sslcertmode", "PGSSLCERTMODE"),
    used("sslpassword", ""),
    used("sslrootcert", "PGSSLROOTCERT"),
    refused("sslcrl", "PGSSLCRL", &[""], NO_CRL),
    refused("sslcrldir", "PGSSLCRLDIR", &[""], NO_CRL),
    used("sslsni", "PGSSLSNI"),
    used("requirepeer", "PGREQUIREPEER"),
    refused(
        "require_auth",
        "PGREQUIREAUTH",
        &[""],
        "pgmon-tui cannot restrict the authentication methods a server may ask for",
    ),
    refused(
        "min_protocol_version",
        "PGMINPROTOCOLVERSION",
        &["", "3.0"],
        "pgmon-tui speaks protocol 3.0",
    ),
    ignored(
        "max_protocol_version",
        "PGMAXPROTOCOLVERSION",
        "pgmon-tui speaks protocol 3.0",
    ),
    used("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    used("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    refused("gssencmode", "PGGSSENCMODE", &["disable", "prefer"], NO_GSS),
    ignored("krbsrvname", "PGKRBSRVNAME", NO_GSS),
    ignored("gsslib", "PGGSSLIB", NO_GSS),
    ignored("gssdelegation", "PGGSSDELEGATION", NO_GSS),
    refused(
        "replication",
        "",
        &["", "false", "off", "no", "0"],
        "pgmon-tui reads statistics, it opens no replication connection",
    ),
    used("target_session_attrs", "PGTARGETSESSIONATTRS"),
    used("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    refused("scram_client_key", "", &[""], NO_SCRAM_KEYS),
    refused("scram_server_key", "", &[""], NO_SCRAM_KEYS),
    refused("oauth_issuer", "", &[""], NO_OAUTH),
    refused("oauth_client_id", "", &[""], NO_OAUTH),
    refused("oauth_client_secret", "", &[""], NO_OAUTH),
    refused("oauth_scope", "", &[""], NO_OAUTH),
    refused("sslkeylogfile", "", &[""], "pgmon-tui writes no session keys to a file"),
];

/// The key of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name)
}

/// A value and where it came from; without `Debug`, since it may be a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Value {
    /// The text.
    pub text: String,
    /// Where it stands.
    pub origin: Origin,
}

/// Keys and their values; without `Debug`, since a password may be among them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<&'static str, Value>);

impl Values {
    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// The text of a key, unless it is empty.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)
            .map(|value| value.text.as_str())
            .filter(|text| !text.is_empty())
    }

    /// Sets a key, over an earlier value.
    ///
    /// # Errors
    /// An unknown key, or a value with a zero byte, which no protocol message can carry.
    pub fn set(&mut self, key: &str, text: impl Into<String>, origin: &Origin) -> Result<(), ConninfoError> {
        let keyword = find(key).ok_or_else(|| unknown(key, origin))?;
        let text = text.into();
        if text.contains('\0') {
            return Err(ConninfoError::Syntax {
                origin: origin.clone(),
                what: "a value contains a zero byte",
            });
        }
        let origin = origin.clone();
        self.0.insert(keyword.name, Value { text, origin });
        Ok(())
    }

    /// Sets a key that has no value yet.
    ///
    /// # Errors
    /// As [`Self::set`].
    pub fn fill(&mut self, key: &str, text: impl Into<String>, origin: &Origin) -> Result<(), ConninfoError> {
        if self.0.contains_key(key) {
            return Ok(());
        }
        self.set(key, text, origin)
    }

    /// Adds another set, whose values win.
    pub fn extend(&mut self, upper: Self) {
        self.0.extend(upper.0);
    }

    /// Adds what was typed to what `PGMON_DSN` or a cluster says. A new host makes the old `hostaddr` and a list of
    /// ports meaningless.
    pub fn overlay(&mut self, upper: Self) {
        if upper.text("host").is_some() {
            self.0.remove("hostaddr");
            if self.text("port").is_some_and(|ports| ports.contains(',')) {
                self.0.remove("port");
            }
        }
        self.extend(upper);
    }

    /// Every key with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(key, value)| (*key, value))
    }
}

fn unknown(key: &str, origin: &Origin) -> ConninfoError {
    let looks_like_a_key =
        key.len() <= 40 && !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if !looks_like_a_key {
        return ConninfoError::Syntax {
            origin: origin.clone(),
            what: "something other than a key stands before a \"=\"; \
                   it is written key=value, or key='a value with blanks'",
        };
    }
    ConninfoError::UnknownKey {
        key: key.to_owned(),
        origin: origin.clone(),
        nearest: nearest(key, KEYWORDS.iter().map(|keyword| keyword.name)),
    }
}
