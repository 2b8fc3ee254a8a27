//! What the samples mean, pure: no clock, no I/O, no screen.

pub mod activity;
pub mod archive;
pub mod autovacuum;
pub mod bloat;
pub mod clock;
pub mod concern;
pub mod databases;
pub mod horizon;
pub mod locks;
pub mod observe;
pub mod overview;
pub mod partitions;
pub mod progress;
pub mod rates;
pub mod recovery;
pub mod remedy;
pub mod replay;
pub mod replication;
pub mod series;
pub mod slots;
pub mod statements;
pub mod storage;
pub mod subscriptions;
pub mod trails;
pub mod waits;
pub mod wraparound;
