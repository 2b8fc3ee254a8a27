select extract(epoch from pg_catalog.clock_timestamp())::float8 as epoch,
       s.oid as oid,
       s.subname::text as name,
       d.datname::text as database,
       d.datname = pg_catalog.current_database() as here,
       pg_catalog.pg_get_userbyid(s.subowner)::text as owner,
       s.subenabled as enabled,
       s.subslotname::text as slot_name,
       s.subpublications as publications,
       s.subdisableonerr as disable_on_error,
       e.apply_error_count as apply_errors,
       e.sync_error_count as sync_errors,
       extract(epoch from e.stats_reset)::float8 as reset,
       e.confl_insert_exists + e.confl_update_origin_differs + e.confl_update_exists + e.confl_update_missing
         + e.confl_delete_origin_differs + e.confl_delete_missing + e.confl_multiple_unique_conflicts as conflicts,
       w.pid as worker_pid,
       extract(epoch from (select pg_catalog.clock_timestamp()) - w.last_msg_receipt_time)::float8 as message_age_s,
       extract(epoch from (select pg_catalog.clock_timestamp()) - w.latest_end_time)::float8 as latest_end_age_s,
       pg_catalog.pg_wal_lsn_diff(w.received_lsn, '0/0')::int8 as received_position,
       k.sync_workers,
       k.parallel_workers,
       t.tables,
       t.ready,
       u.schemas as unready_schemas,
       u.tables as unready_tables,
       u.states as unready_states
  from pg_catalog.pg_subscription s
  join pg_catalog.pg_database d on d.oid = s.subdbid
  left join pg_catalog.pg_stat_subscription w on w.subid = s.oid and w.relid is null and w.leader_pid is null
  left join pg_catalog.pg_stat_subscription_stats e on e.subid = s.oid
  left join lateral (select pg_catalog.count(x.relid) as sync_workers,
                           pg_catalog.count(x.leader_pid) as parallel_workers
                       from pg_catalog.pg_stat_subscription x
                      where x.subid = s.oid) k on true
  left join lateral (select pg_catalog.count(*) as tables,
                            pg_catalog.count(*) filter (where r.srsubstate = 'r') as ready
                       from pg_catalog.pg_subscription_rel r
                      where r.srsubid = s.oid) t on d.datname = pg_catalog.current_database()
  left join lateral (select pg_catalog.array_agg(y.nspname) as schemas,
                            pg_catalog.array_agg(y.relname) as tables,
                            pg_catalog.array_agg(y.state) as states
                       from (select m.nspname::text as nspname, c.relname::text as relname, r.srsubstate::text as state
                               from pg_catalog.pg_subscription_rel r
                               join pg_catalog.pg_class c on c.oid = r.srrelid
                               join pg_catalog.pg_namespace m on m.oid = c.relnamespace
                              where r.srsubid = s.oid and r.srsubstate <> 'r'
                              order by m.nspname, c.relname
                              limit $2) y) u on d.datname = pg_catalog.current_database()
 order by d.datname, s.subname
 limit $1
