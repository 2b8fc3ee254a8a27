//! Rows as the probes read them: by column name, with text that cannot fail to decode.
//!
//! `tokio_postgres::Row::get` panics, and `String` refuses, when bytes are not UTF-8. One query text of a
//! LATIN1 or `SQL_ASCII` database would end the program, so both are banned (see clippy.toml) and every text
//! comes through [`Row::text`], which replaces what is no UTF-8 by U+FFFD.

use tokio_postgres::types::{FromSql, FromSqlOwned, Type};

use super::fault::{Fault, FaultKind};

/// The rows of one statement.
#[derive(Debug, Default)]
pub struct Rows {
    rows: Vec<tokio_postgres::Row>,
    /// What came instead of rows: the lines of a plan.
    lines: Vec<String>,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a>(&'a tokio_postgres::Row);

impl Rows {
    /// Wraps what the driver returned.
    #[must_use]
    pub fn new(rows: Vec<tokio_postgres::Row>) -> Self {
        Self {
            rows,
            lines: Vec::new(),
        }
    }

    /// The lines of a plan, which come by the protocol without typed rows.
    #[must_use]
    pub fn of_lines(lines: Vec<String>) -> Self {
        Self {
            rows: Vec::new(),
            lines,
        }
    }

    /// The lines of a plan; empty for any other answer.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len() + self.lines.len()
    }

    /// True if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows in the server's order.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(Row)
    }

    /// The only row of a statement that always returns exactly one.
    ///
    /// # Errors
    /// [`FaultKind::Decode`] when there is another number of rows.
    pub fn only(&self) -> Result<Row<'_>, Fault> {
        match self.rows.as_slice() {
            [row] => Ok(Row(row)),
            rows => Err(Fault::new(
                FaultKind::Decode,
                format!("expected one row from the server, got {}", rows.len()),
            )),
        }
    }
}

impl Row<'_> {
    /// A value that is not text; `T` is `Option<..>` where the column can be NULL.
    ///
    /// # Errors
    /// [`FaultKind::Decode`] naming the column, when it is missing, NULL without `Option`, or of another type.
    pub fn get<T: FromSqlOwned>(&self, column: &str) -> Result<T, Fault> {
        self.0.try_get::<_, T>(column).map_err(|error| {
            let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            Fault::new(
                FaultKind::Decode,
                format!("column \"{column}\" is not what was expected: {cause}"),
            )
        })
    }

    /// A text column (of any type whose binary form is its text); NULL is `None`.
    ///
    /// # Errors
    /// [`FaultKind::Decode`] when there is no such column.
    pub fn text(&self, column: &str) -> Result<Option<String>, Fault> {
        Ok(self.get::<Option<Lossy>>(column)?.map(|lossy| lossy.0))
    }

    /// A text array; NULL is empty and a NULL element is an empty text.
    ///
    /// # Errors
    /// [`FaultKind::Decode`] when there is no such column or it is no array.
    pub fn texts(&self, column: &str) -> Result<Vec<String>, Fault> {
        let texts = self.get::<Option<Vec<Option<Lossy>>>>(column)?.unwrap_or_default();
        Ok(texts
            .into_iter()
            .map(|text| text.map(|lossy| lossy.0).unwrap_or_default())
            .collect())
    }
}

/// Text that cannot fail: what is no UTF-8 becomes U+FFFD.
#[derive(Debug)]
struct Lossy(String);

impl<'a> FromSql<'a> for Lossy {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(String::from_utf8_lossy(raw).into_owned()))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(
            *ty,
            Type::TEXT | Type::VARCHAR | Type::NAME | Type::BPCHAR | Type::UNKNOWN | Type::CHAR
        )
    }
}
