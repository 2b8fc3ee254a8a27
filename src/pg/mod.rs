//! Everything that touches the server. Only [`session`] calls the driver; the other rooms are pure
//! ([`conninfo`], [`fault`], [`rows`]) or describe what was found ([`server`]).

pub mod conninfo;
pub mod fault;
pub mod plan;
pub mod privilege;
pub mod rows;
pub mod server;
pub mod session;
pub mod tls;
