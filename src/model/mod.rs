//! What the samples mean, pure: no clock, no I/O, no screen.

pub mod activity;
pub mod autovacuum;
pub mod clock;
pub mod databases;
pub mod horizon;
pub mod archive;
pub mod clock;
pub mod concern;
pub mod locks;
pub mod observe;
pub mod overview;
pub mod progress;
pub mod partitions;
pub mod rates;
pub mod recovery;
pub mod remedy;
pub mod replay;
pub mod replication;
pub mod series;
pub mod storage;
pub mod slots;
pub mod subscriptions;
pub mod trails;
pub mod waits;
pub mod wraparound;
