//! How bad something is, as the model sees it; views give it its colour and mark.

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
