//! The rules. One more is one file here and one line in [`RULES`].

mod blocked;
mod connections;

mod archiver;
mod conflicts;
mod invalid_indexes;
mod partition_horizon;
mod receiver;
mod replication_lag;
mod sequences;
mod slots;
mod standby_gone;
mod subscriptions;
mod unused_indexes;

use super::Rule;

/// Every rule, in the order of the catalogue.
pub static RULES: &[&Rule] = &[
    &connections::RULE,
    &blocked::RULE,
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
];
