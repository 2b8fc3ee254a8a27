//! The rules. One more is one file here and one line in [`RULES`].

mod blocked;
mod connection_storm;
mod connections;
mod long_transaction;
mod people;
mod polling;
#[cfg(test)]
mod scenes;
mod syncrep;

use super::Rule;

/// Every rule, in the order of the catalogue.
pub static RULES: &[&Rule] = &[
    &connections::RULE,
    &connection_storm::RULE,
    &long_transaction::RULE,
    &blocked::RULE,
    &syncrep::RULE,
    &polling::RULE,
];
