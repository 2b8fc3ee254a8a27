//! Connection URIs: `postgresql://user:password@host1:5432,[::1]:5433/database?key=value`, every part percent-encoded.
//!
//! Two places are stricter than libpq: a bare `@` in a host, and one in a database name when no user was given.
//! Both come from a password whose `@` or `/` is not percent-encoded; libpq then looks up a piece of the password
//! as a host name and prints it.

use super::error::{ConninfoError, Origin};
use super::keyword::Values;
use super::parse::store;

/// What follows `postgres://` or `postgresql://`, if the text is a URI.
#[must_use]
pub fn without_prefix(text: &str) -> Option<&str> {
    text.strip_prefix("postgresql://")
        .or_else(|| text.strip_prefix("postgres://"))
}

/// A URI without its prefix.
///
/// # Errors
/// Where it is no URI, or names a key libpq does not know.
pub fn parse(rest: &str, origin: &Origin) -> Result<Values, ConninfoError> {
    let mut uri = Uri {
        origin,
        values: Values::default(),
    };
    uri.parse(rest)?;
    Ok(uri.values)
}

struct Uri<'a> {
    origin: &'a Origin,
    values: Values,
}

impl Uri<'_> {
    fn parse(&mut self, rest: &str) -> Result<(), ConninfoError> {
        let (credentials, rest) = split_credentials(rest);
        self.credentials(credentials.unwrap_or_default())?;
        let tail = self.places(rest)?;
        let (dbname, query) = match tail.strip_prefix('/') {
            Some(tail) => cut(tail, &['?']),
            None => ("", tail),
        };
        if credentials.is_none() && dbname.contains('@') {
            return Err(self.syntax(ENCODE));
        }
        self.set("dbname", dbname)?;
        self.query(query.strip_prefix('?').unwrap_or_default())
    }

    fn credentials(&mut self, text: &str) -> Result<(), ConninfoError> {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        self.set("user", user)?;
        self.set("password", password)
    }

    /// `host:port,host:port`; answers what follows.
    fn places<'t>(&mut self, mut rest: &'t str) -> Result<&'t str, ConninfoError> {
        let (mut hosts, mut ports) = (Vec::new(), Vec::new());
        loop {
            let (host, tail) = self.host(rest)?;
            let (port, tail) = match tail.strip_prefix(':') {
                Some(tail) => cut(tail, &['/', '?', ',']),
                None => ("", tail),
            };
            hosts.push(host);
            ports.push(port);
            let Some(next) = tail.strip_prefix(',') else {
                self.set("host", &hosts.join(","))?;
                self.set("port", &ports.join(","))?;
                return Ok(tail);
            };
            rest = next;
        }
    }

    fn host<'t>(&self, text: &'t str) -> Result<(&'t str, &'t str), ConninfoError> {
        let Some(bracketed) = text.strip_prefix('[') else {
            let (host, tail) = cut(text, &[':', '/', '?', ',']);
            if host.contains('@') {
                return Err(self.syntax(ENCODE));
            }
            return Ok((host, tail));
        };
        let Some((host, tail)) = bracketed.split_once(']') else {
            return Err(self.syntax("an IPv6 address has no closing \"]\""));
        };
        if host.is_empty() {
            return Err(self.syntax("an IPv6 address is empty"));
        }
        if !tail.is_empty() && !tail.starts_with([':', '/', '?', ',']) {
            return Err(
                self.syntax("after the \"]\" of an IPv6 address comes \":port\", \",\", \"/database\" or \"?\"")
            );
        }
        Ok((host, tail))
    }

    fn query(&mut self, text: &str) -> Result<(), ConninfoError> {
        if text.is_empty() {
            return Ok(());
        }
        // As in libpq, one & may end the list.
        for pair in text.strip_suffix('&').unwrap_or(text).split('&') {
            let (key, value) = pair
                .split_once('=')
                .filter(|(_, value)| !value.contains('='))
                .ok_or_else(|| self.syntax("a parameter after the \"?\" is not written key=value"))?;
            let (key, value) = (self.decode(key)?, self.decode(value)?);
            match (key.as_str(), value.as_str()) {
                // What JDBC writes.
                ("ssl", "true") => store(&mut self.values, "sslmode", "require", self.origin)?,
                (key, value) => store(&mut self.values, key, value, self.origin)?,
            }
        }
        Ok(())
    }

    /// Sets a key to a percent-encoded text; an empty one leaves it to the environment.
    fn set(&mut self, key: &str, encoded: &str) -> Result<(), ConninfoError> {
        if encoded.is_empty() {
            return Ok(());
        }
        let text = self.decode(encoded)?;
        self.values.set(key, text, self.origin)
    }

    fn decode(&self, encoded: &str) -> Result<String, ConninfoError> {
        // Blanks around a part are a slip of the pen to libpq 18, blanks in it are an error.
        let mut rest = encoded.trim_matches(' ').bytes();
        let mut bytes = Vec::with_capacity(encoded.len());
        while let Some(byte) = rest.next() {
            if byte == b' ' {
                return Err(self.syntax("a URI has no blanks in it; write %20"));
            }
            if byte != b'%' {
                bytes.push(byte);
                continue;
            }
            let digits = rest.next().and_then(hex).zip(rest.next().and_then(hex));
            match digits {
                Some((0, 0)) => return Err(self.syntax("%00 is not allowed")),
                Some((high, low)) => bytes.push(high << 4 | low),
                None => return Err(self.syntax("a \"%\" is not followed by two hex digits; a % itself is written %25")),
            }
        }
        String::from_utf8(bytes).map_err(|_| ConninfoError::NotUtf8 {
            origin: self.origin.clone(),
        })
    }

    fn syntax(&self, what: &'static str) -> ConninfoError {
        ConninfoError::Syntax {
            origin: self.origin.clone(),
            what,
        }
    }
}

const ENCODE: &str =
    "the URI has an \"@\" where none can be; in a user name or password write @ as %40, / as %2F, : as %3A";

/// `user:password` before an `@` that comes before any `/`.
fn split_credentials(rest: &str) -> (Option<&str>, &str) {
    match rest.split_once('@') {
        Some((credentials, tail)) if !credentials.contains('/') => (Some(credentials), tail),
        _ => (None, rest),
    }
}

/// What comes before the first of these characters, and the rest from it on.
fn cut<'t>(text: &'t str, at: &[char]) -> (&'t str, &'t str) {
    text.find(at)
        .and_then(|index| text.split_at_checked(index))
        .unwrap_or((text, ""))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}
