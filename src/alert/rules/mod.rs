//! The rules. One more is one file here and one line in [`RULES`].

mod blocked;
mod cache_hit;
mod checkpoints;
mod checksums;
mod connections;
mod deadlocks;
mod query_regression;
mod rollbacks;
mod settings;
mod statements_evicted;
mod surge;
mod temp_surge;
mod wal_surge;

use super::Rule;

/// Every rule, in the order of the catalogue.
pub static RULES: &[&Rule] = &[
    &connections::RULE,
    &blocked::RULE,
    &checkpoints::RULE,
    &wal_surge::RULE,
    &temp_surge::RULE,
    &rollbacks::RULE,
    &deadlocks::RULE,
    &cache_hit::RULE,
    &query_regression::RULE,
    &statements_evicted::RULE,
    &settings::RULE,
    &checksums::RULE,
];
