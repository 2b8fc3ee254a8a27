//! The rules. One more is one file here and one line in [`RULES`].

mod archiver;
mod autovacuum_saturated;
mod autovacuum_starved;
mod blocked;
mod cache_hit;
mod checkpoints;
mod conflicts;
mod connection_storm;
mod connections;
mod dead_tuples;
mod deadlocks;
mod horizon;
mod invalid_indexes;
mod long_transaction;
mod partition_horizon;
mod people;
mod polling;
mod query_regression;
mod receiver;
mod replication_lag;
mod rollbacks;
#[cfg(test)]
mod scenes;
mod sequences;
mod settings;
mod slots;
mod standby_gone;
mod statements_evicted;
mod stats_stale;
mod subscriptions;
mod surge;
mod syncrep;
mod temp_surge;
mod unused_indexes;
mod vacuuming;
mod wal_surge;
mod wraparound;
mod wraparound_stuck;

use super::Rule;

/// Every rule, in the order of the catalogue.
pub static RULES: &[&Rule] = &[
    &connections::RULE,
    &connection_storm::RULE,
    &long_transaction::RULE,
    &blocked::RULE,
    &syncrep::RULE,
    &checkpoints::RULE,
    &wal_surge::RULE,
    &temp_surge::RULE,
    &rollbacks::RULE,
    &deadlocks::RULE,
    &cache_hit::RULE,
    &query_regression::RULE,
    &statements_evicted::RULE,
    &dead_tuples::RULE,
    &stats_stale::RULE,
    &autovacuum_starved::RULE,
    &autovacuum_saturated::RULE,
    &horizon::RULE,
    &wraparound::RULE,
    &wraparound_stuck::RULE,
    &sequences::RULE,
    &invalid_indexes::RULE,
    &unused_indexes::RULE,
    &partition_horizon::RULE,
    &replication_lag::RULE,
    &standby_gone::RULE,
    &receiver::RULE,
    &archiver::RULE,
    &slots::RULE,
    &conflicts::RULE,
    &subscriptions::RULE,
    &settings::RULE,
    &polling::RULE,
];
