select s.slot_name::text as slot_name,
       s.slot_type,
       s.database::text as database,
       s.active,
       pg_catalog.pg_wal_lsn_diff(w.position, s.restart_lsn)::int8 as kept_bytes,
       null::text as wal_status,
       null::int8 as safe_bytes
  from pg_catalog.pg_replication_slots s
 cross join (select case when pg_catalog.pg_is_in_recovery()
                         then coalesce(pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn())
                         else pg_catalog.pg_current_wal_lsn() end as position) w
 order by kept_bytes desc nulls last, s.slot_name
 limit $1
