//! A table of facts: what, how much, and what it means; for panels that are about one thing.

use crate::model::concern::Concern;
use crate::pane::page::Rich;
use crate::ui::look::Role;
use crate::ui::table::{Align, Cell, Column, Key, Record, Width};

/// One fact.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    /// What it is about; its identity.
    pub what: &'static str,
    /// The value, and what it means.
    pub value: Cell<'static>,
    /// More about it.
    pub more: String,
    /// How bad it is.
    pub concern: Concern,
}

impl Fact {
    /// A fact in which nothing is wrong.
    pub fn new(what: &'static str, value: impl Into<String>) -> Self {
        Self {
            what,
            value: Cell::text(value.into()),
            more: String::new(),
            concern: Concern::Calm,
        }
    }

    /// With that meaning of its value.
    pub fn role(mut self, role: Role) -> Self {
        self.value.role = role;
        self
    }

    /// As bad as that.
    pub fn concern(mut self, concern: Concern) -> Self {
        self.concern = concern;
        if let Some(role) = super::mark(concern) {
            self.value.role = role;
        }
        self
    }

    /// With a detail.
    pub fn more(mut self, more: impl AsRef<str>) -> Self {
        if !self.more.is_empty() {
            self.more.push_str(" · ");
        }
        self.more.push_str(more.as_ref());
        self
    }

    /// With a detail if there is one.
    pub fn maybe(self, more: Option<String>) -> Self {
        match more {
            Some(more) => self.more(more),
            None => self,
        }
    }

    /// The whole of it, for where the columns cut it.
    pub fn about(&self) -> Vec<Rich> {
        if self.more.is_empty() {
            return Vec::new();
        }
        let mut rich = Rich::new(format!("{} {}: ", self.what, self.value.text), self.value.role);
        rich.push(self.more.as_str(), Role::Text);
        vec![rich]
    }
}

impl Record for Fact {
    type Id = &'static str;

    fn id(&self) -> Self::Id {
        self.what
    }

    fn columns() -> &'static [Column<Self>] {
        COLUMNS
    }

    fn mark(&self) -> Option<Role> {
        super::mark(self.concern)
    }

    fn marked() -> bool {
        true
    }
}

static COLUMNS: &[Column<Fact>] = &[
    Column {
        id: "what",
        title: "WHAT",
        help: "what it is about",
        width: Width::Fit(8, 16),
        align: Align::Left,
        cell: |fact| Cell::text(fact.what),
        key: |fact| Key::Text(fact.what.into()),
    },
    Column {
        id: "value",
        title: "VALUE",
        help: "how it is",
        width: Width::Fit(8, 24),
        align: Align::Left,
        cell: |fact| fact.value.clone(),
        key: |fact| Key::Text(fact.value.text.clone()),
    },
    Column {
        id: "more",
        title: "MORE",
        help: "what belongs to it",
        width: Width::Rest(20),
        align: Align::Left,
        cell: |fact| Cell::new(fact.more.as_str(), Role::Muted),
        key: |fact| Key::from(fact.more.as_str()),
    },
];
