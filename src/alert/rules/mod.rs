//! The rules. One more is one file here and one line in [`RULES`].

mod blocked;
mod connections;

use super::Rule;

/// Every rule, in the order of the catalogue.
pub static RULES: &[&Rule] = &[&connections::RULE, &blocked::RULE];
