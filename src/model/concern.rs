//! How bad something is, as the model sees it; views give it its colour and mark.

use serde::Serialize;

/// How bad, the worst last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Concern {
    /// As it should be.
    #[default]
    Calm,
    /// Worth a look.
    Notice,
    /// Act soon.
    Warning,
    /// Act now.
    Critical,
}

/// How bad something is that has to be told; always shown by a glyph or a word beside the colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth a look.
    Notice,
    /// Act soon.
    Warning,
    /// Act now.
    Critical,
}

impl Concern {
    /// What is to be told; nothing while it is as it should be.
    #[must_use]
    pub const fn severity(self) -> Option<Severity> {
        match self {
            Self::Calm => None,
            Self::Notice => Some(Severity::Notice),
            Self::Warning => Some(Severity::Warning),
            Self::Critical => Some(Severity::Critical),
        }
    }
}
