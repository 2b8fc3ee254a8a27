//! The plain forms: what one would write first, and what most tools ask.

use std::time::Instant;

use pgmon_lab::{Client, Result};
use pgmon_tui::pg::server::Server;

use crate::measure::{AGAIN, Cost, memory};

/// The plain form of a probe's question.
pub struct Plain {
    /// The probe that asks the same.
    pub probe: &'static str,
    /// What it does, in a few words.
    pub what: &'static str,
    /// The first major it works on.
    pub from: u32,
    sql: &'static str,
}

/// By probe.
pub const PLAIN: &[Plain] = &[
    Plain {
        probe: "locks",
        what: "pg_locks joined with itself",
        from: 12,
        sql: "SELECT w.pid, b.pid FROM pg_locks w JOIN pg_locks b ON b.locktype = w.locktype \
              AND b.database IS NOT DISTINCT FROM w.database AND b.relation IS NOT DISTINCT FROM w.relation \
              AND b.page IS NOT DISTINCT FROM w.page AND b.tuple IS NOT DISTINCT FROM w.tuple \
              AND b.virtualxid IS NOT DISTINCT FROM w.virtualxid \
              AND b.transactionid IS NOT DISTINCT FROM w.transactionid \
              AND b.classid IS NOT DISTINCT FROM w.classid AND b.objid IS NOT DISTINCT FROM w.objid \
              AND b.objsubid IS NOT DISTINCT FROM w.objsubid AND b.pid <> w.pid WHERE NOT w.granted",
    },
    Plain {
        probe: "relation_io",
        what: "sums over pg_statio_user_tables",
        from: 12,
        sql: "SELECT sum(t.heap_blks_read), sum(t.heap_blks_hit), sum(t.idx_blks_read), sum(t.idx_blks_hit) \
              FROM pg_statio_user_tables t",
    },
];

/// Asks it as the probe was asked: a new connection, once and three times more.
///
/// # Errors
/// When there is no connection.
pub async fn measure(conninfo: &str, server: &Server, plain: &Plain) -> Result<Result<Cost, String>> {
    if server.major() < plain.from {
        return Ok(Err(format!("needs PostgreSQL {}", plain.from)));
    }
    let client = Client::connect(conninfo).await?;
    client
        .simple("SET max_parallel_workers_per_gather = 0; SET jit = off")
        .await?;
    if server.major() >= 15 {
        client.simple("SET stats_fetch_consistency = none").await?;
    }
    let (mut took, mut rows) = (Vec::new(), 0);
    for _ in 0..=AGAIN {
        let begin = Instant::now();
        match client.rows(plain.sql).await {
            Ok(answer) => rows = answer.len(),
            Err(error) => return Ok(Err(error.to_string())),
        }
        took.push(begin.elapsed());
    }
    Ok(Ok(Cost::of(&took, rows, memory(client.pid()))))
}
