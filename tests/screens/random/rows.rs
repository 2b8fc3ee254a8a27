//! Every row a probe can answer with, field by field: a new field does not compile until it is drawn too.

use pgmon_tui::pg::server::Extension;
use pgmon_tui::probe::{
    activity, archive_backlog, archiver, autovacuum, backend, backend_locks, conflicts, counters, database_list,
    databases, extensions, fk_unindexed, horizon, indexes_duplicate, indexes_invalid, indexes_unused, locks, measure,
    measure_indexes, named, partitions, prepared, progress, pulse, recovery, relation, relation_columns,
    relation_family, relation_indexes, relation_io, relation_locks, relation_stats, relations, replication, sequences,
    settings, slots, statements, subscriptions, wal_settings, wraparound_databases, wraparound_relations,
};

use super::{Drawn, Draws};

/// Draws each field in turn.
macro_rules! drawn {
    ($($row:path { $($field:ident),* $(,)? })*) => {
        $(impl Drawn for $row {
            fn drawn(draws: &Draws<'_>) -> Self {
                Self { $($field: draws.next()),* }
            }
        })*
    };
}

drawn! {
    Extension { name, version, schema }
    pulse::Pulse {
        epoch, started, in_recovery, timeline, wal_position, max_connections, superuser_reserved, reserved,
        autovacuum_max_workers, autovacuum, checkpoint_timeout_s,
    }
    activity::Backend {
        pid, start, leader_pid, datname, usename, application_name, client, backend_type, state, wait_event_type,
        wait_event, backend_s, xact_s, query_s, state_s, xid_age, xmin_age, query_id, query, hidden,
    }
    locks::Session {
        pid, start, leader_pid, datname, usename, application_name, client, backend_type, state, wait_event_type,
        wait_event, xact_s, query_s, state_s, query, hidden, wait,
    }
    locks::Wait { tag, mode, seconds, blockers, names }
    locks::Tag { locktype, database, relation, page, tuple, virtualxid, transactionid, classid, objid, objsubid }
    locks::Names { database, relation, class, row }
    locks::RowPlace { relation, name, page, tuple }
    locks::Held { pid, virtualtransaction, tag, mode, against }
    prepared::Prepared { gid, xid, owner, database, age_s, virtualtransaction, locks }
    backend::Detail {
        pid, datname, usename, application_name, client, client_port, client_hostname, backend_type, state,
        wait_event_type, wait_event, backend_start, backend_s, xact_s, query_s, state_s, now, xid, xid_age, xmin,
        xmin_age, leader_pid, workers, query_id, blocked_by, query, cut, hidden, encryption,
    }
    backend_locks::Lock { granted, mode, strength, tag, names, wait_s }
    progress::Progress {
        pid, start, backend_type, command, phase, done, total, unit, rounds, indexes_done, indexes_total, dead,
        dead_room, dead_bytes, dead_room_bytes, delay_ms, parts_done, parts_total, locker_pid, database, relid, name,
        owner, index, epoch, since_s, wait_event_type, wait_event, query, marks,
    }
    progress::Mark { epoch, done }
    counters::Counters { epoch, started, in_recovery, databases, all, here, checkpoints, wal, checksums }
    counters::Checksums { failures, last, database }
    counters::Work {
        reset, commits, rollbacks, blocks_read, blocks_hit, rows_returned, rows_fetched, rows_inserted, rows_updated,
        rows_deleted, temp_files, temp_bytes, deadlocks, sessions,
    }
    counters::Checkpoints { reset, timed, requested }
    counters::Wal { reset, records, full_pages, bytes }
    replication::Sender {
        epoch, pid, start, usename, application_name, client, state, sync_state, sync_priority, sent_bytes,
        write_bytes, flush_bytes, replay_bytes, replay_position, write_s, flush_s, replay_s, reply_age_s, reply_us,
        age_s, xmin_age, slot_name, slot_type, database, plugin, kept_bytes, hidden,
    }
    recovery::Recovery {
        epoch, receiver_pid, receiver_status, sender_host, sender_port, slot_name, timeline, message_age_s,
        latest_end_age_s, receive_bytes, unflushed_bytes, replay_bytes, replay_position, replay_s, paused,
        pause_state, prefetch, min_apply_delay_s, hot_standby_feedback, max_streaming_delay_s, max_archive_delay_s,
        restores, target, in_recovery,
    }
    recovery::Prefetch { fetched, hits, skipped, distance, reset }
    horizon::Holder { kind, name, pid, start, detail, application, state, active, database, here, xmin_age, age_s }
    slots::Slot {
        epoch, slot_name, slot_type, database, plugin, temporary, active, active_pid, kept_bytes, wal_status,
        safe_bytes, confirmed_bytes, xmin_age, catalog_xmin_age, two_phase, decoded, conflicting, inactive_s,
        invalidation_reason, failover, synced,
    }
    slots::Decoded { spill_txns, spill_bytes, stream_bytes, total_bytes }
    relation_io::RelationIo { epoch, started, in_recovery, reset, table_fetched, table_hit, index_fetched, index_hit }
    databases::Database { oid, datname, bytes, here }
    database_list::Reading { epoch, started, in_recovery, databases }
    database_list::Database {
        oid, datname, here, allows_connections, invalid, connection_limit, may_connect, xid_age, connections,
        stats_reset, commits, rollbacks, blocks_read, blocks_hit, temp_bytes, deadlocks,
    }
    extensions::Extensions {
        installed, statements_default, statements_max, statements_track, track_planning, track_io_timing,
        compute_query_id, preload,
    }
    statements::Key { user, database, query, toplevel }
    statements::Counters { calls, rows, exec_ms, plan_ms, hit, read, io_ms, temp, wal, jit_ms }
    statements::Entry { key, user, database, counters, since }
    autovacuum::Queue { epoch, setting, totals, tables, others }
    autovacuum::Setting { active, max_workers, worker_slots, naptime_s, cost_limit, cost_delay_ms }
    autovacuum::Totals { tables, dead, dead_catalog, over_vacuum, over_insert, over_analyze, over, over_disabled }
    autovacuum::Table {
        relid, nspname, relname, relkind, owner, ratio, reltuples, relpages, relallfrozen, leaves, enabled,
        vacuum_base, vacuum_scale, vacuum_max, insert_base, insert_scale, analyze_base, analyze_scale, live, dead,
        inserted, modified, vacuum_s, autovacuum_s, analyze_s, autoanalyze_s, vacuums, analyzes, over_since,
    }
    named::Named { nspname, relname }
    named::InTheWay { pid, granted }
    relations::Relations { epoch, database, relations, stats_reset, rows, measured }
    relations::Relation {
        oid, name, relkind, parent, filenode, estimated_bytes, size, lock, reltuples, live, dead, modified, inserted,
        updated, hot_updated, deleted, seq_scan, idx_scan, indexes, blocks_fetched, blocks_hit, last_vacuum,
        last_analyze,
    }
    relations::Size { heap, indexes, toast }
    relations::Measure { epoch, bytes, filenode }
    indexes_unused::UnusedIndexes { epoch, indexes, estimated_total, counters_reset, server_reset, rows }
    indexes_unused::UnusedIndex {
        oid, name, table_oid, table, method, parts, estimated_bytes, bytes, lock, attached, expression, partial,
        clustered, foreign_key, writes,
    }
    indexes_duplicate::DuplicateIndexes { indexes, estimated_total, rows }
    indexes_duplicate::DuplicateIndex {
        oid, name, table_oid, table, method, same_keys, columns, keeper, keeper_columns, keeper_primary,
        keeper_unique, partitioned, estimated_bytes, bytes, lock, scans, keeper_scans,
    }
    indexes_invalid::InvalidIndex {
        oid, name, table_oid, table, partitioned, attached, unique, valid, ready, live, of_constraint,
        estimated_bytes, build, in_recovery,
    }
    indexes_invalid::Build { pid, command, phase, percent }
    fk_unindexed::UnindexedKeys { keys, rows }
    fk_unindexed::UnindexedKey {
        oid, name, table_oid, table, partitioned, parts, bare, parent, columns, estimated_bytes, reltuples,
        parent_deleted, parent_updated,
    }
    sequences::Sequences {
        epoch, database, sequences, unreadable, unreadable_schema, unlogged, read, locked, turn, rows, earlier,
    }
    sequences::Sequence { oid, name, sequence_type, column, increment, bound, last_value, share }
    sequences::Column { table_oid, table, name, width }
    partitions::Partitions { relations, zone, recovering, now }
    partitions::Relation {
        oid, schema, name, kind, parent, bound, detaching, reltuples, heap_bytes, live, inserted, analyzed, grew_at,
        key,
    }
    partitions::Key { strategy, columns, types, classes, expression, partitions }
    archiver::Archiver {
        epoch, mode, has_command, library, timeout_s, in_recovery, archived_count, last_archived_wal, archived_age_s,
        failed_count, last_failed_wal, failed_age_s, reset, segment_bytes, wal_position, may_list,
    }
    archive_backlog::ArchiveBacklog { epoch, waiting, done, oldest_s }
    conflicts::Conflicts { epoch, snapshot, lock, buffer_pin, deadlock, tablespace, logical_slot }
    subscriptions::Subscription {
        epoch, oid, name, database, here, owner, enabled, slot_name, publications, disable_on_error, apply_errors,
        sync_errors, reset, conflicts, worker_pid, message_age_s, latest_end_age_s, received_position, sync_workers,
        parallel_workers, tables, ready, unready,
    }
    subscriptions::Unready { schema, table, state }
    settings::ServerSettings { epoch, loaded, rows, overrides }
    settings::Setting { name, value, unit, source, context, pending_restart }
    settings::Override { role, database, name, value }
    wal_settings::WalSettings {
        synchronous_standby_names, synchronous_commit, wal_level, max_wal_senders, max_replication_slots,
        max_keep_bytes, idle_timeout_s,
    }
    wraparound_databases::Databases { epoch, started, in_recovery, next_xid, next_mxid, limits, databases }
    wraparound_databases::Limits {
        version_num, freeze_max_age, multixact_freeze_max_age, failsafe_age, multixact_failsafe_age,
    }
    wraparound_databases::Database {
        oid, datname, here, template, allows_connections, invalid, may_connect, xid_age, mxid_age,
    }
    wraparound_relations::Relations { total, hidden, due, limits, relations }
    wraparound_relations::Relation {
        oid, nspname, relname, relkind, temporary, shared, owner, xid_age, mxid_age, bytes, freeze_max_age,
        multixact_freeze_max_age, autovacuum,
    }
    relation::Identity {
        oid, name, kind, persistence, owner, tablespace, access_method, replica_identity, options, is_partition,
        parent, bound, key, children, toast_of, toast_of_options, toast, size, tuples, pages, visible_pages, block,
        xid_age, mxid_age, now,
    }
    relation::Parent { oid, name, key, children }
    relation::Toast { oid, name, options, pages, visible_pages, xid_age, mxid_age }
    relation::Size { exact, index_pages, indexes, busy }
    relation::Exact { heap, maps, toast, indexes }
    relation_stats::Stats {
        oid, live, dead, mods, inserts, inserted, updated, deleted, hot_updated, newpage_updated, seq, index, heap,
        indexes, vacuum, autovacuum, analyze, autoanalyze, frozen_pages, reset, settings, in_recovery, now,
    }
    relation_stats::Scans { count, last, rows }
    relation_stats::Blocks { fetched, hit }
    relation_stats::Runs { count, last, total }
    relation_indexes::Index {
        oid, name, is_partitioned, method, is_unique, is_primary, is_exclusion, is_valid, is_ready,
        is_replica_identity, is_clustered, constraint, referenced_by, busy, bytes, definition, options, planned_bytes,
        scans, last_scan, entries_read, rows_fetched, blocks, hits,
    }
    relation_columns::Column {
        attnum, name, type_name, not_null, computed, length, align, storage, target, default_target, readable,
        statistics, dropped,
    }
    relation_columns::Statistics { null_frac, width, distinct, correlation }
    relation_family::Family { of_me, all, members }
    relation_family::Member { oid, name, kind, bound, detaching, heap_bytes, tuples, is_me, nth }
    relation_locks::Locks { locks, all, awaited, exists }
    relation_locks::Lock {
        pid, start, locktype, mode, granted, place, heap, toast, indexes, index, wait_s, usename, application_name,
        backend_type, state, xact_s, query, hidden,
    }
    measure::Measured { oid, found, at }
    measure::Heap { bytes, scanned, live, live_bytes, dead, dead_bytes, free_bytes }
    measure_indexes::Measured { oid, relation, found, at }
    measure_indexes::Tree { bytes, leaves, empty, deleted, density, fragmentation }
}
