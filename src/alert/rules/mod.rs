//! The rules. One more is one file here and one line in [`RULES`].

mod autovacuum_saturated;
mod autovacuum_starved;
mod blocked;
mod connections;
mod dead_tuples;
mod horizon;
mod stats_stale;
mod vacuuming;
mod wraparound;
mod wraparound_stuck;

use super::Rule;

/// Every rule, in the order of the catalogue.
pub static RULES: &[&Rule] = &[
    &connections::RULE,
    &blocked::RULE,
    &dead_tuples::RULE,
    &stats_stale::RULE,
    &autovacuum_starved::RULE,
    &autovacuum_saturated::RULE,
    &horizon::RULE,
    &wraparound::RULE,
    &wraparound_stuck::RULE,
];
