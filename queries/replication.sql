select extract(epoch from pg_catalog.clock_timestamp())::float8 as epoch,
       r.pid,
       (extract(epoch from r.backend_start) * 1000000)::int8 as start_us,
       r.usename::text as usename,
       r.application_name,
       pg_catalog.host(r.client_addr) as client,
       r.state,
       r.sync_state,
       r.sync_priority,
       pg_catalog.pg_wal_lsn_diff(w.position, r.sent_lsn)::int8 as sent_bytes,
       pg_catalog.pg_wal_lsn_diff(w.position, r.write_lsn)::int8 as write_bytes,
       pg_catalog.pg_wal_lsn_diff(w.position, r.flush_lsn)::int8 as flush_bytes,
       pg_catalog.pg_wal_lsn_diff(w.position, r.replay_lsn)::int8 as replay_bytes,
       pg_catalog.pg_wal_lsn_diff(r.replay_lsn, '0/0')::int8 as replay_position,
       extract(epoch from r.write_lag)::float8 as write_s,
       extract(epoch from r.flush_lag)::float8 as flush_s,
       extract(epoch from r.replay_lag)::float8 as replay_s,
       extract(epoch from (select pg_catalog.clock_timestamp()) - r.reply_time)::float8 as reply_age_s,
       (extract(epoch from r.reply_time) * 1000000)::int8 as reply_us,
       extract(epoch from (select pg_catalog.clock_timestamp()) - r.backend_start)::float8 as age_s,
       pg_catalog.age(coalesce(r.backend_xmin, s.xmin))::int8 as xmin_age,
       s.slot_name::text as slot_name,
       s.slot_type,
       s.database::text as database,
       s.plugin::text as plugin,
       pg_catalog.pg_wal_lsn_diff(w.position, s.restart_lsn)::int8 as kept_bytes,
       r.state is null as hidden
  from pg_catalog.pg_stat_replication r
  left join pg_catalog.pg_replication_slots s on s.active_pid = r.pid
 cross join (select case when pg_catalog.pg_is_in_recovery()
                         then greatest(pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn())
                         else pg_catalog.pg_current_wal_lsn() end as position) w
 order by r.application_name, r.pid
