//! What the samples mean, pure: no clock, no I/O, no screen.

pub mod activity;
pub mod bloat;
pub mod clock;
pub mod locks;
pub mod observe;
pub mod overview;
pub mod rates;
pub mod relation_sql;
pub mod remedy;
pub mod replay;
pub mod series;
pub mod waits;
