//! Connection strings: `key=value key='another value'` with libpq's quoting, and what tells one from a plain
//! database name. URIs are [`super::uri`]'s.

use std::iter::Peekable;
use std::str::Chars;

use super::error::{ConninfoError, Origin};
use super::keyword::Values;
use super::uri;

/// Whether libpq would take this database name for a connection string: a URI, or anything with a `=` in it.
#[must_use]
pub fn is_connection_string(text: &str) -> bool {
    uri::without_prefix(text).is_some() || text.contains('=')
}

/// A connection string of either form.
///
/// # Errors
/// Where the text is no connection string, or names a key libpq does not know.
pub fn connection_string(text: &str, origin: &Origin) -> Result<Values, ConninfoError> {
    match uri::without_prefix(text) {
        Some(rest) => uri::parse(rest, origin),
        None => Pairs::new(text, origin).parse(),
    }
}

/// Sets a key as both forms of connection strings do, with libpq's old `requiressl` translated.
pub(super) fn store(values: &mut Values, key: &str, text: &str, origin: &Origin) -> Result<(), ConninfoError> {
    if key == "requiressl" {
        let mode = if text.starts_with('1') { "require" } else { "prefer" };
        return values.set("sslmode", mode, origin);
    }
    values.set(key, text, origin)
}

/// C's `isspace` in the C locale, as libpq uses it.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

struct Pairs<'a> {
    chars: Peekable<Chars<'a>>,
    origin: &'a Origin,
}

impl<'a> Pairs<'a> {
    fn new(text: &'a str, origin: &'a Origin) -> Self {
        Self {
            chars: text.chars().peekable(),
            origin,
        }
    }

    fn parse(mut self) -> Result<Values, ConninfoError> {
        let mut values = Values::default();
        let mut after_secret = false;
        loop {
            self.skip_spaces();
            if self.chars.peek().is_none() {
                return Ok(values);
            }
            after_secret = match self.pair(&mut values) {
                Err(error) if after_secret && may_be_password(&error) => return Err(self.syntax(BLANK_IN_PASSWORD)),
                stored => stored?,
            };
        }
    }

    /// One pair; answers whether what follows may be the rest of a password that is not well quoted.
    fn pair(&mut self, values: &mut Values) -> Result<bool, ConninfoError> {
        let key = self.key()?;
        self.skip_spaces();
        let quoted = self.chars.next_if_eq(&'\'').is_some();
        let value = if quoted { self.quoted()? } else { self.bare() };
        store(values, &key, &value, self.origin)?;
        let clear_end = quoted && self.chars.peek().is_none_or(|c| is_space(*c));
        Ok(matches!(key.as_str(), "password" | "sslpassword") && !clear_end)
    }

    fn key(&mut self) -> Result<String, ConninfoError> {
        let mut key = String::new();
        while let Some(c) = self.chars.next_if(|c| *c != '=' && !is_space(*c)) {
            key.push(c);
        }
        self.skip_spaces();
        match self.chars.next() {
            Some('=') => Ok(key),
            _ => Err(self.syntax(NO_EQUALS)),
        }
    }

    fn bare(&mut self) -> String {
        let mut value = String::new();
        while let Some(c) = self.chars.next_if(|c| !is_space(*c)) {
            if c == '\\' {
                value.extend(self.chars.next());
            } else {
                value.push(c);
            }
        }
        value
    }

    fn quoted(&mut self) -> Result<String, ConninfoError> {
        let mut value = String::new();
        loop {
            match self.chars.next() {
                None => return Err(self.syntax("a quoted value has no closing quote")),
                Some('\'') => return Ok(value),
                Some('\\') => value.extend(self.chars.next()),
                Some(c) => value.push(c),
            }
        }
    }

    fn skip_spaces(&mut self) {
        while self.chars.next_if(|c| is_space(*c)).is_some() {}
    }

    fn syntax(&self, what: &'static str) -> ConninfoError {
        ConninfoError::Syntax {
            origin: self.origin.clone(),
            what,
        }
    }
}

/// What follows a password with a blank in it looks like a key; only what is nearly a key may be shown.
fn may_be_password(error: &ConninfoError) -> bool {
    matches!(
        error,
        ConninfoError::Syntax { .. } | ConninfoError::UnknownKey { nearest: None, .. }
    )
}

const NO_EQUALS: &str = "a word has no \"=\" after it; it is written key=value, or key='a value with blanks'";
const BLANK_IN_PASSWORD: &str = "what follows the password is no key=value; a password with a blank, quote or backslash \
     is written password='it\\'s secret'";
