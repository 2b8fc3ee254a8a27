//! What a table needs to know of its rows and columns.

use std::borrow::Cow;

use crate::ui::format::Number;
use crate::ui::look::Role;

/// One column of a table of `R`.
pub struct Column<R: 'static> {
    /// Its name in `col:value` filters and in the configuration: lower case, no spaces.
    pub id: &'static str,
    /// What stands above it.
    pub title: &'static str,
    /// What it means, one line, for the help.
    pub help: &'static str,
    /// How wide it is.
    pub width: Width,
    /// Which side it leans to.
    pub align: Align,
    /// What a row shows in it. Raw text: the table makes it safe and cuts it.
    pub cell: fn(&R) -> Cell<'_>,
    /// What it sorts by.
    pub key: fn(&R) -> Key<'_>,
}

/// How wide a column is, in terminal cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// As wide as its widest shown cell, within these bounds.
    Fit(u16, u16),
    /// At least this, and what the others leave. One per table, the last.
    Rest(u16),
}

/// Which side a cell leans to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// What a row shows in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell<'a> {
    /// Raw text; control characters are made visible when drawn.
    pub text: Cow<'a, str>,
    /// What it means.
    pub role: Role,
}

impl<'a> Cell<'a> {
    /// A cell of that meaning.
    pub fn new(text: impl Into<Cow<'a, str>>, role: Role) -> Self {
        Self {
            text: text.into(),
            role,
        }
    }

    /// Plain text.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::new(text, Role::Text)
    }

    /// Plain text, or nothing.
    pub fn maybe(text: Option<impl Into<Cow<'a, str>>>) -> Self {
        text.map_or_else(Self::empty, Self::text)
    }

    /// Nothing to show: the column does not apply to this row.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            text: Cow::Borrowed(""),
            role: Role::Muted,
        }
    }
}

/// What a column sorts by; rows without a value come last in either direction.
#[derive(Clone, Debug, PartialEq)]
pub enum Key<'a> {
    /// No value.
    None,
    /// By number.
    Number(f64),
    /// By text.
    Text(Cow<'a, str>),
}

impl<N: Number> From<N> for Key<'_> {
    fn from(number: N) -> Self {
        Self::Number(number.value())
    }
}

impl<N: Number> From<Option<N>> for Key<'_> {
    fn from(number: Option<N>) -> Self {
        number.map_or(Self::None, Self::from)
    }
}

impl<'a> From<&'a str> for Key<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

impl<'a> From<Option<&'a str>> for Key<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Self::None, Self::from)
    }
}

/// What a table needs from its rows.
pub trait Record: 'static {
    /// The identity the selection follows.
    type Id: Clone + Eq + std::fmt::Debug;

    /// This row's identity.
    fn id(&self) -> Self::Id;

    /// The columns, the first one frozen.
    fn columns() -> &'static [Column<Self>]
    where
        Self: Sized;

    /// What its plain cells ([`Role::Text`]) mean instead: a critical root, a row hidden by privileges.
    fn role(&self) -> Option<Role> {
        None
    }

    /// A sign in the margin: [`Role::Critical`], [`Role::Warning`], [`Role::Notice`], [`Role::Ok`] or [`Role::Estimated`].
    fn mark(&self) -> Option<Role> {
        None
    }

    /// True if rows can have a [`Self::mark`]: the margin is then two cells wide instead of one.
    #[must_use]
    fn marked() -> bool
    where
        Self: Sized,
    {
        false
    }

    /// The branches of a tree before the text of the [`Self::prefix_column`]: `│ ├ `.
    #[expect(clippy::unnecessary_literal_bound, reason = "only this default is a literal")]
    fn prefix(&self) -> &str {
        ""
    }

    /// The column that shows the prefix; [`Self::whole`] texts begin there too.
    #[must_use]
    fn prefix_column() -> usize
    where
        Self: Sized,
    {
        0
    }

    /// How deep it lies: it belongs to the nearest row above with a smaller depth.
    fn depth(&self) -> u16 {
        0
    }

    /// One text over all columns instead of cells: a second line of the row above, "+38 more like these".
    fn whole(&self) -> Option<Cell<'_>> {
        None
    }

    /// False for lines that only belong to the row above and cannot be selected.
    fn selectable(&self) -> bool {
        true
    }
}
