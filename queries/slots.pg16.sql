select extract(epoch from pg_catalog.clock_timestamp())::float8 as epoch,
       s.slot_name::text as slot_name,
       s.slot_type,
       s.plugin::text as plugin,
       s.database::text as database,
       s.temporary,
       s.active,
       s.active_pid,
       pg_catalog.pg_wal_lsn_diff(w.position, s.restart_lsn)::int8 as kept_bytes,
       pg_catalog.pg_wal_lsn_diff(w.position, s.confirmed_flush_lsn)::int8 as confirmed_bytes,
       pg_catalog.age(s.xmin)::int8 as xmin_age,
       pg_catalog.age(s.catalog_xmin)::int8 as catalog_xmin_age,
       s.wal_status,
       -- On a standby the server counts from its own position of writing, which stands still there.
       case when pg_catalog.pg_is_in_recovery()
            then nullif(pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_slot_wal_keep_size')), -1)
                   - pg_catalog.pg_wal_lsn_diff(w.position, s.restart_lsn)::int8
            else s.safe_wal_size end as safe_bytes,
       s.two_phase,
       t.spill_txns,
       t.spill_bytes,
       t.stream_bytes,
       t.total_bytes,
       s.conflicting,
       null::float8 as inactive_s,
       null::text as invalidation_reason,
       null::bool as failover,
       null::bool as synced
  from pg_catalog.pg_replication_slots s
  left join pg_catalog.pg_stat_replication_slots t on t.slot_name = s.slot_name::text
 cross join (select case when pg_catalog.pg_is_in_recovery()
                         then greatest(pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn())
                         else pg_catalog.pg_current_wal_lsn() end as position) w
 order by kept_bytes desc nulls last, s.slot_name
 limit $1
