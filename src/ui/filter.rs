//! The filter language of `/`: substring, `re:` regular expression, `col:value`.

/// A parsed filter.
#[derive(Clone, Debug, Default)]
pub struct Filter {}
