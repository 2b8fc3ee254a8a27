//! How the Overview is read.

/// Lines of help.
pub const HELP: &[(&str, &str)] = &[
    (
        "first lines",
        "what is wrong, the worst first: since when, the evidence, and the number of the pane it leads to; Enter goes there",
    ),
    (
        "└ under it",
        "what belongs to it: details and the alerts folded into the same story; e shows all of them",
    ),
    (
        "5s of 2m",
        "its limit is reached, for so long of the time that makes it an alert",
    ),
    (
        "noted",
        "somebody took note of it with a; it comes back when it gets worse",
    ),
    (
        "checks",
        "w lists every check: what it found, and why it could not look, with the statement that helps",
    ),
    (
        "Connections",
        "client backends, ours included, of max_connections less the reserved ones; walsenders and workers have their own slots",
    ),
    (
        "Active avg 1m",
        "average active sessions of the last minute by what they wait for, from the activity samples; CPU is no wait at all",
    ),
    (
        "Blocked",
        "sessions that wait for a heavyweight lock; Locks shows behind whom",
    ),
    (
        "Oldest tx",
        "age of the oldest open transaction, ≥ for a prepared one; Enter leads to its backend",
    ),
    (
        "Idle in tx",
        "the session that has been idle in its transaction for the longest time",
    ),
    (
        "Commits/s",
        "all databases; here: the connected one; rates come from two readings by the server's clock, a gap means reset, restart or failover",
    ),
    (
        "Cache hit",
        "share of block requests found in shared_buffers, now; tbl and idx: tables and indexes of the connected database",
    ),
    ("Rows out/s", "rows read by sequential and index scans"),
    (
        "WAL",
        "from the WAL position, so that an open transaction counts at once; on a standby what is replayed",
    ),
    (
        "Checkpoints",
        "mean time between them over the last hour of this session, or since the counters were reset while it is young",
    ),
    ("Temp files", "bytes spilled per second, counted when a file is closed"),
    (
        "Replication",
        "bytes the standby furthest behind has still to replay; ≥ where its replay stands still",
    ),
    (
        "xmin horizon",
        "age of the oldest snapshot in transactions: rows that died since cannot be removed",
    ),
    (
        "trends",
        "the views show the last 10 minutes, the last hour, the whole session",
    ),
];
