//! The rules. One more is one file here and one line in [`RULES`].

mod autovacuum_saturated;
mod autovacuum_starved;
mod blocked;
mod cache_hit;
mod checkpoints;
mod checksums;
mod connections;
mod dead_tuples;
mod deadlocks;
mod horizon;
mod query_regression;
mod rollbacks;
mod settings;
mod statements_evicted;
mod stats_stale;
mod surge;
mod temp_surge;
mod vacuuming;
mod wal_surge;
mod wraparound;
mod wraparound_stuck;

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
    &dead_tuples::RULE,
    &stats_stale::RULE,
    &autovacuum_starved::RULE,
    &autovacuum_saturated::RULE,
    &horizon::RULE,
    &wraparound::RULE,
    &wraparound_stuck::RULE,
];
