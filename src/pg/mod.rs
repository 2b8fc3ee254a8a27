//! Everything that touches the server. Only [`session`] calls the driver; the other rooms are pure
//! ([`conninfo`], [`fault`], [`lex`], [`quote`], [`redact`], [`rows`]) or describe what was found ([`server`], [`privilege`]).

pub mod conninfo;
pub mod explain;
pub mod fault;
pub mod lex;
pub mod plan;
pub mod privilege;
pub mod quote;
pub mod redact;
pub mod rows;
pub mod server;
pub mod session;
pub mod tls;

use crate::probe::Spec;

/// The questions asked once per connection, which are no probes.
pub static INTRODUCTION: &[&Spec] = &[&server::SPEC, &privilege::SPEC];
