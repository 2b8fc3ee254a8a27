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
        probe: "statements",
        what: "the view with its texts",
        from: 13,
        sql: "SELECT * FROM pg_stat_statements s ORDER BY s.total_exec_time DESC",
    },
    Plain {
        probe: "autovacuum",
        what: "pg_stat_user_tables by dead rows",
        from: 12,
        sql: "SELECT * FROM pg_stat_user_tables t ORDER BY t.n_dead_tup DESC LIMIT 50",
    },
    Plain {
        probe: "relation_io",
        what: "sums over pg_statio_user_tables",
        from: 12,
        sql: "SELECT sum(t.heap_blks_read), sum(t.heap_blks_hit), sum(t.idx_blks_read), sum(t.idx_blks_hit) \
              FROM pg_statio_user_tables t",
    },
    Plain {
        probe: "relations",
        what: "pg_total_relation_size of all, sorted",
        from: 12,
        sql: "SELECT c.oid::regclass, pg_total_relation_size(c.oid) FROM pg_class c \
              WHERE c.relkind IN ('r', 'm') ORDER BY 2 DESC LIMIT 50",
    },
    Plain {
        probe: "indexes_unused",
        what: "pg_stat_user_indexes by size",
        from: 12,
        sql: "SELECT i.indexrelid::regclass, pg_relation_size(i.indexrelid) FROM pg_stat_user_indexes i \
              WHERE i.idx_scan = 0 ORDER BY 2 DESC LIMIT 50",
    },
    Plain {
        probe: "indexes_duplicate",
        what: "pg_index grouped by its columns as text",
        from: 12,
        sql: "SELECT sum(pg_relation_size(i.indexrelid)), array_agg(i.indexrelid::regclass) FROM pg_index i \
              GROUP BY i.indrelid, i.indclass::text, i.indkey::text, i.indexprs::text, i.indpred::text \
              HAVING count(*) > 1 ORDER BY 1 DESC LIMIT 50",
    },
    Plain {
        probe: "indexes_invalid",
        what: "pg_get_indexdef of all",
        from: 12,
        sql: "SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i WHERE NOT i.indisvalid",
    },
    Plain {
        probe: "fk_unindexed",
        what: "pg_constraint against pg_index, by size",
        from: 12,
        sql: "SELECT c.conrelid::regclass, pg_relation_size(c.conrelid) FROM pg_constraint c WHERE c.contype = 'f' \
              AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.conrelid \
              AND (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey) ORDER BY 2 DESC LIMIT 50",
    },
    Plain {
        probe: "sequences",
        what: "pg_sequences",
        from: 12,
        sql: "SELECT * FROM pg_sequences s ORDER BY s.last_value::numeric / s.max_value DESC NULLS LAST LIMIT 50",
    },
    Plain {
        probe: "partitions",
        what: "bounds and sizes of all",
        from: 12,
        sql: "SELECT i.inhparent::regclass, c.oid::regclass, pg_get_expr(c.relpartbound, c.oid), \
              pg_total_relation_size(c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid",
    },
    Plain {
        probe: "wraparound_relations",
        what: "pg_class joined with its TOAST",
        from: 12,
        sql: "SELECT c.oid::regclass, greatest(age(c.relfrozenxid), age(t.relfrozenxid)) FROM pg_class c \
              LEFT JOIN pg_class t ON c.reltoastrelid = t.oid WHERE c.relkind IN ('r', 'm') ORDER BY 2 DESC LIMIT 50",
    },
    Plain {
        probe: "measure",
        what: "pgstattuple of the largest",
        from: 12,
        sql: "SELECT s.* FROM (SELECT c.oid FROM pg_class c WHERE c.relkind = 'r' ORDER BY c.relpages DESC LIMIT 1) c \
              CROSS JOIN LATERAL pgstattuple(c.oid::regclass) s",
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
